/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listeners and streams of events: indexes by call and user, bounded queues, lag and catching up,
 * under one lock between the web thread and the reader. web_events.c has the connections,
 * events_reader.c the link to Redis. A slow listener never holds memory beyond its queue: it lags
 * and is served from the stream again, in order and without gaps, or is told what it missed.
 */

#include "app/web/events.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fair.h"
#include "base/metric.h"
#include "base/rand.h"
#include "base/table.h"
#include "sig/identity/shown.h"

enum {
	EVENTS_BUCKETS = 4096,
	EVENTS_OWN_ROOM = 8, /* of a queue, for texts that are no events */
	EVENTS_NOTE_MAX = 160,
};

/* Key of a listener: a call or a user of its filter, or neither. */
struct events_key {
	struct events_key *next;
	uint64_t hash;
	struct events_listener *l;
};

struct events_listener {
	struct events_listener *next;
	struct events_stream *stream;
	struct events_filter filter;
	void *owner;
	struct events_key *keys;
	uint32_t key_count;
	bool lags;    /* it has all up to cursor; else all that came */
	bool begins;  /* it begins where the stream ends */
	bool blocked; /* its queue is full */
	bool catches; /* it takes part in the present read for lagging ones */
	struct events_id cursor;
	struct fair_held held;
	uint64_t seen; /* serial of the event that was last tried */
	struct events_listener *ready_next;
	bool ready;
	uint32_t head, count, octets;
	struct events_text *queue[EVENTS_QUEUE_MAX];
};

struct events_stream {
	struct events_stream *next;
	struct events_listener *first;
	uint32_t count;
	uint64_t number;
	char tenant[EVENTS_TENANT_MAX], application[EVENTS_APPLICATION_MAX];
	char key[EVENTS_TENANT_MAX + EVENTS_APPLICATION_MAX + 8];
	bool known;    /* where it ends */
	bool reads;    /* a read for lagging ones is under way */
	uint32_t pins; /* the reader's alone: pending answers */
	struct events_id live, late;
	struct events_id asked; /* live, when the read for lagging ones was asked for */
};

struct events {
	pthread_mutex_t lock;            /* of all below */
	const struct redis_place *place; /* the caller's; NULL: nobody reads */
	struct events_reader *reader;
	void (*wake)(void *arg);
	void *arg;
	struct hash_key key;
	uint64_t serial, streams_made;
	uint32_t count;
	struct fair fair; /* holders of the places */
	bool has_new;
	struct events_stream *streams;
	struct events_listener *ready;
	struct events_key *buckets[EVENTS_BUCKETS];
};

static struct {
	metric_id listeners, told, missed;
} g_events_metrics;

static void events_lock(struct events *e)
{
	(void)pthread_mutex_lock(&e->lock);
}

static void events_unlock(struct events *e)
{
	(void)pthread_mutex_unlock(&e->lock);
}

/* ---- texts ---- */

static struct events_text *events_text_make(struct events_id id, struct bytes rest)
{
	char text[EVENTS_ID_MAX];
	struct bytes written = events_id_write(text, id);
	size_t room = sizeof("{\"id\":\"\",") + written.n + rest.n;
	struct events_text *t = malloc(sizeof(*t) + EVENTS_ROOM + room);
	struct writer w;

	if (!t)
		return NULL;
	w = writer_over(t->octets + EVENTS_ROOM, room);
	writer_str(&w, "{\"id\":\"");
	writer_bytes(&w, written);
	writer_str(&w, bytes_is(rest, "}") ? "\"" : "\",");
	writer_bytes(&w, rest);
	*t = (struct events_text){ .id = id, .n = (uint32_t)w.n };
	return t;
}

static void events_text_leave(struct events_text *t)
{
	if (t && --t->users == 0)
		free(t);
}

static void listener_ready(struct events *e, struct events_listener *l)
{
	e->has_new = true;
	if (l->ready)
		return;
	l->ready = true;
	l->ready_next = e->ready;
	e->ready = l;
}

/* False: there is no room. */
static bool listener_put(struct events *e, struct events_listener *l, struct events_text *t,
			 uint32_t room)
{
	if (!t || l->count + room >= EVENTS_QUEUE_MAX ||
	    (l->count && room && l->octets + t->n > EVENTS_QUEUE_OCTETS))
		return false;
	t->users++;
	l->queue[(l->head + l->count++) % EVENTS_QUEUE_MAX] = t;
	l->octets += t->n;
	listener_ready(e, l);
	return true;
}

