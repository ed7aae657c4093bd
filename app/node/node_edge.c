/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moves SIP between nodes: parcels over the channels (cluster/peer/channels.h) to phones connected
 * elsewhere, from phones here to shards elsewhere, and between shards. The transport and
 * node_shards_receive call it when the shard or connection is not here. A message has one owner at
 * a time and is handed on once, so it cannot circle between nodes; ordering per connection is kept
 * by holding messages while a shard moves.
 */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/node/claimant.h"
#include "app/node/node.h"
#include "app/node/node_cluster.h"
#include "app/node/node_edge.h"
#include "app/node/node_life.h"
#include "app/node/node_shard.h"
#include "app/node/node_sip.h"
#include "app/node/node_watch.h"
#include "app/settings/settings.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/validity.h"
#include "cluster/peer/channels.h"
#include "sig/sip/hop.h"
#include "sig/transport/transport.h"

/* A take-over lasts a second or two, a hand-over milliseconds. A phone gives up after 32 s. */
#define HELD_NS       (5 * NS_PER_S)
#define HELD_RETRY_NS (10 * NS_PER_MS)

static struct {
	metric_id taken, late, full;
} g_held_metrics;

void node_held_setup(void)
{
#define HELD(what)                                                                             \
	metric_register(METRIC_COUNTER, "tandem_cluster_held_messages_total",                  \
			"result=\"" what "\"",                                                 \
			"SIP messages of connections that waited for a shard: taken, dropped " \
			"after 5 s, and dropped as too many waited.")
	g_held_metrics.taken = HELD("taken");
	g_held_metrics.late = HELD("late");
	g_held_metrics.full = HELD("full");
#undef HELD
}

static bool held_has_room(const struct node_held *h, size_t octets)
{
	return h->count < NODE_HELD_MAX && h->octets + octets <= NODE_HELD_OCTETS_MAX;
}

static int held_add(struct node_held *h, const struct sip_hop *from, struct bytes message,
		    uint64_t now_ns)
{
	struct node_held_message *m;
	int err;

	assert(!h->retries);
	if (!h->list && !(h->list = calloc(NODE_HELD_MAX, sizeof(*h->list))))
		return -1;
	m = &h->list[h->count];
	*m = (struct node_held_message){ .from = *from, .until_ns = now_ns + HELD_NS };
	err = text_set(&m->message, message);
	if (err)
		return err;
	if (!h->count++)
		h->next_ns = now_ns + HELD_RETRY_NS;
	h->octets += message.n;
	return 0;
}

void node_hold(struct node *n, const struct sip_hop *from, struct bytes message)
{
	if (!sip_transport_is_stream(from->transport) || n->life->phase != NODE_RUNNING)
		return;
	if (!held_has_room(&n->cluster->held, message.n) ||
	    held_add(&n->cluster->held, from, message, clock_now_ns()))
		metric_add(g_held_metrics.full, 1);
}

bool node_holds(const struct node *n, const struct sip_hop *from)
{
	for (uint32_t i = 0; i < n->cluster->held.count; i++) {
		if (n->cluster->held.list[i].from.connection == from->connection &&
		    n->cluster->held.list[i].from.transport == from->transport)
			return true;
	}
	return false;
}

/* True: it waits no longer. */
static bool held_retry(struct node *n, struct node_held_message *m, struct instant now)
{
	if (node_shards_dispatch(n, &m->from, text_bytes(&m->message), 0, now))
		metric_add(g_held_metrics.taken, 1);
	else if (m->until_ns <= now.ns)
		metric_add(g_held_metrics.late, 1);
	else
		return false;
	n->cluster->held.octets -= m->message.n;
	text_clear(&m->message);
	return true;
}

/* In order per connection: behind a message that stays, its others stay, too. */
void node_held_expire(struct node *n, struct instant now)
{
	struct node_held *h = &n->cluster->held;
	uint32_t all = h->count;

	if (!all || h->next_ns > now.ns)
		return;
	h->next_ns = now.ns + HELD_RETRY_NS;
	h->retries = true;
	h->count = 0; /* none stays so far */
	for (uint32_t i = 0; i < all; i++) {
		struct node_held_message *m = &h->list[i];

		if ((m->until_ns > now.ns && node_holds(n, &m->from)) || !held_retry(n, m, now))
			h->list[h->count++] = *m;
	}
	h->retries = false;
}

uint64_t node_held_next_ns(const struct node *n)
{
	return n->cluster->held.count ? n->cluster->held.next_ns : UINT64_MAX;
}

