/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a party of a call, for events. Nothing of it is saved. */
#include "sig/call/party_state.h"

#include <string.h>

#include "sig/call/call_end.h"
#include "sig/call/prompts.h"
#include "sig/call/wait.h"
#include "sig/leg/leg.h"
#include "sig/model/conference.h"
#include "sig/model/flow_run.h"
#include "sig/model/transfer.h"

/* The caller's call is not taken. */
static bool caller_is_refused(const struct call *c)
{
	return c->status >= 400 && c->status != 487 && (c->parting_ns || c->state == CALL_ENDING);
}

static bool caller_is_busy(const struct call *c)
{
	return c->status == 486 || c->status == 600 || c->status == 480 || c->status == 408;
}

static bool party_is_gone(const struct call *c, const struct leg *l)
{
	return !l || c->state == CALL_ENDING || l->state == LEG_LEAVING || l->state == LEG_CLOSED;
}

/* It is being given to a target that has not answered, or a room that has not admitted it. A flow
 * that dials gives nothing away. */
static bool caller_is_given(const struct call *c)
{
	bool dials = flow_has_caller(c) && c->run->kind == RUN_DIAL;

	return (c->transfer && c->transfer->state <= TRANSFER_RINGING && !dials) ||
	       (c->member && c->member->asks);
}

static bool caller_hears_ringing(const struct call *c)
{
	const struct leg *callee = call_callee(c);

	return callee && callee->state == LEG_EARLY && c->state == CALL_RINGING;
}

static bool caller_hears_message(const struct call *c)
{
	return bytes_starts(bytes_str(c->prompts->terms.files[c->prompts->file]), PROMPT_RECORDING);
}

/* Holds or is held: neither hears the other. */
static bool party_is_held(const struct leg *l)
{
	return l && (l->held || l->holds);
}

static bool caller_is_put_away(const struct call *c)
{
	return (c->park && !c->park->asks) || (conference_speaks(c) && conference_is_held(c));
}

/* IDLE: what its leg says. */
static enum party_state caller_state(const struct call *c)
{
	if (call_awaits_application(c) || call_waits_for(c).n)
		return STATE_CALL_PENDING;
	if (caller_is_given(c))
		return STATE_HOLD_PENDING;
	if (caller_hears_ringing(c))
		return STATE_RINGBACK;
	if (c->prompts && !prompts_are_announcing(c)) {
		if (c->prompts->list[c->prompts->at].kind == PROMPT_RECORD)
			return STATE_RECORD;
		if (caller_hears_message(c))
			return STATE_PLAY_VM;
	}
	if (party_is_held(call_caller(c)) || party_is_held(call_callee(c)) || caller_is_put_away(c))
		return STATE_HOLD;
	if (conference_speaks(c))
		return STATE_CONFERENCE;
	return call_is_alone(c) || flow_has_caller(c) ? STATE_AA : STATE_IDLE;
}

/* The first that fits. */
enum party_state party_state_of(const struct call *c, bool b)
{
	const struct leg *l = b ? call_callee(c) : call_caller(c);
	enum party_state state = STATE_IDLE;

	if (!b && caller_is_refused(c))
		return caller_is_busy(c) ? STATE_BUSY : STATE_ERROR;
	if (party_is_gone(c, l))
		return STATE_IDLE;
	if (l->state == LEG_EARLY && l->outbound && (!b || c->state == CALL_RINGING))
		return STATE_RINGING; /* the callee's phone, or the caller's of a call by command */
	if (!b)
		state = caller_state(c);
	else if (party_is_held(l) || party_is_held(call_caller(c)))
		state = STATE_HOLD;
	if (state == STATE_IDLE &&
	    (c->state == CALL_ANSWERING || (c->state > CALL_ANSWERING && l->state != LEG_EARLY)))
		state = STATE_CONNECT;
	return state;
}

/* The events of this step say how it has ended. */
static bool party_events_fill(struct call_host *h, const struct call *c)
{
	struct effects *all = h->effects;
	bool any = false;

	for (uint32_t i = all->settled; i < all->count; i++) {
		struct sig_event *event = all->list[i].request;

		if (all->list[i].kind != EFFECT_EVENT || event->call != c->id)
			continue;
		event_put_str(event, EV_A_STATE, party_state_name(c->shown[0]));
		event_put_str(event, EV_B_STATE, party_state_name(c->shown[1]));
		any = true;
	}
	all->settled = all->count;
	return any;
}

/* The end of a call is told by call.ended, an answer by call.answered once it is saved. */
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
