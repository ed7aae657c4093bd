/* SPDX-License-Identifier: Apache-2.0 */
#include "app/record/record_facts.h"

#include <inttypes.h>
#include <stdio.h>

#include "app/record/wav_head.h"
#include "base/json.h"

const char *record_format_name(enum record_format format)
{
	switch (format) {
	case RECORD_WAV:
		return "wav";
	case RECORD_PCAPNG:
		break;
	}
	return "pcapng";
}

void record_file_name(char out[RECORD_FILE_MAX], const struct record_terms *t)
{
	char call[BASE32_U64_LEN];

	base32_u64_put(call, t->call);
	(void)snprintf(out, RECORD_FILE_MAX, "%.*s-%u.%u.%s", (int)sizeof(call), call, t->number,
		       t->segment, record_format_name(t->format));
}

static const char *side_name(enum record_side side)
{
	switch (side) {
	case RECORD_FROM_PARTY:
		return "said";
	case RECORD_TO_PARTY:
		return "heard";
	case RECORD_BOTH:
		break;
	}
	return "both";
}

static void facts_time(struct writer *w, const char *key, uint64_t utc_ms)
{
	char text[WAV_TIME_LEN + 1];

	wav_time_put(text, utc_ms);
	writer_fmt(w, ",\"%s\":\"%s\"", key, text);
}

static void facts_names(struct writer *w, const struct record_facts *f)
{
	const struct record_terms *t = f->terms;
	char call[BASE32_U64_LEN];

	base32_u64_put(call, t->call);
	writer_fmt(w, "{\"recording\":\"%.*s-%u\",\"call\":\"%.*s\"", (int)sizeof(call), call,
		   t->number, (int)sizeof(call), call);
	writer_fmt(w, ",\"number\":%u,\"segment\":%u,\"last\":%s,\"interrupted\":%s", t->number,
		   t->segment, f->last ? "true" : "false", f->interrupted ? "true" : "false");
	writer_str(w, ",\"tenant\":");
	json_write_text(w, bytes_str(t->tenant));
	writer_fmt(w, ",\"file\":\"%s\",\"format\":\"%s\"", f->file, record_format_name(t->format));
}

static void facts_sound(struct writer *w, const struct record_facts *f)
{
	if (f->codec[0])
		writer_fmt(w, ",\"codec\":\"%s\",\"rate\":%" PRIu32 ",\"channels\":%" PRIu32,
			   f->codec, f->rate, f->channels);
	facts_time(w, "begun", f->terms->begun_utc_ms);
	facts_time(w, "ended", f->ended_utc_ms);
	writer_number(w, ",\"duration_ms\":", f->duration_ms, "");
	writer_number(w, ",\"octets\":", f->octets, "");
	writer_number(w, ",\"said_packets\":", f->packets[0], "");
	writer_number(w, ",\"heard_packets\":", f->packets[1], "");
	writer_number(w, ",\"lost_packets\":", f->lost_packets, "");
	writer_number(w, ",\"undecoded_packets\":", f->undecoded_packets, "");
	writer_number(w, ",\"unwritten_packets\":", f->unwritten_packets, "");
	writer_number(w, ",\"unwritten_ms\":", f->unwritten_ms, "");
}

static void facts_pauses(struct writer *w, const struct record_facts *f)
{
	writer_number(w, ",\"pause_count\":", f->pause_count, ",\"pauses\":[");
	for (uint32_t i = 0; i < f->pause_count && i < RECORD_PAUSES_MAX; i++)
		writer_fmt(w, "%s{\"at_ms\":%" PRIu64 ",\"ms\":%" PRIu64 "}", i ? "," : "",
			   f->pauses[i].at_ms, f->pauses[i].ms);
	writer_str(w, "]");
}

static void facts_gaps(struct writer *w, const struct record_facts *f)
{
	writer_number(w, ",\"gap_count\":", f->gap_count, ",\"gaps\":[");
	for (uint32_t i = 0; i < f->gap_count && i < RECORD_GAPS_MAX; i++) {
		const struct record_gap *g = &f->gaps[i];

		writer_fmt(w,
			   "%s{\"at_ms\":%" PRIu64 ",\"ms\":%" PRIu64
			   ",\"side\":\"%s\",\"cause\":\"%s\"}",
			   i ? "," : "", g->at_ms, g->ms, side_name(g->side),
			   g->cause == RECORD_DISK ? "disk" : "lost");
	}
	writer_str(w, "]");
}

void record_facts_write(struct writer *w, const struct record_facts *f)
{
	facts_names(w, f);
	facts_sound(w, f);
	facts_pauses(w, f);
	facts_gaps(w, f);
	if (f->call.n) {
		writer_str(w, ",");
		writer_bytes(w, f->call);
	}
	writer_str(w, "}\n");
}
