/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/command/command_handlers.h"
#include "app/command/command_walk.h"
#include "app/node/node.h"
#include "app/schema/fields.h"
#include "cluster/record.h"
#include "sig/sip/id.h"

/* security.list: the newest entries of the stream of security events, of all nodes. */

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

	if (!command_span_read(run, &span))
		return;
	if (span.until_utc_ms != UINT64_MAX)
		(void)snprintf(last, sizeof(last), "%" PRIu64, span.until_utc_ms);
	if (span.since_utc_ms)
		(void)snprintf(first, sizeof(first), "%" PRIu64, span.since_utc_ms);
	args[2] = bytes_str(last);
	args[3] = bytes_str(first);

	if (redis_command(run->node->redis.link, args, COUNT_OF(args), SECURITY_WAIT_NS,
			  on_security, run))
		command_fail(run, COMMAND_UNAVAILABLE, NULL, "there is no link to Redis");
}

enum { NEWEST_MAX = 1000, WRITTEN_LATER_MS = 3600 * 1000, CLOCKS_DIFFER_MS = 60 * 1000 };

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
	bool whole = bytes_is(name, "cdr"), findings = bytes_is(name, CDR_FINDINGS);
	json_t *record =
		whole || findings ? json_loadb((const char *)value.p, value.n, 0, NULL) : NULL;
	char key[64];

	if (findings)
		(void)json_object_set(json, CDR_FINDINGS, record);
	else if (record)
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

static const char *cdr_text(const json_t *json, const char *name)
{
	const char *text = json_string_value(json_object_get(json, name));

	return text ? text : "";
}

/* All of a call: those of its later pairs name it. */
static bool cdr_is_wanted(const json_t *json, const struct command_value *call,
			  const struct command_span *span)
{
	json_int_t end = json_integer_value(json_object_get(json, "end_utc_ms"));

	if (call->given && !cdr_says(json, "id", call->text) &&
	    !cdr_says(json, "linked", call->text))
		return false;
	return command_span_has(span, (uint64_t)end) &&
	       command_span_is_of(span, cdr_text(json, "from"), cdr_text(json, "to"));
}

static bool cdr_is_seen(const struct command_run *run, const json_t *json)
{
	const char *tenant = json_string_value(json_object_get(json, "tenant"));

	return command_may_see(run, tenant ? tenant : NODE_TENANT);
}

/* The streams of all shards, or of the one that has the call. */
struct cdr_list {
	struct command_run *run;
	command_cdrs_fn *done;
	json_t *list;
	struct command_span span;
	size_t most;
	uint32_t waits;
	bool failed;
};

static void cdrs_end(struct cdr_list *l)
{
	if (l->failed) {
		json_decref(l->list);
		l->list = NULL;
	}
	l->done(l->run, l->list);
	free(l);
}

static void cdrs_answer(struct command_run *run, json_t *list)
{
	if (list)
		command_answer(run, list);
	else
		command_fail(run, COMMAND_UNAVAILABLE, NULL, "Redis did not answer");
}

static void on_entries(int err, const struct redisReply *reply, void *arg)
{
	struct cdr_list *l = arg;

	l->failed |= err || redis_is_error(reply, NULL);
	/* newest first in the reply */
	for (size_t i = 0; !l->failed && i < redis_reply_count(reply); i++) {
		json_t *json = cdr_entry_json(redis_reply_at(reply, i));

		if (cdr_is_seen(l->run, json) &&
		    cdr_is_wanted(json, command_value(l->run, "call"), &l->span))
			command_newest_put(l->list, json, "end_utc_ms", l->most);
		else
			json_decref(json);
	}
	if (--l->waits == 0)
		cdrs_end(l);
}

static int cdr_stream_read(struct cdr_list *l, unsigned shard, uint64_t count)
{
	char key[32], number[24], first[24] = "+", last[24] = "-";
	struct bytes args[6] = { BYTES_LIT("XREVRANGE"), [4] = BYTES_LIT("COUNT") };

	/* an entry's id is when it was written, which Redis may have put off */
	if (l->span.until_utc_ms < UINT64_MAX - WRITTEN_LATER_MS)
		(void)snprintf(first, sizeof(first), "%" PRIu64,
			       l->span.until_utc_ms + WRITTEN_LATER_MS);
	if (l->span.since_utc_ms > CLOCKS_DIFFER_MS)
		(void)snprintf(last, sizeof(last), "%" PRIu64,
			       l->span.since_utc_ms - CLOCKS_DIFFER_MS);
	args[2] = bytes_str(first);
	args[3] = bytes_str(last);

	(void)snprintf(key, sizeof(key), "td:{s%u}:cdr", shard);
	(void)snprintf(number, sizeof(number), "%" PRIu64, count);
	args[1] = bytes_str(key);
	args[5] = bytes_str(number);
	return redis_command(l->run->node->redis.link, args, COUNT_OF(args), NS_PER_S, on_entries,
			     l);
}

static bool cdr_shard_is_named(const struct command_run *run, uint16_t shard)
{
	uint64_t call;

	return id_call_get(command_value(run, "call")->text, &call) || id_shard(call) == shard;
}

/* Those of other tenants lie between those that are wanted. */
static bool cdrs_are_mixed(const struct command_run *run)
{
	uint16_t other = TENANT_DEFAULT + 1;

	return run->of_tenant && tenants_next(run->node->common.tenants, &other);
}

static void cdrs_find(struct command_run *run, const struct command_span *span, size_t most,
		      uint64_t count, command_cdrs_fn *done)
{
	struct cdr_list *l = calloc(1, sizeof(*l));

	if (!l) {
		command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
		return;
	}
	*l = (struct cdr_list){ .run = run,
				.done = done,
				.list = json_array(),
				.span = *span,
				.most = most,
				.waits = 1 };
	for (uint32_t i = 0; i < run->node->shards.count; i++) {
		uint16_t shard = run->node->shards.list[i].number;

		l->waits++;
		if (!cdr_shard_is_named(run, shard) || cdr_stream_read(l, shard, count)) {
			l->failed |= cdr_shard_is_named(run, shard);
			l->waits--;
		}
	}
	if (--l->waits == 0)
		cdrs_end(l);
}

void command_cdr_list(struct command_run *run)
{
	size_t most = command_limit(run);
	uint64_t count = most;
	struct command_span span;

	if (!command_span_read(run, &span))
		return;
	if (command_value(run, "call")->given || command_value(run, "number")->given ||
	    command_value(run, "until")->given || cdrs_are_mixed(run))
		count = NEWEST_MAX;
	cdrs_find(run, &span, most, count, cdrs_answer);
}

void command_cdrs_find(struct command_run *run, command_cdrs_fn *done)
{
	static const struct command_span all = { .until_utc_ms = UINT64_MAX };

	cdrs_find(run, &all, NEWEST_MAX, NEWEST_MAX, done);
}