void node_held_close(struct node *n)
{
	for (uint32_t i = 0; i < n->cluster->held.count; i++)
		text_clear(&n->cluster->held.list[i].message);
	free(n->cluster->held.list);
	n->cluster->held = (struct node_held){ 0 };
}

struct node_edge {
	struct channels *channels;
	struct hop_edges names;
	bool hearing;  /* a message that another node handed on, which is not handed on again */
	bool carrying; /* a message that another node wants sent: by this one or not at all */
	struct channels_counts shown;
};

static struct {
	metric_id sent, received, lost, refused;
} g_edge_metrics;

void node_edge_setup(void)
{
#define EDGE(what)                                                                                \
	metric_register(METRIC_COUNTER, "tandem_cluster_messages_total", "result=\"" what "\"",   \
			"SIP messages between nodes, for phones connected to another one: sent, " \
			"received, lost as the other was gone, and connections refused.")
	g_edge_metrics.sent = EDGE("sent");
	g_edge_metrics.received = EDGE("received");
	g_edge_metrics.lost = EDGE("lost");
	g_edge_metrics.refused = EDGE("refused");
#undef EDGE
}

struct hop_edges *node_edge_names(struct node *n)
{
	return n->cluster->edge ? &n->cluster->edge->names : NULL;
}

/* ---- to phones of other nodes ---- */

/* From here on the other node has the message, as the kernel would. */
static bool edge_may_speak(struct node *n, uint8_t place)
{
	uint64_t now_ns;

	if (!validity_has_ended(&n->shards->validity, &now_ns) ||
	    !validity_is_past(&n->shards->validity, place, now_ns))
		return true;
	validity_withhold(&n->shards->validity, place);
	return false;
}

/* The node with that address sends it. If none is known it is lost, and retransmitted. */
static int edge_send_datagram(struct node *n, uint8_t place, const struct sip_hop *hop,
			      struct bytes message)
{
	uint16_t shard = n->sip->local_shards[hop->local];
	struct parcel p = { .kind = PARCEL_SEND_DATAGRAM,
			    .transport = SIP_UDP,
			    .bound = n->sip->local_binds[hop->local],
			    .remote = hop->remote,
			    .data = message };
	struct channel_to to;

	if (n->cluster->edge->carrying || !shard ||
	    !claimant_owner(n->cluster->claimant, shard, &to))
		return -ENOBUFS;
	return edge_may_speak(n, place) ? channels_send(n->cluster->edge->channels, &to, &p) : 0;
}

static int edge_send(void *arg, uint8_t place, const struct sip_hop *hop, struct bytes message)
{
	struct node *n = arg;
	struct parcel p = { .kind = hop->transport == SIP_UDP ? PARCEL_SEND_FLOW : PARCEL_SEND,
			    .transport = (uint8_t)hop->transport,
			    .remote = hop->remote,
			    .data = message };
	struct channel_to to;
	struct hop_edge edge;

	if (message.n > PARCEL_DATA_MAX)
		return -EMSGSIZE;
	if (hop->transport == SIP_UDP && !hop_is_edge(hop->connection))
		return edge_send_datagram(n, place, hop, message);
	if (!hop_edge_get(&n->cluster->edge->names, hop->connection, &edge) ||
	    !claimant_process(n->cluster->claimant, edge.process, &to))
		return -ENOTCONN;
	if (!edge_may_speak(n, place))
		return 0;
	p.connection = edge.connection;
	return channels_send(n->cluster->edge->channels, &to, &p);
}

static bool edge_hop(struct node *n, const struct parcel *p, uint64_t incarnation,
		     struct sip_hop *out)
{
	const struct hop_edge edge = { incarnation, p->connection };

	*out = (struct sip_hop){ .transport = (enum sip_transport)p->transport,
				 .remote = p->remote,
				 .inbound = true,
				 .connection = hop_edge_put(&n->cluster->edge->names, &edge) };
	return p->transport < SIP_TRANSPORTS && sip_transport_is_stream(out->transport) &&
	       out->connection;
}

static bool edge_hop_flow(struct node *n, const struct parcel *p, uint64_t incarnation,
			  struct sip_hop *out)
{
	const struct hop_edge edge = { incarnation, p->connection };

	*out = (struct sip_hop){ .transport = SIP_UDP,
				 .remote = p->remote,
				 .connection = hop_edge_put(&n->cluster->edge->names, &edge) };
	return hop_is_edge(out->connection);
}

