/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/events: events as they come, by WebSocket (RFC 6455) or as Server-Sent Events
 * (text/event-stream). The door decides who may listen to what, and is asked again twice a second:
 * a listener that may not any more is told so, and disconnected. Web thread.
 */
#ifndef APP_WEB_WEB_EVENTS_H
#define APP_WEB_WEB_EVENTS_H

#include <libwebsockets.h>

#include "app/web/web_link.h"

#define WEB_EVENTS_PATH "/v1/events"

struct web_api;
struct web_ear;
struct web_events;
struct web_query;

void web_events_setup(void); /* registers the metrics; main thread, once */
/* wake: makes the web thread call web_events_on_new. 0 or -ENOMEM. */
int web_events_open(struct web_events **out, struct web_api *api, const struct web_door *door,
		    void (*wake)(void *arg), void *arg) NODISCARD;
void web_events_close(struct web_events *v); /* its connections are gone; NULL is fine */
/* Listeners have new texts. */
void web_events_on_new(struct web_events *v);
/* Call some times a second. */
void web_events_expire(struct web_events *v, uint64_t now_ns);
/* The node stops: tells all. True: some are left. */
bool web_events_stop(struct web_events *v);

/* The next return the result of the library's callback: 0, or -1: it closes the connection. */

/* A request for events: *out is a listener, or *query answers it. */
int web_events_on_head(struct web_events *v, struct web_ear **out, struct web_query **query,
		       struct lws *wsi);
/* A request to become a WebSocket. -1: refused and answered. */
int web_events_admit(struct web_events *v, struct lws *wsi);
/* It is one. */
int web_events_start(struct web_events *v, struct web_ear **out, struct lws *wsi);
/* The connection takes more. */
int web_events_send(struct web_ear *ear);
/* The connection is over. NULL is fine. */
void web_events_drop(struct web_ear *ear);

#endif
