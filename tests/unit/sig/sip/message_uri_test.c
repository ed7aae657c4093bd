/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>

#include "sig/sip/message.h"

static void test_parse(void **state)
{
	static const struct {
		const char *text, *scheme, *user, *host, *params, *headers;
		uint16_t port;
	} rows[] = {
		{ "sip:1001@192.0.2.1", "sip", "1001", "192.0.2.1", "", "", 0 },
		{ "SIPS:a@b:5061", "SIPS", "a", "b", "", "", 5061 },
		{ "sip:example.org", "sip", "", "example.org", "", "", 0 },
		{ "sip:a:secret@h", "sip", "a", "h", "", "", 0 },
		{ "sip:a@h;lr;transport=udp", "sip", "a", "h", "lr;transport=udp", "", 0 },
		{ "sip:a@h:1;x=1?Subject=y&To=z", "sip", "a", "h", "x=1", "Subject=y&To=z", 1 },
		{ "sip:a;b=c@h", "sip", "a;b=c", "h", "", "", 0 },
		{ "sip:a?b@h", "sip", "a?b", "h", "", "", 0 },
		{ "sip:[2001:db8::1]", "sip", "", "2001:db8::1", "", "", 0 },
		{ "sip:a@[2001:db8::1]:5070;lr", "sip", "a", "2001:db8::1", "lr", "", 5070 },
		{ "sip:+49%20(30)@h", "sip", "+49%20(30)", "h", "", "", 0 },
		{ "sip:a@under_score.local", "sip", "a", "under_score.local", "", "", 0 },
		{ "sip:a@h:65535", "sip", "a", "h", "", "", 65535 },
		{ "tel:+4930123;phone-context=x", "tel", "+4930123", "", "phone-context=x", "", 0 },
		{ "urn:service:sos", "urn", "", "", "", "", 0 },
		{ "a+b-c.1:x", "a+b-c.1", "", "", "", "", 0 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct sip_uri u;

		ROW_ASSERT(row->text, sip_uri_parse(&u, bytes_str(row->text)) == 0);
		ROW_ASSERT(row->text, bytes_is(u.all, row->text));
		ROW_ASSERT(row->text, bytes_is(u.scheme, row->scheme));
		ROW_ASSERT(row->text, bytes_is(u.user, row->user));
		ROW_ASSERT(row->text, bytes_is(u.host, row->host));
		ROW_ASSERT(row->text, bytes_is(u.params, row->params));
		ROW_ASSERT(row->text, bytes_is(u.headers, row->headers));
		ROW_ASSERT(row->text, u.port == row->port);
	}
}

static void test_refuses(void **state)
{
	static const char *const rows[] = {
		"",
		"sip",
		"sip:",
		":a@b",
		"1sip:a@b",
		"s p:a@b",
		"sip:@h",
		"sip:a@",
		"sip:a@b:",
		"sip:a@b:0",
		"sip:a@b:65536",
		"sip:a@b:000001",
		"sip:a@b:x",
		"sip:a b@c",
		"sip:a@b c",
		"<sip:a@b>",
		"sip:a@b>",
		"sip:\"a\"@b",
		"sip:a@b\r\nVia: c",
		"sip:a@b\t",
		"sip:a%@b",
		"sip:a%4@b",
		"sip:a%4g@b",
		"sip:a@b@c",
		"sip:a@2001:db8::1",
		"sip:a@[2001:db8::1",
		"sip:a@[192.0.2.1]",
		"sip:a@[]",
		"sip:a@[::1]x",
		"sip:a@[2001:db8:::1]",
		"sip:a@b;",
		"sip:a@b;;x",
		"sip:a@b;=1",
		"sip:a@b;x=",
		"sip:a@b/c",
		"tel:",
		"tel:;x",
		"sip:a@b;x=\"",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct sip_uri u = { .port = 7 };

		if (sip_uri_parse(&u, bytes_str(rows[i])) != -EBADMSG || u.port != 7)
			fail_msg("%s", rows[i]);
	}
}

static void with_params(unsigned n, char sep, char *text, size_t cap)
{
	struct writer w = writer_over(text, cap - 1);

	writer_str(&w, sep == '&' ? "sip:a@b?h=0" : "sip:a@b");
	for (unsigned i = 0; i < n; i++)
		writer_fmt(&w, "%cx%u=1", sep, i);
	text[w.n] = '\0';
}

static void test_part_limit(void **state)
{
	static const char seps[] = { ';', '&' };
	struct sip_uri u;
	char text[1024];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(seps); i++) {
		with_params(15, seps[i], text, sizeof(text));
		assert_int_equal(sip_uri_parse(&u, bytes_str(text)), 0);
		with_params(17, seps[i], text, sizeof(text));
		assert_int_equal(sip_uri_parse(&u, bytes_str(text)), -EBADMSG);
	}
}

