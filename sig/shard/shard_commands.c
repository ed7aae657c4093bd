/* SPDX-License-Identifier: Apache-2.0 */
/* What calls are told to do by command. */
#include <errno.h>

#include "sig/call/order.h"
#include "sig/shard/shard_state.h"

static int carry_out(struct shard *s, uint64_t call, struct call_order *order, struct instant now)
{
	const struct call_event ev = { .kind = CALL_EV_ORDER, .order = order };

	return shard_call_event(s, call, &ev, now) ? order->err : -ENOENT;
}

/* Where a number of ours is reached; the best one first. */
static uint32_t targets_of(struct shard *s, const char *number, struct call_target *out,
			   uint32_t cap)
{
	struct sip_uri uri = { .scheme = BYTES_LIT("tel"), .user = bytes_str(number) };

	return shard_targets_of(s, &uri, out, cap);
}

static int may_originate(struct shard *s, const struct shard_originate *o, struct call_target *from)
{
	struct call_target list[BINDINGS_MAX];

	if (s->draining)
		return -ESHUTDOWN;
	if (!targets_of(s, o->from, list, COUNT_OF(list)))
		return -ENOENT;
	*from = list[0];
	return shard_forward_of(s, bytes_str(o->to)) || targets_of(s, o->to, list, COUNT_OF(list))
		       ? 0
		       : -EHOSTUNREACH;
}

static int start(struct shard *s, uint64_t id, const struct call_originate *o)
{
	struct call_refusal refusal = { 0 };
	struct call *c = shard_call_take(s, id, false);

	if (!c)
		return -ENOSPC;
	if (call_originate(&s->host, c, o, &refusal)) {
		sig_count_refused(&s->metrics, refusal.reason);
		shard_call_give(s, c);
		return -ENOSPC;
	}
	if (!call_settle(&s->host, c))
		shard_call_give(s, c);
	return 0;
}

/* By the same command, perhaps by another process. */
static bool was_started(struct shard *s, const struct shard_originate *o)
{
	struct call *c = shard_call_find(s, o->call);

	if (!c)
		return false;
	order_wait(&s->host, c, o->by, 0);
	if (!call_settle(&s->host, c))
		shard_call_give(s, c);
	return true;
}

int shard_call_originate(struct shard *s, const struct shard_originate *o, struct instant now)
{
	const struct shard_extension *e = shard_extension_find(s, bytes_str(o->from));
	struct call_originate start_args = { .from = bytes_str(o->from),
					     .display = bytes_str(e ? e->display_name : ""),
					     .to = bytes_str(o->to),
					     .auto_answer = o->auto_answer,
					     .by = o->by };
	int err;

	shard_begin(s, now);
	if (was_started(s, o))
		return 0;
	err = may_originate(s, o, &start_args.target);
	return err ? err : start(s, o->call, &start_args);
}

int shard_call_hold(struct shard *s, uint64_t call, uint8_t leg, const struct shard_order *by,
		    struct instant now)
{
	struct call_order order = { .kind = ORDER_HOLD, .callee = leg != 0, .on = true, .by = by };

	return carry_out(s, call, &order, now);
}

int shard_call_answer(struct shard *s, uint64_t call, const struct shard_order *by,
		      struct instant now)
{
	struct call_order order = { .kind = ORDER_ANSWER, .by = by };

	return carry_out(s, call, &order, now);
}

int shard_call_act(struct shard *s, uint64_t call, const struct act_terms *terms,
		   const struct shard_order *by, struct instant now)
{
	struct call_order order = { .kind = ORDER_ACT, .act = terms, .by = by };

	return carry_out(s, call, &order, now);
}

int shard_call_resume(struct shard *s, uint64_t call, uint8_t leg, const struct shard_order *by,
		      struct instant now)
{
	struct call_order order = { .kind = ORDER_HOLD, .callee = leg != 0, .by = by };

	return carry_out(s, call, &order, now);
}

int shard_call_mute(struct shard *s, uint64_t call, uint8_t leg, bool on,
		    const struct shard_order *by, struct instant now)
{
	struct call_order order = { .kind = ORDER_MUTE, .callee = leg != 0, .on = on, .by = by };

	return carry_out(s, call, &order, now);
}

int shard_call_dtmf(struct shard *s, uint64_t call, uint8_t leg, struct bytes digits,
		    uint16_t duration_ms, const struct shard_order *by, struct instant now)
{
	struct call_order order = { .kind = ORDER_DIGITS,
				    .callee = leg != 0,
				    .digits = digits,
				    .duration_ms = duration_ms,
				    .by = by };

	return carry_out(s, call, &order, now);
}

int shard_call_transfer(struct shard *s, uint64_t call, enum shard_leg leg, const char *to,
			const struct shard_order *by, struct instant now)
{
	struct call_order order = { .kind = ORDER_TRANSFER,
				    .leg = leg,
				    .to = bytes_str(to),
				    .known = shard_extension_find(s, bytes_str(to)),
				    .by = by };

	return carry_out(s, call, &order, now);
}

int shard_call_join(struct shard *s, struct shard_join *join, struct instant now)
{
	struct call_order order = { .kind = ORDER_JOIN,
				    .with = join->with,
				    .leg = join->leg,
				    .with_leg = join->with_leg,
				    .by = join->by };
	int err = carry_out(s, join->call, &order, now);

	join->of_with = order.of_with;
	return err;
}
