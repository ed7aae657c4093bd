/* SPDX-License-Identifier: Apache-2.0 */
/* The verb dial: the targets it rings, and what follows when they have talked with the caller. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/cdr.h"
#include "sig/call/flow_spec.h"
#include "sig/call/invite.h"
#include "sig/call/module.h"
#include "sig/call/plan.h"
#include "sig/call/prompts.h"
#include "sig/call/session.h"
#include "sig/call/trunk_route.h"
#include "sig/dial/pattern.h"
#include "sig/host/groups.h"
#include "sig/host/settings.h"
#include "sig/host/tenant_tables.h"
#include "sig/host/trunk_route.h"
#include "sig/leg/flow.h"
#include "sig/leg/leg.h"
#include "sig/pbx/flow/flow.h"
#include "sig/pbx/join.h"
#include "sig/pbx/transfer.h"

/* Words of the argument how, in their order. */
enum dial_how {
	DIAL_TOGETHER,
	DIAL_IN_TURN,
	DIAL_ROTATING,
	DIAL_RANDOM,
	DIAL_LONGEST_IDLE,
	DIAL_WEIGHTED,
};
enum { RING_MS = 5000, DIAL_WEIGHT = 1 };
#define OF_CALLER "!" /* before a number that its caller has had put in */

/* ---- targets ---- */

struct dial_target {
	struct bytes number;
	uint8_t weight;
	bool of_caller;
};

enum { DIAL_KEY_MAX = 160 };

struct dial_terms {
	uint32_t how;           /* enum dial_how */
	char key[DIAL_KEY_MAX]; /* of a rotating list; "": none */
	uint32_t ring_ms, total_ms;
	bool members, decline_ends;
	struct dial_target list[PLAN_STEPS_MAX];
	uint8_t count;
};

static bool dial_add(struct dial_terms *terms, struct dial_target target)
{
	if (terms->count == COUNT_OF(terms->list))
		return false;
	terms->list[terms->count++] = target;
	return true;
}

void flow_show(struct call *c, const char *prefix, bool show_called)
{
	uint8_t space[GROUP_SHOWN_MAX - 1];
	struct writer w = writer_over(space, sizeof(space));
	struct flow_run *r = c->run;
	struct bytes name = text_bytes(&c->display), dnis = call_dnis(c);
	struct bytes called = text_bytes(r->called.n ? &r->called : &c->to);

	writer_str(&w, prefix);
	if (show_called) {
		writer_str(&w, w.n ? " " : "");
		writer_bytes(&w, dnis.n ? dnis : called);
	}
	if (w.n && name.n) {
		writer_str(&w, ": ");
		writer_bytes(&w, name);
	}
	if (text_set(&r->shown, w.overflow ? (struct bytes){ 0 } : writer_done(&w)))
		LOG_WARN("flow", c->id, "no memory for what is shown of a caller");
}

/* Those that are logged in; what has no room does not ring. */
static void dial_add_group(const struct flow_turn_of *t, struct bytes name, struct dial_terms *out)
{
	const struct ring_group *g = groups_find(t->h->groups, t->c->tenant, name);
	const struct flow_verb *v = t->v;

	for (uint8_t i = 0; g && i < g->count; i++) {
		if (group_rings(t->h->groups, g, i))
			(void)dial_add(out, (struct dial_target){
						    .number = bytes_str(g->members[i].number),
						    .weight = g->members[i].weight });
	}
	if (!g || verb_value(v, "to")->count > 1)
		return;
	flow_show(t->c, g->prefix, g->show_called);
	if (text_set(&t->c->run->group, bytes_str(g->name)))
		LOG_WARN("flow", t->c->id, "no memory for the name of a group");
	if (!verb_value(v, "how")->given)
		out->how = g->how;
	if (!verb_value(v, "forwards")->given)
		out->members = !g->forwards;
	if (!verb_value(v, "decline_ends")->given)
		out->decline_ends = g->decline_ends;
	if (g->ring_s && !verb_value(v, "ring_s")->given && !verb_value(v, "rings")->given)
		out->ring_ms = g->ring_s * 1000U;
	if (g->total_s && !verb_value(v, "total_s")->given)
		out->total_ms = g->total_s * 1000U;
}

