/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CardDAV on the node (app/archive/contact/dav.h): a proven user's requests. What is read comes
 * from the archive in parts, and is one answer; what is written goes by contact.import,
 * directory.import and their delete, so rights, bounds and the audit are those of commands. Control
 * thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "app/archive/contact/dav.h"
#include "app/command/page.h"
#include "app/document/extensions.h"
#include "app/feature/archive/archive_client.h"
#include "app/feature/contact/contacts.h"
#include "app/node/node.h"
#include "base/json_member.h"
#include "sig/host/tenant_tables.h"

enum {
	DAV_MS = 10000,
	DAV_ERROR_MAX = 512,
	DAV_ANSWER_MAX = 8 << 20,   /* octets of one answer, */
	DAV_ANSWERS_MAX = 64 << 20, /* and of all that are under way */
};

static size_t g_dav_octets; /* of answers under way */

struct dav_read {
	json_t *args;
	char *text; /* malloc'ed */
	size_t n;
};

static uint16_t dav_tenant(const struct page_run *run)
{
	return tenants_find(run->node->common.tenants, bytes_str(run->who.tenant));
}

static void dav_error_answer(struct page_run *run, unsigned status, const char *element)
{
	static const char head[] = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<d:error "
				   "xmlns:d=\"DAV:\" xmlns:c=\"urn:ietf:params:xml:ns:carddav\">";
	struct page_answer answer = { .status = status, .type = "application/xml; charset=utf-8" };
	struct writer w = writer_over(malloc(DAV_ERROR_MAX), DAV_ERROR_MAX);

	answer.text = (char *)w.p;
	if (w.p) {
		WRITER_TEXTS(&w, head, element, "</d:error>");
		answer.n = w.n;
	}
	page_answer(run, &answer);
}

/* ---- reading ---- */

/* Gives the text to the answer, or frees it. */
static void dav_read_end(struct page_run *run, struct page_answer *answer, const char *why)
{
	struct dav_read *r = run->kept;

	g_dav_octets -= r->n;
	json_decref(r->args);
	if (why) {
		free(r->text);
		page_refuse(run, answer->status, why);
		return;
	}
	answer->text = r->text;
	answer->n = r->n;
	page_answer(run, answer);
}

static bool dav_text_add(struct dav_read *r, struct bytes text)
{
	char *longer;

	if (text.n > DAV_ANSWER_MAX - r->n || text.n > DAV_ANSWERS_MAX - g_dav_octets)
		return false;
	longer = realloc(r->text, r->n + text.n + 1);
	if (!longer)
		return false;
	r->text = longer;
	if (text.n)
		memcpy(r->text + r->n, text.p, text.n);
	r->n += text.n;
	g_dav_octets += text.n;
	return true;
}

/* Of those that the archive says; they must be constant here. */
static const char *dav_type(const char *type)
{
	static const char *const types[] = { "application/xml; charset=utf-8",
					     "text/vcard; charset=utf-8",
					     "text/plain; charset=utf-8" };

	for (size_t i = 0; i < COUNT_OF(types); i++) {
		if (!strcmp(type, types[i]))
			return types[i];
	}
	return types[2];
}

static void dav_part_get(struct page_run *run);

static void dav_on_part(struct node *n, const json_t *result, const char *why, void *arg)
{
	const json_t *part = json_object_get(result, "result"), *text;
	struct page_answer answer = { .status = 503 };
	struct page_run *run = arg;

	(void)n;
	text = json_object_get(part, "text");
	if (!part) {
		dav_read_end(run, &answer, why ? why : json_text(result, "why"));
		return;
	}
	if (!dav_text_add(run->kept,
			  bytes_mem(json_string_value(text), json_string_length(text)))) {
		answer.status = 507;
		dav_read_end(run, &answer, "the answer would be too large: ask for less at once");
		return;
	}
	if (json_text(part, "next")[0]) {
		(void)json_object_set(((struct dav_read *)run->kept)->args, "after",
				      json_object_get(part, "next"));
		dav_part_get(run);
		return;
	}
	answer.status = (unsigned)json_integer_value(json_object_get(part, "status"));
	answer.type = dav_type(json_text(part, "type"));
	(void)snprintf(answer.tag, sizeof(answer.tag), "%s", json_text(part, "tag"));
	dav_read_end(run, &answer, NULL);
}

