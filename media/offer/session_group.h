/* SPDX-License-Identifier: Apache-2.0 */
/* What the lines of a leg have together: transports (RFC 9143), extensions and feedback (RFC 8285, 4585). Internal to media/session*.c. */
#ifndef MEDIA_OFFER_SESSION_GROUP_H
#define MEDIA_OFFER_SESSION_GROUP_H

#include "media/offer/session.h"
#include "media/sdp/sdp.h"

/* Once all lines are read. A line whose transport is one that is not taken is not active any more. */
void session_group(struct session *s, const struct sdp *remote, const struct sdp *local);

/* A's lines, before they are answered (b is the other leg, or NULL) as they will be read. */
void session_group_answer(struct session *a, const struct session *b, const struct sdp *offer);

#endif
