/* SPDX-License-Identifier: Apache-2.0 */
/* What a shard is told of its node. */
#ifndef SIG_HOST_SETTINGS_H
#define SIG_HOST_SETTINGS_H

#include "base/clock.h"
#include "base/seal.h"
#include "base/table.h"
#include "media/flow.h"
#include "media/offer/terms.h"
#include "sig/host/effect.h"
#include "sig/host/network.h"
#include "sig/host/quota.h"
#include "sig/host/tenant.h"
#include "sig/identity/policy.h"
#include "sig/sip/digest.h"
#include "sig/sip/feature_code.h"
#include "sig/sip/id.h"

enum { SHARD_DOMAINS_MAX = 24, SHARD_DOMAIN_MAX = 64 };
enum { SHARD_INFO_TYPES_MAX = 8, SHARD_INFO_TYPE_MAX = 64 };
enum { SHARD_EMERGENCY_MAX = 16, SHARD_EMERGENCY_LEN = 16 };

enum { SESSION_EXPIRES_MIN_S = 90 }; /* RFC 4028 4 */
enum {
	SHARD_SAVE_LATER_MS = 8
}; /* of a node: fewer are not worth waiting for, and delay a 200 to a BYE */

/* Single-port mode (media/flow.h): which of a worker's sockets, shared by many flows, a call uses.
 * All NULL: off. */
struct shard_shared_ports {
	void *arg;
	/* The port on that network, the same until it is released; 0: none. */
	uint16_t (*take)(void *arg, uint64_t call, uint16_t network);
	/* After a restart: assigns this port to the call. Returns false if it is not ours, or not
	 * of the call's present worker. */
	bool (*claim)(void *arg, uint64_t call, uint16_t network, uint16_t port);
	void (*release)(void *arg, uint64_t call); /* the call is over, whether it had any or not */
};

/* Known host names, and whether look-ups are possible (EFFECT_LOOKUP). All NULL: names are not
 * looked up. */
struct shard_lookup {
	void *arg;
	/* As lookup_run; those that failed a moment ago stand behind the others. */
	void (*find)(void *arg, const struct lookup_want *want, uint64_t now_ns,
		     struct lookup *out);
	/* It was unreachable, or asked to be avoided for so long; 0: no time given. */
	void (*failed)(void *arg, const struct lookup_target *target, uint32_t for_s,
		       uint64_t now_ns);
	/* It failed recently; NULL: unknown. */
	bool (*blocked)(void *arg, const struct lookup_target *target, uint64_t now_ns);
};

/* What is known of the certificates that others have shown. is NULL: nothing is. */
struct shard_certified {
	void *arg;
	/* The peer of that connection has a verified certificate for that domain (RFC 5922 7). */
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
	uint8_t count; /* 0: none */
	bool srtp;     /* its streams are SRTP */
	enum sip_transport transport;
	struct addr addresses[SHARD_SIPREC_MAX];
	struct shard_siprec_name names[SHARD_SIPREC_MAX]; /* likewise */
	char user[SHARD_SIPREC_USER_MAX];                 /* of its URI; "": none */
	char network[32]; /* of ours, by which alone it is reached; "": any */
	/* our account there; "": none */
	char auth_user[SHARD_SIPREC_USER_MAX], realm[SHARD_SIPREC_REALM_MAX];
	struct digest_secret secret;
};

/* When a conference of calls with two members left is a call of two again (CONF-08, BEAT-07). */
enum conference_release {
	CONFERENCE_RELEASE_NEVER,
	CONFERENCE_RELEASE_ALWAYS,
	CONFERENCE_RELEASE_INITIATOR_LEFT, /* its initiator is not a member (CONF-09) */
};

/* Settings as in the node file: its schema writes them (app/settings), and the shard uses them
 * unchanged. Types are those of base/conf.h. */

