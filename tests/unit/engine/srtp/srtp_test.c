/* SPDX-License-Identifier: Apache-2.0 */
/* Known packets, and any as libsrtp2 makes and takes them. */
#include "tests/unit/engine/srtp/srtp_packet.h"

/* ---- vectors ---- */

/* The packets of libsrtp's own test driver, and more computed alike. */
static const struct vector {
	const char *name;
	enum media_suite suite;
	bool is_rtcp, is_plain; /* E = 0: such a one is not made here */
	uint64_t index;
	const char *plain, *secure;
} VECTORS[] = {
	{ "80 bit", SUITE_80, false, false, 0x1234,
	  "800f1234decafbadcafebabeabababababababababababababababab",
	  "800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb" },
	{ "32 bit", SUITE_32, false, false, 0x1234,
	  "800f1234decafbadcafebabeabababababababababababababababab",
	  "800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc" },
	{ "80 bit, rolled over", SUITE_80, false, false, 0x11234,
	  "800f1234decafbadcafebabeabababababababababababababababab",
	  "800f1234decafbadcafebabe179265c8bf303e4c24e7279f739bb5a6f8b3916fd670057bf1dc" },
	{ "32 bit, rolled over", SUITE_32, false, false, 0x11234,
	  "800f1234decafbadcafebabeabababababababababababababababab",
	  "800f1234decafbadcafebabe179265c8bf303e4c24e7279f739bb5a6f8b3916f" },
	{ "rtcp", SUITE_80, true, false, 1, "81c8000bcafebabeabababababababababababababababab",
	  "81c8000bcafebabe7128035be487b9bdbef89041f977a5a880000001993e08cd54d6c1230798" },
	{ "rtcp has 80 bits always", SUITE_32, true, false, 1,
	  "81c8000bcafebabeabababababababababababababababab",
	  "81c8000bcafebabe7128035be487b9bdbef89041f977a5a880000001993e08cd54d6c1230798" },
	{ "rtcp, not encrypted", SUITE_80, true, true, 1,
	  "81c8000bcafebabeabababababababababababababababab",
	  "81c8000bcafebabeabababababababababababababababab00000001fe88c7fdfd37ebce615d" },
};

static struct packet packet_hex(const char *hex)
{
	struct packet p = { 0 };

	assert_int_equal(hex_decode(bytes_str(hex), p.p, sizeof(p.p), &p.n), 0);
	return p;
}

static struct media_key vector_key(enum media_suite suite)
{
	struct media_key key = { .suite = (uint8_t)suite };
	size_t n;

	assert_int_equal(
		hex_decode(
			bytes_str("e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3aabe6"),
			key.octets, sizeof(key.octets), &n),
		0);
	key.length = (uint8_t)n;
	return key;
}

static void makes_and_opens_known_packets(void **state)
{
	const struct vector *v;

	(void)state;
	EACH_ROW(v, VECTORS)
	{
		struct packet plain = packet_hex(v->plain), secure = packet_hex(v->secure);
		struct packet made = plain, opened = secure;
		struct srtp_stream *out = open_out(vector_key(v->suite), v->is_rtcp ? 1 : v->index,
						   v->is_rtcp ? (uint32_t)v->index : 0);
		struct srtp_stream *in = open_with(vector_key(v->suite));

		if (!v->is_plain) {
			ROW_ASSERT(v->name, protect_one(out, v->is_rtcp, &made) == VERDICT_NONE);
			ROW_ASSERT(v->name, same(&made, &secure));
		}
		if (!v->is_rtcp)
			srtp_stream_resume(in, SSRC, v->index - 1);
		ROW_ASSERT(v->name, unprotect_one(in, v->is_rtcp, &opened) == VERDICT_NONE);
		ROW_ASSERT(v->name, same(&opened, &plain));
		srtp_stream_close(out);
		srtp_stream_close(in);
	}
}

static void every_changed_bit_is_refused(void **state)
{
	const struct vector *v;

	(void)state;
	EACH_ROW(v, VECTORS)
	{
		struct packet secure = packet_hex(v->secure);
		struct srtp_stream *in = open_with(vector_key(v->suite));

		for (size_t bit = 0; bit < 8 * secure.n; bit++) {
			struct packet forged = secure, before;

			forged.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
			before = forged;
			ROW_ASSERT(v->name, unprotect_one(in, v->is_rtcp, &forged) != VERDICT_NONE);
			ROW_ASSERT(v->name, same(&forged, &before));
		}
		for (size_t n = 0; n < secure.n; n++) {
			struct packet cut = secure;

			cut.n = n;
			ROW_ASSERT(v->name, unprotect_one(in, v->is_rtcp, &cut) != VERDICT_NONE);
		}
		assert_int_equal(srtp_stream_highest(in, SSRC), 0);
		srtp_stream_close(in);
	}
}

