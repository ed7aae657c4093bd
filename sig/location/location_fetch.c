/* SPDX-License-Identifier: Apache-2.0 */
/* Reads an address of record from the store: after a save conflict with another node, and in a
 * cluster when a user is looked up that was not read or saved for a second. Nodes do not
 * notify each other. */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "sig/location/locations_state.h"
#include "sig/location/registrar.h"

/* Another node has written the entry, which is merged: it knew our last version, or the phone has
 * registered there since. Of our bindings those stay that no save contains yet, and that no
 * REGISTER waits for. */

static bool is_named_alike(const struct binding *a, const struct binding *b)
{
	bool instances =
		a->instance.n && bytes_eq(text_bytes(&a->instance), text_bytes(&b->instance));

	if (a->reg_id || b->reg_id)
		return instances && a->reg_id == b->reg_id;
	return instances || bytes_eq(text_bytes(&a->contact), text_bytes(&b->contact));
}

static struct binding *binding_alike(const struct aor *a, const struct binding *b)
{
	for (uint32_t i = 0; i < a->count; i++) {
		if (is_named_alike(&a->bindings[i], b))
			return &a->bindings[i];
	}
	return NULL;
}

/* RFC 3261 10.3: by CSeq within a Call-ID, else by when it came. */
static bool is_newer(const struct binding *a, const struct binding *b)
{
	if (bytes_eq(text_bytes(&a->call_id), text_bytes(&b->call_id)))
		return a->cseq > b->cseq;
	return a->registered_utc_ms > b->registered_utc_ms;
}

/* A record knows no connection: ours are those that this process has. */
static void connections_keep(struct aor *theirs, const struct aor *ours)
{
	for (uint32_t i = 0; i < theirs->count; i++) {
		struct binding *b = &theirs->bindings[i];
		const struct binding *own = binding_alike(ours, b);

		if (own && !binding_is_foreign(b) && own->cseq == b->cseq &&
		    addr_eq(&own->hop.remote, &b->hop.remote)) {
			b->hop = own->hop;
			b->closed = own->closed;
		}
	}
}

/* A phone may have several Contacts under one name. */
static bool is_same_binding(const struct binding *a, const struct binding *b)
{
	if (a->reg_id || b->reg_id)
		return is_named_alike(a, b);
	return bytes_eq(text_bytes(&a->contact), text_bytes(&b->contact));
}

static bool aor_has(const struct aor *a, const struct binding *b)
{
	for (uint32_t i = 0; i < a->count; i++) {
		if (is_same_binding(&a->bindings[i], b))
			return true;
	}
	return false;
}

static int note_one(struct aor *left, const struct binding *b, const struct sip_message *m,
		    uint64_t utc_ms)
{
	struct binding gone;
	int err = binding_copy(&gone, b);

	if (err)
		return err;
	if (bytes_eq(text_bytes(&gone.call_id), m->call_id))
		gone.cseq = m->cseq;
	gone.registered_utc_ms = utc_ms;
	if (left->count == BINDINGS_MAX)
		aor_remove(left, 0);
	err = aor_append(left, &gone);
	binding_clear(&gone);
	return err;
}

int aor_note_left(struct aor *left, const struct aor *before, const struct aor *after,
		  const struct sip_message *m, uint64_t utc_ms)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < before->count; i++) {
		const struct binding *b = &before->bindings[i];

		if (b->expires_utc_ms > utc_ms && !aor_has(after, b))
			err = note_one(left, b, m, utc_ms);
	}
	return err;
}

/* What has left stays away, but for what came back later. */
static void bindings_leave(struct aor *theirs, const struct aor *left)
{
	for (uint32_t i = 0; left && i < left->count; i++) {
		const struct binding *gone = &left->bindings[i];

		for (uint32_t k = theirs->count; k-- > 0;) {
			if (is_same_binding(&theirs->bindings[k], gone) &&
			    !is_newer(&theirs->bindings[k], gone))
				aor_remove(theirs, k);
		}
	}
}

/* They knew of it, and wrote later than it was registered: it has left there. */
static bool has_left_there(const struct aor *theirs, const struct binding *b)
{
	return b->stored && b->registered_utc_ms <= theirs->written_utc_ms;
}

static int binding_take_over(struct aor *theirs, struct binding *b)
{
	struct binding *alike = binding_alike(theirs, b);

	if (alike ? !is_newer(b, alike) : has_left_there(theirs, b))
		return 0;
	if (alike)
		aor_remove(theirs, (uint32_t)(alike - theirs->bindings));
	if (theirs->count == BINDINGS_MAX)
		return 0;
	return aor_append(theirs, b);
}

int aor_merge(struct aor *ours, struct aor *theirs, const struct aor *left, bool ours_count)
{
	int err = 0;

	connections_keep(theirs, ours);
	bindings_leave(theirs, left);
	for (uint32_t i = 0; ours_count && !err && i < ours->count; i++)
		err = binding_take_over(theirs, &ours->bindings[i]);
	if (err)
		return err;
	aor_clear(ours);
	*ours = *theirs;
	*theirs = (struct aor){ 0 };
	return 0;
}

#define KNOWN_NS   NS_PER_S        /* what was read or saved is current for so long */
#define FOREIGN_NS (10 * NS_PER_S) /* and cached, if only other nodes have it */

enum { FETCH_OVERDUE_MS = 5000, ASKED_MAX = 200, CONFLICTS_MAX = 8 };

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
	if (a->getting)
		return true;
	if (!effects_request(&l->effects, EFFECT_BINDING_GET, 0, 0,
			     EFFECT_TEXTS(text_bytes(&a->entry.tenant),
					  text_bytes(&a->entry.user))))
		return false;
	a->getting = true;
	a->overdue_ns = l->now.ns + FETCH_OVERDUE_MS * NS_PER_MS;
	return true;
}

bool location_request(struct locations *l, struct location *a, struct locations_user *user,
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

bool locations_request(struct locations *l, uint16_t tenant, struct bytes user,
		       struct locations_user *asker, uint64_t token)
{
	struct location *a = location_get(l, tenant, user);
	bool ok;

	if (!a)
		a = location_add(l, tenant, user);
	if (!a)
		return false;
	ok = location_request(l, a, asker, LOCATION_INVITE, token);
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

static void location_asked_notify(struct locations *l, struct location *a)
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

/* The store has reverted to an older state of ours, or lost the entry: ours counts. */
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

/* It has reverted to what another node wrote before our last save; or another node found that it
 * had lost everything, and wrote back only its own bindings. In both cases no node has removed
 * ours. */
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

/* The user's earlier bindings are gone, on all nodes. Later registrations are here, with a save
 * pending. */
static void fetched_ended(struct locations *l, struct location *a, struct aor *theirs)
{
	bool had = theirs->count != 0;

	location_devices_left(l, a, theirs);
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
		fetched_ended(l, a, &theirs);
	if (conflicted)
		fetched_conflict(l, a, &theirs);
	else
		fetched_look(l, a, &theirs);
	if (phones_mark(a) != before)
		location_notify(l, a);
}

/* No call is refused because the store is slow. */
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
	location_asked_notify(l, a);
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
	uint16_t subject;

	locations_set_now(l, now);
	subject = tenants_number(l->tenants, tenant);
	a = subject == TENANT_NONE ? NULL : location_get(l, subject, user);
	if (!a || !a->getting)
		return;
	a->held = true;
	if (result != BINDING_SAVED) {
		location_fetch_failed(l, a);
	} else {
		a->getting = a->unread = false;
		fetched(l, a, record);
		location_asked_notify(l, a);
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