static void dav_part_get(struct page_run *run)
{
	struct dav_read *r = run->kept;
	struct page_answer answer = { .status = 503 };

	if (!archive_query_send(run->node, "contact.dav", json_copy(r->args), dav_tenant(run),
				DAV_MS, dav_on_part, run))
		dav_read_end(run, &answer, "the archive is off, or has too much to do");
}

/* Whether the user may change the tenant's book. */
static bool dav_user_writes(const struct page_run *run)
{
	struct extension e;
	bool writes;

	if (!extensions_find(run->node->api.extensions, dav_tenant(run), bytes_str(run->who.user),
			     &e))
		return false;
	writes = e.person.writes;
	extension_wipe(&e);
	return writes;
}

static void dav_read(struct page_run *run)
{
	struct dav_read *r = calloc(1, sizeof(*r));
	json_t *body = memchr(run->body.p, 0, run->body.n)
			       ? NULL
			       : json_stringn((const char *)run->body.p, run->body.n);

	if (!r || !body) {
		free(r);
		json_decref(body);
		page_refuse(run, 400, "the body is not UTF-8");
		return;
	}
	r->args = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:b}", "tenant", run->who.tenant,
			    "user", run->who.user, "method", run->method, "path", run->path,
			    "depth", run->depth, "body", body, "writes", (int)dav_user_writes(run));
	run->kept = r;
	if (!r->args) {
		free(r);
		run->kept = NULL;
		page_refuse(run, 400, "the path is not UTF-8");
		return;
	}
	dav_part_get(run);
}

/* ---- writing ---- */

/* What the condition of the request asks of the contact's revision; 0: it is not there. False: no
 * contact has what it asks. */
static bool dav_condition(const struct page_run *run, bool *given, uint64_t *revision)
{
	struct bytes tag = bytes_trim(bytes_str(run->if_match)), number;

	*given = tag.n || run->if_none_match[0];
	*revision = 0;
	if (!tag.n)
		return !*given || !strcmp(run->if_none_match, "*");
	if (tag.n < 4 || tag.p[0] != '"' || tag.p[tag.n - 1] != '"' || run->if_none_match[0])
		return false;
	tag = bytes_sub(tag, 1, tag.n - 2);
	(void)bytes_cut(&tag, '-', &number);
	return !bytes_u64(number, revision) && *revision && *revision <= INT64_MAX;
}

static void dav_command_refuse(struct page_run *run, const json_t *error)
{
	enum command_error_code code = command_error_named(json_text(error, "code"));
	bool conditional = run->if_match[0] || run->if_none_match[0];

	if (code == COMMAND_CONFLICT && conditional)
		page_refuse(run, 412, "the contact is another one by now");
	else if (code == COMMAND_NOT_ALLOWED)
		dav_error_answer(run, 403, "<d:need-privileges/>");
	else if (code == COMMAND_FULL)
		page_refuse(run, 507, json_text(error, "message"));
	else
		page_refuse(run, command_error_status(code), json_text(error, "message"));
}

static void dav_on_put(json_t *answer, void *arg)
{
	const json_t *result = json_object_get(answer, "result");
	const char *wrong = json_string_value(json_array_get(json_object_get(result, "errors"), 0));
	struct page_answer done = { .status = json_count(result, "added") ? 201 : 204 };
	struct page_run *run = arg;

	(void)snprintf(done.tag, sizeof(done.tag), "%s", json_text(result, "tag"));
	if (json_object_get(answer, "error"))
		dav_command_refuse(run, json_object_get(answer, "error"));
	else if (wrong && bytes_starts(bytes_str(wrong), "UID"))
		dav_error_answer(run, 409, "<c:no-uid-conflict/>");
	else if (wrong || !(json_count(result, "added") + json_count(result, "changed")))
		dav_error_answer(run, 403, "<c:valid-address-data/>");
	else
		page_answer(run, &done);
	json_decref(answer);
}

