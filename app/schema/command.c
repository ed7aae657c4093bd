/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks up commands and rights, answers and fails runs, and writes the table as help and as
 * docs/api.md. Every door calls it: command_start in app/command, HTTP, tandemctl. A run is ended
 * exactly once, here, and its memory is freed here. The texts of errors never repeat a value, since
 * any argument may be a secret; the rows of the table are in app/command/table.
 */

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/schema/command.h"
#include "app/schema/extension.h"
#include "app/schema/feature.h"
#include "app/schema/fields.h"
#include "app/schema/list.h"
#include "app/schema/route.h"
#include "app/schema/token_field.h"
#include "app/settings/settings_schema.h"

static const struct {
	unsigned status; /* in HTTP */
	const char *name, *help;
} g_errors[] = {
	[COMMAND_BAD_REQUEST] = { 400, "bad_request",
				  "The stream entry or its JSON is not a command." },
	[COMMAND_UNKNOWN_COMMAND] = { 404, "unknown_command", "There is no such command." },
	[COMMAND_UNKNOWN_ARGUMENT] = { 400, "unknown_argument",
				       "The command has no such argument." },
	[COMMAND_MISSING_ARGUMENT] = { 400, "missing_argument", "A required argument is absent." },
	[COMMAND_BAD_ARGUMENT] = { 400, "bad_argument",
				   "An argument has the wrong type or is out of its limits." },
	[COMMAND_NOT_ALLOWED] = { 403, "not_allowed",
				  "The command needs a higher role, which the message "
				  "names, or the settings do not allow it." },
	[COMMAND_NOT_FOUND] = { 404, "not_found", "What the arguments name does not exist." },
	[COMMAND_CONFLICT] = { 409, "conflict",
			       "What the arguments name is not in a state for it; "
			       "nothing was done." },
	[COMMAND_CHANGED] = { 412, "changed",
			      "The document does not have the version of if_version: "
			      "another client was first. Read it again." },
	[COMMAND_FULL] = { 409, "full", "A limit of what there may be at all is reached." },
	[COMMAND_NO_SEAT] = { 403, "no_seat",
			      "It needs a seat, which the extension does not have, and none is "
			      "left: seat.list shows them." },
	[COMMAND_BUSY] = { 429, "busy",
			   "Something else is under way, or the client has reached a limit; "
			   "nothing was done. Try again." },
	[COMMAND_EXPIRED] = { 504, "expired",
			      "The command was older than its ttl_ms; nothing was done." },
	[COMMAND_UNAVAILABLE] = { 503, "unavailable",
				  "Redis refused or is away, or the node is stopping, or full for "
				  "the moment; nothing was done. Try again." },
	[COMMAND_UNCERTAIN] = { 504, "uncertain",
				"Redis did not answer in time: it may or may not have "
				"happened. The same command may be "
				"sent again." },
	[COMMAND_INTERNAL] = { 500, "internal",
			       "The node is out of memory, or a file cannot be made." },
};

enum command_error_code command_error_of(enum refusal_class class)
{
	static const enum command_error_code codes[REFUSAL_CLASSES] = {
		[REFUSAL_BAD_ARGUMENT] = COMMAND_BAD_ARGUMENT,
		[REFUSAL_NOT_ALLOWED] = COMMAND_NOT_ALLOWED,
		[REFUSAL_NOT_FOUND] = COMMAND_NOT_FOUND,
		[REFUSAL_CONFLICT] = COMMAND_CONFLICT,
		[REFUSAL_FULL] = COMMAND_FULL,
		[REFUSAL_BUSY] = COMMAND_BUSY,
		[REFUSAL_UNAVAILABLE] = COMMAND_UNAVAILABLE,
		[REFUSAL_INTERNAL] = COMMAND_INTERNAL,
	};

	return codes[class];
}

const char *command_error_name(enum command_error_code code)
{
	assert((size_t)code < COUNT_OF(g_errors));
	return g_errors[code].name;
}

unsigned command_error_status(enum command_error_code code)
{
	assert((size_t)code < COUNT_OF(g_errors));
	return g_errors[code].status;
}

enum command_error_code command_error_named(const char *name)
{
	unsigned code = 0;

	while (code < COMMAND_INTERNAL && (!name || strcmp(name, g_errors[code].name) != 0))
		code++;
	return (enum command_error_code)code;
}

