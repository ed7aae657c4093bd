/* SPDX-License-Identifier: Apache-2.0 */
/* Tenants: documents of operators. */
#include <errno.h>
#include <string.h>

#include "app/command/command_handlers.h"
#include "app/command/control.h"
#include "app/document/tenant_field.h"
#include "app/node/node.h"
#include "base/log.h"

#define TENANT_LIMIT "the number of tenants (4096)"
static_assert(TENANTS_MAX == 4096, "the text above says it");

/* The document of that name. False: there is none that can be read. */
static bool tenant_stored(const struct node *n, struct bytes name, struct tenant_value *out)
{
	struct bytes text = shelf_text(&n->documents.keep.shelf, BYTES_LIT(DIRECTORY_OPERATORS),
				       BYTES_LIT("tenant"), name);
	const char *reason;

	return text.n && !form_read(&g_tenant_form, out, text, &reason);
}

/* The one that is always there may have none. */
static bool tenant_known(const struct node *n, struct bytes name, struct tenant_value *out)
{
	if (tenant_stored(n, name, out))
		return true;
	if (!bytes_is(name, NODE_TENANT))
		return false;
	form_begin(&g_tenant_form, out, name);
	return true;
}

bool command_tenant_value(const struct node *n, const char *name, struct tenant_value *out)
{
	return tenant_known(n, bytes_str(name), out);
}

uint8_t command_tenant_first_classes(const struct node *n, uint16_t tenant)
{
	struct tenant_value t;

	form_begin(&g_tenant_form, &t, (struct bytes){ 0 });
	(void)tenant_known(n, bytes_str(tenants_name(n->tenants, tenant)), &t);
	return t.extension_classes;
}

/* It has documents of its own. */
static bool has_documents(const struct node *n, struct bytes tenant)
{
	struct snapshot_document d;
	uint32_t cursor = 0;

	while (shelf_next(&n->documents.keep.shelf, &cursor, &d)) {
		if (bytes_eq(d.tenant, tenant))
			return true;
	}
	return false;
}

/* No domain is another's. False: the run has failed. */
static bool domains_are_free(struct command_run *run, const struct tenant_value *t)
{
	const struct tenants *all = run->node->tenants;
	struct bytes list = bytes_str(t->domains), one;

	while (bytes_cut(&list, ',', &one)) {
		uint16_t other = tenants_owner(all, one);

		if (other == TENANT_NONE || !strcmp(tenants_name(all, other), t->name))
			continue;
		command_fail(run, COMMAND_BAD_ARGUMENT, "domains",
			     BYTES_FMT " is a domain of the tenant %s", BYTES_ARG(one),
			     tenants_name(all, other));
		return false;
	}
	return true;
}

static struct bytes realm_of(const struct tenant_value *t)
{
	struct bytes list = bytes_str(t->domains);

	return bytes_sub(list, 0, bytes_find(list, ','));
}

/* Passwords are hashes over it. False: the run has failed. */
static bool realm_may_change(struct command_run *run, const struct tenant_value *before,
			     const struct tenant_value *t)
{
	if (bytes_eq(realm_of(before), realm_of(t)) || !strcmp(t->name, NODE_TENANT) ||
	    !has_documents(run->node, bytes_str(t->name)))
		return true;
	command_fail(
		run, COMMAND_CONFLICT, "domains",
		"the first domain is the realm of its passwords: it stays while the tenant has "
		"documents");
	return false;
}

/* Each is asked for in one question. False: the run has failed. */
static bool streams_have_room(struct command_run *run, const struct tenant_value *t)
{
	if (control_has_room(run->node->control, t->name, tenant_roles(t)))
		return true;
	command_fail(run, COMMAND_FULL, "commands", "the streams of commands of all tenants (%d)",
		     CONTROL_STREAMS_MAX);
	return false;
}

static bool tenant_make(struct command_run *run, void *value)
{
	struct bytes name = command_value(run, "name")->text;
	struct tenant_value *t = value, before;

	if (name.p[0] == '_' || name.p[0] == '.') {
		command_fail(run, COMMAND_BAD_ARGUMENT, "name",
			     "a tenant's name does not begin with '_' or '.'");
		return false;
	}
	form_begin(&g_tenant_form, &before, (struct bytes){ 0 });
	(void)tenant_known(run->node, name, &before);
	*t = before;
	return document_take(run, &g_tenant_documents, t) && domains_are_free(run, t) &&
	       realm_may_change(run, &before, t) && streams_have_room(run, t);
}

static bool tenant_aim(struct command_run *run, char name[DOCUMENT_NAME_MAX])
{
	struct bytes text = command_value(run, "name")->text;
	struct tenant_value t;

	if (bytes_is(text, NODE_TENANT)) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "name",
			     "the tenant default always exists; change it with tenant.put");
	} else if (!tenant_stored(run->node, text, &t)) {
		command_fail(run, COMMAND_NOT_FOUND, "name", "there is no such tenant");
	} else if (has_documents(run->node, text)) {
		command_fail(run, COMMAND_CONFLICT, "name",
			     "it still has documents: delete its extensions, profiles and ranges "
			     "first");
	} else {
		return bytes_cstr(text, name, DOCUMENT_NAME_MAX) == 0;
	}
	return false;
}

