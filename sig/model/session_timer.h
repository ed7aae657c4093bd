/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 4028: how long the session lasts with one party. A value (sig/leg/session_timer.h). */
#ifndef SIG_MODEL_SESSION_TIMER_H
#define SIG_MODEL_SESSION_TIMER_H

#include <stdbool.h>
#include <stdint.h>

struct session_timer {
	uint32_t interval_s;             /* 0: off, or nothing was said yet */
	uint32_t min_s;                  /* the highest Min-SE that was heard; 0: none */
	bool agreed;                     /* the party keeps the time, too */
	bool ours;                       /* we refresh */
	uint64_t refresh_ns, expires_ns; /* 0: off */
};

#endif
