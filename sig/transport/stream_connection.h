/* SPDX-License-Identifier: Apache-2.0 */
/* One connection, and what all of them share; private to transport_stream*.c and
 * stream_connection*.c. */
#ifndef SIG_TRANSPORT_STREAM_CONNECTION_H
#define SIG_TRANSPORT_STREAM_CONNECTION_H

#include "base/bytes.h"
#include "base/metric.h"
#include "base/pool.h"
#include "base/table.h"
#include "base/tls/tls.h"
#include "base/validity.h"
#include "base/wheel.h"
#include "sig/transport/stream_frame.h"
#include "sig/transport/transport_stream.h"

/* The queue of octets to be written to a connection, with their shards: messages of a shard that
 * may not send any more are removed unless they have begun to leave. Private to
 * transport_stream*.c. */

/* Queued octets: appended at the end, taken from the front. Idle connections use no memory. Private
 * to transport_stream*.c. */

struct stream_buffer { /* zeroed: empty */
	uint8_t *p;
	size_t from, to; /* p[from..to) */
	size_t cap;
};

/* 0, -ENOMEM. */
int stream_buffer_add(struct stream_buffer *b, struct bytes in) NODISCARD;
void stream_buffer_consume(struct stream_buffer *b, size_t n); /* frees the memory when empty */
void stream_buffer_clear(struct stream_buffer *b);
static inline struct bytes stream_buffer_bytes(const struct stream_buffer *b)
{
	return bytes_mem(b->p + b->from, b->to - b->from);
}

struct stream_mark {
	uint32_t n; /* octets of one message; of VALID_ALWAYS, of any number of them */
	uint8_t place;
};

struct stream_queue { /* zeroed: empty */
	struct stream_buffer octets;
	struct stream_mark *marks; /* of all octets, in their order: marks[first..count) */
	uint32_t first, count, cap;
	/* octets at the front that must leave: the rest of a message, or what TLS has encrypted */
	size_t begun;
};

static inline struct bytes stream_queue_bytes(const struct stream_queue *q)
{
	return stream_buffer_bytes(&q->octets);
}

/* A message of the shard with that place. 0, -ENOMEM. */
int stream_queue_add(struct stream_queue *q, uint8_t place, struct bytes message) NODISCARD;
/* They have left. */
void stream_queue_consume(struct stream_queue *q, size_t n);
/* They will: the layer below wants them again (SSL_write(3)). */
void stream_queue_hold(struct stream_queue *q, size_t n);
/* Returns the number of messages removed, of shards that may not send at that time. */
uint32_t stream_queue_withhold(struct stream_queue *q, struct validity *v, uint64_t now_ns);
void stream_queue_clear(struct stream_queue *q);

enum {
	STREAM_READ_MAX = 65536,
	STREAM_ROUND_READS = 4,    /* then others have their turn */
	STREAM_QUEUE_MAX = 262144, /* octets that wait for one peer */
	STREAM_ACCEPTS = 64,       /* per round */
	/* per round: a first step takes about 0.2 ms, so established connections wait for less than
	 * 2 ms */
	STREAM_ROUND_HANDSHAKES = 8,
	STREAM_HANDSHAKE_SOURCES = 4096, /* buckets: two of so many sources share one */
	STREAM_TRANSPORTS = SIP_TLS + 1,
};

/* Why a connection came to its end. */
#define STREAM_ENDS(X)                     \
	X(PEER, "closed_by_peer")          \
	X(ERROR, "error")                  \
	X(IDLE, "idle")                    \
	X(STRANGER, "not_authenticated")   \
	X(SILENT, "no_message")            \
	X(SLOW, "slow_sender")             \
	X(STALLED, "peer_unresponsive")    \
	X(QUEUE, "send_queue_full")        \
	X(CONNECT, "connect_failed")       \
	X(HANDSHAKE, "handshake_failed")   \
	X(HURRIED, "handshakes_of_source") \
	X(MEMORY, "out_of_memory")         \
	X(ROOM, "made_room")               \
	X(STOP, "stopping")                \
	X(BROKEN, "") /* and on: by enum stream_broken */

