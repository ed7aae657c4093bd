/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/sip/digest_nonce.h"

#include <string.h>

#include "sig/sip/digest_hash.h"

enum { HEAD_LEN = 16, LIFETIME_PRESET_MS = 60000 };

static void nonce_mac(const struct digest_server *s, const struct addr *source,
		      const uint8_t head[HEAD_LEN], uint8_t out[DIGEST_MAC_LEN])
{
	const struct addr whose = addr_source(source);
	const struct bytes parts[] = {
		BYTES_LIT("nonce"), /* the key serves other purposes too */
		bytes_mem(head, HEAD_LEN),
		bytes_mem(&whose.family, sizeof(whose.family)),
		bytes_mem(whose.ip, sizeof(whose.ip)),
		bytes_str(s->realm),
	};

	if (!digest_mac(s->key, parts, COUNT_OF(parts), out, DIGEST_MAC_LEN))
		memset(out, 0, DIGEST_MAC_LEN);
}

uint64_t digest_nonce_lifetime_ms(const struct digest_server *s)
{
	return s->nonce_lifetime_ms ? s->nonce_lifetime_ms : LIFETIME_PRESET_MS;
}

void digest_nonce_put(char out[DIGEST_NONCE_LEN], const struct digest_server *s,
		      const struct addr *source, uint64_t utc_ms, uint64_t random)
{
	uint8_t raw[HEAD_LEN + DIGEST_MAC_LEN];
	struct writer head = writer_over(raw, HEAD_LEN);
	struct writer w = writer_over(out, DIGEST_NONCE_LEN);

	writer_be64(&head, utc_ms);
	writer_be64(&head, random);
	nonce_mac(s, source, raw, raw + HEAD_LEN);
	writer_hex(&w, bytes_mem(raw, sizeof(raw)));
}

enum digest_nonce digest_nonce_check(struct digest_answer *a, const struct digest_server *s,
				     const struct addr *source, uint64_t utc_ms)
{
	uint8_t raw[HEAD_LEN + DIGEST_MAC_LEN];
	uint8_t mac[DIGEST_MAC_LEN];
	uint64_t made, away;
	size_t n;

	if (a->c.nonce.n != DIGEST_NONCE_LEN || hex_decode(a->c.nonce, raw, sizeof(raw), &n))
		return DIGEST_NONCE_FOREIGN;
	nonce_mac(s, source, raw, mac);
	if (!bytes_eq_secret(bytes_mem(mac, sizeof(mac)),
			     bytes_mem(raw + HEAD_LEN, DIGEST_MAC_LEN)))
		return DIGEST_NONCE_FOREIGN;
	made = be64_get(raw);
	a->nonce_id = be64_get(mac);
	a->nonce_utc_ms = made;
	/* the clock of the node that made it may be ahead of ours */
	away = made > utc_ms ? made - utc_ms : utc_ms - made;
	return away <= digest_nonce_lifetime_ms(s) ? DIGEST_NONCE_FRESH : DIGEST_NONCE_OLD;
}
