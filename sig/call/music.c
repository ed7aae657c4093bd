/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/music.h"

#include "media/payload.h"
#include "sig/call/session.h"

static bool is_music(const struct call_host *h, enum media_codec codec)
{
	return h->music && h->music[codec].generation;
}

/* MEDIA_CODECS: none of ours. */
static enum media_codec codec_of(const struct payload *p)
{
	static const char *const names[MEDIA_CODECS] = {
		[MEDIA_CODEC_PCMU] = "PCMU",
		[MEDIA_CODEC_PCMA] = "PCMA",
		[MEDIA_CODEC_G722] = "G722",
		[MEDIA_CODEC_OPUS] = "opus",
	};
	unsigned codec = 0;

	while (codec < MEDIA_CODECS && !payload_is(p, names[codec]))
		codec++;
	return (enum media_codec)codec;
}

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

/* The party's own order counts; what we did not say to it, it need not take. */
bool music_for(const struct call_host *h, const struct call *c, uint8_t leg, uint8_t line,
	       struct flow_source *out)
{
	const struct leg *l = c->legs[leg];
	const struct leg_sdp *sdp = leg_sdp_is_agreed(&l->open) ? &l->open : &l->sdp;
	struct payload_list heard, said;

	if (!h->music || !list_of(&sdp->heard, line, &heard) || !list_of(&sdp->said, line, &said))
		return false;
	for (uint8_t i = 0; i < heard.count; i++) {
		enum media_codec codec = codec_of(&heard.at[i]);

		if (codec == MEDIA_CODECS || !is_music(h, codec) || !has_same(&said, &heard.at[i]))
			continue;
		*out = (struct flow_source){ .job = h->music[codec],
					     .payload_type = heard.at[i].number };
		return true;
	}
	return false;
}

void music_changed(struct call_host *h, struct call *c)
{
	bool held = false;

	if (c->state != CALL_ESTABLISHED)
		return;
	for (uint8_t i = 0; i < c->leg_count; i++) {
		const struct leg *l = c->legs[i];

		held |= l && bridge_has(c, i) && (l->held || l->holds);
	}
	if (held)
		session_refresh(h, c);
}
