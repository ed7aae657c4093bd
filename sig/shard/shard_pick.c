/* SPDX-License-Identifier: Apache-2.0 */
/* Ringing calls of other users: who may pick them up, and which one is meant. Over all shards of
 * the node, as BLF shows them. */
#include <stdlib.h>

#include "base/log.h"
#include "sig/call/number_claim.h"
#include "sig/call/wait.h"
#include "sig/pbx/park.h"
#include "sig/pbx/pick.h"
#include "sig/pbx/retrieve.h"
#include "sig/shard/shard_state.h"

/* What was found until now. */
struct picking {
	const struct shard *shard; /* the requester */
	uint16_t tenant;
	struct bytes by;
	uint64_t only; /* that call; 0: any */
	const struct call *oldest;
	bool promised; /* there is one that another one takes */
};

static bool picking_rings(const struct leg *l)
{
	return l && l->outbound && l->state == LEG_EARLY && l->user.n;
}

static void picking_weigh(struct picking *p, const struct shard *s, const struct call *c)
{
	if (p->only && c->id != p->only)
		return;
	if (c->tenant != p->tenant || !call_is_ringing(c) || bytes_eq(text_bytes(&c->from), p->by))
		return;
	if (pick_is_promised(&s->host, c))
		p->promised = true;
	else if (!p->oldest || c->setup_utc_ms < p->oldest->setup_utc_ms)
		p->oldest = c;
}

static void picking_at(struct picking *p, const struct shard *s, struct bytes of)
{
	const struct leg *l = NULL;

	while ((l = leg_users_next(&s->legs, p->tenant, of, l)) != NULL) {
		const struct call *c =
			picking_rings(l) ? shard_call_find(s, dialog_call(&l->dialog)) : NULL;

		if (c)
			picking_weigh(p, s, c);
	}
}

static bool groups_meet(struct bytes list, struct bytes other)
{
	struct bytes one;

	while (bytes_cut(&list, ',', &one)) {
		if (one.n && bytes_list_has(other, one))
			return true;
	}
	return false;
}

static bool pick_may(void *owner, uint16_t tenant, struct bytes by, struct bytes of)
{
	const struct shard *s = owner;
	const struct shard_extension_slot *to = shard_extension_slot(s, tenant, by);
	const struct shard_extension_slot *from = shard_extension_slot(s, tenant, of);

	if (!to || !from || !to->extension.enabled)
		return false;
	return to == from ||
	       groups_meet(bytes_str(to->pickup_groups), bytes_str(from->pickup_groups));
}

static bool picking_may(const struct picking *p, const struct call *c)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		const struct leg *l = c->legs[i];

		if (picking_rings(l) &&
		    pick_may(p->shard->host.owner, p->tenant, p->by, text_bytes(&l->user)))
			return true;
	}
	return false;
}

static void picking_in_groups(struct picking *p, const struct shard *s)
{
	const struct call *c;
	uint32_t cursor = 0;
	pool_handle at;

	while ((c = pool_next(&s->calls, &cursor, &at)) != NULL) {
		if (c->state <= CALL_RINGING && c->tenant == p->tenant && picking_may(p, c))
			picking_weigh(p, s, c);
	}
}

static void picking_look(struct picking *p, struct bytes of)
{
	for (const struct shard *at = p->shard->shared_tables->shards; at; at = at->next) {
		if (of.n)
			picking_at(p, at, of);
		else
			picking_in_groups(p, at);
	}
}

/* Of the shards of this node: the one that rings for longest, and he may take it; or his own. */
static void shard_pick_here(const struct shard *s, uint16_t tenant, const struct remote_pick *pick,
			    struct remote_picked *out)
{
	struct picking p = { .shard = s, .tenant = tenant, .by = pick->by };
	struct user_call own;

	if (pick->want != USER_MAY_PICK) {
		shard_user_call(s, tenant, pick->by, pick->want, 0, &own);
		out->call = own.call;
		out->utc_ms = UINT64_MAX - steady_add(own.setup_utc_ms, s->host.wall_ms);
		return;
	}
	picking_look(&p, pick->of);
	out->promised = p.promised;
	out->call = p.oldest ? p.oldest->id : 0;
	out->utc_ms = p.oldest ? steady_add(p.oldest->setup_utc_ms, s->host.wall_ms) : 0;
}

/* Calls that ring on other nodes, for pickup by a code (docs/adr/0027): each node is asked for its
 * longest ringing one. */

enum { PICKINGS_MAX = 1024, PICKING_KEPT_S = 2 };