/* The phone may come back: its transactions wait, as if its connection had been here.
 * ECONNRESET: its node says that the connection is gone. */
static void edge_gone(struct node *n, const struct parcel *p, uint64_t incarnation, int error)
{
	struct sip_hop hop;

	if (edge_hop(n, p, incarnation, &hop))
		node_on_send_error(&hop, error, n);
}

/* The named address, and no other one. */
static bool edge_bound(const struct node *n, const struct parcel *p, struct sip_hop *hop)
{
	for (uint32_t i = 0; i < n->sip->local_count; i++) {
		if (n->sip->local_transports[i] == hop->transport &&
		    addr_eq(&n->sip->local_binds[i], &p->bound)) {
			hop->local = (uint16_t)i;
			return true;
		}
	}
	return false;
}

/* ---- on connections and from addresses of this node ---- */

static void edge_say_gone(struct node *n, const struct parcel *p, uint64_t incarnation)
{
	struct parcel gone = *p;
	struct channel_to to;

	gone.kind = PARCEL_GONE;
	gone.data = (struct bytes){ 0 };
	if (!claimant_process(n->cluster->claimant, incarnation, &to) ||
	    channels_send(n->cluster->edge->channels, &to, &gone))
		LOG_DEBUG("node", 0, "another node is not told that a connection is gone");
}

/* A full queue is no verdict on the phone: transactions retransmit, or time out. */
static void edge_carry(struct node *n, const struct parcel *p, uint64_t incarnation)
{
	const struct sip_hop hop = { .transport = (enum sip_transport)p->transport,
				     .remote = p->remote,
				     .inbound = true,
				     .connection = p->connection };
	int err = -ENOTCONN;

	if (p->transport < SIP_TRANSPORTS && sip_transport_is_stream(hop.transport) &&
	    !hop_is_edge(hop.connection))
		err = transport_send(n->sip->transport, &hop, p->data);
	if (err && err != -ENOBUFS)
		edge_say_gone(n, p, incarnation);
}

/* Only from an address that is here: the other node learns of a move before its next message. */
static void edge_carry_datagram(struct node *n, const struct parcel *p)
{
	struct sip_hop hop = { .transport = SIP_UDP, .remote = p->remote };

	if (!edge_bound(n, p, &hop))
		return;
	n->cluster->edge->carrying = true;
	if (transport_send(n->sip->transport, &hop, p->data))
		LOG_DEBUG("node", 0, "a datagram of another node is not sent");
	n->cluster->edge->carrying = false;
}

static void edge_carry_flow(struct node *n, const struct parcel *p)
{
	struct sip_hop hop = { .transport = SIP_UDP, .remote = p->remote };
	uint32_t i = 0;

	while (i < n->sip->local_count && hop_edge_flow((uint16_t)i) != p->connection)
		i++;
	hop.local = (uint16_t)i;
	if (i == n->sip->local_count || n->sip->local_transports[i] != SIP_UDP)
		return;
	n->cluster->edge->carrying = true;
	if (transport_send(n->sip->transport, &hop, p->data))
		LOG_DEBUG("node", 0, "a datagram of another node is not sent");
	n->cluster->edge->carrying = false;
}

/* ---- from phones of other nodes ---- */

/* An address that moves with its shard is the same on each node; else one of the same kind. */
static bool edge_local(const struct node *n, const struct parcel *p, struct sip_hop *hop)
{
	bool found = edge_bound(n, p, hop);

	for (uint32_t i = 0; i < n->sip->local_count && !found; i++) {
		found = n->sip->local_transports[i] == hop->transport &&
			n->sip->local_binds[i].family == p->remote.family;
		hop->local = (uint16_t)i;
	}
	return found;
}

static bool edge_heard_at(struct node *n, const struct parcel *p, uint64_t incarnation,
			  struct sip_hop *hop)
{
	if (p->kind == PARCEL_HEARD_FLOW)
		return edge_hop_flow(n, p, incarnation, hop) && edge_local(n, p, hop);
	if (!parcel_is_datagram(p))
		return edge_hop(n, p, incarnation, hop) && edge_local(n, p, hop);
	*hop = (struct sip_hop){ .transport = SIP_UDP, .remote = p->remote };
	return edge_bound(n, p, hop);
}

static void edge_on_parcel(struct node *n, const struct parcel *p, uint64_t incarnation)
{
	struct sip_hop hop;

	if (!edge_heard_at(n, p, incarnation, &hop))
		return;
	n->cluster->edge->hearing = true;
	node_on_message(&hop, p->data, n);
	n->cluster->edge->hearing = false;
}

