/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a packet that comes to an entry of the table, and what arms, disarms and ends it. */
#include "tests/unit/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "engine/net/frame.h"
#include "tests/unit/engine/port/forward_rig.h"

enum {
	VOICE = 12 + 160,
	ROUNDS = 3000,
	MANY = 200000,                 /* packets, of several jiffies */
	JIFFIES_NS = 50 * 1000 * 1000, /* several, as any kernel is built */
};

static void voice_write(struct forward_rig *t, uint8_t payload[VOICE])
{
	struct rtp *next = &t->next[A];

	next->sequence++;
	next->timestamp += 160;
	memset(payload, 0xd5, VOICE);
	memcpy(payload, rtp_write((uint8_t[PACKET_MAX]){ 0 }, next).p, 12);
}

static uint32_t give(struct forward_rig *t, const struct addr *from, const struct addr *to,
		     uint16_t vlan, struct bytes payload)
{
	static struct wire in, out;
	uint32_t action;

	wire_write(&in, from, to, vlan, payload);
	action = wire_run(t, &in, &out);
	if (!is_forwarded(action))
		assert_memory_equal(out.at, in.at, in.n); /* nothing was written */
	return action;
}

/* The next packet of party A. */
static uint32_t give_next(struct forward_rig *t)
{
	uint8_t payload[VOICE];

	voice_write(t, payload);
	return give(t, &t->party[A], &t->local[A], 0, bytes_mem(payload, VOICE));
}

static const struct {
	const char *name;
	uint16_t at, vlan; /* octet of the payload that differs */
	uint8_t flip;
	uint8_t port; /* of the source, farther */
	int8_t ahead;
	uint16_t length; /* 0: as voice */
	enum xdp_fate fate;
} ROWS[] = {
	{ "the next", 0, 0, 0, 0, 0, 0, XDP_FATE_FORWARDED },
	{ "after a loss", 0, 0, 0, 0, 7, 0, XDP_FATE_FORWARDED },
	{ "with a marker", 1, 0, 0x80, 0, 0, 0, XDP_FATE_FORWARDED },
	{ "without a payload", 0, 0, 0, 0, 0, 12, XDP_FATE_FORWARDED },
	{ "from another port", 0, 0, 0, 1, 0, 0, XDP_FATE_SOURCE },
	{ "STUN", 0, 0, 0x80, 0, 0, 0, XDP_FATE_OTHER },
	{ "DTLS", 0, 0, 0x80 ^ 22, 0, 0, 0, XDP_FATE_OTHER },
	{ "RTCP", 1, 0, 200, 0, 0, 0, XDP_FATE_OTHER },
	{ "shorter than a head", 0, 0, 0, 0, 0, 11, XDP_FATE_OTHER },
	{ "padding", 0, 0, 0x20, 0, 0, 0, XDP_FATE_HEAD },
	{ "an extension", 0, 0, 0x10, 0, 0, 0, XDP_FATE_HEAD },
	{ "another source in it", 0, 0, 1, 0, 0, 0, XDP_FATE_HEAD },
	{ "another SSRC", 11, 0, 1, 0, 0, 0, XDP_FATE_SSRC },
	{ "a digit", 1, 0, 101, 0, 0, 0, XDP_FATE_PAYLOAD_TYPE },
	{ "twice", 0, 0, 0, 0, -1, 0, XDP_FATE_SEQUENCE },
	{ "late", 0, 0, 0, 0, -9, 0, XDP_FATE_SEQUENCE },
	{ "a tag", 0, 9, 0, 0, 0, 0, XDP_FATE_FRAME },
	{ "longer than its way", 0, 0, 0, 0, 0, MTU, XDP_FATE_FRAME },
};

static void row_check(struct forward_rig *t, size_t i)
{
	struct xdp_forward *e = entry_of(t, A);
	struct addr from = t->party[A];
	uint8_t payload[MTU] = { 0 };
	uint16_t n = ROWS[i].length ? ROWS[i].length : VOICE;
	uint64_t before = fate_of(t, ROWS[i].fate);
	bool forwarded = ROWS[i].fate == XDP_FATE_FORWARDED;

	t->next[A].payload_type = 0;
	flow_of(t->r, A)->rule.in = 0;
	entry_arm(t, A);
	t->next[A].sequence = (uint16_t)(e->sequence + (uint32_t)ROWS[i].ahead);
	voice_write(t, payload);
	payload[ROWS[i].at] ^= ROWS[i].flip;
	from.port = (uint16_t)(from.port ^ ROWS[i].port);
	ROW_ASSERT(ROWS[i].name, is_forwarded(give(t, &from, &t->local[A], ROWS[i].vlan,
						   bytes_mem(payload, n))) == forwarded);
	ROW_ASSERT(ROWS[i].name, fate_of(t, ROWS[i].fate) == before + 1);
	ROW_ASSERT(ROWS[i].name, xdp_forward_is_armed(e) == (ROWS[i].fate < XDP_FATE_FRAME));
	ROW_ASSERT(ROWS[i].name, xdp_forward_is_left(e));
	ROW_ASSERT(ROWS[i].name, xdp_forward_is_armed(e) || e->why == ROWS[i].fate);
}

