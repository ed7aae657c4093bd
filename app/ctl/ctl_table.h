/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A result of the API for people: lists of objects as tables, objects as one line a member. Control
 * characters that a phone sent do not reach the terminal. A table fits a page: empty columns go
 * first, then wide ones, then the last ones; a line below names them.
 */
#ifndef APP_CTL_CTL_TABLE_H
#define APP_CTL_CTL_TABLE_H

#include <jansson.h>
#include <stdio.h>

#include "base/bytes.h"

enum { CTL_TABLE_COLUMNS = 100, CTL_TABLE_WIDE = 0 }; /* a page; all columns, however wide */
/* columns: of a list the names, joined by ',', that a page shows; NULL: as many as fit. */
void ctl_table_write(struct writer *w, const json_t *result, size_t width, const char *columns);
/* Rows as CSV (RFC 4180) with a head;
 * text that a spreadsheet would take for a formula gets an apostrophe. */
enum { CTL_CSV_LINE_MAX = 1 << 20 };
void ctl_csv_write(FILE *to, const json_t *result);
/* Of call records: loss, jitter and MOS of both parties' streams, in columns that fit.
 * A new reference. */
json_t *ctl_quality_rows(const json_t *records);
/* Prints a text from column at on; lines that follow are indented to column indent. */
void ctl_wrapped_write(struct writer *w, const char *text, size_t at, size_t indent, size_t width);

#endif
