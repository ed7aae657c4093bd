/* SPDX-License-Identifier: Apache-2.0 */
/* What a shard is told of its node, its extensions and its networks. */
#ifndef SIG_HOST_SETTINGS_H
#define SIG_HOST_SETTINGS_H

#include "base/clock.h"
#include "base/hash.h"
#include "base/seal.h"
#include "media/offer/offer.h"
#include "sig/host/effect.h"
#include "sig/host/quota.h"
#include "sig/host/tenant.h"
#include "sig/identity/policy.h"
#include "sig/sip/digest.h"
#include "sig/sip/feature_code.h"
#include "sig/sip/id.h"

enum {
	SHARD_LOCALS_MAX = 21,
	SHARD_TRUSTED_MAX = 64,
	SHARD_NETWORKS_MAX = 8,
	SHARD_RESERVED_MAX = 4,
	PEER_SHARDS_MAX = 16
};

enum { SHARD_DOMAINS_MAX = 24, SHARD_DOMAIN_MAX = 64 };
enum { SHARD_INFO_TYPES_MAX = 8, SHARD_INFO_TYPE_MAX = 64 };
enum { SHARD_EMERGENCY_MAX = 16, SHARD_EMERGENCY_LEN = 16 };

enum { SESSION_EXPIRES_MIN_S = 90 }; /* RFC 4028 4 */
enum {
	SHARD_SAVE_LATER_MS = 8
}; /* of a node: in less few others come, and 200 to a BYE is not kept waiting for more */

/* One listening SIP address. */
struct shard_local {
	struct addr bind;      /* what the socket is bound to */
	struct addr advertise; /* what Via and Contact say */
	enum sip_transport transport;
	uint16_t network; /* index into networks */
	uint16_t
		tenant; /* one more than the number of whose phones alone come here; 0: the domain says it */
};

