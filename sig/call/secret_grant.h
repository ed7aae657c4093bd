/* SPDX-License-Identifier: Apache-2.0 */
/* Up to where the indexes of a flow may be used: saved before the engine hears of it (sig/leg/secret.h). */
#ifndef SIG_CALL_SECRET_GRANT_H
#define SIG_CALL_SECRET_GRANT_H

#include "sig/model/call.h"

/* Little is left of what was granted: more, when it is saved. */
void secret_reserve(struct call_host *h, struct call *c, struct call_flow *f,
		    const struct flow_resume *used);
void secret_granted(struct call_host *h, struct call *c, const struct outbox_item *item);
/* After a restart all begin anew at their limits. */
void secrets_resume(struct call_host *h, struct call *c);

#endif
