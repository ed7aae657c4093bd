/* SPDX-License-Identifier: Apache-2.0 */
/* Where phones stand. */
#include <errno.h>

#include "app/command/command_handlers.h"
#include "app/document/location_field.h"
#include "app/node/node.h"
#include "sig/sip/located_user.h"

static int location_apply(struct node *node, uint16_t tenant, const void *value)
{
	struct site site;

	location_to_core(value, tenant, &site);
	return site.id ? sites_put(node->sites, &site) : -EINVAL;
}

static void location_forget(struct node *node, uint16_t tenant, const char *name)
{
	uint16_t id;

	if (!location_read(bytes_str(name), &id))
		sites_delete(node->sites, tenant, id);
}

const struct document_kind g_location_documents = {
	.name = "location",
	.argument = "id",
	.limit = "the number of locations (4096)",
	.quota = "max_locations",
	.item = TENANT_SITES,
	.size = sizeof(struct location_value),
	.form = &g_location_form,
	.apply = location_apply,
	.forget = location_forget,
};
static_assert(SITES_MAX == 4096, "the text above says it");
