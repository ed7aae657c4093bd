/* SPDX-License-Identifier: Apache-2.0 */
#include "media/offer/session_group.h"

#include <string.h>

#include "media/offer/bundle.h"
#include "media/offer/extension.h"
#include "media/offer/layers.h"
#include "media/rtp/transport_cc.h"

struct grouping {
	struct session *session;
	const struct sdp *remote, *local;
};

static bool group_takes(const struct grouping *k, uint8_t index)
{
	return index < k->session->line_count && k->session->line[index].active &&
	       k->session->line[index].side.dtls != DTLS_NONE;
}

/* In an offer the first of the group that we take (RFC 9143 7.3.1), in an answer the first at all. False: nobody's that we take. */
static bool tagged_of(const struct grouping *k, struct bytes tags, uint8_t *index)
{
	struct bytes tag;

	while (bytes_cut(&tags, ' ', &tag)) {
		bool found = offer_bundle_line(k->remote, tag, index);

		if (found && group_takes(k, *index))
			return true;
		if (found && k->session->we_offered && offer_bundle_is_live(k->remote, *index))
			return false;
	}
	return false;
}

static void group_share(struct media_side *side, const struct media_side *owner, uint8_t tagged)
{
	side->bundle = tagged;
	side->rtp = owner->rtp;
	side->rtcp = owner->rtcp;
	side->dtls = owner->dtls;
	side->ice = owner->ice;
	side->ice_name = owner->ice_name;
	side->fingerprint = owner->fingerprint;
}

static void group_line_drop(struct session_line *line)
{
	enum media_kind kind = line->kind;

	explicit_bzero(line, sizeof(*line));
	line->kind = kind;
	line->reason = "the transport of its group is not taken";
	line->side.event_pt = PAYLOAD_NONE;
}

/* True: some line went, which may have been another one's transport. */
static bool group_drop_torn(struct grouping *k)
{
	struct bytes tags;
	uint8_t tagged;
	bool any = false;

	for (uint8_t i = 0; i < k->session->line_count; i++) {
		if (!group_takes(k, i) || !offer_bundle_of(k->remote, i, &tags) ||
		    tagged_of(k, tags, &tagged))
			continue;
		group_line_drop(&k->session->line[i]);
		any = true;
	}
	return any;
}

static void share_transports(struct grouping *k)
{
	struct bytes tags;
	uint8_t tagged;

	for (uint8_t i = 0; i < k->session->line_count; i++) {
		struct session_line *line = &k->session->line[i];

		if (group_takes(k, i) && offer_bundle_of(k->remote, i, &tags) &&
		    tagged_of(k, tags, &tagged))
			group_share(&line->side, &k->session->line[tagged].side, tagged);
	}
}

/* Of any format that is agreed. */
static bool has_feedback(const struct sdp *s, const struct session_line *line, uint8_t index,
			 const char *feedback)
{
	bool found = false;

	for (uint8_t i = 0; i < line->format_count && !found; i++)
		found = offer_feedback_has(s, index + 1U, line->formats[i].from, feedback) ||
			offer_feedback_has(s, index + 1U, line->formats[i].to, feedback);
	for (uint8_t i = 0; i < line->twin_count && !found; i++)
		found = offer_feedback_has(s, index + 1U, line->twins[i].from, feedback);
	return found;
}

/* RFC 8285 6: agreed where both have it. */
static uint8_t agreed_extension(const struct grouping *k, uint8_t index, const char *uri)
{
	return offer_extension_of(k->local, index, uri) ? offer_extension_of(k->remote, index, uri)
							: 0;
}

static void read_extensions(struct grouping *k, uint8_t index)
{
	struct session_line *line = &k->session->line[index];

	if (line->active && line->kind == MEDIA_AUDIO)
		line->side.level_extension = agreed_extension(k, index, OFFER_LEVEL);
	if (!line->active || line->side.dtls == DTLS_NONE)
		return;
	line->side.mid_extension = agreed_extension(k, index, OFFER_BUNDLE_MID);
	if (line->side.ice && line->kind == MEDIA_VIDEO)
		offer_layers_agreed(&line->side.layers, k->remote, k->local, index);
	if (line->side.ice && has_feedback(k->remote, line, index, OFFER_TRANSPORT_CC))
		line->side.cc_extension = agreed_extension(k, index, TRANSPORT_CC_URI);
}

