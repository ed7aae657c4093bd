/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sound played to any number of flows of this worker: each frame is encoded once, and sent to
 * them in slices. Hold music, announcements and ringback are tracks. All flows get the present
 * frame before the next one is made, so only one is stored. Frames are made in real time. Behind a
 * delay of the worker the RTP timestamp is ahead by it: a sound that loops skips as much, and one
 * that is played once goes on where it was. A track without listeners has no timer.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "dsp/codec/encoder.h"
#include "engine/worker/control.h"
#include "engine/worker/job.h"
#include "engine/worker/worker.h"
#include "media/job.h"

struct encoder;

enum {
	TRACK_OCTETS_MAX = 1280, /* of a frame */
	TRACK_LATE_MS = 100,     /* a longer delay is a gap in the RTP time */
};

struct track {
	struct encoder *encoder;
	struct media_sound *sound; /* not ours to count */
	uint64_t due_ns;           /* of the next frame; valid while a flow listens */
	uint64_t reported_ns;      /* MEDIA_JOB_PLACE was sent, or it began */
	uint64_t report_every_ns;  /* 0: never */
	uint32_t place;            /* sample of the sound that the next frame begins with */
	uint32_t samples;          /* of a frame */
	uint32_t clock_hz, units;  /* of RTP; a frame's */
	uint32_t timestamp;        /* of the present frame */
	uint8_t packet_ms;
	uint8_t effort; /* of encoding, in packets sent: worker.h */
	uint8_t loops;
	uint8_t marker; /* of the next frame: it follows a gap */
	uint8_t ended;  /* MEDIA_JOB_ENDED was sent */
	uint16_t length;
	uint8_t octets[TRACK_OCTETS_MAX]; /* the present frame */
};

static uint64_t frame_ns(const struct track *t)
{
	return t->packet_ms * NS_PER_MS;
}

/* ---- open, close ---- */

static int encoder_of(struct track *t, const struct media_track *spec)
{
	const struct encoder_settings settings = {
		.codec = media_codec_facts(spec->codec)->name,
		.packet_ms = spec->packet_ms,
		.bit_rate = spec->bit_rate,
		.complexity = spec->complexity,
	};
	int err = encoder_open(&t->encoder, &settings);

	if (err)
		return err;
	t->samples = spec->sound->rate_hz * spec->packet_ms / 1000;
	if (encoder_format(t->encoder).rate == spec->sound->rate_hz &&
	    t->samples <= JOB_SAMPLES_MAX)
		return 0;
	encoder_close(t->encoder);
	t->encoder = NULL;
	return -EINVAL;
}

/* More than a slice is a slice. */
static uint8_t effort_of(const struct encoder *e)
{
	uint32_t packets = encoder_cost_ns(e) / TURN_PACKET_NS + 1;

	return (uint8_t)(packets < TURN_SLICE ? packets : TURN_SLICE);
}

static int track_set(struct track *t, const struct media_track *spec)
{
	int err;

	if (!spec->sound || spec->codec >= MEDIA_CODECS || spec->packet_ms == 0 ||
	    spec->start > spec->sound->length)
		return -EINVAL;
	err = encoder_of(t, spec);
	if (err)
		return err;
	t->sound = spec->sound;
	t->place = spec->start;
	t->packet_ms = spec->packet_ms;
	t->loops = spec->loops;
	t->report_every_ns = spec->report_ms * NS_PER_MS;
	t->clock_hz = media_codec_facts(spec->codec)->clock_hz;
	t->effort = effort_of(t->encoder);
	t->units = t->clock_hz * spec->packet_ms / 1000;
	return 0;
}

static int track_open(struct job *j, const struct media_work *work)
{
	struct track *t = calloc(1, sizeof(*t));
	int err = t ? track_set(t, &work->track) : -ENOMEM;

	if (err)
		free(t);
	else
		j->work = t;
	return err;
}

static struct media_sound *track_close(struct job *j)
{
	struct track *t = j->work;
	struct media_sound *sound = t->sound;

	encoder_close(t->encoder);
	free(t);
	return sound;
}

/* ---- its time ---- */

/* Each job at a ms of its own: hold music of all tenants begins together. Played once: at once. */
static void track_wake(struct worker *w, struct job *j)
{
	struct track *t = j->work;
	uint64_t phase_ns = j->id.slot % t->packet_ms * NS_PER_MS;

	if (t->ended)
		return;
	t->due_ns = w->now_ns;
	if (t->loops) {
		t->due_ns += frame_ns(t) - 1 - phase_ns;
		t->due_ns = t->due_ns - t->due_ns % frame_ns(t) + phase_ns;
	}
	t->reported_ns = w->now_ns;
	wheel_start(&w->wheel, &j->timer, t->due_ns);
}

static bool is_due(const struct job *j, uint64_t now_ns)
{
	const struct track *t = j->work;

	return j->first && !t->ended && now_ns >= t->due_ns;
}

