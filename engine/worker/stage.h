/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stages of a packet's path in these files, in the order in which relay() calls them
 * (worker.c). Stages about a flow's state are with it.
 */
#ifndef ENGINE_WORKER_STAGE_H
#define ENGINE_WORKER_STAGE_H

#include "engine/worker/flow.h"

struct worker;

/*
 * Nearly all packets: RTP without anything odd, from the latched source, the next of its run, of
 * the party's first payload type, for a peer that is ready for it. Such a packet needs no decision,
 * so all that the stages from demux to measure would do is done here in one pass. A flow's packets
 * keep their order: the first odd one of a batch ends the pass, and the stages take it and the ones
 * behind.
 *
 * If any flow has keys, possibly ordinary packets at the front are decrypted first, all at once
 * (unprotect_front). One that turns out odd after that, or not authentic, goes to the stages with
 * the result: nothing is decrypted twice.
 *
 * Sets b->done, b->opened and b->notices.
 */
void ordinary_stage(struct worker *w, struct batch *b);

/* What each packet is: RTP with its head read, RTCP, STUN, DTLS, or nothing for us (RFC 7983, RFC
 * 5761). RTCP is only recognised here; rtcp_stage reads it. STUN and DTLS are not_rtp unless
 * ice_stage takes them. Drops: not_rtp, malformed. */
void demux_stage(struct worker *w, struct batch *b);

/* Packets of flows with a transport (flow_transport.h): checks are answered, all else is only
 * accepted from proven addresses. A binding request becomes its response, in its buffer, and
 * returns to its source. RTP and RTCP of a bundle get their flow (bundle.h). Drops: stun_malformed,
 * stun_auth, stun_ignored, ice_no_pair, wrong_port, media_line, payload_type. */
void ice_stage(struct worker *w, struct batch *b);

/* SRTP and SRTCP of parties with keys: authenticated, then accepted, then decrypted. Only authentic
 * packets move or keep a latch (latch.h), so a host without the key cannot hijack a call. Drops:
 * srtp_short, srtp_replay, srtp_auth, srtp_key, source_not_latched, malformed. */
void unprotect_stage(struct worker *w, struct batch *b);
/* So many packets at the front of a batch are RTP from their parties' latched sources, and no stage
 * before this one would change that. Those with keys are decrypted, all at once; the result stays
 * in the packet until it is accepted. */
void unprotect_front(struct worker *w, struct batch *b, uint32_t count);

/* RTP of one party as part of the one stream sent to the other party: our SSRC, a sequence without
 * breaks whatever source feeds it, the payload types that party knows. The head is rewritten in
 * place; payload, padding and CSRCs pass, and extensions if the other party may know them. Drops:
 * not_receiving, no_peer, not_sending, payload_type, no_destination. All other RTP is relayed. */
void rewrite_stage(struct worker *w, struct batch *b);

/* When a batch came, in units of the clock used last. */
struct arrival {
	uint64_t at_ns;
	uint32_t clock_hz; /* 0: no clock yet */
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

/* Counts relayed RTP: packets, loss and jitter of the source, digits (telephone-events, RFC 4733).
 * Decides nothing. Jitter is as exact as the batch: up to engine_settings.batch_wait_us. */
void measure_stage(struct worker *w, struct batch *b);

/* A party's packets to the job that it hears, if that kind of job takes them (engine/worker/job.h).
 * Nobody else gets them: the flow has no peer. Without such a job on the worker a batch costs one
 * test. Drops: alone (taken), and reasons why a job does not take it. */
void consume_stage(struct worker *w, struct batch *b);

/* RTCP of one party to the other, with the SSRCs, sequence numbers and timestamps that the other
 * knows. It continues during hold (RFC 3264 5.1). Drops: no_peer, no_destination, malformed,
 * unknown_ssrc, answered. All other RTCP is relayed. */
void rtcp_stage(struct worker *w, struct batch *b);

/* Flows of lines that are neither audio nor video: one party's packets leave for the other
 * unchanged, from port to port. The octets are not read, not even RTCP of the line. Drops as of
 * rewrite and rtcp. */
void opaque_stage(struct worker *w, struct batch *b);

/* Packets for a party with keys, relayed or made here, leave as SRTP and SRTCP, or not at all.
 * Tells control once per limit when few of the granted indexes are left. Drops: srtp_index,
 * srtp_index_reuse, srtp_key, too_long. */
void protect_stage(struct worker *w, struct batch *b);

/* Packets that one flow of this worker sends to another: a call over two shards of a node
 * (docs/adr/0009). They are handed over as if received, with everything counted, and without the
 * port and the kernel. Odd packets go by the port: to a flow of another worker, with keys or ICE,
 * and those made here. */

/* In one step. More is a circle of flows without a real party. */
enum { HANDS_MAX = 16 };

/* From that place in the batch on, moves relayed packets for flows of this worker to worker.handed,
 * which is empty. True: there were some. */
bool hand_over(struct worker *w, struct batch *b, uint32_t from);
/* What became of it is in the batch again: what leaves leaves from there. */
void hand_back(struct worker *w, struct batch *b);
/* From that place on, it is too often: dropped as a loop. */
void hand_refuse(struct worker *w, struct batch *b, uint32_t from);

/* The end of every packet: counts its verdict and gives its buffer back to the port, which sends
 * relayed ones. The only place where packets are dropped. The batch is empty afterwards. */
void out_stage(struct worker *w, struct batch *b);
/* The counting of it alone. */
void out_count(struct worker *w, const struct batch *b);

#endif
