/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verbs that give the caller to somewhere in the same call: a slot, a room. The modules that have these places do it; here is what a flow asks them
 * for, and how it knows what became of that. Each is looked at as it is now, so a successor finds what its predecessor would have.
 */
#include "sig/host/settings.h"
#include "sig/model/flow_run.h"
#include "sig/model/transfer.h"
#include "sig/pbx/conference.h"
#include "sig/pbx/flow/flow.h"
#include "sig/pbx/flow/programs.h"
#include "sig/pbx/park.h"
#include "sig/pbx/pick.h"

enum { PLACE_AGAIN_MS = 1000 };

/* Whose word the text of an argument is: the tenant's (empty), where the program has it as it is, else the caller's. False: the word of
 * somebody who is nobody of ours. */
static bool place_word_of(const struct flow_turn_of *t, const char *arg, struct bytes *user)
{
	const struct leg *l = call_caller(t->c);

	*user = (struct bytes){ 0 };
	if (!verb_value(t->v, arg)->given || step_text_is_plain(t->v->step, arg, 0))
		return true;
	*user = l->trunk.n ? (struct bytes){ 0 } : text_bytes(&t->c->from);
	return user->n;
}

/* It is with nobody, and on its way to nobody. */
static bool place_is_lost(const struct call *c)
{
	return c->state == CALL_ESTABLISHED && call_is_alone(c) && !c->park && !c->member &&
	       (!c->transfer || c->transfer->state == TRANSFER_FAILED);
}

/* ---- park ---- */

static int verb_park(struct flow_turn_of *t)
{
	const struct transfer_request ask = { .leg = LEG_NONE, .ordered = true };
	const char *arg = verb_value(t->v, "slot")->given ? "slot" : "group";
	struct flow_run *r = t->c->run;
	struct park_place place;
	struct bytes user;

	if (!place_word_of(t, arg, &user) || !t->h->park_place ||
	    !t->h->park_place(t->h->owner, t->c->tenant, user, verb_text(t->v, "slot"),
			      verb_text(t->v, "group"), &place) ||
	    park_begin(t->c, &ask, &place, NULL))
		return OUTCOME_FAILED;
	r->kind = RUN_PARK;
	r->status = 0;
	r->until_ns = t->h->now.ns + verb_number(t->v, "timeout_s") * NS_PER_MS;
	return VERB_BEGUN;
}

/* ---- conference ---- */

/* Somebody who has had the name put in calls the room as anybody does: he is asked for its PIN, and is there what that makes him. */
static uint8_t room_enters(const struct flow_turn_of *t, const struct room_terms *room)
{
	bool host = verb_number(t->v, "moderator");
	bool muted = verb_number(t->v, "muted") || (room->muted && !host);

	if (!step_text_is_plain(t->v->step, "name", 0))
		return 0;
	return ENTERS_ADMITTED | (muted ? ENTERS_MUTED : 0) | (host ? ENTERS_HOST : 0);
}

/* As one that is up is transferred there: the room may be on another node, or begin now. */
static int verb_conference(struct flow_turn_of *t)
{
	const struct transfer_request ask = { .leg = LEG_NONE, .ordered = true };
	struct bytes name = verb_text(t->v, "name");
	const struct room_terms *room = rooms_find(t->h->settings->rooms, t->c->tenant, name);
	struct flow_run *r = t->c->run;

	if (!room || room->factory || verb_number(t->v, "beep") || verb_number(t->v, "max") ||
	    text_set(&r->called, text_bytes(&t->c->to)) ||
	    transfer_begin(t->c, &ask, name, (struct bytes){ 0 }))
		return OUTCOME_FAILED;
	t->c->transfer->enters = room_enters(t, room);
	r->kind = RUN_CONFERENCE;
	r->target = 0;
	r->status = 0;
	r->after = step_branch(t->p, t->v->step, OUTCOME_NEXT) ? AFTER_ANSWER : 0;
	return VERB_BEGUN;
}

/* ---- the table ---- */

const struct flow_act g_place_acts[] = {
	{ "park", true, verb_park },
	{ "conference", true, verb_conference },
	{ 0 },
};

int place_look(struct call *c)
{
	struct flow_run *r = c->run;

	if (c->member && !c->member->asks && !r->target) {
		r->target = 1;
		outbox_touch(&c->out);
	}
	if (!place_is_lost(c))
		return VERB_BEGUN;
	flow_called_back(c);
	if (r->target)
		return OUTCOME_NEXT;
	if (!r->status)
		return VERB_AGAIN;
	return r->status == 486 ? OUTCOME_FULL : OUTCOME_FAILED;
}

/* Somebody who is about to take it has it. */
int place_overdue(struct call_host *h, struct call *c)
{
	if (!c->park || !call_is_alone(c) || c->transfer || pick_is_promised(h, c)) {
		c->run->until_ns = h->now.ns + PLACE_AGAIN_MS * NS_PER_MS;
		return VERB_BEGUN;
	}
	place_leave(h, c);
	return OUTCOME_TIMEOUT;
}

void place_leave(struct call_host *h, struct call *c)
{
	if (c->park && !c->park->asks)
		park_end(h, c);
	if (c->member)
		conference_leave(h, c, "elsewhere");
}
