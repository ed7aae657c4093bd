/* SPDX-License-Identifier: Apache-2.0 */
/* What the node can do by itself. Internal to media/offer. */
#ifndef MEDIA_OFFER_OWN_H
#define MEDIA_OFFER_OWN_H

#include "media/offer/offer.h"
#include "media/payload.h"

/* It is a codec of ours. */
bool offer_own_has(const struct offer_capabilities *own, const struct payload *p);
#define OFFER_CODINGS_FULL "no codec in common, and no more calls may be transcoded"

/* Why nothing of these formats can be transcoded: names the first codec, and says what to do. */
const char *offer_own_lacks(const struct payload_list *formats);

/*
 * Video that the node answers for others: what all have goes first. That is VP8 where they have it; else H.264, baseline where the party has it,
 * without fragments before with them, which some phones do not take (packetization-mode); a level is at most what the others decode. Internal to
 * media/offer.
 */

enum { OWN_VIDEO_MAX = 7, OWN_PARAMETERS_MAX = 80 };

struct own_video {
	uint8_t count;
	uint8_t at[OWN_VIDEO_MAX];     /* of the party's formats, in the order of the answer */
	uint8_t length[OWN_VIDEO_MAX]; /* of parameters; 0: none */
	char parameters[OWN_VIDEO_MAX][OWN_PARAMETERS_MAX];
};

void own_video_choose(struct own_video *out, const struct payload_list *formats,
		      const struct offer_capabilities *own);

#endif
