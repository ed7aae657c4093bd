/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Phone books as desk phones of Yealink, Snom and Grandstream ask for them: XML over HTTP, below
 * /phonebook/. A book is what contact.list and directory.list answer in the user's name, so rights
 * and bounds are theirs. A phone may replace its book by the answer: where contacts are not known
 * now, the answer is an error, and no shorter book. Control thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/page.h"
#include "app/feature/contact/contacts.h"
#include "app/node/node.h"
#include "app/settings/settings.h"
#include "base/fair.h"
#include "base/json_member.h"
#include "sig/sip/body.h"

enum {
	BOOK_ENTRIES_MAX = 2000,
	BOOK_OCTETS_MAX = 512 << 10,
	BOOKS_MAX = 32, /* that are made at once */
	BOOK_PAGE = 200,
	BOOK_TAIL_ROOM = 64,
	BOOK_NUMBER_MAX = 64,
};

static struct fair g_phone_books; /* that are being made; closed while none is */

struct phone_book_format {
	const char *name, *head, *tail;
	void (*entry)(struct writer *w, const json_t *row, uint32_t number);
};

struct phone_book {
	const struct phone_book_format *format;
	bool own, shared; /* what is still to be asked */
	json_t *args;
	struct writer w;
	uint32_t entries;
	struct fair_held held;
};

/* ---- entries ---- */

static void xml_text(struct writer *w, const char *element, const char *text)
{
	WRITER_TEXTS(w, "<", element, ">");
	xml_write(w, bytes_str(text));
	WRITER_TEXTS(w, "</", element, ">");
}

/* Writes the number as phones dial it, without separators; one with letters stays as it is. */
static void number_dialled(const char *number, char out[BOOK_NUMBER_MAX])
{
	size_t n = 0;
	bool letters = false;

	for (const char *at = number; *at; at++)
		letters |= (*at | 0x20) >= 'a' && (*at | 0x20) <= 'z';
	for (; *number && n < BOOK_NUMBER_MAX - 1; number++) {
		if (letters || strchr("0123456789*#", *number) || (*number == '+' && !n))
			out[n++] = *number;
	}
	out[n] = '\0';
}

/* Calls fn for each number of a row, beginning with the default one. Returns how many there are. */
typedef void number_fn(struct writer *w, const json_t *row, const char *number, const char *kind);

static uint32_t numbers_each(struct writer *w, const json_t *row, number_fn *fn)
{
	const char *first = json_text(row, "number"), *kind = "";
	char number[BOOK_NUMBER_MAX];
	const json_t *one;
	uint32_t count = 0;
	size_t i;

	json_array_foreach(json_object_get(row, "phones"), i, one)
	{
		if (!strcmp(json_text(one, "number"), first))
			kind = json_text(one, "kind");
	}
	number_dialled(first, number);
	if (number[0] && ++count && fn)
		fn(w, row, number, kind);
	json_array_foreach(json_object_get(row, "phones"), i, one)
	{
		number_dialled(json_text(one, "number"), number);
		if (number[0] && strcmp(json_text(one, "number"), first) != 0 && ++count && fn)
			fn(w, row, number, json_text(one, "kind"));
	}
	return count;
}

static void yealink_number(struct writer *w, const json_t *row, const char *number,
			   const char *kind)
{
	(void)row;
	writer_str(w, "<Telephone label=\"");
	xml_write(w, bytes_str(kind[0] ? kind : "number"));
	writer_str(w, "\">");
	xml_write(w, bytes_str(number));
	writer_str(w, "</Telephone>");
}

static void yealink_entry(struct writer *w, const json_t *row, uint32_t number)
{
	(void)number;
	writer_str(w, "<DirectoryEntry>");
	xml_text(w, "Name", json_text(row, "name"));
	(void)numbers_each(w, row, yealink_number);
	writer_str(w, "</DirectoryEntry>\n");
}

/* Writes a number: an entry of Snom has one. */
static void snom_number(struct writer *w, const json_t *row, const char *number, const char *kind)
{
	writer_str(w, "<DirectoryEntry><Name>");
	xml_write(w, bytes_str(json_text(row, "name")));
	if (kind[0] && json_array_size(json_object_get(row, "phones")) > 1) {
		writer_str(w, " (");
		xml_write(w, bytes_str(kind));
		writer_str(w, ")");
	}
	writer_str(w, "</Name>");
	xml_text(w, "Telephone", number);
	writer_str(w, "</DirectoryEntry>\n");
}

