/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shortcut of a flow: what its party says is forwarded below the process, as long as nothing is to be decided about it
 * (docs/adr/0064). The flow does not see those packets. What came of them it reads from the entry that both share, and whoever needs
 * to know has it read before: commands, reports, silence, counters.
 *
 * It is taken when all that came up of the stream has left, so that nothing which is forwarded overtakes a packet of ours: behind the
 * sending of a packet, or at a tick. It ends before
 * anything is done to the flow or to its peer. What the kernel says of a stream that changes comes with the packets that it leaves to us.
 */
#ifndef ENGINE_WORKER_SHORTCUT_H
#define ENGINE_WORKER_SHORTCUT_H

#include "engine/worker/flow.h"
#include "engine/worker/worker.h"

struct batch;
struct flow;
struct kept;
struct worker;
struct xdp_forward;

enum shortcut_state {
	SHORTCUT_NONE,
	SHORTCUT_SOON, /* a command has ended it: wanted with the party's next packet that is ordinary */
	SHORTCUT_WANTED, /* the entry is written, not armed: taken when no packet is on its way up */
	SHORTCUT_LEFT, /* the process before took it; what was forwarded since is known when its peer is open, too */
	SHORTCUT_ARMED, /* the kernel forwards, or has just stopped doing so */
	SHORTCUT_LEAVING, /* it is at work on one that is disarmed: looked at again with the next turn */
};

/* Of a flow, by its slot; zero-initialised is "never". */
struct shortcut {
	struct xdp_forward *entry; /* of the slot; the port's */
	struct flow_id to;         /* whose party gets it */
	uint64_t packets, octets;  /* of the entry, that both flows know of */
	uint64_t
		again_ns; /* none before: what changes all the time stays here; of one that the process before took: its way need not be known before */
	uint64_t taken_ns; /* for the last time */
	struct kept *kept; /* of the slot, beside its entry; NULL: none */
	/* Of one that the process before took: of its peer's entry, what is in its own counters of what was sent. 0: its peer was opened, too. */
	uint32_t fed_run;
	uint64_t fed_packets, fed_octets;
	bool noted;      /* before it was wanted, too, the program noted what it left to us */
	uint8_t state;   /* enum shortcut_state */
	uint8_t closely; /* 1: it was taken once, so what the process relays is kept at once */
};

static inline bool shortcut_is_armed(const struct shortcut *s)
{
	return s->state >= SHORTCUT_ARMED;
}

/* Of a flow that has just been opened: what the process before let the kernel forward for it goes on, and its counters do. */
void shortcut_open(struct worker *w, struct flow *f);
/* Of a batch that was received: flows whose packets came up know before what was forwarded, and where such a packet is of the stream the
 * shortcut is over. */
void shortcut_stage(struct worker *w, struct batch *b);
/* Behind the sending of what came: of those flows some are taken, and what a command has ended is wanted. */
void shortcuts_start(struct worker *w);
/* At each tick: what was forwarded is known, what is no longer ordinary ends, what has become so is wanted, and taken later. */
void shortcut_tick(struct worker *w, struct flow *f, uint64_t now_ns);
/* The same of the flow with this id, and of the one that feeds it. */
void shortcuts_read(struct worker *w, struct flow_id id);
/* Before anything is done to the flow: neither what its party says nor what it is sent is forwarded below, and all of it is known. False:
 * ask again with the next turn. */
bool shortcut_rest(struct worker *w, struct flow_id id);
/* The same of what the flow's party is sent alone. */
bool shortcut_rest_to(struct worker *w, struct flow_id id);
/* Of a flow that closes. */
void shortcut_close(struct worker *w, struct flow *f);

/* Of a batch that is counted, and about to be sent: what is kept of its flows for the next process. */
void shortcut_keep_stage(const struct worker *w, struct batch *b);
/* Another one when the meaning of what is kept changes: then nothing is taken over. */
uint32_t kept_version(void);

#endif
