/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /v1/docs, a page to try the HTTP API, for anybody, made of the files of swagger-ui in a folder of
 * this machine. They are read once, on the first request. Web thread.
 */
#ifndef APP_WEB_WEB_MANUAL_H
#define APP_WEB_WEB_MANUAL_H

#include "app/web/web_link.h"

struct web_manual;
struct web_text;

struct web_manual_page {
	const char *type;
	struct web_text *text; /* a reference; NULL: no memory */
};

/* Content-Security-Policy of its pages: nothing from elsewhere, no script in a page. */
extern const char g_web_manual_policy[];

/* door: borrowed. 0 or -ENOMEM. */
int web_manual_open(struct web_manual **out, const struct web_door *door) NODISCARD;
void web_manual_close(struct web_manual *m); /* NULL is fine */
/* False: none of its paths. */
bool web_manual_find(struct web_manual *m, struct bytes path, struct web_manual_page *out);

#endif
