/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets that a caller keys or says: who guesses waits (sig/host/security.h), on all nodes, and operators hear of it. Whatever asks for
 * such a secret names what it is of, as "room 700": asks how long the caller has to wait before it looks, and says what it found.
 */
#ifndef SIG_CALL_SECRET_H
#define SIG_CALL_SECRET_H

#include "sig/model/event.h"

enum { SECRET_OBJECT_MAX = 64 };

/* Whom guesses of the caller count for. */
void secret_source_write(struct writer *w, const struct call_host *h, const struct call *c);
/* So long what the caller gives is not looked at; 0: it is. */
uint64_t secret_waits_ns(const struct call_host *h, const struct call *c, const char *object);
/* For who has to wait: before he is asked. */
enum refusal secret_refuse(uint64_t wait_ns, struct call_refusal *refusal);
void secret_is_wrong(struct call_host *h, const struct call *c, const char *object);
/* Of the object's secrets the one that gives most: else who has a lesser one could guess the other one unhindered. */
void secret_is_right(struct call_host *h, const struct call *c, const char *object);

#endif
