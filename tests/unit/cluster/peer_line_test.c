/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>

#include "cluster/peer/line.h"

enum { FRESH = 3000, A = 11, B = 22 };

/* One process of a node, and its line to the other. */
struct end {
	struct rand_source rand;
	struct peer_self self;
	struct peer_line line;
};

struct datagram {
	uint8_t octets[PEER_PACKET_MAX];
	size_t n;
};

static const struct bytes SAID = BYTES_LIT("\1\0");

static void start(struct end *e, uint64_t id, uint64_t other, uint64_t incarnation)
{
	rand_open_seed(&e->rand, incarnation);
	e->self = (struct peer_self){
		.id = id, .incarnation = incarnation, .fresh_ns = FRESH, .rand = &e->rand
	};
	memset(e->self.key, 7, sizeof(e->self.key));
	peer_line_open(&e->line, &e->self, other);
}

static struct datagram say(struct end *e, const struct peer_echo *answer, uint64_t now_ns)
{
	struct datagram d;

	assert_int_equal(peer_line_write(&e->line, &e->self, answer, SAID, now_ns, d.octets, &d.n),
			 0);
	return d;
}

static struct peer_read g_read;

static enum peer_verdict hear(struct end *e, const struct datagram *d, uint64_t now_ns)
{
	struct bytes packet = bytes_mem(d->octets, d->n);
	struct peer_head head;

	assert_int_equal(peer_head_read(&head, packet), 0);
	peer_line_read(&e->line, &e->self, &head, packet, now_ns, &g_read);
	return g_read.verdict;
}

/* Both have heard each other. */
static void met(struct end *a, struct end *b, uint64_t now_ns)
{
	for (int i = 0; i < 3; i++) {
		struct datagram d = say(a, NULL, now_ns);
		struct peer_echo answer;

		if (hear(b, &d, now_ns) != PEER_TRUE) {
			answer = g_read.answer;
			d = say(b, &answer, now_ns);
		} else {
			d = say(b, NULL, now_ns);
		}
		(void)hear(a, &d, now_ns);
	}
}

static void both(struct end *a, struct end *b)
{
	start(a, A, B, 0xa1);
	start(b, B, A, 0xb1);
	met(a, b, 1000);
}

static void test_meet(void **state)
{
	struct end a, b;
	struct datagram d;

	(void)state;
	start(&a, A, B, 0xa1);
	start(&b, B, A, 0xb1);
	d = say(&a, NULL, 1000);
	assert_int_equal(hear(&b, &d, 5), PEER_UNPROVEN);
	met(&a, &b, 1000);
	d = say(&a, NULL, 1001);
	assert_int_equal(hear(&b, &d, 1001), PEER_TRUE);
	assert_false(g_read.begins);
	assert_int_equal(g_read.incarnation, 0xa1);
	assert_true(bytes_eq(g_read.items, SAID));
	d = say(&b, NULL, 1001);
	assert_int_equal(hear(&a, &d, 1001), PEER_TRUE);
}

/* Each counts once, in any order, unless 64 later ones have come. */
static void test_once(void **state)
{
	struct end a, b;
	static struct datagram d[66];

	(void)state;
	both(&a, &b);
	for (size_t i = 0; i < COUNT_OF(d); i++)
		d[i] = say(&a, NULL, 1001);
	assert_int_equal(hear(&b, &d[1], 1001), PEER_TRUE);
	assert_int_equal(hear(&b, &d[64], 1001), PEER_TRUE);
	assert_int_equal(hear(&b, &d[64], 1001), PEER_REPEATED);
	assert_int_equal(hear(&b, &d[1], 1001), PEER_REPEATED);
	assert_int_equal(hear(&b, &d[2], 1001), PEER_TRUE);
	assert_int_equal(hear(&b, &d[2], 1001), PEER_REPEATED);
	assert_int_equal(hear(&b, &d[0], 1001), PEER_REPEATED);
	assert_int_equal(hear(&b, &d[65], 1001), PEER_TRUE);
}

/* Held back on its way, or of a node that stood still; it goes on with the next answer. */
static void test_stale(void **state)
{
	struct end a, b;
	struct datagram d, late;
	struct peer_echo answer;

	(void)state;
	both(&a, &b);
	d = say(&a, NULL, 1001);
	late = say(&a, NULL, 1001);
	assert_int_equal(hear(&b, &d, 1000 + FRESH), PEER_TRUE);
	assert_int_equal(hear(&b, &late, 1001 + FRESH), PEER_STALE);
	answer = g_read.answer;
	d = say(&b, &answer, 1001 + FRESH);
	assert_int_equal(hear(&a, &d, 1002), PEER_TRUE);
	d = say(&a, NULL, 1003);
	assert_int_equal(hear(&b, &d, 1002 + FRESH), PEER_TRUE);
	assert_int_equal(hear(&b, &late, 1002 + FRESH), PEER_STALE);
}

