/* SPDX-License-Identifier: Apache-2.0 */
/* Queues of a node's tenants: which callers wait in which line, who its agents are, and which
 * caller is next with which agents (docs/adr/0165). Pure: no call, socket or clock. Callers stay in
 * their calls. The record of each has the time at which he joined; so a line is derived from calls,
 * and nothing of it can be lost apart from them. One table for all shards of a node, which also has
 * what other nodes tell of their callers and reservations: all have the same line, and each serves
 * its own callers. One thread. */
#ifndef SIG_PBX_QUEUE_QUEUES_H
#define SIG_PBX_QUEUE_QUEUES_H

#include "base/bytes.h"
#include "base/compiler.h"
#include "sig/dial/dial.h"
#include "sig/host/groups.h"

enum {
	QUEUES_MAX = 16384,       /* of a node */
	QUEUE_AGENTS_MAX = 65536, /* of a node */
	QUEUE_NAME_MAX = 32,      /* with its NUL */
	QUEUE_MEMBERS_MAX = 32,   /* no dial has more targets */
	QUEUE_CALLERS_MAX = 65536,
	QUEUE_PRIORITY_MAX = 10,
	QUEUE_SKILL_MAX = 100,
	QUEUE_TIERS_MAX = 9,
	QUEUE_OWED_MS = 500,  /* an agent is left to a caller of another node for so long */
	QUEUE_DEAF_S = 2,     /* after a start, until all others have told of theirs */
	QUEUE_UNHEARD_S = 15, /* what is not told again is forgotten */
	QUEUE_ROUND_S = 5,    /* a node sends its callers and agents again so often */
	QUEUE_LOST_S = 3,     /* so long an agent is reserved by a node that is not there */
	QUEUE_BUSY_MS = 900,  /* so long an agent with a call is not looked at, unless told to */
	AGENT_REASON_MAX = 32,
	CALLBACK_HOURS_MAX = 64,
	QUEUE_MUSIC_MAX = 65,
	QUEUE_RING_MAX = 33,
};
#define AGENT_UNTIL_READY UINT64_MAX /* wrap-up that no time ends */
#define QUEUE_WORD        "queue:"   /* in front of its name, where a number could stand */

enum queue_strategy {
	QUEUE_LONGEST_IDLE,
	QUEUE_ROUND_ROBIN,
	QUEUE_RING_ALL,
	QUEUE_FEWEST_CALLS,
	QUEUE_IN_ORDER,
	QUEUE_SKILL,
	QUEUE_LEAST_TALK,
	QUEUE_STRATEGIES,
};
extern const char *const g_queue_strategies[QUEUE_STRATEGIES + 1];

/* What ends the wrap-up behind a call: its time, or nothing but the agent. */
enum wrapup_rule { WRAPUP_TIME, WRAPUP_MANUAL, WRAPUP_RULES };
extern const char *const g_wrapup_rules[WRAPUP_RULES + 1];

/* What callers hear of their place. */
enum announce_rule { QUEUE_SAYS_POSITION, QUEUE_SAYS_WAIT, QUEUE_SAYS_BOTH, QUEUE_SAYS_RULES };
extern const char *const g_announce_rules[QUEUE_SAYS_RULES + 1];

enum callback_rule { CALLBACK_OFF, CALLBACK_AGENT, CALLBACK_TURN, CALLBACK_RULES };
extern const char *const g_callback_rules[CALLBACK_RULES + 1];

/* Of callers who keep their place without waiting on the phone: they are called
 * (docs/adr/0179). */
struct callback_terms {
	uint8_t rule;    /* enum callback_rule: when they are called */
	uint8_t tries;   /* at most */
	bool keyed;      /* a caller may key another number than his */
	uint16_t ring_s; /* each try rings so long */
	uint32_t retry_s;
	uint16_t most;   /* of the queue */
	uint16_t keep_h; /* then it is forgotten */
	/* extension with the rights for numbers outside; "": none is called */
	char payer[DIAL_NUMBER_MAX];
	char hours[CALLBACK_HOURS_MAX]; /* the calendar in which they are called; "": at any time */
};

