/* SPDX-License-Identifier: Apache-2.0 */
/* An extension: its JSON document in Redis, its values for the shard, its view.
 * The password is never stored. */
#ifndef APP_SCHEMA_EXTENSION_H
#define APP_SCHEMA_EXTENSION_H

#include <jansson.h>

#include "app/schema/command.h"
#include "app/settings/settings.h"
#include "base/bytes.h"
#include "base/seal.h"
#include "sig/host/blf_keys.h"
#include "sig/host/calendars.h"
#include "sig/host/groups.h"
#include "sig/identity/presence.h"
#include "sig/shard/shard.h"
#include "sig/sip/digest.h"

/* Hashes of a password, sealed by a key of the cluster in Redis. */

enum {
	HA1_TEXT = 32 + 1 + 64 + 1 + 64, /* MD5:SHA-256:SHA-512/256 in hex */
	HA1_OCTETS = 16 + 32 + 32,
};

/* "hex:hex:hex" to and from a secret. 0 or -EINVAL. */
int ha1_read(struct digest_secret *out, struct bytes text) NODISCARD;
void ha1_write(char out[HA1_TEXT + 1], const struct digest_secret *secret);

/* Hex, which opens in that context alone. New reference, NULL: out of memory. */
json_t *ha1_sealed(const struct digest_secret *secret, struct bytes context,
		   const struct seal_key *key, struct rand_source *rand);
/* 0; -EBADMSG: malformed, and the document is refused; -EACCES: it does not open. */
int ha1_fill(struct document_reader *r, const char *member, struct bytes hex, struct bytes context,
	     struct digest_secret *out) NODISCARD;

/* Greetings of an extension for callers, by its presence (VM-09). Values of its document. Greetings
 * are a list: greeting = STATE "=" FILE, joined by ','. Pure. */

enum {
	GREETINGS_MAX = 384,
	GREETING_FILE_MAX = 65,
};

#define GREETING_OTHERWISE "default" /* no state: the greeting for states without one */

/* NULL, or what is wrong. */
const char *greetings_wrong(const char *list);
/* The greeting of that state, else of GREETING_OTHERWISE, else the node's prompt.
 * state: "": PRESENCE_USUAL. */
void greeting_of(const char *list, const char *state, char out[GREETING_FILE_MAX]);
/* file: empty: removes the state's greeting. False: no room. */
bool greeting_set(const char *list, const char *state, struct bytes file, char out[GREETINGS_MAX]);

enum {
	EXTENSION_PIN_MAX = 16,
	EXTENSION_REALM_MAX = 128,
	EXTENSION_MONITORS_MAX = 256,
	EXTENSION_PICKUP_MAX = 128,
	EXTENSION_LOCATIONS_TEXT_MAX = 64,
	EXTENSION_SECONDARY_MAX = 80
};
/* Bounds the cost of a stolen password: concurrent outside calls, and minutes of them a day. */
enum { EXTENSION_OUTSIDE_CALLS = 4, EXTENSION_OUTSIDE_MINUTES = 480 };

/* Whether a call tells of new messages. */
enum box_notify { BOX_NOTIFY_NONE, BOX_NOTIFY_URGENT, BOX_NOTIFY_ALL };

enum { EXTENSION_MAIL_MAX = 128, EXTENSION_MEMBERS_MAX = 256, BOX_NOTIFY_RETRY_S = 300 };

/* Its mailbox, that of its number (docs/adr/0127). */
struct extension_box {
	char members[EXTENSION_MEMBERS_MAX]; /* further users that see it: numbers joined by ',' */
	uint16_t messages, minutes;          /* capacity; 0: any */
	uint16_t days;                       /* then they are deleted; 0: never */
	char mail[EXTENSION_MAIL_MAX];       /* recipient of new messages; "": no mail is sent */
	bool mail_no_audio, mail_delete;
	bool transcribe;
	uint8_t notify; /* enum box_notify */
	char notify_to[FORWARD_TARGET_MAX];
	char notify_hours[CALENDAR_NAME_MAX]; /* a calendar, or box_times_read reads it */
	uint16_t notify_retry_s;              /* 0: BOX_NOTIFY_RETRY_S */
};

