/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metric_table.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>

static struct {
	pthread_mutex_t lock; /* of the rows */
	const char *label;
	struct metric_table_gauge gauges[METRIC_TABLE_GAUGES];
	uint32_t gauge_count, row_count;
	struct metric_table_row rows[METRIC_TABLE_ROWS];
} g_table = { .lock = PTHREAD_MUTEX_INITIALIZER };

void metric_table_register(const char *label, const struct metric_table_gauge *gauges, uint32_t n)
{
	assert(n <= METRIC_TABLE_GAUGES);
	g_table.label = label;
	memcpy(g_table.gauges, gauges, n * sizeof(*gauges));
	g_table.gauge_count = n;
}

void metric_table_set(const struct metric_table_row *rows, uint32_t n)
{
	assert(n <= METRIC_TABLE_ROWS);
	(void)pthread_mutex_lock(&g_table.lock);
	if (n)
		memcpy(g_table.rows, rows, n * sizeof(*rows));
	g_table.row_count = n;
	(void)pthread_mutex_unlock(&g_table.lock);
}

static void gauge_write(struct writer *w, uint32_t gauge)
{
	const struct metric_table_gauge *g = &g_table.gauges[gauge];

	writer_fmt(w, "# HELP %s %s\n# TYPE %s gauge\n", g->name, g->help, g->name);
	for (uint32_t i = 0; i < g_table.row_count; i++)
		writer_fmt(w, "%s{%s=\"%s\"} %" PRIu64 "\n", g->name, g_table.label,
			   g_table.rows[i].name, g_table.rows[i].values[gauge]);
}

void metric_table_write(struct writer *w)
{
	(void)pthread_mutex_lock(&g_table.lock);
	for (uint32_t i = 0; i < g_table.gauge_count && g_table.row_count; i++)
		gauge_write(w, i);
	(void)pthread_mutex_unlock(&g_table.lock);
}
