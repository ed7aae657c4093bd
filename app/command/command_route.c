/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers by which calls come in from trunks, and routes by which they go out. */
#include <errno.h>
#include <string.h>

#include "app/command/command_handlers.h"
#include "app/document/route_field.h"
#include "app/node/node.h"

#define DID_LIMIT   "the number of numbers (65536), or of patterns of numbers (1024)"
#define ROUTE_LIMIT "the number of routes (1024)"
static_assert(TRUNK_NUMBERS_MAX == 65536 && TRUNK_PATTERNS_MAX == 1024 && TRUNK_ROUTES_MAX == 1024,
	      "the texts above say it");

/* ---- numbers ---- */

static bool did_make(struct command_run *run, void *value)
{
	struct did_value *d = value;

	(void)document_stored(run->node, run->tenant, &g_did_documents,
			      command_value(run, "number")->text, d);
	d->changed_utc_ms = clock_utc_ms();
	return field_take(run, g_did_fields, d);
}

static bool did_aim(struct command_run *run, char name[DOCUMENT_NAME_MAX])
{
	return document_aim(run, &g_did_documents, name);
}

static void did_name(const void *value, char name[DOCUMENT_NAME_MAX])
{
	const struct did_value *d = value;

	(void)bytes_cstr(bytes_str(d->core.number), name, DOCUMENT_NAME_MAX);
}

static json_t *did_write(struct node *node, const void *value)
{
	(void)node;
	return did_to_document(value);
}

static json_t *did_show(const struct node *node, uint16_t tenant, const void *value)
{
	(void)node;
	(void)tenant;
	return did_to_view(value);
}

static int did_read(const struct node *node, void *value, struct bytes json, const char **reason)
{
	(void)node;
	return did_from_document(value, json, reason);
}

static int did_apply(struct node *node, uint16_t tenant, const void *value)
{
	struct trunk_did did = ((const struct did_value *)value)->core;

	did.tenant = tenant;
	return trunk_did_put(node->numbers, &did);
}

static void did_forget(struct node *node, uint16_t tenant, const char *name)
{
	(void)trunk_did_delete(node->numbers, tenant, bytes_str(name));
}

const struct document_kind g_did_documents = {
	.name = "did",
	.argument = "number",
	.limit = DID_LIMIT,
	.size = sizeof(struct did_value),
	.make = did_make,
	.aim = did_aim,
	.name_of = did_name,
	.write = did_write,
	.show = did_show,
	.read = did_read,
	.apply = did_apply,
	.forget = did_forget,
};

void command_did_put(struct command_run *run)
{
	document_put(run, &g_did_documents);
}

void command_did_show(struct command_run *run)
{
	document_show(run, &g_did_documents);
}

void command_did_delete(struct command_run *run)
{
	document_delete(run, &g_did_documents);
}

void command_did_list(struct command_run *run)
{
	char after[DOCUMENT_NAME_MAX];

	(void)bytes_cstr(command_value(run, "after")->text, after, sizeof(after));
	document_list(run, &g_did_documents, after, command_limit(run));
}

/* ---- routes ---- */

static bool route_make(struct command_run *run, void *value)
{
	struct route_value *r = value;

	route_default(r);
	(void)document_stored(run->node, run->tenant, &g_route_documents,
			      command_value(run, "name")->text, r);
	r->changed_utc_ms = clock_utc_ms();
	return field_take(run, g_route_fields, r);
}

static bool route_aim(struct command_run *run, char name[DOCUMENT_NAME_MAX])
{
	return document_aim(run, &g_route_documents, name);
}

static void route_name(const void *value, char name[DOCUMENT_NAME_MAX])
{
	const struct route_value *r = value;

	(void)bytes_cstr(bytes_str(r->core.name), name, DOCUMENT_NAME_MAX);
}

static json_t *route_write(struct node *node, const void *value)
{
	(void)node;
	return route_to_document(value);
}

static json_t *route_show(const struct node *node, uint16_t tenant, const void *value)
{
	(void)node;
	(void)tenant;
	return route_to_view(value);
}

static int route_read(const struct node *node, void *value, struct bytes json, const char **reason)
{
	(void)node;
	return route_from_document(value, json, reason);
}

static int route_apply(struct node *node, uint16_t tenant, const void *value)
{
	struct trunk_route core;

	route_to_core(value, tenant, &core);
	return trunk_route_put(node->numbers, &core);
}

static void route_forget(struct node *node, uint16_t tenant, const char *name)
{
	(void)trunk_route_delete(node->numbers, tenant, bytes_str(name));
}

const struct document_kind g_route_documents = {
	.name = "route",
	.argument = "name",
	.limit = ROUTE_LIMIT,
	.size = sizeof(struct route_value),
	.make = route_make,
	.aim = route_aim,
	.name_of = route_name,
	.write = route_write,
	.show = route_show,
	.read = route_read,
	.apply = route_apply,
	.forget = route_forget,
};

void command_route_put(struct command_run *run)
{
	document_put(run, &g_route_documents);
}

void command_route_show(struct command_run *run)
{
	document_show(run, &g_route_documents);
}

void command_route_delete(struct command_run *run)
{
	document_delete(run, &g_route_documents);
}

void command_route_list(struct command_run *run)
{
	document_list(run, &g_route_documents, "", SIZE_MAX);
}
