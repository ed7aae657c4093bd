/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/model/orders.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct order_kept *orders_find(const struct orders *orders, uint64_t id)
{
	for (uint8_t i = 0; orders && i < orders->count; i++) {
		if (orders->list[i].id == id)
			return &orders->list[i];
	}
	return NULL;
}

static bool orders_make(struct orders **orders)
{
	if (!*orders)
		*orders = calloc(1, sizeof(**orders));
	return *orders;
}

static uint32_t last_number(const struct orders *o)
{
	return o->count ? o->list[o->count - 1].number : 0;
}

uint32_t orders_next(const struct orders *orders)
{
	return orders ? last_number(orders) + 1 : 1;
}

const struct order_kept *orders_keep(struct orders **orders, uint64_t id)
{
	struct order_kept kept = { .id = id };
	struct orders *o;

	if (!orders_make(orders))
		return NULL;
	o = *orders;
	kept.number = last_number(o) + 1;
	if (o->count == ORDERS_KEPT)
		memmove(o->list, o->list + 1, --o->count * sizeof(o->list[0]));
	o->list[o->count] = kept;
	return &o->list[o->count++];
}

int orders_add(struct orders **orders, const struct order_kept *kept)
{
	if (!orders_make(orders))
		return -ENOMEM;
	if ((*orders)->count == ORDERS_KEPT || kept->number <= last_number(*orders))
		return -EINVAL;
	(*orders)->list[(*orders)->count++] = *kept;
	return 0;
}
