/* SPDX-License-Identifier: Apache-2.0 */
/* An INVITE that opens a call: admitted, routed, started. */
#include <string.h>

#include "base/log.h"
#include "sig/call/number_claim.h"
#include "sig/call/session.h"
#include "sig/host/feature.h"
#include "sig/host/programs.h"
#include "sig/host/tenant_tables.h"
#include "sig/host/trunk.h"
#include "sig/leg/session_timer.h"
#include "sig/model/payer.h"
#include "sig/shard/shard_parts.h"
#include "sig/sip/id.h"
#include "sig/step/step.h"

enum {
	RETRY_AFTER_S = 5,
	BARE_OF_SOURCE = 5, /* calls at once of phones that no document names */
};

/* The caller. */
struct caller {
	uint16_t tenant;
	char user[ROUTE_USER_MAX];
	struct bytes display;
	struct carried_self self;
	bool early_media;
	bool emergency;    /* it calls such a number, and that one can be reached */
	uint16_t trunk;    /* it is from that trunk; TRUNK_NONE: from none */
	bool far;          /* it is in a call of another shard, which was admitted there */
	uint8_t classes;   /* 1 << enum dial_class: that it may call */
	uint8_t scheme;    /* enum dial_scheme: how it dials */
	uint16_t location; /* the site of an emergency call; 0: unknown */
	uint64_t device;   /* that has proven itself (sig/host/devices.h); 0: none */
	uint64_t bare;     /* ... its nonce, where no document names it */
	bool known;        /* it is a phone of its extension: by password, or registered there */
	struct offer_terms terms;
	struct quota_party payer;
};

/* Also to phones that do not show Warning. Another shard passes on Reason alone. */
static bool says_why(const struct sip_message *m, const struct call_refusal *why)
{
	return (m->hop.transport == SIP_INTER_SHARD && why->text) ||
	       refusals[why->reason].with_reason;
}

static void first_invite_refuse(struct shard *s, struct txn_slot *slot, const struct sip_message *m,
				const struct call_refusal *why)
{
	uint8_t space[512];
	struct writer extra = writer_over(space, sizeof(space));

	if (why->retry_after_s && why->text && why->reason != REFUSED_GUESSING)
		shard_quota_note(s, m, why);
	if (why->text) {
		LOG_INFO("sip", 0, "call refused", LOG_U64("status", why->status),
			 LOG_STR("reason", why->text), LOG_BYTES("from", m->from.uri.user),
			 LOG_BYTES("to", conf_name_shown(m->uri.user)),
			 LOG_ADDR("source", &m->hop.remote), LOG_BYTES("sip_call_id", m->call_id));
	}
	if (why->reason == REFUSED_BARRED)
		security_event(shard_security(s), SECURITY_BARRED, &m->hop.remote, m->from.uri.user,
			       why->text, shard_host(s)->now.ns);
	if (says_why(m, why)) /* RFC 3326 */
		writer_fmt(&extra, "Reason: SIP;cause=%u;text=\"%s\"\r\n", why->status, why->text);
	session_write_refusal(&extra, shard_host(s), why, RETRY_AFTER_S);
	shard_refuse(s, slot, m, why->status, why->reason, writer_lines(&extra));
}

static bool invite_fail(struct call_refusal *why, uint16_t status, enum refusal reason)
{
	*why = (struct call_refusal){ .status = status, .reason = reason };
	return false;
}

bool shard_has_contact(const struct sip_message *m)
{
	return m->has_contact && m->contact.uri.all.n &&
	       (bytes_iis(m->contact.uri.scheme, "sip") ||
		bytes_iis(m->contact.uri.scheme, "sips"));
}

/* A node that is stopping or draining accepts no new calls. */
static bool drain_refuses(const struct shard *s)
{
	return shard_is_draining(s);
}

/* Before it costs anything. */
static bool may_admit(const struct shard *s, const struct sip_message *m, bool emergency,
		      struct call_refusal *why)
{
	if (!shard_has_contact(m)) /* RFC 3261 8.1.1.8 */
		return invite_fail(why, 400, REFUSED_MALFORMED);
	if (m->max_forwards == 0)
		return invite_fail(why, 483, REFUSED_HOPS);
	if (shard_is_overloaded(s) && !emergency && m->hop.transport != SIP_INTER_SHARD) {
		(void)invite_fail(why, 503, REFUSED_OVERLOADED);
		why->retry_after_s = shard_overload_retry_s(s);
		return false;
	}
	if (drain_refuses(s) && !emergency && m->hop.transport != SIP_INTER_SHARD)
		return invite_fail(why, 503, REFUSED_DRAINING);
	if (!shard_call_fits(s, emergency))
		return invite_fail(why, 503, REFUSED_CALLS_FULL);
	return true;
}

