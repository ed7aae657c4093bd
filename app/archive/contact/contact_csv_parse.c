/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contacts in files of spreadsheets (base/csv.h): one row each, under a heading that says what a
 * column is: as Google and Outlook export them, and our own, which loses nothing but pictures and
 * what vCards have besides. Files are anybody's: all is bounded, and fuzzed.
 */
#include "app/archive/contact/contact.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/json.h"

/* What a cell is: a text; one of several numbers or addresses with a kind; the kind of the one that
 * follows it. */
enum cell_is { CELL_NOTHING, CELL_TEXT, CELL_PHONE, CELL_EMAIL, CELL_KIND };

static const struct csv_column {
	const char *heading;
	enum cell_is is;
	const char *what; /* a member, or a kind; NULL: that of the cell before */
	uint8_t forms;    /* 1 << enum contact_csv: that write it */
} g_columns[] = {
#define OWN     (1 << CONTACT_CSV_OWN)
#define GOOGLE  (1 << CONTACT_CSV_GOOGLE)
#define OUTLOOK (1 << CONTACT_CSV_OUTLOOK)
	{ "Contact", CELL_TEXT, "uid", OWN },
	{ "Name", CELL_TEXT, "name", OWN },
	{ "Job Title", CELL_TEXT, "title", OWN | OUTLOOK },
	{ "Name Prefix", CELL_TEXT, "prefix", OWN | GOOGLE },
	{ "Title", CELL_TEXT, "prefix", OUTLOOK },
	{ "First Name", CELL_TEXT, "first_name", OWN | GOOGLE | OUTLOOK },
	{ "Given Name", CELL_TEXT, "first_name", 0 },
	{ "Middle Name", CELL_TEXT, "middle_name", OWN | GOOGLE | OUTLOOK },
	{ "Additional Name", CELL_TEXT, "middle_name", 0 },
	{ "Last Name", CELL_TEXT, "last_name", OWN | GOOGLE | OUTLOOK },
	{ "Family Name", CELL_TEXT, "last_name", 0 },
	{ "Name Suffix", CELL_TEXT, "suffix", OWN | GOOGLE },
	{ "Suffix", CELL_TEXT, "suffix", OUTLOOK },
	{ "Company", CELL_TEXT, "company", OWN | OUTLOOK },
	{ "Organization Name", CELL_TEXT, "company", GOOGLE },
	{ "Organization 1 - Name", CELL_TEXT, "company", 0 },
	{ "Department", CELL_TEXT, "department", OWN | OUTLOOK },
	{ "Organization Department", CELL_TEXT, "department", GOOGLE },
	{ "Organization 1 - Department", CELL_TEXT, "department", 0 },
	{ "Organization Title", CELL_TEXT, "title", GOOGLE },
	{ "Organization 1 - Title", CELL_TEXT, "title", 0 },
	{ "Default Number", CELL_TEXT, "default_number", OWN },
	{ "Line", CELL_TEXT, "line", OWN },
	{ "Business Phone", CELL_PHONE, "work", OUTLOOK },
	{ "Business Phone 2", CELL_PHONE, "work", OUTLOOK },
	{ "Company Main Phone", CELL_PHONE, "work", 0 },
	{ "Home Phone", CELL_PHONE, "home", OUTLOOK },
	{ "Home Phone 2", CELL_PHONE, "home", OUTLOOK },
	{ "Mobile Phone", CELL_PHONE, "mobile", OUTLOOK },
	{ "Car Phone", CELL_PHONE, "mobile", 0 },
	{ "Primary Phone", CELL_PHONE, "landline", OUTLOOK },
	{ "Pager", CELL_PHONE, "pager", OUTLOOK },
	{ "Business Fax", CELL_PHONE, "fax", OUTLOOK },
	{ "Home Fax", CELL_PHONE, "fax", 0 },
	{ "Other Phone", CELL_PHONE, "other", OUTLOOK },
	{ "E-mail Address", CELL_EMAIL, "work", OUTLOOK },
	{ "E-mail 2 Address", CELL_EMAIL, "home", OUTLOOK },
	{ "E-mail 3 Address", CELL_EMAIL, "other", OUTLOOK },
	{ "Notes", CELL_TEXT, "note", OWN | GOOGLE | OUTLOOK },
	{ "Note", CELL_TEXT, "note", 0 },
	/* the first of so many: "Phone 1 - Label", "Phone 1 - Value", ... */
	{ "Phone # - Label", CELL_KIND, "phone", OWN | GOOGLE },
	{ "Phone # - Type", CELL_KIND, "phone", 0 },
	{ "Phone # - Value", CELL_PHONE, NULL, OWN | GOOGLE },
	{ "E-mail # - Label", CELL_KIND, "email", OWN | GOOGLE },
	{ "E-mail # - Type", CELL_KIND, "email", 0 },
	{ "E-mail # - Value", CELL_EMAIL, NULL, OWN | GOOGLE },
#undef OWN
#undef GOOGLE
#undef OUTLOOK
};
enum { COLUMN_UNKNOWN = 255, GOOGLE_PHONES = 4, GOOGLE_EMAILS = 3, HEADING_ROOM = 64 };

