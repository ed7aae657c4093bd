/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs of flows: a text, and behind a NUL how one verb after the other ends. Either there are errors, each with a place, or a program that
 * is read again as the same one from how it is written. The interpreter ends; where every verb fails at once it ends within one visit of
 * each step, as no circle waits for nobody. Its position is saved and read again at each verb.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/schema/flow_graph.h"
#include "base/json.h"
#include "sig/flow/program.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct flow_findings g_findings;
static struct flow_verb g_verb;
static char g_dot[FLOW_GRAPH_MAX];

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "%s\n", what);
	abort();
}

/* The rest of the input says what is known of the call, too. */
static void fact(void *arg, struct bytes name, struct writer *w)
{
	(void)name;
	writer_bytes(w, bytes_sub(*(struct bytes *)arg, 0, 16));
}

static void hours(void *arg, struct bytes name, struct writer *w)
{
	const struct bytes *rest = arg;

	(void)name;
	writer_str(w, rest->n % 3 == 0 ? "open" : rest->n % 3 == 1 ? "holiday" : "");
}

static bool tag(void *arg, struct bytes name, struct bytes value)
{
	(void)arg;
	(void)value;
	return !form_wrong(FORM_TAG, name);
}

static void check_findings(const struct flow_program *p)
{
	check(!p == (g_findings.errors != 0), "errors and a program, or neither");
	check(g_findings.count <= g_findings.errors + g_findings.warnings, "more than were found");
	for (uint32_t i = 0; i < g_findings.count; i++) {
		struct bytes path = bytes_str(g_findings.list[i].path);

		check(!path.n || path.p[0] == '/', "a path that is no JSON pointer");
		check(utf8_is(path) && g_findings.list[i].message[0], "a finding without words");
	}
}

static void check_text(const struct flow_program *p, bool compact)
{
	char *text = program_text(p, compact), *again;
	struct flow_program *q;

	check(text != NULL, "no memory");
	q = program_parse(bytes_str(text), NULL, &g_findings);
	if (!q && strlen(text) >
			  PROGRAM_TEXT_MAX) { /* with spaces, or escapes undone, it may be longer */
		free(text);
		return;
	}
	check(q && !memcmp(p->hash, q->hash, sizeof(p->hash)),
	      "what is written is another program");
	again = program_text(q, compact);
	check(again && !strcmp(text, again), "it is written in another way");
	free(text);
	free(again);
	program_free(q);
}

static void check_saved(const struct flow_position *pos)
{
	static uint8_t room[8192];
	struct schema_writer w = { .start = room, .at = room + sizeof(room) };
	struct schema_reader r = { 0 };
	struct flow_position back = { 0 };

	schema_write(&w, position_rows, pos);
	check(!w.overflow && w.secret == (pos->secrets.n != 0), "not saved");
	check(schema_read(&r, position_rows, &back,
			  bytes_mem(w.at, (size_t)(room + sizeof(room) - w.at)), true),
	      "what is saved cannot be read");
	check(back.step == pos->step && back.visit == pos->visit && back.tries == pos->tries &&
		      bytes_eq(text_bytes(&back.variables), text_bytes(&pos->variables)) &&
		      bytes_eq(text_bytes(&back.secrets), text_bytes(&pos->secrets)),
	      "it is another position");
	check(pos->variables.n + pos->secrets.n <= VARIABLES_MAX, "too many variables");
	position_clear(&back);
}

static void check_verb(const struct flow_program *p, const struct flow_position *pos)
{
	static char text[65536];
	struct writer w = writer_over(text, sizeof(text));

	check(g_verb.step == &p->steps[pos->step] && g_verb.visit == pos->visit, "another step");
	check(g_verb.room_n <= VERB_ROOM_MAX && g_verb.count <= VERB_TEXTS_MAX, "no room");
	for (uint8_t i = 0; i < g_verb.count; i++)
		check(g_verb.texts[i].n <= VERB_TEXT_MAX, "a long text");
	verb_write(&w, &g_verb);
	check(!w.overflow, "a verb that cannot be shown");
}

/* Digits are what follows an octet, up to the next one that is no digit. */
static struct bytes value_cut(struct bytes *rest)
{
	size_t n = 0;
	struct bytes value;

	while (n < rest->n && rest->p[n] >= '0' && rest->p[n] <= '9')
		n++;
	value = bytes_sub(*rest, 0, n);
	*rest = bytes_from(*rest, n);
	return value;
}

static void check_way(const struct flow_program *p, struct bytes rest, bool fails)
{
	const struct flow_world world = { fact, hours, tag, NULL, &rest };
	struct flow_position pos = { 0 };
	enum flow_turn turn = program_start(p, &pos, &world, &g_verb);
	unsigned turns = 0;

	while (turn == FLOW_VERB) {
		uint8_t octet = rest.n ? rest.p[0] : (uint8_t)turns;
		struct bytes value;

		check_verb(p, &pos);
		check_saved(&pos);
		if (fails && !(g_verb.verb->outcomes & 1U << OUTCOME_FAILED))
			break; /* it cannot, so it waits */
		check(++turns <= (fails ? p->count : PROGRAM_VERBS_MAX), "it does not end");
		rest = bytes_from(rest, 1);
		value = value_cut(&rest);
		turn = program_next(p, &pos, fails ? OUTCOME_FAILED : octet % (FLOW_OUTCOMES + 1),
				    value, &world, &g_verb);
	}
	check(turn != FLOW_ASTRAY, "astray");
	check(turn != FLOW_TOO_MANY || (!fails && pos.visit == PROGRAM_VERBS_MAX),
	      "too many verbs");
	position_clear(&pos);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes rest = bytes_mem(data, size), text = { 0 };
	struct writer w = writer_over(g_dot, sizeof(g_dot));
	struct flow_program *p;

	(void)bytes_cut(&rest, '\0', &text);
	p = program_parse(text, NULL, &g_findings);
	check_findings(p);
	if (!p)
		return 0;
	check_text(p, true);
	check_text(p, false);
	flow_graph_write(p, &w);
	check(!w.overflow, "the picture has no room");
	check_way(p, rest, false);
	check_way(p, rest, true);
	program_free(p);
	return 0;
}
