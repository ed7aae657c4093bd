/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches of random packets of many streams of all suites, against libsrtp2 doing the same one by one: the same octets leave, the
 * same packets are taken, whatever was reordered, repeated, lost or forged on the way. Some parties do what we never do: their
 * packets have an MKI, or their SRTCP is authenticated only. TANDEM_PACKETS=1000000 does more of it.
 */
#include "tests/unit/test.h"

#include "base/rand.h"
#include "engine/net/packet.h"
#include "engine/srtp/srtp.h"
#include "tests/unit/engine/srtp/libsrtp.h"

enum {
	STREAMS = 24,
	BATCH = 150, /* more than is done at a time */
	PACKETS = 60000,
	PAYLOAD_MAX = 400,
	FIRST = 65000, /* the rollover comes soon */
	FREE = 1 << 30,
	LATE = 40,
};

struct packet {
	uint8_t p[PACKET_MAX + SRTP_MAX_TRAILER_LEN];
	size_t n;
	uint32_t stream;
	bool is_rtcp;
};

struct side {
	struct srtp_stream *ours[STREAMS];
	srtp_t theirs[STREAMS];
	bool has_mki[STREAMS];
};

static struct rand_source g_rand;
static struct side g_out, g_in,
	g_others; /* the last: what others send in their way, by libsrtp2 alone */
static uint32_t g_index[STREAMS];
static struct packet g_sent[BATCH], g_wire[BATCH], g_kept[LATE];
static uint64_t g_made, g_taken, g_refused, g_rolled;

static uint32_t below(uint32_t n)
{
	return (uint32_t)rand_below(&g_rand, n);
}

static void streams_open(bool portable)
{
	int (*open)(struct srtp_stream **, const struct media_key *) =
		portable ? srtp_stream_open_portable : srtp_stream_open;

	for (uint32_t i = 0; i < STREAMS; i++) {
		struct media_key key = key_from(ALL_SUITES[i % 4], (uint8_t)(i * 11)), other = key;
		srtp_sec_serv_t rtcp = i % 5 == 1 ? sec_serv_auth : sec_serv_conf_and_auth;

		if (i % 3 == 1 &&
		    key.suite != SUITE_32) /* it looks for SRTCP's by the tag of SRTP */
			other.mki_length = (uint8_t)(1 + i % MEDIA_MKI_MAX);
		memset(other.mki, (int)i, other.mki_length);
		g_in.has_mki[i] = g_others.has_mki[i] = other.mki_length > 0;
		g_others.theirs[i] = libsrtp_open_with(other, ssrc_any_outbound, rtcp);
		g_index[i] = FIRST + below(400);
		assert_int_equal(open(&g_out.ours[i], &key), 0);
		assert_int_equal(open(&g_in.ours[i], &other), 0);
		srtp_stream_start(g_out.ours[i], g_index[i], 1);
		srtp_stream_limit(g_out.ours[i], FREE, FREE);
		g_out.theirs[i] = libsrtp_open(key, ssrc_any_outbound);
		g_in.theirs[i] = libsrtp_open_with(other, ssrc_any_inbound, rtcp);
	}
}

static void streams_close(void)
{
	for (uint32_t i = 0; i < STREAMS; i++) {
		srtp_stream_close(g_out.ours[i]);
		srtp_stream_close(g_in.ours[i]);
		(void)srtp_dealloc(g_out.theirs[i]);
		(void)srtp_dealloc(g_in.theirs[i]);
		(void)srtp_dealloc(g_others.theirs[i]);
	}
}

static struct packet rtp_make(uint32_t stream)
{
	uint32_t csrcs = below(8) == 0 ? below(16) : 0;
	bool extended = below(8) == 0;
	struct packet p = { .stream = stream };

	g_index[stream] += below(20) ? 1 : 1 + below(900);
	p.n = 12 + csrcs * 4 + (extended ? 4U + 8U : 0) + below(PAYLOAD_MAX);
	for (size_t i = 0; i < p.n; i++)
		p.p[i] = (uint8_t)below(256);
	p.p[0] = (uint8_t)(0x80 | csrcs | (extended ? 0x10 : 0));
	be16_put(p.p + 2, (uint16_t)g_index[stream]);
	be32_put(p.p + 8, stream);
	if (extended)
		be16_put(p.p + 12 + csrcs * 4 + 2, 2);
	return p;
}

static struct packet rtcp_make(uint32_t stream)
{
	struct packet p = { .stream = stream, .is_rtcp = true, .n = 8 + 4 * below(30) };

	for (size_t i = 0; i < p.n; i++)
		p.p[i] = (uint8_t)below(256);
	be32_put(p.p, 0x80c80006);
	be32_put(p.p + 4, stream);
	return p;
}

