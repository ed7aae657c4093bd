/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "sig/shard_state.h"

static uint64_t number_hash(const struct shard *s, struct bytes number)
{
	return hash_sip(&s->key, number);
}

static struct shard_extension *find(const struct shard *s, struct bytes number, pool_handle *at)
{
	uint32_t cursor = 0;

	while ((*at = table_next(&s->extensions_by_number, number_hash(s, number), &cursor)) != 0) {
		struct shard_extension *e = pool_get(&s->extensions, *at);

		if (e && bytes_is(number, e->number))
			return e;
	}
	return NULL;
}

const struct shard_extension *shard_extension_find(const struct shard *s, struct bytes number)
{
	pool_handle at;

	return find(s, number, &at);
}

int shard_extension_put(struct shard *s, const struct shard_extension *extension)
{
	struct bytes number = bytes_str(extension->number);
	pool_handle at;
	struct shard_extension *e = find(s, number, &at);

	if (!e) {
		e = pool_take(&s->extensions, &at);
		if (!e)
			return -ENOSPC;
		if (table_put(&s->extensions_by_number, number_hash(s, number), at)) {
			(void)pool_give(&s->extensions, at);
			return -ENOSPC;
		}
	}
	*e = *extension;
	return 0;
}

bool shard_extension_delete(struct shard *s, const char *number)
{
	struct bytes key = bytes_str(number);
	pool_handle at;

	if (!find(s, key, &at))
		return false;
	(void)table_del(&s->extensions_by_number, number_hash(s, key), at);
	(void)pool_give(&s->extensions, at);
	return true;
}
