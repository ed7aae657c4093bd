/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets of a stream that come when they come, and are played in time: in order, each once, as late as the jitter asks for and no later.
 * It knows no codec: who decodes says how long a packet sounds, and does what the advice about the pace says, or does not.
 *
 *   put     a packet that came
 *   get     what is heard next: in each tick, until there are samples for it
 *
 * What is missing when its time has come is concealed. When it comes then, and nothing behind it was played, it is played late: the delay has
 * grown by as much. Where the sender paused, which its timestamps say, there is silence, and its length is what the delay wants.
 *
 * Memory is allocated at open alone: 14 KiB for 64 packets of 160 octets. One thread. No clock: both give the time. Both together take 40 ns
 * (Zen 5, gcc 12, 2026-11).
 */
#ifndef MEDIA_RTP_JITTER_H
#define MEDIA_RTP_JITTER_H

#include <stdint.h>

#include "base/bytes.h"

struct jitter;

struct jitter_settings {
	uint32_t clock_hz; /* of RTP timestamps: 8000 to 192000, whole thousands */
	/* packets that it can hold: a power of two. max_ms must fit, with some more */
	uint32_t slots;
	uint32_t octets;  /* of a payload, at most */
	uint32_t tick_ms; /* how often it is asked: 1 to 60 */
	uint32_t min_ms, start_ms,
		max_ms; /* the delay behind the quickest packet; 600 ms at most */
	bool fec; /* a packet has something of the one before it (Opus), which is not waited for then */
};

enum { JITTER_DELAY_MS_MAX = 600, JITTER_SLOTS_MAX = 1024 };

struct jitter_packet {
	uint64_t arrival_ns;
	uint32_t ssrc, timestamp;
	/* of the RTP clock that it sounds. 0: it has its number, and nothing to play (RFC 4733, padding) */
	uint32_t units;
	uint16_t sequence;
	uint8_t payload_type;
	bool marker;
	bool pauses; /* behind it the sender is silent for a while: comfort noise (RFC 3389), DTX */
	struct bytes payload;
};

enum jitter_put {
	JITTER_KEPT,
	JITTER_RESTARTED, /* kept; another source, or one that began anew: what was there is gone */
	JITTER_LATE,      /* what follows it was played, or its delay would be over max_ms */
	JITTER_DUPLICATE,
	JITTER_FAR, /* a number that is far away: dropped, and believed if the next packet follows it */
	JITTER_TOO_LARGE, /* its payload */
};

enum jitter_kind {
	JITTER_PLAY,
	JITTER_LOST, /* conceal */
	JITTER_SILENCE, /* nothing came yet, or the sender pauses; after a packet that pauses its comfort noise */
};

/* What would bring the delay to what is wanted. Who does something of another length calls get so much sooner or later. */
enum jitter_pace {
	JITTER_STEADY,
	JITTER_SHRINK_SILENCE, /* leave out some or all of it, where it is silent */
	JITTER_SHRINK,         /* shorten it a little, even in speech */
	JITTER_STRETCH,        /* lengthen it a little */
};

struct jitter_frame {
	enum jitter_kind kind;
	enum jitter_pace pace; /* of JITTER_PLAY */
	uint32_t units; /* how long it is; of silence less may be taken, to the end of the tick */
	uint32_t spare; /* with a pace: by how much, at most */
	uint32_t timestamp; /* JITTER_PLAY: as it was sent */
	uint8_t payload_type;
	/* JITTER_PLAY: it. JITTER_LOST, with fec: what directly follows, when it is there. Until the next put. */
	struct bytes payload;
};

/* Since open. */
struct jitter_counts {
	uint64_t played;
	uint64_t lost;    /* frames that were concealed */
	uint64_t late;    /* came and were not kept */
	uint64_t dropped; /* kept and not played: over max_ms, or no slot left */
	uint64_t duplicate, far, restarts;
	uint64_t rebased; /* timestamps that went on elsewhere */
};

/* 0, -EINVAL, -ENOMEM */
int jitter_open(struct jitter **out, const struct jitter_settings *s) NODISCARD;
/* The same in memory of the caller's, which is aligned to 64 octets, and is not closed. How much that is; 0: the settings are not fit. */
size_t jitter_octets(const struct jitter_settings *s);
struct jitter *jitter_open_in(void *memory, const struct jitter_settings *s);
void jitter_close(struct jitter *j); /* NULL is fine */
enum jitter_put jitter_put(struct jitter *j, const struct jitter_packet *p);
/* queued_ns: what is still to be heard before it. */
void jitter_get(struct jitter *j, uint64_t now_ns, uint64_t queued_ns, struct jitter_frame *out);
/* What both touch is on its way to the cache: of itself; and when that is there, of the packet that is put, or got, next. */
void jitter_fetch(const struct jitter *j);
void jitter_fetch_put(const struct jitter *j);
void jitter_fetch_get(const struct jitter *j);
/* What is wanted behind the quickest packet. */
uint32_t jitter_target_ms(const struct jitter *j);
uint32_t jitter_kept(const struct jitter *j); /* packets that wait */
const struct jitter_counts *jitter_counts(const struct jitter *j);

/*
 * How long to wait for packets. The quickest of the last ten seconds is the floor; it follows a sender whose clock is not ours. How much
 * later than the floor the others came is in a histogram that forgets, and its 99th percentile is the delay that is wanted. All
 * times are in units of the RTP clock.
 */

enum {
	JITTER_BINS = 128,
	JITTER_BIN_MS = 5, /* the last bin has all that is later */
	JITTER_FLOORS = 10,
};

struct jitter_delay {
	int64_t floor;       /* the least of arrival less timestamp */
	int64_t floor_until; /* the arrival that the present one of floors ends with */
	uint32_t floor_at;
	uint32_t clock_hz;
	uint32_t min, max;
	uint32_t bin; /* that the percentile is in */
	float below;  /* in all bins before it */
	float total;
	float next;                    /* what the next packet counts */
	int64_t floors[JITTER_FLOORS]; /* of a second each */
	float bins[JITTER_BINS];
};

#endif
