/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the control API share: the streams that are read, and the commands under way. */
#ifndef APP_COMMAND_CONTROL_STREAM_H
#define APP_COMMAND_CONTROL_STREAM_H

#include "app/command/command.h"
#include "app/command/control.h"
#include "app/command/control_entry.h"
#include "base/metric.h"
#include "cluster/redis/redis.h"

enum { CONTROL_JOBS_MAX = 128, CONTROL_KEY_MAX = 160, CONTROL_ID_MAX = 48 };

/* As long as an entry must be idle before another node takes it. */
#define CONTROL_CLAIM_S "30"

/* How a stream is read, in this order after each connect. */
enum control_phase {
	CONTROL_GROUP,   /* make the consumer group */
	CONTROL_HISTORY, /* entries that an earlier life of this node took and did not finish */
	CONTROL_NEWS,    /* new ones, and now and then what other nodes left */
};

/* Of one tenant and role. */
struct control_stream {
	struct control_link *link;
	struct command_principal who;
	char key[CONTROL_KEY_MAX]; /* td:{cmd:TENANT}:in, td:{cmd:TENANT}:ROLE:in */
	enum control_phase phase;
	bool gone;        /* it is not read any more; it goes when nothing of it is under way */
	bool again;       /* an entry was taken and not finished: read history once more */
	uint32_t running; /* commands under way */
	char after[CONTROL_ID_MAX]; /* history: read up to here */
	uint64_t claim_ns;          /* next look for what others left */
	uint64_t pause_ns;          /* it is not asked for before: the last try failed */
};

/* Streams that are read over one link of their own, since reading blocks. */
struct control_link {
	struct control *control;
	struct redis *redis;
	struct control_stream **streams;
	uint32_t count, turn;             /* turn: the first of the next question */
	uint32_t running_max, stream_max; /* commands under way in all, and of one stream */
	bool asked;                       /* a command on the link waits for its answer */
	uint64_t pause_ns;                /* nothing is read before: the last try failed */
	uint64_t
		wake_ns; /* not asked: when it may be of use to try again; UINT64_MAX: somebody will say */
	struct control_stream *of[CONTROL_STREAMS_MAX]; /* whom the question is about, */
	uint32_t of_count;                              /* in that order */
	struct bytes args[2 * CONTROL_STREAMS_MAX + 12];
};

/* A command under way. */
struct control_job {
	bool used;
	bool lost;    /* no node has what it is about: it has the answer of before, or none */
	bool waiting; /* another entry with the same id is under way: its answer serves both */
	struct control *control;
	struct control_stream *stream;
	char entry_id[CONTROL_ID_MAX];
	char id[CONTROL_NAME_MAX + 1]; /* empty: unusable */
	char client[CONTROL_NAME_MAX + 1];
	char command[CONTROL_NAME_MAX + 1];
	char claim[CONTROL_ID_MAX]; /* of control_entry; empty: none */
	json_t *args;               /* owned */
};

enum { CONTROL_OPERATORS, CONTROL_TENANTS, CONTROL_LINKS };

struct control {
	struct node *node;
	char consumer[64];
	bool stopped;
	bool ended; /* a job ended: one that waited for it may run */
	uint32_t running;
	struct control_link links[CONTROL_LINKS];
	struct control_job jobs[CONTROL_JOBS_MAX];
};

struct control_metrics {
	metric_id ok, failed, repeated, bad;
};
extern struct control_metrics g_control_metrics;

/* The line of the log about a command that is over. */
void control_log(const char *command, const char *client, const char *id, const char *result);
/* Takes an entry of the stream; false: no room now, it is read again later. fields: the array of names and values, NULL: deleted. */
bool control_job_take(struct control_stream *s, struct bytes entry_id,
		      const struct redisReply *fields);
/* It is over: its entry is off the stream, or is read again. */
void control_job_end(struct control_job *job);
/* That command with those arguments is about what another node has (enum command_place). */
bool control_is_elsewhere(const struct node *n, struct bytes name, const json_t *args);
/* The key of that kind of who asks: "in"; or with an id behind "done:", a client behind "out:". */
void control_stream_key(const struct node *n, const char *tenant, enum command_role role,
			const char *kind, char out[CONTROL_KEY_MAX]);
/* Puts it back for that one, and ends the job. False: that was done often enough, no node has it. */
bool control_pass(struct control_job *job, const struct control_entry *e);
/* What it has begun goes on at the node that has what these arguments name: its entry is put back with them, and the id stays claimed. */
void control_move(struct control_job *job, const json_t *args);
/* The key of that kind: "done" by an id, "out" by a client. */
void control_key(const struct control_job *job, const char *kind, const char *name,
		 char out[CONTROL_KEY_MAX]);
/* Jobs whose id is no longer under way: one of each id goes on. */
void control_jobs_wake(struct control *c);

/* One more stream, read from now on. 0 or -ENOMEM. */
int control_stream_add(struct control_link *l, const char *tenant,
		       enum command_role role) NODISCARD;
/* Asks for more when there is room. */
void control_link_read(struct control_link *l);
/* redis_state_fn; arg is the link. */
void control_link_state(bool connected, void *arg);
void control_link_close(struct control_link *l);

#endif
