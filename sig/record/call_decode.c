/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "sig/call/call_end.h"
#include "sig/call/legs.h"
#include "sig/call/plan.h"
#include "sig/call/way.h"
#include "sig/host/trunk_route.h"
#include "sig/model/call.h"
#include "sig/record/call_check.h"
#include "sig/record/call_read.h"
#include "sig/record/call_seal.h"
#include "sig/record/call_unknown.h"
#include "sig/sip/gruu.h"

static_assert((int)TANDEM__CALL__STATE__ENDING == (int)CALL_ENDING, "as in the record");

static bool call_read_times(struct reading *r, const Tandem__Call__Call *in)
{
	uint64_t ring_ms = r->h->settings->ring_timeout_ns / NS_PER_MS;
	struct call *c = r->c;

	if (in->ring_s > CALL_RING_MAX_S || in->away_s > CALL_AWAY_MAX_S)
		return reading_wrong(r, "call: how long it rings");
	c->ring_s = in->ring_s;
	c->away_s = in->away_s;
	if (ring_ms < in->ring_s * 1000ULL)
		ring_ms = in->ring_s * 1000ULL;
	c->setup_utc_ms = reading_time(r, in->setup_utc_ms);
	c->ringing_utc_ms = reading_time(r, in->ringing_utc_ms);
	c->answer_utc_ms = reading_time(r, in->answer_utc_ms);
	c->end_utc_ms = reading_time(r, in->end_utc_ms);
	c->ring_ns = reading_deadline(r, in->ring_until_utc_ms, ring_ms);
	c->parting_ns = reading_deadline(r, in->parting_until_utc_ms, PARTING_MS);
	if (in->setup_utc_ms == 0)
		return reading_wrong(r, "call: no time of setup");
	return true;
}

static bool read_facts(struct reading *r, const Tandem__Call__Call *in)
{
	struct call *c = r->c;

	if (in->id == 0 || id_shard(in->id) != r->h->settings->number)
		return reading_wrong(r, "call: id is of another shard");
	if (in->version == 0 || in->version > INT64_MAX)
		return reading_wrong(r, "call: version");
	if (in->state < 0 || (int)in->state > (int)CALL_ENDING)
		return reading_wrong(r, "call: state");
	if (in->status > 699 || in->cause >= CALL_CAUSE_COUNT || in->ended_by > ENDED_BY_OPERATOR)
		return reading_wrong(r, "call: how it ended");
	c->tenant = in->tenant[0] ? tenants_claim(r->h->settings->tenants, bytes_str(in->tenant))
				  : TENANT_DEFAULT;
	if (c->tenant == TENANT_NONE)
		return reading_wrong(r, "call: tenant");
	c->id = in->id;
	c->out.version = c->out.released = c->out.acked = in->version;
	c->state = (enum call_state)in->state;
	c->early_media = in->early_media;
	c->reoffer = in->reoffer & (REOFFER_CALLER | REOFFER_CALLEE);
	c->meet_ns = in->meets ? r->h->now.ns + MEET_MS * NS_PER_MS : 0;
	c->replaces.call = in->replaces;
	c->replaces.leg = (uint8_t)in->replaces_leg;
	c->video = in->video;
	c->status = (uint16_t)in->status;
	c->cause = (enum call_cause)in->cause;
	c->ended_by = (enum call_ended_by)in->ended_by;
	return reading_line(r, &c->from, &in->from, READING_USER_MAX, "call: from") &&
	       reading_line(r, &c->to, &in->to, READING_USER_MAX, "call: to") &&
	       reading_line(r, &c->display, &in->display, READING_USER_MAX, "call: display") &&
	       reading_line(r, &c->data, &in->data, CALL_DATA_MAX - 1, "call: data") &&
	       (call_data_is_good(text_bytes(&c->data)) || reading_wrong(r, "call: data")) &&
	       reading_line(r, &c->account, &in->account, ACCOUNT_CODE_MAX, "call: account code") &&
	       (account_code_is_good(text_bytes(&c->account)) ||
		reading_wrong(r, "call: account code")) &&
	       reading_line(r, &c->source, &in->source, CALL_SOURCE_MAX, "call: source") &&
	       call_read_times(r, in);
}

