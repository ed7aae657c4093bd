/* SPDX-License-Identifier: Apache-2.0 */
/* Comma-separated values (RFC 4180), cell by cell. */
#ifndef BASE_CSV_H
#define BASE_CSV_H

#include "base/bytes.h"

/* Reads the next cell of a row off *rest, without its quotes, and what ends it: ',' or the end of a
 * line (CRLF, LF or CR). *last: it is the row's last one. out needs as much room as *rest is long.
 * Returns NULL, or what is wrong; *rest must not be empty at the beginning of a row. */
const char *csv_cell_read(struct bytes *rest, struct writer *out, bool *last);
/* In quotes where it needs them; without what ends it. guarded: a text that a spreadsheet would
 * take for a formula, as it begins with = + - @, a tab or CR, gets an apostrophe in front. */
void csv_cell_write(struct writer *w, struct bytes text, bool guarded);

#endif
