/* SPDX-License-Identifier: Apache-2.0 */
/* Number analysis and routing of a shard. It connects the pure dial plan (sig/dial/dial.h) with the
 * tables of the tenant: extensions, rooms, flows, trunks and emergency numbers; maps its outcome to
 * SIP responses; and holds INVITEs, MESSAGEs and REFERs while the store is asked about a user of
 * another node. It also admits calls from trunks (channels, loops), and gives calls to trunks their
 * Request-URI, hop and media terms. */

#include <stdlib.h>
#include <string.h>

#include "sig/call/resolve.h"
#include "sig/dialog/dialog.h"
#include "sig/host/destination.h"
#include "sig/host/location.h"
#include "sig/host/programs.h"
#include "sig/host/tenant_tables.h"
#include "sig/host/toll.h"
#include "sig/host/trunk.h"
#include "sig/host/trunk_route.h"
#include "sig/model/leg.h"
#include "sig/shard/shard_state.h"
#include "sig/shard/shared_tables.h"
#include "sig/sip/focus_parse.h"

struct user_request {
	struct user_request *next;
	uint64_t token;
	uint64_t call;
};

static void shard_user_found(struct shard *s, uint64_t token, struct instant now)
{
	struct user_request **at = &s->user_asks, *a;
	struct reply reply = { .ask = ASK_USER, .user = token };

	while (*at && (*at)->token != token)
		at = &(*at)->next;
	a = *at;
	if (!a)
		return;
	*at = a->next;
	reply.of = a->call;
	shard_replied(s, &reply, now);
	free(a);
}

struct dial_of {
	const struct shard *shard;
	uint16_t tenant;
	struct bytes user; /* the caller, if an extension */
};

static bool dial_finds(void *arg, struct bytes number)
{
	const struct dial_of *of = arg;

	return shard_extension_find(of->shard, of->tenant, number) != NULL;
}

static bool dial_fits(void *arg, struct bytes number)
{
	const struct dial_of *of = arg;
	struct bytes name = bytes_str(tenants_name(of->shard->settings.tenants, of->tenant));

	return programs_number(of->shard->shared_tables->programs, name, number).n;
}

bool shard_number_is_of_node(const struct shard *s, uint16_t tenant, struct bytes number)
{
	struct dial_of of = { .shard = s, .tenant = tenant };

	return rooms_find(s->settings.rooms, tenant, number) || dial_fits(&of, number);
}

static bool dial_finds_room(void *arg, struct bytes number)
{
	const struct dial_of *of = arg;

	struct bytes name = bytes_str(tenants_name(of->shard->settings.tenants, of->tenant));

	return rooms_find(of->shard->settings.rooms, of->tenant, number) ||
	       programs_number_exact(of->shard->shared_tables->programs, name, number).n;
}

static size_t dial_trunk_access(void *arg, struct bytes number)
{
	const struct dial_of *of = arg;
	const struct trunks *all = of->shard->settings.trunks;
	uint16_t trunk = trunks_by_access(all, of->tenant, number);

	return trunk == TRUNK_NONE ? 0 : bytes_str(trunks_settings(all, trunk)->access).n;
}

static struct dial_asker dial_asker_of(const struct shard *s, struct dial_of *of)
{
	const struct shard_forward *own =
		of->user.n ? shard_forward_of(s, of->tenant, of->user) : NULL;

	static_assert(sizeof(s->settings.emergency[0]) == sizeof(char[16]), "struct dial_asker");
	return (struct dial_asker){ .plan = dial_plans_of(s->settings.dials, of->tenant),
				    .codes = &s->settings.codes,
				    .emergency = s->settings.emergency,
				    .emergency_count = s->settings.emergency_count,
				    .rules = bytes_str(own ? own->dial_rules : NULL),
				    .own_access = shard_forward_access(own),
				    .arg = of,
				    .is_extension = dial_finds,
				    .is_room = dial_finds_room,
				    .fits = dial_fits,
				    .trunk_access = dial_trunk_access };
}

void shard_dial(const struct shard *s, const struct shard_dialler *who, struct bytes dialled,
		struct dial_result *out)
{
	struct dial_of of = { s, who->tenant, who->user };
	struct dial_asker asker = dial_asker_of(s, &of);