/* ---- headings ---- */

/* '#' stands for any number. */
static bool heading_is(struct bytes text, const char *heading)
{
	size_t i = 0;

	for (; *heading; heading++) {
		size_t from = i;

		while (*heading == '#' && i < text.n && text.p[i] >= '0' && text.p[i] <= '9')
			i++;
		if (i > from)
			continue;
		if (i == text.n || !bytes_ieq_n(text.p + i, (const uint8_t *)heading, 1))
			return false;
		i++;
	}
	return i == text.n;
}

static uint8_t column_find(struct bytes heading)
{
	for (size_t i = 0; i < COUNT_OF(g_columns); i++) {
		if (heading_is(heading, g_columns[i].heading))
			return (uint8_t)i;
	}
	return COLUMN_UNKNOWN;
}

static int csv_wrong(const struct csv_reader *r, char why[SQL_WHY_MAX], const char *wrong)
{
	(void)snprintf(why, SQL_WHY_MAX, "row %u: %s", r->row, wrong);
	return -EBADMSG;
}

/* The next cell of a row. NULL, or what is wrong. */
static const char *cell_next(struct csv_reader *r, struct bytes *cell, bool *last)
{
	struct writer w = writer_over(r->text, r->rest.n + 1);
	const char *wrong = csv_cell_read(&r->rest, &w, last);

	*cell = writer_done(&w);
	return wrong                                            ? wrong
	       : utf8_is(*cell) && !memchr(r->text, 0, cell->n) ? NULL
								: "it is not UTF-8";
}

static void csv_unknown_note(struct csv_reader *r, struct bytes heading)
{
	size_t n = strlen(r->unknown);

	if (heading.n && n + heading.n + 3 < sizeof(r->unknown))
		(void)snprintf(r->unknown + n, sizeof(r->unknown) - n, "%s" BYTES_FMT,
			       n ? ", " : "", BYTES_ARG(heading));
}

/* Without Outlook's own column for jobs, a title is one. */
static void title_settle(struct csv_reader *r)
{
	bool job = false;
	uint8_t title = column_find(BYTES_LIT("Job Title"));

	for (uint32_t i = 0; i < r->count; i++)
		job |= r->columns[i] == title;
	for (uint32_t i = 0; i < r->count && !job; i++) {
		if (r->columns[i] == column_find(BYTES_LIT("Title")))
			r->columns[i] = title;
	}
}

int csv_open(struct csv_reader *r, struct bytes file, char why[SQL_WHY_MAX])
{
	bool last = false, any = false;

	if (bytes_starts(file, "\xef\xbb\xbf"))
		file = bytes_from(file, 3);
	*r = (struct csv_reader){ .rest = file, .row = 1, .text = malloc(file.n + 1) };
	if (!r->text)
		return -ENOMEM;
	while (!last && r->rest.n) {
		struct bytes heading;
		const char *wrong = cell_next(r, &heading, &last);
		uint8_t column;

		if (!wrong && r->count == CSV_COLUMNS_MAX)
			wrong = "a file has 128 columns at most";
		if (wrong)
			return csv_wrong(r, why, wrong);
		column = column_find(bytes_trim(heading));
		any |= column != COLUMN_UNKNOWN;
		if (column == COLUMN_UNKNOWN)
			csv_unknown_note(r, bytes_trim(heading));
		r->columns[r->count++] = column;
	}
	title_settle(r);
	return any ? 0
		   : csv_wrong(r, why,
			       "no column of Google, Outlook or tandem is named there, such as "
			       "First Name");
}

void csv_close(struct csv_reader *r)
{
	free(r->text);
	r->text = NULL;
}

/* ---- rows ---- */

/* As people and programs name kinds: "Mobile", "* Work", "Work Fax". */
static const char *csv_kind_of(struct bytes label, bool phone)
{
	static const struct {
		const char *word, *kind;
	} words[] = {
		{ "fax", "fax" },       { "pager", "pager" },       { "mobile", "mobile" },
		{ "cell", "mobile" },   { "work", "work" },         { "home", "home" },
		{ "main", "landline" }, { "landline", "landline" },
	};

	for (size_t i = 0; i < COUNT_OF(words); i++) {
		size_t n = strlen(words[i].word);

		for (size_t at = 0; at + n <= label.n; at++) {
			if (bytes_iis(bytes_sub(label, at, n), words[i].word) &&
			    (phone || !strcmp(words[i].kind, "work") ||
			     !strcmp(words[i].kind, "home")))
				return words[i].kind;
		}
	}
	return "other";
}

