/* SPDX-License-Identifier: Apache-2.0 */
/* "Saved before sent" for one call: what waits for which version of its record. One save is in
 * flight; changes meanwhile go into one newer save. Pure value; the call carries out what comes due
 * (sig/step/call_step.c). */
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
	/* ACK to its refusal: until then the party repeats that, to a successor, too */
	OUTBOX_REFUSED,
	OUTBOX_LATE,  /* ACK to the 2xx of a leg that is not needed any more, and BYE */
	OUTBOX_FORK,  /* the same of a further fork of the leg; line: which */
	OUTBOX_RELAY, /* an INFO that came after the INVITE for the same leg, or a NOTIFY of ours */
	OUTBOX_RESERVE, /* SRTP indexes up to a limit may be used */
	OUTBOX_FLIGHT,  /* what lets the party of a flow finish its handshake may leave */
	/* our 200 to an UPDATE with an offer: a successor must give the same answer; line: before
	 * its INVITE is answered */
	OUTBOX_UPDATE,
	OUTBOX_PROVISIONAL, /* our reliable provisional response */
	OUTBOX_PRACK,       /* ours to that of a leg */
	OUTBOX_PRACKED,     /* our 200 to a PRACK, which ends its retransmission; line: with SDP */
	/* a step that rings no phone begins: its waiting parties are told, and the module in charge
	 * is asked */
	OUTBOX_WAIT,
	OUTBOX_ORDER,   /* the answer to an order: what was done is not undone by a kill */
	OUTBOX_REFUSAL, /* our refusal of the INVITE that began the leg */
	/* our 2xx to a BYE or REFER, which ends its retransmission; our 100 to an INVITE */
	OUTBOX_RESPONSE,
};

struct outbox_item {
	enum outbox_kind kind;
	uint64_t gate; /* goes when this version is saved */
	uint8_t leg;
	uint8_t line;        /* RESERVE, FLIGHT: with leg, the flow */
	uint8_t association; /* FLIGHT */
	uint16_t status;     /* RESPONSE, and */
	/* RESPONSE: the random part of our tag if the request created a dialog; 0: it was in that
	 * of the leg, and ... */
	uint64_t tag;
	const char *lines; /* ... constant further header lines; NULL: none */
	/* RELAY, REFUSED: client transaction; UPDATE, PRACKED, RESPONSE: server transaction; ORDER:
	 * ticket */
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
	bool hurried;       /* ... and a waiter needs it; */
	bool lazy;          /* ... or it is worth a save only if it lasts */
};

/* The state changed: it becomes a new version. */
void outbox_touch(struct outbox *o);
/* The same for a change that no party waits for: the next save, within some ms, includes it. */
void outbox_touch_later(struct outbox *o);
/* The same, where a successor that does not know it yet loses nothing for half a second. */
void outbox_touch_lazily(struct outbox *o);
/* Waits for the present version. Returns false if full or without memory (the caller goes on
 * without waiting). */
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
/* Returns false if it is not the save in flight (late). saved false: releases all the same, as a
 * slow store must not stop a call. */
bool outbox_save_done(struct outbox *o, uint64_t version, bool saved);

#endif
