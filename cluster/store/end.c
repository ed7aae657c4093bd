/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ends of calls, so that each CDR is in the stream once, whatever fails.
 *
 * Each end has a number. Redis remembers the numbers of the ends it carried out, so sending one
 * again does nothing; and it forgets those below the lowest number that may be sent again
 * (settled), so its memory of them stays small. An end may be sent again while it waits for its
 * answer, while it lies in the spool, and for some seconds after Redis acknowledged it, out of the
 * spool or not: a Redis that is killed may lose what its file or its replica had not got yet, and
 * the owner then sends it again.
 *
 * Another node may have the shard before Redis has an end. Then the record is live there, and
 * nobody would end it: phones have sent their BYE to us. So the end stays in our spool, and goes to
 * Redis by lua/call_left.lua. The new owner finds the call among those that have ended
 * (lua/calls_check.lua).
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "cluster/record.h"
#include "cluster/store/state.h"

/* By then all holders of an end have seen it: a second end by mistake is found for so long. */
#define END_SAVED_NS (60 * NS_PER_S)

void settled_note(struct settled *s, uint64_t next, uint64_t now_ns)
{
	uint32_t newest = (s->taken - 1) % SETTLED_SAMPLES;
	uint32_t at = s->taken % SETTLED_SAMPLES;

	if (s->taken && now_ns - s->samples[newest].at_ns < NS_PER_S)
		return;
	s->samples[at].at_ns = now_ns;
	s->samples[at].next = next;
	s->taken++;
}

uint64_t settled_below(const struct settled *s, uint64_t now_ns)
{
	uint32_t n = s->taken < SETTLED_SAMPLES ? s->taken : SETTLED_SAMPLES;

	for (uint32_t i = 1; i <= n; i++) {
		uint32_t at = (s->taken - i) % SETTLED_SAMPLES;

		if (now_ns - s->samples[at].at_ns >= END_SAVED_NS)
			return s->samples[at].next;
	}
	return 0;
}

enum end_state {
	END_SENT,
	END_SPOOLING,
	END_KEPT,  /* in memory only: the disk did not take it, or Redis not again */
	END_ACKED, /* in Redis */
};

enum {
	ENDS_MAX = 1 << 16,
	END_KEYS = 7,
	END_ARGS = END_KEYS + 5,
	NUMBER_TEXT = 24,
	EPOCH_SHIFT = 32, /* numbers of a later epoch are higher */
};

/* In numbers of ends after the lease had lapsed: nobody was told of them. */
#define END_PAST (UINT64_C(1) << 31)
/* Above all numbers of ends of an epoch: an end with it is remembered as long as that lasts. */
#define END_LAST (END_PAST - 1)

/* Two failovers may follow each other, and the second may promote a server that missed one. */
#define ACKED_NS (10 * NS_PER_S)
/* Nobody waits for these, and they go all at once. */
#define RESEND_NS (2 * NS_PER_S)

/* Waits for an end: a call without an answer in time asks again. */
struct end_waiter {
	struct end_waiter *next;
	store_done_fn *done;
	void *arg;
};

struct store_end {
	struct store_end *next, **at;
	struct store_shard *s;
	struct end_waiter *waiters; /* those who were not answered yet */
	uint64_t acked_ns;
	enum end_state state;
	bool again;  /* store_ended */
	bool warned; /* that it is in memory alone */
	struct spool_entry entry;
	uint8_t fields[];
};

/* What was taken out of the spool may be sent again: for so long what is lower is not settled. */
static bool taken_lately(const struct store_ends *ends, uint64_t now_ns)
{
	return ends->taken_ns && now_ns - ends->taken_ns < ACKED_NS + RESEND_NS + NS_PER_S;
}

/* ---- the list ---- */

/* Ids of calls grow by one: all bits have to be told apart. */
static uint64_t hash_of(uint64_t call)
{
	return call * UINT64_C(0x9e3779b97f4a7c15);
}

static int end_add(struct store_shard *s, struct store_end *end)
{
	int err = table_put(&s->ends.by_call, hash_of(end->entry.call), (uintptr_t)end);

	if (err)
		return err;
	end->at = s->ends.end;
	*end->at = end;
	s->ends.end = &end->next;
	s->ends.count++;
	return 0;
}