	asker.outside = who->phone;
	asker.scheme = who->scheme;
	asker.classes = tenants_classes(s->settings.tenants, who->tenant, who->classes);
	dial_resolve(&asker, dialled, out);
}

bool shard_is_emergency(const struct shard *s, uint16_t tenant, struct bytes by,
			const struct sip_uri *uri, char number[DIAL_NUMBER_MAX])
{
	struct dial_of of = { s, tenant, by };
	struct dial_asker asker = dial_asker_of(s, &of);
	char user[ROUTE_USER_MAX];

	return route_user(uri, user) == ROUTE_OK &&
	       dial_is_emergency(&asker, bytes_str(user), number);
}

/* The tenant is not known yet: any access code may be in front of the number. */
bool shard_may_be_emergency(const struct shard *s, const struct sip_uri *uri)
{
	char user[ROUTE_USER_MAX];
	struct bytes number;

	if (route_user(uri, user) != ROUTE_OK)
		return false;
	number = bytes_str(user);
	for (uint32_t i = 0; i < s->settings.emergency_count; i++) {
		size_t n = strlen(s->settings.emergency[i]);

		if (n <= number.n &&
		    bytes_is(bytes_from(number, number.n - n), s->settings.emergency[i]))
			return true;
	}
	return dial_plans_may_help(s->settings.dials, number);
}

/* In the words of Warning and Reason, by enum dial_class. */
static const char *const g_barred[] = {
#define X(id, name, help) "calls to numbers of the class " name " are barred for the extension",
	DIAL_CLASSES(X)
#undef X
		"calls to numbers of no class are barred for the extension",
};

static bool refuse_as(struct call_refusal *why, uint16_t status, enum refusal reason)
{
	*why = (struct call_refusal){ .status = status, .reason = reason };
	return false;
}

/* Reports DIAL_BARRED: without a plan and a route, outside is undefined. */
static bool shard_dial_is_barred(const struct shard *s, uint16_t tenant,
				 const struct dial_result *dialled)
{
	return dial_plans_of(s->settings.dials, tenant)->given ||
	       shard_has_trunk_route(s, tenant, bytes_str(dialled->number));
}

bool shard_dial_refuse(const struct shard *s, uint16_t tenant, const struct dial_result *dialled,
		       struct call_refusal *why)
{
	if (dialled->kind == DIAL_MORE) /* RFC 3578 */
		return refuse_as(why, 484, REFUSED_INCOMPLETE);
	(void)refuse_as(why, 404, REFUSED_NOT_FOUND);
	if (dialled->kind != DIAL_BARRED || !shard_dial_is_barred(s, tenant, dialled))
		return false;
	(void)refuse_as(why, 403, REFUSED_BARRED);
	why->text = dialled->blocked ? "the number is blocked" : g_barred[dialled->class];
	return false;
}

/* A call for help gets what any other does, but that no trunk is too full for it. It is called by
 * a trunk that is not probed, too: of that nobody knows better before the call, as *reason says. */
static uint16_t dial_help_outcome(const struct shard *s, uint16_t tenant, struct bytes number,
				  const char **reason)
{
	const struct trunks *all = s->settings.trunks;
	struct trunk_route_server ways[TRUNK_ROUTE_TRUNKS_MAX * TRUNK_SERVERS_MAX];
	uint32_t n;
	bool up = false;

	if (shard_extension_find(s, tenant, number) ||
	    rooms_find(s->settings.rooms, tenant, number))
		return 0;
	n = trunk_route(&s->settings, tenant, number, 0, ways, COUNT_OF(ways));
	for (uint32_t i = 0; i < n; i++) {
		if (!trunks_has(all, ways[i].trunk) || ways[i].down ||
		    !(trunks_settings(all, ways[i].trunk)->directions & TRUNK_OUT))
			continue;
		if (trunks_settings(all, ways[i].trunk)->probe_s)
			return 0;
		up = true;
	}
	if (up) {
		*reason = SHARD_HELP_UNPROBED;
		return 0;
	}
	*reason = refusals[n ? REFUSED_TRUNK_AWAY : REFUSED_NOT_FOUND].name;
	return n ? 503 : 404;
}

