/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that ring at others: who may take them, and which one is meant. Of all shards of the node, as lamps are told of them. */
#include "sig/call/wait.h"
#include "sig/feature/pick.h"
#include "sig/shard/shard_state.h"

static bool groups_meet(struct bytes list, struct bytes other)
{
	struct bytes one;

	while (bytes_cut(&list, ',', &one)) {
		if (one.n && bytes_list_has(other, one))
			return true;
	}
	return false;
}

bool shard_may_pick(const struct shard *s, uint16_t tenant, struct bytes by, struct bytes of)
{
	const struct shard_extension_slot *to = shard_extension_slot(s, tenant, by);
	const struct shard_extension_slot *from = shard_extension_slot(s, tenant, of);

	if (!to || !from || !to->extension.enabled)
		return false;
	return to == from ||
	       groups_meet(bytes_str(to->pickup_groups), bytes_str(from->pickup_groups));
}

/* What was found until now. */
struct picking {
	const struct shard *shard; /* who asks */
	uint16_t tenant;
	struct bytes by;
	uint64_t only; /* that call; 0: any */
	const struct call *oldest;
	bool promised; /* there is one that another one takes */
};

static void picking_weigh(struct picking *p, const struct shard *s, const struct call *c)
{
	if (p->only && c->id != p->only)
		return;
	if (c->tenant != p->tenant || !call_rings(c) || bytes_eq(text_bytes(&c->from), p->by))
		return;
	if (pick_is_promised(&s->host, c))
		p->promised = true;
	else if (!p->oldest || c->setup_utc_ms < p->oldest->setup_utc_ms)
		p->oldest = c;
}

static bool picking_rings(const struct leg *l)
{
	return l && l->called && l->state == LEG_EARLY && l->user.n;
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

static bool picking_may(const struct picking *p, const struct call *c)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		const struct leg *l = c->legs[i];

		if (picking_rings(l) &&
		    shard_may_pick(p->shard, p->tenant, p->by, text_bytes(&l->user)))
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
	for (const struct shard *at = p->shard->commons->shards; at; at = at->next) {
		if (of.n)
			picking_at(p, at, of);
		else
			picking_in_groups(p, at);
	}
}

static void pick_refuse(struct pick_news *out, uint16_t status, const char *text)
{
	*out = (struct pick_news){ .status = status, .text = text };
}

void shard_pick_here(const struct shard *s, uint16_t tenant, struct bytes by, struct bytes of,
		     struct remote_picked *out)
{
	struct picking p = { .shard = s, .tenant = tenant, .by = by };

	picking_look(&p, of);
	out->promised = p.promised;
	out->call = p.oldest ? p.oldest->id : 0;
	out->utc_ms = p.oldest ? steady_add(p.oldest->setup_utc_ms, s->host.wall_ms) : 0;
}

void shard_pick_of(const struct shard *s, uint16_t tenant, struct bytes by, struct bytes of,
		   uint64_t call, struct pick_news *out)
{
	struct picking p = { .shard = s, .tenant = tenant, .by = by, .only = call };

	if (of.n && !shard_extension_find(s, tenant, of)) {
		pick_refuse(out, 404, "there is no such extension");
		return;
	}
	if (of.n && !shard_may_pick(s, tenant, by, of)) {
		pick_refuse(out, 403, "the two extensions are in no pick-up group together");
		return;
	}
	picking_look(&p, of);
	if (p.oldest)
		*out = (struct pick_news){ .call = p.oldest->id };
	else if (p.promised)
		pick_refuse(out, 486, "somebody else takes the call");
	else
		pick_refuse(out, 404, "nobody calls there");
	out->may = true;
}

void shard_picks(void *owner, uint16_t tenant, struct bytes by, struct bytes of,
		 struct pick_news *out)
{
	shard_pick_of(owner, tenant, by, of, 0, out);
}
