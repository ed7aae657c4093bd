/* SPDX-License-Identifier: Apache-2.0 */
#include "app/command/command_handlers.h"
#include "app/node/node.h"

static json_t *contacts_json(const struct shard *shard, const struct aor *aor)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < aor->count; i++) {
		const struct binding *b = &aor->bindings[i];

		(void)json_array_append_new(
			list,
			json_pack("{s:o, s:o, s:o, s:I, s:b}", "contact",
				  command_text_json(text_bytes(&b->contact)), "source",
				  command_addr_json(&b->hop.remote), "user_agent",
				  command_text_json(text_bytes(&b->user_agent)), "expires_utc_ms",
				  (json_int_t)shard_wall_utc_ms(shard, b->expires_utc_ms), "nat",
				  b->nat));
	}
	return list;
}

static json_t *aor_json(const struct shard *shard, const struct aor *aor)
{
	return json_pack("{s:o, s:I, s:o}", "number", command_text_json(text_bytes(&aor->user)),
			 "version", (json_int_t)aor->version, "contacts",
			 contacts_json(shard, aor));
}

void command_registration_list(struct command_run *run)
{
	const struct command_value *limit = command_value(run, "limit"),
				   *number = command_value(run, "number");
	uint64_t left = limit->given ? limit->number : 100;
	json_t *list = json_array();
	const struct aor *aor;
	uint32_t cursor = 0;

	if (number->given) {
		aor = shard_aor_find(run->node->shard, number->text);
		if (aor)
			(void)json_array_append_new(list, aor_json(run->node->shard, aor));
		left = 0;
	}
	while (left && left-- && (aor = shard_aor_next(run->node->shard, &cursor)))
		(void)json_array_append_new(list, aor_json(run->node->shard, aor));
	command_answer(run, list);
}
