/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which sources a plain-RTP flow accepts. Anybody can send to a port; packets of strangers must
 * neither reach the other party nor redirect our packets (RTP bleed, RTP injection). RTP and RTCP
 * ports are latched separately, but RTCP follows RTP: it is sent next to its source until RTCP came
 * from there.
 */
#ifndef ENGINE_WORKER_LATCH_H
#define ENGINE_WORKER_LATCH_H

#include "engine/net/packet.h"

struct flow;
struct worker;

#define LATCH_SILENCE_NS UINT64_C(3000000000) /* then another source may be latched */

#define LATCH_STABLE_NS UINT64_C(5000000000)
#define LATCH_QUIET_NS  UINT64_C(1000000000) /* a connected socket shows no other source */

/* Whether this packet is accepted. Latches its source, with *changed, if the flow's mode allows. */
bool latch_accept(struct flow *f, enum channel c, const struct addr *from, uint32_t ssrc,
		  uint64_t now_ns, bool *changed);
/* The sender's SSRC as the RTCP names it; 0: it has no sender. */
uint32_t latch_ssrc(const struct pkt *p);
/* flow.rtcp_place: after the latch of RTP or a signalled address changed. */
void latch_place_rtcp(struct flow *f);
/* The latch of a record, if the mode still allows that source. */
void latch_resume(struct flow *f, enum channel c, const struct addr *source, uint64_t now_ns);
/* Whether the RTP source is so old, and so recently heard, that the socket may be connected to
 * it. */
bool latch_is_stable(const struct flow *f, uint64_t now_ns);
/* The signalled address moved: it is sent to until the party sends. */
void latch_forget(struct flow *f, enum channel c);

/* A held flow (receive 0) latches no RTP source. Drops: source_not_latched, loop, not_receiving.
 * SRTP must authenticate before it latches anything (stage.h). */
void latch_stage(struct worker *w, struct batch *b);

/* What an unheard party is sent: little enough to do no harm where it is unwanted, and enough to be
 * noticed and to open a NAT. And the most that a party may send, so that a loop through other nodes
 * stays small. */

enum {
	/* Packets, RTP and RTCP together, after as many at once: an audio stream. */
	TRICKLE_PER_S = 50,
	TRICKLE_MAX = 3000, /* in all, to an address that SDP alone names */
	/* RTP of one party, above any codec: audio in frames of 1 ms, video of 100 Mbit/s. Other
	 * lines are limited like audio. */
	PARTY_SOUND_PER_S = 1000,
	PARTY_FRAMES_PER_S = 10000,
	PARTY_RTCP_PER_S = 400,
};

/* Part of a flow; zero-initialised is "nothing was sent". */
struct trickle {
	uint64_t next_ns; /* as if packets came evenly */
	uint32_t sent;
};

struct flow_pace {
	uint64_t rtp, rtcp; /* packets received until the last tick */
	uint32_t rtp_left;  /* until the next one, while flow.receive is FLOW_RECEIVE_PACED */
	uint32_t rtcp_left;
};

/* Whether one more packet may go to a party that has not sent yet. */
bool trickle_admit(struct flow *f, uint64_t now_ns);
/* The party is expected elsewhere. */
void trickle_renew(struct flow *f);

/* At each tick. */
void flow_pace_tick(struct flow *f);
/* A packet of a party that sends too fast. False: it is one too many. */
bool flow_pace_admit(struct flow *f);
/* Of each RTCP packet. */
bool flow_pace_rtcp(struct flow *f);

#endif
