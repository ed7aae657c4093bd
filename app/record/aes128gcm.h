/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recordings that nodes of the cluster can open, as they play them: the content coding aes128gcm (RFC 8188). A head, and records that are
 * authentic each by itself and by their order: so what is played was not changed, whether the rest is there or not.
 */
#ifndef APP_RECORD_AES128GCM_H
#define APP_RECORD_AES128GCM_H

#include <string.h>
#include <sys/types.h>

#include "base/bytes.h"

/* Behind the name of what is in such a file; its sidecar says it as well. */
#define AES128GCM_KIND   "aes128gcm"
#define AES128GCM_ENDING "." AES128GCM_KIND

enum {
	AES128GCM_KEY_LEN = 32,
	AES128GCM_HEAD = 16 + 4 + 1,  /* salt, size of records, length of the key's id: none */
	AES128GCM_RECORD = 4096,      /* sealed octets of each record but the last */
	AES128GCM_RECORD_MAX = 65536, /* larger ones are not read */
	AES128GCM_OVERHEAD = 17,      /* of each record: its delimiter octet and its tag */
};

/*
 * A file that is read. size: its octets. While more come: those that came, and the last whole record is read when there is one behind it.
 */
struct aes128gcm_file {
	int fd;
	uint64_t size;
	struct evp_cipher_ctx_st *cipher; /* NULL: it was not opened */
	uint8_t nonce[12];
	uint32_t head, record; /* octets of the head, and of each record but the last */
};

/* Octets of the name of what is in it: NAME of NAME.aes128gcm. All of another name. */
static inline size_t aes128gcm_stem(const char *name)
{
	size_t n = strlen(name), tail = sizeof(AES128GCM_ENDING) - 1;

	return n > tail && !strcmp(name + n - tail, AES128GCM_ENDING) ? n - tail : n;
}

/* All that is behind the place of `from` goes to `to`; memory is the same for any length. 0 or -errno. */
int aes128gcm_write(struct bytes key, int from, int to) NODISCARD;
/* The file stays the caller's. 0; -EAGAIN: its head is not there yet; -EBADMSG: it is no such file; -errno. Close it where it is 0. */
int aes128gcm_open(struct aes128gcm_file *f, struct bytes key, int fd, uint64_t size) NODISCARD;
void aes128gcm_close(struct aes128gcm_file *f);
/* Octets of what is in it, by its size, where that is all of it. */
uint64_t aes128gcm_plain(const struct aes128gcm_file *f);
/* ... and of what can be read of it, while more come. */
uint64_t aes128gcm_arrived(const struct aes128gcm_file *f);
/* As pread: octets of what is in it from `at` on, fewer at its end alone. -EBADMSG: it was changed, is cut, or has another key; -errno. */
ssize_t aes128gcm_read(struct aes128gcm_file *f, void *out, size_t n, uint64_t at) NODISCARD;

#endif
