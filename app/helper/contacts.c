/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks other services for the contacts that they have, a page at a time: CardDAV (RFC 6352, with
 * RFC 6578), Google People, Microsoft Graph, Pipedrive and Exchange (EWS). And calendars for the
 * meetings of a time: CalDAV (RFC 4791 7.10), Google, Graph and Exchange. What a page needs of the
 * one before, such as names of cards and an access token, stays here for a while, under a random
 * number that the node gives back, and for the same service, url, login, account and password
 * alone. What an answer brings is handed out in slices that the link to the node and a transaction
 * of the archive have room for. Addresses are checked as those of webhooks are, certificates are
 * verified, and no redirect is followed.
 *
 * args: service, url ("": that of the service), login, account, password, networks, folder (its
 * name; "": Contacts), token (of the former run; "": all contacts), next (a page of before), from_s
 * and until_s (of meetings; UTC).
 * result: found (a list of id, and card or contact; or of from_ms and until_ms), gone (a list of
 * ids), kept (a list of ids that are there, and could not be read), failed (how many have no id),
 * token (the next run begins there; absent: where it began), next (absent: that was all);
 * or reason (a word) and detail, and retry_s where the service says when.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "app/helper/contacts_parse.h"
#include "app/helper/helper.h"
#include "base/json_member.h"
#include "base/rand.h"

enum {
	CONTACTS_DAV_MAX = 8 << 20, /* octets of an answer, */
	CONTACTS_JSON_MAX = 2 << 20,
	CONTACTS_SLICE_OCTETS = 256 << 10, /* of a result, */
	CONTACTS_SLICE = 200,              /* and its contacts */
	CONTACTS_FETCH_MS = 20000,
	CONTACTS_CARDS = 40,    /* of a request, at first */
	CONTACTS_NAMES = 1000,  /* of a list, where the server cuts it */
	CONTACTS_CHANGES = 512, /* likewise of Exchange, which gives no more */
	CONTACTS_HELD_MAX = 16, /* runs that wait for their next page, */
	CONTACTS_HELD_S = 180,  /* and for how long */
	CONTACTS_RETRY_MAX_S = 86400,
	CONTACTS_URL_MAX = CONTACTS_LINK_MAX + 512,
	CONTACTS_ACCESS_MAX = 6144,
	CONTACTS_OWN_URL_MAX = 512,
	CONTACTS_OF_MAX = 65, /* a hash in hex */
	CONTACTS_FOLDER_MAX = 128,
};

#define CONTACTS_GLOBAL "Global Address List" /* in place of a folder */
#define CONTACTS_PUBLIC "Public Folders/"     /* in front of a path of folders */
#define PERSON_FIELDS   "names,emailAddresses,phoneNumbers,organizations,metadata"
#define USER_FIELDS                                                                  \
	"displayName,givenName,surname,companyName,department,jobTitle,mobilePhone," \
	"businessPhones,mail"
#define CONTACT_FIELDS                                                                      \
	"displayName,givenName,middleName,surname,title,generation,companyName,department," \
	"jobTitle,mobilePhone,businessPhones,homePhones,emailAddresses"

enum contacts_step { STEP_ACCESS, STEP_FOLDER, STEP_LIST, STEP_CARDS };

struct contacts {
	json_t *args; /* a reference */
	const struct contacts_service *service;
	enum contacts_step step;
	struct http_own own;
	struct curl_slist *headers;
	char url[CONTACTS_OWN_URL_MAX]; /* without a slash at its end, but for WebDAV; "": none */
	/* Of the run: of, access, token, next, more; place, pages and most (list_goes_round);
	 * names, at and cards (how many are asked for at once); and ready: what is to be handed
	 * out before anything else is asked. */
	json_t *state;
};

struct contacts_service {
	const char *name, *url;
	const char *access; /* where access tokens are given (RFC 6749); NULL: no such */
	contacts_parse_fn *parse;
	/* Writes the request for a list. False: the request is too long. */
	bool (*list)(const struct contacts *c, struct writer *url, struct writer *body);
	/* Writes the request for the id of a folder by its name. NULL: it has no folders. */
	bool (*folder)(const struct contacts *c, struct writer *url, struct writer *body);
	/* Writes the request for these of its names. NULL: a list has all of them. */
	void (*cards)(struct writer *body, const json_t *names, size_t at, size_t end);
	const char *depth; /* of a REPORT (RFC 3253 3.6); NULL: another method */
};

static const char g_google_access[] = "https://oauth2.googleapis.com/token";

static const char *contacts_arg(const struct contacts *c, const char *name)
{
	return json_text(c->args, name);
}

static const char *contacts_url(const struct contacts *c)
{
	return c->url[0] ? c->url : c->service->url;
}

static bool contacts_are_public(const struct contacts *c)
{
	return c->service->parse == exchange_parse &&
	       bytes_starts(bytes_str(contacts_arg(c, "folder")), CONTACTS_PUBLIC);
}

/* ---- what is held between pages ---- */

static struct contacts_held {
	uint64_t id, until_ns;
	json_t *state; /* NULL: free */
} g_held[CONTACTS_HELD_MAX];

static void held_drop(struct contacts_held *held)
{
	json_decref(held->state);
	*held = (struct contacts_held){ 0 };
}

/* A number that JSON has room for, and nobody guesses; never 0. */
static uint64_t held_id(void)
{
	struct rand_source rand;

	rand_open_system(&rand);
	return rand_u64_from(&rand) >> 11 | 1;
}

/* In a free place, else in that of the oldest. state: a reference. */
static uint64_t held_put(json_t *state)
{
	struct contacts_held *at = &g_held[0];
	uint64_t now_ns = clock_now_ns();

	for (size_t i = 0; i < CONTACTS_HELD_MAX; i++) {
		if (g_held[i].until_ns <= now_ns)
			held_drop(&g_held[i]);
		if (g_held[i].until_ns < at->until_ns)
			at = &g_held[i];
	}
	held_drop(at);
	*at = (struct contacts_held){ .id = held_id(),
				      .until_ns = now_ns + CONTACTS_HELD_S * NS_PER_S,
				      .state = json_incref(state) };
	return at->id;
}

