/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What nodes hand to each other over their channels (link.h), as app/node/node_edge.c, node_held.c, node_lamps.c and app/command/command_request.c
 * have it: messages to and from phones of other nodes, between shards, of who is watched, which call rings, and whom a call is joined with.
 */
#include "tests/sim/node_state.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "sig/shard/shared_tables.h"
#include "sig/sip/id.h"
#include "tests/sim/sim.h"

#define HELD_NS        (5 * NS_PER_S)
#define HELD_RETRY_NS  (10 * NS_PER_MS)
#define REMOTE_WAIT_NS (1 * NS_PER_S)

/* ---- who has what ---- */

/* As far as this node knows (claimant_owner): 0 and which; else *knows says whether one had it, or may have it. */
static bool owner_find(const struct node *n, uint16_t shard, uint32_t *to, uint32_t *process,
		       bool *knows)
{
	struct sim *s = n->sim;
	uint32_t place = (uint32_t)shard - SHARD_FIRST;

	*knows = false;
	if (shard < SHARD_FIRST || place >= s->node_count * s->shard_count)
		return false;
	if (s->leases && !leases_are_at_rest(s)) {
		*to = leases_owner(s, n->index, place);
		*knows = leases_knows(s, n->index, place);
	} else {
		*to = s->owners[place].node;
		*knows = *to < s->node_count;
	}
	*process = *to < s->node_count ? link_process(s, n->index, *to) : 0;
	return *process != 0;
}

static bool process_find(const struct node *n, uint64_t process, uint32_t *to)
{
	for (*to = 0; *to < n->sim->node_count; ++*to) {
		if (process && link_process(n->sim, n->index, *to) == process)
			return true;
	}
	return false;
}

/* It listens at that address. */
static bool address_is_here(const struct node *n, uint32_t place)
{
	const struct sim *s = n->sim;

	return n->shards[place].core && s->owners[place].node == n->index;
}

static bool is_local_here(const struct node *n, uint16_t local)
{
	return address_is_here(n, n->settings.locals[local].network);
}

/* ---- to phones of other nodes ---- */

/* The shard hears that nothing was sent. who: process; a: connection; b: local << 16 | inbound << 8 | transport */
static void on_unsent(struct sim *s, const struct event *e)
{
	struct sip_hop hop = { .transport = (enum sip_transport)(e->b & 0xff),
			       .local = (uint16_t)(e->b >> 16),
			       .remote = e->to,
			       .connection = e->a,
			       .inbound = e->b >> 8 & 1 };
	struct node *n = node_of_process(s, e->who);

	if (!n)
		return;
	if (!e->a)
		check_link_refused(s, n, &hop.remote);
	node_send_failed(n, &hop);
}

/* Who may listen is connected to (transport.c), and refuses that: no phone listens. */
static void unsent(const struct node *n, const struct sip_hop *hop)
{
	uint64_t connection = hop->inbound || hop->transport == SIP_UDP ? hop->connection : 0;
	struct event e = { .ns = n->sim->now_ns,
			   .fire = on_unsent,
			   .who = n->incarnation,
			   .a = connection,
			   .b = (uint64_t)hop->local << 16 | (uint64_t)hop->inbound << 8 |
				hop->transport,
			   .to = hop->remote };

	trace_line(n->sim, "       (no such process)");
	queue_put(&n->sim->queue, &e);
}

/* The node that has the address sends it. Where none is known it is lost, as datagrams are. */
static void say_datagram(struct node *n, const struct sip_hop *hop, struct bytes message)
{
	const struct shard_local *local = &n->settings.locals[hop->local];
	const struct parcel p = { .kind = PARCEL_SEND_DATAGRAM,
				  .transport = SIP_UDP,
				  .bound = local->bind,
				  .remote = hop->remote,
				  .data = message };
	uint32_t to, process;
	bool knows;

	if (owner_find(n, n->settings.networks[local->network].shard, &to, &process, &knows) &&
	    to != n->index)
		(void)link_send(n, to, process, &p);
}

