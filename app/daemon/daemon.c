/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process of a node: reading and reloading its settings, signals, and the life of everything in
 * it (node_run). Record pages are here too, as they join the web thread with the other nodes.
 * main.c calls node_run; start.c has the steps of a start and stop. SIGTERM drains the node; SIGINT
 * stops it at once, unless it can hand its calls over first.
 */

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/command/command_helper.h"
#include "app/command/command_request.h"
#include "app/command/command_start.h"
#include "app/command/command_tenant.h"
#include "app/command/command_trunk.h"
#include "app/command/command_webhook.h"
#include "app/command/control.h"
#include "app/command/queries.h"
#include "app/daemon/daemon.h"
#include "app/document/document.h"
#include "app/document/extensions.h"
#include "app/feature/mailbox/boxes.h"
#include "app/feature/prompt/prompts.h"
#include "app/feature/recording/deliver.h"
#include "app/helper/asked.h"
#include "app/node/claimant.h"
#include "app/node/node.h"
#include "app/node/node_capacity.h"
#include "app/node/node_cluster.h"
#include "app/node/node_life.h"
#include "app/node/node_media.h"
#include "app/node/node_probe.h"
#include "app/node/node_record.h"
#include "app/node/node_sip.h"
#include "app/node/node_wait.h"
#include "app/node/node_watch.h"
#include "app/schema/feature.h"
#include "app/settings/settings.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "sig/feature/recording/control_page.h"
#include "sig/remote/remote_watch.h"
#include "sig/shard/shard.h"
#include "sig/shard/shared_tables.h"
#include "sig/sip/id.h"

/* Record pages (docs/adr/0060): a question of the web thread is answered by what this node has of
 * the extension, and by what all other nodes say that they have. A node that does not answer in
 * time counts as empty. Control thread. */

#define PAGE_WAIT_NS (300 * NS_PER_MS) /* one that is about to be given up delays nobody */

/* ---- answers ---- */

static void paging_answer(const struct node *n, uint64_t id, bool found,
			  const struct record_page *p)
{
	const struct web_answered answered = { .id = id, .found = found, .page = *p };

	if (n->web->pages.asks)
		web_asks_answer(n->web->pages.asks, &answered);
}

static void paging_end(struct node_paging *p)
{
	p->serial = 0;
	ticket_end(&p->late);
	paging_answer(p->node, p->id, true, &p->best);
}

static void on_page_late(struct ticket *late)
{
	paging_end(CONTAINER_OF(late, struct node_paging, late));
}

/* Another node has answered. */
static void on_paged(struct node *n, uint64_t serial, const struct record_page *told)
{
	for (size_t i = 0; i < COUNT_OF(n->web->pages.list); i++) {
		struct node_paging *p = &n->web->pages.list[i];

		if (p->serial != serial)
			continue;
		if (record_page_is_before(told, &p->best))
			p->best = *told;
		if (--p->awaited == 0)
			paging_end(p);
		return;
	}
}

/* ---- questions ---- */

static struct node_paging *paging_place(struct node *n)
{
	for (size_t i = 0; i < COUNT_OF(n->web->pages.list); i++) {
		if (!n->web->pages.list[i].serial)
			return &n->web->pages.list[i];
	}
	return NULL; /* never: the web has no more places */
}

static uint32_t page_others(const struct node *n)
{
	struct channel_to to[ROSTER_NODES_MAX];

	return n->common.shared_tables->remote
		       ? claimant_processes(n->cluster->claimant, to, ROSTER_NODES_MAX)
		       : 0;
}

/* Asks the other nodes. False: there are none, or too many questions are open. */
static bool others_query(struct node *n, uint64_t id, const struct record_page_request *ask,
			 const struct record_page *here)
{
	uint32_t others = page_others(n);
	struct node_paging *p = others ? paging_place(n) : NULL;
	const struct remote_item page = { .kind = REMOTE_PAGE,
					  .serial = rand_u64_from(&n->rand) | 1,
					  .page = *ask };

	if (!p)
		return false;
	*p = (struct node_paging){
		.node = n, .serial = page.serial, .id = id, .awaited = others, .best = *here
	};
	ticket_wait(n->api.tickets, &p->late, clock_now_ns() + PAGE_WAIT_NS, on_page_late);
	remote_watch_send(n->common.shared_tables->remote, 0, &page);
	return true;
}

