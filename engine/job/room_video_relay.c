/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moves video packets from sources to views: takes them into a ring, notes gaps and key frames, and
 * sends each packet to all views of its source, renumbered into one stream per viewer. A view
 * switches only at a key frame, after the frame before has ended, so that decoders never see mixed
 * frames. The ring is worked off in slices, since a large room has many views.
 */

#include <string.h>

#include "engine/job/room_video.h"
#include "engine/worker/control.h"
#include "engine/worker/originate.h"
#include "engine/worker/source.h"
#include "engine/worker/worker.h"

bool video_is_waiting(const struct room_video *p, uint64_t now_ns)
{
	return p && (p->at < p->count || (p->count > 0 && now_ns >= p->held_ns) || p->asks);
}

/* ---- packets ---- */

/* The payload type for that format, an exact one before a compatible one; PAYLOAD_NONE: not
 * taken. */
static uint8_t type_accepted(const struct flow *f, uint8_t format)
{
	uint8_t found = PAYLOAD_NONE;

	for (uint8_t i = 0; i < f->accepted_count; i++) {
		if (f->accepted[i].codec == format)
			return f->accepted[i].payload_type;
		if (found == PAYLOAD_NONE && video_is_accepted(f->accepted[i].codec, format))
			found = f->accepted[i].payload_type;
	}
	return found;
}

static bool flow_sees(struct worker *w, struct flow *f)
{
	if (!f->send || !flow_rtp_to(f) || (f->secure & SECURE_OUT && !f->srtp_out))
		return false;
	return flow_has_received(f) || trickle_admit(f, w->now_ns);
}

/* Behind all that was sent before, as far on as time is. */
static void view_start(struct worker *w, struct room_video *p, uint32_t view,
		       const struct video_packet *k)
{
	struct video_view *v = &p->list[view]->view;
	struct flow *f = &w->flows.list[p->list[view]->slot];

	originate_start(w, f, VIDEO_HZ);
	f->sink.feeder = (struct flow_id){ 0 };
	f->sink.units = VIDEO_UNITS;
	f->listener.begun = 1;
	f->notice = 1;
	v->epoch = k->epoch;
	v->first = k->sequence;
	vp8_numbers_start(&v->vp8, &k->vp8);
	v->sequence_offset = (uint16_t)(f->sink.sequence + 1 - k->sequence);
	v->timestamp_offset =
		sink_timestamp_anew(&f->sink, MEDIA_VIDEO, VIDEO_HZ, w->now_ns) - k->timestamp;
	video_view_switch(p, view, k->from);
}

enum { FIRST_FAR = 1 << 14, FIRST_NEAR = 1 << 13 };

static bool view_is_reached(struct video_view *v, uint16_t sequence)
{
	uint16_t ahead = (uint16_t)(sequence - v->first);

	if (ahead >= 1U << 15)
		return false;
	if (ahead > FIRST_FAR)
		v->first = (uint16_t)(sequence - FIRST_NEAR);
	return true;
}

/* Whether the packet is of the view's source, or the view switches with it. */
static bool view_has(struct worker *w, struct room_video *p, uint32_t view,
		     const struct video_packet *k)
{
	struct video_view *v = &p->list[view]->view;

	if (video_pick_eq(v->from, k->from) && v->epoch == k->epoch)
		return view_is_reached(v, k->sequence);
	if (!video_pick_eq(v->wants, k->from))
		return false;
	if (!k->begins) {
		keyframe_set_due(&video_source_of(p, k->from)->ask);
		p->asks = true;
		return false;
	}
	view_start(w, p, view, k);
	return true;
}

static void packet_show(struct worker *w, struct flow *f, struct video_view *v,
			struct video_packet *k, uint8_t payload_type)
{
	uint16_t sequence = (uint16_t)(k->sequence + v->sequence_offset);
	uint32_t timestamp = k->timestamp + v->timestamp_offset;

	k->octets[0] = RTP_VERSION << 6;
	k->octets[1] = (uint8_t)(k->marker << 7 | payload_type);
	be16_put(k->octets + 2, sequence);
	be32_put(k->octets + 4, timestamp);
	be32_put(k->octets + 8, f->ssrc_out);
	vp8_numbers_write(&v->vp8, &k->vp8, k->octets + RTP_HEAD_LEN);
	if (!originate_relayed(w, f, bytes_mem(k->octets, RTP_HEAD_LEN + k->length), k->length))
		return;
	if ((int16_t)(sequence - f->sink.sequence) > 0)
		v->open_ns = k->marker ? 0 : w->now_ns;
	sink_note(&f->sink, sequence, timestamp, VIDEO_HZ, w->now_ns);
	v->sent++;
	metric_add(w->metrics->video_shown, 1);
	if (UNLIKELY(f->notice))
		event_flag(w, f, w->now_ns);
}

