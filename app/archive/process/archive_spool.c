/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What streams would drop before the database takes it. While that is away, or slower than who
 * writes, streams that are nearly as long as they may be are copied to files (cluster/spool/), from
 * where each was read last. The files are saved first, while streams are copied still, and then the
 * streams are read on: what is in both changes nothing. Copies come before all that SQL blocks.
 */

#include "app/archive/process/archive_process.h"
#include "app/archive/process/spool_entry.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "base/log.h"
#include "cluster/record.h"

enum {
	EVERY_MS = 500,
	FULL_MS = 5000, /* so long after the disk took no more */
	SAVE_TRIES = 8,
	FREE_MIN_MIB = 512,
};

#define SPOOL_DEADLINE_NS (10 * NS_PER_S)

/* Entries of which a stream has more are copied: it drops them at a third more. */
static uint64_t spool_from(const struct archive_process *p, enum archive_stream kind)
{
	uint64_t most = archive_stream_kept(kind);

	return (p->stream_max > most ? p->stream_max : most) / 4 * 3;
}

void archive_spool_open(struct archive_process *p, const char *folder)
{
	char path[PATH_MAX];
	int err;

	if (p->spool.is_open)
		return;
	(void)snprintf(path, sizeof(path), "%s/spool", folder);
	err = spool_file_open(&p->spool.file, path);
	p->spool.is_open = !err;
	p->spool.replays = p->spool.is_open && p->spool.file.number;
	if (err)
		LOG_ERROR("archive", 0, "the folder for what waits for the database cannot be used",
			  LOG_STR("folder", path), LOG_STR("error", strerror(-err)));
}

void archive_spool_close(struct archive_process *p)
{
	if (p->spool.is_open)
		spool_file_close(&p->spool.file);
	free(p->spool.segment);
}

/* The database is away, takes the files first, or is slower than who writes the stream. */
static bool spool_is_wanted(const struct archive_process *p, const struct archive_source *s)
{
	return p->archive ? p->spool.replays || s->late : p->trouble[0] != '\0';
}

/* ---- to the disk ---- */

/* 0, -E2BIG, or -errno. */
static int spool_entry_put(struct archive_process *p, const struct archive_source *s,
			   const struct redisReply *reply)
{
	static uint8_t fields[SPOOL_FIELDS_MAX], whole[SPOOL_ENTRY_HEAD + SPOOL_FIELDS_MAX];
	const struct redisReply *texts = redis_reply_at(reply, 1);
	static struct archive_field of[SPOOLED_FIELDS_MAX];
	struct archive_entry entry = {
		s->kind, bytes_str(s->key), bytes_str(s->tenant), stream_entry_id(reply), of, 0
	};
	struct writer w = writer_over(fields, sizeof(fields));
	struct writer out = writer_over(whole, sizeof(whole));

	if (redis_reply_count(texts) / 2 > COUNT_OF(of))
		return -E2BIG;
	for (size_t i = 0; i + 1 < redis_reply_count(texts); i += 2)
		of[entry.count++] = (struct archive_field){
			redis_reply_text(redis_reply_at(texts, i)),
			redis_reply_text(redis_reply_at(texts, i + 1)),
		};
	spooled_entry_write(&w, &entry);
	if (w.overflow)
		return -E2BIG;
	spool_entry_write(&out, &(struct spool_entry){ ++p->spool.number, 0, writer_done(&w) });
	return spool_file_write(&p->spool.file, writer_done(&out));
}

/* Less than that is left to others on its disk. */
static bool spool_has_room(const struct archive_process *p)
{
	struct statvfs of;

	return !fstatvfs(p->spool.file.dir_fd, &of) &&
	       (uint64_t)of.f_bavail * of.f_frsize / (1 << 20) >= FREE_MIN_MIB;
}

static void spool_next(struct archive_process *p)
{
	p->spool.at++;
	p->spool.asked = false;
	if (p->spool.at >= p->source_count) {
		p->spool.at = 0;
		p->spool.next_ns = clock_now_ns() + EVERY_MS * NS_PER_MS;
	}
}

static void spool_failed(struct archive_process *p, int err)
{
	bool said = p->spool.full[0] != '\0';

	(void)snprintf(p->spool.full, sizeof(p->spool.full),
		       "the disk takes no more of what waits for the database (%s): make room in "
		       "node.state_dir before streams have archive.stream_max entries",
		       strerror(-err));
	if (!said)
		LOG_ERROR("archive", 0, "copies of streams cannot be written",
			  LOG_STR("error", p->spool.full));
	p->spool.at = p->source_count;
	spool_next(p);
	p->spool.next_ns = clock_now_ns() + FULL_MS * NS_PER_MS;
}

