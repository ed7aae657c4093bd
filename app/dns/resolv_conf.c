/* SPDX-License-Identifier: Apache-2.0 */
#include "app/dns/resolv_conf.h"

#include <errno.h>

int dns_server_parse(struct addr *out, struct bytes text)
{
	if (addr_parse(out, text) || addr_is_any(out) || addr_is_multicast(out))
		return -EINVAL;
	if (!out->port)
		out->port = DNS_PORT;
	return 0;
}

static bool resolv_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* "nameserver 192.0.2.53  # near" */
static bool line_server(struct bytes line, struct addr *out)
{
	static const struct bytes keyword = BYTES_LIT("nameserver");
	struct bytes value;
	size_t n = 0;

	if (!bytes_eq(bytes_sub(line, 0, keyword.n), keyword) || line.n <= keyword.n ||
	    !resolv_blank(line.p[keyword.n]))
		return false;
	value = bytes_trim(bytes_from(line, keyword.n));
	while (n < value.n && !resolv_blank(value.p[n]))
		n++;
	return dns_server_parse(out, bytes_sub(value, 0, n)) == 0;
}

uint32_t resolv_conf_servers(struct bytes text, struct addr out[DNS_SERVERS_MAX])
{
	struct bytes line;
	uint32_t n = 0;

	while (n < DNS_SERVERS_MAX && bytes_cut(&text, '\n', &line))
		n += line_server(line, &out[n]);
	if (n)
		return n;
	addr_set_v4(&out[0], (const uint8_t[]){ 127, 0, 0, 1 }, DNS_PORT);
	return 1;
}
