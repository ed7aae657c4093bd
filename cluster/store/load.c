/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a starting node reads: an index whole (so nothing comes twice), then its records, some at a
 * time. Calls wait until the spool is empty: a call with an end in the spool would come to life
 * again.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "cluster/document/mirror.h"
#include "cluster/record.h"
#include "cluster/store/state.h"

/* Reads the calls of another node's shard before the shard comes here, without a lease and without
 * writing. Some come twice, and changes made meanwhile may be missing. */

/* Of one answer, so that other clients of Redis do not wait long. */
#define PEEK_AT_ONCE BYTES_LIT("64")
#define PEEK_NS      (5 * NS_PER_S)

struct peek {
	struct store_op op;
	struct store_shard *shard;
	store_peek_fn *each;
	store_done_fn *done;
	void *arg;
	uint64_t count;
};

static void peek_send(const struct peek *from, struct bytes cursor);

static void peek_done(const struct peek *p, enum store_result result)
{
	p->done(result, 0, p->count, p->arg);
}

/* A broken record is left to the node that loads it, which sets it aside. */
static void peek_report(struct peek *p, const struct redisReply *pairs)
{
	for (size_t i = 1; i < redis_reply_count(pairs); i += 2) {
		struct bytes text = redis_reply_text(redis_reply_at(pairs, i));
		struct record record;
		const char *reason;

		if (record_open(&record, text, &reason))
			continue;
		p->each(record.payload, p->arg);
		p->count++;
	}
}

static void peek_finish(struct store_op *op, const struct store_answer *a)
{
	struct peek *p = (struct peek *)op;
	struct bytes cursor;

	if (a->result != STORE_OK || op->base->closing) {
		peek_done(p, a->result == STORE_OK ? STORE_UNKNOWN : a->result);
		return;
	}
	cursor = redis_reply_text(redis_reply_at(a->reply, 0));
	peek_report(p, redis_reply_at(a->reply, 1));
	if (!cursor.n || bytes_is(cursor, "0"))
		peek_done(p, STORE_OK);
	else
		peek_send(p, cursor);
}

static void peek_send(const struct peek *from, struct bytes cursor)
{
	struct store_shard *s = from->shard;
	char key[STORE_KEY_MAX];
	const struct bytes args[] = { BYTES_LIT("HSCAN"), store_key_shard(key, s, "rec"), cursor,
				      BYTES_LIT("COUNT"), PEEK_AT_ONCE };
	struct store_op *op = store_op_new(&s->base, sizeof(*from), peek_finish);
	struct peek *p = (struct peek *)op;

	if (!op) {
		peek_done(from, STORE_UNKNOWN);
		return;
	}
	p->shard = s;
	p->each = from->each;
	p->done = from->done;
	p->arg = from->arg;
	p->count = from->count;
	store_op_command(op, args, COUNT_OF(args), PEEK_NS);
}

void store_peek_calls(struct store_shard *s, store_peek_fn *each, store_done_fn *done, void *arg)
{
	const struct peek first = { .shard = s, .each = each, .done = done, .arg = arg };

	store_enter(&s->base);
	peek_send(&first, BYTES_LIT("0"));
	store_leave(&s->base);
}

enum {
	LOAD_WINDOW = 128, /* registrations */
	DOCUMENTS = 64,    /* asked for at once, */
	BATCHES = 4,       /* so often at a time */
	/* Of calls and subscriptions; a party may wait for them: Redis answers at once. */
	RECORDS = 32,
	RECORD_BATCHES = 8,
	LOADED_LENGTH_SIZE = 4,
	RECORD_MAX = RECORD_HEAD + RECORD_PAYLOAD_MAX,
};
/* Nobody's call waits for these, and a long index takes its time. */
#define LOAD_LIST_NS (10 * NS_PER_S)
#define FETCH_NS     (5 * NS_PER_S)

enum load_kind {
	LOAD_CALLS,
	LOAD_SUBSCRIPTIONS,
	LOAD_OBJECTS,
	LOAD_BINDINGS,
	LOAD_DOCUMENTS,
};

