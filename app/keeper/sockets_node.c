/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/keeper/sockets_message.h"
#include "base/log.h"

#define NO_NUMBER ((uint32_t)SOCKETS_NO_NUMBER)

int sockets_open(struct sockets_link *l, int keeper, uint32_t flows)
{
	*l = (struct sockets_link){ .keeper = keeper, .flows = flows };
	if (keeper < 0)
		return 0;
	l->waiting = calloc(flows, sizeof(*l->waiting));
	l->order = calloc(flows, sizeof(*l->order));
	l->left = calloc(flows, sizeof(*l->left));
	if (l->waiting && l->order && l->left && !table_open(&l->by_address, flows))
		return 0;
	sockets_close(l);
	return -ENOMEM;
}

/* ---- those that were left ---- */

/* Nobody chooses these addresses against us: they are of our own ports. */
static uint64_t address_hash(const struct addr *a)
{
	uint64_t x[2];

	memcpy(x, a->ip, sizeof(x));
	return (x[0] ^ x[1] * 31 ^ a->port) * UINT64_C(0x9e3779b97f4a7c15);
}

static void left_add(struct sockets_link *l, struct sockets *s)
{
	uint32_t number = l->left_count;

	if (number == l->flows ||
	    table_put(&l->by_address, address_hash(&s->local[0]), number + 1)) {
		sockets_let_go(s);
		return;
	}
	l->left[number] = *s;
	l->left_count++;
	l->unclaimed++;
	if (s->since_ns + SOCKETS_HELD_NS > l->late_ns)
		l->late_ns = s->since_ns + SOCKETS_HELD_NS;
}

/* False: there are no more. */
static bool left_hear(struct sockets_link *l, struct sockets_message *m, struct sockets *of)
{
	int err = sockets_receive(l->keeper, m, of, MSG_DONTWAIT);

	if (err == -EAGAIN)
		return true;
	for (uint32_t i = 0; !err && i < m->head.count; i++)
		left_add(l, &of[i]);
	return !err && m->head.word == SOCKETS_LEFT;
}

uint32_t sockets_hear(struct sockets_link *l, uint64_t patience_ns)
{
	static struct sockets_message m;
	static struct sockets of[SOCKETS_BATCH];
	struct pollfd wait = { .fd = l->keeper, .events = POLLIN };
	uint64_t end_ns = clock_now_ns() + patience_ns;

	for (;;) {
		uint64_t now_ns = clock_now_ns();

		if (l->keeper < 0 || now_ns >= end_ns)
			break;
		if (poll(&wait, 1, (int)((end_ns - now_ns) / NS_PER_MS) + 1) > 0 &&
		    !left_hear(l, &m, of))
			break;
	}
	return l->left_count;
}

static uint32_t left_find(const struct sockets_link *l, const struct addr local[SOCKETS_PER_FLOW])
{
	uint64_t hash = address_hash(&local[0]), value;
	uint32_t cursor = 0;

	while ((value = table_next(&l->by_address, hash, &cursor)) != 0) {
		if (addr_eq(&l->left[value - 1].local[0], &local[0]))
			return (uint32_t)value - 1;
	}
	return UINT32_MAX;
}

/* ---- what the keeper is told ---- */

/* -EAGAIN: it has no room. */
static int keeper_tell(struct sockets_link *l, uint32_t flow, const struct sockets_waiting *what)
{
	const struct sockets_head head = { .word = what->word,
					   .number = what->number,
					   .flow = flow };
	bool hold = what->word == SOCKETS_HOLD;
	int err = -EPIPE;

	if (l->keeper >= 0)
		err = sockets_send(l->keeper, head, &what->sockets, hold, MSG_DONTWAIT);
	if (err == -EAGAIN)
		return err;
	if (err == -EPIPE || err == -ECONNRESET)
		l->keeper = -1; /* whoever has the keeper closes it */
	l->held += hold && !err;
	l->refused += hold && err;
	return 0;
}

static void waiting_flush(struct sockets_link *l)
{
	while (l->order_count) {
		uint32_t flow = l->order[l->order_first];
		struct sockets_waiting *w = &l->waiting[flow];

		if (keeper_tell(l, flow, w) == -EAGAIN)
			return;
		if (w->word == SOCKETS_HOLD)
			sockets_let_go(&w->sockets);
		w->word = SOCKETS_NOTHING;
		l->order_first = (l->order_first + 1) % l->flows;
		l->order_count--;
	}
}

static void sockets_copy(struct sockets *to, const struct sockets *from)
{
	*to = *from;
	for (uint32_t i = 0; i < SOCKETS_PER_FLOW; i++)
		to->fd[i] = from->fd[i] >= 0 ? dup(from->fd[i]) : -1;
}