static void what_is_cut_is_short(void **state)
{
	static const struct {
		const char *name, *hex;
		bool is_rtcp;
		enum verdict want;
	} ROWS[] = {
		{ "nothing", "", false, VERDICT_SRTP_SHORT },
		{ "a head and no tag", "800000010000000200000003", false, VERDICT_SRTP_SHORT },
		{ "a tag that lacks one octet", "800000010000000200000003000000000000000000", false,
		  VERDICT_SRTP_SHORT },
		{ "no payload", "80000001000000020000000300000000000000000000", false,
		  VERDICT_SRTP_AUTH },
		{ "csrcs that are not there", "8f000001000000020000000300000000000000000000", false,
		  VERDICT_SRTP_SHORT },
		{ "an extension cut", "9000000100000002000000030000000000000000000000", false,
		  VERDICT_SRTP_SHORT },
		{ "an extension that is too long",
		  "900000010000000200000003bede0001"
		  "00000000000000000000",
		  false, VERDICT_SRTP_SHORT },
		{ "an extension and no payload",
		  "900000010000000200000003bede0000"
		  "00000000000000000000",
		  false, VERDICT_SRTP_AUTH },
		{ "rtcp: nothing", "", true, VERDICT_SRTP_SHORT },
		{ "rtcp: one octet too few", "80c9000100000003800000010000000000000000", true,
		  VERDICT_SRTP_SHORT },
		{ "rtcp: a head alone", "80c900010000000380000001000000000000000000000000", true,
		  VERDICT_SRTP_AUTH },
	};
	struct srtp_stream *in = open_with(key_from(SUITE_80, 1));

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
		struct packet p = packet_hex(ROWS[i].hex);

		ROW_ASSERT(ROWS[i].name, unprotect_one(in, ROWS[i].is_rtcp, &p) == ROWS[i].want);
	}
	srtp_stream_close(in);
}

/* ---- against libsrtp2 ---- */

struct pair {
	struct srtp_stream *out, *in;
	srtp_t their_out, their_in;
};

static struct pair pair_open(enum media_suite suite, uint64_t first)
{
	struct media_key key = key_from(suite, 3);

	return (struct pair){ .out = open_out(key, first, 1), /* libsrtp begins at 1 */
			      .in = open_with(key),
			      .their_out = libsrtp_open(key, ssrc_any_outbound),
			      .their_in = libsrtp_open(key, ssrc_any_inbound) };
}

static void pair_close(struct pair *x)
{
	srtp_stream_close(x->out);
	srtp_stream_close(x->in);
	(void)srtp_dealloc(x->their_out);
	(void)srtp_dealloc(x->their_in);
}

static struct packet rtp_random(struct rand_source *r, uint16_t sequence)
{
	struct packet p = { .n = 12 };
	uint32_t csrcs = rand_below(r, 8) == 0 ? rand_below(r, 16) : 0;
	bool extended = rand_below(r, 8) == 0;

	rand_fill(r, p.p, sizeof(p.p));
	p.p[0] = (uint8_t)(0x80 | csrcs | (extended ? 0x10 : 0));
	be16_put(p.p + 2, sequence);
	be32_put(p.p + 8, SSRC);
	p.n += csrcs * 4;
	if (extended) {
		uint32_t words = rand_below(r, 5);

		be16_put(p.p + p.n + 2, (uint16_t)words);
		p.n += 4 + words * 4;
	}
	p.n += rand_below(r, 16) == 0 ? rand_below(r, 1400) : rand_below(r, 200);
	return p;
}

/* What one side makes both sides must read, or both refuse. */
static void both_read(struct pair *x, bool is_rtcp, const struct packet *secure,
		      const struct packet *plain)
{
	struct packet ours = *secure, theirs = *secure;
	bool read = unprotect_one(x->in, is_rtcp, &ours) == VERDICT_NONE;

	assert_int_equal(read, libsrtp_unprotect(x->their_in, is_rtcp, theirs.p, &theirs.n));
	if (!read)
		return;
	assert_true(same(&ours, &theirs));
	if (plain)
		assert_true(same(&ours, plain));
}

static bool both_make(struct pair *x, bool is_rtcp, struct packet *p)
{
	struct packet theirs = *p;
	bool made = protect_one(x->out, is_rtcp, p) == VERDICT_NONE;

	assert_int_equal(made, libsrtp_protect(x->their_out, is_rtcp, theirs.p, &theirs.n));
	if (made)
		assert_true(same(p, &theirs));
	return made;
}

/* The next of a stream with gaps and with packets that are late or come twice. Not before the first. */
static uint64_t index_next(struct rand_source *r, uint64_t *highest, uint64_t first)
{
	uint64_t back;

	switch (rand_below(r, 40)) {
	case 0:
		return *highest += 1 + rand_below(r, 200);
	case 1:
		back = rand_below(r, 140);
		return *highest - first >= back ? *highest - back : first;
	default:
		return ++*highest;
	}
}

