/* SPDX-License-Identifier: Apache-2.0 */
/* Ops: what waits for Redis, and what an answer means. Each op ends once, with an answer, a
 * deadline or the end of its store, and its caller is never called back before its call returned.
 * Errors by which Redis takes no writes at all are told apart from those of one command;
 * store_refusal has their words. */

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "cluster/store/state.h"

/* What the two stores have in common: metrics, and a life that outlasts callbacks. */

#define STORE_DEADLINE_PRESET_NS (50 * NS_PER_MS)

static struct store_metrics store_metrics_register(void)
{
#define COUNTER(name, help) metric_register(METRIC_COUNTER, "tandem_store_" name, NULL, help)
#define RESULT(name)                                                                          \
	metric_register(METRIC_COUNTER, "tandem_store_failures_total", "result=\"" name "\"", \
			"Saves that were not acknowledged, by what became of them.")
	return (struct store_metrics){
		.saves =
			COUNTER("saves_total", "Saves of calls, bindings and documents asked for."),
		.batches =
			COUNTER("batches_total", "Transactions that saved calls, or ended them."),
		.behind = COUNTER("batches_behind_total",
				  "Transactions that were acknowledged before as many replicas had "
				  "them as redis.save_replicas says."),
		.unknown = RESULT("unknown"),
		.conflicts = RESULT("conflict"),
		.refused = RESULT("refused"),
		.fenced = RESULT("fenced"),
		.broken = COUNTER("broken_records_total",
				  "Records set aside because they could not be read."),
		.forgotten = COUNTER("forgotten_entries_total",
				     "Index entries without a record, removed."),
		.events_dropped = COUNTER("events_dropped_total",
					  "Events not sent: no link, or too much pending."),
		.cdr_sent = COUNTER("cdrs_total", "CDRs appended to the stream."),
		.cdr_again = COUNTER("cdrs_repeated_total",
				     "CDRs sent again that the stream had already."),
		.cdr_open =
			COUNTER("calls_spooled_total",
				"Calls answered while Redis was away, noted for the next start."),
		.cdr_spooled = COUNTER("cdrs_spooled_total", "CDRs written to the spool."),
		.cdr_lost =
			COUNTER("cdrs_lost_total", "CDRs that neither Redis nor the spool took."),
		.spool_broken = COUNTER("spool_broken_total", "Unreadable parts of spool files."),
		.cdr_waiting = metric_register(METRIC_GAUGE, "tandem_store_cdr_spool_waiting", NULL,
					       "1 while CDRs wait in the spool."),
		.cdr_stream = metric_register(METRIC_GAUGE, "tandem_store_cdr_stream_length", NULL,
					      "CDRs in the stream, looked at once a second."),
	};
#undef RESULT
#undef COUNTER
}

void store_base_open(struct store_base *base, const struct store_kind *kind,
		     const struct scripts *scripts, uint64_t deadline_ns)
{
	base->kind = kind;
	base->scripts = scripts;
	base->deadline_ns = deadline_ns ? deadline_ns : STORE_DEADLINE_PRESET_NS;
	base->failed_end = &base->failed;
	base->keys_ns = UINT64_MAX;
	base->metrics = store_metrics_register();
	base->guest.next_ns = UINT64_MAX;
}

void store_enter(struct store_base *base)
{
	base->depth++;
}

void store_leave(struct store_base *base)
{
	assert(base->depth > 0);
	base->guest.next_ns = base->failed ? 0 : base->kind->next_ns(base);
	if (--base->depth == 0 && base->closing)
		base->kind->destroy(base);
}

/* ---- answers ---- */

/* Errors that say that Redis takes no writes at all, by their first word. */
static bool is_general(struct bytes text)
{
	static const char *const words[] = { "OOM ",        "MISCONF ",    "READONLY ",
					     "LOADING ",    "BUSY ",       "NOAUTH ",
					     "NOPERM ",     "NOREPLICAS ", "TRYAGAIN ",
					     "MASTERDOWN ", "CLUSTERDOWN " };

	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (bytes_starts(text, words[i]))
			return true;
	}
	return false;
}

/* Reason why Redis takes no writes, in its words; "": it takes them, as far as is known. Of the
 * control thread. */
static char g_refusal[STORE_REFUSAL_MAX];

const char *store_refusal(void)
{
	return g_refusal;
}

void store_is_taken(void)
{
	g_refusal[0] = '\0';
}

/* BUSY, LOADING and the like end by themselves, and a wrong user is said elsewhere. */
static bool refuses_writes(struct bytes text)
{
	return bytes_starts(text, "OOM ") || bytes_starts(text, "MISCONF ") ||
	       bytes_starts(text, "READONLY ") || bytes_starts(text, "NOREPLICAS ");
}

