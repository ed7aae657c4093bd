/* SPDX-License-Identifier: Apache-2.0 */
/* How a node's descriptors are dealt out between calls, SIP connections and WebSockets. Pure. */
#ifndef APP_NODE_CAPACITY_H
#define APP_NODE_CAPACITY_H

#include <stdint.h>

enum {
	CAPACITY_OTHER_FDS = 256, /* links, listeners, files */
	CAPACITY_CALL_FDS = 4,    /* RTP and RTCP of two audio flows; video takes as many again */
	CAPACITY_VIDEO_FDS = 8,
	CAPACITY_SHARE = 4, /* one in four is for each kind of connections, whatever calls want */
};

struct capacity {
	uint32_t calls, connections, websockets;
};

/* Calls come first. What they leave, with video even, goes to connections beyond their share. Calls or connections of 0: too few. */
struct capacity capacity_fit(uint64_t fds, const struct capacity *wanted);

#endif