/* Its document still has the link. */
static bool page_is_open(const struct node *n, const struct web_page_of *of)
{
	uint16_t tenant = tenants_find(n->common.tenants, bytes_str(of->tenant));
	struct extension e;
	bool open;

	if (tenant == TENANT_NONE ||
	    !extensions_find(n->api.extensions, tenant, bytes_str(of->number), &e))
		return false;
	open = e.core.record_page && e.page && e.page == of->page;
	extension_wipe(&e);
	return open;
}

static void on_page_request(const void *item, void *arg)
{
	const struct web_asked *asked = item;
	const struct record_link_request *a = &asked->ask;
	struct node *n = arg;
	struct record_page_request ask = { .tenant = bytes_str(a->of.tenant),
					   .number = bytes_str(a->of.number),
					   .act = a->act,
					   .call = a->call };
	struct record_page here = { 0 };

	if (!page_is_open(n, &a->of)) {
		paging_answer(n, asked->id, false, &here);
		return;
	}
	shard_record_page(n->common.shared_tables, &ask, clock_instant(), &here);
	if (node_shard_find(n, id_shard(a->call))) /* the others have not that call */
		ask = (struct record_page_request){ .tenant = ask.tenant, .number = ask.number };
	if (!others_query(n, asked->id, &ask, &here))
		paging_answer(n, asked->id, true, &here);
}

/* ---- life ---- */

/* Before the web listener that has them. 0 or -errno. */
static int node_pages_open(struct node *n)
{
	static_assert((int)WEB_PAGE_KEY_LEN == (int)KEYS_LEN, "a key of its own");
	keys_derive(&n->keys, "tandem record page 1", n->web->pages.key);
	return web_asks_open(&n->web->pages.asks,
			     (struct web_asks_size){ sizeof(struct web_asked),
						     sizeof(struct web_answered), WEB_ASKS_MAX },
			     on_page_request, n);
}

/* Behind that one. */
static void node_pages_close(struct node *n)
{
	web_asks_close(n->web->pages.asks);
	n->web->pages.asks = NULL;
	explicit_bzero(n->web->pages.key, sizeof(n->web->pages.key));
}

#define RESPAWN_NS NS_PER_S

enum { CONF_PLACE_MAX = 512 };

/* FILE:LINE:COLUMN */
static void conf_place(char out[CONF_PLACE_MAX], const char *path, const struct conf_error *e)
{
	(void)snprintf(out, CONF_PLACE_MAX, "%s:%" PRIu32 ":%" PRIu32, path, e->line, e->column);
}

static void errors_log(const char *path, const struct conf_errors *errors)
{
	for (uint32_t i = 0; i < errors->count; i++) {
		char place[CONF_PLACE_MAX];

		conf_place(place, path, &errors->list[i]);
		LOG_ERROR("settings", 0, "wrong", LOG_STR("at", place),
			  LOG_STR("error", errors->list[i].message));
	}
}

static void errors_print(const char *path, const struct conf_errors *errors)
{
	static char report[CONF_ERRORS_MAX * (CONF_MESSAGE_MAX + 64)];
	struct writer w = writer_over(report, sizeof(report));

	conf_errors_write(&w, path, errors);
	(void)fwrite(report, 1, w.n, stderr);
}

static void warnings_log(const char *path, const struct conf_errors *warnings)
{
	for (uint32_t i = 0; i < warnings->count; i++) {
		char place[CONF_PLACE_MAX];

		conf_place(place, path, &warnings->list[i]);
		LOG_WARN("settings", 0, "hardly meant", LOG_STR("at", place),
			 LOG_STR("next", warnings->list[i].message));
	}
}

/* FILE:LINE:COLUMN: warning: ... */
static void warnings_print(const char *path, const struct conf_errors *warnings)
{
	for (uint32_t i = 0; i < warnings->count; i++)
		(void)fprintf(stderr, "%s:%" PRIu32 ":%" PRIu32 ": warning: %s\n", path,
			      warnings->list[i].line, warnings->list[i].column,
			      warnings->list[i].message);
}

static void settings_look(const struct settings *s, const char *path, struct bytes yaml,
			  enum node_reading why)
{
	static struct conf_errors warnings;

	warnings = (struct conf_errors){ 0 };
	settings_warn(s, yaml, &warnings);
	if (why == NODE_READ_CHECK)
		node_machine_warn(s, yaml, &warnings);
	if (why == NODE_READ_TEXT || why == NODE_READ_CHECK)
		warnings_print(path, &warnings);
	else
		warnings_log(path, &warnings);
}

