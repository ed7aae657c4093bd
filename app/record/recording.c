/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds the file of one recording: the timeline that places samples, gaps and pauses, WAV windows
 * and heads, pcapng blocks, facts for the sidecar. recorder.c feeds it packets and time. The file's
 * clock is arrival time without pauses; late packets go to their place for two seconds, and silence
 * in the file that was not silence on the wire is always listed in the sidecar.
 */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/record/recording.h"
#include "app/record/timeline.h"
#include "base/clock.h"
#include "base/pcapng.h"
#include "media/rtp/rtp_parse.h"
#include "media/tap.h"

void timeline_open(struct timeline *t, uint32_t rate, timeline_gap_fn *gap, void *arg)
{
	*t = (struct timeline){ .rate = rate, .gap = gap, .arg = arg };
}

/* End of the known samples; 0: none yet. */
static int64_t timeline_end(const struct timeline *t)
{
	return t->count ? t->extents[t->count - 1].to : 0;
}

uint64_t timeline_lost(const struct timeline *t)
{
	int64_t lost = t->lost_before + seq_lost(&t->numbers);

	return lost > 0 ? (uint64_t)lost : 0;
}

/* ---- extents ---- */

/* The hole between extents i and i + 1 will not be filled: they become one. */
static void extents_join(struct timeline *t, uint32_t i)
{
	struct timeline_extent *a = &t->extents[i], *b = a + 1;
	struct timeline_gap gap = { .at = a->to, .n = b->from - a->to };

	assert(i + 1 < t->count);
	if (gap.n > 0 && a->source == b->source && (uint16_t)(b->first - a->last) != 1)
		t->gap(&gap, t->arg);
	a->to = b->to;
	a->last = b->last;
	a->source = b->source;
	memmove(b, b + 1, (--t->count - i - 1) * sizeof(*b));
}

void timeline_settle(struct timeline *t, int64_t until)
{
	if (until <= t->settled)
		return;
	t->settled = until;
	while (t->count > 1 && t->extents[1].from <= until)
		extents_join(t, 0);
}

/* [from, to) lies between two extents, or at an end: i is the first one behind it. */
static void extent_add(struct timeline *t, uint32_t i, int64_t from, int64_t to, uint16_t number)
{
	struct timeline_extent *before = i ? &t->extents[i - 1] : NULL;
	struct timeline_extent *behind = i < t->count ? &t->extents[i] : NULL;

	if (before && before->to == from && before->source == t->source) {
		before->to = to;
		before->last = number;
		if (behind && behind->from == to)
			extents_join(t, i - 1);
		return;
	}
	if (behind && behind->from == to && behind->source == t->source) {
		behind->from = from;
		behind->first = number;
		return;
	}
	if (t->count == TIMELINE_EXTENTS) {
		/* the oldest hole is given up */
		extents_join(t, 0);
		i = i ? i - 1 : 0;
		if (from < t->extents[0].to)
			return;
	}
	memmove(&t->extents[i + 1], &t->extents[i], (t->count++ - i) * sizeof(t->extents[0]));
	t->extents[i] = (struct timeline_extent){
		.from = from, .to = to, .first = number, .last = number, .source = t->source
	};
}

/* The parts of [from, to) that are not there yet. */
static uint32_t spans_free(const struct timeline *t, int64_t from, int64_t to,
			   struct timeline_span out[TIMELINE_SPANS])
{
	int64_t at = from;
	uint32_t n = 0;

	for (uint32_t i = 0; i <= t->count && at < to && n < TIMELINE_SPANS; i++) {
		int64_t end = i < t->count ? t->extents[i].from : to;

		if (end > to)
			end = to;
		if (end > at)
			out[n++] = (struct timeline_span){ .at = at, .n = (uint32_t)(end - at) };
		if (i < t->count && t->extents[i].to > at)
			at = t->extents[i].to;
	}
	return n;
}

static uint32_t extent_behind(const struct timeline *t, int64_t at)
{
	uint32_t i = t->count;

	while (i > 0 && t->extents[i - 1].from > at)
		i--;
	return i;
}

