/* SPDX-License-Identifier: Apache-2.0 */
/* An extension: its JSON document in Redis, what the shard needs of it, and what may be shown. The password is never kept. */
#ifndef APP_DOCUMENT_EXTENSION_H
#define APP_DOCUMENT_EXTENSION_H

#include <jansson.h>

#include "app/command/command.h"
#include "app/document/ha1.h"
#include "app/document/presence.h"
#include "app/settings/settings.h"
#include "sig/shard/shard.h"

enum {
	EXTENSION_REALM_MAX = 128,
	EXTENSION_MONITORS_MAX = 256,
	EXTENSION_PICKUP_MAX = 128,
	EXTENSION_LOCATIONS_TEXT_MAX = 64
};
/* What a stolen password costs at first: so many calls outside at a time, and minutes of them a day. */
enum { EXTENSION_OUTSIDE_CALLS = 4, EXTENSION_OUTSIDE_MINUTES = 480 };

struct extension {
	struct shard_extension core;
	bool srtp; /* goes together with core.tls_srtp */
	struct shard_forward forward;
	char monitors[EXTENSION_MONITORS_MAX];
	char pickup_groups[EXTENSION_PICKUP_MAX], park_groups[EXTENSION_PICKUP_MAX];
	char locations[EXTENSION_LOCATIONS_TEXT_MAX]; /* their ids joined by ',', in the order of */
	struct shard_located located;
	uint64_t page; /* with core.record_page: what is in the link to its page; 0: none */
	char presence[PRESENCE_MAX];    /* as somebody said it; "": available */
	char greetings[GREETINGS_MAX];  /* of each presence (presence.h) */
	char music[SETTINGS_SOUND_MAX]; /* name of a file, "off", or "": the node's */
	char realm
		[EXTENSION_REALM_MAX]; /* the secret is a hash over it; empty: it could not be opened */
	uint64_t changed_utc_ms;
};

extern const struct command_arg g_extension_fields[];

/* Ids of locations joined by ','. Their number, or -EINVAL: it is no list of different ones. */
int extension_locations(struct bytes list, uint16_t out[EXTENSION_LOCATIONS_MAX]);
/* What one is before anything is said of it, but not enabled. */
void extension_begin(struct extension *e);
/* The document: with the hashes, sealed. New reference, NULL: out of memory. */
json_t *extension_to_document(const struct extension *e, const struct seal_key *key,
			      struct rand_source *rand);
/* What may be shown: without them. realm: the node's. */
json_t *extension_to_view(const struct extension *e, const char *realm);
/* 0 or -EBADMSG with a reason. Unknown members are ignored. Older documents have the hashes in clear. One that was sealed with another
 * key is read without its secret and with an empty realm: nobody can log in with it. */
int extension_from_document(struct extension *out, struct bytes json, const struct seal_key *key,
			    const char **reason) NODISCARD;

void extension_wipe(struct extension *e);

#endif