/* A text that is no event; room is reserved, and it is rare. */
static void listener_note(struct events *e, struct events_listener *l, const char *rest)
{
	struct events_text *t = events_text_make(l->cursor, bytes_str(rest));

	if (!listener_put(e, l, t, 0))
		free(t);
}

/* ---- filters ---- */

static uint64_t events_hash(const struct events *e, const struct events_stream *s, char kind,
			    struct bytes text)
{
	uint8_t space[EVENTS_LIST_MAX + 16];
	struct writer w = writer_over(space, sizeof(space));

	writer_be64(&w, s->number);
	writer_u8(&w, (uint8_t)kind);
	writer_bytes(&w, bytes_sub(text, 0, EVENTS_LIST_MAX));
	return hash_sip(&e->key, writer_done(&w));
}

static void listener_index(struct events *e, struct events_listener *l, char kind,
			   struct bytes text)
{
	struct events_key *key = &l->keys[l->key_count];
	struct events_key **bucket;

	key->l = l;
	key->hash = events_hash(e, l->stream, kind, text);
	bucket = &e->buckets[key->hash % EVENTS_BUCKETS];
	key->next = *bucket;
	*bucket = key;
	l->key_count++;
}

/* By its calls, else by its users: few events have those. 0 or -ENOMEM. */
static int listener_keys(struct events *e, struct events_listener *l)
{
	const struct events_filter *f = &l->filter;
	const char *list = f->calls[0] ? f->calls : f->users;
	struct bytes rest = bytes_str(list), one;
	uint32_t n = 1;

	for (const char *p = list; *p; p++)
		n += *p == ',';
	l->keys = calloc(n, sizeof(l->keys[0]));
	if (!l->keys)
		return -ENOMEM;
	if (!rest.n)
		listener_index(e, l, 'a', rest);
	while (bytes_cut(&rest, ',', &one))
		listener_index(e, l, f->calls[0] ? 'c' : 'u', one);
	return 0;
}

static void listener_unindex(struct events *e, struct events_listener *l)
{
	for (uint32_t i = 0; i < l->key_count; i++) {
		struct events_key **at = &e->buckets[l->keys[i].hash % EVENTS_BUCKETS];

		while (*at != &l->keys[i])
			at = &(*at)->next;
		*at = l->keys[i].next;
	}
	free(l->keys);
}

/* It has all of the stream before that id, and does not get the present event. */
static void listener_lags(struct events *e, struct events_listener *l, struct events_id before)
{
	listener_ready(e, l);
	l->lags = l->blocked = true;
	l->catches = false;
	l->cursor = before;
}

struct events_one {
	struct events_stream *s;
	struct events_facts facts;
	struct bytes json;
	struct events_text *text;
	struct events_id before;
	bool late; /* for lagging listeners; else for the others */
};

/* The caller of a trunk has no `from` that a user could match. */
static bool event_hides(const struct events_one *one, const struct events_listener *l)
{
	return l->filter.session[0] &&
	       !party_is_shown(one->facts.hides, one->facts.from, bytes_str(l->filter.users));
}

/* The event less the members that the listener's token leaves out. NULL: out of memory. */
static struct events_text *event_text_without(const struct events_one *one,
					      const struct events_listener *l)
{
	const size_t most = one->json.n + sizeof(PARTY_HIDDEN);
	uint8_t *space = malloc(most);
	struct writer w = writer_over(space, most);
	struct events_text *t;

	if (!space)
		return NULL;
	events_without(&w, one->json, bytes_str(l->filter.without), event_hides(one, l));
	t = events_text_make(one->text->id, writer_done(&w));
	free(space);
	return t;
}

static void event_tell_to(struct events *e, const struct events_one *one, struct events_listener *l)
{
	struct events_text *t = one->text;
	bool wants = one->late ? l->catches && events_id_compare(l->cursor, one->text->id) < 0
			       : !l->lags;

	if (l->seen == e->serial || l->stream != one->s || !wants)
		return;
	l->seen = e->serial;
	if (!events_filter_has(&l->filter, &one->facts))
		return;
	if (l->filter.without[0] || event_hides(one, l))
		t = event_text_without(one, l);
	if (t)
		t->users++;
	if (!listener_put(e, l, t, EVENTS_OWN_ROOM))
		listener_lags(e, l,
			      one->late && events_id_compare(l->cursor, one->before) > 0
				      ? l->cursor
				      : one->before);
	else
		metric_add(g_events_metrics.told, 1);
	events_text_leave(t);
}

