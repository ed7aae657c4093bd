/* SPDX-License-Identifier: Apache-2.0 */
/* Several nodes, or shards of a node. What happens to them is drawn from a source of its own, so other stories stay as they were. */
#include "tests/sim/scenario.h"

enum {
	TO_MS = 120000,
	CALLS_TO_MS = 90000,
	MOVES_MAX = 6,
	JOINS_MAX = 5,
	HANDINGS_MAX = 6,
	STANDS_MAX = 6,
	PARTS_MAX = 6,
	SHORT_MS = 900,
	LONG_MS = 8000,
	CALLS_MAX = 9,
	SPAN_MS = 20000,
	DOCUMENTS_MAX = 5,
	TENANTS = 300,
	BACK_MS = 30000,
	CRASHES = 500,
	EFFECTS = 200
};

static bool is_alone(const struct sim *s)
{
	return s->node_count == 1 && s->shard_count == 1;
}

static uint64_t between_ms(struct sim *s, uint32_t low, uint32_t high)
{
	return (low + rand_below(&s->cluster, high - low)) * NS_PER_MS;
}

static bool chance(struct sim *s, uint32_t permille)
{
	return rand_below(&s->cluster, 1000) < permille;
}

uint32_t scenario_node(struct sim *s)
{
	return s->node_count > 1 ? rand_below(&s->cluster, s->place_count) : 0;
}

/* ---- phones that move ---- */

static void on_go(struct sim *s, const struct event *e)
{
	phone_go(s, &s->phones.list[e->who], (uint32_t)e->a);
}

static void plan_moves(struct sim *s)
{
	uint32_t count = chance(s, 700) ? rand_below(&s->cluster, MOVES_MAX) : 0;

	while (s->node_count > 1 && count--) {
		uint32_t to = rand_below(&s->cluster, s->place_count);
		uint32_t who = rand_below(&s->cluster, s->phones.count);

		sim_after(s, between_ms(s, 2000, TO_MS), on_go, who, to, 0);
	}
}

/* ---- calls of two shards ---- */

/* The first node from there on that has two. */
static void on_join(struct sim *s, const struct event *e)
{
	for (uint32_t i = 0; i < s->node_count; i++) {
		if (node_join_any(&s->nodes[(e->who + i) % s->node_count], &s->cluster))
			return;
	}
}

static struct phone_call *next_talk(const struct phone *p, struct phone_call *after)
{
	for (uint32_t i = after ? after->index + 1 : 0; i < p->call_count; i++) {
		if (p->calls[i]->state == PC_TALKING)
			return p->calls[i];
	}
	return NULL;
}

/* A phone in two calls gives one's party to the other's (RFC 5589 7). */
static void on_refer_join(struct sim *s, const struct event *e)
{
	for (uint32_t i = 0; i < s->phones.count; i++) {
		struct phone *p = &s->phones.list[(e->who + i) % s->phones.count];
		struct phone_call *one = next_talk(p, NULL);
		struct phone_call *two = one ? next_talk(p, one) : NULL;

		if (!two || !p->alive || (one->node != two->node && !s->links.on))
			continue;
		phone_refer_joining(s, one, two);
		return;
	}
}

static void plan_joins(struct sim *s)
{
	uint32_t count = chance(s, 500) ? rand_below(&s->cluster, JOINS_MAX) : 0;

	while (s->shard_count > 1 && !s->floats && count--) {
		uint32_t who = rand_below(&s->cluster, s->node_count);

		sim_after(s, between_ms(s, 4000, CALLS_TO_MS), on_join, who, 0, 0);
	}
	count = chance(s, 500) ? rand_below(&s->cluster, JOINS_MAX) : 0;
	while (s->shard_count > 1 && !s->floats && count--) {
		uint32_t who = rand_below(&s->cluster, s->phones.count);

		sim_after(s, between_ms(s, 4000, CALLS_TO_MS), on_refer_join, who, 0, 0);
	}
}

/* ---- calls ---- */

/* So many at about one time that shards and nodes have several at once. */
static void plan_calls(struct sim *s)
{
	uint32_t count = chance(s, 600) ? rand_below(&s->cluster, CALLS_MAX) : 0;
	uint64_t from = between_ms(s, 2000, CALLS_TO_MS / 2);

	while (count--) {
		uint32_t who = rand_below(&s->cluster, s->phones.count);
		uint32_t to = rand_below(&s->cluster, s->phones.extension_count);
		uint64_t at = from + between_ms(s, 0, SPAN_MS);

		if (to != s->phones.list[who].extension)
			scenario_dial(s, at, who, to, chance(s, 100));
	}
}

/* ---- documents ---- */

static void on_document(struct sim *s, const struct event *e)
{
	document_change(s, e->who, (enum document_what)e->a);
}

/* Who is deleted or disabled comes back. */
static void plan_documents(struct sim *s)
{
	uint32_t count = chance(s, 500) ? rand_below(&s->cluster, DOCUMENTS_MAX) : 0;

	while (count--) {
		uint32_t who = rand_below(&s->cluster, s->phones.extension_count);
		uint64_t at = between_ms(s, 1000, TO_MS), back = at + between_ms(s, 200, 25000);

		sim_after(s, at, on_document, who, rand_below(&s->cluster, DOCUMENT_BACK), 0);
		sim_after(s, back, on_document, who, DOCUMENT_BACK, 0);
	}
}

