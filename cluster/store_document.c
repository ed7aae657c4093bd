/* SPDX-License-Identifier: Apache-2.0 */
/* Documents: JSON text, each put a new generation of its tenant. Read by people with redis-cli, so without an envelope. */
#include "cluster/store_state.h"

struct document {
	enum script_id script;
	struct bytes tenant;
	const char *kind;
	struct bytes name;
	struct bytes json;
};

static void send(struct store_op *op, const struct document *d)
{
	char docs[STORE_KEY_MAX], versions[STORE_KEY_MAX], generation[STORE_KEY_MAX];
	const struct bytes args[] = {
		store_key_tenant(docs, d->tenant, "doc", d->kind),
		store_key_tenant(versions, d->tenant, "ver", d->kind),
		store_key_tenant(generation, d->tenant, "gen", NULL),
		d->name,
		d->json,
	};

	if (!args[0].n || !args[1].n || !args[2].n) {
		store_op_fail(op, STORE_REFUSED);
	} else {
		store_op_run(op,
			     &(struct script_call){ .id = d->script,
						    .args = args,
						    .keys = 3,
						    .n = COUNT_OF(args),
						    .deadline_ns = op->s->settings.deadline_ns });
	}
}

static void run(struct store *s, const struct document *d, store_done_fn *done, void *arg)
{
	struct store_op *op;

	store_enter(s);
	metric_add(s->metrics.saves, 1);
	op = store_op_user(s, done, arg, 0, 0);
	if (op)
		send(op, d);
	store_leave(s);
}

void store_document_put(struct store *s, struct bytes tenant, const char *kind, struct bytes name,
			struct bytes json, store_done_fn *done, void *arg)
{
	run(s,
	    &(struct document){ .script = SCRIPT_DOCUMENT_PUT,
				.tenant = tenant,
				.kind = kind,
				.name = name,
				.json = json },
	    done, arg);
}

void store_document_delete(struct store *s, struct bytes tenant, const char *kind,
			   struct bytes name, store_done_fn *done, void *arg)
{
	run(s,
	    &(struct document){ .script = SCRIPT_DOCUMENT_DELETE,
				.tenant = tenant,
				.kind = kind,
				.name = name },
	    done, arg);
}