struct queue_member {
	char number[DIAL_NUMBER_MAX];
};

/* What its document says. */
struct queue_terms {
	uint16_t tenant;
	char name[QUEUE_NAME_MAX];
	uint8_t strategy;        /* enum queue_strategy */
	uint8_t priority;        /* of its callers; the largest is first */
	uint16_t priority_age_s; /* so long a wait counts as one more; 0: it does not */
	uint8_t missed_max;      /* calls that an agent misses in a row; 0: any number */
	uint16_t ring_s;         /* an agent rings so long */
	uint8_t wrapup;          /* enum wrapup_rule; WRAPUP_TIME: */
	uint16_t wrapup_s;       /* he has this time behind a call */
	bool disposes;           /* he is to say what came of it */
	uint16_t max_callers;    /* 0: any number */
	uint32_t max_wait_s;
	uint16_t announce_s;         /* how often callers hear where they are; 0: never: */
	uint8_t announce;            /* enum announce_rule */
	bool confirm;                /* who joins hears the confirmation tone before */
	char music[QUEUE_MUSIC_MAX]; /* its file, as extensions have one, */
	uint8_t track;               /* ... enum shard_track */
	bool only_with_agents;       /* nobody waits where no agent is logged in, */
	bool only_with_ready;        /* ... or none of them is ready */
	bool without_login;          /* members ring also while they are logged out */
	char key[2];                 /* by which a caller leaves; "": none */
	/* For QUEUE_SKILL: what an agent has to have for a new caller, and by how much that falls
	 * after each such time that he waits. */
	uint8_t skill_min, skill_fall;
	uint16_t skill_fall_s;
	uint16_t tier_s; /* so much later a caller may have agents of the next tier */
	/* As of groups: what agents see before the caller's name, and how their calls are recorded
	 * (REC-01). */
	char prefix[GROUP_PREFIX_MAX];
	bool show_called;
	uint8_t record, record_to;
	char ring[QUEUE_RING_MAX]; /* the word of Alert-Info for agents' phones; "": none */
	struct callback_terms callback;
	uint8_t count;
	struct queue_member members[QUEUE_MEMBERS_MAX];
	uint8_t skills[QUEUE_MEMBERS_MAX]; /* of each */
	uint8_t tiers[QUEUE_MEMBERS_MAX];  /* from 1 on; 0: as 1 */
};

/* Of one queue, in the order in which they are served. */
struct queue_line {
	struct queue_caller *first, *last;
};
/* Goes through a line: its next callers of this node, and of others. */
struct queue_walk {
	struct queue_caller *next[2];
};

struct queue {
	struct queue_terms terms;   /* begins as struct named */
	bool is_there;              /* its document; else callers alone have it */
	uint8_t turn;               /* behind the member that was rung last */
	uint32_t waiting;           /* also callbacks: */
	uint32_t callbacks;         /* of them */
	struct queue_line lines[2]; /* of callers of this node, and of others */
	struct queue *next;         /* of the tenant */
	struct queue_agent *agents[QUEUE_MEMBERS_MAX]; /* its members, as of that version */
	uint64_t agents_version;
	/* since the start of this process */
	uint64_t joined, answered, left, wait_ms;
	uint64_t answered_utc_ms; /* the last one */
	uint32_t every_ms;        /* between two answers, on the average; 0: unknown */
	bool lit; /* its watchers were told that somebody waits (sig/feature/queue/lamps.c) */
	/* of one pick */
	struct queue_walk walk;
	bool is_bare;   /* it has no agent left */
	uint16_t tiers; /* bits of those with a ready agent */
	/* callers who joined then, or later, ask for more than a free agent has */
	uint64_t unskilled_utc_ms;
};

