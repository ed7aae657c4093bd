/* SPDX-License-Identifier: Apache-2.0 */
/* Objects of a shard, the common part of rooms and their like (objects.h, sig/host/object.h): the
 * tables by id and name, the saving of records, the claim of a name in the store, and following the
 * object of a remote shard. Each kind gives its functions by struct object_type. A claim that the
 * store cannot confirm leaves the object open apart from others; they merge once it can. */

#include "sig/shard/objects.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sig/host/feature.h"
#include "sig/pbx/remote_shard.h"
#include "sig/shard/shard_state.h"

enum {
	SAVE_OVERDUE_MS = 5000,
	SAVE_AGAIN_MS = 2000,
	/* the store answers within its own deadline; this is for none at all */
	CLAIM_WAIT_MS = 5000,
	CLAIM_AGAIN_MS = 2000,
	CLAIM_ENTRY_MAX = 24,
	SEND_NEXT_MS = 20,
	SEND_AGAIN_MS = 1000, /* and twice as long the next time, up to */
	SEND_SELDOM_MS = 64000,
	SEND_MS = 10000, /* where no name is claimed; then they stay together here */
};

/* ---- all of them ---- */

/* Returns NULL if no feature has objects of that kind. */
static const struct object_type *object_type_of(const struct shard *s, enum object_kind kind)
{
	const struct feature *f = s->shared_tables->features;

	while (f->name && !(f->objects && f->objects->kind == kind))
		f++;
	return f->objects;
}

int objects_open(struct shard *s)
{
	struct objects *l = &s->objects;
	uint32_t most = s->settings.calls_max;
	size_t size = 0;
	int err;

	for (const struct feature *f = s->shared_tables->features; f->name; f++)
		size = f->objects && f->objects->size > size ? f->objects->size : size;
	err = pool_open(&l->pool, size, most);
	if (!err)
		err = table_open(&l->by_id, most);
	return err ? err : table_open(&l->by_name, most);
}

static void object_clear(struct shard *s, struct object *o)
{
	o->type->clear(o);
	tenants_release(s->settings.tenants, o->tenant, o->type->item);
}

static struct object *objects_next(const struct shard *s, uint32_t *cursor)
{
	pool_handle h;

	return pool_next(&s->objects.pool, cursor, &h);
}

void objects_close(struct shard *s)
{
	struct objects *l = &s->objects;
	struct object *o;
	uint32_t cursor = 0;

	while (l->pool.slots && (o = objects_next(s, &cursor)) != NULL)
		object_clear(s, o);
	if (l->pool.slots)
		pool_close(&l->pool);
	table_close(&l->by_id);
	table_close(&l->by_name);
}

struct object *objects_find(const struct shard *s, uint64_t id)
{
	uint32_t cursor = 0;
	pool_handle h = table_next(&s->objects.by_id, id, &cursor);

	return h ? pool_get(&s->objects.pool, h) : NULL;
}

static uint64_t object_hash(const struct shard *s, uint16_t tenant, struct bytes name)
{
	return tenant_hash(hash_sip(&s->key, name), tenant);
}

static struct bytes object_name(const struct object *o)
{
	return bytes_str(o->type->name(o));
}

struct object *objects_named(const struct shard *s, const struct object_type *type, uint16_t tenant,
			     struct bytes name)
{
	uint64_t hash = object_hash(s, tenant, name);
	uint32_t cursor = 0;
	pool_handle h;

	while ((h = table_next(&s->objects.by_name, hash, &cursor)) != 0) {
		struct object *o = pool_get(&s->objects.pool, h);

		if (o && o->type == type && o->tenant == tenant && name.n &&
		    bytes_eq(name, object_name(o)))
			return o;
	}
	return NULL;
}

uint16_t objects_shard(const struct shard *s, const struct object_type *type, uint16_t tenant,
		       struct bytes name)
{
	for (const struct shard *of = s->shared_tables->shards; of; of = of->next) {
		const struct object *o = of != s ? objects_named(of, type, tenant, name) : NULL;

		if (o && object_is_open(o) && !o->follows)
			return of->settings.number;
	}
	return 0;
}

