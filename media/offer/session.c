/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads what one leg has agreed on from its two texts alone, the party's and ours: formats with
 * both numbers, keys, DTLS role, transports of a BUNDLE group (RFC 9143), header extensions and
 * feedback. Nothing else is stored of an agreement: after a restart, and when legs are joined anew,
 * the plan is computed again from these texts. So everything here must follow from them (RFC 3264
 * 6.1), and texts that are no offer and answer give -EBADMSG.
 */

#include <errno.h>
#include <string.h>

#include "media/offer/extension.h"
#include "media/offer/line.h"
#include "media/offer/session.h"
#include "media/offer/transport.h"
#include "media/rtp/transport_cc.h"
#include "media/rtp/video.h"

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

/* libre answers a browser's H264 under one number and sends under another, the first with its
 * packetization-mode: so any of our numbers with the same meaning is accepted. */
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

/* Clock of the first format that is not an event: that of the line's packets. 0: there is no
 * codec. */
static uint32_t session_clock_hz(const struct session_line *line)
{
	for (uint8_t i = 0; i < line->format_count; i++) {
		if (!line->formats[i].event)
			return line->formats[i].clock_hz;
	}
	return 0;
}

/* RFC 4733 2.1: an event has the clock of its audio. A browser that offers another clock uses it
 * for its digits, which phones would not understand; phones use the right one. */
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

static void accepted_add(struct session_line *line, bool spoken)
{
	struct media_side *side = &line->side;

	for (uint8_t i = 0; i < line->format_count; i++) {
		enum media_codec codec = session_codec(&line->formats[i]);

		if (media_codec_is_transcodable(codec) && (codec < MEDIA_CODECS) == spoken &&
		    side->accepted_count < MEDIA_ACCEPTED_MAX)
			side->accepted[side->accepted_count++] =
				(struct media_accepted){ .payload_type = line->formats[i].to,
							 .codec = (uint8_t)codec };
	}
}

uint8_t session_video_format(const struct session_format *f)
{
	const struct payload meaning = meaning_of(f);

	return video_format_of(&meaning);
}

static void accepted_add_video(struct session_line *line)
{
	struct media_side *side = &line->side;

	for (uint8_t i = 0; i < line->format_count && side->accepted_count < MEDIA_ACCEPTED_MAX;
	     i++) {
		uint8_t format = session_video_format(&line->formats[i]);

		if (format != VIDEO_NONE)
			side->accepted[side->accepted_count++] =
				(struct media_accepted){ .payload_type = line->formats[i].to,
							 .codec = format };
	}
}

/* Codecs in which we can send to the party by ourselves; formats of video. */
static void accepted_note(struct session_line *line)
{
	line->side.accepted_count = 0;
	if (line->kind == MEDIA_VIDEO) {
		accepted_add_video(line);
		return;
	}
	accepted_add(line, true);
	accepted_add(line, false);
}