/* The first of them, where it stands. */
static void reload_refused(struct node *n, const struct conf_errors *errors)
{
	char text[HEALTH_DETAIL_MAX];

	(void)snprintf(text, sizeof(text), "%s:%" PRIu32 ":%" PRIu32 ": %s", n->config_path,
		       errors->list[0].line, errors->list[0].column, errors->list[0].message);
	health_set_reason(&n->web->health, HEALTH_RELOAD, text);
	LOG_ERROR("node", 0, "the new settings are wrong: the old ones stay",
		  LOG_STR("file", n->config_path), LOG_U64("errors", errors->total),
		  LOG_STR("next",
			  "mend the file, and reload: tandemd --check-config FILE looks at it"));
}

static struct conf_errors g_reload_errors; /* of the file that was read last */

int node_settings_read(struct settings *out, const char *path, enum node_reading why)
{
	char *text;
	size_t n;
	int err = settings_load(path, &text, &n);

	features_settings_add();
	if (err) {
		g_reload_errors = (struct conf_errors){ 0 };
		conf_error_add(&g_reload_errors, 1, 1, "%s", strerror(-err));
	} else {
		err = settings_read(out, bytes_mem(text, n), &g_reload_errors);
		if (!err && why == NODE_READ_START)
			node_addresses_check(out, bytes_mem(text, n), &g_reload_errors);
		if (!err && why == NODE_READ_CHECK)
			node_machine_check(out, path, bytes_mem(text, n), &g_reload_errors);
		err = g_reload_errors.total ? -EINVAL : err;
		if (!err)
			settings_look(out, path, bytes_mem(text, n), why);
		explicit_bzero(text, n); /* the url may hold a password */
		free(text);
	}
	if (err && why == NODE_READ_RELOAD) {
		errors_log(path, &g_reload_errors);
	} else if (err) {
		errors_print(path, &g_reload_errors);
	}
	return err;
}

static void shards_configure(struct node *n, const struct shard_settings *settings)
{
	uint32_t cursor = 0;
	struct shard *core;

	while ((core = node_core_next(n, &cursor)))
		shard_configure(core, settings);
}

/* SIGHUP. */
static void node_reload(struct node *n)
{
	static struct settings fresh;
	static struct shard_settings shard;
	struct quota_settings quotas;
	uint8_t nonce_key[DIGEST_KEY_LEN];
	char names[512];
	struct writer changed = writer_over(names, sizeof(names));

	if (node_settings_read(&fresh, n->config_path, NODE_READ_RELOAD)) {
		reload_refused(n, &g_reload_errors);
		return;
	}
	health_set_reason(&n->web->health, HEALTH_RELOAD, NULL);
	settings_keep_at_start(&fresh, n->settings, &changed);
	if (changed.n) {
		LOG_WARN("node", 0, "some settings need a restart: the old ones stay",
			 LOG_BYTES("settings", writer_done(&changed)));
	}
	*n->settings = fresh;
	log_setup(STDERR_FILENO, (enum log_level)fresh.log.level,
		  (enum log_format)fresh.log.format);
	keys_derive(&n->keys, "tandem digest nonce 1", nonce_key);
	settings_to_shard(n->settings, nonce_key, n->sip->tls != NULL, &shard);
	shard.calls_max = n->capacity->calls_max;
	node_tls_reload(n);
	node_add_domains(n, &shard);
	node_call_waiting_tone(n, &shard);
	shards_configure(n, &shard);
	settings_to_quotas(n->settings, n->capacity->calls_max, &quotas);
	quota_configure(n->common.quota, &quotas);
	explicit_bzero(nonce_key, sizeof(nonce_key));
	engine_batch_wait(n->media->engine, n->settings->media.batch_wait_us);
	engine_coding(n->media->engine, settings_to_coding(n->settings));
	node_guard_configure(n);
	node_watch_reload(n);
	node_web_reload(n);
	node_players_reload(n);
	FEATURE_EACH (f) {
		if (f->reload)
			f->reload(n);
	}
	node_dns_configure(n);
	node_fsync_log(n);
	node_probe_configure(n);
	LOG_INFO("node", 0, "settings read again", LOG_STR("file", n->config_path));
}

void node_own_redis_died(struct node *n)
{
	if (n->redis->respawn_ns != UINT64_MAX)
		return;
	LOG_ERROR("node", 0, "the node's own Redis died: starting it again",
		  LOG_STR("next", "calls go on: see redis/redis.log in node.state_dir for why"));
	health_set(&n->web->health, HEALTH_REDIS_DEAD, true);
	n->redis->respawn_ns = clock_now_ns() + RESPAWN_NS;
}

