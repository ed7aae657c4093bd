/* SPDX-License-Identifier: Apache-2.0 */
/* The tenants of a node. Each has users, documents and calls of its own: equal numbers of two
 * tenants never meet. Look-ups name the tenant by a small number of this process. Records, store
 * keys and logs have the name. A tenant keeps its number for as long as anything is held for it,
 * also after deletion: its calls go on. One table for the node, whatever shards it runs; one
 * thread. */
#ifndef SIG_HOST_TENANT_H
#define SIG_HOST_TENANT_H

#include "base/bytes.h"
#include "base/table.h"
#include "base/zone.h"

/* A tenant's groups of slots (PARK-01) as in its document: "sales=10-19,support=200-249". A slot
 * belongs to the group that encloses it with its first and last slot, with as many digits. No slot
 * is of two groups. Without groups a tenant has all slots, for everybody. Pure. */

enum { PARK_GROUPS_MAX = 16, PARK_GROUP_NAME_MAX = 32, PARK_GROUPS_TEXT_MAX = 512 };

/* Slices of the text. */
struct park_group {
	struct bytes name, first, last;
};

/* Why it is invalid; NULL: it is valid, or empty. */
const char *park_groups_wrong(struct bytes groups);
/* The group of that name (empty: the first one), or of that slot. Returns false if not found. */
bool park_group_find(struct bytes groups, struct bytes name, struct park_group *out);
bool park_group_of(struct bytes groups, struct bytes slot, struct park_group *out);
/* The slot behind that one, in place. False: it is the last one of its digits. */
bool park_slot_next(char *slot);

enum {
	TENANT_DEFAULT = 0,   /* is always there */
	TENANT_NONE = 0xffff, /* no tenant */
	TENANTS_MAX = 4096,
	TENANT_NAME_MAX = 32, /* with its NUL, as those below */
	TENANT_REALM_MAX = 128,
	TENANT_DOMAIN_MAX = 64,
	TENANT_DOMAINS_MAX = 16,
	PRESENCE_STATES_MAX = 256,
	LANGUAGE_MAX = 8, /* of prompts, as en or pt-BR */
	ACCOUNT_FLOW_MAX = 32,
	BARE_NUMBER_MAX = 64,
};
#define TENANT_DEFAULT_NAME "default"

/* Whether its recordings have a tone (REC-03): by the extension, else its tenant, else the node. */
enum record_tone { RECORD_TONE_AS_SET, RECORD_TONE_ON, RECORD_TONE_OFF };
enum { RECORD_TONE_MS = 15000 }; /* so often, where the node says nothing */

/* Whether phones show callers from outside by the name of their contact: where they bring none,
 * always, or never. Without look-ups nobody is blocked as a contact. */
enum contact_names { CONTACT_NAMES_MISSING, CONTACT_NAMES_ALWAYS, CONTACT_NAMES_OFF };

/* Features that may be withheld from an extension, or from a whole tenant (ADM-90). The word is
 * stored in documents: never to be reused. */
#define ENTITLEMENTS(X)                 \
	X(PRESENCE, "presence")         \
	X(LAMPS, "lamps")               \
	X(FEATURE_SYNC, "feature_sync") \
	X(PARK, "park")                 \
	X(CALL_CONTROL, "call_control") \
	X(TRANSFER, "transfer")         \
	X(CONFERENCE, "conference")     \
	X(AUTO_ANSWER, "auto_answer")   \
	X(RECORD_KEY, "record_key")     \
	X(VIDEO, "video")               \
	X(DIRECTORY, "directory")

enum entitlement {
#define X(id, word) ENTITLED_##id,
	ENTITLEMENTS(X)
#undef X
		ENTITLEMENT_COUNT
};
extern const char *const g_entitlements[]; /* words by enum entitlement, ends with NULL */

/* Seats, which a tenant may have a number of (ADM-26). An extension is given each of the first ones
 * by its document; one for a session is taken by who logs in without SEAT_WEB. The words are stored
 * in documents: never to be reused. */
#define SEATS(X)                \
	X(WEB, "web")           \
	X(IPTALK, "iptalk")     \
	X(PHONE, "phone")       \
	X(ADVANCED, "advanced") \
	X(CRM, "crm")           \
	X(SESSION, "session")