/* Of conferences: */
struct conference_settings {
	/* of one that began as a call (CONF-02); 0: as many as there may be */
	uint32_t station_members;
	uint32_t command_members; /* ... of which commands add to so many; 0: to as many */
	uint32_t station_talkers; /* voices mixed at once in such a conference, as in struct room */
	bool succession;          /* when its host has left another member is host (BEAT-08) */
	int release;              /* enum conference_release */
	/* an incoming call of an extension joins a conference only if that has call waiting
	 * (CONF-04) */
	int incoming_bound;
	uint32_t tones_most; /* in larger rooms no tones are played */
};

/* Of recordings: */
struct recording_settings {
	/* interval of the tone for recorded parties and their peers; 0: never */
	uint64_t tone_ns;
	int account_code; /* enum record_account */
	/* the recording preference of an extension recorded on demand (RFC 7866 7.1.3) is
	 * followed */
	bool follow_preferences;
};

/* Of sip: */
struct call_settings {
	/* no answer: CANCEL, 408 to the caller; default 180 s (RFC 3261 timer C) */
	uint64_t ring_timeout_ns;
	/* so long a party is parked before who parked it is rung; 0: for ever */
	uint64_t park_return_ns;
	/* the minimum time between NOTIFYs of a list (RFC 4662), except the rest of an oversized
	 * one */
	uint64_t list_pace_ns;
};

struct registrar_settings {
	uint32_t expires_s;     /* when the phone asks for none; 90 (REG-04) */
	uint32_t expires_min_s; /* below: 423 */
	uint32_t expires_max_s;
	uint32_t contacts_max;    /* per address of record, <= BINDINGS_MAX; more: 403 */
	uint32_t device_accounts; /* addresses of record of a device; more: 403; 0: any number */
	uint32_t many;            /* with more registrations than this in the shard */
	uint32_t expires_many_s;  /* a phone that asks for no time gets this (REG-04) */
	bool path;                /* for this REGISTER: its sender may state a Path */
	uint32_t devices_claimed; /* for this one: its first new devices that have their places */
	uint16_t location; /* of this REGISTER, too: where its phone says that it is; 0: nowhere */
	uint64_t device;   /* likewise: the device that has proven itself; 0: the extension has */
};