static bool edge_is_own(const struct sip_hop *from)
{
	return from->inbound && from->connection && !hop_is_edge(from->connection);
}

/* An address that moves with its shard names its sender. */
static enum parcel_kind received_as(const struct node *n, const struct sip_hop *from)
{
	if (from->transport != SIP_UDP)
		return PARCEL_RECEIVED;
	return n->sip->local_shards[from->local] ? PARCEL_HEARD_DATAGRAM : PARCEL_HEARD_FLOW;
}

/* Another process has the shard by now, and the sender does not know yet:
 * it will soon, and hands it on anew. */
static bool edge_give_back(struct node *n, uint16_t shard, const struct sip_hop *from,
			   struct bytes message)
{
	struct parcel p = { .kind = PARCEL_BACK,
			    .transport = (uint8_t)from->transport,
			    .bound = n->sip->local_binds[from->local],
			    .remote = from->remote,
			    .data = message };
	struct channel_to to;
	struct hop_edge edge;

	if (!claimant_owner(n->cluster->claimant, shard, &to) ||
	    !hop_edge_get(&n->cluster->edge->names, from->connection, &edge) ||
	    !claimant_process(n->cluster->claimant, edge.process, &to))
		return false;
	p.connection = edge.connection;
	return channels_send(n->cluster->edge->channels, &to, &p) == 0;
}

bool node_edge_hand(struct node *n, uint16_t shard, const struct sip_hop *from,
		    struct bytes message)
{
	bool datagram = from->transport == SIP_UDP;
	struct parcel p = { .kind = received_as(n, from),
			    .transport = (uint8_t)from->transport,
			    .connection = from->connection,
			    .remote = from->remote,
			    .data = message };
	struct channel_to to;

	if (!n->cluster->edge || message.n > PARCEL_DATA_MAX)
		return false;
	if (!datagram && hop_is_edge(from->connection))
		return edge_give_back(n, shard, from, message);
	if (n->cluster->edge->hearing || (!datagram && !edge_is_own(from)) ||
	    !claimant_owner(n->cluster->claimant, shard, &to))
		return false;
	p.bound = n->sip->local_binds[from->local];
	if (p.kind == PARCEL_HEARD_FLOW)
		p.connection = hop_edge_flow(from->local);
	return channels_send(n->cluster->edge->channels, &to, &p) == 0;
}

/* ---- between shards ---- */

int node_edge_inter_shard(struct node *n, uint16_t from, uint16_t to, struct bytes message)
{
	struct parcel p = { .kind = PARCEL_INTER_SHARD,
			    .transport = SIP_INTER_SHARD,
			    .bound = inter_shard_address(to),
			    .remote = inter_shard_address(from),
			    .data = message };
	struct channel_to owner;

	if (message.n > PARCEL_DATA_MAX)
		return -EMSGSIZE;
	if (!n->cluster->edge || !claimant_knows(n->cluster->claimant, to))
		return -EHOSTUNREACH;
	return claimant_owner(n->cluster->claimant, to, &owner)
		       ? /* else a take-over is under way */
		       channels_send(n->cluster->edge->channels, &owner, &p)
		       : 0;
}

/* If the shard has moved, or is not live yet, the sender repeats it. */
static void edge_inter_shard(struct node *n, const struct parcel *p)
{
	const struct sip_hop from = { .transport = SIP_INTER_SHARD, .remote = p->remote };
	uint16_t number = inter_shard_of(&p->bound);
	struct node_shard *to = number ? node_shard_find(n, number) : NULL;

	if (!to || !inter_shard_of(&p->remote) || !node_shard_listens(to))
		return;
	shard_receive(to->core, &from, p->data, clock_instant());
	node_on_passed(&from, false, 0, p->data, NULL, n);
}

/* ---- watched users ---- */

void node_edge_on_message(struct node *n, const struct channel_to *to, struct bytes outcome)
{
	const struct parcel p = { .kind = PARCEL_STATES, .data = outcome };

	if (channels_send(n->cluster->edge->channels, to, &p))
		LOG_DEBUG("node", 0, "another node is not told which users are watched");
}

/* ---- channels ---- */

