/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker whose port can have packets forwarded below it, by our own program, against one whose port cannot. Both hear the same parties:
 * plain streams, and in between at random digits, ours and theirs, sources that change, packets that are forged, late or twice, reports,
 * updates. Each party must hear the same packets with the same numbers, in the same order, and both workers must know the same.
 */
#include "tests/unit/test.h"

#include "engine/flow/shortcut.h"
#include "media/rtp/rtp_parse.h"
#include "tests/unit/engine/port/forward_rig.h"

enum { SEEDS = 12, STEPS = 4000, HEARD_MAX = STEPS * 8, RARE = 400, EVENT_PT = 97, THEIRS = 101 };

struct heard {
	uint16_t sequence;
	uint8_t payload_type, marker;
	uint32_t timestamp, ssrc, said;
};

struct listener_log {
	struct heard *list;
	uint32_t count;
};

struct twins {
	struct forward_rig k; /* its worker has the shortcut */
	struct rig *slow;
	struct port_ops ops;
	struct flow_spec spec[2];
	struct addr from[2];
	struct listener_log fast_heard[2], slow_heard[2];
	uint32_t said, forwarded;
	uint32_t pressing[2]; /* packets of a digit that are left */
	bool waits;           /* the port has not sent all yet */
};

static struct twins *g_twins; /* the port's function has no other way */

static struct xdp_forward *twin_shortcut(struct port *p, uint32_t slot, uint32_t out_slot,
					 const struct addr *to, struct xdp_forward_plan *plan)
{
	(void)p;
	(void)to;
	plan->to = &g_twins->k.local[slot];
	plan->out_from = &g_twins->k.local[out_slot];
	plan->path = (struct frame_path){ .to = { 2, 3 }, .from = { 4, 5 } };
	plan->ifindex = BY_SAME;
	plan->mtu = 1500;
	plan->hops = 64;
	plan->waits = g_twins->waits;
	return entry_of(&g_twins->k, (int)slot);
}

/* ---- what a party hears ---- */

static void heard_note(struct listener_log *l, const uint8_t *rtp)
{
	assert_true(l->count < HEARD_MAX);
	l->list[l->count++] = (struct heard){ .sequence = be16_get(rtp + 2),
					      .payload_type = rtp[1] & 0x7f,
					      .marker = rtp[1] >> 7,
					      .timestamp = be32_get(rtp + 4),
					      .ssrc = be32_get(rtp + 8),
					      .said = be32_get(rtp + 12) };
}

static void heard_take(struct rig *r, struct listener_log log[2])
{
	const struct sim_packet *p;
	struct media_event event;

	while ((p = port_sim_take(r->sim)) != NULL)
		if (p->length >= 16 && (p->data[1] < 192 || p->data[1] > 223))
			heard_note(&log[p->slot], p->data);
	while (ring_pop(&r->w.events, &event, 1) == 1)
		;
}

/* ---- what a party says ---- */

static void give_below(struct twins *t, int side, const struct addr *from, struct bytes payload)
{
	static struct wire in, out;
	struct xdp_forward *e = entry_of(&t->k, side);
	uint64_t now_ns = t->k.r->sim->now_ns;

	wire_write(&in, from, &t->k.local[side], 0, payload);
	if (!is_forwarded(wire_run(&t->k, &in, &out))) {
		put_bytes(t->k.r, side, CHANNEL_RTP, from, payload);
		return;
	}
	t->forwarded++;
	if (e->timestamp_ns == e->heard_ns)
		e->timestamp_ns = now_ns;
	e->heard_ns = now_ns; /* time is the test's */
	heard_note(&t->fast_heard[!side], out.at + FRAME_ORDINARY_AT);
}

static void give(struct twins *t, int side, const struct addr *from, struct bytes payload)
{
	give_below(t, side, from, payload);
	put_bytes(t->slow, side, CHANNEL_RTP, from, payload);
}

static void say(struct twins *t, int side, const struct rtp *p, uint8_t first)
{
	uint8_t memory[PACKET_MAX], payload[24] = { 0 };
	struct rtp whole = *p;
	struct bytes in;

	be32_put(payload, p->payload_type == THEIRS ? 0x010a00a0 : ++t->said);
	whole.payload = (const char *)payload;
	whole.payload_n = p->payload_type == THEIRS ? 4 : sizeof(payload);
	in = rtp_write(memory, &whole);
	memory[0] = first;
	give(t, side, &t->from[side], in);
}

static void say_next(struct twins *t, int side)
{
	struct rtp *next = &t->k.next[side], p;

	next->sequence++;
	if (t->pressing[side] == 0)
		next->timestamp += 160;
	p = *next;
	if (t->pressing[side] > 0) {
		p.payload_type = THEIRS;
		t->pressing[side]--;
	}
	p.marker = below(&t->k, 50) == 0;
	say(t, side, &p, 0x80);
}

