/* SPDX-License-Identifier: Apache-2.0 */
/* Availability of a peer by OPTIONS (probe.h): sends one exchange after another at randomized
 * intervals, and counts failures and successes until the state changes. Any final response except
 * 408 and 503 shows that the peer is up. Pure: the owner sends requests and sets the timer. Used
 * for trunk servers. */

#include "sig/host/probe.h"

enum { T1_MS = 500 };

void probe_open(struct probe *p, const struct probe_limits *l, struct rand_source *rand,
		uint64_t now_ns)
{
	*p = (struct probe){ .next_ns = now_ns +
					rand_below(rand, l->interval_ms ? l->interval_ms : 1) *
						NS_PER_MS };
}

/* ... apart by the interval, plus or minus a tenth: nodes started together do not stay in step. */
static uint64_t next_after(const struct probe_limits *l, struct rand_source *rand, uint64_t now_ns)
{
	uint64_t spread = (uint64_t)l->interval_ms * 2 * PROBE_JITTER_PERMILLE / 1000;
	uint64_t least = l->interval_ms - spread / 2;

	return now_ns + (least + (spread ? rand_below(rand, (uint32_t)spread) : 0)) * NS_PER_MS;
}

static enum probe_do probe_start(struct probe *p, const struct probe_limits *l, bool reliable,
				 struct rand_source *rand, uint64_t now_ns)
{
	p->branch = rand_u64_from(rand) | 1;
	p->wait_ms = T1_MS;
	p->again_ns = reliable ? UINT64_MAX : now_ns + T1_MS * NS_PER_MS;
	p->until_ns = now_ns + PROBE_TIMEOUT_MS * NS_PER_MS;
	p->next_ns = next_after(l, rand, now_ns);
	return PROBE_SAY;
}

/* One outcome never decides: a response may be lost, and a failing server may respond now and
 * then. */
static enum probe_do probe_end(struct probe *p, const struct probe_limits *l, bool good)
{
	p->branch = 0;
	if (good != p->down) {
		p->row = 0;
		return PROBE_NOTHING;
	}
	if (++p->row < (good ? l->good : l->bad))
		return PROBE_NOTHING;
	p->row = 0;
	p->down = !good;
	return PROBE_CHANGED;
}

enum probe_do probe_expire(struct probe *p, const struct probe_limits *l, bool reliable,
			   struct rand_source *rand, uint64_t now_ns)
{
	if (p->branch && p->until_ns <= now_ns) {
		enum probe_do then = probe_end(p, l, false);

		if (then != PROBE_NOTHING)
			return then;
	}
	if (p->branch && p->again_ns <= now_ns) {
		p->wait_ms *= 2;
		p->again_ns = now_ns + p->wait_ms * NS_PER_MS;
		return PROBE_SAY;
	}
	return !p->branch && p->next_ns <= now_ns ? probe_start(p, l, reliable, rand, now_ns)
						  : PROBE_NOTHING;
}

/* Whatever else it says, it is there, and calls may be otherwise. */
static bool is_good(uint16_t status)
{
	return status != 503 && status != 408;
}

enum probe_do probe_answered(struct probe *p, const struct probe_limits *l, uint64_t branch,
			     uint16_t status)
{
	return p->branch && p->branch == branch && status >= 200 ? probe_end(p, l, is_good(status))
								 : PROBE_NOTHING;
}

enum probe_do probe_failed(struct probe *p, const struct probe_limits *l)
{
	return p->branch ? probe_end(p, l, false) : PROBE_NOTHING;
}

uint64_t probe_next_ns(const struct probe *p)
{
	if (!p->branch)
		return p->next_ns;
	return p->again_ns < p->until_ns ? p->again_ns : p->until_ns;
}
