/* SPDX-License-Identifier: Apache-2.0 */
/* A REFER and its NOTIFYs (RFC 3515). */
#include <inttypes.h>
#include <string.h>

#include "sig/pbx/conference.h"
#include "sig/shard/shard_state.h"
#include "sig/sip/id.h"
#include "tests/sim/sim.h"

/* Ringing of each extension on the way, BYE and NOTIFY without answers, and an outage. */
#define TOLD_NS (150 * NS_PER_S)

static bool leg_of_tag(const struct sim *s, struct bytes tag, struct id_tag *out)
{
	struct id_tag born;

	if (id_tag_get(tag, &born))
		return false;
	*out = check_now(s, &born);
	return true;
}

/* The leg that it is about; outside of a dialog SEEN_LEGS, and the tag is in Target-Dialog. False: none of ours. */
static bool leg_of_refer(const struct sim *s, const struct sip_message *m, struct id_tag *out)
{
	static const char name[] = ";local-tag=";
	struct bytes value, tag;
	const uint8_t *at;

	if (m->to.tag.n)
		return leg_of_tag(s, m->to.tag, out);
	if (!message_header(m, "Target-Dialog", 0, &value))
		return false;
	at = memmem(value.p, value.n, name, sizeof(name) - 1);
	if (!at)
		return false;
	tag = bytes_from(value, (size_t)(at - value.p) + sizeof(name) - 1);
	if (!leg_of_tag(s, bytes_sub(tag, 0, bytes_find(tag, ';')), out))
		return false;
	out->leg = SEEN_LEGS;
	return true;
}

/* Where the last REFER of the dialog was noted: the leg may have gone to another call since, which need not know of it. */
static struct id_tag *noted_at(struct sim *s, struct bytes tag)
{
	struct id_tag born;
	struct seen *seen = id_tag_get(tag, &born) ? NULL : check_seen(s, born.call);

	return seen ? &seen->refer_at[born.leg] : NULL;
}

static bool is_noted(struct sim *s, const struct id_tag *at, const struct sip_message *m)
{
	const struct seen *seen = at ? check_seen(s, at->call) : NULL;

	return seen && seen->refers[at->leg].cseq >= m->cseq;
}

/* The shard that has its conference answers: that answer is looked at, too. Its leg may have left the conference by then. */
static bool refer_is_passed_on(const struct sim *s, const struct id_tag *id)
{
	const struct shard *core = node_core(s, id->call);
	const struct call *c = core ? shard_call_find(core, id->call) : NULL;

	return c && id->leg < c->leg_count && conference_is_remote(c, id->leg);
}

/* ... or a copy of one that was, whose leg has left that conference since. */
static bool is_passed_on(struct sim *s, const struct sip_message *m, const struct id_tag *id)
{
	struct id_tag born;
	struct seen *seen = id_tag_get(m->to.tag, &born) ? NULL : check_seen(s, born.call);

	if (!seen)
		return false;
	if (refer_is_passed_on(s, id))
		seen->refer_passed[born.leg] = m->cseq;
	return seen->refer_passed[born.leg] == m->cseq;
}

void check_refer_came(struct sim *s, const struct sip_message *m)
{
	struct id_tag *at = noted_at(s, m->to.tag), id;
	struct seen *seen;

	if (is_noted(s, at, m) || !leg_of_refer(s, m, &id))
		return;
	seen = check_seen(s, id.call);
	if (!seen || seen->cdrs || seen->refers[id.leg].cseq >= m->cseq || is_passed_on(s, m, &id))
		return;
	seen->refers[id.leg] = (struct seen_bye){ .cseq = m->cseq, .waits = true };
	if (at)
		*at = id;
}

