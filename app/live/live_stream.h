/* SPDX-License-Identifier: Apache-2.0 */
/* One stream as the live thread has it: state, times, the next message. It knows no WebSocket. */
#ifndef APP_LIVE_LIVE_STREAM_H
#define APP_LIVE_LIVE_STREAM_H

#include <assert.h>
#include <libwebsockets.h>
#include <netdb.h>

#include "app/live/live.h"
#include "app/live/live_sound.h"
#include "base/bytes.h"

/* Addresses of a host by the system's resolver, asynchronously. */

enum { LIVE_ADDRESS_TEXT = 64 };

/* The resolver refers to it: it is not moved or freed while live_address_asks. */
struct live_address {
	struct gaicb request;
	struct addrinfo hints;
	bool asks;
};

/* 0 or -errno. The name lives as long. */
int live_address_resolve(struct live_address *a, const char *host) NODISCARD;
/* -EAGAIN: not yet; -ENOENT: none; 0: *out has the number-th, round robin. */
int live_address_read(struct live_address *a, uint32_t number,
		      char out[LIVE_ADDRESS_TEXT]) NODISCARD;
/* False: the question is still pending. */
bool live_address_drop(struct live_address *a);

struct lws;

enum { LIVE_DIGITS = 16 };

enum live_state {
	LIVE_RESOLVES, /* its host is asked for */
	LIVE_CONNECTS,
	LIVE_UP,
	LIVE_WAITS, /* for another try */
	LIVE_OVER,  /* control has been told, and is to end it */
};

struct live_stream {
	struct live_terms terms;
	struct live_url url;
	struct live_stream *tap_next; /* of the engine that taps it */
	enum live_state state;
	struct lws *wsi; /* NULL: none */
	struct live_address address;
	uint64_t try_ns;     /* WAITS: when; else when it began */
	uint64_t lost_ns;    /* since when there is no connection */
	uint32_t tries;      /* since then */
	uint32_t times;      /* that it was connected */
	bool started;        /* start was sent over this connection */
	bool ends;           /* control wants it to */
	bool stopped;        /* stop was sent, or no connection is there for it */
	bool leaves;         /* the node stops */
	uint64_t closing_ns; /* since then our Close is on its way; 0: it is not */
	bool failed_once;    /* the reason was logged */
	uint64_t ends_ns;    /* since when */
	char reason[LIVE_REASON_MAX];
	char digits[LIVE_DIGITS];
	uint32_t digit_count;
	/* a text message that comes */
	uint32_t text_n;
	bool text_is_too_long;
	char text[LIVE_TEXT_MAX];
	struct live_sound sound;
};

/* NULL: no memory, or the terms are wrong; *err says which. */
struct live_stream *live_stream_make(const struct live_terms *terms, int *err);
void live_stream_free(struct live_stream *s);

/* Something is to be said. */
bool live_stream_has(const struct live_stream *s);
/* Writes the next message, with room for LIVE_MESSAGE_MAX; octets: its length. False: none. */
enum { LIVE_MESSAGE_MAX = 2 * LIVE_CHANNELS * FEED_SAMPLES_MAX };
static_assert((int)LIVE_MESSAGE_MAX >= (int)LIVE_WRITE_MAX, "texts fit, too");

/* The WebSocket of a live stream, by libwebsockets. The live thread. */

/* NULL: the library cannot. */
struct lws_context *live_connection_context(struct live *l, const char *ca, uint32_t streams);
/* False: it cannot be begun. What becomes of it is told by those below. */
bool live_connection_start(struct lws_context *context, struct live_stream *s, const char *address);
/* Soon: live_stream_unconnected follows. */
void live_connection_end(struct live_stream *s);
void live_connection_wants(struct live_stream *s); /* to send something */

/* ---- what live.c does then ---- */

void live_stream_connected(struct live *l, struct live_stream *s);
/* refused: by an answer that another try would get as well. */
void live_stream_unconnected(struct live *l, struct live_stream *s, const char *why, bool refused);
void live_stream_is_done(struct live *l, struct live_stream *s); /* the application said so */
void live_woken(struct live *l);

#endif
