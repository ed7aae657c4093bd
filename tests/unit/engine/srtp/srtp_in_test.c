/* SPDX-License-Identifier: Apache-2.0 */
/* What comes: its index, and what is forged, replayed or under another identifier. */
#include <malloc.h>

#include "tests/unit/engine/srtp/srtp_packet.h"

/* Saved is what the record knows; the source is further by now. */
static void finds_the_index_after_a_restart(void **state)
{
	static const struct {
		const char *name;
		uint64_t saved, now;
		enum verdict want;
	} ROWS[] = {
		{ "the next", 70000, 70001, VERDICT_NONE },
		{ "the saved one", 70000, 70000, VERDICT_SRTP_REPLAY },
		{ "one before", 70000, 69999, VERDICT_SRTP_REPLAY },
		{ "half a rollover on", ROLL + 5, ROLL + 40000, VERDICT_NONE },
		{ "rolled over meanwhile", 60000, ROLL + 30000, VERDICT_NONE },
		{ "rolled over, and nearly where it was", 2 * ROLL + 100, 3 * ROLL + 50,
		  VERDICT_NONE },
		{ "a whole rollover and a half", 100, 2 * ROLL + 50000, VERDICT_SRTP_AUTH },
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(ROWS) * COUNT_OF(ALL_SUITES); n++) {
		size_t i = n / COUNT_OF(ALL_SUITES);
		struct media_key key = key_from(ALL_SUITES[n % COUNT_OF(ALL_SUITES)], 9);
		struct srtp_stream *out = open_out(key, ROWS[i].now, 0), *in = open_with(key);
		struct packet p = rtp_of(SSRC, (uint16_t)ROWS[i].now);

		srtp_stream_resume(in, SSRC, ROWS[i].saved);
		assert_int_equal(srtp_stream_highest(in, SSRC), ROWS[i].saved);
		assert_int_equal(protect_one(out, false, &p), VERDICT_NONE);
		ROW_ASSERT(ROWS[i].name, unprotect_one(in, false, &p) == ROWS[i].want);
		ROW_ASSERT(ROWS[i].name,
			   srtp_stream_highest(in, SSRC) ==
				   (ROWS[i].want == VERDICT_NONE ? ROWS[i].now : ROWS[i].saved));
		srtp_stream_close(out);
		srtp_stream_close(in);
	}
}

/* One packet of this index, by another stream of the same key. */
static enum verdict hears(struct srtp_stream *in, struct media_key key, uint64_t index)
{
	struct srtp_stream *out = open_out(key, index, 0);
	struct packet p = rtp_of(SSRC, (uint16_t)index);

	assert_int_equal(protect_one(out, false, &p), VERDICT_NONE);
	srtp_stream_close(out);
	return unprotect_one(in, false, &p);
}

/* Of a second source nothing was saved: the counters are tried, one with each packet. Without a restart all begin at 0. */
static void another_source_after_a_restart(void **state)
{
	static const uint64_t rolls[] = { 0, 1, 5, 63 };
	struct media_key key = key_from(SUITE_80, 9);

	(void)state;
	for (size_t i = 0; i < 2 * COUNT_OF(rolls); i++) {
		struct srtp_stream *in = open_with(key);
		uint64_t index = rolls[i / 2] * ROLL + 700, tries = 0;
		bool resumed = i % 2;

		if (resumed)
			srtp_stream_resume(in, SSRC + 1, 60000);
		while (tries < 64 && hears(in, key, index + tries) != VERDICT_NONE)
			tries++;
		if (resumed)
			assert_true(tries <= rolls[i / 2]);
		else
			assert_int_equal(tries, rolls[i / 2] ? 64 : 0);
		assert_int_equal(hears(in, key, index + tries + 1),
				 tries < 64 ? VERDICT_NONE : VERDICT_SRTP_AUTH);
		srtp_stream_close(in);
	}
}

static void once_heard_the_index_is_certain(void **state)
{
	struct media_key key = key_from(SUITE_80, 9);
	struct srtp_stream *in = open_with(key);

	(void)state;
	srtp_stream_resume(in, SSRC, 60000);
	assert_int_equal(hears(in, key, ROLL + 30000), VERDICT_NONE);
	assert_int_equal(hears(in, key, 2 * ROLL + 30001), VERDICT_SRTP_AUTH);
	assert_int_equal(hears(in, key, ROLL + 30001), VERDICT_NONE);
	srtp_stream_close(in);
}

/* There is no rollover before the first: a large step in it is one ahead. */
static void steps_ahead_before_the_first_rollover(void **state)
{
	struct media_key key = key_from(SUITE_80, 9);
	struct srtp_stream *in = open_with(key);

	(void)state;
	assert_int_equal(hears(in, key, 5), VERDICT_NONE);
	assert_int_equal(hears(in, key, 60000), VERDICT_NONE);
	assert_int_equal(hears(in, key, ROLL + 5), VERDICT_NONE);
	srtp_stream_close(in);
}

