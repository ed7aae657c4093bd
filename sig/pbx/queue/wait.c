/* SPDX-License-Identifier: Apache-2.0 */
/* A caller in a queue: carries out the verb queue of flows (docs/adr/0165). The caller hears music.
 * Each waiting call looks who is next when something has changed (queues_pick): itself, or another
 * one, which it wakes. Agents are reserved in the table of the node, and by a claim with an expiry
 * in the store, which other nodes meet; then they ring as by the verb dial. What is saved is the
 * place, and the callers that agents ring for: a successor derives all else. */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/cdr.h"
#include "sig/call/prompts.h"
#include "sig/host/settings.h"
#include "sig/model/conference.h"
#include "sig/model/transfer.h"
#include "sig/pbx/flow/flow.h"
#include "sig/pbx/queue/callbacks.h"
#include "sig/sip/id.h"

enum {
	STORE_WAIT_MS = 500,    /* for its answer to a reservation */
	RESERVE_MORE_MS = 5000, /* a reservation outlives the ringing */
	CLAIM_MS = 5000,        /* of the store: of a call that is lost nothing stays */
	RENEW_MS = 2000,        /* so often it is renewed while the agent rings */
	REST_MS = 5000,         /* an agent who did not answer is not rung */
	TAKEN_MS = 1000,        /* an agent that another node has is tried again */
	LOOK_MS = 1000,         /* the first one looks in any case */
	CONFIRMS_MS = 2000,     /* the confirmation tone, once through (dsp/tone.c) */
	COMMAND_MAX = 256,
	WRAP_CLAIM_MS = 60000, /* of wrap-up without a time: its document comes long before */
	BACK_MS = 60000,       /* who comes back by then has his place again */
};

#define AGENT_CONFIRM_KEY "1" /* who answers outside takes the call by it: a mailbox does not */

static uint64_t wall_ms(const struct call_host *h)
{
	return (uint64_t)((int64_t)h->now.utc_ms + h->wall_ms);
}

static struct queue *queue_of(const struct call_host *h, const struct call *c)
{
	return queues_find(h->queues, c->tenant, bytes_str(c->run->queue->name));
}

static bool agent_is_idle(void *arg, const struct queue_agent *a)
{
	const struct call_host *h = arg;

	return !h->services->calls->is_busy(h->owner, a->tenant, bytes_str(a->number));
}

/* An agent may be free, or a caller is gone: the first one who waits looks. */
static void queue_hurry(const struct call_host *h, uint16_t tenant)
{
	const struct queue_caller *first = queues_first(h->queues, tenant);

	if (first)
		h->services->calls->wake(h->owner, first->call);
}

/* ---- reservations ---- */

/* Of the call, in the store, for this epoch of the agent; 0: no longer. */
static void agent_claim(const struct call_host *h, const struct call *c,
			const struct queue_agent *a, uint64_t ttl_ms, uint64_t serial)
{
	struct request_kv *claim;
	char holder[ID_TEXT_LEN], name[DIAL_NUMBER_MAX + 24];

	id_call_put(holder, c->id);
	(void)snprintf(name, sizeof(name), "%s~%" PRIu64, a->number, a->epoch);
	claim = effects_request(h->effects, EFFECT_KV, c->id, serial,
				EFFECT_TEXTS(bytes_str(call_tenant(h, c)), bytes_str(name),
					     bytes_mem(holder, sizeof(holder))));
	if (!claim)
		return;
	claim->what = KV_AGENT;
	claim->ttl_ms = ttl_ms;
	claim->most = 1;
}

/* He may be rung by others after that time. */
static void agent_free(const struct call_host *h, const struct call *c, struct bytes number,
		       uint64_t rest_ms)
{
	struct queue_agent *a = queues_agent(h->queues, c->tenant, number);

	if (!a || !agent_is_of(a, c->id))
		return;
	agent_release(h->queues, a, c->id, wall_ms(h) + rest_ms);
	agent_claim(h, c, a, rest_ms, 0);
}

/* All that the call has, but that one. */
static void agents_free(const struct call_host *h, struct call *c, struct bytes but)
{
	struct bytes number;

	for (uint8_t i = 0; dial_target_at(c->run, i, &number); i++) {
		if (number.n && !bytes_eq(number, but))
			agent_free(h, c, number, 0);
	}
}

