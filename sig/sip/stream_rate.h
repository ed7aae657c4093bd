/* SPDX-License-Identifier: Apache-2.0 */
/* Rate limit: a token bucket stored as one time, at which it is full again. Time is an argument. */
#ifndef SIG_SIP_STREAM_RATE_H
#define SIG_SIP_STREAM_RATE_H

#include "base/bytes.h"

struct stream_rate {
	uint32_t per_s; /* 1 to 10^9 */
	uint32_t burst; /* at once, 1 at least */
};

/* full_ns: zeroed, it is full. False: not now. */
bool stream_rate_spend(uint64_t *full_ns, const struct stream_rate *rate, uint64_t now_ns);
/* When the next one may be had: now or earlier, at once. */
uint64_t stream_rate_next_ns(uint64_t full_ns, const struct stream_rate *rate);

#endif
