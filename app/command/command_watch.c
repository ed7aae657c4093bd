/* SPDX-License-Identifier: Apache-2.0 */
/* Pages that show a user: between the web thread, which has their connections, and the user's
 * shard. What is lost on the way is asked for again by the page. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/command_extension.h"
#include "app/command/command_session.h"
#include "app/command/command_watch.h"
#include "app/command/commands.h"
#include "app/document/document.h"
#include "app/document/extensions.h"
#include "app/node/node.h"
#include "app/node/node_life.h"
#include "app/node/node_shard.h"
#include "app/node/node_sip.h"
#include "app/settings/settings.h"
#include "app/web/web_link.h"
#include "app/web/web_page.h"
#include "base/log.h"

enum { WATCH_ASKS = 1024 };

struct user_watches {
	struct node *node;
	struct web_asks *asks;
	struct {
		uint64_t page, id; /* id: of its subscription */
	} places[EVENTS_LISTENERS_MAX];
};

static void watch_deliver(struct user_watches *w, const struct web_watched *told)
{
	if (!w || !web_asks_finish(w->asks, told))
		free(told->text);
}

/* NULL: no shard lives on this node; its page goes to another one. */
static struct shard *watch_core(const struct node *n, uint64_t id)
{
	for (uint32_t i = 0; i < n->shards->count; i++) {
		if (n->shards->list[i].state == NODE_SHARD_LIVE)
			return node_core(n, id);
	}
	return NULL;
}

static void on_watch(const void *item, void *arg)
{
	const struct web_watch *ask = item;
	struct user_watches *w = arg;
	struct node *n = w->node;
	uint64_t *page = &w->places[ask->page % EVENTS_LISTENERS_MAX].page,
		 *id = &w->places[ask->page % EVENTS_LISTENERS_MAX].id;
	uint16_t tenant = tenants_find(n->common.tenants, bytes_str(ask->tenant));
	struct web_watched told = { .page = ask->page, .end = WEB_WATCH_STOP };
	struct shard *core;

	if (n->life->phase == NODE_STARTING)
		return;
	if (*page != ask->page)
		*id = 0;
	*page = ask->page;
	core = watch_core(n, *id);
	if (tenant == TENANT_NONE ||
	    (ask->session[0] && !command_session_counts(n, ask->tenant, ask->user, ask->session))) {
		told.end = WEB_WATCH_TOKEN;
	} else if (core && n->life->phase == NODE_RUNNING) {
		*id = shard_user_watch(core, *id,
				       &(struct shard_user_watch){ .page = ask->page,
								   .tenant = tenant,
								   .user = bytes_str(ask->user),
								   .users = bytes_str(ask->users),
								   .told = ask->told,
								   .ready = ask->ready },
				       clock_instant());
		if (*id)
			return;
		told.end = WEB_WATCH_FULL;
	}
	watch_deliver(w, &told);
}

void command_user_changed(const struct effect *e, void *arg)
{
	struct node *n = arg;
	const struct request_user *user = e->request;
	struct bytes data = text_bytes(&user->data);
	struct web_watched told = {
		.page = user->page, .number = user->number, .text = malloc(data.n), .n = data.n
	};

	if (!told.text)
		return;
	memcpy(told.text, data.p, data.n);
	watch_deliver(n->api.watches, &told);
}

int command_watch_open(struct node *node, struct web_asks **out)
{
	struct user_watches *w = calloc(1, sizeof(*w));
	struct web_asks_size size = { sizeof(struct web_watch), sizeof(struct web_watched),
				      WATCH_ASKS };
	int err = w ? web_asks_open(&w->asks, size, on_watch, w) : -ENOMEM;

	if (err) {
		free(w);
		return err;
	}
	w->node = node;
	node->api.watches = w;
	*out = w->asks;
	return 0;
}

void command_watch_close(struct node *node)
{
	struct web_watched told;

	if (!node->api.watches)
		return;
	while (web_asks_pop(node->api.watches->asks, &told))
		free(told.text);
	web_asks_close(node->api.watches->asks);
	free(node->api.watches);
	node->api.watches = NULL;
}

/* ---- record pages ---- */

static void page_link_give(struct command_run *run, const struct extension *e)
{
	const struct node *n = run->node;
	struct web_page_of of = { .page = e->page };
	char path[WEB_PAGE_PATH_MAX];
	struct writer w = writer_over(path, sizeof(path) - 1);

	(void)bytes_cstr(bytes_str(tenants_name(n->common.tenants, e->core.tenant)), of.tenant,
			 sizeof(of.tenant));
	(void)bytes_cstr(bytes_str(e->core.number), of.number, sizeof(of.number));
	web_page_link(&w, n->web->pages.key, &of);
	path[w.n] = '\0';
	LOG_INFO("recordings", 0, "the link to a record page is given out",
		 LOG_STR("tenant", of.tenant), LOG_STR("extension", of.number),
		 LOG_STR("by", run->id));
	command_answer(run, json_pack("{s:s, s:s, s:i}", "number", of.number, "path", path, "port",
				      (int)n->settings->recordings.port));
}

void command_extension_page(struct command_run *run)
{
	const struct node *n = run->node;
	struct extension e;

	if (!extensions_find(n->api.extensions, document_tenant(run),
			     command_value(run, "number")->text, &e)) {
		command_fail(run, COMMAND_NOT_FOUND, "number", COMMAND_NO_EXTENSION);
		return;
	}
	if (!e.core.record_page || !e.page)
		command_fail(run, COMMAND_CONFLICT, "number",
			     "it has no page: extension.put with record_page=true makes one");
	else if (!n->web->files_web)
		command_fail(run, COMMAND_UNAVAILABLE, NULL,
			     "recordings.port is 0: give it a port, and restart the node");
	else if (!n->web->pages.asks)
		command_fail(run, COMMAND_UNAVAILABLE, NULL,
			     "http.tls is false, and record pages are for TLS alone: set it, and "
			     "restart the node");
	else
		page_link_give(run, &e);
	extension_wipe(&e);
}
