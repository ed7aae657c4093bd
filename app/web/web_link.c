/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rings between the web thread and the loop's thread: SIP messages of WebSockets as a transport
 * provider, and generic questions with answers. sig/transport sends by it; web_sip.c and web_api.c
 * are on the other side. Every queue is bounded per connection and in all; a browser that does not
 * read is cut off, since missed SIP cannot be made good. Messages of a shard without a valid lease
 * are withheld just before they are written.
 */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "app/web/web_link.h"
#include "base/metric.h"
#include "base/validity.h"

/* in is watched and empty. On an error both are closed. 0 or -errno. */
static int web_rings_open(struct ring *in, struct web_rings_size in_size, struct ring *out,
			  struct web_rings_size out_size, loop_fd_fn *on_in, void *arg)
{
	int err;

	in->wake_fd = out->wake_fd = -1;
	err = ring_open(in, in_size.item, in_size.count);
	if (!err)
		err = ring_open(out, out_size.item, out_size.count);
	if (!err)
		err = loop_watch(in->wake_fd, LOOP_READ, on_in, arg);
	if (err) {
		ring_close(in);
		ring_close(out);
		return err;
	}
	if (!ring_sleep(in))
		assert(false && "nobody can have come");
	return 0;
}

static void web_rings_close(struct ring *in, struct ring *out)
{
	loop_unwatch(in->wake_fd);
	ring_close(in);
	ring_close(out);
}

enum { WEB_ASKED_SIZE_MAX = 512 };

struct web_asks {
	web_asked_fn *asked;
	void *arg;
	void (*wake)(void *arg);
	void *wake_arg;
	struct ring in, out;
};

static void on_asks(int fd, unsigned events, void *arg)
{
	struct web_asks *a = arg;
	uint64_t item[WEB_ASKED_SIZE_MAX / sizeof(uint64_t)];

	(void)fd;
	(void)events;
	ring_awake(&a->in);
	do {
		while (ring_pop(&a->in, item, 1))
			a->asked(item, a->arg);
	} while (!ring_sleep(&a->in));
}

int web_asks_open(struct web_asks **out, struct web_asks_size size, web_asked_fn *asked, void *arg)
{
	struct web_asks *a = calloc(1, sizeof(*a));
	int err;

	if (!a)
		return -ENOMEM;
	assert(size.asked <= WEB_ASKED_SIZE_MAX);
	a->asked = asked;
	a->arg = arg;
	err = web_rings_open(&a->in, (struct web_rings_size){ size.asked, size.count }, &a->out,
			     (struct web_rings_size){ size.answered, size.count }, on_asks, a);
	if (err) {
		free(a);
		return err;
	}
	*out = a;
	return 0;
}

void web_asks_close(struct web_asks *a)
{
	if (!a)
		return;
	web_rings_close(&a->in, &a->out);
	free(a);
}

bool web_asks_finish(struct web_asks *a, const void *answered)
{
	bool fits = ring_push(&a->out, answered);

	if (a->wake)
		a->wake(a->wake_arg);
	return fits;
}

void web_asks_answer(struct web_asks *a, const void *answered)
{
	if (!web_asks_finish(a, answered))
		assert(false && "each question has one answer");
}

bool web_asks_left(struct web_asks *a, void *asked)
{
	return ring_pop(&a->in, asked, 1) == 1;
}

void web_asks_attach(struct web_asks *a, void (*wake)(void *arg), void *arg)
{
	a->wake = wake;
	a->wake_arg = arg;
}

bool web_asks_offer(struct web_asks *a, const void *asked)
{
	return ring_push(&a->in, asked);
}

void web_asks_push(struct web_asks *a, const void *asked)
{
	if (!web_asks_offer(a, asked))
		assert(false && "there are as many places as the ring has");
}

bool web_asks_pop(struct web_asks *a, void *answered)
{
	return ring_pop(&a->out, answered, 1) == 1;
}

enum { WATCH_BITS = 16 };

/* An item for the loop. */
struct item {
	struct sip_hop hop;
	uint8_t *data;       /* NULL: the connection has ended, or see refused */
	const char *refused; /* why a peer was refused */
	size_t n;
};

