/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shard against phones, a store and an engine that do whatever the input says, on virtual time. Each step is a byte for the action
 * and a few for its details. What must hold:
 *  - everything we send is SIP that we would accept ourselves;
 *  - INVITE to the called phone and 200 to the caller leave for the first time only when the store has answered, is away or overdue:
 *    never while a datagram is being received;
 *  - every record the store was given is taken back after a restart;
 *  - whoever was asked to a call is told how it went on: ACK, CANCEL or BYE, unless it says nothing for 64*T1;
 *  - once nobody says anything more and the calls are hung up, no call, transaction, port or pending save is left.
 */
#include "tests/fuzz/sig_shard.h"

enum { STEPS_MAX = 120, SETTLE_STEPS = 40 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void step(struct world *w)
{
	uint8_t op = next(&w->in);
	unsigned phone = op / 16 % PHONES;
	uint8_t how;

	switch (op % 16) {
	case 0:
		world_raw(w, phone);
		break;
	case 1:
	case 2:
		world_invite(w, phone, next(&w->in));
		break;
	case 3:
	case 4:
		how = next(&w->in);
		world_respond(w, phone, how, next(&w->in));
		break;
	case 5:
		world_learn(w, phone, next(&w->in));
		break;
	case 6:
		world_in_dialog(w, phone, next(&w->in));
		break;
	case 7:
		world_ack(w, phone, next(&w->in));
		break;
	case 8:
		world_request(w, phone, "CANCEL", "");
		break;
	case 9:
		world_advance(w, (uint64_t)next(&w->in) * (op & 0x80 ? 400 : 20));
		break;
	case 10:
	case 11:
		world_answer_save(w, next(&w->in));
		break;
	case 12:
		rig_degraded(w->r, op & 0x10);
		rig_drain(w->r);
		break;
	case 13:
		world_media(w, next(&w->in));
		break;
	case 14:
		if (op & 0x80)
			world_restart(w, next(&w->in));
		else if (op & 0x40)
			world_unreachable(w, phone);
		else
			world_hangup_all(w);
		rig_drain(w->r);
		break;
	default:
		if (op & 0x80)
			world_order(w, next(&w->in));
		else
			world_mutate(w, phone);
		break;
	}
}

static void answer_all(struct world *w)
{
	for (uint32_t i = 0; i < w->r->save_count; i++)
		rig_answer(w->r, i, true);
}

static void settle(struct world *w)
{
	struct shard_counts c;

	rig_degraded(w->r, false);
	rig_drain(w->r);
	world_hangup_all(w);
	for (int i = 0; i < SETTLE_STEPS; i++) {
		answer_all(w);
		world_advance(w, 5000);
		world_hangup_all(w);
	}
	answer_all(w);
	c = rig_counts(w->r);
	check(c.calls == 0, "calls are left", NOTHING);
	check(c.calls_established == 0, "established calls are left", NOTHING);
	check(c.txns == 0, "transactions are left", NOTHING);
	check(c.ports_free == 100, "ports are left", NOTHING);
	check(c.saves_pending == 0, "saves are left", NOTHING);
	check_told();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct shard_settings settings;
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		return 0;
	w->in = (struct input){ data, size };
	settings = rig_settings();
	settings.session_expires_s = size % 3 ? 120 : 0;
	world_open(w, &settings);
	for (unsigned i = 0; i < PHONES; i++)
		phone_begin(&w->phones[i], "1002");
	check_begin();
	for (int i = 0; i < STEPS_MAX && w->in.n; i++)
		step(w);
	settle(w);
	rig_close(w->r);
	free(w);
	return 0;
}
