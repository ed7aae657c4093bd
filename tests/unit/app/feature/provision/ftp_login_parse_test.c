/* SPDX-License-Identifier: Apache-2.0 */
#include "app/feature/provision/ftp/ftp.h"

#include <errno.h>

#include "tests/unit/test.h"

#define LONG "0123456789012345678901234567890123456789012345678901234567890123"

/* As pure-ftpd 1.0.50 has them. */
static void test_login(void **state)
{
	static const char text[] = "account:201\npassword:a:b "
				   "\nlocalhost:192.0.2.10\nlocalport:21\npeer:192.0.2.77\nsni_"
				   "name:\nencrypted:0\nend\n";
	struct ftp_login l = { 0 };

	(void)state;
	for (size_t n = 0; n < sizeof(text) - 1; n++)
		assert_int_equal(ftp_login_parse(&l, bytes_mem(text, n)), -EAGAIN);
	assert_int_equal(ftp_login_parse(&l, bytes_str(text)), 0);
	assert_string_equal(l.user, "201");
	assert_string_equal(l.password, "a:b ");
	assert_string_equal(l.host, "192.0.2.10");
	assert_string_equal(l.peer, "192.0.2.77");
}

static void test_wrong(void **state)
{
	static const char *const texts[] = { "end\n", "password:x\nend\n", "account:\nend\n",
					     "account:1\n\nend\n",
					     "account:" LONG LONG LONG "\nend\n" };
	static const char zero[] = "account:1\0002\nend\n";
	struct ftp_login l = { .user = "before" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		ROW_ASSERT(texts[i], ftp_login_parse(&l, bytes_str(texts[i])) == -EBADMSG);
	assert_int_equal(ftp_login_parse(&l, bytes_mem(zero, sizeof(zero) - 1)), -EBADMSG);
	assert_string_equal(l.user, "before");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_login),
					    cmocka_unit_test(test_wrong) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
