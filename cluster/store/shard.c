/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store of one shard: it is opened, told of the link's state, and closed here, and its parts
 * (lease, batch, ends, spool, replay) are driven from here. Registrations are here too: they are
 * shared by all shards, and saved by compare-and-set of their version. app/node opens one for each
 * shard that it wants; a closed store has answered every caller.
 */

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/table.h"
#include "cluster/record.h"
#include "cluster/store/state.h"
#include "cluster/store/store.h"

/* Registrations: shared entries, saved if their version is the expected one. */

enum { BINDING_VERSION_SIZE = 8, TTL_TEXT = 24 };

struct binding {
	struct bytes tenant, user;
	struct bytes sealed; /* empty: delete */
	uint64_t expected;
	uint64_t ttl_ms;
};

static void save_send(struct store_op *op, const struct binding *b)
{
	uint32_t tag = store_tag_of_aor(op->base, b->tenant, b->user);
	char key[STORE_KEY_MAX], index[STORE_KEY_MAX], member[STORE_KEY_MAX], ttl[TTL_TEXT];
	uint8_t expected[BINDING_VERSION_SIZE];
	struct writer we = writer_over(expected, sizeof(expected));
	struct writer wm = writer_over(member, sizeof(member));
	struct writer wt = writer_over(ttl, sizeof(ttl));
	struct bytes args[6] = { store_key_binding(key, tag, b->tenant, b->user),
				 store_key_aors(index, tag) };

	writer_be64(&we, b->expected);
	writer_bytes(&wm, b->tenant);
	writer_str(&wm, ":");
	writer_bytes(&wm, b->user);
	writer_fmt(&wt, "%" PRIu64, b->ttl_ms);
	args[2] = writer_done(&we);
	args[3] = b->sealed;
	args[4] = writer_done(&wt);
	args[5] = writer_done(&wm);
	/* a colon in the tenant would make one entry of two */
	if (args[0].n == 0 || bytes_find(b->tenant, ':') < b->tenant.n) {
		LOG_WARN("store", 0, "no key for this address of record",
			 LOG_BYTES("tenant", b->tenant));
		store_op_fail(op, STORE_REFUSED);
		return;
	}
	store_op_run(op, &(struct script_call){ .id = SCRIPT_BINDING_SAVE,
						.args = args,
						.keys = 2,
						.n = COUNT_OF(args),
						.deadline_ns = op->base->deadline_ns });
}

static void save(struct store_op *op, struct binding *b, uint64_t version, struct bytes record)
{
	struct bytes whole;
	uint8_t *sealed =
		record_seal_new(&(struct record){ .version = version, .payload = record }, &whole);

	if (!sealed) {
		store_op_fail(op, STORE_REFUSED);
		return;
	}
	b->sealed = b->ttl_ms ? whole : (struct bytes){ 0 };
	save_send(op, b);
	free(sealed);
}

void store_binding_save(struct store_shared *s, struct bytes tenant, struct bytes user,
			uint64_t expected, uint64_t version, struct bytes record, uint64_t ttl_ms,
			store_done_fn *done, void *arg)
{
	struct binding b = {
		.tenant = tenant, .user = user, .expected = expected, .ttl_ms = ttl_ms
	};
	struct store_op *op;

	store_enter(&s->base);
	metric_add(s->base.metrics.saves, 1);
	op = store_op_user(&s->base, done, arg, 0, version);
	if (op)
		save(op, &b, version, record);
	store_leave(&s->base);
}

/* One record on its way here. */
struct binding_get {
	struct store_op op;
	store_binding_fn *done;
	void *arg;
};

static void binding_got(struct store_op *op, const struct store_answer *a)
{
	const struct binding_get *get = (const struct binding_get *)op;
	struct record record = { .version = 0 };
	struct bytes raw = { 0 };
	const char *reason = "";
	enum store_result result = a->result;

	if (result == STORE_OK)
		raw = redis_reply_text(a->reply);
	if (raw.n && record_open(&record, raw, &reason)) {
		LOG_ERROR("store", 0, "a registration cannot be read", LOG_STR("reason", reason));
		result = STORE_REFUSED;
	}
	get->done(result, record.payload, get->arg);
}

void store_binding_get(struct store_shared *s, struct bytes tenant, struct bytes user,
		       store_binding_fn *done, void *arg)
{
	uint32_t tag = store_tag_of_aor(&s->base, tenant, user);
	char key[STORE_KEY_MAX];
	const struct bytes args[] = { BYTES_LIT("GET"), store_key_binding(key, tag, tenant, user) };
	struct binding_get *get;

	store_enter(&s->base);
	get = (struct binding_get *)store_op_new(&s->base, sizeof(*get), binding_got);
	if (!get) {
		done(STORE_UNKNOWN, (struct bytes){ 0 }, arg);
	} else {
		get->done = done;
		get->arg = arg;
		if (args[1].n)
			store_op_command(&get->op, args, COUNT_OF(args), s->base.deadline_ns);
		else
			store_op_fail(&get->op, STORE_REFUSED);
	}
	store_leave(&s->base);
}

#define LEASE_PRESET_NS (15 * NS_PER_S)

static uint64_t store_earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static struct store_shard *shard_of(struct store_base *base)
{
	return (struct store_shard *)base;
}

struct store_shard *store_shard_of(const struct store_op *op)
{
	return shard_of(op->base);
}

static uint64_t shard_next_ns(const struct store_base *base)
{
	const struct store_shard *s = (const struct store_shard *)base;
	uint64_t next = store_earlier(store_earlier(store_lease_next_ns(s), s->replay.retry_ns),
				      s->base.keys_ns);

	if (s->acquire && !s->lease.question)
		next = store_earlier(next, s->acquire_until_ns);
	return store_earlier(next, store_batch_next_ns(s));
}

