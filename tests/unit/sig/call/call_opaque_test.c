/* SPDX-License-Identifier: Apache-2.0 */
/* A call that becomes a fax, and what else is neither audio nor video (RFC 3264 8.3.3, T.38 D.2.3). */
#include "tests/unit/sig/line.h"
#include "tests/unit/sig/record/golden.h"

#define SDP(who, host, lines) \
	"v=0\r\no=" who " 1 2 IN IP4 " host "\r\ns=-\r\nc=IN IP4 " host "\r\nt=0 0\r\n" lines
#define SDP_A(lines) SDP("a", "192.0.2.11", lines)
#define SDP_B(lines) SDP("b", "192.0.2.12", lines)
#define T38          "a=T38FaxVersion:0\r\na=T38FaxUdpEC:t38UDPRedundancy\r\n"
#define FAX_A        SDP_A("m=image 4000 udptl t38\r\n" T38)
#define FAX_B        SDP_B("m=image 5000 udptl t38\r\n" T38)

/* Who is silent is gone after a minute. */
static int setup(void **state)
{
	struct shard_settings settings = rig_settings();
	struct line *l = calloc(1, sizeof(*l));

	if (!l)
		return -1;
	settings.media_timeout_ns = 60 * NS_PER_S;
	l->r = rig_open_with(&settings);
	phones_open(l->r, &l->a, &l->b);
	*state = l;
	return 0;
}

static int talking(void **state)
{
	struct line *l;

	(void)setup(state);
	l = *state;
	phones_talk(&l->a, &l->b);
	return 0;
}

#define TALK_TEST(fn) cmocka_unit_test_setup_teardown(fn, talking, line_teardown)

static void assert_spec(const struct line *l, uint8_t line, enum media_kind kind, bool both_ways)
{
	for (uint8_t leg = 0; leg < 2; leg++) {
		struct flow_spec s = line_spec_of(l->r, leg, line);

		assert_int_equal(s.kind, kind);
		assert_int_equal(s.send, both_ways);
		assert_int_equal(s.receive, both_ways);
		assert_int_equal(s.silence_ms > 0, kind == MEDIA_AUDIO && both_ways);
		assert_int_equal(s.rule_count > 0, kind == MEDIA_AUDIO);
		assert_int_equal(s.rtcp_mux, kind == MEDIA_OPAQUE);
	}
}

static void exchange(struct line *l, const char *offer, const char *answer)
{
	struct bytes m;

	phone_request(&l->a, "INVITE", "", offer);
	m = rig_take(l->r, &l->b.addr, "INVITE ");
	assert_true(m.n);
	phone_answer(&l->b, m, "200 OK", answer);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	while (rig_take(l->r, &l->b.addr, "ACK ").n)
		continue;
}

static struct call_view the_view(struct line *l)
{
	struct call_view v;
	uint32_t cursor = 0;

	assert_true(shard_call_next(l->r->shard, &cursor, &v));
	return v;
}

/* The same line, with the same ports of ours: so no packet finds a closed one. */
static void becomes_a_fax_and_a_call_again(void **state)
{
	struct line *l = *state;
	struct flow_id before = line_spec_of(l->r, 0, 0).id;
	uint16_t port = line_spec_of(l->r, 1, 0).local_rtp.port;
	char want[64];
	struct bytes m;

	phone_request(&l->b, "INVITE", "", FAX_B); /* the one that answered hears the tone */
	m = rig_take(l->r, &l->a.addr, "INVITE ");
	assert_true(rig_has(m, " udptl t38\r\n" T38) && !rig_has(m, "m=audio"));
	assert_true(rig_has(m, "192.0.2.1\r\n") && !rig_has(m, "192.0.2.12"));
	assert_spec(l, 0, MEDIA_AUDIO, true); /* what was agreed goes on */
	phone_answer(&l->a, m, "200 OK", FAX_A);
	m = rig_take(l->r, &l->b.addr, "SIP/2.0 200");
	(void)snprintf(want, sizeof(want), "m=image %u udptl t38\r\n" T38, port);
	assert_true(rig_has(m, want));
	phone_ack(&l->b);
	(void)rig_take(l->r, &l->a.addr, "ACK ");
	assert_spec(l, 0, MEDIA_OPAQUE, true);
	assert_true(flow_id_eq(line_spec_of(l->r, 0, 0).id, before));
	assert_int_equal(the_view(l).flow_count, 2);
	exchange(l, PHONE_SDP_A, PHONE_SDP_B);
	assert_spec(l, 0, MEDIA_AUDIO, true);
	assert_int_equal(the_view(l).flow_count, 2);
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
	assert_int_equal(l->r->cdrs[0].lines, OFFER_LINES_T38);
	assert_int_equal(l->r->cdrs[0].audio, 3);
}