static uint32_t give_half_sum(struct forward_rig *t)
{
	static struct wire in, out;
	uint8_t payload[VOICE];

	voice_write(t, payload);
	wire_write(&in, &t->party[A], &t->local[A], 0, bytes_mem(payload, VOICE));
	memory_put(in.at + ETHERNET_LEN + IPV4_LEN + UDP_SUM_AT,
		   frame_sum_fold(sum_word(PROTOCOL_UDP) + sum_word(UDP_LEN + VOICE) +
				  head_sum(in.at + ETHERNET_LEN + IPV4_FROM_AT, 8)));
	return wire_run(t, &in, &out);
}

/* Who leaves the sum to a device is found out with its first packet. By chance a whole sum looks so, but not twice in a row. */
static void half_a_sum(void **state)
{
	struct forward_rig t;

	(void)state;
	forward_open(&t, 11);
	parties_choose(&t, false);
	entry_of(&t, A)->packets = 0;
	assert_false(is_forwarded(give_half_sum(&t)));
	assert_false(xdp_forward_is_armed(entry_of(&t, A)));
	entry_of(&t, A)->packets = 1;
	xdp_forward_arm(entry_of(&t, A));
	assert_true(is_forwarded(give_next(&t)));
	assert_true(is_forwarded(give_half_sum(&t)));
	assert_true(is_forwarded(give_next(&t)));
	assert_true(is_forwarded(give_half_sum(&t)));
	assert_false(is_forwarded(give_half_sum(&t)));
	assert_false(xdp_forward_is_armed(entry_of(&t, A)));
	assert_int_equal(fate_of(&t, XDP_FATE_FRAME), 2);
	forward_close(&t);
}

static void what_becomes_of_a_packet(void **state)
{
	struct forward_rig t;

	(void)state;
	forward_open(&t, 1);
	for (int v6 = 0; v6 <= 1; v6++)
		for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
			parties_choose(&t, v6);
			xdp_forward_disarm(entry_of(&t, A));
			row_check(&t, i);
		}
	forward_close(&t);
}

/* Whoever forges a packet switches nothing off, and the stream goes on; a change of the stream is for the worker, and so is what follows. */
static void only_the_party_disarms(void **state)
{
	struct forward_rig t;
	struct addr other;

	(void)state;
	forward_open(&t, 2);
	parties_choose(&t, false);
	other = any_party(&t, false);
	assert_true(is_forwarded(give_next(&t)));
	for (int i = 0; i < 100; i++)
		assert_int_equal(give(&t, &other, &t.local[A], 0, bytes_str("\200\0voiceless")),
				 XDP_PASS);
	assert_true(is_forwarded(give_next(&t)));
	t.next[A].ssrc++;
	assert_int_equal(give_next(&t), XDP_PASS);
	t.next[A].ssrc--;
	assert_int_equal(give_next(&t), XDP_PASS);
	assert_int_equal(fate_of(&t, XDP_FATE_UNARMED), 1);
	assert_int_equal(entry_of(&t, A)->packets, 3); /* one was there before */
	entry_of(&t, A)->sequence += 2;                /* the worker had them */
	xdp_forward_arm(entry_of(&t, A));
	assert_true(is_forwarded(give_next(&t)));
	forward_close(&t);
}

