/* SPDX-License-Identifier: Apache-2.0 */
/* What a member needs of its groups: which ones it is in, and that it logs in and out of them. That
 * is part of its extension document, and changes by command or feature code. The groups themselves
 * are documents of app/feature/group. */

#include "app/command/command_group.h"
#include "app/command/commands.h"
#include "app/document/extensions.h"
#include "app/node/node.h"
#include "app/schema/group_field.h"
#include "sig/host/programs.h"
#include "sig/shard/shared_tables.h"

enum { GROUPS_MINE_MAX = 1024 };

/* Names of the groups in which it is, joined by ','. */
static void groups_of_member(const struct node *n, uint16_t tenant, struct bytes number,
			     struct writer *w)
{
	const struct ring_group *g;
	uint32_t cursor = 0;

	while ((g = groups_next(n->common.shared_tables->groups, &cursor)) != NULL) {
		if (g->tenant == tenant && group_has(g, number))
			WRITER_TEXTS(w, w->n ? "," : "", g->name);
	}
}

/* A number that leads to it; empty: none does. */
struct bytes command_group_of_number(const struct node *n, uint16_t tenant, struct bytes number)
{
	struct bytes to =
		programs_number(n->common.shared_tables->programs,
				bytes_str(tenants_name(n->common.tenants, tenant)), number);

	return bytes_starts(to, GROUP_WORD) ? bytes_from(to, sizeof(GROUP_WORD) - 1)
					    : (struct bytes){ 0 };
}

bool command_group_log(struct command_run *run, struct extension *e)
{
	bool out = !strcmp(run->command->name, "group.logout");
	struct bytes group = command_value(run, "group")->text;
	char mine[GROUPS_MINE_MAX];
	struct writer w = writer_over(mine, sizeof(mine));

	if (group.n &&
	    !groups_find(run->node->common.shared_tables->groups, e->core.tenant, group)) {
		command_fail(run, COMMAND_NOT_FOUND, "group",
			     "there is no such group: group.list shows all of them");
		return false;
	}
	groups_of_member(run->node, e->core.tenant, bytes_str(e->core.number), &w);
	if (groups_out_change(e->groups_out, group, out, writer_done(&w)))
		return true;
	command_fail(run, COMMAND_FULL, "group", "it is logged out of too many groups");
	return false;
}
