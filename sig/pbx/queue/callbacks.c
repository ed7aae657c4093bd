/* SPDX-License-Identifier: Apache-2.0 */
/* Callbacks in the lines of queues (callbacks.h). A callback that is not to be called now counts as
 * one that rings: it has its place, and competes for no agent. Which one is next follows from the
 * line and the documents alone, so all nodes choose the same one. */

#include "sig/pbx/queue/callbacks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* No call has such an id: there is no shard of that number. */
#define CALLBACK_IDS (UINT64_C(0xffff) << 48)

static uint64_t callback_id(const struct queues *x, uint64_t seed)
{
	uint64_t id = CALLBACK_IDS | seed >> 16;

	while (queues_caller(x, id))
		id = CALLBACK_IDS | ((id + 1) & ~CALLBACK_IDS);
	return id;
}

/* From its number and the moment: the same on all nodes, as a rule. */
static uint64_t callback_seed(const struct queue_caller *place, const struct queue_callback *value)
{
	uint64_t h = place->joined_utc_ms * UINT64_C(0x9e3779b97f4a7c15);

	for (const char *at = value->number; *at; at++)
		h = (h ^ (uint8_t)*at) * UINT64_C(0x100000001b3);
	return h;
}

struct queue_caller *queues_callback(const struct queues *x, uint16_t tenant, struct bytes queue,
				     struct bytes number)
{
	const struct queue *q = queues_any(x, tenant, queue);
	struct queue_walk w = q ? queue_walk(q) : (struct queue_walk){ 0 };
	struct queue_caller *c;

	if (!q || !q->callbacks)
		return NULL;
	while ((c = queue_walk_next(&w)) != NULL) {
		if (c->callback && bytes_is(number, c->callback->number))
			break;
	}
	return c;
}

int queues_callback_put(struct queues *x, const struct queue_caller *place,
			const struct queue_callback *value)
{
	struct queue_caller *at = queues_callback(x, place->tenant, bytes_str(place->queue),
						  bytes_str(value->number));
	struct queue_caller c = *place;
	int err;

	c.rings = true;
	c.process = 0;
	c.call = at ? at->call : callback_id(x, callback_seed(place, value));
	c.callback = at ? at->callback : calloc(1, sizeof(*c.callback));
	if (!c.callback)
		return -ENOMEM;
	memcpy(c.callback->number, value->number, sizeof(value->number));
	memcpy(c.callback->times, value->times, sizeof(value->times));
	c.callback->tries = value->tries;
	if (c.callback->called_utc_ms != value->called_utc_ms)
		c.callback->is_made = false;
	c.callback->created_utc_ms = value->created_utc_ms;
	c.callback->called_utc_ms = value->called_utc_ms;
	err = queues_caller_put(x, &c);
	if (err && !at)
		free(c.callback);
	return err;
}

void queue_callback_release(const struct queues *x, const struct queue *q, struct queue_callback *b)
{
	for (uint8_t i = 0; b->call && i < q->terms.count; i++) {
		struct queue_agent *a =
			queues_agent(x, q->terms.tenant, bytes_str(q->terms.members[i].number));

		if (a)
			agent_release(x, a, b->call, 0);
	}
	b->call = 0;
}

void queues_callback_delete(struct queues *x, uint16_t tenant, struct bytes queue,
			    struct bytes number)
{
	const struct queue_caller *c = queues_callback(x, tenant, queue, number);

	if (!c)
		return;
	queue_callback_release(x, c->of, c->callback);
	queues_caller_delete(x, c->call);
}

void queues_callback_over(const struct queues *x, uint16_t tenant, struct bytes queue,
			  struct bytes number, const char *why)
{
	const struct queue_caller *c = queues_callback(x, tenant, queue, number);

	if (c && !c->callback->over)
		c->callback->over = why;
}

uint64_t callback_next_utc_ms(const struct callback_terms *t, const struct queue_callback *b)
{
	return b->called_utc_ms ? b->called_utc_ms + (t->ring_s + t->retry_s) * UINT64_C(1000) : 0;
}

bool callback_is_called(const struct callback_terms *t, const struct queue_callback *b,
			uint64_t now_utc_ms)
{
	return b->call || (b->called_utc_ms && !b->is_made &&
			   now_utc_ms < b->called_utc_ms + t->ring_s * UINT64_C(1000) +
						CALLBACK_RINGS_MORE_MS);
}

const char *callback_over(const struct callback_terms *t, const struct queue_callback *b,
			  uint64_t now_utc_ms)
{
	if (b->over)
		return b->over;
	if (b->tries >= t->tries && !callback_is_called(t, b, now_utc_ms))
		return "unanswered";
	return now_utc_ms >= b->created_utc_ms + t->keep_h * UINT64_C(3600000) && !b->call
		       ? "expired"
		       : NULL;
}

static bool callback_is_due(const struct callback_terms *t, const struct queue_callback *b,
			    uint64_t now_utc_ms)
{
	return !callback_over(t, b, now_utc_ms) && b->until_utc_ms <= now_utc_ms &&
	       callback_next_utc_ms(t, b) <= now_utc_ms;
}

/* One is called. All others wait in any case. */
static bool queue_calls_back(const struct queue *q, uint64_t now_utc_ms)
{
	struct queue_walk w = queue_walk(q);
	struct queue_caller *c;
	bool called = false;

	while ((c = queue_walk_next(&w)) != NULL) {
		if (!c->callback)
			continue;
		c->rings = true;
		called |= callback_is_called(&q->terms.callback, c->callback, now_utc_ms);
	}
	return called;
}

