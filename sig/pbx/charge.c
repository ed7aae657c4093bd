/* SPDX-License-Identifier: Apache-2.0 */
/* Starts, extends and ends the charging of trunk legs, and writes what a call has cost into its end
 * (charge.h says who pays). Charging must survive the process: all times derive from the record and
 * from the cost of the day, and tolls are restored from them on takeover. When the time granted by
 * the toll table (sig/host/toll.h) is over, more is asked for, the parties are warned, and the call
 * ends if none is left. */

#include "sig/pbx/charge.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/module.h"
#include "sig/call/plan.h"
#include "sig/host/security.h"
#include "sig/host/settings.h"
#include "sig/host/tenant_tables.h"
#include "sig/host/trunk_route.h"
#include "sig/model/flow_run.h"
#include "sig/model/saved.h"
#include "sig/model/transfer.h"

enum { CHARGE_MAX = 160 };

static const struct {
	uint16_t status;
	enum refusal reason;
	const char *text;
} g_verdicts[] = {
	[TOLL_USER_CALLS] = { 486, REFUSED_TOLL_CALLS, "extension: too many calls outside" },
	[TOLL_TENANT_CALLS] = { 486, REFUSED_TOLL_CALLS, "tenant: too many calls outside" },
	[TOLL_USER_MINUTES] = { 403, REFUSED_TOLL_MINUTES,
				"extension: no minutes outside left today" },
	[TOLL_TENANT_MINUTES] = { 403, REFUSED_TOLL_MINUTES,
				  "tenant: no minutes outside left today" },
};
#define ENDING_REASON "Reason: Q.850;cause=21;text=\"minutes outside are used up for today\"\r\n"

static struct toll_now charge_now(const struct call_host *h, const struct call *c)
{
	return toll_now_of(h->settings->tenants, c->tenant, h->now.utc_ms, h->wall_ms);
}

static uint64_t charge_later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* ---- who pays ---- */

/* The extension that the last step of the plan acts for. */
static struct bytes charge_sender(const struct call *c)
{
	const struct plan_step *last = &c->plan.steps[c->plan.count - 1];
	const struct leg *giver = c->transfer ? call_leg(c, c->transfer->leg) : NULL;

	if (last->from != PLAN_FIRST)
		return text_bytes(&c->plan.steps[last->from].user);
	if (c->transfer)
		return giver ? text_bytes(&giver->user) : (struct bytes){ 0 };
	return text_bytes(&c->from);
}

static struct toll_payer payer_named(const struct call_host *h, const struct call *c,
				     struct bytes user)
{
	return (struct toll_payer){ .tenant = c->tenant,
				    .shard = h->settings->toll_shard,
				    .user = user };
}

/* A caller that is not an extension of ours has no account: the document of the number sends his
 * calls outside. */
static struct toll_payer toll_payer_of(const struct call_host *h, const struct call *c)
{
	struct toll_payer who = payer_named(h, c, charge_sender(c));

	if (!h->services->directory->extension(h->owner, c->tenant, who.user))
		who.user = (struct bytes){ 0 };
	return who;
}

/* False: nothing is charged. */
static bool terms_of(const struct call_host *h, const struct call *c, struct bytes user,
		     struct bytes number, struct toll_terms *out)
{
	return h->settings->toll && !c->emergency &&
	       h->services->toll->limits(h->owner, c->tenant, user, number, out);
}

static bool last_terms(const struct call_host *h, const struct call *c,
		       const struct toll_payer *who, struct toll_terms *out)
{
	return c->plan.count &&
	       terms_of(h, c, who->user, text_bytes(&c->plan.steps[c->plan.count - 1].user), out);
}

/* ---- who is told ---- */

static void charge_report(struct call_host *h, const struct call *c, enum security_kind kind,
			  struct bytes user, const char *text)
{
	LOG_WARN("call", c->id, "limit of calls outside", LOG_STR("limit", text),
		 LOG_STR("tenant", call_tenant(h, c)), LOG_BYTES("extension", user));
	if (h->security)
		security_event(h->security, kind, &call_caller(c)->dialog.hop.remote, user, text,
			       h->now.ns);
}

static enum refusal charge_refuse(struct call_host *h, const struct call *c, struct bytes user,
				  enum toll_verdict verdict, struct call_refusal *refusal)
{
	(void)call_refuse_as(refusal, g_verdicts[verdict].status, g_verdicts[verdict].reason);
	refusal->text = g_verdicts[verdict].text;
	charge_report(h, c, SECURITY_TOLL, user, refusal->text);
	return refusal->reason;
}

