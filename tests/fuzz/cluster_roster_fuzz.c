/* SPDX-License-Identifier: Apache-2.0 */
/* A node of the roster, as anybody may have written it: 16 octets of its id, then its text. What is read says the same when it is written and read again. */
#include <assert.h>

#include "cluster/roster.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_mem(data, size);
	struct bytes id = bytes_sub(in, 0, size < 16 ? size : 16), text;
	struct roster_node node, again;
	char out[ROSTER_TEXT_MAX], out_again[ROSTER_TEXT_MAX];

	if (roster_read(&node, id, bytes_from(in, id.n)))
		return 0;
	assert(node.id && node.name[0] && node.address[0]);
	assert(node.shard_count <= ROSTER_SHARDS_MAX);
	text = roster_write(out, &node);
	assert(text.n);
	assert(!roster_read(&again, id, text));
	assert(again.id == node.id && bytes_eq(roster_write(out_again, &again), text));
	return 0;
}
