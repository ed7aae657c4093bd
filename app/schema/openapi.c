/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generates /v1/openapi.json for door.c and the clients: schemas of arguments and documents,
 * operations, problems, events and webhooks. Results that are described in words are parsed from
 * their text ("id, state (setup, ringing), from"), so that the table of commands stays the only
 * source. It must describe what the door accepts, no more.
 */

#include "app/schema/openapi.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "app/schema/feature.h"
#include "app/schema/fields.h"
#include "app/schema/list.h"
#include "app/schema/route.h"

enum { TEXT_MAX = 4096, NAME_MAX_ = 64 };

/* ---- names ---- */

static bool ends_with(struct bytes text, const char *end)
{
	size_t n = strlen(end);

	return text.n >= n && bytes_is(bytes_from(text, text.n - n), end);
}

/* profile.range: ProfileRange. */
static void schema_name(char out[NAME_MAX_], struct bytes noun)
{
	struct writer w = writer_over(out, NAME_MAX_ - 1);
	bool big = true;

	for (size_t i = 0; i < noun.n; i++) {
		bool is_letter = noun.p[i] != '.';

		if (is_letter)
			writer_u8(&w, (uint8_t)(big ? toupper(noun.p[i]) : noun.p[i]));
		big = !is_letter;
	}
	out[w.n] = '\0';
}

static json_t *openapi_ref(const char *kind, const char *name)
{
	return json_pack("{s:s+++}", "$ref", "#/components/", kind, "/", name);
}

static json_t *openapi_media(const char *type, json_t *schema)
{
	return json_pack("{s:{s:o}}", type, "schema", schema);
}

/* ---- arguments and documents ---- */

static const char *charset_pattern(enum command_charset charset)
{
	switch (charset) {
	case CHARSET_TEXT:
		return "^[^\\u0000-\\u001f\\u007f]*$";
	case CHARSET_NUMBER:
		return "^[0-9A-Za-z._+*#-]*$";
	case CHARSET_NUMBERS:
		return "^[0-9A-Za-z._+*#,-]*$";
	case CHARSET_NAME:
		return "^[0-9A-Za-z._-]*$";
	case CHARSET_ID:
		return "^[0-9a-v]*$";
	case CHARSET_DIGITS:
		return "^[0-9A-D*#]*$";
	case CHARSET_IP:
		return "^[0-9A-Fa-f.:]*$";
	case CHARSET_PATTERN:
		return "^[0-9xX*#+.|\\[\\]-]*$";
	case CHARSET_RANGES:
		return "^[0-9A-Za-z._=,-]*$";
	case CHARSET_PLACES:
		return "^[0-9A-Za-z._:/,\\[\\]-]*$";
	case CHARSET_PIN:
		return "^([0-9]{4,16}|off)$";
	case CHARSET_DIALLED: /* a link has more */
		break;
	}
	return NULL;
}

static json_t *openapi_words(const char *const *names)
{
	json_t *list = json_array();

	for (size_t i = 0; names && names[i]; i++)
		(void)json_array_append_new(list, json_string(names[i]));
	return json_pack("{s:s, s:o}", "type", "string", "enum", list);
}

/* Limits of a text argument; a document's member has only its type. */
static json_t *openapi_text(const struct command_arg *arg, bool given)
{
	const char *pattern = given ? charset_pattern(arg->charset) : NULL;
	json_t *schema = json_pack("{s:s, s:s*}", "type", "string", "pattern", pattern);

	/* counted in octets, of which a character has one to four */
	if (given && arg->charset != CHARSET_DIALLED)
		(void)json_object_set_new(schema, "maxLength", json_integer((json_int_t)arg->max));
	if (given && arg->min)
		(void)json_object_set_new(
			schema, "minLength",
			json_integer(arg->charset == CHARSET_TEXT ? 1 : (json_int_t)arg->min));
	if (arg->type == ARG_SECRET)
		(void)json_object_set_new(schema, "format", json_string("password"));
	return schema;
}

