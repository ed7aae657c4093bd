/* SPDX-License-Identifier: Apache-2.0 */
/*
 * This worker's flows, by slot. One writer, no locks: packets read and count, control opens,
 * changes and closes before a batch is looked at. A flow_id with an old generation is a miss.
 */
#ifndef ENGINE_WORKER_FLOW_H
#define ENGINE_WORKER_FLOW_H

#include "engine/net/packet.h"
#include "engine/srtp/srtp.h"
#include "engine/worker/digits.h"
#include "engine/worker/dtls_flow.h"
#include "engine/worker/feedback.h"
#include "engine/worker/job.h"
#include "engine/worker/latch.h"
#include "media/flow.h"
#include "media/rtp/seq.h"
#include "media/rtp/telephone_event.h"
#include "media/tap.h"

enum { PAYLOAD_TYPES = 128 };

struct worker;

/* The source accepted on one socket. */
struct latch {
	struct addr source;   /* ADDR_NONE: not latched */
	uint64_t received_ns; /* last packet of the source */
	uint64_t since_ns;    /* first one */
};

/* A run of one RTP source of the party, and its numbers' map to the stream we send (source.h). */
struct source {
	uint32_t ssrc;
	uint32_t clock_hz;         /* of its audio or video; 0: only events yet */
	uint32_t timestamp_offset; /* out = in + offset */
	uint16_t sequence_offset;
	uint16_t first;         /* no packet before this one is of the run */
	uint16_t sequence_high; /* highest received */
	uint8_t started;
	uint8_t relayed;      /* 1: a packet of this run was sent on */
	uint8_t feeding;      /* 1: the run is of the stream to the present peer's party */
	uint8_t payload_type; /* of its last packet, events apart: relay.c */
};

/* The one stream we send to the party, from whichever flow. */
struct sink {
	struct flow_id feeder; /* flow of the packets sent last */
	uint64_t at_ns;        /* when this timestamp was first sent */
	uint32_t timestamp;
	uint32_t clock_hz; /* of its audio or video; 0: only events yet */
	uint16_t sequence; /* highest sent */
	uint8_t started;
	uint8_t pinned; /* 1: not started, but it will with sequence + 1 (srtp_flow.h) */
	/* Timestamp units between two packets made or coded here; see flow_last_sent. */
	uint16_t units;
	uint8_t transcoded; /* 1: its feeder's packets are transcoded */
	uint8_t made;       /* 1: the packet sent last was made here, and not relayed */
	/* Sent; octets of payload, as a sender report counts them (RFC 3550 6.4.1). */
	uint32_t packets, octets;
};

/* flow.receive */
enum {
	FLOW_RECEIVE = 1,
	/* The party sends too fast: its packets are counted one by one (latch.h). */
	FLOW_RECEIVE_PACED = 2,
};

/* flow.send */
enum {
	FLOW_SEND = 1,
	FLOW_SEND_AS_IS = 2, /* its peer's packets, without looking into them */
};

/* flow.making */
enum {
	MAKING_DIGIT = 1, /* packet by packet (digits.h) */
	MAKING_SOUND = 2, /* it hears a job (engine/worker/job.h) */
	MAKING_TONE = 4,  /* within what it hears (engine/worker/overlay.h) */
};

enum { MAKING_ALL = MAKING_DIGIT | MAKING_SOUND }; /* nothing of its peer's */

/* In flow.taps, beside the readers: a detector listens to the party's audio
 * (engine/worker/detector.h). */
enum { TAPS_EAR = 1U << TAP_READERS };

/* Which ways are SRTP. */
enum {
	SECURE_IN = 1,
	SECURE_OUT = 2,
};

/* RTP accepted from the party; sent to it. Octets of UDP payload. */
struct flow_received {
	uint64_t packets, octets;
	uint64_t last_ns; /* 0: never */
};

struct flow_sent {
	uint64_t packets, octets;
};

/* With many flows each cache line that a packet touches comes from memory. So the fields of
 * ordinary packets are at the front, by role: a packet touches lines 0 to 2 of its own flow, and
 * lines 0 and 3 of its peer. */
enum { FLOW_LINE = 64 };

