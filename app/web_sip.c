/* SPDX-License-Identifier: Apache-2.0 */
/* One session a WebSocket. Its place (web_link.h) is free again once the loop knows of its end. */
#include "app/web_sip.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "app/web_link.h"
#include "app/web_message.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"

#define RETRY_US           2000 /* the loop has a full ring to empty */
#define CHECKS_IN_PATIENCE 4

static_assert((int)LWS_PRE <= (int)WEB_LINK_ROOM, "frames have their head before the message");

/* Why a request to become a WebSocket is refused. */
#define REFUSALS(X)                  \
	X(PATH, "path", 404)         \
	X(PROTOCOL, "protocol", 400) \
	X(ORIGIN, "origin", 403)     \
	X(FULL, "connections_full", 503)

enum refusal {
#define X(id, name, status) REFUSED_##id,
	REFUSALS(X)
#undef X
		REFUSAL_COUNT
};

/* Why one came to its end. */
#define ENDS(X)                         \
	X(PEER, "closed_by_peer")       \
	X(IDLE, "idle")                 \
	X(SILENT, "no_message")         \
	X(SLOW, "slow_sender")          \
	X(STALLED, "peer_unresponsive") \
	X(QUEUE, "send_queue_full")     \
	X(SIZE, "message_too_large")    \
	X(OVERFLOW, "receive_overflow") \
	X(MEMORY, "out_of_memory")

enum end {
#define X(id, name) END_##id,
	ENDS(X)
#undef X
		END_COUNT
};

struct waiting {
	struct waiting *next;
	struct web_link_out out;
};

/* Zeroed by the library. */
struct session {
	struct lws *wsi; /* NULL: it has no place */
	struct sip_hop hop;
	struct web_message in;
	struct waiting *first, *last;
	uint64_t heard_ns; /* the last word of the peer; before its first message: when it came */
	uint64_t begun_ns; /* a message that is not whole yet; 0: none */
	uint64_t
		stalled_ns; /* something waits since, or since the last of it went; 0: nothing does */
	enum end why;
	bool spoke, held, pongs, doomed;
};

struct place {
	struct session *session;
	struct sip_hop ended; /* has_ended: the loop is to be told */
	bool has_ended;
};

struct web_sip {
	struct web_settings settings;
	struct lws_context *context;
	lws_sorted_usec_list_t retry;
	uint32_t free_count;
	uint16_t *free;
	struct place places[];
};

static struct {
	metric_id refused[REFUSAL_COUNT], ends[END_COUNT], pings, opened;
} g_metrics;

void web_sip_setup(void)
{
	static const char *const refusals[] = {
#define X(id, name, status) "reason=\"" name "\"",
		REFUSALS(X)
#undef X
	};
	static const char *const ends[] = {
#define X(id, name) "reason=\"" name "\"",
		ENDS(X)
#undef X
	};

	for (int i = 0; i < REFUSAL_COUNT; i++) {
		g_metrics.refused[i] =
			metric_register(METRIC_COUNTER, "tandem_sip_ws_refused_total", refusals[i],
					"WebSockets not taken");
	}
	for (int i = 0; i < END_COUNT; i++) {
		g_metrics.ends[i] = metric_register(METRIC_COUNTER, "tandem_sip_ws_ends_total",
						    ends[i], "Ends of SIP WebSockets");
	}
	g_metrics.pings = metric_register(METRIC_COUNTER, "tandem_sip_ws_pings_total", NULL,
					  "CRLF keepalives answered");
	g_metrics.opened = metric_register(METRIC_COUNTER, "tandem_sip_ws_opened_total", NULL,
					   "SIP WebSockets taken");
}

int web_sip_open(struct web_sip **out, const struct web_settings *settings)
{
	uint32_t n = settings->places;
	struct web_sip *s = calloc(1, sizeof(*s) + n * sizeof(s->places[0]));

	assert(n && n <= WEB_LINK_PLACES_MAX && settings->patience_ns);
	if (!s)
		return -ENOMEM;
	s->settings = *settings;
	s->free_count = n;
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
	free(s->free);
	free(s);
}

size_t web_sip_session_size(void)
{
	return sizeof(struct session);
}

/* ---- who may come ---- */

