/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conferences in the engine: a worker with its jitter buffers, SRTP and packets on port_sim, in virtual time. CPU time of its thread.
 *
 *   mixer_engine [--turns 5] [--ms 2000] [--quick] [--only NAME]     one JSON line a row, medians over turns
 *
 * What "an encoder for each member" costs is what the room costs, and as many encodes by encoders of their own in the same turn.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "bench/sound/mixer_rooms.h"
#include "dsp/codec/decoder.h"
#include "dsp/codec/encoder.h"

enum {
	PARTY = 500,
	TALKERS = 3,
	TURNS_MAX = 99,
	WARM_UP_MS = 1500,
	EACH_TICKS = 10, /* of encoders of their own, which take long */
	ALL_MEMBERS = 2000,
	IDLE_ROOMS = 10000,
	IDLE_MS = 5000,
};

#define SENT_LEAST 0.95
#define SENT_MOST  1.05 /* with reports */

struct options {
	uint32_t turns, ms;
	bool quick;
	const char *only; /* rows whose name begins so; NULL: all */
};

static bool feedback_is_offered(const struct options *o, const char *name)
{
	return !o->only || strncmp(name, o->only, strlen(o->only)) == 0;
}

static struct rooms_speech g_speech;

static int double_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *list, uint32_t n)
{
	qsort(list, n, sizeof(*list), double_compare);
	return list[n / 2];
}

/* A figure of nothing would be none. */
static void sent_check(const struct rooms_terms *t, uint64_t sent, uint64_t ms)
{
	double all = (double)ms / ROOMS_FRAME_MS * t->rooms * t->members;

	if ((double)sent >= (t->talkers ? SENT_LEAST * all : 0) &&
	    (double)sent <=
		    (t->talkers ? all * SENT_MOST : (double)ms / 1000 * t->rooms * t->members))
		return;
	(void)fprintf(stderr, "mixer: %.0f packets were sent, %.0f are due\n", (double)sent,
		      t->talkers ? all : 0);
	exit(1);
}

/* CPU time of one ms of virtual time, ns. */
static double run(const struct rooms_terms *t, const struct options *o)
{
	struct rooms *r = rooms_open(t);
	double list[TURNS_MAX], result;
	uint64_t sent;

	(void)rooms_run(r, WARM_UP_MS);
	sent = rooms_sent(r);
	for (uint32_t i = 0; i < o->turns; i++)
		list[i] = (double)rooms_run(r, o->ms) / o->ms;
	sent_check(t, rooms_sent(r) - sent, (uint64_t)o->turns * o->ms);
	result = median(list, o->turns);
	rooms_close(r);
	return result;
}

/* ---- 500 of whom three talk ---- */

struct each {
	double encode_us, decode_us; /* of a frame */
};

/* By as many as there are members, one after the other. */
static struct each each_measure(uint32_t rate, uint32_t bit_rate)
{
	static struct encoder *encoders[PARTY];
	static struct decoder *decoders[PARTY];
	static int16_t pcm[960];
	static uint8_t octets[1400];
	struct encoder_settings e = { "opus", .bit_rate = bit_rate, .complexity = 5, .rate = rate,
				      .voice = true };
	struct each each = { 0 };
	uint64_t start_ns;

	for (uint32_t i = 0; i < PARTY; i++)
		if (encoder_open(&encoders[i], &e) ||
		    decoder_open(&decoders[i], &(struct decoder_settings){ "opus", rate }))
			exit(1);
	for (uint32_t k = 0; k < EACH_TICKS; k++) {
		struct bytes packet = bytes_mem(g_speech.octets[0][k], g_speech.lengths[0][k]);

		start_ns = clock_thread_cpu_ns();
		for (uint32_t i = 0; i < PARTY; i++)
			(void)decoder_frame(decoders[i], packet, pcm, 960);
		each.decode_us += (double)(clock_thread_cpu_ns() - start_ns) / 1000;
		start_ns = clock_thread_cpu_ns();
		for (uint32_t i = 0; i < PARTY; i++)
			(void)encoder_frame(encoders[i], pcm, rate / 50, octets, sizeof(octets));
		each.encode_us += (double)(clock_thread_cpu_ns() - start_ns) / 1000;
	}
	for (uint32_t i = 0; i < PARTY; i++) {
		encoder_close(encoders[i]);
		decoder_close(decoders[i]);
	}
	each.encode_us /= PARTY * EACH_TICKS;
	each.decode_us /= PARTY * EACH_TICKS;
	return each;
}

