/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An offer of our own. It is first written as a party would write it that can do what we can, at no address. Then it goes the way of any
 * offer, which gives it our addresses, keys and numbers, and takes out what the other party may not have.
 */
#include "media/offer/own.h"
#include "media/offer/line.h"
#include "media/offer/own_picture.h"
#include "media/offer/write.h"

#include <assert.h>

enum { TEXT_MAX = 4096, EVENT = 101, EVENT_FULL = 100 };

static struct offer_capabilities capabilities_liked(bool spoken)
{
	struct offer_capabilities own = { .events = true };

	own.count = media_codecs_liked(spoken, own.codecs);
	return own;
}

struct offer_capabilities offer_own_known(void)
{
	return capabilities_liked(false);
}

struct offer_capabilities offer_own_spoken(void)
{
	return capabilities_liked(true);
}

bool offer_own_has(const struct offer_capabilities *own, const struct payload *p)
{
	enum media_codec codec = media_codec_of(p);

	for (uint8_t i = 0; i < own->count; i++) {
		if (own->codecs[i] == codec)
			return true;
	}
	return false;
}

#define LACKS(codec)                                                                       \
	{                                                                                  \
		codec, codec " passes through only, the node does not code it: one party " \
			     "must have a codec of the other one, or both one of PCMA, "   \
			     "PCMU, G722, opus and G726-32"                                \
	}

static const struct payload *first_unspoken(const struct payload_list *formats)
{
	for (uint8_t i = 0; i < formats->count; i++) {
		const struct payload *p = &formats->at[i];

		if (payload_is_codec(p) && !media_codec_is_transcodable(media_codec_of(p)))
			return p;
	}
	return NULL;
}

const char *offer_own_lacks(const struct payload_list *formats)
{
	static const struct {
		const char *codec, *text;
	} lacks[] = { LACKS("G729"),   LACKS("G723"), LACKS("G7221"), LACKS("G728"),
		      LACKS("GSM"),    LACKS("iLBC"), LACKS("speex"), LACKS("AMR"),
		      LACKS("AMR-WB"), LACKS("EVS"),  LACKS("L16"),   LACKS("a codec") };
	const struct payload *p = first_unspoken(formats);
	size_t i = 0;

	if (!p)
		return "no codec that may be used";
	while (i < COUNT_OF(lacks) - 1 && !payload_is(p, lacks[i].codec))
		i++;
	return lacks[i].text;
}

static void write_format(struct writer *w, uint8_t number, const char *encoding,
			 const char *parameters)
{
	writer_fmt(w, "a=rtpmap:%u %s\r\n", number, encoding);
	if (parameters)
		writer_fmt(w, "a=fmtp:%u %s\r\n", number, parameters);
}

static const struct media_codec_facts *codec_at(const struct offer_capabilities *own, uint8_t i)
{
	const struct media_codec_facts *facts = media_codec_facts((enum media_codec)own->codecs[i]);

	assert(facts);
	return facts;
}

/* Events have the clock of the audio that they are beside (RFC 4733 2.1). */
static bool own_has_clock(const struct offer_capabilities *own, const struct offer_terms *terms,
			  uint32_t clock_hz)
{
	for (uint8_t i = 0; i < own->count; i++) {
		const struct media_codec_facts *facts = codec_at(own, i);
		const struct payload p = { .channels = facts->channels,
					   .clock_hz = facts->clock_hz,
					   .name = bytes_str(facts->name),
					   .encoding = bytes_str(facts->encoding) };

		if (facts->clock_hz == clock_hz && offer_line_may_have(terms, &p))
			return true;
	}
	return false;
}

static void write_audio(struct writer *w, const struct offer_capabilities *own,
			const struct offer_terms *terms)
{
	bool full = own->events && own_has_clock(own, terms, 48000);

	writer_str(w, "m=audio 9 RTP/AVP");
	for (uint8_t i = 0; i < own->count; i++)
		writer_number(w, " ", codec_at(own, i)->number, "");
	if (own->events)
		writer_number(w, " ", EVENT, "");
	if (full)
		writer_number(w, " ", EVENT_FULL, "");
	writer_str(w, "\r\n");
	for (uint8_t i = 0; i < own->count; i++)
		write_format(w, codec_at(own, i)->number, codec_at(own, i)->encoding,
			     codec_at(own, i)->parameters);
	if (own->events)
		write_format(w, EVENT, "telephone-event/8000", "0-15");
	if (full)
		write_format(w, EVENT_FULL, "telephone-event/48000", "0-15");
	writer_str(w, "a=sendrecv\r\n");
}

/* RFC 3264 8: no line goes, what is no longer wanted has port 0. The first audio is ours, as is the first video; it is new where there was none. */
static void own_write_lines(struct writer *w, const struct offer_capabilities *own,
			    const struct offer_terms *terms, const struct sdp *earlier)
{
	bool written = false, shown = !own->video;

	for (uint8_t i = 0; i < earlier->media_count; i++) {
		const struct sdp_section *m = &earlier->sections[i + 1];

		if (!written && bytes_iis(sdp_slice(earlier, m->kind), "audio")) {
			write_audio(w, own, terms);
			written = true;
			continue;
		}
		if (!shown && bytes_iis(sdp_slice(earlier, m->kind), "video")) {
			own_video_write(w, own);
			shown = true;
			continue;
		}
		offer_write_refused(w, earlier, i + 1U, (struct bytes){ 0 });
	}
	if (!written)
		write_audio(w, own, terms);
	if (!shown)
		own_video_write(w, own);
}

int offer_own(const struct offer_capabilities *own, const struct offer_policy *policy,
	      const struct offer_self *to_b, struct writer *offer_b, struct offer_error *error)
{
	struct offer_policy of_nobody = *policy;
	uint8_t text[TEXT_MAX];
	struct writer w = writer_over(text, sizeof(text));
	struct sdp earlier = { 0 };
	struct sdp_error ignored;

	of_nobody.a = (struct offer_terms){ 0 };
	if (to_b->earlier.n && sdp_parse(&earlier, to_b->earlier, &ignored))
		earlier = (struct sdp){ 0 };
	writer_str(&w, "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n"
		       "c=IN IP4 192.0.2.1\r\nt=0 0\r\n");
	own_write_lines(&w, own, &policy->b, &earlier);
	return offer_forward(writer_done(&w), &of_nobody, to_b, offer_b, error);
}
