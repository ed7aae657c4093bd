/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recordings that nodes of the cluster can open to play them: the content coding aes128gcm (RFC
 * 8188). A head, and records that are authentic each by itself and by their order: so what is
 * played was not changed, whether the rest is there or not.
 */
#ifndef APP_RECORD_AES128GCM_H
#define APP_RECORD_AES128GCM_H

#include <string.h>
#include <sys/types.h>

#include "base/bytes.h"

/* Behind the name of the content in such a file's name; its sidecar has it as well. */
#define AES128GCM_KIND   "aes128gcm"
#define AES128GCM_ENDING "." AES128GCM_KIND

enum {
	AES128GCM_KEY_LEN = 32,
	AES128GCM_HEAD = 16 + 4 + 1,  /* salt, size of records, length of the key's id: none */
	AES128GCM_RECORD = 4096,      /* sealed octets of each record but the last */
	AES128GCM_RECORD_MAX = 65536, /* larger ones are not read */
	AES128GCM_OVERHEAD = 17,      /* of each record: its delimiter octet and its tag */
};

/* A file that is read. size: its octets. While more come, size is what has come, and the last whole
 * record is read only when another one is behind it. */
struct aes128gcm_file {
	int fd;
	uint64_t size;
	struct evp_cipher_ctx_st *cipher; /* NULL: it was not opened */
	uint8_t nonce[12];
	uint32_t head, record; /* octets of the head, and of each record but the last */
};

/* Length of the content's name: NAME of NAME.aes128gcm; all of any other name. */
static inline size_t aes128gcm_stem(const char *name)
{
	size_t n = strlen(name), tail = sizeof(AES128GCM_ENDING) - 1;

	return n > tail && !strcmp(name + n - tail, AES128GCM_ENDING) ? n - tail : n;
}

/* Writes all of `from` behind its position to `to`, in constant memory. 0 or -errno. */
int aes128gcm_write(struct bytes key, int from, int to) NODISCARD;
/* The caller keeps fd.
 * 0: close it; -EAGAIN: its head is not there yet; -EBADMSG: no such file; -errno. */
int aes128gcm_open(struct aes128gcm_file *f, struct bytes key, int fd, uint64_t size) NODISCARD;
void aes128gcm_close(struct aes128gcm_file *f);
/* Octets of its content by its size, if that is all of it. */
uint64_t aes128gcm_plain(const struct aes128gcm_file *f);
/* ... and octets that can be read while more come. */
uint64_t aes128gcm_arrived(const struct aes128gcm_file *f);
/* As pread: octets of the content from `at` on, fewer at its end alone.
 * -EBADMSG: changed, cut, or another key; -errno. */
ssize_t aes128gcm_read(struct aes128gcm_file *f, void *out, size_t n, uint64_t at) NODISCARD;

#endif
