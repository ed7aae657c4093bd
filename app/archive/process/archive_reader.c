/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads streams of Redis from the marks of the database, and saves each answer as a batch. A mark
 * counts when Redis still has its entry, as it was: else Redis is another one, or has forgotten
 * some, and the whole stream is read, of which what is known changes nothing.
 */

#include "app/archive/process/archive_process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "base/json_member.h"
#include "base/log.h"

enum { FIELDS_MAX = 256, TOGETHER = 256, WAIT_MS = 1000, POLL_MS = 500, LATE_MS = 2000 };

#define DEADLINE_NS (10 * NS_PER_S)

static int source_order(const void *one, const void *other)
{
	return strcmp(((const struct archive_source *)one)->key,
		      ((const struct archive_source *)other)->key);
}

static struct archive_source *archived_find(const struct archive_process *p, struct bytes key)
{
	struct archive_source like;

	if (!p->source_count || bytes_cstr(key, like.key, sizeof(like.key)))
		return NULL;
	return bsearch(&like, p->sources, p->source_count, sizeof(like), source_order);
}

/* ---- what is saved ---- */

enum {
	CDRS_KEPT = 1000000, /* CDR_STREAM_KEPT, and those of cluster/store/event.c */
	EVENTS_KEPT = 100000,
	AUDIT_KEPT = 10000,
	TRIM_EVERY = 1000, /* entries */
};

uint64_t archive_stream_kept(enum archive_stream kind)
{
	return kind == ARCHIVE_CDRS ? CDRS_KEPT : kind == ARCHIVE_EVENTS ? EVENTS_KEPT : AUDIT_KEPT;
}

/* The terms may have changed meanwhile. */
struct source_request {
	struct archive_process *process;
	char key[ARCHIVE_KEY_MAX];
};

static struct source_request *source_ask_new(struct archive_process *p,
					     const struct archive_source *s)
{
	struct source_request *ask = malloc(sizeof(*ask));

	if (ask) {
		ask->process = p;
		memcpy(ask->key, s->key, sizeof(ask->key));
	}
	return ask;
}

/* No more than that many, and nothing that is not saved: Redis takes both bounds. */
static void trim_on_length(int err, const struct redisReply *reply, void *arg)
{
	struct source_request *ask = arg;
	struct archive_process *p = ask->process;
	const struct archive_source *s = archived_find(p, bytes_str(ask->key));
	int64_t more =
		err || !s ? 0 : redis_reply_integer(reply) - (int64_t)archive_stream_kept(s->kind);

	free(ask);
	if (more >= TRIM_EVERY && s->at[0]) {
		struct bytes args[] = { BYTES_LIT("XTRIM"),
					bytes_str(s->key),
					BYTES_LIT("MINID"),
					BYTES_LIT("~"),
					bytes_str(s->at),
					BYTES_LIT("LIMIT"),
					DECIMAL_TEXT((uint64_t)more) };

		(void)!redis_command(p->redis, args, COUNT_OF(args), DEADLINE_NS, NULL, NULL);
	}
}

void archive_source_trim(struct archive_process *p, struct archive_source *s, size_t more)
{
	struct bytes args[] = { BYTES_LIT("XLEN"), bytes_str(s->key) };
	struct source_request *ask;

	s->since += (uint32_t)more;
	ask = s->since >= TRIM_EVERY ? source_ask_new(p, s) : NULL;
	if (!ask)
		return;
	s->since = 0;
	if (redis_command(p->redis, args, COUNT_OF(args), DEADLINE_NS, trim_on_length, ask))
		free(ask);
}

/* ---- entries ---- */

/* fields: FIELDS_MAX of them. */
static void archive_entry_of(struct archive_entry *out, struct archive_field *fields,
			     const struct archive_source *s, const struct redisReply *reply)
{
	const struct redisReply *texts = redis_reply_at(reply, 1);
	size_t count = redis_reply_count(texts) / 2;

	if (count > FIELDS_MAX)
		count = FIELDS_MAX;
	for (size_t i = 0; i < count; i++)
		fields[i] = (struct archive_field){
			.name = redis_reply_text(redis_reply_at(texts, 2 * i)),
			.value = redis_reply_text(redis_reply_at(texts, 2 * i + 1)),
		};
	*out = (struct archive_entry){
		.kind = s->kind,
		.stream = bytes_str(s->key),
		.tenant = bytes_str(s->tenant),
		.id = stream_entry_id(reply),
		.fields = fields,
		.count = count,
	};
}

