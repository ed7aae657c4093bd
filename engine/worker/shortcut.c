/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lets the kernel forward RTP of a flow pair while nothing about it needs a decision (shortcut.h,
 * docs/adr/0064): when that begins and ends, how counters and stream numbers are read back from the
 * shared entry, and what is written for the next process, which continues both. Any stage, command
 * or tick that needs a flow's state reads it from here first. No forwarded packet may overtake one
 * that is still on its way up, and none may be counted twice.
 */

#include "engine/worker/shortcut.h"
#include "base/clock.h"
#include "engine/port/xdp_forwards.h"
#include "engine/worker/control.h"
#include "engine/worker/source.h"
#include "engine/worker/worker.h"
#include "media/rtp/rtp_parse.h"

/* A worker's notes about a flow that may have a shortcut, in memory beside the flow's entry that
 * outlives the process (docs/adr/0064): its counters and its stream, and how much of the forwarded
 * traffic they include. So the next process adds the rest, once. A process may be killed between
 * any two stores: there are two copies, and one word tells which of them is complete. */

/* Packets that were forwarded by an entry since it was armed the run-th time. */
struct kept_share {
	uint32_t run;
	uint64_t packets, octets;
};

struct kept_copy {
	uint64_t call;
	struct flow_id id, peer;
	uint32_t ssrc_out;
	uint8_t leg, line;
	uint8_t taken; /* its shortcut was taken: there may be more in the entry than in_received */
	uint8_t closely; /* it was taken at some time */
	uint32_t count_ssrc, lost_before;
	struct kept_share in_received; /* by the flow's own entry, in heard and count */
	struct kept_share in_sent;     /* by that of the one which feeds it, in sent and sink */
	struct source source;
	struct sink sink;
	struct flow_received received;
	struct flow_sent sent;
	struct arrival_jitter jitter;
	struct seq_count count;
	struct flow_stats stats;
};

struct kept {
	uint32_t whole; /* number of the valid copy + 1; 0: none */
	struct kept_copy copies[2];
};

/* What is stored of flows for the next process, and when. For a flow that had a shortcut nothing is
 * missing: forwarded packets are in its entry, and relayed ones are written with the batch. For all
 * others it is written at ticks. */

static inline struct shortcut *shortcut_of(const struct worker *w, const struct flow *f)
{
	return &w->flows.shortcuts[f->id.slot];
}

enum { MAP_VERSION = 1 };

static_assert(sizeof(struct kept) <= XDP_KEPT_OCTETS, "it fits beside an entry");

uint32_t kept_version(void)
{
	return MAP_VERSION << 16 | (uint32_t)sizeof(struct kept);
}

/* release: earlier writes are visible to the next process, which starts after this one's end. */
static void whole_set(struct kept *k, uint32_t whole)
{
	__atomic_store_n(&k->whole, whole, __ATOMIC_RELEASE);
}

/* Nothing is known from here on. */
static void kept_forget(struct kept *k)
{
	if (k->whole)
		whole_set(k, 0);
}

static void kept_write(struct kept *k, const struct flow *f, const struct shortcut *s,
		       const struct kept_share *in_received, const struct kept_share *in_sent)
{
	uint32_t next = k->whole == 1 ? 1 : 0;

	k->copies[next] = (struct kept_copy){ .call = f->call,
					      .id = f->id,
					      .peer = f->peer,
					      .ssrc_out = f->ssrc_out,
					      .leg = f->leg,
					      .line = f->line,
					      .taken = shortcut_is_armed(s),
					      .closely = s->closely,
					      .count_ssrc = f->count_ssrc,
					      .lost_before = f->lost_before,
					      .in_received = *in_received,
					      .in_sent = *in_sent,
					      .source = f->source,
					      .sink = f->sink,
					      .received = f->received,
					      .sent = f->sent,
					      .jitter = f->jitter,
					      .count = f->count,
					      .stats = f->stats };
	whole_set(k, next + 1);
}

