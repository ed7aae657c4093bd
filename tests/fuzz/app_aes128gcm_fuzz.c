/* SPDX-License-Identifier: Apache-2.0 */
/* No file that nobody has written is read. What is in one that was written comes back, from any place; with one octet changed it does not. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "app/record/aes128gcm.h"

enum { SALT = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct bytes g_key = { (const uint8_t *)"of the fuzzer", 13 };

static int file_of(const uint8_t *p, size_t n)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (write(fd, p, n) != (ssize_t)n || lseek(fd, 0, SEEK_SET))
		abort();
	return fd;
}

/* As many as there are, up to n; or less than 0. */
static ssize_t file_read(int fd, uint64_t size, uint8_t *out, size_t n, uint64_t at)
{
	struct aes128gcm_file f;
	ssize_t had = aes128gcm_open(&f, g_key, fd, size);

	if (had)
		return had;
	assert(aes128gcm_arrived(&f) <= size && aes128gcm_plain(&f) <= size);
	had = aes128gcm_read(&f, out, n, at);
	aes128gcm_close(&f);
	return had;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint8_t *out = malloc(n + 1);
	int plain = file_of(data, n), sealed = memfd_create("fuzz", MFD_CLOEXEC);
	uint64_t size, at = n ? data[0] * 257U % n : 0;
	uint8_t octet;

	assert(out);
	if (file_read(plain, n, out, n, 0) > 0 || aes128gcm_write(g_key, plain, sealed))
		abort();
	size = (uint64_t)lseek(sealed, 0, SEEK_END);
	if (file_read(sealed, size, out, n + 1, 0) != (ssize_t)n ||
	    (n && memcmp(out, data, n) != 0))
		abort();
	if (file_read(sealed, size, out, n - at, at) != (ssize_t)(n - at) ||
	    (n && memcmp(out, data + at, n - at) != 0))
		abort();
	at = n > 1 ? data[1] * 257U % size : 0;
	if (at >= SALT && at < AES128GCM_HEAD - 1)
		at = 0; /* where there is one record its length is anything */
	if (pread(sealed, &octet, 1, (off_t)at) != 1)
		abort();
	octet ^= 1;
	if (pwrite(sealed, &octet, 1, (off_t)at) != 1 ||
	    (n && file_read(sealed, size, out, n, 0) == (ssize_t)n && !memcmp(out, data, n)))
		abort();
	(void)close(sealed);
	(void)close(plain);
	free(out);
	return 0;
}
