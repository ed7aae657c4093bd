/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the store has of an address of record: asked for when a save met another node's, and, where there are other nodes, when somebody
 * wants to know of a user of whom nothing was heard for a second. Nodes tell each other nothing.
 */
#include <stdlib.h>

#include "base/log.h"
#include "sig/location/location_merge.h"
#include "sig/location/locations_state.h"

#define KNOWN_NS   NS_PER_S        /* what was read or saved is believed so long */
#define FOREIGN_NS (10 * NS_PER_S) /* and kept, where it is of other nodes alone */

enum { FETCH_OVERDUE_MS = 5000, ASKED_MAX = 16, CONFLICTS_MAX = 8 };

bool locations_are_shared(const struct locations *l)
{
	return l->lookup;
}

bool locations_has_others(const struct locations *l)
{
	return l->lookup && !l->degraded;
}

bool location_is_known(const struct locations *l, const struct location *a)
{
	return !locations_has_others(l) || (a && l->now.ns < a->known_ns);
}

bool locations_know(const struct locations *l, uint16_t tenant, struct bytes user)
{
	return location_is_known(l, location_get(l, tenant, user));
}

bool locations_unread(const struct locations *l, uint16_t tenant, struct bytes user)
{
	const struct location *a = location_get(l, tenant, user);

	return l->lookup && (l->degraded || (a && a->unread));
}

void location_known(struct locations *l, struct location *a)
{
	a->known_ns = l->now.ns + KNOWN_NS;
	a->conflicts = 0;
}

bool location_fetch(struct locations *l, struct location *a)
{
	struct effect *e;

	if (a->getting)
		return true;
	e = effects_add(&l->effects, EFFECT_BINDING_GET);
	if (!e)
		return false;
	if (text_set(&e->tenant, text_bytes(&a->entry.tenant)) ||
	    text_set(&e->user, text_bytes(&a->entry.user))) {
		text_clear(&e->tenant);
		text_clear(&e->user);
		l->effects.count--;
		return false;
	}
	a->getting = true;
	a->overdue_ns = l->now.ns + FETCH_OVERDUE_MS * NS_PER_MS;
	return true;
}

bool location_ask(struct locations *l, struct location *a, struct locations_user *user,
		  enum location_asker asker, uint64_t token)
{
	struct location_asked *asked =
		a->asked_count < ASKED_MAX ? calloc(1, sizeof(*asked)) : NULL;
	struct location_asked **end = &a->asked;

	if (!asked || !location_fetch(l, a)) {
		free(asked);
		return false;
	}
	*asked = (struct location_asked){ .user = user, .asker = asker, .token = token };
	while (*end)
		end = &(*end)->next;
	*end = asked;
	a->asked_count++;
	return true;
}

bool locations_ask(struct locations *l, uint16_t tenant, struct bytes user,
		   struct locations_user *asker, uint64_t token)
{
	struct location *a = location_get(l, tenant, user);
	bool ok;

	if (!a)
		a = location_add(l, tenant, user);
	if (!a)
		return false;
	ok = location_ask(l, a, asker, LOCATION_INVITE, token);
	location_settle(l, a);
	return ok;
}

void location_asked_drop(struct location *a, const struct locations_user *user)
{
	struct location_asked **at = &a->asked;

	while (*at) {
		struct location_asked *asked = *at;

		if (user && asked->user != user) {
			at = &asked->next;
			continue;
		}
		*at = asked->next;
		a->asked_count--;
		free(asked);
	}
}

/* A REGISTER applies to what is known now. It may wait again. */
static void again(struct locations *l, struct locations_user *user, pool_handle txn)
{
	user->again(user->owner, txn, l->clock);
}

static void asked_tell(struct locations *l, struct location *a)
{
	struct location_asked *list = a->asked;

	a->asked = NULL;
	a->asked_count = 0;
	while (list) {
		struct location_asked *asked = list;

		list = asked->next;
		if (asked->asker == LOCATION_REGISTER)
			again(l, asked->user, asked->token);
		else
			asked->user->found(asked->user->owner, asked->token, l->clock);
		free(asked);
	}
}

