/* SPDX-License-Identifier: Apache-2.0 */
/* The head of a request that libwebsockets does not know the method of (web_raw.h): http_parser
 * reads it. The header of that has names of the library, too. */
#ifndef APP_WEB_WEB_RAW_HEAD_H
#define APP_WEB_WEB_RAW_HEAD_H

#include "base/bytes.h"

enum { WEB_RAW_HEAD_MAX = 8192 };

/* Header fields that are read; slices of the head. length: of the body. */
struct web_raw_head {
	struct bytes authorization, content_type, if_match, if_none_match, depth, origin;
	uint64_t length;
	char method[16];
	struct bytes path; /* decoded, without query; no "." or ".." in it */
};

/*
 * The head of a request, with its empty line; its octets are changed. 0; or the status that answers
 * it: 400: no head, 411: without Content-Length, 414: its path is too long, 431, 501: another
 * method. Pure.
 */
unsigned web_raw_head_parse(uint8_t *text, size_t n, struct web_raw_head *out) NODISCARD;

#endif
