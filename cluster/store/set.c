/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of documents: entries in a hash per version, which one script makes valid at once
 * (SCRIPT_DOCUMENT_SET) and others move into the documents. Staged entries expire, so that a set
 * that was never made valid leaves nothing. */

#include <assert.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "cluster/store/state.h"

#define SET_NS (5 * NS_PER_S) /* a person waits, and no call */

enum { SET_ENDED = 8, BEGIN_KEYS = 8, MOVE_KEYS = 6 };

struct set_op {
	struct store_op op;
	store_set_fn *each;
	uint32_t first;
};

static struct bytes set_key_write(char buf[STORE_KEY_MAX], const struct store_base *base,
				  const struct store_set *of)
{
	return store_key_document(buf, base, of->tenant, "set", of->key);
}

/* NULL: done was called. */
static struct set_op *set_op_start(struct store_shared *s, store_finish_fn *finish,
				   store_done_fn *done, void *arg)
{
	struct set_op *op = (struct set_op *)store_op_new(&s->base, sizeof(*op), finish);

	if (op) {
		op->op.done = done;
		op->op.arg = arg;
	} else if (done) {
		done(STORE_UNKNOWN, 0, 0, arg);
	}
	return op;
}

static void set_finish(struct store_op *op, const struct store_answer *a)
{
	if (op->done)
		op->done(a->result, 0, a->version, op->arg);
}

/* ---- pieces ---- */

void store_set_stage(struct store_shared *s, const struct store_set *of, uint32_t first,
		     const struct bytes *entries, size_t n, store_done_fn *done, void *arg)
{
	static char numbers[STORE_SET_PIECE][DECIMAL_TEXT_MAX]; /* control thread alone */
	struct bytes args[2 + 2 * STORE_SET_PIECE] = { BYTES_LIT("HSET") };
	char key[STORE_KEY_MAX];
	struct set_op *op;

	assert(n && n <= STORE_SET_PIECE);
	store_enter(&s->base);
	args[1] = set_key_write(key, &s->base, of);
	for (size_t i = 0; i < n; i++) {
		args[2 + 2 * i] = decimal_text(numbers[i], first + i);
		args[3 + 2 * i] = entries[i];
	}
	op = set_op_start(s, set_finish, first ? done : NULL, first ? arg : NULL);
	if (op)
		store_op_command(&op->op, args, 2 + 2 * n, SET_NS);
	if (!first && (op = set_op_start(s, set_finish, done, arg)) != NULL) {
		const struct bytes expire[] = { BYTES_LIT("EXPIRE"), args[1],
						DECIMAL_TEXT(STORE_SET_STAGED_S) };

		store_op_command(&op->op, expire, COUNT_OF(expire), SET_NS);
	}
	store_leave(&s->base);
}

static void set_read_finish(struct store_op *op, const struct store_answer *a)
{
	const struct set_op *r = (const struct set_op *)op;
	size_t n = a->result == STORE_OK ? redis_reply_count(a->reply) : 0;

	for (size_t i = 0; i < n; i++) {
		struct bytes text = redis_reply_text(redis_reply_at(a->reply, i));

		if (text.n)
			r->each(r->first + (uint32_t)i, text, op->arg);
	}
	op->done(a->result, 0, 0, op->arg);
}

void store_set_read(struct store_shared *s, const struct store_set *of, uint32_t first, size_t n,
		    store_set_fn *each, store_done_fn *done, void *arg)
{
	static char numbers[STORE_SET_PIECE][DECIMAL_TEXT_MAX]; /* control thread alone */
	struct bytes args[2 + STORE_SET_PIECE] = { BYTES_LIT("HMGET") };
	char key[STORE_KEY_MAX];
	struct set_op *op;

	assert(n && n <= STORE_SET_PIECE);
	store_enter(&s->base);
	args[1] = set_key_write(key, &s->base, of);
	for (size_t i = 0; i < n; i++)
		args[2 + i] = decimal_text(numbers[i], first + i);
	op = set_op_start(s, set_read_finish, done, arg);
	if (op) {
		op->each = each;
		op->first = first;
		store_op_command(&op->op, args, 2 + n, SET_NS);
	}
	store_leave(&s->base);
}

/* ---- what makes it valid ---- */

struct set_turn {
	const struct store_document *document;
	const struct store_set *set, *before;
	uint64_t version, generation, count;
	bool begins;
	const struct store_set_tenant *others;
	size_t other_count;
};

