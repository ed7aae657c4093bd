/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIP between the web thread, which has the WebSockets, and the loop's thread, which has the calls:
 * two bounded rings. Neither waits for the other: a full ring is backpressure on the browsers (in)
 * or an unsent message (out).
 *
 * A connection has a place (an index below the limit) and a unique name: bit 63, a count, the
 * place. Both threads may free what they took, so octets are counted per place: a slow reader, or a
 * fast sender, harms only itself.
 */
#ifndef APP_WEB_WEB_LINK_H
#define APP_WEB_WEB_LINK_H

#include "app/web/events.h"
#include "app/web/web_page.h"
#include "base/loop.h"
#include "base/ring.h"
#include "base/tls/tls.h"
#include "sig/transport/stream_frame.h"
#include "sig/transport/transport.h"

struct validity;
struct web_link;

enum {
	WEB_LINK_SPARE = 64, /* places of ending ones, for newcomers */
	WEB_LINK_PLACES_MAX = 65535 - WEB_LINK_SPARE,
	WEB_LINK_IN = 256,            /* messages on their way to the loop */
	WEB_LINK_IN_EACH = 16,        /* of one connection */
	WEB_LINK_OUT = 4096,          /* messages on their way to browsers */
	WEB_LINK_OUT_OCTETS = 262144, /* pending for one of them */
	WEB_LINK_ROOM = 32,           /* octets before each message, for the frame's head */
	WEB_LINK_ROUND = 64,          /* messages a round of the loop takes */
};

/* An item for the web thread. */
struct web_link_out {
	uint64_t connection;
	/* malloc'ed: WEB_LINK_ROOM octets and the message; NULL: see trusted, else an end. */
	uint8_t *data;
	size_t n;      /* of the message */
	bool trusted;  /* it is authenticated */
	uint8_t place; /* of the sending shard, in struct validity */
};

void web_link_setup(void); /* registers the metrics; main thread, once */

/* ---- the loop's thread ---- */

/* places: connections at once, besides WEB_LINK_SPARE ending ones. Watches the ring. validity
 * outlives the link; NULL: all shards may send. 0 or -errno. */
int web_link_open(struct web_link **out, uint32_t places, const struct transport_handlers *handlers,
		  struct validity *validity) NODISCARD;
/* The web thread is gone. NULL is fine. */
void web_link_close(struct web_link *l);
/* Functions for transport.h; borrowed while the link lives. */
struct transport_provider web_link_provider(struct web_link *l);

/* ---- the web thread ---- */

/* Before its thread runs: wake makes it call web_link_pop, from the loop's thread. */
void web_link_attach(struct web_link *l, void (*wake)(void *arg), void *arg);
/* A new name for the connection that has the place now. */
uint64_t web_link_name(struct web_link *l, uint32_t place);
uint32_t web_link_place(uint64_t connection);
/* A whole message. 0, -EAGAIN (no room: stop reading and try again), -ENOMEM. */
int web_link_bring(struct web_link *l, const struct sip_hop *hop, struct bytes message) NODISCARD;
/* A peer was refused for its certificate. Lost if the ring is full. */
void web_link_refused(struct web_link *l, const struct addr *remote, enum tls_failure why);
/* A connection that brought messages is gone. False: no room, try again: its place is kept. */
bool web_link_ended(struct web_link *l, const struct sip_hop *hop) NODISCARD;
/* The next one to send; the caller frees data, and calls web_link_sent in the end. */
bool web_link_pop(struct web_link *l, struct web_link_out *out);
/* Called just before writing: true: it must not be sent, which is counted. */
bool web_link_withholds(struct web_link *l, const struct web_link_out *out);
void web_link_sent(struct web_link *l, const struct web_link_out *out);

/* Questions of the web thread to the loop's, and their answers: two bounded rings of fixed items.
 * Each question has one answer, so there are never more than the web thread has places. Neither
 * thread waits for the other. */

enum { WEB_ASKS_MAX = 64, WEB_CALLS_MAX = 256, WEB_NEXT_MAX = 640 };

/* Of record pages. */

struct web_asked {
	uint64_t id;
	struct record_link_request ask;
};

struct web_answered {
	uint64_t id;
	bool found; /* else the link is not valid any more */
	struct record_page page;
};

/* A request of the HTTP API, /v1/..., read whole by the web thread; slices are valid during the
 * call. arguments: of the query, decoded, each NAME=VALUE and a line feed. key: of Idempotency-Key;
 * empty: none. */
struct web_call {
	struct bytes method, path, arguments, token, key, body;
	struct bytes if_match, if_none_match, content_type;
	struct bytes basic, depth; /* of Authorization: Basic, encoded; of Depth (RFC 4918 10.2) */
	struct addr peer;
	bool from_loopback;
};