/* Of a group its name; a one-off program has no list of its own. */
static void dial_key(const struct flow_turn_of *t, struct dial_terms *out)
{
	const struct flow_value *to = verb_value(t->v, "to");
	struct writer w = writer_over(out->key, sizeof(out->key) - 1);
	struct bytes text = t->v->texts[to->first];

	if (to->count == 1 && bytes_starts(text, "group:"))
		writer_bytes(&w, text);
	else if (t->c->run->name[0])
		WRITER_TEXTS(&w, t->c->run->name, "/", t->v->step->name);
	out->key[w.overflow ? 0 : w.n] = '\0';
}

/* 0 is the operator, where the tenant has one. */
static struct bytes dial_number(const struct flow_turn_of *t, struct bytes number)
{
	const struct dial_plan *plan = dial_plans_of(t->h->settings->dials, t->c->tenant);

	return bytes_is(number, DIAL_OPERATOR) && plan->operator_number[0] &&
			       !plan_is_of_user(t->h, t->c, number)
		       ? bytes_str(plan->operator_number)
		       : number;
}

static bool dial_terms_of(const struct flow_turn_of *t, struct dial_terms *out)
{
	const struct flow_verb *v = t->v;
	const struct flow_value *to = verb_value(v, "to");

	*out = (struct dial_terms){ .how = verb_number(v, "how"),
				    .ring_ms = verb_value(v, "ring_s")->given
						       ? verb_number(v, "ring_s")
						       : verb_number(v, "rings") * RING_MS,
				    .total_ms = verb_number(v, "total_s"),
				    .decline_ends = verb_number(v, "decline_ends") };
	/* an only target named by a program is called as by a phone */
	out->members = !verb_number(v, "forwards") &&
		       (to->count > 1 || bytes_starts(v->texts[to->first], "group:"));
	text_clear(&t->c->run->group);
	text_clear(&t->c->run->shown);
	dial_key(t, out);
	for (uint8_t i = 0; i < to->count; i++) {
		struct bytes text = v->texts[to->first + i];

		if (bytes_starts(text, "group:"))
			dial_add_group(t, bytes_from(text, strlen("group:")), out);
		else if (!dial_add(out, (struct dial_target){ .number = dial_number(t, text),
							      .weight = DIAL_WEIGHT,
							      .of_caller = !step_text_is_plain(
								      v->step, "to", i) }))
			return false;
	}
	return true;
}

/* ---- in which order ---- */

static uint32_t dial_weight(const struct dial_terms *terms, uint8_t i)
{
	return terms->how == DIAL_WEIGHTED ? terms->list[i].weight : DIAL_WEIGHT;
}

/* Members with more weight come earlier more often. */
static void dial_shuffle(const struct call_host *h, struct dial_terms *terms)
{
	for (uint8_t i = 0; i < terms->count; i++) {
		struct dial_target first = terms->list[i];
		uint32_t sum = 0, at;
		uint8_t k = i;

		for (uint8_t j = i; j < terms->count; j++)
			sum += dial_weight(terms, j);
		at = rand_below(h->rand, sum);
		while (at >= dial_weight(terms, k))
			at -= dial_weight(terms, k++);
		terms->list[i] = terms->list[k];
		terms->list[k] = first;
	}
}

/* What the store has of the targets, while it is asked for. */
struct dial_kept {
	uint64_t serial; /* of the first; each has the next one */
	uint8_t left;    /* so many are not known yet */
	uint64_t spoke[PLAN_STEPS_MAX];
	char last[KV_VALUE_MAX];
};

enum { DIAL_KEPT_MS = 500 };
#define DIAL_KEPT_FOR_MS (UINT64_C(30) * 86400 * 1000)

static void dial_ask_one(struct flow_turn_of *t, enum kept what, uint64_t serial, struct bytes of)
{
	struct request_kv *kept =
		effects_request(t->h->effects, EFFECT_KV, t->c->id, serial,
				EFFECT_TEXTS(bytes_str(call_tenant(t->h, t->c)), of));

	if (kept) /* else its time runs */
		kept->what = what;
}

