/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of a worker's flows, and their life: open, update, close, the record for a restart, and
 * the parcel for a move to another worker. Also the stage that finds each packet's flow and peer,
 * and the notes that explain drops to the doctor (flow_detail). Its memory is touched on first use,
 * and laid out by cache line for the packet path. Runs on the worker only; a flow_id of a closed
 * flow is a miss.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "engine/worker/control.h"
#include "engine/worker/flow.h"
#include "engine/worker/flow_transport.h"
#include "engine/worker/latch.h"
#include "engine/worker/shortcut.h"
#include "engine/worker/source.h"
#include "engine/worker/srtp_flow.h"
#include "engine/worker/worker.h"

static bool is_same_key(const struct srtp_stream *s, const struct media_key *key)
{
	return !s || srtp_stream_has_key(s, key);
}

/* With other keys its indexes would be of another keystream: control missed a handshake so far. */
static int move_may_leave(const struct flow *f, const struct flow_spec *spec)
{
	if ((f->transport & TRANSPORT_SHARED) && addr_eq(&f->local[CHANNEL_RTP], &spec->local_rtp))
		return -ENOTSUP; /* it is the worker's own */
	if (f->dtls->state == DTLS_HANDSHAKING)
		return -EBUSY;
	if (!is_same_key(f->srtp_in, &spec->key_in) || !is_same_key(f->srtp_out, &spec->key_out))
		return -EINVAL;
	return 0;
}

static void pack_consent(struct worker *w, const struct flow *f, struct flow_parcel *p)
{
	if (!(f->transport & TRANSPORT_ICE))
		return;
	for (enum channel c = CHANNEL_RTP; c < CHANNELS; c++)
		p->consent_ns[c] = ice_consent_ns(&worker_transport(w, f)->ice, c);
}

static void unpack_consent(struct worker *w, struct flow *f, const struct flow_parcel *p)
{
	if (!(f->transport & TRANSPORT_ICE))
		return;
	for (enum channel c = CHANNEL_RTP; c < CHANNELS; c++)
		ice_consent_keep(&worker_transport(w, f)->ice, c, p->consent_ns[c]);
}

static void pack(const struct flow *f, struct flow_parcel *p)
{
	p->spec.resume = flow_resume_read(f);
	if (f->transport & TRANSPORT_SHARED) /* checks to the other port will show its address */
		p->spec.resume.source_rtp = p->spec.resume.source_rtcp = (struct addr){ 0 };
	p->source = f->source;
	p->source_before = f->source_before;
	p->sink = f->sink;
	p->received = f->received;
	p->sent = f->sent;
	p->jitter = f->jitter;
	p->count = f->count;
	p->count_ssrc = f->count_ssrc;
	p->lost_before = f->lost_before;
	p->events = f->events;
	p->event_ssrc = f->event_ssrc;
	p->event_clock_hz = f->event_clock_hz;
	p->event_relayed = f->event_relayed;
	p->stats = f->stats;
	p->detail = f->detail;
	p->reports = f->reports;
	p->trickle = f->trickle;
	p->digit_reported_ns = f->digit_reported_ns;
	p->noticed_ns = f->noticed_ns;
	p->sent_reported = f->sent_reported;
	memcpy(p->tap_lost, f->tap_lost, sizeof(p->tap_lost));
}

static int flow_leave(struct worker *w, struct flow *f, struct flow_parcel *p)
{
	int err = move_may_leave(f, &p->spec);

	if (!err && !(f->transport & TRANSPORT_NO_SOCKET))
		err = w->port->ops->sockets(w->port, f->id.slot, p->fd);
	if (err)
		return err;
	digits_stop(w, f);
	pack(f, p);
	pack_consent(w, f, p);
	p->transcoder = transcoder_pack(w, f);
	control_flow_end(w, f);
	return 0;
}

