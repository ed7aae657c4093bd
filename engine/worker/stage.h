/* SPDX-License-Identifier: Apache-2.0 */
/* The stages of a packet's walk that lie here, in the order in which relay() names them (worker.c). Those of a flow's state are with it. */
#ifndef ENGINE_WORKER_STAGE_H
#define ENGINE_WORKER_STAGE_H

#include "engine/worker/flow.h"

struct worker;

/*
 * What nearly all packets are: RTP without anything odd, from the latched source, the next of its run, of the party's first
 * payload type, for a peer that is ready for it. Nothing is to be decided about such a packet, so all that the stages from demux
 * to measure would do to it is done here in one pass. A flow's packets keep their order: the first odd one of a batch ends
 * the pass, and the stages take it and those behind it.
 *
 * Where any flow has keys, those at the front that could be ordinary are opened first, all at once (unprotect_front). One that turns
 * out odd after that, or not authentic, goes to the stages with what came of it: nothing is opened twice.
 *
 * Sets b->done, b->opened and b->notices.
 */
void ordinary_stage(struct worker *w, struct batch *b);

/* What each packet is: RTP with its head read, RTCP, STUN, DTLS, or nothing for us (RFC 7983, RFC 5761). RTCP is only told apart here;
 * rtcp_stage reads it. STUN and DTLS are not_rtp unless ice_stage takes them. Drops: not_rtp, malformed. */
void demux_stage(struct worker *w, struct batch *b);

/*
 * The packets of flows with a transport (flow_transport.h): checks are answered, all else is believed from proven addresses alone.
 * A binding request becomes its answer, in its buffer, and goes back to where it came from. RTP and RTCP of a bundle get their flow
 * (bundle.h). Drops: stun_malformed, stun_auth, stun_ignored, ice_no_pair, wrong_port, media_line, payload_type.
 */
void ice_stage(struct worker *w, struct batch *b);

/*
 * SRTP and SRTCP of parties that have agreed on keys: authenticated, then believed, then plain. Only what authenticates
 * moves a latch or keeps it (latch.h), so nobody can turn a call away who has not its key.
 * Drops: srtp_short, srtp_replay, srtp_auth, srtp_key, source_not_latched, malformed.
 */
void unprotect_stage(struct worker *w, struct batch *b);
/* So many at the front of a batch are RTP from where their parties are latched, and nothing that a stage does before this one
 * would change that. Those with keys are opened, all at once; what came of it is kept in the packet until it is believed. */
void unprotect_front(struct worker *w, struct batch *b, uint32_t count);

/*
 * RTP from one party as part of the one stream the other party hears from us: our SSRC, a sequence without breaks
 * whatever source feeds it, the payload types that party knows. The head is rewritten in place; the payload, its
 * padding and CSRCs pass, and extensions where the other party may know them.
 * Drops: not_receiving, no_peer, not_sending, payload_type, no_destination. Everything else that is RTP is relayed.
 */
void rewrite_stage(struct worker *w, struct batch *b);

/* When a batch came, by the clock that was asked for last. */
struct arrival {
	uint64_t at_ns;
	uint32_t clock_hz; /* 0: none was yet */
	uint32_t at;
};

static inline uint32_t arrival_by(struct arrival *a, uint32_t clock_hz)
{
	if (UNLIKELY(a->clock_hz != clock_hz)) {
		a->clock_hz = clock_hz;
		a->at = jitter_arrival(a->at_ns, clock_hz);
	}
	return a->at;
}

/* Counts relayed RTP: packets, loss and jitter of the source, digits (telephone events, RFC 4733). Decides nothing. Jitter is as exact as the
 * batch: up to engine_settings.batch_wait_us. */
void measure_stage(struct worker *w, struct batch *b);

/*
 * What a party says to the job that it hears, where that is of a kind that takes it (engine/worker/job.h). Nobody else is to get it: the flow
 * has no peer. A batch of a worker without such a job costs one test. Drops: alone (it was taken), and for what a job does not take it.
 */
void consume_stage(struct worker *w, struct batch *b);

/* RTCP from one party to the other, with the SSRCs, sequence numbers and timestamps that the other knows. It goes on during hold
 * (RFC 3264 5.1). Drops: no_peer, no_destination, malformed, unknown_ssrc, answered. All other RTCP is relayed. */
void rtcp_stage(struct worker *w, struct batch *b);

/* Flows of lines that are neither audio nor video: what comes of one party leaves for the other as it is, from port to port. The octets are
 * not read, RTCP of the line is no exception. Drops as of rewrite and rtcp. */
void opaque_stage(struct worker *w, struct batch *b);

/* What leaves for a party that has agreed on keys, relayed or made here, leaves as SRTP and SRTCP, or not at all. Tells control once per limit
 * when few of the granted indexes are left. Drops: srtp_index, srtp_index_reuse, srtp_key, too_long. */
void protect_stage(struct worker *w, struct batch *b);

/*
 * Packets that one flow of this worker sends to another: of a conversation over two shards of a node (docs/adr/0009). They are handed over
 * as if they had come by the wire, with all that is counted, and neither the port nor the kernel has any work with them. What is not
 * ordinary goes by the port: to a flow of another worker, with keys or ICE, and what is made here.
 */

/* In one step. More is a circle of flows that nobody is in. */
enum { HANDS_MAX = 16 };

/* Of what is relayed from that place in the batch on, moves what is for a flow of this worker to worker.handed, which is empty. True: something was. */
bool hand_over(struct worker *w, struct batch *b, uint32_t from);
/* What became of it is in the batch again: what leaves leaves from there. */
void hand_back(struct worker *w, struct batch *b);
/* From that place on, it is too often: dropped as a loop. */
void hand_refuse(struct worker *w, struct batch *b, uint32_t from);

/* The end of every packet: counts its verdict and gives its buffer back to the port, which sends what is relayed. The one place where packets
 * are dropped. The batch is empty afterwards. */
void out_stage(struct worker *w, struct batch *b);
/* The counting of it alone. */
void out_count(struct worker *w, const struct batch *b);

#endif
