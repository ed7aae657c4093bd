/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers of a picture: whose packets are whose, and which of them a viewer has. A browser says the name of a layer until it hears from us that it
 * came, and then no more. So what comes without a name, of a source that is not known, takes a place that is free: behind a restart of the node all do.
 */
#include <string.h>

#include "engine/flow/bundle.h"
#include "engine/flow/source.h"
#include "engine/job/room_picture.h"
#include "engine/walk/worker.h"

/* ---- whose a packet is ---- */

/* Empty: it has none. */
static struct bytes rid_read(const struct pkt *k, uint8_t extension)
{
	struct rtp_head head;
	struct bytes rid = { 0 };

	if (k->data[0] & RTP_EXTENSION_BIT && !rtp_parse(&head, bytes_mem(k->data, k->length)))
		(void)rtp_element_find(&head, extension, &rid);
	return rid;
}

static uint8_t layer_named(const struct media_layers *layers, struct bytes rid)
{
	for (uint8_t i = 0; i < layers->count; i++)
		if (bytes_eq(rid, bytes_mem(layers->list[i].name, layers->list[i].length)))
			return i;
	return LAYER_NONE;
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

/* It was taken for another one before it said its name. */
static void layer_take_from_others(struct member_video *m, uint8_t layer, uint32_t ssrc)
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
			layer_take_from_others(m, found, k->ssrc);
		return found;
	}
	found = layer_with(m, k->ssrc);
	return found == LAYER_NONE && k->payload_length ? layer_free(m, now_ns) : found;
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

void video_layers_change(struct member_video *m, const struct media_layers *layers)
{
	if (layers_eq(&m->terms.layers, layers))
		return;
	for (uint8_t i = 0; i < (uint8_t)MEDIA_LAYERS_MAX; i++)
		m->layers[i].received_ns = 0;
}

/* ---- which one a viewer has ---- */

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

uint8_t video_layer_for(const struct room_video *p, const struct video_view *v, uint32_t most_kbps,
			uint32_t member, uint64_t now_ns)
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

void video_rates_read(struct member_video *m, uint64_t now_ns)
{
	for (uint8_t i = 0; i < m->terms.layers.count; i++)
		if (m->layers[i].received_ns)
			layer_rate_read(&m->layers[i].rate, now_ns);
}

/* ---- what its line bears ---- */

/* Of the layer that it has; 0: not known, or none is smaller. */
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

void video_limit_follow(const struct room_video *p, struct video_view *v, const struct flow *f)
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

/* ---- what the flow counts ---- */

void video_flow_follow(struct flow *f, const struct member_video *m, uint32_t ssrc, uint64_t now_ns)
{
	uint32_t counted = f->source.ssrc;

	if (counted == ssrc && f->source.started)
		return;
	for (uint8_t i = 0; f->source.started && i < m->terms.layers.count; i++)
		if (m->layers[i].ssrc == counted && !layer_is_silent(&m->layers[i], now_ns))
			return;
	source_hear(f, ssrc);
}
