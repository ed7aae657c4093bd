/* SPDX-License-Identifier: Apache-2.0 */
#include "app/dns/dns_metric.h"

#include "base/clock.h"
#include "base/histogram.h"

enum { ANSWER_OTHER = DNS_CODES, ANSWER_BAD, ANSWERS };

static struct {
	metric_id udp, tcp, timeouts, waiting;
	metric_id answers[ANSWERS];
	metric_id lookups[LOOKUP_BAD + 1], cached;
	struct histogram time;
} g_dns_metrics;

static const struct histogram_bound g_bounds[] = {
	{ 1000, "le=\"0.001\"" }, { 5000, "le=\"0.005\"" }, { 20000, "le=\"0.02\"" },
	{ 100000, "le=\"0.1\"" }, { 500000, "le=\"0.5\"" }, { 1000000, "le=\"1\"" },
	{ 2000000, "le=\"2\"" },  { 5000000, "le=\"5\"" },  { UINT64_MAX, "le=\"+Inf\"" },
};

static const char *const g_answer_labels[ANSWERS] = {
	"rcode=\"NOERROR\"", "rcode=\"FORMERR\"", "rcode=\"SERVFAIL\"", "rcode=\"NXDOMAIN\"",
	"rcode=\"NOTIMP\"",  "rcode=\"REFUSED\"", "rcode=\"other\"",    "rcode=\"bad\"",
};

void dns_metric_setup(void)
{
	static const char *const results[] = {
		[LOOKUP_DONE] = "result=\"done\"",       [LOOKUP_ASK] = "result=\"full\"",
		[LOOKUP_NOTHING] = "result=\"nothing\"", [LOOKUP_FAILED] = "result=\"failed\"",
		[LOOKUP_BAD] = "result=\"bad\"",
	};

	g_dns_metrics.udp = metric_register(METRIC_COUNTER, "tandem_dns_queries_total",
					    "transport=\"udp\"", "Questions to name servers.");
	g_dns_metrics.tcp = metric_register(METRIC_COUNTER, "tandem_dns_queries_total",
					    "transport=\"tcp\"", "Questions to name servers.");
	for (size_t i = 0; i < ANSWERS; i++)
		g_dns_metrics.answers[i] = metric_register(
			METRIC_COUNTER, "tandem_dns_answers_total", g_answer_labels[i],
			"Answers of name servers. bad: it was none to the question.");
	g_dns_metrics.timeouts = metric_register(METRIC_COUNTER, "tandem_dns_timeouts_total", NULL,
						 "Questions without an answer in time.");
	histogram_open(&g_dns_metrics.time, "tandem_dns_seconds", NULL,
		       "From a question to its answer, all tries and servers included.", g_bounds,
		       1000000);
	for (size_t i = 0; i < COUNT_OF(results); i++)
		g_dns_metrics.lookups[i] = metric_register(
			METRIC_COUNTER, "tandem_lookups_total", results[i],
			"Names that were looked up. nothing: it leads nowhere; failed: no server "
			"said; bad: it is none, or wants what the node does not speak; full: too "
			"many were under way.");
	g_dns_metrics.cached = metric_register(METRIC_COUNTER, "tandem_lookups_cached_total", NULL,
					       "Those that were known and asked nobody.");
	g_dns_metrics.waiting = metric_register(METRIC_GAUGE, "tandem_lookups_waiting", NULL,
						"Look-ups under way.");
}

void dns_metric_query(bool tcp)
{
	metric_add(tcp ? g_dns_metrics.tcp : g_dns_metrics.udp, 1);
}

void dns_metric_answer(unsigned rcode)
{
	unsigned which = rcode == DNS_ANSWER_BAD ? ANSWER_BAD
			 : rcode < DNS_CODES     ? rcode
						 : ANSWER_OTHER;

	metric_add(g_dns_metrics.answers[which], 1);
}

void dns_metric_timeout(void)
{
	metric_add(g_dns_metrics.timeouts, 1);
}

void dns_metric_time(uint64_t took_ns)
{
	histogram_add(&g_dns_metrics.time, took_ns / NS_PER_US);
}

void dns_metric_lookup(enum lookup_state state, bool cached)
{
	metric_add(g_dns_metrics.lookups[state], 1);
	if (cached)
		metric_add(g_dns_metrics.cached, 1);
}

void dns_metric_waiting(uint32_t count)
{
	metric_set(g_dns_metrics.waiting, count);
}
