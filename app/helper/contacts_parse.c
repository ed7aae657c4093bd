/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Multistatus answers of CardDAV servers (RFC 4918 14.16), read by expat: which cards have changed,
 * which are gone, the cards themselves and the sync-token (RFC 6578 6.4). A document type is
 * refused, and with it all entities. And pages of contacts as JSON: people.connections.list of
 * Google, the contact delta of Microsoft Graph, and persons of Pipedrive (API v2). Each becomes the
 * members of a contact as the archive has them, which judges lengths and numbers.
 */
#include <errno.h>
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/helper/contacts_parse.h"
#include "base/json_member.h"

/* ---- CardDAV ---- */

enum { TEXT_ROOM = 512 << 10, DEPTH_MAX = 32 };

struct dav_answer_parse {
	struct contacts_page *page;
	XML_Parser parser;
	int err;
	uint32_t depth, propstat; /* propstat: the depth of the one that is open; 0: none */
	bool takes;               /* the text of this element */
	char *text;
	size_t n;
	/* Of the response that is open. */
	char href[CONTACTS_ID_MAX];
	bool bad_href, gone, cut;
	json_t *card;
};

static void answer_stop(struct dav_answer_parse *p, int err)
{
	if (!p->err)
		p->err = err;
	(void)XML_StopParser(p->parser, XML_FALSE);
}

void contacts_card_write(struct writer *w, struct bytes card)
{
	bool drops = false;
	struct bytes line;

	while (card.n) {
		size_t end = bytes_find(card, '\n');
		struct bytes name;

		line = bytes_sub(card, 0, end < card.n ? end + 1 : end);
		card = bytes_from(card, line.n);
		name = bytes_sub(line, 0, bytes_find(line, ':'));
		name = bytes_sub(name, 0, bytes_find(name, ';'));
		if (bytes_find(name, '.') < name.n)
			name = bytes_from(name, bytes_find(name, '.') + 1);
		if (line.p[0] != ' ' && line.p[0] != '\t')
			drops = bytes_iis(name, "PHOTO");
		if (!drops)
			writer_bytes(w, line);
	}
}

/* Its text, without photos where it is long. NULL: it is too long all the same, or no text. */
static json_t *card_keep(struct bytes text)
{
	char *room;
	struct writer w;
	json_t *card;

	if (text.n <= CONTACTS_CARD_MAX)
		return json_stringn((const char *)text.p, text.n);
	room = malloc(CONTACTS_CARD_MAX);
	w = writer_over(room, room ? CONTACTS_CARD_MAX : 0);
	contacts_card_write(&w, text);
	card = w.overflow ? NULL : json_stringn(room, w.n);
	free(room);
	return card;
}

/* ---- elements ---- */

static void XMLCALL on_answer_start(void *arg, const XML_Char *name, const XML_Char **attributes)
{
	static const char *const texts[] = { "DAV: href", "DAV: status", "DAV: sync-token",
					     "urn:ietf:params:xml:ns:carddav address-data" };
	struct dav_answer_parse *p = arg;

	(void)attributes;
	p->n = 0;
	p->takes = false;
	if (++p->depth > DEPTH_MAX) {
		answer_stop(p, -E2BIG);
		return;
	}
	if (p->depth == 1 && strcmp(name, "DAV: multistatus") != 0)
		answer_stop(p, -EBADMSG);
	if (p->depth == 2 && !strcmp(name, "DAV: response")) {
		p->href[0] = '\0';
		p->bad_href = p->gone = p->cut = false;
		json_decref(p->card);
		p->card = NULL;
	}
	if (!strcmp(name, "DAV: propstat"))
		p->propstat = p->depth;
	for (size_t i = 0; i < COUNT_OF(texts) && !p->takes; i++)
		p->takes = !strcmp(name, texts[i]);
}

static void XMLCALL on_answer_text(void *arg, const XML_Char *text, int n)
{
	struct dav_answer_parse *p = arg;

	if (!p->takes)
		return;
	if ((size_t)n > TEXT_ROOM - p->n) {
		p->takes = false; /* that card is left out */
		p->n = 0;
		return;
	}
	memcpy(p->text + p->n, text, (size_t)n);
	p->n += (size_t)n;
}

/* The status of a response, not that of its properties. */
static void answer_status(struct dav_answer_parse *p, struct bytes text)
{
	struct bytes version;

	(void)bytes_cut(&text, ' ', &version);
	p->gone |= bytes_starts(text, "404") || bytes_starts(text, "410");
	p->cut |= bytes_starts(text, "507");
}

