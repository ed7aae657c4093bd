/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parties of conferences of another shard: their phones ask the focus in the dialog that they have, which is with this shard. It goes on to the
 * shard that has the conference, as it is, and so does what that one says of it.
 */
#ifndef SIG_FEATURE_FOCUS_FAR_H
#define SIG_FEATURE_FOCUS_FAR_H

#include "sig/model/event.h"

/* The REFER is for such a conference. */
bool focus_remote_is(const struct call *c, const struct call_event *ev);
void focus_remote_refer(struct call_host *h, struct call *c, const struct call_event *ev);
/* False: the NOTIFY says nothing of a REFER to it. */
bool focus_remote_notify(struct call_host *h, struct call *c, const struct call_event *ev);

#endif