static void shard_destroy(struct store_base *base)
{
	struct store_shard *s = shard_of(base);

	free(s->replay.segment);
	free(s->unreadable);
	free(s);
}

static void shard_lease_event(struct store_base *base, const struct lease_event *event)
{
	store_lease_event(shard_of(base), event);
}

static void shard_keys_aside(struct store_base *base)
{
	store_shard_anew(shard_of(base));
}

static const struct store_kind g_shard_kind = { .lease_event = shard_lease_event,
						.keys_check = store_shard_keys,
						.keys_aside = shard_keys_aside,
						.next_ns = shard_next_ns,
						.destroy = shard_destroy };

static void shard_on_state(bool connected, void *arg)
{
	struct store_shard *s = arg;

	store_enter(&s->base);
	if (connected && s->base.guest.redis != s->shared->base.guest.redis)
		scripts_load(s->base.scripts, s->base.guest.redis);
	if (!connected) {
		store_batch_lost(s);
		s->watch.since_ns = 0; /* the next one may be another Redis */
	}
	store_lease_event(s, &(struct lease_event){ .type = connected ? LEASE_LINK_UP
								      : LEASE_LINK_DOWN });
	if (connected)
		store_replay_start(s);
	store_leave(&s->base);
}

static void shard_on_expire(uint64_t now_ns, void *arg)
{
	struct store_shard *s = arg;

	store_enter(&s->base);
	store_failed_answer(&s->base);
	store_lease_expire(s, now_ns);
	store_keys_expire(&s->base, now_ns);
	store_batch_expire(s, now_ns);
	if (s->replay.retry_ns <= now_ns)
		store_replay_start(s);
	store_leave(&s->base);
}

static void shard_on_flush(void *arg)
{
	const struct store_shard *s = arg;

	if (!s->base.closing)
		store_link_flush(s->link);
}

static void shard_init(struct store_shard *s, struct store_shared *shared,
		       const struct store_shard_settings *settings)
{
	store_base_open(&s->base, &g_shard_kind, &shared->scripts, shared->base.deadline_ns);
	s->shared = shared;
	s->settings = *settings;
	s->settings.lease_ns = settings->lease_ns ? settings->lease_ns : LEASE_PRESET_NS;
	lease_open(&s->lease, settings->incarnation, s->settings.lease_ns);
	lease_name(&s->lease, &settings->named, clock_now_ns());
	s->base.lease = &s->lease;
	s->replay.retry_ns = UINT64_MAX;
	s->base.guest.state = shard_on_state;
	s->base.guest.expire = shard_on_expire;
	s->base.guest.flush = shard_on_flush;
	s->base.guest.arg = s;
	store_batch_open(s);
}

static void shard_join(struct store_shard *s, struct redis *redis)
{
	redis_join(redis, &s->base.guest);
	s->next = s->shared->shards;
	s->shared->shards = s;
	if (redis_is_connected(redis))
		shard_on_state(true, s);
}

static void shard_leave(struct store_shard *s)
{
	struct store_shard **at = &s->shared->shards;

	redis_leave(&s->base.guest);
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
}

int store_shard_open(struct store_shard **out, struct store_shared *shared, struct redis *redis,
		     const struct store_shard_settings *settings, store_health_fn *health,
		     void *arg)
{
	struct store_shard *s = calloc(1, sizeof(*s));
	int err;

	assert(settings->shard > 0);
	if (!s)
		return -ENOMEM;
	shard_init(s, shared, settings);
	s->arg = arg;
	err = store_link_join(s, redis);
	if (!err)
		err = store_ends_open(s);
	if (!err)
		err = spool_open(&s->spool, s->settings.spool_dir);
	if (!err)
		err = store_opens_open(s);
	if (err) {
		LOG_ERROR("store", 0, "no spool", LOG_STR("dir", s->settings.spool_dir),
			  LOG_STR("error", strerror(-err)));
		spool_close(s->spool);
		store_ends_free(s);
		if (s->link)
			store_link_leave(s);
		free(s);
		return err;
	}
	*out = s;
	shard_join(s, redis);
	if (settings->grant)
		store_lease_claimed(s, settings->grant);
	s->settings.grant = NULL; /* the caller's */
	s->health_fn = health;
	return 0;
}

void store_shard_close(struct store_shard *s)
{
	if (!s || s->base.closing)
		return;
	store_enter(&s->base);
	s->base.closing = true;
	store_link_leave(s);
	store_keep_leave(s);
	store_batch_close(s);
	store_ops_end(&s->base);
	store_ends_close(s);
	spool_close(s->spool); /* answers */
	store_opens_close(s);
	store_ends_free(s);
	store_loads_free(&s->base);
	shard_leave(s);
	store_leave(&s->base);
}

bool store_is_healthy(const struct store_shard *s)
{
	return s->lease.state == LEASE_HELD;
}

bool store_is_fenced(const struct store_shard *s)
{
	return s->lease.state == LEASE_FENCED;
}

const struct store_holder *store_holder(const struct store_shard *s)
{
	return &s->holder;
}

bool store_was_late(const struct store_shard *s)
{
	return s->late;
}

uint32_t store_calls_unreadable(const struct store_shard *s, const uint64_t **calls)
{
	*calls = s->unreadable;
	return s->unreadable_count;
}

uint32_t store_calls_aside(const struct store_shard *s)
{
	return s->calls_aside;
}

const char *store_shard_too_new(const struct store_shard *s)
{
	return s->base.too_new[0] ? s->base.too_new : NULL;
}

uint64_t store_epoch(const struct store_shard *s)
{
	return s->lease.epoch.counter;
}

struct lease_epoch store_lease_epoch(const struct store_shard *s)
{
	return s->lease.epoch;
}
