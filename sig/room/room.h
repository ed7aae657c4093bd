/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A room: a conference of one shard (FEATURES CONF-01). It is a small value with a record of its own; who is in it is said by the records
 * of its members' calls (room_member.h). So either may be read first by whoever goes on with the shard. Here are the rules that need no call:
 * numbers, who is host, who may do what. Pure.
 */
#ifndef SIG_ROOM_ROOM_H
#define SIG_ROOM_ROOM_H

#include "base/pool.h"
#include "base/text.h"
#include "base/wheel.h"
#include "media/job.h"
#include "sig/host/asked.h"
#include "sig/room/room_member.h"
#include "sig/room/room_parts.h"

enum {
	CONFERENCE_MEMBERS_MAX = 2000,
	CONFERENCE_TALKERS_MAX = 8,
	CONFERENCE_TALKERS_ALL = MEDIA_ROOM_TALKERS_ALL,
	ROOM_COMES_MAX = 2,
	ROOM_COMES_USER_MAX = 64, /* with its NUL */
	ROOM_INVITED_USER_MAX = 255,
	ROOM_INVITED_MAX = 2048, /* octets of all their names */
	ROOM_ORDERS_MAX = 8,
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

/* Whose its number is among all shards, where others may have a conference of it (sig/shard/shard_room_claim.c). From OWN on it is open. */
enum room_claim {
	ROOM_UNCLAIMED,
	ROOM_ASKED, /* the store is */
	ROOM_OWN,   /* it is the only one; also where nobody else may have one */
	ROOM_APART, /* that is not known, and others may be elsewhere */
};

/* A call whose parties are to become members, when its record may change. */
struct room_comes {
	uint64_t call;
	uint8_t host;   /* enum shard_leg: whose party is host; NONE: none of it */
	uint8_t leaves; /* enum shard_leg: whose party is here already, and is left; NONE: nobody */
	/* Of a call of another shard, which sends its parties: */
	char user[ROOM_COMES_USER_MAX]; /* who is here already, and leaves that one; "": nobody */
	uint8_t dialog; /* leg and 1 of a tag of that call, which must be his; 0: he may not be in it */
	/* The call whose party is told what becomes of it, or, of a call of this shard, whose place is taken; 0: none. */
	uint64_t referrer;
	uint32_t refer; /* CSeq of its REFER */
};

/* Who waits for a save. */
struct room_order {
	uint64_t ticket, version;
};

struct room {
	uint64_t id;
	pool_handle self;
	uint16_t tenant;
	uint8_t kind;                       /* enum room_kind */
	char number[CONFERENCE_NUMBER_MAX]; /* that is called; "": none */
	uint16_t host;                      /* member; MEMBER_NOBODY: none */
	uint16_t last;                      /* the number that was given last */
	bool locked;                        /* nobody comes by himself */
	uint16_t max_members;
	uint8_t talkers; /* heard at once; 0: as the mixer has it; CONFERENCE_TALKERS_ALL */
	uint64_t created_utc_ms;
	struct room_comes comes[ROOM_COMES_MAX];
	uint8_t comes_count;
	struct room_parts parts;
	bool made; /* of calls, by a factory: whoever called that was the first */
	char name
		[MEMBER_NAMED_MAX]; /* ... by which it is called alone (conf_name_make); "": by its id */
	struct text invited; /* ... users who may call that: "1001 1002 ", the newest first */
	uint64_t follows; /* the conference of another shard where all who are in it go; 0: none */
	struct text unknown; /* of its record: what a later program wrote (sig/record/unknown.h) */
	/* of this process */
	struct room_member *first, *end;
	uint32_t count; /* those in it */
	uint32_t asking;
	uint64_t version, acked; /* of its record */
	uint64_t saving;         /* the save that is not answered yet; 0: none */
	uint64_t save_ns, go_ns, comes_ns, release_ns; /* 0: off */
	uint64_t comes_until_ns; /* the first of those who come is waited for no longer */
	uint64_t comes_ask_ns;   /* its shard is asked for it again */
	uint8_t claim;           /* enum room_claim */
	uint64_t claim_serial;   /* of what the store was asked; 0: nothing */
	uint32_t arrived;        /* who came from another shard, as comes has it */
	uint64_t follow_ns, follow_until_ns; /* when they go; 0: off */
	uint32_t follow_again_ms;
	uint16_t follow_after; /* the member that was sent last */
	uint64_t claim_ns;     /* it is asked again, or waited for no longer; 0: off */
	struct room_order orders[ROOM_ORDERS_MAX];
	uint8_t order_count;
	struct room_roster roster; /* of those who are told of (room_told.h) */
	uint32_t told_count;       /* ... and count */
	uint64_t told_change;      /* those who watch know of */
	uint16_t told_host;        /* ... as host */
	bool told_locked;
	uint64_t serial;   /* of what was asked to mix; 0: nothing is */
	struct job_id job; /* that mixes; generation 0: not yet */
	bool told;         /* others know that it is there */
	bool gathered;     /* two have been in it */
	bool shows;        /* somebody has come: others may have to send other video */
	bool awaits;       /* those who come wait for who asks */
	uint8_t releases;  /* how often they were to be a call of two again */
	uint32_t rate_hz;  /* of the mix; 0: ROOM_RATE_HZ */
	bool waits_for_host, ends_with_host; /* as its document says */
	bool hosted;                         /* a host has been there */
	struct wheel_timer timer;
};

/* The next number, which nobody has; MEMBER_NOBODY: all are given. */
uint16_t room_number_next(const struct room *r);
/* It takes its place in the list by its number, or behind all when it asks. Its number is given already, or it asks. */
void room_enter(struct room *r, struct room_member *m);
void room_leave(struct room *r, struct room_member *m);
/* Out of the list alone: it enters again at once, and is told of as before. */
void room_step_out(struct room *r, struct room_member *m);
struct room_member *room_number_of(const struct room *r, uint16_t number);
/* Who calls it may come in. */
static inline bool room_is_open(const struct room *r)
{
	return r->kind == ROOM_STATION || r->claim >= ROOM_OWN;
}
/* More than the two have been in it whose call a conference of calls becomes again. One that a factory made begins with less than two. */
static inline bool room_has_grown(const struct room *r)
{
	return !r->made || r->last > 2;
}
/* Nobody is there, or will be. */
bool room_is_empty(const struct room *r);
/* Whose conference it was, or who was made its host, is there. */
bool room_has_initiator(const struct room *r);
/* `more` would be too many; with those who ask. */
bool room_is_full(const struct room *r, uint32_t more);
/* Whose turn it is to be host when that one has left (BEAT-08): who is there for longest of those who are heard by all, else of all.
 * MEMBER_NOBODY: nobody is there. */
uint16_t room_successor(const struct room *r);
/* A member has come, or is about to leave: what of that is heard, and known to who records. from: who it is; "": it is not told. */
void room_member_came(struct room *r, const struct room_member *m, struct bytes from,
		      uint64_t utc_ms);
void room_member_goes(struct room *r, const struct room_member *m, uint64_t utc_ms);

/* A user may come by himself: he was rung for it, or is or was in it; off: no longer. Without memory he may not. */
void room_invite(struct room *r, struct bytes user, bool on);
bool room_is_invited(const struct room *r, struct bytes user);

/* What a member may do to another one. */
enum room_deed { ROOM_DROP, ROOM_CHANGE, ROOM_RULE };
/* Only the host drops (CONF-07), and rules: locks, ends, hands on. Whoever brought a member may drop and change it (CONF-11), and each
 * himself. to: of ROOM_RULE NULL. */
bool room_may(const struct room *r, const struct room_member *by, enum room_deed deed,
	      const struct room_member *to);

#endif
