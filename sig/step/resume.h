/* SPDX-License-Identifier: Apache-2.0 */
/* A call in the next process. */
#ifndef SIG_STEP_RESUME_H
#define SIG_STEP_RESUME_H

#include "sig/record/call_record.h"

/* Takes a decoded call into the shard: its ports, transactions and flows. What is not there for it is an obstacle (give_up.h). *seed is
 * used up on success. 0, or -EBADMSG (*reason): nothing is left behind. */
int call_attach(struct call_host *h, struct call *c, struct call_seed *seed,
		const char **reason) NODISCARD;
/* Says again what the record says was said, and goes on from there; or gives up, where there is an obstacle. */
void call_resume(struct call_host *h, struct call *c);

#endif
