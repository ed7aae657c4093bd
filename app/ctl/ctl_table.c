/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How answers look to people: tables that fit a page, the findings of call.doctor, SIP messages and
 * ladders, and CSV. ctl_main.c and ctl_set.c print by it. Widths count columns of characters (UAX
 * 11), and control characters of untrusted text never reach the terminal.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/ctl/ctl.h"
#include "app/ctl/ctl_documents.h"
#include "app/ctl/ctl_table.h"
#include "base/csv.h"
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

/* sip.recent for people: messages as on the wire, each below a line with time and place. */

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

/* A call as a ladder, in order of time: the node between its peers, a line for each party. */

enum { LADDER_PARTIES = 12, LADDER_STEP = 26, LADDER_AT = 14, LADDER_LINE = 512 };

struct ladder {
	const char *parties[LADDER_PARTIES]; /* by their places; the node is the second one */
	size_t count;
};

/* Index of the party's line; LADDER_PARTIES: too many. */
static size_t ladder_place(struct ladder *l, const char *party)
{
	size_t i = 0;

	while (i < l->count && strcmp(l->parties[i], party) != 0)
		i++;
	if (i == l->count && i < LADDER_PARTIES)
		l->parties[l->count++] = party;
	return i;
}

/* "INVITE sdp", "200 OK (INVITE)". */
static void ladder_label(char out[LADDER_STEP * 2], const char *message)
{
	bool response = !strncmp(message, "SIP/2.0 ", 8);
	const char *begin = response ? message + 8 : message,
		   *cseq = strcasestr(message, "\nCSeq:");
	const char *body = strstr(message, "\r\n\r\n"), *method = cseq;
	int n = (int)strcspn(begin, response ? "\r\n" : " \r\n");

	method = method ? method + strcspn(method + 1, "0123456789\r\n") + 1 : "";
	method += strspn(method, "0123456789");
	method += strspn(method, " ");
	if (response)
		(void)snprintf(out, LADDER_STEP * 2, "%.*s (%.*s)%s", n > 22 ? 22 : n, begin,
			       (int)strcspn(method, "\r\n "), method,
			       body && strstr(body, "m=") ? " sdp" : "");
	else
		(void)snprintf(out, LADDER_STEP * 2, "%.*s%s", n > 22 ? 22 : n, begin,
			       body && strstr(body, "m=") ? " sdp" : "");
}

static size_t ladder_column(size_t place)
{
	return LADDER_AT + 2 + place * LADDER_STEP;
}

static void ladder_row(const struct ladder *l, const json_t *message, size_t from, size_t to)
{
	char line[LADDER_LINE], label[LADDER_STEP * 2];
	size_t left = ladder_column(from < to ? from : to),
	       right = ladder_column(from < to ? to : from);
	size_t end = ladder_column(l->count - 1) + 1, n;
	json_int_t utc_ms = json_integer_value(json_object_get(message, "utc_ms"));
	time_t seconds = (time_t)(utc_ms / 1000);
	char when[16] = "";
	struct tm tm;

	memset(line, ' ', end);
	line[end] = '\0';
	if (gmtime_r(&seconds, &tm))
		(void)strftime(when, sizeof(when), "%H:%M:%S", &tm);
	n = (size_t)snprintf(line, LADDER_AT, "%s.%03d", when, (int)(utc_ms % 1000));
	line[n] = ' ';
	for (size_t i = 0; i < l->count; i++)
		line[ladder_column(i)] = '|';
	memset(line + left + 1, '-', right - left - 1);
	line[from < to ? right - 1 : left + 1] = from < to ? '>' : '<';
	ladder_label(label, recent_text_of(message, "message"));
	n = strlen(label);
	if (n > right - left - 4)
		n = right - left - 4;
	memcpy(line + left + (right - left - n + 1) / 2, label, n);
	(void)puts(line);
}

