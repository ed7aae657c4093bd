/* SPDX-License-Identifier: Apache-2.0 */
#include "media/offer/reply.h"

#include "media/offer/extension.h"
#include "media/offer/layers.h"
#include "media/offer/opaque.h"
#include "media/offer/record.h"
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

/* Towards a phone what the source says of feedback may pass where both have a profile of it, or neither. */
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
		.level_extension = k->b ? 0 : a->level_extension, /* B's line says its own */
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

int offer_reply(struct writer *w, const struct offer_answering *k, uint8_t index,
		const struct media_side *a, const struct crypto *crypto, struct offer_error *error)
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
