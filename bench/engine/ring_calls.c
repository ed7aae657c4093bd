/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/engine/ring_calls.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "engine/srtp/srtp.h"
#include "engine/worker/stage.h"

enum {
	FIRST_PORT = 20000,
	RTP_LEN = 172,
	FRAME = 160,
	SSRC = 0x20000000,
};

static struct addr local_of(uint32_t nth, uint32_t index)
{
	return (struct addr){ .family = ADDR_V4,
			      .ip = { 192, 0, 2, 1 },
			      .port = (uint16_t)(FIRST_PORT + nth * RING_FLIGHT + index) };
}

/* The flow at the same side of the other call. */
static uint32_t far(uint32_t index)
{
	return index ^ 2;
}

/* No interface here has the address; nothing is ever sent by these sockets. */
static int socket_of(uint32_t nth, uint32_t index)
{
	struct addr at = local_of(nth, index);
	struct sockaddr_storage ss;
	socklen_t n = addr_to_sockaddr(&at, &ss);
	int on = 1, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on)) != 0 ||
	    bind(fd, (const struct sockaddr *)&ss, n) != 0)
		ring_fail("socket", strerror(errno));
	return fd;
}

/* What a flow sends is what the far one hears. */
static struct media_key key_of(const struct ring_calls *c, uint32_t sender)
{
	struct media_key key = { .suite = (uint8_t)c->suite,
				 .length = crypto_key_length(c->suite) };

	memset(key.octets, 0x5a, key.length);
	be32_put(key.octets, sender);
	return key;
}

static bool is_secure(const struct ring_calls *c, uint32_t index)
{
	return c->sides == SIDES_SECURE || (c->sides == SIDE_A_SECURE && index % 2 == 0);
}

uint32_t ring_calls_each(const struct ring_calls *c)
{
	return RING_FLIGHT / c->flows > 0 ? RING_FLIGHT / c->flows : 1;
}

static struct flow_spec spec_of(const struct ring_calls *c, uint32_t nth, uint32_t index)
{
	struct flow_spec s = {
		.id = { .slot = index, .generation = 1 },
		.peer = { .slot = index ^ 1, .generation = 1 },
		.local_rtp = local_of(nth, index),
		.remote_rtp = local_of(nth, far(index)),
		.ssrc_out = SSRC + index,
		.latch = LATCH_STRICT,
		.receive = 1,
		.send = 1,
		.rtcp_mux = 1,
		.event_pt = PAYLOAD_NONE,
		.rule_count = 1,
		.rules = { { .in = 0, .out = 0, .clock_hz = 8000 } },
		.srtp_limit = SRTP_INDEX_END,
		.srtcp_limit = SRTCP_INDEX_END,
		.resume = { .source_rtp = local_of(nth, far(index)),
			    .source_ssrc = SSRC + far(index),
			    .sequence_offset = (uint16_t)ring_calls_each(c),
			    .timestamp_offset = ring_calls_each(c) * FRAME,
			    .srtp_next = ring_calls_each(c) + 1,
			    .started = 1 },
	};

	if (is_secure(c, index)) {
		s.key_in = key_of(c, far(index));
		s.key_out = key_of(c, index);
	}
	return s;
}

void ring_calls_open(const struct ring_calls *c, struct worker *w, uint32_t nth)
{
	for (uint32_t i = 0; i < c->flows; i++) {
		struct media_command *m = calloc(1, sizeof(*m)); /* too big for a stack */

		if (!m)
			ring_fail("flow", "no memory");
		m->kind = MEDIA_FLOW_OPEN;
		m->rtp_fd = socket_of(nth, i);
		m->rtcp_fd = -1;
		m->spec = spec_of(c, nth, i);
		if (!ring_push(&w->commands, m))
			ring_fail("flow", "the ring of commands is full");
		free(m);
		worker_step(w);
	}
}

static void packet_write(uint8_t p[RTP_LEN], uint32_t sender, uint32_t number)
{
	memset(p, 0x55, RTP_LEN);
	p[0] = 0x80;
	p[1] = 0;
	be16_put(p + 2, (uint16_t)number);
	be32_put(p + 4, number * FRAME);
	be32_put(p + 8, SSRC + sender);
}

/* As if the flow `sender` had sent it to its party. */
static void put(struct worker *w, uint32_t nth, uint32_t sender, uint32_t number)
{
	struct pkt *p = &w->batch.list[0];
	struct addr to = local_of(nth, far(sender));

	*p = (struct pkt){ .kind = PKT_RTP,
			   .verdict = VERDICT_RELAY,
			   .out_slot = sender,
			   .peer = &w->flows.list[sender],
			   .to = &to };
	if (!w->port->ops->lend(w->port, p))
		ring_fail("packet", "no buffer");
	packet_write(p->data, sender, number);
	p->length = RTP_LEN;
	w->batch.count = 1;
	if (number == 1 && p->peer->srtp_out)
		srtp_stream_start(p->peer->srtp_out, 1, 1);
	protect_stage(w, &w->batch);
	if (p->verdict != VERDICT_RELAY)
		ring_fail("packet", verdict_name((enum verdict)p->verdict));
	w->port->ops->tx(w->port, &w->batch);
}

void ring_calls_start(const struct ring_calls *c, struct worker *w, uint32_t nth)
{
	for (uint32_t n = 0; n < ring_calls_each(c); n++)
		for (uint32_t i = 0; i < c->flows; i++)
			put(w, nth, i, n + 1);
}
