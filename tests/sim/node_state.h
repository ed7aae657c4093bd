/* SPDX-License-Identifier: Apache-2.0 */
/* Private to node*.c. */
#ifndef TESTS_SIM_NODE_STATE_H
#define TESTS_SIM_NODE_STATE_H

#include "tests/sim/node.h"

#define NODE_BOOT0_NS (1000 * NS_PER_S)
#define NODE_NO_TIMER UINT64_MAX
#define NODE_APART_NS (777777 * NS_PER_MS)

/* After each call of a shard, or of the locations: their effects are carried out, on which the node may die. */
void node_carry(struct node *n);
/* Those of a shard that is lost, which are no words. */
void node_carry_last(struct node *n, const struct node_shard *shard);
void node_crash(struct node *n);
/* EFFECT_PLAY */
void node_play(struct node *n, const struct effect *e);
/* EFFECT_ROOM_OPEN */
void node_play_room(struct node *n, const struct effect *e);
void node_mixes(struct node *n, const struct effect *e);
/* EFFECT_CONFERENCE */
void node_confers(struct node *n, const struct effect *e);
/* A call waits for the application of its extension. */
void node_application_told(struct sim *s, uint64_t call);

/* ---- node_take.c: shards that go to other nodes (sim.floats) ---- */
/* Who has which at the beginning. */
void node_owners_begin(struct sim *s);
/* The node is dead: others take its shards. */
void node_vacate(struct node *n);
/* It is back: what nobody has taken is its own, and what is at home here is handed back a little later. */
void node_come_home(struct node *n);
/* Its lease is past, and another node takes it. */
void node_lapse(struct node *n, struct node_shard *shard);
/* From now on it is this node's. */
void node_take(struct node *n, uint32_t place, uint32_t epoch);
/* What it has of this node is given back, and it says nothing. */
void node_shard_end(struct node *n, struct node_shard *shard);
/* It may speak again, and hears that something was withheld. */
void node_shard_speaks(struct node *n, struct node_shard *shard);

/* ---- node_lease.c: the same by leases ---- */
void node_lease_start(struct node *n);
void node_lease_crash(struct node *n);

/* ---- node.c ---- */
void node_shard_open(struct node *n, struct node_shard *shard);
/* What the store has of it goes on. */
void node_shard_restore(struct node *n, struct node_shard *shard);

/* ---- node_shards.c ---- */
/* What they have together; before they are opened. */
void node_shards_open(struct node *n);
void node_shards_close(struct node *n);
/* NULL: of one that is not here, or is lost. */
struct shard *node_core_of_message(struct node *n, const struct sip_hop *from,
				   struct bytes message);
/* EFFECT_SEND over SIP_INTER_SHARD. */
void node_cell_say(struct node *n, const struct node_shard *shard, const struct request_send *e);
/* What they said to each other arrives. False: nothing did. */
bool node_cells_hear(struct node *n);
struct node_shard *node_shard_of(struct node *n, uint16_t number); /* NULL: none of its */
/* NULL: of one that is not here. */
struct shard *node_core_of_parsed(struct node *n, const struct sip_message *m);

/* ---- node_events.c ---- */
/* It hears no more: what is said now is said again to its successor. */
bool node_is_leaving(const struct node *n, const struct shard *core);

/* ---- node_link.c: what nodes hand to each other (link.h) ---- */
/* A process begins; its shards' shared_tables are open; it is over. */
void node_link_begin(struct node *n);
void node_link_open(struct node *n);
void node_link_close(struct node *n);
/* A message comes to an address of the node. */
void node_link_receive(struct node *n, const struct sip_hop *from, struct bytes message);
/* True: it is for a phone that another node reaches. */
bool node_link_says(struct node *n, const struct sip_hop *hop, struct bytes message);
/* Of a shard here to one that is not: as node_edge_inter_shard. */
int node_link_inter_shard(struct node *n, uint16_t from, uint16_t shard, struct bytes message);
/* Another node is asked with whom a call is to be joined; node_far_told answers. False: nobody can be asked. */
bool node_link_asks(struct node *n, uint64_t order, const struct shard_join *join);
/* What the shards tell other nodes of who is watched. */
void node_link_flush(struct node *n);

/* ---- node_orders.c ---- */
struct remote_joined;
/* told: NULL: it did not answer in time. What comes of it is to be carried. */
void node_far_told(struct node *n, uint64_t order, const struct remote_joined *told);

#endif
