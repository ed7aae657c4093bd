/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of contacts, pictures and notes for tandemctl backup and restore: the archive has them
 * (app/archive/contact/contact_backup.c). A node without an archive has none. */
#include <string.h>

#include "app/archive/contact/contact.h"
#include "app/command/commands.h"
#include "app/feature/archive/archive_client.h"
#include "app/feature/contact/contacts.h"
#include "app/node/node.h"
#include "app/settings/settings.h"
#include "base/json_member.h"
#include "sig/host/tenant.h"

void command_contact_backup(struct command_run *run)
{
	const json_t *after = json_object_get(run->args, "after");

	if (run->node->settings->archive.enabled)
		archive_run(run, "contact.backup", json_pack("{s:O*}", "after", after), NULL);
	else
		command_answer(run, json_pack("{s:[]}", "rows"));
}

/* NULL: its extension is not there, or is not shown. */
static json_t *picture_args(const struct node *n, uint16_t tenant, const json_t *row)
{
	json_t *own = colleague_row(n, tenant, bytes_str(json_text(row, "number")));
	json_t *photo = json_object_get(json_object_get(row, "card"), "photo");

	if (!json_object_get(own, "card")) {
		json_decref(own);
		return NULL;
	}
	(void)json_object_set(own, "photo", photo);
	return json_pack("{s:[o]}", "rows", own);
}

void command_contact_restore(struct command_run *run)
{
	const json_t *row = command_value(run, "row")->json;
	const char *owner = json_text(row, "owner");
	json_t *args;
	uint16_t tenant =
		tenants_find(run->node->common.tenants, bytes_str(json_text(row, "tenant")));
	bool picture = !strcmp(owner, CONTACT_COLLEAGUES);

	if (tenant == TENANT_NONE || (strcmp(owner, "d") != 0 && owner[0] != 'u' && !picture)) {
		command_fail(run, COMMAND_NOT_FOUND, "row", "there is no such tenant, or no book");
		return;
	}
	args = picture ? picture_args(run->node, tenant, row)
		       : contact_args_in(run->node, tenant, owner);
	if (!args) {
		command_answer(run, json_pack("{s:s}", "owner", owner));
		return;
	}
	if (!picture)
		(void)json_object_update(args, (json_t *)(uintptr_t)row);
	archive_run(run, picture ? "contact.mirror" : "contact.restore", args, NULL);
}