/* What has not been relayed yet is overtaken by nothing: the program notes what goes up of the party's stream, and nothing else. */
static void what_would_overtake_goes_up(void **state)
{
	uint8_t report[VOICE] = { 0x80, 200 };
	struct forward_rig t;
	struct xdp_forward *e;
	struct addr other;

	(void)state;
	forward_open(&t, 9);
	parties_choose(&t, false);
	other = any_party(&t, false);
	e = entry_of(&t, A);
	xdp_forward_disarm(e);
	assert_int_equal(give_next(&t), XDP_PASS);
	assert_int_equal(xdp_forward_up(e), t.next[A].sequence);
	e->packets = 0;
	xdp_forward_arm(e); /* the worker has not seen it */
	assert_int_equal(give_next(&t), XDP_PASS);
	assert_int_equal(e->why, XDP_FATE_BEHIND);
	assert_false(xdp_forward_is_armed(e));
	e->sequence += 2;
	(void)give(&t, &other, &t.local[A], 0, bytes_str("\200\0voiceless"));
	(void)give(&t, &t.party[A], &t.local[A], 0, bytes_mem(report, VOICE));
	assert_int_equal(xdp_forward_up(e), t.next[A].sequence);
	xdp_forward_arm(e);
	assert_true(is_forwarded(give_next(&t)));
	assert_int_equal(xdp_forward_up(e), (uint16_t)(t.next[A].sequence - 1));
	forward_close(&t);
}

/* A port without an entry is the worker's, and so is each one once it points to none. */
static void a_port_without_an_entry(void **state)
{
	struct forward_rig t;
	struct addr nowhere = rig_addr("192.0.2.77:12000");

	(void)state;
	forward_open(&t, 3);
	parties_choose(&t, false);
	assert_true(is_forwarded(give_next(&t)));
	xdp_forwards_point(t.table, &nowhere, entry_of(&t, A)); /* not one of ours: nothing */
	xdp_forwards_point(t.table, &t.local[A], NULL);
	assert_int_equal(give_next(&t), XDP_PASS);
	xdp_forwards_point(t.table, &t.local[A], entry_of(&t, A));
	assert_true(is_forwarded(give_next(&t)));
	forward_close(&t);
}

/* By another interface than it is to leave by: only where that may be. */
static void from_one_interface_to_another(void **state)
{
	struct forward_rig t;
	struct xdp_forward *e;

	(void)state;
	forward_open(&t, 8);
	parties_choose(&t, false);
	e = entry_of(&t, A);
	e->ifindex = BY_OTHER;
	assert_int_equal(give_next(&t), XDP_REDIRECT);
	e->crosses = 0;
	assert_int_equal(give_next(&t), XDP_PASS);
	assert_int_equal(e->why, XDP_FATE_FRAME);
	e->ifindex = BY_SAME;
	xdp_forward_arm(e);
	assert_int_equal(give_next(&t), XDP_TX);
	forward_close(&t);
}

/* Without a lease nothing is said any more; what else comes is the worker's, who knows that, too. */
static void the_lease_ends(void **state)
{
	uint8_t report[VOICE] = { 0x80, 200 };
	struct forward_rig t;

	(void)state;
	forward_open(&t, 4);
	parties_choose(&t, false);
	xdp_forwards_valid(t.table, 3, 1);
	assert_true(is_forwarded(give_next(&t)));
	xdp_forwards_valid(t.table, 0, clock_now_ns());
	assert_int_equal(give_next(&t), XDP_DROP);
	assert_int_equal(give(&t, &t.party[A], &t.local[A], 0, bytes_mem(report, VOICE)), XDP_PASS);
	assert_int_equal(entry_of(&t, A)->packets, 2);
	assert_true(xdp_forward_is_armed(entry_of(&t, A)));
	xdp_forwards_valid(t.table, 0, clock_now_ns() + 60 * NS_PER_S);
	assert_true(is_forwarded(give_next(&t)));
	assert_int_equal(fate_of(&t, XDP_FATE_ENDED), 1);
	forward_close(&t);
}

/* A worker that hangs says nothing more; what else comes waits for it. */
static void the_heartbeat_of_a_worker_ends(void **state)
{
	uint8_t report[VOICE] = { 0x80, 200 };
	struct forward_rig t;

	(void)state;
	forward_open(&t, 10);
	parties_choose(&t, false);
	xdp_forwards_alive(t.table, 1, 1); /* another worker */
	xdp_forwards_alive(t.table, 0, clock_now_ns() + 60 * NS_PER_S);
	assert_true(is_forwarded(give_next(&t)));
	xdp_forwards_alive(t.table, 0, clock_now_ns());
	xdp_forwards_present(t.table, UINT64_MAX); /* others are there */
	assert_int_equal(give_next(&t), XDP_DROP);
	assert_int_equal(fate_of(&t, XDP_FATE_SILENT), 1);
	assert_int_equal(entry_of(&t, A)->packets, 2);
	assert_int_equal(give(&t, &t.party[A], &t.local[A], 0, bytes_mem(report, VOICE)), XDP_PASS);
	xdp_forwards_alive(t.table, 0, clock_now_ns() + 60 * NS_PER_S);
	assert_true(is_forwarded(give_next(&t)));
	forward_close(&t);
}

