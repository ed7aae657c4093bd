/* SPDX-License-Identifier: Apache-2.0 */
/* A node's part in leases: cluster/store/lease.c, app/node/claimant.c and app/node/node_shard_life.c in small. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/leases_state.h"
#include "tests/sim/sim.h"

#define BOOT_NS  (1000 * NS_PER_S)
#define NAMES_NS NS_PER_S
#define HELLO_NS (500 * NS_PER_MS)
#define RETRY_NS (500 * NS_PER_MS)
#define WANT_NS  (5 * NS_PER_S) /* for so long the owner is asked */
#define GIVE_NS  (2 * NS_PER_S) /* for all to be saved */

/* With nodes around them leases are looked at as rarely as they may be: the rest takes time enough. */
enum { TICKS = 40, TICKS_OF_NODES = 12, BEATS = 10, LOAD_US = 1000 };

uint64_t lease_now(const struct lease_node *n)
{
	return BOOT_NS * (1 + n->index) + n->sim->now_ns / 1000 * n->rate;
}

uint64_t lease_node_id(const struct lease_node *n)
{
	return n->index + 1;
}

static struct lease_holder *holder_of(struct lease_node *n, uint16_t shard)
{
	return &n->holders[shard - 1];
}

static uint32_t place_of(const struct lease_node *n, const struct lease_holder *h)
{
	return (uint32_t)(h - n->holders);
}

/* ---- what a lease asks for ---- */

static const struct members *names_to_write(const struct lease *l)
{
	return l->wanted_ns ? &l->wanted : &l->named;
}

static struct redis_lease to_write(const struct lease_node *n, const struct lease *l)
{
	return (struct redis_lease){ .epoch = l->epoch,
				     .owner = lease_node_id(n),
				     .renewal = l->renewal,
				     .link = l->link,
				     .named = *names_to_write(l) };
}

/* One that names others is theirs to claim. Redis may have forgotten the names. */
static bool watch_names(const struct lease_node *n, const struct lease_holder *h)
{
	const struct claim *c = claims_of(n->claims, (uint16_t)(1 + place_of(n, h)));

	if (claim_hears_owner(c, lease_now(n)))
		return true;
	if (lease_epoch_above(c->heard, h->watch.epoch))
		return c->named.count;
	return h->watch.named.count ||
	       (c->named.count && !lease_epoch_above(h->watch.epoch, c->heard));
}

static bool watch_is_over(const struct lease_node *n, const struct lease_holder *h)
{
	uint64_t length_ns = n->sim->leases->set.length_ns;

	return h->watch_ns && !watch_names(n, h) &&
	       lease_now(n) > h->watch_ns + length_ns + length_ns / 10;
}

static void question_send(struct lease_node *n, struct lease_holder *h, unsigned question)
{
	struct lease_command c = { .kind = COMMAND_QUESTION,
				   .what = question,
				   .place = place_of(n, h),
				   .write = to_write(n, &h->lease),
				   .seen = h->watch,
				   .watched = watch_is_over(n, h) };

	if (question == LEASE_SEND_ACQUIRE)
		c.write.epoch.counter = h->lease.heard;
	lease_ask(n, &c);
}

static bool lease_is_nameless(const struct lease *l)
{
	return !l->named.count && !l->wanted_ns;
}

static void told(struct lease_node *n, const struct lease_holder *h)
{
	const struct lease *l = &h->lease;
	const struct peer_item item = { .kind = PEER_OWNED,
					.shard = (uint16_t)(1 + place_of(n, h)),
					.epoch = l->epoch,
					.named = l->wanted_ns && l->named.count
							 ? l->named
							 : *names_to_write(l),
					.sent_ns = l->told_ns };

	claims_notify(n->claims, &item, lease_is_nameless(l) ? &l->others : names_to_write(l),
		      l->wanted_ns ? 0 : l->renewal);
}

