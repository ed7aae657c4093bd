/* SPDX-License-Identifier: Apache-2.0 */
#include "app/command/command_handlers.h"
#include "app/node/node.h"

static json_t *contacts_json(const struct locations *locations, const struct aor *aor)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < aor->count; i++) {
		const struct binding *b = &aor->bindings[i];

		(void)json_array_append_new(
			list,
			json_pack("{s:o, s:o, s:o, s:I, s:b, s:i}", "contact",
				  command_text_json(text_bytes(&b->contact)), "source",
				  command_addr_json(&b->hop.remote), "user_agent",
				  command_text_json(text_bytes(&b->user_agent)), "expires_utc_ms",
				  (json_int_t)locations_wall_utc_ms(locations, b->expires_utc_ms),
				  "nat", b->nat, "location", (int)b->location));
	}
	return list;
}

static json_t *aor_json(const struct locations *locations, const struct aor *aor)
{
	return json_pack("{s:s, s:o, s:I, s:o}", "tenant", text_str(&aor->tenant), "number",
			 command_text_json(text_bytes(&aor->user)), "version",
			 (json_int_t)aor->version, "contacts", contacts_json(locations, aor));
}

/* Operators hear of all tenants that have the number. Who was looked for and has no phone is not registered. */
static bool registration_is_wanted(const struct command_run *run, const struct aor *aor)
{
	const struct command_value *number = command_value(run, "number");

	return aor->count && command_may_see(run, text_str(&aor->tenant)) &&
	       (!number->given || bytes_eq(text_bytes(&aor->user), number->text));
}

void command_registration_list(struct command_run *run)
{
	uint64_t left = command_limit(run);
	json_t *list = json_array();
	const struct aor *aor;
	uint32_t cursor = 0;

	while (left && (aor = locations_next(run->node->locations, &cursor))) {
		if (!registration_is_wanted(run, aor))
			continue;
		(void)json_array_append_new(list, aor_json(run->node->locations, aor));
		left--;
	}
	command_answer(run, list);
}
