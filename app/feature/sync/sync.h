/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contacts that other services have, in the book of an extension or in the tenant's directory, and
 * meetings of a calendar, in the presence of an extension: a document says which service, and
 * tandem-helper asks it (app/helper/contacts.c). The node with the archive that reads begins the
 * runs; the archive hands each out once, and has the state (app/archive/contact/contact_sync.c).
 * Control thread.
 */
#ifndef APP_FEATURE_SYNC_SYNC_H
#define APP_FEATURE_SYNC_SYNC_H

#include <jansson.h>

#include "app/schema/command.h"
#include "app/schema/feature.h"
#include "app/schema/field.h"
#include "base/rand.h"
#include "base/seal.h"
#include "sig/host/tenant.h"

struct node;

enum {
	SYNCS_OF_USER = 8,
	SYNCS_OF_TENANT = 2048,
	SYNCS_MAX = 16384, /* of a node */
	SYNC_URL_MAX = 512,
	SYNC_SECRET_MAX = 272, /* with its NUL */
	SYNC_MINUTES = 10,     /* between two runs, at first */
	SYNC_RUN_S = 1800,     /* a run ends then, at first: others have its place */
};

enum sync_service {
	SYNC_CARDDAV,
	SYNC_GOOGLE,
	SYNC_MICROSOFT,
	SYNC_PIPEDRIVE,
	SYNC_EXCHANGE,
	SYNC_CALDAV, /* from here on calendars */
	SYNC_GOOGLE_CALENDAR,
	SYNC_MICROSOFT_CALENDAR,
	SYNC_EXCHANGE_CALENDAR,
	SYNC_SERVICES
};
extern const char *const g_sync_services[]; /* ends with NULL */

struct sync_value {
	char name[DOCUMENT_NAME_MAX];
	char user[DOCUMENT_NAME_MAX]; /* the extension; "": the tenant's directory */
	uint8_t service;
	char url[SYNC_URL_MAX]; /* "": that of the service */
	char login[128], account[128], folder[128];
	uint16_t minutes, run_s;
	bool off, locked;
	char secret[FORM_SECRET_MAX]; /* sealed */
	uint64_t changed_utc_ms;
};

extern const struct command_arg g_sync_fields[];
extern const struct form g_sync_form;
extern const struct document_kind g_sync_documents;
extern const struct metric_def g_sync_metrics[]; /* ends with id NULL */

/* Seals the secret for that document of the tenant. 0, -EINVAL: too long, or -EBADMSG. */
int sync_seal(struct sync_value *v, const char *tenant, struct bytes secret,
	      const struct seal_key *key, struct rand_source *rand) NODISCARD;
/* 0 or -EBADMSG. */
int sync_open(const struct sync_value *v, const char *tenant, const struct seal_key *key,
	      char out[SYNC_SECRET_MAX]) NODISCARD;
/* A number of service, url, login and account, which JSON has room for. */
uint64_t sync_server(const struct sync_value *v);
/* The owner of its book, as the archive has it: "d", or "u" and the extension. */
void sync_owner(char out[DOCUMENT_NAME_MAX + 1], const struct sync_value *v);

/* http only where the tenant says that it is near. "": that of the service. */
bool sync_url_may_be(const char *url, const char *networks);

static inline bool sync_is_calendar(const struct sync_value *v)
{
	return v->service >= SYNC_CALDAV;
}

/* When those that run at utc_ms, and those that follow without a gap, are over; utc_ms: none runs.
 * *next_ms: when the first one behind begins; UINT64_MAX: none is known. */
uint64_t sync_meetings_end(const json_t *meetings, uint64_t utc_ms, uint64_t *next_ms);

/* Says by presence whether its user is in a meeting now. meetings: from_ms and until_ms of each;
 * those of the next SYNC_AHEAD_S. *set_ms: the end that this sync has said last; 0: none. What
 * another calendar of the user has said it prolongs alone; where it takes back what it has said
 * itself, the others are due at once. Returns when it is to be said again, in ms from now: at the
 * next beginning, or after the minutes of the sync. */
enum { SYNC_AHEAD_S = 25 * 3600 };
uint64_t sync_meetings_say(struct node *n, const char *tenant, const struct sync_value *v,
			   const json_t *meetings, uint64_t utc_ms, uint64_t *set_ms);

/* sync.run and sync.state. */
command_fn sync_state;
command_fn command_sync_copy;

/* A document is there, or has changed, where the archive reads; and one is due now: where it is
 * gone, its run finds that. */
void sync_changed(struct node *n, const char *tenant, const struct sync_value *v);
void sync_due(struct node *n, const char *tenant, const char *name);
/* Other calendars of its user, which may know of a meeting that is not said, are due now. */
void sync_others_due(struct node *n, const char *tenant, const struct sync_value *v);
/* A column of the feature's row: runs that are due. */
void sync_second(struct node *n, uint64_t now_ns);

#endif
