/* SPDX-License-Identifier: Apache-2.0 */
#include "app/command/command_handlers.h"

/* A range names a profile: those come first. */
const struct document_kind *const g_document_kinds[] = {
	&g_profile_documents,
	&g_range_documents,
	&g_extension_documents,
	NULL,
};