void check_refer_answered(struct sim *s, const struct sip_message *m)
{
	const bool outside = bytes_starts(m->call_id, "refer-");
	const struct id_tag *at = outside ? NULL : noted_at(s, m->to.tag);
	const struct seen_bye *r;
	struct seen *seen;
	struct id_tag id;

	if (m->status != 202 || !leg_of_tag(s, m->to.tag, &id) || refer_is_passed_on(s, &id))
		return;
	seen = check_seen(s, id.call);
	if (seen)
		seen->given = true;
	if (at && at->call) {
		id = *at;
		seen = check_seen(s, id.call);
	}
	if (!seen || seen->excused || seen->ended || seen->cdrs)
		return;
	r = &seen->refers[outside ? SEEN_LEGS : id.leg];
	if (r->cseq == m->cseq && (r->waits || seen->stored < r->need))
		check_fail(s, "202 to a REFER of call %" PRIx64 " leaves before it is saved",
			   id.call);
}

/* Its connection is with a shard that another node may have, and nodes hand each other nothing. */
static bool is_with_another(const struct sim *s, const struct phone_call *c)
{
	return s->floats && !s->links.on && c->phone->transport != SIP_UDP &&
	       c->phone->node + SHARD_FIRST != id_shard(check_call_of(s, c));
}

/* Nobody can reach it, or it is not reached by what the node knows. */
static bool is_excused(struct sim *s, const struct phone_call *c)
{
	const struct seen *seen = check_seen(s, c->node_call);

	return !seen || seen->weak || seen->stale || c->phone->vanished_ns ||
	       is_with_another(s, c) ||
	       (c->phone->transport != SIP_UDP && (s->totals.steps || seen->excused));
}

/* A record has the last REFER alone: a kill takes a NOTIFY about the one before that was not answered yet. */
static bool is_superseded(const struct sim *s, const struct phone_call *c,
			  const struct phone_refer *r)
{
	return r + 1 < c->refers + c->refer_count &&
	       r->incarnation != node_run_of_call(s, c->node_call,
						  node_place_of_call(s, c->node_call, c->node));
}

/* Of a conference: a kill in the moment in which the NOTIFY leaves takes it along (docs/adr/0056). */
static bool is_room_that_was_killed(struct sim *s, const struct phone_call *c,
				    const struct phone_refer *r)
{
	return check_room_of(s, c->node_call) &&
	       r->incarnation != node_run_of_call(s, c->node_call,
						  node_place_of_call(s, c->node_call, c->node));
}

static void helper_on_answer(struct sim *s, const struct event *e)
{
	const struct phone_call *c = s->phones.list[e->who].calls[e->a];
	const struct phone_refer *r = &c->refers[e->b];
	const struct phone_call *about = c->about ? c->about : c;

	if ((c->about || c->state == PC_TALKING) && !r->told && !r->forgotten &&
	    !is_excused(s, about) && !is_superseded(s, c, r) &&
	    !is_room_that_was_killed(s, about, r))
		check_fail(s, "%s: %s#%u heard nothing of its REFER", c->call_id, c->phone->user,
			   c->phone->index);
}

void check_referred(struct sim *s, const struct phone_call *c, const struct phone_refer *r)
{
	if (!r->silent)
		sim_after(s, TOLD_NS, helper_on_answer, c->phone->index, c->index,
			  (uint64_t)(r - c->refers));
}

/* It moved, and its REFER is said again over a connection where nobody has proven who it is: that one is asked, the first one was taken. */
static bool is_asked_again(const struct phone_call *c, const struct phone_refer *r)
{
	return r->status == 407 && c->phone->roamed && c->phone->transport != SIP_UDP;
}

/* It was taken, a kill took its 202, and the phone has asked for something else since: its next copy comes too late (RFC 3261 12.2.2). */
static bool is_out_of_order(const struct phone_call *c, const struct phone_refer *r)
{
	return r->status == 500 && r->cseq < c->cseq;
}

static bool is_lost_refer(const struct sim *s, const struct phone_call *c, uint32_t cseq)
{
	bool lost = false;

	for (uint32_t i = 0; i < c->refer_count; i++) {
		const struct phone_refer *r = &c->refers[i];

		lost |= r->cseq == cseq && !r->told &&
			r->incarnation !=
				node_run_of_call(s, c->node_call,
						 node_place_of_call(s, c->node_call, c->node));
	}
	return lost;
}

