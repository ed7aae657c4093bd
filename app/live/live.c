/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The live thread: streams to applications with their connections, retries and ends, driven by
 * libwebsockets' loop and a tick. plays.c begins and ends streams from the control thread. Every
 * stream ends with exactly one LIVE_GONE, after which its feed is the caller's again; rings between
 * the threads are bounded, with room kept for the end of each stream.
 */

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "app/live/live.h"
#include "app/live/live_stream.h"
#include "base/addr.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/ring.h"
#include "media/rtp/rtp_parse.h"
#include "media/tap.h"

static struct {
	metric_id streams, connected, lost, failed, missed;
} g_live_metrics;

static void live_metric_setup(void)
{
	g_live_metrics.streams = metric_register(METRIC_GAUGE, "tandem_live_streams", NULL,
						 "Parties with sound from an application.");
	g_live_metrics.connected =
		metric_register(METRIC_COUNTER, "tandem_live_connections_total", NULL,
				"Connections to applications of live sound.");
	g_live_metrics.lost =
		metric_register(METRIC_COUNTER, "tandem_live_connections_lost_total", NULL,
				"Connections of live sound that ended before their stream.");
	g_live_metrics.failed = metric_register(METRIC_COUNTER, "tandem_live_failed_total", NULL,
						"Live streams that were given up.");
	g_live_metrics.missed =
		metric_register(METRIC_COUNTER, "tandem_live_frames_missed_total", NULL,
				"Frames of 20 ms that an application was not sent, as "
				"it read too slowly or was away.");
}

enum { PACKETS_EACH = 65536 };

static struct live_stream **tap_slot(struct live_taps *t, uint64_t call, uint8_t number)
{
	uint64_t h = (call ^ (uint64_t)number << 56) * UINT64_C(0x9e3779b97f4a7c15);

	return &t->slots[h >> 52 & (LIVE_TAP_SLOTS - 1)];
}

static void live_taps_add(struct live_taps *t, struct live_stream *s)
{
	struct live_stream **slot = tap_slot(t, s->terms.call, s->terms.tap_number);

	s->tap_next = *slot;
	*slot = s;
	t->count++;
}

/* Of one without a feed; its terms say which copies it gets. */
static void live_taps_remove(struct live_taps *t, struct live_stream *s)
{
	struct live_stream **at = tap_slot(t, s->terms.call, s->terms.tap_number);

	while (*at && *at != s)
		at = &(*at)->tap_next;
	if (!*at)
		return;
	*at = s->tap_next;
	t->count--;
}

/* The channels are in the order of the sides. */
static uint32_t channel_of(const struct live_stream *s, uint8_t side)
{
	return side == TAP_TO_PARTY && s->terms.said;
}

static void packet_give(struct live_stream *s, const struct tap_packet *p)
{
	struct rtp_head h;

	if (rtp_parse(&h, tap_octets(p)))
		return;
	live_sound_put(&s->sound, channel_of(s, p->side),
		       &(struct live_packet){ .at_ns = p->time_ns,
					      .ssrc = h.ssrc,
					      .timestamp = h.timestamp,
					      .sequence = h.sequence,
					      .payload_type = h.payload_type,
					      .marker = h.marker,
					      .codec = (uint8_t)(p->codec - 1),
					      .payload = h.payload });
}

/* Some packets of an ended stream may still come. */
static void on_live_tapped(const struct tap_packet *p, void *arg)
{
	struct live_taps *t = arg;
	struct live_stream *s = *tap_slot(t, p->call, p->number);

	if (p->kind != TAP_SOUND || p->codec == 0)
		return;
	for (; s; s = s->tap_next) {
		if (s->terms.call != p->call || s->terms.tap_number != p->number)
			continue;
		if (p->side == TAP_FROM_PARTY ? s->terms.said : s->terms.heard)
			packet_give(s, p);
		return;
	}
}

enum {
	TICK_US = 10000,
	REST_US = 1000000, /* no stream is on */
	EVENTS_EACH = 4,
	STOP_MS = 1000, /* so long an application may read the end */
	WAIT_FIRST_MS = 250,
	WAIT_MOST_MS = 5000,
};

enum live_command_kind { LIVE_START, LIVE_END, LIVE_DIGIT };

