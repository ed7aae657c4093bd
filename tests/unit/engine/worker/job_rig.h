/* SPDX-License-Identifier: Apache-2.0 */
/* A rig (tests/unit/engine/rig.h) whose parties hear sounds. */
#ifndef TESTS_UNIT_ENGINE_WORKER_JOB_RIG_H
#define TESTS_UNIT_ENGINE_WORKER_JOB_RIG_H

#include "dsp/codec/g711.h"
#include "engine/worker/worker.h"
#include "media/job.h"
#include "tests/unit/engine/rig.h"

enum { MUSIC = 2 /* slot */, MUSIC_PT = 0, RATE = 8000, FRAME = 160, FRAME_MS = 20 };

static const struct job_id MUSIC_ID = { .slot = MUSIC, .generation = 3 };

/* No two frames of it are alike. */
static UNUSED struct media_sound *sound_of(uint32_t rate_hz, uint32_t length)
{
	struct media_sound *s = media_sound_make(rate_hz, length);

	assert_non_null(s);
	for (uint32_t i = 0; i < length; i++)
		s->samples[i] = (int16_t)(i * 37 % 30000 - 15000);
	return s;
}

/* G.711 mu in packets of 20 ms, over and over. */
static UNUSED struct media_track track_of(struct media_sound *sound)
{
	return (struct media_track){ .sound = media_sound_ref(sound),
				     .codec = MEDIA_CODEC_PCMU,
				     .packet_ms = FRAME_MS,
				     .loops = 1 };
}

static UNUSED void job_open_as(struct rig *r, struct job_id id, const struct media_track *track)
{
	rig_command(
		r, &(struct media_command){
			   .kind = MEDIA_JOB_OPEN, .job = id, .call = 4711, .work.track = *track });
}

/* Its answer; what it has of a sound is dropped, as the engine does. */
static UNUSED struct media_event job_close_as(struct rig *r, struct job_id id)
{
	struct media_event event;

	rig_command(r, &(struct media_command){ .kind = MEDIA_JOB_CLOSE, .job = id });
	assert_true(rig_event(r, MEDIA_JOB_CLOSED, &event));
	media_sound_unref(event.sound);
	return event;
}

static UNUSED void hears(struct rig *r, int side, struct job_id id, uint8_t payload_type)
{
	r->spec[side].source = (struct flow_source){ .job = id, .payload_type = payload_type };
	rig_update(r, &r->spec[side]);
}

static UNUSED void hears_peer(struct rig *r, int side)
{
	hears(r, side, (struct job_id){ 0 }, 0);
}

struct played {
	struct rtp rtp;
	uint32_t slot;
	uint64_t at_ms; /* since the start */
	uint8_t octets[PACKET_MAX];
};

static UNUSED size_t played_take(struct rig *r, struct played *out, size_t max)
{
	const struct sim_packet *p;
	size_t n = 0;

	while (n < max && (p = port_sim_sent(r->sim)) != NULL) {
		out[n] = (struct played){ .rtp = rtp_read(p),
					  .slot = p->slot,
					  .at_ms = (r->sim->now_ns - RIG_START) / NS_PER_MS };
		memcpy(out[n].octets, p->data + 12, p->length - 12U);
		n++;
	}
	return n;
}

/* Steps of 1 ms. */
static UNUSED size_t play_ms(struct rig *r, uint32_t ms, struct played *out, size_t max)
{
	size_t n = 0;

	while (ms-- > 0) {
		advance_ms(r, 1);
		do
			worker_step(&r->w);
		while (turn_is_queued(&r->w));
		n += played_take(r, out + n, max - n);
	}
	return n;
}

/* It is the frame that begins with this sample of the sound. */
static UNUSED void is_frame(const struct played *p, const struct media_sound *s, uint32_t at)
{
	int16_t pcm[FRAME];
	uint8_t want[FRAME];

	for (uint32_t i = 0; i < FRAME; i++)
		pcm[i] = s->samples[(at + i) % s->length];
	g711_ulaw_encode(want, pcm, FRAME);
	assert_int_equal(p->rtp.payload_n, FRAME);
	assert_memory_equal(p->octets, want, FRAME);
}

#endif