static void opus_row(const char *name, double tick_us, double more_us, double each_us)
{
	(void)printf("{\"name\": \"%s\", \"members\": %u, \"tick_us\": %.1f, "
		     "\"encode_per_member_us\": %.1f, \"ratio_vs_encode_per_member\": %.5f}\n",
		     name, PARTY, tick_us + more_us, each_us, (tick_us + more_us) / each_us);
	(void)fflush(stdout);
}

/* An encoder each decodes no more than three, too: it has an encode more for each member, and four less. */
static void opus_rows(uint32_t rate, uint32_t bit_rate, const struct options *o)
{
	struct rooms_terms t = { .rooms = 1,
				 .members = PARTY,
				 .talkers = TALKERS,
				 .others = ROOMS_SILENCE,
				 .keys = true,
				 .speech = &g_speech,
				 .rate_hz = rate,
				 .bit_rate = bit_rate };
	struct each each;
	double tick_us, each_us, all_us, levels_us, decodes_us;
	char name[64];

	rooms_speech_make(&g_speech, MEDIA_CODEC_OPUS, rate, bit_rate);
	each = each_measure(rate, bit_rate);
	tick_us = run(&t, o) * ROOMS_FRAME_MS / 1000;
	each_us = tick_us + (PARTY - TALKERS - 1) * each.encode_us;
	(void)snprintf(name, sizeof(name), "room_opus_%u", rate / 1000);
	opus_row(name, tick_us, 0, each_us);
	t.talkers = PARTY;
	all_us = run(&t, o) * ROOMS_FRAME_MS / 1000;
	t.levels = true;
	levels_us = run(&t, o) * ROOMS_FRAME_MS / 1000;
	/* none is decoded for its loudness: all but those who are heard are added */
	decodes_us = (PARTY - TALKERS) * each.decode_us;
	each_us = levels_us + decodes_us + (PARTY - TALKERS - 1) * each.encode_us;
	(void)snprintf(name, sizeof(name), "room_opus_%u_all_talk_decoded", rate / 1000);
	opus_row(name, levels_us, decodes_us, each_us);
	(void)snprintf(name, sizeof(name), "room_opus_%u_all_talk", rate / 1000);
	opus_row(name, all_us, 0, each_us);
	(void)snprintf(name, sizeof(name), "room_opus_%u_all_talk_levels", rate / 1000);
	opus_row(name, levels_us, 0, each_us);
}

/* ---- G.711 ---- */

/* Members that one core has time for. */
static double members_per_core(const struct rooms_terms *t, const struct options *o)
{
	return t->rooms * t->members * (double)NS_PER_MS / run(t, o);
}

static void g711_row(uint32_t members, const struct options *o)
{
	struct rooms_terms t = { .rooms = ALL_MEMBERS / members,
				 .members = members,
				 .talkers = members,
				 .everybody = true,
				 .speech = &g_speech,
				 .rate_hz = 8000 };
	double talking, three, listening, silent, all_ns, two_ns;

	talking = members_per_core(&t, o);
	t.everybody = false;
	three = members_per_core(&t, o);
	t.everybody = true;
	t.talkers = 1;
	t.others = ROOMS_NOTHING;
	all_ns = run(&t, o);
	listening = t.rooms * members * (double)NS_PER_MS / all_ns;
	t.members = 2;
	two_ns = run(&t, o);
	t.members = members;
	t.talkers = 0;
	t.others = ROOMS_SILENCE;
	silent = members_per_core(&t, o);
	(void)printf("{\"name\": \"g711_rooms_of_%u\", \"members\": %u, "
		     "\"g711_members_per_core_sim\": %.0f, \"three_heard_per_core_sim\": %.0f, "
		     "\"listeners_per_core_sim\": %.0f, "
		     "\"listeners_with_their_rooms_per_core_sim\": %.0f, "
		     "\"silent_per_core_sim\": %.0f}\n",
		     members, ALL_MEMBERS, talking, three,
		     t.rooms * (members - 2) * (double)NS_PER_MS / (all_ns - two_ns), listening,
		     silent);
	(void)fflush(stdout);
}

