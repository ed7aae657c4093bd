/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands and packets in any order through a worker on port_sim. The input is a script: one octet says what happens, those
 * after it how. Checked after every step:
 *  - every packet has exactly one verdict, and every buffer comes back;
 *  - nothing is sent but to the address signalled for the flow or latched by it, under the rule of its mode;
 *  - what is relayed came from the latched source, and to no other is a socket connected;
 *  - RTP is sent under the flow's own SSRC, goes on by one where its source changes, and no two packets, ours among
 *    them, get one number;
 *  - no header extension leaves where none may;
 *  - what is sent to a party with keys authenticates there, under an index that it has not seen;
 *  - a flow with ICE, and those bundled with it, send to and relay from addresses that a check with its credentials came from
 *    lately, and no check with others is answered by a success;
 *  - a close is answered once, whatever control reads of the events.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "engine/port_sim.h"
#include "engine/tick.h"
#include "engine/worker.h"
#include "media/rtp_parse.h"
#include "media/stun.h"

enum {
	SHARED_SLOT = 4,
	SLOTS = 4,
	EVENTS = 4,
	COMMANDS = 16,
	PACKET_BYTES_MAX = 80,
	SENT_KEPT = 256,
	RTP_BYTES = 20,
	RTP_BYTES_MAX = 28, /* with an extension */
	EXTENSION_ID = 2,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct script {
	const uint8_t *p;
	size_t n;
};

/* Which packet was sent under which of the last numbers. */
struct numbers {
	uint64_t highest;
	struct {
		uint64_t index;
		uint32_t tag;
	} sent[SENT_KEPT];
};

struct fuzz {
	struct worker w;
	struct sim_port *sim;
	struct media_metrics metrics;
	struct flow_spec spec[SLOTS];       /* as last commanded */
	bool sent_from[SLOTS][CHANNELS][8]; /* addresses that have sent to a slot since its open */
	uint64_t in, out, made, dropped;    /* at the start: metrics outlive a run */
	uint64_t proven_ns[SLOTS][8];       /* when an authentic check came from there; 0: never */
	uint64_t stepped_ns;                /* the last step but this one */
	uint64_t check_ns;   /* of the check in this step that has the right credentials; 0: none */
	uint32_t check_slot; /* whose */
	uint8_t check_from;
	struct addr shared;
	struct numbers numbers[SLOTS]; /* of what was sent from a slot since its open */
	struct srtp_stream *party_out[SLOTS], *party_in[SLOTS]; /* of the parties; NULL: plain */
	bool untagged; /* a packet of any shape: numbers are not told apart any more */
	uint32_t closes, closed;
};

static struct fuzz g_fuzz;

static uint8_t take(struct script *s)
{
	if (s->n == 0)
		return 0;
	s->n--;
	return *s->p++;
}

/* A handful of addresses: two hosts, three ports each, one of IPv6, and none. */
static struct addr address(uint8_t choice)
{
	struct addr a = { .family = ADDR_V4, .ip = { 192, 0, 2, 1 } };

	choice %= 8;
	if (choice == 7)
		return (struct addr){ 0 };
	if (choice == 6)
		a = (struct addr){ .family = ADDR_V6, .ip = { 0x20, 0x01, 0x0d, 0xb8 } };
	a.port = (uint16_t)(1000 + choice % 3);
	a.ip[3] = (uint8_t)(a.ip[3] + choice / 3);
	return a;
}

/* Two sessions of each. */
static struct media_ice ice_of(uint32_t slot, uint8_t how)
{
	struct media_ice ice = { .on = 1 };

