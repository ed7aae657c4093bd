/* SPDX-License-Identifier: Apache-2.0 */
/* Oracle: what reads as a tag or branch of ours is written the same again (but for capitals); call ids rise whatever the clock does, and
 * name their shard. */
#include <assert.h>

#include "sig/sip/id.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct bytes in)
{
	char text[ID_BRANCH_LEN];
	struct id_tag tag;
	uint64_t call;

	if (id_tag_get(in, &tag) == 0) {
		id_tag_put(text, &tag);
		assert(bytes_ieq(in, bytes_mem(text, ID_TAG_LEN)));
	}
	if (id_branch_get(in, &tag) == 0) {
		id_branch_put(text, &tag);
		assert(bytes_ieq(in, bytes_mem(text, ID_BRANCH_LEN)));
	}
	if (id_call_get(in, &call) == 0) {
		id_call_put(text, call);
		assert(bytes_ieq(in, bytes_mem(text, ID_TEXT_LEN)));
	}
}

static void check_clock(const uint8_t *data, size_t size)
{
	struct id_source s = { .shard = 0xfffe };
	uint64_t utc_ms = UINT64_C(1790000000000);
	uint64_t before = 0;

	for (size_t i = 0; i < size; i++) {
		uint64_t call = id_call_next(&s, utc_ms);

		assert(call > before && id_shard(call) == 0xfffe && (call & BIT64(47)) == 0);
		before = call;
		utc_ms += (uint64_t)(int64_t)(int8_t)data[i];
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_text(bytes_mem(data, size));
	check_clock(data, size);
	return 0;
}
