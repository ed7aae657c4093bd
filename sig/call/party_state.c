/* SPDX-License-Identifier: Apache-2.0 */
/* What a party of a call is at, for who watches calls: the first row of the table below that fits. Nothing of it is saved. */
#include "sig/call/party_state.h"

#include <string.h>

#include "sig/call/call_end.h"
#include "sig/call/prompts.h"
#include "sig/call/wait.h"
#include "sig/leg/leg.h"
#include "sig/model/conference.h"
#include "sig/model/flow_run.h"
#include "sig/model/transfer.h"

/* The caller's side, and nobody takes the call. */
static bool party_is_refused(const struct call *c, bool b)
{
	return !b && c->status >= 400 && c->status != 487 &&
	       (c->parting_ns || c->state == CALL_ENDING);
}

static bool party_is_busy(const struct call *c, const struct leg *l, bool b)
{
	(void)l;
	return party_is_refused(c, b) &&
	       (c->status == 486 || c->status == 600 || c->status == 480 || c->status == 408);
}

static bool party_is_error(const struct call *c, const struct leg *l, bool b)
{
	(void)l;
	return party_is_refused(c, b);
}

static bool party_is_gone(const struct call *c, const struct leg *l, bool b)
{
	(void)b;
	return !l || c->state == CALL_ENDING || l->state == LEG_LEAVING || l->state == LEG_CLOSED;
}

/* Its phone rings: the callee's, or the caller's of a call by command. */
static bool party_is_rung(const struct call *c, const struct leg *l, bool b)
{
	return l->state == LEG_EARLY && l->outbound && (!b || c->state == CALL_RINGING);
}

static bool party_is_pending(const struct call *c, const struct leg *l, bool b)
{
	(void)l;
	return !b && (call_awaits_application(c) || call_awaits_user(c));
}

/* It is given to somebody who has not answered, or to a room that has not let it in. A flow that rings somebody gives nothing away. */
static bool party_is_given(const struct call *c, const struct leg *l, bool b)
{
	bool dials = flow_has_caller(c) && c->run->kind == RUN_DIAL;

	(void)l;
	return !b && ((c->transfer && c->transfer->state <= TRANSFER_RINGING && !dials) ||
		      (c->member && c->member->asks));
}

static bool party_is_waiting(const struct call *c, const struct leg *l, bool b)
{
	const struct leg *callee = call_callee(c);

	(void)l;
	return !b && callee && callee->state == LEG_EARLY && c->state == CALL_RINGING;
}

static bool party_is_played(const struct call *c, bool b)
{
	return !b && c->prompts && !prompts_are_announcing(c);
}

static bool party_is_recorded(const struct call *c, const struct leg *l, bool b)
{
	(void)l;
	return party_is_played(c, b) && c->prompts->list[c->prompts->at].kind == PROMPT_RECORD;
}

static bool party_is_hearing_message(const struct call *c, const struct leg *l, bool b)
{
	(void)l;
	return party_is_played(c, b) &&
	       bytes_starts(bytes_str(c->prompts->terms.files[c->prompts->file]), PROMPT_RECORDING);
}

/* Who holds, and who is held: neither hears the other. */
static bool party_is_held(const struct call *c, const struct leg *l, bool b)
{
	const struct leg *other = b ? call_caller(c) : call_callee(c);

	return l->held || l->holds || (other && (other->held || other->holds)) ||
	       (!b &&
		((c->park && !c->park->asks) || (conference_speaks(c) && conference_is_held(c))));
}

static bool party_is_confering(const struct call *c, const struct leg *l, bool b)
{
	(void)l;
	return !b && conference_speaks(c);
}

/* Answered by tandem, with no other party. */
static bool party_is_attended(const struct call *c, const struct leg *l, bool b)
{
	(void)l;
	return !b && (call_is_alone(c) || flow_has_caller(c));
}

static bool party_is_connected(const struct call *c, const struct leg *l, bool b)
{
	(void)b;
	return c->state == CALL_ANSWERING || (c->state > CALL_ANSWERING && l->state != LEG_EARLY);
}

static const struct {
	enum party_state state;
	bool (*is)(const struct call *c, const struct leg *l, bool b);
} party_rows[] = {
	{ STATE_BUSY, party_is_busy },
	{ STATE_ERROR, party_is_error },
	{ STATE_IDLE, party_is_gone },
	{ STATE_RINGING, party_is_rung },
	{ STATE_CALL_PENDING, party_is_pending },
	{ STATE_HOLD_PENDING, party_is_given },
	{ STATE_RINGBACK, party_is_waiting },
	{ STATE_RECORD, party_is_recorded },
	{ STATE_PLAY_VM, party_is_hearing_message },
	{ STATE_HOLD, party_is_held },
	{ STATE_CONFERENCE, party_is_confering },
	{ STATE_AA, party_is_attended },
	{ STATE_CONNECT, party_is_connected },
};

enum party_state party_state_of(const struct call *c, bool b)
{
	const struct leg *l = b ? call_callee(c) : call_caller(c);

	for (size_t i = 0; i < COUNT_OF(party_rows); i++) {
		if (party_rows[i].is(c, l, b))
			return party_rows[i].state;
	}
	return STATE_IDLE;
}

/* The events of this step say how it has ended. */
static bool party_events_fill(struct call_host *h, const struct call *c)
{
	struct effects *all = h->effects;
	bool any = false;

	for (uint32_t i = all->settled; i < all->count; i++) {
		struct sig_event *event = all->list[i].event;

		if (all->list[i].kind != EFFECT_EVENT || event->call != c->id)
			continue;
		memcpy(event->states, c->shown, sizeof(event->states));
		any = true;
	}
	all->settled = all->count;
	return any;
}

/* Of a call that ends call.ended says it, and call.answered of one that is answered, once that is saved. */
void party_states_settle(struct call_host *h, struct call *c)
{
	const uint8_t now[2] = { (uint8_t)party_state_of(c, false),
				 (uint8_t)party_state_of(c, true) };
	const uint8_t before[2] = { c->shown[0], c->shown[1] };
	bool known = c->shows;

	memcpy(c->shown, now, sizeof(now));
	c->shows = true;
	if (!party_events_fill(h, c) && known && memcmp(now, before, sizeof(now)) != 0) {
		if (c->state == CALL_ANSWERING)
			memcpy(c->shown, before, sizeof(before));
		else if (c->state != CALL_ENDING)
			call_publish(h, c, SIG_CALL_STATE);
	}
	h->effects->settled = h->effects->count;
}
