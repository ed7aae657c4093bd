/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "app/dns/dns_client.h"
#include "tests/unit/test.h"

static void servers_text(const char *file, char *out, size_t cap)
{
	struct addr servers[DNS_SERVERS_MAX];
	uint32_t n = resolv_conf_servers(bytes_str(file), servers);
	struct writer w = writer_over(out, cap - 1);

	for (uint32_t i = 0; i < n; i++) {
		addr_write(&w, &servers[i]);
		writer_str(&w, " ");
	}
	out[w.n] = '\0';
}

static void test_servers(void **state)
{
	static const struct {
		const char *file, *servers;
	} rows[] = {
		{ "", "127.0.0.1:53 " },
		{ "search example.com\noptions timeout:1\n", "127.0.0.1:53 " },
		{ "nameserver 192.0.2.1\n", "192.0.2.1:53 " },
		{ "# nameserver 192.0.2.9\n;nameserver 192.0.2.8\nnameserver\t192.0.2.1 # near\n",
		  "192.0.2.1:53 " },
		{ "nameserver 192.0.2.1\r\nnameserver 2001:db8::1\nnameserver 192.0.2.3\n"
		  "nameserver 192.0.2.4",
		  "192.0.2.1:53 [2001:db8::1]:53 192.0.2.3:53 " },
		{ "nameserver dns.example.com\nnameserver 0.0.0.0\nnameserver 224.0.0.1\n"
		  "nameserverx 192.0.2.1\nnameserver\nnameserver 192.0.2.2",
		  "192.0.2.2:53 " },
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		servers_text(rows[i].file, text, sizeof(text));
		assert_string_equal(text, rows[i].servers);
	}
}

static void test_server(void **state)
{
	struct addr a;

	(void)state;
	assert_int_equal(dns_server_parse(&a, BYTES_LIT("[::1]:5353")), 0);
	assert_int_equal(a.port, 5353);
	assert_int_equal(dns_server_parse(&a, BYTES_LIT("::1")), 0);
	assert_int_equal(a.port, DNS_PORT);
	assert_int_equal(dns_server_parse(&a, BYTES_LIT("localhost")), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_servers),
		cmocka_unit_test(test_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
