/* SPDX-License-Identifier: Apache-2.0 */
/* Oracle: what is read and written again reads back the same, and its parts are the whole file; an element lies in its text. */
#include <assert.h>
#include <string.h>

#include "app/deliver/upload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void upload_whole(struct upload *u)
{
	uint64_t from, sum = 0;
	uint32_t done = u->done;

	assert(u->count <= UPLOAD_PARTS_MAX);
	for (u->done = 0; u->done < u->count; u->done++) {
		uint64_t octets = upload_part(u, &from);

		assert(from == sum && octets && octets <= u->part);
		sum += octets;
	}
	assert(sum == u->octets);
	u->done = done;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct upload first, again;
	static char text[UPLOAD_TEXT_MAX];
	struct writer w = writer_over(text, sizeof(text));
	struct bytes in = { data, size }, found = upload_element(in, "UploadId");

	assert(!found.n || (found.p > in.p && found.p + found.n < in.p + in.n));
	memset(&first, 0, sizeof(first));
	memset(&again, 0, sizeof(again));
	if (upload_parse(&first, in)) {
		assert(!memcmp(&first, &again, sizeof(first)));
		return 0;
	}
	upload_whole(&first);
	upload_write(&w, &first);
	assert(!w.overflow);
	assert(!upload_parse(&again, writer_done(&w)));
	assert(!memcmp(&first, &again, sizeof(first)));
	return 0;
}
