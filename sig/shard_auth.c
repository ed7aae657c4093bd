/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks: digest credentials (RFC 3261 22, 8760) or an address we trust. */
#include "base/log.h"
#include "sig/shard_state.h"

static bool prefix_eq(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8;
	unsigned rest = bits % 8;
	uint8_t mask = (uint8_t)(0xff00u >> rest);

	for (unsigned i = 0; i < whole; i++) {
		if (a[i] != b[i])
			return false;
	}
	return rest == 0 || ((a[whole] ^ b[whole]) & mask) == 0;
}

bool shard_is_trusted(const struct shard *s, const struct addr *source)
{
	for (uint32_t i = 0; i < s->settings.trusted_count; i++) {
		const struct shard_trusted *t = &s->settings.trusted[i];
		unsigned max = t->net.family == ADDR_V6 ? 128 : 32;

		if (t->net.family == source->family && t->bits <= max &&
		    prefix_eq(t->net.ip, source->ip, t->bits))
			return true;
	}
	return false;
}

/* Stateless, so the nonce of a repeated request is the same within its millisecond and costs nothing. */
static void challenge(struct shard *s, const struct sip_message *m, bool proxy, bool stale)
{
	struct writer w = writer_over(s->host.extra, HOST_EXTRA);
	struct dialog_tag tag = shard_tag(s, m);

	digest_challenge(&s->settings.digest, &w, proxy, stale, s->host.now.utc_ms,
			 hash_sip(&s->key, bytes_mem(tag.text, sizeof(tag.text))));
	shard_refuse(s, NULL, m, proxy ? 407 : 401, REFUSED_CHALLENGE, writer_done(&w));
}

static void wrong(struct shard *s, const struct sip_message *m, bool proxy, struct bytes user)
{
	sig_count_refused(&s->metrics, REFUSED_DIGEST);
	LOG_WARN("sip", 0, "wrong credentials", LOG_BYTES("user", user),
		 LOG_BYTES("method", m->method_name), LOG_ADDR("source", &m->hop.remote));
	challenge(s, m, proxy, false);
}

const struct shard_extension *shard_authenticate(struct shard *s, const struct sip_message *m,
						 bool proxy)
{
	const struct digest_server *server = &s->settings.digest;
	const struct shard_extension *e = NULL;
	struct bytes user = { 0 };

	if (digest_user(server, m, proxy, &user))
		e = shard_extension_find(s, user);
	switch (digest_check(server, m, proxy, e ? &e->secret : NULL, s->host.now.utc_ms)) {
	case DIGEST_OK:
		if (e && e->enabled)
			return e;
		shard_refuse(s, NULL, m, 403, REFUSED_DISABLED, (struct bytes){ 0 });
		return NULL;
	case DIGEST_MISSING:
		challenge(s, m, proxy, false);
		return NULL;
	case DIGEST_STALE:
		challenge(s, m, proxy, true);
		return NULL;
	case DIGEST_WRONG:
		wrong(s, m, proxy, user);
		return NULL;
	case DIGEST_MALFORMED:
		shard_refuse(s, NULL, m, 400, REFUSED_DIGEST_MALFORMED, (struct bytes){ 0 });
		return NULL;
	}
	return NULL;
}
