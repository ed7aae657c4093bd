/* SPDX-License-Identifier: Apache-2.0 */
/* Requests within an established call, re-INVITEs and late offers among them. */
#include "base/metric.h"
#include "tests/unit/sig/line.h"

#define HOLD_SDP                                                                      \
	"v=0\r\no=a 1 2 IN IP4 192.0.2.11\r\ns=-\r\nc=IN IP4 192.0.2.11\r\nt=0 0\r\n" \
	"m=audio 4000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendonly\r\n"
#define HELD_SDP                                                                      \
	"v=0\r\no=b 1 2 IN IP4 192.0.2.12\r\ns=-\r\nc=IN IP4 192.0.2.12\r\nt=0 0\r\n" \
	"m=audio 5000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=recvonly\r\n"

static int talking(void **state)
{
	struct line *l;

	(void)line_setup(state);
	l = *state;
	phones_talk(&l->a, &l->b);
	return 0;
}

static struct flow_spec last_update(const struct rig *r, uint8_t leg)
{
	for (uint32_t i = r->media_count; i-- > 0;) {
		if (r->media[i].kind == MEDIA_FLOW_UPDATE && r->media[i].spec.leg == leg)
			return r->media[i].spec;
	}
	return (struct flow_spec){ 0 };
}

static void hold_and_resume(void **state)
{
	struct line *l = *state;
	struct bytes m;

	phone_request(&l->a, "INVITE", "", HOLD_SDP);
	m = rig_take(l->r, &l->b.addr, "INVITE ");
	assert_true(rig_has(m, "a=sendonly\r\n"));
	assert_true(rig_has(rig_header(m, "To"), ";tag=t1002"));
	assert_true(rig_has(m, "CSeq: 2 INVITE\r\n"));
	phone_answer(&l->b, m, "200 OK", HELD_SDP);
	(void)rig_take(l->r, &l->b.addr, "ACK ");
	assert_true(rig_has(rig_take(l->r, &l->b.addr, "ACK "), "CSeq: 2 ACK\r\n"));
	m = phone_hears(&l->a, "SIP/2.0 200");
	assert_true(rig_has(m, "a=recvonly\r\n"));
	phone_ack(&l->a);
	assert_int_equal(last_update(l->r, 0).send, 0);
	assert_int_equal(last_update(l->r, 0).receive, 1);
	assert_int_equal(last_update(l->r, 1).send, 1);
	assert_int_equal(last_update(l->r, 1).receive, 0);
	phone_request(&l->a, "INVITE", "", PHONE_SDP_A);
	m = rig_take(l->r, &l->b.addr, "INVITE ");
	assert_true(rig_has(m, "a=sendrecv\r\n"));
	phone_answer(&l->b, m, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	assert_int_equal(last_update(l->r, 0).send + last_update(l->r, 0).receive, 2);
	rig_wait_ms(l->r, 40000);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

static void callee_reinvites(void **state)
{
	struct line *l = *state;
	struct bytes m;

	phone_request(&l->b, "INVITE", "", HELD_SDP);
	m = rig_take(l->r, &l->a.addr, "INVITE sip:1001@192.0.2.11:5060 ");
	assert_true(m.n);
	phone_answer(&l->a, m, "200 OK", HOLD_SDP);
	assert_int_equal(rig_count(l->r, &l->a.addr, "ACK "), 1);
	m = rig_take(l->r, &l->b.addr, "SIP/2.0 200");
	assert_true(rig_has(m, "a=sendonly\r\n"));
	phone_ack(&l->b);
	rig_wait_ms(l->r, 40000);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
}

/* RFC 3261 14.1: the session goes on as it was. */
static void reinvite_is_refused(void **state)
{
	struct line *l = *state;

	phone_request(&l->a, "INVITE", "", HOLD_SDP);
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "INVITE "), "488 Not Acceptable Here", "");
	assert_true(phone_hears(&l->a, "SIP/2.0 488").n);
	phone_write(&l->a, "ACK", "", "");
	assert_int_equal(last_update(l->r, 0).send, 1);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	phone_request(&l->a, "INVITE", "", PHONE_SDP_A); /* and the next one is taken */
	assert_true(rig_take(l->r, &l->b.addr, "INVITE ").n);
}

