/* SPDX-License-Identifier: Apache-2.0 */
/* What comes of pictures, and what is said of them. */
#include <string.h>

#include "engine/job/room_picture.h"
#include "engine/job/turn.h"
#include "engine/walk/worker.h"

/* Its format; VIDEO_NONE: one that cannot be shown to others. */
static uint8_t pkt_format(const struct pkt *p)
{
	uint8_t rule = p->flow->rule_of[p->payload_type % PAYLOAD_TYPES];

	return rule == PAYLOAD_NONE ? VIDEO_NONE : p->flow->rule_codecs[rule];
}

/* Under its SSRC, too, numbers that jump are of another stream. */
static bool source_goes_on(const struct video_source *s, const struct pkt *k, uint8_t format)
{
	int16_t ahead = (int16_t)(k->sequence - s->sequence);

	return s->received_ns && s->ssrc == k->ssrc && s->format == format &&
	       ahead <= (int)SEQ_DROPOUT_MAX && ahead >= -(int)SEQ_MISORDER_MAX;
}

/* A browser pads its stream to find its bandwidth: such a packet has a number of it, and begins none. */
static bool source_is_of(const struct video_source *s, const struct pkt *k, uint8_t format)
{
	return source_goes_on(s, k, format == VIDEO_NONE ? s->format : format);
}

static void source_begin(struct room_video *p, struct video_source *s, const struct pkt *k,
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
	keyframe_want(&s->ask);
	p->asks = true;
}

/* Of a source that sends nothing again, or that nobody sees, nothing is missed. */
static void losses_follow(struct room_video *p, struct video_source *s, const struct pkt *k,
			  uint64_t now_ns)
{
	if (!k->flow->nack || s->watchers == 0) {
		losses_forget(&s->losses);
		return;
	}
	if (!losses_note(&s->losses, s->sequence, k->sequence, now_ns))
		keyframe_want(&s->ask);
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

/* Another stream: who sees it begins anew. False as source_follows. */
static bool source_note(struct room_video *p, struct video_source *s, const struct pkt *k,
			uint8_t format, uint64_t now_ns)
{
	bool follows = true;

	if (!s->received_ns || now_ns > s->received_ns + VIDEO_SILENT_MS * NS_PER_MS)
		p->review_ns = 0;
	if (!source_goes_on(s, k, format))
		source_begin(p, s, k, format);
	else
		follows = source_follows(p, s, k, now_ns);
	s->received_ns = now_ns;
	layer_rate_note(&s->rate, k->payload_length);
	return follows;
}

/* Whoever begins with a late packet, or behind one that is missing, may have half a picture. */
static bool source_begins(struct video_source *s, const struct pkt *k, bool follows)
{
	struct bytes payload = bytes_mem(k->data + k->payload_at, k->payload_length);
	bool begins =
		follows ? keyframe_begins(s->format, payload)
			: k->sequence == s->sequence && keyframe_begins_alone(s->format, payload);

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

static enum verdict video_take(struct room_video *p, struct video_pick from, const struct pkt *k,
			       bool follows)
{
	struct video_source *s = video_source_of(p, from);
	struct vp8_head vp8 = vp8_note(s, k);

	if (s->watchers == 0)
		return VERDICT_ALONE;
	if (p->count == VIDEO_RING || k->payload_length > VIDEO_OCTETS)
		return VERDICT_JOB_FULL;
	ring_put(p, from, k, &vp8, k->payload_length && source_begins(s, k, follows));
	return VERDICT_ALONE;
}

static void video_heard(struct member_video *m, uint8_t layer, bool ends, uint64_t now_ns)
{
	m->received_ns = now_ns;
	m->ends += ends;
	m->layers[layer].ends_then = m->ends;
}

enum verdict room_video_take(struct worker *w, struct job *j, const struct pkt *k)
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
	video_heard(m, from.layer, k->marker, now_ns);
	video_flow_follow(k->flow, m, k->ssrc, now_ns);
	if (video_review_is_due(p, now_ns))
		video_review(w, j);
	v = video_take(p, from, k, follows);
	if (video_is_waiting(p, now_ns))
		turn_want(&w->jobs, j);
	return v;
}

bool room_video_asked(struct worker *w, struct job *j, const struct flow *f, struct bytes rtcp)
{
	struct room_video *p = ((struct room *)j->work)->video;
	struct video_pick from;

	if (!f->listener.video || !keyframe_is_requested(rtcp, f->ssrc_out))
		return false;
	from = p->list[f->listener.member - 1]->view.from;
	if (from.member == FLOOR_NOBODY)
		return true;
	keyframe_want(&video_source_of(p, from)->ask);
	p->asks = true;
	turn_want(&w->jobs, j);
	return true;
}
