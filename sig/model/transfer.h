/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One party of an established call transfers the other to a target (RFC 5589, by a B2BUA: the REFER
 * ends here). The transferee becomes the caller of the branches that ring then, as if it had called
 * itself. The transferor's leg stays outside the bridge, gets NOTIFYs with the result (RFC 3515),
 * is released on an answer, and gets its party back without one. A caller that is alone with the
 * node has no transferor: without an answer it is alone again.
 *
 *   TRANSFER_WAITING -> TRANSFER_RINGING -> TRANSFER_DONE -> gone
 *   an INVITE is open    |  nobody answers: the call is as before
 *                        TRANSFER_FAILED -> gone
 *
 * The last NOTIFY is stored until it is answered: a successor repeats it.
 */
#ifndef SIG_MODEL_TRANSFER_H
#define SIG_MODEL_TRANSFER_H

#include "sig/model/call.h"
#include "sig/model/park.h"

/* Until call.meet_ns: the other leg may be asked, too, and say nothing for 32 s. */
enum { MEET_MS = 35000 };
enum transfer_met { MET_GIVEN = 1, MET_MOVES = 2 };
enum transfer_state { TRANSFER_WAITING, TRANSFER_RINGING, TRANSFER_DONE, TRANSFER_FAILED };

/* A leg of another call, which comes here. */
struct transfer_with {
	uint64_t call; /* 0: none */
	uint8_t leg;   /* LEG_NONE: the peer of peer */
	uint8_t peer;  /* its peer until then, which is released; LEG_NONE: it has no peer */
};

/* A leg of a call of another shard: that one puts a way to here in its place (docs/adr/0009). */
struct transfer_remote {
	uint16_t shard; /* 0: none */
	bool joins;     /* the leg has no peer: none is replaced there (RFC 3911) */
	bool confers;   /* it goes into a conference there (sig/pbx/conference.h) */
	/* its dialog, as Replaces and Join name it; or the name in the conference */
	struct text replaces;
	/* the user with the right to replace it, as Referred-By; "": an operator */
	struct text referrer;
};

/* A slot where who is given waits (sig/pbx/park.h). */
struct transfer_slot {
	char number[PARK_SLOT_LEN + 1]; /* "": none */
	char last[PARK_SLOT_LEN + 1];   /* the last slot to try from number on; "": number alone */
	uint64_t order;  /* id of the command; 0: none. What follows is of this process: */
	uint64_t ticket; /* the order that waits for its answer; 0: none */
	uint64_t serial; /* of the claim; 0: it was not claimed yet */
	uint64_t owner;  /* the call that has it; 0: none that is known */
	bool claimed;    /* this one has, */
	bool called;     /* the phone that parks holds, and was asked to resume (Event: talk) */
	bool spoken;     /* the slot is or was announced to the parking user */
};

/* What a party is in the room that it is given to, by the word of its flow. */
enum { ENTERS_ADMITTED = 1, ENTERS_MUTED = 2, ENTERS_HOST = 4, ENTERS_BEEPS = 8 };

struct transfer {
	enum transfer_state state;
	uint8_t leg;          /* of the transferor; LEG_NONE: none */
	uint8_t given;        /* the party given away */
	bool ordered;         /* by command */
	bool replaced;        /* the transferor is replaced by the joining party (RFC 3891) */
	bool unattended;      /* target's application is gone: as target for unanswered calls */
	uint32_t ring_s;      /* as of the call, which has it while it rings */
	uint32_t away_s;      /* of the call, while another application may have it */
	uint32_t asked;       /* CSeq of its REFER */
	uint32_t refer;       /* the same, for NOTIFY; 0: no NOTIFYs */
	uint8_t enters;       /* ENTERS_ADMITTED: no PIN is asked; and so on */
	uint16_t enters_most; /* the limit of members at that time; 0: the room's */
	uint16_t status;      /* FAILED: why */
	/* the dialog created by its REFER, which gets the NOTIFYs; NULL: it came in the
	 * transferor's dialog */
	struct dialog *outside;
	uint64_t last;                 /* transaction of the last NOTIFY; 0: none */
	struct text target;            /* user who is to ring; "": it is */
	struct text gruu;              /* which of his phones (gruu_name); empty: all */
	struct transfer_with with;     /* the joining party */
	struct transfer_remote remote; /* or where who comes is asked for */
	struct transfer_slot slot;     /* or where it waits to be retrieved */
	/* of the two, the leg that was offered the other's codecs; enum transfer_met */
	uint8_t met;
	uint64_t again_ns;       /* that call is busy: it is tried again; 0: not waiting for that */
	struct bridge other;     /* of RINGS on: the pair that was given up, */
	struct text from, to;    /* what the call had as theirs, and */
	struct text application; /* which had the caller, where it was alone */
};

void transfer_clear(struct transfer **t);

/* The party of that pair that the transferor gives away. */
static inline uint8_t transfer_given(const struct bridge *pair, uint8_t leg)
{
	return leg == pair->caller ? pair->callee : pair->caller;
}
/* The pair that was before is given up. */
static inline bool transfer_has_begun(const struct transfer *t)
{
	return t->state == TRANSFER_RINGING || t->state == TRANSFER_DONE;
}
/* The leg is the transferor's, outside the bridge. */
static inline bool transfer_is_of_transferor(const struct call *c, uint8_t leg)
{
	return c->transfer && c->transfer->leg == leg && transfer_has_begun(c->transfer);
}
/* The dialog that the REFER of that leg's party made outside of it; NULL: none. */
static inline struct dialog *transfer_outside(const struct call *c, uint8_t leg)
{
	return c->transfer && c->transfer->leg == leg ? c->transfer->outside : NULL;
}
/* The caller is established already, and its INVITE is not open: it was called by command, or is
 * transferred. */
static inline bool call_caller_is_up(const struct call *c)
{
	return call_caller(c)->outbound || (c->transfer && transfer_has_begun(c->transfer));
}

#endif
