/* SPDX-License-Identifier: Apache-2.0 */
/* The kind of document "group": ring and hunt groups. A group is carried out by a flow that is made
 * of its document; its text is put to Redis first, where a successor of a call finds it
 * (command_flow.c). Members log in and out by command_group.c. */

#include "app/command/command_flow.h"
#include "app/document/document.h"
#include "app/document/extensions.h"
#include "app/feature/group/group.h"
#include "app/node/node.h"
#include "app/schema/group_field.h"
#include "sig/host/programs.h"
#include "sig/shard/shared_tables.h"

enum { TENANT_GROUPS_MAX = 256 };

static_assert(sizeof(GROUP_WORD) + GROUP_NAME_MAX <= CALL_FLOW_MAX, "the name of its flow");

/* Makes the flow of the group's number. NULL: no memory. */
static struct flow_program *group_flow(const void *v)
{
	static struct flow_findings unused;
	char text[GROUP_PROGRAM_MAX];
	struct writer w = writer_over(text, sizeof(text));

	group_program(v, &w);
	unused = (struct flow_findings){ 0 };
	return w.overflow ? NULL : program_parse(writer_done(&w), NULL, &unused);
}

/* Whether the group has a recording method of its own that may record (REC-01). */
static bool group_records(const struct ring_group *g)
{
	return g && g->record > 1 + RECORD_OFF;
}

static const struct ring_group *group_now(const struct node *node, uint16_t tenant,
					  const char *name)
{
	return groups_find(node->common.shared_tables->groups, tenant, bytes_str(name));
}

static const struct document_seat g_group_seats[] = {
	{ "record", NULL, "max_recorded", TENANT_RECORDED },
	{ 0 },
};

static bool group_check(struct command_run *run, const void *value)
{
	const struct ring_group *g = &((const struct group_value *)value)->core;

	return document_seat_is_left(
		run, g_group_seats,
		group_records(group_now(run->node, document_tenant(run), g->name)),
		group_records(g));
}

static int group_apply(struct node *node, uint16_t tenant, const void *value)
{
	const struct group_value *v = value;
	static struct ring_group g;
	bool recorded;
	int err;

	group_to_core(v, tenant, &g);
	recorded = group_records(group_now(node, tenant, g.name));
	err = command_flow_kind_apply(node, tenant, &g_group_documents, g.name, v);
	if (!err)
		err = groups_put(node->common.shared_tables->groups, &g);
	if (!err)
		document_seat_hold(node, tenant, TENANT_RECORDED, recorded, group_records(&g));
	return err;
}

static void group_forget(struct node *node, uint16_t tenant, const char *name)
{
	document_seat_hold(node, tenant, TENANT_RECORDED,
			   group_records(group_now(node, tenant, name)), false);
	command_flow_kind_forget(node, tenant, &g_group_documents, name);
	groups_delete(node->common.shared_tables->groups, tenant, bytes_str(name));
}

/* Returns the view of a group, with the members that are logged out. */
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
	.word = GROUP_WORD,
	.flow = group_flow,
	.places = PROGRAMS_MAX / 4,
	.share = TENANT_GROUPS_MAX,
	.quota = "max_groups",
	.item = TENANT_GROUPS,
	.seats = g_group_seats,
	.check = group_check,
	.show = group_show,
	.apply = group_apply,
	.forget = group_forget,
};