enum seat {
#define X(id, word) SEAT_##id,
	SEATS(X)
#undef X
		SEAT_COUNT,
	SEATS_GIVEN = SEAT_SESSION
};
extern const char *const g_seats[];       /* words by enum seat, ends with NULL */
extern const char *const g_seats_given[]; /* likewise, those of extensions alone */
/* What an extension has by SEAT_ADVANCED alone, where those are counted (ADM-90). */
enum {
	SEAT_ADVANCED_HAS = 1 << ENTITLED_LAMPS | 1 << ENTITLED_FEATURE_SYNC | 1 << ENTITLED_PARK |
			    1 << ENTITLED_CALL_CONTROL | 1 << ENTITLED_AUTO_ANSWER |
			    1 << ENTITLED_RECORD_KEY | 1 << ENTITLED_VIDEO | 1 << ENTITLED_DIRECTORY
};

/* Of a name's hash: equal names of many tenants lie apart. */
static inline uint64_t tenant_hash(uint64_t hash, uint16_t tenant)
{
	return hash + tenant * UINT64_C(0x9e3779b97f4a7c15);
}

/* Of calls outside (toll.h). */
struct toll_limits {
	uint32_t calls;   /* at a time; 0: any number */
	uint32_t minutes; /* a day; 0: as many as one likes */
};

/* What is held for a tenant, counted. */
enum tenant_item {
	TENANT_CALLS,
	TENANT_REGISTRATIONS, /* addresses of record */
	TENANT_EXTENSIONS,
	TENANT_PROFILES, /* tables of them */
	TENANT_LISTENERS,
	TENANT_TRUNKS,
	TENANT_PLANS, /* for dialling */
	TENANT_SITES, /* where phones stand */
	TENANT_SUBSCRIPTIONS,
	TENANT_NUMBERS, /* of trunks, as the next one bounded alone */
	TENANT_ROUTES,
	TENANT_ROOMS,       /* for conferences */
	TENANT_CONFERENCES, /* that are held; bounded where a factory makes one */
	/* extensions that may be recorded; limited, as those below, when a document is put */
	TENANT_RECORDED,
	TENANT_SESSIONS,
	TENANT_TOKENS,
	TENANT_WEBHOOKS,
	TENANT_FLOWS,
	TENANT_FLOW_NUMBERS, /* that lead to flows and groups */
	TENANT_GROUPS,
	TENANT_CALENDARS,
	TENANT_PROMPTS,
	TENANT_ACCOUNTS,
	TENANT_SEATS, /* TENANT_SEATS + enum seat: limited where terms.seats_counted says so */
	TENANT_ITEMS = TENANT_SEATS + SEAT_COUNT,
};

/* What it may do so often. */
enum tenant_rate { TENANT_CALL_RATE, TENANT_REGISTER_RATE, TENANT_RATES };

/* Terms that modules use: the fields of its document, unchanged (app/schema/tenant_field.c). */
struct tenant_terms {
	char park_groups[PARK_GROUPS_TEXT_MAX]; /* its slots (tenant.h); "": it has all */
	bool park_confirm;     /* the user that parks by phone gets the slot by MESSAGE */
	bool park_spoken;      /* ... and hears it announced before it is released */
	bool offline_busy;     /* BLF shows an extension without a phone as busy (BEAT-17) */
	bool messages_unasked; /* its phones are notified of messages without a subscription */
	bool one_password;     /* that of SIP is the PIN of a mailbox, too (VM-11) */
	bool pin_always;       /* ... and one's own phone is asked for it */
	bool outside_number_required; /* of extensions that call outside (MGT-09) */
	bool user_to_user;            /* its phones are told the call's data (RFC 7433) */
	uint8_t record_tone;          /* enum record_tone */
	uint8_t contact_names;        /* enum contact_names */
	uint8_t wake_s; /* calls wait so long for a phone to register (sig/pbx/wake.c); 0: none */
	char language[LANGUAGE_MAX]; /* of prompts, where an extension has none; "": the node's */
	char presence_states[PRESENCE_STATES_MAX]; /* in addition to the usual ones; "": any */
	char zone[ZONE_NAME_MAX];                  /* of the time that its flows know; "": UTC */
	uint8_t account_classes; /* 1 << enum dial_class: numbers that need an account code */
	char account_flow[ACCOUNT_FLOW_MAX]; /* which asks for it; "": none does */
	char bare_phones[BARE_NUMBER_MAX];   /* the extension of phones that no document names */
	char enterprise[TENANT_NAME_MAX];    /* of which it is one site (REG-30); "": of none */
	uint16_t withheld;     /* 1 << enum entitlement: what none of its extensions has */
	uint8_t seats_counted; /* 1 << enum seat: needed, and limited; others are not */
};

