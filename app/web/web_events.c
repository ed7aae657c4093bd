/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connections of event listeners: upgrade or SSE head, sending from the shared queues of
 * events.c, states of watched users (asked through the loop), ticks, and the end of a listener with
 * its reason. The door is asked regularly, since a token may be revoked while a connection lives. A
 * client that takes nothing for 30 s is cut off.
 */

#include "app/web/web_events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/web/web_api.h"
#include "app/web/web_clients.h"
#include "app/web/web_request.h"
#include "base/clock.h"
#include "base/metric.h"

enum {
	EAR_TOKEN_MAX = 512,
	EAR_TEXTS = 16,    /* taken at once */
	EAR_PIECE = 16384, /* octets of Server-Sent Events in one write */
	EAR_REFUSAL_MAX = 1024,
	EAR_NOTE_MAX = 128,
};
#define EAR_WATCH_NS (2 * NS_PER_S)    /* its user's state is asked for again */
#define EAR_CHECK_NS (500 * NS_PER_MS) /* its token */
#define EAR_TICK_NS  (15 * NS_PER_S)   /* without an event */
#define EAR_STALL_NS (30 * NS_PER_S)   /* the client takes nothing */

/* Why the node ends one: the reason it is told, and the status of RFC 6455. */
#define EAR_ENDS(X)                                            \
	X(CLIENT, "closed_by_client", LWS_CLOSE_STATUS_NORMAL) \
	X(TOKEN, "token", LWS_CLOSE_STATUS_POLICY_VIOLATION)   \
	X(STOP, "node_stops", LWS_CLOSE_STATUS_GOINGAWAY)      \
	X(FULL, "full", LWS_CLOSE_STATUS_POLICY_VIOLATION)     \
	X(STALLED, "client_takes_nothing", LWS_CLOSE_STATUS_POLICY_VIOLATION)

enum ear_end {
#define X(id, name, status) EAR_END_##id,
	EAR_ENDS(X)
#undef X
		EAR_END_COUNT
};

static const char *const g_ear_ends[] = {
#define X(id, name, status) name,
	EAR_ENDS(X)
#undef X
};

static const enum lws_close_status g_ear_statuses[] = {
#define X(id, name, status) status,
	EAR_ENDS(X)
#undef X
};

static metric_id g_ear_metrics[EAR_END_COUNT];

/* A client that listens. */
struct web_ear {
	struct web_ear *next, **link;
	struct web_events *v;
	struct lws *wsi;
	struct events_listener *l;
	struct events_filter filter;
	bool is_websocket, from_loopback, was_announced;
	bool ticks;       /* a tick is due */
	enum ear_end why; /* CLIENT: it goes on */
	uint64_t told_ns, stalled_ns;
	struct events_text *texts[EAR_TEXTS];
	uint32_t at, n; /* of texts: those from at on are unsent */
	/* of one that watches a user */
	uint64_t page;   /* its name; 0: none */
	uint32_t number; /* of the last state that it was sent */
	uint64_t ask_ns; /* the latest time to ask for the next one */
	char *state;     /* unsent; NULL: none */
	size_t state_n;
	char token[EAR_TOKEN_MAX];
};

struct web_events {
	struct web_api *api;
	const struct web_door *door;
	struct events *events;
	struct web_ear *first;
	uint64_t check_ns;
	uint64_t pages;                               /* named so far */
	struct web_ear *places[EVENTS_LISTENERS_MAX]; /* by their pages' names */
};

void web_events_setup(void)
{
	static const char *const labels[] = {
#define X(id, name, status) "reason=\"" name "\"",
		EAR_ENDS(X)
#undef X
	};

	events_setup();
	for (int i = 0; i < EAR_END_COUNT; i++)
		g_ear_metrics[i] =
			metric_register(METRIC_COUNTER, "tandem_http_listeners_ended_total",
					labels[i], "Clients that listened to events by HTTP.");
}