/* ---- what becomes of agents ---- */

/* His document changes, by a command in the tenant's name. more: members behind his number. */
static void agent_command(struct call_host *h, const struct call *c, const char *command,
			  const struct queue_agent *a, struct bytes more)
{
	uint8_t space[COMMAND_MAX];
	struct writer w = writer_over(space, sizeof(space));
	struct request_helper *help;

	WRITER_TEXTS(&w, "{\"command\":\"", command, "\",\"args\":{\"number\":");
	json_write_text(&w, bytes_str(a->number));
	writer_bytes(&w, more);
	writer_str(&w, "}}");
	if (w.overflow)
		return;
	help = effects_request(h->effects, EFFECT_HELPER, c->id, rand_u64_from(h->rand) | 1,
			       EFFECT_TEXTS(bytes_str(call_tenant(h, c)), writer_done(&w)));
	if (!help)
		return;
	help->what = HELPER_COMMAND;
	help->ttl_ms = STORE_WAIT_MS;
}

/* In another process: those that ring for the call are its own again. */
static void agents_take_back(const struct call_host *h, const struct call *c)
{
	struct bytes number;

	for (uint8_t i = 0; dial_target_at(c->run, i, &number); i++) {
		struct queue_agent *a = queues_agent(h->queues, c->tenant, number);

		if (a && (!a->call || (a->call == c->id && a->process)))
			agent_hold(h->queues, a, c->id,
				   wall_ms(h) + c->run->ring_ms + RESERVE_MORE_MS);
	}
}

/* They were rung, and none of them has him. */
static void agents_untaken(struct call_host *h, struct call *c, const struct queue *q)
{
	struct flow_run *r = c->run;
	bool again = q->terms.strategy == QUEUE_RING_ALL && r->status == 408; /* all of them */
	struct bytes number;

	agents_take_back(h, c);
	queues_caller_waits(h->queues, c->id);
	for (uint8_t i = 0; dial_target_at(r, i, &number); i++) {
		struct queue_agent *a = queues_agent(h->queues, c->tenant, number);

		if (a && agent_is_of(a, c->id) && !r->together && r->status != 486 &&
		    a->state != AGENT_OUT && q->terms.missed_max &&
		    ++a->missed >= q->terms.missed_max)
			agent_command(h, c, "agent.not_ready", a,
				      BYTES_LIT(",\"reason\":\"missed\""));
		agent_free(h, c, number, again ? 0 : REST_MS);
	}
	text_clear(&r->targets);
	r->target = 0;
	r->status = 0;
}

/* ---- he joins and leaves ---- */

/* The number of the callback as which the call was made; empty: it was not. Nobody else makes
 * calls to a flow with such ids. */
static struct bytes call_callback(const struct call *c, const char *name)
{
	struct bytes number = text_bytes(&c->to), flow;

	if (!id_is_derived(c->id) || !bytes_starts(number, FLOW_WORD QUEUE_WORD))
		return (struct bytes){ 0 };
	number = bytes_from(number, strlen(FLOW_WORD QUEUE_WORD));
	return bytes_cut(&number, FLOW_BOX[0], &flow) && bytes_is(flow, name) ? number
									      : (struct bytes){ 0 };
}

/* False: he has no place yet. Else it is that of his callback, which has reached him, or the one
 * that he has left just now. */
static bool place_take_back(const struct flow_turn_of *t, struct queue_wait *w)
{
	const struct queue_wait *former = t->c->run->queue;
	const struct queue_caller *at = queues_callback(
		t->h->queues, t->c->tenant, bytes_str(w->name), call_callback(t->c, w->name));
	uint32_t waited_s;

	if (at) {
		w->joined_utc_ms = at->joined_utc_ms;
		w->priority = at->priority;
	} else if (former && former->left && !former->agent[0] && !strcmp(former->name, w->name) &&
		   !bytes_u32(bytes_str(former->waited_s), &waited_s) &&
		   former->joined_utc_ms + waited_s * UINT64_C(1000) + BACK_MS > wall_ms(t->h)) {
		w->joined_utc_ms = former->joined_utc_ms;
		w->priority = former->priority;
	} else {
		return false;
	}
	return true;
}

