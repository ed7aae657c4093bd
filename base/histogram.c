/* SPDX-License-Identifier: Apache-2.0 */
#include "base/histogram.h"

#include <assert.h>

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
