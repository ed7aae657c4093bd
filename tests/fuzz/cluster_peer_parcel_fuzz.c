/* SPDX-License-Identifier: Apache-2.0 */
/* Parcels between nodes: what is taken is written again as the same octets. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "cluster/peer/channel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void frame_check(struct bytes in)
{
	size_t n;
	int err = channel_frame(in, &n);

	assert(err == 0 || err == -EBADMSG);
	assert(!err || !n);
	assert(n <= CHANNEL_FRAME_MAX && (!n || n > CHANNEL_FRAME_HEAD + PEER_TAG_LEN));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_mem(data, size);
	struct parcel p;
	struct writer w;
	uint8_t *again;
	int err = parcel_read(&p, in);

	frame_check(in);
	if (err) {
		assert(err == -EBADMSG || (err == -EPROTONOSUPPORT && data[0] >= PARCEL_KINDS));
		return 0;
	}
	assert(p.kind >= PARCEL_SEND && p.kind < PARCEL_KINDS);
	assert(!p.connection == (p.kind >= PARCEL_SEND_DATAGRAM && p.kind <= PARCEL_STATES));
	assert((p.remote.family == ADDR_NONE) == (p.kind == PARCEL_STATES));
	again = malloc(size);
	assert(again);
	w = writer_over(again, size);
	parcel_write(&w, &p);
	assert(bytes_eq(writer_done(&w), in));
	free(again);
	return 0;
}
