/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What control and packets say to each other about a flow. A flow is one local RTP port (with its RTCP port, or
 * RTCP on the same port) that faces one party. Two flows joined as peers relay: what flow A receives leaves by the
 * socket of flow B towards B's party, and the other way round. Values only: the pointers that cross the threads are those of a
 * sound, which nobody changes (media/job.h), and of a parcel, which one of them has at a time (engine_move).
 */
#ifndef MEDIA_FLOW_H
#define MEDIA_FLOW_H

#include "base/addr.h"
#include "media/codec.h"
#include "media/job.h"

/*
 * What explains a flow on which something is wrong: noted where a packet is dropped, a source moves or a report comes, so that a packet
 * that is relayed costs nothing. The worker writes it; control reads a copy in MEDIA_FLOW_STATS and MEDIA_FLOW_CLOSED.
 */

enum { FLOW_DROPS_MAX = 45 };

/* All times: CLOCK_BOOTTIME; 0: never. */
struct flow_detail {
	uint32_t drops
		[FLOW_DROPS_MAX]; /* packets received and not relayed, by enum verdict (engine/net/packet.h) */
	struct addr
		stranger; /* source of the last one dropped as source_not_latched; ADDR_NONE: there was none */
	struct addr
		source_before; /* of the party's RTP, before the present one; ADDR_NONE: there was none */
	uint64_t moved_ns;     /* its source changed last although the signalled address had not */
	uint64_t told_ns;      /* the signalled address changed last */
	uint64_t reported_ns;  /* it reported last on what we send (RFC 3550 6.4) */
	uint32_t moves;        /* as moved_ns */
	uint8_t reported_loss; /* 1/256 of what we sent, in its last report */
	uint8_t refused_type; /* of the last packet dropped as payload_type; valid where there is one */
	uint8_t payload_type; /* only in a copy: of the last packet relayed, events apart; PAYLOAD_NONE: none yet */
	/* Of RTP dropped as srtp_auth, pairs in sequence whose payload is as long as their timestamps say of a codec of 8 or 1 bits a unit:
	 * plain, or with a tag (RFC 3711 4.2). */
	uint8_t auth_started;
	uint8_t handshake_failure; /* only in a copy: why the last one failed: enum dtls_failure (engine/dtls/dtls.h); 0: none did */
	uint16_t auth_sequence; /* of the last one of srtp_auth, valid with auth_started */
	uint32_t auth_timestamp;
	uint32_t auth_plain, auth_sealed;
	/* only in a copy: as it is when asked for */
	uint32_t
		sent_timestamp; /* of the RTP stream to the party, and its clock; 0: nothing but events was sent */
	uint32_t sent_clock_hz;
	uint64_t now_ns;
	uint64_t expected_ns;      /* the party is to be heard since */
	uint64_t received_ns;      /* from the latched source, on the RTP port */
	uint64_t received_rtcp_ns; /* and on the RTCP port */
	uint16_t sent_sequence;    /* of the RTP packet with sent_timestamp */
	/* only in a copy, and of the transport: lines of a bundle have the same. ICE: */
	uint32_t checks;      /* authentic ones */
	uint32_t checks_key;  /* with our ufrag, and not our password */
	uint32_t checks_name; /* with another ufrag, or none */
	uint64_t checked_ns;  /* the last authentic one */
};

enum {
	MEDIA_LINES_MAX = 4,    /* m-lines relayed per call; further ones are refused (port 0) */
	PAYLOAD_RULES_MAX = 24, /* payload types per m-line and direction */
	PAYLOAD_NONE = 0xff,
};

/* Slot: index of the local port pair, chosen by control (media/ports.h). Generation: changes with each use, never 0. */
struct flow_id {
	uint32_t slot;
	uint32_t generation;
};

static inline bool flow_id_eq(struct flow_id a, struct flow_id b)
{
	return a.slot == b.slot && a.generation == b.generation;
}

/* Whom a plain-RTP flow believes (DESIGN: RTP bleed). */
enum latch_mode {
	LATCH_STRICT,  /* only the signalled address and port */
	LATCH_SAME_IP, /* signalled address, any port: the first one is kept, unless the signalled one is heard; relearn after 3 s of silence */
	LATCH_ANY_ONCE, /* the first source at all is kept (party proven behind NAT); relearn after 3 s, same IP */
};

