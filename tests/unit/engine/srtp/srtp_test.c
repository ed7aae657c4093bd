/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>
#include <malloc.h>

#include "base/rand.h"
#include "engine/net/packet.h"
#include "engine/srtp/srtp_stream.h"
#include "tests/unit/engine/srtp/libsrtp.h"

enum {
	SSRC = 0xcafebabe,
	FREE = 1 << 30, /* a limit that is not met */
	ROLL = 1 << 16,
};

struct packet {
	uint8_t p[PACKET_MAX + SRTP_MAX_TRAILER_LEN];
	size_t n;
};

static struct srtp_stream *open_with(struct media_key key)
{
	struct srtp_stream *s = NULL;

	assert_int_equal(srtp_stream_open(&s, &key), 0);
	return s;
}

static struct srtp_stream *open_out(struct media_key key, uint64_t next, uint32_t srtcp_next)
{
	struct srtp_stream *s = open_with(key);

	srtp_stream_start(s, next, srtcp_next);
	srtp_stream_limit(s, FREE, FREE);
	return s;
}

static enum verdict protect_one(struct srtp_stream *s, bool is_rtcp, struct packet *p)
{
	struct srtp_job j = { .stream = s,
			      .data = p->p,
			      .length = (uint16_t)p->n,
			      .capacity = PACKET_MAX,
			      .is_rtcp = is_rtcp };

	srtp_jobs_protect(&j, 1);
	p->n = j.length;
	return (enum verdict)j.verdict;
}

static enum verdict unprotect_one(struct srtp_stream *s, bool is_rtcp, struct packet *p)
{
	struct srtp_job j = {
		.stream = s, .data = p->p, .length = (uint16_t)p->n, .is_rtcp = is_rtcp
	};

	srtp_jobs_unprotect(&j, 1);
	p->n = j.length;
	return (enum verdict)j.verdict;
}

static bool same(const struct packet *a, const struct packet *b)
{
	return a->n == b->n && memcmp(a->p, b->p, a->n) == 0;
}

static struct packet rtp_of(uint32_t ssrc, uint16_t sequence)
{
	struct packet p = { .n = 12 + 160 };

	memset(p.p, 0x5a, p.n);
	p.p[0] = 0x80;
	p.p[1] = 8;
	be16_put(p.p + 2, sequence);
	be32_put(p.p + 8, ssrc);
	return p;
}

static struct packet rtcp_of(uint32_t ssrc)
{
	struct packet p = { .n = 28 };

	memset(p.p, 0x5a, p.n);
	be32_put(p.p, 0x80c80006);
	be32_put(p.p + 4, ssrc);
	return p;
}

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

/* ---- in ---- */

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

/* ---- out ---- */

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
		cmocka_unit_test(makes_and_opens_known_packets),
		cmocka_unit_test(every_changed_bit_is_refused),
		cmocka_unit_test(what_is_cut_is_short),
		cmocka_unit_test(all_suites_are_as_libsrtp_makes_them),
		cmocka_unit_test(rtcp_is_as_libsrtp_makes_it),
		cmocka_unit_test(goes_on_after_a_restart),
		cmocka_unit_test(finds_the_index_after_a_restart),
		cmocka_unit_test(once_heard_the_index_is_certain),
		cmocka_unit_test(steps_ahead_before_the_first_rollover),
		cmocka_unit_test(sources_have_indexes_of_their_own),
		cmocka_unit_test(another_key_does_not_fit),
		cmocka_unit_test(forged_and_replayed_packets_cost_a_counter),
		cmocka_unit_test(another_mki_is_refused),
		cmocka_unit_test(a_batch_may_roll_over),
		cmocka_unit_test(no_index_is_used_twice),
		cmocka_unit_test(nothing_lies_before_index_0),
		cmocka_unit_test(nothing_is_sent_at_the_limit),
		cmocka_unit_test(no_index_is_beyond_its_field),
		cmocka_unit_test(what_has_no_room_is_not_sent),
		cmocka_unit_test(a_batch_may_be_of_many_streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