/* RFC 3261 19.1.4, its examples first. */
static void test_equal(void **state)
{
	static const struct {
		const char *a, *b;
		bool want;
	} rows[] = {
		{ "sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp",
		  true },
		{ "sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", true },
		{ "sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on", true },
		{ "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
		  "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com", true },
		{ "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
		  "sip:alice@atlanta.com?priority=urgent&subject=project%20x", true },
		{ "SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP",
		  false },
		{ "sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", false },
		{ "sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", false },
		{ "sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp", false },
		{ "sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting", false },
		{ "sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4", false },
		{ "sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off",
		  false },
		{ "sip:a@b", "sips:a@b", false },
		{ "sip:a@b", "sip:b", false },
		{ "sip:a:x@b", "sip:a:y@b", false },
		{ "sip:a@b;maddr=192.0.2.1", "sip:a@b", false },
		{ "sip:a@b;lr", "sip:a@b;lr=on", false },
		/* RFC 5627 5.4: a public GRUU equals its user's address, and no other phone's */
		{ "sip:a@b;gr=urn:1", "sip:a@b", true },
		{ "sip:a@b;gr=urn:a", "sip:a@b;gr=URN:A", true },
		{ "sip:a@b;gr=urn:1", "sip:a@b;gr=urn:2", false },
		{ "sip:a@b;gr=urn:1", "sip:a@b;gr", false },
		{ "sip:%00@b", "sip:%00%00@b", false },
		{ "sip:a@[2001:db8::1]", "sip:a@[2001:DB8:0:0::1]", true },
		{ "sip:a@[2001:db8::1]", "sip:a@[2001:db8::2]", false },
		{ "sip:a@b?x=1", "sip:a@b?x=1&x=2", false },
		{ "tel:+1", "tel:+1", true },
		{ "tel:+1", "tel:+2", false },
		{ "urn:x", "urn:x", true },
		{ "urn:x", "urn:y", false },
		{ "sip:a@b;x=1;x=2", "sip:a@b;x=1;x=2", true },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct sip_uri a;
		struct sip_uri b;

		ROW_ASSERT(row->a, !sip_uri_parse(&a, bytes_str(row->a)));
		ROW_ASSERT(row->b, !sip_uri_parse(&b, bytes_str(row->b)));
		ROW_ASSERT(row->b, sip_uri_equal(&a, &b) == row->want);
		ROW_ASSERT(row->b, sip_uri_equal(&b, &a) == row->want);
		ROW_ASSERT(row->a, sip_uri_equal(&a, &a) && sip_uri_equal(&b, &b));
	}
}

static void test_unescape(void **state)
{
	static const struct {
		const char *user, *want;
		int err;
		size_t cap;
	} rows[] = {
		{ "1001", "1001", 0, 5 },
		{ "%31%30", "10", 0, 3 },
		{ "value%25%34%31", "value%41", 0, 16 }, /* once only: RFC 4475 3.1.1.3 */
		{ "sips%3Auser%40example.com", "sips:user@example.com", 0, 32 },
		{ "", "", 0, 1 },
		{ "null-%00-null", "", -EINVAL, 32 },
		{ "a%4", "", -EINVAL, 32 },
		{ "a%zz", "", -EINVAL, 32 },
		{ "1001", "", -ENOSPC, 4 },
		{ "", "", -ENOSPC, 0 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		char out[32];
		size_t n = 99;
		int err = sip_user_unescape(bytes_str(row->user), out, row->cap, &n);

		ROW_ASSERT(row->user, err == row->err);
		if (!err) {
			ROW_ASSERT(row->user, n == strlen(row->want));
			ROW_ASSERT(row->user, strcmp(out, row->want) == 0);
		}
	}
}

static void test_display_unescape(void **state)
{
	static const struct {
		const char *display, *means;
		size_t cap;
	} rows[] = {
		{ "Ann Lee", "Ann Lee", 16 }, { "\\\"A\\\\B\\\"", "\"A\\B\"", 16 },
		{ "a\\", "a\\", 16 },         { "a\tb\x7f", "a b ", 16 },
		{ "abc\xc3\xa4", "abc", 4 },  { "abc\xc3\xa4", "abc\xc3\xa4", 5 },
		{ "\xe2\x82\xac", "", 2 },    { "", "", 0 },
	};
	char out[16];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct bytes means =
			sip_display_unescape(bytes_str(rows[i].display), out, rows[i].cap);

		assert_int_equal(means.n, strlen(rows[i].means));
		assert_memory_equal(means.p, rows[i].means, means.n);
	}
}