/* He is reached: the agent who was reserved while his phone rang is free for him. */
static void callback_reached(const struct call_host *h, const struct call *c, const struct queue *q)
{
	struct bytes number = call_callback(c, q->terms.name), name = bytes_str(q->terms.name);
	const struct queue_caller *at;

	if (!number.n)
		return;
	at = queues_callback(h->queues, c->tenant, name, number);
	queues_callback_over(h->queues, c->tenant, name, number, "answered");
	if (at)
		at->callback->call = 0; /* agents of that call ring for a caller from now on */
	for (uint8_t i = 0; i < q->terms.count && !c->run->targets.n; i++) {
		struct queue_agent *a =
			queues_agent(h->queues, c->tenant, bytes_str(q->terms.members[i].number));

		if (a && agent_is_of(a, c->id))
			agent_release(h->queues, a, c->id, 0);
	}
}

static bool queue_is_unattended(const struct call_host *h, struct queue *q)
{
	return (q->terms.only_with_agents && !queue_agents(h->queues, q, false)) ||
	       (q->terms.only_with_ready && !queue_agents(h->queues, q, true));
}

/* Nobody waits there. OUTCOME_NEXT: he may. Who has a place does not lose it to those who came
 * meanwhile. */
static enum flow_outcome queue_is_closed(const struct call_host *h, struct queue *q, bool has_place)
{
	if (!has_place && q->terms.max_callers && q->waiting - q->callbacks >= q->terms.max_callers)
		return OUTCOME_FULL;
	return queue_is_unattended(h, q) ? OUTCOME_NONE : OUTCOME_NEXT;
}

static enum flow_outcome queue_join(struct flow_turn_of *t, struct queue *q)
{
	struct flow_run *r = t->c->run;
	const struct flow_value *priority = verb_value(t->v, "priority");
	uint32_t wait_ms = verb_value(t->v, "max_wait_s")->given ? verb_number(t->v, "max_wait_s")
								 : q->terms.max_wait_s * 1000;
	struct queue_wait *w = calloc(1, sizeof(*w));
	enum flow_outcome closed;

	if (!w)
		return OUTCOME_FAILED;
	(void)snprintf(w->name, sizeof(w->name), "%s", q->terms.name);
	(void)bytes_cstr(verb_text(t->v, "keys"), w->keys, sizeof(w->keys));
	w->joined_utc_ms = wall_ms(t->h);
	w->priority = priority->given ? (uint8_t)priority->number : q->terms.priority;
	closed = queue_is_closed(t->h, q, place_take_back(t, w));
	if (closed) {
		callback_reached(t->h, t->c, q); /* also then: he is not called again */
		free(w);
		return closed;
	}
	w->visit = t->v->visit;
	w->music = q->terms.track;
	w->announce_ns = t->h->now.ns;
	if (q->terms.confirm && t->h->settings->tones)
		w->confirm_ns = w->announce_ns += CONFIRMS_MS * NS_PER_MS;
	free(r->queue);
	r->queue = w;
	r->until_ns = t->h->now.ns + wait_ms * NS_PER_MS;
	q->joined++;
	(void)call_publish(t->h, t->c, SIG_QUEUE_JOINED);
	return OUTCOME_NEXT;
}

static void queue_waited(const struct call_host *h, struct queue_wait *w)
{
	uint64_t now = wall_ms(h), ms = now > w->joined_utc_ms ? now - w->joined_utc_ms : 0;

	(void)snprintf(w->waited_s, sizeof(w->waited_s), "%u", (unsigned)(ms / 1000 % 100000000));
}

static uint64_t waited_ms(const struct call_host *h, const struct queue_wait *w)
{
	uint64_t now = wall_ms(h);

	return now > w->joined_utc_ms ? now - w->joined_utc_ms : 0;
}

