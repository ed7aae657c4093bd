/* SPDX-License-Identifier: Apache-2.0 */
/* What is sent: no index twice, and none that was not granted. */
#include "tests/unit/engine/srtp/srtp_packet.h"

static void no_index_is_used_twice(void **state)
{
	static const struct {
		const char *name;
		uint16_t sequence;
		enum verdict want;
	} STEPS[] = {
		{ "one before the first", 999, VERDICT_SRTP_INDEX_REUSE },
		{ "the first", 1000, VERDICT_NONE },
		{ "again", 1000, VERDICT_SRTP_INDEX_REUSE },
		{ "a gap", 1010, VERDICT_NONE },
		{ "late", 1005, VERDICT_NONE },
		{ "late again", 1005, VERDICT_SRTP_INDEX_REUSE },
		{ "far ahead", 1010 + 30000, VERDICT_NONE },
		{ "too late to tell", 1011, VERDICT_SRTP_INDEX_REUSE },
		{ "further", 60000, VERDICT_NONE },
		{ "around", 5000, VERDICT_NONE },
		{ "before that", 5000 - 127, VERDICT_NONE },
		{ "just too late", 5000 - 128, VERDICT_SRTP_INDEX_REUSE },
	};
	struct srtp_stream *out = open_out(key_from(SUITE_80, 1), 1000, 0);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(STEPS); i++) {
		struct packet p = rtp_of(SSRC, STEPS[i].sequence), before = p;

		ROW_ASSERT(STEPS[i].name, protect_one(out, false, &p) == STEPS[i].want);
		ROW_ASSERT(STEPS[i].name, same(&p, &before) == (STEPS[i].want != VERDICT_NONE));
	}
	assert_int_equal(srtp_stream_next(out), ROLL + 5001);
	srtp_stream_close(out);
}

static void nothing_lies_before_index_0(void **state)
{
	struct srtp_stream *out = open_out(key_from(SUITE_80, 1), 1, 0);
	struct packet p = rtp_of(SSRC, 65535);

	(void)state;
	assert_int_equal(protect_one(out, false, &p), VERDICT_SRTP_INDEX_REUSE);
	p = rtp_of(SSRC, 1);
	assert_int_equal(protect_one(out, false, &p), VERDICT_NONE);
	srtp_stream_close(out);
}

static void nothing_is_sent_at_the_limit(void **state)
{
	struct srtp_stream *out = open_out(key_from(SUITE_80, 1), 10, 5);
	struct packet p;

	(void)state;
	srtp_stream_limit(out, 12, 6);
	for (uint16_t i = 10; i < 15; i++) {
		p = rtp_of(SSRC, i);
		assert_int_equal(protect_one(out, false, &p),
				 i < 12 ? VERDICT_NONE : VERDICT_SRTP_INDEX);
		p = rtcp_of(SSRC);
		assert_int_equal(protect_one(out, true, &p),
				 i < 11 ? VERDICT_NONE : VERDICT_SRTP_INDEX);
	}
	assert_int_equal(srtp_stream_next(out), 12);
	assert_int_equal(srtcp_stream_next(out), 6);
	srtp_stream_limit(out, 100, 100);
	p = rtp_of(SSRC, 14);
	assert_int_equal(protect_one(out, false, &p), VERDICT_NONE);
	p = rtcp_of(SSRC);
	assert_int_equal(protect_one(out, true, &p), VERDICT_NONE);
	srtp_stream_close(out);
}

/* RFC 3711 9.2: 2^31 for SRTCP, 2^48 for SRTP, whatever is granted. */
static void no_index_is_beyond_its_field(void **state)
{
	struct srtp_stream *out = open_out(key_from(SUITE_80, 1), 1, SRTCP_INDEX_END - 1);
	struct packet p = rtcp_of(SSRC);

	(void)state;
	srtp_stream_limit(out, UINT64_MAX, UINT32_MAX);
	assert_int_equal(protect_one(out, true, &p), VERDICT_NONE);
	p = rtcp_of(SSRC);
	assert_int_equal(protect_one(out, true, &p), VERDICT_SRTP_INDEX);
	srtp_stream_close(out);
}

