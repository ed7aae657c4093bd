/* SPDX-License-Identifier: Apache-2.0 */
/* Who calls comes into a conference that is there (RFC 4579 5.1), or to those who speak in a call (RFC 3911). Whose right it is its shard has seen
 * to. */
#ifndef SIG_FEATURE_FOCUS_CALL_H
#define SIG_FEATURE_FOCUS_CALL_H

#include "sig/model/start.h"

struct call_host;

/* set.conference, or set.joins. 0, or -errno with *refusal. */
int focus_call_begin(struct call_host *h, struct call *c, const struct call_start *start,
		     struct call_refusal *refusal) NODISCARD;

#endif