static json_t *openapi_type(const struct command_arg *arg, bool given)
{
	switch (arg->type) {
	case ARG_STRING:
	case ARG_SECRET:
		return openapi_text(arg, given);
	case ARG_U64:
		return json_pack("{s:s, s:I, s:I}", "type", "integer", "minimum",
				 given ? (json_int_t)arg->min : 0, "maximum",
				 (json_int_t)(arg->max < INT64_MAX ? arg->max : INT64_MAX));
	case ARG_BOOL:
		return json_pack("{s:s}", "type", "boolean");
	case ARG_ENUM:
		return openapi_words(arg->names);
	case ARG_LIST:
		return json_pack("{s:s, s:o, s:b, s:I, s:I}", "type", "array", "items",
				 given ? openapi_words(arg->names)
				       : json_pack("{s:s}", "type", "string"),
				 "uniqueItems", 1, "minItems", (json_int_t)arg->min, "maxItems",
				 (json_int_t)arg->max);
	case ARG_JSON:
		return json_pack("{s:[s,s]}", "type", "object", "array");
	}
	return json_object();
}

/* A preset that is a value becomes the default; others are words for the description. */
static void preset_add(json_t *schema, const struct command_arg *arg)
{
	struct bytes preset = bytes_str(arg->preset ? arg->preset : "");
	json_t *value = NULL;
	uint64_t number;

	if (arg->type == ARG_U64 && !bytes_u64(preset, &number))
		value = json_integer((json_int_t)number);
	else if (arg->type == ARG_BOOL && (bytes_is(preset, "true") || bytes_is(preset, "false")))
		value = json_boolean(bytes_is(preset, "true"));
	for (size_t i = 0; arg->type == ARG_ENUM && arg->names[i]; i++) {
		if (bytes_is(preset, arg->names[i]))
			value = json_string(arg->names[i]);
	}
	if (value)
		(void)json_object_set_new(schema, "default", value);
}

static json_t *openapi_arg_help(const struct command_arg *arg)
{
	if (!arg->preset)
		return json_string(arg->help);
	return json_sprintf("%s Without it: %s.", arg->help, arg->preset);
}

static json_t *openapi_argument(const struct command_arg *arg)
{
	json_t *schema = openapi_type(arg, true);

	(void)json_object_set_new(schema, "description", openapi_arg_help(arg));
	preset_add(schema, arg);
	return schema;
}

/* ---- results: fields of documents, else words such as "id, state (setup, ringing), from" ---- */

static const struct command_arg *shown_field(const struct command *c, struct bytes name)
{
	for (const struct command_arg *arg = c->shows; arg && arg->name; arg++) {
		if (arg->field.kind && bytes_is(name, arg->name))
			return arg;
	}
	return NULL;
}

static bool record_has(struct bytes name)
{
	static const struct cdr none;
	struct fields fields;

	fields_of_cdr(&fields, &none);
	for (size_t i = 0; i < fields.count; i++) {
		if (bytes_is(name, fields.list[i].name))
			return true;
	}
	return bytes_is(name, "id") || bytes_is(name, "state") || bytes_is(name, "tenant");
}

/* An unknown name has no description. */
static json_t *openapi_member(const struct command *c, struct bytes name)
{
	const struct command_arg *field = shown_field(c, name), *arg = command_arg_find(c, name);

	if (field)
		return openapi_type(field, false);
	if (bytes_is(name, "id") || (arg && arg->required && arg->type == ARG_STRING))
		return json_pack("{s:s}", "type", "string");
	if (bytes_is(name, "number")) /* of an extension, of a recording among those of a call */
		return json_pack("{s:[s,s,s]}", "type", "string", "integer", "null");
	if (bytes_is(name, "order"))
		return json_pack("{s:s}", "type", "integer");
	if (ends_with(name, "_ms") || fields_cdr_is_number(name))
		return json_pack("{s:[s,s]}", "type", "integer", "null");
	if (record_has(name) || (arg && arg->type == ARG_STRING))
		return json_pack("{s:[s,s]}", "type", "string", "null");
	return json_object();
}

