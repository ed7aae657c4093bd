/* SPDX-License-Identifier: Apache-2.0 */
/* Where phones are: a REGISTER that was answered is in the store, and a second later no node knows it otherwise. */
#include <stdio.h>

#include "tests/sim/sim.h"

#define KNOWN_NS   (1100 * NS_PER_MS) /* what was read is believed for a second */
#define SETTLED_NS (6 * NS_PER_S)     /* what was answered without a save is said again by then */

/* It was away, late or dead a moment ago: what it answered then, and knows now, is no promise. */
static bool is_excused(const struct node *n)
{
	uint64_t now_ns = n->sim->now_ns;

	return !node_is_up(n) || node_stands(n) || n->degraded || store_is_away(n) ||
	       now_ns < n->away_ns + SETTLED_NS || now_ns < n->degraded_ns + SETTLED_NS ||
	       now_ns < n->started_ns + SETTLED_NS ||
	       /* whoever answered may be another one that is gone */
	       (n->sim->leases && n->restored_ns && now_ns < n->restored_ns + SETTLED_NS);
}

bool check_is_settled(const struct node *n)
{
	return !is_excused(n);
}

/* The store lost something, or nobody knows how long a registration lasts. */
static bool is_all_excused(const struct sim *s)
{
	return s->totals.steps || s->totals.forgotten;
}

static bool aor_has(const struct aor *a, const struct phone *p, uint32_t cseq)
{
	char call_id[32];

	(void)snprintf(call_id, sizeof(call_id), "reg-%u", p->index);
	for (uint32_t i = 0; i < a->count; i++) {
		if (bytes_is(text_bytes(&a->bindings[i].call_id), call_id) &&
		    a->bindings[i].cseq >= cseq)
			return true;
	}
	return false;
}

static bool store_has(const struct node *n, const struct phone *p, uint32_t cseq)
{
	char user[64];
	const struct store_entry *e;
	struct aor a = { 0 };
	const char *reason;
	bool has;

	(void)snprintf(user, sizeof(user), "%s:%s", tenants_name(n->tenants, n->tenant), p->user);
	e = store_entry(n->sim, bytes_str(user));
	has = e && !aor_decode(&a, text_bytes(&e->record), NULL, &reason) && aor_has(&a, p, cseq);
	aor_clear(&a);
	return has;
}

/* It would not ask the store now. */
static bool knows(const struct node *n, const struct phone *p)
{
	if (n->sim->node_count > 1)
		locations_set_now(n->locations, node_now(n));
	return locations_know(n->locations, n->tenant, bytes_str(p->user));
}

static void on_known(struct sim *s, const struct event *e)
{
	const struct phone *p = &s->phones.list[e->who];

	for (uint32_t i = 0; !is_all_excused(s) && i < s->node_count; i++) {
		const struct node *n = &s->nodes[i];
		const struct aor *a;

		if (is_excused(n) || !knows(n, p))
			continue;
		a = locations_find(n->locations, n->tenant, bytes_str(p->user));
		if (!a || !aor_has(a, p, (uint32_t)e->a))
			check_fail(s, "node %u does not know where %s#%u is", i, p->user, p->index);
	}
}

void check_registered(struct sim *s, const struct phone *p, uint32_t cseq)
{
	const struct node *n = node_of_place(s, p->heard_from);

	if (is_excused(n) || is_all_excused(s))
		return;
	if (!store_has(n, p, cseq))
		check_fail(s, "%s#%u is registered, and the store does not know it", p->user,
			   p->index);
	sim_after(s, KNOWN_NS, on_known, p->index, cseq, 0);
}
