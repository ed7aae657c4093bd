/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/location/aor_connections.h"

#include <errno.h>
#include <stdlib.h>

int aor_connections_open(struct aor_connections *c, uint32_t aors)
{
	uint32_t size = 1;

	while (size < aors && size < UINT32_C(1) << 31)
		size *= 2;
	*c = (struct aor_connections){ .mask = size - 1 };
	c->buckets = calloc(size, sizeof(struct aor_link *));
	return c->buckets ? 0 : -ENOMEM;
}

void aor_connections_close(struct aor_connections *c)
{
	free(c->buckets);
	c->buckets = NULL;
}

/* Names of connections are counted up by us: nobody chooses where they fall. */
static struct aor_link **connection_bucket(const struct aor_connections *c, uint64_t connection)
{
	return &c->buckets[(uint32_t)(connection * UINT64_C(0x9e3779b97f4a7c15) >> 32) & c->mask];
}

static void link_remove(struct aor_link *l)
{
	if (!l->back)
		return;
	*l->back = l->next;
	if (l->next)
		l->next->back = l->back;
	*l = (struct aor_link){ 0 };
}

static void link_put(struct aor_connections *c, struct aor_link *l)
{
	struct aor_link **head = connection_bucket(c, l->connection);

	l->next = *head;
	l->back = head;
	if (l->next)
		l->next->back = &l->next;
	*head = l;
}

static bool is_by_connection(const struct binding *b)
{
	return !b->closed && b->hop.connection != 0;
}

static uint32_t connections_of(const struct aor *entry)
{
	uint32_t n = 0;

	for (uint32_t i = 0; entry && i < entry->count; i++)
		n += is_by_connection(&entry->bindings[i]);
	return n;
}

/* Empty, and as many as that. */
static void links_renew(struct aor_links *links, uint32_t count)
{
	for (uint32_t i = 0; i < links->count; i++)
		link_remove(&links->list[i]);
	if (count == links->count)
		return;
	free(links->list);
	links->list = count ? calloc(count, sizeof(*links->list)) : NULL;
	links->count = links->list ? count : 0;
}

void aor_connections_list(struct aor_connections *c, struct aor_links *links, pool_handle aor,
			  const struct aor *entry)
{
	uint32_t n = 0;

	links_renew(links, connections_of(entry));
	for (uint32_t i = 0; n < links->count; i++) {
		struct aor_link *l = &links->list[n];

		if (!is_by_connection(&entry->bindings[i]))
			continue;
		l->connection = entry->bindings[i].hop.connection;
		l->aor = aor;
		link_put(c, l);
		n++;
	}
}

bool aor_connections_take(struct aor_connections *c, uint64_t connection, pool_handle *aor)
{
	struct aor_link *l = *connection_bucket(c, connection);

	while (l && l->connection != connection)
		l = l->next;
	if (!l)
		return false;
	*aor = l->aor;
	link_remove(l);
	return true;
}
