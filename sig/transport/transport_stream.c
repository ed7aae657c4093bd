/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/transport/transport_stream.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/rand.h"
#include "sig/transport/stream_connection.h"

void stream_ask_flush(struct stream_connection *c)
{
	if (c->in_flush)
		return;
	c->in_flush = true;
	stream_list_add(c->owner, &c->owner->flush, c->self);
}

/* Those who come in a round have places before those who go for them have left theirs, and each listener has its round. */
static int stream_tables_open(struct transport_stream *t, uint32_t listeners)
{
	uint32_t n = t->limits.connections + STREAM_ACCEPTS * (listeners + 1);
	struct rand_source rand;

	rand_open_system(&rand);
	t->key.k0 = rand_u64_from(&rand);
	t->key.k1 = rand_u64_from(&rand);
	wheel_open(&t->wheel, clock_now_ns());
	t->flush.list = calloc(n, sizeof(t->flush.list[0]));
	t->handshakes.list = calloc(n, sizeof(t->handshakes.list[0]));
	t->space = malloc(STREAM_READ_MAX);
	if (!t->flush.list || !t->handshakes.list || !t->space ||
	    pool_open(&t->pool, sizeof(struct stream_connection), n) ||
	    table_open(&t->by_source, n) || table_open(&t->by_target, n))
		return -ENOMEM;
	t->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return t->spare < 0 ? -errno : 0;
}

int transport_stream_open(struct transport_stream **out, const struct transport_settings *settings,
			  const struct transport_handlers *handlers)
{
	struct transport_stream *t =
		calloc(1, sizeof(*t) + settings->count * sizeof(t->listeners[0]));
	int err;

	assert(settings->limits.connections && settings->dscp < 64);
	assert(settings->limits.handshakes.per_s && settings->limits.handshakes.burst);
	assert(settings->limits.handshakes_per_source.per_s &&
	       settings->limits.handshakes_per_source.burst);
	if (!t)
		return -ENOMEM;
	t->handlers = *handlers;
	t->limits = settings->limits;
	t->tls = settings->tls;
	t->names = settings->names;
	t->validity = settings->validity;
	t->dscp = settings->dscp;
	t->spare = -1;
	stream_metrics_register(t);
	err = stream_tables_open(t, settings->count);
	for (; !err && t->count < settings->count; t->count++) {
		err = stream_listener_open(&t->listeners[t->count], t,
					   &settings->listeners[t->count], (uint16_t)t->count);
	}
	if (err) {
		transport_stream_close(t);
	} else {
		*out = t;
	}
	return err;
}

static void close_connections(struct transport_stream *t)
{
	struct stream_connection *c;
	uint32_t cursor = 0;
	pool_handle h;

	transport_stream_flush(t);
	while ((c = pool_next(&t->pool, &cursor, &h)) != NULL)
		stream_connection_close(c, STREAM_END_STOP, ENOTCONN);
	pool_close(&t->pool);
}

void transport_stream_unlisten(struct transport_stream *t, uint32_t local)
{
	struct stream_connection *c;
	uint32_t cursor = 0;
	pool_handle h;

	if (t->listeners[local].fd < 0)
		return;
	stream_listener_close(&t->listeners[local]);
	while ((c = pool_next(&t->pool, &cursor, &h)) != NULL) {
		if (c->hop.local == local)
			stream_connection_close(c, STREAM_END_STOP, ENOTCONN);
	}
}

void transport_stream_close(struct transport_stream *t)
{
	if (!t)
		return;
	for (uint32_t i = 0; i < t->count; i++)
		stream_listener_close(&t->listeners[i]);
	if (t->pool.slots)
		close_connections(t);
	table_close(&t->by_source);
	table_close(&t->by_target);
	if (t->spare >= 0)
		(void)close(t->spare);
	free(t->flush.list);
	free(t->handshakes.list);
	free(t->space);
	free(t);
}

int transport_stream_send(struct transport_stream *t, uint8_t place, const struct sip_hop *hop,
			  struct bytes message)
{
	bool own = !bytes_starts(message, "SIP/2.0 "); /* a request: of a call that was let in */
	struct stream_connection *c;
	int err;

	if (message.n > STREAM_MESSAGE_MAX)
		return stream_drop(t, STREAM_DROP_SIZE, -EMSGSIZE);
	err = stream_connection_for(t, hop, own, &c);
	if (err)
		return err;
	if (own)
		stream_connection_trust(c);
	err = stream_connection_queue(c, place, message);
	if (err)
		return stream_drop(t, STREAM_DROP_QUEUE, err);
	stream_count(t, STREAM_SENT);
	return 0;
}

/* Also of one that says nothing more. */
bool transport_stream_certified(const struct transport_stream *t, const struct sip_hop *hop,
				const char *domain)
{
	const struct stream_connection *c =
		hop->connection ? pool_get(&t->pool, hop->connection) : NULL;

	return c && c->tls && tls_is_certified_for(c->tls, domain);
}

void transport_stream_trust(struct transport_stream *t, const struct sip_hop *hop)
{
	struct stream_connection *c = stream_usable(t, hop->connection, hop->transport);

	if (c)
		stream_connection_trust(c);
}

/* What a flush brings about may ask for another one: that is the next round's. */
void transport_stream_flush(struct transport_stream *t)
{
	uint32_t n = t->flush.count;

	for (uint32_t i = 0; i < n; i++) {
		struct stream_connection *c = pool_get(&t->pool, t->flush.list[i]);

		t->flush.list[i] = 0;
		if (!c)
			continue;
		c->in_flush = false;
		stream_connection_flush(c);
	}
	stream_list_compact(t, &t->flush);
	if (t->handshakes.count)
		stream_handshakes_go(t, clock_now_ns());
}

uint64_t transport_stream_next_ns(const struct transport_stream *t)
{
	uint64_t timer = wheel_next_ns(&t->wheel), handshake = stream_handshakes_next_ns(t);

	return timer < handshake ? timer : handshake;
}

void transport_stream_expire(struct transport_stream *t, uint64_t now_ns)
{
	const struct wheel_timer *timer;

	while ((timer = wheel_expire(&t->wheel, now_ns)) != NULL) {
		struct stream_connection *c = pool_get(&t->pool, timer->owner);

		if (c)
			stream_connection_expired(c, now_ns);
	}
}

const struct addr *transport_stream_bound(const struct transport_stream *t, uint32_t local)
{
	assert(local < t->count);
	return &t->listeners[local].bound;
}

uint32_t transport_stream_count(const struct transport_stream *t, enum sip_transport transport)
{
	return t->counts[transport];
}
