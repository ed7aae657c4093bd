/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies of PROPFIND (RFC 4918 14.20) and of the reports of CardDAV (RFC 6352 10, RFC 6578 6.1),
 * read by expat. A document type is refused, and with it all entities; depth, elements and texts
 * are bounded. Bodies are anybody's who has a password: this is fuzzed.
 */
#include <errno.h>
#include <expat.h>
#include <stdlib.h>
#include <string.h>

#include "app/archive/contact/dav.h"
#include "sig/host/name_index.h"

#define NS_DAV  "DAV: "
#define NS_CARD "urn:ietf:params:xml:ns:carddav "
#define NS_CS   "http://calendarserver.org/ns/ "

enum { DAV_TEXT_ROOM = 1024, FOLD_ROOM = 4096 };

/* What the text of an element is. */
enum dav_text { TEXT_NONE, TEXT_HREF, TEXT_TOKEN, TEXT_LIMIT, TEXT_MATCH };

struct dav_parse {
	struct dav_request *r;
	XML_Parser parser;
	int err;
	bool report, in_prop, in_filter;
	uint32_t depth, elements;
	enum dav_text text;
	char room[DAV_TEXT_ROOM];
	size_t n;
};

static void parse_stop(struct dav_parse *p, int err)
{
	if (!p->err)
		p->err = err;
	(void)XML_StopParser(p->parser, XML_FALSE);
}

static const char *attribute(const XML_Char **attributes, const char *name)
{
	for (; *attributes; attributes += 2) {
		if (!strcmp(attributes[0], name))
			return attributes[1];
	}
	return "";
}

static bool is_of(const char *name, const char *ns, const char *local)
{
	size_t n = strlen(ns);

	return !strncmp(name, ns, n) && !strcmp(name + n, local);
}

/* ---- elements ---- */

static void dav_root_read(struct dav_parse *p, const char *name)
{
	struct dav_request *r = p->r;

	if (!p->report && is_of(name, NS_DAV, "propfind"))
		r->ask = DAV_PROPFIND;
	else if (p->report && is_of(name, NS_CARD, "addressbook-query"))
		r->ask = DAV_QUERY;
	else if (p->report && is_of(name, NS_CARD, "addressbook-multiget"))
		r->ask = DAV_MULTIGET;
	else if (p->report && is_of(name, NS_DAV, "sync-collection"))
		r->ask = DAV_SYNC;
	else
		parse_stop(p, -EBADMSG);
}

static void wanted_read(struct dav_parse *p, const char *name, const XML_Char **attributes)
{
	static const char *const all[] = {
#define X(id, ns, local) ns[0] == 'd' ? NS_DAV local : ns[0] == 'c' ? NS_CARD local : NS_CS local,
		DAV_PROPERTIES(X)
#undef X
	};
	struct dav_request *r = p->r;
	size_t i = 0;

	while (i < COUNT_OF(all) && strcmp(name, all[i]) != 0)
		i++;
	if (i < COUNT_OF(all))
		r->wanted |= 1U << i;
	else if (r->unknown_count == DAV_UNKNOWN_MAX || strlen(name) >= DAV_NAME_MAX)
		parse_stop(p, -E2BIG);
	else
		(void)bytes_cstr(bytes_str(name), r->unknown[r->unknown_count++], DAV_NAME_MAX);
	if (i == DAV_P_CARD && !strcmp(attribute(attributes, "version"), "4.0"))
		r->version = 4;
}

static void filter_read(struct dav_parse *p, const char *name, const XML_Char **attributes)
{
	struct dav_request *r = p->r;
	struct dav_filter *f;

	if (is_of(name, NS_CARD, "prop-filter")) {
		if (r->filter_count == DAV_FILTERS_MAX) {
			parse_stop(p, -E2BIG);
			return;
		}
		f = &r->filters[r->filter_count++];
		f->all = !strcmp(attribute(attributes, "test"), "allof");
		if (bytes_cstr(bytes_str(attribute(attributes, "name")), f->property,
			       sizeof(f->property)) ||
		    !f->property[0])
			parse_stop(p, -ENOTSUP);
		return;
	}
	f = r->filter_count ? &r->filters[r->filter_count - 1] : NULL;
	if (f && is_of(name, NS_CARD, "is-not-defined")) {
		f->absent = true;
	} else if (f && is_of(name, NS_CARD, "text-match") && f->count < DAV_MATCHES_MAX) {
		const char *how = attribute(attributes, "match-type");
		struct dav_text_match *m = &f->matches[f->count++];

		m->how = !strcmp(how, "equals")        ? DAV_EQUALS
			 : !strcmp(how, "starts-with") ? DAV_STARTS
			 : !strcmp(how, "ends-with")   ? DAV_ENDS
						       : DAV_CONTAINS;
		m->negate = !strcmp(attribute(attributes, "negate-condition"), "yes");
		p->text = TEXT_MATCH;
	} else {
		parse_stop(p, -ENOTSUP); /* a param-filter, or no filter */
	}
}

