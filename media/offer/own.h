/* SPDX-License-Identifier: Apache-2.0 */
/* What the node can do by itself. Internal to media/offer. */
#ifndef MEDIA_OFFER_OWN_H
#define MEDIA_OFFER_OWN_H

#include "media/offer/offer.h"
#include "media/payload.h"

/* It is a codec of ours. */
bool offer_own_has(const struct offer_capabilities *own, const struct payload *p);
#define OFFER_CODINGS_FULL "no codec in common, and no more calls may be transcoded"

/* Why nothing of these formats can be transcoded: names the first codec, and the remedy. */
const char *offer_own_lacks(const struct payload_list *formats);

/* Video of the node's own answers: what all parties have goes first. That is VP8 if they have it;
 * else H.264, baseline if the party has it, mode 0 before packetization-mode 1, which some phones
 * lack; the level is at most what the others decode. Internal to media/offer. */

enum { OWN_VIDEO_MAX = 7, OWN_PARAMETERS_MAX = 80 };

struct own_video {
	uint8_t count;
	uint8_t at[OWN_VIDEO_MAX];     /* of the party's formats, in the order of the answer */
	uint8_t length[OWN_VIDEO_MAX]; /* of parameters; 0: absent */
	char parameters[OWN_VIDEO_MAX][OWN_PARAMETERS_MAX];
};

void own_video_choose(struct own_video *out, const struct payload_list *formats,
		      const struct offer_capabilities *own);

/* Recording in the session of the parties (RFC 7866 7.1.2, 7.1.3): a=record tells a party whether a
 * line is recorded, a=recordpref is what a party wishes. Neither is relayed to the other leg: what
 * it is told is up to us. Pure. */

/* What a line's party is told; NONE: nothing. */
enum offer_record offer_record_of(const struct offer_record_state *told, enum media_kind kind,
				  uint8_t index);
/* "a=record:on"; writes nothing for NONE. */
void offer_record_line(struct writer *w, enum offer_record what);
/* What a text says of its lines. NONE for lines without port, and without such an attribute. */
void offer_record_read(struct bytes sdp, uint8_t out[MEDIA_LINES_MAX]);
/* A party's a=recordpref, on its first audio line. */
enum offer_record_preference offer_record_preference(struct bytes sdp);
/* The local SDP has it already. A line without a=record counts as "off". */
bool offer_record_is_in_local(struct bytes local, const struct offer_record_state *told);
/* Rewrites our text with this recording state and session version. Returns 0, -EBADMSG or
 * -ENOSPC. */
int offer_record_again(struct bytes local, const struct offer_record_state *told, uint64_t version,
		       struct writer *w, struct offer_error *error) NODISCARD;
/* "on", "off", "pause"; "nopreference" for NOTHING. */
const char *offer_record_preference_name(enum offer_record_preference p);

#endif
