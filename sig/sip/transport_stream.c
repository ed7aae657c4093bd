/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/sip/transport_stream.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/rand.h"
#include "sig/sip/stream_connection.h"

static const char *const g_end_labels[STREAM_END_REASONS] = {
#define X(id, name) "reason=\"" name "\"",
	STREAM_ENDS(X)
#undef X
};
static const char *const g_broken_labels[STREAM_BROKEN_REASONS] = {
#define X(id, name) "reason=\"" name "\"",
	STREAM_BROKEN(X)
#undef X
};
static const char *const g_failure_labels[TLS_FAILURE_REASONS] = {
#define X(id, name) "reason=\"" name "\"",
	TLS_FAILURES(X)
#undef X
};

static void register_ends(struct transport_stream *t)
{
	for (int i = 0; i < STREAM_END_REASONS; i++) {
		t->ends[i] = metric_register(METRIC_COUNTER, "tandem_sip_stream_ends_total",
					     i < STREAM_END_BROKEN
						     ? g_end_labels[i]
						     : g_broken_labels[i - STREAM_END_BROKEN],
					     "Ends of SIP connections");
	}
	for (int i = 0; i < TLS_FAILURE_REASONS; i++) {
		t->failures[i] = metric_register(METRIC_COUNTER, "tandem_sip_tls_failures_total",
						 g_failure_labels[i], "TLS handshakes that failed");
	}
}

static void register_metrics(struct transport_stream *t)
{
#define STREAM_REGISTER(id, metric, label, help) \
	t->metrics[id] = metric_register(METRIC_COUNTER, "tandem_sip_stream_" metric, label, help);
	STREAM_METRICS(STREAM_REGISTER)
#undef STREAM_REGISTER
	t->gauges[SIP_TCP] = metric_register(METRIC_GAUGE, "tandem_sip_connections",
					     "transport=\"tcp\"", "SIP connections");
	t->gauges[SIP_TLS] = metric_register(METRIC_GAUGE, "tandem_sip_connections",
					     "transport=\"tls\"", "SIP connections");
	register_ends(t);
}

/* Those that are gone give their places to others. */
static void flush_compact(struct transport_stream *t)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->flush_count; i++) {
		if (pool_get(&t->pool, t->flush[i]))
			t->flush[n++] = t->flush[i];
	}
	t->flush_count = n;
}

void stream_ask_flush(struct stream_connection *c)
{
	struct transport_stream *t = c->owner;

	if (c->in_flush)
		return;
	if (t->flush_count == t->pool.capacity)
		flush_compact(t);
	assert(t->flush_count < t->pool.capacity);
	c->in_flush = true;
	t->flush[t->flush_count++] = c->self;
}

static uint32_t count_of(const struct table *table, uint64_t hash)
{
	uint32_t cursor = 0, n = 0;

	while (table_next(table, hash, &cursor))
		n++;
	return n;
}

/* Whoever came and has said nothing yet may have to go: else strangers who only hold places would keep phones out. The hand goes round,
 * so it is about the oldest. */
static bool make_room(struct transport_stream *t)
{
	struct stream_connection *c;
	pool_handle h;

	for (int round = 0; round < 2; round++) {
		while ((c = pool_next(&t->pool, &t->hand, &h)) != NULL) {
			if (!c->hop.inbound || c->spoke || c->is_doomed)
				continue;
			stream_connection_doom(c, STREAM_END_ROOM);
			return true;
		}
		t->hand = 0;
	}
	return false;
}

/* Those that are doomed keep their places, beyond the limit, up to the end of the round. */
static bool has_place(struct transport_stream *t)
{
	bool has = t->pool.in_use < t->pool.capacity &&
		   (t->pool.in_use < t->limits.connections || make_room(t));

	if (!has)
		stream_count(t, STREAM_REFUSED_FULL);
	return has;
}

/* Also for those we make: a request that came may have named the port its answer goes to. */
static bool may_have(struct transport_stream *t, const struct sip_hop *hop)
{
	if (count_of(&t->by_source, stream_source_hash(t, hop)) >=
	    t->limits.connections_per_source) {
		stream_count(t, STREAM_REFUSED_SOURCE);
		return false;
	}
	return has_place(t);
}