enum agent_state { AGENT_OUT, AGENT_READY, AGENT_NOT_READY, AGENT_STATES };
extern const char *const g_agent_states[AGENT_STATES + 1];

struct queue_agent {
	uint16_t tenant;
	char number[DIAL_NUMBER_MAX];
	/* of its document */
	uint8_t state; /* enum agent_state */
	char reason[AGENT_REASON_MAX];
	char at[DIAL_NUMBER_MAX]; /* the phone outside where he is rung; "": those of his extension */
	uint64_t epoch;           /* of that state: claims of an earlier one mean nothing */
	/* Reserved for that call, or rung by it, until its time is over; 0: it is not. */
	uint64_t call;
	uint64_t until_utc_ms; /* not before: reserved, wrap-up, or another one has it */
	bool wraps;            /* ... and that is wrap-up */
	uint64_t process;      /* another node has that call, or had it; 0: this one */
	uint8_t unheard_s;     /* since that has told of it, or this one */
	/* Another call of another node has him, too: the store decides, soon, which of them, or
	 * which node makes a callback's try. 0: none. */
	uint64_t rival, rival_process, rival_until_utc_ms;
	uint8_t rival_s;
	uint64_t spoke_utc_ms; /* the end of its last call of a queue; 0: none yet */
	uint32_t calls;        /* of queues, since the start of this process, */
	uint64_t talk_ms;      /* ... how long he spoke in them, */
	uint32_t last_talk_ms; /* ... and in the last one */
	uint8_t missed;        /* in a row */
	uint64_t busy_utc_ms;  /* he has a call: he is not looked at until then */
	/* of one pick */
	uint32_t looked;
	bool is_free;
};

struct queue_caller {
	uint64_t call;
	uint16_t tenant;
	uint8_t priority;
	bool rings; /* agents ring for it: it is not chosen meanwhile */
	uint64_t joined_utc_ms;
	char queue[QUEUE_NAME_MAX];
	uint64_t process;     /* of another node, which serves it; 0: this one does */
	uint8_t unheard_s;    /* since that has told of it, or this one */
	bool away;            /* that is not there: it keeps its place, and no agent waits for it */
	uint64_t owed_utc_ms; /* since then an agent is free for it there */
	uint32_t owed_look;   /* the pick that saw it last */
	/* The callback of a caller who does not wait on the phone. All nodes have it (callbacks.h).
	 * rings: its time has not come; call is no call's id. NULL: the caller has a call. */
	struct queue_callback *callback;
	/* of the table */
	struct queue *of;
	bool is_other; /* in which line of that queue */
	struct queue_caller *next, *before;
};

/* What a node tells of an agent. */
struct queue_agent_word {
	uint64_t by; /* the call that has him, or had him */
	bool holds, wraps;
	uint8_t missed;
	uint64_t until_utc_ms, spoke_utc_ms, epoch;
	uint32_t talk_ms; /* of his last call of a queue */
};

/* Hears what other nodes are to know. */
struct queues_listener {
	void (*caller)(void *arg, const struct queue_caller *c, bool gone);
	void (*agent)(void *arg, const struct queue_agent *a, const struct queue_agent_word *w);
	void *arg;
};

struct queues;

/* NULL: no memory. */
struct queues *queues_create(void);
void queues_free(struct queues *x); /* NULL is fine */

/* ---- documents ---- */
/* Adds or replaces it: its callers and figures stay. 0, -ENOSPC or -ENOMEM. */
int queues_put(struct queues *x, const struct queue_terms *terms) NODISCARD;
void queues_delete(struct queues *x, uint16_t tenant, struct bytes name);
/* NULL: none; x NULL: no queues. */
struct queue *queues_find(const struct queues *x, uint16_t tenant, struct bytes name);
/* Its document names that number. */
bool queue_has_member(const struct queue_terms *t, struct bytes number);
/* Also one that only callers have. */
struct queue *queues_any(const struct queues *x, uint16_t tenant, struct bytes name);
/* "1001,1002": in their order. NULL, or what is wrong. */
const char *queue_members_parse(struct queue_terms *out, struct bytes text);
/* "1001:90,1002:40": skills of members; of others they are checked, and mean nothing. As above. */
const char *queue_skills_parse(struct queue_terms *out, struct bytes text);
/* "1003:2,1004:3": tiers of members. As above. */
const char *queue_tiers_parse(struct queue_terms *out, struct bytes text);
/* What an agent has to have for a caller of the queue who has waited so long. */
uint8_t queue_skill_wanted(const struct queue_terms *t, uint64_t waited_ms);

