/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 5627: what a GRUU is, and whose. */
#include "sig/sip/gruu.h"

#include <errno.h>

#include "tests/unit/test.h"

static const struct seal_key g_key = { .id = 1, .octets = { 1 } };
static const struct gruu_home g_home = { .host = BYTES_LIT("test.local") };
static const struct gruu_phone g_phone = {
	.tenant = BYTES_LIT("default"),
	.user = BYTES_LIT("1002"),
	.instance = BYTES_LIT("<urn:uuid:00000000-0000-1000-8000-aabbccddeeff>"),
	.call_id = BYTES_LIT("run-1"),
};

static const char *public_of(const struct gruu_phone *p)
{
	static char text[512];
	struct writer w = writer_over(text, sizeof(text));

	gruu_write_public(&w, p, &g_home);
	writer_u8(&w, 0);
	assert_false(w.overflow);
	return text;
}

static const char *temporary_of(const struct gruu_phone *p, struct rand_source *rand)
{
	static char text[512];
	struct writer w = writer_over(text, sizeof(text));

	gruu_write_temporary(&w, p, &g_home, &g_key, rand);
	writer_u8(&w, 0);
	assert_false(w.overflow);
	return text;
}

static int read_as(struct gruu *g, const char *text, const char *tenant)
{
	struct sip_uri uri;

	assert_int_equal(sip_uri_parse(&uri, bytes_str(text)), 0);
	return gruu_read(g, &uri, bytes_str(tenant), &g_key);
}

static void of_the_user_and_the_phone(void **state)
{
	struct gruu_phone odd = g_phone;
	struct gruu g;

	(void)state;
	assert_string_equal(public_of(&g_phone),
			    "sip:1002@test.local;gr=urn:uuid:00000000-0000-1000-8000-aabbccddeeff");
	assert_int_equal(read_as(&g, public_of(&g_phone), "default"), 0);
	assert_true(gruu_is_of(&g, g_phone.instance));
	assert_true(gruu_is_of_run(&g, BYTES_LIT("another")));
	assert_true(gruu_is_of(&g, BYTES_LIT("<URN:UUID:00000000-0000-1000-8000-AABBCCDDEEFF>")));
	assert_false(gruu_is_of(&g, BYTES_LIT("<urn:uuid:00000000-0000-1000-8000-aabbccddeef0>")));
	assert_false(gruu_is_of(&g, BYTES_LIT("<urn:uuid:00000000-0000-1000-8000-aabbccddeeff0>")));
	assert_false(gruu_is_of(&g, BYTES_LIT("<urn:uuid:00000000-0000-1000-8000-aabbccddeef>")));
	assert_false(gruu_is_of(&g, BYTES_LIT("urn:uuid:00000000-0000-1000-8000-aabbccddeeff")));
	odd.instance = BYTES_LIT("<a;b=\"@>");
	odd.user = BYTES_LIT("a b");
	assert_string_equal(public_of(&odd), "sip:a%20b@test.local;gr=a%3Bb%3D%22%40");
	assert_int_equal(read_as(&g, public_of(&odd), "default"), 0);
	assert_true(gruu_is_of(&g, odd.instance));
}

static void which_phones_have_one(void **state)
{
	(void)state;
	assert_false(gruu_has(BYTES_LIT("")));
	assert_false(gruu_has(BYTES_LIT("<>")));
	assert_false(gruu_has(BYTES_LIT("urn:1")));
	assert_true(gruu_has(BYTES_LIT("<urn:1>")));
}

