/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Address books by CardDAV (RFC 6352, over WebDAV: RFC 4918), with what has changed since a token
 * (RFC 6578). A user has these, behind "/dav/":
 *
 *     principals/1001/                    the user
 *     books/1001/                         the books that the user sees
 *     books/1001/contacts/NAME.vcf        the user's own
 *     books/1001/shared/NAME.vcf          the tenant's
 *     books/1001/colleagues/NAME.vcf      its extensions that are shown: read only
 *
 * NAME is the contact's id. Octets that an id may not have are "__" and two hexadecimal digits in
 * it. What is another user's does not exist. The node proves the user and writes by commands; the
 * archive reads, and makes long answers in parts.
 */
#ifndef APP_ARCHIVE_CONTACT_DAV_H
#define APP_ARCHIVE_CONTACT_DAV_H

#include "app/archive/contact/contact.h"

#define DAV_HEAD "/dav/"

enum { DAV_CARD_MAX = 98304 }; /* octets of a vCard that is put */

/* ---- dav_path.c; pure ---- */

enum dav_kind { DAV_NOTHING, DAV_ROOT, DAV_PRINCIPAL, DAV_HOME, DAV_BOOK, DAV_CARD };

enum dav_book { DAV_OWN, DAV_SHARED, DAV_COLLEAGUES, DAV_BOOKS };

struct dav_path {
	enum dav_kind kind;
	enum dav_book book;      /* of a book or a card */
	char id[CONTACT_ID_MAX]; /* of a card */
};

/* The id of a card of that name. False: it is empty or too long. */
bool dav_id_read(char out[CONTACT_ID_MAX], struct bytes name);

/* A decoded path behind DAV_HEAD, as that user sees it. */
void dav_path_parse(struct dav_path *out, struct bytes path, struct bytes user);
/* The path as a URI has it. */
void dav_path_write(struct writer *w, const struct dav_path *p, const char *user);
/* An href of a request: a path, or a whole URI (RFC 4918 8.3). */
void dav_href_parse(struct dav_path *out, struct bytes href, struct bytes user);

/* ---- dav_parse.c: bodies of requests, by expat ---- */

enum {
	DAV_HREFS_MAX = 1000,
	DAV_UNKNOWN_MAX = 64, /* properties that mean nothing here */
	DAV_NAME_MAX = 128,   /* of such a property, with its namespace */
	DAV_FILTERS_MAX = 16,
	DAV_MATCHES_MAX = 4,
	DAV_MATCH_MAX = 128,
	DAV_TOKEN_MAX = 64,
	DAV_DEPTH_MAX = 12, /* of elements */
	DAV_ELEMENTS_MAX = 8192,
};

/* X(id, namespace, name): "d": DAV:, "c": that of CardDAV, "s": calendarserver.org */
#define DAV_PROPERTIES(X)                               \
	X(TYPE, "d", "resourcetype")                    \
	X(NAME, "d", "displayname")                     \
	X(TAG, "d", "getetag")                          \
	X(CONTENT, "d", "getcontenttype")               \
	X(MODIFIED, "d", "getlastmodified")             \
	X(USER, "d", "current-user-principal")          \
	X(PRINCIPAL, "d", "principal-URL")              \
	X(OWNER, "d", "owner")                          \
	X(RIGHTS, "d", "current-user-privilege-set")    \
	X(REPORTS, "d", "supported-report-set")         \
	X(TOKEN, "d", "sync-token")                     \
	X(CTAG, "s", "getctag")                         \
	X(HOME, "c", "addressbook-home-set")            \
	X(ADDRESS_TYPES, "c", "supported-address-data") \
	X(SIZE, "c", "max-resource-size")               \
	X(CARD, "c", "address-data")

enum dav_property {
#define X(id, ns, name) DAV_P_##id,
	DAV_PROPERTIES(X)
#undef X
		DAV_PROPERTY_COUNT
};

enum dav_request_kind { DAV_PROPFIND, DAV_QUERY, DAV_MULTIGET, DAV_SYNC };
enum dav_match { DAV_CONTAINS, DAV_EQUALS, DAV_STARTS, DAV_ENDS };

/* RFC 6352 10.5 */
struct dav_filter {
	bool all; /* of its texts must match; else any */
	bool absent;
	char property[32];
	uint32_t count;
	struct dav_text_match {
		char text[DAV_MATCH_MAX];
		enum dav_match how;
		bool negate;
	} matches[DAV_MATCHES_MAX];
};

struct dav_request {
	enum dav_request_kind ask;
	bool all;        /* properties; or none was named */
	bool names;      /* of properties alone */
	uint32_t wanted; /* 1 << enum dav_property */
	uint32_t unknown_count, href_count, filter_count;
	char unknown[DAV_UNKNOWN_MAX][DAV_NAME_MAX]; /* namespace, blank, name */
	char **hrefs;                                /* malloc'ed, as the strings */
	bool filters_all;                            /* must match; else any */
	struct dav_filter filters[DAV_FILTERS_MAX];
	char token[DAV_TOKEN_MAX]; /* empty: all */
	uint32_t limit;            /* 0: none */
	int version;               /* of vCards: 3 or 4 */
};

/* An empty body of PROPFIND asks for all (RFC 4918 9.1). 0 and *out; -EBADMSG: it is no such
 * request; -E2BIG: it has more than may be; -ENOTSUP: it has a filter that is not supported;
 * -ENOMEM. Free it in each case. */
int dav_request_parse(struct dav_request *out, bool report, struct bytes body) NODISCARD;
void dav_request_free(struct dav_request *r);
/* A card has what the filters say. */
bool dav_filters_match(const struct dav_request *r, struct bytes card);

/* ---- dav.c ---- */

/* Arguments: tenant, user, method, path, depth and body of the request; writes: the user may write
 * the tenant's book; after: next of the answer before. Result: status, type, text, tag, next. */
archive_answer_fn contact_dav;

#endif
