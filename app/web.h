/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The web thread (libwebsockets): GET /healthz, /readyz, /metrics. It shares only atomics with the control thread, so a slow
 * client delays nobody; connections, header size and time are bounded.
 */
#ifndef APP_WEB_H
#define APP_WEB_H

#include "app/health.h"
#include "base/addr.h"

struct web;

enum { WEB_CONNECTIONS_MAX = 64 };

void web_setup(void); /* registers the metrics; main thread, once, before web_open */
/* Starts the thread. 0, -EADDRINUSE or another -errno; logged. health stays the caller's and outlives the thread. */
int web_open(struct web **out, const struct addr *bind, const struct health *health) NODISCARD;
/* Stops and joins it. */
void web_close(struct web *w);

#endif