/* NULL: it has not ended lately. */
static struct store_end *end_find(const struct store_shard *s, uint64_t call)
{
	uint32_t cursor = 0;
	uint64_t value;

	while ((value = table_next(&s->ends.by_call, hash_of(call), &cursor)) != 0) {
		struct store_end *end = (struct store_end *)(uintptr_t)value;

		if (end->entry.call == call)
			return end;
	}
	return NULL;
}

static void end_free(struct store_end *end)
{
	struct store_ends *ends = &end->s->ends;

	*end->at = end->next;
	if (end->next) {
		end->next->at = end->at;
	} else {
		ends->end = end->at;
	}
	ends->count--;
	(void)table_del(&ends->by_call, hash_of(end->entry.call), (uintptr_t)end);
	assert(!end->waiters);
	free(end);
}

static int end_await(struct store_end *end, store_done_fn *done, void *arg)
{
	struct end_waiter *w = malloc(sizeof(*w));

	if (!w)
		return -ENOMEM;
	*w = (struct end_waiter){ end->waiters, done, arg };
	end->waiters = w;
	return 0;
}

static void end_answer(struct store_end *end, enum store_result result)
{
	struct end_waiter *w = end->waiters, *next;
	uint64_t call = end->entry.call, number = end->entry.number;

	end->waiters = NULL;
	for (; w; w = next) {
		next = w->next;
		if (w->done)
			w->done(result, call, number, w->arg);
		free(w);
	}
}

/* Acknowledged long enough ago. An overfull list drops ends that are in Redis already first. */
static void ends_trim(struct store_shard *s, uint64_t now_ns)
{
	struct store_end *end;

	while ((end = s->ends.first) != NULL && end->state == END_ACKED &&
	       (now_ns - end->acked_ns >= ACKED_NS || s->ends.count > ENDS_MAX))
		end_free(end);
}

/* Redis has taken it out of the spool: it may lose it yet, as any other. */
static void store_end_taken(struct store_shard *s, const struct spool_entry *entry)
{
	struct store_ends *ends = &s->ends;
	struct store_end *end = NULL;
	uint64_t now_ns = clock_now_ns();

	ends_trim(s, now_ns);
	if (ends->count < ENDS_MAX)
		end = calloc(1, sizeof(*end) + entry->fields.n);
	if (!end)
		return; /* as one that was acknowledged long ago */
	if (entry->fields.n)
		memcpy(end->fields, entry->fields.p, entry->fields.n);
	end->entry = (struct spool_entry){ entry->number, entry->call,
					   bytes_mem(end->fields, entry->fields.n) };
	end->s = s;
	end->state = END_ACKED;
	end->acked_ns = now_ns;
	if (end_add(s, end)) {
		free(end);
		return;
	}
	if (!taken_lately(ends, now_ns) || entry->number < ends->taken_low)
		ends->taken_low = entry->number;
	ends->taken_ns = now_ns;
}

/* ---- what is settled ---- */

uint64_t store_ends_settled(struct store_shard *s)
{
	uint64_t now_ns = clock_now_ns();
	uint64_t low = settled_below(&s->ends.settled, now_ns);

	settled_note(&s->ends.settled, s->ends.next, now_ns);
	if (s->ends.first && s->ends.first->entry.number < low)
		low = s->ends.first->entry.number;
	if (taken_lately(&s->ends, now_ns) && s->ends.taken_low < low)
		low = s->ends.taken_low;
	if (spool_lowest(s->spool) < low)
		low = spool_lowest(s->spool);
	return spool_lowest(s->opens.spool) < low ? spool_lowest(s->opens.spool) : low;
}

/* ---- to Redis ---- */

static size_t fields_put(struct bytes *args, struct bytes fields)
{
	struct cdr_field field;
	size_t n = 0;

	while (n + 2 <= (size_t)CDR_FIELDS_MAX * 2 && cdr_field_next(&fields, &field) > 0) {
		args[n++] = field.name;
		args[n++] = field.value;
	}
	return n;
}

/* The four words behind the keys: what they are depends on the script. */
static void end_words(struct bytes args[4], char number[NUMBER_TEXT], char low[NUMBER_TEXT],
		      struct store_shard *s, enum script_id script, uint64_t end)
{
	struct writer wn = writer_over(number, NUMBER_TEXT), wl = writer_over(low, NUMBER_TEXT);

