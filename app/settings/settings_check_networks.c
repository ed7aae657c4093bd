/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and ports of networks, that contradict each other. */
#include <string.h>

#include "app/settings/settings_rule.h"

static void check_bind(const struct check *c, uint32_t i)
{
	const struct addr *bind = &c->s->networks[i].bind;
	char path[PATH_MAX_BYTES];

	(void)snprintf(path, sizeof(path), "networks[%" PRIu32 "].bind", i);
	if (bind->port) {
		REPORT(c, path,
		       "%s is an address without a port: ports are in sip_ports and media_ports",
		       path);
	}
	if (addr_is_any(bind)) {
		REPORT(c, path,
		       "%s must be an address of this machine: a wildcard cannot be written into "
		       "SIP and SDP; list "
		       "one network for each address",
		       path);
	} else if (addr_is_multicast(bind)) {
		REPORT(c, path, "%s must not be a multicast address", path);
	}
}

static void check_advertise(const struct check *c, uint32_t i)
{
	struct settings_network *network = &c->s->networks[i];
	char path[PATH_MAX_BYTES];

	(void)snprintf(path, sizeof(path), "networks[%" PRIu32 "].advertise", i);
	if (network->advertise.family == ADDR_NONE) {
		network->advertise = network->bind;
		return;
	}
	if (network->advertise.port)
		REPORT(c, path, "%s is an address without a port", path);
	if (addr_is_any(&network->advertise) || addr_is_multicast(&network->advertise)) {
		REPORT(c, path,
		       "%s must be the address that others reach: no wildcard, no multicast", path);
	}
	if (network->advertise.family != network->bind.family) {
		REPORT(c, path,
		       "%s must be of the same family as bind (IPv%d): list a second network for "
		       "the other one",
		       path, network->bind.family);
	}
}

static bool is_inside(const struct conf_range *range, uint32_t port)
{
	return port >= range->first && port <= range->last;
}

static void check_sip_ports(const struct check *c, uint32_t i)
{
	const struct settings_network *network = &c->s->networks[i];
	char path[PATH_MAX_BYTES];

	(void)snprintf(path, sizeof(path), "networks[%" PRIu32 "].sip_ports", i);
	if (network->sip_port_count == 0)
		REPORT(c, path, "%s must list one port at least", path);
	for (uint32_t p = 0; p < network->sip_port_count; p++) {
		(void)snprintf(path, sizeof(path), "networks[%" PRIu32 "].sip_ports[%" PRIu32 "]",
			       i, p);
		if (is_inside(&network->media_ports, network->sip_ports[p])) {
			REPORT(c, path, "%s: port %" PRIu32 " is one of media_ports", path,
			       network->sip_ports[p]);
		}
		for (uint32_t q = 0; q < p; q++) {
			if (network->sip_ports[q] == network->sip_ports[p]) {
				REPORT(c, path, "%s: port %" PRIu32 " is there twice", path,
				       network->sip_ports[p]);
			}
		}
	}
}

/* What the file leaves out follows from what it says. */
static void fill_stream_ports(const struct check *c, uint32_t i)
{
	struct settings_network *n = &c->s->networks[i];
	uint32_t line, column;
	char path[PATH_MAX_BYTES];
	bool own_ports;

	(void)snprintf(path, sizeof(path), "networks[%" PRIu32 "].sip_ports", i);
	own_ports = !conf_where(c->yaml, path, &line, &column);
	(void)snprintf(path, sizeof(path), "networks[%" PRIu32 "].sip_tcp_ports", i);
	if (conf_where(c->yaml, path, &line, &column)) {
		memcpy(n->sip_tcp_ports, n->sip_ports, sizeof(n->sip_tcp_ports));
		n->sip_tcp_port_count = n->sip_port_count;
	}
	(void)snprintf(path, sizeof(path), "networks[%" PRIu32 "].sip_tls_ports", i);
	if (conf_where(c->yaml, path, &line, &column) && !own_ports) {
		n->sip_tls_ports[0] = sip_transport_port(SIP_TLS);
		n->sip_tls_port_count = 1;
	}
}

struct stream_port {
	uint32_t network, port, at;
	bool tls;
};

