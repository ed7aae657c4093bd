/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a starting node reads: an index whole (so nothing comes twice), then its records, some at a time. Calls wait until the
 * spool is empty: a call whose end lies there would come to life again.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "cluster/record.h"
#include "cluster/store_state.h"

enum { WINDOW = 128, LENGTH_SIZE = 4 };
/* Nobody's call waits for these, and a long index takes its time. */
#define LIST_NS  (10 * NS_PER_S)
#define FETCH_NS (5 * NS_PER_S)

enum load_kind {
	LOAD_CALLS,
	LOAD_BINDINGS,
	LOAD_DOCUMENTS,
};

struct store_load {
	struct store_load *next;
	struct store *s;
	enum load_kind kind;
	store_record_fn *each;
	store_done_fn *done;
	void *arg;
	struct bytes index;    /* key of the set or hash, in index_text */
	struct bytes versions; /* documents: the hash beside it */
	uint8_t *members;      /* each behind its length */
	struct bytes rest;     /* not asked for yet */
	uint64_t loaded;
	uint32_t in_flight;
	enum store_result result;
	bool waiting; /* for the spool */
	char index_text[STORE_KEY_MAX];
	char versions_text[STORE_KEY_MAX];
};

struct fetch {
	struct store_op op;
	struct store_load *load;
	struct bytes member; /* in load->members */
};

static void pump(struct store_load *load);

/* ---- the end of a load ---- */

static void load_free(struct store_load *load)
{
	struct store_load **at;

	for (at = &load->s->loads; *at != load; at = &(*at)->next)
		assert(*at);
	*at = load->next;
	free(load->members);
	free(load);
}

static void load_done(struct store_load *load, enum store_result result)
{
	store_done_fn *done = load->done;
	void *arg = load->arg;
	uint64_t loaded = load->loaded;

	LOG_INFO("store", 0, "records loaded", LOG_BYTES("index", load->index),
		 LOG_U64("records", loaded), LOG_STR("whole", result == STORE_OK ? "yes" : "no"));
	load_free(load);
	if (done)
		done(result, 0, loaded, arg);
}

/* ---- broken records ---- */

static void ignore(struct store_op *op, const struct store_answer *a)
{
	(void)op;
	(void)a;
}

/* Whatever a member is, its key is one of its own. */
static struct bytes record_key(const struct store_load *load, struct bytes member,
			       char buf[STORE_KEY_MAX])
{
	size_t colon = bytes_find(member, ':');

	switch (load->kind) {
	case LOAD_CALLS:
		return store_key_call_named(buf, load->s, member);
	case LOAD_BINDINGS:
		return store_key_binding(buf, bytes_sub(member, 0, colon),
					 bytes_from(member, colon + 1));
	case LOAD_DOCUMENTS:
		break;
	}
	return load->index;
}

/* seen: the record as it was read; empty: there was none, so only its index entry goes. */
static void aside(struct store_load *load, struct bytes member, struct bytes seen)
{
	struct store *s = load->s;
	struct store_op *op = store_op_new(s, sizeof(*op), ignore);
	char lease[STORE_KEY_MAX], record[STORE_KEY_MAX], broken[STORE_KEY_MAX],
		fence[LEASE_FENCE_TEXT];
	struct bytes key = record_key(load, member, record);
	struct bytes away = store_key_broken(broken, key);
	const struct bytes call[] = { store_key_shard(lease, s, "lease"),
				      load->index,
				      key,
				      away,
				      store_fence(s, fence),
				      member,
				      seen };
	const struct bytes binding[] = { key, load->index, away, member, seen };
	const struct bytes document[] = { load->index, load->versions, away, member, seen };
	struct script_call run = { .deadline_ns = FETCH_NS };

	switch (load->kind) {
	case LOAD_CALLS:
		run.id = SCRIPT_CALL_ASIDE;
		run.args = call;
		run.keys = 4;
		run.n = COUNT_OF(call);
		break;
	case LOAD_BINDINGS:
		run.id = SCRIPT_BINDING_ASIDE;
		run.args = binding;
		run.keys = 3;
		run.n = COUNT_OF(binding);
		break;
	case LOAD_DOCUMENTS:
		run.id = SCRIPT_DOCUMENT_ASIDE;
		run.args = document;
		run.keys = 3;
		run.n = COUNT_OF(document);
		break;
	}
	if (op)
		store_op_run(op, &run);
}

