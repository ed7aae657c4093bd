/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a WebRTC flow has beside its socket: ICE (ice.h), flows bundled with it (RFC 9143), a port
 * shared by many. Its latch is the pair selected by ICE. One entry per slot, in use if
 * flow.transport is not 0; ordinary flows touch none of it.
 */
#ifndef ENGINE_WORKER_FLOW_TRANSPORT_H
#define ENGINE_WORKER_FLOW_TRANSPORT_H

#include "base/rand.h"
#include "base/table.h"
#include "engine/ice/ice.h"
#include "engine/worker/flow.h"

/* Single-port mode: one socket for all flows of a worker on a network. A check names its flow by
 * our ufrag, other packets by the party's address, which a check has proven. The port has these
 * sockets as the slots behind those of the flows. */

enum { SHARED_PORTS_MAX = 16 };

struct worker;
struct flow;
struct ice_pair;

/* Chains of the two tables, in each transport: nothing is allocated when a pair comes or goes.
 * Entries count from 1; 0 is the end. */
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

/* Takes the socket. 0 or -errno: then it is still the caller's. */
int shared_port_add(struct worker *w, uint32_t port, int fd) NODISCARD;

/* Finds the flows of packets on shared ports. Drops: no_flow. Before any stage that reads
 * pkt.slot. */
void shared_stage(struct worker *w, struct batch *b);

struct feedback;
struct worker;

/* Of flow.transport. */
enum {
	TRANSPORT_ICE = 1,     /* accepts pairs only */
	TRANSPORT_BUNDLED = 2, /* is reached by the transport of another flow */
	TRANSPORT_SHARED = 4,  /* has no socket of its own, but the worker's */
	TRANSPORT_BARE = 8,    /* bundled, and never had a socket */
	TRANSPORT_CC = 16,     /* numbers its packets: feedback.h */
	TRANSPORT_PAIRS = TRANSPORT_ICE | TRANSPORT_BUNDLED,
	TRANSPORT_NO_SOCKET = TRANSPORT_SHARED | TRANSPORT_BARE,
};

enum { BUNDLED_MAX = MEDIA_LINES_MAX - 1, MID_MAX = 16 };

struct flow_transport {
	struct ice ice;
	struct flow_id bundled[BUNDLED_MAX]; /* generation 0: free */
	/* of a flow in a bundle, the owner or not */
	struct flow_id owner; /* generation 0: own transport */
	uint8_t mid_extension, mid_length;
	char mid[MID_MAX];
	uint8_t cc_extension;      /* with TRANSPORT_CC */
	struct feedback *feedback; /* of the owner; NULL: not used */
	struct shared_links links;
};

struct flow_transports {
	struct flow_transport *list; /* by slot */
	uint32_t capacity;
	uint32_t count;    /* flows with flow.transport */
	uint32_t bundled;  /* flows with TRANSPORT_BUNDLED */
	uint32_t refusals; /* error responses to strangers since the last tick */
	struct shared shared;
};

/* 0 or -ENOMEM. */
int flow_transports_open(struct flow_transports *t, uint32_t capacity, uint32_t shared_ports,
			 struct rand_source *r) NODISCARD;
void flow_transports_close(struct flow_transports *t);

/* Of a flow just opened. bare: it came without a socket. Returns 0, -EINVAL (its bundle's owner is
 * missing, or has a flow with its SSRC) or -ENODEV (no shared port has its local address); then it
 * has no transport. */
int flow_transport_open(struct worker *w, struct flow *f, const struct flow_spec *spec,
			bool bare) NODISCARD;
/* Of a flow just updated. The same errors; it receives nothing then. */
int flow_transport_update(struct worker *w, struct flow *f, const struct flow_spec *spec) NODISCARD;
/* Before flow_close. The flows bundled with it can neither receive nor send from here on. */
void flow_transport_close(struct worker *w, struct flow *f);
/* Consent that ended. */
void flow_transport_tick(struct worker *w, struct flow *f, uint64_t now_ns);

/* The transport's part of a flow's statistics: of its own, or its bundle's. */
void flow_transport_report(const struct worker *w, const struct flow *f, struct media_event *out);

/* An authentic check for this flow. False: the address is another flow's, on a shared port. */
bool flow_transport_checked(struct worker *w, struct flow *f, const struct pkt *p,
			    const struct ice_check *check, uint64_t now_ns);

/* Where a WebRTC flow sends to: the pair selected by ICE (RFC 8445 8.2) becomes its latch, and that
 * of flows bundled with it. The worker's thread. */

static inline bool flow_is_shared(const struct flow *f)
{
	return f->transport & TRANSPORT_SHARED;
}

/* Only this flow, to the pair selected by ICE. */
void flow_pair_follow(struct flow *f, const struct ice *i, uint64_t now_ns);

/* The socket and DSCP of a flow with a transport: if many flows share a socket each keeps its own
 * DSCP (RFC 8837 5). Other flows have a marked socket of their own. */

/* By the socket of the owner of its transport, which may be itself. */
void flow_mark_start(struct worker *w, struct flow *f, const struct flow *owner);
/* By its own again. */
void flow_mark_end(struct worker *w, struct flow *f);

#endif
