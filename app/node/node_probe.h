/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OPTIONS probes of trunk servers (sig/host/probe.h), once for all shards of the node: to each
 * address that a server's name resolves to. A server is up while one of them answers. Control
 * thread.
 */
#ifndef APP_NODE_NODE_PROBE_H
#define APP_NODE_NODE_PROBE_H

#include "sig/sip/message.h"

struct node;
struct effect;
struct node_probes;
struct resolver;
struct shard_lookup;

struct node_dns {
	struct resolver *resolver;  /* NULL: not open yet */
	struct node_probes *probes; /* the same */
};

void node_probe_setup(void); /* registers the metrics; main thread, once */
/* 0 or -ENOMEM. */
int node_probe_open(struct node *n) NODISCARD;
void node_probe_close(struct node *n);
/* The settings, or the certificate, have changed. */
void node_probe_configure(struct node *n);
/* True: it answers one of our probes. */
bool node_probe_takes(struct node *n, const struct sip_hop *from, struct bytes message);
void node_probe_failed(struct node *n, const struct sip_hop *to, int error);
void node_probe_expire(struct node *n, uint64_t now_ns);
uint64_t node_probe_next_ns(const struct node *n);

/* All addresses of the server failed a moment ago: for so many seconds others are tried first.
 * 0: one has not. */
uint32_t node_probe_blocked_s(const struct node *n, uint16_t trunk, uint8_t server,
			      uint64_t now_ns);

/* DNS. 0 or -errno. */
int node_dns_open(struct node *n) NODISCARD;
/* SIGHUP: the servers; what is known stays known. */
void node_dns_configure(struct node *n);
/* For shards, which are closed before it. */
struct shard_lookup node_dns_of(struct node *n);
/* EFFECT_LOOKUP, EFFECT_LOOKUP_STOP. */
void node_dns_look_up(const struct effect *lookup, void *arg);
/* Some outcomes to the shards of their calls; the rest in the next round (resolver_next_ns). */
void node_dns_feed(struct node *n);

#endif
