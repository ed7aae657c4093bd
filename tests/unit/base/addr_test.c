/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/addr.h"

static struct addr parsed(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, bytes_str(text)), 0);
	return a;
}

static void parses_and_writes(void **state)
{
	static const struct row {
		const char *in, *out, *ip;
		uint16_t port;
		uint8_t family;
	} rows[] = {
		{ "192.0.2.1", "192.0.2.1", "192.0.2.1", 0, ADDR_V4 },
		{ "192.0.2.1:5060", "192.0.2.1:5060", "192.0.2.1", 5060, ADDR_V4 },
		{ "192.0.2.1:65535", "192.0.2.1:65535", "192.0.2.1", 65535, ADDR_V4 },
		{ "192.0.2.1:0", "192.0.2.1", "192.0.2.1", 0, ADDR_V4 },
		{ "2001:db8::1", "2001:db8::1", "2001:db8::1", 0, ADDR_V6 },
		{ "2001:DB8:0:0::1", "2001:db8::1", "2001:db8::1", 0, ADDR_V6 },
		{ "[2001:db8::1]:5060", "[2001:db8::1]:5060", "2001:db8::1", 5060, ADDR_V6 },
		{ "[2001:db8::1]", "2001:db8::1", "2001:db8::1", 0, ADDR_V6 },
		{ "::", "::", "::", 0, ADDR_V6 },
		{ "[fe80::1%2]:5060", "[fe80::1%2]:5060", "fe80::1%2", 5060, ADDR_V6 },
		{ "::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1", 0, ADDR_V4 },
		{ "[::ffff:192.0.2.1]:5060", "192.0.2.1:5060", "192.0.2.1", 5060, ADDR_V4 },
	};
	const struct row *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct addr a;
		char text[ADDR_TEXT_MAX];
		struct writer w = writer_over(text, sizeof(text));

		ROW_ASSERT(row->in, addr_parse(&a, bytes_str(row->in)) == 0);
		ROW_ASSERT(row->in, a.port == row->port && a.family == row->family);
		addr_write_ip(&w, &a);
		ROW_ASSERT(row->in, bytes_is(writer_done(&w), row->ip));
		ROW_ASSERT(row->in, strcmp(addr_text(&a, text), row->out) == 0);
	}
}

static void refuses(void **state)
{
	static const char *const rows[] = {
		"",
		"x",
		"192.0.2",
		"192.0.2.256",
		"192.0.2.1.",
		"192.0.2.01",
		"192.0.2.1:",
		"192.0.2.1:x",
		"192.0.2.1:-1",
		"192.0.2.1:65536",
		" 192.0.2.1",
		"192.0.2.1 ",
		":5060",
		"[192.0.2.1]",
		"[2001:db8::1",
		"[]",
		"[]:5060",
		"[::1]5060",
		"[::1]:",
		"[::1]:99999",
		"2001:db8:",
		"::1%",
		"::1%eth0",
		"::1::2",
		"1:2:3:4:5:6:7:8:9",
		"::1%99999999999",
		"192.0.2.1:000080",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct addr a = { .port = 7 };

		ROW_ASSERT(rows[i], addr_parse(&a, bytes_str(rows[i])) == -EINVAL);
		ROW_ASSERT(rows[i], a.port == 7);
	}
}

static void refuses_what_follows_a_zero_byte(void **state)
{
	struct addr a;

	(void)state;
	assert_int_equal(addr_parse(&a, BYTES_LIT("192.0.2.1\0junk")), -EINVAL);
	assert_int_equal(addr_parse(&a, BYTES_LIT("[::1\0junk]")), -EINVAL);
}

static void longest_text_fits(void **state)
{
	struct addr a = parsed("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535");
	char text[ADDR_TEXT_MAX];

	(void)state;
	assert_string_equal(addr_text(&a, text),
			    "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535");
}

