/* SPDX-License-Identifier: Apache-2.0 */
/* Admission by how long messages wait: a queue on virtual time, whose server takes so long for a call and so long for a refusal. */
#include "sig/shard/overload.h"

#include "base/clock.h"
#include "base/rand.h"
#include "tests/unit/test.h"

enum { QUEUE_MAX = 1 << 20, TARGET_MS = 20, BATCH = 64 };

struct server {
	struct overload o;
	struct rand_source rand;
	uint64_t now_ns, free_ns, drained_ns;
	uint64_t call_ns, refusal_ns;   /* what each costs */
	uint64_t served, refused, late; /* late: served after more than half a second */
	uint64_t waited_ns_max;
	uint64_t *queue;
	uint32_t head, tail;
};

static int setup(void **state)
{
	struct server *s = calloc(1, sizeof(*s));

	s->queue = calloc(QUEUE_MAX, sizeof(*s->queue));
	s->call_ns = 400000;
	s->refusal_ns = 8000;
	s->now_ns = s->free_ns = s->drained_ns = 1000 * NS_PER_S;
	rand_open_seed(&s->rand, 5);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct server *s = *state;

	free(s->queue);
	free(s);
	return 0;
}

static void serve(struct server *s, uint64_t came_ns)
{
	uint64_t behind = s->free_ns - s->drained_ns, waited = s->free_ns - came_ns;

	(void)overload_note(&s->o, behind, TARGET_MS * NS_PER_MS, s->free_ns);
	if (overload_refuses(&s->o, behind, TARGET_MS * NS_PER_MS, s->free_ns)) {
		s->refused++;
		s->free_ns += s->refusal_ns;
		return;
	}
	s->served++;
	s->late += waited > NS_PER_S / 2;
	if (waited > s->waited_ns_max)
		s->waited_ns_max = waited;
	s->free_ns += s->call_ns;
}

/* What has come by then, a batch at most: as transport_udp reads it. */
static void read_batch(struct server *s)
{
	uint32_t n = 0, end = s->head;

	while (n < BATCH && end != s->tail && s->queue[end % QUEUE_MAX] <= s->free_ns) {
		end++;
		n++;
	}
	if (n < BATCH)
		s->drained_ns = s->free_ns;
	if (n == 0)
		s->free_ns = s->queue[s->head % QUEUE_MAX]; /* it sleeps until then */
	while (s->head != end)
		serve(s, s->queue[s->head++ % QUEUE_MAX]);
}

/* Calls come as callers do, at random moments, so many times of what the server can do. */
static void offer(struct server *s, double times, unsigned seconds)
{
	uint64_t end = s->now_ns + seconds * NS_PER_S;
	uint64_t mean_ns = (uint64_t)((double)s->call_ns / times);

	while (s->now_ns < end) {
		s->now_ns += rand_below(&s->rand, (uint32_t)(2 * mean_ns));
		while (s->head != s->tail && s->free_ns <= s->now_ns)
			read_batch(s);
		assert_true(s->tail - s->head < QUEUE_MAX);
		s->queue[s->tail++ % QUEUE_MAX] = s->now_ns;
	}
	while (s->head != s->tail)
		read_batch(s);
}

static double goodput(const struct server *s, unsigned seconds)
{
	return (double)(s->served - s->late) * (double)s->call_ns /
	       ((double)seconds * (double)NS_PER_S);
}

static void below_capacity_nobody_is_refused(void **state)
{
	struct server *s = *state;

	offer(s, 0.9, 30);
	assert_int_equal(s->refused, 0);
	assert_int_equal(s->late, 0);
}

static void twice_as_much(void **state)
{
	struct server *s = *state;

	offer(s, 2, 30);
	assert_true(goodput(s, 30) >= 0.95);
	assert_int_equal(s->late, 0);
	assert_true(s->waited_ns_max < 250 * NS_PER_MS);
}

static void ten_times_as_much(void **state)
{
	struct server *s = *state;

	offer(s, 10, 30);
	assert_true(goodput(s, 30) >= 0.7);
	assert_true(s->waited_ns_max < 250 * NS_PER_MS);
}

/* 150 calls at the same moment are no overload: a moment later all is as before. */
static void a_burst_is_served(void **state)
{
	struct server *s = *state;

	for (int i = 0; i < 150; i++)
		s->queue[s->tail++] = s->now_ns;
	offer(s, 0.5, 5);
	assert_int_equal(s->refused, 0);
}

static void it_ends(void **state)
{
	struct server *s = *state;

	offer(s, 5, 5);
	assert_true(overload_is(&s->o, s->free_ns));
	s->now_ns = s->free_ns;
	s->refused = 0;
	offer(s, 0.5, 20);
	assert_false(overload_is(&s->o, s->free_ns));
	assert_int_equal(s->refused, 0);
}

