/* SPDX-License-Identifier: Apache-2.0 */
/* What no schema says: settings that contradict each other or this machine. Each error stands where its value stands. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/settings.h"
#include "base/clock.h"

enum { PATH_MAX_BYTES = 96 };

struct check {
	struct settings *s;
	struct bytes yaml;
	struct conf_errors *errors;
};

/* Of the value at path or, where the file does not have it, of what contains it. */
static void where(const struct check *c, const char *path, uint32_t *line, uint32_t *column)
{
	char upper[PATH_MAX_BYTES];

	*line = *column = 1;
	(void)snprintf(upper, sizeof(upper), "%s", path);
	while (conf_where(c->yaml, upper, line, column)) {
		char *cut = strrchr(upper, '.');
		char *bracket = strrchr(upper, '[');

		if (!cut || (bracket && bracket > cut))
			cut = bracket;
		if (!cut)
			return;
		*cut = '\0';
	}
}

#define REPORT(c, path, ...)                                              \
	do {                                                              \
		uint32_t line_, column_;                                  \
		where((c), (path), &line_, &column_);                     \
		conf_error_add((c)->errors, line_, column_, __VA_ARGS__); \
	} while (0)

static bool is_name(const char *name, bool capitals)
{
	for (const char *p = name; *p; p++) {
		bool fine = (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '-' ||
			    *p == '_' || *p == '.' || (capitals && *p >= 'A' && *p <= 'Z');

		if (!fine)
			return false;
	}
	return name[0] != '\0';
}

static void check_node(const struct check *c)
{
	const struct settings_node *node = &c->s->node;

	if (!is_name(node->name, true))
		REPORT(c, "node.name", "node.name may have letters, digits, '.', '-' and '_' only");
	if (node->state_dir[0] != '/') {
		REPORT(c, "node.state_dir",
		       "node.state_dir must be an absolute path, such as /var/lib/tandem");
	}
}

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

static void check_network(const struct check *c, uint32_t i)
{
	char path[PATH_MAX_BYTES];

	(void)snprintf(path, sizeof(path), "networks[%" PRIu32 "].name", i);
	if (!is_name(c->s->networks[i].name, false))
		REPORT(c, path, "%s may have small letters, digits, '.', '-' and '_' only", path);
	check_bind(c, i);
	check_advertise(c, i);
	check_sip_ports(c, i);
	fill_stream_ports(c, i);
	check_media_ports(c, i);
	for (uint32_t other = 0; other < i; other++) {
		if (!strcmp(c->s->networks[i].name, c->s->networks[other].name)) {
			REPORT(c, path, "%s: two networks are named %s", path,
			       c->s->networks[i].name);
		}
		if (addr_ip_eq(&c->s->networks[i].bind, &c->s->networks[other].bind))
			check_ports_apart(c, i, other);
	}
}

static void check_networks(const struct check *c)
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

/* A preset follows the bounds; what the file says is held against them. */
static void clamp_many(const struct check *c)
{
	struct settings_sip *sip = &c->s->sip;
	uint32_t line, column;

	if (!conf_where(c->yaml, "sip.registration_expires_many", &line, &column))
		return;
	if (sip->registration_expires_many > sip->registration_expires_max)
		sip->registration_expires_many = sip->registration_expires_max;
	if (sip->registration_expires_many < sip->registration_expires_min)
		sip->registration_expires_many = sip->registration_expires_min;
}

static void check_sip(const struct check *c)
{
	const struct settings_sip *sip = &c->s->sip;

	if (sip->realm[0] == '\0' || strpbrk(sip->realm, "\"\\"))
		REPORT(c, "sip.realm", "sip.realm must not be empty and has no '\"' or '\\'");
	for (const char *p = sip->realm; *p; p++) {
		if ((uint8_t)*p < 0x20 || *p == 0x7f) {
			REPORT(c, "sip.realm", "sip.realm has a control character");
			break;
		}
	}
	if (sip->registration_expires_min > sip->registration_expires) {
		REPORT(c, "sip.registration_expires_min",
		       "sip.registration_expires_min must not be above registration_expires "
		       "(%" PRIu64 "s)",
		       sip->registration_expires / NS_PER_S);
	}
	if (sip->registration_expires > sip->registration_expires_max) {
		REPORT(c, "sip.registration_expires_max",
		       "sip.registration_expires_max must not be below registration_expires "
		       "(%" PRIu64 "s)",
		       sip->registration_expires / NS_PER_S);
	}
	if (sip->session_expires && sip->session_expires < SESSION_EXPIRES_MIN_S * NS_PER_S)
		REPORT(c, "sip.session_expires",
		       "sip.session_expires must be 0s or at least %ds (RFC 4028)",
		       SESSION_EXPIRES_MIN_S);
	clamp_many(c);
	if (sip->registration_expires_many < sip->registration_expires_min ||
	    sip->registration_expires_many > sip->registration_expires_max) {
		REPORT(c, "sip.registration_expires_many",
		       "sip.registration_expires_many must not be below registration_expires_min "
		       "(%" PRIu64 "s) nor above registration_expires_max (%" PRIu64 "s)",
		       sip->registration_expires_min / NS_PER_S,
		       sip->registration_expires_max / NS_PER_S);
	}
}

static void preset_path(const struct check *c, char out[TLS_PATH_MAX], const char *name)
{
	(void)snprintf(out, TLS_PATH_MAX, "%s/tls/%s", c->s->node.state_dir, name);
}

/* Whether the files are good is seen when they are read. */
static void check_tls(const struct check *c)
{
	struct settings_tls *tls = &c->s->tls;

	tls->is_preset = !tls->own.certificate[0] && !tls->own.key[0];
	if (!tls->is_preset && (!tls->own.certificate[0] || !tls->own.key[0])) {
		REPORT(c, "tls", "tls.certificate and tls.key belong together: give both, or none");
	}
	if (!tls->is_preset)
		return;
	preset_path(c, tls->own.certificate, "node.pem");
	preset_path(c, tls->own.key, "node.key");
	if (!tls->ca[0])
		preset_path(c, tls->ca, "ca.pem");
}

static void check_algorithms(const struct check *c)
{
	for (uint32_t i = 0; i < c->s->sip.digest_algorithm_count; i++) {
		char path[PATH_MAX_BYTES];

		(void)snprintf(path, sizeof(path), "sip.digest_algorithms[%" PRIu32 "]", i);
		if (!settings_digest_algorithm(bytes_str(c->s->sip.digest_algorithms[i])))
			REPORT(c, path, "%s must be one of MD5, SHA-256, SHA-512-256", path);
	}
}

static void check_trusted(const struct check *c)
{
	for (uint32_t i = 0; i < c->s->sip.trusted_count; i++) {
		struct shard_trusted prefix;
		const char *reason;
		char path[PATH_MAX_BYTES];

		(void)snprintf(path, sizeof(path), "sip.trusted[%" PRIu32 "]", i);
		if (settings_prefix_parse(&prefix, bytes_str(c->s->sip.trusted[i]), &reason))
			REPORT(c, path, "%s: %s", path, reason);
	}
}

static void check_origins(const struct check *c)
{
	for (uint32_t i = 0; i < c->s->http.origin_count; i++) {
		char path[PATH_MAX_BYTES];

		(void)snprintf(path, sizeof(path), "http.origins[%" PRIu32 "]", i);
		if (!origin_is_pattern(bytes_str(c->s->http.origins[i]))) {
			REPORT(c, path,
			       "%s must be \"*\" or as \"https://phone.example.org:8443\": scheme, "
			       "host, port if any, in small letters",
			       path);
		}
	}
}

static void check_others(const struct check *c)
{
	struct bytes url = bytes_str(c->s->redis.url);
	bool is_unix = bytes_starts(url, "unix:/") && url.n - strlen("unix:") < 108;

	/* The url may hold a password: it is not repeated. */
	if (url.n && !is_unix && !(bytes_starts(url, "redis://") && url.n > strlen("redis://"))) {
		REPORT(c, "redis.url",
		       "redis.url must be unix:/path (at most 107 characters) or "
		       "redis://[user:password@]host:port[/db]");
	}
	if (c->s->http.bind.port) {
		REPORT(c, "http.bind",
		       "http.bind is an address without a port: it has a key of its own, "
		       "http.port");
	}
	if (addr_is_multicast(&c->s->http.bind))
		REPORT(c, "http.bind", "http.bind must not be a multicast address");
	if (c->s->limits.transactions < c->s->limits.calls) {
		REPORT(c, "limits.transactions",
		       "limits.transactions must not be below limits.calls (%" PRIu32
		       "): a call needs several",
		       c->s->limits.calls);
	}
}

static void check_hep(const struct check *c)
{
	const struct addr *to = &c->s->hep.collector;

	if (to->family != ADDR_NONE && (!to->port || addr_is_any(to)))
		REPORT(c, "hep.collector",
		       "hep.collector must be an address with a port, such as 192.0.2.7:9060");
}

static bool has_interface(const struct settings *s)
{
	for (uint32_t i = 0; i < s->network_count; i++)
		if (s->networks[i].interface[0])
			return true;
	return false;
}

static void check_media(const struct check *c)
{
	const struct settings_media *media = &c->s->media;
	uint8_t mac[6];

	if (media->port == ENGINE_PORT_DPDK && media->dpdk.device[0] == '\0')
		REPORT(c, "media.dpdk.device", "media.dpdk.device is missing: media.port is dpdk");
	if (media->port == ENGINE_PORT_XDP && !has_interface(c->s))
		REPORT(c, "media.port", "media.port is xdp: a network must name its interface");
	if (media->dpdk.gateway[0] != '\0' && settings_mac_parse(mac, media->dpdk.gateway))
		REPORT(c, "media.dpdk.gateway",
		       "media.dpdk.gateway must be a MAC address such as 02:00:5e:10:00:01");
}

void settings_check(struct settings *s, struct bytes yaml, struct conf_errors *errors)
{
	struct check c = { .s = s, .yaml = yaml, .errors = errors };

	assert(s->network_count <= SHARD_NETWORKS_MAX);
	check_node(&c);
	check_networks(&c);
	check_sip(&c);
	check_tls(&c);
	check_media(&c);
	check_algorithms(&c);
	check_trusted(&c);
	check_origins(&c);
	check_others(&c);
	check_hep(&c);
}
