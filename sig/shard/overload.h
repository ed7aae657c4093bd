/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When honest callers want more than the node can do: new calls are refused by how long the node has been behind, as CoDel (RFC 8289) does
 * it with packets. Being behind for a moment is no overload: that begins when for a whole interval more lay there than was read. From then
 * on a new call that comes while the node is behind for longer than the target is refused, at once and for little, so that what lies there
 * goes quickly and those who are admitted are served in time. It ends when for long nothing had to be refused. What belongs to calls that
 * exist, and REGISTER, is never refused.
 * A value; time is an argument.
 */
#ifndef SIG_SHARD_OVERLOAD_H
#define SIG_SHARD_OVERLOAD_H

#include "base/addr.h"

enum {
	OVERLOAD_INTERVAL_MS = 100,
	OVERLOAD_END_S = 5,
	/* who is refused comes again after so long, each at a time of its own, */
	OVERLOAD_RETRY_MIN_S = 2,
	OVERLOAD_RETRY_MAX_S = 10, /* or after this */
};

/* All zero: nothing was seen yet. */
struct overload {
	uint64_t since_ns; /* it has been too far behind since then; 0: it is not */
	uint64_t until_ns; /* it is overloaded till then; 0: it is not */
};

/* With each message: for so long what came could not all be read. target_ns 0: it is never overloaded. True: overload begins. */
bool overload_note(struct overload *o, uint64_t behind_ns, uint64_t target_ns, uint64_t now_ns);
bool overload_is(const struct overload *o, uint64_t now_ns);
/* A new call that comes now, after overload_note. */
bool overload_refuses(const struct overload *o, uint64_t behind_ns, uint64_t target_ns,
		      uint64_t now_ns);

/* ---- overload.c: a request that opens a call, read only as far as its refusal needs ---- */
enum { OVERLOAD_VIAS_MAX = 8 };
struct overload_glance {
	struct bytes uri;                     /* Request-URI */
	struct bytes vias[OVERLOAD_VIAS_MAX]; /* values, the topmost first */
	uint32_t via_count;
	struct bytes from, to, call_id, cseq;
};
/* An INVITE without a To tag, of a form that hides nothing: one Via a line, no folded lines, each header once. False: it is something
 * else, and the parser has to say what. */
bool overload_glance(struct overload_glance *out, struct bytes datagram);
/* 503 with Retry-After. The topmost Via says where the request came from (RFC 3581). */
void overload_write(struct writer *w, const struct overload_glance *g, const struct addr *remote,
		    uint32_t retry_after_s, uint32_t tag);
/* An ACK to such a 503: nobody waits for it. */
bool overload_is_ack(struct bytes datagram);

#endif