/* Where nobody is there any more nothing goes up either: the kernel would say that the port is unreachable. */
static void the_heartbeat_of_the_process_ends(void **state)
{
	uint8_t report[VOICE] = { 0x80, 200 };
	struct forward_rig t;

	(void)state;
	forward_open(&t, 5);
	parties_choose(&t, false);
	xdp_forwards_present(t.table, clock_now_ns());
	assert_int_equal(give_next(&t), XDP_DROP);
	assert_int_equal(give(&t, &t.party[A], &t.local[A], 0, bytes_mem(report, VOICE)), XDP_DROP);
	xdp_forward_disarm(entry_of(&t, A));
	assert_int_equal(give_next(&t), XDP_DROP);
	xdp_forwards_point(t.table, &t.local[A], NULL);
	assert_int_equal(give_next(&t), XDP_DROP);
	assert_int_equal(fate_of(&t, XDP_FATE_SILENT), 4);
	xdp_forwards_alive(t.table, 7, clock_now_ns() + 60 * NS_PER_S); /* any of its workers */
	assert_int_equal(give_next(&t), XDP_PASS);
	forward_close(&t);
}

/* RTCP of the party, one behind the other; how often the clock was read for it. */
static uint32_t give_many(struct forward_rig *t)
{
	uint32_t before = cpus_of(t).reads;
	static struct wire in;
	uint8_t report[VOICE] = { 0x80, 200 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .repeat = MANY);

	wire_write(&in, &t->party[A], &t->local[A], 0, bytes_mem(report, VOICE));
	opts.data_in = in.at;
	opts.data_size_in = in.n;
	assert_int_equal(bpf_prog_test_run_opts(t->fd, &opts), 0);
	return cpus_of(t).reads - before;
}

/* Where many come some have the time of one before them, which is of the same jiffy; where few come each has its own. */
static void the_time_of_a_packet(void **state)
{
	uint64_t end = clock_now_ns() + NS_PER_S / 2, before;
	struct forward_rig t;
	uint32_t reads;

	(void)state;
	forward_open(&t, 17);
	parties_choose(&t, false);
	while (give_many(&t) > MANY / 2) /* as where others had the CPU each other jiffy */
		assert_true(clock_now_ns() < end + 20 * NS_PER_S);
	do {
		before = clock_now_ns();
		assert_true(is_forwarded(give_next(&t)));
		assert_in_range(entry_of(&t, A)->received_ns, before - JIFFIES_NS, clock_now_ns());
	} while (before < end);
	for (int few = 0; few < 5; few++) {
		assert_int_equal(usleep(JIFFIES_NS / 1000), 0);
		before = clock_now_ns();
		reads = cpus_of(&t).reads;
		assert_true(is_forwarded(give_next(&t)));
		assert_in_range(entry_of(&t, A)->received_ns, before, clock_now_ns());
		assert_int_equal(cpus_of(&t).reads, reads + 1);
	}
	forward_close(&t);
}

/* A table of another version is left alone. */
static void another_version(void **state)
{
	struct xdp_fence fence;
	struct forward_rig t;
	uint32_t zero = 0;
	int fd;

	(void)state;
	forward_open(&t, 6);
	parties_choose(&t, false);
	fd = bpf_object__find_map_fd_by_name(t.program.object, XDP_FENCE_MAP);
	assert_int_equal(bpf_map_lookup_elem(fd, &zero, &fence), 0);
	assert_int_equal(fence.entry, sizeof(struct xdp_forward));
	fence.version++;
	assert_int_equal(bpf_map_update_elem(fd, &zero, &fence, BPF_ANY), 0);
	assert_int_equal(give_next(&t), XDP_PASS);
	forward_close(&t);
}

