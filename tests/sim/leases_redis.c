/* SPDX-License-Identifier: Apache-2.0 */
/* What Redis does with leases: cluster/lua/lease_*.lua in small. */
#include "tests/sim/leases_state.h"
#include "tests/sim/sim.h"

static uint64_t redis_history(const struct leases *l)
{
	return l->run * 1000;
}

static void redis_write(struct sim *s, const struct lease_command *c)
{
	struct leases *l = s->leases;
	struct redis_past *past = &l->past[l->past_count++ % REDIS_PAST_MAX];

	*past = (struct redis_past){ s->now_ns, c->place, l->redis[c->place] };
	l->redis[c->place] = c->write;
	l->redis[c->place].has = true;
}

static bool same_epoch(struct lease_epoch a, struct lease_epoch b)
{
	return a.counter == b.counter && a.incarnation == b.incarnation;
}

static bool is_as_seen(const struct redis_lease *have, const struct claim_lease *seen)
{
	return have->has && same_epoch(have->epoch, seen->epoch) && have->renewal == seen->renewal;
}

static void on_renew(struct sim *s, struct lease_command *c)
{
	const struct redis_lease *have = &s->leases->redis[c->place];

	if (!have->has || !have->owner) {
		c->result = LEASE_MISSING;
	} else if (!same_epoch(have->epoch, c->write.epoch) || have->link != c->write.link) {
		c->result = LEASE_SEEN;
	} else {
		c->want = have->want;
		redis_write(s, c);
		c->result = LEASE_GRANTED;
	}
}

static void on_assert(struct sim *s, struct lease_command *c)
{
	const struct redis_lease *have = &s->leases->redis[c->place];
	bool same = same_epoch(have->epoch, c->write.epoch);

	c->result = LEASE_SEEN;
	if (have->has && (lease_epoch_above(have->epoch, c->write.epoch) ||
			  (same && have->link > c->write.link)))
		return;
	redis_write(s, c);
	c->result = LEASE_GRANTED;
}

/* Where there is none it is left: what is missing is watched like a lease. */
static void note_leave(struct sim *s, struct lease_command *c)
{
	const struct redis_lease lease = c->write;

	c->write = (struct redis_lease){ .renewal = ++s->leases->note + (UINT64_C(1) << 40) };
	redis_write(s, c);
	c->write = lease;
}

/* Free, of a process of this node that is gone, or watched for long enough; and Redis has not forgotten a newer one. */
static bool may_acquire(const struct redis_lease *have, const struct lease_command *c)
{
	bool forgotten = c->write.epoch.counter > have->epoch.counter;
	bool gone = c->watched && is_as_seen(have, &c->seen);

	return gone || (!forgotten && (!have->owner || have->owner == c->write.owner));
}

static void on_acquire(struct sim *s, struct lease_command *c)
{
	const struct redis_lease *have = &s->leases->redis[c->place];
	uint64_t counter = c->write.epoch.counter;
	bool own;

	if (!have->has && counter)
		note_leave(s, c);
	c->result = LEASE_TAKEN;
	own = have->epoch.incarnation == c->write.epoch.incarnation &&
	      have->epoch.counter >= counter;
	if (have->has && !own && !may_acquire(have, c))
		return;
	counter = have->epoch.counter > counter ? have->epoch.counter : counter;
	c->write.epoch.counter = counter + !own;
	if (have->owner == c->write.owner)
		c->write.named = have->named;
	redis_write(s, c);
	c->result = LEASE_GRANTED;
}

static void on_claim(struct sim *s, struct lease_command *c)
{
	c->result = LEASE_TAKEN;
	if (!is_as_seen(&s->leases->redis[c->place], &c->seen) ||
	    c->seen.history != redis_history(s->leases))
		return;
	redis_write(s, c);
	c->result = LEASE_GRANTED;
}

static void on_look(struct sim *s, struct lease_command *c)
{
	if (!s->leases->redis[c->place].has)
		note_leave(s, c);
}

static void on_want(struct sim *s, const struct lease_command *c)
{
	struct redis_lease *have = &s->leases->redis[c->place];

	if (have->has && have->owner)
		have->want = 1 + c->node;
}

/* It is written as one of a process of the other node that is gone, which takes it at once. */
static void on_give(struct sim *s, struct lease_command *c)
{
	const struct redis_lease *have = &s->leases->redis[c->place];

	if (!have->has || !same_epoch(have->epoch, c->write.epoch) || have->link != c->write.link)
		return;
	c->write = (struct redis_lease){ .epoch = { have->epoch.counter + 1, 0 },
					 .owner = 1 + c->what,
					 .renewal = ++s->leases->note + (UINT64_C(1) << 41),
					 .named = have->named };
	if (members_has(&c->write.named, 1 + c->what))
		c->write.named.ids[members_rank(&c->write.named, 1 + c->what)] = have->owner;
	redis_write(s, c);
}

void redis_carry_out(struct sim *s, struct lease_command *c)
{
	c->done = true;
	if (c->kind == COMMAND_LOOK)
		on_look(s, c);
	else if (c->kind == COMMAND_CLAIM)
		on_claim(s, c);
	else if (c->kind == COMMAND_WANT)
		on_want(s, c);
	else if (c->kind == COMMAND_GIVE)
		on_give(s, c);
	else if (c->what == LEASE_SEND_RENEW)
		on_renew(s, c);
	else if (c->what == LEASE_SEND_ASSERT)
		on_assert(s, c);
	else
		on_acquire(s, c);
	c->found = s->leases->redis[c->place];
	c->history = redis_history(s->leases);
}

void redis_forget(struct sim *s, uint64_t ns)
{
	struct leases *l = s->leases;

	l->run++;
	for (uint64_t n = 0; n < REDIS_PAST_MAX && l->past_count; n++) {
		const struct redis_past *past = &l->past[(l->past_count - 1) % REDIS_PAST_MAX];

		if (past->ns + ns < s->now_ns)
			return;
		if (!same_epoch(l->redis[past->place].epoch, past->before.epoch) ||
		    !past->before.named.count)
			l->places[past->place].forgot_ns = l->away_ns;
		l->redis[past->place] = past->before;
		l->past_count--;
	}
}