static void queue_leave(struct call_host *h, struct call *c, const char *why)
{
	struct queue_wait *w = c->run->queue;
	struct queue *q = queue_of(h, c);

	w->left = true;
	w->asked = 0;
	c->run->queue_ns = 0;
	queue_waited(h, w);
	agents_free(h, c, bytes_str(w->agent));
	queues_caller_delete(h->queues, c->id);
	if (q)
		queue_count(h->queues, q, w->agent[0], waited_ms(h, w), wall_ms(h));
	event_put_str(call_publish(h, c, SIG_QUEUE_LEFT), EV_REASON, why);
	outbox_touch_later(&c->out);
	queue_hurry(h, c->tenant);
}

/* ---- an agent has him ---- */

static void queue_answered(struct call_host *h, struct call *c)
{
	struct queue_wait *w = c->run->queue;
	struct bytes user = text_bytes(&c->legs[c->bridge.callee]->user);
	struct queue_agent *a = queues_agent(h->queues, c->tenant, user);

	(void)bytes_cstr(user, w->agent, sizeof(w->agent));
	if (a) {
		a->missed = 0;
		a->calls++;
	}
	queues_callback_over(h->queues, c->tenant, bytes_str(w->name), text_bytes(&c->from),
			     "served");
	queue_leave(h, c, "answered");
}

static bool agent_is_in(const struct call *c, const char *agent)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		const struct leg *l = c->legs[i];

		if (l && (l->state == LEG_ANSWERED || l->state == LEG_CONFIRMED) &&
		    bytes_is(text_bytes(&l->user), agent))
			return true;
	}
	return false;
}

/* In his call, or beside him in a conference, by a call of the agent's own. */
static bool agent_is_there(const struct call_host *h, const struct call *c)
{
	const struct room *r = c->member && !c->member->asks ? conference_room(h, c) : NULL;
	const char *agent = c->run->queue->agent;
	const struct call *other;

	if (agent_is_in(c, agent))
		return true;
	for (const struct room_member *m = r ? r->first : NULL; m && !m->asks; m = m->next) {
		other = h->services->calls->find(h->owner, m->call);
		if (other && agent_is_in(other, agent))
			return true;
	}
	return false;
}

/* Since the agent has answered, as the record has it: to the second. */
static uint64_t talked_ms(const struct call_host *h, const struct queue_wait *w)
{
	uint64_t all_ms = waited_ms(h, w), before_s;

	return bytes_u64(bytes_str(w->waited_s), &before_s) || before_s * 1000 > all_ms
		       ? 0
		       : all_ms - before_s * 1000;
}

static uint64_t wrap_ms_of(const struct queue *q)
{
	if (!q)
		return 0;
	return q->terms.wrapup == WRAPUP_MANUAL ? AGENT_UNTIL_READY : q->terms.wrapup_s * 1000ULL;
}

/* His document says so: on all nodes, over a restart, and he is asked what came of the call. */
static void agent_wraps(struct call_host *h, const struct call *c, const struct queue_agent *a,
			uint64_t wrap_ms)
{
	uint8_t space[COMMAND_MAX];
	struct writer w = writer_over(space, sizeof(space));
	char call[ID_TEXT_LEN];

	id_call_put(call, c->id);
	writer_str(&w, ",\"queue\":");
	json_write_text(&w, bytes_str(c->run->queue->name));
	writer_str(&w, ",\"call\":");
	json_write_text(&w, bytes_mem(call, sizeof(call)));
	if (wrap_ms == AGENT_UNTIL_READY)
		writer_str(&w, ",\"manual\":true");
	else
		writer_number(&w, ",\"wrapup_s\":", wrap_ms / 1000, "");
	agent_command(h, c, "agent.wrapup", a, writer_done(&w));
}

/* The store has it, too: no node rings him before. */
static void queue_wrap(struct call_host *h, struct call *c, const char *by)
{
	struct queue_wait *w = c->run->queue;
	struct queue_agent *a = queues_agent(h->queues, c->tenant, bytes_str(w->agent));
	const struct queue *q = queue_of(h, c);
	uint64_t wrap_ms = wrap_ms_of(q), talk_ms = talked_ms(h, w);
	struct sig_event *event;

	w->wrapped = true;
	event = call_publish(h, c, SIG_QUEUE_ENDED);
	event_put_number(event, EV_MS, talk_ms);
	event_put_str(event, EV_REASON, by);
	outbox_touch_later(&c->out);
	if (!a)
		return;
	agent_wrap(h->queues, a, c->id, wall_ms(h), wrap_ms, talk_ms);
	agent_claim(h, c, a, wrap_ms == AGENT_UNTIL_READY ? WRAP_CLAIM_MS : wrap_ms, 0);
	if (a->state != AGENT_OUT && (wrap_ms || (q && q->terms.disposes)))
		agent_wraps(h, c, a, wrap_ms);
	queue_hurry(h, c->tenant);
}

