/* SPDX-License-Identifier: Apache-2.0 */
/* Makes and reads identifiers of calls, tags, branches and conferences (id.h), and finds the shard
 * of a message from them (shard_name). The format is fixed: running nodes and records of older
 * programs depend on it. Times are stored truncated and are completed by the present time. */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/table.h"
#include "sig/sip/dialog_name.h"
#include "sig/sip/id.h"
#include "sig/sip/message.h"

enum {
	COUNTER_BITS = 7,
	MS_BITS = 40,
	DERIVED_SHIFT = COUNTER_BITS + MS_BITS,
	SHARD_SHIFT = DERIVED_SHIFT + 1,
	COUNTER_MAX = (1 << COUNTER_BITS) - 1,
};

static const char g_cookie[] = "z9hG4bK"; /* RFC 3261 8.1.1.7 */

uint64_t id_call_next(struct id_source *s, uint64_t utc_ms)
{
	if (utc_ms > s->last_ms) {
		s->last_ms = utc_ms;
		s->counter = 0;
	} else if (s->counter == COUNTER_MAX) {
		s->last_ms++;
		s->counter = 0;
	} else {
		s->counter++;
	}
	return (uint64_t)s->shard << SHARD_SHIFT |
	       (s->last_ms & (BIT64(MS_BITS) - 1)) << COUNTER_BITS | s->counter;
}

uint64_t id_call_derive(uint16_t shard, struct bytes command)
{
	static const struct hash_key fixed = { 0 }; /* another process must come to the same */

	return (uint64_t)shard << SHARD_SHIFT | BIT64(DERIVED_SHIFT) |
	       (hash_sip(&fixed, command) & (BIT64(DERIVED_SHIFT) - 1));
}

uint64_t id_order(struct bytes command)
{
	static const struct hash_key fixed = { 0 };
	uint64_t hash = hash_sip(&fixed, command);

	return hash ? hash : 1;
}

uint16_t id_shard(uint64_t call)
{
	return (uint16_t)(call >> SHARD_SHIFT);
}

bool id_is_derived(uint64_t call)
{
	return call >> DERIVED_SHIFT & 1;
}

uint64_t id_utc_ms(uint64_t id, uint64_t now_utc_ms)
{
	uint64_t half = BIT64(MS_BITS - 1), low = id >> COUNTER_BITS & (BIT64(MS_BITS) - 1);
	uint64_t near_ms = now_utc_ms + half;

	/* the newest time with these bits that is not further ahead than half of what they count */
	return near_ms - ((near_ms - low) & (BIT64(MS_BITS) - 1));
}

uint64_t id_call_none(uint16_t shard)
{
	return (uint64_t)shard << SHARD_SHIFT;
}

bool id_call_is_none(uint64_t call)
{
	return call == id_call_none(id_shard(call));
}

void id_call_put(char out[ID_TEXT_LEN], uint64_t call)
{
	base32_u64_put(out, call);
}

int id_call_get(struct bytes in, uint64_t *call)
{
	return base32_u64_get(in, call);
}

void id_tag_put(char out[ID_TAG_LEN], const struct id_tag *tag)
{
	assert(tag->leg <= ID_LEG_NONE);
	base32_u64_put(out, tag->call);
	out[ID_TEXT_LEN] = '.';
	out[ID_TEXT_LEN + 1] = (char)(tag->leg < 10 ? '0' + tag->leg : 'a' + tag->leg - 10);
	out[ID_TEXT_LEN + 2] = '.';
	base32_u64_put(out + ID_TEXT_LEN + 3, tag->random);
}

static uint8_t leg_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return (uint8_t)(c - '0');
	c |= 0x20; /* tags are compared without case */
	return c >= 'a' && c <= 'v' ? (uint8_t)(c - 'a' + 10) : UINT8_MAX;
}