void objects_silence(struct shard *s)
{
	struct object *o;
	uint32_t cursor = 0;

	while ((o = objects_next(s, &cursor)) != NULL) {
		o->type->leave(s, o);
		object_remove(s, o);
	}
}

/* ---- one ---- */

struct object *object_allocate(struct shard *s, const struct object_type *type, uint64_t id,
			       uint16_t tenant)
{
	pool_handle self;
	struct object *o = pool_alloc(&s->objects.pool, &self);

	if (!o)
		return NULL;
	o->id = id;
	o->tenant = tenant;
	o->type = type;
	o->self = o->timer.owner = self;
	o->timer.kind = TIMER_OBJECT;
	o->created_utc_ms = (uint64_t)((int64_t)s->host.now.utc_ms + s->host.wall_ms);
	return o;
}

void object_drop(struct shard *s, struct object *o)
{
	(void)pool_free(&s->objects.pool, o->self);
}

static bool claim_is_needed(const struct shard *s, const struct object *o)
{
	return s->settings.rooms_claimed && o->type->is_claimed(o);
}

bool object_list_name(struct shard *s, struct object *o)
{
	struct bytes name = object_name(o);

	return !name.n || !table_put(&s->objects.by_name, object_hash(s, o->tenant, name), o->self);
}

bool object_list(struct shard *s, struct object *o)
{
	if (table_put(&s->objects.by_id, o->id, o->self))
		return false;
	if (!object_list_name(s, o)) {
		(void)table_del(&s->objects.by_id, o->id, o->self);
		return false;
	}
	o->claim = claim_is_needed(s, o) ? OBJECT_UNCLAIMED : OBJECT_OWN;
	tenants_hold(s->settings.tenants, o->tenant, o->type->item);
	return true;
}

void object_remove(struct shard *s, struct object *o)
{
	struct bytes name = object_name(o);

	wheel_stop(&s->wheel, &o->timer);
	(void)table_del(&s->objects.by_id, o->id, o->self);
	if (name.n)
		(void)table_del(&s->objects.by_name, object_hash(s, o->tenant, name), o->self);
	object_clear(s, o);
	object_drop(s, o);
}

/* ---- its turn ---- */

void object_touch(struct object *o)
{
	o->version++;
}

void object_hurry(struct shard *s, struct object *o)
{
	o->turn_ns = s->host.now.ns;
	object_aim(s, o);
}

void object_aim(struct shard *s, struct object *o)
{
	const uint64_t own[] = { o->turn_ns, o->save_ns, o->claim_ns, o->follow_ns };
	uint64_t next = o->type->next_ns(o);

	for (size_t i = 0; i < COUNT_OF(own); i++) {
		if (own[i] && own[i] < next)
			next = own[i];
	}
	wheel_aim(&s->wheel, &o->timer, next);
}

void objects_timer(struct shard *s, const struct wheel_timer *t)
{
	object_turn(s, CONTAINER_OF((uintptr_t)t, struct object, timer));
}

/* ---- its record ---- */

static void object_save_later(struct shard *s, struct object *o, uint64_t ms)
{
	o->save_ns = s->host.now.ns + ms * NS_PER_MS;
}

static bool object_is_behind(const struct object *o)
{
	return o->version != o->acked;
}

static void object_save_request(struct shard *s, struct object *o)
{
	struct effect *e = effects_add(&s->effects, EFFECT_OBJECT_SAVE, o->id, 0);
	struct request_object_save *to = e ? e->request : NULL;

	if (!to || o->type->encode(&s->host, o, &to->save.record)) {
		if (to)
			effects_drop_last(&s->effects);
		object_save_later(s, o, SAVE_AGAIN_MS);
		return;
	}
	to->kind = (uint8_t)o->type->kind;
	to->save.version = o->saving = o->version;
	metric_add(s->metrics.saves[SAVE_STARTED], 1);
	object_save_later(s, o, SAVE_OVERDUE_MS);
}

