/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes an answer: rewrites B's SDP under A's payload numbers, and makes the plan of what the
 * engine then does (RFC 3264 6.1). Also answers an offer without B, by the node's own capabilities,
 * and by what another leg had agreed. sig/call calls it when an answer arrives or a re-INVITE is
 * answered locally. Keys of both legs are settled here, each with its own party only.
 */

#include <errno.h>
#include <string.h>

#include "base/compiler.h"
#include "media/crypto.h"
#include "media/offer/agree.h"
#include "media/offer/extension.h"
#include "media/offer/line.h"
#include "media/offer/own.h"
#include "media/offer/session.h"
#include "media/offer/transport.h"
#include "media/offer/write.h"

static void formats_for_a(struct offer_formats *out, const struct offer_agreement *g)
{
	out->count = 0;
	for (uint8_t i = 0; i < g->count; i++) {
		const struct offer_agreed *f = &g->at[i];

		if (f->a == PAYLOAD_NONE)
			continue;
		out->at[out->count++] = (struct offer_format){
			.from = f->answered,
			.to = f->a,
			.name = f->name,
			.encoding = f->encoding,
			.parameters = f->event && f->answered == PAYLOAD_NONE
					      ? BYTES_LIT(OFFER_EVENTS)
					      : f->parameters,
		};
	}
}

/* RFC 3264 6.1: the answer's direction is within what the offer allows. */
static struct sdp_direction direction_for_a(enum media_kind kind, const struct media_side *a,
					    const struct media_side *b,
					    const struct offer_self *to_a)
{
	bool sends = offer_sends(to_a, kind, b->sends);

	return offer_direction(to_a, sends && a->receives, b->receives && a->sends);
}

static struct offer_webrtc webrtc_for_a(const struct sdp *offer_a, uint8_t index,
					const struct media_side *a, const struct offer_self *to_a)
{
	struct offer_webrtc webrtc = {
		.ice = a->ice ? &to_a->ice[a->bundle] : NULL,
		.fingerprint = &to_a->fingerprint,
		.setup = a->dtls == DTLS_CLIENT ? "active" : "passive",
		.mid_extension = a->mid_extension,
		.cc_extension = a->cc_extension,
		.rid_extension = offer_extension_of_layers(offer_a, index),
		.is_carried = a->bundle != index,
		.stream = to_a->session_id,
		.ssrc = to_a->ssrc[index],
	};

	(void)sdp_attribute(offer_a, index + 1U, "mid", &webrtc.mid);
	return webrtc;
}

/* A phone gets the source's feedback attributes if both or neither have a feedback profile. */
static bool passes_feedback(const struct offer_answering *k, uint8_t index,
			    const struct offer_agreement *g)
{
	struct offer_profile b;

	if (!k->b)
		return true;
	(void)offer_profile_read(&b,
				 sdp_slice(k->answer_b, k->answer_b->sections[index + 1].proto));
	return g->profile_a.feedback || !b.feedback;
}

/* All are for a conference, which chooses for each viewer. */
static void layers_for_a(struct offer_layers *out, const struct offer_answering *k, uint8_t index,
			 const struct offer_formats *formats)
{
	if (k->b)
		offer_layers_choose_one(out, k->offer_a, index, formats,
					k->b->line[index].side.kbps);
	else if (k->to_a->layers)
		offer_layers_choose(out, k->offer_a, index, formats);
}

