/* SPDX-License-Identifier: Apache-2.0 */
#include "app/record/recording.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/pcapng.h"
#include "media/tap.h"

static int pcapng_open(struct recording *r)
{
	uint8_t *p = malloc(RECORDING_PENDING);

	if (!p)
		return -ENOMEM;
	r->pending = writer_over(p, RECORDING_PENDING);
	pcapng_begin(&r->pending, "tandem " TANDEM_VERSION, "recording, decrypted");
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
		disk_file_begin(d, &r->file, path, 0);
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

/* One that begins where the last one of its kind ends, or within it, makes that one longer. */
void recording_gap(struct recording *r, uint64_t at_ms, uint64_t ms, enum record_side side,
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
		timeline_break(&r->lines[i]);
}

/* All pauses up to then are taken off; of those that are known it may lie before some. */
uint64_t recording_time_ns(const struct recording *r, uint64_t at_ns)
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

static bool is_stopped(const struct recording *r, uint64_t at_ns)
{
	/* older than all pauses that are known, and there were more: nobody knows any more */
	if (r->stop_count == RECORDING_STOPS && at_ns < r->stops[0].from_ns)
		return true;
	for (uint32_t i = 0; i < r->stop_count; i++) {
		if (at_ns >= r->stops[i].from_ns && at_ns < r->stops[i].to_ns)
			return true;
	}
	return false;
}

/* ---- packets ---- */

void recording_take(struct recording *r, struct disk *d, const struct tap_packet *p)
{
	if (r->failed || p->time_ns < r->begun_ns || is_stopped(r, p->time_ns) ||
	    (r->ended_ns && p->time_ns >= r->ended_ns))
		return;
	r->untapped += p->lost;
	switch (r->terms.format) {
	case RECORD_WAV:
		wav_take(r, d, p);
		break;
	case RECORD_PCAPNG:
		pcapng_take(r, d, p);
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
