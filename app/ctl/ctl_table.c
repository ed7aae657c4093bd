/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "app/ctl/ctl.h"
#include "app/ctl/ctl_table.h"
#include "base/json_member.h"

/* The answer of call.doctor for people. */

static void evidence_print(json_t *evidence)
{
	const char *name;
	json_t *value;

	(void)fputs("   evidence:", stdout);
	json_object_foreach(evidence, name, value)
	{
		if (json_is_string(value))
			(void)printf(" %s=%s", name, json_string_value(value));
		else
			(void)printf(" %s=%lld", name, json_integer_value(value));
	}
	(void)putchar('\n');
}

static void finding_print(size_t number, const json_t *f)
{
	(void)printf("%zu. %s\n   %s: %s", number, json_text(f, "sentence"), json_text(f, "is"),
		     json_text(f, "code"));
	if (json_is_string(json_object_get(f, "leg")))
		(void)printf(", leg %s, line %lld", json_text(f, "leg"),
			     json_integer_value(json_object_get(f, "line")));
	(void)putchar('\n');
	evidence_print(json_object_get(f, "evidence"));
	(void)printf("   next: %s\n", json_text(f, "next"));
}

void ctl_doctor_print(const json_t *result)
{
	const json_t *findings = json_object_get(result, "findings");
	const json_t *ended = json_object_get(result, "ended");
	size_t count = json_array_size(findings);

	if (ended)
		(void)printf("The call is over: %s (SIP status %lld), after %.1f s of talk.\n",
			     json_text(ended, "cause"),
			     json_integer_value(json_object_get(ended, "sip_status")),
			     (double)json_integer_value(json_object_get(ended, "talk_ms")) / 1000);

	if (count == 0 && ended)
		(void)puts("Its counters show nothing wrong.");
	else if (count == 0)
		(void)puts("Nothing is wrong that counters could show: media flows both ways as "
			   "agreed.");
	for (size_t i = 0; i < count; i++)
		finding_print(i + 1, json_array_get(findings, i));
}

/* The result of sip.recent for people: messages as they were on the wire, each below a line that says when and where. */

static void when_print(const json_t *message)
{
	json_int_t utc_ms = json_integer_value(json_object_get(message, "utc_ms"));
	time_t seconds = (time_t)(utc_ms / 1000);
	char text[32] = "";
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)printf("---- %s.%03dZ", text, (int)(utc_ms % 1000));
}

static const char *recent_text_of(const json_t *message, const char *name)
{
	const char *text = json_string_value(json_object_get(message, name));

	return text ? text : "?";
}

void ctl_recent_print(const json_t *result)
{
	const json_t *message;
	size_t i;

	json_array_foreach(result, i, message)
	{
		bool sent = json_flag(message, "sent");

		when_print(message);
		(void)printf(" %s %s %s %s\n", recent_text_of(message, "transport"),
			     recent_text_of(message, "local"), sent ? "->" : "<-",
			     recent_text_of(message, "remote"));
		for (const char *p = recent_text_of(message, "message"); *p; p++) {
			if (*p != '\r')
				(void)putchar(*p);
		}
	}
	if (json_array_size(result) == 0)
		(void)puts("No message is kept that has to do with it (trace.recent_kib).");
}

enum { COLUMNS_MAX = 96, CELL_MAX = 256, DEPTH_MAX = 6, INDENT = 2, WIDE_CELL = 32 };

struct column {
	const char *name;
	size_t width;
	bool filled; /* there is something in it */
	bool hidden;
	bool below; /* hidden, and written below each row */
};

static bool cell_ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && !strcmp(text + n - m, end);
}

/* C0, DEL and C1 would be orders to a terminal. */
static void write_clean(struct writer *w, const char *text)
{
	struct bytes in = bytes_str(text);

	for (size_t i = 0; i < in.n; i++) {
		bool c1 = in.p[i] == 0xc2 && i + 1 < in.n && in.p[i + 1] < 0xa0;

		i += c1;
		writer_u8(w, c1 || in.p[i] < 0x20 || in.p[i] == 0x7f ? '?' : in.p[i]);
	}
}

