/* SPDX-License-Identifier: Apache-2.0 */
/* Transports and hops of message.h. Pure. */
#include <errno.h>

#include "sig/sip/message.h"

enum { SIP_PORT = 5060, SIPS_PORT = 5061 };

const char *sip_transport_name(enum sip_transport transport)
{
	switch (transport) {
	case SIP_UDP:
		return "UDP";
	case SIP_TCP:
		return "TCP";
	case SIP_TLS:
		return "TLS";
	}
	return "UDP";
}

bool sip_transport_is_stream(enum sip_transport transport)
{
	switch (transport) {
	case SIP_UDP:
		return false;
	case SIP_TCP:
	case SIP_TLS:
		return true;
	}
	return false;
}

uint16_t sip_transport_port(enum sip_transport transport)
{
	return transport == SIP_TLS ? SIPS_PORT : SIP_PORT;
}

int sip_transport_parse(enum sip_transport *out, struct bytes name)
{
	for (enum sip_transport t = SIP_UDP; t <= SIP_TLS; t++) {
		if (bytes_iis(name, sip_transport_name(t))) {
			*out = t;
			return 0;
		}
	}
	return -EINVAL;
}

bool sip_hop_same(const struct sip_hop *a, const struct sip_hop *b)
{
	if (a->transport != b->transport)
		return false;
	if (a->connection && b->connection)
		return a->connection == b->connection;
	return a->local == b->local && addr_eq(&a->remote, &b->remote);
}
