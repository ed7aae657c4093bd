/* SPDX-License-Identifier: Apache-2.0 */
/* The table of tenants of a node (tenant.h): names, domains and numbers, what each holds, and its
 * rates. Numbers are of this process only and stay while anything is held, so a deleted tenant's
 * calls go on. Also the parsing of park groups in its document. Fixed size with hash indexes by
 * name and domain; one thread. */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/table.h"
#include "sig/host/quota.h"
#include "sig/host/tenant.h"
#include "sig/sip/stream_rate.h"

const char *const g_entitlements[] = {
#define X(id, word) word,
	ENTITLEMENTS(X)
#undef X
		NULL,
};

#define X(id, word) word,
const char *const g_seats[] = { SEATS(X) NULL };
#undef X
/* Without the last one. */
const char *const g_seats_given[] = { "web", "iptalk", "phone", "advanced", "crm", NULL };

static_assert(COUNT_OF(g_seats_given) == SEATS_GIVEN + 1, "one word for each");

enum { SLOT_DIGITS_MAX = 8 };

static bool is_digits(struct bytes b)
{
	for (size_t i = 0; i < b.n; i++) {
		if (b.p[i] < '0' || b.p[i] > '9')
			return false;
	}
	return b.n && b.n <= SLOT_DIGITS_MAX;
}

static bool is_group_name(struct bytes b)
{
	for (size_t i = 0; i < b.n; i++) {
		bool plain = (b.p[i] >= '0' && b.p[i] <= '9') ||
			     ((b.p[i] | 0x20) >= 'a' && (b.p[i] | 0x20) <= 'z') || b.p[i] == '-' ||
			     b.p[i] == '_' || b.p[i] == '.';

		if (!plain)
			return false;
	}
	return b.n && b.n < PARK_GROUP_NAME_MAX;
}

static bool is_up_to(struct bytes a, struct bytes b)
{
	return a.n == b.n && memcmp(a.p, b.p, a.n) <= 0;
}

static bool group_holds(const struct park_group *g, struct bytes slot)
{
	return is_up_to(g->first, slot) && is_up_to(slot, g->last);
}

/* The next group; *groups is behind it then. Returns false at the end, or for an invalid one. */
static bool park_groups_next(struct bytes *groups, struct park_group *out)
{
	struct bytes range;

	if (!bytes_cut(groups, ',', &range) || !bytes_cut(&range, '=', &out->name) ||
	    !bytes_cut(&range, '-', &out->first))
		return false;
	out->last = range;
	return is_group_name(out->name) && is_digits(out->first) && is_digits(out->last) &&
	       is_up_to(out->first, out->last);
}

bool park_group_find(struct bytes groups, struct bytes name, struct park_group *out)
{
	while (park_groups_next(&groups, out)) {
		if (!name.n || bytes_eq(out->name, name))
			return true;
	}
	return false;
}

bool park_group_of(struct bytes groups, struct bytes slot, struct park_group *out)
{
	while (park_groups_next(&groups, out)) {
		if (group_holds(out, slot))
			return true;
	}
	return false;
}

const char *park_groups_wrong(struct bytes groups)
{
	struct bytes rest = groups;
	struct park_group g, other;
	size_t count = 0;

	if (groups.n && groups.p[groups.n - 1] == ',')
		return "there is no group behind a ','";
	while (rest.n) {
		struct bytes before = { groups.p, (size_t)(rest.p - groups.p) };

		if (!park_groups_next(&rest, &g))
			return "a group is NAME=FIRST-LAST, two slots of as many digits, 8 at most";
		if (++count > PARK_GROUPS_MAX)
			return "there are at most 16 groups";
		while (park_groups_next(&before, &other)) {
			if (bytes_eq(other.name, g.name))
				return "a group is there twice";
			if (group_holds(&other, g.first) || group_holds(&g, other.first))
				return "a slot is of two groups";
		}
	}
	return NULL;
}

bool park_slot_next(char *slot)
{
	size_t n = strlen(slot);

	while (n && slot[n - 1] == '9')
		slot[--n] = '0';
	if (!n)
		return false;
	slot[n - 1]++;
	return true;
}

struct tenant {
	struct tenant_settings settings;
	bool there; /* was put, and not deleted since */
	uint32_t held[TENANT_ITEMS];
	uint64_t full_ns[TENANT_RATES]; /* stream_rate_spend */
};

