/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The addresses of record of a shard and their saves: compare-and-set by version, one in flight per entry. What the store holds is
 * not always known: a save without answer may have happened, an entry may have run out there. So a conflict is tried again with
 * the other versions that are possible (each try is a compare-and-set, so none can harm) before it is believed.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sig/shard_state.h"

enum {
	RETRY_MS = 2000,
	OVERDUE_MS = 5000, /* the store answers within its own deadline; this is for none at all */
	FORGET_TRIES = 5,  /* an empty entry is then left to its time to live */
	TTL_GRACE_MS = 5000, /* the store forgets an entry after we do, never before */
};

static uint64_t user_hash(const struct shard *s, struct bytes user)
{
	return hash_sip(&s->key, user);
}

struct shard_aor *shard_aor_get(const struct shard *s, struct bytes user)
{
	uint32_t cursor = 0;
	uint64_t h;

	while ((h = table_next(&s->aors_by_user, user_hash(s, user), &cursor)) != 0) {
		struct shard_aor *a = pool_get(&s->aors, h);

		if (a && bytes_eq(text_bytes(&a->entry.user), user))
			return a;
	}
	return NULL;
}

struct shard_aor *shard_aor_take(struct shard *s, struct bytes user)
{
	pool_handle h;
	struct shard_aor *a = pool_take(&s->aors, &h);

	if (!a)
		return NULL;
	a->self = h;
	a->timer.owner = h;
	a->timer.kind = TIMER_AOR;
	a->hash = user_hash(s, user);
	if (text_set(&a->entry.tenant, bytes_str(s->settings.tenant)) ||
	    text_set(&a->entry.user, user) || table_put(&s->aors_by_user, a->hash, h)) {
		aor_clear(&a->entry);
		(void)pool_give(&s->aors, h);
		return NULL;
	}
	return a;
}

void shard_aor_give(struct shard *s, struct shard_aor *a)
{
	while (a->waits) {
		struct register_wait *w = a->waits;

		a->waits = w->next;
		text_clear(&w->response);
		free(w);
	}
	wheel_stop(&s->wheel, &a->timer);
	(void)table_del(&s->aors_by_user, a->hash, a->self);
	s->bindings -= a->entry.count;
	aor_clear(&a->entry);
	(void)pool_give(&s->aors, a->self);
}

void shard_aor_publish(struct shard *s, const struct shard_aor *a, enum sig_event_kind kind)
{
	struct effect *e = effects_add(&s->effects, EFFECT_EVENT);
	struct sig_event *event = e ? calloc(1, sizeof(*event)) : NULL;

	if (!event) {
		if (e)
			s->effects.count--;
		return;
	}
	e->event = event;
	event->kind = kind;
	event->version = a->entry.version;
	(void)bytes_cstr(text_bytes(&a->entry.tenant), event->tenant, sizeof(event->tenant));
	(void)bytes_cstr(text_bytes(&a->entry.user), event->to, sizeof(event->to));
	LOG_INFO("sip", 0, kind == SIG_REGISTERED ? "registered" : "unregistered",
		 LOG_BYTES("user", text_bytes(&a->entry.user)),
		 LOG_U64("bindings", a->entry.count));
}

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

static bool fill_save(struct shard *s, struct shard_aor *a, struct effect *e)
{
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

static void save(struct shard *s, struct shard_aor *a)
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

static uint64_t first_expiry_ns(const struct shard *s, const struct aor *entry)
{
	uint64_t first = UINT64_MAX;
	uint64_t now = s->host.now.utc_ms;

	for (uint32_t i = 0; i < entry->count; i++) {
		if (entry->bindings[i].expires_utc_ms < first)
			first = entry->bindings[i].expires_utc_ms;
	}
	if (first == UINT64_MAX)
		return first;
	return s->host.now.ns + (first > now ? first - now : 0) * NS_PER_MS;
}

static void set_timer(struct shard *s, struct shard_aor *a)
{
	uint64_t next = first_expiry_ns(s, &a->entry);

	if (a->retry_ns && a->retry_ns < next)
		next = a->retry_ns;
	if (a->saving && a->overdue_ns < next)
		next = a->overdue_ns;
	if (next == UINT64_MAX) {
		wheel_stop(&s->wheel, &a->timer);
	} else {
		wheel_start(&s->wheel, &a->timer, next);
	}
}

void shard_aor_settle(struct shard *s, struct shard_aor *a)
{
	bool stored = a->acked || a->is_unknown;

	if (a->unsaved && a->entry.count == 0 && !stored)
		a->unsaved = false; /* nobody ever heard of it */
	if (a->unsaved && !a->saving && !a->retry_ns && !(s->host.degraded && a->is_unknown))
		save(s, a);
	if (!a->saving && !a->unsaved)
		shard_aor_release(s, a, a->entry.version);
	if (a->entry.count == 0 && !a->saving && !a->unsaved && !a->waits) {
		shard_aor_give(s, a);
	} else {
		set_timer(s, a);
	}
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

static void done(struct shard *s, struct shard_aor *a)
{
	uint64_t version = a->saving;

	a->acked = a->saving_delete ? 0 : version;
	a->is_unknown = false;
	a->saving = 0;
	a->tries = 0;
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

static void failed(struct shard *s, struct shard_aor *a)
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
	if (a->acked) { /* it may have run out in the store */
		a->acked = 0;
		return;
	}
	LOG_WARN("sip", 0, "registration is written by another node",
		 LOG_BYTES("user", text_bytes(&a->entry.user)),
		 LOG_U64("version", a->entry.version));
	refuse_waits(s, a);
	try_later(s, a);
}

void shard_aor_timer(struct shard *s, struct shard_aor *a)
{
	uint32_t before = a->entry.count;

	if (a->retry_ns && a->retry_ns <= s->host.now.ns)
		a->retry_ns = 0;
	if (a->saving && a->overdue_ns <= s->host.now.ns)
		failed(s, a);
	if (registrar_expire(&a->entry, s->host.now.utc_ms)) {
		s->bindings += a->entry.count - before;
		a->unsaved = true;
		if (a->entry.count == 0)
			shard_aor_publish(s, a, SIG_UNREGISTERED);
	}
	shard_aor_settle(s, a);
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
		done(s, a);
		break;
	case BINDING_CONFLICT:
		conflict(s, a);
		break;
	case BINDING_FAILED:
		failed(s, a);
		break;
	}
	shard_aor_settle(s, a);
}
