/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a link, shared by redis.c (the codec), link.c (its life) and open.c (begin and
 * end).
 *
 * A callback may close the link or break it. So its end is only noted while callbacks run, and done
 * by the outermost redis_link_leave().
 */
#ifndef CLUSTER_REDIS_LINK_H
#define CLUSTER_REDIS_LINK_H

#include <sys/types.h>

#include "base/bytes.h"
#include "base/metric.h"
#include "base/rand.h"
#include "base/tls/tls.h"
#include "cluster/redis/buffer.h"
#include "cluster/redis/redis.h"
#include "cluster/redis/route.h"
#include "cluster/redis/url.h"

/* Starting a connection to Redis, and how long to wait before the next try. */

/* Returns a non-blocking descriptor that is connected or connecting, or -errno. addr: for TCP. */
int redis_dial(const struct redis_url *url, const struct addr *addr) NODISCARD;

/* Zero-initialised with max_ns. */
struct redis_backoff {
	uint64_t max_ns;
	uint32_t failures; /* in a row */
};
/* Doubles from 20 ms to max_ns, less up to half at random, so that nodes do not come back all at
 * once. up_ns: how long the link was up; one that held for a second starts from the beginning. */
uint64_t redis_backoff_next(struct redis_backoff *b, uint64_t up_ns, struct rand_source *rand);

/* The octets of a link: a non-blocking socket, in the clear or in TLS. */

struct redis_socket {
	int fd;               /* owned; -1: none */
	struct tls_link *tls; /* owned; NULL: in the clear */
};

/* From here on in TLS with that host. 0 or -ENOMEM. */
int redis_socket_secure(struct redis_socket *s, struct tls *tls, const char *host) NODISCARD;
/* 0: done, -EAGAIN, -EPROTO with *why, a constant word. */
int redis_socket_handshake(struct redis_socket *s, const char **why) NODISCARD;
/* Octets, 0: the end, -errno; -EAGAIN: not now. */
ssize_t redis_socket_read(struct redis_socket *s, void *p, size_t n) NODISCARD;
ssize_t redis_socket_write(struct redis_socket *s, const void *p, size_t n) NODISCARD;
/* What the last -EAGAIN of a handshake or a read waits for is room to write. */
bool redis_socket_wants_write(const struct redis_socket *s);
void redis_socket_close(struct redis_socket *s);

/*
 * Which server is the primary: a link asks one Sentinel each second, and more often while it is
 * down or does not answer. Sentinels take turns. Each answer has the epoch of its failover: one
 * that is older than the newest heard counts only when all Sentinels say so, as they do when they
 * were set up anew.
 */

struct redis;
struct redisReply;

struct redis_sentinel {
	struct redis *link;   /* to one Sentinel; NULL: no Sentinel is asked */
	struct redis *owner;  /* told by redis_on_primary */
	struct addr primary;  /* the newest that counts; port 0: none yet */
	struct addr said;     /* the first half of an answer */
	uint64_t epoch;       /* of primary */
	uint64_t ask_ns;      /* the next question */
	uint64_t received_ns; /* the last answer that counted */
	uint32_t older;       /* answers in a row that did not */
	uint32_t answers;     /* of the Sentinel that is asked now */
	bool asked, hurry, missed;
};

/* link: was made for s->owner and is s' from here on. */
void redis_sentinel_close(struct redis_sentinel *s);
/* The primary is wanted, or it is not wanted any more: asked at once, and more often. */
void redis_sentinel_hurry(struct redis_sentinel *s, bool hurry, uint64_t now_ns);
void redis_sentinel_expire(struct redis_sentinel *s, uint64_t now_ns);
uint64_t redis_sentinel_next_ns(const struct redis_sentinel *s);

/* Waiting callers, in the order of the commands: Redis answers in that order only. A caller keeps
 * its place after its deadline until its answer comes, so that the next answer does not go to the
 * wrong one. */

/* A command as it was sent: it may have to be sent to another server. */
struct redis_command_sent {
	size_t n;
	uint8_t p[];
};

struct redis_wait {
	redis_reply_fn *fn; /* NULL: nobody wants the answer */
	void *arg;
	uint64_t deadline_ns;
	bool expired;
	bool even_late;                  /* fn is called again with what comes after the deadline */
	struct redis_command_sent *said; /* freed when it is taken out; NULL: it is sent once */
};

struct redis_queue {
	struct redis_wait *slots;
	uint32_t capacity;
	uint32_t head;
	uint32_t count;
	uint64_t next_ns; /* no deadline that has not expired comes before it */
};

/* 0 or -ENOMEM. */
int redis_queue_open(struct redis_queue *q, uint32_t capacity) NODISCARD;
void redis_queue_close(struct redis_queue *q);
/* False when full. */
bool redis_queue_push(struct redis_queue *q, const struct redis_wait *wait);
/* The oldest, taken out. False when empty. */
bool redis_queue_pop(struct redis_queue *q, struct redis_wait *out);
/* NULL when empty. */
const struct redis_wait *redis_queue_oldest(const struct redis_queue *q);
/* Yields the waits past their deadline, one each call, marked as expired; start with *cursor = 0.
 * False at the end. Pushing between calls is fine, popping is not. */
bool redis_queue_expire(struct redis_queue *q, uint64_t now_ns, uint32_t *cursor,
			struct redis_wait *out);

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
	struct redis_route *follows; /* this is one of its links, or of one slot; or NULL */
	uint16_t slot;               /* ... of one slot: all its keys have it */
	bool is_of_slot;
	struct redis_queue queue;
	struct redis_buffer out;
	struct redis_backoff backoff;
	struct rand_source rand;
	struct redis_metrics metrics;
	struct redis *beside; /* by attached_next: they live as long as this one */
	struct redis *attached_next;
	struct redis_guest *guests;
	struct redis_guest *next_guest; /* of the walk that is under way */
	struct redisReader *reader;     /* lives with the socket */
	redis_state_fn *state_fn;
	void *arg;
	const char *broken; /* why the link must end; NULL: it need not */
	char detail[128];   /* what Redis or the system said to it */
	/* why there is no link, where that is trouble; NULL: it is up, or was not tried */
	const char *lost;
	char lost_detail[128];
	/* since when every dialling ends with a refused login; 0: the last one did not */
	uint64_t refused_ns;
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
void redis_on_primary(struct redis *r);

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
/* Of a link that asks: the i-th server in turn. */
void redis_link_names(struct redis *asker, uint32_t i, const struct addr *server);

/* redis.c. Queues a command and its wait: 0, -EAGAIN or -EMSGSIZE. */
int redis_command_put(struct redis *r, const struct bytes *args, size_t n,
		      const struct redis_wait *wait) NODISCARD;
/* 0 or -ENOMEM. */
int redis_reader_open(struct redis *r) NODISCARD;
void redis_reader_close(struct redis *r);
/* Reads what came, and answers those who wait. */
void redis_reader_feed(struct redis *r, struct bytes in);

#endif
