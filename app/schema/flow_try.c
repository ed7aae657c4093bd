/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a flow without a call: the real interpreter (sig/flow) with a world that records what
 * happens. flow.try and `tandemctl flow try` show the way to a tenant before a caller takes it. It
 * has no other rules than calls have; only the results of verbs come from the words given. Pure.
 */

#include "app/schema/flow_try.h"

#include <stdlib.h>
#include <string.h>

enum { VERB_LINE_MAX = 8192 };

struct flow_tried {
	const struct flow_trial *trial;
	const struct flow_program *p;
	struct flow_position pos;
	struct flow_verb verb;
	size_t used; /* words */
	json_t *way;
};

static void try_fact(void *arg, struct bytes name, struct writer *w)
{
	const struct flow_tried *t = arg;

	t->trial->fact(t->trial->arg, name, w);
}

static void try_hours(void *arg, struct bytes name, struct writer *w)
{
	const struct flow_tried *t = arg;

	t->trial->hours(t->trial->arg, name, w);
}

static bool try_tag(void *arg, struct bytes name, struct bytes value)
{
	const struct flow_tried *t = arg;

	(void)json_array_append_new(t->way,
				    json_pack("{s:s%, s:s%}", "tag", name.p, name.n, "value",
					      value.n ? (const char *)value.p : "", value.n));
	return true;
}

static void try_left(void *arg, const struct flow_step *step, const char *by)
{
	const struct flow_tried *t = arg;

	(void)json_array_append_new(t->way, json_pack("{s:s, s:s}", "left", step->name, "by", by));
}

static void try_verb(const struct flow_tried *t)
{
	static char text[VERB_LINE_MAX];
	struct writer w = writer_over(text, sizeof(text));

	verb_write(&w, &t->verb);
	if (!w.overflow)
		(void)json_array_append_new(t->way, json_loadb(text, w.n, 0, NULL));
}

static bool try_has(const struct verb *v, enum flow_outcome outcome)
{
	return outcome < FLOW_OUTCOMES && v->outcomes & 1u << outcome;
}

/* It has one way on besides failure. */
static bool try_passes(const struct verb *v)
{
	return try_has(v, OUTCOME_NEXT) &&
	       !(v->outcomes & ~(1u << OUTCOME_NEXT | 1u << OUTCOME_FAILED));
}

/* gather, record, http. */
static bool try_takes(const struct verb *v)
{
	return try_has(v, OUTCOME_NEXT) && try_has(v, OUTCOME_TIMEOUT);
}

static enum flow_outcome try_word(struct bytes word)
{
	enum flow_outcome o = 0;

	while (o < FLOW_OUTCOMES && !bytes_is(word, g_flow_outcomes[o]))
		o++;
	return o;
}

/* Digits if digits are expected; else any word that names no outcome. */
static bool try_fits(const struct verb *v, enum flow_outcome o, struct bytes word)
{
	static const char digits[] = "0123456789*#ABCDabcd";
	size_t n = 0;

	if (o < FLOW_OUTCOMES || !try_takes(v))
		return try_has(v, o);
	while (!strcmp(v->name, "gather") && n < word.n && strchr(digits, word.p[n]))
		n++;
	return strcmp(v->name, "gather") != 0 || n == word.n;
}

static void try_misfits(const struct flow_tried *t, struct bytes word)
{
	const struct verb *v = t->verb.verb;
	char text[256];
	struct writer w = writer_over(text, sizeof(text));
	const char *before = ": ";

	writer_fmt(&w, "'" BYTES_FMT "' is no outcome of %s", BYTES_ARG(word), v->name);
	for (enum flow_outcome o = 0; o < FLOW_OUTCOMES; o++) {
		if (try_has(v, o)) {
			WRITER_TEXTS(&w, before, g_flow_outcomes[o]);
			before = ", ";
		}
	}
	(void)json_array_append_new(t->way, json_pack("{s:s%}", "end", text, w.n));
}

/* The result of the verb. False: none is given, or the verb cannot end so. */
static bool try_outcome(struct flow_tried *t, enum flow_outcome *outcome, struct bytes *value)
{
	const struct verb *v = t->verb.verb;
	bool said = t->used < t->trial->count;
	struct bytes word = said ? t->trial->words[t->used] : (struct bytes){ 0 };
	enum flow_outcome o = try_word(word);

	*value = (struct bytes){ 0 };
	*outcome = OUTCOME_NEXT;
	if (try_passes(v) && (!said || !try_has(v, o)))
		return true;
	if (!said)
		return false;
	if (!try_fits(v, o, word)) {
		try_misfits(t, word);
		return false;
	}
	t->used++;
	if (o < FLOW_OUTCOMES)
		*outcome = o;
	else if (try_takes(v))
		*value = word;
	return true;
}

static enum flow_turn try_redirect(struct flow_tried *t, const struct flow_world *world)
{
	struct bytes to = bytes_from(verb_text(&t->verb, "to"), sizeof("flow:") - 1);
	const struct flow_program *other =
		t->trial->named ? t->trial->named(t->trial->arg, to) : NULL;

	if (!other)
		return program_next(t->p, &t->pos, OUTCOME_FAILED, (struct bytes){ 0 }, world,
				    &t->verb);
	(void)json_array_append_new(t->way, json_pack("{s:s%}", "flow", to.p, to.n));
	t->p = other;
	return program_start(other, &t->pos, world, &t->verb);
}

static void try_on(struct flow_tried *t, const struct flow_world *world)
{
	enum flow_turn turn = program_start(t->p, &t->pos, world, &t->verb);
	enum flow_outcome outcome;
	struct bytes value;

	while (turn == FLOW_VERB) {
		try_verb(t);
		if (!strcmp(t->verb.verb->name, "redirect"))
			turn = try_redirect(t, world);
		else if (!t->verb.verb->outcomes || !try_outcome(t, &outcome, &value))
			return;
		else
			turn = program_next(t->p, &t->pos, outcome, value, world, &t->verb);
	}
	(void)json_array_append_new(t->way, turn == FLOW_OVER
						    ? json_pack("{s:b}", "end", 1)
						    : json_pack("{s:s}", "end", "too many verbs"));
}

json_t *flow_try(const struct flow_program *p, const struct flow_trial *trial)
{
	struct flow_tried *t = calloc(1, sizeof(*t));
	const struct flow_world world = { try_fact, try_hours, try_tag, try_left, t };
	json_t *way = t ? json_array() : NULL;

	if (way) {
		t->trial = trial;
		t->p = p;
		t->way = way;
		try_on(t, &world);
		position_clear(&t->pos);
	}
	free(t);
	return way;
}
