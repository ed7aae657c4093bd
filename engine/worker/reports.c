/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/worker/reports.h"

#include "base/clock.h"
#include "engine/worker/originate.h"
#include "engine/worker/source.h"
#include "engine/worker/worker.h"
#include "media/rtp/rtcp_write.h"

enum { DELAY_HZ = 65536 };

static uint32_t middle_of(uint64_t ntp)
{
	return (uint32_t)(ntp >> 16);
}

/* ---- what is said to us ---- */

static void block_read(struct flow *f, const struct rtcp_block *b, uint64_t now_ns)
{
	struct reports *r = &f->reports;
	uint64_t delay_ns = b->delay * NS_PER_S / DELAY_HZ;
	uint32_t clock_hz = f->sink.clock_hz;

	f->stats.remote_lost = b->lost > 0 ? (uint32_t)b->lost : 0;
	f->detail.reported_loss = b->fraction_lost;
	f->detail.reported_ns = now_ns;
	if (clock_hz)
		f->stats.remote_jitter_us = (uint32_t)((uint64_t)b->jitter * 1000000 / clock_hz);
	if (b->last_sr != 0 && b->last_sr == r->sr_out && now_ns - r->sr_out_ns >= delay_ns)
		f->stats.rtt_us = (uint32_t)((now_ns - r->sr_out_ns - delay_ns) / NS_PER_US);
}

void reports_read(struct flow *f, struct bytes rtcp, uint64_t now_ns)
{
	struct rtcp_packet packet;
	struct rtcp_block block;

	while (rtcp_next(&rtcp, &packet)) {
		if (packet.type == RTCP_TYPE_SR) {
			f->reports.sr_in = middle_of(rtcp_sender_info(&packet).ntp);
			f->reports.sr_in_ns = now_ns;
		}
		for (uint8_t i = 0; rtcp_block(&packet, i, &block); i++)
			if (block.ssrc == f->ssrc_out)
				block_read(f, &block, now_ns);
	}
}

static void sr_sent(struct flow *f, uint64_t ntp, uint64_t now_ns)
{
	f->reports.sr_out = middle_of(ntp);
	f->reports.sr_out_ns = now_ns;
}

void reports_relayed(struct flow *f, struct bytes rtcp, uint64_t now_ns)
{
	struct rtcp_packet packet;

	f->reports.relayed_ns = now_ns;
	while (rtcp_next(&rtcp, &packet))
		if (packet.type == RTCP_TYPE_SR)
			sr_sent(f, rtcp_sender_info(&packet).ntp, now_ns);
}

/* ---- what we say ---- */

/* RFC 3550 6.2, 6.3.1: 5 s, times 0.5 to 1.5, divided by e - 3/2. */
static uint64_t interval_ns(struct worker *w)
{
	uint64_t thousandths = 500 + rand_below(&w->rand, 1001);

	return 5 * NS_PER_S * thousandths / 1218;
}

/* The same in all m-lines of a leg, and told to nobody else (RFC 7022 4.2). */
static void cname_write(const struct worker *w, const struct flow *f, char out[RTCP_CNAME_LEN])
{
	static const char BASE64[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t in[10] = { 0 };
	uint64_t half = 0;

	be64_put(in, f->call);
	in[8] = f->leg;
	for (size_t i = 0; i < RTCP_CNAME_LEN; i++) {
		if (i % 8 == 0) {
			in[9] = (uint8_t)i;
			half = hash_sip(&w->cname_key, bytes_mem(in, sizeof(in)));
		}
		out[i] = BASE64[half % 64];
		half /= 64;
	}
}

static struct rtcp_block report_block_of(struct flow *f, uint64_t now_ns)
{
	const struct reports *r = &f->reports;
	uint32_t lost = seq_lost_24(&f->count);

	return (struct rtcp_block){
		.ssrc = f->count_ssrc,
		.fraction_lost = seq_fraction_lost(&f->count),
		.lost = (int32_t)(lost << 8) >> 8,
		.extended_highest = seq_extended_highest(&f->count),
		.jitter = jitter_timestamp_units(&f->jitter),
		.last_sr = r->sr_in,
		.delay = r->sr_in ? (uint32_t)((now_ns - r->sr_in_ns) / NS_PER_US * DELAY_HZ /
					       1000000)
				  : 0,
	};
}

struct bytes reports_empty(const struct worker *w, const struct flow *f, uint8_t *out)
{
	struct rtcp_report report = { .ssrc = f->ssrc_out };

	cname_write(w, f, report.cname);
	return rtcp_report_write(out, &report);
}

static void report_send(struct worker *w, struct flow *f, uint64_t now_ns)
{
	struct reports *r = &f->reports;
	struct rtcp_report report = { .ssrc = f->ssrc_out,
				      .sends = f->sink.packets != r->packets_sent,
				      .hears = f->received.packets != r->packets_received };
	uint8_t memory[RTCP_REPORT_MAX];

	if (report.sends)
		report.info =
			(struct rtcp_sender_info){ .ntp = rtcp_ntp(clock_utc_ms()),
						   .timestamp = sink_timestamp(&f->sink, now_ns),
						   .packets = f->sink.packets,
						   .octets = f->sink.octets };
	if (report.hears)
		report.block = report_block_of(f, now_ns);
	cname_write(w, f, report.cname);
	if (!originate_rtcp(w, f, rtcp_report_write(memory, &report)))
		return;
	if (report.sends)
		sr_sent(f, report.info.ntp, now_ns);
	r->packets_sent = f->sink.packets;
	r->packets_received = f->received.packets;
}

void reports_tick(struct worker *w, struct flow *f, uint64_t now_ns)
{
	struct reports *r = &f->reports;

	if (f->kind == MEDIA_OPAQUE) /* it has none, or the parties' own */
		return;
	if (r->due_ns == 0)
		r->due_ns = now_ns + interval_ns(w);
	if (now_ns < r->due_ns)
		return;
	r->due_ns = now_ns + interval_ns(w);
	if (now_ns - r->relayed_ns < REPORTS_AFTER_NS ||
	    (!f->sink.started && f->received.packets == 0))
		return;
	report_send(w, f, now_ns);
}