/* Returns false if no request is needed, or all is known. */
static bool dial_asks(struct flow_turn_of *t, const struct dial_terms *terms)
{
	struct flow_run *r = t->c->run;
	struct dial_kept *k = r->kept;
	bool turn = terms->how == DIAL_ROTATING && terms->key[0];

	if (k)
		return k->left;
	if (t->h->degraded || !(turn || terms->how == DIAL_LONGEST_IDLE))
		return false;
	r->kept = k = calloc(1, sizeof(*k));
	if (!k)
		return false;
	k->serial = rand_u64_from(t->h->rand) | (UINT64_C(1) << 32);
	k->left = turn ? 1 : terms->count;
	r->kept_ns = t->h->now.ns + DIAL_KEPT_MS * NS_PER_MS;
	if (turn)
		dial_ask_one(t, KV_TURN, k->serial, bytes_str(terms->key));
	for (uint8_t i = 0; i < terms->count && !turn; i++)
		dial_ask_one(t, KV_SPOKE, k->serial + i, terms->list[i].number);
	return true;
}

void dial_replied(struct call_host *h, struct call *c, const struct reply *reply)
{
	const struct kv_reply *new_state = &reply->kept;
	struct dial_kept *k = c->run ? c->run->kept : NULL;
	uint64_t i = k ? new_state->serial - k->serial : PLAN_STEPS_MAX;

	if (i >= PLAN_STEPS_MAX || !k->left)
		return;
	if (new_state->result == KV_OK) {
		(void)bytes_cstr(new_state->value, k->last, sizeof(k->last));
		(void)bytes_u64(new_state->value, &k->spoke[i]);
	}
	if (--k->left == 0)
		flow_again(h, c);
}

void dial_kept_overdue(struct call_host *h, struct call *c)
{
	if (c->run->kept)
		c->run->kept->left = 0;
	flow_again(h, c);
}

static void dial_keep_value(const struct call_host *h, const struct call *c, enum kept what,
			    struct bytes of, struct bytes value)
{
	struct request_kv *kept =
		effects_request(h->effects, EFFECT_KV, c->id, 0,
				EFFECT_TEXTS(bytes_str(call_tenant(h, c)), of, value));

	if (!kept) {
		LOG_WARN("flow", c->id, "no memory: the order of a list is not kept");
		return;
	}
	kept->what = what;
	kept->ttl_ms = DIAL_KEPT_FOR_MS;
}

/* It begins behind who was first last time. */
static void dial_rotate(struct flow_turn_of *t, struct dial_terms *terms)
{
	const struct dial_kept *k = t->c->run->kept;
	struct dial_terms before = *terms;
	uint8_t from = 0;

	for (uint8_t i = 0; k && i < terms->count; i++) {
		if (bytes_is(terms->list[i].number, k->last))
			from = (uint8_t)(i + 1);
	}
	for (uint8_t i = 0; i < terms->count; i++)
		terms->list[i] = before.list[(from + i) % terms->count];
	if (terms->key[0] && terms->count)
		dial_keep_value(t->h, t->c, KV_TURN, bytes_str(terms->key), terms->list[0].number);
}

/* Members idle for equally long keep the order of the list; one that never talked is first. */
static void dial_sort_idle(const struct dial_kept *k, struct dial_terms *terms)
{
	struct dial_terms before = *terms;
	bool taken[PLAN_STEPS_MAX] = { false };

	for (uint8_t i = 0; k && i < terms->count; i++) {
		uint8_t best = PLAN_STEPS_MAX;

		for (uint8_t j = 0; j < terms->count; j++) {
			if (!taken[j] && (best == PLAN_STEPS_MAX || k->spoke[j] < k->spoke[best]))
				best = j;
		}
		taken[best] = true;
		terms->list[i] = before.list[best];
	}
}

static void dial_order(struct flow_turn_of *t, struct dial_terms *terms)
{
	switch ((enum dial_how)terms->how) {
	case DIAL_TOGETHER:
	case DIAL_IN_TURN:
		break;
	case DIAL_ROTATING:
		dial_rotate(t, terms);
		break;
	case DIAL_RANDOM:
	case DIAL_WEIGHTED:
		dial_shuffle(t->h, terms);
		break;
	case DIAL_LONGEST_IDLE:
		dial_sort_idle(t->c->run->kept, terms);
		break;
	}
}

