/* SPDX-License-Identifier: Apache-2.0 */
/* A program, a position and an outcome: which verb comes next, with its arguments. */
#include <errno.h>
#include <stdlib.h>

#include "base/json.h"
#include "sig/dial/pattern.h"
#include "sig/flow/program.h"

/* ---- variables ---- */

/* Cuts a name and a value off. Returns false at the end, or if *rest is malformed (it is not empty
 * then). */
static bool variable_cut(struct bytes *rest, struct bytes *name, struct bytes *value)
{
	struct bytes all = *rest;
	size_t behind = bytes_find(all, '\0');

	*name = bytes_sub(all, 0, behind);
	all = bytes_from(all, behind + 1);
	behind = bytes_find(all, '\0');
	*value = bytes_sub(all, 0, behind);
	if (behind == all.n || !name->n || !value->n)
		return false;
	*rest = bytes_from(all, behind + 1);
	return true;
}

static bool variables_check(struct schema_reader *r, void *object)
{
	struct bytes rest = text_bytes(object), name, value;

	(void)r;
	while (variable_cut(&rest, &name, &value)) {
		if (!variable_name_is(name) || !utf8_is(value) || value.n > VERB_TEXT_MAX)
			return false;
	}
	return !rest.n;
}

const struct schema position_rows[] = {
	{ "program", 1, SCHEMA_OCTETS, SCHEMA_AT(struct flow_position, program) },
	{ "step", 2, SCHEMA_UINT, SCHEMA_AT(struct flow_position, step),
	  .max = PROGRAM_STEPS_MAX - 1 },
	{ "visit", 3, SCHEMA_UINT, SCHEMA_AT(struct flow_position, visit),
	  .max = PROGRAM_VISITS_MAX },
	{ "tries", 4, SCHEMA_UINT, SCHEMA_AT(struct flow_position, tries) },
	{ "variables", 5, SCHEMA_TEXT, SCHEMA_AT(struct flow_position, variables),
	  .max = VARIABLES_MAX, .check = variables_check },
	{ "secrets", 6, SCHEMA_TEXT, SCHEMA_SECRET, SCHEMA_AT(struct flow_position, secrets),
	  .max = VARIABLES_MAX, .check = variables_check },
	{ "keyed", 7, SCHEMA_UINT, SCHEMA_AT(struct flow_position, keyed),
	  .max = PROGRAM_VISITS_MAX },
	{ 0 },
};

void position_clear(struct flow_position *pos)
{
	text_clear(&pos->variables);
	text_wipe(&pos->secrets);
	*pos = (struct flow_position){ 0 };
}

static struct bytes value_in(struct bytes rest, struct bytes wanted)
{
	struct bytes name, value;

	while (variable_cut(&rest, &name, &value)) {
		if (bytes_eq(name, wanted))
			return value;
	}
	return (struct bytes){ 0 };
}

struct bytes variable_get(const struct flow_position *pos, struct bytes name, bool *secret)
{
	struct bytes value = value_in(text_bytes(&pos->secrets), name);

	*secret = value.n != 0;
	return value.n ? value : value_in(text_bytes(&pos->variables), name);
}

/* All but one, and that with its new value where it has one. */
static struct bytes variables_write(struct writer *w, struct bytes rest, struct bytes but,
				    struct bytes now)
{
	struct bytes name, value;

	while (variable_cut(&rest, &name, &value)) {
		if (bytes_eq(name, but))
			continue;
		writer_mem(w, name.p, name.n + 1);
		writer_mem(w, value.p, value.n + 1);
	}
	if (now.n) {
		writer_bytes(w, but);
		writer_u8(w, 0);
		writer_bytes(w, now);
		writer_u8(w, 0);
	}
	return writer_done(w);
}

int variable_set(struct flow_position *pos, struct bytes name, struct bytes value, bool secret)
{
	static const struct bytes none = { 0 };
	uint8_t open_room[VARIABLES_MAX], secret_room[VARIABLES_MAX];
	struct writer w = writer_over(open_room, sizeof(open_room)),
		      s = writer_over(secret_room, sizeof(secret_room));
	struct text variables = { 0 };
	struct bytes open, hidden;

	if (!variable_name_is(name) || value.n > VERB_TEXT_MAX || !utf8_is(value) ||
	    bytes_find(value, '\0') != value.n)
		return -EINVAL;
	open = variables_write(&w, text_bytes(&pos->variables), name, secret ? none : value);
	hidden = variables_write(&s, text_bytes(&pos->secrets), name, secret ? value : none);
	if (w.overflow || s.overflow || open.n + hidden.n > VARIABLES_MAX)
		return -ENOSPC;
	if (text_set(&variables, open))
		return -ENOMEM;
	if (!bytes_eq(hidden, text_bytes(&pos->secrets))) {
		struct text secrets = { 0 };

		if (text_set(&secrets, hidden)) {
			text_clear(&variables);
			return -ENOMEM;
		}
		text_wipe(&pos->secrets);
		pos->secrets = secrets;
	}
	explicit_bzero(secret_room, sizeof(secret_room));
	text_clear(&pos->variables);
	pos->variables = variables;
	return 0;
}

