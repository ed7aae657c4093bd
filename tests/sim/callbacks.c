/* SPDX-License-Identifier: Apache-2.0 */
/* Documents of callbacks, which all nodes have, as app/feature/queue/callback_documents.c has them: a try is written down before the number
 * is called, and the store takes one change of a version alone. When it is whose turn nodes know by the functions of the product
 * (sig/pbx/queue/callbacks.h). The model: a callback has one call at a time, none while no agent was free, and each comes to its end; then
 * no agent is reserved. */
#include "tests/sim/callbacks.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sig/host/programs.h"
#include "sig/pbx/queue/callbacks.h"
#include "sig/shard/shard_state.h"
#include "sig/shard/shared_tables.h"
#include "sig/sip/id.h"
#include "tests/sim/agents.h"
#include "tests/sim/node_state.h"
#include "tests/sim/sim.h"

#define SALES   BYTES_LIT("sales")
#define TURN_NS (NS_PER_S / 2)
/* What nodes tell each other of agents is under way, and a phone hears its ACK later than the node. */
#define LATE_NS (3 * NS_PER_S)

enum { SAVE_MS = 2, CREATES_MAX = 8, FROM_MS = 3000, TO_MS = 90000, CALLERS_MAX = 6 };

/* In a story always the least. */
static uint64_t between_ms(struct sim *s, uint32_t low, uint32_t high)
{
	return (low + (s->script ? 0 : rand_below(&s->callbacks.rand, high - low + 1))) * NS_PER_MS;
}

/* Also that of a node of several shards that has none now. */
static struct queues *table_of(const struct node *n)
{
	const struct shard *core = node_core_any(n);

	return n->shared_tables ? n->shared_tables->queues
	       : core           ? core->shared_tables->queues
				: NULL;
}

static struct queue_caller *callback_at(const struct node *n, const struct callback_document *d)
{
	return queues_callback(table_of(n), n->tenant, SALES, bytes_str(d->number));
}

/* ---- documents ---- */

static void document_apply(const struct node *n, struct queues *x,
			   const struct callback_document *d)
{
	struct queue_caller place = { .tenant = n->tenant,
				      .queue = "sales",
				      .joined_utc_ms = d->created_utc_ms };
	struct queue_callback value = { .tries = d->tries,
					.created_utc_ms = d->created_utc_ms,
					.called_utc_ms = d->called_utc_ms };

	(void)snprintf(value.number, sizeof(value.number), "%s", d->number);
	if (d->there && queues_callback_put(x, &place, &value))
		check_fail(n->sim, "no room for a callback");
}

void callbacks_read(const struct node *n, struct shard *core)
{
	const struct callbacks *all = &n->sim->callbacks;

	for (uint32_t i = 0; i < all->count; i++)
		document_apply(n, core->shared_tables->queues, &all->list[i]);
}

/* Those that are gone, too. A node that does not reach the store learns it later. */
static void callbacks_mirror(struct node *n)
{
	const struct callbacks *all = &n->sim->callbacks;
	struct queues *x = table_of(n);

	if (!x || n->sim->store.down || n->cut)
		return;
	for (uint32_t i = 0; i < all->count; i++) {
		const struct callback_document *d = &all->list[i];
		const struct queue_caller *c = callback_at(n, d);

		if (c && !d->there && c->callback->created_utc_ms == d->created_utc_ms)
			queues_callback_delete(x, n->tenant, SALES, bytes_str(d->number));
	}
	for (uint32_t i = 0; i < all->count; i++)
		document_apply(n, x, &all->list[i]);
}

static void on_changed(struct sim *s, const struct event *e)
{
	(void)e;
	for (uint32_t i = 0; i < s->node_count; i++)
		callbacks_mirror(&s->nodes[i]);
}

static void documents_changed(struct sim *s)
{
	sim_after(s, between_ms(s, SAVE_MS, 5 * SAVE_MS), on_changed, 0, 0, 0);
}