static void event_tell_by(struct events *e, const struct events_one *one, char kind,
			  struct bytes text)
{
	uint64_t hash = events_hash(e, one->s, kind, text);

	for (struct events_key *key = e->buckets[hash % EVENTS_BUCKETS]; key; key = key->next) {
		if (key->hash == hash)
			event_tell_to(e, one, key->l);
	}
}

/* Entries that no node wrote are dropped. */
static void event_text_copy(struct events *e, struct events_stream *s, struct events_id id,
			    struct bytes json, bool late)
{
	struct events_one one = {
		.s = s, .json = json, .before = late ? s->late : s->live, .late = late
	};
	struct bytes members, member;

	if (!events_facts_parse(json, &one.facts))
		return;
	one.text = events_text_make(id, bytes_from(json, bytes_find(json, '{') + 1));
	if (!one.text)
		return;
	one.text->users = 1;
	e->serial++;
	event_tell_by(e, &one, 'a', (struct bytes){ 0 });
	if (one.facts.call.n)
		event_tell_by(e, &one, 'c', one.facts.call);
	if (one.facts.from.n)
		event_tell_by(e, &one, 'u', one.facts.from);
	if (one.facts.to.n)
		event_tell_by(e, &one, 'u', one.facts.to);
	members = one.facts.members;
	while (bytes_cut(&members, ',', &member))
		event_tell_by(e, &one, 'u', member);
	events_text_leave(one.text);
}

/* ---- the web thread ---- */

static struct events_stream *events_stream_of(struct events *e, const struct events_filter *f)
{
	struct events_stream *s = e->streams;

	while (s && (strcmp(s->tenant, f->tenant) || strcmp(s->application, f->application)))
		s = s->next;
	if (s)
		return s;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->number = ++e->streams_made;
	memcpy(s->tenant, f->tenant, sizeof(s->tenant));
	memcpy(s->application, f->application, sizeof(s->application));
	(void)snprintf(s->key, sizeof(s->key), f->application[0] ? "td:{ev:%s}:%s" : "td:{ev:%s}",
		       f->tenant, f->application);
	s->next = e->streams;
	e->streams = s;
	return s;
}

static struct fair_who filter_who(const struct events_filter *f)
{
	return (struct fair_who){ .name = { [FAIR_TENANT] = bytes_str(f->by_tenant),
					    [FAIR_TOKEN] = bytes_str(f->by),
					    [FAIR_USER] = bytes_str(f->by_user) } };
}

static int events_error(enum fair_level beyond)
{
	return beyond == FAIR_FINE ? 0 : beyond == FAIR_LEVELS ? -ENOSPC : -EDQUOT;
}

int events_room(struct events *e, const struct events_filter *filter)
{
	const struct fair_who who = filter_who(filter);
	int err;

	events_lock(e);
	err = events_error(fair_look(&e->fair, &who, 1));
	events_unlock(e);
	return err;
}

static void listener_reset(struct events *e, struct events_listener *l)
{
	l->cursor = l->stream->live;
	l->lags = l->begins = l->blocked = l->catches = false;
	listener_note(e, l, "\"type\":\"listening\"}");
}

static int listener_enter(struct events *e, struct events_listener *l)
{
	const struct events_filter *f = &l->filter;
	const struct fair_who who = filter_who(f);
	struct events_stream *s;
	int err = events_error(fair_admit(&e->fair, &who, 1, &l->held));

	if (err)
		return err;
	s = l->stream = events_stream_of(e, f);
	if (!s || listener_keys(e, l)) {
		fair_give(&e->fair, &l->held);
		return -ENOMEM;
	}
	l->next = s->first;
	s->first = l;
	s->count++;
	e->count++;
	metric_set(g_events_metrics.listeners, e->count);
	l->lags = true;
	l->begins = !f->has_after;
	l->cursor = f->after;
	if (l->begins && s->known)
		listener_reset(e, l);
	else if (!l->begins)
		listener_note(e, l, "\"type\":\"listening\"}");
	return 0;
}

int events_add(struct events *e, struct events_listener **out, const struct events_filter *filter,
	       void *owner)
{
	struct events_listener *l = calloc(1, sizeof(*l));
	int err = l ? 0 : -ENOMEM;

	if (!err && e->place && !e->reader)
		err = events_reader_open(&e->reader, e, e->place);
	if (err) {
		free(l);
		return err;
	}
	l->filter = *filter;
	l->owner = owner;
	events_lock(e);
	err = listener_enter(e, l);
	events_unlock(e);
	if (err) {
		free(l);
		return err;
	}
	if (e->reader)
		events_reader_wake(e->reader);
	*out = l;
	return 0;
}