int web_events_open(struct web_events **out, struct web_api *api, const struct web_door *door,
		    void (*wake)(void *arg), void *arg)
{
	struct web_events *v = calloc(1, sizeof(*v));
	int err = v ? events_open(&v->events, door->place, wake, arg) : -ENOMEM;

	if (err) {
		free(v);
		return err;
	}
	v->api = api;
	v->door = door;
	*out = v;
	return 0;
}

void web_events_close(struct web_events *v)
{
	if (!v)
		return;
	events_close(v->events);
	free(v);
}

/* ---- new clients ---- */

/* EventSource and WebSocket of browsers send no Authorization header. */
static struct bytes ear_token(const struct web_call *call)
{
	static const char name[] = "access_token=";
	struct bytes rest = call->arguments, line;

	if (call->token.n)
		return call->token;
	while (bytes_cut(&rest, '\n', &line)) {
		if (bytes_starts(line, name))
			return bytes_from(line, sizeof(name) - 1);
	}
	return (struct bytes){ 0 };
}

/* Last-Event-ID of a client that reconnects counts before its link. */
static void ear_resumes(struct lws *wsi, struct events_filter *f)
{
	static const char name[] = "last-event-id:";
	char text[EVENTS_ID_MAX];
	struct events_id id;

	if (lws_hdr_custom_copy(wsi, text, sizeof(text), name, sizeof(name) - 1) <= 0 ||
	    !events_id_parse(bytes_str(text), &id))
		return;
	f->after = id;
	f->has_after = true;
}

/* NULL: *reply answers it; without a text: out of memory. */
static struct web_ear *ear_new(struct web_events *v, struct lws *wsi, const struct web_query *q,
			       struct web_reply *reply)
{
	struct web_call call = *web_query_call(q);
	struct web_ear *ear = calloc(1, sizeof(*ear));

	call.token = ear_token(&call);
	if (!ear || !v->door->listen(&call, &ear->filter, reply, v->door->arg) ||
	    bytes_cstr(call.token, ear->token, sizeof(ear->token))) {
		free(ear);
		return NULL;
	}
	ear_resumes(wsi, &ear->filter);
	ear->v = v;
	ear->wsi = wsi;
	ear->from_loopback = call.from_loopback;
	return ear;
}

/* ---- states of users ---- */

/* Asks for one more state, unless one waits here. Lost without room, and repeated. */
static void ear_read(struct web_ear *ear, uint64_t now_ns)
{
	const struct events_filter *f = &ear->filter;
	struct web_watch ask = { .page = ear->page, .told = ear->number, .ready = !ear->state };

	memcpy(ask.tenant, f->tenant, sizeof(ask.tenant));
	memcpy(ask.user, f->watch, sizeof(ask.user));
	memcpy(ask.users, f->watched, sizeof(ask.users));
	memcpy(ask.session, f->session, sizeof(ask.session));
	(void)web_asks_offer(ear->v->door->watches, &ask);
	ear->ask_ns = now_ns + EAR_WATCH_NS;
}

/* There are as many places as listeners. */
static void ear_watch(struct web_ear *ear)
{
	struct web_events *v = ear->v;

	while (v->places[++v->pages % EVENTS_LISTENERS_MAX])
		;
	ear->page = v->pages;
	v->places[ear->page % EVENTS_LISTENERS_MAX] = ear;
	ear_read(ear, ear->told_ns);
}