/* ---- a leg ---- */

/* The way before this one: the next one takes its place. */
static struct leg *trunk_route_before(const struct call *c, struct bytes user)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		struct leg *l = c->legs[i];

		if (l && l->toll.counted && !l->toll.answer_utc_ms &&
		    bytes_eq(text_bytes(&l->toll.user), user))
			return l;
	}
	return NULL;
}

/* Whether the last step may go out. Where it is refused it is told, too. */
static enum refusal charge_may(struct call_host *h, const struct call *c,
			       struct call_refusal *refusal)
{
	const struct toll_payer who = toll_payer_of(h, c);
	const struct toll_now now = charge_now(h, c);
	enum toll_verdict verdict;
	struct toll_terms terms;

	if (!last_terms(h, c, &who, &terms) || trunk_route_before(c, who.user))
		return 0;
	verdict = toll_may(h->settings->toll, &who, &terms, &now);
	return verdict == TOLL_OK ? 0 : charge_refuse(h, c, who.user, verdict, refusal);
}

/* The leg is asked by a trunk from now on. As above. */
static enum refusal charge_start(struct call_host *h, struct call *c, struct leg *l,
				 struct call_refusal *refusal)
{
	const struct toll_payer who = toll_payer_of(h, c);
	const struct toll_now now = charge_now(h, c);
	struct leg *before = trunk_route_before(c, who.user);
	enum toll_verdict verdict;
	struct toll_terms terms;

	if (!last_terms(h, c, &who, &terms))
		return 0;
	if (before) {
		l->toll = before->toll;
		before->toll = (struct leg_toll){ 0 };
		return 0;
	}
	if (text_set(&l->toll.user, who.user))
		return call_refuse(refusal, REFUSED_MEMORY);
	verdict = toll_start(h->settings->toll, &who, &terms, false, &now, &l->toll.charge);
	if (verdict != TOLL_OK)
		return charge_refuse(h, c, who.user, verdict, refusal);
	l->toll.counted = true;
	return 0;
}

/* MGT-09: a flow chooses by itself what it shows. */
static bool charge_lacks_number(const struct call_host *h, const struct call *c, struct bytes user)
{
	const struct shard_forward *f =
		user.n ? h->services->directory->forward(h->owner, c->tenant, user) : NULL;
	struct bytes last = c->plan.count ? text_bytes(&c->plan.steps[c->plan.count - 1].user)
					  : (struct bytes){ 0 };
	struct toll_terms unused;
	char to[TRUNK_NUMBER_MAX];
	bool fixed;

	return user.n && !c->emergency && !(c->run && c->run->shows.n) &&
	       tenants_terms(h->settings->tenants, c->tenant)->outside_number_required &&
	       !(f && trunk_did_find(h->settings->numbers, c->tenant, NULL,
				     bytes_str(f->outside_number), to, &fixed)) &&
	       h->services->toll->limits(h->owner, c->tenant, user, last, &unused);
}

static enum refusal charge_outside(struct call_host *h, struct call *c, struct leg *l,
				   struct call_refusal *refusal)
{
	struct bytes user = toll_payer_of(h, c).user;

	if (charge_lacks_number(h, c, user)) {
		(void)call_refuse(refusal, REFUSED_OUTSIDE_NUMBER);
		refusal->text = "no number is chosen as which the extension is shown outside";
		charge_report(h, c, SECURITY_BARRED, user, refusal->text);
		return refusal->reason;
	}
	return l ? charge_start(h, c, l, refusal) : charge_may(h, c, refusal);
}

/* Of legs that are over: the store is told when the call is. */
static void tolls_restore(const struct call_host *h, const struct call *c,
			  const struct toll_now *now)
{
	for (uint8_t i = 0; i < c->toll_count; i++) {
		const struct call_toll *t = &c->tolls[i];
		const struct toll_payer who = payer_named(h, c, text_bytes(&t->user));
		uint64_t from = charge_later(t->answer_utc_ms, now->midnight_ms);

		if (t->end_utc_ms > from &&
		    toll_spend(h->settings->toll, &who, (int64_t)(t->end_utc_ms - from), now))
			LOG_ERROR("call", c->id, "no room to note what it has cost");
	}
}

