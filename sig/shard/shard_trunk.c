/* SPDX-License-Identifier: Apache-2.0 */
/* Calls from trunks: who speaks, whom a number means, under which terms. And where calls to them go. */
#include <string.h>

#include "sig/dialog/dialog.h"
#include "sig/host/place_check.h"
#include "sig/host/toll.h"
#include "sig/host/trunk_route.h"
#include "sig/model/leg.h"
#include "sig/shard/shard_dial.h"
#include "sig/shard/shard_state.h"
#include "sig/shard/trust.h"

uint16_t shard_trunk_of(const struct shard *s, const struct sip_hop *hop)
{
	return hop->transport == SIP_INTER_SHARD ? TRUNK_NONE : trust_trunk(&s->settings, hop);
}

void shard_trunk_believe(struct shard *s, const struct sip_message *m, uint16_t tenant,
			 char user[ROUTE_USER_MAX])
{
	bool named = route_user(&m->from.uri, user) == ROUTE_OK;

	if (named && !shard_extension_find(s, tenant, bytes_str(user)))
		return;
	if (named)
		shard_misuse(s, m, SECURITY_FOREIGN_IDENTITY, bytes_str(user));
	(void)bytes_cstr(BYTES_LIT("anonymous"), user, ROUTE_USER_MAX);
}

bool shard_trunk_calls(const struct shard *s, const struct sip_message *m, uint16_t tenant,
		       char user[ROUTE_USER_MAX], bool *fixed)
{
	uint16_t trunk = shard_trunk_of(s, &m->hop);
	char number[ROUTE_USER_MAX], to[TRUNK_NUMBER_MAX];

	user[0] = '\0';
	return trunk != TRUNK_NONE && route_user(&m->uri, number) == ROUTE_OK &&
	       trunk_did_find(s->settings.numbers, tenant, trunks_name(s->settings.trunks, trunk),
			      bytes_str(number), to, fixed) &&
	       !bytes_cstr(bytes_str(to), user, ROUTE_USER_MAX);
}

/* Our own INVITE came back: whoever is asked sends to us what we send to it. */
static bool is_own(const struct shard *s, const struct sip_message *m)
{
	const struct call *c;
	struct id_tag tag;

	if (id_tag_get(m->from.tag, &tag))
		return false;
	elsewhere_follow(&s->elsewhere, &tag);
	c = shard_call_find(s, tag.call);
	return c && call_leg(c, tag.leg) && c->legs[tag.leg]->called &&
	       bytes_eq(text_bytes(&c->legs[tag.leg]->dialog.call_id), m->call_id);
}

/* Who takes over a leg of the same trunk (RFC 3891) needs no more channels than there are, once. */
static bool trunk_takes_over(const struct shard *s, uint16_t trunk, const struct sip_message *m,
			     struct bytes user)
{
	struct call_replaces what;
	struct call_refusal why;
	const struct call *c;
	const struct leg *l;

	if (!shard_has_replaces(m) ||
	    !shard_replaces(s, m, shard_tenant_of(s, m), user, &what, &why))
		return false;
	c = shard_call_find(s, what.call);
	l = c->legs[what.leg];
	return l->channel == trunk &&
	       trunks_has_room_for(s->settings.trunks, trunk, TRUNK_IN, leg_trunk_direction(l));
}

bool shard_trunk_may_call(const struct shard *s, uint16_t trunk, const struct sip_message *m,
			  struct bytes user, struct call_refusal *why)
{
	const struct trunk_settings *set = trunks_settings(s->settings.trunks, trunk);

	*why = (struct call_refusal){ .status = 403, .reason = REFUSED_TRUNK };
	if (!(set->directions & TRUNK_IN)) {
		why->text = "no calls come from this trunk";
		return false;
	}
	if (is_own(s, m)) {
		*why = (struct call_refusal){ .status = 482, .reason = REFUSED_LOOP };
		return false;
	}
	if (trunks_has_room(s->settings.trunks, trunk, TRUNK_IN) ||
	    trunk_takes_over(s, trunk, m, user))
		return true;
	*why = (struct call_refusal){ .status = 503,
				      .reason = REFUSED_TRUNK_FULL,
				      .text = "all channels of this trunk are in use" };
	return false;
}

