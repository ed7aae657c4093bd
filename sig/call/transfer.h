/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One party of an established call gives the other one to somebody else (RFC 5589, as a B2BUA does it: the REFER ends here). The other one
 * becomes the caller of what rings then, as if it had called by itself. Who gives it, the transferor, stays beside the two, hears by NOTIFY
 * what becomes of it (RFC 3515), leaves when somebody has answered, and gets its party back where nobody does. A caller that is alone
 * with the node has no transferor: it is alone again where nobody answers.
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
#include "sig/call/feature.h"

enum transfer_state { TRANSFER_WAITS, TRANSFER_RINGS, TRANSFER_DONE, TRANSFER_FAILED };

/* A leg of another call, which comes here. */
struct transfer_with {
	uint64_t call; /* 0: none */
	uint8_t leg;   /* LEG_NONE: whoever speaks with peer */
	uint8_t peer; /* whom it speaks with until then, and who is left; LEG_NONE: nobody, it is alone with the node */
};

/* Who wants it. */
struct transfer_ask {
	uint8_t leg; /* of the transferor; LEG_NONE: nobody, and the caller, who is alone with the node, is given away */
	bool ordered;  /* by command, and not by REFER: */
	bool replaced; /* by who takes its place (replace.h) */
	uint32_t cseq; /* of that */
	bool notify;
};

struct transfer {
	enum transfer_state state;
	uint8_t leg;     /* of the transferor; LEG_NONE: none */
	uint8_t given;   /* whom it gives away */
	bool ordered;    /* by command */
	bool replaced;   /* the transferor is replaced by who comes (RFC 3891) */
	uint32_t asked;  /* CSeq of its REFER */
	uint32_t refer;  /* the same, which NOTIFY names; 0: nobody is notified */
	uint16_t status; /* FAILED: why */
	struct dialog *
		outside; /* which its REFER made, whose party is notified there; NULL: it came in the dialog of the transferor */
	uint64_t last;   /* transaction of the last NOTIFY; 0: none */
	struct text target;        /* user who is to ring; "": it is */
	struct transfer_with with; /* who comes */
	uint64_t again_ns;       /* that call is busy: it is tried again; 0: not waiting for that */
	struct bridge other;     /* of RINGS on: the pair that was given up, */
	struct text from, to;    /* what the call had as theirs, and */
	struct text application; /* which had the caller, where it was alone */
};

extern const struct call_feature transfer_feature;

void transfer_clear(struct transfer **t);
/* Its user may give parties away by REFER (CALL-27). */
bool transfer_is_allowed(const struct call_host *h, const struct leg *l);
/* To that user of ours. It begins when no INVITE is open. 0, -EALREADY (one is under way), -ENOTCONN (the call is not
 * established), -ENOMEM. */
int transfer_begin(struct call *c, const struct transfer_ask *ask, struct bytes user) NODISCARD;
/* To somebody in another call, which becomes one with this (RFC 3891, RFC 5589 7). */
int transfer_begin_with(struct call *c, const struct transfer_ask *ask,
			const struct transfer_with *with) NODISCARD;
/* That REFER was accepted. */
bool transfer_is_of(const struct call *c, uint8_t leg, uint32_t cseq);
/* An answer to our NOTIFY, or none came. */
void transfer_notified(struct call_host *h, struct call *c, const struct call_event *ev);

/* Whom the transferor gives away of that pair. */
static inline uint8_t transfer_given(const struct bridge *pair, uint8_t leg)
{
	return leg == pair->caller ? pair->callee : pair->caller;
}
/* The pair that was before is given up. */
static inline bool transfer_has_begun(const struct transfer *t)
{
	return t->state == TRANSFER_RINGS || t->state == TRANSFER_DONE;
}
/* The leg is the transferor's, beside the two that hear each other. */
static inline bool transfer_is_beside(const struct call *c, uint8_t leg)
{
	return c->transfer && c->transfer->leg == leg && transfer_has_begun(c->transfer);
}
/* The dialog that the REFER of that leg's party made outside of it; NULL: none. */
static inline struct dialog *transfer_outside(const struct call *c, uint8_t leg)
{
	return c->transfer && c->transfer->leg == leg ? c->transfer->outside : NULL;
}
/* The caller is up already, and nobody waits for an answer to its INVITE: it was called by command, or is transferred. */
static inline bool call_caller_is_up(const struct call *c)
{
	return call_caller(c)->called || (c->transfer && transfer_has_begun(c->transfer));
}

#endif
