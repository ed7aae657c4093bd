/* SPDX-License-Identifier: Apache-2.0 */
#include "media/offer_reply.h"

#include "media/offer_write.h"

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
			.parameters = f->answered == PAYLOAD_NONE ? BYTES_LIT(OFFER_EVENTS)
								  : (struct bytes){ 0 },
		};
	}
}

/* RFC 3264 6.1: the answer's direction is within what the offer allows. */
static struct sdp_direction direction_for_a(const struct media_line *line)
{
	return (struct sdp_direction){ .sends = line->b.sends && line->a.receives,
				       .receives = line->b.receives && line->a.sends };
}

void offer_reply(struct writer *w, const struct offer_exchange *x, uint8_t index,
		 const struct offer_agreement *g, const struct media_line *line,
		 const struct offer_terms *terms, const struct offer_self *to_a,
		 const struct crypto *crypto)
{
	const struct sdp_section *m = &x->offer_a.sections[index + 1];
	struct offer_formats formats;
	struct offer_media media = {
		.kind = g->kind,
		.name = sdp_slice(&x->offer_a, m->kind),
		.proto = sdp_slice(&x->offer_a, m->proto),
		.formats = &formats,
		.terms = terms,
		.address = &to_a->address,
		.port = to_a->rtp_port[index],
		.direction = direction_for_a(line),
		.mux_answer = line->a.mux,
		.feedback = g->profile_a.feedback || !g->profile_b.feedback,
		.crypto = crypto->key.suite ? crypto : NULL,
	};

	formats_for_a(&formats, g);
	offer_write_media(w, &x->answer_b, index + 1U, &media);
}