static void set_turn_send(struct store_op *op, const struct set_turn *t)
{
	static char keys[BEGIN_KEYS + STORE_SET_TENANTS_MAX][STORE_KEY_MAX]; /* control thread */
	static char numbers[2 * STORE_SET_TENANTS_MAX][DECIMAL_TEXT_MAX];
	const struct store_document *d = t->document;
	struct bytes args[BEGIN_KEYS + SET_ENDED + 1 + 4 * STORE_SET_TENANTS_MAX] = {
		store_key_document(keys[0], op->base, d->tenant, "doc", d->kind),
		store_key_document(keys[1], op->base, d->tenant, "ver", d->kind),
		store_key_document(keys[2], op->base, d->tenant, "gen", NULL),
		STORE_KEY_LOG,
		STORE_KEY_HISTORY,
		STORE_KEY_SET,
		set_key_write(keys[3], op->base, t->set),
		set_key_write(keys[4], op->base, t->before),
	};
	size_t n = BEGIN_KEYS;

	static_assert(COUNT_OF(args) <= SCRIPT_ARGS_MAX, "one script");
	assert(t->other_count <= STORE_SET_TENANTS_MAX);
	for (size_t i = 0; i < t->other_count; i++)
		args[n++] = store_key_document(keys[BEGIN_KEYS + i], op->base, t->others[i].name,
					       "gen", NULL);
	args[n++] = d->tenant;
	args[n++] = bytes_str(d->kind);
	args[n++] = d->name;
	args[n++] = DECIMAL_TEXT(t->version);
	args[n++] = DECIMAL_TEXT(t->generation);
	args[n++] = BYTES_LIT("1");
	args[n++] = d->json;
	args[n++] = t->begins ? BYTES_LIT("begin") : BYTES_LIT("end");
	args[n++] = DECIMAL_TEXT(t->count);
	for (size_t i = 0; i < t->other_count; i++) {
		args[n++] = t->others[i].name;
		args[n++] = decimal_text(numbers[2 * i], t->others[i].generation);
		args[n++] = decimal_text(numbers[2 * i + 1], t->others[i].count);
	}
	store_op_run(op, &(struct script_call){ .id = SCRIPT_DOCUMENT_SET,
						.args = args,
						.keys = BEGIN_KEYS + t->other_count,
						.n = n,
						.deadline_ns = SET_NS });
}

static void set_turn(struct store_shared *s, const struct set_turn *t, store_done_fn *done,
		     void *arg)
{
	struct store_op *op;

	store_enter(&s->base);
	metric_add(s->base.metrics.saves, 1);
	op = store_op_user(&s->base, done, arg, 0, 0);
	if (op)
		set_turn_send(op, t);
	store_leave(&s->base);
}

void store_set_start(struct store_shared *s, const struct store_set_start *b, store_done_fn *done,
		     void *arg)
{
	set_turn(s,
		 &(struct set_turn){ .document = &b->document,
				     .set = &b->set,
				     .before = &b->set,
				     .version = b->known.version,
				     .generation = b->known.generation,
				     .count = b->count,
				     .begins = true,
				     .others = b->others,
				     .other_count = b->other_count },
		 done, arg);
}

void store_set_end(struct store_shared *s, const struct store_document *d, uint64_t version,
		   const struct store_set *before, store_done_fn *done, void *arg)
{
	set_turn(s,
		 &(struct set_turn){
			 .document = d, .set = before, .before = before, .version = version },
		 done, arg);
}

void store_set_move(struct store_shared *s, const struct store_set_move *m, store_done_fn *done,
		    void *arg)
{
	static char keys[4][STORE_KEY_MAX], numbers[STORE_SET_PIECE][DECIMAL_TEXT_MAX];
	struct bytes args[MOVE_KEYS + 4 + 3 * STORE_SET_PIECE];
	struct store_op *op;
	size_t n = 0;

	static_assert(COUNT_OF(args) <= SCRIPT_ARGS_MAX, "one script");
	store_enter(&s->base);
	metric_add(s->base.metrics.saves, 1);
	op = store_op_user(&s->base, done, arg, 0, 0);
	if (op) {
		args[n++] = store_key_document(keys[0], op->base, m->tenant, "doc", m->kind);
		args[n++] = store_key_document(keys[1], op->base, m->tenant, "ver", m->kind);
		args[n++] = store_key_document(keys[2], op->base, m->tenant, "gen", NULL);
		args[n++] = STORE_KEY_LOG;
		args[n++] = STORE_KEY_HISTORY;
		args[n++] = set_key_write(keys[3], op->base, &m->set);
		args[n++] = m->tenant;
		args[n++] = bytes_str(m->kind);
		args[n++] = DECIMAL_TEXT(m->moved);
		args[n++] = DECIMAL_TEXT(m->moved + m->n);
		for (uint32_t i = 0; i < m->n; i++) {
			args[n++] = m->documents[i].name;
			args[n++] = decimal_text(numbers[i], m->documents[i].version);
			args[n++] = m->documents[i].text;
		}
		store_op_run(op, &(struct script_call){ .id = SCRIPT_DOCUMENT_MOVE,
							.args = args,
							.keys = MOVE_KEYS,
							.n = n,
							.deadline_ns = SET_NS });
	}
	store_leave(&s->base);
}
