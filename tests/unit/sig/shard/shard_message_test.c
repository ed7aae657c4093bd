/* SPDX-License-Identifier: Apache-2.0 */
/* MESSAGE outside of calls (RFC 3428): from a phone to the phones of an extension. */
#include <errno.h>

#include "sig/sip/txn.h"
#include "tests/unit/sig/gate.h"

#define TEXT "Content-Type: text/plain\r\nSubject: tea\r\n"

static void writes(struct phone *a, const char *to, const char *extra, const char *body)
{
	phone_begin(a, to);
	phone_request(a, "MESSAGE", extra, body);
	rig_run(a->r);
}

static struct bytes gets(struct phone *b)
{
	return rig_take(b->r, &b->addr, "MESSAGE ");
}

static void passes(void **state)
{
	struct line *l = *state;
	struct bytes m, answer;

	writes(&l->a, "1002", TEXT "Contact: <sip:x@10.9.8.7>\r\nX-Own: 1\r\n", "hello");
	m = gets(&l->b);
	assert_true(bytes_starts(m, "MESSAGE sip:1002@192.0.2.12:5060 SIP/2.0\r\n"));
	assert_true(bytes_is(rig_body(m), "hello"));
	assert_true(bytes_is(rig_header(m, "Content-Type"), "text/plain"));
	assert_true(bytes_is(rig_header(m, "Subject"), "tea"));
	assert_true(bytes_is(rig_header(m, "Max-Forwards"), "69"));
	assert_true(
		bytes_starts(rig_header(m, "From"), "\"Phone\" <sip:1001@192.0.2.1:5060>;tag="));
	assert_true(
		bytes_starts(rig_header(m, "Via"), "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK"));
	assert_false(rig_has(rig_header(m, "To"), ";tag="));
	assert_false(rig_header(m, "Contact").n); /* RFC 3428 4 */
	assert_false(rig_header(m, "X-Own").n);
	assert_false(rig_has(m, l->a.call_id));
	assert_false(rig_has(m, "192.0.2.11"));
	phone_answer(&l->b, m, "202 Accepted", "");
	answer = phone_hears(&l->a, "SIP/2.0 202");
	assert_true(answer.n);
	assert_true(rig_has(rig_header(answer, "To"), ";tag="));
	assert_false(rig_header(answer, "Contact").n); /* RFC 3428 7 */
	assert_int_equal(l->r->save_count, 0);
	line_assert_idle(l->r);
	assert_int_equal(l->r->cdr_count, 0);
}

/* A copy is absorbed before the answer, and answered behind it. */
static void copies(void **state)
{
	struct line *l = *state;
	struct bytes m;

	writes(&l->a, "1002", TEXT, "hello");
	phone_write(&l->a, "MESSAGE", TEXT, "hello");
	rig_run(l->r);
	assert_int_equal(rig_count(l->r, &l->b.addr, "MESSAGE "), 1);
	m = gets(&l->b);
	phone_answer(&l->b, m, "200 OK", "");
	phone_write(&l->a, "MESSAGE", TEXT, "hello");
	rig_run(l->r);
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 200"), 2);
	assert_int_equal(rig_count(l->r, &l->b.addr, "MESSAGE "), 1);
	line_assert_idle(l->r);
}

