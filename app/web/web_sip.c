/* SPDX-License-Identifier: Apache-2.0 */
#include "app/web/web_sip.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "app/web/web_admit.h"
#include "app/web/web_clients.h"
#include "app/web/web_link.h"
#include "app/web/web_session.h"
#include "base/metric.h"

#define RETRY_US 2000 /* the loop has a full ring to empty */

struct client_place {
	struct web_session *session;
	struct sip_hop ended; /* has_ended: the loop is to be told */
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

/* Those that stay, and the stranger among them that came first. */
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

/* ---- what waits for room on its way to the loop ---- */

static void retry_soon(struct web_sip *owner);

static void place_free(struct web_sip *owner, uint32_t at)
{
	owner->free[owner->free_count++] = (uint16_t)at;
}

/* The place is free once the loop is told. */
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

/* ---- what comes from browsers ---- */

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
	web_session_begin(s, wsi, &owner->settings, &hop);
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
	} else { /* the loop has never heard of it */
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
	switch ((int)reason) { /* a hundred reasons of the library's: these are ours */
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

/* ---- what comes from the loop ---- */

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
			web_session_cut(s);
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
			web_session_stop(session);
	}
	return any;
}

void web_sip_news(struct web_sip *s)
{
	struct web_link_out out;

	web_origins_refresh(&s->origins);
	while (web_link_take(s->settings.link, &out))
		hand_out(s, &out);
}