static uint64_t op_number_of(const struct redisReply *reply)
{
	struct bytes text = redis_reply_text(reply);
	uint64_t value = 0;

	if (redis_reply_type(reply) == REDIS_TYPE_INTEGER)
		return (uint64_t)redis_reply_integer(reply);
	return bytes_u64(text, &value) == 0 ? value : 0;
}

/* A version as a script returns it: 8 bytes. */
static uint64_t version_of(const struct redisReply *reply)
{
	struct bytes text = redis_reply_text(reply);

	return text.n == 8 ? ((uint64_t)be32_get(text.p) << 32) | be32_get(text.p + 4) : 0;
}

static struct lease_epoch epoch_of(const struct redisReply *reply)
{
	uint8_t raw[8] = { 0 };
	size_t n;

	/* what cannot be read counts as no incarnation */
	if (hex_decode(redis_reply_text(redis_reply_at(reply, 2)), raw, sizeof(raw), &n) != 0)
		n = 0;
	return (struct lease_epoch){
		.counter = op_number_of(redis_reply_at(reply, 1)),
		.incarnation = n == 8 ? ((uint64_t)be32_get(raw) << 32) | be32_get(raw + 4) : 0,
	};
}

static void lease_answer(struct store_answer *a, enum lease_event_type type)
{
	a->lease.type = type;
	a->lease_announced = true;
}

static void answer_error_read(struct store_answer *a, struct bytes text)
{
	a->result = STORE_REFUSED;
	/* scripts of older servers say it in the middle of a sentence */
	a->wrong_type = memmem(text.p, text.n, "WRONGTYPE", 9) ||
			memmem(text.p, text.n, "not an integer", 14);
	if (is_general(text))
		lease_answer(a, LEASE_LATE);
	if (refuses_writes(text))
		(void)snprintf(g_refusal, sizeof(g_refusal), BYTES_FMT, BYTES_ARG(text));
	LOG_WARN("store", 0, "refused by Redis", LOG_BYTES("error", text),
		 LOG_STR("next",
			 refuses_writes(text)
				 ? "calls go on and are not saved: look at the disk, the memory "
				   "and the log of Redis"
				 : "what was refused is asked again; look at the log of Redis"));
}

static void op_word_read(const struct store_base *base, struct store_answer *a)
{
	struct bytes word = redis_reply_text(redis_reply_at(a->reply, 0));

	a->result = STORE_OK;
	if (bytes_is(word, "OK")) {
		store_is_taken();
		a->version = op_number_of(redis_reply_at(a->reply, 1));
	} else if (bytes_is(word, "CONFLICT")) {
		a->result = STORE_CONFLICT;
		a->version = version_of(redis_reply_at(a->reply, 1));
	} else if (bytes_is(word, "TAKEN")) {
		a->result = STORE_CONFLICT;
		a->lease.epoch = epoch_of(a->reply);
		lease_answer(a, LEASE_TAKEN);
	} else if (bytes_is(word, "FENCED")) {
		a->lease.epoch = epoch_of(a->reply);
		a->result = base->lease && lease_epoch_above(a->lease.epoch, base->lease->epoch)
				    ? STORE_FENCED
				    : STORE_UNKNOWN;
		lease_answer(a, LEASE_SEEN);
	} else if (bytes_is(word, "MISSING")) {
		a->result = STORE_UNKNOWN;
		lease_answer(a, LEASE_MISSING);
	} else {
		answer_error_read(a, word);
	}
}

static struct store_answer op_answer_read(const struct store_base *base, bool script, int err,
					  const struct redisReply *reply)
{
	struct store_answer a = { .result = STORE_UNKNOWN, .reply = reply };
	struct bytes text;

	if (err) {
		lease_answer(&a, LEASE_LATE);
	} else if (redis_is_error(reply, &text)) {
		answer_error_read(&a, text);
	} else if (script) {
		op_word_read(base, &a);
	} else {
		a.result = STORE_OK; /* its sender looks inside */
	}
	return a;
}

struct store_answer store_answer_read(const struct store_base *base, int err,
				      const struct redisReply *reply)
{
	return op_answer_read(base, false, err, reply);
}

/* ---- the life of an op ---- */

struct store_op *store_op_new(struct store_base *base, size_t size, store_finish_fn *finish)
{
	struct store_op *op = calloc(1, size);

	assert(size >= sizeof(*op) && finish);
	if (!op)
		return NULL;
	op->base = base;
	op->finish = finish;
	op->next = base->ops;
	op->at = &base->ops;
	if (base->ops)
		base->ops->at = &op->next;
	base->ops = op;
	return op;
}

