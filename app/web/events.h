/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events for clients of HTTP. They are streams in Redis, which all nodes write: any node serves any
 * client, and one that comes back gives the id of its last event. A thread reads new entries, once
 * for all listeners of a stream, and older ones for listeners that came back or were slow. A
 * listener has a bounded queue; when it is full the listener lags, and continues from the stream as
 * soon as it has read. It misses events that the stream has dropped, and is told so.
 */
#ifndef APP_WEB_EVENTS_H
#define APP_WEB_EVENTS_H

#include "base/bytes.h"

struct redis_place;

/* ---- what an event is, and which listeners want it. Pure ---- */

enum {
	EVENTS_TENANT_MAX = 32,
	EVENTS_APPLICATION_MAX = 33,
	EVENTS_LIST_MAX = 256, /* octets of one list of a filter */
	EVENTS_ID_MAX = 42,
	EVENTS_PARTS_MAX = 64,
	EVENTS_WITHOUT_MAX = 64,
	EVENTS_USER_MAX = 64,
	EVENTS_SESSION_MAX = 32,
};

/* Id of a stream entry: a time of Redis, so later ones are larger. */
struct events_id {
	uint64_t ms, seq;
};
int events_id_compare(struct events_id a, struct events_id b);
/* MS-SEQ, or MS alone. False: malformed. */
bool events_id_parse(struct bytes text, struct events_id *out);
struct bytes events_id_write(char out[EVENTS_ID_MAX], struct events_id id);

/* Facts that an event is selected by; empty: absent. from, to: phones; numbers outside of a trunk
 * are not in them. Of a message: to is its mailbox, and the users in members, joined by ',', see
 * it, too; its caller does not. */
struct events_facts {
	struct bytes type, call, from, to, members;
	bool hides; /* who calls (RFC 3323) */
};
/* Reads an event's JSON object, as the node writes it. False: another form. */
bool events_facts_parse(struct bytes json, struct events_facts *out);

/* The object behind its '{', less members of a list joined by ','; hides: the caller's identity is
 * withheld (party_is_shown). */
void events_without(struct writer *w, struct bytes json, struct bytes list, bool hides);

/* Lists are joined by ','; an empty one: all. */
struct events_filter {
	char tenant[EVENTS_TENANT_MAX];           /* empty: the client's own */
	char application[EVENTS_APPLICATION_MAX]; /* its stream; empty: the tenant's */
	char calls[EVENTS_LIST_MAX], users[EVENTS_LIST_MAX], types[EVENTS_LIST_MAX];
	bool has_after;
	struct events_id after;
	/* watch: the watched user; the client gets events of that user alone, and no events if it
	 * names no types. */
	char watch[EVENTS_USER_MAX];      /* "": none */
	char watched[EVENTS_LIST_MAX];    /* also told of; empty: as the user watches */
	char session[EVENTS_SESSION_MAX]; /* name of a user's token */
	char without[EVENTS_WITHOUT_MAX]; /* members that its token leaves out */
	uint8_t part, parts; /* of the calls of a stream: this connection's; parts 0: all */
	/* The listener's holder: its token's tenant, name and user, "" if none. */
	char by_tenant[EVENTS_TENANT_MAX], by[EVENTS_SESSION_MAX], by_user[EVENTS_USER_MAX];
};
/* Arguments, each NAME=VALUE and a line feed. NULL, or the error; *argument is the name. */
const char *events_filter_parse(struct bytes arguments, struct events_filter *out,
				struct bytes *argument);
bool events_filter_has(const struct events_filter *f, const struct events_facts *facts);

/* ---- listeners ---- */

enum {
	EVENTS_LISTENERS_MAX = 4096,
	EVENTS_QUEUE_MAX = 256,        /* events that wait for one listener, */
	EVENTS_QUEUE_OCTETS = 1 << 16, /* ... and their octets */
	EVENTS_ROOM = 32,              /* before each text, for the head of a frame */
	EVENTS_PIECE = 64,             /* entries that are read at once for lagging listeners */
};

/* A JSON object, shared by its listeners. */
struct events_text {
	uint32_t users;
	uint32_t n;
	struct events_id id;
	uint8_t octets[]; /* EVENTS_ROOM, then n */
};

struct events;
struct events_stream;
struct events_listener;

/* ---- the web thread ---- */

void events_setup(void); /* registers the metrics; main thread, once */
/* place: the caller's; NULL: no reader. wake: from any thread: events_ready has something. The
 * reader starts with the first listener. 0 or -ENOMEM. */
int events_open(struct events **out, const struct redis_place *place, void (*wake)(void *arg),
		void *arg) NODISCARD;
void events_close(struct events *e); /* without its listeners; NULL is fine */
/* 0; -EDQUOT: the tenant, the token or the user has its share (base/fair.h); -ENOSPC: all have. */
int events_room(struct events *e, const struct events_filter *filter) NODISCARD;
/* The same, or -ENOMEM, -EAGAIN. */
int events_add(struct events *e, struct events_listener **out, const struct events_filter *filter,
	       void *owner) NODISCARD;
void events_remove(struct events *e, struct events_listener *l);
/* The owner of a listener with new texts; NULL: none. */
void *events_ready(struct events *e);
/* Takes its pending texts, at most max, until events_release. */
uint32_t events_read(struct events *e, struct events_listener *l, struct events_text **out,
		     uint32_t max);
void events_release(struct events *e, struct events_text **texts, uint32_t n);
/* The id up to which it has all. False: texts are pending, or it lags. */
bool events_position(struct events *e, const struct events_listener *l, struct events_id *out);

/* ---- the thread that reads, and tests ---- */

/* Streams with listeners, one after the other; NULL first. Streams without are freed. */
struct events_stream *events_stream_next(struct events *e, struct events_stream *s);
/* One that is pinned is not freed. */
void events_stream_pin(struct events_stream *s, int change);
const char *events_stream_key(const struct events_stream *s);
/* What to read of it. live: all behind that id, for listeners that are up to date. */
bool events_wants_live(const struct events_stream *s, struct events_id *after);
/* A listener lags: the first and last entry are needed. */
bool events_wants_bounds(struct events *e, struct events_stream *s);
/* first, last: zero if it is empty. True: read from *from on, up to EVENTS_PIECE entries. */
bool events_bounds(struct events *e, struct events_stream *s, struct events_id first,
		   struct events_id last, struct events_id *from);
/* One entry, of live or for lagging listeners. */
void events_live(struct events *e, struct events_stream *s, struct events_id id, struct bytes json);
void events_late(struct events *e, struct events_stream *s, struct events_id id, struct bytes json);
/* n entries were read. True: read on from there. */
bool events_late_end(struct events *e, struct events_stream *s, uint32_t n, struct events_id *from);
/* Redis is away: all listeners lag, and reads under way will be repeated. */
void events_lost(struct events *e);
/* Wakes the web thread if a listener has new texts. */
void events_deliver(struct events *e);

/* The thread. 0 or -errno. */
struct events_reader;
int events_reader_open(struct events_reader **out, struct events *e,
		       const struct redis_place *place) NODISCARD;
void events_reader_close(struct events_reader *r); /* NULL is fine */
/* A listener came, or may go on. */
void events_reader_wake(struct events_reader *r);

#endif