/* A number without a picture: later ones close up, so that no receiver misses it. Late packets from
 * before have no number. */
static void view_close_up(struct video_view *v, const struct sink *sink,
			  const struct video_packet *k)
{
	uint16_t sequence = (uint16_t)(k->sequence + v->sequence_offset);

	if (!video_pick_eq(v->from, k->from) || v->epoch != k->epoch ||
	    (int16_t)(sequence - sink->sequence) <= 0)
		return;
	v->sequence_offset--;
	v->first = (uint16_t)(k->sequence + 1);
}

/* It has it from a place on where a decoder may begin, when it sees again. */
static void video_show(struct worker *w, struct room_video *p, uint32_t view,
		       struct video_packet *k)
{
	struct member_video *m = p->list[view];
	struct flow *f = &w->flows.list[m->slot];
	uint8_t payload_type;

	if (view == k->from.member ||
	    (!video_pick_eq(m->view.from, k->from) && !video_pick_eq(m->view.wants, k->from)))
		return;
	if (k->length == 0) {
		view_close_up(&m->view, &f->sink, k);
		return;
	}
	payload_type = type_accepted(f, k->format);
	if (payload_type == PAYLOAD_NONE)
		return;
	if (!flow_sees(w, f)) {
		video_view_switch(p, view, VIDEO_PICK_NONE);
		return;
	}
	if (view_has(w, p, view, k))
		packet_show(w, f, &m->view, k, payload_type);
}

/* ---- a frame ends before the next source begins ---- */

/* It switches with that packet, within a picture of the other source that may still complete. */
static bool view_is_open(const struct room_video *p, const struct video_view *v,
			 const struct video_packet *k, uint64_t now_ns)
{
	return video_pick_eq(v->wants, k->from) && v->from.member != FLOOR_NOBODY &&
	       !video_pick_eq(v->from, k->from) && v->open_ns &&
	       now_ns < v->open_ns + VIDEO_END_NS && p->list[v->from.member];
}

/* Until when the packet has to wait; 0: it need not. */
static uint64_t packet_hold(const struct room_video *p, const struct video_packet *k,
			    uint64_t now_ns)
{
	uint64_t until_ns = 0;

	for (uint32_t i = 0; k->begins && i < p->end; i++) {
		const struct video_view *v = p->list[i] ? &p->list[i]->view : NULL;

		if (v && view_is_open(p, v, k, now_ns) && v->open_ns + VIDEO_END_NS > until_ns)
			until_ns = v->open_ns + VIDEO_END_NS;
	}
	return until_ns;
}

/* Of a source that waits all does. */
static bool packet_waits(struct room_video *p, const struct video_packet *k, uint64_t now_ns)
{
	struct video_source *s = video_source_of(p, k->from);
	uint64_t until_ns = s->held || p->cursor > 0 ? 0 : packet_hold(p, k, now_ns);

	if (until_ns) {
		p->held_ns = p->holds && p->held_ns < until_ns ? p->held_ns : until_ns;
		s->held = p->holds = true;
	}
	return s->held;
}

/* ---- the ring ---- */

static struct video_packet *ring_at(struct room_video *p, uint32_t i)
{
	return &p->ring[(p->first + i) % VIDEO_RING];
}

/* Those in front that all have. */
static void ring_trim(struct room_video *p)
{
	for (; p->count > 0 && ring_at(p, 0)->shown; p->count--) {
		p->first = (p->first + 1) % VIDEO_RING;
		p->at -= p->at > 0;
	}
}

static void ring_restart(struct room_video *p)
{
	for (uint32_t i = 0; p->holds && i < p->end; i++)
		for (uint8_t k = 0; p->list[i] && k < (uint8_t)MEDIA_LAYERS_MAX; k++)
			p->list[i]->layers[k].held = false;
	p->holds = false;
	p->at = p->cursor = 0;
}

/* What ends a picture may be what others wait for. */
static void ring_packet_end(struct room_video *p, struct video_packet *k)
{
	bool ends = k->marker && !k->shown;

	k->shown = true;
	p->cursor = 0;
	p->at++;
	if (p->holds && ends)
		ring_restart(p);
}