void charges_restore(const struct call_host *h, struct call *c)
{
	const struct toll_now now = charge_now(h, c);
	const struct toll_terms none = { 0 };

	if (!h->settings->toll)
		return;
	tolls_restore(h, c, &now);
	for (uint8_t i = 0; i < c->leg_count; i++) {
		struct leg *l = c->legs[i];
		struct toll_payer who;

		if (!l || !l->toll.counted)
			continue;
		who = payer_named(h, c, text_bytes(&l->toll.user));
		if (toll_start(h->settings->toll, &who, &none, true, &now, &l->toll.charge) ==
			    TOLL_OK &&
		    l->toll.answer_utc_ms)
			toll_talk(&l->toll.charge, l->toll.answer_utc_ms, &now);
	}
}

/* Those beyond the limit share the last one. */
static struct call_toll *tolls_add(struct call *c)
{
	struct call_toll *list;

	if (c->toll_count == CHARGES_MAX)
		return NULL;
	list = reallocarray(c->tolls, c->toll_count + 1U, sizeof(*list));
	if (!list)
		return NULL;
	c->tolls = list;
	list[c->toll_count] = (struct call_toll){ 0 };
	return &list[c->toll_count++];
}

static void charge_over(const struct call_host *h, struct call *c, struct leg *l)
{
	const struct toll_now now = charge_now(h, c);
	struct call_toll *over = l->toll.answer_utc_ms ? tolls_add(c) : NULL;

	if (over) {
		over->user = l->toll.user;
		over->answer_utc_ms = l->toll.answer_utc_ms;
		over->end_utc_ms = h->now.utc_ms;
		l->toll.user = (struct text){ 0 };
	} else if (l->toll.answer_utc_ms && c->tolls) {
		c->tolls[c->toll_count - 1].answer_utc_ms -= h->now.utc_ms - l->toll.answer_utc_ms;
	}
	toll_end(&l->toll.charge, &now);
	leg_toll_clear(&l->toll);
}

static void charge_settle(const struct call_host *h, struct call *c, struct leg *l)
{
	const struct toll_now now = charge_now(h, c);

	if (c->state == CALL_ENDING || l->state >= LEG_LEAVING) {
		charge_over(h, c, l);
	} else if (l->state > LEG_EARLY && !l->toll.answer_utc_ms) {
		l->toll.answer_utc_ms = h->now.utc_ms;
		toll_talk(&l->toll.charge, h->now.utc_ms, &now);
	}
}

static uint64_t charge_due_ns(const struct call_host *h, const struct leg *l)
{
	uint64_t until_ms = l->toll.charge.until_ms;

	if (!until_ms)
		return UINT64_MAX;
	return until_ms <= h->now.utc_ms ? h->now.ns
					 : h->now.ns + (until_ms - h->now.utc_ms) * NS_PER_MS;
}

/* Which legs talk, and which are over. */
static void charges_settle(struct call_host *h, struct call *c)
{
	uint64_t due = UINT64_MAX;

	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (!c->legs[i] || !c->legs[i]->toll.counted)
			continue;
		charge_settle(h, c, c->legs[i]);
		if (charge_due_ns(h, c->legs[i]) < due)
			due = charge_due_ns(h, c->legs[i]);
	}
	c->toll_ns = due == UINT64_MAX ? 0 : due;
}

/* ---- its time ---- */

static void warn(struct call_host *h, const struct call *c, const struct leg *l,
		 const struct toll_slice *slice)
{
	if (slice->warn_user)
		charge_report(h, c, SECURITY_TOLL_SOON, text_bytes(&l->toll.user),
			      "extension: 80 % of the minutes outside are used");
	if (slice->warn_tenant)
		charge_report(h, c, SECURITY_TOLL_SOON, text_bytes(&l->toll.user),
			      "tenant: 80 % of the minutes outside are used");
}

/* False: there is no more. */
static bool charge_extend(struct call_host *h, const struct call *c, struct leg *l)
{
	const struct toll_now now = charge_now(h, c);
	struct toll_terms terms = { 0 };
	struct toll_slice slice;

	(void)terms_of(h, c, text_bytes(&l->toll.user), (struct bytes){ 0 }, &terms);
	slice = toll_extend(&l->toll.charge, &terms, &now);
	warn(h, c, l, &slice);
	if (!slice.ms)
		charge_report(h, c, SECURITY_TOLL, text_bytes(&l->toll.user),
			      g_verdicts[slice.ended].text);
	return slice.ms;
}