uint16_t shard_dial_outcome(const struct shard *s, uint16_t tenant,
			    const struct dial_result *dialled, const char **reason)
{
	struct call_refusal why = { 0 };

	*reason = "";
	if (dialled->kind == DIAL_EMERGENCY)
		return dial_help_outcome(s, tenant, bytes_str(dialled->number), reason);
	if (dialled->kind == DIAL_EXTENSION || dialled->kind == DIAL_ROOM ||
	    dialled->kind == DIAL_FEATURE ||
	    (dialled->kind == DIAL_OUTSIDE &&
	     shard_has_trunk_route(s, tenant, bytes_str(dialled->number))))
		return 0;
	(void)shard_dial_refuse(s, tenant, dialled, &why);
	*reason = why.text ? why.text : refusals[why.reason].name;
	return why.status;
}

/* Authenticated INVITEs, and MESSAGEs outside of dialogs, that wait for the store's data on the
 * user they name and are not yet calls. And REFERs of members that invite that user into their
 * conference. */

enum { INVITE_WAITS_MAX = 1024 };

struct invite_wait {
	struct invite_wait *next;
	uint64_t token;
	struct sip_hop hop;
	struct text message, branch;
	char from[ROUTE_USER_MAX];
	uint16_t tenant; /* of which one its sender has proven to be */
	bool phone;
};

static void invite_wait_free(struct shard *s, struct invite_wait *w)
{
	text_clear(&w->message);
	text_clear(&w->branch);
	free(w);
	s->invite_wait_count--;
}

void shard_invites_drop(struct shard *s)
{
	while (s->invite_waits) {
		struct invite_wait *w = s->invite_waits;

		s->invite_waits = w->next;
		invite_wait_free(s, w);
	}
}

bool shard_invite_is_waiting(const struct shard *s, const struct sip_message *m)
{
	for (const struct invite_wait *w = s->invite_waits; w; w = w->next) {
		if (bytes_eq(text_bytes(&w->branch), m->via.branch) &&
		    addr_eq(&w->hop.remote, &m->hop.remote))
			return true;
	}
	return false;
}

/* The user is one of ours, and the store may have newer registrations of him. */
static bool is_to_be_asked(const struct shard *s, const struct sip_message *m, uint16_t tenant,
			   const char *from, char user[ROUTE_USER_MAX])
{
	struct shard_dialler who = { .tenant = tenant, .user = bytes_str(from) };
	struct dial_result dialled;
	struct gruu gruu;
	bool fixed;

	if (shard_trunk_of(s, &m->hop) != TRUNK_NONE)
		return shard_trunk_calls(s, m, tenant, user, &fixed) &&
		       shard_extension_find(s, tenant, bytes_str(user)) != NULL &&
		       !locations_know(s->locations, tenant, bytes_str(user));
	if (route_phone(&m->uri, tenant, &s->settings, user, &gruu) != ROUTE_OK)
		return false;
	if (!shard_extension_find(s, tenant, bytes_str(user))) {
		shard_dial(s, &who, bytes_str(user), &dialled);
		if (bytes_cstr(bytes_str(dialled.number), user, ROUTE_USER_MAX) ||
		    !shard_extension_find(s, tenant, bytes_str(user)))
			return false;
	}
	return !locations_know(s->locations, tenant, bytes_str(user));
}

static bool invite_keep(struct shard *s, const struct sip_message *m, uint16_t tenant,
			const char *from, bool phone)
{
	struct invite_wait *w =
		s->invite_wait_count < INVITE_WAITS_MAX ? calloc(1, sizeof(*w)) : NULL;

	if (!w)
		return false;
	*w = (struct invite_wait){ .next = s->invite_waits,
				   .token = ++s->invite_wait_token,
				   .hop = m->hop,
				   .tenant = tenant,
				   .phone = phone };
	s->invite_wait_count++;
	(void)bytes_cstr(bytes_str(from), w->from, sizeof(w->from));
	if (text_set(&w->message, message_text(m)) || text_set(&w->branch, m->via.branch)) {
		invite_wait_free(s, w);
		return false;
	}
	s->invite_waits = w;
	return true;
}

/* If no store can be asked, what is known must do. */
static bool invite_asks(struct shard *s, const struct sip_message *m, uint16_t tenant,
			const char *user, const char *from, bool phone)
{
	struct invite_wait *w;

	if (!invite_keep(s, m, tenant, from, phone))
		return false;
	if (locations_request(s->locations, tenant, bytes_str(user), &s->locations_user,
			      s->invite_wait_token))
		return true;
	w = s->invite_waits;
	s->invite_waits = w->next;
	invite_wait_free(s, w);
	return false;
}

