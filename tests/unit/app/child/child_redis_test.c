/* SPDX-License-Identifier: Apache-2.0 */
/* The place of Redis, as the node writes it and a child reads it. */
#include "tests/unit/test.h"

#include <errno.h>
#include <string.h>

#include "app/child/child_redis.h"

static void place_read(const struct redis_place *from, const char *member)
{
	struct redis_place to = { 0 };
	struct child_redis r = { 0 };
	json_t *json = child_redis_json(from);

	assert_int_equal(child_redis_read(&r, &to, json), 0);
	json_decref(json);
	assert_string_equal(to.url, from->url);
	assert_string_equal(to.ca, from->ca);
	assert_string_equal(to.certificate, from->certificate);
	assert_string_equal(to.key, from->key);
	assert_ptr_equal(to.meant, &r.meant);
	if (member)
		assert_string_equal(to.meant->member, member);
	else
		assert_null(to.meant->member);
}

static void test_whole(void **state)
{
	const struct redis_meant meant = { BYTES_LIT("td:{cluster}:ids"), "n1-0a1b" };
	const struct redis_place whole = { "rediss://user:secret@redis.example:6380/",
					   "/etc/ca.pem", "/etc/a.pem", "/etc/a.key", &meant };
	const struct redis_place least = { .url = "unix:/run/redis.sock" };

	(void)state;
	place_read(&whole, "n1-0a1b");
	place_read(&least, NULL);
}

/* Another Redis than the one that is named would be asked, were a text cut. */
static void test_too_long(void **state)
{
	static const char *const names[] = { "url", "ca", "certificate", "key", "member" };
	static const size_t caps[] = { 512, 256, 256, 256, 64 };
	char text[513];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		for (size_t n = caps[i] - 1; n <= caps[i]; n++) {
			struct redis_place to = { 0 };
			struct child_redis r = { 0 };
			json_t *json = json_object();

			memset(text, 'a', n);
			text[n] = '\0';
			(void)json_object_set_new(json, names[i], json_string(text));
			assert_int_equal(child_redis_read(&r, &to, json),
					 n < caps[i] ? 0 : -ENOSPC);
			json_decref(json);
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
