/* SPDX-License-Identifier: Apache-2.0 */
/*
 * history.*: the archive answers, and the rows of a list go through the common pages of lists
 * (app/schema/list.h). The rank of a row is its place in the archive: when it ended, and its call,
 * so a cursor of either is made of the other.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/archive/archive_conversation.h"
#include "app/command/command_session.h"
#include "app/command/command_walk.h"
#include "app/feature/archive/archive_client.h"
#include "app/node/node.h"
#include "app/node/node_life.h"
#include "app/schema/list.h"
#include "app/schema/tenant_field.h"
#include "base/clock.h"
#include "base/json_member.h"
#include "sig/host/groups.h"
#include "sig/identity/shown.h"
#include "sig/shard/shared_tables.h"
#include "sig/sip/id.h"

enum { PLACE_MAX = 48 };

/* ---- the owner of a list ---- */

/* They are members of a group. */
static bool history_share_group(const struct groups *groups, uint16_t tenant, struct bytes one,
				struct bytes other)
{
	const struct ring_group *g;
	uint32_t cursor = 0;

	while ((g = groups_next(groups, &cursor)) != NULL) {
		if (g->tenant == tenant && group_has(g, one) && group_has(g, other))
			return true;
	}
	return false;
}

/* The user of the run may see that list by a setting of his tenant. */
static bool history_is_shared(const struct command_run *run, char letter, struct bytes name)
{
	const struct node *n = run->node;
	const struct groups *groups = n->common.shared_tables->groups;
	uint16_t tenant = tenants_find(n->common.tenants, bytes_str(run->tenant));
	struct bytes user = bytes_str(run->user);
	const struct ring_group *g;
	struct tenant_value t;

	if (letter == 'n' || !n->hooks->tenant_value(n, run->tenant, &t) ||
	    t.history.shared == TENANT_HISTORY_NONE)
		return false;
	if (t.history.shared == TENANT_HISTORY_ALL)
		return true;
	g = letter == 'g' ? groups_find(groups, tenant, name) : NULL;
	return g ? group_has(g, user)
		 : letter == 'u' && history_share_group(groups, tenant, user, name);
}

/* Its letter and name, as listing.owner has them. False: the run has failed. */
static bool history_owner(struct command_run *run, char out[ARCHIVE_OWNER_MAX])
{
	static const struct {
		const char *name;
		char letter;
	} owners[] = { { "user", 'u' }, { "group", 'g' }, { "number", 'n' } };
	struct bytes own = bytes_str(run->user), name = own;
	unsigned given = 0;
	char letter = 'u';

	for (size_t i = 0; i < COUNT_OF(owners); i++) {
		const struct command_value *v = command_value(run, owners[i].name);

		if (!v->given)
			continue;
		name = v->text;
		letter = owners[i].letter;
		given++;
	}
	out[0] = '\0';
	if (given > 1) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "user",
			     "a list is of a user, a group, or a number: give one of them");
	} else if (own.n && (letter != 'u' || !bytes_eq(name, own)) &&
		   !history_is_shared(run, letter, name)) {
		command_fail(run, COMMAND_NOT_ALLOWED, letter == 'g' ? "group" : "user",
			     "a user has his own history, and what history_shared of his tenant "
			     "says");
	} else {
		if (name.n)
			(void)snprintf(out, ARCHIVE_OWNER_MAX, "%c" BYTES_FMT, letter,
				       BYTES_ARG(name));
		return true;
	}
	return false;
}

/* The user's own list: notes of others are theirs. */
static bool history_is_own(const struct command_run *run)
{
	const struct command_value *user = command_value(run, "user");

	return !command_value(run, "group")->given &&
	       (!user->given || bytes_is(user->text, run->user));
}

/* A pair of parties as a user may see it; of his own list with the conference that it was in, as
 * calls that are up have it. */
static void pair_view(const struct command_run *run, json_t *pair)
{
	json_t *leg = json_incref(json_object_get(pair, "leg"));
	json_t *conference = json_incref(json_object_get(pair, "conference"));

	command_user_view(run, pair);
	(void)json_object_set_new(pair, "leg", leg);
	if (history_is_own(run))
		(void)json_object_set(pair, "conference", conference);
	json_decref(conference);
}

