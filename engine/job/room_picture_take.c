/* SPDX-License-Identifier: Apache-2.0 */
/* What comes of pictures, and what is said of them. */
#include <string.h>

#include "engine/flow/bundle.h"
#include "engine/job/room_picture.h"
#include "engine/job/turn.h"
#include "engine/walk/worker.h"

/* Its format; PICTURE_NONE: one that cannot be shown to others. */
static uint8_t pkt_format(const struct pkt *p)
{
	uint8_t rule = p->flow->rule_of[p->payload_type % PAYLOAD_TYPES];

	return rule == PAYLOAD_NONE ? PICTURE_NONE : p->flow->rule_codecs[rule];
}

/* Under its SSRC, too, numbers that jump are of another stream. */
static bool source_goes_on(const struct picture_source *s, const struct pkt *k, uint8_t format)
{
	int16_t ahead = (int16_t)(k->sequence - s->sequence);

	return s->heard_ns && s->ssrc == k->ssrc && s->format == format &&
	       ahead <= (int)SEQ_DROPOUT_MAX && ahead >= -(int)SEQ_MISORDER_MAX;
}

static void source_begin(struct room_pictures *p, struct picture *m, const struct pkt *k,
			 uint8_t format)
{
	m->source.epoch++;
	m->source.ssrc = k->ssrc;
	m->source.format = format;
	m->source.sequence = k->sequence;
	if (m->watchers == 0)
		return;
	picture_ask_want(&m->source.ask);
	p->asks = true;
}

/* Another stream: who sees it begins anew. */
static void source_note(struct room_pictures *p, struct picture *m, const struct pkt *k,
			uint8_t format, uint64_t now_ns)
{
	struct picture_source *s = &m->source;

	if (!s->heard_ns || now_ns > s->heard_ns + PICTURE_SILENT_MS * NS_PER_MS)
		p->review_ns = 0;
	if (!source_goes_on(s, k, format))
		source_begin(p, m, k, format);
	else if ((int16_t)(k->sequence - s->sequence) > 0)
		s->sequence = k->sequence;
	s->heard_ns = now_ns;
}

static void ring_put(struct room_pictures *p, uint32_t from, const struct pkt *k, bool begins)
{
	struct picture_packet *at = &p->ring[(p->first + p->count) % PICTURE_RING];
	const struct picture_source *s = &p->list[from]->source;

	at->from = from;
	at->epoch = s->epoch;
	at->format = s->format;
	at->timestamp = k->timestamp;
	at->sequence = k->sequence;
	at->marker = k->marker;
	at->begins = begins;
	at->length = k->payload_length;
	memcpy(at->octets + RTP_HEAD_LEN, k->data + k->payload_at, k->payload_length);
	p->count++;
}

static enum verdict picture_take(struct room_pictures *p, uint32_t index, const struct pkt *k)
{
	struct picture *m = p->list[index];
	struct bytes payload = bytes_mem(k->data + k->payload_at, k->payload_length);

	if (m->watchers == 0)
		return VERDICT_ALONE;
	if (p->count == PICTURE_RING || payload.n > PICTURE_OCTETS)
		return VERDICT_JOB_FULL;
	ring_put(p, index, k, picture_begins(m->source.format, payload));
	return VERDICT_ALONE;
}

/* A browser may send its picture in several sizes, each under an SSRC of its own: the first one is shown (RFC 8853). */
static bool is_other_layer(const struct picture_source *s, const struct pkt *k, uint64_t now_ns)
{
	return k->flow->transport && s->heard_ns && s->ssrc != k->ssrc &&
	       now_ns - s->heard_ns < LAYER_SILENCE_NS;
}

enum verdict room_picture_take(struct worker *w, struct job *j, const struct pkt *k)
{
	struct room_pictures *p = ((struct room *)j->work)->pictures;
	uint32_t index = k->flow->listener.member - 1;
	uint64_t now_ns = w->batch.now_ns;
	uint8_t format = pkt_format(k);
	enum verdict v;

	if (!k->flow->listener.member || k->payload_length == 0) /* a probe of the bandwidth */
		return VERDICT_ALONE;
	if (format == PICTURE_NONE)
		return VERDICT_PAYLOAD_TYPE;
	if (is_other_layer(&p->list[index]->source, k, now_ns))
		return VERDICT_OTHER_LAYER;
	source_note(p, p->list[index], k, format, now_ns);
	if (pictures_are_due(p, now_ns))
		pictures_review(w, j);
	v = picture_take(p, index, k);
	if (pictures_wait(p))
		turn_want(&w->jobs, j);
	return v;
}

bool room_picture_asked(struct worker *w, struct job *j, const struct flow *f, struct bytes rtcp)
{
	struct room_pictures *p = ((struct room *)j->work)->pictures;
	uint32_t from;

	if (f->kind != MEDIA_VIDEO || !f->listener.member ||
	    !picture_is_requested(rtcp, f->ssrc_out))
		return false;
	from = p->list[f->listener.member - 1]->view.from;
	if (from == FLOOR_NOBODY)
		return true;
	picture_ask_want(&p->list[from]->source.ask);
	p->asks = true;
	turn_want(&w->jobs, j);
	return true;
}