static void waits_again(struct locations *l, struct location *a)
{
	struct register_wait *list = a->waits;

	a->waits = NULL;
	a->wait_count = 0;
	while (list) {
		struct register_wait *w = list;

		list = w->next;
		again(l, w->user, w->txn);
		text_clear(&w->response);
		free(w);
	}
}

static int fetched_read(const struct locations *l, struct location *a, struct bytes record,
			struct aor *out)
{
	const char *reason = "out of memory";
	int err = 0;

	*out = (struct aor){ 0 };
	if (record.n)
		err = aor_decode(out, record, l->edges, &reason);
	else if (text_set(&out->tenant, text_bytes(&a->entry.tenant)) ||
		 text_set(&out->user, text_bytes(&a->entry.user)))
		err = -1;
	if (err) {
		LOG_ERROR("sip", 0, "a registration cannot be read",
			  LOG_BYTES("user", text_bytes(&a->entry.user)), LOG_STR("reason", reason));
		aor_clear(out);
		return err;
	}
	if (record.n)
		location_adapt(l, out);
	return 0;
}

/* The store has gone back to what we had before, or has forgotten the entry: ours is what counts. */
static bool is_behind_us(const struct locations *l, const struct location *a,
			 const struct aor *theirs)
{
	return theirs->version == 0 || (bytes_is(text_bytes(&theirs->writer), l->node) &&
					theirs->version <= a->entry.version);
}

/* What the store does not have is not there, unless we know of it ourselves. */
static void others_drop(struct locations *l, struct location *a)
{
	for (uint32_t i = a->entry.count; i-- > 0;) {
		if (binding_is_foreign(&a->entry.bindings[i])) {
			aor_remove(&a->entry, i);
			l->bindings--;
		}
	}
}

/* It has gone back to what another node wrote before our last save; or another node found that it had lost all, and said again only what
 * it had itself. Either way nobody there has seen what is ours leave. */
static bool is_lost_there(const struct location *a, const struct aor *theirs)
{
	return theirs->version < a->acked || (a->acked && theirs->born != a->entry.born);
}

static void ours_count(struct location *a)
{
	a->told = true;
	for (uint32_t i = 0; i < a->entry.count; i++) {
		if (!binding_is_foreign(&a->entry.bindings[i]))
			a->entry.bindings[i].stored = false;
	}
}

static void location_adopt(struct locations *l, struct location *a, struct aor *theirs)
{
	uint32_t before = a->entry.count;
	uint64_t version = theirs->version;

	if (is_lost_there(a, theirs) && !location_is_foreign(a))
		ours_count(a);
	if (aor_merge(&a->entry, theirs, a->told ? a->left : NULL, a->told)) {
		aor_clear(theirs);
		return;
	}
	l->bindings += a->entry.count - before;
	a->unsaved = a->told;
	a->entry.version = version + a->told;
	a->acked = a->marked = version;
	text_clear(&a->entry.writer);
}

static void fetched_conflict(struct locations *l, struct location *a, struct aor *theirs)
{
	bool ours = is_behind_us(l, a, theirs);

	a->conflicted = false;
	a->is_unknown = false;
	a->back_from = 0;
	a->back_tries = 0;
	a->unsaved = true;
	if (ours) {
		others_drop(l, a);
		if (theirs->version < a->acked)
			location_is_born(l, a);
		a->acked = theirs->version;
		if (a->entry.version <= theirs->version)
			a->entry.version = theirs->version + 1;
		aor_clear(theirs);
		return;
	}
	LOG_INFO("sip", 0, "registration was with another node",
		 LOG_BYTES("user", text_bytes(&a->entry.user)),
		 LOG_U64("version", theirs->version));
	location_adopt(l, a, theirs);
	waits_again(l, a);
}

