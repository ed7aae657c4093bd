/* SPDX-License-Identifier: Apache-2.0 */
/* Members hear that they speak with a focus (RFC 4579 4.2): by the Contact of what they are told next, or by an UPDATE. */
#ifndef SIG_PBX_FOCUS_H
#define SIG_PBX_FOCUS_H

#include "sig/call/module.h"
#include "sig/model/event.h"

/* Who calls comes into a conference that is there (RFC 4579 5.1), or to those who speak in a call (RFC 3911). Whose right it is its shard has seen
 * to. */

struct call_host;

/* set.conference, or set.joins. */
enum refusal focus_call_begin(struct call_host *h, struct call *c, const struct call_start *start,
			      struct call_refusal *refusal) NODISCARD;

/*
 * Parties of conferences of another shard: their phones ask the focus in the dialog that they have, which is with this shard. It goes on to the
 * shard that has the conference, as it is, and so does what that one says of it.
 */

/* The REFER is for such a conference. */
bool focus_remote_is(const struct call *c, const struct call_event *ev);

/*
 * REFER to the focus of a conference (RFC 4579 5.5 to 5.11), from a member, in its dialog or outside: somebody is rung, a call of its own comes,
 * or a member is dropped. And of a party of a call of two, which is a member with another call: it gives the other one to the conference.
 */

/* Its party asks the focus, and nobody is given away. */
bool focus_refer_is(const struct call_host *h, const struct call *c, const struct call_event *ev);
/* Outside of its dialog: it is told at once what it is told. */
void focus_refer_outside(struct call_host *h, struct call *c, const struct call_event *ev);
/* To who asked for this one, if anybody did: the status of its call. */
void focus_refer_notify(struct call_host *h, struct call *c, uint16_t status);

#endif
