/* SPDX-License-Identifier: Apache-2.0 */
/* The node's resolver: with the settings as they are, at the start and after a reload. */
#include "app/dns/resolver.h"
#include "app/node/node.h"

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
