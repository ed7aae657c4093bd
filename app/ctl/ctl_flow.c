/* SPDX-License-Identifier: Apache-2.0 */
/* tandemctl flow: checks, prints, draws and tries programs of flows without a node (docs/flows.md).
 * It has the node's own parser and interpreter (sig/flow/program.h, app/schema/flow_try.h), so that
 * its findings are those of flow.put. The program dot, if installed, makes the drawings. */

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/ctl/ctl.h"
#include "app/schema/flow_graph.h"
#include "app/schema/flow_try.h"
#include "base/guess.h"
#include "sig/flow/program.h"

enum { FLOW_READ_MAX = PROGRAM_TEXT_MAX + 2, DOT_MISSING = 127 };

/* The words behind the file:
 * NAME=VALUE are facts of the call, all others the results of verbs in order. */
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
		ctl_complain("%s: %s", path, strerror(errno));
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

/* Complained of what is no fact. */
static bool words_are_facts(struct flow_words words)
{
	static const struct bytes hours = { (const uint8_t *)"hours.", 6 };

	for (int i = 0; i < words.argc; i++) {
		struct bytes word = bytes_str(words.argv[i]), name = { 0 };
		struct guess g = { 0 };

		if (bytes_find(word, '=') == word.n || !bytes_cut(&word, '=', &name) ||
		    fact_is(name) || (name.n > hours.n && bytes_starts(name, "hours.")))
			continue;
		while (name.n && name.p[0] == '-')
			name = bytes_from(name, 1);
		g.word = name;
		guess_add(&g, hours);
		for (const struct flow_fact *f = g_flow_facts; f->name; f++)
			guess_add(&g, bytes_str(f->name));
		ctl_complain("flow try: a call has no fact '" BYTES_FMT "'%s", BYTES_ARG(name),
			     g.best.n ? guess_text(&g) : "; docs/flows.md lists them");
		return false;
	}
	return true;
}

/* The words that say nothing of the call. */
static size_t words_outcomes(const struct flow_words *words, struct bytes *out)
{
	size_t n = 0;

	for (int i = 0; i < words->argc; i++) {
		if (!strchr(words->argv[i], '='))
			out[n++] = bytes_str(words->argv[i]);
	}
	return n;
}

void ctl_flow_way_print(const json_t *way)
{
	const json_t *line;
	size_t i;

	json_array_foreach(way, i, line)
	{
		(void)json_dumpf(line, stdout, JSON_COMPACT);
		(void)putchar('\n');
	}
}

static int flow_try_print(const struct flow_program *p, struct flow_words words)
{
	struct bytes *outcomes = calloc((size_t)words.argc + 1, sizeof(*outcomes));
	struct flow_trial trial = {
		.words = outcomes, .fact = flow_fact_write, .hours = flow_hours_write, .arg = &words
	};
	json_t *way;

	if (!outcomes)
		return CTL_REFUSED;
	trial.count = words_outcomes(&words, outcomes);
	way = flow_try(p, &trial);
	ctl_flow_way_print(way);
	json_decref(way);
	free(outcomes);
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

/* Its exit status; it reads that file. DOT_MISSING: it is not there. */
static int dot_run(int in)
{
	static char name[] = "dot", svg[] = "-Tsvg";
	char *argv[] = { name, svg, NULL };
	posix_spawn_file_actions_t files;
	int status = 0, err;
	pid_t pid;

	(void)posix_spawn_file_actions_init(&files);
	(void)posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
	err = posix_spawnp(&pid, name, &files, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&files);
	if (err)
		return err == ENOENT ? DOT_MISSING : err;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}

static int svg_print(struct bytes dot)
{
	FILE *file = tmpfile();
	int status;

	if (!file || fwrite(dot.p, 1, dot.n, file) != dot.n || fflush(file) ||
	    lseek(fileno(file), 0, SEEK_SET)) {
		ctl_complain("no room for a temporary file");
		status = CTL_REFUSED;
	} else {
		status = dot_run(fileno(file));
	}
	if (status == DOT_MISSING)
		ctl_complain(
			"SVG is drawn by dot of graphviz, which is not here: apt install graphviz");
	if (file)
		(void)fclose(file);
	return status ? CTL_REFUSED : CTL_DONE;
}

int ctl_graph_format(int argc, char **argv, bool *svg)
{
	int left = 0;

	*svg = false;
	for (int i = 0; i < argc; i++) {
		if (!strcmp(argv[i], "format=svg"))
			*svg = true;
		else if (strcmp(argv[i], "format=dot") != 0)
			argv[left++] = argv[i];
	}
	return left;
}

int ctl_graph_print(struct bytes dot, bool svg)
{
	if (svg)
		return svg_print(dot);
	return fwrite(dot.p, 1, dot.n, stdout) == dot.n ? CTL_DONE : CTL_REFUSED;
}

static int flow_graph(const struct flow_program *p, bool svg)
{
	static char text[FLOW_GRAPH_MAX];
	struct writer w = writer_over(text, sizeof(text));

	flow_graph_write(p, &w);
	return w.overflow ? CTL_REFUSED : ctl_graph_print(writer_done(&w), svg);
}

static int flow_schema_print(void)
{
	json_t *schema = flow_schema();
	int bad = schema ? json_dumpf(schema, stdout, JSON_INDENT(2)) : -1;

	(void)putchar('\n');
	json_decref(schema);
	return bad ? CTL_REFUSED : CTL_DONE;
}

/* What is to be done, and of which file; complained where that is not said. */
static bool word_is_fine(int argc, char **argv)
{
	static const char *const words[] = { "check", "print", "graph", "try", "schema" };
	struct guess g = { .word = bytes_str(argc ? argv[0] : NULL) };
	bool known = false;

	if (!argc) {
		(void)ctl_help("flow");
		return false;
	}
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		known |= bytes_is(g.word, words[i]);
		guess_add(&g, bytes_str(words[i]));
	}
	if (!known)
		ctl_complain("flow '%s' is not one of check, print, graph, try and schema%s",
			     argv[0], guess_text(&g));
	else if (argc < 2)
		ctl_complain("flow %s: which file? FILE, or - for standard input", argv[0]);
	else if (argc > 2 && strcmp(argv[0], "try") != 0)
		ctl_complain("flow %s takes no '%s'; see tandemctl help flow", argv[0], argv[2]);
	return known && argc > 1 && (argc == 2 || !strcmp(argv[0], "try"));
}

int ctl_flow(int argc, char **argv)
{
	struct flow_program *p;
	int status;
	bool svg = false;

	if (argc == 1 && !strcmp(argv[0], "schema"))
		return flow_schema_print();
	if (argc && !strcmp(argv[0], "graph"))
		argc = ctl_graph_format(argc, argv, &svg);
	if (!word_is_fine(argc, argv) ||
	    (!strcmp(argv[0], "try") &&
	     !words_are_facts((struct flow_words){ argc - 2, argv + 2 })))
		return CTL_USAGE;
	p = flow_load(argv[1]);
	if (!p)
		return CTL_REFUSED;
	if (!strcmp(argv[0], "check"))
		status = CTL_DONE;
	else if (!strcmp(argv[0], "print"))
		status = flow_print(p);
	else if (!strcmp(argv[0], "graph"))
		status = flow_graph(p, svg);
	else
		status = flow_try_print(p, (struct flow_words){ argc - 2, argv + 2 });
	program_free(p);
	return status;
}
