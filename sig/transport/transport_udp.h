/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The UDP sockets of the SIP listeners, on the control loop. What is sent waits until transport_udp_flush, so that a round of the loop
 * costs one system call for up to 64 datagrams each way. One thread, the loop's.
 */
#ifndef SIG_TRANSPORT_TRANSPORT_UDP_H
#define SIG_TRANSPORT_TRANSPORT_UDP_H

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
/* Queues a copy; whom a request of ours goes to is known to the guard. 0, also for an answer that a stranger is not to have; -ENOBUFS
 * (queue full: the peer retransmits), -EMSGSIZE, -ENOENT (no such listener); the failure is counted. */
int transport_udp_send(struct transport_udp *t, const struct sip_hop *hop, struct bytes datagram);
/* As transport_send_for. */
int transport_udp_send_for(struct transport_udp *t, uint8_t place, const struct sip_hop *hop,
			   struct bytes datagram);
/* Who is there is known to the guard from now on. */
void transport_udp_trust(struct transport_udp *t, const struct addr *who, bool peer);
/* Hands the queues to the kernel; what it does not take now goes when it can. Call once per round of the loop. */
void transport_udp_flush(struct transport_udp *t);
/* Since when not all that came on the socket that was read last could be read; 0: it could. */
uint64_t transport_udp_behind_since_ns(const struct transport_udp *t);
/* The address listener `local` is bound to. */
const struct addr *transport_udp_bound(const struct transport_udp *t, uint32_t local);

#endif
