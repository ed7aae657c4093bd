/* SPDX-License-Identifier: Apache-2.0 */
/* The WebSocket of a live stream, by libwebsockets. The live thread. */
#ifndef APP_LIVE_LIVE_CONNECTION_H
#define APP_LIVE_LIVE_CONNECTION_H

#include <libwebsockets.h>

#include "app/live/live_stream.h"

/* NULL: the library cannot. */
struct lws_context *live_connection_context(struct live *l, const char *ca, uint32_t streams);
/* False: it cannot be begun. What becomes of it is told by those below. */
bool live_connection_begin(struct lws_context *context, struct live_stream *s, const char *address);
/* Soon: live_stream_unconnected follows. */
void live_connection_end(struct live_stream *s);
void live_connection_wants(struct live_stream *s); /* to say something */

/* ---- what live.c does then ---- */

void live_stream_connected(struct live *l, struct live_stream *s);
/* refused: by an answer that another try would get as well. */
void live_stream_unconnected(struct live *l, struct live_stream *s, const char *why, bool refused);
void live_stream_is_done(struct live *l, struct live_stream *s); /* the application said so */
void live_woken(struct live *l);

#endif
