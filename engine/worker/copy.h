/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies of the packets of watched flows, in a bounded ring for one other thread. What does not fit
 * is lost to it and counted: the worker never waits, wakes nobody, and only tests a count while no
 * flow is watched.
 */
#ifndef ENGINE_WORKER_COPY_H
#define ENGINE_WORKER_COPY_H

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
/* Copies what is watched at this point of the walk. */
void capture_copy(struct worker *w, const struct batch *b, enum capture_point point);

/* Copies for recorders and listeners (media/tap.h): what the parties of tapped flows send, once
 * decrypted and accepted, and what leaves for them, before encryption. What does not fit into
 * the worker's ring is lost to its reader, and counted: the worker never waits and wakes nobody.
 * Ordinary packets stay in the one pass (ordinary.c). Without tapped flows only a count is
 * tested. */

enum { TAP_RING_OCTETS = 8 << 20 }; /* of each worker and reader; touched as it is used */

struct flow;
struct flow_spec;

/* One of the party of f that the pass takes, in plain text, before its head is rewritten. */
void leg_tap_from_party(struct worker *w, struct flow *f, const struct pkt *p, uint64_t now_ns);
/* Behind unprotect: the parties' packets, except those of the ordinary pass. */
void leg_tap_in(struct worker *w, const struct batch *b);
/* Before protect: what leaves. */
void leg_tap_out(struct worker *w, const struct batch *b);

#endif