/* The caller's; NULL: it is gone, or not of that service, login and so on. */
static json_t *held_remove(uint64_t id, const char *of)
{
	json_t *state = NULL;

	for (size_t i = 0; i < CONTACTS_HELD_MAX && !state; i++) {
		if (g_held[i].id != id || !g_held[i].state)
			continue;
		if (!strcmp(json_text(g_held[i].state, "of"), of))
			state = json_incref(g_held[i].state);
		held_drop(&g_held[i]);
		break;
	}
	return state;
}

/* A hash of service, url, login, account and password. False: no memory. */
static bool contacts_args_hash(char out[CONTACTS_OF_MAX], const json_t *args)
{
	json_t *list = json_pack("[s, s, s, s, s]", json_text(args, "service"),
				 json_text(args, "url"), json_text(args, "login"),
				 json_text(args, "account"), json_text(args, "password"));
	char *text = list ? json_dumps(list, JSON_COMPACT) : NULL;
	struct writer w = writer_over(out, CONTACTS_OF_MAX - 1);
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (text && EVP_Digest(text, strlen(text), hash, &n, EVP_sha256(), NULL) == 1)
		writer_hex(&w, bytes_mem(hash, n));
	out[w.n] = '\0';
	if (text)
		OPENSSL_cleanse(text, strlen(text));
	free(text);
	json_decref(list);
	return w.n == CONTACTS_OF_MAX - 1;
}

/* ---- answers ---- */

static void contacts_refuse(struct helper *h, struct helper_request *r, const char *reason,
			    const char *detail, json_int_t retry_s)
{
	helper_answer(h, r,
		      json_pack("{s:s, s:s, s:I}", "reason", reason, "detail", detail, "retry_s",
				retry_s));
}

/* Moves as many from the front of a list as there is room for: of contacts, one that is longer than
 * all the room goes to kept. False: some are left. */
static bool slice_move(json_t *answer, const json_t *ready, const char *member, size_t *octets,
		       size_t *count)
{
	json_t *from = json_object_get(ready, member), *to = json_array();

	while (json_array_size(from) && *count) {
		json_t *one = json_array_get(from, 0);
		size_t n = json_dumpb(one, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY) + 1;

		if (n > CONTACTS_SLICE_OCTETS) {
			(void)json_array_append(json_object_get(ready, "kept"),
						json_object_get(one, "id"));
		} else if (n > *octets) {
			break;
		} else {
			(void)json_array_append(to, one);
			*octets -= n;
			(*count)--;
		}
		(void)json_array_remove(from, 0);
	}
	(void)json_object_set_new(answer, member, to);
	return !json_array_size(from);
}

/* A slice of what is ready; with the last one goes its token. */
static void contacts_slice_answer(struct helper *h, struct helper_request *r)
{
	const struct contacts *c = r->work;
	const json_t *ready = json_object_get(c->state, "ready");
	json_t *answer = json_object();
	size_t octets = CONTACTS_SLICE_OCTETS, count = CONTACTS_SLICE;
	bool all = slice_move(answer, ready, "found", &octets, &count) &&
		   slice_move(answer, ready, "gone", &octets, &count) &&
		   slice_move(answer, ready, "kept", &octets, &count),
	     more = !all || json_flag(ready, "more");

	if (all) {
		if (json_text(ready, "token")[0])
			(void)json_object_set(answer, "token", json_object_get(ready, "token"));
		(void)json_object_set(answer, "failed", json_object_get(ready, "failed"));
		(void)json_object_del(c->state, "ready");
	}
	if (more)
		(void)json_object_set_new(answer, "next",
					  json_integer((json_int_t)held_put(c->state)));
	helper_answer(h, r, answer);
}

/* Of a page; kept: those that it should have; NULL: none. token "": not said. more: state has what
 * the next one needs. */
static void contacts_answer(struct helper *h, struct helper_request *r,
			    const struct contacts_page *page, json_t *kept, const char *token,
			    bool more)
{
	const struct contacts *c = r->work;
	json_t *ready = json_pack("{s:O, s:O, s:o, s:i, s:s, s:b}", "found", page->found, "gone",
				  page->gone, "kept", kept ? kept : json_array(), "failed",
				  (int)page->failed, "token", token, "more", (int)more);

	if (contacts_are_public(c)) /* an offset is of this run alone */
		(void)json_object_set_new(ready, "token", json_string(""));

	if (ready && !json_object_set_new(c->state, "ready", ready))
		contacts_slice_answer(h, r);
	else
		helper_fail(h, r, "no memory");
}

/* ---- requests ---- */

static bool head_add(struct contacts *c, const char *name, const char *value)
{
	size_t n = strlen(name) + strlen(value) + 3;
	char *line = malloc(n);
	struct curl_slist *more = NULL;

	if (line && snprintf(line, n, "%s: %s", name, value) > 0)
		more = curl_slist_append(c->headers, line);
	if (line)
		OPENSSL_cleanse(line, n);
	free(line);
	if (more)
		c->headers = more;
	return more;
}

