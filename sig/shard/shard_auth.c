/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks: digest credentials (RFC 3261 22, 8760) or an address we trust. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "sig/shard/shard_state.h"
#include "sig/shard/trust.h"

const struct shard_trusted *shard_trusted_by(const struct shard *s, const struct sip_hop *hop)
{
	return trust_find(&s->settings, hop);
}

bool shard_is_trusted(const struct shard *s, const struct sip_hop *hop)
{
	return shard_trusted_by(s, hop) != NULL;
}

bool shard_trusts(void *owner, const struct sip_hop *hop)
{
	return shard_is_trusted(owner, hop);
}

static void hop_trust(struct shard *s, const struct sip_hop *hop, bool peer)
{
	struct effect *e;

	if (sip_transport_is_stream(hop->transport) && !hop->connection)
		return;
	e = effects_add(&s->effects, EFFECT_TRUST);
	if (!e) /* it stays a stranger for now */
		return;
	e->hop = *hop;
	e->peer = peer;
}

void shard_trust(struct shard *s, const struct sip_hop *hop)
{
	hop_trust(s, hop, false);
}

void shard_trust_peer(struct shard *s, const struct sip_hop *hop)
{
	hop_trust(s, hop, true);
}

/* Stateless, so the nonce of a repeated request is the same within its millisecond and costs nothing. */
static void auth_challenge(struct shard *s, const struct sip_message *m, bool proxy, bool stale)
{
	struct writer w = writer_over(s->host.extra, HOST_EXTRA);
	struct dialog_tag tag = shard_tag(s, m);

	digest_challenge(&s->settings.digest, &w, proxy, stale, &m->hop.remote, s->host.now.utc_ms,
			 hash_sip(&s->key, bytes_mem(tag.text, sizeof(tag.text))));
	shard_refuse(s, NULL, m, proxy ? 407 : 401, REFUSED_CHALLENGE, writer_lines(&w));
}

void shard_misuse(struct shard *s, const struct sip_message *m, enum security_kind kind,
		  struct bytes user)
{
	security_event(&s->security, kind, &m->hop.remote, user, sip_method_name(m->method),
		       s->host.now.ns);
}

/* Whoever guesses hears nothing of what it guessed. */
static void auth_wait(struct shard *s, const struct sip_message *m, uint64_t wait_ns)
{
	struct writer extra = writer_over(s->host.extra, HOST_EXTRA);

	writer_fmt(&extra, "Retry-After: %" PRIu64 "\r\n", (wait_ns + NS_PER_S - 1) / NS_PER_S);
	shard_refuse(s, NULL, m, 403, REFUSED_GUESSING, writer_lines(&extra));
}

static bool is_registered_beside(const struct shard *s, const struct aor *entry,
				 const struct addr *source)
{
	const struct addr whose = addr_source(source);

	for (uint32_t i = 0; i < entry->count; i++) {
		const struct addr theirs = addr_source(&entry->bindings[i].hop.remote);

		if (entry->bindings[i].expires_utc_ms > s->host.now.utc_ms &&
		    addr_eq(&theirs, &whose))
			return true;
	}
	return false;
}

static enum auth_standing auth_standing(const struct shard *s, const struct sip_message *m,
					const struct shard_extension *e)
{
	const struct shard_aor *a = e ? shard_aor_get(s, bytes_str(e->number)) : NULL;

	if (!a)
		return AUTH_STRANGER;
	if (registrar_knows(&a->entry, m, s->host.now.utc_ms))
		return AUTH_PHONE;
	return is_registered_beside(s, &a->entry, &m->hop.remote) ? AUTH_NEIGHBOUR : AUTH_STRANGER;
}

/* Most extensions are never failed at. Without memory it counts with names that are none. */
static struct auth_guesses *auth_guesses_of(struct shard *s, struct bytes user)
{
	struct shard_extension_slot *slot = shard_extension_slot(s, user);

	if (slot && !slot->guesses)
		slot->guesses = calloc(1, sizeof(*slot->guesses));
	return slot && slot->guesses ? slot->guesses
				     : auth_limit_nobody(&s->auth_limit, &s->key, user);
}

