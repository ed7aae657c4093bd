/* SPDX-License-Identifier: Apache-2.0 */
/* Files of packets, taken apart by a reader of its own. */
#include "tests/unit/test.h"

#include "base/pcapng.h"

static struct addr of(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, bytes_str(text)), 0);
	return a;
}

/* Cuts a block off; false at the end, or where the last one is not whole. */
static bool block_next(struct bytes *rest, uint32_t *type, struct bytes *body)
{
	uint32_t length;

	if (rest->n < 12)
		return false;
	*type = be32_get(rest->p);
	length = be32_get(rest->p + 4);
	assert_true(length >= 12 && length % 4 == 0);
	if (length > rest->n)
		return false;
	assert_int_equal(be32_get(rest->p + length - 4), length);
	*body = bytes_sub(*rest, 8, length - 12);
	*rest = bytes_from(*rest, length);
	return true;
}

/* The value of an option; one that is not there is empty, and reads as zeros. */
static struct bytes option_find(struct bytes options, uint16_t code)
{
	static const uint8_t none[8];

	while (options.n >= 4) {
		uint16_t n = be16_get(options.p + 2);

		if (be16_get(options.p) == 0) {
			assert_int_equal(options.n, 4);
			break;
		}
		if (be16_get(options.p) == code)
			return bytes_sub(options, 4, n);
		options = bytes_from(options, 4 + (n + 3U) / 4 * 4);
	}
	return bytes_mem(none, 0);
}

static uint16_t sum_of(uint32_t s, struct bytes in)
{
	for (size_t i = 0; i < in.n; i++)
		s += i % 2 ? in.p[i] : (uint32_t)in.p[i] << 8;
	while (s > 0xffff)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)s;
}

static void the_head(void **state)
{
	uint8_t space[512];
	struct writer w = writer_over(space, sizeof(space));
	struct bytes rest, body;
	uint32_t type;

	(void)state;
	pcapng_header_write(&w, "tandem 1.0", "call abc");
	assert_false(w.overflow);
	rest = writer_done(&w);
	assert_true(block_next(&rest, &type, &body));
	assert_int_equal(type, 0x0a0d0d0a);
	assert_int_equal(be32_get(body.p), 0x1a2b3c4d);
	assert_int_equal(be16_get(body.p + 4), 1);
	assert_true(bytes_is(option_find(bytes_from(body, 16), 4), "tandem 1.0"));
	assert_true(bytes_is(option_find(bytes_from(body, 16), 1), "call abc"));
	assert_true(block_next(&rest, &type, &body));
	assert_int_equal(type, 1);
	assert_int_equal(be16_get(body.p), 101);
	assert_int_equal(option_find(bytes_from(body, 8), 9).p[0], 9);
	assert_false(block_next(&rest, &type, &body));
	assert_int_equal(rest.n, 0);
}

struct row {
	const char *name, *from, *to, *comment;
	size_t n;
	uint64_t lost;
	enum pcapng_direction direction;
};

static const struct row g_rows[] = {
	{ "v4", "192.0.2.1:12000", "198.51.100.2:4000", "leg a", 172, 0, PCAPNG_INBOUND },
	{ "v4 odd", "192.0.2.1:12000", "198.51.100.2:4000", NULL, 173, 7, PCAPNG_OUTBOUND },
	{ "v6", "[2001:db8::1]:12000", "[2001:db8::2]:4000", "leg b", 171, 0, PCAPNG_OUTBOUND },
	{ "empty", "[2001:db8::1]:1", "[2001:db8::2]:2", NULL, 0, 0, PCAPNG_UNKNOWN },
	{ "as long as can be", "192.0.2.1:1", "192.0.2.2:2", NULL, PCAPNG_PAYLOAD_MAX, 0,
	  PCAPNG_UNKNOWN },
	{ "longer", "[2001:db8::1]:1", "[2001:db8::2]:2", "cut", PCAPNG_PAYLOAD_MAX + 9, 0,
	  PCAPNG_UNKNOWN },
};

static uint8_t g_payload[PCAPNG_PAYLOAD_MAX + 9], g_space[sizeof(g_payload) + PCAPNG_BLOCK_ROOM];

static void check_ip(const struct row *row, struct bytes ip, const struct addr *from,
		     const struct addr *to, size_t n)
{
	bool six = from->family == ADDR_V6;
	size_t head = six ? 40 : 20, each = six ? 16 : 4, at = six ? 8 : 12;
	struct bytes udp = bytes_from(ip, head);
	uint32_t pseudo = sum_of(17 + (uint32_t)udp.n, bytes_sub(ip, at, 2 * each));

	ROW_ASSERT(row->name, ip.p[0] >> 4 == (six ? 6 : 4));
	ROW_ASSERT(row->name, six || sum_of(0, bytes_sub(ip, 0, 20)) == 0xffff);
	ROW_ASSERT(row->name, be16_get(ip.p + (six ? 4 : 2)) == ip.n - (six ? 40 : 0));
	ROW_ASSERT(row->name, ip.p[six ? 6 : 9] == 17);
	ROW_ASSERT(row->name, !memcmp(ip.p + at, from->ip, each));
	ROW_ASSERT(row->name, !memcmp(ip.p + at + each, to->ip, each));
	ROW_ASSERT(row->name, be16_get(udp.p) == from->port && be16_get(udp.p + 2) == to->port);
	ROW_ASSERT(row->name, be16_get(udp.p + 4) == udp.n && udp.n == n + 8);
	ROW_ASSERT(row->name, sum_of(pseudo, udp) == 0xffff);
	ROW_ASSERT(row->name, !memcmp(udp.p + 8, g_payload, n));
}

