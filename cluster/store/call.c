/* SPDX-License-Identifier: Apache-2.0 */
/* Records of calls: saved under the lease of their shard, and checked and moved from the form of
 * older programs before a load. Calls answered while Redis is away are noted in a spool, so that a
 * killed process loses no CDR. Also costs of calls by day, in a hash of the shard. */

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "base/log.h"
#include "cluster/record.h"
#include "cluster/store/state.h"

/* Records of calls as older programs had them: a key for each, and a set of their ids. Before calls
 * are loaded they are moved into the one hash. A record of a later format stays in place, so that
 * an older program reports it and ends, instead of finding no call. */

enum { MOVE_WINDOW = 8, HEAD_KEYS = 4, MOVE_ARGS = 2, MARKER_MAX = 64 };

#define MARKER  "moved"
#define MOVE_NS (5 * NS_PER_S)

/* One move. */
struct move {
	store_done_fn *done;
	void *arg;
	uint32_t in_flight, aside;
	enum store_result result;
};

static void move_over(struct store_shard *s, struct move *m)
{
	if (--m->in_flight)
		return;
	if (m->aside) {
		s->calls_aside += m->aside;
		metric_add(s->base.metrics.broken, m->aside);
		LOG_ERROR("store", 0, "keys of calls that are no records are set aside",
			  LOG_U64("keys", m->aside));
	}
	m->done(m->result, 0, 0, m->arg);
	free(m);
}

static void window_finish(struct store_op *op, const struct store_answer *a)
{
	struct move *m = op->arg;

	if (a->result == STORE_OK)
		m->aside += (uint32_t)a->version;
	else
		m->result = a->result;
	move_over(store_shard_of(op), m);
}

/* Whole, and of a format that nobody has. */
static struct bytes marker_write(uint8_t space[MARKER_MAX])
{
	struct writer w = writer_over(space, MARKER_MAX);

	record_seal_later(&w);
	return writer_done(&w);
}

static void window_send(struct store_shard *s, struct move *m, const struct bytes *ids, size_t n)
{
	struct store_op *op = store_op_new(&s->base, sizeof(*op), window_finish);
	char head[HEAD_KEYS][STORE_KEY_MAX], keys[MOVE_WINDOW][STORE_KEY_MAX],
		fence[LEASE_FENCE_TEXT];
	struct bytes args[HEAD_KEYS + MOVE_ARGS + 2 * MOVE_WINDOW];
	uint8_t marker[MARKER_MAX];

	if (!op) {
		m->result = STORE_UNKNOWN;
		return;
	}
	args[0] = store_key_shard(head[0], s, "lease");
	args[1] = store_key_shard(head[1], s, "calls");
	args[2] = store_key_shard(head[2], s, "rec");
	args[3] = store_key_call_named(head[3], s, BYTES_LIT(MARKER));
	for (size_t i = 0; i < n; i++)
		args[HEAD_KEYS + i] = store_key_call_named(keys[i], s, ids[i]);
	args[HEAD_KEYS + n] = store_fence(s, fence);
	args[HEAD_KEYS + n + 1] = marker_write(marker);
	for (size_t i = 0; i < n; i++)
		args[HEAD_KEYS + MOVE_ARGS + n + i] = ids[i];
	op->arg = m;
	m->in_flight++;
	store_op_run(op, &(struct script_call){ .id = SCRIPT_CALLS_MOVE,
						.args = args,
						.keys = HEAD_KEYS + n,
						.n = HEAD_KEYS + MOVE_ARGS + 2 * n,
						.deadline_ns = MOVE_NS });
}

/* One window at least: for the marker. */
static void windows_send(struct store_shard *s, struct move *m, const struct redisReply *reply)
{
	size_t count = redis_reply_count(reply), i = 0;
	struct bytes ids[MOVE_WINDOW];

	do {
		size_t n = 0;

		for (; i < count && n < MOVE_WINDOW; i++) {
			struct bytes id = redis_reply_text(redis_reply_at(reply, i));

			if (!bytes_is(id, MARKER))
				ids[n++] = id;
		}
		window_send(s, m, ids, n);
	} while (i < count);
	if (count > 1)
		LOG_INFO("store", 0, "records of an older program are moved",
			 LOG_U64("calls", count));
}

static void move_list_finish(struct store_op *op, const struct store_answer *a)
{
	struct move *m = op->arg;

	m->result = a->result;
	if (a->result == STORE_OK && !op->base->closing)
		windows_send(store_shard_of(op), m, a->reply);
	move_over(store_shard_of(op), m);
}

