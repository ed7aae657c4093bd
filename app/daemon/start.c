/* SPDX-License-Identifier: Apache-2.0 */
/* The order in which a node starts, one step a function, and stops. */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/command/command_handlers.h"
#include "app/command/command_walk.h"
#include "app/command/control.h"
#include "app/command/control_local.h"
#include "app/dns/resolver.h"
#include "app/document/document_keep.h"
#include "app/live/live.h"
#include "app/node/claimant.h"
#include "app/node/node.h"
#include "app/node/node_probe.h"
#include "app/node/node_record.h"
#include "app/record/recorder.h"
#include "app/siprec/sender.h"
#include "app/watch/watch.h"
#include "app/web/web.h"
#include "base/clock.h"
#include "base/guard.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/privilege.h"
#include "base/tls/tls.h"
#include "cluster/redis/url.h"
#include "dsp/codec/g729.h"
#include "engine/engine.h"
#include "engine/net/locals.h"
#include "sig/host/tenant_tables.h"
#include "sig/host/toll.h"
#include "sig/host/trunk_route.h"
#include "sig/shard/commons.h"
#include "sig/sip/hop.h"
#include "sig/transport/cell.h"
#include "sig/transport/transport.h"

enum {
	REDIS_PENDING_MAX = 65536,
	/* Rings touch all of their memory in turn. What finds one full waits on its side: commands in the media queue, flows that
	 * close and what a flow has to say with the worker. Lost, and counted, are digits and faults alone. */
	ENGINE_COMMANDS = 1024,
	ENGINE_EVENTS = 1024,
};

#define NAME_AGAIN_NS   (1 * NS_PER_S)
#define LEASES_LIMIT_NS (2 * NS_PER_S)

static int start_settings(struct node *n)
{
	if (node_settings_read(&n->settings, n->config_path, NODE_READ_START)) {
		LOG_ERROR("node", 0, "the settings are wrong", LOG_STR("file", n->config_path));
		return NODE_EXIT_CONFIG;
	}
	log_setup(STDERR_FILENO, (enum log_level)n->settings.log.level,
		  (enum log_format)n->settings.log.format);
	LOG_INFO("node", 0, "starting", LOG_STR("name", n->settings.node.name),
		 LOG_STR("version", TANDEM_VERSION), LOG_STR("file", n->config_path));
	node_interfaces_note(n);
	node_shards_name(n);
	return NODE_EXIT_OK;
}

/* Passwords are of no use without the node's keys. */
static void node_keys_derive(struct node *n)
{
	n->extension_seal.id = n->keys.id;
	keys_derive(&n->keys, "tandem extension seal 1", n->extension_seal.octets);
}

static int start_alone(struct node *n)
{
	int err = embedded_lock(&n->embedded, n->settings.node.state_dir);

	if (err) {
		LOG_ERROR("node", 0,
			  err == -EBUSY ? "another node runs in node.state_dir"
					: "cannot lock node.state_dir",
			  LOG_STR("dir", n->settings.node.state_dir),
			  LOG_STR("error", strerror(-err)));
		return NODE_EXIT_FAILED;
	}
	node_keeper_start(n);
	return NODE_EXIT_OK;
}

static int start_state(struct node *n)
{
	char path[PATH_MAX];
	int err;

	(void)snprintf(path, sizeof(path), "%s/keys", n->settings.node.state_dir);
	err = keys_load(&n->keys, path);
	if (err == -ENOENT) {
		(void)snprintf(path, sizeof(path), "tandemctl init --config %s", n->config_path);
		LOG_ERROR("node", 0, "run this once: it makes what is missing",
			  LOG_STR("command", path));
	}
	if (err)
		return NODE_EXIT_CONFIG;
	node_keys_derive(n);
	rand_open_system(&n->rand);
	err = identity_open(&n->identity, n->settings.node.state_dir, n->embedded.lock_fd,
			    &n->rand);
	if (err) {
		LOG_ERROR("node", 0,
			  err == -EBADMSG
				  ? "the file identity of node.state_dir is damaged: remove it"
				  : "cannot read the file identity of node.state_dir",
			  LOG_STR("dir", n->settings.node.state_dir),
			  LOG_STR("error", strerror(-err)));
	}
	return err ? NODE_EXIT_CONFIG : NODE_EXIT_OK;
}

