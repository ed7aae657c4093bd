/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel dropped before any port saw it, for the whole host (network namespace): strangers
 * at a connected socket, packets for unused ports, full receive buffers. Together with the drops of
 * the stages every packet is counted.
 */
#ifndef ENGINE_NET_HOST_UDP_H
#define ENGINE_NET_HOST_UDP_H

#include "base/bytes.h"
#include "base/metric.h"

/* IPv4 and IPv6 together, since the host started. */
struct host_udp {
	uint64_t no_ports, receive_buffer_errors;
};

struct host_udp_metrics {
	metric_id no_ports, receive_buffer_errors;
	struct host_udp seen; /* by the last update */
	bool started;
};

/* Adds the counters of a text like /proc/net/snmp: a line of names and one of numbers. */
void host_udp_read_snmp(struct host_udp *h, struct bytes text);
/* The same of /proc/net/snmp6: a name and a number a line. */
void host_udp_read_snmp6(struct host_udp *h, struct bytes text);

void host_udp_register(struct host_udp_metrics *m);
/* Reads both files and counts what was added since the first update. Not in packet time. */
void host_udp_update(struct host_udp_metrics *m);

/* ICMP errors about a UDP socket's packets, by its error queue (IP_RECVERR): port unreachable, no
 * route, too long for the path. Also for an unconnected socket, and for packets that left by a port
 * below the kernel. */

/* Enables the error queue. It must be read from then on, or the socket counts as readable for
 * ever. */
void icmp_listen(int fd, bool v6);
/* Empties the queue and returns the number of errors; sets *too_long, never clears it, for an error
 * about a path's MTU. */
uint32_t icmp_read(int fd, bool *too_long);
/* Whether this -errno of a call may be an error reported by ICMP: the call itself can be
 * repeated. */
bool icmp_is(int err);

#endif