struct link_place {
	_Atomic uint32_t in;     /* messages in the ring */
	_Atomic uint32_t octets; /* on their way to the browser */
	uint64_t live;           /* loop: the connection that takes messages; 0: none */
	enum sip_transport transport;
	bool is_cut;     /* loop: its end was requested */
	bool is_trusted; /* loop: and the web thread knows */
};

struct web_link {
	struct transport_handlers handlers;
	struct validity *validity;
	struct ring in, out;
	void (*wake)(void *arg);
	void *wake_arg;
	uint64_t names; /* web thread: given so far */
	uint32_t live[SIP_TRANSPORTS];
	bool has_new; /* loop: the web thread has to be woken */
	uint32_t count;
	struct link_place places[];
};

static struct {
	metric_id in, out, gone, ring_full, queue_full, size, memory, fenced;
	metric_id connections[2];
} g_link_metrics;

static metric_id web_counter(const char *name, const char *labels, const char *help)
{
	return metric_register(METRIC_COUNTER, name, labels, help);
}

void web_link_setup(void)
{
	static const char drops[] = "tandem_sip_ws_drops_total";
	static const char messages[] = "tandem_sip_ws_messages_total";
	static const char gauge[] = "tandem_sip_ws_connections";
	static const char not_sent[] = "SIP messages not sent over WebSocket";

	g_link_metrics.in =
		web_counter(messages, "direction=\"in\"", "SIP messages over WebSocket");
	g_link_metrics.out =
		web_counter(messages, "direction=\"out\"", "SIP messages over WebSocket");
	g_link_metrics.gone = web_counter(drops, "reason=\"no_connection\"", not_sent);
	g_link_metrics.ring_full = web_counter(drops, "reason=\"ring_full\"", not_sent);
	g_link_metrics.queue_full = web_counter(drops, "reason=\"send_queue_full\"", not_sent);
	g_link_metrics.size = web_counter(drops, "reason=\"too_large\"", not_sent);
	g_link_metrics.memory = web_counter(drops, "reason=\"out_of_memory\"", not_sent);
	g_link_metrics.fenced = web_counter(drops, "reason=\"fenced\"", not_sent);
	g_link_metrics.connections[0] = metric_register(METRIC_GAUGE, gauge, "transport=\"ws\"",
							"WebSockets that carry SIP");
	g_link_metrics.connections[1] = metric_register(METRIC_GAUGE, gauge, "transport=\"wss\"",
							"WebSockets that carry SIP");
}

uint32_t web_link_place(uint64_t connection)
{
	return (uint32_t)(connection & ((1U << WATCH_BITS) - 1));
}

static struct link_place *link_place_of(struct web_link *l, uint64_t connection)
{
	uint32_t at = web_link_place(connection);

	return connection & TRANSPORT_PROVIDED && at < l->count ? &l->places[at] : NULL;
}

/* ---- the loop's thread ---- */

static void count_live(struct web_link *l, enum sip_transport transport, int change)
{
	assert(sip_transport_is_web(transport));
	l->live[transport] += (uint32_t)change;
	metric_set(g_link_metrics.connections[transport - SIP_WS], l->live[transport]);
}

static void place_start(struct web_link *l, struct link_place *p, const struct sip_hop *hop)
{
	if (p->live == hop->connection)
		return;
	assert(!p->live);
	p->live = hop->connection;
	p->transport = hop->transport;
	p->is_cut = p->is_trusted = false;
	count_live(l, p->transport, 1);
}

static void place_end(struct web_link *l, struct link_place *p, const struct sip_hop *hop)
{
	if (p->live != hop->connection)
		return;
	p->live = 0;
	count_live(l, p->transport, -1);
	l->handlers.closed(hop, l->handlers.arg);
}

