/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the node asks the archive: one table of requests. A new one is a function and its row in
 * archive_request.c. The node sends requests by name (app/feature/archive/archive_client.h), with
 * arguments of checked rights and forms: what is missing reads as empty.
 */
#ifndef APP_ARCHIVE_ARCHIVE_REQUEST_H
#define APP_ARCHIVE_ARCHIVE_REQUEST_H

#include "app/archive/archive.h"

/*
 * 0 and *result, the caller's. Else a sentence in why, and -EINVAL: an argument is wrong; -ENOENT:
 * it does not exist; -EEXIST: it conflicts with what is there; -EPERM: it may not be changed so;
 * -ENOBUFS: the tenant has as many as it may; or what archive_sql.h says, where why may stay empty.
 */
typedef int archive_answer_fn(struct archive *a, const json_t *args, json_t **result,
			      char why[SQL_WHY_MAX]);

struct archive_request {
	const char *name;
	archive_answer_fn *answer;
};

/* Returns NULL if no request has that name. */
const struct archive_request *archive_request_find(const char *name);
/* The answer as the node reads it, the caller's: {"result":...}, {"error":CODE,"why":...} with a
 * code of commands, or {"failed":why}. NULL: out of memory. */
json_t *archive_request_answer(struct archive *a, const struct archive_request *r,
			       const json_t *args);

/* ---- for requests ---- */

/* Texts of the arguments; empty: not given. */
struct bytes archive_arg(const json_t *args, const char *name);
/* Now, as of the argument "now_ms", which tests give; else by the clock. */
int64_t archive_arg_now(const json_t *args);

archive_answer_fn archive_history_list, archive_history_get, archive_history_hide,
	archive_history_clear, archive_history_note, archive_history_erase, archive_history_export,
	archive_history_log, archive_history_unlogged, archive_event_list;

#endif