static enum offer_digits digits_of(enum trunk_dtmf dtmf)
{
	switch (dtmf) {
	case TRUNK_DTMF_PROFILE:
	case TRUNK_DTMF_EVENTS:
		break;
	case TRUNK_DTMF_INFO:
	case TRUNK_DTMF_INFO_PLAIN:
		return OFFER_DIGITS_INFO;
	case TRUNK_DTMF_TONES:
		return OFFER_DIGITS_TONES;
	}
	return OFFER_DIGITS_EVENTS;
}

struct offer_terms shard_trunk_terms(const struct shard *s, uint16_t trunk,
				     const struct sip_hop *hop)
{
	const struct trunk_settings *set = trunks_settings(s->settings.trunks, trunk);
	const struct shard_profile *profile =
		shard_profile_named(s, set->tenant, set->profile, &hop->remote);
	struct offer_terms terms = profile->terms;

	terms.sdes_offer = set->srtp != TRUNK_SRTP_TLS;
	terms.sdes_accept = terms.sdes_offer || sip_transport_is_secure(hop->transport);
	terms.sdes_only = set->srtp == TRUNK_SRTP_ONLY;
	terms.media_elsewhere = true;
	terms.transcode = shard_transcodes(s, profile);
	terms.no_video |= !set->video; /* MED-10 */
	if (set->dtmf != TRUNK_DTMF_PROFILE)
		terms.digits = (uint8_t)digits_of((enum trunk_dtmf)set->dtmf);
	return terms;
}

/* ---- to trunks ---- */

bool shard_has_trunk_route(const struct shard *s, uint16_t tenant, struct bytes number)
{
	struct trunk_route_server way;

	return trunk_route(&s->settings, tenant, number, 0, &way, 1) != 0;
}

enum dial_kind shard_dials(void *owner, uint16_t tenant, struct bytes user, struct bytes number,
			   char out[DIAL_NUMBER_MAX])
{
	const struct shard_extension *e = shard_extension_of(owner, tenant, user);
	struct shard_dialler who = { .tenant = tenant, .phone = true };
	struct dial_result dialled;

	if (!e)
		return DIAL_UNKNOWN;
	who.classes = e->classes;
	shard_dial(owner, &who, number, &dialled);
	if (bytes_cstr(bytes_str(dialled.number), out, DIAL_NUMBER_MAX) ||
	    (dialled.kind == DIAL_BARRED && !shard_dial_is_barred(owner, tenant, &dialled)))
		return DIAL_UNKNOWN;
	return dialled.kind;
}

bool shard_toll_of(void *owner, uint16_t tenant, struct bytes user, struct bytes number,
		   struct toll_terms *out)
{
	const struct shard_extension *e = user.n ? shard_extension_of(owner, tenant, user) : NULL;
	const struct sip_uri uri = { .scheme = BYTES_LIT("tel"), .user = number };
	const struct shard *s = owner;
	char help[DIAL_NUMBER_MAX];

	*out = (struct toll_terms){ .tenant = tenants_toll(s->settings.tenants, tenant) };
	if (e)
		out->user = (struct toll_limits){ e->outside_calls, e->outside_minutes };
	return !number.n || !shard_is_emergency(s, tenant, &uri, help);
}

/* RFC 3261 25.1: user. */
static void write_user(struct writer *w, const struct text *number)
{
	for (uint32_t i = 0; i < number->n; i++) {
		uint8_t c = (uint8_t)number->p[i];
		bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			     (c >= 'A' && c <= 'Z') || (c && strchr("-_.!~*'()&=+$,", c));

		if (plain)
			writer_u8(w, c);
		else
			writer_fmt(w, "%%%02X", c);
	}
}