static void say_forged(struct twins *t, int side)
{
	struct addr from = t->from[side];
	uint8_t memory[PACKET_MAX];
	struct bytes in = rtp_write(memory, &t->k.next[side]);

	from.ip[3]++;
	give(t, side, &from, in);
}

static void say_report(struct twins *t, int side)
{
	uint8_t rr[8] = { 0x80, 201, 0, 1 };

	be32_put(rr + 4, t->k.next[side].ssrc);
	give(t, side, &t->from[side], bytes_mem(rr, sizeof(rr)));
}

/* Something of an extension, padding or a source that contributes: one octet of payload is the padding's length. */
static void say_odd_head(struct twins *t, int side)
{
	static const uint8_t HEADS[] = { 0x81, 0x40, 0x00, 0xc0 };
	struct rtp p = t->k.next[side];

	p.sequence = ++t->k.next[side].sequence;
	say(t, side, &p, HEADS[below(&t->k, COUNT_OF(HEADS))]);
}

/* ---- what control wants ---- */

static void both_step(struct twins *t)
{
	worker_step(&t->k.r->w);
	worker_step(&t->slow->w);
	heard_take(t->k.r, t->fast_heard);
	heard_take(t->slow, t->slow_heard);
}

static void both_command(struct twins *t, const struct media_command *c)
{
	both_step(t); /* what was said before is past */
	assert_true(ring_push(&t->k.r->w.commands, c));
	assert_true(ring_push(&t->slow->w.commands, c));
	for (int i = 0; i < 100 && ring_peek(&t->k.r->w.commands); i++)
		both_step(t);
	assert_null(ring_peek(&t->k.r->w.commands));
}

static void both_update(struct twins *t, int side)
{
	both_command(t,
		     &(struct media_command){ .kind = MEDIA_FLOW_UPDATE, .spec = t->spec[side] });
}

static void both_digit(struct twins *t, int side)
{
	both_command(t, &(struct media_command){ .kind = MEDIA_FLOW_DIGIT_SEND,
						 .id = t->spec[side].id,
						 .digit = '5',
						 .duration_ms = 100 });
}

static void party_moves(struct twins *t, int side)
{
	t->from[side].port = (uint16_t)(t->from[side].port + 2);
	t->spec[side].remote_rtp = t->from[side];
	both_update(t, side);
}

static void something_rare(struct twins *t, int side)
{
	struct rtp *next = &t->k.next[side], late = *next;

	switch (below(&t->k, 13)) {
	case 0:
		next->ssrc++;
		break;
	case 1:
		next->sequence = (uint16_t)(next->sequence + below(&t->k, 5000));
		break;
	case 2:
		late.sequence = (uint16_t)(late.sequence - below(&t->k, 20));
		say(t, side, &late, 0x80);
		break;
	case 3:
		t->pressing[side] = 3 + below(&t->k, 5);
		break;
	case 4:
		both_digit(t, side);
		break;
	case 5:
		t->spec[side].receive = !t->spec[side].receive;
		both_update(t, side);
		break;
	case 6:
		t->spec[side].send = !t->spec[side].send;
		both_update(t, side);
		break;
	case 7:
		party_moves(t, side);
		break;
	case 8:
		say_odd_head(t, side);
		break;
	case 9:
		next->timestamp += below(&t->k, 100000);
		break;
	case 10:
		both_command(t, &(struct media_command){ .kind = MEDIA_FLOW_QUERY,
							 .id = t->spec[side].id });
		break;
	case 11: /* it was only for a moment */
		t->spec[A].receive = t->spec[A].send = 1;
		t->spec[B].receive = t->spec[B].send = 1;
		both_update(t, A);
		both_update(t, B);
		break;
	default:
		say_next(t, side);
		say_next(t, side);
		break;
	}
}

/* ---- both know the same ---- */

static void same_heard(const struct listener_log *fast, const struct listener_log *slow)
{
	for (uint32_t i = 0; i < fast->count && i < slow->count; i++) {
		assert_int_equal(fast->list[i].sequence, slow->list[i].sequence);
		assert_memory_equal(&fast->list[i], &slow->list[i], sizeof(fast->list[i]));
	}
	assert_int_equal(fast->count, slow->count);
}

static void same_flow(struct twins *t, int side)
{
	struct flow *a = flow_of(t->k.r, side), *b = flow_of(t->slow, side);
	struct flow_stats x, y;

	shortcuts_read(&t->k.r->w, a->id);
	x = flow_stats_read(a);
	y = flow_stats_read(b);
	assert_int_equal(x.packets_in, y.packets_in);
	assert_int_equal(x.octets_in, y.octets_in);
	assert_int_equal(x.packets_out, y.packets_out);
	assert_int_equal(x.octets_out, y.octets_out);
	assert_int_equal(x.last_in_ns, y.last_in_ns);
	assert_int_equal(x.dropped, y.dropped);
	assert_int_equal(x.lost, y.lost);
	assert_int_equal(x.digits, y.digits);
	assert_int_equal(x.source_changes, y.source_changes);
	assert_int_equal(a->source.sequence_high, b->source.sequence_high);
	assert_int_equal(a->source.sequence_offset, b->source.sequence_offset);
	assert_int_equal(a->source.timestamp_offset, b->source.timestamp_offset);
	assert_int_equal(a->count.highest, b->count.highest);
	assert_int_equal(a->count.received, b->count.received);
	assert_int_equal(a->latch_rtp.heard_ns, b->latch_rtp.heard_ns);
	assert_memory_equal(&a->sink, &b->sink, sizeof(a->sink));
}