static void dav_member_read(struct dav_parse *p, const char *name, const XML_Char **attributes)
{
	struct dav_request *r = p->r;

	if (is_of(name, NS_DAV, "prop")) {
		p->in_prop = true;
	} else if (is_of(name, NS_DAV, "allprop")) {
		r->all = true;
	} else if (is_of(name, NS_DAV, "propname")) {
		r->names = true;
	} else if (r->ask == DAV_MULTIGET && is_of(name, NS_DAV, "href")) {
		p->text = TEXT_HREF;
	} else if (r->ask == DAV_SYNC && is_of(name, NS_DAV, "sync-token")) {
		p->text = TEXT_TOKEN;
	} else if (r->ask == DAV_QUERY && is_of(name, NS_CARD, "filter")) {
		p->in_filter = true;
		r->filters_all = !strcmp(attribute(attributes, "test"), "allof");
	}
}

static void XMLCALL on_start(void *arg, const XML_Char *name, const XML_Char **attributes)
{
	struct dav_parse *p = arg;

	p->depth++;
	p->text = TEXT_NONE;
	p->n = 0;
	if (p->depth > DAV_DEPTH_MAX || ++p->elements > DAV_ELEMENTS_MAX)
		parse_stop(p, -E2BIG);
	else if (p->depth == 1)
		dav_root_read(p, name);
	else if (p->in_prop && p->depth == 3)
		wanted_read(p, name, attributes);
	else if (p->in_filter && p->depth >= 3)
		filter_read(p, name, attributes);
	else if (p->depth == 2)
		dav_member_read(p, name, attributes);
	else if (is_of(name, NS_DAV, "nresults") || is_of(name, NS_CARD, "nresults"))
		p->text = TEXT_LIMIT;
}

static void XMLCALL dav_on_text(void *arg, const XML_Char *text, int n)
{
	struct dav_parse *p = arg;

	if (p->text == TEXT_NONE)
		return;
	if ((size_t)n > DAV_TEXT_ROOM - p->n) {
		parse_stop(p, -E2BIG);
		return;
	}
	memcpy(p->room + p->n, text, (size_t)n);
	p->n += (size_t)n;
}

static void href_keep(struct dav_parse *p, struct bytes text)
{
	struct dav_request *r = p->r;

	if (r->href_count == DAV_HREFS_MAX) {
		parse_stop(p, -E2BIG);
		return;
	}
	if (!r->hrefs)
		r->hrefs = calloc(DAV_HREFS_MAX, sizeof(*r->hrefs));
	if (r->hrefs)
		r->hrefs[r->href_count] = strndup((const char *)text.p, text.n);
	if (!r->hrefs || !r->hrefs[r->href_count])
		parse_stop(p, -ENOMEM);
	else
		r->href_count++;
}

static void text_ends(struct dav_parse *p)
{
	struct bytes text = bytes_trim(bytes_mem(p->room, p->n));
	struct dav_request *r = p->r;
	struct dav_filter *f;

	switch (p->text) {
	case TEXT_NONE:
		return;
	case TEXT_HREF:
		if (text.n)
			href_keep(p, text);
		return;
	case TEXT_TOKEN:
		if (bytes_cstr(text, r->token, sizeof(r->token)))
			memcpy(r->token, "?", 2); /* not a token of ours */
		return;
	case TEXT_LIMIT:
		if (bytes_u32(text, &r->limit) || !r->limit)
			parse_stop(p, -EBADMSG);
		return;
	case TEXT_MATCH:
		f = &r->filters[r->filter_count - 1];
		if (bytes_cstr(bytes_mem(p->room, p->n), f->matches[f->count - 1].text,
			       DAV_MATCH_MAX))
			parse_stop(p, -E2BIG);
		return;
	}
}