static void snom_entry(struct writer *w, const json_t *row, uint32_t number)
{
	(void)number;
	(void)numbers_each(w, row, snom_number);
}

static void grandstream_number(struct writer *w, const json_t *row, const char *number,
			       const char *kind)
{
	(void)row;
	WRITER_TEXTS(w, "<Phone type=\"",
		     !strcmp(kind, "mobile") ? "Cell"
		     : !strcmp(kind, "home") ? "Home"
					     : "Work",
		     "\">");
	xml_text(w, "phonenumber", number);
	writer_str(w, "<accountindex>0</accountindex></Phone>");
}

static void grandstream_entry(struct writer *w, const json_t *row, uint32_t number)
{
	bool parts = json_text(row, "first_name")[0] || json_text(row, "last_name")[0];
	char id[16];

	(void)snprintf(id, sizeof(id), "%u", (unsigned)number);
	writer_str(w, "<Contact>");
	xml_text(w, "id", id);
	xml_text(w, "FirstName", parts ? json_text(row, "first_name") : json_text(row, "name"));
	xml_text(w, "LastName", parts ? json_text(row, "last_name") : "");
	xml_text(w, "Company", json_text(row, "company"));
	xml_text(w, "Department", json_text(row, "department"));
	(void)numbers_each(w, row, grandstream_number);
	writer_str(w, "</Contact>\n");
}

#define XML "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

static const struct phone_book_format g_phone_book_formats[] = {
	{ "yealink", XML "<YealinkIPPhoneDirectory>\n", "</YealinkIPPhoneDirectory>\n",
	  yealink_entry },
	{ "snom", XML "<SnomIPPhoneDirectory>\n<Title>Directory</Title>\n<Prompt>Dial</Prompt>\n",
	  "</SnomIPPhoneDirectory>\n", snom_entry },
	{ "grandstream", XML "<AddressBook>\n", "</AddressBook>\n", grandstream_entry },
};

/* Returns false when the book is full. A row without a number is left out. */
static bool phone_book_add(struct phone_book *b, const json_t *row)
{
	struct writer before = b->w;

	if (!numbers_each(NULL, row, NULL))
		return true;
	if (b->entries == BOOK_ENTRIES_MAX)
		return false;
	b->format->entry(&b->w, row, ++b->entries);
	if (!b->w.overflow)
		return true;
	b->w = before;
	return false;
}

/* ---- a request ---- */

static void phone_book_next(struct page_run *run);

static void phone_book_leave(struct phone_book *b)
{
	fair_give(&g_phone_books, &b->held);
	if (!g_phone_books.taken)
		fair_close(&g_phone_books);
}

/* Returns false if no place is left, for all or in the share of the tenant or user. */
static bool phone_book_enter(const struct page_run *run, struct phone_book *b)
{
	const struct fair_who who = { .name = { [FAIR_TENANT] = bytes_str(run->who.tenant),
						[FAIR_USER] = bytes_str(run->who.user) } };

	if (!g_phone_books.max)
		fair_open(&g_phone_books, BOOKS_MAX, &run->node->rand);
	return fair_admit(&g_phone_books, &who, 1, &b->held) == FAIR_FINE;
}

/* why: what went wrong; NULL for a whole book. */
static void phone_book_end(struct page_run *run, unsigned status, const char *why)
{
	struct page_answer answer = { .status = status, .type = "text/xml; charset=utf-8" };
	struct phone_book *b = run->kept;

	phone_book_leave(b);
	json_decref(b->args);
	if (why) {
		free(b->w.p);
		page_refuse(run, status, why);
		return;
	}
	b->w.cap += BOOK_TAIL_ROOM;
	writer_str(&b->w, b->format->tail);
	answer.text = (char *)b->w.p;
	answer.n = b->w.n;
	page_answer(run, &answer);
}

