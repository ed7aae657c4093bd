/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two nodes that start again and again, and somebody between them who keeps all that they send: an octet or two are an event. It may be
 * delivered at any time and as often as one likes, or changed. What counts was sent to this very process, lately, by the newest
 * process that was heard, and counts once. And whatever was done: two that are left alone soon hear each other.
 */
#include <assert.h>
#include <string.h>

#include "cluster/peer/line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KEPT = 256, FRESH = 1000, LONG_AGO = 2 * FRESH };

struct kept {
	uint8_t octets[PEER_HEAD_LEN + PEER_MEMORY_LEN + PEER_TAG_LEN];
	size_t n;
	uint32_t from;
	uint64_t by, to; /* process that sent it, and that of the other then */
	uint64_t sent_ns;
	bool notice, counted;
};

struct side {
	struct rand_source rand;
	struct peer_self self;
	struct peer_line line;
	uint64_t process, heard; /* of the other; counted from 1 */
};

struct world {
	struct side sides[2];
	struct kept kept[KEPT];
	uint32_t count;
	uint64_t now_ns, processes;
};

static void side_start(struct world *w, uint32_t i)
{
	struct side *s = &w->sides[i];

	s->process = ++w->processes;
	s->heard = 0;
	rand_open_seed(&s->rand, s->process);
	s->self = (struct peer_self){
		.id = i + 1, .incarnation = s->process, .fresh_ns = FRESH, .rand = &s->rand
	};
	peer_line_open(&s->line, &s->self, 2 - i);
}

static struct kept *keep(struct world *w, uint32_t from)
{
	struct kept *k = &w->kept[w->count];

	*k = (struct kept){ .from = from,
			    .by = w->sides[from].process,
			    .to = w->sides[!from].process,
			    .sent_ns = w->now_ns };
	w->count++;
	return k;
}

static void say(struct world *w, uint32_t from, const struct peer_echo *answer)
{
	struct side *s = &w->sides[from];
	uint8_t out[PEER_PACKET_MAX];
	struct kept *k;
	int err;

	if (w->count == KEPT)
		return;
	k = keep(w, from);
	err = peer_line_write(&s->line, &s->self, answer, bytes_mem(NULL, 0), w->now_ns, out,
			      &k->n);
	assert(!err && k->n == sizeof(k->octets));
	memcpy(k->octets, out, k->n);
}

static void notice(struct world *w, uint32_t from)
{
	struct side *s = &w->sides[from];
	uint8_t out[PEER_PACKET_MAX];
	struct kept *k;
	int err;

	if (w->count == KEPT)
		return;
	k = keep(w, from);
	k->notice = true;
	err = peer_line_gone(&s->line, &s->self, bytes_mem(NULL, 0), out, &k->n);
	assert(!err && k->n <= sizeof(k->octets));
	memcpy(k->octets, out, k->n);
}

static enum peer_verdict hear(struct side *to, struct bytes packet, uint64_t now_ns,
			      struct peer_read *read)
{
	struct peer_head head;

	if (peer_head_read(&head, packet) || head.from != to->line.id || head.to != to->self.id)
		return PEER_FORGED;
	peer_line_read(&to->line, &to->self, &head, packet, now_ns, read);
	return read->verdict;
}

/* to: told only of what it was sent */
static void count(const struct world *w, struct side *to, struct kept *k)
{
	assert(!k->notice && !k->counted);
	assert(k->to == to->process);
	assert(k->by >= to->heard);
	assert(w->now_ns - k->sent_ns <= FRESH);
	k->counted = true;
	to->heard = k->by;
}

static void deliver(struct world *w, uint8_t which, bool answers)
{
	struct kept *k = &w->kept[which];
	struct side *to = &w->sides[!k->from];
	struct peer_read read;

	if (which >= w->count)
		return;
	switch (hear(to, bytes_mem(k->octets, k->n), w->now_ns, &read)) {
	case PEER_TRUE:
		count(w, to, k);
		return;
	case PEER_GONE:
		assert(k->notice && read.incarnation == k->by);
		return;
	case PEER_UNPROVEN:
	case PEER_STALE:
		if (answers)
			say(w, !k->from, &read.answer);
		return;
	case PEER_REPEATED:
		return;
	case PEER_FORGED:
	case PEER_NO_MEMORY:
	case PEER_VERDICTS:
		assert(false);
	}
}

static void change(struct world *w, uint8_t which, uint8_t where)
{
	struct kept k = w->kept[which];
	struct peer_read read;

	if (which >= w->count)
		return;
	k.octets[where % k.n] ^= (uint8_t)(1 << where % 8);
	assert(hear(&w->sides[!k.from], bytes_mem(k.octets, k.n), w->now_ns, &read) == PEER_FORGED);
}

static void step(struct world *w, const uint8_t event[2])
{
	uint32_t side = event[0] >> 7;

	switch (event[0] % 8) {
	case 0:
		side_start(w, side);
		return;
	case 1:
		w->now_ns += event[1] == 255 ? LONG_AGO : event[1];
		return;
	case 2:
		notice(w, side);
		return;
	case 3:
		change(w, event[1], event[0] >> 3);
		return;
	case 4:
	case 5:
		say(w, side, NULL);
		return;
	default:
		deliver(w, event[1], event[0] & 0x40);
	}
}

static void meet(struct world *w)
{
	for (int i = 0; i < 4; i++) {
		for (uint32_t side = 0; side < 2; side++) {
			w->count = 0;
			say(w, side, NULL);
			for (uint32_t at = 0; at < w->count && at < 8; at++)
				deliver(w, (uint8_t)at, true);
		}
	}
	for (uint32_t side = 0; side < 2; side++) {
		w->count = 0;
		say(w, side, NULL);
		deliver(w, 0, false);
		assert(w->kept[0].counted);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;

	memset(&w, 0, sizeof(w));
	w.now_ns = 1;
	side_start(&w, 0);
	side_start(&w, 1);
	for (size_t i = 0; i + 1 < size && i < 512; i += 2)
		step(&w, data + i);
	meet(&w);
	return 0;
}