static void answer_href(struct dav_answer_parse *p, struct bytes text)
{
	if (p->href[0] || p->depth != 3)
		return;
	p->bad_href = bytes_cstr(text, p->href, sizeof(p->href)) != 0;
}

static void response_end(struct dav_answer_parse *p)
{
	struct contacts_page *page = p->page;
	size_t n = strlen(p->href);

	if (json_array_size(page->found) + json_array_size(page->names) +
		    json_array_size(page->gone) >=
	    CONTACTS_LIST_MAX) {
		answer_stop(p, -E2BIG);
		return;
	}
	if (p->cut)
		page->more = true; /* RFC 6578 3.6: that of the collection */
	else if (p->bad_href)
		page->failed++;
	else if (!n || p->href[n - 1] == '/')
		return;
	else if (p->gone)
		(void)json_array_append_new(page->gone, json_string(p->href));
	else if (p->card)
		(void)json_array_append_new(page->found, json_pack("{s:s, s:O}", "id", p->href,
								   "card", p->card));
	else
		(void)json_array_append_new(page->names, json_string(p->href));
}

static void XMLCALL on_answer_end(void *arg, const XML_Char *name)
{
	struct dav_answer_parse *p = arg;
	struct bytes text = bytes_trim(bytes_mem(p->text, p->n));

	if (p->takes && !strcmp(name, "DAV: href")) {
		answer_href(p, text);
	} else if (p->takes && !strcmp(name, "DAV: status") && !p->propstat) {
		answer_status(p, text);
	} else if (p->takes && !strcmp(name, "DAV: sync-token") && p->depth == 2) {
		if (bytes_cstr(text, p->page->token, CONTACTS_TOKEN_MAX))
			answer_stop(p, -E2BIG);
	} else if (p->takes && strstr(name, "address-data") && text.n) {
		json_decref(p->card);
		p->card = card_keep(text);
	}
	if (p->depth == 2 && !strcmp(name, "DAV: response"))
		response_end(p);
	if (p->depth == p->propstat)
		p->propstat = 0;
	p->takes = false;
	p->n = 0;
	p->depth--;
}

static void XMLCALL on_answer_doctype(void *arg, const XML_Char *name, const XML_Char *system,
				      const XML_Char *public, int internal)
{
	(void)name;
	(void)system;
	(void)public;
	(void)internal;
	answer_stop(arg, -EBADMSG);
}

int contacts_parse_dav(struct contacts_page *out, struct bytes body)
{
	struct dav_answer_parse p = { .page = out, .text = malloc(TEXT_ROOM) };
	enum XML_Status status = XML_STATUS_ERROR;

	p.err = contacts_page_init(out);
	p.parser = XML_ParserCreateNS(NULL, ' ');
	if (!p.text || !p.parser)
		p.err = -ENOMEM;
	if (!p.err) {
		XML_SetUserData(p.parser, &p);
		XML_SetElementHandler(p.parser, on_answer_start, on_answer_end);
		XML_SetCharacterDataHandler(p.parser, on_answer_text);
		XML_SetStartDoctypeDeclHandler(p.parser, on_answer_doctype);
		status = XML_Parse(p.parser, (const char *)body.p, (int)body.n, XML_TRUE);
	}
	if (!p.err && status != XML_STATUS_OK)
		p.err = -EBADMSG;
	if (p.parser)
		XML_ParserFree(p.parser);
	json_decref(p.card);
	free(p.text);
	return p.err;
}

/* ---- members of JSON ---- */

/* Members of a contact by those of a service. */
struct contacts_name {
	const char *ours, *theirs;
};

static void labelled_read(json_t *to, const json_t *from, const struct contacts_name *names,
			  size_t n)
{
	for (size_t i = 0; i < n; i++) {
		json_t *text = json_object_get(from, names[i].theirs);

		if (json_string_length(text))
			(void)json_object_set(to, names[i].ours, text);
	}
}

const char *contacts_kind(const char *word)
{
	static const struct contacts_name kinds[] = {
		{ "fax", "fax" },      { "pager", "pager" },   { "mobile", "mobile" },
		{ "mobile", "cell" },  { "work", "work" },     { "work", "main" },
		{ "work", "company" }, { "work", "business" }, { "home", "home" },
	};
	char lower[32];
	size_t n = 0;

	for (; word[n] && n < sizeof(lower) - 1; n++)
		lower[n] = (char)(word[n] >= 'A' && word[n] <= 'Z' ? word[n] | 0x20 : word[n]);
	lower[n] = '\0';
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		if (strstr(lower, kinds[i].theirs))
			return kinds[i].ours;
	}
	return "other";
}

