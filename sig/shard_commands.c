/* SPDX-License-Identifier: Apache-2.0 */
/* What calls are told to do by command. */
#include <errno.h>

#include "sig/shard_state.h"

static int carry_out(struct shard *s, uint64_t call, struct call_order *order, struct instant now)
{
	const struct call_event ev = { .kind = CALL_EV_ORDER, .order = order };
	struct call *c;

	shard_begin(s, now);
	c = shard_call_find(s, call);
	if (!c)
		return -ENOENT;
	shard_call_step(s, c, &ev);
	return order->err;
}

int shard_call_hold(struct shard *s, uint64_t call, uint8_t leg, struct instant now)
{
	struct call_order order = { .kind = ORDER_HOLD, .leg = leg, .on = true };

	return carry_out(s, call, &order, now);
}

int shard_call_resume(struct shard *s, uint64_t call, uint8_t leg, struct instant now)
{
	struct call_order order = { .kind = ORDER_HOLD, .leg = leg };

	return carry_out(s, call, &order, now);
}

int shard_call_mute(struct shard *s, uint64_t call, uint8_t leg, bool on, struct instant now)
{
	struct call_order order = { .kind = ORDER_MUTE, .leg = leg, .on = on };

	return carry_out(s, call, &order, now);
}

int shard_call_dtmf(struct shard *s, uint64_t call, uint8_t leg, struct bytes digits,
		    uint16_t duration_ms, struct instant now)
{
	struct call_order order = {
		.kind = ORDER_DIGITS, .leg = leg, .digits = digits, .duration_ms = duration_ms
	};

	return carry_out(s, call, &order, now);
}