/* What was written so that no spreadsheet takes it for a formula. */
static struct bytes unguarded(struct bytes cell)
{
	if (cell.n > 1 && cell.p[0] == '\'' && strchr("=+-@", cell.p[1]))
		return bytes_from(cell, 1);
	return cell;
}

static void csv_item_add(json_t *contact, bool phone, const char *kind, struct bytes value)
{
	const char *list = phone ? "phones" : "emails", *what = phone ? "number" : "address";
	json_t *items = json_object_get(contact, list), *item = json_object();

	contact_text_set(item, what, unguarded(bytes_trim(value)),
			 phone ? CONTACT_NAME_MAX : CONTACT_TEXT_MAX, false);
	(void)json_object_set_new(item, "kind", json_string(kind));
	if (!contact_text(item, what)[0] ||
	    (phone && !strpbrk(contact_text(item, what), "0123456789")) ||
	    json_array_size(items) >= (phone ? CONTACT_PHONES_MAX : CONTACT_EMAILS_MAX)) {
		json_decref(item);
		return;
	}
	if (!items) {
		items = json_array();
		(void)json_object_set_new(contact, list, items);
	}
	(void)json_array_append_new(items, item);
}

/* Google has several values of a kind in one cell, between " ::: ". */
static void csv_items_add(json_t *contact, bool phone, const char *kind, struct bytes cell)
{
	static const char between[] = ":::";
	size_t n = 0;

	while (n < cell.n) {
		if (!bytes_starts(bytes_from(cell, n), between)) {
			n++;
			continue;
		}
		csv_item_add(contact, phone, kind, bytes_sub(cell, 0, n));
		cell = bytes_from(cell, n + sizeof(between) - 1);
		n = 0;
	}
	csv_item_add(contact, phone, kind, cell);
}

/* kinds: of the next number, and of the next address. */
static void cell_read(json_t *contact, const struct csv_column *c, struct bytes cell,
		      const char *kinds[2])
{
	bool note = c->what && !strcmp(c->what, "note");

	switch (c->is) {
	case CELL_TEXT:
		if (!json_object_get(contact, c->what))
			contact_text_set(contact, c->what, unguarded(bytes_trim(cell)),
					 note ? CONTACT_NOTE_MAX
					 : !strcmp(c->what, "department") ||
							 !strcmp(c->what, "title") ||
							 !strcmp(c->what, "uid")
						 ? CONTACT_TEXT_MAX
						 : CONTACT_NAME_MAX,
					 note);
		break;
	case CELL_KIND:
		kinds[strcmp(c->what, "phone") != 0] = csv_kind_of(cell, !strcmp(c->what, "phone"));
		break;
	case CELL_PHONE:
		csv_items_add(contact, true, c->what ? c->what : kinds[0], cell);
		kinds[0] = "other";
		break;
	case CELL_EMAIL:
		csv_items_add(contact, false, c->what ? c->what : kinds[1], cell);
		kinds[1] = "other";
		break;
	case CELL_NOTHING:
		break;
	}
}

/* Of what a row says. NULL, or what is wrong. */
static const char *csv_row_read(struct csv_reader *r, json_t *contact, bool *empty)
{
	const char *kinds[2] = { "other", "other" };
	bool last = false;

	*empty = true;
	for (uint32_t i = 0; !last; i++) {
		struct bytes cell = { 0 };
		const char *wrong = NULL;

		if (r->rest.n)
			wrong = cell_next(r, &cell, &last);
		else
			last = true; /* the file ends behind a ',' */
		if (wrong)
			return wrong;
		*empty &= !bytes_trim(cell).n;
		if (i < r->count && r->columns[i] != COLUMN_UNKNOWN)
			cell_read(contact, &g_columns[r->columns[i]], cell, kinds);
	}
	return NULL;
}

int csv_read(struct csv_reader *r, json_t **contact, char why[SQL_WHY_MAX])
{
	char wrong[SQL_WHY_MAX / 2];
	const char *said;
	bool empty;
	json_t *made;

	*contact = NULL;
	do {
		if (!r->rest.n)
			return 0;
		r->row++;
		made = json_object();
		said = csv_row_read(r, made, &empty);
		if (said) {
			r->rest = (struct bytes){ 0 }; /* where the next row begins nobody knows */
			json_decref(made);
			return csv_wrong(r, why, said);
		}
		if (empty)
			json_decref(made);
	} while (empty);
	if (!contact_finish(made, why)) {
		*contact = made;
		return 0;
	}
	json_decref(made);
	(void)snprintf(wrong, sizeof(wrong), "%.120s", why);
	return csv_wrong(r, why, wrong);
}

