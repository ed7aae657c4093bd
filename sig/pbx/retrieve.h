/* SPDX-License-Identifier: Apache-2.0 */
/* A phone calls a slot to get the party that waits there. The slot is a step of the call's plan
 * that rings no phone, like one that sets a field (set.h). When the store has said which call waits
 * there, this one is answered and takes the place of that party's peer as an INVITE with Join would
 * (replace.h), or is rung through to the shard of that call (docs/adr/0009). The pickup code does
 * the same for the caller of a ringing call (pick.h). */
#ifndef SIG_PBX_RETRIEVE_H
#define SIG_PBX_RETRIEVE_H

#include "sig/model/call.h"
#include "sig/model/event.h"

enum {
	RETRIEVE_NAME_MAX = 40,
	/* a node about to be lost must not delay a pickup */
	RETRIEVE_REMOTE_MS = 300,
};

/* The user part of an INVITE to the shard of that call. */
void retrieve_name_put(char out[RETRIEVE_NAME_MAX], uint64_t call, struct bytes slot);
/* The call in that slot, or (rung) the call that rings there for that user. Returns the serial of
 * the coming answer. 0: for a ringing call, out is the answer; for a slot, no memory. */
uint64_t retrieve_find(struct call_host *h, const struct call *c, bool rung, struct bytes by,
		       struct bytes at, struct pick_reply *out);
/* Evaluates that answer: a call that may be taken, or the reason against it. */
struct pick_reply retrieve_found(struct call_host *h, const struct call *c, bool rung,
				 struct bytes at, const struct park_reply *new_state);
/* It did not come in time. */
struct pick_reply retrieve_late(struct call_host *h, const struct call *c, bool rung,
				struct bytes at, uint64_t serial);
/* It is not known yet who waits there. */
bool retrieve_waits(const struct call *c);
/* The party is absent, or unknown: the caller gets the reason. */
void retrieve_on_result(struct call_host *h, struct call *c, const struct park_reply *new_state);

/* The calls that ring, and may be taken (sig/host/host.h). */
struct pickup_service {
	/* The user may take calls that ring at that extension. */
	bool (*may)(void *owner, uint16_t tenant, struct bytes user, struct bytes at);
	/* The longest ringing call at an extension, or (at "") at any with calls that the user may
	 * pick up. */
	void (*ringing)(void *owner, uint16_t tenant, struct bytes user, struct bytes at,
			struct pick_reply *out);
	/* Asks other nodes the same for that call, with an answer as for a slot (ASK_PARK). Returns
	 * its serial; 0: no other nodes. */
	uint64_t (*ask_remote)(void *owner, uint16_t tenant, struct bytes user, struct bytes at,
			       uint64_t call);
	/* Not all have answered in time: what is known by now. That serial is told nothing more. */
	void (*end_remote)(void *owner, uint64_t serial, struct park_reply *out);
};

#endif
