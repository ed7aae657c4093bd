/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of all keys in Redis (docs/keys.md), and the check of their types. Every file of this
 * folder builds its keys here, so hash tags for Redis Cluster are decided in one place. Names are
 * written into Redis and shared with other versions: they must not change.
 */

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/table.h"
#include "cluster/store/state.h"

/* Keys that were made by hand with another type. Every command on one fails, so no call would be
 * saved and no node would start: such a key is renamed, logged, and made anew. The check runs at a
 * start, and when Redis refuses a command for that reason. */

enum { TENANTS_AT_ONCE = 16 }; /* each has a dozen keys */

#define KEYS_CHECK_NS (2 * NS_PER_S)
#define KEYS_PAUSE_NS (1 * NS_PER_S)

struct keys_check {
	struct store_base *base;
	store_done_fn *done;
	void *arg;
	uint32_t in_flight, aside;
	const struct store_shared_settings *of; /* its tenants are checked; NULL: none */
	uint32_t tenant;                        /* the next one of them */
	enum store_result result;
};

/* One key of a check. */
struct key_op {
	struct store_op op;
	struct keys_check *check;
	const char *type;
	bool calls;
	char key[STORE_KEY_MAX];
};

static void check_end(struct keys_check *check)
{
	struct store_base *base = check->base;

	base->keys_checking = false;
	if (check->done)
		check->done(check->result, 0, check->aside, check->arg);
	if (check->aside && !base->closing)
		base->kind->keys_aside(base);
	free(check);
}

static void check_go_on(struct keys_check *check);

static void key_finish(struct store_op *op, const struct store_answer *a)
{
	struct key_op *k = (struct key_op *)op;
	struct keys_check *check = k->check;

	if (a->result == STORE_OK && a->version) {
		LOG_ERROR("store", 0, "a key of the wrong type is set aside",
			  LOG_STR("key", k->key),
			  LOG_BYTES("type", redis_reply_text(redis_reply_at(a->reply, 2))),
			  LOG_STR("expected", k->type));
		metric_add(op->base->metrics.broken, 1);
		if (k->calls)
			store_shard_of(op)->calls_aside++;
		check->aside++;
	} else if (a->result != STORE_OK) {
		check->result = a->result;
	}
	if (--check->in_flight == 0)
		check_go_on(check);
}

static bool is_calls(struct bytes key)
{
	struct bytes name = bytes_from(key, bytes_find(key, '}'));

	return bytes_is(name, "}:rec") || bytes_is(name, "}:calls");
}

/* generation: goes as well; empty: none does. */
static void key_check(struct keys_check *check, struct bytes key, const char *type,
		      struct bytes generation)
{
	struct store_op *op = store_op_new(check->base, sizeof(struct key_op), key_finish);
	struct key_op *k = (struct key_op *)op;
	char broken[STORE_KEY_MAX];
	const struct bytes args[] = { key, store_key_broken(broken, key),
				      generation.n ? generation : key, bytes_str(type),
				      generation.n ? BYTES_LIT("1") : BYTES_LIT("0") };

	if (!op) {
		check->result = STORE_UNKNOWN;
		return;
	}
	(void)bytes_cstr(key, k->key, sizeof(k->key));
	k->check = check;
	k->type = type;
	k->calls = is_calls(key);
	check->in_flight++;
	store_op_run(op, &(struct script_call){ .id = SCRIPT_KEY_CHECK,
						.args = args,
						.keys = 3,
						.n = COUNT_OF(args),
						.deadline_ns = KEYS_CHECK_NS });
}

void store_shard_keys(struct keys_check *check)
{
	const struct store_shard *s = (const struct store_shard *)check->base;

	static const struct {
		const char *name, *type;
	} keys[] = {
		{ "lease", "hash" }, { "cdr", "stream" }, { "ended", "zset" }, { "rec", "hash" },
		{ "sub", "hash" },   { "room", "hash" },  { "calls", "set" } /* of older programs */
	};
	char key[STORE_KEY_MAX];

	for (size_t i = 0; i < COUNT_OF(keys); i++)
		key_check(check, store_key_shard(key, s, keys[i].name), keys[i].type,
			  (struct bytes){ 0 });
}

static struct bytes events_key(char buf[STORE_KEY_MAX], const char *tenant)
{
	struct writer w = writer_over(buf, STORE_KEY_MAX);

	writer_fmt(&w, "td:{ev:%s}", tenant);
	return writer_done(&w);
}

