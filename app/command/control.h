/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control API on Redis. Commands come as entries of td:{cmd:TENANT}:in (operators:
 * td:{cmd:_operator}:in), read by the consumer group "nodes"; results go to
 * td:{cmd:TENANT}:out:CLIENT. Roles below admin have td:{cmd:TENANT}:ROLE: in place of
 * td:{cmd:TENANT}:, so each role has its own ids and answers. Control thread.
 *
 * At least once, without a second effect: before a command runs its id is claimed in
 * td:{cmd:TENANT}:done:ID; afterwards one script stores the result there, sends it, and takes the
 * entry off the stream. A repeated entry finds the result and gets the same answer. If the node
 * dies between effect and script, the entry is read again and the command runs again: every command
 * of the table then has the same effect as once. Calls store their newest orders for that
 * (sig/model/call.h).
 */
#ifndef APP_COMMAND_CONTROL_H
#define APP_COMMAND_CONTROL_H

#include "app/command/command_start.h"
#include "base/bytes.h"
#include "base/metric.h"
#include "cluster/redis/redis.h"

struct control;
struct redis_place;
struct node;

enum { CONTROL_STREAMS_MAX = 1024 }; /* of all tenants that are read */

void control_setup(void); /* registers the metrics; main thread, once */
/* Reads operators' commands from now on. place: the node's Redis, on links of its own, since
 * reading blocks. 0 or -errno. */
int control_open(struct control **out, struct node *node,
		 const struct redis_place *place) NODISCARD;
/* From now on reads the tenant's streams of these roles alone: bits 1 << enum command_role. */
void control_tenant_set(struct control *c, const char *tenant, uint32_t roles);
/* Whether so many further streams may be read. */
bool control_has_room(const struct control *c, const char *tenant, uint32_t roles);
/* No further commands; those under way are finished. */
void control_stop(struct control *c);
/* The link for results is up: commands may come again. */
void control_wake(struct control *c);
void control_close(struct control *c);
void control_flush(struct control *c);
void control_expire(struct control *c, uint64_t now_ns);
uint64_t control_next_ns(const struct control *c);

/* One entry of a command stream: v, id, do, args, client, ttl_ms. Pure. */

enum {
	CONTROL_NAME_MAX = 64,
	CONTROL_PRINT_LEN = 32,
	CONTROL_SEALED_MAX = 2 * COMMAND_TREE_MAX,
};

/* Slices of what was read. */
struct control_entry {
	/* From the stream id, which Redis made; of an entry that was put back, the first one's. */
	uint64_t added_utc_ms;
	struct bytes version, id, command, args, client;
	uint64_t ttl_ms; /* 0: none given */
	uint64_t passed; /* so often it was put back (control_pass) */
	/* Its id was claimed with this by the node that moved it (control_move), or by HTTP. */
	struct bytes claim;
	struct bytes sealed; /* its arguments, in place of args */
	bool bad_ttl;
};

/* "1700000000000-0" gives the time. 0 or -EINVAL. */
int control_entry_start(struct control_entry *e, struct bytes stream_id) NODISCARD;
/* One field; unknown names are ignored. */
void control_entry_field(struct control_entry *e, struct bytes name, struct bytes value);
/* NULL: fine; else a constant sentence. An unusable id or client is empty afterwards. */
const char *control_entry_check(struct control_entry *e);
/* True when it is too old to be carried out. */
bool control_entry_is_expired(const struct control_entry *e, uint64_t utc_ms);

/* Shared by the files of the control API: the streams that are read, and the commands under way. */

enum { CONTROL_JOBS_MAX = 128, CONTROL_KEY_MAX = 160, CONTROL_ID_MAX = 48 };

/* As long as an entry must be idle before another node takes it. */
#define CONTROL_CLAIM_S "30"

/* How a stream is read, in this order after each connect. */
enum control_phase {
	CONTROL_GROUP,   /* make the consumer group */
	CONTROL_HISTORY, /* entries that an earlier life of this node took and did not finish */
	CONTROL_NEW,     /* new ones, and now and then what other nodes left */
};

/* Of one tenant and role. */
struct control_stream {
	struct control_link *link;
	struct command_principal who;
	char key[CONTROL_KEY_MAX]; /* td:{cmd:TENANT}:in, td:{cmd:TENANT}:ROLE:in */
	bool sealed;               /* arguments and answers are; the writer has claimed the id */
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
	/* Time of the next read if none is pending; UINT64_MAX: an event starts it. */
	uint64_t wake_ns;
	struct control_stream *of[CONTROL_STREAMS_MAX]; /* streams of the question, */
	uint32_t of_count;                              /* in that order */
	struct bytes args[2 * CONTROL_STREAMS_MAX + 12];
};

/* A command under way. */
struct control_job {
	bool used;
	bool lost;    /* no node has its object: it gets the former answer, or none */
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

/* Within the operators' keys,
 * those for HTTP commands with an idempotency key (see control_stream_key). */
#define CONTROL_SEALED "http:"
/* The running mark of such a command expires so long after the last sign of life. */
#define CONTROL_SEALED_S "60"
/* Seals a text for that command alone, behind head; what: "arguments" or "answer".
 * malloc'ed; NULL: no memory. */
char *control_seal(struct node *n, const char *what, const char *id, const char *head,
		   struct bytes text);
/* NULL: it is no JSON that was sealed so. */
json_t *control_unseal(const struct node *n, const char *what, const char *id, struct bytes sealed);
/* Digest of a command's arguments that reveals nothing of them. False: no memory. */
bool control_print(const struct node *n, const json_t *args, char out[CONTROL_PRINT_LEN + 1]);

/* A command of any door is over: logs and counts it. */
void control_log(const char *command, const char *client, const char *id, bool ok,
		 const char *result);
/* Takes an entry of the stream; false: no room now, read it again later.
 * fields: names and values; NULL: deleted. */
bool control_job_on_entry(struct control_stream *s, struct bytes entry_id,
			  const struct redisReply *fields);
/* That command with those arguments belongs to another node (enum command_place). */
bool control_is_remote(const struct node *n, struct bytes name, const json_t *args);
/* Key of that kind for a principal: "in"; with an id behind "done:", a client behind "out:". */
void control_stream_key(const struct node *n, const char *tenant, enum command_role role,
			const char *kind, char out[CONTROL_KEY_MAX]);
/* Resumes, for each id without a running job, one of the jobs that wait for that id. */
void control_jobs_wake(struct control *c);

#endif
