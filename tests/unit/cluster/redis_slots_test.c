/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>

#include <hiredis/hiredis.h>

#include "cluster/redis/route.h"

static const struct addr *from(void)
{
	static struct addr a;

	assert_int_equal(addr_parse(&a, BYTES_LIT("192.0.2.9:7000")), 0);
	return &a;
}

static int slots_of(struct redis_slots *out, const char *resp)
{
	redisReader *reader = redisReaderCreate();
	void *reply = NULL;
	int err;

	assert_int_equal(redisReaderFeed(reader, resp, strlen(resp)), REDIS_OK);
	assert_int_equal(redisReaderGetReply(reader, &reply), REDIS_OK);
	assert_non_null(reply);
	err = redis_slots_read(out, reply, from());
	freeReplyObject(reply);
	redisReaderFree(reader);
	return err;
}

static void assert_owner(const struct redis_slots *s, uint16_t slot, const char *want)
{
	const struct addr *owner = redis_slots_owner(s, slot);
	char text[ADDR_TEXT_MAX];

	if (!want) {
		assert_null(owner);
		return;
	}
	assert_non_null(owner);
	assert_string_equal(addr_text(owner, text), want);
}

/* By CLUSTER KEYSLOT of Redis 7.0.15. */
static void test_keys(void **state)
{
	(void)state;
	assert_int_equal(redis_slot(BYTES_LIT("123456789")), 12739);
	assert_int_equal(redis_slot(BYTES_LIT("foo")), 12182);
	assert_int_equal(redis_slot(BYTES_LIT("")), 0);
	assert_int_equal(redis_slot(BYTES_LIT("{user1000}.following")),
			 redis_slot(BYTES_LIT("user1000")));
	assert_int_equal(redis_slot(BYTES_LIT("td:{s1}:rec")), redis_slot(BYTES_LIT("s1")));
	assert_int_equal(redis_slot(BYTES_LIT("foo{{bar}}zap")), redis_slot(BYTES_LIT("{bar")));
	assert_int_equal(redis_slot(BYTES_LIT("foo{bar}{zap}")), redis_slot(BYTES_LIT("bar")));
	/* nothing inside, or no end: the whole key */
	assert_int_not_equal(redis_slot(BYTES_LIT("foo{}{bar}")), redis_slot(BYTES_LIT("bar")));
	assert_int_not_equal(redis_slot(BYTES_LIT("foo{bar")), redis_slot(BYTES_LIT("bar")));
}

#define SERVER(host, port) "*2\r\n$9\r\n" host "\r\n:" port "\r\n"

static void test_table(void **state)
{
	static struct redis_slots s;

	(void)state;
	assert_int_equal(
		slots_of(&s, "*2\r\n*4\r\n:0\r\n:8191\r\n" SERVER("192.0.2.1", "6379")
				     SERVER("192.0.2.2", "6379") "*3\r\n:8193\r\n:16383\r\n" SERVER(
					     "192.0.2.3", "6380")),
		0);
	assert_int_equal(s.count, 3);
	assert_owner(&s, 0, "192.0.2.1:6379");
	assert_owner(&s, 8191, "192.0.2.1:6379");
	assert_owner(&s, 8192, NULL);
	assert_owner(&s, 16383, "192.0.2.3:6380");
	assert_false(redis_slots_are_whole(&s));
	assert_int_equal(redis_slots_move(&s, 8192, &s.servers[1]), 0);
	assert_true(redis_slots_are_whole(&s));
	assert_owner(&s, 8192, "192.0.2.2:6379");
}

/* A server that was never told its own address. */
static void test_nameless(void **state)
{
	static struct redis_slots s;

	(void)state;
	assert_int_equal(slots_of(&s, "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$0\r\n\r\n:6381\r\n"), 0);
	assert_owner(&s, 7, "192.0.2.9:6381");
	assert_int_equal(slots_of(&s, "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$-1\r\n:6382\r\n"), 0);
	assert_owner(&s, 7, "192.0.2.9:6382");
}

static void test_refused(void **state)
{
	static const char *const texts[] = {
		"-NOPERM no\r\n",
		"*1\r\n*3\r\n:0\r\n:16384\r\n" SERVER("192.0.2.1", "6379"),
		"*1\r\n*3\r\n:-1\r\n:5\r\n" SERVER("192.0.2.1", "6379"),
		"*1\r\n*3\r\n:6\r\n:5\r\n" SERVER("192.0.2.1", "6379"),
		"*1\r\n*2\r\n:0\r\n:5\r\n",
		"*1\r\n*3\r\n:0\r\n:5\r\n" SERVER("redis.one", "6379"),
		"*1\r\n*3\r\n:0\r\n:5\r\n" SERVER("192.0.2.1", "0"),
		"*1\r\n*3\r\n:0\r\n:5\r\n" SERVER("192.0.2.1", "65536"),
		"*2\r\n*3\r\n:0\r\n:5\r\n" SERVER("192.0.2.1", "1") "*3\r\n:5\r\n:6\r\n" SERVER(
			"192.0.2.1", "1"),
	};
	static struct redis_slots s;

	(void)state;
	assert_int_equal(redis_slots_move(&s, 1, from()), 0);
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		assert_int_equal(slots_of(&s, texts[i]), -EINVAL);
	assert_owner(&s, 1, "192.0.2.9:7000"); /* as it was */
}

static void test_moved(void **state)
{
	char text[ADDR_TEXT_MAX];
	struct addr to;
	uint16_t slot;

	(void)state;
	assert_int_equal(
		redis_moved_read(&slot, &to, BYTES_LIT("MOVED 3999 192.0.2.1:6381"), from()), 0);
	assert_int_equal(slot, 3999);
	assert_string_equal(addr_text(&to, text), "192.0.2.1:6381");
	assert_int_equal(
		redis_moved_read(&slot, &to, BYTES_LIT("MOVED 1 2001:db8::1:6381"), from()), 0);
	assert_string_equal(addr_text(&to, text), "[2001:db8::1]:6381");
	assert_int_equal(redis_moved_read(&slot, &to, BYTES_LIT("MOVED 0 :6381"), from()), 0);
	assert_string_equal(addr_text(&to, text), "192.0.2.9:6381");
	assert_int_equal(redis_moved_read(&slot, &to, BYTES_LIT("MOVED 16384 192.0.2.1:1"), from()),
			 -EINVAL);
	assert_int_equal(redis_moved_read(&slot, &to, BYTES_LIT("MOVED 1 192.0.2.1"), from()),
			 -EINVAL);
	assert_int_equal(redis_ask_read(&slot, &to, BYTES_LIT("ASK 7 192.0.2.1:6381"), from()), 0);
	assert_int_equal(slot, 7);
	assert_int_equal(redis_ask_read(&slot, &to, BYTES_LIT("MOVED 1 192.0.2.1:1"), from()),
			 -EINVAL);
	assert_int_equal(redis_moved_read(&slot, &to, BYTES_LIT("ASK 1 192.0.2.1:1"), from()),
			 -EINVAL);
	assert_int_equal(redis_moved_read(&slot, &to, BYTES_LIT("MOVED 1"), from()), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),     cmocka_unit_test(test_table),
		cmocka_unit_test(test_nameless), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_moved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
