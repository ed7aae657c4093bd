/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gauges by names that come and go, such as those of tenants: tables of rows, each with a name and a value of each gauge. The names
 * are bounded by whoever sets them. One thread sets; any thread writes the page.
 */
#ifndef BASE_METRIC_TABLE_H
#define BASE_METRIC_TABLE_H

#include "base/bytes.h"

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
/* Their part of the page. */
void metric_table_write(struct writer *w);

#endif
