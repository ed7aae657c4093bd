/* SPDX-License-Identifier: Apache-2.0 */
/* Members are told that their peer is a focus (RFC 4579 4.2): by the Contact of the next message,
 * or by an UPDATE. */
#ifndef SIG_PBX_FOCUS_H
#define SIG_PBX_FOCUS_H

#include "sig/call/module.h"
#include "sig/model/event.h"

/* An INVITE that joins an existing conference (RFC 4579 5.1), or the parties of a call (RFC 3911).
 * The shard of the caller has checked its right. */

struct call_host;

/* set.conference, or set.joins. */
enum refusal focus_call_start(struct call_host *h, struct call *c, const struct call_start *start,
			      struct call_refusal *refusal) NODISCARD;

/* Parties of a conference on a remote shard: their phones send REFER to the focus in their dialog
 * with this shard. It is relayed to the shard of the conference unchanged, and so are its
 * NOTIFYs. */

/* The REFER is for such a conference. */
bool focus_remote_is(const struct call *c, const struct call_event *ev);

/* REFER to the focus of a conference (RFC 4579 5.5 to 5.11) from a member, in its dialog or
 * outside: a target is invited, a call of its own joins, or a member is dropped. Also from a party
 * of a two-party call that is a member with another call: it gives the former to the conference. */

/* Its party addresses the focus, and gives no party away. */
bool focus_refer_is(const struct call_host *h, const struct call *c, const struct call_event *ev);
/* Outside of its dialog: it is told at once what it is told. */
void focus_refer_outside(struct call_host *h, struct call *c, const struct call_event *ev);
/* To the REFER that asked for this call, if any: its status. */
void focus_refer_notify(struct call_host *h, struct call *c, uint16_t status);

#endif
