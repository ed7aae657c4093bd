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

/* A browser pads its stream to find its bandwidth: such a packet has a number of it, and begins none. */
static bool source_is_of(const struct picture_source *s, const struct pkt *k, uint8_t format)
{
	return source_goes_on(s, k, format == PICTURE_NONE ? s->format : format);
}

static void source_begin(struct room_pictures *p, struct picture *m, const struct pkt *k,
			 uint8_t format)
{
	m->source.epoch++;
	m->source.ssrc = k->ssrc;
	m->source.format = format;
	m->source.sequence = k->sequence;
	losses_forget(&m->source.losses);
	if (m->watchers == 0)
		return;
	picture_ask_want(&m->source.ask);
	p->asks = true;
}

/* Of a source that sends nothing again, or that nobody sees, nothing is missed. */
static void losses_follow(struct room_pictures *p, struct picture *m, const struct pkt *k,
			  uint64_t now_ns)
{
	struct picture_source *s = &m->source;

	if (!k->flow->nack || m->watchers == 0) {
		losses_forget(&s->losses);
		return;
	}
	if (!losses_note(&s->losses, s->sequence, k->sequence, now_ns))
		picture_ask_want(&s->ask);
	p->asks |= s->ask.wanted || losses_are_due(&s->losses, now_ns);
}

/* False: packets before it are missing, or it is late. */
static bool source_follows(struct room_pictures *p, struct picture *m, const struct pkt *k,
			   uint64_t now_ns)
{
	struct picture_source *s = &m->source;
	int16_t ahead = (int16_t)(k->sequence - s->sequence);

	losses_follow(p, m, k, now_ns);
	if (ahead > 0)
		s->sequence = k->sequence;
	return ahead == 1;
}

/* Another stream: who sees it begins anew. False as source_follows. */
static bool source_note(struct room_pictures *p, struct picture *m, const struct pkt *k,
			uint8_t format, uint64_t now_ns)
{
	struct picture_source *s = &m->source;
	bool follows = true;

	if (!s->heard_ns || now_ns > s->heard_ns + PICTURE_SILENT_MS * NS_PER_MS)
		p->review_ns = 0;
	if (!source_goes_on(s, k, format))
		source_begin(p, m, k, format);
	else
		follows = source_follows(p, m, k, now_ns);
	s->heard_ns = now_ns;
	return follows;
}

/* Whoever begins with a late packet, or behind one that is missing, may have half a picture. */
static bool source_begins(struct picture_source *s, const struct pkt *k, bool follows)
{
	struct bytes payload = bytes_mem(k->data + k->payload_at, k->payload_length);
	bool begins =
		follows ? picture_begins(s->format, payload)
			: k->sequence == s->sequence && picture_begins_alone(s->format, payload);

	if (begins)
		s->begun_ns = s->heard_ns;
	return begins;
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
	at->shown = false;
	p->count++;
}

static enum verdict picture_take(struct room_pictures *p, uint32_t index, const struct pkt *k,
				 bool follows)
{
	struct picture *m = p->list[index];

	if (m->watchers == 0)
		return VERDICT_ALONE;
	if (p->count == PICTURE_RING || k->payload_length > PICTURE_OCTETS)
		return VERDICT_JOB_FULL;
	ring_put(p, index, k, k->payload_length && source_begins(&m->source, k, follows));
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
	bool follows;

	if (!k->flow->listener.member)
		return VERDICT_ALONE;
	if (k->payload_length == 0 && !source_is_of(&p->list[index]->source, k, format))
		return VERDICT_ALONE;
	if (format == PICTURE_NONE)
		return VERDICT_PAYLOAD_TYPE;
	if (is_other_layer(&p->list[index]->source, k, now_ns))
		return VERDICT_OTHER_LAYER;
	follows = source_note(p, p->list[index], k, format, now_ns);
	if (pictures_are_due(p, now_ns))
		pictures_review(w, j);
	v = picture_take(p, index, k, follows);
	if (pictures_wait(p, now_ns))
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
