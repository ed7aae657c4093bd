/* SPDX-License-Identifier: Apache-2.0 */
/* Packets for a party that is to hear a tone: taken, mixed, made. */
#include <string.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "engine/flow/source.h"
#include "engine/job/overlay_voice.h"
#include "engine/walk/originate.h"
#include "engine/walk/worker.h"
#include "media/rtp/rtp_parse.h"

/* ---- what is relayed ---- */

static bool is_heard_with(const struct overlay *o)
{
	return o->phase == OVERLAY_SOUNDS || o->phase == OVERLAY_TRAILS;
}

static void overlay_keep(struct overlay *o, const struct pkt *p)
{
	struct overlay_packet *k = &o->packets[(o->first + o->count++) % OVERLAY_PACKETS_MAX];

	k->silent = !is_heard_with(o);
	k->numbering = p->peer->numbering;
	k->payload_at = p->payload_at;
	k->length = (uint16_t)(p->payload_at + p->payload_length);
	memcpy(k->octets, p->data, k->length);
	k->octets[0] &= (uint8_t)~RTP_PADDING_BIT;
}

/* A codec that is not spoken: in its place the tone alone, where that has the same clock. */
static enum verdict packet_replace(struct worker *w, struct overlay *o, struct pkt *p)
{
	struct overlay_line *l = &w->overlays;
	const struct media_taken *t = &o->taken[0];
	struct overlay_voice *v;
	uint32_t n, octets;

	if (o->phase != OVERLAY_SOUNDS)
		return VERDICT_RELAY;
	if (o->taken_count == 0 || !overlay_voice_take(o, t->codec) ||
	    o->voice->clock_hz != p->clock_hz) {
		metric_add(w->metrics->tones_missed, 1);
		return VERDICT_RELAY;
	}
	v = o->voice;
	n = v->rate / 1000 * OVERLAY_PACKET_MS;
	memset(l->pcm, 0, n * sizeof(l->pcm[0]));
	overlay_mix(o, be32_get(p->data + 4),
		    (struct overlay_samples){ l->pcm, n, v->rate, v->clock_hz });
	octets = overlay_voice_encode(l, v, n);
	if (octets == 0 || p->payload_at + octets > PACKET_MAX)
		return VERDICT_RELAY;
	flow_uncount_out(p->peer, p->length, p->payload_length);
	memcpy(p->data + p->payload_at, l->octets, octets);
	p->data[0] &= (uint8_t)~RTP_PADDING_BIT;
	p->data[1] = (uint8_t)((p->data[1] & ~0x7f) | t->payload_type);
	p->payload_length = (uint16_t)octets;
	p->length = (uint16_t)(p->payload_at + octets);
	p->tail_known = 0;
	flow_count_out(p->peer, p->length, p->payload_length);
	return VERDICT_RELAY;
}

enum verdict overlay_take(struct worker *w, struct pkt *p)
{
	struct overlay *o = overlay_of(w, p->peer);
	uint8_t codec = overlay_codec_of(o, p->data[1] & 0x7f);

	if (o->phase == OVERLAY_RESTS || p->payload_length == 0)
		return VERDICT_RELAY;
	o->received_ns = w->batch.now_ns;
	o->makes = false;
	if (codec == MEDIA_CODECS)
		return packet_replace(w, o, p);
	if (p->payload_at + p->payload_length > OVERLAY_OCTETS_MAX ||
	    !overlay_voice_take(o, codec) || o->count == OVERLAY_PACKETS_MAX)
		return VERDICT_RELAY;
	overlay_keep(o, p);
	job_line_put(&w->overlays.line, &o->place);
	if (!is_heard_with(o))
		return VERDICT_RELAY;
	flow_uncount_out(p->peer, p->length, p->payload_length);
	return VERDICT_TRANSCODED;
}

/* ---- turns ---- */

static bool overlay_is_open(const struct flow *f)
{
	return f->send == FLOW_SEND && flow_rtp_to(f) && (!(f->secure & SECURE_OUT) || f->srtp_out);
}

/* One packet: with the tone, or as it came. */
static void packet_mix(struct worker *w, struct overlay *o, struct flow *f)
{
	struct overlay_packet *k = &o->packets[o->first];
	struct bytes payload = bytes_mem(k->octets + k->payload_at, k->length - k->payload_at);
	uint32_t n = overlay_voice_mix(w, o, payload, be32_get(k->octets + 4), !k->silent);

	o->count--;
	o->first = o->count ? (o->first + 1) % OVERLAY_PACKETS_MAX : 0;
	if (k->silent)
		return;
	if (n > 0 && k->payload_at + n <= OVERLAY_OCTETS_MAX) {
		memcpy(k->octets + k->payload_at, w->overlays.octets, n);
		k->length = (uint16_t)(k->payload_at + n);
	}
	if (overlay_is_open(f) && k->numbering == f->numbering &&
	    originate_relayed(w, f, bytes_mem(k->octets, k->length),
			      (uint16_t)(k->length - k->payload_at)))
		metric_add(n > 0 ? w->metrics->tones_mixed : w->metrics->tones_missed, 1);
}

