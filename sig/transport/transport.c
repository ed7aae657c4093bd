/* SPDX-License-Identifier: Apache-2.0 */
/* The SIP transport of a node (transport.h): one interface for UDP, TCP, TLS, WebSockets (by a
 * provider) and connections of other nodes (by an edge). It chooses the transport of a hop, answers
 * STUN keepalives on UDP (RFC 5626 8), and passes trust, expiry and flush on to the halves. The
 * loop's thread only. */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/metric.h"
#include "base/validity.h"
#include "media/stun/stun.h"
#include "sig/sip/hop.h"
#include "sig/transport/transport.h"
#include "sig/transport/transport_stream.h"
#include "sig/transport/transport_udp.h"

enum { UNKNOWN_ATTRIBUTE = 420 };

static void require(struct stun_unknown *u, bool present, uint16_t type)
{
	if (present && u->count < STUN_UNKNOWN_MAX)
		u->types[u->count++] = type;
}

/* RFC 5626 8: there are neither credentials nor ICE here, so their attributes are not understood
 * either. */
static struct stun_unknown unknown_of(const struct stun_message *m)
{
	struct stun_unknown u = m->unknown;

	require(&u, m->username.p, STUN_USERNAME);
	require(&u, m->integrity.p, STUN_MESSAGE_INTEGRITY);
	require(&u, m->has_priority, STUN_PRIORITY);
	require(&u, m->use_candidate, STUN_USE_CANDIDATE);
	return u;
}

int stun_answer(struct writer *w, struct bytes request, const struct addr *source)
{
	struct stun_message m;
	struct stun_unknown unknown;

	if (stun_parse(&m, request) || m.type != STUN_BINDING_REQUEST)
		return -EBADMSG;
	unknown = unknown_of(&m);
	if (unknown.count) {
		stun_start(w, STUN_BINDING_ERROR, m.transaction);
		stun_put_error(w, UNKNOWN_ATTRIBUTE);
		stun_put_unknown(w, &unknown);
	} else {
		stun_start(w, STUN_BINDING_SUCCESS, m.transaction);
		stun_put_mapped(w, source);
	}
	return w->overflow ? -ENOSPC : 0;
}

struct transport {
	struct transport_handlers handlers;
	struct transport_udp *udp;
	struct transport_stream *stream;
	struct transport_provider web; /* send NULL: none */
	struct transport_edge edge;    /* likewise */
	metric_id stun;
	uint32_t udp_count;
	uint32_t count;
	struct {
		enum sip_transport transport;
		uint16_t udp; /* the index transport_udp knows it by */
	} locals[SIP_LISTENERS_MAX];
	uint16_t udp_locals[SIP_LISTENERS_MAX]; /* and back */
};

static struct sip_hop to_udp(const struct transport *t, const struct sip_hop *hop)
{
	struct sip_hop to = *hop;

	to.local = t->locals[hop->local].udp;
	return to;
}

static struct sip_hop from_udp(const struct transport *t, const struct sip_hop *hop)
{
	struct sip_hop from = *hop;

	from.local = t->udp_locals[hop->local];
	return from;
}

static void on_datagram(const struct sip_hop *from, struct bytes datagram, void *arg)
{
	struct transport *t = arg;
	struct sip_hop hop = from_udp(t, from);
	uint8_t space[STUN_ANSWER_MAX];
	struct writer w = writer_over(space, sizeof(space));

	if (!stun_is(datagram)) {
		t->handlers.receive(&hop, datagram, t->handlers.arg);
		return;
	}
	if (stun_answer(&w, datagram, &from->remote))
		return;
	metric_add(t->stun, 1);
	(void)transport_udp_send(t->udp, from, writer_done(&w));
}

static void on_udp_error(const struct sip_hop *to, int error, void *arg)
{
	struct transport *t = arg;
	struct sip_hop hop = from_udp(t, to);

	t->handlers.error(&hop, error, t->handlers.arg);
}

static int udp_open(struct transport *t, const struct transport_settings *settings)
{
	struct addr binds[SIP_LISTENERS_MAX];
	bool later[SIP_LISTENERS_MAX];

	for (uint32_t i = 0; i < settings->count; i++) {
		t->locals[i].transport = settings->listeners[i].transport;
		if (settings->listeners[i].transport != SIP_UDP)
			continue;
		t->locals[i].udp = (uint16_t)t->udp_count;
		t->udp_locals[t->udp_count] = (uint16_t)i;
		later[t->udp_count] = settings->listeners[i].later;
		binds[t->udp_count++] = settings->listeners[i].bind;
	}
	t->count = settings->count;
	return transport_udp_open(&t->udp,
				  &(struct transport_udp_settings){ .binds = binds,
								    .later = later,
								    .count = t->udp_count,
								    .dscp = settings->dscp,
								    .guard = settings->guard,
								    .validity = settings->validity,
								    .filter_fd =
									    settings->filter_fd },
				  on_datagram, on_udp_error, t);
}