/* A browser counts over all that it sends, so there is none where several transports would each hear a part. */
static void keep_one_count(struct session *s)
{
	uint8_t owner = UINT8_MAX;
	bool several = false;

	for (uint8_t i = 0; i < s->line_count; i++) {
		if (!s->line[i].side.cc_extension)
			continue;
		several |= owner != UINT8_MAX && owner != s->line[i].side.bundle;
		owner = s->line[i].side.bundle;
	}
	for (uint8_t i = 0; i < s->line_count && several; i++)
		s->line[i].side.cc_extension = 0;
}

static bool agrees_feedback(const struct grouping *k, uint8_t index, const char *feedback)
{
	const struct session_line *line = &k->session->line[index];

	return line->active && line->kind == MEDIA_VIDEO &&
	       has_feedback(k->remote, line, index, feedback) &&
	       has_feedback(k->local, line, index, feedback);
}

/* Of those who agreed to nothing most know PLI. */
static void read_feedback(struct grouping *k, uint8_t index)
{
	struct media_side *side = &k->session->line[index].side;

	side->nack = agrees_feedback(k, index, OFFER_NACK);
	side->fir = agrees_feedback(k, index, OFFER_FIR) && !agrees_feedback(k, index, OFFER_PLI);
}

void session_group(struct session *s, const struct sdp *remote, const struct sdp *local)
{
	struct grouping k = { .session = s, .remote = remote, .local = local };

	while (group_drop_torn(&k))
		continue;
	share_transports(&k);
	for (uint8_t i = 0; i < s->line_count; i++) {
		read_extensions(&k, i);
		read_feedback(&k, i);
	}
	keep_one_count(s);
}

/* What the other leg carries over a line that is not taken here. */
static bool drop_carried(struct session *a, const struct session *b)
{
	bool any = false;

	for (uint8_t i = 0; b && i < a->line_count; i++) {
		if (!a->line[i].active || a->line[b->line[i].side.bundle].active)
			continue;
		group_line_drop(&a->line[i]);
		any = true;
	}
	return any;
}

static bool shares_number(const struct session_line *a, const struct session_line *b)
{
	for (uint8_t i = 0; i < a->format_count; i++) {
		for (uint8_t k = 0; k < b->format_count; k++) {
			if (a->formats[i].from == b->formats[k].from)
				return true;
		}
	}
	return false;
}

/* Two lines that are carried by the same one have the same codecs: no payload type tells them apart. */
static bool needs_mid(const struct session *s, uint8_t index)
{
	for (uint8_t i = 0; i < s->line_count; i++) {
		if (i != index && s->line[i].active && s->line[i].side.dtls &&
		    s->line[i].side.bundle == s->line[index].side.bundle &&
		    shares_number(&s->line[i], &s->line[index]))
			return true;
	}
	return false;
}

static void choose_extensions(struct grouping *k, uint8_t index)
{
	struct session_line *line = &k->session->line[index];

	if (!group_takes(k, index))
		return;
	if (needs_mid(k->session, index))
		line->side.mid_extension = offer_extension_of(k->remote, index, OFFER_BUNDLE_MID);
	if (line->side.ice && has_feedback(k->remote, line, index, OFFER_TRANSPORT_CC))
		line->side.cc_extension = offer_extension_of(k->remote, index, TRANSPORT_CC_URI);
}

/* Nobody else is there: how loud the party is is for us to read (RFC 6464). */
static void choose_level(struct grouping *k, uint8_t index)
{
	struct session_line *line = &k->session->line[index];

	if (line->active && line->kind == MEDIA_AUDIO)
		line->side.level_extension = offer_extension_of(k->remote, index, OFFER_LEVEL);
}

void session_group_answer(struct session *a, const struct session *b, const struct sdp *offer)
{
	struct grouping k = { .session = a, .remote = offer };

	while (group_drop_torn(&k) || drop_carried(a, b))
		continue;
	share_transports(&k);
	for (uint8_t i = 0; i < a->line_count; i++) {
		choose_extensions(&k, i);
		if (!b)
			choose_level(&k, i);
	}
	keep_one_count(a);
}