void callback_create(struct sim *s, uint32_t extension)
{
	struct callbacks *all = &s->callbacks;
	struct callback_document *d = &all->list[all->count];

	for (uint32_t i = 0; i < all->count; i++) {
		if (all->list[i].there && all->list[i].extension == extension)
			return;
	}
	if (all->count == CALLBACKS_MAX || s->store.down)
		return;
	*d = (struct callback_document){ .there = true,
					 .extension = extension,
					 .created_utc_ms = node_now(&s->nodes[0]).utc_ms };
	(void)node_extension(extension, d->number);
	all->count++;
	trace_line(s, "store: %s is to be called back", d->number);
	documents_changed(s);
}

/* ---- the model ---- */

/* A node has the call, and it does not end; both: it has both parties. A phone may not have heard of that yet. */
static bool call_is_up(const struct sim *s, uint64_t call, bool both)
{
	static struct call_view view; /* large for a stack */
	const struct shard *core = call ? node_core(s, call) : NULL;

	return core && shard_call_view(core, call, &view) &&
	       (both ? view.state == CALL_ESTABLISHED : view.state != CALL_ENDING);
}

/* He is a party of that call, and it has both: his phone may not have heard yet that it left. */
static bool agent_talks(const struct sim *s, const struct phone *p, uint64_t call)
{
	const struct shard *core = node_core(s, call);

	return call_is_up(s, call, true) && shard_call_part(core, call, bytes_str(p->user)).side;
}

/* No phone of an agent talks in a call of that node, or it has just begun to. Of calls at other nodes a node hears later, or not. */
static bool agent_was_free(const struct sim *s, const struct node *n, uint32_t extension)
{
	bool busy = false;

	for (uint32_t i = 0; i < s->phones.count; i++) {
		const struct phone *p = &s->phones.list[i];

		for (uint32_t k = 0; p->extension == extension && k < p->call_count; k++) {
			const struct phone_call *c = p->calls[k];

			busy |= c->state == PC_TALKING && (c->caller || c->acked) && c->answer_ns &&
				s->now_ns - c->answer_ns > LATE_NS &&
				node_of_call(s, c->node_call) == n &&
				agent_talks(s, p, c->node_call);
		}
	}
	return !busy;
}

static void model_called(struct sim *s, const struct node *n, struct callback_document *d,
			 uint64_t call)
{
	uint32_t ringing = 0, agents = 0;

	if (call_is_up(s, d->call, false) && !s->totals.steps)
		check_fail(s, "%s is called back by two calls: %" PRIx64 ", %" PRIx64, d->number,
			   d->call, call);
	for (uint32_t i = 0; i < s->callbacks.count; i++) {
		const struct callback_document *other = &s->callbacks.list[i];

		ringing += other->there && other != d && node_of_call(s, other->call) == n &&
			   call_is_up(s, other->call, false);
	}
	for (uint32_t i = 1; i <= 2; i++) /* B and C (agents.h) */
		agents += agent_was_free(s, n, i);
	if (ringing + 1 > agents)
		check_fail(s, "%s is called back, %u others are, and %u agents are free", d->number,
			   ringing, agents);
	d->call = call;
	d->calls++;
	s->totals.called_back++;
}

void callbacks_check_end(struct sim *s)
{
	for (uint32_t i = 0; i < s->callbacks.count; i++) {
		if (s->callbacks.list[i].there && !s->totals.steps) /* by the clock of a node */
			check_fail(s, "the callback of %s has no end", s->callbacks.list[i].number);
	}
	for (uint32_t i = 0; s->callbacks.count && i < s->node_count; i++) {
		const struct queues *x = table_of(&s->nodes[i]);
		const struct queue_agent *a;
		uint32_t cursor = 0;

		while (x && (a = queues_agent_next(x, &cursor)) != NULL) {
			if (a->call && a->until_utc_ms > node_now(&s->nodes[i]).utc_ms &&
			    !call_is_up(s, a->call, false))
				check_fail(s, "agent %s is reserved for a call that is not there",
					   a->number);
		}
	}
}