static void one(struct web_link *l, const struct item *item)
{
	struct link_place *p = link_place_of(l, item->hop.connection);

	if (item->refused) {
		if (l->handlers.refused)
			l->handlers.refused(&item->hop, item->refused, l->handlers.arg);
		return;
	}
	assert(p);
	if (!item->data) {
		place_end(l, p, &item->hop);
		return;
	}
	place_start(l, p, &item->hop);
	metric_add(g_link_metrics.in, 1);
	l->handlers.receive(&item->hop, bytes_mem(item->data, item->n), l->handlers.arg);
	/* relaxed: a count, nothing is read because of it */
	atomic_fetch_sub_explicit(&p->in, 1, memory_order_relaxed);
	free(item->data);
}

/* The rest wakes the next round: others have turns between. */
static void on_ring(int fd, unsigned events, void *arg)
{
	struct web_link *l = arg;
	struct item item;

	(void)events;
	ring_awake(&l->in);
	for (int i = 0; i < WEB_LINK_ROUND; i++) {
		while (!ring_pop(&l->in, &item, 1)) {
			if (ring_sleep(&l->in))
				return;
		}
		one(l, &item);
	}
	(void)eventfd_write(fd, 1);
}

int web_link_open(struct web_link **out, uint32_t places, const struct transport_handlers *handlers,
		  struct validity *validity)
{
	struct web_link *l;
	int err;

	assert(places && places <= WEB_LINK_PLACES_MAX);
	places += WEB_LINK_SPARE;
	l = calloc(1, sizeof(*l) + places * sizeof(l->places[0]));
	if (!l)
		return -ENOMEM;
	l->handlers = *handlers;
	l->validity = validity;
	l->count = places;
	err = web_rings_open(&l->in, (struct web_rings_size){ sizeof(struct item), WEB_LINK_IN },
			     &l->out,
			     (struct web_rings_size){ sizeof(struct web_link_out), WEB_LINK_OUT },
			     on_ring, l);
	if (err) {
		free(l);
		return err;
	}
	*out = l;
	return 0;
}

void web_link_close(struct web_link *l)
{
	struct web_link_out out;
	struct item item;

	if (!l)
		return;
	while (ring_pop(&l->in, &item, 1))
		free(item.data);
	while (ring_pop(&l->out, &out, 1))
		free(out.data);
	web_rings_close(&l->in, &l->out);
	free(l);
}

static int link_drop(metric_id why, int err)
{
	metric_add(why, 1);
	return err;
}

/* Cuts off a browser that does not read: missed messages cannot be made good. */
static int cut_off(struct web_link *l, struct link_place *p, const struct sip_hop *hop)
{
	const struct web_link_out out = { .connection = hop->connection };

	if (ring_push(&l->out, &out))
		p->is_cut = l->has_new = true;
	return link_drop(g_link_metrics.queue_full, -ENOBUFS);
}

static int message_queue(struct web_link *l, struct link_place *p, uint8_t place,
			 const struct sip_hop *hop, struct bytes message)
{
	struct web_link_out out = { .connection = hop->connection, .n = message.n, .place = place };

	out.data = malloc(WEB_LINK_ROOM + message.n);
	if (!out.data)
		return link_drop(g_link_metrics.memory, -ENOBUFS);
	memcpy(out.data + WEB_LINK_ROOM, message.p, message.n);
	/* relaxed: a count; the ring orders the message itself */
	atomic_fetch_add_explicit(&p->octets, (uint32_t)message.n, memory_order_relaxed);
	if (!ring_push(&l->out, &out)) {
		atomic_fetch_sub_explicit(&p->octets, (uint32_t)message.n, memory_order_relaxed);
		free(out.data);
		return link_drop(g_link_metrics.ring_full, -ENOBUFS);
	}
	metric_add(g_link_metrics.out, 1);
	l->has_new = true;
	return 0;
}

/* A full ring: its next message proves it again. */
static void place_trust(struct web_link *l, struct link_place *p, const struct sip_hop *hop)
{
	const struct web_link_out out = { .connection = hop->connection, .trusted = true };

	if (p->is_trusted || !ring_push(&l->out, &out))
		return;
	p->is_trusted = l->has_new = true;
}

static void provider_trust(void *arg, const struct sip_hop *hop)
{
	struct web_link *l = arg;
	struct link_place *p = link_place_of(l, hop->connection);

	if (p && p->live == hop->connection)
		place_trust(l, p, hop);
}

