/* SPDX-License-Identifier: Apache-2.0 */
/* What became of the load's packets, as JSON. */
#include <inttypes.h>
#include <math.h>

#include "base/clock.h"
#include "bench/load/load.h"

#define SILENT_NS (2 * NS_PER_S)

/* Over all endpoints. */
struct sums {
	double jitter_ns, jitter_max_ns;
	uint32_t silent; /* never heard anything */
	uint32_t silent_now, silent_calls, unkeyed;
	uint32_t silent_plain, silent_sdes, silent_dtls; /* of the silent calls, by their keys */
};

static bool is_silent(const struct load_endpoint *e, uint64_t now_ns)
{
	return now_ns > e->received_ns + SILENT_NS;
}

/* Of the two ends of a call. */
static void count_silence(struct sums *s, const struct load_endpoint *e, uint64_t now_ns)
{
	if (!is_silent(e, now_ns) && !is_silent(e + 1, now_ns))
		return;
	s->silent_calls++;
	if (e[0].webrtc || e[1].webrtc)
		s->silent_dtls++;
	else if (e[0].srtp || e[1].srtp)
		s->silent_sdes++;
	else
		s->silent_plain++;
}

static struct sums sums_of(const struct load *l, uint64_t now_ns)
{
	struct sums s = { 0 };

	for (uint32_t i = 0; i < l->count; i++) {
		const struct load_endpoint *e = &l->list[i];

		s.jitter_ns += e->jitter_ns;
		s.jitter_max_ns = fmax(s.jitter_max_ns, e->jitter_ns);
		s.silent += !e->heard;
		s.silent_now += is_silent(e, now_ns);
		if (i % 2 == 0)
			count_silence(&s, e, now_ns);
		s.unkeyed += e->webrtc && !load_webrtc_srtp(e->webrtc, now_ns);
	}
	return s;
}

static void report_packets(const struct load *l, const struct sums *s)
{
	const struct load_totals *t = &l->t;
	uint64_t send_errors = l->wire->send_errors;

	(void)printf("\"sent\": %" PRIu64 ", \"send_errors\": %" PRIu64 ", \"received\": %" PRIu64
		     ", \"lost\": %" PRId64 ", ",
		     t->sent, send_errors, t->received,
		     l->options.speech ? (int64_t)t->missed
				       : (int64_t)(t->sent - send_errors) - (int64_t)t->received);
	(void)printf("\"duplicated\": %" PRIu64 ", \"reordered\": %" PRIu64
		     ", \"corrupted\": %" PRIu64 ", \"misrouted\": %" PRIu64 ", ",
		     t->duplicated, t->reordered, t->corrupted, t->misrouted);
	(void)printf("\"srtp_refused\": %" PRIu64 ", \"rtcp\": %" PRIu64
		     ", \"rtcp_foreign\": %" PRIu64
		     ", \"silent_now\": %u, \"silent_calls\": %u, \"silent_plain\": %u, "
		     "\"silent_sdes\": %u, \"silent_dtls\": %u, \"webrtc\": %u, \"unkeyed\": %u, ",
		     t->srtp_refused, t->rtcp, t->rtcp_foreign, s->silent_now, s->silent_calls,
		     s->silent_plain, s->silent_sdes, s->silent_dtls, l->webrtc, s->unkeyed);
	(void)printf("\"ssrc_changes\": %" PRIu64 ", \"sequence_jumps\": %" PRIu64
		     ", \"timestamp_jumps\": %" PRIu64 ", \"receive_errors\": %" PRIu64 ", ",
		     t->ssrc_changes, t->sequence_jumps, t->timestamp_jumps,
		     l->wire->receive_errors);
}

/* The longest gap of each endpoint that was heard. */
static void report_gaps(const struct load *l, uint64_t now_ns)
{
	static struct load_latency gaps;

	gaps = (struct load_latency){ 0 };
	for (uint32_t i = 0; i < l->count; i++)
		if (l->list[i].heard)
			load_latency_note(&gaps, load_gap_ns(l, &l->list[i], now_ns));
	(void)printf("\"gap_ms\": {\"p50\": %.1f, \"p99\": %.1f, \"max\": %.1f}, ",
		     load_latency_us(&gaps, 0.5) / 1e3, load_latency_us(&gaps, 0.99) / 1e3,
		     (double)gaps.max_ns / 1e6);
}

static void report_times(const struct load *l, const struct sums *s, uint64_t now_ns)
{
	const struct load_latency *latency = &l->t.latency;

	(void)printf(
		"\"latency_us\": {\"p50\": %.1f, \"p99\": %.1f, \"p999\": %.1f, \"max\": %.1f}, "
		"\"jitter_us\": {\"mean\": %.1f, \"max\": %.1f}, ",
		load_latency_us(latency, 0.5), load_latency_us(latency, 0.99),
		load_latency_us(latency, 0.999), (double)latency->max_ns / 1e3,
		s->jitter_ns / l->count / 1e3, s->jitter_max_ns / 1e3);
	(void)printf("\"schedule_lag_us_max\": %.1f, \"cpu_seconds\": %.3f, \"elapsed\": %.3f}\n",
		     (double)l->t.lag_max_ns / 1e3, (double)clock_process_cpu_ns() / 1e9,
		     (double)(now_ns - l->start_ns) / 1e9);
}

void load_report(const struct load *l, uint64_t now_ns)
{
	struct sums s = sums_of(l, now_ns);

	(void)printf("{\"calls\": %u, \"streams\": %u, \"silent_streams\": %u, \"seconds\": %.1f, ",
		     l->count / 2, l->count, s.silent, l->options.seconds);
	report_packets(l, &s);
	report_gaps(l, now_ns);
	report_times(l, &s, now_ns);
	(void)fflush(stdout);
}
