/* SPDX-License-Identifier: Apache-2.0 */
/* From text to a checked program. All errors are found at once; each finding has its place. */
#include <math.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/guess.h"
#include "base/json.h"
#include "sig/dial/pattern.h"
#include "sig/flow/program.h"

enum { SHOWN_MAX = 40 };

struct checker {
	struct flow_findings *out;
	const struct flow_known *known;
	struct flow_program *p;
	json_t *steps;     /* an object, or a list */
	json_t *variables; /* all that some step sets */
	struct flow_step *step;
	char path[FLOW_PATH_MAX];
	size_t path_n;
	bool broken; /* it is not known where some step leads */
	bool kept;   /* an earlier build may have allowed more */
};

/* ---- findings ---- */

PRINTF_LIKE(3, 4)
static void finding_add(struct checker *c, bool warning, const char *fmt, ...)
{
	struct flow_finding *f = &c->out->list[c->out->count];
	va_list ap;

	*(warning ? &c->out->warnings : &c->out->errors) += 1;
	if (c->out->count == FLOW_FINDINGS_MAX)
		return;
	c->out->count++;
	f->warning = warning;
	memcpy(f->path, c->path, c->path_n);
	f->path[c->path_n] = '\0';
	va_start(ap, fmt);
	(void)vsnprintf(f->message, sizeof(f->message), fmt, ap);
	va_end(ap);
}
#define wrong(c, ...) finding_add(c, false, __VA_ARGS__)
#define warn(c, ...)  finding_add(c, true, __VA_ARGS__)

/* A stranger's word within a message. */
static const char *shown(const char *word)
{
	return strlen(word) <= SHOWN_MAX ? word : "...";
}

/* Into a member. What path_n was: it is set back behind it. */
static size_t path_into(struct checker *c, const char *key)
{
	struct writer w = writer_over(c->path + c->path_n, sizeof(c->path) - 1 - c->path_n);
	size_t before = c->path_n;

	writer_str(&w, "/");
	for (key = shown(key); *key; key++) {
		if (*key == '~' || *key == '/')
			writer_str(&w, *key == '~' ? "~0" : "~1");
		else
			writer_u8(&w, (uint8_t)*key);
	}
	if (!w.overflow)
		c->path_n += w.n;
	return before;
}

/* A member with an unknown name. */
static void check_unknown(struct checker *c, const char *key, const char *what, struct guess *g)
{
	size_t before = path_into(c, key);

	wrong(c, "'%s' is no %s%s", shown(key), what, guess_text(g));
	c->path_n = before;
}

/* ---- texts ---- */

static bool may_exist(const struct checker *c, const struct verb_arg *arg, struct bytes text)
{
	if (!arg->kind || !c->known)
		return true;
	if (arg->form == FORM_FLOW)
		text = bytes_from(text, 5);
	return c->known->exists(c->known->arg, arg->kind, text);
}

/* A name in braces. */
static void check_name(struct checker *c, struct bytes piece)
{
	char word[SHOWN_MAX + 1];
	uint32_t width;
	struct bytes name = piece_name(piece, &width);

	if (fact_is(name))
		return;
	if (bytes_cstr(name, word, sizeof(word)) || !variable_name_is(name))
		wrong(c, "'{%s}' is no variable, and nothing that is known of a call", word);
	else if (!json_object_get(c->variables, word))
		warn(c, "no step sets the variable '%s'", word);
}

/* Whether something in it is to be replaced. */
static bool check_pieces(struct checker *c, struct bytes text)
{
	enum text_piece piece;
	bool replaced = false;
	struct bytes part;

	while ((piece = text_piece_cut(&text, &part)) != PIECE_END) {
		if (piece == PIECE_WRONG) {
			wrong(c, "a brace is the begin of {name}; write {{ for a brace");
			return true;
		}
		replaced |= piece == PIECE_NAME;
		if (piece == PIECE_NAME)
			check_name(c, part);
	}
	return replaced;
}

