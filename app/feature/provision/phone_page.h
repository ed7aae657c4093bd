/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages for the micro-browser of a desk phone: XHTML Basic without scripts, styles and tables, as
 * those of Polycom show it. A name is written so that it is text, a number so that it is a link
 * that the phone dials (RFC 3966), and what was searched so that it comes back as it was. Pure.
 */
#ifndef APP_FEATURE_PROVISION_PHONE_PAGE_H
#define APP_FEATURE_PROVISION_PHONE_PAGE_H

#include "base/bytes.h"

enum {
	PHONE_PAGE_ROWS = 15,       /* on one page: phones show 256 nodes of XHTML at most */
	PHONE_PAGE_COUNT = 60,      /* of one list; who does not find it there searches */
	PHONE_PAGE_MAX = 128 << 10, /* octets */
	PHONE_PAGE_SEARCH_MAX = 64, /* with its NUL */
};

struct phone_page {
	struct writer w;
	const char *base;   /* path of the first page, of letters, digits, '/' and '-' */
	const char *search; /* what is searched; "": nothing */
};

/* w has its space, base and search are set. Overflow of w: the page is too long. */
void phone_page_start(struct phone_page *p, const char *title);
void phone_page_end(struct phone_page *p);
void phone_page_text(struct phone_page *p, const char *text);
/* A link to base/to, or to another URL. */
void phone_page_link(struct phone_page *p, const char *to, const char *label);
void phone_page_link_out(struct phone_page *p, const char *url, const char *label);
/* A line that the phone dials when it is chosen: name, or the number where name is "". beside
 * stands below, if it is not "". A number that cannot be dialled is text. */
void phone_page_dial(struct phone_page *p, const char *number, const char *name,
		     const char *beside);
/* A field and a key that ask for base/to with what is searched. */
void phone_page_search(struct phone_page *p, const char *to);
/* Links to the page of that list before, and to the one behind if there is more. */
void phone_page_turn(struct phone_page *p, const char *to, uint32_t page, bool more);

/* What a request's arguments (NAME=VALUE and a line feed each) say: page 0 and no search without
 * them. False: they are wrong. */
bool phone_page_asked(struct bytes arguments, char search[PHONE_PAGE_SEARCH_MAX], uint32_t *page);

#endif