void store_calls_move(struct store_shard *s, store_done_fn *done, void *arg)
{
	struct move *m = calloc(1, sizeof(*m));
	struct store_op *op = m ? store_op_new(&s->base, sizeof(*op), move_list_finish) : NULL;
	char key[STORE_KEY_MAX];
	const struct bytes args[] = { BYTES_LIT("SMEMBERS"), store_key_shard(key, s, "calls") };

	if (!op) {
		free(m);
		done(STORE_UNKNOWN, 0, 0, arg);
		return;
	}
	*m = (struct move){ .done = done, .arg = arg, .in_flight = 1 };
	op->arg = m;
	store_op_command(op, args, COUNT_OF(args), MOVE_NS);
}

/*
 * Calls that were answered while Redis was away: Redis would know nothing of them if the node were
 * killed now. So their CDR, as far as it is known, goes to a spool of its own. It is dropped once
 * each such call was saved or has ended; from what a killed process left, the next start makes
 * CDRs, after the spooled ends and before any call is loaded.
 */

enum { OPEN_WINDOW = 64, PENDING_FIRST = 64, PENDING_MAX = 1 << 20 };
#define OPEN_SEND_NS (5 * NS_PER_S)

static void replay_pump(struct store_shard *s);

/* ---- calls of this process ---- */

static int pending_add(struct store_opens *o, uint64_t call)
{
	uint64_t *more;

	if (o->count == o->capacity) {
		uint32_t capacity = o->capacity ? 2 * o->capacity : PENDING_FIRST;

		more = capacity <= PENDING_MAX ? malloc(capacity * sizeof(*more)) : NULL;
		if (!more)
			return -ENOMEM;
		if (o->count)
			memcpy(more, o->pending, o->count * sizeof(*more));
		free(o->pending);
		o->pending = more;
		o->capacity = capacity;
	}
	o->pending[o->count++] = call;
	return 0;
}

static void on_noted(int err, void *arg)
{
	struct store_shard *s = arg;

	if (err)
		LOG_ERROR("store", 0, "an answered call is not in the spool",
			  LOG_STR("error", strerror(-err)),
			  LOG_STR("next",
				  "look at the disk of node.state_dir: killed now, the node "
				  "writes no CDR of it"));
	else
		metric_add(s->base.metrics.cdr_open, 1);
}

static void entry_note(struct store_shard *s, uint64_t call, const struct store_field *cdr,
		       size_t n)
{
	struct spool_entry entry = { .number = store_end_number(s, clock_now_ns()), .call = call };
	struct writer w;
	size_t size = 0;
	uint8_t *fields;

	for (size_t i = 0; i < n; i++)
		size += cdr_field_size(&(struct cdr_field){ bytes_str(cdr[i].name), cdr[i].value });
	fields = size <= SPOOL_FIELDS_MAX ? malloc(size + 1) : NULL;
	if (!fields)
		return;
	w = writer_over(fields, size);
	for (size_t i = 0; i < n; i++)
		cdr_field_write(&w, &(struct cdr_field){ bytes_str(cdr[i].name), cdr[i].value });
	entry.fields = writer_done(&w);
	spool_append(s->opens.spool, &entry, on_noted, s);
	free(fields);
}

void store_call_open(struct store_shard *s, uint64_t call, const struct store_field *cdr, size_t n)
{
	struct store_opens *o = &s->opens;
	bool ours = o->state == STORE_OPENS_DONE || o->state == STORE_OPENS_BUSY;

	store_enter(&s->base);
	if (ours && !store_is_fenced(s) && !s->base.closing && pending_add(o, call) == 0) {
		o->stored = true;
		entry_note(s, call, cdr, n);
	}
	store_leave(&s->base);
}

/* ---- nothing is pending: the files go ---- */

static void clear_next(struct store_shard *s);

static void on_cleared(int err, void *arg)
{
	struct store_shard *s = arg;

	store_enter(&s->base);
	s->opens.state = STORE_OPENS_DONE;
	if (!err && !s->base.closing)
		clear_next(s);
	store_leave(&s->base);
}

static void on_to_clear(int err, uint64_t number, struct bytes segment, void *arg)
{
	struct store_shard *s = arg;

	(void)segment;
	store_enter(&s->base);
	s->opens.state = STORE_OPENS_DONE;
	if (err) {
		if (err == -ENOENT)
			s->opens.stored = false;
	} else if (!s->base.closing) {
		s->opens.state = STORE_OPENS_BUSY;
		spool_remove(s->opens.spool, number, false, on_cleared, s);
	}
	store_leave(&s->base);
}

