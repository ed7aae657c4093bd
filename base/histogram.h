/* SPDX-License-Identifier: Apache-2.0 */
/* A histogram of metric.h: how many values there were up to each bound, and their sum. Any thread adds. */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include "base/metric.h"

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

/* labels: those without le, or NULL. per: as in metric_register_per. bounds must outlive the program. */
void histogram_open(struct histogram *h, const char *name, const char *labels, const char *help,
		    const struct histogram_bound *bounds, uint32_t per);
void histogram_add(const struct histogram *h, uint64_t value);

#endif
