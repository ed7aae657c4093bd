/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of a node's tenants: dial plans, rooms, sites. Each is one table for all shards of the
 * node; one thread. */
#ifndef SIG_HOST_TENANT_TABLES_H
#define SIG_HOST_TENANT_TABLES_H

#include "sig/dial/dial.h"
#include "sig/host/extension.h"
#include "sig/host/tenant.h"
#include "sig/identity/pidf.h"

/* The dial plans of a node's tenants (sig/dial/dial.h). */
struct dial_plans;

/* 0 or -ENOMEM. The tenants are there for longer. */
int dial_plans_open(struct dial_plans **out, struct tenants *tenants) NODISCARD;
void dial_plans_close(struct dial_plans *x); /* NULL is fine */
/* 0 or -ENOMEM. */
int dial_plans_put(struct dial_plans *x, uint16_t tenant, const struct dial_plan *plan) NODISCARD;
void dial_plans_delete(struct dial_plans *x, uint16_t tenant);
/* Its own, or g_dial_plan_default. Never NULL; x NULL: no tenant has one. */
const struct dial_plan *dial_plans_of(const struct dial_plans *x, uint16_t tenant);
/* Some tenant's plan may have it as an emergency number: it is then fully analyzed. x NULL: no plan
 * has any. */
bool dial_plans_may_help(const struct dial_plans *x, struct bytes number);

/* The dialable conference rooms of a node's tenants (CONF-01), as in their documents. What happens
 * in one is elsewhere. Look-ups accept x NULL for a node without any. */

enum {
	ROOMS_MAX = 4096,      /* of a node, */
	ROOM_PAGES_MAX = 4096, /* and of paging groups (sig/pbx/page.h) */
	ROOM_NUMBER_MAX = 32,  /* with its NUL, as those below */
	ROOM_NAME_MAX = 64,
	ROOM_PIN_MAX = 17,
	ROOM_PIN_MIN = 4, /* digits */
	ROOM_MEMBERS_MIN = 2,
	ROOM_MEMBERS_MAX = 2000,
	ROOM_TALKERS_MAX = 8,
};

/* Played to the others when a member joins or leaves. In this order in documents. */
enum room_tone {
	ROOM_TONE_NONE,
	ROOM_TONE_BEEP,
	ROOM_TONE_NAME, /* the recorded name of the member; else as BEEP */
};

/* In this order in documents. */
enum room_record {
	ROOM_RECORD_OFF,
	ROOM_RECORD_ON_DEMAND, /* a command, or its host, begins and ends it */
	ROOM_RECORD_AUTO,      /* from the second member on */
};

/* A copy has to be wiped: it contains secrets. */
struct room_terms {
	uint16_t tenant;
	char number[ROOM_NUMBER_MAX];
	char name[ROOM_NAME_MAX];                       /* for people; may be "" */
	char pin[ROOM_PIN_MAX], host_pin[ROOM_PIN_MAX]; /* digits; "": no PIN */
	uint16_t max_members;
	uint8_t talkers;     /* voices mixed at once; 0: all that are not silent */
	uint32_t rate;       /* of the mix, Hz */
	uint8_t entry, exit; /* enum room_tone */
	uint8_t record;      /* enum room_record */
	bool locked;         /* from its opening on only hosts may join */
	bool muted;          /* members come in muted; hosts do not */
	bool wait_for_host;  /* members hear music until a host is there */
	bool ends_with_host; /* it ends when the last host leaves */
	/* each caller gets a conference of his own, as of calls (RFC 4579 5.1); of the fields above
	 * only its name counts */
	bool factory;
	uint8_t page; /* priority of the paging group that has it, and 1 (sig/feature/page) */
};

/* The role that the entered digits give. */
enum room_pin {
	ROOM_PIN_WRONG,
	ROOM_PIN_MEMBER,
	ROOM_PIN_HOST,
};

struct rooms;

/* 0 or -ENOMEM. The tenants are there for longer. */
int rooms_open(struct rooms **out, struct tenants *tenants) NODISCARD;
void rooms_close(struct rooms *x); /* NULL is fine */
/* Adds or replaces, by tenant and number. 0, -ENOSPC or -ENOMEM. */
int rooms_put(struct rooms *x, const struct room_terms *room) NODISCARD;
void rooms_delete(struct rooms *x, uint16_t tenant, struct bytes number);
/* Returns NULL if not found. Valid until the next put or delete. */
const struct room_terms *rooms_find(const struct rooms *x, uint16_t tenant, struct bytes number);

/* Every caller is asked for digits. If not, each caller is a member. */
bool room_asks_pin(const struct room_terms *room);
/* No digits: a member, if the room has no PIN for members. Its duration tells nothing about the
 * PINs. */
enum room_pin room_pin_check(const struct room_terms *room, struct bytes digits);

/* The sites where phones of a node's tenants are, by the location ids that phones state
 * (sig/sip/uri.h). Look-ups accept x NULL for a node without any. */

enum { SITES_MAX = 4096 }; /* of a node */

struct site {
	uint16_t tenant, id;
	struct civic civic;
	/* the caller number shown to trunks for emergency calls from there; "": as usual */
	char caller_id[FORWARD_TARGET_MAX];
};

struct sites;

/* 0 or -ENOMEM. The tenants are there for longer. */
int sites_open(struct sites **out, struct tenants *tenants) NODISCARD;
void sites_close(struct sites *x); /* NULL is fine */
/* Adds or replaces, by tenant and id. 0, -ENOSPC or -ENOMEM. */
int sites_put(struct sites *x, const struct site *site) NODISCARD;
void sites_delete(struct sites *x, uint16_t tenant, uint16_t id);
/* Returns NULL if not found. Valid until the next put or delete. */
const struct site *sites_find(const struct sites *x, uint16_t tenant, uint16_t id);

#endif
