/* SPDX-License-Identifier: Apache-2.0 */
#include "app/live/live_stream.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sig/sip/id.h"

static int stream_sound_open(struct live_stream *s)
{
	const struct live_terms *t = &s->terms;

	if (t->feed)
		return live_sound_open(&s->sound, t->feed, t->format, t->rate, t->feed_rate);
	return live_sound_open_heard(&s->sound, t->format, t->rate,
				     (uint32_t)t->said + (uint32_t)t->heard);
}

struct live_stream *live_stream_make(const struct live_terms *terms, int *err)
{
	struct live_stream *s = calloc(1, sizeof(*s));

	*err = s ? 0 : -ENOMEM;
	if (!s)
		return NULL;
	s->terms = *terms;
	if (!live_url_read(&s->url, terms->url))
		*err = -EINVAL;
	else
		*err = stream_sound_open(s);
	if (*err == 0)
		return s;
	live_stream_free(s);
	return NULL;
}

void live_stream_free(struct live_stream *s)
{
	live_sound_close(&s->sound);
	explicit_bzero(s, sizeof(*s));
	free(s);
}

/* ---- what is said ---- */

bool live_stream_has(const struct live_stream *s)
{
	if (s->state == LIVE_OVER) /* the application wanted so */
		return s->ends && !s->stopped;
	if (s->state != LIVE_UP)
		return false;
	return !s->started || s->ends || s->digit_count || s->sound.refused ||
	       live_sound_mark(&s->sound) || live_sound_frame(&s->sound);
}

static void start_write(struct live_stream *s, struct writer *w)
{
	char call[ID_TEXT_LEN + 1] = "";
	const struct live_start start = {
		.call = call,
		.leg = s->terms.leg,
		.tenant = s->terms.tenant,
		.endpoint = s->terms.endpoint,
		.format = s->terms.format,
		.rate = s->terms.rate,
		.said = s->terms.feed || s->terms.said,
		.heard = !s->terms.feed && s->terms.heard,
		.listens = !s->terms.feed,
		.resumed = s->terms.resumed || s->times > 1,
		.times = s->times,
	};

	id_call_put(call, s->terms.call);
	live_write_start(w, &start);
	s->started = true;
}

static uint32_t said_ms(const struct live_stream *s, uint64_t octets)
{
	return (uint32_t)(octets * FEED_FRAME_MS / live_sound_frame_octets(&s->sound));
}

/* Texts; false: none. */
static bool text_next(struct live_stream *s, struct writer *w)
{
	const char *mark = live_sound_mark(&s->sound);

	if (!s->started) {
		start_write(s, w);
	} else if (mark) {
		live_write_mark(w, mark);
		live_sound_mark_release(&s->sound);
	} else if (s->digit_count) {
		live_write_digit(w, s->digits[0]);
		memmove(s->digits, s->digits + 1, --s->digit_count);
	} else if (s->sound.refused) {
		live_write_refused(w, s->sound.refused, said_ms(s, s->sound.refused));
		s->sound.refused = 0;
	} else if (s->ends) {
		live_write_stop(w, s->reason);
		s->stopped = true;
	} else {
		return false;
	}
	return true;
}

/* What was left out is told before what comes behind it. */
static bool missed_next(struct live_stream *s, struct writer *w)
{
	struct live_frame *f = &s->sound.frames[s->sound.frame_first];

	if (!live_sound_frame(&s->sound) || f->missed_before == 0)
		return false;
	live_write_missed(w, f->missed_before, f->missed_before * FEED_FRAME_MS);
	f->missed_before = 0;
	return true;
}

bool live_stream_next(struct live_stream *s, uint8_t *out, size_t *octets, bool *is_text)
{
	struct writer w = writer_over(out, LIVE_MESSAGE_MAX);
	const struct live_frame *f;

	*is_text = true;
	if (text_next(s, &w) || missed_next(s, &w)) {
		assert(!w.overflow);
		*octets = writer_done(&w).n;
		return true;
	}
	*is_text = false;
	f = live_sound_frame(&s->sound);
	if (!f)
		return false;
	*octets = live_sound_frame_octets(&s->sound);
	memcpy(out, f->octets, *octets);
	live_sound_frame_release(&s->sound);
	return true;
}

/* ---- what it says ---- */

bool live_stream_take(struct live_stream *s, struct bytes text)
{
	struct live_said said;

	if (live_said_parse(&said, text))
		return true; /* of another version, or none: nothing follows from it */
	switch (said.kind) {
	case LIVE_SAID_STARTED:
		break;
	case LIVE_SAID_MARK:
		(void)live_sound_set_mark(&s->sound, said.name);
		break;
	case LIVE_SAID_CLEAR:
		live_sound_clear(&s->sound);
		break;
	case LIVE_SAID_STOP:
		return false;
	}
	return true;
}