static void stand_by(struct lease_node *n, struct lease_holder *h)
{
	trace_line(n->sim, "lease: node %u has no shard %u any more", n->index, place_of(n, h));
	h->live = h->loading = false;
	h->gives_to = 0;
	h->retry_ns = lease_now(n) + RETRY_NS;
}

/* ... and the node, where there is one around it. */
static void node_hears(struct lease_node *n, const struct lease_holder *h, unsigned actions)
{
	struct sim *s = n->sim;
	uint32_t place = place_of(n, h);

	if (!s->node_count)
		return;
	if (actions & LEASE_LAPSE)
		node_lease_past(s, n->index, place);
	if (actions & LEASE_FENCE)
		node_lease_gone(s, n->index, place);
	if (actions & (LEASE_HEALTHY | LEASE_DEGRADED))
		node_lease_health(s, n->index, place, actions & LEASE_HEALTHY);
}

static void lease_event(struct lease_node *n, struct lease_holder *h,
			const struct lease_event *event)
{
	unsigned actions = lease_step(&h->lease, event, lease_now(n));
	unsigned question = actions & (LEASE_SEND_ACQUIRE | LEASE_SEND_ASSERT | LEASE_SEND_RENEW);

	if (actions & LEASE_LAPSE)
		trace_line(n->sim, "lease: of shard %u at node %u is past", place_of(n, h),
			   n->index);
	if (question)
		question_send(n, h, question);
	if (actions & LEASE_FENCE)
		stand_by(n, h);
	if (actions & LEASE_ANNOUNCE)
		told(n, h);
	lease_check(n->sim, place_of(n, h));
	node_hears(n, h, actions);
}

/* ---- a shard that is its own from now on ---- */

static bool is_held(const struct lease_holder *h)
{
	return h->lease.state == LEASE_HELD || h->lease.state == LEASE_DOUBT;
}

static void live_note(struct leases *l, struct lease_place *place, uint64_t now_ns)
{
	struct leases_totals *t = &l->totals;
	uint64_t ns = now_ns - place->vacant_ns;

	place->turn++;
	t->taken++;
	if (place->given_ns) {
		uint64_t given_ns = now_ns - place->given_ns;

		t->handed++;
		t->handed_ns += given_ns;
		t->handed_max_ns = given_ns > t->handed_max_ns ? given_ns : t->handed_max_ns;
	}
	place->given_ns = 0;
	if (!place->vacant_ns)
		return;
	place->vacant_ns = 0;
	t->back++;
	t->back_ns += ns;
	t->back_max_ns = ns > t->back_max_ns ? ns : t->back_max_ns;
}

/* store_lease_lasts: who stood still meanwhile may have read calls that another one has by now. */
static bool lease_lasts(const struct lease_node *n, const struct lease_holder *h)
{
	const struct lease *l = &h->lease;

	return is_held(h) && l->epoch.counter == h->loads.counter &&
	       l->epoch.incarnation == h->loads.incarnation &&
	       lease_now(n) <= atomic_load_explicit(&l->valid_until_ns, memory_order_relaxed);
}

/* e->who: node; a: process; b: place */
static void on_loaded(struct sim *s, const struct event *e)
{
	struct lease_node *n = &s->leases->nodes[e->who];
	struct lease_holder *h = &n->holders[e->b];
	struct lease_place *place = &s->leases->places[e->b];

	if (!n->up || n->process != e->a || !h->loading || lease_node_stands(s, n, e))
		return;
	h->loading = false;
	h->retry_ns = lease_now(n) + RETRY_NS;
	if (!n->linked || !lease_lasts(n, h)) /* nothing can be loaded now */
		return;
	if (s->node_count && !node_lease_may_load(s, e->who, (uint32_t)e->b))
		return;
	live_note(s->leases, place, s->now_ns);
	h->live = true;
	h->turn = place->turn;
	h->live_ns = s->now_ns;
	trace_line(s, "lease: node %u has shard %u, epoch %llu", n->index, place_of(n, h),
		   (unsigned long long)h->lease.epoch.counter);
	lease_check(s, place_of(n, h));
	h->wants_until_ns = 0;
	if (!s->node_count)
		return;
	if (h->lease.state != LEASE_HELD)
		node_lease_health(s, e->who, (uint32_t)e->b, false);
	node_lease_live(s, e->who, (uint32_t)e->b, (uint32_t)h->lease.epoch.counter);
}