/* State and reason of its document; a new one begins at zero. NULL: *err is -ENOSPC or -ENOMEM. */
struct queue_agent *queues_agent_put(struct queues *x, uint16_t tenant, struct bytes number,
				     enum agent_state state, struct bytes reason, int *err);
/* His document was put at that moment, by him or for him: rest and wrap-up before it are over.
 * until_utc_ms: he wraps up behind that call until then; 0: he does not. */
void queue_agent_set_epoch(struct queue_agent *a, uint64_t epoch, uint64_t call,
			   uint64_t until_utc_ms);
/* He is logged out. Who has had calls stays, with state AGENT_OUT, while there is room. */
void queues_agent_delete(struct queues *x, uint16_t tenant, struct bytes number);
struct queue_agent *queues_agent(const struct queues *x, uint16_t tenant, struct bytes number);
/* His calls have changed. Returns who looks, of this node's callers. NULL: nobody. */
const struct queue_caller *queues_agent_changed(struct queues *x, uint16_t tenant,
						struct bytes number);
uint32_t queues_agent_count(const struct queues *x);
struct queue_agent *queues_agent_next(const struct queues *x, uint32_t *cursor);
/* The next queue of the tenant that has the number as a member; NULL: no further one. */
struct queue *queues_next_of(const struct queues *x, uint16_t tenant, struct bytes number,
			     uint32_t *cursor);
/* The agent of member i; NULL: he is not logged in, or there is no room for one who need not be. */
struct queue_agent *queue_agent_at(struct queues *x, struct queue *q, uint8_t i);
/* Agents of the queue that are logged in, or need not be; ready: and are ready. */
uint32_t queue_agents(struct queues *x, struct queue *q, bool ready);
/* He takes calls of that queue, whether or not he has one now. */
bool queue_agent_is_ready(const struct queue *q, const struct queue_agent *a);

/* ---- callers ---- */
/* Adds or changes it, by its call; the list stays in order. 0, -ENOSPC or -ENOMEM. */
int queues_caller_put(struct queues *x, const struct queue_caller *caller) NODISCARD;
void queues_caller_delete(struct queues *x, uint64_t call);
struct queue_caller *queues_caller(const struct queues *x, uint64_t call);
/* Nobody rings for it any more: before its agents are free. */
void queues_caller_waits(struct queues *x, uint64_t call);
/* This process has its call no longer: its place stays until another node tells of it. */
void queues_caller_release(struct queues *x, uint64_t call);
/* A queue's callers of all nodes, in their order. */
struct queue_walk queue_walk(const struct queue *q);
/* NULL at the end. */
struct queue_caller *queue_walk_next(struct queue_walk *w);
/* All queues, *cursor 0 at first, also those that only callers have; NULL at the end. */
struct queue *queues_next(const struct queues *x, uint32_t *cursor);
/* Returns the tenant's first caller of this node without an agent that rings. NULL: none. */
const struct queue_caller *queues_first(const struct queues *x, uint16_t tenant);
/* From 1 on, in its queue. */
uint32_t queue_position(const struct queue_caller *of);
/* Until the caller at that position is answered, as far as the last answers tell; 0: unknown. */
uint32_t queue_wait_ms(const struct queue *q, uint32_t position);

/* ---- who is next ---- */
/* Whether an agent could be rung now, beside what the table knows of him. */
typedef bool queue_free_fn(void *arg, const struct queue_agent *a);

