/* SPDX-License-Identifier: Apache-2.0 */
/* Checks arguments by the table.
 * Errors name the argument and what is allowed, never its value: it may be a secret. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/schema/command.h"
#include "app/schema/list.h"
#include "base/addr.h"
#include "sig/sip/id.h"
#include "sig/sip/uri.h"

/* Values of the node as JSON. */

json_t *command_text_json(struct bytes text)
{
	json_t *json = json_stringn((const char *)text.p, text.n);
	char *copy;

	if (json || !text.n)
		return json ? json : json_string("");
	/* from the wire, and not UTF-8 */
	copy = malloc(text.n);
	if (!copy)
		return NULL;
	for (size_t i = 0; i < text.n; i++)
		copy[i] = (char)(text.p[i] & 0x80 ? '?' : text.p[i]);
	json = json_stringn(copy, text.n);
	free(copy);
	return json;
}

json_t *command_addr_json(const struct addr *a)
{
	char text[ADDR_TEXT_MAX];

	return a->family == ADDR_NONE ? json_null() : json_string(addr_text(a, text));
}

json_t *command_call_id_json(uint64_t call)
{
	char text[ID_TEXT_LEN];

	id_call_put(text, call);
	return json_stringn(text, sizeof(text));
}

/* Words joined by ','. NULL: they are not UTF-8. */
static json_t *arg_list_json(struct bytes text, bool people)
{
	json_t *list = json_array();
	struct bytes one;
	int err = 0;

	while (!err && bytes_cut(&text, ',', &one)) {
		one = people ? bytes_trim(one) : one;
		err = json_array_append_new(list, json_stringn((const char *)one.p, one.n));
	}
	if (!err)
		return list;
	json_decref(list);
	return NULL;
}

json_t *command_arg_json(const struct command_arg *arg, struct bytes text, bool people)
{
	/* as the API has it; as tables show it; and as people say it */
	static const char *const switches[] = { "false", "true", "no", "yes", "off", "on" };
	uint64_t number;

	if (arg->type == ARG_U64 && !bytes_u64(text, &number) && number <= INT64_MAX)
		return json_integer((json_int_t)number);
	for (size_t i = 0; arg->type == ARG_BOOL && i < (people ? COUNT_OF(switches) : 2); i++) {
		if (bytes_is(text, switches[i]))
			return json_boolean(i % 2);
	}
	if (arg->type == ARG_LIST)
		return arg_list_json(text, people);
	if (arg->type == ARG_JSON)
		return json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
	return json_stringn((const char *)text.p, text.n);
}

#define NUMBER_OR_LINK                                                          \
	"letters, digits, '.', '_', '-', '+', '*' and '#', or tel: or callto: " \
	"and a telephone number"

static const char *const g_charset_help[] = {
	[CHARSET_TEXT] = "characters without control characters",
	[CHARSET_NUMBER] = "letters, digits, '.', '_', '-', '+', '*' and '#'",
	[CHARSET_NUMBERS] =
		"letters, digits, '.', '_', '-', '+', '*', '#', and ',' between numbers",
	[CHARSET_NAME] = "letters, digits, '.', '_' and '-'",
	[CHARSET_ID] = "digits and the letters a to v",
	[CHARSET_DIGITS] = "digits, '*', '#' and the letters A to D",
	[CHARSET_IP] = "an IPv4 or IPv6 address",
	[CHARSET_DIALLED] = NUMBER_OR_LINK,
	[CHARSET_PATTERN] = "digits, '*', '#', '+', 'x', '[', ']', '-', '.' and '|'",
	[CHARSET_PLACES] =
		"letters, digits, '.', '_', '-', ':', '/', '[', ']', and ',' between places",
	[CHARSET_PIN] = "4 to 16 digits, or off",
};

