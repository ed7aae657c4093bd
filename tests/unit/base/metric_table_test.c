/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metric.h"

#include "tests/unit/test.h"

static const char *page(void)
{
	static char text[65536];
	struct writer w = writer_over(text, sizeof(text) - 1);

	metric_write(&w);
	assert_false(w.overflow);
	text[w.n] = '\0';
	return text;
}

static void rows_come_and_go(void **state)
{
	static const struct metric_table_gauge gauges[] = { { "t_calls", "Calls." },
							    { "t_phones", "Phones." } };
	static const struct metric_table_gauge counters[] = { { "t_total", "All.", true } };
	struct metric_table_row rows[METRIC_TABLE_ROWS] = {
		{ .name = "acme", .values = { 3, UINT64_MAX } },
		{ .name = "other", .values = { 0, 1 } },
	};

	uint32_t table, other;

	(void)state;
	assert_string_equal(page(), "");
	table = metric_table_register("tenant", gauges, COUNT_OF(gauges));
	other = metric_table_register("trunk", counters, COUNT_OF(counters));
	assert_string_equal(page(), ""); /* a family without a row is none */
	metric_table_set(table, rows, 2);
	assert_string_equal(page(), "# HELP t_calls Calls.\n# TYPE t_calls gauge\n"
				    "t_calls{tenant=\"acme\"} 3\nt_calls{tenant=\"other\"} 0\n"
				    "# HELP t_phones Phones.\n# TYPE t_phones gauge\n"
				    "t_phones{tenant=\"acme\"} 18446744073709551615\n"
				    "t_phones{tenant=\"other\"} 1\n");
	metric_table_set(table, &rows[1], 1);
	assert_null(strstr(page(), "acme"));
	for (unsigned i = 0; i < METRIC_TABLE_ROWS; i++)
		(void)snprintf(rows[i].name, sizeof(rows[i].name), "t%u", i);
	metric_table_set(table, rows, METRIC_TABLE_ROWS);
	assert_non_null(strstr(page(), "t_phones{tenant=\"t127\"} 0\n"));
	metric_table_set(table, rows, 0);
	metric_table_set(other, rows, 1);
	assert_string_equal(page(), "# HELP t_total All.\n# TYPE t_total counter\n"
				    "t_total{trunk=\"t0\"} 3\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
