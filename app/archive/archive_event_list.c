/* SPDX-License-Identifier: Apache-2.0 */
/* What the archive has beside conversations: entries of the audit, and events of messages and
 * agents, of which Redis has the newest ones alone. A page is a range of one index. */

#include <errno.h>

#include "app/archive/archive_request.h"
#include "base/json_member.h"

enum { EVENT_PAGE_MAX = 1000 };

/* Those of a page are behind utc_ms, seq and own, the last first. Behind one that has a seq those
 * without are not: where Redis has that one, it may be among them. */
#define LISTED_EVENT "SELECT own, utc_ms, type, subject, who, body, seq FROM event "
#define LISTED_RANGE                                                                     \
	"AND kind = $2 AND utc_ms <= $3 AND (utc_ms < $3 OR (seq >= 0 AND seq < $7) OR " \
	"(seq = $7 AND own > $4)) AND utc_ms >= $5 AND ($6 = '' OR subject = $6) "       \
	"ORDER BY utc_ms DESC, seq DESC, own LIMIT 1000"

static void event_text_set(json_t *row, const char *name, const struct sql_value *value)
{
	(void)json_object_set_new(row, name,
				  json_stringn((const char *)value->text.p, value->text.n));
}

struct event_page {
	json_t *rows;
	size_t limit;
	bool plain;
};

/* What the entry says comes first, and is not taken for what the archive says of it. A plain one
 * is as its stream had it. No entry has a member that begins with a dot. */
static bool event_page_row(const struct sql_value *row, void *arg)
{
	struct event_page *page = arg;
	json_t *one = json_loadb((const char *)row[5].text.p, row[5].text.n, 0, NULL);

	if (!json_is_object(one)) {
		json_decref(one);
		one = json_object();
		event_text_set(one, "text", &row[5]);
	}
	event_text_set(one, "id", &row[0]);
	event_text_set(one, ".own", &row[0]);
	(void)json_object_set_new(one, ".seq", json_integer(sql_int(&row[6])));
	(void)json_object_set_new(one, "utc_ms", json_integer(sql_int(&row[1])));
	if (page->plain && sql_int(&row[6]) >= 0)
		(void)json_object_set_new(one, "id",
					  json_sprintf("%lld-%lld", (long long)sql_int(&row[1]),
						       (long long)sql_int(&row[6])));
	if (!page->plain) {
		event_text_set(one, "type", &row[2]);
		event_text_set(one, "object", &row[3]);
		event_text_set(one, "by", &row[4]);
	}
	(void)json_array_append_new(page->rows, one);
	return json_array_size(page->rows) < page->limit;
}

int archive_event_list(struct archive *a, const json_t *args, json_t **result,
		       char why[SQL_WHY_MAX])
{
	struct bytes subject = archive_arg(args, "object");
	const struct sql_value params[] = {
		sql_text(archive_arg(args, "tenant")),
		sql_number((int64_t)json_count(args, "kind")),
		sql_number(json_integer_value(json_object_get(args, "until_ms"))),
		sql_text(archive_arg(args, "after")),
		sql_number((int64_t)json_count(args, "since_ms")),
		sql_text(subject),
		sql_number(json_integer_value(json_object_get(args, "seq"))),
	};
	struct event_page page = { json_array(), (size_t)json_count(args, "limit"),
				   json_flag(args, "plain") };
	int err = page.limit && page.limit <= EVENT_PAGE_MAX ? 0 : -EINVAL;

	(void)why;
	/* each along its own index */
	if (!err)
		err = sql_run(a->sql,
			      subject.n ? LISTED_EVENT
				      "WHERE tenant = $1 AND subject = $6 " LISTED_RANGE
					: LISTED_EVENT "WHERE tenant = $1 " LISTED_RANGE,
			      params, COUNT_OF(params), event_page_row, &page);
	if (err)
		json_decref(page.rows);
	else
		*result = page.rows;
	return err;
}