/* Something of ours is on its way. */
static bool location_is_busy(const struct location *a)
{
	return a->saving || a->unsaved || a->is_unknown;
}

/* Where nothing of ours is on its way, what the store has is what there is. */
static void fetched_look(struct locations *l, struct location *a, struct aor *theirs)
{
	bool other = theirs->version != a->acked || theirs->born != a->entry.born;

	if (!location_is_busy(a) && other && !is_behind_us(l, a, theirs)) {
		location_adopt(l, a, theirs);
		return;
	}
	if (theirs->version == 0)
		others_drop(l, a);
	aor_clear(theirs);
}

/* The same while the same phones are there. */
static uint64_t phones_mark(const struct location *a)
{
	static const struct hash_key key;
	uint64_t mark = a->entry.count;

	for (uint32_t i = 0; i < a->entry.count; i++)
		mark += hash_sip(&key, text_bytes(&a->entry.bindings[i].contact));
	return mark;
}

/* His phones of before are gone, whoever had them. Who has registered since is with us, and a save of that is on its way. */
static void fetched_ended(struct location *a, struct aor *theirs)
{
	bool had = theirs->count != 0;

	while (theirs->count)
		aor_remove(theirs, theirs->count - 1);
	if (location_is_busy(a)) {
		a->told |= had;
		return;
	}
	a->ended = false;
	if (!had)
		return;
	a->acked = theirs->version;
	if (a->entry.version < theirs->version)
		a->entry.version = theirs->version;
	a->entry.version++;
	a->unsaved = true;
}

static void fetched(struct locations *l, struct location *a, struct bytes record)
{
	bool conflicted = a->conflicted;
	uint64_t before = phones_mark(a);
	struct aor theirs;

	if (fetched_read(l, a, record, &theirs)) {
		a->conflicted = false;
		if (conflicted)
			location_refuse(l, a);
		return;
	}
	location_known(l, a);
	if (a->ended)
		fetched_ended(a, &theirs);
	if (conflicted)
		fetched_conflict(l, a, &theirs);
	else
		fetched_look(l, a, &theirs);
	if (phones_mark(a) != before)
		location_notify(l, a);
}

/* Nobody is refused because the store is slow. */
void location_fetch_failed(struct locations *l, struct location *a)
{
	a->getting = false;
	a->unread = true;
	if (a->conflicted) {
		a->conflicted = false;
		a->saving = a->entry.version;
		location_save_failed(l, a);
	}
	a->known_ns = l->now.ns + KNOWN_NS;
	asked_tell(l, a);
}

void location_conflict(struct locations *l, struct location *a)
{
	if (a->conflicts++ < CONFLICTS_MAX && location_fetch(l, a)) {
		a->conflicted = true;
		return;
	}
	a->conflicts = 0;
	a->saving = a->entry.version;
	location_save_failed(l, a);
}

void locations_got(struct locations *l, struct bytes tenant, struct bytes user,
		   enum location_result result, struct bytes record, struct instant now)
{
	struct location *a;
	uint16_t whose;

	locations_begin(l, now);
	whose = tenants_number(l->tenants, tenant);
	a = whose == TENANT_NONE ? NULL : location_get(l, whose, user);
	if (!a || !a->getting)
		return;
	a->held = true;
	if (result != BINDING_SAVED) {
		location_fetch_failed(l, a);
	} else {
		a->getting = a->unread = false;
		fetched(l, a, record);
		asked_tell(l, a);
	}
	a->held = false;
	location_settle(l, a);
}

/* All that is in it is another node's. */
bool location_is_foreign(const struct location *a)
{
	for (uint32_t i = 0; i < a->entry.count; i++) {
		if (!binding_is_foreign(&a->entry.bindings[i]))
			return false;
	}
	return !a->saving && !a->unsaved && !a->is_unknown;
}

uint64_t location_forget_ns(const struct location *a)
{
	return a->known_ns + FOREIGN_NS - KNOWN_NS;
}
