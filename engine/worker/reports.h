/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RTCP of our own: what a party says about our stream is kept, and a party whose peer sends no reports for a while gets
 * ours (RFC 3550 6.4). So it can measure, and knows that we live.
 */
#ifndef ENGINE_WORKER_REPORTS_H
#define ENGINE_WORKER_REPORTS_H

#include "base/bytes.h"

#define REPORTS_AFTER_NS UINT64_C(10000000000) /* without RTCP of the peer */

struct worker;
struct flow;

/* Part of a flow; zero-initialised at its open, but relayed_ns. */
struct reports {
	uint64_t relayed_ns;       /* RTCP of the peer was sent to the party */
	uint64_t due_ns;           /* 0: not yet planned */
	uint64_t sr_in_ns;         /* last sender report of the party */
	uint64_t sr_out_ns;        /* last one to the party, relayed or ours */
	uint32_t sr_in, sr_out;    /* and the middle 32 bits of its NTP time (LSR); 0: none */
	uint32_t packets_sent;     /* of the sink, at our last report */
	uint64_t packets_received; /* of the party, then */
};

/* RTCP of the party, checked (rtcp_check): its sender report, and what it says about our stream. */
void reports_read(struct flow *f, struct bytes rtcp, uint64_t now_ns);
/* RTCP that leaves for the party, as it will read it. */
void reports_relayed(struct flow *f, struct bytes rtcp, uint64_t now_ns);
/* A report about nothing, with our CNAME: what a compound has to begin with. */
struct bytes reports_empty(const struct worker *w, const struct flow *f, uint8_t *out);
/* A report of our own, if one is due. */
void reports_tick(struct worker *w, struct flow *f, uint64_t now_ns);

#endif
