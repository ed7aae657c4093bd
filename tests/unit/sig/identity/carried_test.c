/* SPDX-License-Identifier: Apache-2.0 */
/* What is believed of an INVITE's headers about who calls (RFC 3323, 3325, 4694, 5806, 6442, 7044, 7433, 8224). */
#include "sig/identity/carried.h"

#include "tests/unit/test.h"

static uint8_t g_space[CARRIED_MAX * 2];

static struct bytes take_as(const char *uri, const char *headers, const struct identity_policy *p,
			    const struct carried_self *self)
{
	static char text[65536];
	struct writer w = writer_over(g_space, sizeof(g_space));
	struct message_error error;
	struct sip_message m;
	int n = snprintf(text, sizeof(text),
			 "INVITE %s SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx\r\n"
			 "From: <sip:1001@x>;tag=f\r\nTo: <sip:1@x>\r\nCall-ID: c\r\n"
			 "CSeq: 1 INVITE\r\nMax-Forwards: 70\r\n%s\r\n",
			 uri, headers);

	assert_int_equal(message_parse(&m, bytes_mem(text, (size_t)n), &error), 0);
	carried_read(&w, &m, p, self);
	message_close(&m);
	assert_true(carried_is_valid(writer_done(&w)));
	return writer_done(&w);
}

static void assert_taken(const struct identity_policy *p, const char *headers, const char *lines)
{
	struct bytes got = take_as("sip:1@x", headers, p, NULL);

	if (!bytes_is(got, lines))
		fail_msg("%s became " BYTES_FMT ", not %s", headers, BYTES_ARG(got), lines);
}

static void of_a_peer(void **state)
{
	static const char *const rows[][2] = {
		{ "P-Asserted-Identity: \"A\" <sip:+49301@10.0.0.1>\r\n",
		  "P-Asserted-Identity: \"A\" <sip:+49301@10.0.0.1>\r\n" },
		{ "P-Asserted-Identity: <sip:+49301@x>, tel:+49301\r\n",
		  "P-Asserted-Identity: <sip:+49301@x>\r\nP-Asserted-Identity: tel:+49301\r\n" },
		{ "P-Asserted-Identity: tel:+49301\r\nP-Asserted-Identity: <sips:a@x>\r\n",
		  "P-Asserted-Identity: tel:+49301\r\nP-Asserted-Identity: <sips:a@x>\r\n" },
		/* RFC 3325 9.1: two of a kind, or three, are none */
		{ "P-Asserted-Identity: <sip:a@x>, <sip:b@x>\r\n", "" },
		{ "P-Asserted-Identity: tel:+1, tel:+2\r\n", "" },
		{ "P-Asserted-Identity: <sip:a@x>, tel:+1, tel:+2\r\n", "" },
		{ "P-Asserted-Identity: <http://a.x/>\r\n", "" },
		{ "P-Asserted-Identity: <sip:a@x\r\n", "" },
		{ "Privacy: id;USER; critical\r\n", "Privacy: user;id;critical\r\n" },
		{ "Privacy: id\r\nPrivacy: header\r\n", "Privacy: header;id\r\n" },
		{ "Privacy: later\r\n", "" },
		/* what cannot be read hides what can be hidden */
		{ "Privacy: <id>\r\n", "Privacy: header;user;id\r\n" },
		{ "Diversion: <sip:1@x>;reason=user-busy;counter=1, <sip:2@x>\r\n",
		  "Diversion: <sip:1@x>;reason=user-busy;counter=1\r\nDiversion: <sip:2@x>\r\n" },
		{ "History-Info: <sip:1@x?Reason=SIP%3Bcause%3D302>;index=1, "
		  "<sip:2@x>;index=1.1\r\n",
		  "History-Info: <sip:1@x?Reason=SIP%3Bcause%3D302>;index=1\r\n"
		  "History-Info: <sip:2@x>;index=1.1\r\n" },
		{ "History-Info: <sip:1@x>;index=1.\r\nHistory-Info: <sip:1@x>\r\n", "" },
		{ "User-to-User: 56a390f3d2b7310023;encoding=hex\r\n",
		  "User-to-User: 56a390f3d2b7310023;encoding=hex\r\n" },
		{ "User-to-User: \"a, b\";purpose=isdn-uui, 00\r\n",
		  "User-to-User: \"a, b\";purpose=isdn-uui\r\nUser-to-User: 00\r\n" },
		{ "User-to-User: ;encoding=hex\r\nUser-to-User: a b\r\n", "" },
		{ "Geolocation: <https://l.x/1>;inserted-by=x, <cid:a@x>\r\n"
		  "Geolocation-Routing: yes\r\n",
		  "Geolocation: <https://l.x/1>;inserted-by=x\r\nGeolocation-Routing: yes\r\n" },
		{ "Geolocation-Routing: perhaps\r\n", "" },
		{ "Identity: eyJ.a_b.c-d;info=<https://c.x/a.cer>;alg=ES256;ppt=\"shaken\"\r\n",
		  "Identity: eyJ.a_b.c-d;info=<https://c.x/a.cer>;alg=ES256;ppt=\"shaken\"\r\n" },
		{ "X-Call: 7\r\nX-Other: 8\r\nx-acct-id: 9\r\n", "X-Call: 7\r\nx-acct-id: 9\r\n" },
		{ "P-Preferred-Identity: <sip:1001@x>\r\nOrganization: x\r\n", "" },
	};
	const struct identity_extra extra = { .count = 2, .names = { "X-Call", "X-Acct-*" } };
	const struct identity_policy peer = identity_of_peer(&extra);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_taken(&peer, rows[i][0], rows[i][1]);
}

