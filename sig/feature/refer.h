/* SPDX-License-Identifier: Apache-2.0 */
/* REFER (RFC 3515), and the NOTIFYs that say what became of it. */
#ifndef SIG_FEATURE_REFER_H
#define SIG_FEATURE_REFER_H

#include "sig/model/event.h"

/* A party's REFER: answered with 202 once it is in the record, or refused. */
void refer_received(struct call_host *h, struct call *c, const struct call_event *ev);
/* One that was accepted by the process before this one, whose 202 was lost: it has the same answer. False: it is another. */
bool refer_again(struct call_host *h, struct call *c, const struct call_event *ev) NODISCARD;
/* The same outside of a dialog, about that of the leg (RFC 4538), from its user: it makes one of its own. */
void refer_outside(struct call_host *h, struct call *c, const struct call_event *ev);
/* Nobody speaks yet in that call to whom its leg could be joined: it rings, or an application has it. */
bool refer_is_asked_anew(const struct call *other, uint8_t at);
/* To who sent the REFER of the transfer, after the next save: the status of whoever is rung for it. 100: nothing yet; of 200 on it is the
 * last one. Its transaction; 0: there is none left. */
uint64_t refer_notify(struct call_host *h, struct call *c, uint16_t status);

#endif
