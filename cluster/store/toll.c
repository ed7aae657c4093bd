/* SPDX-License-Identifier: Apache-2.0 */
/* What calls have cost a day: sums in a hash of the shard, which goes two days after it was added to last. */
#include <inttypes.h>

#include "base/clock.h"
#include "cluster/store/state.h"

enum { TOLL_TEXT = 24 };
#define LOAD_LIMIT_NS (10 * NS_PER_S) /* a start waits: the deadline of a save would end it */

struct toll_load {
	struct store_op op;
	store_toll_fn *each;
	store_done_fn *done;
	void *arg;
};

/* What cannot be read costs nothing. */
static int64_t toll_ms(struct bytes text)
{
	bool less = bytes_starts(text, "-");
	uint64_t ms;

	if (bytes_u64(bytes_from(text, less), &ms) || ms > INT64_MAX)
		return 0;
	return less ? -(int64_t)ms : (int64_t)ms;
}

static void toll_loaded(struct store_op *op, const struct store_answer *a)
{
	const struct toll_load *load = (const struct toll_load *)op;
	size_t n = a->result == STORE_OK ? redis_reply_count(a->reply) : 0;

	for (size_t i = 0; i + 1 < n; i += 2)
		load->each(redis_reply_text(redis_reply_at(a->reply, i)),
			   toll_ms(redis_reply_text(redis_reply_at(a->reply, i + 1))), load->arg);
	load->done(a->result, 0, n / 2, load->arg);
}

static struct bytes toll_key(char buf[STORE_KEY_MAX], const struct store_shard *s, uint64_t day)
{
	char text[TOLL_TEXT];
	struct writer w = writer_over(text, sizeof(text));

	writer_u64(&w, day);
	return store_key_toll(buf, s, writer_done(&w));
}

void store_toll_load(struct store_shard *s, uint64_t day, store_toll_fn *each, store_done_fn *done,
		     void *arg)
{
	char key[STORE_KEY_MAX];
	const struct bytes args[] = { BYTES_LIT("HGETALL"), toll_key(key, s, day) };
	struct toll_load *load;

	store_enter(&s->base);
	load = (struct toll_load *)store_op_new(&s->base, sizeof(*load), toll_loaded);
	if (load) {
		load->each = each;
		load->done = done;
		load->arg = arg;
		store_op_command(&load->op, args, COUNT_OF(args), LOAD_LIMIT_NS);
	} else {
		done(STORE_UNKNOWN, 0, 0, arg);
	}
	store_leave(&s->base);
}

void store_toll_add(struct store_shard *s, uint64_t day, struct bytes name, int64_t ms,
		    store_done_fn *done, void *arg)
{
	char lease[STORE_KEY_MAX], key[STORE_KEY_MAX], fence[LEASE_FENCE_TEXT], more[TOLL_TEXT];
	struct writer w = writer_over(more, sizeof(more));
	struct bytes args[] = { store_key_shard(lease, s, "lease"),
				toll_key(key, s, day),
				store_fence(s, fence),
				name,
				{ 0 } };
	struct store_op *op;

	writer_fmt(&w, "%" PRId64, ms);
	args[4] = writer_done(&w);
	store_enter(&s->base);
	op = store_op_user(&s->base, done, arg, 0, 0);
	if (op)
		store_op_run(op, &(struct script_call){ .id = SCRIPT_TOLL_ADD,
							.args = args,
							.keys = 2,
							.n = COUNT_OF(args),
							.deadline_ns = s->base.deadline_ns });
	store_leave(&s->base);
}
