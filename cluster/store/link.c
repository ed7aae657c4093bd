/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends the batches of all shards on one link as one transaction: WATCH fences, MULTI, a batch of
 * each shard, EXEC, and WAIT where save_replicas asks for it. store_link_flush runs at the end of
 * each round of the control thread. When a fence changed, EXEC answers nil and nothing happened:
 * the lost shard is told, and the batches of the others leave again (state.h has the protocol).
 */

#include "cluster/store/state.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cluster/redis/buffer.h"

/* Least time between two transactions. */
#define BATCH_PACE_NS (250 * NS_PER_US)
/* Once replicas were behind, nobody waits for them for so long. */
#define ALONE_NS (1 * NS_PER_S)

enum {
	TEXT_MAX = 14 << 20,
	/* of the shards besides the first one: the rest goes next */
	LOAD_MAX = 1 << 20,
	LOAD_COMMANDS_MAX = 4096,
	WATCH_ANSWERS = 2, /* WATCH, MGET */
	WAITS_OF_A_DEADLINE = 2,
};

struct flight_seat {
	struct store_shard *s; /* NULL: closed meanwhile */
	uint32_t commands;     /* of its batch; 0: its fence alone is watched */
	bool took;             /* carried out, and not answered yet: */
	struct batch_answers answers;
};

/* A transaction in flight, or a WATCH alone. It outlives shards that are closed meanwhile. */
struct store_flight {
	struct store_link *link;    /* NULL: it is down, or nobody is left on it */
	uint32_t waits;             /* answers that may still come */
	struct store_answer broken; /* a command was refused before EXEC */
	bool is_broken;
	uint32_t count, commands;
	uint32_t replicas; /* that must have it before it is answered */
	struct flight_seat seats[];
};

/* ---- answers ---- */

/* One of its answers came, or never will. */
static void flight_waits(struct store_flight *f)
{
	assert(f->waits > 0);
	if (--f->waits > 0)
		return;
	if (f->link)
		f->link->flight = NULL;
	free(f);
}

/* To a command that only goes before another: MULTI and what it holds, WATCH. */
static void on_queued(int err, const struct redisReply *reply, void *arg)
{
	struct store_flight *f = arg;

	if (!err && f->link && !f->is_broken && redis_is_error(reply, NULL)) {
		f->broken = store_answer_read(&f->link->shards->base, 0, reply);
		f->is_broken = true;
	}
	flight_waits(f);
}

/* A caller may close its store when it is answered: the flight then no longer refers to it. */
static void exec_answered(const struct store_flight *f, struct flight_seat *seat, int err,
			  const struct redisReply *reply, size_t at)
{
	struct store_shard *s = seat->s;
	struct store_answer a;

	if (err || redis_is_error(reply, NULL)) {
		a = f->is_broken ? f->broken : store_answer_read(&s->base, err, reply);
		store_batch_failed(s, &a);
	} else if (redis_reply_type(reply) == REDIS_TYPE_ARRAY) {
		seat->took = true;
		store_batch_took(s, &seat->answers, reply, at);
	} else {
		store_batch_again(s);
	}
}

/* Replicas have what was carried out, or nobody waits for them. */
static void took_answer(struct store_flight *f)
{
	for (uint32_t i = 0; i < f->count; i++) {
		struct store_shard *s = f->seats[i].took ? f->seats[i].s : NULL;

		f->seats[i].took = false;
		if (!s)
			continue;
		store_enter(&s->base);
		store_batch_answer(s, &f->seats[i].answers);
		store_leave(&s->base);
	}
}

static void on_exec(int err, const struct redisReply *reply, void *arg)
{
	struct store_flight *f = arg;
	size_t at = 0;

	for (uint32_t i = 0; i < f->count; i++) {
		uint32_t commands = f->seats[i].commands;
		struct store_shard *s = commands ? f->seats[i].s : NULL;

		if (s) {
			store_enter(&s->base);
			exec_answered(f, &f->seats[i], err, reply, at);
			store_leave(&s->base);
		}
		at += commands;
	}
	if (!f->replicas)
		took_answer(f);
	flight_waits(f);
}

static bool is_with_replicas(const struct store_flight *f, int err, const struct redisReply *reply)
{
	return !err && redis_reply_type(reply) == REDIS_TYPE_INTEGER &&
	       redis_reply_integer(reply) >= (int64_t)f->replicas;
}

/* Redis has it in any case. Calls do not end because a replica did. */
static void on_replicas(int err, const struct redisReply *reply, void *arg)
{
	struct store_flight *f = arg;

	if (f->link && !is_with_replicas(f, err, reply)) {
		f->link->alone_ns = clock_now_ns() + ALONE_NS;
		metric_add(f->link->shards->base.metrics.behind, 1);
	}
	took_answer(f);
	flight_waits(f);
}