/* SRTP crypto-suites (RFC 4568 6.2, RFC 7714 14.2). */
enum media_suite {
	MEDIA_SUITE_NONE, /* plain RTP */
	MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80,
	MEDIA_SUITE_AES_CM_128_HMAC_SHA1_32,
	MEDIA_SUITE_AEAD_AES_128_GCM,
	MEDIA_SUITE_AEAD_AES_256_GCM,
};

enum { MEDIA_KEY_MAX = 46, MEDIA_MKI_MAX = 8 };

/*
 * Master key and salt of one direction (RFC 3711): 16 + 14 octets for the AES-CM suites, 16 + 12 and 32 + 12 for AES-GCM. A secret: never
 * logged, wiped when done. A party's key may have an identifier, which is in each packet then (RFC 3711 3.1); ours have none.
 */
struct media_key {
	uint8_t suite; /* enum media_suite */
	uint8_t length;
	uint8_t octets[MEDIA_KEY_MAX];
	uint8_t mki_length; /* 0: none */
	uint8_t mki[MEDIA_MKI_MAX];
};

enum {
	ICE_UFRAG_LEN = 8, /* of ours; RFC 8445 5.3 asks for 4 and 22 at least */
	ICE_PWD_LEN = 24,
};

/*
 * ICE-lite (RFC 8445 2.5) on a flow: we answer the party's checks, and send to the pair that it nominated, before that to the first
 * one validated. What does not come from a validated pair is dropped; remote_rtp, remote_rtcp and latch are not read. The pair is
 * told and restored as a latch is (resume.source_rtp, source_rtcp); a restored one has consent for another 30 s.
 */
struct media_ice {
	uint8_t on;
	char ufrag[ICE_UFRAG_LEN]; /* ours; ice-char, not terminated */
	char pwd[ICE_PWD_LEN]; /* ours; a secret. New ones: an ICE restart, the old pair goes on until one is nominated again */
};

/* DTLS-SRTP (RFC 5763, 5764). Our part in the handshake. */
enum media_dtls_role {
	DTLS_NONE,   /* keys come with the spec, or it is plain */
	DTLS_SERVER, /* a=setup:passive */
	DTLS_CLIENT, /* a=setup:active */
};

/* Hash functions of a=fingerprint (RFC 8122 5) that we take; others do not count. */
enum media_hash {
	MEDIA_HASH_NONE,
	MEDIA_HASH_SHA256,
	MEDIA_HASH_SHA384,
	MEDIA_HASH_SHA512,
};

struct media_fingerprint {
	uint8_t hash; /* enum media_hash */
	uint8_t octets[64];
};

struct media_dtls {
	uint8_t role; /* enum media_dtls_role */
	uint8_t association; /* another number: a new handshake with new keys (RFC 8842 4); else the keys go on */
	struct media_fingerprint
		peer; /* the party's certificate has it, or the handshake fails; NONE: none begins before an update says it */
};

enum { MEDIA_FLIGHT_MAX = 672 };

/* Datagrams of ours, one behind the other, with which the party can finish a handshake: whole DTLS records. No secret. */
struct media_flight {
	uint16_t length; /* 0: none */
	uint8_t octets[MEDIA_FLIGHT_MAX];
};

enum media_ice_state {
	ICE_OFF,
	ICE_CHECKING,  /* no authentic check came yet */
	ICE_CONNECTED, /* a pair is there, and consent to send to it (RFC 7675) */
	ICE_LOST,      /* consent ended: no authentic check for 30 s; nothing is sent */
};

enum media_dtls_state {
	DTLS_OFF,
	DTLS_WAITING, /* nothing came from the party */
	DTLS_HANDSHAKING,
	DTLS_CONNECTED, /* there are keys */
	DTLS_FAILED, /* the last handshake: a wrong certificate, no common profile, an alert; the next one may succeed */
};

/* One payload type as received, and as sent on to the peer. */
struct payload_rule {
	uint8_t in,
		out; /* out PAYLOAD_NONE: an event the peer takes by INFO; it is reported, not relayed */
	uint8_t event;     /* 1: telephone-event (RFC 4733) */
	uint8_t coding;    /* 0: it passes as it is; else by the spec's codings[coding - 1] */
	uint32_t clock_hz; /* RTP clock of what is received */
};

enum { MEDIA_CODINGS_MAX = 7 };

/* What the party says in one codec, and the peer's party hears in another one: decoded and encoded again. Both are spoken. */
struct media_coding {
	uint8_t from, to;   /* enum media_codec */
	uint8_t packet_ms;  /* of what is sent, at most; 0: as it comes */
	uint8_t complexity; /* of the encoder, as dsp/codec/encoder.h has it; 0: the codec's own */
	uint32_t bit_rate;  /* likewise */
};