struct queue_match {
	struct queue_caller *caller;
	uint8_t count;
	struct queue_agent *agents[QUEUE_MEMBERS_MAX];
};

/* Finds the first caller of this node with a free agent, and the agents to ring, in order.
 * Agents for callers of other nodes who are before him are left out. Returns false if there is
 * none. */
bool queues_pick(struct queues *x, uint16_t tenant, uint64_t now_utc_ms, queue_free_fn *free,
		 void *arg, struct queue_match *out);
/* Likewise for callbacks: agents for callers before them, and for those of other nodes, are left
 * out. */
bool queues_pick_callback(struct queues *x, uint16_t tenant, uint64_t now_utc_ms,
			  queue_free_fn *free, void *arg, struct queue_match *out);
/* The agents are the call's, until then, and ring. */
void queue_reserve(struct queues *x, const struct queue_match *match, uint64_t until_utc_ms);
/* One of them, if no other one has him. */
void agent_hold(const struct queues *x, struct queue_agent *a, uint64_t call,
		uint64_t until_utc_ms);
/* No longer; until: not before. */
void agent_release(const struct queues *x, struct queue_agent *a, uint64_t call,
		   uint64_t until_utc_ms);
/* This process has that call no longer: he is its until another node tells of him, or shortly. */
void agent_lose(const struct queues *x, struct queue_agent *a, uint64_t call);
/* His call of a queue, in which he spoke for talk_ms, is over at that moment. wrap_ms: then he
 * wraps up; AGENT_UNTIL_READY: until his document says otherwise. */
void agent_wrap(const struct queues *x, struct queue_agent *a, uint64_t call, uint64_t now_utc_ms,
		uint64_t wrap_ms, uint64_t talk_ms);
/* That call of this node has him. */
bool agent_is_of(const struct queue_agent *a, uint64_t call);
/* The earliest moment at which an agent of the queue is free by time alone, or who joined then asks
 * for less skill, or for the next tier; UINT64_MAX: none. */
uint64_t queue_next_utc_ms(struct queues *x, struct queue *q, uint64_t joined_utc_ms,
			   uint64_t now_utc_ms);
/* The caller is answered, or has left. */
void queue_count(struct queues *x, struct queue *q, bool answered, uint64_t waited_ms,
		 uint64_t now_utc_ms);

/* Of this node: those who left and were answered since its start, also of queues that are gone, and
 * who waits now. Agents are those of all nodes. */
struct queues_counts {
	uint64_t answered, left, wait_ms; /* wait: of those answered */
	uint32_t waiting, agents, ready;
};
void queues_count(const struct queues *x, struct queues_counts *out);

/* ---- other nodes ---- */
/* From now on the line is that of the cluster. */
void queues_listen(struct queues *x, const struct queues_listener *l);
/* All other nodes had time to tell of theirs, or there is no cluster: positions are known. */
bool queues_are_whole(const struct queues *x);
/* c->process tells of its caller. A call that is this node's is not changed. 0, -ENOSPC or
 * -ENOMEM. */
int queues_hear_caller(struct queues *x, const struct queue_caller *c, bool gone) NODISCARD;
/* That process tells of an agent. His document may still be on its way. Returns as above. */
int queues_hear_agent(struct queues *x, uint16_t tenant, struct bytes number, uint64_t process,
		      const struct queue_agent_word *w, uint64_t now_utc_ms) NODISCARD;
/* What the table does not know of this node and others. Each function is handed arg. */
struct queues_around {
	bool (*is_there)(void *arg, uint64_t process);
	bool (*has_call)(void *arg, uint64_t call); /* this node has it, or begins to make it */
	void *arg;
};
/* Once a second: tells its own again, all of them or those that are due, and forgets what other
 * nodes tell no more. Agents of calls that are gone are free after QUEUE_ROUND_S. */
void queues_second(struct queues *x, bool all, const struct queues_around *around);

#endif