static void dial_forget_kept(struct flow_run *r)
{
	free(r->kept);
	r->kept = NULL;
	r->kept_ns = 0;
}

/* The list stands in the record, in its order: another process goes on with the same one. */
static bool dial_keep(struct flow_turn_of *t, const struct dial_terms *terms)
{
	uint8_t space[RUN_TARGETS_MAX];
	struct writer w = writer_over(space, sizeof(space));
	struct flow_run *r = t->c->run;

	for (uint8_t i = 0; i < terms->count; i++) {
		WRITER_TEXTS(&w, i ? " " : "", terms->list[i].of_caller ? OF_CALLER : "");
		writer_bytes(&w, terms->list[i].number);
	}
	r->together = terms->how == DIAL_TOGETHER;
	r->ring_ms = terms->ring_ms;
	r->idle = terms->how == DIAL_LONGEST_IDLE;
	r->skip_busy = verb_number(t->v, "skip_busy");
	r->members = terms->members;
	r->past_decline = !terms->decline_ends;
	r->limit_ms = verb_number(t->v, "limit_s");
	r->until_ns = t->h->now.ns + terms->total_ms * NS_PER_MS;
	r->after = step_branch(t->p, t->v->step, OUTCOME_NEXT) ? AFTER_ANSWER : 0;
	return !w.overflow && !text_set(&r->targets, writer_done(&w));
}

/* ---- what they are told ---- */

/* A number of the tenant: one that leads to it, or an extension. */
static bool dial_may_show(const struct call_host *h, const struct call *c, struct bytes number)
{
	char to[TRUNK_NUMBER_MAX];
	bool fixed;

	return h->services->directory->extension(h->owner, c->tenant, number) ||
	       trunk_did_find(h->settings->numbers, c->tenant, NULL, number, to, &fixed);
}

/* False: the tenant has no such number. */
static bool dial_shows(const struct flow_turn_of *t)
{
	struct bytes number = verb_text(t->v, "caller_id");

	if (number.n && !dial_may_show(t->h, t->c, number)) {
		LOG_WARN("flow", t->c->id, "a number is not shown that the tenant does not have",
			 LOG_BYTES("number", number), LOG_STR("step", t->v->step->name));
		return false;
	}
	return !text_set(&t->c->run->shows, number);
}

/* The kind of a line of flow_run.said. */
enum { PLAY_WHISPER = 'w', PLAY_CONFIRM = 'c', PLAY_ANNOUNCE = 'a' };
enum { CONFIRM_MS = 20000 };

/* False: there is no room. */
static bool play_keep(struct writer *w, const struct flow_verb *v, const char *arg, char what)
{
	struct prompt_terms terms = { 0 };

	if (!verb_prompts(&terms, v, arg))
		return false;
	for (uint8_t i = 0; i < terms.file_count; i++) {
		writer_u8(w, (uint8_t)what);
		WRITER_TEXTS(w, terms.files[i], "\n");
	}
	return !w->overflow;
}

/* Another process, which may not have the program yet, says the same. */
static bool dial_keep_prompts(struct flow_turn_of *t)
{
	uint8_t space[RUN_SAID_MAX];
	struct writer w = writer_over(space, sizeof(space));
	struct flow_run *r = t->c->run;

	uint8_t whispers = verb_value(t->v, "whisper")->count;

	r->confirm_outside = verb_number(t->v, "confirm_for");
	return whispers + verb_value(t->v, "confirm")->count <= PROMPT_FILES_MAX &&
	       whispers + verb_value(t->v, "announce")->count <= PROMPT_FILES_MAX &&
	       play_keep(&w, t->v, "whisper", PLAY_WHISPER) &&
	       play_keep(&w, t->v, "confirm", PLAY_CONFIRM) &&
	       play_keep(&w, t->v, "announce", PLAY_ANNOUNCE) &&
	       !bytes_cstr(verb_text(t->v, "confirm_keys"), r->confirm_keys,
			   sizeof(r->confirm_keys)) &&
	       !text_set(&r->said, writer_done(&w));
}

