/* SPDX-License-Identifier: Apache-2.0 */
/* The commands document.history, .diff and .restore. Redis has the former texts as they were, with
 * secrets sealed: views are made of them by the kind's own functions, so nobody is shown more than
 * of the present one. A restore is a change like any other, in its turn, judged by the rights of
 * KIND.put and compared with the version that it was made of. */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/command_start.h"
#include "app/command/commands.h"
#include "app/document/document.h"
#include "app/feature/past/past.h"
#include "app/node/node.h"
#include "app/node/node_wait.h"
#include "app/schema/feature.h"
#include "base/clock.h"

/* What Redis has of one document; of the run's `kept`. */
struct former_texts {
	const struct document_kind *kind;
	char name[DOCUMENT_NAME_MAX];
	json_t *texts; /* [[version, text], ...], the newest first */
	void (*then)(struct command_run *run, struct former_texts *p);
};

static void text_drop(char *text)
{
	secret_str_free(text);
}

/* ---- reading ---- */

static const struct command *kind_put(const struct document_kind *kind)
{
	COMMAND_EACH (c) {
		if (c->documents && command_is_verb(c, "put") &&
		    !strcmp(c->documents->name, kind->name))
			return c;
	}
	return NULL;
}

/* Whether Redis keeps former texts of the kind, as in document_past.lua. */
static bool past_has_kind(const struct document_kind *kind)
{
	static const char *const without[] = { "session", "token", "agent", "callback", "set" };

	for (size_t i = 0; i < COUNT_OF(without); i++) {
		if (!strcmp(kind->name, without[i]))
			return false;
	}
	return true;
}

/* Returns the kind that the command names. NULL: the run has failed. */
static const struct document_kind *past_kind(struct command_run *run)
{
	const struct document_kind *kind = document_kind_find(command_value(run, "kind")->text);
	const struct command *put = kind && past_has_kind(kind) ? kind_put(kind) : NULL;
	const struct command_right right = command_right_of(run);
	struct command_error error;

	if (!put) {
		command_fail(run, COMMAND_NOT_FOUND, "kind",
			     "there is no such kind, or nothing is "
			     "kept of it");
		return NULL;
	}
	if (command_may(put, &right, &error))
		return kind;
	command_fail(run, error.code, "kind", "%s", error.message);
	return NULL;
}

static void past_add(uint64_t version, struct bytes text, void *arg)
{
	const struct command_run *run = arg;
	const struct former_texts *p = run->kept;

	(void)json_array_append_new(p->texts, json_pack("[I, o]", (json_int_t)version,
							command_text_json(text)));
}

static void past_on_read(enum store_result result, uint64_t key, uint64_t value, void *arg)
{
	struct command_run *run = arg;
	struct former_texts *p = run->kept;
	json_t *texts = p->texts;

	(void)key;
	(void)value;
	if (result == STORE_OK)
		p->then(run, p);
	else
		document_fail_store(run, result);
	json_decref(texts);
}

static void past_start(struct command_run *run,
		       void (*then)(struct command_run *, struct former_texts *))
{
	const struct document_kind *kind = past_kind(run);
	struct former_texts *p = kind ? calloc(1, sizeof(*p)) : NULL;

	if (!kind)
		return;
	run->kept = p;
	if (!p || !(p->texts = json_array())) {
		command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
		return;
	}
	p->kind = kind;
	p->then = then;
	(void)bytes_cstr(command_value(run, "name")->text, p->name, sizeof(p->name));
	store_document_past(run->node->redis->store, document_owner(run->tenant, kind), kind->name,
			    bytes_str(p->name), past_add, past_on_read, run);
}

/* ---- comparing ---- */

static struct bytes past_now(const struct command_run *run, const struct former_texts *p)
{
	return mirror_text(&run->node->api.documents->keep.mirror,
			   document_owner(run->tenant, p->kind), bytes_str(p->kind->name),
			   bytes_str(p->name));
}