bool shard_invite_hold(struct shard *s, const struct sip_message *m, uint16_t tenant,
		       const char *from, bool phone)
{
	char user[ROUTE_USER_MAX];

	return is_to_be_asked(s, m, tenant, from, user) &&
	       invite_asks(s, m, tenant, user, from, phone);
}

bool shard_refer_hold(struct shard *s, const struct call *c, const struct sip_message *m)
{
	char user[ROUTE_USER_MAX];
	struct focus_wish wish;
	struct bytes value;

	if (!c->member || !message_header(m, "Refer-To", 0, &value) || focus_parse(&wish, value) ||
	    wish.deed != FOCUS_ADD || wish.uri.headers.n ||
	    route_user(&wish.uri, user) != ROUTE_OK ||
	    !shard_extension_find(s, c->tenant, bytes_str(user)) ||
	    locations_know(s->locations, c->tenant, bytes_str(user)))
		return false;
	return invite_asks(s, m, c->tenant, user, "", false);
}

static void invite_go_on(struct shard *s, const struct sip_message *m, const struct invite_wait *w)
{
	const struct shard_method *of = shard_method_find(s, m->method);

	if (m->method == SIP_REFER)
		shard_inside_resume(s, m);
	else if (shard_tenant_of(s, m) != w->tenant) /* his tenant was disabled meanwhile */
		shard_refuse(s, NULL, m, 403, REFUSED_IDENTITY, (struct bytes){ 0 });
	else if (of && of->resume)
		of->resume(s, m, w->from, w->phone);
	else
		shard_invite_resume(s, m, w->from, w->phone);
}

void shard_invite_found(void *owner, uint64_t token, struct instant now)
{
	struct shard *s = owner;
	struct invite_wait **at = &s->invite_waits, *w;
	struct message_error error;
	struct sip_message m;

	shard_set_now(s, now);
	while (*at && (*at)->token != token)
		at = &(*at)->next;
	w = *at;
	if (!w) {
		if (!shard_lost_found(s, token))
			shard_user_found(s, token, now);
		return;
	}
	*at = w->next;
	if (!message_parse(&m, text_bytes(&w->message), &error)) {
		m.hop = w->hop;
		invite_go_on(s, &m, w);
	}
	message_close(&m);
	invite_wait_free(s, w);
}

/* Calls that wait for the store's data on a user that they are forwarded to. */

void shard_user_asks_drop(struct shard *s)
{
	while (s->user_asks) {
		struct user_request *a = s->user_asks;

		s->user_asks = a->next;
		free(a);
	}
}

static bool shard_user_known(void *owner, uint16_t tenant, struct bytes user)
{
	const struct shard *s = owner;

	return locations_know(s->locations, tenant, user);
}

static bool shard_user_unread(void *owner, uint16_t tenant, struct bytes user)
{
	const struct shard *s = owner;

	return locations_unread(s->locations, tenant, user);
}

static uint64_t shard_user_request(void *owner, uint16_t tenant, struct bytes user, uint64_t call)
{
	struct shard *s = owner;
	struct user_request *a = calloc(1, sizeof(*a));

	if (!a)
		return 0;
	*a = (struct user_request){ .token = ++s->invite_wait_token, .call = call };
	if (!locations_request(s->locations, tenant, user, &s->locations_user, a->token)) {
		free(a);
		return 0;
	}
	a->next = s->user_asks;
	s->user_asks = a;
	return a->token;
}

const struct location_service shard_location_service = {
	.resolve = shard_targets_of,
	.is_complete = shard_user_known,
	.is_unreadable = shard_user_unread,
	.ask_store = shard_user_request,
	.other_flows = shard_flows_of,
	.gruu_contact = shard_contact_of,
};

/* Calls from trunks: the caller, the meaning of the number, and the terms. And the targets of calls
 * to trunks. */

uint16_t shard_trunk_of(const struct shard *s, const struct sip_hop *hop)
{
	return hop->transport == SIP_INTER_SHARD ? TRUNK_NONE : trust_trunk(&s->settings, hop);
}

