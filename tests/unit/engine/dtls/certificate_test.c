/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "engine/dtls/certificate.h"

#define NOW_MS UINT64_C(1780000000000)
#define DAY_MS UINT64_C(86400000)

static char g_dir[] = "/tmp/tandem-certificate-XXXXXX";
static char g_path[64], g_other[64];

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(g_dir))
		return -1;
	(void)snprintf(g_path, sizeof(g_path), "%s/dtls.pem", g_dir);
	(void)snprintf(g_other, sizeof(g_other), "%s/dtls.pem.new", g_dir);
	return 0;
}

static int forget(void **state)
{
	(void)state;
	(void)unlink(g_path);
	(void)unlink(g_other);
	return 0;
}

static int teardown(void **state)
{
	(void)forget(state);
	return rmdir(g_dir);
}

static struct certificate opened(uint64_t utc_ms)
{
	struct certificate c;

	assert_int_equal(certificate_open(&c, g_path, utc_ms), 0);
	return c;
}

static void write_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(close(fd), 0);
}

static void is_made_once_and_kept(void **state)
{
	struct certificate first = opened(NOW_MS), second = opened(NOW_MS + DAY_MS);
	char group[32];
	struct stat st;

	(void)state;
	assert_int_equal(first.fingerprint.hash, MEDIA_HASH_SHA256);
	assert_memory_equal(&first.fingerprint, &second.fingerprint, sizeof(first.fingerprint));
	assert_int_equal(EVP_PKEY_get_group_name(first.key, group, sizeof(group), NULL), 1);
	assert_string_equal(group, "prime256v1");
	assert_int_equal(X509_verify(first.x509, first.key), 1);
	assert_int_equal(stat(g_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(access(g_other, F_OK), -1);
	certificate_close(&first);
	certificate_close(&second);
}

static void is_renewed_before_it_ends(void **state)
{
	struct certificate first = opened(NOW_MS), c;

	(void)state;
	c = opened(NOW_MS + (CERTIFICATE_DAYS - CERTIFICATE_RENEW_DAYS - 1) * DAY_MS);
	assert_memory_equal(&first.fingerprint, &c.fingerprint, sizeof(c.fingerprint));
	certificate_close(&c);
	c = opened(NOW_MS + (CERTIFICATE_DAYS - CERTIFICATE_RENEW_DAYS + 1) * DAY_MS);
	assert_memory_not_equal(&first.fingerprint, &c.fingerprint, sizeof(c.fingerprint));
	certificate_close(&c);
	certificate_close(&first);
}

/* Half written by one that was killed. */
static void what_was_left_under_the_other_name_does_not_matter(void **state)
{
	struct certificate c;

	(void)state;
	write_file(g_other, "-----BEGIN", 0644);
	c = opened(NOW_MS);
	assert_int_equal(access(g_other, F_OK), -1);
	certificate_close(&c);
}

static void files_that_are_not_ours_are_refused(void **state)
{
	static const struct {
		const char *name, *text;
		mode_t mode;
		int want;
	} ROWS[] = {
		{ "empty", "", 0600, -EINVAL },
		{ "no PEM", "certificate\n", 0600, -EINVAL },
		{ "others may read it", "", 0640, -EPERM },
		{ "others may write it", "", 0602, -EPERM },
	};
	struct certificate c;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
		write_file(g_path, ROWS[i].text, ROWS[i].mode);
		ROW_ASSERT(ROWS[i].name,
			   certificate_open(&c, g_path, NOW_MS) == ROWS[i].want && !c.key);
		(void)unlink(g_path);
	}
	assert_int_equal(symlink("/dev/null", g_path), 0);
	assert_int_equal(certificate_open(&c, g_path, NOW_MS), -ELOOP);
	(void)unlink(g_path);
	assert_int_equal(mkfifo(g_path, 0600), 0);
	assert_int_equal(certificate_open(&c, g_path, NOW_MS), -EINVAL);
}

static void a_key_of_another_certificate_is_refused(void **state)
{
	char text[2][4096], *at[2];
	struct certificate c;

	(void)state;
	for (int i = 0; i < 2; i++) {
		FILE *f;

		c = opened(NOW_MS);
		certificate_close(&c);
		f = fopen(g_path, "r");
		assert_non_null(f);
		text[i][fread(text[i], 1, sizeof(text[i]) - 1, f)] = '\0';
		(void)fclose(f);
		(void)unlink(g_path);
		at[i] = strstr(text[i], "-----BEGIN CERT");
		assert_non_null(at[i]);
	}
	/* signatures differ in length */
	assert_true(strlen(at[1]) < sizeof(text[0]) - (size_t)(at[0] - text[0]));
	memcpy(at[0], at[1], strlen(at[1]) + 1);
	write_file(g_path, text[0], 0600);
	assert_int_equal(certificate_open(&c, g_path, NOW_MS), -EINVAL);
}

static void fingerprints_of_all_hashes_are_compared_whole(void **state)
{
	static const struct {
		uint8_t hash;
		const EVP_MD *(*md)(void);
	} ROWS[] = {
		{ MEDIA_HASH_SHA256, EVP_sha256 },
		{ MEDIA_HASH_SHA384, EVP_sha384 },
		{ MEDIA_HASH_SHA512, EVP_sha512 },
	};
	struct certificate c = opened(NOW_MS);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
		struct media_fingerprint want = { .hash = ROWS[i].hash };
		unsigned n;

		assert_int_equal(X509_digest(c.x509, ROWS[i].md(), want.octets, &n), 1);
		assert_true(certificate_has(c.x509, &want));
		for (unsigned at = 0; at < n; at++) {
			want.octets[at] ^= 1;
			assert_false(certificate_has(c.x509, &want));
			want.octets[at] ^= 1;
		}
		want.hash = MEDIA_HASH_NONE;
		assert_false(certificate_has(c.x509, &want));
		assert_false(certificate_has(NULL, &want));
	}
	certificate_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(is_made_once_and_kept, forget),
		cmocka_unit_test_teardown(is_renewed_before_it_ends, forget),
		cmocka_unit_test_teardown(what_was_left_under_the_other_name_does_not_matter,
					  forget),
		cmocka_unit_test_teardown(files_that_are_not_ours_are_refused, forget),
		cmocka_unit_test_teardown(a_key_of_another_certificate_is_refused, forget),
		cmocka_unit_test_teardown(fingerprints_of_all_hashes_are_compared_whole, forget),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
