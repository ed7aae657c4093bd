/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that ring on other nodes, and are to be taken by a code (docs/adr/0027): each is asked for the one that rings for longest. */
#include <stdlib.h>

#include "base/log.h"
#include "sig/shard/shard_state.h"

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

static struct remote_picking **picking_find(struct shard_commons *c, uint64_t serial)
{
	struct remote_picking **at = &c->picking;

	while (*at && (*at)->serial != serial)
		at = &(*at)->next;
	return at;
}

static struct remote_picking *picking_take(struct shard_commons *c)
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

/* call: which is told; 0: who gave the serial. */
static bool picking_begin(const struct shard *s, uint16_t tenant, struct bytes by, struct bytes of,
			  uint64_t serial, uint64_t call)
{
	struct shard_commons *c = s->commons;
	struct remote_pick ask = { .serial = serial,
				   .tenant = bytes_str(tenants_name(s->settings.tenants, tenant)),
				   .by = by,
				   .of = of };
	uint32_t others = c->remote ? c->remote_with.others(c->remote_with.arg) : 0;
	struct remote_picking *picking = others ? picking_take(c) : NULL;

	if (!picking)
		return false;
	picking->serial = serial;
	picking->call = call;
	picking->awaited = others;
	picking->seconds_left = PICKING_KEPT_S;
	shard_pick_here(s, tenant, by, of, &picking->best);
	remote_watch_pick(c->remote, &ask);
	return true;
}

uint64_t shard_picks_remote(void *owner, uint16_t tenant, struct bytes by, struct bytes of,
			    uint64_t call)
{
	const struct shard *s = owner;
	uint64_t serial = rand_u64_from(s->host.rand) | 1;

	return picking_begin(s, tenant, by, of, serial, call) ? serial : 0;
}

bool shard_picks_ask(struct shard *s, uint16_t tenant, struct bytes by, struct bytes of,
		     uint64_t serial)
{
	return s->commons->remote_with.picked && picking_begin(s, tenant, by, of, serial, 0);
}

static void picked_news(const struct remote_picking *picking, struct park_news *out)
{
	*out = (struct park_news){ .serial = picking->serial, .owner = picking->best.call };
	out->told = picking->best.call ? PARK_OK : picking->best.promised ? PARK_TAKEN : PARK_EMPTY;
}

void shard_remote_picked(struct shard_commons *c, uint64_t serial, struct park_news *out)
{
	struct remote_picking **at = picking_find(c, serial);

	*out = (struct park_news){ .serial = serial, .told = PARK_EMPTY };
	if (!*at)
		return;
	picked_news(*at, out);
	picking_drop(at);
}

void shard_picked_remote(void *owner, uint64_t serial, struct park_news *out)
{
	const struct shard *s = owner;

	shard_remote_picked(s->commons, serial, out);
}

void shard_remote_asked(void *owner, const struct remote_pick *p, struct remote_picked *out)
{
	const struct shard_commons *c = owner;
	uint16_t tenant;

	if (shard_remote_tenant(c, p->tenant, &tenant) &&
	    (!p->of.n || shard_may_pick(c->shards, tenant, p->by, p->of)))
		shard_pick_here(c->shards, tenant, p->by, p->of, out);
}

static void picked_tell(struct shard_commons *c, uint64_t call, const struct park_news *news)
{
	const struct call_event ev = { .kind = CALL_EV_PARK, .park = news };

	if (!call)
		c->remote_with.picked(c->remote_with.arg, news);
	for (struct shard *s = c->shards; call && s; s = s->next) {
		if (s->settings.number == id_shard(call))
			(void)shard_call_event(s, call, &ev, c->remote_now);
	}
}

void shard_remote_answered(void *owner, const struct remote_picked *p)
{
	struct shard_commons *c = owner;
	struct remote_picking **at = picking_find(c, p->serial);
	struct park_news news;
	uint64_t call;

	if (!*at)
		return;
	picking_merge(*at, p);
	if (--(*at)->awaited)
		return;
	picked_news(*at, &news);
	call = (*at)->call;
	picking_drop(at);
	picked_tell(c, call, &news);
}

void shard_remote_picks_close(struct shard_commons *c)
{
	while (c->picking)
		picking_drop(&c->picking);
}

/* Those that nobody waits for any more. */
void shard_remote_picks_expire(struct shard_commons *c)
{
	struct remote_picking **at = &c->picking;

	while (*at) {
		if ((*at)->seconds_left-- == 0)
			picking_drop(at);
		else
			at = &(*at)->next;
	}
}
