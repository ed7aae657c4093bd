/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers at trunks (trunk_route.h): DID numbers and patterns that map called numbers to users, and
 * routes that select servers of trunks for numbers outside. Exact numbers are in a hash table,
 * patterns in trees per tenant (sig/dial/pattern.h). Choices of equal priority are drawn by weight
 * from the call's id, so a successor draws the same order. */

#include "sig/host/trunk_route.h"

#include "sig/dial/dial.h"
#include "sig/dial/pattern.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/pool.h"
#include "base/table.h"
#include "sig/host/settings.h"

/* What a tenant's patterns lead to. */
struct tenant_patterns {
	struct pattern_tree dids, routes;
	uint32_t did_count;
};

struct trunk_numbers {
	struct hash_key key;
	struct pool pool; /* struct trunk_did of one number each */
	struct table by_number;
	struct trunk_did **patterns;
	struct trunk_route **routes;
	uint32_t pattern_count, route_count;
	struct tenant_patterns of[TENANTS_MAX];
};

/* ---- the table ---- */

static int did_order(const void *a, const void *b)
{
	return strcmp(((const struct trunk_did *)a)->number, ((const struct trunk_did *)b)->number);
}

/* Of two with the same pattern all nodes choose the same. */
static int route_order(const void *a, const void *b)
{
	return strcmp(((const struct trunk_route *)a)->name, ((const struct trunk_route *)b)->name);
}

int trunk_numbers_open(struct trunk_numbers **out, const struct hash_key *key)
{
	struct trunk_numbers *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->key = *key;
	for (uint32_t i = 0; i < TENANTS_MAX; i++) {
		t->of[i].dids.order = did_order;
		t->of[i].routes.order = route_order;
	}
	if (pool_open(&t->pool, sizeof(struct trunk_did), TRUNK_NUMBERS_MAX) ||
	    table_open(&t->by_number, TRUNK_NUMBERS_MAX)) {
		trunk_numbers_close(t);
		return -ENOMEM;
	}
	*out = t;
	return 0;
}

void trunk_numbers_close(struct trunk_numbers *t)
{
	if (!t)
		return;
	if (t->pool.slots)
		pool_close(&t->pool);
	if (t->by_number.slots)
		table_close(&t->by_number);
	for (uint32_t i = 0; i < TENANTS_MAX; i++) {
		pattern_tree_close(&t->of[i].dids);
		pattern_tree_close(&t->of[i].routes);
	}
	while (t->pattern_count)
		free(t->patterns[--t->pattern_count]);
	while (t->route_count)
		free(t->routes[--t->route_count]);
	free(t->patterns);
	free(t->routes);
	free(t);
}

/* ---- numbers ---- */

static uint64_t did_hash(const struct trunk_numbers *t, uint16_t tenant, struct bytes number)
{
	return tenant_hash(hash_sip(&t->key, number), tenant);
}

static struct trunk_did *did_find(const struct trunk_numbers *t, uint16_t tenant,
				  struct bytes number, pool_handle *h)
{
	uint64_t hash = did_hash(t, tenant, number);
	struct trunk_did *did;
	uint32_t cursor = 0;

	while ((*h = table_next(&t->by_number, hash, &cursor)) != 0) {
		did = pool_get(&t->pool, *h);
		if (did->tenant == tenant && bytes_is(number, did->number))
			return did;
	}
	return NULL;
}

static int did_put_number(struct trunk_numbers *t, const struct trunk_did *did)
{
	pool_handle h;
	struct trunk_did *at = did_find(t, did->tenant, bytes_str(did->number), &h);
	int err = 0;

	if (!at) {
		at = pool_alloc(&t->pool, &h);
		err = at ? table_put(&t->by_number,
				     did_hash(t, did->tenant, bytes_str(did->number)), h)
			 : -ENOSPC;
	}
	if (err) {
		(void)pool_free(&t->pool, h);
		return err;
	}
	*at = *did;
	return 0;
}

static bool did_delete_number(struct trunk_numbers *t, uint16_t tenant, struct bytes number)
{
	pool_handle h;

	if (!did_find(t, tenant, number, &h))
		return false;
	(void)table_del(&t->by_number, did_hash(t, tenant, number), h);
	return pool_free(&t->pool, h);
}

/* ---- patterns of numbers ---- */

static bool did_delete_pattern(struct trunk_numbers *t, uint16_t tenant, struct bytes number)
{
	struct pattern p;
	const char *unused;

	if (pattern_read(&p, number, &unused))
		return false;
	for (uint32_t i = 0; i < t->pattern_count; i++) {
		struct trunk_did *did = t->patterns[i];

		if (did->tenant != tenant || !bytes_is(number, did->number))
			continue;
		pattern_tree_delete(&t->of[tenant].dids, &p, did);
		t->of[tenant].did_count--;
		free(did);
		t->patterns[i] = t->patterns[--t->pattern_count];
		return true;
	}
	return false;
}

