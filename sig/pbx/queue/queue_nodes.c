/* SPDX-License-Identifier: Apache-2.0 */
/* What other nodes tell of their callers and agents (queues.h). Where two calls have one agent, the
 * claim of the second is kept until the first releases him. What is told no more is forgotten. */

#include "sig/pbx/queue/queues_table.h"

void queues_listen(struct queues *x, const struct queues_listener *l)
{
	x->listener = *l;
}

bool queues_are_whole(const struct queues *x)
{
	return !x->listener.caller || x->seconds >= QUEUE_DEAF_S;
}

int queues_hear_caller(struct queues *x, const struct queue_caller *c, bool gone)
{
	const struct queue_caller *at = queues_caller(x, c->call);

	if (at && !at->process)
		return 0;
	if (!gone)
		return queues_caller_put(x, c);
	if (at && at->process == c->process)
		queues_caller_delete(x, c->call);
	return 0;
}

/* Keeps the claim of a call for an agent that another call has: it counts when that one releases
 * the agent. */
static void rival_hear(struct queue_agent *a, uint64_t process, const struct queue_agent_word *w)
{
	if (w->holds) {
		a->rival = w->by;
		a->rival_s = 0;
		a->rival_process = process;
		a->rival_until_utc_ms = w->until_utc_ms;
	} else if (a->rival == w->by) {
		a->rival = 0;
	}
}

/* This node has him for a caller of its own, or for a callback, which is in no line by its call
 * until it is reached. Who speaks with him is in none, either. */
static bool agent_is_held(const struct queues *x, const struct queue_agent *a, uint64_t now_utc_ms)
{
	const struct queue_caller *c = queues_caller(x, a->call);

	return !a->process && (c ? !c->process : a->until_utc_ms > now_utc_ms);
}

static void agent_hear(const struct queues *x, struct queue_agent *a, uint64_t process,
		       const struct queue_agent_word *w, uint64_t now_utc_ms)
{
	if (w->spoke_utc_ms > a->spoke_utc_ms) {
		a->spoke_utc_ms = w->spoke_utc_ms;
		a->calls++;
		a->talk_ms += w->talk_ms;
		a->last_talk_ms = w->talk_ms;
	}
	if (w->epoch < a->epoch)
		return;
	a->missed = w->missed;
	if (a->call && a->call != w->by && (a->process || agent_is_held(x, a, now_utc_ms))) {
		rival_hear(a, process, w);
		return;
	}
	a->call = w->holds ? w->by : 0;
	a->process = process;
	a->unheard_s = 0;
	a->until_utc_ms = w->until_utc_ms;
	a->wraps = w->wraps;
	if (!a->call)
		queue_agent_yield(a);
}

int queues_hear_agent(struct queues *x, uint16_t tenant, struct bytes number, uint64_t process,
		      const struct queue_agent_word *w, uint64_t now_utc_ms)
{
	struct queue_agent *a = queues_agent(x, tenant, number);
	int err = 0;

	if (!a && w->holds && number.n < DIAL_NUMBER_MAX) {
		a = queues_agent_put(x, tenant, number, AGENT_OUT, (struct bytes){ 0 }, &err);
		if (a)
			a->epoch = w->epoch;
	}
	if (a)
		agent_hear(x, a, process, w, now_utc_ms);
	return err;
}

/* Its own agents are told again. A call that this node does not have, and one that no node tells
 * of any more, loses its agent. */
static void agent_second(struct queues *x, struct queue_agent *a,
			 const struct queues_around *around, bool all)
{
	uint8_t most = !a->process                                 ? QUEUE_ROUND_S
		       : around->is_there(around->arg, a->process) ? QUEUE_UNHEARD_S
								   : QUEUE_LOST_S;

	if (++a->rival_s > 1)
		a->rival = 0;
	if (!a->call || (++a->unheard_s < most && !(all && !a->process)))
		return;
	a->unheard_s = 0;
	if (!a->process) {
		if (around->has_call(around->arg, a->call))
			queue_agent_notify(x, a, a->call);
		else
			agent_release(x, a, a->call, 0);
		return;
	}
	a->call = 0;
	a->until_utc_ms = 0;
	queue_agent_yield(a);
	if (!a->call && a->state == AGENT_OUT)
		queues_agent_delete(x, a->tenant, bytes_str(a->number));
}

static void caller_second(struct queues *x, struct queue_caller *c, bool is_there, bool all)
{
	c->away = c->process && !is_there;
	if (++c->unheard_s < (c->process ? QUEUE_UNHEARD_S : QUEUE_ROUND_S) &&
	    !(all && !c->process))
		return;
	c->unheard_s = 0;
	if (c->process)
		queues_caller_delete(x, c->call);
	else
		queue_caller_notify(x, c, false);
}

void queues_second(struct queues *x, bool all, const struct queues_around *around)
{
	struct queue_caller *c;
	struct queue_agent *a;
	struct queue *q;
	uint32_t cursor = 0;

	x->seconds++;
	while ((q = queues_next(x, &cursor)) != NULL) {
		struct queue_walk w = queue_walk(q);

		while ((c = queue_walk_next(&w)) != NULL)
			caller_second(x, c, around->is_there(around->arg, c->process), all);
	}
	cursor = 0;
	while ((a = queues_agent_next(x, &cursor)) != NULL)
		agent_second(x, a, around, all);
}
