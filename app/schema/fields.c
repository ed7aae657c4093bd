/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns CDRs, events and security events of the core into names and texts, and into JSON for Redis.
 * effects.c writes them, lists and webhooks read them by the same names, and docs/api.md is
 * generated from the tables here. The names are an interface for other programs: members are added,
 * never renamed.
 */

#include <assert.h>
#include <string.h>

#include "app/schema/fields.h"
#include "base/json.h"
#include "cluster/record.h"
#include "media/offer/terms.h"
#include "sig/model/plan.h"
#include "sig/sip/id.h"

/* CALL, and CALL.N of the later pairs. Written to out. */
static struct bytes fields_cdr_id(const struct cdr *cdr, char out[FIELDS_CDR_ID_MAX])
{
	struct writer w = writer_over(out, FIELDS_CDR_ID_MAX);
	char text[ID_TEXT_LEN];

	id_call_put(text, cdr->call);
	writer_mem(&w, text, sizeof(text));
	if (cdr->pair > 1)
		writer_fmt(&w, ".%u", (unsigned)cdr->pair);
	assert(!w.overflow);
	return writer_done(&w);
}

static void cdr_put_in(struct cdrs *out, uint32_t i, const struct cdr *cdr)
{
	struct fields fields;

	if (i)
		out->list[out->count++] =
			(struct store_field){ CDR_ID, fields_cdr_id(cdr, out->ids[i]) };
	fields_of_cdr(&fields, cdr);
	out->list[out->count++] = (struct store_field){ "cdr", fields_json(&fields, out->json[i]) };
}

void cdrs_write(struct cdrs *out, const struct cdr *list, uint32_t n, struct bytes toll,
		struct bytes findings)
{
	assert(n > 0 && n <= CDR_PAIRS_MAX);
	out->count = 0;
	for (uint32_t i = 0; i < n; i++)
		cdr_put_in(out, i, &list[i]);
	if (findings.n)
		out->list[out->count++] = (struct store_field){ CDR_FINDINGS, findings };
	if (toll.n)
		out->list[out->count++] = (struct store_field){ CDR_TOLL, toll };
}

static void add_bytes(struct fields *f, const char *name, struct bytes value)
{
	assert(f->count < FIELDS_MAX && f->used + value.n <= sizeof(f->text));
	if (value.n)
		memcpy(f->text + f->used, value.p, value.n);
	f->is_number[f->count] = false;
	f->list[f->count++] = (struct store_field){ name, bytes_mem(f->text + f->used, value.n) };
	f->used += value.n;
}

static void field_text(struct fields *f, const char *name, const char *value)
{
	add_bytes(f, name, bytes_str(value));
}

static void field_number(struct fields *f, const char *name, uint64_t value)
{
	char text[24];
	struct writer w = writer_over(text, sizeof(text));

	writer_u64(&w, value);
	add_bytes(f, name, writer_done(&w));
	f->is_number[f->count - 1] = true;
}

static void add_call(struct fields *f, const char *name, uint64_t call)
{
	char text[ID_TEXT_LEN];

	id_call_put(text, call);
	add_bytes(f, name, bytes_mem(text, sizeof(text)));
}

/* Its name. */
static void recording_write(struct writer *w, uint64_t call, unsigned number)
{
	char text[ID_TEXT_LEN];

	id_call_put(text, call);
	writer_mem(w, text, sizeof(text));
	writer_fmt(w, "-%u", number);
}

/* All recordings of that pair, in order. */
static void add_recordings(struct fields *f, const struct cdr *cdr)
{
	char text[64 * (ID_TEXT_LEN + 4)];
	struct writer w = writer_over(text, sizeof(text));

	for (unsigned i = 1; i < 64; i++) {
		if (!(cdr->recordings & UINT64_C(1) << i))
			continue;
		if (writer_done(&w).n)
			writer_str(&w, ",");
		recording_write(&w, cdr->call, i);
	}
	assert(!w.overflow);
	if (cdr->recordings)
		add_bytes(f, "recordings", writer_done(&w));
}

