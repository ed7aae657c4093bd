/* SPDX-License-Identifier: Apache-2.0 */
/* What is written in the content coding aes128gcm is read from any place, and not where an octet is another one. The example is that of RFC 8188 3.1. */
#include "tests/unit/test.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "app/record/aes128gcm.h"
#include "base/base64url.h"

enum { TEXT = AES128GCM_RECORD - AES128GCM_OVERHEAD, LONGEST = 3 * TEXT + 100 };

static const uint8_t g_key[AES128GCM_KEY_LEN] = "0123456789abcdef0123456789abcde";

static uint8_t octet_at(size_t at)
{
	return (uint8_t)(at * 7 + at / 251);
}

static int file_of(size_t n)
{
	int fd = memfd_create("plain", MFD_CLOEXEC);
	uint8_t octets[LONGEST];

	for (size_t i = 0; i < n; i++)
		octets[i] = octet_at(i);
	assert_int_equal(write(fd, octets, n), n);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static int sealed_of(size_t n, uint64_t *size)
{
	int from = file_of(n), to = memfd_create("sealed", MFD_CLOEXEC);

	assert_int_equal(aes128gcm_write(bytes_mem(g_key, sizeof(g_key)), from, to), 0);
	(void)close(from);
	*size = (uint64_t)lseek(to, 0, SEEK_END);
	return to;
}

static ssize_t read_all(int fd, uint64_t size, uint8_t out[LONGEST + 1], const uint8_t *key)
{
	struct aes128gcm_file f;
	ssize_t n = aes128gcm_open(&f, bytes_mem(key, AES128GCM_KEY_LEN), fd, size);

	if (n)
		return n;
	n = aes128gcm_read(&f, out, LONGEST + 1, 0);
	aes128gcm_close(&f);
	return n;
}

static void written_and_read(void **state)
{
	static const size_t lengths[] = { 0, 1, TEXT - 1, TEXT, TEXT + 1, 2 * TEXT, LONGEST };
	uint8_t out[LONGEST + 1];
	struct aes128gcm_file f;
	uint64_t size;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(lengths); i++) {
		int fd = sealed_of(lengths[i], &size);

		assert_int_equal(aes128gcm_open(&f, bytes_mem(g_key, sizeof(g_key)), fd, size), 0);
		assert_int_equal(aes128gcm_plain(&f), lengths[i]);
		assert_int_equal(aes128gcm_read(&f, out, sizeof(out), 0), lengths[i]);
		for (size_t k = 0; k < lengths[i]; k++)
			assert_int_equal(out[k], octet_at(k));
		for (size_t at = 0; at < lengths[i]; at += 997) {
			size_t n = lengths[i] - at < 700 ? lengths[i] - at : 700;

			assert_int_equal(aes128gcm_read(&f, out, 700, at), n);
			for (size_t k = 0; k < n; k++)
				assert_int_equal(out[k], octet_at(at + k));
		}
		assert_int_equal(aes128gcm_read(&f, out, 1, lengths[i]), 0);
		aes128gcm_close(&f);
		(void)close(fd);
	}
}

/* While it arrives: each record is read when there is something behind it, and none is taken for the last one. */
static void read_while_it_arrives(void **state)
{
	uint8_t out[LONGEST + 1];
	struct aes128gcm_file f;
	uint64_t size;
	int fd = sealed_of(LONGEST, &size);

	(void)state;
	assert_int_equal(aes128gcm_open(&f, bytes_mem(g_key, sizeof(g_key)), fd,
					AES128GCM_HEAD - 1),
			 -EAGAIN);
	assert_int_equal(aes128gcm_open(&f, bytes_mem(g_key, sizeof(g_key)), fd, AES128GCM_HEAD),
			 0);
	for (f.size = AES128GCM_HEAD; f.size <= size; f.size++) {
		uint64_t behind = f.size - AES128GCM_HEAD;

		assert_int_equal(aes128gcm_arrived(&f),
				 behind ? (behind - 1) / AES128GCM_RECORD * TEXT : 0);
	}
	f.size = AES128GCM_HEAD + AES128GCM_RECORD + 1;
	assert_int_equal(aes128gcm_read(&f, out, aes128gcm_arrived(&f), 0), TEXT);
	aes128gcm_close(&f);
	(void)close(fd);
}

