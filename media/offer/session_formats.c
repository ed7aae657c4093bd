/* SPDX-License-Identifier: Apache-2.0 */
#include "media/offer/session_formats.h"

#include "media/rtp/picture.h"

struct agreeing {
	struct session_line *line;
	const struct payload_list *remote;
	struct payload_list local;
	bool we_offered;
};

static const struct payload_list *offer_format_of(const struct agreeing *k)
{
	return k->we_offered ? &k->local : k->remote;
}

static const struct payload_list *answer_format_of(const struct agreeing *k)
{
	return k->we_offered ? k->remote : &k->local;
}

static void format_add(struct agreeing *k, const struct payload *offered, uint8_t answered)
{
	k->line->formats[k->line->format_count++] = (struct session_format){
		.to = k->we_offered ? answered : offered->number,
		.from = k->we_offered ? offered->number : answered,
		.event = payload_is_event(offered),
		.channels = offered->channels,
		.clock_hz = offered->clock_hz,
		.name = offered->name,
		.parameters = offered->parameters,
	};
}

/* We answer under the offer's numbers (RFC 3264 6.1); parties do as they like. */
static void match(struct agreeing *k, uint8_t index[PAYLOAD_RULES_MAX])
{
	if (k->we_offered) {
		payload_match(k->remote, &k->local, index);
		return;
	}
	for (uint8_t i = 0; i < k->local.count; i++) {
		const struct payload *offered = payload_find(k->remote, k->local.at[i].number);

		index[i] = offered ? (uint8_t)(offered - k->remote->at) : PAYLOAD_NONE;
	}
}

static void session_find_common(struct agreeing *k)
{
	uint8_t index[PAYLOAD_RULES_MAX];

	match(k, index);
	for (uint8_t i = 0; i < answer_format_of(k)->count; i++) {
		if (index[i] != PAYLOAD_NONE)
			format_add(k, &offer_format_of(k)->at[index[i]],
				   answer_format_of(k)->at[i].number);
	}
}

/* The agreed format that an H264 of our offer means as well. */
static uint8_t twin_of(const struct agreeing *k, const struct payload *p)
{
	for (uint8_t i = 0; i < k->line->format_count && payload_is(p, "H264"); i++) {
		const struct payload *agreed = payload_find(&k->local, k->line->formats[i].from);

		if (agreed != p && payload_same_format(p, agreed))
			return i;
	}
	return PAYLOAD_NONE;
}

/* libre answers a browser's H264 under one number and sends under another one, that of the first with its packetization-mode: any of ours
 * that means the same is taken. */
static void find_twins(struct agreeing *k)
{
	for (uint8_t i = 0; i < k->local.count && k->we_offered; i++) {
		uint8_t format = twin_of(k, &k->local.at[i]);

		if (format != PAYLOAD_NONE)
			k->line->twins[k->line->twin_count++] =
				(struct session_twin){ .from = k->local.at[i].number,
						       .format = format };
	}
}

static struct payload meaning_of(const struct session_format *f)
{
	return (struct payload){ .number = f->from,
				 .channels = f->channels,
				 .clock_hz = f->clock_hz,
				 .name = f->name,
				 .parameters = f->parameters };
}

bool session_is_codec(const struct session_format *f)
{
	const struct payload meaning = meaning_of(f);

	return payload_is_codec(&meaning);
}

enum media_codec session_codec(const struct session_format *f)
{
	const struct payload meaning = meaning_of(f);

	return media_codec_of(&meaning);
}

uint8_t session_spoken(const struct session_line *line)
{
	uint8_t module = PAYLOAD_NONE;

	for (uint8_t i = 0; i < line->format_count; i++) {
		enum media_codec codec = session_codec(&line->formats[i]);

		if (codec < MEDIA_CODECS)
			return i;
		if (module == PAYLOAD_NONE && media_codec_is_transcodable(codec))
			module = i;
	}
	return module;
}

uint32_t session_clock_hz(const struct session_line *line)
{
	for (uint8_t i = 0; i < line->format_count; i++) {
		if (!line->formats[i].event)
			return line->formats[i].clock_hz;
	}
	return 0;
}

/* RFC 4733 2.1: an event has the clock of the audio it goes with. A browser that offers another one sends its digits by it, which phones would
 * not understand; phones send them as they should. */
static void part_events(struct session_line *line, bool we_offered)
{
	uint32_t clock_hz = session_clock_hz(line);

	for (uint8_t i = 0; i < line->format_count; i++) {
		struct session_format *f = &line->formats[i];

		f->apart = f->event && f->clock_hz != clock_hz && !we_offered && line->side.ice;
	}
}

static bool format_is_better(const struct media_side *side, uint32_t than, uint32_t clock_hz)
{
	return side->event_pt == PAYLOAD_NONE ||
	       (than == clock_hz && side->event_clock_hz != clock_hz);
}

/* The one in the clock of the audio, else the first. */
static void choose_event(struct session_line *line)
{
	uint32_t clock_hz = session_clock_hz(line);

	for (uint8_t i = 0; i < line->format_count; i++) {
		const struct session_format *f = &line->formats[i];

		if (!f->event || !format_is_better(&line->side, f->clock_hz, clock_hz))
			continue;
		line->side.event_pt = f->to;
		line->side.event_clock_hz = f->clock_hz;
	}
}

static void taken_add(struct session_line *line, bool spoken)
{
	struct media_side *side = &line->side;

	for (uint8_t i = 0; i < line->format_count; i++) {
		enum media_codec codec = session_codec(&line->formats[i]);

		if (media_codec_is_transcodable(codec) && (codec < MEDIA_CODECS) == spoken &&
		    side->taken_count < MEDIA_TAKEN_MAX)
			side->taken[side->taken_count++] =
				(struct media_taken){ .payload_type = line->formats[i].to,
						      .codec = (uint8_t)codec };
	}
}

uint8_t session_video_format(const struct session_format *f)
{
	const struct payload meaning = meaning_of(f);

	return video_format_of(&meaning);
}

static void taken_add_video(struct session_line *line)
{
	struct media_side *side = &line->side;

	for (uint8_t i = 0; i < line->format_count && side->taken_count < MEDIA_TAKEN_MAX; i++) {
		uint8_t format = session_video_format(&line->formats[i]);

		if (format != VIDEO_NONE)
			side->taken[side->taken_count++] =
				(struct media_taken){ .payload_type = line->formats[i].to,
						      .codec = format };
	}
}

/* What we can say to the party by ourselves; of video, show it. */
static void note_taken(struct session_line *line)
{
	line->side.taken_count = 0;
	if (line->kind == MEDIA_VIDEO) {
		taken_add_video(line);
		return;
	}
	taken_add(line, true);
	taken_add(line, false);
}

bool session_formats_read(struct session_line *line, const struct payload_list *remote,
			  const struct sdp *local, uint8_t index, bool we_offered)
{
	struct agreeing k = { .line = line, .remote = remote, .we_offered = we_offered };

	payload_list_read(&k.local, local, index + 1U);
	session_find_common(&k);
	find_twins(&k);
	part_events(line, we_offered);
	choose_event(line);
	note_taken(line);
	return line->format_count > 0;
}

void session_formats_list(struct payload_list *out, const struct session_line *line,
			  uint8_t at[PAYLOAD_RULES_MAX])
{
	out->count = 0;
	for (uint8_t i = 0; i < line->format_count; i++) {
		const struct session_format *f = &line->formats[i];

		if (f->apart)
			continue;
		at[out->count] = i;
		out->at[out->count++] = meaning_of(f);
	}
}
