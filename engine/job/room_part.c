/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The participants of a room that are not members: a sound for all (announcement, music), the
 * recorder's copy of the mix with its recording tone, and an application (media/feed.h). Each is a
 * job on the room's worker and has two hooks in the room's tick: it may add a frame before the sum,
 * and gets the mix after it. A closing room cuts its parts off, so either side may close first.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "dsp/mix/packer.h"
#include "dsp/tone.h"
#include "engine/job/room.h"
#include "engine/worker/control.h"
#include "engine/worker/worker.h"
#include "media/feed.h"
#include "media/job.h"
#include "media/tap.h"

static_assert((int)ROOM_PART_MS == (int)ROOM_TICK_MS, "one frame in each");

enum { END_PER_S = 200 }; /* so short is the slope behind what ends within a sound */

/* A room without listeners waits for the first one (room_wake). */
static void room_part_rouse(struct worker *w, const struct room_part *p)
{
	const struct room *r = p->room ? p->room->work : NULL;

	if (r && p->room->first && r->phase == ROOM_SLEEPS && p->kind->wants(p))
		room_awake(w, p->room);
}

/* Returns 0, or -ENOENT if the room is not on this worker. */
static int room_part_join(struct worker *w, struct room_part *p, struct job *own,
			  struct job_id room)
{
	struct job *j = job_find(&w->jobs, room);
	struct room *r;

	if (!j || j->kind != &job_room)
		return -ENOENT;
	r = j->work;
	p->job = own;
	p->room = j;
	p->next = r->parts;
	r->parts = p;
	room_part_rouse(w, p);
	return 0;
}

static void room_part_leave(struct room_part *p)
{
	struct room *r = p->room ? p->room->work : NULL;
	struct room_part **at = r ? &r->parts : NULL;

	if (!r)
		return;
	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	if (p->says)
		r->parts_end += p->said[mix_samples(r->mix) - 1];
	p->room = NULL;
}

/* That of its room, at which it speaks and hears; 0: the room has closed. */
static uint32_t room_part_rate(const struct room_part *p)
{
	const struct room *r = p->room ? p->room->work : NULL;

	return r ? r->spec.rate_hz : 0;
}

/* The first sample of this tick as a timestamp of a clock. */
static uint32_t room_part_timestamp(const struct room_part *p, uint32_t clock_hz)
{
	const struct room *r = p->room->work;
	uint64_t tick = r->due_ns / (ROOM_TICK_MS * NS_PER_MS);

	return (uint32_t)(tick * (clock_hz / 1000 * ROOM_TICK_MS));
}

/* Of struct job_kind, for parts that have no work of their own: the room's ticks are theirs. */
static void room_part_unheard(struct worker *w, struct job *j)
{
	(void)w;
	(void)j;
}

static uint32_t room_part_effort(const struct job *j, uint64_t now_ns)
{
	(void)j;
	(void)now_ns;
	return 0;
}

static uint32_t room_part_turn(struct worker *w, struct job *j, uint32_t most)
{
	(void)w;
	(void)j;
	return most;
}

/* ---- the room ---- */

bool room_parts_are_due(const struct room *r)
{
	for (const struct room_part *p = r->parts; p; p = p->next) {
		if (p->kind->wants(p))
			return true;
	}
	return false;
}

/* A step of the sum is a click. */
static void room_parts_end(struct room *r)
{
	int16_t slope[MIX_SAMPLES_MAX] = { 0 };
	int32_t n = (int32_t)(r->spec.rate_hz / END_PER_S), from = r->parts_end;

	if (from > INT16_MAX)
		from = INT16_MAX;
	if (from < INT16_MIN)
		from = INT16_MIN;
	for (int32_t i = 0; from && i < n; i++)
		slope[i] = (int16_t)(from * (n - i) / n);
	if (from)
		mix_guest(r->mix, slope);
	r->parts_end = 0;
}

