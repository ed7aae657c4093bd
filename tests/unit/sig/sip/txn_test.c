/* SPDX-License-Identifier: Apache-2.0 */
/* Each figure of RFC 3261 17 (5 to 8, with RFC 6026) as a list of events on virtual time. */
#include "tests/unit/test.h"

#include "base/clock.h"
#include "sig/sip/txn.h"

enum { STEPS_MAX = 24 };

#define NEVER (-1)

/* What is asked of the owner, a letter each. */
enum { OUT_MAX = 8 };

struct step {
	uint64_t at_ms;
	enum txn_event event;
	enum txn_state state; /* afterwards */
	const char *out;      /* m: message, a: ACK, d: deliver, t: timed out */
	int64_t next_ms;      /* of the earliest timer */
};

struct scenario {
	const char *name;
	enum txn_kind kind;
	bool reliable;
	struct step steps[STEPS_MAX]; /* ends with out NULL */
};

static const struct sip_hop HOP = { .transport = SIP_UDP, .local = 2 };

static void out_text(const struct txn_out *out, char text[OUT_MAX])
{
	struct writer w = writer_over(text, OUT_MAX - 1);

	if (out->send_message)
		writer_str(&w, "m");
	if (out->send_ack)
		writer_str(&w, "a");
	if (out->deliver)
		writer_str(&w, "d");
	if (out->timed_out)
		writer_str(&w, "t");
	text[w.n] = '\0';
}

static void check_step(const char *name, struct txn *t, const struct step *step)
{
	uint64_t now_ns = (step->at_ms + 1) * NS_PER_MS; /* time 0 is 1 ms after boot */
	struct txn_out out;
	char text[OUT_MAX];
	int64_t next_ms;

	txn_step(t, step->event, now_ns, &out);
	out_text(&out, text);
	next_ms = txn_next_ns(t) == UINT64_MAX ? NEVER : (int64_t)(txn_next_ns(t) / NS_PER_MS) - 1;
	if (t->state != step->state || strcmp(text, step->out) != 0 || next_ms != step->next_ms) {
		fail_msg("%s at %llu: state %d, out %s, next %lld", name,
			 (unsigned long long)step->at_ms, t->state, text, (long long)next_ms);
	}
}

static void check(const struct scenario *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct scenario *s = &list[i];
		struct txn t;

		txn_init(&t, s->kind, SIP_INVITE, &HOP, NS_PER_MS);
		t.reliable = s->reliable;
		assert_int_equal(text_set(&t.message, BYTES_LIT("message")), 0);
		for (size_t k = 0; k < STEPS_MAX && s->steps[k].out; k++)
			check_step(s->name, &t, &s->steps[k]);
		txn_clear(&t);
		assert_int_equal(t.state, TXN_TERMINATED);
	}
}

/* Shorter rows below */
#define T TXN_EV_TIMER

