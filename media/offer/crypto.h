/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose key protects what (RFC 4568 5.1, 7.1): each party's line tells with what that party sends, and no party ever sees
 * the other's. Internal to media/offer.
 */
#ifndef MEDIA_OFFER_CRYPTO_H
#define MEDIA_OFFER_CRYPTO_H

#include "media/crypto.h"

/* An offer's section has a line that we can honour. */
bool offer_crypto_usable(const struct sdp *offer, unsigned section);
/* Our line in an offer, with our key: as many octets of its front as the suite wants. False, and *out wiped: it has fewer. */
bool offer_crypto_offer(struct crypto *out, const struct media_key *own);
/* Our line in the answer to the first of an offer's that we can honour with the octets of our key; *theirs is its key. NULL or why not (all wiped). */
const char *offer_crypto_accept(const struct sdp *offer, unsigned section,
				const struct media_key *own, struct media_key *theirs,
				struct crypto *out);
/* By an offer and its answer (RFC 4568 5.1.3), whosever they are. NULL or why not (all wiped). */
const char *offer_crypto_agreed(const struct sdp *offer, const struct sdp *answer, unsigned section,
				struct media_key *offerer, struct media_key *answerer);

#endif
