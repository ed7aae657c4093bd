/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tandemctl backup: writes the file of ctl_backup.h from what a node has in Redis and in its
 * folders. What both directions ask a node for is here, too.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "app/ctl/ctl_backup.h"
#include "app/ctl/ctl_tar.h"
#include "app/deliver/folder.h"
#include "app/schema/feature.h"
#include "base/clock.h"
#include "base/json_member.h"
#include "cluster/embedded/embedded.h"

const char *g_ctl_version = "";

json_t *backup_request(const struct ctl_target *target, const char *command, json_t *args,
		       const char *about)
{
	json_t *answer = ctl_send(target, command, args);
	json_t *result = json_incref(json_object_get(answer, "result"));
	const json_t *error = json_object_get(answer, "error");

	if (error)
		ctl_complain("%s%s%s: %s", about, about[0] ? ": " : "", json_text(error, "code"),
			     json_text(error, "message"));
	json_decref(args);
	json_decref(answer);
	return result;
}

/* As set.put and others, without what no other node can use: versions of sets, sessions. */
static bool kind_is_kept(const char *kind)
{
	return strcmp(kind, "set") != 0 && strcmp(kind, "session") != 0;
}

json_t *backup_documents(const struct ctl_target *target, json_t **about)
{
	json_t *all = json_array(), *page = NULL, *one;
	json_int_t cursor = 0;
	size_t i;

	do {
		json_decref(page);
		page = backup_request(target, "backup.read", json_pack("{s:I}", "cursor", cursor),
				      "");
		json_array_foreach(json_object_get(page, "documents"), i, one)
		{
			if (kind_is_kept(json_text(one, "kind")))
				(void)json_array_append(all, one);
		}
		cursor = json_integer_value(json_object_get(page, "next"));
	} while (page && cursor);
	if (!page) {
		json_decref(all);
		return NULL;
	}
	(void)json_object_del(page, "documents");
	*about = page;
	return all;
}

void backup_hash_text(EVP_MD_CTX *hash, char out[SHA_TEXT + 1])
{
	uint8_t digest[EVP_MAX_MD_SIZE] = { 0 };
	struct writer w = writer_over(out, SHA_TEXT);

	(void)EVP_DigestFinal_ex(hash, digest, NULL);
	writer_hex(&w, bytes_mem(digest, SHA_TEXT / 2));
	out[SHA_TEXT] = '\0';
}

/* ---- a file is written ---- */

struct backup_out {
	const struct ctl_target *target;
	FILE *file;
	char path[BACKUP_PATH_MAX]; /* .part, until all of it is there */
	EVP_MD_CTX *hash;
	json_t *sums, *boxes; /* {name: sum}; {"TENANT MAILBOX": has files here} */
	uint64_t utc_s;
	bool all; /* recordings that lie in no mailbox, too */
	bool failed;
	uint64_t prompts, messages, rows, recordings, octets;
};

PRINTF_LIKE(2, 3)
static bool out_fail(struct backup_out *o, const char *fmt, ...)
{
	char text[BACKUP_PATH_MAX + 256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!o->failed)
		ctl_complain("%s", text);
	o->failed = true;
	return false;
}

static bool out_octets(struct backup_out *o, const void *p, size_t n)
{
	o->octets += n;
	if (fwrite(p, 1, n, o->file) == n)
		return true;
	return out_fail(o, "%s: %s", o->path, strerror(errno));
}

static bool member_start(struct backup_out *o, const char *name, uint64_t size)
{
	struct tar_head head = { .size = size, .utc_s = o->utc_s };
	uint8_t block[TAR_BLOCK];

	(void)snprintf(head.name, sizeof(head.name), "%s", name);
	if (!tar_head_write(block, &head))
		return out_fail(o, "%s: its name is too long, or it has 8 GiB or more", name);
	(void)EVP_DigestInit_ex(o->hash, EVP_sha256(), NULL);
	return out_octets(o, block, sizeof(block));
}

static bool member_write(struct backup_out *o, const void *p, size_t n)
{
	return EVP_DigestUpdate(o->hash, p, n) == 1 && out_octets(o, p, n);
}

static bool member_close(struct backup_out *o, const char *name, uint64_t size)
{
	static const uint8_t zero[TAR_BLOCK];
	char sum[SHA_TEXT + 1];

	backup_hash_text(o->hash, sum);
	(void)json_object_set_new(o->sums, name, json_string(sum));
	return out_octets(o, zero, tar_padding(size));
}

static bool member_write_text(struct backup_out *o, const char *name, const char *text, size_t n)
{
	return member_start(o, name, n) && member_write(o, text, n) && member_close(o, name, n);
}