struct shard_network {
	char name[32];
	struct addr media_bind;      /* local address of the ports */
	struct addr media_advertise; /* what SDP says */
	uint16_t first_port, last_port;
	uint16_t webrtc_first, webrtc_last; /* of single-port mode; 0: none */
	uint8_t allow; /* SHARD_ALLOW_*: special addresses that its trusted parties may name (sig/host/destination.h) */
	uint16_t
		shard; /* whose alone its addresses are, and go with it to other nodes; 0: of all */
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

/* What is known of names, and who may be asked (EFFECT_LOOKUP). All NULL: names are not looked up. */
struct shard_lookup {
	void *arg;
	/* As lookup_run; those that failed a moment ago stand behind the others. */
	void (*find)(void *arg, const struct lookup_want *want, uint64_t now_ns,
		     struct lookup *out);
	/* It could not be reached, or wants to be left alone for so long; 0: nobody said. */
	void (*failed)(void *arg, const struct lookup_target *target, uint32_t for_s,
		       uint64_t now_ns);
	/* That was so a moment ago; NULL: nobody knows. */
	bool (*blocked)(void *arg, const struct lookup_target *target, uint64_t now_ns);
};

/* What is known of the certificates that others have shown. is NULL: nothing is. */
struct shard_certified {
	void *arg;
	/* Whoever is at the other end of that connection has shown one for that domain (RFC 5922 7), which was verified. */
	bool (*is)(void *arg, const struct sip_hop *hop, const char *domain);
};

enum { SHARD_SIPREC_USER_MAX = 64, SHARD_SIPREC_REALM_MAX = 128, SHARD_SIPREC_MAX = 8 };

/* A recorder that is at a name. */
struct shard_siprec_name {
	char host[DNS_NAME_CAP]; /* "": it is at an address */
	uint16_t port;           /* 0: as the name says, by SRV (RFC 3263 4.2) */
};

/* The external recorder (RFC 7866), or several of which one takes what another does not. */
struct shard_siprec {
	uint8_t count; /* 0: there is none */
	bool srtp;     /* its streams are SRTP */
	enum sip_transport transport;
	struct addr addresses[SHARD_SIPREC_MAX];
	struct shard_siprec_name names[SHARD_SIPREC_MAX]; /* likewise */
	char user[SHARD_SIPREC_USER_MAX];                 /* of its URI; "": none */
	char network[32]; /* of ours, by which alone it is reached; "": any */
	char auth_user[SHARD_SIPREC_USER_MAX],
		realm[SHARD_SIPREC_REALM_MAX]; /* who we are to it; "": nobody */
	struct digest_secret secret;
};

/* A rule of trust (sig/shard/shard_state.h): whose requests need no digest (an SBC or trunk in front of us). */
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

/* When a conference of calls with two members left is a call of two again (CONF-08, BEAT-07). */
enum conference_release {
	CONFERENCE_RELEASE_NEVER,
	CONFERENCE_RELEASE_ALWAYS,
	CONFERENCE_RELEASE_INITIATOR_LEFT, /* its initiator is none of them (CONF-09) */
};

/* Conferences. */
struct conference_settings {
	uint16_t
		station_members; /* of one that began as a call (CONF-02); 0: as many as there may be */
	uint16_t command_members; /* ... of which commands add to so many; 0: to as many */
	uint8_t station_talkers;  /* heard at once in such a one, as struct room has it */
	bool succession;          /* when its host has left another member is host (BEAT-08) */
	uint8_t release;          /* enum conference_release */
	bool incoming_bound; /* a call that came to an extension comes into one where that has call waiting alone (CONF-04) */
	uint16_t tones_most; /* of a room with more members nobody hears who comes and goes */
};

struct registrar_settings {
	uint32_t expires_s;     /* when the phone asks for none; 90 (REG-04) */
	uint32_t expires_min_s; /* below: 423 */
	uint32_t expires_max_s;
	uint32_t contacts_max;   /* per address of record, <= BINDINGS_MAX; more: 403 */
	uint32_t many;           /* with more registrations than this in the shard */
	uint32_t expires_many_s; /* a phone that asks for no time gets this (REG-04) */
	bool path;         /* of this REGISTER: who sent it may say by whom its phone is reached */
	uint16_t location; /* of this REGISTER, too: where its phone says that it is; 0: nowhere */
};

/* What shards of a node have together: sig/shard/commons.h. */
struct shard_commons;
struct hop_edges;
struct hop_names;
struct trunks;
struct trunk_numbers;
struct dial_plans;
struct shares;
struct toll;
struct sites;
struct rooms;

struct shard_settings {
	uint16_t number; /* shard number */
	uint32_t
		peer_shard_count; /* shards that SIP_INTER_SHARD leads to, itself among them; 0: none */
	uint16_t peer_shards[PEER_SHARDS_MAX];
	uint64_t boot;            /* clock_boot; 0: not known */
	struct tenants *tenants;  /* of the node; NULL: those of the locations */
	struct dial_plans *dials; /* of the node; NULL: no tenant has one */
	struct sites *sites; /* of the node (tenant_tables.h); NULL: nobody says where phones are */
	struct rooms *rooms; /* of the node (tenant_tables.h); NULL: no tenant has one */
	struct shard_commons *commons; /* of the node; NULL: the shard has one of its own */
	struct trunks *trunks;         /* of the node (trunk.h); NULL: it has none */
	struct hop_edges *edges; /* of the node (hop.h); NULL: it knows its own connections alone */
	struct hop_names *names; /* of the node (hop.h); NULL: no hop has one */
	struct trunk_numbers *numbers; /* of the node (trunk_route.h); NULL: it has none */
	char server[64];               /* Server and User-Agent header */
	uint32_t local_count;
	struct shard_local locals[SHARD_LOCALS_MAX];
	uint32_t network_count;
	struct shard_network networks[SHARD_NETWORKS_MAX];
	struct shard_shared_ports shared;
	struct quota_host quota;    /* of the node */
	struct shares *shares;      /* of the node; NULL: it is in no cluster */
	struct toll *toll;          /* of the node; NULL: calls outside may cost anything */
	uint8_t toll_shard;         /* this one's part of it */
	struct shard_lookup lookup; /* of the node */
	struct shard_siprec siprec;
	struct shard_certified certified;
	uint64_t
		overload_delay_ns; /* the target of sig/shard/overload.h; 0: new calls are never refused so */
	/* Numbers whose calls no quota, no drain and no overload refuses. */
	uint32_t emergency_count;
	char emergency[SHARD_EMERGENCY_MAX][SHARD_EMERGENCY_LEN];
	struct feature_codes codes;   /* where no extension has such a number */
	struct call_codes call_codes; /* of tenants that have none of their own */
	uint32_t call_code_wait_ms;   /* for the next key of one */
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
	bool calls_unsaved; /* records of calls go nowhere: the end of the process ends them */
	bool digits_shown;  /* events say which digit was pressed; else there are none of digits */
	bool shards_are_apart; /* SIP_INTER_SHARD leads to other nodes, too: to shards of any number, and media between shards has keys */
	bool rooms_claimed; /* other nodes may have a conference of a room's number: the store says whose it is (sig/shard/shard_room_claim.c) */
	uint32_t info_type_count;
	char info_types[SHARD_INFO_TYPES_MAX][SHARD_INFO_TYPE_MAX];
	struct identity_extra extra; /* headers of applications that pass */
	struct registrar_settings registrar;
	struct conference_settings conferences;
	struct digest_server digest;
	enum latch_mode latch;
	uint8_t dscp_audio, dscp_video;
	bool video;
	bool transcode; /* audio is transcoded where two parties have no codec in common; a profile may say otherwise */
	uint64_t
		ring_timeout_ns; /* no answer: CANCEL, 408 to the caller; default 180 s (RFC 3261 timer C) */
	uint64_t
		park_return_ns; /* so long a party is parked before who parked it is rung; 0: for ever */
	uint32_t
		session_expires_s; /* RFC 4028: a session that nobody refreshes ends then; 0: off */
	uint32_t
		save_later_ms; /* what nobody waits for is saved at a multiple of this, with all that is by then; 0: at once */
	uint64_t port_rest_ns;
	uint64_t
		media_timeout_ns; /* a party that should send is silent for so long: the call ends; 0: never */
	struct media_overlay
		call_waiting_tone; /* who speaks while a call waits for it hears this; begun_ns is of no importance */
	uint32_t
		recording_tone_ms; /* who is recorded, and who speaks with them, hear a tone so often; 0: never */
	uint8_t recording_account; /* enum record_account */
	bool recording_follows; /* what an extension that is recorded on demand prefers (RFC 7866 7.1.3) is done */
	struct media_fingerprint fingerprint; /* of the certificate for DTLS */
	struct seal_key seal_key; /* records with SRTP keys in them are sealed with it */
	struct seal_key gruu_key; /* temporary GRUUs are sealed with it */
	struct hash_key
		message_key; /* names what phones get of a MESSAGE, so that a copy has the same name */
	uint32_t calls_max, registrations_max, txns_max;
	uint32_t
		codings_max; /* calls of the node whose audio is transcoded; 0: as many as there are */
	uint32_t videos_max;        /* calls of the node that have video; likewise */
	uint32_t subscriptions_max; /* 0: none is taken */
};

/* Whose media is DTLS-SRTP with ICE (RFC 8827). */
enum shard_webrtc {
	WEBRTC_AUTO, /* offered to phones that came over a WebSocket; accepted over TLS, too */
	WEBRTC_NEVER,
	WEBRTC_ALWAYS, /* offered and accepted over any transport */
};

/* Whom the phones of an extension may watch (SEC-06). */
enum shard_monitor { MONITOR_ALL, MONITOR_LISTED, MONITOR_NONE };
/* What others may know of it who watch it. */
enum shard_monitored {
	MONITORED_PARTIES, /* with whom it speaks */
	MONITORED_STATE,   /* that it speaks */
	MONITORED_NOT,
};

/* Whether the calls of an extension are recorded (REC-01, REC-09). */
enum record_method { RECORD_OFF, RECORD_AUTO, RECORD_ON_DEMAND };
/* Which of them: those that come to it, that it makes. */
enum record_direction { RECORD_BOTH_WAYS, RECORD_INBOUND, RECORD_OUTBOUND };
/* ... with extensions, with parties outside. */
enum record_scope { RECORD_ANYBODY, RECORD_INTERNAL, RECORD_EXTERNAL };
/* What an account code does to a call that is recorded (BEAT-09, REC-06). */
enum record_account {
	RECORD_ACCOUNT_TAKEN,   /* it has that code, and goes on */
	RECORD_ACCOUNT_REFUSED, /* it has what it had */
	RECORD_ACCOUNT_ENDS,    /* it ends, as in older systems */
};
/* Where its recordings go: files of the node, or an external recorder (shard_siprec). */
enum record_to {
	RECORD_TO_FILES,
	RECORD_TO_SIPREC,
	RECORD_PLACES,
	RECORD_TO_MAILBOX =
		RECORD_PLACES, /* of an extension: files, in the mailbox of its number */
};

enum { EXTENSION_LOCATIONS_MAX = 8 };

/* Under which names its phones say where they stand (sig/sip/uri.h). */
struct shard_located {
	uint16_t count;
	struct shard_location {
		uint16_t location;
		struct digest_secret secret; /* of the name with the location */
	} of[EXTENSION_LOCATIONS_MAX];
};

/* Whether the phones of an extension enter account codes (CALL-34). */
enum account_by { ACCOUNT_OFF, ACCOUNT_OPTIONAL };

/* What the core needs to know of an extension document. */
struct shard_extension {
	uint16_t tenant;
	char number[64];
	char display_name[64];
	struct digest_secret secret;
	bool early_media; /* 183 with SDP is passed on (REG-02: off); the profile may say so too */
	bool enabled;
	bool single_phone; /* REG-07: a second phone is refused while one is registered */
	bool tls_srtp; /* REG-08: it registers and calls over TLS only, its media is SRTP only; not for help */
	bool sdes_insecure; /* SDES keys go over UDP and TCP as well, and it is offered SRTP there */
	bool no_video;      /* MED-08: "Enable H264 Video" is off for it */
	uint8_t webrtc;     /* enum shard_webrtc */
	uint8_t classes;    /* 1 << enum dial_class: numbers outside that it may call */
	uint16_t outside_calls;       /* of them at a time; 0: any number */
	uint16_t outside_minutes;     /* of them a day; 0: any number */
	uint8_t dialling;             /* enum dial_scheme (sig/dial/dial.h) */
	uint8_t monitor;              /* enum shard_monitor */
	uint8_t monitored;            /* enum shard_monitored */
	bool no_transfer;             /* CALL-27: its phones give no party away */
	bool no_hold;                 /* REG-05: its phones hold nobody */
	bool no_forwarding_codes;     /* its phones send its calls nowhere else by a feature code */
	bool no_do_not_disturb_codes; /* ... nor keep them away */
	uint8_t record;               /* enum record_method */
	uint8_t record_directions;    /* enum record_direction */
	uint8_t record_scope;         /* enum record_scope */
	uint8_t record_to;            /* enum record_to */
	uint8_t account_code;         /* enum account_by: whether its phones enter one (CALL-34) */
	uint8_t record_tone;          /* enum record_tone */
	bool record_page;             /* REC-07: its page has a Record key, with RECORD_ON_DEMAND */
	bool media_elsewhere;         /* its media may be at another address than its signalling */
	char language[LANGUAGE_MAX];  /* of prompts that its phones hear; "": its tenant's */
	uint8_t music; /* enum shard_track: to whom it holds. One without jobs: as SHARD_TRACK_MUSIC; SHARD_TRACK_NONE: nothing */
};

/* Whether its phones may do that by its code (SEC-06). */
static inline bool shard_extension_may_set(const struct shard_extension *e, enum feature feature)
{
	switch (feature_right(feature)) {
	case FEATURE_FORWARDING:
		return !e->no_forwarding_codes;
	case FEATURE_DO_NOT_DISTURB:
		return !e->no_do_not_disturb_codes;
	case FEATURE_FREE:
		break;
	}
	return true;
}

enum {
	FORWARD_TARGET_MAX = 32, /* of one number, with its NUL */
	FORWARD_NUMBERS_MAX = 8,
	FORWARD_LIST_MAX = 128,
	FORWARD_BLOCKED_MAX = 256,
	FORWARD_ANNOUNCE_MAX = 65,
	FORWARD_RINGS_MAX = 20,
	FORWARD_RING_S = 6,
	FORWARD_HUNT_RINGS =
		4, /* of each number of a list but the last, where forward_rings says nothing */
};

#define FORWARD_NOBODY "anonymous"

/* Who hears an announcement, while the other one hears music (CALL-44). */
enum announce_to { ANNOUNCE_CALLEE, ANNOUNCE_CALLER, ANNOUNCE_BOTH };

/* What a call meets that comes while the extension has another one (sig/call/call_waiting.h). */
enum call_waiting {
	CALL_WAITING_PHONE, /* its phones ring, and do as they like */
	CALL_WAITING_OFF,   /* a busy extension */
	CALL_WAITING_SINGLE, /* it waits until the other one is over; one more meets a busy extension (CALL-12) */
	CALL_WAITING_MULTIPLE, /* so do CALL_WAITING_MOST, the oldest first (CALL-13) */
};
enum { CALL_WAITING_MOST = 5 };

/* Where calls to an extension go instead. Targets are numbers of ours, joined by ',', which are tried one after the other; "": nowhere. */
struct shard_forward {
	char always[FORWARD_LIST_MAX], busy[FORWARD_LIST_MAX];
	char no_answer[FORWARD_LIST_MAX], unreachable[FORWARD_LIST_MAX];
	uint8_t rings; /* until no_answer or the next number, of FORWARD_RING_S each; 0: as long as any call rings */
	bool do_not_disturb;       /* no phone of it rings: as if it were busy (CALL-19) */
	bool smart_do_not_disturb; /* the same while it has a call, whoever made that (CALL-20) */
	uint8_t call_waiting;      /* enum call_waiting */
	char application
		[APPLICATION_NAME_MAX]; /* its calls wait for that one, and no phone rings; "": none */
	uint16_t application_wait_s;    /* so long; 0: APPLICATION_WAIT_S */
	char outside_number
		[FORWARD_TARGET_MAX]; /* as which it is shown outside, by trunks (MGT-09); "": as the trunk says */
	char outside_numbers
		[FORWARD_LIST_MAX]; /* as which its phones may ask to be shown, as above */
	char blocked
		[FORWARD_BLOCKED_MAX]; /* whose calls it does not take, as above; FORWARD_NOBODY: of who hides */
	char announce_inside
		[FORWARD_ANNOUNCE_MAX]; /* what whom its phones call hears first (sig/call/announce.h) */
	char announce_outside[FORWARD_ANNOUNCE_MAX]; /* ... behind a trunk */
	uint8_t announce_to; /* enum announce_to: or somebody else hears it */
};
/* What other calls it has counts, those on other nodes, too. */
static inline bool shard_forward_counts_calls(const struct shard_forward *f)
{
	return f->smart_do_not_disturb || f->call_waiting != CALL_WAITING_PHONE;
}
/* Rings alone lead nowhere. */
static inline bool shard_forward_is_set(const struct shard_forward *f)
{
	return f->always[0] || f->busy[0] || f->no_answer[0] || f->unreachable[0] ||
	       f->do_not_disturb || f->smart_do_not_disturb || f->call_waiting ||
	       f->application[0] || f->blocked[0] || f->outside_number[0] ||
	       f->outside_numbers[0] || f->announce_inside[0] || f->announce_outside[0];
}

enum { PROFILE_NAME_MAX = 32, SHARD_PROFILES_MAX = 64, SHARD_RANGES_MAX = 256 };
#define PROFILE_DEFAULT "default"

/* Whether audio of a profile's phones may be transcoded. */
enum profile_transcode {
	PROFILE_TRANSCODE_SETTING, /* as the setting says */
	PROFILE_TRANSCODE_ON,
	PROFILE_TRANSCODE_OFF,
};

/* A codec profile (REG-12). The one named "default" is for phones in no range; without it there are no limits. */
struct shard_profile {
	char name[PROFILE_NAME_MAX];
	struct offer_terms
		terms; /* the sdes_ members and transcode are not used: they follow from extension, transport and settings */
	uint8_t transcode; /* enum profile_transcode */
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
#define TONE(suffix, name) SHARD_TRACK_##suffix,
#include "sig/host/tones.def"
#undef TONE
	SHARD_TRACK_FILES, /* from here on: those that extensions chose */
	SHARD_TRACKS = 64,
	SHARD_TRACK_NONE = SHARD_TRACKS,
};

/* Whether the shard may use that network. One of another shard may be with another node tomorrow. */
static inline bool shard_network_is_own(const struct shard_settings *s, uint32_t network)
{
	uint16_t shard = s->networks[network].shard;

	return shard == 0 || shard == s->number;
}
/* The same of a listening address, for SIP. That of WebSockets is the node's, whatever network its media take. */
static inline bool shard_local_is_own(const struct shard_settings *s, uint32_t local)
{
	const struct shard_local *l = &s->locals[local];

	return sip_transport_is_web(l->transport) || shard_network_is_own(s, l->network);
}

#endif
