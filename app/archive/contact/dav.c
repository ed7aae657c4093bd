/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a user reads of address books by CardDAV (dav.h): PROPFIND, three reports, and a card by
 * GET. Answers are XML, made in parts, so that a book of 10,000 contacts holds up nobody; the node
 * joins them. An entity tag is of the contact's revision, a sync-token of its book's, and both are
 * in the database, so they are the same whichever node answers and after any restart.
 */
#include "app/archive/contact/dav.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json_member.h"
#include "sig/sip/body.h"

enum {
	DAV_FULL = 96 << 10,  /* no further contact in this part */
	DAV_ROOM = 768 << 10, /* with the largest contact behind that */
	DAV_CARD_ROOM = 256 << 10,
	DAV_PART = 500, /* rows */
	DAV_OWNER_MAX = CONTACT_ID_MAX + 8,
};

#define XML_TYPE   "application/xml; charset=utf-8"
#define CARD_TYPE  "text/vcard; charset=utf-8"
#define TOKEN_HEAD "data:," /* a token must be a URI: RFC 6578 4 */

struct dav_answer {
	struct archive *archive;
	const json_t *args;
	const char *user;
	struct dav_request request;
	struct dav_path path;
	struct contact_book book;
	int64_t revision, epoch, pruned; /* of the book */
	struct writer w, card;           /* card: room for one */
	char next[96];                   /* where the next part begins; empty: that was all */
	uint32_t count;                  /* of rows in this part */
	bool more;
};

/* A contact as a row has it. */
struct dav_row {
	struct dav_path path;
	int64_t revision, changed_ms;
	struct bytes card; /* JSON */
};

/* ---- the book ---- */

static bool on_book_row(const struct sql_value *row, void *arg)
{
	struct dav_answer *d = arg;

	d->revision = sql_int(&row[0]);
	d->epoch = sql_int(&row[1]);
	d->pruned = sql_int(&row[2]);
	return false;
}

static void dav_owner(const struct dav_answer *d, enum dav_book book, char owner[DAV_OWNER_MAX])
{
	if (book == DAV_OWN)
		(void)snprintf(owner, DAV_OWNER_MAX, "u%s", d->user);
	else
		(void)snprintf(owner, DAV_OWNER_MAX, "%s",
			       book == DAV_SHARED ? "d" : CONTACT_COLLEAGUES);
}

/* A book without a row was never written. */
static int dav_book_load(struct dav_answer *d, enum dav_book book)
{
	char owner[DAV_OWNER_MAX];
	struct sql_value params[2];

	dav_owner(d, book, owner);
	d->revision = d->epoch = d->pruned = 0;
	params[0] = sql_text(archive_arg(d->args, "tenant"));
	params[1] = sql_text(bytes_str(owner));
	return sql_run(d->archive->sql,
		       "SELECT revision, epoch, pruned FROM contact_book WHERE tenant = $1 AND "
		       "owner = $2",
		       params, 2, on_book_row, d);
}

static void sync_token_write(struct writer *w, int64_t epoch, int64_t revision)
{
	writer_fmt(w, TOKEN_HEAD "%lld-%lld", (long long)epoch, (long long)revision);
}

/* False: it is no token of this book as it is here, or what was deleted since is not known. */
static bool sync_token_read(const struct dav_answer *d, int64_t *since)
{
	const char *text = d->request.token;
	long long epoch, revision;
	char behind;

	*since = 0;
	if (!text[0])
		return true;
	if (sscanf(text, TOKEN_HEAD "%lld-%lld%c", &epoch, &revision, &behind) != 2)
		return false;
	if (!revision) /* before the first contact: as without a token */
		return true;
	*since = revision;
	return epoch == d->epoch && revision >= 0 && revision <= d->revision &&
	       revision >= d->pruned;
}

/* ---- properties ---- */

static void href_write(struct dav_answer *d, const struct dav_path *p)
{
	writer_str(&d->w, "<d:href>");
	dav_path_write(&d->w, p, d->user);
	writer_str(&d->w, "</d:href>");
}

static void dav_time_write(struct writer *w, int64_t ms)
{
	time_t s = (time_t)(ms / 1000);
	char text[40] = "";
	struct tm tm;

	if (gmtime_r(&s, &tm))
		(void)strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	writer_str(w, text);
}

static void tag_write(struct writer *w, const struct dav_row *row)
{
	writer_fmt(w, "\"%lld-%lld\"", (long long)row->revision, (long long)row->changed_ms);
}

