/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIG_CALL_CDR_FILL_H
#define SIG_CALL_CDR_FILL_H

#include "sig/call/call.h"

/* Last counters of one flow (MEDIA_FLOW_CLOSED): the CDR has those of the first audio line of caller and callee. */
void cdr_add_flow(struct cdr *cdr, const struct call *c, const struct call_flow *f,
		  const struct media_event *closed);
/* Into a fixed field, cut to fit. */
void cdr_put(char *out, size_t cap, struct bytes b);
/* Everything but the counters. wall_ms: what makes the call's times those of the wall, all alike. */
void cdr_fill(struct cdr *cdr, const struct call *c, const char *tenant, int64_t wall_ms);

#endif