static uint32_t list_stream_ports(const struct check *c, struct stream_port *out)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < c->s->network_count; i++) {
		const struct settings_network *n = &c->s->networks[i];

		for (uint32_t p = 0; p < n->sip_tcp_port_count; p++)
			out[count++] = (struct stream_port){ i, n->sip_tcp_ports[p], p, false };
		for (uint32_t p = 0; p < n->sip_tls_port_count; p++)
			out[count++] = (struct stream_port){ i, n->sip_tls_ports[p], p, true };
	}
	return count;
}

static const char *stream_path(const struct stream_port *p, char out[PATH_MAX_BYTES])
{
	(void)snprintf(out, PATH_MAX_BYTES, "networks[%" PRIu32 "].sip_%s_ports[%" PRIu32 "]",
		       p->network, p->tls ? "tls" : "tcp", p->at);
	return out;
}

/* TCP and TLS share the ports of an address, and HTTP has one of them. */
static void check_stream_ports(const struct check *c)
{
	struct stream_port list[SHARD_NETWORKS_MAX * 2 * SETTINGS_SIP_PORTS_MAX];
	uint32_t count = list_stream_ports(c, list);
	const struct settings_http *http = &c->s->http;
	char path[PATH_MAX_BYTES], other[PATH_MAX_BYTES];

	for (uint32_t i = 0; i < count; i++) {
		const struct addr *bind = &c->s->networks[list[i].network].bind;

		(void)stream_path(&list[i], path);
		for (uint32_t k = 0; k < i; k++) {
			if (list[k].port == list[i].port &&
			    addr_ip_eq(bind, &c->s->networks[list[k].network].bind)) {
				REPORT(c, path, "%s: TCP port %" PRIu32 " is %s too", path,
				       list[i].port, stream_path(&list[k], other));
			}
		}
		if (http->port == list[i].port && addr_ip_eq(bind, &http->bind))
			REPORT(c, path, "%s: TCP port %" PRIu32 " is http.port too", path,
			       list[i].port);
	}
}

static void check_media_ports(const struct check *c, uint32_t i)
{
	struct conf_range *range = &c->s->networks[i].media_ports;
	char path[PATH_MAX_BYTES];

	(void)snprintf(path, sizeof(path), "networks[%" PRIu32 "].media_ports", i);
	if (range->last < range->first + (range->first & 1) + 1) {
		REPORT(c, path, "%s must hold an even port and the next one at least: RTP and RTCP",
		       path);
	}
}

/* Two networks on one address share its ports. */
static void check_ports_apart(const struct check *c, uint32_t i, uint32_t other)
{
	const struct settings_network *a = &c->s->networks[other], *b = &c->s->networks[i];
	char path[PATH_MAX_BYTES];

	if (a->media_ports.first <= b->media_ports.last &&
	    b->media_ports.first <= a->media_ports.last) {
		(void)snprintf(path, sizeof(path), "networks[%" PRIu32 "].media_ports", i);
		REPORT(c, path, "%s overlaps that of network %s, which has the same address", path,
		       a->name);
	}
	for (uint32_t p = 0; p < b->sip_port_count; p++) {
		bool taken = is_inside(&a->media_ports, b->sip_ports[p]);

		for (uint32_t q = 0; q < a->sip_port_count; q++)
			taken |= a->sip_ports[q] == b->sip_ports[p];
		(void)snprintf(path, sizeof(path), "networks[%" PRIu32 "].sip_ports[%" PRIu32 "]",
			       i, p);
		if (taken) {
			REPORT(c, path,
			       "%s: port %" PRIu32
			       " belongs to network %s, which has the same address",
			       path, b->sip_ports[p], a->name);
		}
	}
	for (uint32_t q = 0; q < a->sip_port_count; q++) {
		(void)snprintf(path, sizeof(path), "networks[%" PRIu32 "].media_ports", i);
		if (is_inside(&b->media_ports, a->sip_ports[q])) {
			REPORT(c, path,
			       "%s holds SIP port %" PRIu32
			       " of network %s, which has the same address",
			       path, a->sip_ports[q], a->name);
		}
	}
}

/* The ports from webrtc_port on, one for each worker; empty: none. */
static struct conf_range webrtc_ports(const struct check *c, uint32_t i)
{
	uint32_t first = c->s->networks[i].webrtc_port;

	return (struct conf_range){ first, first ? first + c->s->media.workers - 1 : 0 };
}

static bool overlaps(const struct conf_range *a, const struct conf_range *b)
{
	return a->first && b->first && a->first <= b->last && b->first <= a->last;
}

