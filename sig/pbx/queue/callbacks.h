/* SPDX-License-Identifier: Apache-2.0 */
/* Callbacks of queues: callers who do not wait on the phone, and keep their place
 * (docs/adr/0179). Each is a document of the tenant, so all nodes have it, over restarts. Here it
 * stands in the line of its queue, among the callers who wait. Pure; one thread. */
#ifndef SIG_PBX_QUEUE_CALLBACKS_H
#define SIG_PBX_QUEUE_CALLBACKS_H

#include "sig/pbx/queue/queues.h"

enum {
	CALLBACK_TIMES_MAX = 12,       /* 09:00-17:00 */
	CALLBACK_BEGINS_MS = 5000,     /* a try that was not begun by then is not */
	CALLBACK_RINGS_MORE_MS = 5000, /* a call may last behind its ringing */
	CALLBACK_COMMAND_MAX = 72,     /* an id of a command about one, with its NUL */
};

/* Of a caller of the line (queue_caller.callback). */
struct queue_callback {
	char number[DIAL_NUMBER_MAX];
	char times[CALLBACK_TIMES_MAX]; /* between which he wants to be called; "": any */
	uint8_t tries;                  /* so far */
	uint64_t created_utc_ms;
	uint64_t called_utc_ms; /* the last of them; 0: none */
	/* of this process */
	uint64_t call;         /* by which it tries, or tried last; 0: none, or it is reached */
	bool is_made;          /* there is, or was, such a call */
	uint64_t until_utc_ms; /* it is left alone: a command about it is under way */
	const char *over;      /* why it is over; NULL: it is not */
};

/* Adds it, or changes it, by queue and number. place: tenant, queue, priority and when he joined.
 * 0, -ENOSPC or -ENOMEM. */
int queues_callback_put(struct queues *x, const struct queue_caller *place,
			const struct queue_callback *value) NODISCARD;
/* The agent who waits for it is free, too. */
void queues_callback_delete(struct queues *x, uint16_t tenant, struct bytes queue,
			    struct bytes number);
/* Its try is over, or is not made: the agent is free. */
void queue_callback_release(const struct queues *x, const struct queue *q,
			    struct queue_callback *b);
/* NULL: none. */
struct queue_caller *queues_callback(const struct queues *x, uint16_t tenant, struct bytes queue,
				     struct bytes number);
/* It is over, for that reason, if it is there: its document is to go. */
void queues_callback_over(const struct queues *x, uint16_t tenant, struct bytes queue,
			  struct bytes number, const char *why);

/* When it may be tried again; 0: now. */
uint64_t callback_next_utc_ms(const struct callback_terms *t, const struct queue_callback *b);
/* Its number may be ringing, as far as is known here. */
bool callback_is_called(const struct callback_terms *t, const struct queue_callback *b,
			uint64_t now_utc_ms);
/* Why it is over; NULL: it is not. */
const char *callback_over(const struct callback_terms *t, const struct queue_callback *b,
			  uint64_t now_utc_ms);

/* Whether it is time for it, beside what is said here. */
typedef bool callback_time_fn(void *arg, const struct queue *q, const struct queue_callback *b);
/* Chooses the callback of the queue that is next, one at a time; NULL: none is now. By
 * CALLBACK_AGENT it competes for agents from now on (queues_pick_callback); by CALLBACK_TURN it is
 * to be called at once. */
struct queue_caller *queue_callback_choose(struct queues *x, struct queue *q, uint64_t now_utc_ms,
					   callback_time_fn *is_time, void *arg);

/* What a node does with its callbacks. Each function is handed arg. */
struct callback_host {
	callback_time_fn *is_time;
	queue_free_fn *is_idle;
	/* Returns the call that the command of that id makes, or has made. */
	uint64_t (*call_of)(void *arg, const char *id);
	/* This node has that call. */
	bool (*has_call)(void *arg, uint64_t call);
	/* ... and the number has answered it. */
	bool (*is_answered)(void *arg, uint64_t call);
	/* Starts the command by which its try is written down, if c->callback->tries are still all,
	 * and made then. If another node has made that try, or nobody can: queues_callback_lost. */
	void (*begin)(void *arg, const struct queue_caller *c, const char *id);
	/* Starts the command that deletes its document. */
	void (*end)(void *arg, const struct queue_caller *c, const char *id, const char *why);
	void *arg;
};
/* To be called twice a second: begins tries, and ends callbacks that are over. */
void queues_callbacks_turn(struct queues *x, const struct callback_host *h, uint64_t now_utc_ms);
/* The callback that tries by that call, which is not there yet; NULL: none. */
const struct queue_caller *queues_callback_try(const struct queues *x, uint64_t call);
/* The try of that call is not this node's: frees the agent that it had reserved. */
void queues_callback_lost(const struct queues *x, uint64_t call);

#endif
