/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One offer and its answer between us and one party (RFC 3264), whole texts. What the engine does with them is not kept: it follows
 * from the texts of the legs that hear each other, also in another process.
 */
#ifndef SIG_MODEL_LEG_SDP_H
#define SIG_MODEL_LEG_SDP_H

#include <stdbool.h>

#include "base/text.h"

struct leg_sdp {
	struct text remote; /* the party's; empty: it has said nothing yet */
	struct text local;  /* ours to it; empty: none yet */
	bool theirs;        /* the offer is the party's, and ours the answer */
	bool by_18x; /* agreed by a reliable provisional response (RFC 3262 5): neither 2xx nor ACK has it */
};
void leg_sdp_clear(struct leg_sdp *sdp);
/* *to takes over what *from holds; *from is empty afterwards. */
void leg_sdp_move(struct leg_sdp *to, struct leg_sdp *from);
/* There is an answer. */
static inline bool leg_sdp_is_agreed(const struct leg_sdp *sdp)
{
	return sdp->remote.n && sdp->local.n;
}
/* The offer, or the answer; empty: there is none yet. */
static inline struct bytes leg_sdp_offer(const struct leg_sdp *sdp)
{
	return text_bytes(sdp->theirs ? &sdp->remote : &sdp->local);
}
static inline struct bytes leg_sdp_answer(const struct leg_sdp *sdp)
{
	return text_bytes(sdp->theirs ? &sdp->local : &sdp->remote);
}

#endif