static uint64_t past_now_version(const struct command_run *run, const struct former_texts *p)
{
	return mirror_version(&run->node->api.documents->keep.mirror,
			      document_owner(run->tenant, p->kind), bytes_str(p->kind->name),
			      bytes_str(p->name));
}

static struct bytes past_text(const json_t *row)
{
	const char *text = json_string_value(json_array_get(row, 1));

	return bytes_str(text ? text : "");
}

/* Its public form. Flows have no secrets, and their views lack what names the program. */
static json_t *past_view(const struct command_run *run, const struct former_texts *p,
			 struct bytes text)
{
	return p->kind->program ? json_loadb((const char *)text.p, text.n, 0, NULL)
				: document_view_text(run, p->kind, text);
}

/* Returns the difference, {field: [before, after]}. NULL: a text cannot be read. */
static json_t *texts_differ(const struct command_run *run, const struct former_texts *p,
			    struct bytes before, struct bytes after)
{
	json_t *old = past_view(run, p, before);
	json_t *new = past_view(run, p, after);
	json_t *out = old && new ? json_object() : NULL, *value;
	const char *name;

	json_object_foreach(out ? new : NULL, name, value)
	{
		json_t *was = json_object_get(old, name);

		if (strcmp(name, "changed_utc_ms") != 0 && (!was || !json_equal(was, value)))
			(void)json_object_set_new(out, name, json_pack("[O?, O]", was, value));
	}
	json_object_foreach(out ? old : NULL, name, value)
	{
		if (!json_object_get(new, name))
			(void)json_object_set_new(out, name, json_pack("[O, n]", value));
	}
	if (out && !json_object_size(out) && !bytes_eq(before, after))
		(void)json_object_set_new(out, "secrets", json_pack("[s, s]", "(kept)", "(new)"));
	json_decref(old);
	json_decref(new);
	return out;
}

/* older: text of the version below; empty: none is kept. */
static void history_add(json_t *list, const struct command_run *run, const struct former_texts *p,
			uint64_t version, const char *state, struct bytes text, struct bytes older)
{
	json_t *row = json_pack("{s:I, s:s}", "version", (json_int_t)version, "state", state);
	json_t *view = past_view(run, p, text), *changes;
	json_t *changed = json_object_get(view, "changed_utc_ms");

	if (row && changed)
		(void)json_object_set(row, "changed_utc_ms", changed);
	changes = row && older.n ? texts_differ(run, p, older, text) : NULL;
	if (changes)
		(void)json_object_set_new(row, "changes", changes);
	json_decref(view);
	(void)json_array_append_new(list, row);
}

static void history_show(struct command_run *run, struct former_texts *p)
{
	struct bytes now = past_now(run, p);
	json_t *list = json_array(), *row;
	size_t i;

	if (now.n)
		history_add(list, run, p, past_now_version(run, p), "now", now,
			    past_text(json_array_get(p->texts, 0)));
	else if (json_array_size(p->texts))
		(void)json_array_append_new(list, json_pack("{s:i, s:s}", "version", 0, "state",
							    "deleted"));
	json_array_foreach(p->texts, i, row)
		history_add(list, run, p, (uint64_t)json_integer_value(json_array_get(row, 0)),
			    "former", past_text(row), past_text(json_array_get(p->texts, i + 1)));
	if (json_array_size(list)) {
		command_answer(run, list);
		return;
	}
	json_decref(list);
	command_fail(run, COMMAND_NOT_FOUND, "name",
		     "there is no such %s, and nothing is kept of one", p->kind->name);
}

void command_document_history(struct command_run *run)
{
	past_start(run, history_show);
}

/* Empty: it is not kept, and the run has failed: it, and p, are gone. */
static struct bytes past_version(struct command_run *run, const struct former_texts *p,
				 const char *arg)
{
	uint64_t version = command_value(run, arg)->number;
	struct bytes none = { 0 };
	const json_t *row;
	size_t i;

	if (version == past_now_version(run, p))
		return past_now(run, p);
	json_array_foreach(p->texts, i, row)
	{
		if ((uint64_t)json_integer_value(json_array_get(row, 0)) == version)
			return past_text(row);
	}
	command_fail(run, COMMAND_NOT_FOUND, arg,
		     "no such version is kept: document.history lists those that are");
	return none;
}