/* Control to the thread. */
struct live_command {
	enum live_command_kind kind;
	struct live_stream *stream; /* BEGIN: the thread's from now on */
	uint64_t id;
	char digit;
	char reason[LIVE_REASON_MAX];
};

struct live {
	struct lws_context *context;
	lws_sorted_usec_list_t tick;
	pthread_t thread;
	_Atomic bool stop;
	struct ring commands, events;
	struct live_taps taps;     /* the thread's */
	uint32_t begun;            /* control's: streams that are not GONE */
	uint32_t capacity, count;  /* the thread's */
	struct live_stream **list; /* the thread's */
};

void live_setup(void)
{
	live_metric_setup();
}

/* ---- events for control ---- */

static bool live_notify(struct live *l, const struct live_stream *s, enum live_event_kind kind)
{
	struct live_event event = { .kind = kind,
				    .id = s->terms.id,
				    .call = s->terms.call,
				    .feed = s->terms.feed,
				    .was_up = s->times > 0 };

	return ring_push(&l->events, &event);
}

static void stream_fail(struct live *l, struct live_stream *s, const char *reason)
{
	LOG_WARN("live", s->terms.call, "a live stream has failed",
		 LOG_STR("endpoint", s->terms.endpoint), LOG_STR("reason", reason),
		 LOG_STR("next", "look whether the application listens at the endpoint's url "
				 "(live.endpoints)"));
	metric_add(g_live_metrics.failed, 1);
	s->state = LIVE_OVER;
	(void)live_notify(l, s, LIVE_FAILED);
}

/* ---- connections ---- */

static uint64_t wait_ns(const struct live_stream *s)
{
	uint64_t ms = WAIT_FIRST_MS;

	for (uint32_t i = 1; i < s->tries && ms < WAIT_MOST_MS; i++)
		ms *= 2;
	return (ms < WAIT_MOST_MS ? ms : WAIT_MOST_MS) * NS_PER_MS;
}

/* No connection, or it was lost. */
static void stream_lost(struct live *l, struct live_stream *s, const char *why)
{
	uint64_t now_ns = clock_now_ns();
	uint64_t most = s->times ? s->terms.times.give_up : s->terms.times.connect;

	if (s->state == LIVE_UP) {
		s->lost_ns = now_ns;
		s->tries = 0;
		metric_add(g_live_metrics.lost, 1);
	}
	s->started = false;
	s->text_n = 0;
	if (s->ends || s->state == LIVE_OVER) {
		s->state = LIVE_OVER;
		return;
	}
	if (now_ns - s->lost_ns >= most) {
		stream_fail(l, s, why);
		return;
	}
	s->state = LIVE_WAITS;
	s->try_ns = now_ns + wait_ns(s);
	LOG_INFO("live", s->terms.call, "no connection to an application",
		 LOG_STR("endpoint", s->terms.endpoint), LOG_STR("reason", why),
		 LOG_U64("again_ms", wait_ns(s) / NS_PER_MS));
}

static void stream_try(struct live *l, struct live_stream *s)
{
	s->state = LIVE_RESOLVES;
	s->try_ns = clock_now_ns();
	s->tries++;
	if (live_address_resolve(&s->address, s->url.host))
		stream_lost(l, s, "the resolver takes no more questions");
}

static void stream_connect(struct live *l, struct live_stream *s)
{
	char address[LIVE_ADDRESS_TEXT];
	int err = live_address_read(&s->address, s->tries - 1, address);

	if (err == -EAGAIN)
		return;
	if (err) {
		stream_lost(l, s, "the host of the url has no address");
		return;
	}
	s->state = LIVE_CONNECTS;
	/* a refusal may be told before it returns */
	if (!live_connection_start(l->context, s, address) && s->state == LIVE_CONNECTS)
		stream_lost(l, s, "the connection was refused");
}

void live_stream_connected(struct live *l, struct live_stream *s)
{
	s->state = LIVE_UP;
	s->tries = 0;
	if (s->times++ == 0)
		s->sound.missed = 0; /* it begins now */
	metric_add(g_live_metrics.connected, 1);
	LOG_INFO("live", s->terms.call, "live sound is with an application",
		 LOG_STR("endpoint", s->terms.endpoint), LOG_U64("connected", s->times));
	(void)live_notify(l, s, LIVE_STARTED);
}