static bool heads_set(struct contacts *c)
{
	const char *access = json_text(c->state, "access");
	char bearer[CONTACTS_ACCESS_MAX + 8];
	bool ok = head_add(c, "Accept", c->service->access ? "application/json" : "*/*");

	if (c->step == STEP_ACCESS)
		return ok;
	if (access[0]) {
		(void)snprintf(bearer, sizeof(bearer), "Bearer %s", access);
		ok = ok && head_add(c, "Authorization", bearer) &&
		     head_add(c, "Content-Type", "application/json") &&
		     head_add(c, "Prefer", "odata.maxpagesize=100, outlook.timezone=\"UTC\"");
		OPENSSL_cleanse(bearer, sizeof(bearer));
	} else if (!c->service->url[0]) {
		ok = ok && head_add(c, "Content-Type", "text/xml; charset=utf-8");
		if (c->service->depth) {
			ok = ok && head_add(c, "Depth", c->service->depth);
			(void)curl_easy_setopt(c->own.easy, CURLOPT_CUSTOMREQUEST, "REPORT");
		}
		(void)curl_easy_setopt(c->own.easy, CURLOPT_HTTPAUTH,
				       (long)(c->service->parse == exchange_parse
						      ? CURLAUTH_BASIC | CURLAUTH_NTLM
						      : CURLAUTH_BASIC));
		(void)curl_easy_setopt(c->own.easy, CURLOPT_USERNAME, contacts_arg(c, "login"));
		(void)curl_easy_setopt(c->own.easy, CURLOPT_PASSWORD, contacts_arg(c, "password"));
	} else {
		ok = ok && head_add(c, "x-api-token", contacts_arg(c, "password"));
	}
	return ok;
}

/* body empty: GET. */
static bool contacts_fetch(struct helper *h, struct helper_request *r, const char *url,
			   struct bytes body)
{
	struct contacts *c = r->work;
	bool ok = http_own_open(&c->own, r, url, "https,http", "",
				c->service->cards ? CONTACTS_DAV_MAX : CONTACTS_JSON_MAX) &&
		  http_gate_read(&c->own.gate, c->args);
	CURL *e = c->own.easy;

	curl_slist_free_all(c->headers);
	c->headers = NULL;
	if (!ok)
		return false;
	(void)curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)CONTACTS_FETCH_MS);
	if (body.n) {
		(void)curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
		(void)curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS, (const char *)body.p);
	}
	ok = heads_set(c);
	(void)curl_easy_setopt(e, CURLOPT_HTTPHEADER, c->headers);
	return ok && curl_multi_add_handle(h->multi, e) == CURLM_OK;
}

static void form_write(struct writer *w, const char *before, const char *value)
{
	char *text = curl_easy_escape(NULL, value, 0);

	WRITER_TEXTS(w, before, text ? text : "");
	w->overflow |= !text;
	if (text)
		OPENSSL_cleanse(text, strlen(text));
	curl_free(text);
}

static void contacts_xml_write(struct writer *w, const char *text)
{
	for (; *text; text++) {
		if (*text == '&')
			writer_str(w, "&amp;");
		else if (*text == '<')
			writer_str(w, "&lt;");
		else if (*text == '>')
			writer_str(w, "&gt;");
		else if (*text == '"')
			writer_str(w, "&quot;");
		else
			writer_u8(w, (uint8_t)*text);
	}
}

/* Where the list goes on: as the page of before says, else as the former run does. */
static const char *list_token(const struct contacts *c)
{
	const char *token = json_text(c->state, "token");

	return token[0] ? token : contacts_arg(c, "token");
}

static bool dav_list(const struct contacts *c, struct writer *url, struct writer *body)
{
	writer_str(url, contacts_url(c));
	writer_str(body, "<?xml version=\"1.0\" encoding=\"utf-8\"?><d:sync-collection "
			 "xmlns:d=\"DAV:\"><d:sync-token>");
	contacts_xml_write(body, list_token(c));
	writer_fmt(body,
		   "</d:sync-token><d:sync-level>1</d:sync-level><d:limit><d:nresults>%d"
		   "</d:nresults></d:limit><d:prop><d:getetag/></d:prop></d:sync-collection>",
		   CONTACTS_NAMES);
	return !url->overflow && !body->overflow;
}

static bool google_list(const struct contacts *c, struct writer *url, struct writer *body)
{
	const char *token = contacts_arg(c, "token"), *next = json_text(c->state, "next");

	(void)body;
	WRITER_TEXTS(url, contacts_url(c), "/v1/people/me/connections?personFields=" PERSON_FIELDS,
		     "&pageSize=200&requestSyncToken=true");
	if (token[0])
		form_write(url, "&syncToken=", token);
	if (next[0])
		form_write(url, "&pageToken=", next);
	return !url->overflow;
}

/* Links are whole URLs: they lead nowhere but to the service, which alone gets the access token.
 * True: there is one, and *ok says whether it does. */
static bool microsoft_link(const struct contacts *c, struct writer *url, bool *ok)
{
	const char *base = contacts_url(c), *next = json_text(c->state, "next");
	const char *link = next[0] ? next : contacts_arg(c, "token");
	size_t n = strlen(base);

	writer_str(url, link[0] ? link : base);
	if (!link[0])
		form_write(url, "/users/", contacts_arg(c, "account"));
	*ok = !url->overflow && !strncmp(link, base, n) && link[n] == '/';
	return link[0];
}

/* A text in single quotes (OData 4.01 5.1.1.6.1). */
static bool microsoft_folder(const struct contacts *c, struct writer *url, struct writer *body)
{
	char quoted[2 * CONTACTS_FOLDER_MAX];
	struct writer w = writer_over(quoted, sizeof(quoted) - 1);

	(void)body;
	for (const char *at = contacts_arg(c, "folder"); *at; at++)
		WRITER_TEXTS(&w, (char[]){ *at, '\0' }, *at == '\'' ? "'" : "");
	quoted[w.n] = '\0';
	writer_str(url, contacts_url(c));
	form_write(url, "/users/", contacts_arg(c, "account"));
	form_write(url, "/contactFolders?$select=id&$filter=displayName%20eq%20%27", quoted);
	writer_str(url, "%27");
	return !url->overflow && !w.overflow;
}

/* Of the organisation: people with a mailbox, as users of the directory. */
static bool contacts_are_global(const struct contacts *c)
{
	return !strcmp(contacts_arg(c, "folder"), CONTACTS_GLOBAL);
}