/* A line for each. */
static bool member_lines(struct backup_out *o, const char *name, const json_t *list)
{
	char *text = NULL;
	size_t n = 0, i;
	FILE *lines = open_memstream(&text, &n);
	const json_t *one;
	bool fine;

	json_array_foreach(list, i, one)
	{
		(void)json_dumpf(one, lines, JSON_COMPACT);
		(void)fputc('\n', lines);
	}
	fine = lines && !fclose(lines) && member_write_text(o, name, text, n);
	if (text)
		explicit_bzero(text, n);
	free(text);
	return fine;
}

/* 1; 0: it is gone; -1: complained. */
static int member_file(struct backup_out *o, const char *name, const char *path)
{
	static uint8_t part[1 << 16];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	uint64_t left;
	struct stat st;
	bool fine;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		(void)out_fail(o, "%s: %s", path, fd < 0 ? strerror(errno) : "it is no file");
		if (fd >= 0)
			(void)close(fd);
		return -1;
	}
	left = (uint64_t)st.st_size;
	fine = member_start(o, name, left);
	while (fine && left) {
		ssize_t got = read(fd, part, left < sizeof(part) ? (size_t)left : sizeof(part));

		if (got <= 0)
			fine = out_fail(o, "%s: %s", path,
					got < 0 ? strerror(errno)
						: "it became shorter while it was read");
		else
			fine = member_write(o, part, (size_t)got);
		left -= got > 0 ? (uint64_t)got : 0;
	}
	(void)close(fd);
	return fine && member_close(o, name, (uint64_t)st.st_size) ? 1 : -1;
}

/* ---- what is in it ---- */

/* The sound of each prompt, once. */
static bool prompts_write(struct backup_out *o, const json_t *documents)
{
	const json_t *one;
	size_t i;

	json_array_foreach(documents, i, one)
	{
		const json_t *document = json_object_get(one, "document");
		const char *sha = json_text(document, "sha256");
		char name[TAR_NAME_MAX], path[BACKUP_PATH_MAX];
		int done;

		if (strcmp(json_text(one, "kind"), "prompt") != 0)
			continue;
		(void)snprintf(name, sizeof(name), PROMPTS "%s", sha);
		(void)snprintf(path, sizeof(path), "%s/prompts/%s", o->target->state_dir, sha);
		done = json_object_get(o->sums, name) ? 1 : member_file(o, name, path);
		if (!done)
			return out_fail(
				o,
				"%s: the sound of the prompt %s of the tenant %s is not here: "
				"prompt.get says why",
				path, json_text(one, "name"), json_text(one, "owner"));
		if (done < 0)
			return false;
		o->prompts++;
	}
	return true;
}

static json_t *message_sidecar(const char *path)
{
	json_t *json = json_load_file(path, 0, NULL);

	if (json_is_object(json))
		return json;
	json_decref(json);
	return NULL;
}

/* A finished file of the folder, its sidecar, and that it was delivered. */
static bool recording_save(const struct folder_entry *entry, void *arg)
{
	static const char *const beside[] = { "", ".done", ".json" };
	struct backup_out *o = arg;
	char path[BACKUP_PATH_MAX], name[TAR_NAME_MAX], box[256];
	const char *folder = o->target->recordings;
	const char *mailbox;
	json_t *sidecar;
	bool message;
	int done = 1;

	(void)snprintf(path, sizeof(path), "%s/%s.json", folder, entry->path);
	sidecar = message_sidecar(path);
	mailbox = json_text(sidecar, "mailbox");
	message = mailbox[0] || json_flag(sidecar, "message");
	if (!sidecar || entry->gone != FOLDER_HERE || (!message && !o->all)) {
		json_decref(sidecar);
		return true;
	}
	if (mailbox[0]) {
		(void)snprintf(box, sizeof(box), "%s %s", entry->tenant, mailbox);
		(void)json_object_set_new(o->boxes, box, json_true());
	}
	json_decref(sidecar);
	for (size_t i = 0; done >= 0 && i < COUNT_OF(beside); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s%s", folder, entry->path, beside[i]);
		(void)snprintf(name, sizeof(name), RECORDINGS "%s%s", entry->path, beside[i]);
		done = member_file(o, name, path);
		if (!done && !beside[i][0])
			return true; /* it was deleted meanwhile */
	}
	o->recordings += !message && done >= 0;
	return done >= 0;
}

/* Of all extensions where other nodes share the Redis: messages may lie there alone. */
static void boxes_of_extensions(struct backup_out *o, const json_t *documents)
{
	const json_t *one;
	char box[256];
	size_t i;

	json_array_foreach(documents, i, one)
	{
		(void)snprintf(box, sizeof(box), "%s %s", json_text(one, "owner"),
			       json_text(one, "name"));
		if (!strcmp(json_text(one, "kind"), "extension") && !json_object_get(o->boxes, box))
			(void)json_object_set_new(o->boxes, box, json_false());
	}
}

