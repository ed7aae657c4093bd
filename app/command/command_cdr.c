/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists that are read from streams of Redis: call records (cdr.list), security events and the
 * audit. Newest entries first, page by page, over the streams of all shards; filters and cursors
 * are applied here. call.doctor and other commands find the records of one call by
 * command_cdrs_find. Bounded counts of entries per command keep the control thread free for calls.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/command_call.h"
#include "app/command/command_session.h"
#include "app/command/command_walk.h"
#include "app/command/commands.h"
#include "app/document/document.h"
#include "app/node/node.h"
#include "app/node/node_shard.h"
#include "app/node/node_wait.h"
#include "app/schema/feature.h"
#include "app/schema/fields.h"
#include "base/json_member.h"
#include "cluster/record.h"
#include "sig/sip/id.h"

/* Streams are read from their newest entries on, a page for each answer of Redis: an entry of CDRs
 * takes 20 us, so no call waits for a list. */
enum { PAGE_ENTRIES = 32 };

struct entry_pages {
	struct redis *link;
	char key[STORE_AUDIT_KEY_MAX];
	char newest[48], oldest[24]; /* newest, behind a page: '(' and the id of its last entry */
	uint64_t left;               /* so many entries are looked at */
	bool (*entry)(void *arg, const struct redisReply *entry); /* false: no more are needed */
	void (*end)(void *arg, bool failed);
	void *arg;
};

static redis_reply_fn entry_page_on_reply;

static uint64_t entry_page_count(const struct entry_pages *s)
{
	return s->left < PAGE_ENTRIES ? s->left : PAGE_ENTRIES;
}

static void entry_page_request(struct entry_pages *s)
{
	char count[24];
	struct bytes args[] = { BYTES_LIT("XREVRANGE"), bytes_str(s->key),  bytes_str(s->newest),
				bytes_str(s->oldest),   BYTES_LIT("COUNT"), { 0 } };

	(void)snprintf(count, sizeof(count), "%" PRIu64, entry_page_count(s));
	args[5] = bytes_str(count);
	if (redis_command(s->link, args, COUNT_OF(args), NS_PER_S, entry_page_on_reply, s))
		s->end(s->arg, true);
}

static void entry_page_on_reply(int err, const struct redisReply *reply, void *arg)
{
	struct entry_pages *s = arg;
	bool failed = err || redis_is_error(reply, NULL), more = true;
	size_t count = failed ? 0 : redis_reply_count(reply);
	struct bytes id;

	for (size_t i = 0; i < count && more; i++)
		more = s->entry(s->arg, redis_reply_at(reply, i));
	more &= count == entry_page_count(s);
	s->left -= count < s->left ? count : s->left;
	if (!more || !s->left) {
		s->end(s->arg, failed);
		return;
	}
	id = redis_reply_text(redis_reply_at(redis_reply_at(reply, count - 1), 0));
	(void)snprintf(s->newest, sizeof(s->newest), "(" BYTES_FMT, BYTES_ARG(id));
	entry_page_request(s);
}

/* from, until: UTC ms, 0 and UINT64_MAX for all. Ends by s->end, perhaps at once. */
static void entry_pages_start(struct entry_pages *s, uint64_t from, uint64_t until)
{
	(void)snprintf(s->newest, sizeof(s->newest), "+");
	(void)snprintf(s->oldest, sizeof(s->oldest), "-");
	if (until != UINT64_MAX)
		(void)snprintf(s->newest, sizeof(s->newest), "%" PRIu64, until);
	if (from)
		(void)snprintf(s->oldest, sizeof(s->oldest), "%" PRIu64, from);
	entry_page_request(s);
}

/* A stream is in order of its ids: when Redis wrote the entry, and a number. */
static void entry_rank(const struct redisReply *entry, uint32_t stream, struct list_rank *out)
{
	struct bytes id = redis_reply_text(redis_reply_at(entry, 0)), ms = { 0 };
	uint64_t utc_ms = 0, number = 0;

	if (bytes_cut(&id, '-', &ms)) {
		(void)bytes_u64(ms, &utc_ms);
		(void)bytes_u64(id, &number);
	}
	*out = (struct list_rank){ .kind = LIST_NUMBER, .number = (double)utc_ms };
	(void)snprintf(out->key, sizeof(out->key), "%05" PRIu32 ".%020" PRIu64, stream,
		       UINT64_MAX - number);
}

/* Steals row; NULL: it is not wanted. False: no later entry of the stream has a place. */
static bool entry_put(struct command_list *l, const struct list_rank *at, json_t *row)
{
	struct list_row one = { .rank = *at };

	if (!row || !list_wants(l, row)) {
		json_decref(row);
		return true;
	}
	if (l->sort[0]) {
		list_rank_row(l, row, &one.rank);
		memcpy(one.rank.key, at->key, sizeof(at->key));
	}
	if (!list_has_place(l, &one.rank)) {
		json_decref(row);
		return l->sort[0] || (l->goes_on && list_order(l, at, &l->after) <= 0);
	}
	one.text = command_row(row);
	(void)(one.text && list_put(l, &one));
	return true;
}