struct store_load {
	struct store_load *next;
	struct store_base *base;
	struct store_shard *shard; /* of calls; NULL: they are no shard's */
	enum load_kind kind;
	store_record_fn *each;
	store_document_fn *each_document; /* of documents */
	store_done_fn *done;
	void *arg;
	struct bytes index; /* key of the set or hash, in index_text */
	struct bytes tenant;
	const char *document_kind;
	uint8_t *members;  /* each behind its length */
	struct bytes rest; /* not asked for yet */
	uint64_t loaded;
	uint32_t in_flight;
	uint32_t tag; /* of bindings: of the index */
	enum store_result result;
	bool waiting; /* for the spool */
	char index_text[STORE_KEY_MAX];
	char tenant_text[STORE_KEY_MAX];
};

struct fetch {
	struct store_op op;
	struct store_load *load;
	struct bytes member; /* in load->members; of a hash: several, each behind its length */
};

/* What was read of a record, as aside.lua compares it. */
struct load_seen {
	char text[SCRIPT_SHA_LEN];
	size_t n;
};

/* One record on its way aside. */
struct aside {
	struct store_op op;
	struct store_shard *shard; /* of a call */
	const char *reason;        /* NULL: there may be no record at all */
	char key[STORE_KEY_MAX];
};

static void load_pump(struct store_load *load);

/* ---- the end of a load ---- */