void contacts_item_add(json_t *list, const char *what, const char *text, const char *kind)
{
	size_t most = !strcmp(what, "number") ? CONTACTS_PHONES : CONTACTS_EMAILS;

	if (text[0] && json_array_size(list) < most)
		(void)json_array_append_new(list,
					    json_pack("{s:s, s:s}", what, text, "kind", kind));
}

/* Objects with a member for a text and one for its kind. */
static void members_read(json_t *to, const char *member, const char *what, const json_t *from,
			 const struct contacts_name *by)
{
	bool mail = !strcmp(what, "address");
	json_t *list = json_array();
	const json_t *one;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)from, i, one)
	{
		const char *kind = contacts_kind(json_text(one, by->theirs));

		if (mail && strcmp(kind, "work") != 0 && strcmp(kind, "home") != 0)
			kind = "other";
		contacts_item_add(list, what, json_text(one, by->ours), kind);
	}
	(void)json_object_set_new(to, member, list);
}

/* ---- pages ---- */

/* Member of a page that says so. False: it is too long. */
static bool contacts_link_read(char out[CONTACTS_LINK_MAX], const char *text)
{
	return snprintf(out, CONTACTS_LINK_MAX, "%s", text) < CONTACTS_LINK_MAX;
}

struct contacts_one {
	char id[CONTACTS_ID_MAX];
	json_t *contact; /* NULL: it is gone */
};

static struct contacts_one one_of(const char *id)
{
	struct contacts_one one = { .contact = NULL };

	if (strlen(id) < sizeof(one.id))
		(void)snprintf(one.id, sizeof(one.id), "%s", id);
	return one;
}

static int page_add(struct contacts_page *page, const struct contacts_one *one)
{
	int err = 0;

	if (json_array_size(page->found) + json_array_size(page->gone) + page->failed >=
	    CONTACTS_ROWS_MAX)
		err = -E2BIG;
	else if (!one->id[0])
		page->failed++;
	else if (one->contact
			 ? json_array_append_new(page->found, json_pack("{s:s, s:O}", "id", one->id,
									"contact", one->contact))
			 : json_array_append_new(page->gone, json_string(one->id)))
		err = -ENOMEM;
	json_decref(one->contact);
	return err;
}

/* list: the member that has them; absent: an empty one, where it may be. */
static int page_parse(struct contacts_page *out, struct bytes body, const char *list, bool may,
		      struct contacts_one (*take)(const json_t *row), json_t **answer)
{
	const json_t *rows, *row;
	int err = 0;
	size_t i;

	err = contacts_page_init(out);
	*answer = json_loadb((const char *)body.p, body.n, 0, NULL);
	rows = json_object_get(*answer, list);
	if (!json_is_object(*answer) || (!json_is_array(rows) && (rows || !may)))
		return -EBADMSG;
	json_array_foreach(rows, i, row)
	{
		struct contacts_one one;

		if (err)
			break;
		one = take(row);
		err = page_add(out, &one);
	}
	return err;
}

int contacts_page_init(struct contacts_page *out)
{
	*out = (struct contacts_page){ .found = json_array(),
				       .names = json_array(),
				       .gone = json_array(),
				       .token = calloc(1, CONTACTS_TOKEN_MAX) };
	return out->found && out->names && out->gone && out->token ? 0 : -ENOMEM;
}

int contacts_row_add(const struct contacts_page *page, json_t *list, json_t *row)
{
	if (json_array_size(page->found) + json_array_size(page->gone) +
		    json_array_size(page->names) >=
	    CONTACTS_ROWS_MAX) {
		json_decref(row);
		return -E2BIG;
	}
	return json_array_append_new(list, row) ? -ENOMEM : 0;
}

void contacts_page_clear(struct contacts_page *p)
{
	json_decref(p->found);
	json_decref(p->names);
	json_decref(p->gone);
	free(p->token);
	*p = (struct contacts_page){ 0 };
}

/* ---- Google ---- */

static struct contacts_one google_read(const json_t *person)
{
	static const struct contacts_name names[] = {
		{ "name", "displayName" },       { "first_name", "givenName" },
		{ "middle_name", "middleName" }, { "last_name", "familyName" },
		{ "prefix", "honorificPrefix" }, { "suffix", "honorificSuffix" },
	};
	static const struct contacts_name works[] = { { "company", "name" },
						      { "department", "department" },
						      { "title", "title" } };
	static const struct contacts_name by = { "value", "type" };
	struct contacts_one one = one_of(json_text(person, "resourceName"));