bool dial_confirm_outside(struct call *c, const char *prompt, const char *keys)
{
	uint8_t space[RUN_SAID_MAX];
	struct writer w = writer_over(space, sizeof(space));
	struct flow_run *r = c->run;

	r->confirm_outside = true;
	writer_u8(&w, PLAY_CONFIRM);
	WRITER_TEXTS(&w, prompt, "\n");
	return !w.overflow &&
	       !bytes_cstr(bytes_str(keys), r->confirm_keys, sizeof(r->confirm_keys)) &&
	       !text_set(&r->said, writer_done(&w));
}

/* Behind what the terms have. */
static void dial_prompt(const struct call *c, char what, struct prompt_terms *terms)
{
	struct bytes rest = text_bytes(&c->run->said), line;

	while (bytes_cut(&rest, '\n', &line) && terms->file_count < PROMPT_FILES_MAX) {
		if (line.n && line.p[0] == what &&
		    !bytes_cstr(bytes_from(line, 1), terms->files[terms->file_count],
				sizeof(terms->files[0])))
			terms->file_count++;
	}
}

static bool dial_confirms(const struct call *c, uint8_t leg)
{
	struct prompt_terms terms = { 0 };

	dial_prompt(c, PLAY_CONFIRM, &terms);
	return terms.file_count && (!c->run->confirm_outside || leg_is_trunk(c->legs[leg]));
}

/* The side that makes the offer is invited after the caller's 200: before, the ACK would need the
 * caller's answer. */
bool dial_answers(const struct flow_turn_of *t)
{
	const struct leg *a = call_caller(t->c);

	return verb_value(t->v, "confirm")->given && a->uas && a->uas->late;
}

uint32_t dial_screen_ms(const struct call *c, uint8_t leg)
{
	const struct flow_run *r = c->run;

	return r && r->state == RUN_WAITS && r->kind == RUN_DIAL && dial_confirms(c, leg)
		       ? CONFIRM_MS
		       : 0;
}

/* All ringing callees hear the same: it begins anew with each. */
bool dial_screened(struct call_host *h, struct call *c, uint8_t leg, char key)
{
	struct prompt_terms terms = { 0 };

	if (key)
		return !c->run->confirm_keys[0] || strchr(c->run->confirm_keys, key);
	dial_prompt(c, PLAY_WHISPER, &terms);
	dial_prompt(c, PLAY_CONFIRM, &terms);
	prompts_stop(h, c);
	if (!prompts_announce(h, c, leg, &terms, terms.file_count))
		LOG_WARN("flow", c->id, "the callee who answered is asked in silence");
	return false;
}

void dial_screen_overdue(struct call_host *h, struct call *c)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (leg_is_screened(c->legs[i]) && c->legs[i]->uac->screen_ns <= h->now.ns)
			screen_fail(h, c, i);
	}
}

static void dial_screen_settle(struct call *c)
{
	c->run->screen_ns = 0;
	for (uint8_t i = 0; i < c->leg_count; i++) {
		uint64_t ns = leg_is_screened(c->legs[i]) ? c->legs[i]->uac->screen_ns : 0;

		if (ns && (!c->run->screen_ns || ns < c->run->screen_ns))
			c->run->screen_ns = ns;
	}
}

/* A callee that has confirmed has heard the announcement meant for him alone. */
void dial_announce(struct call_host *h, struct call *c)
{
	struct prompt_terms terms = { .times = 1 };
	uint8_t alone;

	if (!c->run || !c->run->said.n || c->run->state != RUN_WAITS || c->run->kind != RUN_DIAL ||
	    c->bridge.callee == LEG_NONE)
		return;
	if (!dial_confirms(c, c->bridge.callee))
		dial_prompt(c, PLAY_WHISPER, &terms);
	alone = terms.file_count;
	dial_prompt(c, PLAY_ANNOUNCE, &terms);
	if (terms.file_count && !prompts_announce(h, c, c->bridge.callee, &terms, alone))
		LOG_WARN("flow", c->id, "the callee who answered does not hear its prompts");
}

