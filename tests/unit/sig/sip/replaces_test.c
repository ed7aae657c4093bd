/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "sig/sip/dialog_name.h"
#include "tests/unit/test.h"

static void header(void **state)
{
	static const struct {
		const char *text, *call_id, *to, *from;
		bool early;
	} rows[] = {
		{ "425928@bobster.example.org;to-tag=7743;from-tag=6472",
		  "425928@bobster.example.org", "7743", "6472", false },
		{ "98732@sip.example.com ; from-tag=r33th4x0r;To-Tag = ff87ff;early-only",
		  "98732@sip.example.com", "ff87ff", "r33th4x0r", true },
		{ "a;x=y;to-tag=1;from-tag=2;other", "a", "1", "2", false },
	};
	struct replaces r;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		ROW_ASSERT(rows[i].text, !replaces_parse(&r, bytes_str(rows[i].text)));
		ROW_ASSERT(rows[i].text, bytes_is(r.call_id, rows[i].call_id));
		ROW_ASSERT(rows[i].text, bytes_is(r.to_tag, rows[i].to));
		ROW_ASSERT(rows[i].text, bytes_is(r.from_tag, rows[i].from));
		ROW_ASSERT(rows[i].text, r.early_only == rows[i].early);
	}
}

static void refused(void **state)
{
	static const char *const rows[] = {
		"",
		"a",
		";to-tag=1;from-tag=2",
		"a;to-tag=1",
		"a;from-tag=2",
		"a;to-tag=;from-tag=2",
		"a;to-tag=1;from-tag=2;to-tag=1",
		"a;to-tag=1 1;from-tag=2",
		"a b;to-tag=1;from-tag=2",
		"a;to-tag=\"1\";from-tag=2",
	};
	struct replaces r;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		ROW_ASSERT(rows[i], replaces_parse(&r, bytes_str(rows[i])) == -EINVAL);
}

static void of_a_uri(void **state)
{
	char space[REPLACES_MAX], big[2 * REPLACES_MAX];
	struct replaces r;

	(void)state;
	assert_int_equal(replaces_of_uri(&r,
					 BYTES_LIT("X=1&replaces=a%40b%3bto-tag%3D1%3Bfrom-tag%3D2&"
						   "Y=2"),
					 space),
			 0);
	assert_true(bytes_is(r.call_id, "a@b"));
	assert_true(bytes_is(r.to_tag, "1"));
	assert_true(bytes_is(r.from_tag, "2"));
	assert_int_equal(replaces_of_uri(&r, BYTES_LIT(""), space), -ENOENT);
	assert_int_equal(replaces_of_uri(&r, BYTES_LIT("X=Replaces"), space), -ENOENT);
	assert_int_equal(replaces_of_uri(&r, BYTES_LIT("Replaces"), space), -EINVAL);
	assert_int_equal(replaces_of_uri(&r, BYTES_LIT("Replaces=a%3"), space), -EINVAL);
	assert_int_equal(replaces_of_uri(&r, BYTES_LIT("Replaces=a%00"), space), -EINVAL);
	memset(big, 'a', sizeof(big));
	memcpy(big, "Replaces=", strlen("Replaces="));
	assert_int_equal(replaces_of_uri(&r, bytes_mem(big, sizeof(big)), space), -EINVAL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(header),
		cmocka_unit_test(refused),
		cmocka_unit_test(of_a_uri),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