/* The vCard of a row; empty: it has no room. */
static struct bytes card_write(struct dav_answer *d, const struct dav_row *row, int version)
{
	json_t *card = json_loadb((const char *)row->card.p, row->card.n, 0, NULL);
	time_t s = (time_t)(row->changed_ms / 1000);
	char rev[24] = "";
	struct tm tm;

	if (gmtime_r(&s, &tm))
		(void)strftime(rev, sizeof(rev), "%Y%m%dT%H%M%SZ", &tm);
	d->card.n = 0;
	d->card.overflow = false;
	vcard_write(&d->card, card, version, row->path.id, rev);
	json_decref(card);
	return d->card.overflow ? (struct bytes){ 0 } : writer_done(&d->card);
}

/* XML would make a line feed of each end of a line (2.11). */
static void card_xml_write(struct dav_answer *d, const struct dav_row *row)
{
	struct bytes card = card_write(d, row, d->request.version), line;

	while (bytes_cut(&card, '\n', &line)) {
		xml_write(&d->w, bytes_sub(line, 0, bytes_find(line, '\r')));
		writer_str(&d->w, "&#13;\n");
	}
}

static void rights_write(struct dav_answer *d, const struct dav_path *p)
{
	bool writes =
		(p->kind == DAV_BOOK || p->kind == DAV_CARD) &&
		(p->book == DAV_OWN || (p->book == DAV_SHARED && json_flag(d->args, "writes")));

	writer_str(&d->w, "<d:privilege><d:read/></d:privilege>");
	if (writes)
		writer_str(&d->w, "<d:privilege><d:write/></d:privilege><d:privilege>"
				  "<d:write-content/></d:privilege><d:privilege><d:bind/>"
				  "</d:privilege><d:privilege><d:unbind/></d:privilege>");
}

static bool is_book(const struct dav_path *p)
{
	return p->kind == DAV_BOOK;
}

/* False: the resource has no such property. row: of a card. */
static bool property_has(enum dav_property property, const struct dav_path *p)
{
	switch (property) {
	case DAV_P_TYPE:
	case DAV_P_USER:
	case DAV_P_OWNER:
	case DAV_P_RIGHTS:
		return true;
	case DAV_P_NAME:
		return p->kind != DAV_CARD;
	case DAV_P_TAG:
	case DAV_P_CONTENT:
	case DAV_P_MODIFIED:
	case DAV_P_CARD:
		return p->kind == DAV_CARD;
	case DAV_P_PRINCIPAL:
	case DAV_P_HOME:
		return p->kind == DAV_PRINCIPAL || p->kind == DAV_ROOT || p->kind == DAV_HOME;
	case DAV_P_REPORTS:
	case DAV_P_TOKEN:
	case DAV_P_CTAG:
	case DAV_P_ADDRESS_TYPES:
	case DAV_P_SIZE:
		return is_book(p);
	case DAV_PROPERTY_COUNT:
		return false;
	}
	return false;
}

static void dav_name_write(struct dav_answer *d, const struct dav_path *p)
{
	writer_str(&d->w, p->kind == DAV_ROOT        ? "tandem"
			  : p->kind == DAV_PRINCIPAL ? d->user
			  : p->kind == DAV_HOME      ? "Address books"
			  : p->book == DAV_OWN       ? "Contacts"
			  : p->book == DAV_SHARED    ? "Directory"
						     : "Colleagues");
}

