/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages between control and workers about a flow. A flow is one local RTP port (with its
 * RTCP port, or RTCP on the same port) that faces one party. Two flows joined as peers relay: what
 * flow A receives leaves by the socket of flow B towards B's party, and vice versa. Values only:
 * the pointers that cross the threads are those of a sound, which does not change (media/job.h),
 * and of a parcel, which one thread has at a time (engine_move).
 */
#ifndef MEDIA_FLOW_H
#define MEDIA_FLOW_H

#include "base/addr.h"
#include "media/codec.h"
#include "media/job.h"

/* Explains what is wrong with a flow: noted where a packet is dropped, a source moves or a report
 * comes, so that a relayed packet costs nothing. The worker writes it; control reads a copy in
 * MEDIA_FLOW_STATS and MEDIA_FLOW_CLOSED. */

enum { FLOW_DROPS_MAX = 45 };

/* All times: CLOCK_BOOTTIME; 0: never. */
struct flow_detail {
	/* Packets received and not relayed, by enum verdict (engine/net/packet.h). */
	uint32_t drops[FLOW_DROPS_MAX];
	/* Source of the last packet dropped as source_not_latched; ADDR_NONE: no such packet. */
	struct addr stranger;
	/* Earlier source of the party's RTP, before the present one; ADDR_NONE: it never
	 * changed. */
	struct addr source_before;
	uint64_t moved_ns;     /* its source changed last although the signalled address had not */
	uint64_t told_ns;      /* the signalled address changed last */
	uint64_t reported_ns;  /* it reported last on what we send (RFC 3550 6.4) */
	uint32_t moves;        /* as moved_ns */
	uint8_t reported_loss; /* 1/256 of what we sent, in its last report */
	uint8_t refused_type;  /* of the last packet dropped as payload_type, if any */
	/* Only in a copy: of the last relayed packet, without events; PAYLOAD_NONE: no packet
	 * yet. */
	uint8_t payload_type;
	/* Of RTP dropped as srtp_auth: pairs in sequence with a payload as long as their timestamps
	 * say for a codec of 8 or 1 bits per unit: plain, or with a tag (RFC 3711 4.2). */
	uint8_t auth_started;
	/* Only in a copy: last handshake's enum dtls_failure (engine/dtls/dtls.h); 0: none */
	uint8_t handshake_failure;
	uint16_t auth_sequence; /* of the last one of srtp_auth, valid with auth_started */
	uint32_t auth_timestamp;
	uint32_t auth_plain, auth_sealed;
	/* only in a copy: state at the time of the query */
	/* Of the RTP stream to the party, and its clock; 0: nothing but events was sent. */
	uint32_t sent_timestamp;
	uint32_t sent_clock_hz;
	uint64_t now_ns;
	uint64_t expected_ns;      /* since when the party should send */
	uint64_t received_ns;      /* from the latched source, on the RTP port */
	uint64_t received_rtcp_ns; /* and on the RTCP port */
	uint16_t sent_sequence;    /* of the RTP packet with sent_timestamp */
	/* only in a copy, and of the transport: lines of a bundle have the same. ICE: */
	uint32_t checks;      /* authentic ones */
	uint32_t checks_key;  /* with our ufrag, and not our password */
	uint32_t checks_name; /* with another ufrag, or without */
	uint64_t checked_ns;  /* the last authentic one */
};

enum {
	MEDIA_LINES_MAX = 4,    /* m-lines relayed per call; further ones are refused (port 0) */
	PAYLOAD_RULES_MAX = 24, /* payload types per m-line and direction */
	PAYLOAD_NONE = 0xff,
};

/* Slot: index of the port pair (media/ports.h). Generation: changes with each use, never 0. */
struct flow_id {
	uint32_t slot;
	uint32_t generation;
};

static inline bool flow_id_eq(struct flow_id a, struct flow_id b)
{
	return a.slot == b.slot && a.generation == b.generation;
}