/* To as many views as there is time for. */
static uint32_t packet_show_all(struct worker *w, struct room_video *p, struct video_packet *k,
				uint32_t most)
{
	uint32_t done = 0;

	if (k->begins && p->cursor == 0)
		keyframe_came(&video_source_of(p, k->from)->ask);
	for (; p->cursor < p->end && done < most; p->cursor++) {
		if (p->list[p->cursor])
			video_show(w, p, p->cursor, k);
		done++;
	}
	if (p->cursor >= p->end)
		ring_packet_end(p, k);
	return done;
}

static uint32_t packet_turn(struct worker *w, struct room_video *p, uint32_t most)
{
	struct video_packet *k = ring_at(p, p->at);

	if (k->shown || k->from.member == FLOOR_NOBODY) {
		ring_packet_end(p, k);
		return 1;
	}
	if (!packet_waits(p, k, w->now_ns))
		return packet_show_all(w, p, k, most);
	p->at++;
	return 1;
}

/* Continues where time was up, or with packets that were held. */
static uint32_t ring_turn(struct worker *w, struct room_video *p, uint32_t most)
{
	uint32_t done = 0;

	if (p->at >= p->count)
		ring_restart(p);
	while (p->at < p->count && done < most)
		done += packet_turn(w, p, most - done);
	ring_trim(p);
	return done;
}

uint32_t room_video_turn(struct worker *w, struct job *j, uint32_t most)
{
	struct room_video *p = ((struct room *)j->work)->video;
	uint32_t done = 0;

	if (!p)
		return 0;
	if (p->count > 0)
		done = ring_turn(w, p, most);
	if (p->asks && done < most)
		done += video_requests_send(w, p);
	return done;
}

bool room_video_wait(const struct room *r, uint64_t now_ns)
{
	return video_is_waiting(r->video, now_ns);
}

/* Received video packets, and their RTCP. */

/* Its format; VIDEO_NONE: one that cannot be shown to others. */
static uint8_t pkt_format(const struct pkt *p)
{
	uint8_t rule = p->flow->rule_of[p->payload_type % PAYLOAD_TYPES];

	return rule == PAYLOAD_NONE ? VIDEO_NONE : p->flow->rule_codecs[rule];
}

/* Under its SSRC, too, numbers that jump are of another stream. */
static bool source_continues(const struct video_source *s, const struct pkt *k, uint8_t format)
{
	int16_t ahead = (int16_t)(k->sequence - s->sequence);

	return s->received_ns && s->ssrc == k->ssrc && s->format == format &&
	       ahead <= (int)SEQ_DROPOUT_MAX && ahead >= -(int)SEQ_MISORDER_MAX;
}

/* A browser's padding packets probe bandwidth: they take a number, and begin no picture. */
static bool source_is_of(const struct video_source *s, const struct pkt *k, uint8_t format)
{
	return source_continues(s, k, format == VIDEO_NONE ? s->format : format);
}

static void source_start(struct room_video *p, struct video_source *s, const struct pkt *k,
			 uint8_t format)
{
	s->epoch++;
	s->ssrc = k->ssrc;
	s->format = format;
	s->sequence = k->sequence;
	s->pixels = 0;
	s->rate = (struct layer_rate){ 0 };
	losses_forget(&s->losses);
	if (s->watchers == 0)
		return;
	keyframe_set_due(&s->ask);
	p->asks = true;
}

/* A source that paused, or without viewers, misses nothing. */
static void losses_follow(struct room_video *p, struct video_source *s, const struct pkt *k,
			  uint64_t now_ns)
{
	if (!k->flow->nack || s->watchers == 0) {
		losses_forget(&s->losses);
		return;
	}
	if (!losses_note(&s->losses, s->sequence, k->sequence, now_ns))
		keyframe_set_due(&s->ask);
	p->asks |= s->ask.wanted || losses_are_due(&s->losses, now_ns);
}

/* False: packets before it are missing, or it is late. */
static bool source_follows(struct room_video *p, struct video_source *s, const struct pkt *k,
			   uint64_t now_ns)
{
	int16_t ahead = (int16_t)(k->sequence - s->sequence);

	losses_follow(p, s, k, now_ns);
	if (ahead > 0)
		s->sequence = k->sequence;
	return ahead == 1;
}

/* Another stream: its views begin anew. False as source_follows. */
static bool source_note(struct room_video *p, struct video_source *s, const struct pkt *k,
			uint8_t format, uint64_t now_ns)
{
	bool follows = true;

	if (!s->received_ns || now_ns > s->received_ns + VIDEO_SILENT_MS * NS_PER_MS)
		p->review_ns = 0;
	if (!source_continues(s, k, format))
		source_start(p, s, k, format);
	else
		follows = source_follows(p, s, k, now_ns);
	s->received_ns = now_ns;
	layer_rate_note(&s->rate, k->payload_length);
	return follows;
}

