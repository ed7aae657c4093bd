/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/engine.h"

#include <errno.h>
#include <string.h>

#include "sig/sip/id.h"
#include "tests/sim/sim.h"

enum { PACKET_MS = 1, WATCH_MS = 2000 }; /* many packets, so that granted indexes run out */

static struct engine_flow *find(struct engine *e, const struct node *n, struct flow_id id)
{
	for (uint32_t i = 0; i < ENGINE_FLOWS_MAX; i++) {
		if (e->flows[i].open && e->flows[i].node == n &&
		    flow_id_eq(e->flows[i].spec.id, id))
			return &e->flows[i];
	}
	return NULL;
}

struct engine_flow *engine_flow_at(struct sim *s, const struct event *e)
{
	struct engine_flow *f = &s->engine.flows[e->who];

	return f->open && f->serial == e->a ? f : NULL;
}

static bool is_secret(const struct engine_flow *f)
{
	return f->spec.key_out.suite != MEDIA_SUITE_NONE;
}

static struct engine_stream *stream_of(struct sim *s, const struct engine_flow *f)
{
	struct engine *e = &s->engine;
	const struct media_key *k = &f->spec.key_out;

	for (uint32_t i = 0; i < e->stream_count; i++) {
		struct engine_stream *t = &e->streams[i];

		if (t->ssrc == f->spec.ssrc_out && t->key.length == k->length &&
		    memcmp(t->key.octets, k->octets, k->length) == 0)
			return t;
	}
	if (e->stream_count == ENGINE_STREAMS_MAX)
		return NULL;
	e->streams[e->stream_count] = (struct engine_stream){ .key = *k, .ssrc = f->spec.ssrc_out };
	return &e->streams[e->stream_count++];
}

/* While the store is away ranges are granted without a save: rather that than silence. A kill then may cost it. */
static bool is_unsaved(struct sim *s, const struct engine_flow *f)
{
	return check_took(s, f->spec.call);
}

/* A shard whose lease is past sends no packet (base/validity.h). */
static uint64_t speaks_until_ns(const struct sim *s, const struct engine_flow *f)
{
	const struct node_shard *shard = node_shard_there(f->node, f->spec.call);

	return shard && shard->silent_ns ? shard->silent_ns : s->now_ns;
}

/* A flow that goes with its node may send on when the next one has begun, but only below where that began. */
static bool is_sent_anew(const struct engine_stream *t, const struct engine_flow *f, uint64_t n)
{
	if (f->serial < t->sender)
		return f->srtp_next < t->before || f->srtp_next + n > t->first;
	return f->srtp_next < t->next;
}

static void sent(struct engine_stream *t, const struct engine_flow *f, uint64_t n)
{
	if (f->serial < t->sender) {
		t->before = f->srtp_next + n;
		return;
	}
	if (f->serial > t->sender) {
		t->before = t->next;
		t->first = f->srtp_next;
		t->sender = f->serial;
	}
	if (t->next < f->srtp_next + n)
		t->next = f->srtp_next + n;
}

/* What was sent since the last look. */
static void count_packets(struct sim *s, struct engine_flow *f)
{
	uint64_t until_ns = speaks_until_ns(s, f), n = 0;
	struct engine_stream *t;

	if (until_ns > f->counted_ns)
		n = (until_ns - f->counted_ns) / (PACKET_MS * NS_PER_MS);

	f->counted_ns = s->now_ns;
	if (!is_secret(f) || !f->spec.send || n == 0)
		return;
	if (f->srtp_next + n > f->spec.srtp_limit)
		n = f->spec.srtp_limit > f->srtp_next ? f->spec.srtp_limit - f->srtp_next : 0;
	if (n == 0)
		return;
	t = stream_of(s, f);
	if (t && is_sent_anew(t, f, n) && !is_unsaved(s, f))
		check_fail(s, "SRTP index %llu of call %llx was sent before",
			   (unsigned long long)f->srtp_next, (unsigned long long)f->spec.call);
	if (t)
		sent(t, f, n);
	f->srtp_next += n;
}

static struct flow_resume resume_of(struct sim *s, struct engine_flow *f)
{
	struct flow_resume r = f->spec.resume;

