/* SPDX-License-Identifier: Apache-2.0 */
/* The rings between the shards of a process. */
#include "tests/unit/test.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>

#include "sig/transport/inter_shard.h"

enum { MANY = 20000 };

static const uint16_t g_numbers[] = { 7, 8, 300 };

static struct inter_shard *cell(void)
{
	struct inter_shard *c = NULL;

	assert_int_equal(inter_shard_open(&c, g_numbers, COUNT_OF(g_numbers)), 0);
	return c;
}

static struct sip_hop to_shard(uint16_t number)
{
	return (struct sip_hop){ .transport = SIP_INTER_SHARD,
				 .remote = inter_shard_address(number) };
}

static int say(struct inter_shard *c, uint16_t from, uint16_t to, const char *text)
{
	struct sip_hop hop = to_shard(to);

	return inter_shard_send(c, from, &hop, bytes_str(text));
}

static void assert_heard(struct inter_shard *c, uint16_t to, uint16_t from, const char *text)
{
	struct text message;
	struct sip_hop hop;

	assert_true(inter_shard_receive(c, to, &hop, &message));
	assert_int_equal(hop.transport, SIP_INTER_SHARD);
	assert_int_equal(inter_shard_of(&hop.remote), from);
	assert_true(bytes_is(text_bytes(&message), text));
	text_clear(&message);
}

static void assert_silent(struct inter_shard *c, uint16_t to)
{
	struct text message;
	struct sip_hop hop;

	assert_false(inter_shard_receive(c, to, &hop, &message));
}

static void addresses(void **state)
{
	static const uint16_t numbers[] = { 1, 255, 256, 65535 };
	struct addr a;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		a = inter_shard_address(numbers[i]);
		assert_int_equal(inter_shard_of(&a), numbers[i]);
	}
	a.port++;
	assert_int_equal(inter_shard_of(&a), 0);
	assert_int_equal(addr_parse(&a, bytes_str("192.0.0.8:5060")), 0);
	assert_int_equal(inter_shard_of(&a), 0);
	a = (struct addr){ 0 };
	assert_int_equal(inter_shard_of(&a), 0);
}

/* Whoever is outside cannot name it. */
static void names(void **state)
{
	enum sip_transport transport;
	struct sip_hop hop = { 0 };
	struct sip_uri uri;

	(void)state;
	assert_true(sip_transport_parse(&transport, bytes_str("cell")));
	assert_int_equal(sip_uri_parse(&uri, bytes_str("sip:x@0.0.0.8;transport=cell")), 0);
	assert_false(sip_hop_from_uri(&hop, &uri));
}

static void from_one_to_another(void **state)
{
	struct inter_shard *c = cell();

	(void)state;
	assert_int_equal(say(c, 7, 8, "first"), 0);
	assert_int_equal(say(c, 7, 8, "second"), 0);
	assert_int_equal(say(c, 8, 300, "third"), 0);
	assert_silent(c, 7);
	assert_heard(c, 8, 7, "first");
	assert_heard(c, 8, 7, "second");
	assert_silent(c, 8);
	assert_heard(c, 300, 8, "third");
	assert_int_equal(say(c, 7, 8, "left behind"), 0);
	inter_shard_close(c);
}

static void nobody_is_there(void **state)
{
	struct inter_shard *c = cell();

	(void)state;
	assert_int_equal(say(c, 7, 9, "x"), -EHOSTUNREACH);
	assert_int_equal(say(c, 7, 7, "x"), -EHOSTUNREACH);
	assert_int_equal(say(c, 8, 7, "x"), 0);
	inter_shard_leave(c, 7);
	assert_int_equal(say(c, 8, 7, "x"), -EHOSTUNREACH);
	assert_int_equal(say(c, 8, 300, "x"), 0);
	assert_heard(c, 300, 8, "x");
	inter_shard_enter(c, 7);    /* its shard came back */
	assert_heard(c, 7, 8, "x"); /* of before */
	assert_int_equal(say(c, 8, 7, "again"), 0);
	assert_heard(c, 7, 8, "again");
	inter_shard_close(c);
}

/* What does not fit is lost and counted; other pairs are as they were. */
static void full(void **state)
{
	struct inter_shard *c = cell();

	(void)state;
	inter_shard_setup();
	for (unsigned i = 0; i < INTER_SHARD_MESSAGES; i++)
		assert_int_equal(say(c, 7, 8, "x"), 0);
	assert_int_equal(say(c, 7, 8, "x"), -ENOBUFS);
	assert_int_equal(say(c, 300, 8, "y"), 0);
	assert_heard(c, 8, 7, "x");
	assert_int_equal(say(c, 7, 8, "x"), 0);
	inter_shard_close(c);
}

struct sender {
	struct inter_shard *cell;
	uint16_t from;
};

static void *send_many(void *arg)
{
	const struct sender *s = arg;
	char text[16];

	for (unsigned i = 0; i < MANY;) {
		(void)snprintf(text, sizeof(text), "%u", i);
		if (say(s->cell, s->from, 8, text))
			(void)sched_yield();
		else
			i++;
	}
	return NULL;
}

/* Each shard on a thread of its own: all arrives, each one's in order. */
static void threads(void **state)
{
	struct inter_shard *c = cell();
	struct sender senders[] = { { c, 7 }, { c, 300 } };
	unsigned next[2] = { 0, 0 };
	pthread_t ids[2];
	struct sip_hop from;
	struct text text;
	char want[16];

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&ids[i], NULL, send_many, &senders[i]), 0);
	while (next[0] + next[1] < 2 * MANY) {
		if (!inter_shard_receive(c, 8, &from, &text)) {
			(void)sched_yield();
			continue;
		}
		(void)snprintf(want, sizeof(want), "%u", next[inter_shard_of(&from.remote) != 7]++);
		assert_true(bytes_is(text_bytes(&text), want));
		text_clear(&text);
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_join(ids[i], NULL), 0);
	inter_shard_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(names),
		cmocka_unit_test(from_one_to_another),
		cmocka_unit_test(nobody_is_there),
		cmocka_unit_test(full),
		cmocka_unit_test(threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
