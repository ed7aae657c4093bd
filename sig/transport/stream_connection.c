/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a connection: from its socket to its end. */
#include "sig/transport/stream_connection.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "sig/sip/hop_names.h"

enum {
	HALF_OPEN_MS = 2000,
	TLS_RECORD = 16384, /* at most (RFC 8446 5.1) */
};

static uint64_t nonzero(uint64_t hash)
{
	return hash ? hash : 1;
}

uint64_t stream_target_hash(const struct transport_stream *t, const struct sip_hop *hop)
{
	uint8_t key[sizeof(hop->remote.ip) + 8] = { 0 };
	struct writer w = writer_over(key, sizeof(key));

	writer_mem(&w, hop->remote.ip, sizeof(hop->remote.ip));
	writer_be32(&w, hop->remote.scope);
	writer_be16(&w, hop->remote.port);
	writer_u8(&w, (uint8_t)hop->transport);
	writer_u8(&w, (uint8_t)hop->local);
	return nonzero(hash_sip(&t->key, writer_done(&w)));
}

uint64_t stream_source_hash(const struct transport_stream *t, const struct sip_hop *hop)
{
	const struct addr source = addr_source(&hop->remote);

	return nonzero(hash_sip(&t->key, bytes_mem(source.ip, sizeof(source.ip))));
}

static void connection_on_event(int fd, unsigned events, void *arg);

static void connection_watch(struct stream_connection *c)
{
	bool write = c->state == STREAM_CONNECTING || c->wants_write;
	bool read = c->state != STREAM_HALF && !c->waits;
	unsigned events = (read ? LOOP_READ : 0U) | (write ? LOOP_WRITE : 0U);

	if (loop_watch(c->fd, events, connection_on_event, c))
		stream_connection_doom(c, STREAM_END_ERROR);
}

static void set_wants_write(struct stream_connection *c, bool wants)
{
	if (wants == c->wants_write)
		return;
	c->wants_write = wants;
	connection_watch(c);
}

static uint64_t deadline(const struct stream_connection *c)
{
	const struct transport_limits *l = &c->owner->limits;
	bool waits = c->state < STREAM_OPEN || !c->spoke || !c->trusted;
	uint64_t at = c->since_ns + (waits ? l->patience_ns : l->idle_ns);

	if (c->state == STREAM_HALF)
		at = c->since_ns + HALF_OPEN_MS * NS_PER_MS;
	if (c->begun_ns && c->begun_ns + l->patience_ns < at)
		at = c->begun_ns + l->patience_ns;
	if (c->stalled_ns && c->stalled_ns + l->patience_ns < at)
		at = c->stalled_ns + l->patience_ns;
	return at;
}

/* A deadline that has moved away is seen when the timer runs out: a message costs no timer. */
void stream_connection_timer(struct stream_connection *c)
{
	uint64_t at = deadline(c);

	if (!wheel_is_running(&c->timer) || at < c->timer.deadline_ns)
		wheel_start(&c->owner->wheel, &c->timer, at);
}

int stream_connection_open(struct stream_connection **out, struct transport_stream *t, int fd,
			   const struct sip_hop *hop, enum stream_state state)
{
	pool_handle h;
	struct stream_connection *c = pool_take(&t->pool, &h);

	if (!c) {
		(void)close(fd);
		return -EMFILE;
	}
	c->owner = t;
	c->self = c->timer.owner = h;
	c->fd = fd;
	c->state = state;
	c->hop = *hop;
	c->hop.connection = h;
	c->since_ns = c->born_ns = clock_now_ns();
	c->source = stream_source_hash(t, hop);
	c->target = hop->inbound ? 0 : stream_target_hash(t, hop);
	if ((c->source && table_put(&t->by_source, c->source, h)) ||
	    (c->target && table_put(&t->by_target, c->target, h))) {
		(void)close(fd);
		(void)pool_give(&t->pool, h);
		return -ENOMEM;
	}
	if (t->listeners[hop->local].floats)
		stream_socket_leaves_nothing(fd, true);
	metric_set(t->gauges[hop->transport], ++t->counts[hop->transport]);
	connection_watch(c);
	stream_connection_timer(c);
	*out = c;
	return 0;
}

static void count_end(struct stream_connection *c, enum stream_end why)
{
	metric_add(c->owner->ends[why], 1);
	LOG_DEBUG("sip", 0, "connection ended", LOG_ADDR("remote", &c->hop.remote),
		  LOG_U64("connection", c->self), LOG_U64("reason", why));
}

