/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters, gauges and histograms in the Prometheus text format. The main thread registers them at
 * start; each thread adds to its own block (no shared cache line), and the reader sums. A gauge has
 * one owner, which sets its value.
 */
#ifndef BASE_METRIC_H
#define BASE_METRIC_H

#include "base/bytes.h"

enum { METRIC_MAX = 1024, METRIC_THREADS = 64 };

/* The last three are parts of one histogram and share its name. A bucket has a label le="..." and
 * counts all values up to it. */
enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_BUCKET, METRIC_SUM, METRIC_COUNT };

/* Index of a registered metric; the same name and labels give the same id. */
typedef uint32_t metric_id;

/* name: "tandem_sip_requests_total"; labels: "method=\"INVITE\"" or NULL. Both must outlive the
 * program. Main thread, before other threads run. Asserts that there is room. */
metric_id metric_register(enum metric_type type, const char *name, const char *labels,
			  const char *help);
/* Likewise for values counted in fractions of the unit: `per` of them make one, as 1000000 for
 * microseconds shown as seconds. */
metric_id metric_register_per(enum metric_type type, const char *name, const char *labels,
			      const char *help, uint32_t per);
/* Any thread; relaxed. */
void metric_add(metric_id id, uint64_t n);
void metric_set(metric_id id, uint64_t value); /* gauges; one owner thread */
uint64_t metric_value(metric_id id);           /* summed over threads */
/* The whole page, text format 0.0.4, grouped by name with HELP and TYPE. */
void metric_write(struct writer *w);

/* Gauges with names that come and go, such as those of tenants: tables of rows, each with a name
 * and a value per gauge. The caller that sets them bounds the names. One thread sets; any thread
 * writes the page. */

enum {
	METRIC_TABLES = 3,
	METRIC_TABLE_ROWS = 128,
	METRIC_TABLE_GAUGES = 6,
	METRIC_TABLE_NAME_MAX = 80
};

struct metric_table_row {
	char name[METRIC_TABLE_NAME_MAX]; /* no '"', '\\' or line feed */
	uint64_t values[METRIC_TABLE_GAUGES];
};

struct metric_table_gauge {
	const char *name, *help; /* outlive the program */
	bool counter;
};

/* Once for each table, before others run. label: what the names are. Which table it is. */
uint32_t metric_table_register(const char *label, const struct metric_table_gauge *gauges,
			       uint32_t n);
/* In the place of the rows that there were. */
void metric_table_set(uint32_t table, const struct metric_table_row *rows, uint32_t n);

/* A histogram of metric.h: the number of values up to each bound, and their sum. Any thread
 * adds. */

enum { HISTOGRAM_BOUNDS_MAX = 16 };

/* labels: with le, in the unit of the name. The last bound of a list is UINT64_MAX, le="+Inf". */
struct histogram_bound {
	uint64_t value;
	const char *labels;
};

struct histogram {
	const struct histogram_bound *bounds;
	metric_id buckets[HISTOGRAM_BOUNDS_MAX], sum, count;
};

/* labels: without le, or NULL. per: as in metric_register_per. bounds must outlive the program. */
void histogram_open(struct histogram *h, const char *name, const char *labels, const char *help,
		    const struct histogram_bound *bounds, uint32_t per);
void histogram_add(const struct histogram *h, uint64_t value);

#endif
