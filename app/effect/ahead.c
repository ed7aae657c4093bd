/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of bound sockets by port. node_shard.c binds the sockets of all flows of a shard before
 * its hand-over, so that the pause in media is short; effects.c takes them when the flows open.
 * The process that binds a port must be the only one: a pair that does not fit its flow is closed
 * first.
 */

#include "app/effect/ahead.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/engine.h"

enum { PREBOUND_FIRST = 64 };

int prebound_open(struct ahead *a, uint32_t most)
{
	*a = (struct ahead){ 0 };
	return table_open(&a->by_port, most);
}

/* The ports are our own, so no attacker chooses the keys. */
static uint64_t port_hash(const struct addr *rtp)
{
	return rtp->port * UINT64_C(0x9e3779b97f4a7c15);
}

static struct prebound_pair *prebound_find(const struct ahead *a, const struct addr *rtp)
{
	uint64_t value;
	uint32_t cursor = 0;

	while (a->left && (value = table_next(&a->by_port, port_hash(rtp), &cursor)) != 0) {
		if (addr_eq(&a->list[value - 1].rtp, rtp))
			return &a->list[value - 1];
	}
	return NULL;
}

static bool prebound_grow(struct ahead *a)
{
	uint32_t more = a->capacity ? 2 * a->capacity : PREBOUND_FIRST;
	struct prebound_pair *list;

	if (a->count < a->capacity)
		return true;
	list = reallocarray(a->list, more, sizeof(*list));
	if (!list)
		return false;
	a->list = list;
	a->capacity = more;
	return true;
}

static void pair_close(struct prebound_pair *p)
{
	for (uint32_t i = 0; i < COUNT_OF(p->fd); i++) {
		if (p->fd[i] >= 0)
			(void)close(p->fd[i]);
		p->fd[i] = -1;
	}
}

void prebound_bind(struct ahead *a, const struct addr *rtp, const struct addr *rtcp, uint8_t dscp)
{
	struct prebound_pair p = { .rtp = *rtp, .rtcp = *rtcp, .dscp = dscp, .fd = { -1, -1 } };

	if (prebound_find(a, rtp) || !prebound_grow(a) ||
	    engine_prebind(rtp, rtcp, dscp, &p.fd[0], &p.fd[1]))
		return;
	if (table_put(&a->by_port, port_hash(rtp), a->count + 1)) {
		pair_close(&p);
		return;
	}
	a->list[a->count++] = p;
	a->left++;
}

static struct prebound_pair *prebound_fit(const struct ahead *a, const struct addr *rtp,
					  const struct addr *rtcp, uint8_t dscp)
{
	struct prebound_pair *p = prebound_find(a, rtp);
	bool fits = p && p->fd[0] >= 0 && p->dscp == dscp && p->rtcp.family == rtcp->family &&
		    addr_eq(&p->rtcp, rtcp);

	return fits ? p : NULL;
}

bool prebound_has(const struct ahead *a, const struct addr *rtp, const struct addr *rtcp,
		  uint8_t dscp)
{
	return prebound_fit(a, rtp, rtcp, dscp) != NULL;
}

bool prebound_pop(struct ahead *a, const struct addr *rtp, const struct addr *rtcp, uint8_t dscp,
		  int fd[2])
{
	struct prebound_pair *p = prebound_find(a, rtp);
	bool fits = prebound_fit(a, rtp, rtcp, dscp) != NULL;

	if (!p || p->fd[0] < 0)
		return false;
	if (!fits)
		pair_close(p); /* the next bind must be alone */
	for (uint32_t i = 0; i < COUNT_OF(p->fd); i++) {
		fd[i] = p->fd[i];
		p->fd[i] = -1;
	}
	a->left--;
	return fits;
}

void prebound_close(struct ahead *a)
{
	for (uint32_t i = 0; i < a->count; i++)
		pair_close(&a->list[i]);
	free(a->list);
	table_close(&a->by_port);
	*a = (struct ahead){ 0 };
}