/* How old an entry is, by its id. */
static uint64_t entry_age_ms(struct bytes id, uint64_t now_ms)
{
	uint64_t ms;

	if (bytes_u64(bytes_sub(id, 0, bytes_find(id, '-')), &ms) || ms > now_ms)
		return 0;
	return now_ms - ms;
}

static int archive_batch_of(struct archive_process *p, const struct archive_source *s,
			    const struct redisReply *entries, struct archive_mark *to)
{
	static struct archive_field fields[FIELDS_MAX];
	size_t count = redis_reply_count(entries);
	struct archive_entry entry;
	int err = 0;

	archive_batch_clear(p->batch);
	for (size_t i = 0; i < count && !err; i++) {
		archive_entry_of(&entry, fields, s, redis_reply_at(entries, i));
		err = archive_batch_add(p->batch, &entry);
	}
	if (err || !count || bytes_cstr(entry.id, to->entry, sizeof(to->entry)))
		return err ? err : -EBADMSG;
	archive_own(to->own, &entry);
	return 0;
}

static void reader_on_entries(struct bytes key, const struct redisReply *entries, void *arg)
{
	struct archive_process *p = arg;
	struct archive_source *s = archived_find(p, key);
	uint64_t now_ms = clock_utc_ms();
	struct archive_mark to = { 0 };
	int err;

	if (!p->archive || !s || s->known != ARCHIVE_KNOWN || p->spool.replays)
		return;
	err = archive_batch_of(p, s, entries, &to);
	if (!err)
		err = archive_save(p->archive, p->batch, key, &s->mark, (int64_t)now_ms);
	if (!err) {
		s->mark = to;
		memcpy(s->at, to.entry, sizeof(s->at));
		p->saved += archive_batch_count(p->batch);
		p->lag_ms = entry_age_ms(bytes_str(to.entry), now_ms);
		s->late = p->lag_ms >= LATE_MS && redis_reply_count(entries) == ARCHIVE_EACH;
		archive_source_trim(p, s, archive_batch_count(p->batch));
	} else if (err == -ESTALE) {
		s->known = ARCHIVE_UNKNOWN;
	} else {
		archive_process_failed(p, sql_why(archive_sql(p->archive)));
	}
	archive_batch_clear(p->batch);
}

static const struct streams_way g_archive_way = {
	.together = TOGETHER,
	.each = ARCHIVE_EACH,
	.wait_ms = WAIT_MS,
	.deadline_ns = DEADLINE_NS,
	.poll_ns = POLL_MS * NS_PER_MS,
	.entries = reader_on_entries,
};

/* ---- marks ---- */

static void mark_on_entry(int err, const struct redisReply *reply, void *arg)
{
	static struct archive_field fields[FIELDS_MAX];
	struct source_request *ask = arg;
	struct archive_source *s = archived_find(ask->process, bytes_str(ask->key));
	struct archive_entry entry;
	char own[ARCHIVE_OWN_MAX] = "";

	free(ask);
	if (!s || s->known != ARCHIVE_ASKED)
		return;
	if (err || redis_is_error(reply, NULL)) {
		s->known = ARCHIVE_UNKNOWN;
		return;
	}
	if (redis_reply_count(reply)) {
		archive_entry_of(&entry, fields, s, redis_reply_at(reply, 0));
		archive_own(own, &entry);
	}
	s->known = ARCHIVE_KNOWN;
	if (!strcmp(own, s->mark.own))
		memcpy(s->at, s->mark.entry, sizeof(s->at));
	else
		LOG_WARN("archive", 0,
			 "a stream has another entry at its mark, or none: all of it is read",
			 LOG_STR("stream", s->key), LOG_STR("mark", s->mark.entry));
}

void archive_source_mark(struct archive_process *p, struct archive_source *s)
{
	struct source_request *ask;
	struct bytes args[] = { BYTES_LIT("XRANGE"), bytes_str(s->key), bytes_str(s->mark.entry),
				bytes_str(s->mark.entry) };

	if (archive_mark_get(p->archive, bytes_str(s->key), &s->mark)) {
		archive_process_failed(p, sql_why(archive_sql(p->archive)));
		return;
	}
	(void)bytes_cstr(BYTES_LIT(STREAM_BEGINNING), s->at, sizeof(s->at));
	s->known = s->mark.entry[0] ? ARCHIVE_UNKNOWN : ARCHIVE_KNOWN;
	ask = s->mark.entry[0] ? source_ask_new(p, s) : NULL;
	if (!ask)
		return;
	args[2] = args[3] = bytes_str(s->mark.entry);
	if (redis_command(p->redis, args, COUNT_OF(args), DEADLINE_NS, mark_on_entry, ask))
		free(ask);
	else
		s->known = ARCHIVE_ASKED;
}