static int start_certificate(struct node *n)
{
	char path[SETTINGS_STATE_DIR_MAX + 16];

	(void)snprintf(path, sizeof(path), "%s/dtls.pem", n->settings.node.state_dir);
	return certificate_open(&n->certificate, path, clock_utc_ms()) ? NODE_EXIT_CONFIG
								       : NODE_EXIT_OK;
}

static int start_loop(struct node *n)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };
	unsigned fd_max;
	int err = node_capacity_fit(n, &fd_max);

	if (!err)
		err = loop_open(fd_max);
	if (!err) {
		n->loop_opened = true;
		err = loop_signals(signals, COUNT_OF(signals), node_on_signal, n);
	}
	if (!err)
		err = node_keeper_watch(n);
	if (err) {
		LOG_ERROR("node", 0, "cannot open the loop", LOG_STR("error", strerror(-err)));
		return NODE_EXIT_FAILED;
	}
	loop_after_round(node_round, n);
	n->local = control_local_open(n);
	return NODE_EXIT_OK;
}

static void on_names(int fd, unsigned events, void *arg)
{
	(void)fd;
	(void)events;
	node_wait_end(STORE_OK, 0, 0, arg);
}

/* Exit status; *known: redis_open finds an address. */
static int names_ask(struct node *n, bool *known)
{
	struct redis_names *names = NULL;
	int status = NODE_EXIT_OK, err = redis_names_ask(&names, bytes_str(n->redis_place.url));

	*known = err == -ENODATA || err == -EINVAL; /* redis_open says what is wrong */
	node_wait_begin(n);
	if (!err)
		err = loop_watch(redis_names_fd(names), LOOP_READ, on_names, n);
	if (!err) {
		status = node_late_await(n);
		loop_unwatch(redis_names_fd(names));
		*known = redis_names_are_known(names);
	}
	redis_names_close(names);
	return status;
}

/* A name that is not known may be known soon: what answers it starts with the machine as we do. Exit status. */
static int names_await(struct node *n)
{
	bool known = false;
	int status = names_ask(n, &known);

	while (!status && !known) {
		status = node_late_pause(n, NAME_AGAIN_NS);
		if (!status)
			status = names_ask(n, &known);
	}
	return status;
}

/* Exit status. */
static int redis_link_open(struct node *n, struct redis **out, const struct redis_settings *s,
			   redis_state_fn *told)
{
	int err;

	do {
		int status = names_await(n);

		if (status)
			return status;
		node_wait_begin(n);
		n->wait.for_link = true;
		err = redis_open(out, s, told, n);
	} while (err == -EHOSTUNREACH); /* nobody knows it any more */
	if (!err)
		return NODE_EXIT_OK;
	LOG_ERROR("node", 0, "redis.url cannot be used", LOG_STR("error", strerror(-err)));
	return NODE_EXIT_CONFIG;
}

static int redis_link_start(struct node *n, const struct redis_settings *settings)
{
	int status;

	node_late_begin(n, "a link");
	status = redis_link_open(n, &n->redis, settings, node_on_redis);
	if (!status && !redis_is_connected(n->redis))
		status = node_late_await(n);
	n->wait.for_link = false;
	if (!status)
		node_late_end(n);
	return status;
}