const char *command_error_help(enum command_error_code code)
{
	assert((size_t)code < COUNT_OF(g_errors));
	return g_errors[code].help;
}

const char *const g_command_roles[] = { "reader", "application", "admin", NULL };

const char *command_role_name(enum command_role role)
{
	return role == COMMAND_FOR_OPERATOR ? "operator" : g_command_roles[role];
}

const struct command *command_find(struct bytes name)
{
	COMMAND_EACH (c) {
		if (bytes_is(name, c->name))
			return c;
	}
	return NULL;
}

const struct command_arg *command_arg_find(const struct command *command, struct bytes name)
{
	for (const struct command_arg *arg = command->args; arg->name; arg++) {
		if (bytes_is(name, arg->name))
			return arg;
	}
	return NULL;
}

size_t command_args_max(struct bytes name)
{
	const struct command *command = command_find(name);

	for (const struct command_arg *arg = command ? command->args : NULL; arg && arg->name;
	     arg++) {
		if (arg->type == ARG_JSON)
			return COMMAND_TREE_MAX;
	}
	return COMMAND_JSON_MAX;
}

json_t *command_error_json(const struct command_error *error)
{
	return json_pack("{s:b, s:{s:s, s:s*, s:s}}", "ok", 0, "error", "code",
			 command_error_name(error->code), "argument", error->argument, "message",
			 error->message);
}

void command_end(struct command_run *run, json_t *answer)
{
	if (run->ended)
		run->ended(run, answer);
	run->done(answer, run->arg);
	json_decref(run->args);
	json_decref(run->as);
	json_decref(run->changes);
	if (run->list)
		list_close(run->list);
	free(run->list);
	if (run->file)
		(void)close(run->file - 1);
	free(run->kept);
	free(run);
}

const struct command_arg g_command_tenant = {
	.name = "tenant",
	.type = ARG_STRING,
	.charset = CHARSET_NAME,
	.min = 1,
	.max = COMMAND_TENANT_MAX - 1,
	.preset = "default",
	.help = "For operators, with any command: the tenant that the command is about.",
};

const struct command_arg g_command_if_version = {
	.name = "if_version",
	.type = ARG_STRING,
	.charset = CHARSET_TEXT,
	.min = 1,
	.max = 20,
	.help = "The version that the document must have: of the answer that showed it. * is any, "
		"0 none: it is made.",
};

const struct command_arg g_command_force = {
	.name = "force",
	.type = ARG_BOOL,
	.preset = "false",
	.help = "true: it is deleted although other documents name it. named_by of the answer has "
		"them.",
};

struct bytes command_noun(const struct command *c)
{
	const char *dot = strrchr(c->name, '.');

	return bytes_mem(c->name, dot ? (size_t)(dot - c->name) : 0);
}

bool command_is_verb(const struct command *c, const char *verb)
{
	const char *dot = strrchr(c->name, '.');

	return dot && !strcmp(dot + 1, verb);
}

/* tandemctl has no document kinds: the node checks such files. */
const struct command_arg *command_file(const struct command *c)
{
	const struct command_arg *arg = c ? c->args : NULL;

	while (arg && arg->name && !arg->opens)
		arg++;
	return arg && arg->name ? arg : NULL;
}

bool command_changes_document(const struct command *c)
{
	return (command_is_verb(c, "put") || command_is_verb(c, "delete")) &&
	       (c->documents || !c->fn);
}

const struct command_arg *command_context_arg(const struct command *c, struct bytes name)
{
	if (!command_changes_document(c) || command_arg_find(c, name))
		return NULL;
	if (command_is_verb(c, "delete") && bytes_is(name, g_command_force.name))
		return &g_command_force;
	return bytes_is(name, g_command_if_version.name) ? &g_command_if_version : NULL;
}

const struct command *command_of_noun(struct bytes noun, const char *verb)
{
	char name[96];

	(void)snprintf(name, sizeof(name), BYTES_FMT ".%s", BYTES_ARG(noun), verb);
	return command_find(bytes_str(name));
}

enum { COMMAND_NOUN_MAX = 32 };

