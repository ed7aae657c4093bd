/* SPDX-License-Identifier: Apache-2.0 */
/* What a batch is as commands of Redis, without the transaction around them. */
#include "cluster/cdr.h"
#include "cluster/redis/resp.h"
#include "cluster/store/state.h"

enum {
	CDR_WORDS = 6, /* XADD key MAXLEN ~ n * */
	CDR_ID_WORDS = 2,
};

static int word(struct redis_buffer *to, const char *text)
{
	return resp_text(to, bytes_str(text));
}

static int key(struct redis_buffer *to, struct store_shard *s, const char *name)
{
	char buf[STORE_KEY_MAX];

	return resp_text(to, store_key_shard(buf, s, name));
}

static int saves_write(struct redis_buffer *to, struct store_shard *s, const struct batch_part *p)
{
	if (!p->save_count)
		return 0;
	return resp_command(to, 2 + 2 * (size_t)p->save_count) || word(to, "HSET") ||
	       key(to, s, "rec") || redis_buffer_put(to, redis_buffer_bytes(&p->saves));
}

static const char *const g_beside[BATCH_KINDS] = { "sub", "room" };

static int beside_write(struct redis_buffer *to, struct store_shard *s,
			const struct batch_beside *b, const char *name)
{
	int err = 0;

	if (b->save_count)
		err = resp_command(to, 2 + 2 * (size_t)b->save_count) || word(to, "HSET") ||
		      key(to, s, name) || redis_buffer_put(to, redis_buffer_bytes(&b->saves));
	if (b->over_count && !err)
		err = resp_command(to, 2 + (size_t)b->over_count) || word(to, "HDEL") ||
		      key(to, s, name) || redis_buffer_put(to, redis_buffer_bytes(&b->over));
	return err;
}

static int call_write(struct redis_buffer *to, uint64_t call)
{
	char id[BASE32_U64_LEN];

	base32_u64_put(id, call);
	return resp_text(to, bytes_mem(id, sizeof(id)));
}

/* n fields of one. call: the first one lacks its id; NULL: another one has it. */
static int cdr_write(struct redis_buffer *to, struct store_shard *s, struct bytes fields, size_t n,
		     const uint64_t *call)
{
	struct cdr_field field;
	int err = resp_command(to, CDR_WORDS + (call ? CDR_ID_WORDS : 0) + 2 * n) ||
		  word(to, "XADD") || key(to, s, "cdr") || word(to, "MAXLEN") || word(to, "~") ||
		  word(to, CDR_STREAM_KEPT) || word(to, "*");

	if (call && !err)
		err = word(to, CDR_ID) || call_write(to, *call);
	while (!err && cdr_field_next(&fields, &field) > 0)
		err = resp_text(to, field.name) || resp_text(to, field.value);
	return err;
}

static int cdrs_write(struct redis_buffer *to, struct store_shard *s,
		      const struct spool_entry *entry)
{
	const uint64_t *call = &entry->call;
	struct bytes rest = entry->fields, one;
	size_t n;
	int err = 0;

	if (!cdr_next(&rest, &one, &n))
		return cdr_write(to, s, one, 0, call);
	do {
		err = cdr_write(to, s, one, n, call);
		call = NULL;
	} while (!err && cdr_next(&rest, &one, &n));
	return err;
}

/* The numbers of the ends, and those that are settled. */
static int ended_write(struct redis_buffer *to, struct store_shard *s, const struct batch_part *p)
{
	char low[LEASE_FENCE_TEXT];
	struct writer w = writer_over(low, sizeof(low));
	int err = resp_command(to, 2 + 2 * (size_t)p->end_count) || word(to, "ZADD") ||
		  key(to, s, "ended");

	for (const struct store_op *op = p->first; op && !err; op = op->batch_next) {
		if (op->entry)
			err = resp_number(to, op->entry->number) || call_write(to, op->entry->call);
	}
	writer_str(&w, "(");
	writer_u64(&w, store_ends_settled(s));
	return err || resp_command(to, 4) || word(to, "ZREMRANGEBYSCORE") || key(to, s, "ended") ||
	       word(to, "-inf") || resp_text(to, writer_done(&w));
}

static int gone_write(struct redis_buffer *to, struct store_shard *s, const struct batch_part *p)
{
	int err =
		resp_command(to, 2 + (size_t)p->end_count) || word(to, "HDEL") || key(to, s, "rec");

	for (const struct store_op *op = p->first; op && !err; op = op->batch_next) {
		if (op->entry)
			err = call_write(to, op->entry->call);
	}
	return err;
}

static int ends_write(struct redis_buffer *to, struct store_shard *s, const struct batch_part *p)
{
	int err = 0;

	if (!p->end_count)
		return 0;
	for (const struct store_op *op = p->first; op && !err; op = op->batch_next) {
		if (op->entry)
			err = cdrs_write(to, s, op->entry);
	}
	return err || ended_write(to, s, p) || gone_write(to, s, p);
}

uint32_t store_batch_commands(const struct batch_part *p)
{
	uint32_t n = (p->save_count > 0) + (p->end_count ? p->cdr_count + 3 : 0);

	for (int i = 0; i < BATCH_KINDS; i++)
		n += (p->beside[i].save_count > 0) + (p->beside[i].over_count > 0);
	return n;
}

size_t store_batch_octets(const struct batch_part *p)
{
	size_t n = redis_buffer_bytes(&p->saves).n + p->end_octets;

	for (int i = 0; i < BATCH_KINDS; i++)
		n += redis_buffer_bytes(&p->beside[i].saves).n +
		     redis_buffer_bytes(&p->beside[i].over).n;
	return n;
}

int store_batch_write(struct redis_buffer *to, struct store_shard *s, const struct batch_part *p)
{
	int err = saves_write(to, s, p);

	for (int i = 0; i < BATCH_KINDS && !err; i++)
		err = beside_write(to, s, &p->beside[i], g_beside[i]);
	return err || ends_write(to, s, p) ? -1 : 0;
}
