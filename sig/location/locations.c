/* SPDX-License-Identifier: Apache-2.0 */
/* The locations as their owner sees them: opening, time, users of the service, views. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sig/host/settings.h"
#include "sig/location/locations.h"
#include "sig/location/locations_state.h"

/* The store leaves and returns: nothing waits while it is away; on its return it may have lost
 * acknowledged saves, so every registration is saved again, at a rate that does not disturb other
 * work. */

enum {
	ASSERT_STEP_MS = 10,
	ASSERT_AORS = 32,        /* in each step */
	ASSERT_LOOKED_AT = 2048, /* in each step, of those that need no save */
};

static void locations_release(struct locations *l)
{
	uint32_t cursor = 0;
	struct location *a;
	pool_handle h;

	while ((a = pool_next(&l->aors, &cursor, &h)) != NULL) {
		if (a->waits)
			location_release(l, a, a->entry.version);
	}
}

static void locations_assert_start(struct locations *l)
{
	l->assert_cursor = 0;
	wheel_start(&l->wheel, &l->assert_timer, l->now.ns);
}

void locations_degraded(struct locations *l, bool degraded, struct instant now)
{
	locations_set_now(l, now);
	if (l->degraded == degraded)
		return;
	l->degraded = degraded;
	if (degraded) {
		wheel_stop(&l->wheel, &l->assert_timer);
		locations_release(l);
	} else {
		l->assert_all = true; /* until a pass has come to its end */
		locations_assert_start(l);
	}
}

void locations_caught_up(struct locations *l, struct instant now)
{
	locations_set_now(l, now);
	if (!l->degraded)
		return;
	l->degraded = false;
	locations_assert_start(l);
}

static bool location_needs_save(const struct locations *l, const struct location *a)
{
	return l->assert_all || a->unsaved || a->is_unknown || a->acked != a->entry.version;
}

static bool assert_locations(struct locations *l)
{
	struct location *a;
	pool_handle h;

	for (uint32_t i = 0, seen = 0; i < ASSERT_AORS && seen < ASSERT_LOOKED_AT; seen++) {
		a = pool_next(&l->aors, &l->assert_cursor, &h);
		if (!a)
			return false;
		if (!location_needs_save(l, a))
			continue;
		a->unsaved = true;
		a->retry_ns = 0;
		location_settle(l, a);
		i++;
	}
	return true;
}

/* ---- locations.c ---- */
static void locations_assert_some(struct locations *l)
{
	if (assert_locations(l))
		wheel_start(&l->wheel, &l->assert_timer, l->now.ns + ASSERT_STEP_MS * NS_PER_MS);
	else
		l->assert_all = false;
}

/* So many are found without long walks. 0 or -ENOMEM. */
static int aor_connections_open(struct aor_connections *c, uint32_t aors)
{
	uint32_t size = 1;

	while (size < aors && size < UINT32_C(1) << 31)
		size *= 2;
	*c = (struct aor_connections){ .mask = size - 1 };
	c->buckets = calloc(size, sizeof(struct aor_link *));
	return c->buckets ? 0 : -ENOMEM;
}

/* Nothing is listed any more. */
static void aor_connections_close(struct aor_connections *c)
{
	free(c->buckets);
	c->buckets = NULL;
}

/* Names of connections are our counters, those of devices are keyed: no sender can choose its
 * bucket. */