/* Not each time that they are looked at are the flows, for that has them read what was forwarded. */
static void same_all(struct twins *t)
{
	bool flows = below(&t->k, 60) == 0;

	for (int side = A; side <= B; side++) {
		same_heard(&t->fast_heard[side], &t->slow_heard[side]);
		if (flows)
			same_flow(t, side);
		t->fast_heard[side].count = t->slow_heard[side].count = 0;
	}
}

/* ---- a seed ---- */

static void twins_open(struct twins *t, uint64_t seed)
{
	*t = (struct twins){ .said = 0 };
	g_twins = t;
	forward_open(&t->k, seed);
	t->slow = rig_open();
	t->ops = *t->k.r->sim->port.ops;
	t->ops.shortcut = twin_shortcut;
	t->k.r->sim->port.ops = &t->ops;
	for (int side = A; side <= B; side++) {
		t->from[side] = party(side);
		t->k.local[side] = any_local(&t->k, false, side);
		xdp_forwards_point(t->k.table, &t->k.local[side], entry_of(&t->k, side));
		t->k.next[side] = (struct rtp){ .ssrc = any_32(&t->k),
						.sequence = any_16(&t->k),
						.timestamp = any_32(&t->k) };
		t->spec[side] = rig_spec(side);
		t->spec[side].event_pt = EVENT_PT;
		t->spec[side].event_clock_hz = 8000;
		t->spec[side].rtcp_mux = 1;
		t->fast_heard[side].list = calloc(HEARD_MAX, sizeof(struct heard));
		t->slow_heard[side].list = calloc(HEARD_MAX, sizeof(struct heard));
	}
	both_update(t, A);
	both_update(t, B);
}

static void twins_close(struct twins *t)
{
	for (int side = A; side <= B; side++) {
		free(t->fast_heard[side].list);
		free(t->slow_heard[side].list);
	}
	rig_close(t->slow);
	forward_close(&t->k);
}

static void twins_step(struct twins *t)
{
	advance_ms(t->k.r, 20);
	advance_ms(t->slow, 20);
	for (int side = A; side <= B; side++) {
		uint32_t n = below(&t->k, 20) ? 1 : below(&t->k, 4);

		if (below(&t->k, RARE) == 0)
			something_rare(t, side);
		if (below(&t->k, 50) == 0)
			say_forged(t, side);
		if (below(&t->k, 50) == 0)
			say_report(t, side);
		for (uint32_t i = 0; i < n; i++)
			say_next(t, side);
	}
	both_step(t);
	same_all(t);
}

static void both_say_the_same(void **state)
{
	uint32_t said = 0, forwarded = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct twins t;

		twins_open(&t, seed);
		for (uint32_t i = 0; i < STEPS; i++)
			twins_step(&t);
		said += t.said;
		forwarded += t.forwarded;
		twins_close(&t);
	}
	print_message("# %u packets, %u of them forwarded below\n", said, forwarded);
	assert_true(forwarded > said / 3);
}

/* ---- what takes it, and what ends it ---- */

static bool is_short(struct twins *t, int side)
{
	return t->k.r->w.flows.shortcuts[side].state == SHORTCUT_TAKEN &&
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
	worker_step(&t.k.r->w);
	t.waits = true;
	tick_once(&t);
	assert_false(is_short(&t, A));
	t.waits = false;
	tick_once(&t);
	assert_true(is_short(&t, A));
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
	run_until(&t, SHORTCUT_TAKEN);
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
	e->heard_ns = e->timestamp_ns = now_ns + NS_PER_MS;
	worker_step(&t.k.r->w);
	assert_int_equal(flow_of(t.k.r, A)->heard.last_ns, now_ns);
	assert_int_equal(flow_of(t.k.r, A)->latch_rtp.heard_ns, now_ns);
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
	assert_in_range(taken, 6, 11);
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
	assert_int_equal(t.k.r->w.flows.shortcut_count, 0);
	run_ms(&t, 1500);
	assert_int_equal(entry_of(&t.k, A)->packets, packets);
	twins_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_overtaken),
		cmocka_unit_test(one_goes_up_while_it_is_armed),
		cmocka_unit_test(nobody_is_heard_in_the_future),
		cmocka_unit_test(a_command_waits_until_it_is_left),
		cmocka_unit_test(ends_where_something_is_to_be_decided),
		cmocka_unit_test(is_taken_once_a_second),
		cmocka_unit_test(closes),
		cmocka_unit_test(both_say_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
