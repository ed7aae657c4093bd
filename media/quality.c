/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Estimates MOS from loss, delay, jitter and codec by the E-model (ITU-T G.107, with the codec
 * values of G.113). Call records and queries about live calls show it for both directions: from
 * what we received, and from what the party reports by RTCP. quality.h has the formulas and their
 * limits.
 */

#include "media/quality.h"

#define R_BEST     93.2
#define DELAY_KNEE 177.3

enum { US_PER_MS = 1000, PACKET_MS = 20 };

/* G.711 with concealment, which every phone has. G.113 has no narrow-band values for G.722 and
 * Opus: without errors they impair nothing; against loss they count like G.711. */
static const struct quality_codec g_quality_codecs[] = {
	{ "PCMU", 0, 25.1 },  { "PCMA", 0, 25.1 }, { "G722", 0, 25.1 },
	{ "opus", 0, 25.1 },  { "G729", 11, 19 }, /* annex A, as phones have it */
	{ "G723", 15, 16.1 },
};

const struct quality_codec *quality_codec_find(struct bytes name)
{
	for (size_t i = 0; i < COUNT_OF(g_quality_codecs); i++) {
		if (bytes_iis(name, g_quality_codecs[i].name))
			return &g_quality_codecs[i];
	}
	return NULL;
}

static double delay_impairment(const struct quality_in *in)
{
	double ms = (double)in->rtt_us / 2 / US_PER_MS + 2.0 * in->jitter_us / US_PER_MS +
		    (double)PACKET_MS;

	return 0.024 * ms + (ms > DELAY_KNEE ? 0.11 * (ms - DELAY_KNEE) : 0);
}

static double mos_of(double r)
{
	double mos = 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6;

	/* below R 6.5 the curve dips under 1 */
	return r <= 0 || mos < 1 ? 1 : mos;
}

struct quality quality_of(const struct quality_in *in)
{
	uint64_t sent = in->packets + in->lost;
	double loss = sent ? 100.0 * (double)in->lost / (double)sent : 0;
	struct quality q = { .loss_hundredths = (uint32_t)(loss * 100 + 0.5) };
	const struct quality_codec *c = in->codec;
	double r;

	if (!c || sent == 0)
		return q;
	r = R_BEST - delay_impairment(in) - c->ie - (95 - c->ie) * loss / (loss + c->bpl);
	q.r_tenths = r > 0 ? (uint16_t)(r * 10 + 0.5) : 0;
	q.mos_hundredths = (uint16_t)(mos_of(r) * 100 + 0.5);
	return q;
}

struct quality quality_received(const struct flow_stats *s, const struct quality_codec *codec)
{
	struct quality_in in = { .codec = codec,
				 .packets = s->packets_in,
				 .lost = s->lost,
				 .jitter_us = s->jitter_us,
				 .rtt_us = s->rtt_us };

	return quality_of(&in);
}

struct quality quality_reported(const struct flow_stats *s, const struct flow_detail *d,
				const struct quality_codec *codec)
{
	uint64_t lost = s->remote_lost < s->packets_out ? s->remote_lost : s->packets_out;
	struct quality_in in = { .codec = codec,
				 .packets = s->packets_out - lost,
				 .lost = lost,
				 .jitter_us = s->remote_jitter_us,
				 .rtt_us = s->rtt_us };

	return d->reported_ns ? quality_of(&in) : (struct quality){ 0 };
}
