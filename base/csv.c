/* SPDX-License-Identifier: Apache-2.0 */
/* Comma-separated values (RFC 4180): one reader and one writer of cells, for documents that
 * operators import and export, and for contacts. Files of spreadsheets end lines in CRLF, others in
 * LF; both are read, and CRLF is for the caller to write. */
#include "base/csv.h"

const char *csv_cell_read(struct bytes *rest, struct writer *out, bool *last)
{
	bool quoted = rest->n && rest->p[0] == '"', open = quoted;
	size_t i = quoted;

	for (; i < rest->n; i++) {
		uint8_t c = rest->p[i];

		if (open && c == '"' && i + 1 < rest->n && rest->p[i + 1] == '"')
			i++;
		else if (open && c == '"')
			open = false;
		else if (!open && (c == ',' || c == '\n' || c == '\r'))
			break;
		else if (!open && quoted)
			return "a quoted cell ends with its quote";
		if (open || !quoted)
			writer_u8(out, c);
	}
	if (open)
		return "a quote is not closed";
	*last = i == rest->n || rest->p[i] != ',';
	i += i + 1 < rest->n && rest->p[i] == '\r' && rest->p[i + 1] == '\n';
	*rest = bytes_from(*rest, i + 1);
	return NULL;
}

void csv_cell_write(struct writer *w, struct bytes text, bool guarded)
{
	bool formula = guarded && text.n && text.p[0] && strchr("=+-@\t\r", text.p[0]);
	bool quoted = false;

	for (size_t i = 0; i < text.n; i++)
		quoted |= text.p[i] && strchr(",\"\r\n", text.p[i]);
	WRITER_TEXTS(w, quoted ? "\"" : "", formula ? "'" : "");
	for (size_t i = 0; i < text.n; i++) {
		writer_str(w, text.p[i] == '"' ? "\"" : "");
		writer_u8(w, text.p[i]);
	}
	writer_str(w, quoted ? "\"" : "");
}
