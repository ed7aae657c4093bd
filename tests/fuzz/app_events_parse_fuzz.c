/* SPDX-License-Identifier: Apache-2.0 */
/* Oracle: of what jansson takes for an object with a type, without an escape, the same is found; an id is one that is written so; a filter of two
 * lines has what both of them have. */
#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "app/web/events.h"
#include "sig/identity/shown.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bytes text_of(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return bytes_mem(json_string_value(value), json_string_length(value));
}

static void check_event(struct bytes in)
{
	json_t *object = json_loadb((const char *)in.p, in.n, JSON_REJECT_DUPLICATES, NULL);
	bool is_plain = !memchr(in.p, '\\', in.n) && text_of(object, "type").n;
	struct events_facts facts;
	bool found = events_facts_parse(in, &facts);

	if (json_is_object(object) && is_plain) {
		assert(found && bytes_eq(facts.type, text_of(object, "type")) &&
		       bytes_eq(facts.call, text_of(object, "call")));
		assert(bytes_eq(facts.from, text_of(object, "from_trunk").n
						    ? (struct bytes){ 0 }
						    : text_of(object, "from")));
		assert(bytes_eq(facts.to, text_of(object, "to_trunk").n ? (struct bytes){ 0 }
									: text_of(object, "to")));
	}
	if (found && json_is_object(object) && !memchr(in.p, '\\', in.n)) {
		bool hides = in.n & 1;
		uint8_t *space = malloc(in.n + sizeof(PARTY_HIDDEN));
		struct writer w = writer_over(space, in.n + sizeof(PARTY_HIDDEN));
		json_t *less;

		assert(space);
		writer_str(&w, "{");
		events_without(&w, in, BYTES_LIT("dnis"), hides);
		less = json_loadb((const char *)space, w.n, 0, NULL);
		(void)json_object_del(object, "dnis");
		if (hides && json_object_get(object, "from"))
			(void)json_object_set_new(object, "from", json_string(PARTY_HIDDEN));
		assert(!w.overflow && less && json_equal(object, less));
		json_decref(less);
		free(space);
	}
	json_decref(object);
}

static void check_filter(struct bytes in)
{
	static const struct events_facts facts = { { (const uint8_t *)"call.new", 8 },
						   { (const uint8_t *)"0000000000001", 13 },
						   { (const uint8_t *)"1001", 4 },
						   { (const uint8_t *)"1002", 4 } };
	struct events_filter f, one;
	struct bytes argument, line, rest = in;
	char id[EVENTS_ID_MAX];
	bool has = true;

	if (events_filter_parse(in, &f, &argument))
		return;
	for (uint8_t c = 1; c < 0x20; c++)
		assert(!strchr(f.users, c) && !strchr(f.application, c) && !strchr(f.tenant, c) &&
		       !strchr(f.watch, c));
	if (f.has_after) {
		assert(events_id_parse(events_id_write(id, f.after), &one.after) &&
		       !events_id_compare(f.after, one.after));
	}
	while (bytes_cut(&rest, '\n', &line)) {
		assert(!events_filter_parse(line, &one, &argument));
		has &= events_filter_has(&one, &facts);
	}
	/* the last one of a name counts */
	assert(!has || events_filter_has(&f, &facts));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_mem(data, size);

	if (!size)
		return 0;
	check_event(in);
	check_filter(in);
	return 0;
}
