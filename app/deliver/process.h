/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tandem-store: a process of its own beside the node, at idle priority, that delivers finished
 * recordings and deletes those past their time (docs/adr/0040). It has no privileges, and ends with
 * the node. Node and process exchange lines of JSON over a socket pair:
 *
 *     {"settings":{...}}                                     to it: app/deliver/terms.h
 *     {"ask":TICKET,"command":NAME,"tenant":T,"args":{...}}  to it
 *     {"answer":TICKET,"result":... or "error":CODE,"message":TEXT}
 *     {"nodes":[{"id":..,"address":..,"alive":..}]}          to it: for copies (docs/adr/0048)
 *     {"say":NUMBER,"act":..,"name":..,...}                  a recording for Redis (docs/adr/0050)
 *     {"said":NUMBER,"ok":..,"over":..,"heard":..}           to it: Redis has it, or not;
 *                                                            the message is to go; was heard
 *     {"look":true}                                          to it: a message has ended
 *     {"redis":HISTORY}                                      to it: a new link to Redis
 *     {"figures":{...}}                                      for metrics and alarms
 *
 * The folder has all work to be done: a process that died has lost nothing. One thread.
 */
#ifndef APP_DELIVER_PROCESS_H
#define APP_DELIVER_PROCESS_H

#include "app/child/child_link.h"
#include "app/deliver/copy_work.h"
#include "app/deliver/folder.h"
#include "app/deliver/job.h"
#include "app/deliver/terms.h"
#include "app/deliver/transfer.h"
#include "app/record/entry.h"

enum {
	PROCESS_TRANSFERS_MAX = 8,
	PROCESS_TRANSFERS_OF_ONE = 2, /* destination */
};

/* Of a destination, by its place in terms. */
struct process_destination {
	char name[JOB_NAME_MAX];
	uint32_t running, failures_in_turn;
	uint64_t rest_ms; /* until then nothing is tried */
	uint64_t delivered, failed, octets, dead;
};

/* Work on a finished file before it is delivered, by a child: one of each kind at a time. */
enum work_kind { WORK_OPUS, WORK_SEAL, WORK_SEAL_BOX, WORK_KINDS };

struct process_work {
	pid_t child;   /* 0: nothing is under way */
	int child_end; /* a pidfd */
	char path[QUEUE_PATH_MAX];
};

enum {
	PROCESS_NODES_MAX = 128,
	PROCESS_FETCHES_MAX = 256,
	PROCESS_FETCHES_RUN = 8,      /* that ask nodes */
	PROCESS_FETCHES_STORED = 32,  /* of a tenant, that read where it is stored */
	PROCESS_FETCHES_TENANT = 128, /* of a tenant, running or not */
};

/* Copies on a neighbour, and those of others here. */
struct process_copies {
	int descriptors; /* where the node hands over connections of others; -1: nowhere */
	struct copy_shared *shared;
	pid_t sender; /* 0: none; to: the node that it brings them to */
	int sender_end;
	uint64_t to, began_ms, begin_ms; /* when it began, and when the next one may */
	unsigned failures;
	bool failing;  /* and it was said */
	pid_t clearer; /* at a former neighbour; 0: none; clears: which one */
	int clearer_end;
	uint64_t clears;
	struct process_taker {
		pid_t pid; /* 0: free */
		int end;   /* a pidfd */
	} takers[COPY_TAKERS_MAX];
	uint32_t count;
	struct process_node {
		uint64_t id;
		struct addr address;
		bool alive;
		uint64_t gone_ms;  /* since when it is not */
		bool clear;        /* it has no copy of ours; else */
		uint64_t clear_ms; /* when it may be asked */
	} nodes[PROCESS_NODES_MAX];
	uint64_t on_ms, look_ms, count_ms, fetched_ms;
	uint64_t adopted;
	/* Recordings to play here that are elsewhere. */
	struct process_fetch {
		json_int_t ticket; /* 0: free */
		pid_t pid;         /* 0: it waits until fewer run */
		int end;
		char path[QUEUE_PATH_MAX];
		uint64_t called_ms;
		char name[QUEUE_PATH_MAX]; /* the file that is wanted; "": any of it */
		bool played;               /* else all of it is waited for */
		bool told;                 /* that it begins: it is to be played */
		/* It reads from a store, which may hang, and blocks no other one. */
		bool stored;
		bool hung; /* a store did: nodes alone are asked */
	} fetches[PROCESS_FETCHES_MAX];
};