/* ---- what a node does ---- */

static bool host_is_time(void *arg, const struct queue *q, const struct queue_callback *b)
{
	(void)arg;
	(void)q;
	(void)b;
	return true;
}

static bool host_is_idle(void *arg, const struct queue_agent *a)
{
	struct shard *core = node_core_any(arg);

	return core && !shard_user_is_busy(core, a->tenant, bytes_str(a->number));
}

/* As node_shard_of_command. */
static uint64_t host_call_of(void *arg, const char *id)
{
	const struct node *n = arg;
	uint16_t live[SHARDS_MAX], unused;
	uint32_t count = 0;

	for (uint32_t i = 0; i < n->shard_count; i++) {
		const struct node_shard *shard = &n->shards[i];

		if (!shard->core)
			continue;
		live[count++] = shard->number;
		if (shard_call_tenant(shard->core, id_call_derive(shard->number, bytes_str(id)),
				      &unused))
			return id_call_derive(shard->number, bytes_str(id));
	}
	return id_call_derive(count ? live[strlen(id) % count] : n->shards[0].number,
			      bytes_str(id));
}

static bool host_has_call(void *arg, uint64_t call)
{
	const struct shard *core = node_core_of(arg, call);
	uint16_t unused;

	return core && shard_call_tenant(core, call, &unused);
}

static bool host_is_answered(void *arg, uint64_t call)
{
	const struct shard *core = node_core_of(arg, call);
	uint8_t space[256];
	struct writer w = writer_over(space, sizeof(space));

	return core && shard_call_flow(core, call, &w);
}

/* The answer of the store. who: process; a: call; b: document << 1 | whether the try is its own */
static void on_tried(struct sim *s, const struct event *e)
{
	struct node *n = node_of_process(s, e->who);
	struct callback_document *d = &s->callbacks.list[e->b >> 1];
	char to[64];
	struct shard_originate o = {
		.call = e->a, .from = d->number, .to = to, .ring_s = CALLBACK_RING_S
	};
	struct shard *core = n ? node_core_of(n, e->a) : NULL;
	struct queue_caller *c;
	enum refusal refused = REFUSED_NO_CALL;

	if (!n || !table_of(n) || node_stands(n))
		return;
	callbacks_mirror(n);
	c = callback_at(n, d);
	if (!c || !(e->b & 1)) {
		queues_callback_lost(table_of(n), e->a);
		return;
	}
	(void)snprintf(to, sizeof(to), "flow:queue:sales?%s", d->number);
	o.tenant = n->tenant;
	if (core) {
		model_called(s, n, d, e->a);
		refused = shard_call_originate(core, &o, node_now(n));
	}
	trace_line(s, "node: %s is called back by %" PRIx64 ": %s", d->number, e->a,
		   refused ? refusals[refused].name : "it rings");
	c->callback->call = e->a;
	c->callback->is_made = true;
	c->callback->until_utc_ms = 0;
	node_carry(n);
}

/* The command comes to the store: what has left a node counts, though that is dead by now. who: process; a: call; b: document << 8 | tries */
static void on_try(struct sim *s, const struct event *e)
{
	struct callback_document *d = &s->callbacks.list[e->b >> 8];
	const struct node *n = node_of_process(s, e->who);
	bool own = !s->store.down && !(n && n->cut) && d->there && d->tries == (e->b & UINT8_MAX);

	trace_line(s, "store: try %u of the callback of %s: %d", (unsigned)(e->b & UINT8_MAX) + 1,
		   d->number, own);
	if (own) {
		d->tries++;
		d->called_utc_ms = node_now(&s->nodes[0]).utc_ms;
		documents_changed(s);
	}
	sim_after(s, between_ms(s, SAVE_MS, 10 * SAVE_MS), on_tried, e->who, e->a,
		  (e->b >> 8) << 1 | own);
}

