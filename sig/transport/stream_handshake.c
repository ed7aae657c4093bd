/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS handshakes of those who come. The first step costs a key exchange and a signature on the loop's thread, so who has something to
 * say for it waits in a line, and of that only some go in a round: messages of those who are there never wait for more than these.
 */
#include "base/log.h"
#include "base/loop.h"
#include "sig/transport/stream_connection.h"

/* By a keyed hash, so nobody can choose whom he shares a bucket with. */
static uint64_t *handshake_bucket(struct transport_stream *t, const struct sip_hop *hop)
{
	return &t->source_handshakes[stream_source_hash(t, hop) % STREAM_HANDSHAKE_SOURCES];
}

bool stream_handshake_may(struct transport_stream *t, const struct sip_hop *hop, uint64_t now_ns)
{
	return stream_rate_take(handshake_bucket(t, hop), &t->limits.handshakes_per_source, now_ns);
}

void stream_handshake_ask(struct stream_connection *c, uint64_t now_ns)
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
	if (!stream_rate_take(&t->all_handshakes, &t->limits.handshakes, now_ns))
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
