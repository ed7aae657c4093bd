/* SPDX-License-Identifier: Apache-2.0 */
/* SIP over TCP and TLS (transport_stream.h): listeners, outgoing connections, and which connection
 * a message goes over (RFC 3261 18, RFC 5923), with their sockets and options. Incoming connections
 * are accepted within limits, and strangers cannot make the node connect or handshake at will.
 * stream_connection.c has the single connection; all runs on the loop's thread. */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/rand.h"
#include "sig/transport/stream_connection.h"
#include "sig/transport/transport_stream.h"

/* Connections of TLS begin with the handshake: they ask for their turn once there is input. */
static void connection_accept(struct stream_listener *l, int fd, const struct addr *remote)
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

/* Without a descriptor the pending connection would wake us for ever: one is reserved to accept and
 * close it. */
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
		connection_accept(l, fd, &remote);
	}
}

static int stream_listener_bind(struct stream_listener *l)
{
	int fd = stream_listen(&l->wanted, l->owner->dscp, &l->bound);

	if (fd < 0) {
		LOG_ERROR("sip", 0, "cannot listen", LOG_ADDR("local", &l->wanted),
			  LOG_STR("transport", sip_transport_name(l->transport)),
			  LOG_INT("errno", -fd));
		return fd;
	}
	l->fd = fd;
	return loop_watch(fd, LOOP_READ, on_listener, l);
}

/* ---- transport_stream.c ---- */
static void stream_listener_close(struct stream_listener *l)
{
	if (l->fd < 0)
		return;
	loop_unwatch(l->fd);
	(void)close(l->fd);
	l->fd = -1;
}

int transport_stream_listen(struct transport_stream *t, uint32_t local)
{
	struct stream_listener *l = &t->listeners[local];

	if (l->fd >= 0 || (l->transport != SIP_TCP && l->transport != SIP_TLS))
		return 0;
	return stream_listener_bind(l);
}

/* Listens if it is of TCP or TLS; WebSocket listeners only store their address. Returns 0 or
 * -errno: l->fd is to be closed if it is not -1. */
static int stream_listener_open(struct stream_listener *l, struct transport_stream *t,
				const struct transport_listener *from, uint16_t local)
{
	*l = (struct stream_listener){ .owner = t,
				       .transport = from->transport,
				       .wanted = from->bind,
				       .local = local,
				       .floats = from->later,
				       .fd = -1 };
	if (sip_transport_is_web(from->transport) || from->later)
		l->bound = from->bind;
	if (from->transport != SIP_TCP && from->transport != SIP_TLS)
		return 0;
	if (from->transport == SIP_TLS && !t->tls)
		return -EINVAL;
	return from->later ? 0 : stream_listener_bind(l);
}

/* NULL: it is gone, is ending, or is of another transport. */
static struct stream_connection *stream_usable(const struct transport_stream *t, pool_handle h,
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
		struct stream_connection *c = stream_usable(t, h, hop->transport);

		if (c && sip_hop_leads_alike(&c->hop, hop) && c->hop.local == hop->local)
			return c;
	}
	return NULL;
}

/* The sender of a request chooses where the response goes (RFC 3261 18.2.2): strangers cannot make
 * us do more handshakes than permitted. */
static bool may_make(struct transport_stream *t, const struct sip_hop *hop, bool own)
{
	if (hop->transport == SIP_TLS && !own && !stream_handshake_may(t, hop, clock_now_ns())) {
		stream_count(t, STREAM_REFUSED_HURRIED);
		return false;
	}
	return stream_has_room(t, hop);
}