static void say_by_edge(struct node *n, const struct sip_hop *hop, struct bytes message)
{
	struct parcel p = { .kind = hop->transport == SIP_UDP ? PARCEL_SEND_FLOW : PARCEL_SEND,
			    .transport = (uint8_t)hop->transport,
			    .remote = hop->remote,
			    .data = message };
	struct hop_edge edge;
	uint32_t to;

	if (!hop_edge_get(&n->edges, hop->connection, &edge) ||
	    !process_find(n, edge.process, &to)) {
		check_link_unheard(n->sim, message);
		unsent(n, hop);
		return;
	}
	p.connection = edge.connection;
	(void)link_send(n, to, (uint32_t)edge.process, &p); /* full: transactions say it again */
}

bool node_link_says(struct node *n, const struct sip_hop *hop, struct bytes message)
{
	bool edge = hop_is_edge(hop->connection);

	if (!n->sim->links.on ||
	    (!edge && (hop->transport != SIP_UDP || is_local_here(n, hop->local))))
		return false;
	n->sim->links.totals.carried++;
	if (edge)
		say_by_edge(n, hop, message);
	else
		say_datagram(n, hop, message);
	return true;
}

/* ---- from phones of other nodes ---- */

static bool edge_hop(struct node *n, const struct parcel *p, uint32_t process, struct sip_hop *out)
{
	const struct hop_edge edge = { process, p->connection };

	*out = (struct sip_hop){ .transport = (enum sip_transport)p->transport,
				 .remote = p->remote,
				 .inbound = true,
				 .connection = hop_edge_put(&n->edges, &edge) };
	return out->connection != 0;
}

static bool local_of(const struct node *n, const struct parcel *p, struct sip_hop *hop)
{
	const struct shard_settings *set = &n->settings;
	bool found = false;

	for (uint32_t i = 0; i < set->local_count && !found; i++) {
		found = set->locals[i].transport == hop->transport &&
			addr_eq(&set->locals[i].bind, &p->bound);
		hop->local = (uint16_t)i;
	}
	for (uint32_t i = 0; i < set->local_count && !found; i++) {
		found = set->locals[i].transport == hop->transport &&
			set->locals[i].bind.family == p->remote.family;
		hop->local = (uint16_t)i;
	}
	return found;
}

/* Another process has the shard by now, and who handed this on does not know it yet. */
static bool link_give_back(struct node *n, uint16_t shard, const struct sip_hop *from,
			   struct bytes message)
{
	struct parcel p = { .kind = PARCEL_BACK,
			    .transport = (uint8_t)from->transport,
			    .bound = n->settings.locals[from->local].bind,
			    .remote = from->remote,
			    .data = message };
	uint32_t to, process;
	struct hop_edge edge;
	bool knows;

	if (!owner_find(n, shard, &to, &process, &knows) || to == n->index ||
	    !hop_edge_get(&n->edges, from->connection, &edge) ||
	    !process_find(n, edge.process, &to))
		return false;
	trace_line(n->sim, "       (back to node %u)", to);
	n->sim->links.totals.returned++;
	p.connection = edge.connection;
	return link_send(n, to, (uint32_t)edge.process, &p) == 0;
}

/* The other node's shard hears it. */
static bool link_hand(struct node *n, uint16_t shard, const struct sip_hop *from,
		      struct bytes message, bool handed)
{
	bool datagram = from->transport == SIP_UDP;
	const struct parcel p = { .kind = datagram ? PARCEL_HEARD_DATAGRAM : PARCEL_RECEIVED,
				  .transport = (uint8_t)from->transport,
				  .connection = from->connection,
				  .bound = n->settings.locals[from->local].bind,
				  .remote = from->remote,
				  .data = message };
	uint32_t to, process;
	bool knows;

	if (!datagram && hop_is_edge(from->connection))
		return link_give_back(n, shard, from, message);
	if (handed || (!datagram && !from->connection) ||
	    !owner_find(n, shard, &to, &process, &knows) || to == n->index)
		return false;
	trace_line(n->sim, "       (to node %u)", to);
	n->sim->links.totals.handed++;
	return link_send(n, to, process, &p) == 0;
}

/* As node_shards_dispatch. handed: by another node, so not on again. */
static bool link_take(struct node *n, const struct sip_hop *from, struct bytes message, bool handed)
{
	struct message_error error;
	struct sip_message m;
	struct shard *core = NULL;
	uint16_t number = 0;
	bool readable = !message_parse(&m, message, &error);

	if (readable) {
		m.hop = *from;
		number = shard_name(&m);
		core = node_core_of_parsed(n, &m);
	}
	message_close(&m);
	if (!readable)
		return true;
	if (!core)
		return link_hand(n, number, from, message, handed);
	if (node_is_leaving(n, core))
		return false;
	check_received(n->sim, message);
	shard_receive(core, from, message, node_now(n));
	node_carry(n);
	return true;
}

