/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/net/locals.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "engine/net/packet.h"

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
			 (uint32_t)who->channel << LOCAL_CHANNEL_AT | LOCAL_TAKEN;
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
