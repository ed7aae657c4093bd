/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom calls outside are charged to (sig/host/toll.h). A leg that a trunk is asked by is charged to the extension that called, or that sent
 * the call on, and to its tenant, from its INVITE until it is over. Emergency calls are charged to nobody.
 *
 * Who pays and since when is in the record. When the time is over follows from that and from what the day has cost, so a successor ends the
 * call as the killed process would have.
 */
#ifndef SIG_PBX_CHARGE_H
#define SIG_PBX_CHARGE_H

#include "sig/model/event.h"

/* Of the legs of a record, whatever the limits are. */
void charges_restore(const struct call_host *h, struct call *c);

#endif