static void test_invite_client(void **state)
{
	static const struct scenario list[] = {
		{ "A doubles, B ends",
		  TXN_INVITE_CLIENT,
		  false,
		  { { 0, TXN_EV_START, TXN_CALLING, "m", 500 },
		    { 499, T, TXN_CALLING, "", 500 },
		    { 500, T, TXN_CALLING, "m", 1500 },
		    { 1500, T, TXN_CALLING, "m", 3500 },
		    { 3500, T, TXN_CALLING, "m", 7500 },
		    { 7500, T, TXN_CALLING, "m", 15500 },
		    { 15500, T, TXN_CALLING, "m", 31500 },
		    { 31500, T, TXN_CALLING, "m", 32000 },
		    { 32000, T, TXN_TERMINATED, "t", NEVER },
		    { 32001, TXN_EV_SUCCESS, TXN_TERMINATED, "", NEVER } } },
		{ "reliable: no A",
		  TXN_INVITE_CLIENT,
		  true,
		  { { 0, TXN_EV_START, TXN_CALLING, "m", 32000 },
		    { 32000, T, TXN_TERMINATED, "t", NEVER } } },
		{ "1xx stops A and B",
		  TXN_INVITE_CLIENT,
		  false,
		  { { 0, TXN_EV_START, TXN_CALLING, "m", 500 },
		    { 100, TXN_EV_PROVISIONAL, TXN_PROCEEDING, "d", NEVER },
		    { 200, TXN_EV_PROVISIONAL, TXN_PROCEEDING, "d", NEVER },
		    { 99000, T, TXN_PROCEEDING, "", NEVER },
		    { 99001, TXN_EV_TRANSPORT_ERROR, TXN_PROCEEDING, "", NEVER },
		    { 99002, TXN_EV_FAILURE, TXN_COMPLETED, "ad", 131002 } } },
		{ "2xx: accepted, M",
		  TXN_INVITE_CLIENT,
		  false,
		  { { 0, TXN_EV_START, TXN_CALLING, "m", 500 },
		    { 10, TXN_EV_SUCCESS, TXN_ACCEPTED, "d", 32010 },
		    { 20, TXN_EV_SUCCESS, TXN_ACCEPTED, "d", 32010 },
		    { 30, TXN_EV_PROVISIONAL, TXN_ACCEPTED, "", 32010 },
		    { 40, TXN_EV_FAILURE, TXN_ACCEPTED, "", 32010 },
		    { 50, TXN_EV_TRANSPORT_ERROR, TXN_ACCEPTED, "", 32010 },
		    { 32010, T, TXN_TERMINATED, "", NEVER } } },
		{ "2xx after 1xx",
		  TXN_INVITE_CLIENT,
		  false,
		  { { 0, TXN_EV_START, TXN_CALLING, "m", 500 },
		    { 5, TXN_EV_PROVISIONAL, TXN_PROCEEDING, "d", NEVER },
		    { 10, TXN_EV_SUCCESS, TXN_ACCEPTED, "d", 32010 } } },
		{ "failure: ACK to each, D",
		  TXN_INVITE_CLIENT,
		  false,
		  { { 0, TXN_EV_START, TXN_CALLING, "m", 500 },
		    { 10, TXN_EV_FAILURE, TXN_COMPLETED, "ad", 32010 },
		    { 510, TXN_EV_FAILURE, TXN_COMPLETED, "a", 32010 },
		    { 600, TXN_EV_PROVISIONAL, TXN_COMPLETED, "", 32010 },
		    { 700, TXN_EV_SUCCESS, TXN_COMPLETED, "", 32010 },
		    { 32010, T, TXN_TERMINATED, "", NEVER } } },
		{ "failure on reliable: D is 0",
		  TXN_INVITE_CLIENT,
		  true,
		  { { 0, TXN_EV_START, TXN_CALLING, "m", 32000 },
		    { 10, TXN_EV_FAILURE, TXN_TERMINATED, "ad", NEVER } } },
		{ "transport error while calling",
		  TXN_INVITE_CLIENT,
		  false,
		  { { 0, TXN_EV_START, TXN_CALLING, "m", 500 },
		    { 1, TXN_EV_TRANSPORT_ERROR, TXN_TERMINATED, "d", NEVER } } },
		{ "transport error of the ACK",
		  TXN_INVITE_CLIENT,
		  false,
		  { { 0, TXN_EV_START, TXN_CALLING, "m", 500 },
		    { 1, TXN_EV_FAILURE, TXN_COMPLETED, "ad", 32001 },
		    { 2, TXN_EV_TRANSPORT_ERROR, TXN_TERMINATED, "d", NEVER } } },
		{ "a late timer retransmits once",
		  TXN_INVITE_CLIENT,
		  false,
		  { { 0, TXN_EV_START, TXN_CALLING, "m", 500 },
		    { 1700, T, TXN_CALLING, "m", 2700 } } },
		{ "events of a server change nothing",
		  TXN_INVITE_CLIENT,
		  false,
		  { { 0, TXN_EV_START, TXN_CALLING, "m", 500 },
		    { 1, TXN_EV_REQUEST, TXN_CALLING, "", 500 },
		    { 1, TXN_EV_ACK, TXN_CALLING, "", 500 },
		    { 1, TXN_EV_REPLY_SUCCESS, TXN_CALLING, "", 500 } } },
	};

	(void)state;
	check(list, COUNT_OF(list));
}

