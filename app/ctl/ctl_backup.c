/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tandemctl backup and restore: a node's data in one file. It is a tar archive (ustar): backup.json
 * names the node, documents.jsonl has the documents with sealed secrets, messages.jsonl the
 * messages of mailboxes; then come sounds of prompts and files of recordings. SHA256SUMS is the
 * last member: a file without it was cut off. Nothing is restored before the whole file was read
 * and compared.
 */
#include <dirent.h>
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

#include <openssl/evp.h>

#include "app/ctl/ctl.h"
#include "app/ctl/ctl_tar.h"
#include "app/deliver/folder.h"
#include "base/clock.h"
#include "base/json_member.h"
#include "cluster/embedded/embedded.h"

const char *g_ctl_version = "";

enum {
	BACKUP_FORMAT = 1,
	BACKUP_TEXT_MAX = 256 << 20, /* of a member that is kept in memory */
	BACKUP_PATH_MAX = 1024,
	SHA_TEXT = 64,
	LISTED_WAIT_S = 60, /* tandem-store looks through the folder each recordings.scan */
};

#define ABOUT      "backup.json"
#define DOCUMENTS  "documents.jsonl"
#define MESSAGES   "messages.jsonl"
#define PROMPTS    "prompts/"
#define RECORDINGS "recordings/"
#define SUMS       "SHA256SUMS"

/* ---- of both ---- */

