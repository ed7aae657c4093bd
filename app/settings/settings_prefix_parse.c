/* SPDX-License-Identifier: Apache-2.0 */
/* Parses an address prefix of the node file: "10.0.0.0/8", "2001:db8::/32", or one address. A
 * length of 0 and bits beyond the prefix are refused with a reason, because a typing error in
 * sip.trusted would trust strangers. */

#include <errno.h>

#include "app/settings/settings.h"

static bool is_beyond_clear(const struct addr *a, uint32_t bits, uint32_t all)
{
	for (uint32_t bit = bits; bit < all; bit++) {
		if (a->ip[bit / 8] & (0x80U >> (bit % 8)))
			return false;
	}
	return true;
}

static int prefix_refuse(const char **reason, const char *why)
{
	*reason = why;
	return -EINVAL;
}

int settings_prefix_parse(struct shard_trusted *out, struct bytes in, const char **reason)
{
	size_t slash = bytes_find(in, '/');
	struct shard_trusted found = { 0 };
	uint32_t all, bits;

	if (addr_parse(&found.net, bytes_sub(in, 0, slash)) || found.net.port || found.net.scope)
		return prefix_refuse(reason,
				     "an address is wanted, such as 10.0.0.0/8 or 2001:db8::/32");
	all = found.net.family == ADDR_V4 ? 32 : 128;
	bits = all;
	if (slash < in.n && (bytes_u32(bytes_from(in, slash + 1), &bits) || bits > all)) {
		return prefix_refuse(
			reason, "the number after / must be 1 to 32 (IPv4) or 1 to 128 (IPv6)");
	}
	if (bits == 0)
		return prefix_refuse(reason, "a prefix of length 0 would trust everybody");
	if (!is_beyond_clear(&found.net, bits, all)) {
		return prefix_refuse(
			reason,
			"bits are set beyond the prefix length: 10.1.2.3/8 is written 10.0.0.0/8");
	}
	out->net = found.net;
	out->bits = (uint8_t)bits;
	return 0;
}
