/* SPDX-License-Identifier: Apache-2.0 */
/* Which frames the egress program withholds, by the kernel's own test run of it: no interface is touched. */
#include "engine/port/egress.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>

#include "base/clock.h"
#include "base/rand.h"
#include "tests/unit/test.h"

enum { ROOM = 256, LEAST = 14, PASSES = -1, V4_PLACE = 3, V6_PLACE = 5 };

#define V4 "192.0.2.1"
#define V6 "2001:db8::1"

enum shape { IPV4, IPV6, ARP, NONE };

/* A frame from an address: what is in front of its type, what its header says, and what is behind that. */
struct row {
	const char *name;
	enum shape shape;
	const char *tags, *from;
	uint8_t next; /* protocol, next header, or operation of ARP */
	const char *behind;
	const char *target; /* an address at the end */
	int kind;           /* PASSES, or by which it is counted when the time is over */
};

static const struct row TABLE[] = {
	{ "UDP", IPV4, "", V4, 17, "13c413c400080000", NULL, EGRESS_UDP },
	{ "TCP", IPV4, "", V4, 6, "13c413c4", NULL, EGRESS_TCP },
	{ "ICMP", IPV4, "", V4, 1, "0301", NULL, EGRESS_ICMP },
	{ "IGMP", IPV4, "", V4, 2, "1600", NULL, EGRESS_OTHER },
	{ "nothing behind", IPV4, "", V4, 17, "", NULL, EGRESS_UDP },
	{ "tagged", IPV4, "81000064", V4, 17, "13c4", NULL, EGRESS_UDP },
	{ "tagged twice", IPV4, "88a8000a81000064", V4, 17, "13c4", NULL, EGRESS_UDP },
	{ "three tags", IPV4, "88a8000a8100006481000065", V4, 17, "13c4", NULL, PASSES },
	{ "other address", IPV4, "", "192.0.2.2", 17, "13c4", NULL, PASSES },
	{ "other, tagged", IPV4, "81000064", "192.0.2.2", 17, "13c4", NULL, PASSES },
	{ "no address", IPV4, "", "0.0.0.0", 17, "13c4", NULL, PASSES },
	{ "UDP over IPv6", IPV6, "", V6, 17, "13c413c4", NULL, EGRESS_UDP },
	{ "TCP over IPv6, tagged", IPV6, "81000064", V6, 6, "13c4", NULL, EGRESS_TCP },
	{ "echo", IPV6, "", V6, 58, "80000000", NULL, EGRESS_ICMP },
	{ "hop by hop", IPV6, "", V6, 0, "1100000000000000", NULL, EGRESS_UDP },
	{ "three headers", IPV6, "", V6, 60, "2b000000000000000600000000000000", NULL, EGRESS_TCP },
	{ "authenticated", IPV6, "", V6, 51, "11010000000000000000000013c4", NULL, EGRESS_UDP },
	{ "first fragment", IPV6, "", V6, 44, "1100000100000001", NULL, EGRESS_UDP },
	{ "later fragment", IPV6, "", V6, 44, "1100058000000001", NULL, EGRESS_UDP },
	{ "header cut off", IPV6, "", V6, 0, "11", NULL, EGRESS_OTHER },
	{ "other over IPv6", IPV6, "", "2001:db8::2", 17, "13c4", NULL, PASSES },
	{ "solicitation", IPV6, "", V6, 58, "8700000000000000", "2001:db8::9", EGRESS_NDP },
	{ "advertisement", IPV6, "", V6, 58, "8800000060000000", V6, EGRESS_NDP },
	{ "by another address", IPV6, "", "fe80::1", 58, "8800000020000000", V6, EGRESS_NDP },
	{ "behind a header", IPV6, "", "fe80::1", 0, "3a000000000000008800000020000000", V6,
	  EGRESS_NDP },
	{ "of another", IPV6, "", "fe80::1", 58, "8800000020000000", "2001:db8::9", PASSES },
	{ "of nothing", IPV6, "", "fe80::1", 58, "8800000020000000", NULL, PASSES },
	{ "asks whether it is free", IPV6, "", "::", 58, "8700000000000000", V6, PASSES },
	{ "in a later fragment", IPV6, "", "fe80::1", 44, "3a0005800000000188000000ffffffff", V6,
	  PASSES },
	{ "ARP request", ARP, "", V4, 1, "000000000000c0000202", NULL, EGRESS_ARP },
	{ "ARP reply", ARP, "", V4, 2, "020000000002c0000202", NULL, EGRESS_ARP },
	{ "ARP announcement", ARP, "", V4, 1, "000000000000c0000201", NULL, EGRESS_ARP },
	{ "ARP, tagged", ARP, "81000064", V4, 2, "020000000002c0000202", NULL, EGRESS_ARP },
	{ "ARP probe", ARP, "", "0.0.0.0", 1, "000000000000c0000201", NULL, PASSES },
	{ "ARP for it", ARP, "", "192.0.2.2", 1, "000000000000c0000201", NULL, PASSES },
	{ "LLDP", NONE, "88cc", "0.0.0.0", 0, "0207", NULL, PASSES },
	{ "no type", NONE, "0000", "0.0.0.0", 0, "", NULL, PASSES },
};