static json_t *box_page(const struct backup_out *o, const char *tenant, const char *box,
			const char *state, const char *after)
{
	json_t *args = json_pack("{s:s, s:s, s:I}", "tenant", tenant, "mailbox", box, "limit",
				 (json_int_t)1000);

	if (state)
		(void)json_object_set_new(args, "state", json_string(state));
	if (after)
		(void)json_object_set_new(args, "after", json_string(after));
	return backup_request(o->target, "message.list", args, box);
}

/* Reads the messages of a mailbox; deleted ones only where it has files here. elsewhere: other
 * nodes with files of its messages. False: complained. */
static bool box_read(struct backup_out *o, const char *tenant, const char *box, bool here,
		     json_t *list, json_t *elsewhere)
{
	static const char *const states[] = { NULL, "deleted" };
	char name[TAR_NAME_MAX];

	for (size_t s = 0; s < (here ? COUNT_OF(states) : 1); s++) {
		json_t *page = NULL, *row;
		char after[128] = "";
		size_t i;

		do {
			json_decref(page);
			page = box_page(o, tenant, box, states[s], after[0] ? after : NULL);
			json_array_foreach(page, i, row)
			{
				const json_t *part =
					json_array_get(json_object_get(row, "parts"), 0);

				(void)snprintf(after, sizeof(after), "%s",
					       json_text(row, "message"));
				(void)snprintf(name, sizeof(name), RECORDINGS "%s",
					       json_text(part, "name"));
				if (json_object_get(o->sums, name))
					(void)json_array_append_new(
						list, json_pack("{s:s, s:s, s:O}", "tenant", tenant,
								"mailbox", box, "row", row));
				else
					(void)json_object_set_new(
						elsewhere, json_text(part, "node"), json_true());
			}
		} while (json_array_size(page) == 1000);
		if (!page)
			return false;
		json_decref(page);
	}
	return true;
}

static bool messages_write(struct backup_out *o, json_t *elsewhere)
{
	json_t *list = json_array();
	const char *name;
	json_t *value;
	bool fine = true;

	json_object_foreach(o->boxes, name, value)
	{
		char tenant[128];
		const char *space = strchr(name, ' ');

		(void)snprintf(tenant, sizeof(tenant), "%.*s", (int)(space - name), name);
		fine = fine && box_read(o, tenant, space + 1, json_is_true(value), list, elsewhere);
	}
	fine = fine ? member_lines(o, MESSAGES, list)
		    : out_fail(o, "what messages there are is not known: nothing was saved");
	o->messages = json_array_size(list);
	json_decref(list);
	return fine;
}

/* What a feature keeps elsewhere than in documents, as its NOUN.backup pages through it. */
static bool rows_of_write(struct backup_out *o, const struct command *c)
{
	struct bytes noun = command_noun(c);
	json_t *next = NULL, *page, *rows;
	char name[TAR_NAME_MAX];
	unsigned part = 0;
	bool fine;

	do {
		page = backup_request(o->target, c->name, json_pack("{s:o*}", "after", next),
				      "nothing was saved");
		rows = json_object_get(page, "rows");
		next = json_incref(json_object_get(page, "next"));
		(void)snprintf(name, sizeof(name), ROWS BYTES_FMT "/%u.jsonl", BYTES_ARG(noun),
			       part++);
		fine = page && (!json_array_size(rows) || member_lines(o, name, rows));
		o->failed |= !fine;
		o->rows += json_array_size(rows);
		json_decref(page);
	} while (fine && next);
	json_decref(next);
	return fine;
}

static bool backup_rows_write(struct backup_out *o)
{
	bool fine = true;

	COMMAND_EACH (c)
		fine = fine && (!command_is_verb(c, "backup") || rows_of_write(o, c));
	return fine;
}

static bool sums_write(struct backup_out *o)
{
	static const uint8_t zero[2 * TAR_BLOCK];
	json_t *sums = o->sums, *sum;
	char *text = NULL;
	const char *name;
	size_t n = 0;
	FILE *lines = open_memstream(&text, &n);
	bool fine;

	json_object_foreach(sums, name, sum)(void)
		fprintf(lines, "%s  %s\n", json_string_value(sum), name);
	fine = lines && !fclose(lines) && member_write_text(o, SUMS, text, n) &&
	       out_octets(o, zero, sizeof(zero));
	free(text);
	return fine;
}