/* Up to the ',' or ';' outside of brackets; text behind a ':' belongs to it. False: no more. */
static bool item_cut(struct bytes *rest, struct bytes *item)
{
	size_t n = 0;
	int depth = 0;

	if (!rest->n)
		return false;
	for (; n < rest->n && (depth || !strchr(",;:", rest->p[n])); n++)
		depth += rest->p[n] == '(' ? 1 : rest->p[n] == ')' ? -1 : 0;
	*item = bytes_trim(bytes_sub(*rest, 0, n));
	*rest = n < rest->n && rest->p[n] != ':' ? bytes_from(*rest, n + 1) : (struct bytes){ 0 };
	return true;
}

static json_t *openapi_items(json_t *items)
{
	return json_pack("{s:s, s:o}", "type", "array", "items", items);
}

/* NAME, or NAME (words); a list says so first. */
static void item_add(const struct command *c, json_t *members, struct bytes item)
{
	size_t n = 0, open = bytes_find(item, '(');
	struct bytes words = bytes_from(item, open < item.n ? open + 1 : item.n);
	json_t *schema;

	while (n < item.n && (islower(item.p[n]) || isdigit(item.p[n]) || item.p[n] == '_'))
		n++;
	if (!n || (n < item.n && (item.p[n] != ' ' || open != n + 1)))
		return;
	schema = bytes_starts(words, "a list") ? openapi_items(json_object())
					       : openapi_member(c, bytes_sub(item, 0, n));
	if (words.n && words.p[words.n - 1] == ')')
		(void)json_object_set_new(schema, "description",
					  json_stringn((const char *)words.p, words.n - 1));
	(void)json_object_setn_new(members, (const char *)item.p, n, schema);
}

static json_t *openapi_object(const struct command *c, struct bytes words)
{
	json_t *members = json_object();
	struct bytes item;

	for (const struct command_arg *arg = c->shows; arg && arg->name; arg++) {
		json_t *schema = arg->field.kind ? openapi_type(arg, false) : NULL;

		if (!schema)
			continue;
		(void)json_object_set_new(schema, "description", json_string(arg->help));
		(void)json_object_set_new(members, arg->name, schema);
	}
	while (item_cut(&words, &item))
		item_add(c, members, item);
	return json_pack("{s:s, s:o}", "type", "object", "properties", members);
}

/* The command that shows one of a noun, with its fields. */
static const struct command *noun_shown(struct bytes noun)
{
	COMMAND_EACH (c) {
		if (c->shows && bytes_eq(command_noun(c), noun) &&
		    !bytes_starts(bytes_str(c->result), "a list"))
			return c;
	}
	return NULL;
}

static json_t *openapi_noun(const struct command *c)
{
	char name[NAME_MAX_];

	if (!noun_shown(command_noun(c)))
		return json_pack("{s:s}", "type", "object");
	schema_name(name, command_noun(c));
	return openapi_ref("schemas", name);
}

static json_t *openapi_result(const struct command *c)
{
	struct bytes words = bytes_str(c->result);
	bool is_list = bytes_starts(words, "a list");

	if (ends_with(words, "as a text"))
		return json_pack("{s:s}", "type", "string");
	if (c == noun_shown(command_noun(c)))
		return openapi_noun(c);
	if (bytes_starts(words, "a list of "))
		return openapi_items(openapi_noun(c));
	if (bytes_starts(words, "the "))
		return openapi_noun(c);
	if (bytes_starts(words, "as "))
		return json_pack("{s:s}", "type", "object");
	if (is_list)
		words = bytes_from(words, bytes_find(words, ':') + 1);
	return is_list ? openapi_items(openapi_object(c, words)) : openapi_object(c, words);
}

/* ---- a command ---- */

static json_t *openapi_parameter(const struct command_arg *arg, const char *in)
{
	json_t *p = json_pack("{s:s, s:s, s:b, s:o}", "name", arg->name, "in", in, "required",
			      arg->required || !strcmp(in, "path"), "description",
			      openapi_arg_help(arg));
	json_t *schema = openapi_type(arg, true);

	preset_add(schema, arg);
	if (arg->type == ARG_JSON) {
		(void)json_object_set_new(p, "content", openapi_media("application/json", schema));
		return p;
	}
	(void)json_object_set_new(p, "schema", schema);
	if (arg->type == ARG_LIST)
		(void)json_object_set_new(p, "explode", json_false());
	return p;
}

static bool route_has_body(const struct route *r)
{
	return r->method == ROUTE_POST || r->method == ROUTE_PATCH;
}

