/* SPDX-License-Identifier: Apache-2.0 */
/* Which call a message belongs to: all that is said of one, and nothing else. */
#include "tests/unit/sig/line.h"

static uint64_t only_call(const struct line *l)
{
	struct call_view v = { 0 };
	uint32_t cursor = 0;

	return shard_call_next(l->r->shard, &cursor, &v) ? v.call : 0;
}

/* Each message to the phones from `first` on. */
static uint32_t assert_sent(const struct line *l, uint32_t first, uint64_t call)
{
	uint32_t n = 0;

	for (uint32_t i = first; i < l->r->sent_count; i++, n++) {
		struct bytes text = text_bytes(&l->r->sent[i].data);

		if (shard_message_call(l->r->shard, text) != call)
			fail_msg("whose is " BYTES_FMT, BYTES_ARG(text));
	}
	return n;
}

static void a_call_from_its_100_to_its_bye(void **state)
{
	struct line *l = *state;
	uint32_t first = l->r->sent_count;
	uint64_t call;

	phones_talk(&l->a, &l->b);
	call = only_call(l);
	assert_true(call != 0);
	phone_request(&l->a, "BYE", "", "");
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "BYE "), "200 OK", "");
	assert_true(rig_count(l->r, &l->a.addr, "SIP/2.0 100") == 1);
	assert_true(assert_sent(l, first, call) >= 7);
}

static void what_is_cancelled(void **state)
{
	struct line *l = *state;
	uint32_t first = l->r->sent_count;
	uint64_t call;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	call = only_call(l);
	(void)phone_rings(&l->b);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	phone_cancel(&l->a);
	phone_answer(&l->b, l->b.invite, "487 Request Terminated", "");
	assert_int_equal(rig_count(l->r, &l->b.addr, "CANCEL "), 1);
	assert_true(assert_sent(l, first, call) >= 6);
}

/* Of the party: with a tag of ours, with a branch of ours, with neither. */
static void what_is_received(void **state)
{
	static const char invite[] =
		"INVITE sip:1002@test.local SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 192.0.2.11:5060;branch=z9hG4bKmine;rport\r\n"
		"Max-Forwards: 70\r\nFrom: <sip:1001@test.local>;tag=t\r\n"
		"To: <sip:1002@test.local>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n"
		"Contact: <sip:1001@192.0.2.11:5060>\r\nContent-Length: 0\r\n\r\n";
	static const char cancel[] = "CANCEL sip:1002@test.local SIP/2.0\r\n"
				     "Via: SIP/2.0/UDP 192.0.2.11:5060;branch=z9hG4bKmine;rport\r\n"
				     "Max-Forwards: 70\r\nFrom: <sip:1001@test.local>;tag=t\r\n"
				     "To: <sip:1002@test.local>\r\nCall-ID: c\r\nCSeq: 1 CANCEL\r\n"
				     "Content-Length: 0\r\n\r\n";
	static const char other[] = "OPTIONS sip:1002@test.local SIP/2.0\r\n"
				    "Via: SIP/2.0/UDP 192.0.2.11:5060;branch=z9hG4bKmine;rport\r\n"
				    "Max-Forwards: 70\r\nFrom: <sip:1001@test.local>;tag=t\r\n"
				    "To: <sip:1002@test.local>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n"
				    "Content-Length: 0\r\n\r\n";
	struct line *l = *state;
	struct shard *s = l->r->shard;

	assert_int_equal(shard_message_call(s, bytes_str(invite)), 0);
	rig_send(l->r, &l->a.addr, bytes_str(invite));
	assert_true(only_call(l) != 0);
	assert_true(shard_message_call(s, bytes_str(invite)) == only_call(l));
	assert_true(shard_message_call(s, bytes_str(cancel)) == only_call(l));
	assert_int_equal(shard_message_call(s, bytes_str(other)), 0);
	assert_int_equal(shard_message_call(s, bytes_str("no message")), 0);
	assert_int_equal(shard_message_call(s, (struct bytes){ 0 }), 0);
	rig_send(l->r, &l->a.addr, bytes_str(cancel));
}

/* Answers outside of calls have tags of ours, too. */
static void what_is_of_no_call(void **state)
{
	struct line *l = *state;
	uint32_t first = l->r->sent_count;

	phone_begin(&l->a, "1002");
	phone_request(&l->a, "OPTIONS", "", "");
	l->a.remote_tag[0] = 'x';
	l->a.remote_tag[1] = '\0';
	phone_request(&l->a, "BYE", "", "");
	assert_int_equal(assert_sent(l, first, 0), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(a_call_from_its_100_to_its_bye),
		LINE_TEST(what_is_cancelled),
		LINE_TEST(what_is_received),
		LINE_TEST(what_is_of_no_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
