/* SPDX-License-Identifier: Apache-2.0 */
/* Flow programs in memory: one table for all shards of a node, of its control thread. No socket, no
 * Redis. */
#ifndef SIG_HOST_PROGRAMS_H
#define SIG_HOST_PROGRAMS_H

#include "sig/dial/pattern.h"
#include "sig/flow/program.h"

enum {
	PROGRAMS_MAX = 65536,   /* of all tenants together, and names of them */
	PROGRAMS_IDLE_MAX = 64, /* that neither a name means nor a call goes through: the newest */
};

/* In place of a tenant: what every tenant has that has no flow, or no number, of that name. */
#define PROGRAMS_NODE ((struct bytes){ 0 })

struct programs;
struct programs *programs_create(void); /* NULL: no memory */
void programs_free(struct programs *t); /* NULL is fine */

/* By its hash; NULL: not in memory. A pointer kept across steps needs programs_hold. */
const struct flow_program *programs_find(const struct programs *t,
					 const uint8_t hash[PROGRAM_HASH_LEN]);
/* What a name of a tenant means now, or else that of PROGRAMS_NODE; NULL: nothing. */
const struct flow_program *programs_named(const struct programs *t, struct bytes tenant,
					  struct bytes name);
/* Adds a program, or changes what a name means; name "": a one-off program. It owns p, also on
 * failure: -ENOMEM, or -ENOSPC. */
int programs_put(struct programs *t, struct bytes tenant, struct bytes name,
		 struct flow_program *p) NODISCARD;
void programs_delete(struct programs *t, struct bytes tenant, struct bytes name);
/* The flow of a tenant's number: by the number itself, the most exact pattern, or a number of
 * PROGRAMS_NODE. Empty: none. */
struct bytes programs_number(const struct programs *t, struct bytes tenant, struct bytes number);
/* Of the tenant's own numbers themselves alone. */
struct bytes programs_number_exact(const struct programs *t, struct bytes tenant,
				   struct bytes number);
/* A number of the tenant's table is a pattern (sig/dial/pattern.h): it has an x, and only digits,
 * '*', '#', '+' and '.' otherwise. */
bool programs_pattern(struct bytes number, struct pattern *out);
/* Another pattern of the tenant that some number fits, too. Empty: none. */
struct bytes programs_pattern_met(const struct programs *t, struct bytes tenant,
				  struct bytes number, const struct pattern *p);
/* All numbers themselves, *cursor 0 at first. False at the end. */
bool programs_numbers(const struct programs *t, uint32_t *cursor, struct bytes *tenant,
		      struct bytes *number, struct bytes *flow);
/* flow "": it leads to none any more. 0, -ENOSPC or -ENOMEM. */
int programs_number_put(struct programs *t, struct bytes tenant, struct bytes number,
			struct bytes flow) NODISCARD;
/* A call runs it: it stays after its name means another one, until the last call releases it. No
 * effect if it is not in memory. */
void programs_hold(struct programs *t, const uint8_t hash[PROGRAM_HASH_LEN]);
void programs_release(struct programs *t, const uint8_t hash[PROGRAM_HASH_LEN]);

#endif