static void apply_webrtc(const struct shard_extension *e, const struct sip_hop *hop,
			 struct offer_terms *terms)
{
	enum shard_webrtc wish = e ? (enum shard_webrtc)e->webrtc : WEBRTC_AUTO;

	terms->dtls_offer = wish == WEBRTC_ALWAYS ||
			    (wish == WEBRTC_AUTO && sip_transport_is_web(hop->transport));
	/* a fingerprint that others could change does not authenticate it (RFC 5763 4) */
	terms->dtls_accept = terms->dtls_offer ||
			     (wish == WEBRTC_AUTO && sip_transport_is_secure(hop->transport));
}

static bool is_browser(const struct shard_extension *e, const struct sip_hop *hop)
{
	return sip_transport_is_web(hop->transport) || (e && e->webrtc == WEBRTC_ALWAYS);
}

/* The media terms of a party: the profile of its address, and its extension's settings of SRTP and
 * video (REG-08, REG-12, MED-08). */
static struct offer_terms invite_terms_of(const struct shard *s, uint16_t tenant,
					  const struct shard_extension *e,
					  const struct sip_hop *hop)
{
	const struct shard_profile *profile = shard_profile_of(s, tenant, &hop->remote);
	struct offer_terms terms = profile->terms;
	bool only = e && e->tls_srtp;
	bool insecure = e && e->sdes_insecure;

	if (hop->transport == SIP_INTER_SHARD) /* a party's terms are those of its own leg */
		return inter_shard_terms(shard_settings(s));
	terms.sdes_offer = only || insecure;
	/* SRTP keys sent in clear are useless, unless the settings allow it */
	terms.sdes_accept = only || insecure || sip_transport_is_secure(hop->transport);
	terms.sdes_only = only;
	terms.no_video |=
		(e && e->no_video) || !extension_may(shard_settings(s)->tenants, e, ENTITLED_VIDEO);
	if (!terms.video_codecs && is_browser(e, hop))
		terms.video_codecs = OFFER_VIDEO_ALL;
	terms.media_by_sdp = e && e->media_by_sdp;
	terms.transcode = shard_transcodes(s, profile);
	apply_webrtc(e, hop, &terms);
	return terms;
}

static void apply_profile(const struct shard *s, const struct shard_extension *e,
			  const struct sip_hop *hop, struct caller *caller)
{
	caller->early_media = (e && e->early_media) ||
			      shard_profile_of(s, caller->tenant, &hop->remote)->early_media;
	caller->terms = invite_terms_of(s, caller->tenant, e, hop);
	/* a voice in the clear is better than none */
	caller->terms.sdes_only = caller->terms.sdes_only && !caller->emergency;
}

static bool is_registered(const struct shard *s, const struct sip_message *m,
			  const struct caller *caller)
{
	const struct aor *aor =
		locations_find(shard_locations(s), caller->tenant, bytes_str(caller->user));

	return aor && registrar_knows(aor, m, locations_utc_ms(shard_locations(s)));
}

/* A trusted neighbour may send for any user that it names. */
static void trust_it(const struct sip_message *m, char user[ROUTE_USER_MAX])
{
	if (route_user(&m->from.uri, user) != ROUTE_OK)
		(void)bytes_cstr(BYTES_LIT("anonymous"), user, ROUTE_USER_MAX);
}

/* RFC 3323 4.1.1.3 */
bool shard_is_from_nobody(const struct sip_message *m)
{
	return bytes_iis(m->from.uri.user, "anonymous") ||
	       bytes_iis(m->from.uri.host, "anonymous.invalid");
}

/* Whether a phone's From names its own extension, or nobody. Else refuses the request with 403. */
static bool may_set_from(struct shard *s, const struct sip_message *m, char user[ROUTE_USER_MAX],
			 const struct shard_extension *e)
{
	struct call_refusal why;

	if (shard_is_from_nobody(m) && !bytes_cstr(bytes_str(e->number), user, ROUTE_USER_MAX))
		return true;
	if (route_user(&m->from.uri, user) == ROUTE_OK && bytes_is(bytes_str(user), e->number))
		return true;
	shard_misuse(s, m, SECURITY_FOREIGN_IDENTITY, bytes_str(e->number));
	(void)invite_fail(&why, 403, REFUSED_IDENTITY);
	if (m->method == SIP_INVITE)
		refused_call_report(s, m, e->tenant, bytes_str(e->number), &why);
	first_invite_refuse(s, NULL, m, &why);
	return false;
}

/* A number of another domain does not count, and with an access code it may be an extension's. by:
 * the caller, if known. */
