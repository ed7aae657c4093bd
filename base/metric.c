/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry of metrics and the page that Prometheus reads. Each thread adds to a block of its
 * own without a locked instruction and without a shared cache line, because the workers count
 * packets; a reader sums all blocks. A thread that finds no free block uses the last one, which is
 * shared and atomic. Registration happens at start; gauges of tenants and trunks, which come and
 * go, are tables of rows under a lock.
 */

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/metric.h"

#include "base/table.h"

void histogram_open(struct histogram *h, const char *name, const char *labels, const char *help,
		    const struct histogram_bound *bounds, uint32_t per)
{
	size_t i = 0;

	h->bounds = bounds;
	do {
		assert(i < HISTOGRAM_BOUNDS_MAX);
		h->buckets[i] = metric_register(METRIC_BUCKET, name, bounds[i].labels, help);
	} while (bounds[i++].value != UINT64_MAX);
	h->sum = metric_register_per(METRIC_SUM, name, labels, help, per);
	h->count = metric_register(METRIC_COUNT, name, labels, help);
}

void histogram_add(const struct histogram *h, uint64_t value)
{
	size_t i = 0;

	do {
		if (value <= h->bounds[i].value)
			metric_add(h->buckets[i], 1);
	} while (h->bounds[i++].value != UINT64_MAX);
	metric_add(h->sum, value);
	metric_add(h->count, 1);
}

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

/* A test may register its metrics a second time. */
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

/* Their part of the page. */
static void metric_table_write(struct writer *w)
{
	(void)pthread_mutex_lock(&g_tables.lock);
	for (uint32_t table = 0; table < g_tables.count; table++) {
		const struct metric_table *t = &g_tables.list[table];

		for (uint32_t i = 0; i < t->gauge_count && t->row_count; i++)
			gauge_write(w, t, i);
	}
	(void)pthread_mutex_unlock(&g_tables.lock);
}

enum { NO_METRIC = METRIC_MAX };

struct metric {
	enum metric_type type;
	const char *name;
	const char *labels; /* NULL: unlabelled */
	const char *help;
	uint32_t per;  /* parts of a unit that a value is counted in: a power of ten */
	uint32_t next; /* of the same name, or NO_METRIC */
	uint32_t hash; /* of its name */
	bool first;    /* of its name */
};

/* Written by one thread; the last block by all threads that came too late for their own. */
struct block {
	CACHE_ALIGNED _Atomic uint64_t values[METRIC_MAX];
};

static struct metric g_registered[METRIC_MAX];
static uint32_t g_count;
static pthread_mutex_t g_register_lock = PTHREAD_MUTEX_INITIALIZER; /* of both */
static _Atomic uint64_t g_gauges[METRIC_MAX];
static struct block g_blocks[METRIC_THREADS];
static _Atomic uint32_t g_blocks_used;
static _Thread_local struct block *g_own;

