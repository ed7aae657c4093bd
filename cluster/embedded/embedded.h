/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node's own redis-server: started when no Redis is configured, on a unix socket in the state
 * directory, AOF on. A lock in the state directory keeps two nodes apart; a server that outlived a
 * crash of the node is adopted, never doubled.
 */
#ifndef CLUSTER_EMBEDDED_EMBEDDED_H
#define CLUSTER_EMBEDDED_EMBEDDED_H

#include "base/bytes.h"

/* The server's socket, below the state directory. */
#define EMBEDDED_SOCKET "redis/redis.sock"

struct embedded {
	int lock_fd; /* held for the node's life */
	int32_t pid; /* of the server, ours or adopted */
	bool adopted;
	/* when a server of ours asks the disk to keep what it has; NULL: everysec */
	const char *fsync;
	char dir[256];
	char socket_path[108];
};

/* Locks dir (created 0700), also without embedded Redis. 0; -EBUSY: another node runs here (its pid
 * is logged); -errno. */
int embedded_lock(struct embedded *e, const char *state_dir) NODISCARD;
/* Whether a node holds that lock. */
bool embedded_is_locked(const char *state_dir);
/* Starts or adopts the server and waits for its PONG (at most 10 s). May block: start-up only. */
int embedded_start(struct embedded *e) NODISCARD;
/* Restarts a server that died, without blocking: the link reconnects by itself. 0; -EBUSY: the
 * server, or a child that writes its file, still lives: try again in a moment; or -errno. */
int embedded_spawn(struct embedded *e) NODISCARD;
/* True when the server died: restart it with embedded_spawn. Polled on SIGCHLD, and while the link
 * is down: an adopted server is no child of ours. */
bool embedded_is_dead(struct embedded *e);
/* Clean stop: SHUTDOWN by SIGTERM, waits at most 10 s. Gives the lock back, too. */
void embedded_stop(struct embedded *e);

/* Asks a Redis on a Unix socket for its process; blocking, at start only.
 * 0: it answers and has loaded its data; *pid is its process. -ECONNREFUSED, -ENOENT: nobody
 * listens. -EAGAIN: it still loads, or does not answer within 200 ms. Or -errno. */
int embedded_probe(const char *socket_path, int32_t *pid) NODISCARD;

#endif
