/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directory profiles: which extensions of a tenant a phone's directory has, by department and by
 * number. A profile chooses what is listed, and gives no right: a user of the directory may see
 * all of it without one. Hidden extensions are in none.
 */
#include "app/command/commands.h"
#include "app/document/document.h"
#include "app/feature/contact/contacts.h"
#include "app/node/node.h"

enum { TENANT_PROFILES_MAX = 256, PROFILES_MAX = 4096 };

static int directory_profile_apply(struct node *node, uint16_t tenant, const void *value)
{
	(void)node;
	(void)tenant;
	(void)value;
	return 0;
}

static void directory_profile_forget(struct node *node, uint16_t tenant, const char *name)
{
	(void)node;
	(void)tenant;
	(void)name;
}

const struct document_kind g_directory_profile_documents = {
	.name = "directory_profile",
	.argument = "name",
	.several = "directory profiles",
	.places = PROFILES_MAX,
	.share = TENANT_PROFILES_MAX,
	.size = sizeof(struct directory_profile),
	.form = &g_directory_profile_form,
	.apply = directory_profile_apply,
	.forget = directory_profile_forget,
};
