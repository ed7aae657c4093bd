/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the payload of an audio packet tells without decoding: how long it sounds, and whether it
 * may contain sound.
 */
#ifndef MEDIA_RTP_SOUNDING_H
#define MEDIA_RTP_SOUNDING_H

#include "media/codec.h"

/* In units of the codec's RTP clock; 0: nothing to play, or malformed. */
uint32_t sounding_units(enum media_codec codec, struct bytes payload);
/* Digital silence, or a packet of a pause: one or two octets of Opus (RFC 7587 3.1.3), only a SID
 * frame of G.729 (RFC 3551 4.5.6). */
bool sounding_is_silent(enum media_codec codec, struct bytes payload);

enum sounding_opus {
	SOUNDING_QUIET,   /* its encoder detected no voice */
	SOUNDING_VOICE,   /* it did */
	SOUNDING_UNKNOWN, /* no SILK in it, or more than one frame */
};

/* The VAD flags of SILK, of one Opus frame (RFC 6716 4.2.3): 99 % of frames with voice have one. */
enum sounding_opus sounding_opus(struct bytes payload);

#endif