/* ---- frames ---- */

struct octets {
	uint8_t at[ROOM];
	uint32_t n;
};

static void hex_put(struct octets *o, const char *hex)
{
	for (unsigned value; *hex; hex += 2) {
		assert_int_equal(sscanf(hex, "%2x", &value), 1);
		o->at[o->n++] = (uint8_t)value;
	}
}

static void ip_put(struct octets *o, const char *text)
{
	const int family = strchr(text, ':') ? AF_INET6 : AF_INET;

	assert_int_equal(inet_pton(family, text, o->at + o->n), 1);
	o->n += family == AF_INET6 ? 16 : 4;
}

static void head_put(struct octets *o, const struct row *row)
{
	char hex[64];

	switch (row->shape) {
	case IPV4:
		(void)snprintf(hex, sizeof(hex), "0800450000200000200040%02x0000", row->next);
		hex_put(o, hex);
		ip_put(o, row->from);
		hex_put(o, "c0000202");
		break;
	case IPV6:
		(void)snprintf(hex, sizeof(hex), "86dd600000000020%02xff", row->next);
		hex_put(o, hex);
		ip_put(o, row->from);
		ip_put(o, "ff02::1");
		break;
	case ARP:
		(void)snprintf(hex, sizeof(hex), "080600010800060400%02x020000000001", row->next);
		hex_put(o, hex);
		ip_put(o, row->from);
		break;
	case NONE:
		break;
	}
}

static struct octets frame_of(const struct row *row)
{
	struct octets o = { .n = 0 };

	hex_put(&o, "ffffffffffff020000000001");
	hex_put(&o, row->tags);
	head_put(&o, row);
	hex_put(&o, row->behind);
	if (row->target)
		ip_put(&o, row->target);
	return o;
}

/* ---- the program ---- */

static struct addr address(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, bytes_str(text)), 0);
	return a;
}

static void rig_open(struct egress *e)
{
	struct addr v4 = address(V4), v6 = address(V6);
	char why[EGRESS_WHY_MAX];
	int err = egress_open(e, NULL, 0, why);

	if (err) {
		print_message("# %s\n", why);
		if (err == -EPERM || err == -EACCES)
			skip();
		fail();
	}
	assert_int_equal(egress_address(e, &v4, V4_PLACE), 0);
	assert_int_equal(egress_address(e, &v6, V6_PLACE), 0);
}

static void both_until(struct egress *e, uint64_t ns)
{
	egress_valid(e, V4_PLACE, ns);
	egress_valid(e, V6_PLACE, ns);
}

static bool passes(const struct egress *e, const struct octets *frame)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .repeat = 1, .data_in = frame->at,
		    .data_size_in = frame->n);
	int fd = bpf_program__fd(bpf_object__find_program_by_name(e->object, EGRESS_PROGRAM));

	assert_int_equal(bpf_prog_test_run_opts(fd, &opts), 0);
	assert_true(opts.retval == (uint32_t)-1 || opts.retval == 2); /* the next one, or none */
	return opts.retval != 2;
}

static uint64_t withheld(const struct egress *e)
{
	uint64_t n = 0;

	for (int kind = 0; kind < EGRESS_KIND_COUNT; kind++)
		n += egress_withheld(e, (enum egress_kind)kind);
	return n;
}

static void check_over(const struct egress *e, const struct row *row, const struct octets *frame)
{
	uint64_t all = withheld(e), of_kind;

	if (row->kind == PASSES) {
		ROW_ASSERT(row->name, passes(e, frame));
		ROW_ASSERT(row->name, withheld(e) == all);
		return;
	}
	of_kind = egress_withheld(e, (enum egress_kind)row->kind);
	ROW_ASSERT(row->name, !passes(e, frame));
	ROW_ASSERT(row->name, egress_withheld(e, (enum egress_kind)row->kind) == of_kind + 1);
	ROW_ASSERT(row->name, withheld(e) == all + 1);
}

/* On both sides of its end, and before anybody has said anything. */
static void what_is_withheld(void **state)
{
	const struct row *row;
	struct egress e;

	(void)state;
	rig_open(&e);
	EACH_ROW(row, TABLE)
	{
		struct octets frame = frame_of(row);

		both_until(&e, 0);
		check_over(&e, row, &frame);
		both_until(&e, clock_now_ns() + 60 * NS_PER_S);
		ROW_ASSERT(row->name, passes(&e, &frame));
		both_until(&e, clock_now_ns());
		check_over(&e, row, &frame);
		both_until(&e, UINT64_MAX);
		ROW_ASSERT(row->name, passes(&e, &frame));
	}
	egress_close(&e);
}

