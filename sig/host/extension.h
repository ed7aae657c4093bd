/* SPDX-License-Identifier: Apache-2.0 */
/* What a shard is told of the documents of extensions and codec profiles. */
#ifndef SIG_HOST_EXTENSION_H
#define SIG_HOST_EXTENSION_H

#include "media/offer/terms.h"
#include "sig/dial/dial.h"
#include "sig/host/effect.h"
#include "sig/host/tenant.h"
#include "sig/sip/digest.h"
#include "sig/sip/feature_code.h"

/* Use of DTLS-SRTP with ICE (RFC 8827). */
enum shard_webrtc {
	WEBRTC_AUTO, /* offered to phones that came over a WebSocket; accepted over TLS, too */
	WEBRTC_NEVER,
	WEBRTC_ALWAYS, /* offered and accepted over any transport */
};

/* The extensions that its phones may watch (SEC-06). */
enum shard_monitor { MONITOR_ALL, MONITOR_LISTED, MONITOR_NONE };
/* What its watchers may know of it. */
enum shard_monitored {
	MONITORED_PARTIES, /* its peers */
	MONITORED_STATE,   /* that it talks */
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
	/* of an extension: files, in the mailbox of its number */
	RECORD_TO_MAILBOX = RECORD_PLACES,
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
enum account_by {
	ACCOUNT_OFF,
	ACCOUNT_OPTIONAL,
	ACCOUNT_REQUIRED, /* it calls no number outside without one, */
	ACCOUNT_OVERRIDE, /* ... unless it enters # alone when asked for one */
};

/* Whether phones of an extension are asked to answer automatically, and by which word of Alert-Info
 * (REG-18). */
enum auto_answer { AUTO_ANSWER_OFF, AUTO_ANSWER_ALERT, AUTO_ANSWER_PLAIN };

enum { AUTO_ANSWER_MAX_S = 60 };

/* The features that its phones show and set by as-feature-event, and presence support
 * (sig/subscription/feature_event.h). */
enum phone_features { PHONE_FEATURES_ALL, PHONE_FEATURES_NO_DISTURB, PHONE_FEATURES_NONE };

/* What the core needs to know of an extension document. */
struct shard_extension {
	uint16_t tenant;
	char number[64];
	char display_name[64];
	struct digest_secret secret;
	uint8_t pin[8];   /* of its mailbox: extension_pin of it; 0: none */
	bool early_media; /* 183 with SDP is passed on (REG-02: off); the profile may say so too */
	bool enabled;
	bool single_phone; /* REG-07: a second phone is refused while one is registered */
	/* REG-08: it registers and calls over TLS only, with SRTP only; except emergency calls */
	bool tls_srtp;
	bool sdes_insecure; /* SDES keys go over UDP and TCP as well, and SRTP is offered there */
	bool no_video;      /* MED-08: "Enable H264 Video" is off for it */
	uint8_t webrtc;     /* enum shard_webrtc */
	uint8_t classes;    /* 1 << enum dial_class: numbers outside that it may call */
	uint16_t withheld;  /* 1 << enum entitlement: what it does not have */
	uint8_t seats;      /* 1 << enum seat: given to it */
	uint16_t outside_calls;       /* of them at a time; 0: any number */
	uint16_t outside_minutes;     /* of them a day; 0: any number */
	uint8_t dialling;             /* enum dial_scheme (sig/dial/dial.h) */
	uint8_t monitor;              /* enum shard_monitor */
	uint8_t monitored;            /* enum shard_monitored */
	bool no_transfer;             /* CALL-27: its phones give no party away */
	bool no_hold;                 /* REG-05: its phones may not hold */
	bool relocates;               /* REG-30: it logs in at phones of other sites, too */
	bool no_forwarding_codes;     /* its phones send its calls nowhere else by a feature code */
	bool no_do_not_disturb_codes; /* ... nor keep them away */
	uint8_t phone_features;       /* enum phone_features */
	uint8_t record;               /* enum record_method */
	uint8_t record_directions;    /* enum record_direction */
	uint8_t record_scope;         /* enum record_scope */
	uint8_t record_to;            /* enum record_to */
	uint8_t account_code;         /* enum account_by: whether its phones enter one (CALL-34) */
	uint8_t auto_answer;          /* enum auto_answer */
	uint8_t auto_answer_s;        /* its phones ring so long before */
	uint8_t record_tone;          /* enum record_tone */
	bool record_page;             /* REC-07: its page has a Record key, with RECORD_ON_DEMAND */
	bool media_by_sdp;            /* its media may be at another address than its signalling */
	char language[LANGUAGE_MAX];  /* of prompts to its phones; "": its tenant's */
	/* enum shard_track: for parties it holds. One without jobs: as SHARD_TRACK_MUSIC;
	 * SHARD_TRACK_NONE: nothing */
	uint8_t music;
};

/* A PIN as stored: eight octets of H(number:realm:PIN) by SHA-256 exceed the entropy of a PIN, and
 * are never 0. */
static inline uint64_t extension_pin(struct bytes number, struct bytes realm, struct bytes pin)
{
	struct digest_secret made;
	uint64_t out;

	digest_secret_make(&made, number, realm, pin);
	out = be64_get(made.ha1[DIGEST_SHA256]) | 1;
	explicit_bzero(&made, sizeof(made));
	return out;
}

/* Whether it has a seat of that kind, or needs none. t: as in struct shard_settings. */
static inline bool extension_has_seat(const struct tenants *t, const struct shard_extension *e,
				      enum seat seat)
{
	uint32_t counted = t ? tenants_terms(t, e->tenant)->seats_counted : 0;

