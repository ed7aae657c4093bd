/* SPDX-License-Identifier: Apache-2.0 */
#include "app/web/web_admit.h"

#include "app/web/web_clients.h"
#include "base/log.h"
#include "base/metric.h"

/* id, name, status, what to look at */
#define REFUSALS(X)                                                                  \
	X(PATH, "path", 404, "the path of SIP is " WEB_ADMIT_PATH)                   \
	X(PROTOCOL, "protocol", 400, "the sub-protocol must be " WEB_ADMIT_PROTOCOL) \
	X(ORIGIN, "origin", 403, "the page's origin is not in http.origins")         \
	X(FULL, "connections_full", 503, "limits.websockets is reached")

enum refusal {
#define X(id, name, status, hint) REFUSED_##id,
	REFUSALS(X)
#undef X
		REFUSAL_COUNT
};

static metric_id g_refused[REFUSAL_COUNT];

void web_admit_setup(void)
{
	static const char *const labels[] = {
#define X(id, name, status, hint) "reason=\"" name "\"",
		REFUSALS(X)
#undef X
	};

	for (int i = 0; i < REFUSAL_COUNT; i++) {
		g_refused[i] = metric_register(METRIC_COUNTER, "tandem_sip_ws_refused_total",
					       labels[i], "WebSockets not taken");
	}
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

static bool path_is_fine(struct lws *wsi)
{
	char path[sizeof(WEB_ADMIT_PATH) + 1];

	return bytes_is(header(wsi, WSI_TOKEN_GET_URI, path, sizeof(path)), WEB_ADMIT_PATH);
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

	return origin_offers(header(wsi, WSI_TOKEN_PROTOCOL, list, sizeof(list)),
			     WEB_ADMIT_PROTOCOL);
}

static bool origin_is_fine(const struct web_settings *settings,
			   const struct web_origins_list *origins, struct lws *wsi)
{
	char origin[ORIGIN_MAX + 1], host[ORIGIN_MAX + 1];
	const struct origin_request r = {
		.origin = header(wsi, WSI_TOKEN_ORIGIN, origin, sizeof(origin)),
		.host = header(wsi, WSI_TOKEN_HOST, host, sizeof(host)),
		.secure = settings->tls != NULL,
	};

	return origin_is_allowed(&r, origins->list, origins->count);
}

static enum refusal web_admit_judge(const struct web_settings *settings,
				    const struct web_origins_list *origins, bool has_place,
				    struct lws *wsi)
{
	if (!path_is_fine(wsi))
		return REFUSED_PATH;
	if (!upgrade_is_fine(wsi) || !protocol_is_fine(wsi))
		return REFUSED_PROTOCOL;
	if (!origin_is_fine(settings, origins, wsi))
		return REFUSED_ORIGIN;
	return has_place ? REFUSAL_COUNT : REFUSED_FULL;
}

/* What the peer said is cut: it chose how long. */
static void log_refused(enum refusal why, struct lws *wsi)
{
	static const char *const names[] = {
#define X(id, name, status, hint) name,
		REFUSALS(X)
#undef X
	};
	static const char *const hints[] = {
#define X(id, name, status, hint) hint,
		REFUSALS(X)
#undef X
	};
	char origin[ORIGIN_MAX + 1], path[64];
	struct addr source = { 0 };

	if (web_clients_peer(lws_get_socket_fd(wsi), &source))
		source = (struct addr){ 0 }; /* it has gone meanwhile */
	LOG_INFO("web", 0, "WebSocket refused", LOG_STR("reason", names[why]),
		 LOG_STR("hint", hints[why]),
		 LOG_BYTES("origin", header(wsi, WSI_TOKEN_ORIGIN, origin, sizeof(origin))),
		 LOG_BYTES("path", header(wsi, WSI_TOKEN_GET_URI, path, sizeof(path))),
		 LOG_ADDR("source", &source));
}

bool web_admit(const struct web_settings *settings, const struct web_origins_list *origins,
	       bool has_place, struct lws *wsi)
{
	static const unsigned statuses[] = {
#define X(id, name, status, hint) status,
		REFUSALS(X)
#undef X
	};
	enum refusal why = web_admit_judge(settings, origins, has_place, wsi);

	if (why == REFUSAL_COUNT)
		return true;
	metric_add(g_refused[why], 1);
	log_refused(why, wsi);
	(void)lws_return_http_status(wsi, statuses[why], NULL);
	return false;
}

void web_admit_lost(void)
{
	metric_add(g_refused[REFUSED_FULL], 1);
}