/* The time of one of them is over: it is given more, or the call ends. */
static void charges_due(struct call_host *h, struct call *c)
{
	const struct call_ending e = { .cause = CAUSE_TOLL,
				       .by = ENDED_BY_NODE,
				       .status = 403,
				       .reason = BYTES_LIT(ENDING_REASON) };

	for (uint8_t i = 0; i < c->leg_count; i++) {
		struct leg *l = c->legs[i];

		if (!l || !l->toll.charge.until_ms || l->toll.charge.until_ms > h->now.utc_ms ||
		    charge_extend(h, c, l))
			continue;
		call_end(h, c, &e);
		return;
	}
}

/* ---- what it has cost ---- */

struct cost {
	struct writer *w;
	const struct call_host *h;
	const struct call *c;
	struct toll_now now;
	bool any;
};

static void cost_add(struct cost *cost, const struct text *user, uint64_t answer_utc_ms,
		     uint64_t end_utc_ms)
{
	uint64_t from = charge_later(answer_utc_ms, cost->now.midnight_ms);

	if (!answer_utc_ms || end_utc_ms <= from)
		return;
	if (!cost->any)
		writer_u64(cost->w, cost->now.day);
	cost->any = true;
	WRITER_TEXTS(cost->w, " ", call_tenant(cost->h, cost->c), ":");
	writer_bytes(cost->w, text_bytes(user));
	writer_str(cost->w, " ");
	writer_u64(cost->w, end_utc_ms - from);
}

/* What the call has cost the day that it ends in: "DAY TENANT:USER MS ...". Empty: nothing. */
static void charges_write(const struct call_host *h, const struct call *c,
			  struct request_call_end *end)
{
	uint8_t space[(CHARGES_MAX + LEGS_MAX) * CHARGE_MAX];
	struct writer w = writer_over(space, sizeof(space));
	struct cost cost = { .w = &w, .h = h, .c = c, .now = charge_now(h, c) };

	for (uint8_t i = 0; i < c->toll_count; i++)
		cost_add(&cost, &c->tolls[i].user, c->tolls[i].answer_utc_ms,
			 c->tolls[i].end_utc_ms);
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (c->legs[i] && c->legs[i]->toll.counted)
			cost_add(&cost, &c->legs[i]->toll.user, c->legs[i]->toll.answer_utc_ms,
				 c->end_utc_ms);
	}
	if (w.overflow || text_set(&end->toll, writer_done(&w)))
		LOG_ERROR("call", c->id, "no memory to note what it has cost");
}

static const struct schema toll_rows[] = {
	{ "user", 1, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct call_toll, user),
	  .max = TOLL_USER_MAX - 1, .wrong = "call: charged" },
	{ "answer_utc_ms", 2, SCHEMA_TIME, SCHEMA_AT(struct call_toll, answer_utc_ms) },
	{ "end_utc_ms", 3, SCHEMA_TIME, SCHEMA_AT(struct call_toll, end_utc_ms) },
	{ 0 },
};

const struct schema tolls_saved[] = {
	{ "tolls", 53, SCHEMA_MESSAGE, SCHEMA_LIST | SCHEMA_POINTER,
	  SCHEMA_OF(struct call, tolls, struct call_toll), .of = toll_rows,
	  .count = offsetof(struct call, toll_count), .most = CHARGES_MAX,
	  .wrong = "call: charges" },
	{ 0 },
};

static bool leg_toll_is(const struct schema_writer *w, const void *object)
{
	(void)w;
	return ((const struct leg_toll *)object)->counted;
}

static bool leg_toll_check(struct schema_reader *r, void *object)
{
	(void)r;
	return ((struct leg_toll *)object)->counted = true;
}

static const struct schema leg_toll_rows[] = {
	{ "user", 1, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct leg_toll, user),
	  .max = TOLL_USER_MAX - 1, .wrong = "leg: charged" },
	{ "answer_utc_ms", 2, SCHEMA_TIME, SCHEMA_AT(struct leg_toll, answer_utc_ms) },
	{ 0 },
};

const struct schema leg_toll_saved[] = {
	{ "toll", 29, SCHEMA_MESSAGE, SCHEMA_OF(struct leg, toll, struct leg_toll),
	  .of = leg_toll_rows, .is = leg_toll_is, .check = leg_toll_check },
	{ 0 },
};

static const struct deadline charge_deadlines[] = {
	{ .name = "toll", .at = offsetof(struct call, toll_ns), .due = charges_due },
	{ 0 },
};

const struct module charge_module = {
	.outside = charge_outside,
	.deadlines = charge_deadlines,
	.follow = charges_settle,
	.ended = charges_write,
};
