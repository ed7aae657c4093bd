/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record page of an extension (docs/adr/0060): its link, which nobody can make up, and what it shows. A link is good until the extension's
 * document has another number for it. What the key does stands behind the link, with the call that the page showed.
 *
 *     /record/PAGE-MAC/TENANT/NUMBER[/ACT/CALL]
 */
#ifndef APP_WEB_WEB_PAGE_H
#define APP_WEB_WEB_PAGE_H

#include "sig/model/record_page.h"

enum {
	WEB_PAGE_KEY_LEN = 32,
	WEB_PAGE_TENANT_MAX = 32, /* these three with their NUL */
	WEB_PAGE_NUMBER_MAX = 64,
	WEB_PAGE_PATH_MAX = 320,
	WEB_PAGE_SIZE_MAX = 4096, /* of a page */
	WEB_PAGE_REFRESH_S = 5,
};

#define WEB_PAGE_HEAD "/record/"

/* Whose page it is. */
struct web_page_of {
	char tenant[WEB_PAGE_TENANT_MAX], number[WEB_PAGE_NUMBER_MAX];
	uint64_t page; /* of its document; another one makes another link */
};

struct web_page_ask {
	struct web_page_of of;
	enum record_page_act act;
	uint64_t call; /* with an act */
};

/* Its path. Overflow of w: it is too long. */
void web_page_link(struct writer *w, const uint8_t key[WEB_PAGE_KEY_LEN],
		   const struct web_page_of *of);
/* What a path asks for; *link: its part without an act. 0, or -ENOENT: it is none of ours. */
int web_page_parse(const uint8_t key[WEB_PAGE_KEY_LEN], struct bytes path, struct web_page_ask *out,
		   struct bytes *link) NODISCARD;
/* The page as XHTML, without a script. */
void web_page_write(struct writer *w, struct bytes link, const char *number,
		    const struct record_page *page);

#endif
