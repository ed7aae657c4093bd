/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker whose port can have packets forwarded below it, by our own program, beside one whose port cannot. Both hear the same parties, and
 * control wants the same of both.
 */
#ifndef TESTS_UNIT_ENGINE_WORKER_SHORTCUT_TWINS_H
#define TESTS_UNIT_ENGINE_WORKER_SHORTCUT_TWINS_H

#include "engine/worker/shortcut.h"
#include "media/rtp/rtp_parse.h"
#include "tests/unit/engine/port/forward_rig.h"

enum { HEARD_MAX = 32000, EVENT_PT = 97, THEIRS = 101 };

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
	uint8_t hop;          /* which next hop it is, by its address's last octet */
	bool no_hop, doubtful;
	bool inherits; /* what is opened had an entry in the process before */
};

static struct twins *g_twins; /* the port's function has no other way */

static UNUSED struct xdp_forward *twin_shortcut(struct port *p, uint32_t slot, uint32_t out_slot,
						const struct addr *to,
						struct xdp_forward_plan *plan)
{
	(void)p;
	(void)to;
	plan->to = &g_twins->k.local[slot];
	plan->out_from = &g_twins->k.local[out_slot];
	plan->path = (struct frame_path){ .to = { 2, 3, [5] = g_twins->hop }, .from = { 4, 5 } };
	plan->ifindex = BY_SAME;
	plan->mtu = 1500;
	plan->hops = 64;
	plan->waits = g_twins->waits;
	plan->doubtful = g_twins->doubtful;
	return g_twins->no_hop ? NULL : entry_of(&g_twins->k, (int)slot);
}

static UNUSED bool twin_remains(struct port *p, uint32_t slot, struct port_remains *out)
{
	(void)p;
	out->entry = entry_of(&g_twins->k, (int)slot);
	out->kept = xdp_forwards_kept(g_twins->k.table, out->entry);
	out->inherited = g_twins->inherits;
	return true;
}

/* ---- what a party hears ---- */

static UNUSED void newer_note(struct listener_log *l, const uint8_t *rtp)
{
	assert_true(l->count < HEARD_MAX);
	l->list[l->count++] = (struct heard){ .sequence = be16_get(rtp + 2),
					      .payload_type = rtp[1] & 0x7f,
					      .marker = rtp[1] >> 7,
					      .timestamp = be32_get(rtp + 4),
					      .ssrc = be32_get(rtp + 8),
					      .said = be32_get(rtp + 12) };
}

static UNUSED void heard_take(struct rig *r, struct listener_log log[2])
{
	const struct sim_packet *p;
	struct media_event event;

	while ((p = port_sim_sent(r->sim)) != NULL)
		if (p->length >= 16 && (p->data[1] < 192 || p->data[1] > 223))
			newer_note(&log[p->slot], p->data);
	while (ring_pop(&r->w.events, &event, 1) == 1)
		;
}

/* ---- what a party says ---- */

static UNUSED void give_below(struct twins *t, int side, const struct addr *from,
			      struct bytes payload)
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
	if (e->timestamp_ns == e->received_ns)
		e->timestamp_ns = now_ns;
	e->received_ns = now_ns; /* time is the test's */
	newer_note(&t->fast_heard[!side], out.at + FRAME_ORDINARY_AT);
}

static UNUSED void give(struct twins *t, int side, const struct addr *from, struct bytes payload)
{
	give_below(t, side, from, payload);
	put_bytes(t->slow, side, CHANNEL_RTP, from, payload);
}

static UNUSED void say(struct twins *t, int side, const struct rtp *p, uint8_t first)
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

static UNUSED void say_next(struct twins *t, int side)
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

static UNUSED void say_forged(struct twins *t, int side)
{
	struct addr from = t->from[side];
	uint8_t memory[PACKET_MAX];
	struct bytes in = rtp_write(memory, &t->k.next[side]);

	from.ip[3]++;
	give(t, side, &from, in);
}

static UNUSED void say_report(struct twins *t, int side)
{
	uint8_t rr[8] = { 0x80, 201, 0, 1 };

	be32_put(rr + 4, t->k.next[side].ssrc);
	give(t, side, &t->from[side], bytes_mem(rr, sizeof(rr)));
}

/* Something of an extension, padding or a source that contributes: one octet of payload is the padding's length. */
static UNUSED void say_odd_head(struct twins *t, int side)
{
	static const uint8_t HEADS[] = { 0x81, 0x40, 0x00, 0xc0 };
	struct rtp p = t->k.next[side];

	p.sequence = ++t->k.next[side].sequence;
	say(t, side, &p, HEADS[below(&t->k, COUNT_OF(HEADS))]);
}

/* ---- what control wants ---- */

static UNUSED void both_step(struct twins *t)
{
	worker_step(&t->k.r->w);
	worker_step(&t->slow->w);
	heard_take(t->k.r, t->fast_heard);
	heard_take(t->slow, t->slow_heard);
}

static UNUSED void both_command(struct twins *t, const struct media_command *c)
{
	both_step(t); /* what was said before is past */
	assert_true(ring_push(&t->k.r->w.commands, c));
	assert_true(ring_push(&t->slow->w.commands, c));
	for (int i = 0; i < 100 && ring_peek(&t->k.r->w.commands); i++)
		both_step(t);
	assert_null(ring_peek(&t->k.r->w.commands));
}

static UNUSED void both_update(struct twins *t, int side)
{
	both_command(t,
		     &(struct media_command){ .kind = MEDIA_FLOW_UPDATE, .spec = t->spec[side] });
}

static UNUSED void both_digit(struct twins *t, int side)
{
	both_command(t, &(struct media_command){ .kind = MEDIA_FLOW_DIGIT_SEND,
						 .id = t->spec[side].id,
						 .digit = '5',
						 .duration_ms = 100 });
}

/* ---- open, close ---- */

static UNUSED void twins_open(struct twins *t, uint64_t seed)
{
	*t = (struct twins){ .said = 0 };
	g_twins = t;
	forward_open(&t->k, seed);
	t->slow = rig_open();
	t->ops = *t->k.r->sim->port.ops;
	t->ops.shortcut = twin_shortcut;
	t->ops.remains = twin_remains;
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

static UNUSED void twins_close(struct twins *t)
{
	for (int side = A; side <= B; side++) {
		free(t->fast_heard[side].list);
		free(t->slow_heard[side].list);
	}
	rig_close(t->slow);
	forward_close(&t->k);
}

#endif
