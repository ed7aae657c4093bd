/* SPDX-License-Identifier: Apache-2.0 */
/* The shard at its door: what is refused, dropped, limited and counted. */
#include <errno.h>

#include "tests/unit/sig/line.h"

static void outside_of_dialogs(void **state)
{
	static const struct {
		const char *method, *target, *extra, *want, *header;
	} rows[] = {
		{ "OPTIONS", "sip:test.local", "", "SIP/2.0 200", "Accept" },
		{ "OPTIONS", "sip:test.local", "", "SIP/2.0 200", "Allow" },
		{ "OPTIONS", "sip:test.local", "Require: x\r\n", "SIP/2.0 420", "Unsupported" },
		{ "DANCE", "sip:test.local", "", "SIP/2.0 501", "Allow" },
		{ "SUBSCRIBE", "sip:1002@test.local", "", "SIP/2.0 489", "Allow-Events" },
		{ "NOTIFY", "sip:1002@test.local", "", "SIP/2.0 405", "Allow" },
		{ "PUBLISH", "sip:1002@test.local", "", "SIP/2.0 489", "Allow-Events" },
		{ "MESSAGE", "sip:9999@test.local", "", "SIP/2.0 404", "To" },
		{ "MESSAGE", "sip:1003@test.local", "", "SIP/2.0 480", "To" },
		{ "MESSAGE", "sip:1002@elsewhere.test", "", "SIP/2.0 404", "To" },
		{ "MESSAGE", "http://test.local", "", "SIP/2.0 416", "To" },
		{ "BYE", "sip:1002@test.local", "", "SIP/2.0 481", "To" },
		{ "INVITE", "sip:9999@test.local", "", "SIP/2.0 404", "To" },
		{ "INVITE", "sip:1003@test.local", "", "SIP/2.0 480", "To" },
		{ "INVITE", "sip:test.local", "", "SIP/2.0 404", "To" },
		{ "INVITE", "http://test.local", "", "SIP/2.0 416", "To" },
		{ "INVITE", "sip:1002@elsewhere.test", "", "SIP/2.0 404", "To" },
		{ "INVITE", "sips:1002@test.local", "", "SIP/2.0 416", "To" },
		{ "INVITE", "sip:1%00@test.local", "", "SIP/2.0 404", "To" },
		{ "INVITE", "sip:1%0d%0a@test.local", "", "SIP/2.0 404", "To" },
		{ "INVITE", "sip:1002@test.local", "Require: precondition\r\n", "SIP/2.0 420",
		  "Unsupported" },
		{ "INVITE", "sip:1002@test.local", "Content-Type: text/plain\r\n", "SIP/2.0 415",
		  "Accept" },
		{ "INVITE", "sip:1002@test.local", "Content-Encoding: gzip\r\n", "SIP/2.0 415",
		  "Accept" },
		{ "INVITE", "sip:1002@test.local", "", "SIP/2.0 400", "Warning" }, /* body: x */
	};
	struct line *l = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct bytes m;

		phone_begin(&l->a, "1002");
		(void)snprintf(l->a.target, sizeof(l->a.target), "%s", rows[i].target);
		phone_request(&l->a, rows[i].method, rows[i].extra,
			      rows[i].method[0] == 'I' ? "x" : "");
		m = rig_take(l->r, &l->a.addr, rows[i].want);
		ROW_ASSERT(rows[i].want, rig_header(m, rows[i].header).n);
		ROW_ASSERT(rows[i].want, rig_has(rig_header(m, "To"), ";tag="));
		if (rows[i].method[0] == 'I')
			phone_write(&l->a, "ACK", "", "");
	}
	assert_int_equal(rig_counts(l->r).calls, 0);
	line_assert_idle(l->r);
}

static void say(struct line *l, const char *text)
{
	rig_send(l->r, &l->a.addr, bytes_str(text));
}

enum { REQUIRED_MAX = 30000 };