static bool microsoft_list(const struct contacts *c, struct writer *url, struct writer *body)
{
	bool ok;

	(void)body;
	if (microsoft_link(c, url, &ok))
		return ok;
	if (contacts_are_global(c)) {
		url->n = 0;
		WRITER_TEXTS(url, contacts_url(c), "/users/delta?$select=" USER_FIELDS);
		return !url->overflow;
	}
	form_write(url, "/contactFolders/", json_text(c->state, "folder"));
	writer_str(url, "/contacts/delta?$select=" CONTACT_FIELDS);
	return !url->overflow;
}

static bool pipedrive_list(const struct contacts *c, struct writer *url, struct writer *body)
{
	const char *next = json_text(c->state, "next");

	(void)body;
	WRITER_TEXTS(url, contacts_url(c), "/api/v2/persons?limit=200");
	if (next[0])
		form_write(url, "&cursor=", next);
	return !url->overflow;
}

/* ---- Exchange Web Services ---- */

static void soap_open(struct writer *w)
{
	writer_str(w, "<?xml version=\"1.0\" encoding=\"utf-8\"?><s:Envelope "
		      "xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" "
		      "xmlns:m=\"http://schemas.microsoft.com/exchange/services/2006/messages\" "
		      "xmlns:t=\"http://schemas.microsoft.com/exchange/services/2006/types\">"
		      "<s:Header><t:RequestServerVersion Version=\"Exchange2010_SP2\"/></s:Header>"
		      "<s:Body>");
}

static void soap_close(struct writer *w)
{
	writer_str(w, "</s:Body></s:Envelope>");
}

static void exchange_mailbox(const struct contacts *c, struct writer *body)
{
	const char *account = contacts_arg(c, "account");

	if (!account[0])
		return;
	writer_str(body, "<t:Mailbox><t:EmailAddress>");
	contacts_xml_write(body, account);
	writer_str(body, "</t:EmailAddress></t:Mailbox>");
}

/* Writes the name of the folder to look up: of a public folder, one part of its path. Returns false
 * for the last part. */
static bool exchange_folder_name(const struct contacts *c, char out[CONTACTS_FOLDER_MAX])
{
	struct bytes rest = bytes_str(contacts_arg(c, "folder")), part = rest;
	uint64_t parts = contacts_are_public(c) ? json_count(c->state, "part") + 2 : 0;

	while (parts && bytes_cut(&rest, '/', &part))
		parts--;
	return !bytes_cstr(part, out, CONTACTS_FOLDER_MAX) && contacts_are_public(c) && rest.n;
}

static void exchange_folder_write(struct writer *body, const char *id)
{
	writer_str(body, "<t:FolderId Id=\"");
	contacts_xml_write(body, id);
	writer_str(body, "\"/>");
}

/* Of public folders those of a folder alone can be sought, not all below it. */
static bool exchange_folder(const struct contacts *c, struct writer *url, struct writer *body)
{
	const char *parent = json_text(c->state, "parent");
	bool public = contacts_are_public(c);
	char name[CONTACTS_FOLDER_MAX] = "";

	(void)exchange_folder_name(c, name);
	writer_str(url, contacts_url(c));
	soap_open(body);
	WRITER_TEXTS(body, "<m:FindFolder Traversal=\"", public ? "Shallow" : "Deep",
		     "\"><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape>"
		     "<m:Restriction><t:IsEqualTo><t:FieldURI FieldURI=\"folder:DisplayName\"/>"
		     "<t:FieldURIOrConstant><t:Constant Value=\"");
	contacts_xml_write(body, name);
	writer_str(body, "\"/></t:FieldURIOrConstant></t:IsEqualTo></m:Restriction>"
			 "<m:ParentFolderIds>");
	if (parent[0]) {
		exchange_folder_write(body, parent);
	} else {
		WRITER_TEXTS(body, "<t:DistinguishedFolderId Id=\"",
			     public ? "publicfoldersroot" : "msgfolderroot", "\">");
		if (!public)
			exchange_mailbox(c, body);
		writer_str(body, "</t:DistinguishedFolderId>");
	}
	writer_str(body, "</m:ParentFolderIds></m:FindFolder>");
	soap_close(body);
	return !url->overflow && !body->overflow;
}

/* Public folders have no changes: all of one is read each time, from an offset on. */
static void exchange_public(const struct contacts *c, struct writer *body)
{
	const char *offset = json_text(c->state, "token");

	writer_fmt(body,
		   "<m:FindItem Traversal=\"Shallow\"><m:ItemShape><t:BaseShape>IdOnly"
		   "</t:BaseShape></m:ItemShape><m:IndexedPageItemView MaxEntriesReturned=\"%d\" "
		   "Offset=\"",
		   CONTACTS_CHANGES);
	contacts_xml_write(body, offset[0] ? offset : "0");
	writer_str(body, "\" BasePoint=\"Beginning\"/><m:ParentFolderIds>");
	exchange_folder_write(body, json_text(c->state, "folder"));
	writer_str(body, "</m:ParentFolderIds></m:FindItem>");
}

static void exchange_changes(const struct contacts *c, struct writer *body)
{
	const char *token = list_token(c);

	writer_str(body, "<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape>"
			 "</m:ItemShape><m:SyncFolderId>");
	if (contacts_arg(c, "folder")[0]) {
		exchange_folder_write(body, json_text(c->state, "folder"));
	} else {
		writer_str(body, "<t:DistinguishedFolderId Id=\"contacts\">");
		exchange_mailbox(c, body);
		writer_str(body, "</t:DistinguishedFolderId>");
	}
	writer_str(body, "</m:SyncFolderId>");
	if (token[0]) {
		writer_str(body, "<m:SyncState>");
		contacts_xml_write(body, token);
		writer_str(body, "</m:SyncState>");
	}
	writer_fmt(body, "<m:MaxChangesReturned>%d</m:MaxChangesReturned></m:SyncFolderItems>",
		   CONTACTS_CHANGES);
}

static bool exchange_list(const struct contacts *c, struct writer *url, struct writer *body)
{
	writer_str(url, contacts_url(c));
	soap_open(body);
	if (contacts_are_public(c))
		exchange_public(c, body);
	else
		exchange_changes(c, body);
	soap_close(body);
	return !url->overflow && !body->overflow;
}