/* A late packet, or one behind a gap, may be within a picture. */
static bool source_is_at_keyframe(struct video_source *s, const struct pkt *k, bool follows)
{
	struct bytes payload = bytes_mem(k->data + k->payload_at, k->payload_length);
	bool begins =
		follows ? video_is_keyframe(s->format, payload)
			: k->sequence == s->sequence && video_is_keyframe_alone(s->format, payload);

	if (begins)
		s->begun_ns = s->received_ns;
	return begins;
}

static void ring_put(struct room_video *p, struct video_pick from, const struct pkt *k,
		     const struct vp8_head *vp8, bool begins)
{
	struct video_packet *at = &p->ring[(p->first + p->count) % VIDEO_RING];
	const struct video_source *s = video_source_of(p, from);

	at->from = from;
	at->epoch = s->epoch;
	at->format = s->format;
	at->timestamp = k->timestamp;
	at->sequence = k->sequence;
	at->marker = k->marker;
	at->begins = begins;
	at->vp8 = *vp8;
	at->length = k->payload_length;
	memcpy(at->octets + RTP_HEAD_LEN, k->data + k->payload_at, k->payload_length);
	at->shown = false;
	p->count++;
}

/* Of VP8 alone. What others do not watch is looked at, too, for its size. */
static struct vp8_head vp8_note(struct video_source *s, const struct pkt *k)
{
	struct vp8_head h = { 0 };

	if (s->format == VIDEO_VP8)
		h = vp8_head_read(bytes_mem(k->data + k->payload_at, k->payload_length));
	s->pixels = h.pixels ? h.pixels : s->pixels;
	return h;
}

static enum verdict video_receive(struct room_video *p, struct video_pick from, const struct pkt *k,
				  bool follows)
{
	struct video_source *s = video_source_of(p, from);
	struct vp8_head vp8 = vp8_note(s, k);

	if (s->watchers == 0)
		return VERDICT_ALONE;
	if (p->count == VIDEO_RING || k->payload_length > VIDEO_OCTETS)
		return VERDICT_JOB_FULL;
	ring_put(p, from, k, &vp8, k->payload_length && source_is_at_keyframe(s, k, follows));
	return VERDICT_ALONE;
}

static void video_on_packet(struct member_video *m, uint8_t layer, bool ends, uint64_t now_ns)
{
	m->received_ns = now_ns;
	m->ends += ends;
	m->layers[layer].ends_then = m->ends;
}

enum verdict room_video_receive(struct worker *w, struct job *j, const struct pkt *k)
{
	struct room_video *p = ((struct room *)j->work)->video;
	struct video_pick from = { .member = k->flow->listener.member - 1 };
	uint64_t now_ns = w->batch.now_ns;
	uint8_t format = pkt_format(k);
	struct member_video *m;
	enum verdict v;
	bool follows;

	if (!k->flow->listener.member)
		return VERDICT_ALONE;
	m = p->list[from.member];
	from.layer = video_layer_of(m, k, now_ns);
	if (k->payload_length == 0 &&
	    (from.layer == LAYER_NONE || !source_is_of(&m->layers[from.layer], k, format)))
		return VERDICT_ALONE;
	if (format == VIDEO_NONE)
		return VERDICT_PAYLOAD_TYPE;
	if (from.layer == LAYER_NONE)
		return VERDICT_OTHER_LAYER;
	follows = source_note(p, &m->layers[from.layer], k, format, now_ns);
	video_on_packet(m, from.layer, k->marker, now_ns);
	video_flow_follow(k->flow, m, k->ssrc, now_ns);
	if (video_review_is_due(p, now_ns))
		video_review(w, j);
	v = video_receive(p, from, k, follows);
	if (video_is_waiting(p, now_ns))
		turn_queue(&w->jobs, j);
	return v;
}

bool room_video_on_feedback(struct worker *w, struct job *j, const struct flow *f,
			    struct bytes rtcp)
{
	struct room_video *p = ((struct room *)j->work)->video;
	struct video_pick from;

	if (!f->listener.video || !keyframe_is_requested(rtcp, f->ssrc_out))
		return false;
	from = p->list[f->listener.member - 1]->view.from;
	if (from.member == FLOOR_NOBODY)
		return true;
	keyframe_set_due(&video_source_of(p, from)->ask);
	p->asks = true;
	turn_queue(&w->jobs, j);
	return true;
}