static void dav_value_write(struct dav_answer *d, enum dav_property property,
			    const struct dav_path *p, const struct dav_row *row)
{
	const struct dav_path user = { .kind = DAV_PRINCIPAL }, home = { .kind = DAV_HOME };
	struct writer *w = &d->w;

	switch (property) {
	case DAV_P_TYPE:
		writer_str(w, p->kind == DAV_CARD        ? ""
			      : p->kind == DAV_PRINCIPAL ? "<d:principal/><d:collection/>"
			      : is_book(p)               ? "<d:collection/><c:addressbook/>"
							 : "<d:collection/>");
		return;
	case DAV_P_NAME:
		dav_name_write(d, p);
		return;
	case DAV_P_TAG:
		tag_write(w, row);
		return;
	case DAV_P_CONTENT:
		writer_str(w, CARD_TYPE);
		return;
	case DAV_P_MODIFIED:
		dav_time_write(w, row->changed_ms);
		return;
	case DAV_P_USER:
	case DAV_P_PRINCIPAL:
	case DAV_P_OWNER:
		href_write(d, &user);
		return;
	case DAV_P_HOME:
		href_write(d, &home);
		return;
	case DAV_P_RIGHTS:
		rights_write(d, p);
		return;
	case DAV_P_REPORTS:
		writer_str(w, "<d:supported-report><d:report><c:addressbook-query/></d:report>"
			      "</d:supported-report><d:supported-report><d:report>"
			      "<c:addressbook-multiget/></d:report></d:supported-report>"
			      "<d:supported-report><d:report><d:sync-collection/></d:report>"
			      "</d:supported-report>");
		return;
	case DAV_P_TOKEN:
	case DAV_P_CTAG:
		sync_token_write(w, d->epoch, d->revision);
		return;
	case DAV_P_ADDRESS_TYPES:
		writer_str(w, "<c:address-data-type content-type=\"text/vcard\" version=\"3.0\"/>"
			      "<c:address-data-type content-type=\"text/vcard\" version=\"4.0\"/>");
		return;
	case DAV_P_SIZE:
		writer_u64(w, DAV_CARD_MAX);
		return;
	case DAV_P_CARD:
		card_xml_write(d, row);
		return;
	case DAV_PROPERTY_COUNT:
		return;
	}
}

/* Names that are asked for, and are not there: RFC 4918 9.1. */
static void missing_write(struct dav_answer *d, const struct dav_path *p)
{
	static const char *const names[] = {
#define X(id, ns, local) ns ":" local,
		DAV_PROPERTIES(X)
#undef X
	};
	const struct dav_request *r = &d->request;
	bool any = r->unknown_count && !r->all;

	for (uint32_t i = 0; i < DAV_PROPERTY_COUNT; i++)
		any |= (r->wanted >> i & 1) && !property_has((enum dav_property)i, p);
	if (!any)
		return;
	writer_str(&d->w, "<d:propstat><d:prop>");
	for (uint32_t i = 0; i < DAV_PROPERTY_COUNT; i++) {
		if ((r->wanted >> i & 1) && !property_has((enum dav_property)i, p))
			WRITER_TEXTS(&d->w, "<", names[i], "/>");
	}
	for (uint32_t i = 0; i < r->unknown_count; i++) {
		struct bytes name = bytes_str(r->unknown[i]), ns = { 0 };

		if (!memchr(name.p, ' ', name.n)) { /* of no namespace */
			WRITER_TEXTS(&d->w, "<", r->unknown[i], " xmlns=\"\"/>");
			continue;
		}
		(void)bytes_cut(&name, ' ', &ns);
		writer_str(&d->w, "<x:");
		writer_bytes(&d->w, name);
		writer_str(&d->w, " xmlns:x=\"");
		xml_write(&d->w, ns);
		writer_str(&d->w, "\"/>");
	}
	writer_str(&d->w, "</d:prop><d:status>HTTP/1.1 404 Not Found</d:status></d:propstat>");
}

static void response_write(struct dav_answer *d, const struct dav_path *p,
			   const struct dav_row *row)
{
	static const char *const names[] = {
#define X(id, ns, local) ns ":" local,
		DAV_PROPERTIES(X)
#undef X
	};
	const struct dav_request *r = &d->request;

	writer_str(&d->w, "<d:response>");
	href_write(d, p);
	writer_str(&d->w, "<d:propstat><d:prop>");
	for (uint32_t i = 0; i < DAV_PROPERTY_COUNT; i++) {
		bool wanted = (r->wanted >> i & 1) || ((r->all || r->names) && i != DAV_P_CARD);

		if (!wanted || !property_has((enum dav_property)i, p))
			continue;
		WRITER_TEXTS(&d->w, "<", names[i], ">");
		if (!r->names)
			dav_value_write(d, (enum dav_property)i, p, row);
		WRITER_TEXTS(&d->w, "</", names[i], ">");
	}
	writer_str(&d->w, "</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat>");
	missing_write(d, p);
	writer_str(&d->w, "</d:response>\n");
}

static void status_write(struct dav_answer *d, const struct dav_path *p, const char *status,
			 const char *error)
{
	writer_str(&d->w, "<d:response>");
	href_write(d, p);
	WRITER_TEXTS(&d->w, "<d:status>HTTP/1.1 ", status, "</d:status>", error, "</d:response>\n");
}

/* ---- rows ---- */

static void dav_row_read(struct dav_answer *d, const struct sql_value *row, struct dav_row *out)
{
	*out = (struct dav_row){ .path = { .kind = DAV_CARD, .book = d->path.book },
				 .revision = sql_int(&row[1]),
				 .changed_ms = sql_int(&row[2]),
				 .card = row[3].text };
	(void)bytes_cstr(row[0].text, out->path.id, sizeof(out->path.id));
}

