/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters, sorts and cuts the rows of every list command. Handlers in app/command put rows while
 * they walk; the page is a heap of at most its limit, so memory does not grow with the list. A
 * cursor holds the sort key and the row's own key, so that rows with equal keys are neither
 * repeated nor skipped between pages.
 */

#include "app/schema/list.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct command_arg g_list_args[] = {
	{ .name = "limit",
	  .type = ARG_U64,
	  .min = 1,
	  .max = LIST_LIMIT_MAX,
	  .preset = "all; 100 over HTTP",
	  .help = "Most entries in the answer." },
	{ .name = "cursor",
	  .type = ARG_STRING,
	  .charset = CHARSET_NAME,
	  .min = 1,
	  .max = LIST_CURSOR_MAX - 1,
	  .help = "Where to go on: next of the page before." },
	{ .name = "sort",
	  .type = ARG_STRING,
	  .charset = CHARSET_NAME,
	  .min = 1,
	  .max = LIST_NAME_MAX,
	  .help = "The column to sort by; with - before it the highest comes first." },
	{ .name = NULL },
};

/* ---- columns ---- */

bool list_is(const struct command *c)
{
	return c->rows || command_is_verb(c, "list");
}

/* Of documents: the key of their delete command. */
static const char *list_key(const struct command *c)
{
	const struct command *by = c->rows ? NULL : command_of_noun(command_noun(c), "delete");

	for (const struct command_arg *a = by ? by->args : NULL; a && a->name; a++) {
		if (a->required)
			return a->name;
	}
	return c->rows ? c->rows->key : "name";
}

/* Of a secret only whether it exists. */
static bool put_shows(const struct command *put, struct bytes column)
{
	static const char has[] = "has_";
	bool is_secret = bytes_starts(column, has) && !command_arg_find(put, column);
	const struct command_arg *arg =
		command_arg_find(put, is_secret ? bytes_from(column, sizeof(has) - 1) : column);

	return arg && (arg->type == ARG_SECRET) == is_secret;
}

bool list_has(const struct command *c, struct bytes column)
{
	const struct command *put = command_of_noun(command_noun(c), "put");

	return (put && put_shows(put, column)) || bytes_list_has(bytes_str(list_key(c)), column) ||
	       bytes_is(column, "changed_utc_ms") ||
	       bytes_list_has(bytes_str(c->columns), column) ||
	       (c->rows && bytes_list_has(bytes_str(c->rows->columns), column));
}

const struct command_arg *list_arg_find(struct bytes name)
{
	for (const struct command_arg *a = g_list_args; a->name; a++) {
		if (bytes_is(name, a->name))
			return a;
	}
	return NULL;
}

bool list_takes(const struct command *c, struct bytes name)
{
	/* an operator's "tenant" chooses the tenant; no other role may give it */
	return list_is(c) && !command_arg_find(c, name) && !bytes_is(name, g_command_tenant.name) &&
	       (list_arg_find(name) || list_has(c, name));
}

/* ---- cursors ---- */

/* Each text ends with an octet 0, so none runs into the next field. */
void list_cursor_write(const struct command_list *l, const struct list_rank *rank,
		       char out[LIST_CURSOR_MAX])
{
	char plain[LIST_NAME_MAX + LIST_TEXT_MAX + LIST_KEY_MAX + 48];
	int n = snprintf(plain, sizeof(plain), "%c%d%s%c%.17g%c%s%c%s", l->down ? '-' : '+',
			 (int)rank->kind, l->sort, '\0', rank->number, '\0', rank->text, '\0',
			 rank->key);
	struct writer w = writer_over(out, LIST_CURSOR_MAX - 1);

	assert(n > 0 && (size_t)n < sizeof(plain) && 2 * n < LIST_CURSOR_MAX);
	writer_hex(&w, bytes_mem(plain, (size_t)n));
	out[w.n] = '\0';
}

static int cursor_number_read(struct bytes text, double *out)
{
	char plain[40], *end;

	if (bytes_cstr(text, plain, sizeof(plain)) || !plain[0])
		return -EINVAL;
	*out = strtod(plain, &end);
	return *end || *out != *out ? -EINVAL : 0;
}

