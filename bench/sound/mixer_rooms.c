/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sound/mixer_rooms.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "dsp/codec/encoder.h"
#include "dsp/voice.h"
#include "engine/srtp/srtp.h"
#include "engine/worker/worker.h"
#include "media/rtp/rtp_parse.h"
#include "tests/unit/dsp/speech.h"

enum {
	NOISE = 400, /* behind each voice: -43 dBov */
	ROOM_CALL = 1 << 24,
	LEVEL_ID = 1,
	VOICE_BIT = 0x80,
	SECONDS_OF_KEYS = 1 << 30,
	COMFORT_MS = 400,
	REPORT_MS = 5000,
	COMFORT_PT = 13,
	COMMANDS = 64,
	EVENTS = 1024,
	CALIBRATION = 1000,
};

struct rooms_member {
	struct addr from;
	struct srtp_stream *keys; /* of what it sends; NULL: it is plain */
	uint16_t sequence;
	uint32_t timestamp, place; /* of its speech: frames from the first */
	enum rooms_says says;
	uint32_t every_ms, at_ms;
};

struct rooms {
	struct rooms_terms terms;
	struct worker w;
	struct sim_port *sim;
	struct media_metrics metrics;
	uint32_t count, now_ms;
	uint64_t cpu_ns, clock_ns; /* clock_ns: what one look at the clock costs */
	struct rooms_member *members;
};

static _Noreturn void rooms_fail(const char *what)
{
	(void)fprintf(stderr, "mixer: %s\n", what);
	exit(1);
}

/* ---- what is said ---- */

void rooms_speech_make(struct rooms_speech *s, enum media_codec codec, uint32_t rate,
		       uint32_t bit_rate)
{
	const struct media_codec_facts *facts = media_codec_facts(codec);
	static int16_t pcm[960];

	s->codec = codec;
	s->rate = rate;
	for (uint32_t v = 0; v < ROOMS_VOICES; v++) {
		struct speech speech = { .rate = rate, .at = rate * (1 + 7 * v) / 3, .noise = v };
		struct encoder_settings settings = { .codec = facts->name,
						     .bit_rate = bit_rate,
						     .complexity = 5,
						     .rate = codec == MEDIA_CODEC_OPUS ? rate : 0,
						     .voice = true };
		uint32_t n = rate / 1000 * ROOMS_FRAME_MS;
		struct encoder *e = NULL;

		if (encoder_open(&e, &settings))
			rooms_fail("no encoder");
		for (uint32_t f = 0; f < ROOMS_FRAMES; f++) {
			int length;

			speech_make(&speech, pcm, n);
			for (uint32_t k = 0; k < n; k++)
				pcm[k] = (int16_t)(pcm[k] * 3 / 4 + NOISE * speech_noise(&speech));
			length = encoder_frame(e, pcm, n, s->octets[v][f], ROOMS_OCTETS_MAX);
			if (length <= 0)
				rooms_fail("a packet was not made");
			s->lengths[v][f] = (uint16_t)length;
			s->levels[v][f] = voice_level(voice_energy(pcm, n), n);
		}
		encoder_close(e);
	}
}

/* ---- open, close ---- */

static struct media_key key_of(uint32_t slot, uint8_t which)
{
	struct media_key key = { .suite = MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, .length = 30 };

	memcpy(key.octets, &slot, sizeof(slot));
	key.octets[8] = which;
	return key;
}

static void rooms_command(struct rooms *r, const struct media_command *c)
{
	struct media_event event;

	if (!ring_push(&r->w.commands, c))
		rooms_fail("no room for a command");
	worker_step(&r->w);
	while (ring_pop(&r->w.events, &event, 1) == 1)
		if (event.error)
			rooms_fail("a command was refused");
}

static struct flow_spec spec_of(const struct rooms *r, uint32_t slot)
{
	const struct rooms_terms *t = &r->terms;
	const struct media_codec_facts *facts = media_codec_facts(t->speech->codec);
	struct flow_spec s = {
		.id = { slot, 1 },
		.call = slot + 1,
		.remote_rtp = { .family = ADDR_V4,
				.ip = { 10, 0, (uint8_t)(slot >> 8), (uint8_t)slot },
				.port = (uint16_t)(4000 + (slot >> 16)) },
		.ssrc_out = slot + 1,
		.receive = 1,
		.send = 1,
		.alone = 1,
		.rtcp_mux = 1,
		.rule_count = 1,
		.rules = { { facts->number, facts->number, .clock_hz = facts->clock_hz } },
		.rule_codecs = { (uint8_t)(t->speech->codec + 1) },
		.accepted_count = 1,
		.accepted = { { facts->number, (uint8_t)t->speech->codec } },
		.source = { .job = { slot / t->members, 1 }, .payload_type = facts->number },
		.member = { .number = slot % t->members + 1,
			    .level_extension = t->levels ? LEVEL_ID : 0 },
	};

