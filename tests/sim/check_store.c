/* SPDX-License-Identifier: Apache-2.0 */
/* What the store is asked to keep, and what of it a successor finds. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sig/model/call.h"
#include "sig/sip/id.h"
#include "tests/sim/sim.h"

void check_fail(struct sim *s, const char *fmt, ...)
{
	va_list args;

	if (s->check.broken[0])
		return; /* the first one is the story */
	va_start(args, fmt);
	(void)vsnprintf(s->check.broken, sizeof(s->check.broken), fmt, args);
	va_end(args);
	trace_line(s, "BROKEN: %s", s->check.broken);
}

struct seen *check_seen(struct sim *s, uint64_t call)
{
	for (uint32_t i = 0; i < s->check.seen_count; i++) {
		if (s->check.seen[i].call == call)
			return &s->check.seen[i];
	}
	return NULL;
}

bool check_took(struct sim *s, uint64_t call)
{
	const struct seen *seen = check_seen(s, call);

	return seen && seen->excused && seen->crashes;
}

void check_sets(struct sim *s, uint64_t call)
{
	struct seen *seen = check_seen(s, call);

	if (seen)
		seen->is_code = true;
}

void check_keyed(struct sim *s, uint64_t call, uint8_t leg)
{
	struct seen *seen = check_seen(s, call);

	if (seen)
		seen->keyed[leg] = (struct seen_bye){ .waits = true };
}

void check_flight(struct sim *s, uint64_t call, uint8_t leg)
{
	const struct seen *seen = check_seen(s, call);

	if (!seen || seen->excused || node_of_call(s, call)->degraded)
		return;
	if (seen->keyed[leg].waits || seen->stored < seen->keyed[leg].need)
		check_fail(s, "call %" PRIx64 ": a handshake ends before its keys are saved", call);
}

void check_split(struct sim *s, uint64_t call, uint64_t other)
{
	struct check *k = &s->check;
	struct seen *seen = check_seen(s, call);

	if (seen)
		seen->split = true;
	if (check_born(s, other) == other && k->split_count < SEEN_MAX)
		k->splits[k->split_count++] = (struct check_split){ other, check_born(s, call) };
}

uint64_t check_born(const struct sim *s, uint64_t call)
{
	for (uint32_t i = 0; i < s->check.split_count; i++) {
		if (s->check.splits[i].call == call)
			return s->check.splits[i].born;
	}
	return call;
}

static struct seen *see(struct sim *s, uint64_t call)
{
	struct seen *seen = check_seen(s, call);
	const struct shard *core = node_core(s, call);
	struct call_view v;

	if (seen)
		return seen;
	if (s->check.seen_count == SEEN_MAX) {
		check_fail(s, "more calls than phones made");
		return &s->check.seen[0];
	}
	seen = &s->check.seen[s->check.seen_count++];
	seen->call = call;
	seen->split = check_born(s, call) != call;
	if (core && shard_call_view(core, call, &v) && v.sip_call_id[0])
		(void)snprintf(seen->call_id, sizeof(seen->call_id), "%s",
			       text_str(v.sip_call_id[0]));
	return seen;
}

static void know(struct seen_bye *list, size_t n, uint64_t version)
{
	for (size_t i = 0; i < n; i++) {
		if (list[i].waits)
			list[i].need = version;
		list[i].waits = false;
	}
}

/* What came or left until now is in that version; 0: nobody waits for it. */
static void know_all(struct seen *seen, uint64_t version)
{
	know(seen->byes, COUNT_OF(seen->byes), version);
	know(seen->refers, COUNT_OF(seen->refers), version);
	know(seen->given_up, COUNT_OF(seen->given_up), version);
	know(seen->pracks, COUNT_OF(seen->pracks), version);
	know(seen->keyed, COUNT_OF(seen->keyed), version);
}

static void forget(struct seen_bye *list, size_t n, uint64_t version)
{
	for (size_t i = 0; i < n; i++) {
		if (list[i].waits || version < list[i].need)
			list[i] = (struct seen_bye){ 0 };
	}
}