static void exchange_cards(struct writer *w, const json_t *names, size_t at, size_t end)
{
	static const char *const fields[] = { "DisplayName",   "CompleteName", "CompanyName",
					      "Department",    "JobTitle",     "PhoneNumbers",
					      "EmailAddresses" };

	soap_open(w);
	writer_str(w, "<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape>"
		      "<t:AdditionalProperties>");
	for (size_t i = 0; i < COUNT_OF(fields); i++)
		WRITER_TEXTS(w, "<t:FieldURI FieldURI=\"contacts:", fields[i], "\"/>");
	writer_str(w, "</t:AdditionalProperties></m:ItemShape><m:ItemIds>");
	for (; at < end; at++) {
		writer_str(w, "<t:ItemId Id=\"");
		contacts_xml_write(w, json_string_value(json_array_get(names, at)));
		writer_str(w, "\"/>");
	}
	writer_str(w, "</m:ItemIds></m:GetItem>");
	soap_close(w);
}

/* ---- meetings ---- */

/* How a service writes times: RFC 3339, the same without a zone, or iCalendar (RFC 5545). */
enum time_form { FORM_UTC, FORM_LOCAL, FORM_ICALENDAR };

static void contacts_time_write(const struct contacts *c, struct writer *w, const char *member,
				enum time_form form)
{
	time_t s = (time_t)json_count(c->args, member);
	const char *dash = form == FORM_ICALENDAR ? "" : "-", *colon = *dash ? ":" : "";
	struct tm tm = { 0 };

	(void)gmtime_r(&s, &tm);
	writer_fmt(w, "%04d%s%02d%s%02dT%02d%s%02d%s%02d%s", tm.tm_year + 1900, dash, tm.tm_mon + 1,
		   dash, tm.tm_mday, tm.tm_hour, colon, tm.tm_min, colon, tm.tm_sec,
		   form == FORM_LOCAL ? "" : "Z");
}

static bool caldav_meetings(const struct contacts *c, struct writer *url, struct writer *body)
{
	writer_str(url, contacts_url(c));
	writer_str(body, "<?xml version=\"1.0\" encoding=\"utf-8\"?><c:free-busy-query "
			 "xmlns:c=\"urn:ietf:params:xml:ns:caldav\"><c:time-range start=\"");
	contacts_time_write(c, body, "from_s", FORM_ICALENDAR);
	writer_str(body, "\" end=\"");
	contacts_time_write(c, body, "until_s", FORM_ICALENDAR);
	writer_str(body, "\"/></c:free-busy-query>");
	return !url->overflow && !body->overflow;
}

static bool google_meetings(const struct contacts *c, struct writer *url, struct writer *body)
{
	const char *account = contacts_arg(c, "account");
	json_t *id = json_string(account[0] ? account : "primary");
	char *text = json_dumps(id, JSON_ENCODE_ANY);

	WRITER_TEXTS(url, contacts_url(c), "/calendar/v3/freeBusy");
	writer_str(body, "{\"timeMin\":\"");
	contacts_time_write(c, body, "from_s", FORM_UTC);
	writer_str(body, "\",\"timeMax\":\"");
	contacts_time_write(c, body, "until_s", FORM_UTC);
	WRITER_TEXTS(body, "\",\"items\":[{\"id\":", text ? text : "", "}]}");
	free(text);
	json_decref(id);
	return !url->overflow && !body->overflow;
}

static bool microsoft_meetings(const struct contacts *c, struct writer *url, struct writer *body)
{
	bool ok;

	(void)body;
	if (microsoft_link(c, url, &ok))
		return ok;
	writer_str(url, "/calendarView?$select=start,end,showAs,isCancelled&startDateTime=");
	contacts_time_write(c, url, "from_s", FORM_UTC);
	writer_str(url, "&endDateTime=");
	contacts_time_write(c, url, "until_s", FORM_UTC);
	return !url->overflow;
}

/* In UTC: a zone without daylight saving time must name its days of change all the same. */
static bool exchange_meetings(const struct contacts *c, struct writer *url, struct writer *body)
{
	writer_str(url, contacts_url(c));
	soap_open(body);
	writer_str(body,
		   "<m:GetUserAvailabilityRequest><t:TimeZone><t:Bias>0</t:Bias><t:StandardTime>"
		   "<t:Bias>0</t:Bias><t:Time>02:00:00</t:Time><t:DayOrder>5</t:DayOrder>"
		   "<t:Month>10</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:StandardTime>"
		   "<t:DaylightTime><t:Bias>0</t:Bias><t:Time>02:00:00</t:Time><t:DayOrder>1"
		   "</t:DayOrder><t:Month>4</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek>"
		   "</t:DaylightTime></t:TimeZone><m:MailboxDataArray><t:MailboxData><t:Email>"
		   "<t:Address>");
	contacts_xml_write(body, contacts_arg(c, "account"));
	writer_str(body, "</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType>"
			 "<t:ExcludeConflicts>false</t:ExcludeConflicts></t:MailboxData>"
			 "</m:MailboxDataArray><t:FreeBusyViewOptions><t:TimeWindow><t:StartTime>");
	contacts_time_write(c, body, "from_s", FORM_LOCAL);
	writer_str(body, "</t:StartTime><t:EndTime>");
	contacts_time_write(c, body, "until_s", FORM_LOCAL);
	writer_str(body, "</t:EndTime></t:TimeWindow><t:MergedFreeBusyIntervalInMinutes>60"
			 "</t:MergedFreeBusyIntervalInMinutes><t:RequestedView>Detailed"
			 "</t:RequestedView></t:FreeBusyViewOptions>"
			 "</m:GetUserAvailabilityRequest>");
	soap_close(body);
	return !url->overflow && !body->overflow;
}

static void dav_cards(struct writer *body, const json_t *names, size_t at, size_t end);

