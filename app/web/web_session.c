/* SPDX-License-Identifier: Apache-2.0 */
#include "app/web/web_session.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"

enum { CHECKS_IN_PATIENCE = 4 };
#define CLOSE_US 1000000 /* so long whoever is told Close has to say it, too */

static_assert((int)LWS_PRE <= (int)WEB_LINK_ROOM, "frames have their head before the message");

struct web_waiting {
	struct web_waiting *next;
	struct web_link_out out;
};

static struct {
	metric_id ends[WEB_SESSION_END_COUNT], pings;
} g_session_metrics;

void web_session_setup(void)
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

void web_session_begin(struct web_session *s, struct lws *wsi, const struct web_settings *settings,
		       const struct sip_hop *hop)
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

/* The library calls back until it has closed; -1 makes it say Close. Then it reads, and what comes is nobody's, until the peer has said Close,
 * or for a second: a connection that ends before is reset, and what the peer has not read yet is lost (RFC 6455 7.1.1). */
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

/* From where the library does not ask for a result: as soon as the connection takes something. */
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

/* ---- what it says ---- */

/* 0 or -ENOMEM. */
static int bring(struct web_session *s)
{
	int err = web_link_bring(s->settings->link, &s->hop, bytes_mem(s->in.data, s->in.n));

	if (err == -EAGAIN) { /* it waits, and so does what comes after it */
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
static int session_take(struct web_session *s)
{
	enum web_message_kind kind = web_message_kind(bytes_mem(s->in.data, s->in.n));

	s->begun_ns = 0;
	if (s->spoke || kind == WEB_MESSAGE_SIP) /* before the first nothing else buys time */
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

int web_session_receive(struct web_session *s, struct bytes piece)
{
	uint64_t left = lws_remaining_packet_payload(s->wsi);
	int err;

	if (s->doomed)
		return 0;
	if (s->held)
		return session_doom(s, WEB_SESSION_END_OVERFLOW, LWS_CLOSE_STATUS_POLICY_VIOLATION);
	err = web_message_add(&s->in, piece, left);
	if (!err && lws_is_final_fragment(s->wsi) && !left) {
		err = session_take(s);
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

bool web_session_waits(const struct web_session *s)
{
	return s->held && !s->doomed;
}

void web_session_retry(struct web_session *s)
{
	if (bring(s))
		doom_later(s, WEB_SESSION_END_MEMORY, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION);
}

/* ---- what it hears ---- */

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

/* What may not leave any more goes; what the library has begun to write it finishes. */
static void late_drop(struct web_session *s)
{
	while (s->first && web_link_withholds(s->settings->link, &s->first->out))
		first_drop(s);
}

/* One frame each time: that is the library's rule. */
int web_session_writeable(struct web_session *s)
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
	/* what the kernel did not take the library keeps, and asks again once it has gone */
	more = s->first || s->pongs || lws_partial_buffered(s->wsi);
	s->stalled_ns = more ? clock_now_ns() : 0;
	if (more)
		(void)lws_callback_on_writable(s->wsi);
	return err;
}

bool web_session_queue(struct web_session *s, const struct web_link_out *out)
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

void web_session_cut(struct web_session *s)
{
	doom_later(s, WEB_SESSION_END_QUEUE, LWS_CLOSE_STATUS_POLICY_VIOLATION);
}

void web_session_make_room(struct web_session *s, bool at_once)
{
	doom_later(s, WEB_SESSION_END_ROOM, LWS_CLOSE_STATUS_POLICY_VIOLATION);
	if (at_once)
		session_kill(s);
}

void web_session_stop(struct web_session *s)
{
	doom_later(s, WEB_SESSION_END_STOP, LWS_CLOSE_STATUS_GOINGAWAY);
}

/* ---- time ---- */

int web_session_timer(struct web_session *s)
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
