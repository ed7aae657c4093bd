/* SPDX-License-Identifier: Apache-2.0 */
/* A room: a conference of one shard (FEATURES CONF-01). It is a small value with a record of its
 * own; its members are stored in the records of their calls, so a successor may read either first.
 * Here are the rules that need no call: numbers, hosts, rights. Pure. */
#ifndef SIG_ROOM_ROOM_H
#define SIG_ROOM_ROOM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "media/job.h"
#include "sig/host/effect.h"
#include "sig/host/object.h"
#include "sig/room/roster.h"
#include "sig/sip/id.h"

/* A call in a room: what the room knows of it. It is part of the call's record, never of the
 * room's: so a room of 2,000 is 2,000 small records, and a member that joins or is muted changes
 * one of them. */

enum {
	MEMBER_NOBODY = 0,
	MEMBER_NUMBER_MAX = UINT16_MAX,
	MEMBER_GAIN_DB_MAX = 15,
	CONFERENCE_NUMBER_MAX = 32, /* of a room, with its NUL */
	MEMBER_NAMED_MAX = 32,      /* of a room's name, with its NUL */
};

struct room_member {
	uint64_t room;    /* id */
	uint64_t call;    /* its call */
	uint16_t number;  /* in the room, each once; MEMBER_NOBODY: it asks */
	uint16_t inviter; /* the member that brought it; MEMBER_NOBODY: it came by itself */
	uint16_t coaches; /* the only member that hears it; MEMBER_NOBODY: all do */
	uint16_t takes;   /* the member that it replaces (MON-04); MEMBER_NOBODY: none */
	int8_t gain_db;   /* its gain for the others */
	bool muted;       /* it is not heard */
	bool deaf;        /* it does not hear */
	bool held;        /* by command: it hears music, and is not heard */
	bool monitors; /* it listens to two parties, or coaches one: it leaves with them (MON-04) */
	bool asks;     /* it is to join: its phone rings, or its PIN is awaited */
	bool hosts;    /* it is a host, by its PIN, or will be */
	bool admitted; /* it comes from a conference of another shard, and is asked for no PIN */
	bool made;     /* the room is one that a factory made, should its record be lost */
	bool beeps;    /* a tone plays when it joins and leaves, if the room has none */
	bool naming;   /* ... its PIN was right, and its name is being recorded */
	bool pages;    /* members of its paging group were asked for; of this process only */
	uint8_t tries; /* ... wrong PINs so far */
	uint8_t name;  /* number of the recording of its call that is its name; 0: none */
	/* the call of the party that sent the REFER and gets the NOTIFYs; 0: none */
	uint64_t referrer;
	uint32_t refer; /* ... with this CSeq */
	uint32_t taken; /* CSeq of the last REFER of its own party that was taken; 0: none was */
	uint64_t joined_utc_ms;
	char number_called
		[CONFERENCE_NUMBER_MAX]; /* of the room, should its record be lost; "": none */
	char named[MEMBER_NAMED_MAX];    /* likewise: a secret name; "": it is named by its id */
	/* hash of the others' video at its last re-INVITE (sig/call/video.h); 0: none. Of this
	 * process only */
	uint16_t shown;
	bool waits; /* it hears music until a host is there; of this process, too */
	struct roster_entry told;
	/* in the order of their numbers; asking ones stand behind. Of this process */
	struct room_member *next, *prev;
};

/* 0 or -ENOMEM. */
int room_member_make(struct room_member **out, uint64_t room, uint64_t call) NODISCARD;
void room_member_clear(struct room_member **member); /* it is in no list any more */

/* Audio of a room other than its members, and what takes all of it: tones of joining and leaving,
 * files that a command plays, a recording of the mix, an application. A command's files and the
 * recording are in the room's record, so a successor continues them. Pure;
 * sig/feature/room/room_parts.c carries it out. */

struct room_attendance;
struct conference_view;

enum {
	ROOM_FILES_MAX = 4,
	ROOM_FILE_MAX = 65, /* with its NUL */
	ROOM_TIMES_MAX = 100,
	ROOM_SOUNDS_MAX = 4, /* waiting ones; further ones are dropped */
	ROOM_STREAM_MAX = 32,
	ROOM_RECORDING_NUMBER_MAX = 63,
};

/* In front of the name of a stream: the conference is there for it, and ends with it. */
#define ROOM_STREAM_SOURCE "heard:"