void live_stream_unconnected(struct live *l, struct live_stream *s, const char *why, bool refused)
{
	s->wsi = NULL;
	s->closing_ns = 0;
	if (s->state == LIVE_CONNECTS && refused && !s->ends && !s->times && !s->terms.resumed)
		stream_fail(l, s, why);
	else if (s->state == LIVE_UP || s->state == LIVE_CONNECTS)
		stream_lost(l, s, why);
}

void live_stream_is_done(struct live *l, struct live_stream *s)
{
	if (s->ends || s->state == LIVE_OVER)
		return;
	s->state = LIVE_OVER;
	(void)live_notify(l, s, LIVE_ENDED);
}

/* ---- commands ---- */

static struct live_stream *live_stream_find(const struct live *l, uint64_t id)
{
	for (uint32_t i = 0; i < l->count; i++) {
		if (l->list[i]->terms.id == id)
			return l->list[i];
	}
	return NULL;
}

static void live_stream_start(struct live *l, struct live_stream *s)
{
	assert(l->count < l->capacity);
	l->list[l->count++] = s;
	if (!s->terms.feed)
		live_taps_add(&l->taps, s);
	metric_set(g_live_metrics.streams, l->count);
	s->lost_ns = clock_now_ns();
	stream_try(l, s);
}

static void command_do(struct live *l, const struct live_command *c)
{
	struct live_stream *s = c->kind == LIVE_START ? c->stream : live_stream_find(l, c->id);

	if (!s)
		return;
	switch (c->kind) {
	case LIVE_START:
		live_stream_start(l, s);
		return;
	case LIVE_END:
		s->ends = true;
		s->ends_ns = clock_now_ns();
		memcpy(s->reason, c->reason, sizeof(s->reason));
		return;
	case LIVE_DIGIT:
		if (s->digit_count < LIVE_DIGITS)
			s->digits[s->digit_count++] = c->digit;
		return;
	}
}

static void live_commands_run(struct live *l)
{
	struct live_command c;

	while (ring_pop(&l->commands, &c, 1) == 1)
		command_do(l, &c);
}

/* ---- time ---- */

static void stream_time(struct live *l, struct live_stream *s, uint64_t now_ns)
{
	switch (s->state) {
	case LIVE_RESOLVES:
		stream_connect(l, s);
		if (s->state == LIVE_RESOLVES && now_ns - s->try_ns > s->terms.times.connect)
			stream_lost(l, s, "the resolver does not answer");
		return;
	case LIVE_CONNECTS:
		if (now_ns - s->try_ns > s->terms.times.connect)
			live_connection_end(s);
		return;
	case LIVE_WAITS:
		if (now_ns >= s->try_ns && live_address_drop(&s->address))
			stream_try(l, s);
		return;
	case LIVE_UP:
	case LIVE_OVER:
		return;
	}
}

static void stream_sound(struct live_stream *s, uint64_t now_ns)
{
	uint64_t before = s->sound.frames_missed;

	live_sound_tick(&s->sound, now_ns);
	if (s->state != LIVE_UP)
		live_sound_unheard(&s->sound);
	if (s->times && s->sound.frames_missed != before)
		metric_add(g_live_metrics.missed, s->sound.frames_missed - before);
	if (s->wsi && live_stream_has(s))
		live_connection_wants(s);
}

/* True: nothing refers to it any more. */
static bool stream_is_over(struct live_stream *s, uint64_t now_ns)
{
	bool late = s->ends &&
		    now_ns - (s->closing_ns ? s->closing_ns : s->ends_ns) > STOP_MS * NS_PER_MS;

	if (!s->ends || (s->wsi && s->state != LIVE_CONNECTS && !s->stopped && !late))
		return false;
	if (s->wsi && (!s->stopped || late))
		live_connection_end(s);
	return !s->wsi && live_address_drop(&s->address);
}

static void stream_tick(struct live *l, uint32_t at, uint64_t now_ns)
{
	struct live_stream *s = l->list[at];

	if (!s->ends)
		stream_time(l, s, now_ns);
	if (!stream_is_over(s, now_ns)) {
		stream_sound(s, now_ns);
		return;
	}
	if (!live_notify(l, s, LIVE_GONE))
		return;
	l->list[at] = l->list[--l->count];
	if (!s->terms.feed)
		live_taps_remove(&l->taps, s);
	metric_set(g_live_metrics.streams, l->count);
	live_stream_free(s);
}

