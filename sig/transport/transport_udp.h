/* SPDX-License-Identifier: Apache-2.0 */
/* The UDP sockets of the SIP listeners, on the control loop. Messages sent wait until
 * transport_udp_flush, so a round of the loop costs one system call for up to 64 datagrams each
 * way. One thread, the loop's. */
#ifndef SIG_TRANSPORT_TRANSPORT_UDP_H
#define SIG_TRANSPORT_TRANSPORT_UDP_H

#include <sys/socket.h>
#include <sys/uio.h>

#include "base/metric.h"
#include "sig/transport/transport.h"

struct transport_udp;

struct transport_udp_settings {
	const struct addr *binds; /* port 0 binds to a free one (tests) */
	const bool *later;        /* by listener, as in struct transport_listener; NULL: none is */
	uint32_t count;
	uint8_t dscp;        /* 0..63 */
	struct guard *guard; /* as in struct transport_settings, and so the next */
	int filter_fd;
	struct validity *validity;
};

/* Binds all or none. 0 or -errno. The loop is open. */
int transport_udp_open(struct transport_udp **out, const struct transport_udp_settings *settings,
		       transport_receive_fn *receive, transport_error_fn *error,
		       void *arg) NODISCARD;
/* Not from within a callback. NULL is fine. */
void transport_udp_close(struct transport_udp *t);
/* As transport_listen and transport_unlisten. */
int transport_udp_listen(struct transport_udp *t, uint32_t local) NODISCARD;
void transport_udp_unlisten(struct transport_udp *t, uint32_t local);
bool transport_udp_listens(const struct transport_udp *t, uint32_t local);
/* Queues a copy; the target of a request of ours becomes known to the guard. Returns 0, also for a
 * response withheld from a stranger; -ENOBUFS (queue full: the peer retransmits), -EMSGSIZE,
 * -ENOENT (no such listener); the failure is counted. */
int transport_udp_send(struct transport_udp *t, const struct sip_hop *hop, struct bytes datagram);
/* As transport_send_for. */
int transport_udp_send_for(struct transport_udp *t, uint8_t place, const struct sip_hop *hop,
			   struct bytes datagram);
/* That address is known to the guard from now on. */
void transport_udp_trust(struct transport_udp *t, const struct addr *who, bool peer);
/* Hands the queues to the kernel; what it does not take now goes when it can. Call once per round
 * of the loop. */
void transport_udp_flush(struct transport_udp *t);
/* Since when not all that came on the socket that was read last could be read; 0: it could. */
uint64_t transport_udp_behind_since_ns(const struct transport_udp *t);
/* The address listener `local` is bound to. */
const struct addr *transport_udp_bound(const struct transport_udp *t, uint32_t local);

/* One listening socket; private to transport_udp*.c. */

enum {
	UDP_BATCH = 64,
	UDP_ROUND_BATCHES = 16,   /* then others have their turn, */
	UDP_ROUND_MS = 3,         /* or after so long: saves want their answers read in time */
	UDP_DATAGRAM_MAX = 65536, /* more than UDP can carry, so nothing is cut */
	UDP_PAYLOAD_MAX = 65507,
	UDP_QUEUE_MAX = 4096, /* datagrams waiting per socket */
	UDP_QUEUE_BYTES = 4 << 20,
	UDP_KERNEL_BUFFER = 4 << 20,
	UDP_ERRORS_PER_ROUND = 64,
	UDP_CONTROL_MAX = 64,
};

