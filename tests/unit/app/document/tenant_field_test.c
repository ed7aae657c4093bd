/* SPDX-License-Identifier: Apache-2.0 */
#include "app/schema/tenant_field.h"

#include <errno.h>

#include "tests/unit/test.h"

static void test_read(void **state)
{
	static const struct {
		const char *json;
		const char *wrong; /* NULL: fine */
		uint32_t domains;
		const char *realm;
		bool disabled;
	} rows[] = {
		{ "{\"name\":\"a\"}", NULL, 0, "" },
		{ "{\"name\":\"a\",\"domains\":\"a.test\"}", NULL, 1, "a.test" },
		{ "{\"name\":\"a\",\"domains\":\"a.test,b.test\"}", NULL, 2, "a.test" },
		{ "{\"name\":\"a\",\"domains\":\"a.test\",\"enabled\":false}", NULL, 1, "a.test", true },
		{ "{\"name\":\"a\",\"domains\":\"a.test,\"}", "domains", 0, "" },
		{ "{\"name\":\"a\",\"domains\":\",a.test\"}", "domains", 0, "" },
		{ "{\"name\":\"a\",\"domains\":\"a+b\"}", "domains", 0, "" },
		{ "{\"name\":\"a:b\"}", "name", 0, "" },
		{ "{\"domains\":\"a.test\"}", "name", 0, "" },
		{ "[]", "not a JSON object", 0, "" },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct tenant_value t = { .changed_utc_ms = 7 };
		struct tenant_settings set;
		const char *reason = NULL;
		int err = form_read(&g_tenant_form, &t, bytes_str(row->json), &reason);

		ROW_ASSERT(row->json, err == (row->wrong ? -EBADMSG : 0));
		ROW_ASSERT(row->json, !row->wrong || !strcmp(reason, row->wrong));
		ROW_ASSERT(row->json, !row->wrong || t.changed_utc_ms == 7);
		if (err)
			continue;
		tenant_to_settings(&t, &set);
		ROW_ASSERT(row->json, set.domain_count == row->domains);
		ROW_ASSERT(row->json, !strcmp(set.realm, row->realm));
		ROW_ASSERT(row->json, set.disabled == row->disabled);
	}
}

static void test_day(void **state)
{
	static const struct {
		const char *text;
		bool fits;
		uint32_t begins_s;
	} rows[] = {
		{ "", true, 0 },      { "00:00", true, 0 },     { "23:59", true, 86340 },
		{ "08:30", true, 30600 }, { "24:00", false, 0 },  { "12:60", false, 0 },
		{ "8:30", false, 0 }, { "08:3", false, 0 },     { "0830", false, 0 },
		{ "08-30", false, 0 }, { "08:30:", false, 0 },  { ":0830", false, 0 },
		{ "0:830", false, 0 }, { "ab:cd", false, 0 },   { "-1:30", false, 0 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct tenant_settings set;
		struct tenant_value t;
		const char *reason = "";
		char json[64];
		int err;

		(void)snprintf(json, sizeof(json), "{\"name\":\"a\",\"outside_day_begins\":\"%s\"}",
			       row->text);
		err = form_read(&g_tenant_form, &t, bytes_str(json), &reason);
		ROW_ASSERT(row->text, err == (row->fits ? 0 : -EBADMSG));
		ROW_ASSERT(row->text, row->fits || !strcmp(reason, "outside_day_begins"));
		if (err)
			continue;
		tenant_to_settings(&t, &set);
		ROW_ASSERT(row->text, set.toll_begins_s == row->begins_s);
	}
}

/* What is written is read again. */
static void test_round(void **state)
{
	struct tenant_value t = { .name = "acme",
				  .domains = "acme.test,sip.acme.test",
				  .enabled = true,
				  .changed_utc_ms = 1234,
				  .user_rooms = 1 },
			    again;
	json_t *json = form_document(&g_tenant_form, &t);
	char *text = json_dumps(json, JSON_COMPACT);
	const char *reason;

	(void)state;
	assert_int_equal(form_read(&g_tenant_form, &again, bytes_str(text), &reason), 0);
	assert_string_equal(again.domains, t.domains);
	assert_true(again.enabled && again.changed_utc_ms == 1234);
	free(text);
	json_decref(json);
}

/* Streams are read where the document says so; what an older version wrote of the tenant default goes on. */
static void test_commands(void **state)
{
	enum { READER = 1 << COMMAND_FOR_READER, ADMIN = 1 << COMMAND_FOR_ADMIN };
	static const struct {
		const char *json;
		uint32_t roles;
	} rows[] = {
		{ "{\"name\":\"a\"}", 0 },
		{ "{\"name\":\"default\"}", ADMIN },
		{ "{\"name\":\"default\",\"commands\":[]}", 0 },
		{ "{\"name\":\"default\",\"enabled\":false}", 0 },
		{ "{\"name\":\"a\",\"commands\":[\"admin\",\"reader\"]}", ADMIN | READER },
		{ "{\"name\":\"a\",\"commands\":[\"reader\"],\"enabled\":false}", 0 },
		{ "{\"name\":\"a\",\"commands\":[\"operator\"]}", 0 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct tenant_value t;
		const char *reason;

		ROW_ASSERT(row->json,
			   !form_read(&g_tenant_form, &t, bytes_str(row->json), &reason));
		ROW_ASSERT(row->json, tenant_roles(&t) == row->roles);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_day),
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