/* One shard after the other. */
static uint64_t load_takes_ns(struct lease_node *n, uint64_t us)
{
	uint64_t now_ns = n->sim->now_ns;

	if (n->loads_until_ns < now_ns)
		n->loads_until_ns = now_ns;
	n->loads_until_ns += us * NS_PER_US;
	return n->loads_until_ns - now_ns;
}

static void load(struct lease_node *n, struct lease_holder *h)
{
	const struct leases_settings *set = &n->sim->leases->set;
	uint64_t ns;

	if (h->loading || h->live)
		return;
	h->loading = true;
	h->loads = h->lease.epoch;
	if (set->call_us)
		ns = load_takes_ns(n, LOAD_US + set->calls / set->places * set->call_us);
	else
		ns = lease_between_us(n->sim, LOAD_US, 2 * LOAD_US);
	sim_after(n->sim, ns, on_loaded, n->index, n->process, place_of(n, h));
}

static void grant_take(struct lease_node *n, struct lease_holder *h)
{
	const struct lease_place *place = &n->sim->leases->places[place_of(n, h)];
	const struct lease_event claimed = { .type = LEASE_CLAIMED,
					     .epoch = h->grant.epoch,
					     .renewal = h->grant.renewal,
					     .sent_ns = h->grant.sent_ns };

	if (!h->grant_waits || h->lease.question)
		return;
	h->grant_waits = false;
	if (is_held(h))
		return;
	h->lease.link = 0;
	h->acquired = false;
	lease_name(&h->lease, &h->grant.named, lease_now(n));
	lease_event(n, h, &claimed);
	if (!n->linked)
		lease_event(n, h, &(struct lease_event){ .type = LEASE_LINK_DOWN });
	/* what Redis forgot nobody may know of */
	if (h->live && h->turn != place->turn && place->forgot_ns < h->live_ns)
		check_fail(n->sim,
			   "node %u goes on with shard %u as it knew it, and another one had it",
			   n->index, place_of(n, h));
	if (h->live && n->sim->node_count)
		node_lease_again(n->sim, n->index, place_of(n, h),
				 (uint32_t)h->lease.epoch.counter);
}

/* ---- what claims ask for ---- */

static void claims_look(uint16_t shard, void *arg)
{
	lease_ask(arg, &(struct lease_command){ .kind = COMMAND_LOOK, .place = shard - 1U });
}

static struct lease_grant grant_of(const struct claim *claim)
{
	return (struct lease_grant){ .epoch = claim->next,
				     .renewal = 1,
				     .sent_ns = claim->asked_ns,
				     .named = claim->next_named };
}

static void claims_claim(uint16_t shard, const struct claim *claim, void *arg)
{
	struct lease_node *n = arg;
	const struct lease_command c = { .kind = COMMAND_CLAIM,
					 .place = shard - 1U,
					 .seen = claim->seen,
					 .write = { .epoch = claim->next,
						    .owner = lease_node_id(n),
						    .renewal = 1,
						    .named = claim->next_named } };

	trace_line(n->sim, "lease: node %u claims shard %u", n->index, shard - 1U);
	lease_ask(n, &c);
}

static void claims_owned(uint16_t shard, const struct claim *claim, void *arg)
{
	struct lease_node *n = arg;
	struct lease_holder *h = holder_of(n, shard);

	h->grant = grant_of(claim);
	h->grant_waits = true;
	grant_take(n, h);
	load(n, h);
}