static bool is_number_for_help(const struct shard *s, const struct sip_message *m, uint16_t tenant,
			       const char *by, char number[ROUTE_USER_MAX])
{
	char user[ROUTE_USER_MAX];

	if (!by)
		by = route_user(&m->from.uri, user) == ROUTE_OK ? user : "";
	if ((m->hop.transport != SIP_INTER_SHARD &&
	     !route_is_near(&m->uri, &m->from.uri, tenant, shard_settings(s))) ||
	    !shard_is_emergency(s, tenant, bytes_str(by), &m->uri, number))
		return false;
	return route_user(&m->uri, user) == ROUTE_OK &&
	       (!strcmp(user, number) || !shard_extension_find(s, tenant, bytes_str(user)));
}

bool shard_is_emergency_call(const struct shard *s, const struct sip_message *m, uint16_t tenant)
{
	char number[ROUTE_USER_MAX];

	return m->method == SIP_INVITE && !shard_has_replaces(m) &&
	       is_number_for_help(s, m, tenant, NULL, number);
}

bool shard_identify(struct shard *s, const struct sip_message *m, uint16_t tenant,
		    char user[ROUTE_USER_MAX], const struct shard_extension **e)
{
	*e = NULL;
	if (shard_trunk_of(s, &m->hop) != TRUNK_NONE) {
		shard_trunk_trust(s, m, tenant, user);
		return true;
	}
	if (shard_is_trusted(s, &m->hop)) {
		trust_it(m, user);
		return true;
	}
	if (trust_misses_certificate(shard_settings(s), &m->hop))
		security_event(shard_security(s), SECURITY_CERTIFICATE, &m->hop.remote,
			       m->from.uri.user, "rule of sip.trusted", shard_host(s)->now.ns);
	*e = shard_authenticate(s, m, tenant, true);
	if (!*e || !may_set_from(s, m, user, *e))
		return false;
	if (shard_transport_allowed(s, *e, &m->hop) || shard_is_emergency_call(s, m, tenant))
		return true;
	shard_transport_refuse(s, NULL, m, *e);
	return false;
}

/* Codes and documents of extensions are nothing of a trunk's. */
static void trunk_known(const struct shard *s, const struct sip_message *m, struct caller *caller)
{
	const struct trunk_settings *set =
		trunks_settings(shard_settings(s)->trunks, caller->trunk);

	caller->display = m->from.display;
	if (bytes_is(BYTES_LIT("anonymous"), caller->user))
		caller->display = (struct bytes){ 0 };
	caller->early_media = !set->no_early_media;
	caller->terms = shard_trunk_terms(s, caller->trunk, &m->hop);
}

static struct carried_self self_of(const struct shard *s, const struct shard_extension *e)
{
	const struct shard_forward *f = shard_forward_of(s, e->tenant, bytes_str(e->number));

	return (struct carried_self){
		.number = bytes_str(e->number),
		.others = bytes_str(f ? f->outside_numbers : NULL),
	};
}

/* e: it has authenticated; NULL: a trusted neighbour names it. */
static void caller_known(struct shard *s, const struct sip_message *m, struct caller *caller,
			 const struct shard_extension *e)
{
	if (caller->trunk != TRUNK_NONE) {
		trunk_known(s, m, caller);
		return;
	}
	caller->display = m->from.display;
	if (e && e->display_name[0])
		caller->display = bytes_str(e->display_name);
	caller->known = e;
	if (e)
		caller->self = self_of(s, e);
	if (!e) {
		e = shard_extension_find(s, caller->tenant, bytes_str(caller->user));
		caller->known = e && e->enabled && is_registered(s, m, caller);
	}
	caller->classes = e ? e->classes : 0;
	caller->scheme = e ? e->dialling : 0;
	apply_profile(s, e, &m->hop, caller);
}

/* A trusted sender may name a host in the phone's Contact or Path. A flow is a connection (RFC
 * 5626), not a name. */
static bool is_by_name(const struct shard *s, const struct binding *b)
{
	return shard_settings(s)->lookup.find && !b->reg_id && !b->nat &&
	       !sip_transport_is_web(b->hop.transport) && shard_is_trusted(s, &b->hop);
}

/* Of all shards, and of those that are here. */
static uint32_t networks_here(const struct shard *s)
{
	uint32_t here = 0;

	for (uint32_t i = 0; i < shard_settings(s)->network_count; i++) {
		uint16_t number = shard_settings(s)->networks[i].shard;
		const struct shard *of = number ? shard_shared_tables(s)->shards : NULL;

		while (of && shard_settings(of)->number != number)
			of = shard_next(of);
		if (!number || of)
			here |= UINT32_C(1) << i;
	}
	return here;
}

struct route_asker shard_asker(const struct shard *s)
{
	return (struct route_asker){ .settings = shard_settings(s),
				     .networks = networks_here(s),
				     .utc_ms = locations_utc_ms(shard_locations(s)) };
}

static void targets_fill(const struct shard *s, const struct shard_extension *e,
			 const struct aor *aor, const struct binding *const *list, uint32_t count,
			 struct call_target *out)
{
	const struct route_asker asker = shard_asker(s);

