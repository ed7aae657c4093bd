/* SPDX-License-Identifier: Apache-2.0 */
/* The table of trunks of a node (trunk.h): by number, name and access code, with their channels in
 * use and the state of their servers. An index by source address with longest prefix first finds
 * the trunk of a request; it is rebuilt lazily after changes, so loading many trunks stays cheap.
 * Channel limits over all nodes are shared by share.h. */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sig/host/share.h"
#include "sig/host/trunk.h"

enum { IP_LEN = 16, FAMILIES = 2, GROUPS_MAX = FAMILIES * (8 * IP_LEN + 1) + 1 };

/* A rule of a trunk. */
struct source {
	uint8_t ip[IP_LEN]; /* no bit behind the prefix */
	uint16_t trunk;
	uint8_t family; /* ADDR_NONE: any source at the trunk's listener */
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

/* 0 or -ENOMEM. */
static int trunk_index_open(struct trunk_index **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

static void trunk_index_close(struct trunk_index *x)
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

/* Room for so many trunks and sources of theirs. 0 or -ENOMEM: what was there still holds. */
static int trunk_index_reserve(struct trunk_index *x, uint32_t trunks, uint32_t sources)
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

/* It holds no longer. */
static void trunk_index_spoil(struct trunk_index *x)
{
	x->holds = false;
}

static bool trunk_index_holds(const struct trunk_index *x)
{
	return x->holds;
}

static void trunk_index_clear(struct trunk_index *x)
{
	x->source_count = x->name_count = x->access_count = x->group_count = 0;
}

/* The octets of an address that are within its first bits. */
static void prefix_of_address(uint8_t out[IP_LEN], const struct addr *a, unsigned bits)
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
	prefix_of_address(s->ip, &rule->net, rule->bits);
}

static void trunk_index_add(struct trunk_index *x, uint16_t trunk, const struct trunk_settings *set,
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

/* Of a trunk that is in the index. */
static const struct trunk_settings *listed_settings(const struct trunks *t, uint16_t trunk)
{
	const struct trunk_settings *set = trunks_settings(t, trunk);

	assert(set);
	return set;
}

static int compare_names(const void *a, const void *b, void *arg)
{
	const struct order *o = arg;
	const struct trunk_settings *x = listed_settings(o->trunks, *(const uint16_t *)a);
	const struct trunk_settings *y = listed_settings(o->trunks, *(const uint16_t *)b);

	return text_compare(x, x->name, y->tenant, bytes_str(y->name));
}

static int compare_accesses(const void *a, const void *b, void *arg)
{
	const struct order *o = arg;
	const struct trunk_settings *x = listed_settings(o->trunks, *(const uint16_t *)a);
	const struct trunk_settings *y = listed_settings(o->trunks, *(const uint16_t *)b);
	int order = text_compare(x, x->access, y->tenant, bytes_str(y->access));

	return order ? order : strcmp(x->name, y->name);
}

/* On all nodes the same one comes first: numbers of tenants are those of a process. */
static int compare_trunks(const struct order *o, const struct source *a, const struct source *b)
{
	const struct trunk_settings *x = listed_settings(o->trunks, a->trunk);
	const struct trunk_settings *y = listed_settings(o->trunks, b->trunk);
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

/* Rebuilds it: add each numbered trunk (trunks_settings), then declare it complete. live: requests
 * may come from it. */
static void trunk_index_end(struct trunk_index *x, const struct trunks *t, struct tenants *tenants)
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

		set = listed_settings(t, list[middle]);
		if (text_compare(set, text_of(set), tenant, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == count)
		return TRUNK_NONE;
	set = listed_settings(t, list[low]);
	return text_compare(set, text_of(set), tenant, key) ? TRUNK_NONE : list[low];
}

/* Returns TRUNK_NONE if not found. */
static uint16_t trunk_index_find(const struct trunk_index *x, const struct trunks *t,
				 uint16_t tenant, struct bytes name)
{
	return list_find(x->names, x->name_count, t, name_of, tenant, name);
}

/* Among live trunks the one with that access code, of several the first by name. */
static uint16_t trunk_index_access(const struct trunk_index *x, const struct trunks *t,
				   uint16_t tenant, struct bytes code)
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

/* As trunks_source_next. */
static const struct shard_trusted *trunk_index_next(const struct trunk_index *x,
						    const struct addr *from,
						    struct trunk_cursor *cursor, uint16_t *trunk)
{
	for (; cursor->group < x->group_count; cursor->group++, cursor->inside = false) {
		const struct group *g = &x->groups[cursor->group];
		const struct source *s;
		uint8_t ip[IP_LEN];

		if (g->family != ADDR_NONE && g->family != from->family)
			continue;
		prefix_of_address(ip, from, g->bits);
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

struct trunk {
	struct trunk_settings settings;
	bool there;   /* was put, and not deleted since */
	uint8_t down; /* servers, a bit each */
	uint32_t in, out;
	uint64_t shares[3]; /* share_id of SHARE_TRUNK and those behind it */
	uint64_t counted[TRUNK_COUNTS];
};
static_assert(TRUNK_SERVERS_MAX <= 8, "a bit each");

struct trunks {
	struct tenants *tenants;
	struct shares *shares;
	struct trunk_index *index;
	uint16_t end; /* no number from here on was ever given */
	bool asks_accounts;
	struct trunk *list[TRUNKS_MAX + 1]; /* NULL: the number is free */
};

int trunks_open(struct trunks **out, struct tenants *tenants)
{
	struct trunks *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->tenants = tenants;
	t->end = 1;
	if (trunk_index_open(&t->index)) {
		free(t);
		return -ENOMEM;
	}
	*out = t;
	return 0;
}

void trunks_share(struct trunks *t, struct shares *shares)
{
	t->shares = shares;
}

static void trunk_free(struct trunks *t, uint16_t trunk)
{
	tenants_release(t->tenants, t->list[trunk]->settings.tenant, TENANT_TRUNKS);
	trunk_index_spoil(t->index);
	free(t->list[trunk]);
	t->list[trunk] = NULL;
}

void trunks_close(struct trunks *t)
{
	for (uint16_t i = 1; t && i < t->end; i++) {
		if (t->list[i])
			trunk_free(t, i);
	}
	if (t)
		trunk_index_close(t->index);
	free(t);
}

static struct trunk *trunk_of(const struct trunks *t, uint16_t trunk)
{
	return t && trunk < t->end ? t->list[trunk] : NULL;
}

/* ---- by name ---- */

static void index_make(const struct trunks *t)
{
	if (!t || trunk_index_holds(t->index))
		return;
	trunk_index_clear(t->index);
	for (uint16_t i = 1; i < t->end; i++) {
		if (t->list[i])
			trunk_index_add(t->index, i, &t->list[i]->settings, trunks_has(t, i));
	}
	trunk_index_end(t->index, t, t->tenants);
}

/* A series of changes pays for sorting once. */
static uint16_t number_of(const struct trunks *t, uint16_t tenant, struct bytes name)
{
	if (t && trunk_index_holds(t->index))
		return trunk_index_find(t->index, t, tenant, name);
	for (uint16_t i = 1; t && i < t->end; i++) {
		if (t->list[i] && t->list[i]->settings.tenant == tenant &&
		    bytes_is(name, t->list[i]->settings.name))
			return i;
	}
	return TRUNK_NONE;
}

/* The number is free: it belonged to a name of a record or a deleted document. */
static bool is_spare(const struct trunk *x)
{
	return !x->there && !x->in && !x->out;
}

static uint16_t trunk_number_allocate(struct trunks *t)
{
	for (uint16_t i = 1; i < t->end; i++) {
		if (!t->list[i])
			return i;
		if (is_spare(t->list[i])) {
			trunk_free(t, i);
			return i;
		}
	}
	return t->end <= TRUNKS_MAX ? t->end++ : TRUNK_NONE;
}

static int trunk_add(struct trunks *t, uint16_t tenant, struct bytes name, uint16_t *trunk)
{
	struct trunk *x;

	if (name.n == 0 || name.n >= TRUNK_NAME_MAX || tenant == TENANT_NONE)
		return -EINVAL;
	*trunk = trunk_number_allocate(t);
	if (*trunk == TRUNK_NONE)
		return -ENOSPC;
	if (trunk_index_reserve(t->index, t->end, t->end * TRUNK_SOURCES_MAX))
		return -ENOMEM;
	x = t->list[*trunk] = calloc(1, sizeof(*x));
	if (!x)
		return -ENOMEM;
	trunk_index_spoil(t->index);
	x->settings.tenant = tenant;
	(void)bytes_cstr(name, x->settings.name, sizeof(x->settings.name));
	for (unsigned i = 0; t->shares && i < COUNT_OF(x->shares); i++)
		x->shares[i] = share_id(t->shares, SHARE_TRUNK + i, tenant, name, 0);
	tenants_hold(t->tenants, tenant, TENANT_TRUNKS);
	return 0;
}

/* Shares of an unlimited item are not announced. */
static void channel_share_note(const struct trunks *t, const struct trunk *x, enum share_item item,
			       uint32_t limit, uint32_t count)
{
	if (limit)
		share_note(t->shares, x->shares[item - SHARE_TRUNK], count);
}

static void channels_share_note(const struct trunks *t, const struct trunk *x)
{
	channel_share_note(t, x, SHARE_TRUNK, x->settings.channels, x->in + x->out);
	channel_share_note(t, x, SHARE_TRUNK_IN, x->settings.channels_in, x->in);
	channel_share_note(t, x, SHARE_TRUNK_OUT, x->settings.channels_out, x->out);
}

/* Other servers are in the places of those that were down. */
static bool has_same_servers(const struct trunk_settings *a, const struct trunk_settings *b)
{
	return a->server_count == b->server_count &&
	       memcmp(a->servers, b->servers, sizeof(a->servers)) == 0;
}

int trunks_put(struct trunks *t, const struct trunk_settings *set, uint16_t *trunk)
{
	struct bytes name = bytes_str(set->name);
	int err = 0;

	*trunk = number_of(t, set->tenant, name);
	if (*trunk == TRUNK_NONE)
		err = trunk_add(t, set->tenant, name, trunk);
	if (err)
		return err;
	if (!has_same_servers(&t->list[*trunk]->settings, set))
		t->list[*trunk]->down = 0;
	t->list[*trunk]->settings = *set;
	t->asks_accounts |= set->account_code;
	t->list[*trunk]->there = true;
	channels_share_note(t, t->list[*trunk]); /* there may be calls of it already */
	trunk_index_spoil(t->index);
	return 0;
}

bool trunks_ask_accounts(const struct trunks *t)
{
	return t && t->asks_accounts;
}

bool trunks_delete(struct trunks *t, uint16_t tenant, struct bytes name)
{
	uint16_t trunk = trunks_find(t, tenant, name);

	if (trunk == TRUNK_NONE)
		return false;
	t->list[trunk]->there = false;
	trunk_index_spoil(t->index);
	if (is_spare(t->list[trunk]))
		trunk_free(t, trunk);
	return true;
}

uint16_t trunks_find(const struct trunks *t, uint16_t tenant, struct bytes name)
{
	uint16_t trunk;

	index_make(t);
	trunk = number_of(t, tenant, name);
	return trunk != TRUNK_NONE && t->list[trunk]->there ? trunk : TRUNK_NONE;
}

uint16_t trunks_claim(struct trunks *t, uint16_t tenant, struct bytes name)
{
	uint16_t trunk;

	index_make(t);
	trunk = number_of(t, tenant, name);
	if (trunk == TRUNK_NONE && (!t || trunk_add(t, tenant, name, &trunk)))
		return TRUNK_NONE;
	return trunk;
}

const char *trunks_name(const struct trunks *t, uint16_t trunk)
{
	const struct trunk *x = trunk_of(t, trunk);

	return x ? x->settings.name : "";
}

const struct trunk_settings *trunks_settings(const struct trunks *t, uint16_t trunk)
{
	const struct trunk *x = trunk_of(t, trunk);

	return x ? &x->settings : NULL;
}

bool trunks_has(const struct trunks *t, uint16_t trunk)
{
	const struct trunk *x = trunk_of(t, trunk);

	return x && x->there && x->settings.enabled;
}

bool trunks_next(const struct trunks *t, uint16_t *trunk)
{
	if (*trunk == TRUNK_NONE)
		(*trunk)++;
	while (t && *trunk < t->end && !t->list[*trunk])
		(*trunk)++;
	return t && *trunk < t->end;
}

const struct shard_trusted *trunks_source_next(const struct trunks *t, const struct addr *from,
					       struct trunk_cursor *cursor, uint16_t *trunk)
{
	index_make(t);
	return t ? trunk_index_next(t->index, from, cursor, trunk) : NULL;
}

/* ---- channels ---- */

static uint32_t *held(struct trunk *x, enum trunk_direction way)
{
	assert(way == TRUNK_IN || way == TRUNK_OUT);
	return way == TRUNK_IN ? &x->in : &x->out;
}

void trunks_hold(struct trunks *t, uint16_t trunk, enum trunk_direction way)
{
	struct trunk *x = trunk_of(t, trunk);

	if (!x)
		return;
	(*held(x, way))++;
	channels_share_note(t, x);
}

void trunks_release(struct trunks *t, uint16_t trunk, enum trunk_direction way)
{
	struct trunk *x = trunk_of(t, trunk);

	if (!x)
		return;
	assert(*held(x, way) > 0);
	(*held(x, way))--;
	channels_share_note(t, x);
	if (is_spare(x))
		trunk_free(t, trunk);
}

uint32_t trunks_held(const struct trunks *t, uint16_t trunk, enum trunk_direction way)
{
	struct trunk *x = trunk_of(t, trunk);

	return x ? *held(x, way) : 0;
}

static bool is_below(const struct trunks *t, const struct trunk *x, enum share_item item,
		     uint32_t limit, uint32_t count)
{
	return limit == 0 || count < share_of(t->shares, x->shares[item - SHARE_TRUNK], limit,
					      count, shares_now_ns(t->shares));
}

uint16_t trunks_by_access(const struct trunks *t, uint16_t tenant, struct bytes number)
{
	size_t n = number.n < TRUNK_ACCESS_MAX ? number.n : TRUNK_ACCESS_MAX - 1;
	uint16_t found = TRUNK_NONE;

	index_make(t);
	for (; t && n && found == TRUNK_NONE; n--)
		found = trunk_index_access(t->index, t, tenant, bytes_sub(number, 0, n));
	return found;
}

static bool trunk_fits(const struct trunks *t, const struct trunk *x, uint32_t in, uint32_t out,
		       enum trunk_direction way)
{
	const struct trunk_settings *set = &x->settings;

	return is_below(t, x, SHARE_TRUNK, set->channels, in + out) &&
	       (way == TRUNK_IN ? is_below(t, x, SHARE_TRUNK_IN, set->channels_in, in)
				: is_below(t, x, SHARE_TRUNK_OUT, set->channels_out, out));
}

bool trunks_has_room(const struct trunks *t, uint16_t trunk, enum trunk_direction way)
{
	const struct trunk *x = trunk_of(t, trunk);

	return x && trunk_fits(t, x, x->in, x->out, way);
}

bool trunks_has_room_for(const struct trunks *t, uint16_t trunk, enum trunk_direction way,
			 enum trunk_direction in_place_of)
{
	const struct trunk *x = trunk_of(t, trunk);
	uint32_t in = in_place_of == TRUNK_IN, out = in_place_of == TRUNK_OUT;

	return x && x->in >= in && x->out >= out && trunk_fits(t, x, x->in - in, x->out - out, way);
}

void trunks_count(struct trunks *t, uint16_t trunk, enum trunk_count what)
{
	struct trunk *x = trunk_of(t, trunk);

	if (x)
		x->counted[what]++;
}

uint64_t trunks_counted(const struct trunks *t, uint16_t trunk, enum trunk_count what)
{
	const struct trunk *x = trunk_of(t, trunk);

	return x ? x->counted[what] : 0;
}

/* ---- whether it is there ---- */

void trunks_set_up(struct trunks *t, uint16_t trunk, uint8_t server, bool up)
{
	struct trunk *x = trunk_of(t, trunk);

	if (!x || server >= TRUNK_SERVERS_MAX)
		return;
	if (up)
		x->down &= (uint8_t) ~(1U << server);
	else
		x->down |= (uint8_t)(1U << server);
}

bool trunks_is_up(const struct trunks *t, uint16_t trunk, uint8_t server)
{
	const struct trunk *x = trunk_of(t, trunk);

	return x && server < TRUNK_SERVERS_MAX && !(x->down & 1U << server);
}

/* ---- places ---- */

/* An address without port has that of its transport; a name without one means more than a port (RFC
 * 3263 4.2). */
static bool place_is(const struct sip_place *place, struct bytes host, uint16_t port,
		     uint16_t usual)
{
	struct addr a, b;

	if (!addr_parse(&a, bytes_str(place->host)))
		return !addr_parse(&b, host) && addr_ip_eq(&a, &b) &&
		       (place->port ? place->port : usual) == (port ? port : usual);
	return place->port == port && bytes_ieq(host, bytes_str(place->host));
}

bool trunk_server_named(const struct trunk_settings *set, const struct sip_uri *uri,
			uint8_t *server)
{
	uint16_t usual = sip_transport_port(
		set->transport ? (enum sip_transport)(set->transport - 1) : SIP_UDP);

	for (*server = 0; *server < set->server_count; (*server)++) {
		if (place_is(&set->servers[*server], uri->host, uri->port, usual))
			return true;
	}
	return false;
}