static bool claims_owning(uint16_t shard, void *arg)
{
	struct lease_node *n = arg;
	const struct lease_holder *h = holder_of(n, shard);

	return h->live && h->lease.state != LEASE_FENCED && h->lease.state != LEASE_LAPSED;
}

static void claims_heard(uint16_t shard, uint64_t from, uint64_t sent_ns, void *arg)
{
	struct lease_node *n = arg;
	const struct lease_event heard = { .type = LEASE_ACK, .from = from, .sent_ns = sent_ns };

	if (holder_of(n, shard)->known)
		lease_event(n, holder_of(n, shard), &heard);
}

static void claims_seen(uint16_t shard, struct lease_epoch epoch, void *arg)
{
	struct lease_node *n = arg;
	struct lease_holder *h = holder_of(n, shard);

	if (h->live && lease_epoch_above(epoch, h->lease.epoch))
		lease_event(n, h, &(struct lease_event){ .type = LEASE_SEEN, .epoch = epoch });
}

static void claims_renewed(uint16_t shard, struct lease_epoch epoch, void *arg)
{
	struct lease_node *n = arg;
	struct lease_holder *h = holder_of(n, shard);

	if (h->known && h->lease.state == LEASE_LAPSED)
		lease_event(n, h, &(struct lease_event){ .type = LEASE_RENEWED, .epoch = epoch });
}

static const struct claims_handlers g_handlers = { .look = claims_look,
						   .claim = claims_claim,
						   .owned = claims_owned,
						   .owning = claims_owning,
						   .heard = claims_heard,
						   .seen = claims_seen,
						   .renewed = claims_renewed,
						   .say = lease_say };

/* ---- answers of Redis ---- */

static void watch_note(struct lease_node *n, struct lease_holder *h, const struct lease_command *c)
{
	struct claim_lease found = { .epoch = c->found.epoch,
				     .renewal = c->found.renewal,
				     .named = c->found.named };

	if (h->watch_ns && h->watch.renewal == found.renewal &&
	    h->watch.epoch.counter == found.epoch.counter &&
	    h->watch.epoch.incarnation == found.epoch.incarnation) {
		h->watch.named = found.named;
		return;
	}
	h->watch = found;
	h->watch_ns = lease_now(n);
}

/* Another node asks for it. */
static void wanted(struct lease_node *n, struct lease_holder *h, uint32_t by)
{
	if (!h->live || h->gives_to || by == 1 + n->index)
		return;
	h->gives_to = by;
	h->gives_ns = lease_now(n);
	if (n->sim->node_count)
		node_lease_wanted(n->sim, n->index, place_of(n, h));
}

static void question_answered(struct lease_node *n, struct lease_holder *h,
			      const struct lease_command *c)
{
	struct lease_event event = { .type = c->result, .answer = true };

	if (c->result == LEASE_GRANTED)
		event.epoch = c->write.epoch;
	else if (c->result != LEASE_UNKNOWN && c->result != LEASE_MISSING)
		event.epoch = c->found.epoch;
	event.kept = c->result == LEASE_GRANTED;
	if (c->result == LEASE_TAKEN)
		watch_note(n, h, c);
	if (c->what == LEASE_SEND_ACQUIRE && c->result == LEASE_GRANTED)
		lease_name(&h->lease, &c->write.named, lease_now(n));
	h->acquired |= c->what == LEASE_SEND_ACQUIRE && c->result == LEASE_GRANTED;
	lease_event(n, h, &event);
	if (c->what == LEASE_SEND_RENEW && c->result == LEASE_GRANTED && c->want)
		wanted(n, h, c->want);
	if (c->what == LEASE_SEND_ACQUIRE && c->result == LEASE_GRANTED)
		load(n, h);
	grant_take(n, h);
}