	for (uint32_t i = 0; i < count; i++) {
		out[i] = (struct call_target){
			.uri = text_bytes(&list[i]->contact),
			.routes = text_bytes(&list[i]->path),
			.user = text_bytes(&aor->user),
			.hop = list[i]->hop,
			.behind_nat = list[i]->nat,
			.lost = binding_is_lost(list[i]),
			.by_name = is_by_name(s, list[i]),
			.terms = invite_terms_of(s, e->tenant, e, &list[i]->hop),
		};
		(void)route_hop(list[i], &asker, &out[i].hop);
	}
}

/* A user of ours to all phones where he is reached, each once; to the one that a GRUU names. */
static enum route_verdict invite_route(const struct shard *s, uint16_t tenant,
				       const struct sip_uri *uri, char user[ROUTE_USER_MAX],
				       struct call_target *out, uint32_t cap, uint32_t *count)
{
	const struct route_asker asker = shard_asker(s);
	const struct binding *list[BINDINGS_MAX];
	const struct shard_extension *e;
	const struct aor *aor;
	struct gruu gruu;
	enum route_verdict verdict = route_phone(uri, tenant, shard_settings(s), user, &gruu);

	*count = 0;
	if (verdict != ROUTE_OK)
		return verdict;
	e = shard_extension_find(s, tenant, bytes_str(user));
	if (!e || !e->enabled)
		return ROUTE_NOT_FOUND;
	aor = locations_find(shard_locations(s), tenant, bytes_str(user));
	if (!route_gruu_lives(aor, &gruu, asker.utc_ms))
		return ROUTE_NO_GRUU;
	verdict = route_bindings(aor, &gruu, &asker, list, BINDINGS_MAX, count);
	*count = route_phones(list, *count);
	if (*count > cap)
		*count = cap;
	targets_fill(s, e, aor, list, *count, out);
	return verdict;
}

uint32_t shard_flows_of(void *owner, const struct leg *leg, struct call_target *out, uint32_t cap)
{
	const struct shard *s = owner;
	struct bytes user = text_bytes(&leg->user);
	const struct shard_extension *e = shard_extension_of(owner, leg->same_user.tenant, user);
	const struct aor *aor = e ? locations_find(shard_locations(s), e->tenant, user) : NULL;
	const struct route_asker asker = shard_asker(s);
	const struct binding *list[BINDINGS_MAX];
	uint32_t count;

	(void)route_bindings(aor, NULL, &asker, list, BINDINGS_MAX, &count);
	count = route_other_flows(list, count,
				  &(struct route_flow){ .contact = text_bytes(&leg->dialog.target),
							.path = text_bytes(&leg->dialog.routes),
							.remote = &leg->dialog.hop.remote });
	if (count > cap)
		count = cap;
	targets_fill(s, e, aor, list, count, out);
	return count;
}

struct bytes shard_contact_of(void *owner, const struct dialog *d)
{
	struct bytes target = text_bytes(&d->target), value;
	const struct shard *s = owner;
	const struct call *c = NULL;
	struct call_target to;
	char user[ROUTE_USER_MAX];
	struct sip_uri uri;
	uint32_t count = 0;

	if (memmem(target.p, target.n, ";gr", 3) && !sip_uri_parse(&uri, target) &&
	    sip_param(uri.params, "gr", &value))
		c = shard_call_find(s, dialog_call(d));
	if (!c || !route_is_ours(&uri, c->tenant, shard_settings(s)))
		return (struct bytes){ 0 };
	(void)invite_route(s, c->tenant, &uri, user, &to, 1, &count);
	/* its own: the location of another phone is not disclosed */
	return count && bytes_eq(to.user, call_leg_user(c, dialog_leg(d))) ? to.uri
									   : (struct bytes){ 0 };
}

/* Strangers ask, too: they must not learn whether such a user exists. */
uint16_t shard_gruu_status(const struct shard *s, const struct sip_message *m)
{
	uint16_t tenant = shard_tenant_of(s, m);
	struct call_target to;
	char user[ROUTE_USER_MAX];
	uint32_t count = 0;

	if (!route_is_near(&m->uri, &m->from.uri, tenant, shard_settings(s)))
		return 404;
	if (invite_route(s, tenant, &m->uri, user, &to, 1, &count) == ROUTE_NO_GRUU)
		return 404;
	return count ? 200 : 480;
}

uint32_t shard_targets_of(void *owner, uint16_t tenant, const struct sip_uri *uri,
			  struct call_target *out, uint32_t cap)
{
	const struct shard *s = owner;
	char user[ROUTE_USER_MAX];
	uint32_t count = 0;

	if (route_is_ours(uri, tenant, shard_settings(s)))
		(void)invite_route(s, tenant, uri, user, out, cap, &count);
	return count;
}