static void phone_book_on_page(json_t *answer, void *arg)
{
	const json_t *error = json_object_get(answer, "error"), *row;
	char *text = error ? NULL : command_result_text(answer);
	json_t *rows = text ? json_loads(text, 0, NULL) : NULL;
	json_t *next = json_object_get(answer, "next");
	struct page_run *run = arg;
	struct phone_book *b = run->kept;
	bool full = false;
	size_t i;

	free(text);
	json_array_foreach(rows, i, row) full = full || !phone_book_add(b, row);
	if (next)
		(void)json_object_set(b->args, "cursor", next);
	else
		(void)json_object_del(b->args, "cursor");
	if (!next && b->own)
		b->own = false;
	else if (!next)
		b->shared = false;
	if (error)
		phone_book_end(run,
			       command_error_status(command_error_named(json_text(error, "code"))),
			       json_text(error, "message"));
	else if (!rows || json_object_get(answer, "missing"))
		phone_book_end(run, 503, "the contacts are not known now: try again");
	else if (full)
		phone_book_end(run, 200, NULL);
	else
		phone_book_next(run);
	json_decref(rows);
	json_decref(answer);
}

static void phone_book_next(struct page_run *run)
{
	struct phone_book *b = run->kept;
	const char *command = b->own ? "contact.list" : "directory.list";
	json_t *args;

	if (!b->own && !b->shared) {
		phone_book_end(run, 200, NULL);
		return;
	}
	if (!page_may(run, command)) {
		phone_book_end(run, 403, "this token does not allow that book");
		return;
	}
	args = json_copy(b->args);
	if (b->own)
		(void)json_object_set_new(args, "user", json_string(run->who.user));
	page_command(run, command, args, phone_book_on_page);
	json_decref(args);
}

/* FORMAT[/contacts|/directory][/phonebook.xml]; Grandstream phones append the last part. Returns
 * NULL for any other path. */
static const struct phone_book_format *path_format(const char *path, bool *own, bool *shared)
{
	struct bytes rest = bytes_str(path), part;
	const struct phone_book_format *found = NULL;

	if (!bytes_cut(&rest, '/', &part))
		return NULL;
	for (size_t i = 0; i < COUNT_OF(g_phone_book_formats); i++) {
		if (bytes_is(part, g_phone_book_formats[i].name))
			found = &g_phone_book_formats[i];
	}
	*own = !bytes_starts(rest, "directory");
	*shared = !bytes_starts(rest, "contacts");
	if ((!*own || !*shared) && bytes_cut(&rest, '/', &part) && !bytes_is(part, "contacts") &&
	    !bytes_is(part, "directory"))
		return NULL;
	return !rest.n || bytes_is(rest, "phonebook.xml") ? found : NULL;
}

/* Reads the text to look for; NULL for all entries. Phones leave their placeholder if nothing was
 * typed. Returns false if it is no UTF-8. */
static bool search_read(const char *arguments, json_t **out)
{
	struct bytes rest = bytes_str(arguments), line, name;

	while (bytes_cut(&rest, '\n', &line)) {
		bool has = bytes_cut(&line, '=', &name) && bytes_is(name, "search");

		if (has && line.n && !bytes_is(line, "#SEARCH")) {
			*out = json_stringn((const char *)line.p, line.n);
			return *out != NULL;
		}
	}
	return true;
}

void contact_phone_book(struct page_run *run)
{
	struct phone_book *b = calloc(1, sizeof(*b));
	const size_t cap = BOOK_OCTETS_MAX - BOOK_TAIL_ROOM;
	uint8_t *space = b && phone_book_enter(run, b) ? malloc(BOOK_OCTETS_MAX) : NULL;
	json_t *search = NULL;

	run->kept = b;
	if (!space) {
		if (b)
			phone_book_leave(b);
		page_refuse(run, 503, "too many phone books at once: try again");
		return;
	}
	b->format = path_format(run->path, &b->own, &b->shared);
	if (!b->format || !search_read(run->arguments, &search)) {
		phone_book_leave(b);
		free(space);
		page_refuse(run, b->format ? 400 : 404,
			    b->format ? "search is not UTF-8"
				      : "yealink, snom or grandstream; then contacts or directory");
		return;
	}
	b->w = writer_over(space, cap);
	b->own = b->own && (run->node->settings->archive.enabled || !b->shared);
	b->args = json_pack("{s:i}", "limit", BOOK_PAGE);
	if (search)
		(void)json_object_set_new(b->args, "search", search);
	writer_str(&b->w, b->format->head);
	phone_book_next(run);
}
