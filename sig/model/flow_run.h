/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a call that runs a flow: the position, and what the present verb waits for
 * (sig/pbx/flow/flow.c). */
#ifndef SIG_MODEL_FLOW_RUN_H
#define SIG_MODEL_FLOW_RUN_H

#include "sig/flow/program.h"
#include "sig/model/call.h"

#define FLOW_WORD "flow:" /* in front of its name, where a number could stand */
#define FLOW_BOX \
	"?" /* follows the name, before the mailbox that is the variable box; not valid in names */

enum {
	RUN_AHEAD_MAX = 17,
	AFTER_ANSWER = UINT8_MAX,
	RUN_TARGETS_MAX = 2048,
	RUN_SAID_MAX = 1024,
	RUN_QUEUE_MAX = 32,
	RUN_RING_MAX = 33,
};

/* Numbers stand in records: append only. */
enum flow_run_state {
	RUN_READY,   /* the verb at the position begins when that is saved */
	RUN_ANSWERS, /* it begins once its caller, who is being answered, is established */
	RUN_WAITS,   /* it has begun */
	RUN_ENDED,   /* its outcome is known; the next verb follows when the program is in memory */
	RUN_OVER,    /* the caller is taken */
};

/* What has begun, and is waited for. Numbers as above. */
enum flow_run_kind {
	RUN_NOTHING,
	RUN_PROMPTS,
	RUN_TIME,
	RUN_DIAL,
	RUN_PARK,
	RUN_CONFERENCE,
	RUN_PICKUP,
	RUN_REFER,
	RUN_STREAM,
	RUN_QUEUE,
	RUN_KINDS
};

/* Its caller has, or had, a place in a queue (sig/pbx/queue/wait.c). */
struct queue_wait {
	char name[RUN_QUEUE_MAX];
	/* By the wall, saved before anybody was told: the place follows from it, at all nodes. */
	uint64_t joined_utc_ms;
	uint8_t priority;
	uint16_t visit;            /* of the verb; a later one begins with a new place */
	bool left;                 /* an agent has him, or he has left */
	bool wrapped;              /* the agent's part is over, too */
	char keys[RUN_AHEAD_MAX];  /* by which he leaves */
	char agent[RUN_QUEUE_MAX]; /* who answered; "": nobody */
	char waited_s[12];         /* when that was, or he left; "": he waits */
	/* of this process */
	uint8_t music; /* enum shard_track: of the queue; SHARD_TRACK_MUSIC: it has none */
	char ring[RUN_RING_MAX]; /* of Alert-Info for the agents that ring; "": as they like */
	uint64_t serial;         /* of the first request to the store; 0: no request is open */
	uint8_t asked;           /* requests without an answer yet */
	uint32_t refused;        /* targets that other nodes hold, a bit each */
	uint64_t announce_ns;
	uint64_t confirm_ns; /* end of the confirmation tone that the caller hears; 0: none */
};

