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

json_t *range_to_view(const struct profile_range *r)
{
	char from[ADDR_TEXT_MAX], to[ADDR_TEXT_MAX];

	return json_pack("{s:s, s:s, s:s, s:I}", "from", addr_text(&r->core.first, from), "to",
			 addr_text(&r->core.last, to), "profile", r->core.profile, "changed_utc_ms",
			 (json_int_t)r->changed_utc_ms);
}

json_t *range_to_document(const struct profile_range *r)
{
	return document_versioned(range_to_view(r));
}

static void addr_member(struct document_reader *r, const char *member, struct addr *out)
{
	char text[ADDR_TEXT_MAX] = "";

	document_text(r, member, text, sizeof(text));
	if (range_addr_read(out, bytes_str(text)))
		document_refuse(r, member);
}

static void range_fill(struct document_reader *r, void *value)
{
	struct profile_range *range = value;
	struct shard_range *core = &range->core;

	addr_member(r, "from", &core->first);
	addr_member(r, "to", &core->last);
	if (core->first.family != core->last.family ||
	    range_addr_order(&core->first, &core->last) > 0)
		document_refuse(r, "to");
	document_text(r, "profile", core->profile, sizeof(core->profile));
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
