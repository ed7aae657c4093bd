/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a request may become a SIP WebSocket (RFC 6455 4.2, RFC 7118 4.1): by its path, its sub-protocol, the page it comes from (Origin),
 * and whether there is a place. Refusals are counted by their reason, and
 * logged. Web thread.
 */
#ifndef APP_WEB_WEB_ADMIT_H
#define APP_WEB_WEB_ADMIT_H

#include <libwebsockets.h>

#include "app/web/web.h"
#include "app/web/web_origins.h"

#define WEB_ADMIT_PATH     "/ws"
#define WEB_ADMIT_PROTOCOL "sip"

void web_admit_setup(void); /* registers the metrics; main thread, once */
/* False: it was refused, counted and answered. */
bool web_admit(const struct web_settings *settings, const struct web_origins_list *origins,
	       bool has_place, struct lws *wsi);
/* One that was admitted has no place now: counted. */
void web_admit_lost(void);

#endif