/* metric, label, help */
#define UDP_METRICS(X)                                                                        \
	X(UDP_RECEIVED, "received_total", NULL, "SIP datagrams received")                     \
	X(UDP_SENT, "sent_total", NULL, "SIP datagrams given to the kernel")                  \
	X(UDP_DROP_KERNEL, "drops_total", "reason=\"receive_buffer_full\"",                   \
	  "SIP datagrams dropped by the UDP transport")                                       \
	X(UDP_DROP_QUEUE, "drops_total", "reason=\"send_queue_full\"",                        \
	  "SIP datagrams dropped by the UDP transport")                                       \
	X(UDP_DROP_SIZE, "drops_total", "reason=\"too_large\"",                               \
	  "SIP datagrams dropped by the UDP transport")                                       \
	X(UDP_DROP_REFUSED, "drops_total", "reason=\"send_refused\"",                         \
	  "SIP datagrams dropped by the UDP transport")                                       \
	X(UDP_DROP_LISTENER, "drops_total", "reason=\"no_such_listener\"",                    \
	  "SIP datagrams dropped by the UDP transport")                                       \
	X(UDP_DROP_FENCED, "drops_total", "reason=\"fenced\"",                                \
	  "SIP datagrams dropped by the UDP transport")                                       \
	X(UDP_DROP_SOURCE, "drops_total", "reason=\"source_port_zero\"",                      \
	  "SIP datagrams dropped by the UDP transport")                                       \
	X(UDP_SEND_WAIT, "send_waits_total", NULL, "Times the kernel's send buffer was full") \
	X(UDP_ICMP, "icmp_errors_total", NULL, "ICMP errors for SIP datagrams")

#define UDP_ENUM(name, metric, label, help) name,
enum udp_metric { UDP_METRICS(UDP_ENUM) UDP_METRIC_COUNT };
#undef UDP_ENUM

struct udp_waiting {
	struct addr to;
	uint32_t offset; /* in the queue's bytes */
	uint32_t n;
	uint8_t place; /* of the sending shard, in struct validity */
};

/* First in, first out; the bytes are given back when it has run empty. */
struct udp_queue {
	struct udp_waiting *list;
	uint8_t *bytes;
	uint32_t head, count; /* list[head..count) wait */
	uint32_t used;        /* of bytes */
};

struct udp_socket {
	struct transport_udp *owner;
	struct addr wanted, bound;
	struct udp_queue queue;
	uint32_t kernel_drops; /* last value of SO_RXQ_OVFL */
	uint64_t drained_ns;   /* when all that had come was read last */
	uint16_t local;
	bool blocked; /* waits for LOOP_WRITE */
	int fd;       /* -1: not listening */
};

/* What one recvmmsg or sendmmsg works on. */
struct udp_batch {
	struct mmsghdr messages[UDP_BATCH];
	struct iovec parts[UDP_BATCH];
	struct sockaddr_storage peers[UDP_BATCH];
};

struct transport_udp {
	transport_receive_fn *receive;
	transport_error_fn *error;
	void *arg;
	struct guard *guard;       /* NULL: no filtering */
	struct validity *validity; /* NULL: all may send */
	int filter_fd;             /* 0: none */
	uint8_t dscp;
	/* of all sockets; and as far as the guard in the kernel did not request it */
	uint64_t kernel_drops, kernel_counted;
	/* UDP_BATCH * UDP_DATAGRAM_MAX; pages are touched only as far as datagrams reach */
	uint8_t *buffers;
	struct udp_batch in, out;
	_Alignas(struct cmsghdr) uint8_t controls[UDP_BATCH][UDP_CONTROL_MAX]; /* of in */
	metric_id metrics[UDP_METRIC_COUNT];
	uint64_t behind_since_ns; /* transport_udp_behind_since_ns */
	uint32_t count;
	struct udp_socket sockets[];
};

int udp_queue_open(struct udp_queue *q) NODISCARD;
void udp_queue_close(struct udp_queue *q);
/* Reads the ICMP errors and reports them. */
void udp_socket_errors(struct udp_socket *s);
void udp_socket_flush(struct udp_socket *s);
/* Asks the loop for LOOP_WRITE, or not any more. */
void udp_socket_watch(struct udp_socket *s, bool blocked);
static inline void udp_count(const struct transport_udp *t, enum udp_metric metric, uint64_t n)
{
	metric_add(t->metrics[metric], n);
}

#endif
