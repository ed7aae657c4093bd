/* SPDX-License-Identifier: Apache-2.0 */
/* Client transactions: RFC 3261 17.1.1 (figure 5, with RFC 6026 7.2) and 17.1.2 (figure 6). Pure. */
#include "sig/sip/txn_step.h"

static void client_give_up(struct txn *t, struct txn_out *out)
{
	txn_enter(t, TXN_TERMINATED);
	out->timed_out = true;
}

static void transport_failed(struct txn *t, struct txn_out *out)
{
	txn_enter(t, TXN_TERMINATED);
	out->deliver = true;
}

/* Timers A or E, and B or F. */
static void client_start(struct txn *t, uint64_t now_ns, struct txn_out *out)
{
	txn_retransmit_start(t, now_ns);
	txn_timeout_start(t, now_ns, TXN_TIMEOUT_MS);
	out->send_message = true;
}

/* Timer M: answers of further forks still come. */
static void client_invite_accepted(struct txn *t, uint64_t now_ns, struct txn_out *out)
{
	txn_enter(t, TXN_ACCEPTED);
	txn_timeout_start(t, now_ns, TXN_TIMEOUT_MS);
	out->deliver = true;
}

/* Timer D */
static void invite_failed(struct txn *t, uint64_t now_ns, struct txn_out *out)
{
	txn_linger(t, TXN_COMPLETED, now_ns, TXN_TIMEOUT_MS);
	out->deliver = true;
	out->send_ack = true;
}

static void calling(struct txn *t, enum txn_event event, struct txn_now now, struct txn_out *out)
{
	switch (event) {
	case TXN_EV_START:
		client_start(t, now.ns, out);
		break;
	case TXN_EV_PROVISIONAL:
		txn_enter(t, TXN_PROCEEDING); /* from here on the user limits the wait (timer C) */
		out->deliver = true;
		break;
	case TXN_EV_SUCCESS:
		client_invite_accepted(t, now.ns, out);
		break;
	case TXN_EV_FAILURE:
		invite_failed(t, now.ns, out);
		break;
	case TXN_EV_TIMER:
		if (now.timeout) {
			client_give_up(t, out);
		} else if (now.retransmit) {
			txn_retransmit_next(t, now.ns, TXN_TIMEOUT_MS); /* A has no ceiling but B */
			out->send_message = true;
		}
		break;
	case TXN_EV_TRANSPORT_ERROR:
		transport_failed(t, out);
		break;
	case TXN_EV_REQUEST:
	case TXN_EV_ACK:
	case TXN_EV_REPLY_PROVISIONAL:
	case TXN_EV_REPLY_SUCCESS:
	case TXN_EV_REPLY_FAILURE:
		break;
	}
}

static void client_invite_proceeding(struct txn *t, enum txn_event event, struct txn_now now,
				     struct txn_out *out)
{
	switch (event) {
	case TXN_EV_PROVISIONAL:
		out->deliver = true;
		break;
	case TXN_EV_SUCCESS:
		client_invite_accepted(t, now.ns, out);
		break;
	case TXN_EV_FAILURE:
		invite_failed(t, now.ns, out);
		break;
	case TXN_EV_START:
	case TXN_EV_TIMER:
	case TXN_EV_TRANSPORT_ERROR:
	case TXN_EV_REQUEST:
	case TXN_EV_ACK:
	case TXN_EV_REPLY_PROVISIONAL:
	case TXN_EV_REPLY_SUCCESS:
	case TXN_EV_REPLY_FAILURE:
		break;
	}
}

static void client_invite_completed(struct txn *t, enum txn_event event, struct txn_now now,
				    struct txn_out *out)
{
	if (event == TXN_EV_FAILURE) {
		out->send_ack = true;
	} else if (event == TXN_EV_TRANSPORT_ERROR) {
		transport_failed(t, out);
	} else if (now.timeout) {
		txn_enter(t, TXN_TERMINATED);
	}
}

static void invite_accepted_step(struct txn *t, enum txn_event event, struct txn_now now,
				 struct txn_out *out)
{
	if (event == TXN_EV_SUCCESS) {
		out->deliver = true;
	} else if (now.timeout) {
		txn_enter(t, TXN_TERMINATED);
	}
}

void txn_invite_client_step(struct txn *t, enum txn_event event, struct txn_now now,
			    struct txn_out *out)
{
	switch (t->state) {
	case TXN_CALLING:
		calling(t, event, now, out);
		break;
	case TXN_PROCEEDING:
		client_invite_proceeding(t, event, now, out);
		break;
	case TXN_COMPLETED:
		client_invite_completed(t, event, now, out);
		break;
	case TXN_ACCEPTED:
		invite_accepted_step(t, event, now, out);
		break;
	case TXN_TRYING:
	case TXN_CONFIRMED:
	case TXN_TERMINATED:
		break;
	}
}

/* Timer K */
static void final(struct txn *t, uint64_t now_ns, struct txn_out *out)
{
	txn_linger(t, TXN_COMPLETED, now_ns, TXN_T4_MS);
	out->deliver = true;
}

/* A 1xx leaves E and F running; from then on E is T2. */
static void provisional(struct txn *t, struct txn_out *out)
{
	t->state = TXN_PROCEEDING;
	out->deliver = true;
}

static void waiting_timer(struct txn *t, struct txn_now now, struct txn_out *out)
{
	if (now.timeout) {
		client_give_up(t, out);
	} else if (now.retransmit) {
		if (t->state == TXN_PROCEEDING)
			t->interval_ms = TXN_T2_MS;
		txn_retransmit_next(t, now.ns, TXN_T2_MS);
		out->send_message = true;
	}
}

/* Trying and Proceeding */
static void client_waiting(struct txn *t, enum txn_event event, struct txn_now now,
			   struct txn_out *out)
{
	switch (event) {
	case TXN_EV_START:
		if (t->state == TXN_TRYING)
			client_start(t, now.ns, out);
		break;
	case TXN_EV_PROVISIONAL:
		provisional(t, out);
		break;
	case TXN_EV_SUCCESS:
	case TXN_EV_FAILURE:
		final(t, now.ns, out);
		break;
	case TXN_EV_TIMER:
		waiting_timer(t, now, out);
		break;
	case TXN_EV_TRANSPORT_ERROR:
		transport_failed(t, out);
		break;
	case TXN_EV_REQUEST:
	case TXN_EV_ACK:
	case TXN_EV_REPLY_PROVISIONAL:
	case TXN_EV_REPLY_SUCCESS:
	case TXN_EV_REPLY_FAILURE:
		break;
	}
}

void txn_other_client_step(struct txn *t, enum txn_event event, struct txn_now now,
			   struct txn_out *out)
{
	switch (t->state) {
	case TXN_TRYING:
	case TXN_PROCEEDING:
		client_waiting(t, event, now, out);
		break;
	case TXN_COMPLETED:
		if (now.timeout)
			txn_enter(t, TXN_TERMINATED);
		break;
	case TXN_CALLING:
	case TXN_CONFIRMED:
	case TXN_ACCEPTED:
	case TXN_TERMINATED:
		break;
	}
}
