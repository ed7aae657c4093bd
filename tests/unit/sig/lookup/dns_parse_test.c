/* SPDX-License-Identifier: Apache-2.0 */
/* Questions and answers as octets (RFC 1035 4). */
#include <errno.h>

#include "tests/unit/sig/lookup/zone.h"

enum { ID = 0x1234 };

static uint8_t g_space[4096];
static struct dns_answer g_answer;

static void write_name(struct writer *w, const char *name)
{
	struct bytes rest = bytes_str(name), label;

	while (bytes_cut(&rest, '.', &label)) {
		writer_u8(w, (uint8_t)label.n);
		writer_bytes(w, label);
	}
	writer_u8(w, 0);
}

static struct writer message_start(unsigned flags, unsigned answers, unsigned authorities,
				   const char *name, enum dns_type type)
{
	struct writer w = writer_over(g_space, sizeof(g_space));

	writer_be16(&w, ID);
	writer_be16(&w, (uint16_t)flags);
	writer_be16(&w, 1);
	writer_be16(&w, (uint16_t)answers);
	writer_be16(&w, (uint16_t)authorities);
	writer_be16(&w, 0);
	write_name(&w, name);
	writer_be16(&w, (uint16_t)type);
	writer_be16(&w, 1);
	return w;
}

/* Returns where its size stands, for record_end. */
static size_t record_start(struct writer *w, const char *owner, unsigned type, uint32_t ttl_s)
{
	write_name(w, owner);
	writer_be16(w, (uint16_t)type);
	writer_be16(w, 1);
	writer_be32(w, ttl_s);
	writer_be16(w, 0);
	return w->n;
}

static void record_end(struct writer *w, size_t begin)
{
	be16_put(w->p + begin - 2, (uint16_t)(w->n - begin));
}

static void record_a(struct writer *w, const char *owner, uint32_t ttl_s, uint8_t last)
{
	size_t at = record_start(w, owner, DNS_A, ttl_s);

	writer_be32(w, 0xc0000200U | last);
	record_end(w, at);
}

static void record_cname(struct writer *w, const char *owner, const char *to)
{
	size_t at = record_start(w, owner, DNS_CNAME, 30);

	write_name(w, to);
	record_end(w, at);
}

static int parse(const struct writer *w, const char *name, enum dns_type type)
{
	struct dns_question q = zone_question(name, type);

	return dns_answer_parse(&g_answer, ID, &q, writer_done(w));
}