void shard_trunk_trust(struct shard *s, const struct sip_message *m, uint16_t tenant,
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

/* Our own INVITE came back: the callee routes to us what we send to it. */
static bool is_own(const struct shard *s, const struct sip_message *m)
{
	const struct call *c;
	struct id_tag tag;

	if (id_tag_get(m->from.tag, &tag))
		return false;
	forward_follow(&s->elsewhere, &tag);
	c = shard_call_find(s, tag.call);
	return c && call_leg(c, tag.leg) && c->legs[tag.leg]->outbound &&
	       bytes_eq(text_bytes(&c->legs[tag.leg]->dialog.call_id), m->call_id);
}

/* Taking over a leg of the same trunk (RFC 3891) may exceed its channels by one. */
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
	l = c ? c->legs[what.leg] : NULL;
	return l && l->channel == trunk &&
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
	terms.media_by_sdp = true;
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

static enum dial_kind shard_dials(void *owner, uint16_t tenant, struct bytes user,
				  struct bytes number, char out[DIAL_NUMBER_MAX])
{
	const struct shard_extension *e = shard_extension_of(owner, tenant, user);
	struct shard_dialler who = { .tenant = tenant, .user = user, .phone = true };
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

static bool shard_toll_of(void *owner, uint16_t tenant, struct bytes user, struct bytes number,
			  struct toll_terms *out)
{
	const struct shard_extension *e = user.n ? shard_extension_of(owner, tenant, user) : NULL;
	const struct sip_uri uri = { .scheme = BYTES_LIT("tel"), .user = number };
	const struct shard *s = owner;
	char help[DIAL_NUMBER_MAX];

	*out = (struct toll_terms){ .tenant = tenants_toll(s->settings.tenants, tenant) };
	if (e)
		out->user = (struct toll_limits){ e->outside_calls, e->outside_minutes };
	return !number.n || !shard_is_emergency(s, tenant, user, &uri, help);
}

const struct toll_service shard_toll_service = { .limits = shard_toll_of };

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

/* An address with its port needs no transport parameter; transport=tls is deprecated (RFC
 * 3261 26.2.2), but all understand it. */
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

/* The first address of ours in its network. Returns false if none is usable. */
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

/* RFC 4694: parameters of a telephone number (RFC 3261 19.1.6). Values that would need an escape
 * are left out. */
static bool portability_is_sendable(const struct trunk_settings *t, struct bytes value)
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
	if (portability_is_sendable(t, portability)) {
		writer_str(&uri, ";");
		writer_bytes(&uri, portability);
	}
	writer_str(&uri, "@");
	write_place(&uri, &t->servers[step->server], t->transport);
	if (portability_is_sendable(t, portability))
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

const struct trunk_service shard_trunk_service = {
	.target = shard_trunk_route_target,
	.classify = shard_dials,
};

/* False: its server is not there, or its name is not known yet. */
static bool out_target(struct shard *s, uint16_t tenant, const struct trunk_route_server *route,
		       uint64_t seed, struct call_target *out)
{
	const char *trunk = trunks_name(s->settings.trunks, route->trunk);
	const struct plan_step step = {
		.trunk = { .p = (char *)(uintptr_t)trunk, .n = (uint32_t)strlen(trunk) },
		.number = { .p = (char *)(uintptr_t)route->number,
			    .n = (uint32_t)strlen(route->number) },
		.server = route->server,
	};

	return shard_trunk_route_target(s, tenant, &step, (struct bytes){ 0 }, out) &&
	       resolve_known_target(&s->host, seed, out);
}

/* Those that answer first. */
enum refusal shard_way_out(struct shard *s, uint16_t tenant, struct bytes number, uint64_t seed,
			   struct call_target *out)
{
	struct trunk_route_server routes[TRUNK_ROUTE_SERVERS_MAX];
	uint32_t n = trunk_route(&s->settings, tenant, number, seed, routes, COUNT_OF(routes));
	enum refusal refused = n ? REFUSED_TRUNK_AWAY : REFUSED_NOT_REGISTERED;

	for (uint32_t i = 0; i < 2 * n; i++) {
		const struct trunk_route_server *route = &routes[i % n];

		if (!route->open || route->down != (i >= n))
			continue;
		if (out_target(s, tenant, route, seed, out))
			return REFUSED_NOT;
		refused = REFUSED_TRUNK_AWAY;
	}
	return refused;
}