/* Called a second time when it was late: the next one waits for it however long that takes. */
static void on_fences(int err, const struct redisReply *reply, void *arg)
{
	struct store_flight *f = arg;

	if (err == -ETIMEDOUT)
		return;
	for (uint32_t i = 0; i < f->count && !err; i++) {
		struct store_shard *s = f->seats[i].s;

		if (!s || s->batch.state != BATCH_WATCHING)
			continue;
		store_enter(&s->base);
		store_batch_fence(s, redis_reply_text(redis_reply_at(reply, i)),
				  f->is_broken ? &f->broken : NULL);
		store_leave(&s->base);
	}
	flight_waits(f);
}

/* ---- the text ---- */

static int alone_write(struct redis_buffer *to, struct bytes command)
{
	return resp_words(to, &command, 1);
}

static int fences_write(struct redis_buffer *to, const struct store_flight *f, struct bytes command)
{
	char key[STORE_KEY_MAX];
	int err = resp_command(to, 1 + f->count) || resp_text(to, command);

	for (uint32_t i = 0; i < f->count && !err; i++)
		err = resp_text(to, store_key_shard(key, f->seats[i].s, "fence"));
	return err;
}

static int transaction_write(struct redis_buffer *to, const struct store_flight *f)
{
	int err = alone_write(to, BYTES_LIT("MULTI"));

	for (uint32_t i = 0; i < f->count && !err; i++) {
		if (f->seats[i].commands)
			err = store_batch_write(to, f->seats[i].s, &f->seats[i].s->batch.flying);
	}
	return err || alone_write(to, BYTES_LIT("EXEC"));
}

static uint64_t wait_ms(const struct store_link *l)
{
	uint64_t ms = l->shards->base.deadline_ns / WAITS_OF_A_DEADLINE / NS_PER_MS;

	return ms ? ms : 1; /* 0 would be for ever */
}

static int wait_write(struct redis_buffer *to, const struct store_flight *f)
{
	char replicas[16], ms[24];
	struct writer n = writer_over(replicas, sizeof(replicas)), w = writer_over(ms, sizeof(ms));

	writer_fmt(&n, "%u", f->replicas);
	writer_fmt(&w, "%llu", (unsigned long long)wait_ms(f->link));
	return resp_words(
		to, (const struct bytes[]){ BYTES_LIT("WAIT"), writer_done(&n), writer_done(&w) },
		3);
}

static int flight_write(struct redis_buffer *to, const struct store_flight *f)
{
	redis_buffer_cut(to, 0);
	return (f->commands && transaction_write(to, f)) || (f->replicas && wait_write(to, f)) ||
	       fences_write(to, f, BYTES_LIT("WATCH")) || fences_write(to, f, BYTES_LIT("MGET"));
}

/* ---- departure ---- */

static int flight_send(struct store_link *l, struct store_flight *f)
{
	uint32_t before = f->commands ? 1 + f->commands : 0, exec = before ? 1 : 0;
	uint32_t wait = f->replicas ? 1 : 0;
	uint64_t deadline_ns = l->shards->base.deadline_ns;
	uint64_t behind_ns = deadline_ns + wait * wait_ms(l) * NS_PER_MS;
	const struct redis_answers answers[] = {
		{ before, deadline_ns, on_queued, f, false },
		{ exec, deadline_ns, on_exec, f, false },
		{ wait, behind_ns, on_replicas, f, false },
		{ 1, behind_ns, on_queued, f, false },
		{ 1, behind_ns, on_fences, f, true },
	};

	f->waits = before + exec + wait + WATCH_ANSWERS;
	if (flight_write(&l->text, f))
		return -ENOSPC;
	return redis_commands(l->redis, redis_buffer_bytes(&l->text), answers, COUNT_OF(answers));
}

/* Its fence is not watched, and it has a reason that it should be. */
static bool wants_watch(const struct store_shard *s)
{
	return !s->base.closing && s->batch.state == BATCH_UNWATCHED &&
	       (s->batch.next.first || s->lease.state == LEASE_HELD);
}

static bool wants_load(const struct store_shard *s)
{
	return !s->base.closing && s->batch.state == BATCH_READY && s->batch.next.first;
}

/* The first one always has room. */
static bool seat_has_room(const struct store_flight *f, size_t octets, const struct store_shard *s)
{
	const struct batch_part *p = &s->batch.next;

	return !f->commands || (octets + store_batch_octets(p) <= LOAD_MAX &&
				f->commands + store_batch_commands(p) <= LOAD_COMMANDS_MAX);
}

