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

#define HEADERS                                                                           \
	"webhook-id: msg-1.2\n"                                                           \
	"webhook-timestamp: 1795000000\n"                                                 \
	"webhook-signature: v1,K7S/yexEIxyu5C1jyC4KEzRStoGCCtUS6hBmxka4lKE= v1,"          \
	"K7S/yexEIxyu5C1jyC4KEzRStoGCCtUS6hBmxka4lKE=\n"                                  \
	"Content-Digest: sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:\n"        \
	"Signature-Input: sig1=(\"@method\" \"@authority\" \"@request-target\" \"conte"   \
	"nt-digest\" \"webhook-id\");created=1795000000;alg=\"hmac-sha256\", sig2=(\""    \
	"@method\" \"@authority\" \"@request-target\" \"content-digest\" \"webhook-id\")" \
	";created=1795000000;alg=\"hmac-sha256\"\n"                                       \
	"Signature: sig1=:TD5CQpes131oHP0DchqBsyAxQPEUfusKpyNYPg7BUOk=:, sig2=:"          \
	"TD5CQpes131oHP0DchqBsyAxQPEUfusKpyNYPg7BUOk=:\n"

/* Two signatures by each secret; method, host and target count for those of RFC 9421. The values are of another program. */
static void test_headers(void **state)
{
	struct webhook_request r = { .method = "POST",
				     .url = BYTES_LIT("https://u:p@App.example.com:443/call?x=1#y"),
				     .id = BYTES_LIT("msg-1.2"),
				     .body = BYTES_LIT("{}"),
				     .utc_s = 1795000000 };
	struct webhook_secret secrets[WEBHOOK_SECRETS_MAX];
	char text[WEBHOOK_HEADERS_MAX];
	struct writer w = writer_over(text, sizeof(text));
	size_t count;

	(void)state;
	assert_int_equal(
		webhook_secrets_read(secrets, &count,
				     BYTES_LIT("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw,"
					       "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAA==")),
		0);
	webhook_headers(&w, secrets, count, &r);
	for (size_t i = 0; i < w.n; i++)
		text[i] = text[i] ? text[i] : '\n';
	text[w.n] = '\0';
	assert_string_equal(text, HEADERS);
	w.n = 0;
	webhook_headers(&w, secrets, 0, &r);
	assert_true(bytes_eq(writer_done(&w), BYTES_LIT("webhook-id: msg-1.2\0"
							"webhook-timestamp: 1795000000\0")));
}

static void test_hosts(void **state)
{
	static const char *const rows[][3] = {
		{ "http://a:80", "a", "/" },
		{ "http://a:443?q#f", "a:443", "/?q" },
		{ "ws://[2001:DB8::1]:80/x", "[2001:db8::1]", "/x" },
		{ "wss://A:443/x#y", "a", "/x" },
		{ "https://u@a:8443/../x", "a:8443", "/../x" },
	};
	char text[128];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct writer w = writer_over(text, sizeof(text));

		webhook_url_host(&w, bytes_str(rows[i][0]));
		assert_true(bytes_is(writer_done(&w), rows[i][1]));
		w.n = 0;
		webhook_url_target(&w, bytes_str(rows[i][0]));
		assert_true(bytes_is(writer_done(&w), rows[i][2]));
	}
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
	return webhook_allowed(&a, own, list, count);
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
	assert_true(webhook_url_allowed(BYTES_LIT("https://a.test/x"), BYTES_LIT("")));
	assert_true(webhook_url_allowed(BYTES_LIT("http://8.8.8.8:81?x"), BYTES_LIT("")));
	assert_false(webhook_url_allowed(BYTES_LIT("http://me@127.0.0.1:81/x"), BYTES_LIT("")));
	assert_true(webhook_url_allowed(BYTES_LIT("http://127.0.0.1/"), BYTES_LIT("127.0.0.0/8")));
	assert_false(webhook_url_allowed(BYTES_LIT("https://[::1]:8080#x"), BYTES_LIT("")));
	assert_false(webhook_url_allowed(BYTES_LIT("https://[::1]"), BYTES_LIT("10.0.0.0/8")));
}

static void shown(const char *url, const char *want)
{
	char text[128];
	struct writer w = writer_over(text, sizeof(text) - 1);

	webhook_url_shown(&w, bytes_str(url));
	text[w.n] = '\0';
	assert_string_equal(text, want);
}

/* What is masked is masked once: a client that gives it back has given nothing new. */
static void masked(bool whole, const char *url, const char *want)
{
	char text[256], again[256];
	struct writer w = writer_over(text, sizeof(text) - 1);
	struct writer a = writer_over(again, sizeof(again) - 1);

	webhook_url_masked(&w, bytes_str(url), whole);
	text[w.n] = '\0';
	assert_string_equal(text, want);
	webhook_url_masked(&a, bytes_str(text), whole);
	again[a.n] = '\0';
	assert_string_equal(again, want);
}

static void test_masked(void **state)
{
	(void)state;
	masked(true, "https://a.test/x?key=1&&b=&c#top", "https://a.test/x?key=***&&b=***&***#***");
	masked(true, "http://user:p@ss@a.test:81", "http://***@a.test:81");
	masked(true, "wss://token@a.test?x", "wss://***@a.test?***");
	masked(true, "http://a.test/", "http://a.test/");
	masked(false, "https://hooks.test/services/T0/SECRET", "https://hooks.test/…");
	masked(false, "http://user:p@ss@a.test:81?key=1#top", "http://a.test:81/…");
	masked(false, "wss://[::1]:81", "wss://[::1]:81/…");
	for (int whole = 0; whole < 2; whole++) {
		masked(whole, "flow:menu", "flow:menu");
		masked(whole, "group:a@b?c=d", "group:a@b?c=d");
		masked(whole, "://", "://");
		masked(whole, "a:/", "a:/");
		masked(whole, "", "");
	}
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
		cmocka_unit_test(test_masked),   cmocka_unit_test(test_several),
		cmocka_unit_test(test_headers),  cmocka_unit_test(test_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
