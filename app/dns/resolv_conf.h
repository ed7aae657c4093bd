/* SPDX-License-Identifier: Apache-2.0 */
/* /etc/resolv.conf, as far as it names servers: the node looks up whole names alone. */
#ifndef APP_DNS_RESOLV_CONF_H
#define APP_DNS_RESOLV_CONF_H

#include "base/addr.h"

enum { DNS_SERVERS_MAX = 3, DNS_PORT = 53 }; /* MAXNS of resolv.h */
#define RESOLV_CONF_PATH "/etc/resolv.conf"

/* "192.0.2.53", "[2001:db8::53]:5353"; without a port it is 53. 0 or -EINVAL. */
int dns_server_parse(struct addr *out, struct bytes text) NODISCARD;
/* Its nameserver lines, at most DNS_SERVERS_MAX. Without any: 127.0.0.1 (resolv.conf(5)). */
uint32_t resolv_conf_servers(struct bytes text, struct addr out[DNS_SERVERS_MAX]);

#endif
