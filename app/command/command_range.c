/* SPDX-License-Identifier: Apache-2.0 */
/* The table of ranges: which phones, by their source address, get which profile. */
#include <errno.h>
#include <string.h>

#include "app/command/command_handlers.h"
#include "app/node/node.h"
#include "base/log.h"

#define RANGE_LIMIT "the number of ranges (256)"
_Static_assert(SHARD_RANGES_MAX == 256, "the text above says it");

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
	command_fail(run, COMMAND_FULL, NULL, RANGE_LIMIT " is reached");
	return false;
}

static bool range_make(struct command_run *run, void *value)
{
	struct profile_range *r = value;

	return document_take(run, &g_range_documents, r) && profile_stands(run, &r->core) &&
	       may_stand(run, &r->core);
}

static bool range_aim(struct command_run *run, char name[DOCUMENT_NAME_MAX])
{
	char text[ADDR_TEXT_MAX];
	struct addr first;

	if (!range_addr_read(&first, command_value(run, "from")->text) &&
	    profiles_range(document_profiles(run->node, document_tenant(run)), &first))
		return bytes_cstr(bytes_str(addr_text(&first, text)), name, DOCUMENT_NAME_MAX) == 0;
	command_fail(run, COMMAND_NOT_FOUND, "from",
		     "no range begins there: profile.range.list shows those that there are");
	return false;
}

static void range_name(const void *value, char name[DOCUMENT_NAME_MAX])
{
	const struct profile_range *r = value;
	char text[ADDR_TEXT_MAX];

	(void)bytes_cstr(bytes_str(addr_text(&r->core.first, text)), name, DOCUMENT_NAME_MAX);
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
	.limit = RANGE_LIMIT,
	.size = sizeof(struct profile_range),
	.form = &g_range_form,
	.make = range_make,
	.aim = range_aim,
	.name_of = range_name,
	.apply = range_apply,
	.forget = range_forget,
	.exact = true,
};

void command_range_list(struct command_run *run)
{
	const struct profiles *all = document_profiles(run->node, document_tenant(run));
	json_t *list = json_array();

	for (uint32_t i = 0; i < all->range_count; i++)
		(void)json_array_append_new(list, form_view(&g_range_form, &all->ranges[i]));
	command_answer(run, list);
}