static void forge(struct rand_source *r, struct packet *p)
{
	p->p[rand_below(r, (uint32_t)p->n)] ^= (uint8_t)(1 << rand_below(r, 8));
}

static void runs_as_libsrtp_does(enum media_suite suite, uint32_t packets)
{
	struct rand_source r;
	uint64_t first = 20000 + suite, highest = first - 1;
	struct pair x = pair_open(suite, first);
	uint32_t made = 0, refused = 0;

	rand_open_seed(&r, suite);
	for (uint32_t i = 0; i < packets; i++) {
		struct packet plain = rtp_random(&r, (uint16_t)index_next(&r, &highest, first));
		struct packet secure = plain;

		if (!both_make(&x, false, &secure)) {
			refused++;
			continue;
		}
		made++;
		if (rand_below(&r, 16) == 0) { /* forged ones come before, and change nothing */
			struct packet forged = secure;

			forge(&r, &forged);
			both_read(&x, false, &forged, NULL);
		}
		if (rand_below(&r, 16) != 0) /* else lost */
			both_read(&x, false, &secure, &plain);
		if (rand_below(&r, 16) == 0) /* replayed */
			both_read(&x, false, &secure, NULL);
	}
	assert_true(highest > 65536 && made > packets / 2 && refused > 0);
	assert_true(srtp_stream_highest(x.in, SSRC) > 65536);
	assert_int_equal(srtp_stream_next(x.out), highest + 1);
	pair_close(&x);
}

static void all_suites_are_as_libsrtp_makes_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(ALL_SUITES); i++)
		runs_as_libsrtp_does(ALL_SUITES[i], 50000);
}

static void rtcp_runs_as_libsrtp_does(enum media_suite suite)
{
	struct pair x = pair_open(suite, 1);
	struct rand_source r;

	rand_open_seed(&r, 4);
	for (uint32_t i = 0; i < 2000; i++) {
		struct packet plain = rtcp_of(SSRC), secure;

		plain.n = 8 + 4 * rand_below(&r, 300);
		secure = plain;
		assert_true(both_make(&x, true, &secure));
		if (rand_below(&r, 4) == 0) {
			struct packet forged = secure;

			forge(&r, &forged);
			both_read(&x, true, &forged, NULL);
		}
		both_read(&x, true, &secure, &plain);
		both_read(&x, true, &secure, NULL);
	}
	assert_int_equal(srtcp_stream_next(x.out), 2001);
	pair_close(&x);
}

static void rtcp_is_as_libsrtp_makes_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(ALL_SUITES); i++)
		rtcp_runs_as_libsrtp_does(ALL_SUITES[i]);
}

/* The receiver that heard the former process hears its successor, and the successor goes on hearing the sender. */
static void goes_on_after_a_restart(void **state)
{
	struct media_key key = key_from(SUITE_80, 9);
	struct pair x = pair_open(SUITE_80, 30000);
	uint64_t index = 30000;

	(void)state;
	srtp_stream_close(x.out);
	srtp_stream_close(x.in);
	(void)srtp_dealloc(x.their_out);
	(void)srtp_dealloc(x.their_in);
	x.their_in = libsrtp_open(key, ssrc_any_inbound);
	x.their_out = libsrtp_open(key, ssrc_any_outbound);
	for (uint32_t life = 0; life < 12; life++) {
		x.out = open_out(key, index, 1000 * life);
		x.in = open_with(key);
		if (life > 0)
			srtp_stream_resume(x.in, SSRC, index - 8192);
		for (uint32_t i = 0; i < 5000; i++, index++) {
			struct packet plain = rtp_of(SSRC, (uint16_t)index), p = plain;

			assert_int_equal(protect_one(x.out, false, &p), VERDICT_NONE);
			assert_true(libsrtp_unprotect(x.their_in, false, p.p, &p.n));
			assert_true(same(&p, &plain));
			assert_true(libsrtp_protect(x.their_out, false, p.p, &p.n));
			assert_int_equal(unprotect_one(x.in, false, &p), VERDICT_NONE);
			assert_true(same(&p, &plain));
		}
		assert_int_equal(srtp_stream_next(x.out), index);
		assert_int_equal(srtp_stream_highest(x.in, SSRC), index - 1);
		srtp_stream_close(x.out);
		srtp_stream_close(x.in);
		index += 8192 - 5000; /* the rest of what was granted */
	}
	(void)srtp_dealloc(x.their_in);
	(void)srtp_dealloc(x.their_out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makes_and_opens_known_packets),
		cmocka_unit_test(every_changed_bit_is_refused),
		cmocka_unit_test(what_is_cut_is_short),
		cmocka_unit_test(all_suites_are_as_libsrtp_makes_them),
		cmocka_unit_test(rtcp_is_as_libsrtp_makes_it),
		cmocka_unit_test(goes_on_after_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