/* Which sources a plain-RTP flow accepts (DESIGN: RTP bleed). */
enum latch_mode {
	LATCH_STRICT, /* only the signalled address and port */
	/* Signalled address, any port: keeps the first one, unless the signalled one sends;
	 * relearns after 3 s of silence. */
	LATCH_SAME_IP,
	/* Keeps the first source of all (party proven behind NAT); relearns after 3 s, same IP. */
	LATCH_ANY_ONCE,
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

/* Master key and salt of one direction (RFC 3711): 16 + 14 octets for the AES-CM suites, 16 + 12
 * and 32 + 12 for AES-GCM. A secret: never logged, wiped when done. A party's key may have a master
 * key identifier, present in each packet (RFC 3711 3.1); ours never do. */
struct media_key {
	uint8_t suite; /* enum media_suite */
	uint8_t length;
	uint8_t octets[MEDIA_KEY_MAX];
	uint8_t mki_length; /* 0: no MKI */
	uint8_t mki[MEDIA_MKI_MAX];
};

enum {
	ICE_UFRAG_LEN = 8, /* of ours; RFC 8445 5.3 asks for 4 and 22 at least */
	ICE_PWD_LEN = 24,
};

/* ICE-lite (RFC 8445 2.5) on a flow: we answer the party's checks, and send to the pair that it
 * nominated, or before that to the first one validated. Packets from other sources than validated
 * pairs are dropped; remote_rtp, remote_rtcp and latch are not read. The pair is reported and
 * restored like a latch (resume.source_rtp, source_rtcp); a restored one has consent for another 30
 * s. */
struct media_ice {
	uint8_t on;
	char ufrag[ICE_UFRAG_LEN]; /* ours; ice-char, not terminated */
	/* Ours; a secret. New ones: an ICE restart; the old pair stays until another is
	 * nominated. */
	char pwd[ICE_PWD_LEN];
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
	/* Another number: a new handshake with new keys (RFC 8842 4); else the keys stay. */
	uint8_t association;
	/* The party's certificate must match; NONE: no handshake before an update sets it. */
	struct media_fingerprint peer;
};

enum { MEDIA_FLIGHT_MAX = 672 };

/* Our datagrams with which the party can finish a handshake: whole DTLS records. Not secret. */
struct media_flight {
	uint16_t length; /* 0: no flight */
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
	DTLS_CONNECTED, /* with keys */
	/* Wrong certificate, no common profile, or an alert; the next handshake may succeed. */
	DTLS_FAILED,
};

/* One payload type as received, and as sent on to the peer. */
struct payload_rule {
	/* out PAYLOAD_NONE: an event that the peer takes by INFO; reported, not relayed. */
	uint8_t in, out;
	uint8_t event;     /* 1: telephone-event (RFC 4733) */
	uint8_t coding;    /* 0: it passes as it is; else by the spec's codings[coding - 1] */
	uint32_t clock_hz; /* RTP clock of what is received */
};

enum { MEDIA_CODINGS_MAX = 7 };

/* Transcoding from a codec of the party to one of the peer's party. The node speaks both. */
struct media_coding {
	uint8_t from, to;   /* enum media_codec */
	uint8_t packet_ms;  /* of what is sent, at most; 0: as it comes */
	uint8_t complexity; /* of the encoder, as dsp/codec/encoder.h has it; 0: the codec's own */
	uint32_t bit_rate;  /* likewise */
};

/* A sine, once, or twice with a pause of gap_ms between. ms 0: no tone. */
struct media_tone {
	uint16_t hz;
	int16_t level; /* tenths of dBm0 */
	uint16_t ms;
	uint16_t gap_ms; /* 0: once */
};

/* A tone on top of what a party is sent by its peer, by a job, or by nobody. It is mixed into the
 * packets of that time, under their numbers; all others pass untouched. Packets of a codec that is
 * not spoken are replaced by the tone; without packets the tone has its own. */
struct media_overlay {
	struct media_tone tone;
	/* By clock_now_ns; up to a second ago counts as now. 100 ms later if it was not set
	 * before. */
	uint64_t begun_ns;
	uint32_t every_ms; /* from the beginning of one to that of the next; 0: once */
};

/* A payload type under which a party takes a codec that is spoken. */
struct media_accepted {
	uint8_t payload_type;
	uint8_t codec; /* enum media_codec; of video: a format (media/rtp/video.h) */
};

enum { MEDIA_ACCEPTED_MAX = 8 };

/* The last packet sent to a flow's party while it was played a sound: the next stream continues
 * behind it, in time. */
struct flow_last_sent {
	uint64_t at_ns; /* of clock_now_ns */
	uint32_t timestamp;
	uint32_t clock_hz;
	uint16_t sequence;
	/* Timestamp units from packet to packet; 0: no sound was played, or it is not known. */
	uint16_t units;
};

/* What must survive a restart unnoticed by the peer. Direction: packets received by this flow. */
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
	/* A digest that identifies the key of srtp_in; 0: not known. */
	uint32_t srtp_key;
	uint64_t srtp_next;         /* next one we would send to the party */
	uint32_t srtcp_next;        /* of our */
	struct flow_last_sent sent; /* to the party of this flow */
};

