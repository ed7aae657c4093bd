/* SPDX-License-Identifier: Apache-2.0 */
/* When what a party says begins to be forwarded below the process, and what ends that. */
#include "tests/unit/test.h"

#include "tests/unit/engine/worker/shortcut_twins.h"

static bool is_short(struct twins *t, int side)
{
	return t->k.r->w.flows.shortcuts[side].state == SHORTCUT_ARMED &&
	       xdp_forward_is_armed(entry_of(&t->k, side));
}

static void run_ms(struct twins *t, uint32_t ms)
{
	for (uint32_t at = 0; at < ms; at += 20) {
		advance_ms(t->k.r, 20);
		advance_ms(t->slow, 20);
		say_next(t, A);
		say_next(t, B);
		both_step(t);
	}
}

static void short_open(struct twins *t)
{
	twins_open(t, 99);
	run_ms(t, 2000);
	assert_true(is_short(t, A) && is_short(t, B));
	assert_true(t->forwarded > 100);
}

static void tick_once(struct twins *t)
{
	advance_ms(t->k.r, 300);
	worker_step(&t->k.r->w);
}

/* The program sees it, and leaves it to the worker, which has not got it yet. */
static struct bytes send_up(struct twins *t, uint8_t memory[PACKET_MAX])
{
	static struct wire in, out;
	struct bytes payload;

	t->k.next[A].sequence++;
	t->k.next[A].timestamp += 160;
	payload = rtp_write(memory, &t->k.next[A]);
	wire_write(&in, &t->from[A], &t->k.local[A], 0, payload);
	assert_false(is_forwarded(wire_run(&t->k, &in, &out)));
	return payload;
}

static void run_until(struct twins *t, enum shortcut_state state)
{
	for (int i = 0; t->k.r->w.flows.shortcuts[A].state != state; i++) {
		assert_true(i < 200);
		run_ms(t, 20);
	}
}

/* Nothing is forwarded that would overtake a packet on its way to the worker. */
static void nothing_is_overtaken(void **state)
{
	uint8_t memory[PACKET_MAX];
	struct bytes held;
	struct twins t;

	(void)state;
	twins_open(&t, 98);
	run_until(&t, SHORTCUT_WANTED);
	held = send_up(&t, memory);
	for (int i = 0; i < 5; i++)
		tick_once(&t);
	assert_false(is_short(&t, A));
	put_bytes(t.k.r, A, CHANNEL_RTP, &t.from[A], held);
	t.waits = true;
	worker_step(&t.k.r->w);
	assert_false(is_short(&t, A));
	tick_once(&t);
	assert_false(is_short(&t, A));
	t.waits = false;
	tick_once(&t);
	assert_true(is_short(&t, A));
	twins_close(&t);
}

/* The same where it is taken behind a packet, and not at a tick: that is not the last one which went up. */
static void no_packet_overtakes_the_next(void **state)
{
	uint8_t memory[2][PACKET_MAX];
	struct bytes first, next;
	struct twins t;

	(void)state;
	short_open(&t);
	both_update(&t, A);
	first = send_up(&t, memory[0]);
	next = send_up(&t, memory[1]);
	put_bytes(t.k.r, A, CHANNEL_RTP, &t.from[A], first);
	worker_step(&t.k.r->w);
	assert_false(is_short(&t, A));
	put_bytes(t.k.r, A, CHANNEL_RTP, &t.from[A], next);
	worker_step(&t.k.r->w);
	assert_true(is_short(&t, A));
	twins_close(&t);
}

/* So long it takes until its next packets are forwarded again, by 20 ms. */
static uint32_t until_short_ms(struct twins *t, int side)
{
	uint32_t ms = 0;

	while (!is_short(t, side)) {
		assert_true(ms < 5000);
		run_ms(t, 20);
		ms += 20;
	}
	return ms;
}

