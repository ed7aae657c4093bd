/* SPDX-License-Identifier: Apache-2.0 */
/* What parties see. */
#include "engine/flow/source.h"
#include "engine/job/room_picture.h"
#include "engine/walk/event.h"
#include "engine/walk/originate.h"
#include "engine/walk/worker.h"

bool pictures_wait(const struct room_pictures *p)
{
	return p && (p->count > 0 || p->asks);
}

/* ---- packets ---- */

/* Under which number it takes that; PAYLOAD_NONE: it does not. The very format goes before one that will do. */
static uint8_t type_taken(const struct flow *f, uint8_t format)
{
	uint8_t found = PAYLOAD_NONE;

	for (uint8_t i = 0; i < f->taken_count; i++) {
		if (f->taken[i].codec == format)
			return f->taken[i].payload_type;
		if (found == PAYLOAD_NONE && picture_is_taken(f->taken[i].codec, format))
			found = f->taken[i].payload_type;
	}
	return found;
}

static bool flow_sees(struct worker *w, struct flow *f)
{
	if (!f->send || !flow_rtp_to(f) || (f->secure & SECURE_OUT && !f->srtp_out))
		return false;
	return flow_is_heard(f) || trickle_take(f, w->now_ns);
}

/* Behind all that was sent before, as far on as time is. */
static void view_begin(struct worker *w, struct room_pictures *p, uint32_t view,
		       const struct picture_packet *k)
{
	struct picture_view *v = &p->list[view]->view;
	struct flow *f = &w->flows.list[p->list[view]->slot];

	originate_begin(w, f, PICTURE_HZ);
	f->sink.feeder = (struct flow_id){ 0 };
	f->sink.units = PICTURE_UNITS;
	f->listener.begun = 1;
	f->notice = 1;
	v->epoch = k->epoch;
	v->first = k->sequence;
	v->sequence_offset = (uint16_t)(f->sink.sequence + 1 - k->sequence);
	v->timestamp_offset =
		sink_timestamp_anew(&f->sink, MEDIA_VIDEO, PICTURE_HZ, w->now_ns) - k->timestamp;
	picture_view_go(p, view, k->from);
}

enum { FIRST_FAR = 1 << 14, FIRST_NEAR = 1 << 13 };

static bool view_is_reached(struct picture_view *v, uint16_t sequence)
{
	uint16_t ahead = (uint16_t)(sequence - v->first);

	if (ahead >= 1U << 15)
		return false;
	if (ahead > FIRST_FAR)
		v->first = (uint16_t)(sequence - FIRST_NEAR);
	return true;
}

/* The packet is of what the view has, or it goes over to that with it. */
static bool view_has(struct worker *w, struct room_pictures *p, uint32_t view,
		     const struct picture_packet *k)
{
	struct picture_view *v = &p->list[view]->view;

	if (v->from == k->from && v->epoch == k->epoch)
		return view_is_reached(v, k->sequence);
	if (v->wants != k->from)
		return false;
	if (!k->begins) {
		picture_ask_want(&p->list[k->from]->source.ask);
		p->asks = true;
		return false;
	}
	view_begin(w, p, view, k);
	return true;
}

static void packet_show(struct worker *w, struct flow *f, const struct picture_view *v,
			struct picture_packet *k, uint8_t payload_type)
{
	uint16_t sequence = (uint16_t)(k->sequence + v->sequence_offset);
	uint32_t timestamp = k->timestamp + v->timestamp_offset;

	k->octets[0] = RTP_VERSION << 6;
	k->octets[1] = (uint8_t)(k->marker << 7 | payload_type);
	be16_put(k->octets + 2, sequence);
	be32_put(k->octets + 4, timestamp);
	be32_put(k->octets + 8, f->ssrc_out);
	if (!originate_relayed(w, f, bytes_mem(k->octets, RTP_HEAD_LEN + k->length), k->length))
		return;
	sink_note(&f->sink, sequence, timestamp, PICTURE_HZ, w->now_ns);
	metric_add(w->metrics->pictures_shown, 1);
	if (UNLIKELY(f->notice))
		event_notice(w, f, w->now_ns);
}

/* It has it from a place on where a decoder may begin, when it sees again. */
static void picture_show(struct worker *w, struct room_pictures *p, uint32_t view,
			 struct picture_packet *k)
{
	struct picture *m = p->list[view];
	struct flow *f = &w->flows.list[m->slot];
	uint8_t payload_type;

	if (view == k->from || (m->view.from != k->from && m->view.wants != k->from))
		return;
	payload_type = type_taken(f, k->format);
	if (payload_type == PAYLOAD_NONE)
		return;
	if (!flow_sees(w, f)) {
		picture_view_go(p, view, FLOOR_NOBODY);
		return;
	}
	if (view_has(w, p, view, k))
		packet_show(w, f, &m->view, k, payload_type);
}

static void ring_next(struct room_pictures *p)
{
	p->first = (p->first + 1) % PICTURE_RING;
	p->count--;
	p->cursor = 0;
}

/* To as many views as there is time for. */
static uint32_t first_show(struct worker *w, struct room_pictures *p, uint32_t most)
{
	struct picture_packet *k = &p->ring[p->first];
	uint32_t done = 0;

	if (k->begins && p->cursor == 0 && k->from != FLOOR_NOBODY)
		picture_ask_came(&p->list[k->from]->source.ask);
	for (; p->cursor < p->end && k->from != FLOOR_NOBODY && done < most; p->cursor++) {
		if (p->list[p->cursor])
			picture_show(w, p, p->cursor, k);
		done++;
	}
	if (p->cursor >= p->end || k->from == FLOOR_NOBODY)
		ring_next(p);
	return done ? done : 1;
}

uint32_t room_pictures_turn(struct worker *w, struct job *j, uint32_t most)
{
	struct room_pictures *p = ((struct room *)j->work)->pictures;
	uint32_t done = 0;

	if (!p)
		return 0;
	while (p->count > 0 && done < most)
		done += first_show(w, p, most - done);
	if (p->asks && done < most)
		done += pictures_ask(w, p);
	return done;
}

bool room_pictures_wait(const struct room *r)
{
	return pictures_wait(r->pictures);
}