struct flow {
	/* line 0: read for every packet, of the flow and of its peer */
	struct flow_id id; /* generation 0: the slot is free */
	struct flow_id peer;
	uint32_t ssrc_out;
	uint32_t count_ssrc; /* source of count and jitter */
	union {
		struct {
			uint8_t receive, send, rtcp_mux;
			uint8_t secure; /* SECURE_IN, SECURE_OUT: only encrypted that way */
			uint8_t notice; /* 1: MEDIA_FLOW_LATCHED is due */
			/* What we make for the party, instead of its peer's packets or within them:
			 * MAKING_DIGIT, MAKING_SOUND, MAKING_TONE. */
			uint8_t making;
			uint8_t transport; /* flow_transport.h; 0: an ordinary flow */
			uint8_t kind;      /* enum media_kind */
		};
		uint64_t traits; /* all of them, tested at once: ordinary.c */
	};
	struct payload_rule rule; /* the first of rules */
	struct latch latch_rtp;   /* its source is still of line 0, its times are of line 1 */
	/* lines 1 and 2: written when the party was heard */
	struct source source; /* the one relayed now */
	struct flow_received received;
	struct arrival_jitter jitter;
	struct seq_count count;
	uint32_t lost_before; /* of earlier sources */
	uint32_t event_ssrc;
	/* line 3: written when something was sent to the party */
	struct sink sink;
	struct flow_sent sent;
	uint32_t out_slot; /* of the port, that sends to the party: flow_transport.h */
	uint8_t place;     /* of its shard, in worker.validity */
	/* copy.h: bits of enum tap_reader that get what this party says and hears; TAPS_EAR. */
	uint8_t taps;
	/* not for every packet */
	uint8_t leg, line;
	uint8_t latch_mode;      /* enum latch_mode */
	uint8_t event_pt;        /* of digits that we send; PAYLOAD_NONE: no events */
	uint8_t event_relayed;   /* of the event being tracked; 0: by INFO */
	uint8_t fir, fir_number; /* key frames are requested by FIR; the number of the next one */
	uint8_t nack;            /* of video: it repeats packets on NACK (RFC 4585 6.2.1) */
	uint8_t strips;          /* RTP header extensions do not pass */
	uint8_t alone;           /* without a peer its packets are accepted all the same */
	uint8_t watch;           /* points of media/capture.h; 0: not watched */
	uint8_t has_transcoder;  /* worker.transcoders has it: its party's packets are transcoded */
	uint8_t has_detector;    /* worker.ears has it: keys of its party are tones */
	uint8_t accepted_count;
	uint8_t has_overlay; /* worker.overlays has it: its party hears tones */
	/* Of sent packets; changes with the keys, which makes earlier numbers void. */
	uint8_t numbering;
	struct latch latch_rtcp;
	struct flow_stats stats; /* flow_stats_read adds lost, jitter_us, and what is above */
	struct payload_rule rules[PAYLOAD_RULES_MAX]; /* [0].in PAYLOAD_NONE: no rules */
	uint8_t rule_of[PAYLOAD_TYPES];               /* index into rules, or PAYLOAD_NONE */
	uint8_t rule_codecs[PAYLOAD_RULES_MAX];       /* as of flow_spec */
	struct addr remote[CHANNELS];                 /* signalled */
	struct addr rtcp_place;      /* where the party's RTCP should come from: latch.h */
	struct source source_before; /* its late packets still find their place */
	uint32_t event_clock_hz;     /* of events received */
	uint32_t event_send_hz;      /* and of those that we send */
	struct srtp_stream *srtp_in, *srtp_out; /* NULL: plain, or no stream could be opened */
	uint64_t srtp_limit;
	uint32_t srtcp_limit;
	uint32_t srtp_half; /* of source: SRTP_HALFs of its index, as control knows them */
	uint8_t srtp_limit_sent,
		srtcp_limit_sent; /* 1: MEDIA_FLOW_RESERVE was sent for this limit */
	uint8_t own;              /* the party is a flow of this node */
	uint32_t active_at;       /* index in flow_table.active */
	/* rarely */
	uint64_t call;
	uint8_t unproven;      /* only SDP proves the party there */
	uint8_t dscp;          /* of its socket, or of what it sends by another's */
	uint8_t marked;        /* 1: the port has its mark (flow_transport.h) */
	uint32_t capture_lost; /* packets that copy.h had no room for since its last one */
	uint8_t tap_number[TAP_READERS];
	uint32_t tap_lost[TAP_READERS]; /* packets that copy.h had no room for since its last one */
	uint64_t digit_reported_ns;     /* control.c */
	struct trickle trickle;
	struct flow_detail detail;
	struct resend resend;
	struct digits *digits; /* both are of its flow_rare */
	struct dtls_flow *dtls;
	struct addr local[CHANNELS]; /* bound; no RTCP with rtcp_mux */
	/* Codecs in which we can send. */
	struct media_accepted accepted[MEDIA_ACCEPTED_MAX];
	struct listener listener CACHE_ALIGNED;
	/* what a tick looks at, of each flow (engine/worker/worker.c) */
	struct event_tracker events; /* of the source event_ssrc */
	uint64_t silence_ns;         /* of the party, until an event; 0: no event */
	uint64_t listening_ns;       /* open, or the update, since when the party should send */
	uint64_t silent_told_ns; /* MEDIA_FLOW_SILENT was sent for the silence that began then */
	struct flow_pace pace;
	struct reports reports;
	uint64_t noticed_ns;                 /* last MEDIA_FLOW_LATCHED, */
	struct flow_last_sent sent_reported; /* ... and its contents */
	uint8_t seen_anew;                   /* feedback.h: another one sees it */
	uint8_t connected; /* 1: the RTP socket is connected to the latched source */
} CACHE_ALIGNED;

