/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Estimates how a stream sounds from what can be counted: the E-model of ITU-T G.107 with all
 * parameters at their defaults but packet loss, delay and codec.
 *
 *   R      = 93.2 - Id - Ie,eff
 *   Id     = 0.024 d, and 0.11 (d - 177.3) more for d > 177.3: the linear fit
 *            of G.107 for paths without echo that is usual for VoIP
 *   d      = round trip / 2 + twice the jitter + 20, in ms: path, playout buffer, one packet
 *   Ie,eff = Ie + (95 - Ie) P / (P + Bpl), P: loss in per cent, taken as random (BurstR 1)
 *   MOS    = 1 + 0.035 R + R (R - 60) (100 - R) 7e-6, within 1 and 4.5
 *
 * Limits: the audio itself is not examined. Echo, noise, clipping, a muted microphone and
 * transcoding elsewhere do not count; loss in bursts sounds worse than estimated; an unknown round
 * trip counts as 0. The scale is that of narrow-band speech, so G.722 and Opus get no more than a
 * perfect G.711, though they sound better.
 */
#ifndef MEDIA_QUALITY_H
#define MEDIA_QUALITY_H

#include "media/flow.h"

/* Equipment impairment and robustness against packet loss (ITU-T G.113 appendix I). */
struct quality_codec {
	const char *name; /* encoding name of SDP */
	double ie, bpl;
};

/* NULL: no values are known for it. */
const struct quality_codec *quality_codec_find(struct bytes name);

/* One direction of a stream. */
struct quality_in {
	const struct quality_codec *codec; /* NULL: no mark */
	uint64_t packets, lost;            /* that arrived; that should have, too */
	uint32_t jitter_us, rtt_us;        /* rtt 0: not known */
};

struct quality {
	uint32_t loss_hundredths; /* of a per cent */
	uint16_t r_tenths;
	uint16_t mos_hundredths; /* 100 to 450; 0: not known */
};
struct quality quality_of(const struct quality_in *in);

/* What comes from the party of a flow. */
struct quality quality_received(const struct flow_stats *s, const struct quality_codec *codec);
/* What the party receives, by its RTCP reports; without a mark if it sent none. */
struct quality quality_reported(const struct flow_stats *s, const struct flow_detail *d,
				const struct quality_codec *codec);

#endif