/* The index of recordings in Redis: a row is a recording to be added there, or added recently. */
enum {
	INDEX_ROWS_MAX = 2048,
	INDEX_FLIGHT_MAX = 32,
	INDEX_HISTORY_MAX = 64,
};
/* COPIES: the message is copied to the neighbour. */
enum index_state { INDEX_FREE, INDEX_WAITS, INDEX_COPIES, INDEX_ANSWERED, INDEX_KNOWN };

struct process_index {
	struct index_row {
		char path[QUEUE_PATH_MAX];
		uint32_t hash; /* of it */
		enum index_state state;
		enum folder_gone gone; /* what is there */
		bool changed;          /* since it was said */
		bool daily;            /* a message: its sidecar is to say whether it was heard */
		uint64_t number;       /* under which it was said */
		uint64_t at_ms;        /* when that was, or when it was known or marked */
		uint64_t copying;      /* COPIES: a later round of copies has it */
		uint64_t again_ms;     /* not reported before: its mailbox refused it */
		unsigned failures;     /* in turn, of those */
	} rows[INDEX_ROWS_MAX];
	uint32_t count, flight;
	bool full;    /* a row was left out */
	bool copying; /* of one COPIES is the state */
	bool linked;  /* the node has had a link to Redis */
	bool anew;    /* Redis is empty: the index is written again */
	char history[INDEX_HISTORY_MAX];
	uint64_t next_number;
	uint64_t again_ms; /* nothing is said before */
	unsigned failures; /* in turn */
};

struct process {
	struct child_peer link;
	bool configured;
	struct terms terms;
	struct queue queue;
	struct rand_source rand;
	CURLM *multi;
	struct transfer transfers[PROCESS_TRANSFERS_MAX];
	struct process_copies copies;
	struct process_index index;
	struct transfer abort;            /* of an upload that nothing continues */
	char abort_name[UPLOAD_NAME_MAX]; /* its file, or that of the last one */
	uint64_t abort_ms;                /* when is looked for one */
	uint64_t uploads_aborted;         /* counted */
	struct process_destination of[TERMS_DESTINATIONS_MAX];
	uint64_t scan_ms, sweep_ms, told_ms; /* when it is due again */
	uint64_t look_ms;                    /* when it may be, as a message has ended */
	/* As the last walk found them. */
	struct process_found {
		uint64_t files, octets, backlog, dead, oldest_ms;
		uint64_t uncoded, uncoded_oldest_ms; /* that are to be Opus */
	} found;
	struct process_work work[WORK_KINDS];
	uint64_t sealed, seal_failures, coded, opus_failures, opus_skipped;
	uint32_t seal_fails;    /* kinds that failed last, or have an unusable certificate */
	uint64_t deleted, lost; /* lost: deleted although not delivered everywhere */
	bool full;              /* the disk */
	int folder_error;       /* -errno: why nothing can be written there; 0: it can */
};

/* ---- process.c ---- */
void process_send_line(struct process *p, json_t *line); /* stolen */
void process_tell_figures(struct process *p);
/* Deletes it, and says so. */
void process_delete(struct process *p, const char *path, const char *why);

/* ---- process_job.c ---- */
/* Begins deliveries that are due, as many as may run. */
void process_deliver(struct process *p, uint64_t now_ms);
/* Those that have ended. */
void process_collect(struct process *p, uint64_t now_ms);
/* False: it is there, or there is no room now. */
bool process_queue_put(struct process *p, const char *path, uint64_t next_ms);
struct process_destination *process_destination(struct process *p, const char *name);

/* ---- process_work.c ---- */
/* False: no work is left before its delivery. */
bool process_work(struct process *p, struct queue_job *q, const struct sidecar *facts,
		  uint64_t now_ms);
/* Whether work is left, by its name; and whether it is to be coded. */
bool process_work_is_open(const struct process *p, const struct folder_entry *entry);
bool process_work_is_coded(const struct process *p, const struct folder_entry *entry);
/* What is under way: 1 << kind. */
uint32_t process_work_kinds(const struct process *p);
void process_work_collect(struct process *p, uint64_t now_ms);