const struct command *command_put_of(const char *kind)
{
	const struct command *put = command_of_noun(bytes_str(kind), "put");
	char noun[COMMAND_NOUN_MAX];
	char *word =
		!put && !bytes_cstr(bytes_str(kind), noun, sizeof(noun)) ? strchr(noun, '_') : NULL;

	if (word) { /* device_profile: device.profile.put */
		*word = '.';
		put = command_of_noun(bytes_str(noun), "put");
	}
	return put && put->role >= COMMAND_FOR_ADMIN && !command_file(put) ? put : NULL;
}

void command_answer(struct command_run *run, json_t *result)
{
	json_t *answer;

	if (run->list && json_is_array(result)) {
		command_answer_rows(run, list_page(run->list, result));
		return;
	}
	answer = result ? json_pack("{s:b, s:o}", "ok", 1, "result", result) : NULL;
	if (answer && run->version)
		(void)json_object_set_new(answer, "version",
					  json_integer((json_int_t)run->version));
	if (!answer) {
		command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
		return;
	}
	command_end(run, answer);
}

const struct command_arg g_command_as = {
	.name = "as",
	.type = ARG_STRING,
	.charset = CHARSET_NUMBER,
	.min = 1,
	.max = COMMAND_USER_MAX - 1,
	.help = "For operators, with any command: the extension on behalf of which it is given.",
};

const struct command_arg g_command_as_role = {
	.name = "as_role",
	.type = ARG_ENUM,
	.names = g_command_roles,
	.help = "For operators, with any command and tenant: it may what this role may, and no "
		"more.",
};

const struct command_arg g_command_as_token = {
	.name = "as_token",
	.type = ARG_STRING,
	.charset = CHARSET_TEXT,
	.min = 1,
	.max = COMMAND_BY_MAX - 1,
	.help = "For operators, with any command: the client's token, as the audit shows it.",
};

const struct command_arg g_command_as_commands = {
	.name = "as_commands",
	.type = ARG_STRING,
	.charset = CHARSET_NUMBERS,
	.min = 1,
	.max = COMMAND_PATTERNS_MAX - 1,
	.help = "For operators, with any command: it may what a token with these commands may.",
};

PRINTF_LIKE(2, 3)
static bool may_not(struct command_error *error, const char *fmt, ...)
{
	va_list ap;

	*error = (struct command_error){ .code = COMMAND_NOT_ALLOWED };
	va_start(ap, fmt);
	(void)vsnprintf(error->message, sizeof(error->message), fmt, ap);
	va_end(ap);
	return false;
}

bool command_may(const struct command *command, const struct command_right *right,
		 struct command_error *error)
{
	if (right->user[0] && !command->own)
		return may_not(error, "%s is not for users of an extension", command->name);
	if (right->role < command->role && !right->user[0])
		return may_not(error, "%s needs the role %s; the client has the role %s",
			       command->name, command_role_name(command->role),
			       command_role_name(right->role));
	if (!token_allows(right->patterns, command->name))
		return may_not(error, "this token does not allow %s", command->name);
	return true;
}

static int own_refuse(struct command_error *error, enum command_error_code code,
		      const char *argument, const char *words, const char *what)
{
	*error = (struct command_error){ .code = code, .argument = argument };
	(void)snprintf(error->message, sizeof(error->message), "%s%s", words, what);
	return -EINVAL;
}

const struct command_arg *command_own_next(const struct command *command, struct bytes *names)
{
	struct bytes name;

	return names->n && bytes_cut(names, ',', &name) ? command_arg_find(command, name) : NULL;
}

bool command_arg_is_call(const struct command_arg *arg)
{
	return arg->charset == CHARSET_ID && arg->type == ARG_STRING;
}

/* What the user may not give beside the own ones; NULL: nothing of that is given. */
static const struct command_arg *own_arg_given(const struct command *command, json_t *args)
{
	const struct command_arg *other;
	const char *name;
	json_t *value;

	json_object_foreach(args, name, value)
	{
		other = command_arg_find(command, bytes_str(name));
		if (other && command->own_args &&
		    !bytes_list_has(bytes_str(command->own), bytes_str(name)) &&
		    !bytes_list_has(bytes_str(command->own_args), bytes_str(name)))
			return other;
	}
	return NULL;
}