/* ---- place of a packet ---- */

static void timeline_anchor(struct timeline *t, const struct timeline_packet *p)
{
	int64_t end = timeline_end(t);

	t->anchored = true;
	t->ssrc = p->ssrc;
	t->clock_hz = p->clock_hz;
	t->timestamp = p->timestamp;
	t->base = p->arrival > end ? p->arrival : end;
}

static int64_t timeline_position(struct timeline *t, uint32_t timestamp)
{
	int64_t ahead = (int64_t)(int32_t)(timestamp - t->timestamp) * t->rate;
	int64_t at = t->base + ahead / t->clock_hz;

	/* the base follows, so that differences stay small; not by parts of a sample */
	if (ahead > 0 && ahead % t->clock_hz == 0) {
		t->timestamp = timestamp;
		t->base = at;
	}
	return at;
}

static void source_change(struct timeline *t, const struct timeline_packet *p)
{
	t->lost_before += seq_lost(&t->numbers);
	t->numbers = (struct seq_count){ 0 };
	(void)seq_update(&t->numbers, p->sequence);
	t->source++;
	t->anchored = false;
}

/* Whether it is newer than all before. */
static bool timeline_number(struct timeline *t, const struct timeline_packet *p)
{
	if (!t->numbers.started || p->ssrc != t->ssrc || p->clock_hz != t->clock_hz) {
		t->ssrc = p->ssrc;
		t->clock_hz = p->clock_hz;
		source_change(t, p);
		return true;
	}
	switch (seq_update(&t->numbers, p->sequence)) {
	case SEQ_FORWARD:
		return true;
	case SEQ_LATE:
		return false;
	case SEQ_JUMP:
	case SEQ_RESTART:
		break;
	}
	source_change(t, p);
	return true;
}

/* Events and undecodable packets have a number and no place: nothing is missing behind them. */
static void timeline_note(struct timeline *t, uint16_t number)
{
	struct timeline_extent *last = t->count ? &t->extents[t->count - 1] : NULL;

	if (last && last->source == t->source && (uint16_t)(number - last->last) == 1)
		last->last = number;
}

static bool is_far(const struct timeline *t, const struct timeline_packet *p, int64_t at)
{
	int64_t rate = t->rate;

	return at < timeline_end(t) || at < p->arrival - TIMELINE_BEHIND_S * rate ||
	       at > p->arrival + TIMELINE_EARLY_MS * rate / 1000;
}

static uint32_t timeline_put(struct timeline *t, const struct timeline_packet *p, int64_t at,
			     struct timeline_span out[TIMELINE_SPANS])
{
	int64_t to = at + p->samples, from = at > t->settled ? at : t->settled;
	uint32_t n;

	if (to <= from || to > p->arrival + TIMELINE_AHEAD_S * (int64_t)t->rate) {
		t->crowded++;
		return 0;
	}
	n = spans_free(t, from, to, out);
	for (uint32_t i = 0; i < n; i++) {
		out[i].skip = (uint32_t)(out[i].at - at);
		extent_add(t, extent_behind(t, out[i].at), out[i].at, out[i].at + out[i].n,
			   p->sequence);
	}
	return n;
}

uint32_t timeline_place(struct timeline *t, const struct timeline_packet *p,
			struct timeline_span out[TIMELINE_SPANS])
{
	bool newer = timeline_number(t, p);
	int64_t at;

	assert(p->clock_hz);
	if (p->samples == 0) {
		if (newer)
			timeline_note(t, p->sequence);
		return 0;
	}
	if (!t->anchored)
		timeline_anchor(t, p);
	at = timeline_position(t, p->timestamp);
	if (newer && is_far(t, p, at)) {
		timeline_anchor(t, p);
		at = t->base;
	}
	return timeline_put(t, p, at, out);
}

static int pcapng_open(struct recording *r)
{
	uint8_t *p = malloc(RECORDING_PENDING);

	if (!p)
		return -ENOMEM;
	r->pending = writer_over(p, RECORDING_PENDING);
	pcapng_header_write(&r->pending, "tandem " TANDEM_VERSION, "recording, decrypted");
	return 0;
}

