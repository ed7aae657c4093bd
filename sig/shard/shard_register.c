/* SPDX-License-Identifier: Apache-2.0 */
/* REGISTER: authenticated, applied to the entry, saved, answered (RFC 3261 10.3). */
#include <stdio.h>

#include "base/log.h"
#include "sig/call/session.h"
#include "sig/host/tenant_tables.h"
#include "sig/shard/shard_parts.h"

enum { REGISTER_HOME_MAX = 512 }; /* longer names have no GRUU */

static void register_refuse(struct shard *s, struct txn_slot *slot, const struct sip_message *m,
			    uint16_t status, enum refusal reason)
{
	shard_refuse(s, slot, m, status, reason,
		     status == 503 ? BYTES_LIT("Retry-After: 5\r\n") : (struct bytes){ 0 });
}

/* 503 would be about the node, which has other tenants (RFC 3263 4.3). */
static void register_refuse_tenant(struct shard *s, struct txn_slot *slot,
				   const struct sip_message *m)
{
	const struct call_refusal why = { .status = 403,
					  .reason = REFUSED_TENANT_AORS,
					  .text = "too many registrations of this tenant" };
	uint8_t space[256];
	struct writer extra = writer_over(space, sizeof(space));

	shard_quota_note(s, m, &why);
	session_write_warning(&extra, shard_host(s), why.text);
	writer_fmt(&extra, "Reason: SIP;cause=%u;text=\"%s\"\r\n", why.status, why.text);
	shard_refuse(s, slot, m, why.status, why.reason, writer_lines(&extra));
}

/* REG-03: address of record, digest user and extension are one. */
static bool register_is_own(const struct sip_message *m, const struct shard_extension *e)
{
	char user[ROUTE_USER_MAX];

	return route_user(&m->to.uri, user) == ROUTE_OK && bytes_is(bytes_str(user), e->number);
}

/* The address of record as the phone has it, else one by which it reaches us. */
static void write_home(struct writer *w, const struct shard *s, const struct sip_message *m,
		       uint16_t tenant)
{
	const struct sip_uri *uri = &m->to.uri;
	bool v6 = bytes_find(uri->host, ':') < uri->host.n;

	if (!uri->host.n || !route_is_ours(uri, tenant, shard_settings(s))) {
		addr_write(w, &shard_settings(s)->locals[m->hop.local].advertise);
		return;
	}
	writer_str(w, v6 ? "[" : "");
	writer_bytes(w, uri->host);
	writer_str(w, v6 ? "]" : "");
	if (uri->port)
		writer_number(w, ":", uri->port, "");
}

/* RFC 5627: if requested. */
static const struct registrar_gruu *register_gruu(struct shard *s, const struct sip_message *m,
						  struct registrar_gruu *out, struct writer *home)
{
	if (!message_has_token(m, "Supported", "gruu"))
		return NULL;
	write_home(home, s, m, shard_tenant_of(s, m));
	*out = (struct registrar_gruu){
		.home = { .secure = bytes_iis(m->to.uri.scheme, "sips"),
			  .host = writer_done(home) },
		.key = &shard_settings(s)->gruu_key,
		.rand = shard_host(s)->rand,
	};
	return home->overflow ? NULL : out;
}

static struct text register_make_answer(struct shard *s, const struct sip_message *m,
					const struct location *a,
					const struct registrar_answer *answer)
{
	struct writer w = writer_over(shard_host(s)->extra, HOST_EXTRA);
	uint8_t space[REGISTER_HOME_MAX];
	struct writer home = writer_over(space, sizeof(space));
	struct registrar_gruu gruu;
	struct dialog_tag tag = shard_tag(s, m);
	struct response r = {
		.status = answer->status,
		.tag = bytes_mem(tag.text, sizeof(tag.text)),
	};
	struct text out = { 0 };

	location_write_headers(shard_locations(s), a, &w, answer, &shard_settings(s)->registrar,
			       register_gruu(s, m, &gruu, &home));
	r.extra = writer_lines(&w);
	if (response_make(shard_host(s), m, &r, &out))
		sig_count_dropped(shard_metrics(s), DROPPED_OOM);
	return out;
}

static void answer_now(struct shard *s, struct txn_slot *slot, uint16_t status, struct text *text)
{
	if (text->n) {
		txns_reply(shard_txns(s), slot, status, text, shard_host(s)->now.ns);
	} else {
		txns_drop(shard_txns(s), slot->self);
	}
}

static bool answer_later(struct shard *s, struct location *a, struct txn_slot *slot,
			 const struct sip_message *m, struct text *text)
{
	if (txns_keep_request(slot, m)) /* for the case of a conflict */
		return false;
	if (!location_wait(a, shard_locations_user(s), slot->self, text))
		return false;
	slot->user = TXN_USER_REGISTER;
	return true;
}