/* A BYE came or left that no record knows. Who came and is in the record is not asked for again. */
static bool forgets_byes(struct seen *seen, uint64_t version)
{
	bool forgets = false;

	memset(seen->keyed, 0, sizeof(seen->keyed));
	forget(seen->pracks, COUNT_OF(seen->pracks), version);
	forget(seen->given_up, COUNT_OF(seen->given_up), version);
	for (uint32_t i = 0; i < COUNT_OF(seen->byes); i++) {
		bool unknown = seen->byes[i].waits || version < seen->byes[i].need;

		forgets |= unknown;
		if (unknown || i < SEEN_LEGS)
			seen->byes[i] = (struct seen_bye){ 0 };
	}
	return forgets;
}

/* The store being away, a REFER was accepted that no record knows. */
static bool forgets_refers(struct seen *seen, uint64_t version)
{
	bool forgets = false;

	for (uint32_t i = 0; i < COUNT_OF(seen->refers); i++)
		forgets |= seen->refers[i].waits || version < seen->refers[i].need;
	memset(seen->refers, 0, sizeof(seen->refers));
	return forgets && seen->excused;
}

void check_save(struct sim *s, const struct node_shard *shard, const struct effect *e)
{
	const struct request_save *save = e->request; /* of a call */
	struct seen *seen = e->kind == EFFECT_BINDING_SAVE ? NULL : see(s, e->call);

	if (shard && shard->fenced)
		check_fail(s, "a node that has lost its shard saves");
	if (!seen)
		return;
	if (!shard || shard->number != id_shard(e->call))
		check_fail(s, "call %" PRIx64 " is saved by another shard", e->call);
	seen->excused |= node_of_call(s, e->call)->degraded;
	know_all(seen, e->kind == EFFECT_CALL_SAVE ? save->version : 0);
	if (e->kind == EFFECT_CALL_END) {
		seen->ended = true;
		return;
	}
	if (seen->ended)
		check_fail(s, "call %" PRIx64 " is saved after its end", e->call);
	if (save->version <= seen->stored)
		check_fail(s, "call %" PRIx64 ": version %" PRIu64 " after %" PRIu64, e->call,
			   save->version, seen->stored);
	seen->asked = save->version;
	if (seen->waiting) {
		seen->waiting = false;
		seen->need = save->version;
		if (!seen->open)
			seen->promised = seen->need;
	}
	trace_line(s, "node: saves call %" PRIx64 " version %" PRIu64, e->call, save->version);
}

void check_stored(struct sim *s, uint64_t call, uint64_t version)
{
	struct seen *seen = see(s, call);

	seen->stored = version;
	seen->fresh = false;
}

/* Until it is told again a kill may cost it. */
void check_forgotten(struct sim *s, uint64_t call, uint64_t version)
{
	struct seen *seen = see(s, call);

	seen->stored = version;
	seen->forgiven = seen->asked;
	seen->repeats = true;
	seen->excused = true;
}

void check_all_stored(struct sim *s)
{
	struct node_calls cursor = { 0 };
	struct call_view v;

	while (!s->store.down && node_call_next(s, &cursor, &v)) {
		const struct store_call *record = store_find(&s->store, v.call);
		const struct seen *seen = check_seen(s, v.call);

		if (node_of_call(s, v.call)->degraded || node_of_call(s, v.call)->cut ||
		    (seen && seen->cdrs)) /* its end is stored, and the answer on its way */
			continue;
		if (v.saved && (!record || record->version < v.version))
			check_fail(s,
				   "call %" PRIx64
				   " is saved, says the node, and the store has %" PRIu64
				   " of %" PRIu64,
				   v.call, record ? record->version : 0, v.version);
		s->totals.looked_up++;
	}
}

void check_saved(struct sim *s, const struct store_command *c, bool ok)
{
	struct seen *seen = c->kind == EFFECT_CALL_SAVE ? check_seen(s, c->call) : NULL;

	if (!seen || ok)
		return;
	seen->excused = true;
	if (c->version > seen->forgiven)
		seen->forgiven = c->version;
}