/* A sine, once, or twice with a pause of gap_ms between. ms 0: none. */
struct media_tone {
	uint16_t hz;
	int16_t level; /* tenths of dBm0 */
	uint16_t ms;
	uint16_t gap_ms; /* 0: once */
};

/*
 * A tone within what a party hears, whoever says that: its peer, a job, nobody. It is mixed into the packets that come meanwhile, under
 * their numbers; all others pass untouched. Where a codec is not spoken the tone takes the place of the packet, and where none come they
 * are made.
 */
struct media_overlay {
	struct media_tone tone;
	uint64_t
		begun_ns; /* of clock_now_ns: when it is heard first; up to a second before now counts as now. It is so 100 ms later if it was not ordered before */
	uint32_t every_ms; /* from the beginning of one to that of the next; 0: once */
};

/* A payload type under which a party takes a codec that is spoken. */
struct media_accepted {
	uint8_t payload_type;
	uint8_t codec; /* enum media_codec; of video: a format (media/rtp/video.h) */
};

enum { MEDIA_ACCEPTED_MAX = 8 };

/* The last packet that was sent to the party of a flow while it heard a sound: what follows goes on behind it, in step with time. */
struct flow_last_sent {
	uint64_t at_ns; /* of clock_now_ns */
	uint32_t timestamp;
	uint32_t clock_hz;
	uint16_t sequence;
	uint16_t
		units; /* of the timestamp, from packet to packet; 0: it heard none, or nothing is known */
};

/* What must survive a restart so that the peer notices nothing. Direction: packets received by this flow. */
struct flow_resume {
	struct addr source_rtp; /* latched; family ADDR_NONE: not yet */
	struct addr source_rtcp;
	uint32_t source_ssrc;      /* valid when started */
	uint32_t timestamp_offset; /* out = in + offset (mod 2^32) */
	uint16_t sequence_offset;  /* out = in + offset (mod 2^16) */
	uint8_t started;           /* 1: a source was relayed */
	uint8_t pad;
	/* SRTP: ROC << 16 | SEQ (RFC 3711 3.3.1); our: its explicit index. 0 where plain. */
	uint64_t srtp_in; /* highest one authenticated of the party's stream */
	uint32_t
		srtp_key; /* a digest that tells keys apart: of which key srtp_in is; 0: not known */
	uint64_t srtp_next;         /* next one we would send to the party */
	uint32_t srtcp_next;        /* of our */
	struct flow_last_sent sent; /* to the party of this flow */
};

enum {
	SRTP_RESERVE =
		8192, /* indexes granted at a time: a successor jumps at most so far, well below 2^15 */
	SRTCP_RESERVE = 1024,
	SRTP_FIRST_END =
		1
		<< 15, /* RFC 3711 3.3.1: below it no late packet is taken for one of another rollover */
};

/*
 * Where what we send under keys of a new handshake begins. Its receiver has a new SRTP session (RFC 5764 3), which knows no index and guesses
 * that the rollover counter is 0: libsrtp does, and browsers open another session for each handshake. So the counter begins anew, with the
 * SSRC of before: no index was used under these keys. next: what an index of before would go on with.
 */
static inline uint64_t srtp_index_anew(uint64_t next)
{
	return next < SRTP_FIRST_END ? next : 1 + next % (SRTP_FIRST_END - 1);
}

struct flow_parcel;