	if (json_flag(json_object_get(person, "metadata"), "deleted"))
		return one;
	one.contact = json_object();
	labelled_read(one.contact, json_array_get(json_object_get(person, "names"), 0), names,
		      COUNT_OF(names));
	labelled_read(one.contact, json_array_get(json_object_get(person, "organizations"), 0),
		      works, COUNT_OF(works));
	members_read(one.contact, "phones", "number", json_object_get(person, "phoneNumbers"), &by);
	members_read(one.contact, "emails", "address", json_object_get(person, "emailAddresses"),
		     &by);
	return one;
}

int contacts_parse_google(struct contacts_page *out, struct bytes body)
{
	json_t *answer;
	int err = page_parse(out, body, "connections", true, google_read, &answer);

	if (!err && (!contacts_link_read(out->next, json_text(answer, "nextPageToken")) ||
		     !contacts_link_read(out->token, json_text(answer, "nextSyncToken"))))
		err = -E2BIG;
	json_decref(answer);
	return err;
}

/* ---- Microsoft ---- */

static void phones_read(json_t *phones, const json_t *from, const char *kind)
{
	const json_t *number;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)from, i, number) contacts_item_add(
		phones, "number", json_is_string(number) ? json_string_value(number) : "", kind);
}

static struct contacts_one microsoft_read(const json_t *row)
{
	static const struct contacts_name names[] = {
		{ "name", "displayName" },       { "first_name", "givenName" },
		{ "middle_name", "middleName" }, { "last_name", "surname" },
		{ "prefix", "title" },           { "suffix", "generation" },
		{ "company", "companyName" },    { "department", "department" },
		{ "title", "jobTitle" },
	};
	static const struct contacts_name by = { "address", "type" };
	struct contacts_one one = one_of(json_text(row, "id"));
	json_t *phones;

	if (json_object_get(row, "@removed"))
		return one;
	one.contact = json_object();
	labelled_read(one.contact, row, names, COUNT_OF(names));
	phones = json_array();
	contacts_item_add(phones, "number", json_text(row, "mobilePhone"), "mobile");
	phones_read(phones, json_object_get(row, "businessPhones"), "work");
	phones_read(phones, json_object_get(row, "homePhones"), "home");
	(void)json_object_set_new(one.contact, "phones", phones);
	members_read(one.contact, "emails", "address", json_object_get(row, "emailAddresses"), &by);
	contacts_item_add(json_object_get(one.contact, "emails"), "address", json_text(row, "mail"),
			  "work"); /* of a user */
	return one;
}

int contacts_parse_microsoft(struct contacts_page *out, struct bytes body)
{
	json_t *answer;
	int err = page_parse(out, body, "value", false, microsoft_read, &answer);

	if (!err && (!contacts_link_read(out->next, json_text(answer, "@odata.nextLink")) ||
		     !contacts_link_read(out->token, json_text(answer, "@odata.deltaLink"))))
		err = -E2BIG;
	json_decref(answer);
	return err;
}

/* ---- Pipedrive ---- */

static struct contacts_one pipedrive_read(const json_t *row)
{
	static const struct contacts_name names[] = { { "name", "name" },
						      { "first_name", "first_name" },
						      { "last_name", "last_name" },
						      { "title", "job_title" } };
	static const struct contacts_name by = { "value", "label" };
	struct contacts_one one = one_of("");

	if (json_count(row, "id"))
		(void)snprintf(one.id, sizeof(one.id), "%llu",
			       (unsigned long long)json_count(row, "id"));
	if (json_flag(row, "is_deleted"))
		return one;
	one.contact = json_object();
	labelled_read(one.contact, row, names, COUNT_OF(names));
	members_read(one.contact, "phones", "number", json_object_get(row, "phones"), &by);
	members_read(one.contact, "emails", "address", json_object_get(row, "emails"), &by);
	return one;
}

int contacts_parse_pipedrive(struct contacts_page *out, struct bytes body)
{
	json_t *answer;
	int err = page_parse(out, body, "data", false, pipedrive_read, &answer);

	if (!err &&
	    !contacts_link_read(out->next, json_text(json_object_get(answer, "additional_data"),
						     "next_cursor")))
		err = -E2BIG;
	json_decref(answer);
	return err;
}
