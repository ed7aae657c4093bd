/* SPDX-License-Identifier: Apache-2.0 */
/* For each kind sets of a few entries, found by a keyed hash. The last entry of a set is shared by
 * sources that come when all others are held or owe something. So no entry in use is displaced, and
 * a flood of sources never affects extensions. */
#include "sig/host/quota.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/table.h"
#include "sig/host/share.h"
#include "sig/sip/stream_rate.h"

enum {
	WAYS = 8,
	SETS_MIN = 64,
	SETS_MAX = 1 << 16,
	PEER_SETS = 64,
	USER_MAX = 128, /* no extension is called so */
	HELD_WAIT_S = 5,
	RATES = QUOTA_ITEMS - QUOTA_HELD,
	SHARED = 2,
};

struct entry {
	uint64_t id; /* 0: never used */
	uint32_t held[QUOTA_HELD];
	uint32_t calls, calls_per_s; /* of a peer's rule; 0: those of its kind */
	uint64_t full_ns[RATES];     /* stream_rate_spend */
	uint64_t shares[SHARED];     /* share_id; 0: it has none */
};

struct quota {
	struct quota_settings settings;
	struct hash_key key;
	struct shares *shares;
	uint32_t first[QUOTA_KINDS + 1]; /* index of the first set of each kind */
	struct entry (*sets)[WAYS];
};

/* Twice as many entries as there can be calls, so that few sets ever fill. */
static uint32_t sets_for(const struct quota_settings *settings, enum quota_kind kind)
{
	uint32_t sets = SETS_MIN;

	if (kind == QUOTA_PEER)
		return PEER_SETS;
	while (sets < SETS_MAX && sets * (WAYS / 2) < settings->capacity[QUOTA_CALLS])
		sets *= 2;
	return sets;
}

int quota_open(struct quota **out, const struct quota_settings *settings, struct rand_source *rand)
{
	struct quota *q = calloc(1, sizeof(*q));

	if (!q)
		return -ENOMEM;
	q->settings = *settings;
	q->key.k0 = rand_u64_from(rand);
	q->key.k1 = rand_u64_from(rand);
	for (enum quota_kind kind = 0; kind < QUOTA_KINDS; kind++)
		q->first[kind + 1] = q->first[kind] + sets_for(settings, kind);
	q->sets = calloc(q->first[QUOTA_KINDS], sizeof(*q->sets));
	if (!q->sets) {
		free(q);
		return -ENOMEM;
	}
	*out = q;
	return 0;
}

void quota_close(struct quota *q)
{
	if (!q)
		return;
	free(q->sets);
	free(q);
}

void quota_configure(struct quota *q, const struct quota_settings *settings)
{
	struct quota_settings next = *settings;

	memcpy(next.capacity, q->settings.capacity, sizeof(next.capacity));
	q->settings = next;
}

uint64_t quota_held(const struct quota *q, enum quota_kind kind, enum quota_item item)
{
	uint64_t sum = 0;

	assert(item < QUOTA_HELD);
	for (uint32_t set = q->first[kind]; set < q->first[kind + 1]; set++) {
		for (int i = 0; i < WAYS; i++)
			sum += q->sets[set][i].held[item];
	}
	return sum;
}

static uint64_t id_of(const struct quota *q, uint16_t tenant, struct bytes name)
{
	uint64_t id = tenant_hash(hash_sip(&q->key, bytes_sub(name, 0, USER_MAX)), tenant);

	return id ? id : 1;
}

/* IPv6: one line of one customer has a /64. */
static uint64_t id_of_source(const struct quota *q, const struct addr *source)
{
	struct addr of_party = addr_source(source);

	return id_of(q, TENANT_DEFAULT, bytes_mem(&of_party, sizeof(of_party)));
}

static bool is_as_new(const struct entry *e, uint64_t now_ns)
{
	for (int i = 0; i < QUOTA_HELD; i++) {
		if (e->held[i])
			return false;
	}
	for (int i = 0; i < RATES; i++) {
		if (e->full_ns[i] > now_ns)
			return false;
	}
	return true;
}

