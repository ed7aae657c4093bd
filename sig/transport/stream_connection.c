/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a connection: from its socket to its end. */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "sig/sip/hop.h"
#include "sig/transport/stream_connection.h"

static void stream_handshake_queue(struct stream_connection *c, uint64_t now_ns);
static void stream_connection_read(struct stream_connection *c);
static void stream_connection_doom(struct stream_connection *c, enum stream_end why);

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

static uint64_t stream_source_hash(const struct transport_stream *t, const struct sip_hop *hop)
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
static void stream_connection_timer(struct stream_connection *c)
{
	uint64_t at = deadline(c);

	if (!wheel_is_running(&c->timer) || at < c->timer.deadline_ns)
		wheel_start(&c->owner->wheel, &c->timer, at);
}

int stream_connection_open(struct stream_connection **out, struct transport_stream *t, int fd,
			   const struct sip_hop *hop, enum stream_state state)
{
	pool_handle h;
	struct stream_connection *c = pool_alloc(&t->pool, &h);

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
		(void)pool_free(&t->pool, h);
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
	if (t->listeners[hop.local].floats && why != STREAM_END_STOP) /* the peer gets all of it */
		stream_socket_leaves_nothing(c->fd, false);
	(void)close(c->fd);
	stream_buffer_clear(&c->in);
	stream_queue_clear(&c->out);
	metric_set(t->gauges[hop.transport], --t->counts[hop.transport]);
	t->trusted -= c->trusted;
	t->doomed -= c->is_doomed;
	(void)pool_free(&t->pool, c->self);
	if (was_open) {
		t->handlers.closed(&hop, t->handlers.arg);
	} else if (!hop.inbound) {
		t->handlers.error(&hop, error, t->handlers.arg);
	}
}

/* It ends at the next flush. */
static void stream_connection_doom(struct stream_connection *c, enum stream_end why)
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
static enum stream_end stream_end_of(int error)
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

/* Called right before a write. The connection is the node's: messages that have begun to leave are
 * finished. Returns false if nothing is left. */
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
			stream_queue_consume(&c->out, (size_t)n);
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
	/* one round's requests may have more responses than the queue holds: that does not mean the
	 * peer fails to read */
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
	/* TLS may have to read first: reading then asks for the next flush */
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
		/* a later connection of the peer may be certified: requests wait for that */
		stream_connection_close(c, STREAM_END_HANDSHAKE, tls_failure_error(why));
		return false;
	}
	c->hop.certified = tls_is_certified(c->tls);
	return true;
}

/* Its turn has come: the first step of the handshake. */
static void stream_connection_accept(struct stream_connection *c)
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
	stream_handshake_queue(c, clock_now_ns());
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

/* The peer says nothing more. */
static void stream_connection_half(struct stream_connection *c)
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

void stream_list_compact(const struct transport_stream *t, struct stream_list *l)
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
		stream_list_compact(t, l);
	assert(l->count < t->pool.capacity);
	l->list[l->count++] = h;
}

/* The first n. */
static void stream_list_drop(struct stream_list *l, uint32_t n)
{
	assert(n <= l->count);
	l->count -= n;
	memmove(l->list, l->list + n, l->count * sizeof(l->list[0]));
}

/* TLS handshakes of incoming connections. The first step costs a key exchange and a signature on
 * the loop's thread, so connections ready for it wait in a line, of which some proceed each round:
 * messages of established ones are never delayed by more. */

/* By a keyed hash, so no peer can choose the bucket that it shares. */
static uint64_t *handshake_bucket(struct transport_stream *t, const struct sip_hop *hop)
{
	return &t->source_handshakes[stream_source_hash(t, hop) % STREAM_HANDSHAKE_SOURCES];
}

bool stream_handshake_may(struct transport_stream *t, const struct sip_hop *hop, uint64_t now_ns)
{
	return stream_rate_spend(handshake_bucket(t, hop), &t->limits.handshakes_per_source,
				 now_ns);
}

/* It has something to say for its handshake: it waits for its turn, or is doomed. */
static void stream_handshake_queue(struct stream_connection *c, uint64_t now_ns)
{
	struct transport_stream *t = c->owner;

	if (!stream_handshake_may(t, &c->hop, now_ns)) {
		LOG_DEBUG("sip", 0, "too many TLS handshakes", LOG_ADDR("remote", &c->hop.remote));
		stream_connection_doom(c, STREAM_END_HURRIED);
		return;
	}
	stream_list_add(t, &t->handshakes, c->self);
	c->waits = true;
}

static bool go(struct transport_stream *t, pool_handle h, uint64_t now_ns)
{
	struct stream_connection *c = pool_get(&t->pool, h);

	if (!c || c->is_doomed)
		return true; /* it did not wait for it */
	if (!stream_rate_spend(&t->all_handshakes, &t->limits.handshakes, now_ns))
		return false;
	stream_count(t, STREAM_HANDSHAKES);
	c->waits = false;
	stream_connection_accept(c);
	return true;
}

void stream_handshakes_go(struct transport_stream *t, uint64_t now_ns)
{
	uint32_t begun = 0;
	uint32_t n = t->handshakes.count;
	uint32_t i = 0;

	while (i < n && begun < STREAM_ROUND_HANDSHAKES && go(t, t->handshakes.list[i], now_ns)) {
		i++;
		begun++;
	}
	stream_list_drop(&t->handshakes, i);
}

uint64_t stream_handshakes_next_ns(const struct transport_stream *t)
{
	if (!t->handshakes.count)
		return UINT64_MAX;
	return stream_rate_next_ns(t->all_handshakes, &t->limits.handshakes);
}

/* What comes over a connection, cut into messages. */

