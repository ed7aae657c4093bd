/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node's DNS resolver for calls, and probes of trunks. Probes are OPTIONS requests outside of
 * any shard, recognized by their branch, as responses arrive at the common SIP ports. A change of a
 * server's state is an event and steers sig/host's choice of servers; a server without a known
 * address is left to the calls.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/dns/resolver.h"
#include "app/node/node.h"
#include "app/node/node_life.h"
#include "app/node/node_probe.h"
#include "app/node/node_shard.h"
#include "app/node/node_sip.h"
#include "app/node/node_watch.h"
#include "app/settings/settings.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/tls/tls.h"
#include "sig/host/probe.h"
#include "sig/host/trunk.h"
#include "sig/sip/hop.h"
#include "sig/transport/transport.h"

/* The node's resolver, with the current settings, and the calls that wait for it. */

/* Per round. A thousand calls may wait for one name, and each then rings, some 50 us:
 * others have turns between. */
enum { PROBES_MAX = 8 };

void node_dns_configure(struct node *n)
{
	const struct settings_dns *dns = &n->settings->dns;
	struct addr servers[DNS_SERVERS_MAX];
	uint32_t count = 0;

	static_assert((int)SETTINGS_DNS_SERVERS_MAX == (int)DNS_SERVERS_MAX, "all of them");
	for (uint32_t i = 0; i < dns->server_count; i++)
		count += dns_server_parse(&servers[count], bytes_str(dns->servers[i])) == 0;
	resolver_servers(n->dns->resolver, servers, count, RESOLV_CONF_PATH);
}

int node_dns_open(struct node *n)
{
	int err = resolver_open(&n->dns->resolver, &n->rand);

	if (!err)
		node_dns_configure(n);
	return err;
}

static void dns_find(void *arg, const struct lookup_want *want, uint64_t now_ns, struct lookup *out)
{
	const struct node *n = arg;

	resolver_find(n->dns->resolver, want, now_ns, out);
}

static void dns_failed(void *arg, const struct lookup_target *target, uint32_t for_s,
		       uint64_t now_ns)
{
	const struct node *n = arg;

	resolver_failed(n->dns->resolver, target, for_s, now_ns);
}

static bool dns_blocked(void *arg, const struct lookup_target *target, uint64_t now_ns)
{
	const struct node *n = arg;

	return resolver_blocked_ns(n->dns->resolver, target, now_ns) != 0;
}

struct shard_lookup node_dns_of(struct node *n)
{
	return (struct shard_lookup){
		.arg = n, .find = dns_find, .blocked = dns_blocked, .failed = dns_failed
	};
}

void node_dns_look_up(const struct effect *lookup, void *arg)
{
	const struct node *n = arg;

	if (lookup->kind == EFFECT_LOOKUP_STOP)
		resolver_stop(n->dns->resolver, lookup->call, lookup->serial);
	else
		resolver_start(n->dns->resolver, lookup->call, lookup->serial, lookup->request,
			       clock_now_ns());
}

void node_dns_feed(struct node *n)
{
	struct lookup_reply outcome;
	struct reply reply = { .ask = ASK_LOOKUP, .lookup = &outcome };

	for (unsigned i = 0; i < PROBES_MAX && n->dns->resolver; i++) {
		struct shard *core;

		if (!resolver_pop(n->dns->resolver, &reply.of, &outcome, clock_now_ns()))
			return;
		core = node_core(n, reply.of);
		if (core)
			shard_replied(core, &reply, clock_instant());
	}
}

/* Our branches: the magic cookie of RFC 3261 8.1.1.7, and a prefix that no shard uses. */
#define BRANCH "z9hG4bK-probe-"

enum { PLACES_MAX = 1024, MESSAGE_MAX = 1024, HEAD_MAX = 2048 };
#define PROBE_LOOK_NS (2 * NS_PER_S)