void events_remove(struct events *e, struct events_listener *l)
{
	struct events_listener **at;

	events_lock(e);
	for (at = &l->stream->first; *at != l; at = &(*at)->next)
		;
	*at = l->next;
	for (at = &e->ready; l->ready && *at != l; at = &(*at)->ready_next)
		;
	if (l->ready)
		*at = l->ready_next;
	l->stream->count--;
	fair_give(&e->fair, &l->held);
	e->count--;
	metric_set(g_events_metrics.listeners, e->count);
	listener_unindex(e, l);
	while (l->count--)
		events_text_leave(l->queue[l->head++ % EVENTS_QUEUE_MAX]);
	events_unlock(e);
	free(l);
}

void *events_ready(struct events *e)
{
	struct events_listener *l;

	events_lock(e);
	l = e->ready;
	if (l) {
		e->ready = l->ready_next;
		l->ready = false;
	}
	events_unlock(e);
	return l ? l->owner : NULL;
}

uint32_t events_read(struct events *e, struct events_listener *l, struct events_text **out,
		     uint32_t max)
{
	uint32_t n = 0;
	bool goes_on;

	events_lock(e);
	for (; n < max && l->count; n++, l->count--) {
		out[n] = l->queue[l->head++ % EVENTS_QUEUE_MAX];
		l->octets -= out[n]->n;
	}
	goes_on = l->blocked && l->count < EVENTS_QUEUE_MAX / 2 &&
		  l->octets < EVENTS_QUEUE_OCTETS / 2;
	l->blocked &= !goes_on;
	events_unlock(e);
	if (goes_on && e->reader)
		events_reader_wake(e->reader);
	return n;
}

void events_release(struct events *e, struct events_text **texts, uint32_t n)
{
	events_lock(e);
	for (uint32_t i = 0; i < n; i++)
		events_text_leave(texts[i]);
	events_unlock(e);
}

bool events_position(struct events *e, const struct events_listener *l, struct events_id *out)
{
	bool known;

	events_lock(e);
	known = !l->lags && !l->count && l->stream->known;
	*out = l->stream->live;
	events_unlock(e);
	return known;
}

/* ---- the thread that reads ---- */

/* The next one with a listener. */
static struct events_stream *stream_used(struct events_stream **at)
{
	struct events_stream *s;

	while ((s = *at) && !s->count) {
		if (s->pins) {
			at = &s->next;
			continue;
		}
		*at = s->next;
		free(s);
	}
	return s;
}

struct events_stream *events_stream_next(struct events *e, struct events_stream *s)
{
	struct events_stream *next;

	events_lock(e);
	next = stream_used(s ? &s->next : &e->streams);
	events_unlock(e);
	return next;
}

void events_stream_pin(struct events_stream *s, int change)
{
	s->pins += (uint32_t)change;
}

const char *events_stream_key(const struct events_stream *s)
{
	return s->key;
}

bool events_wants_live(const struct events_stream *s, struct events_id *after)
{
	*after = s->live;
	return s->known;
}

bool events_wants_bounds(struct events *e, struct events_stream *s)
{
	bool wants = false;

	events_lock(e);
	for (const struct events_listener *l = s->first; l && !s->reads; l = l->next)
		wants |= l->lags && !l->blocked;
	s->reads |= wants;
	events_unlock(e);
	return wants;
}

static void listener_missed(struct events *e, struct events_listener *l, struct events_id before,
			    struct events_id next)
{
	char after_text[EVENTS_ID_MAX], before_text[EVENTS_ID_MAX], note[EVENTS_NOTE_MAX];

	(void)events_id_write(after_text, l->cursor);
	(void)events_id_write(before_text, before);
	(void)snprintf(note, sizeof(note),
		       "\"type\":\"missed\",\"after\":\"%s\",\"before\":\"%s\"}", after_text,
		       before_text);
	l->cursor = next;
	metric_add(g_events_metrics.missed, 1);
	listener_note(e, l, note);
}

static struct events_id events_id_before(struct events_id id)
{
	if (id.seq)
		return (struct events_id){ id.ms, id.seq - 1 };
	return (struct events_id){ id.ms - 1, UINT64_MAX };
}

/* Tells it what the stream has dropped;
 * also if the stream ends before its position: Redis has lost entries. */
static void listener_bounds(struct events *e, struct events_listener *l, struct events_id first,
			    struct events_id last)
{
	struct events_id none = { 0 };