static bool part_is_full(const struct dav_answer *d)
{
	return d->w.n > DAV_FULL || d->count == DAV_PART;
}

/* Of PROPFIND and addressbook-query. */
static bool on_listed_row(const struct sql_value *row, void *arg)
{
	struct dav_answer *d = arg;
	struct dav_row r;

	if (part_is_full(d)) {
		d->more = true;
		return false;
	}
	dav_row_read(d, row, &r);
	d->count++;
	(void)snprintf(d->next, sizeof(d->next), "%s", r.path.id);
	if (d->request.ask == DAV_PROPFIND ||
	    dav_filters_match(&d->request, card_write(d, &r, d->request.version)))
		response_write(d, &r.path, &r);
	return true;
}

static int rows_list(struct dav_answer *d)
{
	const struct sql_value params[] = { sql_text(d->book.tenant), sql_text(d->book.owner),
					    sql_text(archive_arg(d->args, "after")) };
	int err = sql_run(d->archive->sql,
			  "SELECT id, revision, changed_ms, card FROM contact WHERE tenant = $1 "
			  "AND owner = $2 AND id > $3 ORDER BY id LIMIT 501",
			  params, COUNT_OF(params), on_listed_row, d);

	if (!d->more)
		d->next[0] = '\0';
	return err;
}

static bool on_one_row(const struct sql_value *row, void *arg)
{
	struct dav_answer *d = arg;
	struct dav_row r;

	dav_row_read(d, row, &r);
	response_write(d, &r.path, &r);
	d->count++;
	return false;
}

static int row_get(struct dav_answer *d, const char *id, sql_row_fn *fn)
{
	const struct sql_value params[] = { sql_text(d->book.tenant), sql_text(d->book.owner),
					    sql_text(bytes_str(id)) };

	return sql_run(d->archive->sql,
		       "SELECT id, revision, changed_ms, card FROM contact WHERE tenant = $1 "
		       "AND owner = $2 AND id = $3",
		       params, COUNT_OF(params), fn, d);
}

/* RFC 6352 8.7: the hrefs that are asked for, from the one on that after says. */
static int rows_multiget(struct dav_answer *d)
{
	const struct dav_request *r = &d->request;
	uint32_t i = 0;
	int err = 0;

	(void)bytes_u32(archive_arg(d->args, "after"), &i);
	for (; !err && i < r->href_count && !part_is_full(d); i++) {
		uint32_t before = d->count;
		struct dav_path p;

		dav_href_parse(&p, bytes_str(r->hrefs[i]), bytes_str(d->user));
		if (p.kind == DAV_CARD && p.book == d->path.book)
			err = row_get(d, p.id, on_one_row);
		if (d->count > before || err)
			continue;
		writer_str(&d->w, "<d:response><d:href>");
		xml_write(&d->w, bytes_str(r->hrefs[i]));
		writer_str(&d->w, "</d:href><d:status>HTTP/1.1 404 Not Found</d:status>"
				  "</d:response>\n");
	}
	if (i < r->href_count)
		(void)snprintf(d->next, sizeof(d->next), "%u", i);
	return err;
}

/* ---- sync-collection: RFC 6578 ---- */

struct dav_sync {
	struct dav_answer *d;
	int64_t from, last,
		until; /* revisions: behind which this part begins, its last, the token's */
	uint32_t sent; /* in all parts */
	bool cut;      /* by the limit of the client */
};

static bool on_changed_row(const struct sql_value *row, void *arg)
{
	struct dav_sync *s = arg;
	struct dav_answer *d = s->d;
	struct dav_row r;

	s->cut = d->request.limit && s->sent == d->request.limit;
	if (s->cut || part_is_full(d)) {
		d->more = true;
		return false;
	}
	dav_row_read(d, row, &r);
	if (sql_int(&row[4]))
		status_write(d, &r.path, "404 Not Found", "");
	else
		response_write(d, &r.path, &r);
	s->last = r.revision;
	s->sent++;
	d->count++;
	return true;
}