/* Without a URL of its own a service takes login and password (RFC 7617), and XML. */
static const struct contacts_service g_services[] = {
	{ "carddav", "", NULL, contacts_parse_dav, dav_list, NULL, dav_cards, "0" },
	{ "google", "https://people.googleapis.com", g_google_access, contacts_parse_google,
	  google_list, NULL, NULL, NULL },
	{ "microsoft", "https://graph.microsoft.com/v1.0", "https://login.microsoftonline.com",
	  contacts_parse_microsoft, microsoft_list, microsoft_folder, NULL, NULL },
	{ "pipedrive", "https://api.pipedrive.com", NULL, contacts_parse_pipedrive, pipedrive_list,
	  NULL, NULL, NULL },
	{ "exchange", "", NULL, exchange_parse, exchange_list, exchange_folder, exchange_cards,
	  NULL },
	{ "caldav", "", NULL, meetings_parse_caldav, caldav_meetings, NULL, NULL, "1" },
	{ "google_calendar", "https://www.googleapis.com", g_google_access, meetings_parse_google,
	  google_meetings, NULL, NULL, NULL },
	{ "microsoft_calendar", "https://graph.microsoft.com/v1.0",
	  "https://login.microsoftonline.com", meetings_parse_microsoft, microsoft_meetings, NULL,
	  NULL, NULL },
	{ "exchange_calendar", "", NULL, exchange_parse, exchange_meetings, NULL, NULL, NULL },
};

/* Google: by a refresh token, behind the secret of the client. Microsoft: as the application, in
 * the directory of the account's domain. */
static bool access_fetch(struct helper *h, struct helper_request *r)
{
	const struct contacts *c = r->work;
	bool google = c->service->access == g_google_access;
	const char *own = c->url, *account = contacts_arg(c, "account");
	const char *domain = strchr(account, '@');
	struct bytes rest = bytes_str(contacts_arg(c, "password")), secret;
	char url[CONTACTS_URL_MAX], post[2048], text[512], refresh[512];
	struct writer u = writer_over(url, sizeof(url) - 1), w = writer_over(post, sizeof(post));
	bool ok;

	writer_str(&u, own[0] ? own : c->service->access);
	if (!google)
		form_write(&u, "/", domain ? domain + 1 : account);
	writer_str(&u, !google ? "/oauth2/v2.0/token" : own[0] ? "/token" : "");
	url[u.n] = '\0';
	secret = rest;
	if (google)
		(void)bytes_cut(&rest, ' ', &secret);
	ok = !bytes_cstr(secret, text, sizeof(text)) &&
	     !bytes_cstr(bytes_trim(rest), refresh, sizeof(refresh));
	form_write(&w, "client_id=", contacts_arg(c, "login"));
	form_write(&w, "&client_secret=", text);
	if (google)
		form_write(&w, "&grant_type=refresh_token&refresh_token=", refresh);
	else
		form_write(&w, "&grant_type=client_credentials&scope=",
			   "https://graph.microsoft.com/.default");
	ok = ok && !u.overflow && !w.overflow && contacts_fetch(h, r, url, writer_done(&w));
	OPENSSL_cleanse(post, sizeof(post));
	OPENSSL_cleanse(text, sizeof(text));
	OPENSSL_cleanse(refresh, sizeof(refresh));
	return ok;
}

/* How many cards the request asks for, from at on. */
static size_t cards_asked(const struct contacts *c)
{
	size_t left = json_array_size(json_object_get(c->state, "names")) -
		      json_count(c->state, "at"),
	       most = json_count(c->state, "cards");

	return left < most ? left : most;
}

static void dav_cards(struct writer *w, const json_t *names, size_t at, size_t end)
{
	writer_str(w, "<?xml version=\"1.0\" encoding=\"utf-8\"?><c:addressbook-multiget "
		      "xmlns:d=\"DAV:\" xmlns:c=\"urn:ietf:params:xml:ns:carddav\"><d:prop>"
		      "<d:getetag/><c:address-data/></d:prop>");
	for (; at < end; at++) {
		writer_str(w, "<d:href>");
		contacts_xml_write(w, json_string_value(json_array_get(names, at)));
		writer_str(w, "</d:href>");
	}
	writer_str(w, "</c:addressbook-multiget>");
}

static bool cards_fetch(struct helper *h, struct helper_request *r)
{
	const struct contacts *c = r->work;
	const json_t *names = json_object_get(c->state, "names");
	size_t at = json_count(c->state, "at");
	size_t room = 2048 + CONTACTS_CARDS * (6 * (size_t)CONTACTS_ID_MAX);
	char *body = malloc(room);
	struct writer w = writer_over(body, body ? room : 0);
	bool ok;

	c->service->cards(&w, names, at, at + cards_asked(c));
	ok = !w.overflow && contacts_fetch(h, r, contacts_url(c), writer_done(&w));
	free(body);
	return ok;
}

static bool list_fetch(struct helper *h, struct helper_request *r)
{
	enum { BODY_ROOM = 6 * CONTACTS_TOKEN_MAX };
	const struct contacts *c = r->work;
	char url[CONTACTS_URL_MAX], *body = malloc(BODY_ROOM);
	struct writer u = writer_over(url, sizeof(url) - 1),
		      w = writer_over(body, body ? BODY_ROOM : 0);
	bool ok = c->step == STEP_FOLDER ? c->service->folder(c, &u, &w)
					 : c->service->list(c, &u, &w);

	url[u.n] = '\0';
	ok = ok && contacts_fetch(h, r, url, writer_done(&w));
	free(body);
	return ok;
}

/* The id of a named folder is asked for once a run. */
static bool folder_id_is_wanted(const struct contacts *c)
{
	return c->service->folder && contacts_arg(c, "folder")[0] && !contacts_are_global(c) &&
	       !json_object_get(c->state, "folder");
}