static void load_free(struct store_load *load)
{
	struct store_load **at;

	for (at = &load->base->loads; *at != load; at = &(*at)->next)
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

static struct load_seen seen_of(struct bytes raw)
{
	struct load_seen s = { .n = SCRIPT_SHA_LEN };

	if (script_sha1(s.text, raw))
		s.n = 0; /* nothing is equal to it */
	return s;
}

static struct load_seen seen_above(uint32_t size)
{
	struct load_seen s;
	struct writer w = writer_over(s.text, sizeof(s.text));

	writer_fmt(&w, ">%u", size);
	s.n = writer_done(&w).n;
	return s;
}

/* shard: of a call's record */
static void broken_note(struct store_base *base, struct store_shard *shard, const char *key,
			const char *reason)
{
	metric_add(base->metrics.broken, 1);
	if (shard)
		shard->calls_aside++;
	LOG_ERROR("store", 0, "broken record set aside", LOG_STR("key", key),
		  LOG_STR("reason", reason));
}

static void aside_finish(struct store_op *op, const struct store_answer *a)
{
	const struct aside *aside = (struct aside *)op;

	if (aside->reason || a->result != STORE_OK)
		return;
	if (a->version) {
		broken_note(op->base, aside->shard, aside->key, "it is empty");
		return;
	}
	metric_add(op->base->metrics.forgotten, 1);
	LOG_WARN("store", 0, "index entry without a record removed", LOG_STR("key", aside->key));
}

/* Calls, subscriptions and documents are fields of one hash. */
static bool is_hash(const struct store_load *load)
{
	return load->kind != LOAD_BINDINGS;
}

/* Whatever a member is, its key is one of its own, or the hash. */
static struct bytes record_key(const struct store_load *load, struct bytes member,
			       char buf[STORE_KEY_MAX])
{
	size_t colon = bytes_find(member, ':');

	if (is_hash(load))
		return load->index;
	return store_key_binding(buf, load->tag, bytes_sub(member, 0, colon),
				 bytes_from(member, colon + 1));
}

/* Where it goes when it is broken. */
static struct bytes broken_key(const struct store_load *load, struct bytes member,
			       char buf[STORE_KEY_MAX])
{
	char text[STORE_KEY_MAX];

	if (load->kind == LOAD_SUBSCRIPTIONS || load->kind == LOAD_OBJECTS) {
		struct writer w = writer_over(text, sizeof(text));

		writer_bytes(&w, load->index);
		writer_str(&w, ":");
		writer_bytes(&w, member);
		return store_key_broken(buf, writer_done(&w));
	}
	return store_key_broken(buf, load->kind == LOAD_CALLS
					     ? store_key_call_named(text, load->shard, member)
					     : record_key(load, member, text));
}

/* For people: the key, and of a hash the field. */
static void load_name_write(char out[STORE_KEY_MAX], const struct store_load *load,
			    struct bytes member)
{
	char buf[STORE_KEY_MAX];
	struct writer w = writer_over(out, STORE_KEY_MAX - 1);

	writer_bytes(&w, record_key(load, member, buf));
	if (is_hash(load)) {
		writer_str(&w, " ");
		writer_bytes(&w, member);
	}
	out[writer_done(&w).n] = '\0';
}

/* read: the record's state at that time. reason NULL: empty or missing, only its index goes. */
static void aside_send(struct store_load *load, struct bytes member, const struct load_seen *read,
		       const char *reason)
{
	struct store_shard *s = load->shard;
	struct store_op *op = store_op_new(load->base, sizeof(struct aside), aside_finish);
	struct aside *aside = (struct aside *)op;
	struct bytes seen = bytes_mem(read->text, read->n);
	char lease[STORE_KEY_MAX], record[STORE_KEY_MAX], broken[STORE_KEY_MAX],
		fence[LEASE_FENCE_TEXT];
	struct bytes key = record_key(load, member, record);
	struct bytes away = broken_key(load, member, broken);
	const struct bytes call[] = { s ? store_key_shard(lease, s, "lease") : BYTES_LIT(""),
				      load->index,
				      away,
				      s ? store_fence(s, fence) : BYTES_LIT(""),
				      member,
				      seen };
	const struct bytes binding[] = { key, load->index, away, member, seen };
	char versions[STORE_KEY_MAX], generation[STORE_KEY_MAX];
	const struct bytes document[] = {
		load->index,
		store_key_document(versions, load->base, load->tenant, "ver", load->document_kind),
		store_key_document(generation, load->base, load->tenant, "gen", NULL),
		STORE_KEY_LOG,
		STORE_KEY_HISTORY,
		away,
		load->tenant,
		bytes_str(load->document_kind),
		member,
		seen,
	};
	struct script_call run = { .deadline_ns = FETCH_NS };

	switch (load->kind) {
	case LOAD_CALLS:
	case LOAD_SUBSCRIPTIONS:
	case LOAD_OBJECTS:
		run.id = SCRIPT_CALL_ASIDE;
		run.args = call;
		run.keys = 3;
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
		run.keys = 6;
		run.n = COUNT_OF(document);
		break;
	}
	if (!op)
		return;
	aside->shard = load->kind == LOAD_CALLS ? s : NULL;
	aside->reason = reason;
	load_name_write(aside->key, load, member);
	store_op_run(op, &run);
}

/* The log has it; beyond the bound, or without memory, it is noted nowhere else. */
static void unreadable_note(struct store_shard *s, struct bytes member)
{
	uint64_t call, *list;

	if (base32_u64_get(member, &call) || s->unreadable_count == STORE_UNREADABLE_MAX)
		return;
	list = reallocarray(s->unreadable, s->unreadable_count + 1, sizeof(*list));
	if (!list)
		return;
	list[s->unreadable_count++] = call;
	s->unreadable = list;
}

static void load_broken(struct store_load *load, struct bytes member, const struct load_seen *seen,
			const char *reason)
{
	char name[STORE_KEY_MAX];

	load_name_write(name, load, member);
	broken_note(load->base, load->kind == LOAD_CALLS ? load->shard : NULL, name, reason);
	if (load->kind == LOAD_CALLS)
		unreadable_note(load->shard, member);
	aside_send(load, member, seen, reason);
}

static void load_forget(struct store_load *load, struct bytes member)
{
	struct load_seen nothing = seen_of((struct bytes){ 0 });

	aside_send(load, member, &nothing, NULL);
}

/* It stays, and loading ends: a save by this program would overwrite it with an older form. */
static void too_new(struct store_load *load, struct bytes member, const char *reason)
{
	struct store_base *s = load->base;

	load->result = STORE_REFUSED;
	load_name_write(s->too_new, load, member);
	LOG_ERROR("store", 0, "a record was written by a later program: it stays where it is",
		  LOG_STR("key", s->too_new), LOG_STR("reason", reason));
}

/* ---- records ---- */

/* What became of it. reason: why not, where err is not 0. */
static void record_taken(struct store_load *load, struct bytes member, struct bytes raw, int err,
			 const char *reason)
{
	if (err == -EPROTONOSUPPORT) {
		too_new(load, member, reason);
	} else if (err) {
		struct load_seen seen = seen_of(raw);

		load_broken(load, member, &seen, reason);
	} else {
		load->loaded++;
	}
}

static void load_record_read(struct store_load *load, struct bytes member, struct bytes raw)
{
	const struct store_base *base = load->base;
	struct record record = { .payload = raw };
	const char *reason = NULL;
	int err;

	err = record_open(&record, raw, &reason);
	if (!err) {
		err = load->each(member, record.payload, load->arg);
		reason = "not understood";
	}
	if (base->closing)
		return; /* each closed the store: there is no load any more */
	record_taken(load, member, raw, err, reason);
}

static uint32_t record_max(const struct store_load *load)
{
	return load->kind == LOAD_DOCUMENTS ? SNAPSHOT_TEXT_MAX : RECORD_MAX;
}

static void large(struct store_load *load, struct bytes member)
{
	struct load_seen seen = seen_above(record_max(load));

	load_broken(load, member, &seen, "larger than any record");
}

static void load_string_read(struct store_load *load, struct bytes member, struct bytes text)
{
	if (text.n == 0) {
		load_forget(load, member);
	} else if (text.n > record_max(load)) {
		large(load, member);
	} else {
		load_record_read(load, member, text);
	}
}

static void load_document_text_read(struct store_load *load, struct bytes member, uint64_t version,
				    struct bytes text)
{
	const struct store_base *base = load->base;
	int err;

	if (!text.n) {
		load_forget(load, member);
		return;
	}
	err = load->each_document(member, version, text, load->arg);
	if (!base->closing)
		record_taken(load, member, text, err, "not understood");
}

/* found: its text, or its length. */
static void load_document_read(struct store_load *load, struct bytes member, uint64_t version,
			       const struct redisReply *found)
{
	if (redis_reply_type(found) == REDIS_TYPE_TEXT)
		load_document_text_read(load, member, version, redis_reply_text(found));
	else if (redis_reply_integer(found) > 0)
		large(load, member); /* else another node has deleted it */
}

static struct bytes member_cut(struct bytes *rest)
{
	size_t n = be32_get(rest->p);
	struct bytes member = bytes_sub(*rest, LOADED_LENGTH_SIZE, n);

	*rest = bytes_from(*rest, LOADED_LENGTH_SIZE + n);
	return member;
}

static void load_documents_read(struct store_load *load, struct bytes members,
				const struct redisReply *reply)
{
	const struct store_base *base = load->base;

	for (size_t i = 1; members.n && !base->closing && load->result == STORE_OK; i += 2) {
		int64_t version = redis_reply_integer(redis_reply_at(reply, i));

		load_document_read(load, member_cut(&members), (uint64_t)version,
				   redis_reply_at(reply, i + 1));
	}
}

/* found: the record, or its length. */
static void load_hash_record_read(struct store_load *load, struct bytes member,
				  const struct redisReply *found)
{
	if (redis_reply_type(found) == REDIS_TYPE_TEXT)
		load_string_read(load, member, redis_reply_text(found));
	else if (redis_reply_integer(found) > 0)
		large(load, member);
	else
		load_forget(load, member);
}

static void load_hash_records_read(struct store_load *load, struct bytes members,
				   const struct redisReply *reply)
{
	const struct store_base *base = load->base;

	for (size_t i = 1; members.n && !base->closing && load->result == STORE_OK; i++)
		load_hash_record_read(load, member_cut(&members), redis_reply_at(reply, i));
}

static void fetch_finish(struct store_op *op, const struct store_answer *a)
{
	struct fetch *fetch = (struct fetch *)op;
	struct store_load *load = fetch->load;
	struct load_seen any = { .n = 0 };
	struct bytes text;

	load->in_flight--;
	if (op->base->closing) {
		load->result = STORE_UNKNOWN;
	} else if (!is_hash(load) && redis_is_error(a->reply, &text) &&
		   bytes_starts(text, "WRONGTYPE")) {
		load_broken(load, fetch->member, &any, "not a string");
	} else if (a->result != STORE_OK) {
		load->result = a->result;
	} else if (load->kind == LOAD_DOCUMENTS) {
		load_documents_read(load, fetch->member, a->reply);
	} else if (is_hash(load)) {
		load_hash_records_read(load, fetch->member, a->reply);
	} else {
		load_string_read(load, fetch->member, redis_reply_text(a->reply));
	}
	if (!op->base->closing)
		load_pump(load);
}

/* Several of a hash. */
static void hash_fetch(struct store_op *op, const struct store_load *load, struct bytes members)
{
	bool documents = load->kind == LOAD_DOCUMENTS;
	char versions[STORE_KEY_MAX], most[16];
	struct writer w = writer_over(most, sizeof(most));
	struct bytes args[3 + DOCUMENTS] = { load->index };
	size_t keys = 1, n;

	static_assert(COUNT_OF(args) <= SCRIPT_ARGS_MAX && (int)RECORDS <= (int)DOCUMENTS,
		      "one script");
	if (documents)
		args[keys++] = store_key_document(versions, load->base, load->tenant, "ver",
						  load->document_kind);
	writer_fmt(&w, "%u", record_max(load));
	n = keys;
	args[n++] = writer_done(&w);
	while (members.n)
		args[n++] = member_cut(&members);
	store_op_run(op, &(struct script_call){ .id = documents ? SCRIPT_DOCUMENTS_READ
								: SCRIPT_RECORDS_READ,
						.args = args,
						.keys = keys,
						.n = n,
						.deadline_ns = FETCH_NS });
}

/* Of a record that was made too large, only its length is fetched, or as much as proves it. */
static void fetch_send(struct store_load *load, struct bytes member)
{
	struct store_op *op = store_op_new(load->base, sizeof(struct fetch), fetch_finish);
	struct fetch *fetch = (struct fetch *)op;
	char key[STORE_KEY_MAX], end[16];
	struct writer w = writer_over(end, sizeof(end));

	if (!op) {
		load->result = STORE_UNKNOWN;
		return;
	}
	fetch->load = load;
	fetch->member = member;
	load->in_flight++;
	if (is_hash(load)) {
		hash_fetch(op, load, member);
	} else {
		writer_fmt(&w, "%d", RECORD_MAX);
		store_op_command(op,
				 (const struct bytes[]){ BYTES_LIT("GETRANGE"),
							 record_key(load, member, key),
							 BYTES_LIT("0"), writer_done(&w) },
				 4, FETCH_NS);
	}
}

/* Cuts off the next requests, and the finished ones. */
static struct bytes fetch_cut(struct store_load *load)
{
	struct bytes from = load->rest;
	size_t most = load->kind == LOAD_DOCUMENTS ? DOCUMENTS : RECORDS;

	if (!is_hash(load))
		return member_cut(&load->rest);
	for (size_t i = 0; i < most && load->rest.n; i++)
		(void)member_cut(&load->rest);
	return bytes_sub(from, 0, from.n - load->rest.n);
}

static int load_members_copy(struct store_load *load, const struct redisReply *reply)
{
	struct writer w;
	size_t size = 0;

	for (size_t i = 0; i < redis_reply_count(reply); i++)
		size += LOADED_LENGTH_SIZE + redis_reply_text(redis_reply_at(reply, i)).n;
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

static void load_list_finish(struct store_op *op, const struct store_answer *a)
{
	struct store_load *load = op->arg;

	load->in_flight--;
	load->result = a->result;
	if (op->base->closing)
		return; /* store_loads_free answers */
	if (load->result == STORE_OK && load_members_copy(load, a->reply) != 0)
		load->result = STORE_UNKNOWN;
	load_pump(load);
}

static void list_send(struct store_load *load)
{
	struct store_op *op = store_op_new(load->base, sizeof(*op), load_list_finish);
	const struct bytes args[] = { is_hash(load) ? BYTES_LIT("HKEYS") : BYTES_LIT("SMEMBERS"),
				      load->index };

	if (!op) {
		load_done(load, STORE_UNKNOWN);
		return;
	}
	op->arg = load;
	load->in_flight++;
	store_op_command(op, args, COUNT_OF(args), LOAD_LIST_NS);
}

/* With Redis Cluster: the addresses of another tag. */
static void tag_next(struct store_load *load)
{
	load->tag++;
	load->index = store_key_aors(load->index_text, load->tag);
	free(load->members);
	load->members = NULL;
	list_send(load);
}

static uint32_t load_window(const struct store_load *load)
{
	if (!is_hash(load))
		return LOAD_WINDOW;
	return load->kind == LOAD_DOCUMENTS ? BATCHES : RECORD_BATCHES;
}

/* Sends half of the window at once: Redis works on that while the other half is worked on here. */
static void load_pump(struct store_load *load)
{
	uint32_t window = load_window(load);
	bool more = load->in_flight <= window / 2 && load->rest.n;

	while (more && load->result == STORE_OK && load->rest.n && load->in_flight < window)
		fetch_send(load, fetch_cut(load));
	if (more && load->base->guest.redis)
		redis_hurry(load->base->guest.redis);
	if (load->in_flight)
		return;
	if (load->kind == LOAD_BINDINGS && load->result == STORE_OK && load->tag + 1 < STORE_TAGS)
		tag_next(load);
	else
		load_done(load, load->result);
}

/* ---- calls wait for the spool, and for those of older programs ---- */

static void on_moved(enum store_result result, uint64_t key, uint64_t version, void *arg)
{
	struct store_load *load = arg;

	(void)key;
	(void)version;
	if (load->base->closing)
		return; /* store_loads_free answers */
	if (result == STORE_OK)
		list_send(load);
	else
		load_done(load, STORE_UNKNOWN);
}

void store_loads_resume(struct store_shard *s, bool spooled)
{
	struct store_load *load = s->base.loads;

	while (load) {
		if (!load->waiting) {
			load = load->next;
			continue;
		}
		load->waiting = false;
		if (spooled) {
			store_calls_move(s, on_moved, load);
		} else {
			load_done(load, STORE_UNKNOWN);
		}
		load = s->base.loads; /* whatever done did to the list */
	}
}

void store_loads_free(struct store_base *base)
{
	while (base->loads)
		load_done(base->loads, STORE_UNKNOWN);
}

/* ---- requests ---- */

static struct store_load *load_new(struct store_base *base, enum load_kind kind,
				   store_record_fn *each, store_done_fn *done, void *arg)
{
	struct store_load *load = calloc(1, sizeof(*load));

	if (!load) {
		if (done)
			done(STORE_UNKNOWN, 0, 0, arg);
		return NULL;
	}
	load->base = base;
	load->kind = kind;
	load->each = each;
	load->done = done;
	load->arg = arg;
	load->next = base->loads;
	base->loads = load;
	return load;
}

static void not_healthy(struct store_shard *s, store_done_fn *done, void *arg)
{
	struct store_op *op = store_op_user(&s->base, done, arg, 0, 0);

	if (op)
		store_op_fail(op, STORE_UNKNOWN);
}

void store_load_calls(struct store_shard *s, store_record_fn *each, store_done_fn *done, void *arg)
{
	struct store_load *load;

	store_enter(&s->base);
	s->loads = s->lease.epoch;
	load = store_is_healthy(s) ? load_new(&s->base, LOAD_CALLS, each, done, arg) : NULL;
	if (!store_is_healthy(s)) {
		not_healthy(s, done, arg);
	} else if (load) {
		load->shard = s;
		load->index = store_key_shard(load->index_text, s, "rec");
		load->waiting = true;
		store_replay_start(s);
	}
	store_leave(&s->base);
}

/* After the calls: the spool is empty by then. */
static void extra_load(struct store_shard *s, enum load_kind kind, const char *key,
		       store_record_fn *each, store_done_fn *done, void *arg)
{
	struct store_load *load;

	store_enter(&s->base);
	load = store_is_healthy(s) ? load_new(&s->base, kind, each, done, arg) : NULL;
	if (!store_is_healthy(s)) {
		not_healthy(s, done, arg);
	} else if (load) {
		load->shard = s;
		load->index = store_key_shard(load->index_text, s, key);
		list_send(load);
	}
	store_leave(&s->base);
}

void store_load_subscriptions(struct store_shard *s, store_record_fn *each, store_done_fn *done,
			      void *arg)
{
	extra_load(s, LOAD_SUBSCRIPTIONS, "sub", each, done, arg);
}

void store_load_objects(struct store_shard *s, enum store_objects kind, store_record_fn *each,
			store_done_fn *done, void *arg)
{
	extra_load(s, LOAD_OBJECTS, store_extra[BATCH_OBJECTS + kind], each, done, arg);
}

void store_load_bindings(struct store_shared *s, store_record_fn *each, store_done_fn *done,
			 void *arg)
{
	struct store_load *load;

	store_enter(&s->base);
	load = load_new(&s->base, LOAD_BINDINGS, each, done, arg);
	if (load) {
		load->tag = s->base.cluster ? 0 : STORE_TAG_NONE;
		load->index = store_key_aors(load->index_text, load->tag);
		list_send(load);
	}
	store_leave(&s->base);
}

void store_load_documents(struct store_shared *s, struct bytes tenant, const char *kind,
			  store_document_fn *each, store_done_fn *done, void *arg)
{
	struct store_load *load;

	store_enter(&s->base);
	load = load_new(&s->base, LOAD_DOCUMENTS, NULL, done, arg);
	if (load) {
		load->each_document = each;
		load->document_kind = kind;
		load->index = store_key_document(load->index_text, &s->base, tenant, "doc", kind);
		load->tenant = bytes_mem(load->tenant_text, tenant.n);
		if (bytes_cstr(tenant, load->tenant_text, sizeof(load->tenant_text)))
			load->tenant = (struct bytes){ 0 };
		list_send(load);
	}
	store_leave(&s->base);
}