	if (script == SCRIPT_CALL_LEFT) {
		writer_u64(&wn, end >> EPOCH_SHIFT);
		args[0] = writer_done(&wn);
		args[2] = bytes_str(end & END_PAST ? "past" : "");
		args[3] = bytes_str(s->settings.identity.id);
		return;
	}
	writer_u64(&wn, end);
	writer_u64(&wl, store_ends_settled(s));
	args[2] = writer_done(&wn);
	args[3] = writer_done(&wl);
}

void store_end_send(struct store_op *op, enum script_id script, const struct spool_entry *entry,
		    uint64_t deadline_ns)
{
	struct store_shard *s = store_shard_of(op);
	char keys[END_KEYS][STORE_KEY_MAX], id[BASE32_U64_LEN], fence[LEASE_FENCE_TEXT];
	char number[NUMBER_TEXT], low[NUMBER_TEXT];
	struct bytes args[END_ARGS + 2 * CDR_FIELDS_MAX] = {
		store_key_shard(keys[0], s, "lease"),
		store_key_shard(keys[1], s, "calls"),
		store_key_call(keys[2], s, entry->call),
		store_key_shard(keys[3], s, "cdr"),
		store_key_shard(keys[4], s, "ended"),
		store_key_shard(keys[5], s, "rec"),
		store_key_toll(keys[6], s, cdr_toll_day(entry->fields)),
		store_fence(s, fence),
		bytes_mem(id, sizeof(id)),
	};

	base32_u64_put(id, entry->call);
	end_words(args + END_KEYS, number, low, s, script, entry->number);
	args[END_KEYS + 4] = bytes_str(store_stream_kept(s->shared, CDR_STREAM_KEPT));
	store_op_run(op, &(struct script_call){ .id = script,
						.args = args,
						.keys = END_KEYS,
						.n = END_ARGS +
						     fields_put(args + END_ARGS, entry->fields),
						.deadline_ns = deadline_ns });
}

/* ---- to the spool ---- */

static void end_lost(struct store_end *end)
{
	metric_add(end->s->base.metrics.cdr_lost, cdr_count(end->entry.fields));
	LOG_ERROR("store", end->entry.call, "CDR lost: neither Redis nor the spool takes it",
		  LOG_STR("next", "see /healthz, Redis, and the disk of node.state_dir"));
	end_answer(end, STORE_UNKNOWN);
	end_free(end);
}

static void on_spooled(int err, void *arg)
{
	struct store_end *end = arg;
	struct store_shard *s = end->s;

	store_enter(&s->base);
	if (!err) {
		metric_add(s->base.metrics.cdr_spooled, cdr_count(end->entry.fields));
		metric_set(s->base.metrics.cdr_waiting, 1);
		store_open_settled(s, end->entry.call);
		end_answer(end, STORE_OK);
		end_free(end);
		if (!s->base.closing)
			store_replay_start(s);
	} else if (s->base.closing || s->ends.count > ENDS_MAX) {
		end_lost(end);
	} else {
		if (!end->warned)
			LOG_ERROR("store", end->entry.call, "CDR not spooled: kept in memory",
				  LOG_STR("error", strerror(-err)),
				  LOG_STR("next", "look at the disk of node.state_dir: a node that "
						  "is killed now loses it"));
		end->warned = true; /* it is tried again each second */
		end->state = END_KEPT;
		end_answer(end, STORE_UNKNOWN);
	}
	store_leave(&s->base);
}

static void end_spool(struct store_end *end)
{
	end->state = END_SPOOLING;
	spool_append(end->s->spool, &end->entry, on_spooled, end);
}

/* ---- the answer ---- */

static void end_acked(struct store_end *end, const struct store_answer *a)
{
	const struct store_metrics *m = &end->s->base.metrics;

	metric_add(a->version ? m->cdr_sent : m->cdr_again, cdr_count(end->entry.fields));
	end->state = END_ACKED;
	store_open_settled(end->s, end->entry.call);
	end->acked_ns = clock_now_ns();
	end_answer(end, STORE_OK);
}

static void end_finish(struct store_op *op, const struct store_answer *a)
{
	struct store_end *end = op->arg;

	switch (a->result) {
	case STORE_OK:
		end_acked(end, a);
		break;
	case STORE_FENCED:
		end_answer(end, STORE_FENCED);
		end_spool(end);
		break;
	case STORE_CONFLICT:
	case STORE_UNKNOWN:
	case STORE_REFUSED:
		end_spool(end);
		break;
	}
}

