/* SPDX-License-Identifier: Apache-2.0 */
/* A step of a plan that rings no phone: it sets a field in the caller's extension document
 * (sig/sip/feature_code.h). The step is saved, then the document change is requested, and when that
 * is saved or refused the node answers the caller, plays the matching tone and ends the call. A
 * successor that does not know the outcome repeats the request, which is idempotent. */
#ifndef SIG_PBX_SET_H
#define SIG_PBX_SET_H

#include "sig/call/module.h"
#include "sig/model/event.h"

/* How long the document is waited for, and how long the tone plays: at most PARTING_MS. */
enum { SET_WAIT_MS = 5000, SET_TONE_MS = 4000 };

/* The caller has dialled a code: a step of its plan waits for what that asks. */
enum refusal set_start(struct call_host *h, struct call *c, const struct call_start *start,
		       struct call_refusal *refusal) NODISCARD;
/* ... and still does. */
bool set_waits_for(const struct call *c, enum feature_action feature);
/* It cannot be had: the caller is refused with that status, and told why in Warning. */
void set_refuse(struct call_host *h, struct call *c, uint16_t status, const char *text);

#endif