/* No tick is waited for: what a command has ended begins behind the next packet. */
static void begins_again_behind_a_packet(void **state)
{
	struct twins t;

	(void)state;
	short_open(&t);
	for (int i = 0; i < 20; i++) {
		both_update(&t, A);
		assert_false(is_short(&t, A) || is_short(&t, B));
		assert_in_range(until_short_ms(&t, A), 20, 20);
		assert_true(is_short(&t, B));
		run_ms(&t, 20 * (uint32_t)i);
	}
	twins_close(&t);
}

/* A digit of ours is none of what its party says, and what it is sent is forwarded as soon as the digit is over. */
static void begins_again_behind_digits(void **state)
{
	struct twins t;

	(void)state;
	short_open(&t);
	for (int i = 0; i < 10; i++) {
		uint64_t began_ns = t.k.r->sim->now_ns;

		both_digit(&t, B);
		assert_true(is_short(&t, B));
		assert_in_range(until_short_ms(&t, A), 100, 260);
		assert_in_range((t.k.r->sim->now_ns - began_ns) / NS_PER_MS, 100, 260);
		run_ms(&t, 400 + 20 * (uint32_t)i);
	}
	twins_close(&t);
}

/* Nor does a stream that changes wait for more than a tick, unless it did so just before. */
static void begins_again_behind_a_change(void **state)
{
	struct twins t;

	(void)state;
	short_open(&t);
	for (int i = 0; i < 4; i++) {
		run_ms(&t, 1200);
		t.k.next[A].ssrc++;
		run_ms(&t, 20);
		assert_in_range(until_short_ms(&t, A), 20, 300);
	}
	run_ms(&t, 60);
	t.k.next[A].ssrc++;
	run_ms(&t, 20);
	assert_in_range(until_short_ms(&t, A), 700, 1300);
	twins_close(&t);
}

/* Of a party that was elsewhere before the program has noted nothing: whatever its last number is, it is none of this one's. */
static void a_new_party_is_noted_first(void **state)
{
	struct twins t;

	(void)state;
	short_open(&t);
	t.from[A].port = (uint16_t)(t.from[A].port + 2);
	t.spec[A].remote_rtp = t.from[A];
	both_update(&t, A);
	run_ms(&t, 20); /* it is heard */
	entry_of(&t.k, A)->up = (uint16_t)(t.k.next[A].sequence + 1);
	run_ms(&t, 20);
	assert_int_equal(t.k.r->w.flows.shortcuts[A].state, SHORTCUT_WANTED);
	run_ms(&t, 20);
	assert_true(is_short(&t, A));
	twins_close(&t);
}

/* ---- next hops ---- */

static bool told_of_hop(struct twins *t, struct media_event *out)
{
	return rig_event(t->k.r, MEDIA_FLOW_REROUTED, out);
}

/* Another station has the next hop's place: who hears of it is told which flow's, and it goes by the new one. */
static void goes_by_another_next_hop(void **state)
{
	struct media_event event;
	struct twins t;

	(void)state;
	short_open(&t);
	t.hop = 9;
	tick_once(&t);
	assert_false(is_short(&t, A));
	assert_true(told_of_hop(&t, &event));
	assert_true(flow_id_eq(event.id, flow_of(t.k.r, B)->id));
	assert_true(addr_eq(&event.hops.party, &t.from[B]));
	assert_int_equal(event.hops.was.mac[5], 0);
	assert_int_equal(event.hops.now.mac[5], 9);
	assert_int_equal(event.hops.now.ifindex, BY_SAME);
	assert_in_range(until_short_ms(&t, A), 20, 300);
	assert_int_equal(entry_of(&t.k, A)->macs[5], 9);
	assert_false(told_of_hop(&t, &event));
	twins_close(&t);
}

static void goes_by_none(void **state)
{
	struct media_event event;
	struct twins t;

	(void)state;
	short_open(&t);
	t.no_hop = true;
	tick_once(&t);
	assert_false(is_short(&t, A));
	assert_true(told_of_hop(&t, &event));
	assert_int_equal(event.hops.was.ifindex, BY_SAME);
	assert_int_equal(event.hops.now.ifindex, 0);
	run_ms(&t, 1500);
	assert_false(is_short(&t, A));
	t.no_hop = false;
	assert_in_range(until_short_ms(&t, A), 20, 1300);
	twins_close(&t);
}

