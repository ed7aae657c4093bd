/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The packets that the members of a mix are sent. Members that hear the shared frame get the shared
 * payload of their encoding (a codec with its settings and packet time), encoded once for all of
 * them. A member that talks or is coached has a stream of its own meanwhile. That stream begins as
 * a copy of the shared one, so its decoder notices no change. It ends when the member has heard
 * nothing but the shared frame for PAYLOADS_RETURN_MS: the next shared packet is then encoded
 * independently of earlier ones.
 *
 * Memory is allocated when a mix's payloads are opened and when members join. One thread at a time
 * uses them. Opus needs 128 KiB of stack.
 */
#ifndef DSP_MIX_PAYLOADS_H
#define DSP_MIX_PAYLOADS_H

#include "dsp/mix/packer.h"

enum {
	PAYLOADS_GROUPS_MAX = 16, /* encodings at a time */
	PAYLOADS_OWN_MAX = 32,    /* streams of their own, of an encoding */
	/* own streams besides, by default, for members just silent or coached */
	PAYLOADS_HANG_OVER = 3,
	/* Stateless codecs return at once; G.722 and similar ones after 100 ms, as they always
	 * depend on the past. */
	PAYLOADS_RETURN_MS = 80,
	PAYLOADS_RETURN_ADPCM_MS = 100,
	PAYLOADS_MODE_WAIT_MS = 200, /* more, while both streams of Opus differ in mode */
};

struct payloads;

/* How often what was done, in packets and switches. */
struct payloads_counts {
	uint64_t shared, own; /* calls of an encoder */
	uint64_t rested;      /* packets of a pause, without such a call */
	/* members that got a stream of their own; stateless codecs need no copy */
	uint64_t copies;
	uint64_t returns;
	uint64_t hurried; /* members among them that lost their stream to another member */
	uint64_t starved; /* packets that were not made: no stream was free */
};

/* For a mix that outlives it. own: how many members of an encoding may have own streams at once; 0:
 * the talkers and PAYLOADS_HANG_OVER more, and if all are heard, every member. Returns 0, -EINVAL
 * or -ENOMEM. */
int payloads_open(struct payloads **out, struct mix *m, uint32_t own) NODISCARD;
void payloads_close(struct payloads *p); /* NULL is fine */

/* Adds a member of the mix, once. Returns 0; -EINVAL, -ENOTSUP: no such encoding; -ENOSPC: too many
 * encodings; -ENOMEM. */
int payloads_join(struct payloads *p, uint32_t member, const struct packer_settings *s) NODISCARD;
/* Before it leaves the mix. It may join again with another encoding. */
void payloads_leave(struct payloads *p, uint32_t member);
struct codec_format payloads_format(const struct payloads *p, uint32_t member);
/* It missed packets, or was deaf: the next one is independent of earlier ones, if the codec can. */
void payloads_missed(struct payloads *p, uint32_t member);

/* Prefetches what a tick touches: with first what is known, later what that points to. */
void payloads_fetch(const struct payloads *p, bool first);
void payloads_fetch_member(const struct payloads *p, uint32_t member);
/* Ends a tick, behind mix_sum. */
void payloads_make(struct payloads *p);
/* The same in parts, for a caller that may not be busy for so long: payloads_tick, then steps of
 * one stream each, until no step is left. Members may leave in between; a member that joins has no
 * packet in this tick. */
void payloads_tick(struct payloads *p);
uint32_t payloads_step(struct payloads *p); /* what it cost, about, in ns; 0: there are no more */
uint32_t payloads_cost_ns(const struct payloads *p); /* a step costs no more than that, about */
/* Some member has a packet in this tick. */
bool payloads_any(const struct payloads *p);

enum payloads_kind {
	PAYLOADS_SHARED, /* octets are shared by all that hear the same */
	PAYLOADS_OWN,
	PAYLOADS_DEAF,    /* it hears nothing */
	PAYLOADS_STARVED, /* no stream is free for it: its own voice is in the shared one */
};

/* What was made for one member alone, when it was asked for. */
struct payloads_space {
	struct packer_packet packet;
	uint8_t octets[PACKER_OCTETS_MAX];
};

struct payloads_sent {
	const struct packer_packet *packets; /* in that space, or until the next payloads_make */
	uint32_t count; /* 0: no packet is due in this tick, or the next field says why */
	enum payloads_kind subject;
	uint32_t clock_hz, units; /* of RTP; a packet is so many */
	bool begins; /* the first packet is the first sound behind a pause that this member had */
};

/* Once in a tick for each member that is sent something. */
struct payloads_sent payloads_of(struct payloads *p, uint32_t member, struct payloads_space *space);
struct payloads_counts payloads_counts(const struct payloads *p);

/* Members of a mix with one encoding: their shared stream, and own streams of some of them.
 * Internal to payloads.c. */

/* A stream of a member's own. Unused ones are kept. */
struct own {
	struct packer *packer;
	uint32_t member;   /* or MIX_NOBODY */
	uint32_t quiet_ms; /* it has heard what all hear */
};

/* All members of one encoding. Their packets begin and end in the same ticks. */
struct group {
	struct packer_settings s;
	struct packer *shared;
	uint32_t members, used;   /* how many, and how many of them are sent packets of their own */
	uint32_t clock_hz, units; /* of RTP */
	uint32_t samples, filled; /* of a packet; of the present one up to now */
	uint32_t packet;          /* number of the present one */
	uint32_t made;            /* packets, in this tick */
	uint32_t next;            /* stream that is made next: 0 is the shared one */
	uint32_t starved;         /* members, in the present packet */
	uint32_t return_ms;
	uint32_t cost_ns; /* of a packet, about */
	bool modes;       /* the first octet has a mode (RFC 6716 3.1) */
	bool copies;      /* the codec has them */
	/* Each tick is a packet of a stateless codec: there are no streams, and a member's own
	 * packet is made when it is sent. */
	bool plain;
	bool idle; /* no member hears the shared stream, so it is not encoded */
	uint32_t own_n, own_max;
	struct own *own;
};

#endif