void room_parts_send(struct worker *w, struct room *r)
{
	room_parts_end(r);
	for (struct room_part *p = r->parts; p; p = p->next) {
		p->says = p->kind->say(w, p, p->said);
		if (p->says)
			mix_guest(r->mix, p->said);
	}
}

void room_parts_receive(struct worker *w, struct room *r)
{
	for (struct room_part *p = r->parts; p; p = p->next) {
		int16_t own[MIX_SAMPLES_MAX];

		if (!p->kind->hear)
			continue;
		if (p->says)
			mix_minus_guest(r->mix, p->said, &p->limiter, own);
		p->kind->hear(w, p, p->says ? own : mix_shared(r->mix), r->heard);
	}
}

void room_parts_close(struct room *r)
{
	while (r->parts) {
		struct room_part *p = r->parts;

		r->parts = p->next;
		p->room = NULL;
	}
}

/* A sound that all members of a room hear: entry tones, announcements, music. */

struct room_play {
	struct room_part part;
	struct job_id room;
	struct media_sound *sound; /* not ours to count */
	uint32_t place;            /* sample that comes next */
	bool loops, ended;
};

static bool room_play_wants(const struct room_part *p)
{
	return !((const struct room_play *)p)->ended;
}

static void room_play_read(struct room_play *y, uint32_t end, int16_t *out, uint32_t n)
{
	const struct media_sound *s = y->sound;

	for (uint32_t i = 0; i < n; i++) {
		if (y->place == end && y->loops)
			y->place = 0;
		out[i] = y->place < end ? s->samples[y->place++] : 0;
	}
}

/* A full ring: in the next tick. */
static bool room_play_end_notify(struct worker *w, const struct room_play *y)
{
	const struct job *j = y->part.job;

	return event_send(w, &(struct media_event){
				     .kind = MEDIA_JOB_ENDED,
				     .job = j->id,
				     .call = j->call,
				     .place = y->place,
				     .error = media_sound_state(y->sound) == MEDIA_SOUND_CUT ? -EIO
											     : 0 });
}

static bool room_play_mix(struct worker *w, struct room_part *p, int16_t *out)
{
	struct room_play *y = (struct room_play *)p;
	bool arrives = media_sound_state(y->sound) == MEDIA_SOUND_ARRIVES;
	uint32_t end = media_sound_ready(y->sound), n = room_part_rate(p) / 1000 * ROOM_PART_MS;

	if (y->ended || (arrives && y->place + n > end))
		return false;
	if (y->place >= end && !y->loops) {
		y->ended = room_play_end_notify(w, y);
		return false;
	}
	room_play_read(y, end, out, n);
	return true;
}

static const struct room_part_kind g_room_play = { .wants = room_play_wants, .say = room_play_mix };

static int room_play_open(struct job *j, const struct media_work *work)
{
	const struct media_room_play *spec = &work->play;
	struct room_play *y;

	if (!spec->sound || spec->start > spec->sound->length)
		return -EINVAL;
	y = calloc(1, sizeof(*y));
	if (!y)
		return -ENOMEM;
	y->part.kind = &g_room_play;
	y->room = spec->room;
	y->sound = spec->sound;
	y->place = spec->start;
	y->loops = spec->loops;
	j->work = y;
	return 0;
}

static int room_play_start(struct worker *w, struct job *j)
{
	struct room_play *y = j->work;
	int err = room_part_join(w, &y->part, j, y->room);

	if (!err && room_part_rate(&y->part) != y->sound->rate_hz)
		return -EINVAL;
	return err;
}

static struct media_sound *room_play_close(struct job *j)
{
	struct room_play *y = j->work;
	struct media_sound *sound = y->sound;

	room_part_leave(&y->part);
	free(y);
	return sound;
}

static uint32_t room_play_place(const struct job *j)
{
	const struct room_play *y = j->work;

	return y->place;
}

const struct job_kind job_room_play = {
	.open = room_play_open,
	.close = room_play_close,
	.wake = room_part_unheard,
	.effort = room_part_effort,
	.turn = room_part_turn,
	.place = room_play_place,
	.start = room_play_start,
};

