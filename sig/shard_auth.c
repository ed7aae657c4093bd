/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks: digest credentials (RFC 3261 22, 8760) or an address we trust. */
#include <inttypes.h>

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

void shard_trust(struct shard *s, const struct sip_hop *hop)
{
	struct effect *e;

	if (!sip_transport_is_stream(hop->transport) || !hop->connection)
		return;
	e = effects_add(&s->effects, EFFECT_TRUST);
	if (e) /* without memory it stays a stranger for now */
		e->hop = *hop;
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

/* Whoever guesses hears nothing of what it guessed. False: it was answered. */
static bool may_try(struct shard *s, const struct sip_message *m, uint64_t who)
{
	uint64_t wait_ns = auth_limit_wait_ns(&s->auth_limit, who, s->host.now.ns);
	struct writer extra = writer_over(s->host.extra, HOST_EXTRA);

	if (!wait_ns)
		return true;
	writer_fmt(&extra, "Retry-After: %" PRIu64 "\r\n", (wait_ns + NS_PER_S - 1) / NS_PER_S);
	shard_refuse(s, NULL, m, 403, REFUSED_GUESSING, writer_done(&extra));
	return false;
}

static void auth_event(struct shard *s, const struct sip_message *m, enum security_kind kind,
		       struct bytes user)
{
	security_event(&s->security, kind, &m->hop.remote, user, sip_method_name(m->method),
		       s->host.now.ns);
}

static void wrong(struct shard *s, const struct sip_message *m, bool proxy, struct bytes user,
		  uint64_t who)
{
	sig_count_refused(&s->metrics, REFUSED_DIGEST);
	if (auth_limit_failed(&s->auth_limit, who, s->host.now.ns))
		auth_event(s, m, SECURITY_GUESSING, user);
	auth_event(s, m, SECURITY_WRONG_PASSWORD, user);
	challenge(s, m, proxy, false);
}

const struct shard_extension *shard_authenticate(struct shard *s, const struct sip_message *m,
						 bool proxy)
{
	const struct digest_server *server = &s->settings.digest;
	const struct shard_extension *e = NULL;
	struct bytes user = { 0 };
	uint64_t who;

	if (digest_user(server, m, proxy, &user))
		e = shard_extension_find(s, user);
	who = auth_limit_id(&s->key, &m->hop.remote, user);
	if (user.n && !may_try(s, m, who))
		return NULL;
	switch (digest_check(server, m, proxy, e ? &e->secret : NULL, s->host.now.utc_ms)) {
	case DIGEST_OK:
		auth_limit_passed(&s->auth_limit, who);
		if (e && e->enabled) {
			shard_trust(s, &m->hop);
			return e;
		}
		shard_refuse(s, NULL, m, 403, REFUSED_DISABLED, (struct bytes){ 0 });
		return NULL;
	case DIGEST_MISSING:
		challenge(s, m, proxy, false);
		return NULL;
	case DIGEST_STALE:
		challenge(s, m, proxy, true);
		return NULL;
	case DIGEST_WRONG:
		wrong(s, m, proxy, user, who);
		return NULL;
	case DIGEST_MALFORMED:
		shard_refuse(s, NULL, m, 400, REFUSED_DIGEST_MALFORMED, (struct bytes){ 0 });
		return NULL;
	}
	return NULL;
}
