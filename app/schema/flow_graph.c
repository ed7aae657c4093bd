/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Draws a flow as a DOT graph: a node for each step, an edge for each branch. flow.graph and
 * `tandemctl flow graph` print it or have graphviz draw it. Texts of a tenant are escaped, and
 * colours are not the only sign of a branch. Pure.
 */

#include "app/schema/flow_graph.h"

enum { WORDS_SHOWN_MAX = 40, WORDS_MAX = 1536 };

/* Distinct without colour, too. Colours for colour-blind readers (Okabe and Ito). */
static const char *const g_looks[FLOW_OUTCOMES] = {
	[OUTCOME_NEXT] = "",
	[OUTCOME_ELSE] = "",
	[OUTCOME_TIMEOUT] = "color=\"#009e73\", style=dotted, arrowhead=vee",
	[OUTCOME_INVALID] = "color=\"#cc79a7\", style=dashed, arrowhead=diamond",
	[OUTCOME_FAILED] = "color=\"#d55e00\", style=bold, arrowhead=box",
	[OUTCOME_BUSY] = "color=\"#e69f00\", style=\"bold,dashed\", arrowhead=dot",
	[OUTCOME_NO_ANSWER] = "color=\"#0072b2\", style=\"bold,dotted\", arrowhead=odot",
	[OUTCOME_REJECTED] = "color=\"#a03000\", style=solid, arrowhead=tee",
	[OUTCOME_FULL] = "color=\"#806000\", style=solid, arrowhead=obox",
	[OUTCOME_NONE] = "color=\"#707070\", style=solid, arrowhead=odiamond",
	[OUTCOME_CLOSED] = "color=\"#56b4e9\", style=solid, arrowhead=inv",
};

/* Graphviz interprets \ and & in labels. */
static void label_escape(struct writer *w, struct bytes text)
{
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];

		if (c == '"' || c == '\\')
			writer_u8(w, '\\');
		if (c == '&')
			writer_str(w, "&amp;");
		else if (c == '\n')
			writer_str(w, "\\n");
		else
			writer_u8(w, c < ' ' || c == 0x7f ? ' ' : c);
	}
}

static void edge_write(struct writer *w, const char *from, const char *to, const char *label,
		       const char *look)
{
	writer_fmt(w, "  \"%s\" -> \"%s\" [label=\"", from, to);
	label_escape(w, bytes_str(label));
	WRITER_TEXTS(w, "\"", look[0] ? ", " : "", look, "];\n");
}

/* Branches to one place without a label of their own. */
static void rest_write(struct writer *w, const struct flow_program *p, const struct flow_step *s,
		       const struct flow_branch *b)
{
	char label[160] = "";
	struct writer l = writer_over(label, sizeof(label) - 1);

	for (enum flow_outcome o = 0; o < FLOW_OUTCOMES; o++) {
		if ((s->verb->outcomes & 1U << o) && step_branch(p, s, o) == b)
			WRITER_TEXTS(&l, l.n ? ", " : "", g_flow_outcomes[o]);
	}
	label[l.n] = '\0';
	if (l.n)
		edge_write(w, s->name, b ? p->steps[b->to].name : "(end)", label,
			   b ? "" : "color=\"#707070\", style=dashed");
}

static void branches_write(struct writer *w, const struct flow_program *p,
			   const struct flow_step *s)
{
	for (uint16_t i = s->first; i < s->first + s->count; i++) {
		const struct flow_branch *b = &p->branches[i];
		bool own = b->key || b->outcome != OUTCOME_NEXT;

		if (own)
			edge_write(w, s->name, p->steps[b->to].name,
				   b->key ? b->key : g_flow_outcomes[b->outcome],
				   b->key ? "" : g_looks[b->outcome]);
		else
			rest_write(w, p, s, b);
	}
	rest_write(w, p, s, NULL);
}

/* Its first argument: the target, the file. Long ones are cut between two characters. */
static void words_write(struct writer *w, const struct flow_step *s)
{
	const json_t *value = json_object_get(s->args, s->verb->args->name), *one;
	uint8_t space[WORDS_MAX];
	struct writer all = writer_over(space, sizeof(space));
	size_t i, n;

	if (json_is_string(value))
		writer_str(&all, json_string_value(value));
	else if (json_is_number(value))
		writer_fmt(&all, "%.12g", json_number_value(value));
	json_array_foreach(value, i, one)
	{
		WRITER_TEXTS(&all, i ? ", " : "", json_string_value(one));
	}
	if (!all.n)
		return;
	n = all.n < WORDS_SHOWN_MAX ? all.n : WORDS_SHOWN_MAX;
	while (n < all.n && (space[n] & 0xc0) == 0x80)
		n--;
	writer_str(w, "\\n");
	label_escape(w, bytes_mem(space, n));
	if (n < all.n || all.overflow)
		writer_str(w, "...");
}

void flow_graph_write(const struct flow_program *p, struct writer *w)
{
	const char *name = json_string_value(json_object_get(p->root, "name"));

	WRITER_TEXTS(w, "digraph \"", name ? name : "flow",
		     "\" {\n  node [shape=box];\n  \"(start)\" [shape=plaintext];\n"
		     "  \"(end)\" [shape=plaintext];\n");
	edge_write(w, "(start)", p->steps[p->start].name, "", "");
	for (uint16_t i = 0; i < p->count; i++) {
		const struct flow_step *s = &p->steps[i];

		writer_fmt(w, "  \"%s\" [label=\"%s\\n%s", s->name, s->name, s->verb->name);
		words_write(w, s);
		writer_str(w, "\"];\n");
		branches_write(w, p, s);
	}
	writer_str(w, "}\n");
}
