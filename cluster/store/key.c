/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"
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

struct bytes store_key_binding(char buf[STORE_KEY_MAX], uint32_t tag, struct bytes tenant,
			       struct bytes user)
{
	struct writer w = writer_over(buf, STORE_KEY_MAX);

	if (tag == STORE_TAG_NONE)
		writer_str(&w, "td:{aor:");
	else
		writer_number(&w, "td:{a", tag, "}:aor:");
	writer_bytes(&w, tenant);
	writer_str(&w, ":");
	writer_bytes(&w, user);
	writer_str(&w, tag == STORE_TAG_NONE ? "}:reg" : ":reg");
	return key_done(&w);
}

struct bytes store_key_aors(char buf[STORE_KEY_MAX], uint32_t tag)
{
	struct writer w = writer_over(buf, STORE_KEY_MAX);

	if (tag == STORE_TAG_NONE)
		return BYTES_LIT("td:aors");
	writer_number(&w, "td:{a", tag, "}:aors");
	return key_done(&w);
}

/* Written into names of keys: it stays as it is. */
uint32_t store_tag_of_aor(const struct store_base *base, struct bytes tenant, struct bytes user)
{
	uint32_t crc = hash_crc32c(hash_crc32c(0, tenant), BYTES_LIT(":"));

	return base->cluster ? hash_crc32c(crc, user) % STORE_TAGS : (uint32_t)STORE_TAG_NONE;
}

static struct bytes tenant_write(char buf[STORE_KEY_MAX], const char *before, struct bytes tenant,
				 const char *behind, const char *what, const char *kind)
{
	struct writer w = writer_over(buf, STORE_KEY_MAX);

	writer_str(&w, before);
	writer_bytes(&w, tenant);
	writer_str(&w, behind);
	writer_str(&w, what);
	if (kind) {
		writer_str(&w, ":");
		writer_str(&w, kind);
	}
	return key_done(&w);
}

struct bytes store_key_tenant(char buf[STORE_KEY_MAX], struct bytes tenant, const char *what,
			      const char *kind)
{
	return tenant_write(buf, "td:{t:", tenant, "}:", what, kind);
}

struct bytes store_key_document(char buf[STORE_KEY_MAX], const struct store_base *base,
				struct bytes tenant, const char *what, const char *kind)
{
	return base->cluster ? tenant_write(buf, "td:{docs}:t:", tenant, ":", what, kind)
			     : store_key_tenant(buf, tenant, what, kind);
}

struct bytes store_key_broken(char buf[STORE_KEY_MAX], struct bytes key)
{
	struct writer w = writer_over(buf, STORE_KEY_MAX);

	writer_str(&w, "td:broken:");
	writer_bytes(&w, key);
	return key_done(&w);
}
