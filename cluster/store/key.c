/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/store/state.h"

static struct bytes key_done(const struct writer *w)
{
	return w->overflow ? (struct bytes){ 0 } : writer_done(w);
}

struct bytes store_key_shard_of(char buf[STORE_KEY_MAX], uint16_t shard, const char *name)
{
	struct writer w = writer_over(buf, STORE_KEY_MAX);

	writer_number(&w, "td:{s", shard, "}:");
	writer_str(&w, name);
	return key_done(&w);
}

struct bytes store_key_shard(char buf[STORE_KEY_MAX], const struct store_shard *s, const char *name)
{
	return store_key_shard_of(buf, s->settings.shard, name);
}

struct bytes store_key_toll(char buf[STORE_KEY_MAX], const struct store_shard *s, struct bytes day)
{
	struct writer w = writer_over(buf, STORE_KEY_MAX);

	writer_number(&w, "td:{s", s->settings.shard, "}:toll:");
	writer_bytes(&w, day);
	return key_done(&w);
}

struct bytes store_key_call_named(char buf[STORE_KEY_MAX], const struct store_shard *s,
				  struct bytes id)
{
	struct writer w = writer_over(buf, STORE_KEY_MAX);

	writer_number(&w, "td:{s", s->settings.shard, "}:call:");
	writer_bytes(&w, id);
	return key_done(&w);
}

struct bytes store_key_call(char buf[STORE_KEY_MAX], const struct store_shard *s, uint64_t call)
{
	char id[BASE32_U64_LEN];

	base32_u64_put(id, call);
	return store_key_call_named(buf, s, bytes_mem(id, sizeof(id)));
}

struct bytes store_key_binding(char buf[STORE_KEY_MAX], struct bytes tenant, struct bytes user)
{
	struct writer w = writer_over(buf, STORE_KEY_MAX);

	writer_str(&w, "td:{aor:");
	writer_bytes(&w, tenant);
	writer_str(&w, ":");
	writer_bytes(&w, user);
	writer_str(&w, "}:reg");
	return key_done(&w);
}

struct bytes store_key_tenant(char buf[STORE_KEY_MAX], struct bytes tenant, const char *what,
			      const char *kind)
{
	struct writer w = writer_over(buf, STORE_KEY_MAX);

	writer_str(&w, "td:{t:");
	writer_bytes(&w, tenant);
	writer_str(&w, "}:");
	writer_str(&w, what);
	if (kind) {
		writer_str(&w, ":");
		writer_str(&w, kind);
	}
	return key_done(&w);
}

struct bytes store_key_broken(char buf[STORE_KEY_MAX], struct bytes key)
{
	struct writer w = writer_over(buf, STORE_KEY_MAX);

	writer_str(&w, "td:broken:");
	writer_bytes(&w, key);
	return key_done(&w);
}