/* With a name in braces the whole is known when it is carried out. */
static void check_parts(struct checker *c, enum arg_form form, struct bytes text)
{
	enum text_piece piece;
	struct bytes part;
	const char *bad = NULL;

	while (!bad && (piece = text_piece_cut(&text, &part)) != PIECE_END && piece != PIECE_WRONG)
		bad = piece == PIECE_LITERAL ? form_part_wrong(form, part) : NULL;
	if (bad)
		wrong(c, "it %s", bad);
}

/* The target of a request may be set by the program only. */
static void check_url(struct checker *c, struct bytes text)
{
	struct bytes name;
	const char *bad = url_names_wrong(text, &name);

	if (bad && name.n)
		finding_add(c, c->kept,
			    "'{" BYTES_FMT
			    "}' stands in %s of the URL: a value may stand in its path, query or "
			    "fragment",
			    BYTES_ARG(bytes_sub(name, 0, SHOWN_MAX)), bad);
	else if (bad)
		finding_add(c, c->kept, "it %s", bad);
}

static void check_text(struct checker *c, const struct verb_arg *arg, const json_t *value,
		       size_t min, size_t max)
{
	struct bytes text = bytes_str(json_string_value(value));
	const char *bad;

	if (!json_is_string(value)) {
		wrong(c, "a text is expected");
	} else if (text.n < min || text.n > max) {
		wrong(c, "it has %zu octets; %zu to %zu are allowed", text.n, min, max);
	} else if (arg->form == FORM_VARIABLE || !check_pieces(c, text)) {
		bad = form_wrong(arg->form, text);
		if (bad)
			wrong(c, "it %s", bad);
		else if (arg->form == FORM_VARIABLE && fact_is(text))
			wrong(c, "'%s' is known of a call, and cannot be set",
			      shown(json_string_value(value)));
		else if (!may_exist(c, arg, text))
			warn(c, "there is no %s %s yet", arg->kind,
			     shown(json_string_value(value) + (arg->form == FORM_FLOW ? 5 : 0)));
	} else {
		check_parts(c, arg->form, text);
		if (arg->form == FORM_URL)
			check_url(c, text);
	}
}

/* ---- arguments ---- */

static void check_texts(struct checker *c, const struct verb_arg *arg, const json_t *list)
{
	size_t i;
	json_t *value;

	if (json_array_size(list) < arg->min || json_array_size(list) > arg->max)
		wrong(c, "it has %zu texts; %u to %u are allowed", json_array_size(list), arg->min,
		      arg->max);
	json_array_foreach(list, i, value)
	{
		char index[24];
		size_t before;

		(void)snprintf(index, sizeof(index), "%zu", i);
		before = path_into(c, index);
		check_text(c, arg, value, 1, 256);
		c->path_n = before;
	}
}

static void check_map(struct checker *c, const struct verb_arg *arg, json_t *map)
{
	static const struct verb_arg any = { .form = FORM_ANY };
	const char *key, *bad;
	json_t *value;

	if (!json_is_object(map)) {
		wrong(c, "texts by name are expected, in an object");
		return;
	}
	if (json_object_size(map) < arg->min || json_object_size(map) > arg->max)
		wrong(c, "it has %zu members; %u to %u are allowed", json_object_size(map),
		      arg->min, arg->max);
	json_object_foreach(map, key, value)
	{
		size_t before = path_into(c, key);

		bad = form_wrong(arg->form, bytes_str(key));
		if (bad)
			wrong(c, "the name %s", bad);
		else if (arg->form == FORM_VARIABLE && fact_is(bytes_str(key)))
			wrong(c, "'%s' is known of a call, and cannot be set", shown(key));
		check_text(c, &any, value, 0, VERB_TEXT_MAX);
		c->path_n = before;
	}
}

static void check_number(struct checker *c, const struct verb_arg *arg, const json_t *value)
{
	json_int_t n = json_integer_value(value);

	if (!json_is_integer(value))
		wrong(c, "a whole number is expected");
	else if (n < (json_int_t)arg->min || n > (json_int_t)arg->max)
		wrong(c, "%u to %u are allowed", arg->min, arg->max);
}

