/* SPDX-License-Identifier: Apache-2.0 */
#include "app/settings/reference.h"

static bool is_prose(struct bytes line)
{
	return line.n && line.p[0] != '|' && line.p[0] != '#' && line.p[0] != ' ';
}

/* Octets of UTF-8 that begin a character take a column. */
static bool reference_is_column(uint8_t c)
{
	return (c & 0xc0) != 0x80;
}

static void wrap_line(uint8_t *p, size_t n)
{
	uint8_t *space = NULL;
	unsigned column = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] == ' ')
			space = p + i;
		column += reference_is_column(p[i]);
		if (column > REFERENCE_COLUMNS && space) {
			*space = '\n';
			i = (size_t)(space - p);
			column = 0;
			space = NULL;
		}
	}
}

void reference_wrap(struct writer *w)
{
	struct bytes rest = writer_done(w), line;
	bool fenced = false;

	while (bytes_cut(&rest, '\n', &line)) {
		if (bytes_starts(line, "```"))
			fenced = !fenced;
		else if (!fenced && is_prose(line))
			wrap_line(w->p + (line.p - w->p), line.n);
	}
}
