/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

enum { IDENTITY_OCTETS = IDENTITY_LEN / 2, FILE_MAX = 128, BOOT_ID_LEN = 36 };

int identity_parse(char out[IDENTITY_LEN + 1], struct bytes text)
{
	struct bytes id = bytes_trim(text);
	uint8_t octets[IDENTITY_OCTETS];
	size_t n = 0;

	if (id.n != IDENTITY_LEN || hex_decode(id, octets, sizeof(octets), &n) ||
	    n != IDENTITY_OCTETS)
		return -EBADMSG;
	return bytes_cstr(id, out, IDENTITY_LEN + 1);
}

/* Bytes read, or -errno. */
static ssize_t identity_file_read(const char *path, char *out, size_t cap)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, out, cap);
	if (n < 0)
		n = -errno;
	(void)close(fd);
	return n;
}

static int identity_make(struct identity *out, const char *path, struct rand_source *rand)
{
	uint8_t octets[IDENTITY_OCTETS];
	char text[IDENTITY_LEN + 1];
	struct writer w = writer_over(text, sizeof(text));
	int err;

	rand_fill(rand, octets, sizeof(octets));
	writer_hex(&w, bytes_mem(octets, sizeof(octets)));
	writer_str(&w, "\n");
	err = file_create(path, 0600, writer_done(&w));
	return err ? err : identity_parse(out->id, writer_done(&w));
}

static int id_read(struct identity *out, const char *dir, struct rand_source *rand)
{
	char path[PATH_MAX], text[FILE_MAX];
	ssize_t n;

	if ((size_t)snprintf(path, sizeof(path), "%s/identity", dir) >= sizeof(path))
		return -ENAMETOOLONG;
	n = identity_file_read(path, text, sizeof(text));
	if (n == -ENOENT)
		return identity_make(out, path, rand);
	return n < 0 ? (int)n : identity_parse(out->id, bytes_mem(text, (size_t)n));
}

/* Another boot of the machine, or another machine, is another place. */
static int identity_place_read(struct identity *out, int lock_fd)
{
	char boot[FILE_MAX];
	ssize_t n = identity_file_read("/proc/sys/kernel/random/boot_id", boot, sizeof(boot));
	struct stat st;
	int len;

	if (fstat(lock_fd, &st) < 0)
		return -errno;
	len = snprintf(out->place, sizeof(out->place), "%.*s.%llx.%llx",
		       n >= BOOT_ID_LEN ? BOOT_ID_LEN : 0, boot, (unsigned long long)st.st_dev,
		       (unsigned long long)st.st_ino);
	return len > 0 && (size_t)len < sizeof(out->place) ? 0 : -ENAMETOOLONG;
}

static void where_write(struct identity *out, const char *dir)
{
	char host[HOST_NAME_MAX + 1] = "";
	char path[PATH_MAX];

	(void)gethostname(host, sizeof(host) - 1);
	(void)snprintf(out->where, sizeof(out->where), "%s:%.255s", host,
		       realpath(dir, path) ? path : dir);
}

int identity_open(struct identity *out, const char *dir, int lock_fd, struct rand_source *rand)
{
	int err;

	*out = (struct identity){ 0 };
	err = id_read(out, dir, rand);
	if (!err)
		err = identity_place_read(out, lock_fd);
	if (!err)
		where_write(out, dir);
	return err;
}

uint64_t identity_node(const struct identity *own)
{
	uint64_t id = 0;

	for (size_t i = 0; i < 16 && own->id[i]; i++) {
		const char *at = memchr("0123456789abcdef", own->id[i], 16);

		if (!at)
			break;
		id = id << 4 | (uint64_t)(at - "0123456789abcdef");
	}
	return id ? id : 1;
}
