/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signalling core of one shard: transactions, registrar, calls. Pure: datagrams, timers, save acknowledgements and media events in,
 * effects out. No socket, no clock, no Redis, so a whole cluster runs on virtual time in tests/sim.
 * One thread. After every call below the owner carries out shard_effects() and clears them.
 */
#ifndef SIG_SHARD_SHARD_H
#define SIG_SHARD_SHARD_H

#include "base/clock.h"
#include "base/rand.h"
#include "base/seal.h"
#include "media/offer.h"
#include "sig/leg/line_facts.h"
#include "sig/shard/effect.h"
#include "sig/shard/quota.h"
#include "sig/shard/registrar.h"
#include "sig/sip/digest.h"
#include "sig/sip/feature_code.h"
#include "sig/sip/id.h"

struct shard;

enum {
	SHARD_LOCALS_MAX = 21,
	SHARD_TRUSTED_MAX = 64,
	SHARD_NETWORKS_MAX = 8,
	SHARD_RESERVED_MAX = 4
};

enum { SHARD_DOMAINS_MAX = 24, SHARD_DOMAIN_MAX = 64 };
enum { SHARD_INFO_TYPES_MAX = 8, SHARD_INFO_TYPE_MAX = 64 };
enum { SHARD_EMERGENCY_MAX = 16, SHARD_EMERGENCY_LEN = 16 };

enum { SESSION_EXPIRES_MIN_S = 90 }; /* RFC 4028 4 */

/* One listening SIP address. */
struct shard_local {
	struct addr bind;      /* what the socket is bound to */
	struct addr advertise; /* what Via and Contact say */
	enum sip_transport transport;
	uint16_t network; /* index into networks */
};

struct shard_network {
	char name[32];
	struct addr media_bind;      /* local address of the ports */
	struct addr media_advertise; /* what SDP says */
	uint16_t first_port, last_port;
	uint16_t webrtc_first, webrtc_last; /* of single-port mode; 0: none */
	uint8_t allow; /* SHARD_ALLOW_*: special addresses that its trusted parties may name (sig/shard/destination.h) */
};

enum { SHARD_ALLOW_LOOPBACK = 1, SHARD_ALLOW_LINK_LOCAL = 2, SHARD_ALLOW_OWN = 4 };

/* Single-port mode (media/flow.h): which of a worker's sockets, that many flows share, those of a call have. All NULL: it is off. */
struct shard_shared_ports {
	void *arg;
	/* The port on that network, the same each time until it is released; 0: there is none. */
	uint16_t (*take)(void *arg, uint64_t call, uint16_t network);
	/* After a restart: the call is to have this one. False: it is none of ours, or not of the worker that the call has by now. */
	bool (*claim)(void *arg, uint64_t call, uint16_t network, uint16_t port);
	void (*release)(void *arg, uint64_t call); /* the call is over, whether it had any or not */
};

/* A rule of trust (sig/shard/trust.h): whose requests need no digest (an SBC or trunk in front of us). */
struct shard_trusted {
	struct addr net;
	uint8_t bits;
	uint8_t transports; /* 1 << enum sip_transport; 0: UDP, TCP and TLS */
	uint16_t network;   /* one more than its index into networks; 0: any */
	uint16_t port;      /* of the peer; 0: any */
	bool certificate;   /* over TLS with a client certificate only */
	uint32_t calls_max,
		calls_per_second; /* of all its peers together; 0: no limit of its own */
};

