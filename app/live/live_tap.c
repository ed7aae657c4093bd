/* SPDX-License-Identifier: Apache-2.0 */
#include "app/live/live_tap.h"

#include <string.h>

#include "app/live/live_stream.h"
#include "media/rtp/rtp_parse.h"
#include "media/tap.h"

enum { PACKETS_EACH = 65536 };

void live_taps_open(struct live_taps *t, const struct live_settings *s)
{
	*t = (struct live_taps){ .read = s->read, .source = s->source };
}

static struct live_stream **tap_slot(struct live_taps *t, uint64_t call, uint8_t number)
{
	uint64_t h = (call ^ (uint64_t)number << 56) * UINT64_C(0x9e3779b97f4a7c15);

	return &t->slots[h >> 52 & (LIVE_TAP_SLOTS - 1)];
}

void live_taps_add(struct live_taps *t, struct live_stream *s)
{
	struct live_stream **slot = tap_slot(t, s->terms.call, s->terms.tap_number);

	s->tap_next = *slot;
	*slot = s;
	t->count++;
}

void live_taps_remove(struct live_taps *t, struct live_stream *s)
{
	struct live_stream **at = tap_slot(t, s->terms.call, s->terms.tap_number);

	while (*at && *at != s)
		at = &(*at)->tap_next;
	if (!*at)
		return;
	*at = s->tap_next;
	t->count--;
}

/* The channels are in the order of the sides. */
static uint32_t channel_of(const struct live_stream *s, uint8_t side)
{
	return side == TAP_TO_PARTY && s->terms.said;
}

static void packet_give(struct live_stream *s, const struct tap_packet *p)
{
	struct rtp_head h;

	if (rtp_parse(&h, tap_octets(p)))
		return;
	live_sound_put(&s->sound, channel_of(s, p->side),
		       &(struct live_packet){ .at_ns = p->time_ns,
					      .ssrc = h.ssrc,
					      .timestamp = h.timestamp,
					      .sequence = h.sequence,
					      .payload_type = h.payload_type,
					      .marker = h.marker,
					      .codec = (uint8_t)(p->codec - 1),
					      .payload = h.payload });
}

/* Of a stream that has ended some may still come. */
static void on_live_tapped(const struct tap_packet *p, void *arg)
{
	struct live_taps *t = arg;
	struct live_stream *s = *tap_slot(t, p->call, p->number);

	if (p->kind != TAP_SOUND || p->codec == 0)
		return;
	for (; s; s = s->tap_next) {
		if (s->terms.call != p->call || s->terms.tap_number != p->number)
			continue;
		if (p->side == TAP_FROM_PARTY ? s->terms.said : s->terms.heard)
			packet_give(s, p);
		return;
	}
}

void live_taps_read(struct live_taps *t)
{
	if (t->read)
		(void)t->read(t->source, PACKETS_EACH, on_live_tapped, t);
}
