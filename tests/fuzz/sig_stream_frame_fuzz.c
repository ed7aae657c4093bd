/* SPDX-License-Identifier: Apache-2.0 */
/* The oracle: the octets cut into pieces by the seed in front give the same frames as all at once, and a message that can be read has
 * the body its frame says. */
#include <assert.h>
#include <string.h>

#include "base/rand.h"
#include "sig/sip/message.h"
#include "sig/transport/stream_frame.h"

enum { FRAMES_MAX = 64, SEED = 8, PIECE_MAX = 40 };

struct cut {
	struct stream_frame frames[FRAMES_MAX];
	size_t count, taken;
};

static void check_message(struct bytes frame)
{
	struct message_error error;
	struct sip_message m;

	if (!message_parse(&m, frame, &error)) {
		size_t head = frame.n - m.body.n;

		assert(head >= 4 && !memcmp(frame.p + head - 4, "\r\n\r\n", 4));
	}
	message_close(&m);
}

/* False: broken, or too many. */
static bool drain(struct cut *c, struct stream_scan *scan, struct bytes in, size_t come)
{
	for (;;) {
		struct bytes rest = bytes_sub(in, c->taken, come - c->taken);
		struct stream_frame f = stream_frame_next(scan, rest);

		if (f.kind == STREAM_MORE)
			return true;
		assert(f.kind == STREAM_BROKEN || (f.n > 0 && f.n <= rest.n));
		if (c->count == FRAMES_MAX)
			return false;
		c->frames[c->count++] = f;
		if (f.kind == STREAM_BROKEN)
			return false;
		if (f.kind == STREAM_MESSAGE)
			check_message(bytes_sub(rest, 0, f.n));
		c->taken += f.n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stream_scan whole = { 0 }, pieces = { 0 };
	struct cut a = { 0 }, b = { 0 };
	struct rand_source rand;
	struct bytes in;
	uint64_t seed;

	if (size < SEED)
		return 0;
	memcpy(&seed, data, SEED);
	rand_open_seed(&rand, seed);
	in = bytes_mem(data + SEED, size - SEED);
	(void)drain(&a, &whole, in, in.n);
	for (size_t come = 0; come < in.n;) {
		come += 1 + rand_u32_from(&rand) % PIECE_MAX;
		come = come < in.n ? come : in.n;
		if (!drain(&b, &pieces, in, come))
			break;
	}
	assert(a.count == b.count);
	for (size_t i = 0; i < a.count; i++) {
		assert(a.frames[i].kind == b.frames[i].kind && a.frames[i].n == b.frames[i].n);
		assert(a.frames[i].reason == b.frames[i].reason);
	}
	return 0;
}
