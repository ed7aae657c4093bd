/* SPDX-License-Identifier: Apache-2.0 */
/* The CDRs of one call: a pair begins where the one before it ended, and together they are the call as it was told of. */
#include <inttypes.h>

#include "sig/sip/id.h"
#include "tests/event_value.h"
#include "tests/sim/sim.h"

/* Of a ms each, at both ends. */
enum { ROUNDING_MS = 2 };

/* Of a call that the store may never hear of; told once more where the same order made it anew. */
static void begins(struct check *k, uint64_t call, uint64_t now_ns)
{
	for (uint32_t i = 0; i < COUNT_OF(k->begun); i++) {
		if (k->begun[i].call == call)
			k->begun[i].call = 0;
	}
	k->begun[k->begun_count++ % COUNT_OF(k->begun)] = (struct check_begun){ call, now_ns };
}

static const struct check_begun *begun_of(const struct check *k, uint64_t call)
{
	for (uint32_t i = 0; i < COUNT_OF(k->begun); i++) {
		if (k->begun[i].call == call)
			return &k->begun[i];
	}
	return NULL;
}

void check_event(struct sim *s, const struct sig_event *e)
{
	struct seen *seen = check_seen(s, e->call);

	if (e->kind == SIG_CALL_NEW)
		begins(&s->check, e->call, s->now_ns);
	else if (seen && e->kind == SIG_CALL_ANSWERED && !seen->answered_ns)
		seen->answered_ns = s->now_ns;
	else if (seen && e->kind == SIG_CALL_ENDED)
		seen->ended_ns = s->now_ns;
	else if (e->kind == SIG_CALL_TRANSFERRED || e->kind == SIG_CALL_PICKED_UP)
		check_follow(s);
	else if (e->kind == SIG_CALL_RECORDED)
		recorder_message_told(s, e);
	if (e->kind == SIG_CALL_SPLIT) {
		check_split(s, e->call, event_number(e, EV_OTHER));
		check_split(s, event_number(e, EV_OTHER), e->call);
	}
	if (e->kind == SIG_CONFERENCE_JOINED || e->kind == SIG_CONFERENCE_LEFT)
		check_given(s, e->call); /* it is joined with another when two are left */
	if (seen && e->kind == SIG_CALL_TRANSFERRED)
		seen->joined_ns = s->now_ns;
}

/* By a phone that was not to. */
static bool was_shut(const struct sim *s, uint64_t call)
{
	for (uint32_t i = 0; i < s->phones.count; i++) {
		const struct phone *p = &s->phones.list[i];

		for (uint32_t k = 0; k < p->call_count; k++) {
			if (p->calls[k]->node_call == call && document_shuts(s, p->calls[k]))
				return true;
		}
	}
	return false;
}

/* Nobody rings for who was deleted, or disabled, a second ago. */
void check_invited(struct sim *s, const struct phone_call *c)
{
	const struct document_changes *all = &s->documents;
	const struct check_begun *begun = begun_of(&s->check, c->node_call);
	uint32_t i = c->phone->extension;

	if ((all->absent[i] || all->disabled[i]) && begun &&
	    begun->ns > all->changed_ns[i] + NS_PER_S &&
	    check_is_settled(node_of_place(s, node_place_of_call(s, c->node_call, c->node))))
		check_fail(s, "%s rings, who was deleted or disabled", c->phone->user);
	if (was_shut(s, c->node_call))
		check_fail(s, "%s rings for who is of a disabled tenant", c->phone->user);
}

void check_given(struct sim *s, uint64_t call)
{
	struct seen *seen = check_seen(s, call);

	if (seen)
		seen->given = true;
}

static bool fits(const struct cdr *c)
{
	return c->setup_utc_ms <= c->end_utc_ms &&
	       (!c->answer_utc_ms ||
		(c->answer_utc_ms >= c->setup_utc_ms && c->answer_utc_ms <= c->end_utc_ms));
}

static void look_at_order(struct sim *s, const struct cdr *list, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (!fits(&list[i]))
			check_fail(s, "CDR %u of call %" PRIx64 " ends before it begins", i + 1,
				   list[i].call);
		if (n > 1 && (list[i].pair != i + 1 || list[i].pairs != n))
			check_fail(s, "CDR %u of call %" PRIx64 " says it is another", i + 1,
				   list[i].call);
		if (i && list[i].setup_utc_ms != list[i - 1].end_utc_ms)
			check_fail(s, "CDR %u of call %" PRIx64 " does not follow the one before",
				   i + 1, list[i].call);
	}
}

/* Since the first answer, and what of it a pair was not up yet. */
static uint64_t since_answer(const struct cdr *list, uint32_t n, uint64_t *pause_ms)
{
	const struct cdr *first = NULL;

	*pause_ms = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t up = list[i].answer_utc_ms ? list[i].answer_utc_ms : list[i].end_utc_ms;

		if (first)
			*pause_ms += up - list[i].setup_utc_ms;
		else if (list[i].answer_utc_ms)
			first = &list[i];
	}
	return first ? list[n - 1].end_utc_ms - first->answer_utc_ms : 0;
}

static uint64_t talk_of(const struct cdr *list, uint32_t n)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += list[i].answer_utc_ms ? list[i].end_utc_ms - list[i].answer_utc_ms : 0;
	return sum;
}

static bool about(uint64_t a, uint64_t b)
{
	return a + ROUNDING_MS >= b && b + ROUNDING_MS >= a;
}

/* As the events of a process that was not killed told of it. */
static void look_at_events(struct sim *s, const struct seen *seen, const struct cdr *list,
			   uint32_t n)
{
	const struct check_begun *begun = begun_of(&s->check, seen->call);
	uint64_t whole, talked, pause_ms, talk = talk_of(list, n);

	if (seen->crashes || seen->stood || !begun || !seen->ended_ns)
		return;
	whole = (seen->ended_ns - begun->ns) / NS_PER_MS;
	if (!about(list[n - 1].end_utc_ms - list[0].setup_utc_ms, whole))
		check_fail(s, "call %" PRIx64 " took %" PRIu64 " ms, its CDRs another time",
			   seen->call, whole);
	talked = since_answer(list, n, &pause_ms);
	if (talk + pause_ms != talked)
		check_fail(s, "the talk in the CDRs of call %" PRIx64 " is not its talk",
			   seen->call);
	/* the answer is told of when it was saved */
	if (seen->answered_ns && list[0].answer_utc_ms &&
	    talked + ROUNDING_MS < (seen->ended_ns - seen->answered_ns) / NS_PER_MS)
		check_fail(s, "call %" PRIx64 " was talked longer than its CDRs say", seen->call);
}

void check_segments(struct sim *s, const struct seen *seen, const struct cdr *list, uint32_t n)
{
	look_at_order(s, list, n);
	if (!s->check.broken[0])
		look_at_events(s, seen, list, n);
}
