/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Video of a room: which source each view shows (video_choice.h decides), members joining and
 * leaving with video, which simulcast layer a packet belongs to, and the requests to sources: NACKs
 * and key frames. room_video_relay.c moves the packets. Both run on the worker; a source is only
 * asked for what some view needs.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/job/room_video.h"
#include "engine/worker/bundle.h"
#include "engine/worker/feedback.h"
#include "engine/worker/originate.h"
#include "engine/worker/source.h"
#include "engine/worker/worker.h"
#include "media/rtp/rtcp_write.h"

/* ---- views ---- */

/* A member heard by one member only is not shown. */
static enum floor_claim video_claim(const struct worker *w, const struct member_video *m)
{
	const struct flow *f = &w->flows.list[m->slot];

	if (!f->receive || m->spec.coaches || !m->received_ns ||
	    w->now_ns > m->received_ns + VIDEO_SILENT_MS * NS_PER_MS)
		return FLOOR_NONE;
	return m->spec.muted ? FLOOR_MUTED : FLOOR_SPEAKS;
}

static void claims_read(const struct worker *w, struct room_video *p)
{
	for (uint32_t i = 0; i < p->end; i++)
		p->claims[i] = p->list[i] ? video_claim(w, p->list[i]) : FLOOR_NONE;
}

static void watch(struct room_video *p, struct video_pick k, bool more)
{
	if (k.member == FLOOR_NOBODY || !p->list[k.member])
		return;
	video_source_of(p, k)->watchers += more ? 1U : UINT32_MAX;
}

void video_view_switch(struct room_video *p, uint32_t view, struct video_pick from)
{
	struct video_view *v = &p->list[view]->view;

	watch(p, from, true);
	watch(p, v->from, false);
	v->from = from;
}

static void view_set_wanted(struct room_video *p, uint32_t view, struct video_pick wants,
			    uint64_t now_ns)
{
	struct video_view *v = &p->list[view]->view;

	if (video_pick_eq(v->wants, wants))
		return;
	watch(p, wants, true);
	watch(p, v->wants, false);
	v->wants = wants;
	v->wants_ns = now_ns;
	if (wants.member == FLOOR_NOBODY || video_pick_eq(wants, v->from))
		return;
	keyframe_set_due(&video_source_of(p, wants)->ask);
	p->asks = true;
}

static struct layer_seen layer_see(const struct member_video *m, const struct video_source *s)
{
	return (struct layer_seen){
		.comes = s->received_ns &&
			 (m->received_ns - s->received_ns < LAYER_SILENT_MS * NS_PER_MS ||
			  m->ends - s->ends_then < LAYER_MISSED),
		.steady = s->rate.times == LAYER_STEADY,
		.kbps = s->rate.kbps,
		.pixels = s->pixels,
	};
}

static void layers_see(const struct member_video *m, struct layer_seen list[MEDIA_LAYERS_MAX])
{
	for (uint8_t i = 0; i < m->terms.layers.count; i++)
		list[i] = layer_see(m, &m->layers[i]);
}

/* Of its layer; 0: unknown, or there is no smaller one. */
static uint32_t view_kbps(const struct room_video *p, const struct video_view *v)
{
	const struct member_video *m =
		v->from.member == FLOOR_NOBODY ? NULL : p->list[v->from.member];
	struct layer_seen seen[MEDIA_LAYERS_MAX];

	if (!m || v->from.layer >= m->terms.layers.count)
		return 0;
	layers_see(m, seen);
	if (layer_choose(seen, m->terms.layers.count, 1, LAYER_NONE, 0) == v->from.layer)
		return 0;
	return seen[v->from.layer].steady ? seen[v->from.layer].kbps : 0;
}

/* What its party has reported since, if it did. */
static void video_limit_follow(const struct room_video *p, struct video_view *v,
			       const struct flow *f)
{
	uint32_t span = (uint16_t)(f->sink.sequence - v->reported_at);
	uint64_t now_ns = f->detail.reported_ns;

	if (now_ns == v->reported_ns)
		return;
	(void)video_limit_report(&v->limit, video_limit_own(f->detail.reported_loss, span, v->sent),
				 view_kbps(p, v), now_ns);
	v->reported_ns = now_ns;
	v->reported_at = f->sink.sequence;
	v->sent = 0;
}

static uint8_t video_layer_for(const struct room_video *p, const struct video_view *v,
			       uint32_t most_kbps, uint32_t member, uint64_t now_ns)
{
	const struct member_video *m = p->list[member];
	struct layer_seen seen[MEDIA_LAYERS_MAX];
	uint8_t now = v->wants.member == member ? v->wants.layer : LAYER_NONE, found;

	if (!m || m->terms.layers.count == 0)
		return 0;
	layers_see(m, seen);
	found = layer_choose(seen, m->terms.layers.count, most_kbps, now,
			     (uint32_t)((now_ns - v->wants_ns) / NS_PER_MS));
	if (found == LAYER_NONE)
		return now == LAYER_NONE ? 0 : now;
	return found;
}

