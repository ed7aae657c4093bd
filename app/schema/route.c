/* SPDX-License-Identifier: Apache-2.0 */
#include "app/schema/route.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/schema/list.h"

enum { ROUTES_MAX = 320 };

const char *const g_route_methods[ROUTE_METHODS] = { "GET", "POST", "PATCH", "DELETE" };

static struct route g_routes[ROUTES_MAX];
static size_t g_route_count;

/* ---- names ---- */

static struct bytes verb_of(const struct command *c)
{
	const char *dot = strrchr(c->name, '.');

	return bytes_str(dot ? dot + 1 : c->name);
}

static const char *first_required(const struct command *c)
{
	for (const struct command_arg *a = c ? c->args : NULL; a && a->name; a++) {
		if (a->required)
			return a->name;
	}
	return NULL;
}

/* What one of them is called by. */
static const char *noun_key(struct bytes noun)
{
	static const char *const verbs[] = { "get", "show", "delete" };

	for (size_t i = 0; i < COUNT_OF(verbs); i++) {
		const char *key = first_required(command_of_noun(noun, verbs[i]));

		if (key)
			return key;
	}
	return NULL;
}

/* profile.range: profile-ranges. */
static void noun_write(struct writer *w, struct bytes noun, bool many)
{
	bool is_y = noun.p[noun.n - 1] == 'y';
	size_t n = many && is_y ? noun.n - 1 : noun.n;

	for (size_t i = 0; i < n; i++)
		writer_u8(w, noun.p[i] == '.' ? '-' : noun.p[i]);
	if (many)
		writer_str(w, is_y ? "ies" : noun.p[noun.n - 1] == 's' ? "" : "s");
}

static enum route_method command_method(const struct command *c)
{
	struct bytes verb = verb_of(c);

	if (bytes_is(verb, "put"))
		return ROUTE_PATCH;
	if (bytes_is(verb, "delete"))
		return ROUTE_DELETE;
	if ((c->role == COMMAND_FOR_READER && !c->anyone) ||
	    bytes_list_has(
		    BYTES_LIT("callback,check,export,flow,get,help,link,list,page,read,recent,show,"
			      "status,trace,try,why"),
		    verb))
		return ROUTE_GET;
	return ROUTE_POST;
}

static void route_fill(struct route *r, const struct command *c)
{
	struct bytes noun = command_noun(c), verb = verb_of(c);
	const char *key = noun_key(noun), *first = first_required(c);
	struct writer w = writer_over(r->path, sizeof(r->path) - 1);
	bool makes = bytes_list_has(BYTES_LIT("originate,add,create"), verb);
	bool has_list = command_of_noun(noun, "list") != NULL &&
			!bytes_list_has(BYTES_LIT("audit,security"), noun);

	*r = (struct route){ .command = c, .method = command_method(c) };
	r->key = !makes && key && first && !strcmp(key, first) ? key : NULL;
	writer_str(&w, noun.n ? ROUTE_HEAD : "/v1");
	if (noun.n)
		noun_write(&w, noun, has_list);
	if (r->key)
		WRITER_TEXTS(&w, "/{", r->key, "}");
	if (!makes && !bytes_list_has(BYTES_LIT("get,show,put,delete,list"), verb))
		WRITER_TEXTS(&w, r->key || !has_list ? "/" : ":", (const char *)verb.p);
	assert(!w.overflow);
	r->path[w.n] = '\0';
}

void route_setup(void)
{
	g_route_count = 0;
	COMMAND_EACH (c) {
		assert(g_route_count < ROUTES_MAX);
		route_fill(&g_routes[g_route_count++], c);
	}
}

const struct route *route_of(const struct command *command)
{
	for (size_t i = 0; i < g_route_count; i++) {
		if (g_routes[i].command == command)
			return &g_routes[i];
	}
	return NULL;
}

/* ---- requests ---- */

static bool route_has(const struct route *r, struct bytes path, struct bytes *key)
{
	struct bytes form = bytes_str(r->path);
	const char *open = r->key ? strchr(r->path, '{') : NULL;
	size_t head = open ? (size_t)(open - r->path) : form.n;
	size_t tail = open ? form.n - head - strlen(r->key) - 2 : 0;

	*key = (struct bytes){ 0 };
	if (!open)
		return bytes_eq(path, form);
	if (path.n <= head + tail || memcmp(path.p, form.p, head) != 0 ||
	    memcmp(path.p + path.n - tail, form.p + form.n - tail, tail) != 0)
		return false;
	*key = bytes_sub(path, head, path.n - head - tail);
	return !memchr(key->p, '/', key->n);
}

const struct route *route_find(enum route_method method, struct bytes path, struct bytes *key,
			       char allow[ROUTE_ALLOW_MAX])
{
	struct writer w = writer_over(allow, ROUTE_ALLOW_MAX - 1);

	for (size_t i = 0; i < g_route_count; i++) {
		const struct route *r = &g_routes[i];

		if (!route_has(r, path, key))
			continue;
		if (r->method == method)
			return r;
		WRITER_TEXTS(&w, w.n ? ", " : "", g_route_methods[r->method]);
	}
	allow[w.n] = '\0';
	return NULL;
}

static const char *arg_add(const struct command_arg *arg, struct bytes text, json_t *args)
{
	json_t *value;

	if (json_object_get(args, arg->name))
		return "it is given twice";
	value = command_arg_json(arg, text, false);
	if (!value)
		return "it must be UTF-8, or JSON where the command wants that";
	return json_object_set_new(args, arg->name, value) ? "out of memory" : NULL;
}

static const struct command_arg *arg_of(const struct route *r, struct bytes name)
{
	if (bytes_is(name, g_command_tenant.name) &&
	    !command_arg_find(r->command, bytes_str(g_command_tenant.name)))
		return &g_command_tenant;
	if (bytes_is(name, g_command_if_version.name) && command_changes_document(r->command))
		return &g_command_if_version;
	return list_takes(r->command, name) ? list_arg_find(name)
					    : command_arg_find(r->command, name);
}

/* A column that a list is narrowed by. */
static const char *column_add(struct bytes name, struct bytes text, json_t *args)
{
	struct command_arg column = { .type = ARG_STRING };
	char plain[LIST_NAME_MAX];

	if (bytes_cstr(name, plain, sizeof(plain)))
		return "its name is too long";
	column.name = plain;
	return arg_add(&column, text, args);
}

const char *route_args(const struct route *r, struct bytes key, struct bytes query, json_t *args,
		       struct bytes *argument)
{
	const struct command_arg *arg;
	const char *wrong = NULL;
	struct bytes one;

	*argument = bytes_str(r->key ? r->key : "");
	if (r->key)
		wrong = arg_add(command_arg_find(r->command, bytes_str(r->key)), key, args);
	while (!wrong && bytes_cut(&query, '\n', &one)) {
		(void)bytes_cut(&one, '=', argument);
		arg = arg_of(r, *argument);
		if (arg)
			wrong = arg_add(arg, one, args);
		else if (list_takes(r->command, *argument))
			wrong = column_add(*argument, one, args);
		else if (!r->command->open)
			wrong = "there is no such argument";
	}
	return wrong;
}
