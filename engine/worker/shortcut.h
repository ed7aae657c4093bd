/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shortcut of a flow: its party's packets are forwarded by the kernel, as long as nothing is to
 * be decided about them (docs/adr/0064). The flow does not see those packets. Their effect is read
 * from the entry shared with the program, and whatever needs it has it read before: commands,
 * reports, silence, counters.
 *
 * A shortcut begins when all packets of the stream that came up have left, so that no forwarded
 * packet overtakes one of ours: after sending, or at a tick. It ends before anything is done to the
 * flow or its peer. A change of the stream shows in the packets that the kernel leaves to us.
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
	/* A command has ended it: wanted with the party's next ordinary packet. */
	SHORTCUT_SOON,
	/* The entry is written, not armed: taken when no packet is on its way up. */
	SHORTCUT_WANTED,
	/* The previous process took it; what was forwarded since is known once its peer is open. */
	SHORTCUT_LEFT,
	SHORTCUT_ARMED, /* the kernel forwards, or has just stopped doing so */
	/* Disarmed while the program works on it: looked at again with the next turn. */
	SHORTCUT_LEAVING,
};

/* Of a flow, by its slot; zero-initialised is "never". */
struct shortcut {
	struct xdp_forward *entry; /* of the slot; the port's */
	struct flow_id to;         /* the flow with the receiving party */
	uint64_t packets, octets;  /* of the entry, that both flows know of */
	/* No shortcut before. After a restart: the path may be unknown until then. */
	uint64_t again_ns;
	uint64_t taken_ns; /* for the last time */
	struct kept *kept; /* of the slot, beside its entry; may be NULL */
	/* After a restart: how much of its peer's entry its own sent counters include. 0: its peer
	 * was opened, too. */
	uint32_t fed_run;
	uint64_t fed_packets, fed_octets;
	bool noted;      /* before it was wanted, too, the program noted what it left to us */
	uint8_t state;   /* enum shortcut_state */
	uint8_t closely; /* 1: it was taken once, so what the process relays is stored at once */
};

static inline bool shortcut_is_armed(const struct shortcut *s)
{
	return s->state >= SHORTCUT_ARMED;
}

/* Of a flow just opened: what the previous process let the kernel forward for it continues, and so
 * do its counters. */
void shortcut_open(struct worker *w, struct flow *f);
/* For a received batch: flows with packets here learn what was forwarded before, and a packet of a
 * shortcut's stream ends the shortcut. */
void shortcut_stage(struct worker *w, struct batch *b);
/* After a batch was sent: begins shortcuts of its flows; those ended by a command become wanted. */
void shortcuts_start(struct worker *w);
/* At each tick: reads what was forwarded, ends what is no longer ordinary, and marks what has
 * become so as wanted. */
void shortcut_tick(struct worker *w, struct flow *f, uint64_t now_ns);
/* The same of the flow with this id, and of the one that feeds it. */
void shortcuts_read(struct worker *w, struct flow_id id);
/* Before anything is done to the flow: ends forwarding from and to its party, with everything read.
 * False: ask again with the next turn. */
bool shortcut_rest(struct worker *w, struct flow_id id);
/* The same of what the flow's party is sent alone. */
bool shortcut_rest_to(struct worker *w, struct flow_id id);
/* Of a flow that closes. */
void shortcut_close(struct worker *w, struct flow *f);

/* For a counted batch about to be sent: stores its flows for the next process. */
void shortcut_keep_stage(const struct worker *w, struct batch *b);
/* Changes with the meaning of what is stored: then nothing is taken over. */
uint32_t kept_version(void);

#endif
