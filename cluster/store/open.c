/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that were answered while Redis was away: nothing in Redis would tell of them if the node were killed now. So their CDR, as far
 * as it is known, goes to a spool of its own. It is forgotten once each such call was saved or has ended; what a killed process
 * left, the next start makes CDRs of, after the ends that were spooled and before any call is loaded.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "cluster/cdr.h"
#include "cluster/store/state.h"

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
		LOG_ERROR("store", 0, "an answered call is not in the spool", LOG_INT("err", err));
	else
		metric_add(s->base.metrics.cdr_open, 1);
}

static void entry_note(struct store_shard *s, uint64_t call, const struct store_field *cdr,
		       size_t n)
{
	struct spool_entry entry = { .number = store_end_number(s), .call = call };
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

/* What is noted meanwhile goes to a later file, for the one that is read is not written any more. */
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