static void broken(struct store_load *load, struct bytes member, struct bytes seen,
		   const char *reason)
{
	metric_add(load->s->metrics.broken, 1);
	LOG_ERROR("store", 0, "broken record set aside", LOG_BYTES("index", load->index),
		  LOG_BYTES("name", member), LOG_STR("reason", reason));
	aside(load, member, seen);
}

static void forget(struct store_load *load, struct bytes member)
{
	metric_add(load->s->metrics.forgotten, 1);
	LOG_WARN("store", 0, "index entry without a record removed",
		 LOG_BYTES("index", load->index), LOG_BYTES("name", member));
	aside(load, member, (struct bytes){ 0 });
}

/* ---- records ---- */

static void record_take(struct store_load *load, struct bytes member, struct bytes raw)
{
	struct store *s = load->s;
	struct record record = { .payload = raw };
	const char *reason = NULL;
	int err = 0;

	if (load->kind != LOAD_DOCUMENTS)
		err = record_open(&record, raw, &reason);
	if (!err) {
		err = load->each(member, record.payload, load->arg);
		reason = "not understood";
	}
	if (s->closing)
		return; /* each closed the store: there is no load any more */
	if (err) {
		broken(load, member, raw, reason);
	} else {
		load->loaded++;
	}
}

static void fetch_finish(struct store_op *op, const struct store_answer *a)
{
	struct fetch *fetch = (struct fetch *)op;
	struct store_load *load = fetch->load;
	struct bytes text;

	load->in_flight--;
	if (op->s->closing) {
		load->result = STORE_UNKNOWN;
	} else if (redis_is_error(a->reply, &text) && bytes_starts(text, "WRONGTYPE")) {
		broken(load, fetch->member, (struct bytes){ 0 }, "not a string");
	} else if (a->result != STORE_OK) {
		load->result = a->result;
	} else if (redis_reply_type(a->reply) == REDIS_TYPE_NIL) {
		forget(load, fetch->member);
	} else {
		record_take(load, fetch->member, redis_reply_text(a->reply));
	}
	if (!op->s->closing)
		pump(load);
}

static void fetch_send(struct store_load *load, struct bytes member)
{
	struct store_op *op = store_op_new(load->s, sizeof(struct fetch), fetch_finish);
	struct fetch *fetch = (struct fetch *)op;
	char key[STORE_KEY_MAX];
	const struct bytes get[] = { BYTES_LIT("GET"), record_key(load, member, key) };
	const struct bytes hget[] = { BYTES_LIT("HGET"), load->index, member };

	if (!op) {
		load->result = STORE_UNKNOWN;
		return;
	}
	fetch->load = load;
	fetch->member = member;
	load->in_flight++;
	if (load->kind == LOAD_DOCUMENTS) {
		store_op_command(op, hget, COUNT_OF(hget), FETCH_NS);
	} else {
		store_op_command(op, get, COUNT_OF(get), FETCH_NS);
	}
}

static void pump(struct store_load *load)
{
	while (load->result == STORE_OK && load->rest.n > 0 && load->in_flight < WINDOW) {
		size_t n = be32_get(load->rest.p);
		struct bytes member = bytes_sub(load->rest, LENGTH_SIZE, n);

		load->rest = bytes_from(load->rest, LENGTH_SIZE + n);
		fetch_send(load, member);
	}
	if (load->in_flight == 0)
		load_done(load, load->result);
}

/* ---- the index ---- */

