/* SPDX-License-Identifier: Apache-2.0 */
/* The agents of queues (queues.h): their state, and the call that has reserved each, or speaks with
 * him. What changes there other nodes are told. */

#include "sig/pbx/queue/queues_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void queue_agent_notify(const struct queues *x, const struct queue_agent *a, uint64_t by)
{
	const struct queue_agent_word w = { .by = by,
					    .holds = a->call == by,
					    .wraps = a->wraps,
					    .missed = a->missed,
					    .until_utc_ms = a->until_utc_ms,
					    .spoke_utc_ms = a->spoke_utc_ms,
					    .epoch = a->epoch,
					    .talk_ms = a->last_talk_ms };

	if (x->listener.agent)
		x->listener.agent(x->listener.arg, a, &w);
}

/* Who is logged out is forgotten where there is no room: the first one without a call. */
static bool agent_make_room(struct queues *x)
{
	struct queue_agent *a;
	uint32_t cursor = 0;

	while ((a = named_next(&x->agents, &cursor)) != NULL) {
		if (a->state != AGENT_OUT || a->call)
			continue;
		named_remove(&x->agents, a);
		free(a);
		return true;
	}
	return false;
}

struct queue_agent *queues_agent_put(struct queues *x, uint16_t tenant, struct bytes number,
				     enum agent_state state, struct bytes reason, int *err)
{
	struct queue_agent *a = NULL;

	*err = -ENOSPC;
	x->agents_version++;
	if (number.n < DIAL_NUMBER_MAX && reason.n < AGENT_REASON_MAX) {
		a = named_put(&x->agents, tenant, number, sizeof(*a), err);
		if (!a && *err == -ENOSPC && agent_make_room(x))
			a = named_put(&x->agents, tenant, number, sizeof(*a), err);
	}
	if (!a)
		return NULL;
	if (state != a->state)
		a->missed = 0;
	a->state = (uint8_t)state;
	(void)bytes_cstr(reason, a->reason, sizeof(a->reason));
	return a;
}

void queue_agent_set_epoch(struct queue_agent *a, uint64_t epoch, uint64_t call,
			   uint64_t until_utc_ms)
{
	if (a->epoch == epoch)
		return;
	a->epoch = epoch;
	if (until_utc_ms && a->call == call) { /* its node's word is of an earlier epoch by now */
		a->call = 0;
		a->process = 0;
	}
	a->wraps = until_utc_ms && !a->call;
	if (!a->call)
		a->until_utc_ms = until_utc_ms;
}

void queues_agent_delete(struct queues *x, uint16_t tenant, struct bytes number)
{
	struct queue_agent *a = named_find(&x->agents, tenant, number);

	x->agents_version++;
	if (a && a->calls) { /* else who logs in anew would get every call of fewest_calls */
		a->state = AGENT_OUT;
		a->reason[0] = a->at[0] = '\0';
		return;
	}
	if (a)
		named_remove(&x->agents, a);
	free(a);
}

struct queue_agent *queues_agent(const struct queues *x, uint16_t tenant, struct bytes number)
{
	return x && number.n < DIAL_NUMBER_MAX ? named_find(&x->agents, tenant, number) : NULL;
}

const struct queue_caller *queues_agent_changed(struct queues *x, uint16_t tenant,
						struct bytes number)
{
	struct queue_agent *a = queues_agent(x, tenant, number);

	if (a)
		a->busy_utc_ms = 0;
	return a ? queues_first(x, tenant) : NULL;
}

uint32_t queues_agent_count(const struct queues *x)
{
	return x->agents.count;
}

struct queue_agent *queues_agent_next(const struct queues *x, uint32_t *cursor)
{
	return named_next(&x->agents, cursor);
}

/* One who need not log in is made. */
static struct queue_agent *member_agent(struct queues *x, const struct queue *q, uint8_t i)
{
	struct bytes number = bytes_str(q->terms.members[i].number);
	int err;

	return q->terms.without_login ? named_put(&x->agents, q->terms.tenant, number,
						  sizeof(struct queue_agent), &err)
				      : queues_agent(x, q->terms.tenant, number);
}

void queue_agents_forget(struct queues *x, const struct queue_terms *terms)
{
	for (uint8_t i = 0; terms->without_login && i < terms->count; i++) {
		struct bytes number = bytes_str(terms->members[i].number);
		const struct queue_agent *a = queues_agent(x, terms->tenant, number);

		if (a && a->state == AGENT_OUT && !a->call && !a->calls)
			queues_agent_delete(x, terms->tenant, number);
	}
}

struct queue_agent *queue_agent_at(struct queues *x, struct queue *q, uint8_t i)
{
	for (uint8_t k = 0; q->agents_version != x->agents_version && k < q->terms.count; k++)
		q->agents[k] = member_agent(x, q, k);
	q->agents_version = x->agents_version;
	return q->agents[i];
}

bool queue_agent_is_ready(const struct queue *q, const struct queue_agent *a)
{
	return a->state == AGENT_READY || (a->state == AGENT_OUT && q->terms.without_login);
}

uint32_t queue_agents(struct queues *x, struct queue *q, bool ready)
{
	uint32_t n = 0;

	for (uint8_t i = 0; i < q->terms.count; i++) {
		const struct queue_agent *a = queue_agent_at(x, q, i);

		n += a && (queue_agent_is_ready(q, a) || (!ready && a->state != AGENT_OUT));
	}
	return n;
}

bool agent_is_of(const struct queue_agent *a, uint64_t call)
{
	return a->call == call && !a->process;
}

void agent_hold(const struct queues *x, struct queue_agent *a, uint64_t call, uint64_t until_utc_ms)
{
	a->call = call;
	a->until_utc_ms = until_utc_ms;
	a->wraps = false;
	a->process = 0;
	queue_agent_notify(x, a, call);
}

void queue_agent_yield(struct queue_agent *a)
{
	if (!a->rival)
		return;
	a->call = a->rival;
	a->process = a->rival_process;
	a->until_utc_ms = a->rival_until_utc_ms;
	a->unheard_s = 0;
	a->wraps = false;
	a->rival = 0;
}

void agent_release(const struct queues *x, struct queue_agent *a, uint64_t call,
		   uint64_t until_utc_ms)
{
	if (!agent_is_of(a, call))
		return;
	a->call = 0;
	a->until_utc_ms = until_utc_ms;
	queue_agent_notify(x, a, call);
	queue_agent_yield(a);
}

void agent_lose(const struct queues *x, struct queue_agent *a, uint64_t call)
{
	if (!agent_is_of(a, call) || !x->listener.agent)
		return;
	a->process = QUEUES_NOWHERE;
	a->unheard_s = 0;
}

void agent_wrap(const struct queues *x, struct queue_agent *a, uint64_t call, uint64_t now_utc_ms,
		uint64_t wrap_ms, uint64_t talk_ms)
{
	a->last_talk_ms = talk_ms < UINT32_MAX ? (uint32_t)talk_ms : UINT32_MAX;
	a->talk_ms += a->last_talk_ms;
	a->call = 0;
	a->process = 0;
	a->spoke_utc_ms = now_utc_ms;
	a->until_utc_ms = wrap_ms == AGENT_UNTIL_READY ? wrap_ms : now_utc_ms + wrap_ms;
	a->wraps = wrap_ms;
	queue_agent_notify(x, a, call);
	queue_agent_yield(a);
}