static void list_parameters_add(json_t *list, const struct command *c)
{
	for (const struct command_arg *arg = g_list_args; arg->name; arg++) {
		if (!command_arg_find(c, bytes_str(arg->name)))
			(void)json_array_append_new(list, openapi_parameter(arg, "query"));
	}
	(void)json_array_append_new(list, openapi_ref("parameters", "column"));
}

static json_t *openapi_parameters(const struct route *r)
{
	json_t *list = json_array();

	for (const struct command_arg *arg = r->command->args; arg->name; arg++) {
		bool is_key = route_has_key(r, arg->name);

		if (is_key || !route_has_body(r))
			(void)json_array_append_new(list, openapi_parameter(arg, is_key ? "path"
											: "query"));
	}
	if (list_is(r->command))
		list_parameters_add(list, r->command);
	if (!command_arg_find(r->command, bytes_str(g_command_tenant.name)))
		(void)json_array_append_new(list, openapi_ref("parameters", "tenant"));
	if (r->method != ROUTE_GET)
		(void)json_array_append_new(list, openapi_ref("parameters", "Idempotency-Key"));
	return list;
}

/* NULL: all arguments are in the path. */
static json_t *openapi_body(const struct route *r)
{
	json_t *members = json_object(), *required = json_array();
	bool is_required;
	json_t *schema, *content;

	for (const struct command_arg *arg = r->command->args; arg->name; arg++) {
		if (route_has_key(r, arg->name))
			continue;
		(void)json_object_set_new(members, arg->name, openapi_argument(arg));
		if (arg->required)
			(void)json_array_append_new(required, json_string(arg->name));
	}
	if (!json_object_size(members)) {
		json_decref(members);
		json_decref(required);
		return NULL;
	}
	is_required = json_array_size(required) > 0;
	schema = json_pack("{s:s, s:o, s:b}", "type", "object", "properties", members,
			   "additionalProperties", 0);
	if (is_required)
		(void)json_object_set(schema, "required", required);
	json_decref(required);
	content = openapi_media("application/json", schema);
	if (command_file(r->command))
		json_object_update_new(
			content, openapi_media("audio/*", json_pack("{s:s, s:s}", "type", "string",
								    "format", "binary")));
	return json_pack("{s:b, s:o}", "required", is_required, "content", content);
}

/* Errors of a request before a command is asked. */
static const struct {
	unsigned status;
	const char *words;
	bool of_body;
} g_early[] = {
	{ 401, "No token, or an invalid one.", false },
	{ 405, "The path has other methods: Allow names them.", false },
	{ 411, "A body needs Content-Length.", true },
	{ 413, "The body is too long.", true },
	{ 422, "The Idempotency-Key was sent with other arguments.", true },
	{ 431, "The path, the query or a header is too long.", false },
};

static void response_ref(json_t *responses, unsigned status)
{
	char name[8];

	(void)snprintf(name, sizeof(name), "%u", status);
	(void)json_object_set_new(responses, name, openapi_ref("responses", name));
}

static json_t *openapi_responses(json_t *result, const char *words, bool has_body)
{
	json_t *all = json_pack("{s:{s:s, s:o}}", "200", "description", words, "content",
				openapi_media("application/json", result));

	for (size_t i = 0; i < COUNT_OF(g_early); i++) {
		if (has_body || !g_early[i].of_body)
			response_ref(all, g_early[i].status);
	}
	for (int code = 0; code < COMMAND_ERROR_CODES; code++)
		response_ref(all, command_error_status((enum command_error_code)code));
	return all;
}

static json_t *openapi_sentence(const char *help)
{
	const char *end = strstr(help, ". ");

	return json_stringn(help, end ? (size_t)(end - help) : strlen(help) - 1);
}

static json_t *openapi_tag(const struct command *c)
{
	struct bytes rest = bytes_str(c->name), word;

	(void)bytes_cut(&rest, '.', &word);
	return json_stringn((const char *)word.p, word.n);
}

