/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node's side of the process that stores recordings (app/deliver/process.h): starts it, tells it the settings, asks it, and starts it again
 * when it has died. It runs where there is a destination, or a recording. Control thread.
 */
#ifndef APP_NODE_NODE_DELIVER_H
#define APP_NODE_NODE_DELIVER_H

#include <jansson.h>

#include "app/node/node_process.h"
#include "app/record/envelope.h"
#include "base/bytes.h"
#include "base/metric.h"
#include "cluster/store/store.h"

struct node;

enum { NODE_DELIVER_ASKS_MAX = 256, NODE_DELIVER_ID_MAX = 17 };

struct node_deliver {
	struct node_process process; /* it is handed connections of other nodes' processes */
	char *told;                  /* which nodes there are, as it was told last */
	bool stale;                  /* a tenant's document changed: it is to be told */
	bool looked, any;            /* there were recordings at start or reload */
	bool full;                   /* too little room, and nothing that may be deleted */
	int folder_error;            /* -errno: recordings.folder cannot be written */
	unsigned deaths;             /* one after the other */
	uint64_t fetches;            /* counted */
	uint64_t start_ns, again_ns;
	struct redis_guest guest;        /* of the link to Redis (node_deliver_index.c) */
	bool redis_stale;                /* it is a new one, and that is to be told */
	char history[STORE_HISTORY_MAX]; /* of Redis, as it was told last */
	struct node_deliver_query {
		uint64_t ticket; /* 0: free */
		uint64_t deadline_ns;
		char fetch[20]; /* a recording that is to be played; "": a command waits */
	} asks[NODE_DELIVER_ASKS_MAX];
	struct {
		/* as told last */
		uint64_t deleted, lost, sealed, seal_failures, coded, opus_failures, opus_skipped;
		uint64_t uploads_aborted, copies_sent, copies_refused, copies_full, adopted;
	} shown;
};

void node_deliver_setup(void); /* metrics; main thread, once */
void node_deliver_open(struct node *n);
/* Twice a second. */
void node_deliver_beat(struct node *n, uint64_t now_ns);
/* Settings, or documents of tenants, are others. */
void node_deliver_reload(struct node *n);
void node_deliver_close(struct node *n);
/* A message has ended: it is looked for at once. */
void node_deliver_look(struct node *n);
bool node_deliver_runs(const struct node *n);
/* Asks the process what the command says; hooks->delivered has the answer, with that ticket. False: too many questions at once. args: borrowed. */
bool node_deliver_query(struct node *n, uint64_t ticket, const char *command, const char *tenant,
			json_t *args) NODISCARD;

/* Files of a recording that lie on other nodes; plays_said is called then. False: it cannot be asked for. */
bool node_deliver_fetch(struct node *n, const char *tenant, const char *recording) NODISCARD;

/* A connection of another node's process that stores recordings, which has said so much: it is that of ours, or closed. */
void node_deliver_pass_on(struct node *n, int fd, const uint8_t *hello, size_t length);

/* The first line of a file that its owner alone may read. Why there is none, as a sentence; NULL: there is, or none is wanted. */
enum { NODE_SECRET_MAX = 512 };
const char *node_secret_read(const char *path, char out[NODE_SECRET_MAX]);

/* ---- between the files ---- */
/* Of this node, in what others read. */
const char *node_deliver_id(const struct node *n, char out[NODE_DELIVER_ID_MAX]);
/* Which nodes there are, where that is another list now. */
void node_deliver_tell_nodes(struct node *n);
void node_deliver_copies_setup(void);
void node_deliver_copies_figures(struct node *n, const json_t *figures);
/* It counts from its start on. */
void node_deliver_count(metric_id id, uint64_t now, uint64_t *shown);
/* All that the process is to know; NULL: out of memory. */
json_t *node_deliver_terms(const struct node *n);
/* What a file of certificates has. False: reason says why it cannot be used. */
bool node_deliver_certificate(const char *path, char pem[ENVELOPE_PEM_MAX],
			      char reason[ENVELOPE_REASON_MAX], uint64_t *expires_utc_s);
/* Sends it, or as much as goes; the rest later. line is stolen. */
void node_deliver_send(struct node *n, json_t *line);

#endif