struct shard_settings {
	uint16_t number; /* shard number */
	uint64_t boot;   /* clock_boot; 0: not known */
	char tenant[32]; /* the one tenant of this version: "default" */
	char server[64]; /* Server and User-Agent header */
	uint32_t local_count;
	struct shard_local locals[SHARD_LOCALS_MAX];
	uint32_t network_count;
	struct shard_network networks[SHARD_NETWORKS_MAX];
	struct shard_shared_ports shared;
	struct quota_host quota; /* of the node */
	uint64_t
		overload_delay_ns; /* the target of sig/shard/overload.h; 0: new calls are never refused so */
	/* Numbers whose calls no quota, no drain and no overload refuses. */
	uint32_t emergency_count;
	char emergency[SHARD_EMERGENCY_MAX][SHARD_EMERGENCY_LEN];
	struct feature_codes codes; /* where no extension has such a number */
	uint32_t
		reserved_count; /* further ports of ours, where nobody is sent anything: HTTP, Redis */
	struct addr reserved[SHARD_RESERVED_MAX];
	uint32_t trusted_count;
	struct shard_trusted trusted[SHARD_TRUSTED_MAX];
	/* Names of ours besides the realm: what is called at them is an extension of ours. "*.example.org": any one label in front. */
	uint32_t domain_count;
	char domains[SHARD_DOMAINS_MAX][SHARD_DOMAIN_MAX];
	/* What INFO carries between phones besides keys and picture requests: "application/x-foo"; "*": anything. */
	bool tones; /* parties hear of the node why nobody takes a call; else they are hung up at once */
	bool digits_shown; /* events say which digit was pressed; else there are none of digits */
	uint32_t info_type_count;
	char info_types[SHARD_INFO_TYPES_MAX][SHARD_INFO_TYPE_MAX];
	struct registrar_settings registrar;
	struct digest_server digest;
	enum latch_mode latch;
	uint8_t dscp_audio, dscp_video;
	bool video;
	uint64_t
		ring_timeout_ns; /* no answer: CANCEL, 408 to the caller; default 180 s (RFC 3261 timer C) */
	uint32_t
		session_expires_s; /* RFC 4028: a session that nobody refreshes ends then; 0: off */
	uint64_t port_rest_ns;
	uint64_t
		media_timeout_ns; /* a party that should send is silent for so long: the call ends; 0: never */
	struct media_fingerprint fingerprint; /* of the certificate for DTLS */
	struct seal_key seal_key; /* records with SRTP keys in them are sealed with it */
	uint32_t calls_max, registrations_max, txns_max;
};

/* Whose media is DTLS-SRTP with ICE (RFC 8827). */
enum shard_webrtc {
	WEBRTC_AUTO, /* offered to phones that came over a WebSocket; accepted over TLS, too */
	WEBRTC_NEVER,
	WEBRTC_ALWAYS, /* offered and accepted over any transport */
};

/* What the core needs to know of an extension document. */
struct shard_extension {
	char number[64];
	char display_name[64];
	struct digest_secret secret;
	bool early_media; /* 183 with SDP is passed on (REG-02: off); the profile may say so too */
	bool enabled;
	bool single_phone; /* REG-07: a second phone is refused while one is registered */
	bool tls_srtp; /* REG-08: it registers and calls over TLS only, its media is SRTP only */
	bool sdes_insecure; /* SDES keys go over UDP and TCP as well, and it is offered SRTP there */
	bool no_video;      /* MED-08: "Enable H264 Video" is off for it */
	uint8_t webrtc;     /* enum shard_webrtc */
	bool no_transfer;   /* CALL-27: its phones give no party away */
	bool media_elsewhere; /* its media may be at another address than its signalling */
	uint8_t music; /* enum shard_track: to whom it holds. One without jobs: as SHARD_TRACK_MUSIC; SHARD_TRACK_NONE: nothing */
};

enum {
	FORWARD_TARGET_MAX = 32, /* of one number, with its NUL */
	FORWARD_NUMBERS_MAX = 8,
	FORWARD_LIST_MAX = 128,
	FORWARD_RINGS_MAX = 20,
	FORWARD_RING_S = 6,
	FORWARD_HUNT_RINGS =
		4, /* of each number of a list but the last, where forward_rings says nothing */
};

/* Where calls to an extension go instead. Targets are numbers of ours, joined by ',', which are tried one after the other; "": nowhere. */
struct shard_forward {
	char always[FORWARD_LIST_MAX], busy[FORWARD_LIST_MAX];
	char no_answer[FORWARD_LIST_MAX], unreachable[FORWARD_LIST_MAX];
	uint8_t rings; /* until no_answer or the next number, of FORWARD_RING_S each; 0: as long as any call rings */
	bool do_not_disturb;       /* no phone of it rings: as if it were busy (CALL-19) */
	bool smart_do_not_disturb; /* the same while it has a call, whoever made that (CALL-20) */
	char application
		[APPLICATION_NAME_MAX]; /* its calls wait for that one, and no phone rings; "": none */
	uint16_t application_wait_s;    /* so long; 0: APPLICATION_WAIT_S */
};
/* Rings alone lead nowhere. */
static inline bool shard_forward_is_set(const struct shard_forward *f)
{
	return f->always[0] || f->busy[0] || f->no_answer[0] || f->unreachable[0] ||
	       f->do_not_disturb || f->smart_do_not_disturb || f->application[0];
}

