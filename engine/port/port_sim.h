/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A port without a network: packets are injected and taken out by calls, time is set by the test,
 * losses come from a seed. For tests, and for benches with more calls than sockets allow.
 */
#ifndef ENGINE_PORT_PORT_SIM_H
#define ENGINE_PORT_PORT_SIM_H

#include "base/rand.h"
#include "engine/port/port.h"

enum { SIM_QUEUE = 256 }; /* packets that wait in either direction; a power of two */
enum { SIM_STAMPED = 2 };

struct sim_packet {
	uint32_t slot;
	enum channel channel;
	struct addr remote; /* source, or destination */
	uint16_t length;
	uint32_t age_us;
	uint8_t made; /* 1: of one sent: it was made here, not received */
	uint8_t dscp; /* of a packet sent over another slot, which is `slot` here; else 0 */
	uint8_t data[PACKET_MAX];
};

struct sim_over {
	uint32_t slot; /* + 1; 0: by its own socket */
	uint8_t dscp;
};

struct sim_port {
	struct port port;
	uint64_t now_ns;
	uint32_t age_us;         /* of the packets that are put, where their slot is stamped */
	uint32_t loss_per_mille; /* of the packets that arrive */
	bool refuses_flows;      /* flow_add answers -EIO */
	/* No checksums, for speed; otherwise a stage that forgets to clear tail_known is found. */
	bool unchecked;
	/* Packets are delivered in place, like from a card: put no more before they have left. */
	bool in_place;
	bool discards;           /* sent packets are counted, and not stored */
	struct port_fault fault; /* error 0: no fault */
	struct rand_source rand;
	uint64_t lost, unheard, lent, sent, forgotten;
	uint8_t *flows; /* per slot: 0: not in use, SIM_STAMPED: packets have their age */
	/* Per slot: the party of the connected RTP socket; ADDR_NONE: not connected. */
	struct addr *connected;
	struct sim_over *over; /* per slot */
	uint32_t slots;
	/* Packets on their way through the stages: a buffer that stays out is a leak. */
	uint32_t buffers_out;
	uint32_t in_head, in_tail, out_head, out_tail;
	struct sim_packet in[SIM_QUEUE], out[SIM_QUEUE];
	/* own: for packets that are made here. */
	struct sim_packet buffers[BATCH_MAX], own[BATCH_MAX];
	uint32_t own_used;
};

/* 0 or -ENOMEM. The test keeps the pointer; port.ops->close frees it. */
int port_sim_open(struct sim_port **out, uint32_t slots, uint64_t now_ns, uint64_t seed) NODISCARD;
/* False: the queue is full. */
bool port_sim_put(struct sim_port *s, uint32_t slot, enum channel c, const struct addr *from,
		  struct bytes payload);
/* The oldest sent packet; NULL: no packet. Valid until the next call. */
const struct sim_packet *port_sim_sent(struct sim_port *s);

#endif
