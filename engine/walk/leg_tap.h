/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies for who records or listens (media/tap.h): what the parties of tapped flows say, where it is plain and believed to be theirs, and what leaves
 * for them, before it is enciphered. What does not fit into the worker's ring is lost to its reader, and counted: the worker never
 * waits and wakes nobody. Ordinary packets stay in the one pass (ordinary.h). Without tapped flows nothing but a count is looked at.
 */
#ifndef ENGINE_WALK_LEG_TAP_H
#define ENGINE_WALK_LEG_TAP_H

#include "base/byte_ring.h"
#include "engine/net/packet.h"

enum { TAP_RING_OCTETS = 8 << 20 }; /* of each worker and reader; touched as it is used */

struct flow;
struct flow_spec;
struct worker;

/* One of the party of f that the pass takes, in plain text, before its head is rewritten. */
void leg_tap_from_party(struct worker *w, struct flow *f, const struct pkt *p, uint64_t now_ns);
/* Behind unprotect: what parties said, but what the pass took. */
void leg_tap_in(struct worker *w, const struct batch *b);
/* Before protect: what leaves. */
void leg_tap_out(struct worker *w, const struct batch *b);

#endif