static int ladder_compare(const void *a, const void *b)
{
	const json_t *const *one = a, *const *other = b;
	json_int_t x = json_integer_value(json_object_get(*one, "utc_ms")),
		   y = json_integer_value(json_object_get(*other, "utc_ms"));

	return x < y ? -1 : x > y;
}

void ctl_ladder_print(const json_t *result)
{
	static const char node[] = "tandem";
	struct ladder l = { .count = 0 };
	size_t count = json_array_size(result), left = 0;
	const json_t **rows = calloc(count + 1, sizeof(*rows));

	/* the newest came first: what has the same time keeps its order */
	for (size_t i = 0; rows && i < count; i++)
		rows[i] = json_array_get(result, count - 1 - i);
	for (size_t i = 1; rows && i < count; i++) { /* few, and in order but for their shards */
		for (size_t k = i; k && ladder_compare(&rows[k - 1], &rows[k]) > 0; k--) {
			const json_t *other = rows[k];

			rows[k] = rows[k - 1];
			rows[k - 1] = other;
		}
	}
	for (size_t i = 0; rows && i < count; i++) {
		(void)ladder_place(&l, recent_text_of(rows[i], "remote"));
		if (l.count == 1)
			(void)ladder_place(&l, node);
	}
	if (!count)
		(void)puts("No message is kept that has to do with it (trace.recent_kib).");
	for (size_t i = 0, at = 0; i < l.count; i++) {
		size_t begin = ladder_column(i) - 2;

		at += (size_t)printf("%*s", (int)(begin - at), "");
		at += (size_t)printf("%.*s", LADDER_STEP - 1, l.parties[i]);
	}
	if (count)
		(void)putchar('\n');
	for (size_t i = 0; rows && i < count; i++) {
		size_t other = ladder_place(&l, recent_text_of(rows[i], "remote"));
		bool sent = json_flag(rows[i], "sent");

		if (other < LADDER_PARTIES)
			ladder_row(&l, rows[i], sent ? 1 : other, sent ? other : 1);
		else
			left++;
	}
	if (left)
		(void)printf("%zu messages with others: sip.recent has them.\n", left);
	free(rows);
}

enum { COLUMNS_MAX = 96, CELL_MAX = 2048, DEPTH_MAX = 6, INDENT = 2, WIDE_CELL = 32 };

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

/* Columns of a character: none if combining, two for East Asian scripts and emoji (UAX 11). */
static unsigned code_width(uint32_t code)
{
	static const struct {
		uint32_t first, last;
		unsigned width;
	} others[] = {
		{ 0x300, 0x36f, 0 },     { 0x1100, 0x115f, 2 },   { 0x200b, 0x200f, 0 },
		{ 0x20d0, 0x20ff, 0 },   { 0x2e80, 0xa4cf, 2 },   { 0xac00, 0xd7a3, 2 },
		{ 0xf900, 0xfaff, 2 },   { 0xfe00, 0xfe0f, 0 },   { 0xfe30, 0xfe6f, 2 },
		{ 0xff00, 0xff60, 2 },   { 0xffe0, 0xffe6, 2 },   { 0x1f300, 0x1f64f, 2 },
		{ 0x1f900, 0x1f9ff, 2 }, { 0x20000, 0x3fffd, 2 },
	};

	for (size_t i = 0; i < COUNT_OF(others); i++) {
		if (code >= others[i].first && code <= others[i].last)
			return others[i].width;
	}
	return 1;
}