static void auth_wrong(struct shard *s, const struct sip_message *m, bool proxy, struct bytes user,
		       struct auth_try *t)
{
	t->guesses = auth_guesses_of(s, user);
	sig_count_refused(&s->metrics, REFUSED_DIGEST);
	if (auth_limit_failed(&s->auth_limit, t, s->host.now.ns))
		shard_misuse(s, m, SECURITY_GUESSING, user);
	shard_misuse(s, m, SECURITY_WRONG_PASSWORD, user);
	auth_challenge(s, m, proxy, false);
}

/* Also whom a right answer was taken from, and who sends it again from the same address: a phone that never counts asks once more. */
static bool auth_is_first(struct shard *s, const struct digest_answer *a)
{
	const struct digest_server *server = &s->settings.digest;
	uint64_t parts[2] = { a->nonce_id, hash_sip(&s->key, a->c.user) };
	const struct nonce_now now = {
		.id = hash_sip(&s->key, bytes_mem(parts, sizeof(parts))),
		.made_utc_ms = a->nonce_utc_ms,
		.nc = a->c.nc,
		.utc_ms = s->host.now.utc_ms,
		.lifetime_ms = digest_nonce_lifetime_ms(server),
	};

	return nonce_window_take(&s->nonces, &now);
}

static const struct shard_extension *auth_right(struct shard *s, const struct sip_message *m,
						bool proxy, const struct digest_answer *a,
						const struct shard_extension *e)
{
	if (!auth_is_first(s, a)) {
		sig_count_refused(&s->metrics, REFUSED_REPLAY);
		if (a->c.qop != DIGEST_QOP_NONE) /* without it nothing can be counted */
			shard_misuse(s, m, SECURITY_REPLAY, a->c.user);
		auth_challenge(s, m, proxy, true);
		return NULL;
	}
	if (!e->enabled) {
		shard_refuse(s, NULL, m, 403, REFUSED_DISABLED, (struct bytes){ 0 });
		return NULL;
	}
	shard_trust(s, &m->hop);
	return e;
}

/* Credentials that answer a challenge which their source got. */
static const struct shard_extension *auth_prove(struct shard *s, const struct sip_message *m,
						bool proxy, const struct digest_answer *a)
{
	struct shard_extension_slot *slot = shard_extension_slot(s, a->c.user);
	const struct shard_extension *e = slot ? &slot->extension : NULL;
	struct auth_try t = {
		.guesses = slot ? slot->guesses
				: auth_limit_nobody(&s->auth_limit, &s->key, a->c.user),
		.source = auth_limit_source(&s->key, &m->hop.remote),
		.flow = auth_limit_flow(&s->key, &m->hop.remote, m->hop.transport),
		.standing = auth_standing(s, m, e),
	};
	uint64_t wait_ns = auth_limit_wait_ns(&s->auth_limit, &t, s->host.now.ns);
	enum digest_verdict verdict;

	if (wait_ns) {
		auth_wait(s, m, wait_ns);
		return NULL;
	}
	verdict = digest_prove(a, &s->settings.digest, m, e ? &e->secret : NULL);
	if (verdict == DIGEST_WRONG) {
		auth_wrong(s, m, proxy, a->c.user, &t);
		return NULL;
	}
	auth_limit_passed(&t, s->host.now.ns);
	if (verdict == DIGEST_STALE) {
		auth_challenge(s, m, proxy, true);
		return NULL;
	}
	return auth_right(s, m, proxy, a, e);
}

const struct shard_extension *shard_authenticate(struct shard *s, const struct sip_message *m,
						 bool proxy)
{
	struct digest_answer a;

	switch (digest_read(&a, &s->settings.digest, m, proxy, s->host.now.utc_ms)) {
	case DIGEST_OK:
		return auth_prove(s, m, proxy, &a);
	case DIGEST_MISSING:
		auth_challenge(s, m, proxy, false);
		return NULL;
	case DIGEST_FOREIGN:
		sig_count_refused(&s->metrics, REFUSED_FOREIGN_NONCE);
		shard_misuse(s, m, SECURITY_FOREIGN_NONCE, a.c.user);
		auth_challenge(s, m, proxy, true);
		return NULL;
	case DIGEST_STALE:
	case DIGEST_WRONG:
	case DIGEST_MALFORMED:
		break;
	}
	shard_refuse(s, NULL, m, 400, REFUSED_DIGEST_MALFORMED, (struct bytes){ 0 });
	return NULL;
}