/* For the children. */
#define WORK_CODED "coded" /* NAME.coded: it is not coded again, whatever the result */
/* The name that it gets then. */
bool work_is_there(const struct process *p, const char *path, const char *ending);

/* ---- process_join.c ---- */
enum process_join {
	JOIN_GO,    /* it is delivered as it is */
	JOIN_LATER, /* the rest of it may still come */
	JOIN_DONE,  /* it is a part of another file by now, and gone */
};
enum process_join process_join(struct process *p, const char *path, const struct sidecar *facts,
			       uint64_t now_ms);
/* It is a later part of a recording, as far as its name says, and was not looked at. */
bool process_join_is_open(const struct process *p, const struct folder_entry *entry);

/* ---- process_index.c ---- */
/* A walk found it. */
void process_index_saw(struct process *p, const struct folder_entry *entry, uint64_t now_ms);
/* Its state has changed. */
void process_index_changed(struct process *p, const char *path);
/* Says what is to be said, and notes what Redis knows. */
void process_index_round(struct process *p, uint64_t now_ms);
void process_index_on_answer(struct process *p, const json_t *line, uint64_t now_ms);
void process_index_redis(struct process *p, const json_t *line);
void process_index_daily(struct process *p, const struct folder_entry *entry, uint64_t now_ms);
/* All folders were walked through. */
void process_index_swept(struct process *p);
/* How it is named to deleting code: the trace that is left. */
enum folder_gone process_index_trace(const struct process *p, enum folder_gone gone);
/* Number of rows that Redis does not know yet; recordings without a row are not counted. */
uint32_t process_index_open(const struct process *p);

/* ---- process_copy.c ---- */
int process_copies_open(struct process *p, int descriptors);
void process_copies_close(struct process *p);
/* Begins and ends children, and adopts what owners that are gone have left. */
void process_copies_round(struct process *p, uint64_t now_ms);
/* New settings: restarts the sender, and the takers, too, if those of copies differ. */
void process_copies_reset(struct process *p, bool takers);
void process_copies_nodes(struct process *p, const json_t *list);
/* For how long the neighbour has not had all that it should have. */
json_t *process_copies_figures(const struct process *p, uint64_t now_ms);
/* Asks all nodes for the files of a recording, and answers the ticket; one to play when it begins.
 * called_ms: when its call began; 0: unknown. False: too many fetches. */
bool process_fetch(struct process *p, json_int_t ticket, const char *tenant, const char *recording,
		   const char *name, uint64_t called_ms);
/* New octets are copied at once, by a round with a higher number than the returned one. */
uint64_t process_copies_wake(const struct process *p);
/* Number of the last round after which the neighbour had all; 0: it never had. */
uint64_t process_copies_had_all(const struct process *p);
/* Descriptors to poll; returns their number. */
unsigned process_copies_wait(struct process *p, struct curl_waitfd *wait);

/* ---- copy.c ---- */
/* Known from now on; NULL: there are too many. */
struct process_node *process_copies_node(struct process_copies *c, uint64_t id);
/* The next live node behind this one in the order of ids; after failures the one behind that.
 * NULL: none. */
struct process_node *process_copies_neighbour(struct process *p);
/* A live node that may still have copies of former times, and should not. NULL: none to ask now. */
struct process_node *process_copies_former(struct process *p, uint64_t now_ms);
/* A node that does not see itself in the list knows nothing of others. */
bool process_copies_sees_itself(const struct process *p);

#define COPY_CUT ".cut." /* NAME.cut.wav: a copy that is not whole, as its owner is gone */

/* ---- process_job.c ---- */
/* Aborts uploads at the server that nothing continues, one at a time. */
void process_abort(struct process *p, uint64_t now_ms);

/* ---- process_request.c ---- */
/* As words of recording.list (app/record/entry.h). */
enum entry_state process_state(const struct process *p, const struct folder_entry *entry);
/* Its sidecar, or what is left of it; an empty object if none can be read. */
json_t *process_sidecar(const struct process *p, const char *path, enum folder_gone gone);
/* Its sidecar says so from now on. */
void process_alive(struct process *p, const char *path, bool heard);
void process_on_question(struct process *p, const json_t *line);

/* ---- process_forward.c ---- */
/* args: fetched parts of a message (name, ms, octets); copies (message, mailbox); from. -errno. */
int process_forward(struct process *p, const char *tenant, const json_t *args);

#endif