static void write_time(struct writer *w, json_int_t utc_ms)
{
	time_t seconds = (time_t)(utc_ms / 1000);
	char text[32];
	struct tm tm;

	if (utc_ms == 0 || !gmtime_r(&seconds, &tm) ||
	    !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		(void)bytes_cstr(BYTES_LIT("-"), text, sizeof(text));
	writer_str(w, text);
}

static void write_scalar(struct writer *w, const char *name, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		write_clean(w, json_string_length(value) ? json_string_value(value) : "-");
		return;
	case JSON_INTEGER:
		if (name && cell_ends_with(name, "utc_ms"))
			write_time(w, json_integer_value(value));
		else
			writer_fmt(w, "%lld", (long long)json_integer_value(value));
		return;
	case JSON_REAL:
		writer_fmt(w, "%.2f", json_real_value(value));
		return;
	case JSON_TRUE:
		writer_str(w, "yes");
		return;
	case JSON_FALSE:
		writer_str(w, "no");
		return;
	case JSON_NULL:
	case JSON_OBJECT:
	case JSON_ARRAY:
		writer_str(w, "-");
		return;
	}
}

static bool is_nested(const json_t *value)
{
	return json_is_object(value) || json_is_array(value);
}

/* A list of words and numbers fits a cell. */
static bool is_plain_list(const json_t *value)
{
	const json_t *item;
	size_t i;

	if (!json_is_array(value))
		return false;
	json_array_foreach(value, i, item)
	{
		if (is_nested(item))
			return false;
	}
	return true;
}

/* What a cell shows, cut to fit. */
static size_t cell(char out[CELL_MAX], const char *name, const json_t *value)
{
	struct writer w = writer_over(out, CELL_MAX - 1);
	const json_t *item;
	size_t i;

	if (is_plain_list(value)) {
		json_array_foreach(value, i, item)
		{
			const char *text = json_string_value(item);

			if (i) /* words are joined as an argument takes them, sentences are not */
				writer_str(&w, text && strchr(text, ' ') ? "; " : ",");
			write_scalar(&w, NULL, item);
		}
		if (json_array_size(value) == 0)
			writer_str(&w, "-");
	} else {
		write_scalar(&w, name, value);
	}
	out[w.n] = '\0';
	return w.n;
}

static void indent(struct writer *w, unsigned depth)
{
	for (unsigned i = 0; i < depth * INDENT; i++)
		writer_u8(w, ' ');
}

static void padded(struct writer *w, const char *text, size_t width, bool last)
{
	size_t n = strlen(text);

	writer_str(w, text);
	for (; !last && n < width + INDENT; n++)
		writer_u8(w, ' ');
}

void ctl_wrapped_write(struct writer *w, const char *text, size_t at, size_t indent, size_t width)
{
	size_t gap = 0;

	while (*text) {
		size_t n = strcspn(text, " ,");

		n += text[n] == ',';
		if (width && at + gap + n > width && at > indent) {
			writer_str(w, "\n");
			for (at = gap = 0; at < indent; at++)
				writer_u8(w, ' ');
		}
		for (; gap; gap--, at++)
			writer_u8(w, ' ');
		writer_mem(w, text, n);
		at += n;
		for (text += n; *text == ' '; text++)
			gap++;
	}
}

static void write_value(struct writer *w, const json_t *value, unsigned depth, size_t page);

/* ---- lists of objects ---- */

static bool table_is_column(const json_t *value)
{
	return !is_nested(value) || is_plain_list(value);
}