static void what_has_no_room_is_not_sent(void **state)
{
	struct srtp_stream *out = open_out(key_from(SUITE_80, 1), 1, 0);
	struct packet p = rtp_of(SSRC, 1);

	(void)state;
	p.n = PACKET_MAX - 9;
	assert_int_equal(protect_one(out, false, &p), VERDICT_TOO_LONG);
	p.n = PACKET_MAX - 10;
	assert_int_equal(protect_one(out, false, &p), VERDICT_NONE);
	assert_int_equal(p.n, PACKET_MAX);
	p = rtcp_of(SSRC);
	p.n = PACKET_MAX - 13;
	assert_int_equal(protect_one(out, true, &p), VERDICT_TOO_LONG);
	p.n = PACKET_MAX - 14;
	assert_int_equal(protect_one(out, true, &p), VERDICT_NONE);
	srtp_stream_close(out);
	out = open_out(key_from(GCM_256, 1), 1, 0);
	p = rtp_of(SSRC, 1);
	p.n = PACKET_MAX - 15;
	assert_int_equal(protect_one(out, false, &p), VERDICT_TOO_LONG);
	p.n = PACKET_MAX - 16;
	assert_int_equal(protect_one(out, false, &p), VERDICT_NONE);
	assert_int_equal(p.n, PACKET_MAX);
	p = rtcp_of(SSRC);
	p.n = PACKET_MAX - SRTP_TRAILER_MAX + 1;
	assert_int_equal(protect_one(out, true, &p), VERDICT_TOO_LONG);
	p.n = PACKET_MAX - SRTP_TRAILER_MAX;
	assert_int_equal(protect_one(out, true, &p), VERDICT_NONE);
	assert_int_equal(p.n, PACKET_MAX);
	p = rtp_of(SSRC, 2);
	p.n = 11;
	assert_int_equal(protect_one(out, false, &p), VERDICT_MALFORMED);
	assert_int_equal(srtp_stream_next(out), 2);
	srtp_stream_close(out);
}

static void a_batch_may_be_of_many_streams(void **state)
{
	struct srtp_stream *out[4], *in[4];
	static struct packet packets[BATCH_MAX];
	struct srtp_job jobs[BATCH_MAX];

	(void)state;
	for (uint8_t i = 0; i < 4; i++) {
		out[i] = open_out(key_from(SUITE_80, i), 1, 0);
		in[i] = open_with(key_from(SUITE_80, i));
	}
	for (uint16_t i = 0; i < BATCH_MAX; i++) {
		packets[i] = i % 8 == 7 ? rtcp_of(SSRC) : rtp_of(SSRC, (uint16_t)(1 + i / 4));
		jobs[i] = (struct srtp_job){ .stream = out[i % 4],
					     .data = packets[i].p,
					     .length = (uint16_t)packets[i].n,
					     .capacity = PACKET_MAX,
					     .is_rtcp = i % 8 == 7 };
	}
	srtp_jobs_protect(jobs, BATCH_MAX);
	for (uint16_t i = 0; i < BATCH_MAX; i++) {
		assert_int_equal(jobs[i].verdict, VERDICT_NONE);
		assert_int_equal(jobs[i].index, i % 8 == 7 ? i / 8U : 1U + i / 4U);
		jobs[i].stream = in[i % 4];
	}
	srtp_jobs_unprotect(jobs, BATCH_MAX);
	for (uint16_t i = 0; i < BATCH_MAX; i++)
		assert_int_equal(jobs[i].verdict, VERDICT_NONE);
	for (uint8_t i = 0; i < 4; i++) {
		srtp_stream_close(out[i]);
		srtp_stream_close(in[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_index_is_used_twice),
		cmocka_unit_test(nothing_lies_before_index_0),
		cmocka_unit_test(nothing_is_sent_at_the_limit),
		cmocka_unit_test(no_index_is_beyond_its_field),
		cmocka_unit_test(what_has_no_room_is_not_sent),
		cmocka_unit_test(a_batch_may_be_of_many_streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
