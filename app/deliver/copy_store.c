/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a node is to play and no node has any more: its copy where its tenant's recordings are stored, in a shared folder or at S3. It comes as
 * what comes from another node (app/deliver/copy_fetch.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/deliver/copy_work.h"
#include "app/deliver/transfer.h"
#include "base/clock.h"
#include "base/file.h"

enum {
	STORED_DAYS = 2,        /* it began on the day of its call, or on the next one */
	STORED_BACK = 31,       /* the ids of commands and of forwarded messages say no day */
	STORED_FIRST = 8000,    /* octets that can be heard: a head and some sound */
	STORED_MAX = 128 << 20, /* ten minutes of the largest format that is recorded */
};

struct stored_copy {
	struct copy_fetch *fetch;
	const char *path;
	uint64_t octets;
	int fd;
};

/* Not the page that says why it is not there, and no stream without an end. */
static bool stored_may_be(const struct stored_copy *c, const char *data, size_t octets)
{
	static const char head[] = "RIFF";
	size_t n = octets < strlen(head) ? octets : strlen(head);

	return (c->octets || !memcmp(data, head, n)) && c->octets + octets <= STORED_MAX;
}

static size_t stored_on_octets(char *data, size_t size, size_t n, void *arg)
{
	struct stored_copy *c = arg;
	ssize_t written = stored_may_be(c, data, size * n) ? write(c->fd, data, size * n) : -1;

	if (written < 0)
		return 0;
	(void)alarm(COPY_FETCH_PATIENCE_S);
	c->octets += (uint64_t)written;
	if (c->octets >= STORED_FIRST)
		copy_fetch_tell(c->fetch, c->path);
	return (size_t)written;
}

static int stored_copy_file(struct stored_copy *c, const char *from)
{
	static char octets[COPY_DATA_MAX];
	int file = file_read_open(from);
	ssize_t n = 0;

	if (file < 0)
		return file;
	while ((n = read(file, octets, sizeof(octets))) > 0 &&
	       stored_on_octets(octets, 1, (size_t)n, c) == (size_t)n)
		;
	(void)close(file);
	return n ? -EIO : 0;
}

static int stored_get(struct stored_copy *c, const struct destination *from)
{
	char place[TRANSFER_URL_MAX];
	struct writer w = writer_over(place, sizeof(place));

	if (from->kind == DESTINATION_S3)
		return transfer_read(from, c->path, stored_on_octets, c);
	place_stored(&w, from, c->path);
	return w.overflow ? -ENAMETOOLONG : stored_copy_file(c, place);
}

/* Also of one that a node had begun. */
static void stored_note(struct copy_fetch *f, const char *path, int err)
{
	f->any |= !err;
	f->cut |= f->any && err && err != -ENOENT;
	for (uint32_t i = 0; !err && i < f->count; i++)
		f->files[i].whole |= !strcmp(f->files[i].path, path);
}

/* 0, -ENOENT or -errno. */
static int stored_fetch(struct copy_fetch *f, const struct destination *from, const char *path)
{
	char part[FOLDER_PATH_MAX], name[FOLDER_PATH_MAX];
	struct stored_copy c = { .fetch = f, .path = path };
	int err = copy_fetched(f->terms, path, "part", part);

	if (!err)
		err = copy_fetched(f->terms, path, "", name);
	if (err)
		return err;
	c.fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (c.fd < 0)
		return -errno;
	err = stored_get(&c, from);
	if (!err && !c.octets)
		err = -EIO;
	if (close(c.fd) < 0 && !err)
		err = -errno;
	if (!err && rename(part, name) < 0)
		err = -errno;
	if (err)
		(void)unlink(part);
	stored_note(f, path, err);
	return err;
}

struct stored_days {
	uint64_t first_s;
	int64_t step_s;
	int count;
};

/* On whichever day. */
static int stored_find(struct copy_fetch *f, const struct destination *from,
		       const struct stored_days *days, const char *tenant, const char *file)
{
	char path[QUEUE_PATH_MAX], day[FOLDER_DATE_LEN + 1];
	int err = -ENOENT;

	for (int i = 0; err == -ENOENT && i < days->count; i++) {
		folder_day(day, days->first_s + (uint64_t)(i * days->step_s));
		(void)snprintf(path, sizeof(path), "%s/%s/%s", tenant, day, file);
		if (folder_path_fits(bytes_str(path)))
			err = stored_fetch(f, from, path);
	}
	return err;
}

/* In one file, or in its segments. */
static int stored_recording(struct copy_fetch *f, const struct destination *from,
			    const struct stored_days *days, const char *tenant, const char *id)
{
	char file[SIDECAR_FILE_MAX];
	int err;

	(void)snprintf(file, sizeof(file), "%s.wav", id);
	err = stored_find(f, from, days, tenant, file);
	for (unsigned i = 1; (i == 1 ? err == -ENOENT : !err) && i <= COPY_SEGMENTS; i++) {
		(void)snprintf(file, sizeof(file), "%s.%u.wav", id, i);
		err = stored_find(f, from, days, tenant, file);
		if (err == -ENOENT && i > 1)
			return 0;
	}
	return err;
}

static int stored_anywhere(struct copy_fetch *f, const struct terms_tenant *of,
			   const struct stored_days *days, const char *tenant, const char *id)
{
	int err = -ENOENT;

	for (uint32_t i = 0; err && i < f->terms->destination_count; i++) {
		const struct destination *d = &f->terms->destinations[i];

		for (uint32_t k = 0; err && k < of->count; k++) {
			if (!strcmp(d->name, of->deliver[k]) &&
			    (d->kind == DESTINATION_S3 || d->kind == DESTINATION_DIRECTORY))
				err = stored_recording(f, d, days, tenant, id);
		}
	}
	return err;
}

void copy_fetch_stored(struct copy_fetch *f, const char *path)
{
	char tenant[SIDECAR_TENANT_MAX], id[SIDECAR_FILE_MAX];
	const struct terms_tenant *of;
	const struct stored_days days[] = {
		{ f->called_ms / 1000, FOLDER_DAY_S, STORED_DAYS },
		{ clock_utc_ms() / 1000, -FOLDER_DAY_S, f->named ? 0 : STORED_BACK },
	};
	int err;

	folder_tenant(path, tenant);
	(void)snprintf(id, sizeof(id), "%s", strrchr(path, '/') + 1);
	id[strcspn(id, ".")] = '\0'; /* COPY_ANY_KIND */
	of = terms_tenant(f->terms, tenant);
	copy_fetch_say(f, COPY_FETCH_STORED);
	(void)alarm(COPY_FETCH_PATIENCE_S); /* a dead share hangs as long as it likes */
	err = stored_anywhere(f, of, &days[0], tenant, id);
	if (err == -ENOENT && days[1].count)
		(void)stored_anywhere(f, of, &days[1], tenant, id);
	(void)alarm(0);
}