enum { PROFILE_NAME_MAX = 32, SHARD_PROFILES_MAX = 64, SHARD_RANGES_MAX = 256 };
#define PROFILE_DEFAULT "default"

/* A codec profile (REG-12). The one named "default" is for phones in no range; without it there are no limits. */
struct shard_profile {
	char name[PROFILE_NAME_MAX];
	struct offer_terms
		terms; /* the sdes_ members are not used: they follow from extension and transport */
	bool early_media;
	uint8_t transports; /* 1 << enum sip_transport: over which a phone may register; 0: all */
};
/* Source addresses of phones, first..last inclusive, one family; the first range that holds the address counts. */
struct shard_range {
	struct addr first, last;
	char profile[PROFILE_NAME_MAX];
};

/* Sounds that the node plays without end, to all that are to hear them (sig/call/hears.h). */
enum shard_track {
	SHARD_TRACK_MUSIC, /* to who is held, where the holder chose no file of its own */
	SHARD_TRACK_RINGBACK,
	SHARD_TRACK_BUSY,
	SHARD_TRACK_CONGESTION,
	SHARD_TRACK_INFORMATION,
	SHARD_TRACK_CONFIRMATION,
	SHARD_TRACK_FILES, /* from here on: those that extensions chose */
	SHARD_TRACKS = 64,
	SHARD_TRACK_NONE = SHARD_TRACKS,
};

/* 0 or -errno. rand is used by the shard from now on. */
int shard_open(struct shard **out, const struct shard_settings *settings, struct rand_source *rand,
	       struct instant now) NODISCARD;
void shard_close(struct shard *s);
/* New settings for what may change without a restart (all but number, locals, networks, shared ports, the table of quotas, capacities,
 * keys). */
void shard_configure(struct shard *s, const struct shard_settings *settings);
/* 0 or -ENOSPC. Whom it holds hears its music at once. */
int shard_extension_put(struct shard *s, const struct shard_extension *extension) NODISCARD;
/* What an extension that is there has set, where shard_forward_is_set. For each next decision of a call. 0, -ENOENT, -ENOMEM. */
int shard_forward_set(struct shard *s, const char *number,
		      const struct shard_forward *forward) NODISCARD;
bool shard_extension_delete(struct shard *s, const char *number);
int shard_profile_put(struct shard *s,
		      const struct shard_profile *profile) NODISCARD; /* 0, -ENOSPC */
bool shard_profile_delete(struct shard *s, const char *name);
/* Jobs that are open on every worker, by enum media_codec; generation 0: that codec has none. Who is to hear it does so at once. */
void shard_track_set(struct shard *s, enum shard_track track,
		     const struct job_id jobs[MEDIA_CODECS]);
/* Replaces the whole table. 0, -ENOSPC. */
int shard_ranges_set(struct shard *s, const struct shard_range *ranges, uint32_t count) NODISCARD;

struct effects *shard_effects(struct shard *s);

/* ---- events ---- */
/* Before shard_receive: for so long not all that came could be read (sig/shard/overload.h). */
void shard_behind(struct shard *s, uint64_t behind_ns);
void shard_receive(struct shard *s, const struct sip_hop *from, struct bytes datagram,
		   struct instant now);
/* A message could not be sent (ICMP error, no route, no connection). error: an errno value, positive. */
void shard_send_failed(struct shard *s, const struct sip_hop *hop, int error, struct instant now);
/* A connection is gone, with what was on it. */
void shard_connection_closed(struct shard *s, const struct sip_hop *hop, struct instant now);
void shard_expire(struct shard *s, struct instant now);
uint64_t shard_next_ns(const struct shard *s);
/* saved: true acknowledged; false: outcome unknown or refused. */
void shard_call_saved(struct shard *s, uint64_t call, uint64_t version, bool saved,
		      struct instant now);
