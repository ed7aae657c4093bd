/* SPDX-License-Identifier: Apache-2.0 */
/* The plan of a call: the targets in the order in which they are tried (sig/model/plan.h), from the
 * dialled user through forwards on always, busy, no answer and unreachable, hunt lists and trunk
 * routes. Each step is saved before it rings, so a successor knows the targets tried and the reason
 * of each forward, which History-Info and CDRs use. A user is rung once a call at most. Steps that
 * ring no phone belong to modules. */

#include "sig/call/plan.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/cdr.h"
#include "sig/call/flow_spec.h"
#include "sig/call/fork.h"
#include "sig/call/invite.h"
#include "sig/call/module.h"
#include "sig/call/resolve.h"
#include "sig/call/trunk_route.h"
#include "sig/call/wait.h"
#include "sig/host/location.h"
#include "sig/host/settings.h"
#include "sig/leg/flow.h"
#include "sig/leg/leg.h"
#include "sig/model/event.h"
#include "sig/model/flow_run.h"
#include "sig/model/saved.h"
#include "sig/sip/gruu.h"

/* ---- what is saved ---- */

/* plan_step.from while a step is read: that of the previous step; or no step, as it is one of
 * several targets of a flow. */
enum { PLAN_SAVED_AGAIN = PLAN_FIRST - 1, PLAN_SAVED_FIRST = PLAN_FIRST - 2 };

static bool plan_set_is(const struct schema_writer *w, const void *object)
{
	(void)w;
	return ((const struct plan_step *)object)->set.state != SET_NONE;
}

static bool plan_trunk_is(const struct schema_writer *w, const void *object)
{
	(void)w;
	return ((const struct plan_step *)object)->trunk.n != 0;
}

static void plan_feature_write(struct schema_writer *w, const struct schema *row,
			       const void *object)
{
	const struct plan_step *step = object;

	schema_put_octets(w, row->tag,
			  bytes_str(feature_key((enum feature_action)step->set.feature)));
}

static bool plan_feature_read(struct schema_reader *r, const struct schema *row, void *object,
			      const struct schema_wire *in)
{
	(void)r;
	(void)row;
	((struct plan_step *)object)->set.feature = (uint8_t)feature_by_key(in->octets);
	return in->kind == SCHEMA_WIRE_OCTETS;
}

/* Mostly it is the one before. */
static void plan_from_write(struct schema_writer *w, const struct schema *row, const void *object)
{
	const struct plan_step *step = object;
	size_t i = w->place->position;

	if (i && step->from != i - 1 && !plan_is_again(&saver_of(w)->c->plan, (uint8_t)i))
		schema_put_number(w, row->tag, step->from + 1U);
}

static bool plan_from_read(struct schema_reader *r, const struct schema *row, void *object,
			   const struct schema_wire *in)
{
	struct plan_step *step = object;

	(void)row;
	if (in->number == PLAN_FIRST + 1 && in->kind == SCHEMA_WIRE_VARINT) {
		step->from = PLAN_SAVED_FIRST;
		return true;
	}
	if (in->number && step->from != PLAN_SAVED_AGAIN)
		step->from = (uint8_t)(in->number - 1);
	return in->kind == SCHEMA_WIRE_VARINT && in->number <= r->place->position;
}

static void plan_again_write(struct schema_writer *w, const struct schema *row, const void *object)
{
	size_t i = w->place->position;

	(void)object;
	schema_put_number(w, row->tag, plan_is_again(&saver_of(w)->c->plan, (uint8_t)i));
}

static bool plan_again_read(struct schema_reader *r, const struct schema *row, void *object,
			    const struct schema_wire *in)
{
	(void)r;
	(void)row;
	if (in->number)
		((struct plan_step *)object)->from = PLAN_SAVED_AGAIN;
	return in->kind == SCHEMA_WIRE_VARINT;
}

static bool plan_redirects_check(struct schema_reader *r, void *member)
{
	(void)r;
	return redirects_are_valid(text_bytes(member));
}

/* The row's max. All except look-ups are of the last step alone; the record of an older program may
 * have them elsewhere. */
static void plan_await_write(struct schema_writer *w, const struct schema *row, const void *object)
{
	const struct plan_step *step = object;

	if (row->max == AWAITS_NAMES || w->place->position + 1 == saver_of(w)->c->plan.count)
		schema_put_number(w, row->tag, step->awaits == row->max);
}

static bool plan_await_read(struct schema_reader *r, const struct schema *row, void *object,
			    const struct schema_wire *in)
{
	if (in->number && loader_of(r)->c->state <= CALL_RINGING)
		((struct plan_step *)object)->awaits = (uint8_t)row->max;
	return in->kind == SCHEMA_WIRE_VARINT;
}

