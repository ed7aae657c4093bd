/* SPDX-License-Identifier: Apache-2.0 */
/* Two legs that hear each other: what the engine does, by what each has agreed on for itself. Pure. */
#ifndef MEDIA_OFFER_BRIDGE_H
#define MEDIA_OFFER_BRIDGE_H

#include "media/offer/session.h"

/*
 * A line is active where it is so on both legs, and they have a codec in common; an opaque one where it is the same. codes: what one party may
 * say and the other one does not take is transcoded, where the node speaks both codecs, and a line of sound is active with no codec in
 * common, too.
 */
void bridge_map(const struct session *a, const struct session *b, bool codes,
		struct media_plan *out);
/* The same, of their texts. 0 or -EBADMSG as session_read; then no line is active. */
int bridge_read(const struct session_texts *a, const struct session_texts *b, bool codes,
		struct media_plan *out, struct offer_error *error) NODISCARD;

/* How two legs suit each other, by what is agreed with each. */
struct bridge_fit {
	bool common; /* a line is active, and each line of sound that both have has a codec of both */
	bool whole; /* ... and whatever codec of sound either may send is one that the other takes */
	bool transcoded; /* the first is not so, but each hears the other by what is transcoded */
};
/* 0 or -EBADMSG as session_read; then they do not suit each other at all. */
int bridge_fit(const struct session_texts *a, const struct session_texts *b, struct bridge_fit *out,
	       struct offer_error *error) NODISCARD;

#endif