static void on_live_tick(lws_sorted_usec_list_t *sul)
{
	struct live *l = CONTAINER_OF(sul, struct live, tick);
	uint64_t now_ns;

	if (atomic_load_explicit(&l->stop, memory_order_relaxed)) {
		lws_sul_schedule(l->context, 0, &l->tick, on_live_tick, TICK_US);
		return;
	}
	live_commands_run(l);
	if (l->taps.read)
		(void)l->taps.read(l->taps.source, PACKETS_EACH, on_live_tapped, &l->taps);
	now_ns = clock_now_ns(); /* no earlier than what was noted of a command */
	for (uint32_t i = l->count; i-- > 0;)
		stream_tick(l, i, now_ns);
	lws_sul_schedule(l->context, 0, &l->tick, on_live_tick, l->count ? TICK_US : REST_US);
}

void live_woken(struct live *l)
{
	lws_sul_schedule(l->context, 0, &l->tick, on_live_tick, 1);
}

static bool live_is_connected(const struct live *l)
{
	uint32_t i = 0;

	while (i < l->count && !l->list[i]->wsi)
		i++;
	return i < l->count;
}

/* The node stops: applications are told, and have the usual time to close. */
static void live_leave(struct live *l)
{
	uint64_t until_ns = clock_now_ns() + STOP_MS * NS_PER_MS;

	for (uint32_t i = 0; i < l->count; i++) {
		struct live_stream *s = l->list[i];

		s->leaves = true;
		if (s->state == LIVE_UP)
			live_connection_wants(s);
		else if (s->wsi)
			live_connection_end(s);
	}
	while (live_is_connected(l) && clock_now_ns() < until_ns && lws_service(l->context, 0) >= 0)
		;
}

static void *live_run(void *arg)
{
	struct live *l = arg;

	lws_sul_schedule(l->context, 0, &l->tick, on_live_tick, TICK_US);
	/* acquire: pairs with the release in live_close */
	while (!atomic_load_explicit(&l->stop, memory_order_acquire)) {
		if (lws_service(l->context, 0) < 0)
			return NULL;
	}
	live_leave(l);
	return NULL;
}

/* ---- control ---- */

static bool command_send(struct live *l, const struct live_command *c)
{
	bool sent = ring_push(&l->commands, c);

	lws_cancel_service(l->context);
	return sent;
}

int live_stream_open(struct live *l, const struct live_terms *terms)
{
	struct live_command c = { .kind = LIVE_START };
	int err;

	if (l->begun == l->capacity)
		return -ENOSPC;
	c.stream = live_stream_make(terms, &err);
	if (!c.stream)
		return err;
	if (!command_send(l, &c)) {
		live_stream_free(c.stream);
		return -ENOSPC;
	}
	l->begun++;
	return 0;
}

void live_end(struct live *l, uint64_t id, const char *reason)
{
	struct live_command c = { .kind = LIVE_END, .id = id };
	bool sent;

	(void)bytes_cstr(bytes_str(reason), c.reason, sizeof(c.reason));
	sent = command_send(l, &c); /* there is room for the end of each: live_digit leaves it */
	assert(sent);
	(void)sent;
}

void live_digit(struct live *l, uint64_t id, char digit)
{
	const struct live_command c = { .kind = LIVE_DIGIT, .id = id, .digit = digit };
	uint32_t head = atomic_load_explicit(&l->commands.head, memory_order_relaxed);

	/* each stream may begin and end besides */
	if (ring_mark(&l->commands) - head < 2 * l->capacity)
		(void)command_send(l, &c);
}

int live_event_fd(const struct live *l)
{
	return l->events.wake_fd;
}

uint32_t live_events(struct live *l, struct live_event *out, uint32_t max)
{
	uint32_t n = ring_pop(&l->events, out, max);

	for (uint32_t i = 0; i < n; i++)
		l->begun -= out[i].kind == LIVE_GONE;
	return n;
}

bool live_events_wait(struct live *l)
{
	ring_awake(&l->events);
	return ring_sleep(&l->events);
}

/* ---- start and end ---- */