static void g711_forward_row(const struct options *o)
{
	struct rooms_terms t = {
		.rooms = 1, .members = 200, .talkers = 200, .speech = &g_speech, .rate_hz = 8000
	};
	double room_ns = run(&t, o), forward_ns;

	t.forwards = true;
	forward_ns = run(&t, o);
	(void)printf("{\"name\": \"g711_200\", \"members\": 200, "
		     "\"ratio_g711_room_vs_forward_sim\": %.3f, "
		     "\"g711_cpu_ms_per_member_s_sim\": %.4f}\n",
		     room_ns / forward_ns, room_ns * 1000 / 200 / NS_PER_MS);
	(void)fflush(stdout);
}

static void thirds_row(const struct options *o)
{
	struct rooms_terms small = { .rooms = 33,
				     .members = 3,
				     .talkers = 3,
				     .everybody = true,
				     .speech = &g_speech,
				     .rate_hz = 8000 };
	struct rooms_terms large = small;
	double small_ns, large_ns;

	large.rooms = 1;
	large.members = large.talkers = 99;
	small_ns = run(&small, o);
	large_ns = run(&large, o);
	(void)printf(
		"{\"name\": \"g711_33_rooms_of_3\", \"members\": 99, "
		"\"ratio_vs_room_of_99\": %.3f, \"rooms_tick_us\": %.1f, \"room_tick_us\": %.1f}\n",
		small_ns / large_ns, small_ns * ROOMS_FRAME_MS / 1000,
		large_ns * ROOMS_FRAME_MS / 1000);
	(void)fflush(stdout);
}

static void idle_row(const struct options *o)
{
	struct rooms_terms t = { .rooms = o->quick ? IDLE_ROOMS / 10 : IDLE_ROOMS,
				 .members = 3,
				 .others = ROOMS_RTCP,
				 .speech = &g_speech,
				 .rate_hz = 8000 };
	struct options once = *o;
	double rtcp_ns, comfort_ns, of = o->quick ? 10 : 1;

	once.turns = 1;
	once.ms = IDLE_MS;
	rtcp_ns = run(&t, &once);
	t.others = ROOMS_COMFORT;
	comfort_ns = run(&t, &once);
	(void)printf("{\"name\": \"idle_rooms\", \"rooms\": %u, \"members\": 3, "
		     "\"idle_rooms_core_percent\": %.2f, \"comfort_core_percent\": %.2f}\n",
		     IDLE_ROOMS, rtcp_ns * of * 100 / NS_PER_MS, comfort_ns * of * 100 / NS_PER_MS);
	(void)fflush(stdout);
}

static void rows_run(const struct options *o)
{
	static const uint32_t SIZES[] = { 10, 100, ALL_MEMBERS };

	if (feedback_is_offered(o, "room_opus_16"))
		opus_rows(16000, 20000, o);
	if (feedback_is_offered(o, "room_opus_48"))
		opus_rows(48000, 28000, o);
	rooms_speech_make(&g_speech, MEDIA_CODEC_PCMU, 8000, 0);
	for (size_t i = 0; i < COUNT_OF(SIZES); i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "g711_rooms_of_%u", SIZES[i]);
		if (feedback_is_offered(o, name))
			g711_row(SIZES[i], o);
	}
	if (feedback_is_offered(o, "g711_200"))
		g711_forward_row(o);
	if (feedback_is_offered(o, "g711_33"))
		thirds_row(o);
	if (feedback_is_offered(o, "idle"))
		idle_row(o);
}

int main(int argc, char **argv)
{
	static const struct option OPTIONS[] = { { "turns", required_argument, NULL, 't' },
						 { "ms", required_argument, NULL, 'm' },
						 { "quick", no_argument, NULL, 'q' },
						 { "only", required_argument, NULL, 'o' },
						 { 0 } };
	struct options o = { .turns = 5, .ms = 2000 };
	int option;

	while ((option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
		if (option == 'q')
			o.quick = true;
		else if (option == 'o')
			o.only = optarg;
		else if (option != '?')
			*(option == 't' ? &o.turns : &o.ms) = (uint32_t)strtoul(optarg, NULL, 10);
		else
			o.turns = 0;
	}
	if (o.turns == 0 || o.turns > TURNS_MAX || o.ms == 0) {
		(void)fprintf(
			stderr,
			"usage: mixer_engine [--turns 1 to 99] [--ms N] [--quick] [--only NAME]\n");
		return 1;
	}
	rows_run(&o);
	return 0;
}