void overlay_drain(struct worker *w, struct flow *f)
{
	struct overlay *o = overlay_of(w, f);

	while (o && o->count > 0)
		packet_mix(w, o, f);
	originate_flush(w);
}

static struct overlay *overlay_first(const struct overlay_line *l)
{
	return CONTAINER_OF(l->line.first, struct overlay, place);
}

void overlay_turn(struct worker *w)
{
	struct overlay_line *l = &w->overlays;
	uint32_t done_ns = 0;

	while (l->line.first &&
	       (done_ns == 0 || done_ns + overlay_first(l)->voice->cost_ns <= OVERLAY_SLICE_NS)) {
		struct overlay *o = CONTAINER_OF(job_line_take(&l->line), struct overlay, place);

		done_ns += o->voice->cost_ns;
		packet_mix(w, o, &w->flows.list[o->slot]);
		if (o->count > 0)
			job_line_put(&l->line, &o->place);
		else if (o->phase == OVERLAY_RESTS)
			overlay_voice_give(o);
	}
}

/* ---- what is made by others ---- */

void overlay_add(struct worker *w, struct flow *f, uint32_t timestamp, struct overlay_samples s)
{
	struct overlay *o = overlay_of(w, f);

	o->received_ns = w->now_ns;
	o->makes = false;
	if (!is_heard_with(o))
		return;
	overlay_mix(o, timestamp, s);
	metric_add(w->metrics->tones_mixed, 1);
}

void overlay_hear(struct worker *w, struct flow *f, struct made_rtp *rtp)
{
	struct overlay *o = overlay_of(w, f);
	bool sounds = is_heard_with(o);
	uint32_t n = 0;

	o->received_ns = w->now_ns;
	o->makes = false;
	if (o->phase == OVERLAY_RESTS)
		return;
	if (overlay_voice_take(o, overlay_codec_of(o, rtp->payload_type)))
		n = overlay_voice_mix(w, o, rtp->payload, rtp->timestamp, sounds);
	if (!sounds)
		return;
	metric_add(n > 0 ? w->metrics->tones_mixed : w->metrics->tones_missed, 1);
	if (n > 0)
		rtp->payload = bytes_mem(w->overlays.octets, n);
}

/* ---- what nobody makes ---- */

/* The codec in which the party hears its stream now, by its clock; NULL: none that we speak. */
static const struct media_taken *taken_now(const struct overlay *o, const struct flow *f)
{
	for (uint8_t i = 0; i < o->taken_count; i++) {
		const struct media_taken *t = &o->taken[i];
		bool spoken = o->voice && o->voice->codec == t->codec;

		if (!f->sink.started || f->sink.clock_hz == 0 || spoken ||
		    f->sink.clock_hz == media_codec_facts(t->codec)->clock_hz)
			return t;
	}
	return NULL;
}

static uint32_t made_timestamp(const struct worker *w, const struct overlay *o,
			       const struct flow *f, uint32_t clock_hz)
{
	if (o->makes && o->made_sequence == f->sink.sequence)
		return f->sink.timestamp + clock_hz / 1000 * OVERLAY_PACKET_MS;
	return sink_timestamp_anew(&f->sink, MEDIA_AUDIO, clock_hz, w->now_ns);
}

static void packet_make(struct worker *w, struct overlay *o, struct flow *f,
			const struct media_taken *t)
{
	struct overlay_line *l = &w->overlays;
	struct overlay_voice *v = o->voice;
	struct overlay_samples s = { l->pcm, v->rate / 1000 * OVERLAY_PACKET_MS, v->rate,
				     v->clock_hz };
	struct made_rtp rtp = { .payload_type = t->payload_type, .clock_hz = v->clock_hz };
	uint32_t n;

	overlay_tone_render(o, o->made_ms, s);
	n = overlay_voice_encode(l, v, s.n);
	originate_begin(w, f, v->clock_hz);
	rtp.marker = !o->makes;
	rtp.timestamp = made_timestamp(w, o, f, v->clock_hz);
	rtp.payload = bytes_mem(l->octets, n);
	if (n == 0 || !originate_rtp(w, f, &rtp))
		return;
	o->makes = true;
	o->made_sequence = f->sink.sequence;
	metric_add(w->metrics->tones_made, 1);
}

void overlay_tick(struct worker *w, struct overlay *o, struct flow *f)
{
	const struct media_taken *t = taken_now(o, f);
	bool quiet = w->now_ns - o->received_ns >= OVERLAY_QUIET_MS * NS_PER_MS;

	if (!quiet || !overlay_is_open(f) || f->making & MAKING_DIGIT || !flow_has_received(f))
		return;
	if (t && overlay_voice_take(o, t->codec))
		packet_make(w, o, f, t);
	else
		metric_add(w->metrics->tones_missed, 1);
}