static int did_put_pattern(struct trunk_numbers *t, const struct trunk_did *did,
			   const struct pattern *p)
{
	struct tenant_patterns *own = &t->of[did->tenant];
	struct trunk_did **list, *new;

	(void)did_delete_pattern(t, did->tenant, bytes_str(did->number));
	if (t->pattern_count == TRUNK_PATTERNS_MAX || own->did_count == TRUNK_PATTERNS_SHARE)
		return -ENOSPC;
	list = reallocarray(t->patterns, t->pattern_count + 1U, sizeof(*list));
	if (!list)
		return -ENOMEM;
	t->patterns = list;
	new = malloc(sizeof(*new));
	if (!new)
		return -ENOMEM;
	*new = *did;
	if (pattern_tree_put(&own->dids, p, new)) {
		free(new);
		return -ENOMEM;
	}
	list[t->pattern_count++] = new;
	own->did_count++;
	return 0;
}

static bool is_one_number(struct bytes text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (!strchr(g_pattern_symbols, text.p[i]))
			return false;
	}
	return text.n > 0;
}

int trunk_did_put(struct trunk_numbers *t, const struct trunk_did *did)
{
	struct pattern p;
	const char *unused;

	if (is_one_number(bytes_str(did->number)))
		return did_put_number(t, did);
	return pattern_read(&p, bytes_str(did->number), &unused) ? -EINVAL
								 : did_put_pattern(t, did, &p);
}

bool trunk_did_delete(struct trunk_numbers *t, uint16_t tenant, struct bytes number)
{
	return is_one_number(number) ? did_delete_number(t, tenant, number)
				     : did_delete_pattern(t, tenant, number);
}

/* As one of a tree's items. */
static bool did_is_for(const void *item, const void *trunk)
{
	const struct trunk_did *did = item;

	return !trunk || !did->trunk[0] || !strcmp(did->trunk, trunk);
}

static const struct trunk_did *did_of(const struct trunk_numbers *t, uint16_t tenant,
				      const char *trunk, struct bytes number)
{
	pool_handle h;
	const struct trunk_did *did = did_find(t, tenant, number, &h);

	if (did && did_is_for(did, trunk))
		return did;
	return tenant < TENANTS_MAX
		       ? pattern_tree_find(&t->of[tenant].dids, number, did_is_for, trunk)
		       : NULL;
}

/* False: it has too many digits then, or none. */
static bool change_number(const struct trunk_change *c, struct bytes number,
			  char out[TRUNK_NUMBER_MAX])
{
	struct writer w = writer_over(out, TRUNK_NUMBER_MAX - 1);

	writer_str(&w, c->prefix);
	writer_bytes(&w, bytes_from(number, c->strip));
	out[w.overflow ? 0 : w.n] = '\0';
	return out[0] != '\0';
}

bool trunk_did_find(const struct trunk_numbers *t, uint16_t tenant, const char *trunk,
		    struct bytes number, char to[TRUNK_NUMBER_MAX], bool *fixed)
{
	const struct trunk_did *did = t ? did_of(t, tenant, trunk, number) : NULL;

	if (!did)
		return false;
	*fixed = did->to[0];
	if (!did->to[0])
		return change_number(&did->change, number, to);
	return bytes_cstr(bytes_str(did->to), to, TRUNK_NUMBER_MAX) == 0;
}

/* ---- routes ---- */

/* False: there was no memory for all of them. */
static bool route_index(struct trunk_numbers *t, struct trunk_route *r)
{
	struct bytes list = bytes_str(r->pattern), one;
	const char *unused;
	struct pattern p;

	while (bytes_cut(&list, '|', &one) && !pattern_read(&p, one, &unused)) {
		if (pattern_tree_put(&t->of[r->tenant].routes, &p, r))
			return false;
	}
	return true;
}

static void route_free(struct trunk_numbers *t, struct trunk_route *r)
{
	struct bytes list = bytes_str(r->pattern), one;
	const char *unused;
	struct pattern p;

	while (bytes_cut(&list, '|', &one) && !pattern_read(&p, one, &unused))
		pattern_tree_delete(&t->of[r->tenant].routes, &p, r);
	free(r);
}

bool trunk_route_delete(struct trunk_numbers *t, uint16_t tenant, struct bytes name)
{
	for (uint32_t i = 0; i < t->route_count; i++) {
		struct trunk_route *r = t->routes[i];

		if (r->tenant != tenant || !bytes_is(name, r->name))
			continue;
		t->routes[i] = t->routes[--t->route_count];
		route_free(t, r);
		return true;
	}
	return false;
}

int trunk_route_put(struct trunk_numbers *t, const struct trunk_route *route)
{
	struct trunk_route **list, *new;

	if (pattern_list_wrong(bytes_str(route->pattern)))
		return -EINVAL;
	(void)trunk_route_delete(t, route->tenant, bytes_str(route->name));
	if (t->route_count == TRUNK_ROUTES_MAX)
		return -ENOSPC;
	list = reallocarray(t->routes, t->route_count + 1U, sizeof(*list));
	if (!list)
		return -ENOMEM;
	t->routes = list;
	new = malloc(sizeof(*new));
	if (!new)
		return -ENOMEM;
	*new = *route;
	if (!route_index(t, new)) {
		route_free(t, new);
		return -ENOMEM;
	}
	list[t->route_count++] = new;
	return 0;
}

