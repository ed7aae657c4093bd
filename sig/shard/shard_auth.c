/* SPDX-License-Identifier: Apache-2.0 */
/* Authentication: digest credentials (RFC 3261 22, 8760) or a trusted address. */
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sig/call/cdr.h"
#include "sig/host/devices.h"
#include "sig/model/leg.h"
#include "sig/shard/shard_state.h"
#include "sig/sip/id.h"
#include "sig/sip/stream_rate.h"
#include "sig/sip/uri.h"

/* Which call a message belongs to, for traces. */

/* Another shard names its own calls so. */
static bool tag_is_ours(const struct shard *s, const struct id_tag *tag)
{
	return tag->leg != ID_LEG_NONE && id_shard(tag->call) == s->settings.number;
}

static uint64_t of_tag(const struct shard *s, struct bytes text)
{
	struct id_tag tag;

	if (id_tag_get(text, &tag) || !tag_is_ours(s, &tag))
		return 0;
	forward_follow(&s->elsewhere, &tag);
	return tag.call;
}

static uint64_t of_branch(const struct shard *s, struct bytes text)
{
	struct id_tag tag;

	return !id_branch_get(text, &tag) && tag_is_ours(s, &tag) ? tag.call : 0;
}

/* What carries no tag of ours: an INVITE, its 100, its CANCEL, the ACK to a refusal. */
static uint64_t of_transaction(const struct shard *s, const struct sip_message *m)
{
	enum sip_method method = m->method == SIP_CANCEL ? SIP_INVITE : m->method;
	const struct txn_slot *slot = txns_find_server(&s->txns, m, method);

	return slot ? slot->call : 0;
}

uint64_t shard_message_call(const struct shard *s, struct bytes message)
{
	struct message_error error;
	struct sip_message m;
	uint64_t call = 0;

	if (!message_parse(&m, message, &error)) {
		call = of_tag(s, m.to.tag);
		if (!call)
			call = of_tag(s, m.from.tag);
		if (!call)
			call = of_branch(s, m.via.branch);
		if (!call)
			call = of_transaction(s, &m);
	}
	message_close(&m);
	return call;
}

bool shard_has_request(const struct shard *s, const struct sip_message *m)
{
	bool of_invite = m->method == SIP_ACK || m->method == SIP_CANCEL;

	return txns_find_server(&s->txns, m, m->method) ||
	       (of_invite && txns_find_server(&s->txns, m, SIP_INVITE)) ||
	       ((of_invite || m->method == SIP_INVITE) && shard_invite_is_waiting(s, m));
}

enum { TRUST_TRANSPORTS = 1U << SIP_UDP | 1U << SIP_TCP | 1U << SIP_TLS };

static bool transport_fits(const struct shard_trusted *t, const struct sip_hop *hop)
{
	unsigned allowed = t->transports ? t->transports : TRUST_TRANSPORTS;

	return (allowed & TRUST_TRANSPORTS & 1U << hop->transport) != 0 &&
	       (!t->certificate || hop->transport == SIP_TLS);
}

static bool network_fits(const struct shard_settings *settings, const struct shard_trusted *t,
			 const struct sip_hop *hop)
{
	return !t->network || (hop->local < settings->local_count &&
			       settings->locals[hop->local].network + 1 == t->network);
}

/* But for a certificate. */
static bool is_for(const struct shard_settings *settings, const struct shard_trusted *t,
		   const struct sip_hop *hop)
{
	return transport_fits(t, hop) && network_fits(settings, t, hop) &&
	       (!t->port || t->port == hop->remote.port) &&
	       addr_is_within(&hop->remote, &t->net, t->bits);
}

/* ---- trunks ---- */

static bool joins_room(const struct shard_settings *settings, const struct trunk_settings *t,
		       const struct sip_hop *hop)
{
	const struct shard_local *l =
		hop->local < settings->local_count ? &settings->locals[hop->local] : NULL;

	if (t->listener.family != ADDR_NONE &&
	    (!l || (!addr_eq(&l->bind, &t->listener) && !addr_eq(&l->advertise, &t->listener))))
		return false;
	return !t->network[0] || (l && !strcmp(settings->networks[l->network].name, t->network));
}

