/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of documents: JSON text, each change a new generation of its tenant. People read them
 * with redis-cli, so they have no envelope. */
#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "cluster/document/mirror.h"
#include "cluster/store/state.h"

/* What Redis has of documents, for a node that compares it with what it knows. */

#define LOOK_NS       (5 * NS_PER_S)
#define NAMES_LIST_NS (10 * NS_PER_S) /* of all names of a kind */

enum { LOOK_KEYS = 2, LOOK_HEAD = 4 };

struct directory_op {
	struct store_op op;
	store_found_fn *found;
	store_version_fn *each;
	store_past_fn *past;
	store_look_fn *looked;
};

static struct directory_op *directory_op(struct store_shared *s, store_finish_fn *finish, void *arg)
{
	struct store_op *op = store_op_new(&s->base, sizeof(struct directory_op), finish);

	if (op)
		op->arg = arg;
	return (struct directory_op *)op;
}

/* ---- one document ---- */

static void read_finish(struct store_op *op, const struct store_answer *a)
{
	const struct redisReply *length = redis_reply_at(a->reply, 3);

	((struct directory_op *)op)
		->found(
			&(struct store_found){
				.result = a->result,
				.there = redis_reply_integer(length) >= 0,
				.version = a->version,
				.generation =
					(uint64_t)redis_reply_integer(redis_reply_at(a->reply, 2)),
				.json = redis_reply_text(redis_reply_at(a->reply, 4)),
			},
			op->arg);
}

/* One that fits neither is refused, as all that is asked of such a tenant. */
void store_document_read(struct store_shared *s, struct bytes tenant, const char *kind,
			 struct bytes name, store_found_fn *found, void *arg)
{
	char docs[STORE_KEY_MAX], versions[STORE_KEY_MAX], generation[STORE_KEY_MAX], max[16];
	struct writer w = writer_over(max, sizeof(max));
	struct directory_op *d;

	writer_fmt(&w, "%d", SNAPSHOT_TEXT_MAX);
	store_enter(&s->base);
	d = directory_op(s, read_finish, arg);
	if (d) {
		const struct bytes args[] = {
			store_key_document(docs, &s->base, tenant, "doc", kind),
			store_key_document(versions, &s->base, tenant, "ver", kind),
			store_key_document(generation, &s->base, tenant, "gen", NULL),
			name,
			writer_done(&w),
		};

		d->found = found;
		store_op_run(&d->op, &(struct script_call){ .id = SCRIPT_DOCUMENT_READ,
							    .args = args,
							    .keys = 3,
							    .n = COUNT_OF(args),
							    .deadline_ns = LOOK_NS });
	} else {
		found(&(struct store_found){ .result = STORE_UNKNOWN }, arg);
	}
	store_leave(&s->base);
}

/* ---- all versions of a kind ---- */

static void versions_finish(struct store_op *op, const struct store_answer *a)
{
	const struct directory_op *d = (struct directory_op *)op;
	size_t count = a->result == STORE_OK ? redis_reply_count(a->reply) : 0;

	for (size_t i = 0; i + 1 < count; i += 2) {
		uint64_t version = 0;

		if (bytes_u64(redis_reply_text(redis_reply_at(a->reply, i + 1)), &version))
			version = 0; /* written by hand: read the document */
		d->each(redis_reply_text(redis_reply_at(a->reply, i)), version, op->arg);
	}
	op->done(a->result, 0, count / 2, op->arg);
}

void store_document_versions(struct store_shared *s, struct bytes tenant, const char *kind,
			     store_version_fn *each, store_done_fn *done, void *arg)
{
	char versions[STORE_KEY_MAX];
	const struct bytes args[] = { BYTES_LIT("HGETALL"),
				      store_key_document(versions, &s->base, tenant, "ver", kind) };
	struct directory_op *d;

	store_enter(&s->base);
	d = directory_op(s, versions_finish, arg);
	if (d) {
		d->each = each;
		d->op.done = done;
		store_op_command(&d->op, args, COUNT_OF(args), NAMES_LIST_NS);
	} else {
		done(STORE_UNKNOWN, 0, 0, arg);
	}
	store_leave(&s->base);
}

/* ---- what one was ---- */

static void past_finish(struct store_op *op, const struct store_answer *a)
{
	const struct directory_op *d = (struct directory_op *)op;
	size_t count = a->result == STORE_OK ? redis_reply_count(a->reply) : 0;

	for (size_t i = 0; i < count; i++) {
		struct bytes text = redis_reply_text(redis_reply_at(a->reply, i)), word;
		uint64_t version;

		if (bytes_cut(&text, ' ', &word) && !bytes_u64(word, &version))
			d->past(version, text, op->arg);
	}
	op->done(a->result, 0, count, op->arg);
}

void store_document_past(struct store_shared *s, struct bytes tenant, const char *kind,
			 struct bytes name, store_past_fn *each, store_done_fn *done, void *arg)
{
	char key[STORE_KEY_MAX + SNAPSHOT_NAME_MAX + 1];
	struct bytes head;
	struct directory_op *d;

