/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record page of an extension (docs/adr/0060): its link, which cannot be guessed, and its
 * content. A link is valid until the extension's document has another number for it. A pressed
 * button's act is behind the link, with the call that the page showed.
 *
 *     /record/PAGE-MAC/TENANT/NUMBER[/ACT/CALL]
 */
#ifndef APP_WEB_WEB_PAGE_H
#define APP_WEB_WEB_PAGE_H

#include "base/bytes.h"
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

/* The extension of a page. */
struct web_page_of {
	char tenant[WEB_PAGE_TENANT_MAX], number[WEB_PAGE_NUMBER_MAX];
	uint64_t page; /* of its document; another number makes another link */
};

struct record_link_request {
	struct web_page_of of;
	enum record_page_act act;
	uint64_t call; /* with an act */
};

/* Writes its path. Overflow of w: too long. */
void web_page_link(struct writer *w, const uint8_t key[WEB_PAGE_KEY_LEN],
		   const struct web_page_of *of);
/* Parses a path; *link: its part without an act. 0, or -ENOENT: not one of ours. */
int web_page_parse(const uint8_t key[WEB_PAGE_KEY_LEN], struct bytes path,
		   struct record_link_request *out, struct bytes *link) NODISCARD;
/* The page as XHTML, without a script. */
void web_page_write(struct writer *w, struct bytes link, const char *number,
		    const struct record_page *page);

/* Files by link. Rights are checked when a link is made: it names one file and a time, and its
 * holder may fetch that file until then. Other links are answered 403, whether the file exists or
 * not. The path: /recordings/EXPIRES_UTC_MS-MAC/TENANT/DATE/FILE */

enum { WEB_FILE_KEY_LEN = 32, WEB_FILE_FOLDER_MAX = 256, WEB_FILE_PATH_MAX = 320 };

struct web_files {
	char folder[WEB_FILE_FOLDER_MAX];
	uint8_t key[WEB_FILE_KEY_LEN];
};

/* Requested octets of a file: n of them, from `from` on. */
struct web_range {
	bool part;
	uint64_t from, n;
};

/* The link's path. Overflow of w: the name is too long. */
void web_file_link(struct writer *w, const struct web_files *f, struct bytes name,
		   uint64_t expires_utc_ms);
/* Parses the name in a link. 0, -ENOENT: malformed; -EACCES: not ours, or expired. */
int web_file_parse(const struct web_files *f, struct bytes path, uint64_t now_utc_ms,
		   struct bytes *name) NODISCARD;
/* A header Range (RFC 9110 14.2). Malformed or multiple ranges are ignored.
 * 0, or -ERANGE: not satisfiable. */
int web_range_parse(struct bytes header, uint64_t size, struct web_range *out) NODISCARD;

#endif
