/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two tables of local UDP ports. `locals` maps address and port to slot and channel, for ports that
 * take packets below the kernel's sockets: two loads and no hash. `own_ports` has the media ports
 * of the whole node, so that a party which signals one of them is recognised as a flow of this
 * node: its packets are then handed over directly or refused as a loop (latch.c, out.c). Lookups
 * take no lock; adding and deleting does.
 */

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "engine/net/locals.h"
#include "engine/net/packet.h"

void own_ports_open(struct own_ports *o, const struct own_name *names, uint32_t count)
{
	locals_open(&o->open);
	o->name_count = count < OWN_NAMES_MAX ? count : OWN_NAMES_MAX;
	for (uint32_t i = 0; i < o->name_count; i++)
		o->names[i] = names[i];
}

void own_ports_close(struct own_ports *o)
{
	locals_close(&o->open);
}

/* Without memory for an address its ports are unknown, and a loop by them only limited
 * (latch.h). */
void own_ports_add(struct own_ports *o, const struct addr *local, const struct local *who)
{
	int err = 0;

	if (local->family != ADDR_NONE && local->port)
		err = locals_add(&o->open, local, who);
	(void)err;
}

void own_ports_del(struct own_ports *o, const struct addr *local)
{
	if (local->family != ADDR_NONE && local->port && locals_has_ip(&o->open, local))
		locals_del(&o->open, local);
}

static bool own_port_is_open(const struct own_ports *o, const struct addr *ip, uint16_t port)
{
	struct local who;

	return locals_read(locals_ports(&o->open, ip), port, &who);
}

bool own_ports_has(const struct own_ports *o, const struct addr *a)
{
	if (own_port_is_open(o, a, a->port))
		return true;
	for (uint32_t i = 0; i < o->name_count; i++) {
		if (addr_ip_eq(a, &o->names[i].outer) &&
		    own_port_is_open(o, &o->names[i].inner, a->port))
			return true;
	}
	return false;
}

bool own_ports_find(const struct own_ports *o, const struct addr *a, struct local *who)
{
	return a->family != ADDR_NONE && locals_find(&o->open, a, who);
}

void locals_open(struct locals *l)
{
	memset(l, 0, sizeof(*l));
	(void)pthread_mutex_init(&l->lock, NULL);
}

void locals_close(struct locals *l)
{
	uint32_t count = atomic_load_explicit(&l->count, memory_order_relaxed);

	for (uint32_t i = 0; i < count; i++)
		(void)munmap(l->ports[i], LOCAL_PORTS * sizeof(*l->ports[i]));
	(void)pthread_mutex_destroy(&l->lock);
}

static int address_add(struct locals *l, const struct addr *at, atomic_uint **out)
{
	uint32_t count = atomic_load_explicit(&l->count, memory_order_relaxed);
	void *memory;

	*out = locals_ports(l, at);
	if (*out)
		return 0;
	if (count == LOCALS_MAX)
		return -ENOSPC;
	/* zero, and a page costs memory only once a port in it was used */
	memory = mmap(NULL, LOCAL_PORTS * sizeof(**out), PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		return -ENOMEM;
	l->list[count] = *at;
	if (at->family == ADDR_V4)
		memcpy(&l->v4[count], at->ip, sizeof(l->v4[count]));
	l->ports[count] = *out = memory;
	atomic_store_explicit(&l->count, count + 1, memory_order_release);
	return 0;
}

int locals_add(struct locals *l, const struct addr *at, const struct local *who)
{
	uint32_t value = (uint32_t)who->worker << LOCAL_WORKER_AT | who->slot << LOCAL_SLOT_AT |
			 (uint32_t)who->channel << LOCAL_CHANNEL_AT | LOCAL_IN_USE;
	uint32_t nobody = 0;
	atomic_uint *ports;
	int err;

	assert(who->slot < LOCAL_SLOTS_MAX && who->channel < CHANNELS && who->worker < 16);
	(void)pthread_mutex_lock(&l->lock);
	err = address_add(l, at, &ports);
	(void)pthread_mutex_unlock(&l->lock);
	if (err)
		return err;
	return atomic_compare_exchange_strong_explicit(&ports[at->port], &nobody, value,
						       memory_order_relaxed, memory_order_relaxed)
		       ? 0
		       : -EADDRINUSE;
}

void locals_del(struct locals *l, const struct addr *at)
{
	atomic_uint *ports = locals_ports(l, at);

	assert(ports);
	atomic_store_explicit(&ports[at->port], 0, memory_order_relaxed);
}

bool locals_has_ip(const struct locals *l, const struct addr *at)
{
	return locals_ports(l, at) != NULL;
}
