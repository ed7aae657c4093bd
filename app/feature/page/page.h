/* SPDX-License-Identifier: Apache-2.0 */
/* Paging groups as documents of a tenant, and the command that rings their members. A group is
 * carried out by a flow that is made of its document, and by a room (sig/pbx/page.h). Control
 * thread. */
#ifndef APP_FEATURE_PAGE_PAGE_H
#define APP_FEATURE_PAGE_PAGE_H

#include <jansson.h>

#include "app/schema/command.h"
#include "app/schema/field.h"
#include "base/addr.h"
#include "sig/dial/dial.h"
#include "sig/host/tenant_tables.h"

struct node;
struct effect;
struct room_terms;
struct room_view;
struct shard_conference_request;

enum {
	PAGE_NAME_MAX = 26, /* with its NUL: its room has a number */
	PAGE_MEMBERS_MAX = 250,
	PAGE_MEMBERS_TEXT_MAX = 4096,
};

/* Which members a page rings. */
enum page_priority {
	PAGE_NORMAL,    /* those without a call and without do_not_disturb */
	PAGE_PRIORITY,  /* those with a call, too */
	PAGE_EMERGENCY, /* all of them */
};

enum page_type {
	PAGE_LIVE,     /* members hear the caller while he speaks */
	PAGE_RECORDED, /* he records a message, which is played to them then */
};

/* Limits of phones that page each other by multicast. Each of their groups has a channel and a name
 * to be read. */
enum {
	PAGE_CHANNELS = 25,
	PAGE_CHANNEL_DEFAULT = 1,
	PAGE_CHANNEL_PRIORITY = 24,
	PAGE_CHANNEL_EMERGENCY = 25,
	PAGE_PERSON_MAX = 33,
	PAGE_TEXT_MAX = 65,
	PAGE_ADDRESS_MAX = 22, /* "255.255.255.255:65535" */
	PAGE_NETWORK_MAX = 32,
	PAGE_STATE_MAX = 96,
};

struct page_value {
	char name[PAGE_NAME_MAX];
	uint8_t channel; /* 1 to PAGE_CHANNELS; 0: none */
	char first_name[PAGE_PERSON_MAX], last_name[PAGE_PERSON_MAX], department[PAGE_PERSON_MAX];
	char description[PAGE_TEXT_MAX];
	char members[PAGE_MEMBERS_TEXT_MAX];   /* joined by ',' */
	char listeners[PAGE_MEMBERS_TEXT_MAX]; /* likewise: they hear it by its channel alone */
	uint8_t priority;                      /* enum page_priority */
	uint8_t type;                          /* enum page_type */
	/* "": not by this way */
	char multicast[PAGE_ADDRESS_MAX], multicast_rtp[PAGE_ADDRESS_MAX];
	uint8_t multicast_ttl;
	uint8_t multicast_codec;                  /* 0: PCMU, 1: G.722 */
	char multicast_network[PAGE_NETWORK_MAX]; /* of the node file; "": the first one */
	uint64_t changed_utc_ms;
};

/* What a user has chosen about the groups that name his extension, as a member or a listener. */
struct page_choice_value {
	char number[DIAL_NUMBER_MAX];
	char off[PAGE_MEMBERS_TEXT_MAX];   /* groups that he does not hear, joined by ',' */
	char default_group[PAGE_NAME_MAX]; /* "": that of channel 1 */
	bool in_calls;                     /* he hears normal pages while he has a call, too */
	uint64_t changed_utc_ms;
};

extern const struct command_arg g_page_choice_fields[];
extern const struct form g_page_choice_form;
extern const struct document_kind g_page_choice_documents;

/* NULL: nothing. Valid until the next command. */
const struct page_choice_value *page_choice_find(uint16_t tenant, struct bytes number);
/* He hears the group's pages: an emergency he always does. */
bool page_is_wanted(const struct page_choice_value *c, const struct page_value *v);
void page_choices_close(void);
command_fn page_choice_get, page_list;

extern const struct command_arg g_page_fields[];
extern const struct form g_page_form;
extern const struct document_kind g_page_documents;

command_fn page_ring, page_play;

/* Requests the registrations of all members that this node does not know, and asks other nodes for
 * calls that keep a member from being rung. */
void page_look_up(struct node *n, const char *tenant, const struct page_value *v);
/* Rings the members of a group. o: its room, or the terms to open it by. key: unique; the same page
 * has the same one. How many are rung. */