/* What it has of a trunk, or of a document, counts together. */
static bool plan_step_check(struct schema_reader *r, void *object)
{
	struct plan_step *step = object;
	const struct plan *plan = &loader_of(r)->c->plan;
	size_t i = plan->count - 1U;

	if (i && step[-1].awaits != AWAITS_NAMES)
		step[-1].awaits = AWAITS_NOTHING;
	if (step->from == PLAN_SAVED_FIRST)
		step->from = PLAN_FIRST;
	else if (step->from == PLAN_SAVED_AGAIN)
		step->from = i ? step[-1].from : PLAN_FIRST;
	else if (step->from == PLAN_FIRST || !i)
		step->from = i ? (uint8_t)(i - 1) : PLAN_FIRST;
	if (!step->trunk.n) {
		text_clear(&step->number);
		text_clear(&step->redirects);
		step->server = 0;
		step->rang = false;
	}
	if (step->set.state != SET_NONE)
		return step->set.feature < FEATURES;
	text_clear(&step->set.number);
	step->set.feature = 0;
	return true;
}

static const struct schema plan_set_rows[] = {
	{ "feature", 4, SCHEMA_HAND, .write = plan_feature_write, .read = plan_feature_read },
	{ "number", 5, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct plan_step, set.number),
	  .max = FEATURE_VALUE_MAX - 1, .wrong = "plan: number" },
	{ "set_state", 6, SCHEMA_UINT, SCHEMA_AT(struct plan_step, set.state),
	  .max = SET_STATES - 1 },
	{ 0 },
};

static const struct schema plan_trunk_rows[] = {
	{ "trunk", 10, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct plan_step, trunk),
	  .max = TRUNK_NAME_MAX - 1, .wrong = "plan: trunk" },
	{ "server", 11, SCHEMA_UINT, SCHEMA_AT(struct plan_step, server),
	  .max = TRUNK_SERVERS_MAX - 1, .wrong = "plan: server" },
	{ "told", 12, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct plan_step, number),
	  .max = TRUNK_NUMBER_MAX - 1, .wrong = "plan: number" },
	{ "rang", 13, SCHEMA_BOOL, SCHEMA_AT(struct plan_step, rang) },
	{ 0 },
};

static const struct schema plan_redirects_rows[] = {
	{ "redirects", 15, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct plan_step, redirects),
	  .max = REDIRECTS_TEXT_MAX, .check = plan_redirects_check, .wrong = "plan: redirects" },
	{ 0 },
};

static const struct schema plan_step_rows[] = {
	{ "user", 1, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct plan_step, user),
	  .max = SAVED_USER_MAX, .wrong = "plan: user" },
	{ "why", 2, SCHEMA_UINT, SCHEMA_AT(struct plan_step, why), .max = PLAN_WHYS - 1 },
	{ "application", 3, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct plan_step, application),
	  .max = APPLICATION_NAME_MAX - 1, .wrong = "plan: application" },
	{ "feature", 4, SCHEMA_GROUP, .of = plan_set_rows, .is = plan_set_is },
	{ "from", 7, SCHEMA_HAND, SCHEMA_PLUS_ONE, SCHEMA_AT(struct plan_step, from),
	  .write = plan_from_write, .read = plan_from_read },
	{ "resolves", 8, SCHEMA_HAND, .max = AWAITS_NAMES, .write = plan_await_write,
	  .read = plan_await_read },
	{ "gruu", 9, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct plan_step, gruu),
	  .max = GRUU_NAMED_MAX, .wrong = "plan: gruu" },
	{ "trunk", 10, SCHEMA_GROUP, .of = plan_trunk_rows, .is = plan_trunk_is },
	{ "again", 14, SCHEMA_HAND, .write = plan_again_write, .read = plan_again_read },
	{ "redirects", 15, SCHEMA_GROUP, .of = plan_redirects_rows, .is = plan_trunk_is },
	{ "waits", 16, SCHEMA_HAND, .max = AWAITS_USER, .write = plan_await_write,
	  .read = plan_await_read },
	{ "confers", 17, SCHEMA_HAND, .max = AWAITS_ROOM, .write = plan_await_write,
	  .read = plan_await_read },
	{ "flows", 18, SCHEMA_HAND, .max = AWAITS_FLOW, .write = plan_await_write,
	  .read = plan_await_read },
	{ "looks", 19, SCHEMA_HAND, .max = AWAITS_CONTACT, .write = plan_await_write,
	  .read = plan_await_read },
	{ "wakes", 20, SCHEMA_HAND, .max = AWAITS_PHONE, .write = plan_await_write,
	  .read = plan_await_read },
	{ 0 },
};