/* The kernel is to look whether it is still there. That is no news. */
static void lets_the_kernel_ask(void **state)
{
	struct media_event event;
	struct twins t;

	(void)state;
	short_open(&t);
	t.doubtful = true;
	tick_once(&t);
	assert_false(is_short(&t, A));
	assert_false(told_of_hop(&t, &event));
	t.doubtful = false;
	assert_in_range(until_short_ms(&t, A), 20, 300);
	twins_close(&t);
}

/* Of one that went up in that very moment only the program knows; it is tried again at once. */
static void one_goes_up_while_it_is_armed(void **state)
{
	uint8_t memory[PACKET_MAX];
	struct bytes behind;
	struct twins t;

	(void)state;
	twins_open(&t, 97);
	run_until(&t, SHORTCUT_ARMED);
	entry_of(&t.k, A)->up++;
	behind = send_up(&t, memory);
	assert_false(is_short(&t, A));
	assert_int_equal(entry_of(&t.k, A)->why, XDP_FATE_BEHIND);
	put_bytes(t.k.r, A, CHANNEL_RTP, &t.from[A], behind);
	run_ms(&t, 700);
	assert_true(is_short(&t, A));
	assert_true(entry_of(&t.k, A)->packets > 0);
	twins_close(&t);
}

/* A packet that was forwarded behind the time of the turn was not heard in the future: who subtracts would find a silence of centuries. */
static void nobody_is_heard_in_the_future(void **state)
{
	struct xdp_forward *e;
	struct twins t;
	uint64_t now_ns;

	(void)state;
	short_open(&t);
	e = entry_of(&t.k, A);
	advance_ms(t.k.r, 300);
	now_ns = t.k.r->sim->now_ns;
	say_next(&t, A);
	e->received_ns = e->timestamp_ns = now_ns + NS_PER_MS;
	worker_step(&t.k.r->w);
	assert_int_equal(flow_of(t.k.r, A)->received.last_ns, now_ns);
	assert_int_equal(flow_of(t.k.r, A)->latch_rtp.received_ns, now_ns);
	assert_int_equal(flow_of(t.k.r, B)->sink.at_ns, now_ns);
	twins_close(&t);
}

/* While the program is at work on the entry no command is carried out, and the worker does not wait for it either. */
static void a_command_waits_until_it_is_left(void **state)
{
	struct media_command c = { .kind = MEDIA_FLOW_DIGIT_SEND,
				   .digit = '5',
				   .duration_ms = 100 };
	struct twins t;
	struct rig *r;

	(void)state;
	short_open(&t);
	r = t.k.r;
	c.id = t.spec[B].id;
	entry_of(&t.k, A)->busy = 1;
	assert_true(ring_push(&r->w.commands, &c));
	worker_step(&r->w);
	assert_non_null(ring_peek(&r->w.commands));
	assert_false(xdp_forward_is_armed(entry_of(&t.k, A)));
	assert_int_equal(flow_of(r, B)->making, 0);
	entry_of(&t.k, A)->sequence++; /* what it was at work on */
	entry_of(&t.k, A)->packets++;
	entry_of(&t.k, A)->busy = 0;
	worker_step(&r->w);
	assert_null(ring_peek(&r->w.commands));
	assert_int_equal(flow_of(r, A)->source.sequence_high,
			 (uint16_t)entry_of(&t.k, A)->sequence);
	assert_int_equal(flow_of(r, B)->making, MAKING_DIGIT);
	twins_close(&t);
}

static void set_watch(struct rig *r)
{
	flow_of(r, A)->watch = 1;
	r->w.flows.watched++;
}

static void set_watch_peer(struct rig *r)
{
	flow_of(r, B)->watch = 1;
	r->w.flows.watched++;
}

