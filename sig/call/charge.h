/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom calls outside are charged to (sig/host/toll.h). A leg that a trunk is asked by is charged to the extension that called, or that sent
 * the call on, and to its tenant, from its INVITE until it is over. Emergency calls are charged to nobody.
 *
 * Who pays and since when is in the record. When the time is over follows from that and from what the day has cost, so a successor ends the
 * call as the killed process would have.
 */
#ifndef SIG_CALL_CHARGE_H
#define SIG_CALL_CHARGE_H

#include "sig/model/event.h"

struct module;

/* Whether the last step may go out. Where it is refused it is told, too. */
enum refusal charge_may(struct call_host *h, const struct call *c,
			struct call_refusal *refusal) NODISCARD;
/* The leg is asked by a trunk from now on. As above. */
enum refusal charge_begin(struct call_host *h, struct call *c, struct leg *l,
			  struct call_refusal *refusal) NODISCARD;
/* The same of a record's legs, whatever the limits are. */
void charges_restore(const struct call_host *h, struct call *c);
/* The time of one of them is over: it is given more, or the call ends. */
void charges_due(struct call_host *h, struct call *c);
/* What the call has cost the day that it ends in: "DAY TENANT:USER MS ...". 0 or -ENOMEM; empty: nothing. */
int charges_write(const struct call_host *h, const struct call *c, struct text *out) NODISCARD;
void charges_clear(struct call *c);

#endif