/* What a user may not see: a caller who withholds the identity, and how the tenant handles calls.
 * NULL: all of it. */
static json_t *history_row(const struct command_run *run, const json_t *row)
{
	static const char *const hidden[] = { "recordings", "path", "flow", "cause" };
	static const char *const his[] = { "note", "log", "log_end_utc_ms", "log_asked_utc_ms" };
	json_t *seen = json_deep_copy(row), *pair;
	const char *from = json_text(row, "from");
	size_t i;

	if (!seen || !run->user[0])
		return seen;
	command_party_hide(run, seen);
	if (strcmp(json_text(seen, "from"), from) != 0 && !history_is_own(run) &&
	    !strcmp(json_text(seen, "direction"), "outgoing")) {
		json_decref(seen); /* the owner of the list is the hidden caller */
		return NULL;
	}
	if (strcmp(json_text(seen, "from"), from) != 0 && !strcmp(json_text(seen, "number"), from))
		(void)json_object_set_new(seen, "number", json_string(PARTY_HIDDEN));
	for (i = 0; i < COUNT_OF(hidden); i++)
		(void)json_object_del(seen, hidden[i]);
	for (i = 0; i < COUNT_OF(his) && !history_is_own(run); i++)
		(void)json_object_del(seen, his[i]);
	json_array_foreach(json_object_get(seen, "pairs"), i, pair) pair_view(run, pair);
	return seen;
}

/* ---- history.list ---- */

/* "MS-CALL", as the archive has places. */
static bool place_rank(const char *text, struct list_rank *out)
{
	struct bytes rest = bytes_str(text), ms;
	uint64_t number, call;

	if (!bytes_cut(&rest, '-', &ms) || bytes_u64(ms, &number) || id_call_get(rest, &call))
		return false;
	*out = (struct list_rank){ .kind = LIST_NUMBER, .number = (double)number };
	(void)snprintf(out->key, sizeof(out->key), "%020" PRIu64, UINT64_MAX - call);
	return true;
}

static bool rank_place(const struct list_rank *rank, char out[PLACE_MAX])
{
	char call[ID_TEXT_LEN];
	uint64_t number;

	if (rank->kind != LIST_NUMBER || rank->number < 0 || rank->number > 9e15 ||
	    bytes_u64(bytes_str(rank->key), &number))
		return false;
	id_call_put(call, UINT64_MAX - number);
	(void)snprintf(out, PLACE_MAX, "%" PRIu64 "-%.*s", (uint64_t)rank->number, ID_TEXT_LEN,
		       call);
	return true;
}

static void history_put(struct command_run *run, const json_t *row)
{
	struct command_list *l = run->list;
	json_t *seen = history_row(run, row);
	char place[PLACE_MAX];
	struct list_row one = { .shard = 0 };

	/* The log of a call in a CRM names them; who opens one there signs in. */
	if (command_value(run, "unlogged")->number && history_is_own(run))
		(void)json_object_set(seen, "recordings", json_object_get(row, "recordings"));
	(void)snprintf(place, sizeof(place), "%" JSON_INTEGER_FORMAT "-%s",
		       json_integer_value(json_object_get(row, "end_utc_ms")),
		       json_text(row, "call"));
	if (!seen || !place_rank(place, &one.rank) || !list_wants(l, seen) ||
	    !list_has_place(l, &one.rank)) {
		json_decref(seen);
		return;
	}
	one.text = command_row(seen);
	(void)(one.text && list_put(l, &one));
}

static void history_on_page(struct command_run *run, const json_t *result)
{
	const char *cursor = json_string_value(json_object_get(result, "cursor"));
	struct list_rank end;
	const json_t *row;
	size_t i;

	if (cursor && place_rank(cursor, &end))
		list_stop(run->list, &end);
	json_array_foreach(json_object_get(result, "rows"), i, row) history_put(run, row);
	command_answer_rows(run, list_finish(run->list));
}