int recording_open(struct recording *r, struct disk *d, const struct record_terms *terms,
		   const char *path, uint64_t now_ns)
{
	int err;

	r->terms = *terms;
	r->begun_ns = r->flushed_ns = now_ns;
	r->dirty = INT64_MAX;
	record_file_name(r->file_name, terms);
	err = terms->format == RECORD_PCAPNG ? pcapng_open(r) : 0;
	if (!err)
		disk_file_start(d, &r->file, path, 0);
	return err;
}

void recording_close(struct recording *r)
{
	for (unsigned i = 0; i < WAV_SIDES; i++)
		record_voice_close(&r->voices[i]);
	wav_window_close(&r->window);
	free(r->pending.p);
	r->pending.p = NULL;
}

/* Extends the last gap of its kind if it begins at its end, or within. */
static void recording_gap(struct recording *r, uint64_t at_ms, uint64_t ms, enum record_side side,
			  enum record_cause cause)
{
	struct record_gap *last =
		r->gap_count && r->gap_count <= RECORD_GAPS_MAX ? &r->gaps[r->gap_count - 1] : NULL;
	struct record_gap gap = { .at_ms = at_ms, .ms = ms, .side = side, .cause = cause };

	if (last && last->cause == cause && last->side == side && at_ms >= last->at_ms &&
	    at_ms <= last->at_ms + last->ms) {
		uint64_t end =
			at_ms + ms > last->at_ms + last->ms ? at_ms + ms : last->at_ms + last->ms;

		ms = end - (last->at_ms + last->ms);
		last->ms = end - last->at_ms;
	} else {
		if (r->gap_count < RECORD_GAPS_MAX)
			r->gaps[r->gap_count] = gap;
		r->gap_count++;
	}
	if (cause == RECORD_DISK)
		r->unwritten_ms += ms;
}

/* ---- pauses ---- */

static bool is_paused(const struct recording *r)
{
	return r->stop_count && r->stops[r->stop_count - 1].to_ns == UINT64_MAX;
}

/* Less all pauses up to then; some of the known ones may be later. */
static uint64_t recording_time_ns(const struct recording *r, uint64_t at_ns)
{
	uint64_t paused = r->paused_ns, passed;

	for (uint32_t i = 0; i < r->stop_count; i++) {
		const struct recording_stop *s = &r->stops[i];
		uint64_t end = s->to_ns == UINT64_MAX ? at_ns : s->to_ns;

		if (at_ns < s->from_ns)
			paused -= s->to_ns == UINT64_MAX ? 0 : s->to_ns - s->from_ns;
		else if (s->to_ns == UINT64_MAX)
			paused += end - s->from_ns;
		else if (at_ns < s->to_ns)
			paused -= s->to_ns - at_ns;
	}
	passed = at_ns > r->begun_ns ? at_ns - r->begun_ns : 0;
	return passed > paused ? passed - paused : 0;
}

void recording_pause(struct recording *r, uint64_t at_ns)
{
	if (is_paused(r) || r->ended_ns)
		return;
	if (r->stop_count == RECORDING_STOPS) {
		memmove(r->stops, r->stops + 1, sizeof(r->stops) - sizeof(r->stops[0]));
		r->stop_count--;
	}
	r->stops[r->stop_count++] = (struct recording_stop){ at_ns, UINT64_MAX };
	if (r->pause_count < RECORD_PAUSES_MAX)
		r->pauses[r->pause_count].at_ms = recording_time_ns(r, at_ns) / NS_PER_MS;
	r->pause_count++;
}

void recording_resume(struct recording *r, uint64_t at_ns)
{
	struct recording_stop *stop;

	if (!is_paused(r))
		return;
	stop = &r->stops[r->stop_count - 1];
	stop->to_ns = at_ns;
	r->paused_ns += at_ns - stop->from_ns;
	if (r->pause_count <= RECORD_PAUSES_MAX)
		r->pauses[r->pause_count - 1].ms = (at_ns - stop->from_ns) / NS_PER_MS;
	for (unsigned i = 0; i < WAV_SIDES; i++)
		r->lines[i].anchored = false; /* the next packet is at its arrival */
}