int id_tag_get(struct bytes in, struct id_tag *out)
{
	struct id_tag tag;

	if (in.n != ID_TAG_LEN || in.p[ID_TEXT_LEN] != '.' || in.p[ID_TEXT_LEN + 2] != '.')
		return -EINVAL;
	tag.leg = leg_value(in.p[ID_TEXT_LEN + 1]);
	if (tag.leg > ID_LEG_NONE)
		return -EINVAL;
	if (base32_u64_get(bytes_sub(in, 0, ID_TEXT_LEN), &tag.call) ||
	    base32_u64_get(bytes_from(in, ID_TEXT_LEN + 3), &tag.random))
		return -EINVAL;
	*out = tag;
	return 0;
}

void id_branch_put(char out[ID_BRANCH_LEN], const struct id_tag *tag)
{
	memcpy(out, g_cookie, sizeof(g_cookie) - 1);
	id_tag_put(out + sizeof(g_cookie) - 1, tag);
}

int id_branch_get(struct bytes in, struct id_tag *out)
{
	if (!bytes_starts(in, g_cookie))
		return -EINVAL;
	return id_tag_get(bytes_from(in, sizeof(g_cookie) - 1), out);
}

#define NAME_BEGINS "conf-"
#define CONF_RANDOM UINT64_C(0xffffffffffff) /* of an id: all but its shard */

void conf_name_write(struct writer *w, uint64_t conference)
{
	char id[ID_TEXT_LEN];

	id_call_put(id, conference);
	writer_str(w, NAME_BEGINS);
	writer_mem(w, id, sizeof(id));
}

void conf_name_make(char out[CONF_NAME_MAX], uint16_t shard, struct rand_source *rand)
{
	struct writer w = writer_over(out, CONF_NAME_MAX - 1);
	char half[ID_TEXT_LEN];

	conf_name_write(&w, id_call_none(shard) | (rand_u64_from(rand) & CONF_RANDOM));
	id_call_put(half, rand_u64_from(rand));
	writer_mem(&w, half, sizeof(half));
	out[w.n] = '\0';
}

bool conf_name_is_secret(struct bytes user)
{
	return bytes_starts(user, NAME_BEGINS) && user.n == strlen(NAME_BEGINS) + 2 * ID_TEXT_LEN;
}

struct bytes conf_name_shown(struct bytes user)
{
	return conf_name_is_secret(user) ? BYTES_LIT("conference") : user;
}

bool conf_name_get(struct bytes user, uint64_t *conference)
{
	struct bytes id = bytes_from(user, strlen(NAME_BEGINS)), rest = bytes_from(id, ID_TEXT_LEN);
	uint64_t random;

	if (!bytes_starts(user, NAME_BEGINS))
		return false;
	if (conf_name_is_secret(user) && !id_call_get(rest, &random))
		id = bytes_sub(id, 0, ID_TEXT_LEN);
	return !id_call_get(id, conference);
}

static uint16_t tag_shard(struct bytes text)
{
	struct id_tag tag;

	return id_tag_get(text, &tag) ? 0 : id_shard(tag.call);
}

static uint16_t response_shard(const struct sip_message *m)
{
	struct id_tag tag;

	return id_branch_get(m->via.branch, &tag) ? 0 : id_shard(tag.call);
}

static uint16_t dialog_shard(const struct sip_message *m)
{
	struct target_dialog dialog;
	struct replaces replaces;
	struct bytes value;
	uint64_t conference;

	if (message_header(m, "Replaces", 0, &value) && !replaces_parse(&replaces, value)) {
		/* ours is the one or the other (sig/shard/shard_replaces.c) */
		uint16_t shard = tag_shard(replaces.to_tag);

		return shard ? shard : tag_shard(replaces.from_tag);
	}
	if (m->hop.transport != SIP_INTER_SHARD && message_header(m, "Join", 0, &value) &&
	    !replaces_parse(&replaces, value))
		return tag_shard(replaces.to_tag);
	if (message_header(m, "Target-Dialog", 0, &value) && !target_dialog_parse(&dialog, value))
		return tag_shard(dialog.local_tag);
	return conf_name_get(m->uri.user, &conference) ? id_shard(conference) : 0;
}

uint16_t shard_name(const struct sip_message *m)
{
	if (!m->request)
		return response_shard(m);
	return m->to.tag.n ? tag_shard(m->to.tag) : dialog_shard(m);
}