/* What a phone says, and what its writer hears. 0: nothing. */
static void answers(void **state)
{
	static const struct {
		const char *says;
		unsigned hears;
	} rows[] = {
		{ "200 OK", 200 },
		{ "404 Not Found", 404 },
		{ "415 Unsupported Media Type", 415 },
		{ "480 Temporarily Unavailable", 480 },
		{ "486 Busy Here", 486 },
		{ "603 Decline", 603 },
		{ "302 Moved", 480 },
		{ "401 Unauthorized", 500 },
		{ "503 Service Unavailable", 500 },
		{ "405 Method Not Allowed", 405 },
		{ "501 Not Implemented", 405 },
		{ "408 Request Timeout", 0 },
	};
	struct line *l = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char said[32];

		writes(&l->a, "1002", TEXT, "hello");
		phone_answer(&l->b, gets(&l->b), rows[i].says, "");
		(void)snprintf(said, sizeof(said), "SIP/2.0 %u", rows[i].hears);
		if (rows[i].hears)
			ROW_ASSERT(rows[i].says, rig_take(l->r, &l->a.addr, said).n);
		else
			ROW_ASSERT(rows[i].says, !rig_take(l->r, &l->a.addr, "SIP/2.0").n);
	}
	line_assert_idle(l->r);
}

/* RFC 4320: its writer has given up by then, too. */
static void silence(void **state)
{
	struct line *l = *state;

	writes(&l->a, "1002", TEXT, "hello");
	rig_wait_ms(l->r, TXN_TIMEOUT_MS + 100);
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0"), 0);
	line_assert_idle(l->r);
}

/* The process that has passed it is gone, and the sender says it again: for the phone that is a copy. */
static void copies_behind_a_kill(void **state)
{
	struct line *l = *state;
	char before[2048];
	struct bytes m;

	writes(&l->a, "1002", TEXT, "hello");
	phone_copy(before, sizeof(before), gets(&l->b));
	assert_true(before[0]);
	shard_close(l->r->shard);
	rig_start_shard(l->r);
	phone_bind(&l->b);
	phone_write(&l->a, "MESSAGE", TEXT, "hello");
	rig_run(l->r);
	m = gets(&l->b);
	assert_true(bytes_is(m, before));
	phone_answer(&l->b, m, "200 OK", "");
	assert_true(rig_take(l->r, &l->a.addr, "SIP/2.0 200").n);
	phone_request(&l->a, "MESSAGE", TEXT, "hello"); /* another one is another one */
	m = gets(&l->b);
	assert_true(m.n && !bytes_is(m, before));
	phone_answer(&l->b, m, "200 OK", "");
	line_assert_idle(l->r);
}

/* RFC 3428 8: the request counts, not its body alone. */
static void as_long_as_it_may_be(void **state)
{
	static char body[1301];
	struct line *l = *state;
	struct bytes m;

	for (size_t n = 700; n < sizeof(body); n += 10) {
		memset(body, 'x', n);
		body[n] = '\0';
		writes(&l->a, "1002", TEXT, body);
		m = gets(&l->b);
		if (!m.n)
			break;
		assert_true(m.n <= 1300);
		phone_answer(&l->b, m, "200 OK", "");
		assert_true(rig_take(l->r, &l->a.addr, "SIP/2.0 200").n);
	}
	assert_true(rig_take(l->r, &l->a.addr, "SIP/2.0 413").n);
	line_assert_idle(l->r);
}

static void refused(void **state)
{
	static char long_body[1302];
	struct line *l = *state;

	memset(long_body, 'x', sizeof(long_body) - 1);
	phone_begin(&l->a, "1002");
	phone_say(&l->a,
		  "MESSAGE %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKhops;rport\r\n"
		  "Max-Forwards: 0\r\nFrom: %s;tag=%s\r\nTo: %s\r\nCall-ID: %s\r\n"
		  "CSeq: 1 MESSAGE\r\n" TEXT "Content-Length: 2\r\n\r\nhi",
		  l->a.target, l->a.address, l->a.local, l->a.tag, l->a.remote, l->a.call_id);
	assert_true(rig_take(l->r, &l->a.addr, "SIP/2.0 483").n);
	writes(&l->a, "1002", "Content-Type: \r\n", "hello");
	assert_true(rig_take(l->r, &l->a.addr, "SIP/2.0 400").n);
	writes(&l->a, "1009", TEXT, "hello");
	assert_true(rig_take(l->r, &l->a.addr, "SIP/2.0 404").n);
	writes(&l->a, "1003", TEXT, "hello"); /* not registered */
	assert_true(rig_take(l->r, &l->a.addr, "SIP/2.0 480").n);
	writes(&l->a, "1002", TEXT, long_body);
	assert_true(rig_take(l->r, &l->a.addr, "SIP/2.0 413").n);
	assert_int_equal(rig_count(l->r, &l->b.addr, "MESSAGE "), 0);
	line_assert_idle(l->r);
}