enum stream_end {
#define X(id, name) STREAM_END_##id,
	STREAM_ENDS(X)
#undef X
		STREAM_END_REASONS = STREAM_END_BROKEN + STREAM_BROKEN_REASONS
};

/* name, metric, label, help */
#define STREAM_METRICS(X)                                                                          \
	X(STREAM_RECEIVED, "messages_total", "direction=\"in\"", "SIP messages over TCP and TLS")  \
	X(STREAM_SENT, "messages_total", "direction=\"out\"", "SIP messages over TCP and TLS")     \
	X(STREAM_PINGS, "pings_total", NULL, "CRLF keepalives answered")                           \
	X(STREAM_ACCEPTED, "connections_total", "direction=\"in\"", "Connections made")            \
	X(STREAM_CONNECTED, "connections_total", "direction=\"out\"", "Connections made")          \
	X(STREAM_REFUSED_FULL, "refused_total", "reason=\"connections_full\"",                     \
	  "Connections not taken")                                                                 \
	X(STREAM_REFUSED_SOURCE, "refused_total", "reason=\"source_full\"",                        \
	  "Connections not taken")                                                                 \
	X(STREAM_REFUSED_FILES, "refused_total", "reason=\"descriptors\"",                         \
	  "Connections not taken")                                                                 \
	X(STREAM_REFUSED_HURRIED, "refused_total", "reason=\"handshakes_of_source\"",              \
	  "Connections not taken")                                                                 \
	X(STREAM_HANDSHAKES, "handshakes_total", NULL, "TLS handshakes of others that were begun") \
	X(STREAM_DROP_GONE, "drops_total", "reason=\"no_connection\"", "SIP messages not sent")    \
	X(STREAM_DROP_QUEUE, "drops_total", "reason=\"send_queue_full\"", "SIP messages not sent") \
	X(STREAM_DROP_SIZE, "drops_total", "reason=\"too_large\"", "SIP messages not sent")        \
	X(STREAM_DROP_LISTENER, "drops_total", "reason=\"no_such_listener\"",                      \
	  "SIP messages not sent")                                                                 \
	X(STREAM_DROP_FENCED, "drops_total", "reason=\"fenced\"", "SIP messages not sent")         \
	X(STREAM_DROP_CONNECT, "drops_total", "reason=\"cannot_connect\"", "SIP messages not sent")

#define STREAM_ENUM(name, metric, label, help) name,
enum stream_metric { STREAM_METRICS(STREAM_ENUM) STREAM_METRIC_COUNT };
#undef STREAM_ENUM

enum stream_state {
	STREAM_CONNECTING,
	STREAM_HANDSHAKE,
	STREAM_OPEN,
	STREAM_HALF, /* the peer says nothing more: what is queued still goes */
};

struct stream_connection {
	struct transport_stream *owner;
	pool_handle self; /* what others call it */
	int fd;
	enum stream_state state;
	enum stream_end doom; /* with is_doomed: it is closed at the next flush */
	bool is_doomed, in_flush, spoke, wants_write;
	bool trusted;            /* it keeps its place */
	bool waits;              /* for its handshake */
	struct sip_hop hop;      /* of what it carries */
	uint64_t source, target; /* hashes it is listed under; 0: not */
	struct tls_link *tls;
	struct stream_buffer in;
	struct stream_queue out;
	struct stream_scan scan;
	uint64_t born_ns;
	uint64_t since_ns;   /* of the state; later: the last word of the peer */
	uint64_t begun_ns;   /* a message that is not whole yet; 0: none */
	uint64_t stalled_ns; /* octets wait since; 0: none do */
	struct wheel_timer timer;
};

struct stream_listener {
	struct transport_stream *owner;
	enum sip_transport transport;
	struct addr wanted, bound;
	uint16_t local;
	bool floats; /* its address may go to another node */
	int fd;      /* -1: of another transport, or not listening */
};

/* First in, first out; the handles of those that are gone stay until they are come to. */
struct stream_list {
	pool_handle *list; /* as many as the pool holds */
	uint32_t count;
};

