/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "app/command/command_handlers.h"
#include "app/node/fields.h"
#include "app/node/node.h"

enum { NEWEST_MAX = 1000 };

static json_t *cdr_value_json(struct bytes name, struct bytes value)
{
	uint64_t number;

	if (fields_cdr_is_number(name) && !bytes_u64(value, &number) && number <= INT64_MAX)
		return json_integer((json_int_t)number);
	return command_text_json(value);
}

/* A field of an entry: the whole record as JSON, or, of an older program, one of its values. */
static void field_put(json_t *json, struct bytes name, struct bytes value)
{
	json_t *record =
		bytes_is(name, "cdr") ? json_loadb((const char *)value.p, value.n, 0, NULL) : NULL;
	char key[64];

	if (record)
		(void)json_object_update(json, record);
	else if (!bytes_cstr(name, key, sizeof(key)))
		(void)json_object_set_new(json, key, cdr_value_json(name, value));
	json_decref(record);
}

/* One entry of the stream: its id, then its fields. */
static json_t *cdr_entry_json(const struct redisReply *entry)
{
	const struct redisReply *fields = redis_reply_at(entry, 1);
	json_t *json = json_object();

	for (size_t i = 0; i + 1 < redis_reply_count(fields); i += 2)
		field_put(json, redis_reply_text(redis_reply_at(fields, i)),
			  redis_reply_text(redis_reply_at(fields, i + 1)));
	return json;
}

static bool cdr_says(const json_t *json, const char *name, struct bytes call)
{
	const char *text = json_string_value(json_object_get(json, name));

	return text && bytes_is(call, text);
}

/* All of a call: those of its later pairs name it. */
static bool cdr_is_wanted(const json_t *json, const struct command_value *call)
{
	return !call->given || cdr_says(json, "id", call->text) ||
	       cdr_says(json, "linked", call->text);
}

static void on_entries(int err, const struct redisReply *reply, void *arg)
{
	struct command_run *run = arg;
	const struct command_value *limit = command_value(run, "limit"),
				   *call = command_value(run, "call");
	size_t left = limit->given ? limit->number : 100;
	json_t *list;

	if (err || redis_is_error(reply, NULL)) {
		command_fail(run, COMMAND_UNAVAILABLE, NULL, "Redis did not answer");
		return;
	}
	list = json_array();
	/* newest first in the reply */
	for (size_t i = 0; left && i < redis_reply_count(reply); i++) {
		json_t *json = cdr_entry_json(redis_reply_at(reply, i));

		if (cdr_is_wanted(json, call) && left--) {
			(void)json_array_insert_new(list, 0, json);
		} else {
			json_decref(json);
		}
	}
	command_answer(run, list);
}

void command_cdr_list(struct command_run *run)
{
	const struct command_value *limit = command_value(run, "limit");
	uint64_t count = command_value(run, "call")->given ? NEWEST_MAX
			 : limit->given                    ? limit->number
							   : 100;
	char key[32], number[24];
	struct bytes args[6];

	(void)snprintf(key, sizeof(key), "td:{s%" PRIu32 "}:cdr", run->node->settings.node.shard);
	(void)snprintf(number, sizeof(number), "%" PRIu64, count);
	args[0] = BYTES_LIT("XREVRANGE");
	args[1] = bytes_str(key);
	args[2] = BYTES_LIT("+");
	args[3] = BYTES_LIT("-");
	args[4] = BYTES_LIT("COUNT");
	args[5] = bytes_str(number);
	if (redis_command(run->node->redis, args, COUNT_OF(args), NS_PER_S, on_entries, run))
		command_fail(run, COMMAND_UNAVAILABLE, NULL, "Redis is away");
}
