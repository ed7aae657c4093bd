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

/*
 * Recording in the session of the parties (RFC 7866 7.1.2, 7.1.3): a=record tells a party whether a line is recorded, a=recordpref is what
 * a party would have. Neither passes to the other leg as it came: what is told is ours to say. Pure.
 */

/* What is told of a line; NONE where its party is told nothing. */
enum offer_record offer_record_of(const struct offer_record_state *told, enum media_kind kind,
				  uint8_t index);
/* "a=record:on"; nothing for NONE. */
void offer_record_line(struct writer *w, enum offer_record what);
/* What a text says of its lines. NONE of those without port, and where it says nothing. */
void offer_record_read(struct bytes sdp, uint8_t out[MEDIA_LINES_MAX]);
/* What a party says it would have, of its first line of sound. */
enum offer_record_preference offer_record_preference(struct bytes sdp);
/* Our text says so already. Where a line says nothing that is "off". */
bool offer_record_is_in_local(struct bytes local, const struct offer_record_state *told);
/* Our text once more, with what is told now and this version of its session. 0, -EBADMSG or -ENOSPC. */
int offer_record_again(struct bytes local, const struct offer_record_state *told, uint64_t version,
		       struct writer *w, struct offer_error *error) NODISCARD;
/* "on", "off", "pause"; "nopreference" for NOTHING. */
const char *offer_record_preference_name(enum offer_record_preference p);

#endif