static void each_place_has_its_own_time(void **state)
{
	static const struct row four = { "-", IPV4, "", V4, 17, "13c4", NULL, EGRESS_UDP };
	static const struct row six = { "-", IPV6, "", V6, 17, "13c4", NULL, EGRESS_UDP };
	const struct octets a = frame_of(&four), b = frame_of(&six);
	struct egress e;

	(void)state;
	rig_open(&e);
	egress_valid(&e, V6_PLACE, UINT64_MAX);
	assert_false(passes(&e, &a));
	assert_true(passes(&e, &b));
	egress_valid(&e, V4_PLACE, UINT64_MAX);
	egress_valid(&e, V6_PLACE, 1);
	assert_true(passes(&e, &a));
	assert_false(passes(&e, &b));
	egress_close(&e);
}

static void an_address_has_one_place(void **state)
{
	static const struct row row = { "-", IPV4, "", V4, 17, "13c4", NULL, EGRESS_UDP };
	const struct octets frame = frame_of(&row);
	struct addr v4 = address(V4 ":5060"), other;
	struct egress e;

	(void)state;
	rig_open(&e);
	assert_int_equal(egress_address(&e, &v4, V4_PLACE), 0); /* again */
	assert_int_equal(egress_address(&e, &v4, V6_PLACE), -EEXIST);
	assert_false(passes(&e, &frame));
	egress_valid(&e, V4_PLACE, UINT64_MAX);
	assert_true(passes(&e, &frame));
	for (uint8_t i = 0; i < EGRESS_ADDRESSES_MAX - 2; i++) {
		addr_set_v4(&other, (const uint8_t[]){ 198, 51, 100, i }, 0);
		assert_int_equal(egress_address(&e, &other, V4_PLACE), 0);
	}
	addr_set_v4(&other, (const uint8_t[]){ 198, 51, 101, 1 }, 0);
	assert_int_equal(egress_address(&e, &other, V4_PLACE), -E2BIG);
	egress_close(&e);
}

/* Tagged, for the kernel's test run itself refuses half a header of IP behind the addresses of a frame. */
static struct octets tagged(const struct row *row)
{
	struct row copy = *row;

	if (copy.shape != NONE && !copy.tags[0])
		copy.tags = "81000001";
	return frame_of(&copy);
}

/* Cut anywhere: what still shows the address is withheld, what does not passes. */
static void frames_cut_short(void **state)
{
	const struct row *row;
	struct egress e;

	(void)state;
	rig_open(&e);
	EACH_ROW(row, TABLE)
	{
		struct octets frame = tagged(row);
		bool shown = row->kind != PASSES;

		for (; frame.n >= LEAST; frame.n--) {
			bool passed = passes(&e, &frame);

			ROW_ASSERT(row->name, passed || shown);
			shown = shown && !passed;
		}
	}
	egress_close(&e);
}

/* Any octets: nothing is withheld that does not hold one of the addresses. */
static void octets_of_any_kind(void **state)
{
	static const char *const types[] = { "0800", "86dd", "0806", "8100", "88a8" };
	struct octets frame = { .n = 12 };
	struct rand_source rand;
	struct egress e;

	(void)state;
	rand_open_seed(&rand, 7);
	rig_open(&e);
	for (int i = 0; i < 2000; i++) {
		frame.n = 12;
		hex_put(&frame, "81000001");
		hex_put(&frame, types[rand_below(&rand, COUNT_OF(types))]);
		while (frame.n < ROOM)
			frame.at[frame.n++] = (uint8_t)rand_below(&rand, 256);
		frame.n = LEAST + rand_below(&rand, ROOM - LEAST);
		assert_true(passes(&e, &frame));
	}
	egress_close(&e);
}

/* What is asked for in vain is said in words, and nothing of it stays. */
static void interfaces_that_are_none(void **state)
{
	const char *const none[] = { "no-such-link" };
	char why[EGRESS_WHY_MAX];
	struct egress e;

	(void)state;
	rig_open(&e);
	egress_close(&e);
	assert_int_equal(egress_open(&e, none, 1, why), -ENODEV);
	assert_non_null(strstr(why, "no-such-link"));
	assert_null(e.object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_withheld),
		cmocka_unit_test(each_place_has_its_own_time),
		cmocka_unit_test(an_address_has_one_place),
		cmocka_unit_test(frames_cut_short),
		cmocka_unit_test(octets_of_any_kind),
		cmocka_unit_test(interfaces_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
