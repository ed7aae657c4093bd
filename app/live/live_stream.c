/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The protocol of live streams: texts of live_wire.h, the WebSocket by libwebsockets, and the next
 * message of a stream. live.c has states and times. An application is untrusted: texts are bounded
 * and checked, redirects are refused as token and sound are for the configured host alone, and the
 * kernel's send buffer is kept small, so that a slow reader hears recent sound.
 */

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "app/live/live_stream.h"
#include "app/live/live_wire.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "sig/sip/id.h"

/* ---- texts of the node ---- */

static void member_text(struct writer *w, const char *name, const char *text)
{
	writer_str(w, ",\"");
	writer_str(w, name);
	writer_str(w, "\":");
	json_write_text(w, bytes_str(text));
}

static void member_number(struct writer *w, const char *name, uint64_t number)
{
	writer_str(w, ",\"");
	writer_str(w, name);
	writer_str(w, "\":");
	writer_u64(w, number);
}

static void live_event_start(struct writer *w, const char *event)
{
	writer_str(w, "{\"event\":\"");
	writer_str(w, event);
	writer_str(w, "\"");
}

static void live_event_end(struct writer *w)
{
	writer_str(w, "}");
}

static const char *const g_tracks[2][2] = {
	{ ",\"tracks\":[]", ",\"tracks\":[\"heard\"]" },
	{ ",\"tracks\":[\"said\"]", ",\"tracks\":[\"said\",\"heard\"]" },
};

void live_write_start(struct writer *w, const struct live_start *s)
{
	const char leg[] = { s->leg, '\0' };

	live_event_start(w, "start");
	member_number(w, "version", 1);
	member_text(w, "call", s->call);
	member_text(w, "leg", leg);
	member_text(w, "tenant", s->tenant);
	member_text(w, "endpoint", s->endpoint);
	member_text(w, "format", s->format == LIVE_ULAW ? "ulaw" : "l16");
	member_number(w, "rate", s->rate);
	member_number(w, "channels", (uint64_t)s->said + (uint64_t)s->heard);
	writer_str(w, g_tracks[s->said][s->heard]);
	writer_str(w, s->listens ? ",\"listens\":true" : ",\"listens\":false");
	member_number(w, "frame_ms", 20);
	writer_str(w, s->resumed ? ",\"resumed\":true" : ",\"resumed\":false");
	member_number(w, "connected", s->times);
	live_event_end(w);
}

void live_write_mark(struct writer *w, const char *name)
{
	live_event_start(w, "mark");
	member_text(w, "name", name);
	live_event_end(w);
}

void live_write_missed(struct writer *w, uint32_t frames, uint32_t ms)
{
	live_event_start(w, "missed");
	member_number(w, "frames", frames);
	member_number(w, "ms", ms);
	live_event_end(w);
}

void live_write_refused(struct writer *w, uint64_t octets, uint32_t ms)
{
	live_event_start(w, "refused");
	member_number(w, "octets", octets);
	member_number(w, "ms", ms);
	live_event_end(w);
}

void live_write_digit(struct writer *w, char digit)
{
	const char text[] = { digit, '\0' };

	live_event_start(w, "dtmf");
	member_text(w, "digit", text);
	live_event_end(w);
}

void live_write_stop(struct writer *w, const char *reason)
{
	live_event_start(w, "stop");
	member_text(w, "reason", reason);
	live_event_end(w);
}

/* ---- texts of the application ---- */

static bool is_printable(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return false;
	}
	return true;
}

static int mark_read(struct live_audio *out, const json_t *json)
{
	const json_t *name = json_object_get(json, "name");
	size_t n = json_string_length(name);

	if (!json_is_string(name) || n == 0 || n > LIVE_MARK_MAX ||
	    !is_printable(json_string_value(name), n))
		return -EBADMSG;
	memcpy(out->name, json_string_value(name), n);
	return 0;
}

