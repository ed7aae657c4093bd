/* SPDX-License-Identifier: Apache-2.0 */
/* The addresses of record, found by their user; what registers, when they expire and when they are gone. */
#include <stdlib.h>

#include "base/log.h"
#include "sig/location/location_merge.h"
#include "sig/location/locations_state.h"

static uint64_t user_hash(const struct locations *l, uint16_t tenant, struct bytes user)
{
	return tenant_hash(hash_sip(&l->key, user), tenant);
}

struct location *location_get(const struct locations *l, uint16_t tenant, struct bytes user)
{
	uint32_t cursor = 0;
	uint64_t h;

	while ((h = table_next(&l->by_user, user_hash(l, tenant, user), &cursor)) != 0) {
		struct location *a = pool_get(&l->aors, h);

		if (a && a->tenant == tenant && bytes_eq(text_bytes(&a->entry.user), user))
			return a;
	}
	return NULL;
}

void location_is_born(struct locations *l, struct location *a)
{
	a->entry.born = hash_sip(&l->key, bytes_str(l->node)) + ++l->births;
}

struct location *location_add(struct locations *l, uint16_t tenant, struct bytes user)
{
	pool_handle h;
	struct location *a = pool_take(&l->aors, &h);

	if (!a)
		return NULL;
	a->self = h;
	a->timer.owner = h;
	a->timer.kind = LOCATION_TIMER_ENTRY;
	a->hash = user_hash(l, tenant, user);
	a->tenant = tenant;
	if (text_set(&a->entry.tenant, bytes_str(tenants_name(l->tenants, tenant))) ||
	    text_set(&a->entry.user, user) || table_put(&l->by_user, a->hash, h)) {
		aor_clear(&a->entry);
		(void)pool_give(&l->aors, h);
		return NULL;
	}
	location_is_born(l, a);
	tenants_hold(l->tenants, tenant, TENANT_REGISTRATIONS);
	return a;
}

static void location_left_drop(struct location *a)
{
	if (a->left)
		aor_clear(a->left);
	free(a->left);
	a->left = NULL;
}

void location_remove(struct locations *l, struct location *a)
{
	location_waits_drop(a, NULL);
	location_asked_drop(a, NULL);
	wheel_stop(&l->wheel, &a->timer);
	aor_connections_list(&l->connections, &a->links, a->self, NULL);
	(void)table_del(&l->by_user, a->hash, a->self);
	l->bindings -= a->entry.count;
	tenants_release(l->tenants, a->tenant, TENANT_REGISTRATIONS);
	aor_clear(&a->entry);
	location_left_drop(a);
	(void)pool_give(&l->aors, a->self);
}

void location_publish(struct locations *l, const struct location *a, enum sig_event_kind kind)
{
	struct effect *e = effects_add(&l->effects, EFFECT_EVENT);
	struct sig_event *event = e ? calloc(1, sizeof(*event)) : NULL;

	if (!event) {
		if (e)
			l->effects.count--;
		return;
	}
	e->event = event;
	event->kind = kind;
	event->version = a->entry.version;
	(void)bytes_cstr(text_bytes(&a->entry.tenant), event->tenant, sizeof(event->tenant));
	(void)bytes_cstr(text_bytes(&a->entry.user), event->to, sizeof(event->to));
	LOG_INFO("sip", 0, kind == SIG_REGISTERED ? "registered" : "unregistered",
		 LOG_BYTES("tenant", text_bytes(&a->entry.tenant)),
		 LOG_BYTES("user", text_bytes(&a->entry.user)),
		 LOG_U64("bindings", a->entry.count));
}

const struct aor *location_entry(const struct location *a)
{
	return &a->entry;
}

void location_is_stored(struct location *a)
{
	location_left_drop(a);
	for (uint32_t i = 0; i < a->entry.count; i++)
		a->entry.bindings[i].stored = true;
}

static bool is_leaving(const struct sip_message *m)
{
	struct sip_name_addr contact;
	struct bytes value;
	unsigned cursor = 0;

	if (message_expires(m) == 0)
		return true;
	for (unsigned i = 0; i < REGISTER_CONTACTS_MAX; i++) {
		if (message_name_addr_next(m, "Contact", &cursor, &contact) != 1)
			break;
		if (sip_param(contact.params, "expires", &value) && bytes_is(value, "0"))
			return true;
	}
	return false;
}

/* Should the store have it yet when it is asked. Without memory it may come back, until it runs out. */
static void location_note_left(struct locations *l, struct location *a, const struct aor *before,
			       const struct sip_message *m)
{
	if (!a->left)
		a->left = calloc(1, sizeof(*a->left));
	if (a->left && aor_note_left(a->left, before, &a->entry, m, l->now.utc_ms))
		location_left_drop(a);
}

void location_notify(struct locations *l, const struct location *a)
{
	for (struct locations_user *u = l->users; u; u = u->next) {
		if (u->changed)
			u->changed(u->owner, a->tenant, text_bytes(&a->entry.user), l->clock);
	}
}

static void location_changed(struct locations *l, struct location *a, uint32_t before)
{
	l->bindings += a->entry.count - before;
	a->unsaved = true;
	if (a->entry.count > before) {
		location_publish(l, a, SIG_REGISTERED);
	} else if (before && a->entry.count == 0) {
		location_publish(l, a, SIG_UNREGISTERED);
	}
}

static void location_follow(struct locations *l, const struct location *a,
			    const struct registrar_answer *answer)
{
	for (struct locations_user *u = l->users; u; u = u->next) {
		for (uint32_t i = 0; u->moved && i < answer->moved_count; i++)
			u->moved(u->owner, a->tenant, text_bytes(&a->entry.user),
				 &answer->moved[i].from, &answer->moved[i].to, l->clock);
	}
}