struct probe_place {
	uint16_t trunk;
	uint8_t server;
	bool wanted; /* the server still resolves to it */
	struct sip_hop hop;
	struct probe_limits limits;
	struct probe probe;
	const char *why; /* the last outcome that was bad; constant */
};

struct node_probes {
	struct shard_settings shard; /* for its listeners */
	struct probe_place *places;
	uint32_t count;
	uint64_t look_ns, serial;
};

static struct {
	metric_id asked, changes[2];
} g_probe_metrics;

void node_probe_setup(void)
{
	g_probe_metrics.asked =
		metric_register(METRIC_COUNTER, "tandem_trunk_probes_total", NULL,
				"OPTIONS to servers of trunks, without repetitions.");
	g_probe_metrics.changes[0] =
		metric_register(METRIC_COUNTER, "tandem_trunk_changes_total", "to=\"down\"",
				"Servers of trunks that went down or came up.");
	g_probe_metrics.changes[1] =
		metric_register(METRIC_COUNTER, "tandem_trunk_changes_total", "to=\"up\"",
				"Servers of trunks that went down or came up.");
}

int node_probe_open(struct node *n)
{
	struct node_probes *p = calloc(1, sizeof(*p));

	if (p)
		p->places = calloc(PLACES_MAX, sizeof(*p->places));
	if (!p || !p->places) {
		free(p);
		return -ENOMEM;
	}
	n->dns->probes = p;
	node_probe_configure(n);
	return 0;
}

void node_probe_close(struct node *n)
{
	if (!n->dns->probes)
		return;
	free(n->dns->probes->places);
	free(n->dns->probes);
	n->dns->probes = NULL;
}

void node_probe_configure(struct node *n)
{
	static const uint8_t no_key[DIGEST_KEY_LEN];

	if (n->dns->probes)
		settings_to_shard(n->settings, no_key, n->sip->tls != NULL, &n->dns->probes->shard);
}

/* ---- addresses of servers ---- */

/* Our first address in the trunk's network with that transport. False: none. */
static bool probe_local(const struct shard_settings *set, const struct trunk_settings *t,
			struct sip_hop *hop)
{
	for (uint16_t i = 0; i < set->local_count; i++) {
		const struct shard_local *l = &set->locals[i];

		if (l->transport != hop->transport || l->bind.family != hop->remote.family ||
		    (t->network[0] && strcmp(set->networks[l->network].name, t->network)))
			continue;
		hop->local = i;
		return true;
	}
	return false;
}

static struct lookup_want probe_want(const struct shard_settings *set,
				     const struct trunk_settings *t, const struct sip_place *at)
{
	struct lookup_want want = { .port = at->port,
				    .said = t->transport != 0,
				    .transport = t->transport ? t->transport - 1 : 0 };

	(void)bytes_cstr(bytes_str(at->host), want.host, sizeof(want.host));
	for (uint32_t i = 0; i < set->local_count; i++) {
		if (sip_transport_is_web(set->locals[i].transport))
			continue;
		want.speaks |= (uint8_t)(1U << set->locals[i].transport);
		want.v4 |= set->locals[i].bind.family == ADDR_V4;
		want.v6 |= set->locals[i].bind.family == ADDR_V6;
	}
	return want;
}

static struct probe_place *probe_place_of(struct node_probes *p, uint16_t trunk, uint8_t server,
					  const struct sip_hop *hop)
{
	for (uint32_t i = 0; i < p->count; i++) {
		struct probe_place *place = &p->places[i];

		if (place->trunk == trunk && place->server == server &&
		    place->hop.local == hop->local && sip_hop_leads_alike(&place->hop, hop))
			return place;
	}
	return NULL;
}