const struct schema plan_saved[] = {
	{ "steps", 33, SCHEMA_MESSAGE, SCHEMA_LIST | SCHEMA_POINTER,
	  SCHEMA_OF(struct call, plan.steps, struct plan_step), .of = plan_step_rows,
	  .count = offsetof(struct call, plan.count), .most = PLAN_STEPS_MAX,
	  .check = plan_step_check, .wrong = "plan: step" },
	{ "step_until_utc_ms", 34, SCHEMA_DEADLINE, SCHEMA_AT(struct call, plan.until_ns),
	  .max = PLAN_STEP_MAX_MS },
	{ 0 },
};

/* ---- the plan ---- */

static const struct {
	const char *name, *reason, *cause;
} g_whys[PLAN_WHYS] = {
#define X(id, name, reason, cause) { name, reason, cause },
	PLAN_WHY(X)
#undef X
};

const char *plan_why_name(enum plan_why why)
{
	assert(why < PLAN_WHYS);
	return g_whys[why].name;
}

const char *plan_why_reason(enum plan_why why)
{
	assert(why < PLAN_WHYS);
	return g_whys[why].reason;
}

const char *plan_why_cause(enum plan_why why)
{
	assert(why < PLAN_WHYS);
	return g_whys[why].cause;
}

/* Without its steps from that one on. */
static void plan_cut(struct plan *plan, uint8_t count)
{
	while (plan->count > count) {
		struct plan_step *last = &plan->steps[--plan->count];

		text_clear(&last->user);
		text_clear(&last->gruu);
		text_clear(&last->application);
		text_clear(&last->set.number);
		text_clear(&last->trunk);
		text_clear(&last->number);
		text_clear(&last->redirects);
	}
}

void plan_clear(struct plan *plan)
{
	resolve_stop(plan);
	plan_cut(plan, 0);
	free(plan->steps);
	*plan = (struct plan){ 0 };
}

enum set_state plan_set_state(const struct plan *plan)
{
	return plan->count ? (enum set_state)plan->steps[plan->count - 1].set.state : SET_NONE;
}

bool plan_is_for_node(const struct plan *plan)
{
	const struct plan_step *last = plan->count ? &plan->steps[plan->count - 1] : NULL;

	return last && (last->application.n || last->set.state != SET_NONE || last->awaits ||
			plan_resolves(plan));
}

bool plan_awaits(const struct plan *plan, enum plan_await what)
{
	return plan->count && plan->steps[plan->count - 1].awaits == what;
}

bool plan_resolves(const struct plan *plan)
{
	for (uint8_t i = 0; i < plan->count; i++) {
		if (plan->steps[i].awaits == AWAITS_NAMES)
			return true;
	}
	return false;
}

void plan_leave_user(struct plan *plan, struct bytes user)
{
	for (uint8_t i = 0; i < plan->count; i++) {
		if (bytes_eq(text_bytes(&plan->steps[i].user), user))
			resolve_drop(plan, i, i + 1);
	}
}

int plan_add(struct plan *plan, struct bytes user, enum plan_why why, uint8_t from)
{
	struct plan_step *steps =
		reallocarray(plan->steps, plan->count + 1U, sizeof(struct plan_step));

	if (!steps)
		return -ENOMEM;
	plan->steps = steps;
	steps[plan->count] = (struct plan_step){ .why = (uint8_t)why, .from = from };
	if (text_set(&steps[plan->count].user, user))
		return -ENOMEM;
	plan->count++;
	return 0;
}

static struct bytes last_user(const struct plan *plan)
{
	return text_bytes(&plan->steps[plan->count - 1].user);
}

enum plan_why plan_went_to(const struct plan *plan, struct bytes *user)
{
	*user = plan->count ? last_user(plan) : (struct bytes){ 0 };
	return plan->count ? (enum plan_why)plan->steps[plan->count - 1].why : PLAN_CALLED;
}

/* No user is rung twice, and the caller is not rung. */
static bool may_ring(const struct call *c, struct bytes user)
{
	const struct plan *p = &c->plan;

	if (p->count && bytes_eq(user, text_bytes(&c->from)))
		return false;
	for (uint8_t i = 0; i < p->count; i++) {
		if (bytes_eq(user, text_bytes(&p->steps[i].user)))
			return false;
	}
	return true;
}

/* Numbers, joined by commas; "" for nowhere. */
static struct bytes goes_to(const struct shard_forward *f, enum plan_why why)
{
	if (!f)
		return (struct bytes){ 0 };
	switch (why) {
	case PLAN_ALWAYS:
		return bytes_str(f->always);
	case PLAN_BUSY:
		return bytes_str(f->busy);
	case PLAN_NO_ANSWER:
		return bytes_str(f->no_answer);
	case PLAN_UNREACHABLE:
		return bytes_str(f->unreachable[0] ? f->unreachable : f->mobile);
	case PLAN_CALLED:
	case PLAN_DEFLECTED: /* the command has named the target */
	case PLAN_PICKED:    /* he asked for it himself */
	case PLAN_WHYS:
		break;
	}
	return (struct bytes){ 0 };
}

