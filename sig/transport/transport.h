/* SPDX-License-Identifier: Apache-2.0 */
/* SIP transport: one interface for UDP (transport_udp), TCP and TLS (transport_stream), and
 * WebSockets (a provider), on the control loop. Messages sent wait until transport_flush. One
 * thread, the loop's. */
#ifndef SIG_TRANSPORT_TRANSPORT_H
#define SIG_TRANSPORT_TRANSPORT_H

#include "sig/sip/message.h"
#include "sig/sip/stream_rate.h"

struct guard;
struct hop_names;
struct tls;
struct transport;
struct validity;

enum { SIP_LISTENERS_MAX = 64 };

/* A datagram or a whole message of a connection came in; it is valid during the call. from.local is
 * the index into the listeners. */
typedef void transport_receive_fn(const struct sip_hop *from, struct bytes message, void *arg);
/* Sending failed: an ICMP error, a refusal by our own kernel, a connection that could not be made.
 * error: a positive errno value. For UDP a peer can forge little: the kernel has matched it with
 * our address and the peer's, not with a datagram. ENOTCONN: the party is reached only once it
 * connects to us. EKEYREJECTED and others of tls_error_name: wrong certificate. */
typedef void transport_error_fn(const struct sip_hop *to, int error, void *arg);
/* A connection that carried messages is gone, and what was queued on it. */
typedef void transport_closed_fn(const struct sip_hop *hop, void *arg);

/* A connection from there was refused for its certificate; detail: why, in a word. */
typedef void transport_refused_fn(const struct sip_hop *hop, const char *detail, void *arg);

struct transport_handlers {
	transport_receive_fn *receive;
	transport_error_fn *error;
	transport_closed_fn *closed;
	void *arg;
	transport_refused_fn *refused; /* NULL: not reported */
};

struct transport_listener {
	enum sip_transport transport;
	struct addr bind; /* port 0: a free one (tests) */
	bool later;       /* not listening before transport_listen */
};

struct transport_limits {
	uint32_t connections; /* at once, 1 at least */
	uint32_t connections_per_source;
	uint64_t idle_ns; /* without a word from a peer that is trusted */
	/* For a connect, a handshake, a first message, the rest of a message, a peer that does not
	 * read, and the silence of one that is not trusted. */
	uint64_t patience_ns;
	/* Limits on TLS handshakes: one costs as much as hundreds of messages. Beyond the first,
	 * connections wait for their turn; beyond the second they are rejected (IPv6: by /64). */
	struct stream_rate handshakes, handshakes_per_source;
};

struct transport_settings {
	const struct transport_listener *listeners;
	uint32_t count;
	uint8_t dscp; /* 0..63 */
	struct transport_limits limits;
	/* borrowed; NULL: no TLS listener, and no outgoing TLS */
	struct tls *tls;
	const struct hop_names *names; /* of hops; borrowed; NULL: no hop has one */
	struct guard *guard;           /* for UDP; borrowed; NULL: no filtering */
	struct validity *validity;     /* of shards; borrowed; NULL: all may send */
	int filter_fd; /* a program of the kernel's that judges as the guard does; 0: none */
};

/* WebSockets have a thread of their own: the provider takes what is sent, and calls the handlers on
 * the loop's thread. Names of connections are then the provider's: bit 63 distinguishes them from
 * those of transport_stream. */
struct transport_provider {
	/* As transport_send_for: queues a copy on hop.connection. */
	int (*send)(void *arg, uint8_t place, const struct sip_hop *hop, struct bytes message);
	/* As transport_trust; again and again. */
	void (*trust)(void *arg, const struct sip_hop *hop);
	void (*flush)(void *arg);
	uint32_t (*connections)(const void *arg, enum sip_transport transport);
	void *arg;
};
#define TRANSPORT_PROVIDED (UINT64_C(1) << 63)

/* Sends on connections of other processes (hop.h), and from UDP listeners that are not bound here:
 * as transport_send_for. Later failures are reported by handlers.error. */
struct transport_edge {
	int (*send)(void *arg, uint8_t place, const struct sip_hop *hop, struct bytes message);
	void *arg;
};

/* Binds all or none; listeners of WebSockets are the provider's. 0 or -errno. The loop is open. */
int transport_open(struct transport **out, const struct transport_settings *settings,
		   const struct transport_handlers *handlers) NODISCARD;
/* Binds that listener, where it is not bound yet. 0 or -errno. */
int transport_listen(struct transport *t, uint32_t local) NODISCARD;
/* Stops listening there, closes its connections, and drops what waits to be sent from there. */
void transport_unlisten(struct transport *t, uint32_t local);
/* From now on; NULL: none. Without one all that is sent over WebSockets is -ENOTCONN. */
void transport_provide(struct transport *t, const struct transport_provider *web);
/* The same for connections of other processes. */
void transport_provide_edge(struct transport *t, const struct transport_edge *edge);
/* Not from within a callback; what was queued is offered to the kernel once more. NULL is fine. */
void transport_close(struct transport *t);
/* Queues a copy: over hop.connection while that lives, else over one that is opened to hop.remote.
 * Returns 0, -ENOBUFS (queue full), -EMSGSIZE, -ENOENT (no such listener), -ENOTCONN (the
 * connection is gone, and the party does not listen), -EMFILE (connections full), or an error of
 * connect(2); the failure is counted. */
int transport_send(struct transport *t, const struct sip_hop *hop, struct bytes message);
/* The same for the shard of that place: dropped if its lease ends before the message has begun to
 * leave. What has begun over a connection is finished, as the connection is the node's. */
int transport_send_for(struct transport *t, uint8_t place, const struct sip_hop *hop,
		       struct bytes message);
/* The peer of that connection is authenticated, or need not be: strangers do not displace it any
 * more, and it may be silent for longer. So it is with connections used for a request of ours. Over
 * UDP its address and port become known to the guard; peer: as a trusted one. No effect on closed
 * ones. */
void transport_trust(struct transport *t, const struct sip_hop *hop, bool peer);
/* The peer of that connection has a verified certificate for that domain (RFC 5922 7). Returns
 * false if it is closed. */
bool transport_is_certified(const struct transport *t, const struct sip_hop *hop,
			    const char *domain);
/* Hands the queues to the kernel; what it does not take now goes when it can. Call once per round
 * of the loop. */
void transport_flush(struct transport *t);
/* Time-outs of connections: call transport_expire at transport_next_ns (UINT64_MAX: none). */
uint64_t transport_next_ns(const struct transport *t);
void transport_expire(struct transport *t, uint64_t now_ns);
/* While a datagram is delivered: since when input could not all be read; 0: all was read. Unknown
 * for connections. */
uint64_t transport_behind_since_ns(const struct transport *t);
/* The address listener `local` is bound to. */
const struct addr *transport_bound(const struct transport *t, uint32_t local);
/* Connections that exist now, over that transport. */
uint32_t transport_connections(const struct transport *t, enum sip_transport transport);

/* STUN binding as a keepalive on the SIP port (RFC 5626 3.5.2 and 8, RFC 8489). */
enum { STUN_ANSWER_MAX = 128 };

/* The answer to a binding request from source. 0, or -EBADMSG: none is due. */
int stun_answer(struct writer *w, struct bytes request, const struct addr *source) NODISCARD;

#endif
