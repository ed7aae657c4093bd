/* SPDX-License-Identifier: Apache-2.0 */
/* Ringing calls of other users: who may pick them up, and which one is meant. Over all shards of
 * the node, as BLF shows them. */
#include "sig/feature/pick/pick_ringing.h"

#include <stdlib.h>

#include "sig/call/wait.h"
#include "sig/pbx/pick.h"
#include "sig/pbx/retrieve.h"
#include "sig/shard/shard_parts.h"

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
	if (pick_is_promised(shard_host(s), c))
		p->promised = true;
	else if (!p->oldest || c->setup_utc_ms < p->oldest->setup_utc_ms)
		p->oldest = c;
}

static void picking_at(struct picking *p, const struct shard *s, struct bytes of)
{
	const struct leg *l = NULL;

	while ((l = leg_users_next(shard_legs(s), p->tenant, of, l)) != NULL) {
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
		    pick_may(shard_host(p->shard)->owner, p->tenant, p->by, text_bytes(&l->user)))
			return true;
	}
	return false;
}

static void picking_in_groups(struct picking *p, const struct shard *s)
{
	const struct call *c;
	uint32_t cursor = 0;
	pool_handle at;

	while ((c = pool_next(shard_calls(s), &cursor, &at)) != NULL) {
		if (c->state <= CALL_RINGING && c->tenant == p->tenant && picking_may(p, c))
			picking_weigh(p, s, c);
	}
}

static void picking_look(struct picking *p, struct bytes of)
{
	for (const struct shard *at = shard_shared_tables(p->shard)->shards; at;
	     at = shard_next(at)) {
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
		out->utc_ms = UINT64_MAX - steady_add(own.setup_utc_ms, shard_host(s)->wall_ms);
		return;
	}
	picking_look(&p, pick->of);
	out->promised = p.promised;
	out->call = p.oldest ? p.oldest->id : 0;
	out->utc_ms = p.oldest ? steady_add(p.oldest->setup_utc_ms, shard_host(s)->wall_ms) : 0;
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
	struct shard_shared_tables *c = shard_shared_tables(s);
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
	ask.pick.tenant = bytes_str(tenants_name(shard_settings(s)->tenants, tenant));
	remote_watch_send(c->remote, 0, &ask);
	return true;
}

static uint64_t shard_picks_remote(void *owner, uint16_t tenant, struct bytes by, struct bytes of,
				   uint64_t call)
{
	const struct shard *s = owner;
	const struct remote_pick pick = { .by = by, .of = of };
	uint64_t serial = rand_u64_from(shard_host(s)->rand) | 1;

	return picking_start(s, tenant, &pick, serial, call) ? serial : 0;
}

bool shard_picks_request(struct shard *s, uint16_t tenant, const struct remote_pick *pick,
			 uint64_t serial)
{
	return shard_shared_tables(s)->remote_with.picked &&
	       picking_start(s, tenant, pick, serial, 0);
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

	shard_remote_picked(shard_shared_tables(s), serial, out);
}

static bool picking_on_question(struct shard_shared_tables *c, const struct remote_item *item,
				struct remote_item *answer)
{
	const struct remote_pick *p = &item->pick;
	uint16_t tenant;

	if (shard_remote_tenant(c, p->tenant, &tenant) &&
	    (!p->of.n || pick_may(c->shards, tenant, p->by, p->of)))
		shard_pick_here(c->shards, tenant, p, &answer->picked);
	return true;
}

static void picking_notify(struct shard_shared_tables *c, uint64_t call,
			   const struct park_reply *outcome)
{
	const struct reply reply = { .ask = ASK_PARK, .of = call, .park = *outcome };

	if (!call)
		c->remote_with.picked(c->remote_with.arg, outcome);
	for (struct shard *s = c->shards; call && s; s = shard_next(s)) {
		if (shard_settings(s)->number == id_shard(call))
			shard_replied(s, &reply, c->remote_now);
	}
}

static bool picking_on_answer(struct shard_shared_tables *c, const struct remote_item *item,
			      struct remote_item *answer)
{
	struct remote_picking **at = picking_find(c, item->serial);
	struct park_reply outcome;
	uint64_t call;

	(void)answer;
	if (!*at)
		return false;
	picking_merge(*at, &item->picked);
	if (--(*at)->awaited)
		return false;
	picked_reply(*at, &outcome);
	call = (*at)->call;
	picking_drop(at);
	picking_notify(c, call, &outcome);
	return false;
}

static void pickings_close(struct shard_shared_tables *c)
{
	while (c->picking)
		picking_drop(&c->picking);
}

/* Requests that are not awaited any more. */
static void pickings_expire(struct shard_shared_tables *c)
{
	struct remote_picking **at = &c->picking;

	while (*at) {
		if ((*at)->seconds_left-- == 0)
			picking_drop(at);
		else
			at = &(*at)->next;
	}
}

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
	if (of.n && !pick_may(shard_host(s)->owner, tenant, by, of)) {
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

static const struct shard_remote_hook pick_remotes[] = {
	{ REMOTE_PICK, .heard = picking_on_question },
	{ REMOTE_PICKED, .heard = picking_on_answer },
	{ 0 },
};

const struct shard_hooks pick_hooks = {
	.remotes = pick_remotes,
	.second = pickings_expire,
	.node_closed = pickings_close,
};
