/* SPDX-License-Identifier: Apache-2.0 */
#include "media/offer/record.h"

#include <errno.h>
#include <string.h>

#include "media/codec.h"
#include "media/offer/line.h"
#include "media/sdp/sdp.h"

static const char *const g_records[] = {
	[OFFER_RECORD_NONE] = "",
	[OFFER_RECORD_OFF] = "off",
	[OFFER_RECORD_PAUSED] = "paused",
	[OFFER_RECORD_ON] = "on",
};

static const char *const g_preferences[] = {
	[OFFER_PREFERS_NOTHING] = "nopreference",
	[OFFER_PREFERS_ON] = "on",
	[OFFER_PREFERS_OFF] = "off",
	[OFFER_PREFERS_PAUSE] = "pause",
};

enum offer_record offer_record_of(const struct offer_record_state *told, enum media_kind kind,
				  uint8_t index)
{
	uint8_t line = told->line[index];

	if (!told->tells)
		return OFFER_RECORD_NONE;
	if (kind == MEDIA_AUDIO && told->sound > line)
		line = told->sound;
	return line > OFFER_RECORD_OFF ? (enum offer_record)line : OFFER_RECORD_OFF;
}

void offer_record_line(struct writer *w, enum offer_record what)
{
	if (what != OFFER_RECORD_NONE)
		WRITER_TEXTS(w, "a=record:", g_records[what], "\r\n");
}

/* The place of a word in a list of words; 0: it is none of them. */
static uint8_t record_word_of(struct bytes word, const char *const *words, uint8_t count)
{
	for (uint8_t i = 0; i < count; i++) {
		if (words[i][0] && bytes_iis(bytes_trim(word), words[i]))
			return i;
	}
	return 0;
}

/* Of the line, else of the session. */
static bool record_attribute(const struct sdp *s, unsigned section, const char *name,
			     struct bytes *value)
{
	return sdp_attribute(s, section, name, value) || sdp_attribute(s, SDP_SESSION, name, value);
}

static uint8_t line_says(const struct sdp *s, unsigned section)
{
	struct bytes value;

	if (!s->sections[section].port || !record_attribute(s, section, "record", &value))
		return OFFER_RECORD_NONE;
	return record_word_of(value, g_records, COUNT_OF(g_records));
}

static bool says_record(struct bytes sdp, const char *word)
{
	return sdp.n && memmem(sdp.p, sdp.n, word, strlen(word));
}

void offer_record_read(struct bytes sdp, uint8_t out[MEDIA_LINES_MAX])
{
	struct sdp_error error;
	struct sdp s;

	memset(out, OFFER_RECORD_NONE, MEDIA_LINES_MAX);
	if (!says_record(sdp, "a=record:") || sdp_parse(&s, sdp, &error))
		return;
	for (uint8_t i = 0; i < s.media_count && i < MEDIA_LINES_MAX; i++)
		out[i] = line_says(&s, i + 1U);
}

static bool is_sound(const struct sdp *s, unsigned section)
{
	return s->sections[section].port &&
	       media_kind_of(sdp_slice(s, s->sections[section].kind)) == MEDIA_AUDIO;
}

enum offer_record_preference offer_record_preference(struct bytes sdp)
{
	struct sdp_error error;
	struct bytes value;
	struct sdp s;

	if (!says_record(sdp, "a=recordpref:") || sdp_parse(&s, sdp, &error))
		return OFFER_PREFERS_NOTHING;
	for (unsigned i = 1; i <= s.media_count; i++) {
		if (!is_sound(&s, i))
			continue;
		return record_attribute(&s, i, "recordpref", &value)
			       ? (enum offer_record_preference)record_word_of(
					 value, g_preferences, COUNT_OF(g_preferences))
			       : OFFER_PREFERS_NOTHING;
	}
	return OFFER_PREFERS_NOTHING;
}

/* Of a text of ours; more lines than there may be have no port. */
static enum offer_record line_is_told(const struct sdp *s, uint8_t index,
				      const struct offer_record_state *told)
{
	if (index >= MEDIA_LINES_MAX || !s->sections[index + 1U].port)
		return OFFER_RECORD_NONE;
	return offer_record_of(told, media_kind_of(sdp_slice(s, s->sections[index + 1U].kind)),
			       index);
}

bool offer_record_is_in_local(struct bytes local, const struct offer_record_state *told)
{
	struct sdp_error error;
	struct sdp s;

	if (!told->tells || !local.n || sdp_parse(&s, local, &error))
		return true;
	for (uint8_t i = 0; i < s.media_count && i < MEDIA_LINES_MAX; i++) {
		uint8_t says = line_says(&s, i + 1U);
		enum offer_record now = line_is_told(&s, i, told);

		if (now != OFFER_RECORD_NONE && (says ? says : OFFER_RECORD_OFF) != (uint8_t)now)
			return false;
	}
	return true;
}

/* "- 1 2 IN IP4 192.0.2.1", the third of which is the version. */
static void write_origin(struct writer *w, struct bytes value, uint64_t version)
{
	struct bytes name = { 0 }, id = { 0 }, before = { 0 };

	(void)bytes_cut(&value, ' ', &name);
	(void)bytes_cut(&value, ' ', &id);
	(void)bytes_cut(&value, ' ', &before);
	writer_str(w, "o=");
	writer_bytes(w, name);
	writer_str(w, " ");
	writer_bytes(w, id);
	writer_number(w, " ", version, " ");
	writer_bytes(w, value);
	writer_str(w, "\r\n");
}

static void write_lines_again(struct writer *w, const struct sdp *s, uint16_t first, uint16_t end,
			      uint64_t version)
{
	for (uint16_t i = first; i < end; i++) {
		struct bytes value = sdp_slice(s, s->lines[i].value), rest;
		char type = s->lines[i].type;

		if (type == 'o')
			write_origin(w, value, version);
		else if (type != 'a' || !sdp_attribute_is(value, "record", &rest))
			sdp_write_line(w, type, value);
	}
}

int offer_record_again(struct bytes local, const struct offer_record_state *told, uint64_t version,
		       struct writer *w, struct offer_error *error)
{
	struct sdp s;
	int err = offer_parse_own(&s, local, error);

	if (err)
		return err;
	write_lines_again(w, &s, 0, s.sections[SDP_SESSION].end, version);
	for (uint8_t m = 0; m < s.media_count; m++) {
		const struct sdp_section *in = &s.sections[m + 1U];

		write_lines_again(w, &s, in->first - 1, in->end, version); /* with the m-line */
		offer_record_line(w, line_is_told(&s, m, told));
	}
	return offer_fits(w, error);
}

const char *offer_record_preference_name(enum offer_record_preference p)
{
	return g_preferences[p];
}
