/* SPDX-License-Identifier: Apache-2.0 */
/* REFER within a dialog (RFC 3515), and the NOTIFYs that say what became of it. */
#ifndef SIG_LEG_REFER_H
#define SIG_LEG_REFER_H

#include "sig/call/call.h"

/* A party's REFER: answered with 202 once it is in the record, or refused. */
void refer_received(struct call_host *h, struct call *c, const struct call_event *ev);
/* One that was accepted by the process before this one, whose 202 was lost: it has the same answer. False: it is another. */
bool refer_again(struct call_host *h, struct call *c, const struct call_event *ev) NODISCARD;
/* To the party of the leg, after the next save: the status of whoever is rung for its REFER. 100: nothing yet; of 200 on it is the last one.
 * Its transaction; 0: there is none left. */
uint64_t refer_notify(struct call_host *h, struct call *c, uint8_t leg, uint32_t refer,
		      uint16_t status);

#endif