/* Columns of a text of UTF-8, which jansson has checked. */
static size_t text_columns(const char *text, size_t n)
{
	size_t width = 0;

	for (size_t i = 0; i < n;) {
		uint8_t c = (uint8_t)text[i++];
		uint32_t code = c < 0x80 ? c : c < 0xe0 ? c & 0x1f : c < 0xf0 ? c & 0x0f : c & 0x07;

		for (; i < n && ((uint8_t)text[i] & 0xc0) == 0x80; i++)
			code = code << 6 | ((uint8_t)text[i] & 0x3f);
		width += code_width(code);
	}
	return width;
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

/* What a cell shows; its columns. What is longer than any of ours ends with a whole character. */
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
	while (w.overflow && w.n && ((uint8_t)out[w.n - 1] & 0xc0) == 0x80)
		w.n--;
	if (w.overflow && w.n && (uint8_t)out[w.n - 1] >= 0xc0)
		w.n--;
	out[w.n] = '\0';
	return text_columns(out, w.n);
}

static void indent(struct writer *w, unsigned depth)
{
	for (unsigned i = 0; i < depth * INDENT; i++)
		writer_u8(w, ' ');
}

static void padded(struct writer *w, const char *text, size_t width, bool last)
{
	size_t n = text_columns(text, strlen(text));

	writer_str(w, text);
	for (; !last && n < width + INDENT; n++)
		writer_u8(w, ' ');
}