static int live_said_read(struct live_audio *out, const json_t *json)
{
	static const char *const words[] = {
		[LIVE_SAID_STARTED] = "started",
		[LIVE_SAID_MARK] = "mark",
		[LIVE_SAID_CLEAR] = "clear",
		[LIVE_SAID_STOP] = "stop",
	};
	const char *event = json_string_value(json_object_get(json, "event"));

	for (size_t i = 0; event && i < COUNT_OF(words); i++) {
		if (strcmp(event, words[i]) != 0)
			continue;
		out->kind = (enum live_said_kind)i;
		return out->kind == LIVE_SAID_MARK ? mark_read(out, json) : 0;
	}
	return -EBADMSG;
}

int live_said_parse(struct live_audio *out, struct bytes text)
{
	struct live_audio said = { 0 };
	json_error_t error;
	json_t *json;
	int err;

	if (text.n > LIVE_TEXT_MAX)
		return -EMSGSIZE;
	json = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, &error);
	err = json_is_object(json) ? live_said_read(&said, json) : -EBADMSG;
	json_decref(json);
	if (!err)
		*out = said;
	return err;
}

enum {
	READ_SIZE = 4096,
	TX_PACKET = 4096,
	HEADERS_MAX = 4096,
	OWN_DESCRIPTORS = 8,
	/* Of the kernel, which doubles it:
	 * a slow application hears sound that is at most a second or two old. */
	SEND_BUFFER = 16384,
	PING_SECONDS = 15, /* an application that is gone without a word is found */
	HANGUP_SECONDS = 30,
};

static struct live *live_of(struct lws *wsi)
{
	return lws_context_user(lws_get_context(wsi));
}

static void buffer_set(struct lws *wsi)
{
	const int octets = SEND_BUFFER;

	(void)setsockopt(lws_get_socket_fd(wsi), SOL_SOCKET, SO_SNDBUF, &octets, sizeof(octets));
}

static struct live_stream *stream_of(struct lws *wsi)
{
	return lws_get_opaque_user_data(wsi);
}

/* The token is never logged: the library does not log headers. */
static int headers_add(struct live_stream *s, struct lws *wsi, unsigned char **p, size_t room)
{
	char value[LIVE_TOKEN_MAX + 8];
	int n, err;

	if (!s || !s->terms.token[0])
		return 0;
	n = snprintf(value, sizeof(value), "Bearer %s", s->terms.token);
	err = lws_add_http_header_by_name(wsi, (const unsigned char *)"authorization:",
					  (const unsigned char *)value, n, p, *p + room);
	explicit_bzero(value, sizeof(value));
	return err ? -1 : 0;
}

/* A whole text message. False: it ends the stream. */
static bool live_stream_on_text(struct live_stream *s, struct bytes text)
{
	struct live_audio said;

	if (live_said_parse(&said, text))
		return true; /* of another version, or none: nothing follows from it */
	switch (said.kind) {
	case LIVE_SAID_STARTED:
		break;
	case LIVE_SAID_MARK:
		(void)live_sound_set_mark(&s->sound, said.name);
		break;
	case LIVE_SAID_CLEAR:
		live_sound_clear(&s->sound);
		break;
	case LIVE_SAID_STOP:
		return false;
	}
	return true;
}

/* A piece of a text message. */
static int text_receive(struct live_stream *s, struct lws *wsi, struct bytes piece)
{
	bool done = lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0;
	bool goes_on = true;

	if (lws_is_first_fragment(wsi))
		s->text_n = s->text_is_too_long = 0;
	if (piece.n > sizeof(s->text) - s->text_n) {
		s->text_is_too_long = true;
	} else {
		memcpy(s->text + s->text_n, piece.p, piece.n);
		s->text_n += (uint32_t)piece.n;
	}
	if (done && !s->text_is_too_long)
		goes_on = live_stream_on_text(s, bytes_mem(s->text, s->text_n));
	if (!goes_on)
		live_stream_is_done(live_of(wsi), s);
	return 0;
}

