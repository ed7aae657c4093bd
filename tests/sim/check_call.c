/* SPDX-License-Identifier: Apache-2.0 */
/* What the two ends of a call believe, and what the node knows of it. */
#include <inttypes.h>

#include "sig/shard/shard_state.h"
#include "sig/sip/id.h"
#include "tests/sim/sim.h"

/* BYE may take 64*T1 to the node and 64*T1 on, and the node may be away. */
#define END_NS     (100 * NS_PER_S)
#define SETTLED_NS (40 * NS_PER_S)
#define GIVEN_NS \
	(110 *   \
	 NS_PER_S) /* NOTIFY, the INVITE of who is given away, and BYE, all without an answer */
enum { EFFECTS_MAX = 400 };

/* Killed behind its ACK to a 2xx that no save knew, the store being away: no record knows the tag for a BYE. */
static bool is_left_over(struct sim *s, const struct phone_call *c)
{
	const struct seen *seen = check_seen(s, c->node_call);

	return seen && seen->crashes && c->crossed && seen->excused;
}

struct phone_call *check_next_end(struct sim *s, uint64_t call, const struct phone_call *after)
{
	bool found = !after;

	for (uint32_t i = 0; i < s->phones.count; i++) {
		struct phone *p = &s->phones.list[i];

		for (uint32_t k = 0; k < p->call_count; k++) {
			struct phone_call *c = p->calls[k];

			if (found && c->node_call == call && c->state == PC_TALKING &&
			    (c->caller || c->acked) && !is_left_over(s, c))
				return c;
			found |= c == after;
		}
	}
	return NULL;
}

uint64_t check_call_of(const struct sim *s, const struct phone_call *c)
{
	struct id_tag id;
	struct shard *core;

	if (id_tag_get(bytes_str(c->remote_tag), &id))
		return c->node_call;
	core = node_core(s, id.call);
	if (!core)
		return c->node_call;
	forward_follow(&core->elsewhere, &id);
	return id.call;
}

void check_follow(struct sim *s)
{
	for (uint32_t i = 0; i < s->phones.count; i++) {
		struct phone *p = &s->phones.list[i];

		for (uint32_t k = 0; k < p->call_count; k++) {
			struct phone_call *c = p->calls[k];

			if (c->state == PC_TALKING)
				c->node_call = check_call_of(s, c);
		}
	}
	check_far_follow(s);
}

static bool is_settled(const struct sim *s, const struct seen *seen, uint64_t since_ns)
{
	return s->now_ns - since_ns > (seen->given ? GIVEN_NS : SETTLED_NS);
}

static void look_at_call(struct sim *s, const struct seen *seen)
{
	struct phone_call *one = check_next_end(s, seen->call, NULL);
	struct phone_call *two = one ? check_next_end(s, seen->call, one) : NULL;
	struct phone_call *three = two ? check_next_end(s, seen->call, two) : NULL;
	struct shard *core = node_core(s, seen->call);
	struct call_view v;

	if (!core || !two || seen->weak || seen->stale || seen->split)
		return;
	if ((seen->given || one->caller != two->caller) && !shard_call_view(core, seen->call, &v))
		check_fail(s, "call %" PRIx64 " goes on without the node", seen->call);
	if (!three)
		return;
	/* a successor gives CANCEL its time again (RFC 3261 9.1) */
	if (is_settled(s, seen, three->answer_ns) && is_settled(s, seen, two->answer_ns) &&
	    is_settled(s, seen, one->answer_ns) && is_settled(s, seen, seen->joined_ns) &&
	    is_settled(s, seen, node_of_call(s, seen->call)->restored_ns))
		check_fail(s, "call %" PRIx64 " has three ends", seen->call);
}

void check_step(struct sim *s)
{
	const char *wrong = engine_look(&s->engine);

	if (wrong)
		check_fail(s, "%s", wrong);
	for (uint32_t i = 0; i < s->check.seen_count; i++) {
		if (s->check.seen[i].cdrs == 0)
			look_at_call(s, &s->check.seen[i]);
	}
	recorder_look(s);
	check_rooms(s);
}

void check_effects(struct sim *s, uint32_t count)
{
	if (count > s->check.effects_max)
		s->check.effects_max = count;
	if (count > EFFECTS_MAX)
		check_fail(s, "one step has %u effects", count);
}

void check_answered(struct sim *s, const struct phone_call *c)
{
	struct seen *seen = check_seen(s, c->node_call);

	if (!seen && !node_of_call(s, c->node_call)->degraded)
		check_fail(s, "%s is answered, and the node has no such call", c->call_id);
}