/* Formats, twins and events of a line, with its side already read. False: nothing in common. */
static bool session_formats_read(struct session_line *line, const struct payload_list *remote,
				 const struct sdp *local, uint8_t index, bool we_offered)
{
	struct agreeing k = { .line = line, .remote = remote, .we_offered = we_offered };

	payload_list_read(&k.local, local, index + 1U);
	session_find_common(&k);
	find_twins(&k);
	part_events(line, we_offered);
	choose_event(line);
	accepted_note(line);
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

struct grouping {
	struct session *session;
	const struct sdp *remote, *local;
};

static bool group_includes(const struct grouping *k, uint8_t index)
{
	return index < k->session->line_count && k->session->line[index].active &&
	       k->session->line[index].side.dtls != DTLS_NONE;
}

/* The first line of the group that we take in an offer (RFC 9143 7.3.1), the first at all in an
 * answer. False: we take no line. */
static bool tagged_of(const struct grouping *k, struct bytes tags, uint8_t *index)
{
	struct bytes tag;

	while (bytes_cut(&tags, ' ', &tag)) {
		bool found = offer_bundle_line(k->remote, tag, index);

		if (found && group_includes(k, *index))
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
		if (!group_includes(k, i) || !offer_bundle_of(k->remote, i, &tags) ||
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

		if (group_includes(k, i) && offer_bundle_of(k->remote, i, &tags) &&
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

/* A browser counts all packets that it sends, so the count is dropped if several transports would
 * each see a part of it. */
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

/* Without an agreement: most parties know PLI. */
static void read_feedback(struct grouping *k, uint8_t index)
{
	struct media_side *side = &k->session->line[index].side;

	side->nack = agrees_feedback(k, index, OFFER_NACK);
	side->fir = agrees_feedback(k, index, OFFER_FIR) && !agrees_feedback(k, index, OFFER_PLI);
}

/* After all lines are read. A line becomes inactive if the line with its transport is not taken. */
static void session_group(struct session *s, const struct sdp *remote, const struct sdp *local)
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
		if (!a->line[i].active || session_is_active(a, b->line[i].side.bundle))
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

/* Two lines over one transport have the same codecs: payload types do not tell them apart. */
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

	if (!group_includes(k, index))
		return;
	if (needs_mid(k->session, index))
		line->side.mid_extension = offer_extension_of(k->remote, index, OFFER_BUNDLE_MID);
	if (line->side.ice && has_feedback(k->remote, line, index, OFFER_TRANSPORT_CC))
		line->side.cc_extension = offer_extension_of(k->remote, index, TRANSPORT_CC_URI);
}

/* Without a peer: the party's audio level is for us (RFC 6464). */
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

struct reading {
	const struct sdp *remote, *local;
	bool we_offered;
};

static const struct sdp *session_offer_of(const struct reading *k)
{
	return k->we_offered ? k->local : k->remote;
}

static const struct sdp *answer_of(const struct reading *k)
{
	return k->we_offered ? k->remote : k->local;
}

static int session_malformed(struct offer_error *error, uint16_t number, const char *reason)
{
	*error = (struct offer_error){ .status = 400, .line = number, .reason = reason };
	return -EBADMSG;
}

static struct bytes media_of(const struct sdp *s, uint8_t index)
{
	return sdp_slice(s, s->sections[index + 1].kind);
}

static struct bytes proto_of(const struct sdp *s, uint8_t index)
{
	return sdp_slice(s, s->sections[index + 1].proto);
}

/* RFC 5763 5: the answerer chooses, so that actpass is no answer. */
static enum media_dtls_role answered_role(const struct offer_line *answer)
{
	switch (answer->transport.setup) {
	case OFFER_SETUP_ACTIVE:
		return DTLS_SERVER;
	case OFFER_SETUP_NONE:
	case OFFER_SETUP_PASSIVE:
		return DTLS_CLIENT;
	case OFFER_SETUP_ACTPASS:
	case OFFER_SETUP_OTHER:
		break;
	}
	return DTLS_NONE;
}

/* RFC 3264 6.1; the roles of an offer are known with it. */
static const char *session_read_transport(struct session_line *line, const struct reading *k,
					  uint8_t index, const struct offer_line *remote)
{
	struct offer_profile local;

	if (!offer_profile_read(&local, proto_of(k->local, index)) ||
	    local.secure != remote->profile.secure || local.dtls != remote->profile.dtls)
		return "another transport profile than offered";
	if (!local.dtls)
		return NULL;
	if (remote->transport.fingerprint.hash == MEDIA_HASH_NONE)
		return "no a=fingerprint that can be used";
	if (k->we_offered)
		line->side.dtls = (uint8_t)answered_role(remote);
	return line->side.dtls == DTLS_NONE ? "a=setup of the answer is not valid" : NULL;
}

static const char *session_read_keys(struct session_line *line, const struct reading *k,
				     uint8_t index)
{
	struct media_key *ours = &line->side.key_out, *theirs = &line->side.key_in;

	return offer_crypto_agreed(session_offer_of(k), answer_of(k), index + 1U,
				   k->we_offered ? ours : theirs, k->we_offered ? theirs : ours);
}

static void read_mux(struct media_side *side, const struct sdp *local, uint8_t index)
{
	struct bytes rest;

	side->mux = side->mux && sdp_attribute(local, index + 1U, "rtcp-mux", &rest);
	if (side->mux)
		side->rtcp = side->rtp;
}

/* Formats and their attributes are between the parties. */
static const char *agree_opaque(struct session_line *line, const struct reading *k, uint8_t index)
{
	line->media = media_of(session_offer_of(k), index);
	line->proto = proto_of(session_offer_of(k), index);
	return bytes_ieq(proto_of(k->local, index), proto_of(k->remote, index))
		       ? NULL
		       : "another transport profile than offered";
}

enum { PACKET_MS_MAX = 60 };

/* RFC 8866 6.14. Encoders of ours make no other packets. */
static void read_packet_ms(struct session_line *line, const struct sdp *remote, uint8_t index)
{
	struct bytes rest;
	uint32_t ms;

	if (line->kind == MEDIA_AUDIO && sdp_attribute(remote, index + 1U, "ptime", &rest) &&
	    !bytes_u32(bytes_trim(rest), &ms) && ms <= PACKET_MS_MAX && ms % 10 == 0)
		line->packet_ms = (uint8_t)ms;
}

/* RFC 8866 5.8, RFC 3890: the lower one of "AS:512", in kbit/s, and "TIAS:512000". */
static void read_bandwidth(struct session_line *line, const struct sdp *remote, uint8_t index)
{
	const struct sdp_section *m = &remote->sections[index + 1];
	struct bytes rest, type;
	uint32_t n;

	for (uint16_t i = m->first; line->kind == MEDIA_VIDEO && i < m->end; i++) {
		rest = sdp_slice(remote, remote->lines[i].value);
		if (remote->lines[i].type != 'b' || !bytes_cut(&rest, ':', &type) ||
		    bytes_u32(bytes_trim(rest), &n))
			continue;
		if (bytes_iis(type, "TIAS"))
			n /= 1000;
		else if (!bytes_iis(type, "AS"))
			continue;
		if (n && (!line->side.kbps || n < line->side.kbps))
			line->side.kbps = n;
	}
}

/* NULL, or why there is no agreement. */
static const char *session_agree(struct session_line *line, const struct reading *k, uint8_t index,
				 const struct offer_line *remote)
{
	const char *reason;

	line->side = remote->side;
	if (remote->kind == MEDIA_OPAQUE)
		return agree_opaque(line, k, index);
	reason = session_read_transport(line, k, index, remote);
	if (!reason &&
	    !session_formats_read(line, &remote->formats, k->local, index, k->we_offered))
		reason = "no codec in common";
	if (!reason && remote->profile.secure)
		reason = session_read_keys(line, k, index);
	if (!reason)
		read_mux(&line->side, k->local, index);
	if (!reason)
		read_packet_ms(line, k->remote, index);
	if (!reason)
		read_bandwidth(line, k->remote, index);
	return reason;
}

static void session_line_clear(struct session_line *line, enum media_kind kind)
{
	explicit_bzero(line, sizeof(*line));
	line->kind = kind;
	line->side.event_pt = PAYLOAD_NONE;
}

/* As if nothing were switched off: a line we did not want has port 0 in the local SDP. */
static int session_read_remote(struct offer_line *out, const struct reading *k, uint8_t index,
			       struct offer_error *error)
{
	static const struct offer_policy all = { .video = true };

	offer_line_clear(out);
	if (index < k->remote->media_count && offer_line_read(out, k->remote, index, &all, error))
		return -EBADMSG;
	if (out->state != OFFER_LINE_OFF && index < k->local->media_count &&
	    !bytes_ieq(media_of(k->remote, index), media_of(k->local, index)))
		return session_malformed(error, k->remote->sections[index + 1].first,
					 "another media type than offered");
	out->kind = media_kind_of(media_of(session_offer_of(k), index));
	return 0;
}

static bool local_has_line(const struct reading *k, uint8_t index)
{
	return index < k->local->media_count && k->local->sections[index + 1].port;
}

static int read_line(struct session_line *line, const struct reading *k, uint8_t index,
		     struct offer_error *error)
{
	struct offer_line remote;
	const char *reason = NULL;

	if (session_read_remote(&remote, k, index, error))
		return -EBADMSG;
	session_line_clear(line, remote.kind);
	if (remote.state == OFFER_LINE_OFF || !local_has_line(k, index))
		return 0;
	if (remote.state == OFFER_LINE_RELAYED)
		reason = session_agree(line, k, index, &remote);
	if (reason) {
		offer_line_refuse(&remote, k->remote, index, reason);
		session_line_clear(line, remote.kind);
	}
	line->active = remote.state == OFFER_LINE_RELAYED;
	line->reason = remote.reason;
	line->number = remote.number;
	return 0;
}

/* Those beyond what is relayed must be well-formed, too. */
static int read_rest(const struct reading *k, uint8_t from, struct offer_error *error)
{
	struct offer_line remote;

	for (uint8_t i = from; i < k->remote->media_count; i++) {
		if (session_read_remote(&remote, k, i, error))
			return -EBADMSG;
	}
	return 0;
}

void session_wipe(struct session *s)
{
	explicit_bzero(s->line, s->line_count * sizeof(s->line[0]));
}

static int read_lines(struct session *out, const struct reading *k, struct offer_error *error)
{
	uint8_t count = session_offer_of(k)->media_count;
	int err = 0;

	if (answer_of(k)->media_count > count)
		return session_malformed(error, 0, "another number of m-lines than offered");
	out->we_offered = k->we_offered;
	out->line_count = count < MEDIA_LINES_MAX ? count : MEDIA_LINES_MAX;
	for (uint8_t i = 0; i < out->line_count && !err; i++)
		err = read_line(&out->line[i], k, i, error);
	if (!err)
		err = read_rest(k, out->line_count, error);
	if (err)
		session_wipe(out);
	else
		session_group(out, k->remote, k->local);
	return err;
}

int session_of(struct session *out, const struct sdp *remote, const struct sdp *local,
	       bool we_offered, struct offer_error *error)
{
	const struct reading k = { .remote = remote, .local = local, .we_offered = we_offered };

	return read_lines(out, &k, error);
}

int session_read(struct session *out, const struct session_texts *texts, struct offer_error *error)
{
	struct sdp remote, local;
	int err = offer_parse_own(&remote, texts->remote, error);

	if (!err)
		err = offer_parse_own(&local, texts->local, error);
	return err ? err : session_of(out, &remote, &local, texts->we_offered, error);
}