void ctl_wrapped_write(struct writer *w, const char *text, size_t at, size_t indent, size_t width)
{
	size_t gap = 0;

	while (*text) {
		size_t n = strcspn(text, " ,"), columns;

		n += text[n] == ',';
		columns = text_columns(text, n);
		if (width && at + gap + columns > width && at > indent) {
			writer_str(w, "\n");
			for (at = gap = 0; at < indent; at++)
				writer_u8(w, ' ');
		}
		for (; gap; gap--, at++)
			writer_u8(w, ' ');
		writer_mem(w, text, n);
		at += columns;
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

/* Texts for people stand below their row on a page, even if they would fit. */
static bool column_is_below(const char *name)
{
	return !strcmp(name, "sentence") || !strcmp(name, "next");
}

static void columns_lower(struct column *columns, size_t count)
{
	for (size_t k = 1; k < count; k++)
		columns[k].hidden |= columns[k].below = column_is_below(columns[k].name);
}

/* A reason is shown whole, without asking. */
static bool column_is_why(const char *name)
{
	static const char *const names[] = {
		"cause", "reason", "reasons", "detail", "error", "why"
	};

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (!strcmp(name, names[i]))
			return true;
	}
	return false;
}

static void column_hide(struct column *column)
{
	column->below |= !column->hidden && column_is_why(column->name);
	column->hidden = true;
}

/* The first one stays. */
static void columns_fit(struct column *columns, size_t count, size_t room)
{
	for (size_t k = 1; k < count && columns_width(columns, count) > room; k++)
		columns[k].hidden |= !columns[k].filled;
	for (size_t k = count; k-- > 1 && columns_width(columns, count) > room;) {
		if (columns[k].width > WIDE_CELL)
			column_hide(&columns[k]);
	}
	for (size_t k = count; k-- > 1 && columns_width(columns, count) > room;)
		column_hide(&columns[k]);
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
		size_t n = !strcmp(name, "sentence") ? 0 : strlen(name) + 2;

		if (!member || !cell(text, name, member) || !strcmp(text, "-"))
			continue;
		indent(w, depth + 1);
		if (n)
			WRITER_TEXTS(w, name, ": ");
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

/* Former names that a result has besides the new ones are for programs. */
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

/* ---- RFC 4180 ---- */

static void csv_value_write(struct writer *w, const char *name, const json_t *value)
{
	char text[CELL_MAX];
	char *nested = is_nested(value) && !is_plain_list(value)
			       ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY)
			       : NULL;

	if (!value || json_is_null(value))
		return;
	if (nested) {
		csv_cell_write(w, bytes_str(nested), true);
	} else if (json_is_string(value)) {
		csv_cell_write(w, bytes_str(json_string_value(value)), true);
	} else if (!json_is_array(value) || json_array_size(value)) {
		(void)cell(text, name, value);
		csv_cell_write(w, bytes_str(strcmp(text, "-") != 0 ? text : ""),
			       json_is_array(value));
	}
	free(nested);
}

void ctl_csv_write(FILE *to, const json_t *result)
{
	json_t *list = json_is_array(result) ? json_incref((json_t *)(uintptr_t)result)
					     : json_pack("[O]", result);
	json_t *names = json_object(), *row, *value;
	char *line = malloc(CTL_CSV_LINE_MAX);
	struct writer w = writer_over(line, line ? CTL_CSV_LINE_MAX : 0);
	const char *name;
	size_t i;

	json_array_foreach(list, i, row)
	{
		json_object_foreach(row, name, value)(void)
			json_object_set_new(names, name, json_null());
	}
	json_object_foreach(names, name, value)
	{
		writer_str(&w, w.n ? "," : "");
		csv_cell_write(&w, bytes_str(name), false);
	}
	(void)fprintf(to, "%.*s\r\n", (int)w.n, line ? line : "");
	json_array_foreach(list, i, row)
	{
		bool first = true;

		w = writer_over(line, line ? CTL_CSV_LINE_MAX : 0);
		json_object_foreach(names, name, value)
		{
			writer_str(&w, first ? "" : ",");
			first = false;
			csv_value_write(&w, name, json_object_get(row, name));
		}
		(void)fprintf(to, "%.*s\r\n", (int)w.n, line ? line : "");
		if (w.overflow)
			ctl_complain("row %zu is too long: it is cut", i + 1);
	}
	free(line);
	json_decref(names);
	json_decref(list);
}

/* ---- quality of calls ---- */

/* Of both legs, joined by '/': what came from a, and from b. */
static json_t *both_legs(const json_t *row, int places, double (*of)(const json_t *, char))
{
	char text[2][32] = { "-", "-" };

	for (size_t i = 0; i < COUNT_OF(text); i++) {
		double value = of(row, i ? 'b' : 'a');

		if (value >= 0)
			(void)snprintf(text[i], sizeof(text[i]), "%.*f", places, value);
	}
	return json_sprintf("%s/%s", text[0], text[1]);
}

static double leg_number(const json_t *row, char leg, const char *name)
{
	char member[64];

	(void)snprintf(member, sizeof(member), "%c_%s", leg, name);
	return (double)json_count(row, member);
}

static double leg_mos(const json_t *row, char leg)
{
	double mos = leg_number(row, leg, "mos_in_hundredths");

	return mos > 0 ? mos / 100 : -1;
}

static double leg_loss(const json_t *row, char leg)
{
	double lost = leg_number(row, leg, "lost"), came = leg_number(row, leg, "packets_in");

	return came + lost > 0 ? 100 * lost / (came + lost) : -1;
}

static double leg_jitter(const json_t *row, char leg)
{
	return leg_number(row, leg, "packets_in") > 0 ? leg_number(row, leg, "jitter_us") / 1000
						      : -1;
}

json_t *ctl_quality_rows(const json_t *records)
{
	static const char *const kept[] = { "id", "from", "to", "end_utc_ms" };
	json_t *out = json_array();
	const json_t *row;
	size_t i;

	json_array_foreach(records, i, row)
	{
		json_t *one = json_object();

		for (size_t k = 0; k < COUNT_OF(kept); k++)
			(void)json_object_set(one, kept[k], json_object_get(row, kept[k]));
		(void)json_object_set_new(
			one, "talk_s",
			json_integer((json_int_t)((json_count(row, "talk_ms") + 500) / 1000)));
		(void)json_object_set(one, "sip", json_object_get(row, "sip_status"));
		(void)json_object_set_new(one, "loss_%", both_legs(row, 1, leg_loss));
		(void)json_object_set_new(one, "jitter", both_legs(row, 0, leg_jitter));
		(void)json_object_set_new(one, "mos", both_legs(row, 2, leg_mos));
		(void)json_object_set(one, "cause", json_object_get(row, "cause"));
		(void)json_array_append_new(out, one);
	}
	return out;
}