static void test_name_addr(void **state)
{
	static const struct {
		const char *text, *display, *uri, *params, *tag;
	} rows[] = {
		{ "<sip:a@b>", "", "sip:a@b", "", "" },
		{ "sip:a@b", "", "sip:a@b", "", "" },
		{ "Bob<sip:a@b>;tag=x", "Bob", "sip:a@b", "tag=x", "x" },
		{ " Bob B. \t<sip:a@b;lr> ;tag=x ; y", "Bob B.", "sip:a@b;lr", "tag=x ; y", "x" },
		{ "\"a \\\" <b>\" <sip:a@b>;TAG=Y", "a \\\" <b>", "sip:a@b", "TAG=Y", "Y" },
		{ "\"\"<sip:a@b>", "", "sip:a@b", "", "" },
		{ "sip:a@b;tag=x;q=1", "", "sip:a@b", "tag=x;q=1", "x" },
		{ "J\xc3\xb6rg <sip:a@b>", "J\xc3\xb6rg", "sip:a@b", "", "" },
		{ "sip:a@b;+sip.instance=\"<urn:x>\";tag=z", "", "sip:a@b",
		  "+sip.instance=\"<urn:x>\";tag=z", "z" },
		{ "<sip:a@b>;+sip.instance=\"<urn:x>\"", "", "sip:a@b", "+sip.instance=\"<urn:x>\"",
		  "" },
		{ "<sip:a@b?Replaces=x>", "", "sip:a@b?Replaces=x", "", "" },
		{ "<sip:a@b>;x=\"a;tag=no\";tag=yes", "", "sip:a@b", "x=\"a;tag=no\";tag=yes",
		  "yes" },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct sip_name_addr a;

		ROW_ASSERT(row->text, sip_name_addr_parse(&a, bytes_str(row->text)) == 0);
		ROW_ASSERT(row->text, bytes_is(a.display, row->display));
		ROW_ASSERT(row->text, bytes_is(a.uri.all, row->uri));
		ROW_ASSERT(row->text, bytes_is(a.params, row->params));
		ROW_ASSERT(row->text, bytes_is(a.tag, row->tag));
	}
}

static void test_name_addr_refuses(void **state)
{
	static const char *const rows[] = {
		"",
		"*",
		"a@b",
		"<sip:a@b",
		"sip:a@b>",
		"<>",
		"\"x <sip:a@b>",
		"\"x\"",
		"\"x\" sip:a@b",
		"\"x\" y <sip:a@b>",
		"A, B <sip:a@b>",
		"< sip:a@b>",
		"<sip:a@b >",
		"<sip:a@b>x",
		"<sip:a@b>;",
		"<sip:a@b>;;x",
		"<sip:a@b>;x=",
		"sip:a@b?X=y",
		"sip:a@b,",
		"<sip:a@b>;x=\"y",
		"<sip:a@b> ; = 1",
		"<sip:a@b>;x y",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct sip_name_addr a;

		if (sip_name_addr_parse(&a, bytes_str(rows[i])) != -EBADMSG)
			fail_msg("%s", rows[i]);
	}
}

static void test_param(void **state)
{
	static const struct {
		const char *params, *name, *want; /* NULL: absent */
	} rows[] = {
		{ "a=1;b=2", "b", "2" },
		{ ";a=1;b=2", "A", "1" },
		{ "lr", "lr", "" },
		{ " a = 1 ; b = \"x;y\" ", "b", "x;y" },
		{ "ab=1", "a", NULL },
		{ "", "a", NULL },
		{ "a=b=c", "a", "b=c" },
		{ "a=[2001:db8::1]", "a", "[2001:db8::1]" },
		{ "a=\"\"", "a", "" },
		{ "a=1;a=2", "a", "1" },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct bytes value;
		bool found = sip_param(bytes_str(row->params), row->name, &value);

		ROW_ASSERT(row->params, found == (row->want != NULL));
		if (found)
			ROW_ASSERT(row->params, bytes_is(value, row->want));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_unescape),
		cmocka_unit_test(test_name_addr),
		cmocka_unit_test(test_name_addr_refuses),
		cmocka_unit_test(test_param),
		cmocka_unit_test(test_part_limit),
		cmocka_unit_test(test_display_unescape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