/* The next request of the page. */
static void contacts_go(struct helper *h, struct helper_request *r)
{
	struct contacts *c = r->work;
	bool ok;

	if (json_object_get(c->state, "ready")) {
		contacts_slice_answer(h, r);
		return;
	}
	if (c->service->access && !json_object_get(c->state, "access"))
		c->step = STEP_ACCESS;
	else if (folder_id_is_wanted(c))
		c->step = STEP_FOLDER;
	else
		c->step = json_object_get(c->state, "names") ? STEP_CARDS : STEP_LIST;
	ok = c->step == STEP_ACCESS  ? access_fetch(h, r)
	     : c->step == STEP_CARDS ? cards_fetch(h, r)
				     : list_fetch(h, r);
	if (!ok)
		contacts_refuse(h, r, "request", "the service cannot be asked so: see url", 0);
}

/* ---- what came ---- */

static void access_read(struct helper *h, struct helper_request *r)
{
	struct contacts *c = r->work;
	json_t *answer = json_loadb(c->own.answer, c->own.answer_n, 0, NULL);
	json_t *access = json_object_get(answer, "access_token");
	bool ok = json_string_length(access) && json_string_length(access) < CONTACTS_ACCESS_MAX;

	if (ok)
		(void)json_object_set(c->state, "access", access);
	json_decref(answer);
	http_own_close(h, &c->own);
	if (ok)
		contacts_go(h, r);
	else
		contacts_refuse(h, r, "answer", "the answer has no access_token", 0);
}

/* Whether the list is where it was before, whichever way it came there (Brent): one place is kept,
 * and it is left for a later one behind twice as many pages each time. */
static bool list_goes_round(const struct contacts *c, const char *place)
{
	uint64_t pages = json_count(c->state, "pages"), most = json_count(c->state, "most");

	if (!strcmp(place, json_text(c->state, "place")))
		return true;
	if (pages++ == most) {
		(void)json_object_set_new(c->state, "place", json_string(place));
		(void)json_object_set_new(c->state, "most",
					  json_integer((json_int_t)(2 * most + 1)));
		pages = 0;
	}
	(void)json_object_set_new(c->state, "pages", json_integer((json_int_t)pages));
	return false;
}

static void list_read(struct helper *h, struct helper_request *r, const struct contacts_page *page)
{
	struct contacts *c = r->work;
	bool named = c->service->cards != NULL;

	if (page->next[0] && list_goes_round(c, page->next)) {
		contacts_refuse(h, r, "answer", "its next page is one of before again", 0);
		return;
	}
	if (named && page->more &&
	    (!strcmp(page->token, list_token(c)) || list_goes_round(c, page->token))) {
		contacts_refuse(h, r, "answer", "the list is cut, and goes on where it began", 0);
		return;
	}
	if (named) {
		(void)json_object_set_new(c->state, "token", json_string(page->token));
		(void)json_object_set_new(c->state, "more", json_boolean(page->more));
	}
	(void)json_object_set_new(c->state, "next", json_string(page->next));
	if (!json_array_size(page->names)) {
		contacts_answer(h, r, page, NULL, page->token,
				named ? page->more : page->next[0] != '\0');
		return;
	}
	(void)json_object_set(c->state, "names", page->names);
	(void)json_object_set_new(c->state, "at", json_integer(0));
	(void)json_object_set_new(c->state, "cards", json_integer(CONTACTS_CARDS));
	if (json_array_size(page->gone) || page->failed)
		contacts_answer(h, r, page, NULL, "", true);
	else
		contacts_go(h, r);
}

/* Those that were asked for, and that the page has not. */
static json_t *cards_kept(const struct contacts *c, const struct contacts_page *page)
{
	const json_t *names = json_object_get(c->state, "names"), *one;
	size_t at = json_count(c->state, "at"), end = at + cards_asked(c), i;
	json_t *left = json_object(), *kept = json_array();
	const char *name;

	for (; at < end; at++)
		(void)json_object_set_new(left, json_string_value(json_array_get(names, at)),
					  json_true());
	json_array_foreach(page->found, i, one)(void) json_object_del(left, json_text(one, "id"));
	json_array_foreach(page->gone, i, one)(void) json_object_del(left, json_string_value(one));
	json_object_foreach(left, name, one)(void) json_array_append_new(kept, json_string(name));
	json_decref(left);
	return kept;
}

static void cards_read(struct helper *h, struct helper_request *r, const struct contacts_page *page)
{
	const struct contacts *c = r->work;
	size_t at = json_count(c->state, "at") + cards_asked(c);
	bool all = at >= json_array_size(json_object_get(c->state, "names"));
	json_t *kept = cards_kept(c, page);

	(void)json_object_set_new(c->state, "at", json_integer((json_int_t)at));
	if (all)
		(void)json_object_del(c->state, "names");
	contacts_answer(h, r, page, kept, all ? json_text(c->state, "token") : "",
			!all || json_flag(c->state, "more"));
}

/* The answer is too long. Of cards fewer are asked for, and one alone is left as it is. */
static void contacts_shorten(struct helper *h, struct helper_request *r)
{
	const struct contacts *c = r->work;
	size_t asked = c->step == STEP_CARDS ? cards_asked(c) : 0;
	struct contacts_page page = { .found = json_array(), .gone = json_array() };

	if (asked > 1)
		(void)json_object_set_new(c->state, "cards", json_integer((json_int_t)(asked / 2)));
	if (!asked)
		contacts_refuse(h, r, "answer", "the answer is longer than is taken", 0);
	else if (asked > 1)
		contacts_answer(h, r, &page, NULL, "", true);
	else
		cards_read(h, r, &page);
	contacts_page_clear(&page);
}

static void folder_id_read(struct helper *h, struct helper_request *r,
			   const struct contacts_page *page)
{
	struct contacts *c = r->work;
	json_t *id = json_array_get(page->names, 0);
	char name[CONTACTS_FOLDER_MAX];
	const char *member = exchange_folder_name(c, name) ? "parent" : "folder";
	json_int_t part = (json_int_t)json_count(c->state, "part") + 1;

	if (!id)
		id = json_object_get(json_array_get(page->found, 0), "id");
	if (id && !json_object_set(c->state, member, id) &&
	    !json_object_set_new(c->state, "part", json_integer(part)))
		contacts_go(h, r);
	else
		contacts_refuse(h, r, "answer", "there is no such folder", 0);
}

