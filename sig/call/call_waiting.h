/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call that comes while its user has another one, and waits for that to end (FEATURES CALL-12, CALL-13): a step of its plan that rings no
 * phone yet. The caller hears 180, or ringback where it is up already, and who speaks hears a tone within what it hears. When the user has
 * no call any more whose party his phone does not hold, his phones ring. Phones need to know nothing of it. How long it waits is how long
 * it would ring.
 */
#ifndef SIG_CALL_CALL_WAITING_H
#define SIG_CALL_CALL_WAITING_H

#include "sig/call/module.h"
#include "sig/model/event.h"

extern const struct module call_waiting_module;

/* What the call meets at its user. */
enum call_waiting_verdict {
	CALL_WAITING_FREE, /* his phones ring */
	CALL_WAITING_BUSY,
	CALL_WAITING_WAITS,
};
/* f: what is set of him; NULL: nothing. */
enum call_waiting_verdict call_waiting_meets(const struct call_host *h, const struct call *c,
					     const struct shard_forward *f, struct bytes user);

/* The last step waits. */
bool call_waiting_is_on(const struct call *c);
/* It does from now on. */
enum refusal call_waiting_begin(struct call_host *h, struct call *c, struct bytes display,
				struct call_refusal *refusal) NODISCARD;

/* A party of the call was told to hear it. */
bool call_waiting_is_heard(const struct call_host *h, const struct call *c);

#endif
