/* SPDX-License-Identifier: Apache-2.0 */
/* What calls are asked by commands, and told of what they asked for. */
#ifndef SIG_HOST_ASKED_H
#define SIG_HOST_ASKED_H

#include "media/job.h"
#include "sig/lookup/lookup.h"

enum call_state {
	CALL_SETUP, /* INVITE came, being saved or sent */
	CALL_RINGING,
	CALL_ANSWERING, /* B answered; being saved, or A's ACK is awaited */
	CALL_ESTABLISHED,
	CALL_ENDING, /* BYE or CANCEL under way */
};
const char *call_state_name(enum call_state state);

/* Who gives an order. 0 says that it was carried out, and EFFECT_ORDERED follows when that is saved: maybe at once, for certain. With any
 * other answer nothing was done and nothing follows. NULL: nobody waits, and the call does not remember the order. */
struct shard_order {
	uint64_t
		id; /* the same one again is the same order: it is answered again, and nothing is done. id_order; of a call's last ORDERS_KEPT */
	uint64_t ticket; /* of the effect */
};
/* One of the two parties of a call, or none named. */
enum shard_leg { SHARD_LEG_NONE, SHARD_LEG_CALLER, SHARD_LEG_CALLEE };

/* Of an EFFECT_PLAY. */
enum prompt_news_kind { PROMPT_NEWS_OPEN, PROMPT_NEWS_ENDED, PROMPT_NEWS_FAILED };
struct prompt_news {
	enum prompt_news_kind kind;
	uint64_t serial;
	struct job_id job; /* OPEN */
	enum media_codec codec;
	const char *why; /* FAILED: a constant phrase, or NULL */
};
/* Of a message that is recorded. QUIET: nothing was said for as long as it may be silent. */
enum record_news_kind { RECORD_NEWS_GROWN, RECORD_NEWS_QUIET, RECORD_NEWS_ENDED };
struct record_news {
	enum record_news_kind kind;
	uint8_t number;
	uint32_t ms; /* GROWN, ENDED: how long it is, of this process alone */
};
/* Of an EFFECT_MEDIA_STREAM. STARTED: the application is connected, once more where it was before; ENDED: it has said so. */
enum media_stream_news_kind { MEDIA_STREAM_STARTED, MEDIA_STREAM_ENDED, MEDIA_STREAM_FAILED };
struct media_stream_news {
	enum media_stream_news_kind kind;
	uint64_t serial;
	const char *reason; /* FAILED: constant */
};
/* Of an EFFECT_SET. REFUSED: the document would not be a good one; FAILED: it is not known to be saved. */
enum set_state { SET_NONE, SET_ASKED, SET_DONE, SET_REFUSED, SET_FAILED, SET_STATES };
struct set_news {
	enum set_state state;
	uint64_t serial;
};
/* A call that rings, and is to be taken. */
struct pick_news {
	uint64_t call;    /* 0: none, and: */
	bool may;         /* he may take calls there, were there any: perhaps of another node */
	uint16_t status;  /* what the phone hears */
	const char *text; /* and why; constant */
};

/* What a user of ours has of calls beside the one that asks, in all shards. */
struct engaged {
	bool calls;    /* one at least, also one that rings, or that it makes */
	bool talks;    /* ... whose party its phone does not hold */
	uint8_t waits; /* calls that wait for it (sig/call/call_waiting.h) */
	bool behind;   /* one of those called before */
	bool unsure;   /* another node was not asked yet */
};

/* Where a call is to be parked: in that slot, or where that is taken in the next one up to last ("": in no other). */
enum { PARK_PLACE_LEN = 9 };
struct park_place {
	char slot[PARK_PLACE_LEN], last[PARK_PLACE_LEN];
};
/* Slots where calls are parked, which all shards share. FREE: where it is the call's, and nobody waits for an answer. */
/* ROOM: the number of a room in place of a slot, and the conference that goes on there in place of a call (sig/shard/shard_room_claim.c). */
enum park_act { PARK_CLAIM, PARK_FREE, PARK_LOOK, PARK_ROOM_CLAIM, PARK_ROOM_FREE };
/* TAKEN: by another call; FULL: the tenant may have no more; EMPTY: nobody is there; UNKNOWN: the store did not say. */
enum park_on_result { PARK_OK, PARK_TAKEN, PARK_FULL, PARK_EMPTY, PARK_UNKNOWN };
struct park_news {
	uint64_t serial;
	enum park_on_result told;
	uint64_t owner;     /* OK, TAKEN: the call that is there; 0: none */
	struct bytes entry; /* ... and what it has put there */
};
/* Of an EFFECT_LOOKUP. Never LOOKUP_ASK. */
struct lookup_news {
	uint64_t serial;
	enum lookup_state state;
	uint32_t count;
	struct lookup_target targets[LOOKUP_TARGETS_MAX]; /* DONE */
};

#endif