int web_peer_of(int fd, struct addr *out)
{
	struct sockaddr_storage sa;
	socklen_t n = sizeof(sa);

	if (getpeername(fd, (struct sockaddr *)&sa, &n) < 0)
		return -errno;
	return addr_from_sockaddr(out, (const struct sockaddr *)&sa);
}

/* p NULL: there is none; n 0: it is longer than all we would take. */
static struct bytes header(struct lws *wsi, enum lws_token_indexes token, char *space, int size)
{
	int n = lws_hdr_total_length(wsi, token);

	if (n <= 0)
		return (struct bytes){ 0 };
	n = lws_hdr_copy(wsi, space, size, token);
	return bytes_mem(space, n > 0 ? (size_t)n : 0);
}

static bool origin_is_fine(const struct web_sip *s, struct lws *wsi)
{
	char origin[ORIGIN_MAX + 1], host[ORIGIN_MAX + 1];
	const struct origin_request r = {
		.origin = header(wsi, WSI_TOKEN_ORIGIN, origin, sizeof(origin)),
		.host = header(wsi, WSI_TOKEN_HOST, host, sizeof(host)),
		.secure = s->settings.tls != NULL,
	};

	return origin_is_allowed(&r, s->settings.origins, s->settings.origin_count);
}

/* The library would take HTTP/2 as well, and in it connections that nobody counts (RFC 9110 7.8). */
static bool upgrade_is_fine(struct lws *wsi)
{
	static const char websocket[] = "websocket";
	char name[sizeof(websocket) + 1];

	return bytes_iis(header(wsi, WSI_TOKEN_UPGRADE, name, sizeof(name)), websocket);
}

static bool protocol_is_fine(struct lws *wsi)
{
	char list[256];

	return origin_offers(header(wsi, WSI_TOKEN_PROTOCOL, list, sizeof(list)), WEB_SIP_PROTOCOL);
}

static bool path_is_fine(struct lws *wsi)
{
	char path[sizeof(WEB_SIP_PATH) + 1];

	return bytes_is(header(wsi, WSI_TOKEN_GET_URI, path, sizeof(path)), WEB_SIP_PATH);
}

static enum refusal judge(const struct web_sip *s, struct lws *wsi)
{
	if (!path_is_fine(wsi))
		return REFUSED_PATH;
	if (!upgrade_is_fine(wsi) || !protocol_is_fine(wsi))
		return REFUSED_PROTOCOL;
	if (!origin_is_fine(s, wsi))
		return REFUSED_ORIGIN;
	if (s->free_count == 0)
		return REFUSED_FULL;
	return REFUSAL_COUNT;
}

bool web_sip_admit(struct web_sip *s, struct lws *wsi)
{
	static const unsigned statuses[] = {
#define X(id, name, status) status,
		REFUSALS(X)
#undef X
	};
	enum refusal why = judge(s, wsi);

	if (why == REFUSAL_COUNT)
		return true;
	metric_add(g_metrics.refused[why], 1);
	(void)lws_return_http_status(wsi, statuses[why], NULL);
	return false;
}

/* ---- the life of a session ---- */

/* The library calls back until it has closed; -1 makes it close. */
static int doom(struct session *s, enum end why, enum lws_close_status status)
{
	if (!s->doomed)
		s->why = why;
	s->doomed = true;
	lws_close_reason(s->wsi, status, NULL, 0);
	return -1;
}