static void place_keep(struct node *n, uint16_t trunk, uint8_t server,
		       const struct lookup_target *to, const char *host, uint64_t now_ns)
{
	struct node_probes *p = n->dns->probes;
	const struct trunk_settings *t = trunks_settings(n->common.trunks, trunk);
	struct sip_hop hop = { .transport = (enum sip_transport)to->transport, .remote = to->to };
	struct probe_place *place;
	struct addr numeric;

	if (hop.transport == SIP_TLS && addr_parse(&numeric, bytes_str(host)))
		hop.name = hop_names_put(n->common.names, bytes_str(host));

	if (!probe_local(&p->shard, t, &hop))
		return;
	place = probe_place_of(p, trunk, server, &hop);
	if (!place && p->count < PLACES_MAX) {
		place = &p->places[p->count++];
		*place = (struct probe_place){ .trunk = trunk, .server = server, .hop = hop };
		place->limits.interval_ms = t->probe_s * 1000u;
		probe_open(&place->probe, &place->limits, &n->rand, now_ns);
	}
	if (!place)
		return;
	place->wanted = true;
	place->limits = (struct probe_limits){ .interval_ms = t->probe_s * 1000u,
					       .bad = t->probe_failures ? t->probe_failures : 2,
					       .good = t->probe_answers ? t->probe_answers : 2 };
}

uint32_t node_probe_blocked_s(const struct node *n, uint16_t trunk, uint8_t server, uint64_t now_ns)
{
	const struct trunk_settings *t = trunks_settings(n->common.trunks, trunk);
	struct lookup *found = n->dns->probes && n->dns->resolver ? malloc(sizeof(*found)) : NULL;
	uint64_t first = UINT64_MAX;

	if (found) {
		const struct lookup_want want =
			probe_want(&n->dns->probes->shard, t,
				   t->proxy.host[0] ? &t->proxy : &t->servers[server]);

		resolver_find(n->dns->resolver, &want, now_ns, found);
	}
	for (uint32_t i = 0; found && found->state == LOOKUP_DONE && i < found->target_count; i++) {
		uint64_t until = resolver_blocked_ns(n->dns->resolver, &found->targets[i], now_ns);

		first = until < first ? until : first;
	}
	free(found);
	return first == UINT64_MAX || first <= now_ns
		       ? 0
		       : (uint32_t)((first - now_ns + NS_PER_S - 1) / NS_PER_S);
}

/* Looks up an unknown name: the answer comes to a later look. */
static void server_look(struct node *n, uint16_t trunk, uint8_t server, uint64_t now_ns)
{
	const struct trunk_settings *t = trunks_settings(n->common.trunks, trunk);
	const struct lookup_want want = probe_want(
		&n->dns->probes->shard, t, t->proxy.host[0] ? &t->proxy : &t->servers[server]);
	static struct lookup found;

	resolver_find(n->dns->resolver, &want, now_ns, &found);
	if (found.state == LOOKUP_REQUEST)
		resolver_start(n->dns->resolver, 0, ++n->dns->probes->serial, &want, now_ns);
	for (uint32_t i = 0; found.state == LOOKUP_DONE && i < found.target_count; i++)
		place_keep(n, trunk, server, &found.targets[i], want.host, now_ns);
}

static void change_publish(struct node *n, const struct trunk_settings *t, uint8_t server, bool up,
			   const char *why)
{
	struct sig_event event = { .kind = up ? SIG_TRUNK_UP : SIG_TRUNK_DOWN,
				   .version = clock_utc_ms() };

	event_put_str(&event, EV_TO, t->servers[server].host);
	event_put_str(&event, EV_TO_TRUNK, t->name);
	event_put_str(&event, EV_REASON, why);
	node_event(n, tenants_name(n->common.tenants, t->tenant), &event);
}

