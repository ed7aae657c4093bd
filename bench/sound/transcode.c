/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What it costs to code calls anew, on port_sim: both directions of 20 ms, without the kernel. Beside it, in turns, what the bare codecs
 * cost for the same sound with the same settings.
 *
 *   transcode --codec opus|G722 [--calls 50] [--rounds 500] [--seconds 5]    one JSON line
 *   transcode --codec opus|G722 --payloads                                  what both sides say, in hex
 *   transcode --peer wide|full ...      the party with Opus sends more than it is sent; the bare codecs have the narrow band all the same
 *   transcode --full ...                Opus at 48 kHz and complexity 10, as some servers have it: what resamples is the worker's
 *
 * The other party of each call has PCMU. In the last part packets come at the rate of time, each call's at a moment of its own: late is
 * what leaves, after it came.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "dsp/codec/decoder.h"
#include "dsp/codec/encoder.h"
#include "dsp/resample.h"
#include "engine/port/port_sim.h"
#include "engine/worker/worker.h"

/* What parties send: PCMU, and the other codec in two ways. */
enum sound_kind {
	SOUND_PCMU,
	SOUND_OTHER, /* as the engine encodes it, and what the bare codecs decode */
	SOUND_PEER,  /* what the party sends: the same, or with more bandwidth */
	SOUND_KINDS,
};

enum {
	FRAMES = 250, /* of a sound of five seconds */
	OCTETS_MAX = 400,
	PERIOD_MS = 20,
	BLOCK = 20, /* rounds of one kind, then of the other */
	STEPS_MAX = 1 << 18,
	FULL_COMPLEXITY = 10,
	PT_NARROW = 0,
	PT_OTHER = 96,
	LATE_MAX = 1 << 22,
};

struct sound {
	uint8_t octets[FRAMES][OCTETS_MAX];
	uint16_t length[FRAMES];
};

struct call {
	struct decoder *in[2];
	struct encoder *out[2];
};

struct bench {
	uint32_t calls, rounds, seconds;
	enum media_codec other;
	bool full;            /* Opus at 48 kHz, and as complex as can be */
	struct sixth_band up; /* where it is full: what the bare codec encodes */
	uint32_t peer_rate; /* of the PCM that the party with Opus encodes; 0: that of the engine */
	struct sound sound[SOUND_KINDS];
	struct call *list; /* bare codecs */
	struct worker w;
	struct sim_port *sim;
	struct media_metrics metrics;
	uint32_t *sent; /* packets of each flow */
	uint64_t *came_ns;
	uint32_t *late_us;
	size_t late_count;
	uint64_t out;
	uint32_t *step_ns; /* CPU time of each step of the rounds, for the first STEPS_MAX */
	size_t steps;
};

static void check(const char *what, int err)
{
	if (err >= 0)
		return;
	(void)fprintf(stderr, "transcode: %s: %s\n", what, strerror(-err));
	exit(1);
}

static uint32_t rate_of(const struct bench *b)
{
	if (b->other == MEDIA_CODEC_G722)
		return 16000;
	return b->full ? CODEC_RATE_MAX : 8000;
}

static struct encoder_settings settings_of(const struct bench *b, int side)
{
	if (side == 0)
		return (struct encoder_settings){ .codec = "PCMU" };
	if (b->other == MEDIA_CODEC_G722)
		return (struct encoder_settings){ .codec = "G722" };
	return (struct encoder_settings){ .codec = "opus",
					  .rate = rate_of(b),
					  .bit_rate = b->full ? 24000 : 12000,
					  .complexity =
						  b->full ? FULL_COMPLEXITY : CODING_COMPLEXITY,
					  .voice = true };
}

static struct encoder_settings settings_of_peer(const struct bench *b)
{
	struct encoder_settings s = settings_of(b, 1);

	if (b->peer_rate) {
		s.rate = b->peer_rate;
		s.bit_rate = b->peer_rate == 48000 ? 32000 : 20000;
	}
	return s;
}

