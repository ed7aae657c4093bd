/* SPDX-License-Identifier: Apache-2.0 */
/* Slots where calls are parked, as Redis has them: of all nodes. */
#include <stdlib.h>
#include <string.h>

#include "app/command/command_handlers.h"
#include "app/node/node.h"
#include "sig/sip/id.h"

struct park_listing {
	struct command_run *run;
	json_t *list;
};

/* Who parked, who is parked, since when: words with a space between them. */
static void listing_add(json_t *row, struct bytes beside)
{
	struct bytes by, party, since;
	uint64_t utc_ms = 0;

	(void)bytes_cut(&beside, ' ', &by);
	(void)bytes_cut(&beside, ' ', &party);
	(void)bytes_cut(&beside, ' ', &since);
	(void)bytes_u64(since, &utc_ms);
	(void)json_object_set_new(row, "by", command_text_json(by));
	(void)json_object_set_new(row, "party", command_text_json(party));
	(void)json_object_set_new(row, "since_utc_ms", json_integer((json_int_t)utc_ms));
}

static uint64_t row_slot(const json_t *row)
{
	const char *slot = json_string_value(json_object_get(row, "slot"));
	uint64_t number = UINT64_MAX;

	(void)bytes_u64(bytes_str(slot ? slot : ""), &number);
	return number;
}

/* By their numbers. */
static void on_slot(struct bytes slot, uint64_t call, struct bytes beside, void *arg)
{
	const struct park_listing *l = arg;
	json_t *row = json_object();
	size_t at = json_array_size(l->list);

	(void)json_object_set_new(row, "slot", command_text_json(slot));
	(void)json_object_set_new(row, "call", call ? command_call_id_json(call) : json_null());
	listing_add(row, beside);
	while (at > 0 && row_slot(json_array_get(l->list, at - 1)) > row_slot(row))
		at--;
	(void)json_array_insert_new(l->list, at, row);
}

static void on_slots(enum store_result result, uint64_t key, uint64_t count, void *arg)
{
	struct park_listing *l = arg;
	size_t most = command_limit(l->run);

	(void)key;
	(void)count;
	while (json_array_size(l->list) > most)
		(void)json_array_remove(l->list, json_array_size(l->list) - 1);
	if (result == STORE_OK) {
		command_answer(l->run, l->list);
	} else {
		json_decref(l->list);
		command_fail(l->run, COMMAND_UNAVAILABLE, NULL, "Redis did not answer");
	}
	free(l);
}

void command_park_list(struct command_run *run)
{
	struct park_listing *l = malloc(sizeof(*l));

	if (!l) {
		command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
		return;
	}
	*l = (struct park_listing){ run, json_array() };
	store_park_list(run->node->store, bytes_str(run->tenant), on_slot, on_slots, l);
}
