/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flows that share one transport (BUNDLE, RFC 9143): joining and leaving the owner's transport, its
 * keys for all members, and which member each packet belongs to: RTP by MID, SSRC or payload type
 * (9.2), RTCP split by m-line (media/rtp/rtcp_split.h). demux.c and worker.c call it for WebRTC
 * flows only. An SSRC is unique within a bundle, since all members send under one SRTP key (RFC
 * 3711 8.1).
 */

#include <errno.h>
#include <string.h>

#include "engine/worker/bundle.h"
#include "engine/worker/flow_transport.h"
#include "engine/worker/srtp_flow.h"
#include "engine/worker/worker.h"
#include "media/rtp/rtcp_split.h"
#include "media/rtp/rtp_parse.h"

static bool has_ssrc(const struct worker *w, const struct flow *owner, const struct flow *f)
{
	const struct flow_transport *t = worker_transport(w, owner);

	if (owner->ssrc_out == f->ssrc_out)
		return true;
	for (uint32_t i = 0; i < BUNDLED_MAX; i++) {
		const struct flow *other = flow_find(&w->flows, t->bundled[i]);

		if (other && other != f && other->ssrc_out == f->ssrc_out)
			return true;
	}
	return false;
}

int flow_bundle_join(struct worker *w, struct flow *f, struct flow_id id)
{
	struct flow *owner = flow_find(&w->flows, id);
	struct flow_transport *t;

	if (!owner || owner == f || owner->transport & TRANSPORT_BUNDLED || has_ssrc(w, owner, f))
		return -EINVAL;
	t = worker_transport(w, owner);
	for (uint32_t i = 0; i < BUNDLED_MAX; i++) {
		if (flow_find(&w->flows, t->bundled[i]))
			continue;
		t->bundled[i] = f->id;
		worker_transport(w, f)->owner = id;
		flow_mark_start(w, f, owner);
		flow_pair_follow(f, &t->ice, w->now_ns);
		return 0;
	}
	return -EINVAL;
}

static void orphan(struct worker *w, struct flow *f)
{
	static const struct ice GONE = { .selected = { ICE_NO_PAIR, ICE_NO_PAIR },
					 .state = ICE_LOST };

	worker_transport(w, f)->owner = (struct flow_id){ 0 };
	flow_mark_end(w, f);
	flow_pair_follow(f, &GONE, w->now_ns);
}

void flow_bundle_leave(struct worker *w, struct flow *f)
{
	struct flow *owner = flow_find(&w->flows, worker_transport(w, f)->owner);

	if (owner)
		for (uint32_t i = 0; i < BUNDLED_MAX; i++)
			if (flow_id_eq(worker_transport(w, owner)->bundled[i], f->id))
				worker_transport(w, owner)->bundled[i] = (struct flow_id){ 0 };
	orphan(w, f);
}

void flow_bundle_end(struct worker *w, struct flow *owner)
{
	struct flow_transport *t = worker_transport(w, owner);

	for (uint32_t i = 0; i < BUNDLED_MAX; i++) {
		struct flow *f = flow_find(&w->flows, t->bundled[i]);

		if (f)
			orphan(w, f);
		t->bundled[i] = (struct flow_id){ 0 };
	}
}

void dtls_bundle_leave(struct worker *w, struct flow *f)
{
	struct flow *owner = flow_find(&w->flows, f->dtls->owner);
	uint32_t *at = owner ? &owner->dtls->bundled_first : NULL;
	struct dtls_flow left = *f->dtls;

	while (at && *at && *at != f->id.slot + 1)
		at = &w->flows.list[*at - 1].dtls->bundled_next;
	if (at && *at)
		*at = left.bundled_next;
	left.bundled_next = 0;
	left.owner = (struct flow_id){ 0 };
	left.keyed &= left.role != DTLS_NONE;
	flow_rare_set(f->dtls, &left, sizeof(left));
}

static struct flow *bundle_join(struct worker *w, struct flow *f, struct flow_id id)
{
	struct flow *owner = flow_find(&w->flows, id);

	if (!owner || owner == f)
		return NULL;
	f->dtls->owner = id;
	f->dtls->bundled_next = owner->dtls->bundled_first;
	owner->dtls->bundled_first = f->id.slot + 1;
	return owner;
}

