/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recording that was interrupted has several files, one for each process that had its call. When
 * the last one is there they become one before delivery: CALL-NUMBER.wav, with their joints and
 * gaps in its sidecar. Those without sound, as the caller had gone, and damaged ones are left out;
 * one that cannot be read prevents the join. Segments without a last one, as the call went to
 * another node, stay as they are after a while, and NAME.apart marks each later one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "app/deliver/process.h"
#include "app/record/record_facts.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

enum { JOIN_MOST = 32, JOIN_PIECE = 1 << 20 };
#define JOIN_APART "apart"

/* The segments of one recording, in their order; the last one is the one that was looked at. */
struct join {
	struct process *p;
	struct sidecar last;
	char path[JOIN_MOST][QUEUE_PATH_MAX];
	uint32_t found;
	bool silent[JOIN_MOST]; /* nothing of it is taken */
	json_t *facts[JOIN_MOST];
	const char *of; /* the one that was looked at */
	char joined[QUEUE_PATH_MAX];
	bool busy;
	bool whole; /* joined is there: who wrote it died while the segments were deleted */
};

/* "CALL-NUMBER." */
static int join_stem(char *out, size_t cap, const struct sidecar *s)
{
	return snprintf(out, cap, "%s-%u.", s->call, s->number);
}

/* Index from 0; the number of all: not in the list. */
static uint32_t join_which(const struct join *j, const char *path)
{
	char name[SIDECAR_FILE_MAX];
	uint32_t i = 0;

	for (; i < j->last.segment; i++) {
		int n = join_stem(name, sizeof(name), &j->last);

		(void)snprintf(name + n, sizeof(name) - (size_t)n, "%u.%s", i + 1,
			       g_sidecar_formats[j->last.format]);
		if (!strcmp(strrchr(path, '/') + 1, name))
			break;
	}
	return i;
}

static json_int_t join_number(const json_t *facts, const char *key)
{
	return json_integer_value(json_object_get(facts, key));
}

static int join_facts_load(const struct join *j, const char *path, json_t **out)
{
	char *text;
	size_t n;
	int err = folder_sidecar_load(j->p->terms.folder, path, &text, &n);

	if (err)
		return err;
	*out = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
	free(text);
	return json_is_object(*out) ? 0 : -EBADMSG;
}

/* Of as many segments: another one may have come since. */
static void join_note_whole(struct join *j, const struct folder_entry *entry)
{
	char name[SIDECAR_FILE_MAX];
	json_t *facts = NULL;
	int n = join_stem(name, sizeof(name), &j->last);

	(void)snprintf(name + n, sizeof(name) - (size_t)n, "%s", g_sidecar_formats[j->last.format]);
	if (entry->gone != FOLDER_HERE || strcmp(strrchr(entry->path, '/') + 1, name) != 0)
		return;
	j->whole = !join_facts_load(j, entry->path, &facts) &&
		   join_number(facts, "segments") == (json_int_t)j->last.segment;
	memcpy(j->joined, entry->path, sizeof(j->joined));
	json_decref(facts);
}

static bool join_note(const struct folder_entry *entry, void *arg)
{
	struct join *j = arg;
	const struct queue_job *q;
	uint32_t i = join_which(j, entry->path);

	join_note_whole(j, entry);
	if (i == j->last.segment || j->path[i][0] ||
	    (entry->state != FOLDER_NEW && entry->state != FOLDER_JOB))
		return true;
	memcpy(j->path[i], entry->path, sizeof(j->path[i]));
	j->found += entry->gone == FOLDER_HERE;
	q = queue_find(&j->p->queue, bytes_str(entry->path));
	j->busy |= q && q->busy;
	return true;
}

/* A process left it behind a moment ago: it has its sidecar soon. */
static bool join_note_left(const struct folder_entry *entry, void *arg)
{
	struct join *j = arg;
	char own[SIDECAR_TENANT_MAX];

	folder_tenant(j->of, own);
	j->busy |= !strcmp(own, entry->tenant) && join_which(j, entry->path) < j->last.segment;
	return !j->busy;
}

/* ---- one file of many ---- */

static int join_open(const struct join *j, uint32_t i)
{
	char from[FOLDER_PATH_MAX];

	folder_path(from, j->p->terms.folder, j->path[i], "");
	return file_read_open(from);
}