	memset(ice.ufrag, 'a' + (int)slot, sizeof(ice.ufrag));
	memset(ice.pwd, 'k' + (int)slot, sizeof(ice.pwd));
	ice.ufrag[0] = ice.pwd[0] = how & 2 ? '1' : '0';
	return ice;
}

/* ---- what must hold ---- */

static uint64_t dropped_total(const struct fuzz *f)
{
	uint64_t n = 0;

	for (enum verdict v = VERDICT_RELAY + 1; v < VERDICT_COUNT; v++)
		n += metric_value(f->metrics.dropped[v]);
	return n;
}

static bool is_heard_of(const struct fuzz *f, uint32_t slot, enum channel c, const struct addr *a)
{
	for (uint8_t i = 0; i < 8; i++) {
		struct addr other = address(i);

		if (f->sent_from[slot][c][i] && addr_eq(a, &other))
			return true;
	}
	return false;
}

static bool is_ice(const struct flow_spec *s)
{
	return s->ice.on && s->bundle.generation == 0;
}

static bool has_pairs(const struct flow_spec *s)
{
	return s->ice.on || s->bundle.generation != 0;
}

/* Time runs in leaps here: consent is looked at with each tick, and so after a step. */
static bool is_proven(const struct fuzz *f, uint32_t slot, const struct addr *a)
{
	const struct flow_spec *s = &f->spec[slot];

	if (s->bundle.generation != 0) {
		slot = s->bundle.slot;
		if (!flow_find(&f->w.flows, s->bundle) || !is_ice(&f->spec[slot]))
			return false;
	}
	for (uint8_t i = 0; i < 7; i++) {
		struct addr other = address(i);
		uint64_t at_ns = f->proven_ns[slot][i];

		if (at_ns && addr_eq(a, &other))
			return f->stepped_ns < at_ns + ICE_CONSENT_NS + TICK_NS;
	}
	return false;
}

/* May this flow have latched that source? */
static bool is_lawful(const struct fuzz *f, uint32_t slot, enum channel c)
{
	const struct flow_spec *s = &f->spec[slot];
	const struct addr *signalled = c == CHANNEL_RTP ? &s->remote_rtp : &s->remote_rtcp;
	const struct addr *source = &flow_latch(&f->w.flows.list[slot], c)->source;

	if (source->family == ADDR_NONE)
		return true;
	if (has_pairs(s))
		return is_proven(f, slot, source);
	if (!is_heard_of(f, slot, c, source))
		return false;
	switch (s->latch) {
	case LATCH_STRICT:
		return addr_eq(source, signalled);
	case LATCH_SAME_IP:
		return addr_ip_eq(source, signalled);
	case LATCH_ANY_ONCE:
		return true;
	}
	return false;
}

static void destination_check(const struct fuzz *f, const struct sim_packet *p, uint32_t slot)
{
	const struct flow_spec *s = &f->spec[slot];
	const struct flow *flow = &f->w.flows.list[slot];
	enum channel c = p->channel;

	assert(flow->id.generation == s->id.generation && flow->id.generation != 0);
	if (has_pairs(s)) {
		assert(is_proven(f, slot, &p->remote));
		return;
	}
	assert(p->slot == slot);
	if (addr_eq(&p->remote, &flow_latch(flow, c)->source))
		return;
	assert(flow_latch(flow, c)->source.family == ADDR_NONE);
	assert(addr_eq(&p->remote, c == CHANNEL_RTP ? &s->remote_rtp : &s->remote_rtcp));
}

static bool is_rtcp(const struct sim_packet *p)
{
	return p->data[1] >= 192 && p->data[1] <= 223;
}

/* Packets of do_rtp carry a CSRC that tells them apart; those made here carry none, and are all different. */
static void number_check(struct fuzz *f, const struct sim_packet *p, uint32_t slot)
{
	struct numbers *n = &f->numbers[slot];
	uint64_t index = seq_unwrap(n->highest, be16_get(p->data + 2));
	uint32_t tag = p->data[0] & 0xf ? be32_get(p->data + 12) : 0;

	assert(be32_get(p->data + 8) == f->spec[slot].ssrc_out);
	if (n->sent[index % SENT_KEPT].index == index && !f->untagged)
		assert(tag != 0 && n->sent[index % SENT_KEPT].tag == tag);
	n->sent[index % SENT_KEPT].index = index;
	n->sent[index % SENT_KEPT].tag = tag;
	if (n->highest < index)
		n->highest = index;
}

static void numbers_open(struct numbers *n)
{
	memset(n, 0, sizeof(*n));
	n->highest = UINT64_C(1) << 40; /* so that no index is 0 */
}

/* The party takes it. */
static void secure_check(struct fuzz *f, const struct sim_packet *p, uint32_t slot)
{
	uint8_t data[PACKET_MAX];
	struct srtp_job job = { .stream = f->party_in[slot],
				.data = data,
				.length = p->length,
				.is_rtcp = is_rtcp(p) };

	if (!job.stream)
		return;
	memcpy(data, p->data, p->length);
	srtp_jobs_unprotect(&job, 1);
	assert(job.verdict == VERDICT_NONE);
}

/* Whose packet it is: of a bundle, or on a shared port, its SSRC says. */
static uint32_t sender_of(const struct sim_packet *p)
{
	uint32_t ssrc = be32_get(p->data + (is_rtcp(p) ? 4 : 8));

	return ssrc >= 0xf0000000 && ssrc < 0xf0000000 + SLOTS ? ssrc - 0xf0000000 : p->slot;
}

static void answer_check(struct fuzz *f, const struct sim_packet *p)
{
	struct stun_message m;
	struct addr from = address(f->check_from);

	assert(stun_parse(&m, bytes_mem(p->data, p->length)) == 0 && m.has_fingerprint);
	if (m.type == STUN_BINDING_ERROR)
		return;
	assert(m.type == STUN_BINDING_SUCCESS && f->check_ns && addr_eq(&m.mapped, &from));
	assert(addr_eq(&p->remote, &from));
	f->proven_ns[f->check_slot][f->check_from] = f->check_ns;
}

/* Where no party is to see header extensions of another's. */
static void extension_check(const struct fuzz *f, const struct sim_packet *p)
{
	for (uint32_t i = 0; i < f->w.flows.count; i++)
		if (!f->w.flows.list[f->w.flows.active[i]].strips)
			return;
	assert(!(p->data[0] & RTP_EXTENSION_BIT));
}

static void sent_check(struct fuzz *f)
{
	const struct sim_packet *p;

	while ((p = port_sim_take(f->sim)) != NULL) {
		uint32_t slot;

		assert(p->slot <= SHARED_SLOT && p->length >= 4);
		if (p->data[0] < 4) {
			answer_check(f, p);
			continue;
		}
		assert(p->data[0] >> 6 == 2);
		slot = sender_of(p);
		assert(slot < SLOTS);
		destination_check(f, p, slot);
		if (!is_rtcp(p)) {
			number_check(f, p, slot);
			extension_check(f, p);
		}
		secure_check(f, p, slot);
	}
}

static void connection_check(const struct fuzz *f, uint32_t slot)
{
	const struct addr *to = &f->sim->connected[slot];

	assert(to->family == ADDR_NONE || !has_pairs(&f->spec[slot]));
	assert(to->family == ADDR_NONE ||
	       addr_eq(to, &flow_latch(&f->w.flows.list[slot], CHANNEL_RTP)->source));
}

static void counters_check(struct fuzz *f)
{
	uint64_t in = metric_value(f->metrics.packets_in) - f->in;
	uint64_t made = metric_value(f->metrics.made) - f->made;

	assert(made == f->sim->lent);
	assert(in + made == f->sim->sent + f->sim->forgotten);
	assert(metric_value(f->metrics.packets_out) - f->out == f->sim->sent);
	assert(dropped_total(f) - f->dropped == f->sim->forgotten);
}

static void step(struct fuzz *f)
{
	uint64_t now_ns = f->sim->now_ns;

	worker_step(&f->w);
	assert(f->sim->buffers_out == 0 && f->w.batch.count == 0);
	counters_check(f);
	sent_check(f);
	for (uint32_t slot = 0; slot < SLOTS; slot++) {
		if (f->w.flows.list[slot].id.generation == 0)
			continue;
		connection_check(f, slot);
		for (int c = 0; c < CHANNELS; c++)
			assert(is_lawful(f, slot, (enum channel)c));
	}
	f->stepped_ns = now_ns;
	f->check_ns = 0;
}

static void events_read(struct fuzz *f, uint32_t max)
{
	struct media_event event;

	while (max-- > 0 && ring_pop(&f->w.events, &event, 1) == 1) {
		assert(event.kind <= MEDIA_FLOW_FAILED);
		f->closed += event.kind == MEDIA_FLOW_CLOSED;
		assert(f->closed <= f->closes);
	}
}

/* Until all commands were applied: control may have to read first. */
static void commands_settle(struct fuzz *f)
{
	while (!ring_is_empty(&f->w.commands) || f->w.holds) {
		events_read(f, EVENTS);
		step(f);
	}
}

/* ---- packets ---- */

/* One packet alone through all stages: who it is from, and how its stream goes on, can be told. */
static void step_one(struct fuzz *f, uint32_t slot, enum channel c, const struct addr *from)
{
	const struct flow *flow = &f->w.flows.list[slot];
	const struct flow *peer = flow_find(&f->w.flows, flow->peer);
	struct sink sink = peer ? peer->sink : (struct sink){ 0 };
	struct source source = flow->source;
	uint64_t sent = f->sim->sent, made = f->sim->lent;

	step(f);
	made = f->sim->lent - made;
	if (f->sim->sent == sent + made)
		return;
	if (has_pairs(&f->spec[slot])) { /* and of which line, if of a bundle, is not told here */
		assert(is_proven(f, slot, from));
		return;
	}
	assert(peer && addr_eq(from, &flow_latch(flow, c)->source));
	if (made == 0 && sink.started && source.started && source.ssrc != flow->source.ssrc)
		assert(peer->sink.sequence == (uint16_t)(sink.sequence + 1));
}

/* As the party would send it, if it may: else it stays as it is, and is forged. */
static size_t party_protect(struct fuzz *f, uint32_t slot, uint8_t *p, size_t n)
{
	struct srtp_job job = { .stream = f->party_out[slot],
				.data = p,
				.length = (uint16_t)n,
				.capacity = PACKET_MAX,
				.is_rtcp = n > 1 && p[1] >= 192 && p[1] <= 223 };

	if (!job.stream || n < 12)
		return n;
	srtp_jobs_protect(&job, 1);
	return job.length;
}

/* where: whose party sends it, and whether to its own port or the shared one. */
static void packet_put(struct fuzz *f, uint8_t where, enum channel c, uint8_t from,
		       const uint8_t *plain, size_t n)
{
	uint32_t slot = where % SLOTS, to = where & 32 ? (uint32_t)SHARED_SLOT : slot;
	struct addr a = address(from % 7);
	bool alone = where & 16;
	uint8_t p[PACKET_MAX] = { 0 };

	commands_settle(f); /* what is commanded is known when packets are looked at */
	if (alone)
		while (f->sim->in_head != f->sim->in_tail)
			step(f);
	if (n > 0)
		memcpy(p, plain, n);
	n = party_protect(f, slot, p, n);
	if (!port_sim_put(f->sim, to, to == slot ? c : CHANNEL_RTP, &a, bytes_mem(p, n)))
		return;
	f->sent_from[slot][c][from % 7] |= to == slot;
	if (alone && to == slot)
		step_one(f, slot, c, &a);
}

static void do_raw(struct fuzz *f, struct script *s)
{
	uint8_t where = take(s), from = take(s);
	size_t n = take(s) % PACKET_BYTES_MAX;

	if (n > s->n)
		n = s->n;
	f->untagged |= n >= 12 && s->p[0] >> 6 == 2;
	packet_put(f, where, where & 8 ? CHANNEL_RTCP : CHANNEL_RTP, from, s->p, n);
	s->p += n;
	s->n -= n;
}

/* Numbered as its sequence is. */
static void extension_put(uint8_t packet[RTP_BYTES_MAX])
{
	memmove(packet + 24, packet + 16, 4);
	be32_put(packet + 16, 0xbede0001);
	be32_put(packet + 20, (uint32_t)(EXTENSION_ID << 28 | 1 << 24 | be16_get(packet + 2) << 8));
	packet[0] |= RTP_EXTENSION_BIT;
}

/* Of the flow it comes to: on the shared port whoever sends one number sends one packet. */
static uint32_t whose(uint8_t where)
{
	return 1 + (where & 32 ? (uint32_t)SHARED_SLOT : where % SLOTS);
}

static void do_rtp(struct fuzz *f, struct script *s)
{
	uint8_t where = take(s), from = take(s), type = take(s);
	uint8_t packet[RTP_BYTES_MAX] = { 0x81, type };

	be16_put(packet + 2, (uint16_t)(take(s) << 8 | take(s)));
	be32_put(packet + 4, (uint32_t)take(s) << 12);
	be32_put(packet + 8, take(s) % 4);
	be32_put(packet + 12,
		 be16_get(packet + 2) | be32_get(packet + 8) << 16 | whose(where) << 24);
	be32_put(packet + 16, (uint32_t)(take(s) << 24 | take(s) << 16 | take(s)));
	if (where & 64)
		extension_put(packet);
	packet_put(f, where, CHANNEL_RTP, from, packet, where & 64 ? RTP_BYTES_MAX : RTP_BYTES);
}

/* An SR of a known shape with one report block. */
static void do_rtcp(struct fuzz *f, struct script *s)
{
	uint8_t where = take(s), from = take(s);
	uint8_t packet[52] = { 0x81, 200, 0, 12 };

	be32_put(packet + 4, take(s) % 4);
	be32_put(packet + 28, 0xf0000000 + take(s) % SLOTS);
	be32_put(packet + 36, take(s));
	packet_put(f, where, where & 8 ? CHANNEL_RTCP : CHANNEL_RTP, from, packet, sizeof(packet));
}

/* As its party makes it, or with something wrong; to its own port, another's, or the shared one. */
static void do_check(struct fuzz *f, struct script *s)
{
	uint8_t where = take(s), from = take(s) % 7, how = take(s);
	uint32_t slot = where % SLOTS;
	uint32_t to = where & 8 ? SHARED_SLOT : (where >> 4) % SLOTS;
	const struct flow_spec *spec = &f->spec[slot];
	struct media_ice ice = ice_of(slot, how);
	uint8_t space[PACKET_MAX];
	struct writer w = writer_over(space, sizeof(space));
	struct addr a = address(from);
	char username[ICE_UFRAG_LEN + 2];

	memcpy(username, ice.ufrag, ICE_UFRAG_LEN);
	memcpy(username + ICE_UFRAG_LEN, ":x", 2);
	stun_begin(&w, STUN_BINDING_REQUEST, BYTES_LIT("0123456789ab"));
	stun_put_username(&w, bytes_mem(username, sizeof(username)));
	stun_put_priority(&w, how);
	stun_put_role(&w, !(how & 4), how);
	if (how & 8)
		stun_put_use_candidate(&w);
	ice.pwd[0] ^= (how & 48) == 48;
	stun_put_integrity(&w, bytes_mem(ice.pwd, sizeof(ice.pwd)));
	commands_settle(f);
	while (f->sim->in_head != f->sim->in_tail)
		step(f);
	if (is_ice(spec) && flow_find(&f->w.flows, spec->id) && !(how & 4) &&
	    memcmp(&ice, &spec->ice, sizeof(ice)) == 0 &&
	    to == (spec->shared_port ? (uint32_t)SHARED_SLOT : slot)) {
		f->check_ns = f->sim->now_ns;
		f->check_slot = slot;
		f->check_from = from;
	}
	assert(port_sim_put(f->sim, to, CHANNEL_RTP, &a, writer_done(&w)));
	step(f);
}

/* ---- commands ---- */

static struct media_key key_of(uint32_t slot, uint8_t how)
{
	struct media_key key = { .suite = MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, .length = 30 };