static void test_other_client(void **state)
{
	static const struct scenario list[] = {
		{ "E doubles up to T2, F ends",
		  TXN_CLIENT,
		  false,
		  { { 0, TXN_EV_START, TXN_TRYING, "m", 500 },
		    { 500, T, TXN_TRYING, "m", 1500 },
		    { 1500, T, TXN_TRYING, "m", 3500 },
		    { 3500, T, TXN_TRYING, "m", 7500 },
		    { 7500, T, TXN_TRYING, "m", 11500 },
		    { 11500, T, TXN_TRYING, "m", 15500 },
		    { 15500, T, TXN_TRYING, "m", 19500 },
		    { 19500, T, TXN_TRYING, "m", 23500 },
		    { 23500, T, TXN_TRYING, "m", 27500 },
		    { 27500, T, TXN_TRYING, "m", 31500 },
		    { 31500, T, TXN_TRYING, "m", 32000 },
		    { 32000, T, TXN_TERMINATED, "t", NEVER } } },
		{ "1xx: E is T2 from its next firing on",
		  TXN_CLIENT,
		  false,
		  { { 0, TXN_EV_START, TXN_TRYING, "m", 500 },
		    { 100, TXN_EV_PROVISIONAL, TXN_PROCEEDING, "d", 500 },
		    { 500, T, TXN_PROCEEDING, "m", 4500 },
		    { 600, TXN_EV_PROVISIONAL, TXN_PROCEEDING, "d", 4500 },
		    { 4500, T, TXN_PROCEEDING, "m", 8500 },
		    { 32000, T, TXN_TERMINATED, "t", NEVER } } },
		{ "final: K",
		  TXN_CLIENT,
		  false,
		  { { 0, TXN_EV_START, TXN_TRYING, "m", 500 },
		    { 10, TXN_EV_SUCCESS, TXN_COMPLETED, "d", 5010 },
		    { 20, TXN_EV_SUCCESS, TXN_COMPLETED, "", 5010 },
		    { 30, TXN_EV_FAILURE, TXN_COMPLETED, "", 5010 },
		    { 40, TXN_EV_TRANSPORT_ERROR, TXN_COMPLETED, "", 5010 },
		    { 5010, T, TXN_TERMINATED, "", NEVER } } },
		{ "failure after 1xx",
		  TXN_CLIENT,
		  false,
		  { { 0, TXN_EV_START, TXN_TRYING, "m", 500 },
		    { 10, TXN_EV_PROVISIONAL, TXN_PROCEEDING, "d", 500 },
		    { 20, TXN_EV_FAILURE, TXN_COMPLETED, "d", 5020 } } },
		{ "reliable: no E, K is 0",
		  TXN_CLIENT,
		  true,
		  { { 0, TXN_EV_START, TXN_TRYING, "m", 32000 },
		    { 10, TXN_EV_SUCCESS, TXN_TERMINATED, "d", NEVER } } },
		{ "transport error",
		  TXN_CLIENT,
		  false,
		  { { 0, TXN_EV_START, TXN_TRYING, "m", 500 },
		    { 10, TXN_EV_TRANSPORT_ERROR, TXN_TERMINATED, "d", NEVER } } },
		{ "transport error after 1xx",
		  TXN_CLIENT,
		  false,
		  { { 0, TXN_EV_START, TXN_TRYING, "m", 500 },
		    { 5, TXN_EV_PROVISIONAL, TXN_PROCEEDING, "d", 500 },
		    { 10, TXN_EV_TRANSPORT_ERROR, TXN_TERMINATED, "d", NEVER } } },
	};

	(void)state;
	check(list, COUNT_OF(list));
}