	if (t->forwards) {
		s.peer = (struct flow_id){ slot ^ 1, 1 };
		s.source = (struct flow_source){ 0 };
	}
	if (t->keys) {
		s.key_in = key_of(slot, 1);
		s.key_out = key_of(slot, 2);
		s.srtp_limit = s.srtcp_limit = SECONDS_OF_KEYS;
	}
	return s;
}

static void member_open(struct rooms *r, uint32_t slot)
{
	const struct rooms_terms *t = &r->terms;
	struct rooms_member *m = &r->members[slot];
	struct flow_spec spec = spec_of(r, slot);
	struct media_key key = key_of(slot, 1);

	*m = (struct rooms_member){ .from = spec.remote_rtp,
				    .says = slot % t->members < t->talkers ? ROOMS_SPEECH
									   : t->others,
				    .place = slot * 37,
				    .every_ms = ROOMS_FRAME_MS };
	if (m->says == ROOMS_RTCP)
		m->every_ms = REPORT_MS;
	if (m->says == ROOMS_COMFORT ||
	    (m->says == ROOMS_SILENCE && t->speech->codec == MEDIA_CODEC_OPUS))
		m->every_ms = COMFORT_MS;
	m->at_ms = slot * 7 % m->every_ms;
	if (t->keys) {
		if (srtp_stream_open(&m->keys, &key))
			rooms_fail("no keys");
		srtp_stream_start(m->keys, 1, 0);
		srtp_stream_limit(m->keys, SECONDS_OF_KEYS, SECONDS_OF_KEYS);
	}
	rooms_command(r,
		      &(struct media_command){
			      .kind = MEDIA_FLOW_OPEN, .rtp_fd = -1, .rtcp_fd = -1, .spec = spec });
	/* as if it had been heard */
	r->w.flows.list[slot].latch_rtp.source = spec.remote_rtp;
}

static void clock_calibrate(struct rooms *r)
{
	uint64_t start_ns = clock_thread_cpu_ns();

	for (int i = 0; i < CALIBRATION; i++)
		(void)clock_thread_cpu_ns();
	r->clock_ns = (clock_thread_cpu_ns() - start_ns) / CALIBRATION;
}

struct rooms *rooms_open(const struct rooms_terms *t)
{
	struct rooms *r = aligned_alloc(alignof(struct rooms), sizeof(*r));
	struct worker_settings settings = { .slots = t->rooms * t->members,
					    .jobs = t->rooms,
					    .commands = COMMANDS,
					    .events = EVENTS };

	if (!r)
		rooms_fail("no memory");
	memset(r, 0, sizeof(*r));
	r->terms = *t;
	r->count = t->rooms * t->members;
	r->members = calloc(r->count, sizeof(*r->members));
	media_metrics_register_of(&r->metrics, 0);
	settings.metrics = &r->metrics;
	if (!r->members || worker_open(&r->w, &settings) ||
	    port_sim_open(&r->sim, r->count, 1000 * NS_PER_S, 1))
		rooms_fail("no worker");
	r->sim->unchecked = r->sim->in_place = r->sim->discards = true;
	r->w.port = &r->sim->port;
	for (uint32_t i = 0; i < t->rooms && !t->forwards; i++)
		rooms_command(
			r,
			&(struct media_command){
				.kind = MEDIA_JOB_OPEN,
				.job = { i, 1 },
				.call = ROOM_CALL + i,
				.work = { .kind = MEDIA_WORK_ROOM,
					  .room = { .rate_hz = t->rate_hz,
						    .talkers = t->everybody ? MEDIA_ROOM_TALKERS_ALL
									    : 0,
						    .members = (uint16_t)t->members,
						    .bit_rate = t->bit_rate } } });
	for (uint32_t slot = 0; slot < r->count; slot++)
		member_open(r, slot);
	clock_calibrate(r);
	return r;
}

void rooms_close(struct rooms *r)
{
	for (uint32_t i = 0; i < r->count; i++)
		srtp_stream_close(r->members[i].keys);
	worker_close(&r->w);
	free(r->members);
	free(r);
}

/* ---- time ---- */

