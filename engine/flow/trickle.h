/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a party is sent before it was heard: so little that it does no harm where nobody asked for it, and enough to be heard and to open
 * a NAT. And what one party may send at most, so that a loop through other nodes stays small.
 */
#ifndef ENGINE_FLOW_TRICKLE_H
#define ENGINE_FLOW_TRICKLE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	TRICKLE_PER_S =
		50, /* packets, RTP and RTCP together, after as many at once: a stream of sound */
	TRICKLE_MAX = 3000, /* in all, to an address that SDP alone names */
	/* RTP of one party, above all that codecs send: sound in frames of 1 ms, pictures of 100 Mbit/s. Other
	 * lines send no more than sound. */
	PARTY_SOUND_PER_S = 1000,
	PARTY_FRAMES_PER_S = 10000,
	PARTY_RTCP_PER_S = 400,
};

struct flow;

/* Part of a flow; zero-initialised is "nothing was sent". */
struct trickle {
	uint64_t next_ns; /* as if packets came evenly */
	uint32_t sent;
};

struct flow_pace {
	uint64_t rtp, rtcp; /* heard until the last tick */
	uint32_t rtp_left;  /* until the next one, while flow.receive is FLOW_RECEIVE_PACED */
	uint32_t rtcp_left;
};

/* May one more packet go to a party that was not heard yet? */
bool trickle_take(struct flow *f, uint64_t now_ns);
/* The party is expected elsewhere. */
void trickle_renew(struct flow *f);

/* At each tick. */
void flow_pace_tick(struct flow *f);
/* A packet of a party that sends too fast. False: it is one too many. */
bool flow_pace_take(struct flow *f);
/* Of each RTCP packet. */
bool flow_pace_rtcp(struct flow *f);

#endif