/* As it is written again: without decimals that say nothing. */
static void check_seconds(struct checker *c, const struct verb_arg *arg, json_t *args)
{
	const json_t *value = json_object_get(args, arg->name);
	double ms = json_number_value(value) * 1000;
	json_int_t whole = 0;

	if (!json_is_number(value)) {
		wrong(c, "a number of seconds is expected");
		return;
	}
	if (ms >= arg->min && ms <= arg->max)
		whole = (json_int_t)(ms + 0.5);
	if (ms < arg->min || ms > arg->max || fabs(ms - (double)whole) > 1e-6)
		wrong(c, "%g to %g are allowed, with up to three decimals", arg->min / 1000.0,
		      arg->max / 1000.0);
	else if (json_is_real(value))
		(void)json_object_set_new(args, arg->name,
					  whole % 1000 ? json_real((double)whole / 1000)
						       : json_integer(whole / 1000));
}

static void check_word(struct checker *c, const struct verb_arg *arg, const json_t *value)
{
	const char *word = json_string_value(value);
	struct guess g = { .word = bytes_str(word) };

	if (word && arg->words[word_index(arg->words, word)])
		return;
	for (size_t i = 0; word && arg->words[i]; i++)
		guess_add(&g, bytes_str(arg->words[i]));
	wrong(c, "'%s' is no word that is allowed%s", word ? shown(word) : "", guess_text(&g));
}

static void check_arg(struct checker *c, const struct verb_arg *arg, json_t *args)
{
	json_t *value = json_object_get(args, arg->name);

	switch ((enum arg_type)arg->type) {
	case ARG_IS_TEXT:
		check_text(c, arg, value, arg->min, arg->max);
		break;
	case ARG_IS_TEXTS:
		if (json_is_string(value)) /* one, without its list */
			(void)json_object_set_new(args, arg->name, json_pack("[O]", value));
		value = json_object_get(args, arg->name);
		if (json_is_array(value))
			check_texts(c, arg, value);
		else
			wrong(c, "a text or a list of texts is expected");
		break;
	case ARG_IS_NUMBER:
		check_number(c, arg, value);
		break;
	case ARG_IS_SECONDS:
		check_seconds(c, arg, args);
		break;
	case ARG_IS_BOOL:
		if (!json_is_boolean(value))
			wrong(c, "true or false is expected");
		break;
	case ARG_IS_WORD:
		check_word(c, arg, value);
		break;
	case ARG_IS_MAP:
		check_map(c, arg, value);
		break;
	}
}

static void check_unknown_args(struct checker *c, const struct verb *verb, json_t *args)
{
	const char *key;
	json_t *value;

	json_object_foreach(args, key, value)
	{
		struct guess g = { .word = bytes_str(key) };

		for (const struct verb_arg *arg = verb->args; arg->name; arg++)
			guess_add(&g, bytes_str(arg->name));
		if (!verb_arg_find(verb, key))
			check_unknown(c, key, "argument of this verb", &g);
	}
}

/* Rules of more than one argument. */
static void check_together(struct checker *c, const json_t *args)
{
	const json_t *min = json_object_get(args, "min"), *max = json_object_get(args, "max");
	const struct verb_arg *most = verb_arg_find(c->step->verb, "max");

	if (most && !strcmp(c->step->verb->name, "gather") && json_is_integer(min) &&
	    json_integer_value(min) > (max ? json_integer_value(max) : most->preset))
		wrong(c, "min is more than max");
	if (!strcmp(c->step->verb->name, "play") && !json_object_get(args, "prompt") &&
	    !json_object_get(args, "message"))
		wrong(c, "play needs the argument 'prompt'");
}

/* in_object: they are written with their names. */
static void check_args(struct checker *c, json_t *args, bool in_object)
{
	const struct verb *verb = c->step->verb;

	for (const struct verb_arg *arg = verb->args; arg->name; arg++) {
		size_t before = c->path_n;

		if (!json_object_get(args, arg->name)) {
			if (arg->required)
				wrong(c, "%s needs the argument '%s'", verb->name, arg->name);
			continue;
		}
		if (in_object)
			(void)path_into(c, arg->name);
		check_arg(c, arg, args);
		c->path_n = before;
	}
	check_unknown_args(c, verb, args);
	check_together(c, args);
}