static bool labels_eq(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static uint32_t hash_of_name(const char *name)
{
	return hash_crc32c_table(0, bytes_str(name));
}

static bool is_of_histogram(enum metric_type type)
{
	return type >= METRIC_BUCKET;
}

/* Index of the metric with this name, type and labels, or NO_METRIC; *last: the name's last
 * metric. */
static uint32_t metric_find(enum metric_type type, const char *name, const char *labels,
			    uint32_t *last)
{
	uint32_t hash = hash_of_name(name);

	*last = NO_METRIC;
	for (uint32_t i = 0; i < g_count; i++) {
		if (g_registered[i].hash != hash || strcmp(g_registered[i].name, name) != 0)
			continue;
		*last = i;
		if (g_registered[i].type == type && labels_eq(g_registered[i].labels, labels))
			return i;
	}
	return NO_METRIC;
}

metric_id metric_register(enum metric_type type, const char *name, const char *labels,
			  const char *help)
{
	return metric_register_per(type, name, labels, help, 1);
}

static metric_id metric_enter(enum metric_type type, const char *name, const char *labels,
			      const char *help, uint32_t per)
{
	uint32_t last;
	uint32_t id = metric_find(type, name, labels, &last);

	/* one name is one type, and a page with a broken HELP line is no page */
	assert(last == NO_METRIC || g_registered[last].type == type ||
	       (is_of_histogram(type) && is_of_histogram(g_registered[last].type)));
	assert(!strpbrk(help, "\\\n"));
	if (id != NO_METRIC)
		return id;
	assert(g_count < METRIC_MAX);
	id = g_count++;
	g_registered[id] = (struct metric){
		.type = type,
		.name = name,
		.labels = labels,
		.help = help,
		.per = per,
		.hash = hash_of_name(name),
		.next = NO_METRIC,
		.first = last == NO_METRIC,
	};
	if (last != NO_METRIC)
		g_registered[last].next = id;
	return id;
}

metric_id metric_register_per(enum metric_type type, const char *name, const char *labels,
			      const char *help, uint32_t per)
{
	metric_id id;

	(void)pthread_mutex_lock(&g_register_lock);
	id = metric_enter(type, name, labels, help, per);
	(void)pthread_mutex_unlock(&g_register_lock);
	return id;
}

static struct block *block_claim(void)
{
	uint32_t used = atomic_load_explicit(&g_blocks_used, memory_order_relaxed);

	while (used < METRIC_THREADS - 1) {
		if (atomic_compare_exchange_weak_explicit(&g_blocks_used, &used, used + 1,
							  memory_order_relaxed,
							  memory_order_relaxed))
			return &g_blocks[used];
	}
	return &g_blocks[METRIC_THREADS - 1];
}

void metric_add(metric_id id, uint64_t n)
{
	assert(id < METRIC_MAX);
	if (UNLIKELY(!g_own))
		g_own = block_claim();

	_Atomic uint64_t *value = &g_own->values[id];

	if (UNLIKELY(g_own == &g_blocks[METRIC_THREADS - 1])) {
		atomic_fetch_add_explicit(value, n, memory_order_relaxed);
		return;
	}
	/* one writer: no locked instruction */
	atomic_store_explicit(value, atomic_load_explicit(value, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

void metric_set(metric_id id, uint64_t value)
{
	/* not against g_count: more may be registered meanwhile, by another thread */
	assert(id < METRIC_MAX && g_registered[id].type == METRIC_GAUGE);
	atomic_store_explicit(&g_gauges[id], value, memory_order_relaxed);
}

uint64_t metric_value(metric_id id)
{
	uint64_t sum;

	assert(id < METRIC_MAX); /* see metric_set() */
	sum = atomic_load_explicit(&g_gauges[id], memory_order_relaxed);
	for (uint32_t i = 0; i < METRIC_THREADS; i++)
		sum += atomic_load_explicit(&g_blocks[i].values[id], memory_order_relaxed);
	return sum;
}

static const char *metric_type_name(enum metric_type type)
{
	switch (type) {
	case METRIC_COUNTER:
		return "counter";
	case METRIC_GAUGE:
		return "gauge";
	case METRIC_BUCKET:
	case METRIC_SUM:
	case METRIC_COUNT:
		return "histogram";
	}
	return "untyped";
}

static const char *suffix_of(enum metric_type type)
{
	switch (type) {
	case METRIC_COUNTER:
	case METRIC_GAUGE:
		return "";
	case METRIC_BUCKET:
		return "_bucket";
	case METRIC_SUM:
		return "_sum";
	case METRIC_COUNT:
		return "_count";
	}
	return "";
}

/* 1500 of 1000 are 1.5. */
static void metric_value_write(struct writer *w, uint64_t value, uint32_t per)
{
	uint64_t rest = value % per;

	writer_fmt(w, "%" PRIu64, value / per);
	if (rest)
		writer_str(w, ".");
	while (rest) {
		per /= 10;
		writer_fmt(w, "%" PRIu64, rest / per);
		rest %= per;
	}
}

static void family_write(struct writer *w, uint32_t first)
{
	const struct metric *m = &g_registered[first];

	writer_fmt(w, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name,
		   metric_type_name(m->type));
	for (uint32_t id = first; id != NO_METRIC; id = g_registered[id].next) {
		writer_str(w, m->name);
		writer_str(w, suffix_of(g_registered[id].type));
		if (g_registered[id].labels)
			writer_fmt(w, "{%s}", g_registered[id].labels);
		writer_str(w, " ");
		metric_value_write(w, metric_value(id), g_registered[id].per);
		writer_str(w, "\n");
	}
}

void metric_write(struct writer *w)
{
	(void)pthread_mutex_lock(&g_register_lock);
	for (uint32_t id = 0; id < g_count; id++) {
		if (g_registered[id].first)
			family_write(w, id);
	}
	(void)pthread_mutex_unlock(&g_register_lock);
	metric_table_write(w);
}
