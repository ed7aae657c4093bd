/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a call while its party waits in a parking slot (park.h), as a value with its record
 * rows. Claiming, announcing and return are in sig/pbx/park.c. */

#include "sig/model/park.h"

#include <errno.h>
#include <stdlib.h>

#include "sig/model/saved.h"

bool park_slot_is(struct bytes slot)
{
	for (size_t i = 0; i < slot.n; i++) {
		if (slot.p[i] < '0' || slot.p[i] > '9')
			return false;
	}
	return slot.n && slot.n <= PARK_SLOT_LEN;
}

int park_make(struct park **park, struct bytes slot, struct bytes by, uint64_t since_utc_ms)
{
	struct park *p = calloc(1, sizeof(*p));

	if (!p || text_set(&p->by, by)) {
		free(p);
		return -ENOMEM;
	}
	(void)bytes_cstr(slot, p->slot, sizeof(p->slot));
	p->since_utc_ms = since_utc_ms;
	*park = p;
	return 0;
}

static bool park_check(struct schema_reader *r, void *object)
{
	const struct park *p = object;
	struct bytes slot = bytes_str(p->slot), last = bytes_str(p->last);

	(void)r;
	return park_slot_is(slot) && (!last.n || (park_slot_is(last) && last.n == slot.n));
}

static const struct schema park_rows[] = {
	{ "slot", 1, SCHEMA_CSTR, SCHEMA_AT(struct park, slot), .wrong = "park: slot" },
	{ "by", 2, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct park, by), .max = SAVED_USER_MAX,
	  .wrong = "park: by" },
	{ "since_utc_ms", 3, SCHEMA_UINT, SCHEMA_AT(struct park, since_utc_ms) },
	{ "asks", 4, SCHEMA_BOOL, SCHEMA_AT(struct park, asks) },
	{ "last", 5, SCHEMA_CSTR, SCHEMA_AT(struct park, last), .wrong = "park: slot" },
	{ 0 },
};

const struct schema park_saved[] = {
	{ "park", 54, SCHEMA_MESSAGE, SCHEMA_POINTER, SCHEMA_OF(struct call, park, struct park),
	  .of = park_rows, .check = park_check, .wrong = "park: slot" },
	{ 0 },
};

void park_clear(struct park **park)
{
	if (!*park)
		return;
	text_clear(&(*park)->by);
	free(*park);
	*park = NULL;
}