bool dial_target_at(const struct flow_run *r, uint8_t i, struct bytes *number)
{
	struct bytes rest = text_bytes(&r->targets);

	do {
		if (!bytes_cut(&rest, ' ', number))
			return false;
	} while (i--);
	return true;
}

static bool dial_is_of_caller(const struct call *c)
{
	struct bytes number;

	return c->run->target && dial_target_at(c->run, (uint8_t)(c->run->target - 1), &number) &&
	       bytes_starts(number, OF_CALLER);
}

/* ---- they ring ---- */

/* Why the call was not taken. */
static enum flow_outcome outcome_of_status(uint16_t status)
{
	switch (status) {
	case 486:
	case 600:
		return OUTCOME_BUSY;
	case 403:
	case 603:
		return OUTCOME_REJECTED;
	case 408:
	case 480:
	case 487:
		return OUTCOME_NO_ANSWER;
	default:
		return OUTCOME_FAILED;
	}
}

/* What is left for the next target; 0: nothing. */
static uint32_t dial_ring_s(const struct call_host *h, const struct flow_run *r)
{
	uint64_t left_ms = r->until_ns > h->now.ns ? (r->until_ns - h->now.ns) / NS_PER_MS : 0;

	return (uint32_t)((r->ring_ms < left_ms ? r->ring_ms : left_ms) / 1000);
}

/* The user has a call, as far as this node knows. */
static bool dial_is_busy(const struct call_host *h, const struct call *c, struct bytes user)
{
	return c->run->skip_busy && plan_is_of_user(h, c, user) &&
	       h->services->calls->others(h->owner, c, user).calls;
}

/* Until one answers. */
static void dial_misses(struct call *c, struct bytes number)
{
	struct flow_run *r = c->run;
	struct bytes before = text_bytes(&r->missed);
	char list[CALL_MISSED_MAX - 1];
	struct writer w = writer_over(list, sizeof(list));

	if (bytes_list_has(before, number))
		return;
	writer_bytes(&w, before);
	writer_str(&w, before.n ? "," : "");
	writer_bytes(&w, number);
	if (!w.overflow && text_set(&r->missed, writer_done(&w)))
		LOG_WARN("flow", c->id, "no memory for the numbers that a flow calls");
}

/* The next one, where there is one. */
static bool dial_read(const struct call_host *h, struct call *c, struct bytes *number)
{
	struct flow_run *r = c->run;

	while (dial_target_at(r, r->target, number)) {
		r->target++;
		if (bytes_starts(*number, OF_CALLER))
			*number = bytes_from(*number, strlen(OF_CALLER));
		if (!dial_is_busy(h, c, *number)) {
			dial_misses(c, *number);
			return true;
		}
		r->status = 486;
	}
	return false;
}

/* A caller that is not answered gets ringback. */
static bool dial_ring(struct call_host *h, struct call *c, struct bytes to)
{
	const struct dialog_party from = { .local_display = flow_shown_name(c),
					   .local_user = flow_shown_number(c) };
	struct call_refusal refusal = { 0 };

	if (!plan_start(h, c, to, (struct bytes){ 0 }, &from, &refusal))
		return true;
	c->run->status = refusal.status == 486 || refusal.status == 403 ? refusal.status : 0;
	return false;
}

/* An established caller is transferred as by command, and returns without an answer. */
static bool dial_give(struct call *c, struct bytes to, uint32_t ring_s)
{
	const struct transfer_request ask = { .leg = LEG_NONE, .ordered = true };

	if (text_set(&c->run->called, text_bytes(&c->to)) || c->transfer ||
	    curl_transfer_start(c, &ask, to, (struct bytes){ 0 }))
		return false;
	c->transfer->ring_s = ring_s;
	return true;
}

static bool dial_next(struct call_host *h, struct call *c, struct bytes to, uint32_t ring_s)
{
	struct flow_run *r = c->run;
	bool rings = false;

	r->status = 0;
	if (call_is_alone(c))
		return dial_give(c, to, ring_s);
	c->ring_s = ring_s;
	c->ring_ns = 0;
	do
		rings |= dial_ring(h, c, to);
	while (c->run == r && r->together && dial_read(h, c, &to));
	if (!rings)
		flow_back(h, c);
	return rings;
}

