/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of one SIP WebSocket (RFC 7118): messages of the browser's go to the loop, messages of the loop's to the browser, and one that
 * breaks a limit ends, with a counted reason: who says nothing, sends without end, does not read, or is idle. Web thread.
 */
#ifndef APP_WEB_WEB_SESSION_H
#define APP_WEB_WEB_SESSION_H

#include <libwebsockets.h>

#include "app/web/web.h"
#include "app/web/web_link.h"
#include "app/web/web_message.h"

/* Why one came to its end. */
#define WEB_SESSION_ENDS(X)              \
	X(PEER, "closed_by_peer")        \
	X(IDLE, "idle")                  \
	X(SILENT, "no_message")          \
	X(STRANGER, "not_authenticated") \
	X(ROOM, "made_room")             \
	X(STOP, "node_stops")            \
	X(SLOW, "slow_sender")           \
	X(STALLED, "peer_unresponsive")  \
	X(QUEUE, "send_queue_full")      \
	X(SIZE, "message_too_large")     \
	X(OVERFLOW, "receive_overflow")  \
	X(MEMORY, "out_of_memory")

enum web_session_end {
#define X(id, name) WEB_SESSION_END_##id,
	WEB_SESSION_ENDS(X)
#undef X
		WEB_SESSION_END_COUNT
};

/* The library's memory, zeroed. */
struct web_session {
	struct lws *wsi;                     /* NULL: it has not begun, or has ended */
	const struct web_settings *settings; /* of whoever began it */
	struct sip_hop hop;
	struct web_message in;
	struct web_waiting *first, *last; /* on their way to the browser */
	uint64_t
		received_ns; /* the last word of the peer; before its first message: when it came */
	uint64_t begun_ns;   /* a message that is not whole yet; 0: none */
	/* something waits since, or since the last of it went; 0: nothing does */
	uint64_t stalled_ns;
	enum web_session_end why;
	uint64_t born_ns;
	bool trusted; /* SIP has proved who is there */
	bool spoke;   /* the loop has had a message of it */
	bool held;    /* a message waits for room on its way to the loop */
	bool pongs, doomed;
	enum lws_close_status
		leaves; /* Close is to be said, with that status; 0: it was, or never is */
};

void web_session_setup(void); /* registers the metrics; main thread, once */

/* hop: what its messages come by. settings: borrowed until it has ended. */
void web_session_begin(struct web_session *s, struct lws *wsi, const struct web_settings *settings,
		       const struct sip_hop *hop);
/* The connection is gone: its memory is freed, its end counted. hop and spoke stay. */
void web_session_end(struct web_session *s);

/* What the three return is what the library's callback returns: 0, or -1: it closes the connection. */

/* A piece of a frame's payload. Afterwards web_session_waits may be true. */
int web_session_receive(struct web_session *s, struct bytes piece);
/* The connection takes one frame. */
int web_session_writeable(struct web_session *s);
/* A fraction of settings->patience_ns later. */
int web_session_timer(struct web_session *s);

/* A message waits for room on its way to the loop: try again soon. */
bool web_session_waits(const struct web_session *s);
void web_session_retry(struct web_session *s);
/* To be sent. False: out of memory, the session ends, and out is still the caller's. */
bool web_session_queue(struct web_session *s, const struct web_link_out *out) NODISCARD;
/* A newcomer has its place. at_once: there are few more: it hears no Close. */
void web_session_make_room(struct web_session *s, bool at_once);
/* The node stops. */
void web_session_stop(struct web_session *s);
/* It reads too slowly for what is sent to it: it ends. */
void web_session_cut(struct web_session *s);

#endif