/* ---- a sound: harmonics that come and go, as vowels do, with noise between ---- */

static int16_t sample_at(uint32_t i, uint32_t rate)
{
	static uint32_t noise = 1;
	double t = (double)i / rate, pitch = 110 + 30 * sin(2 * M_PI * 0.7 * t), sum = 0;
	double loud = 0.5 + 0.5 * sin(2 * M_PI * 2.3 * t);

	for (int h = 1; h < 20 * (int)rate / 8000; h++)
		sum += sin(2 * M_PI * pitch * h * t) / h * (h * pitch < 0.425 * rate);
	noise = noise * 1664525 + 1013904223;
	return (int16_t)(loud * loud * 5000 * sum + (double)(noise >> 16) / 65536 * 300);
}

static void sound_make(struct bench *b, enum sound_kind kind)
{
	struct encoder_settings s =
		kind == SOUND_PEER ? settings_of_peer(b) : settings_of(b, kind == SOUND_OTHER);
	struct encoder *e = NULL;
	static int16_t pcm[CODEC_SAMPLES_MAX];

	check("encoder", encoder_open(&e, &s));
	for (uint32_t n = 0, at = 0; n < FRAMES; n++) {
		struct codec_format f = encoder_format(e);
		int length;

		for (uint32_t i = 0; i < f.samples; i++)
			pcm[i] = sample_at(at++, f.rate);
		length = encoder_frame(e, pcm, f.samples, b->sound[kind].octets[n], OCTETS_MAX);
		check("encode", length);
		b->sound[kind].length[n] = (uint16_t)length;
	}
	encoder_close(e);
}

static struct bytes frame_of(const struct bench *b, enum sound_kind kind, uint32_t n)
{
	return bytes_mem(b->sound[kind].octets[n % FRAMES], b->sound[kind].length[n % FRAMES]);
}

/* ---- bare codecs ---- */

static void bare_open(struct bench *b)
{
	b->list = calloc(b->calls, sizeof(*b->list));
	if (!b->list)
		check("calls", -ENOMEM);
	for (uint32_t i = 0; i < b->calls; i++)
		for (int side = 0; side < 2; side++) {
			struct encoder_settings out = settings_of(b, side);
			struct decoder_settings in = { .codec = out.codec,
						       .rate = side ? rate_of(b) : 0 };

			check("decoder", decoder_open(&b->list[i].in[side], &in));
			check("encoder", encoder_open(&b->list[i].out[side], &out));
		}
}

/* Each codec has the PCM of its own rate: none is converted. */
static void bare_call(struct bench *b, struct call *c, uint32_t n, const int16_t *narrow,
		      const int16_t *other)
{
	static int16_t pcm[CODEC_SAMPLES_MAX];
	uint8_t octets[OCTETS_MAX];

	for (int side = 0; side < 2; side++) {
		struct codec_format f = encoder_format(c->out[side]);

		check("decode",
		      decoder_frame(c->in[side], frame_of(b, side ? SOUND_OTHER : SOUND_PCMU, n),
				    pcm, CODEC_SAMPLES_MAX));
		check("encode", encoder_frame(c->out[side], side ? other : narrow, f.samples,
					      octets, sizeof(octets)));
	}
}

static uint64_t bare_round(struct bench *b, uint32_t n)
{
	static int16_t narrow[CODEC_SAMPLES_MAX], other[CODEC_SAMPLES_MAX];
	uint64_t start_ns;

	for (uint32_t i = 0; i < 160; i++)
		narrow[i] = sample_at(n * 160 + i, 8000);
	if (b->full) /* as much as the worker has, which knows no more */
		sixth_band_up(&b->up, narrow, 160, other);
	for (uint32_t i = 0; !b->full && i < rate_of(b) / 50; i++)
		other[i] = sample_at(n * rate_of(b) / 50 + i, rate_of(b));
	start_ns = clock_thread_cpu_ns();
	for (uint32_t i = 0; i < b->calls; i++)
		bare_call(b, &b->list[i], n, narrow, other);
	return clock_thread_cpu_ns() - start_ns;
}