void shard_call_ended(struct shard *s, uint64_t call, bool saved, struct instant now);
enum shard_binding_result { BINDING_SAVED, BINDING_CONFLICT, BINDING_FAILED };
void shard_binding_saved(struct shard *s, struct bytes tenant, struct bytes user, uint64_t version,
			 enum shard_binding_result result, struct instant now);
void shard_media_event(struct shard *s, const struct media_event *event, struct instant now);
/* Of an EFFECT_PLAY. */
enum act_news_kind { ACT_NEWS_OPEN, ACT_NEWS_ENDED, ACT_NEWS_FAILED };
struct act_news {
	enum act_news_kind kind;
	uint64_t serial;
	struct job_id job; /* OPEN */
	enum media_codec codec;
};
struct act_terms;
void shard_play_told(struct shard *s, uint64_t call, const struct act_news *news,
		     struct instant now);
/* Of an EFFECT_SET. REFUSED: the document would not be a good one; FAILED: it is not known to be saved. */
enum set_state { SET_NONE, SET_ASKED, SET_DONE, SET_REFUSED, SET_FAILED, SET_STATES };
struct set_news {
	enum set_state state;
	uint64_t serial;
};
void shard_set_told(struct shard *s, uint64_t call, const struct set_news *news,
		    struct instant now);
/* An effect OPEN could not bind its ports (error -errno). */
void shard_media_failed(struct shard *s, struct flow_id id, uint64_t call, int error,
			struct instant now);
/* Redis is away: effects no longer wait for saves. Back (degraded false): everything is asserted again. */
void shard_degraded(struct shard *s, bool degraded, struct instant now);
/* Ids of calls whose record the store is believed to have, at most max, from *cursor on (0 at first, and again after the last). */
uint32_t shard_calls_saved(struct shard *s, uint32_t *cursor, uint64_t *ids, uint32_t max);
/* The store has no record of that call: it is saved again, if it still lives. */
void shard_call_missing(struct shard *s, uint64_t call, struct instant now);
/* As with degraded false, of a store that was late only and lost nothing: what it has not acknowledged is saved again. */
void shard_caught_up(struct shard *s, struct instant now);
/* What those around the shard saw of misuse: transports, the web. detail: words of ours. */
void shard_security_event(struct shard *s, enum security_kind kind, const struct addr *source,
			  struct bytes user, const char *detail, struct instant now);
/* No new calls (503 with Retry-After) but those to emergency numbers; established ones go on. */
void shard_drain(struct shard *s, bool drain);

/* ---- after a restart, before the first shard_receive ---- */
/* Before the first restore: which owner of the shard this process is, counted. Each one's is higher than all before; 0: not known. */
void shard_incarnate(struct shard *s, uint64_t incarnation);
/* 0, -EBADMSG (broken; reason says why; nothing is changed), -EEXIST, -ENOSPC, -EBUSY (its ports are taken). */
int shard_restore_call(struct shard *s, struct bytes record, struct instant now,
		       const char **reason) NODISCARD;
/* Its record is there and cannot be read: all that can be done is to say so, in a CDR. */
void shard_call_unreadable(struct shard *s, uint64_t call, struct instant now);
int shard_restore_binding(struct shard *s, struct bytes record, struct instant now,
			  const char **reason) NODISCARD;
/* Where the parties of calls and the registered phones are. */
typedef void shard_hop_fn(const struct sip_hop *hop, void *arg);
void shard_hops(const struct shard *s, shard_hop_fn *each, void *arg);
/* Starts the timers of what was restored and answers what was left open. */
void shard_resume(struct shard *s, struct instant now);

/* ---- commands and queries ---- */
/* Who gives an order. 0 says that it was carried out, and EFFECT_ORDERED follows when that is saved: maybe at once, for certain. With any
 * other answer nothing was done and nothing follows. NULL: nobody waits, and the call does not remember the order. */
struct shard_order {
	uint64_t
		id; /* the same one again is the same order: it is answered again, and nothing is done. id_order; of a call's last ORDERS_KEPT */
	uint64_t ticket; /* of the effect */
};
/* 0 or -ENOENT. Ends the call with BYE or CANCEL/480. */
int shard_hangup(struct shard *s, uint64_t call, const struct shard_order *by,
		 struct instant now) NODISCARD;