/* RFC 5627 6.1: a call to one phone is not forwarded, nor does it wait for others. */
static bool is_sent_on(const struct shard *s, const struct sip_message *m, uint16_t tenant,
		       const char *user)
{
	struct bytes value;

	return !sip_param(m->uri.params, "gr", &value) &&
	       (shard_forward_of(s, tenant, bytes_str(user)) ||
		tenants_terms(shard_settings(s)->tenants, tenant)->wake_s);
}

/* SEC-06: what an extension does is not for its phones alone to say. */
static bool feature_may(const struct shard *s, const struct caller *caller,
			enum feature_action feature, struct call_refusal *why)
{
	const struct shard_extension *e =
		shard_extension_find(s, caller->tenant, bytes_str(caller->user));

	if (!e || shard_extension_may_set(e, feature))
		return true;
	(void)invite_fail(why, 403, REFUSED_FEATURE);
	why->text = "the extension may not change this by its phone";
	return false;
}

/* What the feature that has that code says. */
static enum number_verdict code_verdict(struct shard *s, const struct number_request *ask,
					enum feature_action dialled, struct number_claimed *out,
					struct call_refusal *why)
{
	for (const struct feature *f = shard_shared_tables(s)->features; f->name; f++) {
		for (const struct dialled_code *c = f->codes; c && c->dialled; c++) {
			if (c->action == dialled)
				return c->dialled(shard_host(s), ask, out, why);
		}
	}
	return NUMBER_FREE;
}

/* No extension has that number. Feature codes and numbers outside are for phones of extensions: a
 * user named by a peer need not be the one who speaks. Returns true for a user of ours, out->to; or
 * a feature code, out->set. */
static bool route_dialled(struct shard *s, const struct caller *caller, struct number_claimed *out,
			  struct call_refusal *why)
{
	struct shard_dialler who = { caller->tenant, bytes_str(caller->user), caller->known,
				     caller->classes, caller->scheme };
	struct number_request ask = { .tenant = caller->tenant, .user = who.user };
	struct dial_result dialled;
	enum number_verdict verdict;

	shard_dial(s, &who, bytes_str(out->to), &dialled);
	if (dialled.kind == DIAL_EMERGENCY || dialled.kind == DIAL_EXTENSION ||
	    dialled.kind == DIAL_ROOM ||
	    (dialled.kind == DIAL_OUTSIDE &&
	     shard_has_trunk_route(s, caller->tenant, bytes_str(dialled.number))))
		return !bytes_cstr(bytes_str(dialled.number), out->to, ROUTE_USER_MAX);
	if (dialled.kind != DIAL_FEATURE)
		return shard_dial_refuse(s, caller->tenant, &dialled, why);
	ask.behind = dialled.value;
	verdict = code_verdict(s, &ask, dialled.feature, out, why);
	if (verdict == NUMBER_DIALLED)
		return route_dialled(s, caller, out, why);
	if (verdict == NUMBER_REFUSED)
		return false;
	if (dialled.value.n >= FEATURE_VALUE_MAX)
		return invite_fail(why, 404, REFUSED_NOT_FOUND);
	if (!feature_may(s, caller, dialled.feature, why))
		return false;
	out->set = (struct call_set){ .feature = dialled.feature, .number = dialled.value };
	return true;
}

enum route_verdict shard_route(const struct shard *s, const struct sip_message *m, uint16_t tenant,
			       char user[ROUTE_USER_MAX], struct call_target *out, uint32_t cap,
			       uint32_t *count)
{
	enum route_verdict verdict = invite_route(s, tenant, &m->uri, user, out, cap, count);

	return verdict != ROUTE_SCHEME &&
			       !route_is_near(&m->uri, &m->from.uri, tenant, shard_settings(s))
		       ? ROUTE_FOREIGN
		       : verdict;
}

static enum route_verdict verdict_of(const struct shard *s, uint16_t tenant,
				     const struct sip_uri *uri, char user[ROUTE_USER_MAX])
{
	struct call_target targets[BINDINGS_MAX];
	uint32_t count;

	return invite_route(s, tenant, uri, user, targets, BINDINGS_MAX, &count);
}

/* The same of a number of ours that stands in no request. */
static enum route_verdict verdict_of_number(const struct shard *s, uint16_t tenant,
					    char number[ROUTE_USER_MAX])
{
	char user[ROUTE_USER_MAX];
	struct sip_uri uri = { .scheme = BYTES_LIT("tel"), .user = bytes_str(number) };

	return verdict_of(s, tenant, &uri, user);
}

/* No extension has it, and calls to it go somewhere: into a room, or outside. */
static bool number_has_route(const struct shard *s, uint16_t tenant, const char *number,
			     bool outside)
{
	return shard_number_is_of_node(s, tenant, bytes_str(number)) ||
	       (outside && shard_has_trunk_route(s, tenant, bytes_str(number)));
}