static void jobs_run(const struct side *side, struct packet *list, uint32_t count, bool protects,
		     bool done[BATCH])
{
	struct srtp_job jobs[BATCH];

	for (uint32_t i = 0; i < count; i++)
		jobs[i] = (struct srtp_job){ .stream = side->ours[list[i].stream],
					     .data = list[i].p,
					     .length = (uint16_t)list[i].n,
					     .capacity = PACKET_MAX,
					     .is_rtcp = list[i].is_rtcp };
	(protects ? srtp_jobs_protect : srtp_jobs_unprotect)(jobs, count);
	for (uint32_t i = 0; i < count; i++) {
		done[i] = jobs[i].verdict == VERDICT_NONE;
		list[i].n = jobs[i].length;
	}
}

/* One by one by libsrtp2 what was done in a batch by us: the same, or refused by both and unchanged. */
static void compare(const struct side *side, const struct packet *before,
		    const struct packet *after, uint32_t count, bool protects,
		    const bool done[BATCH])
{
	for (uint32_t i = 0; i < count; i++) {
		struct packet theirs = before[i];
		srtp_t s = side->theirs[theirs.stream];
		bool mki = side->has_mki[theirs.stream];
		bool ok = protects ? libsrtp_protect(s, theirs.is_rtcp, theirs.p, &theirs.n)
				   : libsrtp_unprotect_mki(s, mki, theirs.is_rtcp, theirs.p,
							   &theirs.n);
		const struct packet *want = ok ? &theirs : &before[i];

		assert_int_equal(done[i], ok);
		assert_int_equal(after[i].n, want->n);
		assert_memory_equal(after[i].p, want->p, want->n);
		g_taken += ok && !protects;
		g_refused += !ok && !protects;
	}
}

/* Instead of ours, which was as libsrtp2 has it, and would not be taken from such a party. */
static void as_others(struct packet *sent, const struct packet *plain)
{
	uint32_t i = plain->stream;
	struct packet p = *plain;

	if (libsrtp_protect_mki(g_others.theirs[i], g_others.has_mki[i], p.is_rtcp, p.p, &p.n))
		*sent = p;
}

static uint32_t send_batch(void)
{
	static struct packet before[BATCH];
	uint32_t count = 1 + below(below(3) ? BATCH : 6);
	uint32_t streams = 1 + below(STREAMS);
	bool done[BATCH];

	for (uint32_t i = 0; i < count; i++) {
		uint32_t stream = below(streams);

		before[i] = below(6) ? rtp_make(stream) : rtcp_make(stream);
		if (!before[i].is_rtcp && below(200) == 0 && i > 0) /* a number again */
			before[i] = before[below(i)];
		g_rolled += g_index[stream] > 0xffff;
	}
	memcpy(g_sent, before, sizeof(before));
	jobs_run(&g_out, g_sent, count, true, done);
	compare(&g_out, before, g_sent, count, true, done);
	for (uint32_t i = 0; i < count; i++)
		as_others(&g_sent[i], &before[i]);
	g_made += count;
	return count;
}

/* What becomes of it: some is lost, late, doubled, or another than was sent. */
static uint32_t travel(uint32_t count)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < count && n < BATCH; i++) {
		uint32_t fate = below(100);
		uint32_t slot = below(LATE);

		if (fate < 2)
			continue;
		if (fate < 12) {
			struct packet late = g_kept[slot];

			g_kept[slot] = g_sent[i];
			if (late.n == 0)
				continue;
			g_wire[n++] = late;
		} else {
			g_wire[n++] = g_sent[i];
		}
		if (fate > 96 && n < BATCH)
			g_wire[n++] = g_sent[below(i + 1)];
		if (fate == 50)
			g_wire[n - 1].p[below((uint32_t)g_wire[n - 1].n)] ^=
				(uint8_t)(1 << below(8));
		if (fate == 51)
			g_wire[n - 1].n = below((uint32_t)g_wire[n - 1].n);
	}
	return n;
}

static void hear_batch(uint32_t count)
{
	static struct packet before[BATCH];
	bool done[BATCH];

	memcpy(before, g_wire, sizeof(before));
	jobs_run(&g_in, g_wire, count, false, done);
	compare(&g_in, before, g_wire, count, false, done);
}

static void run(bool portable)
{
	const char *more = getenv("TANDEM_PACKETS");
	uint64_t packets = more ? strtoull(more, NULL, 10) : PACKETS;

	rand_open_seed(&g_rand, 20261120);
	memset(g_kept, 0, sizeof(g_kept));
	g_made = g_taken = g_refused = g_rolled = 0;
	streams_open(portable);
	while (g_made < packets)
		hear_batch(travel(send_batch()));
	streams_close();
	print_message("# %llu packets made, %llu taken, %llu refused, %llu after a rollover\n",
		      (unsigned long long)g_made, (unsigned long long)g_taken,
		      (unsigned long long)g_refused, (unsigned long long)g_rolled);
	assert_true(g_taken > g_made / 2 && g_refused > g_made / 100 && g_rolled > g_made / 2);
}

static void batches_are_what_libsrtp_makes(void **state)
{
	(void)state;
	run(false);
}

static void so_are_those_of_openssl(void **state)
{
	(void)state;
	run(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(batches_are_what_libsrtp_makes),
		cmocka_unit_test(so_are_those_of_openssl),
	};

	return cmocka_run_group_tests_name("srtp_batch", tests, NULL, NULL);
}
