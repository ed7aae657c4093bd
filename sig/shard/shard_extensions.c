/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "sig/shard/shard_state.h"

static uint64_t number_hash(const struct shard *s, uint16_t tenant, struct bytes number)
{
	return tenant_hash(hash_sip(&s->key, number), tenant);
}

static struct shard_extension_slot *slot_find(const struct shard *s, uint16_t tenant,
					      struct bytes number, pool_handle *at)
{
	uint32_t cursor = 0;

	while ((*at = table_next(&s->extensions_by_number, number_hash(s, tenant, number),
				 &cursor)) != 0) {
		struct shard_extension_slot *slot = pool_get(&s->extensions, *at);

		if (slot && slot->extension.tenant == tenant &&
		    bytes_is(number, slot->extension.number))
			return slot;
	}
	return NULL;
}

struct shard_extension_slot *shard_extension_slot(const struct shard *s, uint16_t tenant,
						  struct bytes number)
{
	pool_handle at;

	return slot_find(s, tenant, number, &at);
}

const struct shard_extension *shard_extension_find(const struct shard *s, uint16_t tenant,
						   struct bytes number)
{
	const struct shard_extension_slot *slot = shard_extension_slot(s, tenant, number);

	return slot ? &slot->extension : NULL;
}

int shard_extension_put(struct shard *s, const struct shard_extension *extension)
{
	struct bytes number = bytes_str(extension->number);
	pool_handle at;
	struct shard_extension_slot *slot = slot_find(s, extension->tenant, number, &at);
	bool other_music = slot && slot->extension.music != extension->music;

	if (!slot) {
		slot = pool_take(&s->extensions, &at);
		if (!slot)
			return -ENOSPC;
		if (table_put(&s->extensions_by_number, number_hash(s, extension->tenant, number),
			      at)) {
			(void)pool_give(&s->extensions, at);
			return -ENOSPC;
		}
		tenants_hold(s->settings.tenants, extension->tenant, TENANT_EXTENSIONS);
	}
	slot->extension = *extension;
	shard_watch_extension(s, extension->tenant, number);
	if (other_music)
		shard_calls_hear(s);
	return 0;
}

void shard_located_free(struct shard_located *located)
{
	if (located)
		explicit_bzero(located, sizeof(*located));
	free(located);
}

int shard_located_set(struct shard *s, uint16_t tenant, const char *number,
		      const struct shard_located *located)
{
	struct shard_extension_slot *slot = shard_extension_slot(s, tenant, bytes_str(number));
	struct shard_located *copy = NULL;

	if (!slot)
		return -ENOENT;
	if (located->count) {
		copy = malloc(sizeof(*copy));
		if (!copy)
			return -ENOMEM;
		*copy = *located;
	}
	shard_located_free(slot->located);
	slot->located = copy;
	return 0;
}

bool shard_extension_delete(struct shard *s, uint16_t tenant, const char *number)
{
	struct bytes key = bytes_str(number);
	struct shard_forward *forward;
	pool_handle at;
	struct shard_extension_slot *slot = slot_find(s, tenant, key, &at);

	if (!slot)
		return false;
	forward = slot->forward;
	slot->forward = NULL;
	shard_engaged_set(s, slot, forward);
	free(forward);
	free(slot->guesses);
	free(slot->monitors);
	free(slot->pickup_groups);
	free(slot->park_groups);
	shard_located_free(slot->located);
	tenants_release(s->settings.tenants, tenant, TENANT_EXTENSIONS);
	(void)table_del(&s->extensions_by_number, number_hash(s, tenant, key), at);
	(void)pool_give(&s->extensions, at);
	shard_watch_extension(s, tenant, key);
	return true;
}

/* "": NULL. */
static int extension_text_set(char **text, const char *value)
{
	size_t n = strlen(value) + 1;
	char *copy = NULL;

	if (n > 1) {
		copy = malloc(n);
		if (!copy)
			return -ENOMEM;
		memcpy(copy, value, n);
	}
	free(*text);
	*text = copy;
	return 0;
}

int shard_monitors_set(struct shard *s, uint16_t tenant, const char *number, const char *monitors)
{
	struct shard_extension_slot *slot = shard_extension_slot(s, tenant, bytes_str(number));
	int err = slot ? extension_text_set(&slot->monitors, monitors) : -ENOENT;

	if (!err)
		shard_watch_extension(s, tenant, bytes_str(number));
	return err;
}

int shard_pickup_set(struct shard *s, uint16_t tenant, const char *number, const char *groups)
{
	struct shard_extension_slot *slot = shard_extension_slot(s, tenant, bytes_str(number));

	return slot ? extension_text_set(&slot->pickup_groups, groups) : -ENOENT;
}

int shard_park_groups_set(struct shard *s, uint16_t tenant, const char *number, const char *groups)
{
	struct shard_extension_slot *slot = shard_extension_slot(s, tenant, bytes_str(number));

	return slot ? extension_text_set(&slot->park_groups, groups) : -ENOENT;
}

const struct host_track *shard_music_of(void *owner, uint16_t tenant, struct bytes user)
{
	const struct shard *s = owner;
	const struct shard_extension *e = shard_extension_find(s, tenant, user);
	const struct host_track *own, *all = &s->tracks[SHARD_TRACK_MUSIC];

	if (e && e->music == SHARD_TRACK_NONE)
		return NULL;
	own = e ? &s->tracks[e->music] : all;
	return host_track_plays(own) || (own->coming && !host_track_plays(all)) ? own : all;
}

const struct shard_forward *shard_forward_of(const struct shard *s, uint16_t tenant,
					     struct bytes number)
{
	const struct shard_extension_slot *slot = shard_extension_slot(s, tenant, number);

	return slot ? slot->forward : NULL;
}

int shard_forward_set(struct shard *s, uint16_t tenant, const char *number,
		      const struct shard_forward *forward)
{
	struct shard_extension_slot *slot = shard_extension_slot(s, tenant, bytes_str(number));
	struct shard_forward *copy = NULL, *before;

	if (!slot)
		return -ENOENT;
	if (shard_forward_is_set(forward)) {
		copy = malloc(sizeof(*copy));
		if (!copy)
			return -ENOMEM;
		*copy = *forward;
	}
	before = slot->forward;
	slot->forward = copy;
	shard_engaged_set(s, slot, before);
	free(before);
	return 0;
}