/* Calls noted meanwhile go to a later file: the one that is read gets no more entries. */
static void clear_next(struct store_shard *s)
{
	struct store_opens *o = &s->opens;

	if (o->state != STORE_OPENS_DONE || !o->stored || o->count)
		return;
	o->state = STORE_OPENS_BUSY;
	spool_read(o->spool, on_to_clear, s);
}

void store_open_settled(struct store_shard *s, uint64_t call)
{
	struct store_opens *o = &s->opens;

	for (uint32_t i = 0; i < o->count; i++) {
		if (o->pending[i] == call)
			o->pending[i--] = o->pending[--o->count];
	}
	if (!o->count && !s->base.closing)
		clear_next(s);
}

/* ---- what a killed process left ---- */

static void replay_stop(struct store_shard *s, bool done)
{
	struct store_opens *o = &s->opens;

	free(o->segment);
	o->segment = NULL;
	o->state = done ? STORE_OPENS_DONE : STORE_OPENS_UNREAD;
	if (!s->base.closing)
		store_loads_resume(s, done);
}

static void open_on_removed(int err, void *arg)
{
	struct store_shard *s = arg;

	store_enter(&s->base);
	if (err || s->base.closing) {
		replay_stop(s, false);
	} else {
		free(s->opens.segment);
		s->opens.segment = NULL;
		s->opens.state = STORE_OPENS_UNREAD;
		(void)store_opens_replay(s);
	}
	store_leave(&s->base);
}

static void open_send_finish(struct store_op *op, const struct store_answer *a)
{
	struct store_shard *s = store_shard_of(op);
	struct store_opens *o = &s->opens;

	o->in_flight--;
	if (a->result != STORE_OK) {
		o->failed = true;
	} else if (a->version) {
		metric_add(s->base.metrics.cdr_sent, a->version);
		LOG_WARN("store", op->key, "CDR of a call that was answered while Redis was away");
	}
	if (!s->base.closing)
		replay_pump(s);
}

static void open_entry_send(struct store_shard *s, const struct spool_entry *entry)
{
	struct store_op *op = store_op_new(&s->base, sizeof(*op), open_send_finish);

	if (!op) {
		s->opens.failed = true;
		return;
	}
	op->key = entry->call;
	s->opens.in_flight++;
	store_end_send(op, SCRIPT_CALL_OPEN, entry, OPEN_SEND_NS);
}

static void replay_pump(struct store_shard *s)
{
	struct store_opens *o = &s->opens;
	struct spool_entry entry;
	int got = 1;

	while (!o->failed && o->in_flight < OPEN_WINDOW && got != 0) {
		got = spool_entry_next(&o->rest, &entry);
		if (got > 0)
			open_entry_send(s, &entry);
		else if (got < 0)
			LOG_WARN("store", 0, "an entry of an answered call is damaged, or torn",
				 LOG_U64("file", o->number));
	}
	if (o->in_flight)
		return;
	if (o->failed)
		replay_stop(s, false);
	else
		spool_remove(o->spool, o->number, false, open_on_removed, s);
}

static void open_on_segment(int err, uint64_t number, struct bytes segment, void *arg)
{
	struct store_shard *s = arg;
	struct store_opens *o = &s->opens;

	store_enter(&s->base);
	if (!err)
		o->segment = malloc(segment.n + 1);
	if (err || !o->segment || s->base.closing) {
		replay_stop(s, err == -ENOENT);
	} else {
		memcpy(o->segment, segment.p, segment.n);
		o->rest = bytes_mem(o->segment, segment.n);
		o->number = number;
		o->in_flight = 0;
		o->failed = false;
		replay_pump(s);
	}
	store_leave(&s->base);
}

bool store_opens_replay(struct store_shard *s)
{
	struct store_opens *o = &s->opens;

	if (o->state == STORE_OPENS_UNREAD) {
		o->state = STORE_OPENS_REPLAYING;
		spool_read(o->spool, open_on_segment, s);
	}
	return o->state != STORE_OPENS_REPLAYING;
}

/* ---- life ---- */

int store_opens_open(struct store_shard *s)
{
	char dir[sizeof(s->settings.spool_dir) + 8];
	struct writer w = writer_over(dir, sizeof(dir) - 1);

	writer_fmt(&w, "%s-open", s->settings.spool_dir);
	dir[writer_done(&w).n] = '\0';
	return spool_open(&s->opens.spool, dir);
}

void store_opens_close(struct store_shard *s)
{
	spool_close(s->opens.spool); /* answers */
	free(s->opens.segment);
	free(s->opens.pending);
	s->opens = (struct store_opens){ 0 };
}