struct flow_run {
	struct flow_position at;
	char name[CALL_FLOW_MAX]; /* of the flow, as it was called then; "": a one-off program */
	uint8_t state;            /* enum flow_run_state */
	uint8_t kind;             /* enum flow_run_kind */
	uint8_t outcome;          /* of RUN_ENDED: enum flow_outcome, with */
	struct text value;        /* digits and the like; of a pick-up or a REFER its target */
	uint8_t target;           /* targets of a dial that were rung; 1: it was in its room */
	/* why the last of them did not take the call; 0: it could not be rung. For a REFER 202: it
	 * was accepted */
	uint16_t status;
	uint64_t until_ns; /* a pause, dial, REFER, stream or time in a slot is over; 0: off */
	char ahead[RUN_AHEAD_MAX]; /* digits that came while no verb asked for them; "": none */
	/* for a dial with a `next`: AFTER_ANSWER, then 1 + the answered leg; 0: the call ends with
	 * the conversation */
	uint8_t after;
	/* of a dial: numbers, divided by blanks, in the order in which they ring, */
	struct text targets;
	bool together;    /* all at once, */
	uint32_t ring_ms; /* each for so long; */
	bool skip_busy;   /* a user in a call does not ring, and */
	/* they are members: their forwards do not lead to mailboxes and other automatic answers,
	 * and do not wait for busy ones */
	bool members;
	/* all at once: a member that declines (6xx) ends the ringing of his own phones only */
	bool past_decline;
	bool idle;          /* stored when the answered callee has talked (sig/pbx/flow/dial.c) */
	uint32_t limit_ms;  /* a conversation may last; 0: as long as any */
	uint64_t limit_ns;  /* ... until then; 0: off */
	struct text called; /* the number of the flow, while the call has another one */
	struct text path;   /* the steps that it has left, and by which branch */
	uint64_t turned_utc_s; /* when its verb was reached: the time that the program knows */
	uint16_t order;    /* programs that were begun by order, as each counts its visits anew */
	struct text group; /* the group rung last */
	struct text shown; /* what they see as the caller's name; empty: that name */
	/* of the REFER that the caller's side was sent; 0: none yet (sig/pbx/flow/refer.c) */
	uint32_t refer_cseq;
	uint64_t refer_branch;
	struct text said; /* prompts of a dial, one a line, behind a letter (sig/pbx/flow/dial.c) */
	char confirm_keys[RUN_AHEAD_MAX]; /* those by which who answers takes the call; "": any */
	bool confirm_outside;             /* ... where he is outside; else he is not asked */
	/* the permitted number dialled by its caller, to be called with an account code
	 * (sig/pbx/account.c) */
	struct text goal;
	bool waived;       /* ... or without */
	struct text shows; /* the number that they see as the caller's; empty: that number */
	bool no_video;     /* they are offered none */
	/* the program's hash and the step that got the present list of verbs by http; empty: no
	 * such step */
	struct text asker;
	uint16_t asker_step;
	struct text login; /* the mailbox that its caller may access; empty: none */
	uint8_t dialled;   /* how the last dial ended: enum flow_outcome */
	/* the last callee before, which forwarded the call here; and why (enum plan_why) */
	struct text diverted_by;
	uint8_t diverted;
	struct text missed; /* numbers called so far, joined by ','; empty once one has answered */
	/* the last recording, as long as it is a draft in that mailbox; 0: none
	 * (sig/pbx/flow/message.c) */
	uint8_t draft;
	uint16_t draft_segment; /* its last part */
	/* it never becomes a message: too short, or in the speaker's own mailbox */
	bool draft_is_dropped;
	struct text draft_box;
	char left[MESSAGE_ID_MAX + 1]; /* the last message that was left; "": none */
	struct queue_wait *queue;      /* NULL: in none */
	/* of this process: */
	uint64_t refer_txn;     /* its transaction; 0: this process has not sent it */
	uint64_t notified;      /* that of its last NOTIFY, which is to be answered; 0: none is */
	bool answers_notify;    /* that waits for its save, and so does what follows */
	struct dial_kept *kept; /* what is asked for an order of targets; NULL: nothing was */
	uint64_t kept_ns;       /* so long that is waited for */
	uint64_t queue_ns;      /* its place in a queue is looked at */
	uint64_t screen_ns;     /* the first answered callee has to confirm by a digit until then */
	const char *by;  /* how the last verb ended, for the event of the next one; NULL: unknown */
	uint64_t gate;   /* version that the verb waits for */
	bool saves;      /* it need not: what is observed of it waits */
	uint64_t serial; /* the program was asked for; 0: it was not */
	uint64_t asked_ns; /* so long its answer is waited for */
	uint64_t picks;    /* the pending request for a call to pick up; 0: none */
	bool held;         /* the program is held in memory */
	bool linked;       /* a WebSocket to its application is there, or was asked for */
	uint64_t help;     /* a request to a helper process is out; 0: none is */
	uint64_t help_ns;  /* so long its answer is waited for */
};

void flow_run_clear(struct flow_run **run);

/* Digits of its caller are kept for the next verb that asks: between two verbs, and while one
 * plays, or waits for time to pass. */
bool flow_run_keeps_keys(const struct flow_run *r);
/* One more. False: they do not. */
bool flow_run_key(struct flow_run *r, char key);

/* The caller's name, for the targets rung now. */
static inline struct bytes flow_shown_name(const struct call *c)
{
	return text_bytes(c->run && c->run->shown.n ? &c->run->shown : &c->display);
}

/* The caller's number, for the targets rung now. */
static inline struct bytes flow_shown_number(const struct call *c)
{
	return text_bytes(c->run && c->run->shows.n && c->run->state != RUN_OVER ? &c->run->shows
										 : &c->from);
}

/* The flow has its caller alone. */
static inline bool flow_has_caller(const struct call *c)
{
	return c->run && c->run->state != RUN_OVER;
}

/* Only the targets of the dial are rung (flow_run.members). */
static inline bool flow_dials_members(const struct call *c)
{
	return flow_has_caller(c) && c->run->members && c->run->targets.n;
}

/* It dials several at once. */
static inline bool flow_dials_together(const struct call *c)
{
	return flow_has_caller(c) && c->run->together && c->run->targets.n;
}

/* It has given its caller to a room, and goes on when he is there no longer. */
static inline bool flow_confers(const struct call *c)
{
	return c->run && c->run->state == RUN_WAITS && c->run->kind == RUN_CONFERENCE;
}
/* It has its caller in a queue, where he waits or agents ring for him. */
static inline bool flow_queues(const struct call *c)
{
	return flow_has_caller(c) && c->run->queue && !c->run->queue->left;
}
/* Its caller is to take a call, and it goes on where that is gone. */
static inline bool flow_picks(const struct call *c)
{
	return c->run && c->run->state == RUN_WAITS && c->run->kind == RUN_PICKUP;
}

#endif
