/* SPDX-License-Identifier: Apache-2.0 */
/* Registrations: shared entries, saved if their version is the expected one. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/table.h"
#include "cluster/record.h"
#include "cluster/store/state.h"

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