static void sources_have_indexes_of_their_own(void **state)
{
	struct media_key key = key_from(SUITE_80, 9);
	struct srtp_stream *in = open_with(key);
	struct packet p, first;

	(void)state;
	for (uint32_t ssrc = 0; ssrc < SRTP_SOURCES_MAX + 1; ssrc++) {
		uint16_t index = (uint16_t)(500 - 10 * ssrc);
		struct srtp_stream *out = open_out(key, index, 0);

		p = rtp_of(ssrc, index);
		assert_int_equal(protect_one(out, false, &p), VERDICT_NONE);
		if (ssrc == 0)
			first = p;
		assert_int_equal(unprotect_one(in, false, &p), VERDICT_NONE);
		if (ssrc < SRTP_SOURCES_MAX) { /* none is forgotten as long as there is room */
			p = first;
			assert_int_equal(unprotect_one(in, false, &p), VERDICT_SRTP_REPLAY);
		}
		srtp_stream_close(out);
	}
	/* the one that was quiet for longest gave its place away */
	assert_int_equal(srtp_stream_highest(in, 0), 0);
	for (uint32_t ssrc = 1; ssrc < SRTP_SOURCES_MAX + 1; ssrc++)
		assert_int_equal(srtp_stream_highest(in, ssrc), 500 - 10 * ssrc);
	srtp_stream_close(in);
}

static void another_key_does_not_fit(void **state)
{
	struct media_key key = key_from(SUITE_80, 1), other = key_from(SUITE_80, 2);
	struct media_key shorter = key_from(SUITE_32, 1);
	struct srtp_stream *out = open_out(key, 1, 0), *in = open_with(other);
	struct packet rtp = rtp_of(SSRC, 1), rtcp = rtcp_of(SSRC);

	(void)state;
	assert_int_equal(protect_one(out, false, &rtp), VERDICT_NONE);
	assert_int_equal(protect_one(out, true, &rtcp), VERDICT_NONE);
	assert_int_equal(unprotect_one(in, false, &rtp), VERDICT_SRTP_AUTH);
	assert_int_equal(unprotect_one(in, true, &rtcp), VERDICT_SRTP_AUTH);
	assert_true(srtp_stream_has_key(out, &key));
	assert_false(srtp_stream_has_key(out, &other));
	assert_false(srtp_stream_has_key(out, &shorter));
	srtp_stream_close(out);
	srtp_stream_close(in);
}

/* ---- forged, replayed, under another identifier ---- */

/* As a party with an MKI sends it (RFC 3711 3.1): before the tag or, RFC 7714 8, behind all. */
static struct packet with_mki(const struct packet *p, const struct media_key *key, bool is_rtcp)
{
	bool is_aead = key->suite == GCM_128 || key->suite == GCM_256;
	size_t tag = is_aead ? 0 : key->suite == SUITE_32 && !is_rtcp ? 4 : 10;
	struct packet q = { .n = p->n + key->mki_length };

	memcpy(q.p, p->p, p->n - tag);
	memcpy(q.p + p->n - tag, key->mki, key->mki_length);
	memcpy(q.p + p->n - tag + key->mki_length, p->p + p->n - tag, tag);
	return q;
}

/* Everything of a stream, its keys as well. */
struct image {
	uint8_t octets[4096];
	size_t n;
};

static void image_take(struct image *m, const struct srtp_stream *s)
{
	m->n = sizeof(*s) + 2U * s->cipher_size;
	assert_true(m->n <= sizeof(m->octets));
	memcpy(m->octets, srtp_stream_cipher(s, false), m->n);
}

static void assert_refused(struct srtp_stream *in, bool is_rtcp, struct packet p)
{
	static struct image before, after;
	struct packet kept = p;

	image_take(&before, in);
	assert_int_not_equal(unprotect_one(in, is_rtcp, &p), VERDICT_NONE);
	assert_true(same(&p, &kept));
	image_take(&after, in);
	assert_memory_equal(after.octets, before.octets, before.n);
}

static struct packet sent_by(struct srtp_stream *out, const struct media_key *key, bool is_rtcp,
			     uint16_t sequence)
{
	struct packet p = is_rtcp ? rtcp_of(SSRC) : rtp_of(SSRC, sequence);

	assert_int_equal(protect_one(out, is_rtcp, &p), VERDICT_NONE);
	return with_mki(&p, key, is_rtcp);
}

