/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetches a recording to play that this node lacks: another node finds it among its own and its
 * copies, and is read piece by piece. Both ends are here; the link between them is in
 * app/deliver/copy_work.c.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/deliver/copy_work.h"
#include "base/file.h"

/* ---- what there is ---- */

/* The files of a recording that are whole, on whatever day it began. */
struct copy_find {
	const struct terms *terms;
	const char *folder;
	char tenant[SIDECAR_TENANT_MAX], id[SIDECAR_FILE_MAX];
	size_t kinds;
	copy_found_fn *fn;
	void *arg;
};

/* What is played is the first one alone. */
static const char *const g_find_kinds[] = { "wav", "opus", "wav.cms", "opus.cms" };

/* A file is whole when it has a sidecar. */
static bool find_whole(const struct copy_find *f, const char *path)
{
	static const char *const endings[] = { "json", AES128GCM_KIND ".json" };
	char file[FOLDER_PATH_MAX];
	bool is = false;

	for (size_t i = 0; !is && i < COUNT_OF(endings); i++) {
		folder_path(file, f->folder, path, endings[i]);
		is = access(file, F_OK) == 0;
	}
	return is;
}

static void find_kind(const struct copy_find *f, const char *day, const char *part,
		      const char *kind)
{
	char path[QUEUE_PATH_MAX], file[FOLDER_PATH_MAX];
	struct copy_source s;

	(void)snprintf(path, sizeof(path), "%s/%s/%s%s.%s", f->tenant, day, f->id, part, kind);
	if (!folder_path_fits(bytes_str(path)) || !find_whole(f, path))
		return;
	folder_path(file, f->folder, path, "");
	if (copy_source_open(&s, f->terms, file, path))
		return;
	f->fn(&s, f->folder, path, f->arg);
	copy_source_close(&s);
}

static void find_file(const struct copy_find *f, const char *day, const char *part)
{
	for (size_t i = 0; i < f->kinds; i++)
		find_kind(f, day, part, g_find_kinds[i]);
}

static void find_folder(struct copy_find *f, const char *folder)
{
	char path[FOLDER_PATH_MAX], part[32];
	const struct dirent *day;
	DIR *dir;

	f->folder = folder;
	(void)snprintf(path, sizeof(path), "%s/%s", folder, f->tenant);
	dir = opendir(path);
	while (dir && (day = readdir(dir))) {
		if (day->d_name[0] == '.')
			continue;
		find_file(f, day->d_name, "");
		for (unsigned i = 1; i <= COPY_SEGMENTS; i++) {
			(void)snprintf(part, sizeof(part), ".%u", i);
			find_file(f, day->d_name, part);
			(void)snprintf(part, sizeof(part), ".%u.cut", i);
			find_file(f, day->d_name, part);
		}
	}
	if (dir)
		(void)closedir(dir);
}

void copy_find(const struct terms *terms, const char *path, copy_found_fn *fn, void *arg)
{
	struct copy_find f = { .terms = terms, .kinds = 1, .fn = fn, .arg = arg };
	char copies[FOLDER_PATH_MAX], of[FOLDER_PATH_MAX], *any;
	const struct dirent *node;
	DIR *dir;

	folder_tenant(path, f.tenant);
	(void)snprintf(f.id, sizeof(f.id), "%s", strrchr(path, '/') + 1);
	any = strstr(f.id, COPY_ANY_KIND);
	if (any) {
		f.kinds = COUNT_OF(g_find_kinds);
		*any = '\0';
	}
	find_folder(&f, terms->folder);
	copy_folder(copies, terms->folder, 0);
	dir = opendir(copies);
	while (dir && (node = readdir(dir))) {
		(void)snprintf(of, sizeof(of), "%s/%s", copies, node->d_name);
		if (node->d_name[0] != '.')
			find_folder(&f, of);
	}
	if (dir)
		(void)closedir(dir);
}

/* ---- what another node lacks ---- */

struct find_answer {
	struct copy_link *link;
	int err;
};

static void find_found(struct copy_source *s, const char *folder, const char *path, void *arg)
{
	struct find_answer *a = arg;
	struct copy_message m = copy_message_of(COPY_HAS, path);

	(void)folder;
	m.at = s->octets;
	if (!a->err)
		a->err = copy_link_send(a->link, &m);
}

int copy_find_answer(const struct terms *terms, struct copy_link *link, const char *path)
{
	struct find_answer a = { .link = link };

	copy_find(terms, path, find_found, &a);
	return a.err;
}