static int members_take(struct store_load *load, const struct redisReply *reply)
{
	struct writer w;
	size_t size = 0;

	for (size_t i = 0; i < redis_reply_count(reply); i++)
		size += LENGTH_SIZE + redis_reply_text(redis_reply_at(reply, i)).n;
	load->members = malloc(size + 1);
	if (!load->members)
		return -ENOMEM;
	w = writer_over(load->members, size);
	for (size_t i = 0; i < redis_reply_count(reply); i++) {
		struct bytes text = redis_reply_text(redis_reply_at(reply, i));

		writer_be32(&w, (uint32_t)text.n);
		writer_bytes(&w, text);
	}
	load->rest = writer_done(&w);
	return 0;
}

static void list_finish(struct store_op *op, const struct store_answer *a)
{
	struct store_load *load = op->arg;

	load->in_flight--;
	load->result = a->result;
	if (op->s->closing)
		return; /* store_loads_free answers */
	if (load->result == STORE_OK && members_take(load, a->reply) != 0)
		load->result = STORE_UNKNOWN;
	pump(load);
}

static void list_send(struct store_load *load)
{
	struct store_op *op = store_op_new(load->s, sizeof(*op), list_finish);
	const struct bytes args[] = { load->kind == LOAD_DOCUMENTS ? BYTES_LIT("HKEYS")
								   : BYTES_LIT("SMEMBERS"),
				      load->index };

	if (!op) {
		load_done(load, STORE_UNKNOWN);
		return;
	}
	op->arg = load;
	load->in_flight++;
	store_op_command(op, args, COUNT_OF(args), LIST_NS);
}

/* ---- calls wait for the spool ---- */

void store_loads_resume(struct store *s, bool spooled)
{
	struct store_load *load = s->loads;

	while (load) {
		if (!load->waiting) {
			load = load->next;
			continue;
		}
		load->waiting = false;
		if (spooled) {
			list_send(load);
		} else {
			load_done(load, STORE_UNKNOWN);
		}
		load = s->loads; /* whatever done did to the list */
	}
}

void store_loads_free(struct store *s)
{
	while (s->loads)
		load_done(s->loads, STORE_UNKNOWN);
}

/* ---- what is asked for ---- */

static struct store_load *load_new(struct store *s, enum load_kind kind, store_record_fn *each,
				   store_done_fn *done, void *arg)
{
	struct store_load *load = calloc(1, sizeof(*load));

	if (!load) {
		if (done)
			done(STORE_UNKNOWN, 0, 0, arg);
		return NULL;
	}
	load->s = s;
	load->kind = kind;
	load->each = each;
	load->done = done;
	load->arg = arg;
	load->next = s->loads;
	s->loads = load;
	return load;
}

static void not_healthy(struct store *s, store_done_fn *done, void *arg)
{
	struct store_op *op = store_op_user(s, done, arg, 0, 0);

	if (op)
		store_op_fail(op, STORE_UNKNOWN);
}

void store_load_calls(struct store *s, store_record_fn *each, store_done_fn *done, void *arg)
{
	struct store_load *load;

	store_enter(s);
	load = store_is_healthy(s) ? load_new(s, LOAD_CALLS, each, done, arg) : NULL;
	if (!store_is_healthy(s)) {
		not_healthy(s, done, arg);
	} else if (load) {
		load->index = store_key_shard(load->index_text, s, "calls");
		load->waiting = true;
		store_replay_start(s);
	}
	store_leave(s);
}

void store_load_bindings(struct store *s, store_record_fn *each, store_done_fn *done, void *arg)
{
	struct store_load *load;

	store_enter(s);
	load = load_new(s, LOAD_BINDINGS, each, done, arg);
	if (load) {
		load->index = BYTES_LIT("td:aors");
		list_send(load);
	}
	store_leave(s);
}

void store_load_documents(struct store *s, struct bytes tenant, const char *kind,
			  store_record_fn *each, store_done_fn *done, void *arg)
{
	struct store_load *load;

	store_enter(s);
	load = load_new(s, LOAD_DOCUMENTS, each, done, arg);
	if (load) {
		load->index = store_key_tenant(load->index_text, tenant, "doc", kind);
		load->versions = store_key_tenant(load->versions_text, tenant, "ver", kind);
		list_send(load);
	}
	store_leave(s);
}
