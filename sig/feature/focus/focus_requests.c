/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of parties to the focus of a conference (RFC 4579): to ring a target, to add another
 * call, or to begin a conference from a two-party call. Rooms have their turn behind the step of
 * the request. */

#include "sig/call/module.h"
#include "sig/call/number_claim.h"
#include "sig/call/trunk_route.h"
#include "sig/feature/room/shard_room.h"
#include "sig/host/trunk.h"
#include "sig/model/call_order.h"
#include "sig/pbx/conference.h"
#include "sig/pbx/remote_shard.h"
#include "sig/room/room.h"
#include "sig/shard/shard_parts.h"
#include "sig/sip/dialog_name.h"

/* INVITE to a conference by its name (RFC 4579 5.1), or with Join to the parties of a dialog (RFC
 * 3911), and the right to do so. A phone joins a dialog of its own extension; a member joins his
 * conference, also by another phone; a conference made by a factory admits those that a member has
 * invited. */

static bool focus_call_fail(struct call_refusal *why, uint16_t status, const char *text)
{
	*why = (struct call_refusal){ .status = status, .reason = REFUSED_ROOM, .text = text };
	return true;
}

static bool focus_call_into(const struct room *r, char to[ROUTE_USER_MAX], struct call_set *set)
{
	uint8_t space[ROOM_USER_MAX];

	set->room = true;
	set->conference = r->object.id;
	(void)bytes_cstr(room_shown(r, space), to, ROUTE_USER_MAX);
	return true;
}

/* Its shard decides on the right. */
static bool focus_call_away(struct bytes name, uint16_t shard, char to[ROUTE_USER_MAX],
			    struct call_set *set)
{
	set->room = true;
	set->away = shard;
	set->named = name;
	(void)bytes_cstr(conf_name_shown(name), to, ROUTE_USER_MAX);
	return true;
}

/* ---- its name ---- */

static bool focus_call_named(struct shard *s, const struct sip_message *m, uint16_t tenant,
			     struct bytes user, char to[ROUTE_USER_MAX], struct call_set *set,
			     struct call_refusal *why)
{
	const struct room *r;
	uint64_t id;

	bool far = m->hop.transport == SIP_INTER_SHARD;

	if (!conf_name_get(m->uri.user, &id) || shard_extension_find(s, tenant, m->uri.user) ||
	    (!far && !route_is_near(&m->uri, &m->from.uri, tenant, shard_settings(s))))
		return false;
	r = shard_room_named(s, tenant, m->uri.user);
	if (!r && !far && remote_shard_is_reachable(shard_settings(s), id_shard(id)))
		return focus_call_away(m->uri.user, id_shard(id), to, set);
	if (!r)
		return focus_call_fail(why, 404, "there is no such conference");
	if (!room_has_user(r, user) && !room_is_invited(r, user)) {
		shard_room_asked(s, r, user);
		return focus_call_fail(why, 403,
				       r->made ? "only invited extensions may call that conference"
					       : "only members of that conference may call it");
	}
	return focus_call_into(r, to, set);
}

/* ---- Join ---- */

/* In either order, as dialogs are told (RFC 4235). */
static const struct call *joined_find(const struct shard *s, uint16_t tenant,
				      const struct replaces *r, uint8_t *leg)
{
	const struct call *c =
		shard_dialog_find(s, tenant, r->call_id, r->to_tag, r->from_tag, leg);

	return c ? c : shard_dialog_find(s, tenant, r->call_id, r->from_tag, r->to_tag, leg);
}

static bool join_parse(const struct sip_message *m, struct replaces *out)
{
	struct bytes value;

	return !message_header(m, "Join", 1, &value) && !message_header(m, "Replaces", 0, &value) &&
	       message_header(m, "Join", 0, &value) && !replaces_parse(out, value);
}

static const struct room *joined_room(const struct shard *s, const struct call *c)
{
	return c->member && !c->member->asks ? shard_room_find(s, c->member->room) : NULL;
}

static bool join_into(const struct shard *s, const struct call *c, uint8_t leg,
		      char to[ROUTE_USER_MAX], struct call_set *set, struct call_refusal *why)
{
	const struct room *r = joined_room(s, c);

	if (r)
		return focus_call_into(r, to, set);
	if (c->state != CALL_ESTABLISHED || !call_callee(c) || !bridge_has(c, leg))
		return focus_call_fail(why, 488, "nobody speaks with that party");
	set->room = true;
	set->joins = c->id;
	set->join_leg = leg;
	if (bytes_cstr(call_leg_user(c, bridge_peer(c, leg)), to, ROUTE_USER_MAX))
		to[0] = '\0';
	return true;
}

static bool join_call(struct shard *s, const struct sip_message *m, uint16_t tenant,
		      struct bytes user, char to[ROUTE_USER_MAX], struct call_set *set,
		      struct call_refusal *why)
{
	struct replaces join;
	const struct call *c;
	const struct room *r;
	const struct leg *l;
	uint8_t leg;

