/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/host/trunk_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { IP_LEN = 16, FAMILIES = 2, GROUPS_MAX = FAMILIES * (8 * IP_LEN + 1) + 1 };

/* A rule of a trunk. */
struct source {
	uint8_t ip[IP_LEN]; /* no bit behind the prefix */
	uint16_t trunk;
	uint8_t family; /* ADDR_NONE: whoever comes to the trunk's listener */
	struct shard_trusted rule;
};

/* Those with prefixes of one length, by address. */
struct group {
	uint8_t family, bits;
	uint32_t from, end;
};

struct trunk_index {
	bool holds;
	struct source *sources;
	uint16_t *names;    /* trunks by tenant and name */
	uint16_t *accesses; /* those with an access code, by tenant, code and name */
	uint32_t source_count, source_cap, name_count, name_cap, access_count, access_cap;
	uint32_t group_count;
	struct group groups[GROUPS_MAX]; /* the longest prefix first */
};

int trunk_index_open(struct trunk_index **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

void trunk_index_close(struct trunk_index *x)
{
	if (!x)
		return;
	free(x->sources);
	free(x->names);
	free(x->accesses);
	free(x);
}

static int list_grow(void **list, size_t size, uint32_t *cap, uint32_t need)
{
	uint32_t most = *cap ? *cap : 16;
	void *grown;

	if (need <= *cap)
		return 0;
	while (most < need)
		most *= 2;
	grown = realloc(*list, size * most);
	if (!grown)
		return -ENOMEM;
	*list = grown;
	*cap = most;
	return 0;
}

int trunk_index_reserve(struct trunk_index *x, uint32_t trunks, uint32_t sources)
{
	void *names = x->names, *rules = x->sources, *accesses = x->accesses;
	int err = list_grow(&names, sizeof(*x->names), &x->name_cap, trunks);

	x->names = names;
	if (!err)
		err = list_grow(&accesses, sizeof(*x->accesses), &x->access_cap, trunks);
	x->accesses = accesses;
	if (!err)
		err = list_grow(&rules, sizeof(*x->sources), &x->source_cap, sources);
	x->sources = rules;
	return err;
}

void trunk_index_spoil(struct trunk_index *x)
{
	x->holds = false;
}

bool trunk_index_holds(const struct trunk_index *x)
{
	return x->holds;
}

void trunk_index_begin(struct trunk_index *x)
{
	x->source_count = x->name_count = x->access_count = x->group_count = 0;
}

/* The octets of an address that are within its first bits. */
static void prefix_take(uint8_t out[IP_LEN], const struct addr *a, unsigned bits)
{
	memset(out, 0, IP_LEN);
	memcpy(out, a->ip, bits / 8);
	if (bits % 8)
		out[bits / 8] = (uint8_t)(a->ip[bits / 8] & 0xff00U >> bits % 8);
}

static bool prefix_is_valid(const struct addr *net, unsigned bits)
{
	return (net->family == ADDR_V4 && bits <= 32) || (net->family == ADDR_V6 && bits <= 128);
}

static void source_add(struct trunk_index *x, uint16_t trunk, const struct shard_trusted *rule)
{
	struct source *s = &x->sources[x->source_count++];

	*s = (struct source){ .trunk = trunk, .family = rule->net.family, .rule = *rule };
	prefix_take(s->ip, &rule->net, rule->bits);
}

void trunk_index_add(struct trunk_index *x, uint16_t trunk, const struct trunk_settings *set,
		     bool live)
{
	x->names[x->name_count++] = trunk;
	if (live && set->access[0])
		x->accesses[x->access_count++] = trunk;
	for (uint8_t i = 0; live && i < set->source_count; i++) {
		if (prefix_is_valid(&set->sources[i].net, set->sources[i].bits))
			source_add(x, trunk, &set->sources[i]);
	}
	if (live && !set->source_count && set->listener.family != ADDR_NONE) {
		source_add(x, trunk,
			   &(struct shard_trusted){
				   .certificate = set->certificate,
				   .transports =
					   (uint8_t)((set->transport ? 1U << (set->transport - 1)
								     : 0) &
						     UINT8_MAX),
			   });
	}
}

/* ---- order ---- */

struct order {
	const struct trunks *trunks;
	struct tenants *tenants;
};

/* By tenant, then by that text of it: its name, or its access code. */
static int text_compare(const struct trunk_settings *set, const char *text, uint16_t tenant,
			struct bytes key)
{
	struct bytes own = bytes_str(text);
	size_t n = own.n < key.n ? own.n : key.n;
	int order;

	if (set->tenant != tenant)
		return set->tenant < tenant ? -1 : 1;
	order = n ? memcmp(own.p, key.p, n) : 0;
	return order ? order : (own.n > key.n) - (own.n < key.n);
}

static int compare_names(const void *a, const void *b, void *arg)
{
	const struct order *o = arg;
	const struct trunk_settings *x = trunks_settings(o->trunks, *(const uint16_t *)a);
	const struct trunk_settings *y = trunks_settings(o->trunks, *(const uint16_t *)b);

	return text_compare(x, x->name, y->tenant, bytes_str(y->name));
}

static int compare_accesses(const void *a, const void *b, void *arg)
{
	const struct order *o = arg;
	const struct trunk_settings *x = trunks_settings(o->trunks, *(const uint16_t *)a);
	const struct trunk_settings *y = trunks_settings(o->trunks, *(const uint16_t *)b);
	int order = text_compare(x, x->access, y->tenant, bytes_str(y->access));

	return order ? order : strcmp(x->name, y->name);
}

/* On all nodes the same one comes first: numbers of tenants are those of a process. */
static int compare_trunks(const struct order *o, const struct source *a, const struct source *b)
{
	const struct trunk_settings *x = trunks_settings(o->trunks, a->trunk);
	const struct trunk_settings *y = trunks_settings(o->trunks, b->trunk);
	int order =
		strcmp(tenants_name(o->tenants, x->tenant), tenants_name(o->tenants, y->tenant));

	return order ? order : strcmp(x->name, y->name);
}

/* Listeners alone come last. */
static int compare_sources(const void *a, const void *b, void *arg)
{
	const struct source *x = a, *y = b;
	int order;

	if (x->family != y->family)
		return x->family > y->family ? -1 : 1;
	if (x->rule.bits != y->rule.bits)
		return x->rule.bits > y->rule.bits ? -1 : 1;
	order = memcmp(x->ip, y->ip, IP_LEN);
	return order ? order : compare_trunks(arg, x, y);
}

static bool is_of_group(const struct group *g, const struct source *s)
{
	return g->family == s->family && g->bits == s->rule.bits;
}

static void groups_make(struct trunk_index *x)
{
	for (uint32_t i = 0; i < x->source_count; i++) {
		const struct source *s = &x->sources[i];
		struct group *last = &x->groups[x->group_count - (x->group_count > 0)];

		if (!x->group_count || !is_of_group(last, s))
			x->groups[x->group_count++] = (struct group){
				.family = s->family, .bits = s->rule.bits, .from = i, .end = i
			};
		x->groups[x->group_count - 1].end++;
	}
}

void trunk_index_end(struct trunk_index *x, const struct trunks *t, struct tenants *tenants)
{
	struct order order = { .trunks = t, .tenants = tenants };

	if (x->name_count) /* without any there is no memory either */
		qsort_r(x->names, x->name_count, sizeof(*x->names), compare_names, &order);
	if (x->access_count)
		qsort_r(x->accesses, x->access_count, sizeof(*x->accesses), compare_accesses,
			&order);
	if (x->source_count)
		qsort_r(x->sources, x->source_count, sizeof(*x->sources), compare_sources, &order);
	groups_make(x);
	x->holds = true;
}

/* ---- look-up ---- */

static const char *name_of(const struct trunk_settings *set)
{
	return set->name;
}

static const char *access_of(const struct trunk_settings *set)
{
	return set->access;
}

/* The first one of that tenant and text in a list that is in their order. */
static uint16_t list_find(const uint16_t *list, uint32_t count, const struct trunks *t,
			  const char *(*text_of)(const struct trunk_settings *), uint16_t tenant,
			  struct bytes key)
{
	uint32_t low = 0, high = count;
	const struct trunk_settings *set;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		set = trunks_settings(t, list[middle]);
		if (text_compare(set, text_of(set), tenant, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == count)
		return TRUNK_NONE;
	set = trunks_settings(t, list[low]);
	return text_compare(set, text_of(set), tenant, key) ? TRUNK_NONE : list[low];
}

uint16_t trunk_index_find(const struct trunk_index *x, const struct trunks *t, uint16_t tenant,
			  struct bytes name)
{
	return list_find(x->names, x->name_count, t, name_of, tenant, name);
}

uint16_t trunk_index_access(const struct trunk_index *x, const struct trunks *t, uint16_t tenant,
			    struct bytes code)
{
	return list_find(x->accesses, x->access_count, t, access_of, tenant, code);
}

/* The first one of the group that is not below. */
static uint32_t group_seek(const struct trunk_index *x, const struct group *g,
			   const uint8_t ip[IP_LEN])
{
	uint32_t low = g->from, high = g->end;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (memcmp(x->sources[middle].ip, ip, IP_LEN) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct shard_trusted *trunk_index_next(const struct trunk_index *x, const struct addr *from,
					     struct trunk_cursor *cursor, uint16_t *trunk)
{
	for (; cursor->group < x->group_count; cursor->group++, cursor->inside = false) {
		const struct group *g = &x->groups[cursor->group];
		const struct source *s;
		uint8_t ip[IP_LEN];

		if (g->family != ADDR_NONE && g->family != from->family)
			continue;
		prefix_take(ip, from, g->bits);
		if (!cursor->inside)
			cursor->at = group_seek(x, g, ip);
		cursor->inside = true;
		s = &x->sources[cursor->at];
		if (cursor->at == g->end || memcmp(s->ip, ip, IP_LEN) != 0)
			continue;
		cursor->at++;
		*trunk = s->trunk;
		return &s->rule;
	}
	return NULL;
}