static void set_taps(struct rig *r)
{
	flow_of(r, A)->taps = 1;
}

static void set_own(struct rig *r)
{
	flow_of(r, B)->own = 1;
}

static void set_making(struct rig *r)
{
	flow_of(r, B)->making = MAKING_TONE;
}

static void set_paced(struct rig *r)
{
	flow_of(r, A)->receive = FLOW_RECEIVE_PACED;
}

static void set_moved(struct rig *r)
{
	flow_of(r, B)->latch_rtp.source.port++;
}

static void set_latch(struct rig *r)
{
	flow_of(r, A)->latch_rtp.source.port++;
}

static void set_numbers(struct rig *r)
{
	flow_of(r, A)->source.sequence_offset++;
	flow_of(r, B)->sink.sequence++;
}

static void set_rule(struct rig *r)
{
	flow_of(r, A)->rule.coding = 1;
}

/* Whatever a command has not ended the next tick does, and it is not taken again. */
static void ends_where_something_is_to_be_decided(void **state)
{
	static const struct {
		const char *name;
		void (*set)(struct rig *r);
	} CASES[] = {
		{ "a trace of it", set_watch },    { "a trace of its peer", set_watch_peer },
		{ "a recording", set_taps },       { "a party of this node", set_own },
		{ "a tone within", set_making },   { "a party that is too fast", set_paced },
		{ "a peer elsewhere", set_moved }, { "a codec between", set_rule },
		{ "itself elsewhere", set_latch }, { "other numbers", set_numbers },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(CASES); i++) {
		struct twins t;

		short_open(&t);
		CASES[i].set(t.k.r);
		advance_ms(t.k.r, 300);
		worker_step(&t.k.r->w);
		ROW_ASSERT(CASES[i].name, !is_short(&t, A));
		ROW_ASSERT(CASES[i].name, !xdp_forward_is_armed(entry_of(&t.k, A)));
		flow_of(t.k.r, A)->rule.coding = 0;
		flow_of(t.k.r, B)->making = 0;
		twins_close(&t);
	}
}

/* A stream that changes all the time is looked at once a second, no more. */
static void is_taken_once_a_second(void **state)
{
	struct twins t;
	uint32_t taken = 0;

	(void)state;
	short_open(&t);
	for (int i = 0; i < 500; i++) { /* 10 s */
		if (is_short(&t, A)) {
			run_ms(&t, 60);
			t.k.next[A].ssrc++;
			taken++;
		}
		run_ms(&t, 20);
	}
	assert_in_range(taken, 6, 12);
	twins_close(&t);
}

/* A flow that closes leaves nothing behind that is forwarded. */
static void closes(void **state)
{
	struct twins t;
	uint64_t packets;

	(void)state;
	short_open(&t);
	packets = entry_of(&t.k, A)->packets;
	both_command(&t, &(struct media_command){ .kind = MEDIA_FLOW_CLOSE, .id = t.spec[B].id });
	assert_false(xdp_forward_is_armed(entry_of(&t.k, A)));
	assert_false(xdp_forward_is_armed(entry_of(&t.k, B)));
	run_ms(&t, 1500);
	assert_int_equal(t.k.r->w.flows.shortcut_count, 0);
	assert_int_equal(entry_of(&t.k, A)->packets, packets);
	twins_close(&t);
}

/* ---- of the process before ---- */

/* Opened as those of a process are, so that what they know outlives it. */
static void kept_open(struct twins *t)
{
	twins_open(t, 98);
	for (int side = A; side <= B; side++)
		shortcut_open(&t->k.r->w, &t->k.r->w.flows.list[side]);
	run_ms(t, 2100);
	assert_true(is_short(t, A) && is_short(t, B));
}

/* What is said meanwhile nobody but the kernel hears. */
static void without_a_process(struct twins *t, uint32_t ms)
{
	for (uint32_t at = 0; at < ms; at += 20) {
		advance_ms(t->k.r, 20);
		advance_ms(t->slow, 20);
		say_next(t, A);
		say_next(t, B);
		worker_step(&t->slow->w);
		heard_take(t->slow, t->slow_heard);
	}
}

