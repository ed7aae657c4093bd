/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches of a shard: saves of call records and first ends of calls, gathered while the last batch
 * is in flight and sent as one transaction. link.c sends them; call.c and end.c add ops. A batch
 * counts only under the shard's fence, which WATCH and MGET check, so a former owner of the lease
 * writes nothing. Parts that did not happen go before all that waits; unknown ones are answered
 * STORE_UNKNOWN.
 */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cluster/record.h"
#include "cluster/redis/buffer.h"
#include "cluster/store/state.h"

/* What a batch is as commands of Redis, without the transaction around them. */

enum {
	CDR_WORDS = 6, /* XADD key MAXLEN ~ n * */
	CDR_ID_WORDS = 2,
};

static int word(struct redis_buffer *to, const char *text)
{
	return resp_text(to, bytes_str(text));
}

static int key(struct redis_buffer *to, struct store_shard *s, const char *name)
{
	char buf[STORE_KEY_MAX];

	return resp_text(to, store_key_shard(buf, s, name));
}

static int saves_write(struct redis_buffer *to, struct store_shard *s, const struct batch_part *p)
{
	if (!p->save_count)
		return 0;
	return resp_command(to, 2 + 2 * (size_t)p->save_count) || word(to, "HSET") ||
	       key(to, s, "rec") || redis_buffer_put(to, redis_buffer_bytes(&p->saves));
}

const char *const store_extra[BATCH_KINDS] = { "sub", "room" };

static int extra_write(struct redis_buffer *to, struct store_shard *s, const struct batch_extra *b,
		       const char *name)
{
	int err = 0;

	if (b->save_count)
		err = resp_command(to, 2 + 2 * (size_t)b->save_count) || word(to, "HSET") ||
		      key(to, s, name) || redis_buffer_put(to, redis_buffer_bytes(&b->saves));
	if (b->over_count && !err)
		err = resp_command(to, 2 + (size_t)b->over_count) || word(to, "HDEL") ||
		      key(to, s, name) || redis_buffer_put(to, redis_buffer_bytes(&b->over));
	return err;
}

static int call_write(struct redis_buffer *to, uint64_t call)
{
	char id[BASE32_U64_LEN];

	base32_u64_put(id, call);
	return resp_text(to, bytes_mem(id, sizeof(id)));
}

/* n fields of one. call: the first one lacks its id; NULL: another one has it. */
static int cdr_write(struct redis_buffer *to, struct store_shard *s, struct bytes fields, size_t n,
		     const uint64_t *call)
{
	struct cdr_field field;
	int err = resp_command(to, CDR_WORDS + (call ? CDR_ID_WORDS : 0) + 2 * n) ||
		  word(to, "XADD") || key(to, s, "cdr") || word(to, "MAXLEN") || word(to, "~") ||
		  word(to, store_stream_kept(s->shared, CDR_STREAM_KEPT)) || word(to, "*");

	if (call && !err)
		err = word(to, CDR_ID) || call_write(to, *call);
	while (!err && cdr_field_next(&fields, &field) > 0)
		err = resp_text(to, field.name) || resp_text(to, field.value);
	return err;
}

static int cdrs_write(struct redis_buffer *to, struct store_shard *s,
		      const struct spool_entry *entry)
{
	const uint64_t *call = &entry->call;
	struct bytes rest = entry->fields, one;
	size_t n;
	int err = 0;

	if (!cdr_next(&rest, &one, &n))
		return cdr_write(to, s, one, 0, call);
	do {
		err = cdr_write(to, s, one, n, call);
		call = NULL;
	} while (!err && cdr_next(&rest, &one, &n));
	return err;
}

/* The numbers of the ends, and those that are settled. */
static int ended_write(struct redis_buffer *to, struct store_shard *s, const struct batch_part *p)
{
	char low[LEASE_FENCE_TEXT];
	struct writer w = writer_over(low, sizeof(low));
	int err = resp_command(to, 2 + 2 * (size_t)p->end_count) || word(to, "ZADD") ||
		  key(to, s, "ended");

	for (const struct store_op *op = p->first; op && !err; op = op->batch_next) {
		if (op->entry)
			err = resp_number(to, op->entry->number) || call_write(to, op->entry->call);
	}
	writer_str(&w, "(");
	writer_u64(&w, store_ends_settled(s));
	return err || resp_command(to, 4) || word(to, "ZREMRANGEBYSCORE") || key(to, s, "ended") ||
	       word(to, "-inf") || resp_text(to, writer_done(&w));
}