static void assert_costs_a_counter(struct media_key key, bool is_rtcp)
{
	struct media_key plain_key = key;
	struct srtp_stream *in = open_with(key), *out;
	struct packet first, second, p;
	size_t octets;

	plain_key.mki_length = 0;
	out = open_out(plain_key, 1000, 10);
	first = sent_by(out, &key, is_rtcp, 1000);
	second = sent_by(out, &key, is_rtcp, 1001);
	p = first;
	assert_int_equal(unprotect_one(in, is_rtcp, &p), VERDICT_NONE);
	octets = mallinfo2().uordblks;
	for (size_t bit = 0; bit < 8 * second.n; bit++) { /* also of the SSRC and of the index */
		p = second;
		p.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_refused(in, is_rtcp, p);
	}
	for (uint32_t ssrc = 0; ssrc < 4 * SRTP_SOURCES_MAX; ssrc++) {
		p = second;
		be32_put(p.p + (is_rtcp ? 4 : 8), ssrc);
		assert_refused(in, is_rtcp, p);
	}
	assert_refused(in, is_rtcp, first);
	assert_int_equal(mallinfo2().uordblks, octets);
	assert_int_equal(unprotect_one(in, is_rtcp, &second), VERDICT_NONE);
	srtp_stream_close(in);
	srtp_stream_close(out);
}

static void forged_and_replayed_packets_cost_a_counter(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(ALL_SUITES); i++) {
		for (uint8_t mki = 0; mki <= MEDIA_MKI_MAX; mki += 4) {
			struct media_key key = key_from(ALL_SUITES[i], 3);

			key.mki_length = mki;
			memset(key.mki, 0xa5, mki);
			assert_costs_a_counter(key, false);
			assert_costs_a_counter(key, true);
		}
	}
}

static void another_mki_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(ALL_SUITES) * 2; i++) {
		bool is_rtcp = i % 2;
		struct media_key key = key_from(ALL_SUITES[i / 2], 3), renamed, plain = key;
		struct srtp_stream *out = open_out(plain, 1, 1), *in;
		struct packet p;

		key.mki_length = 3;
		memcpy(key.mki, "abc", 3);
		renamed = key;
		renamed.mki_length = 1;
		in = open_with(key);
		p = sent_by(out, &renamed, is_rtcp, 1);
		assert_int_equal(unprotect_one(in, is_rtcp, &p), VERDICT_SRTP_MKI);
		p = sent_by(out, &plain, is_rtcp, 2);
		assert_int_equal(unprotect_one(in, is_rtcp, &p), VERDICT_SRTP_MKI);
		p = sent_by(out, &key, is_rtcp, 3);
		assert_int_equal(unprotect_one(in, is_rtcp, &p), VERDICT_NONE);
		srtp_stream_mki(in, &renamed); /* the same key goes on under another name */
		assert_true(srtp_stream_has_key(in, &renamed));
		p = sent_by(out, &key, is_rtcp, 4);
		assert_int_equal(unprotect_one(in, is_rtcp, &p), VERDICT_SRTP_MKI);
		p = sent_by(out, &renamed, is_rtcp, 5);
		assert_int_equal(unprotect_one(in, is_rtcp, &p), VERDICT_NONE);
		srtp_stream_close(in);
		srtp_stream_close(out);
	}
}

/* In one batch of a source that was not heard before: each is tried as if no other moved its index, and then as it is. */
static void a_batch_may_roll_over(void **state)
{
	static struct packet packets[BATCH_MAX];

	(void)state;
	for (size_t suite = 0; suite < COUNT_OF(ALL_SUITES); suite++) {
		struct media_key key = key_from(ALL_SUITES[suite], 3);
		struct srtp_stream *out = open_out(key, ROLL - 20, 1), *in = open_with(key);
		struct srtp_job jobs[BATCH_MAX];

		for (uint32_t i = 0; i < BATCH_MAX; i++) {
			packets[i] = i % 8 == 7 ? packets[i - 1] : /* and comes twice */
					     sent_by(out, &key, false, (uint16_t)(ROLL - 20 + i));
			jobs[i] = (struct srtp_job){ .stream = in,
						     .data = packets[i].p,
						     .length = (uint16_t)packets[i].n };
		}
		srtp_jobs_unprotect(jobs, BATCH_MAX);
		for (uint32_t i = 0; i < BATCH_MAX; i++) {
			assert_int_equal(jobs[i].verdict,
					 i % 8 == 7 ? VERDICT_SRTP_REPLAY : VERDICT_NONE);
			if (i % 8 != 7) {
				assert_int_equal(jobs[i].index, ROLL - 20 + i);
				assert_int_equal(packets[i].p[12], 0x5a);
			}
		}
		srtp_stream_close(in);
		srtp_stream_close(out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_index_after_a_restart),
		cmocka_unit_test(another_source_after_a_restart),
		cmocka_unit_test(once_heard_the_index_is_certain),
		cmocka_unit_test(steps_ahead_before_the_first_rollover),
		cmocka_unit_test(sources_have_indexes_of_their_own),
		cmocka_unit_test(another_key_does_not_fit),
		cmocka_unit_test(forged_and_replayed_packets_cost_a_counter),
		cmocka_unit_test(another_mki_is_refused),
		cmocka_unit_test(a_batch_may_roll_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