/* The fitting layer of the member it shall show. */
static void view_review(struct worker *w, struct room_video *p, uint32_t view)
{
	struct member_video *m = p->list[view];
	struct video_pick before = m->view.wants, wants = VIDEO_PICK_NONE;
	uint32_t most_kbps;

	video_limit_follow(p, &m->view, &w->flows.list[m->slot]);
	most_kbps = video_limit_least(m->terms.most_kbps, m->view.limit.kbps);
	wants.member = floor_seen_by(&p->floor, view);
	if (wants.member != FLOOR_NOBODY)
		wants.layer = video_layer_for(p, &m->view, most_kbps, wants.member, w->now_ns);
	view_set_wanted(p, view, wants, w->now_ns);
	if (wants.member == before.member && wants.layer != before.layer)
		metric_add(w->metrics->video_layers, 1);
}

/* A source without viewers is asked for nothing. */
static void asks_review(struct room_video *p)
{
	for (uint32_t i = 0; i < p->end; i++) {
		struct member_video *m = p->list[i];

		for (uint8_t k = 0; m && k < (uint8_t)MEDIA_LAYERS_MAX; k++) {
			if (m->layers[k].watchers == 0)
				keyframe_came(&m->layers[k].ask);
			p->asks |= m->layers[k].ask.wanted;
		}
	}
}

/* The one of that picture that the view shall have. */
static void video_rates_read(struct member_video *m, uint64_t now_ns)
{
	for (uint8_t i = 0; i < m->terms.layers.count; i++)
		if (m->layers[i].received_ns)
			layer_rate_read(&m->layers[i].rate, now_ns);
}

void video_review(struct worker *w, struct job *j)
{
	struct room_video *p = ((struct room *)j->work)->video;

	p->review_ns = w->now_ns;
	claims_read(w, p);
	(void)floor_review(&p->floor, p->claims, p->end);
	for (uint32_t i = 0; i < p->end; i++)
		if (p->list[i])
			video_rates_read(p->list[i], w->now_ns);
	for (uint32_t i = 0; i < p->end; i++)
		if (p->list[i])
			view_review(w, p, i);
	asks_review(p);
	if (video_is_waiting(p, w->now_ns))
		turn_queue(&w->jobs, j);
}

/* FLOOR_NOBODY: that member has no picture. */
static uint32_t video_numbered(const struct room_video *p, uint32_t number)
{
	for (uint32_t i = 0; i < p->end; i++)
		if (p->list[i] && p->list[i]->spec.number == number)
			return i;
	return FLOOR_NOBODY;
}

/* The loudest speaking member with a place in this tick; NULL: nobody speaks. */
static const struct room_member *talker_find(const struct room *r)
{
	const struct room_member *loudest = NULL;

	for (uint32_t i = 0; i < r->places_n; i++) {
		const struct room_member *m = r->members[r->places[i]];

		if (m->speaks && !m->spec.coaches && (!loudest || m->loudness < loudest->loudness))
			loudest = m;
	}
	return loudest;
}

void room_video_tick(struct worker *w, struct job *j)
{
	const struct room *r = j->work;
	struct room_video *p = r->video;
	const struct room_member *m = p ? talker_find(r) : NULL;
	uint32_t talker = m ? video_numbered(p, m->spec.number) : FLOOR_NOBODY;

	if (!p)
		return;
	if (talker != FLOOR_NOBODY && video_claim(w, p->list[talker]) != FLOOR_SPEAKS)
		talker = FLOOR_NOBODY;
	if (floor_talks(&p->floor, talker, ROOM_TICK_MS) || video_review_is_due(p, w->now_ns))
		video_review(w, j);
}

/* ---- join, leave ---- */

void room_video_free(struct room *r)
{
	struct room_video *p = r->video;

	for (uint32_t i = 0; p && i < p->end; i++)
		free(p->list[i]);
	if (p) {
		free(p->claims);
		free(p->ring);
	}
	free(p);
	r->video = NULL;
}

static int room_video_make(struct room *r)
{
	struct room_video *p;

	if (r->video)
		return 0;
	p = calloc(1, sizeof(*p) + r->spec.members * sizeof(p->list[0]));
	r->video = p;
	if (!p)
		return -ENOMEM;
	p->floor = floor_empty();
	p->claims = calloc(r->spec.members, sizeof(*p->claims));
	p->ring = calloc(VIDEO_RING, sizeof(*p->ring));
	if (p->claims && p->ring)
		return 0;
	room_video_free(r);
	return -ENOMEM;
}