/* ---- he waits ---- */

/* A key by which he leaves; 0: none came. Others mean nothing here. */
static char queue_key(struct flow_run *r)
{
	char found = '\0';

	for (const char *key = r->ahead; *key && !found; key++)
		found = strchr(r->queue->keys, *key) ? *key : '\0';
	explicit_bzero(r->ahead, sizeof(r->ahead));
	return found;
}

static int queue_outcome(struct call_host *h, struct call *c, const char *why,
			 enum flow_outcome outcome)
{
	prompts_stop(h, c);
	queue_leave(h, c, why);
	return (int)outcome;
}

static int queue_key_pressed(struct call_host *h, struct call *c, char key)
{
	bool kept = !text_set(&c->run->value, bytes_mem(&key, 1));

	return queue_outcome(h, c, "key", kept ? OUTCOME_NEXT : OUTCOME_FAILED);
}

/* The next of the moments that follow from his joining: after a take-over callers hear it neither
 * twice nor all at once. */
static uint64_t announce_next_ns(const struct call_host *h, const struct queue_wait *w,
				 const struct queue *q)
{
	uint64_t each_ms = q->terms.announce_s * 1000ULL;

	return h->now.ns + (each_ms - waited_ms(h, w) % each_ms) * NS_PER_MS;
}

/* A prompt, and a number behind it. */
static void announcement_add(struct prompt_terms *t, const char *prompt, uint64_t number)
{
	(void)snprintf(t->files[t->file_count++], sizeof(t->files[0]), PROMPT_BY_NAME "%s", prompt);
	(void)snprintf(t->files[t->file_count++], sizeof(t->files[0]), "number:%" PRIu64, number);
}

/* His position, and the time until he is answered, in minutes, where that is known. */
static void announcement_make(struct prompt_terms *t, const struct queue *q, uint32_t position)
{
	uint32_t wait_ms = queue_wait_ms(q, position);

	*t = (struct prompt_terms){ .times = 1 };
	if (q->terms.announce != QUEUE_SAYS_WAIT)
		announcement_add(t, "queue-position", position);
	if (q->terms.announce != QUEUE_SAYS_POSITION && wait_ms)
		announcement_add(t, "queue-wait", (wait_ms + 59999ULL) / 60000);
}

/* Where he is; where it cannot be played the music goes on. */
static void queue_announce(struct call_host *h, struct call *c, const struct queue *q)
{
	const struct queue_caller *at = queues_caller(h->queues, c->id);
	struct queue_wait *w = c->run->queue;
	struct prompt_terms terms;

	if (q->terms.announce_s && !w->announce_ns)
		w->announce_ns = announce_next_ns(h, w, q);
	if (!q->terms.announce_s || !at || c->prompts || w->announce_ns > h->now.ns ||
	    !queues_are_whole(h->queues))
		return;
	w->announce_ns = announce_next_ns(h, w, q);
	announcement_make(&terms, q, queue_position(at));
	if (terms.file_count && prompts_collect(h, c, &terms, 0))
		LOG_WARN("queue", c->id, "a caller does not hear his position");
}

/* When it is looked at again, if nothing happens before. */
static void queue_aim(const struct call_host *h, struct call *c, struct queue *q)
{
	struct flow_run *r = c->run;
	uint64_t now = wall_ms(h),
		 next = queue_next_utc_ms(h->queues, q, r->queue->joined_utc_ms, now);
	const struct queue_caller *at = queues_first(h->queues, c->tenant);

	r->queue_ns = next == UINT64_MAX ? 0 : h->now.ns + (next - now) * NS_PER_MS;
	if (r->queue->confirm_ns && (!r->queue_ns || r->queue->confirm_ns < r->queue_ns))
		r->queue_ns = r->queue->confirm_ns;
	if (at && at->call == c->id &&
	    (!r->queue_ns || r->queue_ns > h->now.ns + LOOK_MS * NS_PER_MS))
		r->queue_ns = h->now.ns + LOOK_MS * NS_PER_MS;
	if (q->terms.announce_s && (!r->queue_ns || r->queue->announce_ns < r->queue_ns))
		r->queue_ns = r->queue->announce_ns > h->now.ns ? r->queue->announce_ns
								: h->now.ns + LOOK_MS * NS_PER_MS;
}