/* ---- the engine ---- */

static struct addr party(uint32_t slot)
{
	struct addr a = { 0 };

	check("address", addr_parse(&a, bytes_str("192.0.2.1:1")));
	a.port = (uint16_t)(10000 + slot);
	return a;
}

/* Flow 2i faces the party with PCMU, 2i + 1 the other one. */
static struct flow_spec spec_of(const struct bench *b, uint32_t slot)
{
	bool other = slot % 2;
	struct flow_spec s = {
		.id = { .slot = slot, .generation = 1 },
		.peer = { .slot = slot ^ 1, .generation = 1 },
		.remote_rtp = party(slot),
		.ssrc_out = 0x20000000 + slot,
		.latch = LATCH_SAME_IP,
		.receive = 1,
		.send = 1,
		.event_pt = PAYLOAD_NONE,
		.rule_count = 1,
		.rules = { { .in = other ? PT_OTHER : PT_NARROW,
			     .out = other ? PT_NARROW : PT_OTHER,
			     .coding = 1 } },
		.codings = { { .from = (uint8_t)(other ? b->other : MEDIA_CODEC_PCMU),
			       .to = (uint8_t)(other ? MEDIA_CODEC_PCMU : b->other),
			       .complexity =
				       b->full ? FULL_COMPLEXITY
					       : CODING_COMPLEXITY } }, /* whatever the load is */
	};

	s.rules[0].clock_hz = media_codec_facts(s.codings[0].from)->clock_hz;
	return s;
}

static void engine_begin(struct bench *b)
{
	struct worker_settings settings = {
		.slots = b->calls * 2, .commands = 64, .events = 1 << 12, .metrics = &b->metrics
	};

	if (b->full)
		settings.coding = ease_pack(FULL_COMPLEXITY, EASE_BUSY) | EASE_FULL_RATE;

	media_metrics_register_of(&b->metrics, 0);
	check("worker", worker_open(&b->w, &settings));
	check("port", port_sim_open(&b->sim, b->calls * 2, clock_now_ns(), 1));
	b->sim->unchecked = true;
	b->w.port = &b->sim->port;
	b->sent = calloc(b->calls * 2, sizeof(*b->sent));
	b->came_ns = calloc(b->calls * 2, sizeof(*b->came_ns));
	b->late_us = calloc(LATE_MAX, sizeof(*b->late_us));
	b->step_ns = calloc(STEPS_MAX, sizeof(*b->step_ns));
	if (!b->sent || !b->came_ns || !b->late_us || !b->step_ns)
		check("flows", -ENOMEM);
	for (uint32_t i = 0; i < b->calls * 2; i++) {
		struct media_command c = {
			.kind = MEDIA_FLOW_OPEN, .rtp_fd = -1, .rtcp_fd = -1, .spec = spec_of(b, i)
		};

		(void)ring_push(&b->w.commands, &c);
		worker_step(&b->w);
	}
	if (b->w.transcoders.open != b->calls * 2)
		check("coders", -EINVAL);
}

static void packet_put(struct bench *b, uint32_t slot)
{
	uint8_t packet[12 + OCTETS_MAX];
	int side = (int)slot % 2;
	uint32_t n = b->sent[slot]++;
	struct bytes payload = frame_of(b, side ? SOUND_PEER : SOUND_PCMU, n);
	uint32_t clock_hz = side && b->other == MEDIA_CODEC_OPUS ? 48000 : 8000;
	struct addr from = party(slot);

	packet[0] = 0x80;
	packet[1] = side ? PT_OTHER : PT_NARROW;
	be16_put(packet + 2, (uint16_t)n);
	be32_put(packet + 4, n * (clock_hz / 50));
	be32_put(packet + 8, slot);
	memcpy(packet + 12, payload.p, payload.n);
	if (!port_sim_put(b->sim, slot, CHANNEL_RTP, &from, bytes_mem(packet, 12 + payload.n)))
		check("put", -ENOSPC);
}

