/* SPDX-License-Identifier: Apache-2.0 */
/* Event packages (RFC 6665 5): the state of a user that each reports. A package is a constant that
 * the row of a feature names (sig/feature/features.c). Its body knows no subscription and no
 * transaction: the state of the user goes in, a body comes out. */
#ifndef SIG_SUBSCRIPTION_PACKAGE_H
#define SIG_SUBSCRIPTION_PACKAGE_H

#include "sig/host/extension.h"
#include "sig/host/feature.h"
#include "sig/host/mailboxes.h"
#include "sig/location/registrar.h"
#include "sig/model/leg.h"
#include "sig/room/roster.h"
#include "sig/subscription/feature_event.h"

/* A conference as its watchers see it (RFC 4575): read from its room when sent, with only the order
 * of changes stored. Filled in by the owner of rooms. */

enum { CONFERENCE_URI_MAX = 128 }; /* of a name; a longer one is not told */

/* A phone of a member. All slices live until the next event. */
struct conference_member {
	/* user: without parameters; of one that hides, one that says nothing */
	struct roster_name name;
	struct bytes display; /* may be empty */
	bool host;
	enum conference_status status;
	enum conference_joined joined;
	uint64_t joined_utc_ms; /* 0: it has not yet */
	bool audio, video;
	enum conference_way audio_way, video_way;
};

struct conference_view {
	uint64_t id; /* of the conference: another one may have its number later */
	const void *room;
	struct bytes title; /* may be empty */
	uint32_t count, count_max;
	bool locked;
	const struct room_roster *roster;
	void (*read)(const void *room, const struct roster_link *member,
		     struct conference_member *out);
	/* A phone of that user is in it: it may watch. */
	bool (*has)(const void *room, struct bytes user);
};

/* The change up to which its watcher was notified. */
struct conference_notified {
	uint64_t id;     /* of the conference; 0: nothing was */
	uint64_t begun;  /* its newest change when all of it was told last, or began to be */
	uint64_t change; /* all up to this one */
	bool more;       /* it did not all go into one document: the next one goes on */
};

/* It was told of another conference, or lacks a member that left and was dropped. */
static inline bool conference_has_changed(const struct conference_notified *told,
					  const struct conference_view *c)
{
	uint64_t known = told->begun > told->change ? told->begun : told->change;

	return told->id != c->id || known < c->roster->forgotten;
}

/* A dialog of a user's phone as his watchers see it (RFC 4235 3.7.1): read from a leg, not
 * stored. */

enum dialog_phase {
	PHASE_TRYING,
	PHASE_EARLY,
	PHASE_CONFIRMED,
	PHASE_TERMINATED,
};
enum { DIALOG_STATES_MAX = 8 }; /* of one user; others are not told */

struct dialog_state {
	uint64_t id; /* of the dialog, never 0: says nothing of its tags */
	enum dialog_phase phase;
	bool recipient;  /* the phone was called */
	bool held;       /* the phone takes nothing of the other party */
	bool conference; /* it talks in one */
	bool alone;      /* it hears the node: a prompt, a room, music; and no other party */
	bool parked; /* no dialog of a phone, but who waits in the slot of the extension's number */
	uint32_t shard; /* of its call, and 1; 0: not known */
	/* no dialog, but a call that waits for the user (sig/pbx/call_waiting.h), which began then;
	 * 0: a dialog */
	uint64_t waits_utc_ms;
	/* tag: the phone's; all slices live until the next event; call_id empty: neither is sent */
	struct bytes call_id, tag;
	struct dialog_tag remote_tag; /* ours */
	struct bytes local, remote;   /* name-addrs of the phone's user and of its peer */
};

const char *dialog_phase_name(enum dialog_phase phase);
void dialog_state_read(struct dialog_state *out, const struct leg *l);
/* A hash of what is sent of it. Never 0. */
uint8_t dialog_state_mark(const struct leg *l);

/* What its watcher was told of a dialog last. */
struct dialog_notified {
	uint64_t id;
	uint8_t phase;
	bool recipient, held;
};