/* What was begun goes on by what the record has. */
int dial_go_on(struct flow_turn_of *t)
{
	struct flow_run *r = t->c->run;
	struct bytes to;
	uint32_t ring_s;

	while ((ring_s = dial_ring_s(t->h, r)) != 0 && dial_read(t->h, t->c, &to)) {
		if (!dial_next(t->h, t->c, to, ring_s))
			continue;
		if (t->c->run != r) { /* the number led to another flow, and r is gone */
			flow_leave_rung(t->h, t->c);
			return VERB_LEAVES;
		}
		r->kind = RUN_DIAL;
		return VERB_BEGUN;
	}
	return (int)outcome_of_status(r->status);
}

int verb_dial(struct flow_turn_of *t)
{
	struct dial_terms terms;

	if (t->c->run->targets.n)
		return dial_go_on(t);
	if (!dial_shows(t) || !dial_terms_of(t, &terms))
		return OUTCOME_FAILED;
	t->c->run->no_video = !verb_number(t->v, "video");
	if (dial_asks(t, &terms))
		return VERB_ASKS;
	dial_order(t, &terms);
	dial_forget_kept(t->c->run);
	return dial_keep(t, &terms) && dial_keep_prompts(t) ? dial_go_on(t) : OUTCOME_FAILED;
}

/* An answered caller is bridged to the first of several branches that rings; the others ring from
 * then on, too. */
void dial_settle(struct call_host *h, struct call *c)
{
	struct flow_run *r = c->run;
	struct bytes to;

	dial_screen_settle(c);
	if (r->state != RUN_WAITS || r->kind != RUN_DIAL || !r->together || !c->transfer ||
	    c->transfer->state != TRANSFER_RINGING || c->state > CALL_RINGING)
		return;
	while (dial_read(h, c, &to)) {
		outbox_touch(&c->out);
		(void)dial_ring(h, c, to);
		if (c->run != r) {
			flow_leave_rung(h, c);
			return;
		}
	}
}

/* ---- who may dial outside ---- */

/* It has called that one before the flow asked for an account code. */
static bool dial_is_goal(const struct call *c, struct bytes number)
{
	return c->run->goal.n && bytes_eq(text_bytes(&c->run->goal), number);
}

/* Targets that the program itself names have the tenant's rights. Values put in by the caller
 * (digits, his number) have the caller's rights, and a caller from a trunk has none. */
static bool dial_is_by_caller(const struct call *c)
{
	return flow_has_caller(c) && c->plan.steps[c->plan.count - 1].from == PLAN_FIRST &&
	       dial_is_of_caller(c);
}

/* The trunk takes the number that the flow shows. */
static bool dial_shows_allowed(const struct call_host *h, const struct call *c, const struct leg *l)
{
	const struct trunk_settings *set = trunks_settings(h->settings->trunks, l->channel);
	struct pattern best;

	return !flow_has_caller(c) || !c->run->shows.n || !set || !set->caller_ids[0] ||
	       pattern_list_match(bytes_str(set->caller_ids), text_bytes(&c->run->shows), &best)
		       .whole;
}

enum refusal dial_outside(struct call_host *h, struct call *c, struct leg *l,
			  struct call_refusal *refusal)
{
	struct plan_step *last = &c->plan.steps[c->plan.count - 1];
	char number[ROUTE_USER_MAX];
	enum refusal refused;

	if (l && !dial_shows_allowed(h, c, l)) {
		trunk_route_is_barred(h, c, text_bytes(&c->from), text_bytes(&c->run->shows));
		return call_refuse(refusal, REFUSED_BARRED);
	}
	if (l || !dial_is_by_caller(c))
		return REFUSED_NOT;
	refused = modules_withheld(h, c, text_bytes(&c->from), text_bytes(&last->user));
	if (refused)
		return refused;
	if (dial_is_goal(c, text_bytes(&last->user)))
		return REFUSED_NOT;
	if (call_caller(c)->trunk.n || bytes_starts(text_bytes(&last->user), "sip:") ||
	    !trunk_route_dialled(h, c->tenant, text_bytes(&c->from), text_bytes(&last->user),
				 number)) {
		trunk_route_is_barred(h, c, text_bytes(&c->from), text_bytes(&last->user));
		return call_refuse(refusal, REFUSED_BARRED);
	}
	return text_set(&last->user, bytes_str(number)) ? call_refuse(refusal, REFUSED_MEMORY)
							: REFUSED_NOT;
}

