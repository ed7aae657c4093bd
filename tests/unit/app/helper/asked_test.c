/* SPDX-License-Identifier: Apache-2.0 */
#include "app/helper/asked.h"

#include "tests/unit/test.h"

static void shows(const char *text, const char *hidden, const char *want)
{
	json_t *list = json_loads(hidden, 0, NULL), *json = asked_text(bytes_str(text), list);

	assert_non_null(json);
	assert_string_equal(json_string_value(json), want);
	json_decref(json);
	json_decref(list);
}

static void test_text(void **state)
{
	char many[3 * ASKED_TEXT_MAX];
	json_t *json, *hidden = json_pack("[s]", "4711");

	(void)state;
	shows("", "[]", "");
	shows("{\"pin\":\"4711\"}", "[\"4711\"]", "{\"pin\":\"***\"}");
	shows("47114711 and 471", "[\"4711\"]", "****** and 471");
	shows("a longer one counts", "[\"long\",\"longer\"]", "a *** one counts");
	shows("{\"a\":\"x\\\"y\"} x\"y", "[\"x\\\"y\"]", "{\"a\":\"***\"} ***");
	shows("nothing is hidden", "[\"\"]", "nothing is hidden");
	shows("\xff\xfe<html>\x01", "[]", "\?\?<html>?");
	memset(many, 'x', sizeof(many));
	memcpy(many + ASKED_TEXT_MAX - 2, "4711", 4);
	json = asked_text(bytes_mem(many, ASKED_TEXT_MAX + 2), hidden);
	json_decref(hidden);
	assert_int_equal(json_string_length(json), ASKED_TEXT_MAX - 2);
	assert_null(strstr(json_string_value(json), "4"));
	json_decref(json);
	memcpy(many + ASKED_TEXT_MAX - 1, "\xc3\xa4", 2);
	json = asked_text(bytes_mem(many, sizeof(many)), NULL);
	assert_int_equal(json_string_length(json), ASKED_TEXT_MAX - 1);
	json_decref(json);
}

static void put(struct asked *a, uint16_t tenant, int number, const char *call)
{
	asked_put(a, tenant, json_pack("{s:i, s:s}", "number", number, "call", call));
}

static int newest(const struct asked *a, const uint16_t *tenant, const char *call, size_t *count)
{
	json_t *list = asked_list(a, tenant, bytes_str(call), 1000);
	int number = (int)json_integer_value(json_object_get(json_array_get(list, 0), "number"));

	*count = json_array_size(list);
	json_decref(list);
	return number;
}

static void test_newest(void **state)
{
	static struct asked a;
	const uint16_t one = 1, two = 2;
	size_t count;

	(void)state;
	put(&a, two, 0, "x");
	for (int i = 1; i <= ASKED_OF_TENANT_MAX + 5; i++)
		put(&a, one, i, i % 2 ? "y" : "z");
	assert_int_equal(newest(&a, &one, "", &count), ASKED_OF_TENANT_MAX + 5);
	assert_int_equal(count, ASKED_OF_TENANT_MAX);
	assert_int_equal(newest(&a, &one, "z", &count), ASKED_OF_TENANT_MAX + 4);
	assert_int_equal(count, ASKED_OF_TENANT_MAX / 2);
	assert_int_equal(newest(&a, &two, "", &count), 0); /* another one takes nothing from it */
	assert_int_equal(count, 1);
	for (int i = 0; i < ASKED_MAX; i++)
		put(&a, (uint16_t)(3 + i), i, "x");
	(void)newest(&a, NULL, "", &count);
	assert_int_equal(count, 1000);
	assert_int_equal(a.count, ASKED_MAX);
	asked_clear(&a);
	assert_int_equal(a.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_newest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