/* Each variable that an argument makes; what http and notify send makes none. */
static void variables_add(struct checker *c, const struct verb_arg *arg, json_t *in)
{
	const char *key = json_is_string(in) ? json_string_value(in) : in ? NULL : arg->preset_text;
	json_t *value;
	size_t at;

	if (arg->form != FORM_VARIABLE)
		return;
	if (key)
		(void)json_object_set_new(c->variables, key, json_true());
	json_array_foreach(in, at, value)
	{
		if (json_is_string(value))
			(void)json_object_set(c->variables, json_string_value(value), value);
	}
	if (arg == c->step->verb->args)
		(void)json_object_update(c->variables, in);
}

static bool verb_is_map(const struct verb *verb)
{
	return (verb->flags & VERB_MAIN) && verb->args->type == ARG_IS_MAP && !verb->args[1].name;
}

/* They stand by their names: a map of texts alone is the first argument itself. */
static bool args_are_named(const struct verb *verb, const json_t *value)
{
	return json_is_object(value) &&
	       (!verb_is_map(verb) || json_is_object(json_object_get(value, verb->args->name)));
}

/* The arguments of a step as an object. */
static void step_read_args(struct checker *c, json_t *step)
{
	const struct verb *verb = c->step->verb;
	json_t *value = json_object_get(step, verb->name);
	size_t before = path_into(c, verb->name);

	if (args_are_named(verb, value))
		c->step->args = json_incref(value);
	else if (verb->flags & VERB_MAIN)
		c->step->args = json_pack("{s:O}", verb->args->name, value);
	else
		wrong(c, "an object of arguments is expected");
	for (const struct verb_arg *arg = verb->args; arg->name; arg++)
		variables_add(c, arg, json_object_get(c->step->args, arg->name));
	for (size_t i = 0; verb->flags & VERB_VARIABLES && g_verb_variables[i]; i++)
		(void)json_object_set_new(c->variables, g_verb_variables[i], json_true());
	c->path_n = before;
}

/* What is right is then written in the shorter form. */
static void check_verb(struct checker *c, json_t *step)
{
	const struct verb *verb = c->step->verb;
	json_t *args = c->step->args, *value;
	size_t before = path_into(c, verb->name);

	if (args)
		check_args(c, args, args == json_object_get(step, verb->name));
	value = json_object_get(args, verb->args->name);
	if ((verb->flags & VERB_MAIN) && value && json_object_size(args) == 1 &&
	    (verb_is_map(verb) || !json_is_object(value)))
		(void)json_object_set(step, verb->name, value);
	c->path_n = before;
}

/* ---- branches ---- */

static int step_named(const struct flow_program *p, const char *name)
{
	for (uint16_t i = 0; i < p->count; i++) {
		if (!strcmp(p->steps[i].name, name))
			return i;
	}
	return -1;
}

/* The step that a text names. Returns -1 for an unknown one, which is reported. */
static int check_target(struct checker *c, const json_t *value)
{
	const char *name = json_string_value(value);
	int to = name ? step_named(c->p, name) : -1;
	struct guess g = { .word = bytes_str(name) };

	if (to >= 0)
		return to;
	c->broken = true;
	for (uint16_t i = 0; name && i < c->p->count; i++)
		guess_add(&g, bytes_str(c->p->steps[i].name));
	if (name)
		wrong(c, "there is no step '%s'%s", shown(name), guess_text(&g));
	else
		wrong(c, "the name of a step is expected");
	return -1;
}

static void branch_add(struct checker *c, const char *key, enum flow_outcome outcome,
		       const json_t *target)
{
	int to = check_target(c, target);

	if (to < 0)
		return;
	c->p->branches[c->p->branch_count++] = (struct flow_branch){ .key = key,
								     .outcome = (uint16_t)outcome,
								     .to = (uint16_t)to };
	c->step->count++;
}

/* What may stand under `on`. Of digits a pattern, which may be a list. */
static void check_key(struct checker *c, const char *key)
{
	struct bytes text = bytes_str(key);
	const char *bad = pattern_list_wrong(text);

	if (!text.n || text.n > VERB_TEXT_MAX)
		wrong(c, "a key has 1 to %d octets", VERB_TEXT_MAX);
	else if (bad && !strcmp(c->step->verb->name, "gather"))
		wrong(c, "digits or a pattern of them are expected: %s", bad);
}