static json_t *openapi_operation(const struct route *r)
{
	const struct command *c = r->command;
	char words[TEXT_MAX];
	struct writer w = writer_over(words, sizeof(words) - 1);
	json_t *operation;

	command_write_result(&w, c);
	words[w.n] = '\0';
	operation =
		json_pack("{s:s, s:[o], s:o, s:o, s:o, s:o, s:s}", "operationId", c->name, "tags",
			  openapi_tag(c), "summary", openapi_sentence(c->help), "description",
			  json_sprintf("%s For: %s.", c->help, command_role_name(c->role)),
			  "parameters", openapi_parameters(r), "responses",
			  openapi_responses(openapi_result(c), words, route_has_body(r)), "x-role",
			  command_role_name(c->role));
	if (route_has_body(r)) {
		json_t *body = openapi_body(r);

		if (body)
			(void)json_object_set_new(operation, "requestBody", body);
	}
	return operation;
}

static json_t *paths_at(json_t *paths, const char *path)
{
	if (!json_object_get(paths, path))
		(void)json_object_set_new(paths, path, json_object());
	return json_object_get(paths, path);
}

static void method_set(json_t *paths, const struct route *r)
{
	char method[8] = "";

	for (size_t i = 0; g_route_methods[r->method][i]; i++)
		method[i] = (char)tolower(g_route_methods[r->method][i]);
	(void)json_object_set_new(paths_at(paths, r->path), method, openapi_operation(r));
}

/* ---- the whole ---- */

static json_t *openapi_tags(void)
{
	json_t *list = json_array(), *last = NULL, *tag;

	COMMAND_EACH (c) {
		size_t i;
		json_t *one;

		last = openapi_tag(c);
		json_array_foreach(list, i,
				   one) if (json_equal(json_object_get(one, "name"), last)) break;
		if (i < json_array_size(list)) {
			json_decref(last);
			continue;
		}
		tag = json_pack("{s:o, s:o}", "description",
				json_sprintf("%s and all that is done with it.",
					     json_string_value(last)),
				"name", last);
		(void)json_array_append_new(list, tag);
	}
	return list;
}

static void problem_add(json_t *responses, unsigned status, const char *text)
{
	char name[8];

	(void)snprintf(name, sizeof(name), "%u", status);
	(void)json_object_set_new(responses, name,
				  json_pack("{s:s, s:o}", "description", text, "content",
					    openapi_media("application/problem+json",
							  openapi_ref("schemas", "Problem"))));
}

/* The meaning of each code with that status. */
static void problem_of_codes(json_t *responses, unsigned status)
{
	char words[TEXT_MAX];
	struct writer w = writer_over(words, sizeof(words) - 1);

	for (int code = 0; code < COMMAND_ERROR_CODES; code++) {
		enum command_error_code c = (enum command_error_code)code;

		if (command_error_status(c) == status)
			writer_fmt(&w, "%s`%s`: %s", w.n ? " " : "", command_error_name(c),
				   command_error_help(c));
	}
	words[w.n] = '\0';
	problem_add(responses, status, words);
}

static json_t *openapi_problem(void)
{
	json_t *codes = json_array();

	for (int code = 0; code < COMMAND_ERROR_CODES; code++)
		(void)json_array_append_new(
			codes, json_string(command_error_name((enum command_error_code)code)));
	return json_pack(
		"{s:s, s:s, s:[s,s,s], s:{s:{s:s}, s:{s:s}, s:{s:s}, s:{s:s, s:o}, s:{s:s, s:s}, "
		"s:{s:s, s:s}, s:{s:s, s:{s:s}, s:s}, s:{s:s, s:{s:s}, s:s}}}",
		"type", "object", "description", "RFC 9457. Codes do not change; words may.",
		"required", "type", "title", "status", "properties", "type", "type", "string",
		"title", "type", "string", "status", "type", "integer", "code", "type", "string",
		"enum", codes, "argument", "type", "string", "description",
		"The argument that is wrong.", "detail", "type", "string", "description",
		"What is wrong, and what to do.", "errors", "type", "array", "items", "type",
		"object", "description",
		"Of a set: all errors, by document, field, message, and at.", "findings", "type",
		"array", "items", "type", "object", "description",
		"Of a flow: all errors, by path.");
}

