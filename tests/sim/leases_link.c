/* SPDX-License-Identifier: Apache-2.0 */
/* What is between nodes, and between them and Redis. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/leases_state.h"
#include "tests/sim/sim.h"

enum {
	DEADLINE_US = 50000,
	ACQUIRE_US = 2000000,
	LATE_MS = 4000,
	STUCK = 300, /* of a thousand commands that do not arrive: they do later */
};

bool lease_node_stands(struct sim *s, const struct lease_node *n, const struct event *e)
{
	struct event later = *e;

	if (n->stands_until_ns <= s->now_ns)
		return false;
	later.ns = n->stands_until_ns + lease_between_us(s, 0, 1000);
	later.data = (struct text){ 0 };
	if (text_set(&later.data, text_bytes(&e->data)))
		assert(false && "out of memory");
	queue_put(&s->queue, &later);
	return true;
}

/* ---- Redis ---- */

static void command_leave(struct lease_command *c)
{
	assert(c->waits);
	c->waits--;
}

static struct lease_command *command_new(struct leases *l)
{
	for (uint32_t i = 0; i < l->command_count; i++) {
		if (!l->commands[i].waits)
			return &l->commands[i];
	}
	if (l->command_count == l->command_capacity) {
		l->command_capacity = l->command_capacity ? 2 * l->command_capacity : 64;
		l->commands = realloc(l->commands, l->command_capacity * sizeof(*l->commands));
		assert(l->commands);
	}
	return &l->commands[l->command_count++];
}

static void command_settle(struct sim *s, struct lease_command *c)
{
	struct lease_node *n = &s->leases->nodes[c->node];
	const struct lease_command settled = *c; /* what follows may move the list */

	if (c->settled)
		return;
	c->settled = true;
	if (n->up && n->process == c->process)
		lease_answered(n, &settled);
}

/* e->a: the command */
static void on_answer(struct sim *s, const struct event *e)
{
	struct lease_command *c = &s->leases->commands[e->a];
	const struct lease_node *n = &s->leases->nodes[c->node];

	if (lease_node_stands(s, n, e))
		return;
	command_leave(c);
	if (n->linked && n->connection == c->connection)
		command_settle(s, c);
}

static void on_deadline(struct sim *s, const struct event *e)
{
	struct lease_command *c = &s->leases->commands[e->a];

	if (lease_node_stands(s, &s->leases->nodes[c->node], e))
		return;
	command_leave(c);
	if (c->settled)
		return;
	c->result = LEASE_UNKNOWN;
	command_settle(s, c);
}

static void on_carried(struct sim *s, const struct event *e)
{
	struct lease_command *c = &s->leases->commands[e->a];

	if (s->leases->away || c->done) {
		command_leave(c);
		return;
	}
	/* one that was given up may be carried out all the same */
	redis_carry_out(s, c);
	if (s->leases->nodes[c->node].answers_cut)
		command_leave(c);
	else
		sim_after(s, lease_between_us(s, 50, 2000), on_answer, 0, e->a, 0);
}

static void command_send(struct lease_node *n, struct lease_command *c, uint64_t at)
{
	struct sim *s = n->sim;
	uint64_t ns = lease_between_us(s, 50, 3000);

	if (!n->linked)
		return;
	if (n->asks_cut || s->leases->away)
		ns += lease_between_us(s, 0, LATE_MS * 1000);
	if ((n->asks_cut || s->leases->away) && !lease_chance(s, STUCK))
		return;
	s->leases->totals.commands++;
	c->waits++;
	sim_after(s, ns, on_carried, 0, at, 0);
}

void lease_ask(struct lease_node *n, const struct lease_command *command)
{
	struct leases *l = n->sim->leases;
	struct lease_command *c = command_new(l);
	uint64_t at = (uint64_t)(c - l->commands);
	uint32_t us = command->what == LEASE_SEND_ACQUIRE ? ACQUIRE_US : DEADLINE_US;

	*c = *command;
	c->node = n->index;
	c->process = n->process;
	c->connection = n->connection;
	c->waits = 1;
	sim_after(n->sim, n->linked ? us * NS_PER_US : 0, on_deadline, 0, at, 0);
	command_send(n, c, at);
}

void lease_link_down(struct lease_node *n)
{
	struct leases *l = n->sim->leases;

	if (!n->up || !n->linked)
		return;
	n->linked = false;
	n->connection++;
	lease_link_told(n, false);
	for (uint32_t i = 0; i < l->command_count; i++) {
		struct lease_command *c = &l->commands[i];

		if (!c->waits || c->settled || c->node != n->index || c->process != n->process)
			continue;
		c->result = LEASE_UNKNOWN;
		command_settle(n->sim, c);
	}
}

void lease_link_up(struct lease_node *n)
{
	if (!n->up || n->linked)
		return;
	n->linked = true;
	n->run = n->sim->leases->run;
	lease_link_told(n, true);
}

/* ---- other nodes ---- */

struct lease_packet {
	struct peer_item item;
	uint32_t from, to, process; /* process: of who gets it */
	uint32_t node_process;      /* of who says it (node.h) */
};

/* Whoever is heard can be sent to (link.h). */
static void node_is_heard(struct sim *s, const struct lease_packet *p)
{
	if (!s->links.on)
		return;
	if (p->item.kind == PEER_DEAD)
		link_gone(s, p->to, p->from, p->node_process);
	else
		link_heard_of(s, p->to, p->from, p->node_process);
}

static void on_packet(struct sim *s, const struct event *e)
{
	struct lease_packet p;
	struct lease_node *n;

	memcpy(&p, text_bytes(&e->data).p, sizeof(p));
	n = &s->leases->nodes[p.to];
	if (!n->up || n->process != p.process || lease_node_stands(s, n, e))
		return;
	node_is_heard(s, &p);
	lease_heard(n, p.from, &p.item);
}

static void packet_send(struct sim *s, const struct lease_packet *p)
{
	struct leases *l = s->leases;
	struct event e = { .fire = on_packet };
	uint64_t ns = lease_between_us(s, 50, 3000);

	if (l->parted[p->from][p->to] || lease_chance(s, l->lost))
		return;
	if (lease_chance(s, l->late))
		ns += lease_between_us(s, 0, LATE_MS * 1000);
	e.ns = s->now_ns + ns;
	if (text_set(&e.data, bytes_mem(p, sizeof(*p))))
		assert(false && "out of memory");
	queue_put(&s->queue, &e);
}

void lease_say(uint64_t to, const struct peer_item *item, void *node)
{
	const struct lease_node *n = node;
	struct sim *s = n->sim;
	struct lease_packet p = { .from = n->index, .to = (uint32_t)(to - 1) };

	p.item = *item;
	p.process = s->leases->nodes[p.to].process;
	p.node_process = s->links.on ? s->nodes[p.from].incarnation : 0;
	s->leases->totals.said++;
	packet_send(s, &p);
	if (lease_chance(s, s->leases->twice))
		packet_send(s, &p);
}
