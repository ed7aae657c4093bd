/* SPDX-License-Identifier: Apache-2.0 */
/* Conferences of all shards of the node, as those see them who watch them: those who are in them, and nobody else (RFC 4575 3.5). */
#include "sig/shard/shard_state.h"

bool shard_watch_conference(void *owner, uint16_t tenant, struct bytes user,
			    struct conference_view *out)
{
	const struct shard *s = owner;

	for (s = s->commons->shards; s; s = s->next) {
		if (s->conference && s->conference(s, tenant, user, out))
			return true;
	}
	return false;
}

enum watch_verdict shard_watch_conference_may(struct shard *s, const struct subscription *sub)
{
	struct conference_view c;

	if (!shard_watch_conference(s, sub->tenant, text_bytes(&sub->resource), &c))
		return WATCH_NO_RESOURCE;
	return c.has(c.room, text_bytes(&sub->watcher)) ? WATCH_OK : WATCH_REJECTED;
}

void shard_conference_changed(struct shard *s, uint16_t tenant, struct bytes user)
{
	shard_watch_notify_of(s, tenant, user, CHANGED_CONFERENCE);
}
