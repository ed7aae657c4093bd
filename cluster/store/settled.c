/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/store/settled.h"

#include "base/clock.h"

/* By then all that still knew of an end has met it: a second end of a call by mistake is seen for so long, too. */
#define KEPT_NS (60 * NS_PER_S)

void settled_note(struct settled *s, uint64_t next, uint64_t now_ns)
{
	uint32_t newest = (s->taken - 1) % SETTLED_SAMPLES;
	uint32_t at = s->taken % SETTLED_SAMPLES;

	if (s->taken && now_ns - s->samples[newest].at_ns < NS_PER_S)
		return;
	s->samples[at].at_ns = now_ns;
	s->samples[at].next = next;
	s->taken++;
}

uint64_t settled_below(const struct settled *s, uint64_t now_ns)
{
	uint32_t n = s->taken < SETTLED_SAMPLES ? s->taken : SETTLED_SAMPLES;

	for (uint32_t i = 1; i <= n; i++) {
		uint32_t at = (s->taken - i) % SETTLED_SAMPLES;

		if (now_ns - s->samples[at].at_ns >= KEPT_NS)
			return s->samples[at].next;
	}
	return 0;
}
