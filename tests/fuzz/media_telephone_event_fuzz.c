/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random packets into a tracker. Oracle: between two silences each timestamp gives one digit at most, in their order,
 * and in the end every event begun is done.
 * Input, again and again: 1 octet flags, 2 octets of time (ms), 4 of timestamp, 4..20 of payload.
 */
#include <assert.h>

#include "media/rtp/telephone_event.h"

enum { HEAD_LEN = 7, PAYLOAD_MAX = 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	uint64_t begun, done;
	struct event_done last;
	bool any; /* since the last silence */
};

/* Forward from the last segment of the last digit, by less than half the circle. */
static void check_done(struct seen *seen, const struct event_done *done)
{
	uint32_t after = done->started_at - seen->last.started_at;

	assert(!seen->any || (after && after < UINT32_C(0x80000000) + seen->last.duration));
	seen->last = *done;
	seen->any = true;
	seen->done++;
}

static void packet(struct event_tracker *t, struct seen *seen, struct bytes in, uint64_t now_ns)
{
	struct event_step out;
	bool silent = now_ns >= t->last_ns + TELEPHONE_EVENT_SILENCE_NS;
	bool marker = in.p[0] & 1;
	bool moves;
	uint32_t timestamp = be32_get(in.p + 3);
	int err;

	if (in.p[0] >> 6 == 3)
		event_tracker_move(t);
	moves = t->moved;
	err = event_tracker_packet(t, bytes_from(in, HEAD_LEN), timestamp, marker, now_ns, &out);

	assert(!err == (in.n - HEAD_LEN >= TELEPHONE_EVENT_LEN));
	seen->begun += out.begun;
	for (uint8_t i = 0; i < out.done_count; i++) {
		if (moves || (silent && out.done[i].started_at == timestamp))
			seen->any = false; /* a source that begins anew may go back */
		check_done(seen, &out.done[i]);
	}
	assert(seen->done + (t->state == EVENT_RUNNING) == seen->begun);
	if (moves)
		seen->any = false;
	if (silent && t->state == EVENT_RUNNING && t->started_at == timestamp)
		seen->any = false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct event_tracker t = { 0 };
	struct bytes rest = bytes_mem(data, size);
	struct seen seen = { 0 };
	struct event_done done;
	uint64_t now_ns = TELEPHONE_EVENT_SILENCE_NS;

	while (rest.n >= HEAD_LEN) {
		size_t len = HEAD_LEN + (rest.p[0] >> 1) % (PAYLOAD_MAX + 1U);

		now_ns += be16_get(rest.p + 1) % 4000U * UINT64_C(1000000);
		if (rest.p[2] & 1 && event_tracker_expire(&t, now_ns, &done))
			check_done(&seen, &done);
		packet(&t, &seen, bytes_sub(rest, 0, len), now_ns);
		rest = bytes_from(rest, len);
	}
	if (event_tracker_expire(&t, now_ns + TELEPHONE_EVENT_SILENCE_NS, &done))
		check_done(&seen, &done);
	assert(seen.done == seen.begun);
	return 0;
}