static int gone_write(struct redis_buffer *to, struct store_shard *s, const struct batch_part *p)
{
	int err =
		resp_command(to, 2 + (size_t)p->end_count) || word(to, "HDEL") || key(to, s, "rec");

	for (const struct store_op *op = p->first; op && !err; op = op->batch_next) {
		if (op->entry)
			err = call_write(to, op->entry->call);
	}
	return err;
}

static int ends_write(struct redis_buffer *to, struct store_shard *s, const struct batch_part *p)
{
	int err = 0;

	if (!p->end_count)
		return 0;
	for (const struct store_op *op = p->first; op && !err; op = op->batch_next) {
		if (op->entry)
			err = cdrs_write(to, s, op->entry);
	}
	return err || ended_write(to, s, p) || gone_write(to, s, p);
}

uint32_t store_batch_commands(const struct batch_part *p)
{
	uint32_t n = (p->save_count > 0) + (p->end_count ? p->cdr_count + 3 : 0);

	for (int i = 0; i < BATCH_KINDS; i++)
		n += (p->beside[i].save_count > 0) + (p->beside[i].over_count > 0);
	return n;
}

size_t store_batch_octets(const struct batch_part *p)
{
	size_t n = redis_buffer_bytes(&p->saves).n + p->end_octets;

	for (int i = 0; i < BATCH_KINDS; i++)
		n += redis_buffer_bytes(&p->beside[i].saves).n +
		     redis_buffer_bytes(&p->beside[i].over).n;
	return n;
}

int store_batch_write(struct redis_buffer *to, struct store_shard *s, const struct batch_part *p)
{
	int err = saves_write(to, s, p);

	for (int i = 0; i < BATCH_KINDS && !err; i++)
		err = extra_write(to, s, &p->beside[i], store_extra[i]);
	return err || ends_write(to, s, p) ? -1 : 0;
}

#define LENGTH_NS (1 * NS_PER_S)

enum {
	PART_MAX = 7 << 20,  /* octets that wait: more are refused */
	SPARE_MAX = 1 << 18, /* octets that are kept for the next batch */
};

/* ---- parts ---- */

static void part_init(struct batch_part *p)
{
	*p = (struct batch_part){ .saves.max = PART_MAX };
	for (int i = 0; i < BATCH_KINDS; i++)
		p->beside[i].saves.max = p->beside[i].over.max = PART_MAX;
	p->end = &p->first;
}

static void batch_part_add(struct batch_part *p, struct store_op *op)
{
	if (!p->first)
		p->since_ns = clock_now_ns();
	op->batch_next = NULL;
	*p->end = op;
	p->end = &op->batch_next;
}

/* Detaches its ops: they are answered elsewhere. */
static void part_clear(struct batch_part *p)
{
	redis_buffer_clear(&p->saves);
	for (int i = 0; i < BATCH_KINDS; i++) {
		redis_buffer_clear(&p->beside[i].saves);
		redis_buffer_clear(&p->beside[i].over);
	}
	part_init(p);
}

/* Takes over what is in *from, which is something, and empty then. */
static struct batch_part batch_part_move(struct batch_part *from)
{
	struct batch_part p = *from;

	assert(p.first); /* else its end would lie in *from */
	part_init(from);
	return p;
}

/* The memory of a batch is the next one's: taken anew it would grow by doubling each time. */
static void saves_spare(struct store_batch *b, struct redis_buffer *saves)
{
	redis_buffer_cut(saves, 0);
	if (b->spare.p || saves->cap > SPARE_MAX) {
		redis_buffer_clear(saves);
		return;
	}
	b->spare = *saves;
	*saves = (struct redis_buffer){ .max = saves->max };
}

static void batch_reuse_saves(struct store_batch *b)
{
	if (!b->spare.p)
		return;
	b->next.saves = b->spare;
	b->spare = (struct redis_buffer){ 0 };
}