static bool read_payer(struct reading *r, const Tandem__Call__Payer *in)
{
	struct call_payer *p = &r->c->payer_name;

	if (!in)
		return true;
	if (in->kind >= QUOTA_KINDS)
		return reading_wrong(r, "call: payer");
	p->known = true;
	p->kind = (uint8_t)in->kind;
	return reading_text(r, &p->user, &in->user, READING_USER_MAX, "call: payer") &&
	       reading_address(r, &p->source, in->source, "call: payer");
}

static void read_clock(struct reading *r, const Tandem__Call__Call *in)
{
	struct steady_mark mark = { .boot = in->boot,
				    .offset_ms = in->clock_offset_ms,
				    .utc_ms = in->saved_utc_ms };

	r->shift_ms = steady_shift(&r->h->steady, &mark, r->h->now.ns);
}

static bool read_set(struct reading *r, struct plan_set *set, const Tandem__Call__Step *in)
{
	enum feature feature = feature_by_key(bytes_mem(in->feature.data, in->feature.len));

	if (in->set_state == SET_NONE)
		return true;
	if (in->set_state >= SET_STATES || feature == FEATURES)
		return false;
	set->state = (uint8_t)in->set_state;
	set->feature = (uint8_t)feature;
	return reading_line(r, &set->number, &in->number, FEATURE_VALUE_MAX - 1, "plan: number");
}

static bool read_way(struct reading *r, struct plan_step *step, const Tandem__Call__Step *in)
{
	if (in->trunk.len == 0)
		return true;
	if (in->server >= TRUNK_SERVERS_MAX)
		return reading_wrong(r, "plan: server");
	step->server = (uint8_t)in->server;
	step->rang = in->rang;
	if (!redirects_are_valid(bytes_mem(in->redirects.data, in->redirects.len)))
		return reading_wrong(r, "plan: redirects");
	return reading_line(r, &step->trunk, &in->trunk, TRUNK_NAME_MAX - 1, "plan: trunk") &&
	       reading_line(r, &step->redirects, &in->redirects, REDIRECTS_TEXT_MAX,
			    "plan: redirects") &&
	       reading_line(r, &step->number, &in->told, TRUNK_NUMBER_MAX - 1, "plan: number");
}

static uint8_t read_from(const struct plan *plan, const Tandem__Call__Step *in, size_t i)
{
	if (i == 0)
		return PLAN_FIRST;
	if (in->again)
		return plan->steps[i - 1].from;
	return (uint8_t)((in->from ? in->from : i) - 1);
}

/* Records of format 0 and 1 have none: the call rings nobody else. */
static bool record_read_plan(struct reading *r, const Tandem__Call__Call *in)
{
	struct plan *plan = &r->c->plan;

	if (in->n_steps > PLAN_STEPS_MAX)
		return reading_wrong(r, "plan: steps");
	for (size_t i = 0; i < in->n_steps; i++) {
		struct text user = { 0 };
		bool ok = in->steps[i]->why < PLAN_WHYS && in->steps[i]->from <= i &&
			  reading_line(r, &user, &in->steps[i]->user, READING_USER_MAX,
				       "plan: user") &&
			  !plan_add(plan, text_bytes(&user), (enum plan_why)in->steps[i]->why,
				    read_from(plan, in->steps[i], i)) &&
			  reading_line(r, &plan->steps[i].gruu, &in->steps[i]->gruu, GRUU_NAMED_MAX,
				       "plan: gruu") &&
			  reading_line(r, &plan->steps[i].application, &in->steps[i]->application,
				       APPLICATION_NAME_MAX - 1, "plan: application") &&
			  read_set(r, &plan->steps[i].set, in->steps[i]) &&
			  read_way(r, &plan->steps[i], in->steps[i]);

		text_clear(&user);
		if (!ok)
			return reading_wrong(r, "plan: step");
	}
	if (plan->count && r->c->state <= CALL_RINGING) {
		plan->steps[plan->count - 1].resolves = in->steps[plan->count - 1]->resolves;
		plan->steps[plan->count - 1].waits = in->steps[plan->count - 1]->waits;
		plan->steps[plan->count - 1].confers = in->steps[plan->count - 1]->confers;
	}
	plan->until_ns = reading_deadline(r, in->step_until_utc_ms, PLAN_STEP_MAX_MS);
	return true;
}

static bool read_orders(struct reading *r, const Tandem__Call__Call *in)
{
	for (size_t i = 0; i < in->n_orders; i++) {
		struct order_kept kept = { .id = in->orders[i]->id,
					   .number = in->orders[i]->number };

		if (kept.id == 0 || orders_add(&r->c->orders, &kept))
			return reading_wrong(r, "call: orders");
	}
	return true;
}