static bool is_stopped(const struct recording *r, uint64_t at_ns)
{
	/* older than all known pauses, of more than are known: treated as stopped */
	if (r->stop_count == RECORDING_STOPS && at_ns < r->stops[0].from_ns)
		return true;
	for (uint32_t i = 0; i < r->stop_count; i++) {
		if (at_ns >= r->stops[i].from_ns && at_ns < r->stops[i].to_ns)
			return true;
	}
	return false;
}

/* ---- packets ---- */

/* Of the file: a message has no silence at its start. */
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

static int64_t wav_at(const struct recording *r, uint64_t at_ns)
{
	uint64_t ns = recording_time_ns(r, at_ns);

	return (int64_t)(ns / NS_PER_S * r->rate + ns % NS_PER_S * r->rate / NS_PER_S);
}

/* The first sound decides the format; silence before it. False: no memory, or no room. */
static bool wav_start(struct recording *r, struct disk *d, enum media_codec codec, uint64_t at_ns)
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

/* It begins a moment before its first sound. */
static void message_on_samples(struct recording *r, int64_t at, const uint8_t *samples, uint32_t n)
{
	struct record_message *m = &r->message;
	int64_t around = (int64_t)r->rate * MESSAGE_AROUND_MS / 1000;

	if (!record_message_on_samples(m, r->sound, r->rate, at, samples, n))
		return;
	m->from = at - around > r->window.low ? at - around : r->window.low;
	r->written = m->from;
	r->dirty = INT64_MAX;
}

/* Stereo: left the party's own sound, right what it hears. Messages and conferences: mono. */
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
	/* a packet without a place has no clock either: it must not look like another source */
	if (!count && line->clock_hz)
		clock = line->clock_hz;
	packet.clock_hz = clock ? clock : 8000;
	packet.samples = count;
	n = timeline_place(line, &packet, spans);
	for (uint32_t i = 0; i < n; i++) {
		wav_window_put(&r->window, p->side, spans[i].at, samples + spans[i].skip * octets,
			       spans[i].n);
		if (r->terms.message)
			message_on_samples(r, spans[i].at, samples + spans[i].skip * octets,
					   spans[i].n);
		if (spans[i].at < r->written && spans[i].at < r->dirty)
			r->dirty = spans[i].at;
	}
}

/* The disk took nothing for too long: silence from `from` on, listed in the sidecar. */
static void wav_drop(struct recording *r, struct disk *d, int64_t from, int64_t until)
{
	uint64_t offset = wav_offset(r, from);
	uint64_t begins = disk_file_hole(d, &r->file, offset, wav_offset(r, until) - offset);
	uint64_t frames = (begins - WAV_HEAD_LEN) / r->window.frame;
	uint64_t at_ms = wav_ms(r, r->message.from + (int64_t)frames);

	recording_gap(r, at_ms, wav_ms(r, until) - at_ms, RECORD_BOTH, RECORD_DISK);
}

/* End of a message's sound. Before it begins nothing is written, and little is kept. */
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

/* In steps of the window, if the process stood still, or more is missing than the window has. */
static void wav_flush(struct recording *r, struct disk *d, int64_t until)
{
	int64_t step = 2 * (int64_t)r->rate;

	if (r->terms.message)
		until = message_until(r, until);
	while (r->written + step < until)
		wav_write(r, d, r->written + step);
	wav_write(r, d, until);
}

static void wav_on_packet(struct recording *r, struct disk *d, const struct tap_packet *p)
{
	struct rtp_head h;

	if (p->kind == TAP_RTCP || (record_is_mono(&r->terms) && p->side != TAP_FROM_PARTY) ||
	    rtp_parse(&h, tap_octets(p)))
		return;
	r->packets[p->side]++;
	if (!r->sounds && (p->kind != TAP_SOUND || !p->codec ||
			   !wav_start(r, d, (enum media_codec)(p->codec - 1), p->time_ns)))
		return;
	/* far behind the last chunk: the window must reach as far as the packet may go */
	if (wav_at(r, p->time_ns) > r->written + (int64_t)r->rate / 2)
		wav_flush(r, d, wav_at(r, p->time_ns));
	wav_put(r, p, &h, p->time_ns);
}