/* What a call is told to do (sig/shard/shard_commands.c). All: 0 (also when it is so already), -ENOENT (no such call), -EAGAIN (a change of
 * the session is under way, or too many orders wait), -ENOTCONN (not established), -ENODEV (nobody else is there). leg: 0 is the caller, 1 whom it speaks with. */
/* Rings the best phone of `from`, and when it answered all phones of `to`, as if `from` had called. */
struct shard_originate {
	uint64_t call; /* the id it is to have; where there is such a call nothing is done */
	const char *from, *to;
	bool auto_answer; /* from's phone is asked to answer by itself (REG-18) */
	const struct shard_order *by;
};
/* 0, -ENOENT (from is not registered), -EHOSTUNREACH (to is not), -ESHUTDOWN (draining), -ENOSPC. */
int shard_call_originate(struct shard *s, const struct shard_originate *o,
			 struct instant now) NODISCARD;
/* The party of that leg holds the other one: that one is offered a=sendonly, and no media goes either way. Until resumed, or until the
 * party's own offer to send and receive (CALL-07). */
int shard_call_hold(struct shard *s, uint64_t call, uint8_t leg, const struct shard_order *by,
		    struct instant now) NODISCARD;
/* A call that waits for an application is answered by the node itself. -EINVAL: it waits for none. -ENOSPC: no ports; it waits on. -EPROTO: the
 * node can say nothing that the caller takes; the call is refused. */
int shard_call_answer(struct shard *s, uint64_t call, const struct shard_order *by,
		      struct instant now) NODISCARD;
/* The caller is alone with the node: what is played to it, and which of its keys are told, in place of what was. Neither: that stops. -EISCONN: it is not
 * alone. -EACCES: keys are for an application alone, and it has none. */
int shard_call_act(struct shard *s, uint64_t call, const struct act_terms *terms,
		   const struct shard_order *by, struct instant now) NODISCARD;
/* The party of that leg goes to a call of its own, and the other one stays: both are alone with the node then. */
struct shard_split {
	uint64_t call;
	uint64_t
		to; /* the id that the new call is to have; where there is such a call nothing is done, and it answers */
	uint8_t leg;
	const char *application; /* that both calls have; "": whose the call is */
	const struct shard_order *by;
};
/* EFFECT_ORDERED is of the new call. Beside the usual: -ENOSPC. */
int shard_call_split(struct shard *s, const struct shard_split *split,
		     struct instant now) NODISCARD;
/* Where the phone itself holds it is asked to go on (Event: talk); -EOPNOTSUPP: it does not take that. */
int shard_call_resume(struct shard *s, uint64_t call, uint8_t leg, const struct shard_order *by,
		      struct instant now) NODISCARD;
/* Nobody hears the party of that leg; it is not told. */
int shard_call_mute(struct shard *s, uint64_t call, uint8_t leg, bool on,
		    const struct shard_order *by, struct instant now) NODISCARD;
/* One of the two parties of a call, or none named. */
enum shard_leg { SHARD_LEG_NONE, SHARD_LEG_CALLER, SHARD_LEG_CALLEE };
/* The party of that leg gives the other one to the extension: as if its phone had sent REFER, which nobody hears of. SHARD_LEG_NONE: the
 * caller, which is alone with the node, goes on to it. Beside the usual: -EALREADY (a transfer is under way), -EDESTADDRREQ (there are
 * two, and no leg is named), -ENXIO (there is no such extension), -ELOOP (it is the party's own), -EHOSTUNREACH (no phone of it is
 * registered). */
int shard_call_transfer(struct shard *s, uint64_t call, enum shard_leg leg, const char *to,
			const struct shard_order *by, struct instant now) NODISCARD;
/* Two calls become one: of each the party of that leg stays, and the other one is left. The call goes on, with ends. */
struct shard_join {
	uint64_t call, with;
	enum shard_leg leg, with_leg; /* NONE: of a caller that is alone with the node */
	const struct shard_order *by;
	bool of_with; /* out: what was refused is about with */
};
/* Beside the usual: -EALREADY, -EDESTADDRREQ (as above), -ELOOP (both are the same), -EPROTO (they have no codec in common). */
int shard_call_join(struct shard *s, struct shard_join *join, struct instant now) NODISCARD;
/* Digits go to the party of that leg: as telephone-events, or by INFO. */
int shard_call_dtmf(struct shard *s, uint64_t call, uint8_t leg, struct bytes digits,
		    uint16_t duration_ms, const struct shard_order *by,
		    struct instant now) NODISCARD;

