/* SPDX-License-Identifier: Apache-2.0 */
/* The addresses of record, found by their user: registration, expiry and removal. */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "sig/host/settings.h"
#include "sig/location/locations_state.h"
#include "sig/sip/hop.h"

static void location_left_drop(struct location *a)
{
	if (a->left)
		aor_clear(a->left);
	free(a->left);
	a->left = NULL;
}

/* The store has acknowledged all that is in it. */
static void location_is_stored(struct location *a)
{
	location_left_drop(a);
	for (uint32_t i = 0; i < a->entry.count; i++)
		a->entry.bindings[i].stored = true;
}

/* REGISTERs with responses that wait for a save. */

enum { WAITS_MAX = 16 }; /* REGISTERs of one address of record that wait at the same time */

bool location_wait(struct location *a, struct locations_user *user, pool_handle txn,
		   struct text *response)
{
	struct register_wait *w = a->wait_count < WAITS_MAX ? calloc(1, sizeof(*w)) : NULL;
	struct register_wait **end = &a->waits;

	if (!w)
		return false;
	w->user = user;
	w->txn = txn;
	w->version = a->entry.version;
	w->response = *response;
	*response = (struct text){ 0 };
	while (*end)
		end = &(*end)->next;
	*end = w;
	a->wait_count++;
	return true;
}

static void wait_free(struct location *a, struct register_wait **at)
{
	struct register_wait *w = *at;

	*at = w->next;
	a->wait_count--;
	text_clear(&w->response);
	free(w);
}

void location_release(struct locations *l, struct location *a, uint64_t version)
{
	while (a->waits && a->waits->version <= version) {
		struct register_wait *w = a->waits;

		w->user->answer(w->user->owner, w->txn, &w->response, l->clock);
		wait_free(a, &a->waits);
	}
}

void location_refuse(struct locations *l, struct location *a)
{
	struct text nothing = { 0 };

	while (a->waits) {
		struct register_wait *w = a->waits;

		w->user->answer(w->user->owner, w->txn, &nothing, l->clock);
		wait_free(a, &a->waits);
	}
}

void location_waits_drop(struct location *a, const struct locations_user *user)
{
	struct register_wait **at = &a->waits;

	while (*at) {
		if (user && (*at)->user != user)
			at = &(*at)->next;
		else
			wait_free(a, at);
	}
}

/* The saves of addresses of record: compare-and-set by version, one in flight per entry. The stored
 * version is not always known: a save without an answer may have happened, an entry may have
 * expired there. So a conflict is retried with the other versions that are possible (each try is a
 * compare-and-set, so none can do harm) before the conflict counts. Older ones of ours are
 * possible, too: a store that lost acknowledged saves would else refuse the phone until its old
 * entry expires there. */

