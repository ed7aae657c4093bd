/* SPDX-License-Identifier: Apache-2.0 */
/* A record from anywhere: what is taken is written as it was read (read, write, read agree to the octet), with all that is unknown in it. What is
 * refused has a reason. */
#include "tests/unit/base/schema_thing.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 1 << 16 };

static bool again(struct bytes in, uint8_t room[ROOM], struct bytes *out)
{
	struct thing t = { 0 };
	struct text unknown = { 0 };
	struct schema_reader r = { .now = { THING_NOW_NS, THING_NOW_UTC }, .unknown = &unknown };
	struct schema_writer w = {
		.start = room, .at = room + ROOM, .now = r.now, .unknown = &unknown
	};
	bool ok = schema_read(&r, thing_rows, &t, in, SCHEMA_WHOLE);

	assert(ok == !r.reason);
	if (ok)
		schema_write(&w, thing_rows, &t);
	assert(!w.overflow && !w.place && !r.place);
	*out = bytes_mem(w.at, (size_t)(room + ROOM - w.at));
	clear_thing(&t);
	text_clear(&unknown);
	return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t first[ROOM], second[ROOM];
	struct bytes a, b;

	if (size > ROOM / 4 || !again(bytes_mem(data, size), first, &a))
		return 0;
	assert(again(a, second, &b) && bytes_eq(a, b));
	return 0;
}
