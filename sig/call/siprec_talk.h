/* SPDX-License-Identifier: Apache-2.0 */
/* What a recorder is to know of a call, read from it as it is. */
#ifndef SIG_CALL_SIPREC_TALK_H
#define SIG_CALL_SIPREC_TALK_H

#include "sig/call/siprec_body.h"
#include "sig/model/call.h"
#include "sig/model/recording.h"

enum { SIPREC_NAME_MAX = 128 };

/* Names without the escapes of their headers. */
struct siprec_words {
	char name[FORK_STREAMS][SIPREC_NAME_MAX];
};

/* Slices of the call and of *words. The recording has its session, with ports. */
void siprec_talk_read(struct siprec_talk *out, struct siprec_words *words,
		      const struct call_host *h, const struct call *c, const struct recording *r);
/* Of all that the recorder is told but times and the version: when it changes the recorder is told anew. Never 0. */
uint64_t siprec_talk_hash(struct call_host *h, const struct call *c, const struct recording *r);

#endif
