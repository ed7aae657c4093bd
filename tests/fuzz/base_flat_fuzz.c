/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Oracle: jansson. What was read without a tree is an object there too, with as many members, each of them the same. And what jansson
 * writes of it is read again.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/flat.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_text(struct bytes text, const json_t *json)
{
	return json_is_string(json) &&
	       bytes_eq(text, bytes_mem(json_string_value(json), json_string_length(json)));
}

static void words_check(struct flat_value v, const json_t *json)
{
	struct bytes word;
	size_t n = 0;

	assert(json_is_array(json) && json_array_size(json) == v.count);
	for (; flat_word(&v.text, &word); n++)
		assert(is_text(word, json_array_get(json, n)));
	assert(n == v.count && !v.text.n);
}

static void value_check(struct flat_value v, const json_t *json)
{
	switch (v.kind) {
	case FLAT_TEXT:
		assert(is_text(v.text, json));
		return;
	case FLAT_NUMBER:
		assert(json_is_integer(json) && (uint64_t)json_integer_value(json) == v.number);
		return;
	case FLAT_FALSE:
		assert(json_is_false(json));
		return;
	case FLAT_TRUE:
		assert(json_is_true(json));
		return;
	case FLAT_WORDS:
		words_check(v, json);
		return;
	case FLAT_NONE:
		break;
	}
	assert(false);
}

static bool name_is(struct bytes name, const char *key, size_t n)
{
	return bytes_eq(name, bytes_mem(key, n));
}

/* By the order of the text, which jansson keeps. */
static void members_check(const struct flat *f, json_t *json)
{
	uint32_t i = 0;

	assert(json_is_object(json) && json_object_size(json) == f->n);
	for (void *at = json_object_iter(json); at; at = json_object_iter_next(json, at), i++) {
		const char *key = json_object_iter_key(at);

		assert(name_is(f->names[i], key, strlen(key)));
		value_check(f->values[i], json_object_iter_value(at));
	}
}

static void found_check(struct flat *f)
{
	for (uint32_t i = f->n; i-- > 0;)
		assert(flat_find(f, f->names[i]).text.p == f->values[i].text.p);
}

/* Read again as jansson has written it, unless that has escaped something. */
static void written_check(struct flat *f, json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT);

	assert(text);
	if (flat_read(f, bytes_str(text)))
		members_check(f, json);
	else
		assert(strchr(text, '\\'));
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct flat f;
	json_t *json;

	if (!flat_read(&f, bytes_mem(data, size)))
		return 0;
	json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	members_check(&f, json);
	found_check(&f);
	written_check(&f, json);
	json_decref(json);
	return 0;
}
