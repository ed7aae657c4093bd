/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/document/log.h"

#include <errno.h>

#include "tests/unit/test.h"

struct pair {
	const char *name, *value;
};

/* What is wrong, or "". */
static const char *read_all(struct document_entry *e, const struct pair *pairs)
{
	const char *wrong;

	document_entry_start(e);
	for (; pairs->name; pairs++)
		document_entry_field(e, bytes_str(pairs->name), bytes_str(pairs->value));
	wrong = document_entry_check(e);
	return wrong ? wrong : "";
}

#define WHO                                 \
	{ "tenant", "t" }, { "kind", "k" }, \
	{                                   \
		"name", "n"                 \
	}

static void test_entries(void **state)
{
	static const struct {
		const char *want;
		struct pair pairs[8];
	} rows[] = {
		{ "", { WHO, { "version", "7" }, { "put", "{}" } } },
		{ "", { WHO, { "version", "7" }, { "delete", "" } } },
		{ "", { WHO, { "version", "0" }, { "restore", "{}" }, { "later", "x" } } },
		{ "not one change", { WHO, { "version", "7" } } },
		{ "not one change",
		  { WHO, { "version", "7" }, { "put", "{}" }, { "restore", "{}" } } },
		{ "not one change", { WHO, { "version", "7" }, { "put", "{}" }, { "put", "{}" } } },
		{ "a document without a text, or a deletion with one",
		  { WHO, { "version", "7" }, { "put", "" } } },
		{ "a document without a text, or a deletion with one",
		  { WHO, { "version", "7" }, { "delete", "{}" } } },
		{ "version is no number", { WHO, { "version", "-7" }, { "put", "{}" } } },
		{ "version is no number", { WHO, { "put", "{}" } } },
		{ "tenant is no name",
		  { { "tenant", "a:b" },
		    { "kind", "k" },
		    { "name", "n" },
		    { "version", "7" },
		    { "put", "{}" } } },
		{ "kind or name is not valid",
		  { { "tenant", "a" }, { "kind", "k" }, { "version", "7" }, { "put", "{}" } } },
	}, *row;
	struct document_entry e;

	(void)state;
	EACH_ROW(row, rows)
	{
		ROW_ASSERT(row->want, !strcmp(read_all(&e, row->pairs), row->want));
	}
	assert_string_equal(read_all(&e, rows[0].pairs), "");
	assert_int_equal(e.version, 7);
	assert_int_equal(e.event, DOCUMENT_PUT);
	assert_true(bytes_is(e.tenant, "t") && bytes_is(e.kind, "k") && bytes_is(e.name, "n"));
	assert_true(bytes_is(e.json, "{}") && e.history.n == 0);
}

static void test_stream_ids(void **state)
{
	static const char *const bad[] = { "", "1", "-", "1-", "-1", "1-2-3", "a-1", "1-x" };
	struct stream_id a, b;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(stream_id_read(&a, bytes_str(bad[i])), -EINVAL);
	assert_int_equal(stream_id_read(&a, BYTES_LIT("9-10")), 0);
	assert_int_equal(stream_id_read(&b, BYTES_LIT("10-2")), 0);
	assert_true(stream_id_is_below(a, b) && !stream_id_is_below(b, a));
	assert_int_equal(stream_id_read(&b, BYTES_LIT("9-11")), 0);
	assert_true(stream_id_is_below(a, b) && !stream_id_is_below(b, a));
	assert_false(stream_id_is_below(a, a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_stream_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