/* The copy of this flow: same call, leg and line, and SSRC to the party. NULL: no copy. */
static const struct kept_copy *kept_of(const struct kept *k, const struct flow *f)
{
	uint32_t whole = __atomic_load_n(&k->whole, __ATOMIC_ACQUIRE);
	const struct kept_copy *c;

	if (whole < 1 || whole > COUNT_OF(k->copies))
		return NULL;
	c = &k->copies[whole - 1];
	return c->call == f->call && c->leg == f->leg && c->line == f->line &&
			       c->ssrc_out == f->ssrc_out
		       ? c
		       : NULL;
}

/* f, just opened, continues these counts. Not its stream: more may have left than is known here. */
static void kept_apply(const struct kept_copy *c, struct flow *f)
{
	int64_t lost = seq_lost(&c->count);

	f->received = c->received;
	f->sent = c->sent;
	f->stats = c->stats;
	f->sink.packets = c->sink.packets;
	f->sink.octets = c->sink.octets;
	f->lost_before = c->lost_before;
	if (c->taken) {
		f->count = c->count;
		f->count_ssrc = c->count_ssrc;
		f->jitter = c->jitter;
	} else if (lost > 0) { /* some packets may have passed since: they are not lost */
		f->lost_before += (uint32_t)lost;
	}
	f->pace.rtp = f->received.packets; /* none of them came in this tick */
}

enum {
	WRITE_TICKS = 8, /* how often a taken one is written: its packets are in the entry */
};

static struct kept_share share_of(const struct shortcut *s)
{
	if (!shortcut_is_armed(s))
		return (struct kept_share){ 0 };
	return (struct kept_share){ s->entry->run, s->packets, s->octets };
}

/* Of what the process before took: what was forwarded is known when both flows are open. */
static bool is_to_be_found_out(const struct worker *w, const struct flow *f)
{
	const struct shortcut *s = shortcut_of(w, f);
	const struct flow *peer = flow_find(&w->flows, f->peer);

	if (s->state == SHORTCUT_LEFT)
		return true;
	return peer ? shortcut_of(w, peer)->state == SHORTCUT_LEFT : s->fed_run != 0;
}

/* Writes what is known now. If something is still unknown, the earlier copy is better. */
static void shortcut_keep(const struct worker *w, const struct flow *f)
{
	const struct shortcut *s = shortcut_of(w, f);
	const struct flow *feeder = flow_find(&w->flows, f->sink.feeder);
	struct kept_share in_received = share_of(s), in_sent = { 0 };

	if (!s->kept || is_to_be_found_out(w, f))
		return;
	if (feeder)
		in_sent = share_of(shortcut_of(w, feeder));
	kept_write(s->kept, f, s, &in_received, &in_sent);
}

/* What is known of the flow now, and of the one that it leads to. */
static void shortcut_keep_both(const struct worker *w, const struct flow *f)
{
	const struct flow *peer = flow_find(&w->flows, shortcut_of(w, f)->to);

	shortcut_keep(w, f);
	if (peer)
		shortcut_keep(w, peer);
}

static void shortcut_keep_tick(const struct worker *w, const struct flow *f, uint64_t now_ns)
{
	const struct shortcut *s = shortcut_of(w, f);

	if (!shortcut_is_armed(s) || (now_ns / TICK_NS + f->id.slot) % WRITE_TICKS == 0)
		shortcut_keep(w, f);
}

/* The entry has what the kernel forwards. The worker may still send to a forwarded party. */
void shortcut_keep_stage(const struct worker *w, struct batch *b)
{
	if (LIKELY(!w->port->ops->remains))
		return;
	BATCH_EACH(p, b)
	{
		if (p->flow && shortcut_of(w, p->flow)->closely &&
		    !shortcut_is_armed(shortcut_of(w, p->flow)))
			shortcut_keep(w, p->flow);
		if (p->peer && shortcut_of(w, p->peer)->closely)
			shortcut_keep(w, p->peer);
	}
}

enum {
	LOOKS = 64, /* at an entry that is at work; nearly all are left at the first */
	HOPS_REPORTED_PER_S = 16,
};

#define SHORTCUT_AGAIN_NS    NS_PER_S        /* a changed or forged stream; an unknown next hop */
#define SHORTCUT_NO_WAY_NS   (5 * NS_PER_S)  /* an unknown path or format */
#define SHORTCUT_PATIENCE_NS (10 * NS_PER_S) /* until peer and next hop are known */