static int live_prepare(struct live *l, const struct live_settings *s)
{
	uint32_t ring = EVENTS_EACH * s->streams + EVENTS_EACH;
	int err;

	l->capacity = s->streams;
	l->taps = (struct live_taps){ .read = s->read, .source = s->source };
	l->list = calloc(s->streams + 1, sizeof(struct live_stream *));
	if (!l->list)
		return -ENOMEM;
	err = ring_open(&l->commands, sizeof(struct live_command), ring);
	if (!err)
		err = ring_open(&l->events, sizeof(struct live_event), ring);
	if (err)
		return err;
	(void)ring_sleep(&l->events);
	l->context = live_connection_context(l, s->ca, s->streams);
	return l->context ? 0 : -EIO;
}

static void live_free(struct live *l)
{
	struct live_command c;

	if (l->context)
		lws_context_destroy(l->context);
	while (l->commands.slots && ring_pop(&l->commands, &c, 1) == 1)
		if (c.kind == LIVE_START)
			live_stream_free(c.stream);
	while (l->count > 0) {
		struct live_stream *s = l->list[--l->count];

		while (!live_address_drop(&s->address))
			(void)gai_suspend((const struct gaicb *const[]){ &s->address.request }, 1,
					  NULL);
		live_stream_free(s);
	}
	ring_close(&l->commands);
	ring_close(&l->events);
	free(l->list);
	free(l);
}

int live_open(struct live **out, const struct live_settings *settings)
{
	struct live *l = calloc(1, sizeof(*l));
	int err = l ? live_prepare(l, settings) : -ENOMEM;

	if (!err)
		err = -pthread_create(&l->thread, NULL, live_run, l);
	if (err && l)
		live_free(l);
	if (!err)
		*out = l;
	return err;
}

void live_close(struct live *l)
{
	if (!l)
		return;
	/* release: pairs with the acquire in live_run */
	atomic_store_explicit(&l->stop, true, memory_order_release);
	lws_cancel_service(l->context);
	(void)pthread_join(l->thread, NULL);
	live_free(l);
}

/* Octets of a path or a host: nothing that would end a line, or a header. */
static bool url_is_plain(struct bytes text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] <= ' ' || text.p[i] >= 0x7f || text.p[i] == '"' || text.p[i] == '@')
			return false;
	}
	return true;
}

static bool url_scheme_read(struct live_url *out, struct bytes *rest)
{
	static const char *const schemes[] = { "ws://", "wss://" };

	for (size_t i = 0; i < COUNT_OF(schemes); i++) {
		if (!bytes_starts(*rest, schemes[i]))
			continue;
		*rest = bytes_sub(*rest, strlen(schemes[i]), rest->n);
		out->tls = i == 1;
		out->port = out->tls ? 443 : 80;
		return true;
	}
	return false;
}

/* "[2001:db8::1]" has its colons inside. */
static size_t host_length(struct bytes place)
{
	size_t n = 0;

	if (place.n && place.p[0] == '[') {
		while (n < place.n && place.p[n] != ']')
			n++;
		return n < place.n ? n + 1 : 0;
	}
	while (n < place.n && place.p[n] != ':')
		n++;
	return n;
}

static bool url_place_read(struct live_url *out, struct bytes place)
{
	size_t n = host_length(place);
	struct bytes host = bytes_sub(place, 0, n), port = bytes_sub(place, n, place.n);
	uint32_t number = out->port;

	if (n > 2 && host.p[0] == '[')
		host = bytes_sub(host, 1, n - 2);
	if (port.n && (port.p[0] != ':' || bytes_u32(bytes_sub(port, 1, port.n), &number) ||
		       number == 0 || number > UINT16_MAX))
		return false;
	out->port = (uint16_t)number;
	return host.n && host.n < sizeof(out->host) &&
	       bytes_cstr(host, out->host, sizeof(out->host)) == 0;
}

bool live_url_read(struct live_url *out, const char *text)
{
	struct bytes rest = bytes_str(text);
	size_t n = 0;

	*out = (struct live_url){ 0 };
	if (!url_is_plain(rest) || !url_scheme_read(out, &rest))
		return false;
	while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?' && rest.p[n] != '#')
		n++;
	if (n < rest.n && rest.p[n] != '/')
		return false;
	if (!url_place_read(out, bytes_sub(rest, 0, n)))
		return false;
	rest = bytes_sub(rest, n, rest.n);
	return bytes_cstr(rest.n ? rest : bytes_str("/"), out->path, sizeof(out->path)) == 0;
}
