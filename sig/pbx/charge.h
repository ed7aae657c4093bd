/* SPDX-License-Identifier: Apache-2.0 */
/* Who pays for calls outside (sig/host/toll.h). A leg to a trunk is charged to the extension that
 * called, or that sent the call on, and to its tenant, from its INVITE until it is over. Emergency
 * calls are not charged. Payer and start are in the record. The end of the time follows from them
 * and from the cost of the day, so a successor ends the call as the killed process would have. */
#ifndef SIG_PBX_CHARGE_H
#define SIG_PBX_CHARGE_H

#include "sig/model/event.h"

/* Of the legs of a record, whatever the limits are. */
void charges_restore(const struct call_host *h, struct call *c);

#endif