static void step(struct rooms *r)
{
	struct media_event event;

	do {
		uint64_t start_ns = clock_thread_cpu_ns(), end_ns;

		worker_step(&r->w);
		end_ns = clock_thread_cpu_ns();
		r->cpu_ns += end_ns - start_ns > r->clock_ns ? end_ns - start_ns - r->clock_ns : 0;
		while (ring_pop(&r->w.events, &event, 1) == 1)
			continue;
	} while (turn_is_queued(&r->w) || r->sim->in_head != r->sim->in_tail);
}

static size_t level_write(uint8_t *p, uint8_t level)
{
	const uint8_t extension[] = { 0xbe, 0xde, 0, 1, LEVEL_ID << 4, 0, 0, 0 };

	memcpy(p, extension, sizeof(extension));
	p[5] = (uint8_t)(level < 50 ? VOICE_BIT | level : level);
	return sizeof(extension);
}

static size_t payload_write(const struct rooms *r, struct rooms_member *m, uint32_t slot,
			    uint8_t *p)
{
	const struct rooms_speech *s = r->terms.speech;
	uint32_t voice = slot % ROOMS_VOICES, frame = m->place++ % ROOMS_FRAMES;

	if (m->says == ROOMS_SPEECH) {
		memcpy(p, s->octets[voice][frame], s->lengths[voice][frame]);
		return s->lengths[voice][frame];
	}
	if (m->says == ROOMS_COMFORT) {
		p[0] = 70;
		return 1;
	}
	if (s->codec == MEDIA_CODEC_OPUS) {
		p[0] = s->octets[voice][0][0] & 0xfc;
		return 1;
	}
	memset(p, 0xff, 160);
	return 160;
}

static size_t packet_write(const struct rooms *r, struct rooms_member *m, uint32_t slot, uint8_t *p)
{
	const struct media_codec_facts *facts = media_codec_facts(r->terms.speech->codec);
	bool levels = r->terms.levels;
	size_t n = RTP_HEAD_LEN;

	p[0] = (uint8_t)(0x80 | (levels ? RTP_EXTENSION_BIT : 0));
	p[1] = m->says == ROOMS_COMFORT ? COMFORT_PT : facts->number;
	be16_put(p + 2, m->sequence++);
	be32_put(p + 4, m->timestamp);
	be32_put(p + 8, 0x1000 + slot);
	m->timestamp += facts->clock_hz / 1000 * m->every_ms;
	if (levels)
		n += level_write(p + n, m->says == ROOMS_SPEECH
						? r->terms.speech->levels[slot % ROOMS_VOICES]
									 [m->place % ROOMS_FRAMES]
						: 127);
	return n + payload_write(r, m, slot, p + n);
}

static size_t report_write(const struct rooms_member *m, uint32_t slot, uint8_t *p)
{
	const uint8_t head[] = { 0x80, 201, 0, 1 };

	(void)m;
	memcpy(p, head, sizeof(head));
	be32_put(p + 4, 0x1000 + slot);
	return 8;
}

static void member_send(struct rooms *r, uint32_t slot)
{
	struct rooms_member *m = &r->members[slot];
	uint8_t p[PACKET_MAX];
	bool report = m->says == ROOMS_RTCP;
	size_t n = report ? report_write(m, slot, p) : packet_write(r, m, slot, p);

	if (m->keys) {
		struct srtp_job job = { .stream = m->keys,
					.data = p,
					.length = (uint16_t)n,
					.capacity = sizeof(p),
					.is_rtcp = report };

		srtp_jobs_protect(&job, 1);
		n = job.length;
	}
	if (!port_sim_put(r->sim, slot, CHANNEL_RTP, &m->from, bytes_mem(p, n)))
		rooms_fail("no room for a packet");
}

uint64_t rooms_run(struct rooms *r, uint32_t ms)
{
	r->cpu_ns = 0;
	for (; ms > 0; ms--) {
		uint32_t put = 0;

		r->sim->now_ns += NS_PER_MS;
		r->now_ms++;
		for (uint32_t slot = 0; slot < r->count; slot++) {
			const struct rooms_member *m = &r->members[slot];

			if (m->says == ROOMS_NOTHING || r->now_ms % m->every_ms != m->at_ms)
				continue;
			member_send(r, slot);
			if (++put % BATCH_MAX == 0)
				step(r);
		}
		step(r);
	}
	return r->cpu_ns;
}

uint64_t rooms_sent(const struct rooms *r)
{
	return r->sim->sent;
}
