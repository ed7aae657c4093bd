/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another tenant of the node, with the numbers of all phones and with phones of its own, which nobody may ever reach: equal numbers of two
 * tenants never meet. In half of these runs the phones that play are of a tenant of their own, and the others of the default one.
 */
#ifndef TESTS_SIM_DECOYS_H
#define TESTS_SIM_DECOYS_H

#include "base/addr.h"
#include "sig/host/effect.h"

struct sim;
struct node;
struct shard;

/* Whether a seed has any, and whose its phones are then. */
void decoys_begin(struct sim *s);
/* The phones that play are not of the default tenant. */
bool decoys_acme_plays(void);
/* Their tenant, as its document says now. */
void decoys_tenant_put(struct node *n);
/* The node's tenants, before its shard is opened; and after that was closed. */
void decoys_open(struct node *n);
void decoys_close(struct node *n);
/* Their extensions. */
void decoys_put(const struct node *n, struct shard *core);
/* Their phones are registered, unless the store has them. */
void decoys_bind(struct node *n);
/* ---- checks ---- */
void decoys_not_sent(struct sim *s, const struct addr *to);
/* Whatever names a tenant: not the other one, but for its registrations. */
void decoys_not_named(struct node *n, const struct effect *e);

#endif
