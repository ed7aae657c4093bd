/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests about history: a page of a list, a conversation with its legs, and what owners do with
 * their lists. A list is that of a tenant, or of an owner in it (archive_schema.sql).
 */

#include <errno.h>
#include <stdio.h>

#include "app/archive/archive_request.h"
#include "sig/sip/id.h"

enum { CLEARED_TOGETHER = 200 };

static int64_t history_number(const json_t *args, const char *name, int64_t otherwise)
{
	const json_t *value = json_object_get(args, name);

	return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

static int history_query_read(struct archive_query *q, const json_t *args, char why[SQL_WHY_MAX])
{
	const json_t *owners = json_object_get(args, "owners"), *one;
	size_t i;

	*q = (struct archive_query){
		.tenant = archive_arg(args, "tenant"),
		.since_ms = history_number(args, "since_ms", 0),
		.until_ms = history_number(args, "until_ms", INT64_MAX),
		.direction = (int)history_number(args, "direction", -1),
		.result = (int)history_number(args, "result", -1),
		.flags = (uint32_t)history_number(args, "flags", 0),
		.unlogged = json_is_true(json_object_get(args, "unlogged")),
		.group = archive_arg(args, "group"),
		.answered_by = archive_arg(args, "answered_by"),
		.account = archive_arg(args, "account_code"),
		.flow = archive_arg(args, "flow"),
		.dnis = archive_arg(args, "dnis"),
		.text = archive_arg(args, "text"),
		.limit = (uint32_t)history_number(args, "limit", 100),
		.cursor = archive_arg(args, "cursor"),
	};
	json_array_foreach(owners, i, one)
	{
		if (q->owner_count == ARCHIVE_SET_MAX) {
			(void)snprintf(why, SQL_WHY_MAX, "a page is of %d lists at most",
				       ARCHIVE_SET_MAX);
			return -EINVAL;
		}
		q->owners[q->owner_count++] =
			bytes_mem(json_string_value(one), json_string_length(one));
	}
	return 0;
}

int archive_history_list(struct archive *a, const json_t *args, json_t **result,
			 char why[SQL_WHY_MAX])
{
	json_t *rows = NULL, *cursor = NULL;
	struct archive_query q;
	int err = history_query_read(&q, args, why);

	if (!err)
		err = archive_history(a, &q, &rows, &cursor);
	if (!err)
		*result = json_pack("{s:o, s:o}", "rows", rows, "cursor", cursor);
	return err;
}

/* The call that a request names. 0 or -ENOENT. */
static int history_call(const json_t *args, uint64_t *call, char why[SQL_WHY_MAX])
{
	if (!id_call_get(archive_arg(args, "call"), call))
		return 0;
	(void)snprintf(why, SQL_WHY_MAX, "no such call is in the archive");
	return -ENOENT;
}

int archive_history_get(struct archive *a, const json_t *args, json_t **result,
			char why[SQL_WHY_MAX])
{
	json_t *row = NULL, *legs = NULL;
	uint64_t call = 0;
	int err = history_call(args, &call, why);

	if (!err)
		err = archive_one(a, archive_arg(args, "tenant"), archive_arg(args, "owner"), call,
				  &row);
	if (err == -ENOENT)
		(void)snprintf(why, SQL_WHY_MAX, "no such call is in the archive");
	if (!err)
		err = archive_legs(a, archive_arg(args, "tenant"), call, &legs);
	if (!err) {
		(void)json_object_set_new(row, "pairs", legs);
		*result = row;
	} else {
		json_decref(row);
		json_decref(legs);
	}
	return err;
}

/* Of a conversation in that list alone: 0 or -ENOENT, or as archive_sql.h. */
static int history_listed(struct archive *a, const json_t *args, uint64_t *call,
			  char why[SQL_WHY_MAX])
{
	json_t *row = NULL;
	int err = history_call(args, call, why);

	if (!err)
		err = archive_one(a, archive_arg(args, "tenant"), archive_arg(args, "owner"), *call,
				  &row);
	if (err == -ENOENT)
		(void)snprintf(why, SQL_WHY_MAX, "no such call is in that list");
	json_decref(row);
	return err;
}

int archive_history_hide(struct archive *a, const json_t *args, json_t **result,
			 char why[SQL_WHY_MAX])
{
	uint64_t call = 0;
	int err = history_listed(a, args, &call, why);

	if (!err)
		err = archive_hide(a, archive_arg(args, "tenant"), archive_arg(args, "owner"),
				   &call, 1, archive_arg_now(args));
	if (!err)
		*result = json_pack("{s:O}", "call", json_object_get(args, "call"));
	return err;
}

/* Hides the conversations of one page of the list. *cursor says where the list goes on; null: the
 * list ends here. */
static int history_clear_page(struct archive *a, struct archive_query *q, struct bytes owner,
			      int64_t now_ms, json_t **cursor)
{
	uint64_t calls[CLEARED_TOGETHER];
	json_t *rows = NULL, *row;
	size_t i, count = 0;
	int err;

	q->limit = CLEARED_TOGETHER;
	err = archive_history(a, q, &rows, cursor);
	json_array_foreach(rows, i, row)
	{
		if (!id_call_get(archive_arg(row, "call"), &calls[count]))
			count++;
	}
	json_decref(rows);
	return err || !count ? err : archive_hide(a, q->tenant, owner, calls, count, now_ms);
}

/* With args.some, hides what the filters find, a page at a time: the answer has the cursor of the
 * next page. Else clears the list. */
int archive_history_clear(struct archive *a, const json_t *args, json_t **result,
			  char why[SQL_WHY_MAX])
{
	json_t *cursor = json_null();
	struct archive_query q;
	int err = history_query_read(&q, args, why);

	q.until_ms = history_number(args, "until_ms", archive_arg_now(args));
	if (!err && json_is_true(json_object_get(args, "some")))
		err = history_clear_page(a, &q, archive_arg(args, "owner"), archive_arg_now(args),
					 &cursor);
	else if (!err)
		err = archive_clear(a, q.tenant, archive_arg(args, "owner"), q.until_ms);
	if (err)
		json_decref(cursor);
	else
		*result = json_pack("{s:I, s:o}", "until_utc_ms", (json_int_t)q.until_ms, "cursor",
				    cursor);
	return err;
}

int archive_history_note(struct archive *a, const json_t *args, json_t **result,
			 char why[SQL_WHY_MAX])
{
	uint64_t call = 0;
	int err = history_listed(a, args, &call, why);

	if (!err)
		err = archive_note(a, archive_arg(args, "tenant"), archive_arg(args, "owner"), call,
				   archive_arg(args, "note"), archive_arg_now(args));
	if (!err)
		*result = json_pack("{s:O, s:O?}", "call", json_object_get(args, "call"), "note",
				    json_object_get(args, "note"));
	return err;
}

int archive_history_erase(struct archive *a, const json_t *args, json_t **result,
			  char why[SQL_WHY_MAX])
{
	int64_t until_ms = history_number(args, "until_ms", archive_arg_now(args));
	bool more = false;
	int err = archive_erase(a, archive_arg(args, "tenant"), archive_arg(args, "number"),
				until_ms, &more);

	(void)why;
	if (!err)
		*result = json_pack("{s:b, s:I}", "more", (int)more, "until_utc_ms",
				    (json_int_t)until_ms);
	return err;
}
