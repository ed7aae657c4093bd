/* SPDX-License-Identifier: Apache-2.0 */
/* A tenant: its document in Redis, which operators put. */
#ifndef APP_SCHEMA_TENANT_FIELD_H
#define APP_SCHEMA_TENANT_FIELD_H

#include "app/helper/webhook.h"
#include "app/schema/command.h"
#include "app/schema/field.h"
#include "base/seal.h"
#include "sig/dial/dial.h"
#include "sig/host/blf_keys.h"
#include "sig/host/tenant.h"
#include "sig/host/tenant_tables.h"

enum { TENANT_STORES_MAX = 8, TENANT_STORE_NAME_MAX = 32 };

/* In recording_store: recordings are not delivered. */
#define TENANT_STORE_NONE "none"

/* History that a user sees beside his own, in the order of history_shared. */
enum tenant_history_shared {
	TENANT_HISTORY_NONE,
	TENANT_HISTORY_GROUPS, /* of groups that he is a member of, and of their members */
	TENANT_HISTORY_ALL,
};

/* Who may put syncs of contacts, in the order of contact_sync. */
enum tenant_sync { TENANT_SYNC_ADMINISTRATORS, TENANT_SYNC_USERS, TENANT_SYNC_NONE };
extern const char *const g_tenant_syncs[]; /* words of it */

enum { TENANT_SEATS_MAX = 128, TENANT_RANGE_MAX = 32 };

/* The number is one that users may give rooms. */
bool tenant_user_room(const char *numbers, struct bytes number);

struct tenant_value {
	char name[TENANT_NAME_MAX];
	char domains[TENANT_DOMAINS_MAX * TENANT_DOMAIN_MAX]; /* joined by ',' */
	bool enabled;
	uint8_t classes;   /* 1 << enum dial_class */
	uint8_t blf_limit; /* most for one extension */
	bool monitor_tone; /* a tone tells the two parties that a supervisor monitors them */
	/* Of one mailbox, unless its extension says; 0: no limit. */
	uint16_t mailbox_messages;
	uint8_t extension_classes; /* likewise, for new extensions */
	struct toll_limits outside;
	char outside_day[sizeof("23:59")]; /* start of their day, UTC; "": midnight */
	struct tenant_terms core;
	struct tenant_quotas {
		uint32_t calls, registrations, extensions, subscriptions;
		uint32_t trunks, dids, routes, locations, rooms, conferences;
		uint32_t recorded, sessions, tokens, webhooks;
		uint32_t flows, numbers, groups, hours, prompts, accounts;
		uint32_t calls_per_s, registers_per_s;
	} max; /* on one node; 0: no limit, or a share of the node's capacity */
	char user_room_numbers[TENANT_RANGE_MAX]; /* FIRST-LAST; "": users have no rooms */
	uint8_t user_rooms;                       /* of each */
	char seats[TENANT_SEATS_MAX]; /* KIND=COUNT joined by ','; "": none is counted */
	struct tenant_history {
		uint32_t days;  /* kept in the archive; 0: for ever */
		uint8_t shared; /* enum tenant_history_shared */
	} history;
	uint8_t contact_sync; /* enum tenant_sync */
	struct tenant_recordings {
		char store[256]; /* names of destinations, joined by ','; "": those of the node */
		uint32_t days, mib; /* kept; 0: the node's; no limit */
	} recordings;
	struct tenant_web {
		char secret
			[FORM_SECRET_MAX]; /* signs requests to its web servers, sealed; "": none */
		char networks[256]; /* networks it may ask besides the internet, joined by ',' */
	} web;
	struct tenant_push {
		char hosts[256];   /* of push services, joined by ','; "": no pushes */
		char contact[128]; /* mailto: or https:; "": none */
		uint32_t wait_s;   /* calls wait for a browser that was told; 0: none */
	} push;
	struct tenant_multicast {
		char addresses[256]; /* networks of them, joined by ','; "": none */
		char networks[256];  /* names in the node file, joined by ','; "": the first one */
		uint8_t ttl;         /* at most; 0: as 1 */
	} multicast;
	uint8_t commands; /* roles with a stream that is read: 1 << enum command_role */
	uint64_t changed_utc_ms;
};

extern const char *const g_record_tone[]; /* words of enum record_tone */
extern const struct command_arg g_tenant_fields[];

extern const struct form g_tenant_form;

/* Roles with streams of commands: 1 << enum command_role of each. */
uint32_t tenant_roles(const struct tenant_value *t);
/* Seals its secret, which does not open for another tenant. 0; -EINVAL: invalid; -errno. */
int tenant_web_seal(struct tenant_value *t, struct bytes secret, const struct seal_key *key,
		    struct rand_source *rand) NODISCARD;
/* "" without one. 0, or -EBADMSG: sealed with another key. */
int tenant_web_open(const struct tenant_value *t, const struct seal_key *key,
		    char out[WEBHOOK_SECRET_TEXT_MAX]) NODISCARD;
/* Settings for the core. */
void tenant_to_settings(const struct tenant_value *t, struct tenant_settings *out);

/* A tenant's dial plan: its document. At most one. */

#define DIAL_PLAN_NAME "default"
enum { DIAL_HELP_LEN_MAX = 8, DIAL_HELP_MAX = 16 };

struct dial_document {
	struct dial_plan plan;
	uint64_t changed_utc_ms;
};

extern const struct command_arg g_dial_fields[];

extern const struct form g_dial_form;

/* Two codes of which phones could dial only one, or a code that is an emergency number. Or NULL. */
const char *dial_codes_wrong(const struct dial_plan *plan);

/* Sites of phones: a location of a tenant, by id, as a document. */

enum { LOCATION_ID_MAX = 8, LOCATION_LABEL_MAX = 64 };

struct location_value {
	struct site core; /* without its number */
	char id[LOCATION_ID_MAX];
	char label[LOCATION_LABEL_MAX];
	uint64_t changed_utc_ms;
};

extern const struct command_arg g_location_fields[];
extern const struct form g_location_form;

/* The site for the core. */
void location_to_core(const struct location_value *l, uint16_t tenant, struct site *out);

#endif
