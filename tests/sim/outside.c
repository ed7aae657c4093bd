/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/outside.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "sig/host/tenant_tables.h"
#include "sig/host/toll.h"
#include "sig/host/trunk_route.h"
#include "sig/identity/pidf.h"
#include "tests/sim/node.h"
#include "tests/sim/sim.h"
#include "tests/sim/story.h"

/* One more server of it; pbx: its requests are the trunk's. */
static void server_add(struct trunk_settings *set, uint32_t phone, bool pbx)
{
	char place[ADDR_TEXT_MAX];
	int err;

	phone_place(phone, false, place);
	err = sip_place_read(&set->servers[set->server_count++], bytes_str(place));
	if (pbx) {
		struct shard_trusted *source = &set->sources[set->source_count++];

		source->bits = 32;
		err |= addr_parse(&source->net, bytes_str(place));
		source->port = source->net.port;
	}
	assert(!err);
	(void)err;
}

static void trunk_put(struct node *n, const struct trunk_settings *set, struct trunk_route *route)
{
	struct trunk_choice *choice = &route->choices[route->choice_count];
	uint16_t trunk;
	int err = trunks_put(n->trunks, set, &trunk);

	assert(!err);
	(void)err;
	*choice = (struct trunk_choice){ .priority = route->choice_count++, .weight = 1 };
	(void)bytes_cstr(bytes_str(set->name), choice->trunk, sizeof(choice->trunk));
}

static void put(struct node *n, uint8_t phones, bool pbx)
{
	struct trunk_settings set = { .tenant = n->tenant,
				      .enabled = true,
				      .directions = pbx ? TRUNK_BOTH : TRUNK_OUT };
	struct trunk_route route = {
		.tenant = n->tenant, .name = "out", .pattern = "200", .enabled = true
	};
	int err;

	for (uint32_t i = 0; i < STORY_PHONES; i++) {
		if (!(phones >> i & 1))
			continue;
		if (!pbx)
			set.server_count = 0;
		server_add(&set, i, pbx);
		(void)snprintf(set.name, sizeof(set.name), "trunk%u", pbx ? 0 : i);
		if (!pbx && !(phones >> (i + 1)))
			memcpy(set.access, "8", sizeof("8"));
		if (!pbx)
			trunk_put(n, &set, &route);
	}
	if (pbx)
		trunk_put(n, &set, &route);
	err = trunk_route_put(n->numbers, &route);
	assert(!err);
	(void)err;
}

/* OUTSIDE is an emergency number, and it is known where it is called from. */
static void site_put(struct node *n)
{
	struct site site = { .tenant = n->tenant, .id = OUTSIDE_LOCATION };
	int err = sites_open(&n->sites, n->tenants);

	(void)snprintf(site.civic.field[CIVIC_COUNTRY], CIVIC_MAX, "US");
	(void)snprintf(site.civic.field[CIVIC_ROOM], CIVIC_MAX, OUTSIDE_ROOM);
	if (!err)
		err = sites_put(n->sites, &site);
	assert(!err);
	(void)err;
	n->settings.sites = n->sites;
	n->settings.emergency_count = 1;
	(void)snprintf(n->settings.emergency[0], sizeof(n->settings.emergency[0]), "200");
}

void outside_open(struct node *n)
{
	static const struct hash_key key = { 5, 6 };
	const struct story *script = n->sim->script;
	int err = trunks_open(&n->trunks, n->tenants);

	if (!err)
		err = trunk_numbers_open(&n->numbers, &key);
	if (!err)
		err = toll_open(&n->toll, STORE_TOLLS_MAX, n->shard_count, &key);
	assert(!err);
	(void)err;
	n->settings.trunks = n->trunks;
	n->settings.numbers = n->numbers;
	n->settings.toll = n->toll;
	if (script && script->trunks)
		put(n, script->trunks, script->pbx);
	if (script && script->located)
		site_put(n);
}

void outside_close(struct node *n)
{
	sites_close(n->sites);
	toll_close(n->toll);
	n->toll = NULL;
	trunk_numbers_close(n->numbers);
	trunks_close(n->trunks);
	n->trunks = NULL;
	n->numbers = NULL;
	n->sites = NULL;
}

void check_located(struct sim *s, const struct phone *p, const struct sip_message *invite)
{
	struct bytes pidf = pidf_of(invite);

	if (!s->script || !s->script->located || !(s->script->trunks >> p->index & 1))
		return;
	if (!pidf.n || !memmem(pidf.p, pidf.n, OUTSIDE_ROOM, sizeof(OUTSIDE_ROOM) - 1))
		check_fail(s, "%s is not told where help is wanted", p->user);
}

static uint8_t toll_shard(const struct node *n, const struct node_shard *shard)
{
	return (uint8_t)(shard - n->shards);
}

static struct toll_payer payer_of(const struct node *n, const struct store_toll *t)
{
	struct bytes rest = bytes_str(t->name), tenant = { 0 };

	(void)bytes_cut(&rest, ':', &tenant);
	return (struct toll_payer){ .tenant = tenants_claim(n->tenants, tenant), .user = rest };
}

void outside_forget(struct node *n, const struct node_shard *shard)
{
	toll_forget(n->toll, toll_shard(n, shard));
}

void outside_spend(struct node *n, const struct node_shard *shard)
{
	const struct store *t = &n->sim->store;

	for (uint32_t i = 0; i < t->toll_count; i++) {
		struct toll_payer who = payer_of(n, &t->tolls[i]);
		const struct toll_now now = shard_toll_now(shard->core, who.tenant, node_now(n));

		who.shard = toll_shard(n, shard);
		if (t->tolls[i].shard == shard->number && t->tolls[i].day == now.day &&
		    toll_spend(n->toll, &who, t->tolls[i].ms, &now))
			assert(false && "no room");
	}
}

/* Of the shards that the node has now. *all: it has all that ever were here. */
static int64_t spent_here_ms(const struct node *n, const struct store_toll *of, bool *all)
{
	const struct store *t = &n->sim->store;
	int64_t sum = 0;

	*all = true;
	for (uint32_t i = 0; i < n->shard_count; i++) {
		*all &= node_shard_is_owner(n, &n->shards[i]);
		for (uint32_t j = 0; j < t->toll_count; j++) {
			if (node_shard_is_owner(n, &n->shards[i]) &&
			    t->tolls[j].shard == n->shards[i].number &&
			    t->tolls[j].day == of->day && !strcmp(t->tolls[j].name, of->name))
				sum += t->tolls[j].ms;
		}
	}
	return sum;
}

void outside_check(const struct node *n)
{
	const struct store *t = &n->sim->store;

	for (uint32_t i = 0; i < t->toll_count; i++) {
		const struct toll_payer who = payer_of(n, &t->tolls[i]);
		const struct toll_now now =
			shard_toll_now(node_core_any(n), who.tenant, node_now(n));
		struct toll_usage used = toll_look(n->toll, &who, &now);
		bool all;
		int64_t ms = spent_here_ms(n, &t->tolls[i], &all);

		if (used.calls)
			check_fail(n->sim, "%u calls outside are charged for ever", used.calls);
		if (t->tolls[i].day == now.day && (all ? used.ms != ms : used.ms < ms))
			check_fail(n->sim, "calls outside of %s have cost %lld ms, not %lld",
				   t->tolls[i].name, (long long)ms, (long long)used.ms);
	}
}