void stream_connection_close(struct stream_connection *c, enum stream_end why, int error)
{
	struct transport_stream *t = c->owner;
	struct sip_hop hop = c->hop;
	bool was_open = c->state >= STREAM_OPEN;

	count_end(c, why);
	wheel_stop(&t->wheel, &c->timer);
	if (c->source)
		(void)table_del(&t->by_source, c->source, c->self);
	if (c->target)
		(void)table_del(&t->by_target, c->target, c->self);
	loop_unwatch(c->fd);
	tls_link_close(c->tls);
	if (t->listeners[hop.local].floats && why != STREAM_END_STOP) /* the peer hears all of it */
		stream_socket_leaves_nothing(c->fd, false);
	(void)close(c->fd);
	stream_buffer_clear(&c->in);
	stream_queue_clear(&c->out);
	metric_set(t->gauges[hop.transport], --t->counts[hop.transport]);
	t->trusted -= c->trusted;
	t->doomed -= c->is_doomed;
	(void)pool_give(&t->pool, c->self);
	if (was_open) {
		t->handlers.closed(&hop, t->handlers.arg);
	} else if (!hop.inbound) {
		t->handlers.error(&hop, error, t->handlers.arg);
	}
}

void stream_connection_doom(struct stream_connection *c, enum stream_end why)
{
	if (c->is_doomed)
		return;
	c->is_doomed = true;
	c->doom = why;
	c->owner->doomed++;
	c->owner->trusted -= c->trusted;
	c->trusted = false;
	stream_ask_flush(c);
}

/* The kernel has waited for it as well: for an acknowledgement, or for the answer to its probes. */
enum stream_end stream_end_of(int error)
{
	if (error == ETIMEDOUT)
		return STREAM_END_STALLED;
	return error == ECONNRESET || error == EPIPE ? STREAM_END_PEER : STREAM_END_ERROR;
}

static ssize_t write_some(struct stream_connection *c)
{
	struct bytes b = stream_queue_bytes(&c->out);
	ssize_t n;

	if (c->tls)
		return tls_write(c->tls, b.p, b.n);
	n = send(c->fd, b.p, b.n, MSG_NOSIGNAL | MSG_DONTWAIT);
	return n < 0 ? -errno : n;
}

/* The last thing before a write. The connection is the node's: what has begun to leave is finished. False: nothing is left. */
static bool connection_withhold(struct stream_connection *c)
{
	struct transport_stream *t = c->owner;
	uint64_t now_ns;

	if (validity_has_ended(t->validity, &now_ns))
		metric_add(t->metrics[STREAM_DROP_FENCED],
			   stream_queue_withhold(&c->out, t->validity, now_ns));
	if (stream_queue_bytes(&c->out).n)
		return true;
	c->stalled_ns = 0;
	return false;
}

/* As much as the kernel takes. Above 0, or -errno. */
static ssize_t write_waiting(struct stream_connection *c)
{
	ssize_t n = 1;

	while (n > 0 && connection_withhold(c)) {
		n = write_some(c);
		if (n > 0) {
			stream_queue_take(&c->out, (size_t)n);
			c->stalled_ns = 0;
		} else if (
			c->tls) { /* a record of it may be enciphered, and is to be offered again */
			size_t waits = stream_queue_bytes(&c->out).n;

			stream_queue_hold(&c->out, waits < TLS_RECORD ? waits : TLS_RECORD);
		}
	}
	return n;
}

static bool connection_has_room(const struct stream_connection *c, size_t n)
{
	return n <= STREAM_QUEUE_MAX - stream_queue_bytes(&c->out).n;
}

int stream_connection_queue(struct stream_connection *c, uint8_t place, struct bytes octets)
{
	if (c->is_doomed)
		return -ENOTCONN;
	/* one round's requests may have more answers than the queue holds: that does not mean nobody reads them */
	if (!connection_has_room(c, octets.n) && c->state >= STREAM_OPEN)
		(void)write_waiting(c); /* an error shows again in the flush */
	if (!connection_has_room(c, octets.n)) {
		stream_connection_doom(c, STREAM_END_QUEUE);
		return -ENOBUFS;
	}
	if (stream_queue_add(&c->out, place, octets)) {
		stream_connection_doom(c, STREAM_END_MEMORY);
		return -ENOBUFS;
	}
	stream_ask_flush(c);
	return 0;
}

void stream_connection_flush(struct stream_connection *c)
{
	ssize_t n;

	if (c->is_doomed) {
		stream_connection_close(c, c->doom, ENOTCONN);
		return;
	}
	if (c->state < STREAM_OPEN)
		return;
	n = write_waiting(c);
	if (n < 0 && n != -EAGAIN && n != -EINTR) {
		stream_connection_close(c, stream_end_of((int)-n), (int)-n);
		return;
	}
	if (stream_queue_bytes(&c->out).n && !c->stalled_ns)
		c->stalled_ns = clock_now_ns();
	/* TLS may have to hear something first: reading then asks for the next flush */
	set_wants_write(c, stream_queue_bytes(&c->out).n && (!c->tls || tls_wants_write(c->tls)));
	stream_connection_timer(c);
}

static void opened(struct stream_connection *c)
{
	c->state = STREAM_OPEN;
	c->since_ns = clock_now_ns();
	c->spoke = !c->hop.inbound; /* we asked: it may answer when it likes */
	c->wants_write = false;
	connection_watch(c);
	stream_connection_flush(c);
}

