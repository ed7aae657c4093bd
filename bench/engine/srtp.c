/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SRTP of G.711 packets: ours in batches as a worker has them, libsrtp2 packet by packet, and what the transforms alone cost in
 * ipsec-mb over the same octets (one burst of ciphers and one of hashes, or GCM), with a key for each way of each stream.
 *
 *   srtp --streams 8192 [--suite AEAD_AES_128_GCM] [--turns 15] [--ms 40]     one JSON line: ns per packet, medians over turns in turn about
 *
 * Each packet is protected, then taken by the other side, which must find what was put in.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "bench/engine/srtp_sides.h"

enum {
	TURNS_MAX = 99,
	INTERRUPTED = 8, /* a batch that took so many times the shortest */
};

struct options {
	struct srtp_streams streams;
	uint32_t turns, ms;
};

struct contestant {
	struct srtp_side side;
	uint16_t *sequence;
	uint32_t next; /* stream whose turn it is */
	uint64_t packets, lost, timed, protect_ns, unprotect_ns;
	uint64_t least_ns; /* of a batch */
	double protect[TURNS_MAX], unprotect[TURNS_MAX];
};

static struct contestant g_contestants[WHO];
static struct srtp_packets g_packets;

/* ---- packets ---- */

static void batch_make(struct contestant *s, const struct options *o)
{
	for (uint32_t i = 0; i < BATCH_MAX; i++) {
		uint32_t stream = s->next++ % o->streams.count;
		uint8_t *p = g_packets.octets[i];

		memset(p, 0x55, SRTP_RTP_LEN);
		p[0] = 0x80;
		p[1] = 0;
		be16_put(p + 2, ++s->sequence[stream]);
		be32_put(p + 8, stream);
		g_packets.stream[i] = stream;
		g_packets.length[i] = SRTP_RTP_LEN;
	}
}

static bool is_back(uint32_t i)
{
	const uint8_t *p = g_packets.octets[i];

	return g_packets.length[i] == SRTP_RTP_LEN && p[SRTP_RTP_HEAD] == 0x55 &&
	       p[SRTP_RTP_LEN - 1] == 0x55;
}

static void batch_run(enum srtp_who who, struct contestant *s, const struct options *o)
{
	uint64_t start_ns, middle_ns, end_ns;

	batch_make(s, o);
	start_ns = clock_now_ns();
	srtp_side_run(&s->side, who, &o->streams, &g_packets, true);
	middle_ns = clock_now_ns();
	srtp_side_run(&s->side, who, &o->streams, &g_packets, false);
	end_ns = clock_now_ns();
	if (s->least_ns == 0 || end_ns - start_ns < s->least_ns)
		s->least_ns = end_ns - start_ns;
	/* another program had the core meanwhile: that time is nobody's */
	if (end_ns - start_ns < INTERRUPTED * s->least_ns) {
		s->unprotect_ns += end_ns - middle_ns;
		s->protect_ns += middle_ns - start_ns;
		s->timed += BATCH_MAX;
	}
	s->packets += BATCH_MAX;
	for (uint32_t i = 0; who != RAW && i < BATCH_MAX; i++)
		s->lost += !is_back(i);
}

/* Turns last as long for each; who is slow has fewer packets in them. */
static void turn_run(enum srtp_who who, const struct options *o, uint32_t turn)
{
	struct contestant *s = &g_contestants[who];
	uint64_t end_ns = clock_now_ns() + o->ms * NS_PER_MS;

	s->timed = s->protect_ns = s->unprotect_ns = 0;
	while (clock_now_ns() < end_ns || s->timed == 0)
		batch_run(who, s, o);
	s->protect[turn] = (double)s->protect_ns / (double)s->timed;
	s->unprotect[turn] = (double)s->unprotect_ns / (double)s->timed;
}

/* ---- figures ---- */

static int double_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *list, uint32_t count)
{
	qsort(list, count, sizeof(*list), double_compare);
	return list[count / 2];
}

static void print(const struct options *o, bool raw)
{
	static const char *const NAMES[WHO] = { "", "portable_", "libsrtp2_", "ipsec_mb_" };

	(void)printf("{\"suite\": \"%s\", \"streams\": %u, \"turns\": %u",
		     crypto_suite_name(o->streams.suite), o->streams.count, o->turns);
	for (enum srtp_who who = OURS; who < WHO; who++) {
		struct contestant *s = &g_contestants[who];

		if (who == RAW && !raw)
			continue;
		(void)printf(", \"%spackets\": %" PRIu64 ", \"%slost\": %" PRIu64
			     ", \"%sprotect_ns\": %.1f, \"%sunprotect_ns\": %.1f",
			     NAMES[who], s->packets, NAMES[who], s->lost, NAMES[who],
			     median(s->protect, o->turns), NAMES[who],
			     median(s->unprotect, o->turns));
	}
	(void)printf("}\n");
}

static void run(const struct options *o)
{
	bool raw = false; /* the last to be opened */

	for (enum srtp_who who = OURS; who < WHO; who++) {
		g_contestants[who].sequence = srtp_table(o->streams.count, sizeof(uint16_t));
		raw = srtp_side_open(&g_contestants[who].side, who, &o->streams);
	}
	for (uint32_t turn = 0; turn < o->turns; turn++)
		for (enum srtp_who who = OURS; who < WHO; who++)
			if (who != RAW || raw)
				turn_run(who, o, turn);
	print(o, raw);
}

static enum media_suite suite_read(const char *name)
{
	static const enum media_suite SUITES[] = { MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80,
						   MEDIA_SUITE_AES_CM_128_HMAC_SHA1_32,
						   MEDIA_SUITE_AEAD_AES_128_GCM,
						   MEDIA_SUITE_AEAD_AES_256_GCM };

	for (size_t i = 0; i < COUNT_OF(SUITES); i++) {
		if (strcmp(name, crypto_suite_name(SUITES[i])) == 0)
			return SUITES[i];
	}
	srtp_fail("no such suite (RFC 4568 6.2, RFC 7714 14.2)");
}

int main(int argc, char **argv)
{
	static const struct option OPTIONS[] = {
		{ "streams", required_argument, NULL, 's' },
		{ "suite", required_argument, NULL, 'c' },
		{ "turns", required_argument, NULL, 't' },
		{ "ms", required_argument, NULL, 'm' },
		{ 0 },
	};
	struct options o = {
		.streams = { .count = 1, .suite = MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80 },
		.turns = 15,
		.ms = 40,
	};
	int c;

	while ((c = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
		if (c == 's')
			o.streams.count = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'c')
			o.streams.suite = suite_read(optarg);
		else if (c == 't')
			o.turns = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'm')
			o.ms = (uint32_t)strtoul(optarg, NULL, 10);
		else
			srtp_fail("usage: srtp [--streams N] [--suite NAME] [--turns N] [--ms N]");
	}
	if (o.streams.count == 0 || o.turns == 0 || o.turns > TURNS_MAX || o.ms == 0)
		srtp_fail("--streams, --turns (to 99) and --ms are 1 or more");
	run(&o);
	return 0;
}
