/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/feature/focus_call.h"

#include <errno.h>

#include "sig/call/conference.h"
#include "sig/feature/meetme.h"

static int focus_call_refuse(struct call_refusal *refusal, int err)
{
	switch (err) {
	case -EUSERS:
		(void)call_refuse(refusal, err, 486, REFUSED_ROOM);
		refusal->text = "a conference has no more members than that";
		return err;
	case -EALREADY:
	case -EAGAIN:
		(void)call_refuse(refusal, err, 486, REFUSED_ROOM);
		refusal->text = "something else happens to that call just now";
		return err;
	case -ENOSPC:
		return call_refuse(refusal, err, 503, REFUSED_CALLS_FULL);
	default:
		return call_refuse(refusal, err, 481, REFUSED_ROOM);
	}
}

/* As whoever is there in that place: it is asked for nothing. */
static void focus_call_admit(const struct call_host *h, struct call *c)
{
	const struct call *other = h->call_of ? h->call_of(h->owner, c->replaces.call) : NULL;

	c->member->admitted = true;
	c->member->hosts = other && other->member && other->member->hosts;
}

int focus_call_begin(struct call_host *h, struct call *c, const struct call_start *start,
		     struct call_refusal *refusal)
{
	const struct call_set *set = start->set;
	struct room *r = NULL;
	int err = 0;

	c->replaces = set->stead;
	if (set->conference)
		r = h->room_of ? h->room_of(h->owner, set->conference) : NULL;
	else if (h->room_of_local_call)
		err = h->room_of_local_call(h->owner, set->joins, set->join_leg, &r);
	if (err || !r)
		return focus_call_refuse(refusal, err ? err : -ENOENT);
	err = meetme_take(h, c, start->display, r, refusal);
	if (!err && c->replaces.call)
		focus_call_admit(h, c);
	return err;
}
