/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any order of events: two bytes each (what, how long after the last one). Whoever asks waits for one answer only; health is
 * told once on each change; the fenced ask for nothing until they want to; alone, one that holds the shard may always speak,
 * with peers no longer than the lease; and what may be probed is probed, so nobody stays in doubt for ever.
 */
#include <assert.h>

#include "base/clock.h"
#include "cluster/lease.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { QUESTIONS = LEASE_SEND_ACQUIRE | LEASE_SEND_ASSERT | LEASE_SEND_RENEW };
#define LENGTH (3 * NS_PER_S)

struct world {
	struct lease lease;
	uint64_t now_ns;
	bool asked, healthy, peers;
	uint32_t link;
};

static struct lease_event event_of(const struct world *w, uint8_t byte)
{
	struct lease_event event = { .type = (enum lease_event_type)(byte % (LEASE_ACK + 1)) };
	bool answers = event.type >= LEASE_GRANTED && event.type <= LEASE_SEEN;

	event.kept = byte & 0x20;
	event.answer = answers && w->asked && (byte & 0x40);
	/* only an answer grants or refuses, and only a question is answered */
	if ((event.type == LEASE_GRANTED || event.type == LEASE_TAKEN ||
	     event.type == LEASE_UNKNOWN) &&
	    !event.answer)
		event.type = LEASE_TIMER;
	if (event.type == LEASE_GRANTED) {
		event.epoch = (struct lease_epoch){ w->lease.heard + (byte >> 7),
						    w->lease.epoch.incarnation };
	} else if (event.type == LEASE_ACK) {
		event.from = 2 + (byte >> 7);
		event.sent_ns = w->lease.told_ns;
	} else if (event.type == LEASE_SEEN || event.type == LEASE_TAKEN) {
		event.epoch = (struct lease_epoch){ byte >> 4, byte & 0x20 };
	}
	return event;
}

static void check(struct world *w, unsigned actions)
{
	const struct lease *l = &w->lease;
	unsigned question = actions & QUESTIONS;
	uint64_t valid_ns = atomic_load_explicit(&l->valid_until_ns, memory_order_relaxed);

	assert((question & (question - 1)) == 0);
	assert(!question || (!w->asked && l->link_up && l->state != LEASE_FENCED &&
			     l->state != LEASE_IDLE && l->state != LEASE_LAPSED));
	assert(!(actions & LEASE_HEALTHY) || (!w->healthy && !(actions & LEASE_DEGRADED)));
	assert(!(actions & LEASE_DEGRADED) || w->healthy);
	assert(!(actions & LEASE_LAPSE) || (w->peers && l->state != LEASE_HELD));
	w->asked |= question != 0;
	w->healthy = (w->healthy || (actions & LEASE_HEALTHY)) && !(actions & LEASE_DEGRADED);
	assert(w->healthy == (l->state == LEASE_HELD));
	assert(w->asked == (l->question != 0));
	assert(!(actions & LEASE_FENCE) || l->state == LEASE_FENCED);
	assert(l->state != LEASE_FENCED || (valid_ns == 0 && l->next_ns == UINT64_MAX));
	assert(l->link >= w->link);
	assert((question & ~(unsigned)LEASE_SEND_RENEW) ? l->link > w->link : l->link == w->link);
	w->link = l->link;
	if (l->state == LEASE_HELD || l->state == LEASE_DOUBT)
		assert(w->peers ? valid_ns <= w->now_ns + LENGTH : valid_ns == UINT64_MAX);
	if (l->state == LEASE_HELD || (l->state == LEASE_DOUBT && l->link_up))
		assert(w->asked || l->next_ns <= w->now_ns + 10 * NS_PER_S);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = { .now_ns = NS_PER_S, .peers = size % 2 };

	lease_open(&w.lease, 0x10, LENGTH);
	if (w.peers)
		lease_name(&w.lease, &(struct members){ { 2, 3 }, 2 }, w.now_ns);
	for (size_t i = 0; i + 1 < size; i += 2) {
		struct lease_event event = event_of(&w, data[i]);

		w.now_ns += (uint64_t)data[i + 1] * data[i + 1] * NS_PER_MS / 4;
		if (event.answer)
			w.asked = false;
		check(&w, lease_step(&w.lease, &event, w.now_ns));
	}
	return 0;
}