/* The newest word about a flow is all that counts, so each waits once. What was left is let go with it. */
static void waiting_put(struct sockets_link *l, uint32_t flow, const struct sockets_waiting *what)
{
	struct sockets_waiting *w = &l->waiting[flow];
	uint32_t number = w->word == SOCKETS_NOTHING ? NO_NUMBER : w->number;

	if (w->word == SOCKETS_NOTHING)
		l->order[(l->order_first + l->order_count++) % l->flows] = flow;
	else if (w->word == SOCKETS_HOLD)
		sockets_let_go(&w->sockets);
	if (what->number != NO_NUMBER)
		number = what->number;
	*w = *what;
	w->number = number;
	if (what->word == SOCKETS_HOLD)
		sockets_copy(&w->sockets, &what->sockets);
}

static void link_say(struct sockets_link *l, uint32_t flow, const struct sockets_waiting *what)
{
	assert(flow < l->flows);
	waiting_flush(l);
	if (l->order_count || keeper_tell(l, flow, what) == -EAGAIN)
		waiting_put(l, flow, what);
}

/* ---- for flows ---- */

/* Of no use, as the keeper would have it for another flow: whoever binds now must be alone. */
static void left_forget(struct sockets_link *l, uint32_t number, uint32_t flow)
{
	const struct sockets_waiting forget = { .word = SOCKETS_DROP, .number = number };

	sockets_let_go(&l->left[number]);
	link_say(l, flow, &forget);
}

bool sockets_claim(struct sockets_link *l, uint32_t flow, const struct addr local[SOCKETS_PER_FLOW],
		   struct sockets *out)
{
	uint32_t number = l->unclaimed ? left_find(l, local) : UINT32_MAX;
	const struct sockets_waiting claim = { .word = SOCKETS_CLAIM, .number = number };

	if (number == UINT32_MAX)
		return false;
	*out = l->left[number];
	(void)table_del(&l->by_address, address_hash(&local[0]), number + 1);
	l->unclaimed--;
	if (local[1].family != out->local[1].family || !addr_eq(&local[1], &out->local[1])) {
		left_forget(l, number, flow);
		return false;
	}
	l->left[number] = SOCKETS_NONE;
	link_say(l, flow, &claim);
	return true;
}

void sockets_hold(struct sockets_link *l, uint32_t flow, const struct sockets *s)
{
	const struct sockets_waiting hold = { .word = SOCKETS_HOLD,
					      .number = NO_NUMBER,
					      .sockets = *s };

	if (l->keeper >= 0)
		link_say(l, flow, &hold);
}

void sockets_hold_later(struct sockets_link *l, uint32_t flow, const struct sockets *s)
{
	const struct sockets_waiting hold = { .word = SOCKETS_HOLD,
					      .number = NO_NUMBER,
					      .sockets = *s };

	assert(flow < l->flows);
	if (l->keeper >= 0)
		waiting_put(l, flow, &hold);
}

void sockets_drop(struct sockets_link *l, uint32_t flow)
{
	const struct sockets_waiting drop = { .word = SOCKETS_DROP, .number = NO_NUMBER };

	if (l->keeper >= 0)
		link_say(l, flow, &drop);
}

/* ---- in time ---- */

static void left_settle(struct sockets_link *l)
{
	const struct sockets_head head = { .word = SOCKETS_SETTLE };

	if (l->keeper >= 0 && sockets_send(l->keeper, head, NULL, 0, MSG_DONTWAIT) == -EAGAIN)
		return; /* in the next round */
	for (uint32_t i = 0; i < l->left_count; i++)
		sockets_let_go(&l->left[i]);
	LOG_INFO("keeper", 0, "media ports of the process before are let go",
		 LOG_U64("flows", l->unclaimed));
	l->left_count = l->unclaimed = 0;
	table_close(&l->by_address);
}

void sockets_beat(struct sockets_link *l, uint64_t now_ns)
{
	if (l->order_count)
		waiting_flush(l);
	if (l->unclaimed && !l->order_count && now_ns >= l->late_ns)
		left_settle(l);
}

void sockets_close(struct sockets_link *l)
{
	for (uint32_t i = 0; i < l->left_count; i++)
		sockets_let_go(&l->left[i]);
	for (uint32_t i = 0; l->waiting && i < l->flows; i++) {
		if (l->waiting[i].word == SOCKETS_HOLD)
			sockets_let_go(&l->waiting[i].sockets);
	}
	free(l->left);
	free(l->waiting);
	free(l->order);
	table_close(&l->by_address);
	*l = (struct sockets_link){ .keeper = -1 };
}
