/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/model/park.h"

#include <errno.h>
#include <stdlib.h>

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

void park_clear(struct park **park)
{
	if (!*park)
		return;
	text_clear(&(*park)->by);
	free(*park);
	*park = NULL;
}
