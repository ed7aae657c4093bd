/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIP over WebSocket on the web thread: messages from frames, sessions with their limits and ends,
 * and places shared with the loop by web_link.c. web.c dispatches libwebsockets' callbacks of the
 * sub-protocol "sip" here. A message that has no room toward the loop stops reading from that
 * browser only; a place is reused only when the loop knows of the end, so no answer reaches a
 * stranger.
 */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/web/web_clients.h"
#include "app/web/web_link.h"
#include "app/web/web_sip.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"

enum { ROOM_FIRST = 2048 };

static int web_message_make_room(struct web_message *m, size_t n)
{
	size_t room = m->room ? m->room : ROOM_FIRST;
	uint8_t *data;

	if (n <= m->room)
		return 0;
	while (room < n)
		room *= 2;
	data = realloc(m->data, room);
	if (!data)
		return -ENOMEM;
	m->data = data;
	m->room = room;
	return 0;
}

int web_message_add(struct web_message *m, struct bytes piece, uint64_t left)
{
	int err;

	if (piece.n > STREAM_MESSAGE_MAX - m->n || left > STREAM_MESSAGE_MAX - m->n - piece.n)
		return -EMSGSIZE;
	if (piece.n == 0)
		return 0;
	err = web_message_make_room(m, m->n + piece.n);
	if (err)
		return err;
	memcpy(m->data + m->n, piece.p, piece.n);
	m->n += piece.n;
	return 0;
}

void web_message_clear(struct web_message *m)
{
	free(m->data);
	*m = (struct web_message){ 0 };
}

enum web_message_kind web_message_kind(struct bytes whole)
{
	if (bytes_is(whole, "\r\n\r\n"))
		return WEB_MESSAGE_PING;
	for (size_t i = 0; i < whole.n; i++) {
		if (whole.p[i] != '\r' && whole.p[i] != '\n')
			return WEB_MESSAGE_SIP;
	}
	return WEB_MESSAGE_BLANK;
}

/* Octets of the character at p; 0: invalid. */
static size_t message_character(const uint8_t *p, size_t n)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t size = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc0 ? 2 : 0;
	uint32_t code;

	if (size <= 1 || size > n || p[0] > 0xf4)
		return size == 1;
	code = p[0] & (0x7fU >> size);
	for (size_t i = 1; i < size; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3f);
	}
	if (code < least[size] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return size;
}

bool web_message_is_text(struct bytes message)
{
	size_t at = 0, size;

	while (at < message.n) {
		size = message_character(message.p + at, message.n - at);
		if (!size)
			return false;
		at += size;
	}
	return true;
}

enum { CHECKS_IN_PATIENCE = 4 };
#define CLOSE_US 1000000 /* time for the peer's Close */

static_assert((int)LWS_PRE <= (int)WEB_LINK_ROOM, "frames have their head before the message");

struct web_waiting {
	struct web_waiting *next;
	struct web_link_out out;
};

static struct {
	metric_id ends[WEB_SESSION_END_COUNT], pings;
} g_session_metrics;

static void web_session_setup(void)
{
	static const char *const ends[] = {
#define X(id, name) "reason=\"" name "\"",
		WEB_SESSION_ENDS(X)
#undef X
	};

	for (int i = 0; i < WEB_SESSION_END_COUNT; i++) {
		g_session_metrics.ends[i] =
			metric_register(METRIC_COUNTER, "tandem_sip_ws_ends_total", ends[i],
					"Ends of SIP WebSockets");
	}
	g_session_metrics.pings = metric_register(METRIC_COUNTER, "tandem_sip_ws_pings_total", NULL,
						  "CRLF keepalives answered");
}

/* ---- beginning and end ---- */

static void next_check(const struct web_session *s)
{
	lws_set_timer_usecs(
		s->wsi, (lws_usec_t)(s->settings->patience_ns / CHECKS_IN_PATIENCE / NS_PER_US));
}

/* hop: of its messages. settings: borrowed until it has ended. */
static void web_session_start(struct web_session *s, struct lws *wsi,
			      const struct web_settings *settings, const struct sip_hop *hop)
{
	s->wsi = wsi;
	s->settings = settings;
	s->hop = *hop;
	s->received_ns = s->born_ns = clock_now_ns();
	next_check(s);
}