void dtls_bundle_end(struct worker *w, struct flow *owner)
{
	while (owner->dtls->bundled_first) {
		struct flow *f = &w->flows.list[owner->dtls->bundled_first - 1];

		owner->dtls->bundled_first = f->dtls->bundled_next;
		f->dtls->bundled_next = 0;
		f->dtls->owner = (struct flow_id){ 0 };
	}
}

int dtls_bundle_set(struct worker *w, struct flow *f, struct flow_id id)
{
	struct flow *owner;

	if (flow_id_eq(f->dtls->owner, id))
		return 0;
	dtls_bundle_leave(w, f);
	owner = bundle_join(w, f, id);
	if (!owner || !owner->dtls->keyed)
		return 0;
	return srtp_flow_keys(f, &owner->dtls->key_in, &owner->dtls->key_out, &w->rand);
}

enum { MEMBERS_MAX = 1 + BUNDLED_MAX };

/* The flows of a transport, its owner first. */
struct members {
	struct flow *list[MEMBERS_MAX];
	uint32_t count;
};

static struct members members_of(const struct worker *w, struct flow *owner)
{
	const struct flow_transport *t = worker_transport(w, owner);
	struct members m = { .list = { owner }, .count = 1 };

	for (uint32_t i = 0; i < BUNDLED_MAX; i++) {
		struct flow *f = flow_find(&w->flows, t->bundled[i]);

		if (f)
			m.list[m.count++] = f;
	}
	return m;
}

static void pkt_give(const struct worker *w, struct pkt *p, struct flow *f)
{
	if (p->flow == f)
		return;
	p->flow = f;
	p->peer = flow_find(&w->flows, f->peer);
}

/* ---- RTP ---- */

/* Empty: the packet has no MID. */
static struct bytes mid_read(const struct pkt *p, uint8_t extension)
{
	struct rtp_head head;
	struct bytes mid = { 0 };

	if (extension != 0 && p->data[0] & RTP_EXTENSION_BIT &&
	    !rtp_parse_sealed(&head, bytes_mem(p->data, p->length)))
		(void)rtp_element_find(&head, extension, &mid);
	return mid;
}

/* All m-lines of a bundle have the same extension numbers (RFC 8285 6, RFC 9143 7.1.3), so the
 * owner's is read. */
static struct flow *by_mid(const struct worker *w, const struct members *m, struct bytes mid)
{
	for (uint32_t i = 0; i < m->count; i++) {
		const struct flow_transport *t = worker_transport(w, m->list[i]);

		if (t->mid_length > 0 && bytes_eq(mid, bytes_mem(t->mid, t->mid_length)))
			return m->list[i];
	}
	return NULL;
}

static bool is_source(const struct flow *f, uint32_t ssrc)
{
	return (f->source.started && f->source.ssrc == ssrc) ||
	       (f->source_before.started && f->source_before.ssrc == ssrc);
}

static struct flow *by_source(const struct members *m, uint32_t ssrc)
{
	for (uint32_t i = 0; i < m->count; i++)
		if (is_source(m->list[i], ssrc))
			return m->list[i];
	return NULL;
}

static enum verdict by_payload_type(const struct members *m, uint8_t payload_type,
				    struct flow **out)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < m->count; i++) {
		if (!flow_rule(m->list[i], payload_type))
			continue;
		*out = m->list[i];
		found++;
	}
	if (found == 0)
		return VERDICT_PAYLOAD_TYPE;
	return found == 1 ? VERDICT_NONE : VERDICT_MEDIA_LINE;
}

enum verdict bundle_rtp(const struct worker *w, struct pkt *p)
{
	const struct members m = members_of(w, p->flow);
	struct bytes mid;
	struct flow *f = NULL;
	enum verdict v = VERDICT_NONE;

	if (m.count == 1)
		return VERDICT_NONE;
	mid = mid_read(p, worker_transport(w, p->flow)->mid_extension);
	if (mid.n > 0) {
		f = by_mid(w, &m, mid);
		v = f ? VERDICT_NONE : VERDICT_MEDIA_LINE;
	} else {
		f = by_source(&m, p->ssrc);
		if (!f)
			v = by_payload_type(&m, p->payload_type, &f);
	}
	if (v == VERDICT_NONE)
		pkt_give(w, p, f);
	return v;
}