/* The person at it, for directories. */
struct extension_person {
	char first_name[64], last_name[64], department[64], title[64];
	char mail[EXTENSION_MAIL_MAX];
	char dids[EXTENSION_MONITORS_MAX]; /* numbers outside that lead to it, joined by ',' */
	bool hidden;                       /* not in the tenant's directory */
	bool writes;                       /* may change the contacts in it */
};
/* Minutes of the day of HH:MM-HH:MM. False: malformed. */
bool box_times_read(const char *text, uint32_t *from, uint32_t *until);

struct extension {
	struct shard_extension core;
	bool srtp;       /* goes together with core.tls_srtp */
	bool unlisted;   /* not in the dial-by-name directory */
	bool record_own; /* its user turns recording of its calls on and off */
	struct shard_forward forward;
	struct extension_box box;
	struct extension_person person;
	char monitors[EXTENSION_MONITORS_MAX];
	char pickup_groups[EXTENSION_PICKUP_MAX], park_groups[EXTENSION_PICKUP_MAX];
	char groups_out[GROUPS_OUT_MAX];  /* groups that it is logged out of */
	char hours[GROUPS_OUT_MAX];       /* calendars that its phones open and close */
	char blf_keys[BLF_KEYS_TEXT_MAX]; /* BLF keys: sig/host/blf_keys.h */
	bool blf_splash;
	char secondary[EXTENSION_SECONDARY_MAX]; /* host or host:port of a proxy, for its phones */
	bool secondary_registers;
	char locations[EXTENSION_LOCATIONS_TEXT_MAX]; /* ids joined by ',', in the order of */
	struct shard_located located;
	uint64_t page;                 /* with core.record_page: in the link to its page; 0: none */
	struct presence presence;      /* as set by its user */
	char greetings[GREETINGS_MAX]; /* of each presence */
	char music[SETTINGS_SOUND_MAX]; /* name of a file, "off", or "": the node's */
	/* The secret is hashed over it; empty: it could not be opened. */
	char realm[EXTENSION_REALM_MAX];
	uint64_t changed_utc_ms;
};

extern const struct command_arg g_extension_fields[];
extern const char *const g_presence_sources[];  /* enum presence_source, but for phones */
extern const char *const g_auto_answer_words[]; /* in the order of enum auto_answer */
extern const char *const g_record_words[];      /* ... of enum record_method */
extern const char *const g_record_to_words[];   /* ... of enum record_to */

/* Of a secondary proxy, "" or HOST[:PORT]: why it is wrong, or NULL. value is not looked at. */
const char *extension_proxy_wrong(const void *value, const char *text);
/* Ids of locations joined by ','. Returns their number, or -EINVAL: malformed or repeated. */
int extension_locations(struct bytes list, uint16_t out[EXTENSION_LOCATIONS_MAX]);
/* A new extension, but not enabled. */
void extension_start(struct extension *e);
/* The document: with the sealed hashes, without fields that are as in extension_start. The values
 * there must therefore never change. Returns a new reference; NULL: out of memory. */
json_t *extension_to_document(const void *value, const struct seal_key *key,
			      struct rand_source *rand);
/* The view, without them. realm: the node's. */
json_t *extension_to_view(const struct extension *e, const char *realm);
/* 0 or -EBADMSG with a reason. Unknown members are ignored. Older documents have the hashes in
 * clear. One that was sealed with another key is read without its secret and with an empty realm:
 * no login is possible. */
int extension_from_document(void *value, struct bytes json, const struct seal_key *key,
			    const char **reason) NODISCARD;

void extension_wipe(struct extension *e);

#endif
