/* SPDX-License-Identifier: Apache-2.0 */
/* What our XDP program takes and what it leaves, by the kernel's own test run of it: no interface is touched. */
#include "tests/unit/test.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>

#include <bpf/libbpf.h>
#include <xdp/xsk.h>

#include "base/clock.h"
#include "engine/net/frame.h"
#include "engine/port/xdp/media.h"
#include "engine/port/xdp_guard.h"
#include "engine/port/xdp_program.h"

enum { ROOM = 128, FIRST = 12000, LAST = 12100, PAYLOAD = 40, UMEM = 16 * 4096 };

static struct addr address(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, bytes_str(text)), 0);
	return a;
}

/* A program, and a socket for its first queue: without one it passes what it would redirect. */
struct rig {
	struct xdp_program program;
	struct xdp_guard *guard; /* NULL: none */
	void *memory;
	struct xsk_umem *umem;
	struct xsk_ring_prod fill;
	struct xsk_ring_cons completion;
};

static void skip_or_fail(int err, const char *why)
{
	print_message("# %s\n", why);
	if (err == -EPERM || err == -EACCES)
		skip();
	fail();
}

static void program_open(struct rig *r)
{
	struct xdp_range ranges[3] = { { .first = FIRST, .last = LAST },
				       { .first = FIRST, .last = LAST },
				       { .first = 20000, .last = 20001 } };
	char why[XDP_WHY_MAX];
	int err;

	ranges[0].local = ranges[2].local = address("192.0.2.1");
	ranges[1].local = address("2001:db8::1");
	err = xdp_program_open(&r->program, 1, ranges, COUNT_OF(ranges), r->guard, NULL, why);
	if (err)
		skip_or_fail(err, why);
}

static void socket_open(struct rig *r)
{
	const struct xsk_umem_config config = { .fill_size = 8,
						.comp_size = 8,
						.frame_size = 4096 };
	char why[XDP_WHY_MAX];
	int err;

	r->memory = aligned_alloc(4096, UMEM);
	assert_non_null(r->memory);
	err = xsk_umem__create(&r->umem, r->memory, UMEM, &r->fill, &r->completion, &config);
	if (err) {
		xdp_program_close(&r->program);
		free(r->memory);
		skip_or_fail(err, "no AF_XDP socket: needs CAP_NET_RAW");
	}
	assert_int_equal(xdp_program_socket(&r->program, 0, xsk_umem__fd(r->umem), why), 0);
}

static void rig_close(struct rig *r)
{
	xdp_program_close(&r->program);
	(void)xsk_umem__delete(r->umem);
	free(r->memory);
}

struct row {
	const char *name, *from, *to;
	uint8_t first; /* octet of the payload */
	uint16_t vlan;
	uint16_t at; /* this octet of the frame is then set */
	uint8_t value;
	bool taken;
};

static const struct row TABLE[] = {
	{ "RTP", "198.51.100.2:4000", "192.0.2.1:12000", 0x80, 0, 0, 2, true },
	{ "RTP tagged", "198.51.100.2:4000", "192.0.2.1:12000", 0x80, 100, 0, 2, true },
	{ "RTP over IPv6", "[2001:db8::2]:4000", "[2001:db8::1]:12000", 0x80, 0, 0, 2, true },
	{ "IPv6 tagged", "[2001:db8::2]:4000", "[2001:db8::1]:12000", 0x80, 100, 0, 2, true },
	{ "last port", "198.51.100.2:4000", "192.0.2.1:12100", 0xbf, 0, 0, 2, true },
	{ "other range", "198.51.100.2:4000", "192.0.2.1:20001", 0x80, 0, 0, 2, true },
	{ "STUN", "198.51.100.2:4000", "192.0.2.1:12000", 0, 0, 0, 2, true },
	{ "DTLS", "198.51.100.2:4000", "192.0.2.1:12000", 20, 0, 0, 2, true },
	{ "port below", "198.51.100.2:4000", "192.0.2.1:11999", 0x80, 0, 0, 2, false },
	{ "port above", "198.51.100.2:4000", "192.0.2.1:12101", 0x80, 0, 0, 2, false },
	{ "other range, other address", "[2001:db8::2]:4000", "[2001:db8::1]:20001", 0x80, 0, 0, 2,
	  false },
	{ "other address", "198.51.100.2:4000", "192.0.2.2:12000", 0x80, 0, 0, 2, false },
	{ "ZRTP", "198.51.100.2:4000", "192.0.2.1:12000", 16, 0, 0, 2, false },
	{ "TURN", "198.51.100.2:4000", "192.0.2.1:12000", 64, 0, 0, 2, false },
	{ "SIP", "198.51.100.2:4000", "192.0.2.1:12000", 'I', 0, 0, 2, false },
	{ "link-local", "[fe80::2]:4000", "[2001:db8::1]:12000", 0x80, 0, 0, 2, false },
	{ "to many stations", "198.51.100.2:4000", "192.0.2.1:12000", 0x80, 0, 0, 3, false },
	{ "ARP", "198.51.100.2:4000", "192.0.2.1:12000", 0x80, 0, 13, 6, false },
	{ "options", "198.51.100.2:4000", "192.0.2.1:12000", 0x80, 0, 14, 0x46, false },
	{ "fragment", "198.51.100.2:4000", "192.0.2.1:12000", 0x80, 0, 20, 0x20, false },
	{ "later fragment", "198.51.100.2:4000", "192.0.2.1:12000", 0x80, 0, 21, 1, false },
	{ "not to be fragmented", "198.51.100.2:4000", "192.0.2.1:12000", 0x80, 0, 20, 0x40, true },
	{ "TCP", "198.51.100.2:4000", "192.0.2.1:12000", 0x80, 0, 23, 6, false },
	{ "IPv6 fragment", "[2001:db8::2]:4000", "[2001:db8::1]:12000", 0x80, 0, 20, 44, false },
	{ "two tags", "198.51.100.2:4000", "192.0.2.1:12000", 0x80, 100, 16, 0x81, false },
};