/* The answer's result as a new reference; NULL: complained, with what it was about. */
static json_t *backup_ask(const struct ctl_target *target, const char *command, json_t *args,
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

/* All documents of the node, and in *about what it says of itself. NULL: complained. */
static json_t *documents_read(const struct ctl_target *target, json_t **about)
{
	json_t *all = json_array(), *page = NULL, *one;
	json_int_t cursor = 0;
	size_t i;

	do {
		json_decref(page);
		page = backup_ask(target, "backup.read", json_pack("{s:I}", "cursor", cursor), "");
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

static void hash_text(EVP_MD_CTX *hash, char out[SHA_TEXT + 1])
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
	uint64_t prompts, messages, recordings, octets;
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

	hash_text(o->hash, sum);
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
static bool boxes_of_extensions(struct backup_out *o, const json_t *documents)
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
	return true;
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
	return backup_ask(o->target, "message.list", args, box);
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
	return fine && member_lines(o, DOCUMENTS, documents) && prompts_write(o, documents) &&
	       folder_walk(o->target->recordings, NULL, NULL, recording_save, o) && !o->failed &&
	       (strstr(o->target->place.url, EMBEDDED_SOCKET) ||
		boxes_of_extensions(o, documents)) &&
	       messages_write(o, elsewhere) && sums_write(o);
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

static void backup_told(const struct backup_out *o, const char *path, size_t documents,
			json_t *elsewhere)
{
	const char *node;
	json_t *value;

	(void)printf("%s: %zu documents, %" PRIu64 " prompts, %" PRIu64 " messages", path,
		     documents, o->prompts, o->messages);
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
	json_t *about = NULL, *documents = documents_read(target, &about);
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
		backup_told(&o, path, json_array_size(documents), elsewhere);
	EVP_MD_CTX_free(o.hash);
	json_decref(o.sums);
	json_decref(o.boxes);
	json_decref(elsewhere);
	json_decref(about);
	json_decref(documents);
	return fine ? CTL_DONE : documents ? CTL_REFUSED : CTL_NO_ANSWER;
}

/* ---- a file is read ---- */

struct backup_in {
	const struct ctl_target *target;
	const char *path;
	FILE *file;
	uint64_t at;
	EVP_MD_CTX *hash;
	json_t *sums, *places; /* {name: sum} and {name: [octet, size]} of what was read */
	json_t *about, *documents, *messages;
	uint64_t done; /* documents that are there */
};

PRINTF_LIKE(2, 3)
static bool in_fail(const struct backup_in *in, const char *fmt, ...)
{
	char text[BACKUP_PATH_MAX + 256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	ctl_complain("%s: octet %" PRIu64 ": %s: nothing was restored", in->path, in->at, text);
	return false;
}

static bool in_octets(struct backup_in *in, void *p, size_t n)
{
	size_t got = fread(p, 1, n, in->file);

	if (got < n) {
		in->at += got;
		return in_fail(in, "%s", ferror(in->file) ? strerror(errno) : "the file is cut");
	}
	in->at += n;
	return true;
}

/* text: where the content goes, with a '\0' behind it; NULL: it is hashed alone. */
static bool content_read(struct backup_in *in, uint64_t size, char *text)
{
	static uint8_t part[1 << 16];

	(void)EVP_DigestInit_ex(in->hash, EVP_sha256(), NULL);
	for (uint64_t left = size; left;) {
		size_t n = left < sizeof(part) ? (size_t)left : sizeof(part);

		if (!in_octets(in, part, n))
			return false;
		(void)EVP_DigestUpdate(in->hash, part, n);
		if (text)
			memcpy(text + (size - left), part, n);
		left -= n;
	}
	return in_octets(in, part, tar_padding(size));
}

/* Lines of JSON. NULL: complained. */
static json_t *lines_read(const struct backup_in *in, const char *name, const char *text)
{
	json_t *list = json_array();
	unsigned line = 1;

	for (const char *end; *text; text = end + 1, line++) {
		json_error_t error;
		json_t *one;

		end = strchr(text, '\n');
		one = end ? json_loadb(text, (size_t)(end - text), 0, &error) : NULL;
		if (!json_is_object(one)) {
			json_decref(one);
			json_decref(list);
			(void)in_fail(in, "%s, line %u: %s", name, line,
				      end ? error.text : "it has no end");
			return NULL;
		}
		(void)json_array_append_new(list, one);
	}
	return list;
}

/* Sums are in the order of members. */
static bool sums_compare(struct backup_in *in, const char *text)
{
	const char *name;
	json_t *sum;
	size_t named = 0;

	json_object_foreach(in->sums, name, sum)
	{
		char line[SHA_TEXT + TAR_NAME_MAX + 8];
		int n = snprintf(line, sizeof(line), "%s  %s\n", json_string_value(sum), name);
		const char *place = strstr(text, name);

		if (strncmp(text, line, (size_t)n) != 0) {
			in->at = (uint64_t)json_integer_value(
				json_array_get(json_object_get(in->places, name), 0));
			return in_fail(in, "%s %s", name,
				       place ? "is damaged: it has another checksum"
					     : "has no checksum in " SUMS);
		}
		text += n;
		named++;
	}
	return !*text || in_fail(in, SUMS " names more than the %zu files that are there", named);
}

static bool in_take(struct backup_in *in, const char *name, const char *text)
{
	json_error_t error;

	if (!strcmp(name, ABOUT)) {
		in->about = json_loads(text, 0, &error);
		return json_is_object(in->about) ||
		       in_fail(in, "%s, line %d: %s", name, error.line, error.text);
	}
	if (!strcmp(name, DOCUMENTS))
		return (in->documents = lines_read(in, name, text)) != NULL;
	return (in->messages = lines_read(in, name, text)) != NULL;
}

/* *end: that was the last one. */
static bool member_read(struct backup_in *in, bool *end)
{
	struct tar_head head;
	uint8_t block[TAR_BLOCK];
	uint64_t from = in->at;
	char sum[SHA_TEXT + 1], *text = NULL;
	const char *wrong;
	bool fine, is_sums, is_text;

	if (!in_octets(in, block, sizeof(block)))
		return false;
	wrong = tar_head_parse(&head, block);
	in->at = wrong ? from : in->at;
	if (wrong || !head.name[0])
		return in_fail(in, "%s", wrong ? wrong : "the file ends without " SUMS);
	is_sums = !strcmp(head.name, SUMS);
	is_text = is_sums || !strcmp(head.name, ABOUT) || !strcmp(head.name, DOCUMENTS) ||
		  !strcmp(head.name, MESSAGES);
	if (json_object_get(in->sums, head.name))
		return in_fail(in, "%s is there twice", head.name);
	if (!json_object_size(in->sums) && strcmp(head.name, ABOUT) != 0)
		return in_fail(in, "it begins with %s: it is no backup of tandemctl", head.name);
	if (is_text && (head.size > BACKUP_TEXT_MAX || !(text = calloc(1, head.size + 1))))
		return in_fail(in, "%s is too long", head.name);
	fine = content_read(in, head.size, text);
	hash_text(in->hash, sum);
	if (fine && is_sums)
		fine = sums_compare(in, text);
	else if (fine)
		fine = !is_text || in_take(in, head.name, text);
	(void)json_object_set_new(in->sums, head.name, json_string(sum));
	(void)json_object_set_new(in->places, head.name,
				  json_pack("[I, I]", (json_int_t)from + TAR_BLOCK,
					    (json_int_t)head.size));
	*end = is_sums;
	if (text)
		explicit_bzero(text, head.size);
	free(text);
	return fine;
}

/* All of it is there, and as it was written. False: complained. */
static bool backup_check(struct backup_in *in)
{
	bool end = false;
	uint64_t format;
	const json_t *one;
	size_t i;

	while (!end) {
		if (!member_read(in, &end))
			return false;
		format = json_count(in->about, "format");
		if (format != BACKUP_FORMAT)
			return in_fail(in, "its format is %" PRIu64 ", of a %s program (%s)",
				       format, format > BACKUP_FORMAT ? "later" : "foreign",
				       json_text(in->about, "program"));
	}
	if (!in->documents || !in->messages)
		return in_fail(in, "%s is missing", in->documents ? MESSAGES : DOCUMENTS);
	json_array_foreach(in->documents, i, one)
	{
		char name[TAR_NAME_MAX];

		(void)snprintf(name, sizeof(name), PROMPTS "%s",
			       json_text(json_object_get(one, "document"), "sha256"));
		if (!strcmp(json_text(one, "kind"), "prompt") && !json_object_get(in->places, name))
			return in_fail(in, "%s is missing", name);
	}
	return true;
}

/* ---- what is there already ---- */

static const char *document_label(const json_t *one, char out[256])
{
	(void)snprintf(out, 256, "%s/%s/%s", json_text(one, "owner"), json_text(one, "kind"),
		       json_text(one, "name"));
	return out;
}

/* Of a prompt: when it was put is another time at another node. */
static bool documents_equal(const json_t *a, const json_t *b)
{
	json_t *one, *other;
	bool same;

	if (strcmp(json_text(a, "kind"), "prompt") != 0)
		return json_equal(json_object_get(a, "document"), json_object_get(b, "document"));
	one = json_copy(json_object_get(a, "document"));
	other = json_copy(json_object_get(b, "document"));
	(void)json_object_del(one, "changed_utc_ms");
	(void)json_object_del(other, "changed_utc_ms");
	same = json_equal(one, other);
	json_decref(one);
	json_decref(other);
	return same;
}

/* The documents of the node that the file does not have as they are. */
static bool node_compare(const struct backup_in *in, const json_t *there, bool force)
{
	json_t *wanted = json_object();
	char label[256], first[256] = "";
	json_t *one;
	size_t i, others = 0;

	json_array_foreach(in->documents, i, one)(void)
		json_object_set(wanted, document_label(one, label), one);
	json_array_foreach(there, i, one)
	{
		const json_t *same = json_object_get(wanted, document_label(one, label));

		if (same && documents_equal(same, one))
			continue;
		others++;
		(void)snprintf(first, sizeof(first), "%s", label);
	}
	json_decref(wanted);
	if (!others || force)
		return true;
	ctl_complain(
		"the node has %zu documents that are not those of the file, such as %s: nothing "
		"was restored. --force puts the file's documents over them, and leaves the "
		"others",
		others, first);
	return false;
}

/* The node can read what is sealed, and phones have the same realm. */
static bool node_fits(const struct backup_in *in, const json_t *about, bool force)
{
	const char *realm = json_text(in->about, "realm"), *here = json_text(about, "realm");

	if (strcmp(json_text(in->about, "keys"), json_text(about, "keys")) != 0) {
		ctl_complain(
			"%s was made with another file keys: secrets in it cannot be read here. "
			"Put the file keys of that node into %s, start the node, and restore "
			"again: nothing was restored",
			in->path, in->target->state_dir);
		return false;
	}
	if (!strcmp(realm, here) || force)
		return true;
	ctl_complain("the realm of the node is %s, and of %s it is %s: no password of the tenant "
		     "default would count. Set sip.realm to %s and start the node again, or say "
		     "--force: nothing was restored",
		     here, in->path, realm, realm);
	return false;
}

/* ---- it is put ---- */

static json_t *document_put_send(const struct backup_in *in, const json_t *one, bool dry_run)
{
	char label[256];

	return backup_ask(in->target, "backup.restore",
			  json_pack("{s:O, s:O, s:O, s:b}", "owner", json_object_get(one, "owner"),
				    "kind", json_object_get(one, "kind"), "document",
				    json_object_get(one, "document"), "dry_run", (int)dry_run),
			  document_label(one, label));
}

/* A member of the file, to be read from where the offset is. -1: complained. */
static int member_open(const struct backup_in *in, const char *name, uint64_t *size)
{
	const json_t *place = json_object_get(in->places, name);
	int fd = open(in->path, O_RDONLY | O_CLOEXEC);

	*size = (uint64_t)json_integer_value(json_array_get(place, 1));
	if (fd >= 0 &&
	    lseek(fd, (off_t)json_integer_value(json_array_get(place, 0)), SEEK_SET) >= 0)
		return fd;
	ctl_complain("%s: %s", in->path, strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

/* False: complained. */
static bool member_copy(const struct backup_in *in, const char *name, int to, const char *path)
{
	static uint8_t part[1 << 16];
	uint64_t size;
	int from = member_open(in, name, &size);
	bool fine = from >= 0;

	while (fine && size) {
		ssize_t got = read(from, part, size < sizeof(part) ? (size_t)size : sizeof(part));

		fine = got > 0 && write(to, part, (size_t)got) == got;
		size -= got > 0 ? (uint64_t)got : 0;
	}
	if (from >= 0 && !fine)
		ctl_complain("%s: %s", path, strerror(errno));
	if (from >= 0)
		(void)close(from);
	return fine;
}

/* By prompt.put, which looks whether it can be played. */
static json_t *prompt_put_send(const struct backup_in *in, const json_t *one)
{
	const json_t *d = json_object_get(one, "document");
	char path[] = "/tmp/tandemctl-XXXXXX", name[TAR_NAME_MAX], label[256];
	json_t *args, *result = NULL;
	int fd = mkstemp(path);

	(void)snprintf(name, sizeof(name), PROMPTS "%s", json_text(d, "sha256"));
	if (fd < 0)
		ctl_complain("%s: %s", path, strerror(errno));
	if (fd >= 0 && member_copy(in, name, fd, path)) {
		args = json_pack("{s:O, s:O, s:s}", "tenant", json_object_get(one, "owner"), "name",
				 json_object_get(d, "name"), "file", path);
		if (json_text(d, "language")[0])
			(void)json_object_set(args, "language", json_object_get(d, "language"));
		if (json_count(d, "until_utc_ms"))
			(void)json_object_set(args, "until_utc_ms",
					      json_object_get(d, "until_utc_ms"));
		result = backup_ask(in->target, "prompt.put", args, document_label(one, label));
	}
	if (fd >= 0) {
		(void)close(fd);
		(void)unlink(path);
	}
	return result;
}

struct put_counts {
	uint64_t created, changed, unchanged;
};

/* there: what the node has. False: complained. */
static bool documents_put(struct backup_in *in, const json_t *there, bool dry_run,
			  struct put_counts *counts)
{
	json_t *had = json_object();
	char label[256];
	json_t *one;
	bool fine = true;
	size_t i;

	json_array_foreach(there, i, one)(void)
		json_object_set(had, document_label(one, label), one);
	json_array_foreach(in->documents, i, one)
	{
		const json_t *before = json_object_get(had, document_label(one, label));
		bool same = before && documents_equal(before, one);
		bool prompt = !strcmp(json_text(one, "kind"), "prompt");
		json_t *result = same      ? json_object()
				 : !prompt ? document_put_send(in, one, dry_run)
				 : dry_run ? json_object()
					   : prompt_put_send(in, one);

		fine &= result != NULL;
		*(same     ? &counts->unchanged
		  : before ? &counts->changed
			   : &counts->created) += result != NULL;
		json_decref(result);
		if (!fine && !dry_run)
			break;
		in->done += !dry_run;
	}
	json_decref(had);
	return fine;
}

/* ---- files of recordings ---- */

/* To the owner of the node's folder: this program may run as root. */
static void owner_give(const struct backup_in *in, const char *path)
{
	struct stat st;

	if (!stat(in->target->state_dir, &st) && geteuid() == 0)
		(void)!lchown(path, st.st_uid, st.st_gid);
}

static bool folders_make(const struct backup_in *in, char *path)
{
	for (char *slash = path + strlen(in->target->recordings); slash;
	     slash = strchr(slash + 1, '/')) {
		int made;

		*slash = '\0';
		made = mkdir(path, 0700);
		if (!made)
			owner_give(in, path);
		if (made && errno != EEXIST) {
			ctl_complain("%s: %s", path, strerror(errno));
			return false;
		}
		*slash = '/';
	}
	return true;
}

/* One that is there stays. False: complained. */
static bool recording_put(const struct backup_in *in, const char *name)
{
	char path[BACKUP_PATH_MAX], part[BACKUP_PATH_MAX + 8];
	bool fine;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", in->target->recordings,
		       name + sizeof(RECORDINGS) - 1);
	(void)snprintf(part, sizeof(part), "%s.part", path);
	if (access(path, F_OK) == 0)
		return true;
	if (!folders_make(in, path))
		return false;
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		ctl_complain("%s: %s", part, strerror(errno));
		return false;
	}
	fine = member_copy(in, name, fd, part) && !fsync(fd);
	(void)close(fd);
	owner_give(in, part);
	if (fine && rename(part, path)) {
		ctl_complain("%s: %s", path, strerror(errno));
		fine = false;
	}
	return fine;
}

/* In the order of the file: a sidecar comes behind what it is of. *count: sidecars. */
static bool recordings_put(const struct backup_in *in, bool dry_run, uint64_t *count)
{
	const char *name;
	json_t *place;

	*count = 0;
	json_object_foreach(in->places, name, place)
	{
		size_t n = strlen(name);

		if (strncmp(name, RECORDINGS, sizeof(RECORDINGS) - 1) != 0)
			continue;
		if (!dry_run && !recording_put(in, name))
			return false;
		*count += n > 5 && !strcmp(name + n - 5, ".json");
	}
	return true;
}

static json_t *message_args(const json_t *one)
{
	const json_t *row = json_object_get(one, "row");

	return json_pack("{s:O, s:O, s:O}", "tenant", json_object_get(one, "tenant"), "mailbox",
			 json_object_get(one, "mailbox"), "message",
			 json_object_get(row, "message"));
}

/* As the node has it, once tandem-store has seen its file. NULL: it has not. */
static json_t *message_wait(const struct backup_in *in, const json_t *one, uint64_t until_ns)
{
	const struct timespec pause = { .tv_nsec = 200000000 };
	json_t *row = NULL;

	while (!row) {
		json_t *args = message_args(one),
		       *answer = ctl_send(in->target, "message.get", args);

		row = json_incref(json_object_get(answer, "result"));
		json_decref(args);
		json_decref(answer);
		if (!row && clock_now_ns() >= until_ns)
			break;
		if (!row)
			(void)nanosleep(&pause, NULL);
	}
	return row;
}

/* As it was in its mailbox. */
static bool message_mark(const struct backup_in *in, const json_t *one)
{
	const json_t *row = json_object_get(one, "row");
	const char *state = json_text(row, "state"), *about = json_text(row, "message");
	bool deleted = !strcmp(state, "deleted");
	json_t *args = message_args(one), *result;

	if (!deleted && strcmp(state, "draft") != 0)
		(void)json_object_set_new(args, "state", json_string(state));
	(void)json_object_set_new(args, "urgent", json_boolean(json_flag(row, "urgent")));
	(void)json_object_set_new(args, "private", json_boolean(json_flag(row, "private")));
	if (json_text(row, "note")[0])
		(void)json_object_set(args, "note", json_object_get(row, "note"));
	result = backup_ask(in->target, "message.put", args, about);
	if (result && deleted) {
		json_decref(result);
		result = backup_ask(in->target, "message.delete", message_args(one), about);
	}
	json_decref(result);
	return result != NULL;
}

static bool messages_mark(const struct backup_in *in)
{
	uint64_t until_ns = clock_now_ns() + LISTED_WAIT_S * NS_PER_S;
	json_t *looked = backup_ask(in->target, "recording.look", json_object(), "");
	size_t i, late = 0;
	const json_t *one;

	if (!looked)
		return false;
	json_decref(looked);

	json_array_foreach(in->messages, i, one)
	{
		json_t *row = message_wait(in, one, until_ns);
		/* it was heard here since, or put before */
		bool changed = json_count(row, "version") > 0, there = row != NULL;

		json_decref(row);
		late += !there;
		if (there && !changed && !message_mark(in, one))
			return false;
	}
	if (late)
		ctl_complain("%zu messages are in the folder of recordings, and in no mailbox yet: "
			     "is tandem-store running?",
			     late);
	return !late;
}

/* ---- restore ---- */

static int restore_all(struct backup_in *in, bool dry_run, bool force)
{
	json_t *about = NULL, *there = documents_read(in->target, &about);
	struct put_counts counts = { 0 };
	uint64_t files;
	bool begun = false, fine = there && node_fits(in, about, force) &&
				   node_compare(in, there, force) &&
				   documents_put(in, there, true, &counts);

	if (there && !fine && counts.created + counts.changed + counts.unchanged)
		ctl_complain("nothing was restored");
	if (fine && !dry_run) {
		begun = true;
		counts = (struct put_counts){ 0 };
		fine = documents_put(in, there, false, &counts);
	}
	fine = fine && recordings_put(in, dry_run, &files) && (dry_run || messages_mark(in));
	if (fine)
		(void)printf("%s: %" PRIu64 " documents created, %" PRIu64 " changed, %" PRIu64
			     " unchanged; %zu messages, %" PRIu64 " files of recordings%s\n",
			     in->path, counts.created, counts.changed, counts.unchanged,
			     json_array_size(in->messages), files, dry_run ? " (dry run)" : "");
	else if (begun)
		ctl_complain("restored in part: %" PRIu64
			     " of %zu documents are there. Mend the cause "
			     "and restore again: what is there stays",
			     in->done, json_array_size(in->documents));
	json_decref(about);
	json_decref(there);
	return fine ? CTL_DONE : there ? CTL_REFUSED : CTL_NO_ANSWER;
}

static int backup_read(const struct ctl_target *target, const char *path, bool dry_run, bool force)
{
	struct backup_in in = { .target = target, .path = path, .file = fopen(path, "rb") };
	int status = CTL_REFUSED;

	in.hash = EVP_MD_CTX_new();
	in.sums = json_object();
	in.places = json_object();
	if (!in.file)
		ctl_complain("%s: %s", path, strerror(errno));
	else if (backup_check(&in))
		status = restore_all(&in, dry_run, force);
	if (in.file)
		(void)fclose(in.file);
	EVP_MD_CTX_free(in.hash);
	json_decref(in.sums);
	json_decref(in.places);
	json_decref(in.about);
	json_decref(in.documents);
	json_decref(in.messages);
	return status;
}

/* ---- words ---- */

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
	return restores ? backup_read(target, path, dry_run, force)
			: backup_write(target, path, recordings);
}