	count_packets(s, f);
	r.started = 1;
	r.source_rtp = f->spec.remote_rtp;
	if (r.source_rtp.family == ADDR_NONE)
		r.source_rtp =
			(struct addr){ .ip = { 192, 0, 2, 99 }, .port = 9, .family = ADDR_V4 };
	r.source_rtp.port = (uint16_t)sim_between(s, 1024, 65534);
	r.source_ssrc = rand_u32_from(&s->rand);
	r.timestamp_offset = rand_u32_from(&s->rand);
	r.sequence_offset = (uint16_t)rand_u32_from(&s->rand);
	r.srtp_next = is_secret(f) ? f->srtp_next : 0;
	return r;
}

struct media_event engine_event_of(const struct engine_flow *f, enum media_event_kind kind)
{
	return (struct media_event){ .kind = kind,
				     .id = f->spec.id,
				     .call = f->spec.call,
				     .leg = f->spec.leg,
				     .line = f->spec.line };
}

static void latched(struct sim *s, const struct event *e)
{
	struct engine_flow *f = engine_flow_at(s, e);
	struct media_event ev;

	if (!f)
		return;
	ev = engine_event_of(f, MEDIA_FLOW_LATCHED);
	f->spec.resume = resume_of(s, f);
	ev.resume = f->spec.resume;
	node_media_event(f->node, &ev);
}

static void digit(struct sim *s, const struct event *e)
{
	struct engine_flow *f = engine_flow_at(s, e);
	struct media_event ev;

	if (!f)
		return;
	ev = engine_event_of(f, MEDIA_FLOW_DIGIT);
	ev.digit = "0123456789*#ABCD"[e->b % 16];
	ev.duration_ms = 100;
	ev.relayed = 1;
	for (uint8_t i = 0; i < f->spec.rule_count; i++) {
		if (f->spec.rules[i].event && f->spec.rules[i].out == PAYLOAD_NONE)
			ev.relayed = 0;
	}
	node_media_event(f->node, &ev);
}

static void broken(struct sim *s, const struct event *e)
{
	struct engine_flow *f = engine_flow_at(s, e);
	struct media_event ev;

	if (!f)
		return;
	trace_line(s, "engine: the socket of port %u dies", f->spec.local_rtp.port);
	ev = engine_event_of(f, MEDIA_FLOW_FAILED);
	ev.error = -EIO;
	f->open = false;
	s->engine.open_count--;
	node_media_event(f->node, &ev);
}

static void watch(struct sim *s, const struct event *e)
{
	struct engine_flow *f = engine_flow_at(s, e);
	struct media_event ev;

	if (!f || !is_secret(f) || e->b != f->key_serial)
		return;
	count_packets(s, f);
	sim_after(s, WATCH_MS * NS_PER_MS, watch, e->who, e->a, e->b);
	if (f->srtp_next + SRTP_RESERVE / 2 <= f->spec.srtp_limit)
		return;
	ev = engine_event_of(f, MEDIA_FLOW_RESERVE);
	ev.resume = resume_of(s, f);
	node_media_event(f->node, &ev);
}

static void closed(struct sim *s, const struct event *e)
{
	struct engine_flow *f = engine_flow_at(s, e);
	struct media_event ev;

	if (!f)
		return;
	count_packets(s, f);
	ev = engine_event_of(f, MEDIA_FLOW_CLOSED);
	ev.stats.packets_in = (s->now_ns - f->opened_ns) / (20 * NS_PER_MS);
	f->open = false;
	s->engine.open_count--;
	node_media_event(f->node, &ev);
}

static void look_at_ports(const struct node *n, const struct flow_spec *spec)
{
	struct sim *s = n->sim;

	for (uint32_t i = 0; i < ENGINE_FLOWS_MAX; i++) {
		const struct engine_flow *f = &s->engine.flows[i];

		if (f->open && f->node == n && f->spec.local_rtp.port == spec->local_rtp.port)
			check_fail(s, "port %u is open twice", spec->local_rtp.port);
	}
}

/* Between two shards of a node, and said so: else the worker takes it for a loop (flow_spec.own). */
static void look_at_own(const struct node *n, const struct flow_spec *spec)
{
	if (spec->remote_rtp.family != ADDR_NONE && node_at(n->sim, &spec->remote_rtp) == n &&
	    !spec->own)
		check_fail(n->sim, "media of call %llx goes to the node itself",
			   (unsigned long long)spec->call);
}

