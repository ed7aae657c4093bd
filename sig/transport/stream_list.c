/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <string.h>

#include "sig/transport/stream_connection.h"

void stream_list_compact(const struct transport_stream *t, struct stream_list *l)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < l->count; i++) {
		if (pool_get(&t->pool, l->list[i]))
			l->list[n++] = l->list[i];
	}
	l->count = n;
}

void stream_list_add(const struct transport_stream *t, struct stream_list *l, pool_handle h)
{
	if (l->count == t->pool.capacity)
		stream_list_compact(t, l);
	assert(l->count < t->pool.capacity);
	l->list[l->count++] = h;
}

void stream_list_drop(struct stream_list *l, uint32_t n)
{
	assert(n <= l->count);
	l->count -= n;
	memmove(l->list, l->list + n, l->count * sizeof(l->list[0]));
}