/* ---- where outcomes lead ---- */

/* The branch under `on` for what came: that key itself, or the most exact pattern. */
static const struct flow_branch *step_on(const struct flow_program *p, const struct flow_step *s,
					 struct bytes value, bool *any)
{
	const struct flow_branch *found = NULL;
	struct pattern best, one;

	for (uint16_t i = s->first; i < s->first + s->count; i++) {
		const struct flow_branch *b = &p->branches[i];

		if (!b->key)
			continue;
		*any = true;
		if (bytes_is(value, b->key))
			return b;
		if (pattern_list_wrong(bytes_str(b->key)) ||
		    !pattern_list_match(bytes_str(b->key), value, &one).whole)
			continue;
		if (!found || pattern_order(&one, &best) < 0) {
			found = b;
			best = one;
		}
	}
	return found;
}

/* What came may lead elsewhere, or nowhere: then *outcome says so. */
static const struct flow_branch *step_follow(const struct flow_program *p,
					     const struct flow_step *s, enum flow_outcome *outcome,
					     struct bytes value)
{
	bool came = *outcome == OUTCOME_NEXT || *outcome == OUTCOME_ELSE ||
		    *outcome == OUTCOME_CLOSED,
	     any = false;
	const struct flow_branch *b = came ? step_on(p, s, value, &any) : NULL;

	if (b)
		return b;
	if (any && (s->verb->outcomes & 1U << OUTCOME_INVALID))
		*outcome = OUTCOME_INVALID;
	return step_branch(p, s, *outcome);
}

/* ---- arguments ---- */

struct turn {
	const struct flow_program *p;
	struct flow_position *pos;
	const struct flow_world *world;
	struct flow_verb *out;
	bool secret; /* its input must not be shown */
};

static void piece_write(struct turn *t, struct writer *w, struct bytes piece, bool *secret)
{
	size_t from = w->n;
	uint32_t width;
	struct bytes name = piece_name(piece, &width);
	bool hidden = false;

	if (fact_is(name))
		t->world->fact(t->world->arg, name, w);
	else
		writer_bytes(w, variable_get(t->pos, name, &hidden));
	*secret |= hidden;
	writer_zeros(w, from, width);
}

/* As it may stand there. */
static void piece_write_in_url(struct turn *t, struct writer *w, struct bytes piece, bool *secret)
{
	uint8_t room[VERB_ROOM_MAX];
	struct writer value = writer_over(room, sizeof(room));

	piece_write(t, &value, piece, secret);
	url_write_value(w, writer_done(&value));
	w->overflow |= value.overflow;
	if (*secret)
		explicit_bzero(room, sizeof(room));
}

/* Replaces names by values once: braces within values stay. Returns false if it is too long, or a
 * value may not stand there. */
static bool text_expand(struct turn *t, enum arg_form form, struct bytes text, struct bytes *out,
			bool *secret)
{
	struct flow_verb *v = t->out;
	struct writer w = writer_over(v->room + v->room_n, sizeof(v->room) - v->room_n);
	struct bytes rest = text, part;
	enum text_piece piece;
	bool names = false;

	*secret = false;
	*out = text;
	if (bytes_find(text, '{') == text.n)
		return true;
	if (form == FORM_URL && url_names_wrong(text, &part))
		return false;
	while ((piece = text_piece_cut(&rest, &part)) == PIECE_LITERAL || piece == PIECE_NAME) {
		names |= piece == PIECE_NAME;
		if (piece == PIECE_LITERAL)
			writer_bytes(&w, part);
		else if (form == FORM_URL)
			piece_write_in_url(t, &w, part, secret);
		else
			piece_write(t, &w, part, secret);
	}
	*out = writer_done(&w);
	v->room_n += out->n;
	return !w.overflow && out->n <= VERB_TEXT_MAX &&
	       !(form == FORM_URL && names && url_has_dots(*out));
}