/* False: it is another one's number. */
static bool own_number(const struct command *command, const struct command_arg *own,
		       const char *user, json_t *args)
{
	const json_t *given = json_object_get(args, own->name);

	if (!given)
		return !json_object_set_new(args, own->name, json_string(user));
	return json_is_string(given) &&
	       (command->own_shared || !strcmp(json_string_value(given), user));
}

int command_own(const struct command *command, const char *user, json_t *args,
		struct command_error *error)
{
	const struct command_arg *own, *beside;
	struct bytes names;

	if (!command->own)
		return own_refuse(error, COMMAND_NOT_ALLOWED, NULL,
				  "not for users of an extension: ", command->name);
	beside = own_arg_given(command, args);
	if (beside)
		return own_refuse(error, COMMAND_NOT_ALLOWED, beside->name,
				  "a user gives no more than ",
				  command->own_args[0] ? command->own_args : command->own);
	names = bytes_str(command->own);
	while ((own = command_own_next(command, &names)) != NULL) {
		if (command_arg_is_call(own)) {
			/* which leg is the user's follows from the call */
			if (command_arg_find(command, BYTES_LIT("leg")))
				(void)json_object_set_new(args, "leg", json_string("a"));
		} else if (!own_number(command, own, user, args)) {
			return own_refuse(error, COMMAND_NOT_ALLOWED, own->name,
					  "a user gives the own number alone: ", user);
		}
	}
	return 0;
}

#define ROWS       "rows"
#define ROWS_START "{\"ok\":true,\"result\":["

void command_answer_rows(struct command_run *run, json_t *rows)
{
	const char *next = run->list && run->list->next[0] ? run->list->next : NULL;
	json_t *answer = rows ? json_pack("{s:b, s:o, s:s*, s:O*}", "ok", 1, ROWS, rows, "next",
					  next, "missing", run->list ? run->list->missing : NULL)
			      : NULL;

	if (answer)
		command_end(run, answer);
	else
		command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
}

json_t *command_row(json_t *row)
{
	char *text = row ? json_dumps(row, JSON_COMPACT) : NULL;
	json_t *string = text ? json_string_nocheck(text) : NULL;

	json_decref(row);
	free(text);
	return string;
}

static char *rows_text(const json_t *rows, const char *begin, const char *end)
{
	size_t n = strlen(begin) + strlen(end) + 2, i;
	struct writer w;
	json_t *row;
	char *text;

	json_array_foreach(rows, i, row) n += json_string_length(row) + 1;
	text = malloc(n);
	if (!text)
		return NULL;
	w = writer_over(text, n - 1);
	writer_str(&w, begin);
	json_array_foreach(rows, i, row)
	{
		writer_str(&w, i ? "," : "");
		writer_bytes(&w, bytes_mem(json_string_value(row), json_string_length(row)));
	}
	WRITER_TEXTS(&w, "]", end);
	text[w.n] = '\0';
	return text;
}

char *command_answer_text(json_t *answer)
{
	json_t *rows = json_incref(json_object_get(answer, ROWS));
	char *text, *behind;

	if (rows) {
		(void)json_object_del(answer, ROWS);
		(void)json_object_del(answer, "ok");
	}
	text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
	if (rows && text) {
		behind = text;
		behind[0] = ',';
		text = rows_text(rows, ROWS_START, behind + (behind[1] == '}'));
		free(behind);
	}
	json_decref(rows);
	json_decref(answer);
	return text;
}

char *command_result_text(const json_t *answer)
{
	const json_t *rows = json_object_get(answer, ROWS);

	return rows ? rows_text(rows, "[", "")
		    : json_dumps(json_object_get(answer, "result"), JSON_COMPACT | JSON_ENCODE_ANY);
}

void command_fail(struct command_run *run, enum command_error_code code, const char *argument,
		  const char *fmt, ...)
{
	struct command_error error = { .code = code, .argument = argument };
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(error.message, sizeof(error.message), fmt, ap);
	va_end(ap);
	command_end(run, command_error_json(&error));
}

void command_move(struct command_run *run, uint64_t call)
{
	json_t *args = json_incref(run->args);

	(void)json_object_set_new(args, "call", command_call_id_json(call));
	if (run->as)
		(void)json_object_update(args, run->as);
	command_end(run, json_pack("{s:o}", "moved", args));
}