/* The answer. */
struct web_reply {
	uint64_t id;
	unsigned status;
	char *text; /* JSON, malloc'ed, owned with the reply; NULL: out of memory */
	size_t n;
	uint64_t version;        /* of the document in it; 0: none */
	char allow[80];          /* of 405; empty: none */
	char next[WEB_NEXT_MAX]; /* link to the next page of a list; empty: none */
	/* Nodes with rows of the list that did not answer; empty: none. */
	char missing[256];
	/* Of a page of a feature (app/command/page.h): the type of text, and fields. NULL: it
	 * is an answer of the API. */
	const char *type;
	const char *dav;   /* RFC 4918 10.1; NULL: none */
	char tag[48];      /* an entity tag; empty: none */
	char location[80]; /* empty: none */
};

/* Holder of a valid token. */
struct web_who {
	bool is_operator;
	char tenant[EVENTS_TENANT_MAX], token[EVENTS_SESSION_MAX];
	char user[EVENTS_USER_MAX]; /* of a user's session; else "" */
};

/* The functions that interpret requests. */
struct web_door {
	/* The web thread: the token's holder. False: invalid. */
	bool (*who)(struct bytes token, struct web_who *out, void *arg);
	/* The web thread: true: *reply answers it;
	 * else *work goes to the loop's thread, which then owns it. */
	bool (*look)(const struct web_call *call, struct web_reply *reply, void **work, void *arg);
	/* The web thread: whether a page of a feature has that path. Its requests come by
	 * Authorization: Basic, and by methods of WebDAV. */
	bool (*page)(struct bytes path);
	/* The web thread: the page of the bundle that a feature has there, and the origins of the
	 * hosts that may frame it. NULL: none. */
	const char *(*bundle)(struct bytes path, struct writer *origins);
	/* The web thread: most octets of its body as a file; 0: it has none. */
	size_t (*file_max)(const struct web_call *call, void *arg);
	/* A request to listen: *out is the allowed filter, or *reply answers it. False: refused. */
	bool (*listen)(const struct web_call *call, struct events_filter *out,
		       struct web_reply *reply, void *arg);
	/* No room for one more; of_tenant: for its tenant. */
	void (*full)(bool of_tenant, struct web_reply *reply, void *arg);
	/* Whether that token still allows the filter. */
	bool (*listens)(struct bytes token, bool from_loopback, const struct events_filter *filter,
			void *arg);
	void *arg;
	char *(*openapi)(void); /* makes the OpenAPI document, malloc'ed; NULL: no memory */
	const char *swagger_ui; /* the folder of a page's files */
	const char *pages[2];   /* folders of the web pages: the first that is there counts */
	uint16_t files_port;    /* of recordings; 0: none */
	struct web_asks *asks;  /* of struct web_work and struct web_reply */
	/* Of struct web_watch and struct web_watched; any of them may be lost. */
	struct web_asks *watches;
	const struct redis_place *place; /* of event streams; NULL: none */
};

/* A message of a page that shows a user (web_events.c): which users to report, that it is ready for
 * one more state, or that it is gone. */
struct web_watch {
	uint64_t page;
	uint32_t told; /* number of its last state; 0: none */
	bool ready;    /* for one more */
	char tenant[EVENTS_TENANT_MAX], user[EVENTS_USER_MAX], users[EVENTS_LIST_MAX];
	char session[EVENTS_SESSION_MAX]; /* the name of its token; "": no user's */
};

struct web_watched {
	uint64_t page;
	uint32_t number; /* of the state */
	uint8_t end;     /* enum web_watch_end */
	char *text;      /* JSON, malloc'ed; NULL: it ends */
	size_t n;
};
enum web_watch_end { WEB_WATCH_TOKEN, WEB_WATCH_FULL, WEB_WATCH_STOP };

struct web_work {
	uint64_t id;
	void *work;
};

struct web_asks;
struct web_asks_size {
	size_t asked, answered;
	uint32_t count; /* most pending ones */
};
typedef void web_asked_fn(const void *asked, void *arg);

/* ---- the loop's thread ---- */

/* Watches the ring. asked answers each, at once or later. 0 or -errno. */
int web_asks_open(struct web_asks **out, struct web_asks_size size, web_asked_fn *asked,
		  void *arg) NODISCARD;
void web_asks_close(struct web_asks *a); /* the web thread is gone; NULL is fine */
void web_asks_answer(struct web_asks *a, const void *answered);
/* The same for messages that may be lost. False: no room. */
bool web_asks_finish(struct web_asks *a, const void *answered);
/* The web thread is gone: takes unread questions. False: none. */
bool web_asks_left(struct web_asks *a, void *asked);

/* ---- the web thread ---- */

/* Before its thread runs: wake makes it call web_asks_pop, from the loop's thread. */
void web_asks_attach(struct web_asks *a, void (*wake)(void *arg), void *arg);
void web_asks_push(struct web_asks *a, const void *asked);
bool web_asks_offer(struct web_asks *a, const void *asked); /* as web_asks_finish */
bool web_asks_pop(struct web_asks *a, void *answered);

/* Two rings between the thread of HTTP and that of calls:
 * input wakes the loop of the thread that opens them. */

struct web_rings_size {
	size_t item;
	uint32_t count;
};

#endif