	store_enter(&s->base);
	d = directory_op(s, past_finish, arg);
	if (d && name.n <= SNAPSHOT_NAME_MAX) {
		head = store_key_document(key, &s->base, tenant, "past", kind);
		key[head.n] = ':';
		memcpy(key + head.n + 1, name.p, name.n);
		d->past = each;
		d->op.done = done;
		store_op_command(&d->op,
				 (const struct bytes[]){ BYTES_LIT("LRANGE"),
							 bytes_mem(key, head.n + 1 + name.n),
							 BYTES_LIT("0"), BYTES_LIT("-1") },
				 4, NAMES_LIST_NS);
	} else {
		done(STORE_UNKNOWN, 0, 0, arg);
	}
	store_leave(&s->base);
}

void store_document_past_clear(struct store_shared *s, struct bytes tenant)
{
	static const char script[] =
		"for _, name in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do "
		"redis.call('DEL', KEYS[1] .. ':' .. name) end return redis.call('DEL', KEYS[1])";
	char key[STORE_KEY_MAX];
	const struct bytes args[] = { BYTES_LIT("EVAL"), bytes_str(script), BYTES_LIT("1"),
				      store_key_document(key, &s->base, tenant, "past", NULL) };

	store_shared_write(s, args, COUNT_OF(args), NULL, NULL);
}

/* ---- all tenants ---- */

uint64_t store_look_generation(const struct store_look *look, size_t i)
{
	return (uint64_t)redis_reply_integer(redis_reply_at(look->reply, LOOK_HEAD + i));
}

static void look_finish(struct store_op *op, const struct store_answer *a)
{
	((struct directory_op *)op)
		->looked(
			&(struct store_look){
				.result = a->result,
				.history = redis_reply_text(redis_reply_at(a->reply, 2)),
				.newest = redis_reply_text(redis_reply_at(a->reply, 3)),
				.reply = a->reply,
			},
			op->arg);
}

static void look_send(struct store_op *op, const struct bytes *tenants, size_t n,
		      struct bytes history)
{
	static char keys[STORE_LOOK_MAX][STORE_KEY_MAX]; /* control thread alone */
	struct bytes args[LOOK_KEYS + STORE_LOOK_MAX + 1] = { STORE_KEY_LOG, STORE_KEY_HISTORY };

	for (size_t i = 0; i < n; i++)
		args[LOOK_KEYS + i] =
			store_key_document(keys[i], op->base, tenants[i], "gen", NULL);
	args[LOOK_KEYS + n] = history;
	store_op_run(op, &(struct script_call){ .id = SCRIPT_DOCUMENT_LOOK,
						.args = args,
						.keys = LOOK_KEYS + n,
						.n = LOOK_KEYS + n + 1,
						.deadline_ns = LOOK_NS });
}

void store_documents_look(struct store_shared *s, const struct bytes *tenants, size_t n,
			  struct bytes history, store_look_fn *looked, void *arg)
{
	struct directory_op *d;

	assert(n <= STORE_LOOK_MAX);
	static_assert((int)LOOK_KEYS + (int)STORE_LOOK_MAX < (int)SCRIPT_ARGS_MAX, "one script");
	store_enter(&s->base);
	d = directory_op(s, look_finish, arg);
	if (d) {
		d->looked = looked;
		look_send(&d->op, tenants, n, history);
	} else {
		looked(&(struct store_look){ .result = STORE_UNKNOWN }, arg);
	}
	store_leave(&s->base);
}

#define AWAITED_NS \
	(5 * NS_PER_S) /* a start waits for it, and no call: a late Redis must not end the start */

/* Who changes a document waits for it, and no call does: a Redis that the machine held back for a
 * moment is no reason to refuse a log-in. */
#define CHANGE_NS (500 * NS_PER_MS)

enum { KEYS = 5 };

struct document_call {
	enum script_id script;
	uint64_t deadline_ns;
	bool knows;           /* it has the key of the set that is moved, too */
	struct bytes args[4]; /* behind tenant, kind and name */
	size_t n;
};

static void document_send(struct store_op *op, const struct store_document *d,
			  const struct document_call *call)
{
	char docs[STORE_KEY_MAX], versions[STORE_KEY_MAX], generation[STORE_KEY_MAX];
	struct bytes args[KEYS + 4 + COUNT_OF(call->args)] = {
		store_key_document(docs, op->base, d->tenant, "doc", d->kind),
		store_key_document(versions, op->base, d->tenant, "ver", d->kind),
		store_key_document(generation, op->base, d->tenant, "gen", NULL),
		STORE_KEY_LOG,
		STORE_KEY_HISTORY,
		STORE_KEY_SET,
	};
	size_t keys = call->knows ? KEYS + 1 : KEYS, n = keys;

	args[n++] = d->tenant;
	args[n++] = bytes_str(d->kind);
	args[n++] = d->name;
	for (size_t i = 0; i < call->n; i++)
		args[n++] = call->args[i];
	if (!args[0].n || !args[1].n || !args[2].n) {
		store_op_fail(op, STORE_REFUSED);
	} else {
		store_op_run(op, &(struct script_call){ .id = call->script,
							.args = args,
							.keys = keys,
							.n = n,
							.deadline_ns = call->deadline_ns });
	}
}

