/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/store.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "cluster/store_state.h"

#define DEADLINE_PRESET_NS (50 * NS_PER_MS)
#define LEASE_PRESET_NS    (15 * NS_PER_S)

static uint64_t store_earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t next_ns(const struct store *s)
{
	uint64_t next =
		store_earlier(store_earlier(s->lease.next_ns, s->replay.retry_ns), s->keys_ns);

	if (s->acquire && !s->lease.question)
		next = store_earlier(next, s->acquire_until_ns);
	next = store_earlier(next, store_batch_next_ns(s));
	return s->failed ? 0 : next;
}

static void store_destroy(struct store *s)
{
	free(s->replay.segment);
	free(s->unreadable);
	free(s);
}

void store_enter(struct store *s)
{
	s->depth++;
}

void store_leave(struct store *s)
{
	assert(s->depth > 0);
	s->guest.next_ns = next_ns(s);
	if (--s->depth == 0 && s->closing)
		store_destroy(s);
}

static void store_on_state(bool connected, void *arg)
{
	struct store *s = arg;

	store_enter(s);
	if (connected)
		scripts_load(&s->scripts, s->guest.redis);
	else
		store_batch_lost(s);
	store_lease_event(s, &(struct lease_event){ .type = connected ? LEASE_LINK_UP
								      : LEASE_LINK_DOWN });
	store_leave(s);
}

static void on_expire(uint64_t now_ns, void *arg)
{
	struct store *s = arg;

	store_enter(s);
	store_failed_answer(s);
	store_lease_expire(s, now_ns);
	store_keys_expire(s, now_ns);
	store_batch_expire(s, now_ns);
	if (s->replay.retry_ns <= now_ns)
		store_replay_start(s);
	store_leave(s);
}

static void on_flush(void *arg)
{
	store_batch_flush(arg);
}

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

static void init(struct store *s, const struct store_settings *settings)
{
	s->settings = *settings;
	s->settings.deadline_ns =
		settings->deadline_ns ? settings->deadline_ns : DEADLINE_PRESET_NS;
	s->settings.lease_ns = settings->lease_ns ? settings->lease_ns : LEASE_PRESET_NS;
	lease_open(&s->lease, settings->incarnation, s->settings.lease_ns, settings->peers);
	s->failed_end = &s->failed;
	s->replay.retry_ns = UINT64_MAX;
	s->keys_ns = UINT64_MAX;
	s->metrics = store_metrics_register();
	s->guest = (struct redis_guest){ .state = store_on_state,
					 .expire = on_expire,
					 .flush = on_flush,
					 .next_ns = UINT64_MAX,
					 .arg = s };
	store_batch_open(s);
}

int store_open(struct store **out, struct redis *redis, const struct store_settings *settings,
	       store_health_fn *health, void *arg)
{
	struct store *s = calloc(1, sizeof(*s));
	int err;

	assert(settings->shard > 0 && settings->node[0]);
	if (!s)
		return -ENOMEM;
	init(s, settings);
	s->health_fn = health;
	s->arg = arg;
	err = scripts_open(&s->scripts);
	if (!err)
		err = store_ends_open(s);
	if (!err)
		err = spool_open(&s->spool, s->settings.spool_dir);
	if (!err)
		err = store_opens_open(s);
	if (err) {
		LOG_ERROR("store", 0, "no spool", LOG_STR("dir", s->settings.spool_dir),
			  LOG_INT("err", err));
		spool_close(s->spool);
		store_ends_free(s);
		free(s);
		return err;
	}
	redis_join(redis, &s->guest);
	*out = s;
	if (redis_is_connected(redis))
		store_on_state(true, s);
	return 0;
}

void store_close(struct store *s)
{
	if (!s || s->closing)
		return;
	store_enter(s);
	s->closing = true;
	store_batch_close(s);
	store_ops_end(s);
	store_ends_close(s);
	spool_close(s->spool); /* answers */
	store_opens_close(s);
	store_ends_free(s);
	store_loads_free(s);
	redis_leave(&s->guest);
	store_leave(s);
}

bool store_is_healthy(const struct store *s)
{
	return s->lease.state == LEASE_HELD;
}

bool store_is_fenced(const struct store *s)
{
	return s->lease.state == LEASE_FENCED;
}

const struct store_holder *store_holder(const struct store *s)
{
	return &s->holder;
}

bool store_was_late(const struct store *s)
{
	return s->late;
}

uint32_t store_calls_unreadable(const struct store *s, const uint64_t **calls)
{
	*calls = s->unreadable;
	return s->unreadable_count;
}

uint32_t store_calls_aside(const struct store *s)
{
	return s->calls_aside;
}

const char *store_too_new(const struct store *s)
{
	return s->too_new[0] ? s->too_new : NULL;
}

uint64_t store_epoch(const struct store *s)
{
	return s->lease.epoch.counter;
}