static int stream_receive(struct live_stream *s, struct lws *wsi, struct bytes piece)
{
	if (s->state != LIVE_UP || s->closing_ns)
		return 0;
	if (!lws_frame_is_binary(wsi))
		return text_receive(s, wsi, piece);
	live_sound_receive(&s->sound, piece, clock_now_ns());
	return 0;
}

/* -1 makes the library send Close. Then it reads until the application's Close: a connection that
 * ends before is reset, and what the application has not read is lost (RFC 6455 7.1.1). */
static int stream_part(struct live_stream *s, struct lws *wsi, enum lws_close_status status)
{
	s->closing_ns = clock_now_ns();
	lws_close_reason(wsi, status, NULL, 0);
	return -1;
}

static void start_write(struct live_stream *s, struct writer *w)
{
	char call[ID_TEXT_LEN + 1] = "";
	const struct live_start start = {
		.call = call,
		.leg = s->terms.leg,
		.tenant = s->terms.tenant,
		.endpoint = s->terms.endpoint,
		.format = s->terms.format,
		.rate = s->terms.rate,
		.said = s->terms.feed || s->terms.said,
		.heard = !s->terms.feed && s->terms.heard,
		.listens = !s->terms.feed,
		.resumed = s->terms.resumed || s->times > 1,
		.times = s->times,
	};

	id_call_put(call, s->terms.call);
	live_write_start(w, &start);
	s->started = true;
}

static uint32_t audio_ms(const struct live_stream *s, uint64_t octets)
{
	return (uint32_t)(octets * FEED_FRAME_MS / live_sound_frame_octets(&s->sound));
}

/* Texts; false: none. */
static bool text_next(struct live_stream *s, struct writer *w)
{
	const char *mark = live_sound_mark(&s->sound);

	if (!s->started) {
		start_write(s, w);
	} else if (mark) {
		live_write_mark(w, mark);
		live_sound_mark_release(&s->sound);
	} else if (s->digit_count) {
		live_write_digit(w, s->digits[0]);
		memmove(s->digits, s->digits + 1, --s->digit_count);
	} else if (s->sound.refused) {
		live_write_refused(w, s->sound.refused, audio_ms(s, s->sound.refused));
		s->sound.refused = 0;
	} else if (s->ends) {
		live_write_stop(w, s->reason);
		s->stopped = true;
	} else {
		return false;
	}
	return true;
}

/* Missed frames are reported before what follows them. */
static bool missed_next(struct live_stream *s, struct writer *w)
{
	struct live_frame *f = &s->sound.frames[s->sound.frame_first];

	if (!live_sound_frame(&s->sound) || f->missed_before == 0)
		return false;
	live_write_missed(w, f->missed_before, f->missed_before * FEED_FRAME_MS);
	f->missed_before = 0;
	return true;
}

static bool live_stream_next(struct live_stream *s, uint8_t *out, size_t *octets, bool *is_text)
{
	struct writer w = writer_over(out, LIVE_MESSAGE_MAX);
	const struct live_frame *f;

	*is_text = true;
	if (text_next(s, &w) || missed_next(s, &w)) {
		assert(!w.overflow);
		*octets = writer_done(&w).n;
		return true;
	}
	*is_text = false;
	f = live_sound_frame(&s->sound);
	if (!f)
		return false;
	*octets = live_sound_frame_octets(&s->sound);
	memcpy(out, f->octets, *octets);
	live_sound_frame_release(&s->sound);
	return true;
}

/* One message at a time; what the socket does not take stays in the stream, where it is counted. */
static int live_stream_write(struct live_stream *s, struct lws *wsi)
{
	uint8_t memory[LWS_PRE + LIVE_MESSAGE_MAX];
	size_t n;
	bool is_text;

	if (s->closing_ns)
		return 0;
	if (s->leaves)
		return stream_part(s, wsi, LWS_CLOSE_STATUS_GOINGAWAY);
	if (s->state != LIVE_UP && !s->ends)
		return 0;
	if (!live_stream_next(s, memory + LWS_PRE, &n, &is_text))
		return 0;
	if (lws_write(wsi, memory + LWS_PRE, n, is_text ? LWS_WRITE_TEXT : LWS_WRITE_BINARY) <
	    (int)n)
		return -1;
	if (s->stopped)
		return stream_part(s, wsi, LWS_CLOSE_STATUS_NORMAL);
	if (live_stream_has(s))
		(void)lws_callback_on_writable(wsi);
	return 0;
}