struct transport_stream {
	struct transport_handlers handlers;
	struct transport_limits limits;
	struct tls *tls;
	const struct hop_names *names;
	struct validity *validity; /* NULL: all may send */
	struct hash_key key;
	struct pool pool;
	struct table by_source; /* all, by the other one's address */
	struct table by_target; /* those we made, by transport, address and port */
	struct wheel wheel;
	uint32_t counts[STREAM_TRANSPORTS];
	uint32_t trusted, doomed;      /* of those in the pool; one that is doomed is not trusted */
	struct stream_list flush;      /* those with something to send or to end */
	struct stream_list handshakes; /* those that wait for theirs */
	uint64_t all_handshakes;       /* buckets of stream_rate */
	uint64_t source_handshakes[STREAM_HANDSHAKE_SOURCES];
	uint32_t hand;  /* where in the pool the next stranger is looked for that makes room */
	uint8_t *space; /* STREAM_READ_MAX octets */
	int spare;      /* a descriptor to refuse with when there is no other */
	uint8_t dscp;
	metric_id metrics[STREAM_METRIC_COUNT], ends[STREAM_END_REASONS];
	metric_id gauges[STREAM_TRANSPORTS], failures[TLS_FAILURE_REASONS];
	uint32_t count;
	struct stream_listener listeners[];
};

/* ---- stream_connection.c ---- */
/* Over fd, which it owns from now on, also on an error. 0, -EMFILE (full), -ENOMEM. */
int stream_connection_open(struct stream_connection **out, struct transport_stream *t, int fd,
			   const struct sip_hop *hop, enum stream_state state) NODISCARD;
/* Of the shard with that place. 0, -ENOBUFS: and it is doomed. */
int stream_connection_queue(struct stream_connection *c, uint8_t place, struct bytes octets);
/* Writes what waits, or ends it. */
void stream_connection_flush(struct stream_connection *c);
/* What an errno value of its socket means. */
void stream_connection_close(struct stream_connection *c, enum stream_end why, int error);
void stream_connection_expired(struct stream_connection *c, uint64_t now_ns);
/* Its deadline may have come nearer. */
uint64_t stream_target_hash(const struct transport_stream *t, const struct sip_hop *hop);

/* ---- transport_stream.c ---- */
/* Asks for a flush of the round. */
void stream_ask_flush(struct stream_connection *c);

/* ---- stream_connection.c ---- */
void stream_metrics_register(struct transport_stream *t);
static inline void stream_count(const struct transport_stream *t, enum stream_metric metric)
{
	metric_add(t->metrics[metric], 1);
}

/* ---- stream_connection.c ---- */
/* A connection is in a list once at most. */
void stream_list_add(const struct transport_stream *t, struct stream_list *l, pool_handle h);
/* Those that are gone give their places to others. */
void stream_list_compact(const struct transport_stream *t, struct stream_list *l);

/* ---- transport_stream.c ---- */

/* ---- stream_connection.c ---- */
/* False: none, and that is counted. */
bool stream_has_room(struct transport_stream *t, const struct sip_hop *hop);
void stream_connection_trust(struct stream_connection *c);

/* ---- stream_connection.c ---- */
/* Whether that address may begin one more; it has begun it then. */
bool stream_handshake_may(struct transport_stream *t, const struct sip_hop *hop, uint64_t now_ns);
/* Continues those with their turn, some at a time; the next at next_ns (UINT64_MAX: none waits). */
void stream_handshakes_go(struct transport_stream *t, uint64_t now_ns);
uint64_t stream_handshakes_next_ns(const struct transport_stream *t);

/* ---- transport_stream.c ---- */
/* Bound and listening, or -errno. */
int stream_listen(const struct addr *bind, uint8_t dscp, struct addr *bound);
/* On its way to the peer, or -errno. */
int stream_connect(const struct addr *from, const struct addr *to, uint8_t dscp);
/* What an accepted or connected socket needs. */
void stream_socket_setup(int fd, const struct addr *remote, uint8_t dscp, uint64_t patience_ns);
/* When it is closed, or its process ends, the kernel drops it at once (RFC 9293 3.10.4, abort).
 * Else it waits for the peer, and then for a minute: if the address returns meanwhile, a connection
 * of another node from the same port would meet the waiting one, and neither continue nor end. */
void stream_socket_leaves_nothing(int fd, bool nothing);

#endif