/* ---- writing ---- */

static bool is_many(const struct csv_column *c)
{
	return strchr(c->heading, '#');
}

static uint32_t many_of(const struct csv_column *c, enum contact_csv form)
{
	bool phone = !strncmp(c->heading, "Phone", 5);

	if (form == CONTACT_CSV_OWN)
		return phone ? CONTACT_PHONES_MAX : CONTACT_EMAILS_MAX;
	return phone ? GOOGLE_PHONES : GOOGLE_EMAILS;
}

static void csv_headings_write(struct writer *w, const char *heading, uint32_t number)
{
	for (; *heading; heading++) {
		if (*heading == '#')
			writer_u64(w, number);
		else
			writer_u8(w, (uint8_t)*heading);
	}
}

void csv_heading_write(struct writer *w, enum contact_csv form)
{
	size_t begin = w->n;

	for (size_t i = 0; i < COUNT_OF(g_columns); i++) {
		const struct csv_column *c = &g_columns[i];

		if (!(c->forms & 1 << form))
			continue;
		if (!is_many(c)) {
			WRITER_TEXTS(w, w->n > begin ? "," : "", c->heading);
			continue;
		}
		if (c->is != CELL_KIND) /* written with its label */
			continue;
		for (uint32_t n = 1; n <= many_of(c, form); n++) {
			bool phone = !strcmp(c->what, "phone");

			writer_str(w, ",");
			csv_headings_write(w, phone ? "Phone # - Label" : "E-mail # - Label", n);
			writer_str(w, ",");
			csv_headings_write(w, phone ? "Phone # - Value" : "E-mail # - Value", n);
		}
	}
	writer_str(w, "\r\n");
}

/* Digits and their separators behind a sign are no formula. */
static void csv_text_write(struct writer *w, const char *text)
{
	bool number = (text[0] == '+' || text[0] == '-') &&
		      !text[1 + strspn(text + 1, "0123456789 -/().")];

	csv_cell_write(w, bytes_str(text), !number);
}

static void many_write(struct writer *w, const json_t *contact, const struct csv_column *c,
		       enum contact_csv form, uint32_t *left)
{
	bool phone = !strcmp(c->what, "phone");
	const json_t *items = json_object_get(contact, phone ? "phones" : "emails");
	size_t most = many_of(c, form);

	for (size_t n = 0; n < most; n++) {
		const json_t *item = json_array_get(items, n);

		WRITER_TEXTS(w, ",", contact_text(item, "kind"), ",");
		csv_text_write(w, contact_text(item, phone ? "number" : "address"));
	}
	*left += json_array_size(items) > most ? (uint32_t)(json_array_size(items) - most) : 0;
}

/* The number of that kind that has not been written yet: marked in used. */
static const char *item_of_kind(const json_t *items, const char *what, const char *kind,
				uint32_t *used)
{
	const json_t *one;
	size_t i;

	json_array_foreach(items, i, one)
	{
		if ((*used & 1u << i) || strcmp(contact_text(one, "kind"), kind) != 0)
			continue;
		*used |= 1u << i;
		return contact_text(one, what);
	}
	return "";
}

uint32_t csv_write(struct writer *w, const json_t *contact, enum contact_csv form, const char *id)
{
	const json_t *phones = json_object_get(contact, "phones");
	const json_t *emails = json_object_get(contact, "emails");
	uint32_t used_phones = 0, used_emails = 0, left = 0;
	bool first = true;

	for (size_t i = 0; i < COUNT_OF(g_columns); i++) {
		const struct csv_column *c = &g_columns[i];
		const char *text =
			c->what && c->is == CELL_TEXT ? contact_text(contact, c->what) : "";

		if (!(c->forms & 1 << form) || (is_many(c) && c->is != CELL_KIND))
			continue;
		if (c->is == CELL_KIND) {
			many_write(w, contact, c, form, &left);
			continue;
		}
		if (c->is == CELL_PHONE)
			text = item_of_kind(phones, "number", c->what, &used_phones);
		else if (c->is == CELL_EMAIL)
			text = item_of_kind(emails, "address", c->what, &used_emails);
		else if (!strcmp(c->what, "uid") && !text[0])
			text = id;
		writer_str(w, first ? "" : ",");
		csv_text_write(w, text);
		first = false;
	}
	writer_str(w, "\r\n");
	if (form == CONTACT_CSV_OUTLOOK)
		left = (uint32_t)(json_array_size(phones) + json_array_size(emails)) -
		       (uint32_t)__builtin_popcount(used_phones) -
		       (uint32_t)__builtin_popcount(used_emails);
	return left;
}