/* Where it is: here, or a copy. */
static void reader_open(struct copy_source *s, const char *folder, const char *path, void *arg)
{
	struct copy_reader *r = arg;

	(void)folder;
	if (r->of.fd < 0 && !strcmp(path, r->path)) {
		r->of = *s;
		*s = (struct copy_source){ .fd = -1 };
	}
}

/* The file stays open between requests: the neighbour reads it piece by piece. */
int copy_read_answer(struct copy_reader *r, const struct terms *terms, struct copy_link *link,
		     const struct copy_message *m)
{
	static uint8_t octets[COPY_DATA_MAX];
	struct copy_message answer = copy_message_of(COPY_DATA, m->path);
	char id[QUEUE_PATH_MAX + sizeof(COPY_ANY_KIND)];
	const char *at, *ending;
	ssize_t n;

	if (strcmp(r->path, m->path) != 0) {
		copy_source_close(&r->of);
		memcpy(r->path, m->path, sizeof(r->path));
		at = strrchr(m->path, '/') + 1;
		ending = strrchr(at, '.');
		(void)snprintf(id, sizeof(id), "%.*s%s",
			       (int)(at - m->path + (ptrdiff_t)strcspn(at, ".")), m->path,
			       ending && strcmp(ending, ".wav") != 0 ? COPY_ANY_KIND : "");
		copy_find(terms, id, reader_open, r);
	}
	n = r->of.fd < 0 ? -1
			 : copy_source_read(&r->of, octets, m->whole ? COPY_FIRST : sizeof(octets),
					    m->at);
	answer.at = m->at;
	answer.data = bytes_mem(octets, n > 0 ? (size_t)n : 0);
	if (n < 0)
		answer = (struct copy_message){ .kind = COPY_FAILED };
	return copy_link_send(link, &answer);
}

/* ---- what this node lacks ---- */

enum { FETCH_WINDOW = 16 * COPY_DATA_MAX };

int copy_fetched(const struct terms *terms, const char *path, const char *ending,
		 char out[FOLDER_PATH_MAX])
{
	char folder[FOLDER_PATH_MAX];

	(void)snprintf(folder, sizeof(folder), "%s/" COPY_FETCHED, terms->folder);
	folder_path(out, folder, path, ending);
	return folder_make(folder, path);
}

/* ---- open and close ---- */

/* One at a time brings a recording: another one waits, and finds what this one brought. */
int copy_fetch_open(struct copy_fetch *f, const struct terms *terms, const char *path, int tell)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char id[QUEUE_PATH_MAX];
	struct stat st = { 0 };
	int err;

	*f = (struct copy_fetch){ .terms = terms, .lock = -1, .tell = tell };
	memcpy(id, path, sizeof(id));
	id[strcspn(id, ".")] = '\0';
	err = copy_fetched(terms, id, "fetch", f->name);
	while (!err && !st.st_nlink) { /* who had it before has deleted it */
		if (f->lock >= 0)
			(void)close(f->lock);
		f->lock = open(f->name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (f->lock < 0 || fcntl(f->lock, F_OFD_SETLKW, &lock) < 0 ||
		    fstat(f->lock, &st) < 0)
			err = -errno;
	}
	if (!err)
		(void)futimens(f->lock, NULL);
	return err;
}

bool copy_fetch_whole(const struct copy_fetch *f)
{
	for (uint32_t i = 0; i < f->count; i++) {
		if (!f->files[i].whole)
			return false;
	}
	return f->any && !f->cut;
}

/* Deletes incomplete parts.
 * The locked file stays if segments are missing: readers then see a cut recording. */
void copy_fetch_close(struct copy_fetch *f)
{
	char part[FOLDER_PATH_MAX];

	for (uint32_t i = 0; i < f->count; i++) {
		if (f->files[i].begun && !f->files[i].whole &&
		    !copy_fetched(f->terms, f->files[i].path, "part", part))
			(void)unlink(part);
	}
	if (f->lock < 0)
		return;
	if (!f->any || copy_fetch_whole(f))
		(void)unlink(f->name);
	else
		(void)futimens(f->lock, NULL); /* it goes no earlier than what it is of */
	(void)close(f->lock);
}

void copy_fetch_say(const struct copy_fetch *f, enum copy_fetch_event what)
{
	const char octet = (char)what;

	if (f->tell >= 0)
		(void)!write(f->tell, &octet, 1);
}

/* The first segment of a recording lets playback begin.
 * A cut one does not: another node may have all of it. */