enum {
	/* In a cluster the empty entry is stored for so long that no phone is registered: an absent
	 * one means a store that lost data. */
	GONE_MS = 3600 * 1000,
	RETRY_MS = 2000,
	OVERDUE_MS = 5000, /* the store answers within its own deadline; this is for none at all */
	BACK_TRIES = 8,    /* older versions tried at a time */
	FORGET_TRIES = 5,  /* an empty entry is then left to its time to live */
	/* The store drops an entry after we do, never before, also when its clock is set. */
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

static bool fill_save(struct locations *l, struct location *a, struct request_binding_save *e)
{
	name_bounds(l, &a->entry);
	if (a->marked != a->entry.version) { /* a retry is the very same record */
		a->entry.clock = steady_mark(&l->steady, l->now.ns);
		a->marked = a->entry.version;
	}
	if (text_set(&e->tenant, text_bytes(&a->entry.tenant)) ||
	    text_set(&e->user, text_bytes(&a->entry.user)))
		return false;
	if ((a->entry.count || l->lookup) && aor_encode(&a->entry, l->edges, &e->record))
		return false;
	e->expected = a->acked;
	e->version = a->entry.version;
	e->ttl_ms = ttl_of(l, &a->entry);
	return true;
}

/* ---- location.c ---- */
static void location_save(struct locations *l, struct location *a)
{
	struct effect *e = effects_add(&l->effects, EFFECT_BINDING_SAVE, 0, 0);

	if (!e || !fill_save(l, a, e->request)) {
		if (e)
			effects_drop_last(&l->effects);
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
	uint16_t subject = tenants_number(l->tenants, tenant);
	struct location *a;

	locations_set_now(l, now);
	a = subject != TENANT_NONE ? location_get(l, subject, user) : NULL;
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

/* Records of a former process become registrations again. */

static int entry_refuse(const char **reason, int err, const char *text)
{
	*reason = text;
	return err;
}

/* Whether the binding came in there. An older record says it by number alone. */
static bool is_bound_to(const struct binding *b, const struct shard_local *l, uint32_t number)
{
	bool named = b->bound.family != ADDR_NONE;

	return l->transport == b->hop.transport &&
	       (named ? addr_eq(&l->bind, &b->bound)
		      : number == b->hop.local && l->bind.family == b->hop.remote.family);
}

static uint16_t local_bound(const struct locations *l, const struct binding *b)
{
	for (uint32_t i = 0; i < l->local_count; i++) {
		if (is_bound_to(b, &l->locals[i], i))
			return (uint16_t)i;
	}
	return UINT16_MAX;
}

static bool goes_with_its_shard(const struct locations *l, uint16_t local)
{
	return local != UINT16_MAX && (l->floating >> local & 1);
}

/* A phone of another node is reachable without NAT and connection, or through the node that has its
 * flow. An address that moves with its shard counts as unchanged: so what saved calls know of the
 * phone is valid again when it registers. */
static uint16_t local_to(const struct locations *l, const struct binding *b)
{
	uint16_t bound = local_bound(l, b);

	if (goes_with_its_shard(l, bound))
		return bound;
	if (!b->hop.connection && (b->hop.transport != SIP_UDP || (b->nat && !b->path.n)))
		return UINT16_MAX;
	for (uint32_t i = 0; i < l->local_count; i++) {
		if (l->locals[i].transport == b->hop.transport &&
		    l->locals[i].bind.family == b->hop.remote.family)
			return (uint16_t)i;
	}
	return UINT16_MAX;
}

/* What a former process of this node had is gone, but for its addresses. */
static void find_connection(const struct locations *l, struct binding *b)
{
	bool here = !binding_is_foreign(b) ||
		    (b->hop.transport == SIP_UDP && goes_with_its_shard(l, local_bound(l, b)));

	if (here && hop_is_edge(b->hop.connection))
		b->hop.connection = 0;
}

/* Listening addresses may have changed since. One that is gone reaches no phone. */
static void find_locals(const struct locations *l, struct aor *entry)
{
	for (uint32_t i = 0; i < entry->count; i++) {
		struct binding *b = &entry->bindings[i];

		if (!l->lookup || bytes_is(text_bytes(&b->node), l->node))
			text_clear(&b->node);
		find_connection(l, b);
		b->hop.local = binding_is_foreign(b) ? local_to(l, b) : local_bound(l, b);
	}
}

static void to_our_clock(const struct locations *l, struct aor *entry)
{
	int64_t shift = steady_shift(&l->steady, &entry->clock, l->now.ns);

	entry->written_utc_ms = steady_add(entry->clock.utc_ms, shift);
	for (uint32_t i = 0; i < entry->count; i++) {
		struct binding *b = &entry->bindings[i];

		b->expires_utc_ms = steady_add(b->expires_utc_ms, shift);
		b->registered_utc_ms = steady_add(b->registered_utc_ms, shift);
		b->stored = true;
	}
	entry->clock = steady_mark(&l->steady, l->now.ns);
}

void location_adapt(const struct locations *l, struct aor *entry)
{
	to_our_clock(l, entry);
	find_locals(l, entry);
}

int locations_restore(struct locations *l, struct bytes record, struct instant now,
		      const char **reason)
{
	struct location *a;
	struct aor entry;
	uint16_t tenant;
	int err;

	locations_set_now(l, now);
	*reason = NULL;
	err = aor_decode(&entry, record, l->edges, reason);
	if (err)
		return err;
	tenant = tenants_claim(l->tenants, text_bytes(&entry.tenant));
	if (tenant == TENANT_NONE) {
		err = entry_refuse(reason, -EBADMSG,
				   "its tenant has no name, or there are too many");
	} else if (location_get(l, tenant, text_bytes(&entry.user))) {
		err = entry_refuse(reason, -EEXIST, "the registration is here already");
	}
	a = err ? NULL : location_add(l, tenant, text_bytes(&entry.user));
	if (!a) {
		aor_clear(&entry);
		return err ? err : entry_refuse(reason, -ENOSPC, "too many registrations");
	}
	aor_clear(&a->entry);
	a->entry = entry;
	a->acked = entry.version;
	a->marked = entry.version;
	location_adapt(l, &a->entry);
	text_clear(&a->entry.writer);
	l->bindings += entry.count;
	return 0;
}

void locations_resume(struct locations *l, struct instant now)
{
	uint32_t cursor = 0;
	struct location *a;
	pool_handle h;

	locations_set_now(l, now);
	while ((a = pool_next(&l->aors, &cursor, &h)) != NULL)
		location_timer(l, a);
}

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
	struct location *a = pool_alloc(&l->aors, &h);

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
		(void)pool_free(&l->aors, h);
		return NULL;
	}
	location_is_born(l, a);
	tenants_hold(l->tenants, tenant, TENANT_REGISTRATIONS);
	return a;
}

void location_remove(struct locations *l, struct location *a)
{
	location_waits_drop(a, NULL);
	location_asked_drop(a, NULL);
	wheel_stop(&l->wheel, &a->timer);
	aor_connections_list(l, a, NULL);
	(void)table_del(&l->by_user, a->hash, a->self);
	l->bindings -= a->entry.count;
	tenants_release(l->tenants, a->tenant, TENANT_REGISTRATIONS);
	aor_clear(&a->entry);
	location_left_drop(a);
	(void)pool_free(&l->aors, a->self);
}

static void location_publish(struct locations *l, const struct location *a,
			     enum sig_event_kind kind)
{
	event_put(effects_event(&l->effects, kind, 0, a->entry.version,
				text_bytes(&a->entry.tenant)),
		  EV_TO, text_bytes(&a->entry.user));
	LOG_INFO("sip", 0, kind == SIG_REGISTERED ? "registered" : "unregistered",
		 LOG_BYTES("tenant", text_bytes(&a->entry.tenant)),
		 LOG_BYTES("user", text_bytes(&a->entry.user)),
		 LOG_U64("bindings", a->entry.count));
}

const struct aor *location_entry(const struct location *a)
{
	return &a->entry;
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

/* In case the store still has it when asked. Without memory it may come back until it expires. */
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

static bool aor_has_device(const struct aor *entry, struct bytes instance)
{
	for (uint32_t i = 0; i < entry->count; i++) {
		if (bytes_eq(text_bytes(&entry->bindings[i].instance), instance))
			return true;
	}
	return false;
}

bool location_device_next(const struct location *a, const struct sip_message *m, unsigned *cursor,
			  struct bytes *instance)
{
	struct sip_name_addr contact;
	struct bytes expires;

	while (message_name_addr_next(m, "Contact", cursor, &contact) == 1) {
		if (sip_param(contact.params, "+sip.instance", instance) && instance->n &&
		    instance->n <= BINDING_INSTANCE_MAX &&
		    (sip_param(contact.params, "expires", &expires) ? !bytes_is(expires, "0")
								    : message_expires(m) != 0) &&
		    !aor_has_device(&a->entry, *instance))
			return true;
	}
	return false;
}

/* REG-27: one account more of a device at its limit. Existing ones stay, also if the setting is
 * lowered. The store knows better than this node of devices that have claimed. */
static bool device_is_full(const struct locations *l, const struct location *a,
			   const struct sip_message *m, const struct registrar_settings *set)
{
	uint32_t claimed = set->devices_claimed;
	struct bytes instance;
	unsigned cursor = 0;

	while (set->device_accounts && location_device_next(a, m, &cursor, &instance)) {
		if (claimed)
			claimed--;
		else if (location_accounts(l, a, instance) >= set->device_accounts)
			return true;
	}
	return false;
}

void location_refuse_device(struct registrar_answer *answer)
{
	*answer = (struct registrar_answer){ .status = 403,
					     .reason = "too_many_accounts_of_device",
					     .device_full = true };
}

/* For all nodes: the device has this account for so long; 0: no more. Nobody waits. */
static void device_say(struct locations *l, const struct location *a, const struct binding *b,
		       uint64_t ttl_ms)
{
	struct request_kv *kept =
		effects_request(&l->effects, EFFECT_KV, 0, 0,
				EFFECT_TEXTS(text_bytes(&a->entry.tenant), text_bytes(&b->instance),
					     text_bytes(&a->entry.user)));

	if (!kept)
		return;
	kept->what = KV_ACCOUNTS;
	kept->ttl_ms = ttl_ms;
}

void location_devices_left(struct locations *l, const struct location *a, const struct aor *was)
{
	for (uint32_t i = 0; i < was->count; i++) {
		const struct binding *b = &was->bindings[i];

		if (b->instance.n && !aor_has_device(&a->entry, text_bytes(&b->instance)))
			device_say(l, a, b, 0);
	}
}

/* Those of which a REGISTER has come just now, and those that were there before and have left. */
static void devices_say(struct locations *l, const struct location *a, const struct aor *was)
{
	for (uint32_t i = 0; i < a->entry.count; i++) {
		const struct binding *b = &a->entry.bindings[i];

		if (b->instance.n && b->registered_utc_ms == l->now.utc_ms)
			device_say(l, a, b, b->expires_utc_ms - l->now.utc_ms);
	}
	location_devices_left(l, a, was);
}

void location_register(struct locations *l, struct location *a, const struct sip_message *m,
		       const struct registrar_settings *settings, struct registrar_answer *answer)
{
	uint32_t before = a->entry.count;
	struct aor was = { 0 };

	if (device_is_full(l, a, m, settings)) {
		location_refuse_device(answer);
		return;
	}
	if (before && l->lookup && is_leaving(m) && aor_copy(&was, &a->entry))
		was = (struct aor){ 0 };
	registrar_step(&a->entry, m, settings, l->now, answer);
	if (answer->changed && was.count)
		location_note_left(l, a, &was, m);
	if (answer->changed && settings->device_accounts && locations_has_others(l))
		devices_say(l, a, &was);
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

/* Entries of other nodes are cached for some time, and so is their absence. */
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
		a->unsaved = false; /* no other node ever saw it */
	if (a->unsaved && !a->saving && !a->retry_ns && !a->conflicted &&
	    !(l->degraded && a->is_unknown))
		location_save(l, a);
	if (!a->saving && !a->unsaved)
		location_release(l, a, a->entry.version);
	if (location_is_over(l, a)) {
		location_remove(l, a);
		return;
	}
	aor_connections_list(l, a, &a->entry);
	aor_timer_set(l, a);
}

void locations_closed(struct locations *l, uint64_t connection)
{
	struct location *a;
	pool_handle h;

	while (aor_connections_pop(&l->connections, connection, &h)) {
		a = pool_get(&l->aors, h);
		if (a && registrar_close(&a->entry, connection, l->now.utc_ms))
			aor_timer_set(l, a);
	}
}

/* Bindings that expire, or are of a deleted user, leave the lists of their devices, too. */
static bool location_expire(struct locations *l, struct location *a, bool foreign)
{
	struct aor was = { 0 };
	bool any;

	if (l->lookup && !foreign && first_expiry_ns(l, &a->entry) <= l->now.ns &&
	    aor_copy(&was, &a->entry))
		was = (struct aor){ 0 };
	any = registrar_expire(&a->entry, l->now.utc_ms);
	location_devices_left(l, a, &was);
	aor_clear(&was);
	return any;
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
	if (!is_elsewhere_perhaps(l, a) && location_expire(l, a, foreign)) {
		l->bindings += a->entry.count - before;
		a->unsaved = !foreign;
		if (a->entry.count == 0 && !foreign)
			location_publish(l, a, SIG_UNREGISTERED);
		location_notify(l, a);
	}
	location_settle(l, a);
}

/* As if all had expired. In a cluster the node of the phones may be away, so the stored entry is
 * read and removed. */
void locations_forget(struct locations *l, uint16_t tenant, struct bytes user, struct instant now)
{
	struct location *a;

	locations_set_now(l, now);
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

/* Of that device, or of all phones but that. */
static void bindings_end(struct locations *l, uint16_t tenant, struct bytes user, uint64_t device,
			 bool others, struct instant now)
{
	struct location *a;
	bool any = false;

	locations_set_now(l, now);
	a = location_get(l, tenant, user);
	for (uint32_t i = 0; a && i < a->entry.count; i++) {
		struct binding *b = &a->entry.bindings[i];

		if ((b->device == device) == others || binding_is_foreign(b) ||
		    (others && sip_transport_is_web(b->hop.transport)))
			continue;
		b->expires_utc_ms = l->now.utc_ms;
		any = true;
	}
	if (any)
		location_timer(l, a);
}

void locations_device_left(struct locations *l, uint16_t tenant, struct bytes user, uint64_t device,
			   struct instant now)
{
	bindings_end(l, tenant, user, device, false, now);
}

void locations_others_left(struct locations *l, uint16_t tenant, struct bytes user, uint64_t device,
			   struct instant now)
{
	bindings_end(l, tenant, user, device, true, now);
}