/* RFC 3261 12.2.1.2: 481 says that the dialog is gone. */
static void reinvite_finds_nobody(void **state)
{
	struct line *l = *state;

	phone_request(&l->a, "INVITE", "", HOLD_SDP);
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "INVITE "), "481 Gone", "");
	assert_true(phone_hears(&l->a, "SIP/2.0 480").n);
	phone_write(&l->a, "ACK", "", "");
	assert_int_equal(rig_count(l->r, &l->a.addr, "BYE "), 1);
	assert_int_equal(rig_count(l->r, &l->b.addr, "BYE "), 0);
	line_assert_cdr(l, 200, 31, ENDED_BY_B);
}

/* It says nothing at all: it may have heard the INVITE, and is told to go. */
static void reinvite_is_not_answered(void **state)
{
	struct line *l = *state;

	phone_request(&l->a, "INVITE", "", HOLD_SDP);
	rig_wait_ms(l->r, 33000);
	assert_true(phone_hears(&l->a, "SIP/2.0 408").n);
	phone_write(&l->a, "ACK", "", "");
	assert_true(rig_count(l->r, &l->b.addr, "BYE ") > 0);
	line_assert_cdr(l, 200, 31, ENDED_BY_B);
}

/* It is trying, and then knows nothing of the call: nobody waits for that INVITE for ever. */
static void reinvite_is_forgotten(void **state)
{
	struct line *l = *state;

	phone_request(&l->a, "INVITE", "", HOLD_SDP);
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "INVITE "), "100 Trying", "");
	phone_request(&l->a, "INFO", "", "x=1");
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "INFO "), "481 Gone", "");
	assert_true(phone_hears(&l->a, "SIP/2.0 487").n);
	l->a.cseq--;
	phone_write(&l->a, "ACK", "", "");
	assert_int_equal(rig_count(l->r, &l->b.addr, "BYE "), 0);
	line_assert_cdr(l, 200, 31, ENDED_BY_B);
}

static void reinvites_cross(void **state)
{
	struct line *l = *state;
	struct bytes m;

	phone_request(&l->a, "INVITE", "", HOLD_SDP);
	phone_request(&l->b, "INVITE", "", HELD_SDP);
	assert_true(rig_take(l->r, &l->b.addr, "SIP/2.0 491").n);
	phone_write(&l->b, "ACK", "", "");
	phone_request(&l->a, "INVITE", "", HOLD_SDP); /* before the first has its answer */
	m = rig_take(l->r, &l->a.addr, "SIP/2.0 500");
	assert_true(rig_header(m, "Retry-After").n);
	phone_write(&l->a, "ACK", "", "");
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "INVITE "), "200 OK", HELD_SDP);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
}

static void bye_ends_a_reinvite(void **state)
{
	struct line *l = *state;

	phone_request(&l->a, "INVITE", "", HOLD_SDP);
	(void)rig_take(l->r, &l->b.addr, "INVITE ");
	phone_request(&l->b, "BYE", "", "");
	assert_true(rig_take(l->r, &l->a.addr, "SIP/2.0 487").n);
	assert_int_equal(rig_count(l->r, &l->a.addr, "BYE "), 1);
	line_assert_cdr(l, 200, 16, ENDED_BY_B);
}

/* A re-INVITE that nobody answers must not keep the call from others. */
static void reinvite_is_never_answered(void **state)
{
	struct line *l = *state;

	phone_request(&l->a, "INVITE", "", HOLD_SDP);
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "INVITE "), "100 Trying", "");
	rig_wait_ms(l->r, 181000);
	assert_true(rig_take(l->r, &l->a.addr, "SIP/2.0 408").n);
	phone_write(&l->a, "ACK", "", "");
	assert_true(rig_take(l->r, &l->b.addr, "CANCEL ").n);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	phone_request(&l->b, "INVITE", "", HELD_SDP);
	assert_true(rig_take(l->r, &l->a.addr, "INVITE ").n);
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