static uint32_t track_effort(const struct job *j, uint64_t now_ns)
{
	const struct track *t = j->work;

	if (j->next)
		return 1;
	return is_due(j, now_ns) ? t->effort : 0;
}

/* ---- frames ---- */

static void place_move(struct track *t, uint64_t samples)
{
	uint64_t place = t->place + samples;

	if (t->loops)
		t->place = (uint32_t)(place % t->sound->length);
	else
		t->place = place < t->sound->length ? (uint32_t)place : t->sound->length;
}

/* A listener loses no word of an announcement; hold music goes on for those who hear it later. */
static void late_skip(struct worker *w, struct track *t)
{
	uint64_t late_ns = w->now_ns - t->due_ns, n;

	if (late_ns < TRACK_LATE_MS * NS_PER_MS)
		return;
	n = late_ns / frame_ns(t);
	t->due_ns += n * frame_ns(t);
	t->timestamp += (uint32_t)n * t->units;
	t->marker = 1;
	if (t->loops)
		place_move(t, n * t->samples);
	metric_add(w->metrics->frames_late, n);
}

/* end: of the available samples. */
static void pcm_read(const struct track *t, uint32_t end, int16_t *out)
{
	const struct media_sound *s = t->sound;
	uint32_t at = t->place;

	for (uint32_t i = 0; i < t->samples; i++) {
		if (at == end && t->loops)
			at = 0;
		out[i] = at < end ? s->samples[at++] : 0;
	}
}

/* waits: what comes next has not arrived yet. */
static void frame_make(struct worker *w, struct job *j, uint32_t end, bool waits)
{
	struct track *t = j->work;
	int n;

	if (waits)
		memset(w->jobs.pcm, 0, t->samples * sizeof(w->jobs.pcm[0]));
	else
		pcm_read(t, end, w->jobs.pcm);
	n = encoder_frame(t->encoder, w->jobs.pcm, t->samples, t->octets, sizeof(t->octets));
	t->length = n > 0 ? (uint16_t)n : 0;
	j->next = n > 0 ? j->first : 0;
	place_move(t, waits ? 0 : t->samples);
	metric_add(n > 0 ? w->metrics->frames_encoded : w->metrics->frames_failed, 1);
}

/* ---- what control hears ---- */

static uint32_t track_place(const struct job *j)
{
	const struct track *t = j->work;

	return t->place;
}

static bool track_place_notify(struct worker *w, const struct job *j, enum media_event_kind kind)
{
	const struct track *t = j->work;
	const struct media_event event = { .kind = kind,
					   .job = j->id,
					   .call = j->call,
					   .place = track_place(j),
					   .error = media_sound_state(t->sound) == MEDIA_SOUND_CUT
							    ? -EIO
							    : 0 };

	return event_send(w, &event);
}

/* A full ring: with the next frame. */
static void place_report(struct worker *w, struct job *j)
{
	struct track *t = j->work;

	if (t->report_every_ns == 0 || w->now_ns - t->reported_ns < t->report_every_ns)
		return;
	if (track_place_notify(w, j, MEDIA_JOB_PLACE))
		t->reported_ns = w->now_ns;
}

/* ---- turns ---- */

/* The next frame is due. */
static void frame_turn(struct worker *w, struct job *j)
{
	struct track *t = j->work;
	bool arrives = media_sound_state(t->sound) == MEDIA_SOUND_ARRIVES;
	uint32_t end = media_sound_ready(t->sound);

	late_skip(w, t);
	t->timestamp += t->units;
	t->due_ns += frame_ns(t);
	if (arrives || t->loops || t->place < end)
		frame_make(w, j, end, arrives && t->place + t->samples > end);
	else
		t->ended = track_place_notify(w, j, MEDIA_JOB_ENDED);
	place_report(w, j);
	if (!t->ended)
		wheel_start(&w->wheel, &j->timer, t->due_ns);
}

static uint32_t track_turn(struct worker *w, struct job *j, uint32_t most)
{
	struct track *t = j->work;
	uint32_t done = 0, played = 0;
	struct job_frame frame;

	if (!j->next && is_due(j, w->now_ns)) {
		frame_turn(w, j);
		done = t->effort;
	}
	frame = (struct job_frame){ .payload = bytes_mem(t->octets, t->length),
				    .clock_hz = t->clock_hz,
				    .units = t->units,
				    .timestamp = t->timestamp,
				    .payload_type = PAYLOAD_NONE,
				    .marker = t->marker };
	for (; j->next && done < most; done++) {
		struct flow *f = &w->flows.list[j->next - 1];

		j->next = f->listener.next;
		played += listener_send(w, f, &frame);
	}
	if (played && !j->next)
		t->marker = 0;
	metric_add(w->metrics->frames_played, played);
	return done < most ? done : most;
}

const struct job_kind job_track = {
	.open = track_open,
	.close = track_close,
	.wake = track_wake,
	.effort = track_effort,
	.turn = track_turn,
	.place = track_place,
};