/* The address goes with its shard, and so must the media. */
static void look_at_address(const struct node *n, const struct flow_spec *spec)
{
	uint32_t place;

	if (n->sim->floats && (!node_place_at(n->sim, &spec->local_rtp, &place) ||
			       SHARD_FIRST + place != id_shard(spec->call)))
		check_fail(n->sim, "media of call %llx is at an address of another shard",
			   (unsigned long long)spec->call);
}

static struct engine_flow *take(struct engine *e)
{
	for (uint32_t i = 0; i < ENGINE_FLOWS_MAX; i++) {
		if (!e->flows[i].open)
			return &e->flows[i];
	}
	return NULL;
}

static bool is_key(const struct media_key *a, const struct media_key *b)
{
	return a->suite == b->suite && a->length == b->length &&
	       memcmp(a->octets, b->octets, a->length) == 0;
}

/* A new key begins where the record says (media/flow.h), and is watched from then on. */
static void begin_key(struct sim *s, struct engine_flow *f, const struct flow_spec *spec)
{
	f->srtp_next =
		spec->resume.srtp_next ? spec->resume.srtp_next : rand_u32_from(&s->rand) & 0x7fffu;
	if (s->sabotage == SABOTAGE_INDEX && f->srtp_next > SRTP_RESERVE)
		f->srtp_next -= SRTP_RESERVE;
	s->totals.secrets++;
	sim_after(s, WATCH_MS * NS_PER_MS, watch, (uint32_t)(f - s->engine.flows), f->serial,
		  ++f->key_serial);
}

void engine_key(struct sim *s, struct engine_flow *f, const struct media_key *in,
		const struct media_key *out)
{
	count_packets(s, f);
	f->spec.key_in = *in;
	f->spec.key_out = *out;
	begin_key(s, f, &f->spec);
}

static void open_flow(struct node *n, const struct flow_spec *spec, uint64_t call)
{
	struct sim *s = n->sim;
	struct engine_flow *f = take(&s->engine);
	uint32_t at;

	look_at_ports(n, spec);
	look_at_address(n, spec);
	look_at_own(n, spec);
	if (!f) {
		check_fail(s, "more flows than calls need");
		return;
	}
	if (sim_chance(s, s->engine.fail)) {
		trace_line(s, "engine: port %u cannot be bound", spec->local_rtp.port);
		node_media_failed(n, spec->id, call);
		return;
	}
	at = (uint32_t)(f - s->engine.flows);
	*f = (struct engine_flow){ .open = true,
				   .node = n,
				   .serial = ++s->engine.serial,
				   .spec = *spec,
				   .opened_ns = s->now_ns,
				   .counted_ns = s->now_ns,
				   .received_ns = s->now_ns };
	s->engine.open_count++;
	s->totals.flows++;
	if (sim_chance(s, 700))
		sim_after(s, sim_between_ms(s, 20, 9000), latched, at, f->serial, 0);
	if (sim_chance(s, s->engine.digit)) {
		uint64_t ns = sim_between_ms(s, 2000, 20000);

		sim_after(s, ns, digit, at, f->serial, rand_u32_from(&s->rand));
	}
	if (sim_chance(s, s->engine.fail))
		sim_after(s, sim_between_ms(s, 100, 30000), broken, at, f->serial, 0);
	engine_listen(s, at);
	if (is_secret(f))
		begin_key(s, f, spec);
	engine_dtls_look(s, f);
}

static void update_flow(struct node *n, const struct flow_spec *spec)
{
	struct sim *s = n->sim;
	struct engine_flow *f = find(&s->engine, n, spec->id);
	struct flow_resume resume;
	struct flow_spec before;
	bool new_key, listens_anew;

	if (!f)
		return;
	look_at_own(n, spec);
	count_packets(s, f);
	listens_anew = f->silent || f->spec.receive != spec->receive ||
		       f->spec.silence_ms != spec->silence_ms ||
		       !addr_eq(&f->spec.remote_rtp, &spec->remote_rtp);
	before = f->spec;
	resume = f->spec.resume;
	f->spec = *spec;
	f->spec.resume = resume;
	engine_dtls_update(f, &before);
	new_key = !is_key(&before.key_out, &f->spec.key_out);
	s->totals.granted += is_secret(f) && !new_key && spec->srtp_limit > before.srtp_limit;
	if (listens_anew) {
		f->received_ns = s->now_ns;
		f->silent = false;
	}
	if (new_key && is_secret(f))
		begin_key(s, f, spec);
	engine_dtls_look(s, f);
}

