/* SPDX-License-Identifier: Apache-2.0 */
/* The beginning and the end of a call as a value. */
#ifndef SIG_CALL_LIFETIME_H
#define SIG_CALL_LIFETIME_H

#include "sig/model/call.h"

/* What every new call begins as: the caller's INVITE is open, and nobody else is there yet. */
void call_begin(struct call_host *h, struct call *c);
/* Frees what it holds, gives ports back. */
void call_clear(struct call_host *h, struct call *c);
/* The memory alone: of a call that is not part of a shard. */
void call_free(struct call *c);

#endif
