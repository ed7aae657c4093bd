/* SPDX-License-Identifier: Apache-2.0 */
/* A set's document and its entries, as they are written and read. */
#include "tests/unit/test.h"

#include <errno.h>

#include "app/schema/set_field.h"

static void test_document(void **state)
{
	struct set_value v = { .name = "office",
			       .moving = true,
			       .moves = 2,
			       .versions = { { .version = 7,
					       .of = 3,
					       .entries = 9,
					       .created = 1,
					       .deleted = 1,
					       .utc_ms = 1795000000000,
					       .key = 77,
					       .by = "admin" },
					     { .version = 6 } },
			       .version_count = 2,
			       .tenants = { { "default", 12, 2 } },
			       .tenant_count = 1,
			       .changed_utc_ms = 5 },
			 got;
	json_t *json = set_document(&v);
	char *text = json_dumps(json, JSON_COMPACT);
	const char *reason;

	(void)state;
	memset(&got, 0, sizeof(got));
	assert_int_equal(set_document_read(&got, bytes_str(text), &reason), 0);
	assert_memory_equal(&got, &v, sizeof(v));
	free(text);

	(void)json_object_set_new(json, "moves", json_integer(10)); /* more than it has entries */
	text = json_dumps(json, JSON_COMPACT);
	assert_int_equal(set_document_read(&got, bytes_str(text), &reason), -EBADMSG);
	assert_string_equal(reason, "moves");
	assert_memory_equal(&got, &v, sizeof(v));
	free(text);
	(void)json_object_set_new(json, "v", json_integer(2));
	text = json_dumps(json, JSON_COMPACT);
	assert_int_equal(set_document_read(&got, bytes_str(text), &reason), -EPROTONOSUPPORT);
	free(text);
	json_decref(json);
}

static void test_entries(void **state)
{
	static const struct {
		const char *text;
		int want;
	} rows[] = {
		{ "+\t1\textension\tdefault\t1001\t{\"v\":1}", 0 },
		{ "+\t1\textension\tdefault\t1001\ta\tb", 0 },
		{ "-\t12\textension\tdefault\t1001\t", 0 },
		{ "=\t0\textension\tdefault\t1001\t{}", 0 },
		{ "", -EBADMSG },
		{ "+", -EBADMSG },
		{ "++\t1\textension\tdefault\t1001\t{}", -EBADMSG },
		{ "*\t1\textension\tdefault\t1001\t{}", -EBADMSG },
		{ "+\t0\textension\tdefault\t1001\t{}", -EBADMSG },
		{ "=\t1\textension\tdefault\t1001\t{}", -EBADMSG },
		{ "+\t-1\textension\tdefault\t1001\t{}", -EBADMSG },
		{ "+\t1\textension\tdefault\t1001\t", -EBADMSG },
		{ "-\t1\textension\tdefault\t1001\t{}", -EBADMSG },
		{ "+\t1\t\tdefault\t1001\t{}", -EBADMSG },
		{ "+\t1\textension\t\t1001\t{}", -EBADMSG },
		{ "+\t1\textension\tdefault\t\t{}", -EBADMSG },
		{ "+\t1\textension\tdefault\t1001", -EBADMSG },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct set_entry e = { 0 };
		char buf[128];
		struct writer w = writer_over(buf, sizeof(buf));

		assert_int_equal(set_entry_read(&e, bytes_str(rows[i].text)), rows[i].want);
		if (rows[i].want)
			continue;
		set_entry_write(&w, &e);
		assert_true(bytes_is(writer_done(&w), rows[i].text));
	}
}

static void test_keys(void **state)
{
	const struct set_version one = { .version = 4, .key = 0x1234 };
	char key[SET_KEY_MAX];

	(void)state;
	set_key(key, "office", &one);
	assert_string_equal(key, "office:4:1234");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_document),
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
