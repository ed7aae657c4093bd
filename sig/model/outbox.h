/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "Saved before said" of one call: what waits for which version of its record. One save is in flight; what changes meanwhile goes
 * into one newer save. Pure value; the call carries out what comes due (sig/step/call_step.c).
 */
#ifndef SIG_MODEL_OUTBOX_H
#define SIG_MODEL_OUTBOX_H

#include "base/bytes.h"

enum {
	OUTBOX_ORDERS_MAX = 8,
	OUTBOX_MAX = 24 + OUTBOX_ORDERS_MAX
}; /* an INVITE for each leg, and what one leg may have besides */

enum outbox_kind {
	OUTBOX_INVITE, /* our INVITE to a leg leaves */
	OUTBOX_ANSWER, /* our 2xx to the open INVITE leaves */
	OUTBOX_ACK,    /* ACK to the 2xx of a leg */
	OUTBOX_REFUSED, /* ACK to its refusal: until then the party says it again, to the next process, too */
	OUTBOX_LATE,  /* ACK to the 2xx of a leg that nobody waits for any more, and BYE */
	OUTBOX_FORK,  /* the same of a further fork of the leg; line: which */
	OUTBOX_RELAY, /* an INFO that came after the INVITE for the same leg, or a NOTIFY of ours */
	OUTBOX_RESERVE, /* SRTP indexes up to a limit may be used */
	OUTBOX_FLIGHT,  /* what lets the party of a flow finish its handshake may leave */
	OUTBOX_UPDATE, /* our 200 to an UPDATE with an offer: who was answered is not answered otherwise by the next process; line: before its INVITE is */
	OUTBOX_PROVISIONAL, /* our reliable provisional response */
	OUTBOX_PRACK,       /* ours to that of a leg */
	OUTBOX_PRACKED, /* our 200 to a PRACK: who was answered never says it again; line: with SDP */
	OUTBOX_WAIT, /* a step that rings no phone begins: who waits there is told, and who is to do something is asked */
	OUTBOX_ORDER,    /* the answer to an order: what was done is not undone by a kill */
	OUTBOX_REFUSAL,  /* our refusal of the INVITE that began the leg */
	OUTBOX_RESPONSE, /* our 2xx to a BYE or REFER: who was told that it is over, or done, never says so again; our 100 to an INVITE */
};

struct outbox_item {
	enum outbox_kind kind;
	uint64_t gate; /* goes when this version is saved */
	uint8_t leg;
	uint8_t line;        /* RESERVE, FLIGHT: with leg, the flow */
	uint8_t association; /* FLIGHT */
	uint16_t status;     /* RESPONSE, and */
	/* RESPONSE: what is random in ours, where the request made a dialog; 0: it was in that of the leg, and ... */
	uint64_t tag;
	const char *lines; /* ... constant further header lines; NULL: none */
	/* RELAY, REFUSED: client transaction; UPDATE, PRACKED, RESPONSE: server transaction; ORDER: ticket */
	uint64_t txn;
	uint8_t early;        /* UPDATE, PRACKED: with tag, the early dialog (sig/leg/early.h) */
	uint32_t number;      /* ORDER */
	uint64_t srtp, srtcp; /* RESERVE: limits */
};

struct outbox {
	struct outbox_item *items; /* NULL while nothing waits */
	uint32_t count, room;
	uint64_t version;   /* of the state as it is now */
	uint64_t released;  /* what waits for this version or an older one may go */
	uint64_t acked;     /* known to be in the store */
	uint64_t in_flight; /* version being saved; 0: none */
	bool dirty;         /* version was not handed to the store yet, */
	bool hurried;       /* ... and somebody waits for it; */
	bool lazy;          /* ... or it is worth a save only if it lasts */
};

/* The state changed: it becomes a new version. */
void outbox_touch(struct outbox *o);
/* The same, where nobody hears of it sooner for an early save: the next one, within some ms, has it. */
void outbox_touch_later(struct outbox *o);
/* The same, where a successor that does not know it yet loses nothing for half a second. */
void outbox_touch_lazily(struct outbox *o);
/* Waits for the present version. False: full or out of memory (the caller goes on without waiting). */
bool outbox_push(struct outbox *o, const struct outbox_item *item) NODISCARD;
/* How many of a kind wait. */
uint32_t outbox_count(const struct outbox *o, enum outbox_kind kind);
/* One of the kind waits for that leg. */
bool outbox_has(const struct outbox *o, enum outbox_kind kind, uint8_t leg);
/* Takes back what waits for a leg. */
void outbox_forget(struct outbox *o, enum outbox_kind kind, uint8_t leg);
/* Takes out the first item that may go. */
bool outbox_pop(struct outbox *o, bool degraded, struct outbox_item *out);
/* Forgets everything that waits. */
void outbox_clear(struct outbox *o);

bool outbox_wants_save(const struct outbox *o);
void outbox_save_started(struct outbox *o);
/* False: not the save in flight (late). saved false: releases all the same, the store being slow must not stop a call. */
bool outbox_save_done(struct outbox *o, uint64_t version, bool saved);

#endif