/* Each change of a contact has a revision of its own: a part ends anywhere. */
static int rows_changed(struct dav_sync *s, bool deleted)
{
	struct dav_answer *d = s->d;
	const struct sql_value params[] = { sql_text(d->book.tenant), sql_text(d->book.owner),
					    sql_number(s->from) };

	return sql_run(
		d->archive->sql,
		deleted ? "SELECT id, revision, changed_ms, card, 0 AS gone FROM contact "
			  "WHERE tenant = $1 AND owner = $2 AND revision > $3 UNION ALL "
			  "SELECT id, revision, 0, '', 1 FROM contact_gone WHERE tenant = $1 "
			  "AND owner = $2 AND revision > $3 ORDER BY revision LIMIT 501"
			: "SELECT id, revision, changed_ms, card, 0 FROM contact WHERE "
			  "tenant = $1 AND owner = $2 AND revision > $3 ORDER BY revision "
			  "LIMIT 501",
		params, COUNT_OF(params), on_changed_row, s);
}

/* after: "from-until-sent". A contact that changes between two parts comes with the later one, and
 * again with the next token: that is of the first part. */
static int rows_sync(struct dav_answer *d)
{
	struct dav_sync s = { .d = d, .until = d->revision };
	const char *after = json_text(d->args, "after");
	long long from = 0, until = 0;
	int64_t since = 0;
	int err;

	if (!sync_token_read(d, &since))
		return -ESTALE;
	s.from = since;
	if (sscanf(after, "%lld-%lld-%u", &from, &until, &s.sent) == 3) {
		s.from = from;
		s.until = until;
	}
	s.last = s.from;
	err = rows_changed(&s, since > 0);
	if (err)
		return err;
	if (d->more && !s.cut) {
		(void)snprintf(d->next, sizeof(d->next), "%lld-%lld-%u", (long long)s.last,
			       (long long)s.until, s.sent);
		return 0;
	}
	if (s.cut)
		status_write(d, &d->path, "507 Insufficient Storage",
			     "<d:error><d:number-of-matches-within-limits/></d:error>");
	writer_str(&d->w, "<d:sync-token>");
	sync_token_write(&d->w, d->epoch, s.cut ? s.last : s.until);
	writer_str(&d->w, "</d:sync-token>");
	return 0;
}

/* ---- answers ---- */

static json_t *dav_result(struct dav_answer *d, int status, const char *type)
{
	return json_pack("{s:i, s:s, s:s%, s:s*}", "status", status, "type", type, "text", d->w.p,
			 d->w.n, "next", d->next[0] ? d->next : NULL);
}

/* A precondition that failed: RFC 4918 16. */
static json_t *dav_error(struct dav_answer *d, int status, const char *element)
{
	d->w.n = 0;
	d->next[0] = '\0';
	WRITER_TEXTS(&d->w,
		     "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<d:error xmlns:d=\"DAV:\" "
		     "xmlns:c=\"urn:ietf:params:xml:ns:carddav\">",
		     element, "</d:error>");
	return dav_result(d, status, XML_TYPE);
}

static json_t *dav_text(struct dav_answer *d, int status, const char *text)
{
	d->w.n = 0;
	d->next[0] = '\0';
	WRITER_TEXTS(&d->w, text, "\n");
	return dav_result(d, status, "text/plain; charset=utf-8");
}

/* A collection and, with depth 1, what is in it. */
static int tree_write(struct dav_answer *d, bool deep)
{
	static const enum dav_kind below[] = { [DAV_ROOT] = DAV_HOME, [DAV_HOME] = DAV_BOOK };
	struct dav_path p = d->path;
	int err = 0;

	if (!json_text(d->args, "after")[0])
		response_write(d, &p, NULL);
	if (!deep || p.kind == DAV_PRINCIPAL)
		return 0;
	if (p.kind == DAV_BOOK)
		return rows_list(d);
	p.kind = below[p.kind];
	response_write(d, &p, NULL);
	while (!err && p.kind == DAV_BOOK && ++p.book < DAV_BOOKS) {
		err = dav_book_load(d, p.book);
		if (!err)
			response_write(d, &p, NULL);
	}
	return err;
}

static int dav_rows_write(struct dav_answer *d, bool deep)
{
	int err = 0;

	switch (d->request.ask) {
	case DAV_PROPFIND:
		if (d->path.kind != DAV_CARD)
			return tree_write(d, deep);
		err = row_get(d, d->path.id, on_one_row);
		return err ? err : d->count ? 0 : -ENOENT;
	case DAV_QUERY:
		return rows_list(d);
	case DAV_MULTIGET:
		return rows_multiget(d);
	case DAV_SYNC:
		return rows_sync(d);
	}
	return -EINVAL;
}

