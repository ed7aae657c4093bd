/* SPDX-License-Identifier: Apache-2.0 */
/* Toll limits of calls outside (toll.h): accounts of extensions and tenants with the calls and
 * minutes of a day, slices of time granted in advance, and the parts of cost that each shard has.
 * Over several nodes the limits are shared by share.h. Accounts are reused when they have no cost
 * today; days follow the tenant's wall clock. Used by sig/pbx/charge.c. */

#include "sig/host/toll.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/table.h"
#include "sig/host/share.h"

enum { DAY_MS = 24 * 3600 * 1000, MINUTE_MS = 60000, FIRST = 64 };

struct account {
	uint16_t tenant;
	bool warned;              /* today */
	char user[TOLL_USER_MAX]; /* "": the tenant's */
	uint32_t calls;
	uint64_t day;                   /* of its parts */
	uint64_t share_calls, share_ms; /* share_id */
};

/* What calls of one shard have cost, by account. */
struct part {
	int64_t *ms;
	uint32_t charges;
};

struct toll {
	struct hash_key key;
	struct shares *shares;
	struct table by_user;
	struct account *accounts; /* from 1 on */
	uint32_t count, capacity, max, shards;
	struct part parts[];
};

struct toll_now toll_now(uint64_t utc_ms, int64_t wall_ms)
{
	uint64_t wall = (uint64_t)((int64_t)utc_ms + wall_ms), day = wall / DAY_MS;

	return (struct toll_now){ .utc_ms = utc_ms,
				  .midnight_ms = utc_ms - wall % DAY_MS,
				  .day = day };
}

struct toll_now toll_now_of(const struct tenants *tenants, uint16_t tenant, uint64_t utc_ms,
			    int64_t wall_ms)
{
	int64_t late_ms = (int64_t)tenants_toll_begins_s(tenants, tenant) * 1000;

	return toll_now(utc_ms, wall_ms - late_ms);
}

int toll_open(struct toll **out, uint32_t accounts, uint32_t shards, const struct hash_key *key)
{
	struct toll *t = calloc(1, sizeof(*t) + shards * sizeof(t->parts[0]));

	if (!t)
		return -ENOMEM;
	t->key = *key;
	t->shards = shards;
	t->count = 1;
	t->max = accounts + 1;
	if (table_open(&t->by_user, accounts)) {
		free(t);
		return -ENOMEM;
	}
	*out = t;
	return 0;
}

void toll_close(struct toll *t)
{
	if (!t)
		return;
	table_close(&t->by_user);
	for (uint32_t i = 0; i < t->shards; i++)
		free(t->parts[i].ms);
	free(t->accounts);
	free(t);
}

/* ---- accounts ---- */

static uint64_t account_hash(const struct toll *t, uint16_t tenant, struct bytes user)
{
	return tenant_hash(hash_sip(&t->key, user), tenant);
}

/* 0: it has none. */
static uint32_t account_find(const struct toll *t, uint16_t tenant, struct bytes user)
{
	uint32_t cursor = 0;
	uint64_t value;

	while ((value = table_next(&t->by_user, account_hash(t, tenant, user), &cursor)) != 0) {
		const struct account *a = &t->accounts[value];

		if (a->tenant == tenant && bytes_is(user, a->user))
			return (uint32_t)value;
	}
	return 0;
}

static bool parts_grow(struct toll *t, uint32_t capacity)
{
	for (uint32_t i = 0; i < t->shards; i++) {
		int64_t *ms = reallocarray(t->parts[i].ms, capacity, sizeof(*ms));

		if (!ms)
			return false;
		t->parts[i].ms = ms;
	}
	return true;
}

static bool accounts_grow(struct toll *t)
{
	uint32_t capacity = t->capacity ? 2 * t->capacity : FIRST;
	struct account *all;

	if (t->count == t->max)
		return false;
	if (t->count < t->capacity)
		return true;
	all = reallocarray(t->accounts, capacity, sizeof(*all));
	if (!all)
		return false;
	memset(all + t->capacity, 0, (capacity - t->capacity) * sizeof(*all));
	t->accounts = all;
	if (!parts_grow(t, capacity))
		return false;
	t->capacity = capacity;
	return true;
}