static void ways_that_it_does_not_know(void **state)
{
	struct addr v4 = rig_addr("192.0.2.1:1000"), v6 = rig_addr("[2001:db8::1]:1000");
	struct addr near = rig_addr("[fe80::1%3]:1000");
	struct xdp_forward e = { 0 };
	struct xdp_forward_plan plan = { .from = &v4,
					 .to = &v4,
					 .out_from = &v4,
					 .out_to = &v4,
					 .mtu = 1500,
					 .clock_hz = 8000 };

	(void)state;
	assert_true(xdp_forward_plan(&e, &plan));
	plan.clock_hz = 0;
	assert_false(xdp_forward_plan(&e, &plan));
	plan.clock_hz = 44100; /* 441 units each 10 ms: its products would be too large in a year */
	assert_false(xdp_forward_plan(&e, &plan));
	plan.clock_hz = 8000;
	plan.path.vlan = 5;
	assert_false(xdp_forward_plan(&e, &plan));
	plan.path.vlan = 0;
	plan.out_to = plan.out_from = &v6;
	assert_false(xdp_forward_plan(&e, &plan));
	plan.from = plan.to = &v6;
	assert_true(xdp_forward_plan(&e, &plan));
	plan.out_to = &near;
	assert_false(xdp_forward_plan(&e, &plan));
}

/* ---- the program and its worker at once ---- */

struct talker {
	struct forward_rig *t;
	atomic_bool stop;
	uint32_t given;
};

static void *talk(void *arg)
{
	struct talker *k = arg;

	while (!atomic_load_explicit(&k->stop, memory_order_relaxed)) {
		(void)give_next(k->t);
		k->given++;
	}
	return NULL;
}

static void left_wait(const struct xdp_forward *e)
{
	for (uint32_t i = 0; !xdp_forward_is_left(e); i++)
		assert_true(i < UINT32_C(100000000));
}

/* An entry that is disarmed and left says what is final, and goes on from there. */
static void what_is_left_is_final(void **state)
{
	struct forward_rig t;
	struct talker k = { .t = &t };
	struct xdp_forward *e;
	pthread_t thread;
	uint64_t all = 0;

	(void)state;
	forward_open(&t, 7);
	parties_choose(&t, false);
	e = entry_of(&t, A);
	assert_int_equal(pthread_create(&thread, NULL, talk, &k), 0);
	for (int i = 0; i < ROUNDS || (e->packets < ROUNDS && i < ROUNDS * 1000); i++) {
		struct xdp_forward before;

		xdp_forward_disarm(e);
		left_wait(e);
		before = *e;
		if (i % 8 == 0)
			(void)sched_yield();
		left_wait(e); /* it was looked at, and is as it was */
		assert_int_equal(e->sequence, before.sequence);
		assert_int_equal(e->packets, before.packets);
		assert_int_equal(e->jitter, before.jitter);
		xdp_forward_arm(e);
		if (i % 4 == 0)
			(void)sched_yield();
	}
	atomic_store_explicit(&k.stop, true, memory_order_relaxed);
	assert_int_equal(pthread_join(thread, NULL), 0);
	for (enum xdp_fate fate = 0; fate < XDP_FATES; fate++)
		all += fate_of(&t, fate);
	assert_int_equal(all, k.given);
	assert_int_equal(fate_of(&t, XDP_FATE_FORWARDED), e->packets - 1);
	assert_true(e->packets > 1);
	forward_close(&t);
}

/* ---- the next process ---- */

/* As one that has duplicates of the descriptors. */
static struct xdp_forwards *next_process(struct forward_rig *t)
{
	int fds[XDP_FORWARDS_FDS];
	char why[XDP_WHY_MAX];
	struct xdp_forwards *next;
	uint32_t place;

	for (int i = 0; i < XDP_FORWARDS_FDS; i++)
		fds[i] = dup(t->table->fds[i]);
	assert_int_equal(xdp_forwards_adopt(&next, fds, t->table->entry_count,
					    t->table->address_max, why),
			 0);
	for (uint32_t i = 0; i < t->table->address_count; i++) {
		assert_int_equal(xdp_forwards_place(next, &t->table->addresses[i], &place), 0);
		assert_int_equal(place, i);
	}
	return next;
}

/* Entries go on, and are those of the flows that have the ports now, on whatever worker; what nobody claims ends. */
static void of_the_process_before(void **state)
{
	struct forward_rig t;
	struct xdp_forwards *next;

	(void)state;
	forward_open(&t, 9);
	parties_choose(&t, false);
	assert_true(is_forwarded(give_next(&t)));
	next = next_process(&t);
	assert_true(is_forwarded(give_next(&t)));
	assert_true(xdp_forwards_claim(next, &t.local[A], 3)); /* it was number 1 */
	assert_false(xdp_forwards_claim(next, &t.local[A], 3));
	assert_false(xdp_forwards_claim(next, &t.local[A], 1));
	assert_ptr_equal(xdp_forwards_entry(next, 3), &next->entries[1]);
	assert_true(xdp_forwards_entry(next, 1) == &next->entries[0] ||
		    xdp_forwards_entry(next, 1) == &next->entries[3]);
	assert_int_equal(xdp_forwards_settle(next), 1);
	assert_int_equal(xdp_forwards_settle(next), 0);
	assert_true(xdp_forward_is_armed(entry_of(&t, A)));
	assert_false(xdp_forward_is_armed(entry_of(&t, B)));
	assert_true(is_forwarded(give_next(&t)));
	xdp_forwards_close(next);
	forward_close(&t);
}