/* With Redis Cluster those of all tenants have one tag: they are read together. */
static struct bytes commands_key(const struct keys_check *check, char buf[STORE_KEY_MAX],
				 const char *tenant, const char *role)
{
	struct writer w = writer_over(buf, STORE_KEY_MAX);

	writer_fmt(&w, check->base->cluster ? "td:{cmd}:%s%s:in" : "td:{cmd:%s}%s:in", tenant,
		   role);
	return writer_done(&w);
}

static void tenant_streams_check(struct keys_check *check, const char *tenant)
{
	static const char *const roles[] = { "", ":application", ":reader" };
	char key[STORE_KEY_MAX];

	key_check(check, events_key(key, tenant), "stream", (struct bytes){ 0 });
	for (size_t i = 0; i < COUNT_OF(roles); i++)
		key_check(check, commands_key(check, key, tenant, roles[i]), "stream",
			  (struct bytes){ 0 });
}

static void tenant_check(struct keys_check *check, const char *name)
{
	const struct store_shared_settings *settings = check->of;
	struct bytes tenant = bytes_str(name);
	char key[STORE_KEY_MAX], gen[STORE_KEY_MAX];
	struct bytes generation = store_key_document(gen, check->base, tenant, "gen", NULL);

	key_check(check, generation, "number", (struct bytes){ 0 });
	for (size_t i = 0; i < STORE_KINDS_MAX && settings->kinds[i]; i++) {
		key_check(check,
			  store_key_document(key, check->base, tenant, "doc", settings->kinds[i]),
			  "hash", generation);
		key_check(check,
			  store_key_document(key, check->base, tenant, "ver", settings->kinds[i]),
			  "hash", generation);
	}
	key_check(check, store_key_tenant(key, tenant, "park", STORE_PARK_GROUP), "hash",
		  (struct bytes){ 0 });
	key_check(check, store_key_tenant(key, tenant, "room", STORE_ROOM_GROUP), "hash",
		  (struct bytes){ 0 });
	tenant_streams_check(check, name);
}

/* A few more. False: no more. */
static bool tenants_check(struct keys_check *check)
{
	const struct store_shared_settings *of = check->of;

	for (uint32_t i = 0; i < TENANTS_AT_ONCE; i++) {
		const char *tenant = of && of->tenant && !check->base->closing
					     ? of->tenant(check->tenant, of->tenant_arg)
					     : NULL;

		if (!tenant)
			return i > 0;
		check->tenant++;
		tenant_check(check, tenant);
	}
	return true;
}

/* All requests are answered. */
static void check_go_on(struct keys_check *check)
{
	check->in_flight = 1;
	while (check->in_flight == 1 && tenants_check(check))
		;
	if (--check->in_flight == 0)
		check_end(check);
}

static void aors_check(struct keys_check *check)
{
	uint32_t tag = check->base->cluster ? 0 : STORE_TAG_NONE;
	char key[STORE_KEY_MAX];

	do
		key_check(check, store_key_aors(key, tag), "set", (struct bytes){ 0 });
	while (++tag < STORE_TAGS);
}

void store_shared_keys(struct keys_check *check)
{
	const struct store_shared *s = (const struct store_shared *)check->base;

	check->of = &s->settings;
	if (check->tenant)
		return;
	aors_check(check);
	key_check(check, STORE_KEY_IDS, "set", (struct bytes){ 0 });
	key_check(check, STORE_KEY_NODES, "hash", (struct bytes){ 0 });
	key_check(check, STORE_KEY_PLACES, "hash", (struct bytes){ 0 });
	key_check(check, STORE_KEY_LOG, "stream", (struct bytes){ 0 });
	key_check(check, STORE_KEY_HISTORY, "string", (struct bytes){ 0 });
}

static void keys_check(struct store_base *base, uint32_t tenant, store_done_fn *done, void *arg)
{
	struct keys_check *check = calloc(1, sizeof(*check));

	if (!check) {
		if (done)
			done(STORE_UNKNOWN, 0, 0, arg);
		return;
	}
	store_enter(base);
	*check = (struct keys_check){
		.base = base, .done = done, .arg = arg, .in_flight = 1, .tenant = tenant
	};
	base->keys_checking = true;
	base->kind->keys_check(check);
	if (--check->in_flight == 0)
		check_go_on(check);
	store_leave(base);
}

void store_shared_keys_check(struct store_shared *s, store_done_fn *done, void *arg)
{
	keys_check(&s->base, 0, done, arg);
}

void store_tenants_keys_check(struct store_shared *s, uint32_t from, store_done_fn *done, void *arg)
{
	keys_check(&s->base, from, done, arg);
}

void store_shard_keys_check(struct store_shard *s, store_done_fn *done, void *arg)
{
	keys_check(&s->base, 0, done, arg);
}