void lease_answered(struct lease_node *n, const struct lease_command *c)
{
	struct lease_holder *h = &n->holders[c->place];
	uint16_t shard = (uint16_t)(1 + c->place);
	const struct claim_lease found = { .history = c->history,
					   .epoch = c->found.epoch,
					   .owner = c->found.owner,
					   .renewal = c->found.renewal,
					   .named = c->found.named };

	if (c->kind == COMMAND_LOOK)
		claims_looked(n->claims, shard, c->result == LEASE_UNKNOWN ? NULL : &found,
			      lease_now(n));
	else if (c->kind == COMMAND_CLAIM)
		claims_answered(n->claims, shard, c->result == LEASE_GRANTED, true, lease_now(n));
	else if (c->kind == COMMAND_QUESTION)
		question_answered(n, h, c);
}

void lease_link_told(struct lease_node *n, bool connected)
{
	const struct lease_event event = { .type = connected ? LEASE_LINK_UP : LEASE_LINK_DOWN };

	for (uint32_t i = 0; i < n->sim->leases->set.places; i++) {
		if (!n->holders[i].known)
			continue;
		if (!connected) /* the next one may be another Redis */
			n->holders[i].watch_ns = 0;
		lease_event(n, &n->holders[i], &event);
	}
}

/* ---- other nodes ---- */

void lease_heard(struct lease_node *n, uint32_t from, const struct peer_item *item)
{
	n->received_ns[from] = lease_now(n);
	n->left[from] = item->kind == PEER_LEAVING || (item->kind != PEER_HELLO && n->left[from]);
	if (item->kind != PEER_HELLO && item->kind != PEER_LEAVING)
		claims_item(n->claims, item, item->kind == PEER_DEAD ? 0 : from + 1, lease_now(n));
}

static bool is_peer(const struct lease_node *n, uint32_t other)
{
	uint32_t pod = n->sim->leases->set.watched;

	return other != n->index && other / pod == n->index / pod;
}

void lease_hello(struct lease_node *n, enum peer_kind kind)
{
	const struct peer_item item = { .kind = kind };

	for (uint32_t i = 0; i < n->sim->leases->set.nodes; i++) {
		if (is_peer(n, i))
			lease_say(i + 1, &item, n);
	}
}

static bool members_are_same(const struct members *a, const struct members *b)
{
	return a->count == b->count && !memcmp(a->ids, b->ids, a->count * sizeof(a->ids[0]));
}

static void names_turn(struct lease_node *n)
{
	struct member others[LEASES_NODES];
	uint32_t count = 0;

	for (uint32_t i = 0; i < n->sim->leases->set.nodes; i++) {
		if (is_peer(n, i))
			others[count++] = (struct member){ i + 1, n->received_ns[i], n->left[i] };
	}
	for (uint32_t i = 0; i < n->sim->leases->set.places; i++) {
		struct lease_holder *h = &n->holders[i];
		struct members next;

		if (!h->live)
			continue;
		members_next(&next, names_to_write(&h->lease), others, count, lease_now(n));
		if (!members_are_same(&next, names_to_write(&h->lease)))
			lease_name(&h->lease, &next, lease_now(n));
	}
}

/* ---- time ---- */

static void acquire(struct lease_node *n, struct lease_holder *h)
{
	const struct claim *c = claims_of(n->claims, (uint16_t)(1 + place_of(n, h)));

	if (lease_epoch_above(c->heard, h->lease.epoch))
		lease_event(n, h, &(struct lease_event){ .type = LEASE_SEEN, .epoch = c->heard });
	lease_event(n, h, &(struct lease_event){ .type = LEASE_WANT });
}

