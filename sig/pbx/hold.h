/* SPDX-License-Identifier: Apache-2.0 */
/* By command a party holds the other one, or nobody hears it. */
#ifndef SIG_PBX_HOLD_H
#define SIG_PBX_HOLD_H

#include "sig/call/module.h"
#include "sig/model/event.h"

extern const struct module hold_module;

/* What a phone says to Event: talk. */
void order_talk_answered(const struct call *c, const struct call_event *ev);

#endif