/* Nobody listens for silence: media time-outs are off, or a party is on hold. */
static bool is_deaf(struct sim *s, const struct seen *seen)
{
	bool deaf = s->nodes[0].settings.media_timeout_ns == 0 || seen->held;

	for (uint32_t i = 0; i < s->phones.count; i++) {
		const struct phone *p = &s->phones.list[i];

		for (uint32_t k = 0; k < p->call_count; k++)
			deaf |= p->calls[k]->node_call == seen->call && p->calls[k]->sdp.held;
	}
	return deaf;
}

/* Of a conversation over shards the end that is silent, and what tells the node not to listen, may be in either call. */
bool check_waits_for_ever(struct sim *s, const struct seen *seen)
{
	const struct seen *far = check_far_of(s, seen->call);
	bool silent = seen->abandoned || seen->stale || (far && (far->abandoned || far->stale)) ||
		      check_far_is_forgotten(s, seen->call);

	return seen->weak || (far && far->weak) ||
	       (silent && (is_deaf(s, seen) || (far && is_deaf(s, far))));
}

/* Where the clock was set a registration may have run out between two connections: nobody knows who came back. Nor is it known of a phone
 * whose extension is none any more. */
static bool has_lost_its_way(const struct sim *s, const struct phone *p)
{
	return p->transport != SIP_UDP && (s->totals.steps || document_shuts_out(s, p->extension));
}

static uint64_t left_ns(const struct phone_call *c)
{
	return c->bye_ns ? c->bye_ns : c->end_ns;
}

bool check_is_alone(struct sim *s, const struct phone_call *c)
{
	if (check_next_end(s, c->node_call, NULL) != c || check_next_end(s, c->node_call, c))
		return false;
	for (uint32_t i = 0; i < s->phones.count; i++) {
		const struct phone *p = &s->phones.list[i];

		for (uint32_t k = 0; k < p->call_count; k++) {
			const struct phone_call *other = p->calls[k];

			if (other != c && other->node_call == c->node_call &&
			    (other->state == PC_RINGING || left_ns(other) + END_NS > s->now_ns))
				return false;
		}
	}
	return true;
}

static void on_ended(struct sim *s, const struct event *e)
{
	const struct seen *seen = check_seen(s, e->a);
	const struct phone_call *c = check_next_end(s, e->a, NULL);

	if (c && seen && !seen->split && !seen->weak && !seen->stale && !seen->excused &&
	    !has_lost_its_way(s, c->phone) && !check_is_parted(s, e->a))
		check_fail(s, "call %" PRIx64 " has ended, and %s#%u still talks", e->a,
			   c->phone->user, c->phone->index);
}

void check_ended(struct sim *s, uint64_t call)
{
	sim_after(s, END_NS, on_ended, 0, call, 0);
}

/* The store was away, and a kill took its answer: the successor asked it again with the same INVITE, which it took for another call in the
 * end. Nobody has the tag of the first one. */
static bool was_asked_anew(const struct seen *seen, const struct phone_call *c)
{
	bool excused = seen && seen->excused && seen->crashes && !c->caller;

	for (uint32_t i = 0; excused && i < c->phone->call_count; i++) {
		const struct phone_call *later = c->phone->calls[i];

		if (later != c && !later->caller && later->begin_ns > c->begin_ns &&
		    !strcmp(later->call_id, c->call_id))
			return true;
	}
	return false;
}

static void on_should_be_over(struct sim *s, const struct event *e)
{
	const struct phone_call *c = s->phones.list[e->who].calls[e->a];
	const struct seen *seen = check_seen(s, c->node_call);
	const struct seen *far = check_far_of(s, c->node_call);
	struct phone_call *other = check_next_end(s, c->node_call, NULL);

	if (other && seen && seen->split)
		return;
	if (other && check_far_is_there(s, c->node_call))
		return; /* it speaks with somebody of another shard */
	if (other && check_room_of(s, c->node_call))
		return; /* ... or is given to a conference, where it may be alone */
	if (other && far && far->by_node)
		return; /* ... or with an application there */
	if (other && seen && seen->given && (seen->by_node || !check_is_alone(s, other)))
		return; /* those who go on without it, perhaps with an application */
	/* where a registration was promised without a save, and is lost, nobody knows who came back */
	if (other && other->phone->transport != SIP_UDP && check_took(s, c->node_call))
		return;
	if (other && was_asked_anew(seen, other))
		return;
	if (other && (has_lost_its_way(s, other->phone) || check_is_parted(s, c->node_call)))
		return;
	/* each process listens for silence anew */
	if (other && s->now_ns - node_of_call(s, c->node_call)->restored_ns <= SETTLED_NS) {
		sim_after(s, SETTLED_NS, on_should_be_over, e->who, e->a, e->b);
		return;
	}
	if (other && (!seen || !check_waits_for_ever(s, seen)))
		check_fail(s, "%s hung up %s long ago, and %s#%u still talks", c->phone->user,
			   c->call_id, other->phone->user, other->phone->index);
}