	if (!join_parse(m, &join))
		return focus_call_fail(why, 400, "one Join, and no Replaces beside it");
	c = joined_find(s, tenant, &join, &leg);
	if (!c)
		return focus_call_named(s, m, tenant, user, to, set, why) ||
		       focus_call_fail(why, 481, "no such dialog");
	l = c->legs[leg];
	r = joined_room(s, c);
	if (l->state >= LEG_LEAVING || c->state == CALL_ENDING)
		return focus_call_fail(why, 603, "the call to be joined is over");
	if ((c->member && c->member->monitors) ||
	    (!bytes_eq(text_bytes(&l->user), user) && !(r && room_has_user(r, user))))
		return focus_call_fail(why, 403, "the dialog is another's");
	return join_into(s, c, leg, to, set, why);
}

static bool focus_calls(struct shard *s, const struct number_request *ask,
			struct number_claimed *out, struct call_refusal *why)
{
	const struct sip_message *m = ask->invite;
	struct bytes value;

	*why = (struct call_refusal){ .status = 0 };
	if (shard_trunk_of(s, &m->hop) != TRUNK_NONE || !ask->user.n)
		return false;
	if (m->hop.transport != SIP_INTER_SHARD && message_header(m, "Join", 0, &value))
		return join_call(s, m, ask->tenant, ask->user, out->to, &out->set, why);
	return focus_call_named(s, m, ask->tenant, ask->user, out->to, &out->set, why);
}

/* A phone calls a conference by name, or with Join for the peer of a dialog of its own. */
static enum number_verdict focus_claim(struct call_host *h, const struct number_request *ask,
				       struct number_claimed *out, struct call_refusal *why)
{
	if (!focus_calls(h->owner, ask, out, why))
		return NUMBER_FREE;
	return why->status ? NUMBER_REFUSED : NUMBER_CLAIMED;
}

const struct number_claim focus_numbers[] = { { 1, focus_claim }, { 0 } };

/* A number outside that a member invites is called by the extension of its phone, by its dial plan
 * and the first usable trunk. */

enum refusal shard_room_way(struct shard *s, const struct call *by,
			    const struct shard_conference_request *o, char number[ROUTE_USER_MAX],
			    struct call_target *out)
{
	const struct sip_uri uri = { .scheme = BYTES_LIT("tel"), .user = bytes_str(o->to) };
	struct bytes subject = bytes_str(o->subject);
	char help[DIAL_NUMBER_MAX];

	if (shard_is_emergency(s, by->tenant, subject, &uri, help))
		return REFUSED_MAY_NOT_CALL; /* emergency calls cannot be made for others */
	if (!trunk_route_dialled(shard_host(s), by->tenant, subject, bytes_str(o->to), number)) {
		trunk_route_is_barred(shard_host(s), by, subject, bytes_str(o->to));
		return REFUSED_MAY_NOT_CALL;
	}
	if (modules_withheld(shard_host(s), by, subject, bytes_str(number)))
		return REFUSED_MAY_NOT_CALL;
	return shard_way_out(s, by->tenant, bytes_str(number), o->rung, out);
}

enum { RUNG_NAME_MAX = 64 };

/* The same REFER repeated to a successor rings no phone twice. */
static uint64_t focus_rung(const struct shard *s, const struct focus_addition *a)
{
	uint8_t space[RUNG_NAME_MAX];
	struct writer w = writer_over(space, sizeof(space));

	writer_number(&w, "refer ", a->call, " ");
	writer_u64(&w, a->refer);
	return id_call_derive(shard_settings(s)->number, writer_done(&w));
}

static enum refusal focus_rings(struct shard *s, const struct focus_addition *a)
{
	const struct call *by = shard_call_find(s, a->call);
	char to[ROUTE_USER_MAX], subject[ROUTE_USER_MAX];
	struct shard_conference_request o = { .room = a->room->object.id,
					      .call = a->call,
					      .leg = SHARD_LEG_CALLER,
					      .to = to,
					      .subject = subject,
					      .rung = focus_rung(s, a),
					      .inviter = a->inviter,
					      .referrer = a->notify ? a->call : 0,
					      .refer = a->refer,
					      .refusal = a->refusal };

	if (!by || bytes_cstr(a->to, to, sizeof(to)) ||
	    bytes_cstr(conference_user(by), subject, sizeof(subject)))
		return REFUSED_NOT_REGISTERED;
	return shard_room_ring(s, &o, a->room);
}

/* The remaining member of that call is host if he takes the place of the host. */
static enum refusal focus_expect(struct shard *s, const struct focus_addition *a,
				 struct call *comes)
{
	const struct call *place = a->stead ? shard_call_find(s, a->stead) : NULL;
	enum shard_leg stays = a->leaves == SHARD_LEG_CALLER ? SHARD_LEG_CALLEE : SHARD_LEG_CALLER;
	bool hosts = place && place->member && place->member->hosts;
	enum refusal refused = shard_room_expect(s, a->room, comes, hosts ? stays : SHARD_LEG_NONE,
						 (enum shard_leg)a->leaves);

