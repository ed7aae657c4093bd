/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIP between the web thread, which has the WebSockets, and the loop's thread, which has the calls: two bounded rings. Neither waits for
 * the other: a full ring is backpressure on the browsers (in) or a message that is not sent (out).
 *
 * A connection is a place (an index below the limit) and a name that no other has: bit 63, a count, the place. Both threads may free
 * what they took, so octets are counted per place: whoever reads slowly, or sends too fast, does so at its own expense.
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
	WEB_LINK_SPARE = 64, /* places of those that are ending, for newcomers */
	WEB_LINK_PLACES_MAX = 65535 - WEB_LINK_SPARE,
	WEB_LINK_IN = 256,            /* messages on their way to the loop */
	WEB_LINK_IN_EACH = 16,        /* of one connection */
	WEB_LINK_OUT = 4096,          /* messages on their way to browsers */
	WEB_LINK_OUT_OCTETS = 262144, /* that wait for one of them */
	WEB_LINK_ROOM = 32,           /* octets before each message, for the frame's head */
	WEB_LINK_ROUND = 64,          /* messages a round of the loop takes */
};

/* What goes to the web thread. */
struct web_link_out {
	uint64_t connection;
	uint8_t *
		data; /* malloc'ed: WEB_LINK_ROOM octets, then the message; NULL: end the connection, or */
	size_t n;      /* of the message */
	bool trusted;  /* it is known who is there */
	uint8_t place; /* of the shard that says it, in struct validity */
};

void web_link_setup(void); /* registers the metrics; main thread, once */

/* ---- the loop's thread ---- */

/* places: connections at once, beside WEB_LINK_SPARE that are ending. Watches the ring. validity outlives the link; NULL: all shards may
 * speak. 0 or -errno. */
int web_link_open(struct web_link **out, uint32_t places, const struct transport_handlers *handlers,
		  struct validity *validity) NODISCARD;
/* The web thread is gone. NULL is fine. */
void web_link_close(struct web_link *l);
/* What transport.h asks; borrowed as long as the link lives. */
struct transport_provider web_link_provider(struct web_link *l);

/* ---- the web thread ---- */

/* Before its thread runs: wake makes it call web_link_pop, from the loop's thread. */
void web_link_attach(struct web_link *l, void (*wake)(void *arg), void *arg);
/* A new name for the connection that has the place now. */
uint64_t web_link_name(struct web_link *l, uint32_t place);
uint32_t web_link_place(uint64_t connection);
/* A whole message. 0, -EAGAIN (no room: stop reading and try again), -ENOMEM. */
int web_link_bring(struct web_link *l, const struct sip_hop *hop, struct bytes message) NODISCARD;
/* Somebody there was refused for its certificate. A full ring: nobody hears of it. */
void web_link_refused(struct web_link *l, const struct addr *remote, enum tls_failure why);
/* A connection that brought messages is gone. False: no room, try again; the place is not free before. */
bool web_link_ended(struct web_link *l, const struct sip_hop *hop) NODISCARD;
/* The next one to send; the caller frees data and says web_link_sent when it has gone, or was thrown away. */
bool web_link_pop(struct web_link *l, struct web_link_out *out);
/* Asked just before it is written: it must not be, and that is counted. */
bool web_link_withholds(struct web_link *l, const struct web_link_out *out);
void web_link_sent(struct web_link *l, const struct web_link_out *out);

/*
 * Questions of the web thread to the loop's, and their answers: two bounded rings, of items of one size each. Each question has one answer, so
 * there are never more of these than the web thread has places. Neither thread waits for the other.
 */

enum { WEB_ASKS_MAX = 64, WEB_CALLS_MAX = 256, WEB_NEXT_MAX = 640 };

/* Of record pages. */

struct web_asked {
	uint64_t id;
	struct web_page_ask ask;
};

struct web_answered {
	uint64_t id;
	bool found; /* else the link is good no longer */
	struct record_page page;
};

/*
 * A request of the HTTP API, /v1/..., which the web thread has read whole; slices are valid during the call. arguments: of the query, decoded,
 * each NAME=VALUE and a line feed. key: of Idempotency-Key; empty: none.
 */
