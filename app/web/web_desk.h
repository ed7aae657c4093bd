/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where record pages are asked for: GET shows one, POST of an act presses its key and shows it again. A link that is none of ours is answered
 * without a word to the loop; what the loop says of the others is sent, and the connection ends, so that handshakes of a source bound how often
 * it asks. Web thread.
 */
#ifndef APP_WEB_WEB_DESK_H
#define APP_WEB_WEB_DESK_H

#include <libwebsockets.h>

#include "app/web/web_asks.h"

struct web_desk;
struct web_visit;

/* key: copied. asks: borrowed. 0 or -ENOMEM. */
int web_desk_open(struct web_desk **out, const uint8_t key[WEB_PAGE_KEY_LEN],
		  struct web_asks *asks) NODISCARD;
void web_desk_close(struct web_desk *d); /* NULL is fine */
/* The loop has answered some. */
void web_desk_news(struct web_desk *d);

/* What the next four return is what the library's callback returns: 0, or -1: it closes the connection. */

/* The head of a request came, of a path that begins as WEB_PAGE_HEAD. *out: to be dropped. */
int web_visit_take(struct web_desk *d, struct web_visit **out, struct lws *wsi, struct bytes path);
/* Octets of its body, which nobody reads; and its end. */
int web_visit_body(struct web_visit *v, size_t n);
int web_visit_body_end(struct web_visit *v);
/* The connection takes more. */
int web_visit_send(struct web_visit *v);
/* It is over, or the connection is. NULL is fine. */
void web_visit_drop(struct web_visit *v);

#endif