/* One more text of an argument. */
static bool text_put(struct turn *t, struct flow_value *value, const char *text, enum arg_form form,
		     size_t min, size_t max)
{
	struct flow_verb *v = t->out;
	struct bytes *to = &v->texts[v->count];

	if (v->count == VERB_TEXTS_MAX ||
	    !text_expand(t, form, bytes_str(text), to, &v->secrets[v->count]) || to->n < min ||
	    to->n > max || (to->n && form_wrong(form, *to)))
		return false;
	v->secret |= v->secrets[v->count];
	if (!value->count++)
		value->first = v->count;
	v->count++;
	return true;
}

/* Of those that may be empty in the end the empty ones are left out. */
static bool texts_put(struct turn *t, struct flow_value *value, const struct verb_arg *arg,
		      const json_t *list)
{
	json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		if (!text_put(t, value, json_string_value(one), arg->form, 0, 256))
			return false;
		if (!t->out->texts[t->out->count - 1].n) {
			t->out->count--;
			value->count--;
		}
	}
	return value->count != 0;
}

static bool map_put(struct turn *t, struct flow_value *value, json_t *map)
{
	const char *key;
	json_t *one;

	json_object_foreach(map, key, one)
	{
		struct flow_verb *v = t->out;

		if (v->count + 2 > VERB_TEXTS_MAX)
			return false;
		if (!value->count++)
			value->first = v->count;
		v->secrets[v->count] = false;
		v->texts[v->count++] = bytes_str(key);
		if (!text_put(t, value, json_string_value(one), FORM_ANY, 0, VERB_TEXT_MAX))
			return false;
	}
	return true;
}

/* False: it cannot be made of what is known by now. */
static bool value_put(struct turn *t, const struct verb_arg *arg, json_t *in,
		      struct flow_value *out)
{
	*out = (struct flow_value){ .given = in != NULL, .number = arg->preset };
	if (!in)
		return !arg->preset_text ||
		       text_put(t, out, arg->preset_text, FORM_ANY, 0, VERB_TEXT_MAX);
	switch ((enum arg_type)arg->type) {
	case ARG_IS_TEXT:
		if (!text_put(t, out, json_string_value(in), arg->form,
			      arg->required ? arg->min : 0, arg->max))
			return false;
		out->given = !arg->min || t->out->texts[out->first].n;
		return true;
	case ARG_IS_TEXTS:
		return texts_put(t, out, arg, in);
	case ARG_IS_NUMBER:
		out->number = (uint32_t)json_integer_value(in);
		return true;
	case ARG_IS_SECONDS:
		out->number = (uint32_t)(json_number_value(in) * 1000 + 0.5);
		return true;
	case ARG_IS_BOOL:
		out->number = json_is_true(in);
		return true;
	case ARG_IS_WORD:
		out->number = (uint32_t)word_index(arg->words, json_string_value(in));
		return true;
	case ARG_IS_MAP:
		return map_put(t, out, in);
	}
	return false;
}

static bool verb_fill(struct turn *t)
{
	const struct flow_step *s = &t->p->steps[t->pos->step];
	struct flow_verb *v = t->out;

	v->verb = s->verb;
	v->step = s;
	v->visit = t->pos->visit;
	v->tries = t->pos->tries;
	v->secret = false;
	v->count = 0;
	v->room_n = 0;
	for (size_t i = 0; s->verb->args[i].name; i++) {
		const struct verb_arg *arg = &s->verb->args[i];

		if (!value_put(t, arg, json_object_get(s->args, arg->name), &v->values[i]))
			return false;
	}
	return true;
}

const struct flow_value *verb_value(const struct flow_verb *v, const char *arg)
{
	const struct verb_arg *found = verb_arg_find(v->verb, arg);

	return found ? &v->values[found - v->verb->args] : NULL;
}

struct bytes verb_text(const struct flow_verb *v, const char *arg)
{
	const struct flow_value *value = verb_value(v, arg);

	return value && value->count ? v->texts[value->first] : (struct bytes){ 0 };
}

/* ---- verbs that are done here ---- */

static enum flow_outcome variables_put(struct turn *t)
{
	for (uint8_t i = 0; i + 1 < t->out->count; i = (uint8_t)(i + 2)) {
		if (variable_set(t->pos, t->out->texts[i], t->out->texts[i + 1],
				 t->out->secrets[i + 1]))
			return OUTCOME_FAILED;
	}
	return OUTCOME_NEXT;
}

/* A tag is for all to see. */
static enum flow_outcome tags_put(struct turn *t)
{
	const struct flow_verb *v = t->out;