struct tenants {
	struct tenant *list[TENANTS_MAX]; /* NULL: the number is free */
	uint32_t end;                     /* no number from here on was ever given */
	uint32_t there_count;
	bool spare;                      /* a number below may be free by now */
	struct table by_name, by_domain; /* values: a number and 1 */
	struct hash_key key;
};

/* ---- names and domains ---- */

/* It is part of store keys and paths. */
static bool name_fits(struct bytes name)
{
	return name.n > 0 && name.n < TENANT_NAME_MAX && name.p[0] != '.' && name.p[0] != '_' &&
	       bytes_are_plain(name);
}

static uint64_t tenant_name_hash(const struct tenants *t, struct bytes name)
{
	return hash_sip(&t->key, name);
}

/* A dot at the end says that the name is whole. */
static struct bytes domain_bare(struct bytes domain)
{
	if (domain.n && domain.p[domain.n - 1] == '.')
		domain.n--;
	return domain;
}

static uint64_t domain_hash(const struct tenants *t, struct bytes domain)
{
	uint8_t lower[TENANT_DOMAIN_MAX];

	assert(domain.n <= sizeof(lower));
	for (size_t i = 0; i < domain.n; i++)
		lower[i] =
			domain.p[i] >= 'A' && domain.p[i] <= 'Z' ? domain.p[i] | 0x20 : domain.p[i];
	return hash_sip(&t->key, bytes_mem(lower, domain.n));
}

static bool tenant_has_domain(const struct tenant *tenant, struct bytes domain)
{
	for (uint32_t i = 0; i < tenant->settings.domain_count; i++) {
		if (bytes_ieq(domain_bare(bytes_str(tenant->settings.domains[i])), domain))
			return true;
	}
	return false;
}

uint16_t tenants_number(const struct tenants *t, struct bytes name)
{
	uint64_t hash = tenant_name_hash(t, name), at;
	uint32_t cursor = 0;

	while ((at = table_next(&t->by_name, hash, &cursor)) != 0) {
		if (bytes_is(name, t->list[at - 1]->settings.name))
			return (uint16_t)(at - 1);
	}
	return TENANT_NONE;
}

uint16_t tenants_owner(const struct tenants *t, struct bytes domain)
{
	uint64_t hash, at;
	uint32_t cursor = 0;

	domain = domain_bare(domain);
	if (t->by_domain.count == 0 || domain.n == 0 || domain.n >= TENANT_DOMAIN_MAX)
		return TENANT_NONE;
	hash = domain_hash(t, domain);
	while ((at = table_next(&t->by_domain, hash, &cursor)) != 0) {
		if (tenant_has_domain(t->list[at - 1], domain))
			return (uint16_t)(at - 1);
	}
	return TENANT_NONE;
}

uint16_t tenants_of_domain(const struct tenants *t, struct bytes domain)
{
	uint16_t tenant = tenants_owner(t, domain);

	return tenant == TENANT_NONE || t->list[tenant]->settings.disabled ? TENANT_NONE : tenant;
}

static void domains_forget(struct tenants *t, uint16_t tenant)
{
	struct tenant_settings *set = &t->list[tenant]->settings;

	for (uint32_t i = 0; i < set->domain_count; i++)
		(void)table_del(&t->by_domain,
				domain_hash(t, domain_bare(bytes_str(set->domains[i]))),
				(uint64_t)tenant + 1);
	set->domain_count = 0;
}

static int domains_list(struct tenants *t, uint16_t tenant)
{
	const struct tenant_settings *set = &t->list[tenant]->settings;

	for (uint32_t i = 0; i < set->domain_count; i++) {
		uint64_t hash = domain_hash(t, domain_bare(bytes_str(set->domains[i])));

		if (table_put(&t->by_domain, hash, (uint64_t)tenant + 1))
			return -ENOMEM;
	}
	return 0;
}

/* ---- numbers ---- */

static bool tenant_is_held(const struct tenant *tenant)
{
	for (unsigned i = 0; i < TENANT_ITEMS; i++) {
		if (tenant->held[i])
			return true;
	}
	return false;
}

static void number_free(struct tenants *t, uint16_t tenant)
{
	struct bytes name = bytes_str(t->list[tenant]->settings.name);

	(void)table_del(&t->by_name, tenant_name_hash(t, name), (uint64_t)tenant + 1);
	free(t->list[tenant]);
	t->list[tenant] = NULL;
}

