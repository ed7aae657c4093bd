/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a worker writes down of a flow that may have a shortcut, in memory that outlives the process beside the flow's entry
 * (docs/adr/0064): its counters and its stream, and how much of what was forwarded is in them. So the next process adds what it does not have yet, once. A
 * process may be killed between any two stores: there are two copies, and one word says which of them is whole.
 */
#ifndef ENGINE_FLOW_KEPT_H
#define ENGINE_FLOW_KEPT_H

#include "engine/flow/flow.h"

/* Packets that were forwarded by an entry since it was armed the run-th time. */
struct kept_share {
	uint32_t run;
	uint64_t packets, octets;
};

struct kept_copy {
	uint64_t call;
	struct flow_id id, peer;
	uint32_t ssrc_out;
	uint8_t leg, line;
	uint8_t taken;   /* its shortcut was taken: there may be more in the entry than in_heard */
	uint8_t closely; /* it was taken at some time */
	uint32_t count_ssrc, lost_before;
	struct kept_share in_heard; /* by the flow's own entry, in heard and count */
	struct kept_share in_sent;  /* by that of the one which feeds it, in sent and sink */
	struct source source;
	struct sink sink;
	struct flow_received received;
	struct flow_sent sent;
	struct arrival_jitter jitter;
	struct seq_count count;
	struct flow_stats stats;
};

struct kept {
	uint32_t whole; /* number of the copy that counts + 1; 0: none does */
	struct kept_copy copies[2];
};

/* Another one when the meaning of what is kept changes: then nothing is taken over. */
uint32_t kept_version(void);
/* Nothing is known from here on. */
void kept_forget(struct kept *k);
void kept_write(struct kept *k, const struct flow *f, const struct shortcut *s,
		const struct kept_share *in_heard, const struct kept_share *in_sent);
/* What there is of this flow: it has the call, leg and line, and says what it sends under the same SSRC. NULL: nothing. */
const struct kept_copy *kept_find(const struct kept *k, const struct flow *f);
/* f, just opened, goes on counting from there. Its stream is another thing: more may have left than is known here. */
void kept_apply(const struct kept_copy *c, struct flow *f);

#endif