static void account_clear(struct toll *t, uint32_t at)
{
	for (uint32_t i = 0; i < t->shards; i++)
		t->parts[i].ms[at] = 0;
}

/* 0: it has none. */
static int64_t account_used_ms(const struct toll *t, uint32_t at)
{
	int64_t sum = 0;

	for (uint32_t i = 0; at && i < t->shards; i++)
		sum += t->parts[i].ms[at];
	return sum;
}

void toll_share(struct toll *t, struct shares *shares)
{
	t->shares = shares;
}

/* Of its day. */
static void account_share(const struct toll *t, struct account *a)
{
	struct bytes user = bytes_str(a->user);

	if (!t->shares)
		return;
	share_drop(t->shares, a->share_ms);
	a->share_calls = share_id(t->shares, SHARE_CALLS_OUTSIDE, a->tenant, user, 0);
	a->share_ms = share_id(t->shares, SHARE_MINUTES_OUTSIDE, a->tenant, user, a->day);
}

static uint64_t account_spent_ms(const struct toll *t, uint32_t at)
{
	int64_t ms = account_used_ms(t, at);

	return ms > 0 ? (uint64_t)ms : 0;
}

/* What its calls cost has changed. */
static void account_share_note(const struct toll *t, uint32_t at)
{
	if (at && t->shares)
		share_note(t->shares, t->accounts[at].share_ms, account_spent_ms(t, at));
}

/* An account without cost today, wherever its day begins. Returns 0 if every account has a cost
 * today. */
static uint32_t account_idle(struct toll *t, uint64_t day)
{
	for (uint32_t i = 1; i < t->count; i++) {
		const struct account *a = &t->accounts[i];

		if (a->calls || a->day + 1 >= day)
			continue;
		(void)table_del(&t->by_user, account_hash(t, a->tenant, bytes_str(a->user)), i);
		return i;
	}
	return 0;
}

/* 0: there is no room. */
static uint32_t account_make(struct toll *t, uint16_t tenant, struct bytes user, uint64_t day)
{
	struct account new = { .tenant = tenant, .day = day };
	uint32_t at = account_find(t, tenant, user);

	if (at || bytes_cstr(user, new.user, sizeof(new.user)))
		return at;
	at = accounts_grow(t) ? t->count++ : account_idle(t, day);
	if (!at)
		return 0;
	share_drop(t->shares, t->accounts[at].share_ms);
	t->accounts[at] = new;
	account_share(t, &t->accounts[at]);
	account_clear(t, at);
	return table_put(&t->by_user, account_hash(t, tenant, user), at) ? 0 : at;
}

/* NULL: none. */
static struct account *toll_account(struct toll *t, uint32_t at)
{
	return at ? &t->accounts[at] : NULL;
}

/* A wall that is set back brings no day back. */
static void account_turn(struct toll *t, uint32_t at, const struct toll_now *now)
{
	struct account *a = toll_account(t, at);

	if (!a || now->day <= a->day)
		return;
	a->day = now->day;
	a->warned = false;
	account_share(t, a);
	account_clear(t, at);
}

/* ---- limits ---- */

static int64_t limit_ms(const struct toll_limits *l)
{
	return (int64_t)l->minutes * MINUTE_MS;
}

static bool calls_are_full(const struct toll *t, uint32_t at, const struct toll_limits *l,
			   const struct toll_now *now)
{
	const struct account *a = &t->accounts[at];

	return at && l->calls &&
	       a->calls >= share_of(t->shares, a->share_calls, l->calls, a->calls,
				    now->utc_ms * NS_PER_MS);
}