int list_cursor_read(struct bytes text, char sort[LIST_NAME_MAX], bool *down, struct list_rank *out)
{
	uint8_t plain[LIST_CURSOR_MAX / 2];
	struct bytes rest, name, number, value;
	size_t n;

	if (hex_decode(text, plain, sizeof(plain), &n) || n < 2 ||
	    (plain[0] != '-' && plain[0] != '+') || plain[1] < '0' || plain[1] > '0' + LIST_TEXT)
		return -EINVAL;
	*down = plain[0] == '-';
	out->kind = (enum list_value)(plain[1] - '0');
	rest = bytes_mem(plain + 2, n - 2);
	if (!bytes_cut(&rest, '\0', &name) || !bytes_cut(&rest, '\0', &number) ||
	    !bytes_cut(&rest, '\0', &value) || memchr(rest.p ? rest.p : plain, '\0', rest.n))
		return -EINVAL;
	return bytes_cstr(name, sort, LIST_NAME_MAX) || cursor_number_read(number, &out->number) ||
			       bytes_cstr(value, out->text, sizeof(out->text)) ||
			       bytes_cstr(rest, out->key, sizeof(out->key))
		       ? -EINVAL
		       : 0;
}

/* ---- arguments ---- */

PRINTF_LIKE(3, 4)
static int list_refuse(struct command_error *error, const char *argument, const char *fmt, ...)
{
	va_list ap;

	*error = (struct command_error){ .code = COMMAND_BAD_ARGUMENT, .argument = argument };
	va_start(ap, fmt);
	(void)vsnprintf(error->message, sizeof(error->message), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* A value as in filters and rows. Empty: not comparable. */
static struct bytes value_text(const json_t *value, char room[24])
{
	if (json_is_string(value))
		return bytes_mem(json_string_value(value), json_string_length(value));
	if (json_is_boolean(value))
		return bytes_str(json_is_true(value) ? "true" : "false");
	if (!json_is_integer(value))
		return BYTES_LIT("");
	(void)snprintf(room, 24, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	return bytes_str(room);
}

static int filter_add(struct command_list *l, const char *name, const json_t *value,
		      struct command_error *error)
{
	struct list_filter *f = &l->filters[l->filter_count];
	char room[24];

	if (l->filter_count == LIST_FILTERS_MAX)
		return list_refuse(error, NULL, "a list is narrowed by 8 columns at most");
	if (json_is_object(value) || json_is_array(value) ||
	    bytes_cstr(value_text(value, room), f->value, sizeof(f->value)) ||
	    bytes_cstr(bytes_str(name), f->name, sizeof(f->name)))
		return list_refuse(error, NULL,
				   "%s must be a text, a number, true or false, of 159 octets at "
				   "most",
				   name);
	l->filter_count++;
	return 0;
}

static int sort_read(struct command_list *l, struct bytes given, struct command_error *error)
{
	l->down = given.n && given.p[0] == '-';
	if (l->down)
		given = bytes_from(given, 1);
	if (!list_has(l->command, given) || bytes_cstr(given, l->sort, sizeof(l->sort)))
		return list_refuse(error, "sort", "%s has no such column: see its result in help",
				   l->command->name);
	return 0;
}

static int cursor_read(struct command_list *l, struct bytes given, struct command_error *error)
{
	char sort[LIST_NAME_MAX];
	bool down;

	if (list_cursor_read(given, sort, &down, &l->after))
		return list_refuse(error, "cursor",
				   "this is no cursor: take next of the page before, as it is");
	if (strcmp(sort, l->sort) != 0 || down != l->down)
		return list_refuse(error, "cursor",
				   "it is of another order: give sort as for the page before");
	l->goes_on = true;
	return 0;
}

static int known_read(struct command_list *l, const json_t *args, struct command_error *error)
{
	const struct command_arg *limit = command_arg_find(l->command, BYTES_LIT("limit"));
	struct command_value values[3] = { 0 };
	uint64_t preset;
	int err = 0;

	if (limit && !bytes_u64(bytes_str(limit->preset), &preset))
		l->most = preset;
	for (size_t i = 0; !err && g_list_args[i].name; i++) {
		const json_t *given = json_object_get(args, g_list_args[i].name);

		if (given)
			err = command_arg_check(limit && !i ? limit : &g_list_args[i],
						given_json(given), &values[i], error);
	}
	if (!err && values[0].given)
		l->most = values[0].number;
	if (!err && values[2].given)
		err = sort_read(l, values[2].text, error);
	if (!err && values[1].given)
		err = cursor_read(l, values[1].text, error);
	return err;
}

int list_open(struct command_list *out, const struct command *c, json_t *args,
	      struct command_error *error)
{
	const char *name;
	json_t *value;
	int err;

	*out = (struct command_list){ .command = c,
				      .most = SIZE_MAX,
				      .down = c->rows && c->rows->down };
	err = known_read(out, args, error);
	json_object_foreach(args, name, value)
	{
		if (!err && list_takes(c, bytes_str(name)) && !list_arg_find(bytes_str(name)))
			err = filter_add(out, name, value, error);
	}
	return err;
}

void list_close(struct command_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		json_decref(l->rows[i].text);
	free(l->rows);
	json_decref(l->page);
	json_decref(l->missing);
	*l = (struct command_list){ 0 };
}

bool list_needs_rows(const struct command_list *l)
{
	return l->filter_count || l->sort[0];
}

size_t list_source(const struct command_list *l)
{
	return list_needs_rows(l) || l->goes_on || l->most >= LIST_LIMIT_MAX ? LIST_LIMIT_MAX
									     : l->most + 1;
}

/* ---- rows ---- */

static bool value_is(const json_t *value, struct bytes wanted)
{
	char room[24];
	size_t i;
	json_t *one;

	json_array_foreach(value, i, one)
	{
		if (!json_is_array(one) && value_is(one, wanted))
			return true;
	}
	return !json_is_array(value) && !json_is_object(value) &&
	       (bytes_eq(value_text(value, room), wanted) ||
		bytes_list_has(value_text(value, room), wanted)); /* of several in a text */
}

bool list_wants(const struct command_list *l, const json_t *row)
{
	for (uint32_t i = 0; i < l->filter_count; i++) {
		if (!value_is(json_object_get(row, l->filters[i].name),
			      bytes_str(l->filters[i].value)))
			return false;
	}
	return true;
}

static void key_write(const struct command *c, const json_t *row, char out[LIST_KEY_MAX])
{
	struct bytes rest = bytes_str(list_key(c)), one;
	struct writer w = writer_over(out, LIST_KEY_MAX - 1);
	char name[LIST_NAME_MAX], room[24];

	while (bytes_cut(&rest, ',', &one)) {
		if (!bytes_cstr(one, name, sizeof(name)))
			WRITER_TEXTS(&w, w.n ? "/" : "");
		writer_bytes(&w, value_text(json_object_get(row, name), room));
	}
	out[w.n] = '\0';
}

void list_rank_row(const struct command_list *l, const json_t *row, struct list_rank *out)
{
	const char *column = l->sort[0]         ? l->sort
			     : l->command->rows ? l->command->rows->order
						: NULL;
	const json_t *value = column ? json_object_get(row, column) : NULL;

	*out = (struct list_rank){ .kind = LIST_NOTHING };
	key_write(l->command, row, out->key);
	if (json_is_string(value)) {
		out->kind = LIST_TEXT;
		(void)snprintf(out->text, sizeof(out->text), "%s", json_string_value(value));
	} else if (json_is_number(value) || json_is_boolean(value)) {
		out->kind = LIST_NUMBER;
		out->number =
			json_is_number(value) ? json_number_value(value) : json_is_true(value);
	}
}

int list_order(const struct command_list *l, const struct list_rank *a, const struct list_rank *b)
{
	int order = (a->kind > b->kind) - (a->kind < b->kind);

	if (!order)
		order = (a->number > b->number) - (a->number < b->number);
	if (!order)
		order = strcmp(a->text, b->text);
	if (l->down)
		order = -order;
	return order ? order : strcmp(a->key, b->key);
}

/* ---- the rows of a page: a heap ---- */

static bool row_is_behind(const struct command_list *l, size_t a, size_t b)
{
	return list_order(l, &l->rows[a].rank, &l->rows[b].rank) > 0;
}

static void rows_swap(struct command_list *l, size_t a, size_t b)
{
	struct list_row row = l->rows[a];

	l->rows[a] = l->rows[b];
	l->rows[b] = row;
}

static void rows_sink(struct command_list *l)
{
	for (size_t i = 0, child; (child = 2 * i + 1) < l->count; i = child) {
		if (child + 1 < l->count && row_is_behind(l, child + 1, child))
			child++;
		if (!row_is_behind(l, child, i))
			return;
		rows_swap(l, i, child);
	}
}

static void rows_rise(struct command_list *l)
{
	for (size_t i = l->count - 1; i && row_is_behind(l, i, (i - 1) / 2); i = (i - 1) / 2)
		rows_swap(l, i, (i - 1) / 2);
}

static bool rows_grow(struct command_list *l)
{
	size_t room = l->room ? 2 * l->room : 16;
	struct list_row *rows;

	if (l->count < l->room)
		return true;
	rows = realloc(l->rows, room * sizeof(*rows));
	if (!rows)
		return false;
	l->rows = rows;
	l->room = room;
	return true;
}

bool list_has_place(struct command_list *l, const struct list_rank *rank)
{
	if (l->goes_on && list_order(l, rank, &l->after) <= 0)
		return false;
	if (l->count < l->most)
		return true;
	l->more = true;
	return list_order(l, rank, &l->rows[0].rank) < 0;
}

bool list_put(struct command_list *l, const struct list_row *row)
{
	if (l->count == l->most) {
		json_decref(l->rows[0].text);
		l->rows[0] = *row;
		rows_sink(l);
		return true;
	}
	if (!rows_grow(l)) {
		json_decref(row->text);
		return false;
	}
	l->rows[l->count++] = *row;
	rows_rise(l);
	return true;
}

void list_stop(struct command_list *l, const struct list_rank *rank)
{
	if (!l->has_floor || list_order(l, rank, &l->floor) < 0)
		l->floor = *rank;
	l->has_floor = true;
}

static bool rows_next(struct command_list *l, struct list_row *out)
{
	if (!l->count)
		return false;
	*out = l->rows[0];
	l->rows[0] = l->rows[--l->count];
	rows_sink(l);
	return true;
}

bool list_pop(struct command_list *l, struct list_row *out)
{
	while (rows_next(l, out)) {
		if (l->has_floor && list_order(l, &out->rank, &l->floor) > 0) {
			json_decref(out->text);
			l->more = false; /* up to there all are of this page */
			continue;
		}
		if (!l->page) {
			l->page = json_array();
			l->last = out->rank;
		}
		return true;
	}
	return false;
}

void list_show(struct command_list *l, json_t *text)
{
	if (text)
		(void)json_array_append_new(l->page, text);
}

json_t *list_end(struct command_list *l)
{
	json_t *page = json_array();

	if (l->more)
		list_cursor_write(l, &l->last, l->next);
	else if (l->has_floor)
		list_cursor_write(l, &l->floor, l->next);
	for (size_t i = json_array_size(l->page); i--;)
		(void)json_array_append(page, json_array_get(l->page, i));
	return page;
}

json_t *list_finish(struct command_list *l)
{
	for (struct list_row one; list_pop(l, &one);)
		list_show(l, one.text);
	return list_end(l);
}

/* Its source has begun behind the cursor, and the rows are in order. */
static json_t *page_in_order(struct command_list *l, json_t *rows)
{
	size_t i = 0, n = json_array_size(rows);
	json_t *page = json_array();

	for (; i < n && json_array_size(page) < l->most; i++) {
		json_t *row = json_array_get(rows, i);

		if (list_wants(l, row))
			(void)json_array_append_new(page, command_row(json_incref(row)));
	}
	if (i < n || (n && n >= list_source(l))) {
		list_rank_row(l, json_array_get(rows, i - 1), &l->last);
		list_cursor_write(l, &l->last, l->next);
	}
	json_decref(rows);
	return page;
}

bool list_put_row(struct command_list *l, json_t *row)
{
	struct list_row one = { 0 };
	bool ok = true;

	if (list_wants(l, row)) {
		list_rank_row(l, row, &one.rank);
		if (list_has_place(l, &one.rank)) {
			one.text = command_row(json_incref(row));
			ok = one.text && list_put(l, &one);
		}
	}
	json_decref(row);
	return ok;
}

json_t *list_page(struct command_list *l, json_t *rows)
{
	size_t n = json_array_size(rows), i;
	bool ok = true;
	json_t *row;

	if (!l->sort[0] && command_arg_find(l->command, BYTES_LIT("after")))
		return page_in_order(l, rows);
	json_array_foreach(rows, i, row) ok &= list_put_row(l, json_incref(row));
	if (ok && n >= LIST_LIMIT_MAX && !l->sort[0]) {
		struct list_rank last;

		list_rank_row(l, json_array_get(rows, n - 1), &last);
		list_stop(l, &last);
	}
	json_decref(rows);
	return ok ? list_finish(l) : NULL;
}
