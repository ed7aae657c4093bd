/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One party of an established call gives the other one to somebody else (RFC 5589, as a B2BUA does it: the REFER ends here). The other one
 * becomes the caller of what rings then, as if it had called by itself. Who gives it, the transferor, stays beside the two, hears by NOTIFY
 * what becomes of it (RFC 3515), leaves when somebody has answered, and gets its party back where nobody does.
 *
 *   TRANSFER_WAITS -> TRANSFER_RINGS -> TRANSFER_DONE -> gone
 *   an INVITE is open    |  nobody answers: the call is as before
 *                        TRANSFER_FAILED -> gone
 *
 * The last NOTIFY is kept until it has an answer: a successor says it again.
 */
#ifndef SIG_CALL_TRANSFER_H
#define SIG_CALL_TRANSFER_H

#include "sig/call/call.h"

struct call_ending;

enum transfer_state { TRANSFER_WAITS, TRANSFER_RINGS, TRANSFER_DONE, TRANSFER_FAILED };

struct transfer {
	enum transfer_state state;
	uint8_t leg;          /* of the transferor */
	uint32_t asked;       /* CSeq of its REFER */
	uint32_t refer;       /* the same, which NOTIFY names; 0: nobody is notified */
	uint16_t status;      /* FAILED: why */
	uint64_t last;        /* transaction of the last NOTIFY; 0: none */
	struct text target;   /* user who is to ring; "": */
	uint64_t with;        /* ... another call, whose party of */
	uint8_t with_leg;     /* this leg is the transferor, too: its other one is spoken with */
	uint64_t again_ns;    /* that call is busy: it is tried again; 0: not waiting for that */
	struct bridge other;  /* of RINGS on: the pair of the transferor and its party, and */
	struct text from, to; /* what the call had as theirs */
};

void transfer_clear(struct transfer **t);
/* The leg's party gives the other one to that user of ours by the REFER of that CSeq. It begins when no INVITE is open (transfer_go). 0,
 * -EALREADY (one is under way), -ENOTCONN (the call is not established), -ENOMEM. */
int transfer_begin(struct call *c, uint8_t leg, struct bytes user, uint32_t cseq,
		   bool notify) NODISCARD;
/* ... to whom its party speaks with in another call, which becomes one with this (RFC 3891, RFC 5589 7). */
int transfer_begin_with(struct call *c, uint8_t leg, uint64_t call, uint8_t call_leg, uint32_t cseq,
			bool notify) NODISCARD;
/* When transfer_go wants to be called; 0: it does not. */
uint64_t transfer_due_ns(const struct call *c);
/* That REFER was accepted. */
bool transfer_is_of(const struct call *c, uint8_t leg, uint32_t cseq);
/* After each step of the call. */
void transfer_go(struct call_host *h, struct call *c);
/* Nobody took the call: false where there was nobody to get its party back, and the call is to end. */
bool transfer_failed(struct call_host *h, struct call *c, const struct call_ending *e);
/* The two speak with each other. */
void transfer_joined(struct call_host *h, struct call *c);
/* An answer to our NOTIFY, or none came. */
void transfer_notified(struct call_host *h, struct call *c, const struct call_event *ev);
/* The transferor hung up. */
void transfer_left(struct call *c, uint8_t leg);
/* The call ends. */
void transfer_over(struct call_host *h, struct call *c);
void transfer_resume(struct call_host *h, struct call *c);
/* Header lines of an INVITE: who gave the caller to whom is rung (RFC 3892). */
void transfer_write_lines(struct writer *w, const struct call_host *h, const struct call *c,
			  uint8_t leg);

/* The leg is the transferor's, beside the two that hear each other. */
static inline bool transfer_is_beside(const struct call *c, uint8_t leg)
{
	return c->transfer && c->transfer->leg == leg &&
	       (c->transfer->state == TRANSFER_RINGS || c->transfer->state == TRANSFER_DONE);
}
/* The caller is up already, and nobody waits for an answer to its INVITE: it was called by command, or is transferred. */
static inline bool call_caller_is_up(const struct call *c)
{
	return call_caller(c)->called || transfer_is_beside(c, c->transfer ? c->transfer->leg : 0);
}

#endif
