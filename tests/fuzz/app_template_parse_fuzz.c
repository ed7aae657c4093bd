/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates of phones' files: the template, 0xff, and what its values hold. Oracle: a template that is taken gives the same structure whatever its
 * values hold: with all values of the input it has the same markup, octet by octet, as with the value "x"; rendering is pure.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "app/feature/provision/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RENDERED_MAX = 1 << 20 };

static const struct template_field g_fields[] = { { "mac", TEMPLATE_PART },
						  { "name", TEMPLATE_VALUE },
						  { NULL, TEMPLATE_VALUE } };
static const struct template_field g_override[] = { { "key", TEMPLATE_KEY },
						    { "value", TEMPLATE_VALUE },
						    { NULL, TEMPLATE_VALUE } };
static const struct template_field g_line[] = { { "number", TEMPLATE_VALUE },
						{ "label", TEMPLATE_VALUE },
						{ NULL, TEMPLATE_VALUE } };
static const struct template_list g_lists[] = { { "overrides", g_override },
						{ "lines", g_line },
						{ NULL, NULL } };
static const struct template_names g_names = { g_fields, g_lists };

static struct bytes rendered(const struct template *t, struct bytes value, char *room)
{
	const struct bytes fields[] = { BYTES_LIT("a1"), value }, key = BYTES_LIT("a.1");
	const struct bytes overrides[] = { key, value, BYTES_LIT("b-2"), value },
			   lines[] = { value, value };
	const struct template_values values = { .fields = fields,
						.lists = { { overrides, 2 }, { lines, 1 } } };
	struct writer w = writer_over(room, RENDERED_MAX);

	assert(template_render(t, &values, &w));
	return w.overflow ? (struct bytes){ 0 } : writer_done(&w);
}

/* The markup alone: no value has any. A quoted value has \ before its quotes. */
static size_t structure(enum template_format format, struct bytes text, char *out)
{
	size_t n = 0;
	bool quotes = false;

	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];

		if (format == TEMPLATE_QUOTED && quotes && c == '\\') {
			i++;
			continue;
		}
		if (c == '"')
			quotes = !quotes;
		if (c == '"' || c == '\n' || (format == TEMPLATE_XML && strchr("<>'", c) && c))
			out[n++] = (char)c;
	}
	return n;
}

/* Only comments stand before the format. */
static enum template_format format_of(struct bytes text)
{
	while (bytes_starts(text, "{{!")) {
		const uint8_t *end = memmem(text.p, text.n, "}}", 2);

		assert(end);
		text = bytes_from(text, (size_t)(end - text.p) + 2);
		if (text.n && text.p[0] == '\n')
			text = bytes_from(text, 1);
	}
	return bytes_starts(text, "{{=xml}}") ? TEMPLATE_XML : TEMPLATE_QUOTED;
}

static void same(const struct template *t, enum template_format format, struct bytes value)
{
	char *room = malloc(RENDERED_MAX), *one = malloc(RENDERED_MAX),
	     *other = malloc(RENDERED_MAX);
	struct bytes text = rendered(t, BYTES_LIT("x"), room);
	size_t n = structure(format, text, one), m;
	bool fits = text.p;

	text = rendered(t, value, room);
	if (text.p && fits) {
		m = structure(format, text, other);
		assert(n == m && !memcmp(one, other, n));
		memcpy(one, text.p, text.n);
		n = text.n;
		text = rendered(t, value, room);
		assert(text.n == n && !memcmp(one, text.p, n));
	}
	free(room);
	free(one);
	free(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes rest = bytes_mem(data, size), text;
	char wrong[TEMPLATE_WRONG_MAX];
	struct template *t;

	if (!bytes_cut(&rest, 0xff, &text))
		return 0;
	if (template_parse(&t, text, &g_names, wrong)) {
		assert(!t && (wrong[0] || text.n));
		return 0;
	}
	if (memchr(text.p, '\\', text.n) == NULL || format_of(text) == TEMPLATE_XML)
		same(t, format_of(text), rest);
	template_free(t);
	return 0;
}
