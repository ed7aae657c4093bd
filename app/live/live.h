/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live sound between parties and applications, over WebSockets that the node opens. One thread has them all. Control begins and ends
 * streams through a bounded ring, and hears what became of them through another one. A slow application loses what it does not read, and
 * is told so; nothing waits for it.
 */
#ifndef APP_LIVE_LIVE_H
#define APP_LIVE_LIVE_H

#include <stdint.h>

#include "app/live/live_wire.h"
#include "base/bytes.h"

struct live;
struct media_feed;
struct tap_packet;

enum {
	LIVE_NAME_MAX = 32,
	LIVE_URL_MAX = 256,
	LIVE_TOKEN_MAX = 256,
	LIVE_TENANT_MAX = 64,
	LIVE_REASON_MAX = 96,
};

/* Where copies of what calls say and hear come from: up to max of them, each valid during the call (engine_tapped). The live thread. */
typedef void live_packet_fn(const struct tap_packet *packet, void *arg);
typedef uint32_t live_source_fn(void *source, uint32_t max, live_packet_fn *fn, void *arg);

struct live_settings {
	live_source_fn *read; /* NULL: there are none */
	void *source;
	uint32_t streams; /* at most */
	const char *ca;   /* PEM file; "": those of the system */
};

/* How long is waited, in ns. */
struct live_times {
	uint64_t connect; /* for one connection, and for the first one altogether */
	uint64_t give_up; /* for another one, after one was lost */
};

struct live_terms {
	uint64_t id, call; /* id: never 0, of nobody else */
	char leg;
	bool resumed;
	bool said, heard;   /* without a feed: what it gets of the party, one channel each */
	uint8_t tap_number; /* without a feed: flow_spec.tap_live */
	char tenant[LIVE_TENANT_MAX];
	char endpoint[LIVE_NAME_MAX];
	char url[LIVE_URL_MAX];     /* as live_url_read takes it */
	char token[LIVE_TOKEN_MAX]; /* a secret; "": none */
	enum live_format format;
	uint32_t rate, feed_rate;
	struct live_times times;
	struct media_feed *
		feed; /* until LIVE_GONE; NULL: a party that is not alone, which it hears and does not speak to */
};

struct live_url {
	bool tls;
	char host[128]; /* without brackets */
	uint16_t port;
	char path[128];
};

enum live_event_kind {
	LIVE_STARTED, /* connected; again after each reconnection */
	LIVE_ENDED,   /* the application has said so; it is to be ended */
	LIVE_FAILED,  /* it is to be ended */
	LIVE_GONE,    /* it is forgotten, and its feed is not used any more */
};

struct live_event {
	enum live_event_kind kind;
	uint64_t id, call;
	struct media_feed *feed; /* of its terms */
	bool was_up;             /* of FAILED: the application had it before */
};

void live_setup(void); /* registers the metrics; main thread, once */
/* 0 or -errno. */
int live_open(struct live **out, const struct live_settings *s) NODISCARD;
/* Ends its thread; feeds are not used any more. NULL is fine. */
void live_close(struct live *l);
/* "wss://host[:port]/path", or ws. False: it is none. */
bool live_url_read(struct live_url *out, const char *text);

/* ---- control's thread ---- */

/* 0, or -ENOSPC (too many), -EINVAL, -ENOMEM: then the feed stays the caller's. */
int live_begin(struct live *l, const struct live_terms *terms) NODISCARD;
/* LIVE_GONE follows. */
void live_end(struct live *l, uint64_t id, const char *reason);
/* A key of the party. */
void live_digit(struct live *l, uint64_t id, char digit);
/* Readable when events wait. */
int live_event_fd(const struct live *l);
uint32_t live_events(struct live *l, struct live_event *out, uint32_t max);
bool live_events_wait(struct live *l); /* false: more came, drain again */

/* Copies of what parties of a call say and hear (media/tap.h), for the streams that hear them. The live thread. */

struct live_stream;

enum { LIVE_TAP_SLOTS = 1024 }; /* of the table: a power of two */

struct live_taps {
	live_source_fn *read; /* NULL: nothing is copied */
	void *source;
	uint32_t count;
	struct live_stream *slots[LIVE_TAP_SLOTS];
};

#endif