static void register_refuse_kept(struct shard *s, struct txn_slot *slot)
{
	struct response r = { .status = 503, .extra = BYTES_LIT("Retry-After: 5\r\n") };
	struct message_error error;
	struct sip_message m;
	struct dialog_tag tag;

	if (message_parse(&m, text_bytes(&slot->request), &error)) {
		txns_drop(shard_txns(s), slot->self);
		return;
	}
	tag = shard_tag(s, &m);
	m.hop = slot->source;
	r.tag = bytes_mem(tag.text, sizeof(tag.text));
	txns_refuse_for(shard_txns(s), REFUSED_BINDING_CONFLICT);
	respond(shard_host(s), slot, &m, &r);
	message_close(&m);
}

/* A feature tells phones of the tenant that have registered. */
static bool register_is_awaited(const struct shard *s, uint16_t tenant)
{
	for (const struct shard_hooks *const *f = shard_shared_tables(s)->hooks; *f; f++) {
		if ((*f)->tells_unasked && (*f)->tells_unasked(s, tenant))
			return true;
	}
	return false;
}

/* Its phone gets that first, and the NOTIFY of its messages afterwards. */
static void register_saved(struct shard *s, struct txn_slot *slot, struct text *response)
{
	const struct sip_hop from = slot->source;
	uint16_t tenant = slot->tenant;
	char user[ROUTE_USER_MAX] = "";
	struct message_error error;
	struct sip_message m;

	if (register_is_awaited(s, tenant)) {
		if (message_parse(&m, text_bytes(&slot->request), &error) ||
		    route_user(&m.to.uri, user) != ROUTE_OK)
			user[0] = '\0';
		message_close(&m);
	}
	txns_reply(shard_txns(s), slot, 200, response, shard_host(s)->now.ns);
	SHARD_HOOKS_CALL(shard_shared_tables(s), registered, s, tenant, bytes_str(user), &from);
}

void shard_register_answer(void *owner, pool_handle txn, struct text *response, struct instant now)
{
	struct shard *s = owner;
	struct txn_slot *slot = txns_get(shard_txns(s), txn);

	shard_set_now(s, now);
	if (slot && response->n)
		register_saved(s, slot, response);
	else if (slot)
		register_refuse_kept(s, slot);
}

/* REG-32: it registers all the same, and emergency calls say no place. */
static void register_location(struct shard *s, const struct sip_message *m, uint16_t tenant,
			      uint16_t location)
{
	char text[32];

	if (location && !sites_find(shard_settings(s)->sites, tenant, location)) {
		(void)snprintf(text, sizeof(text), "location %u", location);
		security_event(shard_security(s), SECURITY_LOCATION, &m->hop.remote, m->to.uri.user,
			       text, shard_host(s)->now.ns);
	}
}

/* What its credentials say of the phone. They are not kept for a REGISTER that is applied again. */
static void register_given(struct shard *s, struct txn_slot *slot, const struct sip_message *m)
{
	const struct shard_given given = shard_given(s, m, slot->tenant, false);

	register_location(s, m, slot->tenant, given.location);
	slot->location = given.location;
	slot->device = given.device;
}

/* REG-04, REG-07 */
static struct registrar_settings settings_for(struct shard *s, const struct shard_extension *e,
					      const struct sip_message *m,
					      const struct txn_slot *slot)
{
	struct registrar_settings set = shard_settings(s)->registrar;

	if (set.expires_many_s && locations_bindings(shard_locations(s)) > set.many)
		set.expires_s = set.expires_many_s;
	if (e->single_phone)
		set.contacts_max = 1;
	set.path = shard_is_trusted(s, &m->hop);
	set.location = slot->location;
	set.device = slot->device;
	return set;
}

/* What it found may be old: the store is asked, and it is applied once more. */
static bool register_asks(struct shard *s, struct location *a, struct txn_slot *slot,
			  const struct sip_message *m)
{
	if (!locations_has_others(shard_locations(s)) || txns_keep_request(slot, m) ||
	    !location_request(shard_locations(s), a, shard_locations_user(s), LOCATION_REGISTER,
			      slot->self))
		return false;
	slot->user = TXN_USER_REGISTER;
	location_settle(shard_locations(s), a);
	return true;
}

/* Until its registration says for how long. */
#define CLAIM_MS UINT64_C(60000)

/* REG-27: a device that is new to this user may have accounts at other nodes. The store counts
 * all of them, and is asked first: of one device after the other. Where it does not answer,
 * those that this node knows count. */
