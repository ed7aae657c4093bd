/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/lookup/lookup_order.h"

typedef uint64_t order_rank_fn(const struct dns_record *r);

/* Those of the same rank as they came. */
static void order_by(const struct dns_set *set, order_rank_fn *rank, uint8_t *list, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++) {
		uint8_t one = list[i];
		uint32_t at = i;

		for (; at && rank(&set->records[list[at - 1]]) > rank(&set->records[one]); at--)
			list[at] = list[at - 1];
		list[at] = one;
	}
}

/* RFC 2782: those of weight 0 stand first, so that they have a small chance. */
static uint64_t rank_srv(const struct dns_record *r)
{
	return (uint64_t)r->priority << 1 | (r->weight != 0);
}

static uint64_t rank_naptr(const struct dns_record *r)
{
	return (uint64_t)r->priority << 16 | r->weight;
}

/* Of list[0..n), all of one priority, the one that is drawn comes first; the others stay in their order. */
static void draw_first(const struct dns_set *set, struct rand_source *rand, uint8_t *list,
		       uint32_t n)
{
	uint32_t sum = 0, drawn, at = 0;
	uint8_t one;

	for (uint32_t i = 0; i < n; i++)
		sum += set->records[list[i]].weight;
	drawn = rand_below(rand, sum + 1);
	for (sum = 0; at < n - 1; at++) {
		sum += set->records[list[at]].weight;
		if (sum >= drawn)
			break;
	}
	one = list[at];
	memmove(list + 1, list, at);
	list[0] = one;
}

void order_srv(const struct dns_set *set, struct rand_source *rand, uint8_t out[DNS_RECORDS_MAX])
{
	for (uint32_t i = 0; i < set->count; i++)
		out[i] = (uint8_t)i;
	order_by(set, rank_srv, out, set->count);
	for (uint32_t i = 0; i < set->count; i++) {
		uint32_t end = i + 1;

		while (end < set->count &&
		       set->records[out[end]].priority == set->records[out[i]].priority)
			end++;
		draw_first(set, rand, out + i, end - i);
	}
}

uint32_t order_naptr(const struct dns_set *set, uint8_t wanted, uint8_t out[DNS_RECORDS_MAX])
{
	uint32_t n = 0, same = 0;

	for (uint32_t i = 0; i < set->count; i++) {
		if (wanted & 1U << set->records[i].service)
			out[n++] = (uint8_t)i;
	}
	order_by(set, rank_naptr, out, n);
	while (same < n && set->records[out[same]].priority == set->records[out[0]].priority)
		same++;
	return same;
}
