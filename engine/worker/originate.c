/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes packets for a party on behalf of digits, jobs, transcoders, reports and handshakes: takes a
 * buffer from the port, numbers RTP in the flow's one stream, and runs the batch through the last
 * stages (protect, out). Only called between two received batches. Made packets count like relayed
 * ones, and make the feeder's stream give way, so that no sequence number is used twice.
 */

#include "engine/worker/originate.h"

#include <string.h>

#include "engine/worker/control.h"
#include "engine/worker/source.h"
#include "engine/worker/stage.h"
#include "engine/worker/worker.h"
#include "media/rtp/rtp_parse.h"

void originate_flush(struct worker *w)
{
	if (UNLIKELY(w->flows.watched))
		capture_copy(w, &w->batch, CAPTURE_OUT_PLAIN);
	if (UNLIKELY(w->flows.tapped))
		leg_tap_out(w, &w->batch);
	protect_stage(w, &w->batch);
	resend_stage(w, &w->batch);
	if (UNLIKELY(w->flows.watched))
		capture_copy(w, &w->batch, CAPTURE_OUT_WIRE);
	out_stage(w, &w->batch);
}

/* The next packet of the batch, with a buffer. NULL: no buffer is free. */
static struct pkt *pkt_make(struct worker *w, struct flow *to, enum pkt_kind kind)
{
	struct pkt *p;

	if (w->batch.count == BATCH_MAX)
		originate_flush(w);
	p = &w->batch.list[w->batch.count];
	*p = (struct pkt){ .kind = (uint8_t)kind, .verdict = VERDICT_RELAY, .made = 1, .peer = to };
	if (!w->port->ops->lend(w->port, p))
		return NULL;
	w->batch.count++;
	w->batch.now_ns = w->now_ns;
	p->slot = to->id.slot;
	p->out_slot = to->out_slot;
	return p;
}

/* The first made packet is reported at once: after a kill no offset would tell such numbers. */
static void made_start(struct flow *to, uint32_t clock_hz)
{
	struct sink *k = &to->sink;

	if (k->made)
		return;
	k->made = 1;
	to->notice = 1;
	if (k->units == 0) {
		k->units = (uint16_t)(clock_hz / 50);
		to->noticed_ns = 0;
	}
}

void originate_start(struct worker *w, struct flow *to, uint32_t clock_hz)
{
	struct sink *k = &to->sink;

	made_start(to, clock_hz);
	if (k->started || sink_resume(k, w->now_ns))
		return;
	/* the upper half is left free: RFC 3711 3.3.1 counts roll-overs from 0 */
	if (!k->pinned)
		k->sequence = (uint16_t)rand_below(&w->rand, 1 << 15);
	k->timestamp = rand_u32_from(&w->rand);
	k->clock_hz = clock_hz;
	k->at_ns = w->now_ns;
	k->started = 1;
}

static void give_way(struct worker *w, struct flow *to)
{
	struct flow *feeder = flow_find(&w->flows, to->sink.feeder);

	if (feeder && feeder->source.feeding)
		source_yield(feeder);
	else
		to->sink.feeder = (struct flow_id){ 0 };
}

static void rtp_write(struct pkt *p, const struct flow *to, const struct made_rtp *rtp)
{
	assert(RTP_HEAD_LEN + rtp->payload.n <= PACKET_MAX);
	p->data[0] = RTP_VERSION << 6;
	p->data[1] = (uint8_t)(rtp->marker << 7 | rtp->payload_type);
	be16_put(p->data + 2, to->sink.sequence);
	be32_put(p->data + 4, rtp->timestamp);
	be32_put(p->data + 8, to->ssrc_out);
	memcpy(p->data + RTP_HEAD_LEN, rtp->payload.p, rtp->payload.n);
	p->length = (uint16_t)(RTP_HEAD_LEN + rtp->payload.n);
}

bool originate_rtp(struct worker *w, struct flow *to, const struct made_rtp *rtp)
{
	const struct addr *party = flow_rtp_to(to);
	struct pkt *p = party ? pkt_make(w, to, PKT_RTP) : NULL;

	assert(to->sink.started);
	if (!p)
		return false;
	p->to = party;
	p->out_channel = CHANNEL_RTP;
	p->unrecorded = rtp->unrecorded;
	give_way(w, to);
	sink_note(&to->sink, (uint16_t)(to->sink.sequence + 1), rtp->timestamp, rtp->clock_hz,
		  w->now_ns);
	rtp_write(p, to, rtp);
	flow_count_out(to, p->length, (uint16_t)rtp->payload.n);
	if (UNLIKELY(to->notice)) /* the party may send nothing */
		event_flag(w, to, w->now_ns);
	return true;
}

bool originate_relayed(struct worker *w, struct flow *to, struct bytes rtp, uint16_t payload)
{
	const struct addr *party = flow_rtp_to(to);
	struct pkt *p = party ? pkt_make(w, to, PKT_RTP) : NULL;

	if (!p)
		return false;
	assert(rtp.n <= PACKET_MAX);
	p->to = party;
	p->out_channel = CHANNEL_RTP;
	memcpy(p->data, rtp.p, rtp.n);
	p->length = (uint16_t)rtp.n;
	flow_count_out(to, p->length, payload);
	return true;
}

bool originate_rtcp(struct worker *w, struct flow *to, struct bytes rtcp)
{
	const struct addr *party = flow_rtcp_to(to);
	struct pkt *p = party ? pkt_make(w, to, PKT_RTCP) : NULL;

	if (!p)
		return false;
	assert(rtcp.n <= PACKET_MAX);
	p->to = party;
	p->out_channel = to->rtcp_mux ? CHANNEL_RTP : CHANNEL_RTCP;
	memcpy(p->data, rtcp.p, rtcp.n);
	p->length = (uint16_t)rtcp.n;
	to->stats.rtcp_out++;
	return true;
}

void originate_again_flush(struct worker *w)
{
	if (UNLIKELY(w->flows.watched))
		capture_copy(w, &w->batch, CAPTURE_OUT_WIRE);
	out_stage(w, &w->batch);
}

bool originate_again(struct worker *w, struct flow *to, struct bytes rtp)
{
	const struct addr *party = flow_rtp_to(to);
	struct pkt *p;

	if (w->batch.count == BATCH_MAX)
		originate_again_flush(w);
	p = party ? pkt_make(w, to, PKT_RTP) : NULL;
	if (!p)
		return false;
	assert(rtp.n <= PACKET_MAX);
	p->to = party;
	p->out_channel = CHANNEL_RTP;
	memcpy(p->data, rtp.p, rtp.n);
	p->length = (uint16_t)rtp.n;
	return true;
}

bool originate_datagram(struct worker *w, struct flow *to, enum pkt_kind kind,
			const struct addr *party, struct bytes datagram)
{
	struct pkt *p = pkt_make(w, to, kind);

	if (!p)
		return false;
	assert(datagram.n <= PACKET_MAX);
	p->from = *party; /* the address may be forgotten before the packet leaves */
	p->to = &p->from;
	p->out_channel = CHANNEL_RTP;
	memcpy(p->data, datagram.p, datagram.n);
	p->length = (uint16_t)datagram.n;
	return true;
}
