/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices of all tenants on this node: by their MAC, with what was seen of each. What was seen is a
 * record in Redis that all nodes write: each of its times only grows, so two of them that write at
 * once lose nothing for longer than until the next change. Control thread.
 */
#ifndef APP_FEATURE_PROVISION_DEVICE_H
#define APP_FEATURE_PROVISION_DEVICE_H

#include <jansson.h>

#include "app/feature/provision/device_field.h"
#include "app/schema/command.h"
#include "sig/host/event.h"
#include "sig/location/registrar.h"

struct node;
struct sync_caller;
struct park_reply;
struct web_routed;

enum { DEVICE_AGENT_MAX = 80, DEVICE_ASKED_MAX = 64 }; /* a record has room for both */

/* What a phone does, in its order. */
enum device_step {
	DEVICE_ASKED,      /* it asked for its first file, with a password */
	DEVICE_ACCEPTED,   /* which was right */
	DEVICE_FETCHED,    /* it has all files of a revision */
	DEVICE_REGISTERED, /* ... and has registered since */
	DEVICE_SYNCED,     /* it was asked to look for other files (check-sync) */
	DEVICE_STEPS,
};

/* UTC in ms; 0: never. */
struct device_seen {
	uint64_t at[DEVICE_STEPS];
	char revision[PHONE_REVISION_LEN + 1];   /* that it fetched last */
	char registered[PHONE_REVISION_LEN + 1]; /* that it had when it registered */
	char agent[DEVICE_AGENT_MAX];            /* as it named itself last */
	char host[DEVICE_ASKED_MAX];             /* that it asked last */
};

/* Who is logged in at a device with a password of its own, as its document says
 * (device_login.c). */
struct device_login {
	bool own;                     /* it has one */
	bool unchecked;               /* whether another device has its user, too */
	bool displaced;               /* another one has its user, who has one phone alone */
	char base[DEVICE_NUMBER_MAX]; /* extension of the phone while nobody is logged in */
	char user[DEVICE_NUMBER_MAX]; /* "": nobody is */
	char former[DEVICE_NUMBER_MAX];
	char number[DEVICE_NUMBER_MAX]; /* extension that the shards have for the device */
	/* tenants of user, former and number: another site's user is a guest (REG-30) */
	uint16_t user_of, former_of, of;
	uint64_t login_ms, logout_ms; /* as in struct device_value */
	uint64_t again_ns;            /* then it is logged out, where the login is over; 0: off */
	uint64_t looked;              /* changes of documents when a guest was judged last */
	bool ended;                   /* ... then: he may not be one any more */
};

struct device_entry {
	struct device_entry *next; /* of the same MAC, another tenant's */
	uint16_t tenant;
	char mac[PHONE_MAC_LEN + 1];
	char profile[DEVICE_PROFILE_MAX]; /* as its document names it */
	struct device_seen seen;          /* by this node, and in Redis as far as it was read */
	bool dirty;                       /* Redis lacks some of it */
	bool writing;                     /* it is being read, or written */
	bool awaited;                     /* it has fetched, and has to register */
	uint64_t await_ns;                /* then it is looked for */
	uint64_t sync_ms;                 /* UTC: it is to be asked since then; 0: it is not */
	uint64_t sync_next_ns;            /* then it is looked at again */
	uint64_t sync_serial;             /* other nodes are asked for its calls; 0: they are not */
	bool sync_read;             /* what Redis has of it is known since it is to be asked */
	bool sync_rolled;           /* by device.roll, which may stop: */
	uint64_t sync_before_ms;    /* what sync_ms was before */
	uint64_t sync_wait_ns;      /* it was away: so long it is not looked for */
	struct sync_caller *caller; /* it is not registered, and called when it was to be asked */
	uint64_t asked_ns[2];       /* the store, for its phones; as the former one's */
	uint64_t refused_ns;        /* the last event about a wrong password */
	uint64_t looked_ns;         /* a list asked Redis for it then; 0: none has */
	struct device_login login;
};

extern const struct document_kind g_device_documents;
command_fn command_device_list;
command_fn command_device_put, command_device_get, command_device_delete, command_device_sync;
/* The MAC as documents have it, in the run's arguments. False: the run has failed. */
bool device_normalize(struct command_run *run);

