/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of heap objects by tenant and name. The hosts of SIP (sig/host) use it for groups,
 * mailboxes, accounts, calendars and flow programs. It exists so that each of them has only its
 * struct, while lookup, insertion and removal are the same code. The table stores pointers as
 * values, and owns each object from named_put to named_remove or named_close.
 */

#include "base/named.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void *object_at(uint64_t value)
{
	return (void *)(uintptr_t)value;
}

static uint64_t named_hash(uint16_t tenant, struct bytes name)
{
	const struct hash_key key = { .k0 = tenant };

	return hash_sip(&key, name);
}

void named_close(struct table *t)
{
	void *object;

	for (uint32_t cursor = 0; (object = named_next(t, &cursor));)
		free(object);
	table_close(t);
}

void *named_find(const struct table *t, uint16_t tenant, struct bytes name)
{
	uint64_t hash = t->count ? named_hash(tenant, name) : 0, value;
	uint32_t cursor = 0;

	while (t->count && (value = table_next(t, hash, &cursor)) != 0) {
		const struct named *object = object_at(value);

		if (object->tenant == tenant && bytes_is(name, object->name))
			return object_at(value);
	}
	return NULL;
}

void *named_put(struct table *t, uint16_t tenant, struct bytes name, size_t size, int *err)
{
	struct named *object = named_find(t, tenant, name);

	*err = 0;
	if (object)
		return object;
	object = calloc(1, size);
	*err = object ? table_put(t, named_hash(tenant, name), (uintptr_t)object) : -ENOMEM;
	if (*err) {
		free(object);
		return NULL;
	}
	object->tenant = tenant;
	memcpy(object->name, name.p, name.n);
	return object;
}

void named_remove(struct table *t, void *object)
{
	const struct named *o = object;

	(void)table_del(t, named_hash(o->tenant, bytes_str(o->name)), (uintptr_t)object);
}

void *named_next(const struct table *t, uint32_t *cursor)
{
	while (t->slots && *cursor <= t->mask) {
		uint64_t value = t->slots[(*cursor)++].value;

		if (value)
			return object_at(value);
	}
	return NULL;
}
