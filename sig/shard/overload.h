/* SPDX-License-Identifier: Apache-2.0 */
/* Overload by legitimate callers: new calls are refused by how long the node has been behind, as
 * CoDel (RFC 8289) drops packets. A short backlog is no overload: that begins when for a whole
 * interval more was queued than was read. From then on a new call that arrives while the node is
 * behind for longer than the target is refused, at once and cheaply, so that the queue drains and
 * admitted calls are served in time. It ends when nothing had to be refused for long. Requests of
 * existing calls, and REGISTER, are never refused. A value; time is an argument. */
#ifndef SIG_SHARD_OVERLOAD_H
#define SIG_SHARD_OVERLOAD_H

#include "base/addr.h"

enum {
	OVERLOAD_INTERVAL_MS = 100,
	OVERLOAD_END_S = 5,
	/* refused callers return after so long, each at a time of its own, */
	OVERLOAD_RETRY_MIN_S = 2,
	OVERLOAD_RETRY_MAX_S = 10, /* or after this */
};

/* All zero: nothing was seen yet. */
struct overload {
	uint64_t since_ns; /* too far behind since then; 0: not behind */
	uint64_t until_ns; /* it is overloaded till then; 0: it is not */
};

/* With each message: the time for which input could not all be read. target_ns 0: never overloaded.
 * Returns true when overload begins. */
bool overload_note(struct overload *o, uint64_t behind_ns, uint64_t target_ns, uint64_t now_ns);
bool overload_is(const struct overload *o, uint64_t now_ns);
/* A new call that comes now, after overload_note. */
bool overload_refuses(const struct overload *o, uint64_t behind_ns, uint64_t target_ns,
		      uint64_t now_ns);

/* ---- overload.c: a request for a new call, read only as far as its refusal needs ---- */
enum { OVERLOAD_VIAS_MAX = 8 };
struct overload_glance {
	struct bytes uri;                     /* Request-URI */
	struct bytes vias[OVERLOAD_VIAS_MAX]; /* values, the topmost first */
	uint32_t via_count;
	struct bytes from, to, call_id, cseq;
};
/* An INVITE without To tag in a plain form: one Via per line, no folded lines, each header once.
 * Returns false for anything else, which is left to the parser. */
bool overload_glance(struct overload_glance *out, struct bytes datagram);
/* 503 with Retry-After. The topmost Via says where the request came from (RFC 3581). */
void overload_write(struct writer *w, const struct overload_glance *g, const struct addr *remote,
		    uint32_t retry_after_s, uint32_t tag);
/* An ACK to such a 503, which needs nothing. */
bool overload_is_ack(struct bytes datagram);

#endif