/* Costs of calls by day: sums in a hash of the shard, which expires two days after the last one. */

enum { TOLL_TEXT = 24 };
/* A start waits: the deadline of a save would end it. */
#define LOAD_LIMIT_NS (10 * NS_PER_S)

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
	return store_key_toll(buf, s, DECIMAL_TEXT(day));
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

/* Nobody waits for the answer. */
#define CALL_CHECK_NS (2 * NS_PER_S)

void store_call_save(struct store_shard *s, uint64_t call, uint64_t version, struct bytes record,
		     store_done_fn *done, void *arg)
{
	struct store_op *op;

	store_enter(&s->base);
	metric_add(s->base.metrics.saves, 1);
	op = store_op_user(&s->base, done, arg, call, version);
	if (op)
		op->call_save = true;
	if (op && store_is_fenced(s)) {
		store_op_fail(op, STORE_FENCED);
	} else if (op) {
		store_batch_save(op, call, version, record);
	}
	store_leave(&s->base);
}

static void extra_save(struct store_shard *s, enum batch_kind kind, uint64_t id, uint64_t version,
		       struct bytes record, store_done_fn *done, void *arg)
{
	struct store_op *op;

	store_enter(&s->base);
	metric_add(s->base.metrics.saves, 1);
	op = store_op_user(&s->base, done, arg, id, version);
	if (op && store_is_fenced(s)) {
		store_op_fail(op, STORE_FENCED);
	} else if (op) {
		store_batch_extra(op, kind, id, version, record);
	}
	store_leave(&s->base);
}

void store_subscription_save(struct store_shard *s, uint64_t id, uint64_t version,
			     struct bytes record, store_done_fn *done, void *arg)
{
	extra_save(s, BATCH_SUBSCRIPTIONS, id, version, record, done, arg);
}

void store_object_save(struct store_shard *s, enum store_objects kind, uint64_t id,
		       uint64_t version, struct bytes record, store_done_fn *done, void *arg)
{
	extra_save(s, BATCH_OBJECTS + (enum batch_kind)kind, id, version, record, done, arg);
}

/* ---- are they still there? ---- */

struct calls_op {
	struct store_op op;
	store_missing_fn *missing;
};

static void calls_notify(const struct calls_op *op, const struct redisReply *ids, size_t first,
			 bool ended)
{
	uint64_t call = 0;

	for (size_t i = first; i < redis_reply_count(ids); i++) {
		if (base32_u64_get(redis_reply_text(redis_reply_at(ids, i)), &call) == 0)
			op->missing(call, ended, op->op.arg);
	}
}

static void calls_finish(struct store_op *op, const struct store_answer *a)
{
	const struct calls_op *calls = (const struct calls_op *)op;

	if (a->result != STORE_OK || op->base->closing)
		return;
	calls_notify(calls, redis_reply_at(a->reply, 2), 0, true);
	calls_notify(calls, a->reply, 3, false);
}

static void calls_send(struct store_op *op, const uint64_t *calls, size_t n)
{
	struct store_shard *s = store_shard_of(op);
	char lease[STORE_KEY_MAX], records[STORE_KEY_MAX], ended[STORE_KEY_MAX],
		fence[LEASE_FENCE_TEXT];
	char ids[STORE_CALLS_CHECKED][BASE32_U64_LEN];
	struct bytes args[4 + STORE_CALLS_CHECKED] = { store_key_shard(lease, s, "lease"),
						       store_key_shard(records, s, "rec"),
						       store_key_shard(ended, s, "ended"),
						       store_fence(s, fence) };

	for (size_t i = 0; i < n; i++) {
		base32_u64_put(ids[i], calls[i]);
		args[4 + i] = bytes_mem(ids[i], BASE32_U64_LEN);
	}
	store_op_run(op, &(struct script_call){ .id = SCRIPT_CALLS_CHECK,
						.args = args,
						.keys = 3,
						.n = 4 + n,
						.deadline_ns = CALL_CHECK_NS });
}

void store_calls_check(struct store_shard *s, const uint64_t *calls, size_t n,
		       store_missing_fn *missing, void *arg)
{
	struct store_op *op;

	assert(n <= STORE_CALLS_CHECKED);
	if (!store_is_healthy(s) || !n)
		return;
	store_enter(&s->base);
	op = store_op_new(&s->base, sizeof(struct calls_op), calls_finish);
	if (op) {
		((struct calls_op *)op)->missing = missing;
		op->arg = arg;
		calls_send(op, calls, n);
	}
	store_leave(&s->base);
}