static void unlink_op(struct store_op *op)
{
	*op->at = op->next;
	if (op->next)
		op->next->at = op->at;
}

/* Its answer is the last thing that happens to it, except that Redis may still hold it. */
static void op_finish(struct store_op *op, struct store_answer *a)
{
	struct store_base *base = op->base;

	unlink_op(op);
	a->lease.answer = op->question;
	if (op->question && !a->lease_announced)
		lease_answer(a, a->result == STORE_OK ? LEASE_GRANTED : LEASE_UNKNOWN);
	if (op->question && a->lease.type == LEASE_LATE)
		a->lease.type = LEASE_UNKNOWN;
	if (op->fenced && !a->lease_announced && a->result == STORE_OK)
		lease_answer(a, LEASE_ACKED);
	if (a->wrong_type)
		store_keys_doubt(base);
	if (a->lease_announced && !op->question)
		base->kind->lease_event(base, &a->lease);
	op->finish(op, a);
	op->base = NULL;
	if (!op->sent)
		free(op);
}

void store_op_answer(struct store_op *op, struct store_answer *answer)
{
	op_finish(op, answer);
}

static void op_on_reply(int err, const struct redisReply *reply, void *arg)
{
	struct store_op *op = arg;
	struct store_base *base = op->base;
	struct store_answer a;

	op->sent = false;
	if (!base) { /* answered when the store was closed */
		free(op);
		return;
	}
	store_enter(base);
	a = op_answer_read(base, op->script, err, reply);
	op_finish(op, &a);
	store_leave(base);
}

void store_op_run(struct store_op *op, const struct script_call *call)
{
	struct store_base *base = op->base;

	op->script = true;
	op->fenced = call->id == SCRIPT_CALL_END;
	op->sent = true;
	if (!base->guest.redis ||
	    script_run(base->scripts, base->guest.redis, call, op_on_reply, op) != 0) {
		op->sent = false;
		store_op_fail(op, STORE_UNKNOWN);
	}
}

void store_op_command(struct store_op *op, const struct bytes *args, size_t n, uint64_t deadline_ns)
{
	struct store_base *base = op->base;

	op->sent = true;
	if (!base->guest.redis ||
	    redis_command(base->guest.redis, args, n, deadline_ns, op_on_reply, op) != 0) {
		op->sent = false;
		store_op_fail(op, STORE_UNKNOWN);
	}
}

void store_op_fail(struct store_op *op, enum store_result result)
{
	struct store_base *base = op->base;

	op->failed = result;
	op->failed_next = NULL;
	*base->failed_end = op;
	base->failed_end = &op->failed_next;
}

/* Those that fail while these are answered have their turn in the next round. */
void store_failed_answer(struct store_base *base)
{
	struct store_op *op;

	base->answering = base->failed;
	base->failed = NULL;
	base->failed_end = &base->failed;
	while ((op = base->answering) != NULL) {
		struct store_answer a = { .result = op->failed };

		base->answering = op->failed_next;
		if (op->failed == STORE_UNKNOWN)
			lease_answer(&a, LEASE_LATE);
		op_finish(op, &a);
	}
}

void store_ops_end(struct store_base *base)
{
	base->answering = NULL;
	base->failed = NULL;
	base->failed_end = &base->failed;
	while (base->ops) {
		struct store_answer a = { .result = STORE_UNKNOWN };

		op_finish(base->ops, &a);
	}
}

/* ---- the usual op ---- */

static void user_finish(struct store_op *op, const struct store_answer *a)
{
	const struct store_metrics *m = &op->base->metrics;
	uint64_t version = a->result == STORE_OK && !a->version ? op->version : a->version;

	switch (a->result) {
	case STORE_OK:
		if (op->call_save)
			store_open_settled(store_shard_of(op), op->key);
		break;
	case STORE_FENCED:
		metric_add(m->fenced, 1);
		break;
	case STORE_CONFLICT:
		metric_add(m->conflicts, 1);
		break;
	case STORE_UNKNOWN:
		metric_add(m->unknown, 1);
		break;
	case STORE_REFUSED:
		metric_add(m->refused, 1);
		break;
	}
	if (op->done)
		op->done(a->result, op->key, version, op->arg);
}

struct store_op *store_op_user(struct store_base *base, store_done_fn *done, void *arg,
			       uint64_t key, uint64_t version)
{
	struct store_op *op = store_op_new(base, sizeof(*op), user_finish);

	if (!op) {
		if (done)
			done(STORE_UNKNOWN, key, 0, arg);
		return NULL;
	}
	op->done = done;
	op->arg = arg;
	op->key = key;
	op->version = version;
	return op;
}
