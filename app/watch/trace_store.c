/* SPDX-License-Identifier: Apache-2.0 */
#include "app/watch/trace_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "sig/sip/id.h"

#define SUFFIX ".pcapng"

enum { DIGITS_MAX = 15 };

int trace_store_open(struct trace_store *s, const char *state_dir)
{
	int n = snprintf(s->folder, sizeof(s->folder), "%s/trace", state_dir);

	if (n < 0 || (size_t)n >= sizeof(s->folder))
		return -ENAMETOOLONG;
	return mkdir(s->folder, 0700) && errno != EEXIST ? -errno : 0;
}

void trace_name_write(char out[TRACE_NAME_MAX], uint64_t call, uint64_t utc_ms)
{
	char id[BASE32_U64_LEN];

	base32_u64_put(id, call);
	(void)snprintf(out, TRACE_NAME_MAX, "%.*s-%" PRIu64 SUFFIX, (int)sizeof(id), id, utc_ms);
}

int trace_name_read(struct bytes name, uint64_t *call, uint64_t *utc_ms)
{
	char again[TRACE_NAME_MAX];
	struct bytes rest = bytes_from(name, BASE32_U64_LEN), digits;

	if (base32_u64_get(bytes_sub(name, 0, BASE32_U64_LEN), call) || !rest.n || rest.p[0] != '-')
		return -EINVAL;
	digits = bytes_sub(rest, 1, bytes_find(rest, '.') - 1);
	if (digits.n > DIGITS_MAX || bytes_u64(digits, utc_ms))
		return -EINVAL;
	trace_name_write(again, *call, *utc_ms);
	return bytes_is(name, again) ? 0 : -EINVAL; /* as it is written, and no other way */
}

static int path_of(const struct trace_store *s, struct bytes name,
		   char out[TRACE_PATH_MAX + TRACE_NAME_MAX])
{
	uint64_t call, utc_ms;

	if (trace_name_read(name, &call, &utc_ms))
		return -EINVAL;
	(void)snprintf(out, TRACE_PATH_MAX + TRACE_NAME_MAX, "%s/" BYTES_FMT, s->folder,
		       BYTES_ARG(name));
	return 0;
}

int trace_store_create(const struct trace_store *s, const char *name)
{
	char path[TRACE_PATH_MAX + TRACE_NAME_MAX];
	int fd;

	if (path_of(s, bytes_str(name), path))
		return -EINVAL;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? -errno : fd;
}

static bool trace_entry_read(int folder, const char *name, struct trace_entry *out)
{
	struct stat st;

	if (trace_name_read(bytes_str(name), &out->call, &out->started_utc_ms) ||
	    fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
		return false;
	if (id_call_is_none(out->call))
		out->call = 0;
	(void)snprintf(out->name, sizeof(out->name), "%s", name);
	out->octets = (uint64_t)st.st_size;
	out->changed_utc_ms =
		(uint64_t)st.st_mtim.tv_sec * 1000 + (uint64_t)st.st_mtim.tv_nsec / NS_PER_MS;
	return true;
}

static int by_age(const void *a, const void *b)
{
	const struct trace_entry *x = a, *y = b;

	return (x->started_utc_ms > y->started_utc_ms) - (x->started_utc_ms < y->started_utc_ms);
}

uint32_t trace_store_list(const struct trace_store *s, struct trace_entry *out, uint32_t max)
{
	DIR *dir = opendir(s->folder);
	struct dirent *file;
	uint32_t n = 0;

	while (dir && n < max && (file = readdir(dir)) != NULL)
		n += trace_entry_read(dirfd(dir), file->d_name, &out[n]);
	if (dir)
		(void)closedir(dir);
	qsort(out, n, sizeof(*out), by_age);
	return n;
}

int trace_store_read(const struct trace_store *s, struct bytes name, uint64_t offset, uint8_t *out,
		     size_t *n, uint64_t *size)
{
	char path[TRACE_PATH_MAX + TRACE_NAME_MAX];
	struct stat st;
	ssize_t got;
	int fd, err = path_of(s, name, path);

	if (err)
		return err;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	got = fstat(fd, &st) || offset > INT64_MAX ? -1 : pread(fd, out, *n, (off_t)offset);
	err = got < 0 ? -errno : 0;
	(void)close(fd);
	if (err)
		return err;
	*n = (size_t)got;
	*size = (uint64_t)st.st_size;
	return 0;
}

int trace_store_delete(const struct trace_store *s, struct bytes name)
{
	char path[TRACE_PATH_MAX + TRACE_NAME_MAX];
	int err = path_of(s, name, path);

	if (err)
		return err;
	return unlink(path) ? -errno : 0;
}
