/* SPDX-License-Identifier: Apache-2.0 */
/* What a start loads: leases first, then what Redis knows: documents, registrations, and calls of
 * each shard that is owned. One shard is enough to start with; the others are waited for while the
 * node runs. What is loaded before a loss of Redis is read again, and calls are forgotten first, so
 * that none is there twice. */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "app/command/commands.h"
#include "app/daemon/daemon.h"
#include "app/document/directory.h"
#include "app/document/document.h"
#include "app/document/document_keep.h"
#include "app/node/node.h"
#include "app/node/node_keeper.h"
#include "app/node/node_life.h"
#include "app/node/node_shard.h"
#include "app/node/node_wait.h"
#include "base/log.h"
#include "base/loop.h"

#define ACQUIRE_LIMIT_NS (30 * NS_PER_S)
#define LOAD_PAUSE_NS    (500 * NS_PER_MS)

static int load_on_document(struct bytes name, uint64_t version, struct bytes json, void *arg)
{
	struct node *n = arg;
	const struct snapshot_document d = { .tenant = bytes_str(n->api.documents->loading_of),
					     .kind = bytes_str(n->api.documents->loading->name),
					     .name = name,
					     .version = version,
					     .text = json };
	int err = document_refuse_gone(n, &d) ? 0 : document_load(n, &d);

	n->life->records_broken += err == -EBADMSG;
	return err;
}

static int on_binding(struct bytes key, struct bytes record, void *arg)
{
	struct node *n = arg;
	const char *reason = "";
	int err = locations_restore(n->common.locations, record, clock_instant(), &reason);

	if (err == -EEXIST && n->redis->late.repeats) /* Redis was lost behind it */
		return 0;
	if (err) {
		n->life->records_broken += err != -EPROTONOSUPPORT;
		LOG_ERROR("node", 0, "a registration cannot be restored", LOG_BYTES("key", key),
			  LOG_STR("reason", reason), LOG_STR("error", strerror(-err)));
		return err;
	}
	n->life->bindings_restored++;
	return 0;
}

/* The result of a load. s: its shard; NULL: no shard's. Exit status. */
static int loaded(struct node *n, const struct node_shard *s, const char *what)
{
	const char *key;

	if (n->redis->wait.result == STORE_OK)
		return NODE_EXIT_OK;
	key = store_shared_too_new(n->redis->store);
	if (!key && s)
		key = store_shard_too_new(s->store);
	if (key) {
		LOG_ERROR("node", 0,
			  "Redis has records of a later program: start that one again, and let it "
			  "end its calls before you go back",
			  LOG_STR("key", key));
		return NODE_EXIT_CONFIG;
	}
	LOG_ERROR("node", 0, "cannot load from Redis", LOG_STR("what", what));
	return NODE_EXIT_FAILED;
}

/* Of no shard: what is there already is read again where Redis was lost meanwhile. */
static int load_by(struct node *n, const char *what, void (*ask)(struct node *n, const void *arg),
		   const void *arg)
{
	const struct node_question q = { .what = what, .ask = ask, .arg = arg };
	int status = node_request(n, &q);

	return status ? status : loaded(n, NULL, what);
}

/* Lets the loop run for about so long. */
static void lease_pause(struct node *n, uint64_t ns)
{
	uint64_t end_ns = clock_now_ns() + ns;

	/* the beat stops the loop twice a second */
	while (!n->life->stop_asked && clock_now_ns() < end_ns) {
		if (loop_run())
			return;
	}
}

static void ask_lease(struct node *n, const void *arg)
{
	const struct node_shard *s = arg;

	store_acquire(s->store, node_wait_end, n);
}

/* Exit status; OK: it has the lease, or waits, or is lost. */
static int acquire_once(struct node *n, struct node_shard *s)
{
	const struct node_question q = {
		.what = "the lease of the shard", .ask = ask_lease, .arg = s, .even_refused = true
	};
	int status = node_request(n, &q);

	if (status)
		return status;
	if (n->redis->wait.result == STORE_CONFLICT) {
		(void)node_shard_is_held(s);
		return NODE_EXIT_OK;
	}
	s->owned = n->redis->wait.result == STORE_OK;
	if (s->owned)
		return NODE_EXIT_OK;
	LOG_ERROR("node", 0, "cannot take the lease of the shard", LOG_U64("shard", s->number));
	return NODE_EXIT_FAILED;
}

/* Exit status. */
static int acquire_some(struct node *n, bool *owned)
{
	uint32_t waiting = 0;
	int status = NODE_EXIT_OK;

	for (uint32_t i = 0; i < n->shards->count && !status; i++) {
		if (n->shards->list[i].state == NODE_SHARD_WAITING)
			status = acquire_once(n, &n->shards->list[i]);
		*owned |= n->shards->list[i].owned;
		waiting += n->shards->list[i].state == NODE_SHARD_WAITING;
	}
	return status || waiting ? status : NODE_EXIT_CONFIG;
}

/* In a cluster: those that are free. The others are waited for while the node runs. */
static int acquire_free(struct node *n)
{
	int status = NODE_EXIT_OK;

	for (uint32_t i = 0; i < n->shards->count && !status; i++) {
		if (n->shards->list[i].home)
			status = acquire_once(n, &n->shards->list[i]);
	}
	return status;
}