static int join_head(const struct join *j, uint32_t i, struct wav_head *h)
{
	uint8_t octets[WAV_HEAD_LEN];
	int fd = join_open(j, i), err = 0;
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return fd;
	n = pread(fd, octets, sizeof(octets), 0);
	if (n < 0 || fstat(fd, &st) < 0)
		err = -errno;
	else if (n < (ssize_t)sizeof(octets) ||
		 wav_head_parse(h, bytes_mem(octets, sizeof(octets))))
		err = -EBADMSG;
	else
		h->data_octets = (uint64_t)st.st_size - WAV_HEAD_LEN;
	(void)close(fd);
	return err;
}

/* It is left out, and the log says why. */
static void join_silence(struct join *j, uint32_t i, const char *why)
{
	j->silent[i] = true;
	LOG_WARN("recordings", 0, "a part of a recording is left out", LOG_STR("file", j->path[i]),
		 LOG_STR("why", why));
}

/* The common head of all with sound; -EMEDIUMTYPE: they do not fit together.
 * Without any sound: that of one. */
static int join_heads(struct join *j, struct wav_head *all)
{
	bool any = false;
	uint64_t octets = 0;
	int err = -EBADMSG;

	for (uint32_t i = 0; i < j->last.segment; i++) {
		struct wav_head h;
		int bad = join_head(j, i, &h);

		if (bad && bad != -EBADMSG)
			return bad;
		if (bad || !h.data_octets) {
			join_silence(j, i, bad ? "it is damaged" : "nothing is in it");
			if (!bad && err)
				*all = h;
			err = bad ? err : 0;
			continue;
		}
		if (any && (h.sound != all->sound || h.rate != all->rate || h.mono != all->mono))
			return -EMEDIUMTYPE;
		if (!any)
			*all = h;
		any = true;
		err = 0;
		octets += h.data_octets;
	}
	all->data_octets = octets;
	return !err && octets > UINT32_MAX - WAV_HEAD_LEN ? -EFBIG : err;
}

static int join_octets(const struct join *j, uint32_t i, off_t from, int to)
{
	int fd = join_open(j, i), err;
	ssize_t n;

	if (fd < 0)
		return fd;
	do {
		n = sendfile(to, fd, &from, JOIN_PIECE);
	} while (n > 0);
	err = n < 0 ? -errno : 0;
	(void)close(fd);
	return err;
}

/* Sections of pcapng stand behind each other as they are. */
static int join_file(struct join *j, int to)
{
	bool wav = j->last.format == SIDECAR_WAV;
	uint8_t octets[WAV_HEAD_LEN];
	struct wav_head head;
	int err = wav ? join_heads(j, &head) : 0;

	if (!err && wav) {
		wav_head_write(octets, &head);
		err = write(to, octets, sizeof(octets)) == (ssize_t)sizeof(octets) ? 0 : -EIO;
	}
	for (uint32_t i = 0; !err && i < j->last.segment; i++) {
		if (!j->silent[i])
			err = join_octets(j, i, wav ? WAV_HEAD_LEN : 0, to);
	}
	return !err && fsync(to) < 0 ? -errno : err;
}

/* ---- its sidecar ---- */

/* Of "2026-11-25T00:00:00.000Z". */
static json_int_t join_time(const json_t *facts, const char *key)
{
	const char *text = json_string_value(json_object_get(facts, key));
	struct tm tm = { 0 };
	unsigned ms = 0;

	if (!text || sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3u", &tm.tm_year, &tm.tm_mon,
			    &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &ms) < 6)
		return 0;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	return (json_int_t)timegm(&tm) * 1000 + ms;
}

/* Joins a list of all files; times are shifted by the length of those before. */
static json_t *join_list(const struct join *j, const char *key)
{
	json_t *all = json_array(), *item;
	json_int_t before_ms = 0;
	size_t k;

	for (uint32_t i = 0; i < j->last.segment; i++) {
		json_array_foreach(json_object_get(j->facts[i], key), k, item)
		{
			(void)json_object_set_new(
				item, "at_ms",
				json_integer(join_number(item, "at_ms") + before_ms));
			(void)json_array_append(all, item);
		}
		before_ms += join_number(j->facts[i], "duration_ms");
	}
	return all;
}

