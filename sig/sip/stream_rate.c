/* SPDX-License-Identifier: Apache-2.0 */
/* A token bucket stored as one time, at which it is full again (stream_rate.h): spending adds an
 * interval, and is refused beyond the burst. It needs 8 octets per limited source and no timer, so
 * tables of many sources stay small. Time is an argument. */

#include "sig/sip/stream_rate.h"

#include "base/clock.h"

uint64_t stream_rate_next_ns(uint64_t full_ns, const struct stream_rate *rate)
{
	uint64_t each_ns = NS_PER_S / rate->per_s;
	uint64_t all_but_one_ns = (rate->burst - 1) * each_ns;

	return full_ns > all_but_one_ns ? full_ns - all_but_one_ns : 0;
}

bool stream_rate_spend(uint64_t *full_ns, const struct stream_rate *rate, uint64_t now_ns)
{
	if (stream_rate_next_ns(*full_ns, rate) > now_ns)
		return false;
	if (*full_ns < now_ns)
		*full_ns = now_ns;
	*full_ns += NS_PER_S / rate->per_s;
	return true;
}