static void check_packet(const struct row *row, struct bytes body)
{
	struct addr from = of(row->from), to = of(row->to);
	size_t n = row->n < PCAPNG_PAYLOAD_MAX ? row->n : PCAPNG_PAYLOAD_MAX;
	uint32_t captured = be32_get(body.p + 12);
	struct bytes options = bytes_from(body, 20 + (captured + 3) / 4 * 4);
	struct bytes comment = option_find(options, 1), flags = option_find(options, 2);
	struct bytes lost = option_find(options, 4);

	ROW_ASSERT(row->name, be32_get(body.p) == 0);
	ROW_ASSERT(row->name, be32_get(body.p + 4) == 0x17979cfe); /* 1.7e18 ns */
	ROW_ASSERT(row->name, be32_get(body.p + 8) == 0x362a0015);
	ROW_ASSERT(row->name, be32_get(body.p + 16) - captured == row->n - n);
	check_ip(row, bytes_sub(body, 20, captured), &from, &to, n);
	ROW_ASSERT(row->name, row->comment ? bytes_is(comment, row->comment) : comment.n == 0);
	ROW_ASSERT(row->name,
		   row->direction ? flags.n == 4 && flags.p[3] == row->direction : flags.n == 0);
	ROW_ASSERT(row->name, row->lost ? lost.n == 8 && lost.p[7] == row->lost : lost.n == 0);
}

static void packets(void **state)
{
	const struct row *row;

	(void)state;
	for (size_t i = 0; i < sizeof(g_payload); i++)
		g_payload[i] = (uint8_t)(i * 7);
	EACH_ROW(row, g_rows)
	{
		struct addr from = of(row->from), to = of(row->to);
		struct writer w = writer_over(g_space, sizeof(g_space));
		struct pcapng_packet p = { .utc_ns = UINT64_C(1700000000000000021),
					   .from = &from,
					   .to = &to,
					   .payload = bytes_mem(g_payload, row->n),
					   .direction = row->direction,
					   .lost = row->lost,
					   .comment = row->comment };
		struct bytes rest, body;
		uint32_t type;

		pcapng_packet(&w, &p);
		ROW_ASSERT(row->name, !w.overflow);
		rest = writer_done(&w);
		ROW_ASSERT(row->name, block_next(&rest, &type, &body) && type == 6);
		ROW_ASSERT(row->name, rest.n == 0);
		check_packet(row, body);
	}
}

/* An address that is not known does not make a packet that nobody can read. */
static void families(void **state)
{
	struct addr none = { 0 }, v4 = of("192.0.2.1:7"), v6 = of("[2001:db8::1]:8");
	const struct addr *pairs[][2] = {
		{ &none, &v6 }, { &v4, &v6 }, { &v6, &v4 }, { &v4, &none }, { &none, &none }
	};
	const uint8_t versions[] = { 6, 6, 4, 4, 4 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(pairs); i++) {
		struct writer w = writer_over(g_space, sizeof(g_space));
		struct pcapng_packet p = { .from = pairs[i][0], .to = pairs[i][1] };

		pcapng_packet(&w, &p);
		assert_int_equal(g_space[28] >> 4, versions[i]);
	}
}

static void counts(void **state)
{
	struct pcapng_counts c = { .utc_ns = 5, .received = 300, .lost = 3 };
	struct writer w = writer_over(g_space, sizeof(g_space));
	struct bytes rest, body;
	uint32_t type;

	(void)state;
	pcapng_counts(&w, &c);
	rest = writer_done(&w);
	assert_true(block_next(&rest, &type, &body) && type == 5 && rest.n == 0);
	assert_int_equal(be16_get(option_find(bytes_from(body, 12), 4).p + 6), 300);
	assert_int_equal(be16_get(option_find(bytes_from(body, 12), 5).p + 6), 3);
}

/* Nothing half is ever seen: the writer says so, and the caller goes back. */
static void no_room(void **state)
{
	struct addr a = of("192.0.2.1:7");
	struct pcapng_packet p = { .from = &a, .to = &a, .payload = bytes_mem(g_payload, 100) };

	(void)state;
	for (size_t cap = 0; cap < 160; cap++) {
		struct writer w = writer_over(g_space, cap);

		pcapng_packet(&w, &p);
		assert_true(w.overflow);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_head), cmocka_unit_test(packets), cmocka_unit_test(families),
		cmocka_unit_test(counts),   cmocka_unit_test(no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