enum room_sound { ROOM_SOUND_ENTRY, ROOM_SOUND_EXIT };

/* Announcements of joining and leaving, one after the other: a tone, or a name and what it does. Of
 * this process only. */
struct room_sounds {
	uint8_t count;
	struct room_input {
		uint8_t sound; /* enum room_sound */
		uint8_t name;  /* number of the recording of that call; 0: a tone */
		bool named;    /* the name was played: what it does is next */
		uint64_t call;
	} list[ROOM_SOUNDS_MAX];
	uint64_t serial; /* of the first one, which plays; 0: it is not asked for yet */
};

/* Files that a command plays to all in it, one behind the other. */
struct room_play {
	uint8_t count; /* 0: nothing */
	uint8_t at;    /* that plays */
	uint8_t times; /* of all of them; 0: without end */
	uint8_t time;  /* this one, from 0 on */
	char files[ROOM_FILES_MAX][ROOM_FILE_MAX];
	uint64_t since_utc_ms; /* the file plays since then; 0: not yet */
	uint64_t order;        /* the order: a repetition changes nothing */
	uint64_t serial;       /* of this process; 0: it is not asked for yet */
};

/* An application that hears all and is heard by all. */
struct room_live {
	char endpoint[ROOM_STREAM_MAX]; /* "": none */
	bool resumed;                   /* of this process: one before had it */
	uint64_t serial;                /* likewise; 0: it is not asked for yet */
};

/* Of the mix: a file named ROOM-NUMBER. */
struct room_recording {
	uint8_t number; /* 0: nothing is recorded */
	uint8_t last;   /* the newest one's */
	bool ordered;   /* by command; else by the document of the room */
	bool by_page;   /* ... or by a member's record page */
	bool paused;
	uint16_t segment; /* that the process which saved this wrote; 0: none yet */
	uint64_t begun_utc_ms, tone_utc_ms; /* tone: its first one since the last pause was due */
	/* of this process */
	bool told, told_paused;
	uint64_t serial;  /* of the copy that is made for it; 0: none is */
	uint64_t tone_ns; /* tone_utc_ms on our clock; 0: not known yet */
	/* members during this segment; NULL: none */
	struct room_attendance *attendance;
};

struct room_parts {
	uint8_t entry, exit; /* enum room_tone */
	uint8_t record;      /* enum room_record */
	uint16_t tones_most; /* with more members there is no tone */
	struct room_sounds sounds;
	struct room_play play;
	struct room_live live;
	struct room_recording recording;
};

/* A tone, unless it waits already; or (name not 0) a name of that call. Not where too many wait. */
void room_sound_add(struct room_sounds *s, enum room_sound sound, uint64_t call, uint8_t name);
/* The first one was played, or cannot be: continues behind its name, or as a tone, or ends. */
void room_sound_played(struct room_sounds *s, bool well);
/* The next file. False: that was the last one, and nothing is played any more. */
bool room_play_next(struct room_play *p);
/* The position in the file. */
uint64_t room_play_ms(const struct room_play *p, uint64_t utc_ms);
void room_parts_clear(struct room_parts *p);

/* ---- who has been there while a segment was recorded ---- */

enum {
	ATTENDEES_MAX = 100, /* members; more are counted */
	ATTENDEE_FROM_MAX = 32,
};

struct attendee {
	uint16_t number;
	char from[ATTENDEE_FROM_MAX];
	uint64_t joined_utc_ms, left_utc_ms; /* 0: it has not */
};

struct room_attendance {
	uint32_t count, named;
	struct attendee list[ATTENDEES_MAX];
};

/* NULL is fine. */
void room_attendance_join(struct room_attendance *r, uint16_t number, struct bytes from,
			  uint64_t utc_ms);
/* NULL: none. Members of a JSON object: "member_count":2,"members":[...] */
void room_attendance_write(struct writer *w, const struct room_attendance *r);

enum {
	CONFERENCE_MEMBERS_MAX = 2000,
	CONFERENCE_TALKERS_MAX = 8,
	CONFERENCE_TALKERS_ALL = MEDIA_ROOM_TALKERS_ALL,
	ROOM_COMES_MAX = 2,
	ROOM_COMES_USER_MAX = 64, /* with its NUL */
	ROOM_INVITED_USER_MAX = 255,
	ROOM_INVITED_MAX = 2048, /* octets of all their names */
	ROOM_RATE_HZ = 16000,
};

