/* SPDX-License-Identifier: Apache-2.0 */
/* What parties ask the focus of a conference for (RFC 4579): whoever is rung, comes with another call, or begins one beside a call of two. Rooms
 * have their turn behind the step in which that is asked. */
#include <errno.h>

#include "sig/call/conference.h"
#include "sig/model/call_order.h"
#include "sig/room/room.h"
#include "sig/shard/shard_room.h"

enum { RUNG_NAME_MAX = 64 };

/* The same REFER, said again to a successor, rings nobody twice. */
static uint64_t focus_rung(const struct shard *s, const struct focus_ask *a)
{
	uint8_t space[RUNG_NAME_MAX];
	struct writer w = writer_over(space, sizeof(space));

	writer_number(&w, "refer ", a->call, " ");
	writer_u64(&w, a->refer);
	return id_call_derive(s->settings.number, writer_done(&w));
}

static int focus_rings(struct shard *s, const struct focus_ask *a)
{
	const struct call *by = shard_call_find(s, a->call);
	char to[ROUTE_USER_MAX], whose[ROUTE_USER_MAX];
	struct shard_confer o = { .room = a->room->id,
				  .call = a->call,
				  .leg = SHARD_LEG_CALLER,
				  .to = to,
				  .whose = whose,
				  .rung = focus_rung(s, a),
				  .inviter = a->inviter,
				  .referrer = a->notify ? a->call : 0,
				  .refer = a->refer,
				  .refusal = a->refusal };

	if (!by || bytes_cstr(a->to, to, sizeof(to)) ||
	    bytes_cstr(conference_user(by), whose, sizeof(whose)))
		return -EHOSTUNREACH;
	return shard_room_ring(s, &o, a->room);
}

/* Whoever stays of that call is host there where his place is that of one. */
static int focus_comes(struct shard *s, const struct focus_ask *a, struct call *comes)
{
	const struct call *place = a->stead ? shard_call_find(s, a->stead) : NULL;
	enum shard_leg stays = a->leaves == SHARD_LEG_CALLER ? SHARD_LEG_CALLEE : SHARD_LEG_CALLER;
	bool hosts = place && place->member && place->member->hosts;
	int err = shard_room_comes(s, a->room, comes, hosts ? stays : SHARD_LEG_NONE,
				   (enum shard_leg)a->leaves);

	if (!err && place)
		shard_room_comes_instead(a->room, comes->id, place->id);
	return err;
}

int shard_focus(void *owner, const struct focus_ask *a)
{
	struct shard *s = owner;
	struct call *comes = a->comes ? shard_call_find(s, a->comes) : NULL;

	if (s->draining)
		return -ESHUTDOWN;
	if (!a->comes)
		return focus_rings(s, a);
	if (id_shard(a->comes) != s->settings.number)
		return shard_room_comes_remote(s, a->room, a);
	if (!comes || comes->tenant != a->room->tenant)
		return -ENOENT;
	return focus_comes(s, a, comes);
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

	ev.slot = shard_take_inside(s, m, &party);
	if (ev.slot)
		shard_call_step(s, c, &ev);
}

bool shard_focus_referred(struct shard *s, const struct sip_message *m)
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

struct room *shard_focus_named(void *owner, uint16_t tenant, struct bytes user)
{
	return shard_room_named(owner, tenant, user);
}

int shard_room_of_local_call(void *owner, uint64_t call, uint8_t leg, struct room **out)
{
	struct shard *s = owner;
	struct call *c = shard_call_find(s, call);
	enum shard_leg host;
	int err;

	if (!c || !bridge_has(c, leg))
		return -ENOENT;
	host = leg == c->bridge.caller ? SHARD_LEG_CALLER : SHARD_LEG_CALLEE;
	*out = shard_room_of_calls(s, c->tenant);
	if (!*out)
		return -ENOSPC;
	err = shard_room_comes(s, *out, c, host, SHARD_LEG_NONE);
	if (err)
		shard_room_remove(s, *out);
	return err;
}

/* ---- which shard it is for ---- */

/* By a call of the sender: of a conference that goes on elsewhere its own shard knows nothing else. */
static uint16_t focus_shard_of_call(const struct shard *s, uint16_t tenant, struct bytes user,
				    struct bytes name)
{
	const struct leg *l = NULL;

	while ((l = leg_users_next(&s->legs, tenant, user, l)) != NULL) {
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
		return s->settings.number;
	return focus_shard_of_call(s, tenant, bytes_str(user), m->uri.user);
}
