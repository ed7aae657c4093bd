/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events: a stream for each tenant, and for each application. Each event is kept here until Redis
 * has it: those in flight when the link broke are sent again, in order. A save goes behind its
 * events on the same link, or is written after them: so an event that a killed process loses is
 * told again by its successor.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "cluster/store/state.h"

enum { EVENT_FIELDS_MAX = 64, EVENT_ARGS = 6, EVENT_KEY_MAX = 128 };
#define EVENTS_KEPT      "100000"
#define SECURITY_KEPT    "10000"
#define APPLICATION_KEPT "10000"
#define AUDIT_KEPT       "10000"
#define EVENTS_WAIT_MAX  (16U << 20)      /* octets that wait for Redis */
#define EVENTS_AGAIN_NS  (1 * NS_PER_S)   /* Redis has refused some */
#define EVENTS_ROOM_NS   (20 * NS_PER_MS) /* the link has too much to do */

struct store_event {
	struct store_event *next;
	struct store_shared *s; /* NULL: closed */
	bool sent;              /* its answer is awaited */
	uint64_t missed;        /* not 0: so many had no room here */
	const char *kept;
	size_t key_n, n;
	uint8_t text[]; /* key, then the event */
};

void store_streams_hold(struct store_shared *s, uint32_t entries)
{
	s->hold = entries;
	if (entries) /* events that wait may have it */
		(void)snprintf(s->hold_text, sizeof(s->hold_text), "%" PRIu32, entries);
}

const char *store_stream_kept(const struct store_shared *s, const char *kept)
{
	uint64_t own;

	return s->hold && !bytes_u64(bytes_str(kept), &own) && s->hold > own ? s->hold_text : kept;
}

static size_t event_size(const struct store_event *event)
{
	return sizeof(*event) + event->key_n + event->n;
}

static struct bytes event_key(const struct store_event *event)
{
	return bytes_mem(event->text, event->key_n);
}

/* Fails silently: the caller repeats pending ones. */
static int event_put(struct redis *redis, struct bytes key, const char *kept,
		     const struct store_field *fields, size_t n, redis_reply_fn *fn, void *arg)
{
	struct bytes args[EVENT_ARGS + 2 * EVENT_FIELDS_MAX] = {
		BYTES_LIT("XADD"), key,           BYTES_LIT("MAXLEN"), BYTES_LIT("~"),
		bytes_str(kept),   BYTES_LIT("*")
	};

	for (size_t i = 0; i < n; i++) {
		args[EVENT_ARGS + 2 * i] = bytes_str(fields[i].name);
		args[EVENT_ARGS + 2 * i + 1] = fields[i].value;
	}
	return redis_command_later(redis, args, EVENT_ARGS + 2 * n, fn, arg);
}

/* It is the first one mostly. */
static void event_remove(struct store_events *q, struct store_event *event)
{
	struct store_event **at = &q->first;

	while (*at != event)
		at = &(*at)->next;
	*at = event->next;
	if (q->end == &event->next)
		q->end = at;
	if (q->note == event)
		q->note = NULL;
	q->octets -= event_size(event);
	free(event);
}

static void events_again(struct store_shared *s, uint64_t ns)
{
	s->events.again_ns = clock_now_ns() + ns;
	if (s->events.again_ns < s->base.guest.next_ns)
		s->base.guest.next_ns = s->events.again_ns;
}

/* What no later try changes: it is not to stand before the others. */
static bool event_is_refused(const struct redisReply *reply)
{
	static const char *const words[] = { "WRONGTYPE ", "NOPERM ", "ERR " };
	struct bytes text;

	for (size_t i = 0; redis_is_error(reply, &text) && i < COUNT_OF(words); i++) {
		if (bytes_starts(text, words[i]))
			return true;
	}
	return false;
}

static void events_on_reply(int err, const struct redisReply *reply, void *arg)
{
	struct store_event *event = arg;
	struct store_shared *s = event->s;
	bool refused = !err && event_is_refused(reply);

	if (err == -ETIMEDOUT) /* the answer comes yet, or the link breaks */
		return;
	if (!s) {
		free(event);
		return;
	}
	if (refused)
		metric_add(s->base.metrics.events_dropped, 1);
	if (refused || (!err && !redis_is_error(reply, NULL))) {
		event_remove(&s->events, event);
		return;
	}
	event->sent = false;
	s->events.waiting++;
	events_again(s, EVENTS_AGAIN_NS);
}

