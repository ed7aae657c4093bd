/* SPDX-License-Identifier: Apache-2.0 */
#include "app/command/command_handlers.h"
#include "app/command/command_walk.h"
#include "app/node/node.h"

/* 0: its record is of an older program. */
static uint64_t registered_utc_ms(const struct locations *locations, const struct binding *b)
{
	return b->registered_utc_ms ? locations_wall_utc_ms(locations, b->registered_utc_ms) : 0;
}

static json_t *contacts_json(const struct locations *locations, const struct aor *aor)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < aor->count; i++) {
		const struct binding *b = &aor->bindings[i];

		(void)json_array_append_new(
			list,
			json_pack("{s:o, s:o, s:o, s:I, s:I, s:b, s:i}", "contact",
				  command_text_json(text_bytes(&b->contact)), "source",
				  command_addr_json(&b->hop.remote), "user_agent",
				  command_text_json(text_bytes(&b->user_agent)),
				  "registered_utc_ms", (json_int_t)registered_utc_ms(locations, b),
				  "expires_utc_ms",
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

/* The last one is the one that was refreshed last. */
static uint64_t aor_utc_ms(const struct locations *locations, const struct aor *aor)
{
	return aor->count ? registered_utc_ms(locations, &aor->bindings[aor->count - 1]) : 0;
}

/* Operators see all tenants that have the number. Who was looked for and has no phone is not registered. */
static bool registration_look(const struct command_run *run, const struct command_span *span,
			      struct command_walk_at *at, bool show, struct command_walk_entry *out)
{
	const struct locations *locations = run->node->locations;
	const struct aor *aor = locations_next(locations, &at->place);

	if (!aor)
		return false;
	out->utc_ms = aor_utc_ms(locations, aor);
	out->wanted = aor->count && command_may_see(run, text_str(&aor->tenant)) &&
		      command_span_has(span, out->utc_ms) &&
		      (!span->number.n || bytes_eq(text_bytes(&aor->user), span->number));
	out->json = show && out->wanted ? aor_json(locations, aor) : NULL;
	return true;
}

void command_registration_list(struct command_run *run)
{
	command_walk_start(run, registration_look);
}
