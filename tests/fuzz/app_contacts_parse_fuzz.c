/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of services with contacts; the first octet says of which. Oracle: what is read is within its bounds, each contact and each that is gone has
 * an id, a meeting ends after it begins, and a card is short and has no photo where that made it long.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "app/helper/contacts_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void texts_are_ids(const json_t *list)
{
	const json_t *one;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		assert(json_string_length(one) && json_string_length(one) < CONTACTS_ID_MAX);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static contacts_parse_fn *const parsers[] = {
		contacts_parse_dav,       contacts_parse_google,   contacts_parse_microsoft,
		contacts_parse_pipedrive, exchange_parse,          meetings_parse_caldav,
		meetings_parse_google,    meetings_parse_microsoft
	};
	struct contacts_page p;
	const json_t *one;
	size_t i, count;
	int err;

	if (!size)
		return 0;
	err = parsers[data[0] % COUNT_OF(parsers)](&p, bytes_mem(data + 1, size - 1));
	assert(!err || err == -EBADMSG || err == -E2BIG || err == -ENOMEM || err == -ESTALE ||
	       err == -EBUSY || err == -EACCES);
	texts_are_ids(p.gone);
	texts_are_ids(p.names);
	json_array_foreach(p.found, i, one)
	{
		const json_t *card = json_object_get(one, "card"), *id = json_object_get(one, "id");

		if (json_object_get(one, "until_ms")) {
			assert(json_integer_value(json_object_get(one, "until_ms")) >
			       json_integer_value(json_object_get(one, "from_ms")));
			continue;
		}
		assert(json_string_length(id) && json_string_length(id) < CONTACTS_ID_MAX);
		assert(card ? json_string_length(card) <= CONTACTS_CARD_MAX
			    : json_is_object(json_object_get(one, "contact")));
	}
	count = json_array_size(p.found) + json_array_size(p.gone) + json_array_size(p.names);
	assert(count <= CONTACTS_LIST_MAX);
	assert(strlen(p.token) < CONTACTS_TOKEN_MAX && strlen(p.next) < CONTACTS_TOKEN_MAX);
	contacts_page_clear(&p);
	return 0;
}