/* ---- what is ordinary ---- */

/* Nothing looks at its packets, in or out. What control must learn of the flow comes from the
 * tick. */
static bool is_unseen(const struct flow *f)
{
	return !f->transport && !f->secure && !f->watch && !f->taps && !f->has_transcoder &&
	       !f->has_detector && !f->has_overlay && !f->own && !f->marked &&
	       f->kind != MEDIA_OPAQUE && f->latch_rtp.source.family != ADDR_NONE;
}

/* Its party is being sent digits, or will be. */
static bool has_digits(const struct flow *f)
{
	return f->making & MAKING_DIGIT || f->digits->count > 0 ||
	       wheel_is_running(&f->digits->timer);
}

/* Its party is sent nothing of ours, and will not be without a command. */
static bool shortcut_is_listened_to(const struct flow *f)
{
	return f->send == FLOW_SEND && !f->making && f->listener.job == 0 && !has_digits(f);
}

/* All of its run is known, and the sink has it. */
static bool is_in_step(const struct flow *f, const struct sink *k)
{
	const struct source *s = &f->source;

	return s->started && s->feeding && s->relayed && s->ssrc == f->count_ssrc &&
	       f->count.started && (uint16_t)f->count.highest == s->sequence_high &&
	       s->clock_hz == f->rule.clock_hz && f->jitter.clock_hz == s->clock_hz &&
	       s->payload_type == f->rule.in && k->started && flow_id_eq(k->feeder, f->id) &&
	       k->clock_hz == s->clock_hz &&
	       k->sequence == (uint16_t)(s->sequence_high + s->sequence_offset);
}

static bool is_ordinary(const struct flow *f, const struct flow *peer)
{
	return f->receive == FLOW_RECEIVE && is_unseen(f) && is_unseen(peer) &&
	       shortcut_is_listened_to(peer) && f->rule.in != PAYLOAD_NONE &&
	       f->rule.out != PAYLOAD_NONE && !f->rule.event && !f->rule.coding &&
	       is_in_step(f, &peer->sink);
}

static void state_set(struct worker *w, struct shortcut *s, enum shortcut_state state)
{
	w->flows.shortcut_count -= s->state != SHORTCUT_NONE;
	w->flows.shortcut_count += state != SHORTCUT_NONE;
	s->state = (uint8_t)state;
}

/* ---- what was forwarded ---- */