enum {
	/* Indexes granted at a time: a successor jumps at most so far, well below 2^15. */
	SRTP_RESERVE = 8192,
	SRTCP_RESERVE = 1024,
	/* RFC 3711 3.3.1: below it no late packet is taken for one of another rollover. */
	SRTP_FIRST_END = 1 << 15,
};

/* Where our packets under keys of a new handshake begin. The receiver has a new SRTP session (RFC
 * 5764 3) without an index, and guesses that the rollover counter is 0: libsrtp does, and browsers
 * open another session for each handshake. So the counter starts anew, with the same SSRC: no index
 * was used under these keys. next: the index that would have followed under the old keys. */
static inline uint64_t srtp_index_anew(uint64_t next)
{
	return next < SRTP_FIRST_END ? next : 1 + next % (SRTP_FIRST_END - 1);
}

struct flow_parcel;

struct flow_spec {
	struct flow_id id;
	struct flow_id peer; /* generation 0: no peer yet; drops as no_peer */
	uint64_t call;       /* call id, for events */
	/* 0: all flows of the call are on one worker. Otherwise the worker of that id, which is the
	 * `call` of the command that opened the job this flow hears. An update that changes it sets
	 * media_command.moves, as one that changes `call` does. */
	uint64_t home;
	struct addr local_rtp;  /* bound address and port */
	struct addr local_rtcp; /* next port; unused (family ADDR_NONE) with rtcp_mux */
	struct addr remote_rtp; /* signalled by the party; ADDR_NONE: not known yet */
	struct addr remote_rtcp;
	uint32_t ssrc_out; /* SSRC of everything we send to this party, for the whole call */
	/* MEDIA_OPAQUE: rules, event_pt, nack and source are not read. With keys, ICE, DTLS or a
	 * bundle nothing passes. */
	enum media_kind kind;
	enum latch_mode latch;
	uint8_t dscp;     /* 0..63 */
	uint8_t receive;  /* 1: relay packets of the party; 0: drop them as not_receiving (hold) */
	uint8_t send;     /* 1: packets of the peer are sent to the party */
	uint8_t rtcp_mux; /* RFC 5761; of an opaque flow: packets to local_rtcp are dropped */
	uint8_t leg;      /* 0: leg A (caller), 1: leg B; for events and CDR */
	uint8_t line;     /* m-line index */
	/* Type under which the party takes telephone-events that we make. PAYLOAD_NONE: not at all;
	 * we send a tone then, in a codec of `accepted`, the first one while nothing is sent. */
	uint8_t event_pt;
	uint32_t event_clock_hz;
	/* FLOW_SILENT after so long without RTP and RTCP of the party, while receive is 1, or while
	 * send is 1 and it never sent; 0: never. */
	uint32_t silence_ms;
	/* Keys of the party's packets, and of ours. For a flow with DTLS: NONE until
	 * MEDIA_FLOW_KEYED, and nothing passes before. A flow opened with keys has those of
	 * dtls.association, and needs no handshake. An update does not change existing ones:
	 * control's may be older than those of a handshake that it does not know of yet. */
	struct media_key key_in, key_out;
	struct media_ice ice;
	struct media_dtls dtls;
	/* Generation 0: not bundled. Otherwise the flow of the same leg that shares its transport
	 * (socket, ICE, DTLS and its keys) with this one (BUNDLE, RFC 9143): packets of this one's
	 * payload types and SSRCs arrive there, and it sends by that socket. Its own ice and dtls
	 * are not read then; fds may be -1, for good. The owner is open before it, and no other
	 * flow of the bundle has this ssrc_out (RFC 3711 8.1), else MEDIA_FLOW_FAILED with -EINVAL.
	 * The owner has ice and rtcp_mux: only addresses that checks have proven are shared. After
	 * the owner has closed nothing is sent until an update names another one. */
	struct flow_id bundle;
	uint8_t mid_extension; /* its header extension for the MID (RFC 9143 15); 0: not used */
	uint8_t mid_length;
	char mid[16]; /* of this m-line, not terminated */
	/* RTP header extension with which the party numbers its packets for transport-wide feedback
	 * (media/rtp/transport_cc.h); 0: not used. Read with ice or bundle; one count for all flows
	 * of a transport. */
	uint8_t cc_extension;
	uint8_t own; /* 1: the party is a flow of this node: what comes from its port is no loop */
	uint8_t unproven; /* 1: remote_rtp is known from SDP only, without any proof */
	uint8_t nack;     /* 1: the party sends generic NACKs of video (RFC 4585 6.2.1) */
	uint8_t fir;      /* 1: ask for a key frame by FIR (RFC 5104 4.3.1): the party has no PLI */
	/* 1: without a peer the party's packets are counted and measured, and its digits reported,
	 * instead of dropped as no_peer. The stream to a later peer begins then. */
	uint8_t alone;
	/* 1: detect the party's DTMF digits as tones in its audio and report them like events. The
	 * audio passes unchanged. */
	uint8_t detects_dtmf;
	uint8_t strips;   /* 1: the party's header extensions are not relayed */
	uint8_t place;    /* of its shard, in the engine's struct validity */
	uint8_t tap_live; /* likewise for applications that hear it while the call runs */
	uint8_t tap_fork; /* 1: likewise for media/fork.h: what the party says, not hears */
	/* Audio: number within the call of the recording of what this party says and hears; 0: not
	 * recorded (media/tap.h). */
	uint8_t tap;
	/* 1: single-port mode, with ice (and a ufrag of its own) or bundle: without a socket of its
	 * own (fds -1) it uses the worker's; packets find it by its ufrag, then by the party's
	 * address. local_rtp is that socket's address. */
	uint8_t shared_port;
	/* No index of ours at or above the limit is sent before an update moves it: the record has
	 * what is below. Ignored for plain RTP. A key_out that is new to the flow, at its open or
	 * by an update, begins at resume.srtp_next and resume.srtcp_next; at a random index below
	 * 2^15 if srtp_next is 0. A key that was replaced must not come back. */
	uint64_t srtp_limit;
	uint32_t srtcp_limit;
	/* What the party is sent. With a job nothing of the peer passes, RTCP included, except
	 * digits. The stream continues under its SSRC, sequence and timestamp. A job that is not
	 * open on the flow's worker is ignored, and counted (stale_commands). */
	struct flow_source source;
	struct flow_member member; /* of a room */
	struct flow_video video;   /* likewise, of video */
	/* Audio only; in a codec of `accepted`, the first one while the party is sent nothing. */
	struct media_overlay overlay;
	uint8_t accepted_count;
	struct media_accepted accepted[MEDIA_ACCEPTED_MAX];
	uint8_t rule_count;
	/* Types the party may send; others are dropped as payload_type. */
	struct payload_rule rules[PAYLOAD_RULES_MAX];
	/* Of each rule's `in`: enum media_codec + 1; 0: unknown. For recordings and rooms. Of
	 * video: its format (media/rtp/video.h). */
	uint8_t rule_codecs[PAYLOAD_RULES_MAX];
	struct media_coding codings[MEDIA_CODINGS_MAX]; /* that rules name */
	struct flow_resume resume;                      /* started or latched: continue from here */
};

