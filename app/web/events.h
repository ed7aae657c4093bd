/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events for clients of HTTP. They are streams in Redis, which all nodes write: so any node serves any client, and one that comes back says the
 * id that it has had last. A thread reads what is new, once for all listeners of a stream, and what those need who came back or were slow.
 * A listener has a bounded queue; when that is full it lags, and goes on from the stream as soon as it has read. It misses what the stream has
 * no longer, and is told so.
 */
#ifndef APP_WEB_EVENTS_H
#define APP_WEB_EVENTS_H

#include "base/bytes.h"

struct redis_place;

/* ---- what an event is, and who wants it. Pure ---- */

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

/* Of an entry of a stream: times of Redis, so later ones are larger. */
struct events_id {
	uint64_t ms, seq;
};
int events_id_compare(struct events_id a, struct events_id b);
/* MS-SEQ, or MS alone. False: it is none. */
bool events_id_parse(struct bytes text, struct events_id *out);
struct bytes events_id_write(char out[EVENTS_ID_MAX], struct events_id id);

/*
 * What an event is chosen by; empty: it has none. from, to: of a phone; not of a trunk, where they are numbers outside. Of a message: to is its
 * box, and members, joined by ',', see that, too; its caller does not.
 */
struct events_facts {
	struct bytes type, call, from, to, members;
	bool hides; /* who calls (RFC 3323) */
};
/* Of the JSON object that an event is, as the node writes it. False: it is none. */
bool events_facts_parse(struct bytes json, struct events_facts *out);

/* The object behind its '{', without the members of a list that is joined by ','; hides: who calls is nobody (party_is_shown). */
void events_without(struct writer *w, struct bytes json, struct bytes list, bool hides);

/* Lists are joined by ','; an empty one: all. */
struct events_filter {
	char tenant[EVENTS_TENANT_MAX];           /* empty: that of who asks */
	char application[EVENTS_APPLICATION_MAX]; /* its stream; empty: the tenant's */
	char calls[EVENTS_LIST_MAX], users[EVENTS_LIST_MAX], types[EVENTS_LIST_MAX];
	bool has_after;
	struct events_id after;
	/* watch: whose state it is told; it hears events of that user alone, and none where it names no types */
	char watch[EVENTS_USER_MAX];      /* whose state it is told, beside events; "": nobody's */
	char watched[EVENTS_LIST_MAX];    /* whom else; empty: those whom that user watches */
	char session[EVENTS_SESSION_MAX]; /* its token's name, where that is a user's */
	char without[EVENTS_WITHOUT_MAX]; /* members that it does not hear: its token says so */
	uint8_t part, parts; /* of the calls of a stream: this connection's; parts 0: all */
	/* Whose listener it is: the tenant of the token that asked, its name, and its user, "" where it is none's. */
	char by_tenant[EVENTS_TENANT_MAX], by[EVENTS_SESSION_MAX], by_user[EVENTS_USER_MAX];
};
/* Arguments, each NAME=VALUE and a line feed. NULL, or what is wrong, of which *argument is the name. */
const char *events_filter_parse(struct bytes arguments, struct events_filter *out,
				struct bytes *argument);
bool events_filter_has(const struct events_filter *f, const struct events_facts *facts);

/* ---- listeners ---- */

enum {
	EVENTS_LISTENERS_MAX = 4096,
	EVENTS_QUEUE_MAX = 256,        /* events that wait for one listener, */
	EVENTS_QUEUE_OCTETS = 1 << 16, /* ... and their octets */
	EVENTS_ROOM = 32,              /* before each text, for the head of a frame */
	EVENTS_PIECE = 64,             /* entries that are read at once for who lags */
};

/* A JSON object, of all listeners that are to have it. */
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
/* place: the caller's; NULL: nobody reads. wake: of any thread: there is something for events_ready. The thread that reads begins with the first listener. 0 or -ENOMEM. */
int events_open(struct events **out, const struct redis_place *place, void (*wake)(void *arg),
		void *arg) NODISCARD;
void events_close(struct events *e); /* without its listeners; NULL is fine */
/* 0; -EDQUOT: the tenant, the token or the user has its share (base/fair.h); -ENOSPC: all have. */
int events_room(struct events *e, const struct events_filter *filter) NODISCARD;
/* The same, or -ENOMEM, -EAGAIN. */
int events_add(struct events *e, struct events_listener **out, const struct events_filter *filter,
	       void *owner) NODISCARD;
void events_remove(struct events *e, struct events_listener *l);
/* The owner of one that has had something new since; NULL: there is none. */
void *events_ready(struct events *e);
/* What waits for it, max at most; it is the caller's until events_release. */
uint32_t events_take(struct events *e, struct events_listener *l, struct events_text **out,
		     uint32_t max);
void events_release(struct events *e, struct events_text **texts, uint32_t n);
/* Up to where it has had all. False: something waits, or it lags. */
bool events_position(struct events *e, const struct events_listener *l, struct events_id *out);

/* ---- the thread that reads, and tests ---- */

/* Streams that somebody listens to, one after the other; NULL first. Those of nobody are freed. */
struct events_stream *events_stream_next(struct events *e, struct events_stream *s);
/* One that is pinned is not freed. */
void events_stream_pin(struct events_stream *s, int change);
const char *events_stream_key(const struct events_stream *s);
/* What is to be read of it. live: all behind that id, and who is up to date has it. */
bool events_wants_live(const struct events_stream *s, struct events_id *after);
/* Somebody lags: its first and last entry are to be read. */
bool events_wants_bounds(struct events *e, struct events_stream *s);
/* first, last: zero where it is empty. True: *from is to be read from there on, up to EVENTS_PIECE entries. */
bool events_bounds(struct events *e, struct events_stream *s, struct events_id first,
		   struct events_id last, struct events_id *from);
/* One entry, of live or of what is read for those who lag. */
void events_live(struct events *e, struct events_stream *s, struct events_id id, struct bytes json);
void events_late(struct events *e, struct events_stream *s, struct events_id id, struct bytes json);
/* So many entries were read. True: more is, from there on. */
bool events_late_end(struct events *e, struct events_stream *s, uint32_t n, struct events_id *from);
/* Redis is away: who listens lags, and what is read now is read again. */
void events_lost(struct events *e);
/* Wakes the web thread if somebody has something new. */
void events_tell(struct events *e);

/* The thread. 0 or -errno. */
struct events_reader;
int events_reader_open(struct events_reader **out, struct events *e,
		       const struct redis_place *place) NODISCARD;
void events_reader_close(struct events_reader *r); /* NULL is fine */
/* Somebody came, or may go on. */
void events_reader_wake(struct events_reader *r);

#endif
