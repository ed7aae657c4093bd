/* SPDX-License-Identifier: Apache-2.0 */
/* The web listener of a node, and what ties its WebSockets to SIP. */
#include <errno.h>
#include <string.h>

#include "app/node/node.h"
#include "app/web/web.h"
#include "app/web/web_link.h"
#include "base/log.h"
#include "sig/transport/transport.h"

static int node_link_open(struct node *n)
{
	const struct transport_handlers handlers = { .receive = node_on_message,
						     .error = node_on_send_error,
						     .closed = node_on_connection_closed,
						     .refused = node_on_connection_refused,
						     .arg = n };
	struct transport_provider provider;
	int err;

	if (settings_web_local(&n->settings, n->tls != NULL) == UINT32_MAX || !n->websockets_max)
		return 0;
	err = web_link_open(&n->web_link, n->websockets_max, &handlers, &n->validity);
	if (err) {
		LOG_ERROR("node", 0, "cannot set up SIP over WebSocket",
			  LOG_STR("error", strerror(-err)));
		return err;
	}
	provider = web_link_provider(n->web_link);
	transport_provide(n->sip, &provider);
	return 0;
}

/* A thread of its own as well, so that nothing at the other listener delays it. */
static int health_open(struct node *n)
{
	struct web_settings settings = {
		.bind = n->settings.http.health_bind,
		.health = &n->health,
		.per_source = n->settings.limits.connections_per_source,
	};

	settings.bind.port = (uint16_t)n->settings.http.health_port;
	return web_open(&n->health_web, &settings);
}

/* The same: a disk that stands still delays nobody but who fetches a file, or has a record page. Links to those are secrets that do not run
 * out: they are for TLS alone. */
static int files_open(struct node *n, const struct tls_settings *tls)
{
	const struct settings_recordings *r = &n->settings.recordings;
	struct web_settings settings = {
		.bind = n->settings.http.bind,
		.files = &n->files,
		.tls = tls,
		.per_source = n->settings.limits.connections_per_source,
		.handshakes_per_source = { NODE_HANDSHAKES_OF_SOURCE_PER_S,
					   n->settings.limits.connections_per_source },
	};
	int err = 0;

	static_assert(sizeof(n->files.folder) == sizeof(r->folder), "copied whole");
	static_assert((int)WEB_FILE_KEY_LEN == (int)KEYS_LEN, "a key of its own");
	memcpy(n->files.folder, r->folder, sizeof(n->files.folder));
	keys_derive(&n->keys, "tandem recording link 1", n->files.key);
	settings.bind.port = (uint16_t)r->port;
	if (r->port && tls)
		err = node_pages_open(n);
	settings.asks = n->pages.asks;
	settings.page_key = n->pages.key;
	if (!err && r->port)
		err = web_open(&n->files_web, &settings);
	return err;
}

/* The pages of http.port until it is open in full, with SIP. */
static int pages_open(struct node *n)
{
	static struct tls_settings tls;
	const struct settings_http *http = &n->settings.http;
	struct web_settings settings = {
		.bind = http->bind,
		.health = &n->health,
		.tls = http->tls ? &tls : NULL,
		.per_source = n->settings.limits.connections_per_source,
		.handshakes_per_source = { NODE_HANDSHAKES_OF_SOURCE_PER_S,
					   n->settings.limits.connections_per_source },
	};

	settings_to_tls(&n->settings, &tls);
	settings.bind.port = (uint16_t)http->port;
	return web_open(&n->web, &settings);
}

void node_web_open_early(struct node *n)
{
	const struct settings_http *http = &n->settings.http;

	if (http->health_port && !n->health_web)
		(void)!health_open(n);
	else if (!http->health_port && http->port && !n->web)
		(void)!pages_open(n);
}

int node_web_open(struct node *n)
{
	static struct tls_settings tls;
	const struct settings_http *http = &n->settings.http;
	struct web_settings settings = {
		.bind = http->bind,
		.health = http->health_port ? NULL : &n->health,
		.tls = http->tls ? &tls : NULL,
		.local = (uint16_t)settings_web_local(&n->settings, n->tls != NULL),
		.places = n->websockets_max,
		.per_source = n->settings.limits.connections_per_source,
		.handshakes_per_source = { NODE_HANDSHAKES_OF_SOURCE_PER_S,
					   n->settings.limits.connections_per_source },
		.idle_ns = node_sip_idle_ns(n),
		.patience_ns = NODE_SIP_PATIENCE_NS,
		.origins = http->origins,
		.origin_count = http->origin_count,
	};
	int err = http->health_port && !n->health_web ? health_open(n) : 0;

	web_close(n->web); /* that of a start that took long: it has no SIP */
	n->web = NULL;
	settings_to_tls(&n->settings, &tls);
	if (!err)
		err = files_open(n, settings.tls);
	if (err || !http->port)
		return err;
	settings.bind.port = (uint16_t)http->port;
	err = node_link_open(n);
	settings.link = n->web_link;
	return err ? err : web_open(&n->web, &settings);
}

void node_web_reload(struct node *n)
{
	const struct settings_http *http = &n->settings.http;

	if (n->web)
		web_origins_reload(n->web, http->origins, http->origin_count);
}

void node_web_close(struct node *n)
{
	web_close(n->web);
	web_close(n->health_web);
	web_close(n->files_web);
	n->web = n->health_web = n->files_web = NULL;
	node_pages_close(n);
	if (n->sip)
		transport_provide(n->sip, NULL);
	web_link_close(n->web_link);
	n->web_link = NULL;
}