/* One of the list sig/feature/features.h. */
struct feature;
/* What shards of a node have together: sig/shard/shared_tables.h. */
struct shard_shared_tables;
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
	/* shards that SIP_INTER_SHARD leads to, itself among them; 0: none */
	uint32_t peer_shard_count;
	uint16_t peer_shards[PEER_SHARDS_MAX];
	uint64_t boot;            /* clock_boot; 0: not known */
	struct tenants *tenants;  /* of the node; NULL: those of the locations */
	struct dial_plans *dials; /* of the node; NULL: no tenant has one */
	struct sites *sites;      /* of the node (tenant_tables.h); NULL: no sites */
	struct rooms *rooms;      /* of the node (tenant_tables.h); NULL: no tenant has one */
	struct shard_shared_tables
		*shared_tables;         /* of the node; NULL: the shard has one of its own */
	const struct feature *features; /* of shared tables that are to be opened */
	struct trunks *trunks;          /* of the node (trunk.h); NULL: it has none */
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
	/* the target of sig/shard/overload.h; 0: new calls are never refused so */
	uint64_t overload_delay_ns;
	/* Quotas, draining and overload refuse no calls to these numbers. */
	uint32_t emergency_count;
	char emergency[SHARD_EMERGENCY_MAX][SHARD_EMERGENCY_LEN];
	struct feature_codes codes;   /* where no extension has such a number */
	struct call_codes call_codes; /* of tenants that have none of their own */
	uint32_t call_code_wait_ms;   /* for the next digit of one */
	/* further ports of ours that nothing is sent to: HTTP, Redis */
	uint32_t reserved_count;
	struct addr reserved[SHARD_RESERVED_MAX];
	uint32_t trusted_count;
	struct shard_trusted trusted[SHARD_TRUSTED_MAX];
	/* Names of ours in addition to the realm: users at them are extensions of ours.
	 * "*.example.org": any one label in front. */
	uint32_t domain_count;
	char domains[SHARD_DOMAINS_MAX][SHARD_DOMAIN_MAX];
	/* What INFO carries between phones in addition to DTMF digits and picture requests:
	 * "application/x-foo"; "*": anything. */
	/* parties hear from the node why the call failed; else they are released at once */
	bool tones;
	bool contacts;      /* EFFECT_CONTACT is answered, with the caller's contact */
	bool calls_unsaved; /* records of calls go nowhere: the end of the process ends them */
	bool digits_shown;  /* events show DTMF digits; else they contain none */
	/* SIP_INTER_SHARD leads to other nodes, too: to shards of any number, with SRTP between
	 * shards */
	bool shards_are_apart;
	/* other nodes may have a conference of a room's number: the store has the owner
	 * (sig/shard/objects.h) */
	bool rooms_claimed;
	uint32_t info_type_count;
	char info_types[SHARD_INFO_TYPES_MAX][SHARD_INFO_TYPE_MAX];
	struct identity_extra extra; /* headers of applications that pass */
	struct registrar_settings registrar;
	struct conference_settings conferences;
	struct recording_settings recordings;
	struct call_settings calls;
	struct digest_server digest;
	enum latch_mode latch;
	uint8_t dscp_audio, dscp_video;
	bool video;
	/* audio is transcoded if two parties have no codec in common; a profile may override it */
	bool transcode;
	/* RFC 4028: a session without refresh ends then; 0: off */
	uint32_t session_expires_s;
	/* saves without waiters are made at a multiple of this, with all changes by then; 0: at
	 * once */
	uint32_t save_later_ms;
	uint64_t port_rest_ns;
	/* a party that should send is silent for so long: the call ends; 0: never */
	uint64_t media_timeout_ns;
	/* heard by a talking user while a call waits for him; begun_ns is ignored */
	struct media_overlay call_waiting_tone;
	struct media_fingerprint fingerprint; /* of the certificate for DTLS */
	struct seal_key seal_key; /* records with SRTP keys in them are sealed with it */
	struct seal_key gruu_key; /* temporary GRUUs are sealed with it */
	/* names what phones get of a MESSAGE, so that a copy has the same name */
	struct hash_key message_key;
	uint32_t calls_max, registrations_max, txns_max;
	/* calls of the node with transcoded audio; 0: unlimited */
	uint32_t codings_max;
	uint32_t videos_max;        /* calls of the node that have video; likewise */
	uint32_t subscriptions_max; /* 0: none is taken */
};

/* Whether the shard may use that network. One of another shard may move to another node. */
static inline bool shard_network_is_own(const struct shard_settings *s, uint32_t network)
{
	uint16_t shard = s->networks[network].shard;

	return shard == 0 || shard == s->number;
}
/* The same for a listening address of SIP. WebSocket addresses are the node's, whatever network
 * their media use. */
static inline bool shard_local_is_own(const struct shard_settings *s, uint32_t local)
{
	const struct shard_local *l = &s->locals[local];

	return sip_transport_is_web(l->transport) || shard_network_is_own(s, l->network);
}

/* What a remote shard may be offered. Media to a shard that may be on another node, now or after a
 * takeover, is always encrypted. */
static inline struct offer_terms inter_shard_terms(const struct shard_settings *s)
{
	return (struct offer_terms){ .video_codecs = OFFER_VIDEO_ALL,
				     .lines = s->shards_are_apart ? OFFER_LINES_TEXT
								  : OFFER_LINES_ALL,
				     .sdes_offer = s->shards_are_apart,
				     .sdes_accept = s->shards_are_apart,
				     .sdes_only = s->shards_are_apart,
				     .transcode = s->transcode };
}

#endif