static bool read_tolls(struct reading *r, const Tandem__Call__Call *in)
{
	struct call *c = r->c;

	if (in->n_tolls > CHARGES_MAX)
		return reading_wrong(r, "call: charges");
	c->tolls = in->n_tolls ? calloc(in->n_tolls, sizeof(*c->tolls)) : NULL;
	if (in->n_tolls && !c->tolls)
		return reading_wrong(r, "out of memory");
	for (; c->toll_count < in->n_tolls; c->toll_count++) {
		const Tandem__Call__Toll *from = in->tolls[c->toll_count];
		struct call_toll *to = &c->tolls[c->toll_count];

		to->answer_utc_ms = reading_time(r, from->answer_utc_ms);
		to->end_utc_ms = reading_time(r, from->end_utc_ms);
		if (!reading_line(r, &to->user, &from->user, TOLL_USER_MAX - 1, "call: charged"))
			return false;
	}
	return true;
}

/* Of a program that forgot the ACK to a late offer when it went on with a call: it is said when the 2xx comes again, as to any. */
static void confirm_answered(struct call *c)
{
	struct leg *l = c->state == CALL_ESTABLISHED ? call_callee(c) : NULL;

	if (l && l->called && l->state == LEG_ANSWERED && !l->uac)
		l->state = LEG_CONFIRMED;
}

/* Of a program that let callers alone wait for a room, and did not say so of the step. */
static void wait_for_room(struct call *c)
{
	if (c->member && c->member->asks && c->state <= CALL_RINGING && c->plan.count &&
	    c->bridge.callee == LEG_NONE && !call_caller(c)->called && !c->transfer)
		c->plan.steps[c->plan.count - 1].confers = true;
}

static bool read_call(struct reading *r, const Tandem__Call__Call *in)
{
	if (!in)
		return reading_wrong(r, "not a call record");
	read_clock(r, in);
	if (!read_facts(r, in) || !read_payer(r, in->payer) || !reading_legs(r, in) ||
	    !reading_bridge(r, in) || !reading_invites(r, in) || !reading_sdps(r, in) ||
	    !record_read_plan(r, in) || !read_orders(r, in) || !reading_transfer(r, in->transfer) ||
	    !reading_park(r, in->park) || !reading_member(r, in) ||
	    !reading_prompts(r, in->prompts) || !reading_media_stream(r, in) ||
	    !reading_flows(r, in) || !reading_segments(r, in) || !read_tolls(r, in) ||
	    !reading_recordings(r, in->recordings))
		return false;
	confirm_answered(r->c);
	wait_for_room(r->c);
	r->reason = call_check(r->c, r->seed);
	return !r->reason;
}

static bool record_read_format(struct reading *r, const Tandem__Call__Call *in)
{
	if (!in || in->format <= CALL_RECORD_FORMAT)
		return true;
	r->later = true;
	return reading_wrong(r, "call: of a later program");
}

static bool keep_unknown(struct reading *r, const Tandem__Call__Call *in,
			 enum call_unknown_root root)
{
	return !in || !unknown_keep(&r->c->unknown, &in->base, root, call_unknown_name) ||
	       reading_wrong(r, "out of memory");
}

static void unseal(struct reading *r, Tandem__Call__Call **in)
{
	if (keep_unknown(r, *in, CALL_UNKNOWN_OUTER))
		r->reason = call_unseal(r->h, in, &r->later);
}

int call_decode(const struct call_host *h, struct call *c, struct call_seed *seed,
		struct bytes record, const char **reason)
{
	struct reading r = { .h = h, .c = c, .seed = seed };
	Tandem__Call__Call *in = tandem__call__call__unpack(NULL, record.n, record.p);

	*seed = (struct call_seed){ 0 };
	if (in && record_read_format(&r, in) && in->sealed.len)
		unseal(&r, &in);
	if (!r.reason)
		(void)(record_read_format(&r, in) && keep_unknown(&r, in, CALL_UNKNOWN_WHOLE) &&
		       read_call(&r, in));
	if (in)
		tandem__call__call__free_unpacked(in, NULL);
	if (!r.reason)
		return 0;
	*reason = r.reason;
	call_free(c);
	call_seed_clear(seed);
	return r.later ? -EPROTONOSUPPORT : -EBADMSG;
}