static void test_invite_server(void **state)
{
	static const struct scenario list[] = {
		{ "provisional, again for each copy",
		  TXN_INVITE_SERVER,
		  false,
		  { { 0, TXN_EV_REPLY_PROVISIONAL, TXN_PROCEEDING, "m", NEVER },
		    { 500, TXN_EV_REQUEST, TXN_PROCEEDING, "m", NEVER },
		    { 600, TXN_EV_REPLY_PROVISIONAL, TXN_PROCEEDING, "m", NEVER },
		    { 700, TXN_EV_ACK, TXN_PROCEEDING, "", NEVER },
		    { 800, TXN_EV_TRANSPORT_ERROR, TXN_PROCEEDING, "d", NEVER } } },
		{ "failure: G doubles up to T2, H ends",
		  TXN_INVITE_SERVER,
		  false,
		  { { 0, TXN_EV_REPLY_FAILURE, TXN_COMPLETED, "m", 500 },
		    { 500, T, TXN_COMPLETED, "m", 1500 },
		    { 1500, T, TXN_COMPLETED, "m", 3500 },
		    { 3500, T, TXN_COMPLETED, "m", 7500 },
		    { 7500, T, TXN_COMPLETED, "m", 11500 },
		    { 8000, TXN_EV_REQUEST, TXN_COMPLETED, "m", 11500 },
		    { 8001, TXN_EV_TRANSPORT_ERROR, TXN_COMPLETED, "d", 11500 },
		    { 32000, T, TXN_TERMINATED, "t", NEVER } } },
		{ "ACK: I",
		  TXN_INVITE_SERVER,
		  false,
		  { { 0, TXN_EV_REPLY_FAILURE, TXN_COMPLETED, "m", 500 },
		    { 100, TXN_EV_ACK, TXN_CONFIRMED, "", 5100 },
		    { 200, TXN_EV_ACK, TXN_CONFIRMED, "", 5100 },
		    { 300, TXN_EV_REQUEST, TXN_CONFIRMED, "", 5100 },
		    { 400, TXN_EV_TRANSPORT_ERROR, TXN_CONFIRMED, "", 5100 },
		    { 5100, T, TXN_TERMINATED, "", NEVER } } },
		{ "reliable: no G, I is 0",
		  TXN_INVITE_SERVER,
		  true,
		  { { 0, TXN_EV_REPLY_FAILURE, TXN_COMPLETED, "m", 32000 },
		    { 100, TXN_EV_ACK, TXN_TERMINATED, "", NEVER } } },
		{ "2xx: accepted, L (RFC 6026 7.1)",
		  TXN_INVITE_SERVER,
		  false,
		  { { 0, TXN_EV_REPLY_PROVISIONAL, TXN_PROCEEDING, "m", NEVER },
		    { 100, TXN_EV_REPLY_SUCCESS, TXN_ACCEPTED, "m", 32100 },
		    { 600, TXN_EV_REQUEST, TXN_ACCEPTED, "", 32100 },
		    { 700, TXN_EV_REPLY_SUCCESS, TXN_ACCEPTED, "m", 32100 },
		    { 800, TXN_EV_ACK, TXN_ACCEPTED, "d", 32100 },
		    { 900, TXN_EV_TRANSPORT_ERROR, TXN_ACCEPTED, "d", 32100 },
		    { 32100, T, TXN_TERMINATED, "", NEVER } } },
		{ "2xx on reliable: L runs too",
		  TXN_INVITE_SERVER,
		  true,
		  { { 0, TXN_EV_REPLY_SUCCESS, TXN_ACCEPTED, "m", 32000 } } },
		{ "a further final reply is discarded",
		  TXN_INVITE_SERVER,
		  false,
		  { { 0, TXN_EV_REPLY_FAILURE, TXN_COMPLETED, "m", 500 },
		    { 1, TXN_EV_REPLY_FAILURE, TXN_COMPLETED, "", 500 },
		    { 2, TXN_EV_REPLY_SUCCESS, TXN_COMPLETED, "", 500 } } },
	};

	(void)state;
	check(list, COUNT_OF(list));
}