/* The recorder's copy of the mix: each tick with speech as a packet of L16, in the ring of the
 * taps. And the recording tone, which all members hear, but the copy does not have. */

enum {
	TAP_NARROW = 8000,
	TAP_WIDE = 16000,
	HEAD = 12, /* octets of RTP */
	HZ_MAX = 4000,
	EVERY_MS_MIN = 1000,
	LATE_MS = 1000, /* a tone that was due so long ago is heard now */
};

struct room_tap {
	struct room_part part;
	struct media_room_tap spec;
	struct convert convert; /* to the rate of the copy */
	enum media_codec codec;
	uint32_t rate, lost;
	uint16_t sequence;
	uint64_t due_ns;   /* of the next tone */
	uint32_t sounding; /* samples of it played, + 1; 0: no tone sounds */
};

/* ---- the tone ---- */

static uint64_t tone_next(const struct media_room_tone *t, uint64_t now_ns)
{
	uint64_t every_ns = t->every_ms * NS_PER_MS;

	if (now_ns <= t->begun_ns)
		return t->begun_ns;
	if (!every_ns)
		return UINT64_MAX;
	return t->begun_ns + (now_ns - t->begun_ns + every_ns - 1) / every_ns * every_ns;
}

static void tone_aim(struct worker *w, struct room_tap *t, uint64_t from_ns)
{
	if (!t->spec.tone.ms)
		return;
	t->due_ns = tone_next(&t->spec.tone, from_ns);
	if (t->due_ns != UINT64_MAX)
		wheel_start(&w->wheel, &t->part.job->timer, t->due_ns);
}

static bool room_tap_wants(const struct room_part *p)
{
	return ((const struct room_tap *)p)->sounding;
}

static bool room_tap_mix(struct worker *w, struct room_part *p, int16_t *out)
{
	struct room_tap *t = (struct room_tap *)p;
	const struct media_room_tone *spec = &t->spec.tone;
	const struct tone tone = {
		.count = 2, .steps = { { spec->ms, { { spec->hz, spec->level } } }, { 0 } }
	};
	uint32_t rate = room_part_rate(p), n = rate / 1000 * ROOM_PART_MS;

	(void)w;
	if (!t->sounding)
		return false;
	tone_render(&tone, rate, t->sounding - 1, out, n);
	t->sounding = t->sounding - 1 + n < rate / 1000 * spec->ms ? t->sounding + n : 0;
	return true;
}

/* ---- the copy ---- */

static void head_write(struct writer *w, const struct room_tap *t)
{
	writer_u8(w, 0x80);
	writer_u8(w, media_codec_facts(t->codec)->number);
	writer_be16(w, t->sequence);
	writer_be32(w, room_part_timestamp(&t->part, t->rate));
	writer_be32(w, (uint32_t)t->part.room->call);
}

static void room_tap_put(struct worker *w, struct room_tap *t, const int16_t *pcm, uint32_t n)
{
	uint16_t length = (uint16_t)(HEAD + n * sizeof(*pcm));
	struct tap_packet *p = byte_ring_reserve(&w->taps[TAP_RECORD], sizeof(*p) + length);
	struct writer out;

	t->sequence++;
	if (!p) {
		t->lost++;
		metric_add(w->metrics->tap_lost[TAP_RECORD], 1);
		return;
	}
	*p = (struct tap_packet){ .call = t->part.job->call,
				  .time_ns = w->now_ns,
				  .lost = t->lost,
				  .clock_hz = t->rate,
				  .number = t->spec.number,
				  .side = TAP_FROM_PARTY,
				  .kind = TAP_SOUND,
				  .codec = (uint8_t)(t->codec + 1),
				  .length = length };
	t->lost = 0;
	out = writer_over(p + 1, length);
	head_write(&out, t);
	for (uint32_t i = 0; i < n; i++)
		writer_be16(&out, (uint16_t)pcm[i]);
	byte_ring_publish(&w->taps[TAP_RECORD]);
}