/* RFC 5922 7.4: a certificate vouched for by tls.ca may still name another domain. */
static bool is_named(const struct shard_settings *settings, const struct trunk_settings *t,
		     const struct sip_hop *hop)
{
	const struct shard_certified *c = &settings->certified;

	return !t->certificate_name[0] || (c->is && c->is(c->arg, hop, t->certificate_name));
}

/* Its address fits. */
static bool arrives_by(const struct shard_settings *settings, const struct shard_trusted *rule,
		       uint16_t trunk, const struct sip_hop *hop)
{
	const struct trunk_settings *t = trunks_settings(settings->trunks, trunk);

	return transport_fits(rule, hop) && network_fits(settings, rule, hop) &&
	       (!rule->port || rule->port == hop->remote.port) &&
	       (!rule->certificate || hop->certified) && joins_room(settings, t, hop) &&
	       is_named(settings, t, hop);
}

uint16_t trust_trunk(const struct shard_settings *settings, const struct sip_hop *hop)
{
	const struct shard_trusted *rule;
	struct trunk_cursor cursor = { 0 };
	uint16_t trunk;

	while ((rule = trunks_source_next(settings->trunks, &hop->remote, &cursor, &trunk))) {
		if (arrives_by(settings, rule, trunk, hop))
			return trunk;
	}
	return TRUNK_NONE;
}

static bool source_fits(const struct shard_settings *settings, uint16_t trunk,
			const struct sip_hop *hop)
{
	const struct trunk_settings *t = trunks_settings(settings->trunks, trunk);
	const struct shard_trusted any = { .certificate = t->certificate };

	for (uint8_t i = 0; i < t->source_count; i++) {
		if (addr_is_within(&hop->remote, &t->sources[i].net, t->sources[i].bits) &&
		    arrives_by(settings, &t->sources[i], trunk, hop))
			return true;
	}
	return !t->source_count && t->listener.family != ADDR_NONE &&
	       arrives_by(settings, &any, trunk, hop);
}

bool trust_is_of_trunk(const struct shard_settings *settings, uint16_t trunk,
		       const struct sip_hop *hop)
{
	const struct trunk_settings *t = trunks_settings(settings->trunks, trunk);
	bool named, is;

	if (!t)
		return false;
	named = !t->server_count;
	is = source_fits(settings, trunk, hop);
	for (uint8_t i = 0; i <= t->server_count; i++) {
		const struct sip_place *place = i ? &t->servers[i - 1] : &t->proxy;
		struct addr at;

		if (!place->host[0])
			continue;
		if (addr_parse(&at, bytes_str(place->host)))
			named = true;
		else
			is |= addr_ip_eq(&at, &hop->remote);
	}
	return is || (named && !t->source_count && t->listener.family == ADDR_NONE);
}

const struct shard_trusted *trust_find(const struct shard_settings *settings,
				       const struct sip_hop *hop)
{
	for (uint32_t i = 0; i < settings->trusted_count; i++) {
		const struct shard_trusted *t = &settings->trusted[i];

		if (is_for(settings, t, hop) && (!t->certificate || hop->certified))
			return t;
	}
	return NULL;
}

bool trust_misses_certificate(const struct shard_settings *settings, const struct sip_hop *hop)
{
	for (uint32_t i = 0; i < settings->trusted_count; i++) {
		const struct shard_trusted *t = &settings->trusted[i];

		if (t->certificate && !hop->certified && is_for(settings, t, hop))
			return true;
	}
	return false;
}

static const struct stream_rate g_source = { REFUSED_CALL_PER_S, REFUSED_CALL_BURST };
static const struct stream_rate g_all = { REFUSED_CALL_ALL_PER_S, REFUSED_CALL_ALL_BURST };

