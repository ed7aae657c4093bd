/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feedback about the media a party receives and sends (RFC 4585).
 *
 * Transport-wide feedback to a WebRTC party: when each of its numbered packets arrived
 * (media/rtp/transport_cc.h). One count per transport, for all flows of its bundle; the owner's
 * party gets it every FEEDBACK_NS while packets come.
 */
#ifndef ENGINE_WORKER_FEEDBACK_H
#define ENGINE_WORKER_FEEDBACK_H

#include "base/bytes.h"

#define FEEDBACK_NS UINT64_C(100000000)

struct batch;
struct feedback; /* of the owner of a transport */
struct flow;
struct flow_spec;
struct resend_ring;
struct worker;

/* Gives the owner one; without memory for it the party gets no feedback. */
void feedback_open(struct worker *w, const struct flow *owner);
void feedback_close(struct worker *w, const struct flow *owner);
/* Of a flow just opened or updated: with TRANSPORT_CC packets have arrival times of their own, not
 * that of the batch, which is late when the worker was. */
void feedback_stamp(struct worker *w, const struct flow *f);
/* Notes RTP of flows with TRANSPORT_CC, once it is authentic. Drops nothing. */
void feedback_stage(struct worker *w, struct batch *b);
/* Tells what was noted. */
void feedback_expire(struct worker *w, struct flow *owner);

/*
 * Video that left for a party with generic NACK (RFC 4585 6.2.1), stored for a moment as it left,
 * so that the same octets can leave again: a plain video phone mostly cannot repeat anything, and
 * need not learn of losses behind us. It is the earlier packet under its own SSRC and number, not
 * an RFC 4588 stream. For SRTP it is the ciphertext: no index is used, and a receiver of both
 * copies has one packet.
 *
 * Each worker has a pool of rings, reserved at its start and touched when used; a flow has one from
 * its open or update to its close or the end of the agreement. For flows without a ring NACKs are
 * relayed. All of it is the worker's own.
 */

enum {
	RESEND_RINGS = 128,   /* flows of a worker that have one */
	RESEND_KEPT = 128,    /* newest packets of each: a power of two */
	RESEND_OCTETS = 1472, /* longer ones, beyond an Ethernet frame, are not stored */
	RESEND_DUE = 256,     /* that leave again after one batch */
	RESEND_CREDIT = 64,
	RESEND_ASKED = 512, /* numbers of one datagram that are looked for */
};

/* Of a flow. */
struct resend {
	struct resend_ring *ring; /* NULL: without a ring */
	/* A stored packet earns one credit, a retransmission costs one, at most RESEND_CREDIT:
	 * so whatever a party asks for, or a forger in its name, it is sent at most twice the
	 * stream. */
	uint32_t credit;
};

struct resend_due {
	struct flow *flow; /* valid until the next command */
	uint16_t sequence;
};

struct resend_pool {
	struct resend_ring *list;
	uint32_t used; /* flows that have a ring */
	uint32_t free_count;
	/* The ring returned last is taken first: its memory is in use. */
	uint16_t free[RESEND_RINGS];
	uint32_t due_count;
	struct resend_due due[RESEND_DUE];
};

/* 0 or -ENOMEM. */
int resend_pool_open(struct resend_pool *pool) NODISCARD;
void resend_pool_close(struct resend_pool *pool);

/* At its open and update: whether its party sends NACKs. Before its close: false. */
void resend_set(struct worker *w, struct flow *f, bool agreed);
/* What was sent so far cannot be sent again: under other keys it is of no use. */
void resend_forget(struct flow *f);

/* Behind protect: keeps what leaves. */
void resend_stage(struct worker *w, const struct batch *b);
/* To the party and back, about. */
uint64_t resend_rtt_ns(const struct flow *f);
/* From the party's checked RTCP, in place: marks what it misses, and removes from its NACKs what we
 * have. *n may become 0. */
void resend_on_nack(struct worker *w, struct flow *f, uint8_t *rtcp, size_t *n);
/* Sends the marked packets. Between two received batches, and before commands are applied. */
void resend_flush(struct worker *w);

/* Asks a party for a key frame: by rooms (engine/job/room_video.h), and when another party begins
 * to see it, after a transfer, or when a conference becomes a call of two again. A party that sends
 * nothing yet is not asked. */

/* By PLI (RFC 4585 6.3.1), or FIR (RFC 5104 4.3.1) for a party without PLI, for its stream
 * `source`. False: its address is unknown, or no buffer is free. */
bool keyframe_request(struct worker *w, struct flow *f, uint32_t source);
/* Before an update. */
void keyframe_note_update(struct flow *f, const struct flow_spec *spec);
/* Asks, if that is due. */
void keyframe_tick(struct worker *w, struct flow *f);

/* RTCP of our own: stores what a party reports of our stream, and sends reports to a party while
 * its peer sends none (RFC 3550 6.4). So the party can measure, and knows that we are alive. */

#define REPORTS_AFTER_NS UINT64_C(10000000000) /* without RTCP of the peer */

struct worker;
struct flow;

/* Part of a flow; zero-initialised at its open, but relayed_ns. */
struct reports {
	uint64_t relayed_ns;       /* RTCP of the peer was sent to the party */
	uint64_t due_ns;           /* 0: not yet planned */
	uint64_t sr_in_ns;         /* last sender report of the party */
	uint64_t sr_out_ns;        /* last one to the party, relayed or ours */
	uint32_t sr_in, sr_out;    /* the middle 32 bits of its NTP time (LSR), too; 0: none */
	uint32_t packets_sent;     /* of the sink, at our last report */
	uint64_t packets_received; /* of the party, then */
};

/* Checked RTCP of the party (rtcp_check): its sender report, and its reports on our stream. */
void reports_read(struct flow *f, struct bytes rtcp, uint64_t now_ns);
/* RTCP that leaves for the party, as it will read it. */
void reports_relayed(struct flow *f, struct bytes rtcp, uint64_t now_ns);
/* A report about nothing, with our CNAME: what a compound has to begin with. */
struct bytes reports_empty(const struct worker *w, const struct flow *f, uint8_t *out);
/* A report of our own, if one is due. */
void reports_tick(struct worker *w, struct flow *f, uint64_t now_ns);

#endif
