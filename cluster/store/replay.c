/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spool's way back into Redis, segment by segment from the oldest on. A segment goes only when Redis has taken all of
 * it; begun again after a failure or a crash, what Redis has already changes nothing (store_end.c).
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "cluster/cdr.h"
#include "cluster/store/state.h"

enum { REPLAYED_AT_ONCE = 64 };
#define REPLAY_SEND_NS (5 * NS_PER_S)
#define RETRY_NS       (2 * NS_PER_S)

static void replay_send_next(struct store_shard *s);

static void stop(struct store_shard *s)
{
	struct store_replay *r = &s->replay;

	free(r->segment);
	r->segment = NULL;
	r->state = STORE_REPLAY_IDLE;
}

static void retry_later(struct store_shard *s)
{
	stop(s);
	s->replay.retry_ns = clock_now_ns() + RETRY_NS;
	store_loads_resume(s, false);
}

static void replay_on_removed(int err, void *arg)
{
	struct store_shard *s = arg;

	store_enter(&s->base);
	stop(s);
	if (err && !s->base.closing) {
		LOG_ERROR("store", 0, "spool file not removed", LOG_INT("err", err));
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
	store_end_send(op, SCRIPT_CALL_END, entry, REPLAY_SEND_NS);
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

static int segment_take(struct store_replay *r, uint64_t number, struct bytes segment)
{
	r->segment = malloc(segment.n + 1);
	if (!r->segment)
		return -ENOMEM;
	if (segment.n)
		memcpy(r->segment, segment.p, segment.n);
	r->rest = bytes_mem(r->segment, segment.n);
	r->number = number;
	r->failed = r->damaged = false;
	r->in_flight = 0;
	r->state = STORE_REPLAY_SENDING;
	return 0;
}

static void replay_on_segment(int err, uint64_t number, struct bytes segment, void *arg)
{
	struct store_shard *s = arg;

	store_enter(&s->base);
	s->replay.state = STORE_REPLAY_IDLE;
	metric_set(s->base.metrics.cdr_waiting, !spool_is_empty(s->spool));
	if (!err)
		err = segment_take(&s->replay, number, segment);
	if (s->base.closing) {
		stop(s);
	} else if (!err) {
		replay_send_next(s);
	} else if (err != -ENOENT || !spool_is_empty(s->spool)) {
		retry_later(s);
	} else if (store_opens_replay(s)) {
		store_loads_resume(s, true);
	}
	store_leave(&s->base);
}

void store_replay_start(struct store_shard *s)
{
	struct store_replay *r = &s->replay;

	r->retry_ns = UINT64_MAX;
	if (r->state != STORE_REPLAY_IDLE || !store_is_healthy(s))
		return;
	if (spool_is_empty(s->spool)) {
		if (store_opens_replay(s))
			store_loads_resume(s, true);
		return;
	}
	r->state = STORE_REPLAY_BUSY;
	spool_read(s->spool, replay_on_segment, s);
}