void engine_command(struct node *n, const struct media_command *c, uint64_t call)
{
	struct sim *s = n->sim;
	struct engine_flow *f;

	switch (c->kind) {
	case MEDIA_FLOW_OPEN:
		open_flow(n, &c->spec, call);
		break;
	case MEDIA_FLOW_UPDATE:
		update_flow(n, &c->spec);
		break;
	case MEDIA_FLOW_CLOSE:
		f = find(&s->engine, n, c->id);
		if (f)
			f->closing = true;
		if (f && s->sabotage != SABOTAGE_LEAK_FLOW)
			sim_after(s, sim_between(s, 10, 5000) * NS_PER_US, closed,
				  (uint32_t)(f - s->engine.flows), f->serial, 0);
		break;
	case MEDIA_FLOW_FLIGHT:
		f = find(&s->engine, n, c->id);
		if (f)
			engine_flight(s, f);
		break;
	case MEDIA_FLOW_QUERY:
	case MEDIA_FLOW_DIGIT_SEND:
	case MEDIA_FLOW_YIELD:
	case MEDIA_JOB_OPEN:
	case MEDIA_JOB_CLOSE:
	case MEDIA_JOB_QUERY:
	case MEDIA_SHARED_PORT:
	case MEDIA_STOP:
		break;
	}
}

void engine_silence(struct node *n, uint16_t shard)
{
	struct engine *e = &n->sim->engine;

	for (uint32_t i = 0; i < ENGINE_FLOWS_MAX; i++) {
		if (e->flows[i].open && e->flows[i].node == n &&
		    id_shard(e->flows[i].spec.call) == shard)
			count_packets(n->sim, &e->flows[i]);
	}
}

bool engine_has(const struct node *n, uint16_t shard)
{
	const struct engine *e = &n->sim->engine;

	for (uint32_t i = 0; i < ENGINE_FLOWS_MAX; i++) {
		if (e->flows[i].open && e->flows[i].node == n &&
		    id_shard(e->flows[i].spec.call) == shard)
			return true;
	}
	return false;
}

void engine_crash(struct node *n)
{
	struct engine *e = &n->sim->engine;

	for (uint32_t i = 0; i < ENGINE_FLOWS_MAX; i++) {
		if (!e->flows[i].open || e->flows[i].node != n)
			continue;
		count_packets(n->sim, &e->flows[i]);
		e->flows[i].open = false;
		e->open_count--;
	}
}

/* Forked legs all hear the caller; the caller's flow has one of them. */
static const char *look_at_peer(struct engine *e, const struct engine_flow *f,
				const struct engine_flow *peer)
{
	if (peer == f) /* an echo */
		return f->spec.alone ? NULL : "a flow of two parties is its own peer";
	if (peer->spec.call != f->spec.call)
		return "a flow's peer is of another call";
	if (peer->spec.kind != f->spec.kind || peer->spec.leg == f->spec.leg)
		return "a flow's peer is no flow of the other side";
	if (f->spec.leg == 0 && find(e, f->node, peer->spec.peer) &&
	    !flow_id_eq(peer->spec.peer, f->spec.id))
		return "a flow's peer has another peer";
	return NULL;
}

/* A node that stands still between two effects of a step has told of one flow, and not yet of the other. */
const char *engine_look(struct engine *e)
{
	for (uint32_t i = 0; i < ENGINE_FLOWS_MAX; i++) {
		const struct engine_flow *f = &e->flows[i];
		bool whole = f->open && !f->closing && !node_stands(f->node);
		const struct engine_flow *peer =
			whole && f->spec.peer.generation ? find(e, f->node, f->spec.peer) : NULL;
		const char *wrong = peer ? look_at_peer(e, f, peer) : NULL;

		if (wrong)
			return wrong;
	}
	return NULL;
}
