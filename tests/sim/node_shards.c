/* SPDX-License-Identifier: Apache-2.0 */
/* The shards of a node: whose a message is, what they say to each other, and one that is lost alone, as in app/node/node_shard*.c. */
#include "tests/sim/node_state.h"

#include <assert.h>
#include <errno.h>

#include "base/table.h"
#include "sig/shard/shared_tables.h"
#include "sig/sip/id.h"
#include "sig/transport/inter_shard.h"
#include "tests/sim/sim.h"

/* Nothing of it is there for a node with one shard. */
void node_shards_open(struct node *n)
{
	struct shard_settings *set = &n->settings;
	int err;

	if (n->shard_count == 1)
		return;
	set->peer_shard_count = n->shard_count;
	for (uint32_t i = 0; i < n->shard_count; i++)
		set->peer_shards[i] = n->shards[i].number;
	err = inter_shard_open(&n->inter_shard, set->peer_shards, set->peer_shard_count);
	if (!err)
		err = shard_shared_tables_open(&n->shared_tables, set, &n->rand);
	assert(!err);
	(void)err;
	set->shared_tables = n->shared_tables;
}

void node_shards_close(struct node *n)
{
	for (uint32_t i = 0; i < n->shard_count; i++) {
		shard_close(n->shards[i].core);
		shard_close(n->shards[i].idle);
		n->shards[i].core = n->shards[i].idle = NULL;
	}
	shard_shared_tables_close(n->shared_tables);
	n->shared_tables = NULL;
	inter_shard_close(n->inter_shard);
	n->inter_shard = NULL;
}

/* ---- whose a message is ---- */

struct node_shard *node_shard_of(struct node *n, uint16_t number)
{
	for (uint32_t i = 0; i < n->shard_count; i++) {
		if (n->shards[i].number == number)
			return &n->shards[i];
	}
	return NULL;
}

static struct shard *core_with_copy(const struct node *n, const struct sip_message *m)
{
	for (uint32_t i = 0; i < n->shard_count; i++) {
		if (n->shards[i].core && shard_has_request(n->shards[i].core, m))
			return n->shards[i].core;
	}
	return NULL;
}

/* All that one Call-ID is about goes to one shard. */
static struct shard *core_by_spread(const struct node *n, struct bytes call_id)
{
	static const struct hash_key key;
	struct shard *live[SHARDS_MAX];
	uint32_t count = 0;

	for (uint32_t i = 0; i < n->shard_count; i++) {
		if (n->shards[i].core)
			live[count++] = n->shards[i].core;
	}
	return count ? live[hash_sip(&key, call_id) % count] : NULL;
}

struct shard *node_core_of_parsed(struct node *n, const struct sip_message *m)
{
	const struct node_shard *named = node_shard_of(n, shard_name(m));
	struct shard *core;

	if (named)
		return named->core;
	core = m->request ? core_with_copy(n, m) : NULL;
	if (!core && n->sim->floats) /* networks[].shard */
		return n->shards[n->settings.locals[m->hop.local].network].core;
	return core ? core : core_by_spread(n, m->call_id);
}

struct shard *node_core_of_message(struct node *n, const struct sip_hop *from, struct bytes message)
{
	struct shard *core = node_core_any(n);
	struct message_error error;
	struct sip_message m;

	if (n->sim->floats && !n->shards[n->settings.locals[from->local].network].core)
		return NULL; /* nobody has the address */
	if (n->shard_count == 1)
		return core;
	if (!message_parse(&m, message, &error)) {
		m.hop = *from;
		core = node_core_of_parsed(n, &m);
	}
	message_close(&m);
	return core;
}

/* ---- what they say to each other ---- */

/* An address of SIP_INTER_SHARD: to another shard of the node. */
static void on_cell_unsent(struct sim *s, const struct event *e)
{
	struct node *n = node_of_process(s, e->who);
	struct node_shard *shard = n ? node_shard_of(n, (uint16_t)e->a) : NULL;
	struct sip_hop hop = { .transport = SIP_INTER_SHARD, .remote = e->to };

	if (!shard || !shard->core)
		return;
	shard_send_failed(shard->core, &hop, EHOSTUNREACH, node_now(n));
	node_carry(n);
}