static void check_on(struct checker *c, const json_t *on)
{
	size_t before = path_into(c, "on");
	const char *key;
	json_t *value;

	if (!(c->step->verb->flags & VERB_ON))
		wrong(c, "%s has no branches under 'on'", c->step->verb->name);
	else if (!json_object_size(on))
		wrong(c, "steps by what came are expected, in an object");
	else
		json_object_foreach((json_t *)(uintptr_t)on, key, value)
		{
			size_t behind = path_into(c, key);

			check_key(c, key);
			branch_add(c, key, OUTCOME_NEXT, value);
			c->path_n = behind;
		}
	c->path_n = before;
}

/* `next` stands for all that have no branch. */
static bool verb_has(const struct verb *verb, enum flow_outcome outcome)
{
	return outcome == OUTCOME_NEXT ? verb->outcomes != 0 : verb->outcomes & 1U << outcome;
}

static void check_branch(struct checker *c, const char *key, const json_t *value)
{
	const struct verb *verb = c->step->verb;
	enum flow_outcome outcome = (enum flow_outcome)word_index(g_flow_outcomes, key);
	size_t before = path_into(c, key);

	if (json_is_array(c->steps))
		wrong(c, "the verbs of a list follow each other: only steps have branches");
	else if (!verb_has(verb, outcome))
		wrong(c, "%s has no branch '%s'", verb->name, key);
	else
		branch_add(c, NULL, outcome, value);
	c->path_n = before;
}

static const struct verb *verb_named(const char *name)
{
	const struct verb *verb = g_flow_verbs;

	while (verb->name && strcmp(verb->name, name) != 0)
		verb++;
	return verb->name ? verb : NULL;
}

static void check_unknown_key(struct checker *c, const char *key)
{
	struct guess g = { .word = bytes_str(key) };

	for (const struct verb *verb = g_flow_verbs; verb->name; verb++)
		guess_add(&g, bytes_str(verb->name));
	for (size_t i = 0; g_flow_outcomes[i]; i++)
		guess_add(&g, bytes_str(g_flow_outcomes[i]));
	check_unknown(c, key, "verb and no branch", &g);
}

const struct flow_branch *step_branch(const struct flow_program *p, const struct flow_step *s,
				      enum flow_outcome outcome)
{
	const struct flow_branch *next = NULL;

	for (uint16_t i = s->first; i < s->first + s->count; i++) {
		const struct flow_branch *b = &p->branches[i];

		if (!b->key && b->outcome == outcome)
			return b;
		if (!b->key && b->outcome == OUTCOME_NEXT)
			next = b;
	}
	return next;
}

/* Branches that the verb needs, or `next` in their place. */
static void check_required(struct checker *c)
{
	const struct flow_step *s = c->step;
	uint16_t required = s->verb->required;

	if (json_is_array(c->steps) || c->broken)
		return;
	for (uint16_t i = 0; i < s->count; i++) {
		if (c->p->branches[s->first + i].key && (s->verb->outcomes & 1U << OUTCOME_INVALID))
			required |= 1U << OUTCOME_INVALID;
	}
	for (enum flow_outcome o = 0; o < FLOW_OUTCOMES; o++) {
		if (step_branch(c->p, s, o))
			continue;
		if (required & 1U << o)
			wrong(c, "%s needs the branch '%s', or 'next'", s->verb->name,
			      g_flow_outcomes[o]);
		else if (s->verb->wanted & 1U << o)
			warn(c, "without the branch '%s' or 'next' the call ends then",
			     g_flow_outcomes[o]);
	}
}

/* ---- steps ---- */

