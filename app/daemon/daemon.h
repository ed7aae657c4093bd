/* SPDX-License-Identifier: Apache-2.0 */
/* The process: the order in which a node starts, turns and stops. Control thread. */
#ifndef APP_DAEMON_DAEMON_H
#define APP_DAEMON_DAEMON_H

#include "app/node/node.h"
#include "app/node/node_sip.h"
#include "sig/remote/remote_state.h"

enum node_reading {
	NODE_READ_TEXT,  /* the file of any machine; errors as file:line:column to standard error */
	NODE_READ_CHECK, /* as well, and a node could start with it on this machine, now */
	NODE_READ_START, /* as NODE_READ_TEXT, and this machine must have the networks' addresses */
	NODE_READ_RELOAD, /* errors go to the log */
};
/* Starts, runs until it is told to stop, stops. The exit status of the process. */
int node_run(const char *config_path);

/* Reads and checks. 0 or -errno. */
int node_settings_read(struct settings *out, const char *path, enum node_reading why) NODISCARD;
/* The steps of the start in order; exit status, NODE_EXIT_OK: ready. */
int node_start(struct node *n);
/* Undoes them in reverse, from wherever the start came to. */
void node_stop(struct node *n);
/* Lease, documents, registrations, calls: what Redis knows. Exit status. */
int node_load(struct node *n);
/* The own Redis died: it is started again, not too often. */
void node_own_redis_died(struct node *n);

/* Handlers of the loop; arg is the node. */
void node_round(void *arg); /* end of each round: effects, answers, flushes, the timer */
void node_on_media(int fd, unsigned events, void *arg);
void node_on_redis(bool connected, void *arg);
void node_on_leases(bool connected, void *arg); /* that link */
void node_fsync_log(struct node *n);
void node_on_store_health(bool healthy, void *arg); /* arg: struct node_shard */
void node_on_signal(int signal, void *arg);

void node_metrics_setup(void);
/* Those by tenant. */
void node_tenants_setup(void);
void node_trunks_setup(void);
void node_metrics_update(const struct node *n);

#endif