static void first_drop(struct web_session *s)
{
	struct web_waiting *w = s->first;

	s->first = w->next;
	web_link_sent(s->settings->link, &w->out);
	free(w->out.data);
	free(w);
}

void web_session_end(struct web_session *s)
{
	while (s->first)
		first_drop(s);
	web_message_clear(&s->in);
	metric_add(g_session_metrics.ends[s->why], 1);
	LOG_DEBUG("web", 0, "a WebSocket has ended", LOG_ADDR("remote", &s->hop.remote));
	s->wsi = NULL;
}

/* Returning -1 makes the library send Close, and call back until it has closed. Then it reads, and
 * drops input, until the peer's Close, or for a second: a connection that ends before is reset, and
 * what the peer has not read is lost (RFC 6455 7.1.1). */
static int session_doom(struct web_session *s, enum web_session_end why,
			enum lws_close_status status)
{
	if (!s->doomed)
		s->why = why;
	s->doomed = true;
	s->leaves = 0;
	lws_set_timer_usecs(s->wsi, CLOSE_US);
	lws_close_reason(s->wsi, status, NULL, 0);
	return -1;
}

/* For callers without a result for the library: at the next chance to write. */
static void doom_later(struct web_session *s, enum web_session_end why,
		       enum lws_close_status status)
{
	if (s->doomed)
		return;
	s->why = why;
	s->doomed = true;
	s->leaves = status;
	lws_set_timer_usecs(s->wsi, CLOSE_US);
	(void)lws_callback_on_writable(s->wsi);
}