void location_register(struct locations *l, struct location *a, const struct sip_message *m,
		       const struct registrar_settings *settings, struct registrar_answer *answer)
{
	uint32_t before = a->entry.count;
	struct aor was = { 0 };

	if (before && l->lookup && is_leaving(m) && aor_copy(&was, &a->entry))
		was = (struct aor){ 0 };
	registrar_step(&a->entry, m, settings, l->now, answer);
	if (answer->changed && was.count)
		location_note_left(l, a, &was, m);
	aor_clear(&was);
	if (!answer->changed)
		return;
	a->told |= l->degraded;
	location_changed(l, a, before);
	location_follow(l, a, answer);
	if (a->entry.count != before || answer->moved_count)
		location_notify(l, a);
}

void location_write_headers(const struct locations *l, const struct location *a, struct writer *w,
			    const struct registrar_answer *answer,
			    const struct registrar_settings *settings,
			    const struct registrar_gruu *gruu)
{
	registrar_write_headers(w, &a->entry, answer, settings, gruu, l->now,
				steady_off_wall(&l->steady, l->clock));
}

static uint64_t first_expiry_ns(const struct locations *l, const struct aor *entry)
{
	uint64_t first = UINT64_MAX;
	uint64_t now = l->now.utc_ms;

	for (uint32_t i = 0; i < entry->count; i++) {
		if (entry->bindings[i].expires_utc_ms < first)
			first = entry->bindings[i].expires_utc_ms;
	}
	if (first == UINT64_MAX)
		return first;
	return l->now.ns + (first > now ? first - now : 0) * NS_PER_MS;
}

static void aor_timer_set(struct locations *l, struct location *a)
{
	uint64_t next = a->getting ? a->overdue_ns : first_expiry_ns(l, &a->entry);

	if (l->lookup && !a->getting && location_is_foreign(a) && location_forget_ns(a) < next)
		next = location_forget_ns(a);
	if (a->retry_ns && a->retry_ns < next)
		next = a->retry_ns;
	if (a->saving && a->overdue_ns < next)
		next = a->overdue_ns;
	wheel_aim(&l->wheel, &a->timer, next);
}

/* Nothing waits for it, and nothing is known by it that is not in the store. */
static bool location_is_idle(const struct location *a)
{
	return !a->saving && !a->unsaved && !a->waits && !a->getting && !a->asked;
}

/* An entry of other nodes is kept for some time, and so is that there is none. */
static bool location_is_over(const struct locations *l, const struct location *a)
{
	if (!location_is_idle(a))
		return false;
	if (!l->lookup)
		return a->entry.count == 0;
	return location_is_foreign(a) && l->now.ns >= location_forget_ns(a);
}

void location_settle(struct locations *l, struct location *a)
{
	bool stored = a->acked || a->is_unknown;

	if (a->held)
		return;
	if (a->unsaved && a->entry.count == 0 && !stored)
		a->unsaved = false; /* nobody ever heard of it */
	if (a->unsaved && !a->saving && !a->retry_ns && !a->conflicted &&
	    !(l->degraded && a->is_unknown))
		location_save(l, a);
	if (!a->saving && !a->unsaved)
		location_release(l, a, a->entry.version);
	if (location_is_over(l, a)) {
		location_remove(l, a);
		return;
	}
	aor_connections_list(&l->connections, &a->links, a->self, &a->entry);
	aor_timer_set(l, a);
}

void locations_closed(struct locations *l, uint64_t connection)
{
	struct location *a;
	pool_handle h;

	while (aor_connections_take(&l->connections, connection, &h)) {
		a = pool_get(&l->aors, h);
		if (a && registrar_close(&a->entry, connection, l->now.utc_ms))
			aor_timer_set(l, a);
	}
}

/* What runs out here may go on with another node. */
static bool is_elsewhere_perhaps(struct locations *l, struct location *a)
{
	return a->entry.count && first_expiry_ns(l, &a->entry) <= l->now.ns &&
	       !location_is_known(l, a) && location_fetch(l, a);
}

void location_timer(struct locations *l, struct location *a)
{
	bool foreign = l->lookup && location_is_foreign(a);
	uint32_t before = a->entry.count;

	if (a->retry_ns && a->retry_ns <= l->now.ns)
		a->retry_ns = 0;
	if (a->saving && a->overdue_ns <= l->now.ns)
		location_save_failed(l, a);
	if (a->getting && a->overdue_ns <= l->now.ns)
		location_fetch_failed(l, a);
	if (!is_elsewhere_perhaps(l, a) && registrar_expire(&a->entry, l->now.utc_ms)) {
		l->bindings += a->entry.count - before;
		a->unsaved = !foreign;
		if (a->entry.count == 0 && !foreign)
			location_publish(l, a, SIG_UNREGISTERED);
		location_notify(l, a);
	}
	location_settle(l, a);
}

/* As if all had run out. Where there are other nodes the one that has the phones may be away, so what the store has is read and goes. */
void locations_forget(struct locations *l, uint16_t tenant, struct bytes user, struct instant now)
{
	struct location *a;

	locations_begin(l, now);
	a = location_get(l, tenant, user);
	if (!a && locations_has_others(l))
		a = location_add(l, tenant, user);
	if (!a)
		return;
	a->ended = locations_has_others(l);
	for (uint32_t i = 0; i < a->entry.count; i++)
		a->entry.bindings[i].expires_utc_ms = l->now.utc_ms;
	if (a->ended)
		(void)location_fetch(l, a);
	location_timer(l, a);
}