bool check_is_anothers_refer(const struct sim *s, const struct phone_call *own, uint32_t cseq)
{
	for (uint32_t i = 0; i < s->phones.count; i++) {
		const struct phone *p = &s->phones.list[i];

		for (uint32_t k = 0; k < p->call_count; k++) {
			if (p->calls[k] != own && is_lost_refer(s, p->calls[k], cseq))
				return true;
		}
	}
	return false;
}

void check_notified(struct sim *s, const struct phone_call *c, const struct phone_refer *r,
		    bool last)
{
	const char *user = c->phone->user;

	if (r->silent)
		check_fail(s, "%s: %s wanted no NOTIFY", c->call_id, user);
	if (r->status >= 300 && !is_asked_again(c, r) && !is_out_of_order(c, r) &&
	    (c->about || c->state == PC_TALKING))
		check_fail(s, "%s: a NOTIFY to %s whose REFER was refused with %u", c->call_id,
			   user, r->status);
	if (r->told && last &&
	    r->incarnation ==
		    node_run_of_call(s, c->node_call, node_place_of_call(s, c->node_call, c->node)))
		check_fail(s, "%s: the last NOTIFY comes to %s twice", c->call_id, user);
}

/* A branch that answered too late, or one that the node has hung up: its BYE is under way. */
static bool is_left(struct sim *s, const struct phone_call *c)
{
	struct id_tag id;
	const struct seen *seen =
		id_tag_get(bytes_str(c->remote_tag), &id) ? NULL : check_seen(s, id.call);

	return seen && seen->byes[id.leg].cseq;
}

bool check_is_there(struct sim *s, const struct phone_call *own, const struct phone_call *named)
{
	uint64_t call = check_call_of(s, named);
	const struct shard *core = node_core(s, call);
	struct call_view v;

	/* a 2xx that nobody has acknowledged may be that of a branch that lost, which the node knows nothing of */
	if (!named->caller && !named->acked)
		return false;
	return !is_left(s, named) && call != check_call_of(s, own) && core &&
	       shard_call_view(core, call, &v) && v.state == CALL_ESTABLISHED &&
	       named->state == PC_TALKING;
}

static const struct leg *leg_of(const struct sim *s, const struct id_tag *born)
{
	const struct id_tag now = check_now(s, born);
	const struct shard *core = node_core(s, now.call);
	const struct call *call = core ? shard_call_find(core, now.call) : NULL;

	return call ? call_leg(call, (uint8_t)now.leg) : NULL;
}

/* The node knows the dialog and has ended it: its BYE waits until a name was looked up. */
static bool bye_is_held(const struct sim *s, const struct id_tag *born)
{
	const struct leg *l = leg_of(s, born);

	return l && l->state == LEG_LEAVING && dialog_lookup_due_ns(&l->dialog);
}

/* Its 2xx came while the store was away, and a kill took that: for the successor it rings. */
static bool is_answer_taken(struct sim *s, const struct id_tag *born)
{
	const struct leg *l = leg_of(s, born);

	return l && l->state == LEG_EARLY && check_took(s, check_now(s, born).call);
}

void check_forgot(struct sim *s, const struct phone_call *c, const char *method)
{
	const struct seen *seen = check_seen(s, c->node_call);
	struct id_tag id;

	if (c->state != PC_TALKING || !seen || seen->split || seen->weak || seen->stale ||
	    seen->cdrs || seen->ended)
		return;
	if (!id_tag_get(bytes_str(c->remote_tag), &id) &&
	    (seen->byes[id.leg].cseq || bye_is_held(s, &id) || is_answer_taken(s, &id)))
		return;
	check_fail(s, "%s: the node has forgotten the dialog of %s#%u: 481 to its %s", c->call_id,
		   c->phone->user, c->phone->index, method);
}
