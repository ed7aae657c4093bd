/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/sip/transport_stream.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
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
static void list_compact(const struct transport_stream *t, struct stream_list *l)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < l->count; i++) {
		if (pool_get(&t->pool, l->list[i]))
			l->list[n++] = l->list[i];
	}
	l->count = n;
}

void stream_list_add(const struct transport_stream *t, struct stream_list *l, pool_handle h)
{
	if (l->count == t->pool.capacity)
		list_compact(t, l);
	assert(l->count < t->pool.capacity);
	l->list[l->count++] = h;
}

void stream_list_drop(struct stream_list *l, uint32_t n)
{
	assert(n <= l->count);
	l->count -= n;
	memmove(l->list, l->list + n, l->count * sizeof(l->list[0]));
}

void stream_ask_flush(struct stream_connection *c)
{
	if (c->in_flush)
		return;
	c->in_flush = true;
	stream_list_add(c->owner, &c->owner->flush, c->self);
}

/* They come through the handshake first where there is one: with something to read they ask for it. */
static void take(struct stream_listener *l, int fd, const struct addr *remote)
{
	struct transport_stream *t = l->owner;
	struct sip_hop hop = {
		.transport = l->transport, .local = l->local, .remote = *remote, .inbound = true
	};
	bool secure = l->transport == SIP_TLS;
	struct stream_connection *c;

	if (!stream_has_room(t, &hop)) {
		(void)close(fd);
		return;
	}
	stream_socket_setup(fd, remote, t->dscp, t->limits.patience_ns);
	if (stream_connection_open(&c, t, fd, &hop, secure ? STREAM_HANDSHAKE : STREAM_OPEN))
		return;
	stream_count(t, STREAM_ACCEPTED);
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

/* Those who come in a round have places before those who go for them have left theirs, and each listener has its round. */
static int tables_open(struct transport_stream *t, uint32_t listeners)
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
	t->dscp = settings->dscp;
	t->spare = -1;
	register_metrics(t);
	err = tables_open(t, settings->count);
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
	free(t->flush.list);
	free(t->handshakes.list);
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

/* A request's sender says where the answer goes (RFC 3261 18.2.2): strangers do not make us shake hands more often than they may. */
static bool may_make(struct transport_stream *t, const struct sip_hop *hop, bool own)
{
	if (hop->transport == SIP_TLS && !own && !stream_handshake_may(t, hop, clock_now_ns())) {
		stream_count(t, STREAM_REFUSED_HURRIED);
		return false;
	}
	return stream_has_room(t, hop);
}

static int make(struct transport_stream *t, const struct sip_hop *hop, bool own,
		struct stream_connection **out)
{
	struct sip_hop to = *hop;
	int fd, err;

	if (!may_make(t, hop, own))
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

static int connection_for(struct transport_stream *t, const struct sip_hop *hop, bool own,
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
	err = *out ? 0 : make(t, hop, own, out);
	return err ? drop(t, STREAM_DROP_CONNECT, err) : 0;
}

int transport_stream_send(struct transport_stream *t, const struct sip_hop *hop,
			  struct bytes message)
{
	bool own = !bytes_starts(message, "SIP/2.0 "); /* a request: of a call that was let in */
	struct stream_connection *c;
	int err;

	if (message.n > STREAM_MESSAGE_MAX)
		return drop(t, STREAM_DROP_SIZE, -EMSGSIZE);
	err = connection_for(t, hop, own, &c);
	if (err)
		return err;
	if (own)
		stream_connection_trust(c);
	err = stream_connection_queue(c, message);
	if (err)
		return drop(t, STREAM_DROP_QUEUE, err);
	stream_count(t, STREAM_SENT);
	return 0;
}

void transport_stream_trust(struct transport_stream *t, const struct sip_hop *hop)
{
	struct stream_connection *c = usable(t, hop->connection, hop->transport);

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
	list_compact(t, &t->flush);
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