const struct command_value *command_value(const struct command_run *run, const char *name)
{
	const struct command_arg *arg = command_arg_find(run->command, bytes_str(name));

	assert(arg && arg - run->command->args < COMMAND_ARGS_MAX);
	return &run->values[arg - run->command->args];
}

bool command_take_secret(struct command_run *run, const char *user, const char *realm,
			 struct digest_secret *secret, bool *given)
{
	const struct command_value *password = command_value(run, "password");
	const struct command_value *ha1 = command_value(run, "ha1");

	*given = password->given || ha1->given;
	if (password->given && ha1->given) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "ha1", "give password or ha1, not both");
		return false;
	}
	if (ha1->given && ha1_read(secret, ha1->text)) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "ha1",
			     "ha1 must be 32, 64 and 64 hex digits joined by ':'");
		return false;
	}
	if (password->given)
		digest_secret_make(secret, bytes_str(user), bytes_str(realm), password->text);
	return true;
}

size_t command_limit(const struct command_run *run)
{
	return command_value(run, "limit")->number;
}

/* The table in words: as JSON, and as the commands' part of docs/api.md. */

static const char *arg_type_name(enum command_arg_type type)
{
	switch (type) {
	case ARG_STRING:
		return "string";
	case ARG_U64:
		return "number";
	case ARG_BOOL:
		return "boolean";
	case ARG_ENUM:
		return "word";
	case ARG_SECRET:
		return "secret";
	case ARG_LIST:
		return "list";
	case ARG_JSON:
		return "JSON";
	}
	return "string";
}

static void help_write_names(struct writer *w, const char *const *names)
{
	for (size_t i = 0; names[i]; i++)
		writer_fmt(w, "%s%s", i ? ", " : "", names[i]);
}

static void write_allowed(struct writer *w, const struct command_arg *arg)
{
	switch (arg->type) {
	case ARG_STRING:
	case ARG_SECRET:
		if (arg->min < arg->max)
			writer_fmt(w, "%" PRIu64 " to ", arg->min);
		writer_fmt(w, "%" PRIu64 " characters", arg->max);
		return;
	case ARG_U64:
		writer_fmt(w, "%" PRIu64 " to %" PRIu64, arg->min, arg->max);
		return;
	case ARG_BOOL:
		writer_str(w, "true, false");
		return;
	case ARG_LIST:
		writer_fmt(w, "%" PRIu64 " to %" PRIu64 " of ", arg->min, arg->max);
		help_write_names(w, arg->names);
		return;
	case ARG_ENUM:
		help_write_names(w, arg->names);
		return;
	case ARG_JSON:
		writer_str(w, "an object or a list");
		return;
	}
}

static json_t *arg_json(const struct command_arg *arg)
{
	char allowed[160];
	struct writer w = writer_over(allowed, sizeof(allowed) - 1);

	write_allowed(&w, arg);
	allowed[w.n] = '\0';
	return json_pack("{s:s, s:s, s:b, s:s, s:s*, s:s}", "name", arg->name, "type",
			 arg_type_name(arg->type), "required", arg->required, "allowed", allowed,
			 "default", arg->preset, "help", arg->help);
}

void command_write_result(struct writer *w, const struct command *command)
{
	for (const struct command_arg *arg = command->shows; arg && arg->name; arg++) {
		if (arg->field.kind)
			writer_fmt(w, "%s, ", arg->name);
	}
	writer_str(w, command->result);
}

static json_t *one_json(const struct command *command)
{
	char result[2048];
	struct writer w = writer_over(result, sizeof(result) - 1);
	json_t *args = json_array();

	for (const struct command_arg *arg = command->args; arg->name; arg++)
		(void)json_array_append_new(args, arg_json(arg));
	command_write_result(&w, command);
	result[w.n] = '\0';
	return json_pack("{s:s, s:s, s:s, s:s, s:o}", "name", command->name, "for",
			 command_role_name(command->role), "help", command->help, "result", result,
			 "arguments", args);
}

bool command_is_of(const struct command *command, struct bytes word)
{
	struct bytes name = bytes_str(command->name);

	return bytes_eq(bytes_sub(name, 0, word.n), word) &&
	       (name.n == word.n || name.p[word.n] == '.');
}