	if (events_id_compare(l->cursor, last) > 0)
		listener_missed(e, l, last, last);
	else if (events_id_compare(l->cursor, none) && events_id_compare(l->cursor, first) < 0)
		listener_missed(e, l, first, events_id_before(first));
}

bool events_bounds(struct events *e, struct events_stream *s, struct events_id first,
		   struct events_id last, struct events_id *from)
{
	bool any = false;

	events_lock(e);
	if (!s->known)
		s->live = last;
	s->known = true;
	for (struct events_listener *l = s->first; l; l = l->next) {
		if (l->lags && l->begins)
			listener_reset(e, l);
		if (!l->lags || l->blocked)
			continue;
		listener_bounds(e, l, first, last);
		l->catches = true;
		if (!any || events_id_compare(l->cursor, s->late) < 0)
			s->late = l->cursor;
		any = true;
	}
	s->reads = any;
	s->asked = s->live;
	*from = s->late;
	events_unlock(e);
	return any;
}

void events_live(struct events *e, struct events_stream *s, struct events_id id, struct bytes json)
{
	events_lock(e);
	if (s->known && events_id_compare(s->live, id) < 0) {
		event_text_copy(e, s, id, json, false);
		s->live = id;
	}
	events_unlock(e);
}

/* Entries beyond live go to all by that way. */
void events_late(struct events *e, struct events_stream *s, struct events_id id, struct bytes json)
{
	events_lock(e);
	if (events_id_compare(id, s->live) <= 0) {
		event_text_copy(e, s, id, json, true);
		s->late = id;
	}
	events_unlock(e);
}

bool events_late_end(struct events *e, struct events_stream *s, uint32_t n, struct events_id *from)
{
	bool whole, any = false;

	events_lock(e);
	/* what has been read as new meanwhile is in no answer that was on its way */
	whole = (n < EVENTS_PIECE && !events_id_compare(s->asked, s->live)) ||
		events_id_compare(s->late, s->live) >= 0;
	s->asked = s->live;
	for (struct events_listener *l = s->first; l; l = l->next) {
		if (!l->catches)
			continue;
		any = true;
		if (events_id_compare(l->cursor, s->late) < 0)
			l->cursor = s->late;
		if (whole)
			l->lags = l->catches = false;
	}
	s->reads = any && !whole;
	*from = s->late;
	any = s->reads;
	events_unlock(e);
	return any;
}

void events_lost(struct events *e)
{
	events_lock(e);
	for (struct events_stream *s = e->streams; s; s = s->next) {
		for (struct events_listener *l = s->first; l; l = l->next) {
			if (!l->lags)
				l->cursor = s->live;
			l->lags = true;
			l->catches = false;
		}
		s->known = s->reads = false;
	}
	events_unlock(e);
}

void events_deliver(struct events *e)
{
	bool has_new;

	events_lock(e);
	has_new = e->has_new;
	e->has_new = false;
	events_unlock(e);
	if (has_new && e->wake)
		e->wake(e->arg);
}

/* ---- life ---- */

void events_setup(void)
{
	g_events_metrics.listeners = metric_register(METRIC_GAUGE, "tandem_http_listeners", NULL,
						     "Clients that listen to events by HTTP.");
	g_events_metrics.told = metric_register(METRIC_COUNTER, "tandem_http_events_total", NULL,
						"Events queued for clients of HTTP.");
	g_events_metrics.missed =
		metric_register(METRIC_COUNTER, "tandem_http_events_missed_total", NULL,
				"Times a client of HTTP was told that it has missed events.");
}

int events_open(struct events **out, const struct redis_place *place, void (*wake)(void *arg),
		void *arg)
{
	struct events *e = calloc(1, sizeof(*e));
	struct rand_source rand;

	if (!e)
		return -ENOMEM;
	if (pthread_mutex_init(&e->lock, NULL)) {
		free(e);
		return -ENOMEM;
	}
	rand_open_system(&rand);
	e->key = (struct hash_key){ rand_u64_from(&rand), rand_u64_from(&rand) };
	fair_open(&e->fair, EVENTS_LISTENERS_MAX, &rand);
	e->place = place;
	e->wake = wake;
	e->arg = arg;
	*out = e;
	return 0;
}

void events_close(struct events *e)
{
	if (!e)
		return;
	events_reader_close(e->reader);
	assert(!e->count);
	while (e->streams) {
		struct events_stream *s = e->streams;

		e->streams = s->next;
		free(s);
	}
	fair_close(&e->fair);
	(void)pthread_mutex_destroy(&e->lock);
	free(e);
}