/* ---- what waits for a shard that nobody runs just now ---- */

static bool link_holds(const struct node *n, const struct sip_hop *from)
{
	for (uint32_t i = 0; i < n->held_count; i++) {
		if (n->held[i].from.connection == from->connection &&
		    n->held[i].from.transport == from->transport)
			return true;
	}
	return false;
}

static void on_held(struct sim *s, const struct event *e);

static void link_hold(struct node *n, const struct sip_hop *from, struct bytes message)
{
	struct node_held *h = &n->held[n->held_count];

	if (!sip_transport_is_stream(from->transport) || n->held_count == NODE_HELD)
		return;
	*h = (struct node_held){ .from = *from, .until_ns = n->sim->now_ns + HELD_NS };
	if (text_set(&h->message, message))
		assert(false && "out of memory");
	n->sim->links.totals.held++;
	if (n->held_count++ == 0)
		sim_after(n->sim, HELD_RETRY_NS, on_held, n->incarnation, 0, 0);
}

/* True: it waits no longer. */
static bool held_retry(struct node *n, const struct node_held *h)
{
	if (link_take(n, &h->from, text_bytes(&h->message), false))
		return true;
	n->sim->links.totals.late += h->until_ns <= n->sim->now_ns;
	return h->until_ns <= n->sim->now_ns;
}

/* False: it waits no longer, or the node is gone. */
static bool held_waits_on(struct node *n, const struct node_held *h)
{
	struct sim *s = n->sim;
	uint32_t process = n->incarnation;

	if (h->until_ns > s->now_ns && link_holds(n, &h->from))
		return true;
	return !held_retry(n, h) && node_of_process(s, process) == n;
}

/* Each connection's in their order: behind one that waits on, the others of that wait as well. */
static void held_retry_all(struct node *n, uint32_t process)
{
	struct node_held *list = n->held;
	uint32_t count = n->held_count;

	n->held = calloc(NODE_HELD, sizeof(*n->held));
	assert(n->held);
	n->held_count = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (node_of_process(n->sim, process) == n && held_waits_on(n, &list[i]))
			n->held[n->held_count++] = list[i];
		else
			text_clear(&list[i].message);
	}
	free(list);
}

static void on_held(struct sim *s, const struct event *e)
{
	struct node *n = node_of_process(s, e->who);

	if (n && !node_stands(n))
		held_retry_all(n, e->who);
	if (n && node_of_process(s, e->who) == n && n->held_count)
		sim_after(s, HELD_RETRY_NS, on_held, e->who, 0, 0);
}

void node_link_receive(struct node *n, const struct sip_hop *from, struct bytes message)
{
	uint32_t process = n->incarnation;

	if (!is_local_here(n, from->local))
		return; /* nobody has the address */
	if ((link_holds(n, from) || !link_take(n, from, message, false)) &&
	    node_of_process(n->sim, process) == n)
		link_hold(n, from, message);
}

/* ---- between shards ---- */

int node_link_inter_shard(struct node *n, uint16_t from, uint16_t shard, struct bytes message)
{
	const struct parcel p = { .kind = PARCEL_INTER_SHARD,
				  .transport = SIP_INTER_SHARD,
				  .bound = inter_shard_address(shard),
				  .remote = inter_shard_address(from),
				  .data = message };
	uint32_t to, process;
	bool knows, found;

	if (!n->sim->links.on)
		return -EHOSTUNREACH;
	found = owner_find(n, shard, &to, &process, &knows) && to != n->index;
	if (!knows)
		return -EHOSTUNREACH;
	if (!found) /* a take-over is under way */
		return 0;
	n->sim->links.totals.cells++;
	return link_send(n, to, process, &p);
}

static void hear_cell(struct node *n, const struct parcel *p)
{
	const struct sip_hop from = { .transport = SIP_INTER_SHARD, .remote = p->remote };
	struct node_shard *to = node_shard_of(n, inter_shard_of(&p->bound));

	if (!to || !to->core || to->leaving)
		return;
	check_received(n->sim, p->data);
	shard_receive(to->core, &from, p->data, node_now(n));
	node_carry(n);
}