/* A name that resolves to nothing is left to the calls, which report it. */
static void server_settle(struct node *n, uint16_t trunk, uint8_t server)
{
	const struct trunk_settings *t = trunks_settings(n->common.trunks, trunk);
	bool up = false, any = false, was = trunks_is_up(n->common.trunks, trunk, server);
	const char *why = "";

	for (uint32_t i = 0; i < n->dns->probes->count; i++) {
		const struct probe_place *place = &n->dns->probes->places[i];

		if (place->trunk != trunk || place->server != server)
			continue;
		any = true;
		up |= !place->probe.down;
		if (place->probe.down && place->why)
			why = place->why;
	}
	up |= !any;
	if (up == was || !t)
		return;
	trunks_set_up(n->common.trunks, trunk, server, up);
	metric_add(g_probe_metrics.changes[up], 1);
	change_publish(n, t, server, up, why);
	LOG_WARN("trunk", 0, up ? "a server of a trunk is up" : "a server of a trunk is down",
		 LOG_STR("tenant", tenants_name(n->common.tenants, t->tenant)),
		 LOG_STR("trunk", t->name), LOG_STR("server", t->servers[server].host),
		 LOG_U64("index", server), LOG_STR("reason", why));
}

static bool is_probed(const struct node *n, uint16_t trunk)
{
	const struct trunk_settings *t = trunks_settings(n->common.trunks, trunk);

	return trunks_has(n->common.trunks, trunk) && t->probe_s && t->directions & TRUNK_OUT;
}

/* Drops unwanted addresses, without a word about their server. */
static void places_drop(struct node *n)
{
	struct node_probes *p = n->dns->probes;

	for (uint32_t i = p->count; i-- > 0;) {
		const struct probe_place gone = p->places[i];

		if (gone.wanted)
			continue;
		p->places[i] = p->places[--p->count];
		if (trunks_settings(n->common.trunks, gone.trunk))
			server_settle(n, gone.trunk, gone.server);
	}
}

static void places_look(struct node *n, uint64_t now_ns)
{
	struct node_probes *p = n->dns->probes;

	p->look_ns = now_ns + PROBE_LOOK_NS;
	for (uint32_t i = 0; i < p->count; i++)
		p->places[i].wanted = false;
	for (uint16_t trunk = 1; trunks_next(n->common.trunks, &trunk); trunk++) {
		for (uint8_t i = 0; is_probed(n, trunk) &&
				    i < trunks_settings(n->common.trunks, trunk)->server_count;
		     i++)
			server_look(n, trunk, i, now_ns);
	}
	places_drop(n);
}

/* ---- requests and responses ---- */

static void probe_write(struct writer *w, const struct node_probes *p,
			const struct trunk_settings *t, const struct probe_place *place)
{
	const struct addr *own = &p->shard.locals[place->hop.local].advertise;
	char branch[BASE32_U64_LEN + 1] = "";

	base32_u64_put(branch, place->probe.branch);
	WRITER_TEXTS(w, "OPTIONS sip:", t->servers[place->server].host, " SIP/2.0\r\nVia: SIP/2.0/",
		     sip_transport_name(place->hop.transport), " ");
	addr_write(w, own);
	WRITER_TEXTS(w, ";branch=" BRANCH, branch, ";rport\r\nMax-Forwards: 70\r\nFrom: <sip:");
	addr_write(w, own);
	WRITER_TEXTS(w, ">;tag=", branch, "\r\nTo: <sip:", t->servers[place->server].host,
		     ">\r\nCall-ID: ", branch, "@");
	addr_write_ip(w, own);
	writer_str(w, "\r\nCSeq: 1 OPTIONS\r\nContact: <sip:");
	addr_write(w, own);
	WRITER_TEXTS(w, ">\r\nUser-Agent: ", p->shard.server,
		     "\r\nAccept: application/sdp\r\nContent-Length: 0\r\n\r\n");
}

static void probe_log(struct node *n, struct probe_place *place)
{
	uint8_t space[MESSAGE_MAX];
	struct writer w = writer_over(space, sizeof(space));

	probe_write(&w, n->dns->probes, trunks_settings(n->common.trunks, place->trunk), place);
	if (w.overflow)
		return;
	node_on_passed(&place->hop, true, 0, writer_done(&w), NULL, n);
	(void)transport_send(n->sip->transport, &place->hop, writer_done(&w));
}