static bool cell_is_here(struct node *n, const struct request_send *e)
{
	const struct node_shard *to = node_shard_of(n, inter_shard_of(&e->hop.remote));

	return to && to->core;
}

static int cell_say_to(struct node *n, const struct node_shard *shard, const struct request_send *e)
{
	struct bytes message = text_bytes(&e->data);

	if (n->inter_shard && cell_is_here(n, e))
		return inter_shard_send(n->inter_shard, shard->number, &e->hop, message);
	return node_link_inter_shard(n, shard->number, inter_shard_of(&e->hop.remote), message);
}

void node_cell_say(struct node *n, const struct node_shard *shard, const struct request_send *e)
{
	struct event failed = { .ns = n->sim->now_ns,
				.fire = on_cell_unsent,
				.who = n->incarnation,
				.a = shard->number,
				.to = e->hop.remote };

	n->sim->totals.cells++;
	if (sim_chance(n->sim, n->sim->net.loss))
		trace_line(n->sim, "       (lost)");
	else if (cell_say_to(n, shard, e) == -EHOSTUNREACH)
		queue_put(&n->sim->queue, &failed);
}

static bool cell_hear(struct node *n, const struct node_shard *shard)
{
	struct text message;
	struct sip_hop from;
	bool any = false;

	while (inter_shard_receive(n->inter_shard, shard->number, &from, &message)) {
		any = true;
		check_received(n->sim, text_bytes(&message));
		if (shard->core && !shard->leaving)
			shard_receive(shard->core, &from, text_bytes(&message), node_now(n));
		text_clear(&message);
	}
	return any;
}

bool node_cells_hear(struct node *n)
{
	bool any = false;

	for (uint32_t i = 0; n->inter_shard && i < n->shard_count; i++)
		any |= cell_hear(n, &n->shards[i]);
	return any;
}

/* ---- one shard is lost ---- */

/* An operator starts the node again, and the shard is its own once more. */
static void on_operator(struct sim *s, const struct event *e)
{
	struct node *n = node_of_process(s, e->who);

	if (n)
		node_crash(n);
}

/* As node_shard_clear in app/node/node_shard_life.c: what it has of this node is given back, and it says nothing. Where shards come back to a
 * process, it is the core of that shard once more; else it is closed, as by core_end there. */
void node_shard_end(struct node *n, struct node_shard *shard)
{
	trace_line(n->sim, "node: shard %u is lost", shard->number);
	shard_silence(shard->core, node_now(n));
	node_carry_last(n, shard);
	check_shard_silent(n, shard);
	if (n->sim->floats) {
		shard_join_again(shard->core);
		shard->idle = shard->core;
	} else {
		shard_close(shard->core);
	}
	shard->core = NULL;
}

void node_shard_speaks(struct node *n, struct node_shard *shard)
{
	if (!shard->withheld)
		return;
	shard->withheld = false;
	shard_withheld(shard->core, node_now(n));
	node_carry(n);
}

static void lose_alone(struct node *n, struct node_shard *shard)
{
	struct sim *s = n->sim;

	s->totals.lost_alone++;
	check_shard_lost(n, shard);
	inter_shard_leave(n->inter_shard, shard->number);
	node_shard_end(n, shard);
	sim_after(s, sim_between_ms(s, 500, 8000), on_operator, n->incarnation, 0, 0);
}

static uint32_t shards_live(const struct node *n)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < n->shard_count; i++)
		count += n->shards[i].core != NULL;
	return count;
}

void node_fenced(struct node *n, struct node_shard *shard)
{
	shard->fenced = true;
	if (n->sim->sabotage == SABOTAGE_FENCE)
		return;
	if (n->sim->floats)
		node_shard_end(n, shard);
	else if (shards_live(n) == 1)
		node_crash(n);
	else
		lose_alone(n, shard);
}