static struct aor_link **link_bucket(const struct aor_connections *c, uint64_t key)
{
	return &c->buckets[(uint32_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & c->mask];
}

/* No connection has such a name (sig/sip/hop.h). */
static uint64_t device_key(const struct locations *l, uint16_t tenant, struct bytes instance)
{
	return tenant_hash(hash_sip(&l->key, instance), tenant) >> 2 | UINT64_C(1) << 63;
}

static void link_remove(struct aor_link *l)
{
	if (!l->back)
		return;
	*l->back = l->next;
	if (l->next)
		l->next->back = l->back;
	*l = (struct aor_link){ 0 };
}

static void link_put(struct aor_connections *c, struct aor_link *l)
{
	struct aor_link **head = link_bucket(c, l->key);

	l->next = *head;
	l->back = head;
	if (l->next)
		l->next->back = &l->next;
	*head = l;
}

static bool is_by_connection(const struct binding *b)
{
	return !b->closed && b->hop.connection != 0;
}

/* Flows of one device are one account of it. */
static bool is_of_new_device(const struct aor *entry, uint32_t i)
{
	struct bytes instance = text_bytes(&entry->bindings[i].instance);

	for (uint32_t k = 0; k < i; k++) {
		if (bytes_eq(text_bytes(&entry->bindings[k].instance), instance))
			return false;
	}
	return instance.n != 0;
}

static uint32_t links_of(const struct aor *entry)
{
	uint32_t n = 0;

	for (uint32_t i = 0; entry && i < entry->count; i++)
		n += is_by_connection(&entry->bindings[i]) + is_of_new_device(entry, i);
	return n;
}

/* Empty, and as many as that. */
static void links_renew(struct aor_links *links, uint32_t count)
{
	for (uint32_t i = 0; i < links->count; i++)
		link_remove(&links->list[i]);
	if (count == links->count)
		return;
	free(links->list);
	links->list = count ? calloc(count, sizeof(*links->list)) : NULL;
	links->count = links->list ? count : 0;
}

void aor_connections_list(struct locations *l, struct location *a, const struct aor *entry)
{
	struct aor_link *link;

	links_renew(&a->links, links_of(entry));
	link = a->links.list;
	for (uint32_t i = 0; a->links.count && i < entry->count; i++) {
		const struct binding *b = &entry->bindings[i];
		bool by[] = { is_by_connection(b), is_of_new_device(entry, i) };

		for (uint32_t k = 0; k < 2; k++) {
			if (!by[k])
				continue;
			link->key = k ? device_key(l, a->tenant, text_bytes(&b->instance))
				      : b->hop.connection;
			link->aor = a->self;
			link_put(&l->connections, link++);
		}
	}
}

uint32_t location_accounts(const struct locations *l, const struct location *a,
			   struct bytes instance)
{
	uint64_t key = device_key(l, a->tenant, instance);
	uint32_t n = 0;

	for (const struct aor_link *i = *link_bucket(&l->connections, key); i; i = i->next)
		n += i->key == key && i->aor != a->self;
	return n;
}

bool aor_connections_pop(struct aor_connections *c, uint64_t connection, pool_handle *aor)
{
	struct aor_link *l = *link_bucket(c, connection);

	while (l && l->key != connection)
		l = l->next;
	if (!l)
		return false;
	*aor = l->aor;
	link_remove(l);
	return true;
}

static int locations_tables_open(struct locations *l, uint32_t registrations,
				 struct rand_source *rand)
{
	int err;