static void session_kill(const struct web_session *s)
{
	lws_set_timeout(s->wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
}

/* ---- input ---- */

/* 0 or -ENOMEM. */
static int bring(struct web_session *s)
{
	int err = web_link_bring(s->settings->link, &s->hop, bytes_mem(s->in.data, s->in.n));

	if (err == -EAGAIN) { /* it waits, and so do later ones */
		if (!s->held)
			lws_rx_flow_control(s->wsi, 0);
		s->held = true;
		return 0;
	}
	if (err)
		return err;
	if (s->held)
		lws_rx_flow_control(s->wsi, 1);
	s->held = false;
	s->spoke = true;
	web_message_clear(&s->in);
	return 0;
}

static void pong_soon(struct web_session *s)
{
	metric_add(g_session_metrics.pings, 1);
	s->pongs = true;
	(void)lws_callback_on_writable(s->wsi);
}

/* A whole message. */
static int session_on_message(struct web_session *s)
{
	enum web_message_kind kind = web_message_kind(bytes_mem(s->in.data, s->in.n));

	s->begun_ns = 0;
	if (s->spoke || kind == WEB_MESSAGE_SIP) /* at first nothing else buys time */
		s->received_ns = clock_now_ns();
	switch (kind) {
	case WEB_MESSAGE_SIP:
		return bring(s);
	case WEB_MESSAGE_PING:
		pong_soon(s);
		break;
	case WEB_MESSAGE_BLANK:
		break;
	}
	web_message_clear(&s->in);
	return 0;
}

/* A piece of a frame's payload. Afterwards web_session_waits may be true. */
static int web_session_receive(struct web_session *s, struct bytes piece)
{
	uint64_t left = lws_remaining_packet_payload(s->wsi);
	int err;

	if (s->doomed)
		return 0;
	if (s->held)
		return session_doom(s, WEB_SESSION_END_OVERFLOW, LWS_CLOSE_STATUS_POLICY_VIOLATION);
	err = web_message_add(&s->in, piece, left);
	if (!err && lws_is_final_fragment(s->wsi) && !left) {
		err = session_on_message(s);
	} else if (!err && !s->begun_ns) {
		s->begun_ns = clock_now_ns();
	}
	if (err == -EMSGSIZE)
		return session_doom(s, WEB_SESSION_END_SIZE, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE);
	if (err)
		return session_doom(s, WEB_SESSION_END_MEMORY,
				    LWS_CLOSE_STATUS_UNEXPECTED_CONDITION);
	return 0;
}

/* A message waits for room toward the loop: try again soon. */
static bool web_session_waits(const struct web_session *s)
{
	return s->held && !s->doomed;
}

static void web_session_retry(struct web_session *s)
{
	if (bring(s))
		doom_later(s, WEB_SESSION_END_MEMORY, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION);
}

/* ---- output ---- */

static int frame_write(struct web_session *s, uint8_t *p, size_t n)
{
	bool text = web_message_is_text(bytes_mem(p, n));

	return lws_write(s->wsi, p, n, text ? LWS_WRITE_TEXT : LWS_WRITE_BINARY) < 0 ? -1 : 0;
}

static int pong(struct web_session *s)
{
	uint8_t space[LWS_PRE + 2];

	s->pongs = false;
	memcpy(space + LWS_PRE, "\r\n", 2);
	return frame_write(s, space + LWS_PRE, 2);
}

/* Drops what may not be sent any more; a frame that the library has begun is finished. */
static void late_drop(struct web_session *s)
{
	while (s->first && web_link_withholds(s->settings->link, &s->first->out))
		first_drop(s);
}

/* One frame each time: that is the library's rule. */
static int web_session_writeable(struct web_session *s)
{
	bool more;
	int err = 0;

	if (s->doomed)
		return s->leaves ? session_doom(s, s->why, s->leaves) : 0;
	late_drop(s);
	if (s->pongs) {
		err = pong(s);
	} else if (s->first) {
		err = frame_write(s, s->first->out.data + WEB_LINK_ROOM, s->first->out.n);
		first_drop(s);
	}
	/* the library keeps what the kernel did not take, and asks again when it is sent */
	more = s->first || s->pongs || lws_partial_buffered(s->wsi);
	s->stalled_ns = more ? clock_now_ns() : 0;
	if (more)
		(void)lws_callback_on_writable(s->wsi);
	return err;
}

/* Queues it. False: out of memory, the session ends, and out stays the caller's. */
static bool web_session_queue(struct web_session *s, const struct web_link_out *out)
{
	struct web_waiting *w = malloc(sizeof(*w));

	if (!w) {
		doom_later(s, WEB_SESSION_END_MEMORY, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION);
		return false;
	}
	*w = (struct web_waiting){ .out = *out };
	if (s->first) {
		s->last->next = w;
	} else {
		s->first = w;
		s->stalled_ns = clock_now_ns();
	}
	s->last = w;
	(void)lws_callback_on_writable(s->wsi);
	return true;
}

/* Gives its place to a newcomer. at_once: few are left: without Close. */
static void web_session_make_room(struct web_session *s, bool at_once)
{
	doom_later(s, WEB_SESSION_END_ROOM, LWS_CLOSE_STATUS_POLICY_VIOLATION);
	if (at_once)
		session_kill(s);
}

/* ---- time ---- */

/* A fraction of settings->patience_ns later. */
static int web_session_timer(struct web_session *s)
{
	uint64_t now_ns = clock_now_ns();
	uint64_t before = now_ns - s->settings->patience_ns;

	if (s->doomed) {
		session_kill(s);
		return 0;
	}
	if (s->stalled_ns && s->stalled_ns <= before) {
		doom_later(s, WEB_SESSION_END_STALLED, LWS_CLOSE_STATUS_POLICY_VIOLATION);
		return 0;
	}
	if (s->begun_ns && s->begun_ns <= before)
		return session_doom(s, WEB_SESSION_END_SLOW, LWS_CLOSE_STATUS_POLICY_VIOLATION);
	if (!s->spoke && !s->held && s->received_ns <= before)
		return session_doom(s, WEB_SESSION_END_SILENT, LWS_CLOSE_STATUS_POLICY_VIOLATION);
	if (!s->trusted && !s->held && s->received_ns <= before)
		return session_doom(s, WEB_SESSION_END_STRANGER, LWS_CLOSE_STATUS_POLICY_VIOLATION);
	if (s->received_ns + s->settings->idle_ns <= now_ns)
		return session_doom(s, WEB_SESSION_END_IDLE, LWS_CLOSE_STATUS_GOINGAWAY);
	next_check(s);
	return 0;
}

#define RETRY_US 2000 /* to empty a full ring */

struct client_place {
	struct web_session *session;
	struct sip_hop ended; /* has_ended: for the loop */
	bool has_ended;
};

struct web_sip {
	struct web_settings settings;
	struct web_origins origins;
	struct lws_context *context;
	lws_sorted_usec_list_t retry;
	uint32_t room; /* places: those of the settings, and WEB_LINK_SPARE */
	uint32_t free_count;
	uint16_t *free;
	struct client_place places[];
};

static metric_id g_opened;

void web_sip_setup(void)
{
	web_admit_setup();
	web_session_setup();
	g_opened = metric_register(METRIC_COUNTER, "tandem_sip_ws_opened_total", NULL,
				   "SIP WebSockets taken");
}

int web_sip_open(struct web_sip **out, const struct web_settings *settings)
{
	uint32_t n = settings->places + WEB_LINK_SPARE;
	struct web_sip *s = calloc(1, sizeof(*s) + n * sizeof(s->places[0]));

	assert(settings->places && settings->places <= WEB_LINK_PLACES_MAX);
	assert(settings->patience_ns);
	if (!s)
		return -ENOMEM;
	s->settings = *settings;
	web_origins_open(&s->origins, settings->origins, settings->origin_count);
	s->free_count = s->room = n;
	s->free = calloc(n, sizeof(s->free[0]));
	if (!s->free) {
		free(s);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < n; i++)
		s->free[i] = (uint16_t)(n - 1 - i);
	*out = s;
	return 0;
}

void web_sip_attach(struct web_sip *s, struct lws_context *context)
{
	s->context = context;
}

void web_sip_close(struct web_sip *s)
{
	if (!s)
		return;
	web_origins_close(&s->origins);
	free(s->free);
	free(s);
}

void web_sip_origins(struct web_sip *s, const char (*list)[ORIGIN_MAX], uint32_t count)
{
	web_origins_renew(&s->origins, list, count);
}

size_t web_sip_session_size(void)
{
	return sizeof(struct web_session);
}

/* Number of those that stay, and the oldest stranger of them. */
static uint32_t crowd(const struct web_sip *s, struct web_session **oldest)
{
	uint32_t n = 0;

	*oldest = NULL;
	for (uint32_t i = 0; i < s->room; i++) {
		struct web_session *session = s->places[i].session;

		if (!session || session->doomed)
			continue;
		n++;
		if (!session->trusted && (!*oldest || session->born_ns < (*oldest)->born_ns))
			*oldest = session;
	}
	return n;
}

/* As TCP does (sig/transport/stream_connection.c). */
static bool web_has_room(const struct web_sip *s, struct web_session **goes)
{
	uint32_t n = crowd(s, goes);

	if (n < s->settings.places)
		*goes = NULL;
	return s->free_count > 0 && (n < s->settings.places || *goes);
}

bool web_sip_admit(struct web_sip *s, struct lws *wsi)
{
	struct web_session *goes;

	return web_admit(&s->settings, &s->origins.now, web_has_room(s, &goes), wsi);
}

/* ---- messages that wait for room toward the loop ---- */

static void retry_soon(struct web_sip *owner);

static void place_free(struct web_sip *owner, uint32_t at)
{
	owner->free[owner->free_count++] = (uint16_t)at;
}

/* The place is free once the loop knows. */
static void tell_end(struct web_sip *owner, uint32_t at)
{
	struct client_place *p = &owner->places[at];

	p->has_ended = !web_link_ended(owner->settings.link, &p->ended);
	if (p->has_ended) {
		retry_soon(owner);
	} else {
		place_free(owner, at);
	}
}

static void retry_one(struct web_sip *owner, uint32_t at)
{
	struct client_place *p = &owner->places[at];

	if (p->has_ended) {
		tell_end(owner, at);
	} else if (p->session && web_session_waits(p->session)) {
		web_session_retry(p->session);
		if (web_session_waits(p->session))
			retry_soon(owner);
	}
}

static void on_retry(lws_sorted_usec_list_t *sul)
{
	void *at = (uint8_t *)sul - offsetof(struct web_sip, retry);
	struct web_sip *owner = at;

	for (uint32_t i = 0; i < owner->room; i++)
		retry_one(owner, i);
}

static void retry_soon(struct web_sip *owner)
{
	lws_sul_schedule(owner->context, 0, &owner->retry, on_retry, RETRY_US);
}

/* ---- from browsers ---- */

static int on_established(struct web_sip *owner, struct web_session *s, struct lws *wsi)
{
	struct sip_hop hop = { .transport = owner->settings.tls ? SIP_WSS : SIP_WS,
			       .local = owner->settings.local,
			       .inbound = true };
	struct web_client *client = lws_get_opaque_user_data(wsi);
	struct web_session *goes;
	uint32_t at;

	if (!web_has_room(owner, &goes) || web_clients_peer(lws_get_socket_fd(wsi), &hop.remote)) {
		web_admit_lost();
		return -1;
	}
	if (goes)
		web_session_make_room(goes, owner->free_count < WEB_LINK_SPARE / 2);
	if (client)
		web_client_upgraded(client);
	at = owner->free[--owner->free_count];
	hop.connection = web_link_name(owner->settings.link, at);
	owner->places[at].session = s;
	web_session_start(s, wsi, &owner->settings, &hop);
	metric_add(g_opened, 1);
	return 0;
}

static int on_receive(struct web_sip *owner, struct web_session *s, struct bytes piece)
{
	int result = web_session_receive(s, piece);

	if (web_session_waits(s))
		retry_soon(owner);
	return result;
}

static void on_closed(struct web_sip *owner, struct web_session *s)
{
	uint32_t at = web_link_place(s->hop.connection);
	struct client_place *p = &owner->places[at];

	web_session_end(s);
	p->session = NULL;
	p->ended = s->hop;
	if (s->spoke) {
		tell_end(owner, at);
	} else { /* the loop does not know it */
		place_free(owner, at);
	}
}

int web_sip_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		     size_t len)
{
	const struct lws_protocols *protocol = lws_get_protocol(wsi);
	struct web_sip *owner = protocol ? protocol->user : NULL;
	struct web_session *s = user;

	if (!owner || !s)
		return 0;
	if (reason == LWS_CALLBACK_ESTABLISHED)
		return on_established(owner, s, wsi);
	if (!s->wsi)
		return 0;
	switch ((int)reason) { /* of the library's hundred reasons */
	case LWS_CALLBACK_RECEIVE:
		return on_receive(owner, s, bytes_mem(in, len));
	case LWS_CALLBACK_SERVER_WRITEABLE:
		return web_session_writeable(s);
	case LWS_CALLBACK_TIMER:
		return web_session_timer(s);
	case LWS_CALLBACK_CLOSED:
		on_closed(owner, s);
		return 0;
	default:
		return 0;
	}
}

