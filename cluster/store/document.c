/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of documents: JSON text, each change a new generation of its tenant. Read by people with redis-cli, so without an envelope. */
#include <inttypes.h>

#include "base/clock.h"
#include "cluster/store/state.h"

#define AWAITED_NS \
	(5 * NS_PER_S) /* a start waits for it, and no call: a late Redis must not end the start */

enum { KEYS = 5, NUMBER_MAX = 24 };

static struct bytes document_number(char buf[NUMBER_MAX], uint64_t number)
{
	struct writer w = writer_over(buf, NUMBER_MAX);

	writer_fmt(&w, "%" PRIu64, number);
	return writer_done(&w);
}

struct document_call {
	enum script_id script;
	uint64_t deadline_ns;
	struct bytes args[4]; /* behind tenant, kind and name */
	size_t n;
};

static void document_send(struct store_op *op, const struct store_document *d,
			  const struct document_call *call)
{
	char docs[STORE_KEY_MAX], versions[STORE_KEY_MAX], generation[STORE_KEY_MAX];
	struct bytes args[KEYS + 3 + COUNT_OF(call->args)] = {
		store_key_document(docs, op->base, d->tenant, "doc", d->kind),
		store_key_document(versions, op->base, d->tenant, "ver", d->kind),
		store_key_document(generation, op->base, d->tenant, "gen", NULL),
		STORE_KEY_LOG,
		STORE_KEY_HISTORY,
		d->tenant,
		bytes_str(d->kind),
		d->name,
	};

	for (size_t i = 0; i < call->n; i++)
		args[KEYS + 3 + i] = call->args[i];
	if (!args[0].n || !args[1].n || !args[2].n) {
		store_op_fail(op, STORE_REFUSED);
	} else {
		store_op_run(op, &(struct script_call){ .id = call->script,
							.args = args,
							.keys = KEYS,
							.n = KEYS + 3 + call->n,
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
	char version[NUMBER_MAX], generation[NUMBER_MAX];

	document_store(s, d,
		       &(struct document_call){
			       .script = script,
			       .deadline_ns = s->base.deadline_ns,
			       .args = { document_number(version, known->version),
					 document_number(generation, known->generation),
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
	char version[NUMBER_MAX];

	document_store(s, d,
		       &(struct document_call){
			       .script = SCRIPT_DOCUMENT_RESTORE,
			       .deadline_ns = AWAITED_NS,
			       .args = { history, document_number(version, d->version), d->json },
			       .n = 3 },
		       done, arg);
}
