/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes packets of a stream as they arrive, and plays them in time: in order, each once, as late as
 * the jitter requires and no later. It knows no codec: the decoder tells how long a packet sounds,
 * and follows the advice about the speed, or does not.
 *
 *   put     a packet that arrived
 *   get     what is played next: in each tick, until there are samples for it
 *
 * A packet missing at its time is concealed. If it comes afterwards, with nothing behind it played
 * yet, it is played late: the delay has grown by as much. In a pause of the sender, known by its
 * timestamps, there is silence, as long as the delay wants.
 *
 * Memory is allocated at open only: 14 KiB for 64 packets of 160 octets. One thread. No clock: both
 * calls get the time. Both together take 40 ns (Zen 5, gcc 12, 2026-11).
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
	uint32_t tick_ms; /* interval of jitter_get: 1 to 60 */
	/* The delay behind the quickest packet; 600 ms at most. */
	uint32_t min_ms, start_ms, max_ms;
	/* A packet has a copy of the one before it (Opus), so a missing one is not waited for. */
	bool fec;
};

enum { JITTER_DELAY_MS_MAX = 600, JITTER_SLOTS_MAX = 1024 };

struct jitter_packet {
	uint64_t arrival_ns;
	uint32_t ssrc, timestamp;
	/* of the RTP clock that it sounds; 0: it has nothing to play (RFC 4733, padding) */
	uint32_t units;
	uint16_t sequence;
	uint8_t payload_type;
	bool marker;
	bool pauses; /* behind it the sender is silent for a while: comfort noise (RFC 3389), DTX */
	struct bytes payload;
};

enum jitter_put {
	JITTER_KEPT,
	JITTER_RESTARTED, /* stored; another source, or a restarted one: earlier packets are gone */
	JITTER_LATE,      /* what follows it was played, or its delay would be over max_ms */
	JITTER_DUPLICATE,
	JITTER_FAR, /* the number is far away: dropped; accepted if the next packet follows it */
	JITTER_TOO_LARGE, /* its payload */
};

enum jitter_kind {
	JITTER_PLAY,
	JITTER_LOST, /* conceal */
	/* Nothing came yet, or the sender pauses; after a packet that pauses, its comfort noise. */
	JITTER_SILENCE,
};

/* What would bring the delay to its target. A decoder that makes another length calls jitter_get so
 * much sooner or later. */
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
	/* JITTER_PLAY: the packet. JITTER_LOST, with fec: the packet directly behind, if it is
	 * there. Until the next put. */
	struct bytes payload;
};

/* Since open. */
struct jitter_counts {
	uint64_t played;
	uint64_t lost;    /* frames that were concealed */
	uint64_t late;    /* arrived, and not stored */
	uint64_t dropped; /* stored and not played: over max_ms, or no slot left */
	uint64_t duplicate, far, restarts;
	uint64_t rebased; /* timestamps that went on elsewhere */
};

/* 0, -EINVAL, -ENOMEM */
int jitter_open(struct jitter **out, const struct jitter_settings *s) NODISCARD;
/* Likewise in the caller's memory, aligned to 64 octets, without close. jitter_octets: its size; 0:
 * the settings are invalid. */
size_t jitter_octets(const struct jitter_settings *s);
struct jitter *jitter_open_in(void *memory, const struct jitter_settings *s);
void jitter_close(struct jitter *j); /* NULL is fine */
enum jitter_put jitter_put(struct jitter *j, const struct jitter_packet *p);
/* queued_ns: what is still to be played before it. */
void jitter_get(struct jitter *j, uint64_t now_ns, uint64_t queued_ns, struct jitter_frame *out);
/* Prefetches the buffer itself; then, once that is there, the packet that is put, or got, next. */
void jitter_fetch(const struct jitter *j);
void jitter_fetch_put(const struct jitter *j);
void jitter_fetch_get(const struct jitter *j);
/* What is wanted behind the quickest packet. */
uint32_t jitter_target_ms(const struct jitter *j);
uint32_t jitter_kept(const struct jitter *j); /* packets that wait */
const struct jitter_counts *jitter_counts(const struct jitter *j);

/* How long to wait for packets. The quickest packet of the last ten seconds is the floor, which
 * follows the sender's clock. How much later than it the others came is in a histogram that
 * forgets, and its 99th percentile is the delay wanted. All times are in units of the RTP clock. */

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
