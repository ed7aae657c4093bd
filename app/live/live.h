/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live sound between parties and applications, over WebSockets that the node opens. One thread has
 * them all. The control thread begins and ends streams through a bounded ring, and gets events
 * through another one. A slow application loses frames that it does not read, and is told so;
 * nothing waits for it.
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

/* Source of copies of calls' media: up to max packets, each valid during the call (engine_tapped).
 * The live thread. */
typedef void live_packet_fn(const struct tap_packet *packet, void *arg);
typedef uint32_t live_source_fn(void *source, uint32_t max, live_packet_fn *fn, void *arg);

struct live_settings {
	live_source_fn *read; /* NULL: none */
	void *source;
	uint32_t streams; /* at most */
	const char *ca;   /* PEM file; "": those of the system */
};

/* Time limits, in ns. */
struct live_times {
	uint64_t connect; /* for one connection, and for the first one altogether */
	uint64_t give_up; /* for another one, after one was lost */
};

struct live_terms {
	uint64_t id, call; /* id: never 0, unique */
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
	/* Until LIVE_GONE; NULL: it hears a party, and does not speak to it. */
	struct media_feed *feed;
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
	LIVE_FAILED,  /* it is to be ended; see reason */
	LIVE_GONE,    /* its feed is not used any more */
};

struct live_event {
	enum live_event_kind kind;
	uint64_t id, call;
	struct media_feed *feed; /* of its terms */
	bool was_up;             /* of FAILED: the application was connected before */
};

void live_setup(void); /* registers the metrics; main thread, once */
/* 0 or -errno. */
int live_open(struct live **out, const struct live_settings *s) NODISCARD;
/* Ends its thread; feeds are not used any more. NULL is fine. */
void live_close(struct live *l);
/* "wss://host[:port]/path", or ws. False: invalid. */
bool live_url_read(struct live_url *out, const char *text);

/* ---- control's thread ---- */

/* 0, or -ENOSPC (too many), -EINVAL, -ENOMEM: then the feed stays the caller's. */
int live_stream_open(struct live *l, const struct live_terms *terms) NODISCARD;
/* LIVE_GONE follows. */
void live_end(struct live *l, uint64_t id, const char *reason);
/* A key of the party. */
void live_digit(struct live *l, uint64_t id, char digit);
/* Readable when events wait. */
int live_event_fd(const struct live *l);
uint32_t live_events(struct live *l, struct live_event *out, uint32_t max);
bool live_events_wait(struct live *l); /* false: more came, drain again */

/* Copies of media of a call's parties (media/tap.h), for streams that hear them. Live thread. */

struct live_stream;

enum { LIVE_TAP_SLOTS = 1024 }; /* of the table: a power of two */

struct live_taps {
	live_source_fn *read; /* NULL: nothing is copied */
	void *source;
	uint32_t count;
	struct live_stream *slots[LIVE_TAP_SLOTS];
};

#endif
