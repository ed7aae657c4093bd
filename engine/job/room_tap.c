/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mix for who records it: a copy of each tick in which anybody speaks, as a packet of L16, in the ring of the taps. And the tone that says
 * so, which all hear and the copy has not.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "dsp/mix/convert.h"
#include "dsp/tone.h"
#include "engine/job/room_part.h"
#include "engine/walk/worker.h"
#include "media/tap.h"

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
	uint32_t sounding; /* samples of it that were heard, + 1; 0: none sounds */
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

static bool room_tap_say(struct worker *w, struct room_part *p, int16_t *out)
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

/* Silence is no packet: the timestamps say how long it was. */
static void room_tap_hear(struct worker *w, struct room_part *p, const int16_t *mix, bool heard)
{
	struct room_tap *t = (struct room_tap *)p;
	int16_t pcm[MIX_SAMPLES_MAX];

	if (heard)
		room_tap_put(w, t, pcm, convert_frame(&t->convert, mix, pcm));
}

static const struct room_part_kind g_room_tap = { .wants = room_tap_wants,
						  .say = room_tap_say,
						  .hear = room_tap_hear };

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

static int room_tap_begin(struct worker *w, struct job *j)
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

/* Where nobody is there to hear it, it is left out. */
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
	.begin = room_tap_begin,
};