/* The first free one, or one of a deleted tenant with nothing left. */
static uint16_t number_new(struct tenants *t)
{
	for (uint32_t i = 0; i < t->end && t->spare; i++) {
		if (t->list[i] && (t->list[i]->there || tenant_is_held(t->list[i])))
			continue;
		if (t->list[i])
			number_free(t, (uint16_t)i);
		return (uint16_t)i;
	}
	t->spare = false;
	return t->end < TENANTS_MAX ? (uint16_t)t->end : TENANT_NONE;
}

static int tenant_number_allocate(struct tenants *t, struct bytes name, uint16_t *tenant)
{
	struct tenant *fresh;

	*tenant = number_new(t);
	if (*tenant == TENANT_NONE)
		return -ENOSPC;
	fresh = calloc(1, sizeof(*fresh));
	if (!fresh || table_put(&t->by_name, tenant_name_hash(t, name), (uint64_t)*tenant + 1)) {
		free(fresh);
		t->spare = true;
		return -ENOMEM;
	}
	(void)bytes_cstr(name, fresh->settings.name, sizeof(fresh->settings.name));
	t->list[*tenant] = fresh;
	if (*tenant == t->end)
		t->end++;
	t->spare = true; /* until it is put, or something is held */
	return 0;
}

uint16_t tenants_claim(struct tenants *t, struct bytes name)
{
	uint16_t tenant;

	if (!name_fits(name))
		return TENANT_NONE;
	tenant = tenants_number(t, name);
	if (tenant == TENANT_NONE && tenant_number_allocate(t, name, &tenant))
		return TENANT_NONE;
	return tenant;
}

/* ---- put and delete ---- */

static int settings_check(const struct tenants *t, const struct tenant_settings *set)
{
	uint16_t own = tenants_number(t, bytes_str(set->name));

	if (!name_fits(bytes_str(set->name)) || set->domain_count > TENANT_DOMAINS_MAX)
		return -EINVAL;
	for (uint32_t i = 0; i < set->domain_count; i++) {
		struct bytes domain = domain_bare(bytes_str(set->domains[i]));
		uint16_t other = tenants_owner(t, domain);

		if (domain.n == 0)
			return -EINVAL;
		if (other != TENANT_NONE && other != own)
			return -EEXIST;
	}
	return 0;
}

static void there_set(struct tenants *t, uint16_t tenant, bool there)
{
	t->there_count += (uint32_t)there - (uint32_t)t->list[tenant]->there;
	t->list[tenant]->there = there;
}

int tenants_put(struct tenants *t, const struct tenant_settings *set, uint16_t *tenant)
{
	struct bytes name = bytes_str(set->name);
	int err = settings_check(t, set);

	if (err)
		return err;
	*tenant = tenants_number(t, name);
	if (*tenant == TENANT_NONE && (err = tenant_number_allocate(t, name, tenant)))
		return err;
	domains_forget(t, *tenant);
	t->list[*tenant]->settings = *set;
	there_set(t, *tenant, true);
	err = domains_list(t, *tenant);
	if (err)
		domains_forget(t, *tenant);
	return err;
}

bool tenants_delete(struct tenants *t, struct bytes name)
{
	uint16_t tenant = tenants_find(t, name);

	if (tenant == TENANT_NONE)
		return false;
	domains_forget(t, tenant);
	t->list[tenant]->settings.realm[0] = '\0';
	there_set(t, tenant, tenant == TENANT_DEFAULT);
	t->spare = true;
	return true;
}

/* ---- what is known of one ---- */

uint16_t tenants_find(const struct tenants *t, struct bytes name)
{
	uint16_t tenant = tenants_number(t, name);

	return tenant != TENANT_NONE && t->list[tenant]->there ? tenant : TENANT_NONE;
}

static struct tenant *tenant_at(const struct tenants *t, uint16_t tenant)
{
	assert(tenant < t->end && t->list[tenant]);
	return t->list[tenant];
}

bool tenants_has(const struct tenants *t, uint16_t tenant)
{
	return tenant < t->end && t->list[tenant] && t->list[tenant]->there;
}

const char *tenants_name(const struct tenants *t, uint16_t tenant)
{
	return tenant_at(t, tenant)->settings.name;
}

const char *tenants_realm(const struct tenants *t, uint16_t tenant)
{
	const struct tenant_settings *set = &tenant_at(t, tenant)->settings;

	if (tenant == TENANT_DEFAULT)
		return "";
	return set->realm[0] || !set->domain_count ? set->realm : set->domains[0];
}