void store_keys_doubt(struct store_base *base)
{
	if (base->keys_ns == UINT64_MAX && !base->keys_checking && !base->closing)
		base->keys_ns = clock_now_ns() + (base->keys_checked ? KEYS_PAUSE_NS : 0);
}

void store_keys_expire(struct store_base *base, uint64_t now_ns)
{
	if (base->keys_ns > now_ns)
		return;
	base->keys_ns = UINT64_MAX;
	base->keys_checked = true;
	keys_check(base, 0, NULL, NULL);
}

static struct bytes key_done(const struct writer *w)
{
	return w->overflow ? (struct bytes){ 0 } : writer_done(w);
}

struct bytes store_key_shard_of(char buf[STORE_KEY_MAX], uint16_t shard, const char *name)
{
	struct writer w = writer_over(buf, STORE_KEY_MAX);

	writer_number(&w, "td:{s", shard, "}:");
	writer_str(&w, name);
	return key_done(&w);
}

struct bytes store_key_shard(char buf[STORE_KEY_MAX], const struct store_shard *s, const char *name)
{
	return store_key_shard_of(buf, s->settings.shard, name);
}

struct bytes store_key_toll(char buf[STORE_KEY_MAX], const struct store_shard *s, struct bytes day)
{
	struct writer w = writer_over(buf, STORE_KEY_MAX);

	writer_number(&w, "td:{s", s->settings.shard, "}:toll:");
	writer_bytes(&w, day);
	return key_done(&w);
}

struct bytes store_key_call_named(char buf[STORE_KEY_MAX], const struct store_shard *s,
				  struct bytes id)
{
	struct writer w = writer_over(buf, STORE_KEY_MAX);

	writer_number(&w, "td:{s", s->settings.shard, "}:call:");
	writer_bytes(&w, id);
	return key_done(&w);
}

struct bytes store_key_call(char buf[STORE_KEY_MAX], const struct store_shard *s, uint64_t call)
{
	char id[BASE32_U64_LEN];

	base32_u64_put(id, call);
	return store_key_call_named(buf, s, bytes_mem(id, sizeof(id)));
}

struct bytes store_key_binding(char buf[STORE_KEY_MAX], uint32_t tag, struct bytes tenant,
			       struct bytes user)
{
	struct writer w = writer_over(buf, STORE_KEY_MAX);

	if (tag == STORE_TAG_NONE)
		writer_str(&w, "td:{aor:");
	else
		writer_number(&w, "td:{a", tag, "}:aor:");
	writer_bytes(&w, tenant);
	writer_str(&w, ":");
	writer_bytes(&w, user);
	writer_str(&w, tag == STORE_TAG_NONE ? "}:reg" : ":reg");
	return key_done(&w);
}

struct bytes store_key_aors(char buf[STORE_KEY_MAX], uint32_t tag)
{
	struct writer w = writer_over(buf, STORE_KEY_MAX);

	if (tag == STORE_TAG_NONE)
		return BYTES_LIT("td:aors");
	writer_number(&w, "td:{a", tag, "}:aors");
	return key_done(&w);
}

/* Written into names of keys: it stays as it is. */
uint32_t store_tag_of_aor(const struct store_base *base, struct bytes tenant, struct bytes user)
{
	uint32_t crc = hash_crc32c(hash_crc32c(0, tenant), BYTES_LIT(":"));

	return base->cluster ? hash_crc32c(crc, user) % STORE_TAGS : (uint32_t)STORE_TAG_NONE;
}

static struct bytes tenant_write(char buf[STORE_KEY_MAX], const char *before, struct bytes tenant,
				 const char *behind, const char *what, const char *kind)
{
	struct writer w = writer_over(buf, STORE_KEY_MAX);

	writer_str(&w, before);
	writer_bytes(&w, tenant);
	writer_str(&w, behind);
	writer_str(&w, what);
	if (kind) {
		writer_str(&w, ":");
		writer_str(&w, kind);
	}
	return key_done(&w);
}

struct bytes store_key_tenant(char buf[STORE_KEY_MAX], struct bytes tenant, const char *what,
			      const char *kind)
{
	return tenant_write(buf, "td:{t:", tenant, "}:", what, kind);
}

struct bytes store_key_document(char buf[STORE_KEY_MAX], const struct store_base *base,
				struct bytes tenant, const char *what, const char *kind)
{
	return base->cluster ? tenant_write(buf, "td:{docs}:t:", tenant, ":", what, kind)
			     : store_key_tenant(buf, tenant, what, kind);
}

struct bytes store_key_broken(char buf[STORE_KEY_MAX], struct bytes key)
{
	struct writer w = writer_over(buf, STORE_KEY_MAX);

	writer_str(&w, "td:broken:");
	writer_bytes(&w, key);
	return key_done(&w);
}