static int start_redis(struct node *n)
{
	struct redis_settings settings = { .deadline_ns = n->settings.redis.deadline,
					   .pending_max = REDIS_PENDING_MAX,
					   .labels = "link=\"main\"" };
	int err = 0;

	n->embedded_used = n->settings.redis.place.url[0] == '\0';
	n->embedded.fsync = g_settings_fsync[n->settings.redis.fsync];
	if (n->embedded_used)
		err = embedded_start(&n->embedded);
	if (err) {
		LOG_ERROR("node", 0,
			  "the node's own Redis does not start: is redis-server installed?",
			  LOG_STR("error", strerror(-err)));
		n->embedded_used = false;
		return NODE_EXIT_FAILED;
	}
	if (n->embedded_used) {
		(void)snprintf(n->redis_place.url, sizeof(n->redis_place.url), "unix:%s",
			       n->embedded.socket_path);
	} else {
		n->redis_place = n->settings.redis.place;
	}
	n->redis_place.meant = &n->belonging.meant;
	settings.place = n->redis_place;
	return redis_link_start(n, &settings);
}

/* Without it the node runs on, and none of its leases is kept: acks alone make them valid. Exit status. */
static int leases_link_open(struct node *n)
{
	const struct redis_settings settings = { .place = n->redis_place,
						 .deadline_ns = n->settings.redis.deadline,
						 .labels = "link=\"leases\"" };
	int status;

	if (!node_is_clustered(n) || !n->settings.cluster.replicas)
		return NODE_EXIT_OK;
	if (redis_is_cluster(n->redis)) {
		LOG_WARN("node", 0,
			 "cluster.replicas: not asked with Redis Cluster: no lease is kept");
		return NODE_EXIT_OK;
	}
	node_late_begin(n, "a link for leases");
	status = redis_link_open(n, &n->redis_leases, &settings, node_on_leases);
	if (status)
		return status;
	node_late_end(n);
	if (!redis_is_connected(n->redis_leases))
		(void)node_await(n, "a link to Redis for leases", LEASES_LIMIT_NS);
	n->wait.for_link = false;
	return NODE_EXIT_OK;
}

static int store_of_all_open(struct node *n)
{
	struct store_shared_settings settings = {
		.deadline_ns = n->settings.redis.deadline,
		.tenant = directory_name,
		.tenant_arg = n,
		.replicas = node_is_clustered(n) ? n->settings.cluster.replicas : 0,
		.leases = n->redis_leases,
		.save_replicas = n->settings.redis.save_replicas,
	};

	for (size_t i = 0; g_document_kinds[i]; i++) {
		assert(i < STORE_KINDS_MAX);
		settings.kinds[i] = g_document_kinds[i]->name;
	}
	static_assert(sizeof(settings.node) == sizeof(n->settings.node.name), "copied whole");
	memcpy(settings.node, n->settings.node.name, sizeof(settings.node));
	return store_shared_open(&n->store, n->redis, &settings);
}

static int start_store(struct node *n)
{
	int err, status = leases_link_open(n);

	if (status)
		return status;
	err = store_of_all_open(n);
	if (err)
		LOG_ERROR("node", 0, "cannot open the store", LOG_STR("error", strerror(-err)));
	return err ? NODE_EXIT_FAILED : NODE_EXIT_OK;
}

static int start_shards(struct node *n)
{
	int err = node_shards_store_open(n);

	if (err)
		LOG_ERROR("node", 0, "cannot open the store", LOG_STR("error", strerror(-err)));
	else
		err = claimant_open(&n->claimant, n);
	if (!err)
		err = node_edge_open(n);
	return err ? NODE_EXIT_FAILED : NODE_EXIT_OK;
}

static int quota_start(struct node *n)
{
	struct quota_settings settings;

	settings_to_quotas(&n->settings, n->calls_max, &settings);
	return quota_open(&n->quota, &settings, &n->rand);
}

/* Limits of users and trunks hold over all nodes. */
static int shares_start(struct node *n)
{
	uint32_t limits = 4 * n->calls_max + TENANTS_MAX + 3 * TRUNKS_MAX;
	int err = n->edge ? shares_open(&n->shares, n->tenants, limits) : 0;

	trunks_share(n->trunks, n->shares);
	quota_share(n->quota, n->shares);
	toll_share(n->toll, n->shares);
	return err;
}