static_assert(offsetof(struct flow, latch_rtp) + sizeof(struct addr) == FLOW_LINE, "line 0");
static_assert(offsetof(struct flow, jitter) == 2 * FLOW_LINE, "line 1");
static_assert(offsetof(struct flow, sink) == 3 * FLOW_LINE, "line 2");
static_assert(offsetof(struct flow, leg) <= 4 * FLOW_LINE, "line 3");
static_assert(sizeof(struct flow) / FLOW_LINE % 2 == 1,
	      "else the lines in front of many flows share few sets of the cache");

/* What few flows use: apart, and only written if it would change, so its page costs no memory. */
struct flow_rare {
	struct dtls_flow dtls;
	struct digits digits;
};

static inline void flow_rare_set(void *part, const void *value, size_t n)
{
	if (memcmp(part, value, n) != 0)
		memcpy(part, value, n);
}

struct flow_table {
	struct flow *list;
	struct flow_rare *rare; /* by slot */
	uint32_t *active;       /* slots in use, dense, in no order */
	uint32_t capacity;
	uint32_t count;
	uint32_t secure;            /* flows with SRTP in any direction */
	uint32_t own;               /* number of flows with a party of this node */
	uint32_t watched;           /* flows of which copy.h copies anything */
	uint32_t tapped;            /* flows of which copy.h does */
	struct shortcut *shortcuts; /* by slot */
	uint32_t shortcut_count;    /* flows that have one, or are about to */
	uint64_t hop_reported_ns;   /* of flows with a shortcut: shortcut.c */
	uint32_t shortcut_due_count;
	/* Slots of flows that may get a shortcut after this turn's sending. */
	uint32_t shortcut_due[BATCH_MAX];
};

/* 0 or -ENOMEM. Memory is touched when a slot is first used. */
int flow_table_open(struct flow_table *t, uint32_t capacity) NODISCARD;
void flow_table_close(struct flow_table *t);

/* 0 with *out, -ERANGE (no such slot) or -EBUSY (slot in use). */
int flow_open(struct flow_table *t, const struct flow_spec *spec, uint64_t now_ns,
	      struct flow **out) NODISCARD;
/* Applies the spec but id and resume. Running state stays; a new signalled address latches anew. */
void flow_update(struct flow *f, const struct flow_spec *spec, uint64_t now_ns);
/* When its party last sent, or was first expected to. */
uint64_t flow_received_ns(const struct flow *f);
void flow_close(struct flow_table *t, struct flow *f);
/* NULL when the id is stale or never was. */
static inline struct flow *flow_find(const struct flow_table *t, struct flow_id id)
{
	if (id.generation == 0 || id.slot >= t->capacity)
		return NULL;

	struct flow *f = &t->list[id.slot];

	return f->id.generation == id.generation ? f : NULL;
}

/* Where to send to this party: the latched source, else the signalled address; NULL: unknown. */
const struct addr *flow_rtp_to(const struct flow *f);
const struct addr *flow_rtcp_to(const struct flow *f);
/* Why neither is. */
enum verdict flow_no_way(const struct flow *f);
const struct payload_rule *flow_rule_find(const struct flow *f, uint8_t payload_type);
/* What a successor needs. */
struct flow_resume flow_resume_read(const struct flow *f);
/* More has left to its party than a successor would expect. */
bool flow_last_sent_outran(const struct flow_table *t, const struct flow *f);
struct flow_stats flow_stats_read(const struct flow *f);

static inline const struct latch *flow_latch(const struct flow *f, enum channel c)
{
	return c == CHANNEL_RTP ? &f->latch_rtp : &f->latch_rtcp;
}

