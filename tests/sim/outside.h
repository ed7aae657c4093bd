/* SPDX-License-Identifier: Apache-2.0 */
/* Trunks of a story: phones that are asked as servers for a number outside, the one with the lowest index first. */
#ifndef TESTS_SIM_OUTSIDE_H
#define TESTS_SIM_OUTSIDE_H

#include "sig/sip/message.h"

struct node;
struct node_shard;
struct phone;
struct sim;

#define OUTSIDE_ROOM "Room of the story"
enum { OUTSIDE_LOCATION = 2 };

/* Of a node, behind its tenants; and before those are closed. */
void outside_open(struct node *n);
void outside_close(struct node *n);
/* Servers of trunks are told where help is wanted, whoever was killed meanwhile. */
void check_located(struct sim *s, const struct phone *p, const struct sip_message *invite);
/* A shard comes to the node: what was known of what its calls outside have cost is forgotten, and what the store knows counts. */
void outside_forget(struct node *n, const struct node_shard *shard);
void outside_spend(struct node *n, const struct node_shard *shard);
/* Whether all that was charged was given back, and what is over is known to the store. */
void outside_check(const struct node *n);

#endif