/* RFC 5627 3.1.2: it says nothing of the user or the phone, and no two of them look alike. */
static void says_nothing(void **state)
{
	struct rand_source rand;
	struct gruu_phone other = g_phone;
	char first[512], second[512];
	struct gruu g;

	(void)state;
	rand_open_seed(&rand, 1);
	(void)snprintf(first, sizeof(first), "%s", temporary_of(&g_phone, &rand));
	(void)snprintf(second, sizeof(second), "%s", temporary_of(&g_phone, &rand));
	assert_memory_equal(first, "sip:tgruu.", 10);
	assert_non_null(strstr(first, "@test.local;gr"));
	assert_null(strstr(first, "1002"));
	assert_string_not_equal(first, second);
	other.user = BYTES_LIT("1003-of-12");
	assert_int_equal(strlen(first), strlen(temporary_of(&other, &rand)));
	assert_int_equal(read_as(&g, first, "default"), 0);
	assert_true(g.temporary);
	assert_string_equal(g.user, "1002");
	assert_true(gruu_is_of(&g, g_phone.instance));
	assert_false(gruu_is_of(&g, BYTES_LIT("<urn:uuid:1>")));
	assert_true(gruu_is_of_run(&g, g_phone.call_id));
	assert_false(gruu_is_of_run(&g, BYTES_LIT("run-2")));
}

static void nobody_else_makes_one(void **state)
{
	static const struct seal_key other = { .id = 1, .octets = { 2 } };
	struct rand_source rand;
	char text[512];
	struct sip_uri uri;
	struct gruu g;

	(void)state;
	rand_open_seed(&rand, 1);
	(void)snprintf(text, sizeof(text), "%s", temporary_of(&g_phone, &rand));
	assert_int_equal(read_as(&g, text, "acme"), -EBADMSG);
	assert_int_equal(sip_uri_parse(&uri, bytes_str(text)), 0);
	assert_int_equal(gruu_read(&g, &uri, BYTES_LIT("default"), &other), -EBADMSG);
	for (size_t i = 10; text[i] != '@'; i++) {
		char was = text[i];

		text[i] = was == 'A' ? 'B' : 'A';
		assert_int_equal(read_as(&g, text, "default"), -EBADMSG);
		text[i] = was;
	}
	assert_int_equal(read_as(&g, text, "default"), 0);
}

static void what_is_none(void **state)
{
	static const struct {
		const char *uri;
		int want;
	} rows[] = {
		{ "sip:1002@test.local", -ENOENT },
		{ "sip:1002@test.local;grid=1", -ENOENT },
		{ "sip:1002@test.local;gr", -EBADMSG },
		{ "sip:tgruu.@test.local;gr", -EBADMSG },
		{ "sip:tgruu.AAAA@test.local;gr", -EBADMSG },
		{ "sip:tgruu.A+A/@test.local;gr", -EBADMSG },
		{ "sip:tgruu.AAAA@test.local", -ENOENT },
		{ "sip:tgruu.AAAA@test.local;gr=urn:1",
		  0 }, /* a public one of a user of that name */
		{ "sip:1002@test.local;GR=urn:1", 0 },
	};
	char text[1024];
	struct gruu g;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		ROW_ASSERT(rows[i].uri, read_as(&g, rows[i].uri, "default") == rows[i].want);
	(void)snprintf(text, sizeof(text), "sip:1002@test.local;gr=%0500d", 1);
	assert_int_equal(read_as(&g, text, "default"), -EBADMSG);
	(void)snprintf(text, sizeof(text), "sip:tgruu.%0500d@test.local;gr", 1);
	assert_int_equal(read_as(&g, text, "default"), -EBADMSG);
}

static void is_kept_without_its_host(void **state)
{
	uint8_t space[GRUU_NAMED_MAX];
	struct writer w = writer_over(space, sizeof(space));
	struct sip_uri uri, kept;
	struct gruu g;

	(void)state;
	assert_int_equal(sip_uri_parse(&uri, bytes_str("sip:1002@x;transport=tcp;gr=urn:1;lr")), 0);
	gruu_name(&w, &uri);
	assert_true(bytes_is(writer_done(&w), "1002;gr=urn:1"));
	kept = gruu_named(writer_done(&w));
	assert_true(bytes_is(kept.user, "1002") && bytes_is(kept.scheme, "tel"));
	assert_int_equal(gruu_read(&g, &kept, BYTES_LIT("default"), &g_key), 0);
	assert_true(gruu_is_of(&g, BYTES_LIT("<urn:1>")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_the_user_and_the_phone),
		cmocka_unit_test(which_phones_have_one),
		cmocka_unit_test(says_nothing),
		cmocka_unit_test(nobody_else_makes_one),
		cmocka_unit_test(what_is_none),
		cmocka_unit_test(is_kept_without_its_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