	for (uint8_t i = 0; i + 1 < v->count && !v->secret; i = (uint8_t)(i + 2)) {
		if (!t->world->tag(t->world->arg, v->texts[i], v->texts[i + 1]))
			return OUTCOME_FAILED;
	}
	return v->secret ? OUTCOME_FAILED : OUTCOME_NEXT;
}

static enum flow_outcome hours_look(struct turn *t, struct bytes *says)
{
	struct flow_verb *v = t->out;
	struct writer w = writer_over(v->room + v->room_n, sizeof(v->room) - v->room_n);

	t->world->hours(t->world->arg, verb_text(v, "name"), &w);
	*says = writer_done(&w);
	if (!says->n)
		return OUTCOME_FAILED;
	return bytes_is(*says, "open") ? OUTCOME_NEXT : OUTCOME_CLOSED;
}

/* For a verb that only decides; *value: compared with the keys of `on`. */
static enum flow_outcome verb_decide(struct turn *t, struct bytes *value)
{
	const char *name = t->out->verb->name;

	*value = (struct bytes){ 0 };
	if (!strcmp(name, "set"))
		return variables_put(t);
	if (!strcmp(name, "tag"))
		return tags_put(t);
	if (!strcmp(name, "hours"))
		return hours_look(t, value);
	*value = verb_text(t->out, "value");
	return OUTCOME_ELSE;
}

/* ---- what others did ---- */

bool step_text_is_plain(const struct flow_step *s, const char *arg, size_t i)
{
	const json_t *given = json_object_get(s->args, arg);
	const char *text =
		json_string_value(json_is_array(given) ? json_array_get(given, i) : given);

	return text && !strchr(text, '{');
}

static json_int_t step_number(const struct flow_step *s, const char *arg)
{
	const json_t *given = json_object_get(s->args, arg);
	const struct verb_arg *known = verb_arg_find(s->verb, arg);

	return given ? json_integer_value(given) : known ? known->preset : 0;
}

/* A member of a response as text; only numbers, texts and booleans become variables. */
static bool variable_from_member(struct flow_position *pos, const char *name, const json_t *member)
{
	char number[40];
	struct writer w = writer_over(number, sizeof(number));
	struct bytes value = bytes_str(json_string_value(member));

	if (json_is_integer(member))
		writer_fmt(&w, "%" JSON_INTEGER_FORMAT, json_integer_value(member));
	else if (json_is_real(member))
		writer_fmt(&w, "%.12g", json_real_value(member));
	else if (json_is_boolean(member))
		writer_str(&w, json_is_true(member) ? "true" : "false");
	return !variable_set(pos, bytes_str(name), w.n ? writer_done(&w) : value, false);
}

static enum flow_outcome variables_from_answer(struct flow_position *pos, const struct flow_step *s,
					       struct bytes text)
{
	json_t *answer = text.n <= PROGRAM_TEXT_MAX
				 ? json_loadb((const char *)text.p, text.n, 0, NULL)
				 : NULL;
	bool ok = json_is_object(answer);
	json_t *name;
	size_t i;

	json_array_foreach(json_object_get(s->args, "take"), i, name) ok =
		ok && variable_from_member(pos, json_string_value(name),
					   json_object_get(answer, json_string_value(name)));
	json_decref(answer);
	return ok || !json_object_get(s->args, "take") ? OUTCOME_NEXT : OUTCOME_FAILED;
}

static enum flow_outcome variables_from_value(struct flow_position *pos, struct bytes text)
{
	json_t *value = json_loadb((const char *)text.p, text.n, 0, NULL), *member;
	const char *name;
	bool ok = true;

	json_object_foreach(value, name, member) ok &= variable_from_member(pos, name, member);
	json_decref(value);
	return ok ? OUTCOME_NEXT : OUTCOME_FAILED;
}

/* What a verb that is done well leaves in variables. */
static enum flow_outcome result_store(struct flow_position *pos, const struct flow_step *s,
				      struct bytes value)
{
	const struct verb_arg *into = verb_arg_find(s->verb, "into");
	const char *name = json_string_value(json_object_get(s->args, "into"));
	bool secret = json_is_true(json_object_get(s->args, "secret"));

	if (!strcmp(s->verb->name, "http"))
		return variables_from_answer(pos, s, value);
	if (s->verb->flags & VERB_VARIABLES)
		return variables_from_value(pos, value);
	if (into && variable_set(pos, bytes_str(name ? name : into->preset_text), value, secret))
		return OUTCOME_FAILED;
	return OUTCOME_NEXT;
}

