/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single-port mode: one socket for all flows of a worker on a network. A check names its flow by our ufrag, all else by the party's
 * address, which a check has proven. The port knows these sockets as the slots behind those of the flows.
 */
#ifndef ENGINE_WORKER_SHARED_H
#define ENGINE_WORKER_SHARED_H

#include "base/rand.h"
#include "base/table.h"
#include "engine/ice/ice.h"

enum { SHARED_PORTS_MAX = 16 };

struct worker;
struct flow;
struct ice_pair;

/* Chains of the two tables, in each transport: nothing is allocated when a pair comes or goes. Entries count from 1; 0 is the end. */
struct shared_links {
	uint32_t by_ufrag;
	uint32_t by_party[ICE_PAIRS_MAX];
	uint8_t listed; /* 1: under its ufrag */
	uint8_t port;   /* index into shared.local */
};

struct shared {
	uint32_t *ufrags;  /* slot + 1 */
	uint32_t *parties; /* slot * ICE_PAIRS_MAX + pair + 1 */
	uint32_t mask;     /* of both */
	uint32_t count;    /* ports that may be */
	uint32_t first;    /* slot of the port */
	struct hash_key key;
	struct addr local[SHARED_PORTS_MAX]; /* ADDR_NONE: not there */
	uint8_t dscp[SHARED_PORTS_MAX];      /* of their sockets */
};

/* ports: at most SHARED_PORTS_MAX; with 0 no memory is taken. 0 or -ENOMEM. */
int shared_open(struct shared *s, uint32_t slots, uint32_t ports, struct rand_source *r) NODISCARD;
void shared_close(struct shared *s);
/* Takes the socket. 0 or -errno: then it is still the caller's. */
int shared_port_add(struct worker *w, uint32_t port, int fd) NODISCARD;
/* 0 with *port, or -ENODEV. */
int shared_port_find(const struct shared *s, const struct addr *local, uint8_t *port) NODISCARD;

void shared_ufrag_add(struct worker *w, const struct flow *f);
void shared_ufrag_del(struct worker *w, const struct flow *f);
void shared_party_add(struct worker *w, const struct flow *f, const struct ice_pair *pair);
void shared_party_del(struct worker *w, const struct flow *f, const struct ice_pair *pair);
/* The flow on this port that the address is proven for; NULL: none. */
struct flow *shared_party_find(const struct worker *w, uint8_t port, const struct addr *party);

/* Which flows the packets of shared ports are for. Drops: no_flow. Before any stage that reads pkt.slot. */
void shared_stage(struct worker *w, struct batch *b);

#endif