/* RFC 3325 5: nothing of what it asserts; RFC 7044 9.1: nor of how its call came. */
static void of_a_phone(void **state)
{
	const struct identity_policy phone = identity_of_phone(NULL);

	(void)state;
	assert_taken(&phone,
		     "P-Asserted-Identity: <sip:boss@x>\r\nPrivacy: id\r\nDiversion: <sip:1@x>\r\n"
		     "History-Info: <sip:1@x>;index=1\r\nUser-to-User: 01\r\nX-Call: 1\r\n"
		     "Identity: a;info=<https://x/>\r\nGeolocation: <https://l.x/1>\r\n",
		     "Privacy: id\r\nUser-to-User: 01\r\nGeolocation: <https://l.x/1>\r\n");
}

/* RFC 3325 9.2: what it wishes to be called counts where it may be. */
static void preferred(void **state)
{
	static const struct {
		const char *wish, *is;
	} rows[] = {
		{ "<sip:1001@x>", "<sip:1001@x>" },
		{ "\"Desk\" <sip:+4930100@x>", "\"Desk\" <sip:+4930100@x>" },
		{ "tel:+49-30-100", "tel:+49-30-100" },
		{ "<sip:+4930999@x>", NULL },
		{ "<sip:1001@x>, <sip:+4930100@x>", NULL },
		{ "<sip:x", NULL },
	};
	const struct identity_policy phone = identity_of_phone(NULL);
	const struct carried_self self = { .number = BYTES_LIT("1001"),
					   .others = BYTES_LIT("+4930100,+4930101") };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char header[256], line[256];
		struct bytes got;

		(void)snprintf(header, sizeof(header), "P-Preferred-Identity: %s\r\n",
			       rows[i].wish);
		(void)snprintf(line, sizeof(line), "P-Asserted-Identity: %s\r\n",
			       rows[i].is ? rows[i].is : "");
		got = take_as("sip:1@x", header, &phone, &self);
		if (!bytes_is(got, rows[i].is ? line : ""))
			fail_msg("%s became " BYTES_FMT, rows[i].wish, BYTES_ARG(got));
	}
}

/* RFC 4694 */
static void number_portability(void **state)
{
	static const struct {
		const char *uri, *is;
	} rows[] = {
		{ "tel:+1-202-533-1234;npdi;rn=+1-202-544-0000",
		  "Number-Portability: npdi;rn=+1-202-544-0000\r\n" },
		{ "sip:+12025331234;rn=2025440000;rn-context=+1;cic=+16789@x;user=phone",
		  "Number-Portability: rn=2025440000;rn-context=+1\r\n" },
		{ "sip:1010;tgrp=a@x", "" },
		{ "sip:1010@x;npdi", "" },
	};
	const struct identity_policy peer = identity_of_peer(NULL), phone = identity_of_phone(NULL);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_true(bytes_is(take_as(rows[i].uri, "", &peer, NULL), rows[i].is));
		assert_int_equal(take_as(rows[i].uri, "", &phone, NULL).n, 0);
	}
}