/* ---- what comes ---- */

static void say_gone(struct node *n, const struct parcel *p, uint32_t process)
{
	struct parcel gone = *p;
	uint32_t to;

	gone.kind = PARCEL_GONE;
	gone.data = (struct bytes){ 0 };
	n->sim->links.totals.gone++;
	if (process_find(n, process, &to))
		(void)link_send(n, to, process, &gone);
}

static void hear_send(struct node *n, const struct parcel *p, uint32_t process)
{
	const struct sip_hop hop = { .transport = (enum sip_transport)p->transport,
				     .remote = p->remote,
				     .inbound = true,
				     .connection = p->connection };

	if (!net_send_on(n->sim, n, &hop, p->data))
		say_gone(n, p, process);
}

static void hear_datagram_to_send(struct node *n, const struct parcel *p)
{
	struct sip_hop hop = { .transport = SIP_UDP, .remote = p->remote };

	if (local_of(n, p, &hop) && is_local_here(n, hop.local))
		net_send(n->sim, n, &hop, p->data);
}

static void hear_message(struct node *n, const struct parcel *p, uint32_t process)
{
	struct sip_hop hop = { .transport = SIP_UDP, .remote = p->remote };
	uint32_t own = n->incarnation;

	if (p->kind == PARCEL_RECEIVED && !edge_hop(n, p, process, &hop))
		return;
	if (!local_of(n, p, &hop))
		return;
	if ((link_holds(n, &hop) || !link_take(n, &hop, p->data, true)) &&
	    node_of_process(n->sim, own) == n)
		link_hold(n, &hop, p->data);
}

static void hear_gone(struct node *n, const struct parcel *p, uint32_t process, int error)
{
	struct sip_hop hop;

	if (edge_hop(n, p, process, &hop))
		node_send_failed_by(n, &hop, error);
}

/* Said by a connection here. */
static void hear_back(struct node *n, const struct parcel *p)
{
	struct sip_hop from = { .transport = (enum sip_transport)p->transport,
				.remote = p->remote,
				.inbound = true,
				.connection = p->connection };

	if (local_of(n, p, &from))
		link_hold(n, &from, p->data);
}

void node_link_parcel(struct node *n, const struct parcel *p, uint32_t process)
{
	switch (p->kind) {
	case PARCEL_SEND:
		hear_send(n, p, process);
		break;
	case PARCEL_RECEIVED:
	case PARCEL_HEARD_DATAGRAM:
		hear_message(n, p, process);
		break;
	case PARCEL_GONE:
		hear_gone(n, p, process, ECONNRESET);
		break;
	case PARCEL_BACK:
		hear_back(n, p);
		break;
	case PARCEL_SEND_DATAGRAM:
		hear_datagram_to_send(n, p);
		break;
	case PARCEL_INTER_SHARD:
		hear_cell(n, p);
		break;
	case PARCEL_STATES:
		shard_on_remote(n->shared_tables, process, p->data, node_now(n));
		node_carry(n);
		break;
	case PARCEL_SEND_FLOW: /* no phone stands behind a NAT */
	case PARCEL_HEARD_FLOW:
	case PARCEL_KINDS:
		check_fail(n->sim, "a parcel of kind %d", (int)p->kind);
		break;
	}
}

void node_link_lost(struct node *n, const struct parcel *p, uint32_t process)
{
	if (p->kind == PARCEL_SEND)
		hear_gone(n, p, process, EHOSTUNREACH);
	else if (p->kind == PARCEL_RECEIVED)
		hear_back(n, p);
}

/* ---- of users that are watched, and of calls ---- */

static void news_send(void *arg, uint64_t process, struct bytes outcome)
{
	struct node *n = arg;
	const struct parcel p = { .kind = PARCEL_STATES, .data = outcome };

	for (uint32_t i = 0; i < n->sim->node_count; i++) {
		uint32_t other = link_process(n->sim, n->index, i);

		if (!other || (process && process != other))
			continue;
		n->sim->links.totals.outcome++;
		(void)link_send(n, i, other, &p);
	}
}

static bool news_is_heard(void *arg, uint64_t process)
{
	uint32_t to;

	return process_find(arg, process, &to);
}

