/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Oracle: what is read has that name, a known state and members of their kinds alone; written again it reads back the same. Without the name
 * it is refused.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "app/record/entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NAME "default/2026-11-25/000agvj5jqr40-1.1.wav"

static void scalars_check(const json_t *json)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)json, key, value)
	{
		if (!strcmp(key, "stored"))
			continue;
		assert(json_is_string(value) || json_is_boolean(value) ||
		       (json_is_integer(value) && json_integer_value(value) >= 0));
	}
}

static void places_check(const json_t *places)
{
	assert(json_is_array(places) && json_array_size(places) <= ENTRY_STORED_MAX);
	for (size_t i = 0; i < json_array_size(places); i++) {
		const json_t *place = json_array_get(places, i);

		assert(json_is_string(json_object_get(place, "to")));
		assert(json_object_size(place) <= 2);
		scalars_check(place);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *first = entry_parse(BYTES_LIT(NAME), (struct bytes){ data, size }), *again;
	char *text;

	assert(!entry_parse(BYTES_LIT("other/2026-11-25/x.wav"), (struct bytes){ data, size }) ||
	       !first);
	if (!first)
		return 0;
	assert(!strcmp(json_string_value(json_object_get(first, "name")), NAME));
	assert(!strcmp(json_string_value(json_object_get(first, "tenant")), "default"));
	scalars_check(first);
	places_check(json_object_get(first, "stored"));
	text = entry_write(first);
	if (text) { /* as text it may be longer */
		again = entry_parse(BYTES_LIT(NAME), bytes_str(text));
		assert(again && json_equal(first, again));
		json_decref(again);
	}
	free(text);
	json_decref(first);
	return 0;
}