static void check_step_branches(struct checker *c, json_t *step, uint16_t place)
{
	const char *key;
	json_t *value;

	c->step->first = c->p->branch_count;
	json_object_foreach(step, key, value)
	{
		if (!strcmp(key, "on") && !json_is_array(c->steps))
			check_on(c, value);
		else if (!strcmp(key, "on") || word_index(g_flow_outcomes, key) != FLOW_OUTCOMES)
			check_branch(c, key, value);
	}
	if (json_is_array(c->steps) && c->step->verb->outcomes && place + 1 < c->p->count) {
		c->p->branches[c->p->branch_count++] =
			(struct flow_branch){ .outcome = OUTCOME_NEXT,
					      .to = (uint16_t)(place + 1) };
		c->step->count++;
	}
	check_required(c);
}

/* The one verb of a step. */
static void step_verb_find(struct checker *c, json_t *step)
{
	const char *key;
	json_t *value;
	size_t verbs = 0;

	json_object_foreach(step, key, value)
	{
		const struct verb *verb = verb_named(key);

		if (verb) {
			c->step->verb = verb;
			verbs++;
		} else if (strcmp(key, "on") != 0 &&
			   word_index(g_flow_outcomes, key) == FLOW_OUTCOMES) {
			check_unknown_key(c, key);
		}
	}
	if (verbs != 1) {
		c->broken = true;
		c->step->verb = NULL;
		wrong(c, verbs ? "a step has one verb, and not several"
			       : "a step is an object with a verb");
	}
}

static json_t *step_json(const json_t *steps, const struct flow_step *s, uint16_t place)
{
	return json_is_array(steps) ? json_array_get(steps, place)
				    : json_object_get(steps, s->name);
}

static size_t path_into_step(struct checker *c, uint16_t place)
{
	char index[8];

	(void)snprintf(index, sizeof(index), "%u", place);
	return path_into(c, json_is_array(c->steps) ? index : c->p->steps[place].name);
}

/* Once for its verb and the variables that it makes, and when all of them are known once more. */
static void check_step(struct checker *c, uint16_t place, bool again)
{
	const char *name = c->p->steps[place].name;
	json_t *step = step_json(c->steps, &c->p->steps[place], place);
	size_t before = path_into_step(c, place);

	c->step = &c->p->steps[place];
	if (!again) {
		if (strlen(name) > STEP_NAME_MAX || form_wrong(FORM_NAME, bytes_str(name)))
			wrong(c, "the name of a step has 1 to %d letters, digits and . _ -",
			      STEP_NAME_MAX);
		step_verb_find(c, step);
		if (c->step->verb)
			step_read_args(c, step);
	} else if (c->step->verb) {
		check_verb(c, step);
		check_step_branches(c, step, place);
	}
	c->path_n = before;
}

/* ---- where steps lead ---- */

/* The outcomes that take a branch. */
static uint16_t branch_outcomes(const struct flow_program *p, const struct flow_step *s,
				const struct flow_branch *b)
{
	uint16_t mask = 0;

	for (enum flow_outcome o = 0; o < FLOW_OUTCOMES; o++) {
		if ((s->verb->outcomes & 1U << o) && step_branch(p, s, o) == b)
			mask |= (uint16_t)(1U << o);
	}
	return mask;
}

/* This branch has no wait. */
static bool branch_is_quick(const struct flow_program *p, const struct flow_step *s,
			    const struct flow_branch *b)
{
	enum {
		QUICK = 1 << OUTCOME_FAILED | 1 << OUTCOME_BUSY | 1 << OUTCOME_REJECTED |
			1 << OUTCOME_FULL | 1 << OUTCOME_NONE
	};

	uint32_t quick = s->verb->flags & VERB_WAITS ? QUICK : UINT16_MAX;

	if (b->key)
		return !(s->verb->flags & VERB_WAITS);
	if (!strcmp(s->verb->name, "record")) /* silence, or its length */
		quick &= ~(1U << OUTCOME_NONE);
	return branch_outcomes(p, s, b) & quick;
}

/* The step from which each one is first reached: from[] is that step plus 1, or 0. `quick`: on
 * paths without waiting. */
