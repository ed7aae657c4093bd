/* SPDX-License-Identifier: Apache-2.0 */
/* Two rings between the thread of HTTP and that of calls: what comes in wakes the loop of the thread that opens them. */
#ifndef APP_WEB_WEB_RINGS_H
#define APP_WEB_WEB_RINGS_H

#include "base/loop.h"
#include "base/ring.h"

struct web_rings_size {
	size_t item;
	uint32_t count;
};

/* in is watched, and nothing is in it. On an error both are closed. 0 or -errno. */
int web_rings_open(struct ring *in, struct web_rings_size in_size, struct ring *out,
		   struct web_rings_size out_size, loop_fd_fn *on_in, void *arg) NODISCARD;
void web_rings_close(struct ring *in, struct ring *out);

#endif