/* False: no memory. */
static bool targets_write(struct flow_run *r, const struct queue_match *m)
{
	uint8_t space[RUN_TARGETS_MAX];
	struct writer w = writer_over(space, sizeof(space));

	for (uint8_t i = 0; i < m->count; i++)
		WRITER_TEXTS(&w, i ? " " : "", m->agents[i]->number);
	return !w.overflow && !text_set(&r->targets, writer_done(&w));
}

/* The agents are his, and the store is asked whether another node has one of them. */
static void queue_claim(struct call_host *h, struct call *c, const struct queue *q,
			const struct queue_match *m)
{
	uint64_t hold_ms = q->terms.ring_s * 1000ULL + RESERVE_MORE_MS;
	struct flow_run *r = c->run;
	struct queue_wait *w = r->queue;

	if (!targets_write(r, m) ||
	    !dial_confirm_outside(c, PROMPT_BY_NAME "agent-confirm", AGENT_CONFIRM_KEY))
		return;
	queue_reserve(h->queues, m, wall_ms(h) + hold_ms);
	flow_show(c, q->terms.prefix, q->terms.show_called);
	_Static_assert(sizeof(w->ring) == sizeof(q->terms.ring), "of one size");
	memcpy(w->ring, q->terms.ring, sizeof(w->ring));
	r->target = 0;
	r->together = m->count > 1;
	r->ring_ms = q->terms.ring_s * 1000U;
	w->refused = 0;
	w->confirm_ns = 0;
	w->asked = h->degraded ? 0 : m->count;
	w->serial = rand_u64_from(h->rand) | (UINT64_C(1) << 32);
	r->queue_ns = h->now.ns + (w->asked ? STORE_WAIT_MS * NS_PER_MS : 0);
	for (uint8_t i = 0; i < w->asked; i++)
		agent_claim(h, c, m->agents[i], CLAIM_MS, w->serial + i);
	queue_hurry(h, c->tenant);
}

/* Agents that other calls have are not rung. */
static bool targets_sift(struct call_host *h, struct call *c)
{
	struct flow_run *r = c->run;
	struct queue_match left = { 0 };
	struct bytes number;

	for (uint8_t i = 0; dial_target_at(r, i, &number); i++) {
		struct queue_agent *a = queues_agent(h->queues, c->tenant, number);

		if (a && agent_is_of(a, c->id) && !(r->queue->refused & 1u << i) &&
		    left.count < QUEUE_MEMBERS_MAX)
			left.agents[left.count++] = a;
	}
	if (!left.count)
		queues_caller_waits(h->queues, c->id);
	for (uint8_t i = 0; dial_target_at(r, i, &number); i++) {
		struct queue_agent *a = queues_agent(h->queues, c->tenant, number);

		if (a && r->queue->refused & 1u << i)
			agent_release(h->queues, a, c->id, wall_ms(h) + TAKEN_MS);
	}
	r->queue->refused = 0;
	r->together = left.count > 1;
	if (left.count && targets_write(r, &left))
		return true;
	text_clear(&r->targets);
	return false;
}

static void queue_settle(struct call_host *h, struct call *c);