static void ear_ends(struct web_ear *ear, enum ear_end why)
{
	if (ear->why != EAR_END_CLIENT)
		return;
	ear->why = why;
	if (why == EAR_END_STALLED)
		lws_set_timeout(ear->wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
	else
		(void)lws_callback_on_writable(ear->wsi);
}

static void ears_watched(struct web_events *v)
{
	static const enum ear_end ends[] = { [WEB_WATCH_TOKEN] = EAR_END_TOKEN,
					     [WEB_WATCH_FULL] = EAR_END_FULL,
					     [WEB_WATCH_STOP] = EAR_END_STOP };
	struct web_watched told;

	while (v->door->watches && web_asks_pop(v->door->watches, &told)) {
		struct web_ear *ear = v->places[told.page % EVENTS_LISTENERS_MAX];

		if (!ear || ear->page != told.page) {
			free(told.text);
			continue;
		}
		if (!told.text) {
			ear_ends(ear, ends[told.end]);
			continue;
		}
		free(ear->state);
		ear->state = told.text;
		ear->state_n = told.n;
		ear->number = told.number;
		(void)lws_callback_on_writable(ear->wsi);
	}
}

/* A listener. NULL: as ear_new. */
static struct web_ear *ear_add(struct web_events *v, struct lws *wsi, const struct web_query *q,
			       struct web_reply *reply)
{
	struct web_client *client = lws_get_opaque_user_data(wsi);
	struct web_ear *ear = ear_new(v, wsi, q, reply);
	int err = ear ? events_add(v->events, &ear->l, &ear->filter, ear) : 0;

	if (err) {
		v->door->full(err == -EDQUOT, reply, v->door->arg);
		explicit_bzero(ear->token, sizeof(ear->token));
		free(ear);
		return NULL;
	}
	if (!ear)
		return NULL;
	ear->told_ns = clock_now_ns();
	ear->next = v->first;
	ear->link = &v->first;
	if (v->first)
		v->first->link = &ear->next;
	v->first = ear;
	if (ear->filter.watch[0])
		ear_watch(ear);
	if (client) {
		web_client_upgraded(client);
		web_client_trust(client);
	}
	web_request_count(true);
	return ear;
}

void web_events_drop(struct web_ear *ear)
{
	struct web_events *v = ear ? ear->v : NULL;

	if (!ear)
		return;
	metric_add(g_ear_metrics[ear->why], 1);
	*ear->link = ear->next;
	if (ear->next)
		ear->next->link = ear->link;
	events_release(v->events, ear->texts + ear->at, ear->n - ear->at);
	if (ear->page)
		v->places[ear->page % EVENTS_LISTENERS_MAX] = NULL;
	free(ear->state);
	events_remove(v->events, ear->l);
	explicit_bzero(ear->token, sizeof(ear->token));
	free(ear);
}

int web_events_on_head(struct web_events *v, struct web_ear **out, struct web_query **query,
		       struct lws *wsi)
{
	static const struct web_header headers[] = { { "cache-control:", "no-store" },
						     { "x-content-type-options:", "nosniff" },
						     { "x-accel-buffering:", "no" },
						     { 0 } };
	struct web_query *q = web_query_read(v->api, wsi, BYTES_LIT(WEB_EVENTS_PATH));
	struct web_reply reply = { 0 };

	if (!q)
		return -1;
	*out = ear_add(v, wsi, q, &reply);
	if (!*out) {
		*query = q;
		return reply.status ? web_query_answer(q, &reply) : -1;
	}
	web_query_drop(q);
	if (web_head_send(wsi, 200, "text/event-stream", LWS_ILLEGAL_HTTP_CONTENT_LEN, headers))
		return -1;
	lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0); /* it stays */
	return lws_callback_on_writable(wsi) < 0 ? -1 : 0;
}

/* ---- a WebSocket ---- */

/* Refused before the upgrade: with an HTTP answer. */
static int ear_refuse(struct lws *wsi, const struct web_reply *reply)
{
	static const struct web_header none = { 0 };
	uint8_t body[LWS_PRE + EAR_REFUSAL_MAX];

	web_request_count(false);
	if (reply->text && reply->n <= EAR_REFUSAL_MAX &&
	    !web_head_send(wsi, reply->status, "application/problem+json", reply->n, &none)) {
		memcpy(body + LWS_PRE, reply->text, reply->n);
		(void)lws_write(wsi, body + LWS_PRE, reply->n, LWS_WRITE_HTTP_FINAL);
	}
	free(reply->text);
	return -1;
}