enum room_kind {
	ROOM_STATION, /* of a call that others were added to; with two left it is a call again */
	ROOM_MEETME,  /* of a number that is called */
	ROOM_KINDS,
};
const char *room_kind_name(enum room_kind kind);
/* It may be one that is called, or is empty. */
bool room_number_is(struct bytes number);

/* A call with parties that are to become members once its record may change. */
struct room_pending {
	uint64_t call;
	uint8_t host; /* enum shard_leg: the leg of the host; NONE: neither */
	/* enum shard_leg: the leg of a member, which is released; NONE: neither */
	uint8_t leaves;
	/* Of a call of another shard, which sends its parties: */
	char user[ROOM_COMES_USER_MAX]; /* the member that leaves there; "": none */
	/* leg and 1 of a tag of that call, which must be the user's; 0: he may not be in it */
	uint8_t dialog;
	/* The call of the party that gets the NOTIFYs, or, for a call of this shard, of the member
	 * that is replaced; 0: none. */
	uint64_t referrer;
	uint32_t refer; /* CSeq of its REFER */
};

struct room {
	struct object object;
	uint8_t kind;                       /* enum room_kind */
	char number[CONFERENCE_NUMBER_MAX]; /* that is called; "": none */
	uint16_t host;                      /* member; MEMBER_NOBODY: none */
	uint16_t last;                      /* the number that was given last */
	bool locked;                        /* no uninvited user may join */
	uint16_t max_members;
	uint8_t talkers; /* voices mixed at once; 0: the mixer's default; CONFERENCE_TALKERS_ALL */
	struct room_pending comes[ROOM_COMES_MAX];
	uint8_t pending_count;
	struct room_parts parts;
	bool made; /* a conference of calls by a factory, made by its first caller */
	char name[MEMBER_NAMED_MAX]; /* its only name for callers (conf_name_make); "": its id */
	struct text invited; /* ... users who may call that: "1001 1002 ", the newest first */
	struct text unknown; /* of its record: what a later program wrote (base/schema.h) */
	/* of this process */
	struct room_member *first, *end;
	uint32_t count; /* those in it */
	uint32_t asking;
	uint64_t pending_ns, release_ns; /* 0: off */
	uint64_t pending_until_ns;       /* the first of those who come is waited for no longer */
	uint64_t pending_retry_ns;       /* its shard is asked for it again */
	uint32_t arrived;                /* the members from other shards, as in comes */
	struct room_roster roster;       /* of those who are told of (roster.h) */
	uint32_t told_count;             /* ... and count */
	uint64_t told_change;            /* that the watchers know of */
	uint16_t told_host;              /* ... as host */
	bool told_locked;
	uint64_t serial;   /* of what was asked to mix; 0: nothing is */
	struct job_id job; /* that mixes; generation 0: not yet */
	bool told;         /* others know that it is there */
	bool gathered;     /* two have been in it */
	bool shows;        /* a member has joined: others may have to send other video */
	bool awaits;       /* joining parties wait for the pending ones */
	uint8_t releases;  /* how often they were to be a call of two again */
	uint32_t rate_hz;  /* of the mix; 0: ROOM_RATE_HZ */
	bool waits_for_host, ends_with_host; /* as its document says */
	bool hosted;                         /* a host has been there */
};

/* The next free number; MEMBER_NOBODY: all are used. */
uint16_t room_number_next(const struct room *r);
/* Takes its place in the list by its number, or last if it is asking. Its number is assigned
 * already, or it is asking. */
void room_enter(struct room *r, struct room_member *m);
void room_leave(struct room *r, struct room_member *m);
/* Out of the list alone: it enters again at once, and is told of as before. */
void room_step_out(struct room *r, struct room_member *m);
struct room_member *room_number_of(const struct room *r, uint16_t number);
/* The room has had more members than the two of the call that it would become again. A room made by
 * a factory begins with fewer than two. */
static inline bool room_has_grown(const struct room *r)
{
	return !r->made || r->last > 2;
}
/* It has no members, nor any to come. */
bool room_is_empty(const struct room *r);
/* Its owner, or the member that was made host, is there. */
bool room_has_initiator(const struct room *r);
/* `more` would be too many; with those who ask. */
bool room_is_full(const struct room *r, uint32_t more);
/* So many are there, or ask; 0: does not matter. */
bool room_has_most(const struct room *r, uint16_t most);
/* The next host when the present one has left (BEAT-08): the longest member of those heard by all,
 * else of all. Returns MEMBER_NOBODY if empty. */
