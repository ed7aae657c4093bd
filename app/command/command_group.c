/* SPDX-License-Identifier: Apache-2.0 */
/* Ring and hunt groups: their documents, and members that log in and out. A group is carried out by
 * a flow that is made of its document; its text is put to Redis first, where a successor of a call
 * finds it (command_flow.c). The groups that a member is logged out of are part of its extension
 * document, and change by command or feature code. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/command_flow.h"
#include "app/command/command_group.h"
#include "app/command/commands.h"
#include "app/document/document.h"
#include "app/document/extensions.h"
#include "app/node/node.h"
#include "app/schema/group_field.h"
#include "base/log.h"
#include "sig/host/programs.h"
#include "sig/shard/shared_tables.h"

enum { TENANT_GROUPS_MAX = 256, GROUPS_MINE_MAX = 1024 };

static_assert(sizeof(GROUP_WORD) + GROUP_NAME_MAX <= CALL_FLOW_MAX, "the name of its flow");

/* ---- the document ---- */

/* The flow of its number. NULL: no memory. */
static struct flow_program *group_flow(const struct group_value *v)
{
	static struct flow_findings unused;
	char text[GROUP_PROGRAM_MAX];
	struct writer w = writer_over(text, sizeof(text));

	group_program(v, &w);
	unused = (struct flow_findings){ 0 };
	return w.overflow ? NULL : program_parse(writer_done(&w), NULL, &unused);
}

static void group_flow_name(char out[CALL_FLOW_MAX], const char *name)
{
	(void)snprintf(out, CALL_FLOW_MAX, GROUP_WORD "%s", name);
}

/* Behind its flow, which a successor of a call finds in Redis. */
void command_group_put(struct command_run *run)
{
	struct group_value *v = calloc(1, sizeof(*v));
	struct flow_program *p =
		v && document_make(run, &g_group_documents, v) ? group_flow(v) : NULL;

	if (p)
		command_flow_text_put(run, p);
	else if (!v)
		command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
	program_free(p);
	free(v);
}

static int group_apply(struct node *node, uint16_t tenant, const void *value)
{
	struct bytes owner = bytes_str(tenants_name(node->common.tenants, tenant));
	const struct group_value *v = value;
	struct flow_program *p = group_flow(v);
	static struct ring_group g;
	char flow[CALL_FLOW_MAX];
	int err;

	if (!p)
		return -ENOMEM;
	group_flow_name(flow, v->core.name);
	group_to_core(v, tenant, &g);
	err = programs_put(node->shards.shared_tables->programs, owner, bytes_str(flow), p);
	return err ? err : groups_put(node->shards.shared_tables->groups, &g);
}

static void group_forget(struct node *node, uint16_t tenant, const char *name)
{
	char flow[CALL_FLOW_MAX];

	group_flow_name(flow, name);
	programs_delete(node->shards.shared_tables->programs,
			bytes_str(tenants_name(node->common.tenants, tenant)), bytes_str(flow));
	groups_delete(node->shards.shared_tables->groups, tenant, bytes_str(name));
}

/* What may be seen of it: who of its members is logged out, too. */
static json_t *group_show(const struct node *node, uint16_t tenant, const void *value)
{
	json_t *json = form_view(&g_group_form, value), *list = json_array();
	static struct ring_group g;

	group_to_core(value, tenant, &g);
	for (uint8_t i = 0; i < g.count; i++) {
		struct extension e = { 0 };

		if (extensions_find(node->api.extensions, tenant, bytes_str(g.members[i].number),
				    &e) &&
		    groups_out_has(bytes_str(e.groups_out), bytes_str(g.name)))
			(void)json_array_append_new(list, json_string(g.members[i].number));
		extension_wipe(&e);
	}
	if (json)
		(void)json_object_set_new(json, "logged_out", list);
	else
		json_decref(list);
	return json;
}

const struct document_kind g_group_documents = {
	.name = "group",
	.argument = "name",
	.size = sizeof(struct group_value),
	.form = &g_group_form,
	.several = "groups",
	.places = PROGRAMS_MAX / 4,
	.share = TENANT_GROUPS_MAX,
	.quota = "max_groups",
	.item = TENANT_GROUPS,
	.show = group_show,
	.apply = group_apply,
	.forget = group_forget,
};

/* ---- log-in ---- */

/* Names of the groups in which it is, joined by ','. */
static void groups_of_member(const struct node *n, uint16_t tenant, struct bytes number,
			     struct writer *w)
{
	const struct ring_group *g;
	uint32_t cursor = 0;

	while ((g = groups_next(n->shards.shared_tables->groups, &cursor)) != NULL) {
		if (g->tenant == tenant && group_has(g, number))
			WRITER_TEXTS(w, w->n ? "," : "", g->name);
	}
}

/* A number that leads to it; empty: none does. */
struct bytes command_group_of_number(const struct node *n, uint16_t tenant, struct bytes number)
{
	struct bytes to =
		programs_number(n->shards.shared_tables->programs,
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
	    !groups_find(run->node->shards.shared_tables->groups, e->core.tenant, group)) {
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