/* A shard that is lost takes its half of a conversation along, and the store may not have known of it. */
static bool is_half(const struct sim *s, const struct seen *seen)
{
	return s->totals.lost_alone || s->totals.steps || seen->weak || seen->stale ||
	       seen->excused || seen->split || seen->held;
}

/* It spoke with somebody of another shard, by which the other one hears of it. */
static void on_far_should_be_over(struct sim *s, const struct event *e)
{
	const struct phone_call *c = s->phones.list[e->who].calls[e->a];
	const struct seen *seen = check_seen(s, c->node_call);
	const struct seen *far = seen ? check_far_of(s, seen->call) : NULL;
	const struct phone_call *other;

	if (!far || is_half(s, seen) || is_half(s, far) || check_waits_for_ever(s, seen) ||
	    check_waits_for_ever(s, far) || check_next_end(s, seen->call, NULL))
		return;
	other = check_next_end(s, far->call, NULL);
	if (other && !check_next_end(s, far->call, other) && other->answer_ns < c->bye_ns)
		check_fail(s, "%s hung up long ago, and %s#%u of another shard still talks",
			   c->phone->user, other->phone->user, other->phone->index);
}

void check_bye(struct sim *s, const struct phone_call *c)
{
	const struct seen *seen = check_seen(s, c->node_call);
	struct id_tag id;

	if (is_left_over(s, c))
		return;
	/* away until after the last copy of the INVITE: the node has forgotten the branch */
	if (!c->caller && c->unheard && c->phone->vanished_ns)
		return;
	/* a branch that answered too late is asked to go, and ends nothing */
	if (!c->caller && seen && !id_tag_get(bytes_str(c->remote_tag), &id) &&
	    seen->byes[id.leg].cseq)
		return;
	sim_after(s, END_NS, on_should_be_over, c->phone->index, c->index, 0);
	if (s->shard_count > 1)
		sim_after(s, END_NS + SETTLED_NS, on_far_should_be_over, c->phone->index, c->index,
			  0);
}

void check_over(struct sim *s, const struct phone_call *c)
{
	if (c->finals > 1)
		check_fail(s, "%s: %u final responses to one INVITE", c->call_id, c->finals);
}

void check_held(struct sim *s, uint64_t call)
{
	struct seen *seen = check_seen(s, call);

	if (seen)
		seen->held = true;
}

void check_vanished(struct sim *s, const struct phone_call *c)
{
	struct seen *seen = check_seen(s, c->node_call);

	if (!seen)
		return;
	seen->abandoned = true;
	/* a branch without an ACK may have lost to another one: nobody waits for its media */
	if (s->nodes[0].settings.media_timeout_ns && c->state == PC_TALKING &&
	    (c->caller || c->acked))
		sim_after(s, END_NS, on_should_be_over, c->phone->index, c->index, 0);
}

/* The INVITE with credentials left while the store was away, and a kill took that: the successor asked it with the first one, for whose
 * challenge it has none of them to cancel. */
static bool was_challenged_before_a_kill(const struct sim *s, const struct seen *seen,
					 const struct phone_call *c)
{
	return seen && seen->excused && seen->crashes && c->ring_cseq > 1 &&
	       c->begin_ns < node_of_call(s, c->node_call)->restored_ns;
}

void check_rings_on(struct sim *s, const struct phone_call *c)
{
	const struct seen *seen = check_seen(s, c->node_call);

	/* a process that does not know whether it was heard cancels it at once; its copies have the answer that the first one had */
	if (c->outrun && seen && seen->crashes)
		return;
	if (c->apart || c->parted) /* its CANCEL goes where it was */
		return;
	if (s->links.on && !c->phone->registered) /* it went, and may not register there */
		return;
	if (c->phone->vanished_ns) /* the node was told that nobody is there, and a late INVITE came after all */
		return;
	if (has_lost_its_way(s, c->phone))
		return;
	/* its new connection was promised without the store, by a node that knew nothing of the old one */
	if (c->phone->transport != SIP_UDP && check_took(s, c->node_call))
		return;
	if (was_challenged_before_a_kill(s, seen, c))
		return;
	/* killed twice before a save: asked again after its refusal, and the CANCEL is a copy of the first one's */
	if (!seen ||
	    !(seen->weak || seen->stale || seen->repeats || (seen->given && seen->excused)))
		check_fail(s, "%s: %s#%u still rings", c->call_id, c->phone->user, c->phone->index);
}
