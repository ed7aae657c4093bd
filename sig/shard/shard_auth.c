/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks: digest credentials (RFC 3261 22, 8760) or an address we trust. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "sig/model/leg.h"
#include "sig/shard/shard_state.h"
#include "sig/shard/trust.h"
#include "sig/sip/located_user.h"

const struct shard_trusted *shard_trusted_by(const struct shard *s, const struct sip_hop *hop)
{
	return trust_find(&s->settings, hop);
}

bool shard_is_trusted(const struct shard *s, const struct sip_hop *hop)
{
	return hop->transport == SIP_INTER_SHARD || shard_trusted_by(s, hop) != NULL ||
	       shard_trunk_of(s, hop) != TRUNK_NONE;
}

static struct identity_policy shard_identity_of_trunk(const struct shard *s, uint16_t trunk)
{
	const struct trunk_settings *set = trunks_settings(s->settings.trunks, trunk);

	return set ? identity_of_trunk(&set->identity) : identity_of_phone(NULL);
}

struct identity_policy shard_identity_of(void *owner, const struct leg *leg)
{
	const struct shard *s = owner;
	const struct sip_hop *hop = &leg->dialog.hop;

	if (hop->transport == SIP_INTER_SHARD)
		return identity_of_inter_shard();
	if (leg_is_trunk(leg))
		return shard_identity_of_trunk(s, leg->channel);
	return shard_is_trusted(s, hop) ? identity_of_peer(&s->settings.extra)
					: identity_of_phone(&s->settings.extra);
}

bool shard_trusts(void *owner, const struct sip_hop *hop)
{
	return shard_is_trusted(owner, hop);
}