/* The first one of that MAC; NULL if there is no such device. */
struct device_entry *device_find(struct bytes mac);
struct device_entry *device_of(uint16_t tenant, struct bytes mac);
/* All of them, *cursor 0 at first; NULL at the end. */
struct device_entry *device_next(uint32_t *cursor);
/* Its document as it is now. False: it is gone, or cannot be read. */
bool device_read(struct node *n, const struct device_entry *d, struct device_value *out);

/* ---- device_seen.c ---- */
void device_saw(struct device_entry *d, enum device_step step, uint64_t utc_ms);
/* Reads what Redis has of it; d->sync_read is set then, also where Redis cannot say. */
void device_seen_refresh(struct node *n, struct device_entry *d);
/* Writes what is dirty. Twice a second. */
void device_seen_beat(struct node *n, uint64_t now_ns);
/* Reads the record of one, and ends the run with view (stolen) and what was seen. */
void device_seen_answer(struct command_run *run, json_t *view, struct bytes mac);
void device_event(struct node *n, enum sig_event_kind kind, uint16_t tenant, const char *mac,
		  struct bytes number, const char *reason);

/* A phone of its extension is this one. */
bool device_is_binding(const struct device_entry *d, const struct binding *b);

/* ---- device_sync.c ---- */
/* Asks it behind its calls, if it is to be asked. Twice a second. */
void device_sync_beat(struct node *n, struct device_entry *d, uint64_t now_ns);
/* How many wait for other nodes; before a round of beats. */
void device_sync_count(void);
void device_sync_want(struct device_entry *d, uint64_t utc_ms);
/* The same by device.roll, until device_sync_unroll. */
void device_sync_roll(struct device_entry *d, uint64_t utc_ms);
/* What device.roll wanted is no longer wanted: what was so before is. */
void device_sync_unroll(struct device_entry *d);
/* Other nodes have said whether one of the extensions is in a call. */
void device_sync_on_picked(struct node *n, const struct park_reply *told);
/* The entry of its extension's phones is no older than a second. False: not yet; the store is
 * asked, every few seconds at most. */
bool device_locations_known(struct node *n, struct device_entry *d, struct bytes number,
			    uint64_t now_ns);
void device_sync_close(struct node *n);
/* Where it calls from now: it is asked there, if it is not registered when its call is over. */
void device_sync_remember(struct node *n, struct device_entry *d);
void device_sync_forget(struct device_entry *d);

/* ---- device_profile.c ---- */
extern const struct document_kind g_device_profile_documents;
/* What its profile says goes into the document as it was read, where the device does not say it
 * itself. */
void device_profile_read(struct node *n, const struct device_entry *d, struct device_value *v);
/* The profile, "": that with the name default, has a password of menus. */
bool device_profile_has_password(const struct node *n, const char *tenant, const char *profile);

/* ---- device_roll.c ---- */
command_fn command_device_roll;
void device_roll_beat(struct node *n); /* twice a second */
void device_roll_close(void);

/* ---- device_login.c ---- */
enum { DEVICE_CONTEXT_MAX = 128 };
/* The change that the command makes to the device. False: the run has failed. */
bool device_make(struct command_run *run, void *value);
/* Who is logged in, as the document has it; "": nobody. */
const char *device_user(const struct device_value *v);
/* Who is to be logged in by device.login, likewise. */
void device_wanted(const struct command_run *run, char out[DEVICE_USER_MAX]);
/* Who has logged in, or out. */
void device_user_event(const struct command_run *run, const struct device_value *v);
/* Its document has changed. 0, -ENOSPC or -ENOMEM. */
int device_login_apply(struct node *n, struct device_entry *d, const struct device_value *v);
void device_login_forget(struct node *n, struct device_entry *d);
/* Ends logins that have expired. Twice a second. */
void device_login_beat(struct node *n, struct device_entry *d, uint64_t now_ns);
/* It was asked to look for files as another one's phone: its former extension has it no more. */
void device_login_synced(struct node *n, struct device_entry *d);
/* The password is that of the device. It is not proven by this: guesses are not counted. */
bool device_password_fits(const struct node *n, const struct device_entry *d, const char *password);
command_fn command_device_login, command_device_mine;
/* A login of another site's extension is one that it has had, or that its owner has proven. False:
 * the run has failed. */
