/* SPDX-License-Identifier: Apache-2.0 */
/* INFO within a call (RFC 6086, and the older use without packages): keys, candidates, requests for a picture, and what settings name. */
#ifndef SIG_CALL_INFO_H
#define SIG_CALL_INFO_H

#include "sig/model/event.h"

/* By its type: it ends here, or goes to the other party as it is. The call may be over by then. */
void info_received(struct call_host *h, struct call *c, const struct call_event *ev);

#endif
