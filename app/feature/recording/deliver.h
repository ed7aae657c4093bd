/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node's side of tandem-store (app/deliver/process.h): starts it, tells it settings, asks it,
 * and restarts it when it dies. It runs if there is a destination, or a recording. Control thread.
 */
#ifndef APP_FEATURE_RECORDING_DELIVER_H
#define APP_FEATURE_RECORDING_DELIVER_H

#include <jansson.h>

#include "app/child/child_link.h"
#include "app/schema/command.h"
#include "app/schema/feature.h"
#include "base/bytes.h"
#include "base/metric.h"
#include "cluster/store/store.h"

struct node;

enum { NODE_DELIVER_ID_MAX = 17 };

struct deliver {
	struct child child; /* connections of other nodes' processes are handed to it */
	char *told;         /* list of nodes that it was last told */
	bool stale;         /* a tenant's document changed: it is to be told */
	bool looked, any;   /* there were recordings at start or reload */
	/* What the process says of a recording that is a message lies in its mailbox, too. True:
	 * node_deliver_answered follows with arg. Set by those who have mailboxes. */
	bool (*message)(struct node *n, const json_t *line, void *arg);
	struct redis_guest guest;        /* of the link to Redis */
	bool redis_stale;                /* it is a new one, and that is to be told */
	char history[STORE_HISTORY_MAX]; /* of Redis, as last told */
	struct {
		/* as told last */
		uint64_t deleted, lost, sealed, seal_failures, coded, opus_failures, opus_skipped;
		uint64_t uploads_aborted, copies_sent, copies_refused, copies_full, adopted;
	} shown;
};
extern struct deliver g_deliver; /* control thread */

/* ---- columns of the feature's row (app/schema/feature.h) ---- */

extern const struct child_kind g_store_child;
extern const struct metric_def g_store_metric_rows[], g_copy_metric_rows[];
void node_deliver_setup(void);
void node_deliver_second(struct node *n, uint64_t now_ns);
void node_deliver_reload(struct node *n);
void node_deliver_tenants(struct node *n);
void node_deliver_recorded(struct node *n, uint64_t call, uint8_t number, uint64_t ms);
void node_deliver_close(struct node *n);
command_fn command_recording_list, command_recording_get, command_recording_look,
	command_recording_link, command_store_list, command_store_one, command_store_retry;

/* ---- for others ---- */

/* Links to files of recordings (recording.link, message.link). False: the run has failed. */
bool command_recording_has_port(struct command_run *run);
/* NULL: the name is too long. */
json_t *command_recording_linked(struct command_run *run, struct bytes name);
/* struct node_hooks.delivered */
void command_recording_on_delivered(struct node *n, uint64_t ticket, const json_t *line,
				    const char *why);
/* The mailbox has it, or does not; members: what it says of the message, taken over. */
void node_deliver_answered(void *arg, bool ok, json_t *members);
/* tandem-store looks for what has ended at once. */
void node_deliver_look(void);
bool node_deliver_runs(void);
/* Asks tandem-store by command; hooks->delivered gets the answer with that ticket. False: too many
 * questions, or it does not run. args: borrowed. */
bool node_deliver_query(struct node *n, uint64_t ticket, const char *command, const char *tenant,
			json_t *args) NODISCARD;

/* Fetches files of a recording from other nodes; plays_on_rendered is called then. False: it
 * cannot. */
bool node_deliver_fetch(struct node *n, const char *tenant, const char *recording) NODISCARD;

/* Passes a connection of another node's tandem-store, with its hello, to ours, or closes it. */
void node_deliver_pass_on(struct node *n, int fd, const uint8_t *hello, size_t length);

/* ---- between the files ---- */
/* Id of this node in texts for others. */
const char *node_deliver_id(const struct node *n, char out[NODE_DELIVER_ID_MAX]);
/* The list of nodes, if it has changed. */
void node_deliver_tell_nodes(struct node *n);
void node_deliver_copies_figures(struct node *n, const json_t *figures);
/* Counts from the start of tandem-store on. */
void node_deliver_count(metric_id id, uint64_t now, uint64_t *shown);
/* All settings for the process; NULL: out of memory. */
json_t *node_deliver_terms(const struct node *n);

#endif
