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

#define FIELD_OF struct profile_range

const struct command_arg g_range_fields[] = {
	ADDR_FIELD("from", core.first, "First address. A range that begins there is replaced."),
	ADDR_FIELD("to", core.last, "Last address, of the same family."),
	KEY_FIELD("profile", core.profile, CHARSET_NAME,
		  "Profile of the phones whose requests come from these addresses."),
	{ .name = NULL },
};

json_t *range_to_view(const struct profile_range *r)
{
	return document_shown(field_json(g_range_fields, r), r->changed_utc_ms);
}

json_t *range_to_document(const struct profile_range *r)
{
	return document_versioned(range_to_view(r));
}

static void range_fill(struct document_reader *r, void *value)
{
	struct profile_range *range = value;
	struct shard_range *core = &range->core;

	field_fill(r, g_range_fields, range);
	if (core->first.family != core->last.family ||
	    range_addr_order(&core->first, &core->last) > 0)
		document_refuse(r, "to");
	range->changed_utc_ms = document_changed(r);
}

int range_from_document(struct profile_range *out, struct bytes json, const char **reason)
{
	struct profile_range found = { 0 };
	int err = document_read(json, range_fill, &found, reason);

	if (!err)
		*out = found;
	return err;
}
