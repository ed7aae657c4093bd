/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: kind, reliability, then pairs of event and time step. Oracle: a terminated transaction stays so and asks for nothing; timers
 * run only where the figures have them; a timer that is not due does nothing; left alone, it ends within 64*T1 + T4, or has no timer.
 */
#include <assert.h>

#include "base/clock.h"
#include "sig/sip/txn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { EVENTS = TXN_EV_TRANSPORT_ERROR + 1, TIMER_STEPS_MAX = 64 };

static bool retransmits_in(const struct txn *t)
{
	switch (t->kind) {
	case TXN_INVITE_CLIENT:
		return t->state == TXN_CALLING;
	case TXN_CLIENT:
		return t->state == TXN_TRYING || t->state == TXN_PROCEEDING;
	case TXN_INVITE_SERVER:
		return t->state == TXN_COMPLETED;
	case TXN_SERVER:
		break;
	}
	return false;
}

static bool waits_for_user(const struct txn *t)
{
	bool early = t->state == TXN_PROCEEDING || t->state == TXN_TRYING;

	return early && t->kind != TXN_CLIENT;
}

static void check_state(const struct txn *t)
{
	assert(t->retransmit_ns == UINT64_MAX || (retransmits_in(t) && !t->reliable));
	if (t->state == TXN_TERMINATED || waits_for_user(t))
		assert(txn_next_ns(t) == UINT64_MAX);
	switch (t->state) {
	case TXN_CALLING:
		assert(t->kind == TXN_INVITE_CLIENT);
		break;
	case TXN_TRYING:
		assert(t->kind == TXN_CLIENT || t->kind == TXN_SERVER);
		break;
	case TXN_CONFIRMED:
		assert(t->kind == TXN_INVITE_SERVER && !t->reliable);
		break;
	case TXN_ACCEPTED:
		assert(t->kind == TXN_INVITE_SERVER || t->kind == TXN_INVITE_CLIENT);
		break;
	case TXN_COMPLETED:
		assert(t->timeout_ns != UINT64_MAX);
		break;
	case TXN_PROCEEDING:
	case TXN_TERMINATED:
		break;
	}
}

static void step(struct txn *t, enum txn_event event, uint64_t now_ns)
{
	struct txn before = *t;
	bool due = now_ns >= txn_next_ns(t);
	struct txn_out out;

	txn_step(t, event, now_ns, &out);
	check_state(t);
	if (before.state == TXN_TERMINATED || (event == TXN_EV_TIMER && !due)) {
		assert(t->state == before.state && txn_next_ns(t) == txn_next_ns(&before));
		assert(!out.send_message && !out.send_ack && !out.deliver && !out.timed_out);
	}
	assert(!out.timed_out || t->state == TXN_TERMINATED);
	assert(!out.send_ack || t->kind == TXN_INVITE_CLIENT);
	assert(t->message.p == before.message.p && t->ack.p == before.ack.p);
}

static void run_out(struct txn *t, uint64_t now_ns)
{
	uint64_t end_ns = now_ns + (TXN_TIMEOUT_MS + TXN_T4_MS) * NS_PER_MS;
	unsigned steps = 0;

	while (txn_next_ns(t) != UINT64_MAX) {
		if (txn_next_ns(t) > now_ns)
			now_ns = txn_next_ns(t);
		assert(now_ns <= end_ns && steps++ < TIMER_STEPS_MAX);
		step(t, TXN_EV_TIMER, now_ns);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sip_hop hop = { .transport = SIP_UDP };
	uint64_t now_ns = 1;
	struct txn t;
	bool client;

	if (size < 1)
		return 0;
	txn_init(&t, (enum txn_kind)(data[0] & 3), SIP_INVITE, &hop, now_ns);
	t.reliable = data[0] & 4;
	client = t.kind == TXN_CLIENT || t.kind == TXN_INVITE_CLIENT;
	if (client && !(data[0] & 8))
		step(&t, TXN_EV_START, now_ns);
	for (size_t i = 1; i + 1 < size; i += 2) {
		now_ns += data[i + 1] * UINT64_C(40) * NS_PER_MS;
		step(&t, (enum txn_event)(data[i] % EVENTS), now_ns);
	}
	run_out(&t, now_ns);
	txn_clear(&t);
	return 0;
}