static void node_message_key(const struct node *n, struct hash_key *out)
{
	uint8_t key[KEYS_LEN];

	static_assert(sizeof(*out) <= sizeof(key), "a part of one derived key");
	keys_derive(&n->keys, "tandem message 1", key);
	memcpy(out, key, sizeof(*out));
	explicit_bzero(key, sizeof(key));
}

static int shard_start(struct node *n)
{
	static struct shard_settings settings;
	struct hash_key key = { rand_u64_from(&n->rand), rand_u64_from(&n->rand) };
	uint8_t nonce_key[DIGEST_KEY_LEN];
	int err = extensions_open(&n->extensions, n->settings.limits.registrations, &key);

	static_assert((int)KEYS_LEN == (int)DIGEST_KEY_LEN, "one derived key");
	static_assert((int)KEYS_LEN == (int)SEAL_KEY_LEN, "one derived key");
	if (!err)
		err = tenants_open(&n->tenants, &key);
	if (!err)
		err = trunks_open(&n->trunks, n->tenants);
	if (!err)
		err = hop_names_open(&n->names);
	if (!err)
		err = trunk_numbers_open(&n->numbers, &key);
	if (!err)
		err = tenancy_open(n);
	if (!err)
		err = dial_plans_open(&n->dials, n->tenants);
	if (!err)
		err = sites_open(&n->sites, n->tenants);
	if (!err)
		err = rooms_open(&n->rooms, n->tenants);
	if (!err)
		err = toll_open(&n->toll, n->settings.limits.registrations + TENANTS_MAX,
				n->shard_count, &key);
	if (!err)
		err = quota_start(n);
	if (!err)
		err = shares_start(n);
	if (err)
		return err;
	keys_derive(&n->keys, "tandem digest nonce 1", nonce_key);
	settings_to_shard(&n->settings, nonce_key, n->tls != NULL, &settings);
	settings.quota = quota_of(n->quota);
	settings.shares = n->shares;
	settings.lookup = node_dns_of(n);
	settings.certified = node_sip_certified(n);
	settings.tenants = n->tenants;
	settings.trunks = n->trunks;
	settings.names = n->names;
	settings.edges = node_edge_names(n);
	settings.numbers = n->numbers;
	settings.dials = n->dials;
	settings.sites = n->sites;
	settings.rooms = n->rooms;
	settings.toll = n->toll;
	settings.calls_max = n->calls_max;
	node_add_domains(n, &settings);
	node_call_waiting_tone(n, &settings);
	node_listeners_tenants(n, &settings);
	settings.boot = clock_boot();
	settings.fingerprint = n->certificate.fingerprint;
	if (shared_ports_count(&n->settings))
		settings.shared = shared_ports_of(&n->shared_ports);
	settings.seal_key.id = n->keys.id;
	keys_derive(&n->keys, "tandem record seal 1", settings.seal_key.octets);
	settings.gruu_key.id = n->keys.id;
	keys_derive(&n->keys, "tandem gruu 1", settings.gruu_key.octets);
	node_message_key(n, &settings.message_key);
	explicit_bzero(nonce_key, sizeof(nonce_key));
	err = locations_open(&n->locations, &settings,
			     n->embedded_used ? "" : n->settings.node.name, &n->rand,
			     clock_instant());
	if (!err)
		command_looks_join(n);
	if (!err)
		err = shard_commons_open(&n->commons, &settings, &n->rand);
	settings.commons = n->commons;
	if (!err)
		err = node_blf_open(n);
	if (!err)
		err = node_shards_core_open(n, &settings);
	explicit_bzero(&settings, sizeof(settings));
	return err;
}

static uint32_t own_names(const struct settings *s, struct own_name *out)
{
	for (uint32_t i = 0; i < s->network_count; i++)
		out[i] = (struct own_name){ .outer = s->networks[i].advertise,
					    .inner = s->networks[i].bind };
	return s->network_count;
}