static void reply(struct writer *w, const struct offer_answering *k, uint8_t index,
		  const struct offer_agreement *g, const struct media_side *a,
		  const struct crypto *crypto)
{
	const struct sdp_section *m = &k->offer_a->sections[index + 1];
	static const struct media_side ourselves = { .sends = 1, .receives = 1 };
	const struct media_side *b = k->b ? &k->b->line[index].side : &ourselves;
	struct offer_webrtc webrtc = webrtc_for_a(k->offer_a, index, a, k->to_a);
	struct offer_formats formats;
	struct offer_media media = {
		.kind = g->kind,
		.name = sdp_slice(k->offer_a, m->kind),
		.proto = sdp_slice(k->offer_a, m->proto),
		.formats = &formats,
		.terms = &k->policy->a,
		.address = &k->to_a->address,
		.port = k->to_a->rtp_port[a->bundle],
		.direction = direction_for_a(g->kind, a, b, k->to_a),
		.mux_answer = a->mux,
		.feedback = passes_feedback(k, index, g),
		.crypto = crypto->key.suite ? crypto : NULL,
		.webrtc = g->profile_a.dtls ? &webrtc : NULL,
		.between = g->profile_a.dtls || b->dtls,
		.ours = k->b == NULL,
		.asked = k->offer_a,
		.asked_section = index + 1U,
		.level_extension = k->b ? 0 : a->level_extension, /* B's line has its own */
		.record = offer_record_of(&k->to_a->record, g->kind, index),
	};

	formats_for_a(&formats, g);
	if (media.kind == MEDIA_VIDEO)
		layers_for_a(&webrtc.layers, k, index, &formats);
	offer_write_media(w, k->answer_b, index + 1U, &media);
}

static void reply_opaque(struct writer *w, const struct offer_answering *k, uint8_t index,
			 const struct media_side *a)
{
	const struct sdp_section *m = &k->offer_a->sections[index + 1];
	const struct offer_opaque line = {
		.media = sdp_slice(k->offer_a, m->kind),
		.proto = sdp_slice(k->offer_a, m->proto),
		.port = k->to_a->rtp_port[index],
		.direction = direction_for_a(MEDIA_OPAQUE, a, &k->b->line[index].side, k->to_a),
		.record = offer_record_of(&k->to_a->record, MEDIA_OPAQUE, index),
	};

	offer_opaque_write(w, k->answer_b, index, &line);
}

/* The line as settled. crypto: ours towards A; suite NONE: plain RTP or DTLS. Returns 0 or
 * -EBADMSG, as offer_agree. */
static NOINLINE int offer_reply(struct writer *w, const struct offer_answering *k, uint8_t index,
				const struct media_side *a, const struct crypto *crypto,
				struct offer_error *error)
{
	struct offer_agreement g;
	int err = offer_agree(&g, k, index, error);

	if (err)
		return err;
	if (g.kind == MEDIA_OPAQUE)
		reply_opaque(w, k, index, a);
	else
		reply(w, k, index, &g, a, crypto);
	return 0;
}

static void settle_mux(struct media_side *side, const struct offer_answering *k,
		       const struct offer_agreement *g)
{
	if (g->kind == MEDIA_OPAQUE)
		return;
	side->mux = side->mux && (k->policy->rtcp_mux || g->profile_a.dtls);
	if (side->mux)
		side->rtcp = side->rtp;
}

static const char *settle_keys(struct media_side *side, const struct offer_answering *k,
			       uint8_t index, struct crypto *to_a)
{
	const char *reason = offer_crypto_accept(k->offer_a, index + 1U, &k->to_a->keys[index],
						 &side->key_in, to_a);

	side->key_out = to_a->key;
	return reason;
}

static void settle_formats(struct session_line *line, const struct offer_agreement *g)
{
	for (uint8_t i = 0; i < g->count; i++) {
		if (g->at[i].a != PAYLOAD_NONE)
			line->formats[line->format_count++] =
				(struct session_format){ .to = g->at[i].a, .from = g->at[i].a };
	}
}

/* NULL, or why A cannot be answered it. */
static const char *settle_line(struct session_line *line, const struct offer_answering *k,
			       uint8_t index, const struct offer_agreement *g, struct crypto *to_a)
{
	const char *reason = NULL;

	if (!k->to_a->rtp_port[index])
		return "no port for it";
	if (g->profile_a.dtls && k->to_a->fingerprint.hash == MEDIA_HASH_NONE)
		return "no certificate for it";
	line->side = g->a;
	settle_mux(&line->side, k, g);
	settle_formats(line, g);
	if (g->profile_a.secure)
		reason = settle_keys(&line->side, k, index, to_a);
	if (!reason && line->side.ice && !k->to_a->ice[index].on)
		reason = "no ICE credentials for it";
	return reason;
}