/* Calls that are under way come to their end, and messages take no longer. */
static void while_it_drains(void **state)
{
	struct line *l = *state;

	shard_drain(l->r->shard, true);
	writes(&l->a, "1002", TEXT, "hello");
	phone_answer(&l->b, gets(&l->b), "200 OK", "");
	assert_true(rig_take(l->r, &l->a.addr, "SIP/2.0 200").n);
}

/* Its host says that nobody is there. */
static void out_of_reach(void **state)
{
	struct line *l = *state;
	struct sip_hop hop = { .remote = l->b.addr };

	writes(&l->a, "1002", TEXT, "hello");
	shard_send_failed(l->r->shard, &hop, ECONNREFUSED, l->r->now);
	rig_run(l->r);
	assert_true(rig_take(l->r, &l->a.addr, "SIP/2.0 480").n);
	line_assert_idle(l->r);
}

/* ---- several phones ---- */

struct fork {
	struct line l; /* first: it is one */
	struct phone b[3];
};

static int fork_setup(void **state)
{
	static const char *const places[] = { "192.0.2.21:5060", "192.0.2.22:5060",
					      "192.0.2.23:5060" };
	struct fork *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	f->l.r = rig_open();
	phone_open(&f->l.a, f->l.r, "1001", "192.0.2.11:5060");
	for (unsigned i = 0; i < COUNT_OF(f->b); i++) {
		phone_open(&f->b[i], f->l.r, "1002", places[i]);
		(void)snprintf(f->b[i].tag, sizeof(f->b[i].tag), "b%u", i);
	}
	phones_bind(f->b, COUNT_OF(f->b));
	*state = f;
	return 0;
}

#define FORK_TEST(fn) cmocka_unit_test_setup_teardown(fn, fork_setup, line_teardown)

static void says(struct phone *b, const char *status)
{
	phone_answer(b, gets(b), status, "");
}

/* The first that takes it answers; what others say then is nobody's. */
static void one_answer(void **state)
{
	struct fork *f = *state;
	const struct rig *r = f->l.r;

	writes(&f->l.a, "1002", TEXT, "hello");
	says(&f->b[0], "480 Temporarily Unavailable");
	assert_int_equal(rig_count(r, &f->l.a.addr, "SIP/2.0"), 0);
	says(&f->b[1], "200 OK");
	assert_int_equal(rig_count(r, &f->l.a.addr, "SIP/2.0 200"), 1);
	says(&f->b[2], "202 Accepted");
	assert_int_equal(rig_count(r, &f->l.a.addr, "SIP/2.0"), 1);
	line_assert_idle(f->l.r);
}

/* RFC 3261 16.7 step 6. */
static void the_best_refusal(void **state)
{
	static const struct {
		const char *says[3];
		const char *hears;
	} rows[] = {
		{ { "500 No", "480 No", "404 No" }, "SIP/2.0 480" },
		{ { "480 No", "603 No", "486 No" }, "SIP/2.0 603" },
		{ { "408 No", "415 No", "500 No" }, "SIP/2.0 415" },
	};
	struct fork *f = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		writes(&f->l.a, "1002", TEXT, "hello");
		for (unsigned b = 0; b < 3; b++)
			says(&f->b[b], rows[i].says[b]);
		ROW_ASSERT(rows[i].hears, rig_take(f->l.r, &f->l.a.addr, rows[i].hears).n);
	}
	line_assert_idle(f->l.r);
}

