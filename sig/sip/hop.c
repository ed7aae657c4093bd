/* SPDX-License-Identifier: Apache-2.0 */
/* Transports and hops of message.h. Pure. */
#include <errno.h>

#include "sig/sip/message.h"

enum { SIP_PORT = 5060, SIPS_PORT = 5061, HTTP_PORT = 80, HTTPS_PORT = 443 };

const char *sip_transport_name(enum sip_transport transport)
{
	switch (transport) {
	case SIP_UDP:
		return "UDP";
	case SIP_TCP:
		return "TCP";
	case SIP_TLS:
		return "TLS";
	case SIP_WS:
		return "WS";
	case SIP_WSS:
		return "WSS";
	case SIP_INTER_SHARD:
		return "CELL";
	}
	return "UDP";
}

bool sip_transport_is_stream(enum sip_transport transport)
{
	switch (transport) {
	case SIP_UDP:
	case SIP_INTER_SHARD: /* a full queue loses messages, and so does the end of the process */
		return false;
	case SIP_TCP:
	case SIP_TLS:
	case SIP_WS:
	case SIP_WSS:
		return true;
	}
	return false;
}

bool sip_transport_is_secure(enum sip_transport transport)
{
	return transport == SIP_TLS || transport == SIP_WSS;
}

bool sip_transport_is_web(enum sip_transport transport)
{
	return transport == SIP_WS || transport == SIP_WSS;
}

uint16_t sip_transport_port(enum sip_transport transport)
{
	static const uint16_t ports[] = {
		[SIP_UDP] = SIP_PORT, [SIP_TCP] = SIP_PORT,   [SIP_TLS] = SIPS_PORT,
		[SIP_WS] = HTTP_PORT, [SIP_WSS] = HTTPS_PORT, [SIP_INTER_SHARD] = SIP_PORT,
	};

	return ports[transport];
}

int sip_transport_parse(enum sip_transport *out, struct bytes name)
{
	for (enum sip_transport t = SIP_UDP; t < SIP_TRANSPORTS; t++) {
		if (bytes_iis(name, sip_transport_name(t))) {
			*out = t;
			return 0;
		}
	}
	return -EINVAL;
}

struct addr inter_shard_address(uint16_t shard)
{
	const uint8_t ip[4] = { 0, 0, (uint8_t)(shard >> 8), (uint8_t)shard };
	struct addr a;

	addr_set_v4(&a, ip, sip_transport_port(SIP_INTER_SHARD));
	return a;
}

uint16_t inter_shard_of(const struct addr *a)
{
	uint16_t shard = (uint16_t)(a->ip[2] << 8 | a->ip[3]);
	struct addr cell = inter_shard_address(shard);

	return addr_eq(a, &cell) ? shard : 0;
}

bool sip_hop_same(const struct sip_hop *a, const struct sip_hop *b)
{
	if (a->transport != b->transport)
		return false;
	if (a->connection && b->connection && a->connection != b->connection)
		return false;
	if (sip_transport_is_stream(a->transport) && a->connection && b->connection)
		return true; /* a flow over UDP has many phones */
	return a->local == b->local && addr_eq(&a->remote, &b->remote);
}

bool sip_hop_leads_alike(const struct sip_hop *a, const struct sip_hop *b)
{
	return a->transport == b->transport && addr_eq(&a->remote, &b->remote) &&
	       (a->transport != SIP_TLS || a->name == b->name);
}

bool sip_hop_equal(const struct sip_hop *a, const struct sip_hop *b)
{
	return a->transport == b->transport && a->local == b->local && a->name == b->name &&
	       a->connection == b->connection && a->inbound == b->inbound &&
	       addr_eq(&a->remote, &b->remote);
}

bool sip_hop_from_uri(struct sip_hop *hop, const struct sip_uri *uri)
{
	struct bytes name = { 0 };

	if (addr_parse(&hop->remote, uri->host) || addr_is_any(&hop->remote) ||
	    addr_is_multicast(&hop->remote))
		return false;
	if (sip_param(uri->params, "transport", &name) &&
	    sip_transport_parse(&hop->transport, name))
		return false;
	if (sip_transport_is_web(hop->transport))
		return false; /* nobody listens there */
	if (bytes_iis(uri->scheme, "sips")) {
		hop->transport = SIP_TLS;
	} else if (!name.n && !hop->connection) {
		hop->transport = SIP_UDP; /* RFC 3263 4.1 */
	}
	hop->remote.port = uri->port ? uri->port : sip_transport_port(hop->transport);
	return true;
}