static void reinvite_adds_video(void **state)
{
	static const char offer[] =
		PHONE_SDP_A "m=video 4002 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n"
			    "a=fmtp:97 profile-level-id=42e01f\r\n";
	static const char answer[] =
		PHONE_SDP_B "m=video 5002 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n"
			    "a=fmtp:97 profile-level-id=42e01f\r\n";
	struct line *l = *state;
	struct call_view v;
	uint32_t cursor = 0;
	struct bytes m;

	phone_request(&l->a, "INVITE", "", offer);
	m = rig_take(l->r, &l->b.addr, "INVITE ");
	assert_true(rig_has(m, "m=video "));
	phone_answer(&l->b, m, "200 OK", answer);
	assert_true(rig_has(phone_hears(&l->a, "SIP/2.0 200"), "m=video "));
	phone_ack(&l->a);
	assert_true(shard_call_next(l->r->shard, &cursor, &v));
	assert_int_equal(v.flow_count, 4);
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

/* RFC 3261 13.2.1, RFC 3264: the offer in the 2xx, the answer in the ACK. */
static void late_offer(void **state)
{
	struct line *l = *state;
	struct bytes m;

	phone_invite(&l->a, "1002", "");
	m = phone_rings(&l->b);
	assert_int_equal(rig_body(m).n, 0);
	phone_answer(&l->b, m, "180 Ringing", "");
	phone_answer(&l->b, m, "200 OK", PHONE_SDP_B);
	assert_int_equal(rig_count(l->r, &l->b.addr, "ACK "), 0);
	m = phone_hears(&l->a, "SIP/2.0 200");
	assert_true(rig_has(m, "m=audio "));
	assert_false(rig_has(m, "192.0.2.12"));
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B); /* B does not wait long */
	assert_int_equal(rig_count(l->r, &l->b.addr, "ACK "), 0);
	phone_ack_with(&l->a, PHONE_SDP_A);
	m = rig_take(l->r, &l->b.addr, "ACK ");
	assert_true(rig_has(m, "m=audio "));
	assert_false(rig_has(m, "192.0.2.11"));
	assert_int_equal(last_update(l->r, 0).remote_rtp.port, 4000);
	assert_int_equal(last_update(l->r, 1).remote_rtp.port, 5000);
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	assert_true(bytes_eq(rig_take(l->r, &l->b.addr, "ACK "), m));
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

static void late_offer_without_answer(void **state)
{
	struct line *l = *state;

	phone_invite(&l->a, "1002", "");
	phone_answer(&l->b, phone_rings(&l->b), "200 OK", PHONE_SDP_B);
	(void)phone_hears(&l->a, "SIP/2.0 200");
	phone_ack(&l->a);
	assert_int_equal(rig_count(l->r, &l->a.addr, "BYE "), 1);
	assert_int_equal(rig_count(l->r, &l->b.addr, "ACK "), 1);
	assert_int_equal(rig_count(l->r, &l->b.addr, "BYE "), 1);
	line_assert_cdr(l, 200, 88, ENDED_BY_NODE);
}

static void late_offer_in_a_reinvite(void **state)
{
	struct line *l = *state;
	struct bytes m;

	phone_request(&l->a, "INVITE", "", "");
	m = rig_take(l->r, &l->b.addr, "INVITE ");
	assert_int_equal(rig_body(m).n, 0);
	phone_answer(&l->b, m, "200 OK", PHONE_SDP_B);
	(void)phone_hears(&l->a, "SIP/2.0 200");
	phone_ack_with(&l->a, PHONE_SDP_A);
	(void)rig_take(l->r, &l->b.addr, "ACK ");
	assert_true(rig_has(rig_take(l->r, &l->b.addr, "ACK "), "m=audio "));
	assert_int_equal(rig_counts(l->r).calls_established, 1);
}

#define SDP_SAYS(who, port, version, direction)                                           \
	"v=0\r\no=x 1 " version " IN IP4 192.0.2." who "\r\ns=-\r\nc=IN IP4 192.0.2." who \
	"\r\nt=0 0\r\nm=audio " port " RTP/AVP 8\r\na=" direction "\r\n"

/* What the other one offers of its own will goes on as it is, whatever it answered before. */
static void late_offer_says_less(void **state)
{
	static const struct {
		const char *held_by_b; /* what B offers first; NULL: nothing */
		const char *offer, *want;
		bool music;
	} rows[] = {
		{ NULL, SDP_SAYS("12", "5000", "2", "sendonly"), "a=sendonly\r\n", true },
		{ NULL, SDP_SAYS("12", "5000", "2", "recvonly"), "a=recvonly\r\n", false },
		{ NULL, SDP_SAYS("12", "5000", "2", "sendrecv"), "a=sendrecv\r\n", false },
		{ SDP_SAYS("12", "5000", "2", "sendonly"), SDP_SAYS("12", "5000", "3", "sendonly"),
		  "a=sendonly\r\n", true },
		{ SDP_SAYS("12", "5000", "2", "sendonly"), SDP_SAYS("12", "5000", "3", "sendrecv"),
		  "a=sendrecv\r\n", false },
	};
	static const struct job_id music[MEDIA_CODECS] = {
		[MEDIA_CODEC_PCMA] = { .slot = 5, .generation = 7 },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct line *l = *state;
		bool was_held = rows[i].held_by_b;
		struct bytes m;

		shard_track_set(l->r->shard, SHARD_TRACK_MUSIC, music);
		if (was_held) {
			l->b.cseq = 500;
			phone_request(&l->b, "INVITE", "", rows[i].held_by_b);
			phone_answer(&l->a, rig_take(l->r, &l->a.addr, "INVITE "), "200 OK",
				     SDP_SAYS("11", "4000", "2", "recvonly"));
			assert_true(phone_hears(&l->b, "SIP/2.0 200").n);
			phone_ack(&l->b);
		}
		phone_request(&l->a, "INVITE", "", "");
		phone_answer(&l->b, rig_take(l->r, &l->b.addr, "INVITE "), "200 OK", rows[i].offer);
		m = phone_hears(&l->a, "SIP/2.0 200");
		if (!rig_has(m, rows[i].want))
			fail_msg("row %zu: " BYTES_FMT, i, BYTES_ARG(rig_body(m)));
		phone_ack_with(&l->a, SDP_SAYS("11", "4000", "3", "sendrecv"));
		assert_int_equal(line_last_spec(l->r, 0).source.job.slot, rows[i].music ? 5 : 0);
		assert_int_equal(line_teardown(state), 0);
		assert_int_equal(talking(state), 0);
	}
}

/* What was agreed before is no answer to the offer of a re-INVITE that the BYE has ended. */
static void late_offer_after_bye(void **state)
{
	struct line *l = *state;
	struct bytes m;

	late_offer_in_a_reinvite(state);
	phone_request(&l->a, "INVITE", "", "");
	m = rig_take(l->r, &l->b.addr, "INVITE ");
	assert_int_equal(rig_body(m).n, 0);
	phone_request(&l->a, "BYE", "", "");
	assert_int_equal(rig_count(l->r, &l->b.addr, "BYE "), 1);
	phone_answer(&l->b, m, "200 OK", HOLD_SDP);
	m = rig_take(l->r, &l->b.addr, "ACK ");
	assert_true(m.n);
	assert_int_equal(rig_body(m).n, 0);
}

static void info_is_relayed(void **state)
{
	struct line *l = *state;
	struct bytes m;

	phone_request(&l->a, "INFO", "Content-Type: application/media_control+xml\r\n",
		      "<media_control/>");
	m = rig_take(l->r, &l->b.addr, "INFO sip:1002@192.0.2.12:5060 ");
	assert_true(bytes_is(rig_header(m, "Content-Type"), "application/media_control+xml"));
	assert_true(bytes_is(rig_body(m), "<media_control/>"));
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 2"), 1); /* of the INVITE */
	phone_answer(&l->b, m, "200 OK", "");
	assert_true(rig_has(rig_take(l->r, &l->a.addr, "SIP/2.0 200 OK"), " INFO\r\n"));
	phone_request(&l->b, "INFO", "", "x=1");
	phone_answer(&l->a, rig_take(l->r, &l->a.addr, "INFO "), "415 Unsupported Media Type", "");
	assert_true(rig_take(l->r, &l->b.addr, "SIP/2.0 415").n);
}

static uint64_t refused(const char *reason)
{
	return metric_value(metric_register(METRIC_COUNTER, "tandem_sip_refused_total", reason,
					    "SIP requests refused, by reason."));
}

/* Each under its reason, as every refusal. */
static void info_is_refused(void **state)
{
	uint64_t hops = refused("reason=\"too_many_hops\"");
	struct line *l = *state;
	char text[RIG_TEXT_MAX];
	int n;

	phone_new_branch(&l->a);
	n = snprintf(text, sizeof(text),
		     "INFO %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=%s;rport\r\n"
		     "Max-Forwards: 0\r\nFrom: %s;tag=%s\r\nTo: %s;tag=%s\r\nCall-ID: %s\r\n"
		     "CSeq: %u INFO\r\nContent-Length: 0\r\n\r\n",
		     l->a.target, l->a.address, l->a.branch, l->a.local, l->a.tag, l->a.remote,
		     l->a.remote_tag, l->a.call_id, ++l->a.cseq);
	rig_send(l->r, &l->a.addr, bytes_mem(text, (size_t)n));
	assert_true(phone_hears(&l->a, "SIP/2.0 483").n);
	assert_int_equal(refused("reason=\"too_many_hops\""), hops + 1);
}

/* A has said nothing of B's answer yet. */
static void info_comes_too_soon(void **state)
{
	uint64_t before = refused("reason=\"no_dialog\"");
	struct line *l = *state;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	phone_answer(&l->b, phone_rings(&l->b), "200 OK", PHONE_SDP_B);
	phone_request(&l->b, "INFO", "", "x=1");
	assert_true(rig_take(l->r, &l->b.addr, "SIP/2.0 480").n);
	assert_int_equal(refused("reason=\"no_dialog\""), before + 1);
}

/* The other side is silent, and the call ends meanwhile: the INFO still gets its answer. */
static void info_outlives_the_call(void **state)
{
	struct line *l = *state;

	phone_request(&l->a, "INFO", "", "x=1");
	phone_request(&l->a, "BYE", "", "");
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "BYE "), "200 OK", "");
	assert_int_equal(rig_counts(l->r).calls, 0);
	rig_wait_ms(l->r, 33000);
	assert_true(rig_take(l->r, &l->a.addr, "SIP/2.0 504").n);
	line_assert_idle(l->r);
}