/* NULL: it went to the spool. */
static struct store_op *end_op(struct store_end *end)
{
	struct store_op *op = store_op_new(&end->s->base, sizeof(*op), end_finish);

	if (!op) {
		end_spool(end);
		return NULL;
	}
	end->state = END_SENT;
	op->arg = end;
	return op;
}

/* A former owner may send an end at any time later: a repaired node still has its spool. */
static void end_send(const struct store_end *end, struct store_op *op, uint64_t deadline_ns)
{
	struct spool_entry entry = end->entry;

	if (end->again)
		entry.number |= END_LAST;
	store_end_send(op, SCRIPT_CALL_END, &entry, deadline_ns);
}

/* Redis may have it already. */
static void end_send_again(struct store_end *end)
{
	struct store_op *op = end_op(end);

	if (op)
		end_send(end, op, RESEND_NS);
}

void store_ends_resend(struct store_shard *s)
{
	/* The next process of Redis may lack what the last one acknowledged. The same process lost
	 * only what was deleted by hand: then the CDRs were in the stream, and its readers would
	 * read them again. */
	bool anew = !s->run_id[0] || strcmp(s->ends.run_id, s->run_id) != 0;
	uint64_t now_ns = clock_now_ns();

	memcpy(s->ends.run_id, s->run_id, sizeof(s->run_id));
	ends_trim(s, now_ns);
	if (anew && taken_lately(&s->ends, now_ns))
		s->ends.taken_ns = now_ns;
	for (struct store_end *end = s->ends.first, *next; end; end = next) {
		next = end->next;
		if (end->state == END_KEPT || (end->state == END_ACKED && anew))
			end_send_again(end);
	}
}

/* ---- end of the store ---- */

void store_ends_close(struct store_shard *s)
{
	for (struct store_end *end = s->ends.first, *next; end; end = next) {
		next = end->next;
		if (end->state == END_KEPT)
			end_spool(end);
	}
}

int store_ends_open(struct store_shard *s)
{
	s->ends.end = &s->ends.first;
	return table_open(&s->ends.by_call, 2 * ENDS_MAX);
}

void store_ends_free(struct store_shard *s)
{
	while (s->ends.first) {
		end_answer(s->ends.first, STORE_UNKNOWN);
		end_free(s->ends.first);
	}
	table_close(&s->ends.by_call);
}

/* ---- a call ends ---- */

/* A later epoch has higher ones than any earlier one. */
uint64_t store_end_number(struct store_shard *s, uint64_t at_ns)
{
	if (s->ends.next < s->lease.epoch.counter << EPOCH_SHIFT)
		s->ends.next = s->lease.epoch.counter << EPOCH_SHIFT;
	if ((s->ends.next & END_LAST) == END_LAST) /* those of this one are used up */
		s->ends.next += END_PAST + 1;
	return s->ends.next++ | (lease_covers(&s->lease, at_ns) ? 0 : END_PAST);
}

static struct store_end *end_new(struct store_shard *s, uint64_t call, const struct store_ended *e)
{
	const struct store_field *cdr = e->cdr;
	size_t n = e->fields;
	struct store_end *end;
	struct writer w;
	size_t size = 0;

	for (size_t i = 0; i < n; i++)
		size += cdr_field_size(&(struct cdr_field){ bytes_str(cdr[i].name), cdr[i].value });
	end = n <= CDR_FIELDS_MAX && size <= SPOOL_FIELDS_MAX ? calloc(1, sizeof(*end) + size)
							      : NULL;
	if (!end)
		return NULL;
	w = writer_over(end->fields, size);
	for (size_t i = 0; i < n; i++)
		cdr_field_write(&w, &(struct cdr_field){ bytes_str(cdr[i].name), cdr[i].value });
	assert(!w.overflow);
	end->entry =
		(struct spool_entry){ store_end_number(s, e->ended_ns), call, writer_done(&w) };
	end->s = s;
	end->again = e->again;
	if (end_add(s, end)) {
		free(end);
		return NULL;
	}
	return end;
}