static bool all_write(struct backup_out *o, json_t *documents, json_t *about, json_t *elsewhere)
{
	char text[32], *head;
	time_t now = (time_t)o->utc_s;
	struct tm tm;
	bool fine;

	(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	(void)json_object_set_new(about, "format", json_integer(BACKUP_FORMAT));
	(void)json_object_set_new(about, "program", json_string(g_ctl_version));
	(void)json_object_set_new(about, "made", json_string(text));
	(void)json_object_set_new(about, "recordings", json_boolean(o->all));
	head = json_dumps(about, JSON_INDENT(1));
	fine = head && member_write_text(o, ABOUT, head, strlen(head));
	free(head);
	fine = fine && member_lines(o, DOCUMENTS, documents) && prompts_write(o, documents) &&
	       folder_walk(o->target->recordings, NULL, NULL, recording_save, o) && !o->failed;
	if (!strstr(o->target->place.url, EMBEDDED_SOCKET))
		boxes_of_extensions(o, documents);
	return fine && messages_write(o, elsewhere) && backup_rows_write(o) && sums_write(o);
}

/* It is there, and on the disk, whole or not at all. */
static bool out_finish(struct backup_out *o, const char *path, bool fine)
{
	fine = fine && fflush(o->file) == 0 && fsync(fileno(o->file)) == 0;
	if (!fine && !o->failed)
		(void)out_fail(o, "%s: %s", o->path, strerror(errno));
	(void)fclose(o->file);
	if (fine && rename(o->path, path))
		fine = out_fail(o, "%s: %s", path, strerror(errno));
	if (!fine)
		(void)unlink(o->path);
	return fine;
}

static void backup_written(const struct backup_out *o, const char *path, size_t documents,
			   json_t *elsewhere)
{
	const char *node;
	json_t *value;

	(void)printf("%s: %zu documents, %" PRIu64 " prompts, %" PRIu64 " messages, %" PRIu64
		     " contacts and notes",
		     path, documents, o->prompts, o->messages, o->rows);
	if (o->all)
		(void)printf(", %" PRIu64 " other recordings", o->recordings);
	(void)printf(", %" PRIu64 " octets\n", o->octets);
	json_object_foreach(elsewhere, node, value)
		ctl_complain("messages that lie on %s are not in it: make a backup there, too",
			     node[0] ? node : "no node");
}

static int backup_write(const struct ctl_target *target, const char *path, bool all)
{
	struct backup_out o = { .target = target, .all = all, .utc_s = clock_utc_ms() / 1000 };
	json_t *about = NULL, *documents = backup_documents(target, &about);
	json_t *elsewhere = json_object();
	int fd = -1;
	bool fine = false;

	(void)snprintf(o.path, sizeof(o.path), "%s.part", path);
	if (documents)
		fd = open(o.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (documents && (fd < 0 || fchmod(fd, 0600)))
		ctl_complain("%s: %s", o.path, strerror(errno));
	o.file = fd >= 0 ? fdopen(fd, "wb") : NULL;
	o.hash = EVP_MD_CTX_new();
	o.sums = json_object();
	o.boxes = json_object();
	if (o.file && o.hash)
		fine = out_finish(&o, path, all_write(&o, documents, about, elsewhere));
	if (fine)
		backup_written(&o, path, json_array_size(documents), elsewhere);
	EVP_MD_CTX_free(o.hash);
	json_decref(o.sums);
	json_decref(o.boxes);
	json_decref(elsewhere);
	json_decref(about);
	json_decref(documents);
	return fine ? CTL_DONE : documents ? CTL_REFUSED : CTL_NO_ANSWER;
}

int ctl_backup(const struct ctl_target *target, const char *verb, int argc, char **argv)
{
	bool restores = !strcmp(verb, "restore"), recordings = false, dry_run = false,
	     force = false;
	const char *path = NULL, *wrong = NULL;

	for (int i = 0; !wrong && i < argc; i++) {
		if (!restores && !strcmp(argv[i], "--recordings"))
			recordings = true;
		else if (restores && !strcmp(argv[i], "--dry-run"))
			dry_run = true;
		else if (restores && !strcmp(argv[i], "--force"))
			force = true;
		else if (argv[i][0] != '-' && !path)
			path = argv[i];
		else
			wrong = argv[i];
	}
	if (wrong || !path) {
		ctl_complain("'%s' is %s: %s FILE %s", wrong ? wrong : "FILE",
			     wrong ? "not understood" : "missing", verb,
			     restores ? "[--dry-run] [--force]" : "[--recordings]");
		return CTL_USAGE;
	}
	if (!target->state_dir[0]) {
		ctl_complain("%s is done on the machine of the node: --config FILE says where its "
			     "folders are",
			     verb);
		return CTL_USAGE;
	}
	return restores ? ctl_restore(target, path, dry_run, force)
			: backup_write(target, path, recordings);
}
