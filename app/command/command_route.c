/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers by which calls come in from trunks, and routes by which they go out. */
#include <errno.h>
#include <string.h>

#include "app/command/command_handlers.h"
#include "app/document/route_field.h"
#include "app/node/node.h"

#define DID_LIMIT \
	"the number of numbers (65536), or of patterns of numbers (4096, or 1024 of one tenant)"
#define ROUTE_LIMIT "the number of routes (1024)"
static_assert(TRUNK_NUMBERS_MAX == 65536 && TRUNK_PATTERNS_MAX == 4096 &&
		      TRUNK_PATTERNS_SHARE == 1024 && TRUNK_ROUTES_MAX == 1024,
	      "the texts above say it");

static void trunk_warn(const struct node *node, uint16_t tenant, const char *member,
		       const char *trunk, json_t *out)
{
	if (trunk[0] && trunks_find(node->trunks, tenant, bytes_str(trunk)) == TRUNK_NONE)
		(void)json_array_append_new(
			out, json_sprintf("%s: there is no trunk %s yet: trunk.put makes one, "
					  "trunk.list shows those that there are",
					  member, trunk));
}

/* ---- numbers ---- */

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

static void did_warn(const struct node *node, uint16_t tenant, const void *value, json_t *out)
{
	trunk_warn(node, tenant, "trunk", ((const struct did_value *)value)->core.trunk, out);
}

const struct document_kind g_did_documents = {
	.name = "did",
	.argument = "number",
	.limit = DID_LIMIT,
	.quota = "max_dids",
	.item = TENANT_NUMBERS,
	.size = sizeof(struct did_value),
	.form = &g_did_form,
	.apply = did_apply,
	.warn = did_warn,
	.forget = did_forget,
};

/* ---- routes ---- */

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

static void route_warn(const struct node *node, uint16_t tenant, const void *value, json_t *out)
{
	struct trunk_route core;

	route_to_core(value, tenant, &core);
	for (uint32_t i = 0; i < core.choice_count; i++)
		trunk_warn(node, tenant, "trunks", core.choices[i].trunk, out);
}

const struct document_kind g_route_documents = {
	.name = "route",
	.argument = "name",
	.limit = ROUTE_LIMIT,
	.quota = "max_routes",
	.item = TENANT_ROUTES,
	.size = sizeof(struct route_value),
	.form = &g_route_form,
	.apply = route_apply,
	.warn = route_warn,
	.forget = route_forget,
};