/* What its document says. */
struct tenant_settings {
	/* letters, digits, '-', '.' and '_', the last two not at first */
	char name[TENANT_NAME_MAX];
	/* of its passwords; "": its first domain. The default tenant always has sip.realm */
	char realm[TENANT_REALM_MAX];
	uint32_t domain_count;
	char domains[TENANT_DOMAINS_MAX][TENANT_DOMAIN_MAX]; /* whole names, in any case */
	bool disabled; /* its domains do not reach it, but stay reserved */
	/* 1 << enum dial_class: numbers outside that none of its extensions may call */
	uint8_t barred;
	struct toll_limits toll; /* of all its extensions together */
	uint32_t toll_begins_s;  /* a day of those, behind midnight UTC */
	struct tenant_terms terms;
	/* its quotas: calls on all nodes, the rest on one; 0: unlimited, or its share */
	uint32_t most[TENANT_ITEMS];
	uint32_t per_second[TENANT_RATES]; /* so, too */
};

struct tenants;

/* With the default one. 0 or -ENOMEM. */
int tenants_open(struct tenants **out, const struct hash_key *key) NODISCARD;
void tenants_close(struct tenants *t); /* NULL is fine */

/* Adds or changes a tenant, with its number in *tenant. Returns 0; nothing is changed with -EINVAL
 * (name or a domain), -EEXIST (another's domain) and -ENOSPC (no free number). -ENOMEM: it may have
 * lost its domains. */
int tenants_put(struct tenants *t, const struct tenant_settings *set, uint16_t *tenant) NODISCARD;
/* Its domains do not reach it any more. The default tenant stays, without domains. Returns false if
 * not found. */
bool tenants_delete(struct tenants *t, struct bytes name);
/* The number of that name, which need not exist yet: a record or a setting has it. Returns
 * TENANT_NONE for an invalid name, or without a free number. Not stored unless something is held
 * for it. */
uint16_t tenants_claim(struct tenants *t, struct bytes name);

/* The number that this name has, be it there or not. TENANT_NONE: none. */
uint16_t tenants_number(const struct tenants *t, struct bytes name);
/* Returns TENANT_NONE if not found, or deleted. */
uint16_t tenants_find(const struct tenants *t, struct bytes name);
/* The tenant of that domain (RFC 3261 19.1.4: in any case), with or without a final dot. */
uint16_t tenants_owner(const struct tenants *t, struct bytes domain);
/* The same among enabled tenants: the one that requests reach by it. */
uint16_t tenants_of_domain(const struct tenants *t, struct bytes domain);
/* It was put, and not deleted since. */
bool tenants_has(const struct tenants *t, uint16_t tenant);
/* Constant for as long as the number is its. */
const char *tenants_name(const struct tenants *t, uint16_t tenant);
/* "" for the default one, and for one without a domain. */
const char *tenants_realm(const struct tenants *t, uint16_t tenant);
/* The first one by which phones reach it; "": none leads to it alone. */
const char *tenants_domain(const struct tenants *t, uint16_t tenant);
/* Of classes, those that its extensions may call. */
uint8_t tenants_classes(const struct tenants *t, uint16_t tenant, uint8_t classes);
/* What all its calls outside together may cost. */
struct toll_limits tenants_toll(const struct tenants *t, uint16_t tenant);
/* When a day of those begins, behind midnight UTC. Of TENANT_NONE then. */
uint32_t tenants_toll_begins_s(const struct tenants *t, uint16_t tenant);
/* Valid until it is put again. */
const struct tenant_terms *tenants_terms(const struct tenants *t, uint16_t tenant);
/* The first from *tenant on that has a number. Returns false at the end. */
bool tenants_next(const struct tenants *t, uint16_t *tenant);

void tenants_hold(struct tenants *t, uint16_t tenant, enum tenant_item item);
void tenants_release(struct tenants *t, uint16_t tenant, enum tenant_item item);
uint32_t tenants_held(const struct tenants *t, uint16_t tenant, enum tenant_item item);
/* Its quota of that; 0: any number. */
uint32_t tenants_most(const struct tenants *t, uint16_t tenant, enum tenant_item item);
/* The number of a node's places that a tenant may have, given what others have: its quota; without
 * one (0), as many as are free in addition to its own. So there is always room for one more
 * tenant, and nothing is reserved for absent ones. A tenant alone on its node has all. */
uint32_t tenants_share(const struct tenants *t, uint32_t quota, uint32_t places, uint32_t others);
/* One more. Returns 0; else nothing was counted, and the number of seconds until it may. As in
 * quotas of an extension, QUOTA_BURST_S seconds' worth may come at once. */
uint32_t tenants_spend(struct tenants *t, uint16_t tenant, enum tenant_rate rate, uint64_t now_ns);
/* Whether a quota limits it. */
bool tenants_is_limited(const struct tenants *t, uint16_t tenant, enum tenant_item item);
/* It has as much as its quota allows, or more: what is there already stays. */
bool tenants_is_full(const struct tenants *t, uint16_t tenant, enum tenant_item item);

#endif
