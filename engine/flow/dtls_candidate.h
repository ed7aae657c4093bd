/* SPDX-License-Identifier: Apache-2.0 */
/* Who tries to be the party of a flow, as the worker sees him; the association itself is the crypto thread's. */
#ifndef ENGINE_FLOW_DTLS_CANDIDATE_H
#define ENGINE_FLOW_DTLS_CANDIDATE_H

#include "engine/flow/dtls_flow.h"

struct dtls_candidate {
	struct flow_id flow;
	struct addr source;
	uint64_t mark; /* of its ClientHello; 0: not known yet */
	uint64_t began_ns, received_ns;
	uint64_t datagram_due_ns; /* budget_take */
	uint8_t place;            /* in dtls_flow.candidates */
	uint8_t proven;           /* 1: it answered what was sent to its address */
	uint8_t told;             /* 1: control has its keys */
	uint8_t done; /* 1: its keys are those of the flow; kept for who did not hear the last flight */
};

/* A handshake of it is under way from now on, or not any more. */
void candidate_count(struct worker *w, const struct dtls_candidate *c, int change);
/* One of a budget that refills steadily and holds `burst` at most. *due_ns: its state, 0 when full. */
bool budget_take(uint64_t *due_ns, uint64_t now_ns, uint64_t each_ns, uint32_t burst);

/* Begins a handshake in this place of the flow, whose candidate goes first; datagram: the first one, may be empty. False: refused, and
 * counted; then nothing has changed. */
bool candidate_begin(struct worker *w, struct flow *f, uint8_t place, const struct addr *source,
		     struct bytes datagram);
void candidate_end(struct worker *w, struct flow *f, struct dtls_candidate *c);
/* All but that one, which may be NULL. */
void candidates_end(struct worker *w, struct flow *f, const struct dtls_candidate *but);
struct dtls_candidate *candidate_at(struct worker *w, const struct flow *f, uint8_t place);
/* Of all candidates the party is now another one: as far as they have not yet seen its certificate. */
void candidates_expect(struct worker *w, struct flow *f);
/* One more datagram of it. False: refused, and counted. */
bool candidate_feed(struct worker *w, struct dtls_candidate *c, struct bytes datagram);
void dtls_refuse(struct worker *w, enum dtls_refusal why);
/* What it holds back may be sent. */
void candidate_release(struct worker *w, const struct dtls_candidate *c);
/* Of all whose keys control has. False: there is none. */
bool candidates_release(struct worker *w, const struct flow *f);
/* One that was done in a process before this: its flight is sent, and again when the party at that address asks for it. */
void candidate_resume(struct worker *w, struct flow *f, const struct addr *source,
		      const struct media_flight *flight);
/* What flow_stats says of its handshakes. */
void dtls_state_update(struct worker *w, struct flow *f, bool failed);

#endif