/* What is too much is left out as a whole, and cuts nothing else. */
static void bounds(void **state)
{
	static char headers[60000];
	const struct identity_policy peer = identity_of_peer(NULL);
	size_t n = 0;
	struct bytes got, value;
	unsigned diversions = 0;

	(void)state;
	for (unsigned i = 0; i < 40; i++)
		n += (size_t)snprintf(headers + n, sizeof(headers) - n,
				      "Diversion: <sip:%u@x>\r\nUser-to-User: %01000u\r\n", i, i);
	got = take_as("sip:1@x", headers, &peer, NULL);
	assert_in_range(got.n, 3000, CARRIED_MAX);
	while (carried_find(got, CARRIED_DIVERSION, diversions, &value))
		diversions++;
	assert_int_equal(diversions, 8);
	assert_true(carried_find(got, CARRIED_UUI, 2, &value));
	assert_int_equal(value.n, 1000);
}

static void not_valid(void **state)
{
	static const char *const rows[] = {
		"P-Asserted-Identity: <sip:1@x>",
		"Privacy: id\r\nP-Asserted-Identity: <sip:1@x>\r\n",
		"Privacy: id;user\r\n",
		"Privacy: id\r\nPrivacy: user\r\n",
		"Subject: x\r\n",
		"X-A:1\r\n",
		"X-A: 1\n",
		"X A: 1\r\n",
		": 1\r\n",
		"\r\n",
		"Diversion: <sip:1@x>, <sip:2@x>\r\n",
		"X-A: 1\r\r\n",
		"Number-Portability: rn=1@evil.x\r\n",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (carried_is_valid(bytes_str(rows[i])))
			fail_msg("taken: %s", rows[i]);
	}
	assert_true(carried_is_valid((struct bytes){ 0 }));
}

static void hidden(void **state)
{
	static const char *const rows[][2] = {
		{ "\"A\" <sip:1@10.0.0.1:5070;user=phone?Reason=SIP%3Bcause%3D302>;index=1",
		  "\"A\" <sip:1@gw.example:5060;user=phone?Reason=SIP%3Bcause%3D302>;index=1" },
		{ "<sips:1;rn=2@[2001:db8::1]:5061>", "<sips:1;rn=2@gw.example:5060>" },
		{ "sip:host.inside", "sip:gw.example:5060" },
		{ "tel:+49301", "tel:+49301" },
		{ "<sip:anonymous@anonymous.invalid>", "<sip:anonymous@anonymous.invalid>" },
	};
	uint8_t space[256];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct writer w = writer_over(space, sizeof(space));

		carried_write_hidden(&w, bytes_str(rows[i][0]), BYTES_LIT("gw.example:5060"));
		if (!bytes_is(writer_done(&w), rows[i][1]))
			fail_msg(BYTES_FMT, BYTES_ARG(writer_done(&w)));
	}
}

static void extra_names(void **state)
{
	static const struct identity_extra extra = { .count = 2, .names = { "X-One", "X-Two-*" } };

	(void)state;
	assert_true(identity_has_extra(&extra, BYTES_LIT("x-one")));
	assert_true(identity_has_extra(&extra, BYTES_LIT("X-Two-B")));
	assert_false(identity_has_extra(&extra, BYTES_LIT("X-Oneself")));
	assert_false(identity_has_extra(&extra, BYTES_LIT("X-Two")));
	assert_false(identity_has_extra(NULL, BYTES_LIT("X-One")));
	assert_null(identity_extra_wrong(BYTES_LIT("X-One-*")));
	assert_non_null(identity_extra_wrong(BYTES_LIT("Via")));
	assert_non_null(identity_extra_wrong(BYTES_LIT("X-*-One")));
	assert_non_null(identity_extra_wrong(BYTES_LIT("X-One:")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_a_peer), cmocka_unit_test(of_a_phone),
		cmocka_unit_test(preferred), cmocka_unit_test(number_portability),
		cmocka_unit_test(bounds),    cmocka_unit_test(not_valid),
		cmocka_unit_test(hidden),    cmocka_unit_test(extra_names),
	};

	return cmocka_run_group_tests_name("carried", tests, NULL, NULL);
}
