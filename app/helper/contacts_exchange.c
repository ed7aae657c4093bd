/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of Exchange Web Services, read by expat: what has changed in a folder (SyncFolderItems),
 * what is in a public one (FindItem), the contacts themselves (GetItem), and when somebody is busy
 * (GetUserAvailability). Elements are known by their local names, because servers have some of them
 * in either of both namespaces. A document type is refused, and with it all entities.
 */
#include <errno.h>
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/helper/contacts_parse.h"

enum { EXCHANGE_TEXT = CONTACTS_TOKEN_MAX, EXCHANGE_DEPTH = 24 };

enum exchange_change { CHANGE_NONE, CHANGE_THERE, CHANGE_GONE };

struct exchange_parse {
	struct contacts_page *page;
	XML_Parser parser;
	int err;
	uint32_t depth;
	bool changes;                /* in a list of changes or items: contacts have ids alone */
	enum exchange_change change; /* the one that is open */
	json_t *contact;             /* of GetItem: the one that is open; NULL: none */
	char id[CONTACTS_ID_MAX];    /* its id; "": none that fits */
	char key[32];                /* of the Entry that is open */
	char from[40], until[40];    /* of the meeting that is open */
	char text[EXCHANGE_TEXT];    /* of the element that is open */
	size_t n;                    /* sizeof(text): it is longer */
};

static void exchange_stop(struct exchange_parse *p, int err)
{
	if (!err)
		return;
	if (!p->err)
		p->err = err;
	(void)XML_StopParser(p->parser, XML_FALSE);
}

static const char *exchange_local(const char *name)
{
	const char *at = strrchr(name, ' ');

	return at ? at + 1 : name;
}

static const char *exchange_attribute(const char **attributes, const char *name)
{
	for (; *attributes; attributes += 2) {
		if (!strcmp(attributes[0], name))
			return attributes[1];
	}
	return "";
}

static void exchange_id(struct exchange_parse *p, const char *id)
{
	struct contacts_page *page = p->page;

	if (!id[0] || strlen(id) >= sizeof(p->id))
		page->failed++;
	else if (p->change)
		exchange_stop(p, contacts_row_add(
					 page, p->change == CHANGE_GONE ? page->gone : page->names,
					 json_string(id)));
	else
		(void)snprintf(p->id, sizeof(p->id), "%s", id);
}

static void exchange_folder_id(struct exchange_parse *p, const char *id)
{
	p->change = CHANGE_THERE;
	exchange_id(p, id);
	p->change = CHANGE_NONE;
}

/* Of FindItem: where the next page begins. */
static void exchange_root(struct exchange_parse *p, const char **attributes)
{
	p->changes = true;
	p->page->more = !strcmp(exchange_attribute(attributes, "IncludesLastItemInRange"), "false");
	if (p->page->more)
		(void)snprintf(p->page->token, CONTACTS_TOKEN_MAX, "%s",
			       exchange_attribute(attributes, "IndexedPagingOffset"));
}

static void exchange_contact_new(struct exchange_parse *p)
{
	json_decref(p->contact);
	p->id[0] = '\0';
	p->contact = json_pack("{s:[], s:[]}", "phones", "emails");
	exchange_stop(p, p->contact ? 0 : -ENOMEM);
}

static void XMLCALL on_exchange_start(void *arg, const XML_Char *name, const XML_Char **attributes)
{
	struct exchange_parse *p = arg;

	name = exchange_local(name);
	p->n = 0;
	if (++p->depth > EXCHANGE_DEPTH)
		exchange_stop(p, -E2BIG);
	else if (p->depth == 1 && strcmp(name, "Envelope") != 0)
		exchange_stop(p, -EBADMSG);
	else if (!strcmp(name, "Changes"))
		p->changes = true;
	else if (!strcmp(name, "RootFolder"))
		exchange_root(p, attributes);
	else if (!strcmp(name, "Delete"))
		p->change = CHANGE_GONE;
	else if (!strcmp(name, "Contact") && p->changes)
		p->change = CHANGE_THERE;
	else if (!strcmp(name, "Contact"))
		exchange_contact_new(p);
	else if (!strcmp(name, "ItemId") && (p->change || p->contact))
		exchange_id(p, exchange_attribute(attributes, "Id"));
	else if (!strcmp(name, "FolderId"))
		exchange_folder_id(p, exchange_attribute(attributes, "Id"));
	else if (!strcmp(name, "Entry"))
		(void)snprintf(p->key, sizeof(p->key), "%s", exchange_attribute(attributes, "Key"));
}

static void XMLCALL on_exchange_text(void *arg, const XML_Char *text, int n)
{
	struct exchange_parse *p = arg;

	if (p->n + (size_t)n >= sizeof(p->text)) {
		p->n = sizeof(p->text);
		return;
	}
	memcpy(p->text + p->n, text, (size_t)n);
	p->n += (size_t)n;
}

/* ---- what an element was ---- */

