/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verbs that give the caller to somewhere in the same call: a slot. The modules that have these places do it; here is what a flow asks them
 * for, and how it knows what became of that. Each is looked at as it is now, so a successor finds what its predecessor would have.
 */
#include "sig/model/flow_run.h"
#include "sig/model/transfer.h"
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
	return c->state == CALL_ESTABLISHED && call_is_alone(c) && !c->park &&
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
	r->until_ns = t->h->now.ns + verb_value(t->v, "timeout_s")->number * NS_PER_MS;
	return VERB_BEGUN;
}

/* ---- the table ---- */

const struct flow_act g_place_acts[] = {
	{ "park", true, verb_park },
	{ 0 },
};

int place_look(const struct call *c)
{
	if (!place_is_lost(c))
		return VERB_BEGUN;
	if (!c->run->status)
		return VERB_AGAIN;
	return c->run->status == 486 ? OUTCOME_FULL : OUTCOME_FAILED;
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
}
