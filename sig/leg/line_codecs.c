/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/leg/line_codecs.h"

#include "media/payload.h"
#include "sig/leg/leg.h"

static bool list_of(const struct text *sdp, uint8_t line, struct payload_list *out)
{
	struct sdp_error error;
	struct sdp s;

	if (sdp_parse(&s, text_bytes(sdp), &error) || line >= s.media_count ||
	    s.sections[line + 1U].port == 0)
		return false;
	payload_list_read(out, &s, line + 1U);
	return true;
}

static bool has_same(const struct payload_list *list, const struct payload *p)
{
	for (uint8_t i = 0; i < list->count; i++) {
		if (payload_same_codec(&list->at[i], p))
			return true;
	}
	return false;
}

uint8_t line_codecs(const struct leg *l, uint8_t line, struct media_taken out[PAYLOAD_RULES_MAX])
{
	const struct leg_sdp *sdp = leg_sdp_newest(l);
	struct payload_list heard, said;
	uint8_t n = 0;

	if (!list_of(&sdp->remote, line, &heard) || !list_of(&sdp->local, line, &said))
		return 0;
	for (uint8_t i = 0; i < heard.count; i++) {
		enum media_codec codec = media_codec_of(&heard.at[i]);

		if (codec < MEDIA_CODECS_KNOWN && has_same(&said, &heard.at[i]))
			out[n++] = (struct media_taken){ .payload_type = heard.at[i].number,
							 .codec = (uint8_t)codec };
	}
	return n;
}
