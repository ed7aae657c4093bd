/* SPDX-License-Identifier: Apache-2.0 */
/* Which formats an offer and its answer have in common, each under two numbers. Internal to media/session*.c. */
#ifndef MEDIA_OFFER_SESSION_FORMATS_H
#define MEDIA_OFFER_SESSION_FORMATS_H

#include "media/offer/session.h"
#include "media/payload.h"

/* Formats, twins and events of a line whose side has what the party said. False: there are none. */
bool session_formats_read(struct session_line *line, const struct payload_list *remote,
			  const struct sdp *local, uint8_t index, bool we_offered);
/* As a list, under the numbers of the offer; apart ones are not in it. at: the index in line->formats of each. */
void session_formats_list(struct payload_list *out, const struct session_line *line,
			  uint8_t at[PAYLOAD_RULES_MAX]);

#endif