/* This node may use. */
static int64_t left_ms(const struct toll *t, uint32_t at, const struct toll_limits *l,
		       const struct toll_now *now)
{
	return (int64_t)share_of(t->shares, t->accounts[at].share_ms, (uint64_t)limit_ms(l),
				 account_spent_ms(t, at), now->utc_ms * NS_PER_MS) -
	       account_used_ms(t, at);
}

static bool minutes_are_used(const struct toll *t, uint32_t at, const struct toll_limits *l,
			     const struct toll_now *now)
{
	return at && l->minutes && left_ms(t, at, l, now) <= 0;
}

static enum toll_verdict judge(const struct toll_charge *c, const struct toll_terms *terms,
			       const struct toll_now *now)
{
	if (calls_are_full(c->of, c->user, &terms->user, now))
		return TOLL_USER_CALLS;
	if (minutes_are_used(c->of, c->user, &terms->user, now))
		return TOLL_USER_MINUTES;
	if (calls_are_full(c->of, c->tenant, &terms->tenant, now))
		return TOLL_TENANT_CALLS;
	return minutes_are_used(c->of, c->tenant, &terms->tenant, now) ? TOLL_TENANT_MINUTES
								       : TOLL_OK;
}

/* False: no room. */
static bool charge_open(struct toll *t, const struct toll_payer *who, const struct toll_now *now,
			struct toll_charge *out)
{
	assert(who->shard < t->shards);
	*out = (struct toll_charge){ .of = t, .shard = who->shard };
	out->tenant = account_make(t, who->tenant, (struct bytes){ 0 }, now->day);
	account_turn(t, out->tenant, now); /* else it is idle, and makes room */
	if (who->user.n)
		out->user = account_make(t, who->tenant, who->user, now->day);
	account_turn(t, out->user, now);
	return out->tenant && (out->user || !who->user.n);
}

enum toll_verdict toll_may(struct toll *t, const struct toll_payer *who,
			   const struct toll_terms *terms, const struct toll_now *now)
{
	struct toll_charge c;

	if (!charge_open(t, who, now, &c))
		return TOLL_USER_CALLS;
	return judge(&c, terms, now);
}

/* ---- charges ---- */

static void charge_add(const struct toll_charge *c, int64_t ms)
{
	int64_t *used_ms = c->of->parts[c->shard].ms;

	if (c->user)
		used_ms[c->user] += ms;
	if (c->tenant)
		used_ms[c->tenant] += ms;
	account_share_note(c->of, c->user);
	account_share_note(c->of, c->tenant);
}

static void charge_turn(const struct toll_charge *c, const struct toll_now *now)
{
	account_turn(c->of, c->user, now);
	account_turn(c->of, c->tenant, now);
}

static void account_count(const struct toll *t, struct account *a, bool more)
{
	if (!a)
		return;
	assert(more || a->calls);
	a->calls = more ? a->calls + 1 : a->calls - 1;
	share_note(t->shares, a->share_calls, a->calls);
}

static void charge_count(const struct toll_charge *c, bool more)
{
	account_count(c->of, toll_account(c->of, c->user), more);
	account_count(c->of, toll_account(c->of, c->tenant), more);
	c->of->parts[c->shard].charges += more ? 1 : -1U;
}

enum toll_verdict toll_start(struct toll *t, const struct toll_payer *who,
			     const struct toll_terms *terms, bool always,
			     const struct toll_now *now, struct toll_charge *out)
{
	enum toll_verdict verdict = TOLL_USER_CALLS;

	if (charge_open(t, who, now, out))
		verdict = always ? TOLL_OK : judge(out, terms, now);
	if (verdict == TOLL_OK)
		charge_count(out, true);
	else
		*out = (struct toll_charge){ 0 };
	return verdict;
}

void toll_talk(struct toll_charge *c, uint64_t answer_utc_ms, const struct toll_now *now)
{
	uint64_t from = answer_utc_ms > now->midnight_ms ? answer_utc_ms : now->midnight_ms;
	int64_t ms = now->utc_ms > from ? (int64_t)(now->utc_ms - from) : 0;

	if (!c->of)
		return;
	charge_turn(c, now);
	charge_add(c, ms);
	c->until_ms = now->utc_ms;
	c->day = now->day;
}

