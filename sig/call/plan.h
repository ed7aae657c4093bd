/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom a call rings, one after the other. A step is a user of ours, all of whose phones ring at once. When none of them takes the call,
 * the next step is where that user's calls go then (FEATURES CALL-15 to CALL-19, CALL-21). The steps are in the call's record: nobody is
 * rung twice, and who is rung hears for whom (RFC 5806, RFC 7044).
 */
#ifndef SIG_CALL_PLAN_H
#define SIG_CALL_PLAN_H

#include "base/bytes.h"
#include "base/text.h"

struct call;
struct call_host;
struct call_refusal;
struct dialog_party;
struct refusal_kept;

/* Depth: how often a call is sent on by whom it was sent to. */
enum {
	PLAN_STEPS_MAX = 32,
	PLAN_DEPTH_MAX = 8,
	PLAN_FIRST = UINT8_MAX,
	PLAN_STEP_MAX_MS = 3600 * 1000
};

/* Why a step was reached. */
enum plan_why { PLAN_CALLED, PLAN_ALWAYS, PLAN_BUSY, PLAN_NO_ANSWER, PLAN_UNREACHABLE, PLAN_WHYS };

/* What a step sets in a document (set.h). */
struct plan_set {
	uint8_t state;   /* enum set_state */
	uint8_t feature; /* enum feature */
	struct text number;
};

struct plan_step {
	struct text user;
	struct text application; /* it waits for that one (wait.h); empty: phones ring */
	uint8_t why;             /* enum plan_why */
	uint8_t from;            /* the step whose user names it; PLAN_FIRST: who was called */
	struct plan_set set;
};

struct plan {
	struct plan_step *steps; /* the last one rings; NULL: none yet */
	uint8_t count;
	uint64_t until_ns; /* it rings no longer; 0: as long as any */
	uint64_t serial;   /* of this process: what was asked to be set */
};

void plan_clear(struct plan *plan);
/* The last step rings no phone: who calls is for the node. */
bool plan_rings_nobody(const struct plan *plan);
/* Somebody answered, or the call is over: no step follows. */
void plan_stop(struct call *c);
/* A step that is there already, as a record has it. from: an earlier one, or PLAN_FIRST. 0 or -ENOMEM. */
int plan_add(struct plan *plan, struct bytes user, enum plan_why why, uint8_t from) NODISCARD;
/* Rings the user for the caller, or whom its calls go to. from: as those are told who calls; remote_user is filled in. 0 or -errno with
 * *refusal: nobody rings. */
int plan_begin(struct call_host *h, struct call *c, struct bytes user,
	       const struct dialog_party *from, struct call_refusal *refusal) NODISCARD;
/* Nobody of the last step takes the call: who still rings is left, and the next step begins. False: there is none that rings, and all is as before. */
bool plan_next(struct call_host *h, struct call *c, enum plan_why why) NODISCARD;
/* What a refusal is to the one who was rung; PLAN_WHYS: no reason to try anybody else. */
enum plan_why plan_why_of(const struct refusal_kept *refusal);
/* Header lines of an INVITE of the last step: who was called before. */
void plan_write_lines(struct writer *w, const struct call_host *h, const struct call *c,
		      uint8_t leg);

#endif
