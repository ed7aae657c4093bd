/* SPDX-License-Identifier: Apache-2.0 */
/* A dialog of a user's phone as those see it who watch the user (RFC 4235 3.7.1): read from a leg, kept nowhere. */
#ifndef SIG_SUBSCRIPTION_DIALOG_STATE_H
#define SIG_SUBSCRIPTION_DIALOG_STATE_H

#include "sig/model/leg.h"

enum dialog_phase {
	PHASE_TRYING,
	PHASE_EARLY,
	PHASE_CONFIRMED,
	PHASE_TERMINATED,
};
enum { DIALOG_STATES_MAX = 8 }; /* of one user; others are not told */

struct dialog_state {
	uint64_t id; /* of the dialog, never 0: says nothing of its tags */
	enum dialog_phase phase;
	bool recipient; /* the phone was called */
	bool held;      /* the phone takes nothing of the other party */
	uint32_t shard; /* of its call, and 1; 0: not known */
	uint64_t
		waits_utc_ms; /* no dialog, but a call that waits for the user (sig/call/call_waiting.h), which began then; 0: a dialog */
	struct bytes call_id,
		tag; /* tag: the phone's; all slices live until the next event; call_id empty: neither is told */
	struct dialog_tag remote_tag; /* ours */
	struct bytes local, remote; /* name-addrs of the phone's user and of whom it speaks with */
};

void dialog_state_read(struct dialog_state *out, const struct leg *l);
/* What of it is told changes when this number does. Never 0. */
uint8_t dialog_state_mark(const struct leg *l);

#endif