/* Its own, a free one as its own, or the one for all others. Never NULL. */
static struct entry *quota_entry_find(struct quota *q, enum quota_kind kind, uint64_t id,
				      uint64_t now_ns)
{
	uint32_t sets = q->first[kind + 1] - q->first[kind];
	struct entry *set = q->sets[q->first[kind] + (uint32_t)(id % sets)], *free_one = NULL;

	for (int i = 0; i < WAYS - 1; i++) {
		if (set[i].id == id)
			return &set[i];
		if (!free_one && is_as_new(&set[i], now_ns))
			free_one = &set[i];
	}
	if (!free_one)
		return &set[WAYS - 1];
	*free_one = (struct entry){ .id = id };
	return free_one;
}

static uint32_t quota_number_of(const struct quota *q, const struct entry *e)
{
	return (uint32_t)(e - &q->sets[0][0]) + 1;
}

static struct entry *quota_entry_of(const struct quota *q, uint32_t number)
{
	assert(number <= q->first[QUOTA_KINDS] * WAYS);
	return number ? &q->sets[0][0] + (number - 1) : NULL;
}

static enum quota_kind quota_kind_of(const struct quota *q, uint32_t number)
{
	uint32_t set = (number - 1) / WAYS;
	enum quota_kind kind = QUOTA_EXTENSION;

	while (set >= q->first[kind + 1])
		kind++;
	return kind;
}

void quota_share(struct quota *q, struct shares *shares)
{
	q->shares = shares;
}

/* The limits of an extension that hold over all nodes. Returns NULL for any other. */
static uint64_t *share_at(struct entry *e, enum quota_item item)
{
	return item == QUOTA_CALLS ? &e->shares[0] : item == QUOTA_PORTS ? &e->shares[1] : NULL;
}

/* Not of the one for all others. */
static void share_name(const struct quota *q, struct entry *e, const struct quota_name *name)
{
	if (!q->shares || name->kind != QUOTA_EXTENSION || !e->id || e->shares[0])
		return;
	e->shares[0] = share_id(q->shares, SHARE_CALLS, name->tenant, name->user, 0);
	e->shares[1] = share_id(q->shares, SHARE_PORTS, name->tenant, name->user, 0);
}

static void quota_share_note(const struct quota *q, struct entry *e, enum quota_item item)
{
	uint64_t *id = share_at(e, item);

	if (id)
		share_note(q->shares, *id, e->held[item]);
}

static bool share_is_full(const struct quota *q, struct entry *e, enum quota_item item,
			  uint64_t now_ns)
{
	uint64_t *id = share_at(e, item);
	uint32_t limit = q->settings.limits[QUOTA_EXTENSION].of[item];

	return q->shares && id && *id && limit &&
	       e->held[item] >= share_of(q->shares, *id, limit, e->held[item], now_ns);
}

static struct quota_party party(void *arg, const struct quota_name *name, uint64_t now_ns)
{
	struct quota *q = arg;
	struct quota_party out = { { 0 } };
	struct entry *e;

	if (name->kind != QUOTA_SOURCE) {
		e = quota_entry_find(q, name->kind, id_of(q, name->tenant, name->user), now_ns);
		e->calls = name->kept ? e->calls : name->calls;
		e->calls_per_s = name->kept ? e->calls_per_s : name->calls_per_s;
		share_name(q, e, name);
		out.entry[0] = quota_number_of(q, e);
	}
	if (name->kind != QUOTA_PEER && name->source.family != ADDR_NONE) {
		e = quota_entry_find(q, QUOTA_SOURCE, id_of_source(q, &name->source), now_ns);
		out.entry[1] = quota_number_of(q, e);
	}
	return out;
}

static uint32_t quota_least(uint32_t a, uint32_t b)
{
	return !a || (b && b < a) ? b : a;
}