void copy_fetch_result(struct copy_fetch *f, const char *path)
{
	static const char *const first[] = { ".wav", ".1.wav" };
	const char *kind = path + strcspn(path, ".");

	for (size_t i = 0; i < COUNT_OF(first); i++) {
		if (!f->told && !strcmp(kind, first[i])) {
			copy_fetch_say(f, COPY_FETCH_BEGINS);
			f->told = true;
		}
	}
}

/* ---- octets ---- */

/* The first piece is small, and behind it several are asked for at once, so that a listener waits
 * for few octets and round trips. */
static int fetch_octets(struct copy_fetch *f, struct copy_link *link, const struct fetch_file *of,
			int fd)
{
	struct copy_message ask = copy_message_of(COPY_READ, of->path), m;
	off_t had = lseek(fd, 0, SEEK_END); /* of another node, which is gone */
	uint64_t at = had > 0 ? (uint64_t)had : 0;
	int err = 0;

	ask.at = at;
	ask.whole = true;
	while (!err && at < of->octets) {
		uint64_t left = of->octets - at, most = left < COPY_DATA_MAX ? left : COPY_DATA_MAX,
			 few = left < COPY_FIRST ? left : COPY_FIRST;

		while (!err && ask.at < of->octets &&
		       ask.at < at + (ask.whole ? 1 : FETCH_WINDOW)) {
			err = copy_link_send(link, &ask);
			ask.at += COPY_DATA_MAX;
		}
		if (!err)
			err = copy_link_receive(link, &m);
		if (!err && m.kind != COPY_DATA)
			err = -ENOENT;
		if (!err && (m.at != at || (m.data.n != most && !(ask.whole && m.data.n == few))))
			err = -EIO;
		if (!err && write(fd, m.data.p, m.data.n) != (ssize_t)m.data.n)
			err = errno ? -errno : -EIO;
		if (err)
			return err;
		copy_fetch_result(f, of->path);
		at += m.data.n;
		if (ask.whole)
			ask.at = at;
		ask.whole = false;
	}
	return err;
}

static bool fetch_is_there(const char *name, const struct fetch_file *of)
{
	struct stat st;

	return stat(name, &st) == 0 && (uint64_t)st.st_size == of->octets;
}

/* It has its name when all of it is there. */
static int fetch_one(struct copy_fetch *f, struct copy_link *link, struct fetch_file *of)
{
	char part[FOLDER_PATH_MAX], name[FOLDER_PATH_MAX];
	int fd, err = copy_fetched(f->terms, of->path, "part", part);

	if (!err)
		err = copy_fetched(f->terms, of->path, "", name);
	if (!err && fetch_is_there(name, of)) {
		of->whole = f->any = true;
		copy_fetch_result(f, of->path);
	}
	if (err || of->whole)
		return err;
	fd = open(part,
		  O_WRONLY | O_CREAT | O_APPEND | (of->begun ? 0 : O_TRUNC) | O_CLOEXEC |
			  O_NOFOLLOW | O_NONBLOCK,
		  0600);
	if (fd < 0)
		return -errno;
	of->begun = true;
	err = fetch_octets(f, link, of, fd);
	if (close(fd) < 0 && !err)
		err = -errno;
	if (!err && rename(part, name) < 0)
		err = -errno;
	of->whole = !err;
	f->any |= !err;
	return err;
}

/* NULL: there are too many, or another node has said something else of it. */
static struct fetch_file *fetch_file_of(struct copy_fetch *f, const struct copy_message *m)
{
	struct fetch_file *of = f->files;

	while (of < f->files + f->count && strcmp(of->path, m->path) != 0)
		of++;
	if (of == f->files + COUNT_OF(f->files))
		return NULL;
	if (of == f->files + f->count) {
		*of = (struct fetch_file){ .octets = m->at };
		memcpy(of->path, m->path, sizeof(of->path));
		f->count++;
	}
	return of->octets == m->at ? of : NULL;
}

int copy_fetch(struct copy_fetch *f, struct copy_link *link, const char *path)
{
	struct fetch_file *has[COUNT_OF(f->files)];
	struct copy_message m = copy_message_of(COPY_FIND, path);
	uint32_t count = 0;
	int err = copy_link_patience(link, COPY_FETCH_PATIENCE_S);

	if (!err)
		err = copy_link_send(link, &m);
	while (!err && !(err = copy_link_receive(link, &m)) && m.kind == COPY_HAS)
		if (count < COUNT_OF(has) && (has[count] = fetch_file_of(f, &m)))
			count++;
	for (uint32_t i = 0; !err && i < count; i++)
		err = fetch_one(f, link, has[i]);
	copy_link_close(link);
	return err ? err : count ? 0 : -ENOENT;
}
