/* SPDX-License-Identifier: Apache-2.0 */
/* What comes over a connection, cut into messages. */
#include <errno.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "sig/transport/stream_connection.h"

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

/* One frame of what has come. False: there is none, or the connection is doomed. */
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

/* What came now is looked at where it lies; only the beginning of a message is kept. */
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
		stream_buffer_take(&c->in, in.n - rest.n);
	} else if (stream_buffer_add(&c->in, rest)) {
		stream_connection_doom(c, STREAM_END_MEMORY);
	}
	if (rest.n && !c->begun_ns)
		c->begun_ns = now_ns;
}

void stream_connection_read(struct stream_connection *c)
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