void flow_move_yield(struct worker *w, const struct media_command *c)
{
	struct media_event event = { .kind = MEDIA_FLOW_YIELDED, .id = c->id, .parcel = c->parcel };
	struct flow *f;

	worker_relay(w); /* what came before is not lost */
	f = flow_find(&w->flows, c->id);
	if (f) {
		event.call = f->call;
		overlay_drain(w, f);
	}
	event.error = f ? flow_leave(w, f, c->parcel) : -ENOENT;
	control_answer(w, &event);
}

void flow_move_arrive(struct worker *w, struct flow *f, struct flow_parcel *p)
{
	struct media_event event;
	uint8_t ice = f->stats.ice;

	f->source = p->source;
	f->source_before = p->source_before;
	f->sink = p->sink;
	f->received = p->received;
	f->sent = p->sent;
	f->jitter = p->jitter;
	f->count = p->count;
	f->count_ssrc = p->count_ssrc;
	f->lost_before = p->lost_before;
	f->events = p->events;
	f->event_ssrc = p->event_ssrc;
	f->event_clock_hz = p->event_clock_hz;
	f->event_relayed = p->event_relayed;
	f->stats = p->stats;
	f->stats.ice = ice;
	f->detail = p->detail;
	f->reports = p->reports;
	f->trickle = p->trickle;
	f->digit_reported_ns = p->digit_reported_ns;
	f->noticed_ns = p->noticed_ns;
	f->sent_reported = p->sent_reported;
	memcpy(f->tap_lost, p->tap_lost, sizeof(f->tap_lost));
	unpack_consent(w, f, p);
	transcoder_arrive(w, f, p->transcoder);
	p->transcoder = NULL;
	event = event_of(f, MEDIA_FLOW_MOVED);
	event.parcel = p;
	control_answer(w, &event);
}

static_assert((int)VERDICT_COUNT <= (int)FLOW_DROPS_MAX, "a counter for each reason");

enum {
	TAG_80 = 10,
	TAG_32 = 4,
	LINEAR = 1,
	PACKED = 8
}; /* octets of a tag; units of a timestamp per octet */

/* Whether the payload fills the time since the last packet, at 8000 or 1000 octets a second. */
static bool fills(uint32_t units, uint32_t octets)
{
	return octets > 0 && (units == octets * LINEAR || units == octets * PACKED);
}

/* Two packets in sequence show the time in one: plain ones that should be SRTP show by length. */
static void unauthentic(struct flow_detail *d, const struct pkt *p)
{
	uint32_t units = p->timestamp - d->auth_timestamp, octets = p->payload_length;

	if (p->kind != PKT_RTP)
		return;
	if (d->auth_started && p->sequence == (uint16_t)(d->auth_sequence + 1)) {
		if (fills(units, octets))
			d->auth_plain++;
		else if (octets > TAG_80 &&
			 (fills(units, octets - TAG_80) || fills(units, octets - TAG_32)))
			d->auth_sealed++;
	}
	d->auth_started = 1;
	d->auth_sequence = p->sequence;
	d->auth_timestamp = p->timestamp;
}

void detail_drop(struct flow *f, const struct pkt *p)
{
	struct flow_detail *d = &f->detail;

	d->drops[p->verdict]++;
	if (p->verdict == VERDICT_SOURCE_NOT_LATCHED)
		d->stranger = p->from;
	else if (p->verdict == VERDICT_PAYLOAD_TYPE)
		d->refused_type = p->payload_type;
	else if (p->verdict == VERDICT_SRTP_AUTH)
		unauthentic(d, p);
}

void detail_leave_source(struct flow *f, bool told, uint64_t now_ns)
{
	const struct addr *source = &flow_latch(f, CHANNEL_RTP)->source;
	struct flow_detail *d = &f->detail;

	if (source->family != ADDR_NONE)
		d->source_before = *source;
	if (told) {
		d->told_ns = now_ns;
	} else {
		d->moved_ns = now_ns;
		d->moves++;
	}
}