static void other_octets(void **state)
{
	uint8_t out[LONGEST + 1], key[AES128GCM_KEY_LEN], octet;
	uint64_t size;
	int fd = sealed_of(LONGEST, &size);

	(void)state;
	for (uint64_t at = 0; at < size; at += at < 64 || size - at < 64 ? 1 : 61) {
		assert_int_equal(pread(fd, &octet, 1, (off_t)at), 1);
		octet ^= 0x10;
		assert_int_equal(pwrite(fd, &octet, 1, (off_t)at), 1);
		assert_true(read_all(fd, size, out, g_key) < 0);
		octet ^= 0x10;
		assert_int_equal(pwrite(fd, &octet, 1, (off_t)at), 1);
	}
	assert_int_equal(read_all(fd, size, out, g_key), LONGEST);
	memcpy(key, g_key, sizeof(key));
	key[31] ^= 1;
	assert_int_equal(read_all(fd, size, out, key), -EBADMSG);
	(void)close(fd);
}

/* Cut anywhere, also between two records, and two that change places. */
static void cut_and_moved(void **state)
{
	uint8_t out[LONGEST + 1], one[AES128GCM_RECORD], two[AES128GCM_RECORD];
	uint64_t size;
	int fd = sealed_of(LONGEST, &size);

	(void)state;
	for (uint64_t n = AES128GCM_HEAD + AES128GCM_OVERHEAD; n < size; n += 101)
		assert_int_equal(read_all(fd, n, out, g_key), -EBADMSG);
	assert_int_equal(read_all(fd, AES128GCM_HEAD + 2 * AES128GCM_RECORD, out, g_key), -EBADMSG);
	assert_int_equal(pread(fd, one, sizeof(one), AES128GCM_HEAD), sizeof(one));
	assert_int_equal(pread(fd, two, sizeof(two), AES128GCM_HEAD + AES128GCM_RECORD),
			 sizeof(two));
	assert_int_equal(pwrite(fd, two, sizeof(two), AES128GCM_HEAD), sizeof(two));
	assert_int_equal(pwrite(fd, one, sizeof(one), AES128GCM_HEAD + AES128GCM_RECORD),
			 sizeof(one));
	assert_int_equal(read_all(fd, size, out, g_key), -EBADMSG);
	(void)close(fd);
}

static void example_of_the_rfc(void **state)
{
	static const char text[] = "I am the walrus";
	uint8_t sealed[128], key[32], out[64];
	size_t n = 0, key_n = 0;
	struct aes128gcm_file f;
	int fd = memfd_create("sealed", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(
		base64url_decode(bytes_str("I1BsxtFttlv3u_Oo94xnmwAAEAAA-NAVub2qFgBEuQKRapoZu"
					   "-IxkIva3MEB1PD-ly8Thjg"),
				 sealed, sizeof(sealed), &n),
		0);
	assert_int_equal(
		base64url_decode(bytes_str("yqdlZ-tYemfogSmv7Ws5PQ"), key, sizeof(key), &key_n), 0);
	assert_int_equal(write(fd, sealed, n), n);
	assert_int_equal(aes128gcm_open(&f, bytes_mem(key, key_n), fd, n), 0);
	assert_int_equal(aes128gcm_read(&f, out, sizeof(out), 0), sizeof(text) - 1);
	assert_memory_equal(out, text, sizeof(text) - 1);
	aes128gcm_close(&f);
	(void)close(fd);
}

/* Records of no text, or larger than anybody has; and no head at all. */
static void foreign_heads(void **state)
{
	static const uint32_t records[] = { 0, AES128GCM_OVERHEAD, AES128GCM_RECORD_MAX + 1,
					    UINT32_MAX };
	uint8_t head[AES128GCM_HEAD] = { 0 };
	struct aes128gcm_file f;
	int fd = memfd_create("sealed", MFD_CLOEXEC);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(records); i++) {
		be32_put(head + 16, records[i]);
		assert_int_equal(pwrite(fd, head, sizeof(head), 0), sizeof(head));
		assert_int_equal(aes128gcm_open(&f, bytes_mem(g_key, sizeof(g_key)), fd, 4000),
				 -EBADMSG);
	}
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_and_read),   cmocka_unit_test(read_while_it_arrives),
		cmocka_unit_test(other_octets),       cmocka_unit_test(cut_and_moved),
		cmocka_unit_test(example_of_the_rfc), cmocka_unit_test(foreign_heads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