static bool register_claims(struct shard *s, struct location *a, struct txn_slot *slot,
			    const struct sip_message *m, const struct registrar_settings *settings)
{
	const struct aor *entry = location_entry(a);
	struct request_kv *kept;
	struct bytes instance;
	unsigned cursor = 0;

	if (!settings->device_accounts || !locations_has_others(shard_locations(s)) ||
	    slot->devices_claimed >= settings->contacts_max)
		return false;
	for (uint32_t i = 0; i <= slot->devices_claimed; i++) {
		if (!location_device_next(a, m, &cursor, &instance))
			return false;
	}
	if (txns_keep_request(slot, m))
		return false;
	kept = effects_request(shard_effects(s), EFFECT_KV, 0, slot->self,
			       EFFECT_TEXTS(text_bytes(&entry->tenant), instance,
					    text_bytes(&entry->user)));
	if (!kept)
		return false;
	kept->what = KV_ACCOUNTS;
	kept->ttl_ms = CLAIM_MS;
	kept->most = settings->device_accounts;
	slot->user = TXN_USER_REGISTER;
	location_settle(shard_locations(s), a);
	return true;
}

/* What a REGISTER has waited for last. It claims for each of its new devices, and then has the
 * store read once. */
enum register_known {
	REGISTER_NEW,
	REGISTER_CLAIMED,
	REGISTER_UNHEARD, /* the store did not answer the claim */
	REGISTER_FULL,
	REGISTER_READ,
};

static void register_apply(struct shard *s, const struct sip_message *m, struct txn_slot *slot,
			   struct location *a, const struct shard_extension *e,
			   enum register_known known)
{
	struct registrar_settings settings = settings_for(s, e, m, slot);
	struct registrar_answer answer;
	struct text text;

	if (known <= REGISTER_CLAIMED && register_claims(s, a, slot, m, &settings))
		return;
	/* who has the store read has claimed before, or had the device then */
	settings.devices_claimed = slot->devices_claimed;
	if (known == REGISTER_READ &&
	    !locations_unread(shard_locations(s), e->tenant, bytes_str(e->number)))
		settings.devices_claimed = BINDINGS_MAX;
	if (known == REGISTER_FULL)
		location_refuse_device(&answer);
	else
		location_register(shard_locations(s), a, m, &settings, &answer);
	if (!answer.changed && known < REGISTER_FULL && register_asks(s, a, slot, m))
		return;
	if (answer.status != 200) {
		txns_refuse_for(shard_txns(s),
				answer.device_full ? REFUSED_DEVICE_ACCOUNTS : REFUSED_BINDING);
		LOG_INFO("sip", 0, "registration refused", LOG_STR("user", e->number),
			 LOG_U64("status", answer.status),
			 LOG_STR("reason", answer.reason ? answer.reason : ""));
	}
	text = register_make_answer(s, m, a, &answer);
	if (!answer.changed || locations_is_degraded(shard_locations(s)) || text.n == 0) {
		answer_now(s, slot, answer.status, &text);
		if (answer.status == 200)
			SHARD_HOOKS_CALL(shard_shared_tables(s), registered, s, e->tenant,
					 bytes_str(e->number), &m->hop);
	} else if (!answer_later(s, a, slot, m, &text)) {
		register_refuse(s, slot, m, 503, REFUSED_BINDING_BUSY);
	}
	text_clear(&text);
	location_settle(shard_locations(s), a);
}

/* Those of the tenant together; 480 as it is about no more than this one. False: answered. */
static bool tenant_may_register(struct shard *s, const struct sip_message *m, uint16_t tenant)
{
	struct call_refusal why = { .status = 480,
				    .reason = REFUSED_TENANT_REGISTERS,
				    .text = "too many registrations a second of this tenant" };

	why.retry_after_s = tenants_spend(shard_settings(s)->tenants, tenant, TENANT_REGISTER_RATE,
					  shard_host(s)->now.ns);
	if (why.retry_after_s)
		shard_quota_refuse(s, m, why.status, &why);
	return !why.retry_after_s;
}

/* NULL: answered. */
static struct txn_slot *register_admit(struct shard *s, const struct sip_message *m,
				       const struct shard_extension *e)
{
	struct quota_party party = shard_party(s, e->tenant, bytes_str(e->number), &m->hop);
	struct txn_slot *slot;
	struct call_refusal why;
	bool may = shard_quota_charge(s, &party, QUOTA_REGISTER_RATE, false, &why);

	if (may && !tenant_may_register(s, m, e->tenant))
		return NULL;
	if (!may || !shard_quota_charge(s, &party, QUOTA_TXNS, false, &why)) {
		shard_quota_refuse(s, m, 503, &why);
		return NULL;
	}
	slot = txns_add_server(shard_txns(s), m, TXN_REGISTER, shard_host(s)->now.ns);
	if (slot) {
		slot->tenant = e->tenant;
		txns_charge(slot, &party);
	} else {
		shard_quota_release(s, &party, QUOTA_TXNS);
		register_refuse(s, NULL, m, 503, REFUSED_TXNS_FULL);
	}
	return slot;
}

