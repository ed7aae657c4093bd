/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The saves of addresses of record: compare-and-set by version, one in flight per entry. What the store holds is not always known: a
 * save without answer may have happened, an entry may have run out there. So a conflict is tried again with the other versions that
 * are possible (each try is a compare-and-set, so none can harm) before it is believed. Possible are also older ones of ours: a store
 * that forgot what it had acknowledged would else refuse the phone until its old entry runs out there.
 */
#include <stdlib.h>

#include "base/log.h"
#include "sig/location/locations_state.h"

enum {
	/* Where there are other nodes they find for so long that nobody is registered any more: nothing at all is a store that forgot. */
	GONE_MS = 3600 * 1000,
	RETRY_MS = 2000,
	OVERDUE_MS = 5000, /* the store answers within its own deadline; this is for none at all */
	BACK_TRIES = 8,    /* older versions tried at a time */
	FORGET_TRIES = 5,  /* an empty entry is then left to its time to live */
	/* The store forgets an entry after we do, never before, also when the clock that it counts by is set. */
	TTL_GRACE_MS = 24 * 3600 * 1000,
};

static uint64_t last_expiry(const struct aor *entry)
{
	uint64_t last = 0;

	for (uint32_t i = 0; i < entry->count; i++) {
		if (entry->bindings[i].expires_utc_ms > last)
			last = entry->bindings[i].expires_utc_ms;
	}
	return last;
}

static uint64_t ttl_of(const struct locations *l, const struct aor *entry)
{
	uint64_t last = last_expiry(entry);
	uint64_t now = l->now.utc_ms;

	if (entry->count == 0)
		return l->lookup ? GONE_MS : 0;
	return (last > now ? last - now : 0) + TTL_GRACE_MS;
}

/* The numbers of our addresses are those of this process. */
static void name_bounds(const struct locations *l, struct aor *entry)
{
	entry->node = l->lookup ? l->node : NULL;
	for (uint32_t i = 0; i < entry->count; i++) {
		struct binding *b = &entry->bindings[i];

		if (!binding_is_foreign(b) && b->hop.local < l->local_count)
			b->bound = l->locals[b->hop.local].bind;
	}
}

static bool fill_save(struct locations *l, struct location *a, struct effect *e)
{
	name_bounds(l, &a->entry);
	if (a->marked != a->entry.version) { /* a retry is the very same record */
		a->entry.clock = steady_mark(&l->steady, l->now.ns);
		a->marked = a->entry.version;
	}
	if (text_set(&e->tenant, text_bytes(&a->entry.tenant)) ||
	    text_set(&e->user, text_bytes(&a->entry.user)))
		return false;
	if ((a->entry.count || l->lookup) && aor_encode(&a->entry, l->edges, &e->data))
		return false;
	e->expected = a->acked;
	e->version = a->entry.version;
	e->ttl_ms = ttl_of(l, &a->entry);
	return true;
}

void location_save(struct locations *l, struct location *a)
{
	struct effect *e = effects_add(&l->effects, EFFECT_BINDING_SAVE);

	if (!e || !fill_save(l, a, e)) {
		if (e) {
			text_clear(&e->tenant);
			text_clear(&e->user);
			l->effects.count--;
		}
		a->retry_ns = l->now.ns + RETRY_MS * NS_PER_MS;
		return;
	}
	a->saving = a->entry.version;
	a->saving_delete = a->entry.count == 0 && !l->lookup;
	a->overdue_ns = l->now.ns + OVERDUE_MS * NS_PER_MS;
	a->unsaved = false;
	a->retry_ns = 0;
	metric_add(l->metrics.saves[SAVE_STARTED], 1);
}

static void aor_save_done(struct locations *l, struct location *a)
{
	uint64_t version = a->saving;

	a->acked = a->saving_delete ? 0 : version;
	a->told = a->ended = false;
	if (version == a->entry.version)
		location_is_stored(a);
	location_known(l, a);
	a->is_unknown = false;
	a->saving = 0;
	a->tries = a->back_tries = 0;
	a->back_from = 0;
	location_release(l, a, version);
}

static void try_later(struct locations *l, struct location *a)
{
	a->unsaved = a->entry.count != 0 || ++a->tries < FORGET_TRIES;
	if (!a->unsaved)
		a->acked = 0;
	/* once the store is back everything is told again anyway */
	a->retry_ns = l->degraded && a->entry.count ? 0 : l->now.ns + RETRY_MS * NS_PER_MS;
}

void location_save_failed(struct locations *l, struct location *a)
{
	a->unknown = a->saving;
	a->unknown_delete = a->saving_delete;
	a->is_unknown = true;
	a->told = true;
	a->saving = 0;
	location_release(l, a, a->unknown); /* a slow store must not stop phones */
	try_later(l, a);
}

static void conflict(struct locations *l, struct location *a)
{
	a->saving = 0;
	a->unsaved = true;
	if (l->lookup) { /* another node may have written a version of that number */
		location_conflict(l, a);
		return;
	}
	if (a->is_unknown) {
		a->acked = a->unknown_delete ? 0 : a->unknown;
		a->is_unknown = false;
		return;
	}
	if (a->acked && a->back_tries == 0) { /* it may have run out in the store */
		a->back_from = a->acked;
		a->acked = 0;
		return;
	}
	if (a->back_from > 1 && a->back_tries < BACK_TRIES) {
		a->back_tries++;
		a->acked = --a->back_from;
		return;
	}
	a->back_tries = 0;
	location_conflict(l, a);
}

void locations_saved(struct locations *l, struct bytes tenant, struct bytes user, uint64_t version,
		     enum location_result result, struct instant now)
{
	uint16_t whose = tenants_number(l->tenants, tenant);
	struct location *a;

	locations_begin(l, now);
	a = whose != TENANT_NONE ? location_get(l, whose, user) : NULL;
	if (!a || a->saving == 0 || a->saving != version) {
		metric_add(l->metrics.saves[SAVE_LATE], 1);
		return;
	}
	metric_add(l->metrics.saves[result == BINDING_SAVED ? SAVE_DONE : SAVE_FAILED], 1);
	switch (result) {
	case BINDING_SAVED:
		aor_save_done(l, a);
		break;
	case BINDING_CONFLICT:
		conflict(l, a);
		break;
	case BINDING_FAILED:
		location_save_failed(l, a);
		break;
	}
	location_settle(l, a);
}
