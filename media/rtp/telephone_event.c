/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 4733 telephone events: parsing, writing, and the tracker that turns many packets into one
 * DTMF digit. Senders repeat an event every 20 ms or so and its end three times, packets get lost,
 * and long events continue in segments (2.5.1.3); the tracker reports each digit exactly once. The
 * engine has a tracker per flow, and relays or replaces events by its steps.
 */

#include "media/rtp/telephone_event.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum {
	SEGMENT_LEN = 0xffff,
	SEGMENT_STEPS_MAX = 4, /* more do not pass in the silence that ends an event, at 48 kHz */
};

int telephone_event_parse(struct telephone_event *out, struct bytes payload)
{
	if (payload.n < TELEPHONE_EVENT_LEN)
		return -EBADMSG;
	*out = (struct telephone_event){ .event = payload.p[0],
					 .end = payload.p[1] >> 7,
					 .volume = payload.p[1] & 0x3f,
					 .duration = be16_get(payload.p + 2) };
	return 0;
}

static const char DIGITS[] = "0123456789*#ABCDF"; /* RFC 4733 table 3 */

char telephone_event_digit(uint8_t event)
{
	if (event >= sizeof(DIGITS) - 1)
		return '\0';
	return DIGITS[event];
}

int telephone_event_code(char digit, uint8_t *event)
{
	const char *at = digit ? strchr(DIGITS, digit) : NULL;

	if (!at)
		return -EINVAL;
	*event = (uint8_t)(at - DIGITS);
	return 0;
}

void telephone_event_write(uint8_t out[TELEPHONE_EVENT_LEN], const struct telephone_event *e)
{
	assert(e->volume <= 0x3f);
	out[0] = e->event;
	out[1] = (uint8_t)(e->end << 7 | e->volume);
	be16_put(out + 2, e->duration);
}

bool event_tracker_stop(struct event_tracker *t, struct event_done *out)
{
	if (t->state != EVENT_RUNNING)
		return false;
	t->state = EVENT_ENDED;
	*out = (struct event_done){ .started_at = t->started_at,
				    .duration = t->duration,
				    .event = t->event };
	return true;
}

static bool is_silent(const struct event_tracker *t, uint64_t now_ns)
{
	return now_ns >= t->last_ns + TELEPHONE_EVENT_SILENCE_NS;
}

static bool event_is_lost(const struct event_tracker *t, uint64_t now_ns)
{
	return now_ns >= t->last_ns + TELEPHONE_EVENT_LOST_NS;
}

bool event_tracker_is_on(const struct event_tracker *t, uint64_t now_ns)
{
	return t->state == EVENT_RUNNING ||
	       (t->state == EVENT_REPORTED && !event_is_lost(t, now_ns));
}

bool event_tracker_expire(struct event_tracker *t, uint64_t now_ns, struct event_done *out)
{
	if (!event_is_lost(t, now_ns) || !event_tracker_stop(t, out))
		return false;
	t->state = EVENT_REPORTED;
	return true;
}

/* It is known what comes next of it. */
static bool event_is_open(const struct event_tracker *t)
{
	return t->state == EVENT_RUNNING || t->state == EVENT_REPORTED;
}

static void event_finish(struct event_tracker *t, struct event_step *out)
{
	assert(out->done_count < COUNT_OF(out->done));
	if (event_tracker_stop(t, &out->done[out->done_count]))
		out->done_count++;
}

static void event_start(struct event_tracker *t, const struct telephone_event *e,
			uint32_t timestamp, struct event_step *out)
{
	event_finish(t, out); /* its end was lost */
	*t = (struct event_tracker){ .started_at = timestamp,
				     .segment_at = timestamp,
				     .event = e->event,
				     .state = EVENT_RUNNING };
	out->begun++;
}

/* RFC 4733 2.5.1.3: an event too long for its duration field continues in segments of 0xffff,
 * without the marker. Whole segments may be lost. */