/* They come through the handshake first where there is one: reading makes the first step. */
static void take(struct stream_listener *l, int fd, const struct addr *remote)
{
	struct transport_stream *t = l->owner;
	struct sip_hop hop = {
		.transport = l->transport, .local = l->local, .remote = *remote, .inbound = true
	};
	bool secure = l->transport == SIP_TLS;
	struct stream_connection *c;

	if (!may_have(t, &hop)) {
		(void)close(fd);
		return;
	}
	stream_socket_setup(fd, remote, t->dscp, t->limits.patience_ns);
	if (stream_connection_open(&c, t, fd, &hop, secure ? STREAM_HANDSHAKE : STREAM_OPEN))
		return;
	stream_count(t, STREAM_ACCEPTED);
	if (secure && tls_accept(&c->tls, t->tls, fd))
		stream_connection_doom(c, STREAM_END_MEMORY);
}

/* Without a descriptor the connection would wake us for ever: one is kept to take and close it with. */
static void refuse_one(struct stream_listener *l)
{
	struct transport_stream *t = l->owner;

	stream_count(t, STREAM_REFUSED_FILES);
	(void)close(t->spare);
	t->spare = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (t->spare >= 0)
		(void)close(t->spare);
	t->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void on_listener(int listen_fd, unsigned events, void *arg)
{
	struct stream_listener *l = arg;

	(void)events;
	for (int i = 0; i < STREAM_ACCEPTS; i++) {
		struct sockaddr_storage sa;
		socklen_t n = sizeof(sa);
		struct addr remote;
		int fd = accept4(listen_fd, (struct sockaddr *)&sa, &n,
				 SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
			refuse_one(l);
			return;
		}
		if (fd < 0)
			return; /* none left, or one that gave up while it waited */
		if (addr_from_sockaddr(&remote, (const struct sockaddr *)&sa)) {
			(void)close(fd);
			continue;
		}
		take(l, fd, &remote);
	}
}

static int listener_open(struct stream_listener *l, struct transport_stream *t,
			 const struct transport_listener *from, uint16_t local)
{
	*l = (struct stream_listener){
		.owner = t, .transport = from->transport, .local = local, .fd = -1
	};
	if (sip_transport_is_web(from->transport))
		l->bound = from->bind;
	if (from->transport != SIP_TCP && from->transport != SIP_TLS)
		return 0;
	if (from->transport == SIP_TLS && !t->tls)
		return -EINVAL;
	l->fd = stream_listen(&from->bind, t->dscp, &l->bound);
	if (l->fd < 0) {
		LOG_ERROR("sip", 0, "cannot listen", LOG_ADDR("local", &from->bind),
			  LOG_STR("transport", sip_transport_name(from->transport)),
			  LOG_INT("errno", -l->fd));
		return l->fd;
	}
	return loop_watch(l->fd, LOOP_READ, on_listener, l);
}

static int tables_open(struct transport_stream *t)
{
	uint32_t n = t->limits.connections + STREAM_ACCEPTS;
	struct rand_source rand;

	rand_open_system(&rand);
	t->key.k0 = rand_u64_from(&rand);
	t->key.k1 = rand_u64_from(&rand);
	wheel_open(&t->wheel, clock_now_ns());
	t->flush = calloc(n, sizeof(t->flush[0]));
	t->space = malloc(STREAM_READ_MAX);
	if (!t->flush || !t->space || pool_open(&t->pool, sizeof(struct stream_connection), n) ||
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
	if (!t)
		return -ENOMEM;
	t->handlers = *handlers;
	t->limits = settings->limits;
	t->tls = settings->tls;
	t->dscp = settings->dscp;
	t->spare = -1;
	register_metrics(t);
	err = tables_open(t);
	for (; !err && t->count < settings->count; t->count++) {
		err = listener_open(&t->listeners[t->count], t, &settings->listeners[t->count],
				    (uint16_t)t->count);
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

void transport_stream_close(struct transport_stream *t)
{
	if (!t)
		return;
	for (uint32_t i = 0; i < t->count; i++) {
		if (t->listeners[i].fd < 0)
			continue;
		loop_unwatch(t->listeners[i].fd);
		(void)close(t->listeners[i].fd);
	}
	if (t->pool.slots)
		close_connections(t);
	table_close(&t->by_source);
	table_close(&t->by_target);
	if (t->spare >= 0)
		(void)close(t->spare);
	free(t->flush);
	free(t->space);
	free(t);
}

static struct stream_connection *usable(const struct transport_stream *t, pool_handle h,
					enum sip_transport transport)
{
	struct stream_connection *c = h ? pool_get(&t->pool, h) : NULL;

	return c && c->hop.transport == transport && !c->is_doomed && c->state != STREAM_HALF
		       ? c
		       : NULL;
}

/* RFC 3261 18: one that we made to there before is used again. */
static struct stream_connection *made_before(const struct transport_stream *t,
					     const struct sip_hop *hop)
{
	uint32_t cursor = 0;
	uint64_t hash = stream_target_hash(t, hop), h;

	while ((h = table_next(&t->by_target, hash, &cursor)) != 0) {
		struct stream_connection *c = usable(t, h, hop->transport);

		if (c && addr_eq(&c->hop.remote, &hop->remote) && c->hop.local == hop->local)
			return c;
	}
	return NULL;
}

static int make(struct transport_stream *t, const struct sip_hop *hop,
		struct stream_connection **out)
{
	struct sip_hop to = *hop;
	int fd, err;

	if (!may_have(t, hop))
		return -EMFILE;
	if ((hop->transport == SIP_TLS && !t->tls) ||
	    hop->remote.family != t->listeners[hop->local].bound.family)
		return -EAFNOSUPPORT;
	fd = stream_connect(&t->listeners[hop->local].bound, &hop->remote, t->dscp);
	if (fd < 0)
		return fd;
	to.connection = 0;
	err = stream_connection_open(out, t, fd, &to, STREAM_CONNECTING);
	if (!err)
		stream_count(t, STREAM_CONNECTED);
	return err;
}

static int drop(const struct transport_stream *t, enum stream_metric why, int err)
{
	stream_count(t, why);
	return err;
}

static int connection_for(struct transport_stream *t, const struct sip_hop *hop,
			  struct stream_connection **out)
{
	int err;

	*out = usable(t, hop->connection, hop->transport);
	if (!*out && hop->inbound)
		return drop(t, STREAM_DROP_GONE, -ENOTCONN);
	if (hop->local >= t->count || t->listeners[hop->local].fd < 0 ||
	    t->listeners[hop->local].transport != hop->transport)
		return *out ? 0 : drop(t, STREAM_DROP_LISTENER, -ENOENT);
	if (!*out)
		*out = made_before(t, hop);
	err = *out ? 0 : make(t, hop, out);
	return err ? drop(t, STREAM_DROP_CONNECT, err) : 0;
}

int transport_stream_send(struct transport_stream *t, const struct sip_hop *hop,
			  struct bytes message)
{
	struct stream_connection *c;
	int err;

	if (message.n > STREAM_MESSAGE_MAX)
		return drop(t, STREAM_DROP_SIZE, -EMSGSIZE);
	err = connection_for(t, hop, &c);
	if (err)
		return err;
	err = stream_connection_queue(c, message);
	if (err)
		return drop(t, STREAM_DROP_QUEUE, err);
	stream_count(t, STREAM_SENT);
	return 0;
}

/* What a flush brings about may ask for another one: that is the next round's. */
void transport_stream_flush(struct transport_stream *t)
{
	uint32_t n = t->flush_count;

	for (uint32_t i = 0; i < n; i++) {
		struct stream_connection *c = pool_get(&t->pool, t->flush[i]);

		t->flush[i] = 0;
		if (!c)
			continue;
		c->in_flush = false;
		stream_connection_flush(c);
	}
	flush_compact(t);
}

uint64_t transport_stream_next_ns(const struct transport_stream *t)
{
	return wheel_next_ns(&t->wheel);
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