/* Nobody holds anybody by that: no phone is to be asked to go on. */
static void fax_beside_the_audio_line(void **state)
{
	struct line *l = *state;

	exchange(l, SDP_A("m=audio 0 RTP/AVP 8\r\nm=image 4002 udptl t38\r\n" T38),
		 SDP_B("m=audio 0 RTP/AVP 8\r\nm=image 5002 udptl t38\r\n" T38));
	assert_spec(l, 1, MEDIA_OPAQUE, true);
	assert_int_equal(line_spec_of(l->r, 0, 0).send + line_spec_of(l->r, 0, 0).receive, 0);
	assert_int_equal(line_spec_of(l->r, 0, 0).silence_ms, 0);
	for (uint8_t leg = 0; leg < 2; leg++)
		assert_int_equal(
			shard_call_resume(l->r->shard, the_view(l).call, leg, NULL, l->r->now), 0);
	exchange(l,
		 SDP_A("m=audio 4000 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
		       "m=image 0 udptl t38\r\n"),
		 SDP_B("m=audio 5000 RTP/AVP 8\r\nm=image 0 udptl t38\r\n"));
	assert_int_equal(line_spec_of(l->r, 0, 0).send + line_spec_of(l->r, 0, 0).receive, 2);
	assert_int_equal(line_spec_of(l->r, 0, 1).send + line_spec_of(l->r, 0, 1).receive, 0);
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
	assert_int_equal(l->r->cdrs[0].lines, OFFER_LINES_T38);
}

/* RFC 3261 14.1: the session goes on as it was, here as a call. */
static void refused(void **state)
{
	struct line *l = *state;

	phone_request(&l->a, "INVITE", "", FAX_A);
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "INVITE "), "488 Not Acceptable Here", "");
	assert_true(phone_hears(&l->a, "SIP/2.0 488").n);
	phone_write(&l->a, "ACK", "", "");
	assert_spec(l, 0, MEDIA_AUDIO, true);
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
	assert_int_equal(l->r->cdrs[0].lines, 0);
}

/* Held by command, and no longer: it is a line like others. */
static void held(void **state)
{
	struct line *l = *state;
	struct bytes m;

	exchange(l, FAX_A, FAX_B);
	assert_int_equal(shard_call_hold(l->r->shard, the_view(l).call, 0, NULL, l->r->now), 0);
	rig_wait_ms(l->r, 1);
	assert_spec(l, 0, MEDIA_OPAQUE, false);
	m = rig_take(l->r, &l->b.addr, "INVITE ");
	assert_true(rig_has(m, "m=image ") && rig_has(m, T38) && rig_has(m, "a=sendonly\r\n"));
	phone_answer(&l->b, m, "200 OK", SDP_B("m=image 5000 udptl t38\r\na=recvonly\r\n"));
	assert_int_equal(shard_call_resume(l->r->shard, the_view(l).call, 0, NULL, l->r->now), 0);
	rig_wait_ms(l->r, 1);
	m = rig_take(l->r, &l->b.addr, "INVITE ");
	assert_true(rig_has(m, "m=image ") && !rig_has(m, "a=sendonly\r\n"));
	phone_answer(&l->b, m, "200 OK", FAX_B);
	assert_spec(l, 0, MEDIA_OPAQUE, true);
}

static void restart(struct line *l)
{
	struct rig *r = l->r;
	const char *reason = "";
	uint32_t last = r->save_count - 1;

	while (r->saves[last].kind != EFFECT_CALL_SAVE)
		last--;
	shard_close(r->shard);
	rig_start_shard(r);
	phone_bind(&l->a);
	phone_bind(&l->b);
	if (shard_restore_call(r->shard, text_bytes(&r->saves[last].record), r->now, &reason))
		fail_msg("%s", reason);
	r->media_count = 0;
	shard_resume(r->shard, r->now);
	rig_run(r);
}

/* Terms too: what was allowed when it began is so in the next process, and it was a fax before it was a call. */
static void goes_on_after_a_kill(void **state)
{
	struct line *l = *state;

	exchange(l, FAX_A, FAX_B);
	restart(l);
	assert_spec(l, 0, MEDIA_OPAQUE, true);
	assert_int_equal(line_spec_of(l->r, 0, 0).remote_rtp.port, 4000);
	assert_int_equal(line_spec_of(l->r, 1, 0).remote_rtp.port, 5000);
	exchange(l, PHONE_SDP_A, PHONE_SDP_B);
	restart(l);
	assert_spec(l, 0, MEDIA_AUDIO, true);
	exchange(l, FAX_A, FAX_B);
	exchange(l, PHONE_SDP_A, PHONE_SDP_B);
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
	assert_int_equal(l->r->cdrs[0].lines, OFFER_LINES_T38);
}