/* The user is there, or his calls go elsewhere. */
static bool route_verdict_is(const struct shard *s, const struct sip_message *m,
			     const struct caller *caller, enum route_verdict verdict,
			     const char *user, struct call_refusal *why)
{
	switch (verdict) {
	case ROUTE_OK:
		return true;
	case ROUTE_SCHEME:
		return invite_fail(why, 416, REFUSED_SCHEME);
	case ROUTE_NOT_FOUND:
	case ROUTE_NO_GRUU:
		return invite_fail(why, 404, REFUSED_NOT_FOUND);
	case ROUTE_FOREIGN:
		LOG_INFO("sip", 0, "call to another domain refused, see sip.domains",
			 LOG_BYTES("domain", m->uri.host), LOG_ADDR("source", &m->hop.remote));
		return invite_fail(why, 404, REFUSED_DOMAIN);
	case ROUTE_NOT_REGISTERED:
		if (is_sent_on(s, m, caller->tenant, user))
			return true;
		if (!locations_unread(shard_locations(s), caller->tenant, bytes_str(user)))
			return invite_fail(why, 480, REFUSED_NOT_REGISTERED);
		(void)invite_fail(why, 503, REFUSED_REGISTRATION_UNREAD);
		why->text = SHARD_USER_UNREAD;
		return false;
	case ROUTE_REMOTE:
		if (is_sent_on(s, m, caller->tenant, user))
			return true;
		(void)invite_fail(why, 480, REFUSED_OTHER_NODE);
		why->text = "the phone is connected to another node";
		return false;
	case ROUTE_LOOP:
		return invite_fail(why, 482, REFUSED_LOOP);
	}
	return false;
}

/* From a trunk: the user of the called number. */
static bool route_did(const struct shard *s, const struct sip_message *m,
		      const struct caller *caller, char user[ROUTE_USER_MAX],
		      struct call_refusal *why)
{
	enum route_verdict verdict;
	bool fixed;

	if (route_user(&m->uri, user) == ROUTE_SCHEME)
		return invite_fail(why, 416, REFUSED_SCHEME);
	if (!shard_trunk_calls(s, m, caller->tenant, user, &fixed))
		return invite_fail(why, 404, REFUSED_NOT_FOUND);
	verdict = verdict_of_number(s, caller->tenant, user);
	/* only the number's document sends its calls on to outside */
	if (verdict == ROUTE_NOT_FOUND && number_has_route(s, caller->tenant, user, fixed))
		return true;
	return route_verdict_is(s, m, caller, verdict, user, why);
}

/* R-URI to bindings, or to a feature code: then out->set has it. */
static bool route(struct shard *s, const struct sip_message *m, const struct caller *caller,
		  struct number_claimed *out, struct call_refusal *why)
{
	enum route_verdict verdict;

	if (caller->trunk != TRUNK_NONE)
		return route_did(s, m, caller, out->to, why);
	verdict = verdict_of(s, caller->tenant, &m->uri, out->to);
	if (verdict != ROUTE_SCHEME &&
	    !route_is_near(&m->uri, &m->from.uri, caller->tenant, shard_settings(s)))
		verdict = ROUTE_FOREIGN;
	if (verdict == ROUTE_NOT_FOUND) {
		if (!route_dialled(s, caller, out, why))
			return false;
		verdict = out->set.feature < FEATURES
				  ? ROUTE_OK
				  : verdict_of_number(s, caller->tenant, out->to);
		if (verdict == ROUTE_NOT_FOUND &&
		    number_has_route(s, caller->tenant, out->to, true))
			return true;
	}
	return route_verdict_is(s, m, caller, verdict, out->to, why);
}

/* The caller is known: the refused call is listed for those who look for it. */
static void refuse_known(struct shard *s, struct txn_slot *slot, const struct sip_message *m,
			 uint16_t tenant, struct bytes from, const struct call_refusal *why)
{
	if (why->status != 484) /* not dialled yet: the call is still to come */
		refused_call_report(s, m, tenant, from, why);
	first_invite_refuse(s, slot, m, why);
}

static bool invite_note_payer(const struct shard *s, const struct sip_message *m, struct call *c,
			      struct bytes user)
{
	struct quota_name name;

	return m->hop.transport == SIP_INTER_SHARD ||
	       (shard_payer(s, c->tenant, user, &m->hop, &name) && !payer_note(c, &name));
}

static void invite_start(struct shard *s, const struct sip_message *m, uint16_t tenant,
			 struct txn_slot *slot, const struct call_start *call_start_args)
{
	pool_handle server = slot->self;
	struct call_refusal why;
	struct call *c =
		shard_call_allocate(s, shard_call_new_id(s), tenant, call_start_args->emergency);