enum { SLOTS = 64 };

static struct addr port_of(uint32_t pair)
{
	struct addr a = { 0 };

	addr_set_v4(&a, (const uint8_t[4]){ 192, 0, 2, 1 }, (uint16_t)(FIRST + 2 * pair));
	return a;
}

/* Each port, of half of the pairs, in a slot of its own; calls that come back are in other slots, beside some that were not there. */
static void in_other_slots(void **state)
{
	struct xdp_forwards *t, *next;
	struct addr local = port_of(0);
	char why[XDP_WHY_MAX], used[SLOTS] = { 0 };
	int fds[XDP_FORWARDS_FDS], err = xdp_forwards_open(&t, SLOTS, 1, why);
	uint32_t place;

	(void)state;
	if (err)
		skip_or_fail(err, why);
	assert_int_equal(xdp_forwards_place(t, &local, &place), 0);
	for (uint32_t i = 0; i < SLOTS / 2; i++) {
		local = port_of(i);
		xdp_forwards_point(t, &local, &t->entries[i * 7 % SLOTS]);
	}
	for (int i = 0; i < XDP_FORWARDS_FDS; i++)
		fds[i] = dup(t->fds[i]);
	assert_int_equal(xdp_forwards_adopt(&next, fds, SLOTS, 1, why), 0);
	assert_int_equal(xdp_forwards_place(next, &local, &place), 0);
	for (uint32_t slot = 0; slot < SLOTS; slot++) {
		uint32_t pair = (slot * 5 + 3) % SLOTS;
		const struct xdp_forward *e;

		local = port_of(pair);
		assert_int_equal(xdp_forwards_claim(next, &local, slot), pair < SLOTS / 2);
		e = xdp_forwards_entry(next, slot);
		if (pair < SLOTS / 2)
			assert_ptr_equal(e, &next->entries[pair * 7 % SLOTS]);
		assert_int_equal(used[e - next->entries]++, 0);
		xdp_forwards_point(next, &local, e);
	}
	assert_int_equal(xdp_forwards_settle(next), 0);
	for (uint32_t slot = 0; slot < SLOTS; slot++) {
		local = port_of((slot * 5 + 3) % SLOTS);
		assert_false(xdp_forwards_claim(next, &local, slot));
	}
	xdp_forwards_close(next);
	xdp_forwards_close(t);
}

/* Others are told that the process is dead: nothing is forwarded for its shards any more. */
static void others_are_told_of_the_end(void **state)
{
	struct forward_rig t;

	(void)state;
	forward_open(&t, 10);
	parties_choose(&t, false);
	entry_of(&t, A)->place = 1;
	assert_true(is_forwarded(give_next(&t)));
	assert_true(xdp_forwards_end(t.table->fds[XDP_FORWARDS_FENCE]));
	assert_int_equal(give_next(&t), XDP_DROP);
	assert_int_equal(fate_of(&t, XDP_FATE_ENDED), 1);
	t.table->fence->version++;
	assert_false(xdp_forwards_end(t.table->fds[XDP_FORWARDS_FENCE]));
	forward_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ways_that_it_does_not_know),
		cmocka_unit_test(what_becomes_of_a_packet),
		cmocka_unit_test(half_a_sum),
		cmocka_unit_test(only_the_party_disarms),
		cmocka_unit_test(what_would_overtake_goes_up),
		cmocka_unit_test(a_port_without_an_entry),
		cmocka_unit_test(from_one_interface_to_another),
		cmocka_unit_test(the_lease_ends),
		cmocka_unit_test(the_heartbeat_of_a_worker_ends),
		cmocka_unit_test(the_heartbeat_of_the_process_ends),
		cmocka_unit_test(the_time_of_a_packet),
		cmocka_unit_test(another_version),
		cmocka_unit_test(what_is_left_is_final),
		cmocka_unit_test(of_the_process_before),
		cmocka_unit_test(in_other_slots),
		cmocka_unit_test(others_are_told_of_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