static uint32_t run(const struct xdp_program *p, const struct row *row)
{
	const struct frame_path path = { .to = { 2 }, .from = { 4 }, .vlan = row->vlan };
	struct addr from = address(row->from), to = address(row->to);
	const struct frame_head head = { .path = &path, .from = &from, .to = &to, .hops = 64 };
	uint8_t memory[ROOM + PAYLOAD] = { 0 };
	uint8_t *start;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .repeat = 1);

	memory[ROOM] = row->first;
	start = frame_write(&head, memory + ROOM, PAYLOAD);
	start[row->at] = row->value;
	opts.data_in = start;
	opts.data_size_in = (uint32_t)(memory + sizeof(memory) - start);
	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(bpf_object__find_program_by_name(
							p->object, XDP_PROGRAM)),
						&opts),
			 0);
	return opts.retval;
}

static void what_is_taken(void **state)
{
	struct rig r = { 0 };
	const struct row *row;

	(void)state;
	program_open(&r);
	EACH_ROW(row, TABLE)
	ROW_ASSERT(row->name, run(&r.program, row) == XDP_PASS); /* nobody is there yet */
	socket_open(&r);
	EACH_ROW(row, TABLE)
	ROW_ASSERT(row->name, run(&r.program, row) == (row->taken ? XDP_REDIRECT : XDP_PASS));
	rig_close(&r);
}

/* SIP in frames is judged by the guard; media in the same frames, and other ports, are none of its business. */
static void floods_are_dropped(void **state)
{
	static const struct guard_limits limits = { .per_s = { [GUARD_STRANGER] = 1 } };
	static const struct row sip = {
		"SIP", "198.51.100.2:4000", "192.0.2.1:5060", 'R', 0, 0, 2
	};
	static const struct row six = {
		"SIP", "[2001:db8::2]:4000", "[2001:db8::1]:5060", 'R', 0, 0, 2
	};
	static const struct row other = {
		"-", "198.51.100.2:4000", "192.0.2.1:5061", 'R', 0, 0, 2
	};
	struct addr v4 = address("192.0.2.1:5060"), v6 = address("[2001:db8::1]:5060");
	struct addr phone = address(sip.from);
	struct rig r = { 0 };
	struct guard_kernel kernel;
	struct rand_source rand;
	struct guard *guard;
	char why[XDP_WHY_MAX];
	unsigned passed = 0;
	int err = xdp_guard_open(&r.guard, guard_sets(100), why);

	(void)state;
	if (err)
		skip_or_fail(err, why);
	rand_open_seed(&rand, 3);
	kernel = xdp_guard_kernel(r.guard);
	assert_int_equal(guard_open(&guard, 100, 60 * NS_PER_S, &rand, &kernel), 0);
	guard_configure(guard, &limits, 60 * NS_PER_S);
	assert_int_equal(xdp_guard_listen(r.guard, &v4), 0);
	assert_int_equal(xdp_guard_listen(r.guard, &v6), 0);
	program_open(&r);
	for (int i = 0; i < 100; i++)
		passed += run(&r.program, &sip) == XDP_PASS;
	assert_in_range(passed, 6, 12); /* one a second, and five seconds at once */
	assert_int_equal(run(&r.program, &sip), XDP_DROP);
	assert_int_equal(run(&r.program, &six), XDP_PASS); /* another address */
	assert_int_equal(run(&r.program, &other), XDP_PASS);
	assert_int_equal(kernel.at_frames->by_class[GUARD_STRANGER], 101 - passed);
	assert_int_equal(kernel.at_sockets->by_class[GUARD_STRANGER], 0);
	guard_know(guard, &phone, clock_now_ns()); /* by memory: the program has it at once */
	assert_int_equal(run(&r.program, &sip), XDP_PASS);
	xdp_program_close(&r.program);
	guard_close(guard);
	xdp_guard_close(r.guard);
}

/* As in a build without clang. */
static void no_program_in_this_build(void **state)
{
	struct bpf_object *object;

	(void)state;
	assert_int_equal(xdp_object_open(&object, (struct bytes){ NULL, 0 }), -ENOPKG);
	assert_null(object);
	assert_non_null(strstr(xdp_error(-ENOPKG), "./tandem build release has them"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_taken),
		cmocka_unit_test(floods_are_dropped),
		cmocka_unit_test(no_program_in_this_build),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
