/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call that comes while its user has another one, and waits for that to end (FEATURES CALL-12, CALL-13): a step of its plan that rings no
 * phone yet. The caller hears 180, or ringback where it is up already, and who speaks hears a tone within what it hears. When the user has
 * no call any more whose party his phone does not hold, his phones ring. Phones need to know nothing of it. How long it waits is how long
 * it would ring.
 */
#ifndef SIG_PBX_CALL_WAITING_H
#define SIG_PBX_CALL_WAITING_H

#include "sig/call/module.h"
#include "sig/model/event.h"

/* A party of the call was told to hear it. */
bool call_waiting_is_heard(const struct call_host *h, const struct call *c);

#endif
