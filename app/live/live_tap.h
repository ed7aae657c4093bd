/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of what parties of a call say and hear (media/tap.h), for the streams that hear them. The live thread. */
#ifndef APP_LIVE_LIVE_TAP_H
#define APP_LIVE_LIVE_TAP_H

#include "app/live/live.h"

struct live_stream;

enum { LIVE_TAP_SLOTS = 1024 }; /* of the table: a power of two */

struct live_taps {
	live_source_fn *read; /* NULL: nothing is copied */
	void *source;
	uint32_t count;
	struct live_stream *slots[LIVE_TAP_SLOTS];
};

void live_taps_open(struct live_taps *t, const struct live_settings *s);
/* Of one without a feed; its terms say which copies it gets. */
void live_taps_add(struct live_taps *t, struct live_stream *s);
void live_taps_remove(struct live_taps *t, struct live_stream *s);
/* What was copied since. */
void live_taps_read(struct live_taps *t);

#endif
