/* SPDX-License-Identifier: Apache-2.0 */
/* Which Redis this is: a set of ids, one for each state directory that was the first there. */
#include "base/clock.h"
#include "cluster/store/state.h"

#define CLUSTER_LIMIT_NS (5 * NS_PER_S) /* a start waits for it */

struct know_op {
	struct store_op op;
	store_know_fn *told;
	void *arg;
};

static void know_finish(struct store_op *op, const struct store_answer *a)
{
	const struct know_op *know = (const struct know_op *)op;
	struct store_know said = { .result = a->result };

	if (a->result == STORE_OK) {
		said.known = a->version != 0;
		said.id = redis_reply_text(redis_reply_at(a->reply, 2));
	}
	know->told(&said, know->arg);
}

void store_cluster_know(struct store_shared *s, struct bytes id, enum store_know_when when,
			store_know_fn *told, void *arg)
{
	static const char *const words[] = { [STORE_KNOW_NEVER] = "never",
					     [STORE_KNOW_FIRST] = "first",
					     [STORE_KNOW_ALWAYS] = "always" };
	const struct bytes args[] = { STORE_KEY_IDS, id, bytes_str(words[when]) };
	struct know_op *know;

	store_enter(&s->base);
	know = (struct know_op *)store_op_new(&s->base, sizeof(*know), know_finish);
	if (know) {
		know->told = told;
		know->arg = arg;
		store_op_run(&know->op, &(struct script_call){ .id = SCRIPT_CLUSTER_KNOW,
							       .args = args,
							       .keys = 1,
							       .n = COUNT_OF(args),
							       .deadline_ns = CLUSTER_LIMIT_NS });
	} else {
		told(&(struct store_know){ .result = STORE_UNKNOWN }, arg);
	}
	store_leave(&s->base);
}
