/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIG_CALL_CDR_FILL_H
#define SIG_CALL_CDR_FILL_H

#include "sig/model/call.h"

/* Last counters of one flow (MEDIA_FLOW_CLOSED), of the caller's leg or the callee's: the CDR has those of the first audio line. */
void cdr_add_flow(struct cdr *cdr, bool caller, const struct call *c, const struct call_flow *f,
		  const struct media_event *closed);
/* Into a fixed field, cut to fit. */
void cdr_put(char *out, size_t cap, struct bytes b);
/* A number of the call as it is told to others: the access code of a trunk before it is how it is dialled. */
struct bytes cdr_number(const struct call_host *h, const struct call *c, struct bytes number);
/* Into a fixed field. */
void cdr_put_number(char *out, size_t cap, const struct call_host *h, const struct call *c,
		    struct bytes number);
/* Names of the parties' trunks; "": a phone's. */
void cdr_put_trunks(const struct call *c, char from[32], char to[32]);
/* What of a pair is in the call from its setup on: names, times until the answer, status. */
void cdr_begin(struct cdr *cdr, const struct call *c);
/* How many a call has: one for each pair (segment.h). */
uint32_t cdrs_count(const struct call *c);
/* Those of all pairs in their order; of the last one everything but the counters. */
void cdrs_fill(struct cdr *list, const struct call_host *h, const struct call *c);

#endif