uint16_t room_successor(const struct room *r);
/* A member has joined, or is about to leave: adds its tone or name, and its attendance. from: the
 * user; "": not shown. */
void room_member_on_join(struct room *r, const struct room_member *m, struct bytes from,
			 uint64_t utc_ms);
void room_member_on_leave(struct room *r, const struct room_member *m, uint64_t utc_ms);

/* A user may join by himself: he was rung, or is or was a member; off: no longer. Without memory he
 * may not. */
void room_invite(struct room *r, struct bytes user, bool on);
bool room_is_invited(const struct room *r, struct bytes user);

/* What a member may do to another one. */
enum room_deed { ROOM_DROP, ROOM_CHANGE, ROOM_RULE };
/* Only the host drops members (CONF-07) and rules: locks, ends, hands over. The inviter of a member
 * may drop and change it (CONF-11), and each member itself. to: NULL for ROOM_RULE. */
bool room_may(const struct room *r, const struct room_member *by, enum room_deed deed,
	      const struct room_member *to);

/* The user part of a conference URI (RFC 4579 4.2): its number, or without one a name of its own,
 * or one with its id. */

enum { ROOM_USER_MAX = CONF_NAME_MAX };

/* The user of its URI; in space, or of the room. */
struct bytes room_name(const struct room *r, uint8_t space[ROOM_USER_MAX]);
/* The name under which calls to it are shown to others: not a secret one that admits. */
struct bytes room_shown(const struct room *r, uint8_t space[ROOM_USER_MAX]);
/* What it is called by, as a member knows it. */
struct bytes room_member_names(const struct room_member *m, uint8_t space[ROOM_USER_MAX]);

/* ---- what a member asks the focus for, by REFER (sig/pbx/focus.h), of its room ---- */

struct room;
struct room_terms;
struct call_refusal;

struct focus_addition {
	struct room *room;
	uint64_t call;     /* the call of the party that asks */
	uint16_t inviter;  /* its number */
	uint32_t refer;    /* CSeq of its REFER, which names what it asked for; */
	bool notify;       /* what becomes of it is told there */
	struct bytes to;   /* the extension to ring; empty: */
	uint64_t comes;    /* the call of the joining party, and */
	uint8_t leaves;    /* enum shard_leg: the leg released; or, for a call on a remote shard: */
	uint8_t dialog;    /* as room_pending has it, */
	struct bytes user; /* the user of that dialog */
	struct call_refusal *refusal; /* out, where it is refused */
	uint64_t stead; /* for a call of this shard: the member that its party replaces; 0: none */
};

/*
 * The rooms of a shard (sig/host/host.h). A room that is returned is the shard's: it may be
 * changed until the next event, and changed() says so.
 */
struct room_service {
	/* The room of that id. Returns NULL if not found. */
	struct room *(*find)(void *owner, uint64_t room);
	/* The room that one dials, watches or names by that. Returns NULL if not found. */
	struct room *(*find_named)(void *owner, uint16_t tenant, struct bytes user);
	/* The room of that number, created if missing. Returns NULL if there are too many. */
	struct room *(*open)(void *owner, const struct room_terms *terms);
	/* Begins a conference of calls for the caller of a factory. As open. */
	struct room *(*create)(void *owner, uint16_t tenant);
	/* Begins a room that the parties of a call join; the leg's is host. *out is it where 0 is
	 * returned. */
	enum refusal (*of_call)(void *owner, uint64_t call, uint8_t leg, struct room **out);
	/* The conference of that number or name, for watchers. False: not of this shard. */
	bool (*seen)(void *owner, uint16_t tenant, struct bytes user, struct conference_view *out);
	/* The other shard of the node that has a room of that number; 0: none. */
	uint16_t (*shard_of)(void *owner, uint16_t tenant, struct bytes number);
	/* Carries out the request of a party to the focus of a conference. */
	enum refusal (*add_party)(void *owner, const struct focus_addition *ask);
	/* Its members have changed, or (record) its record: it is looked at behind this step. */
	void (*changed)(void *owner, struct room *room, bool record);
};

#endif
