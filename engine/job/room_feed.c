/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An application in a room (media/feed.h): it hears the mix without its own voice, a frame in each tick, and all hear what it says. While it is
 * there the room does not sleep. Nobody waits for it: where it has said nothing in time, nothing is heard of it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/mix/convert.h"
#include "engine/job/room_part.h"
#include "engine/walk/worker.h"
#include "media/feed.h"

enum { FEED_NARROW = 8000, FEED_WIDE = 16000 };

static_assert((int)ROOM_PART_MS == (int)FEED_FRAME_MS, "a frame in each tick");
static_assert(FEED_WIDE / 1000 * FEED_FRAME_MS * 2 <= FEED_OCTETS_MAX, "of what it hears");

struct room_feed {
	struct room_part part;
	struct media_room_feed spec;
	struct convert in, out; /* of what it says, and hears */
	enum media_codec codec; /* of what it hears */
	uint16_t sequence;
	bool spoke; /* in the tick before */
};

static bool room_feed_wants(const struct room_part *p)
{
	(void)p;
	return true;
}

static bool room_feed_say(struct worker *w, struct room_part *p, int16_t *out)
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
	atomic_fetch_add_explicit(&f->spec.feed->frames_said, 1, memory_order_relaxed);
	f->spoke = true;
	return true;
}

/* In the order of the network, as L16 is (RFC 3551 4.5.11). */
static void room_feed_hear(struct worker *w, struct room_part *p, const int16_t *mix, bool heard)
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
						   .say = room_feed_say,
						   .hear = room_feed_hear };

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

static int room_feed_begin(struct worker *w, struct job *j)
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
	.begin = room_feed_begin,
};
