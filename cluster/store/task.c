/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tasks about messages: a sorted set by due time for all tenants, and a hash of their present
 * holders. When a holder dies, another node takes the task after STORE_TASK_HELD_MS.
 */
#include "base/clock.h"
#include "base/decimal.h"
#include "cluster/store/state.h"

enum { TASK_WORDS = 9 };
#define TASK_LIMIT_NS (2 * NS_PER_S)

struct task_op {
	struct store_op op;
	store_task_fn *done;
	void *arg;
};

static void task_on_reply(struct store_op *op, const struct store_answer *a)
{
	const struct task_op *o = (const struct task_op *)op;
	struct bytes held[STORE_TASKS_MAX];
	size_t n = a->result == STORE_OK ? redis_reply_count(a->reply) : 0, count = 0;

	for (size_t i = 1; i < n && count < STORE_TASKS_MAX; i++)
		held[count++] = redis_reply_text(redis_reply_at(a->reply, i));
	if (o->done)
		o->done(a->result, held, count, o->arg);
}

void store_task(struct store_shared *s, const struct store_task *of, store_task_fn *done, void *arg)
{
	static const char *const acts[] = {
		[STORE_TASK_ADD] = "add",    [STORE_TASK_NOW] = "add",   [STORE_TASK_HOLD] = "hold",
		[STORE_TASK_CLAIM] = "take", [STORE_TASK_DONE] = "done",
	};
	const struct bytes args[TASK_WORDS] = {
		BYTES_LIT("td:{task}:due"),
		BYTES_LIT("td:{task}:held"),
		bytes_str(acts[of->act]),
		DECIMAL_TEXT(clock_utc_ms()),
		of->who,
		DECIMAL_TEXT(STORE_TASK_HELD_MS),
		of->act == STORE_TASK_CLAIM ? DECIMAL_TEXT(STORE_TASKS_MAX) : of->what,
		of->due_utc_ms ? DECIMAL_TEXT(of->due_utc_ms) : (struct bytes){ 0 },
		of->act == STORE_TASK_NOW ? BYTES_LIT("1") : (struct bytes){ 0 },
	};
	struct task_op *o;

	store_enter(&s->base);
	o = (struct task_op *)store_op_new(&s->base, sizeof(*o), task_on_reply);
	if (!o) {
		if (done)
			done(STORE_UNKNOWN, NULL, 0, arg);
	} else {
		o->done = done;
		o->arg = arg;
		store_op_run(&o->op, &(struct script_call){ .id = SCRIPT_TASK,
							    .args = args,
							    .keys = 2,
							    .n = TASK_WORDS,
							    .deadline_ns = TASK_LIMIT_NS });
	}
	store_leave(&s->base);
}