/* Its documents are read from now on. */
static int tenant_apply(struct node *node, uint16_t tenant, const void *value)
{
	const struct tenant_value *t = value;
	struct tenant_settings set;
	uint32_t cursor = 0;
	struct shard *core;
	uint16_t number;
	int err;

	(void)tenant;
	tenant_to_settings(t, &set);
	err = tenants_put(node->tenants, &set, &number);
	if (err)
		return err;
	if (number != TENANT_DEFAULT && !document_profiles_own(node, number))
		return -ENOMEM;
	while (!err && (core = node_core_next(node, &cursor)))
		err = shard_profile_put(core, number,
					&document_profiles(node, number)->list[0].core);
	directory_add(node, t->name);
	node->recordings.stale = true;
	if (node->control)
		control_tenant_set(node->control, t->name, tenant_roles(t));
	return err;
}

static void tenant_listen(struct node *n, struct bytes name)
{
	struct tenant_value t;

	if (tenant_known(n, name, &t))
		control_tenant_set(n->control, t.name, tenant_roles(&t));
}

void command_tenants_listen(struct node *n)
{
	for (uint16_t i = 0; tenants_next(n->tenants, &i); i++)
		tenant_listen(n, bytes_str(tenants_name(n->tenants, i)));
}

/* Its number is free for another one when nothing holds it any more: calls, and what has not come to its end. */
static void tenant_forget(struct node *node, uint16_t tenant, const char *name)
{
	uint16_t number = tenants_find(node->tenants, bytes_str(name));
	struct tenant_value t;

	(void)tenant;
	if (number != TENANT_NONE && number != TENANT_DEFAULT)
		document_profiles_delete(node, number);
	(void)tenants_delete(node->tenants, bytes_str(name));
	node->recordings.stale = true;
	form_begin(&g_tenant_form, &t, bytes_str(name));
	if (node->control)
		control_tenant_set(node->control, name, tenant_roles(&t));
}

/* Who is still parked there goes on alone; nobody finds him by a slot. */
static void tenant_deleted(struct node *node, const char *name)
{
	store_park_clear(node->store, bytes_str(name), NULL, NULL);
}

const struct document_kind g_tenant_documents = {
	.name = "tenant",
	.argument = "name",
	.limit = TENANT_LIMIT,
	.size = sizeof(struct tenant_value),
	.form = &g_tenant_form,
	.make = tenant_make,
	.aim = tenant_aim,
	.apply = tenant_apply,
	.forget = tenant_forget,
	.deleted = tenant_deleted,
	.exact = true,
	.of_operators = true,
};

void command_tenant_show(struct command_run *run)
{
	struct tenant_value t;

	if (tenant_known(run->node, command_value(run, "name")->text, &t)) {
		command_answer(run, form_view(&g_tenant_form, &t));
	} else {
		command_fail(run, COMMAND_NOT_FOUND, "name", "there is no such tenant");
	}
}

static void tenant_list_add(const struct node *n, json_t *list, const char *name)
{
	struct tenant_value t;

	if (tenant_known(n, bytes_str(name), &t))
		(void)json_array_append_new(list, form_view(&g_tenant_form, &t));
}

/* By number, which is the order in which this node came to know them. */
void command_tenant_list(struct command_run *run)
{
	json_t *list = json_array();

	for (uint16_t i = 0; tenants_next(run->node->tenants, &i); i++)
		tenant_list_add(run->node, list, tenants_name(run->node->tenants, i));
	command_answer(run, list);
}

/* What it has of that, and its quota. */
struct tenant_use {
	const char *name, *max;
	enum tenant_item item;
	const struct document_kind *kind; /* NULL: nothing that is put */
};

static uint32_t tenant_has(const struct node *n, uint16_t tenant, const struct tenant_use *use)
{
	if (!use->kind)
		return tenants_held(n->tenants, tenant, use->item);
	return shelf_count_of(&n->documents.keep.shelf, bytes_str(tenants_name(n->tenants, tenant)),
			      bytes_str(use->kind->name));
}

/* New reference, NULL: out of memory. */
static json_t *tenant_usage(const struct node *n, uint16_t tenant)
{
	static const struct tenant_use uses[] = {
		{ "calls", "max_calls", TENANT_CALLS, NULL },
		{ "registrations", "max_registrations", TENANT_REGISTRATIONS, NULL },
		{ "extensions", "max_extensions", TENANT_EXTENSIONS, &g_extension_documents },
		{ "subscriptions", "max_subscriptions", TENANT_SUBSCRIPTIONS, NULL },
		{ "trunks", "max_trunks", TENANT_TRUNKS, &g_trunk_documents },
		{ "dids", "max_dids", TENANT_NUMBERS, &g_did_documents },
		{ "routes", "max_routes", TENANT_ROUTES, &g_route_documents },
		{ "locations", "max_locations", TENANT_SITES, &g_location_documents },
		{ "rooms", "max_rooms", TENANT_ROOMS, &g_room_documents },
		{ "conferences", "max_conferences", TENANT_CONFERENCES, NULL },
	};
	json_t *out = json_object();

	for (size_t i = 0; i < COUNT_OF(uses); i++) {
		(void)json_object_set_new(out, uses[i].name,
					  json_integer(tenant_has(n, tenant, &uses[i])));
		(void)json_object_set_new(
			out, uses[i].max,
			json_integer(tenants_most(n->tenants, tenant, uses[i].item)));
	}
	return out;
}

void command_tenant_status(struct command_run *run)
{
	uint16_t tenant = document_tenant(run);
	json_t *json;

	if (tenant == TENANT_NONE) {
		command_fail(run, COMMAND_NOT_FOUND, NULL, "there is no such tenant");
		return;
	}
	json = json_pack("{s:s, s:s, s:s}", "name", run->tenant, "realm",
			 document_realm(run->node, tenant), "role", command_role_name(run->role));
	(void)json_object_update_new(json, tenant_usage(run->node, tenant));
	command_answer(run, json);
}
