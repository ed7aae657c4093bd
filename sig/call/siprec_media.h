/* SPDX-License-Identifier: Apache-2.0 */
/* Ports, keys and copies of a recording session. */
#ifndef SIG_CALL_SIPREC_MEDIA_H
#define SIG_CALL_SIPREC_MEDIA_H

#include "sig/call/siprec_body.h"
#include "sig/model/call.h"
#include "sig/model/recording.h"

/* Where it has none yet, with keys if it wants them. False: calls come first where few are left. */
bool siprec_take_ports(struct call_host *h, struct siprec *s) NODISCARD;
void siprec_give_ports(struct call_host *h, struct siprec *s);
/* The node copies what the recorder takes, of whom may be heard now. */
void siprec_fork_settle(struct call_host *h, const struct call *c, const struct recording *r,
			const struct siprec_talk *t);
void siprec_fork_end(struct call_host *h, const struct call *c, const struct recording *r);

#endif