bool device_guest_may(struct command_run *run, const void *value);

/* That of the device, of DEVICE_PASSWORD_MAX; "": it has none, or it cannot be opened. */
void device_password_read(struct node *n, uint16_t tenant, const char *mac, char *out, size_t size);
/* Seals it into v. False: the run has failed. */
bool device_password_seal(struct command_run *run, struct device_value *v, struct bytes password);

/* ---- device_bare.c ---- */
struct phone_files;
/* The extension of phones that no document names; "": the tenant has none. */
const char *bare_extension(const struct node *n, uint16_t tenant);
void bare_secret(const struct node *n, uint16_t tenant, struct bytes name,
		 char out[BARE_PASSWORD + 1]);
/* The request has a name that was made for that MAC, and its password. */
bool bare_proves(const struct node *n, uint16_t tenant, const char *mac,
		 const struct web_routed *r);
/* The file of such a phone, with a name and a password that are new: r has them then. NULL: the
 * tenant has no such phones, or no memory. */
struct phone_files *bare_render(struct node *n, uint16_t tenant, const char *mac,
				struct web_routed *r);
/* Takes a bare phone for the user who has proven his PIN at it. An existing document is kept, if
 * nobody else is logged in: the phone was reset. password: the device's from now on. Returns false
 * if the phone is another user's. */
bool bare_adopt(struct command_run *run, struct device_value *v, bool there,
		char password[BARE_PASSWORD + 1]);

/* ---- device_uploads.c ---- */
enum { DEVICE_FOLDER_MAX = 320 };
/* Where the phone's file of that name lies. False: it may bring no such file. */
bool device_upload_path(const struct node *n, const struct device_entry *d, struct bytes name,
			char *out, size_t size);
/* What such names have behind the MAC, from 0 on; NULL: there are no more. */
const char *device_upload_name(uint32_t index);
/* The device is deleted. */
void device_uploads_delete(const struct node *n, const struct device_entry *d);
void device_uploads_beat(uint64_t now_ns); /* twice a second */
void device_uploads_close(void);

/* ---- firmware.c ---- */
/* Looks which files there are. */
void firmware_reload(const struct node *n);
/* The names of those files, from 0 on; NULL: there are no more. */
const char *firmware_name(const char *family, uint32_t index);
/* Where such a file lies; out NULL: whether it is there. */
bool firmware_path(const struct node *n, const char *family, struct bytes name, char *out,
		   size_t size);
/* There is an image of the application of that family. */
bool firmware_has_application(const char *family);

/* ---- phone_pages.c ---- */
enum { PHONE_LINK_MAX = 96 };
void phone_pages_open(const struct node *n);
/* Path of the first page of a device's micro-browser; "": its phone has no pages. */
void phone_pages_link(const struct node *n, uint16_t tenant, const struct device_value *v,
		      char out[PHONE_LINK_MAX]);
void phone_page_answer(struct web_routed *r, void *arg); /* a route */

/* ---- provision_digest.c ---- */
struct web_route_answer;
/* Of a 401, where Digest is taken. */
void digest_challenges(struct node *n, const struct web_routed *r, uint16_t tenant, bool stale,
		       struct web_route_answer *a);
/* Credentials of Digest for a file of that MAC: user and password are in r then, and are not
 * judged yet. False: the request was answered. */
bool digest_login(struct node *n, struct web_routed *r, uint16_t tenant, const char *mac);
/* What was proven was not used before, and its nonce is not old. */
bool digest_is_new(struct node *n, const struct web_routed *r, uint16_t tenant);

/* ---- provision_http.c ---- */
/* What a 401 asks for. */
enum provision_login {
	PROVISION_ANY,   /* Basic, and Digest where it is taken */
	PROVISION_STALE, /* the same: it was right, and its nonce is not */
	PROVISION_BASIC, /* Basic alone: the file needs the password itself */
};
/* They end the request: with a status alone, and with a text. */
void provision_unauthorized(struct web_routed *r, enum provision_login how);
void provision_status(struct web_routed *r, unsigned status, uint32_t retry_s);
void provision_file(struct web_routed *r, struct bytes text, const char *type);
int provision_listen(struct node *n);
void provision_reload(struct node *n);
void provision_close(struct node *n);

#endif
