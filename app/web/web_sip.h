/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All SIP WebSockets (RFC 7118) of the web listener: each has a place (web_link.h) while it lives,
 * and until the loop knows of its end. For web.c; all on its thread.
 */
#ifndef APP_WEB_WEB_SIP_H
#define APP_WEB_WEB_SIP_H

#include <libwebsockets.h>

#include "app/web/web.h"
#include "app/web/web_link.h"
#include "sig/transport/stream_frame.h"

/* A WebSocket message from its frames and pieces (RFC 6455 5.4), and its kind for SIP (RFC 7118 5,
 * 6). Pure. */

struct web_message {
	uint8_t *data;
	size_t n, room;
};

/* Adds a piece; left: octets of the frame still to come.
 * 0, -EMSGSIZE (above STREAM_MESSAGE_MAX), -ENOMEM. */
int web_message_add(struct web_message *m, struct bytes piece, uint64_t left) NODISCARD;
void web_message_clear(struct web_message *m);

enum web_message_kind {
	WEB_MESSAGE_SIP,
	WEB_MESSAGE_PING,  /* CRLF CRLF: wants CRLF (RFC 5626 3.5.1) */
	WEB_MESSAGE_BLANK, /* nothing but CRLF: a pong */
};
enum web_message_kind web_message_kind(struct bytes whole);

/* UTF-8 (RFC 3629), as text frames need; other SIP goes in binary ones. */
bool web_message_is_text(struct bytes message);

struct web_sip;

void web_sip_setup(void); /* registers the metrics; main thread, once */
/* settings->link is there. 0 or -ENOMEM. */
int web_sip_open(struct web_sip **out, const struct web_settings *settings) NODISCARD;
void web_sip_attach(struct web_sip *s, struct lws_context *context);
void web_sip_close(struct web_sip *s); /* after the context; NULL is fine */

/* A request to become a WebSocket. False: it was refused, counted and answered. */
bool web_sip_admit(struct web_sip *s, struct lws *wsi);
/* Callbacks of the sub-protocol; its user is the web_sip. */
int web_sip_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		     size_t len);
size_t web_sip_session_size(void);
/* The control thread: origins for later WebSockets. Wake the web thread then. */
void web_sip_origins(struct web_sip *s, const char (*list)[ORIGIN_MAX], uint32_t count);
/* The node stops: sends Close to all. True: some are left. */
bool web_sip_stop(struct web_sip *s);
/* The loop has pushed messages, or handed something over. */
void web_sip_on_messages(struct web_sip *s);

/* The life of one SIP WebSocket (RFC 7118): messages of the browser go to the loop, and those of
 * the loop to the browser. One that breaks a limit ends, with a counted reason: silent, endless,
 * not reading, or idle. Web thread. */

/* Reasons of an end. */
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
	const struct web_settings *settings; /* of its listener */
	struct sip_hop hop;
	struct web_message in;
	struct web_waiting *first, *last; /* on their way to the browser */
	/* The last input; before its first message: when it came. */
	uint64_t received_ns;
	uint64_t begun_ns; /* a message that is not whole yet; 0: none */
	/* since when output waits, or the last of it was taken; 0: nothing waits */
	uint64_t stalled_ns;
	enum web_session_end why;
	uint64_t born_ns;
	bool trusted; /* authenticated by SIP */
	bool spoke;   /* the loop has got a message of it */
	bool held;    /* a message waits for room on its way to the loop */
	bool pongs, doomed;
	/* Status of a Close to send; 0: sent, or never. */
	enum lws_close_status leaves;
};

/* The connection is gone: its memory is freed, its end counted. hop and spoke stay. */
void web_session_end(struct web_session *s);

/* The three return the result of the library's callback: 0, or -1: it closes the connection. */

#endif