/* One is enough to start with: the others wait on while the node runs. */
static int acquire(struct node *n)
{
	bool owned = false;
	int status;

	if (node_is_clustered(n))
		return acquire_free(n);
	while (!(status = acquire_some(n, &owned)) && !owned && !n->life->stop_asked)
		lease_pause(n, LOAD_PAUSE_NS);
	return n->life->stop_asked ? NODE_EXIT_FAILED : status;
}

static void ask_shard_keys(struct node *n, const void *arg)
{
	const struct node_shard *s = arg;

	store_shard_keys_check(s->store, node_wait_end, n);
}

static void ask_shared_keys(struct node *n, const void *arg)
{
	(void)arg;
	store_shared_keys_check(n->redis->store, node_wait_end, n);
}

/* Before anything is read: one key of the wrong type would end every start. */
static int check_keys(struct node *n)
{
	struct node_question q = { .what = "the types of the keys", .ask = ask_shared_keys };
	int status = node_request(n, &q);

	q.ask = ask_shard_keys;
	for (uint32_t i = 0; i < n->shards->count && !status; i++) {
		q.arg = &n->shards->list[i];
		status = node_request(n, &q);
	}
	return status;
}

static void ask_documents(struct node *n, const void *arg)
{
	const struct document_kind *kind = arg;

	store_load_documents(n->redis->store, bytes_str(n->api.documents->loading_of), kind->name,
			     load_on_document, node_wait_end, n);
}

static int load_kind(struct node *n, const char *tenant, const struct document_kind *kind)
{
	char name[SNAPSHOT_NAME_MAX + 1];

	(void)snprintf(name, sizeof(name), "%s", tenant); /* the directory's may move meanwhile */
	n->api.documents->loading = kind;
	n->api.documents->loading_of = name;
	return load_by(n, kind->name, ask_documents, kind);
}

/* Those that operators' documents tell of are not known yet, but of the snapshot. */
static int load_tenant(struct node *n, uint32_t i)
{
	struct directory *d = &n->api.documents->directory;
	uint32_t known = d->tenant_count;
	bool operators = !strcmp(d->tenants[i].name, DIRECTORY_OPERATORS);
	int status = NODE_EXIT_OK;

	for (size_t k = 0; g_document_kinds[k] && status == NODE_EXIT_OK; k++) {
		if (g_document_kinds[k]->of_operators == operators)
			status = load_kind(n, d->tenants[i].name, g_document_kinds[k]);
	}
	return status || d->tenant_count == known ? status : directory_look_at_start(n, known);
}

static int load_all_tenants(struct node *n)
{
	struct directory *d = &n->api.documents->directory;
	int status = NODE_EXIT_OK;

	for (uint32_t i = 0; i < d->tenant_count && status == NODE_EXIT_OK; i++) {
		status = load_tenant(n, i);
		d->tenants[i].differs = false;
	}
	return status;
}

static int load_documents(struct node *n)
{
	int status;

	status = document_keep_open(n);
	if (status)
		return status;
	if (g_profile_documents.apply(n, TENANT_DEFAULT,
				      &document_profiles(n, TENANT_DEFAULT)->list[0]))
		return NODE_EXIT_FAILED;
	status = load_all_tenants(n);
	n->api.documents->keep.loaded = status == NODE_EXIT_OK;
	return status ? status : directory_follow(n);
}

static void on_calls(enum store_result result, uint64_t key, uint64_t version, void *arg)
{
	const struct node_shard *s = arg;

	node_wait_end(result, key, version, s->node);
}

static void on_addresses(struct node_shard *s)
{
	node_wait_end(STORE_OK, 0, 0, s->node);
}

/* A load of a shard's calls, and how many of others there were before. */
struct calls_question {
	struct node_shard *shard;
	uint32_t restored;
};

/* Where Redis was lost behind some they are forgotten first: else they would be there twice. */
static void ask_calls(struct node *n, const void *arg)
{
	const struct calls_question *q = arg;

	if (n->redis->late.repeats) {
		node_shard_forget(q->shard);
		n->life->calls_restored = q->restored;
	}
	node_shard_load_calls(q->shard, on_calls);
}

/* Media ports are bound while calls are loaded. */
static int load_calls(struct node *n, struct node_shard *s)
{
	const struct calls_question calls = { s, n->life->calls_restored };
	int status;

	node_wait_start(n);
	node_addresses_claim(s, on_addresses);
	if (!node_await(n, "the shard's addresses", ACQUIRE_LIMIT_NS))
		return NODE_EXIT_FAILED;
	status = node_request(
		n, &(struct node_question){ .what = "calls", .ask = ask_calls, .arg = &calls });
	if (!status)
		status = loaded(n, s, "calls");
	if (!status)
		node_shard_loaded(s);
	return status;
}

static void ask_bindings(struct node *n, const void *arg)
{
	(void)arg;
	store_load_bindings(n->redis->store, on_binding, node_wait_end, n);
}

int node_load(struct node *n)
{
	int status = check_keys(n);

	if (!status)
		status = acquire(n);
	if (!status)
		status = load_documents(n);
	if (status)
		return status;
	status = load_by(n, "registrations", ask_bindings, NULL);
	for (uint32_t i = 0; i < n->shards->count && !status; i++) {
		if (n->shards->list[i].owned)
			status = load_calls(n, &n->shards->list[i]);
	}
	return status;
}
