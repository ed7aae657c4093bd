/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which conversations of a user are logged in a CRM, by pages that write there: each asks here
 * before, so of two pages one writes, and says which record it has become. From the first page of a
 * user on, what ended and has no log is known, and is left to the next page. The row of call 0 says
 * from when on (archive_schema.sql).
 */

#include <errno.h>
#include <stdio.h>

#include "app/archive/archive_request.h"
#include "base/json_member.h"
#include "sig/sip/id.h"

enum {
	BEFORE_MS =
		60000, /* so much before his first page: that of the call that brought him there */
	/* A page looks for the log within 25 s, and waits 15 s for the answer to its own. */
	CLAIM_MS = 45000,
};

static bool number_row(const struct sql_value *row, void *arg)
{
	*(int64_t *)arg = sql_int(&row[0]);
	return true;
}

int archive_logged_since(struct archive *a, struct bytes tenant, struct bytes owner,
			 int64_t *since_ms)
{
	const struct sql_value params[] = { sql_text(tenant), sql_text(owner) };
	int64_t until_ms = INT64_MAX - 1;
	int err =
		sql_run(a->sql,
			"SELECT ended_ms FROM logged WHERE tenant = $1 AND owner = $2 AND call = 0",
			params, COUNT_OF(params), number_row, &until_ms);

	if (*since_ms <= until_ms)
		*since_ms = until_ms + 1;
	return err;
}

/* All that ended by until_ms needs no log any more. Without it: from now on each does, where that
 * was not so before. */
static int logged_start(struct archive *a, const json_t *args, int64_t now_ms, json_t **result)
{
	int64_t until_ms = json_integer_value(json_object_get(args, "until_ms")), since_ms = 0;
	const struct sql_value params[] = {
		sql_text(archive_arg(args, "tenant")),
		sql_text(archive_arg(args, "owner")),
		sql_number(now_ms),
		sql_number(until_ms ? until_ms : now_ms - BEFORE_MS),
		sql_number(until_ms),
	};
	int err = sql_run(a->sql,
			  "INSERT INTO logged (tenant, owner, call, asked_ms, ended_ms, record) "
			  "VALUES ($1, $2, 0, $3, $4, '') ON CONFLICT (tenant, owner, call) DO "
			  "UPDATE SET asked_ms = excluded.asked_ms, ended_ms = CASE WHEN "
			  "CAST($5 AS BIGINT) > logged.ended_ms THEN CAST($5 AS BIGINT) "
			  "ELSE logged.ended_ms END RETURNING ended_ms",
			  params, COUNT_OF(params), number_row, &since_ms);

	if (!err)
		*result = json_pack("{s:I}", "since_utc_ms", (json_int_t)since_ms);
	return err;
}

/* Gives the first caller the right to write the log. */
static int logged_claim(struct archive *a, const struct sql_value *key, json_t **result)
{
	int64_t mine = 0;
	int err = sql_run(a->sql,
			  "INSERT INTO logged (tenant, owner, call, asked_ms, ended_ms, record) "
			  "VALUES ($1, $2, $3, $4, 0, '') ON CONFLICT (tenant, owner, call) DO "
			  "UPDATE SET asked_ms = excluded.asked_ms WHERE logged.record = '' AND "
			  "logged.asked_ms <= excluded.asked_ms - CAST($5 AS BIGINT) "
			  "RETURNING 1",
			  key, 5, number_row, &mine);

	if (!err)
		*result = json_pack("{s:b}", "mine", mine ? 1 : 0);
	return err;
}

static int logged_write(struct archive *a, const struct sql_value *key, struct bytes record,
			int64_t ended_ms)
{
	const struct sql_value params[] = {
		key[0], key[1], key[2], key[3], sql_number(ended_ms), sql_text(record)
	};

	if (!record.n)
		return sql_run(a->sql,
			       "DELETE FROM logged WHERE tenant = $1 AND owner = $2 AND call = $3 "
			       "AND record = ''",
			       params, 3, NULL, NULL);
	return sql_run(a->sql,
		       "INSERT INTO logged (tenant, owner, call, asked_ms, ended_ms, record) "
		       "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant, owner, call) DO "
		       "UPDATE SET record = excluded.record, ended_ms = CASE WHEN "
		       "excluded.ended_ms > logged.ended_ms THEN excluded.ended_ms "
		       "ELSE logged.ended_ms END",
		       params, COUNT_OF(params), NULL, NULL);
}

int archive_history_log(struct archive *a, const json_t *args, json_t **result,
			char why[SQL_WHY_MAX])
{
	const json_t *record = json_object_get(args, "record");
	int64_t now_ms = archive_arg_now(args);
	struct sql_value key[] = { sql_text(archive_arg(args, "tenant")),
				   sql_text(archive_arg(args, "owner")), sql_number(0),
				   sql_number(now_ms), sql_number(CLAIM_MS) };
	json_t *row = NULL;
	uint64_t call;
	int err;

	if (!archive_arg(args, "call").n)
		return logged_start(a, args, now_ms, result);
	err = id_call_get(archive_arg(args, "call"), &call) ? -ENOENT : 0;
	if (!err)
		err = archive_one(a, key[0].text, key[1].text, call, &row);
	json_decref(row);
	if (err == -ENOENT)
		(void)snprintf(why, SQL_WHY_MAX, "no such call is in that list");
	if (err)
		return err;
	key[2] = sql_number((int64_t)call);
	if (!record)
		return logged_claim(a, key, result);
	err = logged_write(a, key, archive_arg(args, "record"),
			   json_integer_value(json_object_get(args, "until_ms")));
	if (!err)
		*result = json_pack("{s:b}", "mine", 1);
	return err;
}

static bool unlogged_row(const struct sql_value *row, void *arg)
{
	struct bytes owner = bytes_from(row[0].text, 1); /* u1001 */

	(void)json_array_append_new(arg, json_pack("{s:s%, s:I, s:I, s:I}", "user", owner.p,
						   (size_t)owner.n, "missing",
						   (json_int_t)sql_int(&row[1]), "oldest_utc_ms",
						   (json_int_t)sql_int(&row[2]), "since_utc_ms",
						   (json_int_t)sql_int(&row[3])));
	return true;
}

/* What ended a moment ago is being logged now; what is out of the list is in no page. */
int archive_history_unlogged(struct archive *a, const json_t *args, json_t **result,
			     char why[SQL_WHY_MAX])
{
	const struct sql_value params[] = { sql_text(archive_arg(args, "tenant")),
					    sql_number(archive_arg_now(args) - CLAIM_MS) };
	json_t *users = json_array();
	int err =
		sql_run(a->sql,
			"SELECT s.owner, count(*), min(l.ended_ms), min(s.ended_ms) FROM logged s "
			"JOIN listing l ON l.tenant = s.tenant AND l.owner = s.owner AND "
			"l.ended_ms > s.ended_ms AND l.ended_ms < $2 "
			"LEFT JOIN logged g ON g.tenant = l.tenant AND g.owner = l.owner AND "
			"g.call = l.call LEFT JOIN cleared d ON d.tenant = s.tenant AND "
			"d.owner = s.owner WHERE s.tenant = $1 AND s.call = 0 AND "
			"l.flags & 8 = 0 AND l.ended_ms > COALESCE(d.until_ms, -1) AND "
			"COALESCE(g.ended_ms, 0) < l.ended_ms GROUP BY s.owner ORDER BY s.owner",
			params, COUNT_OF(params), unlogged_row, users);

	(void)why;
	*result = users;
	return err;
}