uint32_t page_ring_members(struct node *n, uint16_t tenant, const struct page_value *v,
			   const char *key, struct shard_conference_request *o);
/* The same, for a command: true: it waits, and runs again. */
bool page_awaits_users(struct command_run *run, const char *tenant, const struct page_value *v);
/* Once a second: pages of priority that are heard here, to all nodes. */
void page_claims(const struct node *n);
/* What sounds in the room is sent to the group's multicast addresses, too, if it has any here. */
void page_cast(const struct node *n, uint64_t room, uint16_t tenant, const char *name);
/* The page that the group hears now, at a shard of this node. False: none. */
bool page_room_find(const struct node *n, uint16_t tenant, const char *name, struct room_view *out);
/* ---- page_play.c: a room that has played a sound is over ---- */
void page_on_event(const struct effect *e, void *node);
void page_second(struct node *n, uint64_t now_ns);

/* What its channel makes of it, too. */
enum page_priority page_priority_of(const struct page_value *v);
/* The first number that leads to the group, and that a phone can dial; "": none does. */
void page_number(const struct node *n, const char *tenant, const char *name,
		 char out[COMMAND_USER_MAX]);
/* The number of a group's room. */
void page_room(char out[ROOM_NUMBER_MAX], const char *name);
/* The name that phones show of a group's channel. */
void page_label(char out[2 * PAGE_PERSON_MAX], const struct page_value *v);

/* ---- page_bells.c: sounds by the clock ---- */

enum {
	BELL_NAME_MAX = 32,
	BELL_TIMES_TEXT_MAX = 1024,
	BELL_FILES_TEXT_MAX = 261,
	BELL_LATE_S = 10, /* later it does not ring */
};

struct bell_value {
	char name[BELL_NAME_MAX];
	char page[PAGE_NAME_MAX];       /* the paging group that hears it */
	char when[BELL_TIMES_TEXT_MAX]; /* days and times of the week */
	char hours[BELL_NAME_MAX];      /* calendar: it rings while that is open; "": always */
	char file[BELL_FILES_TEXT_MAX]; /* as of call.play */
	uint8_t times;                  /* how often all of them are played */
	bool enabled;
	uint64_t changed_utc_ms;
};

extern const struct command_arg g_bell_fields[];
extern const struct form g_bell_form;
extern const struct document_kind g_bell_documents;

/* "mon-fri 07:45 08:30; sat 09:00". NULL, or what is wrong, and where. *due: whether it names that
 * minute of that day, of which 0 is Sunday. */
const char *bell_when_look(struct bytes text, unsigned weekday, unsigned minute, bool *due,
			   struct bytes *where);
void bells_second(struct node *n, uint64_t utc_ms);
void bells_close(void);

/* ---- page_multicast.c: groups with a channel, or on multicast addresses ---- */

void page_multicast_setup(void);
void page_multicast_second(struct node *n, uint64_t now_ns);
void page_multicast_close(struct node *n);
/* The document is in effect, or gone. */
void page_multicast_apply(struct node *n, uint16_t tenant, const struct page_value *v);
void page_multicast_forget(uint16_t tenant, const char *name);
/* The group is on a multicast address. */
bool page_multicast_has(uint16_t tenant, const char *name);
/* Of the nodes that hear each other this one begins what all of them know of. */
bool page_node_begins(const struct node *n, uint64_t now_ns);
/* NULL, or why no group may have these fields; *field: which one it is about. */
const char *page_multicast_wrong(const struct node *n, uint16_t tenant, const struct page_value *v,
				 const char **field);
/* Sentences about what is hardly meant so. */
void page_multicast_warn(const struct node *n, uint16_t tenant, const void *value, json_t *out);
/* "off", "on", or why the group has no multicast at this node. */
const char *page_multicast_state(uint16_t tenant, const struct page_value *v);

/* A channel of a tenant, as the phone of an extension has it. */
struct page_channel {
	char label[2 * PAGE_PERSON_MAX]; /* "": no group has it */
	/* the extension is a member of one that has it, or listens; address: of that, perhaps */
	bool heard;
	bool subscribed; /* ... and its user has not chosen otherwise */
	struct addr address;
};
/* Returns the default channel of the extension. */
uint8_t page_channels(const struct node *n, uint16_t tenant, struct bytes number,
		      struct page_channel out[PAGE_CHANNELS]);

#endif
