/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets that a caller enters by digits or sends: guessing is slowed down (sig/host/security.h) on
 * all nodes, and operators get events. The module that asks names the object, as "room 700": it
 * asks how long the caller has to wait before checking, and reports the result. */
#ifndef SIG_CALL_SECRET_H
#define SIG_CALL_SECRET_H

#include "sig/model/event.h"

enum { SECRET_OBJECT_MAX = 64 };

/* The source that the caller's guesses count for. */
void secret_source_write(struct writer *w, const struct call_host *h, const struct call *c);
/* So long what the caller gives is not looked at; 0: it is. */
uint64_t secret_waits_ns(const struct call_host *h, const struct call *c, const char *object);
/* For a caller that has to wait: before asking. */
enum refusal secret_refuse(uint64_t wait_ns, struct call_refusal *refusal);
void secret_is_wrong(struct call_host *h, const struct call *c, const char *object);
/* Of several secrets of the object the most powerful one: else the owner of a lesser one could
 * guess the other unhindered. */
void secret_is_right(struct call_host *h, const struct call *c, const char *object);

#endif