static uint32_t document_of(const struct sim *s, const struct queue_caller *c)
{
	uint32_t i = 0;

	while (strcmp(s->callbacks.list[i].number, c->callback->number) != 0 ||
	       s->callbacks.list[i].created_utc_ms != c->callback->created_utc_ms)
		i++;
	return i;
}

/* As command_awaits_user: the store answers before the call is made. */
static void host_begin(void *arg, const struct queue_caller *c, const char *id)
{
	const struct node *n = arg;
	struct bytes number = bytes_str(c->callback->number);

	(void)id;
	locations_set_now(n->locations, node_now(n));
	if (!locations_know(n->locations, n->tenant, number))
		(void)locations_request(n->locations, n->tenant, number,
					&node_core_any(n)->locations_user, 0);
	sim_after(n->sim, between_ms(n->sim, SAVE_MS, 20 * SAVE_MS), on_try, n->incarnation,
		  c->callback->call, (uint64_t)document_of(n->sim, c) << 8 | c->callback->tries);
}

static void on_end(struct sim *s, const struct event *e)
{
	if (s->store.down)
		return;
	s->callbacks.list[e->a].there = false;
	documents_changed(s);
}

static void host_end(void *arg, const struct queue_caller *c, const char *id, const char *why)
{
	const struct node *n = arg;

	(void)id;
	trace_line(n->sim, "node: the callback of %s is over: %s", c->callback->number, why);
	sim_after(n->sim, between_ms(n->sim, SAVE_MS, 20 * SAVE_MS), on_end, n->incarnation,
		  document_of(n->sim, c), 0);
}

static void on_turn(struct sim *s, const struct event *e)
{
	struct node *n = node_of_process(s, e->who);
	const struct callback_host host = {
		.is_time = host_is_time,
		.is_idle = host_is_idle,
		.call_of = host_call_of,
		.has_call = host_has_call,
		.is_answered = host_is_answered,
		.begin = host_begin,
		.end = host_end,
		.arg = n,
	};

	if (!n)
		return;
	sim_after(s, TURN_NS, on_turn, e->who, 0, 0);
	if (!table_of(n) || node_stands(n))
		return;
	callbacks_mirror(n);
	queues_callbacks_turn(table_of(n), &host, node_now(n).utc_ms);
	node_carry(n);
}

bool callbacks_are_there(const struct sim *s)
{
	return s->callbacks.on || (s->script && s->script->callbacks);
}

void callbacks_begin(struct node *n)
{
	struct sim *s = n->sim;

	if (!callbacks_are_there(s))
		return;
	if (n->shared_tables) /* documents of the queue are read before it has a shard */
		agents_put(n->shared_tables, n->tenants, n->tenant);
	sim_after(s, TURN_NS + n->index * NS_PER_MS, on_turn, n->incarnation, 0, 0);
}

/* ---- seeds ---- */

static void on_create(struct sim *s, const struct event *e)
{
	callback_create(s, e->who);
}

static void on_caller(struct sim *s, const struct event *e)
{
	struct phone *p = &s->phones.list[e->who];

	if (p->alive)
		(void)phone_dial(s, p, PHONE_FLOW, false);
}

void scenario_callbacks(struct sim *s)
{
	struct rand_source *r = &s->callbacks.rand;
	uint32_t creates = 1 + rand_below(r, CREATES_MAX), callers = rand_below(r, CALLERS_MAX + 1);

	while (creates--) /* agents are 1 and 2 */
		sim_after(s, between_ms(s, FROM_MS, TO_MS), on_create,
			  s->phones.extension_count > 3 && rand_below(r, 2) ? 3 : 0, 0, 0);
	while (callers--)
		sim_after(s, between_ms(s, FROM_MS, TO_MS), on_caller,
			  rand_below(r, s->phones.count), 0, 0);
}
