/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Octets that a document names by their hash: a string each, in the hash slot of the tenant. They
 * are written before the document, so no node reads a name without its octets. Octets that no
 * document names any more expire a day later: until then readers that have begun with them find
 * them.
 */
#include "base/clock.h"
#include "cluster/store/state.h"

#define BLOB_NS     (5 * NS_PER_S) /* a megabyte on a slow link; no call waits for it */
#define BLOB_LAST_S "86400"

struct blob_op {
	struct store_op op;
	bool gets;
	store_blob_fn *done;
	void *arg;
};

static void blob_finish(struct store_op *op, const struct store_answer *a)
{
	const struct blob_op *b = (const struct blob_op *)op;
	enum redis_type type = a->result == STORE_OK ? redis_reply_type(a->reply) : REDIS_TYPE_NIL;
	struct bytes octets = { 0 };
	bool there = type != REDIS_TYPE_NIL;

	if (type == REDIS_TYPE_INTEGER)
		there = redis_reply_integer(a->reply) > 0;
	if (there && b->gets)
		octets = redis_reply_text(a->reply);
	if (b->done)
		b->done(a->result, there, octets, b->arg);
}

/* words: the command, its key in words[1]. */
static void blob_run(struct store_shared *s, const struct store_blob *of, struct bytes *words,
		     size_t n, struct blob_op how)
{
	char key[STORE_KEY_MAX];
	struct blob_op *b;

	words[1] = store_key_tenant(key, of->tenant, of->kind, of->hash);
	store_enter(&s->base);
	b = (struct blob_op *)store_op_new(&s->base, sizeof(*b), blob_finish);
	if (b) {
		b->gets = how.gets;
		b->done = how.done;
		b->arg = how.arg;
		if (words[1].n)
			store_op_command(&b->op, words, n, BLOB_NS);
		else
			store_op_fail(&b->op, STORE_REFUSED);
	} else if (how.done) {
		how.done(STORE_UNKNOWN, false, (struct bytes){ 0 }, how.arg);
	}
	store_leave(&s->base);
}

void store_blob_put(struct store_shared *s, const struct store_blob *of, struct bytes octets,
		    store_blob_fn *done, void *arg)
{
	struct bytes words[] = { BYTES_LIT("SET"), { 0 }, octets };

	blob_run(s, of, words, COUNT_OF(words), (struct blob_op){ .done = done, .arg = arg });
}

void store_blob_get(struct store_shared *s, const struct store_blob *of, store_blob_fn *done,
		    void *arg)
{
	struct bytes words[] = { BYTES_LIT("GET"), { 0 } };

	blob_run(s, of, words, COUNT_OF(words),
		 (struct blob_op){ .gets = true, .done = done, .arg = arg });
}

void store_blob_keep(struct store_shared *s, const struct store_blob *of, store_blob_fn *done,
		     void *arg)
{
	struct bytes persist[] = { BYTES_LIT("PERSIST"), { 0 } };
	struct bytes exists[] = { BYTES_LIT("EXISTS"), { 0 } };

	blob_run(s, of, persist, COUNT_OF(persist), (struct blob_op){ 0 });
	blob_run(s, of, exists, COUNT_OF(exists), (struct blob_op){ .done = done, .arg = arg });
}

void store_blob_expire(struct store_shared *s, const struct store_blob *of)
{
	struct bytes words[] = { BYTES_LIT("EXPIRE"), { 0 }, BYTES_LIT(BLOB_LAST_S) };

	blob_run(s, of, words, COUNT_OF(words), (struct blob_op){ 0 });
}
