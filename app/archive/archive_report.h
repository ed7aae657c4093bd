/* SPDX-License-Identifier: Apache-2.0 */
/* Reports: what the lists of history add up to (archive_report.c). */
#ifndef APP_ARCHIVE_ARCHIVE_REPORT_H
#define APP_ARCHIVE_ARCHIVE_REPORT_H

#include "app/archive/archive_request.h"

enum {
	ARCHIVE_REPORT_SUMS = 8,
	ARCHIVE_REPORT_MOST = 200000, /* conversations of a tenant that a report looks at */
};

/* X(word): what a row of a report is of */
#define ARCHIVE_REPORTS(X) X("hour") X("trunk") X("account_code") X("extension") X("group")

/* X(word): the numbers behind a row's key, in order */
/* clang-format off */
#define ARCHIVE_REPORT_NUMBERS(X) \
	X("calls") X("answered") X("missed") X("incoming") X("outgoing") X("internal") \
	X("duration_ms") X("talk_ms")
/* clang-format on */

/*
 * One window. Arguments: tenant, by (a word of ARCHIVE_REPORTS), since_ms, until_ms, and cursor of
 * the window before. Result: rows, each an array of a key and its numbers, of which a key may have
 * several; cursor, null at the end; since_ms, and whether it is later than was asked for (clipped),
 * which the first window says and the others are given.
 */
archive_answer_fn archive_history_report;

#endif