struct remote_picking {
	struct remote_picking *next;
	uint64_t serial, call;
	uint32_t awaited; /* nodes that have not answered */
	uint32_t seconds_left;
	struct remote_picked best;
};

static bool picked_is_older(const struct remote_picked *p, const struct remote_picked *than)
{
	return p->call && (!than->call || p->utc_ms < than->utc_ms);
}

static void picking_merge(struct remote_picking *picking, const struct remote_picked *p)
{
	picking->best.promised |= p->promised;
	if (picked_is_older(p, &picking->best)) {
		picking->best.call = p->call;
		picking->best.utc_ms = p->utc_ms;
	}
}

static struct remote_picking **picking_find(struct shard_shared_tables *c, uint64_t serial)
{
	struct remote_picking **at = &c->picking;

	while (*at && (*at)->serial != serial)
		at = &(*at)->next;
	return at;
}

static struct remote_picking *remote_picking_add(struct shard_shared_tables *c)
{
	struct remote_picking *picking;
	uint32_t count = 0;

	for (picking = c->picking; picking; picking = picking->next)
		count++;
	picking = count < PICKINGS_MAX ? calloc(1, sizeof(*picking)) : NULL;
	if (!picking)
		return NULL;
	picking->next = c->picking;
	c->picking = picking;
	return picking;
}

static void picking_drop(struct remote_picking **at)
{
	struct remote_picking *picking = *at;

	*at = picking->next;
	free(picking);
}

/* call: gets the result; 0: the owner of the serial. */
static bool picking_start(const struct shard *s, uint16_t tenant, const struct remote_pick *pick,
			  uint64_t serial, uint64_t call)
{
	struct shard_shared_tables *c = s->shared_tables;
	struct remote_item ask = { .kind = REMOTE_PICK, .serial = serial, .pick = *pick };
	uint32_t others = c->remote ? c->remote_with.others(c->remote_with.arg) : 0;
	struct remote_picking *picking = others ? remote_picking_add(c) : NULL;

	if (!picking)
		return false;
	picking->serial = serial;
	picking->call = call;
	picking->awaited = others;
	picking->seconds_left = PICKING_KEPT_S;
	shard_pick_here(s, tenant, pick, &picking->best);
	ask.pick.tenant = bytes_str(tenants_name(s->settings.tenants, tenant));
	remote_watch_send(c->remote, 0, &ask);
	return true;
}

static uint64_t shard_picks_remote(void *owner, uint16_t tenant, struct bytes by, struct bytes of,
				   uint64_t call)
{
	const struct shard *s = owner;
	const struct remote_pick pick = { .by = by, .of = of };
	uint64_t serial = rand_u64_from(s->host.rand) | 1;

	return picking_start(s, tenant, &pick, serial, call) ? serial : 0;
}

bool shard_picks_request(struct shard *s, uint16_t tenant, const struct remote_pick *pick,
			 uint64_t serial)
{
	return s->shared_tables->remote_with.picked && picking_start(s, tenant, pick, serial, 0);
}

static void picked_reply(const struct remote_picking *picking, struct park_reply *out)
{
	*out = (struct park_reply){ .serial = picking->serial, .owner = picking->best.call };
	out->told = picking->best.call ? PARK_OK : picking->best.promised ? PARK_TAKEN : PARK_EMPTY;
}

void shard_remote_picked(struct shard_shared_tables *c, uint64_t serial, struct park_reply *out)
{
	struct remote_picking **at = picking_find(c, serial);

	*out = (struct park_reply){ .serial = serial, .told = PARK_EMPTY };
	if (!*at)
		return;
	picked_reply(*at, out);
	picking_drop(at);
}

static void shard_picked_remote(void *owner, uint64_t serial, struct park_reply *out)
{
	const struct shard *s = owner;

	shard_remote_picked(s->shared_tables, serial, out);
}

void shard_remote_asked(const struct shard_shared_tables *c, const struct remote_pick *p,
			struct remote_picked *out)
{
	uint16_t tenant;

	if (shard_remote_tenant(c, p->tenant, &tenant) &&
	    (!p->of.n || pick_may(c->shards, tenant, p->by, p->of)))
		shard_pick_here(c->shards, tenant, p, out);
}

static void picking_notify(struct shard_shared_tables *c, uint64_t call,
			   const struct park_reply *outcome)
{
	const struct reply reply = { .ask = ASK_PARK, .of = call, .park = *outcome };

	if (!call)
		c->remote_with.picked(c->remote_with.arg, outcome);
	for (struct shard *s = c->shards; call && s; s = s->next) {
		if (s->settings.number == id_shard(call))
			shard_replied(s, &reply, c->remote_now);
	}
}

