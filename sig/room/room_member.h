/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call that is in a room: what the room knows of it. It is part of the call's record, and never of the room's: so a room of 2,000 is
 * 2,000 small records, and whoever joins or is muted changes one of them.
 */
#ifndef SIG_ROOM_ROOM_MEMBER_H
#define SIG_ROOM_ROOM_MEMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "sig/room/room_told.h"

enum {
	MEMBER_NOBODY = 0,
	MEMBER_NUMBER_MAX = UINT16_MAX,
	MEMBER_GAIN_DB_MAX = 15,
	CONFERENCE_NUMBER_MAX = 32, /* of a room, with its NUL */
	MEMBER_NAMED_MAX = 32,      /* of a room's name, with its NUL */
};

struct room_member {
	uint64_t room;    /* id */
	uint64_t call;    /* whose it is */
	uint16_t number;  /* in the room, each once; MEMBER_NOBODY: it asks */
	uint16_t inviter; /* the member that brought it; MEMBER_NOBODY: it came by itself */
	uint16_t coaches; /* the member that alone hears it; MEMBER_NOBODY: all do */
	int8_t gain_db;   /* how loud others hear it */
	bool muted;       /* nobody hears it */
	bool deaf;        /* it hears nobody */
	bool held;        /* by command: it hears music, and nobody hears it */
	bool monitors; /* it listens to two that speak, or coaches: where they are gone so is it (MON-04) */
	bool asks;     /* it is to come: its phone rings, or has not said its PIN */
	bool hosts;    /* it is a host, by its PIN, or will be */
	bool admitted; /* it comes from a conference of another shard, and is asked for no PIN */
	bool made;     /* the room is one that a factory made, should its record be lost */
	bool naming;   /* ... it has said its PIN, and is asked for its name */
	uint8_t tries; /* ... wrong PINs so far */
	uint8_t name;  /* number of the recording of its call that is its name; 0: none */
	uint64_t
		referrer; /* the call whose party asked for it by REFER, and is told what becomes of it; 0: nobody */
	uint32_t refer; /* ... with this CSeq */
	uint32_t taken; /* CSeq of the last REFER of its own party that was taken; 0: none was */
	uint64_t joined_utc_ms;
	char number_called
		[CONFERENCE_NUMBER_MAX]; /* of the room, should its record be lost; "": none */
	char named
		[MEMBER_NAMED_MAX]; /* likewise: what nobody can guess; "": it is called by its id */
	uint16_t
		shown; /* to what others see it was last to be asked again (sig/call/pictures.h); 0: never. Of this process, as those */
	bool waits;    /* it hears music until a host is there; of this process, too */
	struct room_told told;
	struct room_member *next,
		*prev; /* in the order of their numbers; who asks stands behind. Of this process */
};

/* 0 or -ENOMEM. */
int room_member_make(struct room_member **out, uint64_t room, uint64_t call) NODISCARD;
void room_member_clear(struct room_member **member); /* it is in no list any more */

#endif
