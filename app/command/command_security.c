/* SPDX-License-Identifier: Apache-2.0 */
/* security.list: the newest entries of the stream of security events, of all nodes. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/command/command_handlers.h"
#include "app/command/command_walk.h"
#include "app/node/node.h"

#define SECURITY_STREAM  "td:security"
#define SECURITY_READ    "2000" /* entries are looked through */
#define SECURITY_WAIT_NS NS_PER_S

/* Its id begins with the time of Redis. */
static json_t *security_row(const struct redisReply *entry)
{
	const struct redisReply *fields = redis_reply_at(entry, 1);
	struct bytes id = redis_reply_text(redis_reply_at(entry, 0)), ms = { 0 };
	json_t *row = json_object();
	uint64_t number = 0;

	if (bytes_cut(&id, '-', &ms))
		(void)bytes_u64(ms, &number);
	(void)json_object_set_new(row, "utc_ms", json_integer((json_int_t)number));
	for (size_t i = 0; i + 1 < redis_reply_count(fields); i += 2) {
		struct bytes value = redis_reply_text(redis_reply_at(fields, i + 1));
		char name[32];

		if (bytes_cstr(redis_reply_text(redis_reply_at(fields, i)), name, sizeof(name)))
			continue;
		(void)json_object_set_new(row, name,
					  bytes_is(bytes_str(name), "count") &&
							  !bytes_u64(value, &number)
						  ? json_integer((json_int_t)number)
						  : command_text_json(value));
	}
	return row;
}

static bool security_says(const json_t *row, const char *name, const struct command_value *wanted,
			  bool begins)
{
	const char *text = json_string_value(json_object_get(row, name));

	if (!wanted->given)
		return true;
	return text &&
	       (bytes_is(wanted->text, text) ||
		(begins && bytes_eq(bytes_sub(bytes_str(text), 0, wanted->text.n), wanted->text)));
}

static bool security_is_wanted(const struct command_run *run, const json_t *row)
{
	return security_says(row, "type", command_value(run, "type"), false) &&
	       security_says(row, "user", command_value(run, "number"), false) &&
	       security_says(row, "source", command_value(run, "source"), true);
}

static void on_security(int err, const struct redisReply *reply, void *arg)
{
	struct command_run *run = arg;
	json_t *list = json_array();

	if (err || redis_is_error(reply, NULL)) {
		json_decref(list);
		command_fail(run, COMMAND_UNAVAILABLE, NULL, "Redis did not answer");
		return;
	}
	for (size_t i = 0;
	     i < redis_reply_count(reply) && json_array_size(list) < command_limit(run); i++) {
		json_t *row = security_row(redis_reply_at(reply, i));

		if (security_is_wanted(run, row))
			(void)json_array_append(list, row);
		json_decref(row);
	}
	command_answer(run, list);
}

void command_security_list(struct command_run *run)
{
	char last[24] = "+", first[24] = "-";
	struct bytes args[] = { BYTES_LIT("XREVRANGE"), BYTES_LIT(SECURITY_STREAM), { 0 }, { 0 },
				BYTES_LIT("COUNT"),     BYTES_LIT(SECURITY_READ) };
	struct command_span span;

	if (!command_span_take(run, &span))
		return;
	if (span.until_utc_ms != UINT64_MAX)
		(void)snprintf(last, sizeof(last), "%" PRIu64, span.until_utc_ms);
	if (span.since_utc_ms)
		(void)snprintf(first, sizeof(first), "%" PRIu64, span.since_utc_ms);
	args[2] = bytes_str(last);
	args[3] = bytes_str(first);

	if (redis_command(run->node->redis, args, COUNT_OF(args), SECURITY_WAIT_NS, on_security,
			  run))
		command_fail(run, COMMAND_UNAVAILABLE, NULL, "there is no link to Redis");
}
