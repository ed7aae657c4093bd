/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a recording for other nodes: its octets as they are, or decrypted where it is encrypted for
 * nodes (app/record/aes128gcm.h). A file that was cut is noticed: the last record must be marked as
 * the last. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/deliver/copy_work.h"
#include "base/file.h"
#include "base/log.h"

/* The message stays in its mailbox, and is played as damaged. */
static void source_damaged(const struct copy_source *s, int err)
{
	bool read = err == -EBADMSG || err == -EAGAIN;

	LOG_WARN("recordings", 0, "a message cannot be decrypted", LOG_STR("file", s->path),
		 LOG_STR("why", read ? "it was cut or changed, or encrypted by another key"
				     : strerror(-err)),
		 LOG_STR("next",
			 read ? "bring back the file keys by which it was encrypted, or its copy"
			      : "look at the disk"));
}

int copy_source_unseal(struct copy_source *s, const struct terms *terms, const char *path)
{
	uint8_t key[TERMS_KEY_LEN];
	int err;

	(void)bytes_cstr(bytes_str(path), s->path, sizeof(s->path));
	terms_message_key(terms, path, key);
	err = aes128gcm_open(&s->sealed, bytes_mem(key, sizeof(key)), s->fd, s->octets);
	explicit_bzero(key, sizeof(key));
	return err;
}

/* The last record must be marked as last: a file that was cut has another length than written. */
static int source_ends(struct copy_source *s)
{
	uint8_t last;
	ssize_t n = aes128gcm_read(&s->sealed, &last, 1, s->octets ? s->octets - 1 : 0);

	return n < 0 ? (int)n : 0;
}

int copy_source_open(struct copy_source *s, const struct terms *terms, const char *file,
		     const char *path)
{
	char sealed[FOLDER_PATH_MAX + sizeof(AES128GCM_ENDING)];
	struct stat st;
	bool is = false;
	int err = 0;

	*s = (struct copy_source){ .fd = file_read_open(file) };
	if (s->fd == -ENOENT) {
		(void)snprintf(sealed, sizeof(sealed), "%s" AES128GCM_ENDING, file);
		s->fd = file_read_open(sealed);
		is = true;
	}
	if (s->fd < 0)
		return s->fd;
	if (fstat(s->fd, &st) < 0)
		err = -errno;
	else
		s->octets = (uint64_t)st.st_size;
	if (!err && is) {
		err = copy_source_unseal(s, terms, path);
		if (!err) {
			s->octets = aes128gcm_plain(&s->sealed);
			err = source_ends(s);
		}
		if (err)
			source_damaged(s, err);
	}
	if (err)
		copy_source_close(s);
	return err;
}

ssize_t copy_source_read(struct copy_source *s, void *out, size_t n, uint64_t at)
{
	ssize_t had;

	if (s->sealed.cipher) {
		had = aes128gcm_read(&s->sealed, out, n, at);
		if (had < 0)
			source_damaged(s, (int)had);
		return had;
	}
	had = pread(s->fd, out, n, (off_t)at);
	return had < 0 ? -errno : had;
}

void copy_source_close(struct copy_source *s)
{
	aes128gcm_close(&s->sealed);
	if (s->fd >= 0)
		(void)close(s->fd);
	s->fd = -1;
}