json_t *command_help_json(struct bytes word)
{
	json_t *list = json_array();

	COMMAND_EACH (c) {
		if (!word.n || command_is_of(c, word))
			(void)json_array_append_new(list, one_json(c));
	}
	return list;
}

void command_help(struct command_run *run)
{
	const struct command_value *name = command_value(run, "command");
	json_t *list = command_help_json(name->given ? name->text : (struct bytes){ 0 });

	if (json_array_size(list)) {
		command_answer(run, list);
		return;
	}
	json_decref(list);
	command_fail(run, COMMAND_NOT_FOUND, "command", "there is no such command");
}

/* `a`, `b` */
static void write_names(struct writer *w, const char *names)
{
	struct bytes rest = bytes_str(names), name;

	while (bytes_cut(&rest, ',', &name))
		writer_fmt(w, "`" BYTES_FMT "`%s", BYTES_ARG(name), rest.n ? ", " : "");
}

/* What a user may give. */
static void write_own(struct writer *w, const struct command *c)
{
	static const char *const parts[] = {
		[PART_SPEAKS] = " (in which he speaks)",
		[PART_GIVES] = " (in which he speaks, or which he transfers)",
		[PART_RINGS] = " (which rings at his phone)",
		[PART_ANY] = "",
	};
	bool call = c->own && bytes_starts(bytes_str(c->own), "call");

	if (!c->own || !c->own[0])
		return;
	writer_str(w, " A user gives his own ");
	write_names(w, c->own);
	writer_str(w, call ? parts[c->own_part] : "");
	writer_str(w, !c->own_args ? "" : c->own_args[0] ? "; else only " : "; nothing else");
	write_names(w, c->own_args ? c->own_args : "");
	writer_str(w, ".");
	if (call && command_arg_find(c, BYTES_LIT("leg")))
		writer_str(w, c->own_peer ? " `leg` is the other party's." : " `leg` is his.");
}

static void write_command(struct writer *w, const struct command *c)
{
	const struct route *r = route_of(c);

	writer_fmt(w, "\n### %s\n\n%s For: %s%s.", c->name, c->help, command_role_name(c->role),
		   c->anyone ? ", and clients without a token"
		   : c->own  ? ", user"
			     : "");
	write_own(w, c);
	writer_fmt(w, "\n\n`%s %s`\n", g_route_methods[r->method], r->path);
	if (c->args->name) {
		writer_str(w, "\n| Argument | Type | Allowed | Default | Meaning "
			      "|\n|---|---|---|---|---|\n");
	}
	for (const struct command_arg *arg = c->args; arg->name; arg++) {
		writer_fmt(w, "| `%s` | %s | ", arg->name, arg_type_name(arg->type));
		write_allowed(w, arg);
		writer_fmt(w, " | %s | %s |\n",
			   arg->required ? "*required*"
			   : arg->preset ? arg->preset
					 : "",
			   arg->help);
	}
	writer_str(w, "\nResult: ");
	command_write_result(w, c);
	writer_str(w, ".\n");
}

static void write_refusals(struct writer *w)
{
	writer_str(
		w,
		"\n## Refusals\n\nWhy a request or a command is refused. `sip.recent` shows the "
		"reason of a request, and `tandem_sip_refused_total` counts it. A command tells it "
		"by the words of its error. SIP: the usual status.\n\n"
		"| Reason | SIP | Error | Meaning | What to do |\n|---|---|---|---|---|\n");
	for (const struct refusal_row *r = refusals + 1; r < refusals + REFUSALS; r++) {
		writer_fmt(w, "| `%s` | %u | %s | %s | %s |\n", r->name, r->status,
			   command_error_name(command_error_of((enum refusal_class)r->class)),
			   r->words, r->next);
	}
}

void command_write_reference(struct writer *w)
{
	writer_str(w, "\n## Errors\n\n| Code | Meaning |\n|---|---|\n");
	for (int code = 0; code < COMMAND_ERROR_CODES; code++) {
		writer_fmt(w, "| `%s` | %s |\n", command_error_name((enum command_error_code)code),
			   command_error_help((enum command_error_code)code));
	}
	write_refusals(w);
	fields_write_events(w);
	writer_str(w, "\n## Commands\n");
	route_setup();
	COMMAND_EACH (c)
		write_command(w, c);
	reference_wrap(w);
}