static int64_t slice_of(const struct toll *t, uint32_t at, const struct toll_limits *l,
			const struct toll_now *now)
{
	int64_t left;

	if (!at || !l->minutes)
		return TOLL_SLICE_MS;
	left = left_ms(t, at, l, now);
	if (left > TOLL_SLICE_MS)
		return TOLL_SLICE_MS;
	return left > 0 ? left : 0;
}

/* Once a day. */
static bool account_warns(struct toll *t, uint32_t at, const struct toll_limits *l)
{
	struct account *a = toll_account(t, at);

	if (!a || a->warned || !l->minutes ||
	    account_used_ms(t, at) * 100 < limit_ms(l) * TOLL_WARN_PERCENT)
		return false;
	a->warned = true;
	return true;
}

struct toll_slice toll_extend(struct toll_charge *c, const struct toll_terms *terms,
			      const struct toll_now *now)
{
	struct toll_slice out = { 0 };
	int64_t ms, most;

	charge_turn(c, now);
	ms = slice_of(c->of, c->user, &terms->user, now);
	most = slice_of(c->of, c->tenant, &terms->tenant, now);
	if (ms == 0 || most == 0)
		out.ended = ms ? TOLL_TENANT_MINUTES : TOLL_USER_MINUTES;
	ms = most < ms ? most : ms;
	charge_add(c, ms);
	out.ms = (uint64_t)ms;
	out.warn_user = account_warns(c->of, c->user, &terms->user);
	out.warn_tenant = account_warns(c->of, c->tenant, &terms->tenant);
	c->until_ms += out.ms;
	c->day = now->day;
	return out;
}

/* Over midnight the slice was of yesterday. */
static void account_settle(const struct toll_charge *c, uint32_t at, int64_t ms)
{
	if (!at || c->of->accounts[at].day != c->day)
		return;
	c->of->parts[c->shard].ms[at] += ms;
	account_share_note(c->of, at);
}

void toll_end(struct toll_charge *c, const struct toll_now *now)
{
	int64_t more = (int64_t)now->utc_ms - (int64_t)c->until_ms;

	if (c->of && c->until_ms) {
		account_settle(c, c->user, more);
		account_settle(c, c->tenant, more);
	}
	toll_drop(c);
}

void toll_drop(struct toll_charge *c)
{
	if (c->of)
		charge_count(c, false);
	*c = (struct toll_charge){ 0 };
}

int toll_spend(struct toll *t, const struct toll_payer *who, int64_t ms, const struct toll_now *now)
{
	struct toll_charge c;

	if (!charge_open(t, who, now, &c))
		return -ENOMEM;
	charge_add(&c, ms);
	return 0;
}

void toll_forgive(struct toll *t, const struct toll_payer *who, int64_t ms,
		  const struct toll_now *now)
{
	uint32_t at = account_find(t, who->tenant, who->user);

	assert(who->shard < t->shards);
	account_turn(t, at, now);
	if (!at)
		return;
	t->parts[who->shard].ms[at] -= ms;
	account_share_note(t, at);
	t->accounts[at].warned = false;
}

void toll_forget(struct toll *t, uint8_t shard)
{
	assert(shard < t->shards && t->parts[shard].charges == 0);
	if (t->count > 1)
		memset(t->parts[shard].ms, 0, t->count * sizeof(*t->parts[shard].ms));
	for (uint32_t i = 1; i < t->count; i++)
		account_share_note(t, i);
}

struct toll_usage toll_look(struct toll *t, const struct toll_payer *who,
			    const struct toll_now *now)
{
	uint32_t at = account_find(t, who->tenant, who->user);

	account_turn(t, at, now);
	return at ? (struct toll_usage){ t->accounts[at].calls, account_used_ms(t, at) }
		  : (struct toll_usage){ 0 };
}