struct web_call {
	struct bytes method, path, arguments, token, key, body;
	struct bytes if_match, if_none_match, content_type;
	struct addr peer;
	bool from_loopback;
};

/* What answers it. */
struct web_reply {
	uint64_t id;
	unsigned status;
	char *text; /* JSON, malloc'ed, its owner's who has the reply; NULL: out of memory */
	size_t n;
	uint64_t version;        /* of the document that it shows; 0: none */
	char allow[32];          /* of 405; empty: none */
	char next[WEB_NEXT_MAX]; /* where the next page of a list begins; empty: it is none */
	char missing
		[256]; /* nodes that have rows of the list and have not said them; empty: none */
};

/* Of a good token. */
struct web_who {
	bool is_operator;
	char tenant[EVENTS_TENANT_MAX], token[EVENTS_SESSION_MAX];
	char user[EVENTS_USER_MAX]; /* of a user's session; else "" */
};

/* Who knows what requests mean. */
struct web_door {
	/* The web thread: whose token that is. False: it is none. */
	bool (*who)(struct bytes token, struct web_who *out, void *arg);
	/* The web thread: true: *reply answers it; else *work goes to the loop's thread, which owns it then. */
	bool (*look)(const struct web_call *call, struct web_reply *reply, void **work, void *arg);
	/* The web thread: its body is a file, of that many octets at most; 0: it is none. */
	size_t (*file_max)(const struct web_call *call, void *arg);
	/* Who wants to hear events: *out is what it may hear of them, or *reply answers it. False: it may not. */
	bool (*listen)(const struct web_call *call, struct events_filter *out,
		       struct web_reply *reply, void *arg);
	/* There is no room for one more; of_tenant: of its tenant. */
	void (*full)(bool of_tenant, struct web_reply *reply, void *arg);
	/* Whether who shows that token may hear that now. */
	bool (*listens)(struct bytes token, bool from_loopback, const struct events_filter *filter,
			void *arg);
	void *arg;
	char *openapi;          /* what describes it; nobody changes it */
	const char *swagger_ui; /* the folder of a page's files */
	struct web_asks *asks;  /* of struct web_work and struct web_reply */
	struct web_asks
		*watches; /* of struct web_watch and struct web_watched; any of them may be lost */
	const struct redis_place *place; /* where events are; NULL: there are none */
};

/* What a page asks that shows a user (web_events.c): to be told of him and of others, for one more state, or that it is gone. */
struct web_watch {
	uint64_t page;
	uint32_t told; /* the number of the last state that it had; 0: none */
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
	uint32_t count; /* at most wait for their answer */
};
typedef void web_asked_fn(const void *asked, void *arg);

/* ---- the loop's thread ---- */

/* Watches the ring. asked answers each, at once or later. 0 or -errno. */
int web_asks_open(struct web_asks **out, struct web_asks_size size, web_asked_fn *asked,
		  void *arg) NODISCARD;
void web_asks_close(struct web_asks *a); /* the web thread is gone; NULL is fine */
void web_asks_answer(struct web_asks *a, const void *answered);
/* The same of what may be lost. False: there is no room. */
bool web_asks_tell(struct web_asks *a, const void *answered);
/* The web thread is gone: what it asked and nobody has looked at yet. False: nothing. */
bool web_asks_left(struct web_asks *a, void *asked);

/* ---- the web thread ---- */

/* Before its thread runs: wake makes it call web_asks_pop, from the loop's thread. */
void web_asks_attach(struct web_asks *a, void (*wake)(void *arg), void *arg);
void web_asks_push(struct web_asks *a, const void *asked);
bool web_asks_offer(struct web_asks *a, const void *asked); /* as web_asks_tell */
bool web_asks_pop(struct web_asks *a, void *answered);

/* Two rings between the thread of HTTP and that of calls: what comes in wakes the loop of the thread that opens them. */

struct web_rings_size {
	size_t item;
	uint32_t count;
};

#endif