static int multistatus_write(struct dav_answer *d, json_t **result)
{
	bool deep = json_text(d->args, "depth")[0] == '1';
	int err;

	if (!json_text(d->args, "after")[0])
		writer_str(&d->w, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<d:multistatus "
				  "xmlns:d=\"DAV:\" xmlns:c=\"urn:ietf:params:xml:ns:carddav\" "
				  "xmlns:s=\"http://calendarserver.org/ns/\">\n");
	err = dav_rows_write(d, deep);
	if (!err && !d->next[0])
		writer_str(&d->w, "</d:multistatus>\n");
	if (err == -ESTALE)
		*result = dav_error(d, 403, "<d:valid-sync-token/>");
	else if (err == -ENOENT)
		*result = dav_text(d, 404, "there is no such contact");
	else if (!err && !d->w.overflow)
		*result = dav_result(d, 207, XML_TYPE);
	return err == -ESTALE || err == -ENOENT ? 0 : err;
}

static int xml_answer(struct dav_answer *d, json_t **result)
{
	bool report = !strcmp(json_text(d->args, "method"), "REPORT");
	int err = dav_request_parse(&d->request, report, archive_arg(d->args, "body"));

	if (err == -ENOTSUP)
		*result = dav_error(d, 403, "<c:supported-filter/>");
	else if (err == -E2BIG)
		*result = dav_text(d, 413, "the request has too much");
	else if (err == -EBADMSG)
		*result = dav_text(d, 400, "the body is no such request");
	if (err)
		return err == -ENOMEM ? err : 0;
	if (report && d->path.kind != DAV_BOOK)
		*result = dav_error(d, 403, "<d:supported-report/>");
	else if (!report && !strcmp(json_text(d->args, "depth"), "infinity"))
		*result = dav_error(d, 403, "<d:propfind-finite-depth/>");
	else
		return multistatus_write(d, result);
	return 0;
}

static bool on_card_row(const struct sql_value *row, void *arg)
{
	struct dav_answer *d = arg;
	struct writer w = writer_over(d->next, sizeof(d->next) - 1); /* its tag, for now */
	struct dav_row r;

	dav_row_read(d, row, &r);
	tag_write(&w, &r);
	d->next[w.n] = '\0';
	writer_bytes(&d->w, card_write(d, &r, d->request.version));
	d->count++;
	return false;
}

static int card_answer(struct dav_answer *d, json_t **result)
{
	char tag[sizeof(d->next)];
	int err;

	d->request.version = 3; /* RFC 6352 5.1: what each client reads */
	if (d->path.kind != DAV_CARD) {
		*result =
			dav_text(d, 405, "an address book: give this address to a CardDAV client");
		return 0;
	}
	err = row_get(d, d->path.id, on_card_row);
	if (!err && !d->count) {
		*result = dav_text(d, 404, "there is no such contact");
	} else if (!err) {
		memcpy(tag, d->next, sizeof(tag));
		d->next[0] = '\0';
		*result = dav_result(d, 200, CARD_TYPE);
		(void)json_object_set_new(*result, "tag", json_string(tag));
	}
	return err;
}

static int dav_answer(struct dav_answer *d, json_t **result)
{
	char owner[DAV_OWNER_MAX];
	int err;

	dav_path_parse(&d->path, archive_arg(d->args, "path"), bytes_str(d->user));
	if (d->path.kind == DAV_NOTHING) {
		*result = dav_text(d, 404, "there is no such address book");
		return 0;
	}
	dav_owner(d, d->path.book, owner);
	d->book = (struct contact_book){ archive_arg(d->args, "tenant"), bytes_str(owner) };
	err = dav_book_load(d, d->path.book);
	if (err)
		return err;
	return !strcmp(json_text(d->args, "method"), "GET") ? card_answer(d, result)
							    : xml_answer(d, result);
}

int contact_dav(struct archive *a, const json_t *args, json_t **result, char why[SQL_WHY_MAX])
{
	char *room = malloc(DAV_ROOM + DAV_CARD_ROOM);
	struct dav_answer *d = calloc(1, sizeof(*d));
	int err = -ENOMEM;

	(void)why;
	if (room && d) {
		*d = (struct dav_answer){ .archive = a,
					  .args = args,
					  .user = json_text(args, "user"),
					  .w = writer_over(room, DAV_ROOM),
					  .card = writer_over(room + DAV_ROOM, DAV_CARD_ROOM) };
		err = dav_answer(d, result);
		dav_request_free(&d->request);
		if (!err && !*result)
			err = -EIO;
	}
	free(room);
	free(d);
	return err;
}