static void classes(void **state)
{
	enum { ANY = 1, LOOP = 2, PRIVATE = 4, MULTI = 8 };
	static const struct row {
		const char *ip;
		unsigned want;
	} rows[] = {
		{ "0.0.0.0", ANY },
		{ "::", ANY },
		{ "127.0.0.1", LOOP },
		{ "127.255.255.254", LOOP },
		{ "::1", LOOP },
		{ "::2", 0 },
		{ "::ffff:127.0.0.1", LOOP },
		{ "10.0.0.0", PRIVATE },
		{ "11.0.0.0", 0 },
		{ "9.255.255.255", 0 },
		{ "172.15.255.255", 0 },
		{ "172.16.0.0", PRIVATE },
		{ "172.31.255.255", PRIVATE },
		{ "172.32.0.0", 0 },
		{ "192.168.0.1", PRIVATE },
		{ "192.169.0.1", 0 },
		{ "100.63.255.255", 0 },
		{ "100.64.0.0", PRIVATE },
		{ "100.127.255.255", PRIVATE },
		{ "100.128.0.0", 0 },
		{ "169.254.1.1", PRIVATE },
		{ "fc00::1", PRIVATE },
		{ "fdff::1", PRIVATE },
		{ "fe00::1", 0 },
		{ "fe80::1", PRIVATE },
		{ "febf::1", PRIVATE },
		{ "fec0::1", 0 },
		{ "::ffff:10.1.2.3", PRIVATE },
		{ "224.0.0.1", MULTI },
		{ "239.255.255.255", MULTI },
		{ "240.0.0.1", 0 },
		{ "223.255.255.255", 0 },
		{ "ff02::1", MULTI },
		{ "2001:db8::1", 0 },
		{ "192.0.2.1", 0 },
	};
	const struct row *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct addr a = parsed(row->ip);

		ROW_ASSERT(row->ip, addr_is_any(&a) == !!(row->want & ANY));
		ROW_ASSERT(row->ip, addr_is_loopback(&a) == !!(row->want & LOOP));
		ROW_ASSERT(row->ip, addr_is_private(&a) == !!(row->want & PRIVATE));
		ROW_ASSERT(row->ip, addr_is_multicast(&a) == !!(row->want & MULTI));
	}
}

static void no_address_is_any_and_nothing_else(void **state)
{
	struct addr none = { 0 };
	char text[ADDR_TEXT_MAX];
	struct sockaddr_storage ss;

	(void)state;
	assert_true(addr_is_any(&none));
	assert_false(addr_is_loopback(&none));
	assert_false(addr_is_private(&none));
	assert_string_equal(addr_text(&none, text), "none");
	assert_int_equal(addr_to_sockaddr(&none, &ss), 0);
}

static void equality(void **state)
{
	static const struct row {
		const char *a, *b;
		bool eq, ip_eq;
	} rows[] = {
		{ "192.0.2.1:1", "192.0.2.1:1", true, true },
		{ "192.0.2.1:1", "192.0.2.1:2", false, true },
		{ "192.0.2.1:1", "192.0.2.2:1", false, false },
		{ "192.0.2.1", "::ffff:192.0.2.1", true, true },
		{ "fe80::1%1", "fe80::1%2", false, false },
		{ "0.0.0.0", "::", false, false },
	};
	const struct row *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct addr a = parsed(row->a);
		struct addr b = parsed(row->b);

		ROW_ASSERT(row->a, addr_eq(&a, &b) == row->eq);
		ROW_ASSERT(row->a, addr_ip_eq(&a, &b) == row->ip_eq);
	}
}

