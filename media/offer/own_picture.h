/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Video that the node answers for others: what all have goes first. That is VP8 where they have it; else H.264, baseline where the party has it,
 * without fragments before with them, which some phones do not take (packetization-mode); a level is at most what the others decode. Internal to
 * media/offer.
 */
#ifndef MEDIA_OFFER_OWN_PICTURE_H
#define MEDIA_OFFER_OWN_PICTURE_H

#include "media/offer/offer.h"
#include "media/payload.h"

enum { OWN_VIDEO_MAX = 7, OWN_PARAMETERS_MAX = 80 };

struct own_video {
	uint8_t count;
	uint8_t at[OWN_VIDEO_MAX];     /* of the party's formats, in the order of the answer */
	uint8_t length[OWN_VIDEO_MAX]; /* of parameters; 0: none */
	char parameters[OWN_VIDEO_MAX][OWN_PARAMETERS_MAX];
};

void own_video_choose(struct own_video *out, const struct payload_list *formats,
		      const struct offer_capabilities *own);
/* A line as a party would write it that shows what others do: of an offer. */
void own_video_write(struct writer *w, const struct offer_capabilities *own);
/* level_idc of RFC 6184 8.1; of what is no H.264: 0. */
uint8_t own_video_level(const struct payload *p);

#endif
