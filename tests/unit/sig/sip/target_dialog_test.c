/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "sig/sip/dialog_name.h"
#include "tests/unit/test.h"

static void header(void **state)
{
	static const struct {
		const char *text, *call_id, *local, *remote;
	} rows[] = {
		{ "fa77as7dad8-sd98ajzz@host.example.com;local-tag=kkaz-;remote-tag=6544",
		  "fa77as7dad8-sd98ajzz@host.example.com", "kkaz-", "6544" },
		{ " a@b ; Remote-Tag = 2 ; LOCAL-TAG=1", "a@b", "1", "2" },
		{ "a;x=\"y;local-tag=3\";local-tag=1;remote-tag=2;other", "a", "1", "2" },
	};
	struct target_dialog t;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		ROW_ASSERT(rows[i].text, !target_dialog_parse(&t, bytes_str(rows[i].text)));
		ROW_ASSERT(rows[i].text, bytes_is(t.call_id, rows[i].call_id));
		ROW_ASSERT(rows[i].text, bytes_is(t.local_tag, rows[i].local));
		ROW_ASSERT(rows[i].text, bytes_is(t.remote_tag, rows[i].remote));
	}
}

static void refused(void **state)
{
	static const char *const rows[] = {
		"",
		"a",
		";local-tag=1;remote-tag=2",
		"a;local-tag=1",
		"a;remote-tag=2",
		"a;local-tag=;remote-tag=2",
		"a;local-tag=1;remote-tag=2;local-tag=1",
		"a;local-tag=\"1 1\";remote-tag=2",
		"a b;local-tag=1;remote-tag=2",
		"a;local-tag=1;remote-tag=2;x=\"",
		"a;local-tag=1;remote-tag=2;;",
	};
	struct target_dialog t;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		ROW_ASSERT(rows[i], target_dialog_parse(&t, bytes_str(rows[i])) == -EINVAL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(header),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