static void end_refuse(struct store_shard *s, uint64_t call, enum store_result result,
		       store_done_fn *done, void *arg)
{
	struct store_op *op = store_op_user(&s->base, done, arg, call, 0);

	if (op)
		store_op_fail(op, result);
}

static void end_dispatch(struct store_end *end)
{
	struct store_op *op;

	if (!store_is_healthy(end->s)) {
		end_spool(end);
	} else if ((op = end_op(end)) != NULL &&
		   (end->again || cdr_toll_day(end->entry.fields).n)) {
		/* nothing else of the call is on its way: it is in order without the batch */
		end_send(end, op, end->s->base.deadline_ns);
	} else if (op) {
		store_batch_end(op, &end->entry);
	}
}

/* Asked for again: the first one's answer is the answer. */
static void end_join(struct store_end *end, store_done_fn *done, void *arg)
{
	if (end->state == END_ACKED || end_await(end, done, arg))
		end_refuse(end->s, end->entry.call,
			   end->state == END_ACKED ? STORE_OK : STORE_UNKNOWN, done, arg);
	else if (end->state == END_KEPT && store_is_healthy(end->s))
		end_send_again(end);
	else if (end->state == END_KEPT)
		end_spool(end);
}

static void end_start(struct store_shard *s, uint64_t call, const struct store_ended *e,
		      store_done_fn *done, void *arg)
{
	struct store_end *end = end_new(s, call, e);

	if (end && end_await(end, done, arg) == 0) {
		end_dispatch(end);
		return;
	}
	if (end)
		end_free(end);
	metric_add(s->base.metrics.cdr_lost, 1);
	LOG_ERROR("store", call, "CDR lost: too large, or no memory", LOG_U64("fields", e->fields));
	end_refuse(s, call, STORE_REFUSED, done, arg);
}

void store_call_end(struct store_shard *s, uint64_t call, const struct store_ended *e,
		    store_done_fn *done, void *arg)
{
	struct store_end *end;

	store_enter(&s->base);
	ends_trim(s, clock_now_ns());
	end = end_find(s, call);
	if (store_is_fenced(s))
		end_refuse(s, call, STORE_FENCED, done, arg);
	else if (end)
		end_join(end, done, arg);
	else
		end_start(s, call, e, done, arg);
	store_leave(&s->base);
}

/* The spool's way back into Redis, segment by segment from the oldest on. A segment goes only when
 * Redis has taken all of it; begun again after a failure or a crash, what Redis has already changes
 * nothing (above). If another node has the shard, the ends are left to that node. */

enum { REPLAYED_AT_ONCE = 64 };
#define REPLAY_SEND_NS (5 * NS_PER_S)
#define RETRY_NS       (2 * NS_PER_S)

static void replay_send_next(struct store_shard *s);

static void stop(struct store_shard *s)
{
	struct store_replay *r = &s->replay;

	free(r->segment);
	r->segment = NULL;
	r->left = false;
	r->state = STORE_REPLAY_IDLE;
}

/* If another node has got the shard, it records the ends, and loads wait for that. */
static void retry_later(struct store_shard *s)
{
	bool ours = s->replay.left && store_is_healthy(s);

	stop(s);
	s->replay.retry_ns = clock_now_ns() + (ours ? 0 : RETRY_NS);
	if (!ours)
		store_loads_resume(s, false);
}

static void replay_on_removed(int err, void *arg)
{
	struct store_shard *s = arg;

	store_enter(&s->base);
	stop(s);
	if (err && !s->base.closing) {
		LOG_ERROR("store", 0, "spool file not removed", LOG_STR("error", strerror(-err)));
		retry_later(s);
	} else if (!s->base.closing) {
		store_replay_start(s);
	}
	store_leave(&s->base);
}

static void segment_done(struct store_shard *s)
{
	struct store_replay *r = &s->replay;

	if (r->failed) {
		retry_later(s);
		return;
	}
	r->state = STORE_REPLAY_BUSY;
	spool_remove(s->spool, r->number, r->damaged, replay_on_removed, s);
}

struct replay_op {
	struct store_op op;
	struct spool_entry entry; /* in the segment */
};

