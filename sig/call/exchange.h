/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One offer/answer exchange (RFC 3264) carried through a call: what the offerer and the answerer said, and what we said for them.
 * The media plan is not kept: it follows from these texts, also in another process.
 */
#ifndef SIG_CALL_EXCHANGE_H
#define SIG_CALL_EXCHANGE_H

#include "base/text.h"

struct exchange {
	uint8_t offerer;        /* leg whose SDP is the offer */
	struct text offer_in;   /* the offerer's */
	struct text offer_out;  /* ours to the answerer */
	struct text answer_in;  /* the answerer's */
	struct text answer_out; /* ours to the offerer */
};
void exchange_clear(struct exchange *x);
/* *to takes over what *from holds; *from is empty afterwards. */
void exchange_move(struct exchange *to, struct exchange *from);

#endif