/* What the world says about a verb, as its step knows it. */
static enum flow_outcome outcome_check(const struct flow_step *s, enum flow_outcome outcome,
				       struct bytes value)
{
	if (outcome >= FLOW_OUTCOMES || !(s->verb->outcomes & 1U << outcome))
		return s->verb->outcomes & 1U << OUTCOME_ELSE ? OUTCOME_ELSE : OUTCOME_FAILED;
	if (strcmp(s->verb->name, "gather") != 0 || outcome != OUTCOME_NEXT)
		return outcome;
	if ((json_int_t)value.n < step_number(s, "min") ||
	    (json_int_t)value.n > step_number(s, "max") || form_wrong(FORM_KEYS, value))
		return OUTCOME_INVALID;
	return outcome;
}

/* The next step; -1 without one. */
static int position_follow(struct turn *t, enum flow_outcome outcome, struct bytes value)
{
	const struct flow_step *s = &t->p->steps[t->pos->step];
	const struct flow_branch *b;
	bool again;

	outcome = outcome_check(s, outcome, value);
	b = step_follow(t->p, s, &outcome, value);
	if (s->verb->flags & VERB_ON && !(s->verb->flags & VERB_DECIDES) &&
	    ((b && b->key) || outcome == OUTCOME_NEXT) && value.n)
		t->pos->keyed = t->pos->visit;
	again = (outcome == OUTCOME_TIMEOUT || outcome == OUTCOME_INVALID) &&
		t->pos->tries + 1 < step_number(s, "tries");
	t->pos->tries = again ? (uint8_t)(t->pos->tries + 1) : 0;
	if ((outcome == OUTCOME_NEXT ||
	     (outcome == OUTCOME_NONE && !strcmp(s->verb->name, "record")) ||
	     (outcome == OUTCOME_FULL && s->verb->flags & VERB_VARIABLES)) &&
	    result_store(t->pos, s, value) == OUTCOME_FAILED) {
		outcome = OUTCOME_FAILED;
		b = step_branch(t->p, s, outcome);
	}
	if (t->world->left)
		t->world->left(t->world->arg, s,
			       !b || !b->key ? g_flow_outcomes[outcome]
			       : t->secret   ? "***"
					     : b->key);
	return again ? t->pos->step : b ? b->to : -1;
}

/* ---- turns ---- */

bool verb_leaves(const struct verb *verb)
{
	return !strcmp(verb->name, "redirect") || !strcmp(verb->name, "voicemail") ||
	       !strcmp(verb->name, "mailbox");
}

static enum flow_turn program_run(struct turn *t, int to)
{
	for (; to >= 0;) {
		enum flow_outcome outcome = OUTCOME_FAILED;
		struct bytes value = { 0 };

		if (t->pos->visit >= PROGRAM_VISITS_MAX ||
		    t->pos->visit - t->pos->keyed >= PROGRAM_VERBS_MAX)
			return FLOW_TOO_MANY;
		t->pos->step = (uint16_t)to;
		t->pos->visit++;
		if (verb_fill(t)) {
			if (!(t->out->verb->flags & VERB_DECIDES) || verb_leaves(t->out->verb))
				return FLOW_VERB;
			outcome = verb_decide(t, &value);
		}
		t->secret = t->out->secret;
		to = position_follow(t, outcome, value);
	}
	return FLOW_OVER;
}

enum flow_turn program_start(const struct flow_program *p, struct flow_position *pos,
			     const struct flow_world *world, struct flow_verb *out)
{
	struct turn t = { p, pos, world, out, false };

	memcpy(pos->program, p->hash, sizeof(pos->program));
	pos->tries = 0;
	return program_run(&t, p->start);
}

enum flow_turn program_next(const struct flow_program *p, struct flow_position *pos,
			    enum flow_outcome outcome, struct bytes value,
			    const struct flow_world *world, struct flow_verb *out)
{
	struct turn t = { p, pos, world, out, false };

	if (memcmp(pos->program, p->hash, sizeof(pos->program)) != 0 || pos->step >= p->count)
		return FLOW_ASTRAY;
	t.secret = json_is_true(json_object_get(p->steps[pos->step].args, "secret"));
	return program_run(&t, position_follow(&t, outcome, value));
}

bool program_verb(const struct flow_program *p, struct flow_position *pos,
		  const struct flow_world *world, struct flow_verb *out)
{
	struct turn t = { p, pos, world, out, false };

	return memcmp(pos->program, p->hash, sizeof(pos->program)) == 0 && pos->step < p->count &&
	       verb_fill(&t);
}