/* From where the library does not ask for a result. */
static void doom_later(struct session *s, enum end why)
{
	if (s->doomed)
		return;
	s->why = why;
	s->doomed = true;
	lws_set_timeout(s->wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
}

static void next_check(const struct web_sip *owner, struct session *s)
{
	lws_set_timer_usecs(
		s->wsi, (lws_usec_t)(owner->settings.patience_ns / CHECKS_IN_PATIENCE / NS_PER_US));
}

static int on_established(struct web_sip *owner, struct session *s, struct lws *wsi)
{
	uint32_t at;

	if (owner->free_count == 0 || web_peer_of(lws_get_socket_fd(wsi), &s->hop.remote)) {
		metric_add(g_metrics.refused[REFUSED_FULL], 1);
		return -1;
	}
	at = owner->free[--owner->free_count];
	s->wsi = wsi;
	s->hop.transport = owner->settings.tls ? SIP_WSS : SIP_WS;
	s->hop.local = owner->settings.local;
	s->hop.connection = web_link_name(owner->settings.link, at);
	s->hop.inbound = true;
	s->heard_ns = clock_now_ns();
	owner->places[at].session = s;
	metric_add(g_metrics.opened, 1);
	next_check(owner, s);
	return 0;
}

static void waiting_drop(const struct web_sip *owner, struct session *s)
{
	struct waiting *w = s->first;

	s->first = w->next;
	web_link_sent(owner->settings.link, &w->out);
	free(w->out.data);
	free(w);
}

static void retry_soon(struct web_sip *owner);

static void place_free(struct web_sip *owner, uint32_t at)
{
	struct place *p = &owner->places[at];

	p->has_ended = !web_link_ended(owner->settings.link, &p->ended);
	if (p->has_ended) {
		retry_soon(owner);
	} else {
		owner->free[owner->free_count++] = (uint16_t)at;
	}
}

static void on_closed(struct web_sip *owner, struct session *s)
{
	uint32_t at = web_link_place(s->hop.connection);
	struct place *p = &owner->places[at];

	if (!s->wsi)
		return;
	while (s->first)
		waiting_drop(owner, s);
	web_message_clear(&s->in);
	metric_add(g_metrics.ends[s->why], 1);
	LOG_DEBUG("web", 0, "a WebSocket has ended", LOG_ADDR("remote", &s->hop.remote));
	s->wsi = NULL;
	p->session = NULL;
	p->ended = s->hop;
	if (s->spoke) {
		place_free(owner, at);
	} else { /* the loop has never heard of it */
		owner->free[owner->free_count++] = (uint16_t)at;
	}
}

/* ---- what they say ---- */

static int bring(struct web_sip *owner, struct session *s)
{
	int err = web_link_bring(owner->settings.link, &s->hop, bytes_mem(s->in.data, s->in.n));

	if (err == -ENOMEM)
		return doom(s, END_MEMORY, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION);
	if (err == -EAGAIN) { /* it waits, and so does what comes after it */
		if (!s->held)
			lws_rx_flow_control(s->wsi, 0);
		s->held = true;
		retry_soon(owner);
		return 0;
	}
	if (s->held)
		lws_rx_flow_control(s->wsi, 1);
	s->held = false;
	s->spoke = true;
	web_message_clear(&s->in);
	return 0;
}

static int whole(struct web_sip *owner, struct session *s)
{
	uint64_t now_ns = clock_now_ns();

	s->begun_ns = 0;
	switch (web_message_kind(bytes_mem(s->in.data, s->in.n))) {
	case WEB_MESSAGE_SIP:
		s->heard_ns = now_ns;
		return bring(owner, s);
	case WEB_MESSAGE_PING:
		metric_add(g_metrics.pings, 1);
		s->pongs = true;
		(void)lws_callback_on_writable(s->wsi);
		break;
	case WEB_MESSAGE_BLANK:
		break;
	}
	if (s->spoke) /* before its first message nothing else buys time */
		s->heard_ns = now_ns;
	web_message_clear(&s->in);
	return 0;
}

static int on_receive(struct web_sip *owner, struct session *s, struct bytes piece)
{
	uint64_t left = lws_remaining_packet_payload(s->wsi);
	int err;

	if (s->doomed)
		return -1;
	if (s->held)
		return doom(s, END_OVERFLOW, LWS_CLOSE_STATUS_POLICY_VIOLATION);
	err = web_message_add(&s->in, piece, left);
	if (err == -EMSGSIZE)
		return doom(s, END_SIZE, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE);
	if (err)
		return doom(s, END_MEMORY, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION);
	if (lws_is_final_fragment(s->wsi) && !left)
		return whole(owner, s);
	if (!s->begun_ns)
		s->begun_ns = clock_now_ns();
	return 0;
}

static void retry_one(struct web_sip *owner, uint32_t at)
{
	struct place *p = &owner->places[at];

	if (p->has_ended) {
		place_free(owner, at);
	} else if (p->session && p->session->held && !p->session->doomed &&
		   bring(owner, p->session)) {
		doom_later(p->session, END_MEMORY);
	}
}

static void on_retry(lws_sorted_usec_list_t *sul)
{
	void *at = (uint8_t *)sul - offsetof(struct web_sip, retry);
	struct web_sip *owner = at;

	for (uint32_t i = 0; i < owner->settings.places; i++)
		retry_one(owner, i);
}

static void retry_soon(struct web_sip *owner)
{
	lws_sul_schedule(owner->context, 0, &owner->retry, on_retry, RETRY_US);
}

/* ---- what they hear ---- */

static int write_frame(struct session *s, uint8_t *p, size_t n)
{
	bool text = web_message_is_text(bytes_mem(p, n));

	return lws_write(s->wsi, p, n, text ? LWS_WRITE_TEXT : LWS_WRITE_BINARY) < 0 ? -1 : 0;
}

static int pong(struct session *s)
{
	uint8_t space[LWS_PRE + 2];

	s->pongs = false;
	memcpy(space + LWS_PRE, "\r\n", 2);
	return write_frame(s, space + LWS_PRE, 2);
}

/* One frame each time: that is the library's rule. */
static int on_writeable(struct web_sip *owner, struct session *s)
{
	bool more;
	int err = 0;

	if (s->doomed)
		return -1;
	if (s->pongs) {
		err = pong(s);
	} else if (s->first) {
		err = write_frame(s, s->first->out.data + WEB_LINK_ROOM, s->first->out.n);
		waiting_drop(owner, s);
	}
	/* what the kernel did not take the library keeps, and asks again once it has gone */
	more = s->first || s->pongs || lws_partial_buffered(s->wsi);
	s->stalled_ns = more ? clock_now_ns() : 0;
	if (more)
		(void)lws_callback_on_writable(s->wsi);
	return err;
}

static struct session *session_of(const struct web_sip *owner, uint64_t connection)
{
	struct session *s = owner->places[web_link_place(connection)].session;

	return s && s->hop.connection == connection ? s : NULL;
}

static bool append(struct session *s, const struct web_link_out *out)
{
	struct waiting *w = malloc(sizeof(*w));

	if (!w)
		return false;
	*w = (struct waiting){ .out = *out };
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

static void hand_out(struct web_sip *owner, const struct web_link_out *out)
{
	struct session *s = session_of(owner, out->connection);

	if (!out->data) {
		if (s)
			doom_later(s, END_QUEUE);
		return;
	}
	if (s && append(s, out))
		return;
	if (s)
		doom_later(s, END_MEMORY);
	web_link_sent(owner->settings.link, out);
	free(out->data);
}

void web_sip_news(struct web_sip *s)
{
	struct web_link_out out;

	while (web_link_take(s->settings.link, &out))
		hand_out(s, &out);
}

/* ---- time ---- */

static int on_timer(struct web_sip *owner, struct session *s)
{
	const struct web_settings *limits = &owner->settings;
	uint64_t now_ns = clock_now_ns();
	uint64_t before = now_ns - limits->patience_ns;

	if (s->doomed)
		return -1;
	if (s->stalled_ns && s->stalled_ns <= before) {
		doom_later(s, END_STALLED);
		return 0;
	}
	if (s->begun_ns && s->begun_ns <= before)
		return doom(s, END_SLOW, LWS_CLOSE_STATUS_POLICY_VIOLATION);
	if (!s->spoke && !s->held && s->heard_ns <= before)
		return doom(s, END_SILENT, LWS_CLOSE_STATUS_POLICY_VIOLATION);
	if (s->heard_ns + limits->idle_ns <= now_ns)
		return doom(s, END_IDLE, LWS_CLOSE_STATUS_GOINGAWAY);
	next_check(owner, s);
	return 0;
}

int web_sip_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		     size_t len)
{
	const struct lws_protocols *protocol = lws_get_protocol(wsi);
	struct web_sip *owner = protocol ? protocol->user : NULL;
	struct session *s = user;

	if (!owner || !s)
		return 0;
	if (reason == LWS_CALLBACK_ESTABLISHED)
		return on_established(owner, s, wsi);
	if (!s->wsi)
		return 0;
	switch ((int)reason) { /* a hundred reasons of the library's: these are ours */
	case LWS_CALLBACK_RECEIVE:
		return on_receive(owner, s, bytes_mem(in, len));
	case LWS_CALLBACK_SERVER_WRITEABLE:
		return on_writeable(owner, s);
	case LWS_CALLBACK_TIMER:
		return on_timer(owner, s);
	case LWS_CALLBACK_CLOSED:
		on_closed(owner, s);
		return 0;
	default:
		return 0;
	}
}