static bool event_send(struct store_shared *s, struct store_event *event)
{
	char note[96];
	struct writer w = writer_over(note, sizeof(note));
	struct bytes text = bytes_mem(event->text + event->key_n, event->n);

	if (event->missed) {
		writer_number(&w, "{\"type\":\"events.lost\",\"count\":", event->missed, "}");
		text = writer_done(&w);
	}
	event->sent = s->base.guest.redis &&
		      !event_put(s->base.guest.redis, event_key(event), event->kept,
				 &(struct store_field){ "event", text }, 1, events_on_reply, event);
	s->events.waiting -= event->sent;
	return event->sent;
}

void store_events_send(struct store_shared *s)
{
	struct store_events *q = &s->events;

	q->again_ns = UINT64_MAX;
	for (struct store_event *event = q->first; event && q->waiting; event = event->next) {
		if (!event->sent && !event_send(s, event))
			break;
	}
	if (q->waiting)
		events_again(s, EVENTS_ROOM_NS);
}

static struct store_event *event_append(struct store_shared *s, struct bytes key, const char *kept,
					struct bytes text)
{
	struct store_event *event = malloc(sizeof(*event) + key.n + text.n);

	if (!event)
		return NULL;
	*event = (struct store_event){ .s = s, .kept = kept, .key_n = key.n, .n = text.n };
	memcpy(event->text, key.p, key.n);
	if (text.n)
		memcpy(event->text + key.n, text.p, text.n);
	*s->events.end = event;
	s->events.end = &event->next;
	s->events.octets += event_size(event);
	s->events.waiting++;
	return event;
}

/* There is no room: the last thing that its stream says is how many. */
static void event_miss(struct store_shared *s, struct bytes key, const char *kept)
{
	struct store_event *note = s->events.note;

	metric_add(s->base.metrics.events_dropped, 1);
	while (note && !(note->missed && !note->sent && bytes_eq(event_key(note), key)))
		note = note->next;
	if (!note)
		note = event_append(s, key, kept, (struct bytes){ 0 });
	if (!note)
		return;
	if (!s->events.note)
		s->events.note = note;
	note->missed++;
}

static void event_keep(struct store_shared *s, struct bytes key, const char *kept,
		       struct bytes text)
{
	bool waits = s->events.waiting;
	struct store_event *event = NULL;

	if (s->events.octets < EVENTS_WAIT_MAX)
		event = event_append(s, key, kept, text);
	if (!event)
		event_miss(s, key, kept);
	else if (!waits && !event_send(s, event))
		events_again(s, EVENTS_ROOM_NS);
}

void store_event(struct store_shared *s, struct bytes tenant, struct bytes application,
		 struct bytes text)
{
	char key[EVENT_KEY_MAX];
	struct writer w = writer_over(key, sizeof(key));

	writer_str(&w, "td:{ev:");
	writer_bytes(&w, tenant);
	writer_str(&w, "}");
	if (application.n) {
		writer_str(&w, ":");
		writer_bytes(&w, application);
	}
	if (text.n && !w.overflow)
		event_keep(s, writer_done(&w),
			   application.n ? APPLICATION_KEPT : store_stream_kept(s, EVENTS_KEPT),
			   text);
	else
		metric_add(s->base.metrics.events_dropped, 1);
}

const char *store_audit_key(char out[STORE_AUDIT_KEY_MAX], struct bytes tenant, bool of_calls)
{
	(void)snprintf(out, STORE_AUDIT_KEY_MAX, "td:{t:" BYTES_FMT "}:audit%s", BYTES_ARG(tenant),
		       of_calls ? ":calls" : "");
	return out;
}

void store_audit(struct store_shared *s, struct bytes tenant, bool of_calls, struct bytes text)
{
	char key[STORE_AUDIT_KEY_MAX];

	event_keep(s, bytes_str(store_audit_key(key, tenant, of_calls)),
		   store_stream_kept(s, AUDIT_KEPT), text);
}

/* Those of security are best effort. */
void store_security(struct store_shared *s, const struct store_field *fields, size_t n)
{
	struct store_field all[EVENT_FIELDS_MAX];

	if (n < EVENT_FIELDS_MAX) {
		memcpy(all, fields, n * sizeof(*fields));
		all[n++] = (struct store_field){ "node", bytes_str(s->settings.node) };
	}
	if (!s->base.guest.redis || n > EVENT_FIELDS_MAX ||
	    event_put(s->base.guest.redis, BYTES_LIT("td:security"), SECURITY_KEPT, all, n, NULL,
		      NULL))
		metric_add(s->base.metrics.events_dropped, 1);
}

void store_events_open(struct store_events *q)
{
	*q = (struct store_events){ .end = &q->first, .again_ns = UINT64_MAX };
}

/* What is on its way is freed by its answer. */
void store_events_close(struct store_events *q)
{
	struct store_event *event;

	while ((event = q->first) != NULL) {
		q->first = event->next;
		if (event->sent)
			event->s = NULL;
		else
			free(event);
	}
	store_events_open(q);
}