static uint64_t source_id(const struct hash_key *key, const struct addr *source)
{
	struct addr subject = addr_source(source);
	uint64_t id = hash_sip(key, bytes_mem(subject.ip, subject.family == ADDR_V6 ? 16 : 4));

	return id ? id : 1;
}

/* Its budget, or a new one in the place of that which has been full for longest. */
static uint64_t *budget_of(struct refused_calls *r, uint64_t id)
{
	size_t set = id % REFUSED_CALL_SETS, oldest = 0;

	for (size_t i = 0; i < REFUSED_CALL_WAYS; i++) {
		if (r->sets[set][i].id == id)
			return &r->sets[set][i].full_ns;
		if (r->sets[set][i].full_ns < r->sets[set][oldest].full_ns)
			oldest = i;
	}
	r->sets[set][oldest].id = id;
	r->sets[set][oldest].full_ns = 0;
	return &r->sets[set][oldest].full_ns;
}

/* Whether one more of that source is told. */
static bool refused_call_may_report(struct refused_calls *r, const struct hash_key *key,
				    const struct addr *source, uint64_t now_ns)
{
	return stream_rate_spend(budget_of(r, source_id(key, source)), &g_source, now_ns) &&
	       stream_rate_spend(&r->all_full_ns, &g_all, now_ns);
}

static void refused_cdr_fill(const struct shard *s, struct cdr *cdr, const struct sip_message *m,
			     uint16_t tenant, struct bytes from, const struct call_refusal *why)
{
	uint64_t wall = steady_add(s->host.now.utc_ms, s->host.wall_ms);

	*cdr = (struct cdr){ .call = cdr->call,
			     .setup_utc_ms = wall,
			     .end_utc_ms = wall,
			     .sip_status = why->status,
			     .q850 = call_cause_q850(CAUSE_REFUSED, why->status),
			     .ended_by = ENDED_BY_NODE };
	cdr_put(cdr->tenant, sizeof(cdr->tenant),
		bytes_str(tenants_name(s->settings.tenants, tenant)));
	cdr_put(cdr->from, sizeof(cdr->from), from);
	cdr_put(cdr->to, sizeof(cdr->to), conf_name_shown(m->uri.user));
	cdr_put(cdr->from_trunk, sizeof(cdr->from_trunk),
		bytes_str(trunks_name(s->settings.trunks, shard_trunk_of(s, &m->hop))));
	cdr_put(cdr->sip_call_id, sizeof(cdr->sip_call_id), m->call_id);
	(void)snprintf(cdr->reason, sizeof(cdr->reason), "refused by the node: %s",
		       why->text ? why->text : refusals[why->reason].name);
}

void refused_call_report(struct shard *s, const struct sip_message *m, uint16_t tenant,
			 struct bytes from, const struct call_refusal *why)
{
	struct request_call_end *end;
	struct cdr *cdr;

	trunks_count(s->settings.trunks, shard_trunk_of(s, &m->hop), TRUNK_REFUSED);
	if (!refused_call_may_report(&s->refused_calls, &s->key, &m->hop.remote, s->host.now.ns)) {
		metric_add(s->metrics.refused_untold, 1);
		return;
	}
	end = effects_cdrs(&s->effects, EFFECT_CALL_END, shard_call_new_id(s), 1);
	if (!end)
		return;
	cdr = end->cdrs.list;
	refused_cdr_fill(s, cdr, m, tenant, from, why);
	LOG_INFO("call", cdr->call, "call refused", LOG_STR("from", cdr->from),
		 LOG_STR("to", cdr->to), LOG_U64("status", why->status),
		 LOG_STR("reason", refusals[why->reason].name), LOG_ADDR("source", &m->hop.remote),
		 LOG_BYTES("sip_call_id", m->call_id));
}

static const struct shard_trusted *shard_trusted_by(const struct shard *s,
						    const struct sip_hop *hop)
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

static struct identity_policy shard_identity_of(void *owner, const struct leg *leg)
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

