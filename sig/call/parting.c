/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/parting.h"

#include "base/log.h"
#include "sig/call/fork.h"
#include "sig/call/hears.h"
#include "sig/call/plan.h"
#include "sig/leg/flow.h"
#include "sig/leg/leg.h"
#include "sig/model/transfer.h"

/* It has answered a call by command, or is transferred, and nobody has answered it. */
static bool caller_waits(const struct call *c)
{
	const struct leg *l = call_caller(c);

	return c->state < CALL_ANSWERING && call_caller_is_up(c) && l->state == LEG_CONFIRMED &&
	       !l->uas && !l->uac;
}

/* Its track may not be there yet: a process begins with calls, and has its tones some milliseconds later. */
static bool audio_source_tone(const struct call_host *h, const struct call *c, uint8_t leg)
{
	enum media_codec codec;

	return h->settings->tones && audio_source_codec(c, leg, &codec);
}

/* Who still rings is left. */
static void others_leave(struct call_host *h, struct call *c)
{
	struct leg_farewell f = { 0 };

	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (!c->legs[i] || i == c->bridge.caller)
			continue;
		leg_leave(h, c, i, &f);
		flows_close_leg(h, c, i);
	}
}

static void parting_begin(struct call_host *h, struct call *c, const struct call_ending *e,
			  uint32_t ms)
{
	c->cause = e->cause;
	c->ended_by = e->by;
	c->status = e->status;
	c->parting_ns = h->now.ns + ms * NS_PER_MS;
}

bool call_may_part(const struct call_host *h, const struct call *c)
{
	return caller_waits(c) && audio_source_tone(h, c, c->bridge.caller);
}

void call_part(struct call_host *h, struct call *c, const struct call_ending *e)
{
	if (!call_may_part(h, c)) {
		call_end(h, c, e);
		return;
	}
	parting_begin(h, c, e, PARTING_MS);
	plan_stop(c);
	others_leave(h, c);
	fork_forget_best(c);
	outbox_touch_later(&c->out);
	LOG_INFO("call", c->id, "nobody takes the call, who waits hears why",
		 LOG_U64("status", c->status), LOG_STR("reason", call_cause_text(c->cause)));
}

void parting_for(struct call_host *h, struct call *c, const struct call_ending *e, uint32_t ms)
{
	parting_begin(h, c, e, ms);
	if (audio_source_tone(h, c, c->bridge.caller))
		outbox_touch(&c->out);
	else
		call_end(h, c, e);
}

void parting_end(struct call_host *h, struct call *c)
{
	const struct call_ending e = { .cause = c->cause, .by = c->ended_by, .status = c->status };

	call_end(h, c, &e);
}