static void test_question(void **state)
{
	static const uint8_t want[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
				      "\x04_sip\x04_udp\x07"
				      "example\x03"
				      "com\x00\x00\x21\x00\x01";
	struct dns_question q = zone_question("_sip._udp.Example.com.", DNS_SRV);
	struct writer w = writer_over(g_space, sizeof(g_space));

	(void)state;
	dns_query_write(&w, ID, &q);
	assert_int_equal(w.n, sizeof(want) - 1);
	assert_memory_equal(w.p, want, w.n);
}

static void test_names(void **state)
{
	static const char *const bad[] = {
		"",      ".",
		"a..b",  ".a",
		"a.b..", "a b",
		"a/b",   "1234567890123456789012345678901234567890123456789012345678901234"
	};
	char text[300];
	struct dns_name name;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		ROW_ASSERT(bad[i], dns_name_from(&name, bytes_str(bad[i])) == -EINVAL);
	assert_int_equal(dns_name_from(&name, BYTES_LIT("_SIP._Tcp.eXample.com.")), 0);
	assert_string_equal(name.text, "_sip._tcp.example.com");
	memset(text, 'a', sizeof(text));
	for (size_t i = 50; i < sizeof(text); i += 50)
		text[i] = '.';
	assert_int_equal(dns_name_from(&name, bytes_mem(text, 253)), 0);
	assert_int_equal(dns_name_from(&name, bytes_mem(text, 254)), -EINVAL);
}

/* The least time of all that was used. */
static void test_addresses(void **state)
{
	struct writer w = message_start(0x8180, 3, 0, "example.com", DNS_A);

	(void)state;
	record_a(&w, "Example.COM", 600, 1);
	record_a(&w, "example.com", 20, 2);
	record_a(&w, "other.com", 1, 3); /* nobody asked */
	assert_int_equal(parse(&w, "example.com", DNS_A), 0);
	assert_int_equal(g_answer.result, DNS_FOUND);
	assert_int_equal(g_answer.count, 2);
	assert_int_equal(g_answer.ttl_s, 20);
	assert_int_equal(g_answer.records[1].ip[3], 2);
}

static void test_srv_and_naptr(void **state)
{
	struct writer w = message_start(0x8180, 1, 0, "_sip._udp.example.com", DNS_SRV);
	size_t at = record_start(&w, "_sip._udp.example.com", DNS_SRV, 60);

	(void)state;
	writer_be16(&w, 1);
	writer_be16(&w, 2);
	writer_be16(&w, 5070);
	write_name(&w, "a.example.com");
	record_end(&w, at);
	assert_int_equal(parse(&w, "_sip._udp.example.com", DNS_SRV), 0);
	assert_int_equal(g_answer.count, 1);
	assert_int_equal(g_answer.records[0].priority, 1);
	assert_int_equal(g_answer.records[0].weight, 2);
	assert_int_equal(g_answer.records[0].port, 5070);
	assert_string_equal(g_answer.records[0].name.text, "a.example.com");

	static const struct {
		const char *flags, *service, *regexp;
		bool taken;
	} rows[] = {
		{ "s", "SIP+D2U", "", true },        { "S", "sips+d2t", "", true },
		{ "u", "SIP+D2U", "", false },       { "s", "SIP+D2W", "", false },
		{ "s", "SIP+D2T", "!.*!x!", false },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		w = message_start(0x8180, 1, 0, "example.com", DNS_NAPTR);
		at = record_start(&w, "example.com", DNS_NAPTR, 60);
		writer_be16(&w, 10);
		writer_be16(&w, 20);
		writer_u8(&w, (uint8_t)strlen(rows[i].flags));
		writer_str(&w, rows[i].flags);
		writer_u8(&w, (uint8_t)strlen(rows[i].service));
		writer_str(&w, rows[i].service);
		writer_u8(&w, (uint8_t)strlen(rows[i].regexp));
		writer_str(&w, rows[i].regexp);
		write_name(&w, "_sip._udp.example.com");
		record_end(&w, at);
		ROW_ASSERT(rows[i].service, parse(&w, "example.com", DNS_NAPTR) == 0);
		ROW_ASSERT(rows[i].service, g_answer.count == rows[i].taken);
		ROW_ASSERT(rows[i].service, !rows[i].taken || (g_answer.records[0].priority == 10 &&
							       g_answer.records[0].weight == 20));
	}
}

/* In whatever order they stand; the end may be missing, or not be there. */
static void test_aliases(void **state)
{
	struct writer w = message_start(0x8180, 3, 0, "a.test", DNS_A);
	char names[12][16];

	(void)state;
	record_a(&w, "c.test", 60, 7);
	record_cname(&w, "b.test", "c.test");
	record_cname(&w, "a.test", "b.test");
	assert_int_equal(parse(&w, "a.test", DNS_A), 0);
	assert_int_equal(g_answer.result, DNS_FOUND);
	assert_int_equal(g_answer.records[0].ip[3], 7);
	assert_int_equal(g_answer.ttl_s, 30);

	w = message_start(0x8180, 1, 0, "a.test", DNS_A);
	record_cname(&w, "a.test", "b.test");
	assert_int_equal(parse(&w, "a.test", DNS_A), 0);
	assert_int_equal(g_answer.result, DNS_ALIAS);
	assert_string_equal(g_answer.alias.text, "b.test");

	w = message_start(0x8183, 1, 0, "a.test", DNS_A);
	record_cname(&w, "a.test", "b.test");
	assert_int_equal(parse(&w, "a.test", DNS_A), 0);
	assert_int_equal(g_answer.result, DNS_NOTHING);

	w = message_start(0x8180, 2, 0, "a.test", DNS_A);
	record_cname(&w, "a.test", "b.test");
	record_cname(&w, "b.test", "a.test");
	assert_int_equal(parse(&w, "a.test", DNS_A),
			 0); /* it ends, and with it what is asked next */
	assert_int_equal(g_answer.result, DNS_NOTHING);

	w = message_start(0x8180, 10, 0, "n0.test", DNS_A);
	for (unsigned i = 0; i < 10; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "n%u.test", i);
		(void)snprintf(names[i + 1], sizeof(names[i]), "n%u.test", i + 1);
		record_cname(&w, names[i], names[i + 1]);
	}
	assert_int_equal(parse(&w, "n0.test", DNS_A), -EBADMSG);
}