	if (!(how & 128))
		return (struct media_key){ 0 };
	key.octets[0] = (uint8_t)slot;
	key.octets[1] = how & 2;
	return key;
}

static struct srtp_stream *party_open(const struct media_key *key)
{
	struct srtp_stream *s = NULL;

	if (key->suite != MEDIA_SUITE_NONE && srtp_stream_open(&s, key))
		abort();
	return s;
}

static bool is_of(const struct srtp_stream *s, const struct media_key *key)
{
	return s ? srtp_stream_has_key(s, key) : key->suite == MEDIA_SUITE_NONE;
}

/* What the party makes of a spec: a stream stays as long as its key does. */
static void party_follow(struct fuzz *f, const struct flow_spec *spec, bool opened)
{
	uint32_t slot = spec->id.slot;

	if (opened || !is_of(f->party_out[slot], &spec->key_in)) {
		srtp_stream_close(f->party_out[slot]);
		f->party_out[slot] = party_open(&spec->key_in);
	}
	if (f->party_out[slot] && srtp_stream_next(f->party_out[slot]) == 1) {
		srtp_stream_start(f->party_out[slot], 1, 0);
		srtp_stream_limit(f->party_out[slot], SRTP_INDEX_END, SRTCP_INDEX_END);
	}
	if (!opened && is_of(f->party_in[slot], &spec->key_out))
		return;
	srtp_stream_close(f->party_in[slot]);
	f->party_in[slot] = party_open(&spec->key_out);
	numbers_open(&f->numbers[slot]);
	if (f->party_in[slot] && opened && spec->resume.srtp_next > 0)
		srtp_stream_resume(f->party_in[slot], spec->ssrc_out, spec->resume.srtp_next - 1);
}

static void transport_read(struct script *s, const struct fuzz *f, struct flow_spec *spec)
{
	uint8_t how = take(s);

	if (how & 1)
		spec->ice = ice_of(spec->id.slot, how);
	if (how & 4)
		spec->bundle = (struct flow_id){ .slot = (how >> 4) % SLOTS,
						 .generation = 1 + (how >> 6 & 1U) };
	if (how & 5 && how & 8) {
		spec->shared_port = 1;
		spec->local_rtp = f->shared;
	}
	spec->mid_extension = how >> 7;
	spec->cc_extension = how & 2 ? EXTENSION_ID : 0;
	spec->strips = how >> 1 & 1;
	spec->mid_length = 1;
	spec->mid[0] = (char)('0' + spec->id.slot);
}

static struct flow_spec spec_read(const struct fuzz *f, struct script *s, uint32_t slot)
{
	uint8_t how = take(s), flags = take(s), peer = take(s);
	struct flow_spec spec = {
		.id = { .slot = slot, .generation = 1 + (how & 1U) },
		.peer = { .slot = (peer & 15U) % (SLOTS + 1U), .generation = (peer >> 4) % 4U },
		.remote_rtp = address(take(s)),
		.remote_rtcp = address(take(s)),
		.ssrc_out = 0xf0000000 + slot,
		.kind = how & 64 ? MEDIA_VIDEO : MEDIA_AUDIO,
		.latch = (enum latch_mode)((how >> 2) % 3),
		.receive = (flags & 1) == 0,
		.send = (flags & 2) == 0,
		.rtcp_mux = (flags & 4) != 0,
		.rule_count = (uint8_t)(flags >> 4),
		.event_pt = how & 32 ? PAYLOAD_NONE : 127,
		.key_in = key_of(2 * slot, how),
		.key_out = key_of(2 * slot + 1, how),
		.srtp_limit = SRTP_INDEX_END,
		.srtcp_limit = SRTCP_INDEX_END,
	};