static void exchange_code(struct exchange_parse *p, const char *code)
{
	static const struct {
		const char *code;
		int err;
	} rows[] = {
		{ "NoError", 0 },
		{ "ErrorItemNotFound", 0 }, /* that one alone */
		{ "ErrorInvalidSyncStateData", -ESTALE },
		{ "ErrorServerBusy", -EBUSY },
		{ "ErrorAccessDenied", -EACCES },
		{ "ErrorNonExistentMailbox", -EACCES },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (!strcmp(rows[i].code, code)) {
			exchange_stop(p, rows[i].err);
			return;
		}
	}
	(void)snprintf(p->page->refused, sizeof(p->page->refused), "%s", code);
	exchange_stop(p, -EBADMSG);
}

static void exchange_entry(struct exchange_parse *p, const char *text)
{
	bool mail = !strncmp(p->key, "EmailAddress", 12);

	if (!mail)
		contacts_item_add(json_object_get(p->contact, "phones"), "number", text,
				  contacts_kind(p->key));
	else if (strchr(text, '@')) /* or a name within the organisation */
		contacts_item_add(json_object_get(p->contact, "emails"), "address", text, "other");
}

/* Of the contact that is open. */
static void exchange_member(struct exchange_parse *p, const char *name, const char *text)
{
	static const struct {
		const char *theirs, *ours;
	} rows[] = {
		{ "DisplayName", "name" },       { "FirstName", "first_name" },
		{ "MiddleName", "middle_name" }, { "LastName", "last_name" },
		{ "Title", "prefix" },           { "Suffix", "suffix" },
		{ "CompanyName", "company" },    { "Department", "department" },
		{ "JobTitle", "title" },
	};

	if (!strcmp(name, "Entry")) {
		exchange_entry(p, text);
	} else if (!strcmp(name, "Contact")) {
		if (p->id[0])
			exchange_stop(p, contacts_row_add(p->page, p->page->found,
							  json_pack("{s:s, s:O}", "id", p->id,
								    "contact", p->contact)));
		json_decref(p->contact);
		p->contact = NULL;
	}
	for (size_t i = 0; i < COUNT_OF(rows) && p->contact && text[0]; i++) {
		if (!strcmp(rows[i].theirs, name))
			(void)json_object_set_new(p->contact, rows[i].ours, json_string(text));
	}
}

/* Of a folder, or of a meeting. */
static void exchange_element(struct exchange_parse *p, const char *name, const char *text)
{
	if (!strcmp(name, "SyncState"))
		(void)snprintf(p->page->token, CONTACTS_TOKEN_MAX, "%s", text);
	else if (!strcmp(name, "IncludesLastItemInRange"))
		p->page->more = !strcmp(text, "false");
	else if (!strcmp(name, "ResponseCode"))
		exchange_code(p, text);
	else if (!strcmp(name, "StartTime"))
		(void)snprintf(p->from, sizeof(p->from), "%s", text);
	else if (!strcmp(name, "EndTime"))
		(void)snprintf(p->until, sizeof(p->until), "%s", text);
	else if (!strcmp(name, "BusyType") && !strcmp(text, "Busy"))
		exchange_stop(p, meetings_add(p->page, bytes_str(p->from), bytes_str(p->until)));
	else if (!strcmp(name, "Changes") || !strcmp(name, "RootFolder"))
		p->changes = false;
	if (!strcmp(name, "Contact") || !strcmp(name, "Delete"))
		p->change = CHANGE_NONE;
}

static void XMLCALL on_exchange_end(void *arg, const XML_Char *name)
{
	struct exchange_parse *p = arg;

	name = exchange_local(name);
	if (p->n == sizeof(p->text)) {
		p->n = 0;
		exchange_stop(p, strcmp(name, "SyncState") != 0 ? 0 : -E2BIG);
	}
	p->text[p->n] = '\0';
	if (p->contact)
		exchange_member(p, name, p->text);
	else
		exchange_element(p, name, p->text);
	p->n = 0;
	p->depth--;
}

static void XMLCALL on_exchange_doctype(void *arg, const XML_Char *name, const XML_Char *system,
					const XML_Char *public, int internal)
{
	(void)name;
	(void)system;
	(void)public;
	(void)internal;
	exchange_stop(arg, -EBADMSG);
}

int exchange_parse(struct contacts_page *out, struct bytes body)
{
	int err = contacts_page_init(out);
	struct exchange_parse *p = calloc(1, sizeof(*p));
	enum XML_Status status = XML_STATUS_ERROR;

	if (p)
		p->parser = XML_ParserCreateNS(NULL, ' ');
	if (!err && (!p || !p->parser))
		err = -ENOMEM;
	if (!err) {
		p->page = out;
		XML_SetUserData(p->parser, p);
		XML_SetElementHandler(p->parser, on_exchange_start, on_exchange_end);
		XML_SetCharacterDataHandler(p->parser, on_exchange_text);
		XML_SetStartDoctypeDeclHandler(p->parser, on_exchange_doctype);
		status = XML_Parse(p->parser, (const char *)body.p, (int)body.n, XML_TRUE);
		err = p->err ? p->err : status == XML_STATUS_OK ? 0 : -EBADMSG;
	}
	if (p && p->parser)
		XML_ParserFree(p->parser);
	if (p)
		json_decref(p->contact);
	free(p);
	return err;
}
