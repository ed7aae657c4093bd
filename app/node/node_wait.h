/* SPDX-License-Identifier: Apache-2.0 */
/* Redis at the start: its identity, questions to it, and the time to wait for it. */
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
	const char *what;          /* the awaited answer */
	uint64_t since_ns, say_ns; /* since when; when it is logged again */
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

/* The Redis that the state directory belongs to. */
struct node_belonging {
	struct belonging of;
	struct redis_meant meant;     /* its id for the links, once it is settled */
	char found[IDENTITY_LEN + 1]; /* at the start: an id of the present Redis */
	bool empty;                   /* ... which had none */
	bool known;                   /* the Redis of this link has ours */
	uint64_t next_ns;             /* when it is told its id again */
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

/* The Redis of the state directory, before anything of that is sent. Exit status. */
int node_belonging_start(struct node *n);
void node_belonging_linked(struct node *n); /* there is a new link */
void node_belonging_beat(struct node *n, uint64_t now_ns);
/* In a cluster: no other live process has this identity. Exit status. */
int node_twin_start(struct node *n);
void node_twin_refuse(struct node *n); /* one has: said to operators */
/* A step that ends in a callback: begin, start it with node_wait_end as store_done_fn, await.
 * False: told to stop, or too late. */
void node_wait_start(struct node *n);
void node_wait_end(enum store_result result, uint64_t key, uint64_t version, void *arg);
bool node_await(struct node *n, const char *what, uint64_t limit_ns);
/* Asks Redis without a limit, and logs delays. Exit statuses; FAILED: told to stop. */
int node_request(struct node *n, const struct node_question *q); /* n->redis->wait has the answer */
/* Its parts, for waits that are no question. */
void node_late_start(struct node *n, const char *what);
int node_late_await(struct node *n);
int node_late_pause(struct node *n, uint64_t ns);
void node_late_end(struct node *n);

/* Tells the service manager the state (sd_notify(3)), if NOTIFY_SOCKET is set: "READY=1",
 * "STOPPING=1". Any thread; never blocks. */
void notify_manager(const char *state);

#endif