static void place_expire(struct node *n, struct probe_place *place, uint64_t now_ns)
{
	bool reliable = sip_transport_is_stream(place->hop.transport);
	bool under_way = place->probe.branch != 0;
	enum probe_do what;

	while ((what = probe_expire(&place->probe, &place->limits, reliable, &n->rand, now_ns)) !=
	       PROBE_NOTHING) {
		if (what == PROBE_CHANGED) {
			place->why = "no_answer";
			server_settle(n, place->trunk, place->server);
			continue;
		}
		if (!under_way)
			metric_add(g_probe_metrics.asked, 1);
		under_way = true;
		probe_log(n, place);
	}
}

void node_probe_expire(struct node *n, uint64_t now_ns)
{
	struct node_probes *p = n->dns->probes;

	if (!p || n->life->phase != NODE_RUNNING || !n->dns->resolver)
		return;
	if (p->look_ns <= now_ns)
		places_look(n, now_ns);
	for (uint32_t i = 0; i < p->count; i++)
		place_expire(n, &p->places[i], now_ns);
}

uint64_t node_probe_next_ns(const struct node *n)
{
	const struct node_probes *p = n->dns->probes;
	uint64_t next = UINT64_MAX;

	if (!p || n->life->phase != NODE_RUNNING || !n->dns->resolver)
		return UINT64_MAX;
	for (uint32_t i = 0; i < p->count; i++) {
		uint64_t at = probe_next_ns(&p->places[i].probe);

		next = at < next ? at : next;
	}
	return p->look_ns < next ? p->look_ns : next;
}

/* The branch, which nobody else can know; 0: not ours. */
static uint64_t probe_branch_of(const struct sip_message *m)
{
	struct bytes text = m->via.branch;
	uint64_t branch;

	return !m->request && m->via_count == 1 && bytes_starts(text, BRANCH) &&
			       !base32_u64_get(bytes_from(text, sizeof(BRANCH) - 1), &branch)
		       ? branch
		       : 0;
}

static bool probe_on_response(struct node *n, const struct sip_message *m)
{
	uint64_t branch = probe_branch_of(m);

	for (uint32_t i = 0; branch && i < n->dns->probes->count; i++) {
		struct probe_place *place = &n->dns->probes->places[i];

		if (probe_answered(&place->probe, &place->limits, branch, m->status) !=
		    PROBE_CHANGED)
			continue;
		place->why = m->status == 503 ? "unavailable" : "no_answer";
		server_settle(n, place->trunk, place->server);
	}
	return branch != 0;
}

bool node_probe_takes(struct node *n, const struct sip_hop *from, struct bytes message)
{
	struct bytes head = bytes_sub(message, 0, HEAD_MAX);
	struct message_error error;
	struct sip_message m;
	bool ours;

	if (!n->dns->probes || !n->dns->probes->count || !bytes_starts(message, "SIP/2.0 ") ||
	    !memmem(head.p, head.n, BRANCH, sizeof(BRANCH) - 1))
		return false;
	ours = message_parse(&m, message, &error) == 0;
	m.hop = *from;
	ours = ours && probe_on_response(n, &m);
	message_close(&m);
	return ours;
}

static const char *why_failed(int error)
{
	const char *certificate = tls_error_name(error);

	return certificate ? certificate : error == ECONNREFUSED ? "refused" : "unreachable";
}

void node_probe_failed(struct node *n, const struct sip_hop *to, int error)
{
	for (uint32_t i = 0; n->dns->probes && i < n->dns->probes->count; i++) {
		struct probe_place *place = &n->dns->probes->places[i];

		if (!sip_hop_leads_alike(&place->hop, to) ||
		    probe_failed(&place->probe, &place->limits) != PROBE_CHANGED)
			continue;
		place->why = why_failed(error);
		server_settle(n, place->trunk, place->server);
	}
}