static void stream_gone(struct lws *wsi, const char *why, bool refused)
{
	struct live_stream *s = stream_of(wsi);

	lws_set_opaque_user_data(wsi, NULL);
	if (s)
		live_stream_unconnected(live_of(wsi), s, why, refused);
}

/* The library's words do not have the HTTP status that an operator needs. */
static void stream_refused(struct lws *wsi, const char *why)
{
	unsigned status = lws_http_client_http_response(wsi);
	char text[LIVE_REASON_MAX];

	if (status < 200 || status > 999)
		(void)snprintf(text, sizeof(text), "%s", why ? why : "the connection was refused");
	else if (status / 100 == 3)
		(void)snprintf(text, sizeof(text),
			       "it answers %u, and no redirect is followed: give its new url",
			       status);
	else
		(void)snprintf(text, sizeof(text), "it answers %u, and not 101", status);
	stream_gone(wsi, text, status >= 200 && status < 500 && status != 408 && status != 429);
}

static int on_live(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		   size_t len)
{
	struct live_stream *s = wsi ? stream_of(wsi) : NULL;

	(void)user;
	if (reason == LWS_CALLBACK_EVENT_WAIT_CANCELLED)
		live_woken(live_of(wsi));
	if (!s)
		return 0;
	switch ((int)reason) { /* of the library's hundred reasons */
	case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
		return headers_add(s, wsi, in, len);
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		buffer_set(wsi);
		live_stream_connected(live_of(wsi), s);
		return 0;
	case LWS_CALLBACK_CLIENT_RECEIVE:
		lws_validity_confirmed(wsi); /* sound proves life, even if pings are not read */
		return stream_receive(s, wsi, bytes_mem(in, len));
	case LWS_CALLBACK_CLIENT_WRITEABLE:
		return live_stream_write(s, wsi);
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
		stream_refused(wsi, in);
		return 0;
	case LWS_CALLBACK_CLIENT_HTTP_REDIRECT: /* the token and the sound are for nobody else */
		return -1;
	case LWS_CALLBACK_CLIENT_CLOSED:
	case LWS_CALLBACK_WSI_DESTROY:
		stream_gone(wsi, "the application has closed the connection", false);
		return 0;
	default:
		return 0;
	}
}

static const struct lws_protocols g_protocols[] = {
	{ .name = "live",
	  .callback = on_live,
	  .rx_buffer_size = READ_SIZE,
	  .tx_packet_size = TX_PACKET },
	{ 0 },
};

struct lws_context *live_connection_context(struct live *l, const char *ca, uint32_t streams)
{
	static const lws_retry_bo_t validity = { .secs_since_valid_ping = PING_SECONDS,
						 .secs_since_valid_hangup = HANGUP_SECONDS };
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN,
		.protocols = g_protocols,
		.gid = -1,
		.uid = -1,
		.user = l,
		.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
		.fd_limit_per_thread = streams + OWN_DESCRIPTORS,
		.retry_and_idle_policy = &validity,
		.max_http_header_data = HEADERS_MAX,
		.alpn = "http/1.1",
		.client_ssl_ca_filepath = ca && ca[0] ? ca : NULL,
	};

	return lws_create_context(&info);
}

