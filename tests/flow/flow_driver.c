/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For flow_random.py: a line of JSON has a flow, what is known of a call, and how one verb after the other ends; a line of JSON says what is
 * wrong with the flow, or as what it is kept and what the call meets. First of all comes the JSON Schema.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sig/flow/program.h"

static struct flow_verb g_verb;
static struct flow_findings g_found;

struct caller {
	json_t *facts, *lines;
};

static void fact_find(const struct caller *c, const char *before, struct bytes name,
		      struct writer *w)
{
	char key[128];
	const char *value;

	(void)snprintf(key, sizeof(key), "%s" BYTES_FMT, before, BYTES_ARG(name));
	value = json_string_value(json_object_get(c->facts, key));
	writer_str(w, value);
}

static void fact(void *arg, struct bytes name, struct writer *w)
{
	fact_find(arg, "", name, w);
}

static void hours(void *arg, struct bytes name, struct writer *w)
{
	fact_find(arg, "hours.", name, w);
}

static bool tag(void *arg, struct bytes name, struct bytes value)
{
	const struct caller *c = arg;

	return !json_array_append_new(c->lines,
				      json_pack("{s:s%, s:s%}", "tag", name.p, name.n, "value",
						value.n ? (const char *)value.p : "", value.n));
}

static void left(void *arg, const struct flow_step *step, const char *by)
{
	const struct caller *c = arg;

	(void)json_array_append_new(c->lines,
				    json_pack("{s:s, s:s}", "left", step->name, "by", by));
}

static void verb_note(const struct caller *c)
{
	static char text[1 << 16];
	struct writer w = writer_over(text, sizeof(text));

	verb_write(&w, &g_verb);
	(void)json_array_append_new(c->lines, json_loadb(text, w.n, 0, NULL));
}

static void call_run(const struct flow_program *p, struct caller *c, const json_t *words)
{
	const struct flow_world world = { fact, hours, tag, left, c };
	struct flow_position pos = { 0 };
	enum flow_turn turn = program_start(p, &pos, &world, &g_verb);

	for (size_t i = 0; turn == FLOW_VERB; i++) {
		const char *word = json_string_value(json_array_get(words, i));
		enum flow_outcome outcome;
		struct bytes value;

		verb_note(c);
		if (!word || !g_verb.verb->outcomes)
			break;
		outcome = (enum flow_outcome)word_index(g_flow_outcomes, word); /* or what came */
		value = bytes_str(outcome == FLOW_OUTCOMES ? word : NULL);
		if (outcome == FLOW_OUTCOMES)
			outcome = OUTCOME_NEXT;
		turn = program_next(p, &pos, outcome, value, &world, &g_verb);
	}
	if (turn != FLOW_VERB)
		(void)json_array_append_new(
			c->lines, turn == FLOW_OVER ? json_pack("{s:b}", "end", 1)
						    : json_pack("{s:s}", "end", "too many verbs"));
	position_clear(&pos);
}

static json_t *one(json_t *in)
{
	char *text = json_dumps(json_object_get(in, "flow"), 0), *kept;
	struct flow_program *p = program_parse(bytes_str(text), NULL, &g_found);
	struct caller c = { json_object_get(in, "facts"), json_array() };
	json_t *out;

	if (p)
		call_run(p, &c, json_object_get(in, "words"));
	kept = p ? program_text(p, true) : NULL;
	out = json_pack("{s:s*, s:s, s:s, s:o}", "kept", kept, "path", g_found.list[0].path,
			"message", g_found.list[0].message, "lines", c.lines);
	free(kept);
	free(text);
	program_free(p);
	return out;
}

static void line_write(json_t *json)
{
	(void)json_dumpf(json, stdout, JSON_COMPACT);
	(void)putchar('\n');
	(void)fflush(stdout);
	json_decref(json);
}

int main(void)
{
	static char line[1 << 18];
	json_t *in;

	line_write(flow_schema());
	while (fgets(line, sizeof(line), stdin)) {
		in = json_loads(line, 0, NULL);
		line_write(one(in));
		json_decref(in);
	}
	return 0;
}
