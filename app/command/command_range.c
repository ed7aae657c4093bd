/* SPDX-License-Identifier: Apache-2.0 */
/* The table of ranges: which phones, by their source address, get which profile. */
#include <errno.h>
#include <string.h>

#include "app/command/command_handlers.h"
#include "app/node/node.h"
#include "base/log.h"

#define LIMIT "the number of ranges (256)"
_Static_assert(SHARD_RANGES_MAX == 256, "the text above says it");

/* False: the run has failed. */
static bool ends_fit(struct command_run *run, const struct shard_range *r)
{
	if (r->first.family != r->last.family) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "to",
			     "from and to must both be IPv4 or both IPv6");
		return false;
	}
	if (range_addr_order(&r->first, &r->last) <= 0)
		return true;
	command_fail(run, COMMAND_BAD_ARGUMENT, "to", "to must not be before from");
	return false;
}

static bool profile_stands(struct command_run *run, const struct shard_range *r)
{
	if (!profiles_find(document_profiles(run->node, document_tenant(run)),
			   bytes_str(r->profile))) {
		command_fail(run, COMMAND_NOT_FOUND, "profile",
			     "there is no such profile: make it with profile.put");
		return false;
	}
	return true;
}

/* Of two that hold an address neither would be the right one. False: the run has failed. */
static bool may_stand(struct command_run *run, const struct shard_range *r)
{
	const struct profiles *all = document_profiles(run->node, document_tenant(run));
	const struct profile_range *other = profiles_overlap(all, r);
	char from[ADDR_TEXT_MAX], to[ADDR_TEXT_MAX];

	if (other) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "from",
			     "it overlaps the range from %s to %s of profile %s",
			     addr_text(&other->core.first, from), addr_text(&other->core.last, to),
			     other->core.profile);
		return false;
	}
	if (all->range_count < SHARD_RANGES_MAX || profiles_range(all, &r->first))
		return true;
	command_fail(run, COMMAND_FULL, NULL, LIMIT " is reached");
	return false;
}

static bool range_make(struct command_run *run, void *value)
{
	struct profile_range *r = value;

	r->changed_utc_ms = clock_utc_ms();
	return field_take(run, g_range_fields, r) && ends_fit(run, &r->core) &&
	       profile_stands(run, &r->core) && may_stand(run, &r->core);
}

static bool range_aim(struct command_run *run, char name[DOCUMENT_NAME_MAX])
{
	char text[ADDR_TEXT_MAX];
	struct addr first;

	if (!range_addr_read(&first, command_value(run, "from")->text) &&
	    profiles_range(document_profiles(run->node, document_tenant(run)), &first))
		return bytes_cstr(bytes_str(addr_text(&first, text)), name, DOCUMENT_NAME_MAX) == 0;
	command_fail(run, COMMAND_NOT_FOUND, "from", "no range begins there");
	return false;
}

static void range_name(const void *value, char name[DOCUMENT_NAME_MAX])
{
	const struct profile_range *r = value;
	char text[ADDR_TEXT_MAX];

	(void)bytes_cstr(bytes_str(addr_text(&r->core.first, text)), name, DOCUMENT_NAME_MAX);
}

static json_t *range_write_document(struct node *node, const void *value)
{
	(void)node;
	return range_to_document(value);
}

static json_t *range_show(const struct node *node, uint16_t tenant, const void *value)
{
	(void)node;
	(void)tenant;
	return range_to_view(value);
}

static int range_read_document(const struct node *node, void *value, struct bytes json,
			       const char **reason)
{
	(void)node;
	return range_from_document(value, json, reason);
}

static int ranges_apply(struct node *node, const struct profiles *all)
{
	uint32_t cursor = 0;
	struct shard *core;
	int err = 0;

	while (!err && (core = node_core_next(node, &cursor)))
		err = profiles_ranges_apply(all, core);
	return err;
}

static int range_apply(struct node *node, uint16_t tenant, const void *value)
{
	struct profiles *all = document_profiles_own(node, tenant);
	int err = all ? profiles_range_put(all, value) : -ENOENT;

	return err ? err : ranges_apply(node, all);
}

static void range_forget(struct node *node, uint16_t tenant, const char *name)
{
	struct profiles *all = document_profiles_own(node, tenant);
	struct addr first;

	if (!all || range_addr_read(&first, bytes_str(name)))
		return;
	profiles_range_delete(all, &first);
	if (ranges_apply(node, all))
		LOG_ERROR("node", 0, "out of memory: a deleted range still counts",
			  LOG_STR("from", name));
}

const struct document_kind g_range_documents = {
	.name = "profile_range",
	.argument = "from",
	.limit = LIMIT,
	.size = sizeof(struct profile_range),
	.make = range_make,
	.aim = range_aim,
	.name_of = range_name,
	.write = range_write_document,
	.show = range_show,
	.read = range_read_document,
	.apply = range_apply,
	.forget = range_forget,
	.exact = true,
};

void command_range_put(struct command_run *run)
{
	document_put(run, &g_range_documents);
}

void command_range_delete(struct command_run *run)
{
	document_delete(run, &g_range_documents);
}

void command_range_list(struct command_run *run)
{
	const struct profiles *all = document_profiles(run->node, document_tenant(run));
	json_t *list = json_array();

	for (uint32_t i = 0; i < all->range_count; i++)
		(void)json_array_append_new(list, range_to_view(&all->ranges[i]));
	command_answer(run, list);
}