static bool shard_trusts(void *owner, const struct sip_hop *hop)
{
	return shard_is_trusted(owner, hop);
}

const struct identity_service shard_identity_service = {
	.policy = shard_identity_of,
	.trusts = shard_trusts,
	.account = shard_account_of,
	.share_guess = shard_on_secret,
};

static void hop_trust(struct shard *s, const struct sip_hop *hop, bool peer)
{
	struct effect *e;

	if ((sip_transport_is_stream(hop->transport) && !hop->connection) ||
	    hop->transport == SIP_INTER_SHARD)
		return;
	e = effects_add(&s->effects, EFFECT_TRUST, 0, 0);
	if (e) /* else it stays a stranger for now */
		*(struct request_trust *)e->request = (struct request_trust){ *hop, peer };
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
struct auth_request {
	const struct sip_message *m;
	uint16_t tenant; /* the tenant of the user that the sender claims to be */
	bool proxy;
	const struct digest_server *server; /* with the tenant's realm */
};

/* Each tenant has its own realm, so nonces and passwords of one are useless for another. */
const struct digest_server *shard_digest_server(const struct shard *s, uint16_t tenant,
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

/* Stateless: a request repeated within a millisecond gets the same nonce and costs no memory. */
static void auth_challenge(struct shard *s, const struct auth_request *ask, bool stale)
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

/* A guesser is not told whether the password was right. */
static void auth_wait(struct shard *s, const struct sip_message *m, uint64_t wait_ns)
{
	struct writer extra = writer_over(s->host.extra, HOST_EXTRA);

	writer_fmt(&extra, "Retry-After: %" PRIu64 "\r\n", (wait_ns + NS_PER_S - 1) / NS_PER_S);
	shard_refuse(s, NULL, m, 403, REFUSED_GUESSING, writer_lines(&extra));
}

static bool is_registered_remotely(const struct shard *s, const struct aor *entry,
				   const struct addr *source)
{
	const struct addr subject = addr_source(source);

	for (uint32_t i = 0; i < entry->count; i++) {
		const struct addr theirs = addr_source(&entry->bindings[i].hop.remote);

		if (entry->bindings[i].expires_utc_ms > locations_utc_ms(s->locations) &&
		    addr_eq(&theirs, &subject))
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
	return is_registered_remotely(s, a, &m->hop.remote) ? AUTH_NEIGHBOUR : AUTH_STRANGER;
}

/* Most extensions never have a failure. Without memory it counts with names that have no
 * extension. */
static struct auth_guesses *auth_guesses_of(struct shard *s, uint16_t tenant, struct bytes user)
{
	struct shard_extension_slot *slot = shard_extension_slot(s, tenant, user);

	if (slot && !slot->guesses)
		slot->guesses = calloc(1, sizeof(*slot->guesses));
	return slot && slot->guesses ? slot->guesses
				     : auth_limit_nobody(&s->shared_tables->auth_limit,
							 &s->shared_tables->key, tenant, user);
}

/* The extension that an authentication name belongs to. */
struct auth_who {
	struct shard_extension_slot *slot;  /* NULL: unknown */
	struct bytes number;                /* the name, without its location */
	uint16_t location;                  /* 0: it says none */
	uint64_t device;                    /* that has this name (sig/host/devices.h); 0: none */
	uint64_t bare;                      /* ... a nonce: no document names it */
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

/* The account is of the extension that has the device now. If that is gone, nothing proves it. */
static bool auth_who_device(const struct shard *s, uint16_t tenant, struct auth_who *who)
{
	const struct device_account *account =
		device_accounts_find(&s->shared_tables->devices, tenant, who->number);

	if (!account)
		return false;
	who->slot = shard_extension_slot(s, tenant, bytes_str(account->number));
	if (!who->slot)
		return true;
	who->number = bytes_str(account->number);
	who->location = account->location;
	who->device = device_mac(bytes_str(account->name));
	who->secret = &account->secret;
	return true;
}

/* A phone that no document names is one of the tenant's extension for such phones. Its calls are
 * all that it may have. */
static bool auth_who_bare(const struct shard *s, uint16_t tenant, struct auth_who *who)
{
	const char *number = tenants_terms(s->settings.tenants, tenant)->bare_phones;
	struct shard_shared_tables *c = s->shared_tables;
	struct digest_server space;
	char password[BARE_PASSWORD + 1];
	struct bytes name = who->number;
	uint64_t device, nonce;

	if (!number[0] || !bare_name_read(name, &device, &nonce))
		return false;
	who->slot = shard_extension_slot(s, tenant, bytes_str(number));
	if (!who->slot)
		return true;
	bare_password(c->bare_key, tenants_name(s->settings.tenants, tenant), name, password);
	digest_secret_make(&c->bare, name, bytes_str(shard_digest_server(s, tenant, &space)->realm),
			   bytes_str(password));
	explicit_bzero(password, sizeof(password));
	who->number = bytes_str(number);
	who->device = device;
	who->bare = nonce;
	who->secret = &c->bare;
	return true;
}

/* REG-32: with a location the name is another one for the digest, and the extension is the same.
 * calls: it is an INVITE. */
static struct auth_who auth_who(const struct shard *s, uint16_t tenant, struct bytes user,
				bool calls)
{
	struct auth_who who = { .slot = shard_extension_slot(s, tenant, user), .number = user };
	struct bytes number;
	uint16_t location;

	if (who.slot) {
		who.secret = &who.slot->extension.secret;
		return who;
	}
	if (auth_who_device(s, tenant, &who) || (calls && auth_who_bare(s, tenant, &who)) ||
	    !located_user_split(user, &number, &location))
		return who;
	who.slot = shard_extension_slot(s, tenant, number);
	if (!who.slot)
		return who;
	who.number = number;
	who.location = location;
	who.secret = located_secret(who.slot->located, location);
	return who;
}

static void auth_wrong(struct shard *s, const struct auth_request *ask, const struct auth_who *who,
		       struct bytes user, struct auth_try *t)
{
	t->guesses = auth_guesses_of(s, ask->tenant, who->number);
	txns_refuse_for(&s->txns, REFUSED_DIGEST);
	if (auth_limit_failed(&s->shared_tables->auth_limit, t, s->host.now.ns))
		shard_misuse(s, ask->m, SECURITY_GUESSING, user);
	shard_misuse(s, ask->m, SECURITY_WRONG_PASSWORD, user);
	if (who->location && !who->secret)
		shard_misuse(s, ask->m, SECURITY_LOCATION, user);
	auth_challenge(s, ask, false);
}

/* Also an answer accepted before, and a repetition from the same address: a phone that never counts
 * nonces is challenged once more. */
bool shard_digest_is_first(struct shard *s, const struct digest_server *server,
			   const struct digest_answer *a, uint64_t utc_ms)
{
	uint64_t parts[2] = { a->nonce_id, hash_sip(&s->key, a->c.user) };
	const struct nonce_now now = {
		.id = hash_sip(&s->key, bytes_mem(parts, sizeof(parts))),
		.made_utc_ms = a->nonce_utc_ms,
		.nc = a->c.nc,
		.utc_ms = utc_ms,
		.lifetime_ms = digest_nonce_lifetime_ms(server),
	};

	return nonce_window_accept(&s->shared_tables->nonces, &now);
}

static const struct shard_extension *auth_right(struct shard *s, const struct auth_request *ask,
						const struct digest_answer *a,
						const struct shard_extension *e)
{
	if (!shard_digest_is_first(s, ask->server, a, s->host.now.utc_ms)) {
		txns_refuse_for(&s->txns, REFUSED_REPLAY);
		if (a->c.qop != DIGEST_QOP_NONE) /* without it nothing can be counted */
			shard_misuse(s, ask->m, SECURITY_REPLAY, a->c.user);
		auth_challenge(s, ask, true);
		return NULL;
	}
	if (!e->enabled && !shard_is_emergency_call(s, ask->m, ask->tenant)) {
		shard_refuse(s, NULL, ask->m, 403, REFUSED_DISABLED, (struct bytes){ 0 });
		return NULL;
	}
	shard_trust(s, &ask->m->hop);
	return e;
}

/* Credentials that answer a challenge which their source got. */
static const struct shard_extension *auth_prove(struct shard *s, const struct auth_request *ask,
						const struct digest_answer *a)
{
	const struct auth_who who =
		auth_who(s, ask->tenant, a->c.user, ask->m->method == SIP_INVITE);
	const struct shard_extension *e = who.slot ? &who.slot->extension : NULL;
	const struct sip_hop *hop = &ask->m->hop;
	struct auth_try t = {
		.guesses = who.slot ? who.slot->guesses
				    : auth_limit_nobody(&s->shared_tables->auth_limit,
							&s->shared_tables->key, ask->tenant,
							a->c.user),
		.source = auth_limit_source(&s->shared_tables->key, &hop->remote),
		.flow = auth_limit_flow(&s->shared_tables->key, &hop->remote, hop->transport),
		.standing = auth_standing(s, ask->m, e),
	};
	uint64_t wait_ns = auth_limit_wait_ns(&s->shared_tables->auth_limit, &t, s->host.now.ns);
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

static struct bytes password_object(struct bytes number, char space[SECRET_TEXT_MAX])
{
	struct writer w = writer_over(space, SECRET_TEXT_MAX);

	writer_str(&w, SECRET_PASSWORD);
	writer_bytes(&w, number);
	return writer_done(&w);
}

static struct bytes password_source(const struct addr *source, char space[SECRET_TEXT_MAX])
{
	struct writer w = writer_over(space, SECRET_TEXT_MAX);
	struct addr subject = addr_source(source);

	writer_str(&w, "address ");
	addr_write(&w, &subject);
	return writer_done(&w);
}

static struct auth_who auth_who_extension(const struct shard *s, uint16_t tenant,
					  struct bytes number)
{
	struct shard_extension_slot *slot = shard_extension_slot(s, tenant, number);

	return (struct auth_who){ .slot = slot,
				  .number = number,
				  .secret = slot ? &slot->extension.secret : NULL };
}

/* In constant time; without an extension it takes as long. */
static bool password_is(const struct auth_who *who, const struct digest_server *server,
			struct bytes name, struct bytes password)
{
	static const struct digest_secret nobody;
	const struct digest_secret *secret = who->secret ? who->secret : &nobody;
	struct digest_secret made;
	bool equal;

	digest_secret_make(&made, name, bytes_str(server->realm), password);
	equal = !CRYPTO_memcmp(&made, secret, sizeof(made));
	OPENSSL_cleanse(&made, sizeof(made));
	return equal && who->slot && who->slot->extension.enabled;
}

enum pin_verdict shard_pin_is(void *owner, uint16_t tenant, struct bytes box, struct bytes pin)
{
	struct shard *s = owner;
	struct shard_extension_slot *slot = shard_extension_slot(s, tenant, box);
	const struct auth_who who = auth_who_extension(s, tenant, box);
	bool one = tenants_terms(s->settings.tenants, tenant)->one_password;
	uint64_t known = slot && slot->extension.enabled ? be64_get(slot->extension.pin) : 0;
	struct digest_server space;
	const struct digest_server *server = shard_digest_server(s, tenant, &space);

	if (!pin.n)
		return known || (slot && one) ? PIN_WRONG : PIN_NONE;
	if (one)
		return password_is(&who, server, box, pin) ? PIN_RIGHT : PIN_WRONG;
	return extension_pin(box, bytes_str(server->realm), pin) == known ? PIN_RIGHT : PIN_WRONG;
}

/* name: as which the password is given. */
static bool auth_password_proves(struct shard *s, uint16_t tenant, struct bytes name,
				 const struct auth_who *who, struct bytes password,
				 const struct addr *source, uint64_t *wait_ns)
{
	const struct instant now = s->host.now;
	struct shard_shared_tables *c = s->shared_tables;
	struct bytes number = who->number;
	char object[SECRET_TEXT_MAX], from[SECRET_TEXT_MAX];
	const struct secret_guess guess = {
		.tenant = bytes_str(tenants_name(s->settings.tenants, tenant)),
		.object = password_object(number, object),
		.source = password_source(source, from),
		.caller = number,
	};
	struct auth_try t = {
		.guesses = who->slot ? who->slot->guesses
				     : auth_limit_nobody(&c->auth_limit, &c->key, tenant, number),
		.source = auth_limit_source(&c->key, source),
		.flow = auth_limit_flow(&c->key, source, SIP_TLS),
		.standing = AUTH_STRANGER,
	};
	struct digest_server space;
	uint64_t limit_ns;
	bool right;

	*wait_ns = auth_limit_wait_ns(&c->auth_limit, &t, now.ns);
	limit_ns = secret_limit_wait_ns(c->secrets, &guess, now.ns);
	if (limit_ns > *wait_ns)
		*wait_ns = limit_ns;
	if (*wait_ns)
		return false;
	right = password_is(who, shard_digest_server(s, tenant, &space), name, password);
	shard_on_secret(s, &guess, right);
	if (right) {
		auth_limit_passed(&t, now.ns);
		secret_limit_passed(c->secrets, &guess, now.ns);
		return true;
	}
	secret_limit_failed(c->secrets, &guess, now.ns);
	t.guesses = auth_guesses_of(s, tenant, number);
	if (auth_limit_failed(&c->auth_limit, &t, now.ns) ||
	    secret_limit_wait_ns(c->secrets, &guess, now.ns))
		security_event(&s->security, SECURITY_GUESSING, source, number, "session.create",
			       now.ns);
	security_event(&s->security, SECURITY_WRONG_PASSWORD, source, number, "session.create",
		       now.ns);
	return false;
}

bool shard_password_proves(struct shard *s, uint16_t tenant, struct bytes number,
			   struct bytes password, const struct addr *source, struct instant now,
			   uint64_t *wait_ns)
{
	const struct auth_who who = auth_who_extension(s, tenant, number);

	shard_set_now(s, now);
	return auth_password_proves(s, tenant, number, &who, password, source, wait_ns);
}

bool shard_device_proves(struct shard *s, uint16_t tenant, struct bytes name, struct bytes password,
			 const struct addr *source, struct instant now, uint64_t *wait_ns)
{
	struct auth_who who = { .number = name };

	shard_set_now(s, now);
	(void)auth_who_device(s, tenant, &who);
	return auth_password_proves(s, tenant, name, &who, password, source, wait_ns);
}

const struct shard_extension *shard_authenticate(struct shard *s, const struct sip_message *m,
						 uint16_t tenant, bool proxy)
{
	struct digest_server space;
	const struct auth_request ask = { .m = m,
					  .tenant = tenant,
					  .proxy = proxy,
					  .server = shard_digest_server(s, tenant, &space) };
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

struct shard_given shard_given(struct shard *s, const struct sip_message *m, uint16_t tenant,
			       bool proxy)
{
	struct digest_server space;
	const struct digest_server *server = shard_digest_server(s, tenant, &space);
	struct digest_answer a;
	struct auth_who who;

	switch (digest_read(&a, server, m, proxy, s->host.now.utc_ms)) {
	case DIGEST_OK:
	case DIGEST_FOREIGN: /* by now: it was proven before */
		who = auth_who(s, tenant, a.c.user, m->method == SIP_INVITE);
		return (struct shard_given){ who.location, who.device, who.bare };
	case DIGEST_MISSING:
	case DIGEST_STALE:
	case DIGEST_WRONG:
	case DIGEST_MALFORMED:
		break;
	}
	return (struct shard_given){ 0 };
}