/* The id that determines its worker. */
static inline uint64_t flow_spec_home(const struct flow_spec *s)
{
	return s->home ? s->home : s->call;
}

enum media_command_kind {
	MEDIA_FLOW_OPEN, /* spec; fds */
	/* spec: as for open. The running state stays: resume only matters for new keys. */
	MEDIA_FLOW_UPDATE,
	MEDIA_FLOW_CLOSE, /* id: answered by FLOW_CLOSED with the last counters */
	MEDIA_FLOW_QUERY, /* id: the worker answers with FLOW_STATS */
	/* id, digit, duration_ms: an RFC 4733 event, or a tone; several are queued, 120 ms
	 * apart. */
	MEDIA_FLOW_DIGIT_SEND,
	/* id, association: the keys of MEDIA_FLOW_KEYED are saved, so the flight that completes the
	 * handshake is sent. After a restart: flight, which is sent at once, and for 10 s again
	 * when the party asks for it (RFC 6347 4.2.4). */
	MEDIA_FLOW_FLIGHT,
	MEDIA_FLOW_YIELD, /* id, parcel: engine_move only; the engine gets MEDIA_FLOW_YIELDED */
	/* job, in a free slot, work, call: on the worker of that call, or with 0 on each. On
	 * failure MEDIA_JOB_CLOSED follows at once. A room's call is an id of its own, the home of
	 * its members. */
	MEDIA_JOB_OPEN,
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
	/* OPEN: bound sockets, which the worker owns from now on; -1: no socket. Filled by app. */
	int32_t rtp_fd, rtcp_fd;
	struct flow_id id; /* CLOSE, QUERY, DIGIT_SEND, FLIGHT */
	struct job_id job; /* of the JOB commands */
	char digit;
	uint8_t association; /* FLIGHT */
	/* UPDATE: the flow first goes to the worker of spec.home or spec.call, if that is another
	 * one (engine_move). */
	uint8_t moves;
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
	/* of our stream, from the party's last RTCP report */
	uint32_t remote_lost, remote_jitter_us;
	uint32_t rtt_us;   /* to the party and back; 0: not known */
	uint8_t ice, dtls; /* enum media_ice_state, enum media_dtls_state */
};