enum call_state {
	CALL_SETUP, /* INVITE came, being saved or sent */
	CALL_RINGING,
	CALL_ANSWERING, /* B answered; being saved, or A's ACK is awaited */
	CALL_ESTABLISHED,
	CALL_ENDING, /* BYE or CANCEL under way */
};
const char *call_state_name(enum call_state state);

enum { CALL_VIEW_FLOWS_MAX = 32 };

/* One of the two parties. */
struct call_view_leg {
	enum sip_transport transport;
	bool held, muted;               /* by command: its party holds the other; it is not heard */
	char profile[PROFILE_NAME_MAX]; /* the codec profile that its address has now */
	char suite[40];                 /* SRTP crypto-suite of its first stream; "": plain */
	char codecs[128];               /* agreed, as "PCMA,opus,H264"; "": nothing yet */
};

struct call_view {
	uint64_t call;
	enum call_state state;
	uint64_t version; /* of the record */
	bool saved;       /* the version is acknowledged */
	bool restored;
	char tenant[32];
	char from[64], to[64];
	struct text const *sip_call_id
		[2]; /* caller and callee (the caller again: nobody is asked yet); valid until the next event */
	struct addr remote[2]; /* SIP peers */
	struct call_view_leg legs[2];
	uint32_t leg_count; /* the caller and everybody who rings, talks or is on the way out */
	uint64_t setup_utc_ms, answer_utc_ms; /* of its first pair */
	uint32_t flow_count;                  /* those of the two first */
	struct {
		struct flow_id id;
		uint8_t leg, line;
		enum media_kind kind;
		struct addr local, remote;
		uint32_t ssrc_out;
		struct flow_resume resume; /* last checkpoint */
	} flows[CALL_VIEW_FLOWS_MAX];
};
bool shard_call_view(const struct shard *s, uint64_t call, struct call_view *out);
/* The same without what stands in session descriptions, which must be read for it: codecs and suites are "". */
bool shard_call_glance(const struct shard *s, uint64_t call, struct call_view *out);
/* What the party of a leg says of an m-line; *contact: address of its SIP, ADDR_NONE where it is a name. False: nothing is agreed. */
bool shard_call_line(const struct shard *s, uint64_t call, uint8_t leg, uint8_t line,
		     struct line_facts *out, struct addr *contact);
/* Between us and a party: valid until the next event. Has keys. */
struct call_session {
	struct bytes call_id, local, remote, remote_tag, target; /* of the dialog */
	char local_tag[ID_TAG_LEN];
	struct sip_hop hop;
	bool asked;               /* the INVITE was ours */
	struct bytes heard, told; /* SDP in force: the party's, and ours to it */
};
/* leg: of the caller or the callee. False: no session is in force. */
bool shard_call_session(const struct shard *s, uint64_t call, uint8_t leg,
			struct call_session *out);
/* The call that a message, received (and handed to shard_receive before) or sent, belongs to; 0: none that is known. Costs its parsing. */
uint64_t shard_whose(const struct shard *s, struct bytes message);
/* Walks all calls: *cursor = 0 first. */
bool shard_call_next(const struct shard *s, uint32_t *cursor, struct call_view *out);
/* Walks addresses of record; NULL at the end. Valid until the next event. */
const struct aor *shard_aor_next(const struct shard *s, uint32_t *cursor);
const struct aor *shard_aor_find(const struct shard *s, struct bytes user);

struct shard_counts {
	uint32_t calls, calls_established, aors, bindings, extensions, txns, txns_max, ports_free;
	uint64_t saves_pending;
	uint32_t given_up; /* restored calls that could not go on */
	bool degraded, draining;
};
/* A time of a binding as the wall shows it. */
uint64_t shard_wall_utc_ms(const struct shard *s, uint64_t utc_ms);
void shard_counts(const struct shard *s, struct shard_counts *out);
/* Networks without the pairs of ports that one more call takes. */
uint32_t shard_networks_full(const struct shard *s, struct instant now);

#endif