static void without_a_target(void **state)
{
	struct overload o = { 0 };

	(void)state;
	for (uint64_t t = NS_PER_S; t < 5 * NS_PER_S; t += NS_PER_MS)
		assert_false(overload_note(&o, NS_PER_S, 0, t));
	assert_false(overload_is(&o, 5 * NS_PER_S));
	for (uint64_t t = NS_PER_S; t < 5 * NS_PER_S; t += NS_PER_MS)
		(void)overload_note(&o, NS_PER_S, 1, t);
	assert_true(overload_refuses(&o, NS_PER_S, 1, 5 * NS_PER_S));
	assert_false(overload_refuses(&o, 1, 1, 5 * NS_PER_S));
	assert_false(overload_note(&o, NS_PER_S, 0, 5 * NS_PER_S)); /* switched off */
	assert_false(overload_is(&o, 5 * NS_PER_S));
}

/* ---- the glance ---- */

#define HEAD "INVITE sip:1002@test.local SIP/2.0\r\n"
#define VIA  "Via: SIP/2.0/UDP 192.0.2.11:5060;branch=z9hG4bK1;rport\r\n"
#define REST "From: <sip:1@x>;tag=a\r\nCall-ID: c\r\nCSeq: 7 INVITE\r\n"
#define TO   "To: <sip:1002@test.local>\r\n"

static void what_is_glanced_at(void **state)
{
	static const struct {
		const char *text;
		bool want;
	} rows[] = {
		{ HEAD VIA TO REST "\r\n", true },
		{ HEAD VIA TO REST "Max-Forwards: 70\r\nX: 1\r\n\r\nbody\r\n: no\r\n", true },
		{ HEAD
		  "v: SIP/2.0/UDP a\r\nV: SIP/2.0/TCP b\r\nt: <sip:x@y>\r\nf: <sip:z@y>;tag=1\r\n"
		  "i: 1\r\nCSeq: 1 INVITE\r\n\r\n",
		  true },
		{ HEAD VIA "To: <sip:1002@test.local;tag=no>\r\n" REST "\r\n", true },
		{ HEAD VIA "To: <sip:1002@test.local>;tag=b\r\n" REST "\r\n", false },
		{ HEAD VIA "To: <sip:1002@test.local>;x=\"a;tag=b\"\r\n" REST "\r\n", true },
		{ HEAD VIA TO REST, false },           /* no end */
		{ HEAD TO REST "\r\n", false },        /* no Via */
		{ HEAD VIA TO TO REST "\r\n", false }, /* twice */
		{ HEAD VIA TO " <folded>\r\n" REST "\r\n", false },
		{ HEAD "Via: SIP/2.0/UDP a, SIP/2.0/UDP b\r\n" TO REST "\r\n", false },
		{ HEAD VIA TO "From: a\rb\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\r\n", false },
		{ HEAD "Via: SIP/2.0/UDP a\n" TO REST "\r\n", false }, /* bare LF */
		{ "INVITE sip:a b SIP/2.0\r\n" VIA TO REST "\r\n", false },
		{ "INVITE sip:a SIP/3.0\r\n" VIA TO REST "\r\n", false },
		{ "REGISTER sip:a SIP/2.0\r\n" VIA TO REST "\r\n", false },
		{ "INVITE ", false },
		{ "", false },
	};
	struct overload_glance g;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (overload_glance(&g, bytes_str(rows[i].text)) != rows[i].want)
			fail_msg("row %zu", i);
	}
}

static void what_is_answered(void **state)
{
	static const char want[] =
		"SIP/2.0 503 Service Unavailable\r\n"
		"Via: SIP/2.0/UDP "
		"192.0.2.11:5060;branch=z9hG4bK1;received=192.0.2.99;rport=4000\r\n"
		"From: <sip:1@x>;tag=a\r\nTo: <sip:1002@test.local>;tag=ovl.0000002a\r\n"
		"Call-ID: c\r\nCSeq: 7 INVITE\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n";
	uint8_t space[1024];
	struct writer w = writer_over(space, sizeof(space));
	struct overload_glance g;
	struct addr remote;

	(void)state;
	assert_int_equal(addr_parse(&remote, BYTES_LIT("192.0.2.99:4000")), 0);
	assert_true(overload_glance(&g, BYTES_LIT(HEAD VIA TO REST "\r\n")));
	assert_true(bytes_is(g.uri, "sip:1002@test.local"));
	overload_write(&w, &g, &remote, 3, 42);
	assert_false(w.overflow);
	assert_true(bytes_is(writer_done(&w), want));
	assert_true(
		overload_is_ack(BYTES_LIT("ACK sip:a SIP/2.0\r\nTo: <b>;tag=ovl.0000002a\r\n")));
	assert_false(overload_is_ack(BYTES_LIT("ACK sip:a SIP/2.0\r\nTo: <b>;tag=x\r\n")));
	assert_false(overload_is_ack(BYTES_LIT("BYE sip:a SIP/2.0\r\nTo: <b>;tag=ovl.2\r\n")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(below_capacity_nobody_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(twice_as_much, setup, teardown),
		cmocka_unit_test_setup_teardown(ten_times_as_much, setup, teardown),
		cmocka_unit_test_setup_teardown(a_burst_is_served, setup, teardown),
		cmocka_unit_test_setup_teardown(it_ends, setup, teardown),
		cmocka_unit_test(without_a_target),
		cmocka_unit_test(what_is_glanced_at),
		cmocka_unit_test(what_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
