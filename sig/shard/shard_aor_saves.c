/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The saves of addresses of record: compare-and-set by version, one in flight per entry. What the store holds is not always known: a
 * save without answer may have happened, an entry may have run out there. So a conflict is tried again with the other versions that
 * are possible (each try is a compare-and-set, so none can harm) before it is believed. Possible are also older ones of ours: a store
 * that forgot what it had acknowledged would else refuse the phone until its old entry runs out there.
 */
#include <stdlib.h>

#include "base/log.h"
#include "sig/shard/shard_state.h"

enum {
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

static uint64_t ttl_of(const struct shard *s, const struct aor *entry)
{
	uint64_t last = last_expiry(entry);
	uint64_t now = s->host.now.utc_ms;

	if (entry->count == 0)
		return 0;
	return (last > now ? last - now : 0) + TTL_GRACE_MS;
}

/* The numbers of our addresses are those of this process. */
static void name_bounds(const struct shard *s, struct aor *entry)
{
	for (uint32_t i = 0; i < entry->count; i++) {
		struct binding *b = &entry->bindings[i];

		if (b->hop.local < s->settings.local_count)
			b->bound = s->settings.locals[b->hop.local].bind;
	}
}

static bool fill_save(struct shard *s, struct shard_aor *a, struct effect *e)
{
	name_bounds(s, &a->entry);
	if (a->marked != a->entry.version) { /* a retry is the very same record */
		a->entry.clock = steady_mark(&s->host.steady, s->host.now.ns);
		a->marked = a->entry.version;
	}
	if (text_set(&e->tenant, text_bytes(&a->entry.tenant)) ||
	    text_set(&e->user, text_bytes(&a->entry.user)))
		return false;
	if (a->entry.count && aor_encode(&a->entry, &e->data))
		return false;
	e->expected = a->acked;
	e->version = a->entry.version;
	e->ttl_ms = ttl_of(s, &a->entry);
	return true;
}

void shard_aor_save(struct shard *s, struct shard_aor *a)
{
	struct effect *e = effects_add(&s->effects, EFFECT_BINDING_SAVE);

	if (!e || !fill_save(s, a, e)) {
		if (e) {
			text_clear(&e->tenant);
			text_clear(&e->user);
			s->effects.count--;
		}
		a->retry_ns = s->host.now.ns + RETRY_MS * NS_PER_MS;
		return;
	}
	a->saving = a->entry.version;
	a->saving_delete = a->entry.count == 0;
	a->overdue_ns = s->host.now.ns + OVERDUE_MS * NS_PER_MS;
	a->unsaved = false;
	a->retry_ns = 0;
	metric_add(s->metrics.saves[SAVE_STARTED], 1);
}

static void wait_free(struct shard_aor *a)
{
	struct register_wait *w = a->waits;

	a->waits = w->next;
	a->wait_count--;
	text_clear(&w->response);
	free(w);
}

/* The answers that waited for this version, or an older one. */
void shard_aor_release(struct shard *s, struct shard_aor *a, uint64_t version)
{
	while (a->waits && a->waits->version <= version) {
		struct txn_slot *slot = txns_get(&s->txns, a->waits->txn);

		if (slot)
			txns_reply(&s->txns, slot, 200, &a->waits->response, s->host.now.ns);
		wait_free(a);
	}
}

/* Another node wrote the entry: the phone shall ask again, by then the entry is ours or theirs. */
static void refuse_waits(struct shard *s, struct shard_aor *a)
{
	while (a->waits) {
		struct txn_slot *slot = txns_get(&s->txns, a->waits->txn);
		struct response r = { .status = 503, .extra = BYTES_LIT("Retry-After: 5\r\n") };
		struct message_error error;
		struct sip_message m;

		if (slot && !message_parse(&m, text_bytes(&slot->request), &error)) {
			struct dialog_tag tag = shard_tag(s, &m);

			m.hop = slot->source;
			r.tag = bytes_mem(tag.text, sizeof(tag.text));
			sig_count_refused(&s->metrics, REFUSED_BINDING_CONFLICT);
			respond(&s->host, slot, &m, &r);
			message_close(&m);
		} else if (slot) {
			txns_drop(&s->txns, slot->self);
		}
		wait_free(a);
	}
}

static void aor_save_done(struct shard *s, struct shard_aor *a)
{
	uint64_t version = a->saving;

	a->acked = a->saving_delete ? 0 : version;
	a->is_unknown = false;
	a->saving = 0;
	a->tries = a->back_tries = 0;
	a->back_from = 0;
	shard_aor_release(s, a, version);
}

static void try_later(struct shard *s, struct shard_aor *a)
{
	a->unsaved = a->entry.count != 0 || ++a->tries < FORGET_TRIES;
	if (!a->unsaved)
		a->acked = 0;
	/* once the store is back everything is told again anyway */
	a->retry_ns =
		s->host.degraded && a->entry.count ? 0 : s->host.now.ns + RETRY_MS * NS_PER_MS;
}

void shard_aor_save_failed(struct shard *s, struct shard_aor *a)
{
	a->unknown = a->saving;
	a->unknown_delete = a->saving_delete;
	a->is_unknown = true;
	a->saving = 0;
	shard_aor_release(s, a, a->unknown); /* a slow store must not stop phones */
	try_later(s, a);
}

static void conflict(struct shard *s, struct shard_aor *a)
{
	a->saving = 0;
	a->unsaved = true;
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
	a->acked = 0;
	a->back_tries = 0; /* the next time on from there */
	LOG_WARN("sip", 0, "registration is written by another node",
		 LOG_BYTES("user", text_bytes(&a->entry.user)),
		 LOG_U64("version", a->entry.version));
	refuse_waits(s, a);
	try_later(s, a);
}

void shard_binding_saved(struct shard *s, struct bytes tenant, struct bytes user, uint64_t version,
			 enum shard_binding_result result, struct instant now)
{
	struct shard_aor *a;

	shard_begin(s, now);
	a = bytes_is(tenant, s->settings.tenant) ? shard_aor_get(s, user) : NULL;
	if (!a || a->saving == 0 || a->saving != version) {
		metric_add(s->metrics.saves[SAVE_LATE], 1);
		return;
	}
	metric_add(s->metrics.saves[result == BINDING_SAVED ? SAVE_DONE : SAVE_FAILED], 1);
	switch (result) {
	case BINDING_SAVED:
		aor_save_done(s, a);
		break;
	case BINDING_CONFLICT:
		conflict(s, a);
		break;
	case BINDING_FAILED:
		shard_aor_save_failed(s, a);
		break;
	}
	shard_aor_settle(s, a);
}