/* Where they meet, and how long nobody wrote there. */
static json_t *join_meetings(const struct join *j)
{
	json_t *all = json_array();
	json_int_t at_ms = 0;

	for (uint32_t i = 1; i < j->last.segment; i++) {
		json_int_t ended = join_time(j->facts[i - 1], "ended"),
			   begun = join_time(j->facts[i], "begun");

		at_ms += join_number(j->facts[i - 1], "duration_ms");
		(void)json_array_append_new(all,
					    json_pack("{s:I, s:I}", "at_ms", at_ms, "ms",
						      ended && begun > ended ? begun - ended : 0));
	}
	return all;
}

static json_t *join_facts(const struct join *j, uint64_t octets)
{
	static const char *const sums[] = { "duration_ms",      "lost_packets", "said_packets",
					    "heard_packets",    "unwritten_ms", "unwritten_packets",
					    "undecoded_packets" };
	static const char *const sound[] = { "codec", "rate", "channels" };
	json_t *all = json_deep_copy(j->facts[j->last.segment - 1]);

	for (size_t s = 0; s < COUNT_OF(sums); s++) {
		json_int_t sum = 0;

		for (uint32_t i = 0; i < j->last.segment; i++)
			sum += join_number(j->facts[i], sums[s]);
		if (sum || json_object_get(all, sums[s]))
			(void)json_object_set_new(all, sums[s], json_integer(sum));
	}
	for (uint32_t i = 0; i < j->last.segment; i++) {
		for (size_t s = 0; !j->silent[i] && s < COUNT_OF(sound); s++) {
			json_t *value = json_object_get(j->facts[i], sound[s]);

			if (value)
				(void)json_object_set(all, sound[s], value);
		}
	}
	(void)json_object_set_new(all, "segment", json_integer(1));
	(void)json_object_set_new(all, "segments", json_integer(j->last.segment));
	(void)json_object_set_new(all, "interrupted", json_true());
	(void)json_object_set_new(all, "octets", json_integer((json_int_t)octets));
	(void)json_object_set_new(all, "file", json_string(strrchr(j->joined, '/') + 1));
	(void)json_object_set(all, "begun", json_object_get(j->facts[0], "begun"));
	(void)json_object_set_new(all, "joins", join_meetings(j));
	(void)json_object_set_new(all, "pauses", join_list(j, "pauses"));
	(void)json_object_set_new(all, "gaps", join_list(j, "gaps"));
	return all;
}

/* ---- all of it ---- */

static int join_sidecar(const struct join *j, uint64_t octets)
{
	char path[FOLDER_PATH_MAX];
	json_t *all = join_facts(j, octets);
	char *text = json_dumps(all, JSON_COMPACT);
	int err = text ? 0 : -ENOMEM;

	folder_path(path, j->p->terms.folder, j->joined, "json");
	if (!err)
		err = strlen(text) > SIDECAR_MAX ? -EFBIG
						 : file_replace(path, 0600, bytes_str(text));
	json_decref(all);
	free(text);
	return err;
}

static int join_write(struct join *j)
{
	char path[FOLDER_PATH_MAX], part[FOLDER_PATH_MAX];
	struct stat st = { 0 };
	int to, err;

	folder_path(path, j->p->terms.folder, j->joined, "");
	folder_path(part, j->p->terms.folder, j->joined, "joining");
	to = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (to < 0)
		return -errno;
	err = join_file(j, to);
	if (!err && (fstat(to, &st) < 0 || rename(part, path) < 0))
		err = -errno;
	(void)close(to);
	if (err)
		(void)unlink(part);
	return err ? err : join_sidecar(j, (uint64_t)st.st_size);
}

static int join_load(struct join *j)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < j->last.segment; i++)
		err = join_facts_load(j, j->path[i], &j->facts[i]);
	return err;
}

static int join_make(struct join *j)
{
	const char *first = j->path[0];
	int n = (int)(strrchr(first, '/') + 1 - first), err = join_load(j);
	char stem[SIDECAR_FILE_MAX];

	(void)join_stem(stem, sizeof(stem), &j->last);
	(void)snprintf(j->joined, sizeof(j->joined), "%.*s%s%s", n, first, stem,
		       g_sidecar_formats[j->last.format]);
	if (!err)
		err = join_write(j);
	for (uint32_t i = 0; i < j->last.segment; i++)
		json_decref(j->facts[i]);
	return err;
}