/* From the first offer on, to one that answers the fax alone: what came of it is in the CDR. */
static void begins_as_a_fax(void **state)
{
	struct line *l = *state;

	phone_invite(&l->a, "1002", SDP_A("m=image 4000 udptl t38\r\n" T38));
	assert_true(rig_has(phone_rings(&l->b), " udptl t38\r\n" T38));
	phone_answer(&l->b, l->b.invite, "200 OK", FAX_B);
	assert_true(rig_has(phone_hears(&l->a, "SIP/2.0 200"), " udptl t38\r\n"));
	phone_ack(&l->a);
	assert_spec(l, 0, MEDIA_OPAQUE, true);
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
	assert_int_equal(l->r->cdrs[0].lines, OFFER_LINES_T38);
	assert_int_equal(l->r->cdrs[0].audio, 0);
}

static void text_is_not_allowed_at_first(void **state)
{
	static const char offer[] =
		PHONE_SDP_A "m=text 4002 RTP/AVP 98\r\na=rtpmap:98 t140/1000\r\n";
	struct shard_profile p = { .name = "default", .terms.lines = OFFER_LINES_OTHER };
	struct line *l = *state;

	phone_invite(&l->a, "1002", offer);
	assert_true(rig_has(phone_rings(&l->b), "m=text 0 RTP/AVP 98\r\n"));
	phone_answer(&l->b, l->b.invite, "486 Busy Here", "");
	(void)phone_hears(&l->a, "SIP/2.0 486");
	phone_ack(&l->a);
	assert_int_equal(shard_profile_put(l->r->shard, TENANT_DEFAULT, &p), 0);
	phone_invite(&l->a, "1002", offer);
	assert_false(rig_has(phone_rings(&l->b), "m=text 0 "));
	assert_true(rig_has(l->b.invite, "a=rtpmap:98 t140/1000\r\n"));
}

static void type(struct line *l)
{
	struct shard_profile p = { .name = "default", .terms.lines = OFFER_LINES_TEXT };

	assert_int_equal(shard_profile_put(l->r->shard, TENANT_DEFAULT, &p), 0);
	phone_invite(&l->a, "1002",
		     PHONE_SDP_A "m=text 4002 RTP/AVP 98\r\na=rtpmap:98 t140/1000\r\n");
	assert_true(rig_has(phone_rings(&l->b), "a=rtpmap:98 t140/1000\r\n"));
	phone_answer(&l->b, l->b.invite, "200 OK",
		     PHONE_SDP_B "m=text 5002 RTP/AVP 98\r\na=rtpmap:98 t140/1000\r\n");
	assert_true(rig_has(phone_hears(&l->a, "SIP/2.0 200"), "a=rtpmap:98 t140/1000\r\n"));
	phone_ack(&l->a);
}

static void assert_types(struct line *l)
{
	for (uint8_t leg = 0; leg < 2; leg++) {
		struct flow_spec s = line_spec_of(l->r, leg, 1);
		assert_int_equal(s.kind, MEDIA_TEXT);
		assert_true(s.receive && s.send && s.rule_count == 1);
		assert_int_equal(s.silence_ms, 0);
	}
	assert_true(line_spec_of(l->r, 0, 0).silence_ms > 0);
}

/* Who reads need not type. */
static void text_may_be_silent(void **state)
{
	struct line *l = *state;

	type(l);
	assert_types(l);
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
	assert_int_equal(l->r->cdrs[0].lines, OFFER_LINES_TEXT);
}

/* A record of an earlier build. */
static void golden(void **state)
{
	static uint8_t record[16384];
	const char *folder = getenv("TANDEM_GOLDEN"), *reason = "";
	struct line *l = *state;
	size_t n;

	if (folder) {
		type(l);
		golden_write(folder, golden_name(5, "text"), text_bytes(&rig_stored(l->r)->record));
		return;
	}
	n = golden_read(golden_name(5, "text"), record, sizeof(record));
	assert_true(n > 0);
	if (shard_restore_call(l->r->shard, bytes_mem(record, n), l->r->now, &reason))
		fail_msg("%s", reason);
	shard_resume(l->r->shard, l->r->now);
	rig_run(l->r);
	assert_types(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TALK_TEST(becomes_a_fax_and_a_call_again),
		TALK_TEST(fax_beside_the_audio_line),
		TALK_TEST(refused),
		TALK_TEST(held),
		TALK_TEST(goes_on_after_a_kill),
		LINE_TEST(begins_as_a_fax),
		LINE_TEST(text_is_not_allowed_at_first),
		cmocka_unit_test_setup_teardown(text_may_be_silent, setup, line_teardown),
		cmocka_unit_test_setup_teardown(golden, setup, line_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
