/* SPDX-License-Identifier: Apache-2.0 */
#include "app/schema/trunk_field.h"

#include "app/schema/tenant_field.h"

#include <errno.h>

#include "tests/unit/test.h"

static void test_numbers(void **state)
{
	static const struct {
		const char *json;
		const char *wrong; /* NULL: fine */
	} rows[] = {
		{ "{\"number\":\"+4930\",\"to\":\"1001\"}", NULL },
		{ "{\"number\":\"+493010xx\",\"strip\":6,\"prefix\":\"1\"}", NULL },
		{ "{\"number\":\"[2-4]x.\",\"trunk\":\"carrier\"}", NULL },
		{ "{\"to\":\"1001\"}", "number" },
		{ "{\"number\":\"\"}", "number" },
		{ "{\"number\":\"1|2\"}", "number" },
		{ "{\"number\":\"[\"}", "number" },
		{ "{\"number\":\"anna\"}", "number" },
		{ "{\"number\":\"1\",\"to\":\"1001\",\"strip\":1}", "to" },
		{ "{\"number\":\"1\",\"to\":\"1001\",\"prefix\":\"2\"}", "to" },
		{ "{\"number\":\"1\",\"to\":\"a b\"}", "to" },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct did_value d = { .changed_utc_ms = 7 };
		const char *reason = NULL;
		int err = form_read(&g_did_form, &d, bytes_str(row->json), &reason);

		ROW_ASSERT(row->json, err == (row->wrong ? -EBADMSG : 0));
		ROW_ASSERT(row->json, !row->wrong || !strcmp(reason, row->wrong));
		ROW_ASSERT(row->json, !row->wrong || d.changed_utc_ms == 7);
	}
}

static void test_choices(void **state)
{
	static const struct {
		const char *text, *trunk;
		uint16_t priority, weight;
		int err;
	} rows[] = {
		{ "carrier", "carrier", 1, 1, 0 },
		{ "carrier:2", "carrier", 2, 1, 0 },
		{ "carrier:0:1000", "carrier", 0, 1000, 0 },
		{ "", "", 0, 0, -EINVAL },
		{ ":1", "", 0, 0, -EINVAL },
		{ "a:", "", 0, 0, -EINVAL },
		{ "a::1", "", 0, 0, -EINVAL },
		{ "a:1:", "", 0, 0, -EINVAL },
		{ "a:1:2:3", "", 0, 0, -EINVAL },
		{ "a:1001", "", 0, 0, -EINVAL },
		{ "a/b", "", 0, 0, -EINVAL },
		{ "a-name-of-thirty-two-characters-", "", 0, 0, -EINVAL },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct trunk_choice c;

		ROW_ASSERT(row->text, route_choice_read(&c, bytes_str(row->text)) == row->err);
		ROW_ASSERT(row->text, row->err || !strcmp(c.trunk, row->trunk));
		ROW_ASSERT(row->text, row->err || c.priority == row->priority);
		ROW_ASSERT(row->text, row->err || c.weight == row->weight);
	}
}

static void test_routes(void **state)
{
	static const struct {
		const char *json;
		const char *wrong; /* NULL: fine */
		uint8_t choices;
	} rows[] = {
		{ "{\"name\":\"r\",\"pattern\":\"9x.\",\"trunks\":\"a\"}", NULL, 1 },
		{ "{\"name\":\"r\",\"pattern\":\"9x.|0x.\",\"trunks\":\"a:1:2,b:2,c\"}", NULL, 3 },
		{ "{\"name\":\"r\",\"pattern\":\"9x.\"}", NULL, 0 },
		{ "{\"name\":\"r\",\"pattern\":\"\",\"trunks\":\"a\"}", "pattern", 0 },
		{ "{\"name\":\"r\",\"pattern\":\"9[\",\"trunks\":\"a\"}", "pattern", 0 },
		{ "{\"name\":\"r\",\"pattern\":\"9\",\"trunks\":\"a,\"}", "trunks", 0 },
		{ "{\"name\":\"r\",\"pattern\":\"9\",\"trunks\":\"a,b,c,d,e,f,g,h,i\"}", "trunks",
		  0 },
		{ "{\"pattern\":\"9\",\"trunks\":\"a\"}", "name", 0 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct route_value r;
		struct trunk_route core;
		const char *reason = NULL;
		int err = form_read(&g_route_form, &r, bytes_str(row->json), &reason);
		bool lacks = strstr(row->json, "trunks") == NULL;

		ROW_ASSERT(row->json, err == (row->wrong || lacks ? -EBADMSG : 0));
		ROW_ASSERT(row->json, !row->wrong || !strcmp(reason, row->wrong));
		if (err)
			continue;
		route_to_core(&r, 5, &core);
		ROW_ASSERT(row->json, core.tenant == 5 && core.enabled);
		ROW_ASSERT(row->json, core.choice_count == row->choices);
	}
}

static void test_locations(void **state)
{
	static char longest[CIVIC_MAX];
	static const struct {
		const char *json;
		const char *wrong; /* NULL: fine */
	} rows[] = {
		{ "{\"id\":\"2\",\"country\":\"US\",\"city\":\"San Jose\"}", NULL },
		{ "{\"id\":\"65535\",\"country\":\"US\",\"caller_id\":\"+1408\"}", NULL },
		{ "{\"country\":\"US\"}", "id" },
		{ "{\"id\":\"0\",\"country\":\"US\"}", "id" },
		{ "{\"id\":\"02\",\"country\":\"US\"}", "id" },
		{ "{\"id\":\"65536\",\"country\":\"US\"}", "id" },
		{ "{\"id\":\"2\"}", "country" },
		{ "{\"id\":\"2\",\"country\":\"USA\"}", "country" },
		{ "{\"id\":\"2\",\"country\":\"US\",\"caller_id\":\"a b\"}", "caller_id" },
		{ "{\"id\":\"2\",\"country\":\"US\",\"room\":\"\\u0007\"}", "room" },
	}, *row;
	struct location_value l = { .id = "2" };
	const char *reason = NULL, *member = NULL;
	struct site site;

	(void)state;
	EACH_ROW(row, rows)
	{
		int err = form_read(&g_location_form, &l, bytes_str(row->json), &reason);

		ROW_ASSERT(row->json, err == (row->wrong ? -EBADMSG : 0));
		ROW_ASSERT(row->json, !row->wrong || !strcmp(reason, row->wrong));
	}
	location_to_core(&l, 3, &site);
	assert_int_equal(site.tenant, 3);
	assert_int_equal(site.id, 65535);
	memset(longest, '&', sizeof(longest) - 1);
	for (unsigned i = CIVIC_A1; i < CIVIC_COUNT; i++)
		memcpy(l.core.civic.field[i], longest, sizeof(longest));
	assert_non_null(g_location_form.wrong(&l, &member)); /* what is put can be told */
	assert_string_equal(member, "details");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_locations),
		cmocka_unit_test(test_choices),
		cmocka_unit_test(test_routes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
