/* SPDX-License-Identifier: Apache-2.0 */
/* Items of a datagram: what is taken is written again as the same octets, and fits where it came from. */
#include <assert.h>
#include <errno.h>

#include "cluster/peer/parcel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void item_check(struct bytes octets, const struct peer_item *item)
{
	uint8_t again[PEER_ITEM_MAX];
	struct writer w = writer_over(again, sizeof(again));

	assert(item->kind >= PEER_HELLO && item->kind < PEER_KINDS);
	assert((item->shard != 0) == (item->kind > PEER_LEAVING && item->kind != PEER_DRAINS));
	assert(item->named.count <= MEMBERS_MAX);
	for (uint32_t i = 0; i < item->named.count; i++)
		assert(item->named.ids[i] && members_rank(&item->named, item->named.ids[i]) == i);
	assert(peer_item_write(&w, item));
	assert(bytes_eq(writer_done(&w), octets));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes rest = bytes_mem(data, size);

	while (rest.n) {
		struct bytes before = rest;
		struct peer_item item;
		int err = peer_item_read(&rest, &item);

		if (err == -EBADMSG)
			return 0;
		assert(rest.n <= before.n - 2);
		if (err)
			assert(err == -EPROTONOSUPPORT && before.p[0] >= PEER_KINDS);
		else
			item_check(bytes_sub(before, 0, before.n - rest.n), &item);
	}
	return 0;
}
