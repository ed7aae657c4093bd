/* SPDX-License-Identifier: Apache-2.0 */
/* The phases of a node: how it starts, drains and stops. Control thread. */
#ifndef APP_NODE_NODE_LIFE_H
#define APP_NODE_NODE_LIFE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

struct command_run;
struct node;
struct remote_item;
struct park_reply;
struct prompt_work;
struct tenant_value;

enum {
	NODE_EXIT_OK = 0,
	NODE_EXIT_FAILED = 1, /* trying again may help */
	NODE_EXIT_CONFIG = 2, /* it fails again until a file is corrected */
};

enum node_phase {
	NODE_STARTING,
	NODE_RUNNING,
	NODE_STOPPING,
};

/* When it says that it is ready: its workers have opened what it took up. */
enum node_readiness {
	READY_QUEUED, /* not all was given to the workers yet */
	READY_GIVEN,  /* they were not all through with it */
	READY_SENT,
};

/* No new calls: asked for by command, or before a stop. Nothing of it outlives the process. */
struct node_drain {
	bool asked;
	bool ends; /* the node stops when the calls are over, or node.drain_time is */
	uint64_t begin_ns;
};

struct node_life {
	enum node_phase phase;
	enum node_readiness readiness;
	int exit_status;
	bool stop_asked;
	bool loop_opened;
	bool silent; /* nothing may be sent any more, for good */
	struct node_drain drain;
	uint64_t start_ns;
	uint64_t stop_deadline_ns;
	uint32_t calls_restored, bindings_restored, records_broken;
};

/* The loop: what is left for the next round, and how long rounds take. */
struct node_round {
	uint64_t beat_next_ns;
	bool events_left;      /* of media */
	bool inter_shard_left; /* what shards said to each other */
	bool locations_degraded;
	uint32_t messages; /* in this round */
	uint64_t since_ns; /* the first of them */
	uint64_t last_ns;  /* how long the round before took, where it had many */
};

/* Functions of the layers above the node. */
struct extension_box;
struct node_hooks {
	void (*stopping)(struct node *n);
	void (*store_health)(bool healthy, void *shard); /* struct node_shard */
	/* The node runs that shard from now on, by a lease of that epoch. */
	void (*taken)(struct node *n, uint16_t shard, uint64_t epoch);
	/* Of other nodes: as in struct shard_remote. */
	void (*picked)(void *node, const struct park_reply *told);
	void (*answered)(void *node, const struct remote_item *item);
	/* Record pages: before the web listener that has them, and behind it. */
	int (*pages_open)(struct node *n);
	void (*pages_close)(struct node *n);
	/* A document goes that the run's document has taken along: kind and name. */
	void (*drop)(const struct command_run *run, struct bytes kind, struct bytes name);
	/* The tenant's document. False: there is no such tenant. */
	bool (*tenant_value)(const struct node *n, const char *name, struct tenant_value *out);
	/* The sound thread is done with a work that has no function of its own. */
	void (*prompt_work)(struct node *n, struct prompt_work *work);
	/* Fetches files of a recording from other nodes; plays_on_rendered is called then. False:
	 * it cannot. */
	bool (*fetch)(struct node *n, const char *tenant, const char *recording);
	/* A connection of another node's tandem-store, with its hello: for ours, or closed. */
	void (*files)(struct node *n, int fd, const uint8_t *hello, size_t length);
	/* tandem-store has answered node_deliver_query with that line; NULL: it will not;
	 * why: the reason. */
	void (*delivered)(struct node *n, uint64_t ticket, const json_t *line, const char *why);
	/* The web application of a call sends something unasked. */
	void (*told)(struct node *n, const json_t *line);
	/* The webhooks process has started: tells it all of the tenant. "": of all tenants. */
	void (*webhooks)(struct node *n, const char *tenant);
	/* The server of a webhook wants no more events. */
	void (*webhook_on_line)(struct node *n, const json_t *line);
	/* The mailbox settings of that extension. False: no such extension, and *out is empty. */
	bool (*box)(const struct node *n, const char *tenant, struct bytes number,
		    struct extension_box *out);
	/* Whether the number calls nobody, or hardly the intended target:
	 * why, in NUMBER_WORDS_MAX octets. False: fine. */
	bool (*number_wrong)(const struct node *n, uint16_t tenant, struct bytes number, char *why);
	/* Makes a call in the name of the node, by that id once; answer: stolen. */
	void (*originate)(struct node *n, const char *tenant, const char *id, json_t *args,
			  void (*done)(json_t *answer, void *arg), void *arg);
};

/* Tells all shards whether new calls are welcome. */
void node_drain_apply(struct node *n);
/* It takes no new calls: by command, or before its stop. */
bool node_is_draining(const struct node *n);
bool node_is_stopping(const struct node *n);
/* By command: new calls are refused, or welcome again. */
void node_drain_set(struct node *n, bool on);
/* SIGTERM: refuses new calls, and stops when the present ones are over, or after node.drain_time.
 * A second time: now. */
void node_drain_start(struct node *n);
bool node_drain_is_over(const struct node *n);
uint64_t node_drain_next_ns(const struct node *n); /* UINT64_MAX: nothing is waited for */
void node_ask_stop(struct node *n);

#endif