static void spool_range_request(struct archive_process *p, const struct archive_source *s);

static void spool_on_range(int err, const struct redisReply *reply, void *arg)
{
	struct archive_process *p = arg;
	struct archive_source *s = p->spool.at < p->source_count ? &p->sources[p->spool.at] : NULL;
	size_t count = err || redis_is_error(reply, NULL) ? 0 : redis_reply_count(reply);
	int failed = 0;

	if (!s || !count || !spool_is_wanted(p, s) || strcmp(s->key, p->spool.key) != 0) {
		spool_next(p);
		return;
	}
	failed = spool_has_room(p) ? 0 : -ENOSPC;
	for (size_t i = 0; i < count && !failed; i++) {
		failed = spool_entry_put(p, s, redis_reply_at(reply, i));
		if (failed == -E2BIG) { /* no node writes one */
			LOG_ERROR("archive", 0, "an entry is too large for a file: not copied",
				  LOG_STR("stream", s->key));
			failed = 0;
		}
	}
	if (!failed)
		failed = spool_file_sync(&p->spool.file);
	if (failed) {
		spool_failed(p, failed);
		return;
	}
	p->spool.full[0] = '\0';
	p->spooled += count;
	(void)bytes_cstr(stream_entry_id(redis_reply_at(reply, count - 1)), s->at, sizeof(s->at));
	archive_source_trim(p, s, count);
	if (count < ARCHIVE_EACH)
		spool_next(p);
	else
		spool_range_request(p, s);
}

static void spool_range_request(struct archive_process *p, const struct archive_source *s)
{
	char from[STREAM_MARK_MAX + 1], each[DECIMAL_TEXT_MAX];
	struct bytes args[] = { BYTES_LIT("XRANGE"), bytes_str(s->key),  { 0 },
				BYTES_LIT("+"),      BYTES_LIT("COUNT"), { 0 } };

	(void)snprintf(from, sizeof(from), "(%s", s->at[0] ? s->at : STREAM_BEGINNING);
	args[2] = bytes_str(from);
	args[5] = decimal_text(each, ARCHIVE_EACH);
	memcpy(p->spool.key, s->key, sizeof(p->spool.key));
	if (redis_command(p->redis, args, COUNT_OF(args), SPOOL_DEADLINE_NS, spool_on_range, p))
		spool_next(p);
}

static void spool_on_length(int err, const struct redisReply *reply, void *arg)
{
	struct archive_process *p = arg;
	const struct archive_source *s =
		p->spool.at < p->source_count ? &p->sources[p->spool.at] : NULL;

	if (err || !s || !spool_is_wanted(p, s) ||
	    redis_reply_integer(reply) < (int64_t)spool_from(p, s->kind)) {
		spool_next(p);
		return;
	}
	p->spool.replays = true; /* nobody reads on: its mark stays behind the files */
	spool_range_request(p, s);
}

void archive_spool_round(struct archive_process *p, uint64_t now_ns)
{
	struct bytes args[] = { BYTES_LIT("XLEN"), { 0 } };
	struct archive_source *s;

	if (!p->spool.is_open || p->spool.asked || !p->reads || now_ns < p->spool.next_ns ||
	    !redis_is_connected(p->redis))
		return;
	while (p->spool.at < p->source_count && !spool_is_wanted(p, &p->sources[p->spool.at]))
		p->spool.at++;
	if (p->spool.at >= p->source_count) {
		spool_next(p);
		return;
	}
	s = &p->sources[p->spool.at];
	if (p->archive && !s->at[0]) /* what is saved is not copied; Redis answers that first */
		archive_source_mark(p, s);
	args[1] = bytes_str(s->key);
	p->spool.asked = !redis_command(p->redis, args, COUNT_OF(args), SPOOL_DEADLINE_NS,
					spool_on_length, p);
	if (!p->spool.asked)
		p->spool.next_ns = now_ns + EVERY_MS * NS_PER_MS;
}

/* ---- to the database ---- */

static bool entry_id_read(struct bytes text, uint64_t *ms, uint64_t *number)
{
	struct bytes first;

	return bytes_cut(&text, '-', &first) && !bytes_u64(first, ms) && !bytes_u64(text, number);
}

static bool entry_id_is_before(struct bytes one, struct bytes other)
{
	uint64_t a, b, c, d;

	if (!entry_id_read(one, &a, &b) || !entry_id_read(other, &c, &d))
		return false;
	return a != c ? a < c : b < d;
}