/* Its packets pass unchanged. With keys or ICE pairs a flow is not opaque, and nothing passes. */
static inline bool flow_is_opaque(const struct flow *f)
{
	return f->kind == MEDIA_OPAQUE && !f->secure && !f->transport;
}

/* A packet of the party came, from where it is sent to now: of ICE, a check. */
static inline bool flow_has_received(const struct flow *f)
{
	return LIKELY(f->latch_rtp.source.family != ADDR_NONE) ||
	       f->latch_rtcp.source.family != ADDR_NONE;
}

/* NULL: the party may not send this payload type. */
static inline const struct payload_rule *flow_rule(const struct flow *f, uint8_t payload_type)
{
	return LIKELY(f->rule.in == payload_type) ? &f->rule : flow_rule_find(f, payload_type);
}

/* Counts a packet from it that will be relayed. */
static inline void flow_count_in(struct flow *f, uint16_t length, uint64_t now_ns)
{
	if (UNLIKELY(f->received.packets++ == 0))
		f->stats.first_in_ns = now_ns;
	f->received.last_ns = now_ns;
	f->received.octets += length;
}

/* An RTP packet of so many octets was sent to the party. */
static inline void flow_count_out(struct flow *f, uint16_t length, uint16_t payload)
{
	f->sent.packets++;
	f->sent.octets += length;
	f->sink.packets++;
	f->sink.octets += payload;
}

/* It was not, after all. */
static inline void flow_uncount_out(struct flow *f, uint16_t length, uint16_t payload)
{
	f->sent.packets--;
	f->sent.octets -= length;
	f->sink.packets--;
	f->sink.octets -= payload;
}

/* A successor guesses right if it knows an index within half a rollover. index: of f->source. */
static inline void srtp_half_note(struct flow *f, uint64_t index)
{
	uint32_t half = (uint32_t)(index / SRTP_HALF);

	if (LIKELY(half == f->srtp_half))
		return;
	f->srtp_half = half;
	f->notice = 1;
}

/* Prefetches the flows of the packets and their peers, if there are many. */
void flow_fetch(const struct worker *w, const struct batch *b);
/* The packets' flows and peers. Drops: no_flow, wrong_port, malformed. */
void flow_stage(struct worker *w, struct batch *b);

/* Notes that explain a silent flow (media/flow.h). Never called for a relayed packet. */

/* The packet of this flow has the verdict of a drop. */
void detail_drop(struct flow *f, const struct pkt *p);
/* The RTP latch is about to leave its source; told: for a newly signalled address. */
void detail_leave_source(struct flow *f, bool told, uint64_t now_ns);
struct flow_detail detail_read(const struct flow *f, uint64_t now_ns);

/* Moves a flow to another worker, in the way of a restart: it closes here and opens there, with
 * its sockets and what a successor would know. What a record cannot have, because it changes
 * with every packet, travels in a parcel. So its stream continues without a break, and no SRTP
 * index is used twice. Owned by the old worker, then the new one; by control in between
 * (engine/worker/spread.h). */

struct flow_parcel {
	/* by control */
	struct flow_spec spec; /* its spec there; resume is its state here */
	struct flow_parcel *next;
	uint64_t home_before; /* flow_spec_home before */
	uint8_t from, to;     /* workers */
	uint8_t packed;       /* 1: it has left, and not arrived yet */
	/* by the worker that it leaves */
	int fd[CHANNELS]; /* -1: no socket */
	struct source source, source_before;
	struct sink sink;
	struct flow_received received;
	struct flow_sent sent;
	struct arrival_jitter jitter;
	struct seq_count count;
	uint32_t count_ssrc, lost_before;
	struct event_tracker events;
	uint32_t event_ssrc, event_clock_hz;
	uint8_t event_relayed;
	struct flow_stats stats;
	struct flow_detail detail;
	struct reports reports;
	struct trickle trickle;
	uint64_t digit_reported_ns, noticed_ns;
	struct flow_last_sent sent_reported;
	uint32_t tap_lost[TAP_READERS];
	uint64_t consent_ns[CHANNELS]; /* of ICE; 0: none */
	struct transcoder *transcoder; /* NULL: none */
};

/* MEDIA_FLOW_YIELD: the flow packs and closes, or stays as it is, with the reason in the answer. */
void flow_move_yield(struct worker *w, const struct media_command *c);
/* Of a flow that was opened by its parcel's spec. */
void flow_move_arrive(struct worker *w, struct flow *f, struct flow_parcel *parcel);

#endif