struct flow_detail detail_read(const struct flow *f, uint64_t now_ns)
{
	struct flow_detail d = f->detail;

	d.payload_type = f->source.clock_hz ? f->source.payload_type : PAYLOAD_NONE;
	d.sent_timestamp = f->sink.timestamp;
	d.sent_clock_hz = f->sink.clock_hz;
	d.sent_sequence = f->sink.sequence;
	d.now_ns = now_ns;
	d.expected_ns = f->listening_ns;
	d.received_ns = flow_latch(f, CHANNEL_RTP)->received_ns;
	d.received_rtcp_ns = flow_latch(f, CHANNEL_RTCP)->received_ns;
	return d;
}

/* mmap: aligned and zero, and a page costs memory only once something in it was written */
static void *flow_pages(uint32_t capacity, size_t size)
{
	void *memory = mmap(NULL, capacity * size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

int flow_table_open(struct flow_table *t, uint32_t capacity)
{
	assert(capacity > 0);
	*t = (struct flow_table){ .capacity = capacity };
	t->list = flow_pages(capacity, sizeof(*t->list));
	t->rare = flow_pages(capacity, sizeof(*t->rare));
	t->active = calloc(capacity, sizeof(*t->active));
	t->shortcuts = calloc(capacity, sizeof(*t->shortcuts));
	if (!t->list || !t->rare || !t->active || !t->shortcuts) {
		flow_table_close(t);
		return -ENOMEM;
	}
	return 0;
}

void flow_table_close(struct flow_table *t)
{
	if (t->list)
		(void)munmap(t->list, t->capacity * sizeof(*t->list));
	if (t->rare)
		(void)munmap(t->rare, t->capacity * sizeof(*t->rare));
	free(t->active);
	free(t->shortcuts);
	*t = (struct flow_table){ 0 };
}

static void rules_set(struct flow *f, const struct flow_spec *spec)
{
	uint8_t count = spec->kind == MEDIA_OPAQUE ? 0 : spec->rule_count;

	assert(count <= PAYLOAD_RULES_MAX);
	memcpy(f->rule_codecs, spec->rule_codecs, sizeof(f->rule_codecs));
	memset(f->rule_of, PAYLOAD_NONE, sizeof(f->rule_of));
	f->rules[0].in = PAYLOAD_NONE;
	for (uint8_t i = 0; i < count; i++) {
		assert(spec->rules[i].in < PAYLOAD_TYPES);
		assert(spec->rules[i].out < PAYLOAD_TYPES || spec->rules[i].out == PAYLOAD_NONE);
		assert(spec->rules[i].coding <= MEDIA_CODINGS_MAX);
		f->rules[i] = spec->rules[i];
		if (f->rules[i].clock_hz == 0)
			f->rules[i].clock_hz = CLOCK_HZ_PRESET;
		f->rule_of[spec->rules[i].in] = i;
	}
	f->rule = f->rules[0];
}

static void spec_apply(struct flow *f, const struct flow_spec *spec)
{
	f->peer = spec->peer;
	f->ssrc_out = spec->ssrc_out;
	f->latch_mode = (uint8_t)spec->latch;
	f->receive = spec->receive;
	f->send = !spec->send ? 0 : spec->kind == MEDIA_OPAQUE ? FLOW_SEND_AS_IS : FLOW_SEND;
	f->rtcp_mux = spec->rtcp_mux;
	f->strips = spec->strips;
	f->fir = spec->fir;
	f->nack = spec->nack;
	f->alone = spec->alone;
	f->kind = (uint8_t)spec->kind;
	f->leg = spec->leg;
	f->line = spec->line;
	f->call = spec->call;
	f->silence_ns = spec->silence_ms * NS_PER_MS;
	f->event_pt = spec->event_pt < PAYLOAD_TYPES && spec->kind != MEDIA_OPAQUE ? spec->event_pt
										   : PAYLOAD_NONE;
	f->event_send_hz = spec->event_clock_hz ? spec->event_clock_hz : CLOCK_HZ_PRESET;
	f->remote[CHANNEL_RTP] = spec->remote_rtp;
	f->remote[CHANNEL_RTCP] = spec->remote_rtcp;
	f->unproven = spec->unproven;
	f->own = spec->own;
	f->tap_number[TAP_RECORD] = spec->tap;
	f->tap_number[TAP_LIVE] = spec->tap_live;
	f->tap_number[TAP_FORK] = spec->tap_fork;
	f->taps = (uint8_t)((spec->tap != 0) << TAP_RECORD | (spec->tap_live != 0) << TAP_LIVE |
			    (spec->tap_fork != 0) << TAP_FORK |
			    (spec->detects_dtmf && spec->kind == MEDIA_AUDIO ? TAPS_EAR : 0));
	f->accepted_count = spec->accepted_count;
	memcpy(f->accepted, spec->accepted, sizeof(f->accepted));
	latch_place_rtcp(f);
	rules_set(f, spec);
}

static void resume_apply(struct flow *f, const struct flow_resume *r, uint64_t now_ns)
{
	f->source = (struct source){ .ssrc = r->source_ssrc,
				     .timestamp_offset = r->timestamp_offset,
				     .sequence_offset = r->sequence_offset,
				     .started = r->started };
	sink_restore(&f->sink, &r->sent, now_ns);
	latch_resume(f, CHANNEL_RTP, &r->source_rtp, now_ns);
	latch_resume(f, CHANNEL_RTCP, &r->source_rtcp, now_ns);
}

int flow_open(struct flow_table *t, const struct flow_spec *spec, uint64_t now_ns,
	      struct flow **out)
{
	static const struct flow_rare nothing;
	static const struct shortcut no_shortcut;
	struct flow *f;

	assert(spec->id.generation != 0);
	if (spec->id.slot >= t->capacity)
		return -ERANGE;
	f = &t->list[spec->id.slot];
	if (f->id.generation != 0)
		return -EBUSY;
	memset(f, 0, sizeof(*f));
	flow_rare_set(&t->rare[spec->id.slot], &nothing, sizeof(nothing));
	f->dtls = &t->rare[spec->id.slot].dtls;
	f->digits = &t->rare[spec->id.slot].digits;
	flow_rare_set(&t->shortcuts[spec->id.slot], &no_shortcut, sizeof(no_shortcut));
	f->id = spec->id;
	f->out_slot = spec->id.slot;
	f->place = spec->place;
	f->dscp = spec->dscp;
	f->local[CHANNEL_RTP] = spec->local_rtp;
	f->local[CHANNEL_RTCP] = spec->local_rtcp;
	f->active_at = t->count;
	t->active[t->count++] = spec->id.slot;
	spec_apply(f, spec);
	f->listening_ns = now_ns;
	f->reports.relayed_ns = now_ns;
	flow_pace_tick(f);
	resume_apply(f, &spec->resume, now_ns);
	t->own += f->own;
	t->tapped += f->taps != 0;
	*out = f;
	return 0;
}

uint64_t flow_received_ns(const struct flow *f)
{
	uint64_t rtp_ns = f->latch_rtp.received_ns;
	uint64_t rtcp_ns = f->latch_rtcp.received_ns;
	uint64_t received_ns = rtp_ns > rtcp_ns ? rtp_ns : rtcp_ns;

	return received_ns > f->listening_ns ? received_ns : f->listening_ns;
}

/* Not with each update: grants of SRTP indexes every few seconds would hide a lost party. */
static bool listens_anew(const struct flow *f, const struct flow_spec *spec)
{
	return !f->receive != !spec->receive || !f->send != !spec->send ||
	       f->silence_ns != spec->silence_ms * NS_PER_MS ||
	       !addr_eq(&f->remote[CHANNEL_RTP], &spec->remote_rtp) ||
	       f->silent_told_ns == flow_received_ns(f);
}

void flow_update(struct flow *f, const struct flow_spec *spec, uint64_t now_ns)
{
	bool moves = !(f->transport & TRANSPORT_PAIRS); /* else checks tell where it is */
	bool rtp_moved = moves && !addr_eq(&f->remote[CHANNEL_RTP], &spec->remote_rtp);
	bool rtcp_moved = moves && !addr_eq(&f->remote[CHANNEL_RTCP], &spec->remote_rtcp);
	bool anew = listens_anew(f, spec);

	assert(f->id.generation == spec->id.generation);
	if (f->peer.slot != spec->peer.slot || f->peer.generation != spec->peer.generation)
		f->source.feeding = 0;
	spec_apply(f, spec);
	if ((f->receive || f->send) && anew)
		f->listening_ns = now_ns;
	if (rtp_moved) {
		detail_leave_source(f, true, now_ns);
		latch_forget(f, CHANNEL_RTP);
		trickle_renew(f);
	}
	if (rtp_moved || rtcp_moved)
		latch_forget(f, CHANNEL_RTCP);
}

void flow_close(struct flow_table *t, struct flow *f)
{
	uint32_t last = t->active[--t->count];

	assert(f->id.generation != 0);
	t->active[f->active_at] = last;
	t->list[last].active_at = f->active_at;
	srtp_flow_close(t, f);
	t->watched -= f->watch != 0;
	t->own -= f->own;
	t->tapped -= f->taps != 0;
	f->id = (struct flow_id){ 0 };
}

/* 0.0.0.0 is hold by RFC 2543; to the kernel it is this very host. */
static const struct addr *latched_or(const struct flow *f, const struct latch *l,
				     const struct addr *expected)
{
	if (LIKELY(l->source.family != ADDR_NONE))
		return &l->source;
	return f->transport || addr_is_any(expected) ? NULL : expected;
}

const struct addr *flow_rtp_to(const struct flow *f)
{
	return latched_or(f, &f->latch_rtp, &f->remote[CHANNEL_RTP]);
}

const struct addr *flow_rtcp_to(const struct flow *f)
{
	return f->rtcp_mux ? flow_rtp_to(f) : latched_or(f, &f->latch_rtcp, &f->rtcp_place);
}

enum verdict flow_no_way(const struct flow *f)
{
	return f->stats.ice == ICE_LOST ? VERDICT_NO_CONSENT : VERDICT_NO_DESTINATION;
}

const struct payload_rule *flow_rule_find(const struct flow *f, uint8_t payload_type)
{
	uint8_t i = f->rule_of[payload_type % PAYLOAD_TYPES];

	return i == PAYLOAD_NONE ? NULL : &f->rules[i];
}

static struct flow_last_sent last_sent_read(const struct flow *f)
{
	const struct sink *k = &f->sink;

	return (struct flow_last_sent){ .at_ns = k->at_ns,
					.timestamp = k->timestamp,
					.clock_hz = k->clock_hz,
					.sequence = k->sequence,
					.units = k->made || !k->started ? k->units : 0 };
}

bool flow_last_sent_outran(const struct flow_table *t, const struct flow *f)
{
	const struct flow *feeder;

	/* First, as the tick has read this cache line of each flow anyway. Set once control was
	 * told of a stream that we make. */
	if (LIKELY(f->sent_reported.units == 0) || !f->sink.started)
		return false;
	if (f->sink.made)
		return sink_outran(&f->sink, &f->sent_reported);
	feeder = flow_find(t, f->sink.feeder);
	/* its offsets, which determine the numbers now, are reported first */
	return !feeder || !feeder->notice;
}

struct flow_resume flow_resume_read(const struct flow *f)
{
	struct flow_resume r = {
		.source_rtp = f->latch_rtp.source,
		.source_rtcp = f->latch_rtcp.source,
		.source_ssrc = f->source.ssrc,
		.timestamp_offset = f->source.timestamp_offset,
		.sequence_offset = f->source.sequence_offset,
		.started = f->source.started,
		.sent = last_sent_read(f),
	};

	srtp_flow_resume(f, &r);
	return r;
}

struct flow_stats flow_stats_read(const struct flow *f)
{
	struct flow_stats s = f->stats;
	int64_t lost = seq_lost(&f->count); /* negative: packets came twice */

	s.lost = f->lost_before + (lost > 0 ? (uint32_t)lost : 0);
	s.packets_in = f->received.packets;
	s.octets_in = f->received.octets;
	s.last_in_ns = f->received.last_ns;
	s.packets_out = f->sent.packets;
	s.octets_out = f->sent.octets;
	s.jitter_us = jitter_us(&f->jitter);
	s.dtls = f->dtls->state;
	return s;
}

static bool is_wrong_port(const struct pkt *p, const struct flow *f)
{
	if (p->kind == PKT_OPAQUE)
		return p->channel == CHANNEL_RTCP && f->rtcp_mux;
	if (p->kind != PKT_RTCP)
		return p->channel != CHANNEL_RTP;
	return p->channel != (f->rtcp_mux ? CHANNEL_RTP : CHANNEL_RTCP);
}

enum { FLOWS_IN_CACHE = 256 };

/* The lines of flow.h, which has their users. */
static void line_fetch(const struct flow *f, uint32_t line)
{
	__builtin_prefetch((const char *)f + (size_t)line * FLOW_LINE, 1);
}

static void peers_fetch(const struct worker *w, const struct batch *b)
{
	const struct flow *list = w->flows.list;

	for (uint32_t i = 0; i < b->count; i++) {
		uint32_t peer = list[b->list[i].slot].peer.slot;

		if (peer >= w->flows.capacity)
			continue;
		line_fetch(&list[peer], 0);
		line_fetch(&list[peer], 3);
	}
}

/* For flows that hear a job: the owner, and what counts packets that it takes. */
static void listeners_fetch(const struct worker *w, const struct batch *b)
{
	for (uint32_t i = 0; i < b->count; i++) {
		const struct flow *f = &w->flows.list[b->list[i].slot];

		__builtin_prefetch(&f->listener);
		__builtin_prefetch(&f->alone);
		__builtin_prefetch(&f->stats.dropped, 1);
		__builtin_prefetch(&f->detail.drops[VERDICT_ALONE], 1);
	}
}

/* With many flows none of this batch is in the cache, and each packet would wait in turn. The flows
 * of a batch are prefetched at once, and their peers once those are there. */
void flow_fetch(const struct worker *w, const struct batch *b)
{
	const struct flow *list = w->flows.list;

	if (w->flows.count < FLOWS_IN_CACHE)
		return;
	for (uint32_t i = 0; i < b->count; i++)
		for (uint32_t line = 0; line < 3; line++)
			line_fetch(&list[b->list[i].slot], line);
	peers_fetch(w, b);
	if (w->jobs.receivers)
		listeners_fetch(w, b);
}

void flow_stage(struct worker *w, struct batch *b)
{
	BATCH_REST(p, b)
	{
		struct flow *f = &w->flows.list[p->slot];

		assert(p->slot < w->flows.capacity);
		p->flow = f->id.generation != 0 && p->verdict != VERDICT_NO_FLOW ? f : NULL;
		p->peer = p->flow ? flow_find(&w->flows, f->peer) : NULL;
		if (p->verdict != VERDICT_NONE)
			continue;
		if (!p->flow)
			p->verdict = VERDICT_NO_FLOW;
		else if (is_wrong_port(p, f))
			p->verdict = VERDICT_WRONG_PORT;
		else if (p->kind == PKT_DTLS && f->dtls->role == DTLS_NONE)
			p->verdict = VERDICT_NOT_RTP;
		else if (p->kind == PKT_RTP && p->padding_bad && !(f->secure & SECURE_IN))
			p->verdict = VERDICT_MALFORMED;
	}
}
