/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recording in the session of the parties (RFC 7866 7.1.2, 7.1.3): a=record tells a party whether a line is recorded, a=recordpref is what
 * a party would have. Neither passes to the other leg as it came: what is told is ours to say. Pure.
 */
#ifndef MEDIA_OFFER_RECORD_H
#define MEDIA_OFFER_RECORD_H

#include "media/offer/offer.h"

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