	if (!c) {
		shard_quota_release(s, &call_start_args->payer, QUOTA_CALLS);
		(void)invite_fail(&why, 503, REFUSED_CALLS_FULL);
		refuse_known(s, slot, m, tenant, call_start_args->from, &why);
		return;
	}
	c->payer = call_start_args->payer;
	if (!invite_note_payer(s, m, c, call_start_args->from)) {
		(void)invite_fail(&why, 500, REFUSED_MEMORY);
	} else if (!call_start(shard_host(s), c, call_start_args, &why)) {
		shard_replaced_leave(s, c);
		if (!shard_call_settle(s, c))
			shard_call_give(s, c);
		return;
	}
	shard_call_give(s, c);
	refuse_known(s, txns_get(shard_txns(s), server), m, tenant, call_start_args->from, &why);
}

/* Admits one more call: room in the quotas and a transaction, which belong to the caller. Returns
 * NULL and *why with neither. */
static struct txn_slot *invite_admit(struct shard *s, const struct sip_message *m,
				     const struct caller *caller, struct call_refusal *why)
{
	const struct quota_party *payer = &caller->payer;
	bool always = caller->emergency || caller->far;
	struct txn_slot *slot;

	if (caller->trunk != TRUNK_NONE &&
	    !shard_trunk_may_call(s, caller->trunk, m, bytes_str(caller->user), why))
		return NULL;
	/* what one of its extensions may not is not the tenant's cost */
	if (!shard_quota_charge(s, payer, QUOTA_CALL_RATE, always, why) ||
	    (!always && !shard_tenant_may_call(s, caller->tenant, why)) ||
	    !shard_quota_charge(s, payer, QUOTA_CALLS, always, why))
		return NULL;
	if (!shard_quota_charge(s, payer, QUOTA_TXNS, always, why)) {
		shard_quota_release(s, payer, QUOTA_CALLS);
		return NULL;
	}
	slot = txns_add_server(shard_txns(s), m, always ? TXN_INSIDE : TXN_NEW,
			       shard_host(s)->now.ns);
	if (slot) {
		txns_charge(slot, payer);
		return slot;
	}
	shard_quota_release(s, payer, QUOTA_CALLS);
	shard_quota_release(s, payer, QUOTA_TXNS);
	(void)invite_fail(why, 503, REFUSED_TXNS_FULL);
	return NULL;
}

/* An unanswered number must not let any caller pass. Callers from a trunk call numbers of ours. */
static bool invite_is_emergency(const struct shard *s, const struct sip_message *m, uint16_t tenant,
				const char *by)
{
	char number[ROUTE_USER_MAX];

	return shard_trunk_of(s, &m->hop) == TRUNK_NONE &&
	       is_number_for_help(s, m, tenant, by, number) &&
	       (verdict_of_number(s, tenant, number) == ROUTE_OK ||
		shard_has_trunk_route(s, tenant, bytes_str(number)));
}

/* The target: a feature's, or else a user of ours. */
static bool invite_resolve_target(struct shard *s, const struct sip_message *m,
				  const struct caller *caller, struct number_claimed *out,
				  struct call_refusal *why)
{
	const struct number_request ask = { .invite = m,
					    .tenant = caller->tenant,
					    .user = bytes_str(caller->user) };

	for (const struct number_claim *const *n = shard_shared_tables(s)->numbers; *n; n++) {
		switch ((*n)->claim(shard_host(s), &ask, out, why)) {
		case NUMBER_FREE:
			break;
		case NUMBER_CLAIMED:
			return true;
		case NUMBER_DIALLED:
			return route_dialled(s, caller, out, why);
		case NUMBER_REFUSED:
			return false;
		}
	}
	return route(s, m, caller, out, why);
}

/* A phone without a document may make emergency calls and call flows with a number that begins with
 * '#'. It takes no place of others: anybody may have such a phone. */
static bool bare_may_call(const struct shard *s, const struct sip_message *m,
			  const struct caller *caller, const struct number_claimed *target,
			  struct call_refusal *why)
{
	struct bytes tenant = bytes_str(tenants_name(shard_settings(s)->tenants, caller->tenant));
	struct bytes to = bytes_str(target->to);

	if (!caller->bare)
		return true;
	if (!shard_has_replaces(m) &&
	    (caller->emergency ||
	     (bytes_starts(to, "#") && target->set.feature == FEATURES && !target->set.room &&
	      !target->account[0] &&
	      programs_number_exact(shard_shared_tables(s)->programs, tenant, to).n)))
		return true;
	return invite_fail(why, 403, REFUSED_FEATURE);
}

/* Their extension pays for all of them, so that a stranger shall not take all that it has: such a
 * phone has one call, and a source a few. */