static int queue_look(struct call_host *h, struct call *c)
{
	struct flow_run *r = c->run;
	struct queue *q = queue_of(h, c);
	struct queue_match m;
	char key = queue_key(r);

	if (!q)
		return queue_outcome(h, c, "deleted", OUTCOME_FAILED);
	if (r->queue->confirm_ns <= h->now.ns)
		r->queue->confirm_ns = 0;
	queue_settle(h, c); /* the line has it */
	callback_reached(h, c, q);
	if (key)
		return queue_key_pressed(h, c, key);
	if (r->queue->asked)
		return VERB_BEGUN;
	if (r->targets.n && targets_sift(h, c)) {
		prompts_stop(h, c);
		r->queue_ns = 0;
		return VERB_AGAIN;
	}
	if (queue_is_unattended(h, q))
		return queue_outcome(h, c, "no_agents", OUTCOME_NONE);
	queue_announce(h, c, q);
	if (queues_pick(h->queues, c->tenant, wall_ms(h), agent_is_idle, h, &m)) {
		if (m.caller->call == c->id) {
			queue_claim(h, c, q, &m);
			return VERB_BEGUN;
		}
		h->services->calls->wake(h->owner, m.caller->call);
	}
	queue_aim(h, c, q);
	return VERB_BEGUN;
}

/* Agents ring for him. */
static bool queue_rings(const struct flow_run *r)
{
	return r->queue && !r->queue->left && r->kind == RUN_DIAL && r->targets.n;
}

static void queue_wait_due(struct call_host *h, struct call *c)
{
	struct flow_run *r = c->run;
	struct bytes number;

	r->queue_ns = 0;
	if (r->queue)
		r->queue->asked = 0; /* the store does not answer: it is as away */
	for (uint8_t i = 0; queue_rings(r) && dial_target_at(r, i, &number); i++) {
		const struct queue_agent *a = queues_agent(h->queues, c->tenant, number);

		if (a && agent_is_of(a, c->id))
			agent_claim(h, c, a, CLAIM_MS, 0);
	}
}

static int queue_overdue(struct call_host *h, struct call *c)
{
	return queue_outcome(h, c, "timeout", OUTCOME_TIMEOUT);
}

static void queue_replied(struct call_host *h, struct call *c, const struct reply *reply)
{
	struct queue_wait *w = c->run ? c->run->queue : NULL;
	uint64_t i = w ? reply->kept.serial - w->serial : QUEUE_MEMBERS_MAX;

	(void)h;
	if (i >= QUEUE_MEMBERS_MAX || !w->asked)
		return;
	if (reply->kept.result == KV_NONE)
		w->refused |= 1u << i;
	w->asked--;
}

/* ---- the verb ---- */

static int queue_enter(struct flow_turn_of *t)
{
	struct queue *q = queues_find(t->h->queues, t->c->tenant, verb_text(t->v, "name"));
	struct flow_run *r = t->c->run;
	enum flow_outcome joined = OUTCOME_NEXT;
	int begun;

	if (!q)
		return OUTCOME_FAILED;
	if (!r->queue || r->queue->visit != t->v->visit)
		joined = queue_join(t, q);
	if (joined != OUTCOME_NEXT)
		return (int)joined;
	r->after = step_branch(t->p, t->v->step, OUTCOME_NEXT) ? AFTER_ANSWER : 0;
	r->members = r->past_decline = true;
	if (r->targets.n) {
		begun = dial_go_on(t); /* the first of several may have had no phone to ring */
		if (begun < 0)
			return begun;
		agents_untaken(t->h, t->c, q);
	}
	if (r->until_ns < t->h->now.ns + NS_PER_S)
		return queue_overdue(t->h, t->c);
	r->kind = RUN_QUEUE;
	queue_settle(t->h, t->c);
	return VERB_BEGUN;
}

/* ---- at the end of each step ---- */

static void caller_list(const struct call_host *h, const struct call *c)
{
	const struct queue_wait *w = c->run->queue;
	const struct queue_caller *at = queues_caller(h->queues, c->id);
	struct queue_caller caller = { .call = c->id,
				       .tenant = c->tenant,
				       .priority = w->priority,
				       .rings = c->run->targets.n,
				       .joined_utc_ms = w->joined_utc_ms };

	if (at && !at->process && at->rings == caller.rings)
		return;
	if (!at || at->process)
		agents_take_back(h, c);
	memcpy(caller.queue, w->name, sizeof(caller.queue));
	if (queues_caller_put(h->queues, &caller))
		LOG_WARN("queue", c->id, "no room in the lines of this node");
}

/* Its peer is one of those that were rung. */
static bool queue_is_answered(const struct call *c)
{
	return c->state == CALL_ESTABLISHED && c->run->kind == RUN_DIAL &&
	       c->bridge.callee != LEG_NONE &&
	       !(c->transfer && c->transfer->state == TRANSFER_RINGING);
}