struct flow_spec {
	struct flow_id id;
	struct flow_id
		peer;  /* generation 0: no peer yet; received packets are dropped as no_peer */
	uint64_t call; /* call id, for events */
	/* 0: all flows of the call are on one worker. Else this one goes to the worker of that id: that of a job that it hears, and whose
	 * command had this id as its call. Where an update changes it media_command.moves is set, as where it changes the call. */
	uint64_t home;
	struct addr local_rtp;  /* bound address and port */
	struct addr local_rtcp; /* next port; unused (family ADDR_NONE) with rtcp_mux */
	struct addr remote_rtp; /* signalled by the party; ADDR_NONE: not known yet */
	struct addr remote_rtcp;
	uint32_t ssrc_out; /* SSRC of everything we send to this party, for the whole call */
	/* MEDIA_OPAQUE: rules, event_pt, nack and source are not read. With keys, ICE, DTLS or a bundle nothing passes. */
	enum media_kind kind;
	enum latch_mode latch;
	uint8_t dscp;    /* 0..63 */
	uint8_t receive; /* 1: packets of the party are relayed; 0: dropped as not_receiving (hold) */
	uint8_t send;    /* 1: packets of the peer are sent to the party */
	uint8_t rtcp_mux; /* RFC 5761; of an opaque flow: what comes to local_rtcp is nobody's */
	uint8_t leg;      /* 0: leg A (caller), 1: leg B; for events and CDR */
	uint8_t line;     /* m-line index */
	uint8_t event_pt; /* type under which the party takes telephone-events that we make; PAYLOAD_NONE: none. What we make is a tone then,
			   * in a codec of taken, the first where nothing is sent */
	uint32_t event_clock_hz;
	uint32_t
		silence_ms; /* neither RTP nor RTCP of the party for so long while receive is 1, or while send is 1 and it was never heard: FLOW_SILENT; 0: never */
	/* What the party sends with; what we send with. Of a flow with DTLS: NONE until MEDIA_FLOW_KEYED told them, nothing passes while
	 * there are none. At its open they are those of dtls.association, which needs no handshake then. An update changes none that are
	 * there: control's may be older than those of a handshake that it has not heard of yet. */
	struct media_key key_in, key_out;
	struct media_ice ice;
	struct media_dtls dtls;
	/*
	 * Generation 0: none. Else the flow of the same leg whose transport (socket, ICE, DTLS and its keys) this one shares (BUNDLE, RFC 9143):
	 * packets of its payload types and SSRCs that come to that one are this one's, and it sends by that one's socket. Its own ice and
	 * dtls are not read then; fds may be -1, for good. The owner is open before it, and no other flow of the bundle has this ssrc_out
	 * (RFC 3711 8.1), else MEDIA_FLOW_FAILED with -EINVAL. It has ice and rtcp_mux: only addresses that checks have proven are shared.
	 * When the owner closes nothing is sent any more until an update names another.
	 */
	struct flow_id bundle;
	uint8_t mid_extension; /* RTP header extension of the party that has the MID (RFC 9143 15); 0: none */
	uint8_t mid_length;
	char mid[16];         /* of this m-line, not terminated */
	uint8_t cc_extension; /* RTP header extension under which the party numbers its packets for transport-wide feedback (media/rtp/transport_cc.h); 0: none.
			       * Read with ice or bundle; one count for all flows of a transport */
	uint8_t own; /* 1: the party is a flow of this node: what comes from its port is no loop */
	uint8_t unproven; /* 1: remote_rtp is known from SDP alone: nothing else has shown that the party is there */
	uint8_t nack; /* 1: the party says which packets of video it lost, by generic NACK (RFC 4585 6.2.1) */
	uint8_t fir; /* 1: a new picture is asked for by FIR (RFC 5104 4.3.1), for the party knows no PLI */
	uint8_t alone; /* 1: without a peer what the party says is counted and measured, and its digits are told; else it is dropped as
			* no_peer. A stream to a peer that it gets later begins then */
	uint8_t detects_dtmf; /* 1: of audio: DTMF digits of the party are tones in its audio, and reported as events are. What it says passes as it is */
	uint8_t strips; /* 1: header extensions of the party's packets mean nothing to the peer's, and do not leave */
	uint8_t place; /* of its shard, in the engine's struct validity: who may not speak any more sends nothing */
	uint8_t tap_live; /* likewise for applications that hear it while the call runs */
	uint8_t tap_fork; /* 1: likewise for who sends it on (media/fork.h): what this party says, and not what it hears */
	uint8_t tap; /* of audio: the number within the call of the recording that has what this party says and hears, from here on; 0: none
		      * (media/tap.h) */
	uint8_t shared_port; /* 1: single-port mode, with ice (a ufrag of its own) or bundle: no socket of its own (fds -1), it uses the worker's and is found by its ufrag, then by
			      * the party's address; local_rtp is the address and port of that one */
	/* No index of ours at or above the limit is sent before an update moved it: what is below is in the record. Ignored where plain.
	 * A key_out that is new to the flow, at its open or by an update, begins at resume.srtp_next and resume.srtcp_next; at a random
	 * index below 2^15 when srtp_next is 0. One that was given up for another must not come back. */
	uint64_t srtp_limit;
	uint32_t srtcp_limit;
	/* Whose packets the party gets. With a job nothing of the peer's passes to it, RTCP included; digits do. The stream goes on under
	 * its SSRC, sequence and timestamp. A job that is not open on the flow's worker is none, and counted (stale_commands). */
	struct flow_source source;
	struct flow_member member; /* of a room */
	struct flow_video video;   /* likewise, of video */
	struct media_overlay
		overlay; /* of audio alone; with taken, the first what is made where the party hears nothing */
	uint8_t accepted_count;
	struct media_accepted accepted[MEDIA_ACCEPTED_MAX];
	uint8_t rule_count;
	struct payload_rule rules
		[PAYLOAD_RULES_MAX]; /* types the party may send; others are dropped as payload_type */
	/* Of each rule's in: enum media_codec + 1; 0: none that is known. For who records, and rooms. Of video: its format (media/rtp/video.h). */
	uint8_t rule_codecs[PAYLOAD_RULES_MAX];
	struct media_coding codings[MEDIA_CODINGS_MAX]; /* that rules name */
	struct flow_resume resume;                      /* started or latched: continue from here */
};