static const char *ended_by_name(enum call_ended_by by)
{
	switch (by) {
	case ENDED_BY_A:
		return "a";
	case ENDED_BY_B:
		return "b";
	case ENDED_BY_NODE:
		return "node";
	case ENDED_BY_OPERATOR:
		return "operator";
	}
	return "node";
}

static void add_facts(struct fields *f, const struct call_facts *facts)
{
	for (const struct call_fact *fact = call_facts; fact->name; fact++)
		field_text(f, fact->name, (const char *)facts + fact->at);
}

/* Counters of a leg: names for leg a and leg b, and their place. */
static const struct {
	const char *name[2];
	size_t offset;
	bool wide; /* uint64_t */
} g_stats[] = {
#define WIDE(member)                                                                      \
	{                                                                                 \
		{ "a_" #member, "b_" #member }, offsetof(struct flow_stats, member), true \
	}
#define NARROW(member)                                                                     \
	{                                                                                  \
		{ "a_" #member, "b_" #member }, offsetof(struct flow_stats, member), false \
	}
	WIDE(packets_in),
	WIDE(octets_in),
	WIDE(packets_out),
	WIDE(octets_out),
	WIDE(rtcp_in),
	WIDE(rtcp_out),
	WIDE(dropped),
	NARROW(lost),
	NARROW(jitter_us),
	NARROW(digits),
	NARROW(source_changes),
	NARROW(remote_lost),
	NARROW(remote_jitter_us),
	NARROW(rtt_us),
#undef WIDE
#undef NARROW
};

static void add_stats(struct fields *f, const struct flow_stats *stats, size_t leg)
{
	for (size_t i = 0; i < COUNT_OF(g_stats); i++) {
		const uint8_t *at = (const uint8_t *)stats + g_stats[i].offset;
		uint64_t wide;
		uint32_t narrow;

		memcpy(&narrow, at, sizeof(narrow));
		if (g_stats[i].wide) {
			memcpy(&wide, at, sizeof(wide));
		} else {
			wide = narrow;
		}
		field_number(f, g_stats[i].name[leg], wide);
	}
}

static const char *const g_mos[][2] = { { "a_mos_in_hundredths", "a_mos_out_hundredths" },
					{ "b_mos_in_hundredths", "b_mos_out_hundredths" } };

static void sound_field_add(struct fields *f, const struct cdr_sound *sound, size_t leg)
{
	field_text(f, leg ? "b_codec" : "a_codec", sound->codec);
	field_number(f, g_mos[leg][0], sound->mos_in);
	field_number(f, g_mos[leg][1], sound->mos_out);
}

static void add_lines(struct fields *f, uint8_t lines)
{
	static const char *const words[] = {
#define OFFER_LINE(suffix, word, help) word,
#include "media/offer/lines.def"
#undef OFFER_LINE
	};
	char text[64];
	struct writer w = writer_over(text, sizeof(text));

	for (size_t i = 0; i < OFFER_LINES_WORDS; i++) {
		if (lines & 1u << i)
			WRITER_TEXTS(&w, writer_done(&w).n ? " " : "", words[i]);
	}
	assert(!w.overflow);
	add_bytes(f, "lines", writer_done(&w));
}

void fields_of_cdr(struct fields *out, const struct cdr *cdr)
{
	uint64_t talked = cdr->answer_utc_ms && cdr->end_utc_ms > cdr->answer_utc_ms
				  ? cdr->end_utc_ms - cdr->answer_utc_ms
				  : 0;

	out->count = out->used = 0;
	field_text(out, "tenant", cdr->tenant);
	field_text(out, "from", cdr->from);
	field_text(out, "to", cdr->to);
	field_text(out, "sip_call_id", cdr->sip_call_id);
	field_number(out, "setup_utc_ms", cdr->setup_utc_ms);
	field_number(out, "ringing_utc_ms", cdr->ringing_utc_ms);
	field_number(out, "answer_utc_ms", cdr->answer_utc_ms);
	field_number(out, "end_utc_ms", cdr->end_utc_ms);
	field_number(out, "talk_ms", talked);
	field_number(out, "sip_status", cdr->sip_status);
	field_number(out, "q850", cdr->q850);
	field_text(out, "ended_by", ended_by_name(cdr->ended_by));
	field_text(out, "cause", cdr->reason);
	add_lines(out, cdr->lines);
	field_text(out, "forwarded_to", cdr->forwarded_to);
	field_text(out, "forwarded", plan_why_name((enum plan_why)cdr->forwarded));
	field_text(out, "from_trunk", cdr->from_trunk);
	field_text(out, "to_trunk", cdr->to_trunk);
	add_facts(out, &cdr->facts);
	add_stats(out, &cdr->a, 0);
	add_stats(out, &cdr->b, 1);
	sound_field_add(out, &cdr->a_sound, 0);
	sound_field_add(out, &cdr->b_sound, 1);
	add_recordings(out, cdr);
	if (cdr->room)
		add_call(out, "conference", cdr->room);
	if (cdr->pairs > 1)
		add_call(out, "linked", cdr->call);
}

bool fields_cdr_is_number(struct bytes name)
{
	static const char *const head[] = { "setup_utc_ms", "ringing_utc_ms", "answer_utc_ms",
					    "end_utc_ms",   "talk_ms",        "sip_status",
					    "q850" };

	for (size_t i = 0; i < COUNT_OF(head); i++) {
		if (bytes_is(name, head[i]))
			return true;
	}
	for (size_t i = 0; i < COUNT_OF(g_stats); i++) {
		if (bytes_is(name, g_stats[i].name[0]) || bytes_is(name, g_stats[i].name[1]))
			return true;
	}
	for (size_t leg = 0; leg < COUNT_OF(g_mos); leg++) {
		if (bytes_is(name, g_mos[leg][0]) || bytes_is(name, g_mos[leg][1]))
			return true;
	}
	return false;
}

struct bytes fields_json(const struct fields *f, char out[FIELDS_JSON_MAX])
{
	struct writer w = writer_over(out, FIELDS_JSON_MAX);

	for (size_t i = 0; i < f->count; i++) {
		writer_str(&w, i ? ",\"" : "{\"");
		writer_str(&w, f->list[i].name);
		writer_str(&w, "\":");
		if (f->is_number[i])
			writer_bytes(&w, f->list[i].value);
		else
			json_write_text(&w, f->list[i].value);
	}
	writer_str(&w, "}");
	assert(!w.overflow);
	return writer_done(&w);
}

const char *fields_security_source(const struct security_event *event, char *buf)
{
	return event->source.family == ADDR_NONE ? "several" : addr_text(&event->source, buf);
}

void fields_of_security(struct fields *out, const struct security_event *event)
{
	char source[ADDR_TEXT_MAX];

	out->count = out->used = 0;
	field_text(out, "type", security_kind_name(event->kind));
	field_text(out, "source", fields_security_source(event, source));
	field_text(out, "user", event->user);
	field_text(out, "detail", event->detail);
	field_number(out, "count", event->count);
}

static void write_security(struct writer *w)
{
	writer_str(w,
		   "\n## Security events\n\nThe stream `td:security`: `source`, `user`, `detail`, "
		   "`count` and `node` of each.\n\n| Type | Meaning |\n|---|---|\n");
	for (int i = 0; i < SECURITY_KIND_COUNT; i++) {
		enum security_kind kind = (enum security_kind)i;

		writer_fmt(w, "| `%s` | %s |\n", security_kind_name(kind),
			   security_kind_sentence(kind));
	}
}

void fields_write_events(struct writer *w)
{
	writer_str(w, "\n## Events\n\n| Type | Fields | Meaning |\n|---|---|---|\n");
	for (int kind = 0; kind < SIG_EVENT_KINDS; kind++) {
		const struct event_row *row = &event_rows[kind];
		uint16_t fields[EVENT_FIELDS_MAX];
		size_t n = event_row_fields((enum sig_event_kind)kind, fields);

		writer_fmt(w, "| `%s` |", row->name);
		for (size_t i = 0; i < n; i++) {
			if (event_field_is_listed(fields[i]))
				WRITER_TEXTS(w, i ? ", `" : " `", event_field_of(fields[i])->name,
					     "`");
		}
		writer_fmt(w, " | %s |\n", row->help);
	}
	write_security(w);
}