int web_events_admit(struct web_events *v, struct lws *wsi)
{
	struct web_query *q = web_query_read(v->api, wsi, BYTES_LIT(WEB_EVENTS_PATH));
	struct web_reply reply = { 0 };
	struct web_ear *ear = q ? ear_new(v, wsi, q, &reply) : NULL;

	int err = ear ? events_room(v->events, &ear->filter) : 0;

	web_query_drop(q);
	if (ear)
		explicit_bzero(ear, sizeof(*ear));
	free(ear);
	if (err)
		v->door->full(err == -EDQUOT, &reply, v->door->arg);
	return ear && !err ? 0 : ear_refuse(wsi, &reply);
}

int web_events_start(struct web_events *v, struct web_ear **out, struct lws *wsi)
{
	struct web_query *q = web_query_read(v->api, wsi, BYTES_LIT(WEB_EVENTS_PATH));
	struct web_reply reply = { 0 };

	*out = q ? ear_add(v, wsi, q, &reply) : NULL;
	web_query_drop(q);
	free(reply.text);
	if (!*out) { /* too many of the tenant, or its token has just expired */
		lws_close_reason(wsi, LWS_CLOSE_STATUS_POLICY_VIOLATION, NULL, 0);
		return -1;
	}
	(*out)->is_websocket = true;
	return lws_callback_on_writable(wsi) < 0 ? -1 : 0;
}

/* ---- output ---- */

/* SSE: "id: ID", "data: JSON", and an empty line; WebSocket: the JSON. This thread alone writes the
 * shared octets, one connection after the other. */
static int ear_write_events(struct web_ear *ear)
{
	static uint8_t space[LWS_PRE + EAR_PIECE]; /* of the web thread that has the HTTP API */
	struct writer w = writer_over(space + LWS_PRE, EAR_PIECE);
	uint32_t from = ear->at;
	char id[EVENTS_ID_MAX];

	do {
		const struct events_text *t = ear->texts[ear->at];
		size_t before = w.n;

		(void)events_id_write(id, t->id);
		WRITER_TEXTS(&w, "id: ", id, "\ndata: ");
		writer_mem(&w, t->octets + EVENTS_ROOM, t->n);
		writer_str(&w, "\n\n");
		if (w.overflow) {
			w.n = before;
			break;
		}
	} while (++ear->at < ear->n);
	events_release(ear->v->events, ear->texts + from, ear->at - from);
	return lws_write(ear->wsi, space + LWS_PRE, w.n, LWS_WRITE_HTTP) < 0 ? -1 : 0;
}

static int ear_write_frame(struct web_ear *ear)
{
	struct events_text *t = ear->texts[ear->at];
	int n = lws_write(ear->wsi, t->octets + EVENTS_ROOM, t->n, LWS_WRITE_TEXT);

	events_release(ear->v->events, &ear->texts[ear->at++], 1);
	return n < 0 ? -1 : 0;
}

/* A text for this client alone, no event. json: an object. */
static int ear_write_own(struct web_ear *ear, struct bytes json)
{
	static uint8_t space[LWS_PRE + EAR_PIECE]; /* as in ear_write_events */
	struct writer w = writer_over(space + LWS_PRE, EAR_PIECE);
	char text[EVENTS_ID_MAX] = "";
	struct events_id id;

	if (ear->at == ear->n && events_position(ear->v->events, ear->l, &id))
		(void)events_id_write(text, id);
	if (!ear->is_websocket)
		WRITER_TEXTS(&w, text[0] ? "id: " : "", text, text[0] ? "\n" : "", "data: ");
	WRITER_TEXTS(&w, "{", text[0] ? "\"id\":\"" : "", text, text[0] ? "\"," : "");
	writer_bytes(&w, bytes_from(json, 1));
	writer_str(&w, ear->is_websocket ? "" : "\n\n");
	ear->told_ns = clock_now_ns();
	ear->ticks = false;
	return lws_write(ear->wsi, space + LWS_PRE, w.n,
			 ear->is_websocket ? LWS_WRITE_TEXT : LWS_WRITE_HTTP) < 0
		       ? -1
		       : 0;
}