void node_on_signal(int signal, void *arg)
{
	struct node *n = arg;

	switch (signal) {
	case SIGTERM:
		node_drain_start(n);
		return;
	case SIGINT: /* at a terminal, or for a restart, which takes all calls over */
		if (node_hand_is_possible(n))
			node_drain_start(n);
		else
			node_ask_stop(n);
		return;
	case SIGHUP:
		if (n->life->phase == NODE_RUNNING)
			node_reload(n);
		return;
	case SIGCHLD:
		if (n->redis->embedded_used && embedded_is_dead(&n->redis->embedded))
			node_own_redis_died(n);
		return;
	default:
		assert(false && "a signal that was not asked for");
	}
}

/* From here on signals wait for the loop: a stop at any moment of the start is a clean one. */
static void signals_hold(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void on_stopping(struct node *n)
{
	control_stop(n->api.control);
}

/* Another node has answered. */
static void on_node_answered(void *node, const struct remote_item *item)
{
	if (item->kind == REMOTE_JOINED)
		command_ask_answered(node, item->serial, &item->joined);
	else
		on_paged(node, item->serial, &item->paged);
}

static void on_picked(void *node, const struct park_reply *told)
{
	command_ask_picked(node, told);
	FEATURE_EACH (f) {
		if (f->picked)
			f->picked(node, told);
	}
}

static const struct node_hooks g_hooks = {
	.number_wrong = command_number_wrong,
	.drop = command_document_drop,
	.prompt_work = node_prompts_on_work,
	.fetch = node_deliver_fetch,
	.files = node_deliver_pass_on,
	.stopping = on_stopping,
	.store_health = node_on_store_health,
	.taken = command_audit_taken,
	.answered = on_node_answered,
	.picked = on_picked,
	.pages_open = node_pages_open,
	.pages_close = node_pages_close,
	.tenant_value = command_tenant_value,
	.delivered = command_recording_on_delivered,
	.told = command_helper_on_line,
	.box = command_box_of,
	.originate = command_box_call,
	.webhooks = command_webhooks_send,
	.webhook_on_line = command_webhook_on_line,
};

/* The node with its parts, and what lies above it. */
struct daemon {
	struct node node;
	struct settings settings;
	struct identity identity;
	struct node_life life;
	struct node_round round;
	struct node_capacity capacity;
	struct node_redis redis;
	struct node_shards shards;
	struct node_cluster cluster;
	struct node_sip sip;
	struct node_web web;
	struct node_media media;
	struct node_dns dns;
	struct node_watch watch;
	struct node_record record;
	struct asked helper_asked;
	struct locations_user looks;
	struct documents documents;
	struct extensions extensions;
	struct tickets tickets;
	struct queries queries;
	struct waiting waiting;
};

static void daemon_join(struct daemon *d)
{
	d->node = (struct node){
		.hooks = &g_hooks,
		.settings = &d->settings,
		.identity = &d->identity,
		.life = &d->life,
		.round = &d->round,
		.capacity = &d->capacity,
		.redis = &d->redis,
		.shards = &d->shards,
		.cluster = &d->cluster,
		.sip = &d->sip,
		.web = &d->web,
		.media = &d->media,
		.dns = &d->dns,
		.watch = &d->watch,
		.record = &d->record,
		.helper_asked = &d->helper_asked,
		.common.looks = &d->looks,
		.api = { .documents = &d->documents,
			 .extensions = &d->extensions,
			 .tickets = &d->tickets,
			 .queries = &d->queries,
			 .waiting = &d->waiting },
	};
	d->redis.history = d->documents.directory.history;
	d->queries.tickets = &d->tickets;
}

int node_run(const char *config_path)
{
	struct daemon *d = calloc(1, sizeof(*d));
	struct node *n;
	int status;

	if (!d)
		return NODE_EXIT_FAILED;
	n = &d->node;
	daemon_join(d);
	signals_hold();
	n->config_path = config_path;
	n->life->start_ns = clock_now_ns();
	n->redis->respawn_ns = UINT64_MAX;
	n->redis->embedded.lock_fd = -1;
	health_set(&n->web->health, HEALTH_STARTING, true);
	status = node_start(n);
	if (status == NODE_EXIT_OK && !n->life->stop_asked) {
		int err = loop_run();

		if (err)
			LOG_ERROR("node", 0, "the loop ended", LOG_STR("error", strerror(-err)));
		status = err ? NODE_EXIT_FAILED : n->life->exit_status;
	}
	node_stop(n);
	keys_wipe(&n->keys);
	seal_key_wipe(&n->extension_seal);
	waiting_close(&d->waiting);
	free(d);
	return status;
}