static void object_save(struct shard *s, struct object *o)
{
	bool due = o->save_ns && o->save_ns <= s->host.now.ns;

	if (due && o->saving) { /* nothing was answered */
		metric_add(s->metrics.saves[SAVE_LATE], 1);
		o->saving = 0;
	}
	if (due)
		o->save_ns = 0;
	if (s->settings.calls_unsaved)
		o->acked = o->version;
	if (!o->saving && !o->save_ns && object_is_behind(o))
		object_save_request(s, o);
}

static void object_order_answer(struct shard *s, const struct object *o, uint64_t ticket,
				bool saved)
{
	struct effect *e = effects_add(&s->effects, EFFECT_ORDERED, o->id, 0);

	if (e)
		*(struct request_ordered *)e->request =
			(struct request_ordered){ .ticket = ticket, .saved = saved };
}

/* Answers orders that wait for what is acknowledged, or for everything. */
static void object_answer(struct shard *s, struct object *o, bool saved)
{
	uint8_t kept = 0;

	for (uint8_t i = 0; i < o->order_count; i++) {
		if (saved && o->orders[i].version > o->acked)
			o->orders[kept++] = o->orders[i];
		else
			object_order_answer(s, o, o->orders[i].ticket, saved);
	}
	o->order_count = kept;
}

bool object_wait(struct shard *s, struct object *o, const struct shard_order *by)
{
	if (!by)
		return true;
	if (o->order_count == OBJECT_ORDERS_MAX)
		return false;
	o->orders[o->order_count++] =
		(struct object_order){ .ticket = by->ticket, .version = o->version };
	if (!object_is_behind(o) || s->host.degraded)
		object_answer(s, o, !s->host.degraded);
	return true;
}

void shard_object_saved(struct shard *s, uint64_t id, uint64_t version, bool saved,
			struct instant now)
{
	struct object *o;

	shard_set_now(s, now);
	o = objects_find(s, id);
	metric_add(s->metrics.saves[saved ? SAVE_DONE : SAVE_FAILED], 1);
	if (!o || version != o->saving)
		return;
	o->saving = o->save_ns = 0;
	if (saved)
		o->acked = version;
	object_answer(s, o, saved);
	if (!saved && !s->host.degraded)
		object_save_later(s, o, SAVE_AGAIN_MS);
	else if (saved)
		object_save(s, o);
	object_aim(s, o);
}

uint64_t objects_unsaved(const struct shard *s)
{
	const struct object *o;
	uint32_t cursor = 0;
	uint64_t n = 0;

	while ((o = objects_next(s, &cursor)) != NULL)
		n += object_is_behind(o);
	return n;
}

void objects_save(struct shard *s)
{
	struct object *o;
	uint32_t cursor = 0;

	while ((o = objects_next(s, &cursor)) != NULL)
		object_save(s, o);
}

bool objects_assert(struct shard *s, uint32_t most)
{
	for (uint32_t i = 0; i < most; i++) {
		struct object *o = objects_next(s, &s->objects.asserted);

		if (!o)
			return false;
		if (s->assert_all)
			object_touch(o);
		o->saving = o->save_ns = 0;
		if (claim_is_needed(s, o) && object_is_open(o)) /* the store may have lost it */
			o->claim_ns = s->host.now.ns;
		object_hurry(s, o);
	}
	return true;
}

static struct object *object_adopt(struct shard *s, struct object *decoded)
{
	struct object *o =
		objects_find(s, decoded->id)
			? NULL
			: object_allocate(s, decoded->type, decoded->id, decoded->tenant);

	if (!o)
		return NULL;
	decoded->self = o->self;
	decoded->timer = o->timer;
	memcpy(o, decoded, o->type->size);
	if (object_list(s, o))
		return o;
	object_drop(s, o);
	return NULL;
}

int shard_restore_object(struct shard *s, enum object_kind kind, struct bytes record,
			 struct instant now, const char **reason)
{
	const struct object_type *type = object_type_of(s, kind);
	struct object *decoded = type ? calloc(1, type->size) : NULL;
	int err = -ENOMEM;

