/* SPDX-License-Identifier: Apache-2.0 */
#include "app/document/tenancy.h"

#include <errno.h>
#include <stdlib.h>

#include "app/document/document.h"
#include "app/document/profiles.h"
#include "app/node/node.h"

int tenancy_open(struct node *n)
{
	n->api.tenancy = calloc(1, sizeof(*n->api.tenancy));
	if (!n->api.tenancy)
		return -ENOMEM;
	profiles_open(&n->api.tenancy->none, TENANT_NONE);
	return 0;
}

void tenancy_close(struct node *n)
{
	for (size_t i = 0; n->api.tenancy && i < TENANTS_MAX; i++)
		free(n->api.tenancy->profiles[i]);
	free(n->api.tenancy);
	n->api.tenancy = NULL;
}

const char *document_realm(const struct node *n, uint16_t tenant)
{
	if (tenant == TENANT_DEFAULT)
		return n->settings.sip.realm;
	return tenant == TENANT_NONE ? "" : tenants_realm(n->common.tenants, tenant);
}

const struct profiles *document_profiles(const struct node *n, uint16_t tenant)
{
	const struct profiles *own = tenant < TENANTS_MAX ? n->api.tenancy->profiles[tenant] : NULL;

	return own ? own : &n->api.tenancy->none;
}

struct profiles *document_profiles_own(struct node *n, uint16_t tenant)
{
	struct profiles **own;

	if (tenant >= TENANTS_MAX)
		return NULL;
	own = &n->api.tenancy->profiles[tenant];
	if (!*own && (*own = calloc(1, sizeof(**own))) != NULL)
		profiles_open(*own, tenant);
	return *own;
}

void document_profiles_delete(struct node *n, uint16_t tenant)
{
	uint32_t cursor = 0;
	struct shard *core;

	while ((core = node_core_next(n, &cursor)))
		shard_profiles_delete(core, tenant);
	free(n->api.tenancy->profiles[tenant]);
	n->api.tenancy->profiles[tenant] = NULL;
}