static void sockaddr_goes_both_ways(void **state)
{
	static const char *const rows[] = { "192.0.2.1:5060", "[2001:db8::1]:5060",
					    "[fe80::1%3]:65535", "0.0.0.0", "::" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct addr a = parsed(rows[i]);
		struct sockaddr_storage ss;
		struct addr back;
		uint32_t n = addr_to_sockaddr(&a, &ss);

		ROW_ASSERT(rows[i], n == (a.family == ADDR_V4 ? sizeof(struct sockaddr_in)
							      : sizeof(struct sockaddr_in6)));
		ROW_ASSERT(rows[i], addr_from_sockaddr(&back, (struct sockaddr *)&ss) == 0);
		ROW_ASSERT(rows[i], addr_eq(&a, &back));
	}
}

static void sockaddr_of_a_mapped_address_is_v4(void **state)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(5060) };
	struct addr a;
	char text[ADDR_TEXT_MAX];

	(void)state;
	assert_int_equal(inet_pton(AF_INET6, "::ffff:192.0.2.7", &v6.sin6_addr), 1);
	assert_int_equal(addr_from_sockaddr(&a, (struct sockaddr *)&v6), 0);
	assert_string_equal(addr_text(&a, text), "192.0.2.7:5060");
	v6.sin6_family = AF_UNIX;
	assert_int_equal(addr_from_sockaddr(&a, (struct sockaddr *)&v6), -EAFNOSUPPORT);
}

static void within_a_prefix(void **state)
{
	static const struct row {
		const char *addr, *net;
		unsigned bits;
		bool is;
	} rows[] = {
		{ "192.0.2.77:5060", "192.0.2.0", 24, true },
		{ "192.0.3.77", "192.0.2.0", 24, false },
		{ "192.0.3.77", "192.0.2.0", 23, true },
		{ "192.0.2.1", "192.0.2.1:5060", 32, true },
		{ "192.0.2.2", "192.0.2.1", 32, false },
		{ "10.1.2.3", "0.0.0.0", 0, true },
		{ "2001:db8::1", "0.0.0.0", 0, false },
		{ "192.0.2.1", "192.0.2.1", 33, false },
		{ "2001:db8::1", "2001:db8::", 64, true },
		{ "2001:db8::1:2:3:4", "2001:db8::", 64, true },
		{ "2001:db8:0:1::1", "2001:db8::", 64, false },
		{ "2001:db8::1", "2001:db8::1", 128, true },
		{ "2001:db8::1", "2001:db8::3", 127, false },
		{ "::ffff:192.0.2.1", "192.0.2.0", 24, true },
		{ "192.0.2.129", "192.0.2.255", 25, true }, /* net need not be cut */
	};
	const struct row *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		const struct addr a = parsed(row->addr), net = parsed(row->net);

		ROW_ASSERT(row->addr, addr_is_within(&a, &net, row->bits) == row->is);
	}
}

static void a_source_is_an_address_or_a_line(void **state)
{
	static const struct row {
		const char *a, *b;
		bool same;
	} rows[] = {
		{ "192.0.2.1:5060", "192.0.2.1:6060", true },
		{ "192.0.2.1", "192.0.2.2", false },
		{ "[2001:db8::1]:5060", "2001:db8::ffff:ffff:ffff:ffff", true },
		{ "2001:db8::1", "2001:db8:0:1::1", false },
		{ "fe80::1%2", "fe80::1%3", true },
	};
	const struct row *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		const struct addr a = parsed(row->a), b = parsed(row->b);
		const struct addr sa = addr_source(&a), sb = addr_source(&b);

		ROW_ASSERT(row->a, addr_eq(&sa, &sb) == row->same);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_and_writes),
		cmocka_unit_test(refuses),
		cmocka_unit_test(refuses_what_follows_a_zero_byte),
		cmocka_unit_test(longest_text_fits),
		cmocka_unit_test(classes),
		cmocka_unit_test(no_address_is_any_and_nothing_else),
		cmocka_unit_test(equality),
		cmocka_unit_test(sockaddr_goes_both_ways),
		cmocka_unit_test(sockaddr_of_a_mapped_address_is_v4),
		cmocka_unit_test(within_a_prefix),
		cmocka_unit_test(a_source_is_an_address_or_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
