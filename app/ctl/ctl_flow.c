/* SPDX-License-Identifier: Apache-2.0 */
/* tandemctl flow: programs of flows without a node (docs/flows.md). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/ctl/ctl.h"
#include "sig/flow/program.h"

enum { FLOW_DOT_MAX = 1 << 20, FLOW_READ_MAX = PROGRAM_TEXT_MAX + 2 };

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
	if (argc != 2) {
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
	else
		ctl_complain("see tandemctl help flow");
	program_free(p);
	return status;
}