/* An address with its port needs no word; TLS is no transport of a URI that is not sips, but what all understand. */
static void write_place(struct writer *w, const struct sip_place *p, uint8_t transport)
{
	bool v6 = strchr(p->host, ':') != NULL;

	WRITER_TEXTS(w, v6 ? "[" : "", p->host, v6 ? "]" : "");
	if (p->port)
		writer_fmt(w, ":%u", p->port);
	if (transport == 1 + SIP_TCP)
		writer_str(w, ";transport=tcp");
	else if (transport == 1 + SIP_TLS)
		writer_str(w, ";transport=tls");
}

/* The first address of ours in its network. False: there is none that can be used. */
static bool trunk_local(const struct shard_settings *set, const struct trunk_settings *t,
			struct sip_hop *hop, bool numeric)
{
	for (uint16_t i = 0; i < set->local_count; i++) {
		const struct shard_local *l = &set->locals[i];

		if (sip_transport_is_web(l->transport) || !shard_local_is_own(set, i) ||
		    (t->network[0] && strcmp(set->networks[l->network].name, t->network)) ||
		    (numeric &&
		     (l->transport != hop->transport || l->bind.family != hop->remote.family)))
			continue;
		hop->local = i;
		return true;
	}
	return false;
}

/* Where the place is; a name is looked up later. False: nothing may be sent there. */
static bool trunk_hop(const struct shard *s, const struct trunk_settings *t,
		      const struct sip_place *p, struct call_target *out)
{
	struct sip_hop *hop = &out->hop;

	*hop = (struct sip_hop){ .transport = t->transport ? t->transport - 1 : SIP_UDP };
	out->by_name = addr_parse(&hop->remote, bytes_str(p->host)) != 0;
	if (out->by_name)
		hop->remote = (struct addr){ .family = ADDR_NONE };
	if (!trunk_local(&s->settings, t, hop, !out->by_name))
		return false;
	if (out->by_name)
		return s->settings.lookup.find != NULL;
	hop->remote.port = p->port ? p->port : sip_transport_port(hop->transport);
	return place_check(&s->host, hop, &hop->remote, true) == DESTINATION_OK;
}

/* RFC 4694: parameters of the number, which is a telephone number then (RFC 3261 19.1.6). What would need an escape is left out. */
static bool may_tell_portability(const struct trunk_settings *t, struct bytes value)
{
	struct identity_policy policy = identity_of_trunk(&t->identity);

	for (size_t i = 0; i < value.n; i++) {
		uint8_t c = value.p[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      (c && strchr("+-.;=", c))))
			return false;
	}
	return value.n && identity_tells(&policy, CARRIED_NUMBER);
}

bool shard_trunk_route_target(void *owner, uint16_t tenant, const struct plan_step *step,
			      struct bytes portability, struct call_target *out)
{
	struct shard *s = owner;
	uint16_t trunk = trunks_find(s->settings.trunks, tenant, text_bytes(&step->trunk));
	const struct trunk_settings *t = trunks_settings(s->settings.trunks, trunk);
	struct writer uri = writer_over(s->trunk_target, SHARD_TRUNK_TARGET_MAX);
	struct writer route =
		writer_over(s->trunk_target + SHARD_TRUNK_TARGET_MAX, SHARD_TRUNK_TARGET_MAX);

	*out = (struct call_target){ .trunk = trunk };
	if (!t || step->server >= t->server_count ||
	    !trunk_hop(s, t, t->proxy.host[0] ? &t->proxy : &t->servers[step->server], out))
		return false;
	writer_str(&uri, "sip:");
	write_user(&uri, &step->number);
	if (may_tell_portability(t, portability)) {
		writer_str(&uri, ";");
		writer_bytes(&uri, portability);
	}
	writer_str(&uri, "@");
	write_place(&uri, &t->servers[step->server], t->transport);
	if (may_tell_portability(t, portability))
		writer_str(&uri, ";user=phone");
	if (t->proxy.host[0]) {
		writer_str(&route, "<sip:");
		write_place(&route, &t->proxy, t->transport);
		writer_str(&route, ";lr>");
	}
	out->uri = writer_done(&uri);
	out->routes = writer_done(&route);
	out->terms = shard_trunk_terms(s, trunk, &out->hop);
	return !uri.overflow && !route.overflow;
}
