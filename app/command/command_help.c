/* SPDX-License-Identifier: Apache-2.0 */
/* The table in words: as JSON, and as the commands' part of docs/api.md. */
#include <inttypes.h>

#include "app/command/command.h"
#include "app/command/command_handlers.h"
#include "app/effect/fields.h"
#include "app/settings/reference.h"

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

static void write_result(struct writer *w, const struct command *command)
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
	write_result(&w, command);
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

static void write_command(struct writer *w, const struct command *c)
{
	writer_fmt(w, "\n### %s\n\n%s For: %s.\n", c->name, c->help, command_role_name(c->role));
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
	write_result(w, c);
	writer_str(w, ".\n");
}

void command_write_reference(struct writer *w)
{
	writer_str(w, "\n## Errors\n\n| Code | Meaning |\n|---|---|\n");
	for (int code = 0; code < COMMAND_ERROR_CODES; code++) {
		writer_fmt(w, "| `%s` | %s |\n", command_error_name((enum command_error_code)code),
			   command_error_help((enum command_error_code)code));
	}
	fields_write_events(w);
	writer_str(w, "\n## Commands\n");
	COMMAND_EACH (c)
		write_command(w, c);
	reference_wrap(w);
}
