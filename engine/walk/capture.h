/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies of the packets of watched flows, in a bounded ring that one other thread reads. What does not fit is lost to it and counted: the
 * worker never waits, wakes nobody, and looks at nothing but a count where no flow is watched.
 */
#ifndef ENGINE_WALK_CAPTURE_H
#define ENGINE_WALK_CAPTURE_H

#include "base/ring.h"
#include "engine/net/packet.h"
#include "media/capture.h"

struct worker;

struct capture {
	struct ring packets; /* of struct capture_packet; the reader consumes */
	struct ring orders;  /* of struct capture_order; control produces */
	uint32_t count;      /* of calls */
	uint8_t everyone[CAPTURE_OWNERS];
	struct capture_order calls[CAPTURE_CALLS_MAX];
};

/* packets: capacity; memory is touched as it is used. 0 or -errno. */
int capture_open(struct capture *c, uint32_t packets) NODISCARD;
void capture_close(struct capture *c);
/* What control ordered since. */
void capture_drain(struct worker *w);
/* A flow was opened: whether it is watched already. */
void capture_flow_opened(struct worker *w, struct flow *f);
/* Where the party sends to: a line of a bundle has the port of another. */
struct addr capture_local_of(const struct worker *w, const struct flow *f, enum channel c);
/* Copies what is watched at this point of the walk. */
void capture_copy(struct worker *w, const struct batch *b, enum capture_point point);

#endif
