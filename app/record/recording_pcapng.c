/* SPDX-License-Identifier: Apache-2.0 */
/* Packets as they were, deciphered, with RTCP and telephone events: inbound what the party says, outbound what it hears. */
#include "app/record/recording.h"
#include "base/clock.h"
#include "base/pcapng.h"
#include "media/tap.h"

/* What waits is written whole or not at all: a file has whole blocks. */
void pcapng_flush(struct recording *r, struct disk *d)
{
	struct bytes octets = writer_done(&r->pending);

	if (!octets.n)
		return;
	if (disk_file_write(d, &r->file, r->at, octets)) {
		r->at += octets.n;
	} else {
		r->unwritten_packets += r->pending_packets;
		r->pending_lost += r->pending_packets;
	}
	r->pending.n = 0;
	r->pending_packets = 0;
}

static void pcapng_room(struct recording *r, struct disk *d, size_t n)
{
	if (r->pending.n + n + PCAPNG_BLOCK_ROOM > r->pending.cap)
		pcapng_flush(r, d);
}

static uint64_t utc_of(const struct recording *r, uint64_t at_ns)
{
	return r->terms.begun_utc_ms * NS_PER_MS + (at_ns - r->begun_ns);
}

void pcapng_take(struct recording *r, struct disk *d, const struct tap_packet *p)
{
	struct pcapng_packet packet = { .utc_ns = utc_of(r, p->time_ns),
					.from = &p->from,
					.to = &p->to,
					.payload = tap_octets(p),
					.direction = p->side == TAP_FROM_PARTY ? PCAPNG_INBOUND
									       : PCAPNG_OUTBOUND };

	r->pending_lost += p->lost;
	if (packet.payload.n + 2 * PCAPNG_BLOCK_ROOM > r->pending.cap) {
		r->pending_lost++;
		r->unwritten_packets++;
		return;
	}
	pcapng_room(r, d, packet.payload.n);
	packet.lost = r->pending_lost;
	pcapng_packet(&r->pending, &packet);
	r->pending_lost = 0;
	r->pending_packets++;
	if (p->kind != TAP_RTCP)
		r->packets[p->side]++;
}

void pcapng_finish(struct recording *r, struct disk *d, uint64_t at_ns)
{
	struct pcapng_counts counts = { .utc_ns = utc_of(r, at_ns),
					.received = r->packets[0] + r->packets[1],
					.lost = r->unwritten_packets + r->untapped };

	pcapng_room(r, d, 0);
	pcapng_counts(&r->pending, &counts);
	pcapng_flush(r, d);
}
