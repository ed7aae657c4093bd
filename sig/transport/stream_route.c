/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/clock.h"
#include "sig/transport/stream_connection.h"

struct stream_connection *stream_usable(const struct transport_stream *t, pool_handle h,
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

/* A request's sender says where the answer goes (RFC 3261 18.2.2): strangers do not make us shake hands more often than they may. */
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

int stream_drop(const struct transport_stream *t, enum stream_metric why, int err)
{
	stream_count(t, why);
	return err;
}

int stream_connection_for(struct transport_stream *t, const struct sip_hop *hop, bool own,
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