static int settle_one(struct session_line *line, const struct offer_answering *k, uint8_t index,
		      struct crypto *to_a, struct offer_error *error)
{
	struct offer_agreement g;

	*line = (struct session_line){ 0 };
	if (offer_agree(&g, k, index, error))
		return -EBADMSG;
	line->kind = g.kind;
	line->number = g.number;
	line->reason = g.reason;
	if (g.state == OFFER_LINE_RELAYED)
		line->reason = settle_line(line, k, index, &g, to_a);
	line->active = g.state == OFFER_LINE_RELAYED && !line->reason;
	return 0;
}

/* Those that there is no room for must be well-formed, too. */
static int check_rest(const struct offer_answering *k, uint8_t from, struct offer_error *error)
{
	struct offer_line line;

	for (uint8_t i = from; i < k->offer_a->media_count; i++) {
		if (offer_line_read(&line, k->offer_a, i, k->policy, error))
			return -EBADMSG;
	}
	return 0;
}

/* No line is left. Then the first reason of ours, if any. */
static bool is_empty(const struct session *a, struct offer_error *refused)
{
	for (uint8_t i = 0; i < a->line_count; i++) {
		const struct session_line *line = &a->line[i];

		if (line->active)
			return false;
		if (line->reason && !refused->reason)
			*refused = (struct offer_error){ .status = 488,
							 .line = line->number,
							 .reason = line->reason };
	}
	return true;
}

/* A's lines as its answer shall have them, and our a=crypto towards A for those with SRTP; the
 * caller wipes both. Of the formats only the numbers. Returns 0, -EBADMSG, or -ENOTSUP if the node
 * itself takes no line. */
static NOINLINE int offer_settle(struct session *a, struct crypto to_a[MEDIA_LINES_MAX],
				 const struct offer_answering *k, struct offer_error *error)
{
	uint8_t count = k->offer_a->media_count;
	struct offer_error refused = { 0 };

	a->we_offered = false;
	a->line_count = count < MEDIA_LINES_MAX ? count : MEDIA_LINES_MAX;
	for (uint8_t i = 0; i < a->line_count; i++) {
		if (settle_one(&a->line[i], k, i, &to_a[i], error))
			return -EBADMSG;
	}
	if (check_rest(k, a->line_count, error))
		return -EBADMSG;
	session_group_answer(a, k->b, k->offer_a);
	if (!is_empty(a, &refused) || !refused.reason)
		return 0;
	*error = refused;
	return -ENOTSUP;
}

/* A's line, or any that is joined with it. */
static bool has_dtls(const struct session *a, const struct session *b)
{
	for (uint8_t i = 0; i < a->line_count; i++) {
		if (a->line[i].active && (a->line[i].side.dtls || (b && b->line[i].side.dtls)))
			return true;
	}
	return false;
}

static bool answer_has_ice(const struct session *a)
{
	for (uint8_t i = 0; i < a->line_count; i++) {
		if (a->line[i].active && a->line[i].side.ice)
			return true;
	}
	return false;
}

static int answer_write_lines(struct writer *w, const struct offer_answering *k,
			      const struct session *a, const struct crypto crypto[MEDIA_LINES_MAX],
			      struct offer_error *error)
{
	bool webrtc = has_dtls(a, NULL);
	int err = 0;

	offer_write_session(w, k->answer_b, k->to_a, has_dtls(a, k->b), answer_has_ice(a));
	offer_bundle_write(w, k->offer_a, a);
	for (uint8_t i = 0; i < k->offer_a->media_count && !err; i++) {
		struct bytes mid = { 0 };

		if (webrtc)
			(void)sdp_attribute(k->offer_a, i + 1U, "mid", &mid);
		if (session_is_active(a, i))
			err = offer_reply(w, k, i, &a->line[i].side, &crypto[i], error);
		else
			offer_write_refused(w, k->offer_a, i + 1U, mid);
	}
	return err ? err : offer_fits(w, error);
}