/* A message from here to a node that is gone or lost the shard: the next owner gets it. */
static void edge_hold(struct node *n, const struct parcel *p)
{
	struct sip_hop from = { .transport = (enum sip_transport)p->transport,
				.remote = p->remote,
				.inbound = true,
				.connection = p->connection };

	if (edge_local(n, p, &from))
		node_hold(n, &from, p->data);
}

static void on_parcel(const struct parcel *p, uint64_t id, uint64_t incarnation, void *arg)
{
	struct node *n = arg;

	(void)id;
	if (n->life->phase != NODE_RUNNING || !n->sip->transport)
		return;
	switch (p->kind) {
	case PARCEL_SEND:
		edge_carry(n, p, incarnation);
		return;
	case PARCEL_RECEIVED:
		edge_on_parcel(n, p, incarnation);
		return;
	case PARCEL_GONE:
		edge_gone(n, p, incarnation, ECONNRESET);
		return;
	case PARCEL_SEND_DATAGRAM:
		edge_carry_datagram(n, p);
		return;
	case PARCEL_HEARD_DATAGRAM:
	case PARCEL_HEARD_FLOW:
		edge_on_parcel(n, p, incarnation);
		return;
	case PARCEL_SEND_FLOW:
		edge_carry_flow(n, p);
		return;
	case PARCEL_INTER_SHARD:
		edge_inter_shard(n, p);
		return;
	case PARCEL_STATES:
		node_blf_on_message(n, incarnation, p->data);
		return;
	case PARCEL_BACK:
		edge_hold(n, p);
		return;
	case PARCEL_KINDS:
		return;
	}
}

static void on_lost(const struct parcel *p, uint64_t incarnation, void *arg)
{
	if (p->kind == PARCEL_SEND)                           /* datagrams are retransmitted */
		edge_gone(arg, p, incarnation, EHOSTUNREACH); /* it may be up all the same */
	else if (p->kind == PARCEL_RECEIVED)
		edge_hold(arg, p);
}

static void on_files(int fd, const uint8_t hello[CHANNEL_HELLO_LEN], void *arg)
{
	struct node *n = arg;

	n->hooks->files(n, fd, hello, CHANNEL_HELLO_LEN);
}

int node_edge_open(struct node *n)
{
	const struct channels_handlers handlers = {
		.parcel = on_parcel, .lost = on_lost, .files = on_files, .arg = n
	};
	struct channels_settings settings = { .listen = n->settings->cluster.listen,
					      .rand = &n->rand };
	struct node_edge *e;
	int err;

	if (!n->cluster->claimant)
		return 0;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	claimant_self(n->cluster->claimant, &settings.id, &settings.incarnation);
	e->names.self = settings.incarnation;
	keys_derive(&n->keys, "tandem channel 1", settings.key);
	err = channels_open(&e->channels, &settings, &handlers);
	explicit_bzero(settings.key, sizeof(settings.key));
	if (err) {
		LOG_ERROR("node", 0, "cannot listen for connections of nodes at cluster.listen",
			  LOG_ADDR("address", &n->settings->cluster.listen),
			  LOG_STR("error", strerror(-err)));
		free(e);
		return err;
	}
	n->cluster->edge = e;
	return 0;
}

void node_edge_provide(struct node *n)
{
	const struct transport_edge edge = { .send = edge_send, .arg = n };

	if (n->cluster->edge)
		transport_provide_edge(n->sip->transport, &edge);
}

void node_edge_close(struct node *n)
{
	if (!n->cluster->edge)
		return;
	channels_close(n->cluster->edge->channels);
	free(n->cluster->edge);
	n->cluster->edge = NULL;
}

void node_edge_expire(struct node *n, uint64_t now_ns)
{
	if (n->cluster->edge && channels_next_ns(n->cluster->edge->channels) <= now_ns)
		channels_expire(n->cluster->edge->channels, now_ns);
}

uint64_t node_edge_next_ns(const struct node *n)
{
	return n->cluster->edge ? channels_next_ns(n->cluster->edge->channels) : UINT64_MAX;
}

void node_edge_metrics(const struct node *n)
{
	const struct channels_counts *now;
	struct channels_counts *shown;

	if (!n->cluster->edge)
		return;
	now = channels_counts(n->cluster->edge->channels);
	shown = &n->cluster->edge->shown;
	metric_add(g_edge_metrics.sent, now->sent - shown->sent);
	metric_add(g_edge_metrics.received, now->received - shown->received);
	metric_add(g_edge_metrics.lost, now->lost - shown->lost);
	metric_add(g_edge_metrics.refused, now->refused - shown->refused);
	*shown = *now;
}