static const struct shard_forward *forward_of(const struct call_host *h, const struct call *c,
					      struct bytes user)
{
	return h->services->directory->forward(h->owner, c->tenant, user);
}

/* RFC 5627 6.1: a call to one phone is not forwarded. */
static const struct shard_forward *step_forward(const struct call_host *h, const struct call *c,
						uint8_t step)
{
	const struct plan_step *s = &c->plan.steps[step];

	return s->gruu.n ? NULL : forward_of(h, c, text_bytes(&s->user));
}

static struct bytes step_reached_at(const struct call_host *h, const struct call *c, uint8_t step)
{
	return modules_reached_at(h, c, text_bytes(&c->plan.steps[step].user));
}

static struct bytes step_goes_to(const struct call_host *h, const struct call *c, uint8_t step,
				 enum plan_why why)
{
	struct bytes number =
		why == PLAN_ALWAYS ? step_reached_at(h, c, step) : (struct bytes){ 0 };

	return number.n ? number : goes_to(step_forward(h, c, step), why);
}

struct bytes plan_forwards(const struct call_host *h, const struct call *c, enum plan_why why)
{
	return step_goes_to(h, c, c->plan.count - 1, why);
}

static uint8_t step_depth(const struct plan *p, uint8_t step)
{
	uint8_t depth = 0;

	for (; p->steps[step].from != PLAN_FIRST; depth++)
		step = p->steps[step].from;
	return depth;
}

/* Calls to it are answered automatically. */
static bool answers_itself(const struct call_host *h, const struct call *c, struct bytes user,
			   struct bytes number)
{
	const struct shard_forward *f = forward_of(h, c, number);

	return plan_is_of_user(h, c, number) ? f && f->application[0]
					     : modules_answers(h, c, user, number);
}

/* The first untried number of the step's user for that reason. Returns false if none is left;
 * *tried: some were tried. */
static bool list_next(const struct call_host *h, const struct call *c, uint8_t step,
		      enum plan_why why, struct bytes *number, bool *tried)
{
	struct bytes list = step_goes_to(h, c, step, why);

	while (bytes_cut(&list, ',', number)) {
		bool rings = !flow_dials_members(c) ||
			     !answers_itself(h, c, text_bytes(&c->plan.steps[step].user), *number);

		if (number->n && rings && may_ring(c, *number))
			return true;
		*tried |= number->n != 0 && rings;
	}
	return false;
}

/* The next target of an untaken step: the forward of its user, else the next number of the list
 * that named the step. */
static bool plan_follow_step(const struct call_host *h, const struct call *c, uint8_t step,
			     struct bytes *user, enum plan_why *why, uint8_t *from)
{
	const struct plan *p = &c->plan;
	bool tried = false;

	if (trunk_route_has_next(h, c, step, *why)) {
		*user = text_bytes(&p->steps[step].user);
		*why = (enum plan_why)p->steps[step].why;
		*from = p->steps[step].from;
		return true;
	}
	for (*from = step; p->count < PLAN_STEPS_MAX;) {
		if (step_depth(p, *from) < PLAN_DEPTH_MAX &&
		    list_next(h, c, *from, *why, user, &tried))
			return true;
		if (p->steps[*from].from == PLAN_FIRST)
			break;
		*why = (enum plan_why)p->steps[*from].why;
		*from = p->steps[*from].from;
	}
	if (tried || p->count == PLAN_STEPS_MAX)
		txns_refuse_for(h->txns, REFUSED_LOOP);
	return false;
}

static bool plan_follow(const struct call_host *h, const struct call *c, struct bytes *user,
			enum plan_why *why, uint8_t *from)
{
	return plan_follow_step(h, c, c->plan.count - 1, user, why, from);
}

/* Another number of the same list can be tried. */
static bool has_next(const struct call_host *h, const struct call *c, const struct plan_step *step)
{
	struct bytes next;
	bool tried = false;

	return step->from != PLAN_FIRST && c->plan.count < PLAN_STEPS_MAX &&
	       list_next(h, c, step->from, (enum plan_why)step->why, &next, &tried);
}

bool plan_is_of_user(const struct call_host *h, const struct call *c, struct bytes user)
{
	return h->services->directory->extension(h->owner, c->tenant, user);
}

/* All phones of the user, or the one that was named. */
static uint32_t targets_of_step(const struct call_host *h, const struct call *c, uint8_t step,
				struct call_target *out, uint32_t cap)
{
	const struct plan_step *p = &c->plan.steps[step];
	struct bytes gruu = text_bytes(&p->gruu);
	struct sip_uri uri = gruu.n ? gruu_named(gruu)
				    : (struct sip_uri){ .scheme = BYTES_LIT("tel"),
							.user = text_bytes(&p->user) };