void shard_remote_answered(struct shard_shared_tables *c, uint64_t serial,
			   const struct remote_picked *p)
{
	struct remote_picking **at = picking_find(c, serial);
	struct park_reply outcome;
	uint64_t call;

	if (!*at)
		return;
	picking_merge(*at, p);
	if (--(*at)->awaited)
		return;
	picked_reply(*at, &outcome);
	call = (*at)->call;
	picking_drop(at);
	picking_notify(c, call, &outcome);
}

void shard_remote_picks_close(struct shard_shared_tables *c)
{
	while (c->picking)
		picking_drop(&c->picking);
}

/* Requests that are not awaited any more. */
void shard_remote_picks_expire(struct shard_shared_tables *c)
{
	struct remote_picking **at = &c->picking;

	while (*at) {
		if ((*at)->seconds_left-- == 0)
			picking_drop(at);
		else
			at = &(*at)->next;
	}
}

/* Which slots there are, and who uses them (PARK-01). */

static enum slot_use slot_used_by(void *owner, uint16_t tenant, struct bytes user,
				  struct bytes slot)
{
	const struct shard *s = owner;
	struct bytes groups = bytes_str(tenants_terms(s->settings.tenants, tenant)->park_groups);
	const struct shard_extension_slot *e;
	struct park_group g;

	if (!groups.n)
		return SLOT_USED;
	if (!park_group_of(groups, slot, &g))
		return SLOT_NONE;
	e = shard_extension_slot(s, tenant, user);
	return e && e->park_groups && bytes_list_has(bytes_str(e->park_groups), g.name)
		       ? SLOT_USED
		       : SLOT_OF_OTHERS;
}

bool shard_slot_is(const struct shard *s, uint16_t tenant, struct bytes user, struct bytes slot)
{
	enum slot_use use = slot_used_by(s->host.owner, tenant, user, slot);

	return use == SLOT_USED || (use == SLOT_OF_OTHERS && !user.n);
}

static enum number_verdict slot_dialled(struct call_host *h, const struct number_request *ask,
					struct number_claimed *out, struct call_refusal *why)
{
	const struct shard *s = h->owner;
	const struct shard_extension *e = shard_extension_find(s, ask->tenant, ask->user);
	enum slot_use use = slot_used_by(h->owner, ask->tenant, ask->user, ask->behind);

	(void)out;
	*why = (struct call_refusal){ .status = 403, .reason = REFUSED_FEATURE };
	if (!extension_may(s->settings.tenants, e, ENTITLED_PARK)) {
		why->reason = REFUSED_NOT_ENTITLED;
	} else if (use == SLOT_NONE) {
		why->status = 404;
		why->text = "there is no such slot";
	} else if (use == SLOT_OF_OTHERS) {
		why->text = "the slot is of a group that the extension is not in";
	} else {
		return NUMBER_FREE;
	}
	return NUMBER_REFUSED;
}

const struct dialled_code park_dialled_codes[] = { { FEATURE_PARK, slot_dialled }, { 0 } };

static bool place_of_group(const struct park_group *g, struct park_place *out)
{
	return !bytes_cstr(g->first, out->slot, sizeof(out->slot)) &&
	       !bytes_cstr(g->last, out->last, sizeof(out->last));
}

static bool slot_group(const struct shard *s, uint16_t tenant, struct bytes group,
		       struct park_place *out)
{
	struct park_group g;

	return park_group_find(bytes_str(tenants_terms(s->settings.tenants, tenant)->park_groups),
			       group, &g) &&
	       place_of_group(&g, out);
}

/* The first of the groups that the extension names. */
static bool place_of_extension(const struct shard *s, uint16_t tenant, struct bytes user,
			       struct park_place *out)
{
	const struct shard_extension_slot *e = shard_extension_slot(s, tenant, user);
	struct bytes names = bytes_str(e && e->park_groups ? e->park_groups : ""), name;

	while (bytes_cut(&names, ',', &name)) {
		if (slot_group(s, tenant, name, out))
			return true;
	}
	return false;
}

bool shard_slot_group(const struct shard *s, uint16_t tenant, struct bytes user, struct bytes group,
		      struct park_place *out)
{
	const struct shard_extension_slot *e = shard_extension_slot(s, tenant, user);

	if (!user.n)
		return slot_group(s, tenant, group, out);
	if (!group.n)
		return place_of_extension(s, tenant, user, out);
	return e && e->park_groups && bytes_list_has(bytes_str(e->park_groups), group) &&
	       slot_group(s, tenant, group, out);
}