static void document_store(struct store_shared *s, const struct store_document *d,
			   const struct document_call *call, store_done_fn *done, void *arg)
{
	struct store_op *op;

	store_enter(&s->base);
	metric_add(s->base.metrics.saves, 1);
	op = store_op_user(&s->base, done, arg, 0, 0);
	if (op)
		document_send(op, d, call);
	store_leave(&s->base);
}

static void document_change(struct store_shared *s, enum script_id script,
			    const struct store_document *d, const struct store_known *known,
			    store_done_fn *done, void *arg)
{
	document_store(s, d,
		       &(struct document_call){
			       .script = script,
			       .deadline_ns = s->base.deadline_ns > CHANGE_NS ? s->base.deadline_ns
									      : CHANGE_NS,
			       .knows = true,
			       .args = { DECIMAL_TEXT(known->version),
					 DECIMAL_TEXT(known->generation),
					 known->exact ? BYTES_LIT("1") : BYTES_LIT("0"), d->json },
			       .n = script == SCRIPT_DOCUMENT_PUT ? 4 : 3 },
		       done, arg);
}

void store_document_put(struct store_shared *s, const struct store_document *d,
			const struct store_known *known, store_done_fn *done, void *arg)
{
	document_change(s, SCRIPT_DOCUMENT_PUT, d, known, done, arg);
}

void store_document_delete(struct store_shared *s, const struct store_document *d,
			   const struct store_known *known, store_done_fn *done, void *arg)
{
	document_change(s, SCRIPT_DOCUMENT_DELETE, d, known, done, arg);
}

void store_document_restore(struct store_shared *s, const struct store_document *d,
			    struct bytes history, store_done_fn *done, void *arg)
{
	document_store(
		s, d,
		&(struct document_call){ .script = SCRIPT_DOCUMENT_RESTORE,
					 .deadline_ns = AWAITED_NS,
					 .args = { history, DECIMAL_TEXT(d->version), d->json },
					 .n = 3 },
		done, arg);
}

/* ---- what a tenant left ---- */

enum { LEFT_KEYS = 3 };

struct left_op {
	struct store_op op; /* its number: which key is looked for */
	char tenant[STORE_KEY_MAX];
	store_left_fn *told;
};

static struct bytes tenant_left_key(char buf[STORE_KEY_MAX], const struct store_base *base,
				    const char *tenant, uint64_t which)
{
	struct writer w = writer_over(buf, STORE_KEY_MAX);

	if (!which)
		return store_key_document(buf, base, bytes_str(tenant), "gen", NULL);
	WRITER_TEXTS(&w, which == 1 ? "td:{ev:" : "td:{rec:", tenant, which == 1 ? "}" : "}:days");
	return w.overflow ? (struct bytes){ 0 } : writer_done(&w);
}

static void tenant_left_finish(struct store_op *op, const struct store_answer *a);

/* One after the other: with Redis Cluster they lie on several machines. */
static void tenant_left_look(struct store_base *base, const struct left_op *of, uint64_t which)
{
	char buf[STORE_KEY_MAX];
	struct bytes args[] = { BYTES_LIT("EXISTS"),
				tenant_left_key(buf, base, of->tenant, which) };
	struct left_op *left =
		(struct left_op *)store_op_new(base, sizeof(*left), tenant_left_finish);

	if (!left) {
		of->told(STORE_UNKNOWN, false, of->op.arg);
		return;
	}
	memcpy(left->tenant, of->tenant, sizeof(left->tenant));
	left->told = of->told;
	left->op.arg = of->op.arg;
	left->op.key = which;
	if (args[1].n)
		store_op_command(&left->op, args, COUNT_OF(args), base->deadline_ns);
	else
		store_op_fail(&left->op, STORE_REFUSED);
}

static void tenant_left_finish(struct store_op *op, const struct store_answer *a)
{
	const struct left_op *left = (const struct left_op *)op;
	bool there = a->result == STORE_OK && redis_reply_integer(a->reply) > 0;

	if (a->result == STORE_OK && !there && op->key + 1 < LEFT_KEYS)
		tenant_left_look(op->base, left, op->key + 1);
	else
		left->told(a->result, there, op->arg);
}

void store_tenant_left(struct store_shared *s, struct bytes tenant, store_left_fn *told, void *arg)
{
	struct left_op first = { .op = { .arg = arg }, .told = told };

	store_enter(&s->base);
	if (bytes_cstr(tenant, first.tenant, sizeof(first.tenant)))
		told(STORE_REFUSED, false, arg);
	else
		tenant_left_look(&s->base, &first, 0);
	store_leave(&s->base);
}