/* The flows of a process that was killed are opened by another one. The dead one, to be closed. */
static struct rig *next_process_with(struct twins *t, int last)
{
	struct rig *dead = t->k.r;

	t->k.r = rig_open_empty(64);
	t->k.r->sim->now_ns = dead->sim->now_ns;
	t->k.r->sim->port.ops = &t->ops;
	t->inherits = true;
	for (int side = A; side <= last; side++) {
		struct flow_spec spec = t->spec[side];

		spec.resume = flow_resume_read(&dead->w.flows.list[side]);
		spec.id.generation = spec.peer.generation = 9;
		rig_open_flow(t->k.r, &spec);
	}
	return dead;
}

static struct rig *next_process(struct twins *t)
{
	return next_process_with(t, B);
}

static void same_for_all(struct twins *t)
{
	run_ms(t, 1000);
	shortcuts_read(&t->k.r->w, t->k.r->w.flows.list[A].id);
	for (int side = A; side <= B; side++) {
		const struct flow *fast = &t->k.r->w.flows.list[side];
		const struct flow *slow = &t->slow->w.flows.list[side];
		struct flow_stats known = flow_stats_read(fast), real = flow_stats_read(slow);

		assert_int_equal(known.packets_in, real.packets_in);
		assert_int_equal(known.octets_in, real.octets_in);
		assert_int_equal(known.packets_out, real.packets_out);
		assert_int_equal(known.octets_out, real.octets_out);
		assert_int_equal(known.lost, real.lost);
		assert_int_equal(known.source_changes, real.source_changes);
		assert_int_equal(fast->sink.packets, slow->sink.packets);
		assert_int_equal(fast->sink.octets, slow->sink.octets);
		assert_int_equal(t->fast_heard[side].count, t->slow_heard[side].count);
		for (uint32_t i = 0; i < t->fast_heard[side].count; i++)
			assert_memory_equal(&t->fast_heard[side].list[i],
					    &t->slow_heard[side].list[i], sizeof(struct heard));
	}
}

/* Killed at any time between two ticks: nothing is lost, and each packet is counted once. */
static void goes_on_without_a_process(void **state)
{
	(void)state;
	for (uint32_t more = 0; more < 2200; more += 180) {
		struct twins t;
		struct rig *dead;
		uint32_t forwarded, said;

		kept_open(&t);
		run_ms(&t, more);
		forwarded = t.forwarded;
		said = t.said;
		without_a_process(&t, 500);
		dead = next_process(&t);
		assert_int_equal(t.k.r->w.flows.shortcuts[A].state, SHORTCUT_LEFT);
		run_ms(&t, 1000);
		assert_true(is_short(&t, A) && is_short(&t, B));
		assert_int_equal(t.forwarded - forwarded, t.said - said);
		same_for_all(&t);
		rig_close(dead);
		twins_close(&t);
	}
}

/* Killed while packets go by the process: what it relayed last is counted, too, and so is what only one of the two hears by it. */
static void killed_while_it_relays(void **state)
{
	(void)state;
	for (uint32_t more = 20; more < 400; more += 60) {
		struct twins t;
		struct rig *dead;

		kept_open(&t);
		/* then it is not taken again for a second */
		for (int twice = 0; twice < 2; twice++) {
			run_ms(&t, 300);
			t.k.next[A].sequence++;
			say(&t, A, &t.k.next[A], 0x81); /* its first octets name another source */
		}
		run_ms(&t, more);
		assert_false(is_short(&t, A));
		assert_true(is_short(&t, B));
		dead = next_process(&t);
		same_for_all(&t);
		rig_close(dead);
		twins_close(&t);
	}
}

