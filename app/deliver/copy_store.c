/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetches a recording that no node has any more from where its tenant's recordings are stored, a
 * shared folder or S3. It arrives as from another node (app/deliver/copy_fetch.c).
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
#include "base/log.h"

enum {
	STORED_BACK = 31,       /* the ids of commands and of forwarded messages say no day */
	STORED_FIRST = 8000,    /* octets that can be played: a head and some sound */
	STORED_MAX = 128 << 20, /* ten minutes of the largest format that is recorded */
};

/* Where it is read. */
struct stored_from {
	struct copy_source *source;     /* it lies here; NULL: */
	const struct destination *from; /* ... there */
	bool sealed;                    /* encrypted for nodes; a folder is looked at for both */
};

struct stored_copy {
	struct copy_fetch *fetch;
	const char *path;
	uint64_t octets, most;
	int fd; /* -1: nothing came yet */
};

static int stored_part(const char *path, const struct copy_fetch *f, const char *ending, int flags)
{
	char part[FOLDER_PATH_MAX];
	int fd = copy_fetched(f->terms, path, ending, part);

	if (fd)
		return fd;
	fd = open(part, flags | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	return fd < 0 ? -errno : fd;
}

/* Not the page that says why it is not there, and no stream without an end. */
static bool stored_may_be(const struct stored_copy *c, const char *data, size_t octets)
{
	static const char head[] = "RIFF";
	size_t n = octets < strlen(head) ? octets : strlen(head);

	return (c->octets || !memcmp(data, head, n)) && c->octets + octets <= c->most;
}

static size_t stored_on_octets(char *data, size_t size, size_t n, void *arg)
{
	struct stored_copy *c = arg;
	ssize_t written = -1;

	if (stored_may_be(c, data, size * n)) {
		if (c->fd < 0)
			c->fd = stored_part(c->path, c->fetch, "part", O_WRONLY);
		written = write(c->fd, data, size * n);
	}
	if (written < 0)
		return 0;
	(void)alarm(COPY_FETCH_PATIENCE_S);
	c->octets += (uint64_t)written;
	if (c->octets >= STORED_FIRST)
		copy_fetch_result(c->fetch, c->path);
	return (size_t)written;
}

static int stored_of_source(struct stored_copy *c, struct copy_source *s)
{
	static char octets[COPY_DATA_MAX];
	ssize_t n;

	while ((n = copy_source_read(s, octets, sizeof(octets), c->octets)) > 0 &&
	       stored_on_octets(octets, 1, (size_t)n, c) == (size_t)n)
		;
	return n > 0 ? -EIO : (int)n;
}

static int stored_of_folder(struct stored_copy *c, const struct destination *from)
{
	char place[TRANSFER_URL_MAX];
	struct writer w = writer_over(place, sizeof(place));
	struct copy_source s;
	int err;

	place_stored(&w, from, c->path);
	err = w.overflow ? -ENAMETOOLONG : copy_source_open(&s, c->fetch->terms, place, c->path);
	if (err)
		return err;
	err = stored_of_source(c, &s);
	copy_source_close(&s);
	return err;
}

/* What comes encrypted lies in a file of its own until all of it is there. */
struct stored_sealed {
	struct stored_copy *copy;
	struct copy_source of;
};

static int sealed_pump(struct stored_sealed *s, uint64_t until)
{
	static char octets[COPY_DATA_MAX];
	struct stored_copy *c = s->copy;

	while (c->octets < until) {
		uint64_t left = until - c->octets;
		ssize_t n = copy_source_read(
			&s->of, octets, left < sizeof(octets) ? left : sizeof(octets), c->octets);

		if (n <= 0)
			return n ? (int)n : -EBADMSG;
		if (stored_on_octets(octets, 1, (size_t)n, c) != (size_t)n)
			return -EIO;
	}
	return 0;
}

static size_t sealed_on_octets(char *data, size_t size, size_t n, void *arg)
{
	struct stored_sealed *s = arg;
	int err = 0;

	if (s->of.fd < 0)
		s->of.fd = stored_part(s->copy->path, s->copy->fetch, AES128GCM_KIND, O_RDWR);
	s->of.octets += size * n;
	if (s->of.octets > STORED_MAX || write(s->of.fd, data, size * n) != (ssize_t)(size * n))
		return 0;
	if (!s->of.sealed.cipher)
		err = copy_source_unseal(&s->of, s->copy->fetch->terms, s->copy->path);
	if (err)
		return err == -EAGAIN ? size * n : 0;
	s->of.sealed.size = s->of.octets;
	return sealed_pump(s, aes128gcm_arrived(&s->of.sealed)) ? 0 : size * n;
}

static int stored_of_s3_sealed(struct stored_copy *c, const struct destination *from)
{
	char path[QUEUE_PATH_MAX + sizeof(AES128GCM_ENDING)], file[FOLDER_PATH_MAX];
	struct stored_sealed s = { .copy = c, .of = { .fd = -1 } };
	int err;

	(void)snprintf(path, sizeof(path), "%s" AES128GCM_ENDING, c->path);
	err = transfer_read(from, path, sealed_on_octets, &s);
	if (!err)
		err = s.of.sealed.cipher ? sealed_pump(&s, aes128gcm_plain(&s.of.sealed))
					 : -EBADMSG;
	if (s.of.fd >= 0 && !copy_fetched(c->fetch->terms, c->path, AES128GCM_KIND, file))
		(void)unlink(file);
	copy_source_close(&s.of);
	return err;
}

static int stored_get(struct stored_copy *c, const struct stored_from *of)
{
	if (of->source)
		return stored_of_source(c, of->source);
	if (of->from->kind != DESTINATION_S3)
		return of->sealed ? -ENOENT : stored_of_folder(c, of->from);
	return of->sealed ? stored_of_s3_sealed(c, of->from)
			  : transfer_read(of->from, c->path, stored_on_octets, c);
}

/* 0, -ENOENT or -errno. */
static int stored_fetch(struct copy_fetch *f, const struct stored_from *of, const char *path)
{
	char part[FOLDER_PATH_MAX], name[FOLDER_PATH_MAX];
	struct stored_copy c = { .fetch = f,
				 .path = path,
				 .most = of->source ? of->source->octets : STORED_MAX,
				 .fd = -1 };
	int err;

	(void)alarm(COPY_FETCH_PATIENCE_S); /* a dead share hangs as long as it likes */
	err = stored_get(&c, of);
	(void)alarm(0);
	if (c.fd < 0)
		return err ? err : -EIO;
	if (close(c.fd) < 0 && !err)
		err = -errno;
	if (copy_fetched(f->terms, path, "part", part) || copy_fetched(f->terms, path, "", name))
		return -ENAMETOOLONG;
	if (!err && rename(part, name) < 0)
		err = -errno;
	if (err)
		(void)unlink(part);
	return err;
}

int copy_fetch_source(struct copy_fetch *f, struct copy_source *s, const char *path)
{
	return stored_fetch(f, &(struct stored_from){ .source = s }, path);
}

/* ---- where it may be ---- */

/* One file of that day.
 * S3 answers 403 for a missing key in a bucket that cannot be listed: the search goes on. */
static int stored_file(struct copy_fetch *f, const struct stored_from *of, const char *tenant,
		       uint64_t day_s, const char *file)
{
	char path[QUEUE_PATH_MAX], day[FOLDER_DATE_LEN + 1];
	int err;

	folder_day(day, day_s);
	(void)snprintf(path, sizeof(path), "%s/%s/%s", tenant, day, file);
	if (!folder_path_fits(bytes_str(path)))
		return -ENOENT;
	err = stored_fetch(f, of, path);
	f->refused |= err == -EACCES;
	f->any |= !err;
	for (uint32_t i = 0; !err && i < f->count; i++) /* also of one that a node had begun */
		f->files[i].whole |= !strcmp(f->files[i].path, path);
	return err == -EACCES ? -ENOENT : err;
}

/* In one file, or in its segments, of which the further ones may be of the next day. */
static int stored_recording(struct copy_fetch *f, const struct stored_from *of, const char *tenant,
			    uint64_t day_s, const char *id)
{
	char file[SIDECAR_FILE_MAX];
	unsigned i = 0;
	int err;

	(void)snprintf(file, sizeof(file), "%s.wav", id);
	err = stored_file(f, of, tenant, day_s, file);
	if (err != -ENOENT)
		return err;
	do {
		(void)snprintf(file, sizeof(file), "%s.%u.wav", id, ++i);
		err = stored_file(f, of, tenant, day_s, file);
		if (err == -ENOENT && i > 1) {
			day_s += FOLDER_DAY_S;
			err = stored_file(f, of, tenant, day_s, file);
		}
	} while (!err && i < COPY_SEGMENTS);
	f->cut |= i > 1 && err && err != -ENOENT;
	return i > 1 && err == -ENOENT ? 0 : err;
}

/* Searches each store of the tenant. ill: bits of failed destinations, which are skipped. */
static int stored_anywhere(struct copy_fetch *f, const char *tenant, uint64_t day_s, const char *id,
			   uint32_t *ill)
{
	const struct terms_tenant *of = terms_tenant(f->terms, tenant);

	for (uint32_t i = 0; !f->cut && i < 2 * f->terms->destination_count; i++) {
		const struct stored_from from = { .from = &f->terms->destinations[i / 2],
						  .sealed = i % 2 };
		uint32_t bit = 1u << i / 2;
		int err = -ENOENT;

		for (uint32_t k = 0; err && !(*ill & bit) && k < of->count; k++) {
			if (!strcmp(from.from->name, of->deliver[k]) &&
			    (from.from->kind == DESTINATION_S3 ||
			     from.from->kind == DESTINATION_DIRECTORY))
				err = stored_recording(f, &from, tenant, day_s, id);
		}
		if (!err)
			return 0;
		*ill |= err == -ENOENT ? 0 : bit;
	}
	return -ENOENT;
}

/* It began on the day of its call, or on the next one;
 * without a time in its id, on one of the last days. */
void copy_fetch_stored(struct copy_fetch *f, const char *path)
{
	char tenant[SIDECAR_TENANT_MAX], id[SIDECAR_FILE_MAX];
	uint64_t first = f->called_ms / 1000 / FOLDER_DAY_S;
	uint64_t today = clock_utc_ms() / 1000 / FOLDER_DAY_S;
	uint32_t ill = 0;
	int err = -ENOENT;

	folder_tenant(path, tenant);
	(void)snprintf(id, sizeof(id), "%s", strrchr(path, '/') + 1);
	id[strcspn(id, ".")] = '\0'; /* COPY_ANY_KIND */
	copy_fetch_say(f, COPY_FETCH_STORED);
	for (unsigned i = 0; err && !f->cut && i < 2 + (f->named ? 0 : STORED_BACK); i++) {
		uint64_t day = i < 2 ? first + i : today - (i - 2);

		if (i >= 2 && day - first < 2)
			continue;
		err = stored_anywhere(f, tenant, day * FOLDER_DAY_S, id, &ill);
	}
	if (err && (f->refused || ill))
		LOG_WARN("recordings", 0, "a recording cannot be looked for where it is stored",
			 LOG_STR("file", path),
			 LOG_STR("why", ill ? "a store failed" : "a store forbids it, or to list"),
			 LOG_STR("next", "look whether the store runs, and whether its user may "
					 "read and list what is stored"));
}