/* RFC 2308: by the SOA, or nobody said how long. */
static void test_nothing(void **state)
{
	static const struct {
		unsigned flags;
		bool soa;
		uint32_t ttl_s;
	} rows[] = { { 0x8183, true, 40 }, { 0x8180, true, 40 }, { 0x8183, false, 0 } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct writer w = message_start(rows[i].flags, 0, rows[i].soa, "a.test", DNS_A);
		size_t at = rows[i].soa ? record_start(&w, "test", DNS_SOA, 900) : 0;

		if (at) {
			write_name(&w, "ns.test");
			write_name(&w, "me.test");
			for (unsigned field = 0; field < 4; field++)
				writer_be32(&w, 7);
			writer_be32(&w, 40);
			record_end(&w, at);
		}
		assert_int_equal(parse(&w, "a.test", DNS_A), 0);
		assert_int_equal(g_answer.result, DNS_NOTHING);
		assert_int_equal(g_answer.negative_ttl, rows[i].soa);
		if (rows[i].soa)
			assert_int_equal(g_answer.ttl_s, rows[i].ttl_s);
	}
}

/* What is no answer to the question, or none at all. */
static void test_refused(void **state)
{
	struct writer w = message_start(0x8180, 1, 0, "a.test", DNS_A);
	struct dns_question q = zone_question("a.test", DNS_A);

	(void)state;
	record_a(&w, "a.test", 60, 1);
	assert_int_equal(dns_answer_parse(&g_answer, ID + 1, &q, writer_done(&w)), -EBADMSG);
	assert_int_equal(parse(&w, "b.test", DNS_A), -EBADMSG);
	assert_int_equal(parse(&w, "a.test", DNS_AAAA), -EBADMSG);
	for (size_t n = 0; n < w.n; n++)
		assert_int_equal(dns_answer_parse(&g_answer, ID, &q, bytes_mem(w.p, n)), -EBADMSG);
	w = message_start(0x0100, 1, 0, "a.test", DNS_A); /* a query */
	assert_int_equal(parse(&w, "a.test", DNS_A), -EBADMSG);
	w = message_start(0x8182, 0, 0, "a.test", DNS_A);
	assert_int_equal(parse(&w, "a.test", DNS_A), 0);
	assert_int_equal(g_answer.result, DNS_FAILED);
	assert_int_equal(g_answer.rcode, DNS_CODE_SERVFAIL);
	w = message_start(0x8380, 1, 0, "a.test", DNS_A);
	assert_int_equal(parse(&w, "a.test", DNS_A), 0);
	assert_true(g_answer.truncated);
}

/* A pointer to itself, or forward. */
static void test_pointers(void **state)
{
	static const uint16_t to[] = { 0xc018, 0xc019, 0xffff };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(to); i++) {
		struct writer w = message_start(0x8180, 1, 0, "a.test", DNS_A);

		assert_int_equal(w.n, 24);
		writer_be16(&w, to[i]);
		for (unsigned n = 0; n < 7; n++)
			writer_be16(&w, 4);
		assert_int_equal(parse(&w, "a.test", DNS_A), -EBADMSG);
	}
	struct writer w = message_start(0x8180, 1, 0, "a.test", DNS_A);

	writer_be16(&w, 0xc00c); /* the question's */
	writer_be16(&w, DNS_A);
	writer_be16(&w, 1);
	writer_be32(&w, 60);
	writer_be16(&w, 4);
	writer_be32(&w, 0xc0000205);
	assert_int_equal(parse(&w, "a.test", DNS_A), 0);
	assert_int_equal(g_answer.records[0].ip[3], 5);
}

/* A thousand records: the first ones are kept. */
static void test_many(void **state)
{
	static uint8_t space[32768];
	struct dns_question q = zone_question("a.test", DNS_A);
	struct writer head = message_start(0x8180, 1000, 0, "a.test", DNS_A);
	struct writer w = writer_over(space, sizeof(space));

	(void)state;
	writer_bytes(&w, writer_done(&head));
	for (unsigned i = 0; i < 1000; i++)
		record_a(&w, "a.test", 60, (uint8_t)i);
	assert_false(w.overflow);
	assert_int_equal(dns_answer_parse(&g_answer, ID, &q, writer_done(&w)), 0);
	assert_int_equal(g_answer.count, DNS_RECORDS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_question),  cmocka_unit_test(test_names),
		cmocka_unit_test(test_addresses), cmocka_unit_test(test_srv_and_naptr),
		cmocka_unit_test(test_aliases),   cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_refused),   cmocka_unit_test(test_pointers),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
