/* SPDX-License-Identifier: Apache-2.0 */
#include "app/helper/webhook.h"

#include "tests/unit/test.h"

/* The example of the specification of Standard Webhooks. */
static void test_signed(void **state)
{
	struct webhook_secret secret;
	char signature[WEBHOOK_SIGNATURE_MAX];

	(void)state;
	assert_int_equal(webhook_secret_read(&secret,
					     BYTES_LIT("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")),
			 0);
	assert_int_equal(secret.n, 24);
	webhook_sign(signature, &secret, BYTES_LIT("msg_p5jXN8AQM9LWM0D4loKWxJek"), 1614265330,
		     BYTES_LIT("{\"test\": 2432232314}"));
	assert_string_equal(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

static void test_secrets(void **state)
{
	static const char *const wrong[] = { "",
					     "whsec_",
					     "whsec_MfKQ9r8GKYqrTwjUPD8ILPZI",
					     "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
					     "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
					     "whsec_!!KQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" };
	struct webhook_secret secret;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		assert_int_not_equal(webhook_secret_read(&secret, bytes_str(wrong[i])), 0);
	assert_int_equal(webhook_secret_read(&secret, BYTES_LIT("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2"
								"LaLaSwAA==")),
			 0);
	assert_int_equal(secret.n, 25);
}

static void test_several(void **state)
{
	struct webhook_secret secrets[WEBHOOK_SECRETS_MAX];
	size_t count;

	(void)state;
	assert_int_equal(webhook_secrets_read(secrets, &count, (struct bytes){ 0 }), 0);
	assert_int_equal(count, 0);
	assert_int_equal(
		webhook_secrets_read(secrets, &count,
				     BYTES_LIT("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw,"
					       "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAA==")),
		0);
	assert_int_equal(count, 2);
	assert_int_equal(secrets[1].n, 25);
	assert_int_not_equal(webhook_secrets_read(secrets, &count,
						  BYTES_LIT("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
							    ",,")),
			     0);
}

static bool may(const char *address, bool own, const char *networks)
{
	struct webhook_network list[WEBHOOK_NETWORKS_MAX];
	struct addr a;
	size_t count;

	assert_int_equal(addr_parse(&a, bytes_str(address)), 0);
	assert_int_equal(webhook_networks_read(list, &count, bytes_str(networks)), 0);
	return webhook_may_ask(&a, own, list, count);
}

static void test_who_may_be_asked(void **state)
{
	static const char *const never[] = {
		"127.0.0.1",     "127.255.0.1",     "0.0.0.0",
		"0.1.2.3",       "10.1.2.3",        "100.64.1.1",
		"172.16.0.1",    "192.168.1.1",     "169.254.169.254",
		"224.0.0.1",     "255.255.255.255", "240.0.0.1",
		"198.18.0.1",    "192.0.2.1",       "::",
		"::1",           "::ffff:10.1.2.3", "::7f00:1",
		"fe80::1",       "fc00::1",         "fec0::1",
		"ff02::1",       "64:ff9b::7f00:1", "64:ff9b::a01:203",
		"2002:7f00:1::", "2001:db8::1",     "2001::1",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(never); i++) {
		if (may(never[i], false, ""))
			fail_msg("%s", never[i]);
	}
	assert_true(may("8.8.8.8", false, ""));
	assert_true(may("2a00:1450::1", false, ""));
	assert_true(may("64:ff9b::808:808", false, ""));
	assert_false(may("8.8.8.8", true, ""));
	assert_true(may("8.8.8.8", true, "8.8.8.8"));
	assert_true(may("10.1.2.3", false, "192.168.0.0/16,10.1.0.0/16"));
	assert_false(may("10.2.2.3", false, "192.168.0.0/16,10.1.0.0/16"));
	assert_true(may("64:ff9b::a01:203", false, "10.1.0.0/16"));
	assert_true(may("fd00::1", false, "fd00::/8"));
}

static void test_networks(void **state)
{
	static const char *const wrong[] = { "10.0.0.0/33", "home", "10.0.0.1:80", "10.0.0.0/",
					     "10.0.0.0/8,,10.1.1.1" };
	struct webhook_network list[WEBHOOK_NETWORKS_MAX];
	size_t count;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		assert_int_not_equal(webhook_networks_read(list, &count, bytes_str(wrong[i])), 0);
}

static void test_urls(void **state)
{
	(void)state;
	assert_true(webhook_url_may_ask(BYTES_LIT("https://a.test/x"), BYTES_LIT("")));
	assert_true(webhook_url_may_ask(BYTES_LIT("http://8.8.8.8:81?x"), BYTES_LIT("")));
	assert_false(webhook_url_may_ask(BYTES_LIT("http://me@127.0.0.1:81/x"), BYTES_LIT("")));
	assert_true(webhook_url_may_ask(BYTES_LIT("http://127.0.0.1/"), BYTES_LIT("127.0.0.0/8")));
	assert_false(webhook_url_may_ask(BYTES_LIT("https://[::1]:8080#x"), BYTES_LIT("")));
	assert_false(webhook_url_may_ask(BYTES_LIT("https://[::1]"), BYTES_LIT("10.0.0.0/8")));
}

static void shown(const char *url, const char *want)
{
	char text[128];
	struct writer w = writer_over(text, sizeof(text) - 1);

	webhook_url_shown(&w, bytes_str(url));
	text[w.n] = '\0';
	assert_string_equal(text, want);
}

static void test_shown(void **state)
{
	(void)state;
	shown("https://a.test/x?key=1#top", "https://a.test/x");
	shown("http://user:pass@a.test:81", "http://a.test:81");
	shown("http://a.test/~x@y", "http://a.test/~x@y");
	shown("http://user@a.test?key=1", "http://a.test");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signed),   cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_networks), cmocka_unit_test(test_who_may_be_asked),
		cmocka_unit_test(test_shown),    cmocka_unit_test(test_urls),
		cmocka_unit_test(test_several),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