static void hop_trust(struct shard *s, const struct sip_hop *hop, bool peer)
{
	struct effect *e;

	if ((sip_transport_is_stream(hop->transport) && !hop->connection) ||
	    hop->transport == SIP_INTER_SHARD)
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

/* Credentials that are asked for. */
struct auth_ask {
	const struct sip_message *m;
	uint16_t tenant; /* whose user its sender says that it is */
	bool proxy;
	const struct digest_server *server; /* with the tenant's realm */
};

/* Each tenant's phones are challenged in its own realm, so no nonce and no password of one is any good for another. */
static const struct digest_server *auth_server(const struct shard *s, uint16_t tenant,
					       struct digest_server *space)
{
	const char *realm = tenants_realm(s->settings.tenants, tenant);

	if (!realm[0])
		return &s->settings.digest;
	static_assert(sizeof(space->realm) >= TENANT_REALM_MAX, "fits");
	*space = s->settings.digest;
	(void)bytes_cstr(bytes_str(realm), space->realm, sizeof(space->realm));
	return space;
}

/* Stateless, so the nonce of a repeated request is the same within its millisecond and costs nothing. */
static void auth_challenge(struct shard *s, const struct auth_ask *ask, bool stale)
{
	struct writer w = writer_over(s->host.extra, HOST_EXTRA);
	struct dialog_tag tag = shard_tag(s, ask->m);

	digest_challenge(ask->server, &w, ask->proxy, stale, &ask->m->hop.remote,
			 s->host.now.utc_ms,
			 hash_sip(&s->key, bytes_mem(tag.text, sizeof(tag.text))));
	shard_refuse(s, NULL, ask->m, ask->proxy ? 407 : 401, REFUSED_CHALLENGE, writer_lines(&w));
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

static bool is_registered_elsewhere(const struct shard *s, const struct aor *entry,
				    const struct addr *source)
{
	const struct addr whose = addr_source(source);

	for (uint32_t i = 0; i < entry->count; i++) {
		const struct addr theirs = addr_source(&entry->bindings[i].hop.remote);

		if (entry->bindings[i].expires_utc_ms > locations_utc_ms(s->locations) &&
		    addr_eq(&theirs, &whose))
			return true;
	}
	return false;
}

static enum auth_standing auth_standing(const struct shard *s, const struct sip_message *m,
					const struct shard_extension *e)
{
	const struct aor *a =
		e ? locations_find(s->locations, e->tenant, bytes_str(e->number)) : NULL;

	if (!a)
		return AUTH_STRANGER;
	if (registrar_knows(a, m, locations_utc_ms(s->locations)))
		return AUTH_PHONE;
	return is_registered_elsewhere(s, a, &m->hop.remote) ? AUTH_NEIGHBOUR : AUTH_STRANGER;
}

/* Most extensions are never failed at. Without memory it counts with names that are none. */
static struct auth_guesses *auth_guesses_of(struct shard *s, uint16_t tenant, struct bytes user)
{
	struct shard_extension_slot *slot = shard_extension_slot(s, tenant, user);

	if (slot && !slot->guesses)
		slot->guesses = calloc(1, sizeof(*slot->guesses));
	return slot && slot->guesses
		       ? slot->guesses
		       : auth_limit_nobody(&s->commons->auth_limit, &s->commons->key, tenant, user);
}

/* Whom a name for authentication means. */
struct auth_who {
	struct shard_extension_slot *slot;  /* NULL: nobody */
	struct bytes number;                /* the name, without its location */
	uint16_t location;                  /* 0: it says none */
	const struct digest_secret *secret; /* NULL: nothing proves it */
};

static const struct digest_secret *located_secret(const struct shard_located *l, uint16_t location)
{
	for (uint16_t i = 0; l && i < l->count; i++) {
		if (l->of[i].location == location)
			return &l->of[i].secret;
	}
	return NULL;
}

/* REG-32: with a location the name is another one for the digest, and the extension is the same. */
static struct auth_who auth_who(const struct shard *s, uint16_t tenant, struct bytes user)
{
	struct auth_who who = { .slot = shard_extension_slot(s, tenant, user), .number = user };
	struct bytes number;
	uint16_t location;

	if (who.slot) {
		who.secret = &who.slot->extension.secret;
		return who;
	}
	if (!located_user_split(user, &number, &location))
		return who;
	who.slot = shard_extension_slot(s, tenant, number);
	if (!who.slot)
		return who;
	who.number = number;
	who.location = location;
	who.secret = located_secret(who.slot->located, location);
	return who;
}

static void auth_wrong(struct shard *s, const struct auth_ask *ask, const struct auth_who *who,
		       struct bytes user, struct auth_try *t)
{
	t->guesses = auth_guesses_of(s, ask->tenant, who->number);
	txns_refuse_for(&s->txns, REFUSED_DIGEST);
	if (auth_limit_failed(&s->commons->auth_limit, t, s->host.now.ns))
		shard_misuse(s, ask->m, SECURITY_GUESSING, user);
	shard_misuse(s, ask->m, SECURITY_WRONG_PASSWORD, user);
	if (who->location && !who->secret)
		shard_misuse(s, ask->m, SECURITY_LOCATION, user);
	auth_challenge(s, ask, false);
}

/* Also whom a right answer was taken from, and who sends it again from the same address: a phone that never counts asks once more. */
static bool auth_is_first(struct shard *s, const struct auth_ask *ask,
			  const struct digest_answer *a)
{
	uint64_t parts[2] = { a->nonce_id, hash_sip(&s->key, a->c.user) };
	const struct nonce_now now = {
		.id = hash_sip(&s->key, bytes_mem(parts, sizeof(parts))),
		.made_utc_ms = a->nonce_utc_ms,
		.nc = a->c.nc,
		.utc_ms = s->host.now.utc_ms,
		.lifetime_ms = digest_nonce_lifetime_ms(ask->server),
	};

	return nonce_window_take(&s->commons->nonces, &now);
}

static const struct shard_extension *auth_right(struct shard *s, const struct auth_ask *ask,
						const struct digest_answer *a,
						const struct shard_extension *e)
{
	if (!auth_is_first(s, ask, a)) {
		txns_refuse_for(&s->txns, REFUSED_REPLAY);
		if (a->c.qop != DIGEST_QOP_NONE) /* without it nothing can be counted */
			shard_misuse(s, ask->m, SECURITY_REPLAY, a->c.user);
		auth_challenge(s, ask, true);
		return NULL;
	}
	if (!e->enabled && !shard_calls_for_help(s, ask->m, ask->tenant)) {
		shard_refuse(s, NULL, ask->m, 403, REFUSED_DISABLED, (struct bytes){ 0 });
		return NULL;
	}
	shard_trust(s, &ask->m->hop);
	return e;
}

/* Credentials that answer a challenge which their source got. */
static const struct shard_extension *auth_prove(struct shard *s, const struct auth_ask *ask,
						const struct digest_answer *a)
{
	const struct auth_who who = auth_who(s, ask->tenant, a->c.user);
	const struct shard_extension *e = who.slot ? &who.slot->extension : NULL;
	const struct sip_hop *hop = &ask->m->hop;
	struct auth_try t = {
		.guesses = who.slot ? who.slot->guesses
				    : auth_limit_nobody(&s->commons->auth_limit, &s->commons->key,
							ask->tenant, a->c.user),
		.source = auth_limit_source(&s->commons->key, &hop->remote),
		.flow = auth_limit_flow(&s->commons->key, &hop->remote, hop->transport),
		.standing = auth_standing(s, ask->m, e),
	};
	uint64_t wait_ns = auth_limit_wait_ns(&s->commons->auth_limit, &t, s->host.now.ns);
	enum digest_verdict verdict;

	if (wait_ns) {
		auth_wait(s, ask->m, wait_ns);
		return NULL;
	}
	verdict = digest_prove(a, ask->server, ask->m, who.secret);
	if (verdict == DIGEST_WRONG) {
		auth_wrong(s, ask, &who, a->c.user, &t);
		return NULL;
	}
	auth_limit_passed(&t, s->host.now.ns);
	if (verdict == DIGEST_STALE) {
		auth_challenge(s, ask, true);
		return NULL;
	}
	return auth_right(s, ask, a, e);
}

const struct shard_extension *shard_authenticate(struct shard *s, const struct sip_message *m,
						 uint16_t tenant, bool proxy)
{
	struct digest_server space;
	const struct auth_ask ask = {
		.m = m, .tenant = tenant, .proxy = proxy, .server = auth_server(s, tenant, &space)
	};
	struct digest_answer a;

	switch (digest_read(&a, ask.server, m, proxy, s->host.now.utc_ms)) {
	case DIGEST_OK:
		return auth_prove(s, &ask, &a);
	case DIGEST_MISSING:
		auth_challenge(s, &ask, false);
		return NULL;
	case DIGEST_FOREIGN:
		txns_refuse_for(&s->txns, REFUSED_FOREIGN_NONCE);
		shard_misuse(s, m, SECURITY_FOREIGN_NONCE, a.c.user);
		auth_challenge(s, &ask, true);
		return NULL;
	case DIGEST_STALE:
	case DIGEST_WRONG:
	case DIGEST_MALFORMED:
		break;
	}
	shard_refuse(s, NULL, m, 400, REFUSED_DIGEST_MALFORMED, (struct bytes){ 0 });
	return NULL;
}

uint16_t shard_location_said(struct shard *s, const struct sip_message *m, uint16_t tenant,
			     bool proxy)
{
	struct digest_server space;
	const struct digest_server *server = auth_server(s, tenant, &space);
	struct digest_answer a;

	switch (digest_read(&a, server, m, proxy, s->host.now.utc_ms)) {
	case DIGEST_OK:
	case DIGEST_FOREIGN: /* by now: it was proven before */
		return auth_who(s, tenant, a.c.user).location;
	case DIGEST_MISSING:
	case DIGEST_STALE:
	case DIGEST_WRONG:
	case DIGEST_MALFORMED:
		break;
	}
	return 0;
}