	return (e->seats | ~counted) >> seat & 1;
}

/* Whether it has that entitlement (ADM-90). e: NULL: a party outside or unknown, which has all. t:
 * as in struct shard_settings. */
static inline bool extension_may(const struct tenants *t, const struct shard_extension *e,
				 enum entitlement what)
{
	uint32_t withheld = e ? e->withheld : 0;

	if (e && t)
		withheld |= tenants_terms(t, e->tenant)->withheld;
	if (e && !extension_has_seat(t, e, SEAT_ADVANCED))
		withheld |= SEAT_ADVANCED_HAS;
	return !(withheld & 1u << what);
}

/* Whether its phones may do that by its code (SEC-06). */
static inline bool shard_extension_may_set(const struct shard_extension *e,
					   enum feature_action feature)
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

/* Its phones have BLF keys for that. */
static inline bool shard_extension_has_keys(const struct shard_extension *e,
					    enum feature_right right)
{
	return e->phone_features == PHONE_FEATURES_ALL ||
	       (e->phone_features == PHONE_FEATURES_NO_DISTURB && right != FEATURE_DO_NOT_DISTURB);
}

enum {
	FORWARD_TARGET_MAX = 32, /* of one number, with its NUL */
	FORWARD_NUMBERS_MAX = 8,
	FORWARD_LIST_MAX = 128,
	FORWARD_BLOCKED_MAX = 256,
	FORWARD_ANNOUNCE_MAX = 65,
	FORWARD_RINGS_MAX = 20,
	FORWARD_RING_S = 6,
	/* of each number of a list but the last, where forward_rings says nothing */
	FORWARD_HUNT_RINGS = 4,
};

#define FORWARD_NOBODY "anonymous"

/* The side that hears an announcement, while the other one hears music (CALL-44). */
enum announce_to { ANNOUNCE_CALLEE, ANNOUNCE_CALLER, ANNOUNCE_BOTH };

/* What a call meets that comes while the extension has another one (sig/pbx/call_waiting.h). */
enum call_waiting {
	CALL_WAITING_PHONE, /* its phones ring, and do as they like */
	CALL_WAITING_OFF,   /* a busy extension */
	/* it waits until the other call is over; one more meets a busy extension (CALL-12) */
	CALL_WAITING_SINGLE,
	CALL_WAITING_MULTIPLE, /* so do CALL_WAITING_MOST, the oldest first (CALL-13) */
};
enum { CALL_WAITING_MOST = 5 };

/* Call forwarding of an extension, and its less common settings. Targets are numbers of ours,
 * joined by ',', tried one after the other; "": none. */
struct shard_forward {
	char always[FORWARD_LIST_MAX], busy[FORWARD_LIST_MAX];
	char no_answer[FORWARD_LIST_MAX], unreachable[FORWARD_LIST_MAX];
	char mobile[FORWARD_TARGET_MAX]; /* in place of an empty unreachable (REG-23) */
	/* until no_answer or the next number, of FORWARD_RING_S each; 0: the default */
	uint8_t rings;
	bool do_not_disturb; /* no phone of it rings: as if it were busy (CALL-19) */
	/* do not disturb while it is in a call of either direction (CALL-20) */
	bool smart_do_not_disturb;
	uint8_t call_waiting; /* enum call_waiting */
	/* where that would be busy it waits all the same, if the other call is soon over
	 * (CALL-14) */
	bool live_call;
	/* its calls wait for that application, and no phone rings; "": none */
	char application[APPLICATION_NAME_MAX];
	uint16_t application_wait_s; /* so long; 0: APPLICATION_WAIT_S */
	/* the number shown outside by trunks (MGT-09); "": the trunk's default */
	char outside_number[FORWARD_TARGET_MAX];
	char outside_numbers
		[FORWARD_LIST_MAX]; /* that its phones may ask to be shown as, as above */
	/* callers that it rejects, as above; FORWARD_NOBODY: anonymous ones */
	char blocked[FORWARD_BLOCKED_MAX];
	/* the announcement that its callees hear first (sig/pbx/announce.c) */
	char announce_inside[FORWARD_ANNOUNCE_MAX];
	char announce_outside[FORWARD_ANNOUNCE_MAX]; /* ... behind a trunk */
	char dial_rules[DIAL_LIST_MAX]; /* applied before those of the plan (CALL-38) */
	/* access code of the trunk that its calls take where none of a trunk is dialled, if it is
	 * among trunk_accesses; "": any */
	char trunk_access[DIAL_PREFIX_MAX];
	char trunk_accesses[FORWARD_TARGET_MAX]; /* those that its user may choose, as above */
	uint8_t announce_to;                     /* enum announce_to: the side that hears it */
};
/* What other calls it has counts, those on other nodes, too. */
static inline bool shard_forward_counts_calls(const struct shard_forward *f)
{
	return f->smart_do_not_disturb || f->live_call || f->call_waiting != CALL_WAITING_PHONE;
}
/* Rings alone lead nowhere. */
static inline bool shard_forward_is_set(const struct shard_forward *f)
{
	return f->always[0] || f->busy[0] || f->no_answer[0] || f->unreachable[0] || f->mobile[0] ||
	       f->do_not_disturb || f->smart_do_not_disturb || f->call_waiting || f->live_call ||
	       f->application[0] || f->blocked[0] || f->outside_number[0] ||
	       f->outside_numbers[0] || f->announce_inside[0] || f->announce_outside[0] ||
	       f->dial_rules[0] || f->trunk_access[0] || f->trunk_accesses[0];
}

/* The access code that counts; empty: none. f: NULL of who has no document. */
static inline struct bytes shard_forward_access(const struct shard_forward *f)
{
	return f && bytes_list_has(bytes_str(f->trunk_accesses), bytes_str(f->trunk_access))
		       ? bytes_str(f->trunk_access)
		       : (struct bytes){ 0 };
}

enum { PROFILE_NAME_MAX = 32, SHARD_PROFILES_MAX = 64, SHARD_RANGES_MAX = 256 };
#define PROFILE_DEFAULT "default"

/* Whether audio of a profile's phones may be transcoded. */
enum profile_transcode {
	PROFILE_TRANSCODE_SETTING, /* as the setting says */
	PROFILE_TRANSCODE_ON,
	PROFILE_TRANSCODE_OFF,
};

/* A codec profile (REG-12). The one named "default" is for phones in no range; without it there are
 * no limits. */
struct shard_profile {
	char name[PROFILE_NAME_MAX];
	/* the sdes_ members and transcode are not used: they follow from extension, transport and
	 * settings */
	struct offer_terms terms;
	uint8_t transcode; /* enum profile_transcode */
	bool early_media;
	uint8_t transports; /* 1 << enum sip_transport: over which a phone may register; 0: all */
};
/* Source addresses of phones, first..last inclusive, one family; the first range that contains the
 * address counts. */
struct shard_range {
	struct addr first, last;
	char profile[PROFILE_NAME_MAX];
};

/* Endless sounds of the node, shared by all their listeners (sig/call/audio_source.h). */
enum shard_track {
	SHARD_TRACK_MUSIC, /* for held parties, unless the holder chose a file of its own */
#define TONE(suffix, name) SHARD_TRACK_##suffix,
#include "sig/host/tones.def"
#undef TONE
	SHARD_TRACK_FILES, /* from here on: those that extensions chose */
	SHARD_TRACKS = 64,
	SHARD_TRACK_NONE = SHARD_TRACKS,
};

/* The result of a mailbox PIN check. Where no PIN was given, PIN_NONE means that the mailbox has
 * none; PIN_WRONG that it has one. */
enum pin_verdict { PIN_WRONG, PIN_RIGHT, PIN_NONE };

struct host_track;
/* The track of that number, of all those of a node; while it has nothing to play, that of
 * SHARD_TRACK_MUSIC. Returns NULL for SHARD_TRACK_NONE. */
const struct host_track *host_track_of(const struct host_track *tracks, uint8_t number);

/*
 * The users of a tenant, and what is set of them (sig/host/host.h). What is returned is the
 * shard's: it may be looked at until the next event, and is not kept.
 */
struct directory_service {
	/* The document of a user of ours. Returns NULL if unknown or not enabled. */
	const struct shard_extension *(*extension)(void *owner, uint16_t tenant, struct bytes user);
	/* Forwards of a user. Returns NULL if nothing is set, or there is no such user. */
	const struct shard_forward *(*forward)(void *owner, uint16_t tenant, struct bytes user);
	/* Hold music of a user; of others that of the node. Returns NULL for none. */
	const struct host_track *(*music)(void *owner, uint16_t tenant, struct bytes user);
	/* The presence of a user, apart from phones and calls. Empty: no such user. */
	const char *(*presence)(void *owner, uint16_t tenant, struct bytes user);
	/* Checks the PIN of a mailbox; pin empty: whether the mailbox has one. */
	enum pin_verdict (*check_pin)(void *owner, uint16_t tenant, struct bytes box,
				      struct bytes pin);
};

#endif