bool bundle_is_other_layer(const struct pkt *p, uint64_t now_ns)
{
	const struct flow *f = p->flow;
	uint64_t received_ns =
		f->received.last_ns > f->listening_ns ? f->received.last_ns : f->listening_ns;

	return f->source.started && f->source.ssrc != p->ssrc &&
	       now_ns - received_ns < LAYER_SILENCE_NS;
}

/* ---- RTCP ---- */

static void source_put(struct rtcp_line *line, const struct source *s)
{
	if (s->started)
		line->sources[line->source_count++] = s->ssrc;
}

static struct rtcp_lines bundle_lines_of(const struct members *m, struct bytes in)
{
	struct rtcp_lines lines = { .count = m->count };

	for (uint32_t i = 0; i < m->count; i++) {
		source_put(&lines.list[i], &m->list[i]->source);
		source_put(&lines.list[i], &m->list[i]->source_before);
		lines.list[i].reported = m->list[i]->ssrc_out;
	}
	lines.home = rtcp_home(&lines, in);
	return lines;
}

/* As if it had come alone. */
static void part_keep(struct worker *w, const struct pkt *p, struct flow *f, struct bytes octets)
{
	struct bundle_parts *parts = &w->parts;
	struct pkt *part = &parts->list[parts->count];

	if (parts->count == BATCH_MAX || octets.n > BUNDLE_PARTS_ROOM - parts->used) {
		metric_add(w->metrics->bundled_rtcp[BUNDLED_RTCP_NO_ROOM], 1);
		return;
	}
	*part = *p;
	part->made = 1;
	part->data = parts->memory + parts->used;
	part->length = (uint16_t)octets.n;
	pkt_give(w, part, f);
	memcpy(part->data, octets.p, octets.n);
	parts->used += (uint32_t)octets.n;
	parts->count++;
	metric_add(w->metrics->bundled_rtcp[BUNDLED_RTCP_MOVED], 1);
}

/* The packet continues with the first line that it is about, parts about others are stored. Returns
 * the flow that has the packet now. */
static struct flow *pkt_split(struct worker *w, struct pkt *p, const struct members *m,
			      uint64_t now_ns)
{
	struct bytes in = bytes_mem(p->data, p->length);
	const struct rtcp_lines lines = bundle_lines_of(m, in);
	uint8_t first[PACKET_MAX], next[PACKET_MAX];
	struct flow *taker = NULL;
	struct bytes own = in;

	for (uint32_t i = 0; i < lines.count; i++) {
		uint32_t line = (lines.home + i) % lines.count;
		struct rtcp_share share = rtcp_share(taker ? next : first, in, &lines, line);

		metric_add(w->metrics->bundled_rtcp[BUNDLED_RTCP_STRAY], share.strays);
		if (share.octets.n == 0)
			continue;
		m->list[line]->latch_rtp.received_ns = now_ns;
		if (taker)
			part_keep(w, p, m->list[line], share.octets);
		else
			own = share.octets;
		taker = taker ? taker : m->list[line];
	}
	memmove(p->data, own.p, own.n);
	p->length = (uint16_t)own.n;
	p->tail_known = 0;
	return taker ? taker : m->list[lines.home];
}

static void rtcp_give(struct worker *w, struct pkt *p, uint64_t now_ns)
{
	struct members m = members_of(w, p->flow);

	if (m.count == 1 || rtcp_check(bytes_mem(p->data, p->length)))
		return;
	pkt_give(w, p, pkt_split(w, p, &m, now_ns));
	p->flow->latch_rtp.received_ns = now_ns;
}

void bundle_stage(struct worker *w, struct batch *b)
{
	if (LIKELY(w->transports.bundled == 0))
		return;
	BATCH_REST(p, b)
	if (p->verdict == VERDICT_NONE && p->kind == PKT_RTCP && p->flow->transport & TRANSPORT_ICE)
		rtcp_give(w, p, b->now_ns);
}

void bundle_parts(struct worker *w, struct batch *b)
{
	struct bundle_parts *parts = &w->parts;

	assert(b->count == 0);
	for (uint32_t i = 0; i < parts->count; i++) {
		struct pkt *p = &b->list[b->count];

		*p = parts->list[i];
		if (!w->port->ops->lend(w->port, p)) {
			metric_add(w->metrics->bundled_rtcp[BUNDLED_RTCP_NO_ROOM], 1);
			continue;
		}
		memcpy(p->data, parts->list[i].data, p->length);
		b->count++;
	}
	parts->count = parts->used = 0;
}
