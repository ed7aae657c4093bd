/* SPDX-License-Identifier: Apache-2.0 */
#include "media/offer/crypto.h"

#include <string.h>

enum { TAG = 1, SUITE_FIRST = MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80 };

bool offer_crypto_usable(const struct sdp *offer, unsigned section)
{
	struct crypto c;
	uint16_t line = 0;
	bool found = crypto_next(offer, section, &line, &c);

	crypto_wipe(&c);
	return found;
}

/* There are as many octets as the suite wants. */
static bool is_enough(const struct media_key *own, uint8_t suite)
{
	uint8_t length = crypto_key_length(suite);

	return length > 0 && own->length >= length;
}

/* Those at the front. */
static bool set_key(struct media_key *out, const struct media_key *own, uint8_t suite)
{
	if (!is_enough(own, suite))
		return false;
	*out = (struct media_key){ .suite = suite, .length = crypto_key_length(suite) };
	memcpy(out->octets, own->octets, out->length);
	return true;
}

bool offer_crypto_offer(struct crypto *out, const struct media_key *own)
{
	*out = (struct crypto){ .tag = TAG };
	if (set_key(&out->key, own, own->suite ? own->suite : SUITE_FIRST))
		return true;
	crypto_wipe(out);
	return false;
}

/* RFC 3711 9.1: one key for both directions is one keystream too, as soon as two SSRCs are equal. */
static bool key_is_same(const struct media_key *a, const struct media_key *b)
{
	return bytes_eq_secret(bytes_mem(a->octets, a->length), bytes_mem(b->octets, b->length));
}

static const char *crypto_refuse(struct media_key *ours, struct media_key *theirs,
				 const char *reason)
{
	explicit_bzero(ours, sizeof(*ours));
	explicit_bzero(theirs, sizeof(*theirs));
	return reason;
}

const char *offer_crypto_accept(const struct sdp *offer, unsigned section,
				const struct media_key *own, struct media_key *theirs,
				struct crypto *out)
{
	const char *reason = "no a=crypto that can be used";
	struct crypto c;
	uint16_t line = 0;
	bool found = crypto_next(offer, section, &line, &c);

	while (found && !is_enough(own, c.key.suite)) {
		reason = "no key for it";
		found = crypto_next(offer, section, &line, &c);
	}
	*theirs = c.key;
	*out = (struct crypto){ .tag = c.tag };
	crypto_wipe(&c);
	if (!found || !set_key(&out->key, own, theirs->suite))
		return crypto_refuse(&out->key, theirs, reason);
	if (key_is_same(&out->key, theirs))
		return crypto_refuse(&out->key, theirs, "a=crypto has our own key");
	return NULL;
}

/* The first line of the offer that has the tag and suite of c. */
static bool find_offered(const struct sdp *offer, unsigned section, const struct crypto *c,
			 struct crypto *offered)
{
	uint16_t line = 0;

	while (crypto_next(offer, section, &line, offered)) {
		if (offered->tag == c->tag && offered->key.suite == c->key.suite)
			return true;
	}
	return false;
}

const char *offer_crypto_agreed(const struct sdp *offer, const struct sdp *answer, unsigned section,
				struct media_key *offerer, struct media_key *answerer)
{
	struct crypto offered = { 0 }, c = { 0 };
	uint16_t line = 0;
	bool same = false;

	while (!same && crypto_next(answer, section, &line, &c))
		same = find_offered(offer, section, &c, &offered);
	*offerer = offered.key;
	*answerer = c.key;
	crypto_wipe(&offered);
	crypto_wipe(&c);
	if (!same) /* RFC 4568 5.1.3, 5.3 */
		return crypto_refuse(offerer, answerer, "the answer has no a=crypto of ours");
	return key_is_same(offerer, answerer)
		       ? crypto_refuse(offerer, answerer, "a=crypto has our own key")
		       : NULL;
}
