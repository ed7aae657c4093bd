/* SPDX-License-Identifier: Apache-2.0 */
/* Transports and hops of message.h. Pure. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/table.h"
#include "sig/sip/hop.h"
#include "sig/sip/message.h"

enum { PLACE_AT = 54, WEB_AT = 53, GENERATION_AT = 22, GENERATION_BITS = 31 };

#define EDGE_MARK (UINT64_C(3) << 62)
#define EDGE_WEB  (UINT64_C(1) << 63)

/* Web: all but bit 63 (transport.h); else a pool_handle with a small index. Returns false if it is
 * too large. */
static bool edge_shorten(uint64_t connection, uint64_t *out)
{
	uint64_t index = connection & UINT32_MAX, generation = connection >> 32;

	if (connection & EDGE_WEB) {
		*out = (connection & ~EDGE_WEB) | UINT64_C(1) << WEB_AT;
		return (connection & ~EDGE_WEB) >> WEB_AT == 0;
	}
	*out = generation << GENERATION_AT | index;
	return index >> GENERATION_AT == 0 && generation >> GENERATION_BITS == 0;
}

static uint64_t edge_lengthen(uint64_t name)
{
	uint64_t rest = name & ((UINT64_C(1) << WEB_AT) - 1);

	if (name >> WEB_AT & 1)
		return EDGE_WEB | rest;
	return rest >> GENERATION_AT << 32 | (rest & ((UINT64_C(1) << GENERATION_AT) - 1));
}

static uint64_t edge_place(struct hop_edges *e, uint64_t process)
{
	uint32_t place;

	for (uint32_t i = 0; i < HOP_EDGES_MAX; i++) {
		if (e->processes[i] == process)
			return i;
	}
	place = e->next++ % HOP_EDGES_MAX;
	e->processes[place] = process;
	return place;
}

uint64_t hop_edge_put(struct hop_edges *e, const struct hop_edge *edge)
{
	uint64_t name;

	if (!e || !edge->process || !edge->connection || hop_is_edge(edge->connection))
		return 0;
	if (edge->process == e->self)
		return edge->connection;
	if (!edge_shorten(edge->connection, &name))
		return 0;
	return EDGE_MARK | edge_place(e, edge->process) << PLACE_AT | name;
}

uint64_t hop_edge_read(struct hop_edges *e, enum sip_transport transport,
		       const struct hop_edge *edge)
{
	uint64_t connection = hop_edge_put(e, edge);

	return transport == SIP_UDP && !hop_is_edge(connection) ? 0 : connection;
}

bool hop_edge_get(const struct hop_edges *e, uint64_t connection, struct hop_edge *out)
{
	if (!e || !e->self || !connection)
		return false;
	*out = (struct hop_edge){ e->self, connection };
	if (!hop_is_edge(connection))
		return true;
	out->process = e->processes[connection >> PLACE_AT & (HOP_EDGES_MAX - 1)];
	out->connection = edge_lengthen(connection);
	return out->process != 0;
}

struct hop_names {
	struct table numbers;
	uint32_t count;
	char *texts[HOP_NAMES_MAX];
};

int hop_names_open(struct hop_names **out)
{
	struct hop_names *n = calloc(1, sizeof(*n));

	if (!n || table_open(&n->numbers, HOP_NAMES_MAX)) {
		free(n);
		return -ENOMEM;
	}
	*out = n;
	return 0;
}

void hop_names_close(struct hop_names *n)
{
	if (!n)
		return;
	for (uint32_t i = 0; i < n->count; i++)
		free(n->texts[i]);
	table_close(&n->numbers);
	free(n);
}

static char hop_letter(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.'
		       ? (char)c
		       : '\0';
}

/* 0: it is no name of a host. */
static size_t hop_name_write(char out[HOP_NAME_MAX], struct bytes name)
{
	size_t n = name.n && name.p[name.n - 1] == '.' ? name.n - 1 : name.n;

	if (n >= HOP_NAME_MAX)
		return 0;
	for (size_t i = 0; i < n; i++) {
		out[i] = hop_letter(name.p[i]);
		if (!out[i])
			return 0;
	}
	out[n] = '\0';
	return n;
}

static uint16_t hop_names_add(struct hop_names *n, const char *text, uint64_t hash)
{
	size_t size = bytes_str(text).n + 1;
	char *copy = n->count < HOP_NAMES_MAX ? malloc(size) : NULL;

	if (!copy || table_put(&n->numbers, hash, n->count + 1)) {
		LOG_WARN("sip", 0, "no room for a name: its certificate must name the address",
			 LOG_STR("name", text));
		free(copy);
		return 0;
	}
	memcpy(copy, text, size);
	n->texts[n->count++] = copy;
	return (uint16_t)n->count;
}

uint16_t hop_names_put(struct hop_names *n, struct bytes name)
{
	static const struct hash_key key = { 0 }; /* no stranger chooses them */
	char text[HOP_NAME_MAX];
	uint32_t cursor = 0;
	uint64_t hash, found;

	if (!n || !hop_name_write(text, name))
		return 0;
	hash = hash_sip(&key, bytes_str(text));
	while ((found = table_next(&n->numbers, hash, &cursor)) != 0) {
		if (strcmp(n->texts[found - 1], text) == 0)
			return (uint16_t)found;
	}
	return hop_names_add(n, text, hash);
}

const char *hop_names_text(const struct hop_names *n, uint16_t name)
{
	return n && name && name <= n->count ? n->texts[name - 1] : "";
}

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
		return false; /* no listener there */
	if (bytes_iis(uri->scheme, "sips")) {
		hop->transport = SIP_TLS;
	} else if (!name.n && !hop->connection) {
		hop->transport = SIP_UDP; /* RFC 3263 4.1 */
	}
	hop->remote.port = uri->port ? uri->port : sip_transport_port(hop->transport);
	return true;
}