static void replay_send_finish(struct store_op *op, const struct store_answer *a)
{
	const struct replay_op *sent = (const struct replay_op *)op;
	struct store_shard *s = store_shard_of(op);
	struct store_replay *r = &s->replay;

	r->in_flight--;
	if (a->result == STORE_OK) {
		metric_add(a->version ? s->base.metrics.cdr_sent : s->base.metrics.cdr_again,
			   cdr_count(sent->entry.fields));
		if (!r->left)
			store_end_taken(s, &sent->entry);
	} else {
		r->failed = true;
	}
	if (!s->base.closing)
		replay_send_next(s);
}

static void replay_entry_send(struct store_shard *s, const struct spool_entry *entry)
{
	struct store_op *op = store_op_new(&s->base, sizeof(struct replay_op), replay_send_finish);

	if (!op) {
		s->replay.failed = true;
		return;
	}
	((struct replay_op *)op)->entry = *entry;
	s->replay.in_flight++;
	store_end_send(op, s->replay.left ? SCRIPT_CALL_LEFT : SCRIPT_CALL_END, entry,
		       REPLAY_SEND_NS);
}

static void damage_note(struct store_shard *s, int err)
{
	/* a crash tore it off while it was written: nobody was told yet that it was safe */
	if (err == -ENODATA) {
		LOG_WARN("store", 0, "spool file torn at its end",
			 LOG_U64("file", s->replay.number));
		return;
	}
	if (!s->replay.damaged) {
		LOG_ERROR("store", 0, "spool file damaged: kept aside",
			  LOG_U64("file", s->replay.number));
	}
	s->replay.damaged = true;
	metric_add(s->base.metrics.spool_broken, 1);
}

static void replay_send_next(struct store_shard *s)
{
	struct store_replay *r = &s->replay;
	struct spool_entry entry;
	int got = 1;

	while (!r->failed && r->in_flight < REPLAYED_AT_ONCE && got != 0) {
		got = spool_entry_next(&r->rest, &entry);
		if (got > 0) {
			replay_entry_send(s, &entry);
		} else if (got < 0) {
			damage_note(s, got);
		}
	}
	if (r->in_flight == 0)
		segment_done(s);
}

static int replay_load_segment(struct store_replay *r, uint64_t number, struct bytes segment,
			       bool left)
{
	r->segment = malloc(segment.n + 1);
	if (!r->segment)
		return -ENOMEM;
	if (segment.n)
		memcpy(r->segment, segment.p, segment.n);
	r->rest = bytes_mem(r->segment, segment.n);
	r->number = number;
	r->failed = r->damaged = false;
	r->left = left;
	r->in_flight = 0;
	r->state = STORE_REPLAY_SENDING;
	return 0;
}

static void replay_is_over(struct store_shard *s)
{
	if (store_is_healthy(s) && store_opens_replay(s))
		store_loads_resume(s, true);
}

static void replay_on_segment(int err, uint64_t number, struct bytes segment, void *arg)
{
	struct store_shard *s = arg;

	store_enter(&s->base);
	s->replay.state = STORE_REPLAY_IDLE;
	metric_set(s->base.metrics.cdr_waiting, !spool_is_empty(s->spool));
	if (!err)
		err = replay_load_segment(&s->replay, number, segment, !store_is_healthy(s));
	if (s->base.closing) {
		stop(s);
	} else if (!err) {
		replay_send_next(s);
	} else if (err != -ENOENT || !spool_is_empty(s->spool)) {
		retry_later(s);
	} else {
		replay_is_over(s);
	}
	store_leave(&s->base);
}

/* Not while Redis is asked for the owner: then it is known soon. */
static bool replay_may_start(const struct store_shard *s)
{
	enum lease_state state = s->lease.state;

	return state == LEASE_HELD ||
	       (s->base.guest.redis && redis_is_connected(s->base.guest.redis) &&
		(state == LEASE_IDLE || state == LEASE_FENCED || state == LEASE_LAPSED));
}

void store_replay_start(struct store_shard *s)
{
	struct store_replay *r = &s->replay;

	r->retry_ns = UINT64_MAX;
	if (r->state != STORE_REPLAY_IDLE)
		return;
	if (spool_is_empty(s->spool)) {
		replay_is_over(s);
	} else if (replay_may_start(s)) {
		r->state = STORE_REPLAY_BUSY;
		spool_read(s->spool, replay_on_segment, s);
	} else {
		r->retry_ns = clock_now_ns() + RETRY_NS;
	}
}