/* Whose worker it is on. */
static inline uint64_t flow_spec_home(const struct flow_spec *s)
{
	return s->home ? s->home : s->call;
}

enum media_command_kind {
	MEDIA_FLOW_OPEN, /* spec; fds */
	MEDIA_FLOW_UPDATE, /* spec: as open for an existing flow; the living state goes on: resume is about new keys alone */
	MEDIA_FLOW_CLOSE, /* id: the worker answers with FLOW_CLOSED and its last counters, then closes the sockets */
	MEDIA_FLOW_QUERY,      /* id: the worker answers with FLOW_STATS */
	MEDIA_FLOW_DIGIT_SEND, /* id, digit, duration_ms: an RFC 4733 event, or a tone, to the party; several queue up, 120 ms apart */
	MEDIA_FLOW_FLIGHT, /* id, association: the keys of MEDIA_FLOW_KEYED are saved, and what lets the party finish leaves; after a restart:
			    * flight, which is sent at once, and for 10 s again when the party asks for it (RFC 6347 4.2.4) */
	MEDIA_FLOW_YIELD, /* id, parcel: of engine_move alone; MEDIA_FLOW_YIELDED follows, which only the engine sees */
	MEDIA_JOB_OPEN, /* job, in a free slot, work, call: on the worker of that call, or with 0 on each. What cannot be opened is
			 * MEDIA_JOB_CLOSED at once. A room has a call: an id of its own, which is its members' home */
	MEDIA_JOB_CLOSE, /* job: the worker answers with JOB_CLOSED, and reads its sound no more */
	MEDIA_JOB_QUERY, /* job: the worker answers with JOB_PLACE */
	MEDIA_SHARED_PORT, /* rtp_fd: bound; id.slot: its number (engine_shared_port) */
	MEDIA_STOP,        /* the worker thread ends */
};

static inline bool media_command_is_of_job(enum media_command_kind kind)
{
	return kind == MEDIA_JOB_OPEN || kind == MEDIA_JOB_CLOSE || kind == MEDIA_JOB_QUERY;
}

/* Control to worker. */
struct media_command {
	enum media_command_kind kind;
	int32_t rtp_fd,
		rtcp_fd; /* OPEN: bound sockets, owned by the worker from now on; -1: none. Filled by app. */
	struct flow_id id; /* CLOSE, QUERY, DIGIT_SEND, FLIGHT */
	struct job_id job; /* of the JOB commands */
	char digit;
	uint8_t association; /* FLIGHT */
	uint8_t moves; /* UPDATE: the flow goes to the worker of spec.home or spec.call before, where that is another one (engine_move) */
	uint16_t duration_ms;
	uint64_t call;              /* JOB_OPEN */
	struct flow_parcel *parcel; /* YIELD, and OPEN of what yielded: of engine_move alone */
	union {
		struct flow_spec spec;      /* OPEN, UPDATE */
		struct media_flight flight; /* FLIGHT */
		struct media_work work;     /* JOB_OPEN */
	};
};