/* One is silent: what the others said is the answer when it is given up. */
static void one_is_silent(void **state)
{
	struct fork *f = *state;

	writes(&f->l.a, "1002", TEXT, "hello");
	says(&f->b[0], "486 Busy Here");
	says(&f->b[1], "480 Temporarily Unavailable");
	rig_wait_ms(f->l.r, TXN_TIMEOUT_MS + 100);
	assert_true(rig_take(f->l.r, &f->l.a.addr, "SIP/2.0 486").n);
	line_assert_idle(f->l.r);
}

/* ---- who may ---- */

static void a_stranger(void **state)
{
	struct line *l = *state;

	shard_close(l->r->shard);
	l->r->settings.trusted_count = 0;
	rig_start_shard(l->r);
	phone_bind(&l->b);
	writes(&l->a, "1002", TEXT, "hello");
	assert_true(rig_take(l->r, &l->a.addr, "SIP/2.0 407").n);
	assert_int_equal(rig_count(l->r, &l->b.addr, "MESSAGE "), 0);
}

static void a_trunk(void **state)
{
	struct gate *g = *state;
	struct trunk_settings set = gate_trunk("carrier", "198.51.100.1");
	struct phone *gw = &g->carriers[0];
	struct bytes m;

	(void)gate_put(g, &set);
	gate_did(g, "+49301", "1002");
	writes(gw, "+49301", TEXT, "hello");
	m = rig_take(g->l.r, &gw->addr, "SIP/2.0 405");
	assert_true(m.n);
	assert_false(rig_has(rig_header(m, "Allow"), "MESSAGE"));
}

/* A hidden one, and one that is not wanted. */
static void who_is_told(void **state)
{
	struct line *l = *state;
	struct bytes m;

	phone_begin(&l->a, "1002");
	(void)snprintf(l->a.local, sizeof(l->a.local), "<sip:anonymous@anonymous.invalid>");
	phone_request(&l->a, "MESSAGE", TEXT, "hello");
	m = gets(&l->b);
	assert_true(bytes_starts(rig_header(m, "From"),
				 "\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag="));
	phone_answer(&l->b, m, "200 OK", "");
	writes(&l->a, "1002", TEXT "Privacy: id\r\n", "hello");
	m = gets(&l->b);
	assert_true(m.n);
	assert_false(rig_has(m, "1001"));
	phone_answer(&l->b, m, "200 OK", "");
	line_assert_idle(l->r);
}

static void blocked(void **state)
{
	struct line *l = *state;
	struct shard_forward by_number = { .blocked = "1001" }, hidden = { .blocked = "anonymous" };

	assert_int_equal(shard_forward_set(l->r->shard, TENANT_DEFAULT, "1002", &by_number), 0);
	writes(&l->a, "1002", TEXT, "hello");
	assert_true(rig_take(l->r, &l->a.addr, "SIP/2.0 603").n);
	assert_int_equal(shard_forward_set(l->r->shard, TENANT_DEFAULT, "1002", &hidden), 0);
	writes(&l->a, "1002", TEXT "Privacy: user\r\n", "hello");
	assert_true(rig_take(l->r, &l->a.addr, "SIP/2.0 433").n);
	assert_int_equal(rig_count(l->r, &l->b.addr, "MESSAGE "), 0);
	line_assert_idle(l->r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(passes),
		LINE_TEST(copies),
		LINE_TEST(answers),
		LINE_TEST(silence),
		LINE_TEST(refused),
		FORK_TEST(one_answer),
		LINE_TEST(while_it_drains),
		LINE_TEST(out_of_reach),
		LINE_TEST(copies_behind_a_kill),
		LINE_TEST(as_long_as_it_may_be),
		FORK_TEST(the_best_refusal),
		FORK_TEST(one_is_silent),
		LINE_TEST(a_stranger),
		GATE_TEST(a_trunk),
		LINE_TEST(who_is_told),
		LINE_TEST(blocked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