static uint64_t entry_load(const unsigned long long *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

/* The program's time may be later than the turn's: an age must not be negative. */
static uint64_t past_load(const struct worker *w, const unsigned long long *at_ns)
{
	uint64_t ns = entry_load(at_ns);

	return ns < w->now_ns ? ns : w->now_ns;
}

static void read_party(const struct worker *w, struct flow *f, const struct xdp_forward *e,
		       uint64_t packets, uint64_t octets)
{
	uint32_t ahead =
		__atomic_load_n(&e->sequence, __ATOMIC_RELAXED) - (uint32_t)f->count.highest;

	f->received.packets += packets;
	f->received.octets += octets;
	f->received.last_ns = f->latch_rtp.received_ns = past_load(w, &e->received_ns);
	f->count.received += (uint32_t)packets;
	if ((int32_t)ahead <= 0)
		return; /* it left while others came: those are farther */
	f->count.highest += ahead;
	f->source.sequence_high = (uint16_t)f->count.highest;
	f->source.relayed = 1;
	f->jitter.scaled = entry_load(&e->jitter);
	f->jitter.transit = __atomic_load_n(&e->transit, __ATOMIC_RELAXED);
}

static void read_peer(const struct worker *w, const struct flow *f, struct flow *peer,
		      const struct xdp_forward *e, uint64_t packets, uint64_t octets)
{
	struct sink *k = &peer->sink;
	uint16_t sequence = (uint16_t)(f->source.sequence_high + e->sequence_offset);

	peer->sent.packets += packets;
	peer->sent.octets += octets;
	k->packets += (uint32_t)packets;
	k->octets += (uint32_t)(octets - packets * RTP_HEAD_LEN);
	if ((int16_t)(sequence - k->sequence) <= 0)
		return;
	k->sequence = sequence;
	k->timestamp = __atomic_load_n(&e->timestamp, __ATOMIC_RELAXED);
	k->at_ns = past_load(w, &e->timestamp_ns);
}

static void read_metrics(const struct media_metrics *m, uint64_t packets, uint64_t octets)
{
	metric_add(m->packets_in, packets);
	metric_add(m->packets_out, packets);
	metric_add(m->octets_in, octets);
	metric_add(m->octets_out, octets);
	metric_add(m->relayed, packets);
	metric_add(m->forwarded, packets);
}

static void shortcut_join(struct worker *w, struct flow *f);

/* While it is armed a packet may come in between: it is read the next time. */
static void shortcut_read(struct worker *w, struct flow *f)
{
	struct shortcut *s = shortcut_of(w, f);
	uint64_t packets, octets;
	struct flow *peer;

	if (s->state == SHORTCUT_LEFT)
		shortcut_join(w, f);
	if (!shortcut_is_armed(s))
		return;
	packets = entry_load(&s->entry->packets) - s->packets;
	octets = entry_load(&s->entry->octets) - s->octets;
	if (packets == 0)
		return;
	s->packets += packets;
	s->octets += octets;
	read_party(w, f, s->entry, packets, octets);
	peer = flow_find(&w->flows, s->to);
	if (peer)
		read_peer(w, f, peer, s->entry, packets, octets);
	read_metrics(w->metrics, packets, octets);
}

/* The flow that feeds its party. After a restart it is the peer, if that had a shortcut, even
 * before a packet of it came up. */
static struct flow *feeder_of(const struct worker *w, const struct flow *f)
{
	struct flow *peer = flow_find(&w->flows, f->peer);

	if (peer && shortcut_of(w, peer)->state == SHORTCUT_LEFT)
		return peer;
	return flow_find(&w->flows, f->sink.feeder);
}

void shortcuts_read(struct worker *w, struct flow_id id)
{
	struct flow *f = w->flows.shortcut_count > 0 ? flow_find(&w->flows, id) : NULL;
	struct flow *feeder = f ? feeder_of(w, f) : NULL;

	if (f)
		shortcut_read(w, f);
	if (feeder)
		shortcut_read(w, feeder);
}

/* ---- of the process before ---- */

static void left_adopt(struct worker *w, struct flow *f, struct xdp_forward *e,
		       const struct kept_copy *c)
{
	struct shortcut *s = shortcut_of(w, f);

	s->entry = e;
	s->packets = c->in_received.packets;
	s->octets = c->in_received.octets;
	s->taken_ns = w->now_ns;
	s->again_ns = w->now_ns + SHORTCUT_PATIENCE_NS;
	__atomic_store_n(&e->worker, w->index, __ATOMIC_RELAXED);
	__atomic_store_n(&e->generation, f->id.generation, __ATOMIC_RELAXED);
	state_set(w, s, SHORTCUT_LEFT);
}

void shortcut_open(struct worker *w, struct flow *f)
{
	struct shortcut *s = shortcut_of(w, f);
	const struct kept_copy *c;
	struct port_remains r;

	if (!w->port->ops->remains || !w->port->ops->remains(w->port, f->id.slot, &r))
		return;
	s->kept = r.kept;
	s->fed_run = 0;
	s->closely = 0;
	c = r.inherited ? kept_of(s->kept, f) : NULL;
	if (c) {
		kept_apply(c, f);
		s->fed_run = c->in_sent.run;
		s->fed_packets = c->in_sent.packets;
		s->fed_octets = c->in_sent.octets;
		s->closely = c->closely;
	} else {
		kept_forget(s->kept);
	}
	if (c && c->taken && c->in_received.run == r.entry->run)
		left_adopt(w, f, r.entry, c);
	else
		xdp_forward_disarm(r.entry);
}

/* The record of a call may know a newer stream than the entry. */
static bool left_is_of(const struct xdp_forward *e, const struct kept_copy *c, const struct flow *f)
{
	const struct source *s = &c->source;

	return f->source.started && f->source.ssrc == s->ssrc && e->ssrc_in == htonl(s->ssrc) &&
	       xdp_forward_is_from(e, &f->latch_rtp.source) &&
	       e->sequence_offset == s->sequence_offset &&
	       e->timestamp_offset == s->timestamp_offset;
}

/* All that left of the stream went by the entry since that was armed: its number is the highest. */
static void left_stream(const struct worker *w, struct flow *f, struct flow *peer,
			const struct xdp_forward *e, const struct kept_copy *c)
{
	struct sink *k = &peer->sink;

	f->source = c->source;
	f->source.feeding = 1;
	k->feeder = f->id;
	k->clock_hz = c->source.clock_hz;
	k->sequence =
		(uint16_t)(__atomic_load_n(&e->sequence, __ATOMIC_RELAXED) + e->sequence_offset);
	k->timestamp = __atomic_load_n(&e->timestamp, __ATOMIC_RELAXED);
	k->at_ns = past_load(w, &e->timestamp_ns);
	k->started = 1;
	k->pinned = 0;
}

/* The two were written in turn. From here on forwarded packets are added to both at once. */
static void left_sent(const struct shortcut *s, struct shortcut *of_peer, struct flow *peer)
{
	bool known = of_peer->fed_run == s->entry->run;
	uint64_t packets = s->packets - (known ? of_peer->fed_packets : 0);
	uint64_t octets = s->octets - (known ? of_peer->fed_octets : 0);

	peer->sent.packets += packets;
	peer->sent.octets += octets;
	peer->sink.packets += (uint32_t)packets;
	peer->sink.octets += (uint32_t)(octets - packets * RTP_HEAD_LEN);
	of_peer->fed_run = 0;
}

/* Its peer is open, too, or it stays as it is. */
static void shortcut_join(struct worker *w, struct flow *f)
{
	struct shortcut *s = shortcut_of(w, f);
	struct flow *peer = flow_find(&w->flows, f->peer);
	const struct kept_copy *c = kept_of(s->kept, f);

	if (!peer || !c)
		return;
	s->to = peer->id;
	if (left_is_of(s->entry, c, f))
		left_stream(w, f, peer, s->entry, c);
	left_sent(s, shortcut_of(w, peer), peer);
	state_set(w, s, SHORTCUT_ARMED);
	shortcut_read(w, f);
	f->pace.rtp = f->received.packets; /* they came in more than a tick */
}

/* ---- end ---- */

/* True: it is over, and all of it is known. */
static bool shortcut_leave(struct worker *w, struct flow *f)
{
	struct shortcut *s = shortcut_of(w, f);
	bool left = false;

	for (int i = 0; !left && i < LOOKS; i++)
		left = xdp_forward_is_left(s->entry);
	shortcut_read(w, f);
	state_set(w, s, left ? SHORTCUT_NONE : SHORTCUT_LEAVING);
	if (left)
		shortcut_keep_both(w, f);
	return left;
}

static bool shortcut_end(struct worker *w, struct flow *f, uint64_t again_ns)
{
	struct shortcut *s = shortcut_of(w, f);

	if (s->state == SHORTCUT_NONE)
		return true;
	if (s->again_ns < again_ns || s->state == SHORTCUT_LEFT || s->state == SHORTCUT_ARMED)
		s->again_ns = again_ns; /* it was patience until now */
	if (s->state < SHORTCUT_LEFT) {
		state_set(w, s, SHORTCUT_NONE);
		return true;
	}
	if (s->state == SHORTCUT_LEFT)
		shortcut_join(w, f);
	xdp_forward_disarm(s->entry);
	state_set(w, s, SHORTCUT_ARMED); /* of one without a peer: its party's packets are known */
	return shortcut_leave(w, f);
}

/* For a command: behind that the party's next packets may be as ordinary as before. */
static bool shortcut_pause(struct worker *w, struct flow *f)
{
	if (!shortcut_end(w, f, w->now_ns))
		return false;
	state_set(w, shortcut_of(w, f), SHORTCUT_SOON);
	return true;
}

bool shortcut_rest_to(struct worker *w, struct flow_id id)
{
	struct flow *f = w->port->ops->shortcut ? flow_find(&w->flows, id) : NULL;
	struct flow *feeder = f ? feeder_of(w, f) : NULL;

	return !feeder || shortcut_pause(w, feeder);
}

bool shortcut_rest(struct worker *w, struct flow_id id)
{
	struct flow *f = w->port->ops->shortcut ? flow_find(&w->flows, id) : NULL;
	bool rests = !f || shortcut_pause(w, f);

	return shortcut_rest_to(w, id) && rests;
}

void shortcut_close(struct worker *w, struct flow *f)
{
	(void)shortcut_end(w, f, 0);
	state_set(w, shortcut_of(w, f), SHORTCUT_NONE);
}

/* ---- begin ---- */

/* What of the way is not the port's. */
static void plan_finish(struct xdp_forward_plan *p, const struct flow *f, const struct flow *peer)
{
	p->from = &f->latch_rtp.source;
	p->payload_in = f->rule.in;
	p->payload_out = f->rule.out;
	p->ssrc_in = f->source.ssrc;
	p->ssrc_out = peer->ssrc_out;
	p->clock_hz = f->source.clock_hz;
	p->sequence_offset = f->source.sequence_offset;
	p->timestamp_offset = f->source.timestamp_offset;
	p->place = peer->place;
	p->generation = f->id.generation;
}

/* What the flow's entry would do; NULL: there is no way at this time. */
static struct xdp_forward *entry_plan(struct worker *w, const struct flow *f,
				      const struct flow *peer, struct xdp_forward_plan *plan)
{
	struct xdp_forward *e;

	*plan = (struct xdp_forward_plan){ .out_to = &peer->latch_rtp.source };
	e = w->port->ops->shortcut(w->port, f->id.slot, peer->out_slot, &peer->latch_rtp.source,
				   plan);
	plan_finish(plan, f, peer);
	return e;
}

/* Line 2 is ours until it is armed. */
static void entry_init(struct xdp_forward *e, const struct flow *f, const struct sink *k)
{
	e->run++;
	e->sequence = (uint32_t)f->count.highest;
	e->packets = e->octets = 0;
	e->received_ns = f->latch_rtp.received_ns;
	e->jitter = f->jitter.scaled;
	e->transit = f->jitter.transit;
	e->timestamp = k->timestamp;
	e->timestamp_ns = k->at_ns;
	e->why = 0;
}

/* From here on the program notes what it leaves to us of the party's stream. */
static void shortcut_prepare(struct worker *w, struct flow *f, uint64_t now_ns)
{
	const struct flow *peer = flow_find(&w->flows, f->peer);
	struct shortcut *s = shortcut_of(w, f);
	struct xdp_forward_plan plan;
	struct xdp_forward *e;

	if (now_ns < s->again_ns || !peer || !is_ordinary(f, peer))
		return;
	e = entry_plan(w, f, peer, &plan);
	if (e && !xdp_forward_is_left(e))
		return; /* a packet is being looked at */
	s->noted = e && xdp_forward_is_from(e, plan.from);
	if (!e || !xdp_forward_plan(e, &plan)) {
		s->again_ns = now_ns + (e ? SHORTCUT_NO_WAY_NS : SHORTCUT_AGAIN_NS);
		return;
	}
	s->entry = e;
	s->to = peer->id;
	state_set(w, s, SHORTCUT_WANTED);
}

/* The last packet that went up has left: none is on its way. */
static bool is_drained(const struct flow *f, const struct xdp_forward *e,
		       const struct xdp_forward_plan *plan)
{
	return !plan->waits && xdp_forward_up(e) == (uint16_t)f->count.highest;
}

/* A packet that still goes up before the program sees it armed is noticed by the program, too
 * (XDP_FATE_BEHIND). */
static void shortcut_arm(struct worker *w, struct flow *f)
{
	const struct flow *peer = flow_find(&w->flows, f->peer);
	struct shortcut *s = shortcut_of(w, f);
	struct xdp_forward *e = s->entry;
	struct xdp_forward_plan plan;

	if (!peer || !is_ordinary(f, peer) || entry_plan(w, f, peer, &plan) != e ||
	    !xdp_forward_is_planned(e, &plan)) {
		state_set(w, s, SHORTCUT_NONE);
		return;
	}
	if (!is_drained(f, e, &plan) || !xdp_forward_is_left(e))
		return;
	entry_init(e, f, &peer->sink);
	s->packets = s->octets = 0;
	s->taken_ns = w->now_ns;
	s->closely = 1;
	state_set(w, s, SHORTCUT_ARMED);
	shortcut_keep_both(w, f);
	xdp_forward_arm(e);
}

/* Its party's packet has left. In an entry of another party before, only later packets count. */
static void shortcut_start(struct worker *w, struct flow *f)
{
	const struct shortcut *s = shortcut_of(w, f);
	bool noted = s->state == SHORTCUT_WANTED;

	if (s->state == SHORTCUT_SOON) {
		shortcut_prepare(w, f, w->now_ns);
		noted = s->noted;
	}
	if (s->state == SHORTCUT_WANTED && noted)
		shortcut_arm(w, f);
}

void shortcuts_start(struct worker *w)
{
	struct flow_table *t = &w->flows;

	while (UNLIKELY(t->shortcut_due_count > 0)) {
		struct flow *f = &t->list[t->shortcut_due[--t->shortcut_due_count]];

		if (f->id.generation != 0)
			shortcut_start(w, f);
	}
}

/* ---- stages ---- */

/* When it may be wanted again, of one that has changed. */
static uint64_t again_at(const struct worker *w, const struct flow *f)
{
	const struct shortcut *s = shortcut_of(w, f);
	uint32_t why;

	if (s->state < SHORTCUT_LEFT)
		return 0;
	if (s->state == SHORTCUT_LEFT || entry_load(&s->entry->packets) > 0)
		return s->taken_ns + SHORTCUT_AGAIN_NS;
	why = __atomic_load_n(&s->entry->why, __ATOMIC_RELAXED);
	if (why == 0 || why == XDP_FATE_BEHIND)
		return 0;                      /* one was on its way up */
	return w->now_ns + SHORTCUT_NO_WAY_NS; /* that is how its party sends */
}

/* It would be the next of the stream, or ends it. */
static bool is_of_stream(const struct flow *f, const struct pkt *p)
{
	return p->channel == CHANNEL_RTP && p->length >= 2 && p->data[0] >> 6 == RTP_VERSION &&
	       (p->data[1] < 192 || p->data[1] > 223) && addr_eq(&p->from, &f->latch_rtp.source);
}

/* It may begin when this packet has left. */
static void shortcut_due(struct worker *w, const struct flow *f, const struct pkt *p)
{
	struct flow_table *t = &w->flows;

	if (shortcut_of(w, f)->state != SHORTCUT_NONE && t->shortcut_due_count < BATCH_MAX &&
	    is_of_stream(f, p))
		t->shortcut_due[t->shortcut_due_count++] = f->id.slot;
}

static void shortcut_meet(struct worker *w, struct flow *f, const struct pkt *p)
{
	struct flow *peer = flow_find(&w->flows, f->peer);

	if (peer)
		shortcut_read(w, peer);
	if (shortcut_of(w, f)->state < SHORTCUT_LEFT)
		shortcut_due(w, f, p);
	else if (is_of_stream(f, p))
		(void)shortcut_end(w, f, again_at(w, f));
	else
		shortcut_read(w, f);
}

static NOINLINE void shortcuts_meet(struct worker *w, struct batch *b)
{
	BATCH_EACH(p, b)
	{
		struct flow *f = p->slot < w->flows.capacity ? &w->flows.list[p->slot] : NULL;

		if (f && f->id.generation != 0)
			shortcut_meet(w, f, p);
	}
}

void shortcut_stage(struct worker *w, struct batch *b)
{
	if (UNLIKELY(w->flows.shortcut_count > 0))
		shortcuts_meet(w, b);
}

/* ---- tick ---- */

/* Of a gateway that is another one all flows tell. */
static bool may_report_hop(struct flow_table *t, uint64_t now_ns)
{
	const uint64_t every_ns = NS_PER_S / HOPS_REPORTED_PER_S;

	if (t->hop_reported_ns + NS_PER_S < now_ns)
		t->hop_reported_ns = now_ns - NS_PER_S;
	if (t->hop_reported_ns > now_ns)
		return false;
	t->hop_reported_ns += every_ns;
	return true;
}

/* The path of what that flow's party is sent has changed; NULL: it has no known next hop. */
static void shortcut_update(struct worker *w, const struct flow *to, const struct xdp_forward *e,
			    const struct xdp_forward_plan *now)
{
	struct media_event event;

	metric_add(w->metrics->rerouted, 1);
	if (!may_report_hop(&w->flows, w->now_ns))
		return;
	event = event_of(to, MEDIA_FLOW_REROUTED);
	event.hops.was = (struct media_hop){ .ifindex = e->ifindex };
	memcpy(event.hops.was.mac, e->macs, sizeof(event.hops.was.mac));
	event.hops.now = (struct media_hop){ .ifindex = now ? now->ifindex : 0 };
	if (now)
		memcpy(event.hops.now.mac, now->path.to, sizeof(event.hops.now.mac));
	event.hops.party = to->latch_rtp.source;
	if (!event_send(w, &event))
		metric_add(w->metrics->events_lost, 1);
}

/* Whether it is still of this party, with these numbers. */
static bool is_of_run(const struct xdp_forward *e, const struct flow *f)
{
	return xdp_forward_is_from(e, &f->latch_rtp.source) &&
	       e->sequence_offset == f->source.sequence_offset &&
	       e->timestamp_offset == f->source.timestamp_offset;
}

/* Whether the path is the same and certain. After a start next hops are unknown for a moment:
 * earlier ones count until then. */
static bool is_way_planned(struct worker *w, const struct flow *f, const struct flow *peer)
{
	const struct shortcut *s = shortcut_of(w, f);
	struct xdp_forward_plan plan;
	const struct xdp_forward *e = s->entry, *planned = entry_plan(w, f, peer, &plan);

	if (!planned && w->now_ns < s->again_ns)
		return true;
	if (xdp_forward_is_to(e, plan.out_to) && (planned != e || !xdp_forward_is_by(e, &plan)))
		shortcut_update(w, peer, e, planned == e ? &plan : NULL);
	return planned == e && !plan.doubtful && xdp_forward_leads_by(e, &plan);
}

/* And does it still lead where its peer's party is? */
static bool is_as_planned(struct worker *w, const struct flow *f, const struct flow *peer)
{
	const struct shortcut *s = shortcut_of(w, f);
	const struct xdp_forward *e = s->entry;

	return xdp_forward_is_armed(e) && is_ordinary(f, peer) && flow_id_eq(s->to, peer->id) &&
	       is_of_run(e, f) && e->place == peer->place && is_way_planned(w, f, peer);
}

static void shortcut_check(struct worker *w, struct flow *f)
{
	const struct flow *peer = flow_find(&w->flows, f->peer);

	if (!peer || !is_as_planned(w, f, peer))
		(void)shortcut_end(w, f, again_at(w, f));
}

/* Behind a command, and not ordinary after all; but digits end. */
static void soon_tick(struct worker *w, struct flow *f, uint64_t now_ns)
{
	const struct flow *peer = flow_find(&w->flows, f->peer);
	struct shortcut *s = shortcut_of(w, f);

	shortcut_prepare(w, f, now_ns);
	if (s->state == SHORTCUT_SOON && !(peer && has_digits(peer)))
		state_set(w, s, SHORTCUT_NONE);
}

void shortcut_tick(struct worker *w, struct flow *f, uint64_t now_ns)
{
	if (!w->port->ops->shortcut)
		return;
	switch ((enum shortcut_state)shortcut_of(w, f)->state) {
	case SHORTCUT_NONE:
		shortcut_prepare(w, f, now_ns);
		break;
	case SHORTCUT_SOON:
		soon_tick(w, f, now_ns);
		break;
	case SHORTCUT_WANTED:
		shortcut_arm(w, f);
		break;
	case SHORTCUT_LEFT:
		shortcut_read(w, f);
		if (shortcut_of(w, f)->state == SHORTCUT_ARMED)
			shortcut_check(w, f);
		else if (now_ns >= shortcut_of(w, f)->again_ns)
			(void)shortcut_end(w, f, now_ns);
		break;
	case SHORTCUT_ARMED:
		shortcut_read(w, f);
		shortcut_check(w, f);
		break;
	case SHORTCUT_LEAVING:
		(void)shortcut_leave(w, f);
		break;
	}
	shortcut_keep_tick(w, f, now_ns);
}
