/* SPDX-License-Identifier: Apache-2.0 */
/*
 * INVITE to a conference of calls by its name (RFC 4579 5.1), or with Join to those who speak in a dialog (RFC 3911): whose right it is. A phone
 * joins a dialog of its own extension. A member joins his conference, also by another phone; what a factory made each whom a member has invited.
 */
#include "sig/feature/far.h"
#include "sig/host/trunk.h"
#include "sig/room/room.h"
#include "sig/shard/shard_room.h"
#include "sig/sip/replaces.h"

static bool focus_call_fail(struct call_refusal *why, uint16_t status, const char *text)
{
	*why = (struct call_refusal){ .status = status, .reason = REFUSED_ROOM, .text = text };
	return true;
}

static bool focus_call_into(const struct room *r, char to[ROUTE_USER_MAX], struct call_set *set)
{
	uint8_t space[ROOM_USER_MAX];

	set->room = true;
	set->conference = r->id;
	(void)bytes_cstr(room_shown(r, space), to, ROUTE_USER_MAX);
	return true;
}

/* Its shard says whose right it is. */
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
	    (!far && !route_is_near(&m->uri, &m->from.uri, tenant, &s->settings)))
		return false;
	r = shard_room_named(s, tenant, m->uri.user);
	if (!r && !far && remote_shard_is_reachable(&s->settings, id_shard(id)))
		return focus_call_away(m->uri.user, id_shard(id), to, set);
	if (!r)
		return focus_call_fail(why, 404, "there is no such conference");
	if (!room_has_user(r, user) && !room_is_invited(r, user)) {
		shard_room_asked(s, r, user);
		return focus_call_fail(why, 403,
				       r->made ? "only who was invited may call that conference"
					       : "only who is in that conference may call it");
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
	if (!bytes_eq(text_bytes(&l->user), user) && !(r && room_has_user(r, user)))
		return focus_call_fail(why, 403, "the dialog is another's");
	return join_into(s, c, leg, to, set, why);
}

bool shard_focus_calls(struct shard *s, const struct sip_message *m, uint16_t tenant,
		       struct bytes user, char to[ROUTE_USER_MAX], struct call_set *set,
		       struct call_refusal *why)
{
	struct bytes value;

	*why = (struct call_refusal){ .status = 0 };
	if (shard_trunk_of(s, &m->hop) != TRUNK_NONE || !user.n)
		return false;
	if (m->hop.transport == SIP_INTER_SHARD)
		return focus_call_named(s, m, tenant, user, to, set, why);
	return message_header(m, "Join", 0, &value)
		       ? join_call(s, m, tenant, user, to, set, why)
		       : focus_call_named(s, m, tenant, user, to, set, why);
}