/* Of the tenant. Drawn from a source of its own: other stories stay as they were. What is switched is switched back. */
static void plan_tenant(struct sim *s)
{
	static const enum document_what whats[] = { DOCUMENT_TENANT, DOCUMENT_PROFILE };
	struct rand_source rand;

	rand_open_seed(&rand, s->seed ^ UINT64_C(0x73687574));
	for (uint32_t i = 0; i < COUNT_OF(whats); i++) {
		uint64_t at = 1000 + rand_below(&rand, TO_MS),
			 back = 200 + rand_below(&rand, BACK_MS);

		if (rand_below(&rand, 1000) >= TENANTS)
			continue;
		sim_after(s, at * NS_PER_MS, on_document, 0, whats[i], 0);
		sim_after(s, (at + back) * NS_PER_MS, on_document, 0, whats[i], 0);
	}
}

/* ---- nodes ---- */

static void plan_crashes(struct sim *s)
{
	for (uint32_t i = 1; i < s->node_count; i++) {
		s->nodes[i].crashes_left = rand_below(&s->cluster, 3);
		if (chance(s, CRASHES))
			s->nodes[i].crash_in = 1 + rand_below(&s->cluster, EFFECTS);
	}
}

/* ---- one node alone does not reach the store ---- */

/* e->a: it reaches it, and does not hear it */
static void on_cut(struct sim *s, const struct event *e)
{
	if (e->a)
		store_deafen(&s->nodes[e->who]);
	else
		store_cut(&s->nodes[e->who]);
}

/* e->a: it does again */
static void on_noticed(struct sim *s, const struct event *e)
{
	struct node *n = &s->nodes[e->who];

	if (store_is_away(n) != e->a)
		node_health(n, e->a);
}

static void on_mend(struct sim *s, const struct event *e)
{
	store_mend(&s->nodes[e->who]);
}

static void plan_cut(struct sim *s)
{
	uint32_t who = rand_below(&s->cluster, s->node_count);
	uint64_t at = between_ms(s, 1000, TO_MS - 15000), length = between_ms(s, 100, 12000);

	sim_after(s, at, on_cut, who, s->leased && chance(s, 400), 0);
	sim_after(s, at + between_ms(s, 0, 50), on_noticed, who, false, 0);
	sim_after(s, at + length, on_mend, who, 0, 0);
	sim_after(s, at + length + between_ms(s, 1, 300), on_noticed, who, true, 0);
}

/* ---- shards that go to other nodes ---- */

static void on_hand_over(struct sim *s, const struct event *e)
{
	if (!s->calm && s->leases)
		node_want(s, e->who, (uint32_t)e->a);
	else if (!s->calm)
		node_hand_over(s, e->who, (uint32_t)e->a);
}

/* The owner stands still for so long. */
static void on_stand(struct sim *s, const struct event *e)
{
	if (!s->calm)
		node_stand(node_of_place(s, e->who), e->a);
}

static void plan_stands(struct sim *s)
{
	uint32_t count = chance(s, 500) ? rand_below(&s->cluster, STANDS_MAX) : 0;

	while (count--) {
		uint32_t place = rand_below(&s->cluster, s->place_count);
		uint64_t at = between_ms(s, 2000, TO_MS);
		uint64_t ns = between_ms(s, 10, chance(s, 500) ? SHORT_MS : LONG_MS);

		sim_after(s, at, on_stand, place, ns, 0);
	}
}

/* ---- nodes that do not reach each other ---- */

static void on_part(struct sim *s, const struct event *e)
{
	if (s->calm)
		return;
	leases_part(s, e->who, (uint32_t)e->a, true);
	link_cut(s, e->who, (uint32_t)e->a, true);
}

static void on_reach(struct sim *s, const struct event *e)
{
	leases_part(s, e->who, (uint32_t)e->a, false);
	link_cut(s, e->who, (uint32_t)e->a, false);
}

static void part(struct sim *s, uint64_t at, uint64_t length, uint32_t from, uint32_t to)
{
	sim_after(s, at, on_part, from, to, 0);
	sim_after(s, at + length, on_reach, from, to, 0);
}

/* Both ways, or one. */
static void plan_parts(struct sim *s)
{
	uint32_t count = chance(s, 500) ? rand_below(&s->cluster, PARTS_MAX) : 0;

	while (count--) {
		uint32_t from = rand_below(&s->cluster, s->node_count);
		uint32_t to =
			(from + 1 + rand_below(&s->cluster, s->node_count - 1)) % s->node_count;
		uint64_t at = between_ms(s, 2000, TO_MS);
		uint64_t length = between_ms(s, 100, LONG_MS);

		part(s, at, length, from, to);
		if (chance(s, 500))
			part(s, at, length, to, from);
	}
}

/* What nodes say to each other is lost, late, or comes twice. */
static void plan_words(struct sim *s)
{
	uint32_t lost, twice, late;

	if (!chance(s, 400))
		return;
	lost = rand_below(&s->cluster, 200);
	twice = rand_below(&s->cluster, 200);
	late = rand_below(&s->cluster, 100);
	leases_trouble(s, lost, twice, late);
}

static void plan_handing(struct sim *s)
{
	uint32_t count = chance(s, 600) ? rand_below(&s->cluster, HANDINGS_MAX) : 0;

	while (count--) {
		uint32_t place = rand_below(&s->cluster, s->place_count);
		uint32_t to = rand_below(&s->cluster, s->node_count);

		sim_after(s, between_ms(s, 2000, TO_MS), on_hand_over, place, to, 0);
	}
}

void scenario_cluster(struct sim *s)
{
	if (is_alone(s))
		return;
	plan_moves(s);
	plan_calls(s);
	plan_joins(s);
	plan_documents(s);
	plan_tenant(s);
	plan_crashes(s);
	if (s->floats)
		plan_handing(s);
	if (s->node_count > 1 && chance(s, 300))
		plan_cut(s);
	if (s->links.on)
		scenario_links(s);
	if (!s->leased)
		return;
	plan_stands(s);
	plan_parts(s);
	plan_words(s);
}
