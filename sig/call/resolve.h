/* SPDX-License-Identifier: Apache-2.0 */
/* Look-ups for a call: users, if another node may know them (location_service.ask_store), and host
 * names of phones (RFC 3263: a Contact or Path of a trusted sender names a host). A call has any
 * number of look-ups, each for a step of its plan and with a serial. What is known is used at once;
 * else the step waits, RESOLVE_MS at most, while phones of other steps ring. A phone at a name is
 * invited at the first place of the name, and at the next one if that is unreachable (4.3); without
 * a place, by the hop that it registered from. If the user of a step has no phone, the step follows
 * the user's forward. When the last answer has come and no phone rings, the call continues or ends.
 * The record has the steps that wait: a successor asks again. */
#ifndef SIG_CALL_RESOLVE_H
#define SIG_CALL_RESOLVE_H

#include "sig/host/host.h"
#include "sig/model/event.h"
#include "sig/model/plan.h"

enum {
	RESOLVE_MS = 5000,
	/* calls of a shard that wait; more are refused, but to emergency numbers */
	RESOLVES_MAX = 1024,
	/* look-ups of a call at a time; what has no place is asked by what is known */
	RESOLVE_QUERIES_MAX = 64,
};

/* A step waits for a name, or for its user. */
bool resolve_is_pending(const struct call *c);
/* ... and no phone rings. */
void resolve_alone(struct call *c);
/* A phone of the step that is at a name. It is asked, or its name is looked up. */
enum refusal resolve_target(struct call_host *h, struct call *c, uint8_t step,
			    const struct call_target *target, const struct dialog_party *from,
			    struct call_refusal *refusal) NODISCARD;
/* The same for a single target, by what is known now: the target has no name afterwards. Returns
 * false if the name has no place, or too little is known; then it is looked up for next time. */
bool resolve_known_target(struct call_host *h, uint64_t call, struct call_target *target) NODISCARD;
/* Another node may know more of the step's user: he is looked up, then rung. Returns false if what
 * is known must do. */
bool resolve_user(struct call_host *h, struct call *c, uint8_t step);
/* What the store says of him is known. */
void resolve_on_user(struct call_host *h, struct call *c, uint64_t serial);
/* What a name leads to. */
void resolve_on_answer(struct call_host *h, struct call *c, const struct lookup_reply *new_state);
/* There was no answer in time. */
void resolve_on_timeout(struct call_host *h, struct call *c);
/* In the next process, or where another step was tried in vain. */
void resolve_resume(struct call_host *h, struct call *c);
/* The leg is unreachable at this place of its name, or is to be avoided for so long (0: unknown):
 * tries the next place in the leg's position. Returns false without one. */
bool resolve_next_place(struct call_host *h, struct call *c, uint8_t leg, uint32_t for_s);
/* A trunk server that did not respond in time (trunk_route.h): tries the next place of its name,
 * and leaves this one. Returns false without one. */
bool resolve_next_server(struct call_host *h, struct call *c);

/* ---- what a call waits for, in this process; it follows from its plan ---- */

struct resolve_query {
	uint64_t serial; /* of EFFECT_LOOKUP, or what location_service.ask_store returned */
	uint8_t step;
	bool of_user;
	struct lookup_want want; /* of a name */
};

struct resolve {
	/* counts those of the shard, and is told of cancelled ones */
	struct call_host *host;
	uint64_t call;
	uint64_t due_ns; /* a deadline: the first of the steps that wait */
	struct resolve_query *asks;
	uint8_t count;
};

/* Steps from `from` up to `to` wait for nothing any more. */
void resolve_drop(struct plan *plan, uint8_t from, uint8_t to);
/* No step does. */
void resolve_stop(struct plan *plan);

#endif