/* Its CPU time. A long one is a slice, and what else a step does. */
static uint64_t step(struct bench *b)
{
	static struct media_event events[16];
	uint64_t start_ns = clock_thread_cpu_ns(), ns;

	worker_step(&b->w);
	ns = clock_thread_cpu_ns() - start_ns;
	if (b->steps < STEPS_MAX)
		b->step_ns[b->steps++] = (uint32_t)ns;
	while (ring_pop(&b->w.events, events, COUNT_OF(events)) > 0)
		continue;
	return ns;
}

static void packets_take(struct bench *b, uint64_t now_ns)
{
	const struct sim_packet *p;

	while ((p = port_sim_sent(b->sim)) != NULL) {
		if (p->channel != CHANNEL_RTP || p->length <= 12)
			continue;
		b->out++;
		if (now_ns && b->late_count < LATE_MAX)
			b->late_us[b->late_count++] =
				(uint32_t)((now_ns - b->came_ns[p->slot ^ 1]) / NS_PER_US);
	}
}

static uint64_t engine_round(struct bench *b)
{
	uint64_t cpu_ns = 0;

	for (uint32_t slot = 0; slot < b->calls * 2;) {
		for (uint32_t i = 0; i < BATCH_MAX && slot < b->calls * 2; i++)
			packet_put(b, slot++);
		do {
			cpu_ns += step(b);
			packets_take(b, 0);
		} while (turn_is_queued(&b->w));
	}
	b->sim->now_ns += PERIOD_MS * NS_PER_MS;
	return cpu_ns;
}

/* ---- at the rate of time ---- */

static uint64_t due_of(const struct bench *b, uint64_t start_ns, uint32_t slot, uint32_t n)
{
	uint64_t phase =
		(uint64_t)slot * 7919 % (b->calls * 2) * PERIOD_MS * NS_PER_MS / (b->calls * 2);

	return start_ns + phase + (uint64_t)n * PERIOD_MS * NS_PER_MS;
}

static void paced_run(struct bench *b)
{
	uint64_t start_ns = clock_now_ns(), now_ns = start_ns;
	uint32_t *n = calloc(b->calls * 2, sizeof(*n));

	if (!n)
		check("paced", -ENOMEM);
	while (now_ns - start_ns < b->seconds * NS_PER_S) {
		uint32_t put = 0;

		now_ns = clock_now_ns();
		for (uint32_t slot = 0; slot < b->calls * 2 && put < BATCH_MAX; slot++) {
			uint64_t due_ns = due_of(b, start_ns, slot, n[slot]);

			if (now_ns < due_ns)
				continue;
			n[slot]++;
			put++;
			b->came_ns[slot] = due_ns;
			packet_put(b, slot);
		}
		b->sim->now_ns = now_ns > b->sim->now_ns ? now_ns : b->sim->now_ns;
		if (put == 0 && !turn_is_queued(&b->w))
			continue;
		(void)step(b);
		packets_take(b, clock_now_ns());
	}
	free(n);
}

