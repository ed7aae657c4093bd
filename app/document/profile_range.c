/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges of addresses: REG-12's "IP device range table". */
#include <errno.h>
#include <string.h>

#include "app/document/document.h"
#include "app/document/profile.h"

int range_addr_read(struct addr *out, struct bytes text)
{
	return addr_parse(out, text) || out->port ? -EINVAL : 0;
}

int range_addr_order(const struct addr *a, const struct addr *b)
{
	int order = a->family - b->family;

	return order ? order : memcmp(a->ip, b->ip, sizeof(a->ip));
}

#undef FIELD_OF
#define FIELD_OF struct profile_range

const struct command_arg g_range_fields[] = {
	ADDR_FIELD("from", core.first, "First address. A range that begins there is replaced."),
	ADDR_FIELD("to", core.last, "Last address, of the same family."),
	KEY_FIELD("profile", core.profile, CHARSET_NAME,
		  "Profile of the phones whose requests come from these addresses."),
	{ .name = NULL },
};

static const char *range_wrong(const void *value, const char **member)
{
	const struct shard_range *r = &((const struct profile_range *)value)->core;

	*member = "to";
	if (r->first.family != r->last.family)
		return "from and to must both be IPv4 or both IPv6";
	return range_addr_order(&r->first, &r->last) > 0 ? "to must not be before from" : NULL;
}

const struct form g_range_form = { .fields = g_range_fields,
				   FORM_OF(struct profile_range),
				   .wrong = range_wrong };