	if (p->trunk.n) {
		if (!cap || !trunk_route_target(h, c, p, out))
			return 0;
		/* The user speaks there: he is busy, and what his calls have this one has. */
		if (p->why == PLAN_ALWAYS && p->from != PLAN_FIRST &&
		    step_reached_at(h, c, p->from).n)
			out->user = text_bytes(&c->plan.steps[p->from].user);
		return 1;
	}
	return h->services->location->resolve(h->owner, c->tenant, &uri, out, cap);
}

static enum refusal plan_add_target(struct call_host *h, struct call *c,
				    const struct call_target *target,
				    const struct dialog_party *from, struct call_refusal *refusal)
{
	return target->by_name ? resolve_target(h, c, c->plan.count - 1, target, from, refusal)
			       : fork_add_branch(h, c, c->bridge.caller, target, from, refusal);
}

/* A trunk is told the number as its route has it. */
static struct bytes number_as_sent(const struct plan_step *step)
{
	return text_bytes(step->trunk.n ? &step->number : &step->user);
}

/* It is enough that one can be asked, or is looked up. */
static enum refusal plan_ring(struct call_host *h, struct call *c, const struct dialog_party *from,
			      struct call_refusal *refusal)
{
	uint8_t step = c->plan.count - 1;
	const struct plan_step *last = &c->plan.steps[step];
	bool of_user = plan_is_of_user(h, c, text_bytes(&last->user));
	struct dialog_party party = *from;
	struct call_target targets[LEGS_MAX];
	uint32_t n, asked = 0;

	if (of_user && resolve_user(h, c, step))
		return 0;
	n = targets_of_step(h, c, step, targets, COUNT_OF(targets));
	party.remote_user = number_as_sent(last);
	if (last->trunk.n)
		(void)call_refuse(refusal, REFUSED_TRUNK_AWAY);
	else if (of_user &&
		 h->services->location->is_unreadable(h->owner, c->tenant, text_bytes(&last->user)))
		(void)call_refuse(refusal, REFUSED_REGISTRATION_UNREAD);
	else if (of_user)
		(void)call_refuse(refusal, REFUSED_NOT_REGISTERED);
	else
		(void)call_refuse(refusal, REFUSED_NOT_FOUND);
	for (uint32_t i = 0; i < n; i++)
		asked += plan_add_target(h, c, &targets[i], &party, refusal) == 0;
	return asked ? REFUSED_NOT : refusal->reason;
}

/* The ring time: the user's own, and of a list the shortest among those that named it. 0: the
 * default. Several targets ring as long as they are rung: the forward of one does not affect the
 * others. */
static uint32_t rings_of(const struct call_host *h, const struct call *c)
{
	const struct plan_step *step = &c->plan.steps[c->plan.count - 1];
	const struct shard_forward *own = step_forward(h, c, c->plan.count - 1), *list;
	struct bytes next;
	bool unused = false;
	uint32_t rings = own && list_next(h, c, c->plan.count - 1, PLAN_NO_ANSWER, &next, &unused)
				 ? own->rings
				 : 0,
		 turn;

	if (flow_dials_together(c))
		return 0;
	if (!has_next(h, c, step))
		return rings;
	list = step_forward(h, c, step->from);
	turn = list && list->rings ? list->rings : FORWARD_HUNT_RINGS;
	return rings && rings < turn ? rings : turn;
}

uint64_t plan_ring_for_ns(const struct call_host *h, const struct call *c)
{
	return c->ring_s ? c->ring_s * NS_PER_S : h->settings->calls.ring_timeout_ns;
}

void plan_start_ringing(const struct call_host *h, struct call *c)
{
	uint32_t rings = rings_of(h, c);

	if (!c->ring_s || !c->ring_ns)
		c->ring_ns = h->now.ns + plan_ring_for_ns(h, c);
	c->plan.until_ns = rings ? h->now.ns + rings * FORWARD_RING_S * NS_PER_S : 0;
	if (trunk_route_silent_leg(c) != LEG_NONE &&
	    (!c->plan.until_ns || trunk_route_until_ns(h, c) < c->plan.until_ns))
		c->plan.until_ns = trunk_route_until_ns(h, c);
}

/* It continues later, with the caller known then. first: legs below it are cancelled, as the call
 * continues from them. */
static enum refusal ring_or_resolve(struct call_host *h, struct call *c, struct bytes display,
				    uint8_t first, struct call_refusal *refusal)
{
	if (resolve_is_pending(c) && call_name_set(c, display))
		return call_refuse(refusal, REFUSED_MEMORY);
	if (fork_rings_from(c, first))
		plan_start_ringing(h, c);
	else
		resolve_alone(c);
	return 0;
}

