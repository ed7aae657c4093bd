/* SPDX-License-Identifier: Apache-2.0 */
/* What the two stores have in common: metrics, and a life that outlasts callbacks. */
#include <assert.h>
#include <errno.h>

#include "base/clock.h"
#include "cluster/store/state.h"

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