void check_degraded(const struct node *n)
{
	struct check *k = &n->sim->check;

	for (uint32_t i = 0; n->degraded && i < k->seen_count; i++)
		k->seen[i].excused |= node_of_call(n->sim, k->seen[i].call) == n;
}

void check_stored_call(struct sim *s, uint64_t call)
{
	const struct seen *seen = check_seen(s, call);

	if (!store_find(&s->store, call) && !(seen && seen->cdrs))
		check_fail(s, "an order to call %" PRIx64 " is acknowledged and not stored", call);
}

void check_ordered(struct sim *s, const struct node_order *o, uint32_t number)
{
	if (o->number && o->number != number && number <= o->number + ORDERS_KEPT &&
	    !s->totals.forgotten)
		check_fail(s, "order %" PRIu64 " to call %" PRIx64 " was number %u, and now is %u",
			   o->id, o->call, o->number, number);
	for (uint32_t i = 0; i < s->orders.count && !s->totals.forgotten; i++) {
		const struct node_order *other = &s->orders.list[i];

		if (other != o && other->call == o->call && other->number == number)
			check_fail(s, "two orders are number %u of call %" PRIx64, number, o->call);
	}
	check_stored_call(s, o->call);
}

void check_cdrs(struct sim *s, const struct cdr *cdr, uint32_t n)
{
	struct seen *seen = see(s, cdr->call);

	if (s->sabotage == SABOTAGE_NO_CDR)
		return;
	if (seen->cdrs) /* the real store knows the ends it has taken */
		return;
	seen->cdrs = s->sabotage == SABOTAGE_TWO_CDRS ? 2 : 1;
	seen->cdr = *cdr;
	seen->pairs = n;
	s->totals.cdrs++;
	trace_line(s, "store: CDR of call %" PRIx64 ": %u, %s", cdr->call, cdr->sip_status,
		   cdr->reason);
	check_segments(s, seen, cdr, n);
	recorder_cdrs(s, seen, cdr, n);
	check_ended(s, cdr->call);
}

static void crashed(struct seen *seen)
{
	if (seen->cdrs == 0)
		seen->crashes++;
	seen->ended = false; /* its successor may have to say it again */
}

void check_crashed(const struct node *n)
{
	struct check *k = &n->sim->check;

	for (uint32_t i = 0; i < k->seen_count; i++) {
		if (node_of_call(n->sim, k->seen[i].call) == n)
			crashed(&k->seen[i]);
	}
	for (uint32_t i = 0; i < n->shard_count; i++) {
		if (node_shard_is_owner(n, &n->shards[i]))
			check_lamps_crashed(n->sim, n->shards[i].number);
	}
}

void check_stood(struct sim *s, const struct node *n)
{
	for (uint32_t i = 0; i < s->check.seen_count; i++)
		s->check.seen[i].stood |= node_of_call(s, s->check.seen[i].call) == n;
}

void check_shard_lost(const struct node *n, const struct node_shard *shard)
{
	struct check *k = &n->sim->check;

	for (uint32_t i = 0; i < k->seen_count; i++) {
		if (id_shard(k->seen[i].call) == shard->number)
			crashed(&k->seen[i]);
	}
	check_lamps_crashed(n->sim, shard->number);
}

static bool is_of_others(const struct node *n, const struct node_shard *shard)
{
	for (uint32_t i = 0; i < n->shard_count; i++) {
		struct shard *core = n->shards[i].core;

		if (core && core != shard->core && shard_effects(core)->count)
			return true;
	}
	return false;
}

void check_shard_silent(const struct node *n, const struct node_shard *shard)
{
	struct sim *s = n->sim;

	for (uint32_t i = 0; i < ENGINE_FLOWS_MAX; i++) {
		const struct engine_flow *f = &s->engine.flows[i];

		if (f->open && !f->closing && f->node == n &&
		    id_shard(f->spec.call) == shard->number)
			check_fail(s, "call %" PRIx64 " of a lost shard has media", f->spec.call);
	}
	if (is_of_others(n, shard))
		check_fail(s, "the loss of shard %u is felt by others", shard->number);
}

