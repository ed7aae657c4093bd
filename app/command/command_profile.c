/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "app/command/command_handlers.h"
#include "app/node/node.h"

#define PROFILE_LIMIT "the number of profiles (64)"
_Static_assert(SHARD_PROFILES_MAX == 64, "the text above says it");

static bool profile_make(struct command_run *run, void *value)
{
	const struct profiles *all = document_profiles(run->node, document_tenant(run));
	const struct profile *before = profiles_find(all, command_value(run, "name")->text);
	struct profile *p = value;

	if (!before && all->count == SHARD_PROFILES_MAX) {
		command_fail(run, COMMAND_FULL, NULL, PROFILE_LIMIT " is reached");
		return false;
	}
	if (before)
		*p = *before;
	else
		form_begin(&g_profile_form, p, (struct bytes){ 0 });
	return document_take(run, &g_profile_documents, p);
}

static bool profile_aim(struct command_run *run, char name[DOCUMENT_NAME_MAX])
{
	const struct profiles *all = document_profiles(run->node, document_tenant(run));
	const struct profile *p = profiles_find(all, command_value(run, "name")->text);
	const struct profile_range *user = p ? profiles_user(all, p->core.name) : NULL;
	char from[ADDR_TEXT_MAX];

	if (!p) {
		command_fail(run, COMMAND_NOT_FOUND, "name",
			     "there is no such profile: profile.list shows those that there are");
	} else if (!strcmp(p->core.name, PROFILE_DEFAULT)) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "name",
			     "the profile default always exists; change it with profile.put");
	} else if (user) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "name",
			     "the range from %s uses it: delete that first, or give it another "
			     "profile",
			     addr_text(&user->core.first, from));
	} else {
		return bytes_cstr(bytes_str(p->core.name), name, DOCUMENT_NAME_MAX) == 0;
	}
	return false;
}

static int profile_apply(struct node *node, uint16_t tenant, const void *value)
{
	const struct profile *p = value;
	struct profiles *all = document_profiles_own(node, tenant);
	int err = all ? profiles_put(all, p) : -ENOENT;
	uint32_t cursor = 0;
	struct shard *core;

	while (!err && (core = node_core_next(node, &cursor)))
		err = shard_profile_put(core, tenant, &p->core);
	return err;
}

static void profile_forget(struct node *node, uint16_t tenant, const char *name)
{
	struct profiles *all = document_profiles_own(node, tenant);
	uint32_t cursor = 0;
	struct shard *core;

	if (!all)
		return;
	while ((core = node_core_next(node, &cursor)))
		(void)shard_profile_delete(core, tenant, name);
	profiles_delete(all, name);
}

const struct document_kind g_profile_documents = {
	.name = "profile",
	.argument = "name",
	.limit = PROFILE_LIMIT,
	.size = sizeof(struct profile),
	.form = &g_profile_form,
	.make = profile_make,
	.aim = profile_aim,
	.apply = profile_apply,
	.forget = profile_forget,
	.exact = true,
};

void command_profile_get(struct command_run *run)
{
	const struct profiles *all = document_profiles(run->node, document_tenant(run));
	const struct profile *p = profiles_find(all, command_value(run, "name")->text);

	if (p) {
		command_answer(run, form_view(&g_profile_form, p));
	} else {
		command_fail(run, COMMAND_NOT_FOUND, "name",
			     "there is no such profile: profile.list shows those that there are");
	}
}

void command_profile_list(struct command_run *run)
{
	const struct profiles *all = document_profiles(run->node, document_tenant(run));
	json_t *list = json_array();

	for (uint32_t i = 0; i < all->count; i++)
		(void)json_array_append_new(list, form_view(&g_profile_form, &all->list[i]));
	command_answer(run, list);
}
