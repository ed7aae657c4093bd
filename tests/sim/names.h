/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names in small: some phones register at one. What a name server says comes late, or never, or leads nowhere; of two places the first may be
 * dead. What is known is a node's own, and does not outlive it.
 */
#ifndef TESTS_SIM_NAMES_H
#define TESTS_SIM_NAMES_H

#include "sig/shard/shard.h"
#include "tests/sim/node.h"
#include "tests/sim/phone.h"

enum names_way {
	NAMES_LATE, /* first of all: what a story says that says nothing */
	NAMES_SILENT,
	NAMES_NOTHING,
	NAMES_FAILED
};

struct names_known {
	enum lookup_state state;
	bool dead; /* the first place is */
	uint32_t incarnation;
	uint64_t until_ns;
};

struct names {
	struct rand_source rand;
	struct names_known known[NODES_MAX][PHONES_MAX];
	uint64_t blocked_ns[NODES_MAX]; /* the dead place is tried last until then */
};

/* Which phones are at a name, where nothing says so. Before they are open. */
void names_start(struct sim *s);
/* In place of its address, in Contact of REGISTER. */
const char *names_contact(const struct phone *p, char out[ADDR_TEXT_MAX]);
struct shard_lookup names_host(struct node *n);
/* EFFECT_LOOKUP. */
void names_lookup(struct node *n, const struct effect *e);
/* That of one of the phones. */
bool names_is_name(struct bytes host);
/* A place where nobody is, and whose host says so. */
bool names_is_dead(const struct addr *to);

#endif
