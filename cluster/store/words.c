/* SPDX-License-Identifier: Apache-2.0 */
/* The words of scripts of leases (cluster/lua/lease_*.lua). */
#include <inttypes.h>

#include "base/clock.h"
#include "cluster/store/state.h"

/* Between these a length is believed. */
#define LENGTH_MIN_NS (300 * NS_PER_MS)
#define LENGTH_MAX_NS (60 * NS_PER_S)

struct bytes store_number_write(struct lease_words *words, size_t i, uint64_t value)
{
	struct writer w = writer_over(words->numbers[i], sizeof(words->numbers[i]));

	writer_u64(&w, value);
	return writer_done(&w);
}

struct bytes store_id_write(struct lease_words *words, size_t i, uint64_t value)
{
	struct writer w = writer_over(words->numbers[i], sizeof(words->numbers[i]));

	writer_fmt(&w, "%016" PRIx64, value);
	return writer_done(&w);
}

struct bytes store_names_write(struct lease_words *words, const struct members *named)
{
	struct writer w = writer_over(words->names, sizeof(words->names));

	for (uint32_t i = 0; i < named->count; i++)
		writer_fmt(&w, i ? " %016" PRIx64 : "%016" PRIx64, named->ids[i]);
	return writer_done(&w);
}

void store_lease_words(struct lease_words *words, const char *node, const struct lease_write *w)
{
	const struct identity *own = w->identity;
	const struct bytes args[LEASE_SEEN_WORDS] = {
		store_key_shard_of(words->key, w->shard, "lease"),
		store_key_shard_of(words->fence_key, w->shard, "fence"),
		bytes_str(node),
		store_id_write(words, 0, w->epoch.incarnation),
		store_number_write(words, 1, w->epoch.counter),
		store_number_write(words, 2, w->length_ns / NS_PER_MS),
		store_number_write(words, 3, w->link),
		bytes_str(own->id),
		bytes_str(own->place),
		bytes_str(own->where),
		store_id_write(words, 4, identity_node(own)),
		store_number_write(words, 5, w->renewal),
		store_names_write(words, w->named),
	};

	for (size_t i = 0; i < LEASE_SEEN_WORDS; i++)
		words->args[i] = args[i];
}

void store_lease_seen(struct lease_words *words, struct lease_epoch epoch, uint64_t renewal)
{
	words->args[LEASE_SEEN_WORDS] = store_number_write(words, 6, epoch.counter);
	words->args[LEASE_SEEN_WORDS + 1] = store_id_write(words, 7, epoch.incarnation);
	words->args[LEASE_SEEN_WORDS + 2] = store_number_write(words, 8, renewal);
}

/* ---- what Redis says ---- */

uint64_t store_id_read(struct bytes text)
{
	uint8_t raw[8];
	size_t n = 0;

	if (text.n != 2 * sizeof(raw) || hex_decode(text, raw, sizeof(raw), &n) != 0 ||
	    n != sizeof(raw))
		return 0;
	return be64_get(raw);
}

uint64_t store_number(const struct redisReply *reply, size_t at)
{
	uint64_t value = 0;

	return bytes_u64(redis_reply_text(redis_reply_at(reply, at)), &value) == 0 ? value : 0;
}

uint64_t store_length(const struct redisReply *reply, size_t at)
{
	uint64_t ms = store_number(reply, at);

	if (!ms)
		return 0;
	if (ms > LENGTH_MAX_NS / NS_PER_MS)
		return LENGTH_MAX_NS;
	return ms * NS_PER_MS < LENGTH_MIN_NS ? LENGTH_MIN_NS : ms * NS_PER_MS;
}