static void diff_show(struct command_run *run, struct former_texts *p)
{
	struct bytes one = past_version(run, p, "version"), other;
	json_t *changes;

	if (!one.n)
		return;
	other = past_now(run, p);
	if (command_value(run, "with")->given) {
		other = past_version(run, p, "with");
		if (!other.n)
			return;
	}
	if (!other.n) {
		command_fail(run, COMMAND_NOT_FOUND, "name", "it was deleted: name two versions");
		return;
	}
	changes = texts_differ(run, p, one, other);
	if (changes)
		command_answer(run, json_pack("{s:o}", "changes", changes));
	else
		command_fail(run, COMMAND_CONFLICT, "version", "it cannot be read by this program");
}

void command_document_diff(struct command_run *run)
{
	past_start(run, diff_show);
}

/* ---- putting again ---- */

/* Keeps hidden values of the present document: secrets, and what others keep in it. */
static void hidden_keep(const struct command_run *run, const struct former_texts *p, json_t *then,
			struct bytes text, json_t *now)
{
	json_t *view = past_view(run, p, text), *value;
	json_t *view_now = past_view(run, p, past_now(run, p));
	const char *name;
	void *next;

	json_object_foreach_safe(then, next, name, value)
	{
		if (!json_object_get(view, name))
			(void)json_object_del(then, name);
	}
	json_object_foreach(now, name, value)
	{
		if (!json_object_get(view_now, name))
			(void)json_object_set(then, name, value);
	}
	json_decref(view);
	json_decref(view_now);
}

/* Whether something else has the document's number by now. */
static bool number_is_taken(const struct command_run *run, const struct former_texts *p)
{
	static const char *const dialled[] = { "extension", "room", "number" };
	bool is_one = false, taken = false;

	for (size_t i = 0; i < COUNT_OF(dialled); i++) {
		if (!strcmp(p->kind->name, dialled[i]))
			is_one = true;
		else
			taken |= document_named(run->node, bytes_str(run->tenant), dialled[i],
						bytes_str(p->name));
	}
	return is_one && taken;
}

static void restore_text(struct command_run *run, struct former_texts *p, struct bytes text)
{
	struct bytes now = past_now(run, p);
	json_t *then = json_loadb((const char *)text.p, text.n, 0, NULL);
	json_t *present = now.n ? json_loadb((const char *)now.p, now.n, 0, NULL) : NULL;
	char name[DOCUMENT_NAME_MAX];

	if (now.n)
		hidden_keep(run, p, then, text, present);
	json_decref(present);
	if (json_object_get(then, "changed_utc_ms"))
		(void)json_object_set_new(then, "changed_utc_ms",
					  json_integer((json_int_t)clock_utc_ms()));
	if (!then) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "version", "it is damaged");
		return;
	}
	if (!document_check_stored(run, p->kind, then, name)) {
		json_decref(then);
		return;
	}
	/* made of the present one, and of no other */
	(void)json_object_set_new(run->args, g_command_if_version.name,
				  json_integer((json_int_t)past_now_version(run, p)));
	document_put_text(run, p->kind, name, then);
}

static void restore_start(struct command_run *run, struct former_texts *p)
{
	struct bytes text = past_version(run, p, "version");
	char *copy;

	if (!text.n || !document_restores(run, p->kind, bytes_str(p->name), text))
		return;
	if (!past_now(run, p).n && number_is_taken(run, p)) {
		command_fail(run, COMMAND_CONFLICT, "name", "something else has that number now");
		return;
	}
	/* the texts go with the run's answer */
	copy = strndup((const char *)text.p, text.n);
	if (copy)
		restore_text(run, p, bytes_str(copy));
	else
		command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
	text_drop(copy);
}

void command_document_restore(struct command_run *run)
{
	past_start(run, restore_start);
}