/* Counted by the flow that received (in) or sent (out). */
struct flow_stats {
	uint64_t packets_in, octets_in;   /* RTP accepted from the party; octets: UDP payload */
	uint64_t packets_out, octets_out; /* RTP sent to it; what left once more for NACKs apart */
	uint64_t rtcp_in, rtcp_out;
	uint64_t dropped;   /* all verdicts but relayed */
	uint32_t lost;      /* RFC 3550 A.3: expected - received, of the party's stream(s) */
	uint32_t jitter_us; /* RFC 3550 6.4.1, in microseconds */
	uint32_t digits;    /* telephone events begun */
	uint32_t source_changes;
	uint32_t icmp_errors;             /* that came back for packets sent to the party */
	uint64_t first_in_ns, last_in_ns; /* CLOCK_BOOTTIME; 0: never */
	/* as the party said last in its RTCP, of what we send to it */
	uint32_t remote_lost, remote_jitter_us;
	uint32_t rtt_us;   /* to the party and back; 0: not known */
	uint8_t ice, dtls; /* enum media_ice_state, enum media_dtls_state */
};

struct media_hop {
	uint32_t ifindex; /* 0: none is known */
	uint8_t mac[6];
};

struct media_hops {
	struct addr party;
	struct media_hop was, now;
};

enum media_event_kind {
	MEDIA_FLOW_LATCHED, /* resume: latched address, source or offsets changed: worth saving */
	MEDIA_FLOW_DIGIT, /* digit, duration_ms: one per event, when it ends (or half a second after its last packet, at most), and one per tone that is heard */
	/* There are keys of a DTLS handshake: key_in, key_out, association, resume. The flight with which the party can finish waits for
	 * MEDIA_FLOW_FLIGHT, so that nobody relies on keys that are not saved. suite NONE: those of this association are none after all */
	MEDIA_FLOW_KEYED,
	MEDIA_FLOW_RESERVE, /* resume: less than half of the granted SRTP or our indexes is left */
	MEDIA_FLOW_SILENT, /* once, after silence_ms; again only after the party was heard or an update. Before it an update begins the time
			    * anew only where receive, silence_ms or remote_rtp changes */
	MEDIA_FLOW_STATS,
	MEDIA_FLOW_CLOSED, /* its ports are free as soon as the worker looks at its sockets again */
	MEDIA_FLOW_FAILED, /* the flow could not be opened or its socket died: error is -errno */
	MEDIA_FLOW_REROUTED, /* hops: what the kernel forwarded to the party led by another next hop than it should now */
	MEDIA_FLOW_YIELDED, /* engine_move: between two workers */
	MEDIA_FLOW_MOVED, /* the answer to engine_move: the flow is open there. error: why it is still where it was, or (-ENOENT) gone */
	/* Of jobs: job, call, place; no flow */
	MEDIA_JOB_PLACE, /* as asked for, or each report_ms */
	MEDIA_JOB_ENDED, /* a sound that does not loop is over, after its last packet; the job stays open. error: it did not arrive as a whole */
	MEDIA_ROOM_TALKS, /* talks: others than before; five times a second at most */
	MEDIA_JOB_CLOSED, /* error is 0, or why it could not be opened (-errno). Of a job of all workers, one from each */
};

static inline bool media_event_is_of_job(enum media_event_kind kind)
{
	return kind >= MEDIA_JOB_PLACE;
}

/* Worker to control. */
struct media_event {
	enum media_event_kind kind;
	struct flow_id id;
	uint64_t call;
	uint8_t leg, line;
	char digit; /* 0-9 * # A-D, F for flash */
	uint8_t relayed; /* DIGIT: 1: the peer got the event too, or heard the tone; 0: it takes digits otherwise */
	uint8_t tone;    /* DIGIT: 1: it was a tone */
	uint8_t listens; /* SILENT: 1: the party is not to send; it was never heard */
	uint32_t duration_ms;
	int32_t error;
	struct flow_resume resume;
	struct flow_stats stats; /* STATS, CLOSED, LATCHED */
	union {
		struct media_flight flight; /* KEYED; length 0: too long, or told late */
		struct flow_detail detail;  /* STATS, CLOSED */
		struct media_talks talks;   /* ROOM_TALKS */
		struct media_hops hops;     /* REROUTED */
	};
	struct media_key key_in, key_out; /* KEYED; wiped by whoever takes the event */
	uint8_t association;
	struct job_id job; /* of the JOB events */
	uint32_t place;    /* the sample of its sound that comes next */
	struct media_sound *
		sound; /* JOB_CLOSED: the reference that its command brought; engine_events drops it, and says NULL */
	struct flow_parcel *parcel; /* YIELDED, MOVED, FAILED: the engine takes it out */
	uint8_t last; /* JOB_CLOSED: 1: no worker has the job any more, its slot is free. Of a worker: 1: it had, or was to have */
};

#endif