bool plan_is_again(const struct plan *p, uint8_t step)
{
	return step && p->steps[step - 1].trunk.n &&
	       p->steps[step].from == p->steps[step - 1].from &&
	       bytes_eq(text_bytes(&p->steps[step].user), text_bytes(&p->steps[step - 1].user));
}

/* The called user forwards the call outside: the number is dialled as by him. Returns 0, -EACCES or
 * -ENOMEM. */
static enum refusal trunk_route_in_name_of(struct call_host *h, struct call *c)
{
	struct plan *p = &c->plan;
	struct plan_step *last = &p->steps[p->count - 1];
	char number[ROUTE_USER_MAX];

	if (last->from == PLAN_FIRST || plan_is_again(p, p->count - 1))
		return 0;
	if (!trunk_route_dialled(h, c->tenant, text_bytes(&p->steps[last->from].user),
				 text_bytes(&last->user), number)) {
		trunk_route_is_barred(h, c, text_bytes(&p->steps[last->from].user),
				      text_bytes(&last->user));
		return REFUSED_BARRED;
	}
	return text_set(&last->user, bytes_str(number)) ? REFUSED_MEMORY : REFUSED_NOT;
}

/* None of ours: by a trunk, if a route has the number. */
static enum refusal trunk_route_out(struct call_host *h, struct call *c,
				    struct call_refusal *refusal)
{
	enum refusal refused = trunk_route_in_name_of(h, c);

	if (refused)
		return call_refuse(refusal, refused);
	if (trunk_route_is_known(h, c))
		refused = modules_outside(h, c, NULL, refusal);
	if (refused)
		return refused;
	refused = trunk_route_choose(h, c);
	return refused && refused != REFUSED_NOT_FOUND ? call_refuse(refusal, refused)
						       : REFUSED_NOT;
}

/* One step; *why: what keeps it from ringing. */
static enum refusal plan_reach(struct call_host *h, struct call *c, struct bytes user,
			       uint8_t first, enum plan_why *why, const struct dialog_party *from,
			       struct call_refusal *refusal)
{
	const struct shard_forward *goes = step_forward(h, c, c->plan.count - 1);
	const struct plan_target at = { .user = user,
					.display = from->local_display,
					.caller = from->local_user,
					.forward = forward_of(h, c, user) };
	enum refusal refused = modules_admit(h, c, &at, why, refusal);

	if (refused)
		return refused;
	*why = PLAN_UNREACHABLE;
	if (goes && goes->application[0])
		return wait_start(h, c, at.forward, from->local_display, refusal);
	if (modules_dialled(h, c, &at, &refused, refusal)) {
		*why = refused && refusal->status == 486 ? PLAN_BUSY : PLAN_UNREACHABLE;
		return refused;
	}
	refused = plan_is_of_user(h, c, user) ? 0 : trunk_route_out(h, c, refusal);
	if (refused)
		return refused;
	refused = plan_ring(h, c, from, refusal);
	return refused ? refused : ring_or_resolve(h, c, from->local_display, first, refusal);
}

static int plan_name(struct plan *plan, struct bytes gruu)
{
	return text_set(&plan->steps[plan->count - 1].gruu, gruu);
}

/* From this user on, until one rings. The first refusal is kept, as later ones say less. legs:
 * those below are cancelled. */
static enum refusal walk(struct call_host *h, struct call *c, struct bytes user, struct bytes gruu,
			 enum plan_why why, uint8_t from, uint8_t legs,
			 const struct dialog_party *party, struct call_refusal *refusal)
{
	struct call_refusal later;
	enum refusal first = REFUSED_NOT;

	do {
		enum refusal refused;

		if (plan_add(&c->plan, user, why, from) || plan_name(&c->plan, gruu))
			return call_refuse(refusal, REFUSED_MEMORY);
		refused = plan_reach(h, c, last_user(&c->plan), legs, &why, party,
				     first ? &later : refusal);
		if (!refused)
			return REFUSED_NOT;
		first = first ? first : refused;
		gruu = (struct bytes){ 0 };
	} while (plan_follow(h, c, &user, &why, &from));
	return first;
}

enum refusal plan_start(struct call_host *h, struct call *c, struct bytes user, struct bytes gruu,
			const struct dialog_party *from, struct call_refusal *refusal)
{
	if (c->plan.count == PLAN_STEPS_MAX) /* a flow has called many */
		return call_refuse(refusal, REFUSED_LOOP);
	return walk(h, c, user, gruu, PLAN_CALLED, PLAN_FIRST, 0, from, refusal);
}

enum refusal plan_start_for(struct call_host *h, struct call *c, struct bytes subject,
			    struct bytes user, const struct dialog_party *from,
			    struct call_refusal *refusal)
{
	if (plan_add(&c->plan, subject, PLAN_CALLED, PLAN_FIRST))
		return call_refuse(refusal, REFUSED_MEMORY);
	return walk(h, c, user, (struct bytes){ 0 }, PLAN_DEFLECTED, 0, 0, from, refusal);
}

