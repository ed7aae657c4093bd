/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/flow/detail.h"

static_assert((int)VERDICT_COUNT <= (int)FLOW_DROPS_MAX, "a counter for each reason");

enum {
	TAG_80 = 10,
	TAG_32 = 4,
	LINEAR = 1,
	PACKED = 8
}; /* octets of a tag; units of a timestamp per octet */

/* Does this payload fill the time since the packet before, in a codec of 8000 or 1000 octets a second? */
static bool fills(uint32_t units, uint32_t octets)
{
	return octets > 0 && (units == octets * LINEAR || units == octets * PACKED);
}

/* Only two in sequence tell how much time is in one: what is plain among what should be sealed shows by its length. */
static void unauthentic(struct flow_detail *d, const struct pkt *p)
{
	uint32_t units = p->timestamp - d->auth_timestamp, octets = p->payload_length;

	if (p->kind != PKT_RTP)
		return;
	if (d->auth_started && p->sequence == (uint16_t)(d->auth_sequence + 1)) {
		if (fills(units, octets))
			d->auth_plain++;
		else if (octets > TAG_80 &&
			 (fills(units, octets - TAG_80) || fills(units, octets - TAG_32)))
			d->auth_sealed++;
	}
	d->auth_started = 1;
	d->auth_sequence = p->sequence;
	d->auth_timestamp = p->timestamp;
}

void detail_drop(struct flow *f, const struct pkt *p)
{
	struct flow_detail *d = &f->detail;

	d->drops[p->verdict]++;
	if (p->verdict == VERDICT_SOURCE_NOT_LATCHED)
		d->stranger = p->from;
	else if (p->verdict == VERDICT_PAYLOAD_TYPE)
		d->refused_type = p->payload_type;
	else if (p->verdict == VERDICT_SRTP_AUTH)
		unauthentic(d, p);
}

void detail_leave_source(struct flow *f, bool told, uint64_t now_ns)
{
	const struct addr *source = &flow_latch(f, CHANNEL_RTP)->source;
	struct flow_detail *d = &f->detail;

	if (source->family != ADDR_NONE)
		d->source_before = *source;
	if (told) {
		d->told_ns = now_ns;
	} else {
		d->moved_ns = now_ns;
		d->moves++;
	}
}

struct flow_detail detail_read(const struct flow *f, uint64_t now_ns)
{
	struct flow_detail d = f->detail;

	d.payload_type = f->source.clock_hz ? f->source.payload_type : PAYLOAD_NONE;
	d.sent_timestamp = f->sink.timestamp;
	d.sent_clock_hz = f->sink.clock_hz;
	d.now_ns = now_ns;
	d.expected_ns = f->listening_ns;
	d.received_ns = flow_latch(f, CHANNEL_RTP)->received_ns;
	d.received_rtcp_ns = flow_latch(f, CHANNEL_RTCP)->received_ns;
	return d;
}