/* Answers all. What callers then ask for goes into the part that waits; a caller may close the
 * store, which answers the rest. */
static void part_answer(struct store_shard *s, struct batch_part *p,
			const struct store_answer *saves, const struct store_answer *ends)
{
	struct store_op *outer = s->batch.answering, *op;

	saves_spare(&s->batch, &p->saves);
	s->batch.answering = p->first;
	part_clear(p);
	while (!s->base.closing && (op = s->batch.answering) != NULL) {
		struct store_answer a = op->entry ? *ends : *saves;

		a.lease_announced = false; /* once is enough */
		s->batch.answering = op->batch_next;
		store_op_answer(op, &a);
	}
	s->batch.answering = s->base.closing ? NULL : outer;
}

static void part_fail(struct store_shard *s, struct batch_part *p, enum store_result result)
{
	struct store_answer a = { .result = result };

	part_answer(s, p, &a, &a);
}

/* ---- what waits ---- */

static bool may_wait(const struct store_shard *s)
{
	return s->base.guest.redis && redis_is_connected(s->base.guest.redis);
}

static int record_write(struct redis_buffer *to, uint64_t call, uint64_t version,
			struct bytes record)
{
	size_t n = RECORD_HEAD + record.n, before = redis_buffer_bytes(to).n;
	char id[BASE32_U64_LEN];
	struct writer w;
	uint8_t *at;

	base32_u64_put(id, call);
	at = resp_text(to, bytes_mem(id, sizeof(id))) ? NULL : resp_open(to, n);
	if (!at) {
		redis_buffer_cut(to, before);
		return -1;
	}
	w = writer_over(at, n);
	record_seal(&w, &(struct record){ .version = version, .payload = record });
	resp_closed(to, n);
	return 0;
}

void store_batch_save(struct store_op *op, uint64_t call, uint64_t version, struct bytes record)
{
	struct store_shard *s = store_shard_of(op);
	struct batch_part *p = &s->batch.next;

	if (record.n > RECORD_PAYLOAD_MAX) {
		store_op_fail(op, STORE_REFUSED);
	} else if (!may_wait(s) || record_write(&p->saves, call, version, record)) {
		store_op_fail(op, STORE_UNKNOWN);
	} else {
		p->save_count++;
		batch_part_add(p, op);
	}
}

static int over_write(struct redis_buffer *to, uint64_t id)
{
	char text[BASE32_U64_LEN];

	base32_u64_put(text, id);
	return resp_text(to, bytes_mem(text, sizeof(text)));
}

void store_batch_extra(struct store_op *op, enum batch_kind kind, uint64_t id, uint64_t version,
		       struct bytes record)
{
	struct store_shard *s = store_shard_of(op);
	struct batch_extra *b = &s->batch.next.beside[kind];

	if (record.n > RECORD_PAYLOAD_MAX) {
		store_op_fail(op, STORE_REFUSED);
	} else if (!may_wait(s) || (record.n ? record_write(&b->saves, id, version, record)
					     : over_write(&b->over, id))) {
		store_op_fail(op, STORE_UNKNOWN);
	} else {
		b->save_count += record.n != 0;
		b->over_count += record.n == 0;
		batch_part_add(&s->batch.next, op);
	}
}

void store_batch_end(struct store_op *op, const struct spool_entry *entry)
{
	struct store_shard *s = store_shard_of(op);

	op->entry = entry;
	if (!may_wait(s)) {
		store_op_fail(op, STORE_UNKNOWN);
		return;
	}
	s->batch.next.end_count++;
	s->batch.next.cdr_count += cdr_count(entry->fields);
	s->batch.next.end_octets += entry->fields.n;
	batch_part_add(&s->batch.next, op);
}

/* ---- on its way ---- */

void store_batch_load(struct store_shard *s)
{
	s->batch.flying = batch_part_move(&s->batch.next);
	batch_reuse_saves(&s->batch);
}

void store_batch_dropped(struct store_shard *s)
{
	part_fail(s, &s->batch.flying, STORE_UNKNOWN);
}