static NOINLINE int write_answer(struct writer *w, const struct offer_answering *k,
				 struct offer_error *error)
{
	struct crypto crypto[MEDIA_LINES_MAX] = { 0 };
	struct session a;
	int err = offer_settle(&a, crypto, k, error);

	if (!err)
		err = answer_write_lines(w, k, &a, crypto, error);
	for (size_t i = 0; i < COUNT_OF(crypto); i++)
		crypto_wipe(&crypto[i]);
	session_wipe(&a);
	return err;
}

static NOINLINE int map_answer(struct media_plan *plan, const struct offer_answering *k,
			       const struct sdp *local, struct offer_error *error)
{
	struct session a;
	int err = session_of(&a, k->offer_a, local, false, error);

	if (err)
		return err;
	bridge_map(&a, k->b, offer_policy_codes(k->policy), plan);
	session_wipe(&a);
	return 0;
}

/* The plan of the texts as written, as they will be read again later. */
static NOINLINE int plan_answer(struct media_plan *plan, const struct offer_answering *k,
				struct bytes answer_a, struct offer_error *error)
{
	struct sdp local;
	int err = offer_parse_own(&local, answer_a, error);

	return err ? err : map_answer(plan, k, &local, error);
}

static void open_lines(struct session *s)
{
	for (uint8_t i = 0; i < s->line_count; i++)
		s->line[i].side.sends = s->line[i].side.receives = 1;
}

static NOINLINE int offer_answer_make(struct offer_answering *k, struct writer *w,
				      struct media_plan *plan, struct offer_error *error)
{
	struct session b;
	int err;

	if (!k->b_apart && k->offer_b->media_count != k->offer_a->media_count) {
		*error = (struct offer_error){ .reason = "another number of m-lines than offered" };
		return -EBADMSG;
	}
	err = session_of(&b, k->answer_b, k->offer_b, !k->b_offered, error);
	if (err)
		return err;
	if (k->b_two_way)
		open_lines(&b);
	k->b = &b;
	err = write_answer(w, k, error);
	if (!err)
		err = plan_answer(plan, k, writer_done(w), error);
	session_wipe(&b);
	return err;
}

/* A's request was right; its offer cannot be answered. */
static int answer_refuse(struct offer_error *error, int err)
{
	if (error->status != 413)
		error->status = 488;
	return err;
}

int offer_answer_by(struct bytes offer_a, const struct offer_of_other *b,
		    const struct offer_policy *policy, const struct offer_self *to_a,
		    struct writer *answer_a, struct media_plan *plan, struct offer_error *error)
{
	struct sdp a, offered, answered;
	struct offer_answering k = { .offer_a = &a,
				     .offer_b = &offered,
				     .answer_b = &answered,
				     .b_offered = b->theirs,
				     .b_apart = b->apart,
				     .b_two_way = b->two_way,
				     .policy = policy,
				     .to_a = to_a };
	int err = offer_parse(&a, offer_a, policy, error);

	if (!err)
		err = offer_parse_own(&offered, b->local, error);
	if (!err)
		err = offer_parse(&answered, b->remote, policy, error);
	if (!err)
		err = offer_answer_make(&k, answer_a, plan, error);
	if (!err)
		return 0;
	*plan = (struct media_plan){ 0 };
	return answer_refuse(error, err);
}

int offer_own_answer(struct bytes offer_a, const struct offer_capabilities *own,
		     const struct offer_policy *policy, const struct offer_self *to_a,
		     struct writer *answer_a, struct offer_error *error)
{
	struct sdp a;
	const struct offer_answering k = {
		.offer_a = &a, .own = own, .policy = policy, .to_a = to_a
	};
	int err = offer_parse(&a, offer_a, policy, error);

	if (!err)
		err = write_answer(answer_a, &k, error);
	return err ? answer_refuse(error, err) : 0;
}