/* Pending blocks are written all or none: a file has whole blocks. */
static void pcapng_flush(struct recording *r, struct disk *d)
{
	struct bytes octets = writer_done(&r->pending);

	if (!octets.n)
		return;
	if (disk_file_write(d, &r->file, r->at, octets)) {
		r->at += octets.n;
	} else {
		r->unwritten_packets += r->pending_packets;
		r->pending_lost += r->pending_packets;
	}
	r->pending.n = 0;
	r->pending_packets = 0;
}

static void pcapng_room(struct recording *r, struct disk *d, size_t n)
{
	if (r->pending.n + n + PCAPNG_BLOCK_ROOM > r->pending.cap)
		pcapng_flush(r, d);
}

static uint64_t utc_of(const struct recording *r, uint64_t at_ns)
{
	return r->terms.begun_utc_ms * NS_PER_MS + (at_ns - r->begun_ns);
}

/* Packets unchanged, deciphered, with RTCP and telephone events: inbound from the party, outbound
 * to it. */
static void pcapng_on_packet(struct recording *r, struct disk *d, const struct tap_packet *p)
{
	struct pcapng_packet packet = { .utc_ns = utc_of(r, p->time_ns),
					.from = &p->from,
					.to = &p->to,
					.payload = tap_octets(p),
					.direction = p->side == TAP_FROM_PARTY ? PCAPNG_INBOUND
									       : PCAPNG_OUTBOUND };

	r->pending_lost += p->lost;
	if (packet.payload.n + 2 * PCAPNG_BLOCK_ROOM > r->pending.cap) {
		r->pending_lost++;
		r->unwritten_packets++;
		return;
	}
	pcapng_room(r, d, packet.payload.n);
	packet.lost = r->pending_lost;
	pcapng_packet(&r->pending, &packet);
	r->pending_lost = 0;
	r->pending_packets++;
	if (p->kind != TAP_RTCP)
		r->packets[p->side]++;
}

void recording_on_packet(struct recording *r, struct disk *d, const struct tap_packet *p)
{
	if (r->failed || p->time_ns < r->begun_ns || is_stopped(r, p->time_ns) ||
	    (r->ended_ns && p->time_ns >= r->ended_ns))
		return;
	r->untapped += p->lost;
	switch (r->terms.format) {
	case RECORD_WAV:
		wav_on_packet(r, d, p);
		break;
	case RECORD_PCAPNG:
		pcapng_on_packet(r, d, p);
		break;
	}
}

void recording_flush(struct recording *r, struct disk *d, uint64_t now_ns)
{
	if (r->failed || now_ns - r->flushed_ns < RECORDING_CHUNK_MS * NS_PER_MS)
		return;
	r->flushed_ns = now_ns;
	if (r->terms.format == RECORD_PCAPNG)
		pcapng_flush(r, d);
	else if (r->sounds)
		wav_flush(r, d, wav_at(r, now_ns));
}

uint64_t recording_ms(const struct recording *r, uint64_t now_ns)
{
	uint64_t ns = recording_time_ns(r, now_ns);

	if (r->terms.format == RECORD_WAV && r->sounds)
		return (uint64_t)(r->written - r->message.from) * 1000 / r->rate;
	return ns / NS_PER_MS;
}

bool recording_falls_quiet(struct recording *r, uint64_t now_ns)
{
	struct record_message *m = &r->message;
	uint64_t now_ms = recording_time_ns(r, now_ns) / NS_PER_MS;
	uint64_t since_ms = m->begun ? (uint64_t)m->until * 1000 / r->rate : 0;

	if (!r->terms.message || !r->terms.silence_ms || m->was_quiet ||
	    now_ms < since_ms + r->terms.silence_ms)
		return false;
	m->was_quiet = true;
	return true;
}