bool plan_has_forward(const struct call_host *h, const struct call *c, enum plan_why why)
{
	struct bytes user;
	uint8_t from;

	return c->plan.count && plan_follow(h, c, &user, &why, &from);
}

enum refusal plan_start_unanswered(struct call_host *h, struct call *c, struct bytes user,
				   const struct dialog_party *from, struct call_refusal *refusal)
{
	enum plan_why why = PLAN_NO_ANSWER;
	struct bytes to;
	uint8_t step;

	if (plan_add(&c->plan, user, PLAN_CALLED, PLAN_FIRST))
		return call_refuse(refusal, REFUSED_MEMORY);
	if (!plan_follow(h, c, &to, &why, &step))
		return call_refuse(refusal, REFUSED_NOT_REGISTERED);
	return walk(h, c, to, (struct bytes){ 0 }, why, step, 0, from, refusal);
}

/* The legs and steps below those are no longer the call's targets. */
static void leave_first(struct call_host *h, struct call *c, uint8_t legs, uint8_t steps)
{
	const struct plan_step *last = &c->plan.steps[c->plan.count - 1];
	struct leg_farewell f = { .reason = last->why == PLAN_PICKED ? BYTES_LIT(LEG_COMPLETED)
								     : (struct bytes){ 0 } };

	resolve_drop(&c->plan, 0, steps);
	for (uint8_t i = 0; i < legs; i++) {
		const struct leg *l = c->legs[i];

		if (!l || !l->uac || (l->state != LEG_EARLY && !leg_is_screened(l)))
			continue;
		leg_leave(h, c, i, &f);
		flows_close_leg(h, c, i);
	}
}

/* The caller as told to the last callee. Without one it is known from before. */
static bool caller_was(const struct call *c, struct dialog_party *out)
{
	for (uint8_t i = c->leg_count; i-- > 0;) {
		const struct leg *l = c->legs[i];

		if (l && l->outbound && i != c->bridge.caller && fork_caller_of(l, out))
			return true;
	}
	*out = (struct dialog_party){ .local_display = flow_shown_name(c),
				      .local_user = flow_shown_number(c) };
	return call_application(c).n || resolve_is_pending(c) || slot_step_asks(c) ||
	       plan_awaits(&c->plan, AWAITS_USER) || plan_awaits(&c->plan, AWAITS_ROOM) ||
	       plan_awaits(&c->plan, AWAITS_FLOW) || plan_awaits(&c->plan, AWAITS_PHONE);
}

uint32_t plan_targets(struct call_host *h, const struct call *c, uint8_t step,
		      struct dialog_party *from, struct call_target *out, uint32_t cap)
{
	if (!caller_was(c, from))
		return 0;
	from->remote_user = number_as_sent(&c->plan.steps[step]);
	return targets_of_step(h, c, step, out, cap);
}

void plan_stop(struct call *c)
{
	c->ring_ns = c->plan.until_ns = 0;
	resolve_stop(&c->plan);
}

/* For an existing call: one that begins has published nothing yet. */
static void plan_publish_forward(struct call_host *h, const struct call *c)
{
	struct sig_event *event;
	struct bytes to;
	enum plan_why why = plan_went_to(&c->plan, &to);

	if (plan_is_again(&c->plan, c->plan.count - 1)) {
		trunk_route_log_next(h, c);
		return;
	}
	event = call_publish(h, c, SIG_CALL_FORWARDED);
	LOG_INFO("call", c->id, "call goes on to another", LOG_BYTES("to", cdr_number(h, c, to)),
		 LOG_STR("why", plan_why_name(why)));
	event_put(event, EV_TO, cdr_number(h, c, to));
	event_put_str(event, EV_REASON, plan_why_name(why));
}

bool plan_next(struct call_host *h, struct call *c, enum plan_why why)
{
	struct plan *p = &c->plan;
	struct call_refusal refusal;
	struct dialog_party party;
	uint8_t legs = c->leg_count, steps = p->count, from;
	struct bytes to;

	p->until_ns = 0;
	if (!p->count || !plan_follow(h, c, &to, &why, &from) || !caller_was(c, &party))
		return false;
	outbox_touch(&c->out);
	if (walk(h, c, to, (struct bytes){ 0 }, why, from, legs, &party, &refusal))
		return false;
	leave_first(h, c, legs, steps);
	fork_forget_best(c);
	plan_publish_forward(h, c);
	return true;
}

