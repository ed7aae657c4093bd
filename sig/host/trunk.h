/* SPDX-License-Identifier: Apache-2.0 */
/* The trunks of a node: SIP peers other than phones, each of one tenant (docs/adr/0010). Calls come
 * from them and go out to them. A trunk has a number in this process, which it keeps for as long as
 * a call holds it, also after its document was deleted. Records, events and logs have its name. One
 * table for all shards of a node; one thread. */
#ifndef SIG_HOST_TRUNK_H
#define SIG_HOST_TRUNK_H

#include "sig/host/extension.h"
#include "sig/host/network.h"
#include "sig/host/tenant.h"
#include "sig/identity/policy.h"
#include "sig/sip/digest.h"
#include "sig/sip/id.h"
#include "sig/sip/uri.h"

enum {
	TRUNK_NONE = 0,      /* no trunk has that number */
	TRUNKS_MAX = 4096,   /* of a node */
	TRUNK_NAME_MAX = 32, /* with its NUL, as those below */
	TRUNK_HOST_MAX = SIP_PLACE_HOST_MAX,
	TRUNK_SERVERS_MAX = 8,
	TRUNK_SOURCES_MAX = 16,
	TRUNK_NETWORK_MAX = 32,
	TRUNK_USER_MAX = 64,
	TRUNK_REALM_MAX = 128,
	TRUNK_CALLER_MAX = 32,
	TRUNK_CALLERS_MAX = 128,
	TRUNK_MONITORS_MAX = 256,
	TRUNK_ACCESS_MAX = 8,
	TRUNK_ANSWER_S = 6,
	TRUNK_ANSWER_MAX_S = 32, /* timer B says so then (RFC 3261 17.1.1.2) */
};

/* Which ways calls go: bits. */
enum trunk_direction { TRUNK_IN = 1, TRUNK_OUT = 2, TRUNK_BOTH = 3 };

/* SDES keys in its media (REG-08). */
enum trunk_srtp { TRUNK_SRTP_TLS, /* over TLS alone */ TRUNK_SRTP_ALLOWED, TRUNK_SRTP_ONLY };

/* Where its 3xx may lead (RFC 3261 8.1.3.4): to servers of trunks of its tenant, to its own ones,
 * or nowhere. */
enum trunk_redirects { TRUNK_REDIRECTS_TRUNKS, TRUNK_REDIRECTS_OWN, TRUNK_REDIRECTS_OFF };

/* DTMF transport in both directions (MED-03): by INFO as application/dtmf-relay, or
 * application/dtmf; in audio. */
enum trunk_dtmf {
	TRUNK_DTMF_PROFILE,
	TRUNK_DTMF_EVENTS,
	TRUNK_DTMF_INFO,
	TRUNK_DTMF_INFO_PLAIN,
	TRUNK_DTMF_TONES,
};

/* Which of its calls are recorded. */
enum trunk_record {
	TRUNK_RECORD_OFF,
	TRUNK_RECORD_INBOUND, /* those that it sends us */
	TRUNK_RECORD_OUTBOUND,
	TRUNK_RECORD_BOTH,
};

/* What its document says. */
struct trunk_settings {
	uint16_t tenant;
	char name[TRUNK_NAME_MAX]; /* as a tenant's */
	bool enabled;
	uint8_t directions; /* enum trunk_direction */
	uint8_t transport;  /* one more than enum sip_transport; 0: by DNS, UDP for an address */
	uint8_t server_count, source_count;
	struct sip_place servers[TRUNK_SERVERS_MAX]; /* tried in this order */
	struct sip_place proxy;          /* all that goes out goes by it (Route); "": by none */
	char network[TRUNK_NETWORK_MAX]; /* of ours, by which it is reached; "": any */
	/* requests of these sources are the trunk's */
	struct shard_trusted sources[TRUNK_SOURCES_MAX];
	struct addr listener; /* all that comes there is; ADDR_NONE: nothing is for that alone */
	bool certificate;     /* but only over TLS, with a client certificate */
	char certificate_name[TRUNK_HOST_MAX];        /* ... for that domain; "": for any */
	uint32_t channels, channels_in, channels_out; /* calls at a time; 0: any number */
	uint32_t calls_per_second;                    /* that it begins; 0: as any peer */
	char profile[PROFILE_NAME_MAX];               /* of codecs; "": that of its address */
	uint8_t srtp;                                 /* enum trunk_srtp */
	uint8_t dtmf;                                 /* enum trunk_dtmf */
	char access[TRUNK_ACCESS_MAX]; /* what is dialled to call by it alone; "": nothing */
	bool no_early_media;           /* its 183 with SDP is 180 for it */
	char user[TRUNK_USER_MAX], realm[TRUNK_REALM_MAX]; /* our account there; "": none */
	struct digest_secret secret;
	/* its servers are asked whether they are there, so often (probe.h); 0: they are not */
	uint16_t probe_s;
	uint8_t probe_failures, probe_answers; /* ... and so many in a row count; 0: two */
	/* the caller number of extensions without one outside; "": their number here */
	char caller_id[TRUNK_CALLER_MAX];
	/* the only numbers that may be shown, as patterns; others are caller_id, or anonymous; "":
	 * any */
	char caller_ids[TRUNK_CALLERS_MAX];
	char monitors[TRUNK_MONITORS_MAX]; /* the extensions it may watch, as patterns; "": none */
	struct identity_trunk identity;    /* identity headers that are trusted and sent */
	bool no_replaces;                  /* it does not take over its own legs (RFC 3891) */
	bool video;                        /* MED-10: not at first */
	uint8_t record;                    /* enum trunk_record */
	uint8_t record_to;                 /* enum record_to */
	uint8_t redirects;                 /* enum trunk_redirects */
	bool account_code;                 /* calls by it need an account code */
	/* the next route is tried after so long without a response; 0: TRUNK_ANSWER_S */
	uint8_t answer_s;
};