PRINTF_LIKE(4, 5)
static int argument_refuse(struct command_error *error, enum command_error_code code,
			   const char *argument, const char *fmt, ...)
{
	va_list ap;

	error->code = code;
	error->argument = argument;
	va_start(ap, fmt);
	(void)vsnprintf(error->message, sizeof(error->message), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static bool arg_is_allowed(enum command_charset charset, uint8_t c)
{
	bool digit = c >= '0' && c <= '9', small = c >= 'a' && c <= 'z', big = c >= 'A' && c <= 'Z';

	switch (charset) {
	case CHARSET_TEXT:
		return c >= 0x20 && c != 0x7f; /* jansson has checked the UTF-8 */
	case CHARSET_NUMBER:
	case CHARSET_DIALLED:
		return digit || small || big || (c && strchr("._-+*#", c));
	case CHARSET_NUMBERS:
		return digit || small || big || (c && strchr("._-+*#,", c));
	case CHARSET_NAME:
		return digit || small || big || (c && strchr("._-", c));
	case CHARSET_ID:
		return digit || (c >= 'a' && c <= 'v');
	case CHARSET_DIGITS:
		return digit || (c >= 'A' && c <= 'D') || c == '*' || c == '#';
	case CHARSET_IP:
		return digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == '.' ||
		       c == ':';
	case CHARSET_PATTERN:
		return digit || (c && strchr("*#+xX[]-.|", c));
	case CHARSET_RANGES:
		return digit || small || big || (c && strchr("._-=,", c));
	case CHARSET_PLACES:
		return digit || small || big || (c && strchr("._-:/[],", c));
	case CHARSET_PIN:
		return digit;
	}
	return false;
}

bool command_allows(enum command_charset charset, struct bytes text)
{
	struct addr addr;

	if (charset == CHARSET_PIN && (text.n < 4 || text.n > 16))
		return bytes_is(text, "off");
	for (size_t i = 0; i < text.n; i++) {
		if (!arg_is_allowed(charset, text.p[i]))
			return false;
	}
	return charset != CHARSET_IP || (!addr_parse(&addr, text) && !addr.port);
}

/* The number in a link that was clicked (RFC 3966, or the older callto:). Other texts stay. */
static void dialled_number_read(struct command_value *value)
{
	size_t colon = bytes_find(value->text, ':');
	struct bytes scheme = bytes_sub(value->text, 0, colon);
	struct sip_uri uri = { .scheme = BYTES_LIT("tel"),
			       .user = bytes_from(value->text, colon + 1) };
	struct subscriber s;

	if (!bytes_iis(scheme, "tel") && !bytes_iis(scheme, "callto"))
		return;
	while (bytes_starts(uri.user, "/"))
		uri.user = bytes_from(uri.user, 1);
	s = subscriber_of(&uri);
	value->text = subscriber_text(&s, value->number_of, sizeof(value->number_of))
			      ? (struct bytes){ 0 }
			      : bytes_str(value->number_of);
}

static int length_refuse(struct command_error *error, const struct command_arg *arg)
{
	char least[32] = "";

	if (arg->min < arg->max)
		(void)snprintf(least, sizeof(least), "%" PRIu64 " to ", arg->min);
	return argument_refuse(error, COMMAND_BAD_ARGUMENT, arg->name,
			       "%s must have %s%" PRIu64 " characters", arg->name, least, arg->max);
}

static int check_string(const struct command_arg *arg, const struct given *given,
			struct command_value *value, struct command_error *error)
{
	if (given->kind != GIVEN_TEXT) {
		return argument_refuse(error, COMMAND_BAD_ARGUMENT, arg->name,
				       "%s must be a string", arg->name);
	}
	value->text = given->text;
	if (arg->charset == CHARSET_DIALLED)
		dialled_number_read(value);
	if (arg->charset != CHARSET_PIN && (value->text.n < arg->min || value->text.n > arg->max))
		return length_refuse(error, arg);
	if (!command_allows(arg->charset, value->text)) {
		return argument_refuse(error, COMMAND_BAD_ARGUMENT, arg->name, "%s must be %s",
				       arg->name, g_charset_help[arg->charset]);
	}
	return 0;
}

static int check_u64(const struct command_arg *arg, const struct given *given,
		     struct command_value *value, struct command_error *error)
{
	int64_t n = given->number;

	if (given->kind != GIVEN_NUMBER || n < 0 || (uint64_t)n < arg->min ||
	    (uint64_t)n > arg->max) {
		return argument_refuse(error, COMMAND_BAD_ARGUMENT, arg->name,
				       "%s must be a whole number from %" PRIu64 " to %" PRIu64,
				       arg->name, arg->min, arg->max);
	}
	value->number = (uint64_t)n;
	return 0;
}

static int check_bool(const struct command_arg *arg, const struct given *given,
		      struct command_value *value, struct command_error *error)
{
	if (given->kind != GIVEN_TRUE && given->kind != GIVEN_FALSE) {
		return argument_refuse(error, COMMAND_BAD_ARGUMENT, arg->name,
				       "%s must be true or false", arg->name);
	}
	value->number = given->kind == GIVEN_TRUE;
	return 0;
}

static void arg_names_write(struct writer *w, const struct command_arg *arg)
{
	for (size_t i = 0; arg->names[i]; i++)
		writer_fmt(w, "%s%s", i ? ", " : "", arg->names[i]);
}

static int refuse_names(const struct command_arg *arg, const char *what,
			struct command_error *error)
{
	char list[160];
	struct writer w = writer_over(list, sizeof(list));

	arg_names_write(&w, arg);
	return argument_refuse(error, COMMAND_BAD_ARGUMENT, arg->name, "%s must be %s: " BYTES_FMT,
			       arg->name, what, BYTES_ARG(writer_done(&w)));
}

static size_t arg_word_index(const char *const *names, struct bytes word)
{
	size_t i = 0;

	while (names[i] && !bytes_is(word, names[i]))
		i++;
	return i;
}

/* Index of the word, or the number of words.
 * If these are on and off, true and false are accepted, too. */
static size_t name_index(const char *const *names, const struct given *given)
{
	struct bytes word = given->kind == GIVEN_TEXT ? given->text : (struct bytes){ 0 };
	size_t i = arg_word_index(names, word);

	if (!names[i] && (given->kind == GIVEN_TRUE || bytes_is(word, "true")))
		i = arg_word_index(names, BYTES_LIT("on"));
	else if (!names[i] && (given->kind == GIVEN_FALSE || bytes_is(word, "false")))
		i = arg_word_index(names, BYTES_LIT("off"));
	return i;
}

static int check_enum(const struct command_arg *arg, const struct given *given,
		      struct command_value *value, struct command_error *error)
{
	value->number = name_index(arg->names, given);
	for (size_t i = 0; arg->also && arg->also[i] && !arg->names[value->number]; i += 2) {
		if (given->kind == GIVEN_TEXT && bytes_is(given->text, arg->also[i]))
			value->number = arg_word_index(arg->names, bytes_str(arg->also[i + 1]));
	}
	return arg->names[value->number] ? 0 : refuse_names(arg, "one of", error);
}

static int check_list(const struct command_arg *arg, const struct given *given,
		      struct command_value *value, struct command_error *error)
{
	struct given list = *given;
	size_t count = list.count;

	if (list.kind != GIVEN_LIST || count < arg->min || count > arg->max) {
		return argument_refuse(error, COMMAND_BAD_ARGUMENT, arg->name,
				       "%s must be a list of %" PRIu64 " to %" PRIu64 " words",
				       arg->name, arg->min, arg->max);
	}
	assert(arg->max <= COMMAND_LIST_MAX);
	for (size_t i = 0; i < count; i++) {
		struct given word = given_next(&list, i);
		size_t at = name_index(arg->names, &word);

		if (!arg->names[at] || memchr(value->list, (int)at, i))
			return refuse_names(arg, "different words of", error);
		value->list[i] = (uint8_t)at;
	}
	value->number = count;
	return 0;
}

static int check_tree(const struct command_arg *arg, const struct given *given,
		      struct command_value *value, struct command_error *error)
{
	value->json = given->list;
	if (value->json)
		return 0;
	return argument_refuse(error, COMMAND_BAD_ARGUMENT, arg->name,
			       "%s must be a JSON object or a list", arg->name);
}

int command_arg_check(const struct command_arg *arg, struct given given,
		      struct command_value *value, struct command_error *error)
{
	value->given = true;
	switch (arg->type) {
	case ARG_STRING:
	case ARG_SECRET:
		return check_string(arg, &given, value, error);
	case ARG_U64:
		return check_u64(arg, &given, value, error);
	case ARG_BOOL:
		return check_bool(arg, &given, value, error);
	case ARG_ENUM:
		return check_enum(arg, &given, value, error);
	case ARG_LIST:
		return check_list(arg, &given, value, error);
	case ARG_JSON:
		return check_tree(arg, &given, value, error);
	}
	return -EINVAL;
}

static int check_names(const struct command *command, json_t *args, struct command_error *error)
{
	const char *name;
	json_t *json;
	char list[1440];
	struct writer w = writer_over(list, sizeof(list));

	for (const struct command_arg *arg = command->args; arg->name; arg++)
		writer_fmt(&w, "%s%s", arg == command->args ? "" : ", ", arg->name);
	if (!w.n)
		writer_str(&w, "no argument");
	json_object_foreach((json_t *)(uintptr_t)args, name,
			    json) if (!command_arg_find(command, bytes_str(name)) &&
				      !list_takes(command, bytes_str(name)) &&
				      !command_context_arg(command, bytes_str(name)))
	{
		return argument_refuse(error, COMMAND_UNKNOWN_ARGUMENT, NULL,
				       "%s takes " BYTES_FMT " and nothing else", command->name,
				       BYTES_ARG(writer_done(&w)));
	}
	return 0;
}

/* A number, or '*'. 0, or -EINVAL and *error. */
static int if_version_check(json_t *given, struct command_error *error)
{
	struct command_value value = { 0 };
	uint64_t version;

	if (!given || json_is_integer(given))
		return 0;
	if (command_arg_check(&g_command_if_version, given_json(given), &value, error))
		return -EINVAL;
	return bytes_is(value.text, "*") || !bytes_u64(value.text, &version)
		       ? 0
		       : argument_refuse(error, COMMAND_BAD_ARGUMENT, g_command_if_version.name,
					 "if_version must be a number or *");
}

/* A command with state=on and state=off also takes on=true, on=false. 0, or -EINVAL and *error. */
static int state_of_on(const struct command *command, json_t *args, struct command_error *error)
{
	const struct command_arg *state = command_arg_find(command, BYTES_LIT("state"));
	const json_t *on = json_object_get(args, "on");
	char list[160];
	struct writer w = writer_over(list, sizeof(list));

	if (!on || !state || state->type != ARG_ENUM || json_object_get(args, "state") ||
	    command_arg_find(command, BYTES_LIT("on")))
		return 0;
	if (!json_is_boolean(on)) {
		arg_names_write(&w, state);
		return argument_refuse(error, COMMAND_BAD_ARGUMENT, "on",
				       "on must be true or false: what else there is, say by "
				       "state, which is one of: " BYTES_FMT,
				       BYTES_ARG(writer_done(&w)));
	}
	(void)json_object_set_new(args, "state", json_string(json_is_true(on) ? "on" : "off"));
	(void)json_object_del(args, "on");
	return 0;
}

/* A preset of digits, or one of the argument's words, is its value; others are for the help. */
static void preset_read(const struct command_arg *arg, struct command_value *value)
{
	struct bytes preset = bytes_str(arg->preset ? arg->preset : "");
	size_t i;

	if (arg->type == ARG_U64)
		(void)bytes_u64(preset, &value->number);
	if (arg->type == ARG_BOOL)
		value->number = bytes_is(preset, "true");
	if (arg->type != ARG_ENUM)
		return;
	i = arg_word_index(arg->names, preset);
	value->number = arg->names[i] ? i : 0;
}

int command_check(const struct command *command, json_t *args,
		  struct command_value values[COMMAND_ARGS_MAX], struct command_error *error)
{
	struct command_list list;
	size_t i = 0;
	int err;

	memset(values, 0, sizeof(*values) * COMMAND_ARGS_MAX);
	if (args && !json_is_object(args))
		return argument_refuse(error, COMMAND_BAD_REQUEST, NULL,
				       "args must be a JSON object");
	err = state_of_on(command, args, error);
	if (!err)
		err = check_names(command, args, error);
	if (!err && command_changes_document(command))
		err = if_version_check(json_object_get(args, g_command_if_version.name), error);
	if (!err && command_context_arg(command, bytes_str(g_command_force.name)) &&
	    json_object_get(args, g_command_force.name))
		err = command_arg_check(&g_command_force,
					given_json(json_object_get(args, g_command_force.name)),
					&(struct command_value){ 0 }, error);
	if (!err && list_is(command)) {
		err = list_open(&list, command, args, error);
		list_close(&list);
	}
	for (const struct command_arg *arg = command->args; !err && arg->name; arg++, i++) {
		const json_t *json = json_object_get(args, arg->name);

		assert(i < COMMAND_ARGS_MAX);
		if (json) {
			err = command_arg_check(arg, given_json(json), &values[i], error);
		} else if (arg->required) {
			err = argument_refuse(error, COMMAND_MISSING_ARGUMENT, arg->name,
					      "%s is required: %s", arg->name, arg->help);
		} else {
			preset_read(arg, &values[i]);
		}
	}
	return err;
}