static uint32_t news_others(void *arg)
{
	const struct node *n = arg;
	uint32_t count = 0;

	for (uint32_t i = 0; i < n->sim->node_count; i++)
		count += link_process(n->sim, n->index, i) != 0;
	return count;
}

static void command_ask_end(struct node *n, struct node_far *far, const struct remote_joined *told)
{
	uint64_t order = far->order;

	*far = (struct node_far){ 0 };
	node_far_told(n, order, told);
}

static void news_answered(void *arg, const struct remote_item *item)
{
	struct node *n = arg;

	for (uint32_t i = 0; i < NODE_FARS; i++) {
		if (n->fars[i].serial == item->serial && item->kind == REMOTE_JOINED)
			command_ask_end(n, &n->fars[i], &item->joined);
	}
}

/* who: process; a: serial */
static void on_command_ask_late(struct sim *s, const struct event *e)
{
	struct node *n = node_of_process(s, e->who);

	for (uint32_t i = 0; n && i < NODE_FARS; i++) {
		if (n->fars[i].serial != e->a)
			continue;
		command_ask_end(n, &n->fars[i], NULL);
		node_carry(n);
		return;
	}
}

bool node_link_asks(struct node *n, uint64_t order, const struct shard_join *join)
{
	struct sim *s = n->sim;
	struct remote_item ask = { .kind = REMOTE_JOIN,
				   .join = { .call = join->with, .leg = join->with_leg } };
	uint32_t to, process, i = 0;
	bool knows;

	while (i < NODE_FARS && n->fars[i].serial)
		i++;
	if (i == NODE_FARS || !n->shared_tables || !n->shared_tables->remote ||
	    !owner_find(n, id_shard(join->with), &to, &process, &knows) || to == n->index)
		return false;
	s->links.totals.asked++;
	ask.serial = ++s->links.serials;
	ask.join.tenant = bytes_str(tenants_name(n->tenants, n->tenant));
	n->fars[i] = (struct node_far){ .order = order, .serial = ask.serial };
	sim_after(s, REMOTE_WAIT_NS, on_command_ask_late, n->incarnation, ask.serial, 0);
	remote_watch_send(n->shared_tables->remote, process, &ask);
	return true;
}

static void note_processes(struct node *n)
{
	uint64_t heard = 0;

	for (uint32_t i = 0; i < n->sim->node_count; i++)
		heard += link_process(n->sim, n->index, i);
	if (heard != n->lamps_heard)
		shard_remote_joined(n->shared_tables);
	n->lamps_heard = heard;
}

static void on_second(struct sim *s, const struct event *e)
{
	struct node *n = node_of_process(s, e->who);

	if (!n)
		return;
	sim_after(s, NS_PER_S, on_second, e->who, 0, 0);
	if (node_stands(n) ||
	    (!s->blf_keys.count && !n->shared_tables->picking && !callbacks_are_there(s)))
		return;
	note_processes(n);
	shard_remote_second(n->shared_tables, node_now(n).ns);
	node_carry(n);
}

void node_link_flush(struct node *n)
{
	if (n->sim->links.on && n->shared_tables && n->shared_tables->remote)
		remote_watch_flush(n->shared_tables->remote);
}

/* ---- life ---- */

void node_link_begin(struct node *n)
{
	n->settings.edges = n->sim->links.on ? &n->edges : NULL;
	n->edges = (struct hop_edges){ .self = n->incarnation };
	n->lamps_heard = 0;
	links_start(n);
}

void node_link_open(struct node *n)
{
	const struct shard_remote with = { .send = news_send,
					   .is_attached = news_is_heard,
					   .others = news_others,
					   .answered = news_answered,
					   .arg = n };
	int err = 0;

	if (!n->sim->links.on)
		return;
	n->held = calloc(NODE_HELD, sizeof(*n->held));
	assert(n->held);
	if (!n->shared_tables)
		return;
	err = shard_remote_open(n->shared_tables, &with);
	assert(!err);
	(void)err;
	sim_after(n->sim, NS_PER_S, on_second, n->incarnation, 0, 0);
}

void node_link_close(struct node *n)
{
	for (uint32_t i = 0; i < n->held_count; i++)
		text_clear(&n->held[i].message);
	free(n->held);
	n->held = NULL;
	n->held_count = 0;
	for (uint32_t i = 0; i < NODE_FARS; i++)
		n->fars[i] = (struct node_far){ 0 };
}