static void dav_on_delete(json_t *answer, void *arg)
{
	struct page_answer done = { .status = 204 };
	struct page_run *run = arg;

	if (json_object_get(answer, "error"))
		dav_command_refuse(run, json_object_get(answer, "error"));
	else
		page_answer(run, &done);
	json_decref(answer);
}

/* The body as a file of contact.import. False: the run is answered. */
static bool dav_take_card(struct page_run *run)
{
	int fd;

	if (!bytes_istarts(bytes_str(run->type), "text/vcard") && run->type[0]) {
		dav_error_answer(run, 415, "<c:supported-address-data/>");
		return false;
	}
	if (!run->body.n || run->body.n > DAV_CARD_MAX) {
		dav_error_answer(run, run->body.n ? 413 : 403,
				 run->body.n ? "<c:max-resource-size/>"
					     : "<c:valid-address-data/>");
		return false;
	}
	fd = memfd_create("card", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd >= 0 && pwrite(fd, run->body.p, run->body.n, 0) == (ssize_t)run->body.n) {
		run->who.file = fd + 1;
		return true;
	}
	if (fd >= 0)
		(void)close(fd);
	page_refuse(run, 503, "the node has no room for the card");
	return false;
}

static void dav_write(struct page_run *run, bool put)
{
	bool conditional;
	uint64_t revision;
	struct dav_path p;
	json_t *args;

	dav_path_parse(&p, bytes_str(run->path), bytes_str(run->who.user));
	if (p.kind == DAV_NOTHING) {
		page_refuse(run, 404, "there is no such address book, or the name is too long");
		return;
	}
	if (p.kind != DAV_CARD) {
		dav_error_answer(run, 403, "<d:cannot-modify-protected-property/>");
		return;
	}
	if (p.book == DAV_COLLEAGUES) {
		dav_error_answer(run, 403, "<d:need-privileges/>");
		return;
	}
	if (!dav_condition(run, &conditional, &revision) || (!put && conditional && !revision)) {
		page_refuse(run, 412, "no contact has what the condition asks for");
		return;
	}
	if (put && !dav_take_card(run))
		return;
	args = json_pack("{s:s}", "contact", p.id);
	if (p.book == DAV_OWN)
		(void)json_object_set_new(args, "user", json_string(run->who.user));
	if (put)
		(void)json_object_set_new(args, "format", json_string("vcard"));
	if (conditional)
		(void)json_object_set_new(args, "revision", json_integer((json_int_t)revision));
	page_command(run,
		     p.book == DAV_OWN ? put ? "contact.import" : "contact.delete"
		     : put             ? "directory.import"
				       : "directory.delete",
		     args, put ? dav_on_put : dav_on_delete);
	json_decref(args);
}

/* The user's own book is what the page reads (page.h); the others are what other commands say. */
static bool dav_may_read(const struct page_run *run)
{
	static const char *const commands[DAV_BOOKS] = { [DAV_OWN] = "contact.export",
							 [DAV_SHARED] = "directory.export",
							 [DAV_COLLEAGUES] = "directory.list" };
	struct dav_path p;

	dav_path_parse(&p, bytes_str(run->path), bytes_str(run->who.user));
	return page_may(run, commands[p.kind == DAV_NOTHING ? DAV_OWN : p.book]);
}

void contact_dav_page(struct page_run *run)
{
	bool put = !strcmp(run->method, "PUT");

	if (put || !strcmp(run->method, "DELETE"))
		dav_write(run, put);
	else if (!strcmp(run->method, "MKCOL") || !strcmp(run->method, "PROPPATCH"))
		dav_error_answer(run, 403, "<d:cannot-modify-protected-property/>");
	else if (!dav_may_read(run))
		dav_error_answer(run, 403, "<d:need-privileges/>");
	else
		dav_read(run);
}
