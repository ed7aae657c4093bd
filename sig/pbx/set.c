/* SPDX-License-Identifier: Apache-2.0 */
/* Feature codes that set a field of the caller's extension document (set.h), such as forwarding or
 * do not disturb, and those that open or close a calendar. The code of an override that is set
 * already removes it: that is decided before the step is saved, so a request repeated by a
 * successor has the same effect. The host changes the document (sig/host), and its answer comes as
 * a reply. */

#include "sig/pbx/set.h"

#include <assert.h>

#include "base/log.h"
#include "sig/call/audio_source.h"
#include "sig/call/call_end.h"
#include "sig/call/plan.h"
#include "sig/call/session.h"
#include "sig/call/wait.h"
#include "sig/host/calendars.h"

enum { WARNING_MAX = 256 };
static_assert((int)SET_TONE_MS <= (int)PARTING_MS, "as a record may have it");

static struct plan_step *set_step(const struct call *c)
{
	const struct plan *p = &c->plan;

	return p->count ? &p->steps[p->count - 1] : NULL;
}

/* Returns the action. The same code once more reverts it: decided here, so that a repeated request
 * has the same effect. */
static enum feature_action set_feature(const struct call_host *h, const struct call *c,
				       const struct call_set *set)
{
	const struct calendar *of;
	enum hours_override asks = set->feature == FEATURE_HOURS_OPEN     ? HOURS_OPEN
				   : set->feature == FEATURE_HOURS_CLOSED ? HOURS_CLOSED
									  : HOURS_BY_PLAN;

	of = asks ? calendars_by_code(h->calendars, c->tenant, set->number) : NULL;
	return of && calendar_override(of, ((int64_t)h->now.utc_ms + h->wall_ms) / 1000) == asks
		       ? FEATURE_HOURS_AUTO
		       : set->feature;
}

enum refusal set_start(struct call_host *h, struct call *c, const struct call_start *start,
		       struct call_refusal *refusal)
{
	struct outbox_item item = { .kind = OUTBOX_WAIT, .leg = c->bridge.caller };
	struct plan_step *step;

	if (plan_add(&c->plan, start->to, PLAN_CALLED, PLAN_FIRST))
		return call_refuse(refusal, REFUSED_MEMORY);
	step = &c->plan.steps[c->plan.count - 1];
	step->set.state = SET_ASKED;
	step->set.feature = (uint8_t)set_feature(h, c, start->set);
	if (text_set(&step->set.number, start->set->number))
		return call_refuse(refusal, REFUSED_MEMORY);
	c->bridge.callee = LEG_NONE;
	c->ring_ns = 0;
	c->plan.until_ns = h->now.ns + SET_WAIT_MS * NS_PER_MS;
	if (!outbox_push(&c->out, &item))
		modules_saved(h, c);
	return 0;
}

bool set_waits_for(const struct call *c, enum feature_action feature)
{
	const struct plan_step *step = set_step(c);

	return c->state == CALL_SETUP && plan_set_state(&c->plan) == SET_ASKED &&
	       step->set.feature == feature;
}

/* Whether the call waits for its document. Other codes set no field. */
static bool set_waits(const struct call *c)
{
	const struct plan_step *step = set_step(c);

	return step && feature_field((enum feature_action)step->set.feature)[0] &&
	       set_waits_for(c, (enum feature_action)step->set.feature);
}

/* Requests the change of the document, also once more. */
static void set_on_saved(struct call_host *h, struct call *c)
{
	const struct plan_step *step = set_step(c);
	struct request_set *set;

	if (!set_waits(c))
		return;
	c->plan.serial = rand_u64_from(h->rand) | 1;
	c->plan.until_ns = h->now.ns + SET_WAIT_MS * NS_PER_MS;
	set = effects_request(h->effects, EFFECT_SET, c->id, c->plan.serial,
			      EFFECT_TEXTS(bytes_str(call_tenant(h, c)), text_bytes(&c->from),
					   text_bytes(&step->set.number)));
	if (set) /* else its time runs */
		set->feature = step->set.feature;
}

/* Handles the result of the change. */
static void set_on_result(struct call_host *h, struct call *c, const struct set_reply *new_state)
{
	struct call_refusal refusal = { .status = 500, .reason = REFUSED_MEMORY };
	struct plan_step *step = set_step(c);
	enum refusal refused;

	if (!set_waits(c) || (new_state->serial && new_state->serial != c->plan.serial))
		return;
	step->set.state = (uint8_t)new_state->state;
	LOG_INFO("call", c->id, "feature code",
		 LOG_STR("feature", feature_key((enum feature_action)step->set.feature)),
		 LOG_STR("result", new_state->state == SET_DONE      ? "set"
				   : new_state->state == SET_REFUSED ? "refused"
								     : "failed"));
	refused = wait_answer_caller(h, c, &refusal);
	if (refused)
		wait_refuse(h, c, &refusal);
}

void set_refuse(struct call_host *h, struct call *c, uint16_t status, const char *text)
{
	uint8_t space[WARNING_MAX];
	struct writer w = writer_over(space, sizeof(space));
	struct call_ending e = { .cause = CAUSE_UNREACHABLE,
				 .by = ENDED_BY_NODE,
				 .status = status };

	session_write_warning(&w, h, text);
	e.extra = writer_lines(&w);
	plan_stop(c);
	call_end(h, c, &e);
}

static bool set_overdue(struct call_host *h, struct call *c)
{
	const struct set_reply late = { .state = SET_FAILED };

	if (!set_waits(c))
		return false;
	LOG_WARN("call", c->id, "a document was not saved in time");
	set_on_result(h, c, &late);
	return true;
}

static bool set_begun(struct call_host *h, struct call *c, const struct call_start *start,
		      enum refusal *refused, struct call_refusal *refusal)
{
	if (!start->set || start->set->room)
		return false;
	*refused = set_start(h, c, start, refusal);
	return true;
}

static void set_replied(struct call_host *h, struct call *c, const struct reply *reply)
{
	set_on_result(h, c, &reply->set);
}

/* Plays the tone to the caller once his ACK is here. */
static void set_established(struct call_host *h, struct call *c)
{
	const struct call_ending e = {
		.cause = plan_set_state(&c->plan) == SET_DONE ? CAUSE_SET : CAUSE_NOT_SET,
		.by = ENDED_BY_NODE,
		.status = 200,
	};

	if (c->state == CALL_ESTABLISHED && plan_set_state(&c->plan) > SET_ASKED && !c->parting_ns)
		parting_for(h, c, &e, SET_TONE_MS);
}

static const struct module_reply set_replies[] = {
	{ ASK_SET, set_replied },
	{ 0 },
};

/* After the modules with feature codes and numbers of their own. */
static const struct module_rank set_ranks[] = { { HOOK_BEGUN, 1 }, { 0 } };

const struct module set_module = {
	.ranks = set_ranks,
	.replied = set_replies,
	.begun = set_begun,
	.saved = set_on_saved,
	.overdue = set_overdue,
	.established = set_established,
};