/* Ends the list: as many entries were read as allowed, up to that one. */
static bool entries_stop(struct command_run *run, const struct list_rank *last)
{
	bool sorted = run->list->sort[0];

	if (!sorted)
		list_stop(run->list, last);
	else
		command_fail(run, COMMAND_BAD_ARGUMENT, "sort",
			     "there are too many to sort: narrow them by since and until");
	return !sorted;
}

/* Where a page begins. */
static uint64_t entries_until(const struct command_list *l, uint64_t until)
{
	double after = l->goes_on && !l->sort[0] ? l->after.number : -1;

	return after >= 0 && after < (double)until ? (uint64_t)after : until;
}

/* security.list and audit.list: the newest entries of a stream. */

#define SECURITY_STREAM "td:security"
enum { NOTES_READ = 2000 }; /* entries are looked through */

struct note_list {
	struct entry_pages read;
	struct command_run *run;
	const char *tenant; /* of the audit, a constant; NULL: CDRs are listed */
	bool full;          /* it needs no more */
	struct list_rank last;
};

/* An entry of the audit is JSON. */
static void audit_row_put(json_t *row, struct bytes id, struct bytes text)
{
	json_t *entry = json_loadb((const char *)text.p, text.n, 0, NULL);

	(void)json_object_update(row, entry);
	(void)json_object_set_new(row, "id", command_text_json(id));
	json_decref(entry);
}