static void give(struct lease_node *n, struct lease_holder *h)
{
	const struct lease_command c = { .kind = COMMAND_GIVE,
					 .what = h->gives_to - 1,
					 .place = place_of(n, h),
					 .write = to_write(n, &h->lease) };

	lease_event(n, h, &(struct lease_event){ .type = LEASE_GIVE });
	stand_by(n, h);
	if (n->sim->node_count)
		node_lease_give(n->sim, n->index, place_of(n, h));
	n->sim->leases->places[place_of(n, h)].given_ns = n->sim->now_ns;
	lease_ask(n, &c);
}

/* app/node/node_hand.c */
static void give_turn(struct lease_node *n, struct lease_holder *h)
{
	const struct lease *l = &h->lease;

	if (!h->live || !h->gives_to)
		return;
	if (l->state == LEASE_HELD && !l->question &&
	    (!n->sim->node_count || node_lease_may_give(n->sim, n->index, place_of(n, h)))) {
		give(n, h);
	} else if (l->state == LEASE_LAPSED || lease_now(n) > h->gives_ns + GIVE_NS) {
		h->gives_to = 0;
		if (n->sim->node_count)
			node_lease_stays(n->sim, n->index, place_of(n, h));
	}
}

static void acquire_turn(struct lease_node *n, struct lease_holder *h)
{
	bool wants = lease_now(n) < h->wants_until_ns;

	if (h->live || h->loading || lease_now(n) < h->retry_ns)
		return;
	h->retry_ns = lease_now(n) + (wants ? 0 : RETRY_NS);
	if (is_held(h))
		load(n, h);
	else if (n->linked && !h->lease.question)
		acquire(n, h);
}

static void holder_turn(struct lease_node *n, struct lease_holder *h)
{
	const struct lease *l = &h->lease;
	bool tells = lease_tells(l);

	if (!h->known)
		return;
	if (lease_now(n) >= l->next_ns || (tells && lease_now(n) >= l->tell_ns))
		lease_event(n, h, &(struct lease_event){ .type = LEASE_TIMER });
	give_turn(n, h);
	acquire_turn(n, h);
}

static uint32_t ticks(const struct sim *s)
{
	return s->node_count ? TICKS_OF_NODES : TICKS;
}

static void node_turn(struct lease_node *n, uint64_t tick)
{
	const struct leases_settings *set = &n->sim->leases->set;
	uint64_t third_ns = set->length_ns / 3, now_ns = lease_now(n);

	for (uint32_t i = 0; i < set->places; i++)
		holder_turn(n, &n->holders[i]);
	if (tick % (ticks(n->sim) / BEATS) == 0)
		claims_beat(n->claims, now_ns);
	if (now_ns >= n->hello_ns) {
		n->hello_ns = now_ns + (third_ns < HELLO_NS ? third_ns : HELLO_NS);
		lease_hello(n, PEER_HELLO);
	}
	if (now_ns >= n->names_ns) {
		n->names_ns = now_ns + NAMES_NS;
		names_turn(n);
	}
}

/* e->who: node; a: process; b: how many there were */
static void on_tick(struct sim *s, const struct event *e)
{
	struct lease_node *n = &s->leases->nodes[e->who];

	if (s->leases->rests || !n->up || n->process != e->a || lease_node_stands(s, n, e))
		return;
	node_turn(n, e->b);
	sim_after(s, s->leases->set.length_ns / ticks(s) * 1000 / n->rate, on_tick, e->who, e->a,
		  e->b + 1);
}

/* ---- what the node around it says ---- */

void leases_want(struct sim *s, uint32_t node, uint32_t place)
{
	struct lease_node *n = &s->leases->nodes[node];
	struct lease_holder *h = &n->holders[place];

	if (!n->up || h->live || h->loading || h->wants_until_ns > lease_now(n))
		return;
	h->wants_until_ns = lease_now(n) + WANT_NS;
	h->retry_ns = 0;
	lease_ask(n, &(struct lease_command){ .kind = COMMAND_WANT, .place = place });
}

void leases_come_home(struct sim *s, uint32_t node)
{
	for (uint32_t i = 0; i < s->leases->set.places; i++) {
		if (s->leases->nodes[node].holders[i].home)
			leases_want(s, node, i);
	}
}