static void steps_reach(const struct flow_program *p, uint16_t first, bool quick,
			uint16_t from[PROGRAM_STEPS_MAX])
{
	uint16_t queue[PROGRAM_STEPS_MAX + 1], n = 0;

	memset(from, 0, PROGRAM_STEPS_MAX * sizeof(*from));
	queue[n++] = first;
	for (uint16_t i = 0; i < n; i++) {
		const struct flow_step *s = &p->steps[queue[i]];

		for (uint16_t j = s->first; j < s->first + s->count; j++) {
			const struct flow_branch *b = &p->branches[j];

			if (from[b->to] || (quick && !branch_is_quick(p, s, b)))
				continue;
			from[b->to] = (uint16_t)(queue[i] + 1);
			if (b->to != first)
				queue[n++] = b->to;
		}
	}
}

static void check_reached(struct checker *c)
{
	uint16_t from[PROGRAM_STEPS_MAX];

	steps_reach(c->p, c->p->start, false, from);
	for (uint16_t i = 0; i < c->p->count; i++) {
		size_t before = path_into_step(c, i);

		if (!from[i] && i != c->p->start)
			wrong(c, "no way leads to this step");
		c->path_n = before;
	}
}

/* A call that went round there would do so as fast as a machine can. */
static void check_circles(struct checker *c)
{
	uint16_t from[PROGRAM_STEPS_MAX];
	bool told[PROGRAM_STEPS_MAX] = { false };

	for (uint16_t i = 0; i < c->p->count; i++) {
		unsigned length = 1;
		size_t before;

		if (!told[i])
			steps_reach(c->p, i, true, from);
		if (told[i] || !from[i])
			continue;
		for (uint16_t at = (uint16_t)(from[i] - 1); at != i;
		     at = (uint16_t)(from[at] - 1)) {
			told[at] = true;
			length++;
		}
		before = path_into_step(c, i);
		wrong(c, "from here the call comes back in %u step%s and waits for nobody: by %s",
		      length, length == 1 ? "" : "s", c->p->steps[from[i] - 1].name);
		c->path_n = before;
	}
}

/* ---- the whole ---- */

static bool check_root(struct checker *c, json_t *root)
{
	static const char *const members[] = { "name", "start", "steps" };
	const json_t *name = json_object_get(root, "name");
	const char *key;
	json_t *value;

	if (json_is_array(root)) {
		c->steps = root;
		return true;
	}
	c->steps = json_object_get(root, "steps");
	if (!json_is_object(root) || !json_is_object(c->steps)) {
		wrong(c, "an object with 'start' and 'steps' is expected, or a list of verbs");
		return false;
	}
	json_object_foreach(root, key, value)
	{
		struct guess g = { .word = bytes_str(key) };
		size_t i = 0;

		for (; i < COUNT_OF(members) && strcmp(members[i], key) != 0; i++)
			guess_add(&g, bytes_str(members[i]));
		if (i == COUNT_OF(members))
			check_unknown(c, key, "member of a flow", &g);
	}
	if (name && (!json_is_string(name) || json_string_length(name) > STEP_NAME_MAX ||
		     form_wrong(FORM_NAME, bytes_str(json_string_value(name)))))
		wrong(c, "the name has 1 to %d letters, digits and . _ -", STEP_NAME_MAX);
	return true;
}

/* Room for steps and branches. 0 or -1: no memory. */
static int program_make_steps(struct checker *c)
{
	struct flow_program *p = c->p;
	bool list = json_is_array(c->steps);
	size_t count = list ? json_array_size(c->steps) : json_object_size(c->steps),
	       branches = count;
	void *at = json_object_iter(c->steps);

	p->steps = calloc(count, sizeof(*p->steps) + (list ? 4 : 0));
	for (uint16_t i = 0; p->steps && i < count; i++) {
		json_t *step;

		if (list) {
			char *name = (char *)(p->steps + count) + 4 * (size_t)i;

			(void)snprintf(name, 4, "%u", (i + 1U) % 1000);
			p->steps[i].name = name;
		} else {
			p->steps[i].name = json_object_iter_key(at);
			at = json_object_iter_next(c->steps, at);
		}
		step = step_json(c->steps, &p->steps[i], i);
		branches += json_object_size(step) + json_object_size(json_object_get(step, "on"));
	}
	p->branches = calloc(branches, sizeof(*p->branches));
	p->count = p->steps && p->branches ? (uint16_t)count : 0;
	return p->steps && p->branches ? 0 : -1;
}

