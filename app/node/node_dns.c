/* SPDX-License-Identifier: Apache-2.0 */
/* The node's resolver: with the settings as they are, at the start and after a reload; and the calls that wait for it. */
#include "app/dns/resolver.h"
#include "app/node/node.h"
#include "base/clock.h"

/* Of one round. A thousand calls may wait for one name, and each rings then, which takes some 50 us: others have their turn in between. */
enum { NEWS_MAX = 8 };

void node_dns_configure(struct node *n)
{
	const struct settings_dns *dns = &n->settings.dns;
	struct addr servers[DNS_SERVERS_MAX];
	uint32_t count = 0;

	static_assert((int)SETTINGS_DNS_SERVERS_MAX == (int)DNS_SERVERS_MAX, "all of them");
	for (uint32_t i = 0; i < dns->server_count; i++)
		count += dns_server_parse(&servers[count], bytes_str(dns->servers[i])) == 0;
	resolver_servers(n->resolver, servers, count, RESOLV_CONF_PATH);
}

int node_dns_open(struct node *n)
{
	int err = resolver_open(&n->resolver, &n->rand);

	if (!err)
		node_dns_configure(n);
	return err;
}

static void dns_find(void *arg, const struct lookup_want *want, uint64_t now_ns, struct lookup *out)
{
	const struct node *n = arg;

	resolver_find(n->resolver, want, now_ns, out);
}

static void dns_failed(void *arg, const struct lookup_target *target, uint32_t for_s,
		       uint64_t now_ns)
{
	const struct node *n = arg;

	resolver_failed(n->resolver, target, for_s, now_ns);
}

static bool dns_blocked(void *arg, const struct lookup_target *target, uint64_t now_ns)
{
	const struct node *n = arg;

	return resolver_blocked_ns(n->resolver, target, now_ns) != 0;
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
		resolver_stop(n->resolver, lookup->call, lookup->version);
	else
		resolver_begin(n->resolver, lookup->call, lookup->version, lookup->want,
			       clock_now_ns());
}

void node_dns_feed(struct node *n)
{
	struct lookup_news news;
	uint64_t call;

	for (unsigned i = 0; i < NEWS_MAX && n->resolver; i++) {
		struct shard *core;

		if (!resolver_take(n->resolver, &call, &news, clock_now_ns()))
			return;
		core = node_core(n, call);
		if (core)
			shard_lookup_told(core, call, &news, clock_instant());
	}
}
