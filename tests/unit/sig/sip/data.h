/* SPDX-License-Identifier: Apache-2.0 */
/* Tables in tests/data: one row a line, fields between tabs, # starts a comment. */
#ifndef TESTS_UNIT_SIG_SIP_DATA_H
#define TESTS_UNIT_SIG_SIP_DATA_H

#include "tests/unit/media/data.h"

/* The next row of a table that data_read has read. False at the end. */
static inline bool data_row(struct bytes *table, struct bytes *row)
{
	while (bytes_cut(table, '\n', row)) {
		if (row->n && row->p[0] != '#')
			return true;
	}
	return false;
}

/* The next field of the row, "" when there is none. */
static inline struct bytes data_field(struct bytes *row)
{
	struct bytes field = { 0 };

	(void)bytes_cut(row, '\t', &field);
	return field;
}

/* The file `name` of a folder of tests/data. */
static inline struct bytes data_file(const char *folder, struct bytes name, void *buf, size_t cap)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "data/%s/" BYTES_FMT, folder, BYTES_ARG(name));
	return data_read(path, buf, cap);
}

#endif