/* False: a batch did not fit. */
static bool flight_board(const struct store_link *l, struct store_flight *f)
{
	size_t octets = 0;
	bool all = true;

	for (struct store_shard *s = l->shards; s; s = s->link_next) {
		bool loads = wants_load(s) && seat_has_room(f, octets, s);
		struct flight_seat *seat = &f->seats[f->count];

		all = all && (loads || !wants_load(s));
		if (s->base.closing || (s->batch.state != BATCH_READY && !wants_watch(s)))
			continue;
		f->count++;
		seat->s = s;
		if (!loads)
			continue;
		octets += store_batch_octets(&s->batch.next);
		seat->commands = store_batch_commands(&s->batch.next);
		f->commands += seat->commands;
		store_batch_load(s);
	}
	return all;
}

/* The first seat becomes the last of the next flight. */
static void seats_rotate(struct store_link *l)
{
	struct store_shard **at = &l->shards, *first = l->shards;

	l->shards = first->link_next;
	while (*at)
		at = &(*at)->link_next;
	*at = first;
	first->link_next = NULL;
}

static void flight_gone(struct store_link *l, struct store_flight *f)
{
	l->flight = f;
	l->ready_ns = clock_now_ns() + BATCH_PACE_NS;
	if (f->commands)
		metric_add(l->shards->base.metrics.batches, 1);
	for (uint32_t i = 0; i < f->count; i++) {
		struct store_shard *s = f->seats[i].s;

		store_enter(&s->base);
		s->batch.state = BATCH_WATCHING;
		store_leave(&s->base);
	}
}

/* A caller that is told may close its store: the seats are the flight's until all are answered. */
static void flight_fail(struct store_link *l, struct store_flight *f)
{
	f->link = l;
	l->flight = f;
	for (uint32_t i = 0; i < f->count; i++) {
		struct store_shard *s = f->seats[i].commands ? f->seats[i].s : NULL;

		if (!s)
			continue;
		store_enter(&s->base);
		store_batch_dropped(s);
		store_leave(&s->base);
	}
	f->waits = 1;
	flight_waits(f);
}

static uint32_t replicas_of(const struct store_link *l)
{
	uint32_t replicas = l->shards->shared->settings.save_replicas;

	if (!replicas || clock_now_ns() >= l->alone_ns)
		return replicas;
	metric_add(l->shards->base.metrics.behind, 1);
	return 0;
}

static void depart(struct store_link *l)
{
	struct store_flight *f = calloc(1, sizeof(*f) + l->count * sizeof(f->seats[0]));

	if (!f)
		return; /* what waits is late in the end */
	f->link = l;
	if (!flight_board(l, f))
		seats_rotate(l);
	if (f->commands)
		f->replicas = replicas_of(l);
	if (flight_send(l, f))
		flight_fail(l, f);
	else
		flight_gone(l, f);
}

void store_link_flush(struct store_link *l)
{
	bool watch = false, load = false;

	if (l->flight || !redis_is_connected(l->redis))
		return;
	for (const struct store_shard *s = l->shards; s; s = s->link_next) {
		watch |= wants_watch(s);
		load |= wants_load(s);
	}
	if (watch || (load && clock_now_ns() >= l->ready_ns))
		depart(l);
}

/* ---- life ---- */

static struct store_link *store_link_of(struct store_shared *shared, const struct redis *redis)
{
	struct store_link *l = shared->links;

	while (l && l->redis != redis)
		l = l->next;
	return l;
}

static struct store_link *store_link_new(struct store_shared *shared, struct redis *redis)
{
	struct store_link *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->redis = redis;
	l->text.max = TEXT_MAX;
	l->next = shared->links;
	shared->links = l;
	return l;
}

int store_link_join(struct store_shard *s, struct redis *redis)
{
	struct store_link *l = store_link_of(s->shared, redis);
	struct store_shard **at;

	if (!l)
		l = store_link_new(s->shared, redis);
	if (!l)
		return -ENOMEM;
	for (at = &l->shards; *at;)
		at = &(*at)->link_next;
	*at = s;
	l->count++;
	s->link = l;
	return 0;
}

void store_link_lost(struct store_link *l)
{
	struct store_flight *f = l->flight;

	l->flight = NULL;
	if (!f)
		return;
	f->link = NULL;
	for (uint32_t i = 0; i < f->count; i++)
		f->seats[i].s = NULL;
}

static void store_link_end(struct store_link *l, struct store_shared *shared)
{
	struct store_link **at = &shared->links;

	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	store_link_lost(l);
	redis_buffer_clear(&l->text);
	free(l);
}

void store_link_leave(struct store_shard *s)
{
	struct store_link *l = s->link;
	struct store_shard **at = &l->shards;

	while (*at != s)
		at = &(*at)->link_next;
	*at = s->link_next;
	l->count--;
	s->link = NULL;
	for (uint32_t i = 0; l->flight && i < l->flight->count; i++) {
		if (l->flight->seats[i].s == s)
			l->flight->seats[i].s = NULL;
	}
	if (!l->shards)
		store_link_end(l, s->shared);
}