static void check_start(struct checker *c)
{
	const json_t *start = json_object_get(c->p->root, "start");
	size_t before = path_into(c, "start");
	int to;

	if (!json_is_array(c->p->root)) {
		to = check_target(c, start);
		c->p->start = to < 0 ? 0 : (uint16_t)to;
	}
	c->path_n = before;
}

static void check_steps(struct checker *c)
{
	bool list = json_is_array(c->steps);
	size_t count = list ? json_array_size(c->steps) : json_object_size(c->steps);

	if (count && count <= PROGRAM_STEPS_MAX && !program_make_steps(c))
		check_start(c);
	if (!list)
		(void)path_into(c, "steps");
	if (!count || count > PROGRAM_STEPS_MAX)
		wrong(c, "it has %zu steps; 1 to %d are allowed", count, PROGRAM_STEPS_MAX);
	else if (!c->p->branches)
		wrong(c, "there is no memory for it");
	for (uint32_t i = 0; i < 2U * c->p->count; i++)
		check_step(c, (uint16_t)(i % c->p->count), i >= c->p->count);
	if (!c->broken && c->p->count) {
		check_reached(c);
		check_circles(c);
	}
	c->path_n = 0;
}

static bool depth_fits(struct bytes text)
{
	size_t depth = 0;
	bool quoted = false;

	for (size_t i = 0; i < text.n && depth <= PROGRAM_DEPTH_MAX; i++) {
		if (text.p[i] == '"')
			quoted = !quoted;
		else if (quoted)
			i += text.p[i] == '\\';
		else if (text.p[i] == '{' || text.p[i] == '[')
			depth++;
		else if ((text.p[i] == '}' || text.p[i] == ']') && depth)
			depth--;
	}
	return depth <= PROGRAM_DEPTH_MAX;
}

static json_t *program_read_json(struct checker *c, struct bytes text)
{
	json_error_t error = { .text = "" };
	json_t *root = NULL;

	if (text.n > PROGRAM_TEXT_MAX)
		wrong(c, "it has %zu octets; %d are allowed", text.n, PROGRAM_TEXT_MAX);
	else if (!depth_fits(text))
		wrong(c, "it is deeper than %d lists and objects", PROGRAM_DEPTH_MAX);
	else
		root = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, &error);
	if (!root && !c->out->errors)
		wrong(c, "line %d, column %d: it is no JSON: %s", error.line, error.column,
		      utf8_is(bytes_str(error.text)) ? error.text : "not UTF-8");
	return root;
}

static void program_hash(struct flow_program *p)
{
	char *text = program_text(p, true);

	if (text)
		(void)EVP_Digest(text, strlen(text), p->hash, NULL, EVP_sha256(), NULL);
	free(text);
}

static struct flow_program *program_make(struct bytes text, const struct flow_known *known,
					 bool kept, struct flow_findings *out)
{
	struct checker c = { .out = out,
			     .known = known,
			     .p = calloc(1, sizeof(*c.p)),
			     .variables = json_object(),
			     .kept = kept };

	*out = (struct flow_findings){ 0 };
	if (!c.p || !c.variables)
		wrong(&c, "there is no memory for it");
	else
		c.p->root = program_read_json(&c, text);
	if (c.p && c.p->root && check_root(&c, c.p->root))
		check_steps(&c);
	json_decref(c.variables);
	if (!out->errors) {
		program_hash(c.p);
		return c.p;
	}
	program_free(c.p);
	return NULL;
}

struct flow_program *program_parse(struct bytes text, const struct flow_known *known,
				   struct flow_findings *out)
{
	return program_make(text, known, false, out);
}

struct flow_program *program_read(struct bytes text, struct flow_findings *out)
{
	return program_make(text, NULL, true, out);
}

void program_free(struct flow_program *p)
{
	if (!p)
		return;
	for (uint16_t i = 0; i < p->count; i++)
		json_decref(p->steps[i].args);
	free(p->steps);
	free(p->branches);
	json_decref(p->root);
	free(p);
}