/* A request of the method that requires so many tags of that length. */
static void require(struct line *l, const char *method, size_t length, unsigned count)
{
	static char text[2 * REQUIRED_MAX];
	static unsigned branch;
	struct writer w = writer_over(text, sizeof(text));

	writer_fmt(&w,
		   "%s sip:1002@test.local SIP/2.0\r\nVia: SIP/2.0/UDP "
		   "%s;branch=z9hG4bKr%u;rport\r\nMax-Forwards: 70\r\nFrom: "
		   "<sip:1001@test.local>;tag=r\r\nTo: <sip:1002@test.local>\r\nCall-ID: "
		   "r%u\r\nCSeq: 1 %s\r\nContact: <sip:1001@192.0.2.11>\r\nRequire: x0",
		   method, l->a.address, branch, branch, method);
	branch++;
	for (unsigned i = 0; i < count; i++) {
		writer_str(&w, ", ");
		for (size_t n = 0; n < length; n++)
			writer_u8(&w, (uint8_t)('a' + n % 26));
	}
	writer_str(&w, "\r\nContent-Length: 0\r\n\r\n");
	assert_false(w.overflow);
	rig_send(l->r, &l->a.addr, writer_done(&w));
}

/* However much a request asks for: an answer has all its lines, each of them whole (the rig looks at that), and is short. */
static void answers_are_whole(void **state)
{
	static const struct {
		const char *method;
		size_t length;
		unsigned count;
	} rows[] = {
		{ "OPTIONS", 8, 100 },  { "OPTIONS", 8, 1000 }, { "OPTIONS", 8000, 1 },
		{ "REGISTER", 8, 900 }, { "INVITE", 8, 819 },   { "INVITE", 8, 2500 },
		{ "INVITE", 8190, 1 },  { "DANCE", 20, 410 },
	};
	struct line *l = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct bytes m;

		require(l, rows[i].method, rows[i].length, rows[i].count);
		m = rig_take(l->r, &l->a.addr, "SIP/2.0 420");
		ROW_ASSERT(rows[i].method, m.n && m.n < 800);
		ROW_ASSERT(rows[i].method, bytes_starts(rig_header(m, "Unsupported"), "x0"));
		ROW_ASSERT(rows[i].method, bytes_is(rig_header(m, "Content-Length"), "0"));
	}
}

static void broken_messages(void **state)
{
	static const struct {
		const char *text, *want; /* NULL: silence */
	} rows[] = {
		{ "", NULL },
		{ "\r\n\r\n", NULL },
		{ "hello", NULL },
		{ "SIP/2.0 200 OK\r\n\r\n", NULL },
		{ "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\r\nFrom: "
		  "<sip:a@b>;tag=1\r\n"
		  "To: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n",
		  NULL },
		{ "ACK sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.11;branch=z9hG4bKx\r\n"
		  "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 "
		  "ACK\r\n\r\n",
		  NULL },
		{ "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.11;branch=z9hG4bKx\r\n"
		  "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n",
		  "SIP/2.0 400" },
		{ "OPTIONS sip:a@b SIP/3.0\r\nVia: SIP/2.0/UDP 192.0.2.11;branch=z9hG4bKx\r\n"
		  "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n",
		  "SIP/2.0 505" },
		/* no Contact in an INVITE */
		{ "INVITE sip:1002@b SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.11;branch=z9hG4bKy\r\n"
		  "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n",
		  "SIP/2.0 400" },
		/* Max-Forwards: 0 */
		{ "INVITE sip:1002@b SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.11;branch=z9hG4bKy\r\n"
		  "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n"
		  "Contact: <sip:a@b>\r\nMax-Forwards: 0\r\n\r\n",
		  "SIP/2.0 483" },
		{ "BYE sip:1002@b SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.11;branch=z9hG4bKz\r\n"
		  "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=none\r\nCall-ID: 1\r\nCSeq: 1 "
		  "BYE\r\n\r\n",
		  "SIP/2.0 481" },
	};
	struct line *l = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		uint32_t before = l->r->sent_count;

		say(l, rows[i].text);
		ROW_ASSERT(rows[i].text, l->r->sent_count == before + (rows[i].want != NULL));
		if (rows[i].want)
			ROW_ASSERT(rows[i].text, rig_take(l->r, &l->a.addr, rows[i].want).n);
	}
	assert_int_equal(rig_counts(l->r).txns, 0);
}

/* No Max-Forwards: a fresh 70 for B. */
static void max_forwards_absent(void **state)
{
	struct line *l = *state;

	say(l, "INVITE sip:1002@b SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.11;branch=z9hG4bKy\r\n"
	       "From: <sip:1001@b>;tag=1\r\nTo: <sip:1002@b>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n"
	       "Contact: <sip:a@192.0.2.11>\r\n\r\n");
	assert_true(rig_has(phone_rings(&l->b), "Max-Forwards: 70\r\n"));
}

