/* SPDX-License-Identifier: Apache-2.0 */
/* What a party asks within its dialog. */
#ifndef SIG_STEP_REQUEST_H
#define SIG_STEP_REQUEST_H

#include "sig/model/event.h"

/* Any request but CANCEL. */
void request_received(struct call_host *h, struct call *c, const struct call_event *ev);

#endif