/* Each by the next of those that know it. */
void leases_drain(struct sim *s, uint32_t node)
{
	const struct leases *l = s->leases;
	uint32_t pod = node / l->set.watched * l->set.watched, to = node;

	for (uint32_t i = 0; i < l->set.places; i++) {
		uint32_t size =
			l->set.nodes - pod < l->set.watched ? l->set.nodes - pod : l->set.watched;

		if (!l->nodes[node].holders[i].live)
			continue;
		to = pod + (to - pod + 1) % size;
		if (to == node)
			to = pod + (to - pod + 1) % size;
		leases_want(s, to, i);
	}
}

static void told_of_save(struct sim *s, uint32_t node, uint32_t place, const struct lease_event *e)
{
	struct lease_node *n = &s->leases->nodes[node];

	if (n->up && n->holders[place].live && !leases_stands(s, node) && !s->leases->rests)
		lease_event(n, &n->holders[place], e);
}

void leases_late(struct sim *s, uint32_t node, uint32_t place)
{
	told_of_save(s, node, place, &(struct lease_event){ .type = LEASE_LATE });
}

void leases_acked(struct sim *s, uint32_t node, uint32_t place)
{
	told_of_save(s, node, place, &(struct lease_event){ .type = LEASE_ACKED });
}

bool leases_admit(const struct sim *s, uint32_t node, uint32_t place, uint32_t epoch)
{
	const struct redis_lease *have = &s->leases->redis[place];

	return have->has && have->owner == 1 + node && have->epoch.counter == epoch;
}

bool leases_refused(struct sim *s, uint32_t node, uint32_t place)
{
	const struct redis_lease *have = &s->leases->redis[place];
	const struct lease *l = &s->leases->nodes[node].holders[place].lease;
	struct lease_event e = { .type = have->has && have->owner ? LEASE_SEEN : LEASE_MISSING,
				 .epoch = have->epoch };
	bool other = have->has && lease_epoch_above(have->epoch, l->epoch);

	told_of_save(s, node, place, &e);
	return other;
}

/* ---- life ---- */

static void holder_open(struct lease_node *n, uint32_t place)
{
	const struct leases *l = n->sim->leases;
	struct lease_holder *h = &n->holders[place];
	uint32_t home = place / (l->set.places / l->set.nodes);
	int err;

	*h = (struct lease_holder){ .known = home == n->index || is_peer(n, home),
				    .home = home == n->index };
	if (!h->known)
		return;
	/* another node's is taken when its own one had time to */
	h->retry_ns = h->home ? 0 : lease_now(n) + RETRY_NS;
	lease_open(&h->lease, rand_u64_from(&n->sim->leases->rand) | 1, l->set.length_ns);
	err = claims_watch(n->claims, (uint16_t)(1 + place), lease_now(n));
	assert(!err);
	(void)err;
}

void lease_node_start(struct lease_node *n)
{
	struct leases *l = n->sim->leases;
	int err;

	n->up = true;
	n->process = ++l->processes;
	n->linked = false;
	n->started_ns = n->sim->now_ns;
	n->hello_ns = n->names_ns = 0;
	n->stands_until_ns = 0;
	memset(n->received_ns, 0, sizeof(n->received_ns));
	memset(n->left, 0, sizeof(n->left));
	err = claims_open(&n->claims, lease_node_id(n), rand_u64_from(&l->rand) | 1,
			  l->set.length_ns, &g_handlers, n);
	assert(!err);
	(void)err;
	for (uint32_t i = 0; i < l->set.places; i++)
		holder_open(n, i);
	if (!l->away && !n->asks_cut && !n->answers_cut)
		lease_link_up(n);
	sim_after(n->sim, lease_between_us(n->sim, 0, 50000), on_tick, n->index, n->process, 0);
}
