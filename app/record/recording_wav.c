/* SPDX-License-Identifier: Apache-2.0 */
/* Stereo: left what the party says, right what it hears. Of a message, and of a conference, what is said, alone. */
#include <assert.h>

#include "app/record/recording.h"
#include "base/clock.h"
#include "media/rtp/rtp_parse.h"
#include "media/tap.h"

int64_t wav_at(const struct recording *r, uint64_t at_ns)
{
	uint64_t ns = recording_time_ns(r, at_ns);

	return (int64_t)(ns / NS_PER_S * r->rate + ns % NS_PER_S * r->rate / NS_PER_S);
}

/* Of the file: a message has no silence at its beginning. */
static uint64_t wav_ms(const struct recording *r, int64_t at)
{
	return at > r->message.from ? (uint64_t)(at - r->message.from) * 1000 / r->rate : 0;
}

static void on_wav_gap(struct recording *r, const struct timeline_gap *gap, enum record_side side)
{
	uint64_t at_ms = wav_ms(r, gap->at);

	recording_gap(r, at_ms, wav_ms(r, gap->at + gap->n) - at_ms, side, RECORD_LOST);
}

static void on_said_gap(const struct timeline_gap *gap, void *arg)
{
	on_wav_gap(arg, gap, RECORD_FROM_PARTY);
}

static void on_heard_gap(const struct timeline_gap *gap, void *arg)
{
	on_wav_gap(arg, gap, RECORD_TO_PARTY);
}

static uint64_t wav_offset(const struct recording *r, int64_t frame)
{
	return WAV_HEAD_LEN + (uint64_t)(frame - r->message.from) * r->window.frame;
}

static void wav_head_of(const struct recording *r, uint64_t data_octets, uint8_t out[WAV_HEAD_LEN])
{
	struct wav_head h = { .sound = r->sound,
			      .mono = record_is_mono(&r->terms),
			      .rate = r->rate,
			      .data_octets = data_octets };

	wav_time_put(h.begun, r->terms.begun_utc_ms);
	wav_head_write(out, &h);
}

static void wav_forget(struct recording *r, int64_t until)
{
	int64_t low = until - TIMELINE_BEHIND_S * (int64_t)r->rate;

	if (low <= r->window.low)
		return;
	wav_window_advance(&r->window, low);
	for (unsigned i = 0; i < WAV_SIDES; i++)
		timeline_settle(&r->lines[i], low);
}

/* The first sound says what the file is. Before it there is silence. False: no memory, or no room for the head. */
static bool wav_begin(struct recording *r, struct disk *d, enum media_codec codec, uint64_t at_ns)
{
	uint8_t head[WAV_HEAD_LEN];
	int64_t at;

	record_voice_kind(codec, &r->sound, &r->rate);
	wav_head_of(r, UINT64_MAX, head);
	if (!disk_file_write(d, &r->file, 0, bytes_mem(head, sizeof(head))))
		return false;
	if (wav_window_open(&r->window, r->sound, r->rate, record_is_mono(&r->terms)))
		return false;
	r->file.silence = r->window.silence;
	timeline_open(&r->lines[RECORD_FROM_PARTY], r->rate, on_said_gap, r);
	timeline_open(&r->lines[RECORD_TO_PARTY], r->rate, on_heard_gap, r);
	r->sounds = true;
	r->dirty = INT64_MAX;
	at = wav_at(r, at_ns);
	wav_forget(r, at);
	if (r->window.low > 0 && !r->terms.message) {
		(void)disk_file_hole(d, &r->file, WAV_HEAD_LEN,
				     wav_offset(r, r->window.low) - WAV_HEAD_LEN);
		r->written = r->window.low;
	}
	return true;
}

/* The disk took nothing for too long: silence from `from` on, and the sidecar says so. */
static void wav_drop(struct recording *r, struct disk *d, int64_t from, int64_t until)
{
	uint64_t offset = wav_offset(r, from);
	uint64_t begins = disk_file_hole(d, &r->file, offset, wav_offset(r, until) - offset);
	uint64_t frames = (begins - WAV_HEAD_LEN) / r->window.frame;
	uint64_t at_ms = wav_ms(r, r->message.from + (int64_t)frames);

	recording_gap(r, at_ms, wav_ms(r, until) - at_ms, RECORD_BOTH, RECORD_DISK);
}

/* What was heard of a message. Before that nothing is written, and little is kept. */
static int64_t message_until(struct recording *r, int64_t until)
{
	int64_t end;

	if (!r->message.begun) {
		wav_forget(r, until);
		return r->written;
	}
	end = record_message_end(&r->message, r->rate, until);
	return end > r->written ? end : r->written;
}