/* Of one that never had a shortcut its counters are known as of the last tick. */
static void killed_before_it_was_taken(void **state)
{
	struct twins t;
	struct rig *dead;

	(void)state;
	twins_open(&t, 96);
	for (int side = A; side <= B; side++)
		shortcut_open(&t.k.r->w, &t.k.r->w.flows.list[side]);
	t.waits = true;
	run_ms(&t, 1400);
	assert_int_equal(t.forwarded, 0);
	dead = next_process(&t);
	for (int side = A; side <= B; side++) {
		uint64_t real = t.slow->w.flows.list[side].received.packets;

		assert_in_range(t.k.r->w.flows.list[side].received.packets, real - 13, real - 1);
	}
	rig_close(dead);
	twins_close(&t);
}

/* The stream changes before the next process has looked at anything. */
static void changes_at_once(void **state)
{
	struct twins t;
	struct rig *dead;

	(void)state;
	kept_open(&t);
	without_a_process(&t, 500);
	dead = next_process(&t);
	t.k.next[A].ssrc++;
	t.k.next[B].sequence = (uint16_t)(t.k.next[B].sequence + 4000);
	same_for_all(&t);
	rig_close(dead);
	twins_close(&t);
}

/* One process after the other is killed. */
static void killed_again(void **state)
{
	struct rig *dead[4];
	struct twins t;

	(void)state;
	kept_open(&t);
	for (size_t i = 0; i < COUNT_OF(dead); i++) {
		without_a_process(&t, 300);
		dead[i] = next_process(&t);
		run_ms(&t, (uint32_t)i * 400);
	}
	assert_true(is_short(&t, A) && is_short(&t, B));
	same_for_all(&t);
	for (size_t i = 0; i < COUNT_OF(dead); i++)
		rig_close(dead[i]);
	twins_close(&t);
}

/* It is of another call now. */
static void of_another_call(void **state)
{
	struct twins t;
	struct rig *dead;

	(void)state;
	kept_open(&t);
	t.spec[A].call = t.spec[B].call = 4712;
	dead = next_process(&t);
	assert_false(xdp_forward_is_armed(entry_of(&t.k, A)));
	assert_false(xdp_forward_is_armed(entry_of(&t.k, B)));
	assert_int_equal(t.k.r->w.flows.list[A].received.packets, 0);
	rig_close(dead);
	twins_close(&t);
}

/* Only one of the two comes back. */
static void without_a_peer(void **state)
{
	struct twins t;
	struct rig *dead;

	(void)state;
	kept_open(&t);
	dead = next_process_with(&t, A);
	assert_true(xdp_forward_is_armed(entry_of(&t.k, A)));
	for (int i = 0; i < 40; i++) /* 12 s */
		tick_once(&t);
	assert_false(xdp_forward_is_armed(entry_of(&t.k, A)));
	rig_close(dead);
	twins_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_overtaken),
		cmocka_unit_test(no_packet_overtakes_the_next),
		cmocka_unit_test(begins_again_behind_a_packet),
		cmocka_unit_test(begins_again_behind_digits),
		cmocka_unit_test(begins_again_behind_a_change),
		cmocka_unit_test(a_new_party_is_noted_first),
		cmocka_unit_test(goes_by_another_next_hop),
		cmocka_unit_test(goes_by_none),
		cmocka_unit_test(lets_the_kernel_ask),
		cmocka_unit_test(one_goes_up_while_it_is_armed),
		cmocka_unit_test(nobody_is_heard_in_the_future),
		cmocka_unit_test(a_command_waits_until_it_is_left),
		cmocka_unit_test(ends_where_something_is_to_be_decided),
		cmocka_unit_test(is_taken_once_a_second),
		cmocka_unit_test(closes),
		cmocka_unit_test(goes_on_without_a_process),
		cmocka_unit_test(killed_while_it_relays),
		cmocka_unit_test(killed_before_it_was_taken),
		cmocka_unit_test(changes_at_once),
		cmocka_unit_test(killed_again),
		cmocka_unit_test(of_another_call),
		cmocka_unit_test(without_a_peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
