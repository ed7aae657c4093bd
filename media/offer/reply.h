/* SPDX-License-Identifier: Apache-2.0 */
/* One agreed m-line of B's answer, written again under A's numbers. Internal to media/offer. */
#ifndef MEDIA_OFFER_REPLY_H
#define MEDIA_OFFER_REPLY_H

#include "media/crypto.h"
#include "media/offer/agree.h"

/* The line as settled. crypto: ours towards A; suite NONE: plain RTP or DTLS. 0 or -EBADMSG, as offer_agree. */
int offer_reply(struct writer *w, const struct offer_answering *k, uint8_t index,
		const struct media_side *a, const struct crypto *crypto,
		struct offer_error *error) NODISCARD;

#endif