static int ear_note(struct web_ear *ear, const char *type, const char *why)
{
	uint8_t space[EAR_NOTE_MAX];
	struct writer w = writer_over(space, sizeof(space));

	WRITER_TEXTS(&w, "{\"type\":\"", type, why ? "\",\"reason\":\"" : "", why ? why : "",
		     "\"}");
	return ear_write_own(ear, writer_done(&w));
}

static int ear_write_state(struct web_ear *ear)
{
	int err = ear_write_own(ear, bytes_mem(ear->state, ear->state_n));

	free(ear->state);
	ear->state = NULL;
	ear_read(ear, ear->told_ns);
	return err;
}

static int ear_end(struct web_ear *ear)
{
	const char *why = g_ear_ends[ear->why];

	if (ear->why == EAR_END_STALLED)
		return -1;
	if (!ear->was_announced) {
		ear->was_announced = true;
		(void)lws_callback_on_writable(ear->wsi);
		return ear_note(ear, "end", why);
	}
	if (ear->is_websocket)
		lws_close_reason(ear->wsi, g_ear_statuses[ear->why], NULL, 0);
	return -1;
}

static bool ear_has_more(struct web_ear *ear)
{
	if (ear->at < ear->n)
		return true;
	ear->at = 0;
	ear->n = events_read(ear->v->events, ear->l, ear->texts, EAR_TEXTS);
	return ear->n;
}

int web_events_send(struct web_ear *ear)
{
	uint64_t now_ns = clock_now_ns();
	int err = 0;

	if (ear->why != EAR_END_CLIENT)
		return ear_end(ear);
	ear->stalled_ns = 0;
	while (!err && !lws_send_pipe_choked(ear->wsi) && ear_has_more(ear)) {
		err = ear->is_websocket ? ear_write_frame(ear) : ear_write_events(ear);
		ear->told_ns = now_ns;
		ear->ticks = false;
	}
	if (!err && ear->state && ear->at == ear->n && !lws_send_pipe_choked(ear->wsi))
		err = ear_write_state(ear);
	if (!err && ear->ticks && !lws_send_pipe_choked(ear->wsi))
		return ear_note(ear, "tick", NULL);
	if (err || (ear->at == ear->n && !ear->state))
		return err;
	ear->stalled_ns = now_ns;
	return lws_callback_on_writable(ear->wsi) < 0 ? -1 : 0;
}

void web_events_on_new(struct web_events *v)
{
	struct web_ear *ear;

	ears_watched(v);
	while ((ear = events_ready(v->events)) != NULL)
		(void)lws_callback_on_writable(ear->wsi);
}

/* ---- time ---- */

static void ear_check(struct web_ear *ear, uint64_t now_ns)
{
	const struct web_door *door = ear->v->door;

	if (ear->page && now_ns >= ear->ask_ns)
		ear_read(ear, now_ns);
	if (!door->listens(bytes_str(ear->token), ear->from_loopback, &ear->filter, door->arg))
		ear_ends(ear, EAR_END_TOKEN);
	else if (ear->stalled_ns && now_ns - ear->stalled_ns > EAR_STALL_NS)
		ear_ends(ear, EAR_END_STALLED);
	else if (now_ns - ear->told_ns > EAR_TICK_NS) {
		ear->ticks = true;
		(void)lws_callback_on_writable(ear->wsi);
	}
}

void web_events_expire(struct web_events *v, uint64_t now_ns)
{
	if (now_ns < v->check_ns)
		return;
	v->check_ns = now_ns + EAR_CHECK_NS;
	for (struct web_ear *ear = v->first, *next; ear; ear = next) {
		next = ear->next;
		ear_check(ear, now_ns);
	}
}

bool web_events_stop(struct web_events *v)
{
	for (struct web_ear *ear = v->first; ear; ear = ear->next)
		ear_ends(ear, EAR_END_STOP);
	return v->first;
}