struct shares;
struct trunks;

/* 0 or -ENOMEM. */
int trunks_open(struct trunks **out, struct tenants *tenants) NODISCARD;
void trunks_close(struct trunks *t); /* NULL is fine; before the tenants */

/* Channels hold over all nodes (share.h); NULL: here alone. Before the first trunk. */
void trunks_share(struct trunks *t, struct shares *shares);
/* Adds or changes a trunk, with its number in *trunk. Returns 0, -EINVAL (no name), -ENOSPC (no
 * free number) or -ENOMEM. */
int trunks_put(struct trunks *t, const struct trunk_settings *set, uint16_t *trunk) NODISCARD;
/* Its calls go on, without new ones. Returns false if not found. */
bool trunks_delete(struct trunks *t, uint16_t tenant, struct bytes name);
/* Returns TRUNK_NONE if not found, or deleted. All of these accept t NULL for a node without
 * trunks. */
uint16_t trunks_find(const struct trunks *t, uint16_t tenant, struct bytes name);
/* The number of that name, which need not exist yet: a record has it. TRUNK_NONE: no free number.
 * Not stored unless held. */
uint16_t trunks_claim(struct trunks *t, uint16_t tenant, struct bytes name);
/* "": no trunk. Constant for as long as the number is its. */
const char *trunks_name(const struct trunks *t, uint16_t trunk);
/* The last settings, also of a deleted trunk; zeroed except tenant and name if never put. NULL: no
 * trunk. */
const struct trunk_settings *trunks_settings(const struct trunks *t, uint16_t trunk);
/* A trunk was put that asks for account codes. */
bool trunks_ask_accounts(const struct trunks *t);
/* It was put, and not deleted since, and is enabled. */
bool trunks_has(const struct trunks *t, uint16_t trunk);
/* The first from *trunk on that has a number. Returns false at the end. */
bool trunks_next(const struct trunks *t, uint16_t *trunk);

/* The tenant's trunk with the longest access code that the number begins with, among equals the
 * first by name. Returns TRUNK_NONE if no code matches. */
uint16_t trunks_by_access(const struct trunks *t, uint16_t tenant, struct bytes number);

/* Where trunks_source_next stands; zeroed at first. No put or delete in between. */
struct trunk_cursor {
	uint32_t group, at;
	bool inside;
};
/* The source rules of live trunks that match that address: longest prefix first, by listener alone
 * last, equals by names of tenant and trunk. The caller checks transport, port and certificate of
 * each. Returns NULL at the end. */
const struct shard_trusted *trunks_source_next(const struct trunks *t, const struct addr *from,
					       struct trunk_cursor *cursor, uint16_t *trunk);

/* A call has one more channel to or from it, or one less: all calls count, restored ones, too. way:
 * TRUNK_IN or TRUNK_OUT. */
void trunks_hold(struct trunks *t, uint16_t trunk, enum trunk_direction way);
void trunks_release(struct trunks *t, uint16_t trunk, enum trunk_direction way);
uint32_t trunks_held(const struct trunks *t, uint16_t trunk, enum trunk_direction way);
/* One more may begin. */
bool trunks_has_room(const struct trunks *t, uint16_t trunk, enum trunk_direction way);
/* One more may begin that way in place of one of that other way, which is over then. */
bool trunks_has_room_for(const struct trunks *t, uint16_t trunk, enum trunk_direction way,
			 enum trunk_direction in_place_of);

/* What has become of its calls, of this process and while it has its number. */
enum trunk_count { TRUNK_CALLS, TRUNK_REFUSED, TRUNK_FAILOVERS, TRUNK_COUNTS };
void trunks_count(struct trunks *t, uint16_t trunk, enum trunk_count what);
uint64_t trunks_counted(const struct trunks *t, uint16_t trunk, enum trunk_count what);

/* Set by the prober of its servers; initially all are up. */
void trunks_set_up(struct trunks *t, uint16_t trunk, uint8_t server, bool up);
bool trunks_is_up(const struct trunks *t, uint16_t trunk, uint8_t server);

/* The server with the host and port of a URI, as in the trunk's document. Returns false if none
 * matches. */
bool trunk_server_named(const struct trunk_settings *set, const struct sip_uri *uri,
			uint8_t *server);

#endif