/* REG-30: it is logged in at another site, and only its phone there registers. Browsers go with
 * their user. */
static bool register_is_relocated(struct shard *s, const struct sip_message *m,
				  const struct shard_extension *e)
{
	uint64_t only = device_only_find(&shard_shared_tables(s)->relocated, e->tenant,
					 bytes_str(e->number));

	return only && registrar_binds(m) && !sip_transport_is_web(m->hop.transport) &&
	       shard_given(s, m, e->tenant, false).device != only;
}

void shard_register(struct shard *s, const struct sip_message *m)
{
	const struct shard_extension *e;
	struct txn_slot *slot;
	struct location *a;
	uint16_t tenant;

	if (!bytes_iis(m->uri.scheme, "sip") && !bytes_iis(m->uri.scheme, "sips")) {
		register_refuse(s, NULL, m, 416, REFUSED_SCHEME);
		return;
	}
	tenant = shard_tenant_of(s, m);
	e = shard_authenticate(s, m, tenant, false);
	if (!e)
		return;
	if (!register_is_own(m, e)) {
		shard_misuse(s, m, SECURITY_FOREIGN_IDENTITY, bytes_str(e->number));
		register_refuse(s, NULL, m, 403, REFUSED_IDENTITY);
		return;
	}
	if (!shard_transport_allowed(s, e, &m->hop)) {
		shard_transport_refuse(s, NULL, m, e);
		return;
	}
	if (registrar_binds(m) &&
	    !extension_has_seat(shard_settings(s)->tenants, e,
				sip_transport_is_web(m->hop.transport) ? SEAT_IPTALK
								       : SEAT_PHONE)) {
		register_refuse(s, NULL, m, 403, REFUSED_NO_SEAT);
		return;
	}
	if (register_is_relocated(s, m, e)) {
		register_refuse(s, NULL, m, 403, REFUSED_RELOCATED);
		return;
	}
	slot = register_admit(s, m, e);
	if (!slot)
		return;
	a = location_get(shard_locations(s), e->tenant, bytes_str(e->number));
	if (!a && tenants_is_full(shard_settings(s)->tenants, e->tenant, TENANT_REGISTRATIONS)) {
		register_refuse_tenant(s, slot, m);
		return;
	}
	if (!a)
		a = location_add(shard_locations(s), e->tenant, bytes_str(e->number));
	if (!a) {
		register_refuse(s, slot, m, 503, REFUSED_AORS_FULL);
	} else {
		register_given(s, slot, m);
		register_apply(s, m, slot, a, e, REGISTER_NEW);
	}
}

/* It was authenticated in the tenant of its domain then: the same number of another tenant is
 * another user. */
static void register_kept(struct shard *s, struct txn_slot *slot, const struct sip_message *m,
			  enum register_known known)
{
	uint16_t tenant = shard_tenant_of(s, m);
	char user[ROUTE_USER_MAX];
	const struct shard_extension *e = NULL;
	struct location *a;

	if (tenant == slot->tenant && route_user(&m->to.uri, user) == ROUTE_OK)
		e = shard_extension_find(s, tenant, bytes_str(user));
	if (!e) {
		register_refuse(s, slot, m, 403, REFUSED_IDENTITY);
		return;
	}
	a = location_get(shard_locations(s), e->tenant, bytes_str(user));
	if (!a)
		a = location_add(shard_locations(s), e->tenant, bytes_str(user));
	if (!a) {
		register_refuse(s, slot, m, 503, REFUSED_AORS_FULL);
	} else {
		register_apply(s, m, slot, a, e, known);
	}
}

static void register_go_on(struct shard *s, pool_handle txn, enum register_known known,
			   struct instant now)
{
	struct txn_slot *slot = txns_get(shard_txns(s), txn);
	struct message_error error;
	struct sip_message m;

	shard_set_now(s, now);
	if (!slot)
		return;
	if (message_parse(&m, text_bytes(&slot->request), &error)) {
		txns_drop(shard_txns(s), slot->self);
	} else {
		m.hop = slot->source;
		register_kept(s, slot, &m, known);
	}
	message_close(&m);
}

void shard_register_again(void *owner, pool_handle txn, struct instant now)
{
	register_go_on(owner, txn, REGISTER_READ, now);
}

void shard_register_claimed(struct shard *s, const struct kv_reply *outcome, struct instant now)
{
	static const enum register_known known[] = {
		[KV_OK] = REGISTER_CLAIMED,
		[KV_NONE] = REGISTER_FULL,
		[KV_UNKNOWN] = REGISTER_UNHEARD,
	};
	struct txn_slot *slot = txns_get(shard_txns(s), outcome->serial);

	if (slot && outcome->result == KV_OK)
		slot->devices_claimed++;
	register_go_on(s, outcome->serial, known[outcome->result], now);
}