/* ---- from the loop ---- */

static struct web_session *session_of(const struct web_sip *owner, uint64_t connection)
{
	struct web_session *s = owner->places[web_link_place(connection)].session;

	return s && s->hop.connection == connection ? s : NULL;
}

static void session_trust(struct web_session *s)
{
	struct web_client *client = lws_get_opaque_user_data(s->wsi);

	s->trusted = true;
	if (client)
		web_client_trust(client);
}

static void hand_out(struct web_sip *owner, const struct web_link_out *out)
{
	struct web_session *s = session_of(owner, out->connection);

	if (!out->data) {
		if (s && out->trusted)
			session_trust(s);
		else if (s)
			doom_later(s, WEB_SESSION_END_QUEUE, LWS_CLOSE_STATUS_POLICY_VIOLATION);
	} else if (!s || !web_session_queue(s, out)) {
		web_link_sent(owner->settings.link, out);
		free(out->data);
	}
}

bool web_sip_stop(struct web_sip *s)
{
	bool any = false;

	for (uint32_t i = 0; i < s->room; i++) {
		struct web_session *session = s->places[i].session;

		any |= session != NULL;
		if (session)
			doom_later(session, WEB_SESSION_END_STOP, LWS_CLOSE_STATUS_GOINGAWAY);
	}
	return any;
}

void web_sip_on_messages(struct web_sip *s)
{
	struct web_link_out out;

	web_origins_refresh(&s->origins);
	while (web_link_pop(s->settings.link, &out))
		hand_out(s, &out);
}