int transport_open(struct transport **out, const struct transport_settings *settings,
		   const struct transport_handlers *handlers)
{
	struct transport *t = calloc(1, sizeof(*t));
	int err;

	assert(settings->count <= SIP_LISTENERS_MAX);
	if (!t)
		return -ENOMEM;
	t->handlers = *handlers;
	t->stun = metric_register(METRIC_COUNTER, "tandem_sip_udp_stun_total", NULL,
				  "STUN keepalives answered");
	err = udp_open(t, settings);
	if (!err)
		err = transport_stream_open(&t->stream, settings, handlers);
	if (err) {
		transport_close(t);
	} else {
		*out = t;
	}
	return err;
}

void transport_close(struct transport *t)
{
	if (!t)
		return;
	transport_udp_close(t->udp);
	transport_stream_close(t->stream);
	free(t);
}

int transport_listen(struct transport *t, uint32_t local)
{
	assert(local < t->count);
	if (t->locals[local].transport == SIP_UDP)
		return transport_udp_listen(t->udp, t->locals[local].udp);
	return transport_stream_listen(t->stream, local);
}

void transport_unlisten(struct transport *t, uint32_t local)
{
	assert(local < t->count);
	if (t->locals[local].transport == SIP_UDP)
		transport_udp_unlisten(t->udp, t->locals[local].udp);
	else
		transport_stream_unlisten(t->stream, local);
}

void transport_provide(struct transport *t, const struct transport_provider *web)
{
	t->web = web ? *web : (struct transport_provider){ 0 };
}

void transport_provide_edge(struct transport *t, const struct transport_edge *edge)
{
	t->edge = edge ? *edge : (struct transport_edge){ 0 };
}

int transport_send(struct transport *t, const struct sip_hop *hop, struct bytes message)
{
	return transport_send_for(t, VALID_ALWAYS, hop, message);
}

/* Where its node is gone we connect to the phone ourselves, if it listens (RFC 3261 18.1.1). */
static int send_by_edge(struct transport *t, uint8_t place, const struct sip_hop *hop,
			struct bytes message)
{
	int err = t->edge.send ? t->edge.send(t->edge.arg, place, hop, message) : -ENOTCONN;
	struct sip_hop to = *hop;

	if (err != -ENOTCONN || hop->inbound || hop->transport == SIP_UDP ||
	    sip_transport_is_web(hop->transport))
		return err;
	to.connection = 0;
	return transport_stream_send(t->stream, place, &to, message);
}

int transport_send_for(struct transport *t, uint8_t place, const struct sip_hop *hop,
		       struct bytes message)
{
	struct sip_hop to;

	if (hop->transport == SIP_INTER_SHARD) /* inter_shard.h */
		return -ENOTCONN;
	if (hop_is_edge(hop->connection))
		return send_by_edge(t, place, hop, message);
	if (sip_transport_is_web(hop->transport))
		return t->web.send ? t->web.send(t->web.arg, place, hop, message) : -ENOTCONN;
	if (sip_transport_is_stream(hop->transport))
		return transport_stream_send(t->stream, place, hop, message);
	if (hop->local < t->count && t->locals[hop->local].transport == SIP_UDP) {
		to = to_udp(t, hop);
		if (t->edge.send && !transport_udp_listens(t->udp, to.local))
			return t->edge.send(t->edge.arg, place, hop, message);
	} else { /* of a record from before the listeners were changed: refused and counted there */
		to = *hop;
		to.local = UINT16_MAX;
	}
	return transport_udp_send_for(t->udp, place, &to, message);
}

bool transport_is_certified(const struct transport *t, const struct sip_hop *hop,
			    const char *domain)
{
	return hop->transport == SIP_TLS && !hop_is_edge(hop->connection) &&
	       transport_stream_certified(t->stream, hop, domain);
}

void transport_trust(struct transport *t, const struct sip_hop *hop, bool peer)
{
	if (hop_is_edge(hop->connection))
		return; /* its own process has trusted it */
	if (hop->transport == SIP_UDP) {
		transport_udp_trust(t->udp, &hop->remote, peer);
	} else if (sip_transport_is_web(hop->transport)) {
		if (t->web.trust)
			t->web.trust(t->web.arg, hop);
	} else if (sip_transport_is_stream(hop->transport)) {
		transport_stream_trust(t->stream, hop);
	}
}

void transport_flush(struct transport *t)
{
	transport_udp_flush(t->udp);
	transport_stream_flush(t->stream);
	if (t->web.flush)
		t->web.flush(t->web.arg);
}

uint64_t transport_next_ns(const struct transport *t)
{
	return transport_stream_next_ns(t->stream);
}

void transport_expire(struct transport *t, uint64_t now_ns)
{
	transport_stream_expire(t->stream, now_ns);
}

uint64_t transport_behind_since_ns(const struct transport *t)
{
	return transport_udp_behind_since_ns(t->udp);
}

const struct addr *transport_bound(const struct transport *t, uint32_t local)
{
	assert(local < t->count);
	if (t->locals[local].transport == SIP_UDP)
		return transport_udp_bound(t->udp, t->locals[local].udp);
	return transport_stream_bound(t->stream, local);
}

uint32_t transport_connections(const struct transport *t, enum sip_transport transport)
{
	if (sip_transport_is_web(transport))
		return t->web.connections ? t->web.connections(t->web.arg, transport) : 0;
	return transport_stream_count(t->stream, transport);
}