static bool is_next_segment(const struct event_tracker *t, const struct telephone_event *e,
			    uint32_t timestamp, bool marker)
{
	uint32_t after = timestamp - t->segment_at;

	return event_is_open(t) && e->event == t->event && !marker &&
	       after <= SEGMENT_STEPS_MAX * SEGMENT_LEN && after % SEGMENT_LEN == 0;
}

/* An earlier event's packet, overtaken. After a silence it is rather a source that began anew. */
static bool is_overtaken(const struct event_tracker *t, uint32_t timestamp, uint64_t now_ns)
{
	return t->state != EVENT_NONE && (int32_t)(timestamp - t->segment_at) < 0 &&
	       !is_silent(t, now_ns);
}

void event_tracker_move(struct event_tracker *t)
{
	t->moved = 1;
}

/* Under another SSRC and timestamps: a new digit would begin with marker and short duration. */
static bool is_same_event(const struct event_tracker *t, const struct telephone_event *e,
			  bool marker, uint64_t now_ns)
{
	uint32_t so_far = t->duration - (t->segment_at - t->started_at);

	return t->state != EVENT_NONE && e->event == t->event && !marker &&
	       (event_is_open(t) || e->end) && e->duration >= so_far &&
	       now_ns - t->last_ns <= TELEPHONE_EVENT_MOVE_NS;
}

static void event_settle(struct event_tracker *t, const struct telephone_event *e,
			 uint32_t timestamp, bool marker, uint64_t now_ns, struct event_step *out)
{
	if (is_same_event(t, e, marker, now_ns)) {
		t->started_at += timestamp - t->segment_at;
		t->segment_at = timestamp;
	} else {
		event_finish(t, out);
		*t = (struct event_tracker){ 0 };
	}
	t->moved = 0;
}

static void step(struct event_tracker *t, const struct telephone_event *e, uint32_t timestamp,
		 bool marker, uint64_t now_ns, struct event_step *out)
{
	bool same = t->state != EVENT_NONE && timestamp == t->segment_at;

	if (same && (t->state == EVENT_ENDED || e->event != t->event))
		return; /* the end repeated (RFC 4733 2.5.1.4), or nonsense */
	if (!same && is_overtaken(t, timestamp, now_ns))
		return;
	if (!same && is_next_segment(t, e, timestamp, marker)) {
		t->segment_at = timestamp;
	} else if (!same) {
		event_start(t, e, timestamp, out);
	}
	t->last_ns = now_ns;

	uint32_t duration = t->segment_at - t->started_at + e->duration;

	if (duration > t->duration)
		t->duration = duration;
	if (!e->end)
		return;
	event_finish(t, out);
	t->state = EVENT_ENDED;
}

int event_tracker_packet(struct event_tracker *t, struct bytes payload, uint32_t timestamp,
			 bool marker, uint64_t now_ns, struct event_step *out)
{
	struct telephone_event e;

	memset(out, 0, sizeof(*out));
	if (telephone_event_parse(&e, payload))
		return -EBADMSG;
	if (is_silent(t, now_ns) && t->state != EVENT_NONE) {
		event_finish(t, out);
		t->state = EVENT_ENDED;
	}
	if (t->moved)
		event_settle(t, &e, timestamp, marker, now_ns, out);
	step(t, &e, timestamp, marker, now_ns, out);
	for (int i = 1; i < TELEPHONE_EVENT_PACKED_MAX; i++) {
		timestamp += e.duration; /* packed events touch (RFC 4733 2.5.1.5) */
		payload = bytes_from(payload, TELEPHONE_EVENT_LEN);
		if (telephone_event_parse(&e, payload) ||
		    e.duration == 0) /* 0: filling, not an event */
			break;
		step(t, &e, timestamp, marker, now_ns, out);
	}
	return 0;
}

uint32_t event_duration_ms(const struct event_done *done, uint32_t clock_hz)
{
	assert(clock_hz > 0);
	return (uint32_t)((uint64_t)done->duration * 1000 / clock_hz);
}