static void XMLCALL on_end(void *arg, const XML_Char *name)
{
	struct dav_parse *p = arg;

	(void)name;
	text_ends(p);
	p->text = TEXT_NONE;
	p->depth--;
	if (p->depth == 1)
		p->in_prop = p->in_filter = false;
}

static void XMLCALL on_doctype(void *arg, const XML_Char *name, const XML_Char *system,
			       const XML_Char *public, int internal)
{
	(void)name;
	(void)system;
	(void)public;
	(void)internal;
	parse_stop(arg, -EBADMSG);
}

/* ---- the whole ---- */

int dav_request_parse(struct dav_request *out, bool report, struct bytes body)
{
	struct dav_parse p = { .r = out, .report = report };
	enum XML_Status status;

	*out = (struct dav_request){ .version = 3 };
	if (!bytes_trim(body).n) {
		out->all = true;
		return report ? -EBADMSG : 0;
	}
	p.parser = XML_ParserCreateNS(NULL, ' ');
	if (!p.parser)
		return -ENOMEM;
	XML_SetUserData(p.parser, &p);
	XML_SetElementHandler(p.parser, on_start, on_end);
	XML_SetCharacterDataHandler(p.parser, dav_on_text);
	XML_SetStartDoctypeDeclHandler(p.parser, on_doctype);
	status = XML_Parse(p.parser, (const char *)body.p, (int)body.n, XML_TRUE);
	XML_ParserFree(p.parser);
	if (!p.err && status != XML_STATUS_OK)
		p.err = -EBADMSG;
	if (!out->wanted && !out->unknown_count && !out->names)
		out->all = true;
	return p.err;
}

void dav_request_free(struct dav_request *r)
{
	for (uint32_t i = 0; r->hrefs && i < r->href_count; i++)
		free(r->hrefs[i]);
	free(r->hrefs);
	r->hrefs = NULL;
	r->href_count = 0;
}

/* ---- filters ---- */

/* Folded as contacts are searched: more matches than by i;unicode-casemap, and none fewer. */
static bool text_matches(const struct dav_text_match *m, struct bytes value)
{
	char wanted[FOLD_ROOM / 4], folded[FOLD_ROOM];
	struct writer w = writer_over(wanted, sizeof(wanted) - 1);
	struct writer f = writer_over(folded, sizeof(folded) - 1);
	bool is = false;

	name_fold(&w, bytes_str(m->text));
	name_fold(&f, value);
	wanted[w.n] = folded[f.n] = '\0';
	switch (m->how) {
	case DAV_CONTAINS:
		is = strstr(folded, wanted) != NULL;
		break;
	case DAV_EQUALS:
		is = !strcmp(folded, wanted);
		break;
	case DAV_STARTS:
		is = !strncmp(folded, wanted, w.n);
		break;
	case DAV_ENDS:
		is = f.n >= w.n && !strcmp(folded + f.n - w.n, wanted);
		break;
	}
	return is != m->negate;
}

static bool value_matches(const struct dav_filter *f, struct bytes value)
{
	for (uint32_t i = 0; i < f->count; i++) {
		if (text_matches(&f->matches[i], value) != f->all)
			return !f->all;
	}
	return f->all || !f->count;
}

static bool filter_matches(const struct dav_filter *f, struct bytes card)
{
	struct vcard_reader r;
	struct vcard_property line;
	bool there = false, is = false;

	if (vcard_open(&r, card))
		return false;
	while (!is && vcard_property_next(&r, &line)) {
		if (!bytes_iis(line.name, f->property))
			continue;
		there = true;
		is = value_matches(f, line.value);
	}
	vcard_close(&r);
	return f->absent ? !there : is;
}

bool dav_filters_match(const struct dav_request *r, struct bytes card)
{
	for (uint32_t i = 0; i < r->filter_count; i++) {
		if (filter_matches(&r->filters[i], card) != r->filters_all)
			return !r->filters_all;
	}
	return r->filters_all || !r->filter_count;
}