/* 0: none. */
static uint32_t limit_of(const struct quota *q, const struct entry *e, enum quota_kind kind,
			 enum quota_item item)
{
	uint32_t limit = q->settings.limits[kind].of[item], share;

	if (item == QUOTA_CALLS && e->calls)
		limit = e->calls;
	if (item == QUOTA_CALL_RATE && e->calls_per_s)
		limit = e->calls_per_s;
	if (item >= QUOTA_HELD || !q->settings.share)
		return limit;
	/* rounded up: of two calls one party may have both */
	share = (uint32_t)(((uint64_t)q->settings.capacity[item] * q->settings.share + 99) / 100);
	return quota_least(limit, share);
}

static struct stream_rate rate_of(uint32_t per_s)
{
	return (struct stream_rate){ .per_s = per_s, .burst = per_s * QUOTA_BURST_S };
}

/* 0: it may have one more; else when to ask again. */
static uint32_t wait_s(const struct entry *e, enum quota_item item, uint32_t limit, uint64_t now_ns)
{
	struct stream_rate rate;
	uint64_t next;

	if (!limit)
		return 0;
	if (item < QUOTA_HELD)
		return e->held[item] < limit ? 0 : HELD_WAIT_S;
	rate = rate_of(limit);
	next = stream_rate_next_ns(e->full_ns[item - QUOTA_HELD], &rate);
	return next > now_ns ? (uint32_t)((next - now_ns) / NS_PER_S) + 1 : 0;
}

static bool quota_entry_admits(const struct quota *q, uint32_t number, enum quota_item item,
			       uint64_t now_ns, struct quota_refusal *why)
{
	struct entry *e = quota_entry_of(q, number);
	enum quota_kind kind;
	uint32_t wait;

	if (!e)
		return true;
	kind = quota_kind_of(q, number);
	wait = wait_s(e, item, limit_of(q, e, kind, item), now_ns);
	if (!wait && share_is_full(q, e, item, now_ns))
		wait = HELD_WAIT_S;
	if (!wait)
		return true;
	*why = (struct quota_refusal){ .kind = kind, .item = item, .wait_s = wait };
	return false;
}

static void quota_charge(const struct quota *q, uint32_t number, enum quota_item item,
			 uint64_t now_ns)
{
	struct entry *e = quota_entry_of(q, number);
	struct stream_rate rate;

	if (!e)
		return;
	if (item < QUOTA_HELD) {
		e->held[item]++;
		quota_share_note(q, e, item);
		return;
	}
	rate = rate_of(limit_of(q, e, quota_kind_of(q, number), item));
	if (rate.per_s)
		(void)stream_rate_spend(&e->full_ns[item - QUOTA_HELD], &rate, now_ns);
}

static bool quota_item_acquire(void *arg, const struct quota_party *p, enum quota_item item,
			       bool always, uint64_t now_ns, struct quota_refusal *why)
{
	const struct quota *q = arg;

	for (size_t i = 0; i < COUNT_OF(p->entry) && !always; i++) {
		if (!quota_entry_admits(q, p->entry[i], item, now_ns, why))
			return false;
	}
	for (size_t i = 0; i < COUNT_OF(p->entry); i++)
		quota_charge(q, p->entry[i], item, now_ns);
	return true;
}

static void quota_give_entry(void *arg, const struct quota_party *p, enum quota_item item)
{
	const struct quota *q = arg;

	assert(item < QUOTA_HELD);
	for (size_t i = 0; i < COUNT_OF(p->entry); i++) {
		struct entry *e = quota_entry_of(q, p->entry[i]);

		if (!e)
			continue;
		assert(e->held[item]);
		e->held[item]--;
		quota_share_note(q, e, item);
	}
}

struct quota_host quota_of(struct quota *q)
{
	return (struct quota_host){
		.arg = q, .party = party, .take = quota_item_acquire, .give = quota_give_entry
	};
}