static int late_order(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static uint32_t late_at(const struct bench *b, uint32_t per_mille)
{
	return b->late_count ? b->late_us[(b->late_count - 1) * per_mille / 1000] : 0;
}

static double us_of(const struct bench *b, uint64_t ns)
{
	return (double)ns / 1000 / b->rounds / b->calls;
}

/* The same steps in each run of the program: who runs it often finds what a step costs without the machine's own pauses. */
static void steps_print(const struct bench *b, size_t count)
{
	(void)printf("\"steps_us\": [");
	for (size_t i = 0; i < count; i++)
		(void)printf("%s%" PRIu32, i ? ", " : "", b->step_ns[i] / 1000);
	(void)printf("]}\n");
}

static void bench_run(struct bench *b)
{
	uint64_t bare_ns = 0, transcoded_ns = 0;
	size_t steps;
	int64_t lost;

	for (uint32_t n = 0; n < BLOCK; n++) { /* everything was touched */
		(void)bare_round(b, n);
		(void)engine_round(b);
	}
	b->out = b->steps = 0;
	for (uint32_t n = 0; n < b->rounds; n += BLOCK) {
		for (uint32_t i = 0; i < BLOCK; i++)
			bare_ns += bare_round(b, n + i);
		for (uint32_t i = 0; i < BLOCK; i++)
			transcoded_ns += engine_round(b);
	}
	steps = b->steps;
	lost = (int64_t)b->rounds * b->calls * 2 - (int64_t)b->out;
	paced_run(b);
	qsort(b->late_us, b->late_count, sizeof(*b->late_us), late_order);
	(void)printf("{\"codec\": \"%s\", \"calls\": %u, \"lost\": %" PRId64
		     ", \"us_per_call\": %.2f, \"codec_us_per_call\": %.2f, "
		     "\"ratio_vs_codec_cost\": %.3f, \"late_p50_us\": %u, \"late_p999_us\": %u, ",
		     media_codec_facts(b->other)->name, b->calls, lost, us_of(b, transcoded_ns),
		     us_of(b, bare_ns), (double)transcoded_ns / (double)bare_ns, late_at(b, 500),
		     late_at(b, 999));
	steps_print(b, steps);
}

/* For who loads another server with it (transcode_peers.py). */
static void payloads_print(const struct bench *b)
{
	for (int side = 0; side < 2; side++) {
		const struct sound *s = &b->sound[side ? SOUND_PEER : SOUND_PCMU];

		(void)printf("%s\"%s\": [", side ? ", " : "{",
			     side ? media_codec_facts(b->other)->name : "PCMU");
		for (uint32_t n = 0; n < FRAMES; n++) {
			(void)printf("%s\"", n ? ", " : "");
			for (uint16_t i = 0; i < s->length[n]; i++)
				(void)printf("%02x", s->octets[n][i]);
			(void)printf("\"");
		}
		(void)printf("]");
	}
	(void)printf("}\n");
}

int main(int argc, char **argv)
{
	static const struct option OPTIONS[] = {
		{ "codec", required_argument, NULL, 'c' },
		{ "calls", required_argument, NULL, 'n' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "seconds", required_argument, NULL, 's' },
		{ "payloads", no_argument, NULL, 'p' },
		{ "peer", required_argument, NULL, 'e' },
		{ "full", no_argument, NULL, 'f' },
		{ 0 },
	};
	static struct bench b = {
		.calls = 50, .rounds = 500, .seconds = 5, .other = MEDIA_CODEC_OPUS
	};
	bool payloads = false;
	int c;

	log_setup(2, LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	while ((c = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
		if (c == 'c')
			b.other = strcmp(optarg, "G722") == 0 ? MEDIA_CODEC_G722 : MEDIA_CODEC_OPUS;
		else if (c == 'n')
			b.calls = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'r')
			b.rounds = (uint32_t)strtoul(optarg, NULL, 10) / BLOCK * BLOCK;
		else if (c == 's')
			b.seconds = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'p')
			payloads = true;
		else if (c == 'f')
			b.full = true;
		else if (c == 'e' && strcmp(optarg, "wide") == 0)
			b.peer_rate = 16000;
		else if (c == 'e' && strcmp(optarg, "full") == 0)
			b.peer_rate = 48000;
		else
			return 1;
	}
	if (b.calls == 0 || b.rounds == 0)
		return 1;
	for (int kind = 0; kind < SOUND_KINDS; kind++)
		sound_make(&b, (enum sound_kind)kind);
	if (payloads) {
		payloads_print(&b);
		return 0;
	}
	bare_open(&b);
	engine_begin(&b);
	bench_run(&b);
	worker_close(&b.w);
	return 0;
}