/* ---- terms ---- */

static bool archive_source_of(struct archive_source *out, const json_t *row)
{
	json_int_t kind = json_integer_value(json_array_get(row, 0));
	const char *key = json_string_value(json_array_get(row, 1));
	const char *tenant = json_string_value(json_array_get(row, 2));

	*out = (struct archive_source){ .kind = (enum archive_stream)kind };
	return kind >= ARCHIVE_CDRS && kind <= ARCHIVE_SECURITY && key && tenant &&
	       !bytes_cstr(bytes_str(key), out->key, sizeof(out->key)) &&
	       !bytes_cstr(bytes_str(tenant), out->tenant, sizeof(out->tenant));
}

void archive_reader_set(struct archive_process *p, const json_t *streams)
{
	size_t count = 0, i;
	struct archive_source *sources = calloc(json_array_size(streams) + 1, sizeof(*sources));
	const json_t *row;

	if (!sources)
		return;
	json_array_foreach(streams, i, row)
	{
		const struct archive_source *before;

		if (!archive_source_of(&sources[count], row))
			continue;
		before = archived_find(p, bytes_str(sources[count].key));
		if (before)
			sources[count] = *before;
		count++;
	}
	qsort(sources, count, sizeof(*sources), source_order);
	free(p->sources);
	p->sources = sources;
	p->source_count = count;
}

void archive_reader_forget(struct archive_process *p)
{
	for (size_t i = 0; i < p->source_count; i++) {
		p->sources[i].known = ARCHIVE_UNKNOWN;
		p->sources[i].late = false;
	}
}

/* ---- life ---- */

static void archive_on_redis(bool connected, void *arg)
{
	(void)connected;
	archive_reader_forget(arg);
}

int archive_reader_open(struct archive_process *p, const json_t *begin)
{
	struct redis_settings set = { .deadline_ns = DEADLINE_NS,
				      .pending_max = 32768,
				      .labels = "link=\"archive\"" };
	int err = child_redis_read(&p->place, &set.place, begin);

	if (!err)
		err = redis_open(&p->redis, &set, archive_on_redis, p);
	explicit_bzero(&set, sizeof(set));
	p->outcome = (struct streams){ .redis = p->redis, .way = &g_archive_way, .arg = p };
	return err;
}

/* One request for all streams with known marks. It waits in Redis for the first entry. */
static void reader_request(struct archive_process *p, uint64_t now_ns)
{
	bool waits = false;

	for (size_t i = 0; i < p->source_count && p->archive; i++) {
		if (p->sources[i].known == ARCHIVE_UNKNOWN)
			archive_source_mark(p, &p->sources[i]);
		waits |= p->sources[i].known != ARCHIVE_KNOWN;
	}
	if (waits || !p->archive)
		return;
	for (size_t i = 0; i < p->source_count; i++)
		streams_add(&p->outcome, bytes_str(p->sources[i].key), bytes_str(p->sources[i].at));
	streams_request(&p->outcome, now_ns);
}

uint64_t archive_reader_round(struct archive_process *p, uint64_t now_ns)
{
	uint64_t due_ns, next_ns;

	if (!p->redis)
		return UINT64_MAX;
	redis_expire(p->redis, now_ns);
	if (p->reads && p->archive && !p->spool.replays && redis_is_connected(p->redis) &&
	    streams_are_due(&p->outcome, now_ns))
		reader_request(p, now_ns);
	redis_flush(p->redis);
	next_ns = redis_next_ns(p->redis);
	due_ns = p->reads && p->archive && redis_is_connected(p->redis)
			 ? streams_next_ns(&p->outcome)
			 : UINT64_MAX;
	if (due_ns <= now_ns) /* marks are asked for */
		due_ns = UINT64_MAX;
	return due_ns < next_ns ? due_ns : next_ns;
}

void archive_reader_close(struct archive_process *p)
{
	if (p->redis)
		redis_close(p->redis);
	streams_clear(&p->outcome);
	free(p->sources);
}
