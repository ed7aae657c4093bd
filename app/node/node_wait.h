/* SPDX-License-Identifier: Apache-2.0 */
/* Redis at the start: whose it is, what it is asked, and how long it is waited for. Control thread. */
#ifndef APP_NODE_NODE_WAIT_H
#define APP_NODE_NODE_WAIT_H

#include "app/node/node_life.h"
#include "cluster/embedded/embedded.h"
#include "cluster/identity.h"
#include "cluster/redis/redis.h"
#include "cluster/store/store.h"

/* A step of the start that ends in a callback. */
struct node_wait {
	bool for_link; /* the link to Redis ends it */
	bool done;
	enum store_result result;
};

/* The start waits for Redis. */
struct node_late {
	const char *what;          /* for which answer of it */
	uint64_t since_ns, say_ns; /* since when; when it is said again */
	bool said;
	uint32_t repeats; /* how often it was asked again */
};

/* What the start asks Redis, as often as it takes: ask ends in node_wait_end. */
struct node_question {
	const char *what;
	void (*ask)(struct node *n, const void *arg);
	const void *arg;
	bool even_refused; /* a refusal is no answer either: it may pass */
};

/* Of which Redis the state directory is. */
struct node_belonging {
	struct belonging of;
	struct redis_meant meant;     /* its id for the links, once it is settled */
	char found[IDENTITY_LEN + 1]; /* at the start: an id of the Redis that is there */
	bool empty;                   /* ... which had none */
	bool known;                   /* the Redis of this link has ours */
	uint64_t next_ns;             /* when it is told again */
};

/* The Redis of the node. */
struct node_redis {
	struct node_belonging belonging;
	struct twin twin; /* in a cluster: whether another process has this identity */
	struct embedded embedded;
	bool embedded_used;
	struct redis_place place;
	struct redis *link;
	struct redis *leases; /* with cluster.replicas; NULL: none is asked */
	struct store_shared *store;
	const char *history; /* of Redis, as the log of documents knows it */
	struct node_wait wait;
	struct node_late late;
	uint64_t respawn_ns; /* when the own one is started again; UINT64_MAX: it runs */
};

/* Before anything is sent that is of the state directory: the Redis that it belongs to. Exit status. */
int node_belonging_start(struct node *n);
void node_belonging_linked(struct node *n); /* there is a new link */
void node_belonging_beat(struct node *n, uint64_t now_ns);
/* In a cluster: no other process that lives has the identity of this one. Exit status. */
int node_twin_start(struct node *n);
void node_twin_refuse(struct node *n); /* one has: said to operators */
/* A step that ends in a callback: begin, start it with node_wait_end as store_done_fn, await. False: told to stop, or too late. */
void node_wait_begin(struct node *n);
void node_wait_end(enum store_result result, uint64_t key, uint64_t version, void *arg);
bool node_await(struct node *n, const char *what, uint64_t limit_ns);
/* The same for what Redis is to answer: without a limit, and said where it is late. Each is an exit status; FAILED: told to stop. */
int node_ask(struct node *n, const struct node_question *q); /* n->redis.wait has the answer */
/* Its parts, for what is no question. */
void node_late_begin(struct node *n, const char *what);
int node_late_await(struct node *n);
int node_late_pause(struct node *n, uint64_t ns);
void node_late_end(struct node *n);

/* Tells the service manager how the process is (sd_notify(3)), where it wants to know: NOTIFY_SOCKET. "READY=1", "STOPPING=1". Any thread;
 * never blocks. */
void notify_manager(const char *state);

#endif
