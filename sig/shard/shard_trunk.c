/* SPDX-License-Identifier: Apache-2.0 */
/* Calls from trunks: who speaks, whom a number means, under which terms. */
#include "sig/host/trunk_route.h"
#include "sig/shard/shard_state.h"
#include "sig/shard/trust.h"

uint16_t shard_trunk_of(const struct shard *s, const struct sip_hop *hop)
{
	return hop->transport == SIP_CELL ? TRUNK_NONE : trust_trunk(&s->settings, hop);
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

bool shard_trunk_may_call(const struct shard *s, uint16_t trunk, const struct sip_message *m,
			  struct call_refusal *why)
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
	if (trunks_has_room(s->settings.trunks, trunk, TRUNK_IN))
		return true;
	*why = (struct call_refusal){ .status = 503,
				      .reason = REFUSED_TRUNK_FULL,
				      .text = "all channels of this trunk are in use" };
	return false;
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
	return terms;
}
