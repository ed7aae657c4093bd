/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What whoever is called hears first, where the extension that calls has chosen so, while its own phone hears music; or the other way round, or
 * both hear it. Then they speak (FEATURES CALL-44).
 */
#ifndef SIG_CALL_ANNOUNCE_H
#define SIG_CALL_ANNOUNCE_H

#include "sig/model/call.h"

/* Its callee has answered just now. */
void announce_begin(struct call_host *h, struct call *c);

#endif
