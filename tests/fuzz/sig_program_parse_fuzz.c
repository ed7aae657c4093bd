/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs of flows. Either there are errors, each with a place, or a program that is read again as the same one from how it is written.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "sig/flow/program.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct flow_findings g_findings;
static char g_dot[4 << 20];

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "%s\n", what);
	abort();
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
	program_graph(p, &w);
	program_free(p);
	return 0;
}
