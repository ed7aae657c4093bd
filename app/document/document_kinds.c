/* SPDX-License-Identifier: Apache-2.0 */
#include "app/command/command_handlers.h"

/* Tenants come first, and a range names a profile. */
const struct document_kind *const g_document_kinds[] = {
	&g_tenant_documents,
	&g_profile_documents,
	&g_range_documents,
	&g_dial_documents,
	&g_extension_documents,
	&g_trunk_documents,
	&g_location_documents,
	&g_did_documents,
	&g_route_documents,
	&g_room_documents,
	NULL,
};

const struct document_kind *document_kind_find(struct bytes name)
{
	for (size_t i = 0; g_document_kinds[i]; i++) {
		if (bytes_is(name, g_document_kinds[i]->name))
			return g_document_kinds[i];
	}
	return NULL;
}