/* The arguments of a list and its filters. */
static json_t *history_query(struct command_run *run, const char *owner,
			     const struct command_span *span)
{
	static const char *const texts[] = { "text", "answered_by", "account_code", "dnis",
					     "flow" };
	static const char *const words[] = { "direction", "result" };
	unsigned flags = (command_value(run, "missed")->number ? ARCHIVE_MISSED : 0) |
			 (command_value(run, "recorded")->number ? ARCHIVE_RECORDED : 0);
	json_t *args = json_pack("{s:s, s:o, s:I, s:i}", "tenant", run->tenant, "owners",
				 owner[0] ? json_pack("[s]", owner) : json_array(), "since_ms",
				 (json_int_t)(span->since_utc_ms < INT64_MAX ? span->since_utc_ms
									     : INT64_MAX),
				 "flags", (int)flags);

	for (size_t i = 0; args && i < COUNT_OF(texts); i++) {
		const struct command_value *v = command_value(run, texts[i]);

		if (v->given)
			(void)json_object_set_new(args, texts[i], command_text_json(v->text));
	}
	for (size_t i = 0; args && i < COUNT_OF(words); i++) {
		const struct command_value *v = command_value(run, words[i]);

		if (v->given)
			(void)json_object_set_new(args, words[i],
						  json_integer((json_int_t)v->number));
	}
	if (args && span->until_utc_ms < INT64_MAX)
		(void)json_object_set_new(args, "until_ms",
					  json_integer((json_int_t)span->until_utc_ms));
	return args;
}

void command_history_list(struct command_run *run)
{
	const struct command_list *l = run->list;
	char owner[ARCHIVE_OWNER_MAX], place[PLACE_MAX];
	struct command_span span;
	json_t *args;
	size_t limit;

	if (l->sort[0]) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "sort",
			     "history has the last end first, and no other order");
		return;
	}
	if (!history_owner(run, owner) || !command_span_read(run, &span))
		return;
	if (l->goes_on && !rank_place(&l->after, place)) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "cursor",
			     "this is no cursor: take next of the page before, as it is");
		return;
	}
	limit = list_needs_rows(l) || l->most >= LIST_LIMIT_MAX ? LIST_LIMIT_MAX : l->most + 1;
	args = history_query(run, owner, &span);
	if (args) {
		(void)json_object_set_new(args, "limit", json_integer((json_int_t)limit));
		(void)json_object_set_new(args, "unlogged",
					  json_boolean(command_value(run, "unlogged")->number));
	}
	if (args && l->goes_on)
		(void)json_object_set_new(args, "cursor", json_string(place));
	archive_run(run, "history.list", args, history_on_page);
}

/* ---- of one conversation ---- */

static json_t *history_args(struct command_run *run)
{
	char owner[ARCHIVE_OWNER_MAX];

	return history_owner(run, owner)
		       ? json_pack("{s:s, s:s, s:O?}", "tenant", run->tenant, "owner", owner,
				   "call", json_object_get(run->args, "call"))
		       : NULL;
}

static void history_on_one(struct command_run *run, const json_t *result)
{
	json_t *seen = history_row(run, result);

	if (seen)
		command_answer(run, seen);
	else
		command_fail(run, COMMAND_NOT_FOUND, "call", "no such call is in the archive");
}

void command_history_get(struct command_run *run)
{
	json_t *args = history_args(run);

	if (args)
		archive_run(run, "history.get", args, history_on_one);
}

void command_history_hide(struct command_run *run)
{
	json_t *args = history_args(run);

	if (args)
		archive_run(run, "history.hide", args, NULL);
}

static void history_clear_more(struct command_run *run, const json_t *cursor, json_int_t until_ms);

static void history_on_cleared(struct command_run *run, const json_t *result)
{
	const json_t *cursor = json_object_get(result, "cursor");
	json_int_t until_ms = json_integer_value(json_object_get(result, "until_utc_ms"));

	if (json_is_string(cursor))
		history_clear_more(run, cursor, until_ms);
	else
		command_answer(run, json_pack("{s:I}", "until_utc_ms", until_ms));
}