static int route_connection_make(struct transport_stream *t, const struct sip_hop *hop, bool own,
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

/* Counts, and is err. */
static int stream_drop(const struct transport_stream *t, enum stream_metric why, int err)
{
	stream_count(t, why);
	return err;
}

/* The connection for a message (RFC 3261 18): the one it names, one made before, or a new one. own:
 * a request of ours, not a response to a stranger. Returns 0 with *out, or -errno, which is
 * counted. */
static int stream_connection_for(struct transport_stream *t, const struct sip_hop *hop, bool own,
				 struct stream_connection **out)
{
	int err;

	*out = stream_usable(t, hop->connection, hop->transport);
	if (!*out && hop->inbound)
		return stream_drop(t, STREAM_DROP_GONE, -ENOTCONN);
	if (hop->local >= t->count || t->listeners[hop->local].fd < 0 ||
	    t->listeners[hop->local].transport != hop->transport)
		return *out ? 0 : stream_drop(t, STREAM_DROP_LISTENER, -ENOENT);
	if (!*out)
		*out = made_before(t, hop);
	err = *out ? 0 : route_connection_make(t, hop, own, out);
	return err ? stream_drop(t, STREAM_DROP_CONNECT, err) : 0;
}

/* The sockets of transport_stream: what the kernel is asked for. */

enum {
	BACKLOG = 1024,
	/* a dead peer is found within two minutes, though it need not say anything for an hour */
	PROBE_AFTER_S = 60,
	PROBE_EVERY_S = 15,
	PROBES = 4,
};

static int stream_option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int socket_of(const struct addr *a)
{
	int fd = socket(a->family == ADDR_V4 ? AF_INET : AF_INET6,
			SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (a->family == ADDR_V6)
		(void)stream_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	return fd;
}

static int stream_bind(int fd, const struct addr *a)
{
	struct sockaddr_storage sa;
	socklen_t n = addr_to_sockaddr(a, &sa);

	return bind(fd, (const struct sockaddr *)&sa, n) < 0 ? -errno : 0;
}

static void set_dscp(int fd, const struct addr *a, uint8_t dscp)
{
	if (a->family == ADDR_V4) {
		(void)stream_option(fd, IPPROTO_IP, IP_TOS, dscp << 2);
	} else {
		(void)stream_option(fd, IPPROTO_IPV6, IPV6_TCLASS, dscp << 2);
	}
}

static int listen_on(int fd, const struct addr *address, uint8_t dscp, struct addr *bound)
{
	struct sockaddr_storage sa;
	socklen_t n = sizeof(sa);
	/* connections of a killed node still close themselves: they are not in the way */
	int err = stream_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);

	if (!err)
		err = stream_bind(fd, address);
	if (!err && listen(fd, BACKLOG) < 0)
		err = -errno;
	if (!err && getsockname(fd, (struct sockaddr *)&sa, &n) < 0)
		err = -errno;
	set_dscp(fd, address, dscp);
	return err ? err : addr_from_sockaddr(bound, (const struct sockaddr *)&sa);
}

int stream_listen(const struct addr *bind, uint8_t dscp, struct addr *bound)
{
	int fd = socket_of(bind);
	int err;

	if (fd < 0)
		return fd;
	err = listen_on(fd, bind, dscp, bound);
	if (!err)
		return fd;
	(void)close(fd);
	return err;
}

void stream_socket_setup(int fd, const struct addr *remote, uint8_t dscp, uint64_t patience_ns)
{
	set_dscp(fd, remote, dscp);
	(void)stream_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	(void)stream_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	(void)stream_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, PROBE_AFTER_S);
	(void)stream_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, PROBE_EVERY_S);
	(void)stream_option(fd, IPPROTO_TCP, TCP_KEEPCNT, PROBES);
	/* for unacknowledged data; a peer that acknowledges and does not read is found by us, and
	 * named */
	(void)stream_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)(2 * patience_ns / NS_PER_MS));
}

void stream_socket_leaves_nothing(int fd, bool nothing)
{
	const struct linger l = { .l_onoff = nothing };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

static int connect_to(int fd, const struct addr *from, const struct addr *to)
{
	struct sockaddr_storage sa;
	socklen_t n = addr_to_sockaddr(to, &sa);
	struct addr any_port = *from;
	int err;

	any_port.port = 0;
	(void)stream_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	err = stream_bind(fd, &any_port);
	if (err)
		return err;
	return connect(fd, (const struct sockaddr *)&sa, n) < 0 && errno != EINPROGRESS ? -errno
											: 0;
}

int stream_connect(const struct addr *from, const struct addr *to, uint8_t dscp)
{
	int fd = socket_of(to);
	int err;

	if (fd < 0)
		return fd;
	set_dscp(fd, to, dscp);
	err = connect_to(fd, from, to);
	if (!err)
		return fd;
	(void)close(fd);
	return err;
}

void stream_ask_flush(struct stream_connection *c)
{
	if (c->in_flush)
		return;
	c->in_flush = true;
	stream_list_add(c->owner, &c->owner->flush, c->self);
}

/* New connections of a round have places before those displaced have left theirs, and each listener
 * has its round. */
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