	shard_set_now(s, now);
	*reason = "out of memory";
	if (decoded)
		err = type->decode(&s->host, decoded, record, reason);
	if (!err) {
		decoded->type = type;
		if (!object_adopt(s, decoded)) {
			type->clear(decoded);
			*reason = "it is here, or there are too many";
			err = -ENOSPC;
		}
	}
	free(decoded);
	return err;
}

/* ---- the one of its name ---- */

static bool claim_request(struct shard *s, const struct object *o, enum park_act act,
			  uint64_t owner, uint64_t serial, struct bytes entry)
{
	struct bytes tenant = bytes_str(tenants_name(s->settings.tenants, o->tenant));
	struct request_park *park = effects_request(&s->effects, EFFECT_PARK, owner, serial,
						    EFFECT_TEXTS(tenant, object_name(o), entry));

	if (park)
		park->act = act;
	return park != NULL;
}

/* Since when it is there, for people. */
static void object_claim_send(struct shard *s, struct object *o)
{
	uint64_t serial = rand_u64_from(s->host.rand) | 1;
	uint8_t space[CLAIM_ENTRY_MAX];
	struct writer w = writer_over(space, sizeof(space));

	writer_u64(&w, o->created_utc_ms);
	o->claim_serial = 0;
	o->claim_ns = s->host.now.ns + CLAIM_AGAIN_MS * NS_PER_MS;
	if (!claim_request(s, o, o->type->claim, o->id, serial, writer_done(&w)))
		return;
	o->claim_serial = serial;
	o->claim_ns = s->host.now.ns + CLAIM_WAIT_MS * NS_PER_MS;
}

static void claim_release(struct shard *s, const struct object *o, uint64_t owner)
{
	(void)claim_request(s, o, o->type->release, owner, 0, (struct bytes){ 0 });
}

/* It stays what it is. */
static void object_unfollow(struct shard *s, struct object *o)
{
	if (!o->follows)
		return;
	o->follows = o->follow_ns = o->follow_until_ns = 0;
	object_touch(o);
	object_hurry(s, o);
}

static void claim_open(struct shard *s, struct object *o, enum object_claim as)
{
	o->claim = (uint8_t)as;
	if (as == OBJECT_OWN)
		object_unfollow(s, o);
	o->type->told(s, o, PARK_OK, o->id);
}

/* Callers are not rejected for it. As soon as the store reports the owner, both objects merge. */
static void claim_apart(struct shard *s, struct object *o)
{
	o->claim_ns = s->host.now.ns + CLAIM_AGAIN_MS * NS_PER_MS;
	if (object_is_open(o))
		return;
	LOG_WARN(o->type->noun, o->id, o->type->apart, LOG_BYTES("number", object_name(o)));
	claim_open(s, o, OBJECT_APART);
}

/* Its members move there, as do those answered that are about to join. Without members it ends: for
 * a later caller the name is claimed anew. */
static void claim_lost(struct shard *s, struct object *o, uint64_t owner)
{
	char id[ID_TEXT_LEN];

	id_call_put(id, owner);
	LOG_INFO(o->type->noun, o->id, o->type->elsewhere, LOG_BYTES("number", object_name(o)),
		 LOG_BYTES(o->type->noun, bytes_mem(id, sizeof(id))));
	o->type->told(s, o, PARK_TAKEN, owner);
	if (o->type->is_empty(o)) {
		o->claim = OBJECT_UNCLAIMED;
		return;
	}
	o->claim = OBJECT_APART;
	object_follow(s, o, owner);
	o->claim_ns = s->host.now.ns + CLAIM_AGAIN_MS * NS_PER_MS;
}

/* One of this shard that is gone: the store was away when it ended, or the process was killed. */
static void claim_taken(struct shard *s, struct object *o, uint64_t owner)
{
	if (id_shard(owner) != s->settings.number) {
		claim_lost(s, o, owner);
		return;
	}
	claim_release(s, o, owner);
	object_claim_send(s, o);
}

