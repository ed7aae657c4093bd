/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/location/registrar_entry.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void binding_clear(struct binding *b)
{
	text_clear(&b->contact);
	text_clear(&b->call_id);
	text_clear(&b->user_agent);
	text_clear(&b->instance);
	text_clear(&b->path);
	text_clear(&b->node);
	free(b->was);
	memset(b, 0, sizeof(*b));
}

int binding_was(struct binding *b, const struct sip_hop *hop)
{
	if (!b->was)
		b->was = malloc(sizeof(*b->was));
	if (!b->was)
		return -ENOMEM;
	*b->was = *hop;
	return 0;
}

int binding_copy(struct binding *to, const struct binding *from)
{
	struct binding b = *from;
	int err;

	b.contact = b.call_id = b.user_agent = b.instance = b.path = b.node = (struct text){ 0 };
	b.was = NULL;
	err = text_set(&b.contact, text_bytes(&from->contact));
	if (!err)
		err = text_set(&b.call_id, text_bytes(&from->call_id));
	if (!err)
		err = text_set(&b.user_agent, text_bytes(&from->user_agent));
	if (!err)
		err = text_set(&b.instance, text_bytes(&from->instance));
	if (!err)
		err = text_set(&b.path, text_bytes(&from->path));
	if (!err)
		err = text_set(&b.node, text_bytes(&from->node));
	if (!err && from->was)
		err = binding_was(&b, from->was);
	if (err) {
		binding_clear(&b);
	} else {
		*to = b;
	}
	return err;
}

void aor_clear(struct aor *a)
{
	for (uint32_t i = 0; i < a->count; i++)
		binding_clear(&a->bindings[i]);
	free(a->bindings);
	text_wipe(&a->unknown);
	text_clear(&a->writer);
	text_clear(&a->tenant);
	text_clear(&a->user);
	memset(a, 0, sizeof(*a));
}

int aor_copy(struct aor *to, const struct aor *from)
{
	struct aor a = { .version = from->version, .born = from->born, .node = from->node };
	int err = text_set(&a.tenant, text_bytes(&from->tenant));

	if (!err)
		err = text_set(&a.user, text_bytes(&from->user));
	if (!err)
		err = text_set(&a.unknown, text_bytes(&from->unknown));
	if (!err)
		err = aor_reserve(&a, from->count);
	for (uint32_t i = 0; !err && i < from->count; i++) {
		err = binding_copy(&a.bindings[i], &from->bindings[i]);
		a.count += !err;
	}
	if (err) {
		aor_clear(&a);
	} else {
		*to = a;
	}
	return err;
}

void aor_remove(struct aor *a, uint32_t i)
{
	assert(i < a->count);
	binding_clear(&a->bindings[i]);
	a->count--;
	memmove(&a->bindings[i], &a->bindings[i + 1], (a->count - i) * sizeof(a->bindings[0]));
	memset(&a->bindings[a->count], 0, sizeof(a->bindings[0]));
}

int aor_reserve(struct aor *a, uint32_t room)
{
	struct binding *more;

	assert(room <= BINDINGS_MAX);
	if (room <= a->room)
		return 0;
	more = reallocarray(a->bindings, room, sizeof(*more));
	if (!more)
		return -ENOMEM;
	memset(more + a->room, 0, (room - a->room) * sizeof(*more));
	a->bindings = more;
	a->room = room;
	return 0;
}

int aor_append(struct aor *a, struct binding *b)
{
	int err = aor_reserve(a, a->count + 1);

	if (err)
		return err;
	a->bindings[a->count++] = *b;
	memset(b, 0, sizeof(*b));
	return 0;
}

bool binding_is_lost(const struct binding *b)
{
	return sip_transport_is_stream(b->hop.transport) && b->hop.inbound &&
	       (b->closed || b->hop.connection == 0);
}

bool registrar_close(struct aor *entry, uint64_t connection, uint64_t utc_ms)
{
	uint64_t until = utc_ms + BINDING_BACK_S * UINT64_C(1000);
	bool any = false;

	for (uint32_t i = 0; i < entry->count; i++) {
		struct binding *b = &entry->bindings[i];

		if (b->hop.connection != connection || b->closed)
			continue;
		b->closed = any = true;
		if (binding_is_lost(b) && b->expires_utc_ms > until)
			b->expires_utc_ms = until;
	}
	return any;
}

bool registrar_expire(struct aor *entry, uint64_t utc_ms)
{
	uint32_t before = entry->count;

	for (uint32_t i = entry->count; i-- > 0;) {
		if (entry->bindings[i].expires_utc_ms <= utc_ms)
			aor_remove(entry, i);
	}
	if (entry->count == before)
		return false;
	entry->version++;
	return true;
}