	if (!refused && place)
		shard_room_comes_instead(a->room, comes->id, place->id);
	return refused;
}

enum refusal shard_focus(void *owner, const struct focus_addition *a)
{
	struct shard *s = owner;
	struct call *comes = a->comes ? shard_call_find(s, a->comes) : NULL;

	if (shard_is_draining(s))
		return REFUSED_DRAINING;
	if (!a->comes)
		return focus_rings(s, a);
	if (id_shard(a->comes) != shard_settings(s)->number)
		return shard_room_comes_remote(s, a->room, a);
	if (!comes || comes->tenant != a->room->object.tenant)
		return REFUSED_NO_CALL;
	return focus_expect(s, a, comes);
}

/* ---- REFER to it outside of a dialog ---- */

static struct call *focus_member(struct shard *s, const struct room *r, struct bytes user)
{
	const struct room_member *m = r->first;

	while (m && !m->asks && !bytes_eq(text_bytes(&m->told.user), user))
		m = m->next;
	return m && !m->asks ? shard_member_call(s, m) : NULL;
}

static void focus_referred_by(struct shard *s, const struct sip_message *m, uint16_t tenant,
			      struct bytes user, struct call *c)
{
	struct call_event ev = { .kind = CALL_EV_REFER, .message = m, .leg = c->bridge.caller };
	struct quota_party party = shard_party(s, tenant, user, &m->hop);

	ev.slot = shard_txn_in_dialog(s, m, &party);
	if (ev.slot)
		shard_call_step(s, c, &ev);
}

static bool focus_referred(struct shard *s, const struct sip_message *m)
{
	uint16_t tenant = shard_tenant_of(s, m);
	const struct room *r = shard_room_named(s, tenant, m->uri.user);
	const struct shard_extension *e;
	char user[ROUTE_USER_MAX];
	struct call *c;

	if (!r)
		return false;
	if (!shard_has_contact(m)) {
		shard_refuse(s, NULL, m, 400, REFUSED_MALFORMED, (struct bytes){ 0 });
		return true;
	}
	if (!shard_identify(s, m, tenant, user, &e))
		return true;
	c = focus_member(s, r, bytes_str(user));
	if (c)
		focus_referred_by(s, m, tenant, bytes_str(user), c);
	else
		shard_refuse(s, NULL, m, 403, REFUSED_TRANSFER, (struct bytes){ 0 });
	return true;
}

enum refusal shard_room_of_local_call(void *owner, uint64_t call, uint8_t leg, struct room **out)
{
	struct shard *s = owner;
	struct call *c = shard_call_find(s, call);
	enum refusal refused;
	enum shard_leg host;

	if (!c || !bridge_has(c, leg))
		return REFUSED_NO_CALL;
	host = leg == c->bridge.caller ? SHARD_LEG_CALLER : SHARD_LEG_CALLEE;
	*out = shard_room_of_calls(s, shard_call_new_id(s), c->tenant);
	if (!*out)
		return REFUSED_CONFERENCES_FULL;
	refused = shard_room_expect(s, *out, c, host, SHARD_LEG_NONE);
	if (refused)
		object_remove(s, &(*out)->object);
	return refused;
}

/* ---- which shard it is for ---- */

/* By a call of the sender: this shard knows nothing else of a conference on a remote shard. */
static uint16_t focus_shard_of_call(const struct shard *s, uint16_t tenant, struct bytes user,
				    struct bytes name)
{
	const struct leg *l = NULL;

	while ((l = leg_users_next(shard_legs(s), tenant, user, l)) != NULL) {
		const struct call *c = shard_call_find(s, dialog_call(&l->dialog));
		uint8_t at = dialog_leg(&l->dialog);

		if (c && bytes_eq(text_bytes(&l->dialog.focus), name) &&
		    conference_is_remote(c, at))
			return inter_shard_of(&c->legs[bridge_peer(c, at)]->dialog.hop.remote);
	}
	return 0;
}

uint16_t shard_focus_shard(const struct shard *s, const struct sip_message *m)
{
	bool asks = m->request && (m->method == SIP_SUBSCRIBE || m->method == SIP_REFER);
	uint16_t tenant;
	const struct room *r;
	char user[ROUTE_USER_MAX];

	if (!asks || m->to.tag.n || !m->uri.user.n || route_user(&m->from.uri, user) != ROUTE_OK)
		return 0;
	tenant = shard_tenant_of(s, m);
	r = shard_room_named(s, tenant, m->uri.user);
	if (r && room_has_user(r, bytes_str(user)))
		return shard_settings(s)->number;
	return focus_shard_of_call(s, tenant, bytes_str(user), m->uri.user);
}

const struct shard_hooks focus_hooks = { .referred = focus_referred };
