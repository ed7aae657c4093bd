/* SPDX-License-Identifier: Apache-2.0 */
/* The command seat.list. It only reads: what is given is held by the table of tenants as documents
 * are applied, and users that are logged in are counted from their sessions, which are documents,
 * too. So a node that was killed holds no seat that the others do not know of. */

#include "app/command/command_session.h"
#include "app/command/commands.h"
#include "app/document/document.h"
#include "app/feature/seat/seat.h"
#include "app/node/node.h"

static void seat_add(json_t *list, const struct command_run *run, const char *name,
		     enum tenant_item item, uint32_t given)
{
	const struct tenants *all = run->node->common.tenants;
	uint16_t tenant = document_tenant(run);
	uint32_t total = tenants_most(all, tenant, item);
	json_t *row = json_pack("{s:s, s:b, s:I}", "seat", name, "counted",
				tenants_is_limited(all, tenant, item), "given", (json_int_t)given);

	if (row && tenants_is_limited(all, tenant, item)) {
		(void)json_object_set_new(row, "total", json_integer(total));
		(void)json_object_set_new(row, "left",
					  json_integer(total > given ? total - given : 0));
	}
	(void)json_array_append_new(list, row);
}

void command_seat_list(struct command_run *run)
{
	const struct tenants *all = run->node->common.tenants;
	uint16_t tenant = document_tenant(run);
	json_t *list;

	if (tenant == TENANT_NONE) {
		command_fail(run, COMMAND_NOT_FOUND, NULL, "there is no such tenant");
		return;
	}
	list = json_array();
	for (unsigned i = 0; i < SEAT_COUNT; i++) {
		enum tenant_item item = (enum tenant_item)(TENANT_SEATS + i);

		seat_add(list, run, g_seats[i], item,
			 i == SEAT_SESSION ? command_session_seats(run)
					   : tenants_held(all, tenant, item));
	}
	seat_add(list, run, "recording", TENANT_RECORDED,
		 tenants_held(all, tenant, TENANT_RECORDED));
	command_answer(run, list);
}
