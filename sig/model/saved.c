/* SPDX-License-Identifier: Apache-2.0 */
/* What rows of several features have in common. */
#include "sig/model/saved.h"

#include <stdlib.h>

#include "base/clock.h"

enum { DIGITS_OLD_MS = 30000 };

void saved_until_write(struct schema_writer *w, const struct schema *row, const void *object)
{
	const uint64_t *until_ns = (const void *)((const uint8_t *)object + row->offset);

	schema_put_number(w, row->tag, schema_utc_ms(w, *until_ns));
}

bool saved_until_read(struct schema_reader *r, const struct schema *row, void *object,
		      const struct schema_wire *in)
{
	uint64_t *until_ns = (void *)((uint8_t *)object + row->offset);

	*until_ns = steady_add(in->number, r->shift_ms) + DIGITS_OLD_MS >= r->now.utc_ms;
	return in->kind == SCHEMA_WIRE_VARINT;
}

void saved_forget_old(struct schema_reader *r, uint64_t *until_ns)
{
	if (*until_ns) {
		*until_ns = 0;
		return;
	}
	free(*r->behind);
	*r->behind = NULL;
}
