/* SPDX-License-Identifier: Apache-2.0 */
/* Conversations over shards: which calls they join, wherever the legs of their dialogs go. */
#include <inttypes.h>

#include "sig/call/wait.h"
#include "sig/shard/shard_state.h"
#include "tests/sim/sim.h"

/* A leg that is gone is known nowhere: it stays where it was last. */
static void follow(struct sim *s, struct check_cell *c, int end)
{
	struct id_tag id = c->ends[end];
	struct shard *core = node_core(s, id.call);

	if (!core)
		return;
	forward_follow(&core->elsewhere, &id);
	if (id.call != c->ends[end].call)
		c->calls[end] = id.call;
}

void check_far_follow(struct sim *s)
{
	for (uint32_t i = 0; i < s->check.peer_shard_count; i++) {
		follow(s, &s->check.cells[i], 0);
		follow(s, &s->check.cells[i], 1);
	}
}

static bool is_end(const struct id_tag *end, const struct id_tag *tag)
{
	return end->call == tag->call && end->leg == tag->leg;
}

/* Either side may ask anew within the dialog. */
static bool is_known(const struct check *c, const struct id_tag *asks, const struct id_tag *asked)
{
	for (uint32_t i = 0; i < c->peer_shard_count; i++) {
		const struct id_tag *ends = c->cells[i].ends;

		if ((is_end(&ends[0], asks) && is_end(&ends[1], asked)) ||
		    (is_end(&ends[0], asked) && is_end(&ends[1], asks)))
			return true;
	}
	return false;
}

void check_far(struct sim *s, const struct sip_message *m)
{
	struct check *c = &s->check;
	struct id_tag asked, asks;

	if (id_tag_get(m->to.tag, &asked) || id_tag_get(m->from.tag, &asks))
		return;
	if (!check_seen(s, asks.call) || !check_seen(s, asked.call) || is_known(c, &asks, &asked) ||
	    c->peer_shard_count == SEEN_MAX)
		return;
	trace_line(s, "calls %" PRIx64 " and %" PRIx64 " are one", asks.call, asked.call);
	s->totals.united++;
	c->cells[c->peer_shard_count++] = (struct check_cell){
		.ends = { asks, asked },
		.calls = { asks.call, asked.call },
	};
	check_far_follow(s);
}

/* Behind *at: the other end of the next dialog of the call; 0: there is none. */
static uint64_t next_far(const struct check *c, uint64_t call, uint32_t *at)
{
	while (*at < c->peer_shard_count) {
		const uint64_t *calls = c->cells[(*at)++].calls;

		if (calls[0] == call || calls[1] == call)
			return calls[0] == call ? calls[1] : calls[0];
	}
	return 0;
}

static uint64_t only_far(const struct check *c, uint64_t call)
{
	uint32_t at = 0;
	uint64_t far = next_far(c, call, &at);

	return next_far(c, call, &at) ? 0 : far;
}

struct seen *check_far_of(struct sim *s, uint64_t call)
{
	uint64_t far = only_far(&s->check, call);

	return far && only_far(&s->check, far) == call ? check_seen(s, far) : NULL;
}

bool check_far_is_forgotten(struct sim *s, uint64_t call)
{
	uint64_t far = only_far(&s->check, call);
	const struct seen *seen = far ? check_seen(s, far) : NULL;

	return seen && seen->excused && seen->crashes && !only_far(&s->check, far);
}

static bool is_among(const uint64_t *list, uint32_t n, uint64_t call)
{
	for (uint32_t i = 0; i < n; i++) {
		if (list[i] == call)
			return true;
	}
	return false;
}

/* All calls that speak with this one, which is the first. */
static uint32_t find_all(const struct check *c, uint64_t call, uint64_t found[CHECK_FAR_MAX])
{
	uint32_t n = 1;

	found[0] = call;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = 0;
		uint64_t far;

		while ((far = next_far(c, found[i], &at))) {
			if (n < CHECK_FAR_MAX && !is_among(found, n, far))
				found[n++] = far;
		}
	}
	return n;
}

bool check_far_is_there(struct sim *s, uint64_t call)
{
	uint64_t found[CHECK_FAR_MAX];
	uint32_t n = find_all(&s->check, call, found);

	for (uint32_t i = 1; i < n; i++) {
		if (check_next_end(s, found[i], NULL))
			return true;
	}
	return false;
}

bool check_far_is_one(struct sim *s, uint64_t call, uint64_t other)
{
	uint64_t found[CHECK_FAR_MAX];

	return is_among(found, find_all(&s->check, call, found), other);
}

static const struct call *call_of(const struct sim *s, uint64_t call)
{
	const struct shard *core = node_core(s, call);

	return core ? shard_call_find(core, call) : NULL;
}

/* The call at the other end of the dialog that this leg is in; NULL: it is a phone's, or nobody is there. */
static const struct call *command_ask_end(const struct sim *s, const struct leg *l)
{
	const struct id_tag *own = &l->dialog.tag;

	for (uint32_t i = 0;
	     l->dialog.hop.transport == SIP_INTER_SHARD && i < s->check.peer_shard_count; i++) {
		const struct check_cell *cell = &s->check.cells[i];

		for (int end = 0; end < 2; end++) {
			if (is_end(&cell->ends[end], own))
				return call_of(s, cell->calls[1 - end]);
		}
	}
	return NULL;
}

/* Between two other shards, or between one and an application. */
static bool is_between(const struct sim *s, const struct call *c)
{
	const struct leg *caller = call_caller(c), *callee = call_callee(c);

	return command_ask_end(s, caller) &&
	       (callee ? command_ask_end(s, callee) != NULL : call_is_alone(c));
}

bool check_far_is_circle(struct sim *s, uint64_t call)
{
	uint64_t found[CHECK_FAR_MAX];
	uint32_t n = find_all(&s->check, call, found), stand = 0;

	for (uint32_t i = 0; i < n; i++) {
		const struct call *c = call_of(s, found[i]);

		if (c && !is_between(s, c))
			return false;
		stand += c != NULL;
	}
	if (stand < 2 || !call_of(s, call))
		return false;
	trace_line(s, "nobody is in call %" PRIx64 " and those that it speaks with", call);
	s->totals.circles++;
	return true;
}

uint64_t check_room_of(struct sim *s, uint64_t call)
{
	uint64_t found[CHECK_FAR_MAX], room = 0;
	uint32_t n = find_all(&s->check, call, found);

	for (uint32_t i = 0; i < n && !room; i++) {
		const struct shard *core = node_core(s, found[i]);

		room = core ? shard_call_room(core, found[i]) : 0;
	}
	return room;
}
