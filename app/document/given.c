/* SPDX-License-Identifier: Apache-2.0 */
#include "app/document/given.h"

static struct bytes given_json_text(const json_t *json)
{
	return bytes_mem(json_string_value(json), json_string_length(json));
}

struct given given_json(const json_t *json)
{
	struct given g = { .kind = json ? GIVEN_OTHER : GIVEN_NOTHING };

	if (json_is_string(json)) {
		g.kind = GIVEN_TEXT;
		g.text = given_json_text(json);
	} else if (json_is_integer(json)) {
		g.kind = GIVEN_NUMBER;
		g.number = json_integer_value(json);
	} else if (json_is_boolean(json)) {
		g.kind = json_is_true(json) ? GIVEN_TRUE : GIVEN_FALSE;
	} else if (json_is_array(json)) {
		g.kind = GIVEN_LIST;
		g.count = json_array_size(json);
		g.list = json;
	}
	return g;
}

struct given given_flat(struct flat_value v)
{
	static const enum given_kind kinds[] = {
		[FLAT_NONE] = GIVEN_NOTHING, [FLAT_TEXT] = GIVEN_TEXT, [FLAT_NUMBER] = GIVEN_NUMBER,
		[FLAT_FALSE] = GIVEN_FALSE,  [FLAT_TRUE] = GIVEN_TRUE, [FLAT_WORDS] = GIVEN_LIST,
	};

	struct given g = { .kind = kinds[v.kind], .number = (int64_t)v.number, .count = v.count };

	*(v.kind == FLAT_TEXT ? &g.text : &g.words) = v.text;
	return g;
}

struct given given_next(struct given *list, size_t i)
{
	struct given g = { .kind = GIVEN_TEXT };

	if (list->list)
		return given_json(json_array_get(list->list, i));
	if (!flat_word(&list->words, &g.text))
		g.kind = GIVEN_NOTHING;
	return g;
}
