/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telephone events (RFC 4733 2.3) and which packets make one: many packets carry the same event,
 * any of them may be lost, and the digit must be reported once. Pure; one tracker per flow, in its
 * worker.
 */
#ifndef MEDIA_RTP_TELEPHONE_EVENT_H
#define MEDIA_RTP_TELEPHONE_EVENT_H

#include "base/bytes.h"

enum {
	TELEPHONE_EVENT_LEN = 4,
	TELEPHONE_EVENT_PACKED_MAX = 8, /* events read from one packet (RFC 4733 2.5.1.5) */
};

/* After that all packets with its end are lost: it is reported, and later packets still belong to
 * the same event. A worker looks each 250 ms. */
#define TELEPHONE_EVENT_LOST_NS    UINT64_C(200000000)
#define TELEPHONE_EVENT_SILENCE_NS UINT64_C(3000000000) /* then nothing comes of it any more */
#define TELEPHONE_EVENT_MOVE_NS    UINT64_C(200000000)  /* a restarting source returns as soon */

/*
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * |     event     |E|R| volume    |          duration             |
 */
struct telephone_event {
	uint8_t event;
	uint8_t end;
	uint8_t volume;    /* -dBm0 */
	uint16_t duration; /* timestamp units */
};

/* The first event of a payload. 0 or -EBADMSG; *out is untouched on error. */
int telephone_event_parse(struct telephone_event *out, struct bytes payload) NODISCARD;
/* 0-9 * # A-D, F for flash (16); 0: no digit. */
char telephone_event_digit(uint8_t event);
/* The reverse. 0 or -EINVAL. */
int telephone_event_code(char digit, uint8_t *event) NODISCARD;
void telephone_event_write(uint8_t out[TELEPHONE_EVENT_LEN], const struct telephone_event *e);

enum event_state {
	EVENT_NONE, /* never one */
	EVENT_RUNNING,
	EVENT_REPORTED, /* without an end: it may continue */
	EVENT_ENDED,
};

/* Zero-initialise. */
struct event_tracker {
	uint64_t last_ns;    /* its last packet */
	uint32_t started_at; /* RTP timestamp of the event */
	uint32_t segment_at; /* and of its current segment (RFC 4733 2.5.1.3) */
	uint32_t duration;   /* of all segments, timestamp units */
	uint8_t event;
	uint8_t state; /* enum event_state */
	uint8_t moved; /* 1: what comes next is of another SSRC */
};

struct event_done {
	uint32_t started_at;
	uint32_t duration; /* as far as known, timestamp units */
	uint8_t event;
};

struct event_step {
	uint8_t begun; /* events that this packet was the first of */
	uint8_t done_count;
	struct event_done done[TELEPHONE_EVENT_PACKED_MAX + 1]; /* in order; each event once */
};

/* One RTP packet of the event's type. *out is overwritten. Returns 0 or -EBADMSG (too short). */
int event_tracker_packet(struct event_tracker *t, struct bytes payload, uint32_t timestamp,
			 bool marker, uint64_t now_ns, struct event_step *out) NODISCARD;
/* True: its end was lost, and it counts as over. Call now and then while one runs. */
bool event_tracker_expire(struct event_tracker *t, uint64_t now_ns, struct event_done *out);
/* The source changed (its SSRC). An event that continues there, or ends there at once, is the same
 * one; a running one that does not is ended by the next packet. */
void event_tracker_move(struct event_tracker *t);
/* Its packets come: another event has to wait (RFC 4733 2.5.1.5). */
bool event_tracker_is_on(const struct event_tracker *t, uint64_t now_ns);
/* True: an event was running and is cut off here (the flow closed). */
bool event_tracker_stop(struct event_tracker *t, struct event_done *out);
uint32_t event_duration_ms(const struct event_done *done, uint32_t clock_hz);

#endif
