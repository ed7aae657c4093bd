/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recordings of all nodes: for each tenant and day a hash from name to entry, and an index of names
 * by name, party and state. A sorted set has the days. All keys of a tenant have one tag.
 */
#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "base/log.h"
#include "cluster/store/state.h"

enum { RECORDING_ROW_MAX = 512, RECORDING_PUT_WORDS = 14 };
#define RECORDING_LIMIT_NS (2 * NS_PER_S) /* a person waits, or nobody: no call does */

/* ---- keys ---- */

/* td:{rec:TENANT}:WHAT, and :DAY behind it */
static struct bytes recording_key(char buf[STORE_KEY_MAX], struct bytes tenant, const char *what,
				  struct bytes day)
{
	struct writer w = writer_over(buf, STORE_KEY_MAX);

	writer_str(&w, "td:{rec:");
	writer_bytes(&w, tenant);
	writer_str(&w, "}:");
	writer_str(&w, what);
	if (day.n) {
		writer_str(&w, ":");
		writer_bytes(&w, day);
	}
	return w.overflow ? (struct bytes){ 0 } : writer_done(&w);
}

/* ---- a recording ---- */

struct recording_put {
	struct store_op op;
	store_done_fn *done;
	void *arg;
};

static void recording_on_reply(struct store_op *op, const struct store_answer *a)
{
	const struct recording_put *put = (const struct recording_put *)op;

	if (a->result == STORE_OK && a->version) {
		LOG_ERROR("store", 0,
			  "what was under keys of recordings is something else: it is set aside, "
			  "see td:broken:td:{rec:TENANT}",
			  LOG_U64("keys", a->version));
		metric_add(op->base->metrics.broken, a->version);
	}
	put->done(a->result, 0, a->version, put->arg);
}

static struct bytes recording_act(enum store_recording_act act)
{
	switch (act) {
	case STORE_RECORDING_PUT:
		return BYTES_LIT("put");
	case STORE_RECORDING_END:
		return BYTES_LIT("end");
	case STORE_RECORDING_STATE:
		return BYTES_LIT("state");
	case STORE_RECORDING_REMOVE:
		break;
	}
	return BYTES_LIT("remove");
}

void store_recording_announce(struct store_shared *s, const struct store_recording *r,
			      store_done_fn *done, void *arg)
{
	char days[STORE_KEY_MAX], of[STORE_KEY_MAX], by[STORE_KEY_MAX];
	const struct bytes args[RECORDING_PUT_WORDS] = {
		recording_key(days, r->tenant, "days", (struct bytes){ 0 }),
		recording_key(of, r->tenant, "of", r->day),
		recording_key(by, r->tenant, "by", r->day),
		recording_act(r->act),
		r->name,
		r->entry,
		r->state,
		DECIMAL_TEXT(r->life_s),
		r->day,
		r->first_day,
		r->mine,
		r->parties[0],
		r->parties[1],
		r->parties[2],
	};
	struct recording_put *put;

	store_enter(&s->base);
	put = (struct recording_put *)store_op_new(&s->base, sizeof(*put), recording_on_reply);
	if (!put) {
		done(STORE_UNKNOWN, 0, 0, arg);
	} else {
		put->done = done;
		put->arg = arg;
		store_op_run(&put->op, &(struct script_call){ .id = SCRIPT_RECORDING_PUT,
							      .args = args,
							      .keys = 3,
							      .n = COUNT_OF(args),
							      .deadline_ns = RECORDING_LIMIT_NS });
	}
	store_leave(&s->base);
}

/* ---- lists ---- */

struct recording_list {
	struct store_op op;
	store_recording_fn *each;
	store_done_fn *done;
	void *arg;
};

static void recording_listed(struct store_op *op, const struct store_answer *a, size_t step)
{
	const struct recording_list *list = (const struct recording_list *)op;
	size_t n = a->result == STORE_OK ? redis_reply_count(a->reply) : 0, count = 0;

	for (size_t i = 2; i + step <= n; i += step, count++)
		list->each(redis_reply_text(redis_reply_at(a->reply, i)),
			   step > 1 ? redis_reply_text(redis_reply_at(a->reply, i + 1))
				    : (struct bytes){ 0 },
			   list->arg);
	list->done(a->result, 0, count, list->arg);
}

static void recording_days_listed(struct store_op *op, const struct store_answer *a)
{
	recording_listed(op, a, 1);
}

static void recordings_listed(struct store_op *op, const struct store_answer *a)
{
	recording_listed(op, a, 2);
}

/* call: its args live as long as this call. */
static void recording_query(struct store_shared *s, const struct script_call *call,
			    store_finish_fn *finish, const struct recording_list *as)
{
	struct recording_list *list;

	store_enter(&s->base);
	list = (struct recording_list *)store_op_new(&s->base, sizeof(*list), finish);
	if (list) {
		list->each = as->each;
		list->done = as->done;
		list->arg = as->arg;
		store_op_run(&list->op, call);
	} else {
		as->done(STORE_UNKNOWN, 0, 0, as->arg);
	}
	store_leave(&s->base);
}

