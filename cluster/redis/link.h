/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a link, shared by redis.c (the codec), redis_link.c (its life) and redis_guest.c.
 *
 * A callback may close the link or break it. So what ends it is only noted while callbacks run and done by the outermost
 * redis_link_leave().
 */
#ifndef CLUSTER_REDIS_LINK_H
#define CLUSTER_REDIS_LINK_H

#include "base/metric.h"
#include "base/rand.h"
#include "base/tls/tls.h"
#include "cluster/redis/buffer.h"
#include "cluster/redis/dial.h"
#include "cluster/redis/queue.h"
#include "cluster/redis/route.h"
#include "cluster/redis/sentinel.h"
#include "cluster/redis/socket.h"

struct redisReader;

enum redis_link_state {
	REDIS_LINK_DOWN,
	REDIS_LINK_DIALLING,
	REDIS_LINK_SECURING, /* the handshake of TLS */
	REDIS_LINK_GREETING, /* AUTH, SELECT, PING, ROLE, SMEMBERS */
	REDIS_LINK_UP,
};

struct redis_metrics {
	metric_id commands, errors, timeouts, late, refused, connects, losses, failovers, pending,
		up;
};

enum { REDIS_CHUNK = 1 << 16 };

struct redis {
	struct redis_settings settings;
	struct redis_url url;
	struct tls *tls; /* of rediss:, else NULL */
	struct tls_settings files;
	struct addr addr;
	struct redis_sentinel sentinel;             /* asked for addr, where url names some */
	struct addr sentinels[REDIS_SENTINELS_MAX]; /* of a link to Sentinels: they have */
	uint32_t sentinel_count, turn;              /* their turn with each dialling */
	bool leaving;                               /* the next one has its turn: no trouble */
	struct redis_route *route;   /* this one is all links to a cluster; NULL: it is a link */
	struct redis_route *follows; /* this one is one of those, or beside them; NULL: it is not */
	uint16_t slot;               /* ... beside them: all its keys are of that one */
	bool is_of_slot;
	struct redis_queue queue;
	struct redis_buffer out;
	struct redis_backoff backoff;
	struct rand_source rand;
	struct redis_metrics metrics;
	struct redis *beside; /* by beside_next: they live as long as this one */
	struct redis *beside_next;
	struct redis_guest *guests;
	struct redis_guest *next_guest; /* of the walk that is under way */
	struct redisReader *reader;     /* lives with the socket */
	redis_state_fn *state_fn;
	void *arg;
	const char *broken; /* why the link must end; NULL: it need not */
	char detail[128];   /* what Redis or the system said to it */
	const char *
		lost; /* why there is none, where that is trouble; NULL: there is, or none was tried */
	char lost_detail[128];
	uint64_t
		refused_ns; /* since when every dialling ends with a refused login; 0: the last one did not */
	bool refused;       /* this one did */
	uint64_t wake_ns;   /* DOWN: when to dial; DIALLING, GREETING: when patience ends */
	uint64_t up_ns;     /* since when it is up */
	uint64_t depart_ns; /* what is in out may wait until then; 0: it may not */
	uint32_t greetings; /* answers that UP waits for */
	uint32_t depth;     /* calls under way that may run callbacks */
	struct redis_socket socket;
	enum redis_link_state state;
	bool writing; /* LOOP_WRITE is watched */
	bool closing;
	bool quiet;   /* this trouble was logged already */
	bool another; /* see redis_is_another */
	uint8_t chunk[REDIS_CHUNK];
};

/* Around everything that may run callbacks; r may be gone after leave. */
void redis_link_enter(struct redis *r);
void redis_link_leave(struct redis *r);
/* Asks for the end of the link. why: a constant sentence. The first reason counts. */
void redis_link_break(struct redis *r, const char *why, struct bytes detail);

/* Of a link to Sentinels: the next one has its turn. */
void redis_link_turn(struct redis *r);
/* Sentinel says so: r->sentinel.primary. */
void redis_primary_said(struct redis *r);

/* It begins anew, now. */
void redis_link_end(struct redis *r, const char *why);
/* That is where it goes from now on; port 0: nowhere. */
void redis_link_aim(struct redis *r, const struct addr *to);
/* Of one that is all links to a cluster: up, or not. */
void redis_link_is(struct redis *r, bool up);

/* open.c. Gives everything back. */
void redis_link_destroy(struct redis *r);
/* One of the links of r->route. */
int redis_open_server(struct redis **out, struct redis *r, const struct addr *server,
		      redis_state_fn *state, void *arg) NODISCARD;
/* Of a link that asks: whose turn comes i-th. */
void redis_link_names(struct redis *asker, uint32_t i, const struct addr *server);

/* redis_guest.c */
void redis_guests_tell(struct redis *r, bool connected);
void redis_guests_expire(struct redis *r, uint64_t now_ns);
void redis_guests_flush(struct redis *r);

/* redis.c. Queues a command and its wait: 0, -EAGAIN or -EMSGSIZE. */
int redis_command_put(struct redis *r, const struct bytes *args, size_t n,
		      const struct redis_wait *wait) NODISCARD;
/* 0 or -ENOMEM. */
int redis_reader_open(struct redis *r) NODISCARD;
void redis_reader_close(struct redis *r);
/* Reads what came, and answers those who wait. */
void redis_reader_feed(struct redis *r, struct bytes in);

#endif
