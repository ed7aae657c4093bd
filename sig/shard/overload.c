/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/shard/overload.h"

#include "base/clock.h"

#define INTERVAL_NS (OVERLOAD_INTERVAL_MS * NS_PER_MS)
#define END_NS      (OVERLOAD_END_S * NS_PER_S)

bool overload_is(const struct overload *o, uint64_t now_ns)
{
	return o->until_ns > now_ns;
}

bool overload_note(struct overload *o, uint64_t behind_ns, uint64_t target_ns, uint64_t now_ns)
{
	bool was = overload_is(o, now_ns);

	if (target_ns == 0 || behind_ns <= target_ns) {
		o->since_ns = 0;
		if (target_ns == 0)
			o->until_ns = 0;
		return false;
	}
	if (o->since_ns == 0)
		o->since_ns = now_ns;
	if (!was && now_ns - o->since_ns < INTERVAL_NS)
		return false;
	o->until_ns = now_ns + END_NS;
	return !was;
}

bool overload_refuses(const struct overload *o, uint64_t behind_ns, uint64_t target_ns,
		      uint64_t now_ns)
{
	return overload_is(o, now_ns) && behind_ns > target_ns;
}