static int extra_join(struct batch_extra *to, const struct batch_extra *from)
{
	to->save_count += from->save_count;
	to->over_count += from->over_count;
	return redis_buffer_put(&to->saves, redis_buffer_bytes(&from->saves)) ||
	       redis_buffer_put(&to->over, redis_buffer_bytes(&from->over));
}

void store_batch_again(struct store_shard *s)
{
	struct batch_part *next = &s->batch.next;
	struct batch_part p = *next;
	int full;

	*next = s->batch.flying;
	part_init(&s->batch.flying);
	if (p.first) {
		*next->end = p.first;
		next->end = p.end;
	}
	next->save_count += p.save_count;
	next->end_count += p.end_count;
	next->cdr_count += p.cdr_count;
	next->end_octets += p.end_octets;
	full = redis_buffer_put(&next->saves, redis_buffer_bytes(&p.saves));
	for (int i = 0; i < BATCH_KINDS; i++)
		full |= extra_join(&next->beside[i], &p.beside[i]);
	if (full)
		part_fail(s, next, STORE_UNKNOWN);
	part_clear(&p);
}

/* One element of EXEC's answer. */
static void element_read(const struct store_shard *s, struct store_answer *a,
			 const struct redisReply *reply)
{
	if (redis_is_error(reply, NULL))
		*a = store_answer_read(&s->base, 0, reply);
	else if (redis_reply_type(reply) == REDIS_TYPE_NIL)
		a->result = STORE_REFUSED;
}

/* Tells the lease once. */
static void lease_on_answer(struct store_shard *s, const struct store_answer *a)
{
	struct lease_event acked = { .type = LEASE_ACKED };

	if (a->wrong_type)
		store_keys_doubt(&s->base);
	if (a->lease_announced)
		store_lease_event(s, &a->lease);
	else if (a->result == STORE_OK)
		store_lease_event(s, &acked);
	if (a->result == STORE_OK)
		store_is_taken();
}

static void length_finish(struct store_op *op, const struct store_answer *a)
{
	if (a->result == STORE_OK && !op->base->closing)
		metric_set(store_shard_of(op)->base.metrics.cdr_stream,
			   (uint64_t)redis_reply_integer(a->reply));
}

/* Asks for the length of the stream, which shows operators whether anybody reads it. */
static void length_query(struct store_shard *s)
{
	uint64_t now_ns = clock_now_ns();
	char buf[STORE_KEY_MAX];
	const struct bytes args[] = { BYTES_LIT("XLEN"), store_key_shard(buf, s, "cdr") };
	struct store_op *op;

	if (now_ns < s->batch.length_ns)
		return;
	op = store_op_new(&s->base, sizeof(*op), length_finish);
	if (!op)
		return;
	s->batch.length_ns = now_ns + LENGTH_NS;
	store_op_command(op, args, COUNT_OF(args), s->base.deadline_ns);
}

void store_batch_took(struct store_shard *s, struct batch_answers *out,
		      const struct redisReply *reply, size_t at)
{
	struct batch_part *p = &s->batch.flying;
	size_t end = at + store_batch_commands(p);
	struct store_answer saves = { .result = STORE_OK },
			    ends = { .result = STORE_OK, .version = 1 };

	if (p->end_count)
		length_query(s);
	if (p->save_count)
		element_read(s, &saves, redis_reply_at(reply, at++));
	for (int i = 0; i < BATCH_KINDS; i++) {
		if (p->beside[i].save_count)
			element_read(s, &saves, redis_reply_at(reply, at++));
		if (p->beside[i].over_count)
			element_read(s, &saves, redis_reply_at(reply, at++));
	}
	for (uint32_t i = 0; i < p->cdr_count; i++)
		element_read(s, &ends, redis_reply_at(reply, at++));
	/* ZADD, ZREMRANGEBYSCORE and HDEL: the CDR is there all the same */
	for (; at < end; at++) {
		struct store_answer other = { .result = STORE_OK };

		element_read(s, &other, redis_reply_at(reply, at));
		if (other.wrong_type)
			store_keys_doubt(&s->base);
	}
	lease_on_answer(s, saves.result == STORE_OK ? &ends : &saves);
	saves.reply = ends.reply = NULL; /* they may be kept for longer than it lives */
	*out = (struct batch_answers){ .saves = saves, .ends = ends };
}