static bool shard_parks(void *owner, uint16_t tenant, struct bytes user, struct bytes number,
			struct park_place *out)
{
	const struct shard *s = owner;
	const struct shard_extension *e = shard_extension_of(owner, tenant, user);
	struct shard_dialler who = { .tenant = tenant, .phone = true };
	struct dial_result dialled;

	*out = (struct park_place){ 0 };
	if (!e || !extension_may(s->settings.tenants, e, ENTITLED_PARK) ||
	    shard_extension_find(owner, tenant, number))
		return false;
	shard_dial(owner, &who, number, &dialled);
	if (dialled.kind == DIAL_MORE && dialled.feature == FEATURE_PARK && !dialled.value.n)
		return place_of_extension(s, tenant, user, out);
	return dialled.kind == DIAL_FEATURE && dialled.feature == FEATURE_PARK &&
	       slot_used_by(owner, tenant, user, dialled.value) == SLOT_USED &&
	       !bytes_cstr(dialled.value, out->slot, sizeof(out->slot));
}

static bool shard_park_place(void *owner, uint16_t tenant, struct bytes user, struct bytes slot,
			     struct bytes group, struct park_place *out)
{
	*out = (struct park_place){ 0 };
	if (slot.n)
		return park_slot_is(slot) && !bytes_cstr(slot, out->slot, sizeof(out->slot)) &&
		       shard_slot_is(owner, tenant, user, slot);
	return (!user.n || group.n) && shard_slot_group(owner, tenant, user, group, out);
}

static const struct parking_service shard_parking_service = {
	.dialled_slot = shard_parks,
	.named_slot = shard_park_place,
	.use = slot_used_by,
};

const struct services park_services = { .parking = &shard_parking_service };

static void pick_refuse(struct pick_reply *out, uint16_t status, const char *text)
{
	*out = (struct pick_reply){ .status = status, .text = text };
}

void shard_pick_of(const struct shard *s, uint16_t tenant, struct bytes by, struct bytes of,
		   uint64_t call, struct pick_reply *out)
{
	struct picking p = { .shard = s, .tenant = tenant, .by = by, .only = call };

	if (of.n && !shard_extension_find(s, tenant, of)) {
		pick_refuse(out, 404, "there is no such extension");
		return;
	}
	if (of.n && !pick_may(s->host.owner, tenant, by, of)) {
		pick_refuse(out, 403, "the two extensions are in no pick-up group together");
		return;
	}
	picking_look(&p, of);
	if (p.oldest)
		*out = (struct pick_reply){ .call = p.oldest->id };
	else if (p.promised)
		pick_refuse(out, 486, "somebody else takes the call");
	else
		pick_refuse(out, 404, "nobody calls there");
	out->may = true;
}

static void shard_picks(void *owner, uint16_t tenant, struct bytes by, struct bytes of,
			struct pick_reply *out)
{
	shard_pick_of(owner, tenant, by, of, 0, out);
}

static const struct pickup_service shard_pickup_service = {
	.may = pick_may,
	.ringing = shard_picks,
	.ask_remote = shard_picks_remote,
	.end_remote = shard_picked_remote,
};

const struct services pick_services = { .pickups = &shard_pickup_service };

/* ---- a user's own call ---- */

static bool user_call_is(const struct call *c, const struct leg *l, enum user_call_want want)
{
	bool rings = picking_rings(l), up = l->state == LEG_CONFIRMED || l->state == LEG_ANSWERED;

	if (c->state == CALL_ENDING)
		return false;
	switch (want) {
	case USER_MAY_PICK:
		break;
	case USER_RINGS:
		return rings;
	case USER_TALKS:
		return c->state == CALL_ESTABLISHED && up;
	case USER_HAS:
		return l->state == LEG_EARLY || up;
	}
	return false;
}

void shard_user_call(const struct shard *s, uint16_t tenant, struct bytes user,
		     enum user_call_want want, uint64_t call, struct user_call *out)
{
	*out = (struct user_call){ 0 };
	for (s = s->shared_tables->shards; s; s = s->next) {
		const struct leg *l = NULL;

		while ((l = leg_users_next(&s->legs, tenant, user, l)) != NULL) {
			const struct call *c = shard_call_find(s, dialog_call(&l->dialog));

			if (!c || (call && c->id != call) || !user_call_is(c, l, want) ||
			    c->setup_utc_ms < out->setup_utc_ms)
				continue;
			*out = (struct user_call){ .call = c->id,
						   .setup_utc_ms = c->setup_utc_ms,
						   .b = l != call_caller(c),
						   .holds = l->held || l->holds,
						   .muted = l->muted };
		}
	}
}