/* RFC 3261 8.2.2.2: the same request by another branch. */
static void merged(void **state)
{
	struct line *l = *state;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	phone_new_branch(&l->a);
	phone_write(&l->a, "INVITE", "", PHONE_SDP_A);
	assert_true(rig_take(l->r, &l->a.addr, "SIP/2.0 482").n);
	assert_int_equal(rig_counts(l->r).calls, 1);
}

/* A phone that says it lives at our address. */
static void loop(void **state)
{
	struct line *l = *state;
	struct phone c;

	phone_open(&c, l->r, "1003", "192.0.2.1:5060");
	phone_bind(&c);
	phone_invite(&l->a, "1003", PHONE_SDP_A);
	assert_true(phone_hears(&l->a, "SIP/2.0 482").n);
	assert_int_equal(rig_count(l->r, &c.addr, "INVITE "), 0);
}

static void draining(void **state)
{
	struct line *l = *state;

	phones_talk(&l->a, &l->b);
	shard_drain(l->r->shard, true);
	assert_true(rig_counts(l->r).draining);
	phone_request(&l->a, "BYE", "", "");
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	assert_true(rig_header(rig_take(l->r, &l->a.addr, "SIP/2.0 503"), "Retry-After").n);
	shard_drain(l->r->shard, false);
	phone_write(&l->a, "ACK", "", "");
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	assert_true(phone_hears(&l->a, "SIP/2.0 100").n);
}

/* Fills what can be filled; the next INVITE gets 503, nothing is left of it, and calls that exist go on. */
static void full(void **state)
{
	static const struct {
		const char *name;
		uint32_t calls, txns;
		uint16_t last_port;
		uint32_t want; /* calls that fit */
	} rows[] = {
		{ "calls", 3, 512, 20199, 3 },
		{ "transactions", 64, 24, 20199, 9 },
		{ "ports", 64, 512, 20007, 2 },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct shard_settings s = rig_settings();
		struct phone a, b, first;
		struct rig *r;
		uint32_t free_before;

		s.calls_max = rows[i].calls;
		s.txns_max = rows[i].txns;
		s.networks[0].last_port = rows[i].last_port;
		r = rig_open_with(&s);
		phones_open(r, &a, &b);
		free_before = rig_counts(r).ports_free;
		for (int n = 0; n < 20; n++) {
			phone_invite(&a, "1002", PHONE_SDP_A);
			if (n == 0)
				first = a;
		}
		ROW_ASSERT(rows[i].name, rig_counts(r).calls == rows[i].want);
		ROW_ASSERT(rows[i].name, rig_count(r, &a.addr, "SIP/2.0 503") == 20 - rows[i].want);
		ROW_ASSERT(rows[i].name,
			   rig_header(rig_take(r, &a.addr, "SIP/2.0 503"), "Retry-After").n);
		phone_cancel(&first); /* there is always room for this */
		ROW_ASSERT(rows[i].name, rig_count(r, &a.addr, "SIP/2.0 487") == 1);
		rig_wait_ms(r, 150000);
		ROW_ASSERT(rows[i].name, rig_counts(r).calls == 0);
		ROW_ASSERT(rows[i].name, rig_counts(r).txns == 0);
		ROW_ASSERT(rows[i].name, rig_counts(r).ports_free == free_before);
		rig_close(r);
	}
	(void)state;
}

static void registrations_full(void **state)
{
	struct shard_settings s = rig_settings();
	struct shard_extension e = rig_extension("77", false);
	struct rig *r;

	(void)state;
	s.registrations_max = 4;
	r = rig_open_with(&s);
	assert_int_equal(shard_extension_put(r->shard, &e), -ENOSPC);
	rig_close(r);
}

static void settings_that_do_not_fit(void **state)
{
	struct shard_settings s = rig_settings();
	struct rand_source rand;
	struct shard *shard = NULL;
	struct instant now = { 0 };

	(void)state;
	rand_open_seed(&rand, 1);
	s.locals[0].network = 1;
	assert_int_equal(shard_open(&shard, &s, NULL, &rand, now), -EINVAL);
	s = rig_settings();
	s.networks[0].first_port = s.networks[0].last_port;
	assert_int_equal(shard_open(&shard, &s, NULL, &rand, now), -EINVAL);
	assert_null(shard);
}

/* All settings but capacities and addresses may change under way. */
static void reconfigured(void **state)
{
	struct line *l = *state;
	struct shard_settings s = rig_settings();

	s.trusted_count = 0;
	s.local_count = 0;
	s.calls_max = 1;
	shard_configure(l->r->shard, &s);
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	assert_true(rig_take(l->r, &l->a.addr, "SIP/2.0 407").n);
}