/* What an established call answers to other requests. */
static void other_requests(void **state)
{
	static const struct {
		const char *method, *extra, *want, *header;
	} rows[] = {
		{ "OPTIONS", "", "SIP/2.0 200", "Allow" },
		{ "UPDATE", "", "SIP/2.0 200", "Allow" },
		{ "PRACK", "", "SIP/2.0 481", "To" },
		{ "PUBLISH", "", "SIP/2.0 405", "Allow" },
		{ "DANCE", "", "SIP/2.0 501", "Allow" },
		{ "INVITE", "Require: 100rel, precondition\r\n", "SIP/2.0 420", "Unsupported" },
		{ "INVITE", "Content-Type: text/plain\r\n", "SIP/2.0 415", "Accept" },
	};
	struct line *l = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct bytes m;

		(void)rig_take(l->r, &l->a.addr, "SIP/2.0 200");
		phone_request(&l->a, rows[i].method, rows[i].extra,
			      rows[i].method[0] == 'I' ? "x" : "");
		m = rig_take(l->r, &l->a.addr, rows[i].want);
		ROW_ASSERT(rows[i].method, rig_header(m, rows[i].header).n);
		if (rows[i].method[0] == 'I')
			phone_write(&l->a, "ACK", "", "");
	}
	assert_int_equal(rig_counts(l->r).calls_established, 1);
}

