/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of a mailbox: a hash with what is known of each, and a sorted set of messages for each
 * state. All keys of a mailbox have one tag.
 */
#include "base/clock.h"
#include "base/decimal.h"
#include "cluster/store/state.h"

enum { BOX_HEAD = 8, BOX_ROW = 5, BOX_KEYS = 7 };
#define BOX_LIMIT_NS (2 * NS_PER_S)

struct box_op {
	struct store_op op;
	store_box_row_fn *each;
	store_box_fn *done;
	void *arg;
};

static struct bytes box_key(char buf[STORE_KEY_MAX], const struct store_box *of, const char *what)
{
	struct writer w = writer_over(buf, STORE_KEY_MAX);

	writer_str(&w, "td:{box:");
	writer_bytes(&w, of->tenant);
	writer_str(&w, ":");
	writer_bytes(&w, of->box);
	WRITER_TEXTS(&w, "}:", what);
	return w.overflow ? (struct bytes){ 0 } : writer_done(&w);
}

/* False: a name is too long. */
static bool box_keys(char keys[BOX_KEYS][STORE_KEY_MAX], const struct store_box *of,
		     struct bytes *out)
{
	static const char *const names[BOX_KEYS] = { "msg",       "new",   "urgent", "old",
						     "oldurgent", "draft", "gone" };
	bool fits = true;

	for (size_t i = 0; i < BOX_KEYS; i++) {
		out[i] = box_key(keys[i], of, names[i]);
		fits &= out[i].n > 0;
	}
	return fits;
}

static uint64_t box_number(const struct store_answer *a, size_t i)
{
	long long value = redis_reply_integer(redis_reply_at(a->reply, i));

	return value > 0 ? (uint64_t)value : 0;
}

static void box_on_reply(struct store_op *op, const struct store_answer *a)
{
	const struct box_op *b = (const struct box_op *)op;
	struct store_box_answer said = { .result = a->result };
	size_t n = a->result == STORE_OK ? redis_reply_count(a->reply) : 0;

	if (n >= BOX_HEAD) {
		said.code = (enum store_box_code)box_number(a, 1);
		said.version = box_number(a, 2);
		for (unsigned i = 0; i < STORE_BOX_COUNTS; i++)
			said.counts[i] = (uint32_t)box_number(a, 3 + i);
	}
	for (size_t i = BOX_HEAD; b->each && i + BOX_ROW <= n; i += BOX_ROW) {
		struct store_box_row row = { 0 };
		struct bytes at = redis_reply_text(redis_reply_at(a->reply, i + 2));

		row.id = redis_reply_text(redis_reply_at(a->reply, i));
		row.set = redis_reply_text(redis_reply_at(a->reply, i + 1));
		(void)bytes_u64(at, &row.at_utc_ms);
		row.facts = redis_reply_text(redis_reply_at(a->reply, i + 3));
		row.marks = redis_reply_text(redis_reply_at(a->reply, i + 4));
		b->each(&row, b->arg);
	}
	b->done(&said, b->arg);
}

void store_box_request(struct store_shared *s, const struct store_box *of, store_box_row_fn *each,
		       store_box_fn *done, void *arg)
{
	char keys[BOX_KEYS][STORE_KEY_MAX];
	struct bytes args[BOX_KEYS + STORE_BOX_WORDS];
	size_t words = of->n <= STORE_BOX_WORDS ? of->n : STORE_BOX_WORDS;
	struct box_op *b;
	bool fits = box_keys(keys, of, args);

	for (size_t i = 0; i < words; i++)
		args[BOX_KEYS + i] = of->words[i];
	store_enter(&s->base);
	b = (struct box_op *)store_op_new(&s->base, sizeof(*b), box_on_reply);
	if (!b) {
		done(&(struct store_box_answer){ .result = STORE_UNKNOWN }, arg);
	} else {
		b->each = each;
		b->done = done;
		b->arg = arg;
		if (fits && words == of->n)
			store_op_run(&b->op,
				     &(struct script_call){ .id = of->change ? SCRIPT_BOX_CHANGE
									     : SCRIPT_BOX_READ,
							    .args = args,
							    .keys = BOX_KEYS,
							    .n = BOX_KEYS + words,
							    .deadline_ns = BOX_LIMIT_NS });
		else
			store_op_fail(&b->op, STORE_REFUSED);
	}
	store_leave(&s->base);
}

/* ---- all of a tenant ---- */

struct boxes_op {
	struct store_op op;
	char tenant[STORE_KEY_MAX];
};

static struct bytes boxes_key(char buf[STORE_KEY_MAX], struct bytes tenant)
{
	return store_key_tenant(buf, tenant, "box", "all");
}

void store_box_note(struct store_shared *s, struct bytes tenant, struct bytes box)
{
	char key[STORE_KEY_MAX];
	const struct bytes args[] = { BYTES_LIT("SADD"), boxes_key(key, tenant), box };

	store_shared_write(s, args, COUNT_OF(args), NULL, NULL);
}

static void box_drop(struct store_shared *s, struct bytes tenant, struct bytes box)
{
	const struct store_box of = { .tenant = tenant, .box = box };
	char keys[BOX_KEYS][STORE_KEY_MAX];
	struct bytes args[1 + BOX_KEYS] = { BYTES_LIT("DEL") };

	if (box_keys(keys, &of, args + 1))
		store_shared_write(s, args, COUNT_OF(args), NULL, NULL);
}

static void boxes_on_reply(struct store_op *op, const struct store_answer *a)
{
	const struct boxes_op *all = (const struct boxes_op *)op;
	struct store_shared *s = (struct store_shared *)op->base;
	size_t n = a->result == STORE_OK ? redis_reply_count(a->reply) : 0;

	for (size_t i = 0; i < n; i++)
		box_drop(s, bytes_str(all->tenant), redis_reply_text(redis_reply_at(a->reply, i)));
	if (n)
		store_boxes_clear(s, bytes_str(all->tenant));
}

void store_boxes_clear(struct store_shared *s, struct bytes tenant)
{
	char key[STORE_KEY_MAX];
	const struct bytes args[] = { BYTES_LIT("SPOP"), boxes_key(key, tenant),
				      BYTES_LIT("1000") };
	struct boxes_op *all;

	store_enter(&s->base);
	all = (struct boxes_op *)store_op_new(&s->base, sizeof(*all), boxes_on_reply);
	if (all && args[1].n && !bytes_cstr(tenant, all->tenant, sizeof(all->tenant)))
		store_op_command(&all->op, args, COUNT_OF(args), s->base.deadline_ns);
	else if (all)
		store_op_fail(&all->op, STORE_REFUSED);
	store_leave(&s->base);
}
