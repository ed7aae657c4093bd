/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tandemctl restore: reads the file of ctl_backup.h, compares it with the node, and puts back what
 * the node lacks. Nothing is restored before the whole file was read and compared.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/ctl/ctl_backup.h"
#include "app/ctl/ctl_tar.h"
#include "base/clock.h"
#include "base/json_member.h"

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

static bool backup_member_read(struct backup_in *in, const char *name, const char *text)
{
	json_error_t error;
	json_t *list;

	if (!strcmp(name, ABOUT)) {
		in->about = json_loads(text, 0, &error);
		return json_is_object(in->about) ||
		       in_fail(in, "%s, line %d: %s", name, error.line, error.text);
	}
	list = lines_read(in, name, text);
	if (!strcmp(name, DOCUMENTS))
		in->documents = list;
	else if (!strcmp(name, MESSAGES))
		in->messages = list;
	else
		json_decref(list); /* rows_put reads it again */
	return list != NULL;
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
		  !strcmp(head.name, MESSAGES) || !strncmp(head.name, ROWS, sizeof(ROWS) - 1);
	if (json_object_get(in->sums, head.name))
		return in_fail(in, "%s is there twice", head.name);
	if (!json_object_size(in->sums) && strcmp(head.name, ABOUT) != 0)
		return in_fail(in, "it begins with %s: it is no backup of tandemctl", head.name);
	if (is_text && (head.size > BACKUP_TEXT_MAX || !(text = calloc(1, head.size + 1))))
		return in_fail(in, "%s is too long", head.name);
	fine = content_read(in, head.size, text);
	backup_hash_text(in->hash, sum);
	if (fine && is_sums)
		fine = sums_compare(in, text);
	else if (fine)
		fine = !is_text || backup_member_read(in, head.name, text);
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

	return backup_request(in->target, "backup.restore",
			      json_pack("{s:O, s:O, s:O, s:b}", "owner",
					json_object_get(one, "owner"), "kind",
					json_object_get(one, "kind"), "document",
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
		result = backup_request(in->target, "prompt.put", args, document_label(one, label));
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
	result = backup_request(in->target, "message.put", args, about);
	if (result && deleted) {
		json_decref(result);
		result = backup_request(in->target, "message.delete", message_args(one), about);
	}
	json_decref(result);
	return result != NULL;
}

static bool messages_mark(const struct backup_in *in)
{
	uint64_t until_ns = clock_now_ns() + LISTED_WAIT_S * NS_PER_S;
	json_t *looked = backup_request(in->target, "recording.look", json_object(), "");
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

/* ---- what features keep elsewhere ---- */

/* The rows of a member, the caller's. NULL: complained. */
static json_t *backup_rows_read(const struct backup_in *in, const char *name)
{
	uint64_t size;
	int fd = member_open(in, name, &size);
	char *text = fd >= 0 ? calloc(1, size + 1) : NULL;
	json_t *rows = NULL;

	if (text && read(fd, text, size) == (ssize_t)size)
		rows = lines_read(in, name, text);
	else if (fd >= 0)
		ctl_complain("%s: %s", in->path, strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	free(text);
	return rows;
}

/* By NOUN.restore, in the order of the file. One that is there is put again. */
static bool rows_put(const struct backup_in *in, bool dry_run, uint64_t *count)
{
	bool fine = true;
	const char *name;
	json_t *place;

	*count = 0;
	json_object_foreach(in->places, name, place)
	{
		const char *noun = name + sizeof(ROWS) - 1;
		char command[TAR_NAME_MAX + 16];
		json_t *rows, *row, *done;
		size_t i;

		if (!fine || strncmp(name, ROWS, sizeof(ROWS) - 1) != 0)
			continue;
		(void)snprintf(command, sizeof(command), "%.*s.restore", (int)strcspn(noun, "/"),
			       noun);
		rows = backup_rows_read(in, name);
		fine = rows != NULL;
		*count += json_array_size(rows);
		json_array_foreach(rows, i, row)
		{
			if (!fine || dry_run)
				break;
			done = backup_request(in->target, command, json_pack("{s:O}", "row", row),
					      name);
			fine = done != NULL;
			json_decref(done);
		}
		json_decref(rows);
	}
	return fine;
}

/* ---- restore ---- */

static int restore_all(struct backup_in *in, bool dry_run, bool force)
{
	json_t *about = NULL, *there = backup_documents(in->target, &about);
	struct put_counts counts = { 0 };
	uint64_t files, rows;
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
	fine = fine && rows_put(in, dry_run, &rows) && recordings_put(in, dry_run, &files) &&
	       (dry_run || messages_mark(in));
	if (fine)
		(void)printf("%s: %" PRIu64 " documents created, %" PRIu64 " changed, %" PRIu64
			     " unchanged; %zu messages, %" PRIu64 " contacts and notes, %" PRIu64
			     " files of recordings%s\n",
			     in->path, counts.created, counts.changed, counts.unchanged,
			     json_array_size(in->messages), rows, files,
			     dry_run ? " (dry run)" : "");
	else if (begun)
		ctl_complain("restored in part: %" PRIu64
			     " of %zu documents are there. Mend the cause "
			     "and restore again: what is there stays",
			     in->done, json_array_size(in->documents));
	json_decref(about);
	json_decref(there);
	return fine ? CTL_DONE : there ? CTL_REFUSED : CTL_NO_ANSWER;
}

int ctl_restore(const struct ctl_target *target, const char *path, bool dry_run, bool force)
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