static uint32_t video_place(const struct room *r)
{
	uint32_t i = 0;

	while (i < r->spec.members && r->video->list[i])
		i++;
	return i;
}

static int video_join(struct room *r, struct flow *f, const struct flow_member *spec)
{
	struct room_video *p = r->video;
	uint32_t index = video_place(r);
	struct member_video *m;

	if (spec->number == 0 || video_numbered(p, spec->number) != FLOOR_NOBODY)
		return -EINVAL;
	if (index == r->spec.members)
		return -ENOSPC;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	*m = (struct member_video){ .slot = f->id.slot,
				    .spec = *spec,
				    .view = { .from = VIDEO_PICK_NONE, .wants = VIDEO_PICK_NONE } };
	p->list[index] = m;
	p->end = index < p->end ? p->end : index + 1;
	f->listener.member = index + 1;
	f->listener.video = 1;
	return 0;
}

/* Its waiting packets are dropped, and its viewers have no picture for now. */
static void video_forget(struct room_video *p, uint32_t index, uint64_t now_ns)
{
	for (uint32_t i = 0; i < p->count; i++) {
		struct video_packet *k = &p->ring[(p->first + i) % VIDEO_RING];

		k->from = k->from.member == index ? VIDEO_PICK_NONE : k->from;
	}
	for (uint32_t i = 0; i < p->end; i++) {
		if (!p->list[i])
			continue;
		if (p->list[i]->view.from.member == index)
			video_view_switch(p, i, VIDEO_PICK_NONE);
		if (p->list[i]->view.wants.member == index)
			view_set_wanted(p, i, VIDEO_PICK_NONE, now_ns);
	}
}

static uint8_t layer_named(const struct media_layers *layers, struct bytes rid)
{
	for (uint8_t i = 0; i < layers->count; i++)
		if (bytes_eq(rid, bytes_mem(layers->list[i].name, layers->list[i].length)))
			return i;
	return LAYER_NONE;
}

static bool layers_eq(const struct media_layers *a, const struct media_layers *b)
{
	if (a->count != b->count || a->extension != b->extension)
		return false;
	for (uint8_t i = 0; i < a->count; i++)
		if (layer_named(b, bytes_mem(a->list[i].name, a->list[i].length)) != i)
			return false;
	return true;
}

/* Other layers than agreed before: their senders are found anew. */
static void video_layers_change(struct member_video *m, const struct media_layers *layers)
{
	if (layers_eq(&m->terms.layers, layers))
		return;
	for (uint8_t i = 0; i < (uint8_t)MEDIA_LAYERS_MAX; i++)
		m->layers[i].received_ns = 0;
}

int room_video_set(struct worker *w, struct job *j, struct flow *f, const struct flow_spec *of)
{
	const struct flow_member *spec = &of->member;
	struct room *r = j->work;
	struct member_video *m;
	int err = room_video_make(r);

	if (err)
		return err;
	if (f->listener.member &&
	    r->video->list[f->listener.member - 1]->spec.number != spec->number)
		room_video_leave(w, j, f);
	if (!f->listener.member)
		err = video_join(r, f, spec);
	if (err)
		return err;
	m = r->video->list[f->listener.member - 1];
	video_layers_change(m, &of->video.layers);
	m->spec = *spec;
	m->terms = of->video;
	video_review(w, j);
	return 0;
}

void room_video_leave(struct worker *w, struct job *j, struct flow *f)
{
	struct room_video *p = ((struct room *)j->work)->video;
	uint32_t index = f->listener.member - 1;
	struct member_video *m = p->list[index];

	video_view_switch(p, index, VIDEO_PICK_NONE);
	view_set_wanted(p, index, VIDEO_PICK_NONE, w->now_ns);
	video_forget(p, index, w->now_ns);
	p->list[index] = NULL;
	free(m);
	f->listener.member = 0;
	f->listener.video = 0;
	video_review(w, j);
}

/* Layers of a picture: which packets belong to which layer, and which one a viewer has. A browser
 * sends the RID until it learns from us that it arrived, and then no more. So packets without RID,
 * of an unknown source, take a free place: after a restart of the node all do. */

/* ---- layers of packets ---- */

/* Empty: no RID. */
static struct bytes rid_read(const struct pkt *k, uint8_t extension)
{
	struct rtp_head head;
	struct bytes rid = { 0 };

	if (k->data[0] & RTP_EXTENSION_BIT && !rtp_parse(&head, bytes_mem(k->data, k->length)))
		(void)rtp_element_find(&head, extension, &rid);
	return rid;
}

static uint8_t layer_with(const struct member_video *m, uint32_t ssrc)
{
	for (uint8_t i = 0; i < m->terms.layers.count; i++)
		if (m->layers[i].received_ns && m->layers[i].ssrc == ssrc)
			return i;
	return LAYER_NONE;
}