struct media_hop {
	uint32_t ifindex; /* 0: not known */
	uint8_t mac[6];
};

struct media_hops {
	struct addr party;
	struct media_hop was, now;
};

enum media_event_kind {
	MEDIA_FLOW_LATCHED, /* resume: latched address, source or offsets changed: worth saving */
	/* digit, duration_ms: one per event, when it ends (or at most half a second after its last
	 * packet), and one per detected tone. */
	MEDIA_FLOW_DIGIT,
	/* Keys of a DTLS handshake: key_in, key_out, association, resume. The flight that lets the
	 * party finish waits for MEDIA_FLOW_FLIGHT, so that keys are saved before they are used.
	 * suite NONE: the keys of this association are invalid after all. */
	MEDIA_FLOW_KEYED,
	MEDIA_FLOW_RESERVE, /* resume: less than half of the granted SRTP or our indexes is left */
	/* Once, after silence_ms; again only after the party was heard or an update. Before it, an
	 * update restarts the time only if receive, silence_ms or remote_rtp changes. */
	MEDIA_FLOW_SILENT,
	MEDIA_FLOW_STATS,
	MEDIA_FLOW_CLOSED, /* its ports are free as soon as the worker looks at its sockets again */
	MEDIA_FLOW_FAILED, /* the flow could not be opened or its socket died: error is -errno */
	/* hops: the kernel's forwarding to the party used another next hop than the present one. */
	MEDIA_FLOW_REROUTED,
	MEDIA_FLOW_YIELDED, /* engine_move: between two workers */
	/* The answer to engine_move: the flow is open there. error: why it has not moved, or
	 * -ENOENT if it is closed. */
	MEDIA_FLOW_MOVED,
	/* Of jobs: job, call, place; no flow */
	MEDIA_JOB_PLACE, /* by query, or each report_ms */
	/* A sound without loop is over; the job stays open. error: the sound is incomplete. */
	MEDIA_JOB_ENDED,
	MEDIA_ROOM_TALKS, /* talks: others than before; five times a second at most */
	/* error is 0, or the -errno of a failed open. A job on all workers sends one from each. */
	MEDIA_JOB_CLOSED,
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
	char digit;      /* 0-9 * # A-D, F for flash */
	uint8_t relayed; /* DIGIT: 1: the peer got the event, or heard the tone */
	uint8_t tone;    /* DIGIT: 1: it was a tone */
	uint8_t listens; /* SILENT: 1: the party is not to send; it never sent */
	uint32_t duration_ms;
	int32_t error;
	struct flow_resume resume;
	struct flow_stats stats; /* STATS, CLOSED, LATCHED */
	union {
		struct media_flight flight; /* KEYED; length 0: too long, or sent late */
		struct flow_detail detail;  /* STATS, CLOSED */
		struct media_talks talks;   /* ROOM_TALKS */
		struct media_hops hops;     /* REROUTED */
	};
	struct media_key key_in, key_out; /* KEYED; the receiver of the event wipes them */
	uint8_t association;
	struct job_id job; /* of the JOB events */
	uint32_t place;    /* the sample of its sound that comes next */
	/* JOB_CLOSED: the reference from its command; engine_events releases it and sets NULL. */
	struct media_sound *sound;
	struct flow_parcel *parcel; /* YIELDED, MOVED, FAILED: the engine takes it out */
	/* JOB_CLOSED: 1: no worker has the job any more, and its slot is free. From a worker: 1: it
	 * had the job, or was to open it. */
	uint8_t last;
};

#endif
