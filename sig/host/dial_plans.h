/* SPDX-License-Identifier: Apache-2.0 */
/* The dial plans of a node's tenants (sig/dial/dial.h). One table for all its shards; one thread. */
#ifndef SIG_HOST_DIAL_PLANS_H
#define SIG_HOST_DIAL_PLANS_H

#include "sig/dial/dial.h"
#include "sig/host/tenant.h"

struct dial_plans;

/* 0 or -ENOMEM. The tenants are there for longer. */
int dial_plans_open(struct dial_plans **out, struct tenants *tenants) NODISCARD;
void dial_plans_close(struct dial_plans *x); /* NULL is fine */
/* 0 or -ENOMEM. */
int dial_plans_put(struct dial_plans *x, uint16_t tenant, const struct dial_plan *plan) NODISCARD;
void dial_plans_delete(struct dial_plans *x, uint16_t tenant);
/* Its own, or g_dial_plan_default. Never NULL; x NULL: no tenant has one. */
const struct dial_plan *dial_plans_of(const struct dial_plans *x, uint16_t tenant);
/* Some tenant's plan may have it among its emergency numbers: it is looked at as a whole. x NULL: none has any. */
bool dial_plans_may_help(const struct dial_plans *x, struct bytes number);

#endif