static struct bytes recording_bound(char buf[RECORDING_ROW_MAX], const char *how, struct bytes text,
				    const char *none)
{
	struct writer w = writer_over(buf, RECORDING_ROW_MAX);

	writer_str(&w, text.n ? how : none);
	writer_bytes(&w, text);
	return writer_done(&w);
}

void store_recording_days(struct store_shared *s, const struct store_recording_days *of,
			  store_recording_fn *each, store_done_fn *done, void *arg)
{
	char key[STORE_KEY_MAX], last[RECORDING_ROW_MAX], first[RECORDING_ROW_MAX];
	const struct bytes args[] = {
		recording_key(key, of->tenant, "days", (struct bytes){ 0 }),
		recording_bound(last, of->before ? "(" : "[", of->until, "+"),
		recording_bound(first, "[", of->since, "-"),
		DECIMAL_TEXT(STORE_RECORDING_DAYS),
	};

	recording_query(s,
			&(struct script_call){ .id = SCRIPT_RECORDING_DAYS,
					       .args = args,
					       .keys = 1,
					       .n = COUNT_OF(args),
					       .deadline_ns = RECORDING_LIMIT_NS },
			recording_days_listed,
			&(struct recording_list){ .each = each, .done = done, .arg = arg });
}

/* What stands before a name in the index. */
static void recordings_head(struct writer *w, const struct store_recordings *of)
{
	switch (of->by) {
	case STORE_RECORDINGS_BY_NAME:
		writer_str(w, "n");
		return;
	case STORE_RECORDINGS_BY_PARTY:
		writer_str(w, "p");
		break;
	case STORE_RECORDINGS_BY_STATE:
		writer_str(w, "s");
		break;
	}
	writer_bytes(w, of->what);
	writer_u8(w, '\0');
}

/* No name that begins so is behind it. */
static bool recording_is_within(struct bytes name, struct bytes begin)
{
	size_t n = name.n < begin.n ? name.n : begin.n;

	return !n || memcmp(name.p, begin.p, n) <= 0;
}

/* A name is ASCII: nothing of that head is behind the last one. */
static bool recording_range(const struct store_recordings *of, struct writer *last,
			    struct writer *first, size_t *head)
{
	struct bytes begin = of->by == STORE_RECORDINGS_BY_NAME ? of->what : (struct bytes){ 0 };
	bool before = of->before.n && recording_is_within(of->before, begin);

	writer_str(last, "(");
	recordings_head(last, of);
	*head = last->n - 1;
	writer_bytes(last, before ? of->before : begin);
	if (!before)
		writer_u8(last, UINT8_MAX);
	writer_str(first, "[");
	recordings_head(first, of);
	writer_bytes(first, begin);
	return !last->overflow && !first->overflow;
}

void store_recordings_read(struct store_shared *s, const struct store_recordings *of,
			   store_recording_fn *each, store_done_fn *done, void *arg)
{
	char entries[STORE_KEY_MAX], index[STORE_KEY_MAX], to[RECORDING_ROW_MAX],
		from[RECORDING_ROW_MAX];
	struct writer last = writer_over(to, sizeof(to)), first = writer_over(from, sizeof(from));
	size_t head;
	const bool fits = recording_range(of, &last, &first, &head);
	const struct bytes args[] = {
		recording_key(entries, of->tenant, "of", of->day),
		recording_key(index, of->tenant, "by", of->day),
		writer_done(&last),
		writer_done(&first),
		DECIMAL_TEXT(STORE_RECORDINGS_PAGE),
		DECIMAL_TEXT(head),
		DECIMAL_TEXT(STORE_RECORDING_MAX),
	};

	if (!fits) {
		done(STORE_OK, 0, 0, arg); /* nobody has so long a name */
		return;
	}
	recording_query(s,
			&(struct script_call){ .id = SCRIPT_RECORDING_READ,
					       .args = args,
					       .keys = 2,
					       .n = COUNT_OF(args),
					       .deadline_ns = RECORDING_LIMIT_NS },
			recordings_listed,
			&(struct recording_list){ .each = each, .done = done, .arg = arg });
}

void store_recording_get(struct store_shared *s, struct bytes tenant, struct bytes day,
			 struct bytes name, store_recording_fn *each, store_done_fn *done,
			 void *arg)
{
	char key[STORE_KEY_MAX];
	const struct bytes args[] = { recording_key(key, tenant, "of", day), name,
				      DECIMAL_TEXT(STORE_RECORDING_MAX) };

	recording_query(s,
			&(struct script_call){ .id = SCRIPT_RECORDING_GET,
					       .args = args,
					       .keys = 1,
					       .n = COUNT_OF(args),
					       .deadline_ns = RECORDING_LIMIT_NS },
			recording_days_listed,
			&(struct recording_list){ .each = each, .done = done, .arg = arg });
}