static bool bare_has_room(const struct shard *s, const struct caller *caller,
			  const struct sip_hop *hop, struct call_refusal *why)
{
	const struct addr source = addr_source(&hop->remote);
	uint32_t of_source = 0;

	if (!caller->bare || caller->emergency)
		return true;
	for (s = shard_shared_tables(s)->shards; s; s = shard_next(s)) {
		const struct leg *l = NULL;

		while ((l = leg_users_next(shard_legs(s), caller->tenant, bytes_str(caller->user),
					   l)) != NULL) {
			const struct addr of = addr_source(&l->dialog.hop.remote);

			if (!l->bare || l->outbound)
				continue;
			of_source += addr_ip_eq(&of, &source);
			if (l->bare == caller->bare || of_source == BARE_OF_SOURCE)
				return invite_fail(why, 486, REFUSED_QUOTA_CALLS);
		}
	}
	return true;
}

static void invite_proceed(struct shard *s, const struct sip_message *m, struct caller *caller_ptr)
{
	struct caller caller = *caller_ptr;
	struct number_claimed target = { .set.feature = FEATURES };
	uint8_t space[GRUU_NAMED_MAX];
	struct writer gruu = writer_over(space, sizeof(space));
	struct call_refusal why;
	struct txn_slot *slot;

	caller.payer = shard_party(s, caller.tenant, bytes_str(caller.user), &m->hop);
	slot = invite_admit(s, m, &caller, &why);
	if (slot && (!invite_resolve_target(s, m, &caller, &target, &why) ||
		     !bare_may_call(s, m, &caller, &target, &why) ||
		     !bare_has_room(s, &caller, &m->hop, &why))) {
		shard_quota_release(s, &caller.payer, QUOTA_CALLS);
		refuse_known(s, slot, m, caller.tenant, bytes_str(caller.user), &why);
		return;
	}
	if (!slot) {
		refuse_known(s, NULL, m, caller.tenant, bytes_str(caller.user), &why);
		return;
	}
	if (caller.trunk == TRUNK_NONE)
		gruu_name(&gruu, &m->uri);
	invite_start(s, m, caller.tenant, slot,
		     &(struct call_start){
			     .invite = m,
			     .slot = slot,
			     .from = bytes_str(caller.user),
			     .display = caller.display,
			     .self = caller.self,
			     .anonymous = shard_is_from_nobody(m),
			     .early_media = caller.early_media,
			     .emergency = caller.emergency,
			     .location = caller.location,
			     .device = caller.device,
			     .bare = caller.bare,
			     .payer = caller.payer,
			     .trunk = caller.trunk,
			     .terms = caller.terms,
			     .to = bytes_str(target.to),
			     .account = bytes_str(target.account),
			     .gruu = writer_done(&gruu),
			     .replaces = target.replaces,
			     .set = target.set.feature < FEATURES || target.set.room ? &target.set
										     : NULL,
		     });
}

/* REG-32: as the call proves it, else as its phone has registered. */
static uint16_t caller_location(struct shard *s, const struct sip_message *m,
				const struct caller *caller, uint16_t said)
{
	const struct aor *aor;

	if (!caller->emergency || caller->trunk != TRUNK_NONE || caller->far)
		return 0;
	aor = locations_find(shard_locations(s), caller->tenant, bytes_str(caller->user));
	if (said || !aor)
		return said;
	return registrar_location(aor, m, locations_utc_ms(shard_locations(s)));
}

void shard_invite_resume(struct shard *s, const struct sip_message *m, const char *from, bool phone)
{
	struct caller caller = { .tenant = shard_tenant_of(s, m),
				 .trunk = shard_trunk_of(s, &m->hop),
				 .far = m->hop.transport == SIP_INTER_SHARD };
	const struct shard_extension *e =
		phone ? shard_extension_find(s, caller.tenant, bytes_str(from)) : NULL;
	const struct shard_given given =
		e ? shard_given(s, m, caller.tenant, true) : (struct shard_given){ 0 };

	caller.emergency = invite_is_emergency(s, m, caller.tenant, from);
	caller.device = given.device;
	caller.bare = given.bare;
	(void)bytes_cstr(bytes_str(from), caller.user, sizeof(caller.user));
	caller_known(s, m, &caller, e);
	caller.location = caller_location(s, m, &caller, given.location);
	invite_proceed(s, m, &caller);
}

void shard_invite(struct shard *s, const struct sip_message *m)
{
	uint16_t tenant = shard_tenant_of(s, m);
	const struct shard_extension *e;
	char from[ROUTE_USER_MAX];
	struct call_refusal why;

	if (shard_invite_is_waiting(s, m))
		return;
	if (!may_admit(s, m, invite_is_emergency(s, m, tenant, NULL), &why)) {
		first_invite_refuse(s, NULL, m, &why);
		return;
	}
	if (shard_identify(s, m, tenant, from, &e) &&
	    !shard_invite_hold(s, m, tenant, from, e != NULL))
		shard_invite_resume(s, m, from, e != NULL);
}