static void wav_write(struct recording *r, struct disk *d, int64_t until)
{
	int64_t from = r->dirty < r->written ? r->dirty : r->written;

	if (from < r->message.from)
		from = r->message.from;
	while (from < until) {
		struct bytes part = wav_window_read(&r->window, from, until);

		if (!disk_file_write(d, &r->file, wav_offset(r, from), part)) {
			from = from > r->written ? from : r->written;
			wav_drop(r, d, from, until);
			break;
		}
		from += (int64_t)(part.n / r->window.frame);
	}
	r->dirty = INT64_MAX;
	if (until > r->written)
		r->written = until;
	wav_forget(r, until);
}

/* In steps that the window has, where the process stood still, or more than it has is missing. */
void wav_flush(struct recording *r, struct disk *d, int64_t until)
{
	int64_t step = 2 * (int64_t)r->rate;

	if (r->terms.message)
		until = message_until(r, until);
	while (r->written + step < until)
		wav_write(r, d, r->written + step);
	wav_write(r, d, until);
}

/* It begins a moment before its first sound. */
static void message_hear(struct recording *r, int64_t at, const uint8_t *samples, uint32_t n)
{
	struct record_message *m = &r->message;
	int64_t around = (int64_t)r->rate * MESSAGE_AROUND_MS / 1000;

	if (!record_message_hear(m, r->sound, r->rate, at, samples, n))
		return;
	m->from = at - around > r->window.low ? at - around : r->window.low;
	r->written = m->from;
	r->dirty = INT64_MAX;
}

static void wav_put(struct recording *r, const struct tap_packet *p, const struct rtp_head *h,
		    uint64_t at_ns)
{
	static _Thread_local uint8_t samples[RECORD_VOICE_OCTETS];
	struct timeline *line = &r->lines[p->side];
	struct timeline_span spans[TIMELINE_SPANS];
	enum media_codec codec = p->codec ? (enum media_codec)(p->codec - 1) : MEDIA_CODECS_KNOWN;
	uint32_t octets = wav_sound_octets(r->sound), clock = p->clock_hz;
	uint32_t n = 0, count = 0;
	struct timeline_packet packet = { .arrival = wav_at(r, at_ns),
					  .ssrc = h->ssrc,
					  .timestamp = h->timestamp,
					  .sequence = h->sequence };

	if (p->kind == TAP_SOUND)
		count = record_voice_read(&r->voices[p->side], r->sound, r->rate, codec, h->payload,
					  samples);
	if (p->kind == TAP_SOUND && !count && h->payload.n && codec != MEDIA_CODECS_KNOWN)
		r->undecoded++;
	/* what has no place has no clock of its own, either: it must not look like another source */
	if (!count && line->clock_hz)
		clock = line->clock_hz;
	packet.clock_hz = clock ? clock : 8000;
	packet.samples = count;
	n = timeline_place(line, &packet, spans);
	for (uint32_t i = 0; i < n; i++) {
		wav_window_put(&r->window, p->side, spans[i].at, samples + spans[i].skip * octets,
			       spans[i].n);
		if (r->terms.message)
			message_hear(r, spans[i].at, samples + spans[i].skip * octets, spans[i].n);
		if (spans[i].at < r->written && spans[i].at < r->dirty)
			r->dirty = spans[i].at;
	}
}

void wav_take(struct recording *r, struct disk *d, const struct tap_packet *p)
{
	struct rtp_head h;

	if (p->kind == TAP_RTCP || (record_is_mono(&r->terms) && p->side != TAP_FROM_PARTY) ||
	    rtp_parse(&h, tap_octets(p)))
		return;
	r->packets[p->side]++;
	if (!r->sounds && (p->kind != TAP_SOUND || !p->codec ||
			   !wav_begin(r, d, (enum media_codec)(p->codec - 1), p->time_ns)))
		return;
	/* far behind the last chunk: the window must reach as far as the packet may go */
	if (wav_at(r, p->time_ns) > r->written + (int64_t)r->rate / 2)
		wav_flush(r, d, wav_at(r, p->time_ns));
	wav_put(r, p, &h, p->time_ns);
}

void wav_finish(struct recording *r, struct disk *d, uint64_t at_ns)
{
	int64_t until;

	if (!r->sounds && !wav_begin(r, d, MEDIA_CODEC_PCMU, at_ns))
		return;
	until = wav_at(r, at_ns);
	for (unsigned i = 0; i < WAV_SIDES; i++) {
		if (timeline_end(&r->lines[i]) > until)
			until = timeline_end(&r->lines[i]);
	}
	wav_flush(r, d, until);
	for (unsigned i = 0; i < WAV_SIDES; i++)
		timeline_settle(&r->lines[i], INT64_MAX);
}