/* The stream's mark moves on where it is behind: else they have one of their own. */
static int spool_batch_save(struct archive_process *p, struct bytes stream, struct bytes first)
{
	char key[ARCHIVE_KEY_MAX + 8];
	struct writer w = writer_over(key, sizeof(key));
	struct archive_mark mark;
	int err = archive_mark_get(p->archive, stream, &mark);

	if (!err && mark.entry[0] && !entry_id_is_before(bytes_str(mark.entry), first)) {
		writer_str(&w, "spool:");
		writer_bytes(&w, stream);
		stream = writer_done(&w);
		err = archive_mark_get(p->archive, stream, &mark);
	}
	return err ? err
		   : archive_save(p->archive, p->batch, stream, &mark, (int64_t)clock_utc_ms());
}

/* It stays for people to look at. */
static void spool_segment_damaged(struct archive_process *p, const char *why)
{
	if (!p->spool.broken)
		LOG_ERROR("archive", 0, "a file of what waits for the database is kept aside",
			  LOG_U64("file", p->spool.segment_number), LOG_STR("error", why));
	p->spool.broken = true;
}

size_t archive_spool_aside(const struct archive_process *p)
{
	int fd = p->spool.is_open
			 ? openat(p->spool.file.dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
			 : -1;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	size_t n = 0;

	while (dir && (entry = readdir(dir)) != NULL) {
		const char *ending = strrchr(entry->d_name, '.');

		n += ending && strcmp(ending, ".broken") == 0;
	}
	if (dir)
		(void)closedir(dir);
	else if (fd >= 0)
		(void)close(fd);
	return n;
}

/* Entries of one stream, one after the other. *rest: behind them. */
static int spool_batch_read(struct archive_process *p, struct bytes *rest, struct bytes *stream,
			    struct bytes *first)
{
	static struct archive_field fields[SPOOLED_FIELDS_MAX];
	struct archive_entry entry;
	struct spool_entry one;
	int err = 0, got;

	archive_batch_clear(p->batch);
	while (!err && archive_batch_count(p->batch) < ARCHIVE_EACH) {
		struct bytes before = *rest;

		got = spool_entry_next(rest, &one);
		if (!got || got == -ENODATA)
			break;
		if (got < 0 || !spooled_entry_read(&entry, fields, one.fields)) {
			spool_segment_damaged(p, "not all of it is whole");
			continue;
		}
		if (!archive_batch_count(p->batch)) {
			*stream = entry.stream;
			*first = entry.id;
		} else if (!bytes_eq(*stream, entry.stream)) {
			*rest = before;
			break;
		}
		err = archive_batch_add(p->batch, &entry);
	}
	return err;
}

static int spool_segment_pop(struct archive_process *p)
{
	size_t n;
	int err;

	p->spool.broken = false;
	p->spool.segment_number = 0;
	err = spool_file_read(&p->spool.file, &p->spool.segment_number, &p->spool.segment, &n);
	p->spool.rest = bytes_mem(p->spool.segment, err ? 0 : n);
	if (!err || err == -ENOENT || err == -ENOMEM || err == -EMFILE || err == -ENFILE ||
	    !p->spool.segment_number)
		return err;
	/* what the disk does not give today it does not give tomorrow: others wait behind it */
	p->spool.segment = NULL;
	spool_segment_damaged(p, strerror(-err));
	return spool_file_remove(&p->spool.file, p->spool.segment_number, true);
}

/* The segment has been saved. */
static int spool_segment_end(struct archive_process *p)
{
	free(p->spool.segment);
	p->spool.segment = NULL;
	return spool_file_remove(&p->spool.file, p->spool.segment_number, p->spool.broken);
}

void archive_spool_again(struct archive_process *p)
{
	free(p->spool.segment);
	p->spool.segment = NULL;
}

void archive_spool_replay(struct archive_process *p)
{
	struct bytes stream = { 0 }, first = { 0 };
	int err = p->spool.segment ? 0 : spool_segment_pop(p);
	char why[SQL_WHY_MAX] = "";

	if (err == -ENOENT) {
		p->spool.replays = false;
		p->spool.full[0] = '\0';
		archive_reader_forget(p);
		return;
	}
	if (!err && p->spool.segment)
		err = spool_batch_read(p, &p->spool.rest, &stream, &first);
	if (!err && archive_batch_count(p->batch)) {
		err = -ESTALE; /* another node saves files of its own */
		for (int i = 0; i < SAVE_TRIES && err == -ESTALE; i++)
			err = spool_batch_save(p, stream, first);
		p->saved += err ? 0 : archive_batch_count(p->batch);
		(void)snprintf(why, sizeof(why), "%s", sql_why(archive_sql(p->archive)));
	} else if (!err && p->spool.segment) {
		err = spool_segment_end(p);
	}
	archive_batch_clear(p->batch);
	if (err && !why[0])
		(void)snprintf(why, sizeof(why), "the folder archive/spool: %s", strerror(-err));
	if (err)
		archive_process_failed(p, why);
}