static json_t *openapi_event(enum sig_event_kind kind)
{
	json_t *members = json_pack("{s:{s:s}}", "type", "const", event_rows[kind].name);
	uint16_t fields[EVENT_FIELDS_MAX];
	size_t n = event_row_fields(kind, fields);

	for (size_t i = 0; i < n; i++) {
		const struct event_field_row *field = event_field_of(fields[i]);
		bool is_number = field->type == EVENT_VERSION || field->type == EVENT_NUMBER ||
				 field->type == EVENT_FLAG;

		if (event_field_is_listed(fields[i]))
			(void)json_object_set_new(members, field->name,
						  json_pack("{s:s}", "type",
							    is_number ? "integer" : "string"));
	}
	return json_pack("{s:s, s:s, s:[s], s:o}", "type", "object", "description",
			 event_rows[kind].help, "required", "type", "properties", members);
}

/* The body of a webhook: docs/guides/webhooks.md. */
static json_t *openapi_posted(const char *name)
{
	return json_pack(
		"{s:s, s:[s,s,s,s], s:{s:{s:s}, s:{s:s, s:s}, s:{s:s, s:s}, s:{s:s}, s:o}}", "type",
		"object", "required", "type", "timestamp", "id", "data", "properties", "type",
		"const", name, "timestamp", "type", "string", "format", "date-time", "id", "type",
		"string", "description", "Id of the event, as webhook-id: an event may come twice.",
		"tenant", "type", "string", "data", openapi_ref("schemas", name));
}

static void events_add(json_t *schemas, json_t *webhooks)
{
	for (int i = 0; i < SIG_EVENT_KINDS; i++) {
		enum sig_event_kind kind = (enum sig_event_kind)i;
		const char *name = event_rows[kind].name;

		(void)json_object_set_new(schemas, name, openapi_event(kind));
		(void)json_object_set_new(
			webhooks, name,
			json_pack("{s:{s:s+, s:[], s:[s], s:o, s:{s:b, s:o}, s:{s:{s:s}, "
				  "s:{s:s}}}}",
				  "post", "operationId", "event.", name, "security", "tags",
				  "events", "summary", openapi_sentence(event_rows[kind].help),
				  "requestBody", "required", 1, "content",
				  openapi_media("application/json", openapi_posted(name)),
				  "responses", "2XX", "description", "Taken.", "410", "description",
				  "Never again: the webhook is switched off."));
	}
}

/* A filter by column: any name of a row's members. */
static json_t *openapi_column(void)
{
	return json_pack(
		"{s:s, s:s, s:s, s:b, s:s, s:{s:s, s:{s:s}}}", "name", "column", "in", "query",
		"style", "form", "explode", 1, "description",
		"A column of the rows and its value, such as state=established: only rows with it.",
		"schema", "type", "object", "additionalProperties", "type", "string");
}

static json_t *openapi_components(json_t *schemas)
{
	json_t *responses = json_object(), *key;

	for (size_t i = 0; i < COUNT_OF(g_early); i++)
		problem_add(responses, g_early[i].status, g_early[i].words);
	for (int code = 0; code < COMMAND_ERROR_CODES; code++)
		problem_of_codes(responses, command_error_status((enum command_error_code)code));
	COMMAND_EACH (c) {
		char name[NAME_MAX_];

		if (noun_shown(command_noun(c)) != c)
			continue;
		schema_name(name, command_noun(c));
		(void)json_object_set_new(schemas, name, openapi_object(c, bytes_str(c->result)));
	}
	(void)json_object_set_new(schemas, "Problem", openapi_problem());
	key = json_pack("{s:s, s:s, s:s, s:{s:s, s:i, s:s}}", "name", "Idempotency-Key", "in",
			"header", "description",
			"Names the command: the same key has the same answer for ten minutes, and "
			"nothing is done twice.",
			"schema", "type", "string", "maxLength", 64, "pattern",
			"^[0-9A-Za-z._-]+$");
	return json_pack("{s:o, s:o, s:{s:o, s:o, s:o}, s:{s:{s:s, s:s, s:s}}}", "schemas", schemas,
			 "responses", responses, "parameters", "tenant",
			 openapi_parameter(&g_command_tenant, "query"), "Idempotency-Key", key,
			 "column", openapi_column(), "securitySchemes", "token", "type", "http",
			 "scheme", "bearer", "description", "What token.create has shown.");
}