static void test_other_server(void **state)
{
	static const struct scenario list[] = {
		{ "copies before any answer are soaked up",
		  TXN_SERVER,
		  false,
		  { { 0, TXN_EV_REQUEST, TXN_TRYING, "", NEVER },
		    { 1, TXN_EV_TRANSPORT_ERROR, TXN_TRYING, "", NEVER },
		    { 2, TXN_EV_REPLY_SUCCESS, TXN_COMPLETED, "m", 32002 } } },
		{ "provisional, then final: J",
		  TXN_SERVER,
		  false,
		  { { 0, TXN_EV_REPLY_PROVISIONAL, TXN_PROCEEDING, "m", NEVER },
		    { 1, TXN_EV_REQUEST, TXN_PROCEEDING, "m", NEVER },
		    { 2, TXN_EV_REPLY_PROVISIONAL, TXN_PROCEEDING, "m", NEVER },
		    { 3, TXN_EV_REPLY_FAILURE, TXN_COMPLETED, "m", 32003 },
		    { 4, TXN_EV_REQUEST, TXN_COMPLETED, "m", 32003 },
		    { 5, TXN_EV_REPLY_SUCCESS, TXN_COMPLETED, "", 32003 },
		    { 32003, T, TXN_TERMINATED, "", NEVER } } },
		{ "reliable: J is 0",
		  TXN_SERVER,
		  true,
		  { { 0, TXN_EV_REPLY_SUCCESS, TXN_TERMINATED, "m", NEVER } } },
		{ "transport error of a provisional",
		  TXN_SERVER,
		  false,
		  { { 0, TXN_EV_REPLY_PROVISIONAL, TXN_PROCEEDING, "m", NEVER },
		    { 1, TXN_EV_TRANSPORT_ERROR, TXN_TERMINATED, "d", NEVER } } },
		{ "transport error of a final",
		  TXN_SERVER,
		  false,
		  { { 0, TXN_EV_REPLY_SUCCESS, TXN_COMPLETED, "m", 32000 },
		    { 1, TXN_EV_TRANSPORT_ERROR, TXN_TERMINATED, "d", NEVER } } },
	};

	(void)state;
	check(list, COUNT_OF(list));
}

/* Nothing to repeat yet: a copy of the INVITE before the first provisional answer. */
static void test_invite_server_without_answer(void **state)
{
	struct txn_out out;
	struct txn t;

	(void)state;
	txn_init(&t, TXN_INVITE_SERVER, SIP_INVITE, &HOP, 1);
	txn_step(&t, TXN_EV_REQUEST, 2, &out);
	assert_false(out.send_message);
	assert_int_equal(t.state, TXN_PROCEEDING);
	txn_clear(&t);
}

static void test_init(void **state)
{
	static const struct {
		enum txn_kind kind;
		enum txn_state state;
	} rows[] = {
		{ TXN_INVITE_CLIENT, TXN_CALLING },
		{ TXN_CLIENT, TXN_TRYING },
		{ TXN_INVITE_SERVER, TXN_PROCEEDING },
		{ TXN_SERVER, TXN_TRYING },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct txn t;

		txn_init(&t, row->kind, SIP_BYE, &HOP, 5);
		assert_int_equal(t.state, row->state);
		assert_int_equal(t.method, SIP_BYE);
		assert_int_equal(t.hop.local, 2);
		assert_false(t.reliable);
		assert_true(txn_next_ns(&t) == UINT64_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_invite_client),
		cmocka_unit_test(test_other_client),
		cmocka_unit_test(test_invite_server),
		cmocka_unit_test(test_other_server),
		cmocka_unit_test(test_invite_server_without_answer),
		cmocka_unit_test(test_init),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
