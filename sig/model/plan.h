/* SPDX-License-Identifier: Apache-2.0 */
/* The targets of a call, in the order in which they are tried. A step is a local user; all phones
 * of that user ring at once. If no phone answers, the next step is that user's forward (FEATURES
 * CALL-15 to CALL-19, CALL-21). Targets that a flow dials together are steps, too, one behind the
 * other, and ring at the same time. The steps are in the call's record: no user is rung twice, and
 * the target is told the history of the call (RFC 5806, RFC 7044). */
#ifndef SIG_MODEL_PLAN_H
#define SIG_MODEL_PLAN_H

#include "base/bytes.h"

/* Depth: how often a call is forwarded by a forward's target. */
enum {
	PLAN_STEPS_MAX = 32,
	PLAN_DEPTH_MAX = 8,
	PLAN_FIRST = UINT8_MAX,
	PLAN_STEP_MAX_MS = 3600 * 1000
};

/* Why a step was reached: id, its name in events and CDRs, reason of RFC 5806, cause of RFC 7044
 * for the diverting user. Numbers are stored in records: append only. */
#define PLAN_WHY(X)                                         \
	X(CALLED, "", "unknown", "")                        \
	X(ALWAYS, "always", "unconditional", "302")         \
	X(BUSY, "busy", "user-busy", "486")                 \
	X(NO_ANSWER, "no_answer", "no-answer", "408")       \
	X(UNREACHABLE, "unreachable", "unavailable", "480") \
	X(DEFLECTED, "deflection", "deflection", "487")     \
	X(PICKED, "pickup", "deflection", "487")

enum plan_why {
#define X(id, name, reason, cause) PLAN_##id,
	PLAN_WHY(X)
#undef X
		PLAN_WHYS
};
/* "": the call was not forwarded. */
const char *plan_why_name(enum plan_why why);

/* What a step sets in a document (set.h). */
struct plan_set {
	uint8_t state;   /* enum set_state */
	uint8_t feature; /* enum feature_action */
	struct text number;
};

/* What a step waits for. All except AWAITS_NAMES are of the last step alone, and no phone rings
 * meanwhile. */
enum plan_await {
	AWAITS_NOTHING,
	AWAITS_NAMES,   /* where its user's phones are is looked up (sig/call/resolve.h) */
	AWAITS_USER,    /* he has another call (sig/pbx/call_waiting.h) */
	AWAITS_ROOM,    /* its number is a room's, which is not open yet (conference_waits) */
	AWAITS_FLOW,    /* its number leads to a flow (sig/pbx/flow/flow.c) */
	AWAITS_CONTACT, /* the caller's contact is looked up (sig/pbx/contact.c) */
	AWAITS_PHONE,   /* none of his is registered (sig/pbx/wake.c) */
};

struct plan_step {
	struct text user;
	struct text gruu;        /* only that phone of his (gruu_name); empty: all */
	struct text application; /* it waits for that one (wait.h); empty: phones ring */
	uint8_t why;             /* enum plan_why */
	uint8_t from;            /* the step of the user that names it; PLAN_FIRST: the callee */
	struct plan_set set;
	/* it goes out by that one (sig/call/trunk_route.h); "": the user is one of ours */
	struct text trunk;
	struct text number; /* as that one is told it */
	uint8_t server;     /* of that trunk */
	/* targets of its 3xx, as far as permitted (sig/call/trunk_route.h) */
	struct text redirects;
	bool rang;       /* that one has sent 180 */
	uint8_t awaits;  /* enum plan_await */
	uint64_t due_ns; /* of this process: AWAITS_NAMES no longer, AWAITS_PHONE looks again */
};

struct resolve;

struct plan {
	struct plan_step *steps; /* the last one rings; NULL: none yet */
	uint8_t count;
	uint64_t until_ns;       /* it rings no longer; 0: as long as any */
	uint64_t serial;         /* of this process: what was asked to be set */
	struct resolve *resolve; /* of this process: what is looked up; NULL: nothing is */
};

#endif