/* A crash before the whole file and its sidecar exist leaves all segments, a later one some. */
static int join_do(struct join *j)
{
	int err = j->whole ? 0 : join_make(j);

	for (uint32_t i = 0; !err && i < j->last.segment; i++) {
		struct queue_job *q = queue_find(&j->p->queue, bytes_str(j->path[i]));

		if (q)
			queue_drop(&j->p->queue, q);
		if (j->path[i][0])
			err = folder_delete(j->p->terms.folder, j->path[i],
					    process_index_trace(j->p, FOLDER_REPLACED));
	}
	if (!err)
		(void)process_queue_put(j->p, j->joined, 0);
	return err;
}

static enum process_join join_try(struct process *p, const char *path, const struct sidecar *last,
				  bool may_wait)
{
	struct join *j = last->segment <= JOIN_MOST ? calloc(1, sizeof(*j)) : NULL;
	char tenant[SIDECAR_TENANT_MAX];
	enum process_join verdict = JOIN_GO;
	int err;

	if (!j)
		return JOIN_GO;
	j->p = p;
	j->last = *last;
	j->of = path;
	folder_tenant(path, tenant);
	(void)folder_walk(p->terms.folder, tenant, NULL, join_note, j);
	if (j->found < last->segment && !j->whole && may_wait)
		(void)folder_walk_running(p->terms.folder, NULL, join_note_left, j);
	if (j->busy) {
		verdict = JOIN_LATER;
	} else if (j->whole || j->found == last->segment) {
		err = join_do(j);
		verdict = err ? JOIN_GO : JOIN_DONE;
		if (err)
			LOG_WARN("recordings", 0,
				 "the parts of a recording are not joined: they are delivered each "
				 "by itself",
				 LOG_STR("file", path), LOG_STR("why", strerror(-err)));
		else
			LOG_INFO("recordings", 0, "the parts of a recording are joined",
				 LOG_STR("file", j->joined), LOG_U64("parts", last->segment));
	}
	free(j);
	return verdict;
}

/* It may wait still. */
static bool join_is_young(const struct process *p, const char *path, uint64_t now_ms)
{
	char name[FOLDER_PATH_MAX];
	struct stat st;

	folder_path(name, p->terms.folder, path, "json");
	return stat(name, &st) == 0 &&
	       (uint64_t)st.st_mtime * 1000 + p->terms.join_wait_ms > now_ms;
}

/* Nobody looks at it again. */
static void join_leave(const struct process *p, const char *path)
{
	char name[FOLDER_PATH_MAX];
	int err;

	folder_path(name, p->terms.folder, path, JOIN_APART);
	err = file_create(name, 0600, bytes_str(""));
	if (err && err != -EEXIST)
		LOG_WARN("recordings", 0,
			 "it cannot be written down that a part of a recording stays one",
			 LOG_STR("file", path), LOG_STR("error", strerror(-err)));
}

enum process_join process_join(struct process *p, const char *path, const struct sidecar *facts,
			       uint64_t now_ms)
{
	enum process_join verdict = JOIN_GO;
	bool young;

	if (!p->terms.join_wait_ms || strstr(path, COPY_CUT) ||
	    (facts->last && facts->segment == 1) || work_is_there(p, path, JOIN_APART))
		return JOIN_GO;
	young = join_is_young(p, path, now_ms);
	if (facts->last)
		verdict = join_try(p, path, facts, young);
	else if (young)
		verdict = JOIN_LATER;
	if (verdict == JOIN_GO)
		join_leave(p, path);
	return verdict;
}

/* CALL-NUMBER.SEGMENT.FORMAT, as the recorder names it. */
bool process_join_is_open(const struct process *p, const struct folder_entry *entry)
{
	struct bytes rest = bytes_str(strrchr(entry->path, '/') + 1), part;
	uint32_t segment;

	return p->terms.join_wait_ms && !entry->apart && bytes_cut(&rest, '.', &part) &&
	       bytes_cut(&rest, '.', &part) && !bytes_u32(part, &segment) && segment > 1 &&
	       (bytes_is(rest, g_sidecar_formats[SIDECAR_WAV]) ||
		bytes_is(rest, g_sidecar_formats[SIDECAR_PCAPNG]));
}
