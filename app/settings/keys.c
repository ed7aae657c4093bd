/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads and creates the key file, and derives keys by HMAC-SHA-256. A node loads it at start,
 * tandemctl init creates it. Documents, links, channels between nodes and sealed secrets all depend
 * on it: all nodes of a cluster need the same file, and one that other users can read is refused.
 * Keys are overwritten in memory at the end.
 */

#include "app/settings/keys.h"
#include "base/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/log.h"
#include "base/rand.h"

static int check_mode(const char *path, const struct stat *st)
{
	if (!S_ISREG(st->st_mode)) {
		LOG_ERROR("keys", 0, "the keys file is not a regular file", LOG_STR("file", path));
		return -EINVAL;
	}
	if (st->st_mode & (S_IRWXG | S_IRWXO)) {
		LOG_ERROR("keys", 0, "others may read the keys file: chmod 600 it",
			  LOG_STR("file", path));
		return -EPERM;
	}
	return 0;
}

static int read_and_parse(struct keys *out, int fd, const char *path)
{
	uint8_t text[KEYS_FILE_MAX];
	ssize_t n = read(fd, text, sizeof(text));
	int err;

	if (n < 0)
		return -errno;
	err = keys_parse(out, bytes_mem(text, (size_t)n));
	OPENSSL_cleanse(text, sizeof(text));
	if (err) {
		LOG_ERROR("keys", 0,
			  "the keys file has no line 'cluster ID KEY' as tandemctl init writes it",
			  LOG_STR("file", path));
	}
	return err;
}

int keys_load(struct keys *out, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	int err;

	if (fd < 0) {
		err = -errno;
		LOG_ERROR("keys", 0,
			  "cannot open the keys file: tandemctl init --config FILE makes it",
			  LOG_STR("file", path), LOG_STR("error", strerror(-err)));
		return err;
	}
	err = fstat(fd, &st) < 0 ? -errno : check_mode(path, &st);
	if (!err)
		err = read_and_parse(out, fd, path);
	(void)close(fd);
	return err;
}

int keys_create(const char *path)
{
	struct rand_source rand;
	uint8_t key[KEYS_LEN], base64[KEYS_LEN / 3 * 4 + 5];
	char text[256];
	int n, err;

	rand_open_system(&rand);
	rand_fill(&rand, key, sizeof(key));
	(void)EVP_EncodeBlock(base64, key, sizeof(key));
	n = snprintf(
		text, sizeof(text),
		"# The secret of this cluster. Every node has the same; nobody else may read it.\n"
		"cluster 1 %s\n",
		(const char *)base64);
	assert(n > 0 && (size_t)n < sizeof(text));
	err = file_create(path, 0600, bytes_mem(text, (size_t)n));
	OPENSSL_cleanse(&rand, sizeof(rand));
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(base64, sizeof(base64));
	OPENSSL_cleanse(text, sizeof(text));
	return err;
}

void keys_derive(const struct keys *k, const char *label, uint8_t out[KEYS_LEN])
{
	unsigned n = KEYS_LEN;

	if (!HMAC(EVP_sha256(), k->cluster, KEYS_LEN, (const uint8_t *)label, strlen(label), out,
		  &n))
		assert(false && "HMAC-SHA-256 is always there");
	assert(n == KEYS_LEN);
}