static size_t columns_of(const json_t *list, struct column columns[COLUMNS_MAX])
{
	char text[CELL_MAX];
	size_t count = 0, i, k;
	const char *name;
	json_t *row, *value;

	json_array_foreach(list, i, row)
	{
		json_object_foreach(row, name, value)
		{
			size_t width = strlen(name), n;

			if (!table_is_column(value))
				continue;
			for (k = 0; k < count && strcmp(columns[k].name, name) != 0; k++)
				;
			if (k == COLUMNS_MAX)
				continue;
			if (k == count)
				columns[count++] = (struct column){ .name = name, .width = width };
			n = cell(text, name, value);
			columns[k].filled |= strcmp(text, "-") != 0;
			if (n > columns[k].width)
				columns[k].width = n;
		}
	}
	return count;
}

static size_t columns_width(const struct column *columns, size_t count)
{
	size_t width = 0;

	for (size_t k = 0; k < count; k++)
		width += columns[k].hidden ? 0 : columns[k].width + INDENT;
	return width - INDENT;
}

/* What a row says to people stands below it on a page, whatever fits. */
static bool column_is_below(const char *name)
{
	return !strcmp(name, "sentence") || !strcmp(name, "next");
}

static void columns_lower(struct column *columns, size_t count)
{
	for (size_t k = 1; k < count; k++)
		columns[k].hidden |= columns[k].below = column_is_below(columns[k].name);
}

/* The first one stays. */
static void columns_fit(struct column *columns, size_t count, size_t room)
{
	for (size_t k = 1; k < count && columns_width(columns, count) > room; k++)
		columns[k].hidden |= !columns[k].filled;
	for (size_t k = count; k-- > 1 && columns_width(columns, count) > room;)
		columns[k].hidden |= columns[k].width > WIDE_CELL;
	for (size_t k = count; k-- > 1 && columns_width(columns, count) > room;)
		columns[k].hidden = true;
}

/* Of a command's own columns, where it has some of these, the others wait for -o wide. */
static void columns_choose(struct column *columns, size_t count, const char *wanted)
{
	struct bytes rest = bytes_str(wanted), name;
	bool chosen[COLUMNS_MAX] = { false }, any = false;

	while (bytes_cut(&rest, ',', &name)) {
		for (size_t k = 0; k < count; k++)
			any |= chosen[k] |= bytes_is(name, columns[k].name);
	}
	for (size_t k = 0; any && k < count; k++)
		columns[k].hidden = !chosen[k];
}

static bool column_is_last(const struct column *columns, size_t count, size_t k)
{
	while (++k < count && columns[k].hidden)
		;
	return k == count;
}

static void table_write_hidden(struct writer *w, const struct column *columns, size_t count,
			       unsigned depth, size_t page)
{
	char text[1024];
	struct writer names = writer_over(text, sizeof(text) - 1);

	writer_str(&names, "more with -o wide:");
	for (size_t k = 0; k < count; k++) {
		if (columns[k].hidden && !columns[k].below)
			writer_fmt(&names, "%s %s", names.p[names.n - 1] == ':' ? "" : ",",
				   columns[k].name);
	}
	text[names.n] = '\0';
	if (text[names.n - 1] == ':')
		return;
	indent(w, depth);
	ctl_wrapped_write(w, text, (size_t)depth * INDENT, (size_t)depth * INDENT + INDENT, page);
	writer_str(w, "\n");
}

static void table_write_below(struct writer *w, const json_t *row, const struct column *columns,
			      size_t count, unsigned depth, size_t page)
{
	size_t at = ((size_t)depth + 1) * INDENT;
	char text[CELL_MAX];

	for (size_t k = 0; k < count; k++) {
		const char *name = columns[k].name;
		const json_t *member = columns[k].below ? json_object_get(row, name) : NULL;
		size_t n = strcmp(name, "next") != 0 ? 0 : strlen("next: ");

		if (!member || !cell(text, name, member) || !strcmp(text, "-"))
			continue;
		indent(w, depth + 1);
		writer_str(w, n ? "next: " : "");
		ctl_wrapped_write(w, text, at + n, at + n, page);
		writer_str(w, "\n");
	}
}

