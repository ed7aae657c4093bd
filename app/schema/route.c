/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Derives method and path of each command from its name, and matches requests to them. door.c
 * routes by it, openapi.c and the audit print paths from it. No command has a path of its own, so a
 * new row in the table is reachable by HTTP at once; route_setup makes the list once, and it is
 * constant afterwards.
 */

#include "app/schema/route.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/schema/feature.h"
#include "app/schema/list.h"

enum { ROUTES_MAX = 384 };

const char *const g_route_methods[ROUTE_METHODS] = { "GET", "POST", "PATCH", "DELETE" };

static struct route g_routes[ROUTES_MAX];
static size_t g_route_count;

/* ---- names ---- */

static struct bytes verb_of(const struct command *c)
{
	const char *dot = strrchr(c->name, '.');

	return bytes_str(dot ? dot + 1 : c->name);
}

/* The n-th required argument: 0 or 1. */
static const char *required_arg(const struct command *c, size_t n)
{
	for (const struct command_arg *a = c ? c->args : NULL; a && a->name; a++) {
		if (a->required && n-- == 0)
			return a->name;
	}
	return NULL;
}

/* The argument that is the noun's key, behind so many keys of outer nouns. */
static const char *noun_key(struct bytes noun, size_t below)
{
	static const char *const verbs[] = { "get", "show", "delete" };

	for (size_t i = 0; i < COUNT_OF(verbs); i++) {
		const char *key = required_arg(command_of_noun(noun, verbs[i]), below);

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
	if ((c->role == COMMAND_FOR_READER && !c->anyone && !bytes_is(verb, "redeem")) ||
	    bytes_list_has(BYTES_LIT("callback,check,diff,export,flow,get,help,history,link,list,"
				     "page,read,recent,show,"
				     "status,trace,try,why"),
			   verb))
		return ROUTE_GET;
	return ROUTE_POST;
}

/* Of call.leg: above is call, and noun becomes leg, if it is about a leg of a call. Else empty. */
static const char *noun_below(const struct command *c, struct bytes *noun, struct bytes *above)
{
	size_t n = noun->n;
	const char *key, *first = required_arg(c, 0);

	while (n > 0 && noun->p[n - 1] != '.')
		n--;
	*above = bytes_mem(noun->p, n ? n - 1 : 0);
	key = n ? noun_key(*above, 0) : NULL;
	if (!key || !first || strcmp(key, first) != 0)
		return NULL;
	*noun = bytes_from(*noun, n);
	return key;
}

static void route_key_write(struct route *r, struct writer *w, const char *key)
{
	r->keys[r->keys[0] != NULL] = key;
	WRITER_TEXTS(w, "/{", key, "}");
}

static void route_fill(struct route *r, const struct command *c)
{
	struct bytes noun = command_noun(c), verb = verb_of(c), own = noun, above;
	const char *over = noun_below(c, &own, &above), *key = noun_key(noun, over != NULL);
	const char *first = required_arg(c, over != NULL);
	struct writer w = writer_over(r->path, sizeof(r->path) - 1);
	bool makes = bytes_list_has(BYTES_LIT("originate,add,create"), verb);
	bool has_list = command_of_noun(noun, "list") != NULL &&
			!bytes_list_has(BYTES_LIT("audit,security"), noun);
	bool has_key = !makes && key && first && !strcmp(key, first);

	*r = (struct route){ .command = c, .method = command_method(c) };
	writer_str(&w, noun.n ? ROUTE_HEAD : "/v1");
	if (over) {
		noun_write(&w, above, true);
		route_key_write(r, &w, over);
		writer_u8(&w, '/');
	}
	if (noun.n)
		noun_write(&w, own, has_list);
	if (has_key)
		route_key_write(r, &w, key);
	if (!makes && !bytes_list_has(BYTES_LIT("get,show,put,delete,list"), verb))
		WRITER_TEXTS(&w, has_key || !has_list ? "/" : ":", (const char *)verb.p);
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

bool route_has_key(const struct route *r, const char *name)
{
	for (size_t i = 0; i < ROUTE_KEYS && r->keys[i]; i++) {
		if (!strcmp(r->keys[i], name))
			return true;
	}
	return false;
}

static bool key_has_slashes(const struct route *r, const char *key)
{
	const struct command_arg *arg = command_arg_find(r->command, bytes_str(key));

	return arg && arg->type == ARG_STRING && arg->charset == CHARSET_TEXT;
}

/* A key is the text up to the next '/';
 * a last key that may contain '/' is all up to the rest of the form. */
static bool route_has(const struct route *r, struct bytes path, struct bytes keys[ROUTE_KEYS])
{
	const char *form = r->path;
	size_t behind;

	memset(keys, 0, ROUTE_KEYS * sizeof(*keys));
	for (size_t i = 0; *form; form++) {
		struct bytes *key = keys + i;

		if (*form != '{') {
			if (path.n == 0 || path.p[0] != (uint8_t)*form)
				return false;
			path = bytes_from(path, 1);
			continue;
		}
		*key = path;
		form = strchr(form, '}');
		behind = strlen(form + 1);
		if (!strchr(form, '{') && path.n > behind && key_has_slashes(r, r->keys[i]))
			path = bytes_from(path, path.n - behind);
		else
			while (path.n > 0 && path.p[0] != '/')
				path = bytes_from(path, 1);
		key->n -= path.n;
		if (key->n == 0)
			return false;
		i++;
	}
	return path.n == 0;
}

const struct route *route_find(enum route_method method, struct bytes path,
			       struct bytes keys[ROUTE_KEYS], char allow[ROUTE_ALLOW_MAX])
{
	struct writer w = writer_over(allow, ROUTE_ALLOW_MAX - 1);
	const struct route *best = NULL;
	struct bytes found[ROUTE_KEYS];

	for (size_t i = 0; i < g_route_count; i++) {
		const struct route *r = &g_routes[i];

		if (!route_has(r, path, found))
			continue;
		if (r->method != method) {
			WRITER_TEXTS(&w, w.n ? ", " : "", g_route_methods[r->method]);
		} else if (!best || strlen(r->path) > strlen(best->path)) { /* /{name}/link */
			best = r;
			memcpy(keys, found, sizeof(found));
		}
	}
	allow[best ? 0 : w.n] = '\0';
	return best;
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
	if (command_context_arg(r->command, name))
		return command_context_arg(r->command, name);
	return list_takes(r->command, name) ? list_arg_find(name)
					    : command_arg_find(r->command, name);
}

/* A filter by column. */
static const char *column_add(struct bytes name, struct bytes text, json_t *args)
{
	struct command_arg column = { .type = ARG_STRING };
	char plain[LIST_NAME_MAX];

	if (bytes_cstr(name, plain, sizeof(plain)))
		return "its name is too long";
	column.name = plain;
	return arg_add(&column, text, args);
}

const char *route_args(const struct route *r, const struct bytes keys[ROUTE_KEYS],
		       struct bytes query, json_t *args, struct bytes *argument)
{
	const struct command_arg *arg;
	const char *wrong = NULL;
	struct bytes one;

	*argument = (struct bytes){ 0 };
	for (size_t i = 0; !wrong && i < ROUTE_KEYS && r->keys[i]; i++) {
		*argument = bytes_str(r->keys[i]);
		wrong = arg_add(command_arg_find(r->command, *argument), keys[i], args);
	}
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