bool live_connection_start(struct lws_context *context, struct live_stream *s, const char *address)
{
	char host[sizeof(s->url.host) + 8];
	bool is_preset = s->url.port == (s->url.tls ? 443 : 80);
	struct lws_client_connect_info info = {
		.context = context,
		.address = address,
		.port = s->url.port,
		.ssl_connection =
			LCCSCF_HTTP_NO_FOLLOW_REDIRECT | (s->url.tls ? LCCSCF_USE_SSL : 0),
		.path = s->url.path,
		.host = host,
		.local_protocol_name = "live",
		.ietf_version_or_minus_one = -1,
		.alpn = "http/1.1",
		.opaque_user_data = s,
		.pwsi = &s->wsi,
	};

	if (is_preset)
		(void)snprintf(host, sizeof(host), "%s", s->url.host);
	else
		(void)snprintf(host, sizeof(host), "%s:%u", s->url.host, s->url.port);
	if (lws_client_connect_via_info(&info))
		return true;
	s->wsi = NULL;
	return false;
}

void live_connection_end(struct live_stream *s)
{
	lws_set_timeout(s->wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
}

void live_connection_wants(struct live_stream *s)
{
	(void)lws_callback_on_writable(s->wsi);
}

int live_address_resolve(struct live_address *a, const char *host)
{
	struct gaicb *list[] = { &a->request };

	a->hints = (struct addrinfo){ .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
	a->request = (struct gaicb){ .ar_name = host, .ar_request = &a->hints };
	a->asks = getaddrinfo_a(GAI_NOWAIT, list, 1, NULL) == 0;
	return a->asks ? 0 : -EAGAIN;
}

static const struct addrinfo *address_at(const struct addrinfo *list, uint32_t number)
{
	const struct addrinfo *at = list;

	while (at && number-- > 0)
		at = at->ai_next ? at->ai_next : list;
	return at;
}

int live_address_read(struct live_address *a, uint32_t number, char out[LIVE_ADDRESS_TEXT])
{
	int err = a->asks ? gai_error(&a->request) : EAI_NONAME;
	const struct addrinfo *at;

	if (err == EAI_INPROGRESS)
		return -EAGAIN;
	a->asks = false;
	at = err ? NULL : address_at(a->request.ar_result, number);
	err = at ? getnameinfo(at->ai_addr, at->ai_addrlen, out, LIVE_ADDRESS_TEXT, NULL, 0,
			       NI_NUMERICHOST)
		 : EAI_NONAME;
	if (a->request.ar_result)
		freeaddrinfo(a->request.ar_result);
	a->request.ar_result = NULL;
	return err ? -ENOENT : 0;
}

bool live_address_drop(struct live_address *a)
{
	char text[LIVE_ADDRESS_TEXT];

	return !a->asks || live_address_read(a, 0, text) != -EAGAIN;
}

static int stream_sound_open(struct live_stream *s)
{
	const struct live_terms *t = &s->terms;

	if (t->feed)
		return live_sound_open(&s->sound, t->feed, t->format, t->rate, t->feed_rate);
	return live_sound_open_mixed(&s->sound, t->format, t->rate,
				     (uint32_t)t->said + (uint32_t)t->heard);
}

struct live_stream *live_stream_make(const struct live_terms *terms, int *err)
{
	struct live_stream *s = calloc(1, sizeof(*s));

	*err = s ? 0 : -ENOMEM;
	if (!s)
		return NULL;
	s->terms = *terms;
	if (!live_url_read(&s->url, terms->url))
		*err = -EINVAL;
	else
		*err = stream_sound_open(s);
	if (*err == 0)
		return s;
	live_stream_free(s);
	return NULL;
}

void live_stream_free(struct live_stream *s)
{
	live_sound_close(&s->sound);
	explicit_bzero(s, sizeof(*s));
	free(s);
}

/* ---- messages ---- */

bool live_stream_has(const struct live_stream *s)
{
	if (s->state == LIVE_OVER) /* the application wanted so */
		return s->ends && !s->stopped;
	if (s->state != LIVE_UP)
		return false;
	return !s->started || s->ends || s->digit_count || s->sound.refused ||
	       live_sound_mark(&s->sound) || live_sound_frame(&s->sound);
}
