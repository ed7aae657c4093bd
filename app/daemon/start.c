/* SPDX-License-Identifier: Apache-2.0 */
/* The order in which a node starts, one step a function (node_start), and in which it stops. A step
 * returns an exit status, and the first failure ends the start. Privileges, metrics and child
 * processes come before threads; sockets open last, when calls and registrations are loaded. */

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/child/child_link.h"
#include "app/command/command_flow.h"
#include "app/command/command_lint.h"
#include "app/command/command_order.h"
#include "app/command/command_request.h"
#include "app/command/command_set.h"
#include "app/command/command_tenant.h"
#include "app/command/command_walk.h"
#include "app/command/control.h"
#include "app/command/control_local.h"
#include "app/command/door.h"
#include "app/command/others.h"
#include "app/command/queries.h"
#include "app/daemon/daemon.h"
#include "app/dns/resolver.h"
#include "app/document/directory.h"
#include "app/document/document.h"
#include "app/document/document_keep.h"
#include "app/document/extensions.h"
#include "app/live/live.h"
#include "app/node/claimant.h"
#include "app/node/node.h"
#include "app/node/node_capacity.h"
#include "app/node/node_cluster.h"
#include "app/node/node_life.h"
#include "app/node/node_media.h"
#include "app/node/node_probe.h"
#include "app/node/node_record.h"
#include "app/node/node_shard.h"
#include "app/node/node_sip.h"
#include "app/node/node_wait.h"
#include "app/node/node_watch.h"
#include "app/record/recorder.h"
#include "app/schema/feature.h"
#include "app/settings/settings.h"
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
#include "sig/feature/features.h"
#include "sig/host/tenant_tables.h"
#include "sig/host/toll.h"
#include "sig/host/trunk_route.h"
#include "sig/shard/shared_tables.h"
#include "sig/sip/hop.h"
#include "sig/transport/inter_shard.h"
#include "sig/transport/transport.h"

enum {
	REDIS_PENDING_MAX = 65536,
	/* Rings touch all of their memory in turn. When one is full, the sender waits: commands in
	 * the media queue, closing flows and events of a flow with the worker. Lost, and counted,
	 * are digits and faults alone. */
	ENGINE_COMMANDS = 1024,
	ENGINE_EVENTS = 1024,
};

#define NAME_AGAIN_NS   (1 * NS_PER_S)
#define LEASES_LIMIT_NS (2 * NS_PER_S)

static int start_settings(struct node *n)
{
	if (node_settings_read(n->settings, n->config_path, NODE_READ_START)) {
		LOG_ERROR("node", 0, "the settings are wrong", LOG_STR("file", n->config_path));
		return NODE_EXIT_CONFIG;
	}
	log_setup(STDERR_FILENO, (enum log_level)n->settings->log.level,
		  (enum log_format)n->settings->log.format);
	LOG_INFO("node", 0, "starting", LOG_STR("name", n->settings->node.name),
		 LOG_STR("version", TANDEM_VERSION), LOG_STR("file", n->config_path));
	node_interfaces_note(n);
	node_shards_name(n);
	return NODE_EXIT_OK;
}

