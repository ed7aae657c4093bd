/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All SIP WebSockets (RFC 7118) of the web listener: each has a place (web_link.h) as long as it lives, and until the loop knows of its
 * end. For web.c; all on its thread.
 */
#ifndef APP_WEB_WEB_SIP_H
#define APP_WEB_WEB_SIP_H

#include <libwebsockets.h>

#include "app/web/web.h"

struct web_sip;

void web_sip_setup(void); /* registers the metrics; main thread, once */
/* settings->link is there. 0 or -ENOMEM. */
int web_sip_open(struct web_sip **out, const struct web_settings *settings) NODISCARD;
void web_sip_attach(struct web_sip *s, struct lws_context *context);
void web_sip_close(struct web_sip *s); /* after the context; NULL is fine */

/* A request to become a WebSocket. False: it was refused, counted and answered. */
bool web_sip_admit(struct web_sip *s, struct lws *wsi);
/* Those of the sub-protocol; its user is the web_sip. */
int web_sip_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		     size_t len);
size_t web_sip_session_size(void);
/* The control thread: WebSockets from now on may be of these pages. Then the web thread is to be woken. */
void web_sip_origins(struct web_sip *s, const char (*list)[ORIGIN_MAX], uint32_t count);
/* The node stops: all hear Close. True: some are there still. */
bool web_sip_stop(struct web_sip *s);
/* The loop has pushed something, or handed something over. */
void web_sip_news(struct web_sip *s);

#endif
