/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose UDP port is it? Local address + port -> slot and channel, in a flat table: two loads and no hash. For ports that take
 * packets below the kernel's sockets. Workers may share one: any of them finds, and each adds and deletes what is its own.
 */
#ifndef ENGINE_LOCALS_H
#define ENGINE_LOCALS_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/addr.h"

enum {
	LOCALS_MAX = 64, /* addresses */
	LOCAL_PORTS = 1 << 16,
};

struct local {
	uint32_t slot;
	uint8_t channel; /* enum channel */
	uint8_t worker;
};

struct locals {
	pthread_mutex_t lock; /* for the addresses; finding takes none */
	atomic_uint count;
	struct addr list[LOCALS_MAX];
	atomic_uint *ports[LOCALS_MAX]; /* LOCAL_PORTS each; 0: nobody's */
};

void locals_open(struct locals *l);
void locals_close(struct locals *l);
/* 0, -EADDRINUSE (another's), -ENOSPC (too many addresses) or -ENOMEM. */
int locals_add(struct locals *l, const struct addr *at, const struct local *who) NODISCARD;
void locals_del(struct locals *l, const struct addr *at);
bool locals_find(const struct locals *l, const struct addr *at, struct local *out);
/* Did any port of this address ever belong to us? */
bool locals_has_ip(const struct locals *l, const struct addr *at);

#endif