const char *tenants_domain(const struct tenants *t, uint16_t tenant)
{
	const struct tenant_settings *set = &tenant_at(t, tenant)->settings;

	return set->domain_count ? set->domains[0] : "";
}

uint8_t tenants_classes(const struct tenants *t, uint16_t tenant, uint8_t classes)
{
	return (uint8_t)(classes & ~tenant_at(t, tenant)->settings.barred);
}

struct toll_limits tenants_toll(const struct tenants *t, uint16_t tenant)
{
	return tenant_at(t, tenant)->settings.toll;
}

uint32_t tenants_toll_begins_s(const struct tenants *t, uint16_t tenant)
{
	return tenant == TENANT_NONE ? 0 : tenant_at(t, tenant)->settings.toll_begins_s;
}

const struct tenant_terms *tenants_terms(const struct tenants *t, uint16_t tenant)
{
	return &tenant_at(t, tenant)->settings.terms;
}

bool tenants_next(const struct tenants *t, uint16_t *tenant)
{
	while (*tenant < t->end && !t->list[*tenant])
		(*tenant)++;
	return *tenant < t->end;
}

void tenants_hold(struct tenants *t, uint16_t tenant, enum tenant_item item)
{
	tenant_at(t, tenant)->held[item]++;
}

void tenants_release(struct tenants *t, uint16_t tenant, enum tenant_item item)
{
	struct tenant *which = tenant_at(t, tenant);

	assert(which->held[item]);
	which->held[item]--;
	if (!which->there)
		t->spare = true;
}

uint32_t tenants_held(const struct tenants *t, uint16_t tenant, enum tenant_item item)
{
	return tenant_at(t, tenant)->held[item];
}

uint32_t tenants_most(const struct tenants *t, uint16_t tenant, enum tenant_item item)
{
	return tenant_at(t, tenant)->settings.most[item];
}

uint32_t tenants_share(const struct tenants *t, uint32_t quota, uint32_t places, uint32_t others)
{
	uint32_t left = others < places ? places - others : 0;

	if (quota)
		return quota < left ? quota : left;
	return t->there_count > 1 ? left - left / 2 : left;
}

bool tenants_is_limited(const struct tenants *t, uint16_t tenant, enum tenant_item item)
{
	return item >= TENANT_SEATS
		       ? tenants_terms(t, tenant)->seats_counted >> (item - TENANT_SEATS) & 1
		       : tenants_most(t, tenant, item) != 0;
}

bool tenants_is_full(const struct tenants *t, uint16_t tenant, enum tenant_item item)
{
	return tenants_is_limited(t, tenant, item) &&
	       tenants_held(t, tenant, item) >= tenants_most(t, tenant, item);
}

uint32_t tenants_spend(struct tenants *t, uint16_t tenant, enum tenant_rate rate, uint64_t now_ns)
{
	struct tenant *which = tenant_at(t, tenant);
	uint32_t per_s = which->settings.per_second[rate];
	struct stream_rate bucket = { .per_s = per_s, .burst = per_s * QUOTA_BURST_S };
	uint64_t next;

	if (!per_s || stream_rate_spend(&which->full_ns[rate], &bucket, now_ns))
		return 0;
	next = stream_rate_next_ns(which->full_ns[rate], &bucket);
	return (uint32_t)((next - now_ns + NS_PER_S - 1) / NS_PER_S);
}

/* ---- all of them ---- */

int tenants_open(struct tenants **out, const struct hash_key *key)
{
	const struct tenant_settings first = { .name = TENANT_DEFAULT_NAME };
	struct tenants *t = calloc(1, sizeof(*t));
	uint16_t tenant;

	if (!t)
		return -ENOMEM;
	t->key = *key;
	if (table_open(&t->by_name, TENANTS_MAX) ||
	    table_open(&t->by_domain, TENANTS_MAX * TENANT_DOMAINS_MAX) ||
	    tenants_put(t, &first, &tenant)) {
		tenants_close(t);
		return -ENOMEM;
	}
	assert(tenant == TENANT_DEFAULT);
	*out = t;
	return 0;
}

void tenants_close(struct tenants *t)
{
	if (!t)
		return;
	for (uint32_t i = 0; i < t->end; i++)
		free(t->list[i]);
	table_close(&t->by_name);
	table_close(&t->by_domain);
	free(t);
}