/* A leg for its user, or to its trunk, is there, whatever became of it. */
static bool step_has_leg(const struct call *c, const struct plan_step *step)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		const struct leg *l = c->legs[i];

		if (l && l->outbound && i != c->bridge.caller &&
		    (step->trunk.n ? bytes_eq(text_bytes(&l->trunk), text_bytes(&step->trunk))
				   : bytes_eq(text_bytes(&l->user), text_bytes(&step->user))))
			return true;
	}
	return false;
}

bool plan_step_resolved(struct call_host *h, struct call *c, uint8_t step)
{
	uint8_t legs = c->leg_count, steps = c->plan.count, from;
	enum plan_why why = PLAN_UNREACHABLE;
	struct call_refusal refusal;
	struct dialog_party party;
	const struct plan_step *last;
	struct bytes to;

	if (step_has_leg(c, &c->plan.steps[step]) ||
	    !plan_follow_step(h, c, step, &to, &why, &from) || !caller_was(c, &party) ||
	    walk(h, c, to, (struct bytes){ 0 }, why, from, 0, &party, &refusal))
		return false;
	last = &c->plan.steps[c->plan.count - 1];
	if (last->application.n || (last->awaits && last->awaits != AWAITS_NAMES))
		leave_first(h, c, legs, steps); /* the node itself has the caller */
	return true;
}

void plan_wake(struct call_host *h, struct call *c)
{
	struct call_ending e = { .cause = CAUSE_UNREACHABLE, .by = ENDED_BY_NODE };
	struct call_refusal refusal;
	struct dialog_party party;
	enum refusal refused = REFUSED_MEMORY;
	uint8_t step = c->plan.count - 1, awaited = c->plan.steps[step].awaits;
	bool goes_on;

	e.status = 500;
	if (caller_was(c, &party)) {
		c->plan.steps[step].awaits = AWAITS_NOTHING;
		outbox_touch(&c->out);
		refused = plan_ring(h, c, &party, &refusal);
		e.status = refusal.status;
	}
	if (!refused)
		refused = ring_or_resolve(h, c, party.local_display, 0, &refusal);
	if (!refused)
		return;
	c->plan.steps[step].awaits = awaited; /* so the caller is known */
	goes_on = plan_next(h, c, PLAN_UNREACHABLE);
	c->plan.steps[step].awaits = AWAITS_NOTHING;
	if (!goes_on)
		call_untaken(h, c, &e);
}

enum refusal plan_is_open(const struct call *c)
{
	const struct plan *p = &c->plan;

	if (c->state == CALL_ANSWERING || c->state == CALL_ESTABLISHED)
		return REFUSED_ANSWERED;
	if (c->state == CALL_ENDING || c->parting_ns || !p->count ||
	    plan_set_state(p) != SET_NONE || slot_step_asks(c) || plan_awaits(p, AWAITS_ROOM) ||
	    plan_awaits(p, AWAITS_CONTACT))
		return REFUSED_NOT_RINGING;
	return REFUSED_NOT;
}

static enum refusal may_go_to(const struct call *c, struct bytes user)
{
	const struct plan *p = &c->plan;
	enum refusal r = plan_is_open(c);

	if (r)
		return r;
	return may_ring(c, user) && p->count < PLAN_STEPS_MAX &&
			       step_depth(p, p->count - 1) < PLAN_DEPTH_MAX
		       ? REFUSED_NOT
		       : REFUSED_RUNG_BEFORE;
}

enum refusal plan_forward_to(struct call_host *h, struct call *c, struct bytes user,
			     enum plan_why why)
{
	uint8_t steps = c->plan.count, legs = c->leg_count;
	uint64_t until_ns = c->plan.until_ns;
	struct call_refusal refusal;
	struct dialog_party party;
	enum refusal r = may_go_to(c, user);
	bool waits = call_awaits_application(c);

	if (r)
		return r;
	if (!caller_was(c, &party))
		return REFUSED_NOT_RINGING;
	outbox_touch(&c->out);
	c->plan.until_ns = 0;
	if (walk(h, c, user, (struct bytes){ 0 }, why, steps - 1, legs, &party, &refusal)) {
		plan_cut(&c->plan, steps);
		c->plan.until_ns = until_ns;
		return REFUSED_NOBODY_RINGS;
	}
	if (waits)
		call_publish(h, c, SIG_CALL_MISSED);
	leave_first(h, c, legs, steps);
	fork_forget_best(c);
	plan_publish_forward(h, c);
	return 0;
}

enum plan_why plan_why_of(const struct refusal_kept *r)
{
	if (r->cause == CAUSE_UNREACHABLE || r->cause == CAUSE_NO_RESPONSE)
		return PLAN_UNREACHABLE;
	switch (r->status) {
	case 486:
	case 600:
	case 603:
		return PLAN_BUSY;
	case 408:
	case 480:
		return PLAN_NO_ANSWER;
	default:
		return r->status / 100 == 5 ? PLAN_UNREACHABLE : PLAN_WHYS;
	}
}
