/* SPDX-License-Identifier: Apache-2.0 */
/* tandemctl flow: programs of flows without a node (docs/flows.md). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/ctl/ctl.h"
#include "sig/flow/program.h"

enum { FLOW_LINE_MAX = 8192, FLOW_DOT_MAX = 1 << 20, FLOW_READ_MAX = PROGRAM_TEXT_MAX + 2 };

/* The words behind the file: NAME=VALUE says what is known of the call, all else how one verb after the other ended. */
struct flow_words {
	int argc;
	char **argv;
};

static bool flow_read(const char *path, char *text, size_t *n)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "rb") : stdin;

	if (file)
		*n = fread(text, 1, FLOW_READ_MAX, file);
	if (!file || ferror(file)) {
		ctl_complain("%s cannot be read", path);
		return false;
	}
	if (file != stdin)
		(void)fclose(file);
	return true;
}

static void findings_print(const struct flow_findings *all)
{
	for (uint32_t i = 0; i < all->count; i++) {
		const struct flow_finding *f = &all->list[i];

		(void)fprintf(stderr, "%s: %s%s\n", f->path[0] ? f->path : "/",
			      f->warning ? "warning: " : "", f->message);
	}
	if (all->errors + all->warnings > all->count)
		(void)fprintf(stderr, "and %u more\n", all->errors + all->warnings - all->count);
}

static struct flow_program *flow_load(const char *path)
{
	static char text[FLOW_READ_MAX];
	static struct flow_findings findings;
	struct flow_program *p;
	size_t n = 0;

	if (!flow_read(path, text, &n))
		return NULL;
	p = program_parse(bytes_mem(text, n), NULL, &findings);
	findings_print(&findings);
	return p;
}

/* ---- try ---- */

/* What NAME=VALUE says. */
static struct bytes words_find(const struct flow_words *words, const char *before,
			       struct bytes name)
{
	for (int i = 0; i < words->argc; i++) {
		struct bytes word = bytes_str(words->argv[i]), key = { 0 };
		size_t n = strlen(before);

		if (bytes_find(word, '=') == word.n || !bytes_cut(&word, '=', &key))
			continue;
		if (bytes_eq(bytes_sub(key, 0, n), bytes_str(before)) &&
		    bytes_eq(bytes_from(key, n), name))
			return word;
	}
	return (struct bytes){ 0 };
}

static void flow_fact_write(void *arg, struct bytes name, struct writer *w)
{
	writer_bytes(w, words_find(arg, "", name));
}

static void flow_hours_write(void *arg, struct bytes name, struct writer *w)
{
	writer_bytes(w, words_find(arg, "hours.", name));
}

static void flow_line_print(json_t *line)
{
	(void)json_dumpf(line, stdout, JSON_COMPACT);
	(void)putchar('\n');
	json_decref(line);
}

static bool flow_tag(void *arg, struct bytes name, struct bytes value)
{
	(void)arg;
	flow_line_print(json_pack("{s:s%, s:s%}", "tag", name.p, name.n, "value",
				  value.n ? (const char *)value.p : "", value.n));
	return true;
}

static void flow_left(void *arg, const struct flow_step *step, const char *by)
{
	(void)arg;
	flow_line_print(json_pack("{s:s, s:s}", "left", step->name, "by", by));
}

static void verb_print(const struct flow_verb *v)
{
	static char text[FLOW_LINE_MAX];
	struct writer w = writer_over(text, sizeof(text));

	verb_write(&w, v);
	(void)printf(BYTES_FMT "\n", BYTES_ARG(writer_done(&w)));
}

/* The next word that is no fact, as an outcome: its name, or else what came. False: there is none. */
static bool outcome_shift(struct flow_words *words, enum flow_outcome *outcome, struct bytes *value)
{
	while (words->argc && strchr(*words->argv, '=')) {
		words->argc--;
		words->argv++;
	}
	if (!words->argc)
		return false;
	*outcome = (enum flow_outcome)word_index(g_flow_outcomes, *words->argv);
	*value = bytes_str(*outcome == FLOW_OUTCOMES ? *words->argv : NULL);
	if (*outcome == FLOW_OUTCOMES)
		*outcome = OUTCOME_NEXT;
	words->argc--;
	words->argv++;
	return true;
}

static int flow_try(const struct flow_program *p, struct flow_words words)
{
	struct flow_words rest = words;
	const struct flow_world world = { flow_fact_write, flow_hours_write, flow_tag, flow_left,
					  &words };
	struct flow_position pos = { 0 };
	static struct flow_verb verb;
	enum flow_turn turn = program_begin(p, &pos, &world, &verb);
	enum flow_outcome outcome;
	struct bytes value;

	while (turn == FLOW_VERB) {
		verb_print(&verb);
		if (!verb.verb->outcomes || !outcome_shift(&rest, &outcome, &value))
			break;
		turn = program_next(p, &pos, outcome, value, &world, &verb);
	}
	if (turn == FLOW_OVER)
		(void)puts("{\"end\":true}");
	else if (turn != FLOW_VERB)
		(void)puts("{\"end\":\"too many verbs\"}");
	position_clear(&pos);
	return CTL_DONE;
}

/* ---- print ---- */

static int flow_print(const struct flow_program *p)
{
	char *text = program_text(p, false);

	if (text)
		(void)puts(text);
	free(text);
	return text ? CTL_DONE : CTL_REFUSED;
}

static int flow_graph(const struct flow_program *p)
{
	static char text[FLOW_DOT_MAX];
	struct writer w = writer_over(text, sizeof(text));

	program_graph(p, &w);
	(void)fwrite(text, 1, w.n, stdout);
	return w.overflow ? CTL_REFUSED : CTL_DONE;
}

static int flow_schema_print(void)
{
	json_t *schema = flow_schema();
	int bad = schema ? json_dumpf(schema, stdout, JSON_INDENT(2)) : -1;

	(void)putchar('\n');
	json_decref(schema);
	return bad ? CTL_REFUSED : CTL_DONE;
}

int ctl_flow(int argc, char **argv)
{
	struct flow_program *p;
	int status = CTL_USAGE;

	if (argc == 1 && !strcmp(argv[0], "schema"))
		return flow_schema_print();
	if (argc < 2 || (strcmp(argv[0], "try") != 0 && argc != 2)) {
		ctl_complain("see tandemctl help flow");
		return CTL_USAGE;
	}
	p = flow_load(argv[1]);
	if (!p)
		return CTL_REFUSED;
	if (!strcmp(argv[0], "check"))
		status = CTL_DONE;
	else if (!strcmp(argv[0], "print"))
		status = flow_print(p);
	else if (!strcmp(argv[0], "graph"))
		status = flow_graph(p);
	else if (!strcmp(argv[0], "try"))
		status = flow_try(p, (struct flow_words){ argc - 2, argv + 2 });
	else
		ctl_complain("see tandemctl help flow");
	program_free(p);
	return status;
}
