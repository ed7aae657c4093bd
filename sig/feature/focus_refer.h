/* SPDX-License-Identifier: Apache-2.0 */
/*
 * REFER to the focus of a conference (RFC 4579 5.5 to 5.11), from a member, in its dialog or outside: somebody is rung, a call of its own comes,
 * or a member is dropped. And of a party of a call of two, which is a member with another call: it gives the other one to the conference.
 */
#ifndef SIG_FEATURE_FOCUS_REFER_H
#define SIG_FEATURE_FOCUS_REFER_H

#include "sig/model/event.h"

/* Its party asks the focus, and nobody is given away. */
bool focus_refer_is(const struct call_host *h, const struct call *c, const struct call_event *ev);
void focus_refer_received(struct call_host *h, struct call *c, const struct call_event *ev);
/* One that was taken by the process before this one, whose 202 was lost: it has the same answer, and nothing is done. False: it is another. */
bool focus_refer_again(struct call_host *h, struct call *c, const struct call_event *ev) NODISCARD;
/* Outside of its dialog: it is told at once what it is told. */
void focus_refer_outside(struct call_host *h, struct call *c, const struct call_event *ev);
/* CALL_EV_FOCUS: somebody whom it asked for has come, or does not. */
void focus_refer_told(struct call_host *h, struct call *c, const struct call_event *ev);
/* To who asked for this one, if anybody did: the status of its call. */
void focus_refer_tell(struct call_host *h, struct call *c, uint16_t status);

#endif