/* ---- the conversation ---- */

bool dial_answered(const struct call_host *h, struct call *c)
{
	struct flow_run *r = c->run;

	if (r->state != RUN_WAITS)
		return false;
	if (r->limit_ms)
		r->limit_ns = h->now.ns + r->limit_ms * NS_PER_MS;
	if (r->after != AFTER_ANSWER)
		return false;
	r->after = (uint8_t)(c->bridge.callee + 1);
	r->state = RUN_OVER;
	r->until_ns = 0;
	outbox_touch_later(&c->out);
	return true;
}

/* It has spoken with its caller by now. */
void dial_spoke(const struct call_host *h, const struct call *c)
{
	const struct flow_run *r = c->run;
	uint8_t space[24];
	struct writer w = writer_over(space, sizeof(space));
	struct bytes number;

	if (!r->idle || r->state != RUN_OVER || r->kind != RUN_DIAL || !r->target ||
	    !dial_target_at(r, (uint8_t)(r->target - 1), &number))
		return;
	if (bytes_starts(number, OF_CALLER))
		number = bytes_from(number, strlen(OF_CALLER));
	writer_u64(&w, h->now.utc_ms);
	dial_keep_value(h, c, KV_SPOKE, number, writer_done(&w));
}

/* The callee is released; the flow goes on, or the call ends. */
void dial_limit_over(struct call_host *h, struct call *c)
{
	static const struct call_ending e = { .cause = CAUSE_HANGUP,
					      .by = ENDED_BY_NODE,
					      .status = 480,
					      .reason = BYTES_LIT(
						      "Reason: Q.850;cause=16;text=\"the time of "
						      "the conversation is over\"\r\n") };

	if (c->run->state != RUN_OVER || c->state == CALL_ENDING || c->member || c->park)
		return;
	if (c->state == CALL_ESTABLISHED && c->bridge.callee != LEG_NONE && !invite_is_open(c))
		call_party_left(h, c, c->bridge.callee, &e);
	else
		c->run->limit_ns = h->now.ns + NS_PER_S;
}

/* A transfer that rings may yet fail. */
bool dial_goes_on(const struct call *c)
{
	return (c->bridge.callee + 1 == c->run->after && !c->member && !c->park) ||
	       (c->transfer && c->transfer->state == TRANSFER_RINGING);
}

static bool dial_may_go_on(const struct call *c, uint8_t leg)
{
	const struct flow_run *r = c->run;

	return r && r->state == RUN_OVER && r->after == leg + 1 && leg == c->bridge.callee &&
	       c->state == CALL_ESTABLISHED && dial_goes_on(c) && !invite_is_open(c) &&
	       (!c->transfer || c->transfer->state == TRANSFER_FAILED);
}

void flow_called_back(struct call *c)
{
	struct text called = c->to;

	if (c->run->called.n) {
		c->to = c->run->called;
		c->run->called = called;
	}
	text_clear(&c->run->called);
}

bool dial_parted(struct call_host *h, struct call *c, uint8_t leg, const struct call_ending *e)
{
	const struct leg_farewell f = { .reason = e->reason };
	struct flow_run *r = c->run;

	if (!dial_may_go_on(c, leg))
		return false;
	dial_spoke(h, c);
	r->limit_ns = 0;
	prompts_stop(h, c);
	leg_leave(h, c, leg, &f);
	flows_close_leg(h, c, leg);
	pair_leave_one(h, c, c->bridge.caller, e->cause, e->by);
	transfer_clear(&c->transfer);
	plan_clear(&c->plan);
	flow_called_back(c);
	LOG_INFO("flow", c->id, "they have spoken, and the flow goes on", LOG_STR("flow", r->name));
	flow_ended(c, OUTCOME_NEXT);
	session_refresh(h, c);
	return true;
}