static void test_receiver_started_again(void **state)
{
	struct end a, b;
	struct datagram d;

	(void)state;
	both(&a, &b);
	d = say(&a, NULL, 1001);
	start(&b, B, A, 0xb2);
	assert_int_equal(hear(&b, &d, 1001), PEER_UNPROVEN);
	met(&a, &b, 1001);
	assert_int_equal(hear(&b, &d, 1001), PEER_UNPROVEN);
	d = say(&a, NULL, 1001);
	assert_int_equal(hear(&b, &d, 1001), PEER_TRUE);
}

/* What the earlier process sent counts no more once the next is heard, though it had the same to bring back. */
static void test_sender_started_again(void **state)
{
	struct end a, next, b;
	struct datagram kept, d;

	(void)state;
	both(&a, &b);
	kept = say(&a, NULL, 1001);
	start(&next, A, B, 0xa2);
	met(&next, &b, 1001);
	d = say(&next, NULL, 1001);
	assert_int_equal(hear(&b, &d, 1001), PEER_TRUE);
	assert_int_equal(g_read.incarnation, 0xa2);
	assert_int_equal(hear(&b, &kept, 1001), PEER_UNPROVEN);
	d = say(&next, NULL, 1001);
	assert_int_equal(hear(&b, &d, 1001), PEER_TRUE);
}

static void test_changed(void **state)
{
	struct end a, b;
	struct datagram d, changed;

	(void)state;
	both(&a, &b);
	d = say(&a, NULL, 1001);
	/* the version and the voice, and who it is from and to, are seen before */
	for (size_t i = 18; i < d.n; i++) {
		changed = d;
		changed.octets[i] ^= 1;
		assert_int_equal(hear(&b, &changed, 1001), PEER_FORGED);
	}
	changed = d;
	changed.octets[1] = PEER_OF_KEEPER;
	assert_int_equal(hear(&b, &changed, 1001), PEER_FORGED);
	b.self.key[0]++;
	b.line.incarnation = 0;
	assert_int_equal(hear(&b, &d, 1001), PEER_FORGED);
	b.self.key[0]--;
	assert_int_equal(hear(&b, &d, 1001), PEER_TRUE);
}

/* Made while the process lives, and true for ever once it is gone: also for who starts later. */
static void test_notice(void **state)
{
	struct end a, b;
	struct datagram d;

	(void)state;
	both(&a, &b);
	assert_int_equal(peer_line_gone(&a.line, &a.self, BYTES_LIT("\10\0"), d.octets, &d.n), 0);
	start(&b, B, A, 0xb2);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(hear(&b, &d, UINT64_MAX), PEER_GONE);
		assert_int_equal(g_read.incarnation, 0xa1);
		assert_true(bytes_eq(g_read.items, BYTES_LIT("\10\0")));
	}
	d.octets[1] = PEER_OF_NODE;
	assert_int_equal(hear(&b, &d, 1001), PEER_FORGED);
}

/* A nonce is never there twice: a line that is closed and opened goes on behind its numbers. */
static void test_numbers_go_on(void **state)
{
	struct end a, b;
	struct peer_head first, next;
	struct datagram d;

	(void)state;
	both(&a, &b);
	d = say(&a, NULL, 1001);
	assert_int_equal(peer_head_read(&first, bytes_mem(d.octets, d.n)), 0);
	peer_line_close(&a.line, &a.self);
	peer_line_open(&a.line, &a.self, B);
	d = say(&a, NULL, 1001);
	assert_int_equal(peer_head_read(&next, bytes_mem(d.octets, d.n)), 0);
	assert_true(next.number == first.number + 1);
}

static void test_head(void **state)
{
	struct end a, b;
	struct peer_head head;
	struct datagram d;

	(void)state;
	both(&a, &b);
	d = say(&a, NULL, 1001);
	for (size_t n = 0; n < PEER_HEAD_LEN + PEER_TAG_LEN; n++)
		assert_int_equal(peer_head_read(&head, bytes_mem(d.octets, n)), -EBADMSG);
	assert_int_equal(peer_head_read(&head, bytes_mem(d.octets, d.n)), 0);
	assert_true(head.from == A && head.to == B && head.incarnation == 0xa1);
	assert_int_equal(peer_head_read(&head, bytes_mem(d.octets, PEER_PACKET_MAX + 1)), -EBADMSG);
	d.octets[1] = PEER_VOICES;
	assert_int_equal(peer_head_read(&head, bytes_mem(d.octets, d.n)), -EBADMSG);
	d.octets[0] = 2;
	assert_int_equal(peer_head_read(&head, bytes_mem(d.octets, d.n)), -EPROTONOSUPPORT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_meet),
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_receiver_started_again),
		cmocka_unit_test(test_sender_started_again),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_notice),
		cmocka_unit_test(test_numbers_go_on),
		cmocka_unit_test(test_head),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