static ssize_t stream_read_some(struct stream_connection *c)
{
	struct transport_stream *t = c->owner;
	ssize_t n;

	if (c->tls)
		return tls_read(c->tls, t->space, STREAM_READ_MAX);
	n = recv(c->fd, t->space, STREAM_READ_MAX, MSG_DONTWAIT);
	return n < 0 ? -errno : n;
}

static void message_deliver(struct stream_connection *c, struct bytes message)
{
	const struct transport_handlers *h = &c->owner->handlers;

	stream_count(c->owner, STREAM_RECEIVED);
	c->spoke = true;
	h->receive(&c->hop, message, h->arg);
}

/* One frame of the received octets. Returns false if no frame is complete, or the connection is
 * doomed. */
static bool one_frame(struct stream_connection *c, struct bytes *rest)
{
	struct stream_frame f = stream_frame_next(&c->scan, *rest);
	struct bytes taken = bytes_sub(*rest, 0, f.n);

	*rest = bytes_from(*rest, f.n);
	switch (f.kind) {
	case STREAM_MORE:
		return false;
	case STREAM_MESSAGE:
		message_deliver(c, taken);
		break;
	case STREAM_PING: /* RFC 5626 4.4.1 */
		stream_count(c->owner, STREAM_PINGS);
		(void)stream_connection_queue(c, VALID_ALWAYS, BYTES_LIT("\r\n"));
		break;
	case STREAM_BLANK:
		break;
	case STREAM_BROKEN:
		LOG_INFO("sip", 0, "a connection does not speak SIP",
			 LOG_ADDR("remote", &c->hop.remote),
			 LOG_STR("reason", stream_broken_name(f.reason)));
		stream_connection_doom(c, STREAM_END_BROKEN + f.reason);
		return false;
	}
	return !c->is_doomed;
}

/* Input is parsed in place; only the beginning of a message is stored. */
static void frames(struct stream_connection *c, size_t n, uint64_t now_ns)
{
	struct bytes in = bytes_mem(c->owner->space, n);
	struct bytes rest;
	bool kept = c->in.to != 0;

	if (kept && stream_buffer_add(&c->in, in)) {
		stream_connection_doom(c, STREAM_END_MEMORY);
		return;
	}
	rest = kept ? stream_buffer_bytes(&c->in) : in;
	in = rest;
	while (one_frame(c, &rest))
		;
	if (rest.n < in.n)
		c->begun_ns = 0;
	if (c->is_doomed)
		return;
	if (kept) {
		stream_buffer_consume(&c->in, in.n - rest.n);
	} else if (stream_buffer_add(&c->in, rest)) {
		stream_connection_doom(c, STREAM_END_MEMORY);
	}
	if (rest.n && !c->begun_ns)
		c->begun_ns = now_ns;
}

/* ---- stream_connection.c ---- */
static void stream_connection_read(struct stream_connection *c)
{
	for (int i = 0; i < STREAM_ROUND_READS && !c->is_doomed; i++) {
		ssize_t n = stream_read_some(c);
		uint64_t now_ns = clock_now_ns();

		if (n == -EAGAIN || n == -EINTR)
			break;
		if (n < 0) {
			stream_connection_close(c, stream_end_of((int)-n), (int)-n);
			return;
		}
		if (n == 0) {
			stream_connection_half(c);
			return;
		}
		frames(c, (size_t)n, now_ns);
		if (c->spoke) /* before its first message nothing else buys time */
			c->since_ns = now_ns;
	}
	if (stream_queue_bytes(&c->out).n)
		stream_ask_flush(c);
	stream_connection_timer(c);
}

/* Which connection gets a place, and which one is closed for it: strangers that only hold places
 * would else keep phones out. */

static bool is_stranger(const struct stream_connection *c)
{
	return !c->trusted && !c->is_doomed;
}

void stream_connection_trust(struct stream_connection *c)
{
	if (!is_stranger(c))
		return;
	c->trusted = true;
	c->owner->trusted++;
}

/* The hand goes round, so it is about the one that has been there longest. */
static bool stream_room_make(struct transport_stream *t)
{
	struct stream_connection *c;
	pool_handle h;

	if (t->trusted + t->doomed >= t->pool.in_use)
		return false;
	for (int round = 0; round < 2; round++) {
		while ((c = pool_next(&t->pool, &t->hand, &h)) != NULL) {
			if (!is_stranger(c))
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
		   (t->pool.in_use - t->doomed < t->limits.connections || stream_room_make(t));

	if (!has)
		stream_count(t, STREAM_REFUSED_FULL);
	return has;
}

/* How many that address has, and the stranger among them that came first, or NULL. */
static uint32_t of_source(const struct transport_stream *t, uint64_t source,
			  struct stream_connection **oldest)
{
	uint32_t cursor = 0, n = 0;
	pool_handle h;

	*oldest = NULL;
	while ((h = table_next(&t->by_source, source, &cursor)) != 0) {
		struct stream_connection *c = pool_get(&t->pool, h);

		if (!c || c->is_doomed)
			continue;
		n++;
		if (is_stranger(c) && (!*oldest || c->born_ns < (*oldest)->born_ns))
			*oldest = c;
	}
	return n;
}

/* Also for those we make: a request that came may have named the port its answer goes to. */
bool stream_has_room(struct transport_stream *t, const struct sip_hop *hop)
{
	struct stream_connection *oldest;

	if (of_source(t, stream_source_hash(t, hop), &oldest) < t->limits.connections_per_source)
		return has_place(t);
	if (!oldest || t->pool.in_use == t->pool.capacity) {
		stream_count(t, STREAM_REFUSED_SOURCE);
		return false;
	}
	stream_connection_doom(oldest, STREAM_END_ROOM);
	return true;
}

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

void stream_metrics_register(struct transport_stream *t)
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
