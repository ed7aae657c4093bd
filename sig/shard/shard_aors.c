/* SPDX-License-Identifier: Apache-2.0 */
/* The addresses of record of a shard, found by their user; when they expire and when they are gone. */
#include <stdlib.h>

#include "base/log.h"
#include "sig/shard/shard_state.h"

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
	aor_connections_list(&s->connections, &a->links, a->self, NULL);
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

static void aor_timer_set(struct shard *s, struct shard_aor *a)
{
	uint64_t next = first_expiry_ns(s, &a->entry);

	if (a->retry_ns && a->retry_ns < next)
		next = a->retry_ns;
	if (a->saving && a->overdue_ns < next)
		next = a->overdue_ns;
	wheel_aim(&s->wheel, &a->timer, next);
}

void shard_aor_settle(struct shard *s, struct shard_aor *a)
{
	bool stored = a->acked || a->is_unknown;

	if (a->unsaved && a->entry.count == 0 && !stored)
		a->unsaved = false; /* nobody ever heard of it */
	if (a->unsaved && !a->saving && !a->retry_ns && !(s->host.degraded && a->is_unknown))
		shard_aor_save(s, a);
	if (!a->saving && !a->unsaved)
		shard_aor_release(s, a, a->entry.version);
	if (a->entry.count == 0 && !a->saving && !a->unsaved && !a->waits) {
		shard_aor_give(s, a);
		return;
	}
	aor_connections_list(&s->connections, &a->links, a->self, &a->entry);
	aor_timer_set(s, a);
}

void shard_aor_closed(struct shard *s, uint64_t connection)
{
	struct shard_aor *a;
	pool_handle h;

	while (aor_connections_take(&s->connections, connection, &h)) {
		a = pool_get(&s->aors, h);
		if (a && registrar_close(&a->entry, connection, s->host.now.utc_ms))
			aor_timer_set(s, a);
	}
}

void shard_aor_timer(struct shard *s, struct shard_aor *a)
{
	uint32_t before = a->entry.count;

	if (a->retry_ns && a->retry_ns <= s->host.now.ns)
		a->retry_ns = 0;
	if (a->saving && a->overdue_ns <= s->host.now.ns)
		shard_aor_save_failed(s, a);
	if (registrar_expire(&a->entry, s->host.now.utc_ms)) {
		s->bindings += a->entry.count - before;
		a->unsaved = true;
		if (a->entry.count == 0)
			shard_aor_publish(s, a, SIG_UNREGISTERED);
	}
	shard_aor_settle(s, a);
}