/* What the service says in an answer of its own, or why it cannot be read. */
static void parse_refuse(struct helper *h, struct helper_request *r,
			 const struct contacts_page *page, int err)
{
	const struct contacts *c = r->work;
	const char *detail = page->refused;

	if (err == -ESTALE && list_token(c)[0])
		contacts_refuse(h, r, "expired", detail, 0);
	else if (err == -EBUSY)
		contacts_refuse(h, r, "busy", detail, 0);
	else if (err == -EACCES)
		contacts_refuse(h, r, "login", detail, 0);
	else
		contacts_refuse(h, r, "answer",
				err == -E2BIG ? "the answer has more than is taken"
				: detail[0]   ? detail
					      : "the answer is not of that service",
				0);
}

static void contacts_answer_read(struct helper *h, struct helper_request *r)
{
	struct contacts *c = r->work;
	struct contacts_page page;
	int err = c->service->parse(&page, bytes_mem(c->own.answer, c->own.answer_n));

	http_own_close(h, &c->own);
	if (err)
		parse_refuse(h, r, &page, err);
	else if (c->step == STEP_FOLDER)
		folder_id_read(h, r, &page);
	else if (c->step == STEP_LIST)
		list_read(h, r, &page);
	else
		cards_read(h, r, &page);
	contacts_page_clear(&page);
}

/* The service knows the token no more: RFC 6578 3.2, and what the others say instead. */
static bool token_is_gone(const struct contacts *c, long status)
{
	static const char *const words[] = { "valid-sync-token", "EXPIRED_SYNC_TOKEN",
					     "SyncStateNotFound", "resyncRequired" };
	bool gone = status == 410;

	if (!list_token(c)[0] || c->step != STEP_LIST)
		return false;
	for (size_t i = 0; i < COUNT_OF(words) && status >= 400; i++)
		gone |= c->own.answer_n &&
			memmem(c->own.answer, c->own.answer_n, words[i], strlen(words[i]));
	return gone;
}

static void status_refuse(struct helper *h, struct helper_request *r, long status)
{
	const struct contacts *c = r->work;
	curl_off_t retry_s = 0;
	char text[96];

	(void)curl_easy_getinfo(c->own.easy, CURLINFO_RETRY_AFTER, &retry_s);
	if (retry_s < 0 || retry_s > CONTACTS_RETRY_MAX_S)
		retry_s = CONTACTS_RETRY_MAX_S;
	(void)snprintf(text, sizeof(text), "it answers %ld%s", status,
		       status >= 300 && status < 400 ? ": redirects are not followed" : "");
	if (token_is_gone(c, status))
		contacts_refuse(h, r, "expired", text, 0);
	else if (status == 401 || status == 403 || (c->step == STEP_ACCESS && status == 400))
		contacts_refuse(h, r, "login", text, 0);
	else if (status == 429 || status == 503)
		contacts_refuse(h, r, "busy", text, (json_int_t)retry_s);
	else
		contacts_refuse(h, r, "status", text, 0);
}

static void contacts_fetched(struct helper *h, struct helper_request *r, CURLcode code)
{
	struct contacts *c = r->work;
	const char *text = c->own.error[0] ? c->own.error : curl_easy_strerror(code), *word;
	long status = 0;

	(void)curl_multi_remove_handle(h->multi, c->own.easy);
	(void)curl_easy_getinfo(c->own.easy, CURLINFO_RESPONSE_CODE, &status);
	if (code == CURLE_WRITE_ERROR) {
		http_own_close(h, &c->own);
		contacts_shorten(h, r);
	} else if (code != CURLE_OK) {
		word = http_why(code, &c->own.gate, &text);
		contacts_refuse(h, r, word, text, 0);
	} else if (status < 200 || status >= 300) {
		status_refuse(h, r, status);
	} else if (c->step == STEP_ACCESS) {
		access_read(h, r);
	} else {
		contacts_answer_read(h, r);
	}
}

/* ---- the kind ---- */

static bool contacts_open(struct contacts *c, const json_t *args)
{
	uint64_t next = json_count(args, "next");
	const char *name = json_text(args, "service"), *url = json_text(args, "url");
	size_t n = strlen(url);
	char of[CONTACTS_OF_MAX];

	for (size_t i = 0; i < COUNT_OF(g_services); i++) {
		if (!strcmp(g_services[i].name, name))
			c->service = &g_services[i];
	}
	c->args = json_incref((json_t *)(uintptr_t)args);
	if (!c->service || n >= sizeof(c->url) || !contacts_args_hash(of, args))
		return false;
	while (n && url[n - 1] == '/' && c->service->url[0])
		n--;
	memcpy(c->url, url, n);
	c->state = next ? held_remove(next, of) : json_pack("{s:s}", "of", of);
	if (c->state && !json_text(args, "folder")[0])
		(void)json_object_set_new(c->state, "folder", json_string("contacts"));
	return next || c->state;
}

static void contacts_start(struct helper *h, struct helper_request *r, const json_t *args)
{
	struct contacts *c = r->work = calloc(1, sizeof(*c));

	if (!c || !contacts_open(c, args))
		helper_fail(h, r, "the contacts cannot be asked for");
	else if (!c->state)
		contacts_refuse(h, r, "lost", "the page of before is not known any more", 0);
	else
		contacts_go(h, r);
}

static void contacts_end(struct helper *h, struct helper_request *r)
{
	struct contacts *c = r->work;

	if (!c)
		return;
	http_own_close(h, &c->own);
	curl_slist_free_all(c->headers);
	json_decref(c->args);
	json_decref(c->state);
	OPENSSL_cleanse(c, sizeof(*c));
	free(c);
}

const struct helper_kind g_helper_contacts = { .name = "contacts",
					       .begin = contacts_start,
					       .fetched = contacts_fetched,
					       .end = contacts_end };