/* False: gone, or not yet. */
static bool shake_hands(struct stream_connection *c)
{
	enum tls_failure why;
	int err = tls_handshake(c->tls, &why);

	if (err == -EAGAIN) {
		set_wants_write(c, tls_wants_write(c->tls));
		return false;
	}
	if (err) {
		metric_add(c->owner->failures[why], 1);
		LOG_INFO("sip", 0, "TLS handshake failed", LOG_ADDR("remote", &c->hop.remote),
			 LOG_STR("reason", tls_failure_name(why)));
		if (c->hop.inbound && tls_failure_is_certificate(why) && c->owner->handlers.refused)
			c->owner->handlers.refused(&c->hop, tls_failure_name(why),
						   c->owner->handlers.arg);
		/* who calls us later may be who it says: requests wait for that */
		stream_connection_close(c, STREAM_END_HANDSHAKE, tls_failure_error(why));
		return false;
	}
	c->hop.certified = tls_is_certified(c->tls);
	return true;
}

void stream_connection_accept(struct stream_connection *c)
{
	if (tls_accept(&c->tls, c->owner->tls, c->fd)) {
		stream_connection_doom(c, STREAM_END_MEMORY);
		return;
	}
	connection_watch(c);
	if (shake_hands(c))
		opened(c);
}

static int connect_result(const struct stream_connection *c)
{
	int error = 0;
	socklen_t n = sizeof(error);

	return getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0 ? errno : error;
}

static bool connected(struct stream_connection *c)
{
	int error = connect_result(c);

	if (!error && c->hop.transport == SIP_TLS &&
	    tls_connect(&c->tls, c->owner->tls, c->fd, &c->hop.remote,
			hop_names_text(c->owner->names, c->hop.name)))
		error = ENOMEM;
	if (error) {
		LOG_INFO("sip", 0, "cannot connect", LOG_ADDR("remote", &c->hop.remote),
			 LOG_INT("error", error));
		stream_connection_close(c, STREAM_END_CONNECT, error);
		return false;
	}
	stream_socket_setup(c->fd, &c->hop.remote, c->owner->dscp, c->owner->limits.patience_ns);
	c->state = STREAM_HANDSHAKE;
	connection_watch(c);
	return true;
}

/* While it waits only its end is of interest. */
static void begin_handshake(struct stream_connection *c, unsigned events)
{
	if (c->waits) {
		if (events & LOOP_ERROR) {
			metric_add(c->owner->failures[TLS_FAILURE_CLOSED], 1);
			stream_connection_doom(c, STREAM_END_HANDSHAKE);
		}
		return;
	}
	stream_handshake_ask(c, clock_now_ns());
	if (!c->is_doomed)
		connection_watch(c);
}

static void connection_on_event(int fd, unsigned events, void *arg)
{
	struct stream_connection *c = arg;

	(void)fd;
	if (c->is_doomed)
		return; /* the round ends it */
	if (c->state == STREAM_CONNECTING && !connected(c))
		return;
	if (c->state == STREAM_HANDSHAKE && c->hop.transport == SIP_TLS && !c->tls) {
		begin_handshake(c, events);
		return;
	}
	if (c->state == STREAM_HANDSHAKE) {
		if (c->tls && !shake_hands(c))
			return;
		opened(c);
		return; /* what has come already wakes us again; TLS keeps nothing back */
	}
	if (c->state == STREAM_HALF && (events & LOOP_ERROR)) {
		stream_connection_close(c, STREAM_END_PEER, ENOTCONN);
		return;
	}
	if (events & LOOP_WRITE)
		stream_ask_flush(c);
	if (events & (LOOP_READ | LOOP_ERROR))
		stream_connection_read(c);
}

void stream_connection_half(struct stream_connection *c)
{
	c->state = STREAM_HALF;
	c->begun_ns = 0;
	c->since_ns = clock_now_ns();
	connection_watch(c);
	stream_connection_timer(c);
}

static enum stream_end overdue(const struct stream_connection *c, uint64_t now_ns)
{
	uint64_t patience = c->owner->limits.patience_ns;

	switch (c->state) {
	case STREAM_CONNECTING:
		return STREAM_END_CONNECT;
	case STREAM_HANDSHAKE:
		return STREAM_END_HANDSHAKE;
	case STREAM_HALF:
		return STREAM_END_PEER;
	case STREAM_OPEN:
		break;
	}
	if (c->stalled_ns && c->stalled_ns + patience <= now_ns)
		return STREAM_END_STALLED;
	if (c->begun_ns && c->begun_ns + patience <= now_ns)
		return STREAM_END_SLOW;
	if (!c->spoke)
		return STREAM_END_SILENT;
	return c->trusted ? STREAM_END_IDLE : STREAM_END_STRANGER;
}

void stream_connection_expired(struct stream_connection *c, uint64_t now_ns)
{
	enum stream_end why = overdue(c, now_ns);

	if (deadline(c) > now_ns) {
		stream_connection_timer(c);
		return;
	}
	if (why == STREAM_END_HANDSHAKE)
		metric_add(c->owner->failures[TLS_FAILURE_TIMEOUT], 1);
	stream_connection_close(c, why, ETIMEDOUT);
}