/* Those of its trunks that may be asked, a bit each; only: that one alone, where it is given. */
static uint32_t route_choices(const struct trunk_route *r, const char *only)
{
	uint32_t may = 0;

	for (uint8_t i = 0; i < r->choice_count; i++) {
		if (!only || !strcmp(r->choices[i].trunk, only))
			may |= 1U << i;
	}
	return may;
}

static bool route_may(const void *item, const void *only)
{
	const struct trunk_route *r = item;

	return r->enabled && route_choices(r, only);
}

static const struct trunk_route *route_find(const struct trunk_numbers *t, uint16_t tenant,
					    struct bytes number, const char *only)
{
	return tenant < TENANTS_MAX
		       ? pattern_tree_find(&t->of[tenant].routes, number, route_may, only)
		       : NULL;
}

static uint64_t random_next(uint64_t *seed) /* splitmix64 */
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* Of those that are left in the lowest priority, by weight (as RFC 2782 has it). */
static uint8_t choice_draw(const struct trunk_route *r, uint32_t left, uint64_t *seed)
{
	uint32_t priority = UINT32_MAX, sum = 0, at;
	uint8_t last = 0;

	for (uint8_t i = 0; i < r->choice_count; i++) {
		if (left & 1U << i && r->choices[i].priority < priority)
			priority = r->choices[i].priority;
	}
	for (uint8_t i = 0; i < r->choice_count; i++)
		sum += left & 1U << i && r->choices[i].priority == priority ? r->choices[i].weight
									    : 0;
	at = sum ? (uint32_t)(random_next(seed) % sum) : 0;
	for (uint8_t i = 0; i < r->choice_count; i++) {
		if (!(left & 1U << i) || r->choices[i].priority != priority)
			continue;
		last = i;
		if (!sum || at < r->choices[i].weight)
			break;
		at -= r->choices[i].weight;
	}
	return last;
}

bool trunk_is_open(const struct trunks *all, uint16_t trunk)
{
	return trunks_has(all, trunk) && trunks_settings(all, trunk)->directions & TRUNK_OUT &&
	       trunks_has_room(all, trunk, TRUNK_OUT);
}

/* All servers of a trunk, in their order. One that is not there is a way that is closed. */
static uint32_t route_servers_of(const struct trunks *all, uint16_t trunk, const char *number,
				 struct trunk_route_server *out, uint32_t cap)
{
	const struct trunk_settings *set = trunks_settings(all, trunk);
	bool open = trunk_is_open(all, trunk);
	uint32_t n = 0;

	if (!set && cap)
		out[n++] = (struct trunk_route_server){ .trunk = TRUNK_NONE };
	for (uint8_t i = 0; set && i < set->server_count && n < cap; i++, n++) {
		out[n] = (struct trunk_route_server){ .trunk = trunk,
						      .server = i,
						      .open = open,
						      .down = !trunks_is_up(all, trunk, i) };
		(void)bytes_cstr(bytes_str(number), out[n].number, sizeof(out[n].number));
	}
	return n;
}

/* The trunk that has the access code in front of the number; the number is cut to the rest. NULL:
 * any trunk. */
static const char *route_only(const struct shard_settings *settings, uint16_t tenant,
			      struct bytes *number)
{
	size_t end = bytes_find(*number, DIAL_ACCESS_END);
	uint16_t trunk;

	if (!end || end == number->n)
		return NULL;
	trunk = trunks_by_access(settings->trunks, tenant, bytes_sub(*number, 0, end));
	if (trunk == TRUNK_NONE ||
	    bytes_str(trunks_settings(settings->trunks, trunk)->access).n != end)
		return NULL;
	*number = bytes_from(*number, end + 1);
	return trunks_name(settings->trunks, trunk);
}

struct bytes trunk_number_plain(const struct shard_settings *settings, uint16_t tenant,
				struct bytes number)
{
	(void)route_only(settings, tenant, &number);
	return number;
}

uint32_t trunk_route(const struct shard_settings *settings, uint16_t tenant, struct bytes number,
		     uint64_t seed, struct trunk_route_server *out, uint32_t cap)
{
	const char *only = route_only(settings, tenant, &number);
	const struct trunk_route *r =
		settings->numbers ? route_find(settings->numbers, tenant, number, only) : NULL;
	uint32_t n = 0, left = r ? route_choices(r, only) : 0;
	char told[TRUNK_NUMBER_MAX];

	if (!r || !change_number(&r->change, number, told))
		return 0;
	while (left) {
		uint8_t i = choice_draw(r, left, &seed);

		left &= ~(1U << i);
		n += route_servers_of(settings->trunks,
				      trunks_find(settings->trunks, tenant,
						  bytes_str(r->choices[i].trunk)),
				      told, out + n, cap - n);
	}
	return n;
}