static int provider_send(void *arg, uint8_t place, const struct sip_hop *hop, struct bytes message)
{
	struct web_link *l = arg;
	struct link_place *p = link_place_of(l, hop->connection);
	uint32_t waiting;

	if (!p || p->live != hop->connection || p->is_cut || p->transport != hop->transport)
		return link_drop(g_link_metrics.gone, -ENOTCONN);
	if (message.n > STREAM_MESSAGE_MAX)
		return link_drop(g_link_metrics.size, -EMSGSIZE);
	if (message.n && message.p[0] >= 'A' && message.p[0] <= 'Z' &&
	    !bytes_starts(message, "SIP/2.0 ")) /* a request: of a call that was admitted */
		place_trust(l, p, hop);
	waiting = atomic_load_explicit(&p->octets, memory_order_relaxed);
	if (waiting + message.n > WEB_LINK_OUT_OCTETS)
		return cut_off(l, p, hop);
	return message_queue(l, p, place, hop, message);
}

static void provider_flush(void *arg)
{
	struct web_link *l = arg;

	if (l->has_new && l->wake)
		l->wake(l->wake_arg);
	l->has_new = false;
}

static uint32_t provider_connections(const void *arg, enum sip_transport transport)
{
	const struct web_link *l = arg;

	return l->live[transport];
}

struct transport_provider web_link_provider(struct web_link *l)
{
	return (struct transport_provider){ .send = provider_send,
					    .trust = provider_trust,
					    .flush = provider_flush,
					    .connections = provider_connections,
					    .arg = l };
}

/* ---- the web thread ---- */

void web_link_attach(struct web_link *l, void (*wake)(void *arg), void *arg)
{
	l->wake = wake;
	l->wake_arg = arg;
}

uint64_t web_link_name(struct web_link *l, uint32_t place)
{
	assert(place < l->count);
	return TRANSPORT_PROVIDED | ++l->names << WATCH_BITS | place;
}

int web_link_bring(struct web_link *l, const struct sip_hop *hop, struct bytes message)
{
	struct link_place *p = link_place_of(l, hop->connection);
	struct item item = { .hop = *hop, .n = message.n };

	assert(p);
	if (atomic_load_explicit(&p->in, memory_order_relaxed) >= WEB_LINK_IN_EACH)
		return -EAGAIN;
	item.data = malloc(message.n + 1);
	if (!item.data)
		return -ENOMEM;
	memcpy(item.data, message.p, message.n);
	atomic_fetch_add_explicit(&p->in, 1, memory_order_relaxed);
	if (ring_push(&l->in, &item))
		return 0;
	atomic_fetch_sub_explicit(&p->in, 1, memory_order_relaxed);
	free(item.data);
	return -EAGAIN;
}

void web_link_refused(struct web_link *l, const struct addr *remote, enum tls_failure why)
{
	const struct item item = { .hop = { .transport = SIP_WSS, .remote = *remote },
				   .refused = tls_failure_name(why) };

	(void)ring_push(&l->in, &item);
}

bool web_link_ended(struct web_link *l, const struct sip_hop *hop)
{
	const struct item item = { .hop = *hop };

	return ring_push(&l->in, &item);
}

bool web_link_pop(struct web_link *l, struct web_link_out *out)
{
	return ring_pop(&l->out, out, 1) == 1;
}

bool web_link_withholds(struct web_link *l, const struct web_link_out *out)
{
	uint64_t now_ns;

	if (!validity_has_ended(l->validity, &now_ns) ||
	    !validity_is_past(l->validity, out->place, now_ns))
		return false;
	validity_withhold(l->validity, out->place);
	metric_add(g_link_metrics.fenced, 1);
	return true;
}

void web_link_sent(struct web_link *l, const struct web_link_out *out)
{
	struct link_place *p = link_place_of(l, out->connection);

	assert(p);
	atomic_fetch_sub_explicit(&p->octets, (uint32_t)out->n, memory_order_relaxed);
}