static bool layer_is_silent(const struct video_source *s, uint64_t now_ns)
{
	return !s->received_ns || now_ns - s->received_ns >= LAYER_SILENCE_NS;
}

static uint8_t layer_free(const struct member_video *m, uint64_t now_ns)
{
	uint8_t found = LAYER_NONE;

	for (uint8_t i = 0; i < m->terms.layers.count; i++) {
		if (!m->layers[i].received_ns)
			return i;
		if (found == LAYER_NONE && layer_is_silent(&m->layers[i], now_ns))
			found = i;
	}
	return found;
}

/* It was taken for another layer before its RID was known. */
static void layer_claim(struct member_video *m, uint8_t layer, uint32_t ssrc)
{
	uint8_t other = layer_with(m, ssrc);

	if (other != LAYER_NONE && other != layer)
		m->layers[other].received_ns = 0;
}

uint8_t video_layer_of(struct member_video *m, const struct pkt *k, uint64_t now_ns)
{
	const struct media_layers *layers = &m->terms.layers;
	struct bytes rid;
	uint8_t found;

	if (layers->count == 0) /* of several that were not agreed the first one */
		return k->flow->transport && m->layers[0].ssrc != k->ssrc &&
				       !layer_is_silent(&m->layers[0], now_ns)
			       ? LAYER_NONE
			       : 0;
	rid = rid_read(k, layers->extension);
	if (rid.n) {
		found = layer_named(layers, rid);
		if (found != LAYER_NONE)
			layer_claim(m, found, k->ssrc);
		return found;
	}
	found = layer_with(m, k->ssrc);
	return found == LAYER_NONE && k->payload_length ? layer_free(m, now_ns) : found;
}

/* ---- what the flow counts ---- */

void video_flow_follow(struct flow *f, const struct member_video *m, uint32_t ssrc, uint64_t now_ns)
{
	uint32_t counted = f->source.ssrc;

	if (counted == ssrc && f->source.started)
		return;
	for (uint8_t i = 0; f->source.started && i < m->terms.layers.count; i++)
		if (m->layers[i].ssrc == counted && !layer_is_silent(&m->layers[i], now_ns))
			return;
	source_switch(f, ssrc);
}

/* Requests to sources: NACKs for missing packets, and key frames. */

/* A copy that was asked for is on its way for so long, and a bit. */
#define AGAIN_NS(rtt_ns) ((rtt_ns) + 10 * NS_PER_MS)

static_assert((int)LOSSES_MAX <= (int)RTCP_NACK_NUMBERS, "one NACK has them all");

/* A compound, as RFC 4585 3.1 requires without an agreement on less. */
static void missing_send(struct worker *w, struct flow *f, uint32_t source,
			 const struct losses_asked *a)
{
	uint8_t memory[RTCP_REPORT_MAX + RTCP_NACK_MAX];
	size_t n = reports_empty(w, f, memory).n;
	const struct rtcp_missing m = {
		.sender = f->ssrc_out, .media = source, .numbers = a->numbers, .count = a->count
	};

	n += rtcp_nack_write(memory + n, &m).n;
	if (originate_rtcp(w, f, bytes_mem(memory, n)))
		metric_add(w->metrics->video_missed_packets[VIDEO_REPEAT_ASKED], a->count);
}

/* What is given up costs a new picture, unless one has begun since. */
static void missing_request(struct worker *w, struct video_source *s, struct flow *f)
{
	struct losses_asked a;

	if (!losses_are_due(&s->losses, w->now_ns))
		return;
	losses_request(&s->losses, w->now_ns, AGAIN_NS(resend_rtt_ns(f)), &a);
	if (a.count)
		missing_send(w, f, s->ssrc, &a);
	if (!a.given_up)
		return;
	metric_add(w->metrics->video_missed_packets[VIDEO_GIVEN_UP], a.given_up);
	if (s->begun_ns < a.since_ns)
		keyframe_set_due(&s->ask);
}

static bool source_request_keyframe(struct worker *w, struct video_source *s, struct flow *f)
{
	missing_request(w, s, f);
	return keyframe_is_due(&s->ask, w->now_ns) && keyframe_request(w, f, s->ssrc);
}

/* Requests that are too early are repeated by the next review. */
uint32_t video_requests_send(struct worker *w, struct room_video *p)
{
	uint32_t done = 1;

	for (uint32_t i = 0; i < p->end; i++) {
		struct member_video *m = p->list[i];

		for (uint8_t k = 0; m && k < (uint8_t)MEDIA_LAYERS_MAX; k++)
			if (m->layers[k].received_ns)
				done += source_request_keyframe(w, &m->layers[k],
								&w->flows.list[m->slot]);
	}
	p->asks = false;
	return done;
}
