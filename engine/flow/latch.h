/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom a plain-RTP flow believes. Anybody can send to a port; what is not from the party must neither be heard by the
 * other party nor turn our packets towards itself (RTP bleed, RTP injection). RTP and RTCP ports are latched apart,
 * but RTCP follows RTP: it is sent beside its source until RTCP came from there.
 */
#ifndef ENGINE_FLOW_LATCH_H
#define ENGINE_FLOW_LATCH_H

#include "engine/flow/flow.h"

#define LATCH_SILENCE_NS \
	UINT64_C(3000000000) /* then another source may be believed, by the same rule */

#define LATCH_STABLE_NS UINT64_C(5000000000)
#define LATCH_QUIET_NS \
	UINT64_C(      \
		1000000000) /* a connected socket shows no other source: in time before LATCH_SILENCE_NS */

/* Could a packet from there be believed, if it turns out to be the party's? ssrc: of RTCP (latch_ssrc). */
bool latch_allows(const struct flow *f, enum channel c, const struct addr *from, uint32_t ssrc,
		  uint64_t now_ns);
/* May this packet be believed? Latches its source where the flow's mode allows; *changed is then true. */
bool latch_accept(struct flow *f, enum channel c, const struct addr *from, uint32_t ssrc,
		  uint64_t now_ns, bool *changed);
/* Whom the RTCP is from, by its own words; 0: it is none. */
uint32_t latch_ssrc(const struct pkt *p);
/* flow.rtcp_place: after the latch of RTP or a signalled address changed. */
void latch_place_rtcp(struct flow *f);
/* The latch of a record, if the mode still allows that source. */
void latch_resume(struct flow *f, enum channel c, const struct addr *source, uint64_t now_ns);
/* Has the RTP source stayed so long, and spoken so lately, that the socket may be connected to it? */
bool latch_is_stable(const struct flow *f, uint64_t now_ns);
/* The signalled address moved: it is sent to until its party was heard. */
void latch_forget(struct flow *f, enum channel c);

/* A held flow (receive 0) latches no RTP source. Drops: source_not_latched, loop, not_receiving. What is SRTP has yet to authenticate before it latches anything (unprotect.h). */
void latch_stage(struct worker *w, struct batch *b);

#endif
