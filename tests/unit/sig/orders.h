/* SPDX-License-Identifier: Apache-2.0 */
/* Orders to calls as functions. leg: 0 is the caller, 1 whom it speaks with. */
#ifndef TESTS_UNIT_SIG_ORDERS_H
#define TESTS_UNIT_SIG_ORDERS_H

#include "sig/model/call_order.h"

static inline enum shard_leg orders_leg(uint8_t leg)
{
	return leg ? SHARD_LEG_CALLEE : SHARD_LEG_CALLER;
}

static inline int shard_call_hold(struct shard *s, uint64_t call, uint8_t leg,
				  const struct shard_order *by, struct instant now)
{
	struct call_order o = { .kind = ORDER_HOLD, .leg = orders_leg(leg), .by = by };

	return shard_call_order(s, call, &o, now);
}

static inline int shard_call_resume(struct shard *s, uint64_t call, uint8_t leg,
				    const struct shard_order *by, struct instant now)
{
	struct call_order o = { .kind = ORDER_RESUME, .leg = orders_leg(leg), .by = by };

	return shard_call_order(s, call, &o, now);
}

static inline int shard_call_mute(struct shard *s, uint64_t call, uint8_t leg, bool on,
				  const struct shard_order *by, struct instant now)
{
	struct call_order o = { .kind = ORDER_MUTE, .leg = orders_leg(leg), .on = on, .by = by };

	return shard_call_order(s, call, &o, now);
}

static inline int shard_call_dtmf(struct shard *s, uint64_t call, uint8_t leg, struct bytes digits,
				  uint16_t duration_ms, const struct shard_order *by,
				  struct instant now)
{
	struct call_order o = { .kind = ORDER_DIGITS,
				.leg = orders_leg(leg),
				.digits = digits,
				.duration_ms = duration_ms,
				.by = by };

	return shard_call_order(s, call, &o, now);
}

static inline int shard_call_record(struct shard *s, uint64_t call, uint8_t leg,
				    enum order_record what, const struct shard_order *by,
				    struct instant now)
{
	struct call_order o = {
		.kind = ORDER_RECORD, .leg = orders_leg(leg), .record = (uint8_t)what, .by = by
	};

	return shard_call_order(s, call, &o, now);
}

static inline int shard_call_answer(struct shard *s, uint64_t call, const struct shard_order *by,
				    struct instant now)
{
	struct call_order o = { .kind = ORDER_ANSWER, .by = by };

	return shard_call_order(s, call, &o, now);
}

static inline int shard_call_transfer(struct shard *s, uint64_t call, enum shard_leg leg,
				      const char *to, const struct shard_order *by,
				      struct instant now)
{
	struct call_order o = { .kind = ORDER_TRANSFER, .leg = leg, .to = bytes_str(to), .by = by };

	return shard_call_order(s, call, &o, now);
}

#endif
