/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the payload types of an m-line mean: a=rtpmap, a=fmtp and the static types of RFC 3551.
 * Values that point into the SDP's text, which must outlive them. Nothing here fails.
 */
#ifndef MEDIA_PAYLOAD_H
#define MEDIA_PAYLOAD_H

#include "media/flow.h"
#include "media/sdp/sdp.h"

/* One format. Slices lie in the SDP's text, or are constant. */
struct payload {
	uint8_t number;
	uint8_t channels;        /* 1 if absent */
	uint32_t clock_hz;       /* of the RTP timestamps; 0: the codec is not known */
	struct bytes name;       /* "PCMU"; empty: not known (dynamic without rtpmap) */
	struct bytes encoding;   /* as in the rtpmap, "opus/48000/2"; empty: no rtpmap */
	struct bytes parameters; /* of a=fmtp; empty: no fmtp */
};

struct payload_list {
	uint8_t count;
	struct payload at[PAYLOAD_RULES_MAX];
};

/* The formats of an RTP m-line in order, each number once, without FEC and retransmission; the rest
 * beyond the list's room is dropped. */
void payload_list_read(struct payload_list *out, const struct sdp *s, unsigned section);
/* NULL: not in the list. */
const struct payload *payload_find(const struct payload_list *list, uint8_t number);
/* Name (any case), clock and channels agree. Unknown codecs are the same as nothing. */
bool payload_same_codec(const struct payload *a, const struct payload *b);
/* The same codec, with equal parameters where these make it another one (profile of H264, H265, VP9
 * and AV1, mode of H264, bit rate of G7221). */
bool payload_same_format(const struct payload *a, const struct payload *b);
/* By its name, in any case. */
static inline bool payload_is(const struct payload *p, const char *name)
{
	return bytes_iis(p->name, name);
}
bool payload_is_event(const struct payload *p); /* RFC 4733 */
/* Neither an event, nor comfort noise (RFC 3389), nor redundancy (RFC 2198). */
bool payload_is_codec(const struct payload *p);
bool payload_list_has_codec(const struct payload_list *list);
/* A parameter of a=fmtp: "packetization-mode" of "profile-level-id=42e01f;packetization-mode=1".
 * False: absent, *value is unchanged. */
bool payload_parameter(const struct payload *p, const char *name, struct bytes *value);

/* For each of wanted, the index of the same format in among, or PAYLOAD_NONE; no index twice. The
 * same number is tried first, so that a list with one codec under two numbers stays as it is; for
 * H264 only if the profile is that of the number, or there is no better one. A format of wanted
 * without a known codec is matched by its number: some answers leave out the rtpmap. */
void payload_match(const struct payload_list *wanted, const struct payload_list *among,
		   uint8_t index[PAYLOAD_RULES_MAX]);

#endif