void store_batch_answer(struct store_shard *s, const struct batch_answers *answers)
{
	part_answer(s, &s->batch.flying, &answers->saves, &answers->ends);
}

void store_batch_failed(struct store_shard *s, const struct store_answer *a)
{
	lease_on_answer(s, a);
	part_answer(s, &s->batch.flying, a, a);
}

/* ---- the fence ---- */

static void ask_finish(struct store_op *op, const struct store_answer *a)
{
	struct store_shard *s = store_shard_of(op);
	bool owner = s->lease.state == LEASE_HELD || s->lease.state == LEASE_DOUBT;

	if (s->base.closing)
		return;
	if (s->batch.state == BATCH_ASKING)
		s->batch.state = BATCH_UNWATCHED;
	if (store_is_fenced(s))
		part_fail(s, &s->batch.next, STORE_FENCED);
	else if (a->result != STORE_OK && !owner)
		part_fail(s, &s->batch.next, a->result);
}

/* The key may be missing alone: then the owner writes it again. */
static void lease_fence_query(struct store_shard *s)
{
	struct store_op *op = store_op_new(&s->base, sizeof(*op), ask_finish);
	char lease[STORE_KEY_MAX], fence[STORE_KEY_MAX], own[LEASE_FENCE_TEXT];
	const struct bytes args[] = { store_key_shard(lease, s, "lease"),
				      store_key_shard(fence, s, "fence"), store_fence(s, own) };

	s->batch.state = BATCH_UNWATCHED;
	if (!op)
		return;
	s->batch.state = BATCH_ASKING;
	store_op_run(op, &(struct script_call){ .id = SCRIPT_LEASE_FENCE,
						.args = args,
						.keys = 2,
						.n = COUNT_OF(args),
						.deadline_ns = s->base.deadline_ns });
}

void store_batch_fence(struct store_shard *s, struct bytes fence, const struct store_answer *broken)
{
	char own[LEASE_FENCE_TEXT];

	s->batch.state = BATCH_UNWATCHED;
	if (bytes_eq(fence, store_fence(s, own))) {
		s->batch.state = BATCH_READY;
	} else if (broken) {
		lease_on_answer(s, broken);
		part_fail(s, &s->batch.next, STORE_REFUSED);
	} else if (s->batch.next.first || s->lease.state == LEASE_HELD) {
		lease_fence_query(s);
	}
}

/* ---- departure ---- */

static void late(struct store_shard *s)
{
	struct store_answer a = { .result = STORE_UNKNOWN,
				  .lease = { .type = LEASE_LATE },
				  .lease_announced = true };

	lease_on_answer(s, &a);
	part_answer(s, &s->batch.next, &a, &a);
}

static uint64_t overdue_ns(const struct store_shard *s)
{
	const struct batch_part *p = &s->batch.next;

	return p->first ? p->since_ns + s->base.deadline_ns : UINT64_MAX;
}

void store_batch_expire(struct store_shard *s, uint64_t now_ns)
{
	if (overdue_ns(s) <= now_ns)
		late(s);
	if (s->link)
		store_link_flush(s->link);
}

uint64_t store_batch_next_ns(const struct store_shard *s)
{
	const struct store_batch *b = &s->batch;
	uint64_t overdue = overdue_ns(s);
	bool ready = s->link && b->next.first && b->state == BATCH_READY;

	return ready && s->link->ready_ns < overdue ? s->link->ready_ns : overdue;
}

/* ---- life ---- */

void store_batch_lost(struct store_shard *s)
{
	store_link_lost(s->link);
	s->batch.state = BATCH_UNWATCHED;
	part_fail(s, &s->batch.flying, STORE_UNKNOWN);
	part_fail(s, &s->batch.next, STORE_UNKNOWN);
}

void store_batch_open(struct store_shard *s)
{
	part_init(&s->batch.next);
	part_init(&s->batch.flying);
}

void store_batch_close(struct store_shard *s)
{
	struct store_batch *b = &s->batch;

	part_clear(&b->next);
	part_clear(&b->flying);
	redis_buffer_clear(&b->spare);
}