/* Against the UDP ports of network `other`, which has the same address or is the same. */
static void check_webrtc_apart(const struct check *c, uint32_t i, uint32_t other)
{
	const struct settings_network *n = &c->s->networks[other];
	struct conf_range own = webrtc_ports(c, i), its = webrtc_ports(c, other);
	char path[PATH_MAX_BYTES];

	(void)snprintf(path, sizeof(path), "networks[%" PRIu32 "].webrtc_port", i);
	if (overlaps(&own, &n->media_ports))
		REPORT(c, path,
		       "%s: ports %" PRIu32 " to %" PRIu32
		       ", one for each of media.workers, overlap media_ports of network %s",
		       path, own.first, own.last, n->name);
	if (other < i && overlaps(&own, &its))
		REPORT(c, path,
		       "%s: port %" PRIu32 " belongs to network %s, which has the same "
		       "address",
		       path, own.first, n->name);
	for (uint32_t p = 0; own.first && p < n->sip_port_count; p++) {
		if (is_inside(&own, n->sip_ports[p]))
			REPORT(c, path, "%s: port %" PRIu32 " is one of sip_ports of network %s",
			       path, n->sip_ports[p], n->name);
	}
}

static void check_webrtc(const struct check *c, uint32_t i)
{
	struct conf_range own = webrtc_ports(c, i);
	char path[PATH_MAX_BYTES];

	(void)snprintf(path, sizeof(path), "networks[%" PRIu32 "].webrtc_port", i);
	if (own.first && own.last > UINT16_MAX)
		REPORT(c, path, "%s: there are not as many ports above it as media.workers", path);
	if (own.first && c->s->media.port == ENGINE_PORT_DPDK)
		REPORT(c, path, "%s: shared ports are not possible with media.port: dpdk", path);
	for (uint32_t other = 0; own.first && other < c->s->network_count; other++) {
		if (addr_ip_eq(&c->s->networks[i].bind, &c->s->networks[other].bind))
			check_webrtc_apart(c, i, other);
	}
}

static void check_interface(const struct check *c, uint32_t i)
{
	char path[PATH_MAX_BYTES];

	(void)snprintf(path, sizeof(path), "networks[%" PRIu32 "].interface", i);
	rule_interface(c, path, c->s->networks[i].interface);
}

static void check_allow(const struct check *c, uint32_t i)
{
	const struct settings_network *n = &c->s->networks[i];
	char path[PATH_MAX_BYTES];

	for (uint32_t k = 0; k < n->allow_count; k++) {
		(void)snprintf(path, sizeof(path), "networks[%" PRIu32 "].allow[%" PRIu32 "]", i,
			       k);
		if (!settings_allow(bytes_str(n->allow[k])))
			REPORT(c, path, "%s must be one of loopback, link_local, own", path);
	}
}

static void check_network(const struct check *c, uint32_t i)
{
	char path[PATH_MAX_BYTES];

	(void)snprintf(path, sizeof(path), "networks[%" PRIu32 "].name", i);
	if (!rule_is_name(c->s->networks[i].name, false))
		REPORT(c, path, "%s may have small letters, digits, '.', '-' and '_' only", path);
	check_interface(c, i);
	check_allow(c, i);
	check_bind(c, i);
	check_advertise(c, i);
	check_sip_ports(c, i);
	fill_stream_ports(c, i);
	check_media_ports(c, i);
	check_webrtc(c, i);
	for (uint32_t other = 0; other < i; other++) {
		if (!strcmp(c->s->networks[i].name, c->s->networks[other].name)) {
			REPORT(c, path, "%s: two networks are named %s", path,
			       c->s->networks[i].name);
		}
		if (addr_ip_eq(&c->s->networks[i].bind, &c->s->networks[other].bind))
			check_ports_apart(c, i, other);
	}
}

void rule_networks(const struct check *c)
{
	uint32_t locals = 0;

	if (c->s->network_count == 0)
		REPORT(c, "networks", "networks must list at least one network");
	for (uint32_t i = 0; i < c->s->network_count; i++) {
		check_network(c, i);
		locals += c->s->networks[i].sip_port_count + c->s->networks[i].sip_tcp_port_count +
			  c->s->networks[i].sip_tls_port_count;
	}
	check_stream_ports(c);
	if (locals > SETTINGS_SIP_LOCALS_MAX) {
		REPORT(c, "networks",
		       "networks have %" PRIu32 " SIP ports together, at most %d are possible",
		       locals, SETTINGS_SIP_LOCALS_MAX);
	}
}