bool recording_has_grown(struct recording *r, uint64_t now_ns, uint64_t *ms)
{
	struct record_message *m = &r->message;

	if (!r->terms.message || !m->begun || now_ns - m->told_ns < RECORDING_CHUNK_MS * NS_PER_MS)
		return false;
	*ms = (uint64_t)(record_message_end(m, r->rate, wav_at(r, now_ns)) - m->from) * 1000 /
	      r->rate;
	if (*ms <= m->told_ms)
		return false;
	m->told_ms = *ms;
	m->told_ns = now_ns;
	return true;
}

static const char *sound_name(enum wav_sound sound)
{
	switch (sound) {
	case WAV_SOUND_ULAW:
		return "PCMU";
	case WAV_SOUND_ALAW:
		return "PCMA";
	case WAV_SOUND_PCM:
		break;
	}
	return "L16";
}

static void facts_fill(const struct recording *r, uint64_t at_ns, struct record_facts *f)
{
	bool wav = r->terms.format == RECORD_WAV;

	*f = (struct record_facts){
		.terms = &r->terms,
		.file = r->file_name,
		.codec = wav && r->sounds ? sound_name(r->sound) : "",
		.rate = r->rate,
		.channels = record_is_mono(&r->terms) ? 1 : WAV_SIDES,
		.ended_utc_ms = r->terms.begun_utc_ms + (at_ns - r->begun_ns) / NS_PER_MS,
		.duration_ms = recording_ms(r, at_ns),
		.octets = r->file.octets,
		.lost_packets = timeline_lost(&r->lines[0]) + timeline_lost(&r->lines[1]),
		.unwritten_ms = r->unwritten_ms,
		.unwritten_packets = r->unwritten_packets + r->untapped,
		.undecoded_packets = r->undecoded,
		.packets = { r->packets[0], r->packets[1] },
		.gap_count = r->gap_count,
		.pause_count = r->pause_count,
		.gaps = r->gaps,
		.pauses = r->pauses,
	};
}

static void recording_head(const struct recording *r, struct writer *out)
{
	uint8_t head[WAV_HEAD_LEN];
	struct wav_head h = { .sound = r->sound,
			      .mono = record_is_mono(&r->terms),
			      .rate = r->rate,
			      .data_octets =
				      (uint64_t)(r->written - r->message.from) * r->window.frame };

	if (r->terms.format != RECORD_WAV || !r->sounds)
		return;
	wav_time_put(h.begun, r->terms.begun_utc_ms);
	wav_head_write(head, &h);
	writer_mem(out, head, sizeof(head));
}

static void wav_finish(struct recording *r, struct disk *d, uint64_t at_ns)
{
	int64_t until;

	if (!r->sounds && !wav_start(r, d, MEDIA_CODEC_PCMU, at_ns))
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

static void pcapng_finish(struct recording *r, struct disk *d, uint64_t at_ns)
{
	struct pcapng_counts counts = { .utc_ns = utc_of(r, at_ns),
					.received = r->packets[0] + r->packets[1],
					.lost = r->unwritten_packets + r->untapped };

	pcapng_room(r, d, 0);
	pcapng_counts(&r->pending, &counts);
	pcapng_flush(r, d);
}

void recording_end(struct recording *r, struct disk *d, uint64_t at_ns, bool last, bool interrupted,
		   struct bytes call)
{
	uint8_t head[DISK_HEAD_MAX];
	struct writer h = writer_over(head, sizeof(head));
	char *text = malloc(RECORD_SIDECAR_MAX);
	struct writer w = writer_over(text, text ? RECORD_SIDECAR_MAX : 0);
	struct record_facts f;

	recording_resume(r, at_ns);
	r->ended_ns = at_ns;
	if (r->terms.format == RECORD_WAV)
		wav_finish(r, d, at_ns);
	else
		pcapng_finish(r, d, at_ns);
	facts_fill(r, at_ns, &f);
	f.last = last;
	f.interrupted = interrupted;
	f.call = call;
	record_facts_write(&w, &f);
	recording_head(r, &h);
	disk_file_end(d, &r->file, writer_done(&h), text, w.n);
}
