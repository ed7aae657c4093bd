/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "base/metric.h"
#include "sig/host/sig_metric.h"

static char g_page[262144];

static double value(const char *series)
{
	struct writer w = writer_over(g_page, sizeof(g_page) - 1);
	const char *at;

	metric_write(&w);
	g_page[w.n] = '\0';
	at = strstr(g_page, series);
	if (!at)
		fail_msg("no %s", series);
	return strtod(at + strlen(series), NULL);
}

static void test_a_call(void **state)
{
	struct cdr cdr = {
		.a = { .packets_in = 990, .lost = 10, .jitter_us = 6000 },
		.a_sound = { .codec = "PCMU", .mos_in = 432 },
		.b = { .packets_in = 1000, .packets_out = 100, .remote_lost = 50, .rtt_us = 40000 },
		.b_sound = { .mos_in = 440, .mos_out = 120 }
	};

	(void)state;
	sound_metrics_open();
	sound_metrics_add(&cdr);
	sound_metrics_add(&(struct cdr){ 0 }); /* it was never answered */
	assert_true(value("mos_bucket{direction=\"in\",le=\"4.3\"} ") == 0);
	assert_true(value("mos_bucket{direction=\"in\",le=\"+Inf\"} ") == 2);
	assert_true(value("mos_sum{direction=\"in\"} ") == 8.72);
	assert_true(value("mos_bucket{direction=\"out\",le=\"2\"} ") == 1);
	assert_true(value("mos_count{direction=\"out\"} ") == 1);
	assert_true(value("loss_ratio_bucket{direction=\"in\",le=\"0\"} ") == 1);
	assert_true(value("loss_ratio_bucket{direction=\"in\",le=\"0.01\"} ") == 2);
	assert_true(value("loss_ratio_sum{direction=\"out\"} ") == 0.5);
	assert_true(value("jitter_seconds_bucket{direction=\"in\",le=\"0.005\"} ") == 1);
	assert_true(value("jitter_seconds_sum{direction=\"in\"} ") == 0.006);
	assert_true(value("rtt_seconds_bucket{direction=\"out\",le=\"0.05\"} ") == 1);
	assert_true(value("rtt_seconds_count{direction=\"out\"} ") == 1);
}

/* A request may be refused for what is named among orders alone, or for nothing that has a name: no process ends for that. */
static void test_other_refusals(void **state)
{
	struct sig_metrics m;

	(void)state;
	sig_metrics_open(&m);
	sig_count_refused(&m, REFUSED_NOT);
	sig_count_refused(&m, REFUSED_NO_CALL);
	sig_count_refused(&m, REFUSED_LOOP);
	assert_true(value("refused_total{reason=\"other\"} ") == 2);
	assert_true(value("refused_total{reason=\"loop\"} ") == 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(test_a_call),
						   cmocka_unit_test(test_other_refusals) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
