/* SPDX-License-Identifier: Apache-2.0 */
/* The four machines behind txn_step; private to txn*.c. Events that a state has no use for change nothing. */
#ifndef SIG_SIP_TXN_STEP_H
#define SIG_SIP_TXN_STEP_H

#include "base/clock.h"
#include "sig/sip/txn.h"

/* What time it is, and which timer ran out. */
struct txn_now {
	uint64_t ns;
	bool retransmit; /* timer A, E or G */
	bool timeout;    /* any other */
};

void txn_invite_client_step(struct txn *t, enum txn_event event, struct txn_now now,
			    struct txn_out *out);
void txn_other_client_step(struct txn *t, enum txn_event event, struct txn_now now,
			   struct txn_out *out);
void txn_invite_server_step(struct txn *t, enum txn_event event, struct txn_now now,
			    struct txn_out *out);
void txn_other_server_step(struct txn *t, enum txn_event event, struct txn_now now,
			   struct txn_out *out);

/* Enters a state without a running timer. */
void txn_enter(struct txn *t, enum txn_state state);
/* Starts the timer that ends the state. */
void txn_timeout_start(struct txn *t, uint64_t now_ns, uint32_t ms);
/* Starts or doubles the retransmission up to max_ms; never on a reliable transport. */
void txn_retransmit_start(struct txn *t, uint64_t now_ns);
void txn_retransmit_next(struct txn *t, uint64_t now_ns, uint32_t max_ms);
/* Enters a state that only soaks up retransmissions: on a reliable transport there are none, and the transaction ends. */
void txn_linger(struct txn *t, enum txn_state state, uint64_t now_ns, uint32_t ms);

#endif