struct queue_caller *queue_callback_choose(struct queues *x, struct queue *q, uint64_t now_utc_ms,
					   callback_time_fn *is_time, void *arg)
{
	const struct callback_terms *t = &q->terms.callback;
	bool calls = queue_calls_back(q, now_utc_ms), turn = t->rule == CALLBACK_TURN;
	struct queue_walk w = queue_walk(q);
	struct queue_caller *c;

	if (calls || !q->is_there || t->rule == CALLBACK_OFF || !queues_are_whole(x) ||
	    (turn && !queue_agents(x, q, true)))
		return NULL;
	while ((c = queue_walk_next(&w)) != NULL) {
		if (c->callback && callback_is_due(t, c->callback, now_utc_ms) &&
		    is_time(arg, q, c->callback))
			break;
		if (turn && !c->callback && !c->rings)
			return NULL;
	}
	if (c && !turn)
		c->rings = false;
	return c;
}

/* ---- twice a second ---- */

/* The command about it is under way: its end shows in the line, or nothing has changed. */
static void callback_is_left(struct queue_caller *c, uint64_t now_utc_ms)
{
	c->callback->until_utc_ms = now_utc_ms + CALLBACK_BEGINS_MS;
}

static void callback_command_id(const struct queue_callback *b, uint8_t tries,
				char out[CALLBACK_COMMAND_MAX])
{
	(void)snprintf(out, CALLBACK_COMMAND_MAX, "callback %s %" PRIu64 " %u", b->number,
		       b->created_utc_ms, (unsigned)tries);
}

/* A successor of the process that made its last try may have that call: it rings on, and no other
 * one is made meanwhile. If it was answered, the callback is over: its process could not delete the
 * document while the store was away. */
static void callback_take_back(const struct callback_host *h, struct queue_callback *b)
{
	char id[CALLBACK_COMMAND_MAX];

	if (b->call || b->is_made || !b->tries)
		return;
	callback_command_id(b, (uint8_t)(b->tries - 1), id);
	b->call = h->call_of(h->arg, id);
	b->is_made = h->has_call(h->arg, b->call);
	if (b->is_made && !b->over && h->is_answered(h->arg, b->call))
		b->over = "answered";
	if (!b->is_made || b->over)
		b->call = 0;
}

/* agent: who is free for him; NULL: he only comes to his place. */
static void callback_start_try(const struct queues *x, const struct callback_host *h,
			       struct queue_caller *c, struct queue_agent *agent,
			       uint64_t now_utc_ms)
{
	struct queue_callback *b = c->callback;
	char id[CALLBACK_COMMAND_MAX];

	callback_command_id(b, b->tries, id);
	c->rings = true;
	b->call = h->call_of(h->arg, id);
	b->is_made = false; /* that of the try before was */
	if (agent)
		agent_hold(x, agent, b->call,
			   now_utc_ms + c->of->terms.callback.ring_s * UINT64_C(1000) +
				   CALLBACK_RINGS_MORE_MS);
	callback_is_left(c, now_utc_ms);
	h->begin(h->arg, c, id);
}

/* The call of its try is gone, or never came: the agent is free again. */
static void callback_settle(const struct queues *x, const struct callback_host *h,
			    const struct queue *q, struct queue_callback *b, uint64_t now_utc_ms)
{
	if (b->call && (b->is_made || b->until_utc_ms <= now_utc_ms) &&
	    !h->has_call(h->arg, b->call))
		queue_callback_release(x, q, b);
}

static void callbacks_look(struct queues *x, const struct callback_host *h, struct queue *q,
			   uint64_t now_utc_ms)
{
	struct queue_walk w = queue_walk(q);
	struct queue_caller *c;

	while ((c = queue_walk_next(&w)) != NULL) {
		char id[CALLBACK_COMMAND_MAX];
		const char *why;

		if (!c->callback)
			continue;
		callback_take_back(h, c->callback);
		callback_settle(x, h, q, c->callback, now_utc_ms);
		why = q->is_there ? callback_over(&q->terms.callback, c->callback, now_utc_ms)
				  : "deleted";
		if (!why || c->callback->until_utc_ms > now_utc_ms)
			continue;
		(void)snprintf(id, sizeof(id), "callback over %s %" PRIu64, c->callback->number,
			       now_utc_ms);
		callback_is_left(c, now_utc_ms);
		h->end(h->arg, c, id, why);
	}
	c = queue_callback_choose(x, q, now_utc_ms, h->is_time, h->arg);
	if (c && c->rings)
		callback_start_try(x, h, c, NULL, now_utc_ms);
}

void queues_callbacks_turn(struct queues *x, const struct callback_host *h, uint64_t now_utc_ms)
{
	struct queue_match m;
	struct queue *q;
	uint32_t cursor = 0;

	while ((q = queues_next(x, &cursor)) != NULL) {
		if (!q->callbacks)
			continue;
		callbacks_look(x, h, q, now_utc_ms);
		while (queues_pick_callback(x, q->terms.tenant, now_utc_ms, h->is_idle, h->arg, &m))
			callback_start_try(x, h, m.caller, m.agents[0], now_utc_ms);
	}
}

const struct queue_caller *queues_callback_try(const struct queues *x, uint64_t call)
{
	const struct queue *q;
	uint32_t cursor = 0;

	while ((q = queues_next(x, &cursor)) != NULL) {
		struct queue_walk w = queue_walk(q);
		const struct queue_caller *c;

		while (q->callbacks && (c = queue_walk_next(&w)) != NULL) {
			if (c->callback && c->callback->call == call && !c->callback->is_made)
				return c;
		}
	}
	return NULL;
}

void queues_callback_lost(const struct queues *x, uint64_t call)
{
	const struct queue_caller *c = queues_callback_try(x, call);

	if (c)
		queue_callback_release(x, c->of, c->callback);
}