static json_t *openapi_own(void)
{
	return json_pack("{s:{s:s, s:s, s:[], s:[s], s:{s:{s:s, s:o}, s:o}}}", "get", "operationId",
			 "openapi", "summary", "This document.", "security", "tags", "help",
			 "responses", "200", "description", "OpenAPI 3.1", "content",
			 openapi_media("application/json", json_pack("{s:s}", "type", "object")),
			 "404", openapi_ref("responses", "404"));
}

/* GET /v1/events, which is no command. */
static const struct command_arg g_stream_args[] = {
	{ .name = "type",
	  .type = ARG_STRING,
	  .help = "Types joined by ','; call.*: all that begin so." },
	{ .name = "call", .type = ARG_STRING, .help = "Ids of calls, joined by ','." },
	{ .name = "user", .type = ARG_STRING, .help = "Numbers of extensions, joined by ','." },
	{ .name = "watch",
	  .type = ARG_STRING,
	  .help = "The number of a user: the state of this user, and of user, or of all numbers "
		  "that this user watches." },
	{ .name = "application", .type = ARG_STRING, .help = "The stream of that application." },
	{ .name = "after",
	  .type = ARG_STRING,
	  .help = "The id of the last event that was received." },
	{ .name = "part",
	  .type = ARG_STRING,
	  .help = "2/3: the second part of three, of all calls; connections share them so." },
	{ .name = "access_token",
	  .type = ARG_STRING,
	  .help = "The token, where no Authorization can be sent." },
	{ .name = NULL },
};

static json_t *openapi_stream(void)
{
	static const unsigned refused[] = { 400, 401, 403, 429, 503 };
	json_t *parameters = json_array();
	json_t *responses =
		json_pack("{s:{s:s, s:o}}", "200", "description", "Server-Sent Events.", "content",
			  openapi_media("text/event-stream", json_pack("{s:s}", "type", "string")));

	for (const struct command_arg *arg = g_stream_args; arg->name; arg++)
		(void)json_array_append_new(parameters,
					    json_pack("{s:s, s:s, s:s, s:{s:s}}", "name", arg->name,
						      "in", "query", "description", arg->help,
						      "schema", "type", "string"));
	(void)json_array_append_new(parameters, openapi_ref("parameters", "tenant"));
	for (size_t i = 0; i < COUNT_OF(refused); i++)
		response_ref(responses, refused[i]);
	return json_pack("{s:{s:s, s:s, s:s, s:[s], s:o, s:o}}", "get", "operationId",
			 "events.listen", "summary", "Events as they come, or by WebSocket",
			 "description",
			 "Each message is a JSON object with id and type. A client that reconnects "
			 "gives the last id as after or as Last-Event-ID. For: reader.",
			 "tags", "events", "parameters", parameters, "responses", responses);
}

json_t *openapi_json(void)
{
	json_t *paths = json_object(), *schemas = json_object(), *webhooks = json_object();
	json_t *tags = openapi_tags();

	COMMAND_EACH (c)
		method_set(paths, route_of(c));
	(void)json_object_set_new(paths, OPENAPI_PATH, openapi_own());
	(void)json_object_set_new(paths, "/v1/events", openapi_stream());
	events_add(schemas, webhooks);
	(void)json_array_append_new(tags, json_pack("{s:s, s:s}", "name", "events", "description",
						    "Events that listeners and webhooks get."));
	return json_pack(
		"{s:s, s:{s:s, s:s, s:s, s:{s:s, s:s}}, s:[{s:s}], s:[{s:[]}], s:o, s:o, s:o, "
		"s:o}",
		"openapi", "3.1.0", "info", "title", "tandem", "version", TANDEM_VERSION,
		"description",
		"Every command of a node. Arguments stand in the path, in the query, and in the "
		"body. The same table is what tandemctl and the control API on Redis speak.",
		"license", "name", "Apache-2.0", "identifier", "Apache-2.0", "servers", "url", "/",
		"security", "token", "tags", tags, "paths", paths, "webhooks", webhooks,
		"components", openapi_components(schemas));
}