/* The call of a seen one as its caller has it, or NULL. */
static struct phone_call *caller_of(struct sim *s, const struct seen *seen)
{
	for (uint32_t i = 0; i < s->phones.count; i++) {
		struct phone *p = &s->phones.list[i];

		for (uint32_t k = 0; k < p->call_count; k++) {
			if (p->calls[k]->caller && seen->call_id[0] &&
			    strcmp(p->calls[k]->call_id, seen->call_id) == 0)
				return p->calls[k];
		}
	}
	return NULL;
}

static void look_for(struct sim *s, struct seen *seen)
{
	const struct store_call *record = store_find(&s->store, seen->call);
	bool lost = !record || seen->waiting || record->version < seen->need;
	bool forgets_refer = forgets_refers(seen, record ? record->version : 0);

	if (seen->cdrs)
		return;
	/* nobody was promised more than the first version, and what our last 2xx left for: also at the next kill */
	if (seen->said && !seen->excused &&
	    (record ? record->version < seen->promised : !seen->waiting))
		check_fail(s, "call %" PRIx64 " is lost: needs version %" PRIu64 ", has %" PRIu64,
			   seen->call, seen->promised, record ? record->version : 0);
	/* a BYE of ours waits for no save, and nothing does while the store is away: the successor may hold a call that both sides
	 * have left, until their silence ends it */
	seen->weak |= lost;
	seen->stale |= !lost && (forgets_byes(seen, record->version) || forgets_refer ||
				 (seen->excused && record->version < seen->asked));
	seen->repeats |= seen->fresh;
	seen->fresh = true;
	seen->asked = seen->stored = record ? record->version : 0;
	/* of an answer that was not saved, and of branches given up for it, the successor knows nothing: the next one counts */
	if (seen->waiting || seen->stored < seen->need) {
		seen->open = false;
		memset(seen->answer_cseq, 0, sizeof(seen->answer_cseq));
	}
	forget(seen->given_up, COUNT_OF(seen->given_up), seen->stored);
	seen->waiting = false;
	recorder_found(s, seen->call, seen->stored);
}

/* Over a connection an INVITE is said once: before the first save it may be lost. And while the store is away 100 waits for nothing. */
static bool is_said_again(struct sim *s, const struct phone_call *c)
{
	return c->phone->transport == SIP_UDP && !check_took(s, c->node_call);
}

static void excuse_callers(const struct node *n)
{
	struct sim *s = n->sim;

	for (uint32_t i = 0; i < s->phones.count; i++) {
		struct phone *p = &s->phones.list[i];

		for (uint32_t k = 0; k < p->call_count; k++) {
			if (node_of_place(s, node_place_of_call(s, p->calls[k]->node_call,
								p->calls[k]->node)) == n &&
			    p->calls[k]->caller && p->calls[k]->state == PC_CALLING &&
			    !is_said_again(s, p->calls[k]))
				p->calls[k]->excused = true;
		}
	}
	for (uint32_t i = 0; i < s->check.seen_count; i++) {
		struct phone_call *c = caller_of(s, &s->check.seen[i]);

		if (c && store_find(&s->store, s->check.seen[i].call))
			c->excused = false;
	}
}

void check_restored(struct node *n)
{
	struct sim *s = n->sim;

	n->restored_ns = s->now_ns;
	check_follow(s);
	for (uint32_t i = 0; i < s->check.seen_count; i++) {
		if (node_of_call(s, s->check.seen[i].call) == n)
			look_for(s, &s->check.seen[i]);
	}
	excuse_callers(n);
}

void check_taken(struct node *n, const struct node_shard *shard)
{
	struct sim *s = n->sim;

	n->restored_ns = s->now_ns;
	check_follow(s);
	check_parted(s);
	check_taken_unread(n);
	for (uint32_t i = 0; i < s->check.seen_count; i++) {
		if (id_shard(s->check.seen[i].call) == shard->number)
			look_for(s, &s->check.seen[i]);
	}
	excuse_callers(n);
}
