/* SPDX-License-Identifier: Apache-2.0 */
/* Documents: JSON text, each put a new generation of its tenant. Read by people with redis-cli, so without an envelope. */
#include <inttypes.h>

#include "base/clock.h"
#include "cluster/store_state.h"

#define AWAITED_NS \
	(5 * NS_PER_S) /* a start waits for it, and no call: a late Redis must not end the start */

struct document {
	enum script_id script;
	uint64_t deadline_ns;
	struct bytes tenant;
	const char *kind;
	struct bytes name;
	struct bytes json;
	struct bytes version; /* NULL: none */
};

static void document_send(struct store_op *op, const struct document *d)
{
	char docs[STORE_KEY_MAX], versions[STORE_KEY_MAX], generation[STORE_KEY_MAX];
	const struct bytes args[] = {
		store_key_tenant(docs, d->tenant, "doc", d->kind),
		store_key_tenant(versions, d->tenant, "ver", d->kind),
		store_key_tenant(generation, d->tenant, "gen", NULL),
		d->name,
		d->json,
		d->version,
	};

	if (!args[0].n || !args[1].n || !args[2].n) {
		store_op_fail(op, STORE_REFUSED);
	} else {
		store_op_run(op, &(struct script_call){ .id = d->script,
							.args = args,
							.keys = 3,
							.n = COUNT_OF(args) - !d->version.p,
							.deadline_ns = d->deadline_ns });
	}
}

static void document_store(struct store *s, const struct document *d, store_done_fn *done,
			   void *arg)
{
	struct store_op *op;

	store_enter(s);
	metric_add(s->metrics.saves, 1);
	op = store_op_user(s, done, arg, 0, 0);
	if (op)
		document_send(op, d);
	store_leave(s);
}

void store_document_put(struct store *s, struct bytes tenant, const char *kind, struct bytes name,
			struct bytes json, store_done_fn *done, void *arg)
{
	document_store(s,
		       &(struct document){ .script = SCRIPT_DOCUMENT_PUT,
					   .deadline_ns = s->settings.deadline_ns,
					   .tenant = tenant,
					   .kind = kind,
					   .name = name,
					   .json = json },
		       done, arg);
}

void store_document_delete(struct store *s, struct bytes tenant, const char *kind,
			   struct bytes name, store_done_fn *done, void *arg)
{
	document_store(s,
		       &(struct document){ .script = SCRIPT_DOCUMENT_DELETE,
					   .deadline_ns = s->settings.deadline_ns,
					   .tenant = tenant,
					   .kind = kind,
					   .name = name },
		       done, arg);
}

void store_document_restore(struct store *s, struct bytes tenant, const char *kind,
			    struct bytes name, uint64_t version, struct bytes json,
			    store_done_fn *done, void *arg)
{
	char text[24];
	struct writer w = writer_over(text, sizeof(text));

	writer_fmt(&w, "%" PRIu64, version);
	document_store(s,
		       &(struct document){ .script = SCRIPT_DOCUMENT_RESTORE,
					   .deadline_ns = AWAITED_NS,
					   .tenant = tenant,
					   .kind = kind,
					   .name = name,
					   .json = json,
					   .version = writer_done(&w) },
		       done, arg);
}

void store_document_generation(struct store *s, struct bytes tenant, store_done_fn *done, void *arg)
{
	char key[STORE_KEY_MAX];
	const struct bytes args[] = { store_key_tenant(key, tenant, "gen", NULL) };
	struct store_op *op;

	store_enter(s);
	op = store_op_user(s, done, arg, 0, 0);
	if (op)
		store_op_run(op, &(struct script_call){ .id = SCRIPT_DOCUMENT_GENERATION,
							.args = args,
							.keys = 1,
							.n = 1,
							.deadline_ns = AWAITED_NS });
	store_leave(s);
}
