/* SPDX-License-Identifier: Apache-2.0 */
/* Which packet indexes were seen (RFC 3711 3.3.2), for what comes in and for what goes out. */
#ifndef ENGINE_SRTP_SRTP_WINDOW_H
#define ENGINE_SRTP_SRTP_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

enum { SRTP_WINDOW = 128 }; /* at least 64; video comes in bursts, and late ones too */

__extension__ typedef unsigned __int128 srtp_window_bits;

/* Zero-initialised: nothing was seen. */
struct srtp_window {
	srtp_window_bits seen; /* bit n: highest - n */
	uint64_t highest;
	bool started;
};

/* As if all up to highest had been seen. */
static inline void srtp_window_start(struct srtp_window *w, uint64_t highest)
{
	*w = (struct srtp_window){ .seen = ~(srtp_window_bits)0,
				   .highest = highest,
				   .started = true };
}

/* Not seen, and not too old to tell. */
static inline bool srtp_window_is_new(const struct srtp_window *w, uint64_t index)
{
	if (!w->started || index > w->highest)
		return true;
	return w->highest - index < SRTP_WINDOW && !(w->seen >> (w->highest - index) & 1);
}

/* A new one was seen. */
static inline void srtp_window_note(struct srtp_window *w, uint64_t index)
{
	if (w->started && index <= w->highest) {
		w->seen |= (srtp_window_bits)1 << (w->highest - index);
		return;
	}
	if (w->started && index - w->highest == 1)
		w->seen <<= 1; /* nearly always */
	else if (!w->started || index - w->highest >= SRTP_WINDOW)
		w->seen = 0;
	else
		w->seen <<= index - w->highest;
	w->seen |= 1;
	w->highest = index;
	w->started = true;
}

#endif