/* Part by part, as history_erase_more. until_ms: of the first part; 0: this is the first one. */
static void history_clear_more(struct command_run *run, const json_t *cursor, json_int_t until_ms)
{
	static const char *const filters[] = { "since",        "direction", "result",
					       "missed",       "text",      "answered_by",
					       "account_code", "dnis",      "flow",
					       "recorded",     NULL };
	char owner[ARCHIVE_OWNER_MAX];
	struct command_span span;
	json_t *args;

	if (!command_span_read(run, &span) || !history_owner(run, owner))
		return;
	args = history_query(run, owner, &span);
	for (const char *const *name = filters; args && *name; name++) {
		const json_t *given = json_object_get(run->args, *name);

		if (given && !json_is_false(given))
			(void)json_object_set_new(args, "some", json_true());
	}
	if (args)
		(void)json_object_set_new(args, "owner", json_string(owner));
	if (args && cursor)
		(void)json_object_set(args, "cursor", (json_t *)(uintptr_t)cursor);
	if (args && until_ms)
		(void)json_object_set_new(args, "until_ms", json_integer(until_ms));
	archive_run(run, "history.clear", args, history_on_cleared);
}

void command_history_clear(struct command_run *run)
{
	history_clear_more(run, NULL, 0);
}

/* ---- logs in a CRM ---- */

void command_history_log(struct command_run *run)
{
	const struct command_value *record = command_value(run, "record");
	const struct command_value *until = command_value(run, "end_utc_ms");
	bool call = command_value(run, "call")->given;
	char owner[ARCHIVE_OWNER_MAX];
	json_t *args;

	if (record->given && !(call && (until->given || !record->text.n))) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "record",
			     "it is of a call, and of its end_utc_ms in the list");
		return;
	}
	if (until->given && until->number > clock_utc_ms()) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "end_utc_ms", "it is in the future");
		return;
	}
	(void)snprintf(owner, sizeof(owner), "u" BYTES_FMT,
		       BYTES_ARG(command_value(run, "user")->text));
	args = json_pack("{s:s, s:s, s:O?}", "tenant", run->tenant, "owner", owner, "call",
			 json_object_get(run->args, "call"));
	if (args && record->given)
		(void)json_object_set_new(args, "record", command_text_json(record->text));
	if (args && until->given)
		(void)json_object_set_new(args, "until_ms",
					  json_integer((json_int_t)until->number));
	archive_run(run, "history.log", args, NULL);
}

void command_history_unlogged(struct command_run *run)
{
	archive_run(run, "history.unlogged", json_pack("{s:s}", "tenant", run->tenant), NULL);
}

/* ---- erasure ---- */

static void history_erase_more(struct command_run *run, json_int_t until_ms);

static void history_on_erased(struct command_run *run, const json_t *result)
{
	json_int_t until_ms = json_integer_value(json_object_get(result, "until_utc_ms"));

	if (json_is_true(json_object_get(result, "more")))
		history_erase_more(run, until_ms);
	else
		command_answer(run, json_pack("{s:I}", "until_utc_ms", until_ms));
}

/* Part by part: calls, and other questions, go on meanwhile. */
static void history_erase_more(struct command_run *run, json_int_t until_ms)
{
	archive_run(run, "history.erase",
		    json_pack("{s:s, s:O?, s:I}", "tenant", run->tenant, "number",
			      json_object_get(run->args, "number"), "until_ms", until_ms),
		    history_on_erased);
}

void command_history_erase(struct command_run *run)
{
	bool whole = command_value(run, "whole")->number;

	if (whole == command_value(run, "number")->given)
		command_fail(run, COMMAND_BAD_ARGUMENT, "number",
			     "give the number of a person, or whole=true for all of the tenant");
	else
		history_erase_more(run, (json_int_t)clock_utc_ms());
}

void command_history_export(struct command_run *run)
{
	archive_run(run, "history.export",
		    json_pack("{s:s, s:O?, s:O?}", "tenant", run->tenant, "number",
			      json_object_get(run->args, "number"), "after",
			      json_object_get(run->args, "after")),
		    NULL);
}

void command_history_note(struct command_run *run)
{
	json_t *args = history_args(run);

	if (!args)
		return;
	(void)json_object_set_new(args, "note",
				  command_text_json(command_value(run, "note")->text));
	archive_run(run, "history.note", args, NULL);
}