/* Before threads start, and before anything is agreed with phones. */
static void codecs_load(void)
{
	char why[MODULE_TEXT_MAX];

	if (g729_load(why)) {
		LOG_INFO("node", 0, "G.729 is not coded here, it passes through only",
			 LOG_STR("why", why));
		return;
	}
	media_codec_code(MEDIA_CODEC_G729);
}

static int engine_start(struct node *n)
{
	struct port_dpdk_settings dpdk;
	struct port_xdp_network xdp[SETTINGS_XDP_MAX];
	struct own_name names[SHARD_NETWORKS_MAX];
	struct remains left;
	const struct engine_settings settings = {
		.port = (enum engine_port)n->settings.media.port,
		.dpdk = &dpdk,
		.xdp_networks = xdp,
		.xdp_network_count = settings_to_xdp(&n->settings, xdp),
		.workers = n->settings.media.workers,
		.slots = settings_port_pairs(&n->settings),
		.jobs = NODE_SHARED_JOBS + 2 * (settings_port_pairs(&n->settings) / 2),
		.shared_ports = shared_ports_count(&n->settings),
		.commands = ENGINE_COMMANDS,
		.events = ENGINE_EVENTS,
		.batch_wait_us = n->settings.media.batch_wait_us,
		.coding = settings_to_coding(&n->settings),
		.certificate = &n->certificate,
		.validity = &n->validity,
		.guard = n->kernel,
		.xdp_forward = (enum engine_forward)n->settings.media.xdp_forward,
		.xdp_forward_alive_ns = n->settings.media.xdp_forward_alive,
		.names = names,
		.name_count = own_names(&n->settings, names),
		.left = &left,
	};
	int err;

	codecs_load();
	settings_to_dpdk(&n->settings, &dpdk);
	node_keeper_remains_await(n, &left);
	err = engine_open(&n->engine, &settings);
	remains_close(&left);
	if (!err)
		node_keeper_remain(n);
	if (geteuid() != 0) /* what the start was given is used up; root is trusted with more */
		privilege_drop();
	if (!err)
		err = shared_ports_open(&n->shared_ports, n->engine, &n->settings);
	return err ? err : media_queue_open(&n->media_queue, n->engine, settings.slots);
}

/* What costs memory, measured: pools reserve what they may ever need. */
static int start_capacities(struct node *n)
{
	uint64_t before, after, resident;
	int err;

	node_memory(&before, &resident);
	err = node_keeper_sockets(n);
	if (!err)
		err = node_dns_open(n);
	if (!err)
		err = node_probe_open(n);
	if (!err)
		err = shard_start(n);
	if (!err)
		err = node_guard_open(n);
	if (!err)
		err = engine_start(n);
	if (!err)
		err = node_players_open(n);
	if (!err)
		err = ended_open(&n->ended);
	node_memory(&after, &resident);
	n->reserved_bytes = after > before ? after - before : 0;
	if (err) {
		LOG_ERROR("node", 0, "cannot open calls and media",
			  LOG_STR("error", strerror(-err)));
	} else if (node_capacity_probe(&n->settings)) {
		return NODE_EXIT_FAILED;
	}
	return err ? NODE_EXIT_FAILED : NODE_EXIT_OK;
}

static int message_away(uint16_t from, uint16_t to, struct bytes message, void *arg)
{
	return node_edge_inter_shard(arg, from, to, message);
}