/* Its id begins with the time of Redis. */
static json_t *note_row(const struct redisReply *entry)
{
	const struct redisReply *fields = redis_reply_at(entry, 1);
	struct bytes id = redis_reply_text(redis_reply_at(entry, 0)), whole = id, ms = { 0 };
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
		if (!strcmp(name, "event"))
			audit_row_put(row, whole, value);
		else
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

static bool note_entry(void *arg, const struct redisReply *entry)
{
	struct note_list *l = arg;
	json_t *row = note_row(entry);

	entry_rank(entry, 0, &l->last);
	if (l->tenant || security_is_wanted(l->run, row))
		l->full = !entry_put(l->run->list, &l->last, row);
	else
		json_decref(row);
	return !l->full;
}

static void entries_end(struct command_run *run, bool failed)
{
	if (failed)
		command_fail(run, COMMAND_UNAVAILABLE, NULL, "Redis did not answer");
	else
		command_answer_rows(run, list_finish(run->list));
}

/* False: no feature has older entries. */
static bool notes_go_on(const struct note_list *l)
{
	FEATURE_EACH (f) {
		if (f->audit && f->audit(l->run, l->tenant, &l->last))
			return true;
	}
	return false;
}

static void notes_end(void *arg, bool failed)
{
	struct note_list *l = arg;
	bool over = !failed && !l->full && l->read.left; /* Redis has no more */

	if (!(over && l->tenant && notes_go_on(l)) &&
	    (failed || l->read.left || entries_stop(l->run, &l->last)))
		entries_end(l->run, failed);
	free(l);
}

static void notes_list(struct command_run *run, const char *key, const char *tenant)
{
	struct command_span span;
	struct note_list *l;

	if (!command_span_read(run, &span))
		return;
	l = calloc(1, sizeof(*l));
	if (!l) {
		command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
		return;
	}
	*l = (struct note_list){ .run = run,
				 .tenant = tenant,
				 .read = { .link = run->node->redis->link,
					   .left = NOTES_READ,
					   .entry = note_entry,
					   .end = notes_end,
					   .arg = l } };
	(void)snprintf(l->read.key, sizeof(l->read.key), "%s", key);
	entry_pages_start(&l->read, span.since_utc_ms, entries_until(run->list, span.until_utc_ms));
}

void command_security_list(struct command_run *run)
{
	notes_list(run, SECURITY_STREAM, NULL);
}

void command_audit_list(struct command_run *run)
{
	bool of_node = run->role == COMMAND_FOR_OPERATOR && !run->of_tenant &&
		       command_value(run, "operators")->number;
	const char *tenant = of_node ? DIRECTORY_OPERATORS : run->tenant;
	char key[STORE_AUDIT_KEY_MAX];

	notes_list(run,
		   store_audit_key(key, bytes_str(tenant), command_value(run, "calls")->number),
		   tenant);
}

enum {
	NEWEST_MAX = 1000,
	LOOKED_MAX = 10000,
	WRITTEN_LATER_MS = 3600 * 1000,
	CLOCKS_DIFFER_MS = 60 * 1000
};

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

/* All of a call: those of its later pairs name it. */
static bool cdr_is_wanted(const json_t *json, const struct command_value *call,
			  const struct command_span *span)
{
	json_int_t end = json_integer_value(json_object_get(json, "end_utc_ms"));

	if (call->given && !cdr_says(json, "id", call->text) &&
	    !cdr_says(json, "linked", call->text))
		return false;
	return command_span_has(span, (uint64_t)end) &&
	       (command_span_is_of(span, json_text(json, "from"), json_text(json, "to")) ||
		command_span_is_of(span, json_text(json, "answered_by"), ""));
}

static bool cdr_is_seen(const struct command_run *run, const json_t *json)
{
	const char *tenant = json_string_value(json_object_get(json, "tenant"));

	return command_may_see(run, tenant ? tenant : NODE_TENANT) &&
	       command_user_was(run, (struct call_parties){
					     json_text(json, "from"), json_text(json, "from_trunk"),
					     json_text(json, "to"), json_text(json, "to_trunk"),
					     json_text(json, "forwarded_to") });
}

/* The streams of all shards, one behind the other, or of the one that has the call. */
struct cdr_list {
	struct entry_pages read;
	struct command_run *run;
	command_cdrs_fn *done; /* NULL: it is cdr.list */
	json_t *list;
	struct command_span span;
	size_t most;
	uint64_t count;        /* of entries of each stream */
	uint32_t next;         /* in node_shards.list */
	struct list_rank last; /* of cdr.list */
};

#define CDR_TIME "end_utc_ms"

static bool cdr_entry(void *arg, const struct redisReply *entry)
{
	struct cdr_list *l = arg;
	json_t *json = cdr_entry_json(entry);
	bool wanted = cdr_is_seen(l->run, json);

	command_party_hide(l->run, json);
	wanted &= cdr_is_wanted(json, command_value(l->run, "call"), &l->span);
	if (!wanted) {
		json_decref(json);
		json = NULL;
	}
	command_user_view(l->run, json);
	if (!l->done) {
		entry_rank(entry, l->next, &l->last);
		return entry_put(l->run->list, &l->last, json);
	}
	if (json)
		command_newest_put(l->list, json, CDR_TIME, l->most);
	return true;
}

static bool cdr_shard_is_named(const struct command_run *run, uint16_t shard)
{
	uint64_t call;

	return id_call_get(command_value(run, "call")->text, &call) || id_shard(call) == shard;
}

/* failed: of the stream before. */
static void cdrs_next(void *arg, bool failed)
{
	struct cdr_list *l = arg;
	const struct node_shards *shards = l->run->node->shards;
	uint64_t since = l->span.since_utc_ms;

	if (!l->done && !failed && l->last.kind && !l->read.left &&
	    !entries_stop(l->run, &l->last)) {
		free(l);
		return;
	}
	while (!failed && l->next < shards->count) {
		uint16_t shard = shards->list[l->next++].number;
		uint64_t until = l->span.until_utc_ms;

		if (!cdr_shard_is_named(l->run, shard))
			continue;
		(void)snprintf(l->read.key, sizeof(l->read.key), "td:{s%u}:cdr", shard);
		l->read.left = l->count;
		until = until < UINT64_MAX - WRITTEN_LATER_MS ? until + WRITTEN_LATER_MS
							      : UINT64_MAX;
		if (!l->done)
			until = entries_until(l->run->list, until);
		/* an entry's id is when it was written, which Redis may have put off */
		entry_pages_start(&l->read, since > CLOCKS_DIFFER_MS ? since - CLOCKS_DIFFER_MS : 0,
				  until);
		return;
	}
	if (l->done)
		l->done(l->run, failed ? NULL : json_incref(l->list));
	else
		entries_end(l->run, failed);
	json_decref(l->list);
	free(l);
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
				.list = done ? json_array() : NULL,
				.span = *span,
				.most = most,
				.count = count,
				.read = { .link = run->node->redis->link,
					  .entry = cdr_entry,
					  .end = cdrs_next,
					  .arg = l } };
	cdrs_next(l, false);
}

void command_cdr_list(struct command_run *run)
{
	uint32_t shards = run->node->shards->count;
	uint64_t count = shards ? LOOKED_MAX / shards : LOOKED_MAX;
	struct command_span span;

	if (!command_span_read(run, &span))
		return;
	if (command_value(run, "call")->given || count < NEWEST_MAX)
		count = NEWEST_MAX;
	cdrs_find(run, &span, 0, count, NULL);
}

void command_cdrs_find(struct command_run *run, command_cdrs_fn *done)
{
	static const struct command_span all = { .until_utc_ms = UINT64_MAX };

	cdrs_find(run, &all, NEWEST_MAX, NEWEST_MAX, done);
}
