/* SPDX-License-Identifier: Apache-2.0 */
/* Server transactions: RFC 3261 17.2.1 (figure 7, with RFC 6026 7.1) and 17.2.2 (figure 8). Pure. */
#include "sig/sip/txn_step.h"

/* A lost answer is the user's business; the state stays, so that the next copy of the request is still known (RFC 6026 7.1). */
static void server_invite_proceeding(struct txn *t, enum txn_event event, struct txn_now now,
				     struct txn_out *out)
{
	switch (event) {
	case TXN_EV_REQUEST:
		out->send_message = t->message.n != 0;
		break;
	case TXN_EV_REPLY_PROVISIONAL:
		out->send_message = true;
		break;
	case TXN_EV_REPLY_SUCCESS: /* timer L */
		txn_enter(t, TXN_ACCEPTED);
		txn_timeout_start(t, now.ns, TXN_TIMEOUT_MS);
		out->send_message = true;
		break;
	case TXN_EV_REPLY_FAILURE: /* timers G and H */
		txn_enter(t, TXN_COMPLETED);
		txn_retransmit_start(t, now.ns);
		txn_timeout_start(t, now.ns, TXN_TIMEOUT_MS);
		out->send_message = true;
		break;
	case TXN_EV_TRANSPORT_ERROR:
		out->deliver = true;
		break;
	case TXN_EV_START:
	case TXN_EV_ACK:
	case TXN_EV_PROVISIONAL:
	case TXN_EV_SUCCESS:
	case TXN_EV_FAILURE:
	case TXN_EV_TIMER:
		break;
	}
}

static void invite_completed_timer(struct txn *t, struct txn_now now, struct txn_out *out)
{
	if (now.timeout) {
		txn_enter(t, TXN_TERMINATED);
		out->timed_out = true;
	} else if (now.retransmit) {
		txn_retransmit_next(t, now.ns, TXN_T2_MS);
		out->send_message = true;
	}
}

static void server_invite_completed(struct txn *t, enum txn_event event, struct txn_now now,
				    struct txn_out *out)
{
	switch (event) {
	case TXN_EV_REQUEST:
		out->send_message = true;
		break;
	case TXN_EV_ACK: /* timer I */
		txn_linger(t, TXN_CONFIRMED, now.ns, TXN_T4_MS);
		break;
	case TXN_EV_TIMER:
		invite_completed_timer(t, now, out);
		break;
	case TXN_EV_TRANSPORT_ERROR:
		out->deliver = true;
		break;
	case TXN_EV_START:
	case TXN_EV_REPLY_PROVISIONAL:
	case TXN_EV_REPLY_SUCCESS:
	case TXN_EV_REPLY_FAILURE:
	case TXN_EV_PROVISIONAL:
	case TXN_EV_SUCCESS:
	case TXN_EV_FAILURE:
		break;
	}
}

/* Copies of the INVITE are soaked up: the user sends its 2xx again by its own timer until the ACK comes (RFC 3261 13.3.1.4). */
static void server_invite_accepted(struct txn *t, enum txn_event event, struct txn_now now,
				   struct txn_out *out)
{
	switch (event) {
	case TXN_EV_ACK:
	case TXN_EV_TRANSPORT_ERROR:
		out->deliver = true;
		break;
	case TXN_EV_REPLY_SUCCESS:
		out->send_message = true;
		break;
	case TXN_EV_TIMER:
		if (now.timeout)
			txn_enter(t, TXN_TERMINATED);
		break;
	case TXN_EV_START:
	case TXN_EV_REQUEST:
	case TXN_EV_REPLY_PROVISIONAL:
	case TXN_EV_REPLY_FAILURE:
	case TXN_EV_PROVISIONAL:
	case TXN_EV_SUCCESS:
	case TXN_EV_FAILURE:
		break;
	}
}

void txn_invite_server_step(struct txn *t, enum txn_event event, struct txn_now now,
			    struct txn_out *out)
{
	switch (t->state) {
	case TXN_PROCEEDING:
		server_invite_proceeding(t, event, now, out);
		break;
	case TXN_COMPLETED:
		server_invite_completed(t, event, now, out);
		break;
	case TXN_ACCEPTED:
		server_invite_accepted(t, event, now, out);
		break;
	case TXN_CONFIRMED:
		if (now.timeout)
			txn_enter(t, TXN_TERMINATED);
		break;
	case TXN_CALLING:
	case TXN_TRYING:
	case TXN_TERMINATED:
		break;
	}
}

/* Trying (nothing was answered yet) and Proceeding */
static void server_waiting(struct txn *t, enum txn_event event, struct txn_now now,
			   struct txn_out *out)
{
	switch (event) {
	case TXN_EV_REQUEST:
		out->send_message = t->state == TXN_PROCEEDING;
		break;
	case TXN_EV_REPLY_PROVISIONAL:
		t->state = TXN_PROCEEDING;
		out->send_message = true;
		break;
	case TXN_EV_REPLY_SUCCESS:
	case TXN_EV_REPLY_FAILURE: /* timer J */
		txn_linger(t, TXN_COMPLETED, now.ns, TXN_TIMEOUT_MS);
		out->send_message = true;
		break;
	case TXN_EV_TRANSPORT_ERROR:
		if (t->state == TXN_TRYING) /* nothing was sent that could have failed */
			break;
		txn_enter(t, TXN_TERMINATED);
		out->deliver = true;
		break;
	case TXN_EV_START:
	case TXN_EV_ACK:
	case TXN_EV_PROVISIONAL:
	case TXN_EV_SUCCESS:
	case TXN_EV_FAILURE:
	case TXN_EV_TIMER:
		break;
	}
}

static void completed(struct txn *t, enum txn_event event, struct txn_now now, struct txn_out *out)
{
	if (event == TXN_EV_REQUEST) {
		out->send_message = true;
	} else if (event == TXN_EV_TRANSPORT_ERROR) {
		txn_enter(t, TXN_TERMINATED);
		out->deliver = true;
	} else if (now.timeout) {
		txn_enter(t, TXN_TERMINATED);
	}
}

void txn_other_server_step(struct txn *t, enum txn_event event, struct txn_now now,
			   struct txn_out *out)
{
	switch (t->state) {
	case TXN_TRYING:
	case TXN_PROCEEDING:
		server_waiting(t, event, now, out);
		break;
	case TXN_COMPLETED:
		completed(t, event, now, out);
		break;
	case TXN_CALLING:
	case TXN_CONFIRMED:
	case TXN_ACCEPTED:
	case TXN_TERMINATED:
		break;
	}
}