static void table_write_row(struct writer *w, const json_t *row, const struct column *columns,
			    size_t count, unsigned depth, size_t page)
{
	char text[CELL_MAX];
	const char *name;
	json_t *value;

	indent(w, depth);
	for (size_t k = 0; k < count; k++) {
		const json_t *member = json_object_get(row, columns[k].name);

		if (columns[k].hidden)
			continue;
		if (member)
			(void)cell(text, columns[k].name, member);
		else
			memcpy(text, "-", 2);
		padded(w, text, columns[k].width, column_is_last(columns, count, k));
	}
	writer_str(w, "\n");
	table_write_below(w, row, columns, count, depth, page);
	json_object_foreach((json_t *)(uintptr_t)row, name, value)
	{
		if (table_is_column(value))
			continue;
		indent(w, depth + 1);
		writer_fmt(w, "%s:\n", name);
		write_value(w, value, depth + 2, page);
	}
}

static void write_table(struct writer *w, const json_t *list, unsigned depth, size_t page,
			const char *wanted)
{
	struct column columns[COLUMNS_MAX];
	size_t count = columns_of(list, columns), i;
	const json_t *row;

	if (page && wanted)
		columns_choose(columns, count, wanted);
	if (page)
		columns_lower(columns, count);
	if (page && count)
		columns_fit(columns, count, page - depth * INDENT);
	indent(w, depth);
	for (size_t k = 0; k < count; k++) {
		if (!columns[k].hidden)
			padded(w, columns[k].name, columns[k].width,
			       column_is_last(columns, count, k));
	}
	writer_str(w, "\n");
	json_array_foreach(list, i, row) table_write_row(w, row, columns, count, depth, page);
	table_write_hidden(w, columns, count, depth, page);
}

/* ---- the rest ---- */

/* The names of before that a result has beside the new ones are for programs. */
static bool is_name_of_before(const json_t *object, const char *name)
{
	return (!strcmp(name, "heard") || !strcmp(name, "told")) &&
	       json_object_get(object, "received") && json_object_get(object, "reported");
}

static void write_object(struct writer *w, const json_t *object, unsigned depth, size_t page)
{
	char text[CELL_MAX];
	size_t width = 0, at;
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, name, value)
	{
		if (table_is_column(value) && strlen(name) > width)
			width = strlen(name);
	}
	at = depth * INDENT + width + INDENT;
	json_object_foreach((json_t *)(uintptr_t)object, name, value)
	{
		if (page && is_name_of_before(object, name))
			continue;
		indent(w, depth);
		if (table_is_column(value)) {
			(void)cell(text, name, value);
			padded(w, name, width, false);
			ctl_wrapped_write(w, text, at, at, page);
			writer_str(w, "\n");
		} else {
			writer_fmt(w, "%s:\n", name);
			write_value(w, value, depth + 1, page);
		}
	}
}

static bool is_list_of_objects(const json_t *value)
{
	const json_t *item;
	size_t i;

	json_array_foreach(value, i, item)
	{
		if (!json_is_object(item))
			return false;
	}
	return json_array_size(value) != 0;
}

static void write_value(struct writer *w, const json_t *value, unsigned depth, size_t page)
{
	char text[CELL_MAX];

	if (depth > DEPTH_MAX) {
		indent(w, depth);
		writer_str(w, "...\n");
	} else if (json_is_object(value)) {
		write_object(w, value, depth, page);
	} else if (json_is_array(value) && is_list_of_objects(value)) {
		write_table(w, value, depth, page, NULL);
	} else {
		(void)cell(text, NULL, value);
		indent(w, depth);
		writer_fmt(w, "%s\n",
			   json_is_array(value) && json_array_size(value) == 0 ? "none" : text);
	}
}

void ctl_table_write(struct writer *w, const json_t *result, size_t width, const char *columns)
{
	if (is_list_of_objects(result))
		write_table(w, result, 0, width, columns);
	else
		write_value(w, result, 0, width);
}