	l->key.k0 = rand_u64_from(rand);
	l->key.k1 = rand_u64_from(rand);
	if (!l->tenants) {
		err = tenants_open(&l->own_tenants, &l->key);
		if (err)
			return err;
		l->tenants = l->own_tenants;
	}
	if ((err = pool_open(&l->aors, sizeof(struct location), registrations)) ||
	    (err = table_open(&l->by_user, registrations)) ||
	    (err = aor_connections_open(&l->connections, registrations)))
		return err;
	return 0;
}

int locations_open(struct locations **out, const struct shard_settings *settings, const char *node,
		   struct rand_source *rand, struct instant now)
{
	struct locations *l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return -ENOMEM;
	l->tenants = settings->tenants;
	(void)bytes_cstr(bytes_str(node), l->node, sizeof(l->node));
	l->lookup = node[0] != '\0';
	l->edges = settings->edges;
	l->local_count = settings->local_count;
	memcpy(l->locals, settings->locals, sizeof(l->locals));
	static_assert(SHARD_LOCALS_MAX <= 32, "bits of floating");
	for (uint32_t i = 0; i < settings->local_count; i++) {
		if (settings->networks[settings->locals[i].network].shard)
			l->floating |= UINT32_C(1) << i;
	}
	wheel_open(&l->wheel, now.ns);
	sig_metrics_open(&l->metrics);
	l->assert_timer.kind = LOCATION_TIMER_ASSERT;
	steady_open(&l->steady, settings->boot, now);
	locations_set_now(l, now);
	err = locations_tables_open(l, settings->registrations_max, rand);
	if (err) {
		locations_close(l);
		return err;
	}
	*out = l;
	return 0;
}

void locations_close(struct locations *l)
{
	uint32_t cursor = 0;
	struct location *a;
	pool_handle h;

	if (!l)
		return;
	while (l->aors.slots && (a = pool_next(&l->aors, &cursor, &h)) != NULL)
		location_remove(l, a);
	if (l->aors.slots)
		pool_close(&l->aors);
	table_close(&l->by_user);
	aor_connections_close(&l->connections);
	tenants_close(l->own_tenants);
	effects_close(&l->effects);
	free(l);
}

struct effects *locations_effects(struct locations *l)
{
	return &l->effects;
}

struct tenants *locations_tenants(const struct locations *l)
{
	return l->tenants;
}

void locations_join(struct locations *l, struct locations_user *user)
{
	user->next = l->users;
	l->users = user;
}

void locations_leave(struct locations *l, struct locations_user *user)
{
	struct locations_user **at = &l->users;
	uint32_t cursor = 0;
	struct location *a;
	pool_handle h;

	while (*at && *at != user)
		at = &(*at)->next;
	if (*at)
		*at = user->next;
	while ((a = pool_next(&l->aors, &cursor, &h)) != NULL) {
		location_waits_drop(a, user);
		location_asked_drop(a, user);
	}
}

void locations_set_now(struct locations *l, struct instant now)
{
	l->clock = now;
	l->now = (struct instant){ .ns = now.ns, .utc_ms = steady_utc_ms(&l->steady, now.ns) };
}

static void location_expired(struct locations *l, const struct wheel_timer *t)
{
	struct location *a;

	switch ((enum location_timer)t->kind) {
	case LOCATION_TIMER_ENTRY:
		a = pool_get(&l->aors, t->owner);
		if (a)
			location_timer(l, a);
		break;
	case LOCATION_TIMER_ASSERT:
		locations_assert_some(l);
		break;
	}
}

void locations_expire(struct locations *l, struct instant now)
{
	const struct wheel_timer *t;

	locations_set_now(l, now);
	while ((t = wheel_expire(&l->wheel, now.ns)) != NULL)
		location_expired(l, t);
}

uint64_t locations_next_ns(const struct locations *l)
{
	return wheel_next_ns(&l->wheel);
}

bool locations_is_degraded(const struct locations *l)
{
	return l->degraded;
}

uint64_t locations_utc_ms(const struct locations *l)
{
	return l->now.utc_ms;
}

const struct aor *locations_next(const struct locations *l, uint32_t *cursor)
{
	pool_handle h;
	const struct location *a = pool_next(&l->aors, cursor, &h);

	return a ? &a->entry : NULL;
}

const struct aor *locations_find(const struct locations *l, uint16_t tenant, struct bytes user)
{
	const struct location *a = location_get(l, tenant, user);

	return a ? &a->entry : NULL;
}

uint64_t locations_wall_utc_ms(const struct locations *l, uint64_t utc_ms)
{
	return steady_add(utc_ms, steady_off_wall(&l->steady, l->clock));
}

void locations_hops(const struct locations *l, locations_hop_fn *each, void *arg)
{
	const struct location *a;
	uint32_t cursor = 0;
	pool_handle h;

	while ((a = pool_next(&l->aors, &cursor, &h)) != NULL) {
		for (uint32_t i = 0; i < a->entry.count; i++)
			each(&a->entry.bindings[i].hop, arg);
	}
}

void locations_count(const struct locations *l, struct locations_counts *out)
{
	const struct location *a;
	uint32_t cursor = 0;
	pool_handle h;

	*out = (struct locations_counts){ .aors = l->aors.in_use, .bindings = l->bindings };
	while ((a = pool_next(&l->aors, &cursor, &h)) != NULL)
		out->saves_pending += a->saving != 0;
	metric_set(l->metrics.aors, out->aors);
}

uint32_t locations_bindings(const struct locations *l)
{
	return l->bindings;
}

uint32_t locations_aors(const struct locations *l)
{
	return l->aors.in_use;
}