static int start_alone(struct node *n)
{
	int err = embedded_lock(&n->redis->embedded, n->settings->node.state_dir);

	if (err) {
		LOG_ERROR("node", 0,
			  err == -EBUSY ? "another node runs in node.state_dir"
					: "cannot lock node.state_dir",
			  LOG_STR("dir", n->settings->node.state_dir),
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

	(void)snprintf(path, sizeof(path), "%s/keys", n->settings->node.state_dir);
	err = keys_load(&n->keys, path);
	if (err == -ENOENT) {
		(void)snprintf(path, sizeof(path), "tandemctl init --config %s", n->config_path);
		LOG_ERROR("node", 0, "run this once: it makes what is missing",
			  LOG_STR("command", path));
	}
	if (err)
		return NODE_EXIT_CONFIG;
	/* passwords are of no use without the node's keys */
	n->extension_seal.id = n->keys.id;
	keys_derive(&n->keys, "tandem extension seal 1", n->extension_seal.octets);
	rand_open_system(&n->rand);
	waiting_open(n->api.waiting, &n->rand);
	err = identity_open(n->identity, n->settings->node.state_dir, n->redis->embedded.lock_fd,
			    &n->rand);
	if (err) {
		LOG_ERROR("node", 0,
			  err == -EBADMSG
				  ? "the file identity of node.state_dir is damaged: remove it"
				  : "cannot read the file identity of node.state_dir",
			  LOG_STR("dir", n->settings->node.state_dir),
			  LOG_STR("error", strerror(-err)));
	}
	return err ? NODE_EXIT_CONFIG : NODE_EXIT_OK;
}

static int start_certificate(struct node *n)
{
	char path[SETTINGS_STATE_DIR_MAX + 16];

	(void)snprintf(path, sizeof(path), "%s/dtls.pem", n->settings->node.state_dir);
	return certificate_open(&n->media->certificate, path, clock_utc_ms()) ? NODE_EXIT_CONFIG
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
		n->life->loop_opened = true;
		err = loop_signals(signals, COUNT_OF(signals), node_on_signal, n);
	}
	if (!err)
		err = node_keeper_watch(n);
	if (err) {
		LOG_ERROR("node", 0, "cannot open the loop", LOG_STR("error", strerror(-err)));
		return NODE_EXIT_FAILED;
	}
	loop_after_round(node_round, n);
	n->api.local = control_local_open(n);
	return NODE_EXIT_OK;
}

static void on_names(int fd, unsigned events, void *arg)
{
	(void)fd;
	(void)events;
	node_wait_end(STORE_OK, 0, 0, arg);
}

/* Exit status; *known: redis_open finds an address. */
static int names_resolve(struct node *n, bool *known)
{
	struct redis_names *names = NULL;
	int status = NODE_EXIT_OK,
	    err = redis_names_resolve(&names, bytes_str(n->redis->place.url));

	*known = err == -ENODATA || err == -EINVAL; /* redis_open says what is wrong */
	node_wait_start(n);
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

/* An unknown name may be known soon: its name server may start with this machine. Exit status. */
static int names_await(struct node *n)
{
	bool known = false;
	int status = names_resolve(n, &known);

	while (!status && !known) {
		status = node_late_pause(n, NAME_AGAIN_NS);
		if (!status)
			status = names_resolve(n, &known);
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
		node_wait_start(n);
		n->redis->wait.for_link = true;
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

	node_late_start(n, "a link");
	status = redis_link_open(n, &n->redis->link, settings, node_on_redis);
	if (!status && !redis_is_connected(n->redis->link))
		status = node_late_await(n);
	n->redis->wait.for_link = false;
	if (!status)
		node_late_end(n);
	return status;
}

static int start_redis(struct node *n)
{
	struct redis_settings settings = { .deadline_ns = n->settings->redis.deadline,
					   .pending_max = REDIS_PENDING_MAX,
					   .labels = "link=\"main\"" };
	int err = 0;

	n->redis->embedded_used = n->settings->redis.place.url[0] == '\0';
	n->redis->embedded.fsync = g_settings_fsync[n->settings->redis.fsync];
	if (n->redis->embedded_used)
		err = embedded_start(&n->redis->embedded);
	if (err) {
		LOG_ERROR("node", 0,
			  "the node's own Redis does not start: is redis-server installed?",
			  LOG_STR("error", strerror(-err)));
		n->redis->embedded_used = false;
		return NODE_EXIT_FAILED;
	}
	if (n->redis->embedded_used) {
		(void)snprintf(n->redis->place.url, sizeof(n->redis->place.url), "unix:%s",
			       n->redis->embedded.socket_path);
	} else {
		n->redis->place = n->settings->redis.place;
	}
	n->redis->place.meant = &n->redis->belonging.meant;
	settings.place = n->redis->place;
	return redis_link_start(n, &settings);
}

/* Without it the node runs on, but keeps no lease: acks alone make leases valid. Exit status. */
static int leases_link_open(struct node *n)
{
	const struct redis_settings settings = { .place = n->redis->place,
						 .deadline_ns = n->settings->redis.deadline,
						 .labels = "link=\"leases\"" };
	int status;

	if (!node_is_clustered(n) || !n->settings->cluster.replicas)
		return NODE_EXIT_OK;
	if (redis_is_cluster(n->redis->link)) {
		LOG_WARN("node", 0,
			 "cluster.replicas: not asked with Redis Cluster: no lease is kept");
		return NODE_EXIT_OK;
	}
	node_late_start(n, "a link for leases");
	status = redis_link_open(n, &n->redis->leases, &settings, node_on_leases);
	if (status)
		return status;
	node_late_end(n);
	if (!redis_is_connected(n->redis->leases))
		(void)node_await(n, "a link to Redis for leases", LEASES_LIMIT_NS);
	n->redis->wait.for_link = false;
	return NODE_EXIT_OK;
}

static int store_of_all_open(struct node *n)
{
	struct store_shared_settings settings = {
		.deadline_ns = n->settings->redis.deadline,
		.tenant = directory_name,
		.tenant_arg = n,
		.replicas = node_is_clustered(n) ? n->settings->cluster.replicas : 0,
		.leases = n->redis->leases,
		.save_replicas = n->settings->redis.save_replicas,
	};

	for (size_t i = 0; g_document_kinds[i]; i++)
		settings.kinds[i] = g_document_kinds[i]->name;
	static_assert(sizeof(settings.node) == sizeof(n->settings->node.name), "copied whole");
	memcpy(settings.node, n->settings->node.name, sizeof(settings.node));
	return store_shared_open(&n->redis->store, n->redis->link, &settings);
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
		err = claimant_open(&n->cluster->claimant, n);
	if (!err)
		err = node_edge_open(n);
	return err ? NODE_EXIT_FAILED : NODE_EXIT_OK;
}

static int quota_start(struct node *n)
{
	struct quota_settings settings;

	settings_to_quotas(n->settings, n->capacity->calls_max, &settings);
	return quota_open(&n->common.quota, &settings, &n->rand);
}

/* Limits of users and trunks hold over all nodes. */
static int shares_start(struct node *n)
{
	uint32_t limits = 4 * n->capacity->calls_max + TENANTS_MAX + 3 * TRUNKS_MAX;
	int err = n->cluster->edge ? shares_open(&n->common.shares, n->common.tenants, limits) : 0;

	trunks_share(n->common.trunks, n->common.shares);
	quota_share(n->common.quota, n->common.shares);
	toll_share(n->common.toll, n->common.shares);
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
	int err = extensions_open(n->api.extensions, n->settings->limits.registrations, &key);

	static_assert((int)KEYS_LEN == (int)DIGEST_KEY_LEN, "one derived key");
	static_assert((int)KEYS_LEN == (int)SEAL_KEY_LEN, "one derived key");
	if (!err)
		err = door_open(&n->api.door, n);
	if (!err)
		n->web->door = door_web(n->api.door);
	if (!err)
		err = tenants_open(&n->common.tenants, &key);
	if (!err)
		err = trunks_open(&n->common.trunks, n->common.tenants);
	if (!err)
		err = hop_names_open(&n->common.names);
	if (!err)
		err = trunk_numbers_open(&n->common.numbers, &key);
	if (!err)
		err = tenancy_open(n);
	if (!err)
		err = dial_plans_open(&n->common.dials, n->common.tenants);
	if (!err)
		err = sites_open(&n->common.sites, n->common.tenants);
	if (!err)
		err = rooms_open(&n->common.rooms, n->common.tenants);
	if (!err)
		err = toll_open(&n->common.toll, n->settings->limits.registrations + TENANTS_MAX,
				n->shards->count, &key);
	if (!err)
		err = quota_start(n);
	if (!err)
		err = shares_start(n);
	if (err)
		return err;
	keys_derive(&n->keys, "tandem digest nonce 1", nonce_key);
	settings_to_shard(n->settings, nonce_key, n->sip->tls != NULL, &settings);
	settings.quota = quota_of(n->common.quota);
	settings.shares = n->common.shares;
	settings.lookup = node_dns_of(n);
	settings.certified = node_sip_certified(n);
	settings.features = sig_features;
	settings.tenants = n->common.tenants;
	settings.trunks = n->common.trunks;
	settings.names = n->common.names;
	settings.edges = node_edge_names(n);
	settings.numbers = n->common.numbers;
	settings.dials = n->common.dials;
	settings.sites = n->common.sites;
	settings.rooms = n->common.rooms;
	settings.toll = n->common.toll;
	settings.calls_max = n->capacity->calls_max;
	node_add_domains(n, &settings);
	node_call_waiting_tone(n, &settings);
	node_listeners_tenants(n, &settings);
	settings.boot = clock_boot();
	settings.fingerprint = n->media->certificate.fingerprint;
	if (shared_ports_count(n->settings))
		settings.shared = shared_ports_of(&n->media->shared_ports);
	settings.seal_key.id = n->keys.id;
	keys_derive(&n->keys, "tandem record seal 1", settings.seal_key.octets);
	settings.gruu_key.id = n->keys.id;
	keys_derive(&n->keys, "tandem gruu 1", settings.gruu_key.octets);
	node_message_key(n, &settings.message_key);
	explicit_bzero(nonce_key, sizeof(nonce_key));
	err = locations_open(&n->common.locations, &settings,
			     n->redis->embedded_used ? "" : n->settings->node.name, &n->rand,
			     clock_instant());
	if (!err)
		command_looks_join(n);
	if (!err)
		err = shard_shared_tables_open(&n->common.shared_tables, &settings, &n->rand);
	if (!err)
		keys_derive(&n->keys, "tandem bare phones 1", n->common.shared_tables->bare_key);
	if (!err)
		err = command_flows_ship(n);
	settings.shared_tables = n->common.shared_tables;
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
		.port = (enum engine_port)n->settings->media.port,
		.dpdk = &dpdk,
		.xdp_networks = xdp,
		.xdp_network_count = settings_to_xdp(n->settings, xdp),
		.workers = n->settings->media.workers,
		.slots = settings_port_pairs(n->settings),
		.jobs = NODE_SHARED_JOBS + 2 * (settings_port_pairs(n->settings) / 2),
		.shared_ports = shared_ports_count(n->settings),
		.commands = ENGINE_COMMANDS,
		.events = ENGINE_EVENTS,
		.batch_wait_us = n->settings->media.batch_wait_us,
		.coding = settings_to_coding(n->settings),
		.certificate = &n->media->certificate,
		.validity = &n->shards->validity,
		.guard = n->sip->kernel,
		.xdp_forward = (enum engine_forward)n->settings->media.xdp_forward,
		.xdp_forward_alive_ns = n->settings->media.xdp_forward_alive,
		.names = names,
		.name_count = own_names(n->settings, names),
		.left = &left,
	};
	int err;

	codecs_load();
	settings_to_dpdk(n->settings, &dpdk);
	node_keeper_remains_await(n, &left);
	err = engine_open(&n->media->engine, &settings);
	remains_close(&left);
	if (!err)
		node_keeper_remain(n);
	if (geteuid() != 0) /* what the start was given is used up; root is trusted with more */
		privilege_drop();
	if (!err)
		err = shared_ports_open(&n->media->shared_ports, n->media->engine, n->settings);
	return err ? err : media_queue_open(&n->media->queue, n->media->engine, settings.slots);
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
		err = ended_open(&n->shards->ended);
	node_memory(&after, &resident);
	n->capacity->reserved_bytes = after > before ? after - before : 0;
	if (err) {
		LOG_ERROR("node", 0, "cannot open calls and media",
			  LOG_STR("error", strerror(-err)));
	} else if (node_capacity_probe(n->settings)) {
		return NODE_EXIT_FAILED;
	}
	return err ? NODE_EXIT_FAILED : NODE_EXIT_OK;
}

static int message_away(uint16_t from, uint16_t to, struct bytes message, void *arg)
{
	return node_edge_inter_shard(arg, from, to, message);
}

static effects_node_fn *g_carries[EFFECT_KINDS];

static void carriers_setup(void)
{
	FEATURE_EACH (f) {
		for (const struct carrier *c = f->carriers; c && c->carry; c++)
			g_carries[c->kind] = c->carry;
	}
	g_carries[EFFECT_EVENT] = node_event_carry;
}

/* s NULL: of locations */
static void effects_to_set(struct effects_to *to, struct node *n, struct node_shard *s)
{
	to->sip = n->sip->transport;
	to->inter_shard = n->sip->inter_shard;
	to->away = message_away;
	to->store = s ? s->store : NULL;
	to->shard = s ? s->number : 0;
	to->validity = &n->shards->validity;
	to->place = s ? node_shard_place(s) : VALID_ALWAYS;
	to->shared = n->redis->store;
	to->media = &n->media->queue;
	to->sockets = &n->cluster->keeper.sockets;
	to->ahead = s ? &s->ahead.sockets : NULL;
	to->answers = &n->shards->answers;
	to->ended = &n->shards->ended;
	to->plays = &n->media->plays;
	to->mixers = &n->media->mixers;
	to->bind_again_until_ns = clock_now_ns() + BIND_AGAIN_NS;
	to->passed = node_on_passed;
	to->carries = g_carries;
	to->node = n;
	to->fenced = s ? &s->fenced : &n->life->silent;
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
	effects_to_set(&n->shards->effects_to, n, NULL);
	for (uint32_t i = 0; i < n->shards->count; i++)
		effects_to_set(&n->shards->list[i].effects_to, n, &n->shards->list[i]);
	err = loop_watch(engine_event_fd(n->media->engine), LOOP_READ, node_on_media, n);
	if (err) {
		LOG_ERROR("node", 0, "cannot watch the media worker",
			  LOG_STR("error", strerror(-err)));
	}
	return err ? NODE_EXIT_FAILED : NODE_EXIT_OK;
}

static int start_doors(struct node *n)
{
	int err = control_open(&n->api.control, n, &n->redis->place);

	if (!err)
		err = others_open(&n->api.others, n, &n->redis->place);
	if (err) {
		LOG_ERROR("node", 0, "cannot open the control API",
			  LOG_STR("error", strerror(-err)));
		return NODE_EXIT_FAILED;
	}
	command_tenants_listen(n);
	err = node_web_open(n);
	FEATURE_EACH (f) {
		if (!err && f->listen)
			err = f->listen(n);
	}
	return err ? NODE_EXIT_FAILED : NODE_EXIT_OK;
}

/* Ends phones of extensions deleted while this node was away; none if documents are unknown. */
static void locations_forget_gone(struct node *n)
{
	const struct mirror *mirror = &n->api.documents->keep.mirror;
	const struct aor *entry;
	uint32_t cursor = 0;

	while (!n->api.documents->keep.broken &&
	       (entry = locations_next(n->common.locations, &cursor)) != NULL) {
		struct bytes tenant = text_bytes(&entry->tenant), user = text_bytes(&entry->user);

		if (!entry->count || mirror_text(mirror, tenant, BYTES_LIT("extension"), user).n)
			continue;
		LOG_INFO("node", 0, "a registration ends: its extension was deleted",
			 LOG_BYTES("tenant", tenant), LOG_BYTES("user", user));
		locations_forget(n->common.locations, tenants_number(n->common.tenants, tenant),
				 user, clock_instant());
	}
}

static int start_running(struct node *n)
{
	node_keeper_sockets_receive(n);
	node_players_start(n); /* restored calls know what they wait for */
	for (uint32_t i = 0; i < n->shards->count; i++) {
		if (n->shards->list[i].state == NODE_SHARD_LIVE)
			shard_resume(n->shards->list[i].core, clock_instant());
	}
	locations_resume(n->common.locations, clock_instant());
	locations_forget_gone(n);
	node_guard_restore(n);
	n->life->phase = NODE_RUNNING;
	for (uint32_t i = 0; i < n->shards->count; i++) {
		struct node_shard *s = &n->shards->list[i];

		if (s->state == NODE_SHARD_LIVE && !store_is_healthy(s->store))
			node_on_store_health(false, s);
	}
	/* What came on the event descriptor before it was watched wakes nobody. */
	node_on_media(-1, 0, n);
	health_beat(&n->web->health, clock_now_ns());
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
	carriers_setup();
	document_setup();
	plays_setup();
	FEATURE_EACH (f) {
		for (const struct metric_def *m = f->metrics; m && m->id; m++)
			*m->id = metric_register(m->type, m->name, m->labels, m->help);
		CHILD_EACH (kind, f)
			child_open(kind->child, n, kind);
		if (f->setup)
			f->setup();
	}
	mixers_setup();
	live_setup();
	resolver_setup();
	node_probe_setup();
	control_setup();
	control_local_setup();
	door_setup();
	directory_setup();
	document_keep_setup();
	command_lint_setup();
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
	guard_setup();
	for (size_t i = 0; i < COUNT_OF(steps) && status == NODE_EXIT_OK && !n->life->stop_asked;
	     i++)
		status = steps[i](n);
	/* told to stop while it started: nothing has failed */
	return n->life->stop_asked ? NODE_EXIT_OK : status;
}

enum { STOP_LOOKS = 4 };

/* Answers all waiting callers: commands, then saves, then the rest of the pipeline. */
static void stop_redis(struct node *n)
{
	struct claimant *claimant = n->cluster->claimant;

	if (n->api.control)
		control_stop(n->api.control);
	/* a ticket that ends may wait again, for a second look at most */
	for (unsigned i = 0; i < STOP_LOOKS; i++)
		tickets_expire(n->api.tickets, UINT64_MAX);
	command_walks_drop(n);
	command_sets_drop(n);
	command_orders_drop(n);
	document_beat(n, UINT64_MAX);
	directory_stop(n);
	claimant_stop(claimant);
	n->cluster->claimant = NULL;
	node_shards_store_close(n);
	store_shared_close(n->redis->store);
	claimant_close(claimant);
	if (n->redis->link)
		redis_close(n->redis->link);
	if (n->redis->leases)
		redis_close(n->redis->leases);
	control_close(n->api.control);
	others_close(n->api.others);
	n->api.others = NULL;
	control_local_close(n->api.local);
	n->api.local = NULL;
	if (n->redis->embedded_used)
		embedded_stop(&n->redis->embedded);
}

static void stop_media(struct node *n)
{
	if (!n->media->engine)
		return;
	node_watch_close(n); /* it reads what the engine copies */
	node_siprec_close(n);
	node_record_close(n);
	node_lives_close(n); /* likewise */
	loop_unwatch(engine_event_fd(n->media->engine));
	media_queue_close(&n->media->queue);
	engine_close(n->media->engine);
}

void node_stop(struct node *n)
{
	n->life->phase = NODE_STOPPING;
	FEATURE_EACH (f) {
		CHILD_EACH (kind, f)
			child_close(kind->child);
		if (f->close)
			f->close(n);
	}
	node_web_close(n);
	door_shut(n->api.door);
	transport_close(n->sip->transport);
	node_edge_close(n);
	node_held_close(n);
	inter_shard_close(n->sip->inter_shard);
	node_guard_close(n);
	tls_close(n->sip->tls);
	stop_redis(n);
	stop_media(n);
	node_players_close(n);
	answers_close(&n->shards->answers);
	ended_close(&n->shards->ended);
	node_shards_close(n);
	shard_shared_tables_close(n->common.shared_tables);
	locations_close(n->common.locations);
	node_probe_close(n);
	resolver_close(n->dns->resolver);
	document_keep_close(n);
	quota_close(n->common.quota);
	trunk_numbers_close(n->common.numbers);
	trunks_close(n->common.trunks);
	hop_names_close(n->common.names);
	dial_plans_close(n->common.dials);
	sites_close(n->common.sites);
	rooms_close(n->common.rooms);
	toll_close(n->common.toll);
	shares_close(n->common.shares);
	tenants_close(n->common.tenants);
	command_sets_close(n);
	command_set_move_close(n);
	tenancy_close(n);
	if (n->api.extensions->pool.slots)
		extensions_close(n->api.extensions);
	door_close(n->api.door);
	certificate_close(&n->media->certificate);
	node_keeper_stop(n);
	if (n->life->loop_opened)
		loop_close();
	LOG_INFO("node", 0, "stopped");
}