/* NAT: Contact and Via name a private address; everything goes where the phone's datagrams come from. */
static void behind_nat(void **state)
{
	struct line *l = *state;

	say(l,
	    "INVITE sip:1002@b SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.5:5070;branch=z9hG4bKn;rport\r\n"
	    "From: <sip:1001@b>;tag=1\r\nTo: <sip:1002@b>\r\nCall-ID: n\r\nCSeq: 1 INVITE\r\n"
	    "Contact: <sip:a@10.0.0.5:5070>\r\nContent-Type: application/sdp\r\n\r\n" PHONE_SDP_A);
	phone_answer(&l->b, phone_rings(&l->b), "200 OK", PHONE_SDP_B);
	phone_request(&l->b, "BYE", "", "");
	rig_wait_ms(l->r, 70000); /* no ACK, and no answer to BYE */
	assert_int_equal(rig_count(l->r, &l->a.addr, "BYE sip:a@10.0.0.5:5070 "), 11);
}

/* A proxy in between: Record-Route is repeated in our answers and used in our requests, in both directions. */
static void record_route(void **state)
{
	static const char rr[] = "Record-Route: <sip:192.0.2.77;lr>, <sip:192.0.2.78;lr>\r\n";
	struct line *l = *state;
	struct addr proxy_a = rig_addr("192.0.2.77:5060");
	struct addr proxy_b = rig_addr("192.0.2.78:5060");
	struct bytes m;

	phone_begin(&l->a, "1002");
	phone_request(&l->a, "INVITE", rr, PHONE_SDP_A);
	phone_answer_as(&l->b, phone_rings(&l->b), "t1002", "200 OK", rr, PHONE_SDP_B);
	m = rig_take(l->r, &proxy_b, "ACK ");
	assert_true(bytes_is(rig_header(m, "Route"), "<sip:192.0.2.78;lr>, <sip:192.0.2.77;lr>"));
	m = phone_hears(&l->a, "SIP/2.0 200");
	assert_true(bytes_is(rig_header(m, "Record-Route"),
			     "<sip:192.0.2.77;lr>, <sip:192.0.2.78;lr>"));
	phone_ack(&l->a);
	phone_request(&l->b, "BYE", "", "");
	m = rig_take(l->r, &proxy_a, "BYE sip:1001@192.0.2.11:5060 ");
	assert_true(bytes_is(rig_header(m, "Route"), "<sip:192.0.2.77;lr>, <sip:192.0.2.78;lr>"));
}

/* The process that ended the call was killed before the party heard so: it says BYE as long as 64*T1. */
static void over_before_a_kill(void **state)
{
	struct line *l = *state;

	phones_talk(&l->a, &l->b);
	phone_request(&l->a, "BYE", "", "");
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "BYE "), "200 OK", "");
	line_assert_idle(l->r);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	shard_close(l->r->shard);
	rig_start_shard(l->r);
	shard_resume(l->r->shard, l->r->now);
	phone_request(&l->a, "BYE", "", "");
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_request(&l->a, "INFO", "", "");
	assert_true(phone_hears(&l->a, "SIP/2.0 481").n);
	phone_say(
		&l->a,
		"BYE sip:1002@test.local SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.11;branch=z9hG4bKn\r\n"
		"From: <sip:a@b>;tag=1\r\nTo: <sip:c@b>;tag=notours\r\nCall-ID: n\r\nCSeq: 1 "
		"BYE\r\n"
		"Max-Forwards: 70\r\n\r\n");
	assert_true(phone_hears(&l->a, "SIP/2.0 481").n);
	rig_wait_ms(l->r, 32000);
	phone_request(&l->a, "BYE", "", "");
	assert_true(phone_hears(&l->a, "SIP/2.0 481").n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(outside_of_dialogs),
		LINE_TEST(answers_are_whole),
		LINE_TEST(broken_messages),
		LINE_TEST(max_forwards_absent),
		LINE_TEST(merged),
		LINE_TEST(loop),
		LINE_TEST(draining),
		LINE_TEST(full),
		LINE_TEST(registrations_full),
		LINE_TEST(settings_that_do_not_fit),
		LINE_TEST(reconfigured),
		LINE_TEST(behind_nat),
		LINE_TEST(record_route),
		LINE_TEST(over_before_a_kill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