static void queue_settle(struct call_host *h, struct call *c)
{
	struct flow_run *r = c->run;
	struct queue_wait *w = r ? r->queue : NULL;
	const struct queue *q;

	if (!w)
		return;
	q = queue_of(h, c);
	if (!w->left && r->state == RUN_WAITS && queue_is_answered(c))
		queue_answered(h, c);
	else if (!w->left && r->state == RUN_OVER)
		queue_leave(h, c, "elsewhere");
	if (w->agent[0] && !w->wrapped && !agent_is_there(h, c))
		queue_wrap(h, c, "agent");
	if (!w->left) {
		w->music = q ? q->terms.track : SHARD_TRACK_MUSIC;
		caller_list(h, c);
	}
	if (!r->queue_ns && (queue_rings(r) || (c->member && w->agent[0] && !w->wrapped)))
		r->queue_ns =
			h->now.ns + RENEW_MS * NS_PER_MS; /* nothing tells who leaves a room */
}

/* Who has ended the call of caller and agent. A is the agent where a conference took the caller. */
static const char *ended_word(const struct call *c)
{
	const struct leg *a = call_caller(c);

	switch (c->ended_by) {
	case ENDED_BY_A:
		return a && bytes_is(text_bytes(&a->user), c->run->queue->agent) ? "agent"
										 : "caller";
	case ENDED_BY_B:
		return "agent";
	case ENDED_BY_NODE:
	case ENDED_BY_OPERATOR:
		break;
	}
	return "node";
}

static struct bytes agent_reached_at(const struct call_host *h, const struct call *c,
				     struct bytes number)
{
	const struct flow_run *r = c->run;
	const struct queue_agent *a = r && r->queue && !r->queue->left
					      ? queues_agent(h->queues, c->tenant, number)
					      : NULL;

	return a ? bytes_str(a->at) : (struct bytes){ 0 };
}

static void queue_over(struct call_host *h, struct call *c, const char *why)
{
	struct queue_wait *w = c->run->queue;

	if (!w)
		return;
	if (!w->left)
		queue_leave(h, c, why);
	if (w->agent[0] && !w->wrapped)
		queue_wrap(h, c, ended_word(c));
}

static void agent_released(const struct call_host *h, const struct call *c, struct bytes number)
{
	struct queue_agent *a = queues_agent(h->queues, c->tenant, number);

	if (a)
		agent_lose(h->queues, a, c->id);
}

static void queue_released(struct call_host *h, const struct call *c)
{
	const struct queue_wait *w = c->run ? c->run->queue : NULL;
	struct bytes number;

	if (!w)
		return;
	queues_caller_release(h->queues, c->id);
	agent_released(h, c, bytes_str(w->agent));
	for (uint8_t i = 0; dial_target_at(c->run, i, &number); i++)
		agent_released(h, c, number);
}

/* As long as he answers the queue as an agent, and is still a member of it. */
static bool queue_record_terms(const struct call_host *h, const struct call *c, uint8_t leg,
			       struct recording_terms *terms)
{
	const struct queue_wait *w = leg != c->bridge.caller && c->run ? c->run->queue : NULL;
	struct bytes user = text_bytes(&c->legs[leg]->user);
	const struct queue *q = w && (!w->left || bytes_is(user, w->agent))
					? queues_find(h->queues, c->tenant, bytes_str(w->name))
					: NULL;

	if (!q || !q->terms.record || !queue_has_member(&q->terms, user))
		return false;
	*terms = (struct recording_terms){ .method = (uint8_t)(q->terms.record - 1),
					   .to = q->terms.record_to };
	return true;
}

const struct module queue_module = { .record_terms = queue_record_terms,
				     .reached_at = agent_reached_at };

static const struct queueing_service queueing = {
	.begin = queue_enter,
	.look = queue_look,
	.overdue = queue_overdue,
	.wait_due = queue_wait_due,
	.replied = queue_replied,
	.settle = queue_settle,
	.over = queue_over,
	.released = queue_released,
};

const struct services queue_services = { .queueing = &queueing };