/* s NULL: of locations */
static void effects_to_set(struct effects_to *to, struct node *n, struct node_shard *s)
{
	to->sip = n->sip;
	to->inter_shard = n->inter_shard;
	to->away = message_away;
	to->away_arg = n;
	to->store = s ? s->store : NULL;
	to->shard = s ? s->number : 0;
	to->validity = &n->validity;
	to->place = s ? node_shard_place(s) : VALID_ALWAYS;
	to->shared = n->store;
	to->media = &n->media_queue;
	to->sockets = &n->keeper.sockets;
	to->ahead = s ? &s->ahead.sockets : NULL;
	to->answers = &n->answers;
	to->ended = &n->ended;
	to->plays = &n->plays;
	to->mixers = &n->mixers;
	to->record = node_record_carry;
	to->record_arg = n;
	to->bind_again_until_ns = clock_now_ns() + BIND_AGAIN_NS;
	to->passed = node_on_passed;
	to->passed_arg = n;
	to->ordered = command_ordered;
	to->ordered_arg = n;
	to->set = command_feature;
	to->set_arg = n;
	to->confer = command_ask_confer;
	to->confer_arg = n;
	to->lookup = node_dns_look_up;
	to->lookup_arg = n;
	to->fenced = s ? &s->fenced : &n->silent;
}

static int start_sockets(struct node *n)
{
	int err = node_sip_open(n);

	if (err) {
		LOG_ERROR("node", 0,
			  err == -EADDRINUSE      ? "a SIP port is used by another program: see "
						    "networks[].sip_ports, "
						    "sip_tcp_ports, sip_tls_ports"
			  : err == -EADDRNOTAVAIL ? "networks[].bind is no address of this machine"
						  : "cannot open the SIP ports",
			  LOG_STR("error", strerror(-err)));
		return NODE_EXIT_FAILED;
	}
	node_edge_provide(n);
	node_shards_listen(n);
	effects_to_set(&n->effects_to, n, NULL);
	for (uint32_t i = 0; i < n->shard_count; i++)
		effects_to_set(&n->shards[i].effects_to, n, &n->shards[i]);
	err = loop_watch(engine_event_fd(n->engine), LOOP_READ, node_on_media, n);
	if (err) {
		LOG_ERROR("node", 0, "cannot watch the media worker",
			  LOG_STR("error", strerror(-err)));
	}
	return err ? NODE_EXIT_FAILED : NODE_EXIT_OK;
}

static int start_doors(struct node *n)
{
	int err = control_open(&n->control, n, &n->redis_place);

	if (err) {
		LOG_ERROR("node", 0, "cannot open the control API",
			  LOG_STR("error", strerror(-err)));
		return NODE_EXIT_FAILED;
	}
	command_tenants_listen(n);
	return node_web_open(n) ? NODE_EXIT_FAILED : NODE_EXIT_OK;
}

/* Phones of extensions that were deleted while this node was away: theirs end now. Where the documents are not known none does. */
static void locations_forget_gone(struct node *n)
{
	const struct shelf *shelf = &n->documents.keep.shelf;
	const struct aor *entry;
	uint32_t cursor = 0;

	while (!n->documents.keep.broken &&
	       (entry = locations_next(n->locations, &cursor)) != NULL) {
		struct bytes tenant = text_bytes(&entry->tenant), user = text_bytes(&entry->user);

		if (!entry->count || shelf_text(shelf, tenant, BYTES_LIT("extension"), user).n)
			continue;
		LOG_INFO("node", 0, "a registration ends: its extension was deleted",
			 LOG_BYTES("tenant", tenant), LOG_BYTES("user", user));
		locations_forget(n->locations, tenants_number(n->tenants, tenant), user,
				 clock_instant());
	}
}

static int start_running(struct node *n)
{
	node_keeper_sockets_hear(n);
	node_players_start(n); /* restored calls know what they wait for */
	for (uint32_t i = 0; i < n->shard_count; i++) {
		if (n->shards[i].state == NODE_SHARD_LIVE)
			shard_resume(n->shards[i].core, clock_instant());
	}
	locations_resume(n->locations, clock_instant());
	locations_forget_gone(n);
	node_guard_restore(n);
	n->phase = NODE_RUNNING;
	for (uint32_t i = 0; i < n->shard_count; i++) {
		struct node_shard *s = &n->shards[i];

		if (s->state == NODE_SHARD_LIVE && !store_is_healthy(s->store))
			node_on_store_health(false, s);
	}
	/* What came on the event descriptor before it was watched wakes nobody. */
	node_on_media(-1, 0, n);
	health_beat(&n->health, clock_now_ns());
	node_metrics_update(n);
	node_round(n); /* ready soon */
	return NODE_EXIT_OK;
}