/* Silence makes no packet: timestamps show its length. */
static void room_tap_on_mix(struct worker *w, struct room_part *p, const int16_t *mix, bool heard)
{
	struct room_tap *t = (struct room_tap *)p;
	int16_t pcm[MIX_SAMPLES_MAX];

	if (heard)
		room_tap_put(w, t, pcm, convert_frame(&t->convert, mix, pcm));
}

static const struct room_part_kind g_room_tap = { .wants = room_tap_wants,
						  .say = room_tap_mix,
						  .hear = room_tap_on_mix };

/* ---- open, close ---- */

static bool tone_is_fit(const struct media_room_tone *t)
{
	return t->ms == 0 ||
	       (t->hz > 0 && t->hz < HZ_MAX && t->level <= 0 &&
		(t->every_ms == 0 || (t->every_ms >= EVERY_MS_MIN && t->every_ms >= 2U * t->ms)));
}

static int room_tap_open(struct job *j, const struct media_work *work)
{
	struct room_tap *t;

	if (!work->tap.number || !tone_is_fit(&work->tap.tone))
		return -EINVAL;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->part.kind = &g_room_tap;
	t->spec = work->tap;
	j->work = t;
	return 0;
}

static int room_tap_start(struct worker *w, struct job *j)
{
	struct room_tap *t = j->work;
	int err = room_part_join(w, &t->part, j, t->spec.room);
	uint32_t rate = err ? 0 : room_part_rate(&t->part);

	if (err)
		return err;
	t->rate = rate == TAP_NARROW ? TAP_NARROW : TAP_WIDE;
	t->codec = rate == TAP_NARROW ? MEDIA_CODEC_L16 : MEDIA_CODEC_L16_WIDE;
	err = convert_open(&t->convert, rate, t->rate, rate / 1000 * ROOM_PART_MS);
	if (!err)
		tone_aim(w, t,
			 w->now_ns > LATE_MS * NS_PER_MS ? w->now_ns - LATE_MS * NS_PER_MS : 0);
	return err;
}

static struct media_sound *room_tap_close(struct job *j)
{
	struct room_tap *t = j->work;

	room_part_leave(&t->part);
	convert_close(&t->convert);
	free(t);
	return NULL;
}

/* Without listeners the tone is left out. */
static uint32_t room_tap_turn(struct worker *w, struct job *j, uint32_t most)
{
	struct room_tap *t = j->work;

	(void)most;
	t->sounding = t->part.room && t->part.room->first ? 1 : 0;
	room_part_rouse(w, &t->part);
	tone_aim(w, t, t->due_ns + 1);
	return 1;
}

static uint32_t room_tap_effort(const struct job *j, uint64_t now_ns)
{
	const struct room_tap *t = j->work;

	return t->due_ns && now_ns >= t->due_ns;
}

static uint32_t room_tap_place(const struct job *j)
{
	(void)j;
	return 0;
}

const struct job_kind job_room_tap = {
	.open = room_tap_open,
	.close = room_tap_close,
	.wake = room_part_unheard,
	.effort = room_tap_effort,
	.turn = room_tap_turn,
	.place = room_tap_place,
	.start = room_tap_start,
};

/* An application in a room (media/feed.h): it gets the mix without its own voice, a frame in each
 * tick, and all members hear it. While it is there the room does not sleep. Nothing waits for it:
 * without a frame in time, it is silent. */

enum { FEED_NARROW = 8000, FEED_WIDE = 16000 };

static_assert((int)ROOM_PART_MS == (int)FEED_FRAME_MS, "a frame in each tick");
static_assert(FEED_WIDE / 1000 * FEED_FRAME_MS * 2 <= FEED_OCTETS_MAX, "of what it hears");

struct room_feed {
	struct room_part part;
	struct media_room_feed spec;
	struct convert in, out; /* from and to the application */
	enum media_codec codec; /* of its packets */
	uint16_t sequence;
	bool spoke; /* in the tick before */
};

