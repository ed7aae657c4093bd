/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/flow/kept.h"

#include "engine/port/xdp_forwards.h"

enum { KEPT_VERSION = 1 };

static_assert(sizeof(struct kept) <= XDP_KEPT_OCTETS, "it fits beside an entry");

uint32_t kept_version(void)
{
	return KEPT_VERSION << 16 | (uint32_t)sizeof(struct kept);
}

/* release: what was written before is there for the next process, which the kernel starts after this one's end. */
static void whole_set(struct kept *k, uint32_t whole)
{
	__atomic_store_n(&k->whole, whole, __ATOMIC_RELEASE);
}

void kept_forget(struct kept *k)
{
	if (k->whole)
		whole_set(k, 0);
}

void kept_write(struct kept *k, const struct flow *f, const struct shortcut *s,
		const struct kept_share *in_heard, const struct kept_share *in_sent)
{
	uint32_t next = k->whole == 1 ? 1 : 0;

	k->copies[next] = (struct kept_copy){ .call = f->call,
					      .id = f->id,
					      .peer = f->peer,
					      .ssrc_out = f->ssrc_out,
					      .leg = f->leg,
					      .line = f->line,
					      .taken = shortcut_is_taken(s),
					      .closely = s->closely,
					      .count_ssrc = f->count_ssrc,
					      .lost_before = f->lost_before,
					      .in_heard = *in_heard,
					      .in_sent = *in_sent,
					      .source = f->source,
					      .sink = f->sink,
					      .received = f->received,
					      .sent = f->sent,
					      .jitter = f->jitter,
					      .count = f->count,
					      .stats = f->stats };
	whole_set(k, next + 1);
}

const struct kept_copy *kept_find(const struct kept *k, const struct flow *f)
{
	uint32_t whole = __atomic_load_n(&k->whole, __ATOMIC_ACQUIRE);
	const struct kept_copy *c;

	if (whole < 1 || whole > COUNT_OF(k->copies))
		return NULL;
	c = &k->copies[whole - 1];
	return c->call == f->call && c->leg == f->leg && c->line == f->line &&
			       c->ssrc_out == f->ssrc_out
		       ? c
		       : NULL;
}

void kept_apply(const struct kept_copy *c, struct flow *f)
{
	int64_t lost = seq_lost(&c->count);

	f->received = c->received;
	f->sent = c->sent;
	f->stats = c->stats;
	f->sink.packets = c->sink.packets;
	f->sink.octets = c->sink.octets;
	f->lost_before = c->lost_before;
	if (c->taken) {
		f->count = c->count;
		f->count_ssrc = c->count_ssrc;
		f->jitter = c->jitter;
	} else if (lost > 0) { /* some packets may have passed since: they are not lost */
		f->lost_before += (uint32_t)lost;
	}
	f->pace.rtp = f->received.packets; /* none of them came in this tick */
}