int node_start(struct node *n)
{
	int (*const steps[])(struct node *) = {
		start_settings,  start_alone,     start_state,      start_certificate,
		start_loop,      start_redis,     start_store,      node_belonging_start,
		node_twin_start, start_shards,    node_tls_open,    start_capacities,
		node_load,       node_watch_open, node_record_open, node_siprec_open,
		start_sockets,   start_doors,     start_running,
	};
	int status = NODE_EXIT_OK;

	privilege_keep();
	effects_setup();
	plays_setup();
	mixers_setup();
	live_setup();
	resolver_setup();
	node_probe_setup();
	control_setup();
	control_local_setup();
	directory_setup();
	web_setup();
	watch_setup();
	recorder_setup();
	sender_setup();
	node_metrics_setup();
	node_tenants_setup();
	node_trunks_setup();
	node_shards_setup();
	claimant_setup();
	node_edge_setup();
	node_blf_setup();
	node_held_setup();
	node_keeper_setup();
	node_deliver_setup();
	node_deliver_open(n);
	guard_setup();
	for (size_t i = 0; i < COUNT_OF(steps) && status == NODE_EXIT_OK && !n->stop_asked; i++)
		status = steps[i](n);
	/* told to stop while it started: nothing has failed */
	return n->stop_asked ? NODE_EXIT_OK : status;
}

/* Whoever waits for an answer gets it from here: commands, then saves, then what is left in the pipeline. */
static void stop_redis(struct node *n)
{
	struct claimant *claimant = n->claimant;

	if (n->control)
		control_stop(n->control);
	queries_expire(&n->queries, UINT64_MAX);
	command_walks_drop(n);
	command_orders_drop(n);
	document_beat(n, UINT64_MAX);
	directory_stop(n);
	claimant_stop(claimant);
	n->claimant = NULL;
	node_shards_store_close(n);
	store_shared_close(n->store);
	claimant_close(claimant);
	if (n->redis)
		redis_close(n->redis);
	if (n->redis_leases)
		redis_close(n->redis_leases);
	control_close(n->control);
	control_local_close(n->local);
	n->local = NULL;
	if (n->embedded_used)
		embedded_stop(&n->embedded);
}

static void stop_media(struct node *n)
{
	if (!n->engine)
		return;
	node_watch_close(n); /* it reads what the engine copies */
	node_siprec_close(n);
	node_record_close(n);
	node_lives_close(n); /* likewise */
	loop_unwatch(engine_event_fd(n->engine));
	media_queue_close(&n->media_queue);
	engine_close(n->engine);
}

void node_stop(struct node *n)
{
	n->phase = NODE_STOPPING;
	node_deliver_close(n);
	node_web_close(n);
	transport_close(n->sip);
	node_edge_close(n);
	node_held_close(n);
	inter_shard_close(n->inter_shard);
	node_guard_close(n);
	tls_close(n->tls);
	stop_redis(n);
	stop_media(n);
	node_players_close(n);
	answers_close(&n->answers);
	ended_close(&n->ended);
	node_shards_close(n);
	shard_commons_close(n->commons);
	locations_close(n->locations);
	node_probe_close(n);
	resolver_close(n->resolver);
	document_keep_close(n);
	quota_close(n->quota);
	trunk_numbers_close(n->numbers);
	trunks_close(n->trunks);
	hop_names_close(n->names);
	dial_plans_close(n->dials);
	sites_close(n->sites);
	rooms_close(n->rooms);
	toll_close(n->toll);
	shares_close(n->shares);
	tenants_close(n->tenants);
	tenancy_close(n);
	if (n->extensions.pool.slots)
		extensions_close(&n->extensions);
	certificate_close(&n->certificate);
	node_keeper_stop(n);
	if (n->loop_opened)
		loop_close();
	LOG_INFO("node", 0, "stopped");
}
