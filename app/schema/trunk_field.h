/* SPDX-License-Identifier: Apache-2.0 */
/* A trunk: its document in Redis, and what the core needs of it. */
#ifndef APP_SCHEMA_TRUNK_FIELD_H
#define APP_SCHEMA_TRUNK_FIELD_H

#include "app/schema/command.h"
#include "app/schema/extension.h"
#include "app/schema/field.h"
#include "sig/host/trunk.h"
#include "sig/host/trunk_route.h"

enum { TRUNK_LIST_MAX = 512, TRUNK_HEADERS_MAX = IDENTITY_EXTRA_MAX * IDENTITY_EXTRA_NAME_MAX };

/* Lists are joined by ','. */
struct trunk_value {
	char name[TRUNK_NAME_MAX];
	bool enabled;
	uint8_t direction; /* index into g_trunk_directions */
	char servers[TRUNK_LIST_MAX];
	uint16_t port;
	uint8_t transport; /* one more than enum sip_transport; 0: any */
	char proxy[TRUNK_HOST_MAX];
	char network[TRUNK_NETWORK_MAX];
	char sources[TRUNK_LIST_MAX];
	uint16_t source_port;
	char listener[ADDR_TEXT_MAX];
	bool certificate;
	char certificate_name[TRUNK_HOST_MAX];
	uint32_t channels, channels_in, channels_out, calls_per_second;
	char profile[PROFILE_NAME_MAX];
	uint8_t srtp; /* enum trunk_srtp */
	uint8_t dtmf; /* enum trunk_dtmf */
	char access[TRUNK_ACCESS_MAX];
	bool no_early_media;
	uint8_t answer_s;
	bool no_replaces;
	bool video;
	uint8_t record;    /* enum trunk_record */
	uint8_t record_to; /* enum record_to */
	uint8_t redirects; /* enum trunk_redirects */
	bool account_code;
	uint16_t probe_s;
	uint8_t probe_failures, probe_answers;
	char user[TRUNK_USER_MAX], realm[TRUNK_REALM_MAX];
	bool has_secret; /* of user and realm */
	struct digest_secret secret;
	char caller_id[TRUNK_CALLER_MAX], caller_ids[TRUNK_CALLERS_MAX];
	char monitors[TRUNK_MONITORS_MAX];
	bool trusted;
	uint8_t ways[CARRIED_KINDS]; /* enum identity_way */
	char x_headers[TRUNK_HEADERS_MAX];
	uint64_t changed_utc_ms;
};

extern const struct command_arg g_trunk_fields[];

void trunk_default(struct trunk_value *out);
json_t *trunk_to_view(const struct trunk_value *t);
/* With the hashes of its password, sealed. */
json_t *trunk_to_document(const void *value, const struct seal_key *key, struct rand_source *rand);
/* 0 or -EBADMSG with a reason. Sealed with another key: read without its secret. */
int trunk_from_document(void *value, struct bytes json, const struct seal_key *key,
			const char **reason) NODISCARD;
/* Settings for the core. */
void trunk_to_settings(const struct trunk_value *t, uint16_t tenant, struct trunk_settings *out);

/* DIDs, numbers for calls from trunks, and routes for calls to them:
 * documents, and the core's structs. */

struct did_value {
	struct trunk_did core;
	uint64_t changed_utc_ms;
};

struct route_value {
	struct trunk_route core; /* without its choices */
	char trunks[256];        /* "carrier:1:10,other:2" */
	uint64_t changed_utc_ms;
};

extern const struct command_arg g_did_fields[], g_route_fields[];

extern const struct form g_did_form, g_route_form;

/* The route for the core. */
void route_to_core(const struct route_value *r, uint16_t tenant, struct trunk_route *out);
/* "NAME[:PRIORITY[:WEIGHT]]". 0 or -EINVAL. */
int route_choice_read(struct trunk_choice *out, struct bytes text) NODISCARD;

#endif