void object_claim(struct shard *s, struct object *o)
{
	bool due = o->claim_ns && o->claim_ns <= s->host.now.ns;

	if (!claim_is_needed(s, o) || (o->claim != OBJECT_UNCLAIMED && !due))
		return;
	if (s->host.degraded || o->claim == OBJECT_ASKED) {
		claim_apart(s, o);
		return;
	}
	object_claim_send(s, o);
	if (o->claim == OBJECT_UNCLAIMED)
		o->claim = OBJECT_ASKED;
}

void object_on_claim(struct shard *s, struct object *o, const struct park_reply *outcome)
{
	if (!o->claim_serial || o->claim_serial != outcome->serial)
		return;
	o->claim_serial = o->claim_ns = 0;
	if (outcome->told == PARK_OK) {
		claim_open(s, o, OBJECT_OWN);
	} else if (outcome->told == PARK_TAKEN) {
		claim_taken(s, o, outcome->owner);
	} else if (outcome->told != PARK_FULL || o->claim != OBJECT_ASKED) {
		claim_apart(s, o);
	} else {
		o->type->told(s, o, PARK_FULL, 0);
		o->claim = OBJECT_UNCLAIMED;
	}
	object_hurry(s, o);
}

/* ---- those who are in it go to that of another shard ---- */

void object_follow(struct shard *s, struct object *o, uint64_t other)
{
	if (o->follows == other && o->follow_ns)
		return;
	if (o->follows != other)
		object_touch(o);
	o->follows = other;
	o->follow_after = 0;
	o->follow_again_ms = SEND_AGAIN_MS;
	o->follow_ns = s->host.now.ns;
	o->follow_until_ns = o->type->is_claimed(o) ? 0 : s->host.now.ns + SEND_MS * NS_PER_MS;
	object_hurry(s, o);
}

static bool send_is_over(const struct shard *s, const struct object *o)
{
	return (o->follow_until_ns && o->follow_until_ns <= s->host.now.ns) ||
	       !remote_shard_is_reachable(&s->settings, id_shard(o->follows));
}

void object_send(struct shard *s, struct object *o, bool ready)
{
	bool more;

	if (!o->follows || o->follow_ns > s->host.now.ns)
		return;
	if (ready && send_is_over(s, o)) {
		LOG_WARN(o->type->noun, o->id, o->type->stays);
		object_unfollow(s, o);
		return;
	}
	more = !ready || o->type->send(s, o);
	o->follow_ns = s->host.now.ns + (more ? SEND_NEXT_MS : o->follow_again_ms) * NS_PER_MS;
	if (more)
		return;
	o->follow_after = 0;
	if (o->follow_again_ms < SEND_SELDOM_MS)
		o->follow_again_ms *= 2;
}

void object_resume(struct shard *s, struct object *o, bool used)
{
	bool needed = claim_is_needed(s, o);

	o->claim = needed && !used ? OBJECT_UNCLAIMED : OBJECT_OWN;
	o->claim_ns = needed && used ? s->host.now.ns : 0;
	if (o->follows)
		object_follow(s, o, o->follows);
	object_hurry(s, o);
}

void object_end(struct shard *s, struct object *o)
{
	struct effect *e;

	if (claim_is_needed(s, o) && o->claim != OBJECT_UNCLAIMED)
		claim_release(s, o, o->id);
	for (uint8_t i = 0; i < o->order_count; i++)
		o->orders[i].version = 0;
	object_answer(s, o, true);
	e = o->version && !s->settings.calls_unsaved
		    ? effects_add(&s->effects, EFFECT_OBJECT_SAVE, o->id, 0)
		    : NULL;
	if (e)
		*(struct request_object_save *)e->request =
			(struct request_object_save){ .save.version = o->version + 1,
						      .kind = (uint8_t)o->type->kind };
}

void object_turn(struct shard *s, struct object *o)
{
	const struct object_type *type = o->type;

	o->turn_ns = 0;
	if (!type->is_empty(o))
		object_claim(s, o);
	if (object_is_open(o) && !o->follows)
		type->told(s, o, PARK_OK, o->id);
	if (!type->turn(s, o))
		return;
	object_save(s, o);
	object_aim(s, o);
}