static void wrong_place(void **state)
{
	struct line *l = *state;
	char tag[64];

	l->a.cseq = 50; /* RFC 3261 12.2.2 */
	phone_request(&l->a, "BYE", "", "");
	assert_true(rig_take(l->r, &l->a.addr, "SIP/2.0 500").n);
	l->a.cseq = 200;
	memcpy(tag, l->a.remote_tag, sizeof(tag));
	l->a.remote_tag[28] ^= 1;
	phone_request(&l->a, "BYE", "", "");
	assert_true(rig_take(l->r, &l->a.addr, "SIP/2.0 481").n);
	memcpy(l->a.remote_tag, tag, sizeof(tag));
	l->a.tag[0] ^= 1;
	phone_request(&l->a, "BYE", "", "");
	assert_true(rig_take(l->r, &l->a.addr, "SIP/2.0 481").n);
	l->a.tag[0] ^= 1;
	phone_ack(&l->a);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

static void bye_is_repeated(void **state)
{
	struct line *l = *state;

	phone_request(&l->a, "BYE", "", "");
	phone_write(&l->a, "BYE", "", "");
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 200"), 3);
	assert_int_equal(rig_count(l->r, &l->b.addr, "BYE "), 1);
	rig_wait_ms(l->r, 33000); /* B does not answer: timer F */
	assert_int_equal(rig_count(l->r, &l->b.addr, "BYE "), 11);
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

/* B hangs up before A has acknowledged: A's BYE waits for the ACK (RFC 3261 15). */
static void bye_before_ack(void **state)
{
	struct line *l = *state;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	phone_answer(&l->b, phone_rings(&l->b), "200 OK", PHONE_SDP_B);
	phone_request(&l->b, "BYE", "", "");
	assert_int_equal(rig_count(l->r, &l->a.addr, "BYE "), 0);
	(void)phone_hears(&l->a, "SIP/2.0 200");
	phone_ack(&l->a);
	assert_int_equal(rig_count(l->r, &l->a.addr, "BYE "), 1);
	line_assert_cdr(l, 200, 16, ENDED_BY_B);
}

#define TALK_TEST(fn) cmocka_unit_test_setup_teardown(fn, talking, line_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TALK_TEST(hold_and_resume),
		TALK_TEST(callee_reinvites),
		TALK_TEST(reinvite_is_refused),
		TALK_TEST(reinvite_finds_nobody),
		TALK_TEST(reinvite_is_not_answered),
		TALK_TEST(reinvite_is_forgotten),
		TALK_TEST(reinvites_cross),
		TALK_TEST(bye_ends_a_reinvite),
		TALK_TEST(reinvite_is_never_answered),
		TALK_TEST(reinvite_adds_video),
		LINE_TEST(late_offer),
		LINE_TEST(late_offer_without_answer),
		TALK_TEST(late_offer_in_a_reinvite),
		TALK_TEST(late_offer_says_less),
		TALK_TEST(late_offer_after_bye),
		TALK_TEST(info_is_relayed),
		TALK_TEST(info_is_refused),
		LINE_TEST(info_comes_too_soon),
		TALK_TEST(info_outlives_the_call),
		TALK_TEST(other_requests),
		TALK_TEST(wrong_place),
		TALK_TEST(bye_is_repeated),
		LINE_TEST(bye_before_ack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