static bool room_feed_wants(const struct room_part *p)
{
	(void)p;
	return true;
}

static bool room_feed_mix(struct worker *w, struct room_part *p, int16_t *out)
{
	struct room_feed *f = (struct room_feed *)p;
	const struct feed_frame *frame = media_feed_frame(f->spec.feed);

	(void)w;
	if (!frame) {
		if (f->spoke)
			atomic_fetch_add_explicit(&f->spec.feed->gaps, 1, memory_order_relaxed);
		f->spoke = false;
		return false;
	}
	(void)convert_frame(&f->in, frame->pcm, out);
	media_feed_frame_release(f->spec.feed);
	atomic_fetch_add_explicit(&f->spec.feed->frames_sent_report, 1, memory_order_relaxed);
	f->spoke = true;
	return true;
}

/* In the order of the network, as L16 is (RFC 3551 4.5.11). */
static void room_feed_on_mix(struct worker *w, struct room_part *p, const int16_t *mix, bool heard)
{
	struct room_feed *f = (struct room_feed *)p;
	struct feed_out *said = media_feed_out_reserve(f->spec.feed);
	int16_t pcm[MIX_SAMPLES_MAX];
	uint32_t n = convert_frame(&f->out, mix, pcm);

	(void)heard;
	f->sequence++;
	if (!said)
		return;
	said->at_ns = w->now_ns;
	said->ssrc = (uint32_t)p->room->call;
	said->timestamp = room_part_timestamp(p, f->spec.rate_hz);
	said->sequence = f->sequence;
	said->payload_type = media_codec_facts(f->codec)->number;
	said->marker = 0;
	said->codec = (uint8_t)f->codec;
	said->length = (uint16_t)(n * sizeof(*pcm));
	for (uint32_t i = 0; i < n; i++) {
		said->octets[2 * i] = (uint8_t)((uint16_t)pcm[i] >> 8);
		said->octets[2 * i + 1] = (uint8_t)(pcm[i] & 0xff);
	}
	media_feed_out_publish(f->spec.feed);
}

static const struct room_part_kind g_room_feed = { .wants = room_feed_wants,
						   .say = room_feed_mix,
						   .hear = room_feed_on_mix };

static int room_feed_open(struct job *j, const struct media_work *work)
{
	const struct media_room_feed *spec = &work->room_feed;
	struct room_feed *f;

	if (!spec->feed || (spec->rate_hz != FEED_NARROW && spec->rate_hz != FEED_WIDE))
		return -EINVAL;
	f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->part.kind = &g_room_feed;
	f->spec = *spec;
	f->codec = spec->rate_hz == FEED_NARROW ? MEDIA_CODEC_L16 : MEDIA_CODEC_L16_WIDE;
	j->work = f;
	return 0;
}

static int room_feed_start(struct worker *w, struct job *j)
{
	struct room_feed *f = j->work;
	int err = room_part_join(w, &f->part, j, f->spec.room);
	uint32_t mix = err ? 0 : room_part_rate(&f->part), own = f->spec.rate_hz;

	if (!err)
		err = convert_open(&f->in, own, mix, own / 1000 * ROOM_PART_MS);
	if (!err)
		err = convert_open(&f->out, mix, own, mix / 1000 * ROOM_PART_MS);
	return err;
}

static struct media_sound *room_feed_close(struct job *j)
{
	struct room_feed *f = j->work;

	room_part_leave(&f->part);
	convert_close(&f->in);
	convert_close(&f->out);
	free(f);
	return NULL;
}

static uint32_t room_feed_place(const struct job *j)
{
	(void)j;
	return 0;
}

const struct job_kind job_room_feed = {
	.open = room_feed_open,
	.close = room_feed_close,
	.wake = room_part_unheard,
	.effort = room_part_effort,
	.turn = room_part_turn,
	.place = room_feed_place,
	.start = room_feed_start,
};
