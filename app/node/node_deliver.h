/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node's side of tandem-store (app/deliver/process.h): starts it, tells it settings, asks it,
 * and restarts it when it dies. It runs if there is a destination, or a recording. Control thread.
 */
#ifndef APP_NODE_NODE_DELIVER_H
#define APP_NODE_NODE_DELIVER_H

#include <jansson.h>

#include "app/child/child_link.h"
#include "app/record/envelope.h"
#include "base/bytes.h"
#include "base/metric.h"
#include "cluster/store/store.h"

struct node;

enum { NODE_DELIVER_ID_MAX = 17 };

struct node_deliver {
	struct child child;       /* connections of other nodes' processes are handed to it */
	char *told;               /* list of nodes that it was last told */
	bool stale;               /* a tenant's document changed: it is to be told */
	bool looked, any;         /* there were recordings at start or reload */
	bool full;                /* too little room, and nothing that may be deleted */
	int folder_error;         /* -errno: recordings.folder cannot be written */
	struct redis_guest guest; /* of the link to Redis */
	bool redis_stale;         /* it is a new one, and that is to be told */
	char history[STORE_HISTORY_MAX]; /* of Redis, as last told */
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
/* Settings, or documents of tenants, have changed. */
void node_deliver_reload(struct node *n);
void node_deliver_close(struct node *n);
/* A message has ended: tandem-store looks for it at once. */
void node_deliver_look(struct node *n);
bool node_deliver_runs(const struct node *n);
/* Asks tandem-store by command; hooks->delivered gets the answer with that ticket. False: too many
 * questions, or it does not run. args: borrowed. */
bool node_deliver_query(struct node *n, uint64_t ticket, const char *command, const char *tenant,
			json_t *args) NODISCARD;

/* Fetches files of a recording from other nodes; plays_said is called then. False: it cannot. */
bool node_deliver_fetch(struct node *n, const char *tenant, const char *recording) NODISCARD;

/* Passes a connection of another node's tandem-store, with its hello, to ours, or closes it. */
void node_deliver_pass_on(struct node *n, int fd, const uint8_t *hello, size_t length);

/* First line of a file that only its owner can read.
 * Returns the error; NULL: it was read, or is not wanted. */
enum { NODE_SECRET_MAX = 512 };
const char *node_secret_read(const char *path, char out[NODE_SECRET_MAX]);

/* ---- between the files ---- */
/* Id of this node in texts for others. */
const char *node_deliver_id(const struct node *n, char out[NODE_DELIVER_ID_MAX]);
/* The list of nodes, if it has changed. */
void node_deliver_tell_nodes(struct node *n);
void node_deliver_copies_setup(void);
void node_deliver_copies_figures(struct node *n, const json_t *figures);
/* Counts from the start of tandem-store on. */
void node_deliver_count(metric_id id, uint64_t now, uint64_t *shown);
/* All settings for the process; NULL: out of memory. */
json_t *node_deliver_terms(const struct node *n);
/* Reads a file of certificates. False: reason says why it cannot be used. */
bool node_deliver_certificate(const char *path, char pem[ENVELOPE_PEM_MAX],
			      char reason[ENVELOPE_REASON_MAX], uint64_t *expires_utc_s);

#endif
