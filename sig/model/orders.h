/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The newest orders that a call has carried out, by who gave them. They are in its record: who repeats one after a lost answer, or after
 * a kill, hears the same again, and nothing is done twice.
 */
#ifndef SIG_MODEL_ORDERS_H
#define SIG_MODEL_ORDERS_H

#include "base/bytes.h"

enum { ORDERS_KEPT = 8 };

struct order_kept {
	uint64_t id;     /* of the command: id_order */
	uint32_t number; /* among those of the call, from 1 on: what its answer says */
};

struct orders {
	struct order_kept list[ORDERS_KEPT]; /* the newest is the last */
	uint8_t count;
};

/* NULL: it was never carried out, or long ago. orders: NULL is none. */
const struct order_kept *orders_find(const struct orders *orders, uint64_t id);
/* The number that the next one will have. */
uint32_t orders_next(const struct orders *orders);
/* The oldest makes room. Makes *orders where there is none. NULL: no memory. */
const struct order_kept *orders_keep(struct orders **orders, uint64_t id);
/* As a record has it, in this order. 0, -EINVAL (numbers do not grow, or there are too many) or -ENOMEM. */
int orders_add(struct orders **orders, const struct order_kept *kept) NODISCARD;

#endif
