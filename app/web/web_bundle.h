/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The web pages: the bundle that web/build.mjs makes, one folder without folders in it, served to
 * anybody. Its files are read once, and again when the folder is another one; a request only names
 * one of those, so no path of a client reaches the file system. Web thread.
 */
#ifndef APP_WEB_WEB_BUNDLE_H
#define APP_WEB_WEB_BUNDLE_H

#include "app/web/web_link.h"

enum { WEB_BUNDLE_TAG_MAX = 32, WEB_BUNDLE_DATE_MAX = 32 };

struct web_bundle;
struct web_text;

/* A request, GET or HEAD; its headers are empty where absent. */
struct web_bundle_request {
	struct bytes path, encodings, if_none_match, if_modified_since;
	bool framed; /* by a page of another host, or of this one */
};

struct web_bundle_answer {
	unsigned status; /* 200, 302, 304, 404 */
	const char *type;
	struct web_text *text; /* a reference; NULL: no body, or no memory with status 200 */
	bool gzip, forever;    /* forever: its name has a hash of it */
	const char *location;  /* of 302 */
	const char *policy;    /* Content-Security-Policy */
	bool told;             /* who has opened the window may be told something by the page */
	char tag[WEB_BUNDLE_TAG_MAX], date[WEB_BUNDLE_DATE_MAX]; /* "": none */
};

/* door: borrowed. 0 or -ENOMEM. */
int web_bundle_open(struct web_bundle **out, const struct web_door *door) NODISCARD;
void web_bundle_close(struct web_bundle *b); /* NULL is fine */
/* False: none of its paths. */
bool web_bundle_find(struct web_bundle *b, const struct web_bundle_request *ask,
		     struct web_bundle_answer *out);

#endif