struct subscription;
struct subscriptions;

struct package_state {
	const struct subscriptions *all;
	const struct subscription *of; /* the user is its resource */
	uint32_t version;
	bool whole;  /* all of it; else what was not told yet */
	bool hidden; /* only the user itself is named */
	struct sip_uri entity;
	/* the host by which it knows the users of a conference; host empty: theirs */
	struct sip_uri watcher;
	const struct dialog_state *dialogs; /* none is over */
	uint32_t dialog_count;
	const struct dialog_notified *told;
	uint32_t told_count;
	const struct aor *entry;                         /* where its phones are; NULL: nowhere */
	uint64_t utc_ms;                                 /* that its times are of */
	const struct conference_view *conference;        /* NULL: none */
	struct conference_notified *conference_notified; /* read and written */
	size_t most;                                     /* octets of the body */
	enum feature_event_part part;                    /* FEATURE_EVENT_PARTS: none */
	const struct shard_forward *forward;             /* NULL: nothing is set */
	const struct message_counts *messages;           /* NULL: not counted */
};

/* Which state of a user has changed. */
enum watch_change {
	CHANGED_DIALOGS,
	CHANGED_PHONES,
	CHANGED_CONFERENCE,
	CHANGED_SETTINGS,
	CHANGED_PRESENCE,
	CHANGED_MESSAGES
};

/* Whether a user may watch another one. */
enum watch_verdict {
	WATCH_OK,
	WATCH_HIDDEN, /* whether he talks, without the peer */
	WATCH_REJECTED,
	WATCH_NO_RESOURCE,
	WATCH_VERDICTS,
};

/* A row of the list of features (sig/host/feature.h). */
struct event_package {
	const char *name, *type; /* of Event, and of the body */
	bool own;                /* told to the user itself alone */
	uint8_t changes;         /* 1 << enum watch_change: what it is told again for */
	/* The package reports one of dialogs, conferences, settings and messages; phones go
	 * with dialogs. */
	bool of_dialogs, of_phones, of_conferences, of_settings, of_messages;
	bool of_blf;    /* also of slots and hours, and of who waits there (BLF) */
	bool tells_end; /* the end of a resource is reported in a body, too */
	/* no more where the node knows no features of phones (PHONE_FEATURES_NONE) */
	bool of_phone_features;
	bool needs_for_own;     /* `needs` also to watch oneself */
	enum entitlement needs; /* of the watcher; ENTITLEMENT_COUNT: none */
	/* the minimum time between NOTIFYs, except the rest of an oversized one; 0: none */
	uint32_t pace_ms;
	/* Of a resource that is no user, in place of what users allow; NULL: of a user. */
	enum watch_verdict (*may)(const struct subscriptions *s, const struct subscription *sub);
	void (*write)(struct writer *w,
		      const struct package_state *state); /* NULL: no phone may subscribe to it */
	/* Members of the JSON that a page gets of a user that it may watch by this package, each
	 * behind a ','; NULL: none. Of the state it has all, of, hidden and dialogs. */
	void (*show)(struct writer *w, const struct package_state *state);
};

extern const struct event_package dialog_package;     /* RFC 4235 */
extern const struct event_package reg_package;        /* RFC 3680 */
extern const struct event_package conference_package; /* RFC 4575 */
extern const struct event_package features_package;   /* as-feature-event (feature_event.h) */
extern const struct event_package user_package; /* no phone's: what a page shows (user_watch.c) */

/* Returns NULL if no phone may subscribe to an event of that name. */
const struct event_package *package_find(const struct feature *features, struct bytes name);
/* "Allow-Events: dialog, ..." */
void package_write_allowed(struct writer *w, const struct feature *features);

/* ---- the bodies ---- */
/* "sip:1001@example.org": without parameters, escaped for XML. */
void package_write_uri(struct writer *w, const struct sip_uri *uri);
/* What phones dial to hear messages: "##" (REG-17), as in a URI. */
#define MESSAGE_ACCOUNT "%23%23"
void conference_info_write(struct writer *w, const struct package_state *state);

#endif