	if (flags & 8)
		transport_read(s, f, &spec);
	for (uint8_t i = 0; i < spec.rule_count; i++)
		spec.rules[i] =
			(struct payload_rule){ .in = i,
					       .out = i % 4 == 3 ? PAYLOAD_NONE : (uint8_t)(i + 96),
					       .event = i & 1,
					       .clock_hz = i % 3 ? 8000 : 0 };
	return spec;
}

/* Packets first: so no step is about both. */
static bool commanded(struct fuzz *f, const struct media_command *c)
{
	while (f->sim->in_head != f->sim->in_tail)
		step(f);
	return ring_push(&f->w.commands, c);
}

static void do_open(struct fuzz *f, struct script *s)
{
	uint8_t what = take(s);
	uint32_t slot = (what & 7U) % (SLOTS + 1U); /* one too many */
	struct media_command c = {
		.kind = MEDIA_FLOW_OPEN, .rtp_fd = -1, .rtcp_fd = -1, .spec = spec_read(f, s, slot)
	};
	bool is_free;

	if (what & 8) {
		c.spec.resume.started = 1;
		c.spec.resume.source_ssrc = take(s) % 4;
		c.spec.resume.sequence_offset = take(s);
		c.spec.resume.timestamp_offset = take(s);
		c.spec.resume.srtp_next = (uint64_t)take(s) << 9;
		c.spec.resume.srtcp_next = take(s);
		c.spec.resume.srtp_in = (uint64_t)take(s) << 9;
	}
	commands_settle(f);
	is_free = slot < SLOTS && f->w.flows.list[slot].id.generation == 0;
	assert(commanded(f, &c));
	if (is_free) { /* and if it fails it is as if it had never been sent or heard anything */
		f->spec[slot] = c.spec;
		memset(f->sent_from[slot], 0, sizeof(f->sent_from[slot]));
		memset(f->proven_ns[slot], 0, sizeof(f->proven_ns[slot]));
		party_follow(f, &c.spec, true);
	}
	commands_settle(f);
	assert(!is_free || c.spec.bundle.generation ||
	       f->w.flows.list[slot].id.generation == c.spec.id.generation);
}

static void do_update(struct fuzz *f, struct script *s)
{
	uint32_t slot = take(s) % SLOTS;
	struct media_command c = { .kind = MEDIA_FLOW_UPDATE, .spec = spec_read(f, s, slot) };

	/* a mode that is loosened or tightened does not undo a latch made under the former one */
	c.spec.latch = f->spec[slot].latch;
	c.spec.shared_port = f->spec[slot].shared_port;
	commands_settle(f);
	assert(commanded(f, &c));
	if (flow_find(&f->w.flows, c.spec.id)) {
		if (is_ice(&c.spec) != is_ice(&f->spec[slot]))
			memset(f->proven_ns[slot], 0, sizeof(f->proven_ns[slot]));
		f->spec[slot] = c.spec;
		party_follow(f, &c.spec, false);
	}
	commands_settle(f);
}

static void do_by_id(struct fuzz *f, struct script *s, enum media_command_kind kind)
{
	uint8_t what = take(s);
	struct media_command c = { .kind = kind,
				   .digit = "07#F"[what >> 6],
				   .duration_ms = what,
				   .id = { .slot = (what & 7U) % (SLOTS + 1U),
					   .generation = 1 + (what >> 4) % 3U } };

	if (commanded(f, &c) && kind == MEDIA_FLOW_CLOSE)
		f->closes++;
	if (what & 8)
		step(f); /* else the answers pile up, and may have to wait */
}

static void do_next(struct fuzz *f, struct script *s)
{
	switch (take(s) % 13) {
	case 0:
		do_raw(f, s);
		break;
	case 1:
	case 2:
		do_rtp(f, s);
		break;
	case 3:
		do_rtcp(f, s);
		break;
	case 4:
		f->sim->now_ns += take(s) * (take(s) + UINT64_C(1)) * NS_PER_MS;
		break;
	case 5:
		do_open(f, s);
		break;
	case 6:
		do_update(f, s);
		break;
	case 7:
		do_by_id(f, s, MEDIA_FLOW_CLOSE);
		break;
	case 8:
		do_by_id(f, s, MEDIA_FLOW_QUERY);
		break;
	case 10:
		do_by_id(f, s, MEDIA_FLOW_DIGIT_SEND);
		break;
	case 11:
	case 12:
		do_check(f, s);
		break;
	case 9:
		events_read(f, take(s) % 4);
		step(f);
		break;
	}
}

/* ---- a run ---- */

/* One socket for all runs: only its address is of any use. */
static int shared_socket(struct addr *local)
{
	static int fd = -1;
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_storage ss;
	socklen_t n = sizeof(ss);

	if (fd < 0) {
		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (fd < 0 || bind(fd, (struct sockaddr *)&in, sizeof(in)))
			abort();
	}
	if (getsockname(fd, (struct sockaddr *)&ss, &n) ||
	    addr_from_sockaddr(local, (struct sockaddr *)&ss))
		abort();
	return fd;
}

static void fuzz_open(struct fuzz *f)
{
	struct worker_settings settings = { .slots = SLOTS,
					    .shared_ports = 1,
					    .commands = COMMANDS,
					    .events = EVENTS,
					    .metrics = &f->metrics };
	int err;

	memset(f, 0, sizeof(*f));
	media_metrics_register(&f->metrics);
	err = worker_open(&f->w, &settings);
	err |= port_sim_open(&f->sim, SLOTS + 1, NS_PER_S, 1);
	if (err)
		abort();
	rand_open_seed(&f->w.rand, 1);
	f->w.port = &f->sim->port;
	err = shared_port_add(&f->w, 0, shared_socket(&f->shared));
	assert(err == 0);
	f->in = metric_value(f->metrics.packets_in);
	f->out = metric_value(f->metrics.packets_out);
	f->made = metric_value(f->metrics.made);
	f->dropped = dropped_total(f);
}

/* Two flows that are peers, as most scripts want them. */
static void flows_open(struct fuzz *f)
{
	for (uint32_t slot = 0; slot < 2; slot++) {
		const uint8_t how[] = { (uint8_t)slot,
					(uint8_t)(slot * 4),
					0x70,
					(uint8_t)(0x10 | (slot ^ 1)),
					(uint8_t)(slot * 3),
					(uint8_t)(slot * 3) };
		struct script s = { .p = how, .n = sizeof(how) };

		do_open(f, &s);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz *f = &g_fuzz;
	struct script s = { .p = data, .n = size };

	fuzz_open(f);
	if (take(&s) & 1)
		flows_open(f);
	while (s.n > 0)
		do_next(f, &s);
	while (f->sim->in_head != f->sim->in_tail)
		step(f);
	commands_settle(f);
	events_read(f, UINT32_MAX);
	assert(f->closed == f->closes);
	for (uint32_t slot = 0; slot < SLOTS; slot++) {
		srtp_stream_close(f->party_out[slot]);
		srtp_stream_close(f->party_in[slot]);
	}
	worker_close(&f->w);
	return 0;
}
