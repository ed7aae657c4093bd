/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metric_table.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>

struct metric_table {
	const char *label;
	struct metric_table_gauge gauges[METRIC_TABLE_GAUGES];
	uint32_t gauge_count, row_count;
	struct metric_table_row rows[METRIC_TABLE_ROWS];
};

static struct {
	pthread_mutex_t lock; /* of the rows */
	struct metric_table list[METRIC_TABLES];
	uint32_t count;
} g_tables = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Tests register anew. */
static struct metric_table *table_labelled(const char *label)
{
	for (uint32_t i = 0; i < g_tables.count; i++) {
		if (!strcmp(g_tables.list[i].label, label))
			return &g_tables.list[i];
	}
	assert(g_tables.count < METRIC_TABLES);
	return &g_tables.list[g_tables.count++];
}

uint32_t metric_table_register(const char *label, const struct metric_table_gauge *gauges,
			       uint32_t n)
{
	struct metric_table *t = table_labelled(label);

	assert(n <= METRIC_TABLE_GAUGES);
	t->label = label;
	memcpy(t->gauges, gauges, n * sizeof(*gauges));
	t->gauge_count = n;
	return (uint32_t)(t - g_tables.list);
}

void metric_table_set(uint32_t table, const struct metric_table_row *rows, uint32_t n)
{
	struct metric_table *t = &g_tables.list[table];

	assert(table < g_tables.count && n <= METRIC_TABLE_ROWS);
	(void)pthread_mutex_lock(&g_tables.lock);
	if (n)
		memcpy(t->rows, rows, n * sizeof(*rows));
	t->row_count = n;
	(void)pthread_mutex_unlock(&g_tables.lock);
}

static void gauge_write(struct writer *w, const struct metric_table *t, uint32_t gauge)
{
	const struct metric_table_gauge *g = &t->gauges[gauge];

	writer_fmt(w, "# HELP %s %s\n# TYPE %s %s\n", g->name, g->help, g->name,
		   g->counter ? "counter" : "gauge");
	for (uint32_t i = 0; i < t->row_count; i++)
		writer_fmt(w, "%s{%s=\"%s\"} %" PRIu64 "\n", g->name, t->label, t->rows[i].name,
			   t->rows[i].values[gauge]);
}

void metric_table_write(struct writer *w)
{
	(void)pthread_mutex_lock(&g_tables.lock);
	for (uint32_t table = 0; table < g_tables.count; table++) {
		const struct metric_table *t = &g_tables.list[table];

		for (uint32_t i = 0; i < t->gauge_count && t->row_count; i++)
			gauge_write(w, t, i);
	}
	(void)pthread_mutex_unlock(&g_tables.lock);
}
